// What the generated calls are made with: good objects of a store, of another store, and of another engine.

#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#define OBJECTS(X) X(valtype) X(functype) X(globaltype) X(tabletype) X(memorytype) X(tagtype) X(importtype) X(exporttype) \
  X(frame)
// Those of libwasm.h.
#define EXTENSIONS(X) X(fieldtype) X(deftype)

struct home {
  wasm_config_t* config;
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_shared_module_t* shared_module;
  wasm_instance_t* instance;
  wasm_func_t* func;
  wasm_global_t* global;
  wasm_table_t* table;
  wasm_memory_t* memory;
  libwasm_shared_memory_t* shared_memory;
  wasm_memory_t* view;  // The shared memory as one of the store's.
  wasm_memorytype_t* shared_memorytype;
  wasm_extern_t* extern_;
  libwasm_tag_t* tag;
  wasm_ref_t *ref, *exception, *i31, *structure, *array;
  libwasm_deftype_t *arraytype, *func_deftype;
  libwasm_recgroup_t *recgroup, *defined_group;  // The first is under construction.
  libwasm_weak_t* weak;
  wasm_val_t any, external;
  wasm_val_vec_t fields;
  wasm_foreign_t* foreign;
  wasm_trap_t* trap;
  wasm_externtype_t* externtype;
  wasm_val_t val;
  wasm_byte_vec_t byte_vec, artifact;
  wasm_val_vec_t val_vec;
  wasm_extern_vec_t extern_vec;
  wasm_externtype_vec_t externtype_vec;
#define FIELDS(name)        \
  wasm_##name##_t* name;    \
  wasm_##name##_vec_t name##_vec;
  OBJECTS(FIELDS)
#define EXTENSION_FIELDS(name)  \
  libwasm_##name##_t* name;     \
  libwasm_##name##_vec_t name##_vec;
  EXTENSIONS(EXTENSION_FIELDS)
  // Works as long as the store does.
  wasm_func_t* canary;
};

static struct home here, near, there;

static int info;
static uint8_t bytes[16];
static wasm_limits_t limits = {1, 2}, twisted_limits = {2, 1}, huge_limits = {0xfffffffe, 0xfffffffe};
static libwasm_heap_statistics_t out_statistics;
static libwasm_limits_t out_limits, exact_limits = {.min = 1, .max = 2, .has_max = true};
static libwasm_limits_t shared_limits = {.min = 1, .max = 2, .has_max = true, .shared = true};
static libwasm_limits_t twisted_exact_limits = {.min = 2, .max = 1, .has_max = true};
static libwasm_limits_t huge_exact_limits = {.min = UINT64_MAX, .max = UINT64_MAX, .has_max = true, .index64 = true};
static libwasm_limits_t odd_limits = {.min = 1, .page_size = 3}, reserved_limits = {.min = 1, .reserved = {1}};
// An artifact of `here.module`.
static char path[64];
static wasm_byte_vec_t text = {8, "(module)"};
static wasm_val_vec_t vals_of_nothing = {1, NULL};
static wasm_extern_vec_t externs_of_nothing = {1, NULL};
static wasm_byte_vec_t bytes_of_nothing = {9, NULL};

// What calls write to; before each call they hold what no call writes.
static wasm_trap_t* out_trap;
static wasm_val_t out_val;
#define OUTS(X) OBJECTS(X) X(byte) X(val) X(extern) X(externtype)
#define OUT(name) static wasm_##name##_vec_t out_##name##_vec;
OUTS(OUT)
#define EXTENSION_OUT(name) static libwasm_##name##_vec_t out_##name##_vec;
EXTENSIONS(EXTENSION_OUT)

static void finalizer(void* unused) { (void)unused; }

static wasm_trap_t* callback(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

static void trace(void* env, libwasm_visit_t visit, void* visitor) {
  (void)env;
  visit(NULL, visitor);
}

static wasm_trap_t* callback_with_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

static const char* const MODULE =
    "(module (import \"a\" \"b\" (func $b (param i32) (result i32))) (global (export \"g\") (mut i32) (i32.const 1))"
    "  (table (export \"t\") 2 6 funcref) (memory (export \"m\") 1 6)"
    "  (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 41)))"
    "  (func (export \"trap\") unreachable))";

static wasm_name_t name_of(const char* text) {
  wasm_name_t name;
  wasm_name_new_from_string(&name, text);
  return name;
}

static wasm_functype_t* new_functype(void) {
  return wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
}

static wasm_importtype_t* new_importtype(void) {
  wasm_name_t module = name_of("a"), name = name_of("b");
  return wasm_importtype_new(&module, &name, wasm_functype_as_externtype(new_functype()));
}

static wasm_exporttype_t* new_exporttype(void) {
  wasm_name_t name = name_of("b");
  return wasm_exporttype_new(&name, wasm_functype_as_externtype(new_functype()));
}

// Takes one i32.
static libwasm_tag_t* new_tag(wasm_store_t* store) {
  wasm_tagtype_t* type = wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_i32()));
  libwasm_tag_t* tag = libwasm_tag_new(store, type);
  CHECK(tag);
  wasm_tagtype_delete(type);
  return tag;
}

