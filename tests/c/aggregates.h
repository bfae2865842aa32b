// What the tests of objects that the host makes share: a module with lists and arrays, and objects of its types.

#ifndef AGGREGATES_H
#define AGGREGATES_H

#include "check.h"

// A list of nodes, and arrays, as a guest has them.
static const char* const MODULE =
    "(module"
    "  (rec (type $node (sub (struct (field $value (mut i32)) (field $next (mut (ref null $node)))))))"
    "  (type $leaf (sub final $node (struct (field (mut i32)) (field (mut (ref null $node))) (field f64))))"
    "  (type $bytes (array (mut i8))) (type $text (array i16)) (type $nodes (array (mut (ref null $node))))"
    "  (type $f (func (result i32)))"
    "  (type $all (struct (field (mut i8)) (field (mut i16)) (field (mut i64)) (field (mut f32)) (field (mut v128))"
    "    (field (mut (ref null $f))) (field (mut externref)) (field (mut anyref)) (field (mut exnref)) (field (ref null $bytes))))"
    "  (type $funcs (array (mut funcref))) (type $sure (array (mut (ref $node))))"
    "  (tag $tag (export \"tag\") (param i32))"
    "  (global (export \"list\") (mut (ref null $node)) (ref.null $node))"
    "  (table (export \"table\") 4 anyref)"
    "  (func $answer (export \"answer\") (type $f) (i32.const 42))"
    "  (func (export \"sum\") (param $n (ref null $node)) (result i32) (local $sum i32)"
    "    (block $end (loop $next (br_if $end (ref.is_null (local.get $n)))"
    "      (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $n))))"
    "      (local.set $n (struct.get $node $next (local.get $n))) (br $next)))"
    "    (local.get $sum))"
    "  (func (export \"checksum\") (param $a (ref $bytes)) (result i32) (local $i i32) (local $sum i32)"
    "    (block $end (loop $next (br_if $end (i32.eq (local.get $i) (array.len (local.get $a))))"
    "      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (array.get_u $bytes (local.get $a) (local.get $i))))"
    "      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next)))"
    "    (local.get $sum))"
    // Makes so much garbage.
    "  (func (export \"churn\") (param $n i32) (local $list (ref null $node))"
    "    (loop $next"
    "      (local.set $list (struct.new $node (local.get $n) (local.get $list)))"
    "      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 1000))) (then (local.set $list (ref.null $node))))"
    "      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))";
enum { NODE, LEAF, BYTES, TEXT, NODES, F, EVERYTHING, FUNCS, SURE };
enum { TAG, LIST, TABLE, ANSWER, SUM, CHECKSUM, CHURN };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  libwasm_deftype_vec_t types;
};

static struct world world_new(void) {
  struct world w;
  w.store = check_store();
  wasm_module_t* module = check_module(w.store, MODULE);
  libwasm_module_types(module, &w.types);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  w.instance = wasm_instance_new(w.store, module, &none, NULL);
  CHECK(w.instance && w.types.size > SURE);
  wasm_module_delete(module);
  return w;
}

static void world_delete(struct world* w) {
  libwasm_deftype_vec_delete(&w->types);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

// Calls an export with one argument, which is lent.
static int32_t call(struct world* w, size_t func, wasm_val_t arg) {
  wasm_func_t* callee = check_func(w->instance, func);
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t in = {1, &arg}, out = {wasm_func_result_arity(callee), &result};
  wasm_trap_t* trap = wasm_func_call(callee, &in, &out);
  if (trap) trap_says(trap, "no trap");
  CHECK(!trap);
  wasm_func_delete(callee);
  return result.of.i32;
}

// Enough for several young collections; little where valgrind runs.
static void churn(struct world* w) { call(w, CHURN, i32_val(check_count(check_mode_is_checked() ? 300000 : 2000000, 2000))); }

static wasm_ref_t* node(struct world* w, int32_t value, wasm_ref_t* next) {
  wasm_val_t values[] = {WASM_I32_VAL(value), any_val(next)};
  wasm_val_vec_t all = {2, values};
  wasm_ref_t* object = libwasm_struct_new(w->store, w->types.data[NODE], &all);
  CHECK(object);
  return object;
}

static int64_t field(wasm_ref_t* object, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_struct_get(object, index, &value));
  CHECK(value.kind == WASM_I32 || value.kind == WASM_I64);
  return value.kind == WASM_I32 ? value.of.i32 : value.of.i64;
}

static wasm_ref_t* ref_field(wasm_ref_t* object, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_struct_get(object, index, &value) && value.kind == LIBWASM_ANYREF);
  return value.of.ref;
}

static int32_t element(wasm_ref_t* array, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_array_get(array, index, &value) && value.kind == WASM_I32);
  return value.of.i32;
}

#endif
