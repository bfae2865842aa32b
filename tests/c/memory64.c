// Memories with 64-bit addresses: every kind of access around every bound, growth, bulk operations, and what the host makes and sees.

#include "check.h"

#include <inttypes.h>

// `UINT64_MAX`: no maximum.
static libwasm_limits_t exact_limits(uint64_t min, uint64_t max, bool index64) {
  return (libwasm_limits_t){.min = min, .max = max, .has_max = max != UINT64_MAX, .index64 = index64};
}

static wasm_memory_t* new_memory(wasm_store_t* store, libwasm_limits_t limits) {
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  CHECK(type);
  wasm_memory_t* memory = wasm_memory_new(store, type);
  wasm_memorytype_delete(type);
  return memory;
}

// Calls a function of i64 parameters and at most one result, an i64 or an i32 of which the low bits are given.
static wasm_trap_t* call(const wasm_func_t* func, int64_t* result, int count, const int64_t* arguments) {
  wasm_val_t args[4], out = WASM_I64_VAL(0);
  for (int i = 0; i < count; i++) args[i] = (wasm_val_t)WASM_I64_VAL(arguments[i]);
  wasm_val_vec_t in = {(size_t)count, args}, results = {wasm_func_result_arity(func), &out};
  wasm_trap_t* trap = wasm_func_call(func, &in, &results);
  if (result) *result = out.kind == WASM_I32 ? out.of.i32 : out.of.i64;
  return trap;
}

static int64_t value_of(const wasm_instance_t* instance, size_t index, int count, int64_t a, int64_t b, int64_t c) {
  wasm_func_t* func = check_func(instance, index);
  int64_t result = 0;
  CHECK(!call(func, &result, count, (int64_t[]){a, b, c}));
  wasm_func_delete(func);
  return result;
}

static void traps(const wasm_instance_t* instance, size_t index, const char* words, int count, int64_t a, int64_t b, int64_t c) {
  wasm_func_t* func = check_func(instance, index);
  wasm_trap_t* trap = call(func, NULL, count, (int64_t[]){a, b, c});
  CHECK(trap && trap_says(trap, words));
  wasm_trap_delete(trap);
  wasm_func_delete(func);
}

// Offsets on both sides of the guard's end, of 32 bits and of 64.
static const uint64_t OFFSETS[] = {0, 1, 65528, 65536, 0x1fffff0, 0x1fffff8, 0x1ffffff, 0x2000000, 0x7fffffff, 0x80000000,
                                   0xffffffff, 0x100000000, 0xfffffffff, 0x7fffffffffffffff, 0x8000000000000000,
                                   0xfffffffffffffff0, 0xffffffffffffffff};
enum { OFFSET_COUNT = sizeof OFFSETS / sizeof *OFFSETS };
// Addresses on both sides of the memory's end, of what 32 bits reach, of what is reserved by default and its guard, and of everything.
static const uint64_t ADDRESSES[] = {0, 1, 8, 65519, 65520, 65521, 65528, 65529, 65532, 65533, 65535, 65536, 65537, 131072,
                                     0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x100000000, 0x100000008, 0x101ffffff, 0x102000000,
                                     0xfffffffff, 0x1000000000, 0x1001fffff8, 0x1001ffffff, 0x1002000000, 0x7fffffffffff,
                                     0x800000000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000, 0xfffffffffffffff0,
                                     0xfffffffffffffff8, 0xffffffffffffffff};
static const struct { const char *load, *store; unsigned size; } ACCESSES[] = {
    {"(i64.load8_u", "(i64.store8", 1},
    {"(i64.load16_s", "(i64.store16", 2},
    {"(i64.load32_u", "(i64.store32", 4},
    {"(i64.load", "(i64.store", 8},
    {"(i64x2.extract_lane 0 (v128.load", NULL, 16},
    {"(i64x2.extract_lane 0 (v128.load32x2_u", NULL, 8},
    {"(i64x2.extract_lane 0 (v128.load16_splat", NULL, 2},
};
enum { ACCESS_COUNT = sizeof ACCESSES / sizeof *ACCESSES };

