// Traps: raised by compiled code or by the host, looked at and deleted.
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static wasm_func_t* function;
static bool takes_trace, takes_message;
static size_t frames;

// trap MODULE EXPORT deleted|trace|message FRAMES: calls an export () -> () that traps, FRAMES functions deep.
static void prepare_trap(char** words) {
  open_store();
  struct loaded loaded = load_instance(words[0]);
  function = named_function(&loaded, words[1]);
  takes_trace = !strcmp(words[2], "trace");
  takes_message = !strcmp(words[2], "message");
  frames = (size_t)atoi(words[3]);
}

static void look_at(wasm_trap_t* trap) {
  check(trap != NULL, "a call that must trap did not");
  if (takes_trace) {
    wasm_frame_vec_t trace;
    lib.wasm_trap_trace(trap, &trace);
    check(trace.size == frames, "the trace has a wrong number of frames");
    lib.wasm_frame_vec_delete(&trace);
  }
  if (takes_message) {
    wasm_message_t message;
    lib.wasm_trap_message(trap, &message);
    check(message.size > 1, "the message is empty");
    lib.wasm_byte_vec_delete(&message);
  }
  lib.wasm_trap_delete(trap);
}

static int64_t run_trap(long n) {
  wasm_val_vec_t none = {0, NULL};
  for (long i = 0; i < n; i++) look_at(lib.wasm_func_call(function, &none, &none));
  return (int64_t)frames;
}

static wasm_trap_t* host_trap(void) {
  char text[] = "the host says no";
  wasm_message_t message = {sizeof text, text};
  return lib.wasm_trap_new(store, &message);
}

static wasm_trap_t* refusing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return host_trap();
}

// host_trap MODULE: its export `run: (i32) -> ()` calls the host, which returns a trap.
static wasm_val_t one = {.kind = WASM_I32, .of = {.i32 = 1}};

static void prepare_host_trap(char** words) {
  open_store();
  struct loaded loaded;
  loaded.module = load(store, words[0]);
  wasm_importtype_vec_t types;
  lib.wasm_module_imports(loaded.module, &types);
  check(types.size == 1, "the module has one import");
  const wasm_functype_t* type = lib.wasm_externtype_as_functype_const(lib.wasm_importtype_type(types.data[0]));
  wasm_extern_t* import = lib.wasm_func_as_extern(lib.wasm_func_new(store, type, refusing));
  wasm_extern_vec_t imports = {1, &import};
  loaded.instance = instantiate(store, loaded.module, &imports);
  lib.wasm_instance_exports(loaded.instance, &loaded.exports);
  function = named_function(&loaded, "run");
}

static int64_t run_host_trap(long n) {
  wasm_val_vec_t args = {1, &one}, none = {0, NULL};
  for (long i = 0; i < n; i++) look_at(lib.wasm_func_call(function, &args, &none));
  return 0;
}

// trap_new: a trap of the host's, made and deleted.
static void prepare_trap_new(char** words) {
  (void)words;
  open_store();
}

static int64_t run_trap_new(long n) {
  for (long i = 0; i < n; i++) look_at(host_trap());
  return 0;
}

const struct operation trap_operations[] = {
    {"trap", "MODULE EXPORT deleted|trace|message FRAMES", 4, prepare_trap, run_trap},
    {"host_trap", "MODULE", 1, prepare_host_trap, run_host_trap},
    {"trap_new", "", 0, prepare_trap_new, run_trap_new},
    {NULL, NULL, 0, NULL, NULL},
};
