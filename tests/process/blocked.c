// Threads that block all signals, as those of programs that wait for signals on one thread do: faults are traps there as well, and
// what else is blocked stays blocked.

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static const char* const WAT =
    "(module (memory 1)"
    " (func (export \"load\") (drop (i32.load offset=65536 (i32.const 0))))"
    " (func (export \"divide\") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 0)))))"
    " (func (export \"unreachable\") unreachable)"
    " (func $deep (export \"deep\") (call $deep) (call $deep)))";

enum { LOAD, DIVIDE, UNREACHABLE, DEEP, EXPORTS };

static const int codes[EXPORTS] = {LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS, LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO, LIBWASM_TRAP_UNREACHABLE,
                                   LIBWASM_TRAP_STACK_OVERFLOW};

static wasm_store_t* store;
static wasm_instance_t* instance;

static void traps(int first) {
  for (int i = 0; i < EXPORTS; ++i) {
    int which = (first + i) % EXPORTS;
    wasm_func_t* func = check_func(instance, (size_t)which);
    wasm_trap_t* trap = check_trap(func);
    CHECK(libwasm_trap_code(trap) == codes[which]);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
  }
}

static void block_all(void) {
  sigset_t all;
  sigfillset(&all);
  CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
}

// Whether what was blocked still is, but for the faults.
static void still_blocked(void) {
  sigset_t now;
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
  CHECK(sigismember(&now, SIGTERM) && sigismember(&now, SIGINT) && sigismember(&now, SIGALRM) && sigismember(&now, SIGUSR1));
  CHECK(!sigismember(&now, SIGSEGV) && !sigismember(&now, SIGILL) && !sigismember(&now, SIGFPE));
}

static void* on_thread(void* first) {
  block_all();
  traps(*(int*)first);
  still_blocked();
  return NULL;
}

static void* inherits(void* first) {
  traps(*(int*)first);
  still_blocked();
  return NULL;
}

static sigjmp_buf target;

static wasm_trap_t* jumps(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  siglongjmp(target, 1);
}

// A jump out of a host function puts back the mask from before the first call.
static void* jumps_with_mask(void* first) {
  block_all();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new(store, type, jumps);
  wasm_functype_delete(type);
  wasm_instance_t* caller = check_instance(
      store, "(module (import \"\" \"jumps\" (func $jumps)) (func (export \"out\") (call $jumps)))", 1, wasm_func_as_extern(host));
  wasm_func_t* out = check_func(caller, 0);
  if (sigsetjmp(target, 1) == 0) {
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    wasm_func_call(out, &none, &none);
    CHECK(!"left by a jump");
  }
  traps(*(int*)first);
  still_blocked();
  wasm_func_delete(out);
  wasm_instance_delete(caller);
  wasm_func_delete(host);
  return NULL;
}

static void run(void* (*body)(void*), int first) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, &first) == 0);
  pthread_join(thread, NULL);
}

int main(void) {
  store = check_store();
  instance = check_instance(store, WAT, 0);
  for (int i = 0; i < EXPORTS; ++i) run(on_thread, i);
  for (int i = 0; i < EXPORTS; ++i) run(jumps_with_mask, i);
  traps(0);
  // A thread starts with the mask of the one that starts it.
  block_all();
  for (int i = 0; i < EXPORTS; ++i) run(inherits, i);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  // Blocked before there is an engine, and a store that is new on this thread.
  block_all();
  store = check_store();
  instance = check_instance(store, WAT, 0);
  traps(0);
  still_blocked();
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  return 0;
}
