// WASI preview 1: files and folders of the operating system, below the folders that the program was given.
//
// A path is walked component by component from an open folder, and may not lead out of it: neither by `..` nor by a symbolic link,
// none of which is followed. All functions run under the process's lock but for reading and writing, which may block.
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8 };  // oflags
enum { APPEND = 1, NONBLOCK = 4 };                                // fdflags
enum { RIGHT_READ = 1 << 1, RIGHT_WRITE = 1 << 6, MAX_DEPTH = 64, MAX_PATH = 4096, MAX_VECTORS = 64 };

// ---- descriptors ----

void open_files(struct process *process) {
  for (int i = 0; i < MAX_FDS; i++) process->files[i].fd = i < 3 ? i : -1;
}

// The lowest free descriptor for a file of the operating system; -1, and the file closed, if there is none.
static int new_descriptor(struct process *process, int fd, const char *preopened, uint64_t flags) {
  for (int i = 3; i < MAX_FDS; i++) {
    if (process->files[i].fd >= 0) continue;
    process->files[i] = (struct file){fd, preopened, flags};
    return i;
  }
  close(fd);
  return -1;
}

bool preopen(struct process *process, const char *name, const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && new_descriptor(process, fd, name, 0) >= 0;
}

static struct file *file_of(struct guest *guest, uint32_t fd) {
  struct file *file = fd < MAX_FDS ? &guest->process->files[fd] : NULL;
  return file && file->fd >= 0 ? file : NULL;
}

static int fd_of(struct guest *guest, uint32_t fd) {
  pthread_mutex_lock(&guest->process->lock);
  struct file *file = file_of(guest, fd);
  int native = file ? file->fd : -1;
  pthread_mutex_unlock(&guest->process->lock);
  return native;
}

static int32_t result_of(int result) { return result >= 0 ? SUCCESS : wasi_errno(errno); }

// ---- paths ----

// The folder that the last component of a path is in, opened, and that component in `name`; the errno of WASI.
struct place {
  int folder;
  char name[MAX_PATH];
};

