// Loads the library with local scope, calls it, lets compiled code fault, and closes it, twice. Afterwards, as before, a fault of the
// host's own goes to the host's own handler, which was there first.

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>

static void* library;

static void* symbol(const char* name) {
  void* address = dlsym(library, name);
  if (!address) {
    fprintf(stderr, "%s: %s\n", name, dlerror());
    exit(1);
  }
  return address;
}

#define FUNCTION(name) __typeof__(name)* call_##name = (__typeof__(name)*)symbol(#name)
#define CHECK(condition) \
  if (!(condition)) { fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); exit(1); }

// (module (memory 1) (data (i32.const 8) "*") (func (export "f") (param i32) (result i32) (i32.load (local.get 0))))
static const char BINARY[] =
    "\0asm\1\0\0\0\1\6\1\x60\1\x7f\1\x7f\3\2\1\0\5\3\1\0\1\7\5\1\1\x66\0\0\xa\x9\1\7\0\x20\0\x28\2\0\xb\xb\7\1\0\x41\x8\xb\1\x2a";

static sigjmp_buf back;
static volatile sig_atomic_t handled;

static void on_fault(int signal) {
  (void)signal;
  handled++;
  siglongjmp(back, 1);
}

// A fault of the host's own.
static void fault(void) {
  if (!sigsetjmp(back, 1)) *(volatile int*)16 = 1;
}

static void* use(void* unused) {
  // Local scope: the names are not everybody's.
  CHECK(!dlsym(RTLD_DEFAULT, "wasm_engine_new"));
  FUNCTION(wasm_engine_new);
  FUNCTION(wasm_engine_delete);
  FUNCTION(wasm_store_new);
  FUNCTION(wasm_store_delete);
  FUNCTION(wasm_module_new);
  FUNCTION(wasm_module_delete);
  FUNCTION(wasm_instance_new);
  FUNCTION(wasm_instance_delete);
  FUNCTION(wasm_instance_exports);
  FUNCTION(wasm_extern_as_func);
  FUNCTION(wasm_extern_vec_delete);
  FUNCTION(wasm_func_call);
  FUNCTION(wasm_trap_delete);
  wasm_engine_t* engine = call_wasm_engine_new();
  wasm_store_t* store = call_wasm_store_new(engine);
  wasm_byte_vec_t binary = {sizeof BINARY - 1, (char*)BINARY};
  wasm_module_t* module = call_wasm_module_new(store, &binary);
  CHECK(module);
  wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = call_wasm_instance_new(store, module, &none, NULL);
  CHECK(instance);
  call_wasm_instance_exports(instance, &exports);
  CHECK(exports.size == 1);
  wasm_val_t arg = WASM_I32_VAL(8), result = WASM_I32_VAL(0);
  wasm_val_vec_t args = {1, &arg}, results = {1, &result};
  CHECK(!call_wasm_func_call(call_wasm_extern_as_func(exports.data[0]), &args, &results));
  CHECK(result.of.i32 == 42);
  arg.of.i32 = -4;
  wasm_trap_t* trap = call_wasm_func_call(call_wasm_extern_as_func(exports.data[0]), &args, &results);
  CHECK(trap);
  call_wasm_trap_delete(trap);
  call_wasm_extern_vec_delete(&exports);
  call_wasm_instance_delete(instance);
  call_wasm_module_delete(module);
  call_wasm_store_delete(store);
  call_wasm_engine_delete(engine);
  return unused;
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  struct sigaction action = {.sa_handler = on_fault};
  sigemptyset(&action.sa_mask);
  CHECK(!sigaction(SIGSEGV, &action, NULL));
  fault();
  CHECK(handled == 1);
  for (int round = 0; round < 2; round++) {
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    // On a thread that ends: what the library keeps for a thread would keep the library in the process.
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, use, NULL) && !pthread_join(thread, NULL));
    CHECK(handled == 1 + round * 2);
    fault();
    CHECK(handled == 2 + round * 2);
    CHECK(!dlclose(library));
    // The library's handler is still there, and passes on what is not the library's.
    fault();
    CHECK(handled == 3 + round * 2);
  }
  return 0;
}
