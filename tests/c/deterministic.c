// Results that are the same on every processor: one NaN, and relaxed vector instructions by the specification's deterministic profile.

#include "check.h"

static wasm_engine_t* engine_with(bool deterministic) {
  wasm_config_t* config = check_config();
  libwasm_config_set_deterministic(config, deterministic);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  CHECK(engine);
  return engine;
}

static wasm_store_t* store_with(bool deterministic) {
  wasm_engine_t* engine = engine_with(deterministic);
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_engine_delete(engine);
  return store;
}

// Calls a function of i64 that gives an i64.
static uint64_t call(wasm_func_t* func, size_t count, const uint64_t args[]) {
  wasm_val_t in[3], out;
  for (size_t i = 0; i < count; i++) in[i] = (wasm_val_t)WASM_I64_VAL((int64_t)args[i]);
  wasm_val_vec_t in_vec = {count, in}, out_vec = {1, &out};
  CHECK(wasm_func_call(func, &in_vec, &out_vec) == NULL);
  return (uint64_t)out.of.i64;
}

// How the bits of a float come and go: as an i64, of which a float of 32 bits is the low half, and each lane of a vector the same.
typedef struct {
  const char* type;
  const char* from;
  const char* to;
  int bits;
} format_t;

static const format_t formats[] = {
    {"f32", "(f32.reinterpret_i32 (i32.wrap_i64 (local.get %d)))", "(i64.extend_i32_u (i32.reinterpret_f32 %s))", 32},
    {"f64", "(f64.reinterpret_i64 (local.get %d))", "(i64.reinterpret_f64 %s)", 64},
    {"f32x4", "(i32x4.splat (i32.wrap_i64 (local.get %d)))", "(i64.extend_i32_u (i32x4.extract_lane 2 %s))", 32},
    {"f64x2", "(i64x2.splat (local.get %d))", "(i64x2.extract_lane 1 %s)", 64},
};

static const char* const unary[] = {"ceil", "floor", "trunc", "nearest", "sqrt", "abs", "neg"};
static const char* const binary[] = {"add", "sub", "mul", "div", "min", "max"};
static const char* const vector_binary[] = {"pmin", "pmax", "relaxed_min", "relaxed_max"};
static const char* const ternary[] = {"relaxed_madd", "relaxed_nmadd"};

static const uint64_t inputs32[] = {0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
                                    0x7f800001, 0xff800001, 0x7fa12345, 0xffe54321, 0x7f7fffff, 0x00000001, 0x3fc00000, 0xcb000001};
static const uint64_t inputs64[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 0xfff0000000000001, 0x7ff4123456789abc, 0xfffcba9876543210,
    0x7fefffffffffffff, 0x0000000000000001, 0x3ff8000000000000, 0xc330000000000001};
enum { INPUTS = sizeof inputs32 / sizeof inputs32[0] };

static bool is_nan(int bits, uint64_t x) {
  return bits == 32 ? (x & 0x7fffffff) > 0x7f800000 : (x & INT64_MAX) > 0x7ff0000000000000;
}

static uint64_t canonical(int bits) { return bits == 32 ? 0x7fc00000 : 0x7ff8000000000000; }

// Whether the operation passes the bits of a NaN on.
static bool passes_on(const char* op) { return !strcmp(op, "abs") || !strcmp(op, "neg") || op[0] == 'p'; }

