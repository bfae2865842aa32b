// Tables: bounds, growth, null elements, references of both kinds.

#include "check.h"

static wasm_table_t* new_table(wasm_store_t* store, wasm_valkind_t kind, uint32_t min, uint32_t max, wasm_ref_t* init) {
  wasm_limits_t limits = {min, max};
  wasm_tabletype_t* type = wasm_tabletype_new(wasm_valtype_new(kind), &limits);
  wasm_table_t* table = wasm_table_new(store, type, init);
  wasm_tabletype_delete(type);
  return table;
}

// Out of bounds: NULL with a reason, which tells it from a null element; false from `set` and `grow`.
static void bounds(void) {
  wasm_store_t* store = check_store();
  wasm_table_t* table = new_table(store, WASM_EXTERNREF, 2, 4, NULL);
  CHECK(wasm_table_size(table) == 2);
  CHECK_NO_REASON(wasm_table_get(table, 1) == NULL);
  CHECK_REASON(wasm_table_get(table, 2) == NULL);
  CHECK_REASON(wasm_table_get(table, UINT32_MAX) == NULL);
  CHECK_NO_REASON(wasm_table_set(table, 1, NULL));
  CHECK_REASON(!wasm_table_set(table, 2, NULL));
  CHECK_REASON(!wasm_table_grow(table, 3, NULL));
  CHECK_REASON(!wasm_table_grow(table, UINT32_MAX, NULL));
  CHECK(wasm_table_size(table) == 2);
  CHECK_NO_REASON(wasm_table_grow(table, 0, NULL));
  CHECK_NO_REASON(wasm_table_grow(table, 2, NULL));
  CHECK(wasm_table_size(table) == 4);
  CHECK_REASON(!wasm_table_grow(table, 1, NULL));
  // The type of a live table has its current size as its minimum.
  wasm_tabletype_t* type = wasm_table_type(table);
  CHECK(wasm_tabletype_limits(type)->min == 4 && wasm_tabletype_limits(type)->max == 4);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(type)) == WASM_EXTERNREF);
  wasm_tabletype_delete(type);
  wasm_table_delete(table);
  table = new_table(store, WASM_FUNCREF, 1, wasm_limits_max_default, NULL);
  CHECK(wasm_table_grow(table, 100000, NULL) && wasm_table_size(table) == 100001);
  type = wasm_table_type(table);
  CHECK(wasm_tabletype_limits(type)->min == 100001 && wasm_tabletype_limits(type)->max == wasm_limits_max_default);
  wasm_tabletype_delete(type);
  wasm_table_delete(table);
  CHECK_REASON(new_table(store, WASM_FUNCREF, 2, 1, NULL) == NULL);
  CHECK_REASON(new_table(store, WASM_I64, 1, 1, NULL) == NULL);
  wasm_store_delete(store);
}

// `init` and the value set are borrowed; the table keeps them alive.
static void borrowing(void) {
  wasm_store_t* store = check_store();
  int finalized = 0, second = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_table_t* table = new_table(store, WASM_EXTERNREF, 2, 10, wasm_foreign_as_ref(foreign));
  CHECK(wasm_table_grow(table, 1, wasm_foreign_as_ref(foreign)));
  for (uint32_t i = 0; i < 3; i++) {
    wasm_ref_t* ref = wasm_table_get(table, i);
    CHECK(wasm_ref_same(ref, wasm_foreign_as_ref(foreign)));
    wasm_ref_delete(ref);
  }
  wasm_foreign_t* other = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(other, &second, count_up);
  CHECK(wasm_table_set(table, 0, wasm_foreign_as_ref(other)));
  wasm_foreign_delete(foreign);
  wasm_foreign_delete(other);
  CHECK(finalized == 0 && second == 0);
  wasm_ref_t* ref = wasm_table_get(table, 0);
  CHECK(wasm_ref_get_host_info(ref) == &second);
  CHECK(wasm_table_set(table, 1, ref));
  wasm_ref_delete(ref);
  ref = wasm_table_get(table, 2);
  CHECK(wasm_ref_get_host_info(ref) == &finalized);
  wasm_ref_delete(ref);
  CHECK(wasm_table_set(table, 2, NULL));
  CHECK(wasm_table_get(table, 2) == NULL);
  wasm_table_delete(table);
  wasm_store_delete(store);
  CHECK(finalized == 1 && second == 1);
}

