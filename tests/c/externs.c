// Externs: kinds, types, views, vectors.

#include "check.h"

static const char* const MODULE =
    "(module (func (export \"f\") (param i64)) (global (export \"g\") f32 (f32.const 1)) (table (export \"t\") 3 4 externref)"
    "  (memory (export \"m\") 1 2))";

// Conversions are views: the same handle under another type; the wrong kind gives NULL.
static void views(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  CHECK(exports.size == 4);
  static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
  for (size_t i = 0; i < 4; i++) {
    wasm_extern_t* item = exports.data[i];
    CHECK(wasm_extern_kind(item) == kinds[i]);
    CHECK((wasm_extern_as_func(item) != NULL) == (i == 0) && (wasm_extern_as_func_const(item) != NULL) == (i == 0));
    CHECK((wasm_extern_as_global(item) != NULL) == (i == 1) && (wasm_extern_as_global_const(item) != NULL) == (i == 1));
    CHECK((wasm_extern_as_table(item) != NULL) == (i == 2) && (wasm_extern_as_table_const(item) != NULL) == (i == 2));
    CHECK((wasm_extern_as_memory(item) != NULL) == (i == 3) && (wasm_extern_as_memory_const(item) != NULL) == (i == 3));
    wasm_externtype_t* type = wasm_extern_type(item);
    CHECK(wasm_externtype_kind(type) == kinds[i]);
    wasm_externtype_delete(type);
    wasm_ref_t* ref = wasm_extern_as_ref(item);
    CHECK(wasm_ref_as_extern(ref) == item && wasm_ref_as_extern_const(ref) == item);
    CHECK(wasm_extern_as_ref_const(item) == ref);
    int info = 0;
    wasm_extern_set_host_info_with_finalizer(item, &info, count_up);
    CHECK(wasm_extern_get_host_info(item) == &info && wasm_ref_get_host_info(ref) == &info);
    wasm_extern_set_host_info(item, NULL);
    CHECK(info == 1);
    wasm_extern_t* copy = wasm_extern_copy(item);
    CHECK(wasm_extern_same(copy, item));
    for (size_t j = 0; j < 4; j++) CHECK(wasm_extern_same(copy, exports.data[j]) == (i == j));
    wasm_extern_delete(copy);
  }
  wasm_func_t* func = wasm_extern_as_func(exports.data[0]);
  CHECK(wasm_func_as_extern(func) == exports.data[0] && wasm_func_as_extern_const(func) == exports.data[0]);
  wasm_global_t* global = wasm_extern_as_global(exports.data[1]);
  CHECK(wasm_global_as_extern(global) == exports.data[1] && wasm_global_as_extern_const(global) == exports.data[1]);
  wasm_table_t* table = wasm_extern_as_table(exports.data[2]);
  CHECK(wasm_table_as_extern(table) == exports.data[2] && wasm_table_as_extern_const(table) == exports.data[2]);
  wasm_memory_t* memory = wasm_extern_as_memory(exports.data[3]);
  CHECK(wasm_memory_as_extern(memory) == exports.data[3] && wasm_memory_as_extern_const(memory) == exports.data[3]);

  // A vector of externs: deep copies, half-filled, deleted twice.
  wasm_extern_vec_t copy, half, taken;
  wasm_extern_vec_copy(&copy, &exports);
  CHECK(copy.size == 4 && copy.data != exports.data && wasm_extern_same(copy.data[2], exports.data[2]));
  wasm_extern_vec_delete(&exports);
  wasm_extern_vec_delete(&exports);
  CHECK(wasm_extern_kind(copy.data[3]) == WASM_EXTERN_MEMORY);
  wasm_extern_vec_new_uninitialized(&half, 3);
  CHECK(half.size == 3 && !half.data[0] && !half.data[1] && !half.data[2]);
  half.data[1] = wasm_extern_copy(copy.data[0]);
  wasm_extern_vec_delete(&half);
  wasm_extern_t* moved[] = {wasm_extern_copy(copy.data[0])};
  wasm_extern_vec_new(&taken, 1, moved);
  CHECK(taken.size == 1 && taken.data[0] == moved[0]);
  wasm_extern_vec_delete(&taken);
  wasm_extern_vec_new_empty(&taken);
  CHECK(taken.size == 0 && !taken.data);
  wasm_extern_vec_delete(&copy);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_extern_delete(NULL), wasm_extern_vec_delete(NULL), true));
  CHECK_REASON((wasm_extern_kind(NULL), true));
  CHECK_REASON(wasm_extern_type(NULL) == NULL);
  CHECK_REASON(wasm_extern_copy(NULL) == NULL);
  CHECK_REASON(wasm_extern_as_func(NULL) == NULL);
  CHECK_REASON(wasm_memory_as_extern_const(NULL) == NULL);
}

int main(void) {
  views();
  nulls();
  return 0;
}
