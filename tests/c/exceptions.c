// Exceptions: thrown and caught by WebAssembly, out of it and into it again, tags and what exceptions carry.

#include "check.h"

static const char* const MODULE =
    "(module (tag $t (export \"t\") (param i32 f64)) (tag $other (export \"other\")) (tag $ref (export \"ref\") (param externref funcref))"
    "  (import \"\" \"call\" (func $call (param i32) (result i32)))"
    "  (func (export \"throw\") (param i32) (throw $t (local.get 0) (f64.const 2.5)))"
    "  (func (export \"throw_other\") (throw $other))"
    // Catches $t of what it calls: the number that it carries, and 1000.
    "  (func (export \"catch\") (param i32) (result i32)"
    "    (block $h (result i32 f64)"
    "      (try_table (result i32) (catch $t $h) (call $call (local.get 0))) (return))"
    "    (drop) (i32.add (i32.const 1000)))"
    // Catches everything, and throws it again.
    "  (func (export \"again\") (param i32) (result i32)"
    "    (block $h (result exnref) (return (try_table (result i32) (catch_all_ref $h) (call $call (local.get 0))))) (throw_ref))"
    "  (func (export \"all\") (param i32) (result i32)"
    "    (block $h (return (try_table (result i32) (catch_all $h) (call $call (local.get 0))))) (i32.const -1))"
    "  (func (export \"throw_refs\") (param externref) (throw $ref (local.get 0) (ref.func $self)))"
    "  (func $self (export \"self\") (result i32) (i32.const 77))"
    "  (func (export \"trap\") (param i32) (result i32)"
    "    (block $h (return (try_table (result i32) (catch_all $h) (i32.div_u (i32.const 1) (local.get 0))))) (i32.const -1)))";
enum { T, OTHER, REF, THROW, THROW_OTHER, CATCH, AGAIN, ALL, THROW_REFS, SELF, TRAP };

enum mode { RETURN, CALL_THROW, CALL_OTHER, THROW_NEW, TRAP_OF_HOST };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  enum mode mode;
  libwasm_tag_t* tag;
  wasm_ref_t* thrown;  // the exception that the callback has passed on
};

static wasm_trap_t* call(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct world* w = env;
  wasm_trap_t* trap = NULL;
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  if (w->mode == CALL_THROW || w->mode == CALL_OTHER) {
    wasm_func_t* func = check_func(w->instance, w->mode == CALL_THROW ? THROW : THROW_OTHER);
    trap = wasm_func_call(func, w->mode == CALL_THROW ? args : &none, &none);
    wasm_func_delete(func);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
    if (w->thrown) wasm_ref_delete(w->thrown);
    w->thrown = libwasm_trap_exception(trap);
    CHECK(w->thrown);
    return trap;
  }
  if (w->mode == THROW_NEW) {
    wasm_val_t values[] = {args->data[0], WASM_F64_VAL(9.0)};
    wasm_val_vec_t carried = {2, values};
    wasm_ref_t* exception = libwasm_exception_new(w->tag, &carried);
    CHECK(exception);
    trap = libwasm_trap_new_exception(exception);
    wasm_ref_delete(exception);
    CHECK(trap);
    return trap;
  }
  if (w->mode == TRAP_OF_HOST) {
    wasm_name_t words;
    wasm_name_new_from_string_nt(&words, "of the host");
    trap = wasm_trap_new(w->store, &words);
    wasm_name_delete(&words);
    return trap;
  }
  wasm_val_t value = WASM_I32_VAL(args->data[0].of.i32 + 1);
  results->data[0] = value;
  return NULL;
}

static void world_new(struct world* w) {
  w->store = check_store();
  w->mode = RETURN;
  w->thrown = NULL;
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new(WASM_I32), wasm_valtype_new(WASM_I32));
  wasm_func_t* func = wasm_func_new_with_env(w->store, type, call, w, NULL);
  wasm_functype_delete(type);
  w->instance = check_instance(w->store, MODULE, 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  w->tag = libwasm_extern_as_tag(check_export(w->instance, T));
  CHECK(w->tag);
}

