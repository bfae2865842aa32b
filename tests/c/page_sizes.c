// Memories whose pages have one byte: they end anywhere, also within a page of the host's, and no access looks beyond.

#include "check.h"

static wasm_store_t* new_store(void) {
  wasm_config_t* config = check_config();
  libwasm_config_set_custom_page_sizes(config, true);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_engine_delete(engine);
  return store;
}

// Calls a function of `i32`s or `i64`s, and at most one result, whose low bits are given.
static wasm_trap_t* call(const wasm_func_t* func, int64_t* result, int count, const int64_t* arguments) {
  wasm_functype_t* type = wasm_func_type(func);
  const wasm_valtype_vec_t* params = wasm_functype_params(type);
  CHECK(params->size == (size_t)count);
  wasm_val_t args[4], out = WASM_I64_VAL(0);
  for (int i = 0; i < count; i++) {
    bool wide = wasm_valtype_kind(params->data[i]) == WASM_I64;
    args[i] = wide ? (wasm_val_t)WASM_I64_VAL(arguments[i]) : (wasm_val_t)WASM_I32_VAL((int32_t)arguments[i]);
  }
  wasm_functype_delete(type);
  wasm_val_vec_t in = {(size_t)count, args}, results = {wasm_func_result_arity(func), &out};
  wasm_trap_t* trap = wasm_func_call(func, &in, &results);
  *result = out.kind == WASM_I32 ? out.of.i32 : out.of.i64;
  return trap;
}

static int64_t value_of(const wasm_instance_t* instance, size_t index, int count, int64_t a, int64_t b) {
  wasm_func_t* func = check_func(instance, index);
  int64_t result;
  CHECK(!call(func, &result, count, (int64_t[]){a, b}));
  wasm_func_delete(func);
  return result;
}

static void traps(const wasm_instance_t* instance, size_t index, const char* words, int count, int64_t a, int64_t b) {
  wasm_func_t* func = check_func(instance, index);
  int64_t result;
  wasm_trap_t* trap = call(func, &result, count, (int64_t[]){a, b});
  CHECK(trap && trap_says(trap, words));
  wasm_trap_delete(trap);
  wasm_func_delete(func);
}

static const struct { const char *load, *store; unsigned size; } ACCESSES[] = {
    {"(i64.load8_u", "(i64.store8", 1},
    {"(i64.load16_s", "(i64.store16", 2},
    {"(i64.load32_u", "(i64.store32", 4},
    {"(i64.load", "(i64.store", 8},
    {"(i64.reinterpret_f64 (f64.load", NULL, 8},
    // What could be folded into an instruction that reads more.
    {"(i64.reinterpret_f64 (f64.copysign (f64.const 1) (f64.load", NULL, 8},
    {"(i64.extend_i32_s (i32.reinterpret_f32 (f32.copysign (f32.const 1) (f32.load", NULL, 4},
    {"(i64x2.extract_lane 0 (v128.load", NULL, 16},
    {"(i64x2.extract_lane 0 (v128.load8x8_u", NULL, 8},
    {"(i64x2.extract_lane 0 (v128.load8_splat", NULL, 1},
    {"(i64x2.extract_lane 0 (v128.load16_splat", NULL, 2},
    {"(i64x2.extract_lane 0 (v128.load32_zero", NULL, 4},
    {"(i64x2.extract_lane 0 (i16x8.extend_low_i8x16_u (v128.load64_zero", NULL, 8},
    {"(i64x2.extract_lane 0 (f64x2.promote_low_f32x4 (v128.load64_zero", NULL, 8},
};
enum { ACCESS_COUNT = sizeof ACCESSES / sizeof *ACCESSES };

static int parentheses(const char* text) {
  int count = 0;
  for (; *text; text++) count += (*text == '(') - (*text == ')');
  return count;
}

