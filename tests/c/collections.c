// Collections at the places where engines have lost references: between arguments, in loops, in array instructions, while an exception
// is on its way; and arrays of sizes that no arithmetic may wrap.

#include "check.h"

struct world {
  wasm_store_t* store;
  wasm_func_t* collect;
  wasm_instance_t* instance;
  // The exception that the host throws next, or NULL.
  wasm_trap_t* thrown;
};

// The guest's import: everything that nothing refers to is gone afterwards, and its place is used again.
static wasm_trap_t* collect(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  struct world* w = env;
  CHECK(libwasm_store_collect(w->store));
  wasm_trap_t* thrown = w->thrown;
  w->thrown = NULL;
  return thrown;
}

static struct world* world_new(const char* wat) {
  struct world* w = calloc(1, sizeof *w);
  w->store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  w->collect = wasm_func_new_with_env(w->store, type, collect, w, NULL);
  wasm_functype_delete(type);
  w->instance = check_instance(w->store, wat, 1, wasm_func_as_extern(w->collect));
  return w;
}

static void world_delete(struct world* w) {
  wasm_instance_delete(w->instance);
  wasm_func_delete(w->collect);
  wasm_store_delete(w->store);
  free(w);
}

static int32_t run(struct world* w, size_t export_, int32_t argument) {
  wasm_func_t* func = check_func(w->instance, export_);
  int32_t result = check_call(func, (int)wasm_func_param_arity(func), argument);
  wasm_func_delete(func);
  return result;
}

// What all guests here have: collections, objects that take the place of garbage, and a list.
#define COMMON \
  "(module (import \"\" \"collect\" (func $collect)) (type $n (struct (field $v (mut i32)) (field $next (mut (ref null $n)))))" \
  "  (type $bytes (array (mut i8))) (type $nodes (array (mut (ref null $n))))" \
  /* Collects, and fills what is free with nodes of -1. */ \
  "  (func $disturb (local $i i32) (call $collect) (local.set $i (i32.const 200))" \
  "    (loop $l (drop (struct.new $n (i32.const -1) (ref.null $n))) (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))" \
  "  (func $node (param i32) (result (ref $n)) (call $disturb) (struct.new $n (local.get 0) (ref.null $n)))" \
  "  (func $value (param (ref null $n)) (result i32) (struct.get $n $v (local.get 0)))"

static void arguments_and_loops(void) {
  struct world* w = world_new(COMMON
      "  (func $three (param (ref $n) (ref $n) (ref $n)) (result i32)"
      "    (i32.add (call $value (local.get 0)) (i32.add (i32.mul (i32.const 10) (call $value (local.get 1))) (i32.mul (i32.const 100) (call $value (local.get 2))))))"
      // Each argument is alive while the next is made, and only on the operand stack.
      "  (func (export \"siblings\") (result i32) (call $three (call $node (i32.const 1)) (call $node (i32.const 2)) (call $node (i32.const 3))))"
      "  (func (export \"fields\") (result i32)"
      "    (call $value (struct.get $n $next (struct.new $n (call $value (call $node (i32.const 5))) (call $node (i32.const 6))))))"
      "  (func (export \"elements\") (result i32) (local $a (ref $nodes))"
      "    (local.set $a (array.new_fixed $nodes 3 (call $node (i32.const 1)) (call $node (i32.const 2)) (call $node (i32.const 3))))"
      "    (call $three (ref.as_non_null (array.get $nodes (local.get $a) (i32.const 0))) (ref.as_non_null (array.get $nodes (local.get $a) (i32.const 1)))"
      "      (ref.as_non_null (array.get $nodes (local.get $a) (i32.const 2)))))"
      // One reference does not change in the loop, one does, and two of them change places.
      "  (func (export \"invariant\") (param $count i32) (result i32) (local $same (ref $n)) (local $a (ref $n)) (local $b (ref $n)) (local $c (ref $n)) (local $sum i32)"
      "    (local.set $same (call $node (i32.const 7))) (local.set $a (call $node (i32.const 1))) (local.set $b (call $node (i32.const 2)))"
      "    (loop $l (local.set $c (local.get $a)) (local.set $a (local.get $b)) (local.set $b (local.get $c))"
      "      (local.set $c (call $node (i32.const 3)))"
      "      (local.set $sum (i32.add (local.get $sum) (i32.add (call $value (local.get $same)) (i32.add (call $value (local.get $a)) (call $value (local.get $c))))))"
      "      (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))"
      "    (i32.add (local.get $sum) (call $value (local.get $b))))"
      // The reference lives on one way through the loop only.
      "  (func (export \"branches\") (param $count i32) (result i32) (local $kept (ref null $n)) (local $sum i32)"
      "    (loop $l (if (i32.and (local.get $count) (i32.const 1))"
      "        (then (local.set $kept (call $node (local.get $count))))"
      "        (else (call $disturb) (local.set $sum (i32.add (local.get $sum) (if (result i32) (ref.is_null (local.get $kept)) (then (i32.const 0)) (else (call $value (local.get $kept))))))"
      "          (local.set $kept (ref.null $n))))"
      "      (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))"
      "    (local.get $sum)))");
  CHECK(run(w, 0, 0) == 321 && run(w, 1, 0) == 6 && run(w, 2, 0) == 321);
  // 20 times 7 and 3; half of the times 2, the other 1; and $b is 2 at the end.
  CHECK(run(w, 3, 20) == 20 * 10 + 10 * 2 + 10 * 1 + 2);
  // Kept are 19, 17, ... 1, and asked for in the next round, the last excepted.
  CHECK(run(w, 4, 20) == 19 + 17 + 15 + 13 + 11 + 9 + 7 + 5 + 3);
  world_delete(w);
}

