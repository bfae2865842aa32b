/** @file
 * wasm.h: the standard WebAssembly C API, as libwasm has it.
 *
 * Generated from libwasm's source; do not edit. NULL where an object is needed gives NULL, false, 0, an empty
 * vector, or a trap where a trap is returned; libwasm.h tells the reason.
 *
 * For parsers that take declarations only (cffi without a compiler, LuaJIT, PHP), and for cgo: LIBWASM_NO_INLINE, defined
 * before this file is read, leaves the inline functions out and makes macros of the two constants.
 */

#ifndef WASM_H
#define WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef LIBWASM_NO_INLINE
#include <assert.h>
#include <string.h>
#endif

#ifndef WASM_API_EXTERN
#if defined(_WIN32) && !defined(__MINGW32__) && !defined(LIBWASM_STATIC)
#define WASM_API_EXTERN __declspec(dllimport)
#else
#define WASM_API_EXTERN
#endif
#endif

/* Marks what is given away: `own` on a parameter means that the callee takes the object over, on a result or on an `out`
   parameter that the caller becomes the owner. It is empty, and undefined again at the end of this file. */
#define own

/* What the declarations below are made of, for those who generate bindings or declare types of the same shape. */

#define WASM_DECLARE_OWN(name) \
  typedef struct wasm_##name##_t wasm_##name##_t; \
  WASM_API_EXTERN void wasm_##name##_delete(wasm_##name##_t*);

#define WASM_DECLARE_VEC(name, ptr_or_none) \
  typedef struct wasm_##name##_vec_t { \
    size_t size; \
    wasm_##name##_t ptr_or_none* data; \
  } wasm_##name##_vec_t; \
  WASM_API_EXTERN void wasm_##name##_vec_new_empty(wasm_##name##_vec_t* out); \
  WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t* out, size_t); \
  WASM_API_EXTERN void wasm_##name##_vec_new(wasm_##name##_vec_t* out, size_t, wasm_##name##_t ptr_or_none const[]); \
  WASM_API_EXTERN void wasm_##name##_vec_copy(wasm_##name##_vec_t* out, const wasm_##name##_vec_t*); \
  WASM_API_EXTERN void wasm_##name##_vec_delete(wasm_##name##_vec_t*);

#define WASM_DECLARE_TYPE(name) \
  WASM_DECLARE_OWN(name) \
  WASM_DECLARE_VEC(name, *) \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);

#define WASM_DECLARE_REF_BASE(name) \
  WASM_DECLARE_OWN(name) \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*); \
  WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t*, const wasm_##name##_t*); \
  WASM_API_EXTERN void* wasm_##name##_get_host_info(const wasm_##name##_t*); \
  WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t*, void*); \
  WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t*, void*, void (*)(void*));

#define WASM_DECLARE_REF(name) \
  WASM_DECLARE_REF_BASE(name) \
  WASM_API_EXTERN wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t*); \
  WASM_API_EXTERN wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t*); \
  WASM_API_EXTERN const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t*); \
  WASM_API_EXTERN const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t*);

