// fork after the engine was made, and after it compiled: the children compile, run and trap, as servers do that fork workers.

#include "check.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

static int threads_of_this_process(void) {
  DIR* dir = opendir("/proc/self/task");
  CHECK(dir);
  int count = 0;
  for (struct dirent* entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

// A module of many functions, so that they are compiled on several threads where there are any.
static char* many_functions(void) {
  char* wat = malloc(400 * 160 + 100);
  char* end = wat + sprintf(wat, "(module (memory 1)");
  for (int i = 0; i < 400; i++) {
    end += sprintf(end,
                   "(func (export \"f%d\") (param i32) (result i32) (i32.store (i32.const 8) (local.get 0))"
                   " (i32.add (i32.load (i32.const 8)) (i32.const %d)))",
                   i, i);
  }
  sprintf(end, "(func (export \"trap\") (drop (i32.load (i32.const -4)))))");
  return wat;
}

static void use(wasm_engine_t* engine, const char* wat) {
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_instance_t* instance = check_instance(store, wat, 0);
  wasm_func_t *f = check_func(instance, 399), *trapper = check_func(instance, 400);
  CHECK(check_call(f, 1, 1) == 400);
  wasm_trap_t* trap = check_trap(trapper);
  CHECK(trap_says(trap, "out of bounds memory access"));
  wasm_trap_delete(trap);
  wasm_func_delete(f);
  wasm_func_delete(trapper);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

static void children(wasm_engine_t* engine, const char* wat) {
  pid_t pids[3];
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    CHECK(pids[i] >= 0);
    if (pids[i] == 0) {
      // A deadlock ends here.
      alarm(120);
      use(engine, wat);
      use(engine, wat);
      wasm_engine_delete(engine);
      _exit(0);
    }
  }
  for (int i = 0; i < 3; i++) {
    int status = 0;
    CHECK(waitpid(pids[i], &status, 0) == pids[i]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

int main(void) {
  char* wat = many_functions();
  wasm_engine_t* engine = check_engine();
  // Making an engine starts no thread.
  CHECK(threads_of_this_process() == 1);
  children(engine, wat);
  use(engine, wat);
  children(engine, wat);
  use(engine, wat);
  wasm_engine_delete(engine);
  free(wat);
  return 0;
}
