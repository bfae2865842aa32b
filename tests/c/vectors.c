// What foreign-function layers and C strings need of vectors: data that is not NULL where there are no elements, and a NUL behind
// names that their size does not count.

#include "check.h"

// An empty vector that the library has filled, and what deleting it leaves.
#define NO_ELEMENTS(name, vec)                                                   \
  {                                                                              \
    CHECK((vec).size == 0 && (vec).data && (uintptr_t)(vec).data % 16 == 0);     \
    wasm_##name##_vec_delete(&(vec));                                            \
    CHECK((vec).size == 0 && (vec).data == NULL);                                \
    wasm_##name##_vec_delete(&(vec));                                            \
  }

// Of every kind of vector: made with no elements, copied from one without, and from none.
#define EACH_WAY(name, element)                                                  \
  {                                                                              \
    wasm_##name##_vec_t vec, copy, null = WASM_EMPTY_VEC;                        \
    element some[1];                                                             \
    memset(some, 0, sizeof some);                                                \
    wasm_##name##_vec_new(&vec, 0, some);                                        \
    wasm_##name##_vec_copy(&copy, &vec);                                         \
    NO_ELEMENTS(name, copy)                                                      \
    NO_ELEMENTS(name, vec)                                                       \
    wasm_##name##_vec_new(&vec, 0, NULL);                                        \
    NO_ELEMENTS(name, vec)                                                       \
    wasm_##name##_vec_new_uninitialized(&vec, 0);                                \
    NO_ELEMENTS(name, vec)                                                       \
    wasm_##name##_vec_copy(&vec, &null);                                         \
    NO_ELEMENTS(name, vec)                                                       \
    wasm_##name##_vec_copy(&vec, NULL);                                          \
    NO_ELEMENTS(name, vec)                                                       \
    wasm_##name##_vec_new_empty(&vec);                                           \
    CHECK(vec.size == 0 && vec.data == NULL);                                    \
    wasm_##name##_vec_new(&vec, 1, some);                                        \
    CHECK(vec.size == 1 && vec.data);                                            \
    wasm_##name##_vec_delete(&vec);                                              \
  }

static void every_kind(void) {
  EACH_WAY(byte, wasm_byte_t)
  EACH_WAY(val, wasm_val_t)
  EACH_WAY(valtype, wasm_valtype_t*)
  EACH_WAY(functype, wasm_functype_t*)
  EACH_WAY(globaltype, wasm_globaltype_t*)
  EACH_WAY(tabletype, wasm_tabletype_t*)
  EACH_WAY(memorytype, wasm_memorytype_t*)
  EACH_WAY(tagtype, wasm_tagtype_t*)
  EACH_WAY(externtype, wasm_externtype_t*)
  EACH_WAY(importtype, wasm_importtype_t*)
  EACH_WAY(exporttype, wasm_exporttype_t*)
  EACH_WAY(frame, wasm_frame_t*)
  EACH_WAY(extern, wasm_extern_t*)
}

static void lent_vectors(void) {
  wasm_functype_t* types[] = {wasm_functype_new_0_0(), wasm_functype_new(NULL, NULL), NULL, NULL};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_empty(&params);
  wasm_valtype_vec_new(&results, 0, NULL);
  types[2] = wasm_functype_new(&params, &results);
  CHECK(params.data == NULL && results.data == NULL);
  types[3] = wasm_functype_copy(types[2]);
  for (int i = 0; i < 4; i++) {
    const wasm_valtype_vec_t *in = wasm_functype_params(types[i]), *out = wasm_functype_results(types[i]);
    CHECK(in->size == 0 && in->data && out->size == 0 && out->data);
    wasm_functype_delete(types[i]);
  }
  wasm_limits_t limits = {1, 2};
  wasm_name_t empty = WASM_EMPTY_VEC;
  wasm_importtype_t* import = wasm_importtype_new(&empty, NULL, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)));
  wasm_exporttype_t* export = wasm_exporttype_new(&empty, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)));
  const wasm_name_t* names[] = {wasm_importtype_module(import), wasm_importtype_name(import), wasm_exporttype_name(export)};
  for (int i = 0; i < 3; i++) CHECK(names[i]->size == 0 && names[i]->data && strcmp(names[i]->data, "") == 0);
  wasm_importtype_delete(import);
  wasm_exporttype_delete(export);
}

// Whether a name is this one, also for those who read it as a C string.
static bool is_called(const wasm_name_t* name, const char* wanted) {
  return name->size == strlen(wanted) && name->data && strcmp(name->data, wanted) == 0;
}

static void out_vectors_of_modules(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, "(module)");
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_extern_vec_t externs = WASM_EMPTY_VEC;
  wasm_module_imports(module, &imports);
  NO_ELEMENTS(importtype, imports)
  wasm_module_exports(module, &exports);
  NO_ELEMENTS(exporttype, exports)
  wasm_instance_t* instance = wasm_instance_new(store, module, &externs, NULL);
  wasm_instance_exports(instance, &externs);
  NO_ELEMENTS(extern, externs)
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_byte_vec_t message = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  NO_ELEMENTS(frame, frames)
  wasm_trap_delete(trap);
  wasm_store_delete(store);
}

