// Scenarios of what engines and modules do.

#ifndef COMPILING_H
#define COMPILING_H

#include "room.h"

static bool engines(void) {
  wasm_config_t* config = wasm_config_new();
  if (!worked(config)) return false;
  libwasm_config_set_opt_level(config, LIBWASM_OPT_NONE);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  if (!worked(engine)) return false;
  wasm_store_t* store = wasm_store_new(engine);
  wasm_engine_delete(engine);
  if (!worked(store)) return false;
  wasm_store_delete(store);
  return true;
}

static bool compiling(void) {
  if (!worked(wasm_module_validate(room.store, &room.binary))) return false;
  wasm_module_t* module = wasm_module_new(room.store, &room.binary);
  if (!worked(module)) return false;
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  bool success = worked(imports.size == 1) && worked(exports.size == EXPORTS);
  if (success) CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[ADD])) == WASM_EXTERN_FUNC);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  return success;
}

// Enough code for several threads.
static bool compiling_much(void) {
  static wasm_byte_vec_t binary;
  if (!binary.size) {
    bool armed = inject_armed;
    inject_armed = false;
    char* text = malloc(300000);
    size_t n = (size_t)sprintf(text, "(module ");
    for (int i = 0; i < 170; i++) {
      n += (size_t)sprintf(text + n, "(func (param i32) (result i32) ");
      for (int j = 0; j < 40; j++) n += (size_t)sprintf(text + n, "(drop (i64.const -0x%d000000000000000))", 1 + j % 7);
      n += (size_t)sprintf(text + n, "(i32.mul (local.get 0) (i32.const %d)))", i);
    }
    strcpy(text + n, ")");
    binary = check_wasm(text);
    free(text);
    // Of 64 KiB or less one thread compiles all.
    CHECK(binary.size > 64 << 10);
    inject_armed = armed;
  }
  wasm_module_t* module = wasm_module_new(room.store, &binary);
  if (!worked(module)) return false;
  wasm_module_delete(module);
  return true;
}

static bool text(void) {
  wasm_byte_vec_t wat = {strlen(RICH), (char*)RICH}, binary;
  bool success = worked(libwasm_wat2wasm(&wat, &binary));
  CHECK(success || binary.size == 0);
  wasm_byte_vec_delete(&binary);
  wasm_byte_vec_t wrong = {8, "(modul€"};
  CHECK(!libwasm_wat2wasm(&wrong, &binary) && libwasm_last_error_kind() != LIBWASM_ERROR_NONE);
  wasm_byte_vec_delete(&binary);
  return success && libwasm_last_error_kind() == LIBWASM_ERROR_INVALID;
}

static bool artifacts(void) {
  wasm_byte_vec_t artifact;
  wasm_module_serialize(room.module, &artifact);
  bool success = worked(artifact.size == room.artifact.size);
  wasm_byte_vec_delete(&artifact);
  wasm_module_t* module = wasm_module_deserialize(room.store, &room.artifact);
  success &= worked(module);
  wasm_module_delete(module);
  module = libwasm_module_deserialize_file(room.store, room.path);
  success &= worked(module);
  wasm_module_delete(module);
  wasm_shared_module_t* shared = wasm_module_share(room.module);
  success &= worked(shared);
  if (shared) {
    module = wasm_module_obtain(room.store, shared);
    success &= worked(module);
    wasm_module_delete(module);
    wasm_shared_module_delete(shared);
  }
  return success;
}

#endif