// Compares an operation of `count` operands in both stores: what is a NaN is the one, all else is the same. Gives the number of NaNs.
static int compare(wasm_store_t* stores[2], const format_t* format, const char* op, int count) {
  char operands[512] = "", operation[768], text[1024];
  for (int i = 0; i < count; i++) {
    char operand[128];
    snprintf(operand, sizeof operand, format->from, i);
    strcat(operands, operand);
  }
  snprintf(operation, sizeof operation, "(%s.%s %s)", format->type, op, operands);
  int end = snprintf(text, sizeof text, "(module (func (export \"f\")%s (result i64) ",
                     count == 1 ? "(param i64)" : count == 2 ? "(param i64 i64)" : "(param i64 i64 i64)");
  end += snprintf(text + end, sizeof text - (size_t)end, format->to, operation);
  snprintf(text + end, sizeof text - (size_t)end, "))");
  wasm_instance_t* instances[2];
  wasm_func_t* funcs[2];
  for (int i = 0; i < 2; i++) {
    instances[i] = check_instance(stores[i], text, 0);
    funcs[i] = check_func(instances[i], 0);
  }
  int nans = 0;
  const uint64_t* inputs = format->bits == 32 ? inputs32 : inputs64;
  for (size_t a = 0; a < INPUTS; a++) {
    for (size_t b = 0; b < (count > 1 ? INPUTS : 1); b++) {
      for (size_t c = 0; c < (count > 2 ? INPUTS : 1); c++) {
        uint64_t args[3] = {inputs[a], inputs[b], inputs[c]};
        uint64_t here = call(funcs[0], (size_t)count, args), same = call(funcs[1], (size_t)count, args);
        bool relaxed = strncmp(op, "relaxed", 7) == 0;
        if (passes_on(op)) {
          CHECK(here == same);
        } else if (is_nan(format->bits, same)) {
          CHECK(same == canonical(format->bits));
          CHECK(relaxed || is_nan(format->bits, here));
          nans++;
        } else {
          CHECK(relaxed || here == same);
        }
      }
    }
  }
  for (int i = 0; i < 2; i++) {
    wasm_func_delete(funcs[i]);
    wasm_instance_delete(instances[i]);
  }
  return nans;
}

static void one_nan(void) {
  wasm_store_t* stores[2] = {store_with(false), store_with(true)};
#define EACH(list, count)                                                                \
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {                            \
    int nans = compare(stores, &formats[f], list[i], count);                             \
    CHECK(passes_on(list[i]) ? nans == 0 : nans >= 6);                                   \
  }
  for (size_t f = 0; f < 4; f++) {
    EACH(unary, 1);
    EACH(binary, 2);
    if (f < 2) continue;
    EACH(vector_binary, 2);
    EACH(ternary, 3);
  }
  wasm_store_delete(stores[0]);
  wasm_store_delete(stores[1]);
}

