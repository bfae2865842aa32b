// Does with a module what JavaScript did with it: replays a trace that record.mjs has made, and compares everything that the module gives
// back with what it gave V8: results, the arguments of its calls to imports, and the bytes of its memory.
#include "host.h"

#include <errno.h>
#include <math.h>

enum event { PATCH = 1, GROW, CALL, CALL_TABLE, IMPORT, RETURN, THROW, SUM, END };
enum { MOST_VALUES = 64 };

struct replay {
  struct guest *guest;
  uint8_t *bytes;
  const uint8_t *at, *end;
  size_t calls, imports, sums;
};

// The trace is the only one of the process.
static struct replay replay;

static _Noreturn void differs(const char *what) { fail("replay: after %zu calls and %zu of imports: %s", replay.calls, replay.imports, what); }

// ---- reading the trace ----

static const uint8_t *take(size_t size) {
  if (size > (size_t)(replay.end - replay.at)) differs("the trace is cut");
  const uint8_t *at = replay.at;
  replay.at += size;
  return at;
}

static uint32_t take32(void) { return load32(take(4)); }

static uint64_t take64(void) { return load64(take(8)); }

// A value of the trace as one of a type: what JavaScript passes is converted as the JavaScript API of WebAssembly does.
static wasm_val_t take_value(wasm_valkind_t kind) {
  uint8_t tag = *take(1);
  uint64_t bits = take64();
  double number;
  memcpy(&number, &bits, sizeof number);
  if (tag == 0) number = kind == WASM_F32 || kind == WASM_F64 ? NAN : 0;
  wasm_val_t value = {.kind = kind};
  switch (kind) {
    // Modulo 2^32, towards zero.
    case WASM_I32: value.of.i32 = isfinite(number) ? (int32_t)(uint32_t)(int64_t)fmod(trunc(number), 4294967296.0) : 0; break;
    case WASM_I64: value.of.i64 = tag == 2 ? (int64_t)bits : 0; break;
    case WASM_F32: value.of.f32 = (float)number; break;
    case WASM_F64: value.of.f64 = number; break;
    default: differs("a value of a type that traces do not have");
  }
  return value;
}

static bool is_same(const wasm_val_t *a, const wasm_val_t *b) {
  switch (a->kind) {
    case WASM_I32: return a->of.i32 == b->of.i32;
    case WASM_I64: return a->of.i64 == b->of.i64;
    case WASM_F32: return a->of.f32 == b->of.f32 || (isnan(a->of.f32) && isnan(b->of.f32));
    default: return a->of.f64 == b->of.f64 || (isnan(a->of.f64) && isnan(b->of.f64));
  }
}

// The values of a list, of the types that are wanted. JavaScript drops arguments that are too many, and those that it lacks are undefined.
static void take_values(const wasm_valtype_vec_t *types, wasm_val_t *values) {
  uint32_t given = take32();
  for (uint32_t i = 0; i < given; i++) {
    if (i >= types->size) take(9);
    else values[i] = take_value(wasm_valtype_kind(types->data[i]));
  }
  if (given < types->size) differs("the trace has fewer values than the type");
}

// Compares values with a list of the trace.
static void compare(const char *what, const wasm_valtype_vec_t *types, const wasm_val_t *values) {
  wasm_val_t wanted[MOST_VALUES];
  take_values(types, wanted);
  for (size_t i = 0; i < types->size; i++) {
    if (!is_same(&values[i], &wanted[i])) differs(what);
  }
}

// ---- what happens between calls ----

static uint32_t crc32(const uint8_t *bytes, size_t size) {
  static uint32_t table[8][256];
  for (uint32_t i = 0; i < 256 && !table[0][255]; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[0][i] = value;
  }
  for (int slice = 1; slice < 8; slice++) {
    for (int i = 0; i < 256; i++) table[slice][i] = table[slice - 1][i] >> 8 ^ table[0][table[slice - 1][i] & 255];
  }
  uint32_t crc = ~0u;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint32_t low = load32(bytes) ^ crc, high = load32(bytes + 4);
    crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^ table[3][high & 255] ^
          table[2][high >> 8 & 255] ^ table[1][high >> 16 & 255] ^ table[0][high >> 24];
  }
  for (; size; bytes++, size--) crc = table[0][(crc ^ *bytes) & 255] ^ crc >> 8;
  return ~crc;
}

static void patch(void) {
  uint64_t address = take64();
  uint32_t size = take32();
  const uint8_t *from = take(size);
  uint64_t limit = wasm_memory_data_size(replay.guest->memory);
  if (address > limit || size > limit - address) differs("the memory is smaller than V8's");
  memcpy(wasm_memory_data(replay.guest->memory) + address, from, size);
}

