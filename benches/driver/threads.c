// Threads over one shared memory, each with a store and an instance of its own. The standard has no shared memories, so these are for
// libraries that have libwasm's functions for them.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "libwasm.h"

enum { MAX_THREADS = 16 };

// One of the threads: 0 is the one that is timed.
struct guest {
  pthread_t thread;
  wasm_store_t* store;
  wasm_func_t* function;
  int number;
};

static struct guest guests[MAX_THREADS];
static int count;
static long repetitions;
static pthread_barrier_t begin, done;
// Where the module counts what all threads have done.
static const uint32_t* total;

static void call(struct guest* guest) {
  wasm_val_t values[] = {WASM_I32_VAL((int32_t)repetitions), WASM_I32_VAL(guest->number)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(values), none = WASM_EMPTY_VEC;
  no_trap(lib.wasm_func_call(guest->function, &args, &none));
}

static void* work(void* arg) {
  for (;;) {
    pthread_barrier_wait(&begin);
    call(arg);
    pthread_barrier_wait(&done);
  }
  return NULL;
}

// threads MODULE EXPORT COUNT: COUNT threads call EXPORT, (n, the thread's number), at the same time. Each adds n to the first word of the
// memory that the module imports.
static void prepare_threads(char** words) {
#define FIND(name) \
  __typeof__(libwasm_##name)* name; \
  *(void**)&name = extension("libwasm_" #name); \
  if (!name) end(LACKS, "libwasm_" #name)
  FIND(memorytype_new);
  FIND(shared_memory_new);
  FIND(shared_memory_data);
  FIND(memory_obtain);
#undef FIND
  open_store();
  count = atoi(words[2]);
  check(count >= 1 && count <= MAX_THREADS, "so many threads");
  libwasm_limits_t limits = {.min = 1, .max = 1, .has_max = true, .shared = true};
  libwasm_shared_memory_t* shared = shared_memory_new(engine, memorytype_new(&limits));
  check(shared != NULL, "no shared memory");
  total = (const uint32_t*)shared_memory_data(shared);
  pthread_barrier_init(&begin, NULL, (unsigned)count);
  pthread_barrier_init(&done, NULL, (unsigned)count);
  for (int i = 0; i < count; i++) {
    struct guest* guest = &guests[i];
    guest->number = i;
    guest->store = lib.wasm_store_new(engine);
    wasm_module_t* module = load(guest->store, words[0]);
    wasm_extern_t* import = lib.wasm_memory_as_extern(memory_obtain(guest->store, shared));
    wasm_extern_vec_t imports = {1, &import}, exports;
    wasm_instance_t* instance = instantiate(guest->store, module, &imports);
    lib.wasm_instance_exports(instance, &exports);
    guest->function = lib.wasm_extern_as_func(exports.data[export_index(module, words[1])]);
    check(guest->function != NULL, "no such function");
    if (i && pthread_create(&guest->thread, NULL, work, guest)) end(WRONG, "no thread");
  }
}

static int64_t run_threads(long n) {
  uint32_t before = *total;
  repetitions = n;
  pthread_barrier_wait(&begin);
  call(&guests[0]);
  pthread_barrier_wait(&done);
  check(*total - before == (uint32_t)n * (uint32_t)count, "the threads have not done what they had to");
  return count;
}

const struct operation thread_operations[] = {
    {"threads", "MODULE EXPORT COUNT", 3, prepare_threads, run_threads},
    {NULL, NULL, 0, NULL, NULL},
};