#define WASM_DECLARE_SHARABLE_REF(name) \
  WASM_DECLARE_REF(name) \
  WASM_DECLARE_OWN(shared_##name) \
  WASM_API_EXTERN wasm_shared_##name##_t* wasm_##name##_share(const wasm_##name##_t*); \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_obtain(wasm_store_t*, const wasm_shared_##name##_t*);

/* Names are vectors of bytes. */
#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_new_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

#ifdef LIBWASM_NO_INLINE
#define wasm_limits_max_default 0xffffffffu
#define MEMORY_PAGE_SIZE 0x10000u
#else

/** The `max` of limits without a maximum. */
static const uint32_t wasm_limits_max_default = 0xffffffff;

/** The size of a page of memory in bytes. */
static const size_t MEMORY_PAGE_SIZE = 0x10000;

#endif


/**
 * The mutabilities of globals.
 */
enum wasm_mutability_enum {
  WASM_CONST = 0,
  WASM_VAR = 1,
};

/**
 * The kinds of values. Kinds below 128 are numbers, the others are references.
 */
enum wasm_valkind_enum {
  WASM_I32 = 0,
  WASM_I64 = 1,
  WASM_F32 = 2,
  WASM_F64 = 3,
  WASM_EXTERNREF = 128,
  WASM_FUNCREF = 129,
};

/**
 * The kinds of external types and objects.
 */
enum wasm_externkind_enum {
  WASM_EXTERN_FUNC = 0,
  WASM_EXTERN_GLOBAL = 1,
  WASM_EXTERN_TABLE = 2,
  WASM_EXTERN_MEMORY = 3,
  WASM_EXTERN_TAG = 4,
};

/**
 * The configuration of an engine.
 */
typedef struct wasm_config_t wasm_config_t;

/**
 * An engine: the compiler and what stores and modules share. It can be used from any thread, and a process can have
 * several.
 */
typedef struct wasm_engine_t wasm_engine_t;

/**
 * The type of an export: its name and the type of what is exported.
 */
typedef struct wasm_exporttype_t wasm_exporttype_t;

/**
 * An external object: a function, global, table or memory.
 */
typedef struct wasm_extern_t wasm_extern_t;

/**
 * An external type (<https://webassembly.github.io/spec/core/syntax/types.html#external-types>).
 */
typedef struct wasm_externtype_t wasm_externtype_t;

/**
 * A foreign object: one of the host, known by its identity and its host info.
 */
typedef struct wasm_foreign_t wasm_foreign_t;

/**
 * A frame of a trap's trace. It outlives its trap.
 */
typedef struct wasm_frame_t wasm_frame_t;

/**
 * A function.
 */
typedef struct wasm_func_t wasm_func_t;

/**
 * A function type (<https://webassembly.github.io/spec/core/syntax/types.html#function-types>).
 */
typedef struct wasm_functype_t wasm_functype_t;

/**
 * A global.
 */
typedef struct wasm_global_t wasm_global_t;

/**
 * A global type (<https://webassembly.github.io/spec/core/syntax/types.html#global-types>).
 */
typedef struct wasm_globaltype_t wasm_globaltype_t;

/**
 * The type of an import: its names and the type of what is imported.
 */
typedef struct wasm_importtype_t wasm_importtype_t;

/**
 * An instance of a module.
 */
typedef struct wasm_instance_t wasm_instance_t;

/**
 * A linear memory.
 */
typedef struct wasm_memory_t wasm_memory_t;

/**
 * A memory type (<https://webassembly.github.io/spec/core/syntax/types.html#memory-types>).
 */
typedef struct wasm_memorytype_t wasm_memorytype_t;

/**
 * A compiled module (<https://webassembly.github.io/spec/core/syntax/modules.html>).
 */
typedef struct wasm_module_t wasm_module_t;

/**
 * A reference to an object of any kind.
 */
typedef struct wasm_ref_t wasm_ref_t;

/**
 * A module that can be given to another thread. It belongs to no store.
 */
typedef struct wasm_shared_module_t wasm_shared_module_t;

/**
 * A store: the world that instances and their objects live in. It is used by one thread at a time, but may move between
 * threads; handles of its objects may be deleted on any thread at any time.
 */
typedef struct wasm_store_t wasm_store_t;

/**
 * A table.
 */
typedef struct wasm_table_t wasm_table_t;

/**
 * A table type (<https://webassembly.github.io/spec/core/syntax/types.html#table-types>).
 */
typedef struct wasm_tabletype_t wasm_tabletype_t;

/**
 * A tag type (<https://webassembly.github.io/spec/core/syntax/types.html#tag-types>).
 */
typedef struct wasm_tagtype_t wasm_tagtype_t;

/**
 * A trap (<https://webassembly.github.io/spec/core/intro/overview.html#trap>).
 */
typedef struct wasm_trap_t wasm_trap_t;

/**
 * A value type (<https://webassembly.github.io/spec/core/syntax/types.html#value-types>). There is one object for each kind, alive as long
 * as the library: copies are the same object, and deleting one does nothing, whoever owned it. Only types that name a type which a
 * module or the host has defined, like `(ref $t)`, are objects of their own: a copy is another, and each is deleted once. What a getter
 * lends is never deleted.
 */
typedef struct wasm_valtype_t wasm_valtype_t;

/**
 * A byte.
 */
typedef char byte_t;

/**
 * A byte, as the element of a `wasm_byte_vec_t`.
 */
typedef byte_t wasm_byte_t;

/**
 * A vector of bytes. `data` belongs to the vector. The bytes of one that the library makes are followed by a zero that `size` does not
 * count.
 *
 * As all vectors: one that the library fills has a `data` that is not NULL, also where there are no elements. One that was made empty
 * or has been deleted has NULL, and one that a caller gives may have either.
 */
typedef struct wasm_byte_vec_t {
  size_t size;
  wasm_byte_t *data;
} wasm_byte_vec_t;

/**
 * The kind of a value: one of `enum wasm_valkind_enum`, or of `libwasm.h` for the types the standard does not name.
 */
typedef uint8_t wasm_valkind_t;

/**
 * A vector of value types.
 */
typedef struct wasm_valtype_vec_t {
  size_t size;
  wasm_valtype_t **data;
} wasm_valtype_vec_t;

/**
 * A vector of function types. It owns its elements.
 */
typedef struct wasm_functype_vec_t {
  size_t size;
  wasm_functype_t **data;
} wasm_functype_vec_t;

/**
 * Whether a global can be set: one of `enum wasm_mutability_enum`.
 */
typedef uint8_t wasm_mutability_t;

/**
 * A vector of global types. It owns its elements.
 */
typedef struct wasm_globaltype_vec_t {
  size_t size;
  wasm_globaltype_t **data;
} wasm_globaltype_vec_t;

/**
 * The size limits of a table, in elements, or of a memory, in pages of 64 KiB. `max` is `wasm_limits_max_default` where
 * there is no maximum, or one that does not fit; `libwasm.h` has the exact limits.
 */
typedef struct wasm_limits_t {
  uint32_t min;
  uint32_t max;
} wasm_limits_t;

/**
 * A vector of table types. It owns its elements.
 */
typedef struct wasm_tabletype_vec_t {
  size_t size;
  wasm_tabletype_t **data;
} wasm_tabletype_vec_t;

/**
 * A vector of memory types. It owns its elements.
 */
typedef struct wasm_memorytype_vec_t {
  size_t size;
  wasm_memorytype_t **data;
} wasm_memorytype_vec_t;

/**
 * A vector of tag types. It owns its elements.
 */
typedef struct wasm_tagtype_vec_t {
  size_t size;
  wasm_tagtype_t **data;
} wasm_tagtype_vec_t;

/**
 * The kind of an external type or object: one of `enum wasm_externkind_enum`.
 */
typedef uint8_t wasm_externkind_t;

/**
 * A vector of external types. It owns its elements.
 */
typedef struct wasm_externtype_vec_t {
  size_t size;
  wasm_externtype_t **data;
} wasm_externtype_vec_t;

/**
 * A name: UTF-8. `size` counts no terminating NUL, but in names that the library makes there is one.
 */
typedef wasm_byte_vec_t wasm_name_t;

/**
 * A vector of types of imports. It owns its elements.
 */
typedef struct wasm_importtype_vec_t {
  size_t size;
  wasm_importtype_t **data;
} wasm_importtype_vec_t;

/**
 * A vector of types of exports. It owns its elements.
 */
typedef struct wasm_exporttype_vec_t {
  size_t size;
  wasm_exporttype_t **data;
} wasm_exporttype_vec_t;

/**
 * A 32-bit floating-point number.
 */
typedef float float32_t;

/**
 * A 64-bit floating-point number.
 */
typedef double float64_t;

/**
 * The content of a value: the member that its kind says. `ref` belongs to the owner of the value.
 */
typedef union wasm_val_union_t {
  int32_t i32;
  int64_t i64;
  float32_t f32;
  float64_t f64;
  wasm_ref_t *ref;
} wasm_val_union_t;

/**
 * A value. References and v128 values own what `of.ref` points to; `wasm_val_delete` frees it.
 */
typedef struct wasm_val_t {
  wasm_valkind_t kind;
  wasm_val_union_t of;
} wasm_val_t;

/**
 * A vector of values. It owns its elements.
 */
typedef struct wasm_val_vec_t {
  size_t size;
  wasm_val_t *data;
} wasm_val_vec_t;

/**
 * A vector of frames. It owns its elements.
 */
typedef struct wasm_frame_vec_t {
  size_t size;
  wasm_frame_t **data;
} wasm_frame_vec_t;

/**
 * A message: text with a terminating NUL that `size` counts.
 */
typedef wasm_byte_vec_t wasm_message_t;

/**
 * A function of the host. `args` is lent. `results` arrives with as many values as the function has results, of their kinds and
 * zero. The callback writes its results there, or puts another vector in the place of that one (`wasm_val_vec_new(results, ...)`,
 * `*results = vector`); either way they become the library's, and so does the new vector. It may delete the vector that it was lent
 * first, on whichever stack or thread. Another number of results, or another kind, is a trap that says so. Returns NULL, or a trap,
 * which becomes the library's too.
 *
 * Stack: a callback can count on 1 MiB of its thread's stack however deep the guest is, or on half of a stack of less than 2 MiB
 * (`libwasm_config_set_host_stack_reserve`, `libwasm_config_set_max_wasm_stack`). On a coroutine's stack WebAssembly runs once its
 * bounds are known (`libwasm_thread_set_stack`).
 *
 * Leaving otherwise than by return: `longjmp` out of a callback is allowed, past any number of calls of WebAssembly. The call that
 * is left never returns; what it was lent is freed when the store is next used. A C++ exception (or another that unwinds frames) goes
 * on at the host function's caller on the other side of WebAssembly, whose frames it drops, and can be caught there; one that nobody
 * further out catches becomes a trap (`LIBWASM_TRAP_HOST`) instead. Coroutines may be suspended in callbacks and go on in any
 * order; one that never does is to be given up by `libwasm_store_forget_stack`.
 *
 * Floating-point mode: the callback runs in the mode that the host had when it called, WebAssembly in its own.
 */
typedef wasm_trap_t *(*wasm_func_callback_t)(const wasm_val_vec_t *args, wasm_val_vec_t *results);

/**
 * As `wasm_func_callback_t`, with the environment given to `wasm_func_new_with_env`.
 */
typedef wasm_trap_t *(*wasm_func_callback_with_env_t)(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results);

/**
 * A number of table elements.
 */
typedef uint32_t wasm_table_size_t;

/**
 * A number of pages: of 64 KiB, unless the memory's type says otherwise (`libwasm_memorytype_limits`).
 */
typedef uint32_t wasm_memory_pages_t;

/**
 * A vector of external objects. It owns its elements.
 */
typedef struct wasm_extern_vec_t {
  size_t size;
  wasm_extern_t **data;
} wasm_extern_vec_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_byte_vec_new_empty(own wasm_byte_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is zero. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_byte_vec_new_uninitialized(own wasm_byte_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements.
 */
WASM_API_EXTERN void wasm_byte_vec_new(own wasm_byte_vec_t *out, size_t size, own const wasm_byte_t *data);

/**
 * Makes a copy of a vector in `out`.
 */
WASM_API_EXTERN void wasm_byte_vec_copy(own wasm_byte_vec_t *out, const wasm_byte_vec_t *source);

/**
 * Deletes the content of a vector and leaves it empty.
 */
WASM_API_EXTERN void wasm_byte_vec_delete(own wasm_byte_vec_t *vector);

/**
 * Deletes a configuration; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_config_delete(own wasm_config_t *object);

/**
 * Makes a configuration with the defaults, owned by the caller.
 */
WASM_API_EXTERN own wasm_config_t *wasm_config_new(void);

/**
 * Deletes an engine; what was made with it lives on; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_engine_delete(own wasm_engine_t *object);

/**
 * Makes an engine with the default configuration, owned by the caller. NULL if the machine is not supported.
 */
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new(void);

/**
 * Makes an engine, owned by the caller. Takes the configuration over. NULL if that is NULL or the machine does not
 * support it.
 */
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new_with_config(own wasm_config_t *config);

/**
 * Gives a store up; does nothing for NULL. Objects of it that there are handles of live on, and the store with them.
 */
WASM_API_EXTERN void wasm_store_delete(own wasm_store_t *store);

/**
 * Makes a store, owned by the caller. NULL if the engine is NULL.
 */
WASM_API_EXTERN own wasm_store_t *wasm_store_new(wasm_engine_t *engine);

/**
 * Deletes a value type that names a defined type; does nothing for all others, which are static, and for NULL.
 */
WASM_API_EXTERN void wasm_valtype_delete(own wasm_valtype_t *object);

/**
 * The same value type, as an object of its own if it names a defined type, which the caller owns then; NULL for NULL.
 */
WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *object);

/**
 * The value type of this kind; NULL if there is no such kind.
 */
WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind);

/**
 * The kind of a value type; `WASM_I32` for NULL. For a type that names a defined type it is the kind of the nearest type that has one:
 * `WASM_FUNCREF` for `(ref null $f)` where `$f` is a function type.
 */
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_valtype_vec_new_empty(own wasm_valtype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_valtype_vec_new_uninitialized(own wasm_valtype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements.
 */
WASM_API_EXTERN void wasm_valtype_vec_new(own wasm_valtype_vec_t *out, size_t size, own wasm_valtype_t *const *data);

/**
 * Makes a copy of a vector in `out`.
 */
WASM_API_EXTERN void wasm_valtype_vec_copy(own wasm_valtype_vec_t *out, const wasm_valtype_vec_t *source);

/**
 * Deletes the content of a vector and leaves it empty.
 */
WASM_API_EXTERN void wasm_valtype_vec_delete(own wasm_valtype_vec_t *vector);

/**
 * Deletes a function type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_functype_delete(own wasm_functype_t *object);

/**
 * Makes a copy of a function type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_functype_t *wasm_functype_copy(const wasm_functype_t *object);

/**
 * Makes a function type, owned by the caller. Takes the content of both vectors over and leaves them empty; NULL is an
 * empty vector. NULL if an element is NULL.
 */
WASM_API_EXTERN own wasm_functype_t *wasm_functype_new(own wasm_valtype_vec_t *params, own wasm_valtype_vec_t *results);

/**
 * The types of the parameters, lent by the function type; NULL for NULL.
 */
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *ty);

/**
 * The types of the results, lent by the function type; NULL for NULL.
 */
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_functype_vec_new_empty(own wasm_functype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_functype_vec_new_uninitialized(own wasm_functype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_functype_vec_new(own wasm_functype_vec_t *out, size_t size, own wasm_functype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_functype_vec_copy(own wasm_functype_vec_t *out, const wasm_functype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_functype_vec_delete(own wasm_functype_vec_t *vector);

/**
 * Deletes a global type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_globaltype_delete(own wasm_globaltype_t *object);

/**
 * Makes a copy of a global type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *object);

/**
 * Makes a global type, owned by the caller. NULL if the value type is NULL, or `mutability` is neither
 * `WASM_CONST` nor `WASM_VAR`.
 */
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_new(own wasm_valtype_t *content, wasm_mutability_t mutability);

/**
 * The type of the value, lent by the global type; NULL for NULL.
 */
WASM_API_EXTERN const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *ty);

/**
 * Whether the global can be set; `WASM_CONST` for NULL.
 */
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_globaltype_vec_new_empty(own wasm_globaltype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_globaltype_vec_new_uninitialized(own wasm_globaltype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_globaltype_vec_new(own wasm_globaltype_vec_t *out, size_t size, own wasm_globaltype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_globaltype_vec_copy(own wasm_globaltype_vec_t *out, const wasm_globaltype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_globaltype_vec_delete(own wasm_globaltype_vec_t *vector);

/**
 * Deletes a table type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_tabletype_delete(own wasm_tabletype_t *object);

/**
 * Makes a copy of a table type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *object);

/**
 * Makes a table type, owned by the caller. Copies the limits. Any value type and any limits
 * can be described; `wasm_table_new` checks them. NULL if either is NULL.
 */
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_new(own wasm_valtype_t *element, const wasm_limits_t *limits);

/**
 * The type of the elements, lent by the table type; NULL for NULL.
 */
WASM_API_EXTERN const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *ty);

/**
 * The limits in elements, lent by the table type; NULL for NULL. Limits beyond 32 bits saturate to
 * `wasm_limits_max_default`.
 */
WASM_API_EXTERN const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_tabletype_vec_new_empty(own wasm_tabletype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_tabletype_vec_new_uninitialized(own wasm_tabletype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_tabletype_vec_new(own wasm_tabletype_vec_t *out, size_t size, own wasm_tabletype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_tabletype_vec_copy(own wasm_tabletype_vec_t *out, const wasm_tabletype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_tabletype_vec_delete(own wasm_tabletype_vec_t *vector);

/**
 * Deletes a memory type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_memorytype_delete(own wasm_memorytype_t *object);

/**
 * Makes a copy of a memory type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *object);

/**
 * Makes a memory type, owned by the caller. Copies the limits. Any limits can be described; `wasm_memory_new` checks them.
 * NULL if `limits` is NULL.
 */
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits);

/**
 * The limits in pages (of 64 KiB, unless `libwasm_memorytype_limits` says otherwise), lent by the memory type; NULL for NULL. Limits beyond 32 bits saturate to
 * `wasm_limits_max_default`.
 */
WASM_API_EXTERN const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_memorytype_vec_new_empty(own wasm_memorytype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_memorytype_vec_new_uninitialized(own wasm_memorytype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_memorytype_vec_new(own wasm_memorytype_vec_t *out, size_t size, own wasm_memorytype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_memorytype_vec_copy(own wasm_memorytype_vec_t *out, const wasm_memorytype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_memorytype_vec_delete(own wasm_memorytype_vec_t *vector);

/**
 * Deletes a tag type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_tagtype_delete(own wasm_tagtype_t *object);

/**
 * Makes a copy of a tag type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_tagtype_t *wasm_tagtype_copy(const wasm_tagtype_t *object);

/**
 * Makes a tag type, owned by the caller. Takes the function type over, which says what an exception of this tag carries.
 * NULL if that is NULL.
 */
WASM_API_EXTERN own wasm_tagtype_t *wasm_tagtype_new(own wasm_functype_t *func);

/**
 * The function type, lent by the tag type; NULL for NULL.
 */
WASM_API_EXTERN const wasm_functype_t *wasm_tagtype_functype(const wasm_tagtype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_tagtype_vec_new_empty(own wasm_tagtype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_tagtype_vec_new_uninitialized(own wasm_tagtype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_tagtype_vec_new(own wasm_tagtype_vec_t *out, size_t size, own wasm_tagtype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_tagtype_vec_copy(own wasm_tagtype_vec_t *out, const wasm_tagtype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_tagtype_vec_delete(own wasm_tagtype_vec_t *vector);

/**
 * Deletes an external type; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_externtype_delete(own wasm_externtype_t *object);

/**
 * Makes a copy of an external type, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *object);

/**
 * The kind of an external type; `WASM_EXTERN_FUNC` for NULL.
 */
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *ty);

/**
 * A function type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_externtype_t *wasm_functype_as_externtype(wasm_functype_t *ty);

/**
 * A global type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_externtype_t *wasm_globaltype_as_externtype(wasm_globaltype_t *ty);

/**
 * A table type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_externtype_t *wasm_tabletype_as_externtype(wasm_tabletype_t *ty);

/**
 * A memory type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_externtype_t *wasm_memorytype_as_externtype(wasm_memorytype_t *ty);

/**
 * A tag type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_externtype_t *wasm_tagtype_as_externtype(wasm_tagtype_t *ty);

/**
 * An external type as a function type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_functype_t *wasm_externtype_as_functype(wasm_externtype_t *ty);

/**
 * An external type as a global type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_globaltype_t *wasm_externtype_as_globaltype(wasm_externtype_t *ty);

/**
 * An external type as a table type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_tabletype_t *wasm_externtype_as_tabletype(wasm_externtype_t *ty);

/**
 * An external type as a memory type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_memorytype_t *wasm_externtype_as_memorytype(wasm_externtype_t *ty);

/**
 * An external type as a tag type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_tagtype_t *wasm_externtype_as_tagtype(wasm_externtype_t *ty);

/**
 * A function type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_functype_as_externtype_const(const wasm_functype_t *ty);

/**
 * A global type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_globaltype_as_externtype_const(const wasm_globaltype_t *ty);

/**
 * A table type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_tabletype_as_externtype_const(const wasm_tabletype_t *ty);

/**
 * A memory type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_memorytype_as_externtype_const(const wasm_memorytype_t *ty);

/**
 * A tag type as an external type: a view of the same object, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_tagtype_as_externtype_const(const wasm_tagtype_t *ty);

/**
 * An external type as a function type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_functype_t *wasm_externtype_as_functype_const(const wasm_externtype_t *ty);

/**
 * An external type as a global type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_globaltype_t *wasm_externtype_as_globaltype_const(const wasm_externtype_t *ty);

/**
 * An external type as a table type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_tabletype_t *wasm_externtype_as_tabletype_const(const wasm_externtype_t *ty);

/**
 * An external type as a memory type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_memorytype_t *wasm_externtype_as_memorytype_const(const wasm_externtype_t *ty);

/**
 * An external type as a tag type: a view of the same object, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_tagtype_t *wasm_externtype_as_tagtype_const(const wasm_externtype_t *ty);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_externtype_vec_new_empty(own wasm_externtype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_externtype_vec_new_uninitialized(own wasm_externtype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_externtype_vec_new(own wasm_externtype_vec_t *out, size_t size, own wasm_externtype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_externtype_vec_copy(own wasm_externtype_vec_t *out, const wasm_externtype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_externtype_vec_delete(own wasm_externtype_vec_t *vector);

/**
 * Deletes the type of an import; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_importtype_delete(own wasm_importtype_t *object);

/**
 * Makes a copy of the type of an import, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *object);

/**
 * Makes the type of an import, owned by the caller. Takes the names' content over and leaves them empty, and takes the
 * external type over. A NULL name is empty. NULL if the external type is NULL.
 */
WASM_API_EXTERN own wasm_importtype_t *wasm_importtype_new(own wasm_name_t *module, own wasm_name_t *name, own wasm_externtype_t *ty);

/**
 * The name of the module to import from, lent by the type of the import; NULL for NULL.
 */
WASM_API_EXTERN const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import);

/**
 * The name of the import, lent by the type of the import; NULL for NULL.
 */
WASM_API_EXTERN const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import);

/**
 * The type of what is imported, lent by the type of the import; NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_importtype_vec_new_empty(own wasm_importtype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_importtype_vec_new_uninitialized(own wasm_importtype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_importtype_vec_new(own wasm_importtype_vec_t *out, size_t size, own wasm_importtype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_importtype_vec_copy(own wasm_importtype_vec_t *out, const wasm_importtype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_importtype_vec_delete(own wasm_importtype_vec_t *vector);

/**
 * Deletes the type of an export; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_exporttype_delete(own wasm_exporttype_t *object);

/**
 * Makes a copy of the type of an export, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *object);

/**
 * Makes the type of an export, owned by the caller. Takes the name's content over and leaves it empty, and takes the
 * external type over. A NULL name is empty. NULL if the external type is NULL.
 */
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_new(own wasm_name_t *name, own wasm_externtype_t *ty);

/**
 * The name of the export, lent by the type of the export; NULL for NULL.
 */
WASM_API_EXTERN const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export_);

/**
 * The type of what is exported, lent by the type of the export; NULL for NULL.
 */
WASM_API_EXTERN const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export_);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_exporttype_vec_new_empty(own wasm_exporttype_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_exporttype_vec_new_uninitialized(own wasm_exporttype_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_exporttype_vec_new(own wasm_exporttype_vec_t *out, size_t size, own wasm_exporttype_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_exporttype_vec_copy(own wasm_exporttype_vec_t *out, const wasm_exporttype_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_exporttype_vec_delete(own wasm_exporttype_vec_t *vector);

/**
 * Frees what the value owns, not the struct, and makes it a null or zero of its kind. Does nothing for NULL.
 */
WASM_API_EXTERN void wasm_val_delete(own wasm_val_t *value);

/**
 * Makes a copy of a value in `out`, with a handle or box of its own if it owns one.
 */
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t *out, const wasm_val_t *source);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_val_vec_new_empty(own wasm_val_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is the i32 0. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_val_vec_new_uninitialized(own wasm_val_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_val_vec_new(own wasm_val_vec_t *out, size_t size, own const wasm_val_t *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_val_vec_copy(own wasm_val_vec_t *out, const wasm_val_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_val_vec_delete(own wasm_val_vec_t *vector);

/**
 * Deletes a handle of a reference; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_ref_delete(own wasm_ref_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_ref_t *wasm_ref_copy(const wasm_ref_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_ref_same(const wasm_ref_t *a, const wasm_ref_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_ref_get_host_info(const wasm_ref_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_ref_set_host_info(wasm_ref_t *object, void *info);

/**
 * As `wasm_ref_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_ref_set_host_info_with_finalizer(wasm_ref_t *object, void *info, void (*finalizer)(void*));

/**
 * Deletes a frame; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_frame_delete(own wasm_frame_t *object);

/**
 * Makes a copy of a frame, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_frame_t *wasm_frame_copy(const wasm_frame_t *object);

/**
 * The instance whose function the frame ran, lent by the frame; NULL for NULL.
 */
WASM_API_EXTERN wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame);

/**
 * The function's index in its module; 0 for NULL.
 */
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t *frame);

/**
 * Where the frame was, in bytes from the start of the function's body; 0 for NULL.
 */
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t *frame);

/**
 * Where the frame was, in bytes from the start of the module's binary; 0 for NULL.
 */
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t *frame);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_frame_vec_new_empty(own wasm_frame_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_frame_vec_new_uninitialized(own wasm_frame_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_frame_vec_new(own wasm_frame_vec_t *out, size_t size, own wasm_frame_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_frame_vec_copy(own wasm_frame_vec_t *out, const wasm_frame_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_frame_vec_delete(own wasm_frame_vec_t *vector);

/**
 * Deletes a handle of a trap; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_trap_delete(own wasm_trap_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_trap_t *wasm_trap_copy(const wasm_trap_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_trap_same(const wasm_trap_t *a, const wasm_trap_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_trap_get_host_info(const wasm_trap_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_trap_set_host_info(wasm_trap_t *object, void *info);

/**
 * As `wasm_trap_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_trap_set_host_info_with_finalizer(wasm_trap_t *object, void *info, void (*finalizer)(void*));

/**
 * A trap as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_trap_as_ref(wasm_trap_t *object);

/**
 * A reference as a trap: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_trap_t *wasm_ref_as_trap(wasm_ref_t *reference);

/**
 * A trap as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_trap_as_ref_const(const wasm_trap_t *object);

/**
 * A reference as a trap: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_trap_t *wasm_ref_as_trap_const(const wasm_ref_t *reference);

/**
 * Makes a trap with a message, owned by the caller. The message may end in a NUL or not; NULL is an empty one.
 */
WASM_API_EXTERN own wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message);

/**
 * Makes a copy of the trap's message in `out`, with one terminating NUL that `size` counts.
 */
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t *trap, own wasm_message_t *out);

/**
 * The innermost frame of the trap's trace, owned by the caller; NULL if there is none.
 */
WASM_API_EXTERN own wasm_frame_t *wasm_trap_origin(const wasm_trap_t *trap);

/**
 * Makes the trap's trace in `out`: its frames, from the innermost outwards.
 */
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t *trap, own wasm_frame_vec_t *out);

/**
 * Deletes a handle of a foreign object; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_foreign_delete(own wasm_foreign_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_copy(const wasm_foreign_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_foreign_same(const wasm_foreign_t *a, const wasm_foreign_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_foreign_get_host_info(const wasm_foreign_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_foreign_set_host_info(wasm_foreign_t *object, void *info);

/**
 * As `wasm_foreign_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_foreign_set_host_info_with_finalizer(wasm_foreign_t *object, void *info, void (*finalizer)(void*));

/**
 * A foreign object as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_foreign_as_ref(wasm_foreign_t *object);

/**
 * A reference as a foreign object: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_foreign_t *wasm_ref_as_foreign(wasm_ref_t *reference);

/**
 * A foreign object as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_foreign_as_ref_const(const wasm_foreign_t *object);

/**
 * A reference as a foreign object: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_foreign_t *wasm_ref_as_foreign_const(const wasm_ref_t *reference);

/**
 * Makes a foreign object, owned by the caller. NULL if the store is NULL.
 */
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_new(wasm_store_t *store);

/**
 * Deletes a handle of a module; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_module_delete(own wasm_module_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_module_t *wasm_module_copy(const wasm_module_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_module_same(const wasm_module_t *a, const wasm_module_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_module_get_host_info(const wasm_module_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_module_set_host_info(wasm_module_t *object, void *info);

/**
 * As `wasm_module_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_module_set_host_info_with_finalizer(wasm_module_t *object, void *info, void (*finalizer)(void*));

/**
 * A module as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_module_as_ref(wasm_module_t *object);

/**
 * A reference as a module: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_module_t *wasm_ref_as_module(wasm_ref_t *reference);

/**
 * A module as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_module_as_ref_const(const wasm_module_t *object);

/**
 * A reference as a module: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_module_t *wasm_ref_as_module_const(const wasm_ref_t *reference);

/**
 * Deletes a shared module; modules obtained from it live on; does nothing for NULL.
 */
WASM_API_EXTERN void wasm_shared_module_delete(own wasm_shared_module_t *object);

/**
 * Makes a shared module of a module, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_shared_module_t *wasm_module_share(const wasm_module_t *module);

/**
 * Makes a module in `store` of a shared one, owned by the caller. NULL if one is NULL, or the store is of another engine.
 */
WASM_API_EXTERN own wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared);

/**
 * Validates and compiles a binary; the module is owned by the caller. NULL if it is malformed, invalid or not supported:
 * `libwasm_last_error_message` says why and `libwasm_last_error_offset` where.
 */
WASM_API_EXTERN own wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary);

/**
 * Whether a binary is a valid module that the store's engine accepts. If not, `libwasm_last_error_message` says why.
 */
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary);

/**
 * Makes the types of the module's imports in `out`, in the module's order.
 */
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t *module, own wasm_importtype_vec_t *out);

/**
 * Makes the types of the module's exports in `out`, in the module's order.
 */
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t *module, own wasm_exporttype_vec_t *out);

/**
 * Makes an artifact of the module in `out`: its machine code, for this version of libwasm, this kind of CPU and this
 * configuration of the engine.
 */
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t *module, own wasm_byte_vec_t *out);

/**
 * Loads a copy of an artifact; the module is owned by the caller. NULL if it is damaged or was made by another version, for another
 * CPU or with another configuration: `libwasm_last_error_message` says why, and `libwasm_last_error_offset` at which byte of the
 * artifact that shows. An artifact holds native code: only load what you made.
 */
WASM_API_EXTERN own wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *artifact);

/**
 * Deletes a handle of a function; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_func_delete(own wasm_func_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_func_t *wasm_func_copy(const wasm_func_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_func_same(const wasm_func_t *a, const wasm_func_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_func_get_host_info(const wasm_func_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_func_set_host_info(wasm_func_t *object, void *info);

/**
 * As `wasm_func_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_func_set_host_info_with_finalizer(wasm_func_t *object, void *info, void (*finalizer)(void*));

/**
 * A function as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_func_as_ref(wasm_func_t *object);

/**
 * A reference as a function: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_func_t *wasm_ref_as_func(wasm_ref_t *reference);

/**
 * A function as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_func_as_ref_const(const wasm_func_t *object);

/**
 * A reference as a function: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_func_t *wasm_ref_as_func_const(const wasm_ref_t *reference);

/**
 * Makes a function of the host, owned by the caller. NULL if a pointer is NULL.
 */
WASM_API_EXTERN own wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *ty, wasm_func_callback_t callback);

/**
 * Makes a function of the host with an environment, owned by the caller. The finalizer runs once with `env`: when the
 * function dies, or before this returns if it is not made. NULL if a pointer other than `env` and `finalizer` is NULL, or if the type
 * has more than 1,000 parameters or 1,000 results (`LIBWASM_ERROR_LIMIT`).
 */
WASM_API_EXTERN own wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *ty, wasm_func_callback_with_env_t callback, void *env, void (*finalizer)(void*));

/**
 * The type of a function, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_functype_t *wasm_func_type(const wasm_func_t *func);

/**
 * The number of a function's parameters; 0 for NULL.
 */
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t *func);

/**
 * The number of a function's results; 0 for NULL.
 */
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t *func);

/**
 * Calls a function (<https://webassembly.github.io/spec/core/exec/modules.html#invocation>).
 *
 * `args` is lent; NULL is an empty vector. `results` is room for the results, which may be raw memory. Returns NULL, and then the
 * results are written and are the caller's; or a trap, which is the caller's, and then `results` is as it was. A wrong number
 * or kind of arguments gives a trap and calls nothing. A NULL function gives a trap without a store.
 *
 * Results that find no room are dropped, references among them deleted: all of them if `results` is NULL or its size 0. Of a larger
 * vector only as many elements are written as there are results.
 */
WASM_API_EXTERN own wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args, wasm_val_vec_t *results);

/**
 * Deletes a handle of a global; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_global_delete(own wasm_global_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_global_t *wasm_global_copy(const wasm_global_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_global_same(const wasm_global_t *a, const wasm_global_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_global_get_host_info(const wasm_global_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_global_set_host_info(wasm_global_t *object, void *info);

/**
 * As `wasm_global_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_global_set_host_info_with_finalizer(wasm_global_t *object, void *info, void (*finalizer)(void*));

/**
 * A global as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_global_as_ref(wasm_global_t *object);

/**
 * A reference as a global: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_global_t *wasm_ref_as_global(wasm_ref_t *reference);

/**
 * A global as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_global_as_ref_const(const wasm_global_t *object);

/**
 * A reference as a global: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_global_t *wasm_ref_as_global_const(const wasm_ref_t *reference);

/**
 * Makes a global, owned by the caller. The value is lent. A number of another kind is taken for its bits, and the mistake
 * recorded; NULL for any other wrong kind, a NULL pointer, or a reference to an object of another store.
 */
WASM_API_EXTERN own wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *ty, const wasm_val_t *value);

/**
 * The type of a global, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_globaltype_t *wasm_global_type(const wasm_global_t *global);

/**
 * Writes the value of a global to `out`, owned by the caller.
 */
WASM_API_EXTERN void wasm_global_get(const wasm_global_t *global, own wasm_val_t *out);

/**
 * Sets a global. The value is lent. Does nothing and records the reason if the global is immutable or the value of another
 * kind.
 */
WASM_API_EXTERN void wasm_global_set(wasm_global_t *global, const wasm_val_t *value);

/**
 * Deletes a handle of a table; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_table_delete(own wasm_table_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_table_t *wasm_table_copy(const wasm_table_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_table_same(const wasm_table_t *a, const wasm_table_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_table_get_host_info(const wasm_table_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_table_set_host_info(wasm_table_t *object, void *info);

/**
 * As `wasm_table_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_table_set_host_info_with_finalizer(wasm_table_t *object, void *info, void (*finalizer)(void*));

/**
 * A table as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_table_as_ref(wasm_table_t *object);

/**
 * A reference as a table: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_table_t *wasm_ref_as_table(wasm_ref_t *reference);

/**
 * A table as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_table_as_ref_const(const wasm_table_t *object);

/**
 * A reference as a table: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_table_t *wasm_ref_as_table_const(const wasm_ref_t *reference);

/**
 * Makes a table, owned by the caller. `init` is lent; every element becomes it, NULL being a null reference. NULL if the
 * type is not that of a table, or the reference does not fit it.
 */
WASM_API_EXTERN own wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *ty, wasm_ref_t *init);

/**
 * The type of a table, with its current size as the minimum, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_tabletype_t *wasm_table_type(const wasm_table_t *table);

/**
 * The element at `index`, owned by the caller; NULL if it is null, or if the index is out of bounds, for which there is
 * a reason.
 */
WASM_API_EXTERN own wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index);

/**
 * Sets the element at `index` to a reference, which is lent; NULL is a null reference. False if the index is out of bounds
 * or the reference does not fit the table's type.
 */
WASM_API_EXTERN bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *reference);

/**
 * The size of a table in elements; 0 for NULL.
 */
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t *table);

/**
 * Grows a table by `delta` elements, which become `init`; it is lent, and NULL is a null reference. False if the table
 * cannot grow so far or the reference does not fit its type.
 */
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init);

/**
 * Deletes a handle of a memory; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_memory_delete(own wasm_memory_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_memory_t *wasm_memory_copy(const wasm_memory_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_memory_same(const wasm_memory_t *a, const wasm_memory_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_memory_get_host_info(const wasm_memory_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_memory_set_host_info(wasm_memory_t *object, void *info);

/**
 * As `wasm_memory_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_memory_set_host_info_with_finalizer(wasm_memory_t *object, void *info, void (*finalizer)(void*));

/**
 * A memory as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_memory_as_ref(wasm_memory_t *object);

/**
 * A reference as a memory: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_memory_t *wasm_ref_as_memory(wasm_ref_t *reference);

/**
 * A memory as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_memory_as_ref_const(const wasm_memory_t *object);

/**
 * A reference as a memory: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_memory_t *wasm_ref_as_memory_const(const wasm_ref_t *reference);

/**
 * Makes a memory of zeros, owned by the caller. NULL for more than 65,536 pages, or a minimum above the maximum. With a type of 64-bit
 * addresses (`libwasm_memorytype_new`) more pages are allowed, as many as there is memory for.
 */
WASM_API_EXTERN own wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *ty);

