// failures SCENARIO once|on STEP: what happens when memory runs out, at every request that a scenario makes.
//
// For n = 1, 1 + STEP, ... a child makes the n-th allocation or mapping of the scenario fail (`once`), or all from the n-th on (`on`),
// until the scenario makes fewer than n. The scenario runs for the first time then, so that what is made on first use is in it. A call that fails says that memory ran out, deleting works without memory, and
// afterwards, with memory again, the same scenario runs to its end. Nothing may end the process.

#include "check.h"
#include "inject.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

// Whether a call worked. If not, memory ran out, and the library must say so.
static bool worked(bool success) {
  if (!success) CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
  return success;
}

// As `worked`, for calls that give a trap where they fail; the trap is deleted.
static bool returned(wasm_trap_t* trap) {
  if (!trap) return true;
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
  wasm_trap_delete(trap);
  return false;
}

// A trap of a certain code, or one that says that memory ran out.
static bool trapped(wasm_trap_t* trap, int code) {
  CHECK(trap);
  int actual = libwasm_trap_code(trap);
  CHECK(actual == code || actual == LIBWASM_TRAP_OUT_OF_MEMORY);
  return actual == code;
}

static const char* const RICH =
    "(module $rich (type $unary (func (param i32) (result i32)))"
    "  (import \"host\" \"f\" (func $host (param i32) (result i32)))"
    "  (memory (export \"m\") 1 40) (table $t (export \"t\") 4 1000 funcref) (table $r 3 1000 externref)"
    "  (global $g (export \"g\") (mut i32) (i32.const 7)) (global $e (mut externref) (ref.null extern))"
    "  (elem (table $t) (i32.const 0) func $add $callback $deep) (data (i32.const 100) \"some data\") (data $later \"later\")"
    "  (func $add (export \"add\") (param i32) (result i32) (i32.add (local.get 0) (global.get $g)))"
    "  (func $callback (export \"callback\") (param i32) (result i32) (call $host (local.get 0)))"
    "  (func $deep (export \"deep\") (param i32) (result i32)"
    "    (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))"
    "  (func (export \"indirect\") (param i32) (result i32) (call_indirect $t (type $unary) (local.get 0) (local.get 0)))"
    "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    "  (func (export \"grow-table\") (param externref i32) (result i32) (table.grow $r (local.get 0) (local.get 1)))"
    "  (func (export \"keep\") (param externref) (result externref)"
    "    (table.set $r (i32.const 1) (global.get $e)) (global.set $e (local.get 0)) (table.get $r (i32.const 1)))"
    "  (func (export \"self\") (result funcref) (ref.func $deep))"
    "  (func (export \"bulk\") (param i32) (result i32) (memory.init $later (i32.const 8) (i32.const 0) (i32.const 5))"
    "    (memory.copy (i32.const 200) (i32.const 100) (i32.const 9)) (i32.load8_u (i32.add (local.get 0) (i32.const 100))))"
    "  (func (export \"overflow\") (param i32) (result i32) (call $spin (local.get 0)) )"
    "  (func $spin (param i32) (result i32) (i32.add (call $spin (local.get 0)) (i32.const 1))))";

enum { MEMORY, TABLE, GLOBAL, ADD, CALLBACK, DEEP, INDIRECT, GROW, GROW_TABLE, KEEP, SELF, BULK, OVERFLOW_, EXPORTS };

// What the scenarios begin with, made while there was memory.
static struct {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_byte_vec_t binary, artifact;
  wasm_module_t* module;
  wasm_functype_t* unary;
  wasm_extern_t* import;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
  wasm_foreign_t* foreign;
  char path[64];
} room;

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0] = args->data[0];
  if (args->data[0].of.i32 >= 0) return NULL;
  wasm_message_t message = {13, "host says no"};
  return wasm_trap_new(room.store, &message);
}

static void make_room(void) {
  room.engine = check_engine();
  room.store = wasm_store_new(room.engine);
  room.binary = check_wasm(RICH);
  room.module = wasm_module_new(room.store, &room.binary);
  CHECK(room.module);
  wasm_module_serialize(room.module, &room.artifact);
  snprintf(room.path, sizeof room.path, "/tmp/libwasm-failures-%ld", (long)getpid());
  CHECK(libwasm_module_serialize_file(room.module, room.path));
  room.unary = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  room.import = wasm_func_as_extern(wasm_func_new(room.store, room.unary, host));
  wasm_extern_vec_t imports = {1, &room.import};
  room.instance = wasm_instance_new(room.store, room.module, &imports, NULL);
  CHECK(room.instance);
  wasm_instance_exports(room.instance, &room.exports);
  CHECK(room.exports.size == EXPORTS);
  room.foreign = wasm_foreign_new(room.store);
}

