// Modules: refusal with reasons, reflection in order, artifacts, sharing.

#include "check.h"

static const char* const EVERYTHING =
    "(module"
    "  (import \"a\" \"f\" (func (param i32 f64) (result i64)))"
    "  (import \"b\" \"\" (global (mut f32)))"
    "  (import \"a\" \"t\" (table 1 10 externref))"
    "  (import \"\" \"m\" (memory 1 3))"
    "  (global $g (export \"g\") i64 (i64.const 5))"
    "  (table $t (export \"t\") 2 funcref)"
    "  (func (export \"z\") (export \"a\") (param v128) (result i32 externref) (i32.const 1) (ref.null extern))"
    "  (export \"m\" (memory 0)))";

static void refused(wasm_store_t* store, const char* bytes, size_t size, size_t offset) {
  wasm_byte_vec_t binary = {size, (char*)bytes};
  for (int way = 0; way < 2; way++) {
    libwasm_last_error_clear();
    if (way == 0) {
      CHECK(wasm_module_new(store, &binary) == NULL);
    } else {
      CHECK(!wasm_module_validate(store, &binary));
    }
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_INVALID);
    CHECK(!reason_says("panic"));
    CHECK(libwasm_last_error_offset() != SIZE_MAX);
    if (offset != SIZE_MAX) CHECK(libwasm_last_error_offset() == offset);
  }
}

// A module that isn't one gives NULL, or false, and the reason with its byte offset.
static void refusals(void) {
  wasm_store_t* store = check_store();
  refused(store, "", 0, SIZE_MAX);
  refused(store, "\0asm", 4, SIZE_MAX);
  refused(store, "\0bsm\1\0\0\0", 8, SIZE_MAX);
  refused(store, "\0asm\2\0\0\0", 8, SIZE_MAX);
  // (func (result i32) (i64.const 0) end): a wrong type on the stack at the body's end.
  refused(store, "\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\xa\6\1\4\0\x42\0\xb", 27, 26);
  // Random bytes after a good header.
  char bytes[64] = "\0asm\1\0\0\0";
  unsigned state = 1;
  for (int round = 0; round < 200; round++) {
    for (size_t i = 8; i < sizeof bytes; i++) bytes[i] = (char)((state = state * 1103515245 + 12345) >> 16);
    wasm_byte_vec_t binary = {sizeof bytes, bytes};
    CHECK_REASON(wasm_module_new(store, &binary) == NULL);
    CHECK_REASON(!wasm_module_validate(store, &binary));
  }
  // A cut-off module, at every length.
  wasm_byte_vec_t whole = check_wasm(EVERYTHING);
  CHECK_NO_REASON(wasm_module_validate(store, &whole));
  int valid = 0;
  for (size_t size = 0; size < whole.size; size++) {
    wasm_byte_vec_t part = {size, whole.data};
    wasm_module_t* module = wasm_module_new(store, &part);
    valid += module != NULL;
    CHECK(wasm_module_validate(store, &part) == (module != NULL));
    wasm_module_delete(module);
  }
  // Cut between sections, a module may be whole: its header alone is.
  CHECK(valid >= 1 && valid < 8);
  wasm_byte_vec_delete(&whole);
  wasm_store_delete(store);
}

static void nulls(void) {
  CHECK_NO_REASON((wasm_module_delete(NULL), wasm_shared_module_delete(NULL), true));
  wasm_store_t* store = check_store();
  wasm_byte_vec_t binary = check_wasm("(module)"), out = {7, (char*)8};
  CHECK_REASON(wasm_module_new(NULL, &binary) == NULL);
  CHECK_REASON(wasm_module_new(store, NULL) == NULL);
  CHECK_REASON(!wasm_module_validate(NULL, &binary));
  CHECK_REASON(!wasm_module_validate(store, NULL));
  CHECK_REASON(wasm_module_copy(NULL) == NULL);
  CHECK_REASON((wasm_module_serialize(NULL, &out), out.size == 0 && !out.data));
  CHECK_REASON(wasm_module_deserialize(store, NULL) == NULL);
  CHECK_REASON(wasm_module_deserialize(NULL, &binary) == NULL);
  CHECK_REASON(wasm_module_share(NULL) == NULL);
  CHECK_REASON(wasm_module_obtain(store, NULL) == NULL);
  wasm_importtype_vec_t imports = {7, (wasm_importtype_t**)8};
  CHECK_REASON((wasm_module_imports(NULL, &imports), imports.size == 0 && !imports.data));
  wasm_exporttype_vec_t exports = {7, (wasm_exporttype_t**)8};
  CHECK_REASON((wasm_module_exports(NULL, &exports), exports.size == 0 && !exports.data));
  wasm_byte_vec_delete(&binary);
  wasm_store_delete(store);
}

