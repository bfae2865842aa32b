// Runs a module that a C compiler made: prints what its function `run` gives.

#include "check.h"

static wasm_byte_vec_t read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new_uninitialized(&bytes, (size_t)ftell(file));
  CHECK(fseek(file, 0, SEEK_SET) == 0 && fread(bytes.data, 1, bytes.size, file) == bytes.size);
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  wasm_store_t* store = check_store();
  wasm_byte_vec_t binary = read_file(argv[1]);
  wasm_module_t* module = wasm_module_new(store, &binary);
  wasm_byte_vec_delete(&binary);
  wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  CHECK(instance);
  wasm_instance_exports(instance, &exports);
  wasm_func_t* run = NULL;
  for (size_t i = 0; i < exports.size; i++) {
    if (wasm_extern_kind(exports.data[i]) == WASM_EXTERN_FUNC) run = wasm_extern_as_func(exports.data[i]);
  }
  CHECK(run);
  for (int32_t seed = 1; seed <= 3; seed++) {
    for (int32_t size = 1; size <= 100000; size *= 10) {
      wasm_val_t given[] = {WASM_I32_VAL(seed), WASM_I32_VAL(size)}, result = WASM_INIT_VAL;
      wasm_val_vec_t args = WASM_ARRAY_VEC(given), results = {1, &result};
      CHECK(!wasm_func_call(run, &args, &results));
      printf("%d %d %llx\n", seed, size, (unsigned long long)result.of.i64);
    }
  }
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  return 0;
}
