// churn SHAPE THREADS ROUNDS: creates instances, calls them and deletes them, round after round in one store, and checks
// that resident size, address space and the number of mappings stay what they were in the first rounds.
//
// plain: an instance with a memory and a table.
// cycle: two instances that hold each other (one imports the other's function, whose table holds the first's).
// With two threads each has a store, and they delete each other's handles.

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

// The modules of a shape, in a store.
struct room {
  wasm_store_t* store;
  wasm_module_t *plain, *holder, *held;
  bool cycle;
};

// What a round leaves to be deleted: an instance or two, and exports.
struct remains {
  wasm_instance_t *instance, *other;
  wasm_extern_vec_t exports, imports;
};

static struct room open_room(wasm_engine_t* engine, bool cycle) {
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  return (struct room){store, check_module(store, PLAIN), check_module(store, HOLDER), check_module(store, HELD), cycle};
}

static void close_room(struct room* room) {
  wasm_module_delete(room->plain);
  wasm_module_delete(room->holder);
  wasm_module_delete(room->held);
  wasm_store_delete(room->store);
}

static struct remains plain_round(struct room* room, int round) {
  struct remains remains = {wasm_instance_new(room->store, room->plain, &NONE, NULL), NULL, NONE, NONE};
  CHECK(remains.instance);
  wasm_instance_exports(remains.instance, &remains.exports);
  CHECK(remains.exports.size == 3);
  int32_t arg = round & 0xffff;
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[1]), 1, arg) == arg + 'x');
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[2]), 1, arg) == arg + 'x');
  return remains;
}

static struct remains cycle_round(struct room* room) {
  struct remains remains = {NULL, wasm_instance_new(room->store, room->holder, &NONE, NULL), NONE, NONE};
  CHECK(remains.other);
  wasm_instance_exports(remains.other, &remains.imports);
  remains.instance = wasm_instance_new(room->store, room->held, &remains.imports, NULL);
  CHECK(remains.instance);
  wasm_instance_exports(remains.instance, &remains.exports);
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[0]), 0) == 5);
  return remains;
}

static struct remains run_round(struct room* room, int round) {
  return room->cycle ? cycle_round(room) : plain_round(room, round);
}

// Deletes in another order every other round.
static void delete_remains(struct remains remains, int round) {
  if (round & 1) wasm_instance_delete(remains.instance);
  if (round & 2) wasm_instance_delete(remains.other);
  wasm_extern_vec_delete(&remains.exports);
  wasm_extern_vec_delete(&remains.imports);
  if (!(round & 1)) wasm_instance_delete(remains.instance);
  if (!(round & 2)) wasm_instance_delete(remains.other);
}

// Peaks of the first rounds after the warm-up, and of the last.
static struct size before, after;

// Called after each round: of a hundred pieces, the first ten warm up, and the next twenty are compared with the last
// twenty.
static void look(int round, int rounds) {
  int piece = rounds / 100, number = (round + 1) / piece;
  if ((round + 1) % piece != 0) return;
  if (number > 10 && number <= 30) raise_to(&before, measure());
  if (number > 80) raise_to(&after, measure());
}

// What one thread hands to the other to delete.
struct mailbox {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool full;
  struct remains remains;
};

struct worker {
  struct mailbox *in, *out;
  wasm_engine_t* engine;
  const char* shape;
  int rounds;
  // Whether this is the thread that measures.
  bool measures;
};

static void post(struct mailbox* box, struct remains remains) {
  pthread_mutex_lock(&box->lock);
  while (box->full) pthread_cond_wait(&box->changed, &box->lock);
  box->remains = remains;
  box->full = true;
  pthread_cond_broadcast(&box->changed);
  pthread_mutex_unlock(&box->lock);
}

static struct remains receive(struct mailbox* box) {
  pthread_mutex_lock(&box->lock);
  while (!box->full) pthread_cond_wait(&box->changed, &box->lock);
  struct remains remains = box->remains;
  box->full = false;
  pthread_cond_broadcast(&box->changed);
  pthread_mutex_unlock(&box->lock);
  return remains;
}

static void* work(void* arg) {
  struct worker* worker = arg;
  struct room room = open_room(worker->engine, strcmp(worker->shape, "cycle") == 0);
  for (int round = 0; round < worker->rounds; round++) {
    post(worker->out, run_round(&room, round));
    delete_remains(receive(worker->in), round);
    if (worker->measures) look(round, worker->rounds);
  }
  close_room(&room);
  return NULL;
}

static void two_threads(wasm_engine_t* engine, const char* shape, int rounds) {
  static struct mailbox boxes[2] = {
      {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, {NULL, NULL, {0, NULL}, {0, NULL}}},
      {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, {NULL, NULL, {0, NULL}, {0, NULL}}}};
  struct worker workers[2] = {{&boxes[0], &boxes[1], engine, shape, rounds, true},
                              {&boxes[1], &boxes[0], engine, shape, rounds, false}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) CHECK(!pthread_create(&threads[i], NULL, work, &workers[i]));
  for (int i = 0; i < 2; i++) CHECK(!pthread_join(threads[i], NULL));
}

static void one_thread(wasm_engine_t* engine, const char* shape, int rounds) {
  struct room room = open_room(engine, strcmp(shape, "cycle") == 0);
  for (int round = 0; round < rounds; round++) {
    delete_remains(run_round(&room, round), round);
    look(round, rounds);
  }
  close_room(&room);
}

int main(int argc, char** argv) {
  CHECK(argc == 4);
  int threads = atoi(argv[2]), rounds = atoi(argv[3]);
  CHECK(rounds >= 100);
  wasm_engine_t* engine = check_engine();
  (threads == 2 ? two_threads : one_thread)(engine, argv[1], rounds);
  printf("%d rounds; resident %ld -> %ld kB, address space %ld -> %ld kB, mappings %ld -> %ld\n", rounds,
         before.resident_kb, after.resident_kb, before.address_kb, after.address_kb, before.mappings, after.mappings);
  fflush(stdout);
  CHECK(before.mappings > 0 && after.mappings > 0);
  CHECK(after.resident_kb <= before.resident_kb + RESIDENT_SLACK_KB);
  CHECK(after.address_kb <= before.address_kb + address_slack_kb());
  CHECK(after.mappings <= before.mappings + MAPPINGS_SLACK);
  wasm_engine_delete(engine);
  return 0;
}
