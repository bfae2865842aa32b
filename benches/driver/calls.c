// Crossing the boundary: calls from the host, callbacks into it, calls between instances, and plain computation.
#include <stdlib.h>
#include <string.h>

#include "driver.h"

enum { MAX_ARGUMENTS = 16 };

static struct loaded loaded;
static wasm_func_t* function;
static wasm_val_t arguments[MAX_ARGUMENTS], result;
static wasm_val_vec_t args = {0, arguments}, results = {0, &result};
static const char* word;

static void set_results(const char* kind) {
  results.size = strcmp(kind, "none") != 0;
  if (results.size) result.kind = kind_of(kind);
}

// call MODULE EXPORT KIND COUNT: COUNT arguments of KIND and one result; the result of numbers is the first argument plus
// the last, of references it is the last. KIND `none` is () -> ().
static void prepare_call(char** words) {
  open_store();
  loaded = load_instance(words[0]);
  function = named_function(&loaded, words[1]);
  word = words[2];
  args.size = (size_t)atoi(words[3]);
  check(args.size <= MAX_ARGUMENTS, "too many arguments");
  for (size_t i = 0; i < args.size; i++) arguments[i] = value_of(word, (int)i + 1, &loaded);
  set_results(word);
}

static void call_numbers(long n) {
  int last = args.size > 1 ? (int)args.size : 0;
  bool right = true;
  for (long i = 0; i < n; i++) {
    int32_t first = (int32_t)(i & 0xffff);
    if (result.kind == WASM_I32) {
      if (args.size) arguments[0].of.i32 = first;
      result.of.i32 = -1;
      no_trap(lib.wasm_func_call(function, &args, &results));
      right &= result.of.i32 == (args.size ? first + last : 7);
    } else {
      if (args.size) arguments[0].of.f64 = first;
      result.of.f64 = -1;
      no_trap(lib.wasm_func_call(function, &args, &results));
      right &= result.of.f64 == (args.size ? first + last : 7);
    }
  }
  check(right, "a call gave a wrong result");
}

static void call_references(long n) {
  bool right = true, null = !strcmp(word, "null");
  for (long i = 0; i < n; i++) {
    result.of.ref = NULL;
    no_trap(lib.wasm_func_call(function, &args, &results));
    right &= (result.of.ref == NULL) == null;
    if (i + 1 < n && result.of.ref) lib.wasm_ref_delete(result.of.ref);
  }
  check(right, "a call gave a wrong reference");
  if (null || n == 0) return;
  pause_clock();
  // The last reference is the argument: the same object, or a function that says so.
  if (result.kind == WASM_EXTERNREF) {
    check(lib.wasm_ref_same(result.of.ref, arguments[args.size - 1].of.ref), "a call gave another object");
  } else {
    wasm_val_t got = {.kind = WASM_I32, .of = {.i32 = 0}};
    wasm_val_vec_t reference = {1, &result}, answer = {1, &got};
    no_trap(lib.wasm_func_call(named_function(&loaded, "ask"), &reference, &answer));
    check(got.of.i32 == 42, "a call gave another function");
  }
  lib.wasm_ref_delete(result.of.ref);
  resume_clock();
}

static int64_t run_call(long n) {
  if (results.size == 0) {
    for (long i = 0; i < n; i++) no_trap(lib.wasm_func_call(function, &args, &results));
  } else if (result.kind < WASM_EXTERNREF) {
    call_numbers(n);
  } else {
    call_references(n);
  }
  return (int64_t)args.size;
}

// The host's function of a callback: numbers come back plus one, references as they are. Each call is counted.
static int64_t called;

static wasm_trap_t* calls_back(const wasm_val_vec_t* in, wasm_val_vec_t* out) {
  called++;
  if (out->size == 0) return NULL;
  switch (in->data[0].kind) {
    case WASM_I32:
      out->data[0].kind = WASM_I32;
      out->data[0].of.i32 = in->data[0].of.i32 + 1;
      break;
    case WASM_F64:
      out->data[0].kind = WASM_F64;
      out->data[0].of.f64 = in->data[0].of.f64 + 1;
      break;
    default:
      lib.wasm_val_copy(&out->data[0], &in->data[0]);
  }
  return NULL;
}

static wasm_trap_t* calls_back_with_env(void* env, const wasm_val_vec_t* in, wasm_val_vec_t* out) {
  check(env == &called, "the environment is another");
  return calls_back(in, out);
}