static int32_t walk(int from, char *path, struct place *place) {
  int folders[MAX_DEPTH], depth = 0;
  int32_t error = SUCCESS;
  char *rest = path, *part;
  folders[depth++] = dup(from);
  strcpy(place->name, ".");
  while (!error && (part = strsep(&rest, "/"))) {
    if (*part == '\0' || strcmp(part, ".") == 0) continue;
    // The component before this one is a folder.
    if (strcmp(place->name, ".") != 0) {
      int next = depth < MAX_DEPTH ? openat(folders[depth - 1], place->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
      if (next < 0) error = depth < MAX_DEPTH ? wasi_errno(errno) : NAMETOOLONG;
      else folders[depth++] = next;
      strcpy(place->name, ".");
    }
    if (error) break;
    if (strcmp(part, "..") != 0) strcpy(place->name, part);
    else if (depth == 1) error = NOTCAPABLE;
    else close(folders[--depth]);
  }
  place->folder = error ? -1 : folders[--depth];
  while (depth > 0) close(folders[--depth]);
  return error;
}

// The place of a path of the guest's; the caller closes its folder if there is no error.
static int32_t find(struct guest *guest, uint32_t fd, uint32_t address, uint32_t size, struct place *place) {
  char path[MAX_PATH];
  const uint8_t *at = guest_bytes(guest, address, size);
  if (!at) return FAULT;
  if (size >= sizeof path) return NAMETOOLONG;
  memcpy(path, at, size);
  path[size] = '\0';
  if (strlen(path) != size) return INVAL;
  if (path[0] == '/') return NOTCAPABLE;
  int folder = fd_of(guest, fd);
  return folder < 0 ? BADF : walk(folder, path, place);
}

static uint8_t filetype(mode_t mode) {
  return S_ISDIR(mode) ? 3 : S_ISREG(mode) ? 4 : S_ISCHR(mode) ? 2 : S_ISBLK(mode) ? 1 : S_ISLNK(mode) ? 7 : 0;
}

static int32_t put_stat(struct guest *guest, uint32_t address, const struct stat *stat) {
  uint8_t *at = guest_bytes(guest, address, 64);
  if (!at) return FAULT;
  const struct timespec times[] = {stat->st_atim, stat->st_mtim, stat->st_ctim};
  store_bytes(at, stat->st_dev, 8);
  store_bytes(at + 8, stat->st_ino, 8);
  store_bytes(at + 16, filetype(stat->st_mode), 8);
  store_bytes(at + 24, stat->st_nlink, 8);
  store_bytes(at + 32, (uint64_t)stat->st_size, 8);
  for (int i = 0; i < 3; i++) store_bytes(at + 40 + 8 * i, (uint64_t)times[i].tv_sec * 1000000000u + (uint64_t)times[i].tv_nsec, 8);
  return SUCCESS;
}

// ---- functions of descriptors ----

// Reads or writes through a list of (address, size) pairs, and stores how many bytes were moved. `at` is -1 for the file's position.
static int32_t transfer(struct guest *guest, uint32_t fd, uint32_t pairs, uint32_t count, int64_t at, uint32_t out, bool writing) {
  struct iovec vectors[MAX_VECTORS];
  int native = fd_of(guest, fd);
  if (native < 0) return BADF;
  if (count > MAX_VECTORS) count = MAX_VECTORS;
  size_t total = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *pair = guest_bytes(guest, pairs + 8 * i, 8);
    if (!pair) return FAULT;
    vectors[i] = (struct iovec){guest_bytes(guest, load32(pair), load32(pair + 4)), load32(pair + 4)};
    if (!vectors[i].iov_base) return FAULT;
    total += vectors[i].iov_len;
  }
  if (writing && fd == 1 && guest->process->quiet) return put(guest, out, total, 4);
  ssize_t moved = at < 0 ? (writing ? writev(native, vectors, (int)count) : readv(native, vectors, (int)count))
                         : (writing ? pwritev(native, vectors, (int)count, at) : preadv(native, vectors, (int)count, at));
  return moved < 0 ? wasi_errno(errno) : put(guest, out, (uint64_t)moved, 4);
}

static int32_t fd_write(struct guest *guest, const wasm_val_t *args) { return transfer(guest, U32(0), U32(1), U32(2), -1, U32(3), true); }

static int32_t fd_read(struct guest *guest, const wasm_val_t *args) { return transfer(guest, U32(0), U32(1), U32(2), -1, U32(3), false); }

static int32_t fd_pwrite(struct guest *guest, const wasm_val_t *args) {
  return U64(3) > INT64_MAX ? INVAL : transfer(guest, U32(0), U32(1), U32(2), (int64_t)U64(3), U32(4), true);
}

static int32_t fd_pread(struct guest *guest, const wasm_val_t *args) {
  return U64(3) > INT64_MAX ? INVAL : transfer(guest, U32(0), U32(1), U32(2), (int64_t)U64(3), U32(4), false);
}

static int32_t fd_close(struct guest *guest, const wasm_val_t *args) {
  pthread_mutex_lock(&guest->process->lock);
  struct file *file = file_of(guest, U32(0));
  int native = file ? file->fd : -1;
  if (file) *file = (struct file){.fd = -1};
  pthread_mutex_unlock(&guest->process->lock);
  if (native < 0) return BADF;
  return native < 3 ? SUCCESS : result_of(close(native));
}

static int32_t fd_renumber(struct guest *guest, const wasm_val_t *args) {
  pthread_mutex_lock(&guest->process->lock);
  struct file *from = file_of(guest, U32(0)), *to = U32(1) < MAX_FDS ? &guest->process->files[U32(1)] : NULL;
  if (from && to && from != to) {
    if (to->fd >= 3) close(to->fd);
    *to = *from;
    *from = (struct file){.fd = -1};
  }
  pthread_mutex_unlock(&guest->process->lock);
  return from && to ? SUCCESS : BADF;
}

static int32_t fd_seek(struct guest *guest, const wasm_val_t *args) {
  static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  int native = fd_of(guest, U32(0));
  if (native < 0) return BADF;
  if (U32(2) > 2) return INVAL;
  off_t position = lseek(native, (off_t)U64(1), whence[U32(2)]);
  return position < 0 ? wasi_errno(errno) : put(guest, U32(3), (uint64_t)position, 8);
}