// Array instructions that allocate, with a heap so small that they collect; what they read from and write to is alive.
static void arrays(void) {
  struct world* w = world_new(COMMON
      "  (data $d \"0123456789abcdef\") (elem $e funcref (ref.func $three) (ref.func $four)) (type $f (func (result i32))) (type $funcs (array (mut funcref)))"
      "  (func $three (export \"three\") (result i32) (i32.const 3)) (func $four (export \"four\") (result i32) (i32.const 4))"
      "  (func (export \"data\") (param $count i32) (result i32) (local $a (ref null $bytes)) (local $kept (ref $n)) (local $sum i32)"
      "    (local.set $kept (call $node (i32.const 9)))"
      "    (loop $l (local.set $a (array.new_data $bytes $d (i32.const 4) (i32.const 8)))"
      "      (local.set $sum (i32.add (local.get $sum) (array.get_u $bytes (local.get $a) (i32.const 7))))"
      "      (if (i32.ne (call $value (local.get $kept)) (i32.const 9)) (then (unreachable)))"
      "      (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))"
      "    (local.get $sum))"
      "  (func (export \"elem\") (param $count i32) (result i32) (local $a (ref null $funcs)) (local $kept (ref $n)) (local $sum i32)"
      "    (local.set $kept (call $node (i32.const 9)))"
      "    (loop $l (local.set $a (array.new_elem $funcs $e (i32.const 0) (i32.const 2)))"
      "      (local.set $sum (i32.add (local.get $sum) (call_ref $f (ref.cast (ref $f) (array.get $funcs (local.get $a) (i32.const 1))))))"
      "      (if (i32.ne (call $value (local.get $kept)) (i32.const 9)) (then (unreachable)))"
      "      (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))"
      "    (local.get $sum))"
      // The source is nowhere but on the operand stack, and its elements are nowhere else.
      "  (func $made (param $count i32) (result (ref $nodes)) (local $a (ref $nodes))"
      "    (local.set $a (array.new_default $nodes (local.get $count)))"
      "    (loop $l (local.set $count (i32.sub (local.get $count) (i32.const 1)))"
      "      (array.set $nodes (local.get $a) (local.get $count) (struct.new $n (local.get $count) (ref.null $n))) (br_if $l (local.get $count)))"
      "    (local.get $a))"
      "  (func (export \"copy\") (param $count i32) (result i32) (local $to (ref $nodes)) (local $sum i32) (local $i i32)"
      "    (local.set $to (array.new_default $nodes (local.get $count)))"
      "    (array.copy $nodes $nodes (local.get $to) (i32.const 0) (call $made (local.get $count)) (i32.const 0) (local.get $count))"
      "    (call $disturb)"
      "    (array.copy $nodes $nodes (local.get $to) (i32.const 1) (local.get $to) (i32.const 0) (i32.sub (local.get $count) (i32.const 1)))"
      "    (call $disturb)"
      "    (loop $l (local.set $sum (i32.add (local.get $sum) (call $value (array.get $nodes (local.get $to) (local.get $i)))))"
      "      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))"
      "    (local.get $sum))"
      "  (func (export \"fill\") (param $count i32) (result i32) (local $to (ref $nodes)) (local $n (ref $n))"
      "    (local.set $to (array.new $nodes (call $node (i32.const 4)) (local.get $count)))"
      "    (call $disturb)"
      "    (array.fill $nodes (local.get $to) (i32.const 1) (call $node (i32.const 5)) (i32.sub (local.get $count) (i32.const 1)))"
      "    (call $disturb)"
      "    (i32.add (call $value (array.get $nodes (local.get $to) (i32.const 0)))"
      "      (i32.mul (i32.const 10) (call $value (array.get $nodes (local.get $to) (i32.sub (local.get $count) (i32.const 1))))))))");
  CHECK(libwasm_store_set_heap_limit(w->store, 1 << 20));
  const int count = check_mode_is_checked() ? 20000 : 200000;
  CHECK(run(w, 2, count) == 'b' * count && run(w, 3, count) == 4 * count);
  // 0, and then 0 to 98.
  CHECK(run(w, 4, 100) == 98 * 99 / 2 && run(w, 5, 100) == 54);
  world_delete(w);
}

