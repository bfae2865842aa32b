// Threads: a module is compiled once and shared; each thread runs it in a store of its own.

#include <pthread.h>

#include "example.h"

enum { THREADS = 4, RANGE = 10000 };

struct work {
  wasm_engine_t *engine;
  const wasm_shared_module_t *shared;
  int32_t from, to;
  int32_t count, largest;
};

static wasm_trap_t *found(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  ((struct work *)env)->largest = args->data[0].of.i32;
  return NULL;
}

static void *run(void *arg) {
  struct work *work = arg;
  wasm_store_t *store = wasm_store_new(work->engine);
  wasm_module_t *module = wasm_module_obtain(store, work->shared);  // the same code, not compiled again
  need(module, "obtain the module");

  wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t *func = wasm_func_new_with_env(store, type, found, work, NULL);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_val_t range[] = {WASM_I32_VAL(work->from), WASM_I32_VAL(work->to)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(range);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, 0), &args, &results));
  work->count = result[0].of.i32;

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_module_delete(module);
  wasm_store_delete(store);
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/threads.wasm");
  wasm_shared_module_t *shared = wasm_module_share(module);
  need(shared, "share the module");
  wasm_module_delete(module);
  wasm_store_delete(store);

  pthread_t threads[THREADS];
  struct work work[THREADS];
  for (int i = 0; i < THREADS; i++) {
    work[i] = (struct work){.engine = engine, .shared = shared, .from = i * RANGE + 2, .to = (i + 1) * RANGE + 2};
    if (pthread_create(&threads[i], NULL, run, &work[i]) != 0) return fprintf(stderr, "cannot start a thread\n"), 1;
  }
  int32_t total = 0;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    printf("from %" PRId32 " to %" PRId32 ": %" PRId32 " primes, the largest %" PRId32 "\n", work[i].from, work[i].to,
           work[i].count, work[i].largest);
    total += work[i].count;
  }
  printf("%" PRId32 " in all\n", total);

  wasm_shared_module_delete(shared);
  wasm_engine_delete(engine);
  return 0;
}
