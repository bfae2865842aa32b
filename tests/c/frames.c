// Frames: order, functions, offsets, instances, lifetime.

#include "check.h"

static const char* const INNER =
    "(module (func (export \"trap\") (param i32) (if (i32.eqz (local.get 0)) (then (nop) (unreachable)))))";
static const char* const OUTER =
    "(module (import \"\" \"trap\" (func $trap (param i32)))"
    "  (func $middle (call $trap (i32.const 0)) (nop))"
    "  (func (export \"run\") (nop) (nop) (call $middle)))";

// The place of the only occurrence of `pattern` in `binary`.
static size_t place_of(const wasm_byte_vec_t* binary, const char* pattern, size_t size) {
  size_t found = SIZE_MAX;
  for (size_t i = 0; i + size <= binary->size; i++) {
    if (memcmp(binary->data + i, pattern, size) == 0) {
      CHECK(found == SIZE_MAX);
      found = i;
    }
  }
  CHECK(found != SIZE_MAX);
  return found;
}

static void trace(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* inner = check_instance(store, INNER, 0);
  wasm_extern_t* trapper = check_export(inner, 0);
  wasm_instance_t* outer = check_instance(store, OUTER, 1, trapper);
  wasm_instance_t* twin = check_instance(store, OUTER, 1, trapper);
  wasm_func_t* run = check_func(outer, 0);
  wasm_trap_t* trap = check_trap(run);
  CHECK(trap_says(trap, "unreachable"));

  // Innermost first, each with its function.
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 3);
  CHECK(wasm_frame_func_index(frames.data[0]) == 0);
  CHECK(wasm_frame_func_index(frames.data[1]) == 1);
  CHECK(wasm_frame_func_index(frames.data[2]) == 2);

  // The instance is the right one: not its twin of the same module, not the one that called.
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), inner));
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[1]), outer));
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[2]), outer));
  CHECK(!wasm_instance_same(wasm_frame_instance(frames.data[2]), twin));

  // Offsets are bytes in the module's binary, and from the start of the function's body (after its size).
  wasm_byte_vec_t inner_binary = check_wasm(INNER), outer_binary = check_wasm(OUTER);
  size_t body = place_of(&inner_binary, "\x00\x20\x00\x45\x04\x40\x01\x00\x0b\x0b", 10);
  CHECK(wasm_frame_module_offset(frames.data[0]) == body + 7);
  CHECK(wasm_frame_func_offset(frames.data[0]) == 7);
  body = place_of(&outer_binary, "\x00\x41\x00\x10\x00\x01\x0b", 7);
  CHECK(wasm_frame_module_offset(frames.data[1]) == body + 3);
  CHECK(wasm_frame_func_offset(frames.data[1]) == 3);
  body = place_of(&outer_binary, "\x00\x01\x01\x10\x01\x0b", 6);
  CHECK(wasm_frame_module_offset(frames.data[2]) == body + 3);
  CHECK(wasm_frame_func_offset(frames.data[2]) == 3);
  wasm_byte_vec_delete(&inner_binary);
  wasm_byte_vec_delete(&outer_binary);

  // Names come from the name section: $middle has one, what is only exported has none.
  wasm_name_t name;
  libwasm_frame_func_name(frames.data[1], &name);
  CHECK(name.size == 6 && memcmp(name.data, "middle", 6) == 0);
  wasm_byte_vec_delete(&name);
  libwasm_frame_func_name(frames.data[2], &name);
  CHECK(name.size == 0 && name.data != NULL);
  wasm_byte_vec_delete(&name);
  libwasm_frame_func_name(NULL, &name);
  CHECK(name.size == 0 && name.data == NULL);

  // The origin is the innermost frame; frames outlive their trap, copies their originals, and all of them the store.
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && wasm_frame_func_offset(origin) == 7);
  wasm_frame_t* copy = wasm_frame_copy(origin);
  wasm_frame_vec_t copies;
  wasm_frame_vec_copy(&copies, &frames);
  wasm_trap_delete(trap);
  wasm_frame_delete(origin);
  wasm_frame_vec_delete(&frames);
  CHECK(frames.size == 0 && frames.data == NULL);
  wasm_extern_delete(trapper);
  wasm_func_delete(run);
  wasm_instance_delete(outer);
  wasm_instance_delete(twin);
  wasm_store_delete(store);
  CHECK(wasm_frame_func_offset(copy) == 7 && wasm_frame_func_index(copy) == 0);
  CHECK(wasm_instance_same(wasm_frame_instance(copy), inner));
  CHECK(copies.size == 3 && wasm_frame_func_index(copies.data[2]) == 2);
  wasm_frame_vec_delete(&copies);
  wasm_instance_delete(inner);
  wasm_frame_delete(copy);
}