static void world_delete(struct world* w) {
  if (w->thrown) wasm_ref_delete(w->thrown);
  libwasm_tag_delete(w->tag);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

// Calls an export with a number: its result, or a trap in `*trap`.
static int32_t run(struct world* w, size_t export_, int32_t x, wasm_trap_t** trap) {
  wasm_func_t* func = check_func(w->instance, export_);
  wasm_val_t arg = WASM_I32_VAL(x), result = WASM_I32_VAL(0);
  wasm_val_vec_t in = {1, &arg}, out = {1, &result};
  *trap = wasm_func_call(func, &in, &out);
  wasm_func_delete(func);
  return result.of.i32;
}

// Whether a trap stands for an exception with the tag $t that carries this.
static bool carries(struct world* w, wasm_trap_t* trap, int32_t number, double fraction) {
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION && trap_says(trap, "uncaught exception"));
  wasm_ref_t* exception = libwasm_trap_exception(trap);
  CHECK(exception);
  libwasm_tag_t* tag = libwasm_exception_tag(exception);
  wasm_val_vec_t args;
  CHECK(libwasm_exception_args(exception, &args));
  bool same = libwasm_tag_same(tag, w->tag) && args.size == 2 && args.data[0].kind == WASM_I32 && args.data[1].kind == WASM_F64 &&
              args.data[0].of.i32 == number && args.data[1].of.f64 == fraction;
  wasm_val_vec_delete(&args);
  libwasm_tag_delete(tag);
  wasm_ref_delete(exception);
  return same;
}

static void thrown_and_not_caught(void) {
  struct world w;
  world_new(&w);
  wasm_trap_t* trap;
  run(&w, THROW, 42, &trap);
  CHECK(carries(&w, trap, 42, 2.5));
  // The trace is that of the throw.
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 1 && wasm_frame_func_index(frames.data[0]) == 1);
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), w.instance));
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  // A trap is no exception, and catch_all does not catch it.
  run(&w, TRAP, 0, &trap);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO && !libwasm_trap_exception(trap));
  wasm_trap_delete(trap);
  CHECK(run(&w, TRAP, 1, &trap) == 1 && !trap);
  CHECK_REASON(!libwasm_trap_exception(NULL));
  world_delete(&w);
}

// {returns, throws by WebAssembly further in, throws itself, traps} × {caught by tag, thrown again, caught by all}.
static void through_the_host(void) {
  struct world w;
  world_new(&w);
  wasm_trap_t* trap;
  for (w.mode = RETURN; w.mode <= TRAP_OF_HOST; w.mode++) {
    bool exception = w.mode == CALL_THROW || w.mode == THROW_NEW;
    int32_t result = run(&w, CATCH, 5, &trap);
    if (w.mode == RETURN) CHECK(!trap && result == 6);
    if (exception) CHECK(!trap && result == 1005);
    if (w.mode == CALL_OTHER) CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
    if (w.mode == TRAP_OF_HOST) CHECK(trap && trap_says(trap, "of the host"));
    if (trap) wasm_trap_delete(trap);
    result = run(&w, AGAIN, 6, &trap);
    if (w.mode == RETURN) CHECK(!trap && result == 7);
    if (exception) CHECK(carries(&w, trap, 6, w.mode == THROW_NEW ? 9.0 : 2.5));
    if (w.mode == CALL_THROW || w.mode == CALL_OTHER) {
      // The same exception, not one like it.
      wasm_ref_t* same = libwasm_trap_exception(trap);
      CHECK(wasm_ref_same(same, w.thrown));
      wasm_ref_delete(same);
    }
    if (w.mode == TRAP_OF_HOST) CHECK(trap && trap_says(trap, "of the host"));
    if (trap) wasm_trap_delete(trap);
    result = run(&w, ALL, 7, &trap);
    if (w.mode == TRAP_OF_HOST) {
      CHECK(trap && trap_says(trap, "of the host"));
      wasm_trap_delete(trap);
    } else {
      CHECK(!trap && result == (w.mode == RETURN ? 8 : -1));
    }
  }
  world_delete(&w);
}

