// The semantics the header documents for values, calls, traps, globals, memories, tables, modules and instances, as far as the program of
// each section leaves them open.

#include "check.h"

static bool contains(const wasm_trap_t* trap, const char* words) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  bool found = strstr(message.data, words) != NULL;
  if (!found) fprintf(stderr, "the trap says: %s\n", message.data);
  wasm_byte_vec_delete(&message);
  return found;
}

static wasm_trap_t* nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

// "`wasm_global_new` with another numeric kind takes the bits and records the reason; a reference for a number, or the reverse, gives
// NULL": of every pair of kinds.
static void globals_of_other_kinds(void) {
  wasm_store_t* store = check_store();
  const uint64_t bits = 0xc03e000080000001;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, LIBWASM_V128, WASM_EXTERNREF, WASM_FUNCREF};
  for (size_t wanted = 0; wanted < sizeof kinds; wanted++) {
    for (size_t given = 0; given < sizeof kinds; given++) {
      wasm_val_t value = {.kind = kinds[given], .of = {.i64 = (int64_t)bits}}, read;
      uint8_t bytes[16] = {1, 2, 3};
      if (kinds[given] >= WASM_EXTERNREF) value.of.ref = given % 2 ? wasm_foreign_as_ref(foreign) : NULL;
      if (kinds[given] == LIBWASM_V128) libwasm_val_new_v128(bytes, &value);
      wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new(kinds[wanted]), WASM_CONST);
      libwasm_last_error_clear();
      wasm_global_t* global = wasm_global_new(store, type, &value);
      bool recorded = libwasm_last_error_kind() != 0;
      CHECK(recorded == (wanted != given));
      CHECK((global != NULL) == (wanted == given || (wanted < 4 && given < 4)));
      if (global && wanted < 4) {
        wasm_global_get(global, &read);
        bool narrow = kinds[wanted] == WASM_I32 || kinds[wanted] == WASM_F32 || kinds[given] == WASM_I32 || kinds[given] == WASM_F32;
        uint64_t wide = kinds[wanted] == WASM_I32 || kinds[wanted] == WASM_F32 ? (uint32_t)read.of.i32 : (uint64_t)read.of.i64;
        CHECK(read.kind == kinds[wanted] && wide == (narrow ? (uint32_t)bits : bits));
      }
      if (kinds[given] == LIBWASM_V128) wasm_val_delete(&value);
      wasm_global_delete(global);
      wasm_globaltype_delete(type);
    }
  }
  wasm_foreign_delete(foreign);
  wasm_store_delete(store);
}

// "`wasm_memory_type` and `wasm_table_type` of a live object report its current size as the minimum", grown by the host or a guest, and
// asked for as the type of an external object; importing goes by it as well. "`wasm_memory_data` stays valid until the memory dies."
static void live_sizes(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (memory (export \"m\") 1 9) (table $t (export \"t\") 1 9 externref)"
      " (func (export \"grow\") (result i32) (drop (memory.grow (i32.const 2))) (table.grow $t (ref.null extern) (i32.const 2))))", 0);
  wasm_memory_t* memory = check_memory(instance, 0);
  wasm_table_t* table = check_table(instance, 1);
  wasm_func_t* grow = check_func(instance, 2);
  char* data = wasm_memory_data(memory);
  data[5] = 55;
  for (uint32_t size = 1; size < 9; size += 4) {
    CHECK(check_call(grow, 0) == (int32_t)size);
    CHECK(wasm_memory_grow(memory, 2) && wasm_table_grow(table, 2, NULL));
    if (!check_mode_is_checked()) CHECK(wasm_memory_data(memory) == data);
    CHECK(wasm_memory_data(memory)[5] == 55);
    wasm_memorytype_t* memory_type = wasm_memory_type(memory);
    wasm_tabletype_t* table_type = wasm_table_type(table);
    wasm_externtype_t* types[] = {wasm_extern_type(wasm_memory_as_extern(memory)), wasm_extern_type(wasm_table_as_extern(table))};
    const wasm_limits_t* limits[] = {wasm_memorytype_limits(memory_type), wasm_tabletype_limits(table_type),
                                     wasm_memorytype_limits(wasm_externtype_as_memorytype(types[0])),
                                     wasm_tabletype_limits(wasm_externtype_as_tabletype(types[1]))};
    for (int i = 0; i < 4; i++) CHECK(limits[i]->min == size + 4 && limits[i]->max == 9);
    wasm_memorytype_delete(memory_type);
    wasm_tabletype_delete(table_type);
    wasm_externtype_delete(types[0]);
    wasm_externtype_delete(types[1]);
  }
  wasm_instance_delete(check_instance(store, "(module (import \"\" \"m\" (memory 9 9)) (import \"\" \"t\" (table 9 9 externref)))", 2,
                                      wasm_memory_as_extern(memory), wasm_table_as_extern(table)));
  // The last handle keeps the data, without the instance and the store's own handle.
  wasm_func_delete(grow);
  wasm_table_delete(table);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  CHECK(wasm_memory_data(memory)[5] == 55);
  if (!check_mode_is_checked()) CHECK(data[5] == 55);
  wasm_memory_delete(memory);
}

// "`wasm_trap_message` gives one that ends in exactly one NUL, counted in `size`", whatever was given.
static void messages(void) {
  static const struct {
    const char* given;
    size_t size, expected;
  } cases[] = {{"foobar", 6, 7}, {"foobar", 7, 7}, {"foobar\0\0\0", 9, 7}, {"", 0, 1}, {"", 1, 1}, {"\0\0\0", 3, 1}, {"a\0b", 3, 4}, {"a\0b", 4, 4}};
  wasm_store_t* store = check_store();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    wasm_message_t given = {cases[i].size, (char*)cases[i].given}, read;
    wasm_trap_t* trap = wasm_trap_new(store, &given);
    wasm_trap_message(trap, &read);
    CHECK(read.size == cases[i].expected && memcmp(read.data, cases[i].given, read.size - 1) == 0 && read.data[read.size - 1] == 0);
    CHECK(read.size == 1 || read.data[read.size - 2] != 0);
    wasm_byte_vec_delete(&read);
    wasm_trap_delete(trap);
  }
  wasm_store_delete(store);
}

