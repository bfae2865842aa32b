// Waiting and notifying in shared memories: guests and the host wake each other, by address; what ends a wait, and what is none.

#define _GNU_SOURCE

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 65536, ENDLESS = -1 };

// Results of the instructions, and a trap, of which `code` is the code.
static const char* const GUEST =
    "(module (import \"\" \"m\" (memory 1 2 shared))"
    "  (func (export \"wait32\") (param i64 i64 i64) (result i32)"
    "    (memory.atomic.wait32 (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (local.get 2)))"
    "  (func (export \"wait64\") (param i64 i64 i64) (result i32)"
    "    (memory.atomic.wait64 (i32.wrap_i64 (local.get 0)) (local.get 1) (local.get 2)))"
    "  (func (export \"notify\") (param i64 i64 i64) (result i32)"
    "    (memory.atomic.notify (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1))))"
    "  (func (export \"offset\") (param i64 i64 i64) (result i32)"
    "    (memory.atomic.wait32 offset=0xfffffffc (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (local.get 2))))";
enum { WAIT32, WAIT64, NOTIFY, OFFSET };

struct guest {
  wasm_store_t* store;
  wasm_instance_t* instance;
};

static struct guest guest_new(wasm_engine_t* engine, const libwasm_shared_memory_t* shared) {
  struct guest guest = {wasm_store_new(engine), NULL};
  wasm_memory_t* memory = libwasm_memory_obtain(guest.store, shared);
  CHECK(memory);
  guest.instance = check_instance(guest.store, GUEST, 1, wasm_memory_as_extern(memory));
  wasm_memory_delete(memory);
  return guest;
}

static void guest_delete(struct guest* guest) {
  wasm_instance_delete(guest->instance);
  wasm_store_delete(guest->store);
}

// The result of an export, or the code of its trap from 1000 on.
static int guest_call(const struct guest* guest, size_t export_, int64_t address, int64_t value, int64_t timeout) {
  wasm_func_t* func = check_func(guest->instance, export_);
  wasm_val_t values[] = {WASM_I64_VAL(address), WASM_I64_VAL(value), WASM_I64_VAL(timeout)}, result = WASM_I32_VAL(0);
  wasm_val_vec_t args = WASM_ARRAY_VEC(values), results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  wasm_func_delete(func);
  if (!trap) return result.of.i32;
  int code = libwasm_trap_code(trap);
  wasm_trap_delete(trap);
  return 1000 + code;
}

static libwasm_shared_memory_t* shared_memory(wasm_engine_t* engine) {
  libwasm_limits_t limits = {.min = 1, .max = 2, .has_max = true, .shared = true};
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  libwasm_shared_memory_t* memory = libwasm_shared_memory_new(engine, type);
  CHECK(memory);
  wasm_memorytype_delete(type);
  return memory;
}

// A thread that waits: a guest or the host, for 32 or for 64 bits, at an address whose value is 0.
struct sleeper {
  wasm_engine_t* engine;
  const libwasm_shared_memory_t* shared;
  bool host, wide;
  uint64_t address;
  int64_t timeout;
  pthread_t thread;
  int result;
};

static int wait_here(const struct sleeper* s, const struct guest* guest, int64_t timeout) {
  if (!s->host) return guest_call(guest, s->wide ? WAIT64 : WAIT32, (int64_t)s->address, 0, timeout);
  if (s->wide) return libwasm_shared_memory_wait64(s->shared, s->address, 0, timeout);
  return libwasm_shared_memory_wait32(s->shared, s->address, 0, timeout);
}

static void* sleep_here(void* arg) {
  struct sleeper* s = arg;
  struct guest guest = {NULL, NULL};
  if (!s->host) guest = guest_new(s->engine, s->shared);
  s->result = wait_here(s, &guest, s->timeout);
  guest_delete(&guest);
  return NULL;
}

static void start(struct sleeper* sleeper) { CHECK(!pthread_create(&sleeper->thread, NULL, sleep_here, sleeper)); }

static int end(struct sleeper* sleeper) {
  CHECK(!pthread_join(sleeper->thread, NULL));
  return sleeper->result;
}

