// Instances: linking, its failures, start functions, exports, lifetimes and cycles.

#include "check.h"

static bool trap_contains(const wasm_trap_t* trap, const char* words) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  bool found = message.size && strstr(message.data, words) != NULL;
  if (!found) fprintf(stderr, "the trap says: %s\n", message.size ? message.data : "");
  wasm_byte_vec_delete(&message);
  return found;
}

// Instantiation must fail with a trap that says each of the words; without a place for a trap it fails all the same.
static void fails(wasm_store_t* store, const wasm_module_t* module, const wasm_extern_vec_t* imports, const char* first,
                  const char* second, const char* third) {
  wasm_trap_t* trap = NULL;
  CHECK_REASON(wasm_instance_new(store, module, imports, &trap) == NULL);
  CHECK(trap && trap_contains(trap, first) && trap_contains(trap, second) && trap_contains(trap, third));
  wasm_trap_delete(trap);
  CHECK(wasm_instance_new(store, module, imports, NULL) == NULL);
}

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

// Imports are positional. Too few, NULL, the wrong kind or type: no instance, and a trap that names the import, what was
// expected and what was given.
static void link_errors(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i64());
  wasm_func_t* func = wasm_func_new(store, type, nothing);
  wasm_functype_delete(type);
  wasm_limits_t limits = {1, 5};
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
  wasm_table_t* table = wasm_table_new(store, table_type, NULL);
  wasm_tabletype_delete(table_type);
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
  wasm_val_t zero = WASM_I32_VAL(0);
  wasm_global_t* global = wasm_global_new(store, global_type, &zero);
  wasm_globaltype_delete(global_type);
  wasm_extern_t *f = wasm_func_as_extern(func), *m = wasm_memory_as_extern(memory), *t = wasm_table_as_extern(table),
                *g = wasm_global_as_extern(global);
  static const struct {
    const char *import, *expected, *given;
    char item;
  } cases[] = {
      {"(func (param i32))", "i32", "i64", 'f'},
      {"(func (param i64) (result i64))", "[i64] -> [i64]", "[i64] -> []", 'f'},
      {"(func)", "func", "memory", 'm'},
      {"(memory 1)", "memory", "func", 'f'},
      {"(memory 2)", "2", "1 5", 'm'},
      {"(memory 1 4)", "1 4", "1 5", 'm'},
      {"(table 1 5 funcref)", "funcref", "externref", 't'},
      {"(table 2 5 externref)", "2 5", "1 5", 't'},
      {"(table 1 3 externref)", "1 3", "1 5", 't'},
      {"(global i32)", "i32", "mut i32", 'g'},
      {"(global (mut i64))", "i64", "i32", 'g'},
      {"(global (mut i32))", "global", "table", 't'},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char wat[200];
    snprintf(wat, sizeof wat, "(module (import \"env\" \"first\" (func (param i64))) (import \"env\" \"second\" %s))",
             cases[i].import);
    wasm_module_t* module = check_module(store, wat);
    wasm_extern_t* given = cases[i].item == 'f' ? f : cases[i].item == 'm' ? m : cases[i].item == 't' ? t : g;
    wasm_extern_t* items[] = {f, given};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    fails(store, module, &imports, "second", cases[i].expected, cases[i].given);
    // Too few, and NULL among them.
    imports.size = 1;
    fails(store, module, &imports, "second", "env", "");
    imports.size = 2;
    items[1] = NULL;
    fails(store, module, &imports, "second", "env", "");
    fails(store, module, NULL, "first", "env", "");
    wasm_module_delete(module);
  }
  // More than enough is no harm.
  wasm_extern_t* items[] = {f, g, t};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_module_t* module = check_module(store, "(module (import \"\" \"\" (func (param i64))))");
  wasm_trap_t* trap = (wasm_trap_t*)8;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &trap);
  CHECK(instance && !trap);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_global_delete(global);
  wasm_table_delete(table);
  wasm_memory_delete(memory);
  wasm_func_delete(func);
  wasm_store_delete(store);
}

