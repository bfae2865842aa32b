// Defined types: recursion groups made by the host and those of modules, equality, matching, and what names them.

#include "check.h"

static libwasm_fieldtype_t* value_field(wasm_valtype_t* type, wasm_mutability_t mutability) {
  libwasm_fieldtype_t* field = libwasm_fieldtype_new(type, mutability);
  CHECK(field);
  return field;
}

static libwasm_fieldtype_t* i32_field(void) { return value_field(wasm_valtype_new_i32(), WASM_VAR); }

static libwasm_fieldtype_vec_t fields(size_t count, ...) {
  libwasm_fieldtype_t* all[8];
  CHECK(count <= 8);
  va_list list;
  va_start(list, count);
  for (size_t i = 0; i < count; i++) all[i] = va_arg(list, libwasm_fieldtype_t*);
  va_end(list);
  libwasm_fieldtype_vec_t vec;
  libwasm_fieldtype_vec_new(&vec, count, all);
  return vec;
}

static libwasm_deftype_t* struct_of(size_t count, ...) {
  libwasm_fieldtype_t* all[8];
  va_list list;
  va_start(list, count);
  for (size_t i = 0; i < count; i++) all[i] = va_arg(list, libwasm_fieldtype_t*);
  va_end(list);
  libwasm_fieldtype_vec_t vec;
  libwasm_fieldtype_vec_new(&vec, count, all);
  libwasm_deftype_t* type = libwasm_deftype_new_struct(&vec);
  CHECK(type && vec.size == 0 && !vec.data);
  return type;
}

static bool same_and_delete(libwasm_deftype_t* a, libwasm_deftype_t* b) {
  bool same = libwasm_deftype_same(a, b);
  libwasm_deftype_delete(a);
  libwasm_deftype_delete(b);
  return same;
}

// What is told of a field, of an array's elements, and of their copies.
static void field_types(void) {
  libwasm_fieldtype_t* field = value_field(wasm_valtype_new_f64(), WASM_CONST);
  CHECK(libwasm_fieldtype_storage(field) == LIBWASM_STORAGE_VALUE && libwasm_fieldtype_mutability(field) == WASM_CONST);
  CHECK(wasm_valtype_kind(libwasm_fieldtype_content(field)) == WASM_F64);
  libwasm_fieldtype_t* copy = libwasm_fieldtype_copy(field);
  libwasm_fieldtype_delete(field);
  CHECK(wasm_valtype_kind(libwasm_fieldtype_content(copy)) == WASM_F64);
  libwasm_fieldtype_delete(copy);
  for (libwasm_storagekind_t kind = LIBWASM_STORAGE_I8; kind <= LIBWASM_STORAGE_I16; kind++) {
    field = libwasm_fieldtype_new_packed(kind, WASM_VAR);
    CHECK(libwasm_fieldtype_storage(field) == kind && libwasm_fieldtype_mutability(field) == WASM_VAR);
    CHECK(wasm_valtype_kind(libwasm_fieldtype_content(field)) == WASM_I32);
    libwasm_fieldtype_delete(field);
  }
  CHECK_REASON(!libwasm_fieldtype_new_packed(LIBWASM_STORAGE_VALUE, WASM_VAR));
  CHECK_REASON(!libwasm_fieldtype_new_packed(3, WASM_VAR));
  CHECK_REASON(!libwasm_fieldtype_new_packed(LIBWASM_STORAGE_I8, 2));
  CHECK_REASON(!libwasm_fieldtype_new(NULL, WASM_VAR));
  CHECK_REASON(!libwasm_fieldtype_new(wasm_valtype_new_i32(), 2));
  // What is taken over is deleted where it fails, and so is what a vector has.
  libwasm_deftype_t* type = struct_of(1, i32_field());
  CHECK_REASON(!libwasm_fieldtype_new(libwasm_valtype_new_ref(type, true), 2));
  libwasm_fieldtype_t* some[] = {i32_field(), NULL, value_field(libwasm_valtype_new_ref(type, true), WASM_VAR)};
  libwasm_fieldtype_vec_t vec;
  libwasm_fieldtype_vec_new(&vec, 3, some);
  CHECK_REASON(!libwasm_deftype_new_struct(&vec));
  CHECK(!vec.data);
  CHECK_REASON(!libwasm_deftype_new_array(NULL));
  libwasm_deftype_delete(type);
}

