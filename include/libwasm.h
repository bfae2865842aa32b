/** @file
 * libwasm.h: what libwasm has beyond the standard wasm.h.
 *
 * Generated from libwasm's source; do not edit.
 */

#ifndef LIBWASM_H
#define LIBWASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wasm.h"

/**
 * The kinds of failures. Numbers are only ever appended.
 */
enum libwasm_error_kind_enum {
  /**
   * No function has failed on this thread since it started or `libwasm_last_error_clear` was called.
   */
  LIBWASM_ERROR_NONE = 0,
  /**
   * The binary or text is malformed or does not validate.
   */
  LIBWASM_ERROR_INVALID = 1,
  /**
   * Valid WebAssembly, but a feature this build does not have, or a machine it cannot run on.
   */
  LIBWASM_ERROR_UNSUPPORTED = 2,
  /**
   * A limit of the implementation or of the embedder was reached: of sizes and numbers in a module, of a table or memory, of what a
   * function may take to compile. The message says which.
   */
  LIBWASM_ERROR_LIMIT = 3,
  /**
   * An import is missing or does not match.
   */
  LIBWASM_ERROR_LINK = 4,
  /**
   * An artifact that is damaged or was made by another version, CPU or configuration.
   */
  LIBWASM_ERROR_ARTIFACT = 5,
  /**
   * Memory or address space ran out. What failed has changed nothing, and works again when there is memory. The process goes on, with
   * few exceptions that ARCHITECTURE.md names: among them a single function that takes more memory to compile than was foreseen.
   */
  LIBWASM_ERROR_OUT_OF_MEMORY = 6,
  /**
   * An argument that cannot be used: NULL, a wrong kind, out of range, of another store.
   */
  LIBWASM_ERROR_ARGUMENT = 7,
  /**
   * The store is in use on another thread.
   */
  LIBWASM_ERROR_BUSY = 8,
  /**
   * A defect of this library: a panic that was caught before it reached the caller.
   */
  LIBWASM_ERROR_INTERNAL = 9,
  /**
   * Instantiation trapped in an active segment or the start function.
   */
  LIBWASM_ERROR_TRAP = 10,
  /**
   * A file that cannot be opened, read or written; the message has its path and the system's reason.
   */
  LIBWASM_ERROR_FILE = 11,
};

/**
 * How much the compiler optimizes.
 */
enum libwasm_opt_level_enum {
  /**
   * Compile fast, in about half the time: without optimizations, and, where signals are on, with registers allocated in a single
   * pass. The code is slower, and its stack frames are larger.
   */
  LIBWASM_OPT_NONE = 0,
  /**
   * Make fast code: the default. (A function that would take out of proportion long to optimize is compiled as with `LIBWASM_OPT_NONE`.)
   */
  LIBWASM_OPT_SPEED = 1,
  /**
   * Make fast code that is small.
   */
  LIBWASM_OPT_SPEED_AND_SIZE = 2,
};

/**
 * Why a trap happened. Numbers are only ever appended.
 */
enum libwasm_trap_code_enum {
  /**
   * A trap that the host made with `wasm_trap_new`.
   */
  LIBWASM_TRAP_HOST = 0,
  LIBWASM_TRAP_UNREACHABLE = 1,
  LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
  LIBWASM_TRAP_TABLE_OUT_OF_BOUNDS = 3,
  LIBWASM_TRAP_INDIRECT_CALL_OUT_OF_BOUNDS = 4,
  LIBWASM_TRAP_INDIRECT_CALL_TO_NULL = 5,
  LIBWASM_TRAP_BAD_SIGNATURE = 6,
  LIBWASM_TRAP_INTEGER_OVERFLOW = 7,
  LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO = 8,
  LIBWASM_TRAP_BAD_CONVERSION_TO_INTEGER = 9,
  LIBWASM_TRAP_STACK_OVERFLOW = 10,
  /**
   * An import that is missing or does not match.
   */
  LIBWASM_TRAP_LINK = 11,
  /**
   * A call with arguments or results that cannot be, or a callback that returned wrong results.
   */
  LIBWASM_TRAP_BAD_CALL = 12,
  LIBWASM_TRAP_OUT_OF_MEMORY = 13,
  /**
   * A limit of the implementation or of the embedder, as of the size of a table.
   */
  LIBWASM_TRAP_LIMIT = 14,
  /**
   * A null reference where another was needed, as of `ref.as_non_null`.
   */
  LIBWASM_TRAP_NULL_REFERENCE = 15,
  /**
   * A null reference where a function was to be called, as of `call_ref`.
   */
  LIBWASM_TRAP_NULL_FUNCTION_REFERENCE = 16,
  /**
   * A reference to something of another type than `ref.cast` asks for.
   */
  LIBWASM_TRAP_CAST_FAILURE = 17,
  LIBWASM_TRAP_NULL_STRUCTURE_REFERENCE = 18,
  LIBWASM_TRAP_NULL_ARRAY_REFERENCE = 19,
  LIBWASM_TRAP_NULL_I31_REFERENCE = 20,
  LIBWASM_TRAP_ARRAY_OUT_OF_BOUNDS = 21,
  LIBWASM_TRAP_NULL_EXCEPTION_REFERENCE = 22,
  /**
   * An exception that WebAssembly has thrown and not caught.
   */
  LIBWASM_TRAP_EXCEPTION = 23,
  /**
   * An atomic access at an address that is no multiple of its size.
   */
  LIBWASM_TRAP_UNALIGNED_ATOMIC = 24,
  /**
   * `memory.atomic.wait32` or `wait64` in a memory that is not shared.
   */
  LIBWASM_TRAP_EXPECTED_SHARED_MEMORY = 25,
  /**
   * A wait that the host ended (`libwasm_shared_memory_set_interrupted`).
   */
  LIBWASM_TRAP_INTERRUPTED = 26,
};

/**
 * The kinds of values that `enum wasm_valkind_enum` does not name, as `wasm_valtype_kind` gives them.
 */
enum libwasm_valkind_enum {
  /**
   * A vector of 128 bits. The `of.ref` of such a value points to 16 bytes that the value owns, or is NULL for zero; see
   * `libwasm_val_new_v128`.
   */
  LIBWASM_V128 = 4,
  LIBWASM_ANYREF = 130,
  LIBWASM_EQREF = 131,
  LIBWASM_I31REF = 132,
  LIBWASM_STRUCTREF = 133,
  LIBWASM_ARRAYREF = 134,
  LIBWASM_EXNREF = 135,
  LIBWASM_NULLREF = 136,
  LIBWASM_NULLFUNCREF = 137,
  LIBWASM_NULLEXTERNREF = 138,
  LIBWASM_NULLEXNREF = 139,
  /**
   * The same as LIBWASM_ANYREF, but never null.
   */
  LIBWASM_REF_ANY = 142,
  /**
   * The same as LIBWASM_EQREF, but never null.
   */
  LIBWASM_REF_EQ = 143,
  /**
   * The same as LIBWASM_I31REF, but never null.
   */
  LIBWASM_REF_I31 = 144,
  /**
   * The same as LIBWASM_STRUCTREF, but never null.
   */
  LIBWASM_REF_STRUCT = 145,
  /**
   * The same as LIBWASM_ARRAYREF, but never null.
   */
  LIBWASM_REF_ARRAY = 146,
  /**
   * The same as LIBWASM_EXNREF, but never null.
   */
  LIBWASM_REF_EXN = 147,
  /**
   * The same as LIBWASM_NULLREF, but never null.
   */
  LIBWASM_REF_NONE = 148,
  /**
   * The same as LIBWASM_NULLFUNCREF, but never null.
   */
  LIBWASM_REF_NOFUNC = 149,
  /**
   * The same as LIBWASM_NULLEXTERNREF, but never null.
   */
  LIBWASM_REF_NOEXTERN = 150,
  /**
   * The same as LIBWASM_NULLEXNREF, but never null.
   */
  LIBWASM_REF_NOEXN = 151,
  /**
   * The same as WASM_EXTERNREF, but never null.
   */
  LIBWASM_REF_EXTERN = 152,
  /**
   * The same as WASM_FUNCREF, but never null.
   */
  LIBWASM_REF_FUNC = 153,
};

