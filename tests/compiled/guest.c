// What is compiled for 32-bit memories, for 64-bit ones and for the machine that the test runs on, and computes the same everywhere:
// allocation from memory that grows, a hash table of strings, a tree, sorting, calls by pointer.

typedef unsigned long long u64;
typedef unsigned int u32;

#ifdef __wasm__
#define PAGE 65536
extern unsigned char __heap_base;
static char* next = (char*)&__heap_base;

// Nothing is freed. The memory grows by what is asked for.
static void* allocate(__SIZE_TYPE__ bytes) {
  next = (char*)(((__UINTPTR_TYPE__)next + 15) & ~(__UINTPTR_TYPE__)15);
  char* result = next;
  next += bytes;
  __SIZE_TYPE__ size = __builtin_wasm_memory_size(0) * PAGE;
  if ((__UINTPTR_TYPE__)next > size) {
    __SIZE_TYPE__ pages = ((__UINTPTR_TYPE__)next - size + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (__SIZE_TYPE__)-1) __builtin_trap();
  }
  return result;
}
#define EXPORT __attribute__((export_name("run")))
#else
#include <stdio.h>
#include <stdlib.h>
static void* allocate(size_t bytes) { return calloc(1, bytes); }
#define EXPORT static
#endif

static u64 random_state;

static u32 random_number(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (u32)(random_state >> 16);
}

struct entry {
  struct entry* next;
  char* key;
  u32 count;
};

struct node {
  struct node *left, *right;
  u32 value;
};

static u32 hash_of(const char* text) {
  u32 hash = 2166136261u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

static int same(const char* a, const char* b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

enum { BUCKETS = 1024 };

static u64 count_words(u32 words) {
  struct entry** table = allocate(BUCKETS * sizeof *table);
  for (int i = 0; i < BUCKETS; i++) table[i] = 0;
  u64 longest = 0;
  for (u32 i = 0; i < words; i++) {
    char text[12];
    u32 number = random_number() % 5000;
    int length = 0;
    for (; number; number /= 7) text[length++] = (char)('a' + number % 7);
    text[length] = 0;
    struct entry** place = &table[hash_of(text) % BUCKETS];
    while (*place && !same((*place)->key, text)) place = &(*place)->next;
    if (!*place) {
      *place = allocate(sizeof **place);
      (*place)->next = 0;
      (*place)->count = 0;
      (*place)->key = allocate((u32)length + 1);
      for (int j = 0; j <= length; j++) (*place)->key[j] = text[j];
    }
    u32 count = ++(*place)->count;
    if (count > longest) longest = count;
  }
  u64 sum = longest;
  for (int i = 0; i < BUCKETS; i++) {
    for (struct entry* entry = table[i]; entry; entry = entry->next) sum = sum * 31 + entry->count + hash_of(entry->key);
  }
  return sum;
}

static struct node* insert(struct node* node, u32 value) {
  if (!node) {
    node = allocate(sizeof *node);
    node->left = node->right = 0;
    node->value = value;
  } else if (value < node->value) {
    node->left = insert(node->left, value);
  } else {
    node->right = insert(node->right, value);
  }
  return node;
}

static u64 visit(const struct node* node, u64 sum, u64 (*combine)(u64, u32)) {
  if (!node) return sum;
  sum = visit(node->left, sum, combine);
  return visit(node->right, combine(sum, node->value), combine);
}

static u64 add(u64 sum, u32 value) { return sum + value; }
static u64 mix(u64 sum, u32 value) { return (sum ^ value) * 0x9e3779b97f4a7c15ull; }

static void sort(u32* low, u32* high, int (*before)(u32, u32)) {
  while (high - low > 1) {
    u32 pivot = low[(high - low) / 2];
    u32 *i = low, *j = high - 1;
    while (i <= j) {
      while (before(*i, pivot)) i++;
      while (before(pivot, *j)) j--;
      if (i <= j) {
        u32 swap = *i;
        *i++ = *j;
        *j-- = swap;
      }
    }
    sort(low, j + 1, before);
    low = i;
  }
}

static int less(u32 a, u32 b) { return a < b; }
static int more(u32 a, u32 b) { return a > b; }

EXPORT u64 run(u32 seed, u32 size) {
  random_state = seed + 88172645463325252ull;
  u64 sum = count_words(size);
  struct node* tree = 0;
  for (u32 i = 0; i < size; i++) tree = insert(tree, random_number());
  sum = visit(tree, sum, size % 2 ? add : mix);
  u32* numbers = allocate(size * sizeof *numbers);
  for (u32 i = 0; i < size; i++) numbers[i] = random_number();
  sort(numbers, numbers + size, size % 3 ? less : more);
  for (u32 i = 0; i < size; i++) sum = mix(sum, numbers[i] + i);
  return sum;
}

#ifndef __wasm__
int main(void) {
  for (u32 seed = 1; seed <= 3; seed++) {
    for (u32 size = 1; size <= 100000; size *= 10) printf("%u %u %llx\n", seed, size, run(seed, size));
  }
  return 0;
}
#endif
