// Garbage-collected objects shared by host and guest: the host makes structures and arrays of the guest's types, reads and
// changes them, and the guest does the same. They live as long as the guest refers to them or the host has a handle.

#include "example.h"

#include <libwasm.h>

enum { TEXT, PERSON, MEMBER, PEOPLE };  // the module's types, by index
enum { NAME, AGE, NEXT, SINCE };  // the fields of a person, and the one more of a member
enum { FIRST, ADD, ANN, CELEBRATE, SORT, FORGET };  // the exports

// A reference as a value; the handle stays whose it was.
static wasm_val_t any(wasm_ref_t *ref) {
  wasm_val_t value = {.kind = LIBWASM_ANYREF, .of = {.ref = ref}};
  return value;
}

static int32_t number(const wasm_ref_t *object, uint32_t field) {
  wasm_val_t value;
  if (!libwasm_struct_get(object, field, &value)) {
    fprintf(stderr, "error: %s\n", libwasm_last_error_message());
    exit(1);
  }
  return value.of.i32;
}

static void print_person(const char *what, const wasm_ref_t *person) {
  wasm_val_t name;
  char text[20] = "";
  if (!libwasm_struct_get(person, NAME, &name)) exit(1);
  uint32_t length = libwasm_array_length(name.of.ref);
  if (length < sizeof text) libwasm_array_read(name.of.ref, 0, length, text);  // all bytes at once
  wasm_val_delete(&name);  // the handle, not the array
  printf("%s%s, %" PRId32 "\n", what, text, number(person, AGE));
}

static wasm_ref_t *new_person(wasm_store_t *store, const libwasm_deftype_vec_t *types, const char *name, int32_t age) {
  wasm_ref_t *text = libwasm_array_new_from_data(store, types->data[TEXT], (uint32_t)strlen(name), name);
  need(text, "make an array");
  wasm_val_t fields[] = {any(text), WASM_I32_VAL(age), any(NULL)};
  wasm_val_vec_t values = WASM_ARRAY_VEC(fields);
  wasm_ref_t *person = libwasm_struct_new(store, types->data[PERSON], &values);
  need(person, "make a structure");
  wasm_ref_delete(text);  // the structure keeps it
  return person;
}

static wasm_trap_t *birthday(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  print_person("  happy birthday: ", args->data[0].of.ref);
  return NULL;
}

// Calls a function with a reference, or with nothing.
static void call(const wasm_func_t *func, wasm_ref_t *ref) {
  wasm_val_t arg[] = {any(ref)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  check(wasm_func_call(func, ref ? &args : &none, &none));
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/objects.wasm");
  libwasm_deftype_vec_t types;
  libwasm_module_types(module, &types);
  need(types.data, "get the types of the module");

  // A callback that takes a person: its type names the module's.
  wasm_functype_t *type = wasm_functype_new_1_0(libwasm_valtype_new_ref(types.data[PERSON], false));
  wasm_func_t *func = wasm_func_new(store, type, birthday);
  wasm_functype_delete(type);
  wasm_extern_t *externs[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t *instance = instantiate(store, module, &imports);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  // People of the host's go to the guest, one of the guest's comes here and goes back.
  wasm_ref_t *bob = new_person(store, &types, "Bob", 41), *cem = new_person(store, &types, "Cem", 17);
  call(export_func(&exports, ADD), bob);
  call(export_func(&exports, ADD), cem);
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t none = WASM_EMPTY_VEC, results = WASM_ARRAY_VEC(result);
  check(wasm_func_call(export_func(&exports, ANN), &none, &results));
  wasm_ref_t *ann = result[0].of.ref;
  libwasm_deftype_t *ann_type = libwasm_ref_deftype(ann);
  printf("Ann is %s", libwasm_deftype_same(ann_type, types.data[MEMBER]) ? "a member" : "a stranger");
  printf(" and %s", libwasm_deftype_matches(ann_type, types.data[PERSON]) ? "a person" : "an object");
  printf(", since %" PRId32 "\n", number(ann, SINCE));
  libwasm_deftype_delete(ann_type);
  call(export_func(&exports, ADD), ann);
  printf("a year goes by:\n");
  call(export_func(&exports, CELEBRATE), NULL);

  // The host changes what the guest made; what is immutable stays, and so does what is not of the right type.
  wasm_val_t value = WASM_I32_VAL(50);
  if (libwasm_struct_set(ann, AGE, &value)) print_person("now ", ann);
  if (!libwasm_struct_set(ann, SINCE, &value)) printf("not so: %s\n", libwasm_last_error_message());
  value = any(ann);
  if (!libwasm_struct_set(bob, AGE, &value)) printf("not so: %s\n", libwasm_last_error_message());

  // An array of the host's, sorted by the guest.
  wasm_val_t all[] = {any(cem), any(ann), any(bob)};
  wasm_val_vec_t people = WASM_ARRAY_VEC(all);
  wasm_ref_t *array = libwasm_array_new_from_values(store, types.data[PEOPLE], &people);
  need(array, "make an array");
  call(export_func(&exports, SORT), array);
  printf("by age:\n");
  for (uint32_t i = 0; i < libwasm_array_length(array); i++) {
    wasm_val_t element;
    if (!libwasm_array_get(array, i, &element)) return 1;
    print_person("  ", element.of.ref);
    if (wasm_ref_same(element.of.ref, bob)) printf("  (the same Bob)\n");
    wasm_val_delete(&element);
  }
  wasm_ref_delete(array);

  // Without handles, the list of the guest keeps them; when it is gone, so are they.
  libwasm_weak_t *weak = libwasm_weak_new(bob);
  wasm_ref_delete(ann);
  wasm_ref_delete(bob);
  wasm_ref_delete(cem);
  libwasm_store_collect(store);
  wasm_ref_t *found = libwasm_weak_get(weak);
  printf("Bob is %s\n", found ? "in the list" : "gone");
  wasm_ref_delete(found);
  call(export_func(&exports, FORGET), NULL);
  libwasm_store_collect(store);
  found = libwasm_weak_get(weak);
  printf("Bob is %s\n", found ? "in the list" : "gone");
  libwasm_weak_delete(weak);

  libwasm_deftype_vec_delete(&types);
  wasm_func_delete(func);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
