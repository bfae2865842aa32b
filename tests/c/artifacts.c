// Artifacts in files: written, mapped, refused; and modules compiled where the stack is small.

#define _GNU_SOURCE

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static const char* const MODULE =
    "(module $named (import \"host\" \"g\" (global $g i32)) (type $unary (func (param i32) (result i32)))"
    "  (memory (export \"m\") 1) (table 4 funcref) (elem (i32.const 1) $double $square)"
    "  (data (i32.const 8) \"data\") (data (global.get $g) \"there\") (data $passive \"passive\")"
    "  (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))"
    "  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))"
    "  (func $indirect (export \"indirect\") (param i32 i32) (result i32)"
    "    (call_indirect (type $unary) (local.get 1) (local.get 0)))"
    "  (func $load (param i32) (result i32) (i32.div_u (i32.const 7) (i32.load (local.get 0))))"
    "  (func $outer (export \"outer\") (param i32) (result i32) nop (call $load (local.get 0)))"
    "  (func (export \"init\") (memory.init $passive (i32.const 64) (i32.const 0) (i32.const 7))))";

static char directory[64];

// A path in the directory of this run; four of them can be in use at a time.
static const char* path_of(const char* name) {
  static _Thread_local char paths[4][128];
  static _Thread_local int next;
  char* path = paths[next++ % 4];
  snprintf(path, 128, "%s/%s", directory, name);
  return path;
}

static void write_file(const char* path, const char* bytes, size_t size) {
  FILE* file = fopen(path, "wb");
  CHECK(file && fwrite(bytes, 1, size, file) == size);
  CHECK(fclose(file) == 0);
}

static bool frame_is(const wasm_frame_t* frame, uint32_t func, const char* name, size_t offset) {
  wasm_name_t found;
  libwasm_frame_func_name(frame, &found);
  bool same = found.size == strlen(name) && memcmp(found.data, name, found.size) == 0;
  wasm_byte_vec_delete(&found);
  return same && wasm_frame_func_index(frame) == func && wasm_frame_func_offset(frame) == offset;
}

// Traps in `$load`, called by `$outer`: the trace has the names, and the places in the binary.
static void check_trace(const wasm_func_t* outer, int32_t address, const char* words, size_t offset) {
  wasm_val_t value = WASM_I32_VAL(address), result;
  wasm_val_vec_t args = {1, &value}, results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(outer, &args, &results);
  CHECK(trap);
  CHECK(trap_says(trap, words));
  wasm_frame_vec_t trace;
  wasm_trap_trace(trap, &trace);
  CHECK(trace.size == 2);
  CHECK(frame_is(trace.data[0], 3, "load", offset));
  CHECK(frame_is(trace.data[1], 4, "outer", 4));
  wasm_frame_vec_delete(&trace);
  wasm_trap_delete(trap);
}

// Everything that is read in place: functions, tables, data, names, traces.
static void check_module_works(wasm_store_t* store, const wasm_module_t* module) {
  CHECK(module);
  wasm_val_t there = WASM_I32_VAL(32);
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
  wasm_global_t* global = wasm_global_new(store, type, &there);
  wasm_globaltype_delete(type);
  wasm_extern_t* imports[] = {wasm_global_as_extern(global)};
  wasm_extern_vec_t list = {1, imports};
  wasm_instance_t* instance = wasm_instance_new(store, module, &list, NULL);
  CHECK(instance);
  wasm_global_delete(global);
  wasm_memory_t* memory = check_memory(instance, 0);
  wasm_func_t *indirect = check_func(instance, 1), *outer = check_func(instance, 2), *init = check_func(instance, 3);
  CHECK(memcmp(wasm_memory_data(memory) + 8, "data", 4) == 0 && memcmp(wasm_memory_data(memory) + 32, "there", 5) == 0);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(init, &none, &none));
  CHECK(memcmp(wasm_memory_data(memory) + 64, "passive", 7) == 0);
  CHECK(check_call(indirect, 2, 1, 21) == 42 && check_call(indirect, 2, 2, 9) == 81);
  check_trace(outer, -1, "out of bounds memory access", 5);
  check_trace(outer, 1024, "integer divide by zero", 8);
  wasm_func_delete(indirect);
  wasm_func_delete(outer);
  wasm_func_delete(init);
  wasm_memory_delete(memory);
  wasm_instance_delete(instance);
}

static size_t open_files(void) {
  DIR* files = opendir("/proc/self/fd");
  size_t count = 0;
  while (files && readdir(files)) count++;
  if (files) closedir(files);
  return count;
}

