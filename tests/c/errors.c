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
  CHECK(libwasm_wat2wasm_named(&good, "good.wat", &out) && out.size == 8);
  wasm_byte_vec_delete(&out);
  CHECK_REASON(!libwasm_wat2wasm_named(&bad, "bad.wat", &out) && reason_says("bad.wat:1:2"));
  CHECK_REASON(!libwasm_wat2wasm_named(&bad, NULL, &out) && reason_says(":1:2"));
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
  refused("\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\1\x0a\x0b\1\x09\0\x41\0\x41\0\xfc\x12\0\x0b", 36, LIBWASM_ERROR_UNSUPPORTED,
          "memory control");
  refused("\0asm\1\0\0\0\5\5", 10, LIBWASM_ERROR_INVALID, "unexpected end-of-file: the binary is cut off: its memory section goes from 0x8 to 0xf");
  refused("\0asm\1\0", 6, LIBWASM_ERROR_INVALID, "cut off within its header");
  refused("\0asm\1\0\0\0\5", 9, LIBWASM_ERROR_INVALID, "cut off within the head of a section at 0x8");
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

// Limits of the implementation have a kind of their own, and say how much is allowed.
static void limits(void) {
  static char types[4096] = "\0asm\1\0\0\0\1\xf0\7\1\x60\xe9\7";
  memset(types + 15, 0x7f, 1001);
  types[9] = (char)0xee, types[10] = 7;
  refused(types, 8 + 3 + 1006, LIBWASM_ERROR_LIMIT, "1000 parameters");
  // A function with 60,000 locals.
  static const char locals[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\x08\1\6\1\xe0\xd4\3\x7f\x0b";
  refused(locals, sizeof locals - 1, LIBWASM_ERROR_LIMIT, "50000 locals of a function, its parameters among them: in function 0");
  // An export whose name has 100,001 bytes.
  static char name[100100] = "\0asm\1\0\0\0\5\3\1\0\1\7\xa7\x8d\6\1\xa1\x8d\6";
  memset(name + 21, 'n', 100001);
  name[21 + 100001] = 2, name[22 + 100001] = 0;
  refused(name, 21 + 100001 + 2, LIBWASM_ERROR_LIMIT, "100000 bytes in a name");

  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (table 20000000 funcref))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  libwasm_last_error_clear();
  CHECK(!wasm_instance_new(store, module, &none, &trap) && trap && libwasm_trap_code(trap) == LIBWASM_TRAP_LIMIT);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT && trap_says(trap, "a table can have at most 10000000 elements"));
  wasm_trap_delete(trap);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static wasm_trap_t* no_instance(wasm_store_t* store, const char* wat) {
  wasm_module_t* module = check_module(store, wat);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &none, &trap) && trap);
  wasm_module_delete(module);
  return trap;
}

// What was out of bounds: of a segment, and of an access that faulted.
static void bounds(void) {
  wasm_store_t* store = check_store();
  wasm_trap_t* trap = no_instance(store, "(module (memory 1) (data (i32.const 0) \"a\") (data (i32.const 65534) \"abcd\"))");
  CHECK(trap_says(trap, "out of bounds memory access: data segment 1: 4 bytes at 0xfffe, memory 0 has 0x10000 bytes"));
  wasm_trap_delete(trap);
  trap = no_instance(store, "(module (table 2 funcref) (func $f) (elem (i32.const 1) $f $f))");
  CHECK(trap_says(trap, "out of bounds table access: element segment 0: 2 elements at 1, table 0 has 2"));
  wasm_trap_delete(trap);
  wasm_instance_t* instance =
      check_instance(store, "(module (memory 1) (func (export \"f\") (drop (i32.load offset=16 (i32.const 65536)))))", 0);
  wasm_func_t* f = check_func(instance, 0);
  trap = check_trap(f);
  CHECK(trap_says(trap, "out of bounds memory access"));
  if (!check_mode_is_checked()) CHECK(trap_says(trap, "out of bounds memory access: byte 0x10010 of memory 0, which has 0x10000 bytes"));
  wasm_trap_delete(trap);
  wasm_func_delete(f);
  wasm_instance_delete(instance);
  instance = check_instance(store, "(module (memory 1) (func (export \"f\") (memory.fill (i32.const 65530) (i32.const 1) (i32.const 7))))", 0);
  f = check_func(instance, 0);
  trap = check_trap(f);
  CHECK(trap_says(trap, "out of bounds memory access: byte 0x10000 of memory 0, which has 0x10000 bytes"));
  wasm_trap_delete(trap);
  wasm_func_delete(f);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Files, and objects of another kind than asked for.
static void files_and_kinds(void) {
  wasm_store_t* store = check_store();
  libwasm_last_error_clear();
  CHECK(!libwasm_module_deserialize_file(store, "/nowhere/module.artifact"));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_FILE && reason_says("cannot open /nowhere/module.artifact: "));
  wasm_instance_t* instance = check_instance(store, "(module (memory (export \"m\") 1))", 0);
  wasm_module_t* module = check_module(store, "(module)");
  CHECK(!libwasm_module_serialize_file(module, "/nowhere/module.artifact"));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_FILE && reason_says("cannot write /nowhere/module.artifact: "));
  wasm_module_delete(module);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  CHECK_REASON(!wasm_extern_as_func(exports.data[0]) && reason_says("a function is wanted, a memory is given"));
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
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
  limits();
  bounds();
  files_and_kinds();
  optimization_levels();
  modes();
  return 0;
}
