// Type objects: values, functions, globals, tables, memories, tags, externs, imports and exports.

#include "check.h"

// A vector of pointers made without contents holds NULLs, so that it can be deleted half-filled.
static void half_filled_vectors(void) {
  wasm_valtype_vec_t vec;
  wasm_valtype_vec_new_uninitialized(&vec, 4);
  CHECK(vec.size == 4);
  for (size_t i = 0; i < 4; i++) CHECK(vec.data[i] == NULL);
  vec.data[1] = wasm_valtype_new_i32();
  wasm_valtype_vec_delete(&vec);
  CHECK(vec.size == 0 && vec.data == NULL);
  wasm_valtype_vec_delete(&vec);

  // Copies of value types are the same objects, of all others they are others.
#define HALF_FILLED(name, make)                        \
  {                                                    \
    bool shared = strcmp(#name, "valtype") == 0;       \
    wasm_##name##_vec_t half, copy;                    \
    wasm_##name##_vec_new_uninitialized(&half, 3);     \
    CHECK(half.size == 3 && half.data[0] == NULL);     \
    CHECK(half.data[1] == NULL && half.data[2] == NULL); \
    half.data[2] = (make);                             \
    wasm_##name##_vec_copy(&copy, &half);              \
    CHECK(copy.size == 3 && copy.data[0] == NULL);     \
    CHECK(copy.data[2] && (copy.data[2] == half.data[2]) == shared); \
    wasm_##name##_vec_delete(&half);                   \
    CHECK(half.size == 0 && half.data == NULL);        \
    wasm_##name##_vec_delete(&copy);                   \
    wasm_##name##_vec_delete(&copy);                   \
    wasm_##name##_vec_new_empty(&half);                \
    CHECK(half.size == 0 && half.data == NULL);        \
    wasm_##name##_t* items[] = {(make), (make)};       \
    wasm_##name##_vec_new(&half, 2, items);            \
    CHECK(half.data != items);                         \
    CHECK(half.data[0] == items[0] && half.data[1] == items[1]); \
    wasm_##name##_vec_delete(&half);                   \
  }
  wasm_limits_t limits = {1, 2};
  wasm_name_t a, b;
  HALF_FILLED(valtype, wasm_valtype_new_i64())
  HALF_FILLED(functype, wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_f64()))
  HALF_FILLED(globaltype, wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR))
  HALF_FILLED(tabletype, wasm_tabletype_new(wasm_valtype_new_funcref(), &limits))
  HALF_FILLED(memorytype, wasm_memorytype_new(&limits))
  HALF_FILLED(tagtype, wasm_tagtype_new(wasm_functype_new_0_0()))
  HALF_FILLED(externtype, wasm_functype_as_externtype(wasm_functype_new_0_0()))
  HALF_FILLED(importtype, (wasm_name_new_from_string(&a, "m"), wasm_name_new_from_string(&b, "n"),
                           wasm_importtype_new(&a, &b, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)))))
  HALF_FILLED(exporttype, (wasm_name_new_from_string(&a, "n"),
                           wasm_exporttype_new(&a, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)))))
}

static void value_types(void) {
  static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_EXTERNREF, WASM_FUNCREF, 4};
  for (size_t i = 0; i < sizeof kinds; i++) {
    wasm_valtype_t* type = wasm_valtype_new(kinds[i]);
    CHECK(type && wasm_valtype_kind(type) == kinds[i]);
    wasm_valtype_t* copy = wasm_valtype_copy(type);
    CHECK(copy && wasm_valtype_kind(copy) == kinds[i]);
    wasm_valtype_delete(type);
    wasm_valtype_delete(copy);
  }
  CHECK_REASON(wasm_valtype_new(77) == NULL);
  CHECK(wasm_valkind_is_num(WASM_F64) && !wasm_valkind_is_ref(WASM_F64));
  CHECK(wasm_valkind_is_ref(WASM_FUNCREF) && !wasm_valkind_is_num(WASM_EXTERNREF));
  wasm_valtype_t* type = wasm_valtype_new_externref();
  CHECK(wasm_valtype_is_ref(type) && !wasm_valtype_is_num(type));
  wasm_valtype_delete(type);
}

