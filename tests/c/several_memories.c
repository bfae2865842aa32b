// Modules with several memories: each is its own, through data, copies, growth, traps, imports, reuse and artifacts.

#include "check.h"

static const char* const MODULE =
    "(module (import \"\" \"a\" (memory $a 1)) (memory $b (export \"b\") 1 4) (memory $c (export \"c\") 2 2)"
    "  (data (memory $a) (i32.const 8) \"to a\") (data (memory $b) (i32.const 65530) \"to b\")"
    "  (data (memory $c) (i32.const 131060) \"to c\") (data $p \"passive\")"
    "  (func (export \"copy\") (memory.copy $b $c (i32.const 0) (i32.const 131060) (i32.const 4))"
    "    (memory.copy $a $b (i32.const 0) (i32.const 65530) (i32.const 4))"
    "    (memory.init $c $p (i32.const 0) (i32.const 0) (i32.const 7)) (memory.fill $c (i32.const 7) (i32.const 33) (i32.const 2)))"
    "  (func (export \"load\") (param i32) (result i32)"
    "    (i32.add (i32.load8_u $b (local.get 0)) (i32.mul (i32.const 256) (i32.load8_u $c (local.get 0)))))"
    "  (func (export \"grow\") (result i32) (memory.grow $b (i32.const 2)))"
    "  (func (export \"sizes\") (result i32) (i32.add (memory.size $a)"
    "    (i32.add (i32.mul (i32.const 10) (memory.size $b)) (i32.mul (i32.const 100) (memory.size $c)))))"
    "  (func (export \"load b\") (drop (i32.load $b offset=4 (i32.const 65536))))"
    "  (func (export \"load c\") (drop (i64.load $c (i32.const -1))))"
    "  (func (export \"to b\") (memory.copy $b $c (i32.const 65535) (i32.const 0) (i32.const 2)))"
    "  (func (export \"from c\") (memory.copy $b $c (i32.const 0) (i32.const 131072) (i32.const 1)))"
    "  (func (export \"init a\") (memory.init $a $p (i32.const 65535) (i32.const 0) (i32.const 2))))";

static wasm_memory_t* new_memory(wasm_store_t* store, uint32_t min, uint32_t max) {
  wasm_limits_t limits = {min, max};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, type);
  wasm_memorytype_delete(type);
  CHECK(memory);
  return memory;
}

static wasm_instance_t* instantiate(wasm_store_t* store, wasm_module_t* module, wasm_memory_t* a) {
  wasm_extern_t* list[] = {wasm_memory_as_extern(a)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(list);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  CHECK(instance);
  return instance;
}

static void run(const wasm_instance_t* instance, size_t index) {
  wasm_func_t* func = check_func(instance, index);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(func, &none, &none));
  wasm_func_delete(func);
}

static int32_t call(const wasm_instance_t* instance, size_t index, int count, int32_t argument) {
  wasm_func_t* func = check_func(instance, index);
  int32_t result = count ? check_call(func, 1, argument) : check_call(func, 0);
  wasm_func_delete(func);
  return result;
}

static void traps(const wasm_instance_t* instance, size_t index, bool by_fault, const char* words) {
  wasm_func_t* func = check_func(instance, index);
  wasm_trap_t* trap = check_trap(func);
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  CHECK(trap_says(trap, by_fault && check_mode_is_checked() ? "out of bounds memory access" : words));
  wasm_trap_delete(trap);
  wasm_func_delete(func);
}