/**
 * How a field of a structure, or an element of an array, is kept.
 */
enum libwasm_storagekind_enum {
  /**
   * As a value of its type.
   */
  LIBWASM_STORAGE_VALUE = 0,
  /**
   * As the low 8 bits of an i32.
   */
  LIBWASM_STORAGE_I8 = 1,
  /**
   * As the low 16 bits of an i32.
   */
  LIBWASM_STORAGE_I16 = 2,
};

/**
 * What a defined type describes.
 */
enum libwasm_deftypekind_enum {
  /**
   * What is told of NULL.
   */
  LIBWASM_DEFTYPE_NONE = 0,
  LIBWASM_DEFTYPE_FUNC = 1,
  LIBWASM_DEFTYPE_STRUCT = 2,
  LIBWASM_DEFTYPE_ARRAY = 3,
};

/**
 * What a reference refers to. Numbers are only ever appended.
 */
enum libwasm_refkind_enum {
  /**
   * Nothing: the null reference, which NULL is.
   */
  LIBWASM_REFKIND_NULL = 0,
  LIBWASM_REFKIND_FUNC = 1,
  LIBWASM_REFKIND_GLOBAL = 2,
  LIBWASM_REFKIND_TABLE = 3,
  LIBWASM_REFKIND_MEMORY = 4,
  LIBWASM_REFKIND_TAG = 5,
  LIBWASM_REFKIND_INSTANCE = 6,
  LIBWASM_REFKIND_MODULE = 7,
  LIBWASM_REFKIND_TRAP = 8,
  LIBWASM_REFKIND_FOREIGN = 9,
  LIBWASM_REFKIND_I31 = 10,
  LIBWASM_REFKIND_STRUCT = 11,
  LIBWASM_REFKIND_ARRAY = 12,
  /**
   * An exception (`libwasm_exception_tag`).
   */
  LIBWASM_REFKIND_EXCEPTION = 13,
};

/**
 * How a wait ended. The first three are the results of `memory.atomic.wait32` and `wait64`.
 */
enum libwasm_wait_result_enum {
  /**
   * Another thread notified this one.
   */
  LIBWASM_WAIT_WOKEN = 0,
  /**
   * The value in the memory was not the expected one: the thread did not wait.
   */
  LIBWASM_WAIT_NOT_EQUAL = 1,
  /**
   * The time was over.
   */
  LIBWASM_WAIT_TIMED_OUT = 2,
  /**
   * The thread cannot wait there; the reason is recorded.
   */
  LIBWASM_WAIT_FAILED = 3,
  /**
   * The host interrupted the wait (`libwasm_shared_memory_set_interrupted`).
   */
  LIBWASM_WAIT_INTERRUPTED = 4,
};

/**
 * A defined type (<https://webassembly.github.io/spec/core/syntax/types.html#recursive-types>): a function, structure or array type, with
 * its place in a recursion group, its finality and its supertype. Types of equal groups are the same, whoever has defined them: a
 * module, or the host (`libwasm_recgroup_define`, `libwasm_deftype_new_struct` and its siblings).
 *
 * A defined type belongs to no engine and no store: it can be used with all of them, on any thread. It lives as long as a handle of it, a
 * type that names it, a module that defines it, or an object that is of it.
 */
typedef struct libwasm_deftype_t libwasm_deftype_t;

/**
 * The type of a field of a structure or of the elements of an array
 * (<https://webassembly.github.io/spec/core/syntax/types.html#aggregate-types>): how it is kept, and whether it can be set.
 */
typedef struct libwasm_fieldtype_t libwasm_fieldtype_t;

/**
 * A recursion group (<https://webassembly.github.io/spec/core/syntax/types.html#recursive-types>): types that can name each other, and that
 * are told from others only together. It is made in steps: members are added, in order, whose types name others by position
 * (`libwasm_valtype_new_member`), then supertypes and finality are set where they are not the default, and in the end
 * `libwasm_recgroup_define` checks the group and makes types of its members.
 *
 * A group belongs to no engine and no store. A handle is used on one thread at a time.
 */
typedef struct libwasm_recgroup_t libwasm_recgroup_t;

/**
 * A memory that threads share. It belongs to an engine and to no store; `libwasm_memory_obtain` gives a store a memory that is the same
 * bytes. It lives as long as a handle of it, or a memory of a store that is the same bytes.
 *
 * Every function here may be called on any thread, also on several at the same time, with the same handle, as long as none deletes that.
 *
 * Guests, and the host, may access its bytes at the same time. What a thread reads that does not synchronize is any mix of what others
 * wrote; it is no undefined behaviour of the library's. A host's own accesses have to be atomic (`_Atomic`, `__atomic_load_n`) or
 * ordered by something that is, as with any memory that threads of C share.
 *
 * The child of a fork has a copy of its own, in which no thread waits.
 */
typedef struct libwasm_shared_memory_t libwasm_shared_memory_t;

/**
 * A tag (<https://webassembly.github.io/spec/core/syntax/modules.html#tags>): what exceptions are told apart by. As an external object it is
 * imported and exported; its kind is `WASM_EXTERN_TAG`.
 */
typedef struct libwasm_tag_t libwasm_tag_t;

/**
 * A weak reference to an object of a store, of any kind: it gives the object as long as that is alive, and does not keep it. It keeps
 * the store.
 *
 * It is cleared when the object is freed, or when a collection finds it dead, before any finalizer runs for that reason: of an object of
 * WebAssembly by any collection, of an object of the host when its last handle is deleted if nothing else has ever referred to it, else by a
 * collection of everything (`libwasm_store_collect`). Then it stays cleared. One to an i31 is never cleared.
 */
typedef struct libwasm_weak_t libwasm_weak_t;

/**
 * What kind of failure the last error is: one of `enum libwasm_error_kind_enum`.
 */
typedef uint8_t libwasm_error_kind_t;

/**
 * How much the compiler optimizes: one of `enum libwasm_opt_level_enum`.
 */
typedef uint8_t libwasm_opt_level_t;

/**
 * How a field is kept: one of `enum libwasm_storagekind_enum`.
 */
typedef uint8_t libwasm_storagekind_t;

/**
 * A vector of types of fields. It owns its elements.
 */
typedef struct libwasm_fieldtype_vec_t {
  size_t size;
  libwasm_fieldtype_t **data;
} libwasm_fieldtype_vec_t;

/**
 * What a defined type describes: one of `enum libwasm_deftypekind_enum`.
 */
typedef uint8_t libwasm_deftypekind_t;

/**
 * A vector of defined types. It owns its elements.
 */
typedef struct libwasm_deftype_vec_t {
  size_t size;
  libwasm_deftype_t **data;
} libwasm_deftype_vec_t;

/**
 * What a reference refers to: one of `enum libwasm_refkind_enum`.
 */
typedef uint8_t libwasm_refkind_t;

/**
 * The exact limits of a table, in elements, or of a memory, in pages, and what else their types say of sizes and addresses.
 *
 * This struct keeps its size. What later versions add takes the place of `reserved`, so that 0 there means what it means today: clear
 * the whole struct before you fill it in, and read only members you know.
 */
typedef struct libwasm_limits_t {
  uint64_t min;
  /**
   * Meaningful only if `has_max`; `UINT64_MAX` otherwise, and ignored where limits are given.
   */
  uint64_t max;
  bool has_max;
  /**
   * Whether indices or addresses are 64 bits wide.
   */
  bool index64;
  /**
   * Whether the memory is shared between threads.
   */
  bool shared;
  /**
   * The size of the memory's pages in bytes, 65,536 or 1. Where limits are given, 0 is 65,536. 0 for a table.
   */
  uint32_t page_size;
  /**
   * Zeros.
   */
  uint64_t reserved[5];
} libwasm_limits_t;

