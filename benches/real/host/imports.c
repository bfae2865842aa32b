// The imports of a module: supplied where the host knows them, stand-ins otherwise.
#include "host.h"

struct import {
  struct guest *guest;
  const struct wasi_func *func;
  uint32_t index;
  wasm_functype_t *type;  // of one that is replayed; otherwise NULL
  char name[];            // of a stand-in, for its trap
};

static void delete_import(void *env) {
  struct import *import = env;
  if (import->type) wasm_functype_delete(import->type);
  free(import);
}

static struct import *new_import(struct guest *guest, const struct wasi_func *func, uint32_t index, const wasm_importtype_t *wanted) {
  const wasm_name_t *module = wasm_importtype_module(wanted), *name = wasm_importtype_name(wanted);
  size_t size = module->size + name->size + 2;
  struct import *import = malloc(sizeof *import + size);
  if (!import) fail("no memory");
  import->guest = guest;
  import->func = func;
  import->index = index;
  import->type = NULL;
  snprintf(import->name, size, "%.*s.%.*s", (int)module->size, module->data, (int)name->size, name->data);
  return import;
}

wasm_trap_t *trap_of(struct guest *guest, const char *text) {
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, text);
  wasm_trap_t *trap = wasm_trap_new(guest->store, &message);
  wasm_byte_vec_delete(&message);
  return trap;
}

static wasm_trap_t *call_wasi(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  struct import *import = env;
  results->data[0] = (wasm_val_t)WASM_I32_VAL(import->func->call(import->guest, args->data));
  return NULL;
}

// The program's exit: a trap, for it must not return to the guest.
static wasm_trap_t *proc_exit(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  struct guest *guest = ((struct import *)env)->guest;
  guest->exited = true;
  guest->status = args->data[0].of.i32;
  return trap_of(guest, "the program has ended");
}

static wasm_trap_t *thread_spawn(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  struct guest *guest = ((struct import *)env)->guest;
  results->data[0] = (wasm_val_t)WASM_I32_VAL(spawn_thread(guest->process, args->data[0].of.i32));
  return NULL;
}

static wasm_trap_t *stand_in(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)args;
  (void)results;
  struct import *import = env;
  char text[256];
  snprintf(text, sizeof text, "the import %s is a stand-in", import->name);
  return trap_of(import->guest, text);
}

static wasm_trap_t *replayed(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  struct import *import = env;
  return replay_import(import->index, import->type, args, results);
}

static bool letters_match(const wasm_valtype_vec_t *types, const char *letters) {
  if (types->size != strlen(letters)) return false;
  for (size_t i = 0; i < types->size; i++) {
    if (wasm_valtype_kind(types->data[i]) != (letters[i] == 'I' ? WASM_I64 : WASM_I32)) return false;
  }
  return true;
}

static bool has_type(const wasm_functype_t *type, const char *params, const char *results) {
  return letters_match(wasm_functype_params(type), params) && letters_match(wasm_functype_results(type), results);
}

static wasm_extern_t *make_func(struct guest *guest, uint32_t index, const wasm_importtype_t *wanted, const wasm_functype_t *type) {
  const wasm_name_t *module = wasm_importtype_module(wanted), *name = wasm_importtype_name(wanted);
  const struct wasi_func *wasi = NULL;
  wasm_func_callback_with_env_t callback = stand_in;
  if (is_name(module, "wasi_snapshot_preview1") || is_name(module, "wasi_unstable")) {
    wasi = find_wasi_func(name);
    if (wasi && has_type(type, wasi->params, "i")) callback = call_wasi;
    if (is_name(name, "proc_exit") && has_type(type, "i", "")) callback = proc_exit;
  } else if (is_name(module, "wasi") && is_name(name, "thread-spawn") && has_type(type, "i", "i")) {
    callback = thread_spawn;
  }
  if (guest->process->replays) callback = replayed;
  guest->stub_count += callback == stand_in;
  struct import *import = new_import(guest, wasi, index, wanted);
  if (guest->process->replays) import->type = wasm_functype_copy(type);
  wasm_func_t *func = wasm_func_new_with_env(guest->store, type, callback, import, delete_import);
  return func ? wasm_func_as_extern(func) : NULL;
}

static wasm_extern_t *make_table(struct guest *guest, const wasm_tabletype_t *type) {
  guest->stub_count++;
  wasm_table_t *table = wasm_table_new(guest->store, type, NULL);
  return table ? wasm_table_as_extern(table) : NULL;
}

static wasm_extern_t *make_global(struct guest *guest, const wasm_globaltype_t *type) {
  guest->stub_count++;
  wasm_val_t zero = {.kind = wasm_valtype_kind(wasm_globaltype_content(type))};
  wasm_global_t *global = wasm_global_new(guest->store, type, &zero);
  return global ? wasm_global_as_extern(global) : NULL;
}

static wasm_extern_t *make_import(struct guest *guest, uint32_t index, const wasm_importtype_t *wanted) {
  const wasm_externtype_t *type = wasm_importtype_type(wanted);
  switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC: return make_func(guest, index, wanted, wasm_externtype_as_functype_const(type));
    case WASM_EXTERN_MEMORY: return make_memory(guest, wanted, wasm_externtype_as_memorytype_const(type));
    case WASM_EXTERN_TABLE: return make_table(guest, wasm_externtype_as_tabletype_const(type));
    case WASM_EXTERN_GLOBAL: return make_global(guest, wasm_externtype_as_globaltype_const(type));
    default: guest->stub_count++; return make_other(guest, type);
  }
}

void make_imports(struct guest *guest, wasm_extern_vec_t *imports) {
  wasm_importtype_vec_t wanted;
  wasm_module_imports(guest->module, &wanted);
  wasm_extern_vec_new_uninitialized(imports, wanted.size);
  for (size_t i = 0; i < wanted.size; i++) {
    size_t stubs = guest->stub_count;
    const wasm_name_t *module = wasm_importtype_module(wanted.data[i]), *name = wasm_importtype_name(wanted.data[i]);
    imports->data[i] = make_import(guest, (uint32_t)i, wanted.data[i]);
    if (!imports->data[i]) fail("cannot make the import %.*s.%.*s: %s", (int)module->size, module->data, (int)name->size, name->data, last_error());
    if (guest->stub_count > stubs && !guest->process->stubs) {
      fail("nobody supplies the import %.*s.%.*s (--stubs)", (int)module->size, module->data, (int)name->size, name->data);
    }
  }
  wasm_importtype_vec_delete(&wanted);
}
