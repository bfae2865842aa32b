// Shared memories: made, shared and obtained; the same bytes in stores on several threads; growth under way while others read; races;
// deleted in any order.

#include "check.h"

#include <pthread.h>

enum { PAGE = 65536 };

static wasm_memorytype_t* memory_type(uint64_t min, uint64_t max, bool shared) {
  libwasm_limits_t limits = {.min = min, .max = max, .has_max = true, .shared = shared};
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  CHECK(type);
  return type;
}

static libwasm_shared_memory_t* shared_memory(wasm_engine_t* engine, uint64_t min, uint64_t max) {
  wasm_memorytype_t* type = memory_type(min, max, true);
  libwasm_shared_memory_t* memory = libwasm_shared_memory_new(engine, type);
  CHECK(memory);
  wasm_memorytype_delete(type);
  return memory;
}

// An instance in a store of its own, with a shared memory as its only import.
struct guest {
  wasm_store_t* store;
  wasm_memory_t* memory;
  wasm_instance_t* instance;
};

static struct guest guest_new(wasm_engine_t* engine, const libwasm_shared_memory_t* shared, const char* wat) {
  struct guest guest = {wasm_store_new(engine), NULL, NULL};
  guest.memory = libwasm_memory_obtain(guest.store, shared);
  CHECK(guest.memory);
  guest.instance = check_instance(guest.store, wat, 1, wasm_memory_as_extern(guest.memory));
  return guest;
}

static void guest_delete(struct guest* guest) {
  wasm_instance_delete(guest->instance);
  wasm_memory_delete(guest->memory);
  wasm_store_delete(guest->store);
}

static int32_t guest_call(const struct guest* guest, size_t export_, int32_t a, int32_t b) {
  wasm_func_t* func = check_func(guest->instance, export_);
  size_t arity = wasm_func_param_arity(func);
  int32_t result = check_call(func, (int)arity, a, b);
  wasm_func_delete(func);
  return result;
}