// Conversions between floats; constants, which the compiler may compute with; and what the host gives and gets.
static void nans_of_other_origins(void) {
  wasm_store_t* store = store_with(true);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (memory 1) (data (i32.const 65532) \"\\45\\23\\a1\\ff\")"
      "  (func (export \"demote\") (param i64) (result i64)"
      "    (i64.extend_i32_u (i32.reinterpret_f32 (f32.demote_f64 (f64.reinterpret_i64 (local.get 0))))))"
      "  (func (export \"promote\") (param i64) (result i64)"
      "    (i64.reinterpret_f64 (f64.promote_f32 (f32.reinterpret_i32 (i32.wrap_i64 (local.get 0))))))"
      "  (func (export \"demote lanes\") (param i64) (result i64)"
      "    (i64.extend_i32_u (i32x4.extract_lane 1 (f32x4.demote_f64x2_zero (i64x2.splat (local.get 0))))))"
      "  (func (export \"promote lanes\") (param i64) (result i64)"
      "    (i64x2.extract_lane 1 (f64x2.promote_low_f32x4 (i32x4.splat (i32.wrap_i64 (local.get 0))))))"
      "  (func (export \"zero by zero\") (param i64) (result i64)"
      "    (i64.extend_i32_u (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))))"
      "  (func (export \"constant\") (param i64) (result i64)"
      "    (i64.reinterpret_f64 (f64.add (f64.const -nan:0x4000000000001) (f64.const 1))))"
      "  (func (export \"memory\") (param i64) (result i64)"
      "    (i64.extend_i32_u (i32.reinterpret_f32 (f32.sub (f32.const 1) (f32.load (i32.const 65532))))))"
      "  (func (export \"same\") (param f32) (result f32) (local.get 0))"
      "  (func (export \"twice\") (param f32) (result f32) (f32.add (local.get 0) (local.get 0))))",
      0);
  for (size_t i = 0; i < 7; i++) {
    wasm_func_t* func = check_func(instance, i);
    const uint64_t* inputs = i == 1 || i == 3 ? inputs32 : inputs64;
    int bits = i == 1 || i == 3 || i == 5 ? 64 : 32;
    for (size_t a = 8; a < 12; a++) CHECK(call(func, 1, &inputs[a]) == canonical(bits));
    wasm_func_delete(func);
  }
  for (size_t i = 7; i < 9; i++) {
    wasm_func_t* func = check_func(instance, i);
    uint32_t bits = 0xffa12345;
    wasm_val_t arg = {.kind = WASM_F32}, result;
    memcpy(&arg.of.f32, &bits, 4);
    wasm_val_vec_t args = {1, &arg}, results = {1, &result};
    CHECK(wasm_func_call(func, &args, &results) == NULL);
    memcpy(&bits, &result.of.f32, 4);
    CHECK(bits == (i == 7 ? 0xffa12345 : 0x7fc00000));
    wasm_func_delete(func);
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Each relaxed instruction where processors differ, in its deterministic profile.
static const struct {
  const char* operation;
  uint64_t low, high;
} profile[] = {
    {"(i8x16.relaxed_swizzle (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)"
     "  (v128.const i8x16 0 15 16 17 31 32 127 128 129 255 8 7 6 5 4 3))",
     0x0000000000001001, 0x0405060708090000},
    {"(i32x4.relaxed_trunc_f32x4_s (v128.const f32x4 nan 3e9 -3e9 -1.5))", 0x7fffffff00000000, 0xffffffff80000000},
    {"(i32x4.relaxed_trunc_f32x4_u (v128.const f32x4 nan 5e9 -3e9 3e9))", 0xffffffff00000000, 0xb2d05e0000000000},
    {"(i32x4.relaxed_trunc_f64x2_s_zero (v128.const f64x2 nan 3e9))", 0x7fffffff00000000, 0},
    {"(i32x4.relaxed_trunc_f64x2_u_zero (v128.const f64x2 -1 5e9))", 0xffffffff00000000, 0},
    // The square of 1 + 2^-12 is 1 + 2^-11 + 2^-24, of which the last is lost when it is rounded.
    {"(f32x4.relaxed_madd (f32x4.splat (f32.const 0x1.001p0)) (f32x4.splat (f32.const 0x1.001p0))"
     "  (f32x4.splat (f32.const -0x1.002p0)))",
     0, 0},
    {"(f32x4.relaxed_nmadd (f32x4.splat (f32.const 0x1.001p0)) (f32x4.splat (f32.const 0x1.001p0))"
     "  (f32x4.splat (f32.const 0x1.002p0)))",
     0, 0},
    {"(f64x2.relaxed_madd (f64x2.splat (f64.const 0x1.0000002p0)) (f64x2.splat (f64.const 0x1.0000002p0))"
     "  (f64x2.splat (f64.const -0x1.0000004p0)))",
     0, 0},
    {"(f64x2.relaxed_nmadd (f64x2.splat (f64.const 0x1.0000002p0)) (f64x2.splat (f64.const 0x1.0000002p0))"
     "  (f64x2.splat (f64.const 0x1.0000004p0)))",
     0, 0},
    {"(i8x16.relaxed_laneselect (i8x16.splat (i32.const 0xff)) (i8x16.splat (i32.const 0)) (i8x16.splat (i32.const 0x81)))",
     0x8181818181818181, 0x8181818181818181},
    {"(i16x8.relaxed_laneselect (i16x8.splat (i32.const 0xffff)) (i16x8.splat (i32.const 0)) (i16x8.splat (i32.const 0x8101)))",
     0x8101810181018101, 0x8101810181018101},
    {"(i32x4.relaxed_laneselect (i32x4.splat (i32.const -1)) (i32x4.splat (i32.const 0)) (i32x4.splat (i32.const 0x80000001)))",
     0x8000000180000001, 0x8000000180000001},
    {"(i64x2.relaxed_laneselect (i64x2.splat (i64.const 0)) (i64x2.splat (i64.const -1)) (i64x2.splat (i64.const 0x7fffffffffffffff)))",
     0x8000000000000000, 0x8000000000000000},
    {"(f32x4.relaxed_min (v128.const f32x4 nan:0x200001 1 0 -0) (v128.const f32x4 1 -nan 0 0))", 0x7fc000007fc00000,
     0x8000000000000000},
    {"(f32x4.relaxed_max (v128.const f32x4 -nan 1 0 -0) (v128.const f32x4 1 nan:0x200001 -0 0))", 0x7fc000007fc00000, 0},
    {"(f64x2.relaxed_min (v128.const f64x2 -nan 0) (v128.const f64x2 1 -0))", 0x7ff8000000000000, 0x8000000000000000},
    {"(f64x2.relaxed_max (v128.const f64x2 1 -0) (v128.const f64x2 nan:0x4000000000001 0))", 0x7ff8000000000000, 0},
    {"(i16x8.relaxed_q15mulr_s (i16x8.splat (i32.const -32768)) (v128.const i16x8 -32768 0 1 -1 -32768 0 1 -1))",
     0x0001ffff00007fff, 0x0001ffff00007fff},
    {"(i16x8.relaxed_dot_i8x16_i7x16_s (i8x16.splat (i32.const -128))"
     "  (v128.const i8x16 -127 -127 -128 -128 127 127 -1 0 0 -1 1 1 127 -128 0 0))",
     0x0080810080007f00, 0x00000080ff000080},
    {"(i32x4.relaxed_dot_i8x16_i7x16_add_s (i8x16.splat (i32.const -128))"
     "  (v128.const i8x16 -127 -127 -127 -127 -128 -128 -128 -128 127 127 127 127 -1 0 0 0) (v128.const i32x4 1 2 3 4))",
     0xffff00020000fe01, 0x00000084ffff0203},
};

static void deterministic_profile(void) {
  wasm_store_t* store = store_with(true);
  for (size_t i = 0; i < sizeof profile / sizeof profile[0]; i++) {
    for (uint64_t lane = 0; lane < 2; lane++) {
      char text[1024];
      snprintf(text, sizeof text, "(module (func (export \"f\") (result i64) (i64x2.extract_lane %d %s)))", (int)lane,
               profile[i].operation);
      wasm_instance_t* instance = check_instance(store, text, 0);
      wasm_func_t* func = check_func(instance, 0);
      uint64_t result = call(func, 0, NULL), expected = lane ? profile[i].high : profile[i].low;
      if (result != expected) {
        fprintf(stderr, "%s: lane %d: %016llx, not %016llx\n", profile[i].operation, (int)lane, (unsigned long long)result,
                (unsigned long long)expected);
      }
      CHECK(result == expected);
      wasm_func_delete(func);
      wasm_instance_delete(instance);
    }
  }
  wasm_store_delete(store);
}

static void artifacts_differ(void) {
  const char* text = "(module (func (export \"f\") (param f32) (result f32) (f32.add (local.get 0) (f32.const 1))))";
  wasm_store_t* stores[2] = {store_with(false), store_with(true)};
  for (int i = 0; i < 2; i++) {
    wasm_module_t* module = check_module(stores[i], text);
    wasm_byte_vec_t artifact;
    wasm_module_serialize(module, &artifact);
    wasm_module_delete(module);
    CHECK(module = wasm_module_deserialize(stores[i], &artifact));
    wasm_module_delete(module);
    CHECK_REASON(wasm_module_deserialize(stores[1 - i], &artifact) == NULL);
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARTIFACT && reason_says("deterministic results"));
    wasm_byte_vec_delete(&artifact);
  }
  wasm_store_delete(stores[0]);
  wasm_store_delete(stores[1]);
  CHECK_REASON((libwasm_config_set_deterministic(NULL, true), true));
}

int main(void) {
  one_nan();
  nans_of_other_origins();
  deterministic_profile();
  artifacts_differ();
  return 0;
}
