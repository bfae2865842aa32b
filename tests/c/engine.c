// Configurations, engines and stores: NULL, order of deletion, several engines, foreign stores.

#include "check.h"

static const char* const ANSWER = "(module (func (export \"f\") (result i32) (i32.const 42)))";

// A configuration is taken over by the engine, or deleted by who made it.
static void configs(void) {
  wasm_config_delete(wasm_config_new());
  wasm_engine_t* engine = wasm_engine_new_with_config(wasm_config_new());
  CHECK(engine);
  wasm_engine_delete(engine);
  engine = wasm_engine_new();
  CHECK(engine);
  wasm_engine_delete(engine);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_config_delete(NULL), wasm_engine_delete(NULL), wasm_store_delete(NULL), true));
  CHECK_REASON(wasm_store_new(NULL) == NULL);
}

// The engine may go before its store, the store before its objects: a handle keeps alive what it needs.
static void any_order_of_deletion(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = check_module(store, ANSWER);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  wasm_func_t* func = check_func(instance, 0);
  wasm_engine_delete(engine);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_instance_delete(instance);
  CHECK(check_call(func, 0) == 42);
  wasm_func_delete(func);
}

static void all_orders_of_four(void) {
  static const char* const orders[] = {"0123", "0132", "0213", "0231", "0312", "0321", "1023", "1032",
                                       "1203", "1230", "1302", "1320", "2013", "2031", "2103", "2130",
                                       "2301", "2310", "3012", "3021", "3102", "3120", "3201", "3210"};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    wasm_store_t* store = check_store();
    wasm_module_t* module = check_module(store, ANSWER);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    wasm_func_t* func = check_func(instance, 0);
    for (const char* step = orders[i]; *step; step++) {
      switch (*step) {
        case '0': wasm_store_delete(store); break;
        case '1': wasm_module_delete(module); break;
        case '2': wasm_instance_delete(instance); break;
        case '3': CHECK(check_call(func, 0) == 42); wasm_func_delete(func); break;
      }
    }
  }
}

// Engines live side by side, each with its own modules.
static void several_engines(void) {
  wasm_store_t* stores[8];
  wasm_func_t* funcs[8];
  for (int i = 0; i < 8; i++) {
    stores[i] = check_store();
    wasm_instance_t* instance = check_instance(stores[i], ANSWER, 0);
    funcs[i] = check_func(instance, 0);
    wasm_instance_delete(instance);
  }
  for (int i = 0; i < 8; i++) CHECK(check_call(funcs[i], 0) == 42);
  for (int i = 0; i < 8; i++) {
    wasm_store_delete(stores[i]);
    wasm_func_delete(funcs[7 - i]);
  }
}

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

// What belongs to another store, or to another engine, is refused, not confused.
static void foreigners_are_refused(void) {
  wasm_store_t *here = check_store(), *there = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new(there, type, host);
  wasm_module_t* module = check_module(here, "(module (import \"\" \"f\" (func)))");
  wasm_extern_t* items[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  CHECK_REASON(wasm_instance_new(here, module, &imports, &trap) == NULL);
  CHECK(trap);
  wasm_trap_delete(trap);
  trap = NULL;
  wasm_module_t* theirs = check_module(there, ANSWER);
  CHECK_REASON(wasm_instance_new(here, theirs, &none, &trap) == NULL);
  CHECK(trap);
  wasm_trap_delete(trap);

  // A reference of another store: in a table, a global, as an argument, as a function's result.
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &(wasm_limits_t){2, 4});
  CHECK_REASON(wasm_table_new(here, table_type, wasm_func_as_ref(func)) == NULL);
  wasm_table_t* table = wasm_table_new(here, table_type, NULL);
  CHECK_REASON(!wasm_table_set(table, 0, wasm_func_as_ref(func)));
  CHECK_REASON(!wasm_table_grow(table, 1, wasm_func_as_ref(func)));
  CHECK(wasm_table_size(table) == 2);
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR);
  wasm_foreign_t* foreign = wasm_foreign_new(there);
  wasm_val_t value = {WASM_EXTERNREF, {.ref = wasm_foreign_as_ref(foreign)}}, null = WASM_INIT_VAL, read;
  CHECK_REASON(wasm_global_new(here, global_type, &value) == NULL);
  wasm_global_t* global = wasm_global_new(here, global_type, &null);
  CHECK(global);
  CHECK_REASON((wasm_global_set(global, &value), true));
  wasm_global_get(global, &read);
  CHECK(read.of.ref == NULL);
  wasm_instance_t* instance = check_instance(here, "(module (func (export \"f\") (param externref)))", 0);
  wasm_func_t* taker = check_func(instance, 0);
  wasm_val_vec_t args = {1, &value}, results = WASM_EMPTY_VEC;
  trap = wasm_func_call(taker, &args, &results);
  CHECK(trap);
  wasm_trap_delete(trap);

  wasm_func_delete(taker);
  wasm_instance_delete(instance);
  wasm_global_delete(global);
  wasm_foreign_delete(foreign);
  wasm_globaltype_delete(global_type);
  wasm_table_delete(table);
  wasm_tabletype_delete(table_type);
  wasm_module_delete(module);
  wasm_module_delete(theirs);
  wasm_func_delete(func);
  wasm_functype_delete(type);
  wasm_store_delete(here);
  wasm_store_delete(there);
}

// Two stores of one engine share its modules only through share and obtain, or directly: the engine is the same.
static void stores_of_one_engine(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t *a = wasm_store_new(engine), *b = wasm_store_new(engine);
  wasm_engine_delete(engine);
  wasm_module_t* module = check_module(a, ANSWER);
  wasm_shared_module_t* shared = wasm_module_share(module);
  CHECK(shared);
  wasm_module_t* obtained = wasm_module_obtain(b, shared);
  CHECK(obtained);
  wasm_shared_module_delete(shared);
  wasm_module_delete(module);
  wasm_store_delete(a);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(b, obtained, &none, NULL);
  CHECK(instance);
  wasm_func_t* func = check_func(instance, 0);
  CHECK(check_call(func, 0) == 42);
  wasm_func_delete(func);
  wasm_module_delete(obtained);
  wasm_instance_delete(instance);
  wasm_store_delete(b);
}

int main(void) {
  configs();
  nulls();
  any_order_of_deletion();
  all_orders_of_four();
  several_engines();
  foreigners_are_refused();
  stores_of_one_engine();
  return 0;
}
