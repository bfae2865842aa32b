// Instances: made, used and deleted in one store and in fresh ones, and the memory that they keep.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

// The module of the operation, independent of stores, and what it is instantiated with in the current one.
static wasm_shared_module_t* shared;
static wasm_module_t* module;
static wasm_extern_vec_t imports;
static const wasm_functype_t* host_type;
static long limit, used;
// The export that is called between instantiation and deletion.
static bool touches;
static size_t touched;

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

// Stores are replaced outside of what is timed: some libraries free instances only with their store, or refuse the
// 10,001st instance of one.
static void replace_store(void) {
  for (size_t i = 0; i < imports.size; i++) lib.wasm_func_delete(lib.wasm_extern_as_func(imports.data[i]));
  free(imports.data);
  lib.wasm_module_delete(module);
  lib.wasm_store_delete(store);
  store = lib.wasm_store_new(engine);
  if (!store) end(REFUSES, "wasm_store_new gave NULL");
  module = lib.wasm_module_obtain(store, shared);
  if (!module) end(REFUSES, "wasm_module_obtain gave NULL");
  imports = stub_imports(store, module);
  used = 0;
}

static void prepare_module(const char* path, long per_store, bool calls) {
  open_store();
  module = load(store, path);
  shared = lib.wasm_module_share(module);
  if (!shared) end(REFUSES, "wasm_module_share gave NULL");
  imports = stub_imports(store, module);
  wasm_importtype_vec_t types;
  lib.wasm_module_imports(module, &types);
  if (types.size) host_type = lib.wasm_externtype_as_functype_const(lib.wasm_importtype_type(types.data[0]));
  limit = per_store;
  touches = calls;
  if (touches) touched = export_index(module, "touch");
}

// Calls the export `touch: (i32) -> i32`, which writes pages of the memory and returns its argument.
static void touch(const wasm_instance_t* instance, int32_t value) {
  wasm_extern_vec_t exports;
  lib.wasm_instance_exports(instance, &exports);
  wasm_val_t arg = {.kind = WASM_I32, .of = {.i32 = value}}, got = {.kind = WASM_I32, .of = {.i32 = -1}};
  wasm_val_vec_t args = {1, &arg}, results = {1, &got};
  no_trap(lib.wasm_func_call(lib.wasm_extern_as_func(exports.data[touched]), &args, &results));
  check(got.of.i32 == value, "an instance gave a wrong result");
  lib.wasm_extern_vec_delete(&exports);
}

static void make_and_delete(int32_t value) {
  wasm_instance_t* instance = instantiate(store, module, &imports);
  if (touches) touch(instance, value);
  lib.wasm_instance_delete(instance);
}

// instance MODULE PER_STORE [touch]: instances one after the other; after PER_STORE of them the store is replaced, which does
// not count. 0 is never.
static void prepare_instance(char** words) { prepare_module(words[0], atol(words[1]), words[2] != NULL); }

static int64_t run_instance(long n) {
  for (long i = 0; i < n; i++) {
    if (limit && used == limit) {
      pause_clock();
      replace_store();
      resume_clock();
    }
    used++;
    make_and_delete((int32_t)(i & 0xff));
  }
  return 0;
}

// store_life MODULE PER_STORE [touch]: the same, and the stores count too.
static int64_t run_store_life(long n) {
  for (long i = 0; i < n; i++) {
    if (used == limit) replace_store();
    used++;
    make_and_delete((int32_t)(i & 0xff));
  }
  return 0;
}

// fresh MODULE [touch]: for each instance a store of its own, with the module and a function of the host in it.
static void prepare_fresh(char** words) { prepare_module(words[0], 0, words[1] != NULL); }

static int64_t run_fresh(long n) {
  for (long i = 0; i < n; i++) {
    wasm_store_t* own_store = lib.wasm_store_new(engine);
    if (!own_store) end(REFUSES, "wasm_store_new gave NULL");
    wasm_module_t* obtained = lib.wasm_module_obtain(own_store, shared);
    if (!obtained) end(REFUSES, "wasm_module_obtain gave NULL");
    wasm_func_t* host = host_type ? lib.wasm_func_new(own_store, host_type, nothing) : NULL;
    wasm_extern_t* import = host ? lib.wasm_func_as_extern(host) : NULL;
    wasm_extern_vec_t given = {host != NULL, &import};
    wasm_instance_t* instance = instantiate(own_store, obtained, &given);
    if (touches) touch(instance, (int32_t)(i & 0xff));
    lib.wasm_instance_delete(instance);
    if (host) lib.wasm_func_delete(host);
    lib.wasm_module_delete(obtained);
    lib.wasm_store_delete(own_store);
  }
  return 0;
}

// store: an empty store, made and deleted.
static void prepare_store(char** words) {
  (void)words;
  open_store();
}

static int64_t run_store(long n) {
  for (long i = 0; i < n; i++) {
    wasm_store_t* own_store = lib.wasm_store_new(engine);
    if (!own_store) end(REFUSES, "wasm_store_new gave NULL");
    lib.wasm_store_delete(own_store);
  }
  return 0;
}

// exports MODULE: the vector of an instance's exports, made and deleted.
static struct loaded loaded;

static void prepare_exports(char** words) {
  open_store();
  loaded = load_instance(words[0]);
}

static int64_t run_exports(long n) {
  wasm_extern_vec_t exports;
  for (long i = 0; i < n; i++) {
    lib.wasm_instance_exports(loaded.instance, &exports);
    check(exports.size == loaded.exports.size && exports.data[0], "exports are missing");
    lib.wasm_extern_vec_delete(&exports);
  }
  return (int64_t)loaded.exports.size;
}

// alive MODULE PER_STORE: the growth of resident memory by n instances that stay alive, bytes.
static int64_t run_alive(long n) {
  make_and_delete(0);  // what the first instance brings with it is not its own
  int64_t before = resident();
  for (long i = 0; i < n; i++) {
    if (i && i % limit == 0) {
      store = lib.wasm_store_new(engine);
      module = lib.wasm_module_obtain(store, shared);
      imports = stub_imports(store, module);
    }
    wasm_instance_t* instance = instantiate(store, module, &imports);
    if (touches) touch(instance, (int32_t)(i & 0xff));
  }
  report(resident() - before);
  return 0;
}

// growth MODULE PER_STORE: the growth of resident memory by n instances that were deleted again, bytes. What malloc
// keeps of freed memory in whole pages is given back first.
static int64_t settled(void) {
  if (limit) replace_store();
  malloc_trim(0);
  return resident();
}

static int64_t run_growth(long n) {
  for (long i = 0; i < 1000; i++) make_and_delete(0);
  int64_t before = settled();
  used = 0;
  run_instance(n);
  report(settled() - before);
  return 0;
}

const struct operation instance_operations[] = {
    {"instance", "MODULE PER_STORE [touch]", 2, prepare_instance, run_instance},
    {"store_life", "MODULE PER_STORE [touch]", 2, prepare_instance, run_store_life},
    {"fresh", "MODULE [touch]", 1, prepare_fresh, run_fresh},
    {"store", "", 0, prepare_store, run_store},
    {"exports", "MODULE", 1, prepare_exports, run_exports},
    {"alive", "MODULE PER_STORE [touch]", 2, prepare_instance, run_alive},
    {"growth", "MODULE PER_STORE [touch]", 2, prepare_instance, run_growth},
    {NULL, NULL, 0, NULL, NULL},
};