static wasm_trap_t* seven(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0].of.i32 = 7;
  return NULL;
}

// A table of functions, from both sides; what wasm calls through it is what the host put there.
static void functions(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (table $t (export \"t\") 2 6 funcref) (type $i (func (result i32)))"
      "  (func $one (export \"one\") (result i32) (i32.const 1)) (elem (i32.const 1) $one)"
      "  (func (export \"call\") (param i32) (result i32) (call_indirect (type $i) (local.get 0)))"
      "  (func (export \"grow\") (result i32) (table.grow $t (ref.func $one) (i32.const 1)))"
      "  (func (export \"size\") (result i32) (table.size $t)))",
      0);
  wasm_table_t* table = check_table(instance, 0);
  wasm_func_t *one = check_func(instance, 1), *call = check_func(instance, 2), *grow = check_func(instance, 3);
  wasm_func_t* size = check_func(instance, 4);
  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new(store, type, seven);
  wasm_functype_delete(type);
  // Filled lazily or not, an element is the same function.
  wasm_ref_t* ref = wasm_table_get(table, 1);
  CHECK(wasm_ref_same(ref, wasm_func_as_ref(one)));
  CHECK(check_call(wasm_ref_as_func(ref), 0) == 1);
  wasm_ref_delete(ref);
  CHECK(wasm_table_set(table, 0, wasm_func_as_ref(host)));
  CHECK(check_call(call, 1, 0) == 7 && check_call(call, 1, 1) == 1);
  CHECK(wasm_table_grow(table, 1, wasm_func_as_ref(host)));
  CHECK(check_call(size, 0) == 3 && check_call(call, 1, 2) == 7);
  CHECK(check_call(grow, 0) == 3 && wasm_table_size(table) == 4);
  ref = wasm_table_get(table, 3);
  CHECK(wasm_func_same(wasm_ref_as_func(ref), one));
  wasm_ref_delete(ref);
  // Nothing but a function goes into a table of functions.
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  CHECK_REASON(!wasm_table_set(table, 0, wasm_foreign_as_ref(foreign)));
  CHECK_REASON(!wasm_table_grow(table, 1, wasm_foreign_as_ref(foreign)));
  CHECK_REASON(new_table(store, WASM_FUNCREF, 1, 1, wasm_foreign_as_ref(foreign)) == NULL);
  wasm_foreign_delete(foreign);
  CHECK(check_call(call, 1, 0) == 7);
  // The instance lives by its table, the host function by the same.
  wasm_func_delete(one);
  wasm_func_delete(grow);
  wasm_func_delete(size);
  wasm_func_delete(host);
  wasm_func_delete(call);
  wasm_instance_delete(instance);
  ref = wasm_table_get(table, 1);
  CHECK(check_call(wasm_ref_as_func(ref), 0) == 1);
  wasm_ref_delete(ref);
  ref = wasm_table_get(table, 2);
  CHECK(check_call(wasm_ref_as_func(ref), 0) == 7);
  wasm_table_delete(table);
  wasm_store_delete(store);
  CHECK(check_call(wasm_ref_as_func(ref), 0) == 7);
  wasm_ref_delete(ref);
}

static void nulls(void) {
  wasm_store_t* store = check_store();
  wasm_limits_t limits = {1, 2};
  wasm_tabletype_t* type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  CHECK_NO_REASON((wasm_table_delete(NULL), true));
  CHECK_REASON(wasm_table_new(NULL, type, NULL) == NULL);
  CHECK_REASON(wasm_table_new(store, NULL, NULL) == NULL);
  CHECK_REASON(wasm_table_type(NULL) == NULL);
  CHECK_REASON(wasm_table_get(NULL, 0) == NULL);
  CHECK_REASON(!wasm_table_set(NULL, 0, NULL));
  CHECK_REASON(wasm_table_size(NULL) == 0);
  CHECK_REASON(!wasm_table_grow(NULL, 0, NULL));
  wasm_tabletype_delete(type);
  wasm_store_delete(store);
}

int main(void) {
  bounds();
  borrowing();
  functions();
  nulls();
  return 0;
}
