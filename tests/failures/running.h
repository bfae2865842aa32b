// Scenarios of what instances, calls and objects do.

#ifndef RUNNING_H
#define RUNNING_H

#include <pthread.h>

#include "room.h"

static bool instances(void) {
  bool success = true;
  for (int i = 0; i < 2 && success; i++) {
    wasm_extern_vec_t imports = {1, &room.import}, exports;
    wasm_trap_t* trap;
    wasm_instance_t* instance = wasm_instance_new(room.store, room.module, &imports, &trap);
    CHECK(!instance == !!trap);
    if (!returned(trap)) return false;
    wasm_instance_exports(instance, &exports);
    success = worked(exports.size == EXPORTS);
    if (success) {
      CHECK(memcmp(wasm_memory_data(wasm_extern_as_memory(exports.data[MEMORY])) + 100, "some data", 9) == 0);
      wasm_val_t arg = WASM_I32_VAL(i), out = WASM_I32_VAL(0);
      wasm_val_vec_t args = {1, &arg}, results = {1, &out};
      success = returned(wasm_func_call(wasm_extern_as_func(exports.data[INDIRECT]), &args, &results));
      CHECK(!success || out.of.i32 == (i ? 1 : 7));
    }
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
  }
  return success;
}

static bool calling(void) {
  int32_t result;
  if (!returned(call(ADD, 1, &result))) return false;
  CHECK(result == 8);
  if (!returned(call(CALLBACK, 5, &result))) return false;
  CHECK(result == 5);
  if (!returned(call(INDIRECT, 1, &result))) return false;
  if (!returned(call(BULK, 1, &result))) return false;
  CHECK(result == 'o');
  // Growing says -1, and a table that did not grow is as it was.
  if (!returned(call(GROW, 1, &result))) return false;
  CHECK(result == -1 || result >= 1);
  return result != -1;
}

static bool references(void) {
  wasm_val_t argument = WASM_REF_VAL(wasm_ref_copy(wasm_foreign_as_ref(room.foreign))), out[1];
  wasm_val_vec_t args = {1, &argument}, results = {1, out}, none = WASM_EMPTY_VEC;
  bool success = true;
  for (int i = 0; i < 2 && success; i++) {
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[KEEP]), &args, &results));
    if (!success) break;
    CHECK(out[0].kind == WASM_EXTERNREF);
    wasm_val_delete(out);
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[SELF]), &none, &results));
    if (!success) break;
    CHECK(out[0].kind == WASM_FUNCREF && wasm_func_same(wasm_ref_as_func(out[0].of.ref),
                                                       wasm_extern_as_func(room.exports.data[DEEP])));
    wasm_val_delete(out);
    wasm_val_t delta[2] = {argument, WASM_I32_VAL(3)};
    wasm_val_vec_t two = {2, delta};
    success = returned(wasm_func_call(wasm_extern_as_func(room.exports.data[GROW_TABLE]), &two, &results));
    success = success && out[0].of.i32 != -1;
  }
  wasm_val_delete(&argument);
  return success;
}

static bool traps(void) {
  int32_t result;
  wasm_trap_t* trap = call(DEEP, 12, &result);
  bool success = trapped(trap, LIBWASM_TRAP_UNREACHABLE);
  wasm_message_t message;
  wasm_frame_vec_t trace;
  wasm_name_t name;
  wasm_trap_message(trap, &message);
  success &= worked(message.size > 0);
  wasm_byte_vec_delete(&message);
  wasm_trap_trace(trap, &trace);
  if (success) success = worked(trace.size == 13);
  if (trace.size) {
    libwasm_frame_func_name(trace.data[0], &name);
    success &= worked(name.size == 4);
    wasm_name_delete(&name);
  }
  wasm_frame_t* origin = wasm_trap_origin(trap);
  success = success && worked(origin);
  if (origin) CHECK(wasm_frame_func_index(origin) == 3);
  wasm_frame_delete(origin);
  wasm_frame_vec_delete(&trace);
  wasm_trap_delete(trap);
  trap = call(CALLBACK, -1, &result);
  success &= trapped(trap, LIBWASM_TRAP_HOST);
  wasm_trap_delete(trap);
  trap = call(BULK, INT32_MIN, &result);
  success &= trapped(trap, LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  wasm_trap_delete(trap);
  trap = call(OVERFLOW_, 0, &result);
  success &= trapped(trap, LIBWASM_TRAP_STACK_OVERFLOW);
  wasm_trap_delete(trap);
  return success;
}

static int finalized;
static void finalizer(void* env) { finalized += env == &finalized; }

static wasm_trap_t* host_with_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(env == &finalized);
  return host(args, results);
}

