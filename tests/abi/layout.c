/* What a program sees of wasm.h besides the prototypes: sizes, offsets, numbers, macros, inline functions. C99 and C++11. */
#include <wasm.h>
#include <libwasm.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef own
#error "own must be undefined after the header"
#endif

#ifndef WASM_API_EXTERN
#error "the mark of declarations stays defined"
#endif

#define CHECK(x) \
  do { \
    if (!(x)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
      exit(1); \
    } \
  } while (0)

/* What the declaring macros are for: types of the same shape. */
WASM_DECLARE_OWN(mine)
WASM_DECLARE_OWN(element)
WASM_DECLARE_VEC(element, *)
WASM_DECLARE_REF_BASE(mybase)
WASM_DECLARE_TYPE(mytype)
WASM_DECLARE_REF(myref)
WASM_DECLARE_SHARABLE_REF(myshared)
struct wasm_mine_t { int x; };

/* Bindings generators find these functions declared by the macros, with these types. Nothing is called: there are none for these names. */
#define DECLARED(pointer, function) CHECK(sizeof(1 ? (pointer)0 : function) == sizeof(void (*)(void)))

static void declared_by_macros(void) {
  DECLARED(void (*)(wasm_mine_t*), wasm_mine_delete);
  DECLARED(void (*)(wasm_mytype_t*), wasm_mytype_delete);
  DECLARED(wasm_mytype_t* (*)(const wasm_mytype_t*), wasm_mytype_copy);
  DECLARED(void (*)(wasm_mytype_vec_t*), wasm_mytype_vec_new_empty);
  DECLARED(void (*)(wasm_mytype_vec_t*, size_t), wasm_mytype_vec_new_uninitialized);
  DECLARED(void (*)(wasm_mytype_vec_t*, size_t, wasm_mytype_t* const[]), wasm_mytype_vec_new);
  DECLARED(void (*)(wasm_mytype_vec_t*, const wasm_mytype_vec_t*), wasm_mytype_vec_copy);
  DECLARED(void (*)(wasm_mytype_vec_t*), wasm_mytype_vec_delete);
  DECLARED(void (*)(wasm_element_vec_t*, size_t, wasm_element_t* const[]), wasm_element_vec_new);
  DECLARED(void (*)(wasm_mybase_t*), wasm_mybase_delete);
  DECLARED(wasm_mybase_t* (*)(const wasm_mybase_t*), wasm_mybase_copy);
  DECLARED(bool (*)(const wasm_mybase_t*, const wasm_mybase_t*), wasm_mybase_same);
  DECLARED(void* (*)(const wasm_mybase_t*), wasm_mybase_get_host_info);
  DECLARED(void (*)(wasm_mybase_t*, void*), wasm_mybase_set_host_info);
  DECLARED(void (*)(wasm_mybase_t*, void*, void (*)(void*)), wasm_mybase_set_host_info_with_finalizer);
  DECLARED(bool (*)(const wasm_myref_t*, const wasm_myref_t*), wasm_myref_same);
  DECLARED(wasm_ref_t* (*)(wasm_myref_t*), wasm_myref_as_ref);
  DECLARED(wasm_myref_t* (*)(wasm_ref_t*), wasm_ref_as_myref);
  DECLARED(const wasm_ref_t* (*)(const wasm_myref_t*), wasm_myref_as_ref_const);
  DECLARED(const wasm_myref_t* (*)(const wasm_ref_t*), wasm_ref_as_myref_const);
  DECLARED(wasm_ref_t* (*)(wasm_myshared_t*), wasm_myshared_as_ref);
  DECLARED(void (*)(wasm_shared_myshared_t*), wasm_shared_myshared_delete);
  DECLARED(wasm_shared_myshared_t* (*)(const wasm_myshared_t*), wasm_myshared_share);
  DECLARED(wasm_myshared_t* (*)(wasm_store_t*, const wasm_shared_myshared_t*), wasm_myshared_obtain);
}

static void layouts(void) {
  CHECK(sizeof(wasm_val_t) == 16 && offsetof(wasm_val_t, kind) == 0 && offsetof(wasm_val_t, of) == 8);
  CHECK(sizeof(wasm_byte_vec_t) == 16 && offsetof(wasm_byte_vec_t, size) == 0 && offsetof(wasm_byte_vec_t, data) == 8);
  CHECK(sizeof(wasm_val_vec_t) == 16 && offsetof(wasm_val_vec_t, data) == 8);
  CHECK(sizeof(wasm_extern_vec_t) == 16 && offsetof(wasm_extern_vec_t, data) == 8);
  CHECK(sizeof(wasm_limits_t) == 8 && offsetof(wasm_limits_t, min) == 0 && offsetof(wasm_limits_t, max) == 4);
  CHECK(sizeof(byte_t) == 1 && sizeof(wasm_byte_t) == 1 && sizeof(float32_t) == 4 && sizeof(float64_t) == 8);
  CHECK(sizeof(wasm_mutability_t) == 1 && sizeof(wasm_valkind_t) == 1 && sizeof(wasm_externkind_t) == 1);
  CHECK(sizeof(wasm_table_size_t) == 4 && sizeof(wasm_memory_pages_t) == 4);
  CHECK(sizeof(wasm_name_t) == 16 && sizeof(wasm_message_t) == 16);
}