static wasm_trap_t* call(int export, int32_t argument, int32_t* result) {
  wasm_val_t arg = WASM_I32_VAL(argument), out = WASM_I32_VAL(0);
  wasm_val_vec_t args = {1, &arg}, results = {1, &out};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(room.exports.data[export]), &args, &results);
  *result = out.of.i32;
  return trap;
}

static bool engines(void) {
  wasm_config_t* config = wasm_config_new();
  if (!worked(config)) return false;
  libwasm_config_set_opt_level(config, LIBWASM_OPT_NONE);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  if (!worked(engine)) return false;
  wasm_store_t* store = wasm_store_new(engine);
  wasm_engine_delete(engine);
  if (!worked(store)) return false;
  wasm_store_delete(store);
  return true;
}

static bool compiling(void) {
  if (!worked(wasm_module_validate(room.store, &room.binary))) return false;
  wasm_module_t* module = wasm_module_new(room.store, &room.binary);
  if (!worked(module)) return false;
  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  bool success = worked(imports.size == 1) && worked(exports.size == EXPORTS);
  if (success) CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[ADD])) == WASM_EXTERN_FUNC);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  return success;
}

// Enough code for several threads.
static bool compiling_much(void) {
  static wasm_byte_vec_t binary;
  if (!binary.size) {
    bool armed = inject_armed;
    inject_armed = false;
    char* text = malloc(300000);
    size_t n = (size_t)sprintf(text, "(module ");
    for (int i = 0; i < 170; i++) {
      n += (size_t)sprintf(text + n, "(func (param i32) (result i32) ");
      for (int j = 0; j < 40; j++) n += (size_t)sprintf(text + n, "(drop (i64.const -0x%d000000000000000))", 1 + j % 7);
      n += (size_t)sprintf(text + n, "(i32.mul (local.get 0) (i32.const %d)))", i);
    }
    strcpy(text + n, ")");
    binary = check_wasm(text);
    free(text);
    // Of 64 KiB or less one thread compiles all.
    CHECK(binary.size > 64 << 10);
    inject_armed = armed;
  }
  wasm_module_t* module = wasm_module_new(room.store, &binary);
  if (!worked(module)) return false;
  wasm_module_delete(module);
  return true;
}

static bool text(void) {
  wasm_byte_vec_t wat = {strlen(RICH), (char*)RICH}, binary;
  bool success = worked(libwasm_wat2wasm(&wat, &binary));
  CHECK(success || binary.size == 0);
  wasm_byte_vec_delete(&binary);
  wasm_byte_vec_t wrong = {8, "(modul€"};
  CHECK(!libwasm_wat2wasm(&wrong, &binary) && libwasm_last_error_kind() != LIBWASM_ERROR_NONE);
  wasm_byte_vec_delete(&binary);
  return success && libwasm_last_error_kind() == LIBWASM_ERROR_INVALID;
}

static bool artifacts(void) {
  wasm_byte_vec_t artifact;
  wasm_module_serialize(room.module, &artifact);
  bool success = worked(artifact.size == room.artifact.size);
  wasm_byte_vec_delete(&artifact);
  wasm_module_t* module = wasm_module_deserialize(room.store, &room.artifact);
  success &= worked(module);
  wasm_module_delete(module);
  module = libwasm_module_deserialize_file(room.store, room.path);
  success &= worked(module);
  wasm_module_delete(module);
  wasm_shared_module_t* shared = wasm_module_share(room.module);
  success &= worked(shared);
  if (shared) {
    module = wasm_module_obtain(room.store, shared);
    success &= worked(module);
    wasm_module_delete(module);
    wasm_shared_module_delete(shared);
  }
  return success;
}

