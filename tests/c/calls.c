// Calls of plain signatures: the way in that has no guard must refuse, run and trap as the other one does, on any stack, any
// thread, and from within callbacks.

#define _GNU_SOURCE
#include <pthread.h>
#include <ucontext.h>

#include "check.h"

static const char* const WAT =
    "(module (import \"\" \"host\" (func $host (param i32) (result i32)))"
    " (func (export \"none\"))"
    " (func (export \"sub\") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))"
    " (func (export \"mix\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
    "   local.get 3 local.get 2 local.get 1 local.get 0)"
    " (func $deep (export \"deep\") (param i32) (result i32)"
    "   (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))"
    "     (else (i32.const 0))))"
    " (func (export \"trap\") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))"
    " (func (export \"out\") (param i32) (result i32) (call $host (local.get 0))))";

enum { NONE, SUB, MIX, DEEP, TRAP, OUT, EXPORTS };

struct world {
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_func_t* host;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
  wasm_func_t* funcs[EXPORTS];
};

static struct world* current;

static wasm_trap_t* call(wasm_func_t* func, size_t count, const int32_t* args, int32_t* result) {
  wasm_val_t in[4], out[1];
  for (size_t i = 0; i < count; ++i) in[i] = (wasm_val_t)WASM_I32_VAL(args[i]);
  wasm_val_vec_t args_vec = {count, in}, results_vec = {1, out};
  wasm_trap_t* trap = wasm_func_call(func, &args_vec, &results_vec);
  if (!trap) *result = out[0].of.i32;
  return trap;
}

// 0: gives 7; 1: a trap of the host; 2: a result of the wrong kind; 3: a call of its own that traps; above: calls itself with one less.
static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  int32_t what = args->data[0].of.i32, result = 7, zero = 0;
  switch (what) {
    case 0: break;
    case 1: {
      wasm_byte_vec_t message = {5, (char*)"hosts"};
      return wasm_trap_new(current->store, &message);
    }
    case 2: results->data[0] = (wasm_val_t)WASM_I64_VAL(1); return NULL;
    case 3: {
      wasm_trap_t* trap = call(current->funcs[TRAP], 1, &zero, &result);
      CHECK(trap);
      wasm_trap_delete(trap);
      int32_t args_of_sub[] = {10, 3};
      CHECK(!call(current->funcs[SUB], 2, args_of_sub, &result) && result == 7);
      break;
    }
    default: {
      int32_t less = what - 1;
      wasm_trap_t* trap = call(current->funcs[OUT], 1, &less, &result);
      if (trap) return trap;
      ++result;
    }
  }
  results->data[0].of.i32 = result;
  return NULL;
}

static void world_new(struct world* world) {
  world->store = check_store();
  world->module = check_module(world->store, WAT);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  world->host = wasm_func_new(world->store, type, host);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(world->host)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
  world->instance = wasm_instance_new(world->store, world->module, &imports_vec, NULL);
  CHECK(world->instance);
  wasm_instance_exports(world->instance, &world->exports);
  CHECK(world->exports.size == EXPORTS);
  for (int i = 0; i < EXPORTS; ++i) world->funcs[i] = wasm_extern_as_func(world->exports.data[i]);
  current = world;
}

static void world_delete(struct world* world) {
  wasm_extern_vec_delete(&world->exports);
  wasm_instance_delete(world->instance);
  wasm_func_delete(world->host);
  wasm_module_delete(world->module);
  wasm_store_delete(world->store);
}

static void refused(wasm_trap_t* trap, const char* words) {
  CHECK(trap && libwasm_last_error_kind() != 0 && reason_says(words));
  wasm_trap_delete(trap);
  libwasm_last_error_clear();
}

static void arguments(struct world* world) {
  wasm_val_t in[3] = {WASM_I32_VAL(9), WASM_I32_VAL(4), WASM_I32_VAL(1)}, out[3];
  wasm_val_vec_t none = WASM_EMPTY_VEC, two = {2, in}, room = {1, out}, more_room = {3, out};
  wasm_val_vec_t one = {1, in}, three = {3, in}, promised = {2, NULL}, promised_one = {1, NULL};
  // The first round finds no trampoline yet.
  for (int round = 0; round < 3; ++round) {
    CHECK_NO_REASON(!wasm_func_call(world->funcs[NONE], &none, &none));
    CHECK_NO_REASON(!wasm_func_call(world->funcs[NONE], NULL, NULL));
    CHECK_NO_REASON(!wasm_func_call(world->funcs[NONE], &none, &more_room));
    memset(out, 0xee, sizeof out);
    CHECK_NO_REASON(!wasm_func_call(world->funcs[SUB], &two, &more_room));
    CHECK(out[0].kind == WASM_I32 && out[0].of.i32 == 5 && (uint8_t)out[1].kind == 0xee);
    refused(wasm_func_call(world->funcs[SUB], &one, &room), "1 arguments");
    refused(wasm_func_call(world->funcs[SUB], &three, &room), "3 arguments");
    CHECK_NO_REASON(!wasm_func_call(world->funcs[SUB], &two, &none));
    CHECK_NO_REASON(!wasm_func_call(world->funcs[SUB], &two, NULL));
    CHECK_NO_REASON(!wasm_func_call(world->funcs[SUB], &two, &promised_one));
    refused(wasm_func_call(world->funcs[SUB], NULL, &room), "0 arguments");
    refused(wasm_func_call(world->funcs[SUB], &promised, &room), "0 arguments");
    refused(wasm_func_call(world->funcs[NONE], &one, &none), "1 arguments");
    refused(wasm_func_call(NULL, &one, &none), "NULL");
    refused(wasm_func_call((wasm_func_t*)world->instance, &none, &none), "function");
    memset(out, 0xee, sizeof out);
    for (int wrong = 0; wrong < 2; ++wrong) {
      in[wrong].kind = WASM_I64;
      refused(wasm_func_call(world->funcs[SUB], &two, &room), wrong ? "argument 1" : "argument 0");
      in[wrong].kind = WASM_EXTERNREF;
      refused(wasm_func_call(world->funcs[SUB], &two, &room), wrong ? "argument 1" : "argument 0");
      in[wrong].kind = WASM_I32;
    }
    CHECK((uint8_t)out[0].kind == 0xee);
    wasm_val_t mixed[4] = {WASM_I32_VAL(-1), WASM_I64_VAL(-2), WASM_F32_VAL(0.5f), WASM_F64_VAL(-0.25)}, back[4];
    wasm_val_vec_t mixed_vec = {4, mixed}, back_vec = {4, back};
    CHECK(!wasm_func_call(world->funcs[MIX], &mixed_vec, &back_vec));
    CHECK(back[0].kind == WASM_F64 && back[0].of.f64 == -0.25 && back[1].kind == WASM_F32 && back[1].of.f32 == 0.5f);
    CHECK(back[2].kind == WASM_I64 && back[2].of.i64 == -2 && back[3].kind == WASM_I32 && back[3].of.i32 == -1);
    // Arguments and results may share their storage.
    wasm_val_vec_t shared = {2, in}, shared_result = {1, in};
    CHECK(!wasm_func_call(world->funcs[SUB], &shared, &shared_result) && in[0].of.i32 == 5);
    in[0].of.i32 = 9;
  }
}