/* Names are vectors of bytes, and the numbers have the types that bindings declare for them: no warning, no error. */
static void same_types(void) {
  char text[] = "abc";
  wasm_byte_vec_t bytes = {3, text};
  wasm_name_t* name = &bytes;
  wasm_message_t* message = name;
  byte_t* byte = message->data;
  wasm_byte_t* wasm_byte = byte;
  wasm_element_vec_t elements = WASM_EMPTY_VEC;
  wasm_element_t** data = elements.data;
  wasm_extern_vec_t externs = WASM_EMPTY_VEC;
  wasm_extern_t** items = externs.data;
  float32_t* f32 = (float*)0;
  float64_t* f64 = (double*)0;
  wasm_mutability_t* mutability = (uint8_t*)0;
  wasm_valkind_t* valkind = (uint8_t*)0;
  wasm_externkind_t* externkind = (uint8_t*)0;
  wasm_table_size_t* table_size = (uint32_t*)0;
  wasm_memory_pages_t* pages = (uint32_t*)0;
  CHECK(*wasm_byte == 'a' && !data && !items && !f32 && !f64 && !mutability && !valkind && !externkind && !table_size && !pages);
}

#define TEXT(x) #x
#define EXPANDED(x) TEXT(x)

static void macro_names(void) {
  CHECK(strcmp(EXPANDED(wasm_name), "wasm_byte_vec") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_new), "wasm_byte_vec_new") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_new_empty), "wasm_byte_vec_new_empty") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_new_uninitialized), "wasm_byte_vec_new_uninitialized") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_new_new_uninitialized), "wasm_byte_vec_new_uninitialized") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_copy), "wasm_byte_vec_copy") == 0);
  CHECK(strcmp(EXPANDED(wasm_name_delete), "wasm_byte_vec_delete") == 0);
}

static void numbers(void) {
  enum wasm_valkind_enum valkind = WASM_I64;
  enum wasm_externkind_enum externkind = WASM_EXTERN_TAG;
  enum wasm_mutability_enum mutability = WASM_VAR;
  CHECK(WASM_CONST == 0 && mutability == 1);
  CHECK(WASM_I32 == 0 && valkind == 1 && WASM_F32 == 2 && WASM_F64 == 3 && WASM_EXTERNREF == 128 && WASM_FUNCREF == 129);
  CHECK(WASM_EXTERN_FUNC == 0 && WASM_EXTERN_GLOBAL == 1 && WASM_EXTERN_TABLE == 2 && WASM_EXTERN_MEMORY == 3);
  CHECK(externkind == 4);
  CHECK(wasm_limits_max_default == 0xffffffff && MEMORY_PAGE_SIZE == 0x10000);
  CHECK(LIBWASM_V128 == 4 && LIBWASM_ANYREF == 130);
}

static wasm_trap_t* callback(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

static wasm_trap_t* callback_with_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env;
  return callback(args, results);
}

static void macros(void) {
  wasm_val_t vals[] = {WASM_I32_VAL(-1), WASM_I64_VAL(-2), WASM_F32_VAL(1.5f), WASM_F64_VAL(2.5), WASM_REF_VAL(NULL)};
  wasm_val_t init = WASM_INIT_VAL;
  wasm_val_vec_t vec = WASM_ARRAY_VEC(vals);
  wasm_val_vec_t empty = WASM_EMPTY_VEC;
  wasm_func_callback_t f = callback;
  wasm_func_callback_with_env_t g = callback_with_env;
  struct wasm_mine_t mine = {1};
  wasm_mine_t* same = &mine;
  CHECK(same->x == 1 && f != NULL && g != NULL);
  CHECK(vec.size == 5 && vec.data == vals && empty.size == 0 && empty.data == NULL);
  CHECK(vals[0].kind == WASM_I32 && vals[0].of.i32 == -1 && vals[1].kind == WASM_I64 && vals[1].of.i64 == -2);
  CHECK(vals[2].kind == WASM_F32 && vals[2].of.f32 == 1.5f && vals[3].kind == WASM_F64 && vals[3].of.f64 == 2.5);
  CHECK(vals[4].kind == WASM_EXTERNREF && vals[4].of.ref == NULL);
  CHECK(init.kind == WASM_EXTERNREF && init.of.ref == NULL);
}

