// Functions: types, callbacks and what they may do, wrong calls, environments.

#include "check.h"

static wasm_store_t* the_store;
static int calls;

static wasm_trap_t* increment(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  calls++;
  CHECK(args->size == 1 && args->data[0].kind == WASM_I32);
  results->data[0].of.i32 = (int32_t)((uint32_t)args->data[0].of.i32 + 1);
  return NULL;
}

static wasm_func_t* new_increment(wasm_store_t* store) {
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(store, type, increment);
  CHECK(func);
  wasm_functype_delete(type);
  return func;
}

static void types(void) {
  wasm_store_t* store = check_store();
  wasm_func_t* func = new_increment(store);
  wasm_functype_t* type = wasm_func_type(func);
  CHECK(wasm_functype_params(type)->size == 1 && wasm_functype_results(type)->size == 1);
  CHECK(wasm_func_param_arity(func) == 1 && wasm_func_result_arity(func) == 1);
  wasm_func_delete(func);
  wasm_store_delete(store);
  CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[0]) == WASM_I32);
  wasm_functype_delete(type);
}

// Host functions called by the host, and by wasm, which calls them directly and through a table.
static void calling(void) {
  wasm_store_t* store = check_store();
  wasm_func_t* func = new_increment(store);
  CHECK(check_call(func, 1, 41) == 42);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (type $t (func (param i32) (result i32))) (import \"\" \"f\" (func $f (type $t)))"
      "  (table funcref (elem $f)) (export \"f\" (func $f))"
      "  (func (export \"direct\") (param i32) (result i32) (call $f (local.get 0)))"
      "  (func (export \"indirect\") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0))))",
      1, wasm_func_as_extern(func));
  for (size_t i = 0; i < 3; i++) {
    wasm_func_t* way = check_func(instance, i);
    CHECK(check_call(way, 1, -1) == 0 && check_call(way, 1, INT32_MAX) == INT32_MIN);
    wasm_func_delete(way);
  }
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_store_delete(store);
}

