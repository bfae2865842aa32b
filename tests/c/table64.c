// Tables with 64-bit indices: no instruction takes 32 bits of an index, and what the host makes and sees.

#include "check.h"

static wasm_table_t* new_table(wasm_store_t* store, uint64_t min, uint64_t max, bool index64) {
  libwasm_limits_t limits = {.min = min, .max = max, .has_max = max != UINT64_MAX, .index64 = index64};
  wasm_tabletype_t* type = libwasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  CHECK(type);
  wasm_table_t* table = wasm_table_new(store, type, NULL);
  wasm_tabletype_delete(type);
  return table;
}

// Calls a function of i64 parameters and at most one result, an i64 or an i32.
static wasm_trap_t* call(const wasm_instance_t* instance, size_t index, int64_t* result, int count, const int64_t* arguments) {
  wasm_func_t* func = check_func(instance, index);
  wasm_val_t args[4], out = WASM_I64_VAL(0);
  for (int i = 0; i < count; i++) args[i] = (wasm_val_t)WASM_I64_VAL(arguments[i]);
  wasm_val_vec_t in = {(size_t)count, args}, results = {wasm_func_result_arity(func), &out};
  wasm_trap_t* trap = wasm_func_call(func, &in, &results);
  *result = out.kind == WASM_I32 ? out.of.i32 : out.of.i64;
  wasm_func_delete(func);
  return trap;
}

static int64_t value_of(const wasm_instance_t* instance, size_t index, int count, int64_t a, int64_t b, int64_t c) {
  int64_t result;
  CHECK(!call(instance, index, &result, count, (int64_t[]){a, b, c}));
  return result;
}

static void traps(const wasm_instance_t* instance, size_t index, const char* words, int count, int64_t a, int64_t b, int64_t c) {
  int64_t result;
  wasm_trap_t* trap = call(instance, index, &result, count, (int64_t[]){a, b, c});
  CHECK(trap && trap_says(trap, words));
  wasm_trap_delete(trap);
}

// `limits`: of the table that everything is done to. Functions 0 to 9; $one gives 1, and so on.
static wasm_instance_t* instance_of(wasm_store_t* store, const char* limits) {
  char text[4096];
  snprintf(text, sizeof text,
      "(module (type $t (func (result i32))) (table $other 8 funcref) (table $t i64 %s funcref) (table $narrow 8 funcref)"
      "  (elem (table $t) (i64.const 2) func $one $two $three) (elem $e func $one $two $three)"
      "  (func $one (type $t) (i32.const 1)) (func $two (type $t) (i32.const 2)) (func $three (type $t) (i32.const 3))"
      "  (func (export \"call\") (param i64) (result i32) (call_indirect $t (type $t) (local.get 0)))"
      "  (func (export \"get\") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))"
      "  (func (export \"set\") (param i64) (table.set $t (local.get 0) (ref.func $two)))"
      "  (func (export \"null\") (param i64) (table.set $t (local.get 0) (ref.null func)))"
      "  (func (export \"size\") (result i64) (table.size $t))"
      "  (func (export \"grow\") (param i64) (result i64) (table.grow $t (ref.func $three) (local.get 0)))"
      "  (func (export \"fill\") (param i64 i64) (table.fill $t (local.get 0) (ref.func $one) (local.get 1)))"
      "  (func (export \"copy\") (param i64 i64 i64) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))"
      "  (func (export \"init\") (param i64) (table.init $t $e (local.get 0) (i32.const 0) (i32.const 3)))"
      "  (func (export \"others are null\") (result i32) (local i32)"
      "    (loop (if (i32.eqz (ref.is_null (table.get $other (local.get 0)))) (then (return (i32.const 0))))"
      "      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 8)))) (i32.const 1))"
      "  (func (export \"to narrow\") (param i64) (table.copy $narrow $t (i32.const 0) (local.get 0) (i32.const 3)))"
      "  (func (export \"from narrow\") (param i64) (table.copy $t $narrow (local.get 0) (i32.const 0) (i32.const 3)))"
      "  (func (export \"call narrow\") (param i64) (result i32)"
      "    (call_indirect $narrow (type $t) (i32.wrap_i64 (local.get 0)))))", limits);
  return check_instance(store, text, 0);
}

