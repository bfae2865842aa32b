// Typed function references: types that name others, as C sees them, and references that are checked by them.

#include "check.h"

static const char* const MODULE =
    "(module (type $f (func (param i32) (result i32))) (type $g (func (result i64)))"
    "  (func $double (export \"double\") (type $f) (i32.mul (local.get 0) (i32.const 2)))"
    "  (func $big (export \"big\") (type $g) (i64.const 9))"
    "  (func (export \"apply\") (param (ref null $f) i32) (result i32) (call_ref $f (local.get 1) (local.get 0)))"
    "  (func (export \"strict\") (param (ref $f)) (result (ref $f)) (local.get 0))"
    "  (table (export \"table\") 3 5 (ref $f) (ref.func $double))"
    "  (global (export \"global\") (mut (ref null $f)) (ref.null $f))"
    "  (global (export \"constant\") (ref $f) (ref.func $double)))";
enum { DOUBLE, BIG, APPLY, STRICT, TABLE, GLOBAL, CONSTANT };

static wasm_trap_t* answer(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_val_t value = WASM_I32_VAL(args->data[0].of.i32 + 100);
  results->data[0] = value;
  return NULL;
}

static wasm_func_t* host_func(wasm_store_t* store) {
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new(WASM_I32), wasm_valtype_new(WASM_I32));
  wasm_func_t* func = wasm_func_new(store, type, answer);
  wasm_functype_delete(type);
  CHECK(func);
  return func;
}

// The types of parameters, elements and contents: kinds, copies, and lives of their own.
static void types_are_reflected(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  wasm_func_t *apply = check_func(instance, APPLY), *strict = check_func(instance, STRICT);
  wasm_table_t* table = check_table(instance, TABLE);
  wasm_global_t* global = check_global(instance, GLOBAL);
  wasm_functype_t *apply_type = wasm_func_type(apply), *strict_type = wasm_func_type(strict);
  wasm_tabletype_t* table_type = wasm_table_type(table);
  wasm_globaltype_t* global_type = wasm_global_type(global);
  const wasm_valtype_vec_t* params = wasm_functype_params(apply_type);
  CHECK(params->size == 2 && wasm_valtype_kind(params->data[0]) == WASM_FUNCREF);
  CHECK(wasm_valtype_kind(params->data[1]) == WASM_I32);
  CHECK(wasm_valtype_kind(wasm_functype_params(strict_type)->data[0]) == LIBWASM_REF_FUNC);
  CHECK(wasm_valtype_kind(wasm_functype_results(strict_type)->data[0]) == LIBWASM_REF_FUNC);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(table_type)) == LIBWASM_REF_FUNC);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global_type)) == WASM_FUNCREF);
  // They live longer than what they were taken from.
  wasm_valtype_t* copy = wasm_valtype_copy(params->data[0]);
  wasm_functype_t* strict_copy = wasm_functype_copy(strict_type);
  wasm_tabletype_t* table_copy = wasm_tabletype_copy(table_type);
  wasm_globaltype_t* global_copy = wasm_globaltype_copy(global_type);
  wasm_externtype_t* as_extern = wasm_externtype_copy(wasm_functype_as_externtype(apply_type));
  wasm_functype_delete(apply_type);
  wasm_functype_delete(strict_type);
  wasm_tabletype_delete(table_type);
  wasm_globaltype_delete(global_type);
  wasm_func_delete(apply);
  wasm_func_delete(strict);
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  CHECK(wasm_valtype_kind(copy) == WASM_FUNCREF);
  CHECK(wasm_valtype_kind(wasm_functype_params(strict_copy)->data[0]) == LIBWASM_REF_FUNC);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(table_copy)) == LIBWASM_REF_FUNC);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global_copy)) == WASM_FUNCREF);
  wasm_externtype_delete(as_extern);
  wasm_tabletype_delete(table_copy);
  wasm_globaltype_delete(global_copy);
  wasm_functype_delete(strict_copy);
  // A vector takes it over, and with it the type is deleted.
  wasm_valtype_vec_t vector, other;
  wasm_valtype_vec_new(&vector, 1, &copy);
  wasm_valtype_vec_copy(&other, &vector);
  CHECK(other.size == 1 && wasm_valtype_kind(other.data[0]) == WASM_FUNCREF);
  wasm_valtype_vec_delete(&vector);
  wasm_valtype_vec_delete(&other);
}

