// Modules and their instances.
#include "host.h"

#include <errno.h>

bool is_name(const wasm_name_t *name, const char *text) {
  return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

wasm_module_t *load_module(struct process *process, wasm_store_t *store, const char *path) {
  (void)process;
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot open %s: %s", path, strerror(errno));
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  wasm_byte_vec_t binary = WASM_EMPTY_VEC;
  if (size > 0) wasm_byte_vec_new_uninitialized(&binary, (size_t)size);
  if (!binary.data || fseek(file, 0, SEEK_SET) != 0 || fread(binary.data, 1, binary.size, file) != binary.size) fail("cannot read %s", path);
  fclose(file);
  wasm_module_t *module = wasm_module_new(store, &binary);
  wasm_byte_vec_delete(&binary);
  if (!module) fail("cannot compile %s: %s", path, last_error());
  return module;
}

void print_trap(const wasm_trap_t *trap) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  fprintf(stderr, "trap: %.*s\n", (int)message.size, message.data);
  wasm_byte_vec_delete(&message);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  for (size_t i = 0; i < frames.size && i < 20; i++) {
    fprintf(stderr, "  at function %u, module offset 0x%zx\n", wasm_frame_func_index(frames.data[i]), wasm_frame_module_offset(frames.data[i]));
  }
  wasm_frame_vec_delete(&frames);
}

wasm_extern_t *exported(struct guest *guest, const char *name) {
  wasm_exporttype_vec_t types;
  wasm_module_exports(guest->module, &types);
  wasm_extern_t *found = NULL;
  for (size_t i = 0; i < types.size && i < guest->exports.size; i++) {
    if (is_name(wasm_exporttype_name(types.data[i]), name)) found = guest->exports.data[i];
  }
  wasm_exporttype_vec_delete(&types);
  return found;
}

void start_guest(struct guest *guest, struct process *process, wasm_store_t *store, wasm_module_t *module) {
  *guest = (struct guest){.process = process, .store = store, .module = module};
  if (process->replays) begin_replay(guest);
  wasm_extern_vec_t imports;
  make_imports(guest, &imports);
  // Programs that import their memory export it as well, or it is the only one.
  for (size_t i = 0; i < imports.size && !guest->memory; i++) guest->memory = wasm_extern_as_memory(imports.data[i]);
  wasm_memory_t *imported = guest->memory ? wasm_memory_copy(guest->memory) : NULL;
  guest->memory = imported;  // for a start function that calls the host
  wasm_trap_t *trap = NULL;
  guest->instance = wasm_instance_new(store, module, &imports, &trap);
  wasm_extern_vec_delete(&imports);
  if (trap) print_trap(trap);
  if (!guest->instance) fail("cannot instantiate: %s", trap ? "the start function has trapped" : last_error());
  wasm_instance_exports(guest->instance, &guest->exports);
  // It may be called otherwise, where it is the only one.
  wasm_extern_t *memory = exported(guest, "memory");
  for (size_t i = 0; !memory && !imported && i < guest->exports.size; i++) {
    if (wasm_extern_kind(guest->exports.data[i]) == WASM_EXTERN_MEMORY) memory = guest->exports.data[i];
  }
  if (memory && wasm_extern_as_memory(memory)) {
    if (imported) wasm_memory_delete(imported);
    guest->memory = wasm_memory_copy(wasm_extern_as_memory(memory));
  }
}

void end_guest(struct guest *guest) {
  // Not every library takes NULL here.
  if (guest->memory) wasm_memory_delete(guest->memory);
  wasm_extern_vec_delete(&guest->exports);
  wasm_instance_delete(guest->instance);
  wasm_module_delete(guest->module);
  wasm_store_delete(guest->store);
}

wasm_func_t *exported_func(struct guest *guest, const char *name) {
  wasm_extern_t *object = exported(guest, name);
  return object ? wasm_extern_as_func(object) : NULL;
}

bool call(struct guest *guest, wasm_func_t *func, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  wasm_trap_t *trap = wasm_func_call(func, args, results);
  if (!trap) return true;
  if (!guest->exited) print_trap(trap);
  wasm_trap_delete(trap);
  return guest->exited;
}
