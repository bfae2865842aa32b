// Atomic instructions of every width: that threads at the same place lose nothing, that only the bytes named are touched, and that
// addresses are checked, on shared memories and on those that are not.

#include "check.h"

#include <pthread.h>

enum { THREADS = 4, PLACE = 64, PAGE = 65536 };
// How often each thread does it: an even number.
static int rounds(void) { return check_mode_is_checked() ? 500 : 3000; }

struct width {
  const char *type, *suffix;  // "i32", "8"
  const char* end;            // "_u", where the value is extended
  int bytes;
};

static const struct width WIDTHS[] = {{"i32", "8", "_u", 1},  {"i32", "16", "_u", 2}, {"i32", "", "", 4}, {"i64", "8", "_u", 1},
                                      {"i64", "16", "_u", 2}, {"i64", "32", "_u", 4}, {"i64", "", "", 8}};
enum { WIDTH_COUNT = sizeof WIDTHS / sizeof *WIDTHS };

// What all threads do together, each with a number of its own, many times over.
enum { ADD, SUB, AND, OR, XOR, XCHG, CMPXCHG, LOAD, STORE, OPERATIONS };

// A module with one function for each operation: (address, operand) -> i64, whose first result is what was there.
static wasm_module_t* module_of(wasm_store_t* store, const struct width* w, bool shared) {
  char text[1 << 13];
  size_t n = 0;
#define PUT(...) (n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__))
  PUT("(module (import \"\" \"m\" (memory 1 1%s))", shared ? " shared" : "");
  const char* wide = w->type[1] == '6' ? "" : "i64.extend_i32_u ";
  const char* arg = w->type[1] == '6' ? "(local.get 1)" : "(i32.wrap_i64 (local.get 1))";
  static const char* const NAMES[] = {"add", "sub", "and", "or", "xor", "xchg"};
  for (int op = ADD; op <= XCHG; op++) {
    PUT("(func (export \"%s\") (param i32 i64) (result i64) (%s(%s.atomic.rmw%s.%s%s (local.get 0) %s)))", NAMES[op], wide[0] ? wide : "i64.or (i64.const 0) ",
        w->type, w->suffix, NAMES[op], w->end, arg);
  }
  // Adds the operand by comparing and exchanging.
  PUT("(func (export \"cmpxchg\") (param i32 i64) (result i64) (local $old %s)"
      "  (loop $l (local.set $old (%s.atomic.load%s%s (local.get 0)))"
      "    (br_if $l (%s.ne (local.get $old) (%s.atomic.rmw%s.cmpxchg%s (local.get 0) (local.get $old) (%s.add (local.get $old) %s)))))"
      "  (%s(local.get $old)))",
      w->type, w->type, w->suffix, w->end, w->type, w->type, w->suffix, w->end, w->type, arg, wide[0] ? wide : "i64.or (i64.const 0) ");
  PUT("(func (export \"load\") (param i32 i64) (result i64) (%s(%s.atomic.load%s%s (local.get 0))))", wide[0] ? wide : "i64.or (i64.const 0) ", w->type,
      w->suffix, w->end);
  PUT("(func (export \"store\") (param i32 i64) (result i64) (%s.atomic.store%s (local.get 0) %s) (i64.const 0))", w->type, w->suffix, arg);
  // An operation many times over: what it gave, added up. The operand is the same each time.
  PUT("(func (export \"many\") (param i32 i64 i32) (result i64) (local $sum i64)"
      "  (loop $l (local.set $sum (i64.add (local.get $sum) (call_indirect (param i32 i64) (result i64) (i32.const %d) (local.get 1) (local.get 0))))"
      "    (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))"
      "  (local.get $sum))"
      "(table funcref (elem 0 1 2 3 4 5 6 7 8)))",
      PLACE);
  CHECK(n < sizeof text);
  return check_module(store, text);
}

static int64_t call(const wasm_instance_t* instance, size_t export_, int32_t a, int64_t b, int32_t c, int* code) {
  wasm_func_t* func = check_func(instance, export_);
  wasm_val_t values[] = {WASM_I32_VAL(a), WASM_I64_VAL(b), WASM_I32_VAL(c)}, result = WASM_I64_VAL(0);
  wasm_val_vec_t args = {wasm_func_param_arity(func), values}, results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  wasm_func_delete(func);
  *code = trap ? libwasm_trap_code(trap) : -1;
  if (trap) wasm_trap_delete(trap);
  return result.of.i64;
}

struct job {
  wasm_engine_t* engine;
  const wasm_shared_module_t* module;
  const libwasm_shared_memory_t* shared;
  int op;
  int64_t operand, sum;
};

