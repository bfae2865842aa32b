// Host references: objects of the host travel through a module as `externref`, and come back the same.
//
// wasm_foreign_new makes an object that carries a pointer of the host's. Functions, instances, modules, traps
// and every other reference can travel in the same way.

#include "example.h"

static wasm_trap_t *visit(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  const wasm_ref_t *ref = args->data[0].of.ref;  // borrowed
  const wasm_foreign_t *foreign = wasm_ref_as_foreign_const(ref);
  if (foreign) {
    printf("visited %s\n", (const char *)wasm_foreign_get_host_info(foreign));
  } else {
    printf("visited something else, %s\n", wasm_ref_as_func_const(ref) ? "a function" : "not a function");
  }
  return NULL;
}

static void keep(const wasm_func_t *func, int32_t slot, wasm_ref_t *ref) {
  wasm_val_t arg[] = {WASM_I32_VAL(slot), WASM_REF_VAL(ref)};  // borrowed for the call
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_EMPTY_VEC;
  check(wasm_func_call(func, &args, &results));
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/hostref.wasm");

  wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_externref());
  wasm_func_t *host = wasm_func_new(store, type, visit);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_foreign_t *apple = wasm_foreign_new(store);
  wasm_foreign_t *pear = wasm_foreign_new(store);
  wasm_foreign_set_host_info(apple, "an apple");
  wasm_foreign_set_host_info(pear, "a pear");
  wasm_func_t *keep_func = export_func(&exports, 1);
  keep(keep_func, 0, wasm_foreign_as_ref(apple));
  keep(keep_func, 1, wasm_func_as_ref(host));
  keep(keep_func, 3, wasm_foreign_as_ref(pear));
  wasm_foreign_delete(pear);  // the module's table keeps it alive

  wasm_val_vec_t none = WASM_EMPTY_VEC;
  check(wasm_func_call(export_func(&exports, 3), &none, &none));

  // What comes back is ours to delete, and the same object.
  wasm_val_t arg[] = {WASM_I32_VAL(0)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, 2), &args, &results));
  printf("slot 0 holds %s\n",
         wasm_ref_same(result[0].of.ref, wasm_foreign_as_ref(apple)) ? "the same apple" : "another object");
  wasm_val_delete(&result[0]);

  arg[0].of.i32 = 2;
  check(wasm_func_call(export_func(&exports, 2), &args, &results));
  printf("slot 2 holds %s\n", result[0].of.ref ? "an object" : "a null reference");

  wasm_val_t latest;
  wasm_global_get(wasm_extern_as_global(exports.data[0]), &latest);
  const char *name = wasm_foreign_get_host_info(wasm_ref_as_foreign(latest.of.ref));
  printf("the latest was %s\n", name);
  wasm_val_delete(&latest);

  wasm_foreign_delete(apple);
  wasm_func_delete(host);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
