// What is released while somebody still needs it: handles that a callback or a finalizer deletes although a function of the
// library that was given them has not returned.

#include <pthread.h>

#include "check.h"

// ---- A trap that is returned again ----

static wasm_trap_t* kept;
static wasm_func_t* running;
static bool delete_running;

static wasm_trap_t* return_kept(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  if (!kept) {
    wasm_byte_vec_t text = {4, "kept"};
    kept = wasm_trap_new(env, &text);
  }
  if (delete_running) {
    wasm_func_delete(running);
    running = NULL;
  }
  return wasm_trap_copy(kept);
}

// The frames of the second call are all that keeps the instance once those of the first are given up.
static void a_kept_trap_returned_again(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, return_kept, store, NULL);
  int finalized = 0;
  wasm_instance_t* instance = check_instance(
      store, "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (call $f)))", 1, wasm_func_as_extern(host));
  wasm_instance_set_host_info_with_finalizer(instance, &finalized, count_up);
  running = check_func(instance, 0);
  wasm_instance_delete(instance);
  for (int round = 0; round < 2; round++) {
    delete_running = round == 1;
    wasm_trap_t* trap = check_trap(running);
    CHECK(wasm_trap_same(trap, kept));
    wasm_trap_delete(trap);
  }
  CHECK(finalized == 0);
  wasm_frame_vec_t frames;
  wasm_trap_trace(kept, &frames);
  CHECK(frames.size == 1 && wasm_frame_func_index(frames.data[0]) == 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(wasm_frame_instance(frames.data[0]), &exports);
  CHECK(exports.size == 1);
  wasm_extern_vec_delete(&exports);
  wasm_trap_delete(kept);
  kept = NULL;
  CHECK(finalized == 0);
  wasm_frame_vec_delete(&frames);
  CHECK(finalized == 1);
  wasm_func_delete(host);
  wasm_functype_delete(type);
  wasm_store_delete(store);
}

// The same with a trap of another store, whose last handle goes here, with finalizers that delete what is running.
static wasm_store_t* other_store;

static void delete_the_running(void* env) {
  (void)env;
  wasm_func_delete(running);
  running = NULL;
}

static wasm_trap_t* return_trap_of_another_store(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  wasm_byte_vec_t text = {5, "other"};
  wasm_trap_t* trap = wasm_trap_new(other_store, &text);
  wasm_trap_set_host_info_with_finalizer(trap, NULL, delete_the_running);
  return trap;
}

static void a_trap_of_another_store(void) {
  wasm_store_t* store = check_store();
  other_store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new(store, type, return_trap_of_another_store);
  wasm_instance_t* instance = check_instance(
      store, "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (call $f)))", 1, wasm_func_as_extern(host));
  running = check_func(instance, 0);
  wasm_instance_delete(instance);
  wasm_trap_t* trap = check_trap(running);
  CHECK(!running);
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_frame_t* frame = wasm_trap_origin(trap);
  CHECK(frame && wasm_frame_func_index(frame) == 1);
  wasm_frame_delete(frame);
  wasm_trap_delete(trap);
  wasm_func_delete(host);
  wasm_functype_delete(type);
  wasm_store_delete(store);
  wasm_store_delete(other_store);
}

// A trap without a store: replacing its host info runs a finalizer that deletes it.
static void delete_trap(void* trap) { wasm_trap_delete(trap); }

static void host_info_of_a_trap_without_a_store(void) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(NULL, &none, &none);
  CHECK(trap);
  int finalized = 0;
  wasm_trap_set_host_info_with_finalizer(trap, trap, delete_trap);
  // The handle is the finalizer's: it is gone afterwards, and so is what has just been attached.
  wasm_trap_set_host_info_with_finalizer(trap, &finalized, count_up);
  CHECK(finalized == 1);
}

// ---- Finalizers that delete what a function was given ----

// How a finalizer gets to run within a function that was given what it deletes.
enum way {
  // Another thread has deleted the last handle of an object: its finalizer's turn comes when this thread enters the store.
  QUEUED,
  // Only a collection frees the object.
  COLLECTED,
  // A collection finds that a function is garbage, whose environment owns the handle and says so.
  TRACED,
};
static const enum way WAYS[] = {QUEUED, COLLECTED, TRACED};