// The wrong number or kinds of arguments: a trap, nothing called, nothing written.
static void wrong_calls(void) {
  wasm_store_t* store = check_store();
  wasm_func_t* host = new_increment(store);
  wasm_instance_t* instance = check_instance(
      store, "(module (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))", 0);
  wasm_func_t* wasm = check_func(instance, 0);
  wasm_func_t* funcs[] = {host, wasm};
  calls = 0;
  for (int i = 0; i < 2; i++) {
    wasm_val_t good[] = {WASM_I32_VAL(1), WASM_I32_VAL(2)}, bad = WASM_I64_VAL(1), null = WASM_INIT_VAL, result;
    memset(&result, 0x77, sizeof result);
    wasm_val_t before = result;
    wasm_val_vec_t none = WASM_EMPTY_VEC, two = {2, good}, wrong = {1, &bad}, ref = {1, &null};
    wasm_val_vec_t results = {1, &result};
    const wasm_val_vec_t* arguments[] = {&none, &two, &wrong, &ref, NULL};
    for (int j = 0; j < 5; j++) {
      wasm_trap_t* trap = wasm_func_call(funcs[i], arguments[j], &results);
      CHECK(trap);
      wasm_trap_delete(trap);
    }
    CHECK(memcmp(&result, &before, sizeof result) == 0);
    CHECK(calls == 0);
  }
  wasm_trap_t* trap = wasm_func_call(NULL, NULL, NULL);
  CHECK(trap == NULL || trap_says(trap, ""));
  wasm_trap_delete(trap);
  wasm_func_delete(host);
  wasm_func_delete(wasm);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// On a trap the results are untouched; otherwise they are written over, whatever was there, and only as many as there are.
static void results_are_the_callers(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (func (export \"f\") (param i32) (result i32 i64 f32 f64)"
      "  (if (local.get 0) (then unreachable)) (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4)))",
      0);
  wasm_func_t* func = check_func(instance, 0);
  wasm_val_t values[5], before[5], arg = WASM_I32_VAL(1);
  memset(values, 0x77, sizeof values);
  memcpy(before, values, sizeof values);
  wasm_val_vec_t args = {1, &arg}, results = WASM_ARRAY_VEC(values);
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  CHECK(trap && memcmp(values, before, sizeof values) == 0);
  wasm_trap_delete(trap);
  arg.of.i32 = 0;
  CHECK(!wasm_func_call(func, &args, &results));
  CHECK(values[0].kind == WASM_I32 && values[0].of.i32 == 1 && values[1].kind == WASM_I64 && values[1].of.i64 == 2);
  CHECK(values[2].kind == WASM_F32 && values[2].of.f32 == 3 && values[3].kind == WASM_F64 && values[3].of.f64 == 4);
  CHECK(memcmp(&values[4], &before[4], sizeof values[4]) == 0);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static wasm_trap_t* expect_fresh_results(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(args->size == 0 && results->size == 6);
  static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_EXTERNREF, WASM_FUNCREF};
  for (int i = 0; i < 6; i++) CHECK(results->data[i].kind == kinds[i] && results->data[i].of.i64 == 0);
  return NULL;
}

static wasm_trap_t* expect_fresh_plain_results(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(args->size == 1 && args->data[0].of.i64 == -5 && results->size == 2);
  CHECK(results->data[0].kind == WASM_I32 && results->data[0].of.i64 == 0);
  CHECK(results->data[1].kind == WASM_F64 && results->data[1].of.i64 == 0);
  return NULL;
}

// A callback's results arrive sized, with the right kinds and zero values.
static void callbacks_get_fresh_results(void) {
  wasm_store_t* store = check_store();
  wasm_valtype_t* kinds[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64(),       wasm_valtype_new_f32(),
                             wasm_valtype_new_f64(), wasm_valtype_new_externref(), wasm_valtype_new_funcref()};
  wasm_valtype_vec_t params = WASM_EMPTY_VEC, results;
  wasm_valtype_vec_new(&results, 6, kinds);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  wasm_func_t* func = wasm_func_new(store, type, expect_fresh_results);
  wasm_functype_delete(type);
  type = wasm_functype_new_1_2(wasm_valtype_new_i64(), wasm_valtype_new_i32(), wasm_valtype_new_f64());
  wasm_func_t* plain = wasm_func_new(store, type, expect_fresh_plain_results);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (result i32 i64 f32 f64 externref funcref)))"
      "  (import \"\" \"p\" (func $p (param i64) (result i32 f64)))"
      "  (func (export \"f\") (result i32) (call $f) (drop) (drop) (drop) (drop) (drop))"
      "  (func (export \"p\") (result i32) (call $p (i64.const -5)) (drop)))",
      2, wasm_func_as_extern(func), wasm_func_as_extern(plain));
  for (size_t i = 0; i < 2; i++) {
    wasm_func_t* way = check_func(instance, i);
    CHECK(check_call(way, 0) == 0);
    wasm_func_delete(way);
  }
  wasm_val_t values[6];
  memset(values, 0x77, sizeof values);
  wasm_val_vec_t none = WASM_EMPTY_VEC, got = WASM_ARRAY_VEC(values);
  CHECK(!wasm_func_call(func, &none, &got));
  CHECK(values[5].kind == WASM_FUNCREF && values[5].of.ref == NULL);
  wasm_func_delete(func);
  wasm_func_delete(plain);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static wasm_trap_t* give_wrong_kind(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  wasm_val_t wrong = WASM_I64_VAL(1);
  results->data[0] = wrong;
  return NULL;
}

