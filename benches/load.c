// load FILE...: compiles and instantiates modules of any origin and prints how long each step took.
//
// Imports are made from the module's own description: functions that return zeros, globals of zero, tables and memories
// of the declared size. Start functions run, so a module may trap in its own; that is reported and is not a failure.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libwasm.h"
#include "wasm.h"

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool read_file(const char* path, wasm_byte_vec_t* out) {
  FILE* file = fopen(path, "rb");
  if (!file) return false;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  wasm_byte_vec_new_uninitialized(out, (size_t)size);
  bool ok = fread(out->data, 1, (size_t)size, file) == (size_t)size;
  fclose(file);
  return ok;
}

static void print_error(const char* path, const char* step) {
  fprintf(stderr, "%s: %s failed: %s\n", path, step, libwasm_last_error_message());
}

// Results arrive as zeros of the right kinds: a stub has nothing to do.
static wasm_trap_t* stub(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

static wasm_extern_t* make_import(wasm_store_t* store, const wasm_externtype_t* type) {
  switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
      return wasm_func_as_extern(wasm_func_new(store, wasm_externtype_as_functype_const(type), stub));
    case WASM_EXTERN_GLOBAL: {
      const wasm_globaltype_t* global = wasm_externtype_as_globaltype_const(type);
      wasm_val_t zero;
      memset(&zero, 0, sizeof zero);
      zero.kind = wasm_valtype_kind(wasm_globaltype_content(global));
      return wasm_global_as_extern(wasm_global_new(store, global, &zero));
    }
    case WASM_EXTERN_TABLE:
      return wasm_table_as_extern(wasm_table_new(store, wasm_externtype_as_tabletype_const(type), NULL));
    case WASM_EXTERN_MEMORY:
      return wasm_memory_as_extern(wasm_memory_new(store, wasm_externtype_as_memorytype_const(type)));
    default:
      return NULL;
  }
}

static bool load(wasm_engine_t* engine, const char* path) {
  wasm_byte_vec_t binary;
  if (!read_file(path, &binary)) {
    fprintf(stderr, "%s: cannot be read\n", path);
    return false;
  }
  wasm_store_t* store = wasm_store_new(engine);
  double start = now_ms();
  wasm_module_t* module = wasm_module_new(store, &binary);
  double compiled = now_ms();
  if (!module) {
    print_error(path, "compilation");
    wasm_byte_vec_delete(&binary);
    wasm_store_delete(store);
    return false;
  }
  wasm_importtype_vec_t types;
  wasm_module_imports(module, &types);
  wasm_extern_vec_t imports;
  wasm_extern_vec_new_uninitialized(&imports, types.size);
  for (size_t i = 0; i < types.size; i++) imports.data[i] = make_import(store, wasm_importtype_type(types.data[i]));
  double prepared = now_ms();
  wasm_trap_t* trap = NULL;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &trap);
  double instantiated = now_ms();
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  double serialized = now_ms();
  wasm_module_t* again = wasm_module_deserialize(store, &artifact);
  double deserialized = now_ms();
  printf("%-40s %8.1f kB  compile %8.1f ms  instantiate %7.3f ms  serialize %6.1f ms  deserialize %6.1f ms  %zu imports%s\n",
         path, (double)binary.size / 1e3, compiled - start, instantiated - prepared, serialized - instantiated,
         deserialized - serialized, types.size, instance ? "" : "  (trapped)");
  bool ok = again != NULL;
  if (trap) {
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    printf("    trap: %s\n", message.data);
    // A trap of the module's own start function is the module's business; anything else is ours.
    ok = ok && instance == NULL;
    wasm_byte_vec_delete(&message);
    wasm_trap_delete(trap);
  }
  if (instance) wasm_instance_delete(instance);
  if (again) wasm_module_delete(again);
  wasm_byte_vec_delete(&artifact);
  wasm_extern_vec_delete(&imports);
  wasm_importtype_vec_delete(&types);
  wasm_module_delete(module);
  wasm_byte_vec_delete(&binary);
  wasm_store_delete(store);
  return ok;
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  int failures = 0;
  for (int i = 1; i < argc; i++) failures += !load(engine, argv[i]);
  wasm_engine_delete(engine);
  return failures != 0;
}
