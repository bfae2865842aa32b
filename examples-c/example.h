// What the examples share: reading a module from a file, stopping on an error, and printing types and traps.
//
// Only wasm.h is used. An example finds its .wasm file from the root of the repository, and in its own folder.

#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>

// Ends the program when `object` is NULL; `what` says what could not be done.
static inline void need(const void *object, const char *what) {
  if (object) return;
  fprintf(stderr, "error: could not %s\n", what);
  exit(1);
}

// Reads a whole file. The caller owns the bytes; an empty vector means that it could not be read.
static inline wasm_byte_vec_t read_file(const char *path) {
  wasm_byte_vec_t bytes = WASM_EMPTY_VEC;
  FILE *file = fopen(path, "rb");
  if (!file) return bytes;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size > 0 && fseek(file, 0, SEEK_SET) == 0) {
    wasm_byte_vec_new_uninitialized(&bytes, (size_t)size);
    if (bytes.data && fread(bytes.data, 1, bytes.size, file) != bytes.size) wasm_byte_vec_delete(&bytes);
  }
  fclose(file);
  return bytes;
}

// Reads the file of a module: `path`, which begins at the root of the repository, or the file of that name here.
static inline wasm_byte_vec_t read_module(const char *path) {
  wasm_byte_vec_t bytes = read_file(path);
  const char *name = strrchr(path, '/');
  if (bytes.data || !name) return bytes;
  int error = errno;
  bytes = read_file(name + 1);
  if (!bytes.data) {
    fprintf(stderr, "error: could not read %s: %s (start the example where that file is, or in its folder)\n", path, strerror(error));
    exit(1);
  }
  return bytes;
}

// Compiles the module in `path`. The caller owns it.
static inline wasm_module_t *load_module(wasm_store_t *store, const char *path) {
  wasm_byte_vec_t bytes = read_module(path);
  need(bytes.data, "read the module's file");
  wasm_module_t *module = wasm_module_new(store, &bytes);
  wasm_byte_vec_delete(&bytes);
  need(module, "compile the module");
  return module;
}

// A name or message as C's printf wants it: `%.*s`. Messages end in a NUL that is counted in their size.
#define STR(v) (int)((v)->size && (v)->data[(v)->size - 1] == '\0' ? (v)->size - 1 : (v)->size), (v)->data

static inline void print_frame(FILE *out, const wasm_frame_t *frame) {
  fprintf(out, "  at function %" PRIu32 ", offset %zu (module offset 0x%zx)\n", wasm_frame_func_index(frame),
          wasm_frame_func_offset(frame), wasm_frame_module_offset(frame));
}

// Prints a trap's message and its frames, innermost first. The trap stays the caller's.
static inline void print_trap(FILE *out, const wasm_trap_t *trap) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  fprintf(out, "trap: %.*s\n", STR(&message));
  wasm_byte_vec_delete(&message);

  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  for (size_t i = 0; i < frames.size; i++) print_frame(out, frames.data[i]);
  wasm_frame_vec_delete(&frames);
}

// Ends the program when a call trapped.
static inline void check(wasm_trap_t *trap) {
  if (!trap) return;
  print_trap(stderr, trap);
  wasm_trap_delete(trap);
  exit(1);
}

// Instantiates, or ends the program with the reason.
static inline wasm_instance_t *instantiate(wasm_store_t *store, const wasm_module_t *module,
                                           const wasm_extern_vec_t *imports) {
  wasm_trap_t *trap = NULL;
  wasm_instance_t *instance = wasm_instance_new(store, module, imports, &trap);
  check(trap);
  need(instance, "instantiate the module");
  return instance;
}

// The function at position `index` of an instance's exports, borrowed from the vector.
static inline wasm_func_t *export_func(const wasm_extern_vec_t *exports, size_t index) {
  wasm_func_t *func = index < exports->size ? wasm_extern_as_func(exports->data[index]) : NULL;
  need(func, "find an exported function");
  return func;
}

static inline const char *kind_name(wasm_valkind_t kind) {
  switch (kind) {
    case WASM_I32: return "i32";
    case WASM_I64: return "i64";
    case WASM_F32: return "f32";
    case WASM_F64: return "f64";
    case WASM_EXTERNREF: return "externref";
    case WASM_FUNCREF: return "funcref";
    case 4: return "v128";  // not of the standard: see libwasm.h
    default: return wasm_valkind_is_ref(kind) ? "(another reference type)" : "(another type)";
  }
}

static inline void print_limits(FILE *out, const wasm_limits_t *limits) {
  fprintf(out, "%" PRIu32, limits->min);
  if (limits->max != wasm_limits_max_default) fprintf(out, "..%" PRIu32, limits->max);
}

static inline void print_valtypes(FILE *out, const wasm_valtype_vec_t *types) {
  fprintf(out, "(");
  for (size_t i = 0; i < types->size; i++) {
    fprintf(out, "%s%s", i ? ", " : "", kind_name(wasm_valtype_kind(types->data[i])));
  }
  fprintf(out, ")");
}

static inline void print_functype(FILE *out, const wasm_functype_t *type) {
  print_valtypes(out, wasm_functype_params(type));
  fprintf(out, " -> ");
  print_valtypes(out, wasm_functype_results(type));
}

// Prints what kind of import or export this is, and its type.
static inline void print_externtype(FILE *out, const wasm_externtype_t *type) {
  switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
      fprintf(out, "func ");
      print_functype(out, wasm_externtype_as_functype_const(type));
      break;
    case WASM_EXTERN_GLOBAL: {
      const wasm_globaltype_t *global = wasm_externtype_as_globaltype_const(type);
      fprintf(out, "global %s %s", wasm_globaltype_mutability(global) == WASM_VAR ? "var" : "const",
             kind_name(wasm_valtype_kind(wasm_globaltype_content(global))));
      break;
    }
    case WASM_EXTERN_TABLE: {
      const wasm_tabletype_t *table = wasm_externtype_as_tabletype_const(type);
      fprintf(out, "table ");
      print_limits(out, wasm_tabletype_limits(table));
      fprintf(out, " %s", kind_name(wasm_valtype_kind(wasm_tabletype_element(table))));
      break;
    }
    case WASM_EXTERN_MEMORY:
      fprintf(out, "memory ");
      print_limits(out, wasm_memorytype_limits(wasm_externtype_as_memorytype_const(type)));
      fprintf(out, " pages");
      break;
    case WASM_EXTERN_TAG:
      fprintf(out, "tag ");
      print_functype(out, wasm_tagtype_functype(wasm_externtype_as_tagtype_const(type)));
      break;
    default: fprintf(out, "(unknown kind)");
  }
}

#endif
