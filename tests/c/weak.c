// Weak references: what they give while an object lives, and when they are cleared.

#include "aggregates.h"

// Weak references are cleared when what they refer to dies, and keep nothing.
static void weak_references(void) {
  struct world w = world_new();
  // An object of WebAssembly.
  wasm_ref_t *object = node(&w, 5, NULL), *holder = node(&w, 6, object);
  libwasm_weak_t* weak = libwasm_weak_new(object);
  wasm_ref_t* found = libwasm_weak_get(weak);
  CHECK(wasm_ref_same(found, object));
  wasm_ref_delete(found);
  wasm_ref_delete(object);
  churn(&w);
  CHECK(libwasm_store_collect(w.store));
  object = libwasm_weak_get(weak);
  CHECK(object && field(object, 0) == 5);
  wasm_ref_delete(holder);
  // The handle keeps it.
  CHECK(libwasm_store_collect(w.store) && field(object, 0) == 5);
  wasm_ref_delete(object);
  CHECK(libwasm_store_collect(w.store));
  CHECK_NO_REASON(!libwasm_weak_get(weak));
  libwasm_weak_t* copy = libwasm_weak_copy(weak);
  libwasm_weak_delete(weak);
  CHECK_NO_REASON(!libwasm_weak_get(copy));
  libwasm_weak_delete(copy);
  // One that is new, by a collection of what is new.
  object = node(&w, 7, NULL);
  weak = libwasm_weak_new(object);
  wasm_ref_delete(object);
  churn(&w);
  CHECK_NO_REASON(!libwasm_weak_get(weak));
  libwasm_weak_delete(weak);
  // Host info stays with the object, and its finalizer runs when the weak reference is cleared.
  int finalized = 0;
  object = node(&w, 8, NULL);
  wasm_ref_set_host_info_with_finalizer(object, &finalized, count_up);
  weak = libwasm_weak_new(object);
  holder = node(&w, 9, object);
  wasm_ref_delete(object);
  CHECK(libwasm_store_collect(w.store) && finalized == 0);
  object = libwasm_weak_get(weak);
  CHECK(wasm_ref_get_host_info(object) == &finalized);
  wasm_ref_delete(object);
  wasm_ref_delete(holder);
  CHECK(libwasm_store_collect(w.store) && finalized == 1 && !libwasm_weak_get(weak));
  libwasm_weak_delete(weak);
  // An i31 never dies.
  object = libwasm_i31_new(w.store, 3);
  weak = libwasm_weak_new(object);
  wasm_ref_delete(object);
  CHECK(libwasm_store_collect(w.store));
  object = libwasm_weak_get(weak);
  CHECK(libwasm_i31_get_u(object) == 3);
  wasm_ref_delete(object);
  libwasm_weak_delete(weak);
  // Objects of the host: freed with the last handle, or by a collection.
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  weak = libwasm_weak_new(wasm_foreign_as_ref(foreign));
  found = libwasm_weak_get(weak);
  CHECK(found == wasm_foreign_as_ref(foreign));
  wasm_ref_delete(found);
  wasm_foreign_delete(foreign);
  CHECK_NO_REASON(!libwasm_weak_get(weak));
  libwasm_weak_delete(weak);
  foreign = wasm_foreign_new(w.store);
  libwasm_weak_t* more[3];
  for (int i = 0; i < 3; i++) more[i] = libwasm_weak_new(wasm_foreign_as_ref(foreign));
  libwasm_weak_delete(more[0]);
  libwasm_deftype_t* type = libwasm_deftype_new_array(libwasm_fieldtype_new(wasm_valtype_new_externref(), WASM_VAR));
  wasm_val_t value = {.kind = WASM_EXTERNREF, .of = {.ref = wasm_foreign_as_ref(foreign)}};
  wasm_ref_t* array = libwasm_array_new(w.store, type, 1, &value);
  libwasm_deftype_delete(type);
  wasm_foreign_delete(foreign);
  CHECK(libwasm_store_collect(w.store));
  found = libwasm_weak_get(more[1]);
  CHECK(found && libwasm_ref_kind(found) == LIBWASM_REFKIND_FOREIGN);
  wasm_ref_delete(found);
  wasm_ref_delete(array);
  CHECK(libwasm_store_collect(w.store) && !libwasm_weak_get(more[1]) && !libwasm_weak_get(more[2]));
  libwasm_weak_delete(more[1]);
  // A function of an instance lives as long as that.
  wasm_func_t* func = check_func(w.instance, ANSWER);
  weak = libwasm_weak_new(wasm_func_as_ref(func));
  wasm_func_delete(func);
  CHECK(libwasm_store_collect(w.store));
  found = libwasm_weak_get(weak);
  CHECK(check_call(wasm_ref_as_func(found), 0) == 42);
  wasm_ref_delete(found);
  CHECK_REASON(!libwasm_weak_new(NULL));
  CHECK_REASON(!libwasm_weak_get(NULL));
  world_delete(&w);
  // The weak references are what keeps the store now.
  CHECK_NO_REASON(!libwasm_weak_get(more[2]));
  libwasm_weak_delete(more[2]);
  libwasm_weak_delete(weak);
}

struct env {
  wasm_store_t* store;
  wasm_ref_t* owned;
  int* finalized;
};

static void trace(void* env, libwasm_visit_t visit, void* visitor) { visit(((struct env*)env)->owned, visitor); }

static wasm_trap_t* nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

static void finalize(void* data) {
  struct env* env = data;
  ++*env->finalized;
  wasm_ref_delete(env->owned);
}

// Weak references to what only garbage keeps are cleared before that is finalized.
static void weak_and_environments(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  struct env env = {store, NULL, &finalized};
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = libwasm_func_new_with_traced_env(store, type, nothing, &env, trace, finalize);
  wasm_functype_delete(type);
  // The function and an array that refer to each other.
  libwasm_deftype_t* deftype = libwasm_deftype_new_array(libwasm_fieldtype_new(wasm_valtype_new_funcref(), WASM_VAR));
  wasm_val_t value = {.kind = WASM_FUNCREF, .of = {.ref = wasm_func_as_ref(func)}};
  env.owned = libwasm_array_new(store, deftype, 1, &value);
  libwasm_deftype_delete(deftype);
  CHECK(env.owned);
  libwasm_weak_t *to_func = libwasm_weak_new(wasm_func_as_ref(func)), *to_array = libwasm_weak_new(env.owned);
  CHECK(libwasm_store_collect(store) && finalized == 0);
  wasm_func_delete(func);
  CHECK(libwasm_store_collect(store) && finalized == 1);
  CHECK_NO_REASON(!libwasm_weak_get(to_func) && !libwasm_weak_get(to_array));
  CHECK(libwasm_store_collect(store));
  libwasm_weak_delete(to_func);
  libwasm_weak_delete(to_array);
  wasm_store_delete(store);
}

int main(void) {
  weak_references();
  weak_and_environments();
  return 0;
}
