// churn SHAPE ROUNDS: creates instances, calls them and deletes them, round after round, and checks that resident size,
// address space and the number of mappings are what they were after the first rounds.
//
// plain: an instance with a memory and a table, called, deleted.
// cycle: two instances that hold each other (one imports the other's function, whose table holds the first's).
// threads: two threads with a store each, that delete each other's handles.

#include "check.h"

#include <pthread.h>
#include <unistd.h>

// How far the last rounds' peaks may lie above those of the first rounds after the warm-up. Garbage that the collector has
// not come to yet makes the measures go up and down; a leak makes them go up.
enum { RESIDENT_SLACK_KB = 6 * 1024, MAPPINGS_SLACK = 64 };
static long address_slack_kb(void) { return check_mode_is_checked() ? 64 * 1024 : 16l * 1024 * 1024; }

struct size {
  long resident_kb, address_kb, mappings;
};

static long status_kb(const char* field) {
  FILE* file = fopen("/proc/self/status", "r");
  CHECK(file);
  char line[256];
  long value = -1;
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, field, strlen(field)) == 0) sscanf(line + strlen(field), ": %ld", &value);
  }
  fclose(file);
  CHECK(value >= 0);
  return value;
}

static struct size measure(void) {
  struct size size = {status_kb("VmRSS"), status_kb("VmSize"), 0};
  FILE* file = fopen("/proc/self/maps", "r");
  CHECK(file);
  for (int c; (c = fgetc(file)) != EOF;) size.mappings += c == '\n';
  fclose(file);
  return size;
}

static long max(long a, long b) { return a > b ? a : b; }

static void raise_to(struct size* peak, struct size size) {
  peak->resident_kb = max(peak->resident_kb, size.resident_kb);
  peak->address_kb = max(peak->address_kb, size.address_kb);
  peak->mappings = max(peak->mappings, size.mappings);
}

static const char* const PLAIN =
    "(module (memory (export \"m\") 1 4) (table 8 funcref) (global $g (mut i32) (i32.const 0)) (data (i32.const 16) \"x\")"
    "  (elem (i32.const 0) $f $f) (type $t (func (param i32) (result i32)))"
    "  (func $f (export \"f\") (type $t) (i32.store (i32.const 4096) (local.get 0))"
    "    (i32.add (i32.load (i32.const 4096)) (i32.load8_u (i32.const 16))))"
    "  (func (export \"g\") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 1))))";

static const char* const HOLDER =
    "(module (table (export \"t\") 1 funcref) (type $i (func (result i32))) (memory 1)"
    "  (func (export \"f\") (result i32) (call_indirect (type $i) (i32.const 0))))";
static const char* const HELD =
    "(module (import \"\" \"t\" (table 1 funcref)) (import \"\" \"f\" (func $f (result i32)))"
    "  (func $g (result i32) (i32.const 5)) (elem (i32.const 0) $g) (func (export \"f\") (result i32) (call $f)))";

static const wasm_extern_vec_t NONE = WASM_EMPTY_VEC;

static wasm_module_t *plain_module, *holder_module, *held_module;
static wasm_store_t* store;

static void plain_round(int round) {
  wasm_instance_t* instance = wasm_instance_new(store, plain_module, &NONE, NULL);
  CHECK(instance);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  CHECK(exports.size == 3);
  int32_t arg = round & 0xffff;
  CHECK(check_call(wasm_extern_as_func(exports.data[1]), 1, arg) == arg + 'x');
  CHECK(check_call(wasm_extern_as_func(exports.data[2]), 1, arg) == arg + 'x');
  // The instance first, its exports first, by turns.
  if (round & 1) wasm_instance_delete(instance);
  wasm_extern_vec_delete(&exports);
  if (!(round & 1)) wasm_instance_delete(instance);
}

static void cycle_round(int round) {
  wasm_instance_t* holder = wasm_instance_new(store, holder_module, &NONE, NULL);
  CHECK(holder);
  wasm_extern_vec_t imports, exports;
  wasm_instance_exports(holder, &imports);
  wasm_instance_t* held = wasm_instance_new(store, held_module, &imports, NULL);
  CHECK(held);
  wasm_instance_exports(held, &exports);
  wasm_instance_delete(held);
  if (round & 1) wasm_instance_delete(holder);
  CHECK(check_call(wasm_extern_as_func(exports.data[0]), 0) == 5);
  wasm_extern_vec_delete(&exports);
  wasm_extern_vec_delete(&imports);
  if (!(round & 1)) wasm_instance_delete(holder);
}