/**
 * The type of a memory, with its current size as the minimum, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory);

/**
 * The bytes of a memory. They stay where they are until the memory dies if it is reserved, which is the default, and until
 * the next growth otherwise. NULL for NULL.
 */
WASM_API_EXTERN byte_t *wasm_memory_data(wasm_memory_t *memory);

/**
 * The size of a memory in bytes; 0 for NULL.
 */
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t *memory);

/**
 * The size of a memory in pages; 0 for NULL. A size beyond 32 bits saturates to `UINT32_MAX`: `libwasm_memory_size` has the exact one.
 */
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory);

/**
 * Grows a memory by `delta` pages. False if it cannot grow so far. (`libwasm_memory_grow` can grow by more than 32 bits tell.)
 */
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta);

/**
 * Deletes a handle of an external object; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_extern_delete(own wasm_extern_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_extern_t *wasm_extern_copy(const wasm_extern_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_extern_same(const wasm_extern_t *a, const wasm_extern_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_extern_get_host_info(const wasm_extern_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_extern_set_host_info(wasm_extern_t *object, void *info);

/**
 * As `wasm_extern_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_extern_set_host_info_with_finalizer(wasm_extern_t *object, void *info, void (*finalizer)(void*));

/**
 * An external object as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_extern_as_ref(wasm_extern_t *object);

/**
 * A reference as an external object: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_extern_t *wasm_ref_as_extern(wasm_ref_t *reference);

/**
 * An external object as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_extern_as_ref_const(const wasm_extern_t *object);

/**
 * A reference as an external object: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_extern_t *wasm_ref_as_extern_const(const wasm_ref_t *reference);

/**
 * Makes an empty vector in `out`.
 */
