// Traps: a trap ends the call that it happened in, comes back as a value, and carries a message and a trace.
// The instance can be called again afterwards.

#include "example.h"

// A host function traps by returning a trap of its own; the caller receives that same trap.
static wasm_trap_t *refuse(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  char text[64];
  snprintf(text, sizeof text, "the host refuses %" PRId32, args->data[0].of.i32);
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, text);
  wasm_trap_t *trap = wasm_trap_new((wasm_store_t *)env, &message);
  wasm_byte_vec_delete(&message);
  return trap;
}

static void call(const wasm_extern_vec_t *exports, size_t index, wasm_val_vec_t *args, wasm_val_vec_t *results) {
  wasm_trap_t *trap = wasm_func_call(export_func(exports, index), args, results);
  if (!trap) {
    printf("no trap, the result is %" PRId32 "\n", results->data[0].of.i32);
    return;
  }
  print_trap(stdout, trap);
  wasm_frame_t *origin = wasm_trap_origin(trap);
  if (origin) printf("  it began in function %" PRIu32 "\n", wasm_frame_func_index(origin));
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/trap.wasm");

  wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t *func = wasm_func_new_with_env(store, type, refuse, store, NULL);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_func_delete(func);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_val_t numbers[] = {WASM_I32_VAL(91), WASM_I32_VAL(0)};
  wasm_val_t quotient[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(numbers);
  wasm_val_vec_t results = WASM_ARRAY_VEC(quotient);

  call(&exports, 0, &none, &none);     // unreachable
  call(&exports, 1, &args, &results);  // 91 / 0
  call(&exports, 2, &none, &none);     // the host's own trap

  numbers[1].of.i32 = 7;
  call(&exports, 1, &args, &results);  // 91 / 7

  // Endless recursion is a trap like any other. Its trace is long: only the message is printed.
  wasm_trap_t *trap = wasm_func_call(export_func(&exports, 3), &none, &none);
  need(trap, "exhaust the stack");
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("trap: %.*s\n", STR(&message));
  wasm_byte_vec_delete(&message);
  wasm_trap_delete(trap);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
