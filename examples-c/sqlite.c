// sqlite PROGRAM.wasm [ARGS...]
//
// Runs a whole program that was not written for WebAssembly: SQLite, compiled by clang to wasm32-wasi (its main
// function is in sqlite_guest.c). Such a program asks its host for what an operating system would give it, through
// imported functions of the module "wasi_snapshot_preview1". The few that it needs are supplied here, in plain C over
// wasm.h: this is the example of how a host reads and writes a guest's memory. Any other WASI function that is
// imported answers "not supported", which the program sees as an ordinary error.
//
// The rule that keeps a host safe: a guest's address is a number that it may choose freely. `guest_bytes` turns one
// into a pointer only after checking it, and the pointer is used at once, for the memory may have grown since the last
// call.

#define _POSIX_C_SOURCE 199309L  // clock_gettime
#include <time.h>

#include "example.h"

enum { SUCCESS = 0, BADF = 8, FAULT = 21, INVAL = 28, IO = 29, NOSYS = 52, SPIPE = 70 };  // errno, as WASI numbers it

struct guest {
  wasm_store_t *store;
  wasm_memory_t *memory;
  int argc;
  char **argv;
  bool exited;
  int32_t status;
};

// ---- the guest's memory ----

static uint8_t *guest_bytes(struct guest *guest, uint32_t address, uint64_t size) {
  uint64_t limit = guest->memory ? wasm_memory_data_size(guest->memory) : 0;
  if (address > limit || size > limit - address) return NULL;
  return (uint8_t *)wasm_memory_data(guest->memory) + address;
}