// Types of their own: equal ones are the same, whoever makes them.
static void single_types(void) {
  libwasm_deftype_t* pair = struct_of(2, i32_field(), libwasm_fieldtype_new_packed(LIBWASM_STORAGE_I8, WASM_CONST));
  CHECK(libwasm_deftype_kind(pair) == LIBWASM_DEFTYPE_STRUCT && libwasm_deftype_is_final(pair));
  CHECK_NO_REASON(!libwasm_deftype_supertype(pair));
  CHECK(libwasm_deftype_index(pair) == 0);
  libwasm_fieldtype_vec_t found;
  CHECK(libwasm_deftype_fields(pair, &found) && found.size == 2);
  CHECK(libwasm_fieldtype_mutability(found.data[0]) == WASM_VAR && libwasm_fieldtype_storage(found.data[1]) == LIBWASM_STORAGE_I8);
  libwasm_deftype_t* again = libwasm_deftype_new_struct(&found);
  CHECK(libwasm_deftype_same(pair, again) && libwasm_deftype_matches(pair, again));
  libwasm_deftype_delete(again);
  libwasm_deftype_t* empty = libwasm_deftype_new_struct(NULL);
  CHECK(!libwasm_deftype_same(pair, empty) && !libwasm_deftype_matches(pair, empty));
  CHECK(libwasm_deftype_fields(empty, &found) && found.size == 0);
  libwasm_fieldtype_vec_delete(&found);
  libwasm_deftype_delete(empty);
  CHECK_REASON(!libwasm_deftype_functype(pair));
  libwasm_deftype_t* array = libwasm_deftype_new_array(libwasm_fieldtype_new_packed(LIBWASM_STORAGE_I16, WASM_VAR));
  CHECK(libwasm_deftype_kind(array) == LIBWASM_DEFTYPE_ARRAY && libwasm_deftype_fields(array, &found) && found.size == 1);
  CHECK(libwasm_fieldtype_storage(found.data[0]) == LIBWASM_STORAGE_I16);
  libwasm_fieldtype_vec_delete(&found);
  libwasm_deftype_delete(array);
  // A function type, there and back.
  wasm_functype_t* functype = wasm_functype_new_1_1(wasm_valtype_new_i32(), libwasm_valtype_new_ref(pair, true));
  libwasm_deftype_t* func = libwasm_deftype_new_func(functype);
  CHECK(libwasm_deftype_kind(func) == LIBWASM_DEFTYPE_FUNC);
  CHECK_REASON(!libwasm_deftype_fields(func, &found));
  CHECK(found.size == 0);
  wasm_functype_delete(functype);
  functype = libwasm_deftype_functype(func);
  CHECK(wasm_functype_params(functype)->size == 1 && wasm_functype_results(functype)->size == 1);
  CHECK(same_and_delete(func, libwasm_deftype_new_func(functype)));
  // The function type keeps what it names.
  libwasm_deftype_delete(pair);
  libwasm_deftype_t* named = libwasm_valtype_deftype(wasm_functype_results(functype)->data[0]);
  CHECK(libwasm_deftype_kind(named) == LIBWASM_DEFTYPE_STRUCT);
  libwasm_deftype_delete(named);
  wasm_functype_delete(functype);
  // A list: member 0 is the type itself.
  libwasm_deftype_t* list = struct_of(1, value_field(libwasm_valtype_new_member(0, true), WASM_VAR));
  CHECK(libwasm_deftype_fields(list, &found));
  named = libwasm_valtype_deftype(libwasm_fieldtype_content(found.data[0]));
  CHECK(libwasm_deftype_same(named, list) && libwasm_valtype_is_nullable(libwasm_fieldtype_content(found.data[0])));
  libwasm_fieldtype_vec_delete(&found);
  libwasm_deftype_delete(named);
  libwasm_deftype_delete(list);
  libwasm_fieldtype_vec_t other = fields(1, value_field(libwasm_valtype_new_member(1, true), WASM_VAR));
  CHECK_REASON(!libwasm_deftype_new_struct(&other) && reason_says("no member 1"));
}