static bool named(const wasm_name_t* name, const char* expected) {
  return name->size == strlen(expected) && (name->size == 0 || memcmp(name->data, expected, name->size) == 0);
}

static void check_reflection(const wasm_module_t* module) {
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  static const struct {
    const char *module, *name;
    wasm_externkind_t kind;
  } in[] = {{"a", "f", WASM_EXTERN_FUNC}, {"b", "", WASM_EXTERN_GLOBAL}, {"a", "t", WASM_EXTERN_TABLE},
            {"", "m", WASM_EXTERN_MEMORY}};
  CHECK(imports.size == 4);
  for (int i = 0; i < 4; i++) {
    CHECK(named(wasm_importtype_module(imports.data[i]), in[i].module));
    CHECK(named(wasm_importtype_name(imports.data[i]), in[i].name));
    CHECK(wasm_externtype_kind(wasm_importtype_type(imports.data[i])) == in[i].kind);
  }
  const wasm_functype_t* func = wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
  CHECK(wasm_functype_params(func)->size == 2 && wasm_functype_results(func)->size == 1);
  CHECK(wasm_valtype_kind(wasm_functype_params(func)->data[1]) == WASM_F64);
  CHECK(wasm_valtype_kind(wasm_functype_results(func)->data[0]) == WASM_I64);
  const wasm_globaltype_t* global = wasm_externtype_as_globaltype_const(wasm_importtype_type(imports.data[1]));
  CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_F32);
  const wasm_tabletype_t* table = wasm_externtype_as_tabletype_const(wasm_importtype_type(imports.data[2]));
  CHECK(wasm_tabletype_limits(table)->min == 1 && wasm_tabletype_limits(table)->max == 10);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_EXTERNREF);
  const wasm_memorytype_t* memory = wasm_externtype_as_memorytype_const(wasm_importtype_type(imports.data[3]));
  CHECK(wasm_memorytype_limits(memory)->min == 1 && wasm_memorytype_limits(memory)->max == 3);

  static const struct {
    const char* name;
    wasm_externkind_t kind;
  } out[] = {{"g", WASM_EXTERN_GLOBAL}, {"t", WASM_EXTERN_TABLE}, {"z", WASM_EXTERN_FUNC}, {"a", WASM_EXTERN_FUNC},
             {"m", WASM_EXTERN_MEMORY}};
  CHECK(exports.size == 5);
  for (int i = 0; i < 5; i++) {
    CHECK(named(wasm_exporttype_name(exports.data[i]), out[i].name));
    CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[i])) == out[i].kind);
  }
  table = wasm_externtype_as_tabletype_const(wasm_exporttype_type(exports.data[1]));
  CHECK(wasm_tabletype_limits(table)->min == 2 && wasm_tabletype_limits(table)->max == wasm_limits_max_default);
  func = wasm_externtype_as_functype_const(wasm_exporttype_type(exports.data[2]));
  CHECK(wasm_functype_results(func)->size == 2);
  CHECK(wasm_valtype_kind(wasm_functype_results(func)->data[1]) == WASM_EXTERNREF);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
}

// Imports and exports come in the module's order; what reflection gave lives on without the module.
static void reflection(void) {
  wasm_store_t* store = check_store();
  wasm_module_t* module = check_module(store, EVERYTHING);
  check_reflection(module);
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  wasm_module_t* copy = wasm_module_copy(module);
  CHECK(wasm_module_same(module, copy));
  wasm_module_delete(module);
  check_reflection(copy);
  wasm_module_delete(copy);
  wasm_store_delete(store);
  CHECK(named(wasm_exporttype_name(exports.data[2]), "z"));
  wasm_exporttype_vec_delete(&exports);
}

static const char* const ADDER =
    "(module (memory (export \"m\") 1) (data (i32.const 8) \"data\") (table 2 funcref) (elem (i32.const 0) $add $add)"
    "  (func $add (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))"
    "  (func (export \"trap\") unreachable))";

