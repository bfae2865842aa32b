// Reflection: what a module imports and exports, with types, before anything is instantiated.

#include "example.h"

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = load_module(store, "examples-c/reflect.wasm");

  wasm_importtype_vec_t imports;
  wasm_module_imports(module, &imports);
  for (size_t i = 0; i < imports.size; i++) {
    const wasm_name_t *from = wasm_importtype_module(imports.data[i]);
    const wasm_name_t *name = wasm_importtype_name(imports.data[i]);
    printf("import \"%.*s\" \"%.*s\": ", STR(from), STR(name));
    print_externtype(stdout, wasm_importtype_type(imports.data[i]));
    printf("\n");
  }

  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  for (size_t i = 0; i < exports.size; i++) {
    printf("export \"%.*s\": ", STR(wasm_exporttype_name(exports.data[i])));
    print_externtype(stdout, wasm_exporttype_type(exports.data[i]));
    printf("\n");
  }

  // A type outlives the module that it describes; what a getter lends lives as long as its parent.
  wasm_module_delete(module);
  const wasm_externtype_t *minmax = wasm_exporttype_type(exports.data[2]);
  const wasm_functype_t *functype = wasm_externtype_as_functype_const(minmax);
  printf("minmax takes %zu values and gives %zu\n", wasm_functype_params(functype)->size,
         wasm_functype_results(functype)->size);
  printf("as a memory type it is %s\n", wasm_externtype_as_memorytype_const(minmax) ? "something" : "NULL");

  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
