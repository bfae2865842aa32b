// Traps: messages, the specification's words, host traps, codes.

#include "check.h"

static void message_of(const char* bytes, size_t size, size_t expected_size) {
  wasm_store_t* store = check_store();
  wasm_message_t message = {size, (char*)bytes}, read;
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  CHECK(trap);
  wasm_trap_message(trap, &read);
  CHECK(read.size == expected_size && read.data[read.size - 1] == 0);
  CHECK(strlen(read.data) == read.size - 1);
  CHECK(size == 0 || strncmp(read.data, bytes, read.size - 1) == 0);
  wasm_byte_vec_delete(&read);
  CHECK(libwasm_trap_code(trap) == 0);
  wasm_trap_delete(trap);
  wasm_store_delete(store);
}

// A message may come with its NUL or without, empty, or not at all; it is given out ending in exactly one.
static void messages(void) {
  message_of("foobar", 6, 7);
  message_of("foobar", 7, 7);
  message_of("", 0, 1);
  message_of("", 1, 1);
  wasm_store_t* store = check_store();
  wasm_trap_t* trap = wasm_trap_new(store, NULL);
  CHECK(trap && trap_says(trap, ""));
  wasm_message_t read;
  wasm_trap_message(trap, &read);
  CHECK(read.size == 1 && read.data[0] == 0);
  wasm_byte_vec_delete(&read);
  // A trap that crossed no wasm has no frames.
  CHECK(wasm_trap_origin(trap) == NULL);
  wasm_frame_vec_t frames = {7, (wasm_frame_t**)8};
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 0);
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  wasm_store_delete(store);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_trap_delete(NULL), true));
  wasm_message_t message = WASM_EMPTY_VEC;
  // Where a trap is given, there is one even so.
  wasm_trap_t* trap;
  CHECK_REASON((trap = wasm_trap_new(NULL, &message)) != NULL);
  wasm_trap_delete(trap);
  message.size = 7;
  CHECK_REASON((wasm_trap_message(NULL, &message), message.size == 0 && !message.data));
  CHECK_REASON(wasm_trap_origin(NULL) == NULL);
  wasm_frame_vec_t frames = {7, (wasm_frame_t**)8};
  CHECK_REASON((wasm_trap_trace(NULL, &frames), frames.size == 0 && !frames.data));
  CHECK_REASON(wasm_trap_copy(NULL) == NULL);
}

// Messages carry the specification's words, and codes tell the traps apart.
static void the_specifications_words(void) {
  static const struct {
    const char* wat;
    const char* words;
    int code;
  } cases[] = {
      {"(module (func (export \"f\") unreachable))", "unreachable", 1},
      {"(module (memory 1) (func (export \"f\") (drop (i32.load (i32.const -1)))))", "out of bounds memory access", 2},
      {"(module (memory 1) (func (export \"f\") (i64.store (i32.const 65529) (i64.const 1))))",
       "out of bounds memory access", 2},
      {"(module (memory 1) (func (export \"f\") (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))))",
       "out of bounds memory access", 2},
      {"(module (table 1 externref) (func (export \"f\") (drop (table.get (i32.const 1)))))",
       "out of bounds table access", 3},
      {"(module (table 1 funcref) (func (export \"f\") (call_indirect (i32.const 1))))", "undefined element", 4},
      {"(module (table 1 funcref) (func (export \"f\") (call_indirect (i32.const 0))))", "uninitialized element", 5},
      {"(module (table funcref (elem $g)) (func $g (param i32)) (func (export \"f\") (call_indirect (i32.const 0))))",
       "indirect call type mismatch", 6},
      {"(module (func (export \"f\") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))))", "integer overflow", 7},
      {"(module (func (export \"f\") (drop (i64.rem_u (i64.const 1) (i64.const 0)))))", "integer divide by zero", 8},
      {"(module (func (export \"f\") (drop (i32.trunc_f32_s (f32.const nan)))))", "invalid conversion to integer", 9},
      {"(module (func $f (export \"f\") (call $f)))", "call stack exhausted", 10},
  };
  wasm_store_t* store = check_store();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    wasm_instance_t* instance = check_instance(store, cases[i].wat, 0);
    wasm_func_t* func = check_func(instance, 0);
    for (int round = 0; round < 3; round++) {
      wasm_trap_t* trap = check_trap(func);
      CHECK(trap_says(trap, cases[i].words));
      CHECK(libwasm_trap_code(trap) == cases[i].code);
      wasm_frame_t* origin = wasm_trap_origin(trap);
      CHECK(origin);
      wasm_frame_delete(origin);
      wasm_trap_delete(trap);
    }
    wasm_func_delete(func);
    wasm_instance_delete(instance);
  }
  wasm_store_delete(store);
}