// What an exception carries lives as long as it: references, and the instance of its tag.
static void references(void) {
  struct world w;
  world_new(&w);
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_func_t* func = check_func(w.instance, THROW_REFS);
  wasm_val_t arg = {.kind = WASM_EXTERNREF, .of = {.ref = wasm_foreign_as_ref(foreign)}};
  wasm_val_vec_t in = {1, &arg}, none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(func, &in, &none);
  CHECK(trap);
  wasm_ref_t* exception = libwasm_trap_exception(trap);
  wasm_trap_delete(trap);
  wasm_func_delete(func);
  wasm_foreign_delete(foreign);
  libwasm_tag_t* tag = w.tag;
  w.tag = NULL;
  libwasm_tag_delete(tag);
  wasm_instance_delete(w.instance);
  // Collections.
  wasm_module_t* empty = check_module(w.store, "(module)");
  for (int i = 0; i < 2000; i++) wasm_instance_delete(wasm_instance_new(w.store, empty, NULL, NULL));
  wasm_module_delete(empty);
  CHECK(finalized == 0);
  wasm_val_vec_t args;
  CHECK(libwasm_exception_args(exception, &args) && args.size == 2);
  CHECK(args.data[0].kind == WASM_EXTERNREF && wasm_ref_get_host_info(args.data[0].of.ref) == &finalized);
  CHECK(args.data[1].kind == WASM_FUNCREF && check_call(wasm_ref_as_func(args.data[1].of.ref), 0) == 77);
  wasm_val_vec_delete(&args);
  tag = libwasm_exception_tag(exception);
  wasm_tagtype_t* type = libwasm_tag_type(tag);
  CHECK(wasm_functype_params(wasm_tagtype_functype(type))->size == 2);
  wasm_tagtype_delete(type);
  libwasm_tag_delete(tag);
  wasm_ref_delete(exception);
  wasm_store_delete(w.store);
  CHECK(finalized == 1);
}

// Tags that the host makes, imported; and what is refused.
static void tags(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new(WASM_I64));
  wasm_tagtype_t* tag_type = wasm_tagtype_new(type);
  libwasm_tag_t *tag = libwasm_tag_new(store, tag_type), *twin = libwasm_tag_new(store, tag_type), *copy = libwasm_tag_copy(tag);
  CHECK(tag && twin && libwasm_tag_same(tag, copy) && !libwasm_tag_same(tag, twin));
  CHECK(wasm_extern_kind(libwasm_tag_as_extern(tag)) == WASM_EXTERN_TAG);
  wasm_externtype_t* extern_type = wasm_extern_type(libwasm_tag_as_extern(tag));
  CHECK(wasm_externtype_kind(extern_type) == WASM_EXTERN_TAG);
  wasm_externtype_delete(extern_type);
  CHECK_REASON(!wasm_extern_as_func(libwasm_tag_as_extern(tag)));
  // Tags are told apart by identity: the first clause names the tag that was not thrown.
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"a\" (tag $a (param i64))) (import \"\" \"b\" (tag $b (param i64)))"
      "  (func (export \"run\") (param i32) (result i64)"
      "    (block $second (result i64) (block $first (result i64)"
      "      (try_table (catch $a $first) (catch $b $second)"
      "        (if (local.get 0) (then (throw $a (i64.const 1))) (else (throw $b (i64.const 2))))) (unreachable))"
      "      (return (i64.add (i64.const 10)))) (i64.add (i64.const 20))))",
      2, libwasm_tag_as_extern(twin), libwasm_tag_as_extern(tag));
  wasm_func_t* func = check_func(instance, 0);
  for (int i = 0; i < 2; i++) {
    wasm_val_t arg = WASM_I32_VAL(i), result = WASM_I32_VAL(0);
    wasm_val_vec_t in = {1, &arg}, out = {1, &result};
    CHECK(!wasm_func_call(func, &in, &out) && result.of.i64 == (i ? 11 : 22));
  }
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  // One tag imported twice is one tag: the first clause catches.
  instance = check_instance(
      store,
      "(module (import \"\" \"a\" (tag $a (param i64))) (import \"\" \"b\" (tag $b (param i64)))"
      "  (func (export \"run\") (result i32)"
      "    (block $second (result i64) (block $first (result i64)"
      "      (try_table (catch $a $first) (catch $b $second) (throw $b (i64.const 2))) (unreachable))"
      "      (return (drop) (i32.const 1))) (drop) (i32.const 2)))",
      2, libwasm_tag_as_extern(tag), libwasm_tag_as_extern(copy));
  func = check_func(instance, 0);
  CHECK(check_call(func, 0) == 1);
  wasm_func_delete(func);
  wasm_instance_delete(instance);

  wasm_val_t wrong = WASM_I32_VAL(1), right = WASM_I64_VAL(1);
  wasm_val_vec_t none = WASM_EMPTY_VEC, args = {1, &wrong};
  CHECK_REASON(!libwasm_exception_new(tag, &none));
  CHECK_REASON(!libwasm_exception_new(tag, &args));
  args.data = &right;
  CHECK_REASON(!libwasm_exception_new(NULL, &args));
  wasm_ref_t* exception = libwasm_exception_new(tag, &args);
  CHECK(exception);
  wasm_valtype_t *exn = wasm_valtype_new(LIBWASM_EXNREF), *any = wasm_valtype_new(LIBWASM_ANYREF);
  CHECK(libwasm_ref_test(exception, exn) && !libwasm_ref_test(exception, any));
  CHECK(!libwasm_ref_test(exception, wasm_valtype_new(LIBWASM_STRUCTREF)));
  CHECK_REASON(!libwasm_exception_tag(libwasm_tag_as_extern(tag) ? wasm_extern_as_ref(libwasm_tag_as_extern(tag)) : NULL));
  CHECK_REASON(!libwasm_trap_new_exception(NULL));
  wasm_val_vec_t out;
  CHECK_REASON(!libwasm_exception_args(wasm_extern_as_ref(libwasm_tag_as_extern(tag)), &out) && out.size == 0);
  wasm_ref_delete(exception);
  libwasm_tag_delete(tag);
  libwasm_tag_delete(twin);
  libwasm_tag_delete(copy);
  wasm_tagtype_delete(tag_type);
  // Another store's tag is refused as an import.
  wasm_functype_t* empty = wasm_functype_new_0_1(wasm_valtype_new(WASM_I32));
  tag_type = wasm_tagtype_new(empty);
  CHECK_REASON(!libwasm_tag_new(store, tag_type));
  wasm_tagtype_delete(tag_type);
  wasm_store_delete(store);
}

