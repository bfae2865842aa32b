// Start functions: they run inside wasm_instance_new. When one traps there is no instance, and the trap says why.

#include "example.h"

static wasm_trap_t *may_start(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)args;
  results->data[0] = (wasm_val_t)WASM_I32_VAL(*(bool *)env);
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/start.wasm");

  bool allowed = true;
  wasm_functype_t *type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t *func = wasm_func_new_with_env(store, type, may_start, &allowed, NULL);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);

  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_t started;
  wasm_global_get(wasm_extern_as_global(exports.data[0]), &started);
  printf("instantiated, and started is %" PRId32 "\n", started.of.i32);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);

  allowed = false;
  wasm_trap_t *trap = NULL;
  instance = wasm_instance_new(store, module, &imports, &trap);
  printf("not allowed to start: %s\n", instance ? "an instance all the same" : "no instance");
  if (trap) print_trap(stdout, trap);
  wasm_trap_delete(trap);
  wasm_instance_delete(instance);

  wasm_func_delete(func);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
