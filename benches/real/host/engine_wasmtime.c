// What the host needs of wasmtime's library beyond the standard: the features that are off by default there.
#include "host.h"

extern void wasmtime_config_gc_support_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_gc_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_function_references_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_exceptions_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_threads_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_tail_call_set(wasm_config_t *, bool);
extern void wasmtime_config_wasm_memory64_set(wasm_config_t *, bool);

wasm_engine_t *new_engine(const char *mode) {
  if (strcmp(mode, "default") != 0) return NULL;
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_gc_support_set(config, true);
  wasmtime_config_wasm_function_references_set(config, true);
  wasmtime_config_wasm_gc_set(config, true);
  wasmtime_config_wasm_exceptions_set(config, true);
  wasmtime_config_wasm_threads_set(config, true);
  wasmtime_config_wasm_tail_call_set(config, true);
  wasmtime_config_wasm_memory64_set(config, true);
  return wasm_engine_new_with_config(config);
}

const char *last_error(void) { return "wasm.h does not tell why"; }

wasm_extern_t *make_memory(struct guest *guest, const wasm_importtype_t *import, const wasm_memorytype_t *type) {
  (void)import;
  wasm_memory_t *memory = wasm_memory_new(guest->store, type);
  return memory ? wasm_memory_as_extern(memory) : NULL;
}

wasm_extern_t *make_other(struct guest *guest, const wasm_externtype_t *type) {
  (void)guest;
  (void)type;
  return NULL;
}

bool grow_memory(wasm_memory_t *memory, uint64_t pages) { return pages <= UINT32_MAX && wasm_memory_grow(memory, (uint32_t)pages); }

void print_heap(FILE *out, wasm_store_t *store) {
  (void)out;
  (void)store;
}
