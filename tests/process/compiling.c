// Compiling where memory runs out: ever larger functions compile or are refused for want of memory, and the process goes on.

#include "check.h"

static uint8_t* out;
static size_t size;

static void byte(int value) { out[size++] = (uint8_t)value; }

static void bytes(const char* what, size_t count) {
  memcpy(out + size, what, count);
  size += count;
}

// LEB128 of five bytes.
static void number_at(size_t at, size_t value) {
  for (int i = 0; i < 5; i++, value >>= 7) out[at + (size_t)i] = (uint8_t)((value & 0x7f) | (i < 4 ? 0x80 : 0));
}

// A function (i32, i32) -> i32 of `unit`, over and over, behind `local.get 0`.
static wasm_byte_vec_t repeated(const char* unit, size_t length) {
  static const char before[] =
      "\0asm\1\0\0\0"
      "\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f"
      "\x03\x02\x01\x00"
      "\x05\x03\x01\x00\x01"
      "\x0a";
  size = 0;
  bytes(before, sizeof before - 1);
  size_t section = size;
  size += 5;
  byte(1);
  size_t body = size;
  size += 5;
  byte(0), byte(0x20), byte(0);
  for (size_t i = 0; i < length; i += strlen(unit)) bytes(unit, strlen(unit));
  byte(0x0b);
  number_at(section, size - section - 5);
  number_at(body, size - body - 5);
  return (wasm_byte_vec_t){size, (char*)out};
}

int main(void) {
  enum { LARGEST = 1 << 20 };
  out = malloc(LARGEST + 100);
  CHECK(out);
  wasm_store_t* store = check_store();
  // Divisions, extended loads without an offset, and both in turn.
  static const char* const units[] = {"\x20\x01\x6d", "\x28\x02\x01", "\x28\x02\x01\x20\x01\x6e"};
  int refused = 0;
  for (size_t unit = 0; unit < sizeof units / sizeof *units; unit++) {
    for (size_t length = 1 << 14; length <= LARGEST; length *= 2) {
      wasm_byte_vec_t binary = repeated(units[unit], length);
      libwasm_last_error_clear();
      wasm_module_t* module = wasm_module_new(store, &binary);
      if (module) {
        wasm_module_delete(module);
      } else {
        CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY || libwasm_last_error_kind() == LIBWASM_ERROR_LIMIT);
        refused++;
      }
    }
    // There is memory for what needs little.
    wasm_byte_vec_t binary = repeated(units[unit], 1000);
    wasm_module_t* module = wasm_module_new(store, &binary);
    CHECK(module);
    wasm_module_delete(module);
  }
  CHECK(refused);
  wasm_store_delete(store);
  free(out);
  return 0;
}
