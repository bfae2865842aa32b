// WASI preview 1 apart from files: arguments, environment, clocks, randomness, and waiting.
//
// A guest's address is a number that it may choose freely: `guest_bytes` checks it, and the pointer is used at once.
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/random.h>
#include <time.h>

// ---- the guest's memory, little-endian ----

uint8_t *guest_bytes(struct guest *guest, uint32_t address, uint64_t size) {
  uint64_t limit = guest->memory ? wasm_memory_data_size(guest->memory) : 0;
  if (address > limit || size > limit - address) return NULL;
  return (uint8_t *)wasm_memory_data(guest->memory) + address;
}

uint32_t load32(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24; }

uint64_t load64(const uint8_t *at) { return load32(at) | (uint64_t)load32(at + 4) << 32; }

void store_bytes(uint8_t *at, uint64_t value, int size) {
  for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
}

int32_t put(struct guest *guest, uint32_t address, uint64_t value, int size) {
  uint8_t *at = guest_bytes(guest, address, (uint64_t)size);
  if (!at) return FAULT;
  store_bytes(at, value, size);
  return SUCCESS;
}

int32_t wasi_errno(int error) {
  static const struct {
    int native;
    int32_t wasi;
  } table[] = {{0, SUCCESS}, {E2BIG, TOO_BIG}, {EACCES, ACCES}, {EAGAIN, AGAIN}, {EBADF, BADF}, {EEXIST, EXIST}, {EINVAL, INVAL},
               {EISDIR, ISDIR}, {ELOOP, LOOP}, {EMFILE, MFILE}, {ENAMETOOLONG, NAMETOOLONG}, {ENOENT, NOENT}, {ENOMEM, NOMEM},
               {ENOSPC, NOSPC}, {ENOTDIR, NOTDIR}, {ENOTEMPTY, NOTEMPTY}, {EPERM, PERM}, {EPIPE, PIPE}, {EROFS, ROFS}, {ESPIPE, SPIPE},
               {EXDEV, XDEV}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (table[i].native == error) return table[i].wasi;
  }
  return IO;
}

// ---- lists of text: one array of pointers, one block of bytes ----

static int32_t sizes_get(struct guest *guest, const wasm_val_t *args, char **texts, int count) {
  uint64_t size = 0;
  for (int i = 0; i < count; i++) size += strlen(texts[i]) + 1;
  int32_t error = put(guest, U32(0), (uint64_t)count, 4);
  return error ? error : put(guest, U32(1), size, 4);
}

static int32_t texts_get(struct guest *guest, const wasm_val_t *args, char **texts, int count) {
  uint32_t pointers = U32(0), bytes = U32(1);
  for (int i = 0; i < count; i++) {
    uint32_t size = (uint32_t)strlen(texts[i]) + 1;
    uint8_t *at = guest_bytes(guest, bytes, size);
    if (!at || put(guest, pointers + 4 * (uint32_t)i, bytes, 4)) return FAULT;
    memcpy(at, texts[i], size);
    bytes += size;
  }
  return SUCCESS;
}

static int32_t args_sizes_get(struct guest *guest, const wasm_val_t *args) {
  return sizes_get(guest, args, guest->process->argv, guest->process->argc);
}

static int32_t args_get(struct guest *guest, const wasm_val_t *args) {
  return texts_get(guest, args, guest->process->argv, guest->process->argc);
}

static int32_t environ_sizes_get(struct guest *guest, const wasm_val_t *args) {
  return sizes_get(guest, args, guest->process->env, guest->process->env_count);
}

static int32_t environ_get(struct guest *guest, const wasm_val_t *args) {
  return texts_get(guest, args, guest->process->env, guest->process->env_count);
}

// ---- clocks and randomness ----

static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};

static uint64_t nanoseconds(struct timespec time) { return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec; }

static int32_t clock_res_get(struct guest *guest, const wasm_val_t *args) {
  struct timespec resolution;
  if (U32(0) > 3 || clock_getres(clocks[U32(0)], &resolution) != 0) return INVAL;
  return put(guest, U32(1), nanoseconds(resolution), 8);
}

static int32_t clock_time_get(struct guest *guest, const wasm_val_t *args) {
  struct timespec now;
  if (U32(0) > 3 || clock_gettime(clocks[U32(0)], &now) != 0) return INVAL;
  return put(guest, U32(2), nanoseconds(now), 8);
}

