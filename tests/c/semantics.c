// The semantics the header documents for the lives of objects: who may delete what, when and where; finalizers; stores that are busy;
// objects of other stores.

#include <pthread.h>

#include "check.h"

// One object of each kind that can be deleted, and how it is.
enum { KINDS = 34, FINALIZERS = 10 };

struct item {
  void* object;
  void (*delete)(void*);
};

struct world {
  wasm_store_t* store;
  struct item items[KINDS];
  int count, finalized[FINALIZERS], finalizers;
};

#define ITEM(name) \
  static void delete_##name(void* object) { wasm_##name##_delete(object); }
ITEM(config) ITEM(engine) ITEM(store) ITEM(module) ITEM(shared_module) ITEM(instance) ITEM(func) ITEM(global) ITEM(table) ITEM(memory)
ITEM(foreign) ITEM(trap) ITEM(frame) ITEM(extern) ITEM(ref) ITEM(valtype) ITEM(functype) ITEM(globaltype) ITEM(tabletype)
ITEM(memorytype) ITEM(tagtype) ITEM(externtype) ITEM(importtype) ITEM(exporttype)

// Vectors, and values, in storage of their own.
#define VEC(name)                           \
  static void delete_##name(void* object) { \
    wasm_##name##_delete(object);           \
    free(object);                           \
  }                                         \
  static wasm_##name##_t* new_##name(void) { return calloc(1, sizeof(wasm_##name##_t)); }
VEC(byte_vec) VEC(extern_vec) VEC(frame_vec) VEC(importtype_vec) VEC(exporttype_vec) VEC(val_vec) VEC(val)

static void add(struct world* world, void* object, void (*delete)(void*)) {
  CHECK(object && world->count < KINDS);
  world->items[world->count++] = (struct item){object, delete};
}

// A pointer for a finalizer, each of which is to run once.
static int* counter(struct world* world) {
  CHECK(world->finalizers < FINALIZERS);
  return &world->finalized[world->finalizers++];
}

