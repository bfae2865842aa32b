// The legacy form of exceptions: try, catch, catch_all, delegate and rethrow, through the host, with references, and beside try_table.

#include "check.h"

static const char* const MODULE =
    "(module (tag $t (export \"t\") (param i32 f64)) (tag $other (export \"other\"))"
    "  (import \"\" \"call\" (func $call (param i32) (result i32)))"
    "  (func (export \"throw\") (param i32) (throw $t (local.get 0) (f64.const 2.5)))"
    "  (func (export \"throw_other\") (throw $other))"
    // The number that $t carries, and 1000.
    "  (func (export \"catch\") (param i32) (result i32)"
    "    try (result i32) local.get 0 call $call"
    "    catch $t drop i32.const 1000 i32.add end)"
    // The second clause; what is thrown has been in a handler already.
    "  (func (export \"second\") (param i32) (result i32)"
    "    try (result i32)"
    "      try (result i32) local.get 0 call $call catch_all rethrow 0 end"
    "    catch $other i32.const 2000"
    "    catch $t drop i32.const 3000 i32.add end)"
    "  (func (export \"again\") (param i32) (result i32)"
    "    try (result i32) local.get 0 call $call catch $t rethrow 0 catch_all rethrow 0 end)"
    "  (func (export \"all\") (param i32) (result i32)"
    "    try (result i32) local.get 0 call $call catch_all i32.const -1 end)"
    // Past the clause between, to the one of $outer.
    "  (func (export \"skip\") (param i32) (result i32)"
    "    try $outer (result i32)"
    "      try (result i32)"
    "        try (result i32) local.get 0 call $call delegate $outer"
    "      catch_all i32.const -2 end"
    "    catch $t drop i32.const 4000 i32.add end)"
    // Past all clauses.
    "  (func (export \"leave\") (param i32) (result i32)"
    "    try (result i32)"
    "      try (result i32) local.get 0 call $call delegate 1"
    "    catch_all i32.const -3 end)"
    "  (func (export \"trap\") (param i32) (result i32)"
    "    try (result i32) i32.const 1 local.get 0 i32.div_u catch_all i32.const -4 end))";
enum { T, OTHER, THROW, THROW_OTHER, CATCH, SECOND, AGAIN, ALL, SKIP, LEAVE, TRAP };

// What the host function does.
enum mode { RETURN, CALL_THROW, CALL_OTHER, THROW_NEW, TRAP_OF_HOST };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  enum mode mode;
  libwasm_tag_t* tag;
  wasm_ref_t* thrown;  // The last exception that the callback passed on.
};

static wasm_trap_t* pass_on(struct world* w, wasm_trap_t* trap) {
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
  if (w->thrown) wasm_ref_delete(w->thrown);
  CHECK(w->thrown = libwasm_trap_exception(trap));
  return trap;
}

static wasm_trap_t* call(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct world* w = env;
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  if (w->mode == CALL_THROW || w->mode == CALL_OTHER) {
    wasm_func_t* func = check_func(w->instance, w->mode == CALL_THROW ? THROW : THROW_OTHER);
    wasm_trap_t* trap = wasm_func_call(func, w->mode == CALL_THROW ? args : &none, &none);
    wasm_func_delete(func);
    return pass_on(w, trap);
  }
  if (w->mode == THROW_NEW) {
    wasm_val_t values[] = {args->data[0], WASM_F64_VAL(9.0)};
    wasm_val_vec_t carried = {2, values};
    wasm_ref_t* exception = libwasm_exception_new(w->tag, &carried);
    CHECK(exception);
    wasm_trap_t* trap = libwasm_trap_new_exception(exception);
    wasm_ref_delete(exception);
    return pass_on(w, trap);
  }
  if (w->mode == TRAP_OF_HOST) {
    wasm_name_t words;
    wasm_name_new_from_string_nt(&words, "of the host");
    wasm_trap_t* trap = wasm_trap_new(w->store, &words);
    wasm_name_delete(&words);
    return trap;
  }
  results->data[0] = (wasm_val_t)WASM_I32_VAL(args->data[0].of.i32 + 1);
  return NULL;
}