// The types of this module, and the same made by hand.
static const char* const SHAPES =
    "(module"
    "  (rec (type $shape (sub (struct (field $next (mut (ref null $circle))) (field i32))))"
    "       (type $circle (sub $shape (struct (field (mut (ref null $circle))) (field i32) (field (mut f64)) (field (ref $area)))))"
    "       (type $area (func (param (ref $shape)) (result f64)))"
    "       (type $all (array (mut (ref null $shape)))))"
    "  (type $round (sub final $circle (struct (field (mut (ref null $circle))) (field i32) (field (mut f64)) (field (ref $area)) (field i8))))"
    "  (type (func))"
    "  (import \"\" \"area\" (func (type $area)))"
    "  (global (export \"shape\") (mut (ref null $shape)) (ref.null $shape))"
    "  (table (export \"shapes\") 1 (ref null $circle))"
    "  (func (export \"area\") (type $area) (f64.const 2))"
    "  (func (export \"make\") (result (ref $shape)) (struct.new $shape (ref.null $circle) (i32.const 1))))";
enum { SHAPE, CIRCLE, AREA, ALL, ROUND };

// With `shape_final`, the subtype is refused.
static libwasm_recgroup_t* shapes(bool shape_final) {
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  libwasm_fieldtype_vec_t shape =
      fields(2, value_field(libwasm_valtype_new_member(CIRCLE, true), WASM_VAR), value_field(wasm_valtype_new_i32(), WASM_CONST));
  libwasm_fieldtype_vec_t circle =
      fields(4, value_field(libwasm_valtype_new_member(CIRCLE, true), WASM_VAR), value_field(wasm_valtype_new_i32(), WASM_CONST),
             value_field(wasm_valtype_new_f64(), WASM_VAR), value_field(libwasm_valtype_new_member(AREA, false), WASM_CONST));
  wasm_valtype_t *param = libwasm_valtype_new_member(SHAPE, false), *result = wasm_valtype_new_f64();
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 1, &param);
  wasm_valtype_vec_new(&results, 1, &result);
  CHECK(libwasm_recgroup_add_struct(group, &shape) && !shape.data);
  CHECK(libwasm_recgroup_add_struct(group, &circle));
  CHECK(libwasm_recgroup_add_func(group, &params, &results) && !params.data && !results.data);
  CHECK(libwasm_recgroup_add_array(group, value_field(libwasm_valtype_new_member(SHAPE, true), WASM_VAR)));
  CHECK(libwasm_recgroup_size(group) == 4);
  CHECK(libwasm_recgroup_set_final(group, SHAPE, shape_final) && libwasm_recgroup_set_final(group, CIRCLE, false));
  CHECK(libwasm_recgroup_set_supertype_member(group, CIRCLE, SHAPE));
  return group;
}

