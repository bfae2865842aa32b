// The host's floating-point mode (rounding, flush to zero, denormals are zero, unmasked exceptions) does not reach a guest nor the
// compiler, and holds again in callbacks and after each call.

#include <float.h>
#include <math.h>
#include <xmmintrin.h>

#include "check.h"

enum { STATUS = 0x3f, MASKS = 0x1f80, DAZ = 0x40, FTZ = 0x8000, DOWN = 0x2000, UP = 0x4000, TO_ZERO = 0x6000, STANDARD = MASKS };

static const unsigned modes[] = {STANDARD, STANDARD | FTZ, STANDARD | DAZ, STANDARD | FTZ | DAZ, STANDARD | DOWN, STANDARD | UP, STANDARD | TO_ZERO,
                                 0, FTZ | DAZ | UP, STANDARD & ~0x400u};
enum { MODES = sizeof modes / sizeof *modes };

static unsigned mode(void) { return _mm_getcsr() & ~(unsigned)STATUS; }

// Sets the mode; false where this machine does not have it (valgrind has the rounding only).
static bool set_mode(unsigned wanted) {
  _mm_setcsr(wanted);
  if (mode() == wanted) return true;
  _mm_setcsr(STANDARD);
  return false;
}

static const char* const WAT =
    "(module (import \"\" \"host\" (func $host (param i32)))"
    " (import \"\" \"host_ref\" (func $host_ref (param externref) (result externref)))"
    " (memory 1)"
    " (func (export \"add\") (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))"
    " (func (export \"div\") (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1)))"
    " (func (export \"mul32\") (param f32 f32) (result f32) (f32.mul (local.get 0) (local.get 1)))"
    " (func (export \"demote\") (param f64) (result f32) (f32.demote_f64 (local.get 0)))"
    " (func (export \"sqrt\") (param f64) (result f64) (f64.sqrt (local.get 0)))"
    // The compiler computes these.
    " (func (export \"folded\") (result f64) (f64.add (f64.const 0x1p-1074) (f64.const 0x1p-1074)))"
    " (func (export \"folded third\") (result f64) (f64.div (f64.const 1) (f64.const 3)))"
    " (func (export \"text\") (result f64) (f64.const 0.1))"
    " (func (export \"out\") (param i32 f64 f64) (result f64)"
    "   (call $host (local.get 0)) (f64.div (local.get 1) (local.get 2)))"
    " (func (export \"out ref\") (param externref f64 f64) (result f64)"
    "   (drop (call $host_ref (local.get 0))) (f64.div (local.get 1) (local.get 2)))"
    " (func (export \"trap\") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))"
    " (func (export \"fault\") (result i32) (i32.load offset=65536 (i32.const 0)))"
    " (func $deep (export \"deep\") (param f64) (result f64) (f64.add (call $deep (local.get 0)) (local.get 0)))"
    " (func (export \"ref\") (param externref f64 f64) (result f64) (f64.div (local.get 1) (local.get 2))))";

enum { ADD, DIV, MUL32, DEMOTE, SQRT, FOLDED, FOLDED_THIRD, TEXT, OUT, OUT_REF, TRAP, FAULT, DEEP, REF, EXPORTS };

static wasm_store_t* store;
static wasm_func_t* funcs[EXPORTS];
static wasm_func_t* host_func;

static wasm_trap_t* call(wasm_func_t* func, size_t count, wasm_val_t* args, wasm_val_t* result) {
  wasm_val_vec_t in = {count, args}, out = {wasm_func_result_arity(func), result};
  unsigned before = mode();
  wasm_trap_t* trap = wasm_func_call(func, &in, &out);
  CHECK(mode() == before);
  return trap;
}

static double call_f64(int func, double a, double b) {
  wasm_val_t args[] = {WASM_F64_VAL(a), WASM_F64_VAL(b)}, result;
  CHECK(!call(funcs[func], wasm_func_param_arity(funcs[func]), args, &result));
  CHECK(result.kind == WASM_F64);
  return result.of.f64;
}

static float call_f32(int func, float a, float b) {
  wasm_val_t args[] = {WASM_F32_VAL(a), WASM_F32_VAL(b)}, result;
  CHECK(!call(funcs[func], 2, args, &result));
  return result.of.f32;
}

