// Tail calls: no stack is used up, arguments and results of every number, host functions as callees, and whose context a callee has.

#include "check.h"

// Forty million calls of each kind, in a stack that has room for some ten thousand frames.
static void loops_use_no_stack(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (type $t (func (param i32 i32) (result i32))) (table 3 funcref) (elem (i32.const 0) $self $indirect $ref)"
      "  (func $self (type $t) (if (i32.eqz (local.get 0)) (then (return (local.get 1))))"
      "    (return_call $self (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3))))"
      "  (func $indirect (type $t) (if (i32.eqz (local.get 0)) (then (return (local.get 1))))"
      "    (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 5))"
      "      (i32.const 1)))"
      "  (func $ref (type $t) (if (i32.eqz (local.get 0)) (then (return (local.get 1))))"
      "    (return_call_ref $t (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 7)) (ref.func $ref)))"
      "  (func $even (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))"
      "    (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))"
      "  (func $odd (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))"
      "    (return_call $even (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))"
      "  (export \"self\" (func $self)) (export \"indirect\" (func $indirect)) (export \"ref\" (func $ref))"
      "  (export \"even\" (func $even)))",
      0);
  const int count = check_mode_is_checked() ? 100 * 1000 : 40 * 1000 * 1000;
  const int steps[] = {3, 5, 7};
  for (size_t i = 0; i < 3; i++) {
    wasm_func_t* func = check_func(instance, i);
    int times = i == 2 ? count / 10 : count;
    CHECK(check_call(func, 2, times, 1) == (int32_t)((uint32_t)times * (uint32_t)steps[i] + 1));
    wasm_func_delete(func);
  }
  wasm_func_t* even = check_func(instance, 3);
  CHECK(check_call(even, 2, count, 0) == 1 && check_call(even, 2, count + 1, 0) == 0);
  wasm_func_delete(even);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// From a function of `from` parameters to one of `to`, so that frames grow and shrink, and with as many results.
static void arguments_of_every_number(void) {
  wasm_store_t* store = check_store();
  const int counts[] = {0, 1, 5, 6, 7, 12, 40};
  for (size_t a = 0; a < 7; a++) {
    for (size_t b = 0; b < 7; b++) {
      for (size_t r = 0; r < 7; r += 3) {
        char text[16384];
        size_t end = 0;
#define ADD(...) (end += (size_t)snprintf(text + end, sizeof text - end, __VA_ARGS__), CHECK(end < sizeof text))
        int from = counts[a], to = counts[b], results = counts[r];
        ADD("(module (func $to (param");
        for (int i = 0; i < to; i++) ADD(" i64");
        ADD(") (result i64");
        for (int i = 0; i < results; i++) ADD(" i64");
        ADD(") (i64.const 11)");
        for (int i = 0; i < to; i++) ADD(" (i64.add (i64.mul (i64.const 10)) (local.get %d))", i);
        for (int i = 0; i < results; i++) ADD(" (i64.const %d)", i + 1);
        ADD(") (func $from (param");
        for (int i = 0; i < from; i++) ADD(" i64");
        ADD(") (result i64");
        for (int i = 0; i < results; i++) ADD(" i64");
        ADD(")");
        for (int i = 0; i < to; i++) from > 0 ? ADD(" (local.get %d)", i % from) : ADD(" (i64.const %d)", i);
        ADD(" return_call $to)");
        // Several of them one after the other, in a frame that has something on the stack itself.
        ADD("(func (export \"run\") (result i64) (local i64) (local.set 0 (i64.const 0x123456789abcdef))");
        for (int twice = 0; twice < 2; twice++) {
          for (int i = 0; i < from; i++) ADD(" (i64.const %d)", i % 10);
          ADD(" call $from");
          // The results, from the last on.
          for (int i = results; i > 0; i--) ADD(" i64.const %d i64.ne if unreachable end", i);
          ADD(" (local.set 0 (i64.xor (i64.rotl (local.get 0) (i64.const 7))))");
        }
        ADD(" (local.get 0)))");
        uint64_t sum = 11, value = 0x123456789abcdef;
        for (int i = 0; i < to; i++) sum = sum * 10 + (uint64_t)(from > 0 ? i % from % 10 : i);
        for (int twice = 0; twice < 2; twice++) value = (value << 7 | value >> 57) ^ sum;
        wasm_instance_t* instance = check_instance(store, text, 0);
        wasm_func_t* run = check_func(instance, 0);
        wasm_val_t result = WASM_I32_VAL(0);
        wasm_val_vec_t none = WASM_EMPTY_VEC, out = {1, &result};
        CHECK(!wasm_func_call(run, &none, &out));
        CHECK(result.kind == WASM_I64 && (uint64_t)result.of.i64 == value);
        wasm_func_delete(run);
        wasm_instance_delete(instance);
      }
    }
  }
  wasm_store_delete(store);
}

