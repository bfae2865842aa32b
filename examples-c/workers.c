// Workers: threads that take tasks from a queue in a shared memory. Each thread runs the same module in a store and an
// instance of its own; all instances have the same memory, and so has the host.

#include <pthread.h>
#include <stddef.h>

#include "example.h"

#include <libwasm.h>

enum { WORKERS = 4, TASKS = 12, RANGE = 5000 };

// What lies at the start of the memory: workers.wat says so too.
struct task {
  uint32_t from, to, result, unused;
};
struct queue {
  uint32_t put, taken, done;
  uint32_t unused[13];
  struct task tasks[TASKS];
};
static const uint32_t NO_MORE = 0x80000000;

struct worker {
  wasm_engine_t *engine;
  const wasm_shared_module_t *module;
  const libwasm_shared_memory_t *memory;
  int32_t count;
};

static void *work(void *arg) {
  struct worker *worker = arg;
  wasm_store_t *store = wasm_store_new(worker->engine);
  wasm_module_t *module = wasm_module_obtain(store, worker->module);
  need(module, "obtain the module");
  wasm_memory_t *memory = libwasm_memory_obtain(store, worker->memory);  // the same bytes, as an object of this store
  need(memory, "obtain the memory");
  wasm_extern_t *externs[] = {wasm_memory_as_extern(memory)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, 0), &none, &results));
  worker->count = result[0].of.i32;

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_memory_delete(memory);
  wasm_module_delete(module);
  wasm_store_delete(store);
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/workers.wasm");
  wasm_shared_module_t *shared = wasm_module_share(module);
  need(shared, "share the module");
  wasm_module_delete(module);
  wasm_store_delete(store);

  // A shared memory belongs to the engine, not to a store. Its size can grow, but it stays where it is.
  libwasm_limits_t limits = {.min = 1, .max = 16, .has_max = true, .shared = true};
  wasm_memorytype_t *type = libwasm_memorytype_new(&limits);
  libwasm_shared_memory_t *memory = libwasm_shared_memory_new(engine, type);
  need(memory, "make a shared memory");
  wasm_memorytype_delete(type);
  struct queue *queue = (struct queue *)libwasm_shared_memory_data(memory);

  pthread_t threads[WORKERS];
  struct worker workers[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = (struct worker){.engine = engine, .module = shared, .memory = memory};
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) return fprintf(stderr, "cannot start a thread\n"), 1;
  }

  // Puts tasks into the queue. The workers may be at work already, so the count is written last, and atomically; then one
  // of those that sleep is woken.
  for (uint32_t i = 0; i < TASKS; i++) {
    queue->tasks[i] = (struct task){.from = i * RANGE + 1, .to = (i + 1) * RANGE + 1};
    __atomic_store_n(&queue->put, i + 1, __ATOMIC_SEQ_CST);
    libwasm_shared_memory_notify(memory, offsetof(struct queue, put), 1);
  }

  // Sleeps until all are done, as the guest does: while the count is what was just read.
  for (uint32_t done; (done = __atomic_load_n(&queue->done, __ATOMIC_SEQ_CST)) < TASKS;) {
    libwasm_shared_memory_wait32(memory, offsetof(struct queue, done), done, -1);
  }
  for (int i = 0; i < TASKS; i++) {
    const struct task *task = &queue->tasks[i];
    printf("from %" PRIu32 " to %" PRIu32 ": the longest sequence has %" PRIu32 " numbers\n", task->from, task->to - 1, task->result);
  }

  // No more will come: all workers wake and return.
  __atomic_fetch_or(&queue->put, NO_MORE, __ATOMIC_SEQ_CST);
  libwasm_shared_memory_notify(memory, offsetof(struct queue, put), UINT32_MAX);
  int32_t total = 0;
  for (int i = 0; i < WORKERS; i++) {
    pthread_join(threads[i], NULL);
    total += workers[i].count;
  }
  printf("%d workers have done %" PRId32 " tasks\n", WORKERS, total);

  libwasm_shared_memory_delete(memory);
  wasm_shared_module_delete(shared);
  wasm_engine_delete(engine);
  return 0;
}
