// How much of a stack WebAssembly may use: what is left to host functions, what the configuration says, and stacks that are not the
// thread's own, which are used once their bounds are named and refused before.

#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"

static const char* const WAT =
    "(module (import \"\" \"host\" (func $host (param i32)))"
    " (global $depth (export \"depth\") (mut i32) (i32.const 0))"
    " (func (export \"sub\") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))"
    // Recurses for ever, and calls out at each level.
    " (func $out (export \"out\") (param i32)"
    "   (global.set $depth (i32.add (global.get $depth) (i32.const 1)))"
    "   (call $host (local.get 0)) (call $out (local.get 0)))"
    // Recurses for ever.
    " (func $deep (export \"deep\") (result i32)"
    "   (global.set $depth (i32.add (global.get $depth) (i32.const 1)))"
    "   (i32.add (call $deep) (i32.const 1)))"
    // Calls out once.
    " (func (export \"once\") (param i32) (call $host (local.get 0))))";

enum { DEPTH, SUB, OUT, DEEP, ONCE, EXPORTS };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
};

static struct world* current;

static wasm_trap_t* (*callback)(int32_t);

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  return callback(args->data[0].of.i32);
}

// `config` moves into it.
static void world_new(struct world* world, wasm_config_t* config) {
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  CHECK(engine);
  world->store = wasm_store_new(engine);
  CHECK(world->store);
  wasm_engine_delete(engine);
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(world->store, type, host);
  wasm_functype_delete(type);
  world->instance = check_instance(world->store, WAT, 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  wasm_instance_exports(world->instance, &world->exports);
  CHECK(world->exports.size == EXPORTS);
  current = world;
}

static void world_delete(struct world* world) {
  wasm_extern_vec_delete(&world->exports);
  wasm_instance_delete(world->instance);
  wasm_store_delete(world->store);
}

static wasm_trap_t* call(int func, int32_t a, int32_t b, int32_t* result) {
  wasm_func_t* target = wasm_extern_as_func(current->exports.data[func]);
  wasm_val_t in[] = {WASM_I32_VAL(a), WASM_I32_VAL(b)}, out = WASM_INIT_VAL;
  wasm_val_vec_t args = {wasm_func_param_arity(target), in}, results = {wasm_func_result_arity(target), &out};
  wasm_trap_t* trap = wasm_func_call(target, &args, &results);
  if (result) *result = out.of.i32;
  return trap;
}

static void calls_work(void) {
  int32_t result;
  CHECK(!call(SUB, 9, 4, &result) && result == 5);
}

static bool overflow(wasm_trap_t* trap) {
  CHECK(trap);
  bool is = libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW && trap_says(trap, "call stack exhausted");
  wasm_trap_delete(trap);
  return is;
}

// How deep a guest can recurse from here.
static int32_t depth(void) {
  wasm_global_t* global = wasm_extern_as_global(current->exports.data[DEPTH]);
  wasm_val_t value = WASM_I32_VAL(0);
  wasm_global_set(global, &value);
  CHECK(overflow(call(DEEP, 0, 0, NULL)));
  wasm_global_get(global, &value);
  return value.of.i32;
}

// A host function with a large buffer.
__attribute__((noinline)) static wasm_trap_t* uses_buffer(int32_t kib) {
  volatile char buffer[1 << 20];
  CHECK(kib <= 1024);
  for (int32_t i = 0; i < kib; ++i) buffer[sizeof buffer - 1 - ((size_t)i << 10)] = 1;
  buffer[0] = 1;
  return NULL;
}

// valgrind, which runs in the other mode, takes a millisecond for such a frame: there every 50th call has one.
static wasm_trap_t* uses_stack(int32_t kib) {
  static int calls;
  return check_mode_is_checked() && ++calls % 50 != 0 ? NULL : uses_buffer(kib);
}

static void* host_functions_have_room(void* unused) {
  callback = uses_stack;
  CHECK(overflow(call(OUT, 1024, 0, NULL)));
  calls_work();
  return unused;
}

// On a stack of exactly this size: the C library may use a larger one again.
static void on_thread(size_t size, void* (*run)(void*)) {
  void* stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(stack != MAP_FAILED);
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstack(&attributes, stack, size) == 0);
  CHECK(pthread_create(&thread, &attributes, run, NULL) == 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, NULL);
  munmap(stack, size);
}