WASM_API_EXTERN void wasm_extern_vec_new_empty(own wasm_extern_vec_t *out);

/**
 * Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
 */
WASM_API_EXTERN void wasm_extern_vec_new_uninitialized(own wasm_extern_vec_t *out, size_t size);

/**
 * Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
 * the elements over.
 */
WASM_API_EXTERN void wasm_extern_vec_new(own wasm_extern_vec_t *out, size_t size, own wasm_extern_t *const *data);

/**
 * Makes a copy of a vector, and of each element in `out`.
 */
WASM_API_EXTERN void wasm_extern_vec_copy(own wasm_extern_vec_t *out, const wasm_extern_vec_t *source);

/**
 * Deletes the content of a vector and its elements and leaves it empty.
 */
WASM_API_EXTERN void wasm_extern_vec_delete(own wasm_extern_vec_t *vector);

/**
 * The kind of an external object; `WASM_EXTERN_FUNC` for NULL.
 */
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t *object);

/**
 * The type of an external object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_externtype_t *wasm_extern_type(const wasm_extern_t *object);

/**
 * A function as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_extern_t *wasm_func_as_extern(wasm_func_t *object);

/**
 * A global as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_extern_t *wasm_global_as_extern(wasm_global_t *object);

/**
 * A table as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_extern_t *wasm_table_as_extern(wasm_table_t *object);

/**
 * A memory as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_extern_t *wasm_memory_as_extern(wasm_memory_t *object);

/**
 * An external object as a function: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_func_t *wasm_extern_as_func(wasm_extern_t *object);

/**
 * An external object as a global: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_global_t *wasm_extern_as_global(wasm_extern_t *object);

/**
 * An external object as a table: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_table_t *wasm_extern_as_table(wasm_extern_t *object);

/**
 * An external object as a memory: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_memory_t *wasm_extern_as_memory(wasm_extern_t *object);

/**
 * A function as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_extern_t *wasm_func_as_extern_const(const wasm_func_t *object);

/**
 * A global as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_extern_t *wasm_global_as_extern_const(const wasm_global_t *object);

/**
 * A table as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_extern_t *wasm_table_as_extern_const(const wasm_table_t *object);

/**
 * A memory as an external object: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_extern_t *wasm_memory_as_extern_const(const wasm_memory_t *object);

/**
 * An external object as a function: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_func_t *wasm_extern_as_func_const(const wasm_extern_t *object);

/**
 * An external object as a global: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_global_t *wasm_extern_as_global_const(const wasm_extern_t *object);

/**
 * An external object as a table: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_table_t *wasm_extern_as_table_const(const wasm_extern_t *object);

/**
 * An external object as a memory: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_memory_t *wasm_extern_as_memory_const(const wasm_extern_t *object);

/**
 * Deletes a handle of an instance; does nothing for NULL. May be called from any thread.
 */
