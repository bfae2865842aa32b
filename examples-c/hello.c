// The smallest complete program: load a module, give it a function of the host, and call one of its exports.
//
// Everything is written out here, with each object's owner. The other examples leave the first steps to example.h.

#include <stdio.h>

#include <wasm.h>

// Called by the module. A callback that succeeds returns NULL, one that fails returns a trap.
static wasm_trap_t *hello(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)args;
  (void)results;
  printf("Hello from the host, called by WebAssembly\n");
  return NULL;
}

static int read_module(wasm_byte_vec_t *bytes) {
  char buffer[4096];
  FILE *file = fopen("examples-c/hello.wasm", "rb");
  if (!file) return 0;
  size_t size = fread(buffer, 1, sizeof buffer, file);
  fclose(file);
  wasm_byte_vec_new(bytes, size, buffer);
  return bytes->data != NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();      // one for the process
  wasm_store_t *store = wasm_store_new(engine);   // everything that runs together lives in one store

  wasm_byte_vec_t bytes;
  if (!read_module(&bytes)) return fprintf(stderr, "cannot read examples-c/hello.wasm\n"), 1;
  wasm_module_t *module = wasm_module_new(store, &bytes);
  wasm_byte_vec_delete(&bytes);  // the module keeps what it needs
  if (!module) return fprintf(stderr, "cannot compile the module\n"), 1;

  wasm_functype_t *type = wasm_functype_new_0_0();
  wasm_func_t *func = wasm_func_new(store, type, hello);
  wasm_functype_delete(type);

  // Imports are given in the order in which the module declares them. `imports` borrows `func`.
  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_trap_t *trap = NULL;
  wasm_instance_t *instance = wasm_instance_new(store, module, &imports, &trap);
  wasm_func_delete(func);  // the instance keeps it alive
  if (!instance) return fprintf(stderr, "cannot instantiate the module\n"), 1;

  // Exports come in the module's order. The vector is ours, what it holds goes with it.
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &none, &none);
  if (trap) return fprintf(stderr, "the call trapped\n"), 1;

  // Any order would do: a handle keeps alive what it needs.
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
