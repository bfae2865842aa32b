// References: identity, host info and its finalizers, conversions between kinds.

#include "check.h"

static const char* const MODULE =
    "(module (func $f (export \"f\")) (global (export \"g\") (mut i32) (i32.const 1)) (table (export \"t\") 3 funcref)"
    "  (memory (export \"m\") 1) (elem (i32.const 1) $f))";

// `same` compares objects, not handles: the export, its copy, the export taken once more, and the table's element.
static void identity(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  wasm_func_t *first = check_func(instance, 0), *second = check_func(instance, 0), *copy = wasm_func_copy(first);
  wasm_table_t* table = check_table(instance, 2);
  wasm_ref_t* element = wasm_table_get(table, 1);
  CHECK(wasm_func_same(first, second) && wasm_func_same(first, copy));
  CHECK(wasm_ref_same(wasm_func_as_ref(first), element));
  CHECK(wasm_func_same(wasm_ref_as_func(element), second));
  wasm_table_t* same_table = check_table(instance, 2);
  wasm_memory_t *memory = check_memory(instance, 3), *same_memory = check_memory(instance, 3);
  wasm_global_t *global = check_global(instance, 1), *same_global = check_global(instance, 1);
  CHECK(wasm_table_same(table, same_table) && wasm_memory_same(memory, same_memory));
  CHECK(wasm_global_same(global, same_global));
  CHECK(!wasm_ref_same(wasm_table_as_ref(table), wasm_memory_as_ref(memory)));
  wasm_instance_t* instance_copy = wasm_instance_copy(instance);
  CHECK(wasm_instance_same(instance, instance_copy));
  wasm_instance_t* other = check_instance(store, MODULE, 0);
  wasm_func_t* other_func = check_func(other, 0);
  CHECK(!wasm_instance_same(instance, other) && !wasm_func_same(first, other_func));
  wasm_foreign_t *foreign = wasm_foreign_new(store), *another = wasm_foreign_new(store);
  CHECK(!wasm_foreign_same(foreign, another) && wasm_foreign_same(foreign, foreign));

  wasm_foreign_delete(foreign);
  wasm_foreign_delete(another);
  wasm_func_delete(other_func);
  wasm_instance_delete(other);
  wasm_instance_delete(instance_copy);
  wasm_global_delete(global);
  wasm_global_delete(same_global);
  wasm_memory_delete(memory);
  wasm_memory_delete(same_memory);
  wasm_table_delete(table);
  wasm_table_delete(same_table);
  wasm_ref_delete(element);
  wasm_func_delete(first);
  wasm_func_delete(second);
  wasm_func_delete(copy);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Host info belongs to the object: set through one handle, met through any other.
static void host_info_is_the_objects(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(store, MODULE, 0);
  int finalized = 0, plain = 0;
  wasm_func_t* func = check_func(instance, 0);
  CHECK(wasm_func_get_host_info(func) == NULL);
  wasm_func_set_host_info_with_finalizer(func, &finalized, count_up);
  wasm_table_t* table = check_table(instance, 2);
  wasm_ref_t* element = wasm_table_get(table, 1);
  CHECK(wasm_ref_get_host_info(element) == &finalized);
  wasm_func_delete(func);
  wasm_ref_delete(element);
  // All handles are gone, the object lives in its instance.
  CHECK(finalized == 0);
  func = check_func(instance, 0);
  CHECK(wasm_func_get_host_info(func) == &finalized);
  wasm_extern_t* item = wasm_func_as_extern(func);
  CHECK(wasm_extern_get_host_info(item) == &finalized);
  // Replacing it runs the old finalizer, once, and the new one has none.
  wasm_extern_set_host_info(item, &plain);
  CHECK(finalized == 1 && wasm_func_get_host_info(func) == &plain);
  wasm_func_set_host_info(func, NULL);
  CHECK(wasm_func_get_host_info(func) == NULL);
  wasm_func_delete(func);
  wasm_table_delete(table);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  CHECK(finalized == 1 && plain == 0);
}

// Every kind has host info, and a finalizer that runs exactly once, at the latest with the store.
static void every_kind_has_host_info(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, MODULE);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  wasm_func_t* func = check_func(instance, 0);
  wasm_global_t* global = check_global(instance, 1);
  wasm_table_t* table = check_table(instance, 2);
  wasm_memory_t* memory = check_memory(instance, 3);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_message_t message = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  int finalized[8] = {0};
#define SET(name, object, index)                                                       \
  CHECK(wasm_##name##_get_host_info(object) == NULL);                                  \
  wasm_##name##_set_host_info_with_finalizer(object, &finalized[index], count_up);     \
  CHECK(wasm_##name##_get_host_info(object) == &finalized[index]);                     \
  CHECK(wasm_ref_get_host_info(wasm_##name##_as_ref_const(object)) == &finalized[index])
  SET(module, module, 0);
  SET(instance, instance, 1);
  SET(func, func, 2);
  SET(global, global, 3);
  SET(table, table, 4);
  SET(memory, memory, 5);
  SET(foreign, foreign, 6);
  SET(trap, trap, 7);
  wasm_module_delete(module);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_global_delete(global);
  wasm_table_delete(table);
  wasm_memory_delete(memory);
  wasm_foreign_delete(foreign);
  wasm_trap_delete(trap);
  CHECK(finalized[6] == 1 && finalized[7] == 1);
  wasm_store_delete(store);
  for (int i = 0; i < 8; i++) CHECK(finalized[i] == 1);
}

// With the store gone first, finalizers run when the last handle that keeps the object goes.
static void finalizers_after_the_store(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_store_delete(store);
  CHECK(finalized == 0 && wasm_foreign_get_host_info(foreign) == &finalized);
  wasm_foreign_delete(foreign);
  CHECK(finalized == 1);
}

static wasm_foreign_t* deleted_by_finalizer;
static wasm_instance_t* instance_deleted_by_finalizer;
static wasm_store_t* store_deleted_by_finalizer;
static int deleting_finalizers;

static void deleting_finalizer(void* info) {
  CHECK(info == &deleting_finalizers);
  deleting_finalizers++;
  wasm_foreign_delete(deleted_by_finalizer);
  wasm_instance_delete(instance_deleted_by_finalizer);
  wasm_store_delete(store_deleted_by_finalizer);
}

// A finalizer may call any delete, of its store too.
static void finalizers_may_delete(void) {
  wasm_store_t* store = check_store();
  int finalized = 0;
  deleted_by_finalizer = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(deleted_by_finalizer, &finalized, count_up);
  instance_deleted_by_finalizer = check_instance(store, MODULE, 0);
  store_deleted_by_finalizer = store;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &deleting_finalizers, deleting_finalizer);
  wasm_foreign_delete(foreign);
  CHECK(deleting_finalizers == 1 && finalized == 1);
}

// Conversions are the same object under another type; the wrong kind gives NULL.
static void conversions(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, MODULE);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  wasm_func_t* func = check_func(instance, 0);
  wasm_global_t* global = check_global(instance, 1);
  wasm_table_t* table = check_table(instance, 2);
  wasm_memory_t* memory = check_memory(instance, 3);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_message_t message = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_ref_t* refs[] = {wasm_func_as_ref(func),         wasm_global_as_ref(global),   wasm_table_as_ref(table),
                        wasm_memory_as_ref(memory),     wasm_module_as_ref(module),   wasm_instance_as_ref(instance),
                        wasm_trap_as_ref(trap),         wasm_foreign_as_ref(foreign)};
  for (int i = 0; i < 8; i++) {
    wasm_ref_t* ref = refs[i];
    CHECK(ref);
    CHECK((wasm_ref_as_func(ref) != NULL) == (i == 0) && (wasm_ref_as_func_const(ref) != NULL) == (i == 0));
    CHECK((wasm_ref_as_global(ref) != NULL) == (i == 1) && (wasm_ref_as_global_const(ref) != NULL) == (i == 1));
    CHECK((wasm_ref_as_table(ref) != NULL) == (i == 2) && (wasm_ref_as_table_const(ref) != NULL) == (i == 2));
    CHECK((wasm_ref_as_memory(ref) != NULL) == (i == 3) && (wasm_ref_as_memory_const(ref) != NULL) == (i == 3));
    CHECK((wasm_ref_as_module(ref) != NULL) == (i == 4) && (wasm_ref_as_module_const(ref) != NULL) == (i == 4));
    CHECK((wasm_ref_as_instance(ref) != NULL) == (i == 5) && (wasm_ref_as_instance_const(ref) != NULL) == (i == 5));
    CHECK((wasm_ref_as_trap(ref) != NULL) == (i == 6) && (wasm_ref_as_trap_const(ref) != NULL) == (i == 6));
    CHECK((wasm_ref_as_foreign(ref) != NULL) == (i == 7) && (wasm_ref_as_foreign_const(ref) != NULL) == (i == 7));
    CHECK((wasm_ref_as_extern(ref) != NULL) == (i < 4) && (wasm_ref_as_extern_const(ref) != NULL) == (i < 4));
    for (int j = 0; j < 8; j++) CHECK(wasm_ref_same(ref, refs[j]) == (i == j));
    wasm_ref_t* copy = wasm_ref_copy(ref);
    CHECK(wasm_ref_same(copy, ref));
    wasm_ref_delete(copy);
  }
  // A handle deleted under its other name is the same handle.
  for (int i = 0; i < 8; i++) wasm_ref_delete(refs[i]);
  wasm_store_delete(store);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_ref_delete(NULL), true));
  CHECK_REASON(wasm_ref_copy(NULL) == NULL);
  CHECK_REASON(wasm_ref_as_func(NULL) == NULL);
  CHECK_REASON(wasm_func_as_ref(NULL) == NULL);
  CHECK_REASON(wasm_ref_get_host_info(NULL) == NULL);
  CHECK_REASON((wasm_ref_set_host_info(NULL, NULL), true));
  wasm_store_t* store = check_store();
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  CHECK(!wasm_foreign_same(foreign, NULL) && !wasm_foreign_same(NULL, foreign));
  wasm_foreign_delete(foreign);
  wasm_store_delete(store);
}

