// Globals: one made by the host and shared with a module, and the module's own, read and written from C.

#include "example.h"

static int64_t get_i64(const wasm_global_t *global) {
  wasm_val_t value;
  wasm_global_get(global, &value);
  return value.of.i64;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/global.wasm");

  wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
  wasm_val_t initial = WASM_I64_VAL(40);
  wasm_global_t *counter = wasm_global_new(store, type, &initial);
  wasm_globaltype_delete(type);
  need(counter, "make the global");

  wasm_extern_t *externs[] = {wasm_global_as_extern(counter)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_global_t *limit = wasm_extern_as_global(exports.data[0]);
  wasm_global_t *last = wasm_extern_as_global(exports.data[1]);
  wasm_func_t *step = export_func(&exports, 2);

  wasm_val_t arg[] = {WASM_I64_VAL(50)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(step, &args, &results));
  printf("the counter is %" PRId64 " after the module's step, above the limit of %" PRId64 ": %s\n", get_i64(counter),
         get_i64(limit), result[0].of.i32 ? "yes" : "no");

  wasm_val_t value = WASM_I64_VAL(99);
  wasm_global_set(counter, &value);
  arg[0].of.i64 = 2;
  check(wasm_func_call(step, &args, &results));
  printf("set to 99 by the host, then stepped: %" PRId64 ", above the limit: %s\n", get_i64(counter),
         result[0].of.i32 ? "yes" : "no");

  wasm_val_t step_seen;
  wasm_global_get(last, &step_seen);
  printf("the module remembers a last step of %g\n", step_seen.of.f64);

  // A constant stays what it is, whoever writes to it.
  wasm_global_set(limit, &value);
  printf("the limit is still %" PRId64 "\n", get_i64(limit));

  wasm_global_delete(counter);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
