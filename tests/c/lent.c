// The results that a callback is lent lie in the library's frames. A callback may delete them and make them anew wherever it runs when it
// does: on a coroutine's stack that the library no longer knows the bounds of, on another coroutine, or on another thread.

#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"

// Where the results are deleted.
enum where { HERE, UNNAMED, OTHER_NAME, COROUTINE, THREAD, PLACES };

// What is deleted and how the results come back.
enum how { REMADE, COPY_DELETED, DELETED_TWICE, ARGUMENTS_DELETED, WAYS };

// Far from everything else: valgrind takes a stack pointer that moves by less than 2 MB for one that stays on its stack.
enum { APART = 4 << 20, STACK = 512 << 10 };

// The longest signature.
enum { MOST = 11 };

static struct {
  enum where where;
  enum how how;
  const wasm_val_vec_t* args;
  wasm_val_vec_t* results;
} task;

static char *stacks[2];
static ucontext_t outside, inside, helper;

// Gives back the first arguments as results, in the other order: each value owns what it refers to.
static void replace_results(void) {
  wasm_val_t values[MOST];
  wasm_val_vec_t* results = task.results;
  size_t n = results->size;
  CHECK(n == task.args->size && n <= MOST);
  for (size_t i = 0; i < n; i++) wasm_val_copy(&values[n - 1 - i], &task.args->data[i]);
  switch (task.how) {
    case REMADE: wasm_val_vec_delete(results); break;
    case COPY_DELETED: {
      wasm_val_vec_t same = *results;
      wasm_val_vec_delete(&same);
      CHECK(same.size == 0 && same.data == NULL);
      break;
    }
    case DELETED_TWICE: {
      wasm_val_vec_t same = *results;
      wasm_val_copy(&results->data[0], &task.args->data[n - 1]);
      wasm_val_vec_delete(results);
      wasm_val_vec_delete(&same);
      break;
    }
    // The promise of `const` cast away.
    default: wasm_val_vec_delete((wasm_val_vec_t*)task.args); wasm_val_vec_delete(results);
  }
  CHECK(task.how == COPY_DELETED || (results->size == 0 && results->data == NULL));
  wasm_val_vec_new(results, n, values);
}

static void on_helper(void) { replace_results(); }

static void* on_thread(void* unused) {
  replace_results();
  return unused;
}

static wasm_trap_t* callback(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  task.args = args;
  task.results = results;
  switch (task.where) {
    case UNNAMED: CHECK(libwasm_thread_set_stack(NULL, NULL)); break;
    case OTHER_NAME: CHECK(libwasm_thread_set_stack(stacks[1], stacks[1] + STACK)); break;
    case COROUTINE: {
      ucontext_t here;
      CHECK(getcontext(&helper) == 0);
      helper.uc_stack.ss_sp = stacks[1];
      helper.uc_stack.ss_size = STACK;
      helper.uc_link = &here;
      makecontext(&helper, on_helper, 0);
      CHECK(libwasm_thread_set_stack(stacks[1], stacks[1] + STACK));
      CHECK(swapcontext(&here, &helper) == 0);
      return NULL;
    }
    case THREAD: {
      pthread_t thread;
      CHECK(pthread_create(&thread, NULL, on_thread, NULL) == 0);
      CHECK(pthread_join(thread, NULL) == 0);
      return NULL;
    }
    default: break;
  }
  replace_results();
  return NULL;
}

static wasm_store_t* store;
static wasm_func_t* funcs[4];
static wasm_foreign_t* foreign;
static int finalized;

// Calls both functions, of numbers and of references, from the host and by WebAssembly.
static void calls(void) {
  for (int i = 0; i < 4; i++) {
    wasm_ref_t* ref = wasm_foreign_as_ref(foreign);
    wasm_val_t numbers[] = {WASM_I32_VAL(7), WASM_F64_VAL(0.5)}, references[] = {WASM_REF_VAL(ref), WASM_I64_VAL(-9)}, out[2];
    wasm_val_t* in = i < 2 ? numbers : references;
    wasm_val_vec_t args = {2, in}, results = {2, out};
    memset(out, 0x77, sizeof out);
    CHECK(!wasm_func_call(funcs[i], &args, &results));
    CHECK(out[0].kind == in[1].kind && out[0].of.i64 == in[1].of.i64 && out[1].kind == in[0].kind);
    if (i < 2) CHECK(out[1].of.i32 == 7);
    else CHECK(wasm_ref_same(out[1].of.ref, ref));
    wasm_val_delete(&out[1]);
    CHECK(libwasm_thread_set_stack(stacks[0], stacks[0] + STACK));
  }
}

