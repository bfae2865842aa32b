// objects SHAPE THREADS ROUNDS: objects come and go, round after round, and the process stays as small as it was.
//
// heap: structures, arrays and i31 in tables, globals, fields and the host's hands, some with host info.
// cycle: pairs of instances, whose globals and tables have objects that refer to the instances, their functions, and each other's objects.
// exceptions: caught, thrown again, uncaught as traps that are held and dropped, made by the host, with tags of instances that come and go.
// shared: shared memories, made by the host and by modules, grown, shared, obtained, waited in, used by instances, dropped in every order.
//
// With two threads each has a store, and they pass each other what may be passed: handles to delete, shared memories.

#include "size.h"

#include <pthread.h>
#include <stdatomic.h>

static const wasm_extern_vec_t NONE = WASM_EMPTY_VEC;
static atomic_long made, finalized;

static void count_finalized(void* info) {
  CHECK(info == &finalized);
  atomic_fetch_add(&finalized, 1);
}

static void* counted(void) {
  atomic_fetch_add(&made, 1);
  return &finalized;
}

// What a round leaves for later, or for the other thread, to be deleted.
enum { KEPT = 6 };
struct remains {
  wasm_ref_t* references[KEPT];
  wasm_trap_t* trap;
  libwasm_shared_memory_t* shared;
};

static void delete_remains(struct remains* remains) {
  for (int i = 0; i < KEPT; i++) wasm_ref_delete(remains->references[i]);
  wasm_trap_delete(remains->trap);
  libwasm_shared_memory_delete(remains->shared);
  memset(remains, 0, sizeof *remains);
}

// A store with what its shape needs.
struct room {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_module_t *module, *other;
  wasm_instance_t* instance;
  wasm_func_t* host;
  libwasm_tag_t* tag;
  const char* shape;
  struct remains (*round)(struct room*, int, const struct remains*);
};

// The function that an instance exports in a place, called with up to two arguments, which are lent: its one result, or its trap.
static wasm_trap_t* call(const wasm_instance_t* instance, size_t export_, wasm_val_t a, wasm_val_t b, wasm_val_t* result) {
  wasm_func_t* func = check_func(instance, export_);
  wasm_val_t values[] = {a, b};
  wasm_val_vec_t args = {wasm_func_param_arity(func), values}, results = {wasm_func_result_arity(func), result};
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  wasm_func_delete(func);
  return trap;
}

static wasm_val_t i32(int32_t value) { return (wasm_val_t)WASM_I32_VAL(value); }
static wasm_val_t any(wasm_ref_t* reference) { return (wasm_val_t){.kind = LIBWASM_ANYREF, .of = {.ref = reference}}; }
static wasm_val_t external(wasm_ref_t* reference) { return (wasm_val_t){.kind = WASM_EXTERNREF, .of = {.ref = reference}}; }

// ---- heap ----

