// What the host needs of libwasm beyond the standard.
#include "host.h"

#include <libwasm.h>

// A shared memory that the program's threads import, by the name of the import.
struct shared_memory {
  struct shared_memory *next;
  char *name;
  libwasm_shared_memory_t *memory;
};

wasm_engine_t *new_engine(const char *mode) {
  wasm_config_t *config = wasm_config_new();
  if (!config) return NULL;
  if (strcmp(mode, "no-signals") == 0) libwasm_config_set_signals(config, false);
  else if (strcmp(mode, "checked") == 0) libwasm_config_set_memory_reservation(config, 0);
  else if (strcmp(mode, "fast") == 0) libwasm_config_set_opt_level(config, LIBWASM_OPT_NONE);
  else if (strcmp(mode, "deterministic") == 0) libwasm_config_set_deterministic(config, true);
  else if (strcmp(mode, "default") != 0) return wasm_config_delete(config), NULL;
  return wasm_engine_new_with_config(config);
}

const char *last_error(void) { return libwasm_last_error_message(); }

static char *import_name(const wasm_importtype_t *import) {
  const wasm_name_t *module = wasm_importtype_module(import), *name = wasm_importtype_name(import);
  size_t size = module->size + name->size + 2;
  char *text = malloc(size);
  if (text) snprintf(text, size, "%.*s.%.*s", (int)module->size, module->data, (int)name->size, name->data);
  return text;
}

// The shared memory of an import, which the first thread that asks for it makes.
static libwasm_shared_memory_t *shared_memory(struct process *process, const wasm_importtype_t *import, const wasm_memorytype_t *type) {
  char *name = import_name(import);
  if (!name) fail("no memory");
  pthread_mutex_lock(&process->lock);
  struct shared_memory *found = process->memories;
  while (found && strcmp(found->name, name) != 0) found = found->next;
  if (!found) {
    found = malloc(sizeof *found);
    if (!found) fail("no memory");
    *found = (struct shared_memory){process->memories, name, libwasm_shared_memory_new(process->engine, type)};
    if (!found->memory) fail("cannot make a shared memory: %s", last_error());
    process->memories = found;
    name = NULL;
  }
  pthread_mutex_unlock(&process->lock);
  free(name);
  return found->memory;
}

wasm_extern_t *make_memory(struct guest *guest, const wasm_importtype_t *import, const wasm_memorytype_t *type) {
  libwasm_limits_t limits;
  if (!libwasm_memorytype_limits(type, &limits)) return NULL;
  wasm_memory_t *memory = limits.shared ? libwasm_memory_obtain(guest->store, shared_memory(guest->process, import, type))
                                        : wasm_memory_new(guest->store, type);
  return memory ? wasm_memory_as_extern(memory) : NULL;
}

wasm_extern_t *make_other(struct guest *guest, const wasm_externtype_t *type) {
  const wasm_tagtype_t *tag_type = wasm_externtype_as_tagtype_const(type);
  libwasm_tag_t *tag = tag_type ? libwasm_tag_new(guest->store, tag_type) : NULL;
  return tag ? libwasm_tag_as_extern(tag) : NULL;
}

bool grow_memory(wasm_memory_t *memory, uint64_t pages) { return libwasm_memory_grow(memory, pages); }

void print_heap(FILE *out, wasm_store_t *store) {
  libwasm_heap_statistics_t heap;
  if (!libwasm_store_heap_statistics(store, &heap) || heap.allocated == 0) return;
  fprintf(out, "heap: %.1f MB allocated, %.1f MB live, %llu young and %llu full collections, %llu pauses of %.2f ms in all, %.2f ms at most\n",
          heap.allocated / 1e6, heap.live / 1e6, (unsigned long long)heap.young_collections, (unsigned long long)heap.full_collections,
          (unsigned long long)heap.pauses, heap.pause_time / 1e6, heap.longest_pause / 1e6);
}
