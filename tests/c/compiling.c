// Functions of every shape compile, in proportion to their length, or are refused with a reason; where they trap is known
// exactly, however many places trap.

#include "check.h"

// A binary under construction.
static struct {
  uint8_t bytes[1 << 20];
  size_t size;
} out;

static void byte(int value) {
  CHECK(out.size < sizeof out.bytes);
  out.bytes[out.size++] = (uint8_t)value;
}

static void bytes(const char* what, size_t size) {
  for (size_t i = 0; i < size; i++) byte((uint8_t)what[i]);
}

#define BYTES(literal) bytes(literal, sizeof literal - 1)

// LEB128 of five bytes, so that lengths are known beforehand.
static void number(uint32_t value) {
  for (int i = 0; i < 4; i++, value >>= 7) byte((value & 0x7f) | 0x80);
  byte(value & 0x7f);
}

// LEB128, signed: an `i32.const`.
static void constant(int32_t value) {
  byte(0x41);
  for (;; value >>= 7) {
    bool last = value >= -64 && value < 64;
    byte((value & 0x7f) | (last ? 0 : 0x80));
    if (last) return;
  }
}

static void local(int opcode, uint32_t index) {
  byte(opcode);
  number(index);
}

enum { GET = 0x20, SET = 0x21, TEE = 0x22 };

static size_t code_at, body_at;

// A module with a function `f` of type (i32) -> i32 and `locals` locals of type `kind`; its body follows.
// It may call two functions, `0: () -> externref` and `1: externref -> ()`, so it is function 2.
static void begin(uint32_t locals, int kind) {
  out.size = 0;
  BYTES("\0asm\1\0\0\0");
  BYTES("\x01\x0e\x03\x60\x01\x7f\x01\x7f\x60\x00\x01\x6f\x60\x01\x6f\x00");
  BYTES("\x02\x0d\x02\x01h\x01g\x00\x01\x01h\x01t\x00\x02");
  BYTES("\x03\x02\x01\x00");
  BYTES("\x07\x05\x01\x01" "f\x00\x02");
  byte(10);
  code_at = out.size;
  number(0), byte(1), number(0);
  body_at = out.size;
  byte(1), number(locals), byte(kind);
}

static void set_number(size_t at, size_t value) {
  size_t size = out.size;
  out.size = at;
  number((uint32_t)value);
  out.size = size;
}

static wasm_byte_vec_t end(void) {
  byte(0x0b);
  set_number(code_at, out.size - code_at - 5);
  set_number(code_at + 6, out.size - body_at);
  wasm_byte_vec_t binary = {out.size, (char*)out.bytes};
  return binary;
}

static wasm_trap_t* no_reference(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0] = (wasm_val_t)WASM_INIT_VAL;
  return NULL;
}

static wasm_trap_t* take_reference(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

static wasm_store_t* store;
static wasm_instance_t* instance;
static wasm_extern_vec_t exports;

static void instantiate(wasm_byte_vec_t binary) {
  wasm_module_t* module = wasm_module_new(store, &binary);
  CHECK(module);
  wasm_functype_t* give = wasm_functype_new_0_1(wasm_valtype_new_externref());
  wasm_functype_t* take = wasm_functype_new_1_0(wasm_valtype_new_externref());
  wasm_func_t* functions[] = {wasm_func_new(store, give, no_reference), wasm_func_new(store, take, take_reference)};
  wasm_extern_t* imported[] = {wasm_func_as_extern(functions[0]), wasm_func_as_extern(functions[1])};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(imported);
  instance = wasm_instance_new(store, module, &imports, NULL);
  CHECK(instance);
  wasm_instance_exports(instance, &exports);
  wasm_func_delete(functions[0]), wasm_func_delete(functions[1]);
  wasm_functype_delete(give), wasm_functype_delete(take);
  wasm_module_delete(module);
}

static void drop_instance(void) {
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
}

static wasm_trap_t* call(int32_t argument, int32_t* result) {
  wasm_val_t given[] = {WASM_I32_VAL(argument)}, got[] = {WASM_I32_VAL(-1)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(given), results = WASM_ARRAY_VEC(got);
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &results);
  *result = got[0].of.i32;
  return trap;
}

static void returns(int32_t argument, int32_t wanted) {
  int32_t result;
  CHECK(!call(argument, &result));
  CHECK(result == wanted);
}

static void traps_at(int32_t argument, libwasm_trap_code_t code, size_t offset) {
  int32_t result;
  wasm_trap_t* trap = call(argument, &result);
  CHECK(trap && libwasm_trap_code(trap) == code);
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && wasm_frame_func_index(origin) == 2);
  CHECK(wasm_frame_module_offset(origin) == offset);
  CHECK(wasm_frame_func_offset(origin) == offset - body_at);
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
}

enum { PLACES = 600 };