static const char* const HEAP =
    "(module (type $tree (struct (field $left (mut (ref null $tree))) (field $right (mut (ref null $tree))) (field $value i32) (field $any (mut anyref))))"
    "  (type $anys (array (mut anyref))) (type $bytes (array (mut i8)))"
    "  (global $last (mut (ref null $tree)) (ref.null $tree)) (table $t 64 anyref) (global $ring (mut (ref null $anys)) (ref.null $anys))"
    "  (func $build (param $depth i32) (param $value i32) (result (ref null $tree))"
    "    (if (i32.eqz (local.get $depth)) (then (return (ref.null $tree))))"
    "    (struct.new $tree (call $build (i32.sub (local.get $depth) (i32.const 1)) (i32.shl (local.get $value) (i32.const 1)))"
    "      (call $build (i32.sub (local.get $depth) (i32.const 1)) (i32.add (i32.shl (local.get $value) (i32.const 1)) (i32.const 1)))"
    "      (local.get $value) (ref.i31 (local.get $value))))"
    // Puts a tree into the global, an array of the round's size into the table, and links what was there to what is.
    "  (func (export \"round\") (param $round i32) (result anyref) (local $tree (ref null $tree)) (local $old anyref)"
    "    (if (ref.is_null (global.get $ring)) (then (global.set $ring (array.new_default $anys (i32.const 256)))))"
    "    (local.set $tree (call $build (i32.const 5) (local.get $round)))"
    "    (local.set $old (table.get $t (i32.and (local.get $round) (i32.const 63))))"
    "    (struct.set $tree $any (local.get $tree) (array.new $anys (local.get $tree) (i32.and (local.get $round) (i32.const 127))))"
    "    (if (ref.test (ref $tree) (local.get $old)) (then (struct.set $tree $left (local.get $tree) (struct.get $tree $right (ref.cast (ref $tree) (local.get $old))))"
    "      (struct.set $tree $left (struct.get $tree $right (ref.cast (ref $tree) (local.get $old))) (ref.null $tree)) (struct.set $tree $right (struct.get $tree $right (ref.cast (ref $tree) (local.get $old))) (ref.null $tree))))"
    "    (table.set $t (i32.and (local.get $round) (i32.const 63)) (local.get $tree))"
    "    (array.set $anys (global.get $ring) (i32.and (local.get $round) (i32.const 255)) (array.new $bytes (i32.const 7) (i32.shr_u (i32.and (i32.mul (local.get $round) (i32.const 40503)) (i32.const 65535)) (i32.const 6))))"
    "    (global.set $last (local.get $tree)) (local.get $tree))"
    "  (func (export \"value\") (param anyref) (result i32) (struct.get $tree $value (ref.cast (ref $tree) (local.get 0)))))";

static struct remains heap_round(struct room* room, int round, const struct remains* given) {
  struct remains remains = {{NULL}, NULL, NULL};
  wasm_val_t tree, value;
  CHECK(!call(room->instance, 0, i32(round), i32(0), &tree) && tree.of.ref);
  remains.references[0] = tree.of.ref;
  remains.references[1] = wasm_ref_copy(tree.of.ref);
  if (round % 3 == 0) wasm_ref_set_host_info_with_finalizer(tree.of.ref, counted(), count_finalized);
  CHECK(!call(room->instance, 1, any(tree.of.ref), i32(0), &value) && value.of.i32 == round);
  (void)given;
  return remains;
}

// ---- cycle ----

static const char* const PAIR =
    "(module (type $o (struct (field $self externref) (field $f funcref) (field $other (mut anyref)))) (memory 1)"
    "  (global $g (export \"g\") (mut anyref) (ref.null any)) (table $t (export \"t\") 2 externref)"
    "  (func $f (export \"link\") (param externref anyref) (result anyref)"
    "    (global.set $g (struct.new $o (local.get 0) (ref.func $f) (local.get 1)))"
    "    (table.set $t (i32.const 0) (local.get 0)) (table.set $t (i32.const 1) (extern.convert_any (global.get $g)))"
    "    (global.get $g)))";

static struct remains cycle_round(struct room* room, int round, const struct remains* given) {
  struct remains remains = {{NULL}, NULL, NULL};
  wasm_instance_t* pair[2];
  wasm_val_t objects[3] = {any(NULL), any(NULL), any(NULL)};
  for (int i = 0; i < 2; i++) {
    pair[i] = wasm_instance_new(room->store, room->module, &NONE, NULL);
    CHECK(pair[i]);
    wasm_instance_set_host_info_with_finalizer(pair[i], counted(), count_finalized);
  }
  // Each has an object that names the other instance and the other's object.
  for (int i = 0; i < 3; i++) {
    wasm_val_t from = objects[i ? i - 1 : 0];
    CHECK(!call(pair[i % 2], 2, external(wasm_instance_as_ref(pair[(i + 1) % 2])), from, &objects[i]) && objects[i].of.ref);
  }
  for (int i = 0; i < 3; i++) {
    if (round % 4 == i) remains.references[i] = objects[i].of.ref;
    else wasm_ref_delete(objects[i].of.ref);
  }
  for (int i = 0; i < 2; i++) wasm_instance_delete(pair[(round + i) % 2]);
  (void)given;
  return remains;
}

