// host [OPTIONS] MODULE [ARGUMENTS]
//
//   --dir NAME=PATH   the program may use that folder, and knows it by that name; repeatable
//   --env NAME=VALUE  a variable of its environment; repeatable
//   --stubs           imports that nobody supplies get stand-ins: functions that trap, memories and tables of zeros
//   --load            compiles and instantiates, and says what there is; nothing is called
//   --kernels         runs the program, if it is one, without its output; then reads lines `NAME N`, calls the export NAME with N, an
//                     i32, and prints the nanoseconds of processor time that it took, and its result, an integer
//   --replay TRACE    does what record.mjs has recorded, and compares
//   --mode MODE       how libwasm compiles and runs: default, no-signals, checked (memories without guards), fast (to compile), deterministic
//   --heap            says in the end what the collector has done
//
// Without --load and --kernels the program's `_start` is called, and its status is the host's.
#include "host.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("host: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  fflush(NULL);
  _exit(125);
}

struct options {
  bool load, kernels, heap;
  const char *trace, *mode;
};

static void give_dir(struct process *process, char *pair) {
  char *path = strchr(pair, '=');
  if (!path) fail("--dir wants NAME=PATH");
  *path++ = '\0';
  if (!preopen(process, pair, path)) fail("cannot open the folder %s", path);
}

// Reads the options; the index of the module.
static int read_options(int argc, char **argv, struct process *process, struct options *options) {
  int i = 1;
  for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
    if (strcmp(argv[i], "--load") == 0) options->load = true;
    else if (strcmp(argv[i], "--kernels") == 0) options->kernels = true;
    else if (strcmp(argv[i], "--heap") == 0) options->heap = true;
    else if (strcmp(argv[i], "--stubs") == 0) process->stubs = true;
    else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) give_dir(process, argv[++i]);
    else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) options->trace = argv[++i];
    else if (strcmp(argv[i], "--mode") == 0 && i + 1 < argc) options->mode = argv[++i];
    else if (strcmp(argv[i], "--env") == 0 && i + 1 < argc) process->env[process->env_count++] = argv[++i];
    else fail("there is no option %s, or it lacks its argument", argv[i]);
  }
  if (i >= argc) fail("no module is named");
  return i;
}

static void tell(struct guest *guest, double compiled, double instantiated) {
  wasm_importtype_vec_t imports;
  wasm_module_imports(guest->module, &imports);
  printf("loaded: %zu imports, %zu of them stand-ins, %zu exports; compiled in %.2f s, instantiated in %.2f ms\n", imports.size,
         guest->stub_count, guest->exports.size, compiled, instantiated * 1e3);
  wasm_importtype_vec_delete(&imports);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool run_start(struct guest *guest) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_func_t *start = exported_func(guest, "_start");
  if (!start) start = exported_func(guest, "_initialize");
  if (!start && guest->process->quiet) return true;
  if (!start) fail("the module exports no _start");
  return call(guest, start, &none, &none);
}

static int run_kernels(struct guest *guest) {
  guest->process->quiet = true;
  if (!run_start(guest)) return 134;
  puts("ready");
  fflush(stdout);
  char name[128];
  int repetitions;
  while (scanf("%127s %d", name, &repetitions) == 2) {
    wasm_func_t *func = exported_func(guest, name);
    if (!func) fail("there is no export %s", name);
    wasm_val_t value = WASM_I32_VAL(repetitions), result = WASM_INIT_VAL;
    wasm_val_vec_t args = {1, &value}, results = {1, &result};
    double begun = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!call(guest, func, &args, &results)) return 134;
    double taken = seconds(CLOCK_PROCESS_CPUTIME_ID) - begun;
    printf("%.0f %lld\n", taken * 1e9, result.kind == WASM_I64 ? (long long)result.of.i64 : (long long)result.of.i32);
    fflush(stdout);
  }
  return 0;
}

int main(int argc, char **argv) {
  struct process process = {.env = calloc((size_t)argc, sizeof(char *)), .lock = PTHREAD_MUTEX_INITIALIZER};
  struct options options = {.mode = "default"};
  if (!process.env) fail("no memory");
  open_files(&process);
  int first = read_options(argc, argv, &process, &options);
  if (options.trace) load_trace(options.trace);
  process.replays = options.trace;
  process.argc = argc - first;
  process.argv = argv + first;
  process.engine = new_engine(options.mode);
  if (!process.engine) fail("cannot make an engine in the mode %s", options.mode);
  wasm_store_t *store = wasm_store_new(process.engine);
  if (!store) fail("cannot make a store: %s", last_error());
  double begun = seconds(CLOCK_MONOTONIC);
  wasm_module_t *module = load_module(&process, store, argv[first]);
  double compiled = seconds(CLOCK_MONOTONIC);
  process.module = wasm_module_share(module);

  struct guest guest;
  start_guest(&guest, &process, store, module);
  double instantiated = seconds(CLOCK_MONOTONIC);
  int status = 0;
  if (options.load) {
    tell(&guest, compiled - begun, instantiated - compiled);
  } else if (options.trace) {
    run_replay();
  } else if (options.kernels) {
    status = run_kernels(&guest);
  } else {
    status = run_start(&guest) ? guest.status : 134;
    // An exit ends all threads; a return from main waits for them.
    if (!guest.exited && status == 0) join_threads(&process);
  }
  if (options.heap) print_heap(stderr, store);
  fflush(NULL);
  if (process.thread_count) _exit(status);
  end_guest(&guest);
  wasm_shared_module_delete(process.module);
  wasm_engine_delete(process.engine);
  return status;
}
