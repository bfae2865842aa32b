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

// What an environment can own besides plain handles.
struct belongings {
  wasm_store_t* store;
  wasm_trap_t* trap;
  wasm_frame_vec_t frames;
  wasm_extern_vec_t exports;
  wasm_val_t value;
  wasm_module_t* module;
  int* finalized;
};

static wasm_trap_t* raise_a_trap(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  struct belongings* belongings = env;
  wasm_byte_vec_t text = {5, "raise"};
  return belongings->trap ? wasm_trap_copy(belongings->trap) : wasm_trap_new(belongings->store, &text);
}

static void trace_belongings(void* env, libwasm_visit_t visit, void* visitor) {
  struct belongings* belongings = env;
  visit(wasm_trap_as_ref_const(belongings->trap), visitor);
  for (size_t i = 0; i < belongings->frames.size; i++) {
    visit(wasm_instance_as_ref_const(wasm_frame_instance(belongings->frames.data[i])), visitor);
  }
  for (size_t i = 0; i < belongings->exports.size; i++) visit(wasm_extern_as_ref_const(belongings->exports.data[i]), visitor);
  visit(belongings->value.of.ref, visitor);
  visit(wasm_module_as_ref_const(belongings->module), visitor);
}

static void finalize_belongings(void* env) {
  struct belongings* belongings = env;
  ++*belongings->finalized;
  wasm_trap_delete(belongings->trap);
  wasm_frame_vec_delete(&belongings->frames);
  wasm_extern_vec_delete(&belongings->exports);
  wasm_val_delete(&belongings->value);
  wasm_module_delete(belongings->module);
  free(belongings);
}

enum belonging { TRAP = 1, FRAMES = 2, EXPORTS = 4, VALUE = 8, MODULE = 16, ESCAPED_TRAP = 32, TWO_TRACES = 64, EVERYTHING = 127 };

// An instance whose import's environment owns what is asked for; only the instance's handle is left to the caller.
static wasm_instance_t* instance_with(wasm_store_t* store, wasm_module_t* module, int what, int* finalized, int* instances) {
  struct belongings* belongings = calloc(1, sizeof *belongings);
  *belongings = (struct belongings){.store = store, .finalized = finalized, .value = WASM_REF_VAL(NULL)};
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func =
      libwasm_func_new_with_traced_env(store, type, raise_a_trap, belongings, trace_belongings, finalize_belongings);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports_vec, NULL);
  CHECK(instance);
  wasm_instance_set_host_info_with_finalizer(instance, instances, count_up);
  wasm_func_delete(func);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_func_t* run = wasm_extern_as_func(exports.data[0]);
  wasm_trap_t* trap = check_trap(run);
  if (what & FRAMES) {
    wasm_trap_trace(trap, &belongings->frames);
    CHECK(belongings->frames.size == 2);
  }
  if (what & (TRAP | ESCAPED_TRAP | TWO_TRACES)) belongings->trap = wasm_trap_copy(trap);
  if (what & ESCAPED_TRAP) {
    wasm_val_t arg[] = {WASM_REF_VAL(wasm_trap_as_ref(trap))};
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg), none = WASM_EMPTY_VEC;
    CHECK(!wasm_func_call(wasm_extern_as_func(exports.data[1]), &args, &none));
  }
  if (what & TWO_TRACES) {
    wasm_trap_t* again = check_trap(run);
    CHECK(wasm_trap_same(again, trap));
    wasm_trap_delete(again);
  }
  wasm_trap_delete(trap);
  if (what & EXPORTS) wasm_extern_vec_copy(&belongings->exports, &exports);
  if (what & VALUE) belongings->value.of.ref = wasm_instance_as_ref(wasm_instance_copy(instance));
  if (what & MODULE) belongings->module = wasm_module_copy(module);
  wasm_extern_vec_delete(&exports);
  return instance;
}

// All of it is freed: while the store lives, and when its own handle is gone.
static void environments_that_own_all_sorts_of_things(int what) {
  int finalized = 0, instances = 0, many = 1500;
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(
      store, "(module (import \"\" \"f\" (func $f)) (memory 1) (global $g (mut externref) (ref.null extern))"
             "  (func $g (call $f)) (func (export \"run\") (call $g)) (func (export \"keep\") (param externref)"
             "  (global.set 0 (local.get 0))))");
  for (int i = 0; i < many; i++) wasm_instance_delete(instance_with(store, module, what, &finalized, &instances));
  CHECK(finalized > many / 2 && instances > many / 2);
  wasm_instance_t* last = instance_with(store, module, what, &finalized, &instances);
  wasm_module_delete(module);
  wasm_store_delete(store);
  CHECK(finalized < many + 1);
  wasm_instance_delete(last);
  CHECK(finalized == many + 1 && instances == many + 1);
}

enum { OWNED = 300 };

struct owned_handles {
  wasm_foreign_t* handles[OWNED];
  int finalized;
};

static void delete_owned(void* info) {
  struct owned_handles* owned = info;
  for (int i = 0; i < OWNED; i++) wasm_foreign_delete(owned->handles[i]);
  owned->finalized++;
}

static wasm_trap_t* host_that_owns(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

// Only the collector frees an instance whose table refers to a function of its own. A host info of it, or the environment of a function
// that it imports, owns most handles that are left when the host deletes its last: that one frees them all.
static void last_handles_owned_by_garbage(bool by_an_environment, bool store_first) {
  struct owned_handles owned = {.finalized = 0};
  wasm_store_t* store = check_store();
  for (int i = 0; i < OWNED; i++) CHECK(owned.handles[i] = wasm_foreign_new(store));
  wasm_module_t* module = check_module(store,
      "(module (import \"\" \"f\" (func)) (table (export \"t\") 1 funcref) (elem (i32.const 0) $f) (func $f (export \"g\")))");
  wasm_functype_t* type = wasm_functype_new_0_0();
  void (*finalizer)(void*) = by_an_environment ? delete_owned : NULL;
  wasm_func_t* func = wasm_func_new_with_env(store, type, host_that_owns, &owned, finalizer);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports_vec = WASM_ARRAY_VEC(imports), exports;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports_vec, NULL);
  CHECK(instance);
  if (!by_an_environment) wasm_instance_set_host_info_with_finalizer(instance, &owned, delete_owned);
  wasm_instance_exports(instance, &exports);
  wasm_module_delete(module);
  wasm_func_delete(func);
  if (store_first) wasm_store_delete(store);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  if (!store_first) wasm_store_delete(store);
  CHECK(owned.finalized == 1);
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
  for (int what = 0; what <= TWO_TRACES; what = what ? 2 * what : 1) environments_that_own_all_sorts_of_things(what);
  environments_that_own_all_sorts_of_things(EVERYTHING);
  for (int way = 0; way < 4; way++) last_handles_owned_by_garbage(way & 1, way & 2);
  return 0;
}