static int32_t fd_tell(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  off_t position = native < 0 ? -1 : lseek(native, 0, SEEK_CUR);
  return native < 0 ? BADF : position < 0 ? wasi_errno(errno) : put(guest, U32(1), (uint64_t)position, 8);
}

static int32_t fd_fdstat_get(struct guest *guest, const wasm_val_t *args) {
  struct stat stat;
  int native = fd_of(guest, U32(0));
  if (native < 0) return BADF;
  if (fstat(native, &stat) != 0) return wasi_errno(errno);
  uint8_t *at = guest_bytes(guest, U32(1), 24);
  if (!at) return FAULT;
  store_bytes(at, filetype(stat.st_mode), 2);
  store_bytes(at + 2, guest->process->files[U32(0)].flags, 6);
  uint64_t rights = UINT64_MAX;
  // A terminal cannot be positioned: that is how a C library knows one.
  if (S_ISCHR(stat.st_mode)) rights &= ~(uint64_t)(1 << 2 | 1 << 5);
  store_bytes(at + 8, rights, 8);
  store_bytes(at + 16, UINT64_MAX, 8);
  return SUCCESS;
}

static int32_t fd_fdstat_set_flags(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  if (native < 0) return BADF;
  int flags = (U32(1) & APPEND ? O_APPEND : 0) | (U32(1) & NONBLOCK ? O_NONBLOCK : 0);
  if (fcntl(native, F_SETFL, flags) != 0) return wasi_errno(errno);
  guest->process->files[U32(0)].flags = U32(1);
  return SUCCESS;
}

static int32_t fd_filestat_get(struct guest *guest, const wasm_val_t *args) {
  struct stat stat;
  int native = fd_of(guest, U32(0));
  if (native < 0) return BADF;
  return fstat(native, &stat) != 0 ? wasi_errno(errno) : put_stat(guest, U32(1), &stat);
}

static int32_t fd_filestat_set_size(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  return native < 0 ? BADF : U64(1) > INT64_MAX ? INVAL : result_of(ftruncate(native, (off_t)U64(1)));
}

// `now` and `time` are chosen by bits of the flags: 1 and 2 for the time of access, 4 and 8 for that of modification.
static void times_of(uint64_t access, uint64_t modification, uint32_t flags, struct timespec times[2]) {
  const uint64_t given[] = {access, modification};
  for (int i = 0; i < 2; i++) {
    uint32_t bits = flags >> (2 * i);
    times[i] = (struct timespec){(time_t)(given[i] / 1000000000u), bits & 2 ? UTIME_NOW : bits & 1 ? (long)(given[i] % 1000000000u) : UTIME_OMIT};
  }
}

static int32_t fd_filestat_set_times(struct guest *guest, const wasm_val_t *args) {
  struct timespec times[2];
  int native = fd_of(guest, U32(0));
  times_of(U64(1), U64(2), U32(3), times);
  return native < 0 ? BADF : result_of(futimens(native, times));
}

static int32_t fd_sync(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  return native < 0 ? BADF : result_of(fsync(native));
}

static int32_t fd_allocate(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  if (native < 0) return BADF;
  return wasi_errno(posix_fallocate(native, (off_t)U64(1), (off_t)U64(2)));
}

// What does nothing: advice, and rights, which are not kept.
static int32_t accepted(struct guest *guest, const wasm_val_t *args) { return fd_of(guest, U32(0)) < 0 ? BADF : SUCCESS; }

static int32_t fd_prestat_get(struct guest *guest, const wasm_val_t *args) {
  struct file *file = file_of(guest, U32(0));
  if (!file || !file->preopened) return BADF;
  int32_t error = put(guest, U32(1), 0, 4);
  return error ? error : put(guest, U32(1) + 4, strlen(file->preopened), 4);
}

