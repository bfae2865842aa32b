// Many instances at once, address space that runs out, and what comes back when some go.

#include "check.h"
#include <sys/resource.h>

enum { MANY = 20000 };

// A memory whose data is worth mapping, and one without: with each instance a few mappings of the 65,530 that a process may have.
static const char* const SMALL = "(module (memory (export \"m\") 1) (table 4 funcref) (elem (i32.const 0) $f)"
  "  (func $f (export \"f\") (param i32) (result i32) (local i32)"
  "    (local.set 1 (i32.load (i32.const 40000))) (i32.store (i32.const 40000) (local.get 0)) (local.get 1)))";

static long count_mappings(void) {
  FILE* file = fopen("/proc/self/maps", "r");
  long lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  return lines;
}

static wasm_module_t* with_data(wasm_store_t* store) {
  static char text[1 << 17];
  int n = sprintf(text, "(module (memory (export \"m\") 40) (data (i32.const 1048576) \"");
  for (int i = 0; i < 50000; i++) text[n++] = (char)('a' + i % 26);
  sprintf(text + n, "\") (func $f (export \"f\") (param i32) (result i32) (local i32)"
    "  (local.set 1 (i32.load8_u (i32.add (i32.const 1048576) (local.get 0))))"
    "  (i32.store8 (i32.add (i32.const 1048576) (local.get 0)) (i32.const 0)) (local.get 1)))");
  return check_module(store, text);
}

static wasm_instance_t* instantiate(wasm_store_t* store, wasm_module_t* module) {
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, &trap);
  if (trap) wasm_trap_delete(trap);
  return instance;
}

static int call(wasm_instance_t* instance, int argument) {
  wasm_func_t* func = check_func(instance, 1);
  int result = check_call(func, 1, argument);
  wasm_func_delete(func);
  return result;
}

static void many(wasm_store_t* store, wasm_module_t* module, int first) {
  static wasm_instance_t* instances[MANY];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < MANY; i++) {
      instances[i] = instantiate(store, module);
      CHECK(instances[i]);
    }
    CHECK(count_mappings() < 3 * MANY + 3000);
    for (int i = 0; i < MANY; i += 997) CHECK(call(instances[i], 1) == first);
    for (int i = 0; i < MANY; i++) wasm_instance_delete(instances[i]);
    CHECK(count_mappings() < 4 * 1024 + 1000);
  }
}

// Memories with 64-bit addresses are given less address space each when they are many.
static void many_wide(void) {
  enum { WIDE = 4000 };
  static wasm_instance_t* instances[WIDE];
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = check_module(store,
      "(module (memory (export \"m\") i64 1) (func (export \"f\") (param i32) (result i32)"
      "  (i32.store (i64.const 65532) (local.get 0)) (drop (memory.grow (i64.const 1))) (i32.load (i64.const 65532)))"
      "  (func (export \"far\") (drop (i32.load (i64.const -8)))))");
  for (int i = 0; i < WIDE; i++) {
    instances[i] = instantiate(store, module);
    CHECK(instances[i]);
  }
  for (int i = 0; i < WIDE; i += i < WIDE - 50 ? 97 : 1) {
    CHECK(call(instances[i], i) == i);
    wasm_func_t* far = check_func(instances[i], 2);
    wasm_trap_t* trap = check_trap(far);
    CHECK(trap_says(trap, "out of bounds memory access: byte 0x"));
    wasm_trap_delete(trap);
    wasm_func_delete(far);
  }
  // Some have all that a memory can get without being asked for, the last ones less.
  wasm_memory_t* memory = check_memory(instances[WIDE - 1], 0);
  CHECK(!libwasm_memory_grow(memory, (64ull << 30) / 65536 - 2) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK(reason_says("above its reservation") && libwasm_memory_grow(memory, 100));
  wasm_memory_delete(memory);
  for (int i = 0; i < WIDE; i++) wasm_instance_delete(instances[i]);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

// The engine has decided to reserve; then there is less address space than it thinks.
static void exhaustion(wasm_store_t* store, wasm_module_t* small, wasm_module_t* data) {
  enum { MOST = 200 };
  wasm_instance_t* instances[MOST];
  struct rlimit old, limit;
  CHECK(getrlimit(RLIMIT_AS, &old) == 0);
  for (int round = 0; round < 3; round++) {
    limit = old;
    limit.rlim_cur = (rlim_t)100 << 30;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    int count = 0;
    while (count < MOST && (instances[count] = instantiate(store, round & 1 ? data : small))) count++;
    CHECK(count >= 5 && count < MOST);
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
    CHECK(reason_says("cannot reserve address space: ") && reason_says("for a memory (libwasm_config_set_memory_reservation"));
    // Another module has what is kept for the first.
    for (int i = 0; i < 3; i++) wasm_instance_delete(instances[--count]);
    wasm_instance_t* other = instantiate(store, round & 1 ? small : data);
    CHECK(other);
    CHECK(call(other, 1) == (round & 1 ? 0 : 'b'));
    wasm_instance_delete(other);
    wasm_limits_t limits = {1, 10};
    wasm_memorytype_t* type = wasm_memorytype_new(&limits);
    wasm_memory_t* memory = wasm_memory_new(store, type);
    wasm_memorytype_delete(type);
    CHECK(memory);
    CHECK(wasm_memory_grow(memory, 2));
    wasm_memory_delete(memory);
    for (int i = 0; i < count; i++) {
      CHECK(call(instances[i], 1) == (round & 1 ? 'b' : 0));
      wasm_instance_delete(instances[i]);
    }
    CHECK(setrlimit(RLIMIT_AS, &old) == 0);
  }
}

int main(void) {
  many_wide();
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t *small = check_module(store, SMALL), *data = with_data(store);
  many(store, small, 0);
  many(store, data, 'b');
  wasm_module_delete(small);
  wasm_module_delete(data);
  wasm_store_delete(store);
  wasm_engine_delete(engine);

  engine = wasm_engine_new();
  store = wasm_store_new(engine);
  small = check_module(store, SMALL);
  data = with_data(store);
  exhaustion(store, small, data);
  wasm_module_delete(small);
  wasm_module_delete(data);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
