// failures SCENARIO once|on STEP: what happens when memory runs out, at every request that a scenario makes.
//
// For n = 1, 1 + STEP, ... a child makes the n-th allocation or mapping of the scenario fail (`once`), or all from the n-th on (`on`),
// until the scenario makes fewer than n. The scenario runs for the first time then, so that what is made on first use is in it. A call
// that fails says that memory ran out and leaves no handle behind, deleting works without memory, and afterwards, with memory again, the same
// scenario runs to its end. Nothing may end the process.

#include "check.h"
#include "inject.h"

#include <signal.h>
#include <sys/wait.h>

#include "compiling.h"
#include "heap.h"
#include "running.h"
#include "objects.h"

static const struct scenario {
  const char* name;
  bool (*run)(void);
} scenarios[] = {
    {"engines", engines},     {"compiling", compiling}, {"compiling_much", compiling_much}, {"text", text},
    {"artifacts", artifacts}, {"instances", instances}, {"calling", calling},   {"references", references},
    {"traps", traps},         {"objects", objects},     {"types", types},       {"threads", threads},
    {"defined_types", defined_types}, {"heap_objects", heap_objects},
    {"heap_calls", heap_calls}, {"heap_handles", heap_handles}, {"exceptions", exceptions},
};

enum { HIT = 41, FEWER = 42 };

static void attempt(const struct scenario* scenario, long n, bool persistently) {
  // A deadlock ends here.
  alarm(60);
  // What a failure leaves a handle of keeps the store, and the foreign object.
  int freed = 0;
  wasm_foreign_set_host_info_with_finalizer(room.foreign, &freed, count_up);
  inject_begin(n, persistently);
  bool success = scenario->run();
  bool hit = inject_end();
  CHECK(success || hit);
  libwasm_last_error_clear();
  CHECK(scenario->run());
  delete_heap_room();
  wasm_extern_vec_delete(&room.exports);
  wasm_extern_delete(room.import);
  wasm_instance_delete(room.instance);
  wasm_foreign_delete(room.foreign);
  wasm_module_delete(room.module);
  wasm_store_delete(room.store);
  CHECK(freed == 1);
  wasm_engine_delete(room.engine);
  _exit(hit ? HIT : FEWER);
}

// Whether a child died of something that the library cannot help: a thread that it has started to compile on registers a destructor
// of the standard library's thread-local storage, and the C library ends the process where it has no memory for that. The
// library asks for the memory of a thread before it starts one, so this takes memory that runs out just then.
static bool beyond_help(const struct scenario* scenario, int status, const char* errors) {
  return scenario->run == compiling_much && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
         strcmp(errors, "Fatal glibc error: failed to register TLS destructor: out of memory\n") == 0;
}

// Runs an attempt in a child, and gives its status and the beginning of what it wrote to standard error.
static int in_child(const struct scenario* scenario, long n, bool persistently, char* errors, size_t room_for_errors) {
  int ends[2], status;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    attempt(scenario, n, persistently);
  }
  close(ends[1]);
  size_t length = 0;
  char byte;
  while (read(ends[0], &byte, 1) == 1) {
    if (length + 1 < room_for_errors) errors[length++] = byte;
  }
  errors[length] = '\0';
  close(ends[0]);
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

int main(int argc, char** argv) {
  CHECK(argc == 4);
  bool persistently = strcmp(argv[2], "on") == 0;
  const struct scenario* scenario = scenarios;
  while (strcmp(scenario->name, argv[1]) != 0) CHECK(++scenario < scenarios + sizeof scenarios / sizeof *scenarios);
  make_room();
  make_heap_room();
  // One request only, to look into it.
  const char* only = getenv("INJECT_ONLY");
  const long step = atol(argv[3]);
  CHECK(step > 0);
  static char errors[1 << 16];
  int failures = 0, ended = 0, status = 0;
  long tried = 0;
  for (long n = only ? atol(only) : 1; status != FEWER << 8; n += step) {
    status = in_child(scenario, n, persistently, errors, sizeof errors);
    tried++;
    if (beyond_help(scenario, status, errors)) {
      ended++;
    } else if (status != HIT << 8 && status != FEWER << 8) {
      failures++;
      fprintf(stderr, "FAILED %s %s at request %ld: status %#x\n%s", argv[1], argv[2], n, status, errors);
    }
    if (only) break;
  }
  CHECK(unlink(room.path) == 0);
  // The moment is short: while such a thread starts, for which the one that started it waits.
  CHECK(ended <= 1 + 32 / step);
  printf("%s %s: %ld requests of one in %ld failed in turn, %d badly; %d times the C library ended the process\n", argv[1],
         argv[2], tried, step, failures, ended);
  return failures != 0;
}
