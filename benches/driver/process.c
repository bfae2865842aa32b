// Whole processes: from their start to their first result.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

extern char** environ;

// once MODULE: all that a small host program does, up to the result of the module's export `answer`.
static void once(char** words) {
  open_store();
  struct loaded loaded = load_instance(words[0]);
  wasm_val_t answer = {.kind = WASM_I32, .of = {.i32 = 0}};
  wasm_val_vec_t args = {0, NULL}, results = {1, &answer};
  no_trap(lib.wasm_func_call(named_function(&loaded, "answer"), &args, &results));
  printf("%d\n", answer.of.i32);
  fflush(stdout);
}

// The largest resident size so far, kB. (That of getrusage counts what the process was before it was this program.)
static long long most_resident(void) {
  FILE* file = fopen("/proc/self/status", "r");
  char line[256];
  long long kilobytes = -1;
  while (file && kilobytes < 0 && fgets(line, sizeof line, file)) sscanf(line, "VmHWM: %lld kB", &kilobytes);
  if (file) fclose(file);
  return kilobytes;
}

// compile SETTING MODULE: compiles it once, with `signals` or with `no-signals` (an extension; other libraries ignore it). Prints the
// processor time in nanoseconds and the growth of the largest resident size in kB, and `compiled` or the reason of a refusal.
static void compile(char** words) {
  wasm_config_t* config = lib.wasm_config_new();
  void (*set_signals)(wasm_config_t*, bool);
  const char* (*reason)(void);
  *(void**)&set_signals = extension("libwasm_config_set_signals");
  *(void**)&reason = extension("libwasm_last_error_message");
  if (set_signals) set_signals(config, strcmp(words[0], "no-signals") != 0);
  store = lib.wasm_store_new(lib.wasm_engine_new_with_config(config));
  wasm_byte_vec_t binary = read_file(words[1]);
  struct timespec from, to;
  long long before = most_resident();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
  wasm_module_t* module = lib.wasm_module_new(store, &binary);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
  printf("%lld %lld %s\n", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec,
         most_resident() - before, module ? "compiled" : reason ? reason() : "refused");
  fflush(stdout);
}

// spawn COMMAND...: starts it and waits for its first line, a number; what it does afterwards does not count.
static char** command;

static void prepare_spawn(char** words) { command = words; }

static int64_t run_spawn(long n) {
  int64_t answer = 0;
  for (long i = 0; i < n; i++) {
    int pipe_ends[2];
    if (pipe2(pipe_ends, 0)) end(USAGE, "no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[1]);
    pid_t child;
    if (posix_spawnp(&child, command[0], &actions, NULL, command, environ)) end(REFUSES, command[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    char line[64] = "";
    ssize_t got = read(pipe_ends[0], line, sizeof line - 1);
    pause_clock();
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (got <= 0) end(WRONG, "the process ended without a result");
    answer = atoll(line);
    resume_clock();
  }
  return answer;
}

const struct operation process_operations[] = {
    {"once", "MODULE", 1, once, NULL},
    {"compile", "SETTING MODULE", 2, compile, NULL},
    {"spawn", "COMMAND...", 1, prepare_spawn, run_spawn},
    {NULL, NULL, 0, NULL, NULL},
};