struct room {
  wasm_store_t* store;
  // Where references go from which nothing is to be reached later.
  wasm_table_t* table;
  wasm_module_t *guest, *importer;
  // Objects that take a box each time they are passed: the boxes that some few have got last are remembered.
  wasm_foreign_t* others[1024];
  size_t next;
};

static void take_box(struct room* room) {
  wasm_foreign_t* other = room->others[room->next++ % (sizeof room->others / sizeof *room->others)];
  CHECK(wasm_table_set(room->table, 0, wasm_foreign_as_ref(other)));
}

static int deleted;

static void delete_ref(void* ref) {
  wasm_ref_delete(ref);
  deleted++;
}

static wasm_table_t* new_table(wasm_store_t* store, wasm_valtype_t* element) {
  wasm_limits_t limits = {4, wasm_limits_max_default};
  wasm_tabletype_t* type = wasm_tabletype_new(element, &limits);
  wasm_table_t* table = wasm_table_new(store, type, NULL);
  CHECK(table);
  wasm_tabletype_delete(type);
  return table;
}

static struct room* open_room(void) {
  wasm_store_t* store = check_store();
  const char* guest =
      "(module (memory (export \"m\") 1) (table (export \"t\") 4 externref)"
      "  (global (export \"g\") (mut externref) (ref.null extern)) (func (export \"n\") (param i32) (result i32) local.get 0)"
      "  (func (export \"r\") (param externref) (result externref) local.get 0) (func (export \"trap\") unreachable))";
  struct room* room = malloc(sizeof *room);
  CHECK(room);
  *room = (struct room){store, new_table(store, wasm_valtype_new_externref()), check_module(store, guest),
                        check_module(store, "(module (import \"\" \"r\" (func $r (param externref) (result externref)))"
                                            "  (export \"r\" (func $r)) (start $s) (func $s (drop (call $r (ref.null extern)))))"),
                        {0}, 0};
  for (size_t i = 0; i < sizeof room->others / sizeof *room->others; i++) room->others[i] = wasm_foreign_new(store);
  return room;
}

static void close_room(struct room* room) {
  for (size_t i = 0; i < sizeof room->others / sizeof *room->others; i++) wasm_foreign_delete(room->others[i]);
  wasm_table_delete(room->table);
  wasm_module_delete(room->guest);
  wasm_module_delete(room->importer);
  wasm_store_delete(room->store);
  free(room);
}

static void* delete_on_another_thread(void* ref) {
  wasm_ref_delete(ref);
  return NULL;
}

static void trace_ref(void* ref, libwasm_visit_t visit, void* visitor) { visit(ref, visitor); }

static wasm_trap_t* do_nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  return NULL;
}

// An object whose finalizer deletes `ref`.
static wasm_ref_t* new_owner(struct room* room, enum way way, wasm_ref_t* ref) {
  if (way == TRACED) {
    wasm_functype_t* type = wasm_functype_new_0_0();
    wasm_func_t* func = libwasm_func_new_with_traced_env(room->store, type, do_nothing, ref, trace_ref, delete_ref);
    wasm_functype_delete(type);
    return wasm_func_as_ref(func);
  }
  wasm_foreign_t* foreign = wasm_foreign_new(room->store);
  wasm_foreign_set_host_info_with_finalizer(foreign, ref, delete_ref);
  return wasm_foreign_as_ref(foreign);
}

