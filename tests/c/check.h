// What the C tests share: CHECK, engines for the mode asked for, and modules out of text.
//
// LIBWASM_CHECK_MODE=checked makes engines without signal handlers and without reserved memories, for runs where faults
// and large reservations are in the way (valgrind, an address space limit).

#ifndef CHECK_H
#define CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>
#include <libwasm.h>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

static void check_failed(const char* file, int line, const char* what) {
  fprintf(stderr, "%s:%d: not so: %s (last error: kind %d, \"%s\")\n", file, line, what, (int)libwasm_last_error_kind(),
          libwasm_last_error_message());
  exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

// `expression` must fail with a recorded reason; what it failed with is CHECKed by the caller in `expression`.
#define CHECK_REASON(expression) \
  (libwasm_last_error_clear(), CHECK(expression), CHECK(libwasm_last_error_kind() != 0))

// `expression` must record no reason.
#define CHECK_NO_REASON(expression) \
  (libwasm_last_error_clear(), CHECK(expression), CHECK(libwasm_last_error_kind() == 0))

// Whether the thread's last error says `words` somewhere.
static bool reason_says(const char* words) { return strstr(libwasm_last_error_message(), words) != NULL; }

static bool check_mode_is_checked(void) {
  const char* mode = getenv("LIBWASM_CHECK_MODE");
  return mode && strcmp(mode, "checked") == 0;
}

// `count`, or few where the library collects at each allocation (the stress feature): then each of them costs a whole collection.
static int check_count(int count, int few) { return getenv("LIBWASM_CHECK_STRESS") ? few : count; }

// Whether limits say the same; what lies between their fields may differ.
static bool check_same_limits(const libwasm_limits_t* a, const libwasm_limits_t* b) {
  return a->min == b->min && a->max == b->max && a->has_max == b->has_max && a->index64 == b->index64 &&
         a->shared == b->shared && a->page_size == b->page_size;
}

static wasm_config_t* check_config(void) {
  wasm_config_t* config = wasm_config_new();
  CHECK(config);
  if (check_mode_is_checked()) {
    libwasm_config_set_signals(config, false);
    libwasm_config_set_memory_reservation(config, 0);
  }
  return config;
}

static wasm_engine_t* check_engine(void) {
  wasm_engine_t* engine = wasm_engine_new_with_config(check_config());
  CHECK(engine);
  return engine;
}

// A store whose engine is deleted already: the store keeps it alive.
static wasm_store_t* check_store(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_engine_delete(engine);
  return store;
}

static wasm_byte_vec_t check_wasm(const char* wat) {
  wasm_byte_vec_t text = {strlen(wat), (char*)wat}, binary;
  CHECK(libwasm_wat2wasm(&text, &binary));
  return binary;
}

static wasm_module_t* check_module(wasm_store_t* store, const char* wat) {
  wasm_byte_vec_t binary = check_wasm(wat);
  wasm_module_t* module = wasm_module_new(store, &binary);
  CHECK(module);
  wasm_byte_vec_delete(&binary);
  return module;
}

// An instance with `count` imports, `wasm_extern_t*` each.
static wasm_instance_t* check_instance_of(wasm_store_t* store, const wasm_module_t* module, int count, va_list items) {
  wasm_extern_t* list[16];
  CHECK(count <= 16);
  for (int i = 0; i < count; i++) list[i] = va_arg(items, wasm_extern_t*);
  wasm_extern_vec_t imports = {(size_t)count, list};
  wasm_trap_t* trap = (wasm_trap_t*)8;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &trap);
  CHECK(instance);
  CHECK(!trap);
  return instance;
}

static wasm_instance_t* check_instance(wasm_store_t* store, const char* wat, int count, ...) {
  wasm_module_t* module = check_module(store, wat);
  va_list items;
  va_start(items, count);
  wasm_instance_t* instance = check_instance_of(store, module, count, items);
  va_end(items);
  wasm_module_delete(module);
  return instance;
}

// An export by its place, owned by the caller.
static wasm_extern_t* check_export(const wasm_instance_t* instance, size_t index) {
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  CHECK(index < exports.size);
  wasm_extern_t* item = wasm_extern_copy(exports.data[index]);
  wasm_extern_vec_delete(&exports);
  CHECK(item);
  return item;
}

static wasm_func_t* check_func(const wasm_instance_t* instance, size_t index) {
  wasm_func_t* func = wasm_extern_as_func(check_export(instance, index));
  CHECK(func);
  return func;
}

static wasm_global_t* check_global(const wasm_instance_t* instance, size_t index) {
  wasm_global_t* global = wasm_extern_as_global(check_export(instance, index));
  CHECK(global);
  return global;
}

static wasm_table_t* check_table(const wasm_instance_t* instance, size_t index) {
  wasm_table_t* table = wasm_extern_as_table(check_export(instance, index));
  CHECK(table);
  return table;
}

static wasm_memory_t* check_memory(const wasm_instance_t* instance, size_t index) {
  wasm_memory_t* memory = wasm_extern_as_memory(check_export(instance, index));
  CHECK(memory);
  return memory;
}

// Calls a function that takes and gives `i32`s; it must not trap.
static int32_t check_call(const wasm_func_t* func, int count, ...) {
  wasm_val_t values[8];
  CHECK(count <= 8);
  va_list list;
  va_start(list, count);
  for (int i = 0; i < count; i++) {
    wasm_val_t value = WASM_I32_VAL(va_arg(list, int32_t));
    values[i] = value;
  }
  va_end(list);
  wasm_val_t result = WASM_I32_VAL(0);
  size_t arity = wasm_func_result_arity(func);
  CHECK(arity <= 1);
  wasm_val_vec_t args = {(size_t)count, values}, results = {arity, &result};
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  CHECK(!trap);
  CHECK(result.kind == WASM_I32);
  return result.of.i32;
}

// Calls a function without parameters and results, and gives its trap.
static wasm_trap_t* check_trap(const wasm_func_t* func) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(func, &none, &none);
  CHECK(trap);
  return trap;
}

// Whether a trap's message starts with `words`, and ends in the one NUL it must.
static bool trap_says(const wasm_trap_t* trap, const char* words) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  bool whole = message.size > 0 && strlen(message.data) == message.size - 1;
  bool found = whole && strncmp(message.data, words, strlen(words)) == 0;
  if (!found) fprintf(stderr, "the trap says: %.*s\n", (int)message.size, message.data);
  wasm_byte_vec_delete(&message);
  return found;
}

// A reference value, from a handle of any kind whose ownership moves into it.
static wasm_val_t check_ref_val(wasm_ref_t* ref) {
  wasm_val_t value = WASM_REF_VAL(ref);
  return value;
}

static wasm_val_t any_val(wasm_ref_t* ref) {
  wasm_val_t value = {.kind = LIBWASM_ANYREF, .of = {.ref = ref}};
  return value;
}

static wasm_val_t i32_val(int32_t x) {
  wasm_val_t value = WASM_I32_VAL(x);
  return value;
}

// A finalizer that counts its runs.
static void count_up(void* counter) { ++*(int*)counter; }

#endif
