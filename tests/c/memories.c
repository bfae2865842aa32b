// Memories: limits, growth, data, sharing with wasm.

#define _GNU_SOURCE
#include <sys/mman.h>

#include "check.h"

static wasm_memory_t* new_memory(wasm_store_t* store, uint32_t min, uint32_t max) {
  wasm_limits_t limits = {min, max};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, type);
  wasm_memorytype_delete(type);
  return memory;
}

static void sizes(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t* memory = new_memory(store, 2, 5);
  CHECK(wasm_memory_size(memory) == 2 && wasm_memory_data_size(memory) == 2 * MEMORY_PAGE_SIZE);
  CHECK(wasm_memory_data(memory)[2 * MEMORY_PAGE_SIZE - 1] == 0);
  CHECK_NO_REASON(wasm_memory_grow(memory, 0));
  CHECK_REASON(!wasm_memory_grow(memory, 4));
  CHECK_REASON(!wasm_memory_grow(memory, UINT32_MAX));
  CHECK_NO_REASON(wasm_memory_grow(memory, 3));
  CHECK(wasm_memory_size(memory) == 5);
  CHECK_REASON(!wasm_memory_grow(memory, 1));
  // The type of a live memory has its current size as its minimum.
  wasm_memorytype_t* type = wasm_memory_type(memory);
  CHECK(wasm_memorytype_limits(type)->min == 5 && wasm_memorytype_limits(type)->max == 5);
  wasm_memorytype_delete(type);
  wasm_memory_delete(memory);
  // Empty, and without a maximum.
  memory = new_memory(store, 0, wasm_limits_max_default);
  CHECK(wasm_memory_size(memory) == 0 && wasm_memory_data_size(memory) == 0);
  CHECK(wasm_memory_grow(memory, 1) && wasm_memory_data(memory)[65535] == 0);
  type = wasm_memory_type(memory);
  CHECK(wasm_memorytype_limits(type)->min == 1 && wasm_memorytype_limits(type)->max == wasm_limits_max_default);
  wasm_memorytype_delete(type);
  CHECK_REASON(!wasm_memory_grow(memory, 65536));
  wasm_memory_delete(memory);
  // More pages than 32 bits address, or a minimum above the maximum.
  CHECK_REASON(new_memory(store, 65537, wasm_limits_max_default) == NULL);
  CHECK_REASON(new_memory(store, 3, 2) == NULL);
  memory = new_memory(store, 1, 65536);
  CHECK(memory);
  wasm_memory_delete(memory);
  wasm_store_delete(store);
}

// The data stays where it is until the memory dies, growth included, when it is reserved; contents survive in every mode.
static void data_stays(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t* memory = new_memory(store, 1, 200);
  char* data = wasm_memory_data(memory);
  memcpy(data + 10, "stays", 6);
  for (int i = 0; i < 20; i++) {
    CHECK(wasm_memory_grow(memory, 7));
    if (!check_mode_is_checked()) CHECK(wasm_memory_data(memory) == data);
    CHECK(strcmp(wasm_memory_data(memory) + 10, "stays") == 0);
    CHECK(wasm_memory_data(memory)[wasm_memory_data_size(memory) - 1] == 0);
    wasm_memory_data(memory)[wasm_memory_data_size(memory) - 1] = 1;
  }
  wasm_store_delete(store);
  CHECK(strcmp(wasm_memory_data(memory) + 10, "stays") == 0);
  wasm_memory_delete(memory);
}

