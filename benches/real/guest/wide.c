// 64-bit memories: structures that are spread over more than 4 GiB, with addresses that 32 bits cannot hold.
#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
// So many bytes of zeros, more of the memory with each call; NULL if it cannot grow.
static char *zeros(uint64_t size) {
  uint64_t pages = (size + 65535) / 65536, before = __builtin_wasm_memory_grow(0, pages);
  return before == UINT64_MAX ? NULL : (char *)(before * 65536);
}
#else
#include <sys/mman.h>
#define EXPORT(name)
static char *zeros(uint64_t size) {
  void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return made == MAP_FAILED ? NULL : made;
}
#endif

enum { NODES = 4096 };
#define SPAN (6ull << 30)

struct node {
  struct node *next;
  uint64_t value;
};

// A list of nodes, one in each 1.5 MiB of 6 GiB, in an order that jumps about; its values, over and over.
EXPORT(list) int64_t list(int n) {
  static char *base;
  if (!base) base = zeros(SPAN);
  if (!base) return -1;
  struct node *first = NULL;
  for (uint64_t i = 0; i < NODES; i++) {
    struct node *node = (struct node *)(base + i * 1597 % NODES * (SPAN / NODES) + i % 61 * 64);
    *node = (struct node){first, i * i + (uint64_t)n};
    first = node;
  }
  uint64_t sum = 0;
  for (int round = 0; round < n; round++) {
    for (struct node *node = first; node; node = node->next) sum = sum * 31 + node->value + (uint64_t)((char *)node - base);
  }
  return (int64_t)sum;
}

// A table of 3 GiB with open addressing, of which few pages are touched: keys are inserted, found and summed.
EXPORT(table) int64_t table(int n) {
  static uint64_t *slots;
  const uint64_t size = (3ull << 30) / sizeof *slots;
  if (!slots) slots = (uint64_t *)zeros(3ull << 30);
  if (!slots) return -1;
  uint64_t random = 88172645463325252ull, probes = 0, found = 0;
  for (int i = 0; i < n * 100; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    uint64_t key = random | 1, at = (key >> 20) % size / 65536 * 65536;
    while (slots[at] != 0 && slots[at] != key) at = (at + 1) % size, probes++;
    found += slots[at] == key;
    slots[at] = key;
  }
  return (int64_t)(probes * 1000003 + found);
}

// Copies and fills that begin below 4 GiB and end above.
EXPORT(across) int64_t across(int n) {
  static unsigned char *base;
  if (!base) base = (unsigned char *)zeros(5ull << 30);
  if (!base) return -1;
  uint64_t sum = 0;
  for (int round = 0; round < n; round++) {
    unsigned char *edge = base + (4ull << 30) - 5000 + round;
    __builtin_memset(edge, round + 1, 10000);
    for (int i = 0; i < 10000; i += 97) edge[i] ^= (unsigned char)i;
    __builtin_memmove(edge + 333, edge, 10000);
    for (int i = 0; i < 11000; i++) sum = sum * 33 + edge[i];
  }
  return (int64_t)sum;
}

#ifndef __wasm__
#include <stdio.h>
#include <string.h>

int main(void) {
  char name[32];
  int n;
  while (scanf("%31s %d", name, &n) == 2) {
    int64_t (*func)(int) = strcmp(name, "list") == 0 ? list : strcmp(name, "table") == 0 ? table : across;
    printf("%lld\n", (long long)func(n));
  }
  return 0;
}
#endif