static wasm_trap_t* host(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

#define WITH_INFO(name, object) wasm_##name##_set_host_info_with_finalizer(object, counter(world), count_up)

static void add_objects(struct world* world, wasm_module_t* module, wasm_instance_t* instance) {
  wasm_func_t* func = check_func(instance, 0);
  wasm_global_t* global = check_global(instance, 1);
  wasm_table_t* table = check_table(instance, 2);
  wasm_memory_t* memory = check_memory(instance, 3);
  wasm_foreign_t* foreign = wasm_foreign_new(world->store);
  wasm_trap_t* trap = check_trap(func);
  WITH_INFO(module, module);
  WITH_INFO(instance, instance);
  WITH_INFO(func, func);
  WITH_INFO(global, global);
  WITH_INFO(table, table);
  WITH_INFO(memory, memory);
  WITH_INFO(foreign, foreign);
  WITH_INFO(trap, trap);
  // The global and the table keep what the host lets go of.
  wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
  wasm_global_set(global, &value);
  CHECK(wasm_table_set(table, 0, wasm_func_as_ref(func)));
  wasm_val_vec_t* vals = new_val_vec();
  wasm_val_t* val = new_val();
  wasm_extern_vec_t* exports = new_extern_vec();
  wasm_frame_vec_t* frames = new_frame_vec();
  wasm_global_get(global, val);
  wasm_val_vec_new_uninitialized(vals, 3);
  wasm_val_copy(&vals->data[1], val);
  wasm_instance_exports(instance, exports);
  wasm_trap_trace(trap, frames);
  CHECK(exports->size == 4 && frames->size == 1 && val->of.ref);
  add(world, module, delete_module);
  add(world, instance, delete_instance);
  add(world, func, delete_func);
  add(world, global, delete_global);
  add(world, table, delete_table);
  add(world, memory, delete_memory);
  add(world, foreign, delete_foreign);
  add(world, trap, delete_trap);
  add(world, wasm_trap_origin(trap), delete_frame);
  add(world, wasm_extern_copy(exports->data[2]), delete_extern);
  add(world, wasm_table_get(table, 0), delete_ref);
  add(world, vals, delete_val_vec);
  add(world, val, delete_val);
  add(world, exports, delete_extern_vec);
  add(world, frames, delete_frame_vec);
}

static void add_types(struct world* world, const wasm_module_t* module, wasm_func_t* func) {
  wasm_limits_t limits = {1, 2};
  wasm_name_t name;
  wasm_name_new_from_string(&name, "name");
  wasm_importtype_vec_t* imports = new_importtype_vec();
  wasm_exporttype_vec_t* exports = new_exporttype_vec();
  wasm_byte_vec_t* bytes = new_byte_vec();
  wasm_module_imports(module, imports);
  wasm_module_exports(module, exports);
  wasm_module_serialize(module, bytes);
  CHECK(imports->size == 1 && exports->size == 4 && bytes->size > 0);
  add(world, wasm_importtype_copy(imports->data[0]), delete_importtype);
  add(world, wasm_exporttype_new(&name, wasm_externtype_copy(wasm_exporttype_type(exports->data[1]))), delete_exporttype);
  add(world, imports, delete_importtype_vec);
  add(world, exports, delete_exporttype_vec);
  add(world, bytes, delete_byte_vec);
  add(world, wasm_valtype_new_i32(), delete_valtype);
  add(world, wasm_func_type(func), delete_functype);
  add(world, wasm_globaltype_new(wasm_valtype_new_f32(), WASM_VAR), delete_globaltype);
  add(world, wasm_tabletype_new(wasm_valtype_new_funcref(), &limits), delete_tabletype);
  add(world, wasm_memorytype_new(&limits), delete_memorytype);
  add(world, wasm_tagtype_new(wasm_functype_new_0_0()), delete_tagtype);
  add(world, wasm_extern_type(wasm_func_as_extern(func)), delete_externtype);
}

static void world_new(struct world* world) {
  *world = (struct world){.count = 0};
  wasm_engine_t* engine = check_engine();
  world->store = wasm_store_new(engine);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* import = wasm_func_new_with_env(world->store, type, host, counter(world), count_up);
  wasm_functype_delete(type);
  WITH_INFO(func, import);
  wasm_module_t* module = check_module(
      world->store,
      "(module (import \"\" \"f\" (func)) (func (export \"f\") unreachable)"
      " (global (export \"g\") (mut externref) (ref.null extern)) (table (export \"t\") 1 funcref) (memory (export \"m\") 1))");
  wasm_extern_t* items[] = {wasm_func_as_extern(import)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_instance_t* instance = wasm_instance_new(world->store, module, &imports, NULL);
  CHECK(instance);
  add_objects(world, module, instance);
  add_types(world, module, import);
  add(world, engine, delete_engine);
  add(world, wasm_config_new(), delete_config);
  add(world, wasm_module_share(module), delete_shared_module);
  add(world, import, delete_func);
  add(world, world->store, delete_store);
  CHECK(world->finalizers == FINALIZERS);
}

// Every finalizer has run, once.
static void all_finalized(const struct world* world) {
  for (int i = 0; i < FINALIZERS; i++) CHECK(world->finalized[i] == 1);
}

static unsigned chance = 1;

static int up_to(int bound) {
  chance = chance * 1664525 + 1013904223;
  return (int)((chance >> 8) % (unsigned)bound);
}

static void shuffle(struct world* world) {
  for (int i = world->count - 1; i > 0; i--) {
    int other = up_to(i + 1);
    struct item item = world->items[i];
    world->items[i] = world->items[other];
    world->items[other] = item;
  }
}

static void delete_item(const struct item* item) { item->delete(item->object); }

static void* delete_all(void* world) {
  for (int i = 0; i < ((struct world*)world)->count; i++) delete_item(&((struct world*)world)->items[i]);
  return NULL;
}

static void* delete_one(void* item) {
  delete_item(item);
  return NULL;
}

static void on_thread(void* (*body)(void*), void* arg) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, arg) == 0 && pthread_join(thread, NULL) == 0);
}

// "Any order of deletion, from any thread", of objects of every kind: on this thread, on another one, and some on each.
static void any_order_from_any_thread(void) {
  int rounds = check_mode_is_checked() ? 20 : 200;
  for (int round = 0; round < rounds; round++) {
    struct world world;
    world_new(&world);
    shuffle(&world);
    int way = round % 3;
    if (way == 0) delete_all(&world);
    if (way == 1) on_thread(delete_all, &world);
    for (int i = 0; way == 2 && i < world.count; i++) {
      if (up_to(2)) on_thread(delete_one, &world.items[i]);
      else delete_item(&world.items[i]);
    }
    all_finalized(&world);
  }
}

struct deleting {
  struct world* world;
  int runs;
};

static void delete_world(void* deleting) {
  ((struct deleting*)deleting)->runs++;
  delete_all(((struct deleting*)deleting)->world);
}