// There is one object for each kind, and deleting it does nothing, whoever owned it and how often it is done. Kinds that the standard
// does not name (v128, and other references) are no exception.
static void value_types_are_static(void) {
  size_t kinds = 0;
  for (int kind = 0; kind < 256; kind++) {
    wasm_valtype_t* type = wasm_valtype_new((wasm_valkind_t)kind);
    if (!type) continue;
    kinds++;
    CHECK((uintptr_t)type % 16 == 0);
    CHECK(wasm_valtype_new((wasm_valkind_t)kind) == type && wasm_valtype_copy(type) == type);
    for (int i = 0; i < 3; i++) wasm_valtype_delete(type);
    wasm_limits_t limits = {1, 2};
    wasm_globaltype_t* global = wasm_globaltype_new(type, WASM_CONST);
    wasm_tabletype_t* table = wasm_tabletype_new(type, &limits);
    wasm_functype_t* func = wasm_functype_new_2_1(type, type, type);
    CHECK(wasm_globaltype_content(global) == type && wasm_tabletype_element(table) == type);
    const wasm_valtype_vec_t* params = wasm_functype_params(func);
    CHECK(params->data[0] == type && params->data[1] == type && wasm_functype_results(func)->data[0] == type);
    // What was given away, and what is only lent.
    wasm_valtype_delete(type);
    wasm_valtype_delete((wasm_valtype_t*)wasm_globaltype_content(global));
    wasm_valtype_delete(params->data[1]);
    wasm_functype_t* copy = wasm_functype_copy(func);
    CHECK(wasm_functype_params(copy)->data != params->data && wasm_functype_params(copy)->data[0] == type);
    wasm_valtype_vec_t vec, vec_copy;
    wasm_valtype_t* items[] = {type, type};
    wasm_valtype_vec_new(&vec, 2, items);
    wasm_valtype_vec_copy(&vec_copy, &vec);
    CHECK(vec_copy.data[0] == type);
    wasm_valtype_vec_delete(&vec);
    wasm_valtype_vec_delete(&vec_copy);
    wasm_functype_delete(func);
    wasm_functype_delete(copy);
    wasm_globaltype_delete(global);
    wasm_tabletype_delete(table);
    wasm_valtype_delete(type);
    CHECK(wasm_valtype_kind(type) == kind);
  }
  CHECK(kinds == 5 + 2 * 12);
  // Types that the library makes have the same ones.
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(
      store, "(module (func (export \"f\") (param i64 v128 externref)) (global (export \"g\") f32 (f32.const 0)) (table (export \"t\") 1 funcref))");
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  const wasm_functype_t* func = wasm_externtype_as_functype_const(wasm_exporttype_type(exports.data[0]));
  CHECK(wasm_functype_params(func)->data[0] == wasm_valtype_new_i64());
  CHECK(wasm_functype_params(func)->data[1] == wasm_valtype_new(4));
  CHECK(wasm_functype_params(func)->data[2] == wasm_valtype_new_externref());
  const wasm_externtype_t *global = wasm_exporttype_type(exports.data[1]), *table = wasm_exporttype_type(exports.data[2]);
  CHECK(wasm_globaltype_content(wasm_externtype_as_globaltype_const(global)) == wasm_valtype_new_f32());
  CHECK(wasm_tabletype_element(wasm_externtype_as_tabletype_const(table)) == wasm_valtype_new_funcref());
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

// A function type takes the vectors over and leaves the caller's empty; the elements stay the same objects.
static void function_types_take_over(void) {
  wasm_valtype_t* in[] = {wasm_valtype_new_i32(), wasm_valtype_new_externref()};
  wasm_valtype_t* out[] = {wasm_valtype_new_f32()};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 2, in);
  wasm_valtype_vec_new(&results, 1, out);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  CHECK(params.size == 0 && params.data == NULL && results.size == 0 && results.data == NULL);
  wasm_valtype_vec_delete(&params);
  wasm_valtype_vec_delete(&results);
  const wasm_valtype_vec_t* lent = wasm_functype_params(type);
  CHECK(lent->size == 2 && lent->data[0] == in[0] && lent->data[1] == in[1]);
  CHECK(wasm_functype_params(type) == lent);
  CHECK(wasm_functype_results(type)->size == 1 && wasm_functype_results(type)->data[0] == out[0]);
  wasm_functype_t* copy = wasm_functype_copy(type);
  wasm_functype_delete(type);
  CHECK(wasm_valtype_kind(wasm_functype_params(copy)->data[1]) == WASM_EXTERNREF);
  wasm_functype_delete(copy);
  // No vectors: empty ones.
  type = wasm_functype_new(NULL, NULL);
  CHECK(type && wasm_functype_params(type)->size == 0 && wasm_functype_results(type)->size == 0);
  wasm_functype_delete(type);
}