static bool instances(void) {
  bool success = true;
  for (int i = 0; i < 2 && success; i++) {
    wasm_extern_vec_t imports = {1, &room.import}, exports;
    wasm_trap_t* trap;
    wasm_instance_t* instance = wasm_instance_new(room.store, room.module, &imports, &trap);
    CHECK(!instance == !!trap);
    if (!returned(trap)) return false;
    wasm_instance_exports(instance, &exports);
    success = worked(exports.size == EXPORTS);
    if (success) {
      CHECK(memcmp(wasm_memory_data(wasm_extern_as_memory(exports.data[MEMORY])) + 100, "some data", 9) == 0);
      wasm_val_t arg = WASM_I32_VAL(i), out = WASM_I32_VAL(0);
      wasm_val_vec_t args = {1, &arg}, results = {1, &out};
      success = returned(wasm_func_call(wasm_extern_as_func(exports.data[INDIRECT]), &args, &results));
      CHECK(!success || out.of.i32 == (i ? 1 : 7));
    }
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
  }
  return success;
}

static bool calling(void) {
  int32_t result;
  if (!returned(call(ADD, 1, &result))) return false;
  CHECK(result == 8);
  if (!returned(call(CALLBACK, 5, &result))) return false;
  CHECK(result == 5);
  if (!returned(call(INDIRECT, 1, &result))) return false;
  if (!returned(call(BULK, 1, &result))) return false;
  CHECK(result == 'o');
  // Growing says -1, and a table that did not grow is as it was.
  if (!returned(call(GROW, 1, &result))) return false;
  CHECK(result == -1 || result >= 1);
  return result != -1;
}

static bool references(void) {
  wasm_val_t argument = WASM_REF_VAL(wasm_ref_copy(wasm_foreign_as_ref(room.foreign))), out[1];
  wasm_val_vec_t args = {1, &argument}, results = {1, out}, none = WASM_EMPTY_VEC;
  bool success = true;
  for (int i = 0; i < 2 && success; i++) {
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[KEEP]), &args, &results));
    if (!success) break;
    CHECK(out[0].kind == WASM_EXTERNREF);
    wasm_val_delete(out);
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[SELF]), &none, &results));
    if (!success) break;
    CHECK(out[0].kind == WASM_FUNCREF && wasm_func_same(wasm_ref_as_func(out[0].of.ref),
                                                       wasm_extern_as_func(room.exports.data[DEEP])));
    wasm_val_delete(out);
    wasm_val_t delta[2] = {argument, WASM_I32_VAL(3)};
    wasm_val_vec_t two = {2, delta};
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[GROW_TABLE]), &two, &results));
    success = success && out[0].of.i32 != -1;
  }
  wasm_val_delete(&argument);
  return success;
}