static void traps_and_nesting(struct world* world) {
  int32_t result = 0, arg;
  for (int round = 0; round < 3; ++round) {
    arg = 0;
    wasm_trap_t* trap = call(world->funcs[TRAP], 1, &arg, &result);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 1 && wasm_frame_instance(frames.data[0]));
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
    arg = 1;
    CHECK(!call(world->funcs[TRAP], 1, &arg, &result) && result == 1);
    for (arg = 0; arg < 20; ++arg) {
      trap = call(world->funcs[OUT], 1, &arg, &result);
      if (arg == 0 || arg == 3) {
        CHECK(!trap && result == 7);
      } else if (arg > 3) {
        CHECK(!trap && result == 7 + arg - 3);
      } else {
        CHECK(trap);
        wasm_trap_delete(trap);
      }
      // Directly, without WebAssembly in between.
      trap = call(world->host, 1, &arg, &result);
      CHECK((arg == 1 || arg == 2) == (trap != NULL));
      if (trap) wasm_trap_delete(trap);
    }
  }
}

static void overflow_of_stack(struct world* world) {
  int32_t result, arg = 100;
  CHECK(!call(world->funcs[DEEP], 1, &arg, &result) && result == 100);
  arg = 1 << 30;
  wasm_trap_t* trap = call(world->funcs[DEEP], 1, &arg, &result);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
}

static void* on_thread(void* world) {
  arguments(world);
  traps_and_nesting(world);
  overflow_of_stack(world);
  return NULL;
}

// Threads one after the other may get the same name, with stacks of other sizes.
static void threads_one_after_the_other(struct world* world) {
  const size_t sizes[] = {4 << 20, 512 << 10, 1 << 20, 256 << 10, 8 << 20, 256 << 10};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, sizes[i]) == 0);
    CHECK(pthread_create(&thread, &attributes, on_thread, world) == 0);
    pthread_attr_destroy(&attributes);
    pthread_join(thread, NULL);
    on_thread(world);
  }
}

static ucontext_t outside, inside;

static char* coroutine_stack;
enum { COROUTINE_STACK = 512 << 10 };

static void on_coroutine(void) {
  CHECK(libwasm_thread_set_stack(coroutine_stack, coroutine_stack + COROUTINE_STACK));
  arguments(current);
  traps_and_nesting(current);
  overflow_of_stack(current);
}

// A stack that is not the thread's own.
static void coroutine(void) {
  coroutine_stack = malloc(COROUTINE_STACK);
  CHECK(coroutine_stack);
  CHECK(getcontext(&inside) == 0);
  inside.uc_stack.ss_sp = coroutine_stack;
  inside.uc_stack.ss_size = COROUTINE_STACK;
  inside.uc_link = &outside;
  makecontext(&inside, on_coroutine, 0);
  CHECK(swapcontext(&outside, &inside) == 0);
  CHECK(libwasm_thread_set_stack(NULL, NULL));
  free(coroutine_stack);
}

static wasm_trap_t* host_on_coroutine(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  coroutine();
  overflow_of_stack(current);
  results->data[0].of.i32 = args->data[0].of.i32;
  return NULL;
}

// A callback that switches to another stack, and calls there. The limit of the first stack holds again afterwards.
static void coroutine_within_a_call(struct world* world) {
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(world->store, type, host_on_coroutine);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
  wasm_instance_t* instance = wasm_instance_new(world->store, world->module, &imports_vec, NULL);
  wasm_func_t* out = check_func(instance, OUT);
  int32_t arg = 6, result = 0;
  CHECK(!call(out, 1, &arg, &result) && result == 6);
  CHECK(!call(func, 1, &arg, &result) && result == 6);
  wasm_func_delete(out);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
}

int main(void) {
  struct world world;
  world_new(&world);
  on_thread(&world);
  threads_one_after_the_other(&world);
  coroutine();
  coroutine_within_a_call(&world);
  on_thread(&world);
  world_delete(&world);
  return 0;
}
