// Objects that the host makes, reads and writes: i31 and structures; what references are; types and their objects.

#include "aggregates.h"

static void i31(void) {
  wasm_store_t* store = check_store();
  wasm_ref_t *minus = libwasm_i31_new(store, (uint32_t)-5), *same = libwasm_i31_new(store, 0x7ffffffb), *zero = libwasm_i31_new(store, 0);
  CHECK(libwasm_i31_get_s(minus) == -5 && libwasm_i31_get_u(minus) == 0x7ffffffb);
  CHECK(wasm_ref_same(minus, same) && !wasm_ref_same(minus, zero));
  CHECK_NO_REASON(libwasm_i31_get_s(zero) == 0 && libwasm_i31_get_u(zero) == 0);
  CHECK(libwasm_ref_kind(zero) == LIBWASM_REFKIND_I31);
  wasm_valtype_t* type = libwasm_ref_type(zero);
  CHECK(wasm_valtype_kind(type) == LIBWASM_REF_I31);
  CHECK_NO_REASON(!libwasm_ref_deftype(zero));
  CHECK_REASON(!libwasm_struct_set(zero, 0, NULL));
  CHECK_REASON(libwasm_array_length(zero) == 0);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  CHECK_REASON(libwasm_i31_get_s(wasm_foreign_as_ref(foreign)) == 0 && reason_says("an i31 is wanted"));
  CHECK_REASON(libwasm_i31_get_u(NULL) == 0);
  CHECK_REASON(!libwasm_i31_new(NULL, 1));
  wasm_foreign_delete(foreign);
  CHECK(libwasm_store_collect(store) && libwasm_i31_get_s(minus) == -5);
  wasm_ref_delete(minus);
  wasm_ref_delete(same);
  wasm_ref_delete(zero);
  wasm_store_delete(store);
}

static void structures(void) {
  struct world w = world_new();
  wasm_ref_t *last = node(&w, 3, NULL), *first = node(&w, 2, last);
  CHECK(call(&w, SUM, any_val(first)) == 5 && field(first, 0) == 2);
  wasm_ref_t* next = ref_field(first, 1);
  CHECK(wasm_ref_same(next, last) && libwasm_ref_kind(next) == LIBWASM_REFKIND_STRUCT);
  wasm_ref_delete(next);
  next = ref_field(last, 1);
  CHECK(!next);
  // Set, with a subtype too; a cycle.
  wasm_val_t value = i32_val(40);
  CHECK(libwasm_struct_set(last, 0, &value) && call(&w, SUM, any_val(first)) == 42);
  wasm_val_t values[] = {WASM_I32_VAL(100), any_val(NULL), WASM_F64_VAL(0.5)};
  wasm_val_vec_t all = {3, values};
  wasm_ref_t* leaf = libwasm_struct_new(w.store, w.types.data[LEAF], &all);
  value = any_val(leaf);
  CHECK(leaf && libwasm_struct_set(last, 1, &value) && call(&w, SUM, any_val(first)) == 142);
  value = any_val(first);
  CHECK(libwasm_struct_set(leaf, 1, &value));
  // What is refused: types, numbers of fields, immutability, NULL.
  value = i32_val(1);
  CHECK_REASON(!libwasm_struct_set(first, 2, &value) && reason_says("no field 2"));
  CHECK_REASON(!libwasm_struct_set(first, 1, &value) && reason_says("field 1: expected"));
  value.kind = WASM_F64;
  CHECK_REASON(!libwasm_struct_set(leaf, 2, &value) && reason_says("immutable"));
  CHECK_REASON(!libwasm_struct_set(first, 0, &value));
  wasm_ref_t* array = libwasm_array_new_default(w.store, w.types.data[NODES], 2);
  value = any_val(array);
  CHECK_REASON(!libwasm_struct_set(first, 1, &value));
  CHECK_REASON(!libwasm_struct_set(array, 0, &value) && reason_says("a structure type is wanted"));
  CHECK_REASON(!libwasm_struct_get(array, 0, &value));
  CHECK(value.kind == WASM_I32 && value.of.i64 == 0);
  CHECK_REASON(!libwasm_struct_get(first, 2, &value));
  CHECK_REASON(!libwasm_struct_get(NULL, 0, &value));
  CHECK_REASON(!libwasm_struct_get(first, 0, NULL));
  CHECK_REASON(!libwasm_struct_set(first, 0, NULL));
  all.size = 1;
  CHECK_REASON(!libwasm_struct_new(w.store, w.types.data[NODE], &all) && reason_says("given 1"));
  all.size = 3;
  CHECK_REASON(!libwasm_struct_new(w.store, w.types.data[BYTES], &all) && reason_says("a structure type"));
  CHECK_REASON(!libwasm_struct_new_default(w.store, w.types.data[F]));
  CHECK_REASON(!libwasm_struct_new_default(NULL, w.types.data[NODE]));
  CHECK_REASON(!libwasm_struct_new_default(w.store, NULL));
  // Objects of another store.
  struct world other = world_new();
  wasm_ref_t* stranger = node(&other, 1, NULL);
  value = any_val(stranger);
  CHECK_REASON(!libwasm_struct_set(first, 1, &value) && reason_says("another store"));
  wasm_val_t strange[] = {WASM_I32_VAL(1), value};
  wasm_val_vec_t two = {2, strange};
  CHECK_REASON(!libwasm_struct_new(w.store, w.types.data[NODE], &two));
  wasm_ref_delete(stranger);
  world_delete(&other);
  // Nothing was changed.
  wasm_ref_delete(array);
  churn(&w);
  CHECK(field(first, 0) == 2 && field(leaf, 0) == 100);
  // The cycle goes when nothing keeps it.
  wasm_ref_delete(last);
  wasm_ref_delete(leaf);
  wasm_ref_delete(first);
  CHECK(libwasm_store_collect(w.store));
  libwasm_heap_statistics_t all_of_it;
  CHECK(libwasm_store_heap_statistics(w.store, &all_of_it) && all_of_it.live == 0);
  world_delete(&w);
}

