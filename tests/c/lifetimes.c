// Lives of objects under strain: long chains of finalizers, objects made and deleted while a guest runs, deletes that race.

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

// A chain: each finalizer deletes the next object.
static wasm_foreign_t** chain;
static long chain_length, finalized;

static void delete_next(void* place) {
  long next = (long)(intptr_t)place + 1;
  finalized++;
  if (next < chain_length) wasm_foreign_delete(chain[next]);
}

static void long_chains_of_finalizers(void) {
  wasm_store_t* store = check_store();
  chain_length = 100000;
  finalized = 0;
  chain = calloc((size_t)chain_length, sizeof *chain);
  for (long i = 0; i < chain_length; i++) {
    chain[i] = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(chain[i], (void*)(intptr_t)i, delete_next);
  }
  wasm_foreign_delete(chain[0]);
  CHECK(finalized == chain_length);
  free(chain);
  wasm_store_delete(store);
}

// A callback that makes objects and deletes them again, called from a loop of the guest that does not return meanwhile.
static wasm_trap_t* make_and_delete(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  wasm_store_t* store = env;
  wasm_limits_t limits = {1, 1};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, type);
  CHECK(memory);
  wasm_memory_delete(memory);
  wasm_memorytype_delete(type);
  wasm_foreign_delete(wasm_foreign_new(store));
  wasm_functype_t* nothing = wasm_functype_new_0_0();
  wasm_func_delete(wasm_func_new_with_env(store, nothing, make_and_delete, store, NULL));
  wasm_functype_delete(nothing);
  return NULL;
}

static void objects_of_callbacks_do_not_pile_up(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, make_and_delete, store, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(store,
      "(module (import \"\" \"f\" (func $f)) (func (export \"loop\") (param i32)"
      "  (loop (call $f) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))", 1, wasm_func_as_extern(host));
  wasm_func_t* loop = check_func(instance, 0);
  // More guarded memories than an address space holds, if they stayed.
  wasm_val_t count[] = {WASM_I32_VAL(check_mode_is_checked() ? 2000 : 40000)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(count), results = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(loop, &args, &results));
  wasm_func_delete(loop);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_store_delete(store);
}

// A host function that calls itself through the host, with no compiled code in between but the trampolines.
static wasm_func_t* itself;

static wasm_trap_t* call_itself(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  return wasm_func_call(itself, args, results);
}

static void recursion_of_host_functions_traps(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  itself = wasm_func_new(store, type, call_itself);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(itself, &none, &none);
  CHECK(trap);
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
  wasm_functype_delete(type);
  wasm_func_delete(itself);
  wasm_store_delete(store);
}

// One thread deletes a store while the store's own deletes the last object.
static wasm_store_t* _Atomic shared_store;

static void* delete_stores(void* rounds) {
  for (long i = 0; i < (long)(intptr_t)rounds; i++) {
    wasm_store_t* store;
    while (!(store = atomic_exchange(&shared_store, NULL))) {}
    wasm_store_delete(store);
  }
  return NULL;
}

static void stores_and_their_last_objects_go_together(void) {
  long rounds = check_mode_is_checked() ? 200 : 5000;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, delete_stores, (void*)(intptr_t)rounds) == 0);
  wasm_engine_t* engine = check_engine();
  for (long i = 0; i < rounds; i++) {
    wasm_store_t* store = wasm_store_new(engine);
    wasm_foreign_t* foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, NULL, NULL);
    atomic_store(&shared_store, store);
    for (volatile long wait = 0; wait < i % 200; wait++) {}
    wasm_foreign_delete(foreign);
    while (atomic_load(&shared_store)) {}
  }
  pthread_join(thread, NULL);
  wasm_engine_delete(engine);
}

// The trap of a failed link is a reference like any other; a trap of another store is refused.
static wasm_trap_t* foreign_trap;

static wasm_trap_t* return_foreign_trap(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return wasm_trap_copy(foreign_trap);
}