static void on_coroutine(void) {
  for (int where = HERE; where < PLACES; where++) {
    for (int how = REMADE; how < WAYS; how++) {
      task.where = (enum where)where;
      task.how = (enum how)how;
      calls();
    }
  }
}

static char* stack_new(void) {
  char* block = mmap(NULL, APART + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(block != MAP_FAILED);
  return block + APART;
}

static void functions_new(void) {
  store = check_store();
  wasm_functype_t* types[] = {wasm_functype_new_2_2(wasm_valtype_new_i32(), wasm_valtype_new_f64(), wasm_valtype_new_f64(), wasm_valtype_new_i32()),
                              wasm_functype_new_2_2(wasm_valtype_new_externref(), wasm_valtype_new_i64(), wasm_valtype_new_i64(), wasm_valtype_new_externref())};
  for (int i = 0; i < 2; i++) {
    funcs[2 * i] = wasm_func_new(store, types[i], callback);
    wasm_functype_delete(types[i]);
  }
  wasm_instance_t* instance = check_instance(
      store,
      "(module (import \"\" \"n\" (func $n (param i32 f64) (result f64 i32)))"
      " (import \"\" \"r\" (func $r (param externref i64) (result i64 externref)))"
      " (func (export \"n\") (param i32 f64) (result f64 i32) (call $n (local.get 0) (local.get 1)))"
      " (func (export \"r\") (param externref i64) (result i64 externref) (call $r (local.get 0) (local.get 1))))",
      2, wasm_func_as_extern(funcs[0]), wasm_func_as_extern(funcs[2]));
  for (size_t i = 0; i < 2; i++) funcs[2 * i + 1] = check_func(instance, i);
  wasm_instance_delete(instance);
  foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_up);
}

// Signatures of other lengths have other frames.
static void every_length(void) {
  wasm_ref_t* ref = wasm_foreign_as_ref(foreign);
  wasm_val_t kinds[] = {WASM_I32_VAL(3), WASM_F64_VAL(0.25), WASM_I64_VAL(-4), WASM_REF_VAL(ref)};
  task.where = THREAD;
  task.how = ARGUMENTS_DELETED;
  // Of numbers, and with references among them.
  for (size_t of = 3; of <= 4; of++) {
    for (size_t n = 1; n <= MOST; n++) {
      wasm_val_t in[MOST], out[MOST];
      wasm_valtype_vec_t params, results_types;
      wasm_valtype_vec_new_uninitialized(&params, n);
      for (size_t i = 0; i < n; i++) {
        in[i] = kinds[(n - i + of) % of];
        params.data[i] = wasm_valtype_new(in[i].kind);
      }
      wasm_valtype_vec_copy(&results_types, &params);
      for (size_t i = 0; i < n; i++) results_types.data[i] = params.data[n - 1 - i];
      wasm_functype_t* type = wasm_functype_new(&params, &results_types);
      wasm_func_t* func = wasm_func_new(store, type, callback);
      wasm_functype_delete(type);
      wasm_val_vec_t args = {n, in}, results = {n, out};
      CHECK(!wasm_func_call(func, &args, &results));
      for (size_t i = 0; i < n; i++) {
        wasm_val_t* given = &in[n - 1 - i];
        CHECK(out[i].kind == given->kind);
        if (given->kind == WASM_EXTERNREF) CHECK(wasm_ref_same(out[i].of.ref, ref));
        if (given->kind == WASM_I32) CHECK(out[i].of.i32 == 3);
        if (given->kind == WASM_F64 || given->kind == WASM_I64) CHECK(out[i].of.i64 == given->of.i64);
        wasm_val_delete(&out[i]);
      }
      wasm_func_delete(func);
    }
  }
}

int main(void) {
  for (int i = 0; i < 2; i++) stacks[i] = stack_new();
  functions_new();
  every_length();
  CHECK(getcontext(&inside) == 0);
  inside.uc_stack.ss_sp = stacks[0];
  inside.uc_stack.ss_size = STACK;
  inside.uc_link = &outside;
  makecontext(&inside, on_coroutine, 0);
  CHECK(libwasm_thread_set_stack(stacks[0], stacks[0] + STACK));
  CHECK(swapcontext(&outside, &inside) == 0);
  CHECK(libwasm_thread_set_stack(NULL, NULL));
  for (int i = 0; i < 4; i++) wasm_func_delete(funcs[i]);
  wasm_foreign_delete(foreign);
  wasm_store_delete(store);
  CHECK(finalized == 1);
  for (int i = 0; i < 2; i++) CHECK(munmap(stacks[i] - APART, APART + STACK) == 0);
  return 0;
}