static const char* const GUEST =
    "(module (import \"\" \"m\" (memory 1 100 shared)) (data $d \"libwasm\")"
    "  (func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
    "  (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
    "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    "  (func (export \"size\") (result i32) (memory.size))"
    "  (func (export \"init\") (param i32) (memory.init $d (local.get 0) (i32.const 0) (i32.const 7)))"
    // Reads the last byte there is, again and again: how many times it was not zero.
    "  (func (export \"last\") (param i32) (result i32) (local i32)"
    "    (loop $l"
    "      (local.set 1 (i32.add (local.get 1)"
    "        (i32.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)))))"
    "      (br_if $l (i32.lt_u (memory.size) (local.get 0))))"
    "    (local.get 1))"
    // Reads one byte, so that the length is known; waits for a flag; reads where there was nothing before.
    "  (func (export \"after\") (param i32) (result i32) (local i32)"
    "    (local.set 1 (i32.load8_u offset=64 (i32.and (local.get 0) (i32.const 255))))"
    "    (loop $l (br_if $l (i32.eqz (i32.atomic.load (i32.const 0)))))"
    "    (i32.add (local.get 1) (i32.load8_u (local.get 0))))"
    // Grows, writes there, says so.
    "  (func (export \"before\") (param i32) (drop (memory.grow (i32.const 1)))"
    "    (i32.store8 (local.get 0) (i32.const 9)) (i32.atomic.store (i32.const 0) (i32.const 1)))"
    "  (func (export \"fill\") (param i32 i32) (memory.fill (i32.const 4096) (local.get 0) (local.get 1)))"
    "  (func (export \"copy\") (param i32 i32) (memory.copy (local.get 0) (i32.const 4096) (local.get 1))))";
enum { LOAD, STORE, GROW, SIZE, INIT, LAST, AFTER, BEFORE, FILL, COPY };

// The same bytes for two stores and the host, at the same place, and the same size.
static void one_memory(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine, 1, 100);
  byte_t* data = libwasm_shared_memory_data(shared);
  struct guest a = guest_new(engine, shared, GUEST), b = guest_new(engine, shared, GUEST);
  CHECK(wasm_memory_data(a.memory) == data && wasm_memory_data(b.memory) == data);
  guest_call(&a, STORE, 77, 5);
  CHECK(guest_call(&b, LOAD, 77, 0) == 5 && data[77] == 5);
  guest_call(&b, INIT, 100, 0);
  CHECK(memcmp(data + 100, "libwasm", 7) == 0 && guest_call(&a, LOAD, 106, 0) == 'm');

  CHECK(guest_call(&a, GROW, 2, 0) == 1 && guest_call(&b, SIZE, 0, 0) == 3);
  CHECK(libwasm_shared_memory_size(shared) == 3 && libwasm_shared_memory_data_size(shared) == 3 * PAGE);
  CHECK(wasm_memory_size(b.memory) == 3 && wasm_memory_data_size(b.memory) == 3 * PAGE);
  CHECK(libwasm_shared_memory_grow(shared, 1) && guest_call(&a, SIZE, 0, 0) == 4);
  CHECK(wasm_memory_grow(b.memory, 1) && libwasm_memory_grow(a.memory, 1) && libwasm_shared_memory_size(shared) == 6);
  CHECK_REASON(!libwasm_shared_memory_grow(shared, 95) && libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK_REASON(!libwasm_shared_memory_grow(shared, UINT64_MAX));
  CHECK(guest_call(&b, GROW, 95, 0) == -1 && guest_call(&b, GROW, 94, 0) == 6 && guest_call(&a, GROW, 1, 0) == -1);
  guest_call(&a, STORE, 100 * PAGE - 1, 6);
  CHECK(data[100 * PAGE - 1] == 6 && libwasm_shared_memory_data(shared) == data);
  guest_delete(&a);
  guest_delete(&b);
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
}

// What is the same and what is not; types; what is refused.
static void objects(void) {
  wasm_engine_t *engine = check_engine(), *other = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  libwasm_shared_memory_t *shared = shared_memory(engine, 1, 10), *copy = libwasm_shared_memory_copy(shared), *twin = shared_memory(engine, 1, 10);
  CHECK(libwasm_shared_memory_same(shared, copy) && !libwasm_shared_memory_same(shared, twin));
  wasm_memory_t *a = libwasm_memory_obtain(store, shared), *b = libwasm_memory_obtain(store, copy);
  CHECK(a && b && !wasm_memory_same(a, b) && wasm_memory_data(a) == wasm_memory_data(b));
  libwasm_shared_memory_t* again = libwasm_memory_share(a);
  CHECK(libwasm_shared_memory_same(again, shared));
  libwasm_shared_memory_delete(again);
  wasm_memorytype_t *type = libwasm_shared_memory_type(shared), *of_memory = wasm_memory_type(a);
  libwasm_limits_t limits;
  for (int i = 0; i < 2; i++) {
    CHECK(libwasm_memorytype_limits(i ? of_memory : type, &limits));
    CHECK(limits.shared && limits.min == 1 && limits.has_max && limits.max == 10 && !limits.index64 && limits.page_size == PAGE);
  }
  wasm_memorytype_delete(type);
  wasm_memorytype_delete(of_memory);

  // A memory that is not shared is none; one that is, is the type's business.
  wasm_memorytype_t *plain = memory_type(1, 10, false), *with = memory_type(1, 10, true);
  CHECK_REASON(!libwasm_shared_memory_new(engine, plain));
  wasm_memory_t *unshared = wasm_memory_new(store, plain), *own = wasm_memory_new(store, with);
  CHECK_REASON(!libwasm_memory_share(unshared));
  again = libwasm_memory_share(own);
  CHECK(again && libwasm_shared_memory_data(again) == wasm_memory_data(own));
  libwasm_shared_memory_delete(again);
  libwasm_limits_t endless = {.min = 1, .shared = true}, twisted = {.min = 2, .max = 1, .has_max = true, .shared = true};
  libwasm_limits_t huge = {.min = 1, .max = 65537, .has_max = true, .shared = true};
  const libwasm_limits_t* bad[] = {&endless, &twisted, &huge};
  for (int i = 0; i < 3; i++) {
    type = libwasm_memorytype_new(bad[i]);
    CHECK_REASON(!libwasm_shared_memory_new(engine, type));
    CHECK_REASON(!wasm_memory_new(store, type));
    wasm_memorytype_delete(type);
  }
  wasm_store_t* of_other = wasm_store_new(other);
  CHECK_REASON(!libwasm_memory_obtain(of_other, shared));
  wasm_store_delete(of_other);

  // Imports match by being shared, too, and limits are compared with those of now.
  static const char* const WANTS[] = {"(module (import \"\" \"m\" (memory 1 10)))", "(module (import \"\" \"m\" (memory 1 10 shared)))",
                                      "(module (import \"\" \"m\" (memory 2 10 shared)))", "(module (import \"\" \"m\" (memory 1 9 shared)))"};
  for (int i = 0; i < 4; i++) {
    wasm_module_t* module = check_module(store, WANTS[i]);
    wasm_extern_t* given[] = {wasm_memory_as_extern(i ? a : unshared), wasm_memory_as_extern(i ? unshared : a)};
    for (int j = 0; j < 2; j++) {
      wasm_extern_vec_t imports = {1, &given[j]};
      wasm_trap_t* trap = NULL;
      wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &trap);
      CHECK((instance != NULL) == (i < 2 && j == 0));
      if (!instance) CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_LINK);
      if (instance) wasm_instance_delete(instance);
      if (trap) wasm_trap_delete(trap);
    }
    wasm_module_delete(module);
  }
  wasm_memorytype_delete(plain);
  wasm_memorytype_delete(with);
  wasm_memory_delete(unshared);
  wasm_memory_delete(own);
  // The bytes outlive the handles, the store that made them, and the engine's.
  wasm_memory_data(a)[5] = 50;
  libwasm_shared_memory_delete(shared);
  libwasm_shared_memory_delete(twin);
  wasm_memory_delete(a);
  wasm_memory_delete(b);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  wasm_engine_delete(other);
  CHECK(libwasm_shared_memory_data(copy)[5] == 50 && libwasm_shared_memory_grow(copy, 9));
  libwasm_shared_memory_delete(copy);
}