static void groups(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, SHAPES);
  libwasm_deftype_vec_t types;
  libwasm_module_types(module, &types);
  // The last is that of "make".
  CHECK(types.size == 7 && libwasm_deftype_kind(types.data[6]) == LIBWASM_DEFTYPE_FUNC);
  libwasm_recgroup_t* group = shapes(false);
  CHECK_REASON(!libwasm_recgroup_type(group, 0) && reason_says("not defined yet"));
  libwasm_recgroup_t* unmade = libwasm_recgroup_copy(group);
  CHECK(libwasm_recgroup_define(group) && libwasm_recgroup_define(group));
  const libwasm_deftypekind_t kinds[] = {LIBWASM_DEFTYPE_STRUCT, LIBWASM_DEFTYPE_STRUCT, LIBWASM_DEFTYPE_FUNC, LIBWASM_DEFTYPE_ARRAY};
  for (uint32_t i = 0; i < 4; i++) {
    libwasm_deftype_t* type = libwasm_recgroup_type(group, i);
    CHECK(libwasm_deftype_same(type, types.data[i]) && libwasm_deftype_index(type) == i && libwasm_deftype_kind(type) == kinds[i]);
    CHECK(libwasm_deftype_is_final(type) == (i == AREA || i == ALL));
    libwasm_deftype_delete(type);
  }
  CHECK_REASON(!libwasm_recgroup_type(group, 4));
  // What is defined does not change; the copy still can.
  CHECK_REASON(!libwasm_recgroup_add_struct(group, NULL) && reason_says("defined already"));
  CHECK_REASON(!libwasm_recgroup_set_final(group, 0, true));
  CHECK(libwasm_recgroup_add_struct(unmade, NULL) && libwasm_recgroup_define(unmade) && libwasm_recgroup_size(unmade) == 5);
  CHECK(!same_and_delete(libwasm_recgroup_type(unmade, 0), libwasm_recgroup_type(group, 0)));
  libwasm_recgroup_delete(unmade);
  // The same group, found by a member.
  libwasm_recgroup_t* found = libwasm_deftype_recgroup(types.data[AREA]);
  CHECK(libwasm_recgroup_size(found) == 4);
  CHECK(same_and_delete(libwasm_recgroup_type(found, ALL), libwasm_deftype_copy(types.data[ALL])));
  libwasm_recgroup_delete(found);
  CHECK(libwasm_deftype_matches(types.data[CIRCLE], types.data[SHAPE]) && !libwasm_deftype_matches(types.data[SHAPE], types.data[CIRCLE]));
  CHECK(libwasm_deftype_matches(types.data[ROUND], types.data[SHAPE]) && libwasm_deftype_is_final(types.data[ROUND]));
  CHECK(same_and_delete(libwasm_deftype_supertype(types.data[ROUND]), libwasm_deftype_copy(types.data[CIRCLE])));
  // A supertype from elsewhere.
  libwasm_recgroup_t* round = libwasm_recgroup_new();
  libwasm_fieldtype_vec_t inherited;
  CHECK(libwasm_deftype_fields(types.data[ROUND], &inherited) && inherited.size == 5);
  CHECK(libwasm_recgroup_add_struct(round, &inherited));
  CHECK(libwasm_recgroup_set_supertype(round, 0, types.data[CIRCLE]) && libwasm_recgroup_define(round));
  CHECK(same_and_delete(libwasm_recgroup_type(round, 0), libwasm_deftype_copy(types.data[ROUND])));
  libwasm_recgroup_delete(round);
  // All of them live on without the module, the store, and the group.
  wasm_module_delete(module);
  wasm_store_delete(store);
  libwasm_recgroup_delete(group);
  libwasm_fieldtype_vec_t last;
  CHECK(libwasm_deftype_fields(types.data[CIRCLE], &last) && last.size == 4);
  CHECK(same_and_delete(libwasm_valtype_deftype(libwasm_fieldtype_content(last.data[3])), libwasm_deftype_copy(types.data[AREA])));
  libwasm_fieldtype_vec_delete(&last);
  libwasm_deftype_vec_delete(&types);
}

// A group with a first member that a second one has for its supertype, which is refused, with the reason; the group stays.
static void refused(libwasm_recgroup_t* group, const char* words) {
  CHECK_REASON(!libwasm_recgroup_define(group));
  if (!reason_says(words)) check_failed(__FILE__, __LINE__, words);
  CHECK(libwasm_recgroup_add_struct(group, NULL));
  CHECK_REASON(!libwasm_recgroup_define(group));
  libwasm_recgroup_delete(group);
}

static libwasm_recgroup_t* two_structs(libwasm_fieldtype_t* first, libwasm_fieldtype_t* second) {
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  libwasm_fieldtype_vec_t one = fields(1, first), two = fields(second ? 1 : 0, second);
  CHECK(libwasm_recgroup_add_struct(group, &one) && libwasm_recgroup_add_struct(group, &two));
  CHECK(libwasm_recgroup_set_final(group, 0, false) && libwasm_recgroup_set_supertype_member(group, 1, 0));
  return group;
}