// A result of the wrong kind traps.
static void wrong_results(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(store, type, give_wrong_kind);
  wasm_functype_delete(type);
  type = wasm_functype_new_0_1(wasm_valtype_new_externref());
  wasm_func_t* ref = wasm_func_new(store, type, give_wrong_kind);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (result i32))) (import \"\" \"r\" (func $r (result externref)))"
      "  (func (export \"f\") (drop (call $f))) (func (export \"r\") (drop (call $r))))",
      2, wasm_func_as_extern(func), wasm_func_as_extern(ref));
  for (size_t i = 0; i < 2; i++) {
    wasm_func_t* way = check_func(instance, i);
    wasm_trap_t* trap = check_trap(way);
    CHECK(libwasm_trap_code(trap) == 12);
    wasm_trap_delete(trap);
    wasm_func_delete(way);
  }
  wasm_func_t* hosts[] = {func, ref};
  for (int i = 0; i < 2; i++) {
    wasm_val_t value;
    wasm_val_vec_t none = WASM_EMPTY_VEC, results = {1, &value};
    wasm_trap_t* trap = wasm_func_call(hosts[i], &none, &results);
    CHECK(trap);
    wasm_trap_delete(trap);
    wasm_func_delete(hosts[i]);
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static wasm_func_t* callback_deletes;
static wasm_instance_t* callback_deletes_instance;
static wasm_memory_t* callback_grows;
static wasm_func_t* callback_calls;

static wasm_trap_t* busy(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  CHECK(*(int*)env == 0);
  int32_t depth = args->data[0].of.i32;
  // Grow the memory it was called from, and write into what is new.
  uint32_t pages = wasm_memory_size(callback_grows);
  CHECK(wasm_memory_grow(callback_grows, 1));
  wasm_memory_data(callback_grows)[pages * 65536u] = (char)depth;
  // Call back into wasm.
  if (depth > 0) {
    wasm_val_t arg = WASM_I32_VAL(depth - 1), result;
    wasm_val_vec_t again = {1, &arg}, out = {1, &result};
    wasm_trap_t* trap = wasm_func_call(callback_calls, &again, &out);
    if (trap) return trap;
    CHECK(result.of.i32 == depth - 1);
  }
  // Create and delete anything: instances that collide with those that run, its own function included.
  for (int i = 0; i < 3; i++)
    wasm_instance_delete(check_instance(the_store, "(module (memory 1) (func) (start 0))", 0));
  if (depth == 0) {
    wasm_func_delete(callback_deletes);
    wasm_instance_delete(callback_deletes_instance);
  }
  return NULL;
}

// A callback may call wasm, create and delete anything, its own function included, and grow the memory it came from. The
// environment's finalizer runs exactly once, when the function dies.
static void callbacks_may_do_anything(void) {
  the_store = check_store();
  int finalized = 0;
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  callback_deletes = wasm_func_new_with_env(the_store, type, busy, &finalized, count_up);
  wasm_functype_delete(type);
  callback_deletes_instance = check_instance(
      the_store,
      "(module (import \"\" \"f\" (func $f (param i32))) (memory (export \"m\") 1 40)"
      "  (func (export \"run\") (param i32) (result i32)"
      "    (i32.store8 (i32.const 9) (i32.const 7)) (call $f (local.get 0))"
      "    (if (i32.ne (i32.load8_u (i32.const 9)) (i32.const 7)) (then unreachable))"
      "    (if (i32.ne (i32.load8_u (i32.const 0x10000)) (i32.const 10)) (then unreachable))"
      "    (local.get 0)))",
      1, wasm_func_as_extern(callback_deletes));
  callback_grows = check_memory(callback_deletes_instance, 0);
  callback_calls = check_func(callback_deletes_instance, 1);
  CHECK(check_call(callback_calls, 1, 10) == 10);
  CHECK(wasm_memory_size(callback_grows) == 12);
  CHECK(finalized == 0);
  wasm_memory_delete(callback_grows);
  wasm_func_delete(callback_calls);
  wasm_store_delete(the_store);
  CHECK(finalized == 1);
}

static wasm_trap_t* do_nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

// The finalizer runs once, not before: not while an instance that imports the function lives.
static void environments(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  int unused = 0, imported = 0, with_info = 0;
  wasm_func_delete(wasm_func_new_with_env(store, type, do_nothing, &unused, count_up));
  CHECK(unused == 1);
  wasm_func_t* func = wasm_func_new_with_env(store, type, do_nothing, &imported, count_up);
  wasm_func_t* copy = wasm_func_copy(func);
  wasm_func_set_host_info_with_finalizer(copy, &with_info, count_up);
  wasm_instance_t* instance = check_instance(
      store, "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (call $f)))", 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  wasm_func_delete(copy);
  CHECK(imported == 0 && with_info == 0);
  wasm_func_t* run = check_func(instance, 0);
  wasm_instance_delete(instance);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(run, &none, &none));
  CHECK(imported == 0);
  wasm_func_delete(run);
  // No finalizer, no environment: fine as well.
  wasm_func_delete(wasm_func_new_with_env(store, type, do_nothing, NULL, NULL));
  wasm_functype_delete(type);
  wasm_store_delete(store);
  CHECK(unused == 1 && imported == 1 && with_info == 1);
}

static wasm_trap_t* recurse(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  return wasm_func_call(*(wasm_func_t**)env, &none, &none);
}

// Recursion through wasm and host exhausts the stack with a trap, and everything works afterwards.
static void recursion_through_the_host(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* run = NULL;
  wasm_func_t* host = wasm_func_new_with_env(store, type, recurse, &run, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store, "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (call $f)))", 1, wasm_func_as_extern(host));
  run = check_func(instance, 0);
  for (int i = 0; i < 3; i++) {
    wasm_trap_t* trap = check_trap(run);
    CHECK(trap_says(trap, "call stack exhausted"));
    wasm_trap_delete(trap);
  }
  wasm_func_delete(run);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static wasm_trap_t* swap(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  for (size_t i = 0; i < args->size; i++) wasm_val_copy(&results->data[args->size - 1 - i], &args->data[i]);
  return NULL;
}

// References and functions through callbacks: arguments are lent, results given away, identity kept.
static void references_through_callbacks(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_2_2(wasm_valtype_new_externref(), wasm_valtype_new_funcref(),
                                                wasm_valtype_new_funcref(), wasm_valtype_new_externref());
  wasm_func_t* host = wasm_func_new(store, type, swap);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (param externref funcref) (result funcref externref)))"
      "  (func (export \"run\") (param externref funcref) (result funcref externref)"
      "    (call $f (local.get 0) (local.get 1))))",
      1, wasm_func_as_extern(host));
  wasm_func_t* run = check_func(instance, 0);
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_func_t* ways[] = {host, run};
  for (int i = 0; i < 2; i++) {
    wasm_val_t in[] = {{WASM_EXTERNREF, {.ref = wasm_foreign_as_ref(foreign)}},
                       {WASM_FUNCREF, {.ref = wasm_func_as_ref(run)}}},
               out[2];
    wasm_val_vec_t args = WASM_ARRAY_VEC(in), results = WASM_ARRAY_VEC(out);
    CHECK(!wasm_func_call(ways[i], &args, &results));
    CHECK(out[0].kind == WASM_FUNCREF && wasm_ref_same(out[0].of.ref, in[1].of.ref));
    CHECK(out[1].kind == WASM_EXTERNREF && wasm_ref_same(out[1].of.ref, in[0].of.ref));
    wasm_val_delete(&out[0]);
    wasm_val_delete(&out[1]);
    wasm_val_t nulls[] = {{WASM_EXTERNREF, {.ref = NULL}}, {WASM_FUNCREF, {.ref = NULL}}};
    wasm_val_vec_t null_args = WASM_ARRAY_VEC(nulls);
    CHECK(!wasm_func_call(ways[i], &null_args, &results));
    CHECK(out[0].of.ref == NULL && out[1].of.ref == NULL);
    // A reference that is no function where one is wanted.
    wasm_val_t wrong[] = {nulls[0], {WASM_FUNCREF, {.ref = wasm_foreign_as_ref(foreign)}}};
    wasm_val_vec_t wrong_args = WASM_ARRAY_VEC(wrong);
    wasm_trap_t* trap = wasm_func_call(ways[i], &wrong_args, &results);
    CHECK(trap);
    wasm_trap_delete(trap);
  }
  wasm_func_delete(run);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_foreign_delete(foreign);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

