// Objects that the host makes, reads and writes: i31, structures and arrays; what references are; weak references.

#include "check.h"

// A list of nodes, and arrays, as a guest has them.
static const char* const MODULE =
    "(module"
    "  (rec (type $node (sub (struct (field $value (mut i32)) (field $next (mut (ref null $node)))))))"
    "  (type $leaf (sub final $node (struct (field (mut i32)) (field (mut (ref null $node))) (field f64))))"
    "  (type $bytes (array (mut i8))) (type $text (array i16)) (type $nodes (array (mut (ref null $node))))"
    "  (type $f (func (result i32)))"
    "  (type $all (struct (field (mut i8)) (field (mut i16)) (field (mut i64)) (field (mut f32)) (field (mut v128))"
    "    (field (mut (ref null $f))) (field (mut externref)) (field (mut anyref)) (field (mut exnref)) (field (ref null $bytes))))"
    "  (type $funcs (array (mut funcref))) (type $sure (array (mut (ref $node))))"
    "  (tag $tag (export \"tag\") (param i32))"
    "  (global (export \"list\") (mut (ref null $node)) (ref.null $node))"
    "  (table (export \"table\") 4 anyref)"
    "  (func $answer (export \"answer\") (type $f) (i32.const 42))"
    "  (func (export \"sum\") (param $n (ref null $node)) (result i32) (local $sum i32)"
    "    (block $end (loop $next (br_if $end (ref.is_null (local.get $n)))"
    "      (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $n))))"
    "      (local.set $n (struct.get $node $next (local.get $n))) (br $next)))"
    "    (local.get $sum))"
    "  (func (export \"checksum\") (param $a (ref $bytes)) (result i32) (local $i i32) (local $sum i32)"
    "    (block $end (loop $next (br_if $end (i32.eq (local.get $i) (array.len (local.get $a))))"
    "      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (array.get_u $bytes (local.get $a) (local.get $i))))"
    "      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next)))"
    "    (local.get $sum))"
    // Makes so much garbage.
    "  (func (export \"churn\") (param $n i32) (local $list (ref null $node))"
    "    (loop $next"
    "      (local.set $list (struct.new $node (local.get $n) (local.get $list)))"
    "      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 1000))) (then (local.set $list (ref.null $node))))"
    "      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))";
enum { NODE, LEAF, BYTES, TEXT, NODES, F, EVERYTHING, FUNCS, SURE };
enum { TAG, LIST, TABLE, ANSWER, SUM, CHECKSUM, CHURN };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  libwasm_deftype_vec_t types;
};

static struct world world_new(void) {
  struct world w;
  w.store = check_store();
  wasm_module_t* module = check_module(w.store, MODULE);
  libwasm_module_types(module, &w.types);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  w.instance = wasm_instance_new(w.store, module, &none, NULL);
  CHECK(w.instance && w.types.size > SURE);
  wasm_module_delete(module);
  return w;
}

static void world_delete(struct world* w) {
  libwasm_deftype_vec_delete(&w->types);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

static wasm_val_t any_val(wasm_ref_t* ref) {
  wasm_val_t value = {.kind = LIBWASM_ANYREF, .of = {.ref = ref}};
  return value;
}

static wasm_val_t i32_val(int32_t x) {
  wasm_val_t value = WASM_I32_VAL(x);
  return value;
}

// Calls an export with one argument, which is lent.
static int32_t call(struct world* w, size_t func, wasm_val_t arg) {
  wasm_func_t* callee = check_func(w->instance, func);
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t in = {1, &arg}, out = {wasm_func_result_arity(callee), &result};
  wasm_trap_t* trap = wasm_func_call(callee, &in, &out);
  if (trap) trap_says(trap, "no trap");
  CHECK(!trap);
  wasm_func_delete(callee);
  return result.of.i32;
}

// Enough for several young collections; little where valgrind runs.
static void churn(struct world* w) { call(w, CHURN, i32_val(check_count(check_mode_is_checked() ? 300000 : 2000000, 2000))); }

static wasm_ref_t* node(struct world* w, int32_t value, wasm_ref_t* next) {
  wasm_val_t values[] = {WASM_I32_VAL(value), any_val(next)};
  wasm_val_vec_t all = {2, values};
  wasm_ref_t* object = libwasm_struct_new(w->store, w->types.data[NODE], &all);
  CHECK(object);
  return object;
}

static int64_t field(wasm_ref_t* object, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_struct_get(object, index, &value));
  CHECK(value.kind == WASM_I32 || value.kind == WASM_I64);
  return value.kind == WASM_I32 ? value.of.i32 : value.of.i64;
}