WASM_API_EXTERN void wasm_instance_delete(own wasm_instance_t *object);

/**
 * Makes another handle of the same object, owned by the caller; NULL for NULL.
 */
WASM_API_EXTERN own wasm_instance_t *wasm_instance_copy(const wasm_instance_t *object);

/**
 * Whether two handles are of the same object; false if one is NULL.
 */
WASM_API_EXTERN bool wasm_instance_same(const wasm_instance_t *a, const wasm_instance_t *b);

/**
 * The pointer the host attached to the object; NULL if there is none.
 */
WASM_API_EXTERN void *wasm_instance_get_host_info(const wasm_instance_t *object);

/**
 * Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
 */
WASM_API_EXTERN void wasm_instance_set_host_info(wasm_instance_t *object, void *info);

/**
 * As `wasm_instance_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
 */
WASM_API_EXTERN void wasm_instance_set_host_info_with_finalizer(wasm_instance_t *object, void *info, void (*finalizer)(void*));

/**
 * An instance as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN wasm_ref_t *wasm_instance_as_ref(wasm_instance_t *object);

/**
 * A reference as an instance: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN wasm_instance_t *wasm_ref_as_instance(wasm_ref_t *reference);

/**
 * An instance as a reference: the same handle, with the same owner. NULL for NULL.
 */