static void function_type_shorthands(void) {
#define I32 wasm_valtype_new_i32()
#define SHORTHAND(make, params, results)                     \
  {                                                          \
    wasm_functype_t* type = make;                            \
    CHECK(wasm_functype_params(type)->size == params);       \
    CHECK(wasm_functype_results(type)->size == results);     \
    wasm_functype_delete(type);                              \
  }
  SHORTHAND(wasm_functype_new_0_0(), 0, 0)
  SHORTHAND(wasm_functype_new_1_0(I32), 1, 0)
  SHORTHAND(wasm_functype_new_2_0(I32, I32), 2, 0)
  SHORTHAND(wasm_functype_new_3_0(I32, I32, I32), 3, 0)
  SHORTHAND(wasm_functype_new_0_1(I32), 0, 1)
  SHORTHAND(wasm_functype_new_1_1(I32, I32), 1, 1)
  SHORTHAND(wasm_functype_new_2_1(I32, I32, I32), 2, 1)
  SHORTHAND(wasm_functype_new_3_1(I32, I32, I32, I32), 3, 1)
  SHORTHAND(wasm_functype_new_0_2(I32, I32), 0, 2)
  SHORTHAND(wasm_functype_new_1_2(I32, I32, I32), 1, 2)
  SHORTHAND(wasm_functype_new_2_2(I32, I32, I32, I32), 2, 2)
  SHORTHAND(wasm_functype_new_3_2(I32, I32, I32, I32, I32), 3, 2)
}

static void globals_tables_memories_tags(void) {
  wasm_valtype_t* content = wasm_valtype_new_f64();
  wasm_globaltype_t* global = wasm_globaltype_new(content, WASM_VAR);
  CHECK(wasm_globaltype_content(global) == content && wasm_globaltype_mutability(global) == WASM_VAR);
  wasm_globaltype_t* global_copy = wasm_globaltype_copy(global);
  wasm_globaltype_delete(global);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global_copy)) == WASM_F64);
  wasm_globaltype_delete(global_copy);

  wasm_limits_t limits = {3, wasm_limits_max_default};
  wasm_valtype_t* element = wasm_valtype_new_funcref();
  wasm_tabletype_t* table = wasm_tabletype_new(element, &limits);
  CHECK(wasm_tabletype_element(table) == element);
  CHECK(wasm_tabletype_limits(table)->min == 3 && wasm_tabletype_limits(table)->max == wasm_limits_max_default);
  wasm_tabletype_t* table_copy = wasm_tabletype_copy(table);
  wasm_tabletype_delete(table);
  CHECK(wasm_tabletype_limits(table_copy)->min == 3);
  wasm_tabletype_delete(table_copy);

  // Type objects are descriptions: a table of i32 can be described, and a memory of any size.
  table = wasm_tabletype_new(wasm_valtype_new_i32(), &limits);
  CHECK(table);
  wasm_store_t* store = check_store();
  CHECK_REASON(wasm_table_new(store, table, NULL) == NULL);
  wasm_tabletype_delete(table);
  wasm_limits_t huge = {65537, wasm_limits_max_default}, twisted = {2, 1};
  wasm_memorytype_t* memory = wasm_memorytype_new(&huge);
  CHECK(memory && wasm_memorytype_limits(memory)->min == 65537);
  CHECK_REASON(wasm_memory_new(store, memory) == NULL);
  wasm_memorytype_delete(memory);
  memory = wasm_memorytype_new(&twisted);
  CHECK(memory);
  CHECK_REASON(wasm_memory_new(store, memory) == NULL);
  wasm_memorytype_t* memory_copy = wasm_memorytype_copy(memory);
  wasm_memorytype_delete(memory);
  CHECK(wasm_memorytype_limits(memory_copy)->max == 1);
  wasm_memorytype_delete(memory_copy);
  wasm_store_delete(store);

  wasm_functype_t* func = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_tagtype_t* tag = wasm_tagtype_new(func);
  CHECK(wasm_tagtype_functype(tag) == func);
  wasm_tagtype_t* tag_copy = wasm_tagtype_copy(tag);
  wasm_tagtype_delete(tag);
  CHECK(wasm_functype_params(wasm_tagtype_functype(tag_copy))->size == 1);
  wasm_tagtype_delete(tag_copy);
}