enum { CALL, GET, SET, NULL_, SIZE, GROW, FILL, COPY, INIT, OTHERS, TO_NARROW, FROM_NARROW, CALL_NARROW };

static void instructions(const char* limits) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = instance_of(store, limits);
  static const int64_t BEYOND[] = {10, 0x100000000, 0x100000002, INT64_MIN, INT64_MIN + 2, -1, -8, 0x7fffffff00000002};
  for (size_t i = 0; i < sizeof BEYOND / sizeof *BEYOND; i++) {
    const char* words = "out of bounds table access";
    traps(instance, CALL, "undefined element", 1, BEYOND[i], 0, 0);
    traps(instance, GET, words, 1, BEYOND[i], 0, 0);
    traps(instance, SET, words, 1, BEYOND[i], 0, 0);
    traps(instance, NULL_, words, 1, BEYOND[i], 0, 0);
    traps(instance, INIT, words, 1, BEYOND[i], 0, 0);
    traps(instance, FILL, words, 2, BEYOND[i], 1, 0);
    traps(instance, FILL, words, 2, 1, BEYOND[i], 0);
    traps(instance, COPY, words, 3, BEYOND[i], 0, 1);
    traps(instance, COPY, words, 3, 0, BEYOND[i], 1);
    traps(instance, COPY, words, 3, 1, 1, BEYOND[i]);
    traps(instance, TO_NARROW, words, 1, BEYOND[i], 0, 0);
    traps(instance, FROM_NARROW, words, 1, BEYOND[i], 0, 0);
  }
  for (int i = 0; i < 3; i++) CHECK(value_of(instance, CALL, 1, 2 + i, 0, 0) == 1 + i);
  traps(instance, CALL, "uninitialized element", 1, 0, 0, 0);
  CHECK(value_of(instance, GET, 1, 0, 0, 0) == 1 && value_of(instance, GET, 1, 2, 0, 0) == 0);
  value_of(instance, SET, 1, 9, 0, 0);
  CHECK(value_of(instance, CALL, 1, 9, 0, 0) == 2);
  value_of(instance, NULL_, 1, 2, 0, 0);
  traps(instance, CALL, "uninitialized element", 1, 2, 0, 0);
  value_of(instance, FILL, 2, 5, 2, 0);
  CHECK(value_of(instance, CALL, 1, 6, 0, 0) == 1 && value_of(instance, GET, 1, 7, 0, 0) == 1);
  // `table.fill` fills the table it names.
  CHECK(value_of(instance, OTHERS, 0, 0, 0, 0) == 1);
  value_of(instance, INIT, 1, 0, 0, 0);
  CHECK(value_of(instance, CALL, 1, 2, 0, 0) == 3);
  value_of(instance, COPY, 3, 7, 0, 2);
  CHECK(value_of(instance, CALL, 1, 8, 0, 0) == 2);
  value_of(instance, TO_NARROW, 1, 0, 0, 0);
  CHECK(value_of(instance, CALL_NARROW, 1, 1, 0, 0) == 2);
  value_of(instance, FROM_NARROW, 1, 1, 0, 0);
  CHECK(value_of(instance, CALL, 1, 3, 0, 0) == 3);
  // Sizes and growth are 64 bits wide.
  static const int64_t TOO_MUCH[] = {-1, -10, -9, INT64_MIN, 0x100000001, 10000000};
  for (size_t i = 0; i < sizeof TOO_MUCH / sizeof *TOO_MUCH; i++) CHECK(value_of(instance, GROW, 1, TOO_MUCH[i], 0, 0) == -1);
  CHECK(value_of(instance, SIZE, 0, 0, 0, 0) == 10);
  if (strcmp(limits, "10 10") == 0) {
    CHECK(value_of(instance, GROW, 1, 1, 0, 0) == -1);
  } else {
    CHECK(value_of(instance, GROW, 1, 3, 0, 0) == 10 && value_of(instance, SIZE, 0, 0, 0, 0) == 13);
    CHECK(value_of(instance, CALL, 1, 12, 0, 0) == 3);
    traps(instance, CALL, "undefined element", 1, 13, 0, 0);
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static void segments(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (table i64 2 funcref) (func $f) (elem (i64.const 0x100000000) $f))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &none, &trap) && trap);
  CHECK(trap_says(trap, "out of bounds table access: element segment 0: 1 elements at 4294967296, table 0 has 2"));
  wasm_trap_delete(trap);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static bool links(wasm_store_t* store, const char* wat, wasm_table_t* table) {
  wasm_module_t* module = check_module(store, wat);
  wasm_extern_t* list[] = {wasm_table_as_extern(table)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(list);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  return instance != NULL;
}

static void host_made(void) {
  wasm_store_t* store = check_store();
  wasm_table_t *wide = new_table(store, 2, 5, true), *narrow = new_table(store, 2, 5, false);
  CHECK(wide && narrow);
  CHECK(links(store, "(module (import \"\" \"t\" (table i64 1 funcref)))", wide));
  CHECK(links(store, "(module (import \"\" \"t\" (table 1 funcref)))", narrow));
  CHECK_REASON(!links(store, "(module (import \"\" \"t\" (table 1 funcref)))", wide) && reason_says("expected table 1 funcref, got table i64 2 5 funcref"));
  CHECK_REASON(!links(store, "(module (import \"\" \"t\" (table i64 1 funcref)))", narrow) && reason_says("expected table i64 1 funcref, got table 2 5 funcref"));
  wasm_instance_t* instance = check_instance(store,
      "(module (import \"\" \"t\" (table i64 1 funcref)) (func $f (export \"f\") (result i32) (i32.const 7)) (elem (i64.const 1) $f)"
      "  (func (export \"grow\") (result i64) (table.grow (ref.func $f) (i64.const 2))))", 1, wasm_table_as_extern(wide));
  CHECK(value_of(instance, 1, 0, 0, 0, 0) == 2 && wasm_table_size(wide) == 4);
  wasm_ref_t* ref = wasm_table_get(wide, 1);
  CHECK(ref && check_call(wasm_ref_as_func(ref), 0) == 7);
  CHECK(wasm_table_set(wide, 0, ref) && wasm_table_grow(wide, 1, ref) && !wasm_table_grow(wide, 1, ref));
  wasm_ref_delete(ref);
  wasm_tabletype_t* type = wasm_table_type(wide);
  libwasm_limits_t exact;
  CHECK(libwasm_tabletype_limits(type, &exact) && exact.min == 5 && exact.max == 5 && exact.index64 && exact.page_size == 0);
  wasm_tabletype_delete(type);
  wasm_instance_delete(instance);
  wasm_table_delete(wide);
  wasm_table_delete(narrow);
  // A maximum may be anything, a minimum not.
  wide = new_table(store, 1, UINT64_MAX - 1, true);
  CHECK(wide && wasm_table_grow(wide, 10, NULL) && !wasm_table_grow(wide, UINT32_MAX, NULL));
  CHECK(links(store, "(module (import \"\" \"t\" (table i64 1 0xfffffffffffffffe funcref)))", wide));
  CHECK_REASON(!links(store, "(module (import \"\" \"t\" (table i64 1 0xfffffffffffffffd funcref)))", wide));
  wasm_table_delete(wide);
  CHECK_REASON(!new_table(store, 1ull << 32, UINT64_MAX, true) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK_REASON(!new_table(store, 2, 1, true) && libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  // Types whose limits cannot be a table's; the element is taken over all the same.
  libwasm_limits_t limits = {.min = 1, .shared = true};
  CHECK_REASON(!libwasm_tabletype_new(wasm_valtype_new_funcref(), &limits));
  limits = (libwasm_limits_t){.min = 1, .page_size = 65536};
  CHECK_REASON(!libwasm_tabletype_new(wasm_valtype_new_funcref(), &limits));
  limits = (libwasm_limits_t){.min = 1, .reserved = {0, 0, 1}};
  CHECK_REASON(!libwasm_tabletype_new(wasm_valtype_new_funcref(), &limits));
  CHECK_REASON(!libwasm_tabletype_new(wasm_valtype_new_funcref(), NULL));
  limits = (libwasm_limits_t){.min = 1};
  CHECK_REASON(!libwasm_tabletype_new(NULL, &limits));
  wasm_store_delete(store);
}

int main(void) {
  instructions("10 20");
  // Whose length never changes, and without a maximum.
  instructions("10 10");
  instructions("10");
  segments();
  host_made();
  return 0;
}