static void traps_belong_to_stores(void) {
  wasm_store_t *store = check_store(), *other = check_store();
  wasm_module_t* module = check_module(store, "(module (import \"\" \"f\" (func)))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(store, module, &none, &trap));
  CHECK(trap);
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_CONST);
  wasm_val_t value = WASM_REF_VAL(wasm_trap_as_ref(trap)), out;
  wasm_global_t* global = wasm_global_new(store, type, &value);
  CHECK(global);
  wasm_global_get(global, &out);
  CHECK(wasm_ref_same(out.of.ref, wasm_trap_as_ref(trap)));
  wasm_val_delete(&out);

  wasm_message_t message;
  char text[] = {'f', 'o', 0, 0, 0};
  wasm_byte_vec_t padded = WASM_ARRAY_VEC(text);
  foreign_trap = wasm_trap_new(other, &padded);
  wasm_trap_message(foreign_trap, &message);
  CHECK(message.size == 3 && memcmp(message.data, "fo", 3) == 0);
  wasm_byte_vec_delete(&message);
  wasm_functype_t* nothing = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new(store, nothing, return_foreign_trap);
  wasm_val_vec_t empty = WASM_EMPTY_VEC;
  wasm_trap_t* returned = wasm_func_call(func, &empty, &empty);
  CHECK(returned && !wasm_trap_same(returned, foreign_trap));
  CHECK(libwasm_trap_code(returned) == LIBWASM_TRAP_BAD_CALL);

  wasm_trap_delete(returned);
  wasm_trap_delete(foreign_trap);
  wasm_func_delete(func);
  wasm_functype_delete(nothing);
  wasm_global_delete(global);
  wasm_globaltype_delete(type);
  wasm_trap_delete(trap);
  wasm_module_delete(module);
  wasm_store_delete(other);
  wasm_store_delete(store);
}

struct owner {
  wasm_instance_t* instance;
  int* finalized;
};

static wasm_trap_t* does_nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

static void trace_owner(void* env, libwasm_visit_t visit, void* visitor) {
  visit(wasm_instance_as_ref_const(((struct owner*)env)->instance), visitor);
}

static void finalize_owner(void* env) {
  struct owner* owner = env;
  ++*owner->finalized;
  wasm_instance_delete(owner->instance);
  free(owner);
}

// Cycles through environments are freed whether the store's own handle goes first, last or in the middle.
static void traced_environments(int count, int before_the_store) {
  int finalized = 0;
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (import \"\" \"f\" (func)) (memory (export \"m\") 1))");
  wasm_instance_t** instances = calloc((size_t)count, sizeof *instances);
  wasm_functype_t* type = wasm_functype_new_0_0();
  for (int i = 0; i < count; i++) {
    struct owner* owner = calloc(1, sizeof *owner);
    wasm_func_t* func =
        libwasm_func_new_with_traced_env(store, type, does_nothing, owner, trace_owner, finalize_owner);
    wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
    instances[i] = wasm_instance_new(store, module, &imports_vec, NULL);
    owner->instance = wasm_instance_copy(instances[i]);
    owner->finalized = &finalized;
    wasm_func_delete(func);
  }
  wasm_functype_delete(type);
  wasm_module_delete(module);
  for (int i = 0; i < count; i++) {
    if (i == before_the_store) wasm_store_delete(store);
    CHECK(finalized <= i);
    wasm_instance_delete(instances[i]);
  }
  if (before_the_store >= count) wasm_store_delete(store);
  free(instances);
  CHECK(finalized == count);
}

int main(void) {
  long_chains_of_finalizers();
  objects_of_callbacks_do_not_pile_up();
  recursion_of_host_functions_traps();
  stores_and_their_last_objects_go_together();
  traps_belong_to_stores();
  for (int count = 1; count < 300; count = 3 * count + 1) {
    traced_environments(count, 0);
    traced_environments(count, count / 2);
    traced_environments(count, count);
  }
  return 0;
}