// The module comes out of an artifact, or not.
static void world_new(struct world* w, bool through_artifact) {
  w->store = check_store();
  w->mode = RETURN;
  w->thrown = NULL;
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new(WASM_I32), wasm_valtype_new(WASM_I32));
  wasm_func_t* func = wasm_func_new_with_env(w->store, type, call, w, NULL);
  wasm_functype_delete(type);
  wasm_module_t* module = check_module(w->store, MODULE);
  if (through_artifact) {
    wasm_byte_vec_t artifact, again;
    wasm_module_serialize(module, &artifact);
    wasm_module_delete(module);
    // The same code each time.
    module = check_module(w->store, MODULE);
    wasm_module_serialize(module, &again);
    CHECK(artifact.size > 0 && artifact.size == again.size && memcmp(artifact.data, again.data, again.size) == 0);
    wasm_module_delete(module);
    CHECK(module = wasm_module_deserialize(w->store, &artifact));
    wasm_byte_vec_delete(&artifact);
    wasm_byte_vec_delete(&again);
  }
  wasm_extern_t* imports[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports_vec = {1, imports};
  CHECK(w->instance = wasm_instance_new(w->store, module, &imports_vec, NULL));
  wasm_module_delete(module);
  wasm_func_delete(func);
  CHECK(w->tag = libwasm_extern_as_tag(check_export(w->instance, T)));
}

static void world_delete(struct world* w) {
  if (w->thrown) wasm_ref_delete(w->thrown);
  libwasm_tag_delete(w->tag);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

static int32_t run(struct world* w, size_t export_, int32_t x, wasm_trap_t** trap) {
  wasm_func_t* func = check_func(w->instance, export_);
  wasm_val_t arg = WASM_I32_VAL(x), result = WASM_I32_VAL(0);
  wasm_val_vec_t in = {1, &arg}, out = {1, &result};
  *trap = wasm_func_call(func, &in, &out);
  wasm_func_delete(func);
  return result.of.i32;
}

// A trap that stands for the exception that the callback passed on, the same, with what it carried, and a trace that begins in `func`.
static void check_uncaught(struct world* w, wasm_trap_t* trap, int32_t number, uint32_t func) {
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_EXCEPTION);
  wasm_ref_t* exception = libwasm_trap_exception(trap);
  CHECK(exception && wasm_ref_same(exception, w->thrown));
  libwasm_tag_t* tag = libwasm_exception_tag(exception);
  CHECK(libwasm_tag_same(tag, w->tag) == (w->mode != CALL_OTHER));
  wasm_val_vec_t args;
  CHECK(libwasm_exception_args(exception, &args));
  if (w->mode == CALL_OTHER) CHECK(args.size == 0);
  if (w->mode != CALL_OTHER) CHECK(args.size == 2 && args.data[0].of.i32 == number && args.data[1].of.f64 == (w->mode == THROW_NEW ? 9.0 : 2.5));
  wasm_val_vec_delete(&args);
  libwasm_tag_delete(tag);
  wasm_ref_delete(exception);
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && wasm_frame_func_index(origin) == func && wasm_instance_same(wasm_frame_instance(origin), w->instance));
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
}

// {returns, throws by WebAssembly further in, another tag, throws itself, traps} × {each kind of handler}.
static void through_the_host(bool through_artifact) {
  static const struct {
    size_t export_;
    int32_t caught, other;  // What the handler makes of 5 and $t, and of $other; 0 where it comes out.
  } handlers[] = {
      {CATCH, 1005, 0}, {SECOND, 3005, 2000}, {AGAIN, 0, 0}, {ALL, -1, -1}, {SKIP, 4005, 0}, {LEAVE, 0, 0},
  };
  struct world w;
  world_new(&w, through_artifact);
  wasm_trap_t* trap;
  for (w.mode = RETURN; w.mode <= TRAP_OF_HOST; w.mode++) {
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
      size_t export_ = handlers[i].export_;
      int32_t result = run(&w, export_, 5, &trap);
      if (w.mode == RETURN) {
        CHECK(!trap && result == 6);
      } else if (w.mode == TRAP_OF_HOST) {
        CHECK(trap && trap_says(trap, "of the host") && !libwasm_trap_exception(trap));
        wasm_trap_delete(trap);
      } else {
        int32_t expected = w.mode == CALL_OTHER ? handlers[i].other : handlers[i].caught;
        if (expected) CHECK(!trap && result == expected);
        // The import is function 0, and the exports follow in order.
        if (!expected) check_uncaught(&w, trap, 5, (uint32_t)(export_ - THROW + 1));
      }
    }
  }
  run(&w, TRAP, 0, &trap);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO);
  wasm_trap_delete(trap);
  CHECK(run(&w, TRAP, 1, &trap) == 1 && !trap);
  world_delete(&w);
}

