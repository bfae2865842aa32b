// The collector: what is written to old objects is kept, garbage goes, limits hold, and statistics tell.

#include "check.h"

// A large array of lists, whose nodes say which list they are of; they are made, cut and joined at random.
static const char* const LISTS =
    "(module"
    "  (type $node (sub (struct (field $list i32) (field $next (mut (ref null $node))) (field $box (mut anyref)))))"
    "  (type $lists (array (mut (ref null $node))))"
    "  (type $pair (struct (field (mut (ref null $node))) (field (mut (ref null $node)))))"
    "  (global $lists (mut (ref null $lists)) (ref.null $lists))"
    "  (global $seed (mut i64) (i64.const 1))"
    "  (table $t 64 anyref)"
    "  (func (export \"begin\") (param i32) (global.set $lists (array.new_default $lists (local.get 0))))"
    "  (func $random (param i32) (result i32)"
    "    (global.set $seed (i64.add (i64.mul (global.get $seed) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))"
    "    (i32.rem_u (i32.wrap_i64 (i64.shr_u (global.get $seed) (i64.const 33))) (local.get 0)))"
    // So many changes.
    "  (func (export \"change\") (param i32) (local $i i32) (local $n (ref null $node)) (local $p (ref null $pair))"
    "    (loop $again"
    "      (local.set $i (call $random (array.len (global.get $lists))))"
    "      (local.set $n (array.get $lists (global.get $lists) (local.get $i)))"
    "      (block $done"
    "        (if (i32.eqz (call $random (i32.const 4))) (then" // Cut.
    "          (if (ref.is_null (local.get $n)) (then (br $done)))"
    "          (array.set $lists (global.get $lists) (local.get $i) (struct.get $node $next (local.get $n))) (br $done)))"
    "        (if (i32.eqz (call $random (i32.const 4))) (then" // Insert behind the first.
    "          (if (ref.is_null (local.get $n)) (then (br $done)))"
    "          (struct.set $node $next (local.get $n)"
    "            (struct.new $node (local.get $i) (struct.get $node $next (local.get $n)) (ref.null any))) (br $done)))"
    "        (if (i32.eqz (call $random (i32.const 8))) (then" // Something else in a node that may be old.
    "          (if (ref.is_null (local.get $n)) (then (br $done)))"
    "          (struct.set $node $box (local.get $n) (struct.new $node (local.get $i) (ref.null $node) (ref.i31 (local.get $i))))"
    "          (table.set $t (call $random (i32.const 64)) (local.get $n)) (br $done)))"
    // Made by way of an object that is garbage soon.
    "        (local.set $p (struct.new $pair (local.get $n) (ref.null $node)))"
    "        (struct.set $pair 1 (local.get $p) (struct.new $node (local.get $i) (struct.get $pair 0 (local.get $p)) (ref.null any)))"
    "        (array.set $lists (global.get $lists) (local.get $i) (struct.get $pair 1 (local.get $p))))"
    "      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
    // Moves half of the lists' beginnings around, by array.copy and array.fill, and back.
    "  (func (export \"shuffle\") (local $copy (ref null $lists)) (local $n i32)"
    "    (local.set $n (array.len (global.get $lists)))"
    "    (local.set $copy (array.new_default $lists (local.get $n)))"
    "    (array.copy $lists $lists (local.get $copy) (i32.const 0) (global.get $lists) (i32.const 0) (local.get $n))"
    "    (array.fill $lists (global.get $lists) (i32.const 0) (struct.new_default $node) (local.get $n))"
    "    (array.copy $lists $lists (global.get $lists) (i32.const 0) (local.get $copy) (i32.const 0) (local.get $n)))"
    // How many nodes there are; traps if one is in a list that is not its own.
    "  (func (export \"check\") (result i32) (local $i i32) (local $n (ref null $node)) (local $all i32)"
    "    (local.set $i (array.len (global.get $lists)))"
    "    (loop $lists (local.set $i (i32.sub (local.get $i) (i32.const 1)))"
    "      (local.set $n (array.get $lists (global.get $lists) (local.get $i)))"
    "      (block $end (loop $nodes (br_if $end (ref.is_null (local.get $n)))"
    "        (if (i32.ne (struct.get $node $list (local.get $n)) (local.get $i)) (then (unreachable)))"
    "        (if (i32.eqz (ref.is_null (struct.get $node $box (local.get $n)))) (then"
    "          (if (i32.ne (local.get $i) (i31.get_u (ref.cast (ref i31) (struct.get $node $box"
    "            (ref.cast (ref $node) (struct.get $node $box (local.get $n))))))) (then (unreachable)))))"
    "        (local.set $all (i32.add (local.get $all) (i32.const 1)))"
    "        (local.set $n (struct.get $node $next (local.get $n))) (br $nodes)))"
    "      (br_if $lists (local.get $i)))"
    "    (local.get $all))"
    "  (func (export \"end\") (global.set $lists (ref.null $lists)) (table.fill $t (i32.const 0) (ref.null any) (i32.const 64)))"
    "  (func (export \"large\") (param i32) (drop (array.new_default $lists (local.get 0)))))";
enum { BEGIN, CHANGE, SHUFFLE, CHECK_ALL, END, LARGE, FUNCS };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  wasm_func_t* funcs[FUNCS];
};

static struct world world_new(void) {
  struct world w;
  w.store = check_store();
  w.instance = check_instance(w.store, LISTS, 0);
  for (size_t i = 0; i < FUNCS; i++) w.funcs[i] = check_func(w.instance, i);
  return w;
}