// The sizes of arrays: whatever they are in bytes, they are allocated or the allocation traps, also in constant expressions.
static void sizes(void) {
  wasm_store_t* store = check_store();
  CHECK(libwasm_store_set_heap_limit(store, 1 << 20));
  static const char* const ELEMENTS[] = {"i8", "i16", "i32", "i64", "f64", "v128", "anyref", "funcref"};
  static const uint32_t LENGTHS[] = {0xffffffff, 0xfffffff8, 0xfffffff7, 0x80000000, 0x7fffffff, 0x40000000, 0x3fffffff, 0x20000000, 0x1fffffff,
                                     0x10000000, 0x0fffffff, 0x08000000};
  for (size_t e = 0; e < sizeof ELEMENTS / sizeof *ELEMENTS; e++) {
    char text[1024];
    snprintf(text, sizeof text,
             "(module (type $a (array (mut %s))) (func (export \"new\") (param i32) (result i32) (array.len (array.new_default $a (local.get 0)))))", ELEMENTS[e]);
    wasm_instance_t* instance = check_instance(store, text, 0);
    wasm_func_t* func = check_func(instance, 0);
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
      wasm_val_t length = WASM_I32_VAL((int32_t)LENGTHS[i]), result = WASM_I32_VAL(0);
      wasm_val_vec_t in = {1, &length}, out = {1, &result};
      wasm_trap_t* trap = wasm_func_call(func, &in, &out);
      CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
      wasm_trap_delete(trap);
      snprintf(text, sizeof text, "(module (type $a (array (mut %s))) (global (ref $a) (array.new_default $a (i32.const 0x%x))))", ELEMENTS[e], LENGTHS[i]);
      wasm_module_t* module = check_module(store, text);
      trap = NULL;
      CHECK(!wasm_instance_new(store, module, NULL, &trap));
      CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
      wasm_trap_delete(trap);
      wasm_module_delete(module);
    }
    CHECK(check_call(func, 1, 1000) == 1000);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
  }
  wasm_store_delete(store);
}

