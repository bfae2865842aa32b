/* Loads the library with local scope, twice, and uses it through pointers: nothing in it may rely on being global. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <wasm.h>

typedef wasm_engine_t* (*engine_new)(void);
typedef void (*engine_delete)(wasm_engine_t*);

static void* find(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == NULL) fprintf(stderr, "%s\n", dlerror());
  return symbol;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (int round = 0; round < 2; round++) {
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    void* symbols[] = {find(library, "wasm_engine_new"), find(library, "wasm_engine_delete")};
    if (symbols[0] == NULL || symbols[1] == NULL) return 1;
    /* ISO C has no conversion from object to function pointers. */
    engine_new make;
    engine_delete drop;
    memcpy(&make, &symbols[0], sizeof make);
    memcpy(&drop, &symbols[1], sizeof drop);
    wasm_engine_t* engine = make();
    if (engine == NULL) return 1;
    drop(engine);
    dlclose(library);
  }
  return 0;
}
