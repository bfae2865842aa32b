// Tail calls: a machine for bytecode in which each instruction is a function that calls the next one last, and states that call each
// other. Without tail calls it would need a frame for each instruction that is executed.
#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name)
#endif
#if __has_attribute(musttail)
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return  // the compiler's optimization makes tail calls of them
#endif

typedef unsigned long long u64;

struct machine {
  u64 registers[8];
  u64 executed;
};
typedef u64 operation(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack);

static operation *const operations[];

#define NEXT(size, accumulator) TAIL operations[at[size]](at + (size), machine, (accumulator), stack)
#define COUNT machine->executed++

static u64 halt(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  (void)at;
  return accumulator + machine->executed + *stack;
}

static u64 constant(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  (void)accumulator;
  COUNT;
  NEXT(2, at[1]);
}

static u64 load(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  (void)accumulator;
  COUNT;
  NEXT(2, machine->registers[at[1]]);
}

static u64 store(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  machine->registers[at[1]] = accumulator;
  NEXT(2, accumulator);
}

static u64 add(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  NEXT(2, accumulator + machine->registers[at[1]]);
}

static u64 multiply(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  NEXT(2, accumulator * machine->registers[at[1]]);
}

static u64 decrement(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  (void)accumulator;
  COUNT;
  NEXT(2, --machine->registers[at[1]]);
}

static u64 push(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  *++stack = accumulator;
  NEXT(1, accumulator);
}

static u64 pop_xor(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  accumulator ^= *stack--;
  NEXT(1, accumulator);
}

// Back by the second byte unless the accumulator is zero.
static u64 loop(const unsigned char *at, struct machine *machine, u64 accumulator, u64 *stack) {
  COUNT;
  at = accumulator ? at - at[1] : at + 2;
  TAIL operations[*at](at, machine, accumulator, stack);
}

enum { HALT, CONSTANT, LOAD, STORE, ADD, MULTIPLY, DECREMENT, PUSH, POP_XOR, LOOP };
static operation *const operations[] = {halt, constant, load, store, add, multiply, decrement, push, pop_xor, loop};

// r1 = r1 * 31 + r0 ^ what was pushed, while r0 counts down.
static const unsigned char program[] = {LOAD, 1, PUSH, LOAD, 1, MULTIPLY, 2, ADD, 0, POP_XOR, STORE, 1, DECREMENT, 0, LOOP, 14, LOAD, 1, HALT};

EXPORT(interpreter) u64 interpreter(int n) {
  struct machine machine = {.registers = {(u64)n * 1000, 12345, 31}};
  u64 stack[16] = {7};
  return operations[program[0]](program, &machine, 0, stack);
}

// Two states that call each other, with more arguments than registers.
static u64 odd(u64 n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h);

static u64 even(u64 n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h) {
  if (n == 0) return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
  TAIL odd(n - 1, b, c, d, e, f, g, h, a + n);
}

static u64 odd(u64 n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h) {
  if (n == 0) return a + b + c + d + e + f + g + h;
  TAIL even(n - 1, a * 3, b, c, d, e, f, g + n, h);
}

EXPORT(states) u64 states(int n) { return even((u64)n * 1001, 1, 2, 3, 4, 5, 6, 7, 8); }

#ifndef __wasm__
#include <stdio.h>
#include <string.h>

int main(void) {
  char name[32];
  int n;
  while (scanf("%31s %d", name, &n) == 2) {
    printf("%lld\n", (long long)(strcmp(name, "states") == 0 ? states(n) : interpreter(n)));
  }
  return 0;
}
#endif
