// Callbacks that are left otherwise than by returning: by longjmp, and by coroutines that return in another order than they were
// entered, or never. The store goes on, collects, and is freed.

#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"

static const char* const WAT =
    "(module (import \"\" \"host\" (func $host (param i32) (result i32)))"
    " (import \"\" \"host_ref\" (func $host_ref (param externref i32) (result externref)))"
    " (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))"
    " (func $out (export \"out\") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1)))"
    // Calls out after so many calls of itself.
    " (func $far (export \"far\") (param i32 i32) (result i32)"
    "   (if (result i32) (local.get 1)"
    "     (then (i32.add (i32.const 1) (call $far (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))"
    "     (else (call $out (local.get 0)))))"
    " (func (export \"out ref\") (param externref i32) (result externref)"
    "   (drop (call $host_ref (local.get 0) (local.get 1))) (local.get 0))"
    " (func (export \"out, trap\") (param i32) (result i32) (i32.div_s (call $host (local.get 0)) (i32.const 0))))";

enum { ADD, OUT, FAR, OUT_REF, OUT_TRAP, EXPORTS };

static wasm_store_t* store;
static wasm_instance_t* instance;
static wasm_extern_vec_t exports;
static wasm_func_t *host_func, *host_ref_func;

static int32_t (*callback)(int32_t);
static jmp_buf target;

static wasm_func_t* func(int index) { return wasm_extern_as_func(exports.data[index]); }

static wasm_trap_t* call(int index, int32_t a, int32_t b, int32_t* result) {
  wasm_val_t in[] = {WASM_I32_VAL(a), WASM_I32_VAL(b)}, out = WASM_INIT_VAL;
  wasm_val_vec_t args = {wasm_func_param_arity(func(index)), in}, results = {1, &out};
  wasm_trap_t* trap = wasm_func_call(func(index), &args, &results);
  *result = out.of.i32;
  return trap;
}

static int32_t value_of(int index, int32_t a, int32_t b) {
  int32_t result;
  CHECK(!call(index, a, b, &result));
  return result;
}

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0].of.i32 = callback(args->data[0].of.i32);
  return NULL;
}

static wasm_trap_t* host_ref(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  callback(args->data[1].of.i32);
  return NULL;
}

// Instances of another module: enough of them for several collections. All are garbage in the end.
static wasm_module_t* other;

static void collect(void) {
  enum { COUNT = 300 };
  for (int i = 0; i < COUNT; ++i) {
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t* garbage = wasm_instance_new(store, other, &none, NULL);
    CHECK(garbage);
    // A table of the instance's own refers to a function of its own: only the collector frees it.
    wasm_table_t* table = check_table(garbage, 0);
    wasm_func_t* item = check_func(garbage, 1);
    CHECK(wasm_table_set(table, 0, wasm_func_as_ref(item)));
    wasm_func_delete(item);
    wasm_table_delete(table);
    wasm_instance_delete(garbage);
  }
}

static int finalized, made;

static void world_new(void) {
  store = check_store();
  other = check_module(store, "(module (table (export \"t\") 1 funcref) (func (export \"f\")))");
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  host_func = wasm_func_new(store, type, host);
  wasm_functype_delete(type);
  type = wasm_functype_new_2_1(wasm_valtype_new_externref(), wasm_valtype_new_i32(), wasm_valtype_new_externref());
  host_ref_func = wasm_func_new(store, type, host_ref);
  wasm_functype_delete(type);
  instance = check_instance(store, WAT, 2, wasm_func_as_extern(host_func), wasm_func_as_extern(host_ref_func));
  wasm_instance_exports(instance, &exports);
  CHECK(exports.size == EXPORTS);
  finalized = made = 0;
}

// Everything is freed, whatever was left before.
static void world_delete(void) {
  wasm_foreign_t* last = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(last, &finalized, count_up);
  ++made;
  wasm_foreign_delete(last);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host_func);
  wasm_func_delete(host_ref_func);
  wasm_module_delete(other);
  wasm_store_delete(store);
  CHECK(finalized == made);
}

static int32_t jumps(int32_t value) { longjmp(target, value + 1); }

static int32_t doubles(int32_t value) { return 2 * value; }

static void usable(void) {
  int32_t (*before)(int32_t) = callback;
  CHECK(value_of(ADD, 40, 2) == 42);
  callback = doubles;
  CHECK(value_of(OUT, 4, 0) == 9 && value_of(FAR, 4, 10) == 19);
  callback = before;
}

static void by_longjmp(int times) {
  for (volatile int i = 0; i < times; ++i) {
    callback = jumps;
    int value = setjmp(target);
    if (value == 0) {
      // In turn: a shallow call, a deep one, the host function itself.
      if (i % 3 == 0) value_of(OUT, 6, 0);
      if (i % 3 == 1) value_of(FAR, 6, i % 50);
      wasm_val_t in = WASM_I32_VAL(6), out;
      wasm_val_vec_t args = {1, &in}, results = {1, &out};
      if (i % 3 == 2) wasm_trap_delete(wasm_func_call(host_func, &args, &results));
      CHECK(!"the callback returned");
    }
    CHECK(value == 7);
    if (i % 4 == 0) usable();
    if (i % 1000 == 999) collect();
  }
  usable();
}

