// churn SHAPE THREADS ROUNDS: creates instances, calls them and deletes them, round after round in one store, and checks
// that resident size, address space and the number of mappings stay what they were in the first rounds.
//
// plain: an instance with a memory and a table.
// cycle: two instances that hold each other (one imports the other's function, whose table holds the first's).
// owner: a host function whose environment owns the memory of the instance that imports it.
// traced: a host function whose environment owns that instance itself, a trap that crossed it and a frame of the trap, and says so.
// made: types that the host defines, structures and arrays of them in cycles with an object of the host, a weak reference, an exception.
// With two threads each has a store, and they delete each other's handles.

#include "size.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

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

static const char* const GUEST =
    "(module (import \"\" \"f\" (func $f)) (memory (export \"m\") 1)"
    "  (func (export \"f\") (result i32) (call $f) (i32.load (i32.const 8))) (func (export \"t\") unreachable))";

static const wasm_extern_vec_t NONE = WASM_EMPTY_VEC;

// The modules of a shape, in a store.
struct room {
  wasm_store_t* store;
  wasm_module_t *plain, *holder, *held, *guest;
  const char* shape;
};

// What the environment of a host function owns.
struct owned {
  wasm_memory_t* memory;
  wasm_instance_t* instance;
  wasm_trap_t* trap;
  wasm_frame_t* frame;
  bool finalized;
};

static atomic_int environments, finalized;

// What a round leaves to be deleted: an instance or two, and exports; or objects.
struct remains {
  wasm_instance_t *instance, *other;
  wasm_extern_vec_t exports, imports;
  wasm_ref_t *object, *exception;
  libwasm_weak_t* weak;
};

static struct room open_room(wasm_engine_t* engine, const char* shape) {
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  return (struct room){store, check_module(store, PLAIN), check_module(store, HOLDER), check_module(store, HELD),
                       check_module(store, GUEST), shape};
}

static void close_room(struct room* room) {
  wasm_module_delete(room->plain);
  wasm_module_delete(room->holder);
  wasm_module_delete(room->held);
  wasm_module_delete(room->guest);
  wasm_store_delete(room->store);
}

static struct remains plain_round(struct room* room, int round) {
  struct remains remains = {.instance = wasm_instance_new(room->store, room->plain, &NONE, NULL)};
  CHECK(remains.instance);
  wasm_instance_exports(remains.instance, &remains.exports);
  CHECK(remains.exports.size == 3);
  int32_t arg = round & 0xffff;
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[1]), 1, arg) == arg + 'x');
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[2]), 1, arg) == arg + 'x');
  return remains;
}

static struct remains cycle_round(struct room* room) {
  struct remains remains = {.other = wasm_instance_new(room->store, room->holder, &NONE, NULL)};
  CHECK(remains.other);
  wasm_instance_exports(remains.other, &remains.imports);
  remains.instance = wasm_instance_new(room->store, room->held, &remains.imports, NULL);
  CHECK(remains.instance);
  wasm_instance_exports(remains.instance, &remains.exports);
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[0]), 0) == 5);
  return remains;
}

static wasm_trap_t* write_seven(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct owned* owned = env;
  CHECK(!owned->finalized && args->size == 0 && results->size == 0);
  wasm_memory_data(owned->memory)[8] = 7;
  return NULL;
}

static void finalize(void* env) {
  struct owned* owned = env;
  CHECK(!owned->finalized);
  owned->finalized = true;
  wasm_memory_delete(owned->memory);
  wasm_instance_delete(owned->instance);
  wasm_trap_delete(owned->trap);
  wasm_frame_delete(owned->frame);
  free(owned);
  atomic_fetch_add(&finalized, 1);
}

static void trace(void* env, libwasm_visit_t visit, void* visitor) {
  struct owned* owned = env;
  CHECK(!owned->finalized);
  visit(wasm_memory_as_ref_const(owned->memory), visitor);
  visit(wasm_instance_as_ref_const(owned->instance), visitor);
  visit(wasm_trap_as_ref_const(owned->trap), visitor);
  visit(wasm_instance_as_ref_const(wasm_frame_instance(owned->frame)), visitor);
}

static struct remains owner_round(struct room* room, bool traced) {
  struct owned* owned = calloc(1, sizeof *owned);
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func =
      traced ? libwasm_func_new_with_traced_env(room->store, type, write_seven, owned, trace, finalize)
             : wasm_func_new_with_env(room->store, type, write_seven, owned, finalize);
  CHECK(func);
  wasm_functype_delete(type);
  atomic_fetch_add(&environments, 1);
  struct remains remains = {0};
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_new(&remains.imports, 1, imports);
  remains.instance = wasm_instance_new(room->store, room->guest, &remains.imports, NULL);
  CHECK(remains.instance);
  wasm_instance_exports(remains.instance, &remains.exports);
  owned->memory = wasm_memory_copy(wasm_extern_as_memory(remains.exports.data[0]));
  if (traced) {
    owned->instance = wasm_instance_copy(remains.instance);
    owned->trap = check_trap(wasm_extern_as_func(remains.exports.data[2]));
    owned->frame = wasm_trap_origin(owned->trap);
  }
  CHECK(check_call(wasm_extern_as_func(remains.exports.data[1]), 0) == 7);
  return remains;
}

static void count_finalized(void* unused) {
  (void)unused;
  atomic_fetch_add(&finalized, 1);
}

