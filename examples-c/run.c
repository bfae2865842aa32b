// run FILE[.wat] [EXPORT [ARGS...]]
//
// Without EXPORT: lists the module's imports and exports with their types. With EXPORT: calls that function with
// ARGS, read according to its parameters' types, and prints its results, one a line. A file whose name ends in .wat
// is WebAssembly text. Exit status: 0, 1 for an error, 2 for wrong usage, 3 for a trap.
//
// Besides wasm.h it uses libwasm.h, for the text format, the reason of a failure, and function names in traces.

#include <errno.h>
#include <math.h>

#include "example.h"

#include <libwasm.h>

// Ends the program with a message and, when the library recorded one, its reason.
static void fail(const char *what, const char *name) {
  fprintf(stderr, "error: %s %s", what, name);
  if (libwasm_last_error_kind() != LIBWASM_ERROR_NONE) {
    fprintf(stderr, ": %s", libwasm_last_error_message());  // says where in the module, too
  }
  fprintf(stderr, "\n");
  exit(1);
}

static void usage(void) {
  fprintf(stderr, "usage: run FILE[.wat] [EXPORT [ARGS...]]\n");
  exit(2);
}

// Names come from the module: whatever could confuse a terminal is shown as an escape.
static void print_name(FILE *out, const wasm_name_t *name) {
  fputc('"', out);
  for (size_t i = 0; i < name->size; i++) {
    unsigned char c = (unsigned char)name->data[i];
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
      fprintf(out, "\\%02x", c);
    } else {
      fputc(c, out);
    }
  }
  fputc('"', out);
}

static wasm_module_t *load(wasm_store_t *store, const char *path) {
  errno = 0;
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "error: cannot open %s: %s\n", path, strerror(errno));
    exit(1);
  }
  fclose(file);
  wasm_byte_vec_t bytes = read_file(path);
  if (!bytes.data) {
    fprintf(stderr, "error: cannot read %s, or it is empty\n", path);
    exit(1);
  }
  size_t length = strlen(path);
  if (length > 4 && strcmp(path + length - 4, ".wat") == 0) {
    wasm_byte_vec_t binary;
    if (!libwasm_wat2wasm(&bytes, &binary)) fail("cannot read the text of", path);
    wasm_byte_vec_delete(&bytes);
    bytes = binary;
  }
  wasm_module_t *module = wasm_module_new(store, &bytes);
  if (!module) fail("cannot load", path);
  wasm_byte_vec_delete(&bytes);
  return module;
}

static void print_imports(const wasm_importtype_vec_t *imports) {
  for (size_t i = 0; i < imports->size; i++) {
    printf("import ");
    print_name(stdout, wasm_importtype_module(imports->data[i]));
    printf(" ");
    print_name(stdout, wasm_importtype_name(imports->data[i]));
    printf(": ");
    print_externtype(stdout, wasm_importtype_type(imports->data[i]));
    printf("\n");
  }
}

static void print_exports(const wasm_exporttype_vec_t *exports) {
  for (size_t i = 0; i < exports->size; i++) {
    printf("export ");
    print_name(stdout, wasm_exporttype_name(exports->data[i]));
    printf(": ");
    print_externtype(stdout, wasm_exporttype_type(exports->data[i]));
    printf("\n");
  }
}

// The position of the function exported as `name`.
static size_t find_export(const wasm_exporttype_vec_t *exports, const char *name) {
  for (size_t i = 0; i < exports->size; i++) {
    const wasm_name_t *export = wasm_exporttype_name(exports->data[i]);
    if (export->size != strlen(name) || memcmp(export->data, name, export->size) != 0) continue;
    if (wasm_externtype_kind(wasm_exporttype_type(exports->data[i])) == WASM_EXTERN_FUNC) return i;
    fprintf(stderr, "error: the export \"%s\" is not a function\n", name);
    exit(1);
  }
  fprintf(stderr, "error: the module exports no \"%s\"; its functions are:", name);
  for (size_t i = 0; i < exports->size; i++) {
    if (wasm_externtype_kind(wasm_exporttype_type(exports->data[i])) != WASM_EXTERN_FUNC) continue;
    fprintf(stderr, " ");
    print_name(stderr, wasm_exporttype_name(exports->data[i]));
  }
  fprintf(stderr, "\n");
  exit(1);
}

// Integers are decimal or 0x..., signed or unsigned, and must fit into `bits`.
static bool parse_integer(const char *text, int bits, int64_t *out) {
  bool negative = text[0] == '-';
  const char *digits = text + (negative || text[0] == '+');
  if (digits[0] < '0' || digits[0] > '9') return false;
  bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
  char *end;
  errno = 0;
  unsigned long long value = strtoull(digits, &end, hex ? 16 : 10);
  unsigned long long most = bits == 32 ? UINT32_MAX : UINT64_MAX;
  if (errno || *end || value > (negative ? most / 2 + 1 : most)) return false;
  *out = (int64_t)(negative ? 0 - value : value);
  return true;
}

static bool parse_value(const char *text, wasm_valkind_t kind, wasm_val_t *out) {
  int64_t integer = 0;
  char *end = NULL;
  out->kind = kind;
  switch (kind) {
    case WASM_I32:
      if (!parse_integer(text, 32, &integer)) return false;
      out->of.i32 = (int32_t)integer;
      return true;
    case WASM_I64:
      if (!parse_integer(text, 64, &integer)) return false;
      out->of.i64 = integer;
      return true;
    case WASM_F32: out->of.f32 = strtof(text, &end); return end != text && !*end;
    case WASM_F64: out->of.f64 = strtod(text, &end); return end != text && !*end;
    default: out->of.ref = NULL; return wasm_valkind_is_ref(kind) && strcmp(text, "null") == 0;
  }
}