// {guest, host} × {32, 64 bits} waits, {guest, host} notifies; those that wait for 32 and for 64 bits at one address wait together.
static void woken(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine);
  struct guest guest = guest_new(engine, shared);
  for (int by_host = 0; by_host < 2; by_host++) {
    struct sleeper sleepers[4];
    for (int i = 0; i < 4; i++) {
      sleepers[i] = (struct sleeper){.engine = engine, .shared = shared, .host = i & 1, .wide = i & 2, .address = PAGE - 8, .timeout = ENDLESS};
      start(&sleepers[i]);
    }
    // Others' addresses wake nobody, and the last words of the memory are addresses.
    for (int left = 4; left > 0;) {
      CHECK(guest_call(&guest, NOTIFY, PAGE - 4, -1, 0) == 0 && libwasm_shared_memory_notify(shared, 0, UINT32_MAX) == 0);
      CHECK(guest_call(&guest, NOTIFY, PAGE - 8, 0, 0) == 0 && libwasm_shared_memory_notify(shared, PAGE - 8, 0) == 0);
      int number = by_host ? (int)libwasm_shared_memory_notify(shared, PAGE - 8, 1) : guest_call(&guest, NOTIFY, PAGE - 8, 1, 0);
      CHECK(number == 0 || number == 1);
      left -= number;
      sched_yield();
    }
    for (int i = 0; i < 4; i++) CHECK(end(&sleepers[i]) == 0);
    CHECK(libwasm_shared_memory_notify(shared, PAGE - 8, UINT32_MAX) == 0);
  }
  guest_delete(&guest);
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
}

