// fork while other threads are at work in the library: in whatever moment, the child can use the engine, its own store and new ones.

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 150, PARAMS = 200 };

static wasm_engine_t* engine;
static wasm_shared_module_t* shared;
static atomic_bool done;
static atomic_uint signature_count;
// A store that this thread owns and another one gives handles back to.
static wasm_store_t* own_store;
static _Atomic(wasm_func_t*) to_delete;

static const char MODULE[] =
    "(module (memory (export \"m\") 1) (table 8 funcref) (elem (i32.const 0) 0 0)"
    " (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
    " (data (i32.const 0) \"data\"))";

static wasm_trap_t* callback(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

// Instances of one module, which its pool gives and takes, and a fresh memory now and then.
static void use_instances(wasm_store_t* store, int count) {
  wasm_module_t* module = wasm_module_obtain(store, shared);
  CHECK(module);
  for (int i = 0; i < count; i++) {
    wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    CHECK(instance);
    wasm_instance_exports(instance, &exports);
    wasm_val_t arg = WASM_I32_VAL(41), result = WASM_I32_VAL(0);
    wasm_val_vec_t args = {1, &arg}, results = {1, &result};
    CHECK(!wasm_func_call(wasm_extern_as_func(exports.data[1]), &args, &results) && result.of.i32 == 42);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(module);
}

// A host function of a signature that no other has: its trampoline is compiled.
static void use_signature(wasm_store_t* store) {
  unsigned number = atomic_fetch_add(&signature_count, 1);
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_uninitialized(&params, PARAMS);
  for (int i = 0; i < PARAMS; i++) params.data[i] = wasm_valtype_new(number >> i % 20 & 1 ? WASM_I64 : WASM_I32);
  wasm_valtype_vec_new_empty(&results);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  wasm_func_t* func = wasm_func_new(store, type, callback);
  CHECK(func);
  wasm_func_delete(func);
  wasm_functype_delete(type);
}

static void use_module(wasm_store_t* store) {
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  CHECK(instance);
  wasm_instance_delete(instance);
}

static void* instances(void* unused) {
  wasm_store_t* store = wasm_store_new(engine);
  while (!done) use_instances(store, 20);
  wasm_store_delete(store);
  return unused;
}

static void* signatures(void* unused) {
  wasm_store_t* store = wasm_store_new(engine);
  while (!done) use_signature(store);
  wasm_store_delete(store);
  return unused;
}

static void* modules(void* unused) {
  while (!done) {
    wasm_store_t* store = wasm_store_new(engine);
    use_module(store);
    wasm_store_delete(store);
  }
  return unused;
}

// Gives handles of the main thread's store back.
static void* deletes(void* unused) {
  while (!done) {
    wasm_func_t* func = atomic_exchange(&to_delete, NULL);
    if (func) wasm_func_delete(func);
  }
  return unused;
}

static void child(void) {
  // A lock that nobody holds any more ends here.
  alarm(60);
  use_instances(own_store, 3);
  use_signature(own_store);
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  use_module(store);
  use_instances(store, 3);
  use_signature(store);
  wasm_store_delete(store);
  wasm_store_delete(own_store);
  _exit(0);
}

int main(void) {
  engine = check_engine();
  own_store = wasm_store_new(engine);
  wasm_byte_vec_t binary = check_wasm(MODULE);
  wasm_module_t* module = wasm_module_new(own_store, &binary);
  CHECK(module);
  shared = wasm_module_share(module);
  wasm_byte_vec_delete(&binary);
  wasm_module_delete(module);
  pthread_t threads[4];
  void* (*work[4])(void*) = {instances, signatures, modules, deletes};
  for (int i = 0; i < 4; i++) CHECK(!pthread_create(&threads[i], NULL, work[i], NULL));
  wasm_functype_t* type = wasm_functype_new_0_0();
  for (int i = 0; i < FORKS; i++) {
    wasm_func_t* func = wasm_func_new(own_store, type, callback);
    CHECK(func);
    func = atomic_exchange(&to_delete, func);
    if (func) wasm_func_delete(func);
    usleep(i % 7 * 300);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child();
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    use_instances(own_store, 1);
  }
  done = true;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  wasm_func_t* func = atomic_exchange(&to_delete, NULL);
  if (func) wasm_func_delete(func);
  wasm_functype_delete(type);
  wasm_shared_module_delete(shared);
  wasm_store_delete(own_store);
  wasm_engine_delete(engine);
  return 0;
}
