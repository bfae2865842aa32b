// Objects of the heap across the boundary: identity, handles that keep them, host info, conversions, and that garbage goes.

#include "check.h"

static const char* const MODULE =
    "(module"
    "  (rec (type $node (sub (struct (field $value (mut i32)) (field $next (mut (ref null $node)))))))"
    "  (type $leaf (sub final $node (struct (field (mut i32)) (field (mut (ref null $node))) (field f64) (field i8))))"
    "  (type $bytes (array (mut i8))) (type $f (func (result i32))) (type $funcs (array (mut (ref null $f))))"
    "  (type $holder (struct (field (mut (ref null $f))) (field (mut externref)) (field anyref)))"
    "  (func (export \"new\") (param i32 (ref null $node)) (result (ref $node))"
    "    (struct.new $node (local.get 0) (local.get 1)))"
    "  (func (export \"leaf\") (param i32) (result anyref)"
    "    (struct.new $leaf (local.get 0) (ref.null $node) (f64.const 1.5) (i32.const 7)))"
    "  (func (export \"value\") (param (ref null $node)) (result i32) (struct.get $node $value (local.get 0)))"
    "  (func (export \"next\") (param (ref $node)) (result (ref null $node)) (struct.get $node $next (local.get 0)))"
    "  (func (export \"link\") (param (ref $node) (ref null $node)) (struct.set $node $next (local.get 0) (local.get 1)))"
    "  (func (export \"i31\") (param i32) (result i31ref) (ref.i31 (local.get 0)))"
    "  (func (export \"out\") (param anyref) (result externref) (extern.convert_any (local.get 0)))"
    "  (func (export \"in\") (param externref) (result anyref) (any.convert_extern (local.get 0)))"
    "  (func (export \"bytes\") (param i32) (result (ref array)) (array.new_default $bytes (local.get 0)))"
    // Makes so many lists of a thousand nodes, and keeps none.
    "  (func (export \"churn\") (param i32) (local i32 (ref null $node))"
    "    (loop $lists (local.set 1 (i32.const 1000)) (local.set 2 (ref.null $node))"
    "      (loop $nodes (local.set 2 (struct.new $node (local.get 1) (local.get 2)))"
    "        (br_if $nodes (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    "      (br_if $lists (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
    "  (func $length (export \"length\") (param (ref null $node)) (result i32) (local i32)"
    "    (loop $l (if (ref.is_null (local.get 0)) (then (return (local.get 1))))"
    "      (local.set 1 (i32.add (local.get 1) (i32.const 1)))"
    "      (local.set 0 (struct.get $node $next (local.get 0))) (br $l)) (unreachable))"
    "  (func $answer (type $f) (i32.const 42)) (elem declare func $answer)"
    "  (func (export \"hold\") (param externref anyref) (result (ref $holder))"
    "    (struct.new $holder (ref.func $answer) (local.get 0) (local.get 1)))"
    "  (func (export \"held\") (param (ref $holder)) (result i32 externref anyref)"
    "    (call_ref $f (struct.get $holder 0 (local.get 0))) (struct.get $holder 1 (local.get 0)) (struct.get $holder 2 (local.get 0)))"
    "  (global (export \"global\") (mut anyref) (ref.null any)) (table (export \"table\") 2 eqref))";
enum { NEW, LEAF, VALUE, NEXT, LINK, I31, OUT, IN, BYTES, CHURN, LENGTH, HOLD, HELD, GLOBAL, TABLE };

struct world {
  wasm_store_t* store;
  wasm_instance_t* instance;
  wasm_func_t* funcs[GLOBAL];
};

static struct world world_new(void) {
  struct world w;
  w.store = check_store();
  w.instance = check_instance(w.store, MODULE, 0);
  for (size_t i = 0; i < GLOBAL; i++) w.funcs[i] = check_func(w.instance, i);
  return w;
}

static void world_delete(struct world* w) {
  for (size_t i = 0; i < GLOBAL; i++) wasm_func_delete(w->funcs[i]);
  wasm_instance_delete(w->instance);
  wasm_store_delete(w->store);
}

// Calls with up to two arguments, which are lent, and gives the one result.
static wasm_val_t call(struct world* w, int func, int count, wasm_val_t a, wasm_val_t b) {
  wasm_val_t args[] = {a, b}, result = WASM_I32_VAL(0);
  wasm_val_vec_t in = {(size_t)count, args}, out = {1, &result};
  wasm_trap_t* trap = wasm_func_call(w->funcs[func], &in, &out);
  if (trap) trap_says(trap, "no trap");
  CHECK(!trap);
  return result;
}

static wasm_ref_t* node(struct world* w, int32_t value, wasm_ref_t* next) {
  wasm_val_t result = call(w, NEW, 2, i32_val(value), any_val(next));
  CHECK(result.kind == LIBWASM_ANYREF && result.of.ref);
  return result.of.ref;
}

static int32_t value_of(struct world* w, wasm_ref_t* ref) { return call(w, VALUE, 1, any_val(ref), any_val(NULL)).of.i32; }

static void churn(struct world* w) {
  wasm_val_t lists = WASM_I32_VAL(check_count(2000, 2));
  wasm_val_vec_t in = {1, &lists}, out = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(w->funcs[CHURN], &in, &out));
}

static bool is_a(wasm_ref_t* ref, wasm_valkind_t kind) {
  wasm_valtype_t* type = wasm_valtype_new(kind);
  return libwasm_ref_test(ref, type);
}

// One pointer for each object, however the host comes to it; a handle keeps what it refers to, through collections.
static void identity(void) {
  struct world w = world_new();
  wasm_ref_t *last = node(&w, 3, NULL), *first = node(&w, 2, last);
  churn(&w);
  CHECK(value_of(&w, first) == 2 && value_of(&w, last) == 3);
  wasm_val_t next = call(&w, NEXT, 1, any_val(first), any_val(NULL));
  CHECK(wasm_ref_same(next.of.ref, last) && !wasm_ref_same(next.of.ref, first));
  wasm_ref_t* copy = wasm_ref_copy(last);
  wasm_val_delete(&next);
  wasm_ref_delete(last);
  churn(&w);
  CHECK(value_of(&w, copy) == 3);
  wasm_ref_delete(copy);
  churn(&w);
  // Only the first node keeps it now.
  next = call(&w, NEXT, 1, any_val(first), any_val(NULL));
  CHECK(value_of(&w, next.of.ref) == 3);
  wasm_val_delete(&next);
  CHECK(call(&w, LENGTH, 1, any_val(first), any_val(NULL)).of.i32 == 2);
  wasm_ref_delete(first);
  // Views of other kinds there are none.
  wasm_ref_t* object = node(&w, 1, NULL);
  CHECK_REASON(!wasm_ref_as_func(object));
  CHECK_REASON(!wasm_ref_as_foreign(object));
  wasm_ref_delete(object);
  world_delete(&w);
}

// Kinds of objects, and what is refused for a parameter of another type.
static void types(void) {
  struct world w = world_new();
  wasm_ref_t* object = node(&w, 1, NULL);
  wasm_val_t leaf = call(&w, LEAF, 1, i32_val(5), any_val(NULL)), small = call(&w, I31, 1, i32_val(-7), any_val(NULL));
  wasm_val_t bytes = call(&w, BYTES, 1, i32_val(10), any_val(NULL));
  CHECK(is_a(object, LIBWASM_STRUCTREF) && is_a(object, LIBWASM_EQREF) && is_a(object, LIBWASM_ANYREF));
  CHECK(!is_a(object, LIBWASM_ARRAYREF) && !is_a(object, LIBWASM_I31REF) && !is_a(object, WASM_FUNCREF));
  CHECK(is_a(bytes.of.ref, LIBWASM_ARRAYREF) && !is_a(bytes.of.ref, LIBWASM_STRUCTREF));
  CHECK(is_a(small.of.ref, LIBWASM_I31REF) && is_a(small.of.ref, LIBWASM_EQREF) && !is_a(small.of.ref, LIBWASM_STRUCTREF));
  CHECK(is_a(NULL, LIBWASM_STRUCTREF) && !is_a(NULL, LIBWASM_REF_STRUCT) && is_a(object, WASM_EXTERNREF));
  CHECK_REASON(!is_a(object, WASM_I32));
  CHECK_REASON(!libwasm_ref_test(object, NULL));
  // A subtype is taken for its supertype, and nothing else.
  CHECK(value_of(&w, leaf.of.ref) == 5);
  wasm_ref_t* wrong[] = {bytes.of.ref, small.of.ref, wasm_func_as_ref(w.funcs[0]), wasm_instance_as_ref(w.instance)};
  for (size_t i = 0; i < 4; i++) {
    wasm_val_t arg = any_val(wrong[i]), result;
    wasm_val_vec_t in = {1, &arg}, out = {1, &result};
    wasm_trap_t* trap = wasm_func_call(w.funcs[VALUE], &in, &out);
    CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
    wasm_trap_delete(trap);
  }
  wasm_val_t null = any_val(NULL), result;
  wasm_val_vec_t in = {1, &null}, out = {1, &result};
  wasm_trap_t* trap = wasm_func_call(w.funcs[VALUE], &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_NULL_STRUCTURE_REFERENCE);
  CHECK(trap_says(trap, "null structure reference"));
  wasm_trap_delete(trap);
  // Objects of another store are refused.
  struct world other = world_new();
  wasm_val_t arg = any_val(object);
  in.data = &arg;
  trap = wasm_func_call(other.funcs[VALUE], &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL);
  wasm_trap_delete(trap);
  world_delete(&other);
  // Two i31 of one number are the same.
  wasm_val_t again = call(&w, I31, 1, i32_val(-7), any_val(NULL)), another = call(&w, I31, 1, i32_val(7), any_val(NULL));
  CHECK(wasm_ref_same(small.of.ref, again.of.ref) && !wasm_ref_same(small.of.ref, another.of.ref));
  wasm_val_delete(&again);
  wasm_val_delete(&another);
  wasm_val_delete(&leaf);
  wasm_val_delete(&small);
  wasm_val_delete(&bytes);
  wasm_ref_delete(object);
  world_delete(&w);
}

// Host info is the object's: it outlives handles, not the object.
static void host_info(void) {
  struct world w = world_new();
  int finalized = 0, other = 0;
  wasm_ref_t *kept = node(&w, 1, NULL), *holder = node(&w, 2, kept);
  wasm_ref_set_host_info_with_finalizer(kept, &finalized, count_up);
  wasm_ref_delete(kept);
  churn(&w);
  CHECK(finalized == 0);
  wasm_val_t next = call(&w, NEXT, 1, any_val(holder), any_val(NULL));
  CHECK(wasm_ref_get_host_info(next.of.ref) == &finalized);
  wasm_val_delete(&next);
  // Many objects with host info that die.
  for (int i = 0; i < 100; i++) {
    wasm_ref_t* object = node(&w, i, NULL);
    wasm_ref_set_host_info_with_finalizer(object, &other, count_up);
    wasm_ref_delete(object);
  }
  for (int i = 0; i < 10 && other < 100; i++) churn(&w);
  CHECK(other == 100 && finalized == 0);
  // It has survived collections, and goes with one of everything.
  wasm_ref_delete(holder);
  CHECK(libwasm_store_collect(w.store) && finalized == 1);
  wasm_ref_t* last = node(&w, 1, NULL);
  wasm_ref_set_host_info_with_finalizer(last, &finalized, count_up);
  wasm_ref_delete(last);
  world_delete(&w);
  CHECK(finalized == 2);
}

// Internal references become external ones and back, and are the same objects; so are the host's.
static void conversions(void) {
  struct world w = world_new();
  wasm_ref_t* object = node(&w, 1, NULL);
  wasm_val_t out = call(&w, OUT, 1, any_val(object), any_val(NULL));
  CHECK(out.kind == WASM_EXTERNREF && wasm_ref_same(out.of.ref, object));
  wasm_val_t in = call(&w, IN, 1, out, any_val(NULL));
  CHECK(in.kind == LIBWASM_ANYREF && wasm_ref_same(in.of.ref, object));
  wasm_val_delete(&in);
  wasm_val_delete(&out);
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  wasm_val_t arg = {.kind = WASM_EXTERNREF, .of = {.ref = wasm_foreign_as_ref(foreign)}};
  in = call(&w, IN, 1, arg, any_val(NULL));
  CHECK(in.kind == LIBWASM_ANYREF && wasm_ref_same(in.of.ref, wasm_foreign_as_ref(foreign)));
  CHECK(is_a(in.of.ref, LIBWASM_ANYREF) && !is_a(in.of.ref, LIBWASM_EQREF));
  out = call(&w, OUT, 1, in, any_val(NULL));
  CHECK(out.kind == WASM_EXTERNREF && wasm_ref_same(out.of.ref, wasm_foreign_as_ref(foreign)));
  wasm_val_delete(&out);
  wasm_val_delete(&in);
  wasm_foreign_delete(foreign);
  wasm_ref_delete(object);
  world_delete(&w);
}

// What globals, tables, fields and functions in fields refer to lives on.
static void roots(void) {
  struct world w = world_new();
  wasm_global_t* global = check_global(w.instance, GLOBAL);
  wasm_table_t* table = check_table(w.instance, TABLE);
  int finalized = 0;
  wasm_ref_t* object = node(&w, 10, NULL);
  wasm_val_t value = any_val(object);
  wasm_global_set(global, &value);
  wasm_ref_delete(object);
  object = node(&w, 20, NULL);
  CHECK(wasm_table_set(table, 1, object));
  wasm_ref_delete(object);
  wasm_foreign_t* foreign = wasm_foreign_new(w.store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  object = node(&w, 30, NULL);
  wasm_val_t external = {.kind = WASM_EXTERNREF, .of = {.ref = wasm_foreign_as_ref(foreign)}};
  wasm_val_t holder = call(&w, HOLD, 2, external, any_val(object));
  wasm_foreign_delete(foreign);
  wasm_ref_delete(object);
  for (int i = 0; i < 3; i++) churn(&w);
  wasm_global_get(global, &value);
  CHECK(value_of(&w, value.of.ref) == 10);
  wasm_val_delete(&value);
  object = wasm_table_get(table, 1);
  CHECK(value_of(&w, object) == 20);
  wasm_ref_delete(object);
  CHECK_REASON(!wasm_table_set(table, 0, wasm_instance_as_ref(w.instance)));
  wasm_val_t results[3];
  wasm_val_vec_t in = {1, &holder}, out = {3, results};
  CHECK(!wasm_func_call(w.funcs[HELD], &in, &out));
  CHECK(results[0].of.i32 == 42 && results[1].kind == WASM_EXTERNREF && results[2].kind == LIBWASM_ANYREF);
  CHECK(wasm_ref_get_host_info(results[1].of.ref) == &finalized && value_of(&w, results[2].of.ref) == 30);
  wasm_val_delete(&results[1]);
  wasm_val_delete(&results[2]);
  CHECK(finalized == 0);
  wasm_val_delete(&holder);
  for (int i = 0; i < 10 && finalized == 0; i++) churn(&w);
  CHECK(finalized == 1);
  wasm_table_delete(table);
  wasm_global_delete(global);
  world_delete(&w);
}

// A list of a million nodes, which are marked without recursion; and a heap that is full traps, and the store goes on.
static void large_heaps(void) {
  struct world w = world_new();
  wasm_ref_t* list = NULL;
  const int count = check_count(check_mode_is_checked() ? 20 * 1000 : 300 * 1000, 1000);
  for (int i = 0; i < count; i++) {
    wasm_ref_t* longer = node(&w, i, list);
    if (list) wasm_ref_delete(list);
    list = longer;
  }
  churn(&w);
  CHECK(call(&w, LENGTH, 1, any_val(list), any_val(NULL)).of.i32 == count);
  wasm_ref_delete(list);
  if (!check_mode_is_checked()) {
    wasm_val_t size = WASM_I32_VAL(0x7fffff00), results[8];
    int kept = 0;
    wasm_trap_t* trap = NULL;
    while (!trap && kept < 8) {
      wasm_val_vec_t in = {1, &size}, out = {1, &results[kept]};
      trap = wasm_func_call(w.funcs[BYTES], &in, &out);
      kept += !trap;
    }
    CHECK(trap && kept <= 2 && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
    wasm_trap_delete(trap);
    for (int i = 0; i < kept; i++) wasm_val_delete(&results[i]);
  }
  wasm_val_t length = WASM_I32_VAL(-1), result;
  wasm_val_vec_t in = {1, &length}, out = {1, &result};
  wasm_trap_t* trap = wasm_func_call(w.funcs[BYTES], &in, &out);
  CHECK(trap && libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
  wasm_trap_delete(trap);
  churn(&w);
  result = call(&w, BYTES, 1, i32_val(1000), any_val(NULL));
  CHECK(is_a(result.of.ref, LIBWASM_ARRAYREF));
  wasm_val_delete(&result);
  world_delete(&w);
}

int main(void) {
  identity();
  types();
  host_info();
  conversions();
  roots();
  large_heaps();
  return 0;
}