static void sum(void) {
  uint64_t size = take64();
  uint32_t wanted = take32();
  if (wasm_memory_data_size(replay.guest->memory) != size) differs("the memory has another size than V8's");
  if (crc32((const uint8_t *)wasm_memory_data(replay.guest->memory), size) != wanted) differs("the memory has other bytes than V8's");
  replay.sums++;
}

static void take_name(char *name, size_t capacity) {
  uint32_t size = take32();
  const uint8_t *bytes = take(size);
  if (size >= capacity) differs("a name is too long");
  memcpy(name, bytes, size);
  name[size] = '\0';
}

static wasm_func_t *in_table(const char *name, uint32_t index) {
  wasm_extern_t *object = exported(replay.guest, name);
  wasm_table_t *table = object ? wasm_extern_as_table(object) : NULL;
  wasm_ref_t *element = table ? wasm_table_get(table, index) : NULL;
  return element ? wasm_ref_as_func(element) : NULL;
}

// Calls what JavaScript called, and compares what comes of it.
static void replay_call(bool table) {
  char name[256];
  take_name(name, sizeof name);
  wasm_func_t *func = table ? in_table(name, take32()) : exported_func(replay.guest, name);
  if (!func) differs("a function is missing");
  wasm_functype_t *type = wasm_func_type(func);
  const wasm_valtype_vec_t *params = wasm_functype_params(type), *results = wasm_functype_results(type);
  wasm_val_t args[MOST_VALUES], values[MOST_VALUES];
  if (params->size > MOST_VALUES || results->size > MOST_VALUES) differs("a function has too many parameters or results");
  take_values(params, args);
  replay.calls++;
  wasm_val_vec_t given = {params->size, args}, out = {results->size, values};
  wasm_trap_t *trap = wasm_func_call(func, &given, &out);
  uint8_t event = *take(1);
  if (event != RETURN && event != THROW) differs("a call has ended that goes on in V8");
  if (trap && event == RETURN) print_trap(trap);
  if (!trap != (event == RETURN)) differs(trap ? "a call has trapped that returns in V8" : "a call has returned that throws in V8");
  if (!trap) compare("a call has another result than in V8", results, values);
  if (trap) wasm_trap_delete(trap);
  if (table) wasm_func_delete(func);
  wasm_functype_delete(type);
}

// Does what JavaScript did until control goes back to the module, or it is done: the event that ends it.
static enum event replay_until_return(void) {
  for (;;) {
    enum event event = *take(1);
    switch (event) {
      case PATCH: patch(); break;
      case SUM: sum(); break;
      case CALL: replay_call(false); break;
      case CALL_TABLE: replay_call(true); break;
      case GROW:
        if (!grow_memory(replay.guest->memory, take64())) differs("the memory cannot grow");
        break;
      case RETURN:
      case THROW:
      case END: return event;
      default: differs("V8 calls an import here");
    }
  }
}

wasm_trap_t *replay_import(uint32_t index, const wasm_functype_t *type, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  if (replay.at == replay.end || *take(1) != IMPORT || take32() != index) differs("the module calls another import than in V8, or where V8 calls none");
  replay.imports++;
  compare("the module gives an import other arguments than in V8", wasm_functype_params(type), args->data);
  if (replay_until_return() == THROW) return trap_of(replay.guest, "the import throws");
  const wasm_valtype_vec_t *types = wasm_functype_results(type);
  if (types->size && load32(replay.at) == 0) {
    take32();
    results->data[0] = (wasm_val_t){.kind = wasm_valtype_kind(types->data[0])};  // undefined, as a number
  } else {
    take_values(types, results->data);
  }
  return NULL;
}

void load_trace(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot open %s: %s", path, strerror(errno));
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  replay.bytes = size > 0 ? malloc((size_t)size) : NULL;
  if (!replay.bytes || fseek(file, 0, SEEK_SET) != 0 || fread(replay.bytes, 1, (size_t)size, file) != (size_t)size) fail("cannot read %s", path);
  fclose(file);
  replay.at = replay.bytes;
  replay.end = replay.bytes + size;
}

// While the module is instantiated its start function may call imports already: the guest is known before.
void begin_replay(struct guest *guest) { replay.guest = guest; }

void run_replay(void) {
  if (!replay.guest->memory) differs("the module has no memory");
  if (replay_until_return() != END || replay.at != replay.end) differs("the trace goes on behind its end");
  printf("%zu calls, %zu of imports, %zu sums of %.1f MB of memory as in V8\n", replay.calls, replay.imports, replay.sums,
         wasm_memory_data_size(replay.guest->memory) / 1e6);
  free(replay.bytes);
}
