// Arrays that the host makes, reads and writes, of numbers and of references; what only they keep.

#include "aggregates.h"

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

int main(void) {
  numeric_arrays();
  barriers();
  reference_arrays();
  return 0;
}
