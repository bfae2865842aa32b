// Tables: functions in a table, looked at, replaced and added by the host, and called by the module.

#include "example.h"

static wasm_trap_t *multiply(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  results->data[0] = (wasm_val_t)WASM_I32_VAL(args->data[0].of.i32 * args->data[1].of.i32);
  return NULL;
}

static void apply(const wasm_func_t *func, int32_t which) {
  wasm_val_t arg[] = {WASM_I32_VAL(which), WASM_I32_VAL(6), WASM_I32_VAL(7)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  wasm_trap_t *trap = wasm_func_call(func, &args, &results);
  if (!trap) {
    printf("operation %" PRId32 " of 6 and 7 gives %" PRId32 "\n", which, result[0].of.i32);
    return;
  }
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("operation %" PRId32 " traps: %.*s\n", which, STR(&message));
  wasm_byte_vec_delete(&message);
  wasm_trap_delete(trap);
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/table.wasm");
  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_table_t *ops = wasm_extern_as_table(exports.data[0]);
  wasm_func_t *func = export_func(&exports, 1);

  printf("the table has %" PRIu32 " elements\n", wasm_table_size(ops));
  for (int32_t which = 0; which < 4; which++) apply(func, which);

  // Element 2 is a null reference, element 3 does not exist. Put a host function into the first, make the second.
  wasm_functype_t *type =
      wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t *host = wasm_func_new(store, type, multiply);
  wasm_functype_delete(type);
  wasm_ref_t *add = wasm_table_get(ops, 0);  // owned by us
  need(add, "get an element");
  if (!wasm_table_set(ops, 2, wasm_func_as_ref(host)) || !wasm_table_grow(ops, 1, add)) return 1;
  wasm_func_delete(host);  // the table keeps it alive
  printf("now it has %" PRIu32 "\n", wasm_table_size(ops));
  for (int32_t which = 2; which < 4; which++) apply(func, which);

  // What comes out of a table is the same object that went in, and a function again.
  wasm_ref_t *last = wasm_table_get(ops, 3);
  printf("elements 0 and 3 are %s\n", wasm_ref_same(add, last) ? "the same function" : "different");
  printf("it takes %zu arguments\n", wasm_func_param_arity(wasm_ref_as_func(last)));
  wasm_ref_delete(last);
  wasm_ref_delete(add);

  printf("growing beyond the maximum: %s\n", wasm_table_grow(ops, 100, NULL) ? "done" : "refused");

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