static int32_t random_get(struct guest *guest, const wasm_val_t *args) {
  for (uint32_t done = 0; done < U32(1);) {
    uint32_t size = U32(1) - done < 256 ? U32(1) - done : 256;
    uint8_t *at = guest_bytes(guest, U32(0) + done, size);
    if (!at) return FAULT;
    if (getrandom(at, size, 0) != (ssize_t)size) return IO;
    done += size;
  }
  return SUCCESS;
}

static int32_t sched_yield_(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  (void)args;
  return sched_yield() == 0 ? SUCCESS : wasi_errno(errno);
}

// ---- waiting: subscriptions of 48 bytes, events of 32 ----

enum { CLOCK_EVENT = 0, READ_EVENT = 1, WRITE_EVENT = 2 };

// How long a subscription to a clock lasts from now on.
static int64_t remaining(const uint8_t *subscription) {
  uint32_t id = load32(subscription + 16);
  uint64_t timeout = load64(subscription + 24);
  struct timespec now;
  if (!(subscription[40] & 1)) return timeout > INT64_MAX ? INT64_MAX : (int64_t)timeout;
  if (id > 3 || clock_gettime(clocks[id], &now) != 0 || timeout < nanoseconds(now)) return 0;
  return (int64_t)(timeout - nanoseconds(now));
}

static int32_t put_event(struct guest *guest, uint32_t address, const uint8_t *subscription) {
  uint8_t event[32] = {0};
  memcpy(event, subscription, 8);
  event[10] = subscription[8];
  uint8_t *at = guest_bytes(guest, address, sizeof event);
  if (!at) return FAULT;
  memcpy(at, event, sizeof event);
  return SUCCESS;
}

// Files are always ready; otherwise the earliest clock is waited for.
static int32_t poll_oneoff(struct guest *guest, const wasm_val_t *args) {
  uint32_t count = U32(2), events = 0;
  int64_t shortest = INT64_MAX;
  if (count == 0) return INVAL;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < count; i++) {
      uint8_t subscription[48];
      uint8_t *at = guest_bytes(guest, U32(0) + 48 * i, sizeof subscription);
      if (!at) return FAULT;
      memcpy(subscription, at, sizeof subscription);
      bool is_clock = subscription[8] == CLOCK_EVENT;
      int64_t left = is_clock ? remaining(subscription) : 0;
      if (left < shortest) shortest = left;
      if (pass == 0 || left > 0) continue;
      int32_t error = put_event(guest, U32(1) + 32 * events++, subscription);
      if (error) return error;
    }
    if (pass == 0 && shortest > 0) {
      struct timespec time = {shortest / 1000000000, shortest % 1000000000};
      while (nanosleep(&time, &time) != 0 && errno == EINTR) continue;
    }
    // A relative time has passed now: the first clock of that length has its event.
    for (uint32_t i = 0; pass == 1 && events == 0 && i < count; i++) {
      const uint8_t *at = guest_bytes(guest, U32(0) + 48 * i, 48);
      if (!at) return FAULT;
      uint8_t subscription[48];
      memcpy(subscription, at, sizeof subscription);
      if (remaining(subscription) > shortest) continue;
      int32_t error = put_event(guest, U32(1) + 32 * events++, subscription);
      if (error) return error;
    }
  }
  return put(guest, U32(3), events, 4);
}

// ---- the table ----

static int32_t not_supported(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  (void)args;
  return NOTSUP;
}

static const struct wasi_func others[] = {
    {"args_get", "ii", args_get},
    {"args_sizes_get", "ii", args_sizes_get},
    {"clock_res_get", "ii", clock_res_get},
    {"clock_time_get", "iIi", clock_time_get},
    {"environ_get", "ii", environ_get},
    {"environ_sizes_get", "ii", environ_sizes_get},
    {"poll_oneoff", "iiii", poll_oneoff},
    {"proc_raise", "i", not_supported},
    {"random_get", "ii", random_get},
    {"sched_yield", "", sched_yield_},
    {"sock_accept", "iii", not_supported},
    {"sock_recv", "iiiiii", not_supported},
    {"sock_send", "iiiii", not_supported},
    {"sock_shutdown", "ii", not_supported},
};

const struct wasi_func *find_wasi_func(const wasm_name_t *name) {
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    if (is_name(name, others[i].name)) return &others[i];
  }
  for (size_t i = 0; i < wasi_files_count; i++) {
    if (is_name(name, wasi_files[i].name)) return &wasi_files[i];
  }
  return NULL;
}