static void check_adder(wasm_store_t* store, const wasm_module_t* module) {
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  CHECK(instance);
  wasm_memory_t* memory = check_memory(instance, 0);
  CHECK(memcmp(wasm_memory_data(memory) + 8, "data", 4) == 0);
  wasm_func_t *add = check_func(instance, 1), *trapper = check_func(instance, 2);
  CHECK(check_call(add, 2, 3, 4) == 7);
  wasm_trap_t* trap = check_trap(trapper);
  CHECK(trap_says(trap, "unreachable"));
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(wasm_frame_func_index(origin) == 1 && wasm_frame_func_offset(origin) == 1);
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
  wasm_func_delete(add);
  wasm_func_delete(trapper);
  wasm_memory_delete(memory);
  wasm_instance_delete(instance);
}

static void artifact_refused(wasm_store_t* store, const wasm_byte_vec_t* artifact) {
  CHECK_REASON(wasm_module_deserialize(store, artifact) == NULL);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARTIFACT);
}

// A module comes back from its artifact, in the same engine and in another one like it; what is damaged, cut off, or made
// by another configuration is refused.
static void artifacts(void) {
  wasm_store_t *store = check_store(), *other = check_store();
  wasm_module_t *module = check_module(store, ADDER), *reflected = check_module(store, EVERYTHING);
  wasm_byte_vec_t artifact, reflected_artifact;
  wasm_module_serialize(module, &artifact);
  wasm_module_serialize(reflected, &reflected_artifact);
  CHECK(artifact.size > 0 && reflected_artifact.size > 0);
  wasm_module_delete(module);
  wasm_module_delete(reflected);
  wasm_store_t* stores[] = {store, other};
  for (int i = 0; i < 2; i++) {
    module = wasm_module_deserialize(stores[i], &artifact);
    CHECK(module);
    check_adder(stores[i], module);
    wasm_module_delete(module);
    reflected = wasm_module_deserialize(stores[i], &reflected_artifact);
    CHECK(reflected);
    check_reflection(reflected);
    wasm_module_delete(reflected);
  }
  wasm_byte_vec_delete(&reflected_artifact);

  for (size_t i = 0; i < artifact.size; i += 1 + artifact.size / 512) {
    wasm_byte_vec_t part = {i, artifact.data};
    artifact_refused(store, &part);
    artifact.data[i] ^= 0x10;
    artifact_refused(store, &artifact);
    artifact.data[i] ^= 0x10;
  }
  artifact.data[artifact.size - 1] ^= 1;
  artifact_refused(store, &artifact);
  artifact.data[artifact.size - 1] ^= 1;
  wasm_byte_vec_t longer;
  wasm_byte_vec_new_uninitialized(&longer, artifact.size + 1);
  memcpy(longer.data, artifact.data, artifact.size);
  longer.data[artifact.size] = 0;
  artifact_refused(store, &longer);
  wasm_byte_vec_delete(&longer);
  wasm_byte_vec_t binary = check_wasm(ADDER), empty = WASM_EMPTY_VEC;
  artifact_refused(store, &binary);
  artifact_refused(store, &empty);
  wasm_byte_vec_delete(&binary);

  wasm_config_t* config = wasm_config_new();
  libwasm_config_set_signals(config, check_mode_is_checked());
  if (!check_mode_is_checked()) libwasm_config_set_memory_reservation(config, 0);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* different = wasm_store_new(engine);
  wasm_engine_delete(engine);
  artifact_refused(different, &artifact);
  wasm_store_delete(different);

  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(store);
  wasm_store_delete(other);
}

// A shared module is independent of the store it came from; an engine that isn't its own can't obtain it.
static void sharing(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t *first = wasm_store_new(engine), *second = wasm_store_new(engine), *foreign = check_store();
  wasm_engine_delete(engine);
  wasm_module_t* module = check_module(first, ADDER);
  wasm_shared_module_t* shared = wasm_module_share(module);
  wasm_module_delete(module);
  wasm_store_delete(first);
  CHECK_REASON(wasm_module_obtain(foreign, shared) == NULL);
  wasm_module_t *once = wasm_module_obtain(second, shared), *twice = wasm_module_obtain(second, shared);
  CHECK(once && twice);
  wasm_shared_module_delete(shared);
  check_adder(second, once);
  wasm_module_delete(once);
  check_adder(second, twice);
  wasm_store_delete(second);
  wasm_module_delete(twice);
  wasm_store_delete(foreign);
}

int main(void) {
  refusals();
  nulls();
  reflection();
  artifacts();
  sharing();
  return 0;
}