static int32_t depth_there;

static void* measures_depth(void* unused) {
  calls_work();
  depth_there = depth();
  return unused;
}

static int32_t depth_with(size_t max, size_t reserve, size_t thread) {
  wasm_config_t* config = check_config();
  if (max) libwasm_config_set_max_wasm_stack(config, max);
  if (reserve) libwasm_config_set_host_stack_reserve(config, reserve);
  struct world world;
  world_new(&world, config);
  on_thread(thread, measures_depth);
  world_delete(&world);
  return depth_there;
}

static bool about(int32_t is, double should_be) { return is > should_be * 0.9 && is < should_be * 1.1; }

static void configurations(void) {
  const size_t mib = 1 << 20;
  int32_t one = depth_with(mib, 0, 16 * mib);
  CHECK(one > 1000);
  double frame = (double)mib / one;
  CHECK(about(depth_with(4 * mib, 0, 16 * mib), 4.0 * mib / frame));
  CHECK(about(depth_with(mib / 4, 0, 16 * mib), mib / 4.0 / frame));
  // What the host keeps is kept whatever WebAssembly may use.
  CHECK(about(depth_with(64 * mib, 12 * mib, 16 * mib), 4.0 * mib / frame));
  CHECK(about(depth_with(64 * mib, 4 * mib, 16 * mib), 12.0 * mib / frame));
  // By default WebAssembly uses 8 MiB at most, and leaves 1 MiB: half of a small stack.
  CHECK(about(depth_with(0, 0, 64 * mib), 8.0 * mib / frame));
  CHECK(about(depth_with(0, 0, 4 * mib), 3.0 * mib / frame));
  CHECK(about(depth_with(0, 0, mib), 0.5 * mib / frame));
  // Nothing is left: a trap that says so.
  wasm_config_t* config = check_config();
  libwasm_config_set_host_stack_reserve(config, SIZE_MAX);
  struct world world;
  world_new(&world, config);
  wasm_trap_t* trap = call(SUB, 1, 1, NULL);
  CHECK(trap && trap_says(trap, "call stack exhausted: ") && libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
  world_delete(&world);
  libwasm_config_set_max_wasm_stack(NULL, 1);
  libwasm_config_set_host_stack_reserve(NULL, 1);
}

// Nested entries share what the outermost may use.
static wasm_trap_t* recurses(int32_t levels) {
  if (levels > 0) return call(ONCE, levels - 1, 0, NULL);
  depth_there = depth();
  return NULL;
}

static wasm_trap_t* recurses_for_ever(int32_t unused) { return call(ONCE, unused, 0, NULL); }

static void* nesting(void* unused) {
  int32_t whole = depth();
  callback = recurses;
  CHECK(!call(ONCE, 50, 0, NULL));
  CHECK(depth_there < whole);
  callback = recurses_for_ever;
  CHECK(overflow(call(ONCE, 0, 0, NULL)));
  calls_work();
  return unused;
}

// Coroutines. Below the stack of each lies what nobody may touch.
enum { BELOW = 128 << 10 };

struct coroutine {
  char* block;
  size_t size;
  ucontext_t inside, outside;
};

static char* low(struct coroutine* coroutine) { return coroutine->block + BELOW; }

static void prepare(struct coroutine* coroutine, size_t size, void (*run)(void)) {
  coroutine->size = size;
  memset(coroutine->block, 0x5a, BELOW);
  CHECK(getcontext(&coroutine->inside) == 0);
  coroutine->inside.uc_stack.ss_sp = low(coroutine);
  coroutine->inside.uc_stack.ss_size = size;
  coroutine->inside.uc_link = &coroutine->outside;
  makecontext(&coroutine->inside, run, 0);
}

static void resume(struct coroutine* coroutine) { CHECK(swapcontext(&coroutine->outside, &coroutine->inside) == 0); }

static void untouched_below(const struct coroutine* coroutine) {
  for (size_t i = 0; i < BELOW; ++i) CHECK(coroutine->block[i] == 0x5a);
}

static struct coroutine* running;

static void in_coroutine(size_t size, void (*run)(void)) {
  struct coroutine coroutine = {.block = malloc(BELOW + size)}, *outer = running;
  CHECK(coroutine.block);
  running = &coroutine;
  prepare(&coroutine, size, run);
  resume(&coroutine);
  untouched_below(&coroutine);
  free(coroutine.block);
  running = outer;
}

static void undeclared(void) {
  for (int i = 0; i < 3; ++i) {
    libwasm_last_error_clear();
    wasm_trap_t* trap = call(SUB, 9, 4, NULL);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL && reason_says("libwasm_thread_set_stack"));
    wasm_trap_delete(trap);
    trap = call(DEEP, 0, 0, NULL);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
    wasm_trap_delete(trap);
  }
  // Everything else works.
  wasm_global_t* global = wasm_extern_as_global(current->exports.data[DEPTH]);
  wasm_val_t value = WASM_I32_VAL(0);
  CHECK_NO_REASON((wasm_global_set(global, &value), true));
}

