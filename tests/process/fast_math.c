// A program built with -ffast-math, whose start-up sets flush to zero and denormals are zero for every thread.

#include <pthread.h>
#include <xmmintrin.h>

#include "check.h"

static const char* const WAT =
    "(module"
    " (func (export \"mul\") (param f32 f32) (result f32) (f32.mul (local.get 0) (local.get 1)))"
    " (func (export \"folded\") (result f32) (f32.mul (f32.const 0x1p-100) (f32.const 0x1p-40))))";

static wasm_store_t* store;
static wasm_instance_t* instance;

static uint32_t call(size_t export, uint32_t a, uint32_t b) {
  wasm_func_t* func = check_func(instance, export);
  wasm_val_t in[2] = {WASM_F32_VAL(0), WASM_F32_VAL(0)}, out;
  memcpy(&in[0].of.i32, &a, sizeof a);
  memcpy(&in[1].of.i32, &b, sizeof b);
  wasm_val_vec_t args = {wasm_func_param_arity(func), in}, results = {1, &out};
  CHECK(!wasm_func_call(func, &args, &results));
  wasm_func_delete(func);
  uint32_t bits;
  memcpy(&bits, &out.of.i32, sizeof bits);
  return bits;
}

static void* run(void* unused) {
  CHECK((_mm_getcsr() & 0x8040) == 0x8040);
  // 2^-100 × 2^-40 is a denormal number; so is the smallest one, times 3.
  CHECK(call(0, 27u << 23, 87u << 23) == 1u << 9);
  CHECK(call(0, 1, 0x40400000) == 3);
  CHECK(call(1, 0, 0) == 1u << 9);
  CHECK((_mm_getcsr() & 0x8040) == 0x8040);
  return unused;
}

int main(void) {
  store = check_store();
  instance = check_instance(store, WAT, 0);
  run(NULL);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
  pthread_join(thread, NULL);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  return 0;
}