// "Imports are positional. Too few, NULL, wrong kind or incompatible type: NULL, and `*trap` gets a trap that names the import, what was
// expected and what was given"; "`*trap` is set on every failure, and NULL on success; `trap` itself may be NULL".
static void imports(void) {
  wasm_store_t *store = check_store(), *other = check_store();
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_f32());
  wasm_func_t *func = wasm_func_new_with_env(store, type, nothing, NULL, NULL), *theirs = wasm_func_new_with_env(other, type, nothing, NULL, NULL);
  wasm_functype_delete(type);
  wasm_module_t* module = check_module(store, "(module (import \"mod\" \"one\" (func (param f32))) (import \"mod\" \"two\" (memory 1)))");
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&(wasm_limits_t){1, 1});
  wasm_memory_t* memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  wasm_extern_t *f = wasm_func_as_extern(func), *m = wasm_memory_as_extern(memory), *t = wasm_func_as_extern(theirs);
  const struct {
    wasm_extern_t* items[2];
    size_t size;
    const char *words[3];
  } cases[] = {{{f, m}, 2, {NULL}},          {{m, f}, 2, {"one", "func", "memory"}},    {{f, f}, 2, {"two", "memory", "func"}},
               {{f, NULL}, 2, {"two", "memory", ""}}, {{f, m}, 1, {"two", "memory", ""}}, {{f, m}, 0, {"one", "func", ""}},
               {{t, m}, 2, {"one", "store", ""}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    wasm_extern_vec_t vec = {cases[i].size, (wasm_extern_t**)cases[i].items};
    wasm_trap_t* trap = (wasm_trap_t*)8;
    libwasm_last_error_clear();
    wasm_instance_t *instance = wasm_instance_new(store, module, &vec, &trap), *again = wasm_instance_new(store, module, &vec, NULL);
    CHECK((instance != NULL) == (i == 0) && (again != NULL) == (i == 0) && (trap == NULL) == (i == 0));
    CHECK((libwasm_last_error_kind() == 0) == (i == 0));
    if (i) CHECK(contains(trap, "mod"));
    for (int j = 0; i && j < 3; j++) CHECK(contains(trap, cases[i].words[j]) && reason_says(cases[i].words[j]));
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    wasm_instance_delete(again);
  }
  wasm_module_delete(module);
  wasm_memory_delete(memory);
  wasm_func_delete(func);
  wasm_func_delete(theirs);
  wasm_store_delete(store);
  wasm_store_delete(other);
}

static wasm_trap_t* set_global(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  wasm_global_set(*(wasm_global_t**)env, &args->data[0]);
  return NULL;
}

