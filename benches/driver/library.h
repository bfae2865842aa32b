// The library under test: every function of wasm.h that the operations use, looked up by name.
#ifndef LIBRARY_H
#define LIBRARY_H

#include "wasm.h"

#define LIBRARY_FUNCTIONS(F) \
  F(wasm_byte_vec_delete) F(wasm_config_new) F(wasm_engine_new) F(wasm_engine_new_with_config) F(wasm_engine_delete) F(wasm_store_new) F(wasm_store_delete) \
  F(wasm_module_new) F(wasm_module_delete) F(wasm_module_validate) F(wasm_module_imports) F(wasm_module_exports) \
  F(wasm_module_serialize) F(wasm_module_deserialize) F(wasm_module_share) F(wasm_module_obtain) \
  F(wasm_shared_module_delete) F(wasm_importtype_type) F(wasm_importtype_vec_delete) F(wasm_exporttype_name) \
  F(wasm_exporttype_vec_delete) F(wasm_externtype_kind) F(wasm_externtype_as_functype_const) \
  F(wasm_externtype_as_globaltype_const) F(wasm_externtype_as_tabletype_const) \
  F(wasm_externtype_as_memorytype_const) F(wasm_globaltype_content) F(wasm_valtype_kind) F(wasm_instance_new) \
  F(wasm_instance_delete) F(wasm_instance_exports) F(wasm_extern_vec_delete) F(wasm_extern_as_func) \
  F(wasm_extern_as_global) F(wasm_extern_as_table) F(wasm_extern_as_memory) F(wasm_func_new) \
  F(wasm_func_new_with_env) F(wasm_func_delete) F(wasm_func_call) F(wasm_func_as_extern) F(wasm_global_new) \
  F(wasm_global_as_extern) F(wasm_global_get) F(wasm_global_set) F(wasm_table_new) F(wasm_table_as_extern) \
  F(wasm_table_get) F(wasm_table_set) F(wasm_table_size) F(wasm_memory_new) F(wasm_memory_as_extern) \
  F(wasm_memory_data) F(wasm_memory_data_size) F(wasm_memory_size) F(wasm_val_copy) F(wasm_val_delete) \
  F(wasm_ref_delete) F(wasm_ref_same) F(wasm_foreign_new) F(wasm_foreign_as_ref) F(wasm_trap_new) \
  F(wasm_trap_delete) F(wasm_trap_message) F(wasm_trap_trace) F(wasm_frame_vec_delete)

struct library {
  const char* path;
  void* handle;
#define DECLARE(name) __typeof__(name)* name;
  LIBRARY_FUNCTIONS(DECLARE)
#undef DECLARE
};

extern struct library lib;

// Opens the library at `path` by itself. A function that it lacks ends the process when it is called, with its name.
void open_library(const char* path);

// A function that is not part of the standard, or NULL.
void* extension(const char* name);

#endif
