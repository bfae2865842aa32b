// Threads of a program: each is a thread of the host with a store and an instance of its own, over the same shared memory.
#include "host.h"

#include <unistd.h>

struct start {
  struct process *process;
  int32_t id, argument;
};

// A trap, or an exit, in one thread ends the program.
static void *run_thread(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  struct guest guest;
  wasm_store_t *store = wasm_store_new(start.process->engine);
  wasm_module_t *module = store ? wasm_module_obtain(store, start.process->module) : NULL;
  if (!module) fail("cannot start a thread: %s", last_error());
  start_guest(&guest, start.process, store, module);
  wasm_func_t *entry = exported_func(&guest, "wasi_thread_start");
  if (!entry) fail("the program starts a thread and exports no wasi_thread_start");
  wasm_val_t values[] = {WASM_I32_VAL(start.id), WASM_I32_VAL(start.argument)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(values), none = WASM_EMPTY_VEC;
  if (!call(&guest, entry, &args, &none)) _exit(134);
  if (guest.exited) {
    fflush(NULL);
    _exit(guest.status);
  }
  end_guest(&guest);
  return NULL;
}

int32_t spawn_thread(struct process *process, int32_t argument) {
  struct start *start = malloc(sizeof *start);
  if (!start) return -1;
  pthread_mutex_lock(&process->lock);
  int32_t id = ++process->next_thread;
  *start = (struct start){process, id, argument};
  pthread_t *threads = realloc(process->threads, (process->thread_count + 1) * sizeof *threads);
  if (threads) process->threads = threads;
  bool started = threads && pthread_create(&threads[process->thread_count], NULL, run_thread, start) == 0;
  process->thread_count += started;
  pthread_mutex_unlock(&process->lock);
  if (!started) free(start);
  return started ? id : -1;
}

// Waits for all threads, also for those that others start meanwhile.
void join_threads(struct process *process) {
  for (size_t i = 0;; i++) {
    pthread_mutex_lock(&process->lock);
    bool done = i == process->thread_count;
    pthread_t thread = done ? pthread_self() : process->threads[i];
    pthread_mutex_unlock(&process->lock);
    if (done) return;
    pthread_join(thread, NULL);
  }
}