// Recursion: as many frames as calls, up to the trace's bound, and the offsets of every trap are exact.
static void deep_traces(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (func $f (export \"f\") (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const "
      "1)))) (else (unreachable)))))",
      0);
  wasm_func_t* func = check_func(instance, 0);
  wasm_val_t arg = WASM_I32_VAL(19);
  wasm_val_vec_t args = {1, &arg}, results = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 20);
  for (size_t i = 2; i < 20; i++)
    CHECK(wasm_frame_module_offset(frames.data[i]) == wasm_frame_module_offset(frames.data[1]));
  CHECK(wasm_frame_module_offset(frames.data[0]) != wasm_frame_module_offset(frames.data[1]));
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// A function that calls nothing and isn't exported: its instance is its caller's, whatever fails in it.
static void leaves(void) {
  static const char* const LEAVES =
      "(module (memory 1) (table (export \"table\") 1 funcref) (elem (i32.const 0) $through)"
      "  (func $load (param i32) (result i32) (i32.load (local.get 0)))"
      "  (func $divide (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))"
      "  (func $stop (param i32) (result i32) (unreachable))"
      "  (func $through (param i32) (result i32) (call $load (local.get 0)))"
      "  (func (export \"load\") (drop (call $load (i32.const -1))))"
      "  (func (export \"divide\") (drop (call $divide (i32.const 0))))"
      "  (func (export \"stop\") (drop (call $stop (i32.const 0)))))";
  static const char* const CALLER =
      "(module (import \"\" \"table\" (table 1 funcref)) (type $t (func (param i32) (result i32)))"
      "  (func (export \"call\") (drop (call_indirect (type $t) (i32.const -1) (i32.const 0)))))";
  static const char* const WORDS[] = {"out of bounds memory access", "integer divide by zero", "unreachable"};
  wasm_store_t* store = check_store();
  wasm_instance_t* first = check_instance(store, LEAVES, 0);
  wasm_instance_t* second = check_instance(store, LEAVES, 0);
  for (uint32_t i = 0; i < 3; i++) {
    for (int turn = 0; turn < 2; turn++) {
      wasm_instance_t* instance = turn ? second : first;
      wasm_func_t* func = check_func(instance, 1 + i);
      wasm_trap_t* trap = check_trap(func);
      CHECK(trap_says(trap, WORDS[i]));
      wasm_frame_vec_t frames;
      wasm_trap_trace(trap, &frames);
      CHECK(frames.size == 2);
      CHECK(wasm_frame_func_index(frames.data[0]) == i && wasm_frame_func_index(frames.data[1]) == 4 + i);
      CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), instance));
      CHECK(wasm_instance_same(wasm_frame_instance(frames.data[1]), instance));
      wasm_frame_vec_delete(&frames);
      wasm_trap_delete(trap);
      wasm_func_delete(func);
    }
  }

  // Through a table, from another instance.
  wasm_extern_t* table = check_export(second, 0);
  wasm_instance_t* caller = check_instance(store, CALLER, 1, table);
  wasm_func_t* call = check_func(caller, 0);
  wasm_trap_t* trap = check_trap(call);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 3);
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), second));
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[1]), second));
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[2]), caller));
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  wasm_func_delete(call);
  wasm_extern_delete(table);
  wasm_instance_delete(caller);
  wasm_instance_delete(first);
  wasm_instance_delete(second);
  wasm_store_delete(store);
}

static void vectors_and_nulls(void) {
  wasm_frame_vec_t frames;
  wasm_frame_vec_new_uninitialized(&frames, 2);
  CHECK(frames.size == 2 && !frames.data[0] && !frames.data[1]);
  wasm_frame_vec_delete(&frames);
  wasm_frame_vec_new_empty(&frames);
  CHECK(frames.size == 0);
  CHECK_NO_REASON((wasm_frame_delete(NULL), wasm_frame_vec_delete(NULL), true));
  CHECK_REASON(wasm_frame_copy(NULL) == NULL);
  CHECK_REASON(wasm_frame_instance(NULL) == NULL);
  CHECK_REASON(wasm_frame_func_index(NULL) == 0);
  CHECK_REASON(wasm_frame_func_offset(NULL) == 0);
  CHECK_REASON(wasm_frame_module_offset(NULL) == 0);
}

int main(void) {
  trace();
  deep_traces();
  leaves();
  vectors_and_nulls();
  return 0;
}
