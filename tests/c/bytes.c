// Byte vectors and names.

#include "check.h"

static bool is_empty(const wasm_byte_vec_t* vec) { return vec->size == 0 && vec->data == NULL; }

// Deleting leaves the vector empty, so that deleting it once more does nothing.
static void deleted_vectors_are_empty(void) {
  wasm_byte_vec_t vec;
  wasm_byte_vec_new(&vec, 3, "abc");
  CHECK(vec.size == 3 && memcmp(vec.data, "abc", 3) == 0);
  wasm_byte_vec_delete(&vec);
  CHECK(is_empty(&vec));
  wasm_byte_vec_delete(&vec);
  CHECK(is_empty(&vec));
}

// Making a vector copies the array: the caller's stays the caller's.
static void new_copies(void) {
  char array[] = "abc";
  wasm_byte_vec_t vec;
  wasm_byte_vec_new(&vec, sizeof array, array);
  CHECK(vec.data != array);
  array[0] = 'x';
  CHECK(vec.data[0] == 'a');
  wasm_byte_vec_delete(&vec);
}

// A copy is deep.
static void copy_is_deep(void) {
  wasm_byte_vec_t vec, copy;
  wasm_byte_vec_new(&vec, 3, "abc");
  wasm_byte_vec_copy(&copy, &vec);
  CHECK(copy.size == 3 && copy.data != vec.data && memcmp(copy.data, "abc", 3) == 0);
  vec.data[0] = 'x';
  CHECK(copy.data[0] == 'a');
  wasm_byte_vec_delete(&vec);
  CHECK(copy.data[2] == 'c');
  wasm_byte_vec_delete(&copy);
}

static void empty_vectors(void) {
  wasm_byte_vec_t vec = {7, (char*)1};
  wasm_byte_vec_new_empty(&vec);
  CHECK(is_empty(&vec));
  wasm_byte_vec_new(&vec, 0, NULL);
  CHECK(vec.size == 0);
  wasm_byte_vec_delete(&vec);
  wasm_byte_vec_new_uninitialized(&vec, 0);
  CHECK(vec.size == 0);
  wasm_byte_vec_delete(&vec);
  wasm_byte_vec_t copy = {7, (char*)1}, constant = WASM_EMPTY_VEC;
  wasm_byte_vec_copy(&copy, &constant);
  CHECK(copy.size == 0);
  wasm_byte_vec_delete(&copy);
}

static void uninitialized_vectors_can_be_filled(void) {
  wasm_byte_vec_t vec;
  wasm_byte_vec_new_uninitialized(&vec, 4096);
  CHECK(vec.size == 4096 && vec.data);
  memset(vec.data, 0x5a, vec.size);
  wasm_byte_vec_delete(&vec);
}

// A size no machine has: the vector is empty, and the reason recorded.
static void sizes_too_large_are_refused(void) {
  wasm_byte_vec_t vec = {7, (char*)1};
  CHECK_REASON((wasm_byte_vec_new_uninitialized(&vec, SIZE_MAX), is_empty(&vec)));
  wasm_valtype_vec_t pointers = {7, (wasm_valtype_t**)8};
  CHECK_REASON((wasm_valtype_vec_new_uninitialized(&pointers, SIZE_MAX / 4), pointers.size == 0 && !pointers.data));
  wasm_val_vec_t values = {7, (wasm_val_t*)8};
  CHECK_REASON((wasm_val_vec_new_uninitialized(&values, SIZE_MAX / 4), values.size == 0 && !values.data));
}

// NULL: nothing happens, a reason is recorded where a vector was needed, and a vector to read counts as empty.
static void null_vectors(void) {
  CHECK_NO_REASON((wasm_byte_vec_delete(NULL), true));
  CHECK_REASON((wasm_byte_vec_new(NULL, 3, "abc"), true));
  CHECK_REASON((wasm_byte_vec_new_empty(NULL), true));
  CHECK_REASON((wasm_byte_vec_new_uninitialized(NULL, 3), true));
  wasm_byte_vec_t out = {7, (char*)1};
  wasm_byte_vec_copy(&out, NULL);
  CHECK(out.size == 0);
  wasm_byte_vec_delete(&out);
  out.size = 7;
  CHECK_REASON((wasm_byte_vec_new(&out, 3, NULL), is_empty(&out)));
}

// Names are byte vectors; made from a C string they hold its NUL only if asked to.
static void names(void) {
  wasm_name_t name;
  wasm_name_new_from_string(&name, "abc");
  CHECK(name.size == 3 && memcmp(name.data, "abc", 3) == 0);
  wasm_name_delete(&name);
  wasm_name_new_from_string_nt(&name, "abc");
  CHECK(name.size == 4 && memcmp(name.data, "abc", 4) == 0);
  wasm_name_t copy;
  wasm_name_copy(&copy, &name);
  CHECK(copy.size == 4);
  wasm_name_delete(&name);
  wasm_name_delete(&copy);
  wasm_name_new(&name, 2, "xy");
  wasm_name_delete(&name);
  wasm_name_new_empty(&name);
  CHECK(name.size == 0);
  wasm_name_new_uninitialized(&name, 2);
  CHECK(name.size == 2);
  wasm_name_delete(&name);
  wasm_name_new_new_uninitialized(&name, 2);
  CHECK(name.size == 2);
  wasm_name_delete(&name);
}

static void macros(void) {
  wasm_val_t array[] = {WASM_I32_VAL(1), WASM_I64_VAL(2)};
  wasm_val_vec_t vec = WASM_ARRAY_VEC(array);
  CHECK(vec.size == 2 && vec.data == array);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(none.size == 0 && none.data == NULL);
}

int main(void) {
  deleted_vectors_are_empty();
  new_copies();
  copy_is_deep();
  empty_vectors();
  uninitialized_vectors_can_be_filled();
  sizes_too_large_are_refused();
  null_vectors();
  names();
  macros();
  return 0;
}