// A field of each kind, by values and by defaults.
static void fields(void) {
  struct world w = world_new();
  libwasm_deftype_t* type = w.types.data[EVERYTHING];
  wasm_ref_t* object = libwasm_struct_new_default(w.store, type);
  wasm_val_t value;
  for (uint32_t i = 0; i < 10; i++) {
    CHECK(libwasm_struct_get(object, i, &value));
    CHECK(value.of.i64 == 0 || value.kind == LIBWASM_V128);
    wasm_val_delete(&value);
  }
  value = i32_val(0x12345681);
  CHECK(libwasm_struct_set(object, 0, &value) && libwasm_struct_set(object, 1, &value));
  CHECK(field(object, 0) == 0x81 && field(object, 1) == 0x5681);
  wasm_val_t big = WASM_I64_VAL(-2), small = WASM_F32_VAL(1.5f), wide;
  CHECK(libwasm_struct_set(object, 2, &big) && libwasm_struct_set(object, 3, &small) && field(object, 2) == -2);
  const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  libwasm_val_new_v128(bytes, &wide);
  CHECK(libwasm_struct_set(object, 4, &wide));
  wasm_val_delete(&wide);
  CHECK(libwasm_struct_get(object, 4, &wide) && wide.kind == LIBWASM_V128 && memcmp(wide.of.ref, bytes, 16) == 0);
  wasm_val_delete(&wide);
  // A function, an object of the host, anything, an exception.
  wasm_func_t* func = check_func(w.instance, ANSWER);
  value.kind = WASM_FUNCREF, value.of.ref = wasm_func_as_ref(func);
  CHECK(libwasm_struct_set(object, 5, &value));
  wasm_func_t* other = check_func(w.instance, SUM);
  value.of.ref = wasm_func_as_ref(other);
  CHECK_REASON(!libwasm_struct_set(object, 5, &value));
  wasm_func_delete(other);
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  value.kind = WASM_EXTERNREF, value.of.ref = wasm_foreign_as_ref(foreign);
  CHECK(libwasm_struct_set(object, 6, &value));
  value.kind = LIBWASM_ANYREF;
  CHECK(libwasm_struct_set(object, 7, &value));
  wasm_foreign_delete(foreign);
  libwasm_tag_t* tag = libwasm_extern_as_tag(check_export(w.instance, TAG));
  wasm_val_t carried = i32_val(9);
  wasm_val_vec_t args = {1, &carried};
  wasm_ref_t* exception = libwasm_exception_new(tag, &args);
  CHECK(libwasm_ref_kind(exception) == LIBWASM_REFKIND_EXCEPTION);
  CHECK_REASON(!libwasm_struct_get(exception, 0, &carried));
  value.kind = LIBWASM_EXNREF, value.of.ref = exception;
  CHECK(libwasm_struct_set(object, 8, &value));
  CHECK_REASON(!libwasm_struct_set(object, 7, &value));
  wasm_ref_delete(exception);
  wasm_func_delete(func);
  churn(&w);
  CHECK(libwasm_store_collect(w.store) && finalized == 0);
  CHECK(libwasm_struct_get(object, 5, &value) && value.kind == WASM_FUNCREF && check_call(wasm_ref_as_func(value.of.ref), 0) == 42);
  wasm_val_delete(&value);
  wasm_val_t again;
  CHECK(libwasm_struct_get(object, 6, &value) && value.kind == WASM_EXTERNREF && libwasm_struct_get(object, 7, &again));
  CHECK(again.kind == LIBWASM_ANYREF && wasm_ref_same(value.of.ref, again.of.ref) && libwasm_ref_kind(again.of.ref) == LIBWASM_REFKIND_FOREIGN);
  wasm_val_delete(&value);
  wasm_val_delete(&again);
  CHECK(libwasm_struct_get(object, 8, &value) && value.kind == LIBWASM_EXNREF);
  libwasm_tag_t* found = libwasm_exception_tag(value.of.ref);
  CHECK(libwasm_tag_same(found, tag));
  libwasm_tag_delete(found);
  libwasm_tag_delete(tag);
  wasm_val_delete(&value);
  wasm_ref_delete(object);
  CHECK(libwasm_store_collect(w.store) && libwasm_store_collect(w.store) && finalized == 1);
  world_delete(&w);
}

