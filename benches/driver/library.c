#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <stddef.h>

#include "driver.h"

struct library lib;

#define LACKS(name) \
  static void lacks_##name(void) { end(LACKS, #name); }
LIBRARY_FUNCTIONS(LACKS)
#undef LACKS

void open_library(const char* path) {
  lib.path = path;
  lib.handle = dlopen(path, RTLD_LOCAL | RTLD_NOW);
  if (!lib.handle) end(REFUSES, dlerror());
#define LOAD(name) \
  *(void**)&lib.name = dlsym(lib.handle, #name); \
  if (!lib.name) lib.name = (__typeof__(lib.name))lacks_##name;
  LIBRARY_FUNCTIONS(LOAD)
#undef LOAD
}

void* extension(const char* name) { return dlsym(lib.handle, name); }
