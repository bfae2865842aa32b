// What all scenarios begin with, and how they tell that memory ran out.

#ifndef ROOM_H
#define ROOM_H

// Whether a call worked. If not, memory ran out, and the library must say so.
static bool worked(bool success) {
  if (!success) CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_OUT_OF_MEMORY);
  return success;
}

// As `worked`, for calls that give a trap where they fail; the trap is deleted.
static bool returned(wasm_trap_t* trap) {
  if (!trap) return true;
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_OUT_OF_MEMORY);
  wasm_trap_delete(trap);
  return false;
}

// A trap of a certain code, or one that says that memory ran out.
static bool trapped(wasm_trap_t* trap, int code) {
  CHECK(trap);
  int actual = libwasm_trap_code(trap);
  CHECK(actual == code || actual == LIBWASM_TRAP_OUT_OF_MEMORY);
  return actual == code;
}

static const char* const RICH =
    "(module $rich (type $unary (func (param i32) (result i32)))"
    "  (import \"host\" \"f\" (func $host (param i32) (result i32)))"
    "  (memory (export \"m\") 1 40) (table $t (export \"t\") 4 1000 funcref) (table $r 3 1000 externref)"
    "  (global $g (export \"g\") (mut i32) (i32.const 7)) (global $e (mut externref) (ref.null extern))"
    "  (elem (table $t) (i32.const 0) func $add $callback $deep) (data (i32.const 100) \"some data\") (data $later \"later\")"
    "  (func $add (export \"add\") (param i32) (result i32) (i32.add (local.get 0) (global.get $g)))"
    "  (func $callback (export \"callback\") (param i32) (result i32) (call $host (local.get 0)))"
    "  (func $deep (export \"deep\") (param i32) (result i32)"
    "    (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))"
    "  (func (export \"indirect\") (param i32) (result i32) (call_indirect $t (type $unary) (local.get 0) (local.get 0)))"
    "  (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    "  (func (export \"grow-table\") (param externref i32) (result i32) (table.grow $r (local.get 0) (local.get 1)))"
    "  (func (export \"keep\") (param externref) (result externref)"
    "    (table.set $r (i32.const 1) (global.get $e)) (global.set $e (local.get 0)) (table.get $r (i32.const 1)))"
    "  (func (export \"self\") (result funcref) (ref.func $deep))"
    "  (func (export \"bulk\") (param i32) (result i32) (memory.init $later (i32.const 8) (i32.const 0) (i32.const 5))"
    "    (memory.copy (i32.const 200) (i32.const 100) (i32.const 9)) (i32.load8_u (i32.add (local.get 0) (i32.const 100))))"
    "  (func (export \"overflow\") (param i32) (result i32) (call $spin (local.get 0)) )"
    "  (func $spin (param i32) (result i32) (i32.add (call $spin (local.get 0)) (i32.const 1))))";

enum { MEMORY, TABLE, GLOBAL, ADD, CALLBACK, DEEP, INDIRECT, GROW, GROW_TABLE, KEEP, SELF, BULK, OVERFLOW_, EXPORTS };

// What the scenarios begin with, made while there was memory.
static struct {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_byte_vec_t binary, artifact;
  wasm_module_t* module;
  wasm_functype_t* unary;
  wasm_extern_t* import;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
  wasm_foreign_t* foreign;
  char path[64];
} room;

static wasm_trap_t* host(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0] = args->data[0];
  if (args->data[0].of.i32 >= 0) return NULL;
  wasm_message_t message = {13, "host says no"};
  return wasm_trap_new(room.store, &message);
}

static void make_room(void) {
  room.engine = check_engine();
  room.store = wasm_store_new(room.engine);
  room.binary = check_wasm(RICH);
  room.module = wasm_module_new(room.store, &room.binary);
  CHECK(room.module);
  wasm_module_serialize(room.module, &room.artifact);
  snprintf(room.path, sizeof room.path, "/tmp/libwasm-failures-%ld", (long)getpid());
  CHECK(libwasm_module_serialize_file(room.module, room.path));
  room.unary = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  room.import = wasm_func_as_extern(wasm_func_new(room.store, room.unary, host));
  wasm_extern_vec_t imports = {1, &room.import};
  room.instance = wasm_instance_new(room.store, room.module, &imports, NULL);
  CHECK(room.instance);
  wasm_instance_exports(room.instance, &room.exports);
  CHECK(room.exports.size == EXPORTS);
  room.foreign = wasm_foreign_new(room.store);
}

static wasm_trap_t* call(int export, int32_t argument, int32_t* result) {
  wasm_val_t arg = WASM_I32_VAL(argument), out = WASM_I32_VAL(0);
  wasm_val_vec_t args = {1, &arg}, results = {1, &out};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(room.exports.data[export]), &args, &results);
  *result = out.of.i32;
  return trap;
}

#endif