// From now on the handle `ref` is a finalizer's, which runs within the next function that gives it an occasion.
static void give_to_finalizer(struct room* room, enum way way, wasm_ref_t* ref) {
  deleted = 0;
  wasm_ref_t* owner = new_owner(room, way, ref);
  if (way == QUEUED) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, delete_on_another_thread, owner) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  } else {
    // A reference that is passed takes a box, and after 4096 boxes the next collects; so do new objects after many that
    // only a collection can free: more than 128 and a fourth of those there are. Begin with a collection, and stop short of the next.
    int collected = 0;
    CHECK(wasm_table_set(room->table, 0, owner));
    wasm_foreign_t* other = wasm_foreign_new(room->store);
    wasm_foreign_set_host_info_with_finalizer(other, &collected, count_up);
    CHECK(wasm_table_set(room->table, 0, wasm_foreign_as_ref(other)));
    wasm_foreign_delete(other);
    while (!collected) take_box(room);
    int boxes = 1;
    for (int i = 0; i < 600; i++, boxes++) {
      other = wasm_foreign_new(room->store);
      CHECK(wasm_table_set(room->table, 0, wasm_foreign_as_ref(other)));
      wasm_foreign_delete(other);
    }
    for (; boxes < 4096; boxes++) take_box(room);
    CHECK(wasm_table_set(room->table, 0, NULL));
    wasm_ref_delete(owner);
  }
  CHECK(deleted == 0);
}

static wasm_extern_t* export_of_new(struct room* room, size_t index) {
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(room->store, room->guest, &none, NULL);
  CHECK(instance);
  wasm_extern_t* item = check_export(instance, index);
  wasm_instance_delete(instance);
  return item;
}

static void functions_of_tables(struct room* room, enum way way) {
  wasm_foreign_t* value = wasm_foreign_new(room->store);
  wasm_ref_t *some = wasm_foreign_as_ref(value), *got;
  // Getting makes no box, so nothing is collected.
  for (int which = way == QUEUED ? 0 : 1; which < 3; which++) {
    // The host's own, and one of an instance that nothing else keeps.
    for (int own = 0; own < 2; own++) {
      wasm_table_t* table = own ? new_table(room->store, wasm_valtype_new_externref())
                                : wasm_extern_as_table(export_of_new(room, 1));
      CHECK(wasm_table_set(table, 1, some));
      give_to_finalizer(room, way, wasm_table_as_ref(table));
      if (which == 0) {
        CHECK(got = wasm_table_get(table, 1));
        CHECK(wasm_ref_same(got, some));
        wasm_ref_delete(got);
      }
      if (which == 1) CHECK(wasm_table_set(table, 2, some));
      if (which == 2) CHECK(wasm_table_grow(table, 3, some));
      CHECK(deleted == 1);
    }
  }
  wasm_foreign_delete(value);
  // Here the value is the finalizer's, and the table stays.
  for (int which = 0; which < 3; which++) {
    wasm_limits_t limits = {4, wasm_limits_max_default};
    wasm_tabletype_t* type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_table_t* table = which < 2 ? new_table(room->store, wasm_valtype_new_externref()) : NULL;
    wasm_foreign_t* lent = wasm_foreign_new(room->store);
    give_to_finalizer(room, way, wasm_foreign_as_ref(lent));
    if (which == 0) CHECK(wasm_table_set(table, 3, wasm_foreign_as_ref(lent)));
    if (which == 1) CHECK(wasm_table_grow(table, 1, wasm_foreign_as_ref(lent)));
    if (which == 2) CHECK(table = wasm_table_new(room->store, type, wasm_foreign_as_ref(lent)));
    CHECK(deleted == 1);
    CHECK(got = wasm_table_get(table, which == 1 ? 4 : 3));
    CHECK(wasm_ref_as_foreign(got));
    wasm_ref_delete(got);
    wasm_table_delete(table);
    wasm_tabletype_delete(type);
  }
}