// What does not sleep, and what is over in time.
static void not_woken(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t* shared = shared_memory(engine);
  struct guest guest = guest_new(engine, shared);
  struct sleeper s = {.engine = engine, .shared = shared};
  for (int i = 0; i < 4; i++) {
    s.host = i & 1;
    s.wide = i & 2;
    int64_t size = s.wide ? 8 : 4, out = s.host ? LIBWASM_WAIT_FAILED : 1000 + LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS;
    int unaligned = s.host ? LIBWASM_WAIT_FAILED : 1000 + LIBWASM_TRAP_UNALIGNED_ATOMIC;
    // The last word there is, the first that is not, half of one, and addresses that are no multiple.
    s.address = (uint64_t)(PAGE - size);
    CHECK(wait_here(&s, &guest, 0) == LIBWASM_WAIT_TIMED_OUT && wait_here(&s, &guest, 1000000) == LIBWASM_WAIT_TIMED_OUT);
    libwasm_shared_memory_data(shared)[PAGE - 1] = 1;
    CHECK(wait_here(&s, &guest, ENDLESS) == LIBWASM_WAIT_NOT_EQUAL);
    libwasm_shared_memory_data(shared)[PAGE - 1] = 0;
    s.address = PAGE;
    CHECK(wait_here(&s, &guest, ENDLESS) == out);
    s.address = (uint64_t)(PAGE - size / 2);
    CHECK(wait_here(&s, &guest, ENDLESS) == out);
    s.address = UINT32_MAX - (uint64_t)size + 1;
    CHECK(wait_here(&s, &guest, ENDLESS) == out);
    s.address = (uint64_t)(size / 2);
    CHECK(wait_here(&s, &guest, ENDLESS) == unaligned);
    if (!s.host) continue;
    s.address = UINT64_MAX - 3;
    CHECK_REASON(wait_here(&s, &guest, ENDLESS) == LIBWASM_WAIT_FAILED);
  }
  CHECK(guest_call(&guest, NOTIFY, PAGE, 1, 0) == 1000 + LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  CHECK(guest_call(&guest, NOTIFY, PAGE - 2, 1, 0) == 1000 + LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  CHECK(guest_call(&guest, NOTIFY, 6, 1, 0) == 1000 + LIBWASM_TRAP_UNALIGNED_ATOMIC);
  CHECK_REASON(libwasm_shared_memory_notify(shared, PAGE, 1) == 0);
  CHECK_REASON(libwasm_shared_memory_notify(shared, UINT64_MAX, 1) == 0);
  CHECK_REASON(libwasm_shared_memory_notify(shared, 6, 1) == 0);
  // The address is a sum of more than 32 bits, not what is left of it.
  CHECK(guest_call(&guest, OFFSET, 4, 1, ENDLESS) == 1000 + LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  CHECK_REASON(libwasm_shared_memory_wait32(NULL, 0, 0, ENDLESS) == LIBWASM_WAIT_FAILED);
  CHECK_REASON(libwasm_shared_memory_wait64(NULL, 0, 0, ENDLESS) == LIBWASM_WAIT_FAILED);
  CHECK_REASON(libwasm_shared_memory_notify(NULL, 0, 1) == 0);
  // What a memory has grown to can be waited at.
  CHECK(libwasm_shared_memory_grow(shared, 1) && guest_call(&guest, WAIT32, PAGE, 0, 0) == LIBWASM_WAIT_TIMED_OUT);
  // A wait lasts as long as it says.
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  CHECK(guest_call(&guest, WAIT64, 8, 0, 20000000) == LIBWASM_WAIT_TIMED_OUT);
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK((now.tv_sec - begin.tv_sec) * 1000000000ll + now.tv_nsec - begin.tv_nsec >= 20000000);
  guest_delete(&guest);
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
}

// The host ends all waits, those that come too, until it says otherwise.
static void interrupted(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_shared_memory_t *shared = shared_memory(engine), *other = shared_memory(engine);
  for (int late = 0; late < 2; late++) {
    struct sleeper sleepers[5];
    for (int i = 0; i < 5; i++) {
      int64_t timeout = i & 1 ? ENDLESS : INT64_MAX;
      sleepers[i] = (struct sleeper){.engine = engine, .shared = i == 4 ? other : shared, .host = i & 1, .wide = i & 2, .address = 8 * (uint64_t)(i / 2), .timeout = timeout};
    }
    if (late) CHECK(libwasm_shared_memory_set_interrupted(shared, true));
    for (int i = 0; i < 5; i++) start(&sleepers[i]);
    // Wherever a thread is on its way, it ends.
    if (!late) usleep(1000);
    if (!late) CHECK(libwasm_shared_memory_set_interrupted(shared, true));
    for (int i = 0; i < 4; i++) CHECK(end(&sleepers[i]) == (i & 1 ? LIBWASM_WAIT_INTERRUPTED : 1000 + LIBWASM_TRAP_INTERRUPTED));
    // Nobody is left in a queue, and another memory's threads sleep on.
    CHECK(libwasm_shared_memory_notify(shared, 0, UINT32_MAX) + libwasm_shared_memory_notify(shared, 8, UINT32_MAX) == 0);
    while (!libwasm_shared_memory_notify(other, 16, 1)) sched_yield();
    CHECK(end(&sleepers[4]) == 0);
  }
  struct guest guest = guest_new(engine, shared);
  CHECK(guest_call(&guest, WAIT32, 0, 0, 0) == 1000 + LIBWASM_TRAP_INTERRUPTED && guest_call(&guest, WAIT32, 0, 1, ENDLESS) == LIBWASM_WAIT_NOT_EQUAL);
  CHECK(libwasm_shared_memory_wait64(shared, 0, 0, ENDLESS) == LIBWASM_WAIT_INTERRUPTED);
  CHECK(libwasm_shared_memory_set_interrupted(shared, false));
  CHECK(guest_call(&guest, WAIT32, 0, 0, 1000) == LIBWASM_WAIT_TIMED_OUT);
  CHECK(libwasm_shared_memory_wait64(shared, 0, 0, 1000) == LIBWASM_WAIT_TIMED_OUT);
  CHECK_REASON(!libwasm_shared_memory_set_interrupted(NULL, true));
  guest_delete(&guest);
  libwasm_shared_memory_delete(shared);
  libwasm_shared_memory_delete(other);
  wasm_engine_delete(engine);
}

// A memory that is not shared: nobody could end a wait, and nobody waits.
static void unshared(void) {
  wasm_store_t* store = check_store();
  static const char* const WAT =
      "(module (memory 1) (func (export \"a\") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))"
      "  (func (export \"b\") (drop (memory.atomic.wait64 (i32.const 65528) (i64.const 1) (i64.const -1))))"
      "  (func (export \"c\") (drop (memory.atomic.notify (i32.const 65536) (i32.const 0))))"
      "  (func (export \"d\") (drop (memory.atomic.notify (i32.const 65533) (i32.const 0))))"
      "  (func (export \"e\") (drop (memory.atomic.notify (i32.const 1) (i32.const 0))))"
      "  (func (export \"f\") (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const -1))))";
  wasm_instance_t* instance = check_instance(store, WAT, 0);
  const int codes[] = {LIBWASM_TRAP_EXPECTED_SHARED_MEMORY, LIBWASM_TRAP_EXPECTED_SHARED_MEMORY, LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS,
                       LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS, LIBWASM_TRAP_UNALIGNED_ATOMIC};
  for (int i = 0; i < 5; i++) {
    wasm_func_t* func = check_func(instance, (size_t)i);
    wasm_trap_t* trap = check_trap(func);
    CHECK(libwasm_trap_code(trap) == codes[i]);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
  }
  wasm_func_t* func = check_func(instance, 5);
  CHECK(check_call(func, 1, 0) == 0 && check_call(func, 1, PAGE - 4) == 0);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// A thread that waits has a share of the memory: its handle may be deleted meanwhile, and all others.
static void meanwhile(void) {
  wasm_engine_t* engine = check_engine();
  for (int i = 0; i < 50; i++) {
    libwasm_shared_memory_t *shared = shared_memory(engine), *mine = libwasm_shared_memory_copy(shared);
    struct sleeper sleeper = {.engine = engine, .shared = shared, .host = true, .wide = i & 1, .address = 0, .timeout = ENDLESS};
    start(&sleeper);
    while (!libwasm_shared_memory_notify(mine, 0, 1)) sched_yield();
    libwasm_shared_memory_delete(shared);
    libwasm_shared_memory_delete(mine);
    CHECK(end(&sleeper) == 0);
  }
  wasm_engine_delete(engine);
}

int main(void) {
  woken();
  not_woken();
  interrupted();
  unshared();
  meanwhile();
  return 0;
}
