// Callbacks that put another vector into their results, as bindings do that know only `wasm_val_vec_new`: its values are the
// results, and it is the library's to delete. Runs under tools that see each leak and each second free.

#include "check.h"

enum how {
  KEPT,           // written where they are
  NEW,            // wasm_val_vec_new(results, ...)
  ASSIGNED,       // *results = another vector
  COPIED,         // wasm_val_vec_copy(results, ...)
  DELETED_NEW,    // deleted first
  MOVED,          // written where they are, then moved into another vector
  WAYS,
  EMPTIED = WAYS, // from here on they are no results of the type
  DELETED,
  NO_DATA,
  ONE_LESS,
  ONE_MORE,
  SHRUNK,
  GROWN,
  OTHER_KIND,
  OTHER_KIND_KEPT,
  NO_KIND_KEPT,
  TRAPPED,
  ALL_WAYS
};

struct host {
  enum how how;
  wasm_store_t* store;
  wasm_val_t values[13];
  size_t count;
};

// Values of which each owns what it refers to.
static void own_values(const struct host* host, size_t count, wasm_val_t* out) {
  for (size_t i = 0; i < count; i++) wasm_val_copy(&out[i], &host->values[i]);
}

static void replace(const struct host* host, size_t count, wasm_val_vec_t* results) {
  wasm_val_t values[13];
  own_values(host, count, values);
  wasm_val_vec_new(results, count, values);
}

static wasm_trap_t* give(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  struct host* host = env;
  size_t n = host->count;
  CHECK(results->size == n);
  switch (host->how) {
    case KEPT: own_values(host, n, results->data); break;
    case MOVED: own_values(host, n, results->data); wasm_val_vec_new(results, n, results->data); break;
    case DELETED_NEW: wasm_val_vec_delete(results); replace(host, n, results); break;
    case NEW: replace(host, n, results); break;
    case ASSIGNED: {
      wasm_val_vec_t other;
      wasm_val_vec_new_uninitialized(&other, n);
      own_values(host, n, other.data);
      *results = other;
      break;
    }
    case COPIED: {
      wasm_val_vec_t other = {n, host->values};
      wasm_val_vec_copy(results, &other);
      break;
    }
    case EMPTIED: wasm_val_vec_new_empty(results); break;
    case DELETED: own_values(host, n, results->data); wasm_val_vec_delete(results); break;
    case NO_DATA: results->data = NULL; break;
    case ONE_LESS: replace(host, n - 1, results); break;
    case ONE_MORE: replace(host, n + 1, results); break;
    case SHRUNK: own_values(host, n, results->data); results->size--; break;
    case GROWN: own_values(host, n, results->data); results->size++; break;
    case OTHER_KIND: {
      replace(host, n, results);
      wasm_val_delete(&results->data[0]);
      results->data[0] = (wasm_val_t)WASM_F32_VAL(1);
      break;
    }
    case OTHER_KIND_KEPT: {
      // Also a value that owns something, where a number is wanted.
      wasm_val_t values[] = {{WASM_EXTERNREF, {.ref = wasm_foreign_as_ref(wasm_foreign_new(host->store))}}, WASM_F32_VAL(1)};
      bool number = host->values[0].kind < WASM_EXTERNREF;
      results->data[0] = values[!number];
      if (!number) wasm_val_delete(&values[0]);
      break;
    }
    case NO_KIND_KEPT: results->data[0].kind = 201; results->data[0].of.i64 = 9; break;
    case TRAPPED: {
      replace(host, n, results);
      wasm_byte_vec_t message = {5, (char*)"hosts"};
      return wasm_trap_new(host->store, &message);
    }
    default: CHECK(!"a way");
  }
  return NULL;
}