// A module comes back from its file in two engines, while the file is deleted and replaced.
static void round_trip(void) {
  wasm_store_t *store = check_store(), *other = check_store();
  wasm_module_t* module = check_module(store, MODULE);
  const char* path = path_of("module");
  CHECK(libwasm_module_serialize_file(module, path));
  wasm_byte_vec_t artifact, again;
  wasm_module_serialize(module, &artifact);
  struct stat status;
  CHECK(stat(path, &status) == 0 && (size_t)status.st_size == artifact.size);
  check_module_works(store, module);
  wasm_module_delete(module);

  size_t before = open_files();
  wasm_module_t* mapped[] = {libwasm_module_deserialize_file(store, path), libwasm_module_deserialize_file(other, path)};
  CHECK(mapped[0] && mapped[1]);
  CHECK(open_files() == before);
  check_module_works(store, mapped[0]);
  CHECK(libwasm_module_serialize_file(mapped[0], path));
  CHECK(stat(path, &status) == 0 && (size_t)status.st_size == artifact.size);
  wasm_module_serialize(mapped[0], &again);
  CHECK(again.size == artifact.size && memcmp(again.data, artifact.data, again.size) == 0);
  wasm_byte_vec_delete(&again);
  check_module_works(store, mapped[0]);
  CHECK(unlink(path) == 0);
  check_module_works(other, mapped[1]);
  wasm_module_delete(mapped[1]);
  wasm_store_delete(other);
  check_module_works(store, mapped[0]);

  // Shared, it outlives the handle it was loaded as.
  wasm_shared_module_t* shared = wasm_module_share(mapped[0]);
  wasm_module_delete(mapped[0]);
  module = wasm_module_obtain(store, shared);
  wasm_shared_module_delete(shared);
  check_module_works(store, module);
  wasm_module_delete(module);
  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(store);
}

static void refused_as(wasm_store_t* store, const char* path, int kind, const char* words) {
  CHECK_REASON(libwasm_module_deserialize_file(store, path) == NULL);
  CHECK(libwasm_last_error_kind() == kind);
  CHECK(reason_says(words) && reason_says(path));
}

static void refused(wasm_store_t* store, const char* path, const char* words) {
  refused_as(store, path, LIBWASM_ERROR_ARTIFACT, words);
}

static void cannot_open(wasm_store_t* store, const char* path, const char* words) {
  refused_as(store, path, LIBWASM_ERROR_FILE, words);
}

// What is not an artifact for this engine is refused, with its path and the reason.
static void refusals(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, MODULE);
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  const char* path = path_of("refused");
  struct stat status;
  cannot_open(store, path, strerror(ENOENT));
  cannot_open(store, path_of("refused/below"), strerror(ENOENT));
  cannot_open(store, directory, "not a regular file");
  CHECK(mkfifo(path, 0600) == 0);
  cannot_open(store, path, "not a regular file");
  CHECK(unlink(path) == 0);
  write_file(path, "", 0);
  refused(store, path, "empty");
  cannot_open(store, path_of("refused/below"), strerror(ENOTDIR));
  write_file(path, "a text", 6);
  refused(store, path, "not an artifact");
  for (size_t size = 1; size < artifact.size; size += 1 + size / 8) {
    write_file(path, artifact.data, size);
    refused(store, path, size < 8 ? "not an artifact" : "truncated");
  }
  write_file(path, artifact.data, artifact.size - 1);
  refused(store, path, "truncated");
  for (size_t at = 0; at < 256; at += 16) {
    artifact.data[at] ^= 0x10;
    write_file(path, artifact.data, artifact.size);
    refused(store, path, "artifact");
    artifact.data[at] ^= 0x10;
  }
  artifact.data[8]++;
  write_file(path, artifact.data, artifact.size);
  refused(store, path, "another version");
  CHECK(libwasm_last_error_offset() == 8);
  artifact.data[8]--;
  write_file(path, artifact.data, artifact.size);
  if (geteuid() != 0) {
    CHECK(chmod(path, 0) == 0);
    cannot_open(store, path, strerror(EACCES));
    CHECK(chmod(path, 0600) == 0);
  }

  wasm_config_t* config = wasm_config_new();
  libwasm_config_set_signals(config, check_mode_is_checked());
  libwasm_config_set_memory_reservation(config, 0);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* different = wasm_store_new(engine);
  wasm_engine_delete(engine);
  refused(different, path, check_mode_is_checked() ? "compiled without signals, this engine has them"
                                                   : "compiled with signals, this engine has none");
  CHECK(strlen(libwasm_last_error_message()) < 200);
  wasm_store_delete(different);

  CHECK_REASON(libwasm_module_deserialize_file(store, NULL) == NULL);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  CHECK_REASON(libwasm_module_deserialize_file(NULL, path) == NULL);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  CHECK_REASON(!libwasm_module_serialize_file(NULL, path));
  CHECK_REASON(!libwasm_module_serialize_file(module, NULL));
  CHECK_REASON(!libwasm_module_serialize_file(module, path_of("nowhere/module")));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_FILE && reason_says(strerror(ENOENT)));
  CHECK_REASON(!libwasm_module_serialize_file(module, directory));
  CHECK_REASON(!libwasm_module_serialize_file(module, "/dev/null"));
  CHECK(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));

  // Nothing of all this has done any harm, and no half of a file is left.
  wasm_module_delete(module);
  module = libwasm_module_deserialize_file(store, path);
  check_module_works(store, module);
  wasm_module_delete(module);
  CHECK(unlink(path) == 0);
  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(store);
}