static int32_t fd_prestat_dir_name(struct guest *guest, const wasm_val_t *args) {
  struct file *file = file_of(guest, U32(0));
  if (!file || !file->preopened) return BADF;
  size_t size = strlen(file->preopened);
  if (size > U32(2)) return NAMETOOLONG;
  uint8_t *at = guest_bytes(guest, U32(1), size);
  if (!at) return FAULT;
  memcpy(at, file->preopened, size);
  return SUCCESS;
}

// Entries from the cookie on, as many as the buffer holds; the last one may be cut. A cookie is the number of entries before.
static int32_t fd_readdir(struct guest *guest, const wasm_val_t *args) {
  int native = fd_of(guest, U32(0));
  uint32_t buffer = U32(1), capacity = U32(2), used = 0;
  if (native < 0) return BADF;
  int again = openat(native, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = again < 0 ? NULL : fdopendir(again);
  if (!dir) return wasi_errno(errno);
  int32_t error = SUCCESS;
  struct dirent *entry;
  for (uint64_t index = 0; !error && used < capacity && (entry = readdir(dir)); index++) {
    if (index < U64(3)) continue;
    uint8_t record[24 + sizeof entry->d_name] = {0};
    size_t name = strlen(entry->d_name), size = 24 + name;
    store_bytes(record, index + 1, 8);
    store_bytes(record + 8, entry->d_ino, 8);
    store_bytes(record + 16, name, 4);
    record[20] = filetype((mode_t)DTTOIF(entry->d_type));
    memcpy(record + 24, entry->d_name, name);
    if (size > capacity - used) size = capacity - used;
    uint8_t *at = guest_bytes(guest, buffer + used, size);
    if (at) memcpy(at, record, size);
    else error = FAULT;
    used += (uint32_t)size;
  }
  closedir(dir);
  return error ? error : put(guest, U32(4), used, 4);
}

// ---- functions of paths ----

static int32_t path_open(struct guest *guest, const wasm_val_t *args) {
  struct place place;
  uint32_t how = U32(4), flags = U32(7);
  bool reads = U64(5) & RIGHT_READ, writes = U64(5) & RIGHT_WRITE && !(how & DIRECTORY);
  int32_t error = find(guest, U32(0), U32(2), U32(3), &place);
  if (error) return error;
  int mode = (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY) | (how & CREATE ? O_CREAT : 0) | (how & DIRECTORY ? O_DIRECTORY : 0) |
             (how & EXCLUSIVE ? O_EXCL : 0) | (how & TRUNCATE ? O_TRUNC : 0) | (flags & APPEND ? O_APPEND : 0) |
             (flags & NONBLOCK ? O_NONBLOCK : 0);
  int fd = openat(place.folder, place.name, mode | O_NOFOLLOW | O_CLOEXEC, 0666);
  // A folder that is asked for with all rights is one that is read.
  if (fd < 0 && errno == EISDIR && !(how & (CREATE | TRUNCATE))) fd = openat(place.folder, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  error = result_of(fd);
  close(place.folder);
  if (error) return error;
  pthread_mutex_lock(&guest->process->lock);
  int descriptor = new_descriptor(guest->process, fd, NULL, flags);
  pthread_mutex_unlock(&guest->process->lock);
  return descriptor < 0 ? MFILE : put(guest, U32(8), (uint64_t)descriptor, 4);
}

static int32_t path_filestat_get(struct guest *guest, const wasm_val_t *args) {
  struct place place;
  struct stat stat;
  int32_t error = find(guest, U32(0), U32(2), U32(3), &place);
  if (error) return error;
  error = result_of(fstatat(place.folder, place.name, &stat, AT_SYMLINK_NOFOLLOW));
  close(place.folder);
  return error ? error : put_stat(guest, U32(4), &stat);
}

static int32_t path_filestat_set_times(struct guest *guest, const wasm_val_t *args) {
  struct place place;
  struct timespec times[2];
  int32_t error = find(guest, U32(0), U32(2), U32(3), &place);
  if (error) return error;
  times_of(U64(4), U64(5), U32(6), times);
  error = result_of(utimensat(place.folder, place.name, times, AT_SYMLINK_NOFOLLOW));
  close(place.folder);
  return error;
}

static int32_t path_readlink(struct guest *guest, const wasm_val_t *args) {
  struct place place;
  char text[MAX_PATH];
  int32_t error = find(guest, U32(0), U32(1), U32(2), &place);
  if (error) return error;
  ssize_t size = readlinkat(place.folder, place.name, text, sizeof text);
  error = size < 0 ? wasi_errno(errno) : SUCCESS;
  close(place.folder);
  if (error) return error;
  if (size > (ssize_t)U32(4)) size = (ssize_t)U32(4);
  uint8_t *at = guest_bytes(guest, U32(3), (uint64_t)size);
  if (!at) return FAULT;
  memcpy(at, text, (size_t)size);
  return put(guest, U32(5), (uint64_t)size, 4);
}

enum change { MAKE_FOLDER, REMOVE_FOLDER, REMOVE_FILE };

static int32_t change(struct guest *guest, const wasm_val_t *args, enum change change) {
  struct place place;
  int32_t error = find(guest, U32(0), U32(1), U32(2), &place);
  if (error) return error;
  error = result_of(change == MAKE_FOLDER ? mkdirat(place.folder, place.name, 0777)
                                          : unlinkat(place.folder, place.name, change == REMOVE_FOLDER ? AT_REMOVEDIR : 0));
  close(place.folder);
  return error;
}

static int32_t path_create_directory(struct guest *guest, const wasm_val_t *args) { return change(guest, args, MAKE_FOLDER); }

static int32_t path_remove_directory(struct guest *guest, const wasm_val_t *args) { return change(guest, args, REMOVE_FOLDER); }

static int32_t path_unlink_file(struct guest *guest, const wasm_val_t *args) { return change(guest, args, REMOVE_FILE); }

static int32_t path_rename(struct guest *guest, const wasm_val_t *args) {
  struct place from, to;
  int32_t error = find(guest, U32(0), U32(1), U32(2), &from);
  if (error) return error;
  error = find(guest, U32(3), U32(4), U32(5), &to);
  if (!error) {
    error = result_of(renameat(from.folder, from.name, to.folder, to.name));
    close(to.folder);
  }
  close(from.folder);
  return error;
}

static int32_t no_links(struct guest *guest, const wasm_val_t *args) {
  (void)guest;
  (void)args;
  return NOTSUP;
}

const struct wasi_func wasi_files[] = {
    {"fd_advise", "iIIi", accepted},
    {"fd_allocate", "iII", fd_allocate},
    {"fd_close", "i", fd_close},
    {"fd_datasync", "i", fd_sync},
    {"fd_fdstat_get", "ii", fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", accepted},
    {"fd_filestat_get", "ii", fd_filestat_get},
    {"fd_filestat_set_size", "iI", fd_filestat_set_size},
    {"fd_filestat_set_times", "iIIi", fd_filestat_set_times},
    {"fd_pread", "iiiIi", fd_pread},
    {"fd_prestat_dir_name", "iii", fd_prestat_dir_name},
    {"fd_prestat_get", "ii", fd_prestat_get},
    {"fd_pwrite", "iiiIi", fd_pwrite},
    {"fd_read", "iiii", fd_read},
    {"fd_readdir", "iiiIi", fd_readdir},
    {"fd_renumber", "ii", fd_renumber},
    {"fd_seek", "iIii", fd_seek},
    {"fd_sync", "i", fd_sync},
    {"fd_tell", "ii", fd_tell},
    {"fd_write", "iiii", fd_write},
    {"path_create_directory", "iii", path_create_directory},
    {"path_filestat_get", "iiiii", path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi", path_filestat_set_times},
    {"path_link", "iiiiiii", no_links},
    {"path_open", "iiiiiIIii", path_open},
    {"path_readlink", "iiiiii", path_readlink},
    {"path_remove_directory", "iii", path_remove_directory},
    {"path_rename", "iiiiii", path_rename},
    {"path_symlink", "iiiii", no_links},
    {"path_unlink_file", "iii", path_unlink_file},
};

const size_t wasi_files_count = sizeof wasi_files / sizeof *wasi_files;