static bool objects(void) {
  finalized = 0;
  wasm_func_t* func = wasm_func_new_with_env(room.store, room.unary, host_with_env, &finalized, finalizer);
  CHECK(finalized == !func);
  if (!worked(func)) return false;
  wasm_val_t arg = WASM_I32_VAL(3), out = WASM_INIT_VAL;
  wasm_val_vec_t args = {1, &arg}, results = {1, &out};
  bool success = returned(wasm_func_call(func, &args, &results));
  wasm_functype_t* type = wasm_func_type(func);
  success &= worked(type);
  wasm_functype_delete(type);
  wasm_func_delete(func);
  CHECK(finalized == 1);

  wasm_limits_t limits = {1, 1000};
  wasm_globaltype_t* globaltype = wasm_globaltype_new(wasm_valtype_new(WASM_EXTERNREF), WASM_VAR);
  wasm_tabletype_t* tabletype = wasm_tabletype_new(wasm_valtype_new(WASM_FUNCREF), &limits);
  wasm_memorytype_t* memorytype = wasm_memorytype_new(&limits);
  success &= worked(globaltype) & worked(tabletype) & worked(memorytype);
  if (success) {
    wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(room.foreign));
    wasm_global_t* global = wasm_global_new(room.store, globaltype, &value);
    if ((success &= worked(global))) {
      wasm_global_get(global, &out);
      CHECK(worked(out.kind == WASM_EXTERNREF) ? wasm_ref_same(out.of.ref, value.of.ref) : true);
      wasm_val_delete(&out);
      wasm_global_set(global, &value);
      wasm_global_delete(global);
    }
    libwasm_limits_t wide = {.min = 1, .index64 = true};
    wasm_memorytype_t* widetype = libwasm_memorytype_new(&wide);
    if ((success &= worked(widetype))) {
      wasm_memory_t* memory = wasm_memory_new(room.store, widetype);
      if ((success &= worked(memory))) {
        bool grown = libwasm_memory_grow(memory, 1);
        CHECK(libwasm_memory_size(memory) == (grown ? 2 : 1));
        success &= worked(grown);
      }
      wasm_memory_delete(memory);
      wasm_memorytype_delete(widetype);
    }
    wasm_table_t* table = wasm_table_new(room.store, tabletype, NULL);
    if ((success &= worked(table))) {
      success &= worked(wasm_table_grow(table, 500, NULL));
      CHECK(wasm_table_size(table) == (success ? 501 : wasm_table_size(table)));
      wasm_ref_t* ref = wasm_func_as_ref(wasm_extern_as_func(room.exports.data[ADD]));
      success &= worked(wasm_table_set(table, 0, ref));
      wasm_table_delete(table);
    }
    wasm_memory_t* memory = wasm_memory_new(room.store, memorytype);
    if ((success &= worked(memory))) {
      success &= worked(wasm_memory_grow(memory, 30));
      wasm_memory_delete(memory);
    }
  }
  wasm_globaltype_delete(globaltype);
  wasm_tabletype_delete(tabletype);
  wasm_memorytype_delete(memorytype);

  wasm_foreign_t* foreign = wasm_foreign_new(room.store);
  if ((success &= worked(foreign))) {
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, finalizer);
    wasm_foreign_delete(foreign);
    CHECK(finalized <= 2);
  }
  return success;
}

static bool types(void) {
  wasm_valtype_vec_t params, results, copy;
  wasm_valtype_vec_new_uninitialized(&params, 3);
  if (!worked(params.size == 3)) return false;
  bool success = true;
  for (int i = 0; i < 3; i++) {
    params.data[i] = wasm_valtype_new(i == 2 ? LIBWASM_NULLREF : WASM_I32);
    success &= worked(params.data[i]);
  }
  wasm_valtype_vec_copy(&copy, &params);
  success &= !success || worked(copy.size == 3);
  wasm_valtype_vec_delete(&copy);
  if (!success) return wasm_valtype_vec_delete(&params), false;
  wasm_valtype_vec_new_empty(&results);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  if (!worked(type)) return false;
  wasm_functype_t* other = wasm_functype_copy(type);
  success = worked(other);
  wasm_functype_delete(type);
  if (!success) return false;
  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "module");
  wasm_name_new_from_string_nt(&name, "a name of an import");
  success = worked(module.size == 6) & worked(name.size == 20);
  wasm_importtype_t* import = wasm_importtype_new(&module, &name, wasm_functype_as_externtype(other));
  if (!worked(import)) return false;
  wasm_importtype_t* imports = wasm_importtype_copy(import);
  success &= worked(imports);
  wasm_importtype_delete(imports);
  wasm_importtype_delete(import);
  uint8_t bytes[16] = {1, 2, 3};
  wasm_val_t val, twin;
  libwasm_val_new_v128(bytes, &val);
  success &= worked(val.kind == LIBWASM_V128);
  wasm_val_copy(&twin, &val);
  success &= worked(twin.kind == val.kind);
  wasm_val_delete(&val);
  wasm_val_delete(&twin);
  return success;
}

static void* on_thread(void* unused) {
  (void)unused;
  wasm_store_t* store = wasm_store_new(room.engine);
  bool success = worked(store);
  if (store) {
    wasm_byte_vec_t nothing = {3, "abc"};
    CHECK(!wasm_module_new(store, &nothing) && libwasm_last_error_kind() != LIBWASM_ERROR_NONE);
    success &= libwasm_last_error_kind() == LIBWASM_ERROR_INVALID;
    wasm_store_delete(store);
  }
  return success ? &room : NULL;
}

// A thread's first error, and its first store.
static bool threads(void) {
  pthread_t thread;
  void* success = NULL;
  if (pthread_create(&thread, NULL, on_thread, NULL) != 0) return false;
  CHECK(pthread_join(thread, &success) == 0);
  return success != NULL;
}

#endif
