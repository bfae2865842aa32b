// Globals: kinds, mutability, references, sharing with wasm.

#include "check.h"

static wasm_global_t* new_global(wasm_store_t* store, wasm_valkind_t kind, wasm_mutability_t mut, wasm_val_t value) {
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new(kind), mut);
  wasm_global_t* global = wasm_global_new(store, type, &value);
  wasm_globaltype_delete(type);
  return global;
}

static wasm_val_t get(const wasm_global_t* global) {
  wasm_val_t value;
  memset(&value, 0x77, sizeof value);
  wasm_global_get(global, &value);
  return value;
}

static void numbers(void) {
  wasm_store_t* store = check_store();
  wasm_val_t i32 = WASM_I32_VAL(-3), i64 = WASM_I64_VAL(1ll << 40), f32 = WASM_F32_VAL(0.5f), f64 = WASM_F64_VAL(1e300);
  wasm_global_t* globals[] = {new_global(store, WASM_I32, WASM_VAR, i32), new_global(store, WASM_I64, WASM_CONST, i64),
                              new_global(store, WASM_F32, WASM_VAR, f32), new_global(store, WASM_F64, WASM_CONST, f64)};
  CHECK(get(globals[0]).kind == WASM_I32 && get(globals[0]).of.i32 == -3);
  CHECK(get(globals[1]).kind == WASM_I64 && get(globals[1]).of.i64 == 1ll << 40);
  CHECK(get(globals[2]).kind == WASM_F32 && get(globals[2]).of.f32 == 0.5f);
  CHECK(get(globals[3]).kind == WASM_F64 && get(globals[3]).of.f64 == 1e300);
  wasm_globaltype_t* type = wasm_global_type(globals[1]);
  CHECK(wasm_globaltype_mutability(type) == WASM_CONST && wasm_valtype_kind(wasm_globaltype_content(type)) == WASM_I64);
  for (int i = 0; i < 4; i++) wasm_global_delete(globals[i]);
  wasm_store_delete(store);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(type)) == WASM_I64);
  wasm_globaltype_delete(type);
}

// Setting an immutable global, or to the wrong kind, does nothing and records why.
static void refused_sets(void) {
  wasm_store_t* store = check_store();
  wasm_val_t one = WASM_I32_VAL(1), two = WASM_I32_VAL(2), wide = WASM_I64_VAL(2), real = WASM_F32_VAL(2), null = WASM_INIT_VAL;
  wasm_global_t *constant = new_global(store, WASM_I32, WASM_CONST, one), *variable = new_global(store, WASM_I32, WASM_VAR, one);
  CHECK_REASON((wasm_global_set(constant, &two), get(constant).of.i32 == 1));
  CHECK_REASON((wasm_global_set(variable, &wide), get(variable).of.i32 == 1));
  CHECK_REASON((wasm_global_set(variable, &real), get(variable).of.i32 == 1));
  CHECK_REASON((wasm_global_set(variable, &null), get(variable).of.i32 == 1));
  CHECK_NO_REASON((wasm_global_set(variable, &two), get(variable).of.i32 == 2));
  wasm_global_t* ref = new_global(store, WASM_FUNCREF, WASM_VAR, (wasm_val_t){WASM_FUNCREF, {.ref = NULL}});
  CHECK(ref);
  CHECK_REASON((wasm_global_set(ref, &one), get(ref).of.ref == NULL));
  // A reference, but no function.
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_val_t wrong = {WASM_FUNCREF, {.ref = wasm_foreign_as_ref(foreign)}};
  CHECK_REASON((wasm_global_set(ref, &wrong), get(ref).of.ref == NULL));
  wasm_foreign_delete(foreign);
  wasm_global_delete(ref);
  wasm_global_delete(constant);
  wasm_global_delete(variable);
  wasm_store_delete(store);
}

// Made with another numeric kind, a global takes the bits, and the reason is recorded; a reference for a number, or the
// reverse, gives none.
static void other_kinds(void) {
  wasm_store_t* store = check_store();
  wasm_val_t i32 = WASM_I32_VAL(7), i64 = WASM_I64_VAL(0x100000007), f64 = WASM_F64_VAL(1.0), null = WASM_INIT_VAL;
  wasm_global_t* global;
  CHECK_REASON((global = new_global(store, WASM_I32, WASM_VAR, i64)) != NULL);
  CHECK(get(global).kind == WASM_I32 && get(global).of.i32 == 7);
  wasm_global_delete(global);
  CHECK_REASON((global = new_global(store, WASM_I64, WASM_VAR, f64)) != NULL);
  CHECK(get(global).kind == WASM_I64 && get(global).of.i64 == 0x3ff0000000000000);
  wasm_global_delete(global);
  CHECK_REASON(new_global(store, WASM_I32, WASM_VAR, null) == NULL);
  CHECK_REASON(new_global(store, WASM_EXTERNREF, WASM_VAR, i32) == NULL);
  CHECK_REASON(new_global(store, WASM_FUNCREF, WASM_CONST, i64) == NULL);
  wasm_store_delete(store);
}