static uint64_t bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint32_t bits32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

#define THIRD 0x3fd5555555555555
#define TENTH 0x3fb999999999999a
#define DENORMAL 0x1p-1074

// What a guest computes. Integers are compared: the host's own comparisons could flush denormals.
static void computes(void) {
  CHECK(bits(call_f64(DIV, 1, 3)) == THIRD);
  CHECK(bits(call_f64(DIV, 2, 3)) == THIRD + (1ull << 52));
  CHECK(bits(call_f64(DIV, -1, 3)) == (THIRD | 1ull << 63));
  CHECK(bits(call_f64(ADD, DENORMAL, DENORMAL)) == 2);
  CHECK(bits(call_f64(ADD, 1, 0x1p-53)) == bits(1));
  CHECK(bits(call_f64(DIV, DBL_MIN, 4)) == 1ull << 50);
  CHECK(bits32(call_f32(MUL32, 0x1p-100f, 0x1p-40f)) == 1u << 9);
  CHECK(bits32(call_f32(MUL32, 0x1p-149f, 3)) == 3);
  CHECK(bits(call_f64(DIV, 1, 0)) == 0x7ff0000000000000);
  CHECK((bits(call_f64(DIV, 0, 0)) & 0x7ff8000000000000) == 0x7ff8000000000000);
  CHECK((bits(call_f64(SQRT, -1, 0)) & 0x7ff8000000000000) == 0x7ff8000000000000);
  CHECK(bits(call_f64(SQRT, 2, 0)) == 0x3ff6a09e667f3bcd);
  wasm_val_t arg = WASM_F64_VAL(0.1), result;
  CHECK(!call(funcs[DEMOTE], 1, &arg, &result) && bits32(result.of.f32) == 0x3dcccccd);
  arg.of.f64 = 0x1p-140;
  CHECK(!call(funcs[DEMOTE], 1, &arg, &result) && bits32(result.of.f32) == 1u << 9);
  CHECK(bits(call_f64(FOLDED, 0, 0)) == 2);
  CHECK(bits(call_f64(FOLDED_THIRD, 0, 0)) == THIRD);
  CHECK(bits(call_f64(TEXT, 0, 0)) == TENTH);
  wasm_val_t with_ref[] = {WASM_INIT_VAL, WASM_F64_VAL(1), WASM_F64_VAL(3)};
  CHECK(!call(funcs[REF], 3, with_ref, &result) && bits(result.of.f64) == THIRD);
}

static unsigned seen;         // the mode that the callback found
static unsigned left = ~0u;   // the mode that it leaves, if any

enum { GIVES, TRAPS, CALLS };

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  seen = mode();
  switch (args->data[0].of.i32) {
    case TRAPS: {
      wasm_message_t message = {5, (char*)"hosts"};
      wasm_trap_t* trap = wasm_trap_new(store, &message);
      if (left != ~0u) _mm_setcsr(left);
      return trap;
    }
    case CALLS:
      CHECK(bits(call_f64(DIV, 1, 3)) == THIRD);
      CHECK(bits(call_f64(ADD, DENORMAL, DENORMAL)) == 2);
      CHECK(mode() == seen);
  }
  if (left != ~0u) _mm_setcsr(left);
  return NULL;
}

static wasm_trap_t* host_ref(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  seen = mode();
  wasm_val_copy(&results->data[0], &args->data[0]);
  if (left != ~0u) _mm_setcsr(left);
  return NULL;
}

