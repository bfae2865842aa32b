// Scenarios of defined types that the host makes, and of objects of them.

#ifndef OBJECTS_H
#define OBJECTS_H

#include "room.h"

// A field, in a vector that has a place for it; false if memory ran out.
static bool add_field(libwasm_fieldtype_vec_t* fields, size_t at, wasm_valtype_t* type) {
  if (!worked(type)) return false;
  fields->data[at] = libwasm_fieldtype_new(type, WASM_VAR);
  return worked(fields->data[at]);
}

// A list of numbers and objects of the host, and arrays of lists; NULL if memory ran out.
static libwasm_recgroup_t* new_group(void) {
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  if (!worked(group)) return NULL;
  libwasm_fieldtype_vec_t fields;
  libwasm_fieldtype_vec_new_uninitialized(&fields, 3);
  bool success = worked(fields.size == 3);
  success = success && add_field(&fields, 0, libwasm_valtype_new_member(0, true));
  success = success && add_field(&fields, 1, wasm_valtype_new_i64());
  success = success && add_field(&fields, 2, wasm_valtype_new_externref());
  if (!success) libwasm_fieldtype_vec_delete(&fields);
  success = success && worked(libwasm_recgroup_add_struct(group, &fields)) && worked(libwasm_recgroup_set_final(group, 0, false));
  if (success) {
    wasm_valtype_t* member = libwasm_valtype_new_member(0, true);
    libwasm_fieldtype_t* element = worked(member) ? libwasm_fieldtype_new(member, WASM_VAR) : NULL;
    success = member && worked(element) && worked(libwasm_recgroup_add_array(group, element));
  }
  success = success && worked(libwasm_recgroup_define(group));
  if (success) return group;
  libwasm_recgroup_delete(group);
  return NULL;
}

static bool defined_types(void) {
  libwasm_recgroup_t* group = new_group();
  if (!group) return false;
  libwasm_deftype_t* list = libwasm_recgroup_type(group, 0);
  bool success = worked(list);
  if (success) {
    libwasm_fieldtype_vec_t fields;
    success = worked(libwasm_deftype_fields(list, &fields));
    if (success) CHECK(fields.size == 3);
    libwasm_fieldtype_vec_delete(&fields);
    wasm_valtype_t* type = libwasm_valtype_new_ref(list, false);
    success &= worked(type);
    wasm_valtype_delete(type);
    libwasm_recgroup_t* again = libwasm_deftype_recgroup(list);
    success &= worked(again);
    libwasm_recgroup_delete(again);
    libwasm_deftype_delete(list);
  }
  libwasm_deftype_t* func = libwasm_deftype_new_func(room.unary);
  if ((success &= worked(func))) {
    wasm_functype_t* type = libwasm_deftype_functype(func);
    success &= worked(type);
    wasm_functype_delete(type);
    libwasm_deftype_delete(func);
  }
  libwasm_deftype_vec_t types;
  libwasm_module_types(room.module, &types);
  success &= worked(types.size > 0);
  libwasm_deftype_vec_delete(&types);
  libwasm_recgroup_delete(group);
  return success;
}

// Makes a list and an array, links them, and looks at them through other handles.
static bool link_objects(libwasm_deftype_t* list, libwasm_deftype_t* array) {
  wasm_val_t values[3] = {{.kind = LIBWASM_ANYREF}, WASM_I64_VAL(7), WASM_REF_VAL(wasm_foreign_as_ref(room.foreign))}, out;
  wasm_val_vec_t all = {3, values};
  wasm_ref_t* object = libwasm_struct_new(room.store, list, &all);
  if (!worked(object)) return false;
  wasm_val_t self = {.kind = LIBWASM_ANYREF, .of = {.ref = object}};
  bool success = worked(libwasm_struct_set(object, 0, &self)) & worked(libwasm_struct_set(object, 2, &values[2]));
  wasm_ref_t* objects = libwasm_array_new(room.store, array, 20000, &self);
  libwasm_weak_t* weak = libwasm_weak_new(object);
  success &= worked(objects) & worked(weak);
  wasm_ref_delete(object);
  if (objects) {
    bool read = libwasm_array_get(objects, 19999, &out);
    success &= worked(read);
    if (read) {
      wasm_val_t value;
      read = libwasm_struct_get(out.of.ref, 1, &value);
      CHECK(!worked(read) || value.of.i64 == 7);
      success &= read;
      read = libwasm_struct_get(out.of.ref, 2, &value);
      CHECK(!worked(read) || wasm_ref_same(value.of.ref, wasm_foreign_as_ref(room.foreign)));
      if (read) wasm_val_delete(&value);
      success &= read;
    }
    wasm_val_delete(&out);
  }
  CHECK(libwasm_store_collect(room.store));
  if (weak) {
    libwasm_last_error_clear();
    object = libwasm_weak_get(weak);
    if (objects) success &= worked(object);
    else CHECK(!object || libwasm_last_error_kind() == LIBWASM_ERROR_NONE);
    wasm_ref_delete(object);
  }
  wasm_ref_delete(objects);
  libwasm_weak_delete(weak);
  return success;
}

static bool heap_objects(void) {
  libwasm_recgroup_t* group = new_group();
  if (!group) return false;
  libwasm_deftype_t *list = libwasm_recgroup_type(group, 0), *array = libwasm_recgroup_type(group, 1);
  bool success = worked(list) & worked(array);
  success = success && link_objects(list, array);
  libwasm_deftype_delete(list);
  libwasm_deftype_delete(array);
  libwasm_recgroup_delete(group);
  wasm_ref_t* number = libwasm_i31_new(room.store, 5);
  success &= worked(number);
  if (number) CHECK(libwasm_i31_get_s(number) == 5);
  wasm_ref_delete(number);
  return success;
}

#endif