// A start function or an active segment that traps gives its trap; what it did to imported objects stays.
static void traps_while_instantiating(void) {
  wasm_store_t* store = check_store();
  wasm_limits_t limits = {1, 5};
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_table_t* table = wasm_table_new(store, table_type, NULL);
  wasm_tabletype_delete(table_type);
  wasm_extern_t* items[] = {wasm_memory_as_extern(memory), wasm_table_as_extern(table)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
#define IMPORTS "(module (import \"\" \"m\" (memory 1)) (import \"\" \"t\" (table 1 funcref))"
  wasm_module_t* module = check_module(
      store, IMPORTS " (data (i32.const 1) \"kept\") (data (i32.const 65535) \"no\") (data (i32.const 9) \"late\"))");
  fails(store, module, &imports, "out of bounds memory access", "", "");
  CHECK(memcmp(wasm_memory_data(memory), "\0kept\0\0\0\0\0", 10) == 0);
  CHECK(wasm_memory_data(memory)[65535] == 0);
  wasm_module_delete(module);

  module = check_module(store, IMPORTS
                        " (func $f) (elem (i32.const 0) $f) (elem (i32.const 1) $f) (data (i32.const 20) \"late\"))");
  fails(store, module, &imports, "out of bounds table access", "", "");
  wasm_ref_t* ref = wasm_table_get(table, 0);
  CHECK(ref && wasm_memory_data(memory)[20] == 0);
  wasm_module_delete(module);
  // The function of the instance that never came to be is alive, and can be called.
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(wasm_ref_as_func(ref), &none, &none));
  wasm_ref_delete(ref);

  module = check_module(
      store, IMPORTS " (func $f (i32.store8 (i32.const 30) (i32.const 1)) unreachable) (start $f))");
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &imports, &trap));
  CHECK(trap && trap_says(trap, "unreachable"));
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && wasm_frame_func_index(origin) == 0);
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
  CHECK(wasm_memory_data(memory)[30] == 1);
  wasm_module_delete(module);
  wasm_table_delete(table);
  wasm_memory_delete(memory);
  wasm_store_delete(store);
}

static wasm_trap_t* note(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  *(int32_t*)env = args->data[0].of.i32;
  return NULL;
}

static void start_functions(void) {
  wasm_store_t* store = check_store();
  int32_t noted = 0;
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new_with_env(store, type, note, &noted, NULL);
  wasm_functype_delete(type);
  wasm_instance_delete(check_instance(store,
                                      "(module (import \"\" \"n\" (func $n (param i32))) (memory 1)"
                                      "  (data (i32.const 3) \"\\2a\")"
                                      "  (func $s (call $n (i32.load8_u (i32.const 3)))) (start $s))",
                                      1, wasm_func_as_extern(host)));
  CHECK(noted == 42);
  wasm_func_delete(host);
  wasm_store_delete(store);
}

// Exports come in the module's order and number; two calls give handles of the same objects.
static void exports(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store,
                                       "(module (func $f (export \"z\") (export \"a\")) (memory (export \"m\") 1)"
                                       "  (global (export \"g\") i32 (i32.const 1)) (table (export \"\") 1 funcref))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC, first, second;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  wasm_instance_exports(instance, &first);
  wasm_instance_exports(instance, &second);
  wasm_exporttype_vec_t types;
  wasm_module_exports(module, &types);
  CHECK(first.size == 5 && second.size == 5 && types.size == 5);
  for (int i = 0; i < 5; i++) {
    CHECK(wasm_extern_same(first.data[i], second.data[i]));
    CHECK(wasm_extern_kind(first.data[i]) == wasm_externtype_kind(wasm_exporttype_type(types.data[i])));
  }
  CHECK(wasm_extern_same(first.data[0], first.data[1]));
  CHECK(!wasm_extern_same(first.data[0], first.data[2]));
  wasm_exporttype_vec_delete(&types);
  wasm_extern_vec_delete(&first);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  CHECK(wasm_extern_kind(second.data[4]) == WASM_EXTERN_TABLE);
  wasm_extern_vec_delete(&second);
  wasm_store_delete(store);
}

