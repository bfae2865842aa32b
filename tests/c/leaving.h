// What leaving.c and coroutines.c share: a store whose callbacks are left otherwise than by returning, and what must hold afterwards.

#ifndef LEAVING_H
#define LEAVING_H

#include <setjmp.h>

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

#endif