static void declared(void) {
  CHECK(libwasm_thread_set_stack(low(running), low(running) + running->size));
  if (running->size >= 256 << 10) {
    calls_work();
    int32_t deep = depth();
    CHECK(deep == depth());
    callback = uses_stack;
    if (running->size >= 4 << 20) CHECK(overflow(call(OUT, 1024, 0, NULL)));
    nesting(NULL);
  } else {
    // Whether there is room for anything depends on the mode and the machine; nothing below is touched in any case.
    for (int i = 0; i < 3; ++i) {
      wasm_trap_t* trap = call(SUB, 9, 4, NULL);
      if (trap) CHECK(overflow(trap));
      CHECK(overflow(call(DEEP, 0, 0, NULL)));
    }
  }
  CHECK(libwasm_thread_set_stack(NULL, NULL));
  undeclared();
}

static wasm_trap_t* enters_coroutine(int32_t unused) {
  (void)unused;
  in_coroutine(512 << 10, undeclared);
  in_coroutine(512 << 10, declared);
  return NULL;
}

static void coroutines(void) {
  in_coroutine(512 << 10, undeclared);
  in_coroutine(512 << 10, declared);
  in_coroutine(8 << 20, declared);
  in_coroutine(64 << 10, declared);
  in_coroutine(32 << 10, declared);
  in_coroutine(32 << 10, undeclared);
  calls_work();
  // Within a call of the thread's own stack, whose limit holds again afterwards.
  int32_t before = depth();
  callback = enters_coroutine;
  CHECK(!call(ONCE, 0, 0, NULL));
  CHECK(depth() == before);
}

static void within_array(void) {
  CHECK(libwasm_thread_set_stack(low(running), low(running) + running->size));
  calls_work();
  (void)depth();
  calls_work();
  CHECK(libwasm_thread_set_stack(NULL, NULL));
}

// A stack that is part of the thread's own: once it is named, nothing below it is touched. (valgrind, which runs in the other mode, takes
// the switch for a return.)
static void array_as_stack(void) {
  if (check_mode_is_checked()) return;
  char block[BELOW + (512 << 10)];
  struct coroutine coroutine = {.block = block};
  running = &coroutine;
  prepare(&coroutine, 512 << 10, within_array);
  calls_work();
  resume(&coroutine);
  untouched_below(&coroutine);
  calls_work();
}

static void bad_bounds(void) {
  char bytes[2];
  CHECK_REASON(!libwasm_thread_set_stack(bytes + 1, bytes));
  CHECK_REASON(!libwasm_thread_set_stack(bytes, bytes));
  CHECK_REASON(!libwasm_thread_set_stack(NULL, bytes));
  CHECK_REASON(!libwasm_thread_set_stack(bytes, NULL));
  CHECK_NO_REASON(libwasm_thread_set_stack(NULL, NULL));
  calls_work();
}

int main(void) {
  struct world world;
  world_new(&world, check_config());
  host_functions_have_room(NULL);
  on_thread(2 << 20, host_functions_have_room);
  on_thread(8 << 20, host_functions_have_room);
  nesting(NULL);
  on_thread(2 << 20, nesting);
  coroutines();
  array_as_stack();
  bad_bounds();
  host_functions_have_room(NULL);
  world_delete(&world);
  configurations();
  return 0;
}
