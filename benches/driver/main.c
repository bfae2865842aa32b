// Times one operation in one library that exports wasm.h.
//
//   driver LIBRARY CLOCK OPERATION [ARGUMENT...]
//
// The library is opened by itself with dlopen. The operation is prepared, `ready` printed, and then each line read is a
// number of repetitions; for each, a line with the nanoseconds they took and the answer is printed. The caller chooses
// the repetitions, and alternates between processes, one for each library: so a library that ends its process
// loses one row. CLOCK is `cpu`, the processor time of this thread, or `wall`.
//
// `driver LIBRARY cpu wat2wasm TEXT BINARY` translates a module, `driver LIBRARY cpu once MODULE` prints what the
// module's export `answer` returns, as a process that does nothing else. LIBRARY is `-` where none is needed.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

static const struct operation* const lists[] = {call_operations,   trap_operations,   instance_operations,
                                                object_operations, module_operations, process_operations,
                                                thread_operations};
static clockid_t clock_id;
static int64_t begun, elapsed;
static bool running;

const char* own_file = NULL;

static void remove_own_file(void) {
  if (own_file) unlink(own_file);
}

_Noreturn void end(enum ending why, const char* what) {
  remove_own_file();
  fprintf(stderr, "driver: %s\n", what);
  fflush(NULL);
  _exit(why);
}

int64_t now(void) {
  struct timespec time;
  clock_gettime(clock_id, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void pause_clock(void) {
  if (running) elapsed += now() - begun;
  running = false;
}

void resume_clock(void) {
  running = true;
  begun = now();
}

void report(int64_t value) {
  running = false;
  elapsed = value;
}

static const struct operation* find(const char* name) {
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (const struct operation* operation = lists[i]; operation->name; operation++) {
      if (!strcmp(operation->name, name)) return operation;
    }
  }
  return NULL;
}

static void usage(void) {
  fprintf(stderr, "usage: driver LIBRARY cpu|wall OPERATION [ARGUMENT...]\n");
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (const struct operation* operation = lists[i]; operation->name; operation++) {
      fprintf(stderr, "  %s %s\n", operation->name, operation->arguments);
    }
  }
  exit(USAGE);
}

int main(int argc, char** argv) {
  if (argc < 4) usage();
  const struct operation* operation = find(argv[3]);
  if (!operation || argc - 4 < operation->count) usage();
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever asks for rounds is gone
  clock_id = strcmp(argv[2], "wall") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  if (strcmp(argv[1], "-")) open_library(argv[1]);
  operation->prepare(argv + 4);
  if (!operation->run) return 0;
  printf("ready\n");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    long n = atol(line);
    elapsed = 0;
    resume_clock();
    int64_t answer = operation->run(n);
    pause_clock();
    printf("%lld %lld\n", (long long)elapsed, (long long)answer);
    fflush(stdout);
  }
  remove_own_file();
  _exit(0);  // what the library still holds goes with the process
}