/**
 * How a wait ended: one of `enum libwasm_wait_result_enum`.
 */
typedef uint8_t libwasm_wait_result_t;

/**
 * What a `libwasm_trace_t` calls for each handle: with the handle, and with its own last argument.
 */
typedef void (*libwasm_visit_t)(const wasm_ref_t *reference, void *visitor);

/**
 * Calls `visit(reference, visitor)` for each handle that `env` owns, of whatever kind it is, as often as it owns one; NULL is
 * skipped. Vectors and values own the references in them, and a frame owns a handle of its instance: pass
 * `wasm_frame_instance` for it. It is called during collections, and must not call functions of this library other than
 * conversions of references and `wasm_frame_instance`.
 */
typedef void (*libwasm_trace_t)(void *env, libwasm_visit_t visit, void *visitor);

/**
 * Why a trap happened: one of `enum libwasm_trap_code_enum`.
 */
typedef uint8_t libwasm_trap_code_t;

/**
 * What a store's heap holds and what its collector has done. Sizes are in bytes, times in nanoseconds; references to objects of the
 * host are not counted.
 *
 * This struct keeps its size. What later versions add takes the place of `reserved`.
 */
typedef struct libwasm_heap_statistics_t {
  /**
   * The size that the heap may have: what was set, or what 32-bit references reach.
   */
  uint64_t limit;
  /**
   * The size of the blocks that objects lie in, with what is free between them.
   */
  uint64_t size;
  /**
   * What objects took when the last collection was done, in whole lines of 128 bytes.
   */
  uint64_t live;
  /**
   * What was allocated since there is the store, garbage included.
   */
  uint64_t allocated;
  /**
   * How often everything was collected.
   */
  uint64_t full_collections;
  /**
   * How often only objects were collected that were allocated since the last collection.
   */
  uint64_t young_collections;
  /**
   * How often the store's code waited for the collector: for a collection, or for a part of one.
   */
  uint64_t pauses;
  /**
   * How long it waited altogether.
   */
  uint64_t pause_time;
  /**
   * How long it waited the longest time.
   */
  uint64_t longest_pause;
  /**
   * Zeros.
   */
  uint64_t reserved[7];
} libwasm_heap_statistics_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, "MAJOR.MINOR.PATCH"; it stays valid for ever.
 */
WASM_API_EXTERN const char *libwasm_version(void);

/**
 * What kind of failure the thread's last error is. Successful calls leave the last error as it is, so it tells something
 * only after a call that has failed, or after `libwasm_last_error_clear`.
 */
WASM_API_EXTERN libwasm_error_kind_t libwasm_last_error_kind(void);

/**
 * The message of the thread's last error, with a terminating NUL; "" if there is none. It stays valid until the next call of
 * this library fails on this thread, or `libwasm_last_error_clear` is called. A message longer than a kilobyte is cut.
 */
WASM_API_EXTERN const char *libwasm_last_error_message(void);

/**
 * The byte offset in the module's binary, or in the artifact, that the thread's last error is about; `SIZE_MAX` if it is about none.
 */
WASM_API_EXTERN size_t libwasm_last_error_offset(void);

/**
 * Forgets the thread's last error.
 */
WASM_API_EXTERN void libwasm_last_error_clear(void);

/**
 * Whether a signal handler may be installed that turns faults of compiled code into traps; on by default. Without it, every
 * access and division is checked by code, no handler is installed, and a module with a function whose stack frame would
 * exceed 60 KiB (thousands of live values) is refused.
 *
 * With it, a thread's first call unblocks `SIGSEGV`, `SIGFPE` and `SIGILL` on that thread: a fault whose signal is blocked ends the
 * process. So does its first call in a store that it has not called in, if an engine was made since, and a call that finds that a
 * host function was left by `longjmp`. A thread that blocks all signals later must leave out these three.
 */
WASM_API_EXTERN void libwasm_config_set_signals(wasm_config_t *config, bool enabled);

/**
 * Sets how much the compiler optimizes. Does nothing and records the reason if there is no such level.
 */
WASM_API_EXTERN void libwasm_config_set_opt_level(wasm_config_t *config, libwasm_opt_level_t level);

/**
 * Sets how many bytes of address space are reserved for each memory. With 4 GiB or more, memories never move and the
 * hardware checks accesses; that is the default where the machine allows it. With less, accesses are checked by code, and a
 * memory that grows beyond its reservation moves.
 *
 * With 4 GiB or more, a memory with 64-bit addresses is given so many, or 64 GiB if that is more, or as many as its maximum if that is
 * less; where hundreds of such memories live already, fewer, down to 4 GiB. It cannot grow beyond what it was given.
 */
WASM_API_EXTERN void libwasm_config_set_memory_reservation(wasm_config_t *config, uint64_t bytes);

/**
 * Sets how many bytes of a stack WebAssembly may use, counted from where the host calls into a store that it is not in already; calls
 * within calls share them. A guest that recurses beyond that gets a trap (`LIBWASM_TRAP_STACK_OVERFLOW`). 8 MiB by default, also where the
 * stack of the thread has no limit. WebAssembly never uses more than the stack has, without what is left to host functions:
 * see `libwasm_config_set_host_stack_reserve`.
 */
WASM_API_EXTERN void libwasm_config_set_max_wasm_stack(wasm_config_t *config, size_t bytes);

/**
 * Sets how many bytes of a stack are left to host functions, however deep the WebAssembly that calls them is. By default that is 1 MiB
 * if the stack has 2 MiB or more, and half of a smaller one. The library leaves itself a little more: 16 KiB for signals and its own
 * functions, and 64 KiB where signals are off (`libwasm_config_set_signals`), since frames are checked later there. On a stack
 * with less, no WebAssembly runs: every call gives a trap (`LIBWASM_TRAP_STACK_OVERFLOW`). So by default, threads with stacks of
 * 32 KiB or more can call, and of 128 KiB or more with signals off.
 */
WASM_API_EXTERN void libwasm_config_set_host_stack_reserve(wasm_config_t *config, size_t bytes);

/**
 * Whether what WebAssembly computes is the same on every processor; off by default. It follows the specification's deterministic profile
 * then: an operation that makes a NaN makes the canonical positive one, and relaxed vector instructions have one result each: `madd`
 * is rounded twice, min and max, conversions, selections, products and swizzles are those of the instructions that are not relaxed. Code
 * that computes with floats is slower. Bits of a NaN that comes from a constant, a memory or the host stay as they are; those
 * operations pass them on that do not compute: `neg`, `abs`, `copysign`, `pmin`, `pmax`, selections, loads and stores. What depends on the
 * machine otherwise still does: whether memory grows, when the stack is exhausted, and host functions.
 *
 * Artifacts are loaded by engines with the same setting only.
 */
WASM_API_EXTERN void libwasm_config_set_deterministic(wasm_config_t *config, bool enabled);

/**
 * Whether modules may use wide arithmetic, a proposal beyond WebAssembly 3.0: `i64.add128`, `i64.sub128`, `i64.mul_wide_s` and
 * `i64.mul_wide_u`. On by default. Where it is off, a module that needs it is refused (`LIBWASM_ERROR_UNSUPPORTED`), and so is every
 * artifact that was made by an engine that has it on (`LIBWASM_ERROR_ARTIFACT`).
 */
WASM_API_EXTERN void libwasm_config_set_wide_arithmetic(wasm_config_t *config, bool enabled);

/**
 * Whether the pages of a module's memories may have one byte instead of 64 KiB, a proposal beyond WebAssembly 3.0: `(memory 100
 * (pagesize 1))`. Accesses to such a memory are checked by code. Off by default; where it is off, modules and artifacts are refused as
 * `libwasm_config_set_wide_arithmetic` says. The host can make such memories in any case (`libwasm_memorytype_new`).
 */