// Arguments, results, tables and globals take functions of the very type, from the module or the host, and no others.
static void values_are_checked(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  wasm_func_t *twice = check_func(instance, DOUBLE), *big = check_func(instance, BIG), *apply = check_func(instance, APPLY);
  wasm_func_t *strict = check_func(instance, STRICT), *host = host_func(store);
  wasm_table_t* table = check_table(instance, TABLE);
  wasm_global_t *global = check_global(instance, GLOBAL), *constant = check_global(instance, CONSTANT);
  wasm_foreign_t* foreign = wasm_foreign_new(store);

  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_t args[2] = {{.kind = WASM_FUNCREF, .of = {.ref = wasm_func_as_ref(twice)}}, WASM_I32_VAL(21)};
  wasm_val_vec_t in = {2, args}, out = {1, &result};
  CHECK(!wasm_func_call(apply, &in, &out) && result.of.i32 == 42);
  args[0].of.ref = wasm_func_as_ref(host);
  CHECK(!wasm_func_call(apply, &in, &out) && result.of.i32 == 121);
  args[0].of.ref = NULL;
  wasm_trap_t* trap = wasm_func_call(apply, &in, &out);
  CHECK(trap && trap_says(trap, "null function reference") && libwasm_trap_code(trap) == LIBWASM_TRAP_NULL_FUNCTION_REFERENCE);
  wasm_trap_delete(trap);
  // A function of another type, and what is no function.
  args[0].of.ref = wasm_func_as_ref(big);
  trap = wasm_func_call(apply, &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_trap_delete(trap);
  args[0].of.ref = wasm_foreign_as_ref(foreign);
  trap = wasm_func_call(apply, &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_trap_delete(trap);
  // A kind of the same hierarchy will do, one of another not.
  args[0].of.ref = wasm_func_as_ref(twice);
  args[0].kind = LIBWASM_REF_FUNC;
  CHECK(!wasm_func_call(apply, &in, &out) && result.of.i32 == 42);
  args[0].kind = WASM_EXTERNREF;
  trap = wasm_func_call(apply, &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_trap_delete(trap);

  // What has no null takes none.
  args[0].kind = WASM_FUNCREF;
  in.size = 1;
  CHECK(!wasm_func_call(strict, &in, &out));
  CHECK(result.kind == WASM_FUNCREF && wasm_ref_same(result.of.ref, wasm_func_as_ref(twice)));
  wasm_val_delete(&result);
  args[0].of.ref = NULL;
  trap = wasm_func_call(strict, &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_trap_delete(trap);

  // The table's elements are what the module says; they can be set, and the table grown, to functions of the type.
  CHECK(wasm_table_size(table) == 3);
  for (wasm_table_size_t i = 0; i < 3; i++) {
    wasm_ref_t* element = wasm_table_get(table, i);
    CHECK(wasm_ref_same(element, wasm_func_as_ref(twice)));
    wasm_ref_delete(element);
  }
  CHECK(wasm_table_set(table, 1, wasm_func_as_ref(host)));
  CHECK_REASON(!wasm_table_set(table, 1, wasm_func_as_ref(big)));
  CHECK_REASON(!wasm_table_set(table, 1, NULL));
  CHECK_REASON(!wasm_table_grow(table, 1, NULL));
  CHECK(wasm_table_grow(table, 1, wasm_func_as_ref(twice)) && wasm_table_size(table) == 4);
  wasm_ref_t* element = wasm_table_get(table, 1);
  CHECK(wasm_ref_same(element, wasm_func_as_ref(host)));
  wasm_ref_delete(element);

  wasm_val_t value;
  wasm_global_get(constant, &value);
  CHECK(value.kind == WASM_FUNCREF && wasm_ref_same(value.of.ref, wasm_func_as_ref(twice)));
  wasm_global_set(global, &value);
  wasm_val_delete(&value);
  value = (wasm_val_t){.kind = WASM_FUNCREF, .of = {.ref = wasm_func_as_ref(big)}};
  CHECK_REASON((wasm_global_set(global, &value), true));
  wasm_global_get(global, &value);
  CHECK(wasm_ref_same(value.of.ref, wasm_func_as_ref(twice)));
  wasm_val_delete(&value);

  wasm_foreign_delete(foreign);
  wasm_global_delete(global);
  wasm_global_delete(constant);
  wasm_table_delete(table);
  wasm_func_delete(twice);
  wasm_func_delete(big);
  wasm_func_delete(apply);
  wasm_func_delete(strict);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static wasm_trap_t* give(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  wasm_ref_t* ref = *(wasm_ref_t**)env;
  CHECK(results->size == 1 && results->data[0].kind == WASM_FUNCREF && !results->data[0].of.ref);
  results->data[0].of.ref = ref ? wasm_ref_copy(ref) : NULL;
  return NULL;
}

// The host makes functions, tables and globals of types that it took from a module, which is gone by then.
static void types_are_used_again(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  wasm_func_t *twice = check_func(instance, DOUBLE), *big = check_func(instance, BIG), *strict = check_func(instance, STRICT);
  wasm_functype_t* strict_type = wasm_func_type(strict);
  const wasm_valtype_t* reference = wasm_functype_params(strict_type)->data[0];
  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_copy(reference));
  wasm_limits_t limits = {2, 4};
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_copy(reference), &limits);
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_copy(reference), WASM_VAR);
  wasm_functype_delete(strict_type);
  wasm_func_delete(strict);

  wasm_ref_t* given = NULL;
  wasm_func_t* func = wasm_func_new_with_env(store, type, give, &given, NULL);
  CHECK(func);
  // A result of the wrong type is a trap.
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t none = WASM_EMPTY_VEC, out = {1, &result};
  wasm_ref_t* wrong[] = {NULL, wasm_func_as_ref(big)};
  for (int i = 0; i < 2; i++) {
    given = wrong[i];
    wasm_trap_t* trap = wasm_func_call(func, &none, &out);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
    wasm_trap_delete(trap);
  }
  given = wasm_func_as_ref(twice);
  CHECK(!wasm_func_call(func, &none, &out) && wasm_ref_same(result.of.ref, given));
  wasm_val_delete(&result);

  CHECK_REASON(!wasm_table_new(store, table_type, NULL));
  CHECK_REASON(!wasm_table_new(store, table_type, wasm_func_as_ref(big)));
  wasm_table_t* table = wasm_table_new(store, table_type, wasm_func_as_ref(twice));
  wasm_val_t value = {.kind = WASM_FUNCREF, .of = {.ref = wasm_func_as_ref(twice)}};
  wasm_global_t* global = wasm_global_new(store, global_type, &value);
  CHECK(table && global);
  value.of.ref = wasm_func_as_ref(big);
  CHECK_REASON(!wasm_global_new(store, global_type, &value));

  // A module with an equal type, written otherwise, imports them; one with another does not.
  wasm_extern_t* items[] = {wasm_func_as_extern(func), wasm_table_as_extern(table), wasm_global_as_extern(global)};
  const char* const texts[] = {
      "(module (type (func)) (type $t (func (param i32) (result i32)))"
      "  (import \"\" \"f\" (func $f (result (ref $t)))) (import \"\" \"t\" (table 2 4 (ref $t)))"
      "  (import \"\" \"g\" (global $g (mut (ref $t))))"
      "  (func (export \"run\") (result i32) (i32.add (call_ref $t (i32.const 4) (call $f))"
      "    (i32.add (call_ref $t (i32.const 5) (table.get (i32.const 1))) (call_ref $t (i32.const 6) (global.get $g))))))",
      "(module (type $t (func (param i32) (result i64))) (import \"\" \"f\" (func $f (result (ref $t)))))",
      "(module (type $t (func (param i32) (result i32))) (import \"\" \"f\" (func)) (import \"\" \"t\" (table 2 4 funcref)))",
      "(module (type $t (func (param i32) (result i32))) (import \"\" \"f\" (func $f (result (ref $t))))"
      "  (import \"\" \"t\" (table 2 4 (ref null $t))))",
  };
  for (size_t i = 0; i < 4; i++) {
    wasm_module_t* module = check_module(store, texts[i]);
    wasm_extern_vec_t imports = {3, items};
    wasm_trap_t* trap = NULL;
    wasm_instance_t* user = wasm_instance_new(store, module, &imports, &trap);
    wasm_module_delete(module);
    if (i > 0) {
      CHECK(!user && trap && libwasm_trap_code(trap) == LIBWASM_TRAP_LINK);
      wasm_trap_delete(trap);
      continue;
    }
    CHECK(user);
    wasm_func_t* run = check_func(user, 0);
    CHECK(check_call(run, 0) == 30);
    wasm_func_delete(run);
    wasm_instance_delete(user);
  }
  wasm_functype_delete(type);
  wasm_tabletype_delete(table_type);
  wasm_globaltype_delete(global_type);
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_func_delete(func);
  wasm_func_delete(twice);
  wasm_func_delete(big);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// A function of a declared subtype is called by way of a table, in a module that has no other types.
static void subtypes_are_called(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (type $a (sub (func (result i32)))) (type $b (sub $a (func (result i32)))) (type $c (func (result i32)))"
      "  (table 2 funcref) (elem (i32.const 0) $f $g)"
      "  (func $f (type $b) (i32.const 7)) (func $g (type $c) (i32.const 8))"
      "  (func (export \"run\") (param i32) (result i32) (call_indirect (type $a) (local.get 0))))",
      0);
  wasm_func_t* run = check_func(instance, 0);
  CHECK(check_call(run, 1, 0) == 7);
  wasm_val_t arg = WASM_I32_VAL(1), result = WASM_I32_VAL(0);
  wasm_val_vec_t args = {1, &arg}, results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(run, &args, &results);
  CHECK(trap && trap_says(trap, "indirect call type mismatch"));
  wasm_trap_delete(trap);
  wasm_func_delete(run);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// What is known of a type is looked up for every function in a table, however many types there are that nothing is known of.
static void many_types(void) {
  enum { TYPES = 4000, LONGEST = 64 };
  wasm_store_t* store = check_store();
  wasm_instance_t* caller = check_instance(
      store,
      "(module (type $a (sub (func))) (table (export \"t\") 1 funcref) (func (export \"run\") (call_indirect (type $a) (i32.const 0))))",
      0);
  // Each has other parameters: the digits of its number.
  static const char* const DIGITS[] = {" i32", " i64", " f32", " f64"};
  char* text = malloc((TYPES + 4) * LONGEST);
  CHECK(text);
  size_t length = (size_t)sprintf(text, "(module (import \"\" \"t\" (table 1 funcref)) (elem (i32.const 0) $f) (func $f (type %d))", TYPES - 1);
  for (int i = 0; i < TYPES; i++) {
    length += (size_t)sprintf(text + length, "(type (func (param");
    for (int rest = i + 4096; rest > 1; rest /= 4) length += (size_t)sprintf(text + length, "%s", DIGITS[rest % 4]);
    length += (size_t)sprintf(text + length, ")))");
  }
  sprintf(text + length, ")");
  wasm_extern_t* table = check_export(caller, 0);
  wasm_instance_t* filler = check_instance(store, text, 1, table);
  wasm_func_t* run = check_func(caller, 1);
  wasm_trap_t* trap = check_trap(run);
  CHECK(trap_says(trap, "indirect call type mismatch"));
  wasm_trap_delete(trap);
  wasm_func_delete(run);
  wasm_extern_delete(table);
  wasm_instance_delete(filler);
  wasm_instance_delete(caller);
  wasm_store_delete(store);
  free(text);
}

int main(void) {
  types_are_reflected();
  values_are_checked();
  types_are_used_again();
  subtypes_are_called();
  many_types();
  return 0;
}