static void fill_types(struct home* home) {
  home->valtype = wasm_valtype_new_i32();
  home->functype = new_functype();
  home->globaltype = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
  home->tabletype = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  home->memorytype = wasm_memorytype_new(&limits);
  home->tagtype = wasm_tagtype_new(wasm_functype_new_0_0());
  home->externtype = wasm_functype_as_externtype(new_functype());
  home->importtype = new_importtype();
  home->exporttype = new_exporttype();
  wasm_externtype_t* item = wasm_externtype_copy(home->externtype);
  wasm_externtype_vec_new(&home->externtype_vec, 1, &item);
  home->frame = wasm_trap_origin(home->trap);
  CHECK(home->frame);
#define FILL(name)                                              \
  {                                                             \
    wasm_##name##_t* copy = wasm_##name##_copy(home->name);     \
    CHECK(copy);                                                \
    wasm_##name##_vec_new(&home->name##_vec, 1, &copy);         \
  }
  OBJECTS(FILL)
}

static libwasm_fieldtype_t* new_fieldtype(void) { return libwasm_fieldtype_new(wasm_valtype_new_i32(), WASM_VAR); }

// Structures of two i32, arrays of i32, a group with one member more, and objects of them.
static void fill_objects(struct home* home) {
  home->fieldtype = new_fieldtype();
  libwasm_fieldtype_t* fields[] = {new_fieldtype(), new_fieldtype()};
  libwasm_fieldtype_vec_new(&home->fieldtype_vec, 2, fields);
  libwasm_fieldtype_vec_t copy;
  libwasm_fieldtype_vec_copy(&copy, &home->fieldtype_vec);
  home->deftype = libwasm_deftype_new_struct(&copy);
  home->arraytype = libwasm_deftype_new_array(new_fieldtype());
  home->func_deftype = libwasm_deftype_new_func(home->functype);
  CHECK(home->deftype && home->arraytype && home->func_deftype);
  libwasm_deftype_t* type = libwasm_deftype_copy(home->deftype);
  libwasm_deftype_vec_new(&home->deftype_vec, 1, &type);
  home->recgroup = libwasm_recgroup_new();
  CHECK(libwasm_recgroup_add_array(home->recgroup, new_fieldtype()));
  CHECK(libwasm_recgroup_add_struct(home->recgroup, NULL) && libwasm_recgroup_add_struct(home->recgroup, NULL));
  home->defined_group = libwasm_deftype_recgroup(home->deftype);
  wasm_val_t numbers[] = {WASM_I32_VAL(1), WASM_I32_VAL(2)};
  wasm_val_vec_new(&home->fields, 2, numbers);
  home->structure = libwasm_struct_new(home->store, home->deftype, &home->fields);
  home->array = libwasm_array_new_default(home->store, home->arraytype, 4);
  home->i31 = libwasm_i31_new(home->store, 5);
  CHECK(home->structure && home->array && home->i31);
  home->weak = libwasm_weak_new(home->structure);
  wasm_val_t any = {.kind = LIBWASM_ANYREF, .of = {.ref = wasm_ref_copy(home->structure)}};
  home->any = any;
  CHECK(libwasm_val_extern_convert_any(&home->any, &home->external));
}

