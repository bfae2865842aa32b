// A host function with an environment: a pointer of the host's that each call receives, and a finalizer
// that runs exactly once, when the function is no longer reachable from anywhere.

#include "example.h"

struct account {
  const char *name;
  int64_t balance;
  int calls;
};

static wasm_trap_t *add(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  struct account *account = env;
  account->balance += args->data[0].of.i64;
  account->calls++;
  // The vector arrives with the right size: fill it in.
  results->data[0] = (wasm_val_t)WASM_I64_VAL(account->balance);
  return NULL;
}

static void close_account(void *env) {
  struct account *account = env;
  printf("finalizer: %s had %d calls and a balance of %" PRId64 "\n", account->name, account->calls, account->balance);
  free(account);
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/callback.wasm");

  struct account *account = malloc(sizeof *account);
  need(account, "allocate");
  *account = (struct account){.name = "squares", .balance = 0, .calls = 0};

  wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i64(), wasm_valtype_new_i64());
  wasm_func_t *func = wasm_func_new_with_env(store, type, add, account, close_account);
  need(func, "make the host function");
  wasm_functype_delete(type);

  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_func_delete(func);  // the instance still holds it, and so the account

  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_t arg[] = {WASM_I32_VAL(10)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, 0), &args, &results));
  printf("the sum of the first %d squares is %" PRId64 "\n", arg[0].of.i32, result[0].of.i64);

  // A host function can be called like any other, without a module between.
  wasm_val_t more[] = {WASM_I64_VAL(1000)};
  wasm_val_vec_t more_args = WASM_ARRAY_VEC(more);
  wasm_extern_vec_delete(&exports);
  type = wasm_functype_new_1_1(wasm_valtype_new_i64(), wasm_valtype_new_i64());
  func = wasm_func_new_with_env(store, type, add, account, NULL);
  wasm_functype_delete(type);
  need(func, "make the second host function");
  check(wasm_func_call(func, &more_args, &results));
  printf("with %" PRId64 " more it is %" PRId64 "\n", more[0].of.i64, result[0].of.i64);

  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
