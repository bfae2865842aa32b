// C++ exceptions that leave callbacks: they go on at the caller of the function that called into WebAssembly, with what they carry;
// without anybody to catch them, they are traps.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include <wasm.h>
#include <libwasm.h>

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
      std::exit(1);                                                                   \
    }                                                                                 \
  } while (0)

static const char WAT[] =
    "(module (import \"\" \"host\" (func $host (param i32) (result i32)))"
    " (import \"\" \"host_ref\" (func $host_ref (param externref i32)))"
    " (func (export \"out\") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1)))"
    " (func (export \"out ref\") (param externref i32) (call $host_ref (local.get 0) (local.get 1)))"
    " (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))";

enum { OUT, OUT_REF, ADD, EXPORTS };

struct Thrown : std::runtime_error {
  int value;
  explicit Thrown(int value) : std::runtime_error("thrown by a callback"), value(value) { ++alive; }
  Thrown(const Thrown& other) : std::runtime_error(other), value(other.value) { ++alive; }
  ~Thrown() override { --alive; }
  static int alive;
};
int Thrown::alive = 0;

struct Counted {
  static int alive;
  Counted() { ++alive; }
  ~Counted() { --alive; }
};
int Counted::alive = 0;

static wasm_store_t* store;
static wasm_module_t* module;
static wasm_func_t *host_func, *host_ref_func;
static wasm_instance_t* instance;
static wasm_extern_vec_t exports;
static int finalized;

static int call(int func, int a, int b = 0) {
  Counted here;
  wasm_val_t in[] = {WASM_I32_VAL(a), WASM_I32_VAL(b)}, out = WASM_I32_VAL(0);
  wasm_func_t* target = wasm_extern_as_func(exports.data[func]);
  wasm_val_vec_t args = {wasm_func_param_arity(target), in}, results = {1, &out};
  wasm_trap_t* trap = wasm_func_call(target, &args, &results);
  CHECK(!trap);
  return out.of.i32;
}

enum { RETURNS = 100, THROWS_INT, RETHROWS, CATCHES, NESTS = 200 };

static int host_body(int what) {
  Counted here;
  if (what >= NESTS) return call(OUT, what > NESTS ? what - 1 : 7);
  switch (what) {
    case RETURNS: return 5;
    case THROWS_INT: throw 42;
    case RETHROWS:
      try {
        return call(OUT, 3);
      } catch (Thrown& thrown) {
        ++thrown.value;
        throw;
      }
    case CATCHES:
      try {
        return call(OUT, 4);
      } catch (const Thrown& thrown) {
        return thrown.value * 10;
      }
    default: throw Thrown(what);
  }
}

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0].of.i32 = host_body(args->data[0].of.i32);
  return nullptr;
}

static wasm_trap_t* host_ref(const wasm_val_vec_t* args, wasm_val_vec_t*) {
  (void)host_body(args->data[1].of.i32);
  return nullptr;
}

static void count(void* counter) { ++*static_cast<int*>(counter); }

