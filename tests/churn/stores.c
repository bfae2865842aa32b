// stores THREADS STORES: each thread makes its share of STORES stores, all from one engine and one shared module, and works in them; what
// it makes is deleted in part by itself and in part by the next thread, in orders that change: instances before stores, stores before
// functions, from threads that never entered the store. Every finalizer must have run once at the end, and the process must be as small
// as it was.

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { INSTANCES = 10, MAX_THREADS = 16 };

static const char* const WAT =
    "(module (import \"\" \"f\" (func $f (param i32) (result i32))) (memory (export \"m\") 1) (table (export \"t\") 4 funcref)"
    "  (elem (i32.const 0) $f $g) (data (i32.const 8) \"libwasm\")"
    "  (func $g (export \"g\") (param i32) (result i32)"
    "    (i32.store (i32.const 64) (local.get 0)) (i32.add (call $f (i32.load (i32.const 64))) (i32.load8_u (i32.const 8)))))";

static wasm_engine_t* engine;
static wasm_shared_module_t* shared;
static atomic_long made, finalized;
static int threads, stores;

static wasm_trap_t* add_one(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(*(int*)env == 1);
  results->data[0].of.i32 = args->data[0].of.i32 + 1;
  return NULL;
}

static void finalize(void* env) {
  CHECK(*(int*)env == 1);
  *(int*)env = 2;
  free(env);
  atomic_fetch_add(&finalized, 1);
}

static void* counted(void) {
  int* env = malloc(sizeof *env);
  *env = 1;
  atomic_fetch_add(&made, 1);
  return env;
}

// What one thread leaves in a store for another to delete.
struct leftovers {
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_instance_t* instances[INSTANCES];
  wasm_extern_vec_t exports[INSTANCES];
  struct leftovers* next;
};

// One list for each thread, to which the thread before adds.
static struct list {
  pthread_mutex_t lock;
  struct leftovers* first;
} lists[MAX_THREADS];

static void add(struct list* list, struct leftovers* item) {
  pthread_mutex_lock(&list->lock);
  item->next = list->first;
  list->first = item;
  pthread_mutex_unlock(&list->lock);
}

static struct leftovers* take(struct list* list) {
  pthread_mutex_lock(&list->lock);
  struct leftovers* item = list->first;
  if (item) list->first = item->next;
  pthread_mutex_unlock(&list->lock);
  return item;
}

static struct leftovers* work_in_a_store(int number) {
  struct leftovers* left = calloc(1, sizeof *left);
  left->store = wasm_store_new(engine);
  left->module = wasm_module_obtain(left->store, shared);
  CHECK(left->module);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  for (int i = 0; i < INSTANCES; i++) {
    wasm_func_t* func = wasm_func_new_with_env(left->store, type, add_one, counted(), finalize);
    wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
    left->instances[i] = wasm_instance_new(left->store, left->module, &imports_vec, NULL);
    CHECK(left->instances[i]);
    wasm_func_delete(func);
    wasm_instance_exports(left->instances[i], &left->exports[i]);
    wasm_instance_set_host_info_with_finalizer(left->instances[i], counted(), finalize);
    CHECK(check_call(wasm_extern_as_func(left->exports[i].data[2]), 1, number) == number + 1 + 'l');
    CHECK(wasm_memory_data(wasm_extern_as_memory(left->exports[i].data[0]))[9] == 'i');
    // Some are gone at once.
    if (i % 3 == 0) {
      wasm_instance_delete(left->instances[i]);
      left->instances[i] = NULL;
    }
  }
  wasm_functype_delete(type);
  return left;
}

static void delete_leftovers(struct leftovers* left, int order) {
  if (order & 1) wasm_store_delete(left->store);
  if (order & 2) wasm_module_delete(left->module);
  for (int i = 0; i < INSTANCES; i++) {
    int which = order & 4 ? i : INSTANCES - 1 - i;
    if (order & 8) wasm_instance_delete(left->instances[which]);
    wasm_extern_vec_delete(&left->exports[which]);
    if (!(order & 8)) wasm_instance_delete(left->instances[which]);
  }
  if (!(order & 2)) wasm_module_delete(left->module);
  if (!(order & 1)) wasm_store_delete(left->store);
  free(left);
}

static void* run(void* arg) {
  int me = (int)(intptr_t)arg;
  for (int number = me; number < stores; number += threads) {
    add(&lists[(me + 1) % threads], work_in_a_store(number));
    struct leftovers* left = number % 3 ? take(&lists[me]) : NULL;
    if (left) delete_leftovers(left, number / threads);
  }
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  threads = atoi(argv[1]);
  stores = atoi(argv[2]);
  CHECK(threads > 0 && threads <= MAX_THREADS);
  engine = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = check_module(store, WAT);
  shared = wasm_module_share(module);
  wasm_module_delete(module);
  wasm_store_delete(store);
  pthread_t ids[MAX_THREADS];
  for (int i = 0; i < threads; i++) pthread_mutex_init(&lists[i].lock, NULL);
  for (int i = 0; i < threads; i++) CHECK(!pthread_create(&ids[i], NULL, run, (void*)(intptr_t)i));
  for (int i = 0; i < threads; i++) CHECK(!pthread_join(ids[i], NULL));
  int order = 0;
  for (int i = 0; i < threads; i++) {
    for (struct leftovers* left; (left = take(&lists[i]));) delete_leftovers(left, order++);
  }
  wasm_shared_module_delete(shared);
  wasm_engine_delete(engine);
  printf("%d stores on %d threads: %ld finalizers of %ld\n", stores, threads, atomic_load(&finalized), atomic_load(&made));
  fflush(stdout);
  CHECK(atomic_load(&made) == 2l * INSTANCES * stores);
  CHECK(atomic_load(&finalized) == atomic_load(&made));
  return 0;
}