// ---- exceptions ----

static const char* const THROWER =
    "(module (import \"\" \"host\" (tag $host (param i32 externref))) (import \"\" \"throw\" (func $callback (param i32)))"
    "  (tag $own (export \"own\") (param anyref)) (type $s (struct (field i32))) (table $t 16 exnref)"
    "  (func $throw (param i32) (if (i32.eqz (local.get 0)) (then (throw $own (struct.new $s (i32.const 42))))) (call $throw (i32.sub (local.get 0) (i32.const 1))))"
    "  (func (export \"caught\") (param i32) (result i32)"
    "    (block $h (result anyref) (try_table (catch $own $h) (call $throw (local.get 0))) (unreachable)) (struct.get $s 0 (ref.cast (ref $s))))"
    "  (func (export \"uncaught\") (param i32) (call $throw (local.get 0)))"
    // Keeps what the host throws in the table, and throws what was there.
    "  (func (export \"kept\") (param i32) (local $e exnref)"
    "    (block $h (result exnref) (try_table (catch_all_ref $h) (call $callback (local.get 0))) (unreachable)) (local.set $e)"
    "    (if (ref.is_null (table.get $t (i32.and (local.get 0) (i32.const 15)))) (then (table.set $t (i32.and (local.get 0) (i32.const 15)) (local.get $e))))"
    "    (table.get $t (i32.and (local.get 0) (i32.const 15))) (table.set $t (i32.and (local.get 0) (i32.const 15)) (local.get $e)) (throw_ref)))";
enum { OWN, CAUGHT, UNCAUGHT, THROWN_AGAIN };

// Throws an exception of the host's, which carries a foreign object.
static wasm_trap_t* throw_of_host(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  struct room* room = env;
  wasm_foreign_t* foreign = wasm_foreign_new(room->store);
  wasm_foreign_set_host_info_with_finalizer(foreign, counted(), count_finalized);
  wasm_val_t carried[] = {args->data[0], external(wasm_foreign_as_ref(foreign))};
  wasm_val_vec_t values = WASM_ARRAY_VEC(carried);
  wasm_ref_t* exception = libwasm_exception_new(room->tag, &values);
  CHECK(exception);
  wasm_foreign_delete(foreign);
  wasm_trap_t* trap = libwasm_trap_new_exception(exception);
  wasm_ref_delete(exception);
  CHECK(trap);
  return trap;
}