static libwasm_recgroup_t* two_funcs(wasm_valtype_t* param, wasm_valtype_t* result, wasm_valtype_t* sub_param, wasm_valtype_t* sub_result) {
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  for (int i = 0; i < 2; i++) {
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new(&params, 1, i ? &sub_param : &param);
    wasm_valtype_vec_new(&results, 1, i ? &sub_result : &result);
    CHECK(libwasm_recgroup_add_func(group, &params, &results));
  }
  CHECK(libwasm_recgroup_set_final(group, 0, false) && libwasm_recgroup_set_supertype_member(group, 1, 0));
  return group;
}

static bool defines(libwasm_recgroup_t* group) {
  bool defined = libwasm_recgroup_define(group);
  libwasm_recgroup_delete(group);
  return defined;
}

static wasm_valtype_t* kind(wasm_valkind_t kind) { return wasm_valtype_new(kind); }

static void supertypes(void) {
  refused(shapes(true), "is final");
  refused(two_structs(i32_field(), value_field(wasm_valtype_new_i32(), WASM_CONST)), "does not match");
  refused(two_structs(i32_field(), NULL), "does not match");
  refused(two_structs(i32_field(), libwasm_fieldtype_new_packed(LIBWASM_STORAGE_I8, WASM_VAR)), "does not match");
  // What can be set is of one type; what cannot may become more precise.
  refused(two_structs(value_field(kind(LIBWASM_ANYREF), WASM_VAR), value_field(kind(LIBWASM_EQREF), WASM_VAR)), "does not match");
  CHECK(defines(two_structs(value_field(kind(LIBWASM_ANYREF), WASM_CONST), value_field(kind(LIBWASM_REF_EQ), WASM_CONST))));
  refused(two_structs(value_field(kind(LIBWASM_EQREF), WASM_CONST), value_field(kind(LIBWASM_ANYREF), WASM_CONST)), "does not match");
  CHECK(defines(two_structs(value_field(libwasm_valtype_new_member(0, true), WASM_CONST),
                            value_field(libwasm_valtype_new_member(1, false), WASM_CONST))));
  // Parameters the other way round.
  CHECK(defines(two_funcs(kind(LIBWASM_EQREF), kind(LIBWASM_EQREF), kind(LIBWASM_ANYREF), kind(LIBWASM_I31REF))));
  refused(two_funcs(kind(LIBWASM_EQREF), kind(LIBWASM_EQREF), kind(LIBWASM_I31REF), kind(LIBWASM_EQREF)), "does not match");
  refused(two_funcs(kind(LIBWASM_EQREF), kind(LIBWASM_EQREF), kind(LIBWASM_EQREF), kind(LIBWASM_ANYREF)), "does not match");
  // Of another kind, unknown members, no members, and the order of supertypes.
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  CHECK_REASON(!libwasm_recgroup_define(group) && reason_says("without members"));
  CHECK(libwasm_recgroup_add_array(group, i32_field()) && libwasm_recgroup_add_struct(group, NULL));
  CHECK(libwasm_recgroup_set_final(group, 0, false) && libwasm_recgroup_set_supertype_member(group, 1, 0));
  CHECK_REASON(!libwasm_recgroup_set_supertype_member(group, 0, 1));
  CHECK_REASON(!libwasm_recgroup_set_supertype_member(group, 1, 1));
  CHECK_REASON(!libwasm_recgroup_set_final(group, 2, false) && reason_says("no member 2"));
  CHECK_REASON(!libwasm_recgroup_define(group) && reason_says("a structure type, its supertype an array type"));
  CHECK(libwasm_recgroup_set_supertype(group, 1, NULL) && libwasm_recgroup_define(group));
  libwasm_recgroup_delete(group);
  group = libwasm_recgroup_new();
  CHECK(libwasm_recgroup_add_array(group, value_field(libwasm_valtype_new_member(7, true), WASM_VAR)));
  refused(group, "no member 7");
  // Sixty-three supertypes, and not one more.
  group = libwasm_recgroup_new();
  for (uint32_t i = 0; i <= 64; i++) {
    CHECK(libwasm_recgroup_add_struct(group, NULL) && libwasm_recgroup_set_final(group, i, false));
    if (i) CHECK(libwasm_recgroup_set_supertype_member(group, i, i - 1));
    if (i == 63) {
      libwasm_recgroup_t* copy = libwasm_recgroup_copy(group);
      CHECK(defines(copy));
    }
  }
  CHECK_REASON(!libwasm_recgroup_define(group) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  libwasm_recgroup_delete(group);
  // Structures have at most 10,000 fields.
  libwasm_fieldtype_vec_t many;
  libwasm_fieldtype_vec_new_uninitialized(&many, 10001);
  for (size_t i = 0; i < many.size; i++) many.data[i] = i32_field();
  CHECK_REASON(!libwasm_deftype_new_struct(&many) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
}

// Value types that name types: kinds, copies, equality, matching.
static void value_types(void) {
  libwasm_deftype_t *type = struct_of(1, i32_field()), *other = struct_of(2, i32_field(), i32_field());
  wasm_valtype_t *nullable = libwasm_valtype_new_ref(type, true), *exact = libwasm_valtype_new_ref(type, false);
  CHECK(wasm_valtype_kind(nullable) == LIBWASM_STRUCTREF && wasm_valtype_kind(exact) == LIBWASM_REF_STRUCT);
  CHECK(libwasm_valtype_is_nullable(nullable) && !libwasm_valtype_is_nullable(exact));
  CHECK(libwasm_valtype_matches(exact, nullable) && !libwasm_valtype_matches(nullable, exact) && !libwasm_valtype_same(exact, nullable));
  wasm_valtype_t *copy = wasm_valtype_copy(exact), *another = libwasm_valtype_new_ref(other, true);
  CHECK(libwasm_valtype_same(copy, exact) && !libwasm_valtype_matches(another, nullable));
  CHECK(libwasm_valtype_matches(exact, kind(LIBWASM_STRUCTREF)) && libwasm_valtype_matches(exact, kind(LIBWASM_REF_ANY)));
  CHECK(!libwasm_valtype_matches(exact, kind(LIBWASM_ARRAYREF)) && libwasm_valtype_matches(kind(LIBWASM_NULLREF), nullable));
  CHECK(libwasm_valtype_matches(kind(WASM_I32), kind(WASM_I32)) && !libwasm_valtype_matches(kind(WASM_I32), kind(WASM_I64)));
  CHECK_NO_REASON(!libwasm_valtype_deftype(kind(WASM_I32)) && !libwasm_valtype_deftype(kind(LIBWASM_STRUCTREF)));
  CHECK_NO_REASON(!libwasm_valtype_is_nullable(kind(WASM_I32)));
  CHECK(libwasm_valtype_is_nullable(kind(WASM_EXTERNREF)) && !libwasm_valtype_is_nullable(kind(LIBWASM_REF_EXTERN)));
  libwasm_deftype_delete(type);
  libwasm_deftype_delete(other);
  // The value type keeps it.
  CHECK(same_and_delete(libwasm_valtype_deftype(exact), libwasm_valtype_deftype(nullable)));
  wasm_valtype_delete(copy);
  wasm_valtype_delete(another);
  wasm_valtype_delete(exact);
  wasm_valtype_delete(nullable);
  // A member means nothing outside of its group.
  wasm_valtype_t* member = libwasm_valtype_new_member(0, false);
  CHECK(wasm_valtype_kind(member) == LIBWASM_REF_ANY && !libwasm_valtype_is_nullable(member));
  CHECK_REASON(!libwasm_valtype_same(member, member));
  CHECK_REASON(!libwasm_valtype_deftype(member));
  CHECK_REASON(!libwasm_ref_test(NULL, member));
  CHECK_REASON(!wasm_functype_new_1_0(wasm_valtype_copy(member)));
  wasm_store_t* store = check_store();
  wasm_globaltype_t* globaltype = wasm_globaltype_new(wasm_valtype_copy(member), WASM_VAR);
  wasm_val_t null = {.kind = LIBWASM_ANYREF, .of = {.ref = NULL}};
  CHECK_REASON(!wasm_global_new(store, globaltype, &null));
  wasm_globaltype_delete(globaltype);
  wasm_limits_t limits = {1, 2};
  wasm_tabletype_t* tabletype = wasm_tabletype_new(member, &limits);
  CHECK_REASON(!wasm_table_new(store, tabletype, NULL));
  wasm_tabletype_delete(tabletype);
  wasm_store_delete(store);
}

static wasm_trap_t* area(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(args->data[0].kind == LIBWASM_ANYREF && libwasm_ref_kind(args->data[0].of.ref) == LIBWASM_REFKIND_STRUCT);
  wasm_val_t value = WASM_F64_VAL(7);
  results->data[0] = value;
  return NULL;
}

// Functions, globals and tables of types that the host has made link with a module that defines the same.
static void linking(void) {
  wasm_store_t* store = check_store();
  libwasm_recgroup_t* group = shapes(false);
  CHECK(libwasm_recgroup_define(group));
  libwasm_deftype_t* type = libwasm_recgroup_type(group, AREA);
  wasm_functype_t* functype = libwasm_deftype_functype(type);
  wasm_func_t* func = wasm_func_new(store, functype, area);
  wasm_functype_delete(functype);
  // A function of a group of its own, with equal parameters and results, is another.
  wasm_valtype_t* shape_type = NULL;
  libwasm_deftype_t* shape = libwasm_recgroup_type(group, SHAPE);
  shape_type = libwasm_valtype_new_ref(shape, false);
  functype = wasm_functype_new_1_1(wasm_valtype_copy(shape_type), wasm_valtype_new_f64());
  wasm_func_t* stranger = wasm_func_new(store, functype, area);
  wasm_functype_delete(functype);
  wasm_module_t* module = check_module(store, SHAPES);
  wasm_extern_t* wrong = wasm_func_as_extern(stranger);
  wasm_extern_vec_t imports = {1, &wrong};
  CHECK_REASON(!wasm_instance_new(store, module, &imports, NULL) && libwasm_last_error_kind() == LIBWASM_ERROR_LINK);
  wasm_module_delete(module);
  wasm_instance_t* instance = check_instance(store, SHAPES, 1, wasm_func_as_extern(func));
  // Exports say which types they are of.
  wasm_global_t* global = check_global(instance, 0);
  wasm_globaltype_t* globaltype = wasm_global_type(global);
  CHECK(same_and_delete(libwasm_valtype_deftype(wasm_globaltype_content(globaltype)), libwasm_deftype_copy(shape)));
  wasm_globaltype_delete(globaltype);
  wasm_table_t* table = check_table(instance, 1);
  wasm_tabletype_t* tabletype = wasm_table_type(table);
  CHECK(same_and_delete(libwasm_valtype_deftype(wasm_tabletype_element(tabletype)), libwasm_recgroup_type(group, CIRCLE)));
  wasm_tabletype_delete(tabletype);
  wasm_func_t* own = check_func(instance, 2);
  CHECK(same_and_delete(libwasm_ref_deftype(wasm_func_as_ref(own)), libwasm_deftype_copy(type)));
  CHECK(same_and_delete(libwasm_ref_deftype(wasm_func_as_ref(func)), libwasm_deftype_copy(type)));
  wasm_valtype_t* func_type = libwasm_ref_type(wasm_func_as_ref(own));
  CHECK(wasm_valtype_kind(func_type) == LIBWASM_REF_FUNC && libwasm_ref_test(wasm_func_as_ref(func), func_type));
  CHECK(!libwasm_ref_test(wasm_func_as_ref(stranger), func_type));
  wasm_valtype_delete(func_type);
  // A structure of the host's is one for the module.
  wasm_val_t values[] = {{.kind = LIBWASM_ANYREF, .of = {.ref = NULL}}, WASM_I32_VAL(3)};
  wasm_val_vec_t both = {2, values};
  wasm_ref_t* object = libwasm_struct_new(store, shape, &both);
  CHECK(object);
  wasm_val_t arg = {.kind = LIBWASM_ANYREF, .of = {.ref = object}}, result;
  wasm_val_vec_t in = {1, &arg}, out = {1, &result};
  CHECK(!wasm_func_call(own, &in, &out) && result.of.f64 == 2);
  CHECK(!wasm_func_call(func, &in, &out) && result.of.f64 == 7);
  wasm_global_set(global, &arg);
  CHECK_REASON(!wasm_table_set(table, 0, object));
  wasm_ref_delete(object);
  libwasm_deftype_delete(type);
  libwasm_deftype_delete(shape);
  libwasm_recgroup_delete(group);
  wasm_valtype_delete(shape_type);
  wasm_func_delete(stranger);
  wasm_func_delete(func);
  wasm_func_delete(own);
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Whether what is exported can be imported, as linking asks.
static void external_types(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, SHAPES);
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  const wasm_externtype_t* wanted = wasm_importtype_type(imports.data[0]);
  for (size_t i = 0; i < exports.size; i++) {
    const wasm_externtype_t* given = wasm_exporttype_type(exports.data[i]);
    CHECK(libwasm_externtype_matches(given, wanted) == (i == 2) && libwasm_externtype_matches(given, given));
  }
  wasm_functype_t* plain = wasm_functype_new_0_0();
  CHECK_NO_REASON(!libwasm_externtype_matches(wasm_functype_as_externtype(plain), wanted));
  wasm_functype_delete(plain);
  // A table that is larger, with a maximum that is no higher, is one that was asked for.
  wasm_limits_t large = {5, 8}, small = {2, 10};
  wasm_externtype_t* five = wasm_tabletype_as_externtype(wasm_tabletype_new(wasm_valtype_new_funcref(), &large));
  wasm_externtype_t* two = wasm_tabletype_as_externtype(wasm_tabletype_new(wasm_valtype_new_funcref(), &small));
  CHECK(libwasm_externtype_matches(five, two) && !libwasm_externtype_matches(two, five));
  wasm_externtype_t* memory = wasm_memorytype_as_externtype(wasm_memorytype_new(&large));
  CHECK(!libwasm_externtype_matches(memory, five) && libwasm_externtype_matches(memory, memory));
  wasm_externtype_t* tag = wasm_tagtype_as_externtype(wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_i32())));
  CHECK(libwasm_externtype_matches(tag, tag) && !libwasm_externtype_matches(tag, wanted));
  wasm_externtype_delete(tag);
  wasm_externtype_delete(memory);
  wasm_externtype_delete(two);
  wasm_externtype_delete(five);
  CHECK_REASON(!libwasm_externtype_matches(NULL, wanted));
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static void null(void) {
  libwasm_fieldtype_vec_t vec;
  libwasm_deftype_vec_t types;
  CHECK_REASON(libwasm_deftype_kind(NULL) == LIBWASM_DEFTYPE_NONE);
  CHECK_REASON(!libwasm_deftype_is_final(NULL));
  CHECK_REASON(!libwasm_deftype_supertype(NULL));
  CHECK_REASON(!libwasm_deftype_fields(NULL, &vec));
  CHECK_REASON(!libwasm_deftype_recgroup(NULL));
  CHECK_REASON(!libwasm_deftype_same(NULL, NULL));
  CHECK_REASON(!libwasm_valtype_new_ref(NULL, true));
  CHECK_REASON(!libwasm_recgroup_define(NULL));
  CHECK_REASON(libwasm_recgroup_size(NULL) == 0);
  libwasm_module_types(NULL, &types);
  CHECK(types.size == 0 && !types.data);
  libwasm_deftype_delete(NULL);
  libwasm_recgroup_delete(NULL);
  libwasm_fieldtype_delete(NULL);
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module)");
  libwasm_module_types(module, &types);
  CHECK(types.size == 0);
  libwasm_deftype_vec_delete(&types);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

int main(void) {
  field_types();
  single_types();
  groups();
  supertypes();
  value_types();
  linking();
  external_types();
  null();
  return 0;
}