// The only import of a module is a function: an instance with `imported`, whose export `run: (i32, T) -> T` calls it as
// often as the first argument says, each time with the result of the time before.
static void prepare_loop(const char* path, wasm_func_t* imported, const char* kind, const struct loaded* source) {
  loaded.module = load(store, path);
  wasm_extern_t* import = lib.wasm_func_as_extern(imported);
  wasm_extern_vec_t imports = {1, &import};
  loaded.instance = instantiate(store, loaded.module, &imports);
  lib.wasm_instance_exports(loaded.instance, &loaded.exports);
  function = named_function(&loaded, "run");
  word = kind;
  set_results(kind);
  args.size = 1 + results.size;
  arguments[0].kind = WASM_I32;
  if (results.size) arguments[1] = value_of(kind, 0, source ? source : &loaded);
}

static int64_t run_loop(long n) {
  arguments[0].of.i32 = (int32_t)n;
  no_trap(lib.wasm_func_call(function, &args, &results));
  if (results.size && result.kind == WASM_I32) check(result.of.i32 == n, "the callbacks' result is wrong");
  if (results.size && result.kind == WASM_F64) check(result.of.f64 == (double)n, "the callbacks' result is wrong");
  if (results.size && result.kind >= WASM_EXTERNREF) {
    check((result.of.ref == NULL) == (arguments[1].of.ref == NULL), "the callbacks' reference is wrong");
    if (result.of.ref) lib.wasm_ref_delete(result.of.ref);
  }
  return 0;
}

// callback MODULE KIND env|plain: callbacks into the host, many for each call.
static void prepare_callback(char** words) {
  open_store();
  wasm_module_t* module = load(store, words[0]);
  wasm_importtype_vec_t types;
  lib.wasm_module_imports(module, &types);
  check(types.size == 1, "a callback's module has one import");
  const wasm_functype_t* type = lib.wasm_externtype_as_functype_const(lib.wasm_importtype_type(types.data[0]));
  bool with_env = !strcmp(words[2], "env");
  wasm_func_t* host = with_env ? lib.wasm_func_new_with_env(store, type, calls_back_with_env, &called, NULL)
                               : lib.wasm_func_new(store, type, calls_back);
  if (!host) end(REFUSES, "the host's function is NULL");
  prepare_loop(words[0], host, words[1], NULL);
}

static int64_t run_callback(long n) {
  called = 0;
  run_loop(n);
  check(called == n, "callbacks are missing");
  return 0;
}

// cross CALLER CALLEE EXPORT: instance CALLER imports a function (i32) -> i32 of instance CALLEE.
static void prepare_cross(char** words) {
  open_store();
  struct loaded callee = load_instance(words[1]);
  prepare_loop(words[0], named_function(&callee, words[2]), "i32", NULL);
}

// kernel MODULE: one call of its first export, `run: (i32) -> i64`, which repeats its work n times.
static void prepare_kernel(char** words) {
  open_store();
  loaded = load_instance(words[0]);
  check(loaded.exports.size > 0, "a kernel exports nothing");
  function = lib.wasm_extern_as_func(loaded.exports.data[0]);
  check(function != NULL, "a kernel's first export is no function");
  args.size = results.size = 1;
  arguments[0].kind = WASM_I32;
  result.kind = WASM_I64;
}

static int64_t run_kernel(long n) {
  arguments[0].of.i32 = (int32_t)n;
  no_trap(lib.wasm_func_call(function, &args, &results));
  return result.of.i64;
}

// pause MODULE: a kernel, whose first call makes ready. The result is what the longest of the calls takes that do its work once.
static void prepare_pause(char** words) {
  prepare_kernel(words);
  run_kernel(1);
}

static int64_t run_pause(long n) {
  int64_t longest = 0, before = now();
  for (long i = 0; i < n; i++) {
    run_kernel(1);
    int64_t after = now();
    if (after - before > longest) longest = after - before;
    before = after;
  }
  report(longest);
  return result.of.i64;
}

const struct operation call_operations[] = {
    {"call", "MODULE EXPORT KIND COUNT", 4, prepare_call, run_call},
    {"callback", "MODULE KIND env|plain", 3, prepare_callback, run_callback},
    {"cross", "CALLER CALLEE EXPORT", 3, prepare_cross, run_loop},
    {"kernel", "MODULE", 1, prepare_kernel, run_kernel},
    {"pause", "MODULE", 1, prepare_pause, run_pause},
    {NULL, NULL, 0, NULL, NULL},
};
