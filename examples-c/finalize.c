// Finalizers: each object can carry a pointer of the host's, with a function that is called once when the object
// dies. Objects die while their store lives: a server may make as many instances as it likes.

#include "example.h"

enum { ROUNDS = 20000 };

static size_t finalized;

static void count(void *info) {
  (void)info;
  finalized++;
}

static void say(void *info) { printf("finalized: %s\n", (const char *)info); }

static wasm_trap_t *nothing(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)env;
  (void)args;
  (void)results;
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/finalize.wasm");
  wasm_module_set_host_info_with_finalizer(module, "the module", say);

  // Host info belongs to the object, not to the handle: two handles, one finalizer, run when the last one goes.
  wasm_foreign_t *foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, "its first info", say);
  wasm_foreign_set_host_info_with_finalizer(foreign, "its second info", say);  // finalizes the first
  wasm_foreign_t *again = wasm_foreign_copy(foreign);
  printf("the copy sees %s\n", (const char *)wasm_foreign_get_host_info(again));
  wasm_foreign_delete(foreign);
  printf("one handle left\n");
  wasm_foreign_delete(again);

  // A function's environment has a finalizer of its own.
  wasm_functype_t *type = wasm_functype_new_0_0();
  wasm_func_t *func = wasm_func_new_with_env(store, type, nothing, "a function's environment", say);
  wasm_functype_delete(type);
  wasm_func_delete(func);

  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  for (int32_t round = 0; round < ROUNDS; round++) {
    wasm_instance_t *instance = instantiate(store, module, &imports);
    wasm_instance_set_host_info_with_finalizer(instance, NULL, count);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    wasm_instance_delete(instance);  // its exports keep it alive
    wasm_val_t arg[] = {WASM_I32_VAL(round)};
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
    wasm_val_vec_t results = WASM_EMPTY_VEC;
    check(wasm_func_call(export_func(&exports, 0), &args, &results));
    wasm_extern_vec_delete(&exports);
  }
  printf("%d instances made and deleted, %zu finalized, and the store lives on\n", ROUNDS, finalized);

  // What is left dies with its last handle, whatever the order.
  wasm_engine_delete(engine);
  wasm_store_delete(store);
  printf("engine and store deleted\n");
  wasm_module_delete(module);
  return 0;
}