// What the trap of a failing way says when the function is called `name`.
static void check_trap_of(const struct host* host, wasm_trap_t* trap, const char* name) {
  char wanted[200];
  const char* first = host->values[0].kind == WASM_I32 ? "i32" : "externref";
  size_t n = host->count, given = n;
  CHECK(trap);
  switch (host->how) {
    case EMPTIED: case DELETED: case NO_DATA: given = 0; break;
    case ONE_LESS: case SHRUNK: given = n - 1; break;
    case ONE_MORE: case GROWN: given = n + 1; break;
    default: break;
  }
  if (host->how == TRAPPED) {
    CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_HOST && trap_says(trap, "hosts"));
  } else {
    if (given != n)
      snprintf(wanted, sizeof wanted, "host function%s gave %zu results where its type has %zu", name, given, n);
    else if (host->how == NO_KIND_KEPT)
      snprintf(wanted, sizeof wanted, "host function%s gave kind 201 for result 0 (%s)", name, first);
    else if (host->how == OTHER_KIND_KEPT && first[0] == 'i')
      snprintf(wanted, sizeof wanted, "host function%s gave externref for result 0 (%s)", name, first);
    else
      snprintf(wanted, sizeof wanted, "host function%s gave f32 for result 0 (%s)", name, first);
    CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_BAD_CALL && trap_says(trap, wanted));
  }
  wasm_trap_delete(trap);
}

static void check_results(const struct host* host, const wasm_val_t* out) {
  for (size_t i = 0; i < host->count; i++) {
    CHECK(out[i].kind == host->values[i].kind);
    if (out[i].kind >= WASM_EXTERNREF)
      CHECK(out[i].of.ref == NULL ? host->values[i].of.ref == NULL : wasm_ref_same(out[i].of.ref, host->values[i].of.ref));
    else if (out[i].kind == WASM_I32)
      CHECK(out[i].of.i32 == host->values[i].of.i32);
    else
      CHECK(out[i].of.i64 == host->values[i].of.i64);
  }
}

// In each way, called by the host, by WebAssembly and through a table. `results` is the type in the text format.
static void in_each_way(struct host* host, wasm_functype_t* type, const char* results) {
  char text[2000];
  snprintf(text, sizeof text,
           "(module (type $t (func (result %s))) (import \"env\" \"give\" (func $f (type $t)))"
           " (table funcref (elem $f))"
           " (func (export \"direct\") (type $t) (call $f))"
           " (func (export \"indirect\") (type $t) (call_indirect (type $t) (i32.const 0))))",
           results);
  wasm_func_t* func = wasm_func_new_with_env(host->store, type, give, host, NULL);
  wasm_functype_delete(type);
  wasm_instance_t* instance = check_instance(host->store, text, 1, wasm_func_as_extern(func));
  wasm_func_t* ways[] = {func, check_func(instance, 0), check_func(instance, 1)};
  for (int round = 0; round < 2; round++) {
    for (int how = KEPT; how < ALL_WAYS; how++) {
      host->how = (enum how)how;
      for (int way = 0; way < 3; way++) {
        wasm_val_t out[13], before[13];
        memset(out, 0x55, sizeof out);
        memcpy(before, out, sizeof out);
        wasm_val_vec_t none = WASM_EMPTY_VEC, room = {host->count, out};
        wasm_trap_t* trap = wasm_func_call(ways[way], &none, &room);
        if (how < WAYS) {
          CHECK(!trap);
          check_results(host, out);
          for (size_t i = 0; i < host->count; i++) wasm_val_delete(&out[i]);
        } else {
          check_trap_of(host, trap, way == 0 ? "" : " \"env\".\"give\"");
          CHECK(memcmp(out, before, sizeof out) == 0);
        }
      }
    }
  }
  for (int way = 0; way < 3; way++) wasm_func_delete(ways[way]);
  wasm_instance_delete(instance);
}

static void numbers(void) {
  struct host host = {.store = check_store(), .count = 2};
  host.values[0] = (wasm_val_t)WASM_I32_VAL(-3);
  host.values[1] = (wasm_val_t)WASM_F64_VAL(2.5);
  in_each_way(&host, wasm_functype_new_0_2(wasm_valtype_new_i32(), wasm_valtype_new_f64()), "i32 f64");
  host.count = 1;
  in_each_way(&host, wasm_functype_new_0_1(wasm_valtype_new_i32()), "i32");
  wasm_store_delete(host.store);
}