// What a callback is lent is given back although it does not return.
static void with_references(int times) {
  for (volatile int i = 0; i < times; ++i) {
    wasm_foreign_t* volatile foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
    ++made;
    callback = jumps;
    if (setjmp(target) == 0) {
      wasm_val_t in[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)), WASM_I32_VAL(1)}, out;
      wasm_val_vec_t args = {2, in}, results = {1, &out};
      wasm_trap_delete(wasm_func_call(i % 2 ? func(OUT_REF) : host_ref_func, &args, &results));
      CHECK(!"the callback returned");
    }
    wasm_foreign_delete(foreign);
    if (i % 500 == 499) collect();
  }
  usable();
}

// To a callback further out, whose call goes on and has its frames.
static jmp_buf middle;
static int levels;

static int32_t jumps_to_middle(int32_t value) { longjmp(middle, value); }

static int32_t calls_and_catches(int32_t value) {
  callback = jumps_to_middle;
  int caught = setjmp(middle);
  if (caught == 0) value_of(FAR, value, 20);
  CHECK(caught == value);
  if (value % 8 == 0) collect();
  usable();
  callback = calls_and_catches;
  return value;
}

static int32_t nests(int32_t value) {
  if (--levels == 0) callback = calls_and_catches;
  int32_t result = value_of(OUT, value, 0) - 1;
  return result;
}

static void to_a_callback(void) {
  for (int i = 1; i < 200; ++i) {
    callback = calls_and_catches;
    CHECK(value_of(OUT, i, 0) == i + 1);
    levels = i % 7 + 1;
    callback = nests;
    CHECK(value_of(OUT, i, 0) == i + 1);
    // The call that was jumped to traps: its trace has its own frames and no other.
    callback = calls_and_catches;
    int32_t result;
    wasm_trap_t* trap = call(OUT_TRAP, i, 0, &result);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 1 && wasm_frame_func_index(frames.data[0]) == 6);
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
  }
}

// Out of several calls at once, past callbacks that are in them.
static int32_t nests_and_jumps(int32_t value) {
  if (value == 0) longjmp(target, 9);
  return value_of(FAR, value - 1, value % 3);
}

static void out_of_many(void) {
  for (volatile int i = 0; i < 300; ++i) {
    callback = nests_and_jumps;
    int value = setjmp(target);
    if (value == 0) value_of(OUT, i % 30, 0);
    CHECK(value == 9);
  }
  usable();
  collect();
}

static wasm_trap_t* jumps_directly(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  longjmp(target, 5);
}

static void out_of_start(const char* wat, wasm_func_t* import, int with) {
  wasm_module_t* module = check_module(store, wat);
  for (volatile int i = 0; i < 1000; ++i) {
    callback = jumps;
    wasm_extern_t* imports[] = {wasm_func_as_extern(import)};
    wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
    int value = setjmp(target);
    if (value == 0) {
      wasm_instance_new(store, module, &imports_vec, NULL);
      CHECK(!"the callback returned");
    }
    CHECK(value == with);
    if (i % 100 == 0) usable();
  }
  collect();
  wasm_module_delete(module);
}

// Out of a start function: there is no instance, and nothing of it stays.
static void out_of_a_start_function(void) {
  out_of_start("(module (import \"\" \"host\" (func $host (param i32) (result i32))) (memory 1)"
               " (func $start (drop (call $host (i32.const 3)))) (start $start))", host_func, 4);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* start = wasm_func_new(store, type, jumps_directly);
  wasm_functype_delete(type);
  out_of_start("(module (import \"\" \"host\" (func $host)) (memory 1) (start $host))", start, 5);
  wasm_func_delete(start);
}

// Right after the jump, without another call: handles go, and the store.
static void deleted_at_once(void) {
  for (volatile int i = 0; i < 20; ++i) {
    world_new();
    callback = jumps;
    if (setjmp(target) == 0) value_of(i % 2 ? OUT : FAR, 1, 30);
    world_delete();
  }
}

// Another thread may have the store once the one that jumped has noticed: at the latest, a collection does.
static void* on_thread(void* unused) {
  usable();
  by_longjmp(10);
  collect();
  return unused;
}

static void on_another_thread(void) {
  callback = jumps;
  if (setjmp(target) == 0) value_of(OUT, 1, 0);
  collect();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, on_thread, NULL) == 0);
  pthread_join(thread, NULL);
  usable();
}

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
  by_longjmp(10000);
  with_references(2000);
  to_a_callback();
  out_of_many();
  out_of_a_start_function();
  on_another_thread();
  for (int i = 0; i < COROUTINES; ++i) coroutines[i].stack = stack_new();
  in_any_order();
  noticed_elsewhere();
  // A sanitizer's record of a stack's frames outlives the coroutine that had them; tests/c.rs lists what is left out.
  if (!getenv("LIBWASM_SANITIZER")) {
    jumps_in_coroutines();
    given_up();
    overwritten();
  }
  by_longjmp(100);
  world_delete();
  deleted_at_once();
  for (int i = 0; i < COROUTINES; ++i) stack_delete(coroutines[i].stack);
  return 0;
}