// Shared with wasm: both see what the other sets; references keep what they point to alive.
static void shared_with_wasm(void) {
  wasm_store_t* store = check_store();
  wasm_val_t zero = WASM_I32_VAL(0), null = WASM_INIT_VAL;
  wasm_global_t *number = new_global(store, WASM_I32, WASM_VAR, zero), *ref = new_global(store, WASM_EXTERNREF, WASM_VAR, null);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"n\" (global $n (mut i32))) (import \"\" \"r\" (global $r (mut externref)))"
      "  (global $own (export \"own\") (mut i64) (i64.const 9)) (global (export \"f\") funcref (ref.func $inc))"
      "  (export \"n\" (global $n)) (export \"r\" (global $r))"
      "  (func $inc (export \"inc\") (result i32)"
      "    (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))"
      "  (func (export \"clear\") (global.set $r (ref.null extern))))",
      2, wasm_global_as_extern(number), wasm_global_as_extern(ref));
  wasm_global_t *own = check_global(instance, 0), *f = check_global(instance, 1), *again = check_global(instance, 2);
  wasm_func_t *inc = check_func(instance, 4), *clear = check_func(instance, 5);
  CHECK(wasm_global_same(number, again));
  CHECK(check_call(inc, 0) == 1 && get(number).of.i32 == 1);
  wasm_val_t ten = WASM_I32_VAL(10), wide = WASM_I64_VAL(11);
  wasm_global_set(again, &ten);
  CHECK(check_call(inc, 0) == 11);
  wasm_global_set(own, &wide);
  CHECK(get(own).of.i64 == 11);
  wasm_val_t func = get(f);
  CHECK(func.kind == WASM_FUNCREF && wasm_ref_same(func.of.ref, wasm_func_as_ref(inc)));
  wasm_val_delete(&func);

  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
  wasm_global_set(ref, &value);
  wasm_foreign_delete(foreign);
  CHECK(finalized == 0);
  value = get(ref);
  CHECK(wasm_ref_get_host_info(value.of.ref) == &finalized);
  wasm_val_delete(&value);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(clear, &none, &none));
  CHECK(get(ref).of.ref == NULL);

  // A global outlives its instance, and the function in it does too.
  wasm_func_delete(inc);
  wasm_func_delete(clear);
  wasm_instance_delete(instance);
  CHECK(get(own).of.i64 == 11);
  func = get(f);
  CHECK(check_call(wasm_ref_as_func(func.of.ref), 0) == 12);
  wasm_val_delete(&func);
  wasm_global_delete(own);
  wasm_global_delete(f);
  wasm_global_delete(again);
  wasm_global_delete(number);
  wasm_global_delete(ref);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

static void nulls(void) {
  wasm_store_t* store = check_store();
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
  wasm_val_t value = WASM_I32_VAL(1), out;
  CHECK_NO_REASON((wasm_global_delete(NULL), true));
  CHECK_REASON(wasm_global_new(NULL, type, &value) == NULL);
  CHECK_REASON(wasm_global_new(store, NULL, &value) == NULL);
  CHECK_REASON(wasm_global_new(store, type, NULL) == NULL);
  CHECK_REASON(wasm_global_type(NULL) == NULL);
  memset(&out, 0x77, sizeof out);
  CHECK_REASON((wasm_global_get(NULL, &out), out.of.ref == NULL));
  CHECK_REASON((wasm_global_set(NULL, &value), true));
  wasm_global_t* global = wasm_global_new(store, type, &value);
  CHECK_REASON((wasm_global_set(global, NULL), get(global).of.i32 == 1));
  CHECK_REASON((wasm_global_get(global, NULL), true));
  wasm_global_delete(global);
  wasm_globaltype_delete(type);
  wasm_store_delete(store);
}

int main(void) {
  numbers();
  refused_sets();
  other_kinds();
  shared_with_wasm();
  nulls();
  return 0;
}