static bool traps(void) {
  int32_t result;
  wasm_trap_t* trap = call(DEEP, 12, &result);
  bool success = trapped(trap, LIBWASM_TRAP_UNREACHABLE);
  wasm_message_t message;
  wasm_frame_vec_t trace;
  wasm_name_t name;
  wasm_trap_message(trap, &message);
  success &= worked(message.size > 0);
  wasm_byte_vec_delete(&message);
  wasm_trap_trace(trap, &trace);
  if (success) success = worked(trace.size == 13);
  if (trace.size) {
    libwasm_frame_func_name(trace.data[0], &name);
    success &= worked(name.size == 4);
    wasm_name_delete(&name);
  }
  wasm_frame_t* origin = wasm_trap_origin(trap);
  success = success && worked(origin);
  if (origin) CHECK(wasm_frame_func_index(origin) == 3);
  wasm_frame_delete(origin);
  wasm_frame_vec_delete(&trace);
  wasm_trap_delete(trap);
  trap = call(CALLBACK, -1, &result);
  success &= trapped(trap, LIBWASM_TRAP_HOST);
  wasm_trap_delete(trap);
  trap = call(BULK, INT32_MIN, &result);
  success &= trapped(trap, LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  wasm_trap_delete(trap);
  trap = call(OVERFLOW_, 0, &result);
  success &= trapped(trap, LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
  return success;
}

static int finalized;
static void finalizer(void* env) { finalized += env == &finalized; }

static wasm_trap_t* host_with_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(env == &finalized);
  return host(args, results);
}

static bool objects(void) {
  finalized = 0;
  wasm_func_t* func = wasm_func_new_with_env(room.store, room.unary, host_with_env, &finalized, finalizer);
  CHECK(finalized == !func);
  if (!worked(func)) return false;
  wasm_val_t arg = WASM_I32_VAL(3), out = WASM_INIT_VAL;
  wasm_val_vec_t args = {1, &arg}, results = {1, &out};
  bool success = returned(wasm_func_call(func, &args, &results));
  wasm_functype_t* type = wasm_func_type(func);
  success &= worked(type);
  wasm_functype_delete(type);
  wasm_func_delete(func);
  CHECK(finalized == 1);

  wasm_limits_t limits = {1, 1000};
  wasm_globaltype_t* globaltype = wasm_globaltype_new(wasm_valtype_new(WASM_EXTERNREF), WASM_VAR);
  wasm_tabletype_t* tabletype = wasm_tabletype_new(wasm_valtype_new(WASM_FUNCREF), &limits);
  wasm_memorytype_t* memorytype = wasm_memorytype_new(&limits);
  success &= worked(globaltype) & worked(tabletype) & worked(memorytype);
  if (success) {
    wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(room.foreign));
    wasm_global_t* global = wasm_global_new(room.store, globaltype, &value);
    if ((success &= worked(global))) {
      wasm_global_get(global, &out);
      CHECK(worked(out.kind == WASM_EXTERNREF) ? wasm_ref_same(out.of.ref, value.of.ref) : true);
      wasm_val_delete(&out);
      wasm_global_set(global, &value);
      wasm_global_delete(global);
    }
    wasm_table_t* table = wasm_table_new(room.store, tabletype, NULL);
    if ((success &= worked(table))) {
      success &= worked(wasm_table_grow(table, 500, NULL));
      CHECK(wasm_table_size(table) == (success ? 501 : wasm_table_size(table)));
      wasm_ref_t* ref = wasm_func_as_ref(wasm_extern_as_func(room.exports.data[ADD]));
      success &= worked(wasm_table_set(table, 0, ref));
      wasm_table_delete(table);
    }
    wasm_memory_t* memory = wasm_memory_new(room.store, memorytype);
    if ((success &= worked(memory))) {
      success &= worked(wasm_memory_grow(memory, 30));
      wasm_memory_delete(memory);
    }
  }
  wasm_globaltype_delete(globaltype);
  wasm_tabletype_delete(tabletype);
  wasm_memorytype_delete(memorytype);

  wasm_foreign_t* foreign = wasm_foreign_new(room.store);
  if ((success &= worked(foreign))) {
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, finalizer);
    wasm_foreign_delete(foreign);
    CHECK(finalized <= 2);
  }
  return success;
}

static bool types(void) {
  wasm_valtype_vec_t params, results, copy;
  wasm_valtype_vec_new_uninitialized(&params, 3);
  if (!worked(params.size == 3)) return false;
  bool success = true;
  for (int i = 0; i < 3; i++) {
    params.data[i] = wasm_valtype_new(i == 2 ? LIBWASM_NULLREF : WASM_I32);
    success &= worked(params.data[i]);
  }
  wasm_valtype_vec_copy(&copy, &params);
  success &= !success || worked(copy.size == 3);
  wasm_valtype_vec_delete(&copy);
  if (!success) return wasm_valtype_vec_delete(&params), false;
  wasm_valtype_vec_new_empty(&results);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  if (!worked(type)) return false;
  wasm_functype_t* other = wasm_functype_copy(type);
  success = worked(other);
  wasm_functype_delete(type);
  if (!success) return false;
  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "module");
  wasm_name_new_from_string_nt(&name, "a name of an import");
  success = worked(module.size == 6) & worked(name.size == 20);
  wasm_importtype_t* import = wasm_importtype_new(&module, &name, wasm_functype_as_externtype(other));
  if (!worked(import)) return false;
  wasm_importtype_t* imports = wasm_importtype_copy(import);
  success &= worked(imports);
  wasm_importtype_delete(imports);
  wasm_importtype_delete(import);
  uint8_t bytes[16] = {1, 2, 3};
  wasm_val_t val, twin;
  libwasm_val_new_v128(bytes, &val);
  success &= worked(val.kind == LIBWASM_V128);
  wasm_val_copy(&twin, &val);
  success &= worked(twin.kind == val.kind);
  wasm_val_delete(&val);
  wasm_val_delete(&twin);
  return success;
}