static void functions_of_globals(struct room* room, enum way way) {
  wasm_foreign_t* value = wasm_foreign_new(room->store);
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR);
  wasm_val_t null = WASM_REF_VAL(NULL), some = WASM_REF_VAL(wasm_foreign_as_ref(value)), got;
  for (int which = way == QUEUED ? 0 : 1; which < 2; which++) {
    for (int own = 0; own < 2; own++) {
      wasm_global_t* global =
          own ? wasm_global_new(room->store, type, &null) : wasm_extern_as_global(export_of_new(room, 2));
      CHECK(global);
      give_to_finalizer(room, way, wasm_global_as_ref(global));
      if (which == 0) {
        wasm_global_get(global, &got);
        CHECK(got.kind == WASM_EXTERNREF && !got.of.ref);
      }
      if (which == 1) wasm_global_set(global, &some);
      CHECK(deleted == 1);
    }
  }
  for (int which = 0; which < 2; which++) {
    wasm_global_t* global = which ? wasm_global_new(room->store, type, &null) : NULL;
    wasm_foreign_t* lent = wasm_foreign_new(room->store);
    wasm_val_t lent_value = WASM_REF_VAL(wasm_foreign_as_ref(lent));
    give_to_finalizer(room, way, wasm_foreign_as_ref(lent));
    if (which) wasm_global_set(global, &lent_value);
    else CHECK(global = wasm_global_new(room->store, type, &lent_value));
    CHECK(deleted == 1);
    wasm_global_get(global, &got);
    CHECK(wasm_ref_as_foreign(got.of.ref));
    wasm_val_delete(&got);
    wasm_global_delete(global);
  }
  wasm_globaltype_delete(type);
  wasm_foreign_delete(value);
}

static wasm_trap_t* identity(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_val_copy(&results->data[0], &args->data[0]);
  return NULL;
}

static wasm_func_t* host_identity(struct room* room) {
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
  wasm_func_t* func = wasm_func_new(room->store, type, identity);
  CHECK(func);
  wasm_functype_delete(type);
  return func;
}

static void calls(struct room* room, enum way way) {
  for (int which = 0; which < 4; which++) {
    bool host = which & 1, argument = which & 2;
    wasm_func_t* func = host ? host_identity(room) : wasm_extern_as_func(export_of_new(room, 4));
    wasm_foreign_t* value = wasm_foreign_new(room->store);
    wasm_val_t arg[] = {WASM_REF_VAL(wasm_foreign_as_ref(value))}, result[] = {WASM_I32_VAL(0)};
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg), results = WASM_ARRAY_VEC(result);
    give_to_finalizer(room, way, argument ? wasm_foreign_as_ref(value) : wasm_func_as_ref(func));
    CHECK(!wasm_func_call(func, &args, &results));
    CHECK(deleted == 1);
    CHECK(result[0].kind == WASM_EXTERNREF && wasm_ref_as_foreign(result[0].of.ref));
    wasm_val_delete(&result[0]);
    if (argument) wasm_func_delete(func);
    else wasm_foreign_delete(value);
  }
  if (way != QUEUED) return;
  // Numbers only.
  wasm_func_t* func = wasm_extern_as_func(export_of_new(room, 3));
  give_to_finalizer(room, way, wasm_func_as_ref(func));
  CHECK(check_call(func, 1, 5) == 5);
  CHECK(deleted == 1);
}

static void instances(struct room* room, enum way way) {
  // An import that goes while it is imported.
  for (int host = 0; host < 2; host++) {
    wasm_func_t* func = host ? host_identity(room) : wasm_extern_as_func(export_of_new(room, 4));
    wasm_extern_t* list[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(list);
    give_to_finalizer(room, way, wasm_func_as_ref(func));
    wasm_instance_t* instance = wasm_instance_new(room->store, room->importer, &imports, NULL);
    CHECK(instance);
    CHECK(deleted == 1);
    wasm_func_t* imported = check_func(instance, 0);
    wasm_val_t arg[] = {WASM_REF_VAL(wasm_instance_as_ref(instance))}, result[] = {WASM_I32_VAL(0)};
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg), results = WASM_ARRAY_VEC(result);
    CHECK(!wasm_func_call(imported, &args, &results));
    CHECK(wasm_ref_same(result[0].of.ref, wasm_instance_as_ref(instance)));
    wasm_val_delete(&result[0]);
    wasm_func_delete(imported);
    wasm_instance_delete(instance);
  }
  if (way != QUEUED) return;
  wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = wasm_instance_new(room->store, room->guest, &none, NULL);
  give_to_finalizer(room, way, wasm_instance_as_ref(instance));
  wasm_instance_exports(instance, &exports);
  CHECK(deleted == 1 && exports.size == 6);
  CHECK(check_call(wasm_extern_as_func(exports.data[3]), 1, 7) == 7);
  wasm_extern_vec_delete(&exports);
}

