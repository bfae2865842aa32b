// What every operation needs of the host: files, modules with stubs for their imports, values.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

wasm_engine_t* engine;
wasm_store_t* store;

void open_store(void) {
  engine = lib.wasm_engine_new();
  if (!engine) end(REFUSES, "wasm_engine_new gave NULL");
  store = lib.wasm_store_new(engine);
  if (!store) end(REFUSES, "wasm_store_new gave NULL");
}

wasm_byte_vec_t read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) end(USAGE, path);
  long size = ftell(file);
  rewind(file);
  wasm_byte_vec_t bytes = {(size_t)size, malloc((size_t)size + 1)};
  if (!bytes.data || fread(bytes.data, 1, bytes.size, file) != bytes.size) end(USAGE, path);
  fclose(file);
  return bytes;
}

// Why a library gave NULL, where it says so.
static _Noreturn void refuse(const char* function) {
  const char* (*reason)(void);
  *(void**)&reason = extension("libwasm_last_error_message");
  static char text[512];
  snprintf(text, sizeof text, "%s failed%s%s", function, reason ? ": " : "", reason ? reason() : "");
  end(REFUSES, text);
}

wasm_module_t* load(wasm_store_t* in, const char* path) {
  wasm_byte_vec_t bytes = read_file(path);
  wasm_module_t* module = lib.wasm_module_new(in, &bytes);
  if (!module) refuse("wasm_module_new");
  free(bytes.data);
  return module;
}

// Results arrive as zeros of the right kinds: a stub has nothing to do.
static wasm_trap_t* stub(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

static wasm_extern_t* stub_import(wasm_store_t* in, const wasm_externtype_t* type) {
  switch (lib.wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
      return lib.wasm_func_as_extern(lib.wasm_func_new(in, lib.wasm_externtype_as_functype_const(type), stub));
    case WASM_EXTERN_GLOBAL: {
      const wasm_globaltype_t* global = lib.wasm_externtype_as_globaltype_const(type);
      wasm_val_t zero;
      memset(&zero, 0, sizeof zero);
      zero.kind = lib.wasm_valtype_kind(lib.wasm_globaltype_content(global));
      return lib.wasm_global_as_extern(lib.wasm_global_new(in, global, &zero));
    }
    case WASM_EXTERN_TABLE:
      return lib.wasm_table_as_extern(lib.wasm_table_new(in, lib.wasm_externtype_as_tabletype_const(type), NULL));
    case WASM_EXTERN_MEMORY:
      return lib.wasm_memory_as_extern(lib.wasm_memory_new(in, lib.wasm_externtype_as_memorytype_const(type)));
    default:
      end(REFUSES, "an import of a kind that has no stub");
  }
}

wasm_extern_vec_t stub_imports(wasm_store_t* in, const wasm_module_t* module) {
  wasm_importtype_vec_t types;
  lib.wasm_module_imports(module, &types);
  wasm_extern_vec_t imports = {types.size, calloc(types.size + 1, sizeof(wasm_extern_t*))};
  for (size_t i = 0; i < types.size; i++) {
    imports.data[i] = stub_import(in, lib.wasm_importtype_type(types.data[i]));
    if (!imports.data[i]) refuse("making an import");
  }
  lib.wasm_importtype_vec_delete(&types);
  return imports;
}

static _Noreturn void end_with(enum ending why, const wasm_trap_t* trap) {
  wasm_message_t message;
  static char text[512];
  lib.wasm_trap_message(trap, &message);
  snprintf(text, sizeof text, "trap: %.*s", (int)message.size, message.data);
  end(why, text);
}

wasm_instance_t* instantiate(wasm_store_t* in, const wasm_module_t* module, const wasm_extern_vec_t* imports) {
  wasm_trap_t* trap = NULL;
  wasm_instance_t* instance = lib.wasm_instance_new(in, module, imports, &trap);
  if (trap) end_with(REFUSES, trap);
  if (!instance) refuse("wasm_instance_new");
  return instance;
}

size_t export_index(const wasm_module_t* module, const char* name) {
  wasm_exporttype_vec_t types;
  lib.wasm_module_exports(module, &types);
  size_t found = types.size;
  for (size_t i = 0; i < types.size && found == types.size; i++) {
    const wasm_name_t* candidate = lib.wasm_exporttype_name(types.data[i]);
    if (candidate->size == strlen(name) && memcmp(candidate->data, name, candidate->size) == 0) found = i;
  }
  if (found == types.size) end(WRONG, "an export is missing");
  lib.wasm_exporttype_vec_delete(&types);
  return found;
}

struct loaded load_instance(const char* path) {
  struct loaded loaded;
  loaded.module = load(store, path);
  wasm_extern_vec_t imports = stub_imports(store, loaded.module);
  loaded.instance = instantiate(store, loaded.module, &imports);
  lib.wasm_instance_exports(loaded.instance, &loaded.exports);
  return loaded;
}

wasm_extern_t* named(const struct loaded* loaded, const char* name) {
  return loaded->exports.data[export_index(loaded->module, name)];
}

wasm_func_t* named_function(const struct loaded* loaded, const char* name) {
  wasm_func_t* function = lib.wasm_extern_as_func(named(loaded, name));
  if (!function) end(WRONG, "an export is no function");
  return function;
}

wasm_valkind_t kind_of(const char* word) {
  static const struct {
    const char* word;
    wasm_valkind_t kind;
  } kinds[] = {{"i32", WASM_I32},  {"i64", WASM_I64},        {"f64", WASM_F64}, {"externref", WASM_EXTERNREF},
               {"null", WASM_EXTERNREF}, {"funcref", WASM_FUNCREF}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (!strcmp(word, kinds[i].word)) return kinds[i].kind;
  }
  end(USAGE, word);
}

wasm_val_t value_of(const char* word, int number, const struct loaded* loaded) {
  wasm_val_t value;
  memset(&value, 0, sizeof value);
  value.kind = kind_of(word);
  if (value.kind == WASM_I32) value.of.i32 = number;
  if (value.kind == WASM_I64) value.of.i64 = number;
  if (value.kind == WASM_F64) value.of.f64 = number;
  if (!strcmp(word, "externref")) {
    value.of.ref = lib.wasm_foreign_as_ref(lib.wasm_foreign_new(store));
    if (!value.of.ref) refuse("making a host reference");
  }
  if (value.kind == WASM_FUNCREF) {
    wasm_val_vec_t args = {0, NULL}, results = {1, &value};
    no_trap(lib.wasm_func_call(named_function(loaded, "self"), &args, &results));
    check(value.of.ref != NULL, "a function reference is NULL");
  }
  return value;
}

void no_trap(wasm_trap_t* trap) {
  if (trap) end_with(WRONG, trap);
}

void check(bool right, const char* what) {
  if (!right) end(WRONG, what);
}

// Exact where the kernel adds the mappings up, else the number it keeps.
int64_t resident(void) {
  FILE* file = fopen("/proc/self/smaps_rollup", "r");
  if (!file) file = fopen("/proc/self/status", "r");
  char line[256];
  long long kilobytes = -1;
  while (file && kilobytes < 0 && fgets(line, sizeof line, file)) {
    if (sscanf(line, "Rss: %lld kB", &kilobytes) != 1) sscanf(line, "VmRSS: %lld kB", &kilobytes);
  }
  if (file) fclose(file);
  if (kilobytes < 0) end(USAGE, "the kernel does not say how much memory is resident");
  return kilobytes * 1024;
}
