//! External types: the types of imports and exports, and the conversions between them and the five kinds there are.

use super::functype::wasm_functype_t;
use super::globaltype::wasm_globaltype_t;
use super::memorytype::wasm_memorytype_t;
use super::object::convert;
use super::tabletype::wasm_tabletype_t;
use super::tagtype::wasm_tagtype_t;
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::vec;

/// The kind of an external type or object: one of `enum wasm_externkind_enum`.
pub type wasm_externkind_t = u8;

/// The kinds of external types and objects.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum wasm_externkind_enum {
    WASM_EXTERN_FUNC = 0,
    WASM_EXTERN_GLOBAL = 1,
    WASM_EXTERN_TABLE = 2,
    WASM_EXTERN_MEMORY = 3,
    WASM_EXTERN_TAG = 4,
}

/// An external type (<https://webassembly.github.io/spec/core/syntax/types.html#external-types>).
#[derive(Debug)]
pub struct wasm_externtype_t {
    _opaque: [u8; 0],
}

/// A vector of external types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_externtype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_externtype_t,
}

vec::vectors! {
    wasm_externtype_vec_t => *mut wasm_externtype_t;
}

/// Deletes an external type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_delete(object: *mut wasm_externtype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of an external type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_copy(object: *const wasm_externtype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// The kind of an external type; `WASM_EXTERN_FUNC` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_kind(ty: *const wasm_externtype_t) -> wasm_externkind_t {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(ty) }?.kind() as wasm_externkind_t))
}

/// A function type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_as_externtype(ty: *mut wasm_functype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A global type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_as_externtype(ty: *mut wasm_globaltype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A table type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_as_externtype(ty: *mut wasm_tabletype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A memory type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_as_externtype(ty: *mut wasm_memorytype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A tag type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_as_externtype(ty: *mut wasm_tagtype_t) -> *mut wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a function type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_functype(ty: *mut wasm_externtype_t) -> *mut wasm_functype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a global type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_globaltype(ty: *mut wasm_externtype_t) -> *mut wasm_globaltype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a table type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_tabletype(ty: *mut wasm_externtype_t) -> *mut wasm_tabletype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a memory type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_memorytype(ty: *mut wasm_externtype_t) -> *mut wasm_memorytype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a tag type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_tagtype(ty: *mut wasm_externtype_t) -> *mut wasm_tagtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A function type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_as_externtype_const(ty: *const wasm_functype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A global type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_as_externtype_const(ty: *const wasm_globaltype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A table type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_as_externtype_const(ty: *const wasm_tabletype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A memory type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_as_externtype_const(ty: *const wasm_memorytype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// A tag type as an external type: a view of the same object, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_as_externtype_const(ty: *const wasm_tagtype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a function type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_functype_const(ty: *const wasm_externtype_t) -> *const wasm_functype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a global type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_globaltype_const(ty: *const wasm_externtype_t) -> *const wasm_globaltype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a table type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_tabletype_const(ty: *const wasm_externtype_t) -> *const wasm_tabletype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a memory type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_memorytype_const(ty: *const wasm_externtype_t) -> *const wasm_memorytype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// An external type as a tag type: a view of the same object, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_as_tagtype_const(ty: *const wasm_externtype_t) -> *const wasm_tagtype_t {
    // SAFETY: as the caller states.
    unsafe { convert(ty) }
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_vec_new_empty(out: *mut wasm_externtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_vec_new_uninitialized(out: *mut wasm_externtype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_vec_new(
    out: *mut wasm_externtype_vec_t,
    size: usize,
    data: *const *mut wasm_externtype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_vec_copy(
    out: *mut wasm_externtype_vec_t,
    source: *const wasm_externtype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_externtype_vec_delete(vector: *mut wasm_externtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