// `as` is a view: the same object with the same owner. The wrong kind gives NULL.
static void views(void) {
  wasm_limits_t limits = {1, 2};
#define VIEW(name, expected, make)                                              \
  {                                                                             \
    wasm_##name##_t* type = (make);                                             \
    wasm_externtype_t* view = wasm_##name##_as_externtype(type);                \
    CHECK(view && wasm_externtype_kind(view) == expected);                      \
    CHECK((const void*)view == (const void*)type);                              \
    CHECK(wasm_externtype_as_##name(view) == type);                             \
    CHECK(wasm_##name##_as_externtype_const(type) == view);                     \
    CHECK(wasm_externtype_as_##name##_const(view) == type);                     \
    CHECK((wasm_externtype_as_functype(view) != NULL) == (expected == WASM_EXTERN_FUNC));     \
    CHECK((wasm_externtype_as_globaltype(view) != NULL) == (expected == WASM_EXTERN_GLOBAL)); \
    CHECK((wasm_externtype_as_tabletype(view) != NULL) == (expected == WASM_EXTERN_TABLE));   \
    CHECK((wasm_externtype_as_memorytype(view) != NULL) == (expected == WASM_EXTERN_MEMORY)); \
    CHECK((wasm_externtype_as_tagtype(view) != NULL) == (expected == WASM_EXTERN_TAG));       \
    wasm_externtype_t* copy = wasm_externtype_copy(view);                       \
    CHECK(copy != view && wasm_externtype_kind(copy) == expected);              \
    wasm_externtype_delete(view);                                               \
    CHECK(wasm_externtype_as_##name(copy) != NULL);                             \
    wasm_##name##_delete(wasm_externtype_as_##name(copy));                      \
  }
  VIEW(functype, WASM_EXTERN_FUNC, wasm_functype_new_0_1(wasm_valtype_new_i32()))
  VIEW(globaltype, WASM_EXTERN_GLOBAL, wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST))
  VIEW(tabletype, WASM_EXTERN_TABLE, wasm_tabletype_new(wasm_valtype_new_externref(), &limits))
  VIEW(memorytype, WASM_EXTERN_MEMORY, wasm_memorytype_new(&limits))
  VIEW(tagtype, WASM_EXTERN_TAG, wasm_tagtype_new(wasm_functype_new_0_0()))
}

// What a getter lends is the object that was given, and lives as long as its parent; names are taken over.
static void imports_and_exports(void) {
  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "mod");
  wasm_name_new_from_string(&name, "");
  wasm_externtype_t* item = wasm_functype_as_externtype(wasm_functype_new_0_0());
  wasm_importtype_t* import = wasm_importtype_new(&module, &name, item);
  CHECK(module.size == 0 && module.data == NULL && name.size == 0 && name.data == NULL);
  wasm_name_delete(&module);
  const wasm_name_t* lent = wasm_importtype_module(import);
  CHECK(lent->size == 3 && memcmp(lent->data, "mod", 3) == 0);
  CHECK(wasm_importtype_name(import)->size == 0);
  CHECK(wasm_importtype_type(import) == item);
  wasm_importtype_t* copy = wasm_importtype_copy(import);
  wasm_importtype_delete(import);
  CHECK(wasm_importtype_module(copy)->size == 3 && wasm_externtype_kind(wasm_importtype_type(copy)) == WASM_EXTERN_FUNC);
  wasm_importtype_delete(copy);

  wasm_name_new_from_string(&name, "x");
  item = wasm_globaltype_as_externtype(wasm_globaltype_new(wasm_valtype_new_i64(), WASM_CONST));
  wasm_exporttype_t* exported = wasm_exporttype_new(&name, item);
  CHECK(name.size == 0 && name.data == NULL);
  CHECK(wasm_exporttype_name(exported)->size == 1 && wasm_exporttype_type(exported) == item);
  wasm_exporttype_t* exported_copy = wasm_exporttype_copy(exported);
  wasm_exporttype_delete(exported);
  CHECK(wasm_exporttype_name(exported_copy)->data[0] == 'x');
  wasm_exporttype_delete(exported_copy);
}

// NULL gives the typed default and a reason.
static void nulls(void) {
  CHECK_NO_REASON((wasm_valtype_delete(NULL), wasm_functype_delete(NULL), wasm_globaltype_delete(NULL), true));
  CHECK_NO_REASON((wasm_tabletype_delete(NULL), wasm_memorytype_delete(NULL), wasm_tagtype_delete(NULL), true));
  CHECK_NO_REASON((wasm_externtype_delete(NULL), wasm_importtype_delete(NULL), wasm_exporttype_delete(NULL), true));
  CHECK_REASON(wasm_valtype_copy(NULL) == NULL);
  CHECK_REASON(wasm_functype_copy(NULL) == NULL);
  CHECK_REASON((wasm_valtype_kind(NULL), true));
  CHECK_REASON(wasm_globaltype_new(NULL, WASM_VAR) == NULL);
  CHECK_REASON(wasm_tabletype_new(NULL, &(wasm_limits_t){0, 1}) == NULL);
  CHECK_REASON(wasm_memorytype_new(NULL) == NULL);
  CHECK_REASON(wasm_tagtype_new(NULL) == NULL);
  CHECK_REASON(wasm_functype_as_externtype(NULL) == NULL);
  CHECK_REASON(wasm_externtype_as_functype(NULL) == NULL);
  CHECK_REASON(wasm_globaltype_content(NULL) == NULL);
  wasm_name_t name;
  wasm_name_new_from_string(&name, "x");
  CHECK_REASON(wasm_exporttype_new(&name, NULL) == NULL);
  wasm_name_delete(&name);
}

// v128, which the standard kinds can't name, still reflects: kind 4.
static void types_beyond_the_standard(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (func (export \"f\") (param v128) (result v128) (local.get 0)))");
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  const wasm_functype_t* type = wasm_externtype_as_functype_const(wasm_exporttype_type(exports.data[0]));
  CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[0]) == 4);
  CHECK(wasm_valtype_kind(wasm_functype_results(type)->data[0]) == 4);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
  // References that only later versions have: each a kind of its own.
  for (int kind = LIBWASM_ANYREF; kind <= LIBWASM_REF_FUNC; kind++) {
    if (kind > LIBWASM_NULLEXNREF && kind < LIBWASM_REF_ANY) continue;
    wasm_valtype_t* ref = wasm_valtype_new((wasm_valkind_t)kind);
    CHECK(ref && wasm_valtype_kind(ref) == kind && wasm_valtype_is_ref(ref));
    wasm_valtype_delete(ref);
  }
}

// The standard's limits have 32 bits; `libwasm.h` tells the exact ones.
static void exact_limits(void) {
  wasm_limits_t limits = {3, wasm_limits_max_default};
  libwasm_limits_t exact;
  wasm_memorytype_t* memory = wasm_memorytype_new(&limits);
  CHECK(libwasm_memorytype_limits(memory, &exact));
  CHECK(exact.min == 3 && !exact.has_max && !exact.index64 && !exact.shared);
  wasm_memorytype_delete(memory);
  limits.max = 9;
  wasm_tabletype_t* table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  CHECK(libwasm_tabletype_limits(table, &exact));
  CHECK(exact.min == 3 && exact.has_max && exact.max == 9 && !exact.index64);
  wasm_tabletype_delete(table);
  // A maximum that 32 bits take for none is one.
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module (table (export \"t\") 1 0xffffffff funcref) (table (export \"u\") 1 funcref))");
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  for (int i = 0; i < 2; i++) {
    const wasm_tabletype_t* type = wasm_externtype_as_tabletype_const(wasm_exporttype_type(exports.data[i]));
    CHECK(wasm_tabletype_limits(type)->min == 1 && wasm_tabletype_limits(type)->max == wasm_limits_max_default);
    CHECK(libwasm_tabletype_limits(type, &exact) && exact.min == 1 && exact.has_max == (i == 0));
    CHECK(i == 1 || exact.max == 0xffffffff);
  }
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
  CHECK_REASON(!libwasm_tabletype_limits(NULL, &exact));
  CHECK_REASON(!libwasm_memorytype_limits(NULL, &exact));
}

int main(void) {
  half_filled_vectors();
  value_types();
  value_types_are_static();
  function_types_take_over();
  function_type_shorthands();
  globals_tables_memories_tags();
  views();
  imports_and_exports();
  nulls();
  types_beyond_the_standard();
  exact_limits();
  return 0;
}