// What references are, and values that become external ones and back.
static void references(void) {
  struct world w = world_new();
  wasm_ref_t* object = node(&w, 5, NULL);
  wasm_valtype_t *type = libwasm_ref_type(object), *node_type = libwasm_valtype_new_ref(w.types.data[NODE], false),
                 *leaf_type = libwasm_valtype_new_ref(w.types.data[LEAF], true);
  CHECK(libwasm_valtype_same(type, node_type) && libwasm_ref_test(object, node_type) && !libwasm_ref_test(object, leaf_type));
  CHECK(libwasm_ref_test(NULL, leaf_type) && !libwasm_ref_test(NULL, node_type));
  wasm_valtype_delete(type);
  wasm_valtype_delete(node_type);
  wasm_valtype_delete(leaf_type);
  CHECK_NO_REASON(libwasm_ref_kind(NULL) == LIBWASM_REFKIND_NULL);
  CHECK_REASON(!libwasm_ref_type(NULL));
  wasm_table_t* table = check_table(w.instance, TABLE);
  wasm_global_t* global = check_global(w.instance, LIST);
  CHECK(libwasm_ref_kind(wasm_table_as_ref(table)) == LIBWASM_REFKIND_TABLE);
  CHECK(libwasm_ref_kind(wasm_global_as_ref(global)) == LIBWASM_REFKIND_GLOBAL);
  CHECK(libwasm_ref_kind(wasm_instance_as_ref(w.instance)) == LIBWASM_REFKIND_INSTANCE);
  type = libwasm_ref_type(wasm_table_as_ref(table));
  CHECK(wasm_valtype_kind(type) == LIBWASM_REF_EXTERN);
  CHECK_NO_REASON(!libwasm_ref_deftype(wasm_table_as_ref(table)));
  // Through tables and globals.
  wasm_val_t value = any_val(object), external, internal;
  CHECK(wasm_table_set(table, 1, object));
  wasm_global_set(global, &value);
  CHECK(libwasm_store_collect(w.store));
  wasm_ref_t* found = wasm_table_get(table, 1);
  CHECK(wasm_ref_same(found, object));
  wasm_ref_delete(found);
  wasm_global_get(global, &value);
  CHECK(wasm_ref_same(value.of.ref, object));
  wasm_val_delete(&value);
  // Conversions keep the object, whatever it is.
  value = any_val(object);
  CHECK(libwasm_val_extern_convert_any(&value, &external) && external.kind == WASM_EXTERNREF && wasm_ref_same(external.of.ref, object));
  CHECK(libwasm_val_any_convert_extern(&external, &internal) && internal.kind == LIBWASM_ANYREF);
  CHECK(wasm_ref_same(internal.of.ref, object));
  CHECK_REASON(!libwasm_val_any_convert_extern(&internal, &value) && value.kind == WASM_I32);
  CHECK_REASON(!libwasm_val_extern_convert_any(&external, &value));
  wasm_val_delete(&external);
  wasm_val_delete(&internal);
  value = any_val(NULL);
  CHECK(libwasm_val_extern_convert_any(&value, &external) && external.kind == WASM_EXTERNREF && !external.of.ref);
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  value.kind = WASM_EXTERNREF, value.of.ref = wasm_foreign_as_ref(foreign);
  CHECK(libwasm_val_any_convert_extern(&value, &internal) && wasm_ref_same(internal.of.ref, wasm_foreign_as_ref(foreign)));
  wasm_val_delete(&internal);
  wasm_foreign_delete(foreign);
  value = i32_val(1);
  CHECK_REASON(!libwasm_val_extern_convert_any(&value, &external));
  CHECK_REASON(!libwasm_val_extern_convert_any(NULL, &external));
  CHECK_REASON(!libwasm_val_any_convert_extern(&value, NULL));
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_ref_delete(object);
  world_delete(&w);
}