static void world_new() {
  wasm_config_t* config = wasm_config_new();
  const char* mode = std::getenv("LIBWASM_CHECK_MODE");
  if (mode && !std::strcmp(mode, "checked")) {
    libwasm_config_set_signals(config, false);
    libwasm_config_set_memory_reservation(config, 0);
  }
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  store = wasm_store_new(engine);
  wasm_engine_delete(engine);
  wasm_byte_vec_t text = {sizeof WAT - 1, const_cast<char*>(WAT)}, binary;
  CHECK(libwasm_wat2wasm(&text, &binary));
  module = wasm_module_new(store, &binary);
  CHECK(module);
  wasm_byte_vec_delete(&binary);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  host_func = wasm_func_new(store, type, host);
  wasm_functype_delete(type);
  type = wasm_functype_new_2_0(wasm_valtype_new_externref(), wasm_valtype_new_i32());
  host_ref_func = wasm_func_new(store, type, host_ref);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(host_func), wasm_func_as_extern(host_ref_func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
  instance = wasm_instance_new(store, module, &imports_vec, nullptr);
  CHECK(instance);
  wasm_instance_exports(instance, &exports);
  CHECK(exports.size == EXPORTS);
}

static void world_delete() {
  wasm_foreign_t* last = wasm_foreign_new(store);
  finalized = 0;
  wasm_foreign_set_host_info_with_finalizer(last, &finalized, count);
  wasm_foreign_delete(last);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host_func);
  wasm_func_delete(host_ref_func);
  wasm_module_delete(module);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

static void usable() {
  CHECK(std::uncaught_exceptions() == 0);
  CHECK(Thrown::alive == 0 && Counted::alive == 0);
  CHECK(call(ADD, 40, 2) == 42 && call(OUT, RETURNS) == 6);
}

static void pass_through() {
  for (int i = 0; i < 2000; ++i) {
    int caught = 0;
    try {
      call(OUT, i % 90);
      CHECK(!"returned");
    } catch (const Thrown& thrown) {
      CHECK(thrown.value == i % 90 && !std::strcmp(thrown.what(), "thrown by a callback"));
      caught = 1;
    }
    CHECK(caught);
    try {
      call(OUT, THROWS_INT);
      CHECK(!"returned");
    } catch (int value) {
      CHECK(value == 42);
    }
    if (i % 100 == 0) usable();
  }
  // The host function itself is called.
  try {
    wasm_val_t in = WASM_I32_VAL(8), out;
    wasm_val_vec_t args = {1, &in}, results = {1, &out};
    wasm_trap_delete(wasm_func_call(host_func, &args, &results));
    CHECK(!"returned");
  } catch (const Thrown& thrown) {
    CHECK(thrown.value == 8);
  }
  usable();
}

static void past_callbacks() {
  try {
    call(OUT, RETHROWS);
    CHECK(!"returned");
  } catch (const Thrown& thrown) {
    CHECK(thrown.value == 4);
  }
  CHECK(call(OUT, CATCHES) == 41);
  for (int depth = 0; depth < 50; ++depth) {
    try {
      call(OUT, NESTS + depth);
      CHECK(!"returned");
    } catch (const Thrown& thrown) {
      CHECK(thrown.value == 7);
    }
    usable();
  }
}

// What the callback is lent is given back.
static void with_references() {
  int freed = 0;
  for (int i = 0; i < 500; ++i) {
    wasm_foreign_t* foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &freed, count);
    try {
      wasm_val_t in[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)), WASM_I32_VAL(i % 90)};
      wasm_val_vec_t args = {2, in}, results = WASM_EMPTY_VEC;
      wasm_func_t* func = i % 2 ? wasm_extern_as_func(exports.data[OUT_REF]) : host_ref_func;
      wasm_trap_delete(wasm_func_call(func, &args, &results));
      CHECK(!"returned");
    } catch (const Thrown& thrown) {
      CHECK(thrown.value == i % 90);
    }
    wasm_foreign_delete(foreign);
  }
  usable();
  world_delete();
  CHECK(freed == 500);
  world_new();
}

static void out_of_a_start_function() {
  const char wat[] = "(module (import \"\" \"host\" (func $host (param i32) (result i32)))"
                     " (func $start (drop (call $host (i32.const 3)))) (start $start))";
  wasm_byte_vec_t text = {sizeof wat - 1, const_cast<char*>(wat)}, binary;
  CHECK(libwasm_wat2wasm(&text, &binary));
  wasm_module_t* starts = wasm_module_new(store, &binary);
  wasm_byte_vec_delete(&binary);
  for (int i = 0; i < 300; ++i) {
    try {
      wasm_extern_t* imports[] = {wasm_func_as_extern(host_func)};
      wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
      wasm_trap_t* trap = nullptr;
      wasm_instance_t* none = wasm_instance_new(store, starts, &imports_vec, &trap);
      CHECK(!none && !"returned");
    } catch (const Thrown& thrown) {
      CHECK(thrown.value == 3);
    }
  }
  wasm_module_delete(starts);
  usable();
}

// Nobody catches it: the frames of main and below have no handler while this runs.
static void nobody_catches() {
  wasm_val_t in = WASM_I32_VAL(11), out;
  wasm_val_vec_t args = {1, &in}, results = {1, &out};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[OUT]), &args, &results);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_HOST);
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  CHECK(std::strstr(message.data, "exception"));
  wasm_byte_vec_delete(&message);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 1);
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  usable();
}

int main() {
  world_new();
  usable();
  nobody_catches();
  pass_through();
  past_callbacks();
  with_references();
  out_of_a_start_function();
  nobody_catches();
  world_delete();
  return 0;
}