// What one thread hands to the other to delete.
struct mailbox {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool full;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
};

struct worker {
  struct mailbox *in, *out;
  wasm_engine_t* engine;
  int rounds;
};

static void post(struct mailbox* box, wasm_instance_t* instance, wasm_extern_vec_t exports) {
  pthread_mutex_lock(&box->lock);
  while (box->full) pthread_cond_wait(&box->changed, &box->lock);
  box->instance = instance;
  box->exports = exports;
  box->full = true;
  pthread_cond_broadcast(&box->changed);
  pthread_mutex_unlock(&box->lock);
}

static void receive_and_delete(struct mailbox* box) {
  pthread_mutex_lock(&box->lock);
  while (!box->full) pthread_cond_wait(&box->changed, &box->lock);
  wasm_instance_t* instance = box->instance;
  wasm_extern_vec_t exports = box->exports;
  box->full = false;
  pthread_cond_broadcast(&box->changed);
  pthread_mutex_unlock(&box->lock);
  wasm_instance_delete(instance);
  wasm_extern_vec_delete(&exports);
}

static void* work(void* arg) {
  struct worker* worker = arg;
  wasm_store_t* own = wasm_store_new(worker->engine);
  wasm_module_t* module = check_module(own, PLAIN);
  for (int round = 0; round < worker->rounds; round++) {
    wasm_instance_t* instance = wasm_instance_new(own, module, &NONE, NULL);
    CHECK(instance);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    int32_t value = round & 0xffff;
    CHECK(check_call(wasm_extern_as_func(exports.data[1]), 1, value) == value + 'x');
    post(worker->out, instance, exports);
    receive_and_delete(worker->in);
  }
  wasm_module_delete(module);
  wasm_store_delete(own);
  return NULL;
}

static void thread_rounds(wasm_engine_t* engine, int rounds) {
  static struct mailbox boxes[2] = {{PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, NULL, {0, NULL}},
                                    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, NULL, {0, NULL}}};
  struct worker workers[2] = {{&boxes[0], &boxes[1], engine, rounds}, {&boxes[1], &boxes[0], engine, rounds}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) CHECK(!pthread_create(&threads[i], NULL, work, &workers[i]));
  for (int i = 0; i < 2; i++) CHECK(!pthread_join(threads[i], NULL));
}

static void run_rounds(const char* shape, wasm_engine_t* engine, int rounds) {
  CHECK(rounds > 0);
  if (strcmp(shape, "threads") == 0) {
    thread_rounds(engine, rounds);
    return;
  }
  bool cycle = strcmp(shape, "cycle") == 0;
  CHECK(cycle || strcmp(shape, "plain") == 0);
  for (int round = 0; round < rounds; round++) cycle ? cycle_round(round) : plain_round(round);
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  int rounds = atoi(argv[2]);
  CHECK(rounds >= 100);
  wasm_engine_t* engine = check_engine();
  store = wasm_store_new(engine);
  plain_module = check_module(store, PLAIN);
  holder_module = check_module(store, HOLDER);
  held_module = check_module(store, HELD);
  // A hundred pieces: the first ten warm up, the next twenty are compared with the last twenty.
  struct size before = {0}, after = {0};
  for (int piece = 0; piece < 100; piece++) {
    run_rounds(argv[1], engine, rounds / 100);
    struct size size = measure();
    if (piece >= 10 && piece < 30) raise_to(&before, size);
    if (piece >= 80) raise_to(&after, size);
  }
  printf("%d rounds; resident %ld -> %ld kB, address space %ld -> %ld kB, mappings %ld -> %ld\n", rounds / 100 * 100,
         before.resident_kb, after.resident_kb, before.address_kb, after.address_kb, before.mappings, after.mappings);
  fflush(stdout);
  CHECK(after.resident_kb <= before.resident_kb + RESIDENT_SLACK_KB);
  CHECK(after.address_kb <= before.address_kb + address_slack_kb());
  CHECK(after.mappings <= before.mappings + MAPPINGS_SLACK);
  wasm_module_delete(plain_module);
  wasm_module_delete(holder_module);
  wasm_module_delete(held_module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
