// Foreign objects: host objects as externrefs, with finalizers.

#include "check.h"

static void lifetime(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  CHECK(foreign && wasm_foreign_get_host_info(foreign) == NULL);
  wasm_foreign_t* copy = wasm_foreign_copy(foreign);
  CHECK(wasm_foreign_same(foreign, copy));
  wasm_foreign_set_host_info_with_finalizer(copy, &finalized, count_up);
  wasm_ref_t* ref = wasm_ref_copy(wasm_foreign_as_ref(foreign));
  wasm_foreign_delete(foreign);
  wasm_foreign_delete(copy);
  CHECK(finalized == 0);
  CHECK(wasm_foreign_get_host_info(wasm_ref_as_foreign(ref)) == &finalized);
  wasm_ref_delete(ref);
  CHECK(finalized == 1);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

static wasm_trap_t* collect_host_infos(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  *(void**)env = args->data[0].of.ref ? wasm_ref_get_host_info(args->data[0].of.ref) : NULL;
  return NULL;
}

// Many objects pass through wasm and are let go: each is finalized once, by the collector or at the latest with the store.
static void many(void) {
  enum { COUNT = 20000 };
  static int finalized[COUNT];
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_externref());
  void* seen = NULL;
  wasm_func_t* host = wasm_func_new_with_env(store, type, collect_host_infos, &seen, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (param externref))) (table $t 16 externref)"
      "  (func (export \"keep\") (param i32 externref)"
      "    (table.set $t (i32.and (local.get 0) (i32.const 15)) (local.get 1))"
      "    (call $f (table.get $t (i32.and (local.get 0) (i32.const 15))))))",
      1, wasm_func_as_extern(host));
  wasm_func_t* keep = check_func(instance, 0);
  int before_the_end = 0;
  for (int i = 0; i < COUNT; i++) {
    wasm_foreign_t* foreign = wasm_foreign_new(store);
    CHECK(foreign);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized[i], count_up);
    wasm_val_t values[] = {WASM_I32_VAL(i), WASM_REF_VAL(NULL)};
    values[1].of.ref = wasm_foreign_as_ref(foreign);
    wasm_val_vec_t args = WASM_ARRAY_VEC(values), results = WASM_EMPTY_VEC;
    CHECK(!wasm_func_call(keep, &args, &results));
    CHECK(seen == &finalized[i]);
    wasm_foreign_delete(foreign);
    // The last sixteen are in the table.
    for (int j = i < 15 ? 0 : i - 15; j <= i; j++) CHECK(finalized[j] == 0);
  }
  for (int i = 0; i < COUNT; i++) before_the_end += finalized[i];
  // The collector has run: most were freed while the store lives.
  CHECK(before_the_end > COUNT / 2);
  wasm_func_delete(keep);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  for (int i = 0; i < COUNT; i++) CHECK(finalized[i] == 1);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_foreign_delete(NULL), true));
  CHECK_REASON(wasm_foreign_new(NULL) == NULL);
  CHECK_REASON(wasm_foreign_copy(NULL) == NULL);
  CHECK_REASON(wasm_foreign_as_ref(NULL) == NULL);
}

int main(void) {
  lifetime();
  many();
  nulls();
  return 0;
}
