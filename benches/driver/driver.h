// What the parts of the driver share: operations, the clock, and the ways in which a process ends.
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "library.h"

// Something that is timed. `prepare` gets the arguments that follow its name; `run` does it `n` times and gives an
// answer that all libraries must agree on.
struct operation {
  const char* name;
  const char* arguments;
  int count;  // of arguments: at least so many
  void (*prepare)(char** arguments);
  int64_t (*run)(long n);
};

// The operations of each file; each list ends with a NULL name.
extern const struct operation call_operations[], trap_operations[], instance_operations[], object_operations[],
    module_operations[], process_operations[], thread_operations[];

// Why a process ends without an answer. The runner shows the word.
enum ending { REFUSES = 3, LACKS = 4, WRONG = 5, USAGE = 6 };
_Noreturn void end(enum ending why, const char* what);

// The clock of the running round, nanoseconds. It runs while `run` does; what shall not count goes between pause and
// resume.
void pause_clock(void);
void resume_clock(void);
// What the clock says, for operations that time their parts themselves.
int64_t now(void);
// A result that is not what the clock has measured: bytes, or a time.
void report(int64_t value);

// The path of a file that is this process's own and goes when it ends, or NULL.
extern const char* own_file;

// One engine and one store, made before anything is timed.
extern wasm_engine_t* engine;
extern wasm_store_t* store;
void open_store(void);

wasm_byte_vec_t read_file(const char* path);
// A module from a file; never NULL.
wasm_module_t* load(wasm_store_t* in, const char* path);
// Imports that a module asks for: functions that return zeros, globals of zero, tables and memories of the declared size.
wasm_extern_vec_t stub_imports(wasm_store_t* in, const wasm_module_t* module);
// An instance, never NULL: a trap or a refusal ends the process.
wasm_instance_t* instantiate(wasm_store_t* in, const wasm_module_t* module, const wasm_extern_vec_t* imports);
// Where in the exports a name is.
size_t export_index(const wasm_module_t* module, const char* name);

// The exports of a module that was loaded and instantiated with stubs in `store`, and one of them by name.
struct loaded {
  wasm_module_t* module;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
};
struct loaded load_instance(const char* path);
wasm_extern_t* named(const struct loaded* loaded, const char* name);
wasm_func_t* named_function(const struct loaded* loaded, const char* name);

// Kinds of values by the words of the command line: i32, i64, f64, externref, null (an externref), funcref.
wasm_valkind_t kind_of(const char* word);
// A value of this kind that stands for `number`; references are the host's object, NULL, and a function of `loaded`
// that its export "self" returns.
wasm_val_t value_of(const char* word, int number, const struct loaded* loaded);

// Ends the process if a call trapped.
void no_trap(wasm_trap_t* trap);
void check(bool right, const char* what);

// The bytes of memory that are resident.
int64_t resident(void);

#endif