static wasm_trap_t* collect(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  CHECK(libwasm_store_collect(*(wasm_store_t**)env));
  return NULL;
}

// A handler's exception, operands and locals outlive collections in it, and so does what the exception refers to. It is thrown again from
// handlers further in, by number.
static void references(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(store, type, collect, &store, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(
      store,
      "(module (type $s (struct (field i32))) (tag $t (param (ref $s) i32)) (tag $none) (import \"\" \"collect\" (func $collect))"
      "  (func $garbage (local i32) (local.set 0 (i32.const 1000))"
      "    (loop (drop (struct.new $s (i32.const -1))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (call $collect))"
      "  (func $throw (param i32) (throw $t (struct.new $s (local.get 0)) (local.get 0)))"
      "  (func $handle (param i32) (result i32) (local (ref null $s))"
      "    (local.set 1 (struct.new $s (i32.const 7)))"
      "    (i32.add (struct.get $s 0 (struct.new $s (i32.const 1)))"
      "      (try $outer (result i32)"
      "        (do (call $throw (local.get 0)) (unreachable))"
      "        (catch $none (unreachable))"
      "        (catch $t (local.set 0) (local.set 1)"
      "          (call $garbage)"
      "          (try $inner (result i32)"
      "            (do (call $throw (i32.add (local.get 0) (i32.const 1))) (unreachable))"
      "            (catch_all"
      "              (call $garbage)"
      "              (if (i32.and (local.get 0) (i32.const 1)) (then (rethrow $inner)))"
      "              (if (i32.and (local.get 0) (i32.const 2)) (then (rethrow $outer)))"
      "              (struct.get $s 0 (local.get 1))))))))"
      "  (func (export \"run\") (param i32) (result i32) (local (ref null $s))"
      "    (try (result i32)"
      "      (do (call $handle (local.get 0)))"
      "      (catch $t (local.set 0) (local.set 1) (call $garbage)"
      "        (i32.add (i32.mul (i32.const 100) (local.get 0)) (struct.get $s 0 (local.get 1)))))))",
      1, wasm_func_as_extern(func));
  wasm_func_delete(func);
  func = check_func(instance, 0);
  for (int i = 0; i < 5; i++) {
    CHECK(check_call(func, 1, 4) == 5 && check_call(func, 1, 8) == 9);
    CHECK(check_call(func, 1, 1) == 202 && check_call(func, 1, 3) == 404);   // $inner
    CHECK(check_call(func, 1, 2) == 202 && check_call(func, 1, 6) == 606);   // $outer
  }
  wasm_func_delete(func);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Blocks with parameters and several results, branches out of handlers and back to loops, clauses that nothing throws to, unreachable code.
static void control(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (tag $a (param i32)) (tag $b) (tag $two (param i32 i64))"
      "  (func $throw (param i32) (result i32)"
      "    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 10))))"
      "    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b)))"
      "    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $two (i32.const 30) (i64.const 31))))"
      "    (i32.const 5))"
      "  (func (export \"params\") (param i32) (result i32)"
      "    i32.const 100 local.get 0"
      "    try (param i32) (result i32 i32)"
      "      call $throw i32.const 1000"
      "    catch $two i32.wrap_i64"
      "    catch $a i32.const 40"
      "    catch $b i32.const 50 i32.const 60 end"
      "    i32.add i32.add)"
      // Counts down in a loop: each round throws in the body, and goes on from the handler.
      "  (func (export \"loop\") (param i32) (result i32) (local $sum i32)"
      "    loop $again"
      "      try"
      "        local.get 0 throw $a"
      "      catch $a"
      "        local.get $sum i32.add local.set $sum"
      "        local.get 0 i32.const 1 i32.sub local.tee 0"
      "        br_if $again"
      "      end"
      "    end local.get $sum)"
      // A branch to a try from its handler goes to its end.
      "  (func (export \"branch\") (param i32) (result i32)"
      "    try $l (result i32)"
      "      local.get 0 call $throw"
      "    catch $a"
      "      local.get 0 br_if $l drop i32.const 7"
      "    catch_all"
      "      i32.const 8 local.get 0 br_table $l 1 $l 1"
      "    end i32.const 1 i32.add)"
      "  (func (export \"dead\") (param i32) (result i32)"
      "    (try (do) (catch $a (drop) (unreachable)) (catch_all (try (do (rethrow 1)) (delegate 0))))"
      "    (block $out (br $out) (try (do (throw $b)) (catch $b (try (do) (delegate 0)) (rethrow 0)) (catch_all (rethrow 0))))"
      "    (try (do (br 0) (try (do (drop (call $throw (i32.const 1)))) (catch $a drop) (catch_all))) (catch_all (unreachable)))"
      "    (try (do (br 0) (try (do (throw $b)) (delegate 0))) (catch_all (unreachable)))"
      "    (if (local.get 0) (then (try (do (return (i32.const 11))) (catch_all (unreachable)))) (else (try (do) (delegate 0))))"
      "    (i32.const 12))"
      // The locals are those of the call that threw.
      "  (func (export \"locals\") (param i32) (result i32) (local i32)"
      "    (try (do"
      "        (local.set 1 (i32.const 1)) (drop (call $throw (i32.sub (local.get 0) (i32.const 1))))"
      "        (local.set 1 (i32.const 2)) (drop (call $throw (local.get 0)))"
      "        (local.set 1 (i32.const 3)) (drop (call $throw (i32.add (local.get 0) (i32.const 1))))"
      "        (local.set 1 (i32.const 4)))"
      "      (catch_all))"
      "    (local.get 1))"
      // Of the functions in between, each second one passes on what it caught, and the others throw a larger number.
      "  (func $deep (param i32)"
      "    (if (i32.eqz (local.get 0)) (then (throw $a (i32.const 0))))"
      "    (try"
      "      (do (call $deep (i32.sub (local.get 0) (i32.const 1))))"
      "      (catch $a"
      "        (if (param i32) (i32.rem_u (local.get 0) (i32.const 2))"
      "          (then (drop) (rethrow 1)) (else (throw $a (i32.add (i32.const 1))))))"
      "      (catch_all (unreachable))))"
      "  (func (export \"deep\") (param i32) (result i32)"
      "    (try (result i32) (do (call $deep (local.get 0)) (i32.const -1)) (catch $a))))",
      0);
  wasm_func_t* funcs[6];
  for (size_t i = 0; i < 6; i++) funcs[i] = check_func(instance, i);
  CHECK(check_call(funcs[0], 1, 0) == 1105 && check_call(funcs[0], 1, 1) == 150 && check_call(funcs[0], 1, 2) == 210);
  CHECK(check_call(funcs[0], 1, 3) == 161);
  CHECK(check_call(funcs[1], 1, 100) == 5050);
  CHECK(check_call(funcs[2], 1, 0) == 6 && check_call(funcs[2], 1, 1) == 11 && check_call(funcs[2], 1, 2) == 9 && check_call(funcs[2], 1, 3) == 8);
  CHECK(check_call(funcs[3], 1, 0) == 12 && check_call(funcs[3], 1, 1) == 11);
  for (int32_t i = 0, expected[] = {3, 2, 1, 1, 1, 4}; i < 6; i++) CHECK(check_call(funcs[4], 1, i) == expected[i]);
  CHECK(check_call(funcs[5], 1, 2000) == 1000 && check_call(funcs[5], 1, 2001) == 1000);
  for (size_t i = 0; i < 6; i++) wasm_func_delete(funcs[i]);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// Both forms in one function: each catches what comes out of the other, and delegate finds the clauses of try_table.
static void both_forms(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (tag $a (param i32)) (tag $b (param i32))"
      "  (func $throw (param i32) (if (i32.and (local.get 0) (i32.const 1))"
      "    (then (throw $a (local.get 0))) (else (throw $b (local.get 0)))))"
      "  (func (export \"legacy in table\") (param i32) (result i32)"
      "    block $h (result i32)"
      "      try_table $t (catch $b $h)"
      "        try (call $throw (local.get 0)) catch $a i32.const 100 i32.add return end"
      "      end unreachable"
      "    end i32.const 200 i32.add)"
      "  (func (export \"delegate to table\") (param i32) (result i32)"
      "    block $h (result i32)"
      "      try_table $t (catch $b $h) (catch $a $h)"
      "        try"
      "          try (call $throw (local.get 0)) delegate $t"
      "        catch_all unreachable end"
      "      end unreachable"
      "    end i32.const 300 i32.add)"
      "  (func (export \"table in legacy\") (param i32) (result i32)"
      "    try (result i32)"
      "      block $h (result i32 exnref)"
      "        try_table (catch_ref $b $h) (call $throw (local.get 0)) end unreachable"
      "      end"
      "      throw_ref"
      "    catch $a i32.const 400 i32.add"
      "    catch $b i32.const 500 i32.add"
      "      try (param i32) drop rethrow 1 delegate 1"
      "      unreachable end)"
      "  (func (export \"out\") (param i32) (result i32)"
      "    try (result i32) local.get 0 call 3 catch $b i32.const 600 i32.add end))",
      0);
  wasm_func_t* funcs[4];
  for (size_t i = 0; i < 4; i++) funcs[i] = check_func(instance, i);
  CHECK(check_call(funcs[0], 1, 1) == 101 && check_call(funcs[0], 1, 2) == 202);
  CHECK(check_call(funcs[1], 1, 1) == 301 && check_call(funcs[1], 1, 2) == 302);
  CHECK(check_call(funcs[2], 1, 1) == 401);
  CHECK(check_call(funcs[3], 1, 1) == 401 && check_call(funcs[3], 1, 2) == 602);
  for (size_t i = 0; i < 4; i++) wasm_func_delete(funcs[i]);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

// The flat and the folded form of a text give one binary, and errors in either say where.
static void text(void) {
  wasm_byte_vec_t flat = check_wasm(
      "(module (tag $e (param i32)) (func $f (result i32)"
      "  i32.const 1"
      "  try $l (result i32) try $m (throw $e (i32.const 1)) delegate $l i32.const 2 catch $e (i32.eqz) catch_all rethrow $l end"
      "  i32.add"
      "  try (result i32) i32.const 4 end i32.add))");
  wasm_byte_vec_t folded = check_wasm(
      "(module (tag $e (param i32)) (func $f (result i32)"
      "  (i32.add (i32.add (i32.const 1)"
      "    (try $l (result i32) (do (try $m (do (throw $e (i32.const 1))) (delegate $l)) (i32.const 2)) (catch $e (i32.eqz)) (catch_all (rethrow $l))))"
      "    (try (result i32) (do (i32.const 4))))))");
  CHECK(flat.size == folded.size && memcmp(flat.data, folded.data, flat.size) == 0);
  wasm_byte_vec_delete(&flat);
  wasm_byte_vec_delete(&folded);
  static const struct {
    const char *text, *place;
  } wrong[] = {
      {"(module (func\n (try (do)\n  (catch $unknown))))", ":3:10"},
      {"(module (func\n (try (do) (delegate 0)) (nope)))", ":2:27"},
      {"(module (func\n (try (do) (delegate 0) (catch 0))))", ":2:26"},
      {"(module (func\n (try\n  nop)))", ":3:3"},
      {"(module (func (try (do) (catch_all))\n $\"))", ":2:"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    wasm_byte_vec_t in = {strlen(wrong[i].text), (char*)wrong[i].text}, out;
    CHECK_REASON(!libwasm_wat2wasm(&in, &out));
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_INVALID && out.size == 0 && reason_says(wrong[i].place));
  }
}

int main(void) {
  through_the_host(false);
  through_the_host(true);
  references();
  control();
  both_forms();
  text();
  return 0;
}