// A structure with so many numbers that refers to itself and to an object of the host, and an array of it. Each of a hundred rounds has types
// of its own.
static struct remains made_round(struct room* room, int round) {
  size_t numbers = (size_t)round % 100;
  libwasm_fieldtype_vec_t fields;
  libwasm_fieldtype_vec_new_uninitialized(&fields, numbers + 2);
  fields.data[0] = libwasm_fieldtype_new(libwasm_valtype_new_member(1, true), WASM_VAR);
  fields.data[1] = libwasm_fieldtype_new(wasm_valtype_new_externref(), WASM_VAR);
  for (size_t i = 0; i < numbers; i++) fields.data[i + 2] = libwasm_fieldtype_new(wasm_valtype_new_i64(), WASM_VAR);
  libwasm_recgroup_t* group = libwasm_recgroup_new();
  CHECK(libwasm_recgroup_add_struct(group, &fields));
  CHECK(libwasm_recgroup_add_array(group, libwasm_fieldtype_new(libwasm_valtype_new_member(0, true), WASM_VAR)));
  CHECK(libwasm_recgroup_define(group));
  libwasm_deftype_t *type = libwasm_recgroup_type(group, 0), *array_type = libwasm_recgroup_type(group, 1);
  libwasm_recgroup_delete(group);
  wasm_ref_t* object = libwasm_struct_new_default(room->store, type);
  wasm_val_t value = {.kind = LIBWASM_ANYREF, .of = {.ref = object}};
  wasm_ref_t* array = libwasm_array_new(room->store, array_type, 50, &value);
  CHECK(object && array);
  libwasm_deftype_delete(type);
  libwasm_deftype_delete(array_type);
  value.of.ref = array;
  CHECK(libwasm_struct_set(object, 0, &value));
  wasm_foreign_t* foreign = wasm_foreign_new(room->store);
  wasm_foreign_set_host_info_with_finalizer(foreign, NULL, count_finalized);
  atomic_fetch_add(&environments, 1);
  value.kind = WASM_EXTERNREF, value.of.ref = wasm_foreign_as_ref(foreign);
  CHECK(libwasm_struct_set(object, 1, &value));
  wasm_foreign_delete(foreign);
  wasm_tagtype_t* tagtype = wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_externref()));
  libwasm_tag_t* tag = libwasm_tag_new(room->store, tagtype);
  wasm_tagtype_delete(tagtype);
  value.of.ref = array;
  wasm_val_vec_t carried = {1, &value};
  struct remains remains = {
      .object = array, .exception = libwasm_exception_new(tag, &carried), .weak = libwasm_weak_new(object)};
  CHECK(remains.exception && remains.weak);
  libwasm_tag_delete(tag);
  wasm_ref_delete(object);
  return remains;
}

static struct remains run_round(struct room* room, int round) {
  if (strcmp(room->shape, "cycle") == 0) return cycle_round(room);
  if (strcmp(room->shape, "owner") == 0) return owner_round(room, false);
  if (strcmp(room->shape, "traced") == 0) return owner_round(room, true);
  if (strcmp(room->shape, "made") == 0) return made_round(room, round);
  return plain_round(room, round);
}

// Deletes in another order every other round.
static void delete_remains(struct remains remains, int round) {
  if (round & 1) wasm_instance_delete(remains.instance);
  if (round & 2) wasm_instance_delete(remains.other);
  if (round & 4) wasm_ref_delete(remains.object);
  libwasm_weak_delete(remains.weak);
  wasm_ref_delete(remains.exception);
  if (!(round & 4)) wasm_ref_delete(remains.object);
  wasm_extern_vec_delete(&remains.exports);
  wasm_extern_vec_delete(&remains.imports);
  if (!(round & 1)) wasm_instance_delete(remains.instance);
  if (!(round & 2)) wasm_instance_delete(remains.other);
}

// More rounds at once than ever wait for the collector. What the library keeps for reuse is then as much as it will be, and
// how many garbage rounds happen to wait when the sizes are taken makes no difference.
enum { AT_ONCE = 200 };

static void fill_what_is_kept(struct room* room) {
  struct remains* all = calloc(AT_ONCE, sizeof *all);
  for (int round = 0; round < AT_ONCE; round++) all[round] = run_round(room, round);
  for (int round = 0; round < AT_ONCE; round++) delete_remains(all[round], round);
  free(all);
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
  struct room room = open_room(worker->engine, worker->shape);
  fill_what_is_kept(&room);
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
      {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
      {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}};
  struct worker workers[2] = {{&boxes[0], &boxes[1], engine, shape, rounds, true},
                              {&boxes[1], &boxes[0], engine, shape, rounds, false}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) CHECK(!pthread_create(&threads[i], NULL, work, &workers[i]));
  for (int i = 0; i < 2; i++) CHECK(!pthread_join(threads[i], NULL));
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

// The longest round in processor time, measuring apart: what the machine does with other processes does not count.
static double longest;

static void one_thread(wasm_engine_t* engine, const char* shape, int rounds) {
  struct room room = open_room(engine, shape);
  fill_what_is_kept(&room);
  for (int round = 0; round < rounds; round++) {
    double start = milliseconds();
    delete_remains(run_round(&room, round), round);
    double took = milliseconds() - start;
    if (took > longest) longest = took;
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
  print_sizes(rounds);
  if (threads == 1) printf("longest round %.2f ms of processor time\n", longest);
  fflush(stdout);
  // Each environment once, wherever its handles were deleted.
  CHECK(atomic_load(&finalized) == atomic_load(&environments));
  check_sizes();
  wasm_engine_delete(engine);
  return 0;
}
