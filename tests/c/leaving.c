// Callbacks that are left by longjmp. The store goes on, collects, and is freed.

#define _GNU_SOURCE
#include <pthread.h>

#include "leaving.h"

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

int main(void) {
  world_new();
  by_longjmp(10000);
  with_references(2000);
  to_a_callback();
  out_of_many();
  out_of_a_start_function();
  on_another_thread();
  world_delete();
  deleted_at_once();
  return 0;
}
