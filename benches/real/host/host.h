// A host of whole programs: WASI preview 1 over the operating system's files, threads by the convention of wasi-threads, and
// stand-ins for imports that nobody supplies.
//
// It is plain C over wasm.h. What the standard does not have (64-bit limits, shared memories, tags, the choice of features) is in
// engine_libwasm.c and engine_wasmtime.c, of which one is linked: so the same host runs a program on either library.
#ifndef HOST_H
#define HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>

enum { MAX_DIRS = 32, MAX_FDS = 256 };

// An open file of the guest's. A directory that it was given at the start has the name that it knows it by.
struct file {
  int fd;  // of the operating system; -1: free
  const char *preopened;
  uint64_t flags;  // as __wasi_fdstat_t has them
};

// What all threads of a program share.
struct process {
  wasm_engine_t *engine;
  wasm_shared_module_t *module;
  char **argv, **env;
  int argc, env_count;
  bool stubs;        // whether imports that nobody supplies get stand-ins
  bool quiet;        // whether the guest's standard output is dropped
  bool replays;      // whether functions that are imported do what a trace says
  struct file files[MAX_FDS];
  pthread_mutex_t lock;  // of `files` and what follows
  struct shared_memory *memories;
  pthread_t *threads;
  size_t thread_count;
  int32_t next_thread;
};

// One instance of the program, in a store of its own: the program itself, and each of its threads.
struct guest {
  struct process *process;
  wasm_store_t *store;
  wasm_module_t *module;
  wasm_instance_t *instance;
  wasm_extern_vec_t exports;
  wasm_memory_t *memory;  // borrowed from the exports
  bool exited;
  int32_t status;
  size_t stub_count;
};

// Ends the process with a message.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ---- guest.c: instances ----

wasm_module_t *load_module(struct process *process, wasm_store_t *store, const char *path);
void start_guest(struct guest *guest, struct process *process, wasm_store_t *store, wasm_module_t *module);
void end_guest(struct guest *guest);
// The export of that name, borrowed; NULL if there is none, or it is no function.
wasm_func_t *exported_func(struct guest *guest, const char *name);
wasm_extern_t *exported(struct guest *guest, const char *name);
void print_trap(const wasm_trap_t *trap);
// Calls an export. True if it returned or the program has exited; otherwise the trap is printed.
bool call(struct guest *guest, wasm_func_t *func, const wasm_val_vec_t *args, wasm_val_vec_t *results);
bool is_name(const wasm_name_t *name, const char *text);

// ---- imports.c ----

// What the module imports: WASI's functions, the start of threads, shared memories, and stand-ins. The caller owns the vector.
void make_imports(struct guest *guest, wasm_extern_vec_t *imports);
wasm_trap_t *trap_of(struct guest *guest, const char *message);

// ---- replay.c ----

void load_trace(const char *path);
void begin_replay(struct guest *guest);
wasm_trap_t *replay_import(uint32_t index, const wasm_functype_t *type, const wasm_val_vec_t *args, wasm_val_vec_t *results);
void run_replay(void);

// ---- threads.c ----

// Starts a thread of the program, which calls `wasi_thread_start(id, argument)` in an instance of its own; its id, or -1.
int32_t spawn_thread(struct process *process, int32_t argument);
void join_threads(struct process *process);

// ---- wasi.c and wasi_files.c ----

// The function of `wasi_snapshot_preview1` of that name; NULL if there is none.
typedef int32_t wasi_func_t(struct guest *, const wasm_val_t *args);
struct wasi_func {
  const char *name, *params;  // the parameters as letters: i for i32, I for i64
  wasi_func_t *call;
};
const struct wasi_func *find_wasi_func(const wasm_name_t *name);
extern const struct wasi_func wasi_files[];
extern const size_t wasi_files_count;
void open_files(struct process *process);
bool preopen(struct process *process, const char *name, const char *path);

enum {
  SUCCESS = 0, TOO_BIG = 1, ACCES = 2, AGAIN = 6, BADF = 8, EXIST = 20, FAULT = 21, INVAL = 28, IO = 29, ISDIR = 31, LOOP = 32, MFILE = 33,
  NAMETOOLONG = 37, NOENT = 44, NOMEM = 48, NOSPC = 51, NOSYS = 52, NOTDIR = 54, NOTEMPTY = 55, NOTSUP = 58, PERM = 63, PIPE = 64,
  ROFS = 69, SPIPE = 70, XDEV = 75, NOTCAPABLE = 76
};

// A guest's address as a pointer, to be used at once: its memory may move. NULL if the bytes are not all in the memory.
uint8_t *guest_bytes(struct guest *guest, uint32_t address, uint64_t size);
uint32_t load32(const uint8_t *at);
uint64_t load64(const uint8_t *at);
void store_bytes(uint8_t *at, uint64_t value, int size);
// Stores a number in the guest's memory; the errno.
int32_t put(struct guest *guest, uint32_t address, uint64_t value, int size);
// The operating system's errno as WASI numbers it.
int32_t wasi_errno(int error);

#define U32(i) ((uint32_t)args[i].of.i32)
#define U64(i) ((uint64_t)args[i].of.i64)

// ---- engine_libwasm.c, engine_wasmtime.c: what is not in the standard ----

// An engine, in one of the library's modes; NULL if it has no such mode. "default" is one that each has.
wasm_engine_t *new_engine(const char *mode);
// Why the last operation failed, if the library tells.
const char *last_error(void);
// A memory for an import, shared with the program's other threads if its type says so; NULL, with `last_error`, if there is none.
wasm_extern_t *make_memory(struct guest *guest, const wasm_importtype_t *import, const wasm_memorytype_t *type);
// A tag or another external object that wasm.h has no constructor for; NULL if the library has none either.
wasm_extern_t *make_other(struct guest *guest, const wasm_externtype_t *type);
bool grow_memory(wasm_memory_t *memory, uint64_t pages);
// What a collector has done, in a line of text; nothing where there are no figures.
void print_heap(FILE *out, wasm_store_t *store);

#endif