// Types of the host's live as long as objects of them, and no longer than needed; a heap that is full is an error.
static void lifetimes(void) {
  wasm_store_t* store = check_store();
  for (int round = 0; round < 3; round++) {
    libwasm_deftype_t* type = libwasm_deftype_new_array(libwasm_fieldtype_new_packed(LIBWASM_STORAGE_I16, WASM_VAR));
    wasm_val_t value = i32_val(300 + round);
    wasm_ref_t* array = libwasm_array_new(store, type, 5000, &value);
    libwasm_deftype_delete(type);
    CHECK(libwasm_store_collect(store) && element(array, 4999) == 300 + round);
    type = libwasm_ref_deftype(array);
    CHECK(libwasm_deftype_kind(type) == LIBWASM_DEFTYPE_ARRAY);
    wasm_ref_delete(array);
    CHECK(libwasm_store_collect(store));
    libwasm_deftype_delete(type);
  }
  CHECK(libwasm_store_set_heap_limit(store, (size_t)check_count(1 << 20, 64 << 10)));
  libwasm_fieldtype_t* both[] = {libwasm_fieldtype_new(libwasm_valtype_new_member(0, true), WASM_VAR),
                                 libwasm_fieldtype_new(wasm_valtype_new_i64(), WASM_VAR)};
  libwasm_fieldtype_vec_t fields;
  libwasm_fieldtype_vec_new(&fields, 2, both);
  libwasm_deftype_t* list = libwasm_deftype_new_struct(&fields);
  // A list that only its head keeps.
  wasm_ref_t* head = NULL;
  int count = 0;
  for (;; count++) {
    wasm_val_t values[] = {any_val(head), WASM_I64_VAL(count)};
    wasm_val_vec_t all = {2, values};
    wasm_ref_t* longer = libwasm_struct_new(store, list, &all);
    if (!longer) break;
    if (head) wasm_ref_delete(head);
    head = longer;
    CHECK(count < 100000);
  }
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY && reason_says("no room in the heap"));
  CHECK(count > check_count(10000, 500) && field(head, 1) == count - 1);
  wasm_ref_delete(head);
  head = libwasm_struct_new_default(store, list);
  CHECK(head);
  // Garbage is collected while the host makes objects.
  for (int i = 0; i < check_count(200000, 2000); i++) {
    wasm_ref_t* object = libwasm_struct_new_default(store, list);
    CHECK(object);
    wasm_ref_delete(object);
  }
  wasm_ref_delete(head);
  libwasm_deftype_delete(list);
  wasm_store_delete(store);
}

static wasm_trap_t* sum_pair(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  libwasm_deftype_t* type = ((void**)env)[1];
  wasm_ref_t* pair = args->data[0].of.ref;
  CHECK(libwasm_ref_kind(pair) == LIBWASM_REFKIND_STRUCT);
  wasm_val_t values[] = {WASM_I64_VAL(field(pair, 0) + field(pair, 1)), WASM_I64_VAL(1)};
  wasm_val_vec_t all = {2, values};
  wasm_val_t result = any_val(libwasm_struct_new(((void**)env)[0], type, &all));
  CHECK(result.of.ref && libwasm_store_collect(((void**)env)[0]));
  results->data[0] = result;
  return NULL;
}

// A callback that takes an object and gives a new one.
static void callbacks(void) {
  wasm_store_t* store = check_store();
  const char* const text =
      "(module (type $pair (struct (field (mut i64)) (field (mut i64))))"
      "  (import \"\" \"sum\" (func $sum (param (ref $pair)) (result (ref $pair))))"
      "  (func (export \"run\") (param i32) (result i32) (local $p (ref $pair))"
      "    (local.set $p (struct.new $pair (i64.const 1) (i64.const 2)))"
      "    (loop $next (local.set $p (call $sum (local.get $p)))"
      "      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
      "    (i32.wrap_i64 (struct.get $pair 0 (local.get $p)))))";
  wasm_module_t* module = check_module(store, text);
  libwasm_deftype_vec_t types;
  libwasm_module_types(module, &types);
  wasm_module_delete(module);
  wasm_valtype_t* pair = libwasm_valtype_new_ref(types.data[0], false);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_copy(pair), pair);
  void* env[] = {store, types.data[0]};
  wasm_func_t* func = wasm_func_new_with_env(store, type, sum_pair, env, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(store, text, 1, wasm_func_as_extern(func));
  wasm_func_t* run = check_func(instance, 0);
  CHECK(check_call(run, 1, 10) == 12);
  wasm_func_delete(run);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  libwasm_deftype_vec_delete(&types);
  wasm_store_delete(store);
}

int main(void) {
  i31();
  structures();
  fields();
  references();
  lifetimes();
  callbacks();
  return 0;
}