// Exceptions on their way, and held: by a trap of the host's, a callback's result, a local, a table. What they carry is nowhere else.
static void exceptions(void) {
  struct world* w = world_new(COMMON
      "  (tag $t (export \"t\") (param (ref $n) i32)) (table $x 4 exnref)"
      "  (func $throw (export \"throw\") (param i32) (throw $t (call $node (local.get 0)) (i32.const 1000)))"
      "  (func $caught (param (ref $n) i32) (result i32) (i32.add (call $value (local.get 0)) (local.get 1)))"
      // The host throws in its callback, after a collection.
      "  (func (export \"catch\") (param i32) (result i32)"
      "    (block $h (result (ref $n) i32) (try_table (catch $t $h) (call $collect)) (return (i32.const -1))) (call $caught))"
      // Held as a reference through collections, then thrown again.
      "  (func (export \"hold\") (param i32) (result i32) (local $e exnref)"
      "    (block $h (result exnref) (try_table (catch_all_ref $h) (call $throw (local.get 0))) (unreachable))"
      "    (local.set $e) (table.set $x (i32.const 2) (local.get $e)) (call $disturb)"
      "    (block $h (result (ref $n) i32) (try_table (catch $t $h) (throw_ref (local.get $e))) (unreachable)) (call $caught)"
      "    (call $disturb)"
      "    (block $h (result (ref $n) i32) (try_table (catch $t $h) (throw_ref (table.get $x (i32.const 2)))) (unreachable)) (call $caught)"
      "    (i32.add))"
      // Values of all kinds are alive across the call, on both ways out of it, also where nothing is caught.
      "  (func (export \"alive\") (param $x i32) (result i32) (local $a i32) (local $b i64) (local $c f32) (local $d f64) (local $v v128)"
      "    (local $p (ref $n)) (local $q (ref $n)) (local $r (ref $n)) (local $s i32) (local $u i64) (local $w f64) (local $i i32)"
      "    (local.set $a (i32.mul (local.get $x) (i32.const 3))) (local.set $b (i64.extend_i32_u (local.get $a))) (local.set $c (f32.convert_i32_s (local.get $x)))"
      "    (local.set $d (f64.convert_i32_s (local.get $a))) (local.set $v (i32x4.splat (local.get $x))) (local.set $p (call $node (i32.const 1)))"
      "    (local.set $q (call $node (i32.const 2))) (local.set $r (call $node (i32.const 3))) (local.set $s (i32.add (local.get $x) (i32.const 5)))"
      "    (local.set $u (i64.add (local.get $b) (i64.const 7))) (local.set $w (f64.add (local.get $d) (f64.const 0.5)))"
      "    (try_table (call $disturb))"
      "    (loop $l"
      "      (block $h (result (ref $n) i32)"
      "        (try_table (catch $t $h) (if (i32.and (local.get $i) (i32.const 1)) (then (call $throw (local.get $i))) (else (call $disturb))))"
      "        (call $node (i32.const 9)) (i32.const 0))"
      "      (drop) (local.set $q) (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))"
      "    (i32.add (local.get $a) (i32.add (i32.wrap_i64 (local.get $b)) (i32.add (i32.trunc_f32_s (local.get $c)) (i32.add (i32.trunc_f64_s (local.get $d))"
      "      (i32.add (i32x4.extract_lane 3 (local.get $v)) (i32.add (call $value (local.get $p)) (i32.add (call $value (local.get $q)) (i32.add (call $value (local.get $r))"
      "        (i32.add (local.get $s) (i32.add (i32.wrap_i64 (local.get $u)) (i32.trunc_f64_s (f64.mul (local.get $w) (f64.const 2)))))))))))))))");
  enum { TAG, THROW, CATCH, HOLD, ALIVE };
  // A trap that stands for an exception, and nothing else has it.
  wasm_func_t* func = check_func(w->instance, THROW);
  wasm_val_t arg = WASM_I32_VAL(42);
  wasm_val_vec_t in = {1, &arg}, none = WASM_EMPTY_VEC;
  w->thrown = wasm_func_call(func, &in, &none);
  // (The guest's own collections must not throw.)
  CHECK(w->thrown && libwasm_trap_code(w->thrown) == LIBWASM_TRAP_EXCEPTION);
  wasm_func_delete(func);
  wasm_trap_t* held = w->thrown;
  w->thrown = NULL;
  for (int i = 0; i < 3; i++) CHECK(run(w, HOLD, i) == 2 * (1000 + i));
  w->thrown = held;
  CHECK(run(w, CATCH, 0) == 1042 && !w->thrown && run(w, CATCH, 0) == -1);
  // (x: 3x, 3x, x, 3x, x, 1, the 5 that was thrown last, 3, x + 5, 3x + 7, 6x + 1)
  for (int x = 0; x < 5; x++) CHECK(run(w, ALIVE, x) == 21 * x + 22);
  world_delete(w);
}

int main(void) {
  arguments_and_loops();
  arrays();
  sizes();
  exceptions();
  return 0;
}