// A start function that throws, and a throw out of a thousand frames with references on their stacks.
static void deep(void) {
  struct world w;
  world_new(&w);
  wasm_module_t* module = check_module(w.store, "(module (tag $t) (func $s (throw $t)) (start $s))");
  wasm_trap_t* trap = NULL;
  CHECK(!wasm_instance_new(w.store, module, NULL, &trap));
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
  wasm_trap_delete(trap);
  wasm_module_delete(module);
  wasm_instance_t* instance = check_instance(
      w.store,
      "(module (tag $t (param i32)) (type $s (struct (field i32)))"
      "  (func $down (param i32 (ref $s)) (result i32)"
      "    (if (i32.eqz (local.get 0)) (then (throw $t (struct.get $s 0 (local.get 1)))))"
      "    (i32.add (struct.get $s 0 (local.get 1))"
      "      (call $down (i32.sub (local.get 0) (i32.const 1)) (struct.new $s (i32.add (struct.get $s 0 (local.get 1)) (i32.const 1))))))"
      "  (func (export \"run\") (param i32) (result i32) (local (ref $s)) (local.set 1 (struct.new $s (i32.const 5)))"
      "    (block $h (result i32) (try_table (result i32) (catch $t $h) (call $down (local.get 0) (local.get 1))))"
      "    (i32.add (i32.mul (struct.get $s 0 (local.get 1)) (i32.const 10000)))))",
      0);
  wasm_func_t* func = check_func(instance, 0);
  for (int i = 0; i < 100; i++) CHECK(check_call(func, 1, 1000) == 51005);
  CHECK(check_call(func, 1, 0) == 50005);
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  world_delete(&w);
}

// What callbacks throw that are not of a module's world, and what happens when their traps are freed.
struct thrower {
  wasm_store_t* store;
  libwasm_tag_t* tag;    // made when it is needed first, if it is NULL
  wasm_store_t* of;      // the store of the exception
  bool collects;         // whether the trap has a finalizer that collects
  int finalized;
};

static libwasm_tag_t* tag_of_i32(wasm_store_t* store) {
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new(WASM_I32));
  wasm_tagtype_t* tag_type = wasm_tagtype_new(type);
  libwasm_tag_t* tag = libwasm_tag_new(store, tag_type);
  CHECK(tag);
  wasm_tagtype_delete(tag_type);
  return tag;
}

static wasm_ref_t* exception_of(libwasm_tag_t* tag, int32_t number) {
  wasm_val_t value = WASM_I32_VAL(number);
  wasm_val_vec_t args = {1, &value};
  wasm_ref_t* exception = libwasm_exception_new(tag, &args);
  CHECK(exception);
  return exception;
}