static void* load_often(void* engine) {
  for (int i = 0; i < 30; i++) {
    wasm_store_t* store = wasm_store_new(engine);
    wasm_module_t* module = libwasm_module_deserialize_file(store, path_of("shared"));
    check_module_works(store, module);
    if (i % 5 == 0) CHECK(libwasm_module_serialize_file(module, path_of("shared")));
    wasm_module_delete(module);
    wasm_store_delete(store);
  }
  return NULL;
}

// Two threads load a file that both also replace.
static void loads_at_once(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = check_module(store, MODULE);
  CHECK(libwasm_module_serialize_file(module, path_of("shared")));
  wasm_module_delete(module);
  wasm_store_delete(store);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) CHECK(!pthread_create(&threads[i], NULL, load_often, engine));
  for (int i = 0; i < 2; i++) CHECK(!pthread_join(threads[i], NULL));
  CHECK(unlink(path_of("shared")) == 0);
  wasm_engine_delete(engine);
}

struct work {
  wasm_byte_vec_t binary;
  wasm_store_t* store;
  bool runs;  // for certain
};

static void* compile_and_run(void* arg) {
  struct work* work = arg;
  CHECK(wasm_module_validate(work->store, &work->binary));
  wasm_module_t* module = wasm_module_new(work->store, &work->binary);
  CHECK(module);
  const char* path = path_of("small");
  CHECK(libwasm_module_serialize_file(module, path));
  wasm_module_delete(module);
  module = libwasm_module_deserialize_file(work->store, path);
  CHECK(unlink(path) == 0 && module);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(work->store, module, &none, NULL);
  CHECK(instance);
  wasm_func_t* add = check_func(instance, 0);
  if (work->runs) {
    CHECK(check_call(add, 2, 30, 12) == 42);
  } else {
    wasm_val_t values[] = {WASM_I32_VAL(30), WASM_I32_VAL(12)}, result;
    wasm_val_vec_t args = {2, values}, results = {1, &result};
    wasm_trap_t* trap = wasm_func_call(add, &args, &results);
    if (trap) CHECK(trap_says(trap, "call stack exhausted"));
    else CHECK(result.of.i32 == 42);
    wasm_trap_delete(trap);
  }
  wasm_func_delete(add);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  return NULL;
}

// A module is compiled and loaded, and its trampolines compiled, on a thread whose stack is too small for a compiler. On the least of
// stacks, whose size depends on the processor, functions may trap: what is left free for the host can be more than there is.
static void small_stack(size_t size, bool runs) {
  struct work work = {
      check_wasm("(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"),
      check_store(), runs};
  pthread_attr_t attributes;
  CHECK(!pthread_attr_init(&attributes));
  size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
  CHECK(!pthread_attr_setstacksize(&attributes, least > size ? least : size));
  pthread_t thread;
  CHECK(!pthread_create(&thread, &attributes, compile_and_run, &work));
  CHECK(!pthread_join(thread, NULL));
  pthread_attr_destroy(&attributes);
  wasm_byte_vec_delete(&work.binary);
  wasm_store_delete(work.store);
}

static void* read_only(void* arg) {
  struct work* work = arg;
  CHECK(wasm_module_validate(work->store, &work->binary));
  wasm_byte_vec_t text = {8, "(module)"}, binary;
  CHECK(libwasm_wat2wasm(&text, &binary) && binary.size == 8);
  wasm_byte_vec_delete(&binary);
  wasm_module_t* module = wasm_module_new(work->store, &work->binary);
  CHECK(module);
  wasm_module_delete(module);
  return NULL;
}

// On the least stack that a thread can have, modules and texts are read all the same, also those that nest deeply.
static void least_stack(void) {
  enum { DEPTH = 400 };
  char* wat = malloc(DEPTH * 20 + 100);
  char* end = wat + sprintf(wat, "(module (func ");
  for (int i = 0; i < DEPTH; i++) end += sprintf(end, "(block ");
  for (int i = 0; i < DEPTH; i++) *end++ = ')';
  strcpy(end, "))");
  struct work work = {check_wasm(wat), check_store(), false};
  free(wat);
  pthread_attr_t attributes;
  CHECK(!pthread_attr_init(&attributes));
  CHECK(!pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)));
  pthread_t thread;
  CHECK(!pthread_create(&thread, &attributes, read_only, &work));
  CHECK(!pthread_join(thread, NULL));
  pthread_attr_destroy(&attributes);
  wasm_byte_vec_delete(&work.binary);
  wasm_store_delete(work.store);
}

int main(void) {
  // A run that failed has left its directory, and its process's number comes again.
  strcpy(directory, "/tmp/libwasm-artifacts-XXXXXX");
  CHECK(mkdtemp(directory));
  round_trip();
  refusals();
  loads_at_once();
  small_stack(64 << 10, false);
  small_stack(192 << 10, true);
  least_stack();
  // It is empty.
  CHECK(rmdir(directory) == 0);
  return 0;
}