// What an instance imports lives as long as it; freed while the store lives when nothing reaches it any more.
static void instances_are_freed(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_instance_t* instance = check_instance(store, "(module (func (export \"f\") (result i32) (i32.const 1)))", 0);
  wasm_instance_set_host_info_with_finalizer(instance, &finalized, count_up);
  wasm_func_t* func = check_func(instance, 0);
  wasm_instance_delete(instance);
  CHECK(finalized == 0 && check_call(func, 0) == 1);
  wasm_func_delete(func);
  // The last handle, never escaped: gone at once.
  CHECK(finalized == 1);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

// Cycles between instances (one imports the other's function, whose table holds the first's) are collected while the
// store lives, and at the latest go with it.
static void cycles_are_freed(void) {
  enum { ROUNDS = 3000 };
  wasm_store_t* store = check_store();
  wasm_module_t* b = check_module(store,
                                  "(module (table (export \"t\") 1 funcref) (type $i (func (result i32)))"
                                  "  (func (export \"f\") (result i32) (call_indirect (type $i) (i32.const 0))))");
  wasm_module_t* a = check_module(store,
                                  "(module (import \"\" \"t\" (table 1 funcref)) (import \"\" \"f\" (func $f (result i32)))"
                                  "  (func $g (result i32) (i32.const 5)) (elem (i32.const 0) $g)"
                                  "  (func (export \"f\") (result i32) (call $f)))");
  int finalized = 0;
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  for (int i = 0; i < ROUNDS; i++) {
    wasm_instance_t* second = wasm_instance_new(store, b, &none, NULL);
    CHECK(second);
    wasm_extern_vec_t imports;
    wasm_instance_exports(second, &imports);
    wasm_instance_t* first = wasm_instance_new(store, a, &imports, NULL);
    CHECK(first);
    wasm_extern_vec_delete(&imports);
    wasm_instance_set_host_info_with_finalizer(first, &finalized, count_up);
    wasm_instance_set_host_info_with_finalizer(second, &finalized, count_up);
    wasm_func_t* func = check_func(first, 0);
    CHECK(check_call(func, 0) == 5);
    wasm_func_delete(func);
    wasm_instance_delete(first);
    wasm_instance_delete(second);
  }
  CHECK(finalized > ROUNDS);
  wasm_module_delete(a);
  wasm_module_delete(b);
  wasm_store_delete(store);
  CHECK(finalized == 2 * ROUNDS);
}

static void nulls(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module)");
  wasm_extern_vec_t none = WASM_EMPTY_VEC, out = {7, (wasm_extern_t**)8};
  wasm_trap_t* trap = (wasm_trap_t*)8;
  CHECK_NO_REASON((wasm_instance_delete(NULL), true));
  CHECK_REASON(wasm_instance_new(store, NULL, &none, &trap) == NULL);
  CHECK(trap != (wasm_trap_t*)8);
  wasm_trap_delete(trap);
  trap = (wasm_trap_t*)8;
  CHECK_REASON(wasm_instance_new(NULL, module, &none, &trap) == NULL);
  CHECK(trap != (wasm_trap_t*)8);
  wasm_trap_delete(trap);
  CHECK_REASON((wasm_instance_exports(NULL, &out), out.size == 0 && !out.data));
  CHECK_REASON(wasm_instance_copy(NULL) == NULL);
  // No imports, as no vector.
  trap = (wasm_trap_t*)8;
  wasm_instance_t* instance = wasm_instance_new(store, module, NULL, &trap);
  CHECK(instance && !trap);
  wasm_instance_exports(instance, &out);
  CHECK(out.size == 0);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

int main(void) {
  link_errors();
  traps_while_instantiating();
  start_functions();
  exports();
  instances_are_freed();
  cycles_are_freed();
  nulls();
  return 0;
}