static void* on_thread(void* unused) {
  (void)unused;
  wasm_store_t* store = wasm_store_new(room.engine);
  bool success = worked(store);
  if (store) {
    wasm_byte_vec_t nothing = {3, "abc"};
    CHECK(!wasm_module_new(store, &nothing) && libwasm_last_error_kind() != LIBWASM_ERROR_NONE);
    success &= libwasm_last_error_kind() == LIBWASM_ERROR_INVALID;
    wasm_store_delete(store);
  }
  return success ? &room : NULL;
}

// A thread's first error, and its first store.
static bool threads(void) {
  pthread_t thread;
  void* success = NULL;
  if (pthread_create(&thread, NULL, on_thread, NULL) != 0) return false;
  CHECK(pthread_join(thread, &success) == 0);
  return success != NULL;
}

static const struct scenario {
  const char* name;
  bool (*run)(void);
} scenarios[] = {
    {"engines", engines},     {"compiling", compiling}, {"compiling_much", compiling_much}, {"text", text},
    {"artifacts", artifacts}, {"instances", instances}, {"calling", calling},   {"references", references},
    {"traps", traps},         {"objects", objects},     {"types", types},       {"threads", threads},
};

enum { HIT = 41, FEWER = 42 };

static void attempt(const struct scenario* scenario, long n, bool persistently) {
  // A deadlock ends here.
  alarm(60);
  inject_begin(n, persistently);
  bool success = scenario->run();
  bool hit = inject_end();
  CHECK(success || hit);
  libwasm_last_error_clear();
  CHECK(scenario->run());
  wasm_extern_vec_delete(&room.exports);
  wasm_instance_delete(room.instance);
  wasm_foreign_delete(room.foreign);
  wasm_module_delete(room.module);
  wasm_store_delete(room.store);
  wasm_engine_delete(room.engine);
  _exit(hit ? HIT : FEWER);
}

// Whether a child died of something that the library cannot help: a thread that it has started to compile on registers a destructor
// of the standard library's thread-local storage, and the C library ends the process where it has no memory for that. The
// library asks for the memory of a thread before it starts one, so this takes memory that runs out just then.
static bool beyond_help(const struct scenario* scenario, int status, const char* errors) {
  return scenario->run == compiling_much && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
         strcmp(errors, "Fatal glibc error: failed to register TLS destructor: out of memory\n") == 0;
}

// Runs an attempt in a child, and gives its status and the beginning of what it wrote to standard error.
static int in_child(const struct scenario* scenario, long n, bool persistently, char* errors, size_t room_for_errors) {
  int ends[2], status;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    attempt(scenario, n, persistently);
  }
  close(ends[1]);
  size_t length = 0;
  char byte;
  while (read(ends[0], &byte, 1) == 1) {
    if (length + 1 < room_for_errors) errors[length++] = byte;
  }
  errors[length] = '\0';
  close(ends[0]);
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

int main(int argc, char** argv) {
  CHECK(argc == 4);
  bool persistently = strcmp(argv[2], "on") == 0;
  const struct scenario* scenario = scenarios;
  while (strcmp(scenario->name, argv[1]) != 0) CHECK(++scenario < scenarios + sizeof scenarios / sizeof *scenarios);
  make_room();
  // One request only, to look into it.
  const char* only = getenv("INJECT_ONLY");
  const long step = atol(argv[3]);
  CHECK(step > 0);
  static char errors[1 << 16];
  int failures = 0, ended = 0, status = 0;
  long tried = 0;
  for (long n = only ? atol(only) : 1; status != FEWER << 8; n += step) {
    status = in_child(scenario, n, persistently, errors, sizeof errors);
    tried++;
    if (beyond_help(scenario, status, errors)) {
      ended++;
    } else if (status != HIT << 8 && status != FEWER << 8) {
      failures++;
      fprintf(stderr, "FAILED %s %s at request %ld: status %#x\n%s", argv[1], argv[2], n, status, errors);
    }
    if (only) break;
  }
  CHECK(unlink(room.path) == 0);
  // The moment is short: while such a thread starts, for which the one that started it waits.
  CHECK(ended <= 1 + 32 / step);
  printf("%s %s: %ld requests of one in %ld failed in turn, %d badly; %d times the C library ended the process\n", argv[1],
         argv[2], tried, step, failures, ended);
  return failures != 0;
}