static wasm_ref_t* ref_field(wasm_ref_t* object, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_struct_get(object, index, &value) && value.kind == LIBWASM_ANYREF);
  return value.of.ref;
}

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

static int32_t element(wasm_ref_t* array, uint32_t index) {
  wasm_val_t value;
  CHECK(libwasm_array_get(array, index, &value) && value.kind == WASM_I32);
  return value.of.i32;
}

static void numeric_arrays(void) {
  struct world w = world_new();
  wasm_val_t seven = WASM_I32_VAL(0x107), value;
  wasm_ref_t* array = libwasm_array_new(w.store, w.types.data[BYTES], 100, &seven);
  CHECK(libwasm_ref_kind(array) == LIBWASM_REFKIND_ARRAY && libwasm_array_length(array) == 100);
  for (uint32_t i = 0; i < 100; i++) CHECK(element(array, i) == 7);
  value = i32_val(-1);
  CHECK(libwasm_array_set(array, 99, &value) && element(array, 99) == 255 && element(array, 98) == 7);
  CHECK(libwasm_array_fill(array, 10, 5, &value) && element(array, 9) == 7 && element(array, 10) == 255);
  CHECK(element(array, 14) == 255 && element(array, 15) == 7);
  CHECK(libwasm_array_fill(array, 100, 0, &value));
  CHECK_REASON(!libwasm_array_fill(array, 100, 1, &value) && reason_says("an array with 100 elements"));
  CHECK_REASON(!libwasm_array_fill(array, 2, UINT32_MAX, &value));
  CHECK_REASON(!libwasm_array_set(array, UINT32_MAX, &value));
  CHECK_REASON(!libwasm_array_get(array, 100, &value));
  uint8_t text[100];
  for (int i = 0; i < 100; i++) text[i] = (uint8_t)(i * 3);
  CHECK(libwasm_array_write(array, 0, 100, text));
  uint32_t sum = 0;
  for (int i = 0; i < 100; i++) sum = sum * 31 + text[i];
  CHECK((uint32_t)call(&w, CHECKSUM, any_val(array)) == sum);
  uint8_t back[100] = {0};
  CHECK(libwasm_array_read(array, 20, 80, back) && memcmp(back, text + 20, 80) == 0 && back[80] == 0);
  CHECK(libwasm_array_read(array, 100, 0, back));
  CHECK_REASON(!libwasm_array_read(array, 21, 80, back));
  CHECK_REASON(!libwasm_array_write(array, 1, 100, text));
  CHECK_REASON(!libwasm_array_read(array, 0, 1, NULL));
  CHECK_REASON(!libwasm_array_write(array, 0, 1, NULL));
  // Copies that overlap.
  CHECK(libwasm_array_copy(array, 1, array, 0, 99));
  CHECK(libwasm_array_read(array, 1, 99, back) && memcmp(back, text, 99) == 0);
  CHECK_REASON(!libwasm_array_copy(array, 2, array, 0, 99));
  // What cannot be set; values out of bytes that are not aligned.
  const char utf16[] = "_h\0i\0";
  wasm_ref_t* immutable = libwasm_array_new_from_data(w.store, w.types.data[TEXT], 2, utf16 + 1);
  CHECK(element(immutable, 0) == 'h' && element(immutable, 1) == 'i');
  value = i32_val(0);
  CHECK_REASON(!libwasm_array_set(immutable, 0, &value) && reason_says("immutable"));
  CHECK_REASON(!libwasm_array_write(immutable, 0, 1, text));
  CHECK_REASON(!libwasm_array_copy(immutable, 0, immutable, 1, 1));
  CHECK_REASON(!libwasm_array_copy(array, 0, immutable, 0, 1) && reason_says("of another type"));
  wasm_val_t values[] = {WASM_I32_VAL('x'), WASM_I32_VAL('y'), WASM_I32_VAL('z')};
  wasm_val_vec_t three = {3, values}, none = WASM_EMPTY_VEC;
  wasm_ref_t *letters = libwasm_array_new_from_values(w.store, w.types.data[TEXT], &three),
             *empty = libwasm_array_new_from_values(w.store, w.types.data[TEXT], &none);
  CHECK(libwasm_array_length(letters) == 3 && element(letters, 2) == 'z');
  CHECK_NO_REASON(libwasm_array_length(empty) == 0);
  values[1].kind = WASM_I64;
  CHECK_REASON(!libwasm_array_new_from_values(w.store, w.types.data[TEXT], &three) && reason_says("element 1: "));
  // Vectors.
  libwasm_deftype_t* wide = libwasm_deftype_new_array(libwasm_fieldtype_new(wasm_valtype_new(LIBWASM_V128), WASM_VAR));
  wasm_ref_t* vectors = libwasm_array_new_from_data(w.store, wide, 6, text);
  CHECK(libwasm_array_get(vectors, 5, &value) && value.kind == LIBWASM_V128 && memcmp(value.of.ref, text + 80, 16) == 0);
  CHECK(libwasm_array_fill(vectors, 0, 5, &value));
  wasm_val_delete(&value);
  CHECK(libwasm_array_read(vectors, 4, 1, back) && memcmp(back, text + 80, 16) == 0);
  libwasm_deftype_delete(wide);
  // NULL, other objects, other types, and what is too large.
  CHECK_REASON(libwasm_array_length(NULL) == 0);
  CHECK_REASON(!libwasm_array_new(w.store, w.types.data[BYTES], 1, NULL));
  CHECK_REASON(!libwasm_array_new_default(w.store, w.types.data[NODE], 1) && reason_says("an array type"));
  CHECK_REASON(!libwasm_array_new_from_data(w.store, w.types.data[BYTES], 1, NULL));
  CHECK_REASON(!libwasm_array_new_default(w.store, w.types.data[BYTES], UINT32_MAX));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
  wasm_ref_t* object = node(&w, 1, NULL);
  CHECK_REASON(libwasm_array_length(object) == 0);
  CHECK_REASON(!libwasm_array_copy(array, 0, object, 0, 0));
  struct world other = world_new();
  wasm_ref_t* stranger = libwasm_array_new_default(other.store, w.types.data[BYTES], 3);
  CHECK_REASON(!libwasm_array_copy(array, 0, stranger, 0, 1) && reason_says("another store"));
  wasm_ref_delete(stranger);
  world_delete(&other);
  wasm_ref_delete(object);
  wasm_ref_delete(vectors);
  wasm_ref_delete(letters);
  wasm_ref_delete(empty);
  wasm_ref_delete(immutable);
  wasm_ref_delete(array);
  world_delete(&w);
}

