// Times the kernels in one process under several libraries that export wasm.h, alternating between them.
//
//   driver [-r ROUNDS] [-m MILLISECONDS] [-c MODULE]... LIBRARY... -- KERNEL...
//
// Each library is opened by itself with dlopen. A kernel is a module (.wasm, or .wat if a library reads text) that
// exports `run: (i32) -> i64` and imports nothing; the argument is how often it repeats its work, and is chosen so
// that one call takes about MILLISECONDS. Every round calls each library once; times are processor time of the
// thread, and medians over the rounds. All libraries must give the same result. Modules after -c are only compiled.
//
// With two libraries or more, a ratio is another library's time over the first's: above 1, the first is faster.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wasm.h"

enum { MAX_LIBRARIES = 4, MAX_ROUNDS = 1001 };

#define FUNCTIONS(F) \
  F(wasm_engine_new) F(wasm_engine_delete) F(wasm_store_new) F(wasm_store_delete) F(wasm_module_new) \
  F(wasm_module_delete) F(wasm_instance_new) F(wasm_instance_delete) F(wasm_instance_exports) \
  F(wasm_extern_as_func) F(wasm_extern_vec_delete) F(wasm_func_call) F(wasm_trap_message)

struct library {
  const char* path;
  void* handle;
#define DECLARE(name) __typeof__(name)* name;
  FUNCTIONS(DECLARE)
  wasm_engine_t* engine;
  wasm_store_t* store;
};

// What one library makes of one kernel.
struct kernel {
  wasm_module_t* module;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
  wasm_func_t* run;
  double times[MAX_ROUNDS];
  int64_t result;
};

static struct library libraries[MAX_LIBRARIES];
static int library_count;
static int rounds = 11;
static double target = 0.02;

static void fail(const char* what, const char* which) {
  fprintf(stderr, "driver: %s: %s\n", what, which);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void* symbol(void* handle, const char* name, const char* path) {
  void* address = dlsym(handle, name);
  if (!address) {
    fprintf(stderr, "driver: %s lacks %s\n", path, name);
    exit(1);
  }
  return address;
}

static void open_library(const char* path) {
  if (library_count == MAX_LIBRARIES) fail("too many libraries", path);
  struct library* lib = &libraries[library_count++];
  lib->path = path;
  lib->handle = dlopen(path, RTLD_LOCAL | RTLD_NOW);
  if (!lib->handle) fail("cannot open", dlerror());
#define LOAD(name) *(void**)&lib->name = symbol(lib->handle, #name, path);
  FUNCTIONS(LOAD)
  lib->engine = lib->wasm_engine_new();
  lib->store = lib->engine ? lib->wasm_store_new(lib->engine) : NULL;
  if (!lib->store) fail("cannot make a store with", path);
}

// The text in `wat` as a binary, by the first library that can; the result is never freed.
static wasm_byte_vec_t from_text(const char* path, wasm_byte_vec_t wat) {
  wasm_byte_vec_t binary = {0, NULL};
  for (int i = 0; i < library_count; i++) {
    bool (*ours)(const wasm_byte_vec_t*, wasm_byte_vec_t*);
    void* (*theirs)(const char*, size_t, wasm_byte_vec_t*);
    *(void**)&ours = dlsym(libraries[i].handle, "libwasm_wat2wasm");
    if (ours && ours(&wat, &binary)) return binary;
    *(void**)&theirs = dlsym(libraries[i].handle, "wasmtime_wat2wasm");
    if (theirs && !theirs(wat.data, wat.size, &binary)) return binary;
  }
  fail("cannot read the text of", path);
  return binary;
}

static wasm_byte_vec_t read_module(const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) fail("cannot open", path);
  wasm_byte_vec_t bytes = {0, NULL};
  size_t capacity = 0, got = 0;
  do {
    bytes.size += got;
    if (bytes.size == capacity) {
      capacity = capacity ? 2 * capacity : 65536;
      bytes.data = realloc(bytes.data, capacity);
      if (!bytes.data) fail("out of memory for", path);
    }
    got = fread(bytes.data + bytes.size, 1, capacity - bytes.size, file);
  } while (got > 0);
  fclose(file);
  bool binary = bytes.size >= 4 && memcmp(bytes.data, "\0asm", 4) == 0;
  return binary ? bytes : from_text(path, bytes);
}