static void names(void) {
  wasm_name_t name, nt, copy;
  wasm_name_new_from_string(&name, "abc");
  wasm_name_new_from_string_nt(&nt, "abc");
  CHECK(name.size == 3 && memcmp(name.data, "abc", 3) == 0 && nt.size == 4 && nt.data[3] == 0);
  wasm_name_copy(&copy, &name);
  CHECK(copy.size == 3 && copy.data != name.data);
  wasm_name_delete(&copy);
  CHECK(copy.size == 0 && copy.data == NULL);
  wasm_name_delete(&name);
  wasm_name_delete(&nt);
  wasm_name_new_new_uninitialized(&copy, 2);
  CHECK(copy.size == 2);
  wasm_name_delete(&copy);
  wasm_name_new_empty(&copy);
  CHECK(copy.size == 0);
}

static void check_functype(wasm_functype_t* type, size_t params, size_t results) {
  CHECK(type != NULL);
  CHECK(wasm_functype_params(type)->size == params && wasm_functype_results(type)->size == results);
  if (params > 0) CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[0]) == WASM_I32);
  if (params > 2) CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[2]) == WASM_F32);
  if (results > 0) CHECK(wasm_valtype_kind(wasm_functype_results(type)->data[0]) == WASM_F64);
  if (results > 1) CHECK(wasm_valtype_kind(wasm_functype_results(type)->data[1]) == WASM_FUNCREF);
  wasm_functype_delete(type);
}

static void functypes(void) {
#define A wasm_valtype_new_i32()
#define B wasm_valtype_new_i64()
#define C wasm_valtype_new_f32()
#define R wasm_valtype_new_f64()
#define S wasm_valtype_new_funcref()
  check_functype(wasm_functype_new_0_0(), 0, 0);
  check_functype(wasm_functype_new_1_0(A), 1, 0);
  check_functype(wasm_functype_new_2_0(A, B), 2, 0);
  check_functype(wasm_functype_new_3_0(A, B, C), 3, 0);
  check_functype(wasm_functype_new_0_1(R), 0, 1);
  check_functype(wasm_functype_new_1_1(A, R), 1, 1);
  check_functype(wasm_functype_new_2_1(A, B, R), 2, 1);
  check_functype(wasm_functype_new_3_1(A, B, C, R), 3, 1);
  check_functype(wasm_functype_new_0_2(R, S), 0, 2);
  check_functype(wasm_functype_new_1_2(A, R, S), 1, 2);
  check_functype(wasm_functype_new_2_2(A, B, R, S), 2, 2);
  check_functype(wasm_functype_new_3_2(A, B, C, R, S), 3, 2);
}

static void kinds(void) {
  CHECK(wasm_valtype_kind(wasm_valtype_new_i32()) == WASM_I32 && wasm_valtype_kind(wasm_valtype_new_i64()) == WASM_I64);
  CHECK(wasm_valtype_kind(wasm_valtype_new_f32()) == WASM_F32 && wasm_valtype_kind(wasm_valtype_new_f64()) == WASM_F64);
  CHECK(wasm_valtype_kind(wasm_valtype_new_externref()) == WASM_EXTERNREF);
  CHECK(wasm_valtype_kind(wasm_valtype_new_funcref()) == WASM_FUNCREF);
  wasm_valtype_t* ref = wasm_valtype_new_externref();
  wasm_valtype_t* num = wasm_valtype_new_i64();
  CHECK(wasm_valtype_is_ref(ref) && !wasm_valtype_is_num(ref) && wasm_valtype_is_num(num) && !wasm_valtype_is_ref(num));
  CHECK(wasm_valkind_is_num(WASM_F64) && wasm_valkind_is_ref(WASM_FUNCREF));
  CHECK(wasm_valkind_is_num(LIBWASM_V128) && wasm_valkind_is_ref(LIBWASM_REF_FUNC));
  wasm_valtype_delete(ref);
  wasm_valtype_delete(num);
}

static void pointers_as_values(void) {
  int x = 0;
  wasm_val_t val;
  wasm_val_init_ptr(&val, &x);
  CHECK(wasm_val_ptr(&val) == &x && val.kind == WASM_I64);
}

int main(void) {
  declared_by_macros();
  layouts();
  same_types();
  macro_names();
  numbers();
  macros();
  names();
  functypes();
  kinds();
  pointers_as_values();
  CHECK(strlen(libwasm_version()) > 0);
  return 0;
}