// A memory that a module defines and exports: its data is there once, and other stores get it by its export.
static void exported(void) {
  wasm_engine_t* engine = check_engine();
  wasm_store_t* store = wasm_store_new(engine);
  static const char* const WAT = "(module (memory (export \"m\") 2 3 shared) (data (i32.const 70000) \"once\"))";
  wasm_module_t* module = check_module(store, WAT);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  for (int i = 0; i < 3; i++) {
    // Each instance has a memory of its own, as new.
    wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
    wasm_memory_t* memory = check_memory(instance, 0);
    wasm_instance_delete(instance);
    libwasm_shared_memory_t* shared = libwasm_memory_share(memory);
    wasm_memory_delete(memory);
    struct guest guest = guest_new(engine, shared, "(module (import \"\" \"m\" (memory 2 3 shared)) (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0))))");
    CHECK(guest_call(&guest, 0, 70000, 0) == 0x65636e6f && guest_call(&guest, 0, 0, 0) == 0);
    memset(libwasm_shared_memory_data(shared), 1, 2 * PAGE);
    CHECK(libwasm_shared_memory_grow(shared, 1));
    guest_delete(&guest);
    libwasm_shared_memory_delete(shared);
  }
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

struct task {
  wasm_engine_t* engine;
  libwasm_shared_memory_t* shared;
  int number;
};

static void on_threads(int count, void* (*body)(void*), wasm_engine_t* engine, libwasm_shared_memory_t* shared) {
  pthread_t threads[8];
  struct task tasks[8];
  for (int i = 0; i < count; i++) {
    tasks[i] = (struct task){engine, shared, i};
    CHECK(!pthread_create(&threads[i], NULL, body, &tasks[i]));
  }
  for (int i = 0; i < count; i++) CHECK(!pthread_join(threads[i], NULL));
}

static void* grow_or_read(void* arg) {
  struct task* task = arg;
  struct guest guest = guest_new(task->engine, task->shared, GUEST);
  if (task->number < 2) {
    for (int i = 0; i < 40; i++) CHECK(task->number ? guest_call(&guest, GROW, 1, 0) > 0 : libwasm_shared_memory_grow(task->shared, 1));
  } else {
    CHECK(guest_call(&guest, LAST, 81, 0) == 0);
  }
  guest_delete(&guest);
  return NULL;
}

static void* before_and_after(void* arg) {
  struct task* task = arg;
  struct guest guest = guest_new(task->engine, task->shared, GUEST);
  if (task->number) CHECK(guest_call(&guest, AFTER, PAGE + 5, 0) == 9);
  else guest_call(&guest, BEFORE, PAGE + 5, 0);
  guest_delete(&guest);
  return NULL;
}

// What the size says can be accessed, whoever grows; and growth is seen by who is told of it.
static void growing(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine, 1, 100);
  on_threads(4, grow_or_read, engine, shared);
  CHECK(libwasm_shared_memory_size(shared) == 81);
  libwasm_shared_memory_delete(shared);
  for (int i = 0; i < 20; i++) {
    shared = shared_memory(engine, 1, 100);
    on_threads(3, before_and_after, engine, shared);
    libwasm_shared_memory_delete(shared);
  }
  wasm_engine_delete(engine);
}

