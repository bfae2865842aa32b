// fork while threads grow a shared memory and wait in it: the child has a copy of its own, in which nobody waits, and which works.

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 65536, FORKS = 50 };

static const char* const GUEST =
    "(module (import \"\" \"m\" (memory 1 1000 shared))"
    "  (func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
    "  (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
    "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    "  (func (export \"size\") (result i32) (memory.size))"
    "  (func (export \"wait\") (param i32) (result i32) (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.extend_i32_s (local.get 0)))))";
enum { LOAD, STORE, GROW, SIZE, WAIT };

struct guest {
  wasm_engine_t* engine;
  libwasm_shared_memory_t* shared;
  wasm_store_t* store;
  wasm_instance_t* instance;
};

static void open_guest(struct guest* guest) {
  guest->store = wasm_store_new(guest->engine);
  wasm_memory_t* memory = libwasm_memory_obtain(guest->store, guest->shared);
  CHECK(memory);
  guest->instance = check_instance(guest->store, GUEST, 1, wasm_memory_as_extern(memory));
  wasm_memory_delete(memory);
}

static void close_guest(struct guest* guest) {
  wasm_instance_delete(guest->instance);
  wasm_store_delete(guest->store);
}

static int32_t call(const struct guest* guest, size_t export_, int32_t a, int32_t b) {
  wasm_func_t* func = check_func(guest->instance, export_);
  int32_t result = check_call(func, (int)wasm_func_param_arity(func), a, b);
  wasm_func_delete(func);
  return result;
}

static void* grow_on(void* arg) {
  struct guest guest = *(struct guest*)arg;
  open_guest(&guest);
  while (libwasm_shared_memory_size(guest.shared) < 900) {
    CHECK(call(&guest, GROW, 1, 0) > 0);
    sched_yield();
  }
  close_guest(&guest);
  return NULL;
}

static void* wait_on(void* arg) {
  struct guest guest = *(struct guest*)arg;
  open_guest(&guest);
  CHECK(call(&guest, WAIT, -1, 0) == 0);
  close_guest(&guest);
  return NULL;
}

// A process of its own, with memory and queues as they were.
static void child(struct guest* guest) {
  alarm(120);
  CHECK(libwasm_shared_memory_notify(guest->shared, 8, UINT32_MAX) == 0);
  int32_t size = call(guest, SIZE, 0, 0);
  CHECK(libwasm_shared_memory_size(guest->shared) == (uint64_t)size && call(guest, GROW, 1, 0) == size);
  call(guest, STORE, (size + 1) * PAGE - 1, 2);
  call(guest, STORE, 9 * PAGE, 2);
  CHECK(call(guest, LOAD, 9 * PAGE, 0) == 2 && call(guest, WAIT, 1000, 0) == LIBWASM_WAIT_TIMED_OUT);
  CHECK(libwasm_shared_memory_set_interrupted(guest->shared, true));
  CHECK(libwasm_shared_memory_wait32(guest->shared, 8, 0, -1) == LIBWASM_WAIT_INTERRUPTED);
  _exit(0);
}

int main(void) {
  struct guest guest = {.engine = check_engine()};
  libwasm_limits_t limits = {.min = 10, .max = 1000, .has_max = true, .shared = true};
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  guest.shared = libwasm_shared_memory_new(guest.engine, type);
  CHECK(guest.shared);
  wasm_memorytype_delete(type);
  open_guest(&guest);
  call(&guest, STORE, 9 * PAGE, 1);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) CHECK(!pthread_create(&threads[i], NULL, i ? wait_on : grow_on, &guest));
  for (int i = 0; i < FORKS; i++) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(&guest);
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(call(&guest, LOAD, 9 * PAGE, 0) == 1);
  }
  for (uint32_t woken = 0; woken < 2;) {
    woken += libwasm_shared_memory_notify(guest.shared, 8, 1);
    sched_yield();
  }
  for (int i = 0; i < 3; i++) CHECK(!pthread_join(threads[i], NULL));
  CHECK(call(&guest, SIZE, 0, 0) == 900);
  close_guest(&guest);
  libwasm_shared_memory_delete(guest.shared);
  wasm_engine_delete(guest.engine);
  return 0;
}