// References: each value owns one, and all are gone afterwards, those that are no results too.
static void references(void) {
  struct host host = {.store = check_store(), .count = 12};
  int finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(host.store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_valtype_t* kinds[12];
  for (size_t i = 0; i < 13; i++) {
    host.values[i] = (wasm_val_t)WASM_REF_VAL(i == 5 ? NULL : wasm_foreign_as_ref(foreign));
    if (i == 7) host.values[i] = (wasm_val_t)WASM_I32_VAL(7);
    if (i < 12) kinds[i] = wasm_valtype_new(host.values[i].kind);
  }
  wasm_valtype_vec_t params = WASM_EMPTY_VEC, results;
  wasm_valtype_vec_new(&results, 12, kinds);
  in_each_way(&host, wasm_functype_new(&params, &results),
              "externref externref externref externref externref externref externref i32 externref externref externref externref");
  host.count = 1;
  in_each_way(&host, wasm_functype_new_0_1(wasm_valtype_new_externref()), "externref");
  wasm_foreign_delete(foreign);
  wasm_store_delete(host.store);
  CHECK(finalized == 1);
}

static int calls_of_none;

static wasm_trap_t* give_none(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  CHECK(results->size == 0);
  wasm_val_t value = WASM_I32_VAL(1);
  switch (calls_of_none++) {
    case 0: wasm_val_vec_new_empty(results); break;
    case 1: wasm_val_vec_new(results, 0, &value); break;
    case 2: wasm_val_vec_delete(results); break;
    case 3: results->data = NULL; break;
    case 4: wasm_val_vec_new(results, 1, &value); break;
    default: results->size = 1;
  }
  (void)env;
  return NULL;
}

// A function without results: an empty vector of any origin will do.
static void no_results(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(store, type, give_none, NULL, NULL);
  wasm_functype_delete(type);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  for (int i = 0; i < 6; i++) {
    wasm_trap_t* trap = wasm_func_call(func, &none, &none);
    CHECK((i < 4) == (trap == NULL));
    CHECK(!trap || trap_says(trap, "host function gave 1 results where its type has 0"));
    wasm_trap_delete(trap);
  }
  wasm_func_delete(func);
  wasm_store_delete(store);
}

static wasm_func_t* swap_inner;

// Calls itself through the host while its own results are replaced, and grows the depth.
static wasm_trap_t* nest(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env;
  int32_t depth = args->data[0].of.i32;
  wasm_val_t value = WASM_I32_VAL(depth), less = WASM_I32_VAL(depth - 1), inner = WASM_I32_VAL(0);
  if (depth > 0) {
    wasm_val_vec_t in = {1, &less}, out = {1, &inner};
    wasm_trap_t* trap = wasm_func_call(swap_inner, &in, &out);
    if (trap) return trap;
    value.of.i32 += inner.of.i32;
  }
  wasm_val_vec_new(results, 1, &value);
  return NULL;
}

static void nested(void) {
  wasm_store_t* store = check_store();
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  swap_inner = wasm_func_new_with_env(store, type, nest, NULL, NULL);
  wasm_functype_delete(type);
  CHECK(check_call(swap_inner, 1, 20) == 210);
  wasm_func_delete(swap_inner);
  wasm_store_delete(store);
}

static wasm_trap_t* spoil_args(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_val_copy(&results->data[0], &args->data[0]);
  // Cast the promise away: the arguments are the library's, and stay so.
  wasm_val_vec_t* mine = (wasm_val_vec_t*)args;
  if (*(int*)env)
    wasm_val_vec_delete(mine);
  else
    *mine = (wasm_val_vec_t){0, NULL};
  return NULL;
}

static void replaced_arguments(void) {
  wasm_store_t* store = check_store();
  int delete = 0, finalized = 0;
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
  wasm_functype_t* types[] = {wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref()),
                              wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32())};
  wasm_val_t values[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)), WASM_I32_VAL(3)};
  for (int i = 0; i < 2; i++) {
    wasm_func_t* func = wasm_func_new_with_env(store, types[i], spoil_args, &delete, NULL);
    wasm_functype_delete(types[i]);
    for (delete = 0; delete < 2; delete++) {
      wasm_val_t out;
      wasm_val_vec_t args = {1, &values[i]}, results = {1, &out};
      CHECK(!wasm_func_call(func, &args, &results) && out.of.i64 == values[i].of.i64);
      wasm_val_delete(&out);
    }
    wasm_func_delete(func);
  }
  wasm_foreign_delete(foreign);
  wasm_store_delete(store);
  CHECK(finalized == 1);
}

int main(void) {
  numbers();
  references();
  no_results();
  nested();
  replaced_arguments();
  return 0;
}