static void other_functions(struct room* room) {
  wasm_memory_t* memory = wasm_extern_as_memory(export_of_new(room, 0));
  give_to_finalizer(room, QUEUED, wasm_memory_as_ref(memory));
  CHECK(wasm_memory_grow(memory, 1));
  CHECK(deleted == 1);

  memory = wasm_extern_as_memory(export_of_new(room, 0));
  wasm_memory_set_host_info(memory, room);
  give_to_finalizer(room, QUEUED, wasm_memory_as_ref(memory));
  CHECK(wasm_memory_get_host_info(memory) == room);
  CHECK(deleted == 1);

  int finalized = 0;
  memory = wasm_extern_as_memory(export_of_new(room, 0));
  give_to_finalizer(room, QUEUED, wasm_memory_as_ref(memory));
  wasm_memory_set_host_info_with_finalizer(memory, &finalized, count_up);
  CHECK(deleted == 1 && finalized == 1);

  // The finalizer that makes room for the new one has the last handle.
  wasm_foreign_t* foreign = wasm_foreign_new(room->store);
  deleted = finalized = 0;
  wasm_foreign_set_host_info_with_finalizer(foreign, foreign, delete_ref);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  CHECK(deleted == 1 && finalized == 1);

  for (int which = 0; which < 3; which++) {
    wasm_func_t* trapper = wasm_extern_as_func(export_of_new(room, 5));
    wasm_trap_t* trap = check_trap(trapper);
    wasm_func_delete(trapper);
    give_to_finalizer(room, QUEUED, wasm_trap_as_ref(trap));
    if (which == 0) {
      wasm_frame_t* frame = wasm_trap_origin(trap);
      CHECK(wasm_frame_func_index(frame) == 2);
      wasm_frame_delete(frame);
    } else if (which == 1) {
      wasm_frame_vec_t frames;
      wasm_trap_trace(trap, &frames);
      CHECK(frames.size == 1 && wasm_frame_func_index(frames.data[0]) == 2);
      wasm_frame_vec_delete(&frames);
    } else {
      wasm_trap_t* copy = wasm_trap_copy(trap);
      CHECK(deleted == 1 && libwasm_trap_code(copy) == LIBWASM_TRAP_UNREACHABLE);
      wasm_trap_delete(copy);
    }
    CHECK(deleted == 1);
  }
}

// A finalizer runs when the function within which its object died returns, in a callback as well.
static int finalized_in_callback;

static wasm_trap_t* delete_within(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  for (int i = 1; i <= 3; i++) {
    wasm_foreign_t* foreign = wasm_foreign_new(env);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized_in_callback, count_up);
    wasm_foreign_delete(foreign);
    CHECK(finalized_in_callback == i);
  }
  return NULL;
}

static void finalizers_run_in_callbacks(struct room* room) {
  for (int references = 0; references < 2; references++) {
    wasm_valtype_t* type = references ? wasm_valtype_new_externref() : wasm_valtype_new_i32();
    wasm_functype_t* functype = wasm_functype_new_1_0(type);
    wasm_func_t* func = wasm_func_new_with_env(room->store, functype, delete_within, room->store, NULL);
    wasm_functype_delete(functype);
    finalized_in_callback = 0;
    wasm_val_t arg[] = {WASM_I32_VAL(0)}, null = WASM_REF_VAL(NULL);
    if (references) arg[0] = null;
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg), results = WASM_EMPTY_VEC;
    CHECK(!wasm_func_call(func, &args, &results));
    CHECK(finalized_in_callback == 3);
    wasm_func_delete(func);
  }
}

int main(void) {
  a_kept_trap_returned_again();
  a_trap_of_another_store();
  host_info_of_a_trap_without_a_store();
  for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
    struct room* room = open_room();
    functions_of_tables(room, WAYS[i]);
    functions_of_globals(room, WAYS[i]);
    calls(room, WAYS[i]);
    instances(room, WAYS[i]);
    close_room(room);
  }
  struct room* room = open_room();
  other_functions(room);
  finalizers_run_in_callbacks(room);
  close_room(room);
  return 0;
}