static void nulls(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  CHECK_NO_REASON((wasm_func_delete(NULL), true));
  CHECK_REASON(wasm_func_new(NULL, type, increment) == NULL);
  CHECK_REASON(wasm_func_new(store, NULL, increment) == NULL);
  CHECK_REASON(wasm_func_new(store, type, NULL) == NULL);
  CHECK_REASON(wasm_func_type(NULL) == NULL);
  CHECK_REASON(wasm_func_param_arity(NULL) == 0);
  CHECK_REASON(wasm_func_result_arity(NULL) == 0);
  CHECK_REASON(wasm_func_copy(NULL) == NULL);
  wasm_functype_delete(type);
  wasm_store_delete(store);
}

static int finalized;

static void count_finalized(void* env) {
  (void)env;
  finalized++;
}

// A type may say anything, but a function has at most a thousand parameters and a thousand results, as one of a module.
static void limits(void) {
  wasm_store_t* store = check_store();
  const size_t counts[][2] = {{300, 0}, {1001, 0}, {0, 300}, {0, 1001}, {100000, 0}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    wasm_valtype_vec_t vecs[2];
    for (int side = 0; side < 2; side++) {
      wasm_valtype_vec_new_uninitialized(&vecs[side], counts[i][side]);
      for (size_t k = 0; k < counts[i][side]; k++) vecs[side].data[k] = wasm_valtype_new_i64();
    }
    wasm_functype_t* type = wasm_functype_new(&vecs[0], &vecs[1]);
    CHECK(type);
    libwasm_last_error_clear();
    finalized = 0;
    wasm_func_t* func = wasm_func_new_with_env(store, type, do_nothing, &finalized, count_finalized);
    bool fits = counts[i][0] <= 1000 && counts[i][1] <= 1000;
    CHECK(fits == (func != NULL));
    // The environment is consumed in any case.
    CHECK(finalized == !fits);
    if (!fits) CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT && reason_says("1000"));
    wasm_func_delete(func);
    wasm_functype_delete(type);
  }
  wasm_store_delete(store);
}

int main(void) {
  types();
  limits();
  calling();
  wrong_calls();
  results_are_the_callers();
  callbacks_get_fresh_results();
  wrong_results();
  callbacks_may_do_anything();
  environments();
  recursion_through_the_host();
  references_through_callbacks();
  nulls();
  return 0;
}