static void shared_with_wasm(void) {
  wasm_store_t* store = check_store();
  wasm_memory_t* memory = new_memory(store, 1, 3);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"m\" (memory $m 1)) (export \"m\" (memory $m)) (data (i32.const 100) \"hello\")"
      "  (func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
      "  (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
      "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
      "  (func (export \"size\") (result i32) (memory.size)))",
      1, wasm_memory_as_extern(memory));
  wasm_memory_t* exported = check_memory(instance, 0);
  wasm_func_t *load = check_func(instance, 1), *store8 = check_func(instance, 2);
  wasm_func_t *grow = check_func(instance, 3), *size = check_func(instance, 4);
  CHECK(wasm_memory_same(memory, exported));
  CHECK(memcmp(wasm_memory_data(memory) + 100, "hello", 5) == 0);
  wasm_memory_data(memory)[7] = 77;
  CHECK(check_call(load, 1, 7) == 77);
  wasm_val_t values[] = {WASM_I32_VAL(9), WASM_I32_VAL(99)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(values), none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(store8, &args, &none));
  CHECK(wasm_memory_data(memory)[9] == 99);
  CHECK(check_call(grow, 1, 1) == 1 && wasm_memory_size(memory) == 2);
  CHECK(wasm_memory_grow(memory, 1) && check_call(size, 0) == 3);
  wasm_memory_data(exported)[3 * MEMORY_PAGE_SIZE - 1] = 5;
  CHECK(check_call(load, 1, 3 * MEMORY_PAGE_SIZE - 1) == 5);
  CHECK(check_call(grow, 1, 1) == -1);
  // The first byte past the end traps, for the host's growth too.
  values[0].of.i32 = 3 * MEMORY_PAGE_SIZE;
  wasm_trap_t* trap = wasm_func_call(store8, &args, &none);
  CHECK(trap && trap_says(trap, "out of bounds memory access"));
  wasm_trap_delete(trap);
  wasm_memory_delete(memory);
  wasm_func_delete(load);
  wasm_func_delete(store8);
  wasm_func_delete(grow);
  wasm_func_delete(size);
  wasm_instance_delete(instance);
  CHECK(wasm_memory_data(exported)[9] == 99);
  wasm_memory_delete(exported);
  wasm_store_delete(store);
}

// A memory freed and made anew is zero, whatever was in the one before, with an image and without.
static void fresh_memories_are_zero(void) {
  wasm_store_t* store = check_store();
  wasm_module_t *plain = check_module(store, "(module (memory (export \"m\") 2 4))");
  wasm_module_t *image = check_module(store, "(module (memory (export \"m\") 2 4) (data (i32.const 65530) \"0123456789\"))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  for (int i = 0; i < 40; i++) {
    bool with_image = i % 3 == 1;
    wasm_instance_t* instance = wasm_instance_new(store, with_image ? image : plain, &none, NULL);
    wasm_memory_t* memory = check_memory(instance, 0);
    for (int grown = 0; grown < 2; grown++) {
      const char* data = wasm_memory_data(memory);
      for (size_t j = grown ? 2 * MEMORY_PAGE_SIZE : 0; j < wasm_memory_data_size(memory); j++) {
        bool inside = with_image && j >= 65530 && j < 65540;
        if (data[j] != (inside ? "0123456789"[j - 65530] : 0)) CHECK(!"a fresh memory");
      }
      CHECK(wasm_memory_grow(memory, 1));
    }
    memset(wasm_memory_data(memory), 0xcc, wasm_memory_data_size(memory));
    wasm_memory_delete(memory);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(plain);
  wasm_module_delete(image);
  wasm_store_delete(store);
}

static void nulls(void) {
  wasm_store_t* store = check_store();
  wasm_limits_t limits = {1, 2};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  CHECK_NO_REASON((wasm_memory_delete(NULL), true));
  CHECK_REASON(wasm_memory_new(NULL, type) == NULL);
  CHECK_REASON(wasm_memory_new(store, NULL) == NULL);
  CHECK_REASON(wasm_memory_type(NULL) == NULL);
  CHECK_REASON(wasm_memory_data(NULL) == NULL);
  CHECK_REASON(wasm_memory_data_size(NULL) == 0);
  CHECK_REASON(wasm_memory_size(NULL) == 0);
  CHECK_REASON(!wasm_memory_grow(NULL, 1));
  wasm_memorytype_delete(type);
  wasm_store_delete(store);
}

// A host that gives a memory's pages back to the system takes nothing from the next instance.
static void pages_given_back(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (memory (export \"m\") 2) (data (i32.const 100) \"hello\"))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  for (int round = 0; round < 4; round++) {
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    wasm_memory_t* memory = check_memory(instance, 0);
    CHECK(memcmp(wasm_memory_data(memory) + 100, "hello", 5) == 0);
    wasm_memory_data(memory)[70000] = 1;
    CHECK(madvise(wasm_memory_data(memory), wasm_memory_data_size(memory), MADV_DONTNEED) == 0);
    wasm_memory_delete(memory);
    wasm_instance_delete(instance);
  }
  wasm_module_delete(module);
  wasm_store_delete(store);
}

int main(void) {
  sizes();
  data_stays();
  shared_with_wasm();
  fresh_memories_are_zero();
  nulls();
  pages_given_back();
  return 0;
}