static void* race(void* arg) {
  struct task* task = arg;
  struct guest guest = guest_new(task->engine, task->shared, GUEST);
  for (int i = 0; i < 200; i++) {
    guest_call(&guest, FILL, task->number + 1, 5000 + i);
    guest_call(&guest, COPY, 4096 + (task->number & 1 ? 100 : -100), 5000 + i);
    guest_call(&guest, INIT, 30000, 0);
    int byte = guest_call(&guest, LOAD, 4096 + i, 0);
    CHECK(byte > 0 && byte <= 4);
    CHECK(guest_call(&guest, LOAD, 30000 + i % 7, 0) == "libwasm"[i % 7]);
  }
  guest_delete(&guest);
  return NULL;
}

// Bulk operations on the same bytes at the same time: each byte is one of those that were written.
static void racing(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine, 1, 100);
  memset(libwasm_shared_memory_data(shared), 1, PAGE);
  on_threads(4, race, engine, shared);
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
}

static void* make_and_drop(void* arg) {
  struct task* task = arg;
  for (int i = 0; i < 50; i++) {
    struct guest guest = guest_new(task->engine, task->shared, GUEST);
    libwasm_shared_memory_t *mine = shared_memory(task->engine, 1, 2), *same = libwasm_memory_share(guest.memory);
    CHECK(libwasm_shared_memory_same(same, task->shared) && libwasm_shared_memory_data(mine)[PAGE - 1] == 0);
    libwasm_shared_memory_data(mine)[PAGE - 1] = 1;
    guest_delete(&guest);
    libwasm_shared_memory_delete(same);
    libwasm_shared_memory_delete(mine);
  }
  return NULL;
}

// Handles come and go on several threads; a memory that dies leaves nothing to the next.
static void coming_and_going(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine, 1, 100);
  on_threads(4, make_and_drop, engine, shared);
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
}

int main(void) {
  one_memory();
  objects();
  exported();
  growing();
  racing();
  coming_and_going();
  return 0;
}