static wasm_trap_t* returned;

static wasm_trap_t* give_trap(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  wasm_message_t message = {4, "help"};
  returned = wasm_trap_new(env, &message);
  wasm_trap_t* given = returned;
  returned = wasm_trap_copy(given);
  return given;
}

// A trap that a host function returns comes out as the same trap, with the wasm frames it crossed.
static void host_traps(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, give_trap, store, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance =
      check_instance(store,
                     "(module (import \"\" \"h\" (func $h)) (func $g (call $h)) (func (export \"f\") (call $g))"
                     "  (export \"h\" (func $h)))",
                     1, wasm_func_as_extern(host));
  wasm_func_t *func = check_func(instance, 0), *exported = check_func(instance, 1);
  wasm_trap_t* trap = check_trap(func);
  CHECK(wasm_trap_same(trap, returned));
  CHECK(trap_says(trap, "help"));
  CHECK(libwasm_trap_code(trap) == 0);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 2);
  CHECK(wasm_frame_func_index(frames.data[0]) == 1 && wasm_frame_func_index(frames.data[1]) == 2);
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  wasm_trap_delete(returned);
  // Called directly, or by its re-export, it crosses no wasm.
  wasm_func_t* ways[] = {host, exported};
  CHECK(wasm_func_same(host, exported));
  for (int i = 0; i < 2; i++) {
    trap = check_trap(ways[i]);
    CHECK(wasm_trap_same(trap, returned) && trap_says(trap, "help"));
    wasm_trap_delete(trap);
    wasm_trap_delete(returned);
  }
  wasm_func_delete(host);
  wasm_func_delete(exported);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// A trap outlives the store's handle and the instance's, and so does its host info.
static void traps_outlive(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, "(module (func (export \"f\") unreachable))", 0);
  wasm_func_t* func = check_func(instance, 0);
  wasm_trap_t* trap = check_trap(func);
  int finalized = 0;
  wasm_trap_set_host_info_with_finalizer(trap, &finalized, count_up);
  wasm_trap_t* copy = wasm_trap_copy(trap);
  CHECK(wasm_trap_same(trap, copy) && wasm_trap_get_host_info(copy) == &finalized);
  wasm_trap_delete(trap);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  CHECK(finalized == 0 && trap_says(copy, "unreachable"));
  wasm_trap_delete(copy);
  CHECK(finalized == 1);
}

static wasm_trap_t* returns_the_same(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return wasm_trap_copy(env);
}

// A trap that a callback returns again and again has the trace of the last time.
static void a_trap_raised_again(void) {
  wasm_store_t* store = check_store();
  wasm_message_t message = {4, (char*)"same"};
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(store, type, returns_the_same, trap, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(store,
      "(module (import \"\" \"f\" (func $f)) (func $g (call $f)) (func (export \"once\") (call $f))"
      " (func (export \"deeper\") (call $g)))", 1, wasm_func_as_extern(func));
  wasm_func_t *once = check_func(instance, 0), *deeper = check_func(instance, 1);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  for (size_t round = 0; round < 6; round++) {
    wasm_trap_t* raised = wasm_func_call(round % 2 ? deeper : once, &none, &none);
    CHECK(raised && wasm_trap_same(raised, trap));
    wasm_frame_vec_t frames;
    wasm_trap_trace(raised, &frames);
    CHECK(frames.size == 1 + round % 2);
    CHECK(wasm_frame_func_index(frames.data[0]) == (round % 2 ? 1 : 2));
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(raised);
  }
  wasm_func_delete(once);
  wasm_func_delete(deeper);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_trap_delete(trap);
  wasm_store_delete(store);
}

int main(void) {
  messages();
  nulls();
  the_specifications_words();
  host_traps();
  traps_outlive();
  a_trap_raised_again();
  return 0;
}
