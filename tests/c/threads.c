// Threads: an engine and modules shared by threads, deletes from any thread, the use of one store from two threads.

#include "check.h"

#include <pthread.h>

static const char* const ADDER =
    "(module (memory (export \"m\") 1) (func (export \"add\") (param i32 i32) (result i32)"
    "  (i32.add (local.get 0) (local.get 1))) (func (export \"trap\") (drop (i32.load (i32.const -1)))))";

struct shared {
  wasm_engine_t* engine;
  wasm_shared_module_t* module;
};

static void* use_shared_module(void* arg) {
  struct shared* shared = arg;
  for (int i = 0; i < 20; i++) {
    wasm_store_t* store = wasm_store_new(shared->engine);
    wasm_module_t* module = wasm_module_obtain(store, shared->module);
    wasm_module_t* compiled = check_module(store, ADDER);
    wasm_module_t* modules[] = {module, compiled};
    for (int j = 0; j < 2; j++) {
      wasm_extern_vec_t none = WASM_EMPTY_VEC;
      wasm_instance_t* instance = wasm_instance_new(store, modules[j], &none, NULL);
      wasm_func_t *add = check_func(instance, 1), *trapper = check_func(instance, 2);
      CHECK(check_call(add, 2, i, j) == i + j);
      wasm_trap_t* trap = check_trap(trapper);
      CHECK(trap_says(trap, "out of bounds memory access"));
      wasm_trap_delete(trap);
      wasm_func_delete(add);
      wasm_func_delete(trapper);
      wasm_instance_delete(instance);
    }
    wasm_module_delete(module);
    wasm_module_delete(compiled);
    wasm_store_delete(store);
  }
  return NULL;
}

// Threads with a store each obtain one module, and compile their own, in one engine.
static void modules_are_shared(void) {
  struct shared shared = {check_engine(), NULL};
  wasm_store_t* store = wasm_store_new(shared.engine);
  wasm_module_t* module = check_module(store, ADDER);
  shared.module = wasm_module_share(module);
  wasm_module_delete(module);
  wasm_store_delete(store);
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) CHECK(!pthread_create(&threads[i], NULL, use_shared_module, &shared));
  for (int i = 0; i < 6; i++) CHECK(!pthread_join(threads[i], NULL));
  wasm_shared_module_delete(shared.module);
  wasm_engine_delete(shared.engine);
}

struct handles {
  wasm_store_t* store;
  wasm_instance_t* instance;
  wasm_func_t* func;
  wasm_memory_t* memory;
  wasm_foreign_t* foreign;
  wasm_trap_t* trap;
};

static void* delete_handles(void* arg) {
  struct handles* handles = arg;
  wasm_instance_delete(handles->instance);
  wasm_func_delete(handles->func);
  wasm_memory_delete(handles->memory);
  wasm_foreign_delete(handles->foreign);
  wasm_trap_delete(handles->trap);
  wasm_store_delete(handles->store);
  return NULL;
}

static void on_another_thread(void* (*body)(void*), void* arg) {
  pthread_t thread;
  CHECK(!pthread_create(&thread, NULL, body, arg));
  CHECK(!pthread_join(thread, NULL));
}

// Every delete may come from any thread: while the store lives on here, and as the last handle there is.
static void deletes_from_another_thread(void) {
  for (int last = 0; last < 2; last++) {
    int finalized = 0;
    wasm_store_t* store = check_store();
    wasm_instance_t* instance = check_instance(store, ADDER, 0);
    wasm_func_t* trapper = check_func(instance, 2);
    struct handles handles = {last ? store : NULL, instance, check_func(instance, 1), check_memory(instance, 0),
                              wasm_foreign_new(store), check_trap(trapper)};
    wasm_func_delete(trapper);
    wasm_foreign_set_host_info_with_finalizer(handles.foreign, &finalized, count_up);
    wasm_instance_set_host_info_with_finalizer(handles.instance, &finalized, count_up);
    on_another_thread(delete_handles, &handles);
    if (!last) {
      // The owner's next entry drains what was queued.
      wasm_instance_t* other = check_instance(store, ADDER, 0);
      wasm_func_t* add = check_func(other, 1);
      CHECK(check_call(add, 2, 1, 2) == 3);
      CHECK(finalized == 2);
      wasm_func_delete(add);
      wasm_instance_delete(other);
      wasm_store_delete(store);
    }
    CHECK(finalized == 2);
  }
}

static void* call_add(void* arg) {
  CHECK(check_call(arg, 2, 20, 22) == 42);
  return NULL;
}

// A store may move between threads, one at a time.
static void stores_move(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, ADDER, 0);
  wasm_func_t* add = check_func(instance, 1);
  for (int i = 0; i < 4; i++) {
    on_another_thread(call_add, add);
    call_add(add);
  }
  wasm_func_delete(add);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static void* call_while_busy(void* arg) {
  wasm_val_t values[] = {WASM_I32_VAL(1), WASM_I32_VAL(2)}, result;
  wasm_val_vec_t args = WASM_ARRAY_VEC(values), results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(arg, &args, &results);
  CHECK(trap);
  wasm_trap_delete(trap);
  return NULL;
}

static wasm_trap_t* run_the_other_thread(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  on_another_thread(call_while_busy, env);
  return NULL;
}

// The use of a store from two threads at once is detected, as an error, while wasm runs in it.
static void busy_stores(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, ADDER, 0);
  wasm_func_t* add = check_func(instance, 1);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, run_the_other_thread, add, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* caller = check_instance(
      store, "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (call $f)))", 1, wasm_func_as_extern(host));
  wasm_func_t* run = check_func(caller, 0);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(run, &none, &none));
  CHECK(check_call(add, 2, 20, 22) == 42);
  wasm_func_delete(run);
  wasm_func_delete(add);
  wasm_func_delete(host);
  wasm_instance_delete(caller);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static void* fail_here(void* arg) {
  CHECK(libwasm_last_error_kind() == 0);
  CHECK_REASON(wasm_store_new(NULL) == NULL);
  return arg;
}

// The reason of a failure is the thread's own.
static void reasons_are_the_threads(void) {
  libwasm_last_error_clear();
  on_another_thread(fail_here, NULL);
  CHECK(libwasm_last_error_kind() == 0);
}

int main(void) {
  modules_are_shared();
  deletes_from_another_thread();
  stores_move();
  busy_stores();
  reasons_are_the_threads();
  return 0;
}
