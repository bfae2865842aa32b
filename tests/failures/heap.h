// Scenarios of calls that objects of WebAssembly cross, and of exceptions.

#ifndef HEAP_H
#define HEAP_H

#include "room.h"

// The callback gets objects that the host has no handles of yet, and gives the last of them back.
static const char* const OBJECTS =
    "(module (type $node (struct (field (mut i32)) (field (mut (ref null $node))) (field (mut externref))))"
    "  (type $all (array (mut anyref)))"
    "  (import \"\" \"f\" (func $f (param anyref externref anyref) (result anyref)))"
    "  (tag $t (export \"t\") (param externref anyref))"
    "  (func (export \"run\") (param i32) (result i32) (local $n (ref null $node)) (local $all (ref null $all))"
    "    (local.set $all (array.new_default $all (i32.const 10)))"
    "    (loop $next"
    "      (local.set $n (struct.new $node (local.get 0) (local.get $n) (ref.null extern)))"
    "      (array.set $all (local.get $all) (i32.rem_u (local.get 0) (i32.const 10)) (local.get $n))"
    "      (local.set $n (ref.cast (ref null $node)"
    "        (call $f (struct.new_default $node) (extern.convert_any (local.get $all)) (local.get $n))))"
    "      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    "    (struct.get $node 0 (local.get $n))))";

static struct {
  wasm_instance_t* instance;
  libwasm_tag_t* tag;
  wasm_func_t* run;
} heap_room;

// Handles that the callback keeps.
static wasm_val_t kept[20000];
static size_t kept_count, kept_most;

static wasm_trap_t* last_of(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  if (kept_count < kept_most) wasm_val_copy(&kept[kept_count++], &args->data[0]);
  wasm_val_copy(&results->data[0], &args->data[2]);
  return NULL;
}

static void make_heap_room(void) {
  wasm_functype_t* type = wasm_functype_new_3_1(wasm_valtype_new(LIBWASM_ANYREF), wasm_valtype_new(WASM_EXTERNREF),
                                                wasm_valtype_new(LIBWASM_ANYREF), wasm_valtype_new(LIBWASM_ANYREF));
  wasm_func_t* func = wasm_func_new(room.store, type, last_of);
  wasm_functype_delete(type);
  heap_room.instance = check_instance(room.store, OBJECTS, 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  heap_room.tag = libwasm_extern_as_tag(check_export(heap_room.instance, 0));
  heap_room.run = check_func(heap_room.instance, 1);
}

static void delete_heap_room(void) {
  wasm_func_delete(heap_room.run);
  libwasm_tag_delete(heap_room.tag);
  wasm_instance_delete(heap_room.instance);
}

static bool run_objects(int32_t count) {
  wasm_val_t arg = WASM_I32_VAL(count), out = WASM_I32_VAL(0);
  wasm_val_vec_t args = {1, &arg}, results = {1, &out};
  if (!returned(wasm_func_call(heap_room.run, &args, &results))) return false;
  CHECK(out.of.i32 == 1);
  return true;
}

static bool heap_calls(void) { return run_objects(3); }

// So many that a callback's arguments are what there is no memory left for.
static bool heap_handles(void) {
  kept_most = sizeof kept / sizeof *kept;
  bool success = run_objects((int32_t)kept_most);
  kept_most = 0;
  while (kept_count > 0) wasm_val_delete(&kept[--kept_count]);
  return success;
}

static bool exceptions(void) {
  wasm_ref_t* number = libwasm_i31_new(room.store, 5);
  if (!worked(number)) return false;
  wasm_val_t values[] = {WASM_REF_VAL(wasm_foreign_as_ref(room.foreign)), {.kind = LIBWASM_ANYREF, .of.ref = number}};
  wasm_val_vec_t carried = {2, values}, args;
  wasm_ref_t* exception = libwasm_exception_new(heap_room.tag, &carried);
  wasm_ref_delete(number);
  if (!worked(exception)) return false;
  bool success = worked(libwasm_exception_args(exception, &args));
  CHECK(args.size == (success ? 2 : 0));
  wasm_val_vec_delete(&args);
  wasm_trap_t* trap = libwasm_trap_new_exception(exception);
  wasm_ref_delete(exception);
  if (worked(trap)) {
    exception = libwasm_trap_exception(trap);
    success &= worked(exception);
    wasm_ref_delete(exception);
  } else {
    success = false;
  }
  wasm_trap_delete(trap);
  return success;
}

#endif
