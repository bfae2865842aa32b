// Threads over one memory: work that is given out by an atomic counter, a lock that sleeps, and a barrier.
//
// As WebAssembly it starts threads by the convention of wasi-threads; natively, with POSIX threads.
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WORKERS = 4, LIMIT = 400000, CHUNK = 500, BINS = 64, ROUNDS = 50 };

static void start(int worker);
static void wait_while(atomic_int *at, int value);
static void wake_all(atomic_int *at);
static void print(const char *name, uint64_t value);

// ---- a lock: 0 free, 1 held, 2 held and waited for ----

static atomic_int lock_state;

static void lock(void) {
  int state = 0;
  if (atomic_compare_exchange_strong(&lock_state, &state, 1)) return;
  while (atomic_exchange(&lock_state, 2) != 0) wait_while(&lock_state, 2);
}

static void unlock(void) {
  if (atomic_exchange(&lock_state, 0) == 2) wake_all(&lock_state);
}

// ---- a barrier ----

static atomic_int arrived, generation;

static void barrier(void) {
  int mine = generation;
  if (atomic_fetch_add(&arrived, 1) == WORKERS - 1) {
    arrived = 0;
    generation++;
    wake_all(&generation);
  } else {
    while (generation == mine) wait_while(&generation, mine);
  }
}

// ---- the work ----

static atomic_int next_chunk, finished;
static _Atomic uint64_t primes, prime_sum;
static uint64_t bins[BINS];                   // under the lock
static uint32_t cells[2][WORKERS * 256 + 2];  // between barriers: each worker writes its part, and reads its neighbours'

static bool is_prime(uint32_t n) {
  if (n % 2 == 0) return n == 2;
  for (uint32_t i = 3; i * i <= n; i += 2) {
    if (n % i == 0) return false;
  }
  return n > 1;
}

static void count_primes(void) {
  for (uint32_t chunk; (chunk = (uint32_t)atomic_fetch_add(&next_chunk, 1)) < LIMIT / CHUNK;) {
    for (uint32_t n = chunk * CHUNK; n < (chunk + 1) * CHUNK; n++) {
      if (!is_prime(n)) continue;
      atomic_fetch_add(&primes, 1);
      atomic_fetch_add(&prime_sum, n);
      lock();
      bins[n % BINS] += n;
      unlock();
    }
  }
}

static void diffuse(int worker) {
  for (int i = 0; i < 256; i++) cells[0][1 + worker * 256 + i] = (uint32_t)(worker * 7919 + i * i);
  barrier();
  for (int round = 0; round < ROUNDS; round++) {
    const uint32_t *from = cells[round % 2];
    uint32_t *to = cells[(round + 1) % 2];
    for (int i = 1 + worker * 256; i <= (worker + 1) * 256; i++) to[i] = from[i - 1] * 3 + from[i] * 5 + from[i + 1] * 7;
    barrier();
  }
}

static void work(int worker) {
  count_primes();
  diffuse(worker);
  if (atomic_fetch_add(&finished, 1) == WORKERS - 1) wake_all(&finished);
}

int main(void) {
  for (int worker = 0; worker < WORKERS; worker++) start(worker);
  for (int seen; (seen = finished) < WORKERS;) wait_while(&finished, seen);
  uint64_t histogram = 0, grid = 0;
  for (int i = 0; i < BINS; i++) histogram = histogram * 31 + bins[i];
  for (int i = 1; i <= WORKERS * 256; i++) grid = grid * 31 + cells[ROUNDS % 2][i];
  print("primes", primes);
  print("sum", prime_sum);
  print("histogram", histogram);
  print("grid", grid);
  return 0;
}

#ifdef __wasm__

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int thread_spawn(void *argument);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int fd_write(int fd, const void *pairs, int count, int *written);

static char stacks[WORKERS][65536] __attribute__((aligned(16)));

// The host calls this on a new thread, in a new instance, whose stack pointer is still the first thread's.
__asm__(
    ".globaltype __stack_pointer, i32\n"
    ".globl wasi_thread_start\n"
    ".export_name wasi_thread_start, wasi_thread_start\n"
    "wasi_thread_start:\n"
    "  .functype wasi_thread_start (i32, i32) -> ()\n"
    "  local.get 1\n"
    "  global.set __stack_pointer\n"
    "  local.get 1\n"
    "  call thread_main\n"
    "  end_function\n");

void thread_main(char *stack_end) { work((int)(stack_end - stacks[0]) / 65536 - 1); }

static void start(int worker) {
  if (thread_spawn(stacks[worker] + 65536) < 0) __builtin_trap();
}

static void wait_while(atomic_int *at, int value) { __builtin_wasm_memory_atomic_wait32((int *)at, value, -1); }

static void wake_all(atomic_int *at) { __builtin_wasm_memory_atomic_notify((int *)at, 0xffffffff); }

static void print(const char *name, uint64_t value) {
  char line[64], digits[20];
  int length = 0, count = 0;
  for (; name[length]; length++) line[length] = name[length];
  line[length++] = ' ';
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) line[length++] = digits[--count];
  line[length++] = '\n';
  struct {
    const char *at;
    int size;
  } pair = {line, length};
  int written;
  fd_write(1, &pair, 1, &written);
}

__attribute__((export_name("_start"))) void start_program(void) { main(); }

#else

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static void *run(void *worker) { return work((int)(intptr_t)worker), NULL; }

static void start(int worker) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, (void *)(intptr_t)worker) == 0) pthread_detach(thread);
}

static void wait_while(atomic_int *at, int value) {
  while (*at == value) sched_yield();
}

static void wake_all(atomic_int *at) { (void)at; }

static void print(const char *name, uint64_t value) { printf("%s %llu\n", name, (unsigned long long)value); }

#endif