static int ascending(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static double median(double* times, int count) {
  qsort(times, (size_t)count, sizeof *times, ascending);
  return times[count / 2];
}

static double call(struct library* lib, struct kernel* kernel, int32_t n, const char* path) {
  wasm_val_t arg = {.kind = WASM_I32, .of = {.i32 = n}}, result = {.kind = WASM_I64, .of = {.i64 = 0}};
  wasm_val_vec_t args = {1, &arg}, results = {1, &result};
  double start = seconds(CLOCK_THREAD_CPUTIME_ID);
  wasm_trap_t* trap = lib->wasm_func_call(kernel->run, &args, &results);
  double time = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
  if (trap) {
    wasm_byte_vec_t message;
    lib->wasm_trap_message(trap, &message);
    fprintf(stderr, "driver: %s trapped: %.*s\n", path, (int)message.size, message.data);
    exit(1);
  }
  kernel->result = result.of.i64;
  return time;
}

// Compiles `bytes` in every library in turn, a few times, and gives the median wall times.
static void time_compilation(const char* path, const wasm_byte_vec_t* bytes, int times, double* medians) {
  static double samples[MAX_LIBRARIES][MAX_ROUNDS];
  for (int r = 0; r < times; r++) {
    for (int i = 0; i < library_count; i++) {
      struct library* lib = &libraries[i];
      double start = seconds(CLOCK_MONOTONIC);
      wasm_module_t* module = lib->wasm_module_new(lib->store, bytes);
      samples[i][r] = seconds(CLOCK_MONOTONIC) - start;
      if (!module) fail("cannot compile", path);
      lib->wasm_module_delete(module);
    }
  }
  for (int i = 0; i < library_count; i++) medians[i] = median(samples[i], times);
}

static void instantiate(struct library* lib, struct kernel* kernel, const wasm_byte_vec_t* bytes, const char* path) {
  kernel->module = lib->wasm_module_new(lib->store, bytes);
  if (!kernel->module) fail("cannot compile", path);
  wasm_extern_vec_t imports = {0, NULL};
  kernel->instance = lib->wasm_instance_new(lib->store, kernel->module, &imports, NULL);
  if (!kernel->instance) fail("cannot instantiate", path);
  lib->wasm_instance_exports(kernel->instance, &kernel->exports);
  kernel->run = kernel->exports.size ? lib->wasm_extern_as_func(kernel->exports.data[0]) : NULL;
  if (!kernel->run) fail("the first export is no function", path);
}

// The argument with which a call takes about the target time in the first library.
static int32_t calibrate(struct kernel* kernel, const char* path) {
  int32_t n = 1;
  for (;;) {
    double time = call(&libraries[0], kernel, n, path);
    if (time >= target / 4 || n >= 1 << 28) {
      double better = n * target / (time > 0 ? time : target);
      return better < 1 ? 1 : better > 1e9 ? 1000000000 : (int32_t)better;
    }
    n *= 2;
  }
}

// Runs a kernel in every library, `rounds` times, and gives the median times.
static void time_kernel(const char* path, const wasm_byte_vec_t* bytes, double* medians) {
  static struct kernel kernels[MAX_LIBRARIES];
  for (int i = 0; i < library_count; i++) instantiate(&libraries[i], &kernels[i], bytes, path);
  int32_t n = calibrate(&kernels[0], path);
  // Two instances for the same argument have the same history only if neither was calibrated; so begin afresh.
  libraries[0].wasm_extern_vec_delete(&kernels[0].exports);
  libraries[0].wasm_instance_delete(kernels[0].instance);
  libraries[0].wasm_module_delete(kernels[0].module);
  instantiate(&libraries[0], &kernels[0], bytes, path);
  for (int r = 0; r < rounds; r++) {
    for (int i = 0; i < library_count; i++) {
      int turn = (i + r) % library_count;
      kernels[turn].times[r] = call(&libraries[turn], &kernels[turn], n, path);
    }
    for (int i = 1; i < library_count; i++) {
      if (kernels[i].result != kernels[0].result) fail("the libraries' results differ in", path);
    }
  }
  for (int i = 0; i < library_count; i++) {
    medians[i] = median(kernels[i].times, rounds);
    libraries[i].wasm_extern_vec_delete(&kernels[i].exports);
    libraries[i].wasm_instance_delete(kernels[i].instance);
    libraries[i].wasm_module_delete(kernels[i].module);
  }
}

static void print_row(const char* name, const double* medians, const char* unit, double scale) {
  printf("%-24s", name);
  for (int i = 0; i < library_count; i++) printf(" %9.3f %s", medians[i] * scale, unit);
  for (int i = 1; i < library_count; i++) printf(" %8.3f", medians[i] / medians[0]);
  printf("\n");
  fflush(stdout);
}

struct summary {
  double logarithms[MAX_LIBRARIES], least[MAX_LIBRARIES];
  int count;
};

static void add(struct summary* sum, const double* medians) {
  for (int i = 1; i < library_count; i++) {
    double ratio = medians[i] / medians[0];
    sum->logarithms[i] += log(ratio);
    if (sum->count == 0 || ratio < sum->least[i]) sum->least[i] = ratio;
  }
  sum->count++;
}

static void print_summary(const char* what, const struct summary* sum) {
  for (int i = 1; i < library_count && sum->count; i++) {
    printf("%s, %s over %s: geometric mean %.3f, least %.3f\n", what, libraries[i].path, libraries[0].path,
           exp(sum->logarithms[i] / sum->count), sum->least[i]);
  }
}

static const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void print_header(const char* what) {
  printf("\n%-24s", what);
  for (int i = 0; i < library_count; i++) printf(" %12.12s", base_name(libraries[i].path));
  for (int i = 1; i < library_count; i++) printf("  ratio %d", i);
  printf("\n");
}

int main(int argc, char** argv) {
  const char* only_compiled[64];
  int only_compiled_count = 0, arg = 1;
  for (; arg < argc && strcmp(argv[arg], "--"); arg++) {
    bool option = argv[arg][0] == '-' && arg + 1 < argc;
    if (option && !strcmp(argv[arg], "-r")) {
      rounds = atoi(argv[++arg]);
    } else if (option && !strcmp(argv[arg], "-m")) {
      target = atof(argv[++arg]) / 1000;
    } else if (option && !strcmp(argv[arg], "-c") && only_compiled_count < 64) {
      only_compiled[only_compiled_count++] = argv[++arg];
    } else {
      open_library(argv[arg]);
    }
  }
  if (!library_count || rounds < 1 || rounds > MAX_ROUNDS || target <= 0) {
    fprintf(stderr, "usage: driver [-r ROUNDS] [-m MILLISECONDS] [-c MODULE]... LIBRARY... -- KERNEL...\n");
    return 2;
  }
  double medians[MAX_LIBRARIES];
  struct summary speed = {0}, compilation = {0};
  int first = arg + 1;
  if (first < argc) print_header("run");
  for (arg = first; arg < argc; arg++) {
    wasm_byte_vec_t bytes = read_module(argv[arg]);
    time_kernel(argv[arg], &bytes, medians);
    print_row(base_name(argv[arg]), medians, "ms", 1e3);
    add(&speed, medians);
  }
  print_header("compile");
  for (arg = first; arg < argc; arg++) {
    wasm_byte_vec_t bytes = read_module(argv[arg]);
    time_compilation(argv[arg], &bytes, rounds, medians);
    print_row(base_name(argv[arg]), medians, "ms", 1e3);
    add(&compilation, medians);
  }
  for (int i = 0; i < only_compiled_count; i++) {
    wasm_byte_vec_t bytes = read_module(only_compiled[i]);
    time_compilation(only_compiled[i], &bytes, rounds < 3 ? rounds : 3, medians);
    print_row(base_name(only_compiled[i]), medians, "ms", 1e3);
    add(&compilation, medians);
  }
  printf("\n");
  print_summary("run", &speed);
  print_summary("compile", &compilation);
  for (int i = 0; i < library_count; i++) {
    libraries[i].wasm_store_delete(libraries[i].store);
    libraries[i].wasm_engine_delete(libraries[i].engine);
  }
  return 0;
}