WASM_API_EXTERN const wasm_ref_t *wasm_instance_as_ref_const(const wasm_instance_t *object);

/**
 * A reference as an instance: the same handle, with the same owner. NULL if it is of another kind.
 */
WASM_API_EXTERN const wasm_instance_t *wasm_ref_as_instance_const(const wasm_ref_t *reference);

/**
 * Instantiates a module (<https://webassembly.github.io/spec/core/exec/modules.html#instantiation>); the instance is
 * owned by the caller.
 *
 * `imports` are lent, and given in the order of the module's imports. More than it has are ignored; NULL is an empty vector. NULL on
 * failure, and then `*trap` gets a trap owned by the caller: that of a start function or active segment, or one that says which import
 * was wrong and why. On success `*trap` gets NULL. `trap` itself may be NULL.
 */
WASM_API_EXTERN own wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module, const wasm_extern_vec_t *imports, own wasm_trap_t **trap);

/**
 * Makes handles of the instance's exports in `out`, in the order of the module's exports.
 */
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t *instance, own wasm_extern_vec_t *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus


/* Conveniences: initializers and inline functions over the declarations above. */

#define WASM_EMPTY_VEC {0, NULL}
#define WASM_ARRAY_VEC(array) {sizeof(array) / sizeof(*(array)), array}