// Everything an instance does with its memories, and leaves them changed.
static void use(wasm_store_t* store, wasm_module_t* module) {
  wasm_memory_t* a = new_memory(store, 1, 10);
  wasm_instance_t* instance = instantiate(store, module, a);
  wasm_memory_t *b = check_memory(instance, 0), *c = check_memory(instance, 1);
  CHECK(!wasm_memory_same(a, b) && !wasm_memory_same(b, c));
  CHECK(memcmp(wasm_memory_data(a), "\0\0\0\0\0\0\0\0to a", 12) == 0);
  CHECK(memcmp(wasm_memory_data(b) + 65530, "to b", 4) == 0 && wasm_memory_data(b)[0] == 0);
  CHECK(memcmp(wasm_memory_data(c) + 131060, "to c", 4) == 0 && wasm_memory_data(c)[0] == 0);
  CHECK(call(instance, 5, 0, 0) == 211);
  traps(instance, 6, true, "out of bounds memory access: byte 0x10004 of memory 1, which has 0x10000 bytes");
  traps(instance, 7, true, "out of bounds memory access: byte 0xffffffff of memory 2, which has 0x20000 bytes");
  traps(instance, 8, false, "out of bounds memory access: byte 0x10000 of memory 1, which has 0x10000 bytes");
  traps(instance, 9, false, "out of bounds memory access: byte 0x20000 of memory 2, which has 0x20000 bytes");
  traps(instance, 10, false, "out of bounds memory access: byte 0x10000 of memory 0, which has 0x10000 bytes");
  run(instance, 2);
  CHECK(memcmp(wasm_memory_data(b), "to c", 4) == 0 && memcmp(wasm_memory_data(a), "to b", 4) == 0);
  CHECK(memcmp(wasm_memory_data(c), "passive!!", 9) == 0);
  CHECK(call(instance, 3, 1, 0) == 't' + 256 * 'p');
  CHECK(call(instance, 4, 0, 0) == 1 && wasm_memory_size(b) == 3 && wasm_memory_size(c) == 2);
  CHECK(wasm_memory_grow(a, 3) && call(instance, 5, 0, 0) == 234);
  CHECK(!wasm_memory_grow(c, 1) && wasm_memory_grow(b, 1) && !wasm_memory_grow(b, 1));
  wasm_memory_data(b)[4 * MEMORY_PAGE_SIZE - 1] = 1;
  memset(wasm_memory_data(c), 0xcc, wasm_memory_data_size(c));
  wasm_memory_delete(a);
  wasm_memory_delete(b);
  wasm_memory_delete(c);
  wasm_instance_delete(instance);
}

// A module is serialized and read back, and instances of it take up the memories of those before.
static void artifacts_and_reuse(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, MODULE);
  for (int i = 0; i < 5; i++) use(store, module);
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  wasm_module_delete(module);
  module = wasm_module_deserialize(store, &artifact);
  CHECK(module);
  wasm_byte_vec_delete(&artifact);
  for (int i = 0; i < 5; i++) use(store, module);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

// One memory under two indices: what is written by one is read by the other.
static void one_memory_twice(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t* memory = new_memory(store, 1, 5);
  wasm_instance_t* instance = check_instance(store,
      "(module (import \"\" \"a\" (memory $a 1)) (import \"\" \"b\" (memory $b 1))"
      "  (func (export \"f\") (param i32) (result i32) (i32.store $a (local.get 0) (i32.const 1))"
      "    (i32.store $b (local.get 0) (i32.const 2)) (drop (memory.grow $b (i32.const 1)))"
      "    (i32.store $b (i32.const 65536) (i32.const 40))"
      "    (i32.add (i32.add (i32.load $a (local.get 0)) (memory.size $a)) (i32.load $a (i32.const 65536)))))",
      2, wasm_memory_as_extern(memory), wasm_memory_as_extern(memory));
  CHECK(call(instance, 0, 1, 8) == 2 + 2 + 40);
  wasm_instance_delete(instance);
  wasm_memory_delete(memory);
  wasm_store_delete(store);
}

// The second import is the one that does not match.
static void mismatches(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t *small = new_memory(store, 1, 1), *large = new_memory(store, 2, 2);
  wasm_module_t* module = check_module(store, "(module (import \"\" \"a\" (memory 1)) (import \"\" \"b\" (memory 2)))");
  wasm_extern_t* list[] = {wasm_memory_as_extern(large), wasm_memory_as_extern(small)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(list);
  CHECK_REASON(!wasm_instance_new(store, module, &imports, NULL));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_LINK && reason_says("\"\".\"b\" (import 1): expected memory 2, got memory 1 1"));
  wasm_module_delete(module);
  wasm_memory_delete(small);
  wasm_memory_delete(large);
  wasm_store_delete(store);
}

int main(void) {
  artifacts_and_reuse();
  one_memory_twice();
  mismatches();
  return 0;
}