// Any reference object can travel through wasm as an externref, in parameters, results, globals and tables, and comes
// back the same.
static void everything_travels(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(
      store,
      "(module (global $g (export \"g\") (mut externref) (ref.null extern)) (table $t (export \"t\") 4 externref)"
      "  (func (export \"id\") (param externref) (result externref) (local.get 0))"
      "  (func (export \"through\") (param externref) (result externref)"
      "    (global.set $g (local.get 0)) (table.set $t (i32.const 2) (global.get $g)) (table.get $t (i32.const 2)))"
      "  (func (export \"is_null\") (param externref) (result i32) (ref.is_null (local.get 0))))");
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  wasm_global_t* global = check_global(instance, 0);
  wasm_table_t* table = check_table(instance, 1);
  wasm_func_t *id = check_func(instance, 2), *through = check_func(instance, 3), *is_null = check_func(instance, 4);
  wasm_limits_t limits = {1, 1};
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_message_t message = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_ref_t* refs[] = {wasm_func_as_ref(id),           wasm_global_as_ref(global), wasm_table_as_ref(table),
                        wasm_memory_as_ref(memory),     wasm_module_as_ref(module), wasm_instance_as_ref(instance),
                        wasm_trap_as_ref(trap),         wasm_foreign_as_ref(foreign), NULL};
  for (int i = 0; i < 9; i++) {
    wasm_val_t arg = WASM_REF_VAL(refs[i]), result;
    wasm_val_vec_t args = {1, &arg}, results = {1, &result};
    wasm_func_t* ways[] = {id, through};
    for (int way = 0; way < 2; way++) {
      CHECK(!wasm_func_call(ways[way], &args, &results));
      CHECK(result.kind == WASM_EXTERNREF);
      CHECK(refs[i] ? wasm_ref_same(result.of.ref, refs[i]) : result.of.ref == NULL);
      wasm_val_delete(&result);
    }
    CHECK(!wasm_func_call(is_null, &args, &results));
    CHECK(result.kind == WASM_I32 && result.of.i32 == (refs[i] == NULL));
    wasm_val_t in_global;
    wasm_global_get(global, &in_global);
    wasm_ref_t* in_table = wasm_table_get(table, 2);
    CHECK(refs[i] ? wasm_ref_same(in_global.of.ref, refs[i]) : in_global.of.ref == NULL);
    CHECK(refs[i] ? wasm_ref_same(in_table, refs[i]) : in_table == NULL);
    wasm_val_delete(&in_global);
    wasm_ref_delete(in_table);
    // And from the host's side into the global and the table.
    wasm_global_set(global, &arg);
    CHECK(wasm_table_set(table, 0, refs[i]));
    in_table = wasm_table_get(table, 0);
    CHECK(refs[i] ? wasm_ref_same(in_table, refs[i]) : in_table == NULL);
    wasm_ref_delete(in_table);
  }
  wasm_func_delete(through);
  wasm_func_delete(is_null);
  for (int i = 0; i < 8; i++) wasm_ref_delete(refs[i]);
  wasm_store_delete(store);
}

// An object that only wasm still holds lives, with its host info; let go of, it is collected and finalized, once.
static void wasm_keeps_objects_alive(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store, "(module (global $g (export \"g\") (mut externref) (ref.null extern)))", 0);
  wasm_global_t* global = check_global(instance, 0);
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(foreign)), null = WASM_INIT_VAL, read;
  wasm_global_set(global, &value);
  wasm_foreign_delete(foreign);
  CHECK(finalized == 0);
  wasm_global_get(global, &read);
  CHECK(wasm_ref_get_host_info(read.of.ref) == &finalized);
  wasm_val_delete(&read);
  CHECK(finalized == 0);
  wasm_global_set(global, &null);
  wasm_global_delete(global);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

int main(void) {
  identity();
  host_info_is_the_objects();
  every_kind_has_host_info();
  finalizers_after_the_store();
  finalizers_may_delete();
  conversions();
  nulls();
  everything_travels();
  wasm_keeps_objects_alive();
  return 0;
}