WASM_API_EXTERN void libwasm_config_set_custom_page_sizes(wasm_config_t *config, bool enabled);

/**
 * Whether modules may use threads, a proposal beyond WebAssembly 3.0: shared memories, and atomic instructions on any memory. On by
 * default; where it is off, modules and artifacts are refused as `libwasm_config_set_wide_arithmetic` says. The host can make shared
 * memories in any case (`libwasm_shared_memory_new`).
 */
WASM_API_EXTERN void libwasm_config_set_threads(wasm_config_t *config, bool enabled);

/**
 * Whether modules may use the legacy form of exceptions, which WebAssembly 3.0 has deprecated and many toolchains have written: `try`,
 * `catch`, `catch_all`, `delegate` and `rethrow`. On by default; where it is off, modules and artifacts are refused as
 * `libwasm_config_set_wide_arithmetic` says. Exceptions are the same in both forms, and a module may use both.
 */
WASM_API_EXTERN void libwasm_config_set_legacy_exceptions(wasm_config_t *config, bool enabled);

/**
 * Makes a v128 value of 16 bytes, the lowest lane first, in `out`. The value owns a copy of them: `wasm_val_delete` frees it.
 * The i32 0 if `bytes` is NULL.
 */
WASM_API_EXTERN void libwasm_val_new_v128(const uint8_t *bytes, wasm_val_t *out);

/**
 * Writes the 16 bytes of a v128 value to `bytes`, the lowest lane first. False, and zeros, if the value is not a v128.
 */
WASM_API_EXTERN bool libwasm_val_v128(const wasm_val_t *value, uint8_t *bytes);

/**
 * Deletes a field's type; does nothing for NULL.
 */
WASM_API_EXTERN void libwasm_fieldtype_delete(libwasm_fieldtype_t *object);

/**
 * Makes a copy of a field's type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_fieldtype_t *libwasm_fieldtype_copy(const libwasm_fieldtype_t *object);

/**
 * Makes the type of a field that is kept as a value, owned by the caller. Takes `content` over, also where it fails. NULL if that is
 * NULL, or if `mutability` is neither `WASM_CONST` nor `WASM_VAR`.
 */
WASM_API_EXTERN libwasm_fieldtype_t *libwasm_fieldtype_new(wasm_valtype_t *content, wasm_mutability_t mutability);

/**
 * Makes the type of a field that is kept as 8 or 16 bits of an i32 (`LIBWASM_STORAGE_I8`, `LIBWASM_STORAGE_I16`), owned by the caller.
 * NULL for any other storage, and if `mutability` is neither `WASM_CONST` nor `WASM_VAR`.
 */
WASM_API_EXTERN libwasm_fieldtype_t *libwasm_fieldtype_new_packed(libwasm_storagekind_t storage, wasm_mutability_t mutability);

/**
 * How the field is kept; `LIBWASM_STORAGE_VALUE` for NULL.
 */
WASM_API_EXTERN libwasm_storagekind_t libwasm_fieldtype_storage(const libwasm_fieldtype_t *ty);

/**
 * The type of the values that the field is set to and gives, lent by the field's type: i32 for a packed field; NULL for NULL.
 */
WASM_API_EXTERN const wasm_valtype_t *libwasm_fieldtype_content(const libwasm_fieldtype_t *ty);

/**
 * Whether the field can be set; `WASM_CONST` for NULL.
 */