// WebAssembly is little-endian, whatever the host is.
static uint32_t load32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store64(uint8_t *at, uint64_t value, int size) {
  for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static int32_t put(struct guest *guest, uint32_t address, uint64_t value, int size) {
  uint8_t *at = guest_bytes(guest, address, (uint64_t)size);
  if (!at) return FAULT;
  store64(at, value, size);
  return SUCCESS;
}

// ---- the WASI functions: each gets the guest and its arguments, and gives an errno ----

#define U32(i) ((uint32_t)args[i].of.i32)

// Arguments: one array of pointers to them, one block of text.
static int32_t args_sizes_get(struct guest *guest, const wasm_val_t *args) {
  uint64_t size = 0;
  for (int i = 0; i < guest->argc; i++) size += strlen(guest->argv[i]) + 1;
  int32_t error = put(guest, U32(0), (uint64_t)guest->argc, 4);
  return error ? error : put(guest, U32(1), size, 4);
}

static int32_t args_get(struct guest *guest, const wasm_val_t *args) {
  uint32_t pointers = U32(0), text = U32(1);
  for (int i = 0; i < guest->argc; i++) {
    uint32_t size = (uint32_t)strlen(guest->argv[i]) + 1;
    uint8_t *at = guest_bytes(guest, text, size);
    if (!at || put(guest, pointers + 4 * (uint32_t)i, text, 4)) return FAULT;
    memcpy(at, guest->argv[i], size);
    text += size;
  }
  return SUCCESS;
}

static int32_t environ_sizes_get(struct guest *guest, const wasm_val_t *args) {
  int32_t error = put(guest, U32(0), 0, 4);  // the guest sees no environment
  return error ? error : put(guest, U32(1), 0, 4);
}

static int32_t environ_get(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  (void)args;
  return SUCCESS;
}

static int32_t clock_time_get(struct guest *guest, const wasm_val_t *args) {
  struct timespec now;
  if (U32(0) > 1) return INVAL;
  if (clock_gettime(U32(0) == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now) != 0) return INVAL;
  return put(guest, U32(2), (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, 8);
}

static int32_t random_get(struct guest *guest, const wasm_val_t *args) {
  uint8_t *at = guest_bytes(guest, U32(0), U32(1));
  FILE *source = at ? fopen("/dev/urandom", "rb") : NULL;
  if (!source) return at ? IO : FAULT;
  size_t size = fread(at, 1, U32(1), source);
  fclose(source);
  return size == U32(1) ? SUCCESS : IO;
}

static FILE *stream(uint32_t fd) { return fd == 0 ? stdin : fd == 1 ? stdout : fd == 2 ? stderr : NULL; }

// Reads or writes through a list of (address, size) pairs, and stores how many bytes were moved.
static int32_t transfer(struct guest *guest, const wasm_val_t *args, bool writing) {
  FILE *file = stream(U32(0));
  if (!file || writing == (file == stdin)) return BADF;
  uint32_t total = 0;
  for (uint32_t i = 0; i < U32(2); i++) {
    const uint8_t *pair = guest_bytes(guest, U32(1) + 8 * i, 8);
    if (!pair) return FAULT;
    uint32_t size = load32(pair + 4);
    uint8_t *at = guest_bytes(guest, load32(pair), size);
    if (!at) return FAULT;
    size_t moved = writing ? fwrite(at, 1, size, file) : fread(at, 1, size, file);
    total += (uint32_t)moved;
    if (moved == size) continue;
    if (ferror(file)) return IO;
    break;
  }
  return put(guest, U32(3), total, 4);
}

static int32_t fd_write(struct guest *guest, const wasm_val_t *args) { return transfer(guest, args, true); }

static int32_t fd_read(struct guest *guest, const wasm_val_t *args) { return transfer(guest, args, false); }

static int32_t fd_close(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  return stream(U32(0)) ? SUCCESS : BADF;
}

static int32_t fd_seek(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  return stream(U32(0)) ? SPIPE : BADF;
}

static int32_t fd_fdstat_get(struct guest *guest, const wasm_val_t *args) {
  uint8_t *stat = guest_bytes(guest, U32(1), 24);
  if (!stream(U32(0))) return BADF;
  if (!stat) return FAULT;
  memset(stat, 0, 24);
  stat[0] = 2;                      // a character device
  store64(stat + 8, UINT64_MAX, 8); // with every right
  return SUCCESS;
}

static int32_t no_such_fd(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  (void)args;
  return BADF;  // ends the guest's search for directories that it may open
}

// What is supplied: names, and the parameters as letters (i for i32, I for i64). All give an errno.
static const struct wasi_func {
  const char *name, *params;
  int32_t (*call)(struct guest *, const wasm_val_t *args);
} wasi[] = {
    {"args_get", "ii", args_get},
    {"args_sizes_get", "ii", args_sizes_get},
    {"clock_time_get", "iIi", clock_time_get},
    {"environ_get", "ii", environ_get},
    {"environ_sizes_get", "ii", environ_sizes_get},
    {"fd_close", "i", fd_close},
    {"fd_fdstat_get", "ii", fd_fdstat_get},
    {"fd_prestat_get", "ii", no_such_fd},
    {"fd_read", "iiii", fd_read},
    {"fd_seek", "iIii", fd_seek},
    {"fd_write", "iiii", fd_write},
    {"random_get", "ii", random_get},
};

// ---- the functions as wasm.h knows them ----

struct import {
  struct guest *guest;
  const struct wasi_func *func;  // NULL: not supplied
};

static wasm_trap_t *call_import(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  const struct import *import = env;
  int32_t error = import->func ? import->func->call(import->guest, args->data) : NOSYS;
  if (results->size) results->data[0] = (wasm_val_t)WASM_I32_VAL(error);
  return NULL;
}

// The guest's exit: a trap, for it must not return to the guest.
static wasm_trap_t *proc_exit(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  struct guest *guest = ((struct import *)env)->guest;
  guest->exited = true;
  guest->status = args->data[0].of.i32;
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, "the program has ended");
  wasm_trap_t *trap = wasm_trap_new(guest->store, &message);
  wasm_byte_vec_delete(&message);
  return trap;
}

static bool is_name(const wasm_name_t *name, const char *text) {
  return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

static bool has_params(const wasm_functype_t *type, const char *letters) {
  const wasm_valtype_vec_t *params = wasm_functype_params(type);
  if (params->size != strlen(letters)) return false;
  for (size_t i = 0; i < params->size; i++) {
    if (wasm_valtype_kind(params->data[i]) != (letters[i] == 'I' ? WASM_I64 : WASM_I32)) return false;
  }
  return true;
}

// Makes the function for one import, of the type that the module declares.
static wasm_func_t *make_import(struct guest *guest, const wasm_importtype_t *wanted) {
  const wasm_functype_t *type = wasm_externtype_as_functype_const(wasm_importtype_type(wanted));
  const wasm_name_t *name = wasm_importtype_name(wanted);
  if (!type || !is_name(wasm_importtype_module(wanted), "wasi_snapshot_preview1")) return NULL;
  struct import *import = malloc(sizeof *import);
  need(import, "allocate");
  *import = (struct import){guest, NULL};
  if (is_name(name, "proc_exit") && has_params(type, "i")) {
    return wasm_func_new_with_env(guest->store, type, proc_exit, import, free);
  }
  for (size_t i = 0; i < sizeof wasi / sizeof *wasi; i++) {
    if (is_name(name, wasi[i].name) && has_params(type, wasi[i].params)) import->func = &wasi[i];
  }
  return wasm_func_new_with_env(guest->store, type, call_import, import, free);
}

static wasm_instance_t *start(struct guest *guest, const wasm_module_t *module) {
  wasm_importtype_vec_t wanted;
  wasm_module_imports(module, &wanted);
  wasm_extern_vec_t imports;
  wasm_extern_vec_new_uninitialized(&imports, wanted.size);
  for (size_t i = 0; i < wanted.size; i++) {
    wasm_func_t *func = make_import(guest, wanted.data[i]);
    need(func, "supply an import: it is no function of wasi_snapshot_preview1");
    imports.data[i] = wasm_func_as_extern(func);  // the vector owns it from here on
  }
  wasm_instance_t *instance = instantiate(guest->store, module, &imports);
  wasm_extern_vec_delete(&imports);
  wasm_importtype_vec_delete(&wanted);
  return instance;
}

// The position of an export, by name.
static size_t export_index(const wasm_module_t *module, const char *name) {
  wasm_exporttype_vec_t types;
  wasm_module_exports(module, &types);
  size_t index = 0;
  while (index < types.size && !is_name(wasm_exporttype_name(types.data[index]), name)) index++;
  wasm_exporttype_vec_delete(&types);
  return index;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: sqlite PROGRAM.wasm [ARGS...] < INPUT\n"), 2;
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, argv[1]);
  struct guest guest = {.store = store, .argc = argc - 1, .argv = argv + 1};
  wasm_instance_t *instance = start(&guest, module);

  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  size_t memory = export_index(module, "memory");
  if (memory < exports.size) guest.memory = wasm_extern_as_memory(exports.data[memory]);
  need(guest.memory, "find the program's memory");

  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t *trap = wasm_func_call(export_func(&exports, export_index(module, "_start")), &none, &none);
  fflush(stdout);
  if (trap && !guest.exited) {
    print_trap(stderr, trap);
    guest.status = 134;
  }
  wasm_trap_delete(trap);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return guest.status;
}