static void world_delete(struct world* w) {
  for (size_t i = 0; i < FUNCS; i++) wasm_func_delete(w->funcs[i]);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

static wasm_trap_t* try_call(struct world* w, int func, int32_t arg) {
  wasm_val_t args[] = {WASM_I32_VAL(arg)};
  wasm_val_vec_t in = {func == BEGIN || func == CHANGE || func == LARGE, args}, out = WASM_EMPTY_VEC;
  return wasm_func_call(w->funcs[func], &in, &out);
}

static void call(struct world* w, int func, int32_t arg) {
  wasm_trap_t* trap = try_call(w, func, arg);
  if (trap) trap_says(trap, "no trap");
}

static int32_t count(struct world* w) {
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t in = WASM_EMPTY_VEC, out = {1, &result};
  wasm_trap_t* trap = wasm_func_call(w->funcs[CHECK_ALL], &in, &out);
  if (trap) trap_says(trap, "no trap");
  return result.of.i32;
}

static libwasm_heap_statistics_t statistics(struct world* w) {
  libwasm_heap_statistics_t all;
  CHECK(libwasm_store_heap_statistics(w->store, &all));
  return all;
}

// A heap that is large enough to be marked a little at a time is changed meanwhile.
static void changes(void) {
  struct world w = world_new();
  // Valgrind is slow.
  bool slow = check_mode_is_checked();
  int rounds = slow ? 6 : 24, changes = check_count(100000, 1000);
  call(&w, BEGIN, changes);
  for (int i = 0; i < rounds; i++) {
    call(&w, CHANGE, changes);
    if (i % 4 == 0) call(&w, SHUFFLE, 0);
    CHECK(count(&w) > changes / 100);
    if (i % 16 == 15) CHECK(libwasm_store_collect(w.store));
  }
  libwasm_heap_statistics_t all = statistics(&w);
  CHECK(all.allocated > (uint64_t)rounds * changes * 16 && all.live > (uint64_t)changes * 10 && all.size >= all.live);
  CHECK(slow || (all.young_collections > 4 && all.full_collections > 1));
  CHECK(all.pauses >= all.young_collections && all.pause_time >= all.longest_pause && all.longest_pause > 0);
  call(&w, END, 0);
  CHECK(libwasm_store_collect(w.store));
  CHECK(statistics(&w).live < 1 << 16 && statistics(&w).size < 1 << 20);
  world_delete(&w);
}

// A heap that is full traps; when there is room again, it goes on.
static void limit(void) {
  struct world w = world_new();
  CHECK(statistics(&w).limit > (uint64_t)3 << 30);
  int few = check_count(4 << 20, 512 << 10);
  CHECK(libwasm_store_set_heap_limit(w.store, few));
  CHECK(statistics(&w).limit == (uint64_t)few);
  call(&w, BEGIN, 1000);
  wasm_trap_t* trap = NULL;
  for (int i = 0; i < 1000 && !trap; i++) trap = try_call(&w, CHANGE, 10000);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
  wasm_trap_delete(trap);
  CHECK(statistics(&w).size <= (uint64_t)few);
  CHECK(count(&w) > check_count(10000, 500));
  call(&w, END, 0);
  call(&w, BEGIN, 1000);
  for (int i = 0; i < 5; i++) call(&w, CHANGE, 1000);
  CHECK(count(&w) > 100);
  // An array that is larger than the heap may be.
  trap = try_call(&w, LARGE, 2 << 20);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
  wasm_trap_delete(trap);
  CHECK(libwasm_store_set_heap_limit(w.store, 64 << 20));
  call(&w, LARGE, 2 << 20);
  CHECK(count(&w) > 100);
  world_delete(&w);
}

// Initial values that make objects find room where there is only garbage.
static void initial_values(void) {
  wasm_store_t* store = check_store();
  CHECK(libwasm_store_set_heap_limit(store, 1 << 20));
  static const char* const MODULES[] = {
      "(module (type $a (array i8)) (global (ref $a) (array.new_default $a (i32.const 400000))))",
      "(module (type $a (array i8)) (table 2 (ref $a) (array.new_default $a (i32.const 400000))))",
      "(module (type $a (array i8)) (elem (ref $a) (item (array.new_default $a (i32.const 400000)))))",
  };
  for (int i = 0; i < 12; i++) {
    wasm_module_t* module = check_module(store, MODULES[i % 3]);
    wasm_instance_t* instance = wasm_instance_new(store, module, NULL, NULL);
    CHECK(instance);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
  }
  // With less than it takes there is none.
  CHECK(libwasm_store_set_heap_limit(store, 0));
  wasm_module_t* module = check_module(store, "(module (type $a (array i8)) (global (ref $a) (array.new_default $a (i32.const 2000000))))");
  CHECK_REASON(!wasm_instance_new(store, module, NULL, NULL));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static void null(void) {
  libwasm_heap_statistics_t all;
  memset(&all, 0xff, sizeof all);
  CHECK(!libwasm_store_collect(NULL) && !libwasm_store_set_heap_limit(NULL, 1));
  CHECK(!libwasm_store_heap_statistics(NULL, &all) && all.limit == 0 && all.reserved[6] == 0);
  struct world w = world_new();
  CHECK(!libwasm_store_heap_statistics(w.store, NULL));
  CHECK(libwasm_store_collect(w.store));
  world_delete(&w);
}

int main(void) {
  changes();
  limit();
  initial_values();
  null();
  return 0;
}