// "When the start function or an active segment traps, `*trap` gets it; effects already made on imported objects stay", on globals,
// memories and tables, and what a host function did. The frames of the start function have their instance, which was never handed out.
static void start_functions_that_trap(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* exporter = check_instance(
      store, "(module (global (export \"g\") (mut i32) (i32.const 0)) (global (export \"h\") (mut i32) (i32.const 0))"
             " (memory (export \"m\") 1 4) (table (export \"t\") 2 funcref))", 0);
  wasm_global_t *global = check_global(exporter, 0), *by_host = check_global(exporter, 1);
  wasm_memory_t* memory = check_memory(exporter, 2);
  wasm_table_t* table = check_table(exporter, 3);
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new_with_env(store, type, set_global, &by_host, NULL);
  wasm_functype_delete(type);
  wasm_module_t* module = check_module(
      store,
      "(module (import \"\" \"g\" (global $g (mut i32))) (import \"\" \"m\" (memory 1)) (import \"\" \"t\" (table $t 1 funcref))"
      " (import \"\" \"f\" (func $host (param i32)))"
      " (data (i32.const 8) \"data\") (elem (i32.const 1) $elem) (func $elem (result i32) (i32.const 77))"
      " (func $start (global.set $g (i32.const 7)) (i32.store8 (i32.const 0) (i32.const 1)) (drop (memory.grow (i32.const 1)))"
      "   (drop (table.grow $t (ref.func $elem) (i32.const 1))) (call $host (i32.const 9)) unreachable)"
      " (start $start))");
  wasm_extern_t* items[] = {wasm_global_as_extern(global), wasm_memory_as_extern(memory), wasm_table_as_extern(table), wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &imports, &trap) && trap && trap_says(trap, "unreachable"));
  wasm_val_t value;
  wasm_global_get(global, &value);
  CHECK(value.of.i32 == 7);
  wasm_global_get(by_host, &value);
  CHECK(value.of.i32 == 9);
  CHECK(wasm_memory_data(memory)[0] == 1 && memcmp(wasm_memory_data(memory) + 8, "data", 4) == 0);
  CHECK(wasm_memory_size(memory) == 2 && wasm_table_size(table) == 3);
  wasm_frame_t* frame = wasm_trap_origin(trap);
  wasm_trap_delete(trap);
  wasm_ref_t* element = wasm_table_get(table, 2);
  CHECK(check_call(wasm_ref_as_func(element), 0) == 77);
  // "A frame outlives its trap", and lends its instance.
  CHECK(wasm_frame_func_index(frame) == 2 && wasm_frame_instance(frame) && !wasm_instance_same(wasm_frame_instance(frame), exporter));
  wasm_frame_delete(frame);
  wasm_ref_delete(element);
  wasm_module_delete(module);
  wasm_func_delete(host);
  wasm_table_delete(table);
  wasm_memory_delete(memory);
  wasm_global_delete(global);
  wasm_global_delete(by_host);
  wasm_instance_delete(exporter);
  wasm_store_delete(store);
}

