// Whole processes: from their start to their first result.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
    {"spawn", "COMMAND...", 1, prepare_spawn, run_spawn},
    {NULL, NULL, 0, NULL, NULL},
};
