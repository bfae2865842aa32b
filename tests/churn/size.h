// How large the process is while rounds go by, and whether it stays so.

#ifndef SIZE_H
#define SIZE_H

#include "check.h"

// How far the last rounds' peaks may lie above those of the first rounds after the warm-up. Garbage that the collector has
// not come to yet makes the measures go up and down; a leak makes them go up.
enum { RESIDENT_SLACK_KB = 6 * 1024, MAPPINGS_SLACK = 64 };
// Sixteen memories of 4 GiB, where they are reserved.
static long address_slack_kb(void) { return check_mode_is_checked() ? 64 * 1024 : 64l * 1024 * 1024; }

struct size {
  long resident_kb, address_kb, mappings;
};

static long status_kb(const char* field) {
  FILE* file = fopen("/proc/self/status", "r");
  CHECK(file);
  char line[256];
  long value = -1;
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, field, strlen(field)) == 0) sscanf(line + strlen(field), ": %ld", &value);
  }
  fclose(file);
  CHECK(value >= 0);
  return value;
}

static struct size measure(void) {
  struct size size = {status_kb("VmRSS"), status_kb("VmSize"), 0};
  FILE* file = fopen("/proc/self/maps", "r");
  CHECK(file);
  for (int c; (c = fgetc(file)) != EOF;) size.mappings += c == '\n';
  fclose(file);
  return size;
}

static long max(long a, long b) { return a > b ? a : b; }

static void raise_to(struct size* peak, struct size size) {
  peak->resident_kb = max(peak->resident_kb, size.resident_kb);
  peak->address_kb = max(peak->address_kb, size.address_kb);
  peak->mappings = max(peak->mappings, size.mappings);
}

// Peaks of the first rounds after the warm-up, and of the last.
static struct size before, after;

// Called after each round: of a hundred pieces, the first ten warm up, and the next twenty are compared with the last
// twenty. The former are looked at ten times as often, so that by chance alone their peak is the higher one.
static void look(int round, int rounds) {
  int piece = rounds / 100, often = piece >= 10 ? piece / 10 : 1, number = (round + 1) / piece;
  if ((round + 1) % often == 0 && number > 10 && number <= 30) raise_to(&before, measure());
  if ((round + 1) % piece == 0 && number > 80) raise_to(&after, measure());
}

static void print_sizes(int rounds) {
  printf("%d rounds; resident %ld -> %ld kB, address space %ld -> %ld kB, mappings %ld -> %ld\n", rounds,
         before.resident_kb, after.resident_kb, before.address_kb, after.address_kb, before.mappings, after.mappings);
}

// Whether the last rounds were no larger than the first.
static void check_sizes(void) {
  CHECK(before.mappings > 0 && after.mappings > 0);
  // A sanitizer's own memory grows with what it has seen; main.rs lists this as left out.
  if (getenv("LIBWASM_SANITIZER")) return;
  CHECK(after.resident_kb <= before.resident_kb + RESIDENT_SLACK_KB);
  CHECK(after.address_kb <= before.address_kb + address_slack_kb());
  CHECK(after.mappings <= before.mappings + MAPPINGS_SLACK);
}

#endif