// Every access at every address around the end of memories of so many bytes: known when they are compiled, and grown to.
static void accesses(int64_t bytes, bool wide, bool grown) {
  static char text[1 << 15];
  const char* type = wide ? "i64" : "i32";
  int n = sprintf(text, "(module (memory (export \"m\") %s %ld (pagesize 1)) (func (export \"grow\") (param %s) (result %s)"
                  "  (memory.grow (local.get 0))) (func (export \"size\") (result %s) (memory.size))", type,
                  grown ? 0L : (long)bytes, type, type, type);
  for (int i = 0; i < ACCESS_COUNT; i++) {
    for (int offset = 0; offset < 8; offset += 7) {
      n += sprintf(text + n, "(func (param %s) (result i64) %s offset=%d (local.get 0)", type, ACCESSES[i].load, offset);
      for (int close = parentheses(ACCESSES[i].load); close > 0; close--) text[n++] = ')';
      n += sprintf(text + n, ") (export \"l%d.%d\" (func %d))", i, offset, 2 + 2 * i + offset / 7);
    }
  }
  for (int i = 0; i < ACCESS_COUNT; i++) {
    if (!ACCESSES[i].store) continue;
    n += sprintf(text + n, "(func (export \"s%d\") (param %s i64) %s (local.get 0) (local.get 1)))", i, type, ACCESSES[i].store);
  }
  sprintf(text + n, ")");
  wasm_store_t* store = new_store();
  wasm_instance_t* instance = check_instance(store, text, 0);
  if (grown) CHECK(value_of(instance, 1, 1, bytes, 0) == 0);
  CHECK(value_of(instance, 2, 0, 0, 0) == bytes);
  wasm_memory_t* memory = check_memory(instance, 0);
  CHECK(wasm_memory_data_size(memory) == (size_t)bytes && wasm_memory_size(memory) == bytes && libwasm_memory_size(memory) == (uint64_t)bytes);
  if (bytes > 0) memset(wasm_memory_data(memory), 0xab, (size_t)bytes);
  size_t index = 3;
  for (int i = 0; i < ACCESS_COUNT; i++) {
    for (int offset = 0; offset < 8; offset += 7) {
      wasm_func_t* func = check_func(instance, index++);
      for (int64_t address = bytes - 25; address <= bytes + 1; address++) {
        int64_t result, start = wide ? address : (int64_t)(uint32_t)address;
        bool inside = start >= 0 && start + offset + ACCESSES[i].size <= bytes;
        wasm_trap_t* trap = call(func, &result, 1, &address);
        CHECK((trap == NULL) == inside);
        if (trap) CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
        if (trap) wasm_trap_delete(trap);
        if (i == 0 && inside) CHECK(result == 0xab);
      }
      wasm_func_delete(func);
    }
  }
  for (int i = 0; i < ACCESS_COUNT; i++) {
    if (!ACCESSES[i].store) continue;
    wasm_func_t* func = check_func(instance, index++);
    for (int64_t address = bytes - 10; address <= bytes + 1; address++) {
      int64_t result, start = wide ? address : (int64_t)(uint32_t)address;
      bool inside = start >= 0 && start + ACCESSES[i].size <= bytes;
      wasm_trap_t* trap = call(func, &result, 2, (int64_t[]){address, 0});
      CHECK((trap == NULL) == inside);
      if (trap) wasm_trap_delete(trap);
    }
    wasm_func_delete(func);
  }
  wasm_memory_delete(memory);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Instances one after the other find their memory as it is at first, to the last byte, and zeros where it grows.
static void reused(const char* data, int64_t bytes) {
  static char text[1 << 17];
  snprintf(text, sizeof text,
      "(module (memory $other 1) (memory $m (export \"m\") %ld 100000 (pagesize 1)) (data (memory $m) (i32.const 3) \"%s\")"
      "  (data $d \"0123456789\")"
      "  (func (export \"grow\") (param i32) (result i32) (memory.grow $m (local.get 0)))"
      "  (func (export \"fill\") (param i32 i32) (memory.fill $m (local.get 0) (i32.const 0xcd) (local.get 1)))"
      "  (func (export \"init\") (param i32) (memory.init $m $d (local.get 0) (i32.const 0) (i32.const 10)))"
      "  (func (export \"copy\") (param i32) (memory.copy $m $other (local.get 0) (i32.const 0) (i32.const 2))))", (long)bytes, data);
  wasm_store_t* store = new_store();
  wasm_module_t* module = check_module(store, text);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  int64_t size = (int64_t)strlen(data);
  for (int round = 0; round < 6; round++) {
    if (round == 3) {
      wasm_byte_vec_t artifact;
      wasm_module_serialize(module, &artifact);
      wasm_module_delete(module);
      CHECK((module = wasm_module_deserialize(store, &artifact)));
      wasm_byte_vec_delete(&artifact);
    }
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    CHECK(instance);
    wasm_memory_t* memory = check_memory(instance, 0);
    for (int64_t length = bytes;;) {
      CHECK(wasm_memory_data_size(memory) == (size_t)length);
      for (int64_t i = 0; i < length; i++) {
        char wanted = i < 3 || i >= 3 + size ? 0 : data[i - 3];
        if (wasm_memory_data(memory)[i] != wanted) CHECK(!"a fresh memory");
      }
      if (length == bytes + 9) break;
      CHECK(value_of(instance, 1, 1, round % 2 ? 9 : 1, 0) == length);
      length += round % 2 ? 9 : 1;
    }
    CHECK(libwasm_memory_grow(memory, 1) && wasm_memory_grow(memory, 5000));
    CHECK(wasm_memory_data(memory)[bytes + 10] == 0);
    int64_t end = bytes + 5010;
    CHECK(wasm_memory_data_size(memory) == (size_t)end);
    char words[100];
    snprintf(words, sizeof words, "out of bounds memory access: byte 0x%lx of memory 1, which has 0x%lx bytes", (long)end, (long)end);
    traps(instance, 2, words, 2, 0, end + 1);
    traps(instance, 2, words, 2, end, 1);
    traps(instance, 3, words, 1, end - 9, 0);
    traps(instance, 4, words, 1, end - 1, 0);
    value_of(instance, 3, 1, end - 10, 0);
    CHECK(memcmp(wasm_memory_data(memory) + end - 10, "0123456789", 10) == 0);
    value_of(instance, 4, 1, end - 2, 0);
    CHECK(memcmp(wasm_memory_data(memory) + end - 10, "01234567\0\0", 10) == 0);
    value_of(instance, 2, 2, 0, end);
    CHECK(!wasm_memory_grow(memory, 100000));
    wasm_memory_delete(memory);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static bool links(wasm_store_t* store, const char* wat, wasm_memory_t* memory) {
  wasm_module_t* module = check_module(store, wat);
  wasm_extern_t* list[] = {wasm_memory_as_extern(memory)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(list);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  return instance != NULL;
}

// What the host makes and sees; a page size matches itself only.
static void types(void) {
  wasm_store_t* store = new_store();
  libwasm_limits_t limits = {.min = 65536, .max = 100000, .has_max = true, .page_size = 1}, exact;
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  CHECK(type && libwasm_memorytype_limits(type, &exact) && check_same_limits(&exact, &limits));
  wasm_memory_t* bytes = wasm_memory_new(store, type);
  wasm_memorytype_delete(type);
  CHECK(bytes && wasm_memory_size(bytes) == 65536 && wasm_memory_data_size(bytes) == 65536);
  type = wasm_memory_type(bytes);
  CHECK(libwasm_memorytype_limits(type, &exact) && exact.page_size == 1 && exact.min == 65536);
  wasm_memorytype_delete(type);
  type = wasm_memorytype_new(&(wasm_limits_t){1, 2});
  wasm_memory_t* pages = wasm_memory_new(store, type);
  wasm_memorytype_delete(type);
  CHECK(links(store, "(module (import \"\" \"m\" (memory 65536 (pagesize 1))))", bytes));
  CHECK(links(store, "(module (import \"\" \"m\" (memory 1 (pagesize 65536))))", pages));
  CHECK_REASON(!links(store, "(module (import \"\" \"m\" (memory 1)))", bytes));
  CHECK(reason_says("expected memory 1, got memory 65536 100000 (pagesize 0x1)"));
  CHECK_REASON(!links(store, "(module (import \"\" \"m\" (memory 1 (pagesize 1))))", pages));
  CHECK(wasm_memory_grow(bytes, 1) && wasm_memory_data_size(bytes) == 65537 && !wasm_memory_grow(bytes, 65536));
  wasm_memory_delete(bytes);
  wasm_memory_delete(pages);
  // As many bytes as `memory.size` can tell, which is one less than there are addresses.
  limits = (libwasm_limits_t){.max = UINT32_MAX, .has_max = true, .page_size = 1};
  type = libwasm_memorytype_new(&limits);
  bytes = wasm_memory_new(store, type);
  CHECK(bytes && wasm_memory_size(bytes) == 0 && wasm_memory_grow(bytes, 1) && !wasm_memory_grow(bytes, UINT32_MAX));
  wasm_memory_delete(bytes);
  wasm_memorytype_delete(type);
  limits.max = 1ull << 32;
  type = libwasm_memorytype_new(&limits);
  CHECK_REASON(wasm_memory_new(store, type) == NULL && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  wasm_memorytype_delete(type);
  limits = (libwasm_limits_t){.min = UINT64_MAX, .index64 = true, .page_size = 1};
  type = libwasm_memorytype_new(&limits);
  CHECK_REASON(wasm_memory_new(store, type) == NULL);
  wasm_memorytype_delete(type);
  wasm_store_delete(store);
}

int main(void) {
  static const int64_t SIZES[] = {0, 1, 7, 16, 17, 4095, 4096, 4097, 65537};
  for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
    for (int form = 0; form < 4; form++) accesses(SIZES[i], form & 1, form & 2);
  }
  reused("hello", 8);
  reused("hello", 4096);
  // Enough to be mapped from a file, whose last page is not whole.
  static char data[40001];
  memset(data, 'x', sizeof data - 1);
  reused(data, 40003);
  reused(data, 50001);
  types();
  return 0;
}
