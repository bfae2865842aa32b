// Images of memories are files behind the scenes: a fork shares them, a host may close them, a limit may forbid them.

#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DATA = 50000 };

static wasm_module_t* module_with(wasm_store_t* store, char letter) {
  static char text[1 << 17];
  int n = sprintf(text, "(module (memory (export \"m\") 1) (func (export \"f\") (param i32) (result i32) (local i32)"
    "  (local.set 1 (i32.load8_u (local.get 0))) (i32.store8 (local.get 0) (i32.const 0)) (local.get 1))"
    "  (data (i32.const 0) \"");
  for (int i = 0; i < DATA; i++) text[n++] = letter;
  sprintf(text + n, "\"))");
  return check_module(store, text);
}

static wasm_instance_t* instantiate(wasm_store_t* store, wasm_module_t* module) {
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  wasm_instance_t* instance = wasm_instance_new(store, module, &none, NULL);
  CHECK(instance);
  return instance;
}

// All of the memory is as the module says.
static void check_bytes(wasm_instance_t* instance, char letter) {
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  const char* bytes = wasm_memory_data(wasm_extern_as_memory(exports.data[0]));
  for (int i = 0; i < 65536; i++) CHECK(bytes[i] == (i < DATA ? letter : 0));
  wasm_extern_vec_delete(&exports);
}

// Instances come and go, write, and find what they should.
static void use(wasm_store_t* store, wasm_module_t* module, char letter) {
  wasm_instance_t* kept[3];
  for (int i = 0; i < 30; i++) {
    wasm_instance_t* instance = instantiate(store, module);
    check_bytes(instance, letter);
    wasm_func_t* func = check_func(instance, 1);
    CHECK(check_call(func, 1, 4096 * (i % 12)) == letter);
    CHECK(check_call(func, 1, 4096 * (i % 12)) == 0);
    CHECK(check_call(func, 1, 60000 + i) == 0);
    wasm_func_delete(func);
    if (i < 3) kept[i] = instance; else wasm_instance_delete(instance);
  }
  for (int i = 0; i < 3; i++) wasm_instance_delete(kept[i]);
}

static int child_status(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t *one = module_with(store, 'a'), *two = module_with(store, 'b');
  use(store, one, 'a');
  wasm_instance_t* before = instantiate(store, one);
  wasm_instance_t* written = instantiate(store, two);
  wasm_func_t* func = check_func(written, 1);

  // After a fork both go on: with instances from before, with new modules and without old ones.
  for (int i = 0; i < 3; i++) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
      char byte;
      CHECK(read(ready[0], &byte, 1) == 1);
      check_bytes(before, 'a');
      wasm_module_t* more = module_with(store, 'c');
      use(store, more, 'c');
      use(store, one, 'a');
      use(store, two, 'b');
      wasm_module_delete(more);
      check_bytes(before, 'a');
      _exit(0);
    }
    wasm_module_t* mine = module_with(store, 'd');
    use(store, mine, 'd');
    wasm_module_delete(mine);
    if (i == 2) {
      wasm_instance_delete(before);
      before = NULL;
      wasm_module_delete(one);
      one = NULL;
    }
    CHECK(write(ready[1], "x", 1) == 1);
    close(ready[0]);
    close(ready[1]);
    CHECK(child_status(child) == 0);
    use(store, two, 'b');
  }
  CHECK(check_call(func, 1, 5) == 'b');
  wasm_func_delete(func);
  wasm_instance_delete(written);

  // A host that closes all descriptors, as daemons do, and opens its own.
  for (int i = 3; i < 100; i++) close(i);
  FILE* mine = tmpfile();
  CHECK(mine);
  CHECK(fputs("the host's own", mine) >= 0);
  CHECK(fflush(mine) == 0);
  use(store, two, 'b');
  wasm_module_t* more = module_with(store, 'e');
  use(store, more, 'e');
  wasm_module_delete(more);
  wasm_module_delete(two);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  rewind(mine);
  char line[32] = "";
  CHECK(fgets(line, sizeof line, mine));
  CHECK(strcmp(line, "the host's own") == 0);
  CHECK(fclose(mine) == 0);

  // Files may not be large, and who makes one larger is killed: there are none, then.
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  limit.rlim_cur = 4096;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  engine = wasm_engine_new();
  store = wasm_store_new(engine);
  one = module_with(store, 'f');
  use(store, one, 'f');
  wasm_module_delete(one);
  // Nor may there be any descriptor.
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 0;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  one = module_with(store, 'g');
  use(store, one, 'g');
  wasm_module_delete(one);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