// Old objects that the host writes new ones to: nothing but a field or element keeps these, through collections of what is new.
static void barriers(void) {
  struct world w = world_new();
  // So many that they take lines of their own.
  enum { COUNT = 5000 };
  wasm_ref_t *array = libwasm_array_new_default(w.store, w.types.data[NODES], COUNT), *small = node(&w, 0, NULL);
  // A structure that is longer than what compiled code allocates.
  enum { FIELDS = 4000 };
  libwasm_fieldtype_vec_t all;
  libwasm_fieldtype_vec_new_uninitialized(&all, FIELDS);
  for (size_t i = 0; i < FIELDS; i++) {
    all.data[i] = libwasm_fieldtype_new(libwasm_valtype_new_ref(w.types.data[NODE], true), WASM_VAR);
  }
  libwasm_deftype_t* type = libwasm_deftype_new_struct(&all);
  wasm_ref_t* large = libwasm_struct_new_default(w.store, type);
  CHECK(type && large);
  libwasm_deftype_delete(type);
  // Old, also by a collection of what is new.
  CHECK(libwasm_store_collect(w.store));
  churn(&w);
  for (int round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < COUNT; i += 7) {
      wasm_ref_t* object = node(&w, round * COUNT + (int32_t)i, NULL);
      wasm_val_t value = any_val(object);
      CHECK(libwasm_array_set(array, i, &value));
      wasm_ref_delete(object);
    }
    for (uint32_t i = 3; i < FIELDS; i += 50) {
      wasm_ref_t* object = node(&w, round + (int32_t)i, NULL);
      wasm_val_t value = any_val(object);
      CHECK(libwasm_struct_set(large, i, &value));
      wasm_ref_delete(object);
    }
    wasm_ref_t* object = node(&w, round, NULL);
    wasm_val_t value = any_val(object);
    CHECK(libwasm_struct_set(small, 1, &value));
    wasm_ref_delete(object);
    churn(&w);
    for (uint32_t i = 0; i < COUNT; i += 7) {
      CHECK(libwasm_array_get(array, i, &value) && field(value.of.ref, 0) == round * COUNT + (int32_t)i);
      wasm_val_delete(&value);
    }
    for (uint32_t i = 3; i < FIELDS; i += 50) {
      wasm_ref_t* found = ref_field(large, i);
      CHECK(field(found, 0) == round + (int64_t)i);
      wasm_ref_delete(found);
    }
    CHECK(call(&w, SUM, any_val(small)) == round);
  }
  // Filled, and copied, and then only the copy is kept.
  wasm_ref_t* object = node(&w, 77, NULL);
  wasm_val_t value = any_val(object);
  CHECK(libwasm_array_fill(array, 0, COUNT, &value));
  wasm_ref_delete(object);
  churn(&w);
  wasm_ref_t* copy = libwasm_array_new_default(w.store, w.types.data[NODES], COUNT);
  CHECK(libwasm_store_collect(w.store) && libwasm_array_copy(copy, 0, array, 0, COUNT));
  wasm_ref_delete(array);
  churn(&w);
  CHECK(libwasm_array_get(copy, COUNT - 1, &value) && field(value.of.ref, 0) == 77);
  wasm_val_delete(&value);
  wasm_ref_delete(copy);
  wasm_ref_delete(large);
  wasm_ref_delete(small);
  world_delete(&w);
}

