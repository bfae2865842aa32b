// Stacks that the process is given: without a limit, with one that is lowered later, and small ones of threads.

#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"

static const char* const WAT =
    "(module (import \"\" \"host\" (func $host))"
    " (func (export \"sub\") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))"
    " (func $deep (export \"deep\") (call $deep) (call $deep))"
    " (func $out (export \"out\") (call $host) (call $out))"
    " (func (export \"once\") (call $host)))";

enum { SUB, DEEP, OUT, ONCE };

static wasm_store_t* store;
static wasm_instance_t* instance;

static size_t buffer_size;

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  volatile char buffer[buffer_size];
  for (size_t i = 0; i < buffer_size; i += 1024) buffer[buffer_size - 1 - i] = 1;
  CHECK(buffer[buffer_size - 1] == 1);
  return NULL;
}

static void overflows(size_t export) {
  wasm_func_t* func = check_func(instance, export);
  wasm_trap_t* trap = check_trap(func);
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
  wasm_func_delete(func);
}

static void works(void) {
  wasm_func_t* func = check_func(instance, SUB);
  CHECK(check_call(func, 2, 9, 4) == 5);
  wasm_func_delete(func);
}

static void all(void) {
  works();
  overflows(DEEP);
  overflows(OUT);
  works();
}

// The host is deeper in its own stack than it was when it first called.
__attribute__((noinline)) static void from_deep_below(int levels) {
  volatile char bytes[100 << 10];
  for (size_t i = 0; i < sizeof bytes; i += 1024) bytes[i] = 1;
  if (levels == 0) all();
  else from_deep_below(levels - 1);
  CHECK(bytes[0] == 1);
}

static void lower(rlim_t bytes) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
  limit.rlim_cur = bytes;
  CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
}

static void* on_thread(void* unused) {
  all();
  return unused;
}

// On a stack of exactly this size, with nothing below: the C library may use a larger one again.
static void thread(size_t size) {
  const size_t below = 64 << 10;
  char* block = mmap(NULL, below + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(block != MAP_FAILED && mprotect(block, below, PROT_NONE) == 0);
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstack(&attributes, block + below, size) == 0);
  CHECK(pthread_create(&thread, &attributes, on_thread, NULL) == 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, NULL);
  munmap(block, below + size);
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new(store, type, host);
  wasm_functype_delete(type);
  instance = check_instance(store, WAT, 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  buffer_size = 1 << 20;
  if (strcmp(argv[1], "unlimited") == 0) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
    all();
    from_deep_below(200);
    // WebAssembly's 8 MiB and what the host used, and not all of memory.
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    CHECK(usage.ru_maxrss < 96 << 10);
  } else if (strcmp(argv[1], "lowered later") == 0) {
    works();
    lower(256 << 10);
    all();
  } else if (strcmp(argv[1], "lowered before") == 0) {
    buffer_size = 64 << 10;
    lower(512 << 10);
    all();
    lower(64 << 10);
    all();
  } else if (strcmp(argv[1], "small threads") == 0) {
    const size_t sizes[] = {32, 40, 48, 64, 80, 128, 256, 512};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
      buffer_size = (sizes[i] << 10) / 8;
      thread(sizes[i] << 10);
    }
  } else {
    CHECK(!"a known case");
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  return 0;
}