static void* work(void* arg) {
  struct job* job = arg;
  wasm_store_t* store = wasm_store_new(job->engine);
  wasm_module_t* module = wasm_module_obtain(store, job->module);
  wasm_memory_t* memory = libwasm_memory_obtain(store, job->shared);
  wasm_extern_t* externs[] = {wasm_memory_as_extern(memory)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  CHECK(instance);
  int code;
  job->sum = call(instance, OPERATIONS, job->op, job->operand, rounds(), &code);
  CHECK(code == -1);
  wasm_instance_delete(instance);
  wasm_memory_delete(memory);
  wasm_module_delete(module);
  wasm_store_delete(store);
  return NULL;
}

static uint64_t low(uint64_t value, int bytes) { return bytes == 8 ? value : value & ((1ull << (8 * bytes)) - 1); }

static uint64_t at(const libwasm_shared_memory_t* shared, int bytes) {
  uint64_t value = 0;
  memcpy(&value, libwasm_shared_memory_data((libwasm_shared_memory_t*)shared) + PLACE, (size_t)bytes);
  return value;
}

// All threads at one place, one operation at a time.
static void contended(wasm_engine_t* engine, const wasm_shared_module_t* module, const libwasm_shared_memory_t* shared, const struct width* width,
                      int op) {
  byte_t* data = libwasm_shared_memory_data((libwasm_shared_memory_t*)shared);
  memset(data, 0x5a, 2 * PLACE);
  uint64_t before = op == AND ? UINT64_MAX : 0;
  memcpy(data + PLACE, &before, (size_t)width->bytes);
  pthread_t threads[THREADS];
  struct job jobs[THREADS];
  for (int i = 0; i < THREADS; i++) {
    int64_t operand = op == AND ? ~(1ll << i) : op == OR || op == XOR ? 1ll << i : i + 1;
    jobs[i] = (struct job){engine, module, shared, op, operand, 0};
    CHECK(!pthread_create(&threads[i], NULL, work, &jobs[i]));
  }
  uint64_t sums = 0, total = 0;
  for (int i = 0; i < THREADS; i++) {
    CHECK(!pthread_join(threads[i], NULL));
    sums += (uint64_t)jobs[i].sum;
    total += (uint64_t)jobs[i].operand * rounds();
  }
  uint64_t after = at(shared, width->bytes);
  int bytes = width->bytes;
  if (op == ADD || op == CMPXCHG) CHECK(after == low(total, bytes));
  if (op == SUB) CHECK(after == low(-total, bytes));
  if (op == AND) CHECK(after == low(~0xfull, bytes));
  if (op == OR) CHECK(after == 0xf);
  // An even number of times.
  if (op == XOR) CHECK(after == 0);
  // What was put in came out once, or is still there.
  if (op == XCHG) CHECK(sums + after == total);
  if (op == STORE) CHECK(after >= 1 && after <= THREADS);
  if (op == LOAD) CHECK(after == 0 && sums == 0);
  for (int i = 0; i < 2 * PLACE; i++) CHECK((i >= PLACE && i < PLACE + bytes) || data[i] == 0x5a);
}

// The last place there is, the first that is not, one that is half there, and those that are no multiple.
static void addresses(wasm_engine_t* engine, const struct width* width, bool shared) {
  wasm_store_t* store = wasm_store_new(engine);
  libwasm_limits_t limits = {.min = 1, .max = 1, .has_max = true, .shared = shared};
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, type);
  CHECK(memory);
  wasm_memorytype_delete(type);
  wasm_module_t* module = module_of(store, width, shared);
  wasm_extern_t* externs[] = {wasm_memory_as_extern(memory)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  CHECK(instance);
  int bytes = width->bytes, code;
  for (size_t op = 0; op < OPERATIONS; op++) {
    uint8_t* last = (uint8_t*)wasm_memory_data(memory) + PAGE - bytes;
    memset(last, 0xc3, (size_t)bytes);
    uint64_t old = low(0xc3c3c3c3c3c3c3c3, bytes), given = (uint64_t)call(instance, op, PAGE - bytes, 5, 0, &code), now = 0;
    CHECK(code == -1 && given == (op == STORE ? 0 : old));
    memcpy(&now, last, (size_t)bytes);
    uint64_t wanted[] = {low(old + 5, bytes), low(old - 5, bytes), old & 5, old | 5, old ^ 5, 5, low(old + 5, bytes), old, 5};
    CHECK(now == wanted[op]);
    const int32_t outside[] = {PAGE, -bytes, INT32_MIN, PAGE - bytes / 2};
    for (int i = 0; i < (bytes > 1 ? 4 : 3); i++) {
      call(instance, op, outside[i], 5, 0, &code);
      CHECK(code == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS || (i == 3 && code == LIBWASM_TRAP_UNALIGNED_ATOMIC));
    }
    for (int offset = 1; offset < bytes; offset++) {
      call(instance, op, 8 + offset, 5, 0, &code);
      CHECK(code == LIBWASM_TRAP_UNALIGNED_ATOMIC);
    }
    for (int i = 0; i < 32; i++) CHECK(wasm_memory_data(memory)[i] == 0);
  }
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_memory_delete(memory);
  wasm_store_delete(store);
}

int main(void) {
  wasm_engine_t* engine = check_engine();
  libwasm_limits_t limits = {.min = 1, .max = 1, .has_max = true, .shared = true};
  wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
  libwasm_shared_memory_t* shared = libwasm_shared_memory_new(engine, type);
  CHECK(shared);
  wasm_memorytype_delete(type);
  for (int w = 0; w < WIDTH_COUNT; w++) {
    wasm_store_t* store = wasm_store_new(engine);
    wasm_module_t* module = module_of(store, &WIDTHS[w], true);
    wasm_shared_module_t* shared_module = wasm_module_share(module);
    for (int op = 0; op < OPERATIONS; op++) contended(engine, shared_module, shared, &WIDTHS[w], op);
    wasm_shared_module_delete(shared_module);
    wasm_module_delete(module);
    wasm_store_delete(store);
    for (int i = 0; i < 2; i++) addresses(engine, &WIDTHS[w], i);
  }
  libwasm_shared_memory_delete(shared);
  wasm_engine_delete(engine);
  return 0;
}