// "The finalizer of an object runs once, when the object dies, at the latest with its store, and may call any `*_delete`": all of them,
// those of its own store among them, in the finalizer of a host info that dies, is replaced, or dies with the store, and of an
// environment.
static void finalizers_may_delete_anything(void) {
  for (int way = 0; way < 8; way++) {
    struct world world;
    struct deleting deleting = {&world, 0};
    world_new(&world);
    if (way & 1) shuffle(&world);
    // In its own store, or in another.
    wasm_store_t* store = way & 4 ? check_store() : world.store;
    wasm_foreign_t* foreign = wasm_foreign_new(store);
    if (way & 2) {
      wasm_functype_t* type = wasm_functype_new_0_0();
      wasm_func_t* func = wasm_func_new_with_env(store, type, host, &deleting, delete_world);
      wasm_functype_delete(type);
      CHECK(deleting.runs == 0);
      wasm_func_delete(func);
    } else {
      wasm_foreign_set_host_info_with_finalizer(foreign, &deleting, delete_world);
      CHECK(deleting.runs == 0);
      wasm_foreign_set_host_info(foreign, NULL);
    }
    CHECK(deleting.runs == 1);
    wasm_foreign_delete(foreign);
    if (way & 4) wasm_store_delete(store);
    all_finalized(&world);
    CHECK(deleting.runs == 1);
  }
}

// At the latest with the store: a cycle of an instance, its table and a function keeps the object, and only the collector frees that.
static void finalizers_that_run_with_the_store(void) {
  struct world world;
  struct deleting deleting = {&world, 0};
  world_new(&world);
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store, "(module (table (export \"t\") 1 funcref) (func $f (export \"f\")) (elem (i32.const 0) $f)"
             " (global (export \"g\") (mut externref) (ref.null extern)))", 0);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &deleting, delete_world);
  wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
  wasm_global_t* global = check_global(instance, 2);
  wasm_table_t* table = check_table(instance, 0);
  wasm_ref_delete(wasm_table_get(table, 0));
  wasm_global_set(global, &value);
  wasm_foreign_delete(foreign);
  wasm_global_delete(global);
  wasm_table_delete(table);
  wasm_instance_delete(instance);
  CHECK(deleting.runs == 0);
  wasm_store_delete(store);
  CHECK(deleting.runs == 1);
  all_finalized(&world);
}

struct busy {
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_instance_t* instance;
  wasm_func_t* func;
  wasm_global_t* global;
  wasm_table_t* table;
  wasm_memory_t* memory;
  wasm_trap_t* trap;
};

// `expression` must say that the store is in use, and give the typed default.
#define CHECK_BUSY(expression)      \
  (libwasm_last_error_clear(), CHECK(expression), CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_BUSY && reason_says("thread")))

static void* use_while_busy(void* arg) {
  struct busy* busy = arg;
  wasm_store_t* store = busy->store;
  wasm_val_t number = WASM_I32_VAL(5), out = WASM_I64_VAL(7);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_extern_vec_t no_imports = WASM_EMPTY_VEC, exports = {7, (wasm_extern_t**)8};
  wasm_trap_t* trap = NULL;
  wasm_limits_t limits = {1, 9};
  wasm_functype_t* func_type = wasm_functype_new_0_0();
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  CHECK_BUSY((trap = wasm_func_call(busy->func, &none, &none)) != NULL);
  wasm_trap_delete(trap);
  trap = NULL;
  CHECK_BUSY(!wasm_instance_new(store, busy->module, &no_imports, &trap) && trap);
  wasm_trap_delete(trap);
  int finalized = 0;
  CHECK_BUSY(!wasm_func_new_with_env(store, func_type, host, &finalized, count_up) && finalized == 1);
  CHECK_BUSY(!wasm_global_new(store, global_type, &number));
  CHECK_BUSY(!wasm_table_new(store, table_type, NULL));
  CHECK_BUSY(!wasm_memory_new(store, memory_type));
  wasm_byte_vec_t binary = check_wasm("(module)");
  wasm_shared_module_t* shared = wasm_module_share(busy->module);
  CHECK_BUSY(!wasm_module_new(store, &binary));
  CHECK_BUSY(!wasm_module_obtain(store, shared));
  wasm_shared_module_delete(shared);
  wasm_byte_vec_delete(&binary);
  CHECK_BUSY(!wasm_foreign_new(store));
  CHECK_BUSY((wasm_instance_exports(busy->instance, &exports), exports.size == 0 && !exports.data));
  CHECK_BUSY((wasm_global_get(busy->global, &out), out.kind == WASM_I32 && out.of.i32 == 0));
  CHECK_BUSY((wasm_global_set(busy->global, &number), true));
  CHECK_BUSY(!wasm_table_get(busy->table, 0));
  CHECK_BUSY(!wasm_table_set(busy->table, 0, NULL));
  CHECK_BUSY(!wasm_table_grow(busy->table, 1, NULL));
  CHECK_BUSY(!wasm_memory_grow(busy->memory, 1));
  wasm_frame_vec_t frames = {7, (wasm_frame_t**)8};
  CHECK_BUSY((wasm_trap_trace(busy->trap, &frames), frames.size == 0 && !frames.data));
  CHECK_BUSY(!wasm_trap_origin(busy->trap));
  wasm_functype_delete(func_type);
  wasm_globaltype_delete(global_type);
  wasm_tabletype_delete(table_type);
  wasm_memorytype_delete(memory_type);
  return NULL;
}

