// Makes the n-th allocation or mapping of the process fail, or all from the n-th on, whoever asks for it.
//
// The functions are defined here, so the library's calls come here before they come to the C library. The C library's own and
// the compiler's runtime do as well: what they do when memory runs out is part of what is looked at.

#ifndef INJECT_H
#define INJECT_H

#include <errno.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* old, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

// What is counted while `inject_armed`: from 1 on.
static atomic_bool inject_armed, inject_persistently;
static atomic_long inject_count, inject_target;

// From now on, the `n`-th request fails, and if `persistently` those after it as well.
static void inject_begin(long n, bool persistently) {
  inject_count = 0;
  inject_target = n;
  inject_persistently = persistently;
  inject_armed = true;
}

// From now on nothing fails. Whether something did since `inject_begin`.
static bool inject_end(void) {
  inject_armed = false;
  return inject_count >= inject_target;
}

// With INJECT_TRACE set, where what fails was asked for.
static void inject_trace(void) {
  static _Thread_local bool tracing;
  static const char* wanted;
  if (!wanted) wanted = getenv("INJECT_TRACE") ? "yes" : "";
  if (!*wanted || tracing) return;
  tracing = true;
  inject_armed = false;
  void* frames[48];
  backtrace_symbols_fd(frames, backtrace(frames, 48), 2);
  inject_armed = true;
  tracing = false;
}

static bool inject_fails(void) {
  if (!inject_armed) return false;
  long n = atomic_fetch_add(&inject_count, 1) + 1;
  bool fails = inject_persistently ? n >= inject_target : n == inject_target;
  if (!fails) return false;
  if (n == inject_target) inject_trace();
  errno = ENOMEM;
  return true;
}

void* malloc(size_t size) { return inject_fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return inject_fails() ? NULL : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return inject_fails() ? NULL : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return inject_fails() ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  if (inject_fails()) return ENOMEM;
  void* block = __libc_memalign(alignment, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}

void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  if (inject_fails()) return MAP_FAILED;
  return (void*)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
void* mmap64(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}
void* mremap(void* old, size_t old_length, size_t length, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  void* address = va_arg(rest, void*);
  va_end(rest);
  if (inject_fails()) return MAP_FAILED;
  return (void*)syscall(SYS_mremap, old, old_length, length, flags, address);
}
int mprotect(void* address, size_t length, int protection) {
  return inject_fails() ? -1 : (int)syscall(SYS_mprotect, address, length, protection);
}
int memfd_create(const char* name, unsigned flags) {
  return inject_fails() ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}
int ftruncate(int fd, off_t length) { return inject_fails() ? -1 : (int)syscall(SYS_ftruncate, fd, length); }
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

#endif
