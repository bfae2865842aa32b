// Memories, globals and tables as the host reaches them. MODULE exports one of each kind by name.
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static struct loaded loaded;
static wasm_memory_t* memory;
static wasm_global_t* global;
static wasm_table_t* table;
static wasm_valkind_t kind;
static wasm_ref_t* reference;

static void prepare_memory(char** words) {
  open_store();
  loaded = load_instance(words[0]);
  memory = lib.wasm_extern_as_memory(named(&loaded, "memory"));
  check(memory != NULL, "the export is no memory");
}

// Data of the module begins at 1024 with the letter l.
static int64_t run_memory_data(long n) {
  int64_t sum = 0;
  for (long i = 0; i < n; i++) sum += lib.wasm_memory_data(memory)[1024];
  check(sum == (int64_t)'l' * n, "the memory has wrong content");
  return 0;
}

static int64_t run_memory_size(long n) {
  int64_t sum = 0;
  for (long i = 0; i < n; i++) sum += lib.wasm_memory_size(memory);
  check(sum == n, "the memory has a wrong size");
  return 0;
}

static int64_t run_memory_data_size(long n) {
  int64_t sum = 0;
  for (long i = 0; i < n; i++) sum += (int64_t)lib.wasm_memory_data_size(memory);
  check(sum == 65536 * (int64_t)n, "the memory has a wrong size");
  return 0;
}

// global_get, global_set MODULE EXPORT KIND
static void prepare_global(char** words) {
  open_store();
  loaded = load_instance(words[0]);
  global = lib.wasm_extern_as_global(named(&loaded, words[1]));
  check(global != NULL, "the export is no global");
  kind = kind_of(words[2]);
  wasm_val_t value = value_of(words[2], 5, &loaded);
  lib.wasm_global_set(global, &value);
}

static int64_t number(const wasm_val_t* value) {
  switch (value->kind) {
    case WASM_I32:
      return value->of.i32;
    case WASM_I64:
      return value->of.i64;
    default:
      return (int64_t)value->of.f64;
  }
}

static int64_t run_global_get(long n) {
  bool right = true;
  wasm_val_t value;
  for (long i = 0; i < n; i++) {
    memset(&value, 0, sizeof value);
    lib.wasm_global_get(global, &value);
    right &= value.kind == kind && (kind >= WASM_EXTERNREF ? value.of.ref != NULL : number(&value) == 5);
    if (kind >= WASM_EXTERNREF) lib.wasm_val_delete(&value);
  }
  check(right, "the global has a wrong value");
  return 0;
}

static int64_t run_global_set(long n) {
  wasm_val_t value;
  memset(&value, 0, sizeof value);
  value.kind = kind;
  for (long i = 0; i < n; i++) {
    if (kind == WASM_F64) {
      value.of.f64 = (double)i;
    } else {
      value.of.i32 = (int32_t)i;
    }
    lib.wasm_global_set(global, &value);
  }
  lib.wasm_global_get(global, &value);
  check(n == 0 || number(&value) == n - 1, "the global has a wrong value");
  return 0;
}

// table_get, table_set, table_size MODULE: the table of functions.
static void prepare_table(char** words) {
  open_store();
  loaded = load_instance(words[0]);
  table = lib.wasm_extern_as_table(named(&loaded, "table"));
  check(table != NULL, "the export is no table");
  reference = lib.wasm_table_get(table, 0);
  check(reference != NULL, "the table is empty");
}

static int64_t run_table_get(long n) {
  bool right = true;
  for (long i = 0; i < n; i++) {
    wasm_ref_t* got = lib.wasm_table_get(table, 0);
    right &= got != NULL;
    lib.wasm_ref_delete(got);
  }
  check(right, "the table has a wrong element");
  return 0;
}

static int64_t run_table_set(long n) {
  bool right = true;
  for (long i = 0; i < n; i++) right &= lib.wasm_table_set(table, 1, reference);
  check(right, "the table refused an element");
  return 0;
}

static int64_t run_table_size(long n) {
  int64_t sum = 0;
  for (long i = 0; i < n; i++) sum += lib.wasm_table_size(table);
  check(sum == 4 * (int64_t)n, "the table has a wrong size");
  return 0;
}

const struct operation object_operations[] = {
    {"memory_data", "MODULE", 1, prepare_memory, run_memory_data},
    {"memory_size", "MODULE", 1, prepare_memory, run_memory_size},
    {"memory_data_size", "MODULE", 1, prepare_memory, run_memory_data_size},
    {"global_get", "MODULE EXPORT KIND", 3, prepare_global, run_global_get},
    {"global_set", "MODULE EXPORT KIND", 3, prepare_global, run_global_set},
    {"table_get", "MODULE", 1, prepare_table, run_table_get},
    {"table_set", "MODULE", 1, prepare_table, run_table_set},
    {"table_size", "MODULE", 1, prepare_table, run_table_size},
    {NULL, NULL, 0, NULL, NULL},
};