// Callbacks run in the host's mode, and the guest goes on in its own, whatever mode a callback leaves. That ends with the call.
static void calls_back(unsigned host_mode) {
  wasm_val_t result;
  for (int what = GIVES; what <= CALLS; ++what) {
    wasm_val_t args[] = {WASM_I32_VAL(what), WASM_F64_VAL(1), WASM_F64_VAL(3)};
    seen = 1;
    wasm_trap_t* trap = call(funcs[OUT], 3, args, &result);
    CHECK(seen == host_mode && (trap != NULL) == (what == TRAPS));
    if (trap) wasm_trap_delete(trap);
    else CHECK(bits(result.of.f64) == THIRD);
    // Directly, without WebAssembly in between.
    seen = 1;
    trap = call(host_func, 1, args, &result);
    CHECK(seen == host_mode && (trap != NULL) == (what == TRAPS));
    if (trap) wasm_trap_delete(trap);
  }
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_val_t args[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)), WASM_F64_VAL(1), WASM_F64_VAL(3)};
  seen = 1;
  CHECK(!call(funcs[OUT_REF], 3, args, &result) && seen == host_mode && bits(result.of.f64) == THIRD);
  for (int i = 0; i < MODES; ++i) {
    if (!set_mode(modes[i])) continue;
    left = modes[i];
    for (int what = GIVES; what <= CALLS; ++what) {
      CHECK(set_mode(host_mode));
      wasm_val_t out_args[] = {WASM_I32_VAL(what), WASM_F64_VAL(1), WASM_F64_VAL(3)};
      wasm_trap_t* trap = call(funcs[OUT], 3, out_args, &result);
      CHECK(seen == host_mode);
      if (trap) wasm_trap_delete(trap);
      else CHECK(bits(result.of.f64) == THIRD);
    }
    CHECK(set_mode(host_mode));
    CHECK(!call(funcs[OUT_REF], 3, args, &result));
    CHECK(seen == host_mode && bits(result.of.f64) == THIRD);
    left = ~0u;
  }
  CHECK(set_mode(host_mode));
  wasm_foreign_delete(foreign);
}

static void traps(void) {
  wasm_val_t arg = WASM_I32_VAL(0), result;
  wasm_trap_t* trap = call(funcs[TRAP], 1, &arg, &result);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO);
  wasm_trap_delete(trap);
  trap = call(funcs[FAULT], 0, NULL, &result);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  wasm_trap_delete(trap);
  wasm_val_t number = WASM_F64_VAL(1);
  trap = call(funcs[DEEP], 1, &number, &result);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
}

static void in_mode(unsigned host_mode) {
  // Text is read, a module compiled, instantiated and run.
  store = check_store();
  wasm_module_t* module = check_module(store, WAT);
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  host_func = wasm_func_new(store, type, host);
  wasm_functype_delete(type);
  type = wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
  wasm_func_t* host_ref_func = wasm_func_new(store, type, host_ref);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(host_func), wasm_func_as_extern(host_ref_func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports), exports;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports_vec, NULL);
  CHECK(instance && mode() == host_mode);
  wasm_instance_exports(instance, &exports);
  CHECK(exports.size == EXPORTS);
  for (int i = 0; i < EXPORTS; ++i) funcs[i] = wasm_extern_as_func(exports.data[i]);
  for (int round = 0; round < 2; ++round) {
    computes();
    calls_back(host_mode);
    traps();
    computes();
  }
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host_ref_func);
  wasm_func_delete(host_func);
  wasm_module_delete(module);
  wasm_store_delete(store);
  CHECK(mode() == host_mode);
}

// A start function runs in the guest's mode too, whatever its callback leaves.
static void starts(unsigned host_mode) {
  store = check_store();
  wasm_module_t* module = check_module(store,
      "(module (import \"\" \"host\" (func $host (param i32))) (global $g (export \"g\") (mut f64) (f64.const 0))"
      " (func $start (call $host (i32.const 0)) (global.set $g (f64.div (f64.const 1) (f64.convert_i32_u (memory.grow (i32.const 3))))))"
      " (memory 3) (start $start))");
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(store, type, host);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
  left = STANDARD | UP;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports_vec, NULL);
  CHECK(instance && seen == host_mode && mode() == host_mode);
  left = ~0u;
  wasm_global_t* global = check_global(instance, 0);
  wasm_val_t value;
  wasm_global_get(global, &value);
  CHECK(bits(value.of.f64) == THIRD);
  wasm_global_delete(global);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

// Status flags are no part of the mode: raised or not, by the guest or the host, nothing is switched for them.
static void status_flags(void) {
  _mm_setcsr(STANDARD | STATUS);
  in_mode(STANDARD);
  _mm_setcsr(STANDARD | UP | STATUS);
  in_mode(STANDARD | UP);
}

int main(void) {
  for (int i = 0; i < MODES; ++i) {
    if (!set_mode(modes[i])) continue;
    in_mode(modes[i]);
    starts(modes[i]);
  }
  status_flags();
  return 0;
}
