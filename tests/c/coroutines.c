// Callbacks that coroutines are in, which return in another order than they were entered, or never. The store goes on, collects, and is
// freed.

#define _GNU_SOURCE
#include <sys/mman.h>
#include <ucontext.h>

#include "leaving.h"

// Coroutines that are inside the store at the same time.
enum { COROUTINES = 6, STACK = 512 << 10 };

static struct coroutine {
  char* stack;
  ucontext_t context;
  int32_t input, output;
  bool done, traps;
} coroutines[COROUTINES];

// Far from everything else: valgrind takes a stack pointer that moves by less than 2 MB for one that stays on its stack.
enum { APART = 4 << 20 };

static char* stack_new(void) {
  char* block = mmap(NULL, APART + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(block != MAP_FAILED);
  return block + APART;
}

static void stack_delete(char* stack) { CHECK(munmap(stack - APART, APART + STACK) == 0); }

static ucontext_t scheduler;
static struct coroutine* running;

// Suspends the coroutine, which is in a callback.
static int32_t suspends(int32_t value) {
  struct coroutine* me = running;
  CHECK(swapcontext(&me->context, &scheduler) == 0);
  CHECK(running == me && me->input == value);
  // Calls from here, after others have run.
  CHECK(value_of(ADD, value, 1) == value + 1);
  CHECK(swapcontext(&me->context, &scheduler) == 0);
  return value * 3;
}

static void run_coroutine(void) {
  struct coroutine* me = running;
  if (me->traps) {
    wasm_trap_t* trap = call(OUT_TRAP, me->input, 0, &me->output);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 1);
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
  } else {
    me->output = value_of(FAR, me->input, me->input % 5);
  }
  me->done = true;
}

static void start_coroutine(struct coroutine* coroutine, void (*run)(void)) {
  coroutine->done = false;
  CHECK(getcontext(&coroutine->context) == 0);
  coroutine->context.uc_stack.ss_sp = coroutine->stack;
  coroutine->context.uc_stack.ss_size = STACK;
  coroutine->context.uc_link = &scheduler;
  makecontext(&coroutine->context, run, 0);
}

static void resume(struct coroutine* coroutine) {
  struct coroutine* outer = running;
  running = coroutine;
  CHECK(libwasm_thread_set_stack(coroutine->stack, coroutine->stack + STACK));
  CHECK(swapcontext(&scheduler, &coroutine->context) == 0);
  CHECK(libwasm_thread_set_stack(NULL, NULL));
  running = outer;
}

static uint32_t chance = 1;

static uint32_t up_to(uint32_t bound) {
  chance = chance * 1664525 + 1013904223;
  return (chance >> 8) % bound;
}

static int32_t schedules(int32_t value) {
  int32_t (*before)(int32_t) = callback;
  for (int round = 0; round < 40; ++round) {
    callback = suspends;
    int left = COROUTINES;
    for (int i = 0; i < COROUTINES; ++i) {
      coroutines[i].input = (int32_t)up_to(100);
      coroutines[i].traps = up_to(3) == 0;
      start_coroutine(&coroutines[i], run_coroutine);
    }
    while (left > 0) {
      struct coroutine* next = &coroutines[up_to(COROUTINES)];
      if (next->done) continue;
      resume(next);
      if (next->done) {
        --left;
        if (!next->traps) CHECK(next->output == next->input * 3 + 1 + next->input % 5);
      }
      if (up_to(8) == 0) CHECK(value_of(ADD, 1, 2) == 3);
      if (up_to(100) == 0) collect();
    }
  }
  callback = before;
  return value;
}

static void in_any_order(void) {
  // From outside of the store, and from within a call.
  schedules(0);
  callback = schedules;
  CHECK(value_of(OUT, 5, 0) == 6);
  usable();
}

// Suspended for good. The host says so, and frees the stack.
static void given_up(void) {
  for (int round = 0; round < 10; ++round) {
    callback = suspends;
    for (int i = 0; i < COROUTINES; ++i) {
      coroutines[i].input = i;
      coroutines[i].traps = false;
      start_coroutine(&coroutines[i], run_coroutine);
      resume(&coroutines[i]);
    }
    collect();
    for (int i = 0; i < COROUTINES; ++i) {
      libwasm_store_forget_stack(store, coroutines[i].stack, coroutines[i].stack + STACK);
      stack_delete(coroutines[i].stack);
      usable();
      coroutines[i].stack = stack_new();
    }
    collect();
  }
  CHECK_REASON((libwasm_store_forget_stack(NULL, &store, &store + 1), true));
  CHECK_REASON((libwasm_store_forget_stack(store, &store + 1, &store), true));
}

// The same without a word: the stack is used again, and what was on it is found dead.
static void overwritten(void) {
  callback = suspends;
  start_coroutine(&coroutines[0], run_coroutine);
  coroutines[0].input = 1;
  coroutines[0].traps = false;
  resume(&coroutines[0]);
  usable();
  // Anew: valgrind lets nobody write where that stack was popped.
  char* stack = mmap(coroutines[0].stack, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(stack == coroutines[0].stack);
  memset(stack, 0xee, STACK);
  usable();
  collect();
  usable();
}

// A jump on the thread's own stack, which a coroutine is the first to notice.
static int32_t collects(int32_t value) {
  collect();
  return value;
}

static void calls_and_collects(void) {
  callback = collects;
  running->output = value_of(OUT, running->input, 0);
  running->done = true;
}

__attribute__((noinline)) static void uses_stack(void) {
  volatile char bytes[64 << 10];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = 0x77;
  start_coroutine(&coroutines[0], calls_and_collects);
  coroutines[0].input = 8;
  resume(&coroutines[0]);
  CHECK(coroutines[0].done && coroutines[0].output == 9 && bytes[0] == 0x77);
}

static void noticed_elsewhere(void) {
  callback = jumps;
  if (setjmp(target) == 0) value_of(FAR, 1, 100);
  uses_stack();
  usable();
}

// A coroutine is left by a jump within itself.
static void jumps_inside(void) {
  jmp_buf inside;
  memcpy(&inside, &target, sizeof inside);
  by_longjmp(50);
  memcpy(&target, &inside, sizeof inside);
  running->done = true;
}

static void jumps_in_coroutines(void) {
  callback = suspends;
  start_coroutine(&coroutines[1], run_coroutine);
  coroutines[1].input = 7;
  coroutines[1].traps = false;
  resume(&coroutines[1]);
  start_coroutine(&coroutines[0], jumps_inside);
  resume(&coroutines[0]);
  CHECK(coroutines[0].done);
  callback = suspends;
  while (!coroutines[1].done) resume(&coroutines[1]);
  CHECK(coroutines[1].output == 7 * 3 + 1 + 7 % 5);
  usable();
}

int main(void) {
  world_new();
  for (int i = 0; i < COROUTINES; ++i) coroutines[i].stack = stack_new();
  in_any_order();
  noticed_elsewhere();
  // A sanitizer's record of a stack's frames outlives the coroutine that had them; tests/c.rs lists what is left out.
  if (!getenv("LIBWASM_SANITIZER")) {
    jumps_in_coroutines();
    given_up();
    overwritten();
  }
  usable();
  world_delete();
  for (int i = 0; i < COROUTINES; ++i) stack_delete(coroutines[i].stack);
  return 0;
}