static wasm_instance_t* thrower(struct room* room) {
  wasm_extern_t* externs[] = {libwasm_tag_as_extern(room->tag), wasm_func_as_extern(room->host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t* instance = wasm_instance_new(room->store, room->module, &imports, NULL);
  CHECK(instance);
  return instance;
}

static wasm_tagtype_t* host_tag_type(void) {
  wasm_functype_t* type = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new(WASM_EXTERNREF));
  wasm_tagtype_t* tag_type = wasm_tagtype_new(type);
  CHECK(tag_type);
  return tag_type;
}

static struct remains exceptions_round(struct room* room, int round, const struct remains* given) {
  struct remains remains = {{NULL}, NULL, NULL};
  if (round % 8 == 0) {
    // The instance and its tags go; what was thrown with them may stay.
    wasm_instance_delete(room->instance);
    libwasm_tag_delete(room->tag);
    wasm_tagtype_t* type = host_tag_type();
    room->tag = libwasm_tag_new(room->store, type);
    wasm_tagtype_delete(type);
    room->instance = thrower(room);
  }
  wasm_val_t result;
  CHECK(!call(room->instance, CAUGHT, i32(round % 10), i32(0), &result) && result.of.i32 == 42);
  wasm_trap_t* trap = call(room->instance, round & 1 ? UNCAUGHT : THROWN_AGAIN, i32(round & 1 ? round % 10 : round), i32(0), NULL);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
  wasm_ref_t* exception = libwasm_trap_exception(trap);
  libwasm_tag_t* tag = libwasm_exception_tag(exception);
  wasm_val_vec_t args;
  CHECK(tag && libwasm_exception_args(exception, &args) && args.size == (round & 1 ? 1u : 2u));
  if (round % 5 == 0) remains.references[1] = wasm_ref_copy(args.data[args.size - 1].of.ref);
  wasm_val_vec_delete(&args);
  libwasm_tag_delete(tag);
  if (round % 3 == 0) remains.references[0] = wasm_ref_copy(exception);
  if (round % 4 < 2) remains.trap = trap;
  else wasm_trap_delete(trap);
  wasm_ref_delete(exception);
  (void)given;
  return remains;
}

// ---- shared ----

static const char* const SHARES = "(module (memory (export \"m\") 1 4 shared) (data (i32.const 100) \"shared\"))";
static const char* const OBTAINS =
    "(module (import \"\" \"m\" (memory 1 4 shared))"
    "  (func (export \"use\") (param i32) (result i32)"
    "    (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 0))) (drop (memory.atomic.notify (i32.const 8) (i32.const -1)))"
    "    (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 70000) (local.get 0) (i32.const 1000))"
    "    (i32.atomic.rmw.add (i32.const 4096) (local.get 0))))";

static void use_memory(struct room* room, wasm_memory_t* memory, int value) {
  wasm_extern_t* externs[] = {wasm_memory_as_extern(memory)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
  wasm_instance_t* instance = wasm_instance_new(room->store, room->other, &imports, NULL);
  CHECK(instance);
  wasm_val_t result;
  CHECK(!call(instance, 0, i32(value), i32(0), &result));
  wasm_instance_delete(instance);
}

static struct remains shared_round(struct room* room, int round, const struct remains* given) {
  struct remains remains = {{NULL}, NULL, NULL};
  // What the other thread has, or an earlier round had.
  if (given->shared) {
    wasm_memory_t* memory = libwasm_memory_obtain(room->store, given->shared);
    CHECK(memory);
    use_memory(room, memory, round);
    CHECK(libwasm_shared_memory_size(given->shared) >= 3 && libwasm_shared_memory_wait64(given->shared, 16, 1, -1) == LIBWASM_WAIT_NOT_EQUAL);
    wasm_memory_delete(memory);
  }
  wasm_memory_t* memory;
  if (round & 1) {
    wasm_instance_t* instance = wasm_instance_new(room->store, room->module, &NONE, NULL);
    memory = check_memory(instance, 0);
    CHECK(memcmp(wasm_memory_data(memory) + 100, "shared", 6) == 0);
    wasm_instance_delete(instance);
    remains.shared = libwasm_memory_share(memory);
  } else {
    libwasm_limits_t limits = {.min = 1, .max = 4, .has_max = true, .shared = true};
    wasm_memorytype_t* type = libwasm_memorytype_new(&limits);
    remains.shared = libwasm_shared_memory_new(room->engine, type);
    wasm_memorytype_delete(type);
    memory = libwasm_memory_obtain(room->store, remains.shared);
    CHECK(memory && wasm_memory_data(memory)[100] == 0);
  }
  CHECK(libwasm_shared_memory_grow(remains.shared, 1) && wasm_memory_data_size(memory) == 2 * 65536);
  for (int i = 0; i < 2 * 65536; i += 4096) wasm_memory_data(memory)[i] = 0;
  use_memory(room, memory, round);
  wasm_memory_delete(memory);
  return remains;
}

// ---- rounds ----

static struct room* open_room(wasm_engine_t* engine, const char* shape) {
  struct room* room = calloc(1, sizeof *room);
  room->engine = engine;
  room->store = wasm_store_new(engine);
  room->shape = shape;
  CHECK(room->store);
  if (strcmp(shape, "heap") == 0) {
    room->round = heap_round;
    room->module = check_module(room->store, HEAP);
    room->instance = wasm_instance_new(room->store, room->module, &NONE, NULL);
    CHECK(room->instance);
  } else if (strcmp(shape, "cycle") == 0) {
    room->round = cycle_round;
    room->module = check_module(room->store, PAIR);
  } else if (strcmp(shape, "exceptions") == 0) {
    room->round = exceptions_round;
    room->module = check_module(room->store, THROWER);
    wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    room->host = wasm_func_new_with_env(room->store, type, throw_of_host, room, NULL);
    wasm_functype_delete(type);
  } else {
    CHECK(strcmp(shape, "shared") == 0);
    room->round = shared_round;
    room->module = check_module(room->store, SHARES);
    room->other = check_module(room->store, OBTAINS);
  }
  return room;
}

static void close_room(struct room* room) {
  wasm_instance_delete(room->instance);
  libwasm_tag_delete(room->tag);
  wasm_func_delete(room->host);
  wasm_module_delete(room->module);
  wasm_module_delete(room->other);
  wasm_store_delete(room->store);
  free(room);
}

// Where a thread puts what the next is to delete: as many rounds lie there as there are places.
enum { PLACES = 16 };
struct mailbox {
  pthread_mutex_t lock;
  struct remains remains[PLACES];
};

static void exchange(struct mailbox* box, int round, struct remains* remains) {
  pthread_mutex_lock(&box->lock);
  struct remains old = box->remains[round % PLACES];
  box->remains[round % PLACES] = *remains;
  pthread_mutex_unlock(&box->lock);
  *remains = old;
}

struct worker {
  struct mailbox* box;
  wasm_engine_t* engine;
  const char* shape;
  int rounds;
  // Whether this is the thread that measures.
  bool measures;
};

// Whether the thread that measures is done: the others work as long as it does.
static atomic_bool measured;

static void* work(void* arg) {
  struct worker* worker = arg;
  struct room* room = open_room(worker->engine, worker->shape);
  struct remains remains = {{NULL}, NULL, NULL};
  for (int round = 0; worker->measures ? round < worker->rounds : !atomic_load(&measured); round++) {
    struct remains next = room->round(room, round, &remains);
    delete_remains(&remains);
    remains = next;
    exchange(worker->box, round, &remains);
    if (worker->measures) look(round, worker->rounds);
  }
  if (worker->measures) atomic_store(&measured, true);
  delete_remains(&remains);
  close_room(room);
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 4);
  int threads = atoi(argv[2]), rounds = atoi(argv[3]);
  CHECK(rounds >= 100 && threads >= 1 && threads <= 8);
  wasm_engine_t* engine = check_engine();
  static struct mailbox box = {PTHREAD_MUTEX_INITIALIZER, {{{NULL}, NULL, NULL}}};
  struct worker workers[8];
  pthread_t ids[8];
  for (int i = 0; i < threads; i++) {
    workers[i] = (struct worker){&box, engine, argv[1], rounds, i == 0};
    CHECK(!pthread_create(&ids[i], NULL, work, &workers[i]));
  }
  for (int i = 0; i < threads; i++) CHECK(!pthread_join(ids[i], NULL));
  for (int i = 0; i < PLACES; i++) delete_remains(&box.remains[i]);
  print_sizes(rounds);
  fflush(stdout);
  // Each finalizer has run once, wherever its object's handles were deleted.
  CHECK(atomic_load(&finalized) == atomic_load(&made));
  check_sizes();
  wasm_engine_delete(engine);
  return 0;
}