static void reference_arrays(void) {
  struct world w = world_new();
  wasm_ref_t *one = node(&w, 1, NULL), *two = node(&w, 2, NULL);
  wasm_val_t values[] = {any_val(one), any_val(two), any_val(NULL)};
  wasm_val_vec_t all = {3, values};
  wasm_ref_t* array = libwasm_array_new_from_values(w.store, w.types.data[NODES], &all);
  CHECK(array);
  // Elements without null.
  CHECK_REASON(!libwasm_array_new_from_values(w.store, w.types.data[SURE], &all) && reason_says("element 2: "));
  all.size = 2;
  wasm_ref_t* sure = libwasm_array_new_from_values(w.store, w.types.data[SURE], &all);
  CHECK(sure && libwasm_array_length(sure) == 2);
  CHECK_REASON(!libwasm_array_new_default(w.store, w.types.data[SURE], 0) && reason_says("no default"));
  CHECK(libwasm_array_copy(array, 1, sure, 0, 2));
  CHECK_REASON(!libwasm_array_copy(sure, 0, array, 0, 1));
  uint8_t bytes[16];
  CHECK_REASON(!libwasm_array_read(array, 0, 1, bytes) && reason_says("have no bytes"));
  CHECK_REASON(!libwasm_array_write(array, 0, 1, bytes));
  CHECK_REASON(!libwasm_array_new_from_data(w.store, w.types.data[NODES], 1, bytes));
  wasm_ref_delete(one);
  wasm_ref_delete(two);
  churn(&w);
  wasm_val_t value;
  CHECK(libwasm_array_get(array, 2, &value) && field(value.of.ref, 0) == 2);
  wasm_val_delete(&value);
  // Functions, and objects of the host, many more than there are boxes for at first.
  wasm_func_t* func = check_func(w.instance, ANSWER);
  value.kind = WASM_FUNCREF, value.of.ref = wasm_func_as_ref(func);
  wasm_ref_t* funcs = libwasm_array_new(w.store, w.types.data[FUNCS], 10, &value);
  wasm_func_delete(func);
  CHECK(funcs && libwasm_store_collect(w.store));
  CHECK(libwasm_array_get(funcs, 9, &value) && check_call(wasm_ref_as_func(value.of.ref), 0) == 42);
  wasm_val_delete(&value);
  enum { MANY = 3000 };
  libwasm_deftype_t* type = libwasm_deftype_new_array(libwasm_fieldtype_new(wasm_valtype_new_externref(), WASM_VAR));
  wasm_val_vec_t foreigns;
  int finalized = 0;
  wasm_val_vec_new_uninitialized(&foreigns, MANY);
  for (int i = 0; i < MANY; i++) {
    wasm_foreign_t* foreign = wasm_foreign_new(w.store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
    foreigns.data[i].kind = WASM_EXTERNREF, foreigns.data[i].of.ref = wasm_foreign_as_ref(foreign);
  }
  wasm_ref_t* externs = libwasm_array_new_from_values(w.store, type, &foreigns);
  libwasm_deftype_delete(type);
  CHECK(externs && libwasm_array_get(externs, MANY - 1, &value) && wasm_ref_same(value.of.ref, foreigns.data[MANY - 1].of.ref));
  wasm_val_delete(&value);
  wasm_val_vec_delete(&foreigns);
  CHECK(libwasm_store_collect(w.store) && finalized == 0);
  wasm_ref_delete(externs);
  CHECK(libwasm_store_collect(w.store) && finalized == MANY);
  wasm_ref_delete(funcs);
  wasm_ref_delete(sure);
  wasm_ref_delete(array);
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
  numeric_arrays();
  barriers();
  reference_arrays();
  references();
  weak_references();
  weak_and_environments();
  lifetimes();
  callbacks();
  return 0;
}
