// Values: ownership of references, the macros, vectors, v128.

#include "check.h"

static void macros(void) {
  wasm_val_t i32 = WASM_I32_VAL(-7), i64 = WASM_I64_VAL(-7), f32 = WASM_F32_VAL(1.5f), f64 = WASM_F64_VAL(-0.5);
  CHECK(i32.kind == WASM_I32 && i32.of.i32 == -7);
  CHECK(i64.kind == WASM_I64 && i64.of.i64 == -7);
  CHECK(f32.kind == WASM_F32 && f32.of.f32 == 1.5f);
  CHECK(f64.kind == WASM_F64 && f64.of.f64 == -0.5);
  wasm_val_t init = WASM_INIT_VAL;
  CHECK(init.kind == WASM_EXTERNREF && init.of.ref == NULL);
  wasm_val_t value;
  int object = 0;
  wasm_val_init_ptr(&value, &object);
  CHECK(wasm_val_ptr(&value) == &object);
}

// Deleting a value frees the reference it owns, and not the struct; numbers own nothing.
static void deletion(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_val_t value = check_ref_val(wasm_foreign_as_ref(foreign)), copy;
  CHECK(value.kind == WASM_EXTERNREF);
  wasm_val_copy(&copy, &value);
  CHECK(copy.kind == WASM_EXTERNREF && wasm_ref_same(copy.of.ref, value.of.ref));
  wasm_val_delete(&value);
  CHECK(finalized == 0);
  CHECK(wasm_ref_get_host_info(copy.of.ref) == &finalized);
  wasm_val_delete(&copy);
  CHECK(finalized == 1);

  wasm_val_t number = WASM_I64_VAL(5), other, null = WASM_INIT_VAL;
  wasm_val_copy(&other, &number);
  CHECK(other.kind == WASM_I64 && other.of.i64 == 5);
  wasm_val_delete(&number);
  wasm_val_delete(&other);
  wasm_val_copy(&other, &null);
  CHECK(other.kind == WASM_EXTERNREF && other.of.ref == NULL);
  wasm_val_delete(&null);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

// A vector of values owns its references; copies are deep.
static void vectors(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_val_t values[] = {WASM_I32_VAL(1), WASM_REF_VAL(NULL), WASM_F64_VAL(2.0)};
  values[1].of.ref = wasm_foreign_as_ref(foreign);
  wasm_val_vec_t vec, copy;
  wasm_val_vec_new(&vec, 3, values);
  CHECK(vec.size == 3 && vec.data != values && vec.data[1].of.ref == values[1].of.ref);
  wasm_val_vec_copy(&copy, &vec);
  CHECK(copy.data != vec.data && wasm_ref_same(copy.data[1].of.ref, vec.data[1].of.ref));
  wasm_val_vec_delete(&vec);
  CHECK(vec.size == 0 && vec.data == NULL);
  wasm_val_vec_delete(&vec);
  CHECK(finalized == 0);
  CHECK(copy.data[2].kind == WASM_F64 && copy.data[2].of.f64 == 2.0);
  wasm_val_vec_delete(&copy);
  CHECK(finalized == 1);
  wasm_val_vec_new_uninitialized(&vec, 5);
  CHECK(vec.size == 5 && vec.data);
  wasm_val_vec_delete(&vec);
  wasm_val_vec_new_empty(&vec);
  CHECK(vec.size == 0 && vec.data == NULL);
  wasm_store_delete(store);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_val_delete(NULL), wasm_val_vec_delete(NULL), true));
  wasm_val_t value = WASM_I32_VAL(1);
  CHECK_REASON((wasm_val_copy(NULL, &value), true));
  CHECK_REASON((wasm_val_copy(&value, NULL), true));
}

static wasm_trap_t* swap_halves(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  uint8_t bytes[16], swapped[16];
  CHECK(args->size == 1 && args->data[0].kind == 4);
  CHECK(libwasm_val_v128(&args->data[0], bytes));
  for (int i = 0; i < 16; i++) swapped[i] = bytes[(i + 8) % 16];
  // The result arrives as zero, and owns nothing yet.
  CHECK(results->size == 1 && results->data[0].kind == 4);
  uint8_t zero[16] = {0}, read[16];
  CHECK(libwasm_val_v128(&results->data[0], read) && memcmp(read, zero, 16) == 0);
  libwasm_val_new_v128(swapped, &results->data[0]);
  return NULL;
}

// v128 is kind 4: parameters, results, globals, callbacks, with `wasm_val_t` as wide as ever.
static void v128(void) {
  CHECK(sizeof(wasm_val_t) == 16);
  uint8_t bytes[16], read[16];
  for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)(i * 17);
  wasm_val_t value, copy;
  libwasm_val_new_v128(bytes, &value);
  CHECK(value.kind == 4);
  wasm_val_copy(&copy, &value);
  CHECK(copy.kind == 4 && copy.of.ref != value.of.ref);
  wasm_val_delete(&value);
  CHECK(libwasm_val_v128(&copy, read) && memcmp(read, bytes, 16) == 0);
  wasm_val_t number = WASM_I32_VAL(1);
  CHECK_REASON(!libwasm_val_v128(&number, read));

  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new(4), wasm_valtype_new(4));
  wasm_func_t* host = wasm_func_new(store, type, swap_halves);
  CHECK(host);
  wasm_functype_delete(type);
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new(4), WASM_VAR);
  wasm_global_t* global = wasm_global_new(store, global_type, &copy);
  CHECK(global);
  wasm_globaltype_delete(global_type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"f\" (func $f (param v128) (result v128))) (import \"\" \"g\" (global $g (mut v128)))"
      "  (func (export \"f\") (param v128) (result v128) (call $f (global.get $g)) (global.set $g (local.get 0))))",
      2, wasm_func_as_extern(host), wasm_global_as_extern(global));
  wasm_func_t* func = check_func(instance, 0);
  uint8_t ones[16];
  memset(ones, 1, 16);
  wasm_val_t arg, result;
  libwasm_val_new_v128(ones, &arg);
  wasm_val_vec_t args = {1, &arg}, results = {1, &result};
  CHECK(!wasm_func_call(func, &args, &results));
  CHECK(result.kind == 4 && libwasm_val_v128(&result, read));
  for (int i = 0; i < 16; i++) CHECK(read[i] == bytes[(i + 8) % 16]);
  wasm_val_delete(&result);
  wasm_global_get(global, &result);
  CHECK(libwasm_val_v128(&result, read) && memcmp(read, ones, 16) == 0);
  wasm_val_delete(&result);
  wasm_global_set(global, &copy);
  wasm_global_get(global, &result);
  CHECK(libwasm_val_v128(&result, read) && memcmp(read, bytes, 16) == 0);
  wasm_val_delete(&result);
  wasm_val_delete(&copy);
  wasm_val_delete(&arg);
  wasm_func_delete(func);
  wasm_func_delete(host);
  wasm_global_delete(global);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

int main(void) {
  macros();
  deletion();
  vectors();
  nulls();
  v128();
  return 0;
}