static wasm_trap_t* let_another_thread_in(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  on_thread(use_while_busy, env);
  return NULL;
}

// "Use of a store from two threads at once is the caller's mistake and is detected as an error", whichever function it is that the other
// thread calls while the store runs; nothing has changed afterwards.
static void busy_stores(void) {
  struct busy busy = {.store = check_store()};
  busy.module = check_module(busy.store,
      "(module (func (export \"f\") unreachable) (global (export \"g\") (mut i32) (i32.const 3))"
      " (table (export \"t\") 1 funcref) (memory (export \"m\") 1 2) (elem (i32.const 0) 0))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  busy.instance = wasm_instance_new(busy.store, busy.module, &none, NULL);
  busy.func = check_func(busy.instance, 0);
  busy.global = check_global(busy.instance, 1);
  busy.table = check_table(busy.instance, 2);
  busy.memory = check_memory(busy.instance, 3);
  busy.trap = check_trap(busy.func);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(busy.store, type, let_another_thread_in, &busy, NULL);
  wasm_functype_delete(type);
  wasm_val_vec_t nothing = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(func, &nothing, &nothing));
  wasm_val_t value;
  wasm_global_get(busy.global, &value);
  wasm_ref_t* element = wasm_table_get(busy.table, 0);
  CHECK(value.of.i32 == 3 && element && wasm_table_size(busy.table) == 1 && wasm_memory_size(busy.memory) == 1);
  wasm_ref_delete(element);
  wasm_func_delete(func);
  wasm_trap_delete(busy.trap);
  wasm_memory_delete(busy.memory);
  wasm_table_delete(busy.table);
  wasm_global_delete(busy.global);
  wasm_func_delete(busy.func);
  wasm_instance_delete(busy.instance);
  wasm_module_delete(busy.module);
  wasm_store_delete(busy.store);
}

static wasm_trap_t* delete_world_elsewhere(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  struct world* world = env;
  on_thread(delete_all, world);
  // The store runs on: what it is asked for here is there, and new objects can be made.
  wasm_foreign_t* foreign = wasm_foreign_new(world->store);
  CHECK(foreign);
  wasm_foreign_delete(foreign);
  return NULL;
}

// Deletion is not use: another thread may delete everything, the store's own handle too, while a function of that store runs.
static void deletes_while_busy(void) {
  for (int round = 0; round < 10; round++) {
    struct world world;
    world_new(&world);
    shuffle(&world);
    wasm_functype_t* type = wasm_functype_new_0_0();
    wasm_func_t* func = wasm_func_new_with_env(world.store, type, delete_world_elsewhere, &world, NULL);
    wasm_functype_delete(type);
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    CHECK(!wasm_func_call(func, &none, &none));
    wasm_func_delete(func);
    all_finalized(&world);
  }
}

static wasm_trap_t* give_foreigner(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_val_t value = WASM_REF_VAL(wasm_ref_copy(env));
  if (args->data[0].of.i32) wasm_val_vec_new(results, 1, &value);
  else results->data[0] = value;
  return NULL;
}

// "Objects of different stores, used together: refused with an error, never confused": as a result of a callback, written where it is to
// be or in another vector, it is a trap, and the handle is given back.
static void results_of_another_store(void) {
  wasm_store_t *here = check_store(), *there = check_store();
  int finalized = 0;
  wasm_foreign_t* foreigner = wasm_foreign_new(there);
  wasm_foreign_set_host_info_with_finalizer(foreigner, &finalized, count_up);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_externref());
  wasm_func_t* func = wasm_func_new_with_env(here, type, give_foreigner, wasm_foreign_as_ref(foreigner), NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      here, "(module (import \"\" \"f\" (func $f (param i32) (result externref)))"
            " (func (export \"f\") (param i32) (result externref) (call $f (local.get 0))))", 1, wasm_func_as_extern(func));
  wasm_func_t* ways[] = {func, check_func(instance, 0)};
  for (int i = 0; i < 4; i++) {
    wasm_val_t how = WASM_I32_VAL(i / 2), out;
    wasm_val_vec_t args = {1, &how}, results = {1, &out};
    wasm_trap_t* trap = wasm_func_call(ways[i % 2], &args, &results);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
    wasm_trap_delete(trap);
  }
  wasm_func_delete(ways[1]);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_store_delete(here);
  wasm_store_delete(there);
  CHECK(finalized == 0);
  wasm_foreign_delete(foreigner);
  CHECK(finalized == 1);
}

int main(void) {
  any_order_from_any_thread();
  finalizers_may_delete_anything();
  finalizers_that_run_with_the_store();
  busy_stores();
  deletes_while_busy();
  results_of_another_store();
  return 0;
}
