// Multiple values: functions with several results, of the module's and of the host's.

#include "example.h"

static wasm_trap_t *divide(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  int64_t a = args->data[0].of.i64, b = args->data[1].of.i64;
  results->data[0] = (wasm_val_t)WASM_I64_VAL(a / b);
  results->data[1] = (wasm_val_t)WASM_I64_VAL(a % b);
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/multi.wasm");

  // wasm.h has short forms up to three parameters and two results; this is the long one, for any number.
  wasm_valtype_t *in[] = {wasm_valtype_new_i64(), wasm_valtype_new_i64()};
  wasm_valtype_t *out[] = {wasm_valtype_new_i64(), wasm_valtype_new_i64()};
  wasm_valtype_vec_t params, types;
  wasm_valtype_vec_new(&params, 2, in);
  wasm_valtype_vec_new(&types, 2, out);
  wasm_functype_t *type = wasm_functype_new(&params, &types);  // takes both vectors over
  wasm_func_t *func = wasm_func_new(store, type, divide);
  wasm_functype_delete(type);

  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_func_delete(func);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_val_t four[] = {WASM_I32_VAL(1), WASM_I64_VAL(2), WASM_F32_VAL(3.5f), WASM_F64_VAL(4.25)};
  wasm_val_t back[] = {WASM_INIT_VAL, WASM_INIT_VAL, WASM_INIT_VAL, WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(four);
  wasm_val_vec_t results = WASM_ARRAY_VEC(back);
  check(wasm_func_call(export_func(&exports, 0), &args, &results));
  printf("reversed: %g %g %" PRId64 " %" PRId32 "\n", back[0].of.f64, (double)back[1].of.f32, back[2].of.i64,
         back[3].of.i32);

  wasm_val_t seconds[] = {WASM_I64_VAL(7384)};
  wasm_val_t clock[] = {WASM_INIT_VAL, WASM_INIT_VAL, WASM_INIT_VAL};
  wasm_val_vec_t clock_args = WASM_ARRAY_VEC(seconds);
  wasm_val_vec_t clock_results = WASM_ARRAY_VEC(clock);
  check(wasm_func_call(export_func(&exports, 1), &clock_args, &clock_results));
  printf("%" PRId64 " seconds are %" PRId64 ":%02" PRId64 ":%02" PRId64 "\n", seconds[0].of.i64, clock[0].of.i64,
         clock[1].of.i64, clock[2].of.i64);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