struct host {
  wasm_store_t* store;
  wasm_func_t* again;       // what to call from the callback
  int mode;                 // 0: returns, 1: traps, 2: enters again
};

static wasm_trap_t* host(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct host* host = env;
  CHECK(args->size == 1 && args->data[0].of.i32 == 7);
  if (host->mode == 1) {
    wasm_name_t words;
    wasm_name_new_from_string_nt(&words, "of the host");
    wasm_trap_t* trap = wasm_trap_new(host->store, &words);
    wasm_name_delete(&words);
    return trap;
  }
  int32_t given = 41;
  if (host->mode == 2) given = check_call(host->again, 1, 40);
  wasm_val_t value = WASM_I32_VAL(given);
  results->data[0] = value;
  return NULL;
}

static wasm_functype_t* unary(void) {
  return wasm_functype_new_1_1(wasm_valtype_new(WASM_I32), wasm_valtype_new(WASM_I32));
}

// {call, tail call, through a table, by reference} × {the host returns, traps, enters again}, from the host and from another instance.
static void host_functions_as_callees(void) {
  wasm_store_t* store = check_store();
  struct host env = {store, NULL, 0};
  wasm_functype_t* type = unary();
  wasm_func_t* func = wasm_func_new_with_env(store, type, host, &env, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* tail = check_instance(
      store,
      "(module (type $t (func (param i32) (result i32))) (import \"\" \"host\" (func $host (type $t))) (table 1 funcref)"
      "  (elem (i32.const 0) $host)"
      "  (func (export \"0\") (type $t) (return_call $host (local.get 0)))"
      "  (func (export \"1\") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))"
      "  (func (export \"2\") (type $t) (return_call_ref $t (local.get 0) (ref.func $host)))"
      "  (func (export \"more\") (type $t) (i32.add (local.get 0) (i32.const 2))))",
      1, wasm_func_as_extern(func));
  env.again = check_func(tail, 3);
  for (size_t i = 0; i < 3; i++) {
    wasm_func_t* entry = check_func(tail, i);
    wasm_instance_t* caller = check_instance(
        store,
        "(module (import \"\" \"f\" (func $f (param i32) (result i32)))"
        "  (func (export \"run\") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))",
        1, wasm_func_as_extern(entry));
    wasm_func_t* run = check_func(caller, 0);
    for (env.mode = 0; env.mode < 3; env.mode++) {
      for (int direct = 0; direct < 2; direct++) {
        wasm_func_t* callee = direct ? entry : run;
        int32_t expected = (env.mode == 2 ? 42 : 41) + (direct ? 0 : 1);
        if (env.mode != 1) {
          CHECK(check_call(callee, 1, 7) == expected);
          continue;
        }
        wasm_val_t arg = WASM_I32_VAL(7), result;
        wasm_val_vec_t args = {1, &arg}, results = {1, &result};
        wasm_trap_t* trap = wasm_func_call(callee, &args, &results);
        CHECK(trap && trap_says(trap, "of the host"));
        // The function that has called the host is gone.
        wasm_frame_vec_t frames;
        wasm_trap_trace(trap, &frames);
        CHECK(frames.size == (direct ? 0u : 1u));
        if (!direct) CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), caller));
        wasm_frame_vec_delete(&frames);
        wasm_trap_delete(trap);
      }
    }
    wasm_func_delete(run);
    wasm_instance_delete(caller);
    wasm_func_delete(entry);
  }
  wasm_func_delete(env.again);
  wasm_instance_delete(tail);
  wasm_func_delete(func);
  wasm_store_delete(store);
}

