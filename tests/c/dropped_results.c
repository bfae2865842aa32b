// Results that find no place: less room than the function gives drops the rest, more is left alone.

#include "check.h"

static int called;

static wasm_trap_t* numbers(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  called++;
  results->data[0].of.i32 = 7;
  results->data[1].of.i64 = -8;
  results->data[2].of.f64 = 0.5;
  return NULL;
}

static wasm_trap_t* references(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  called++;
  for (size_t i = 0; i < 3; i++) wasm_val_copy(&results->data[i], &args->data[0]);
  return NULL;
}

static wasm_functype_t* type_of_three(wasm_valkind_t param, wasm_valkind_t a, wasm_valkind_t b, wasm_valkind_t c) {
  wasm_valtype_t *in[] = {wasm_valtype_new(param)}, *out[] = {wasm_valtype_new(a), wasm_valtype_new(b), wasm_valtype_new(c)};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 1, in);
  wasm_valtype_vec_new(&results, 3, out);
  return wasm_functype_new(&params, &results);
}

// Calls with room for each number of results, of memory that must not be read and, beyond the room, not be written either.
static void each_room(const wasm_func_t* func, const wasm_val_vec_t* args, void (*check)(const wasm_val_t*, size_t)) {
  for (size_t room = 0; room <= 5; room++) {
    wasm_val_t values[6], untouched[6];
    memset(values, 0x77, sizeof values);
    memcpy(untouched, values, sizeof values);
    wasm_val_vec_t results = {room, values};
    called = 0;
    CHECK_NO_REASON(!wasm_func_call(func, args, &results));
    CHECK(called == 1);
    CHECK(results.size == room && results.data == values);
    size_t written = room < 3 ? room : 3;
    check(values, written);
    CHECK(memcmp(values + written, untouched + written, (6 - written) * sizeof *values) == 0);
    for (size_t i = 0; i < written; i++) wasm_val_delete(&values[i]);
  }
  wasm_val_vec_t none[] = {WASM_EMPTY_VEC, {3, NULL}, {0, (wasm_val_t*)16}}, *no_results[] = {none, none + 1, none + 2, NULL};
  for (size_t i = 0; i < 4; i++) {
    called = 0;
    CHECK_NO_REASON(!wasm_func_call(func, args, no_results[i]));
    CHECK(called == 1);
  }
}

static void check_numbers(const wasm_val_t* values, size_t written) {
  CHECK(written < 1 || (values[0].kind == WASM_I32 && values[0].of.i32 == 7));
  CHECK(written < 2 || (values[1].kind == WASM_I64 && values[1].of.i64 == -8));
  CHECK(written < 3 || (values[2].kind == WASM_F64 && values[2].of.f64 == 0.5));
}

static wasm_foreign_t* the_foreign;

static void check_references(const wasm_val_t* values, size_t written) {
  for (size_t i = 0; i < written; i++)
    CHECK(values[i].kind == WASM_EXTERNREF && wasm_ref_same(values[i].of.ref, wasm_foreign_as_ref(the_foreign)));
}

// The call is made, on the way of plain calls and on the other; the function is the host's, or WebAssembly's.
static void what_finds_no_room_is_dropped(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = type_of_three(WASM_I32, WASM_I32, WASM_I64, WASM_F64);
  wasm_func_t* host = wasm_func_new(store, type, numbers);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (param i32) (result i32 i64 f64)))"
      " (func (export \"f\") (param i32) (result i32 i64 f64) (call $f (local.get 0))))",
      1, wasm_func_as_extern(host));
  wasm_func_t* wasm = check_func(instance, 0);
  wasm_val_t one[] = {WASM_I32_VAL(1)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(one);
  // The first time there is no trampoline yet.
  for (int round = 0; round < 3; round++) {
    each_room(host, &args, check_numbers);
    each_room(wasm, &args, check_numbers);
  }
  wasm_func_delete(wasm);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// References that find no room are deleted: nothing keeps their object afterwards, nor the store.
static void dropped_references_are_deleted(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_functype_t* type = type_of_three(WASM_EXTERNREF, WASM_EXTERNREF, WASM_EXTERNREF, WASM_EXTERNREF);
  wasm_func_t* host = wasm_func_new(store, type, references);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (param externref) (result externref externref externref)))"
      " (func (export \"f\") (param externref) (result externref externref externref) (call $f (local.get 0))))",
      1, wasm_func_as_extern(host));
  wasm_func_t* wasm = check_func(instance, 0);
  the_foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(the_foreign, &finalized, count_up);
  wasm_val_t in[] = {{WASM_EXTERNREF, {.ref = wasm_foreign_as_ref(the_foreign)}}};
  wasm_val_vec_t args = WASM_ARRAY_VEC(in);
  for (int round = 0; round < 2; round++) {
    each_room(host, &args, check_references);
    each_room(wasm, &args, check_references);
  }
  wasm_func_delete(wasm);
  wasm_func_delete(host);
  wasm_instance_delete(instance);
  wasm_foreign_delete(the_foreign);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

// A v128 that finds no room has no box.
static void dropped_vectors_have_no_box(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store, "(module (func (export \"f\") (result i32 v128) (i32.const 3) (v128.const i64x2 1 2)))", 0);
  wasm_func_t* func = check_func(instance, 0);
  wasm_val_t value;
  wasm_val_vec_t none = WASM_EMPTY_VEC, one = {1, &value};
  CHECK(!wasm_func_call(func, &none, &none));
  CHECK(!wasm_func_call(func, &none, &one) && value.kind == WASM_I32 && value.of.i32 == 3);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// With too little room too a trap leaves the results as they were, and wrong arguments are refused before anything is called.
static void traps_and_refusals(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (global $called (export \"called\") (mut i32) (i32.const 0))"
      " (func (export \"f\") (param i32) (result i32 i64)"
      "   (global.set $called (i32.const 1)) (if (local.get 0) (then unreachable)) (i32.const 1) (i64.const 2)))",
      0);
  wasm_global_t* global = check_global(instance, 0);
  wasm_func_t* func = check_func(instance, 1);
  wasm_val_t in[] = {WASM_I32_VAL(1)}, wrong[] = {WASM_F32_VAL(1)}, out[1], before[1];
  memset(out, 0x77, sizeof out);
  memcpy(before, out, sizeof out);
  wasm_val_vec_t args = WASM_ARRAY_VEC(in), wrong_args = WASM_ARRAY_VEC(wrong), one = WASM_ARRAY_VEC(out), none = WASM_EMPTY_VEC;
  wasm_val_vec_t* rooms[] = {&one, &none, NULL};
  for (int i = 0; i < 3; i++) {
    wasm_trap_t* trap = wasm_func_call(func, &args, rooms[i]);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_UNREACHABLE && memcmp(out, before, sizeof out) == 0);
    wasm_trap_delete(trap);
    wasm_val_t zero = WASM_I32_VAL(0), called;
    wasm_global_set(global, &zero);
    const wasm_val_vec_t* bad[] = {&wrong_args, &none, NULL};
    for (int j = 0; j < 3; j++) {
      trap = wasm_func_call(func, bad[j], rooms[i]);
      CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL && memcmp(out, before, sizeof out) == 0);
      wasm_trap_delete(trap);
    }
    wasm_global_get(global, &called);
    CHECK(called.of.i32 == 0);
  }
  wasm_global_delete(global);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

int main(void) {
  what_finds_no_room_is_dropped();
  dropped_references_are_deleted();
  dropped_vectors_have_no_box();
  traps_and_refusals();
  return 0;
}