static void print_value(const wasm_val_t *value) {
  uint8_t bytes[16];
  switch (value->kind) {
    case WASM_I32: printf("%" PRId32 "\n", value->of.i32); break;
    case WASM_I64: printf("%" PRId64 "\n", value->of.i64); break;
    case WASM_F32: printf("%.9g\n", (double)value->of.f32); break;
    case WASM_F64: printf("%.17g\n", value->of.f64); break;
    default:
      if (libwasm_val_v128(value, bytes)) {
        printf("0x");
        for (int i = 15; i >= 0; i--) printf("%02x", bytes[i]);
        printf("\n");
      } else {
        printf("%s\n", value->of.ref ? kind_name(value->kind) : "null");
      }
  }
}

// Prints a trap with its trace, in which functions have their names where the module tells them, and deletes it.
static int report_trap(wasm_trap_t *trap) {
  wasm_message_t message;
  wasm_frame_vec_t frames;
  wasm_trap_message(trap, &message);
  wasm_trap_trace(trap, &frames);
  wasm_trap_delete(trap);
  fflush(stdout);
  fprintf(stderr, "trap: %.*s\n", STR(&message));
  for (size_t i = 0; i < frames.size; i++) {
    wasm_name_t name;
    libwasm_frame_func_name(frames.data[i], &name);
    fprintf(stderr, "  at ");
    if (name.size) {
      print_name(stderr, &name);
      fprintf(stderr, ", ");
    }
    fprintf(stderr, "function %" PRIu32 ", offset %zu (module offset 0x%zx)\n", wasm_frame_func_index(frames.data[i]),
            wasm_frame_func_offset(frames.data[i]), wasm_frame_module_offset(frames.data[i]));
    wasm_byte_vec_delete(&name);
  }
  wasm_frame_vec_delete(&frames);
  wasm_byte_vec_delete(&message);
  return 3;
}

// Calls the function and prints its results or its trap. Gives the exit status.
static int call(const wasm_func_t *func, const wasm_val_vec_t *args) {
  wasm_val_vec_t results;
  wasm_val_vec_new_uninitialized(&results, wasm_func_result_arity(func));
  for (size_t i = 0; i < results.size; i++) results.data[i] = (wasm_val_t)WASM_INIT_VAL;  // what a trap leaves
  wasm_trap_t *trap = wasm_func_call(func, args, &results);
  for (size_t i = 0; i < results.size && !trap; i++) print_value(&results.data[i]);
  wasm_val_vec_delete(&results);
  return trap ? report_trap(trap) : 0;
}

// The arguments as values of the types that the function takes.
static wasm_val_vec_t parse_args(const wasm_exporttype_t *export, int count, char **texts) {
  const wasm_functype_t *type = wasm_externtype_as_functype_const(wasm_exporttype_type(export));
  const wasm_valtype_vec_t *params = wasm_functype_params(type);
  if ((size_t)count != params->size) {
    fprintf(stderr, "error: the function takes %zu argument%s, %d given; its type is ", params->size,
            params->size == 1 ? "" : "s", count);
    print_functype(stderr, type);
    fprintf(stderr, "\n");
    exit(1);
  }
  wasm_val_vec_t args;
  wasm_val_vec_new_uninitialized(&args, params->size);
  for (size_t i = 0; i < params->size; i++) {
    wasm_valkind_t kind = wasm_valtype_kind(params->data[i]);
    if (parse_value(texts[i], kind, &args.data[i])) continue;
    fprintf(stderr, "error: argument %zu, \"%s\", is not a value of type %s%s\n", i + 1, texts[i], kind_name(kind),
            wasm_valkind_is_ref(kind) ? " (only null can be given)" : "");
    exit(1);
  }
  return args;
}

static wasm_instance_t *start(wasm_store_t *store, const wasm_module_t *module, const wasm_importtype_vec_t *needed) {
  if (needed->size) {
    fflush(stdout);
    fprintf(stderr, "error: run has nothing to import from, and the module needs:\n");
    for (size_t i = 0; i < needed->size; i++) {
      fprintf(stderr, "  ");
      print_name(stderr, wasm_importtype_module(needed->data[i]));
      fprintf(stderr, " ");
      print_name(stderr, wasm_importtype_name(needed->data[i]));
      fprintf(stderr, "\n");
    }
    exit(1);
  }
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t *trap = NULL;
  wasm_instance_t *instance = wasm_instance_new(store, module, &none, &trap);
  if (trap) {
    fprintf(stderr, "while instantiating: ");
    exit(report_trap(trap));
  }
  need(instance, "instantiate the module");
  return instance;
}

int main(int argc, char **argv) {
  if (argc < 2 || argv[1][0] == '-') usage();
  wasm_engine_t *engine = wasm_engine_new();
  need(engine, "start the engine");
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load(store, argv[1]);
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);

  int status = 0;
  if (argc == 2) {
    print_imports(&imports);
    print_exports(&exports);
  } else {
    size_t index = find_export(&exports, argv[2]);
    wasm_val_vec_t args = parse_args(exports.data[index], argc - 3, argv + 3);
    wasm_instance_t *instance = start(store, module, &imports);
    wasm_extern_vec_t externs;
    wasm_instance_exports(instance, &externs);
    status = call(export_func(&externs, index), &args);
    wasm_val_vec_delete(&args);
    wasm_extern_vec_delete(&externs);
    wasm_instance_delete(instance);
  }

  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return status;
}
