// libwasm.h: the version, the reasons of failures, text in, trap codes, configuration.

#include "check.h"

static void version(void) {
  const char* text = libwasm_version();
  CHECK(text && text[0] >= '0' && text[0] <= '9' && strchr(text, '.'));
}

// The reason of the thread's last failure: a kind, words, and the byte in the module where there is one.
static void reasons(void) {
  libwasm_last_error_clear();
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_NONE);
  CHECK(strcmp(libwasm_last_error_message(), "") == 0);
  CHECK(libwasm_last_error_offset() == SIZE_MAX);

  CHECK(wasm_store_new(NULL) == NULL);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT && libwasm_last_error_offset() == SIZE_MAX);
  CHECK(strstr(libwasm_last_error_message(), "NULL"));
  // It stays until the next failure, successes in between or not.
  wasm_config_delete(wasm_config_new());
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  libwasm_last_error_clear();
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_NONE);
}

static void text(void) {
  wasm_byte_vec_t good = {8, "(module)"}, bad = {8, "(modul  "}, out = {7, (char*)8};
  CHECK(libwasm_wat2wasm(&good, &out) && out.size == 8 && memcmp(out.data, "\0asm\1\0\0\0", 8) == 0);
  wasm_byte_vec_delete(&out);
  out.size = 7;
  CHECK_REASON(!libwasm_wat2wasm(&bad, &out) && out.size == 0 && !out.data);
  wasm_byte_vec_t not_text = {4, "\xff\xfe\xfd\xfc"};
  CHECK_REASON(!libwasm_wat2wasm(&not_text, &out) && out.size == 0);
  CHECK_REASON(!libwasm_wat2wasm(NULL, &out) && out.size == 0);
  CHECK_REASON(!libwasm_wat2wasm(&good, NULL));
}

static void refused(const char* bytes, size_t size, int kind, const char* words) {
  wasm_store_t* store = check_store();
  wasm_byte_vec_t binary = {size, (char*)bytes};
  libwasm_last_error_clear();
  CHECK(!wasm_module_new(store, &binary) && libwasm_last_error_kind() == kind && reason_says(words));
  libwasm_last_error_clear();
  CHECK(!wasm_module_validate(store, &binary) && libwasm_last_error_kind() == kind && reason_says(words));
  wasm_store_delete(store);
}

// What was given instead of a module, and what a module has that the library does not, is said.
static void refusals(void) {
  refused("(module)", 8, LIBWASM_ERROR_INVALID, "libwasm_wat2wasm");
  refused("<!DOCTYPE html>", 15, LIBWASM_ERROR_INVALID, "HTML");
  refused("\0asm\x0d\0\1\0", 8, LIBWASM_ERROR_UNSUPPORTED, "component");
  refused("\0asm\1\0\0\0\5\4\2\0\1\0\1", 15, LIBWASM_ERROR_INVALID, "");
  refused("\0asm\1\0\0\0\5\5\2\0\1\0\1", 15, LIBWASM_ERROR_UNSUPPORTED, "multiple memories");
  refused("\0asm\1\0\0\0\5\5", 10, LIBWASM_ERROR_INVALID, "unexpected end");
  refused(NULL, 8, LIBWASM_ERROR_ARGUMENT, "NULL");
  wasm_store_t* store = check_store();
  CHECK(!wasm_module_new(store, NULL) && libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  wasm_byte_vec_t binary = {8, "\0asm\1\0\0\0"};
  CHECK(!wasm_module_deserialize(store, &binary) && libwasm_last_error_kind() == LIBWASM_ERROR_ARTIFACT && reason_says("wasm_module_new"));
  wasm_module_t* module = wasm_module_new(store, &binary);
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  CHECK(!wasm_module_new(store, &artifact) && reason_says("wasm_module_deserialize"));
  wasm_byte_vec_delete(&artifact);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static void optimization_levels(void) {
  for (int level = 0; level < 3; level++) {
    wasm_config_t* config = check_config();
    libwasm_config_set_opt_level(config, (uint8_t)level);
    wasm_engine_t* engine = wasm_engine_new_with_config(config);
    wasm_store_t* store = wasm_store_new(engine);
    wasm_engine_delete(engine);
    wasm_instance_t* instance = check_instance(
        store, "(module (func (export \"f\") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))", 0);
    wasm_func_t* func = check_func(instance, 0);
    CHECK(check_call(func, 1, 12) == 144);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
  }
}

// Engines of every mode side by side in one process; the trap is the same in each.
static void modes(void) {
  for (int mode = 0; mode < 4; mode++) {
    if (check_mode_is_checked() && mode != 3) continue;
    wasm_config_t* config = wasm_config_new();
    libwasm_config_set_signals(config, !(mode & 1));
    if (mode & 2) libwasm_config_set_memory_reservation(config, 0);
    wasm_engine_t* engine = wasm_engine_new_with_config(config);
    wasm_store_t* store = wasm_store_new(engine);
    wasm_engine_delete(engine);
    wasm_instance_t* instance =
        check_instance(store,
                       "(module (memory 1) (func (export \"f\") (drop (i32.load8_u (i32.const 65536))))"
                       "  (func (export \"g\") (drop (i32.div_u (i32.const 1) (i32.const 0)))))",
                       0);
    wasm_func_t *f = check_func(instance, 0), *g = check_func(instance, 1);
    wasm_trap_t* trap = check_trap(f);
    CHECK(trap_says(trap, "out of bounds memory access"));
    wasm_trap_delete(trap);
    trap = check_trap(g);
    CHECK(trap_says(trap, "integer divide by zero"));
    wasm_trap_delete(trap);
    wasm_func_delete(f);
    wasm_func_delete(g);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
  }
}

int main(void) {
  version();
  reasons();
  text();
  refusals();
  optimization_levels();
  modes();
  return 0;
}
