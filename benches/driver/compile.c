// Modules: compiled, checked, and turned into artifacts and back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"

enum { MAX_MODULES = 64 };

static wasm_byte_vec_t binaries[MAX_MODULES], artifact;
static int count;
static wasm_module_t* module;
static wasm_module_t* (*deserialize_file)(wasm_store_t*, const char*);
static char path[4096];

static void prepare_binaries(char** words) {
  open_store();
  while (words[count] && count < MAX_MODULES) {
    binaries[count] = read_file(words[count]);
    count++;
  }
}

// module_new MODULE...: all of them, each deleted again.
static int64_t run_module_new(long n) {
  for (long i = 0; i < n; i++) {
    for (int m = 0; m < count; m++) {
      wasm_module_t* made = lib.wasm_module_new(store, &binaries[m]);
      if (!made) end(REFUSES, "wasm_module_new gave NULL");
      lib.wasm_module_delete(made);
    }
  }
  return count;
}

static int64_t run_validate(long n) {
  for (long i = 0; i < n; i++) {
    for (int m = 0; m < count; m++) check(lib.wasm_module_validate(store, &binaries[m]), "a valid module is refused");
  }
  return count;
}

static size_t exports_of(const wasm_module_t* of) {
  wasm_exporttype_vec_t types;
  lib.wasm_module_exports(of, &types);
  size_t size = types.size;
  lib.wasm_exporttype_vec_delete(&types);
  return size;
}

static void prepare_module(char** words) {
  open_store();
  module = load(store, words[0]);
}

static void serialize(void) {
  memset(&artifact, 0, sizeof artifact);
  lib.wasm_module_serialize(module, &artifact);
  if (!artifact.size) end(REFUSES, "wasm_module_serialize gave nothing");
}

static int64_t run_serialize(long n) {
  for (long i = 0; i < n; i++) {
    serialize();
    lib.wasm_byte_vec_delete(&artifact);
  }
  return 0;
}

// artifact MODULE: the size of the artifact, bytes.
static int64_t run_artifact(long n) {
  (void)n;
  serialize();
  report((int64_t)artifact.size);
  return 0;
}

static void prepare_deserialize(char** words) {
  prepare_module(words);
  serialize();
}

static int64_t run_deserialize(long n) {
  size_t exported = exports_of(module), got = exported;
  for (long i = 0; i < n; i++) {
    wasm_module_t* made = lib.wasm_module_deserialize(store, &artifact);
    if (!made) end(REFUSES, "wasm_module_deserialize gave NULL");
    if (i == 0) got = exports_of(made);
    lib.wasm_module_delete(made);
  }
  check(got == exported, "a deserialized module exports something else");
  return 0;
}

// deserialize_file MODULE ARTIFACT: by way of a file of that name and the process's number, since each library refuses the
// others' artifacts; a function of libwasm's own.
static void prepare_deserialize_file(char** words) {
  *(void**)&deserialize_file = extension("libwasm_module_deserialize_file");
  if (!deserialize_file) end(LACKS, "libwasm_module_deserialize_file");
  prepare_deserialize(words);
  snprintf(path, sizeof path, "%s.%ld", words[1], (long)getpid());
  own_file = path;
  FILE* file = fopen(path, "wb");
  if (!file || fwrite(artifact.data, 1, artifact.size, file) != artifact.size || fclose(file)) end(USAGE, path);
}

static int64_t run_deserialize_file(long n) {
  size_t exported = exports_of(module), got = exported;
  for (long i = 0; i < n; i++) {
    wasm_module_t* made = deserialize_file(store, path);
    if (!made) end(REFUSES, "libwasm_module_deserialize_file gave NULL");
    if (i == 0) got = exports_of(made);
    lib.wasm_module_delete(made);
  }
  check(got == exported, "a deserialized module exports something else");
  return 0;
}

// share MODULE: shared, obtained in the same store, and both deleted.
static int64_t run_share(long n) {
  for (long i = 0; i < n; i++) {
    wasm_shared_module_t* shared = lib.wasm_module_share(module);
    wasm_module_t* obtained = shared ? lib.wasm_module_obtain(store, shared) : NULL;
    if (!obtained) end(REFUSES, "sharing a module gave NULL");
    lib.wasm_module_delete(obtained);
    lib.wasm_shared_module_delete(shared);
  }
  return 0;
}

// wat2wasm TEXT BINARY: by the library's own translator, if it has one.
static void translate(char** words) {
  bool (*ours)(const wasm_byte_vec_t*, wasm_byte_vec_t*);
  void* (*theirs)(const char*, size_t, wasm_byte_vec_t*);
  *(void**)&ours = extension("libwasm_wat2wasm");
  *(void**)&theirs = extension("wasmtime_wat2wasm");
  wasm_byte_vec_t text = read_file(words[0]), binary = {0, NULL};
  if (!ours && !theirs) end(LACKS, "a translator of the text format");
  if (ours ? !ours(&text, &binary) : theirs(text.data, text.size, &binary) != NULL) end(REFUSES, words[0]);
  FILE* file = fopen(words[1], "wb");
  if (!file || fwrite(binary.data, 1, binary.size, file) != binary.size || fclose(file)) end(USAGE, words[1]);
}

const struct operation module_operations[] = {
    {"module_new", "MODULE...", 1, prepare_binaries, run_module_new},
    {"validate", "MODULE...", 1, prepare_binaries, run_validate},
    {"serialize", "MODULE", 1, prepare_module, run_serialize},
    {"artifact", "MODULE", 1, prepare_module, run_artifact},
    {"deserialize", "MODULE", 1, prepare_deserialize, run_deserialize},
    {"deserialize_file", "MODULE ARTIFACT", 2, prepare_deserialize_file, run_deserialize_file},
    {"share", "MODULE", 1, prepare_module, run_share},
    {"wat2wasm", "TEXT BINARY", 2, translate, NULL},
    {NULL, NULL, 0, NULL, NULL},
};