// Every access at every address and offset: it traps if it ends beyond the memory, as natural numbers are added, and not otherwise.
static void accesses(const char* memory) {
  static char text[1 << 16];
  int n = sprintf(text, "(module (memory %s)", memory);
  for (int offset = 0; offset < OFFSET_COUNT; offset++) {
    for (int i = 0; i < ACCESS_COUNT; i++) {
      bool vector = ACCESSES[i].load[1] == 'i' && strstr(ACCESSES[i].load, "lane");
      n += sprintf(text + n, "(func (export \"l%d.%d\") (param i64) (result i64) %s offset=%" PRIu64 " (local.get 0))%s)\n", i, offset,
                   ACCESSES[i].load, OFFSETS[offset], vector ? ")" : "");
      if (ACCESSES[i].store)
        n += sprintf(text + n, "(func (export \"s%d.%d\") (param i64 i64) %s offset=%" PRIu64 " (local.get 0) (local.get 1)))\n", i, offset,
                     ACCESSES[i].store, OFFSETS[offset]);
    }
  }
  sprintf(text + n, ")");
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, text, 0);
  size_t index = 0;
  for (int offset = 0; offset < OFFSET_COUNT; offset++) {
    for (int i = 0; i < ACCESS_COUNT; i++) {
      for (int storing = 0; storing <= (ACCESSES[i].store != NULL); storing++) {
        wasm_func_t* func = check_func(instance, index++);
        for (size_t j = 0; j < sizeof ADDRESSES / sizeof *ADDRESSES; j++) {
          bool inside = ADDRESSES[j] <= 65536 && OFFSETS[offset] <= 65536 && ADDRESSES[j] + OFFSETS[offset] + ACCESSES[i].size <= 65536;
          int64_t result, arguments[] = {(int64_t)ADDRESSES[j], 0};
          wasm_trap_t* trap = call(func, &result, storing ? 2 : 1, arguments);
          if ((trap == NULL) != inside) {
            fprintf(stderr, "%s at %#" PRIx64 " offset %#" PRIx64 "\n", ACCESSES[i].load, ADDRESSES[j], OFFSETS[offset]);
            CHECK(!"the memory's bound");
          }
          if (trap) CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
          if (trap) wasm_trap_delete(trap);
        }
        wasm_func_delete(func);
      }
    }
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Indices whose bound is known when they are compiled, and that are larger than the memory all the same.
static void known_bounds(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store,
      "(module (memory i64 1 1) (data (i64.const 65535) \"\\07\")"
      "  (func (export \"extended\") (param i64) (result i32) (i32.load8_u (i64.extend_i32_u (i32.wrap_i64 (local.get 0)))))"
      "  (func (export \"masked\") (param i64) (result i32) (i32.load8_u offset=1 (i64.and (local.get 0) (i64.const 0xffff))))"
      "  (func (export \"sum\") (param i64) (result i32) (i32.load8_u"
      "    (i64.add (i64.const 0x1000000) (i64.extend_i32_u (i32.wrap_i64 (local.get 0))))))"
      "  (func (export \"wrapped\") (param i64) (result i32)"
      "    (i32.load8_u (i64.extend_i32_u (i32.add (i32.const 1) (i32.wrap_i64 (local.get 0))))))"
      "  (func (export \"negative\") (param i64) (result i32) (i32.load8_u (i64.add (i64.const -1) (i64.extend_i32_u"
      "    (i32.wrap_i64 (local.get 0))))))"
      "  (func (export \"scaled\") (param i64) (result i32)"
      "    (i32.load8_u (i64.shl (i64.and (local.get 0) (i64.const 0x1ffff)) (i64.const 64))))"
      "  (func (export \"far scaled\") (param i64) (result i32) (i32.load8_u offset=0xffff"
      "    (i64.shl (i64.and (local.get 0) (i64.const 0xfffff)) (i64.const 31))))"
      "  (func (export \"wrapped scaled\") (param i64) (result i32) (i32.load8_u (i64.add (i64.const 0xffff)"
      "    (i64.extend_i32_u (i32.shl (i32.and (i32.wrap_i64 (local.get 0)) (i32.const 0xff)) (i32.const 31))))))"
      "  (func (export \"summed twice\") (param i64) (result i32) (local i64)"
      "    (local.set 1 (i64.extend_i32_u (i32.wrap_i64 (local.get 0))))"
      "    (i32.load8_u (i64.shl (i64.add (local.get 1) (local.get 1)) (i64.const 31))))"
      "  (func (export \"constant\") (result i32) (i32.load8_u (i64.const 65535)))"
      "  (func (export \"far\") (result i32) (i32.load8_u (i64.const 0x1ffffffffff)))"
      "  (func (export \"last\") (result i32) (i32.load8_u (i64.const -1))))", 0);
  const char* words = "out of bounds memory access";
  CHECK(value_of(instance, 0, 1, 65535, 0, 0) == 7 && value_of(instance, 0, 1, 0x10000ffff, 0, 0) == 7);
  traps(instance, 0, words, 1, 65536, 0, 0);
  traps(instance, 0, words, 1, -1, 0, 0);
  CHECK(value_of(instance, 1, 1, 0x10fffe, 0, 0) == 7);
  traps(instance, 1, words, 1, 0xffff, 0, 0);
  traps(instance, 2, words, 1, 0, 0, 0);
  traps(instance, 2, words, 1, 0xffffffff, 0, 0);
  CHECK(value_of(instance, 3, 1, 65534, 0, 0) == 7 && value_of(instance, 3, 1, 0xffffffff, 0, 0) == 0);
  CHECK(value_of(instance, 4, 1, 65536, 0, 0) == 7);
  traps(instance, 4, words, 1, 0, 0, 0);
  CHECK(value_of(instance, 5, 1, 65535, 0, 0) == 7);
  traps(instance, 5, words, 1, 65536, 0, 0);
  CHECK(value_of(instance, 6, 1, 0, 0, 0) == 7);
  for (int64_t i = 1; i <= 0x80000; i *= 2) traps(instance, 6, words, 1, i, 0, 0);
  CHECK(value_of(instance, 7, 1, 2, 0, 0) == 7);
  traps(instance, 7, words, 1, 1, 0, 0);
  CHECK(value_of(instance, 8, 1, 0, 0, 0) == 0);
  for (int64_t i = 1; i <= 0x80000000; i *= 2) traps(instance, 8, words, 1, i, 0, 0);
  CHECK(value_of(instance, 9, 0, 0, 0, 0) == 7);
  traps(instance, 10, words, 0, 0, 0, 0);
  traps(instance, 11, words, 0, 0, 0, 0);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// What traps say: the byte, where the access faulted on it; a bound, where it was too far away for that.
static void messages(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store,
      "(module (memory 1) (memory $m i64 1) (data $d \"0123456789\")"
      "  (func (export \"load\") (param i64) (result i32) (i32.load $m offset=16 (local.get 0)))"
      "  (func (export \"fill\") (param i64 i64) (memory.fill $m (local.get 0) (i32.const 1) (local.get 1)))"
      "  (func (export \"copy\") (param i64 i64 i64) (memory.copy $m $m (local.get 0) (local.get 1) (local.get 2)))"
      "  (func (export \"init\") (param i64) (memory.init $m $d (local.get 0) (i32.const 0) (i32.const 10))))", 0);
  bool checked = check_mode_is_checked();
  const char* plain = "out of bounds memory access";
  traps(instance, 0, checked ? plain : "out of bounds memory access: byte 0x10010 of memory 1, which has 0x10000 bytes", 1, 65536, 0, 0);
  traps(instance, 0, checked ? plain : "out of bounds memory access: byte 0x100000010 of memory 1, which has 0x10000 bytes", 1, 0x100000000, 0, 0);
  traps(instance, 0, checked ? plain : "out of bounds memory access: byte 0x1000000010 or a later one of memory 1, which has 0x10000 bytes", 1, -1, 0, 0);
  traps(instance, 1, "out of bounds memory access: byte 0x10000 of memory 1, which has 0x10000 bytes", 2, 0, 0x100000001, 0);
  traps(instance, 1, "out of bounds memory access: byte 0xfffffffffffffff8 of memory 1, which has 0x10000 bytes", 2, -8, 16, 0);
  traps(instance, 2, "out of bounds memory access: byte 0x8000000000000000 of memory 1, which has 0x10000 bytes", 3, INT64_MIN, 0, 1);
  traps(instance, 2, "out of bounds memory access: byte 0x100000000 of memory 1, which has 0x10000 bytes", 3, 0, 0x100000000, 0);
  traps(instance, 3, "out of bounds memory access: byte 0x10000 of memory 1, which has 0x10000 bytes", 1, 65527, 0, 0);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Sizes and growth are 64 bits wide, and no sum of them wraps.
static void growth(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store,
      "(module (memory (export \"m\") i64 1) (func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0)))"
      "  (func (export \"size\") (result i64) (memory.size))"
      "  (func (export \"store\") (param i64 i64) (i64.store (local.get 0) (local.get 1)))"
      "  (func (export \"load\") (param i64) (result i64) (i64.load (local.get 0)))"
      "  (memory $full i64 2 3) (func (export \"grow full\") (param i64) (result i64) (memory.grow $full (local.get 0))))", 0);
  CHECK(value_of(instance, 1, 1, 2, 0, 0) == 1 && value_of(instance, 2, 0, 0, 0, 0) == 3);
  static const uint64_t TOO_MUCH[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2, 1ull << 63, 1ull << 48, (1ull << 48) - 3, (1ull << 48) - 2,
                                      1ull << 47, 1ull << 40};
  for (size_t i = 0; i < sizeof TOO_MUCH / sizeof *TOO_MUCH; i++) {
    CHECK(value_of(instance, 1, 1, (int64_t)TOO_MUCH[i], 0, 0) == -1 && value_of(instance, 2, 0, 0, 0, 0) == 3);
    CHECK(value_of(instance, 5, 1, (int64_t)TOO_MUCH[i], 0, 0) == -1);
  }
  CHECK(value_of(instance, 5, 1, 0x100000001, 0, 0) == -1 && value_of(instance, 5, 1, 1, 0, 0) == 2);
  wasm_memory_t* memory = check_memory(instance, 0);
  CHECK_NO_REASON(libwasm_memory_size(memory) == 3 && wasm_memory_size(memory) == 3);
  CHECK_REASON(!libwasm_memory_grow(memory, UINT64_MAX) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  if (!check_mode_is_checked()) {
    // 64 GiB are reserved, and more is not to be had.
    CHECK_REASON(!libwasm_memory_grow(memory, 1 << 21));
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT && reason_says("above its reservation: 68719476736 "));
  }
  CHECK(libwasm_memory_grow(memory, 1) && libwasm_memory_size(memory) == 4);
  // More than 32 bits can address, if the system has it. (valgrind could, but takes minutes.)
  if (!check_mode_is_checked()) {
    libwasm_last_error_clear();
    bool grown = libwasm_memory_grow(memory, 65536);
    CHECK(grown || libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
    if (grown) {
      CHECK(libwasm_memory_size(memory) == 65540 && value_of(instance, 2, 0, 0, 0, 0) == 65540);
      CHECK(wasm_memory_data_size(memory) == 65540ull << 16);
      value_of(instance, 3, 2, 0x100000010, 77, 0);
      CHECK(value_of(instance, 4, 1, 0x100000010, 0, 0) == 77 && value_of(instance, 4, 1, 16, 0, 0) == 0);
      CHECK(wasm_memory_data(memory)[0x100000010] == 77);
      traps(instance, 4, "out of bounds memory access: byte 0x100040000 of memory 0, which has 0x100040000 bytes", 1, 0x100040000 - 4, 0, 0);
    } else {
      fprintf(stderr, "no memory for more than 4 GiB\n");
    }
  }
  wasm_memory_delete(memory);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Copies between a memory of each width, both ways; their length is as wide as the narrower.
static void bulk(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store,
      "(module (memory $w (export \"w\") i64 2) (memory $n (export \"n\") 2) (data (memory $w) (i64.const 100) \"wide\")"
      "  (data (memory $n) (i32.const 200) \"narrow\") (data $d \"passive\")"
      "  (func (export \"copies\") (memory.copy $n $w (i32.const 0) (i64.const 100) (i32.const 4))"
      "    (memory.copy $w $n (i64.const 65536) (i32.const 200) (i32.const 6))"
      "    (memory.copy $w $w (i64.const 101) (i64.const 100) (i64.const 4))"
      "    (memory.fill $w (i64.const 131070) (i32.const 33) (i64.const 2))"
      "    (memory.init $w $d (i64.const 0) (i32.const 0) (i32.const 7)))"
      "  (func (export \"n beyond\") (memory.copy $w $n (i64.const 0) (i32.const -1) (i32.const 1)))"
      "  (func (export \"w beyond\") (memory.copy $n $w (i32.const 0) (i64.const 0x100000000) (i32.const 1))))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  for (int round = 0; round < 3; round++) {
    if (round == 2) {
      wasm_byte_vec_t artifact;
      wasm_module_serialize(module, &artifact);
      wasm_module_delete(module);
      CHECK((module = wasm_module_deserialize(store, &artifact)));
      wasm_byte_vec_delete(&artifact);
    }
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    wasm_memory_t *w = check_memory(instance, 0), *n = check_memory(instance, 1);
    CHECK(memcmp(wasm_memory_data(w) + 100, "wide\0", 5) == 0 && wasm_memory_data(w)[0] == 0);
    value_of(instance, 2, 0, 0, 0, 0);
    CHECK(memcmp(wasm_memory_data(n), "wide", 4) == 0 && memcmp(wasm_memory_data(w) + 65536, "narrow", 6) == 0);
    CHECK(memcmp(wasm_memory_data(w) + 100, "wwide", 5) == 0 && memcmp(wasm_memory_data(w) + 131070, "!!", 2) == 0);
    CHECK(memcmp(wasm_memory_data(w), "passive", 7) == 0);
    traps(instance, 3, "out of bounds memory access: byte 0xffffffff of memory 1, which has 0x20000 bytes", 0, 0, 0, 0);
    traps(instance, 4, "out of bounds memory access: byte 0x100000000 of memory 0, which has 0x20000 bytes", 0, 0, 0, 0);
    wasm_memory_delete(w);
    wasm_memory_delete(n);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(module);
  module = check_module(store, "(module (memory i64 1) (data (i64.const 0x100000000) \"a\"))");
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &none, &trap) && trap);
  CHECK(trap_says(trap, "out of bounds memory access: data segment 0: 1 bytes at 0x100000000, memory 0 has 0x10000 bytes"));
  wasm_trap_delete(trap);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

// Types made by the host and reflected from modules.
static void types(void) {
  libwasm_limits_t limits = exact_limits(3, 1ull << 48, true), exact;
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  CHECK(type && libwasm_memorytype_limits(type, &exact));
  CHECK(exact.min == 3 && exact.has_max && exact.max == 1ull << 48 && exact.index64 && !exact.shared && exact.page_size == 65536);
  for (int i = 0; i < 5; i++) CHECK(exact.reserved[i] == 0);
  CHECK(wasm_memorytype_limits(type)->min == 3 && wasm_memorytype_limits(type)->max == wasm_limits_max_default);
  wasm_memorytype_t* copy = wasm_memorytype_copy(type);
  CHECK(libwasm_memorytype_limits(copy, &limits) && check_same_limits(&limits, &exact));
  wasm_memorytype_delete(copy);
  wasm_memorytype_delete(type);
  // What is read can be given again, and what is ignored may be anything.
  limits.has_max = false;
  limits.max = 1;
  CHECK((type = libwasm_memorytype_new(&limits)) && libwasm_memorytype_limits(type, &exact));
  CHECK(exact.min == 3 && !exact.has_max && exact.max == UINT64_MAX);
  wasm_memorytype_delete(type);
  memset(&limits.has_max, 0xff, 3);
  limits.max = 9;
  CHECK((type = libwasm_memorytype_new(&limits)) && libwasm_memorytype_limits(type, &exact));
  CHECK(exact.max == 9 && exact.has_max && exact.index64 && exact.shared);
  wasm_memorytype_delete(type);
  CHECK_REASON(libwasm_memorytype_new(NULL) == NULL);
  limits = (libwasm_limits_t){.min = 1, .max = 2, .page_size = 4096};
  CHECK_REASON(libwasm_memorytype_new(&limits) == NULL && reason_says("4096"));
  for (int i = 0; i < 5; i++) {
    limits = exact_limits(1, 2, false);
    limits.reserved[i] = 1ull << (13 * i);
    CHECK_REASON(libwasm_memorytype_new(&limits) == NULL && reason_says("reserved"));
  }
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (import \"\" \"m\" (memory i64 5 0x1000000000000)) (export \"m\" (memory 0)))");
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  CHECK(libwasm_memorytype_limits(wasm_externtype_as_memorytype_const(wasm_exporttype_type(exports.data[0])), &exact));
  CHECK(exact.min == 5 && exact.max == 1ull << 48 && exact.index64);
  wasm_exporttype_vec_delete(&exports);
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

// Memories that the host makes, and what they can be imported as.
static void host_made(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t* wide = new_memory(store, exact_limits(1, 3, true));
  wasm_memory_t* narrow = new_memory(store, exact_limits(1, 3, false));
  CHECK(wide && narrow);
  CHECK(links(store, "(module (import \"\" \"m\" (memory i64 1)))", wide));
  CHECK(links(store, "(module (import \"\" \"m\" (memory 1)))", narrow));
  CHECK_REASON(!links(store, "(module (import \"\" \"m\" (memory 1)))", wide) && reason_says("expected memory 1, got memory i64 1 3"));
  CHECK_REASON(!links(store, "(module (import \"\" \"m\" (memory i64 1)))", narrow) && reason_says("expected memory i64 1, got memory 1 3"));
  wasm_instance_t* instance = check_instance(store,
      "(module (import \"\" \"m\" (memory i64 1)) (func (export \"load\") (param i64) (result i32) (i32.load8_u (local.get 0)))"
      "  (func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0))))", 1, wasm_memory_as_extern(wide));
  wasm_memory_data(wide)[65535] = 9;
  CHECK(value_of(instance, 0, 1, 65535, 0, 0) == 9);
  traps(instance, 0, "out of bounds memory access", 1, 65536, 0, 0);
  CHECK(value_of(instance, 1, 1, 1, 0, 0) == 1 && libwasm_memory_size(wide) == 2);
  CHECK(value_of(instance, 0, 1, 65536, 0, 0) == 0 && value_of(instance, 0, 1, 65535, 0, 0) == 9);
  CHECK(libwasm_memory_grow(wide, 1) && !libwasm_memory_grow(wide, 1));
  wasm_instance_delete(instance);
  wasm_memory_delete(wide);
  wasm_memory_delete(narrow);
  // More than there can be, or is.
  CHECK_REASON(!new_memory(store, exact_limits((1ull << 48) + 1, UINT64_MAX, true)) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK_REASON(!new_memory(store, exact_limits(1, (1ull << 48) + 1, true)) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK_REASON(!new_memory(store, exact_limits(1ull << 48, UINT64_MAX, true)));
  CHECK_REASON(!new_memory(store, exact_limits(1ull << 47, UINT64_MAX, true)));
  CHECK_REASON(!new_memory(store, exact_limits(1ull << 31, UINT64_MAX, true)));
  CHECK_REASON(!new_memory(store, exact_limits(2, 1, true)) && libwasm_last_error_kind() == LIBWASM_ERROR_ARGUMENT);
  CHECK_REASON(!new_memory(store, exact_limits(65537, UINT64_MAX, false)) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK_REASON(libwasm_memory_size(NULL) == 0);
  CHECK_REASON(!libwasm_memory_grow(NULL, 1));
  wasm_store_delete(store);
}

int main(void) {
  // Of unknown maximum, of one that limits the reservation.
  accesses("i64 1");
  accesses("i64 1 1");
  accesses("i64 1 0x1000000");
  accesses("i64 1 0x1000000000000");
  known_bounds();
  messages();
  growth();
  bulk();
  types();
  host_made();
  return 0;
}