#ifndef __cplusplus

#define WASM_I32_VAL(i) {.kind = WASM_I32, .of = {.i32 = i}}
#define WASM_I64_VAL(i) {.kind = WASM_I64, .of = {.i64 = i}}
#define WASM_F32_VAL(z) {.kind = WASM_F32, .of = {.f32 = z}}
#define WASM_F64_VAL(z) {.kind = WASM_F64, .of = {.f64 = z}}
#define WASM_REF_VAL(r) {.kind = WASM_EXTERNREF, .of = {.ref = r}}
#define WASM_INIT_VAL {.kind = WASM_EXTERNREF, .of = {.ref = NULL}}

#elif !defined(LIBWASM_NO_INLINE)

/* C++ before C++20 has no designated initializers. */
static inline wasm_val_t libwasm_make_i32(int32_t i) { wasm_val_t v; v.kind = WASM_I32; v.of.i64 = 0; v.of.i32 = i; return v; }
static inline wasm_val_t libwasm_make_i64(int64_t i) { wasm_val_t v; v.kind = WASM_I64; v.of.i64 = i; return v; }
static inline wasm_val_t libwasm_make_f32(float32_t z) { wasm_val_t v; v.kind = WASM_F32; v.of.i64 = 0; v.of.f32 = z; return v; }
static inline wasm_val_t libwasm_make_f64(float64_t z) { wasm_val_t v; v.kind = WASM_F64; v.of.f64 = z; return v; }
static inline wasm_val_t libwasm_make_ref(wasm_ref_t* r) { wasm_val_t v; v.kind = WASM_EXTERNREF; v.of.ref = r; return v; }