// "Result vectors given by a caller may be raw stack memory: write to them, never drop what was there": for every kind of value, whatever
// kind and pointer the memory seems to hold.
static void raw_results(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (func (export \"f\") (param externref) (result i32 i64 f32 f64 v128 externref funcref)"
      "   (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4) (v128.const i64x2 5 6) (local.get 0) (ref.func $g))"
      " (func $g (export \"g\")) (global (export \"h\") externref (ref.null extern)))", 0);
  wasm_func_t *func = check_func(instance, 0), *g = check_func(instance, 1);
  wasm_global_t* global = check_global(instance, 2);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  for (int kind = 0; kind < 256; kind += kind == 4 ? 123 : 1) {
    wasm_val_t raw[7], arg = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
    memset(raw, 0x10, sizeof raw);
    for (int i = 0; i < 7; i++) raw[i].kind = (wasm_valkind_t)kind;
    wasm_val_t out = raw[0], copied = raw[0];
    wasm_val_vec_t args = {1, &arg}, results = {7, raw};
    CHECK(!wasm_func_call(func, &args, &results));
    uint64_t v128[2];
    CHECK(raw[0].of.i32 == 1 && raw[1].of.i64 == 2 && raw[2].of.f32 == 3 && raw[3].of.f64 == 4);
    CHECK(libwasm_val_v128(&raw[4], (uint8_t*)v128) && v128[0] == 5 && v128[1] == 6);
    CHECK(wasm_ref_same(raw[5].of.ref, arg.of.ref) && wasm_ref_same(raw[6].of.ref, wasm_func_as_ref(g)));
    wasm_global_get(global, &out);
    wasm_val_copy(&copied, &raw[0]);
    CHECK(out.kind == WASM_EXTERNREF && !out.of.ref && copied.kind == WASM_I32 && copied.of.i32 == 1);
    // "`wasm_val_delete` frees what the value owns, not the struct", so that twice does no harm.
    for (int i = 0; i < 14; i++) wasm_val_delete(&raw[i % 7]);
    CHECK(raw[5].kind == WASM_EXTERNREF && !raw[5].of.ref && raw[0].kind == WASM_I32);
  }
  wasm_foreign_delete(foreign);
  wasm_global_delete(global);
  wasm_func_delete(func);
  wasm_func_delete(g);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// "Any reference object can travel through wasm as an externref and comes back `same`": the traps of failures too, whatever failed, as
// long as a store was named.
static void traps_of_failures_travel(void) {
  wasm_store_t *store = check_store(), *other = check_store();
  wasm_instance_t* instance =
      check_instance(store, "(module (func (export \"id\") (param externref) (result externref) (local.get 0)))", 0);
  wasm_func_t* id = check_func(instance, 0);
  wasm_module_t *module = check_module(store, "(module (import \"\" \"f\" (func)))"), *theirs = check_module(other, "(module)");
  wasm_instance_t* elsewhere = check_instance(other, "(module (func (export \"f\")))", 0);
  wasm_func_t* strange = check_func(elsewhere, 0);
  wasm_extern_t *no_extern[] = {(wasm_extern_t*)module}, *foreign[] = {wasm_func_as_extern(strange)};
  wasm_extern_vec_t none = WASM_EMPTY_VEC, wrong = WASM_ARRAY_VEC(no_extern), other_stores = WASM_ARRAY_VEC(foreign);
  wasm_val_t strange_value = check_ref_val(wasm_func_as_ref(strange));
  wasm_val_vec_t no_values = WASM_EMPTY_VEC, strange_values = {1, &strange_value};
  wasm_trap_t* traps[7] = {wasm_func_call(id, &no_values, &no_values), wasm_func_call(id, &strange_values, &no_values)};
  const wasm_module_t* modules[] = {module, theirs, NULL, module, module};
  const wasm_extern_vec_t* imports[] = {&none, &none, &none, &wrong, &other_stores};
  for (int i = 0; i < 5; i++) CHECK_REASON(!wasm_instance_new(store, modules[i], imports[i], &traps[2 + i]));
  for (int i = 0; i < 7; i++) {
    wasm_val_t in = check_ref_val(wasm_trap_as_ref(traps[i])), out;
    wasm_val_vec_t args = {1, &in}, results = {1, &out};
    CHECK(!wasm_func_call(id, &args, &results));
    CHECK(out.kind == WASM_EXTERNREF && wasm_ref_same(out.of.ref, in.of.ref));
    wasm_val_delete(&out);
    wasm_trap_delete(traps[i]);
  }
  wasm_func_delete(strange);
  wasm_func_delete(id);
  wasm_instance_delete(elsewhere);
  wasm_module_delete(module);
  wasm_module_delete(theirs);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  wasm_store_delete(other);
}

// An artifact must be refused, on account of this byte of it.
static void refused_at(wasm_store_t* store, const wasm_byte_vec_t* artifact, size_t offset, const char* words) {
  libwasm_last_error_clear();
  CHECK(!wasm_module_deserialize(store, artifact) && libwasm_last_error_kind() == LIBWASM_ERROR_ARTIFACT);
  CHECK(reason_says("artifact") && reason_says(words) && libwasm_last_error_offset() == offset);
}

// "`wasm_module_new` and `_deserialize` give NULL and a reason with the byte offset; `_validate` false and the same": which byte is wrong.
// What is loaded has names with a NUL, as what was compiled has.
static void modules(void) {
  wasm_store_t* store = check_store();
  wasm_byte_vec_t binary = check_wasm("(module (import \"im\" \"port\" (func)) (func (export \"exported\") (drop (i32.const 1))))"), artifact;
  wasm_module_t* module = wasm_module_new(store, &binary);
  wasm_module_serialize(module, &artifact);
  wasm_module_delete(module);
  module = wasm_module_deserialize(store, &artifact);
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  CHECK(strcmp(wasm_importtype_module(imports.data[0])->data, "im") == 0 && strcmp(wasm_importtype_name(imports.data[0])->data, "port") == 0);
  CHECK(strcmp(wasm_exporttype_name(exports.data[0])->data, "exported") == 0);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  // The `drop`, four bytes from the end, becomes an opcode that there is none of.
  size_t place = binary.size - 2;
  CHECK(binary.data[place] == 0x1a);
  binary.data[place] = (char)0xff;
  libwasm_last_error_clear();
  CHECK(!wasm_module_new(store, &binary) && libwasm_last_error_kind() == LIBWASM_ERROR_INVALID && libwasm_last_error_offset() == place);
  libwasm_last_error_clear();
  CHECK(!wasm_module_validate(store, &binary) && libwasm_last_error_kind() == LIBWASM_ERROR_INVALID && libwasm_last_error_offset() == place);
  // In an artifact it is where what is not as it has to be starts: the magic number, the format, what a checksum covers, or what is
  // missing.
  refused_at(store, &binary, 0, "not an artifact");
  artifact.data[5] ^= 1;
  refused_at(store, &artifact, 0, "not an artifact");
  artifact.data[5] ^= 1;
  artifact.data[9] ^= 1;
  refused_at(store, &artifact, 8, "another version");
  artifact.data[9] ^= 1;
  artifact.data[16] ^= 1;
  refused_at(store, &artifact, 24, "checksum");
  artifact.data[16] ^= 1;
  for (size_t size = 8; size < artifact.size; size += 1 + size / 2) {
    wasm_byte_vec_t part = {size, artifact.data};
    refused_at(store, &part, size, "truncated");
  }
  // The checksum of the contents tells nothing but where they start.
  artifact.data[artifact.size - 1] ^= 1;
  libwasm_last_error_clear();
  CHECK(!wasm_module_deserialize(store, &artifact) && reason_says("checksum"));
  CHECK(libwasm_last_error_offset() > 24 && libwasm_last_error_offset() < artifact.size);
  artifact.data[artifact.size - 1] ^= 1;
  module = wasm_module_deserialize(store, &artifact);
  CHECK(module);
  wasm_module_delete(module);
  wasm_byte_vec_delete(&binary);
  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(store);
}

// "A NULL vector pointer means an empty vector", and "a caller's vector may have either", NULL or not, where it has no elements.
static void empty_vectors_of_the_caller(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (func (export \"f\")))");
  wasm_val_t value;
  wasm_extern_t* item;
  char byte;
  wasm_val_vec_t vals[] = {WASM_EMPTY_VEC, {0, &value}}, *val_ways[] = {NULL, &vals[0], &vals[1]};
  wasm_extern_vec_t externs[] = {WASM_EMPTY_VEC, {0, &item}}, *extern_ways[] = {NULL, &externs[0], &externs[1]};
  wasm_byte_vec_t bytes[] = {WASM_EMPTY_VEC, {0, &byte}}, *byte_ways[] = {NULL, &bytes[0], &bytes[1]};
  for (int i = 0; i < 9; i++) {
    wasm_trap_t* trap = (wasm_trap_t*)8;
    wasm_instance_t* instance = wasm_instance_new(store, module, extern_ways[i % 3], &trap);
    CHECK(instance && !trap);
    wasm_func_t* func = check_func(instance, 0);
    CHECK_NO_REASON(!wasm_func_call(func, val_ways[i % 3], val_ways[i / 3]));
    trap = wasm_trap_new(store, byte_ways[i % 3]);
    CHECK(trap_says(trap, ""));
    wasm_valtype_vec_t made[2], *type_ways[] = {NULL, &made[0], &made[1]};
    wasm_valtype_vec_new_empty(&made[0]);
    wasm_valtype_vec_new_uninitialized(&made[1], 0);
    wasm_functype_t* type = wasm_functype_new(type_ways[i % 3], type_ways[2 - i % 3]);
    CHECK(wasm_functype_params(type)->size == 0 && wasm_functype_results(type)->size == 0);
    wasm_functype_delete(type);
    wasm_valtype_vec_delete(&made[1]);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(module);
  wasm_store_delete(store);
}

int main(void) {
  globals_of_other_kinds();
  live_sizes();
  messages();
  imports();
  start_functions_that_trap();
  raw_results();
  traps_of_failures_travel();
  modules();
  empty_vectors_of_the_caller();
  return 0;
}
