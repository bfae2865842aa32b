//! Memory types.

use super::limits::wasm_limits_t;
use super::object::{TypeObject, wrong_kind};
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::vec;
use crate::types::{ExternKind, MemoryType, Result};
use std::ptr;

/// A memory type (<https://webassembly.github.io/spec/core/syntax/types.html#memory-types>).
#[derive(Debug)]
pub struct wasm_memorytype_t {
    _opaque: [u8; 0],
}

/// A vector of memory types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_memorytype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_memorytype_t,
}

vec::vectors! {
    wasm_memorytype_vec_t => *mut wasm_memorytype_t;
}

/// A memory type, as C sees it.
#[derive(Copy, Clone, Debug)]
pub struct MemoryTypeObject {
    /// What `wasm_memorytype_limits` lends.
    limits: wasm_limits_t,
    exact: MemoryType,
}

impl MemoryTypeObject {
    pub fn new(ty: &MemoryType) -> MemoryTypeObject {
        MemoryTypeObject { limits: wasm_limits_t::saturating(ty.limits), exact: *ty }
    }

    pub fn memory_type(&self) -> MemoryType {
        self.exact
    }
}

/// Looks at a memory type.
///
/// # Safety
///
/// `ty` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow<'a>(ty: *const wasm_memorytype_t) -> Result<&'a MemoryTypeObject> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow(ty) }? {
        TypeObject::Memory(ty) => Ok(ty),
        other => Err(wrong_kind(ExternKind::Memory, other.kind())),
    }
}

/// A handle of a memory type, which the caller owns.
pub fn into_raw(ty: &MemoryType) -> *mut wasm_memorytype_t {
    own::into_raw(TypeObject::Memory(MemoryTypeObject::new(ty)))
}

/// Deletes a memory type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_delete(object: *mut wasm_memorytype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a memory type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_copy(object: *const wasm_memorytype_t) -> *mut wasm_memorytype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a memory type, owned by the caller. Copies the limits. Any limits can be described; `wasm_memory_new` checks them.
/// NULL if `limits` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_new(limits: *const wasm_limits_t) -> *mut wasm_memorytype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let limits = *unsafe { own::borrow_struct(limits, "the limits of a memory type") }?;
        Ok(into_raw(&MemoryType {
            limits: limits.limits(),
            index64: false,
            shared: false,
            page_size_log2: MemoryType::DEFAULT_PAGE_SIZE_LOG2,
        }))
    })
}

/// The limits in pages (of 64 KiB, unless `libwasm_memorytype_limits` says otherwise), lent by the memory type; NULL for NULL. Limits beyond 32 bits saturate to
/// `wasm_limits_max_default`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_limits(ty: *const wasm_memorytype_t) -> *const wasm_limits_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(&raw const unsafe { borrow(ty) }?.limits))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_vec_new_empty(out: *mut wasm_memorytype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_vec_new_uninitialized(out: *mut wasm_memorytype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_vec_new(
    out: *mut wasm_memorytype_vec_t,
    size: usize,
    data: *const *mut wasm_memorytype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_vec_copy(
    out: *mut wasm_memorytype_vec_t,
    source: *const wasm_memorytype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memorytype_vec_delete(vector: *mut wasm_memorytype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