static struct home make_home(wasm_engine_t* engine) {
  struct home home = {0};
  home.config = wasm_config_new();
  home.engine = engine;
  home.store = wasm_store_new(engine);
  home.byte_vec = check_wasm(MODULE);
  home.module = wasm_module_new(home.store, &home.byte_vec);
  CHECK(home.module);
  home.shared_module = wasm_module_share(home.module);
  wasm_module_serialize(home.module, &home.artifact);
  CHECK(home.artifact.size);
  wasm_functype_t* type = new_functype();
  wasm_extern_t* import = wasm_func_as_extern(wasm_func_new(home.store, type, callback));
  wasm_functype_delete(type);
  wasm_extern_vec_new(&home.extern_vec, 1, &import);
  home.instance = wasm_instance_new(home.store, home.module, &home.extern_vec, NULL);
  CHECK(home.instance);
  home.global = check_global(home.instance, 0);
  home.table = check_table(home.instance, 1);
  home.memory = check_memory(home.instance, 2);
  home.func = check_func(home.instance, 3);
  home.extern_ = check_export(home.instance, 3);
  wasm_func_t* trapper = check_func(home.instance, 4);
  home.trap = check_trap(trapper);
  wasm_func_delete(trapper);
  home.shared_memorytype = libwasm_memorytype_new(&shared_limits);
  home.shared_memory = libwasm_shared_memory_new(engine, home.shared_memorytype);
  home.view = libwasm_memory_obtain(home.store, home.shared_memory);
  CHECK(home.view);
  home.foreign = wasm_foreign_new(home.store);
  home.ref = wasm_ref_copy(wasm_func_as_ref(home.func));
  wasm_val_t number = WASM_I32_VAL(1);
  home.val = number;
  wasm_val_vec_new(&home.val_vec, 1, &number);
  home.tag = new_tag(home.store);
  home.exception = libwasm_exception_new(home.tag, &home.val_vec);
  CHECK(home.exception);
  wasm_instance_t* canary = wasm_instance_new(home.store, home.module, &home.extern_vec, NULL);
  home.canary = check_func(canary, 3);
  wasm_instance_delete(canary);
  fill_types(&home);
  fill_objects(&home);
  return home;
}

static wasm_val_t* val_of_kind(int kind) {
  static wasm_val_t val;
  memset(&val, 0, sizeof val);
  val.kind = (wasm_valkind_t)kind;
  return &val;
}

static wasm_val_t* foreign_as_func(void) {
  wasm_val_t* val = val_of_kind(WASM_FUNCREF);
  val->of.ref = wasm_foreign_as_ref(here.foreign);
  return val;
}

static wasm_val_vec_t* vals(size_t size) {
  static wasm_val_t data[4];
  static wasm_val_vec_t vec;
  vec.size = size;
  vec.data = data;
  return &vec;
}

static wasm_val_vec_t* vals_of_kind(int kind) {
  static wasm_val_vec_t vec;
  vec.size = 1;
  vec.data = val_of_kind(kind);
  return &vec;
}

static wasm_extern_vec_t* externs(size_t size, void* item) {
  static wasm_extern_t* data[1];
  static wasm_extern_vec_t vec;
  data[0] = item;
  vec.size = size;
  vec.data = data;
  return &vec;
}

static uint32_t next_random(uint32_t* state) {
  *state = *state * 1664525 + 1013904223;
  return *state >> 8;
}

static wasm_byte_vec_t* random_bytes(uint32_t seed) {
  static wasm_byte_vec_t vec;
  uint32_t state = seed;
  wasm_byte_vec_new_uninitialized(&vec, 8 + next_random(&state) % 500);
  for (size_t i = 0; i < vec.size; i++) vec.data[i] = (char)next_random(&state);
  // Half of them begin as a module does.
  if (seed % 2) memcpy(vec.data, "\0asm\1\0\0\0", 8);
  return &vec;
}

static wasm_byte_vec_t* damaged_bytes(const wasm_byte_vec_t* source, uint32_t seed) {
  static wasm_byte_vec_t vec;
  wasm_byte_vec_copy(&vec, source);
  uint32_t state = seed * 7919;
  for (uint32_t i = 0; i <= seed % 5; i++) vec.data[next_random(&state) % vec.size] = (char)next_random(&state);
  if (seed % 3 == 0) vec.size = next_random(&state) % vec.size;
  return &vec;
}

// Nothing that a call could write.
#define POISON ((void*)0xaaa8)

static void poison(void) {
  out_trap = POISON;
  memset(&out_val, 0xaa, sizeof out_val);
  memset(&out_limits, 0xaa, sizeof out_limits);
#define POISON_VEC(name) out_##name##_vec.size = 7, out_##name##_vec.data = POISON;
  OUTS(POISON_VEC)
  EXTENSIONS(POISON_VEC)
}

// Whether a call, as text, was given `&name`.
static bool given(const char* call, const char* name) {
  char argument[64];
  snprintf(argument, sizeof argument, "&%s", name);
  size_t length = strlen(argument);
  for (const char* at = strstr(call, argument); at; at = strstr(at + 1, argument)) {
    if (at[length] == ')' || at[length] == ',') return true;
  }
  return false;
}

