// Exceptions: the guest throws and the host catches, the host throws and the guest catches, and an exception that passes
// through both stays the same. They need libwasm.h: wasm.h has tag types, but neither tags nor exceptions.

#include "example.h"

#include <libwasm.h>

struct shop {
  libwasm_tag_t *unknown;
  wasm_ref_t *thrown;  // the exception that the host threw last
};

// Throws an exception with the host's tag when it has no price: a host function throws by returning a trap that stands for one.
static wasm_trap_t *price(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  struct shop *shop = env;
  int32_t item = args->data[0].of.i32;
  if (item <= 2) {
    results->data[0] = (wasm_val_t)WASM_I32_VAL(10 * (item + 1));
    return NULL;
  }
  wasm_val_t carried[] = {WASM_I32_VAL(item)};
  wasm_val_vec_t values = WASM_ARRAY_VEC(carried);
  wasm_ref_delete(shop->thrown);
  shop->thrown = libwasm_exception_new(shop->unknown, &values);
  need(shop->thrown, "make an exception");
  return libwasm_trap_new_exception(shop->thrown);
}

// Calls an export with one or two numbers. What it throws or traps with is the caller's.
static wasm_trap_t *call(const wasm_func_t *func, size_t count, int32_t a, int32_t b) {
  wasm_val_t numbers[] = {WASM_I32_VAL(a), WASM_I32_VAL(b)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = {count, numbers};
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  wasm_trap_t *trap = wasm_func_call(func, &args, &results);
  if (!trap) printf("the result is %" PRId32 "\n", result[0].of.i32);
  return trap;
}

// Prints what came out of a call, and deletes it. An exception that nobody caught is a trap with a code of its own: its
// trace is that of the throw, its exception has a tag and arguments.
static void catch_here(wasm_trap_t *trap, const libwasm_tag_t *too_little, const struct shop *shop) {
  need(trap, "catch anything");
  print_trap(stdout, trap);
  if (libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION) {
    wasm_ref_t *exception = libwasm_trap_exception(trap);
    libwasm_tag_t *tag = libwasm_exception_tag(exception);
    wasm_val_vec_t args;
    libwasm_exception_args(exception, &args);
    if (libwasm_tag_same(tag, too_little)) {
      printf("  too little money: %" PRId32 " wanted, %" PRId32 " there\n", args.data[0].of.i32, args.data[1].of.i32);
    } else if (libwasm_tag_same(tag, shop->unknown)) {
      printf("  no price for item %" PRId32 "%s\n", args.data[0].of.i32,
             wasm_ref_same(exception, shop->thrown) ? ": the exception that the host threw" : "");
    }
    wasm_val_vec_delete(&args);
    libwasm_tag_delete(tag);
    wasm_ref_delete(exception);
  }
  wasm_trap_delete(trap);
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/exceptions.wasm");

  // The host's tag. A tag's type is a function type: its parameters are what an exception carries.
  struct shop shop = {NULL, NULL};
  wasm_tagtype_t *tag_type = wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_i32()));
  shop.unknown = libwasm_tag_new(store, tag_type);
  need(shop.unknown, "make a tag");
  wasm_tagtype_delete(tag_type);

  wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t *func = wasm_func_new_with_env(store, type, price, &shop, NULL);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {libwasm_tag_as_extern(shop.unknown), wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_func_delete(func);

  // The exports in the module's order: its own tag comes first.
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  const libwasm_tag_t *too_little = libwasm_extern_as_tag(exports.data[0]);
  need(too_little, "find the module's tag");
  const wasm_func_t *buy = export_func(&exports, 1), *estimate = export_func(&exports, 2), *watch = export_func(&exports, 3);

  printf("-- nothing is thrown\n");
  check(call(buy, 2, 1, 3));  // three at 20 each, of 100

  printf("-- the guest throws, the host catches\n");
  catch_here(call(buy, 2, 2, 2), too_little, &shop);

  printf("-- the host throws, the guest catches\n");
  check(call(estimate, 1, 5, 0));

  printf("-- the host throws, the guest passes it on, the host catches\n");
  catch_here(call(buy, 2, 7, 1), too_little, &shop);

  printf("-- the guest catches it and throws it again\n");
  catch_here(call(watch, 1, 8, 0), too_little, &shop);
  wasm_val_t caught;
  wasm_global_get(wasm_extern_as_global(exports.data[4]), &caught);
  printf("  the guest has seen %" PRId32 "\n", caught.of.i32);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_ref_delete(shop.thrown);
  libwasm_tag_delete(shop.unknown);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