// Many places of one function trap, and each says which it was: as long as they share blocks that raise, and where they are too many for
// that.
static void test_places_that_trap(void) {
  static size_t at[4][PLACES];
  begin(0, 0x7f);
  for (int i = 0; i < PLACES; i++) {
    local(GET, 0), constant(4 * i), byte(0x46), BYTES("\x04\x40");
    at[0][i] = out.size, byte(0x00), byte(0x0b);
    constant(7), local(GET, 0), constant(4 * i + 1), byte(0x6b);
    at[1][i] = out.size, byte(0x6d), byte(0x1a);
    constant(7), local(GET, 0), constant(4 * i + 2), byte(0x6b);
    at[2][i] = out.size, byte(0x70), byte(0x1a);
    // The least number, divided by -1 for one argument only.
    constant(INT32_MIN), local(GET, 0), constant(4 * i + 4), byte(0x6b), constant(2), byte(0x72);
    at[3][i] = out.size, byte(0x6d), byte(0x1a);
  }
  local(GET, 0);
  instantiate(end());
  for (int i = 0; i < PLACES; i += i < 70 || i > PLACES - 10 ? 1 : 61) {
    traps_at(4 * i, LIBWASM_TRAP_UNREACHABLE, at[0][i]);
    traps_at(4 * i + 1, LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO, at[1][i]);
    traps_at(4 * i + 2, LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO, at[2][i]);
    traps_at(4 * i + 3, LIBWASM_TRAP_INTEGER_OVERFLOW, at[3][i]);
  }
  returns(4 * PLACES + 8, 4 * PLACES + 8);
  returns(-8, -8);
  drop_instance();
}

// `if`s within each other, each of which sets a local of its own: all are parameters of all blocks behind.
static wasm_byte_vec_t nested(int depth) {
  begin((uint32_t)depth, 0x7f);
  for (int i = 0; i < depth; i++) {
    local(GET, 0), constant(i), byte(0x4a), BYTES("\x04\x40");
    constant(1), local(SET, (uint32_t)i + 1);
  }
  for (int i = 0; i < depth; i++) byte(0x0b);
  constant(0);
  for (int i = 0; i < depth; i++) local(GET, (uint32_t)i + 1), byte(0x6a);
  return end();
}

// `if`s one after the other in a loop, each over a local of its own: all live in all blocks.
static wasm_byte_vec_t looped(int count) {
  begin((uint32_t)count, 0x7f);
  BYTES("\x03\x40");
  for (int i = 0; i < count; i++) {
    local(GET, (uint32_t)i + 1), byte(0x45), BYTES("\x04\x40");
    constant(i), local(SET, (uint32_t)i + 1), byte(0x0b);
  }
  local(GET, 0), constant(1), byte(0x6b), local(TEE, 0), BYTES("\x0d\x00\x0b");
  constant(0);
  for (int i = 0; i < count; i++) local(GET, (uint32_t)i + 1), byte(0x6a);
  return end();
}

// References that live across as many calls as there are of them.
static wasm_byte_vec_t referring(int count) {
  begin((uint32_t)count, 0x6f);
  for (int i = 0; i < count; i++) byte(0x10), number(0), local(SET, (uint32_t)i + 1);
  for (int i = 0; i < count; i++) local(GET, (uint32_t)i + 1), byte(0x10), number(1);
  local(GET, 0);
  return end();
}

// References that are all there at once, each used in a branch of its own.
static wasm_byte_vec_t referring_in_branches(int count) {
  begin((uint32_t)count, 0x6f);
  for (int i = 0; i < count; i++) byte(0x10), number(0), local(SET, (uint32_t)i + 1);
  for (int i = 0; i < count; i++) {
    local(GET, 0), constant(i), byte(0x46), BYTES("\x04\x40");
    local(GET, (uint32_t)i + 1), byte(0x10), number(1), byte(0x0b);
  }
  local(GET, 0);
  return end();
}

// Legacy handlers within each other, each of which may throw its exception again behind the calls of those within.
static wasm_byte_vec_t handled(int depth) {
  begin(0, 0x7f);
  for (int i = 0; i < depth; i++) BYTES("\x06\x40"), byte(0x10), number(0), byte(0x1a), byte(0x19);
  for (int i = 0; i < depth; i++) local(GET, 0), constant(i), byte(0x46), BYTES("\x04\x40\x09\x01\x0b\x0b");
  local(GET, 0);
  return end();
}

static void refused(wasm_byte_vec_t binary) {
  CHECK_REASON(!wasm_module_new(store, &binary));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
  CHECK(reason_says("function 2: too complex to compile"));
  // The function is what is refused: the offset is that of its body.
  CHECK(libwasm_last_error_offset() == body_at);
  CHECK(wasm_module_validate(store, &binary));
}

static void test_complex_functions(void) {
  // Small enough for all optimizations, then for a cheaper setting, then too large.
  // (Without signals there is no cheaper setting, since frames have to be small.)
  int depths[] = {10, check_mode_is_checked() ? 100 : 250}, counts[] = {10, 300};
  for (int i = 0; i < 2; i++) {
    instantiate(nested(depths[i]));
    returns(0, 0), returns(7, 7), returns(depths[i] - 1, depths[i] - 1), returns(1000, depths[i]);
    drop_instance();
    instantiate(looped(counts[i]));
    returns(1, counts[i] * (counts[i] - 1) / 2), returns(3, counts[i] * (counts[i] - 1) / 2);
    drop_instance();
    instantiate(referring(depths[i]));
    returns(5, 5);
    drop_instance();
    instantiate(handled(depths[i] / 2));
    returns(5, 5);
    drop_instance();
    instantiate(referring_in_branches(depths[i] / 2));
    returns(5, 5);
    drop_instance();
  }
  refused(nested(8000));
  refused(looped(check_mode_is_checked() ? 1800 : 3000));
  refused(referring(2500));
  refused(handled(600));
  refused(referring_in_branches(600));
}

int main(void) {
  store = check_store();
  test_places_that_trap();
  test_complex_functions();
  wasm_store_delete(store);
  return 0;
}