// Collects, and makes exceptions that take the place of what was freed.
static void collect_and_make(void* info) {
  struct thrower* thrower = info;
  CHECK(libwasm_store_collect(thrower->store));
  for (int i = 0; i < 1000; i++) wasm_ref_delete(exception_of(thrower->tag, -1));
  thrower->finalized++;
}

static wasm_trap_t* throws(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  struct thrower* thrower = env;
  if (!thrower->tag) thrower->tag = tag_of_i32(thrower->of);
  wasm_ref_t* exception = exception_of(thrower->tag, 42);
  // Far into the heap, if it is another store's.
  for (int i = 0; thrower->of != thrower->store && i < 3000; i++) {
    wasm_ref_delete(exception);
    exception = exception_of(thrower->tag, 42);
  }
  wasm_trap_t* trap = libwasm_trap_new_exception(exception);
  CHECK(trap);
  wasm_ref_delete(exception);
  if (thrower->collects) wasm_trap_set_host_info_with_finalizer(trap, thrower, collect_and_make);
  return trap;
}

static wasm_instance_t* thrower_instance(struct thrower* thrower, const char* text) {
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(thrower->store, type, throws, thrower, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(thrower->store, text, 1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  return instance;
}

static const char* const CATCHES =
    "(module (import \"\" \"f\" (func $f)) (tag $t (export \"t\") (param i32))"
    "  (func (export \"run\") (result i32)"
    "    (block $all (return (block $h (result i32) (try_table (catch $t $h) (catch_all $all) (call $f)) (i32.const 1)))) (i32.const 2)))";

// The finalizer of a trap whose exception is caught may collect: the exception is no longer the trap's, and in no frame yet.
static void caught_traps_are_finalized(void) {
  struct thrower thrower = {.store = check_store(), .collects = true};
  thrower.of = thrower.store;
  wasm_instance_t* instance = thrower_instance(&thrower, CATCHES);
  thrower.tag = libwasm_extern_as_tag(check_export(instance, 0));
  wasm_func_t* run = check_func(instance, 1);
  for (int i = 1; i <= 20; i++) {
    CHECK(check_call(run, 0) == 42);
    CHECK(thrower.finalized == i);
  }
  wasm_func_delete(run);
  libwasm_tag_delete(thrower.tag);
  wasm_instance_delete(instance);
  wasm_store_delete(thrower.store);
}

// An exception of another store is not caught: it is a mistake of the callback's.
static void exceptions_of_another_store(void) {
  struct thrower thrower = {.store = check_store(), .of = check_store()};
  wasm_instance_t* instance = thrower_instance(&thrower, CATCHES);
  wasm_func_t* run = check_func(instance, 1);
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t none = WASM_EMPTY_VEC, results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(run, &none, &results);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  CHECK(trap_says(trap, "a callback returned a trap of another store") && !libwasm_trap_exception(trap));
  wasm_trap_delete(trap);
  wasm_func_delete(run);
  libwasm_tag_delete(thrower.tag);
  wasm_instance_delete(instance);
  wasm_store_delete(thrower.of);
  wasm_store_delete(thrower.store);
}

// The first exception of a store is made while a function runs that catches all, of a module that has no tags.
static void caught_without_tags(void) {
  for (int level = LIBWASM_OPT_NONE; level <= LIBWASM_OPT_SPEED; level++) {
    wasm_config_t* config = check_config();
    libwasm_config_set_opt_level(config, (libwasm_opt_level_t)level);
    wasm_engine_t* engine = wasm_engine_new_with_config(config);
    struct thrower thrower = {.store = wasm_store_new(engine)};
    wasm_engine_delete(engine);
    thrower.of = thrower.store;
    wasm_instance_t* instance = thrower_instance(
        &thrower,
        "(module (import \"\" \"f\" (func $f)) (func (export \"run\") (result i32)"
        "  (block $h (result exnref) (try_table (catch_all_ref $h) (call $f)) (return (i32.const 1)))"
        "  (ref.is_null) (i32.add (i32.const 2))))");
    wasm_func_t* run = check_func(instance, 0);
    CHECK(check_call(run, 0) == 2);
    wasm_func_delete(run);
    libwasm_tag_delete(thrower.tag);
    wasm_instance_delete(instance);
    wasm_store_delete(thrower.store);
  }
}

int main(void) {
  thrown_and_not_caught();
  through_the_host();
  references();
  tags();
  deep();
  caught_traps_are_finalized();
  exceptions_of_another_store();
  caught_without_tags();
  return 0;
}