static void names_of_modules(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store,
                                       "(module (import \"\" \"\" (func)) (import \"env\" \"f\" (func)) (import \"eight..\" \"\" (func))"
                                       " (func (export \"memory\")) (func (export \"\")) (func $named (export \"sixteen chars..\") unreachable))");
  wasm_importtype_vec_t imports, import_copies;
  wasm_exporttype_vec_t exports, export_copies;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  wasm_importtype_vec_copy(&import_copies, &imports);
  wasm_exporttype_vec_copy(&export_copies, &exports);
  static const char *const modules[] = {"", "env", "eight.."}, *const names[] = {"", "f", ""},
                    *const exported[] = {"memory", "", "sixteen chars.."};
  for (int i = 0; i < 3; i++) {
    CHECK(is_called(wasm_importtype_module(imports.data[i]), modules[i]));
    CHECK(is_called(wasm_importtype_name(imports.data[i]), names[i]));
    CHECK(is_called(wasm_importtype_module(import_copies.data[i]), modules[i]));
    CHECK(is_called(wasm_importtype_name(import_copies.data[i]), names[i]));
    CHECK(is_called(wasm_exporttype_name(exports.data[i]), exported[i]));
    CHECK(is_called(wasm_exporttype_name(export_copies.data[i]), exported[i]));
    // Programs put the NUL there themselves, too.
    wasm_name_t* name = (wasm_name_t*)wasm_exporttype_name(exports.data[i]);
    name->data[name->size] = 0;
  }
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_importtype_vec_delete(&import_copies);
  wasm_exporttype_vec_delete(&export_copies);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static void names_of_frames(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store, "(module (func (export \"a\") unreachable) (func $the_name (export \"b\") unreachable))", 0);
  for (size_t i = 0; i < 2; i++) {
    wasm_func_t* func = check_func(instance, i);
    wasm_trap_t* trap = check_trap(func);
    wasm_frame_t* frame = wasm_trap_origin(trap);
    wasm_name_t name;
    libwasm_frame_func_name(frame, &name);
    CHECK(is_called(&name, i == 0 ? "" : "the_name"));
    wasm_name_delete(&name);
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK(message.size == strlen("unreachable") + 1 && message.data[message.size] == 0);
    wasm_byte_vec_delete(&message);
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
  }
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// All byte vectors that the library stores have it, whoever says what is in them.
static void bytes_end_in_a_nul(void) {
  for (size_t size = 0; size < 70; size++) {
    char bytes[70];
    memset(bytes, 'x', sizeof bytes);
    wasm_byte_vec_t vec, copy, filled;
    wasm_byte_vec_new(&vec, size, bytes);
    CHECK(vec.size == size && strlen(vec.data) == size);
    wasm_byte_vec_copy(&copy, &vec);
    CHECK(copy.size == size && strlen(copy.data) == size);
    wasm_byte_vec_new_uninitialized(&filled, size);
    memset(filled.data, 'y', size);
    CHECK(filled.size == size && strlen(filled.data) == size);
    wasm_byte_vec_delete(&filled);
    wasm_byte_vec_delete(&copy);
    wasm_byte_vec_delete(&vec);
  }
  wasm_name_t name;
  wasm_name_new_from_string(&name, "abc");
  wasm_limits_t limits = {1, 2};
  wasm_exporttype_t* type = wasm_exporttype_new(&name, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)));
  CHECK(is_called(wasm_exporttype_name(type), "abc"));
  wasm_exporttype_delete(type);
  wasm_byte_vec_t binary = check_wasm("(module)");
  CHECK(binary.size == 8 && binary.data[8] == 0);
  wasm_store_t* store = check_store();
  wasm_module_t* module = wasm_module_new(store, &binary);
  wasm_byte_vec_delete(&binary);
  wasm_module_serialize(module, &binary);
  CHECK(binary.size > 0 && binary.data[binary.size] == 0);
  wasm_byte_vec_delete(&binary);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

// On failure the vector is empty, and its data NULL: what a foreign-function layer takes for an error is one.
static void failures(void) {
  wasm_importtype_vec_t imports = {7, (wasm_importtype_t**)8};
  CHECK_REASON((wasm_module_imports(NULL, &imports), imports.size == 0 && imports.data == NULL));
  wasm_exporttype_vec_t exports = {7, (wasm_exporttype_t**)8};
  CHECK_REASON((wasm_module_exports(NULL, &exports), exports.size == 0 && exports.data == NULL));
  wasm_extern_vec_t externs = {7, (wasm_extern_t**)8};
  CHECK_REASON((wasm_instance_exports(NULL, &externs), externs.size == 0 && externs.data == NULL));
  wasm_byte_vec_t bytes = {7, (char*)1};
  CHECK_REASON((wasm_byte_vec_new(&bytes, SIZE_MAX, ""), bytes.size == 0 && bytes.data == NULL));
  CHECK_REASON((wasm_byte_vec_new_uninitialized(&bytes, SIZE_MAX - 1), bytes.size == 0 && bytes.data == NULL));
  CHECK_REASON((wasm_byte_vec_new_uninitialized(&bytes, PTRDIFF_MAX), bytes.size == 0 && bytes.data == NULL));
}

int main(void) {
  every_kind();
  lent_vectors();
  out_vectors_of_modules();
  names_of_modules();
  names_of_frames();
  bytes_end_in_a_nul();
  failures();
  return 0;
}