WASM_API_EXTERN wasm_mutability_t libwasm_fieldtype_mutability(const libwasm_fieldtype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void libwasm_fieldtype_vec_new_empty(libwasm_fieldtype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void libwasm_fieldtype_vec_new_uninitialized(libwasm_fieldtype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void libwasm_fieldtype_vec_new(libwasm_fieldtype_vec_t *out, size_t size, libwasm_fieldtype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void libwasm_fieldtype_vec_copy(libwasm_fieldtype_vec_t *out, const libwasm_fieldtype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void libwasm_fieldtype_vec_delete(libwasm_fieldtype_vec_t *vector);

/**
 * Deletes a handle of a defined type; does nothing for NULL.
 */
WASM_API_EXTERN void libwasm_deftype_delete(libwasm_deftype_t *object);

/**
 * Makes another handle of the same defined type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_deftype_copy(const libwasm_deftype_t *object);

/**
 * Makes a structure type that is final, has no supertype, and is a recursion group by itself, owned by the caller: the member 0 of it
 * (`libwasm_valtype_new_member`). For all others there is `libwasm_recgroup_new`. Takes the content of the vector over, also where it fails,
 * and leaves it empty; NULL is a structure without fields. NULL if a field's type is NULL or names another member, and for more than
 * 10,000 fields.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_deftype_new_struct(libwasm_fieldtype_vec_t *fields);

/**
 * Makes an array type that is final, has no supertype, and is a recursion group by itself, owned by the caller: the member 0 of it
 * (`libwasm_valtype_new_member`). Takes the type of the elements over, also where it fails. NULL if that is NULL or names another member.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_deftype_new_array(libwasm_fieldtype_t *element);

/**
 * The defined type that a function type is, owned by the caller: for one that `wasm_functype_new` made, a final one without a
 * supertype; for others, which modules, functions and `libwasm_deftype_functype` have given, what they are. The function type is lent.
 * NULL for NULL.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_deftype_new_func(const wasm_functype_t *ty);

/**
 * What the type describes; `LIBWASM_DEFTYPE_NONE` for NULL.
 */
WASM_API_EXTERN libwasm_deftypekind_t libwasm_deftype_kind(const libwasm_deftype_t *ty);

/**
 * Whether the type can have no subtypes; false for NULL.
 */
WASM_API_EXTERN bool libwasm_deftype_is_final(const libwasm_deftype_t *ty);

/**
 * The supertype that the type declares, owned by the caller; NULL, without a reason, if it declares none, and for NULL.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_deftype_supertype(const libwasm_deftype_t *ty);

/**
 * The types of a structure's fields, or, as the only one, that of an array's elements, in a vector that the caller owns; false, and an empty
 * vector, with a reason, for a function type and for NULL.
 */
WASM_API_EXTERN bool libwasm_deftype_fields(const libwasm_deftype_t *ty, libwasm_fieldtype_vec_t *out);

/**
 * The function type that a defined type is, owned by the caller. It stands for this very type, with its group, finality and supertype, where
 * functions and tags are made of it. NULL for a structure or array type, and for NULL.
 */
WASM_API_EXTERN wasm_functype_t *libwasm_deftype_functype(const libwasm_deftype_t *ty);

/**
 * The recursion group that the type is a member of, defined, and owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_recgroup_t *libwasm_deftype_recgroup(const libwasm_deftype_t *ty);

/**
 * The place of the type in its recursion group; 0 for NULL.
 */
WASM_API_EXTERN uint32_t libwasm_deftype_index(const libwasm_deftype_t *ty);

/**
 * Whether two handles are of the same type: of equal members of equal recursion groups; false if one is NULL.
 */
WASM_API_EXTERN bool libwasm_deftype_same(const libwasm_deftype_t *a, const libwasm_deftype_t *b);

/**
 * Whether one type is another or a subtype of it, as they declare it; false if one is NULL.
 */
WASM_API_EXTERN bool libwasm_deftype_matches(const libwasm_deftype_t *ty, const libwasm_deftype_t *wanted);

/**
 * The types that a module defines, by index, in a vector that the caller owns. They are there as long as handles of them, also without the
 * module. An empty vector for NULL.
 */
WASM_API_EXTERN void libwasm_module_types(const wasm_module_t *module, libwasm_deftype_vec_t *out);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void libwasm_deftype_vec_new_empty(libwasm_deftype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void libwasm_deftype_vec_new_uninitialized(libwasm_deftype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void libwasm_deftype_vec_new(libwasm_deftype_vec_t *out, size_t size, libwasm_deftype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void libwasm_deftype_vec_copy(libwasm_deftype_vec_t *out, const libwasm_deftype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void libwasm_deftype_vec_delete(libwasm_deftype_vec_t *vector);

/**
 * Makes a recursion group without members, owned by the caller.
 */
WASM_API_EXTERN libwasm_recgroup_t *libwasm_recgroup_new(void);

/**
 * Deletes a handle of a recursion group; the types that it has defined live on as long as they are needed; does nothing for NULL.
 */
WASM_API_EXTERN void libwasm_recgroup_delete(libwasm_recgroup_t *object);

/**
 * Makes a copy of a recursion group, as far as it has got, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_recgroup_t *libwasm_recgroup_copy(const libwasm_recgroup_t *object);

/**
 * Adds a structure type as the next member, final and without a supertype. Takes the content of the vector over, also where it fails, and
 * leaves it empty; NULL is a structure without fields. False for NULL, if a field's type is NULL, for more than 10,000 fields or 1,000,000
 * members, and if the group is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_add_struct(libwasm_recgroup_t *group, libwasm_fieldtype_vec_t *fields);

/**
 * Adds an array type as the next member, final and without a supertype. Takes the type of the elements over, also where it fails. False for
 * NULL, for more than 1,000,000 members, and if the group is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_add_array(libwasm_recgroup_t *group, libwasm_fieldtype_t *element);

/**
 * Adds a function type as the next member, final and without a supertype. Takes the content of both vectors over, also where it fails, and
 * leaves them empty; NULL is an empty vector. False for NULL, if a value type is NULL, for more than 1,000 parameters or results or
 * 1,000,000 members, and if the group is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_add_func(libwasm_recgroup_t *group, wasm_valtype_vec_t *params, wasm_valtype_vec_t *results);

/**
 * Says whether the member at `index` is final: whether it can have no subtypes. False for NULL, if there is no such member, and if the group
 * is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_set_final(libwasm_recgroup_t *group, uint32_t index, bool is_final);

/**
 * Makes a type of another group the supertype of the member at `index`; NULL is none. The supertype is lent. False if the group is NULL,
 * there is no such member, or the group is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_set_supertype(libwasm_recgroup_t *group, uint32_t index, const libwasm_deftype_t *supertype);

/**
 * Makes the member at `supertype` the supertype of the one at `index`, which must come after it. False for NULL, if there is no such member,
 * if they are not in this order, and if the group is defined already.
 */
WASM_API_EXTERN bool libwasm_recgroup_set_supertype_member(libwasm_recgroup_t *group, uint32_t index, uint32_t supertype);

/**
 * Defines the types of the group, once all members are there. False, with the reason and the group as it was, for NULL, if there are no
 * members, if one names a member that there is not, or if one has a supertype that is final, of another kind, or that it does not match. A
 * group that is defined already stays so.
 */
WASM_API_EXTERN bool libwasm_recgroup_define(libwasm_recgroup_t *group);

/**
 * How many members the group has; 0 for NULL.
 */
WASM_API_EXTERN uint32_t libwasm_recgroup_size(const libwasm_recgroup_t *group);

/**
 * The type at `index` of a group that is defined, owned by the caller; NULL for NULL, if there is no such member, and if the group is not
 * defined yet.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_recgroup_type(const libwasm_recgroup_t *group, uint32_t index);

/**
 * The type of references to what is of a defined type, `(ref $t)` or, with null, `(ref null $t)`: an object of its own, which the caller
 * owns. It keeps the type, which is lent. NULL for NULL.
 */
WASM_API_EXTERN wasm_valtype_t *libwasm_valtype_new_ref(const libwasm_deftype_t *ty, bool nullable);

/**
 * The type of references to the member at `index` of a recursion group that is under construction: an object of its own, which the caller
 * owns. It can be used in that group only (`libwasm_recgroup_add_struct` and its siblings), and the member may be added later. Its kind is
 * `LIBWASM_ANYREF`, or `LIBWASM_REF_ANY` without null, whatever the member is.
 */
WASM_API_EXTERN wasm_valtype_t *libwasm_valtype_new_member(uint32_t index, bool nullable);

/**
 * The defined type that a value type names, owned by the caller; NULL, without a reason, if it names none; NULL for NULL.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_valtype_deftype(const wasm_valtype_t *ty);

/**
 * Whether null is a value of the type; false for numbers, vectors, and NULL.
 */
WASM_API_EXTERN bool libwasm_valtype_is_nullable(const wasm_valtype_t *ty);

/**
 * Whether two value types are the same; false if one is NULL or a member of a recursion group that is under construction.
 */
WASM_API_EXTERN bool libwasm_valtype_same(const wasm_valtype_t *a, const wasm_valtype_t *b);

/**
 * Whether each value of one type is one of another (<https://webassembly.github.io/spec/core/valid/matching.html#value-types>); false if
 * one is NULL or a member of a recursion group that is under construction.
 */
WASM_API_EXTERN bool libwasm_valtype_matches(const wasm_valtype_t *ty, const wasm_valtype_t *wanted);

/**
 * Whether something of one type can be imported where another is declared
 * (<https://webassembly.github.io/spec/core/valid/matching.html#external-types>), as `wasm_instance_new` asks; false if one is NULL. (Of tables
 * and memories that exist, their types say the current size for a minimum.)
 */
WASM_API_EXTERN bool libwasm_externtype_matches(const wasm_externtype_t *ty, const wasm_externtype_t *wanted);

/**
 * What a reference refers to, which is lent; `LIBWASM_REFKIND_NULL` for NULL, and, with a reason, on a thread that is not the store's.
 */
WASM_API_EXTERN libwasm_refkind_t libwasm_ref_kind(const wasm_ref_t *reference);

/**
 * The most precise type of a reference, without null, owned by the caller: of a function, a structure or an array the one that names
 * its defined type, `LIBWASM_REF_I31` of an i31, `LIBWASM_REF_EXN` of an exception, and `LIBWASM_REF_EXTERN` of other objects of the host. The
 * reference is lent. NULL for NULL, which is the null of several types.
 */
WASM_API_EXTERN wasm_valtype_t *libwasm_ref_type(const wasm_ref_t *reference);

/**
 * The defined type of a function, structure or array, owned by the caller; NULL, without a reason, of other objects; NULL for NULL.
 */
WASM_API_EXTERN libwasm_deftype_t *libwasm_ref_deftype(const wasm_ref_t *reference);

/**
 * Whether a reference is a value of a reference type, as `ref.test` tells it
 * (<https://webassembly.github.io/spec/core/syntax/instructions.html#reference-instructions>): NULL is the null of all types that have
 * one. A function, memory, or other object of the host is a value of the external types, and of `LIBWASM_ANYREF` as what
 * `any.convert_extern` makes of it; a structure, array or i31 one of both hierarchies. False, with a reason, if the type is NULL or no
 * reference type. The reference and the type are lent.
 */
WASM_API_EXTERN bool libwasm_ref_test(const wasm_ref_t *reference, const wasm_valtype_t *ty);

/**
 * Makes an external reference of an internal one, as `extern.convert_any` does: a value of kind `WASM_EXTERNREF` in `out`, with a handle of
 * its own of the same object, owned by the caller. The value is lent. False, and the i32 0, with a reason, for NULL and for values of other types than `LIBWASM_ANYREF` and its subtypes.
 */
WASM_API_EXTERN bool libwasm_val_extern_convert_any(const wasm_val_t *value, wasm_val_t *out);

/**
 * Makes an internal reference of an external one, as `any.convert_extern` does: a value of kind `LIBWASM_ANYREF` in `out`, otherwise as
 * `libwasm_val_extern_convert_any`.
 */
WASM_API_EXTERN bool libwasm_val_any_convert_extern(const wasm_val_t *value, wasm_val_t *out);

/**
 * Makes a weak reference to an object, which is lent, owned by the caller. NULL for NULL, and for a trap that belongs to no store.
 */
WASM_API_EXTERN libwasm_weak_t *libwasm_weak_new(const wasm_ref_t *object);

/**
 * Deletes a handle of a weak reference; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void libwasm_weak_delete(libwasm_weak_t *weak);

/**
 * Makes another handle of the same weak reference, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_weak_t *libwasm_weak_copy(const libwasm_weak_t *weak);

/**
 * The object that a weak reference refers to: a handle that the caller owns, and that keeps the object, the same as all others of it. NULL,
 * without a reason, if the object is gone; NULL for NULL, on a thread that is not the store's, and without memory for the handle.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_weak_get(const libwasm_weak_t *weak);

/**
 * Makes an i31 of the low 31 bits of a number, as `ref.i31` does, owned by the caller. Those of equal bits are the same reference. NULL for
 * NULL.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_i31_new(wasm_store_t *store, uint32_t number);

/**
 * The number of an i31, with its bit 30 for a sign, as `i31.get_s` gives it; 0, with a reason, for what is no i31.
 */
WASM_API_EXTERN int32_t libwasm_i31_get_s(const wasm_ref_t *i31);

/**
 * The number of an i31, from 0 to 2^31 - 1, as `i31.get_u` gives it; 0, with a reason, for what is no i31.
 */
WASM_API_EXTERN uint32_t libwasm_i31_get_u(const wasm_ref_t *i31);

/**
 * Makes a structure of a type, which is lent, owned by the caller. `values` has a value for each field, of its type, or an i32 for a packed
 * field, of which the low bits are kept; they are lent, and references among them are of the same store. It may collect.
 *
 * NULL, with a reason: for a NULL store or type, for a type of other than structures, for values of another number or type, and if the
 * heap is full (`LIBWASM_ERROR_OUT_OF_MEMORY`).
 */
WASM_API_EXTERN wasm_ref_t *libwasm_struct_new(wasm_store_t *store, const libwasm_deftype_t *ty, const wasm_val_vec_t *values);

/**
 * As `libwasm_struct_new`, with all fields zero or null. NULL also if a field can be neither: if it is a reference without null.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_struct_new_default(wasm_store_t *store, const libwasm_deftype_t *ty);

/**
 * Writes the value of a field, by its place in the type, to `out`, owned by the caller. A packed field is an i32 with bits of 0 above
 * its own; a cast to `int8_t` or `int16_t` gives the signed number. False, and the i32 0, with a reason, for NULL, for what is no structure,
 * and if there is no such field.
 */
WASM_API_EXTERN bool libwasm_struct_get(const wasm_ref_t *object, uint32_t field, wasm_val_t *out);

/**
 * Sets a field, by its place in the type, to a value of its type, or, if it is packed, to the low bits of an i32. The value is lent; what it
 * refers to is kept by the structure. It may collect.
 *
 * False, with a reason and nothing changed: for NULL, for what is no structure, if there is no such field, if it is immutable,
 * and for a value of another type or store.
 */
WASM_API_EXTERN bool libwasm_struct_set(wasm_ref_t *object, uint32_t field, const wasm_val_t *value);

/**
 * Makes an array of a type, which is lent, with `length` elements that all are `value`, owned by the caller. The value is of the elements'
 * type, or an i32 for packed elements, of which the low bits are kept; it is lent, and of the same store. It may collect.
 *
 * NULL, with a reason: for NULL, for a type of other than arrays, for a value of another type, and if the heap is full
 * (`LIBWASM_ERROR_OUT_OF_MEMORY`).
 */
WASM_API_EXTERN wasm_ref_t *libwasm_array_new(wasm_store_t *store, const libwasm_deftype_t *ty, uint32_t length, const wasm_val_t *value);

/**
 * As `libwasm_array_new`, with all elements zero or null. NULL also if they can be neither: if they are references without null.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_array_new_default(wasm_store_t *store, const libwasm_deftype_t *ty, uint32_t length);

/**
 * As `libwasm_array_new`, with an element for each of `values`, which are lent.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_array_new_from_values(wasm_store_t *store, const libwasm_deftype_t *ty, const wasm_val_vec_t *values);

/**
 * As `libwasm_array_new`, with elements that are numbers or vectors, which are copied from `data`, of any alignment: `length` elements, as
 * `libwasm_array_read` gives them. NULL also for a type of arrays of references, and if `data` is NULL and the length is not 0.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_array_new_from_data(wasm_store_t *store, const libwasm_deftype_t *ty, uint32_t length, const void *data);

/**
 * How many elements an array has; 0, with a reason, for NULL and for what is no array.
 */
WASM_API_EXTERN uint32_t libwasm_array_length(const wasm_ref_t *array);

/**
 * Writes the value of an element to `out`, owned by the caller. A packed element is an i32 with bits of 0 above its own; a cast to `int8_t`
 * or `int16_t` gives the signed number. False, and the i32 0, with a reason, for NULL, for what is no array, and if there is no such
 * element.
 */
WASM_API_EXTERN bool libwasm_array_get(const wasm_ref_t *array, uint32_t index, wasm_val_t *out);

/**
 * Sets an element to a value of the elements' type, or, if they are packed, to the low bits of an i32. The value is lent; what it
 * refers to is kept by the array. It may collect.
 *
 * False, with a reason and nothing changed: for NULL, for what is no array, if there is no such element, if elements are immutable, and for a
 * value of another type or store.
 */
WASM_API_EXTERN bool libwasm_array_set(wasm_ref_t *array, uint32_t index, const wasm_val_t *value);

/**
 * Sets `count` elements from `start` on to one value, as `libwasm_array_set` does.
 */
WASM_API_EXTERN bool libwasm_array_fill(wasm_ref_t *array, uint32_t start, uint32_t count, const wasm_val_t *value);

/**
 * Copies `count` elements of `source`, from `source_start` on, to `target`, from `target_start` on. They may be one array, and overlap.
 *
 * False, with a reason and nothing changed: for NULL, for what is no array, if there are no such elements, if those of the target are immutable
 * or of a type that those of the source do not match, and for arrays of different stores.
 */
WASM_API_EXTERN bool libwasm_array_copy(wasm_ref_t *target, uint32_t target_start, const wasm_ref_t *source, uint32_t source_start, uint32_t count);

/**
 * Copies `count` elements from `start` on to `out`, as they lie in memories: numbers and vectors, least significant byte first, without
 * anything between them. `out` has room for as many, of any alignment.
 *
 * False, with a reason and nothing written: for NULL, for what is no array, if there are no such elements, and if they are references.
 */
WASM_API_EXTERN bool libwasm_array_read(const wasm_ref_t *array, uint32_t start, uint32_t count, void *out);

/**
 * Sets `count` elements from `start` on to what `data` has, as `libwasm_array_read` gives it.
 *
 * False, with a reason and nothing changed: for NULL, for what is no array, if there are no such elements, if they are immutable, and if they are
 * references.
 */
WASM_API_EXTERN bool libwasm_array_write(wasm_ref_t *array, uint32_t start, uint32_t count, const void *data);

/**
 * Makes a memory type, owned by the caller, with 64-bit addresses and pages of another size where the limits say so. Copies the limits.
 * As with `wasm_memorytype_new`, any can be described; `wasm_memory_new` checks them. NULL if `limits` is NULL, if its page size is
 * none, or if its reserved members are not 0.
 */
WASM_API_EXTERN wasm_memorytype_t *libwasm_memorytype_new(const libwasm_limits_t *limits);

/**
 * Makes a table type, owned by the caller, with 64-bit indices where the limits say so. Takes `element` over, as `wasm_tabletype_new`
 * does, also where it fails, and copies the limits. Any can be described; `wasm_table_new` checks them. (No table has more than 10,000,000
 * elements, so the functions of `wasm.h` reach all of any.) NULL if a pointer is NULL, if the limits are shared or have a page size,
 * or if their reserved members are not 0.
 */
WASM_API_EXTERN wasm_tabletype_t *libwasm_tabletype_new(wasm_valtype_t *element, const libwasm_limits_t *limits);

/**
 * Writes the exact limits of a table type to `out`; false for NULL.
 */
WASM_API_EXTERN bool libwasm_tabletype_limits(const wasm_tabletype_t *ty, libwasm_limits_t *out);

/**
 * Writes the exact limits of a memory type to `out`; false for NULL.
 */
WASM_API_EXTERN bool libwasm_memorytype_limits(const wasm_memorytype_t *ty, libwasm_limits_t *out);

/**
 * The size of a memory in pages, of the size that its type says, as `memory.size` gives it; 0 for NULL. (`wasm_memory_size` has 32 bits.)
 */
WASM_API_EXTERN uint64_t libwasm_memory_size(const wasm_memory_t *memory);

/**
 * Grows a memory by `delta` pages, of the size that its type says. False, with the reason recorded and nothing changed, if it cannot
 * grow so far: because of its type (`LIBWASM_ERROR_LIMIT`), because less address space was reserved for it (the same; see
 * `libwasm_config_set_memory_reservation`), or because the system has no memory left (`LIBWASM_ERROR_OUT_OF_MEMORY`).
 */
WASM_API_EXTERN bool libwasm_memory_grow(wasm_memory_t *memory, uint64_t delta);

/**
 * Makes a shared memory of zeros, owned by the caller. The type is one that is shared (`libwasm_memorytype_new`), so it has a maximum,
 * and so much address space is reserved from the start: the memory never moves. (With 64-bit addresses, or where there is not so much, it
 * can be less; growing fails then where that ends.) NULL if a pointer is NULL, if the type is not shared or its limits
 * cannot be, or if there is no memory.
 */
WASM_API_EXTERN libwasm_shared_memory_t *libwasm_shared_memory_new(wasm_engine_t *engine, const wasm_memorytype_t *ty);

/**
 * Deletes a handle of a shared memory; the memories of stores that are the same bytes live on; does nothing for NULL.
 */
WASM_API_EXTERN void libwasm_shared_memory_delete(libwasm_shared_memory_t *memory);

/**
 * Makes another handle of the same shared memory, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_shared_memory_t *libwasm_shared_memory_copy(const libwasm_shared_memory_t *memory);

/**
 * Whether two handles are of the same shared memory; false if one is NULL.
 */
WASM_API_EXTERN bool libwasm_shared_memory_same(const libwasm_shared_memory_t *a, const libwasm_shared_memory_t *b);

/**
 * The shared memory that a memory of a store is, as a handle that the caller owns: for other threads. NULL for NULL, and if the memory is
 * not shared (`libwasm_memorytype_limits` says so of its type).
 */
WASM_API_EXTERN libwasm_shared_memory_t *libwasm_memory_share(const wasm_memory_t *memory);

/**
 * Makes a memory of a store that is the same bytes as a shared memory, owned by the caller: to import it, and for all functions of
 * memories. Each is an object of its own, with its own host info, and not the same as another by `wasm_memory_same`.
 * NULL if a pointer is NULL, or the store is of another engine.
 */
WASM_API_EXTERN wasm_memory_t *libwasm_memory_obtain(wasm_store_t *store, const libwasm_shared_memory_t *shared);

/**
 * The type of a shared memory, with its current size as the minimum, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN wasm_memorytype_t *libwasm_shared_memory_type(const libwasm_shared_memory_t *memory);

/**
 * The bytes of a shared memory, which stay where they are as long as it lives; NULL for NULL.
 */
WASM_API_EXTERN byte_t *libwasm_shared_memory_data(const libwasm_shared_memory_t *memory);

/**
 * The size of a shared memory in bytes, as it is now: it may grow at any time, and never shrinks. 0 for NULL.
 */
WASM_API_EXTERN size_t libwasm_shared_memory_data_size(const libwasm_shared_memory_t *memory);

/**
 * The size of a shared memory in pages, of the size that its type says, as it is now; 0 for NULL.
 */
WASM_API_EXTERN uint64_t libwasm_shared_memory_size(const libwasm_shared_memory_t *memory);

/**
 * Grows a shared memory by `delta` pages, for all threads: the size that this gave rise to can be accessed everywhere. False, with the reason
 * recorded and nothing changed, as with `libwasm_memory_grow`.
 */
WASM_API_EXTERN bool libwasm_shared_memory_grow(libwasm_shared_memory_t *memory, uint64_t delta);

/**
 * Waits like `memory.atomic.wait32`: if the 4 bytes at `address` are `expected`, the thread sleeps until another notifies that
 * address, a guest or `libwasm_shared_memory_notify`, or until `timeout` nanoseconds are over; a negative one never is. Fails, with the
 * reason recorded, for NULL and if the address is beyond the memory or no multiple of 4.
 *
 * The handle may be deleted meanwhile. In a callback of WebAssembly's, the store stays busy while the thread sleeps.
 */
WASM_API_EXTERN libwasm_wait_result_t libwasm_shared_memory_wait32(const libwasm_shared_memory_t *memory, uint64_t address, uint32_t expected, int64_t timeout);

/**
 * As `libwasm_shared_memory_wait32`, for 8 bytes at a multiple of 8: `memory.atomic.wait64`.
 */
WASM_API_EXTERN libwasm_wait_result_t libwasm_shared_memory_wait64(const libwasm_shared_memory_t *memory, uint64_t address, uint64_t expected, int64_t timeout);

/**
 * Wakes threads that wait at `address`, those that came first, and `count` of them at most: `memory.atomic.notify`. How many it woke.
 * 0, with the reason recorded, for NULL and if the address is beyond the memory or no multiple of 4.
 */
WASM_API_EXTERN uint32_t libwasm_shared_memory_notify(const libwasm_shared_memory_t *memory, uint64_t address, uint32_t count);

/**
 * Interrupts the waits in a shared memory, of guests and of the host, on all threads: those that last end at once, and so does, from now on,
 * every wait that would have to sleep, until this is called with false. A guest's traps (`LIBWASM_TRAP_INTERRUPTED`), and its instance can be
 * called again; the host's gives `LIBWASM_WAIT_INTERRUPTED`. So threads that wait for each other, or for something that will not come, can be
 * stopped. False only for NULL, with the reason recorded.
 */
WASM_API_EXTERN bool libwasm_shared_memory_set_interrupted(const libwasm_shared_memory_t *memory, bool interrupted);

/**
 * Names the stack that this thread runs on, or is about to switch to: memory from `low` up to `high`, where its first frame is. NULL
 * for both takes that back.
 *
 * WebAssembly runs on the stack that the system gave the thread, and on the one that was named last, for as long as the stack pointer
 * is in it. On any other a call gives a trap (`LIBWASM_TRAP_BAD_CALL`), since nobody could say where it ends. So a host whose
 * coroutines (fibers, green threads) call into WebAssembly calls this whenever one starts or goes on; when the thread is back on its own
 * stack, nothing has to be called. Before a stack is freed, or its memory is used for a smaller one, its name is to be taken back, and
 * if a coroutine on it is still in a call of WebAssembly, `libwasm_store_forget_stack` is to be called.
 *
 * Coroutines may be in calls of the same store at the same time, as long as they stay on one thread, and their calls may return in any
 * order. Each needs a stack of its own: a host that copies parts of one stack out and in may not have two of them in one store, and
 * the process ends with a message if it does.
 *
 * False, with the reason recorded, and nothing changes, if `low` is not below `high`.
 */
WASM_API_EXTERN bool libwasm_thread_set_stack(const void *low, const void *high);

/**
 * Says that what runs on a stack will never go on: a coroutine was given up while it was in a host function that a call of this store
 * had called. The calls that are on the memory from `low` up to `high` are dropped, as if they had been left by `longjmp`, and the
 * memory may be freed. Without that, what the frames of such a call refer to is kept, and the call is only found out when a
 * collection sees that its stack was overwritten or is gone.
 *
 * Does nothing and records the reason if a pointer is NULL, if `low` is not below `high`, or if this is called on that stack.
 */
WASM_API_EXTERN void libwasm_store_forget_stack(wasm_store_t *store, const void *low, const void *high);

/**
 * As `wasm_func_new_with_env`, for an environment that owns handles of the store's objects: of the instance that imports the
 * function, say, or of one of its exports. A handle keeps what it names alive, so such a function and such an instance would keep
 * each other alive for as long as the store lives. With `trace`, which tells which handles the environment owns, the collector sees
 * the cycle: when nothing else refers to the function and the instance, the finalizer is called, which deletes the
 * handles, and all of it is freed. The finalizer must not call functions of the objects. What only a host can know is not seen: an
 * environment that owns the store itself, or objects of another store that own handles of this one, are never freed.
 *
 * NULL if a pointer other than `env`, `trace` and `finalizer` is NULL; the finalizer has run then. Without `trace`, this
 * is `wasm_func_new_with_env`.
 */
WASM_API_EXTERN wasm_func_t *libwasm_func_new_with_traced_env(wasm_store_t *store, const wasm_functype_t *ty, wasm_func_callback_with_env_t callback, void *env, libwasm_trace_t trace, void (*finalizer)(void*));

/**
 * Why a trap happened; `LIBWASM_TRAP_BAD_CALL` for NULL.
 */
WASM_API_EXTERN libwasm_trap_code_t libwasm_trap_code(const wasm_trap_t *trap);

/**
 * Makes a tag of a type in a store, owned by the caller. The type is lent. NULL for NULL, and if the type has results.
 */
WASM_API_EXTERN libwasm_tag_t *libwasm_tag_new(wasm_store_t *store, const wasm_tagtype_t *ty);

/**
 * Deletes a handle of a tag; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void libwasm_tag_delete(libwasm_tag_t *tag);

/**
 * Makes another handle of the same tag, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN libwasm_tag_t *libwasm_tag_copy(const libwasm_tag_t *tag);

/**
 * Whether two handles are of the same tag; false if one is NULL.
 */
WASM_API_EXTERN bool libwasm_tag_same(const libwasm_tag_t *a, const libwasm_tag_t *b);

/**
 * The type of a tag, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN wasm_tagtype_t *libwasm_tag_type(const libwasm_tag_t *tag);

/**
 * A tag as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_extern_t *libwasm_tag_as_extern(libwasm_tag_t *tag);

/**
 * An external object as a tag: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN libwasm_tag_t *libwasm_extern_as_tag(wasm_extern_t *object);

/**
 * Makes an exception with a tag and arguments in the tag's store: a reference of kind `LIBWASM_EXNREF`, owned by the caller. The tag and
 * the arguments are lent. NULL for a NULL tag, for arguments of another number or kind than the tag's type has, and if the heap is
 * full.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_exception_new(const libwasm_tag_t *tag, const wasm_val_vec_t *args);

/**
 * The tag of an exception, owned by the caller; NULL, with a reason, for what is none.
 */
WASM_API_EXTERN libwasm_tag_t *libwasm_exception_tag(const wasm_ref_t *exception);

/**
 * What an exception carries, in a vector that the caller owns; false, and an empty vector, with a reason, for what is none.
 */
WASM_API_EXTERN bool libwasm_exception_args(const wasm_ref_t *exception, wasm_val_vec_t *out);

/**
 * The exception that a trap stands for, which WebAssembly has thrown and not caught (`LIBWASM_TRAP_EXCEPTION`): a reference that the caller
 * owns. NULL if it stands for none.
 */
WASM_API_EXTERN wasm_ref_t *libwasm_trap_exception(const wasm_trap_t *trap);

/**
 * Makes a trap that stands for an exception, owned by the caller: a callback that returns it throws the exception, the same that was
 * given, which is lent. NULL, with a reason, for what is no exception.
 */
WASM_API_EXTERN wasm_trap_t *libwasm_trap_new_exception(const wasm_ref_t *exception);

/**
 * Collects now: frees every object of WebAssembly and of the host in this store that neither the host has a handle of nor
 * anything reaches, all at once, and runs the finalizers of what it has freed before it returns. May be called by host
 * functions.
 *
 * The library collects by itself whenever that is worth its while. A host calls this where it knows that there is much garbage and time, or
 * wants finalizers to run.
 *
 * False, with the reason recorded, for NULL, on a thread that is not the store's, and from within a collection.
 */
WASM_API_EXTERN bool libwasm_store_collect(wasm_store_t *store);

/**
 * Limits the size of a store's heap in bytes: structures, arrays and exceptions with what is free between them. An allocation that has no
 * room, even after a collection, traps with `LIBWASM_TRAP_OUT_OF_MEMORY`, and the store goes on working.
 *
 * The heap grows by blocks of 32 KiB, and a limit is rounded down to whole blocks. What it has already is not taken back by a lower limit. By
 * default it may have all that 32-bit references reach: almost 4 GiB.
 *
 * False, with the reason recorded, for NULL and on a thread that is not the store's.
 */
WASM_API_EXTERN bool libwasm_store_set_heap_limit(wasm_store_t *store, size_t bytes);

/**
 * Tells what the heap of a store holds, and what its collector has done, without collecting.
 *
 * False, with the reason recorded and `out` all zero, for NULL and on a thread that is not the store's.
 */
WASM_API_EXTERN bool libwasm_store_heap_statistics(const wasm_store_t *store, libwasm_heap_statistics_t *out);

/**
 * Copies the name of a frame's function to `out`, owned by the caller: the one that the module's name section gives it.
 * Empty if it gives none, and for NULL.
 */
WASM_API_EXTERN void libwasm_frame_func_name(const wasm_frame_t *frame, wasm_name_t *out);

/**
 * Translates a module from the text format (<https://webassembly.github.io/spec/core/text/index.html>) to a binary in `out`,
 * owned by the caller. A binary is copied. False, and an empty vector, if the text is malformed; the message of the last
 * error has the line and the column, and what stands there. Components are no modules: they are refused. A
 * text may use any proposal: which of them a module may use, its engine decides. Legacy exceptions may be flat (`try ... catch $tag ... end`)
 * or folded (`(try (do ...) (catch $tag ...))`, `(try (do ...) (delegate $label))`).
 */
WASM_API_EXTERN bool libwasm_wat2wasm(const wasm_byte_vec_t *wat, wasm_byte_vec_t *out);

/**
 * As `libwasm_wat2wasm`, for a text that is called `name`, as the file that it comes from: messages say `name:line:column`. The name is
 * lent, and need not be a file's; NULL leaves it out.
 */
WASM_API_EXTERN bool libwasm_wat2wasm_named(const wasm_byte_vec_t *wat, const char *name, wasm_byte_vec_t *out);

/**
 * Loads an artifact that lies in a file, in a time that does not depend on its length: the file is mapped, not read, and what
 * is needed of it comes into memory when it is used. Only the module's types, imports, exports, globals, and its element
 * segments that are lists of expressions are decoded. The module is owned by the caller. NULL if there is no such file, or it
 * cannot be used as an artifact: `libwasm_last_error_message` says why.
 *
 * The file must not be changed or truncated as long as the module or an instance of it lives: what is not there any more
 * raises SIGBUS. To replace it by renaming another (as `libwasm_module_serialize_file` does) or to delete it is fine. Damage is
 * found in the head of the file only; elsewhere it makes wrong code or wrong traces. An artifact holds native code: only load
 * what you made.
 */
WASM_API_EXTERN wasm_module_t *libwasm_module_deserialize_file(wasm_store_t *store, const char *path);

/**
 * Writes an artifact of the module to a file, as `wasm_module_serialize` makes it: to a new one beside it, which then takes its
 * name. So the file is there whole or not at all, and one that was there before can be in use. False if that fails.
 */
WASM_API_EXTERN bool libwasm_module_serialize_file(const wasm_module_t *module, const char *path);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  // LIBWASM_H
