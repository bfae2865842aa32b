// In 4 GB of address space, with the default configuration: memories can't all be reserved, and work all the same.

#include "check.h"

#include <unistd.h>

static const char* const MODULE =
    "(module (memory (export \"m\") 1 100) (func (export \"f\") (param i32) (result i32)"
    "  (i32.store (i32.const 100) (local.get 0)) (i32.load (i32.const 100)))"
    "  (func (export \"grow\") (result i32) (memory.grow (i32.const 3)))"
    "  (func (export \"trap\") (drop (i32.load (i32.const -4)))))";

int main(void) {
  enum { COUNT = 50 };
  wasm_engine_t* engine = wasm_engine_new();
  CHECK(engine);
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_module_t* module = check_module(store, MODULE);
  // Mapped from a file, it needs no more than the file's size.
  char path[64];
  snprintf(path, sizeof path, "/tmp/libwasm-limited-%ld", (long)getpid());
  CHECK(libwasm_module_serialize_file(module, path));
  wasm_module_delete(module);
  module = libwasm_module_deserialize_file(store, path);
  CHECK(unlink(path) == 0 && module);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instances[COUNT];
  for (int i = 0; i < COUNT; i++) {
    wasm_trap_t* trap = NULL;
    instances[i] = wasm_instance_new(store, module, &none, &trap);
    CHECK(instances[i]);
  }
  for (int i = 0; i < COUNT; i++) {
    wasm_func_t *f = check_func(instances[i], 1), *grow = check_func(instances[i], 2), *trapper = check_func(instances[i], 3);
    CHECK(check_call(f, 1, i) == i);
    CHECK(check_call(grow, 0) == 1);
    CHECK(check_call(f, 1, -i) == -i);
    wasm_trap_t* trap = check_trap(trapper);
    CHECK(trap_says(trap, "out of bounds memory access"));
    wasm_trap_delete(trap);
    wasm_func_delete(f);
    wasm_func_delete(grow);
    wasm_func_delete(trapper);
    wasm_instance_delete(instances[i]);
  }
  // A memory larger than the limit is refused, with a reason, or given if the system has it; either way nothing breaks.
  wasm_limits_t limits = {65536, 65536};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  libwasm_last_error_clear();
  wasm_memory_t* memory = wasm_memory_new(store, type);
  CHECK(memory == NULL && libwasm_last_error_kind() != 0);
  wasm_memorytype_delete(type);
  limits = (wasm_limits_t){1, 65536};
  type = wasm_memorytype_new(&limits);
  memory = wasm_memory_new(store, type);
  CHECK(memory);
  CHECK(!wasm_memory_grow(memory, 65535));
  CHECK(wasm_memory_grow(memory, 100));
  wasm_memorytype_delete(type);
  wasm_memory_delete(memory);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
