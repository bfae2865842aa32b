// Serialization: compile once, keep the machine code, and load it again without compiling.
//
// The bytes hold native code for this version of the library and this kind of processor: load only what you made.
// Bytes that do not fit, or that were damaged, are refused.

#include "example.h"

static void run(wasm_store_t *store, const wasm_module_t *module) {
  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_t arg[] = {WASM_I32_VAL(20)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, 0), &args, &results));
  printf("fib(%" PRId32 ") = %" PRId64 "\n", arg[0].of.i32, result[0].of.i64);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
}

int main(void) {
  wasm_byte_vec_t saved;
  {
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = load_module(store, "examples-c/serialize.wasm");
    run(store, module);
    wasm_module_serialize(module, &saved);
    need(saved.data, "serialize the module");
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
  }

  // Another engine, as another process would have.
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = wasm_module_deserialize(store, &saved);
  need(module, "deserialize the module");
  printf("loaded without compiling\n");
  run(store, module);
  wasm_module_delete(module);

  wasm_byte_vec_t half = {saved.size / 2, saved.data};  // a view: what is deleted is `saved`
  module = wasm_module_deserialize(store, &half);
  printf("half of it: %s\n", module ? "accepted" : "refused");
  wasm_module_delete(module);
  wasm_byte_vec_delete(&saved);

  char text[] = "not an artifact at all";
  wasm_byte_vec_t foreign = WASM_ARRAY_VEC(text);
  module = wasm_module_deserialize(store, &foreign);
  printf("something else: %s\n", module ? "accepted" : "refused");
  wasm_module_delete(module);

  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