// What a call was given to write was written. If the call failed, it is a trap, or empty: no elements, the i32 0. Otherwise it
// can be deleted.
static void check_written(const char* call, bool failed) {
  if (given(call, "out_trap")) {
    CHECK(out_trap != POISON);
    CHECK((out_trap != NULL) == failed);
    wasm_trap_delete(out_trap);
  }
  if (given(call, "out_val")) {
    CHECK(out_val.kind != 0xaa);
    CHECK(!failed || (out_val.kind == WASM_I32 && out_val.of.i64 == 0));
    wasm_val_delete(&out_val);
  }
  if (given(call, "out_limits")) CHECK(failed || out_limits.min <= 0xfffffffe);
#define WRITTEN(name)                                     \
  if (given(call, "out_" #name "_vec")) {                 \
    CHECK(out_##name##_vec.data != POISON);               \
    CHECK(!failed || out_##name##_vec.size == 0);         \
    wasm_##name##_vec_delete(&out_##name##_vec);          \
  }
  OUTS(WRITTEN)
#define EXTENSION_WRITTEN(name)                           \
  if (given(call, "out_" #name "_vec")) {                 \
    CHECK(out_##name##_vec.data != POISON);               \
    CHECK(!failed || out_##name##_vec.size == 0);         \
    libwasm_##name##_vec_delete(&out_##name##_vec);       \
  }
  EXTENSIONS(EXTENSION_WRITTEN)
}

static int failures, cases;

static void begin(void) {
  poison();
  libwasm_last_error_clear();
  // A deadlock ends here.
  alarm(60);
}

// Whether a call recorded a reason, which it must if `reason`.
static bool recorded(bool reason) {
  bool recorded = libwasm_last_error_kind() != 0;
  // Every reason is the caller's mistake, not the library's defect.
  CHECK(libwasm_last_error_kind() != LIBWASM_ERROR_INTERNAL);
  CHECK(recorded || !reason);
  CHECK(recorded == (*libwasm_last_error_message() != 0));
  return recorded;
}

static void end(void) {
  CHECK(check_call(here.canary, 1, 1) == 42);
  CHECK(check_call(near.canary, 1, 1) == 42);
  CHECK(check_call(there.canary, 1, 1) == 42);
}

// Makes a call in a process of its own.
#define IN_CHILD(what, ...)     \
  {                             \
    pid_t child = start(what);  \
    if (child == 0) {           \
      begin();                  \
      __VA_ARGS__;              \
      end();                    \
      _exit(0);                 \
    }                           \
    finish(what, child);        \
  }

// A call without a result.
#define CASE(what, reason, ...) IN_CHILD(what, __VA_ARGS__; check_written(#__VA_ARGS__, recorded(reason)))

// A call with a `result`: `failed` if it recorded a reason, `success` if it recorded none, and then deleted by `release`.
#define CASE_OF(what, reason, type, failed, success, release, ...) \
  IN_CHILD(what, type result = __VA_ARGS__;                        \
           if (recorded(reason)) CHECK(failed);                    \
           else CHECK(success);                                    \
           check_written(#__VA_ARGS__, libwasm_last_error_kind() != 0); \
           release)

static pid_t start(const char* what) {
  cases++;
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) check_failed(__FILE__, __LINE__, what);
  return child;
}

static void finish(const char* what, pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  failures++;
  if (WIFSIGNALED(status)) fprintf(stderr, "FAILED %s: signal %d\n", what, WTERMSIG(status));
  else fprintf(stderr, "FAILED %s\n", what);
}

struct attempt {
  const char* name;
  void (*run)(void);
};

extern const struct attempt attempts[];

int main(int argc, char** argv) {
  CHECK(argc == 2);
  wasm_engine_t* engine = check_engine();
  here = make_home(engine);
  snprintf(path, sizeof path, "/tmp/libwasm-robustness-%ld", (long)getpid());
  CHECK(libwasm_module_serialize_file(here.module, path));
  near = make_home(engine);
  there = make_home(check_engine());
  for (const struct attempt* attempt = attempts; attempt->name; attempt++) {
    if (strcmp(attempt->name, argv[1]) == 0) attempt->run();
  }
  CHECK(unlink(path) == 0);
  fprintf(stderr, "%s: %d calls, %d failures\n", argv[1], cases, failures);
  return failures || !cases;
}