#define WASM_I32_VAL(i) libwasm_make_i32(i)
#define WASM_I64_VAL(i) libwasm_make_i64(i)
#define WASM_F32_VAL(z) libwasm_make_f32(z)
#define WASM_F64_VAL(z) libwasm_make_f64(z)
#define WASM_REF_VAL(r) libwasm_make_ref(r)
#define WASM_INIT_VAL libwasm_make_ref(NULL)

#endif

#ifndef LIBWASM_NO_INLINE

/** Makes a name of a C string, without its NUL. */
static inline void wasm_name_new_from_string(own wasm_name_t* out, const char* s) {
  wasm_name_new(out, strlen(s), s);
}

/** Makes a name of a C string, with its NUL. */
static inline void wasm_name_new_from_string_nt(own wasm_name_t* out, const char* s) {
  wasm_name_new(out, strlen(s) + 1, s);
}

/** Whether values of this kind are numbers, or vectors. */
static inline bool wasm_valkind_is_num(wasm_valkind_t k) {
  return k < WASM_EXTERNREF;
}

/** Whether values of this kind are references. */
static inline bool wasm_valkind_is_ref(wasm_valkind_t k) {
  return k >= WASM_EXTERNREF;
}

/** Whether values of this type are numbers, or vectors. */
static inline bool wasm_valtype_is_num(const wasm_valtype_t* t) {
  return wasm_valkind_is_num(wasm_valtype_kind(t));
}

/** Whether values of this type are references. */
static inline bool wasm_valtype_is_ref(const wasm_valtype_t* t) {
  return wasm_valkind_is_ref(wasm_valtype_kind(t));
}

/** The value type i32. */
static inline own wasm_valtype_t* wasm_valtype_new_i32(void) {
  return wasm_valtype_new(WASM_I32);
}

/** The value type i64. */
static inline own wasm_valtype_t* wasm_valtype_new_i64(void) {
  return wasm_valtype_new(WASM_I64);
}

/** The value type f32. */
static inline own wasm_valtype_t* wasm_valtype_new_f32(void) {
  return wasm_valtype_new(WASM_F32);
}

/** The value type f64. */
static inline own wasm_valtype_t* wasm_valtype_new_f64(void) {
  return wasm_valtype_new(WASM_F64);
}

/** The value type externref. */
static inline own wasm_valtype_t* wasm_valtype_new_externref(void) {
  return wasm_valtype_new(WASM_EXTERNREF);
}

/** The value type funcref. */
static inline own wasm_valtype_t* wasm_valtype_new_funcref(void) {
  return wasm_valtype_new(WASM_FUNCREF);
}

/** Makes the type of a function with no parameters and no results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_0_0(void) {
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_empty(&params);
  wasm_valtype_vec_new_empty(&results);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with no parameters and one result, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_0_1(own wasm_valtype_t* r1) {
  wasm_valtype_t* rs[1] = {r1};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_empty(&params);
  wasm_valtype_vec_new(&results, 1, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with no parameters and two results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_0_2(own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* rs[2] = {r1, r2};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_empty(&params);
  wasm_valtype_vec_new(&results, 2, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with one parameter and no results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_1_0(own wasm_valtype_t* p1) {
  wasm_valtype_t* ps[1] = {p1};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 1, ps);
  wasm_valtype_vec_new_empty(&results);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with one parameter and one result, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_1_1(own wasm_valtype_t* p1, own wasm_valtype_t* r1) {
  wasm_valtype_t* ps[1] = {p1};
  wasm_valtype_t* rs[1] = {r1};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 1, ps);
  wasm_valtype_vec_new(&results, 1, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with one parameter and two results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_1_2(own wasm_valtype_t* p1, own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* ps[1] = {p1};
  wasm_valtype_t* rs[2] = {r1, r2};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 1, ps);
  wasm_valtype_vec_new(&results, 2, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with two parameters and no results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_2_0(own wasm_valtype_t* p1, own wasm_valtype_t* p2) {
  wasm_valtype_t* ps[2] = {p1, p2};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 2, ps);
  wasm_valtype_vec_new_empty(&results);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with two parameters and one result, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_2_1(own wasm_valtype_t* p1, own wasm_valtype_t* p2, own wasm_valtype_t* r1) {
  wasm_valtype_t* ps[2] = {p1, p2};
  wasm_valtype_t* rs[1] = {r1};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 2, ps);
  wasm_valtype_vec_new(&results, 1, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with two parameters and two results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_2_2(own wasm_valtype_t* p1, own wasm_valtype_t* p2, own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* ps[2] = {p1, p2};
  wasm_valtype_t* rs[2] = {r1, r2};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 2, ps);
  wasm_valtype_vec_new(&results, 2, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with three parameters and no results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_3_0(own wasm_valtype_t* p1, own wasm_valtype_t* p2, own wasm_valtype_t* p3) {
  wasm_valtype_t* ps[3] = {p1, p2, p3};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 3, ps);
  wasm_valtype_vec_new_empty(&results);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with three parameters and one result, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_3_1(own wasm_valtype_t* p1, own wasm_valtype_t* p2, own wasm_valtype_t* p3, own wasm_valtype_t* r1) {
  wasm_valtype_t* ps[3] = {p1, p2, p3};
  wasm_valtype_t* rs[1] = {r1};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 3, ps);
  wasm_valtype_vec_new(&results, 1, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes the type of a function with three parameters and two results, owned by the caller. */
static inline own wasm_functype_t* wasm_functype_new_3_2(own wasm_valtype_t* p1, own wasm_valtype_t* p2, own wasm_valtype_t* p3, own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* ps[3] = {p1, p2, p3};
  wasm_valtype_t* rs[2] = {r1, r2};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 3, ps);
  wasm_valtype_vec_new(&results, 2, rs);
  return wasm_functype_new(&params, &results);
}

/** Makes a number of a pointer. */
static inline void wasm_val_init_ptr(own wasm_val_t* out, void* p) {
#if UINTPTR_MAX == UINT32_MAX
  out->kind = WASM_I32;
  out->of.i32 = (int32_t)(intptr_t)p;
#else
  out->kind = WASM_I64;
  out->of.i64 = (int64_t)(intptr_t)p;
#endif
}

/** The pointer that wasm_val_init_ptr made a number of. */
static inline void* wasm_val_ptr(const wasm_val_t* val) {
#if UINTPTR_MAX == UINT32_MAX
  return (void*)(intptr_t)val->of.i32;
#else
  return (void*)(intptr_t)val->of.i64;
#endif
}

#endif

#undef own
#endif  // WASM_H
