// Memories: the host reads and writes the module's memory through a pointer, and grows it.

#include "example.h"

static wasm_trap_t *upper(const wasm_func_t *func, uint32_t at, uint32_t length) {
  wasm_val_t arg[] = {WASM_I32_VAL((int32_t)at), WASM_I32_VAL((int32_t)length)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_EMPTY_VEC;
  return wasm_func_call(func, &args, &results);
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/memory.wasm");
  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_memory_t *memory = wasm_extern_as_memory(exports.data[0]);
  wasm_func_t *func = export_func(&exports, 1);

  // The module's addresses are offsets from wasm_memory_data. Always check them against wasm_memory_data_size.
  byte_t *data = wasm_memory_data(memory);
  printf("%zu bytes, at 16: %.21s\n", wasm_memory_data_size(memory), data + 16);
  check(upper(func, 16, 21));
  printf("in capitals: %.21s\n", data + 16);

  const char text[] = "written by the host";
  memcpy(data + 1000, text, sizeof text);
  check(upper(func, 1000, sizeof text - 1));
  printf("and: %s\n", data + 1000);

  // An access outside the memory traps and touches nothing of the host.
  wasm_trap_t *trap = upper(func, 65530, 100);
  need(trap, "trap");
  print_trap(stdout, trap);
  wasm_trap_delete(trap);

  // After growing, ask for the pointer again: a program that does so works with every engine.
  if (!wasm_memory_grow(memory, 2)) return 1;
  data = wasm_memory_data(memory);
  printf("%" PRIu32 " pages, the text is still there: %s\n", wasm_memory_size(memory), data + 1000);
  check(upper(func, 65530, 100));
  printf("one page more: %s\n", wasm_memory_grow(memory, 1) ? "done" : "refused, the maximum is 3");

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