// A function that calls nothing has its caller's context, unless it can be tail called: here its caller is of another instance, which
// has memory where this one has none, or the host.
static void leaves_have_their_own_context(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* inner = check_instance(
      store,
      "(module (memory 1) (func $leaf (param i32) (result i32) (i32.load (local.get 0)))"
      "  (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))"
      "  (func (export \"leaf\") (param i32) (result i32) (return_call $leaf (local.get 0)))"
      "  (func (export \"divide\") (param i32) (result i32) (return_call $divide (local.get 0))))",
      0);
  for (size_t i = 0; i < 2; i++) {
    wasm_func_t* entry = check_func(inner, i);
    wasm_instance_t* outer = check_instance(
        store,
        "(module (import \"\" \"f\" (func $f (param i32) (result i32)))"
        "  (func (export \"run\") (param i32) (result i32) (call $f (local.get 0))))",
        1, wasm_func_as_extern(entry));
    wasm_func_t* run = check_func(outer, 0);
    CHECK(check_call(run, 1, 1) == (i == 0 ? 0 : 1));
    for (int direct = 0; direct < 2; direct++) {
      wasm_val_t arg = WASM_I32_VAL(i == 0 ? 0x10000 : 0), result;
      wasm_val_vec_t args = {1, &arg}, results = {1, &result};
      wasm_trap_t* trap = wasm_func_call(direct ? entry : run, &args, &results);
      CHECK(trap && trap_says(trap, i == 0 ? "out of bounds memory access" : "integer divide by zero"));
      wasm_frame_vec_t frames;
      wasm_trap_trace(trap, &frames);
      CHECK(frames.size == (direct ? 1u : 2u));
      CHECK(wasm_frame_func_index(frames.data[0]) == i);
      CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), inner));
      if (!direct) CHECK(wasm_instance_same(wasm_frame_instance(frames.data[1]), outer));
      wasm_frame_vec_delete(&frames);
      wasm_trap_delete(trap);
    }
    wasm_func_delete(run);
    wasm_instance_delete(outer);
    wasm_func_delete(entry);
  }
  wasm_instance_delete(inner);
  wasm_store_delete(store);
}

static wasm_trap_t* collect(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  // Enough garbage for a collection.
  for (int i = 0; i < 20000; i++) wasm_instance_delete(wasm_instance_new(((void**)env)[0], ((void**)env)[1], NULL, NULL));
  return NULL;
}

// References are passed on from frame to frame while the store collects.
static void references_survive(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* empty = check_module(store, "(module)");
  void* env[] = {store, empty};
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(store, type, collect, env, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"collect\" (func $collect))"
      "  (func $second (param i32 i32 i32 i32 i32 i32 i32 externref externref) (result externref) (call $collect)"
      "    (select (result externref) (local.get 7) (local.get 8) (local.get 0)))"
      "  (func (export \"run\") (param externref externref i32) (result externref) (call $collect)"
      "    (return_call $second (local.get 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)"
      "      (i32.const 0) (local.get 0) (local.get 1))))",
      1, wasm_func_as_extern(func));
  wasm_func_t* run = check_func(instance, 0);
  for (int first = 0; first < 2; first++) {
    wasm_foreign_t *one = wasm_foreign_new(store), *two = wasm_foreign_new(store);
    wasm_val_t values[] = {check_ref_val(wasm_foreign_as_ref(one)), check_ref_val(wasm_foreign_as_ref(two)), WASM_I32_VAL(first)};
    wasm_val_t result = WASM_I32_VAL(0);
    wasm_val_vec_t args = {3, values}, results = {1, &result};
    CHECK(!wasm_func_call(run, &args, &results));
    CHECK(result.kind == WASM_EXTERNREF && wasm_ref_same(result.of.ref, wasm_foreign_as_ref(first ? one : two)));
    wasm_val_delete(&result);
    wasm_foreign_delete(one);
    wasm_foreign_delete(two);
  }
  wasm_func_delete(run);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_module_delete(empty);
  wasm_store_delete(store);
}

// A stack that is used up is noticed in a callee that was tail called, and the store goes on.
static void stacks_overflow(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (func $deep (export \"deep\") (call $tail)) (func $tail (return_call $deeper (i64.const 1) (i64.const 2)"
      "  (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))"
      "  (func $deeper (param i64 i64 i64 i64 i64 i64 i64 i64) (call $deep) (drop (local.get 7)))"
      "  (func (export \"fine\") (result i32) (i32.const 3)))",
      0);
  wasm_func_t *deep = check_func(instance, 0), *fine = check_func(instance, 1);
  for (int i = 0; i < 3; i++) {
    wasm_trap_t* trap = check_trap(deep);
    CHECK(trap_says(trap, "call stack exhausted"));
    wasm_trap_delete(trap);
    CHECK(check_call(fine, 0) == 3);
  }
  wasm_func_delete(deep);
  wasm_func_delete(fine);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

int main(void) {
  loops_use_no_stack();
  arguments_of_every_number();
  host_functions_as_callees();
  leaves_have_their_own_context();
  references_survive();
  stacks_overflow();
  return 0;
}
