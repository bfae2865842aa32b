//! The types of exports.

use super::externtype::wasm_externtype_t;
use super::object::TypeObject;
use crate::capi::boundary::boundary;
use crate::capi::byte::{self, wasm_name_t};
use crate::capi::own::{self, OwnedHandle, TryClone, boxed};
use crate::capi::vec;
use crate::types::{ExternType, Result};
use std::ptr;

/// The type of an export: its name and the type of what is exported.
#[derive(Debug)]
pub struct wasm_exporttype_t {
    _opaque: [u8; 0],
}

/// A vector of types of exports. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_exporttype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_exporttype_t,
}

/// What a `wasm_exporttype_t*` points to.
#[derive(Debug)]
pub struct ExportTypeObject {
    name: vec::Owned<wasm_name_t>,
    ty: OwnedHandle<wasm_externtype_t>,
}

boxed! {
    wasm_exporttype_t => ExportTypeObject, "the type of an export";
}

vec::vectors! {
    wasm_exporttype_vec_t => *mut wasm_exporttype_t;
}

impl ExportTypeObject {
    pub fn new(name: &str, ty: &ExternType) -> Result<ExportTypeObject> {
        Ok(ExportTypeObject {
            name: vec::Owned::new(byte::from_bytes(name.as_bytes())?),
            ty: OwnedHandle::into_raw(TypeObject::new(ty)?),
        })
    }
}

impl TryClone for ExportTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(ExportTypeObject { name: self.name.try_clone()?, ty: self.ty.try_clone()? })
    }
}

/// Deletes the type of an export; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_delete(object: *mut wasm_exporttype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of the type of an export, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_copy(object: *const wasm_exporttype_t) -> *mut wasm_exporttype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes the type of an export, owned by the caller. Takes the name's content over and leaves it empty, and takes the
/// external type over. A NULL name is empty. NULL if the external type is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_new(
    name: *mut wasm_name_t,
    ty: *mut wasm_externtype_t,
) -> *mut wasm_exporttype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let name = unsafe { vec::from_raw(name) };
        // SAFETY: as the caller states.
        let ty = unsafe { OwnedHandle::new(ty) }?;
        Ok(own::into_raw(ExportTypeObject { name, ty }))
    })
}

/// The name of the export, lent by the type of the export; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_name(export: *const wasm_exporttype_t) -> *const wasm_name_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(export) }?.name.as_ptr()))
}

/// The type of what is exported, lent by the type of the export; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_type(export: *const wasm_exporttype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(export) }?.ty.as_ptr().cast_const()))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_vec_new_empty(out: *mut wasm_exporttype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_vec_new_uninitialized(out: *mut wasm_exporttype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_vec_new(
    out: *mut wasm_exporttype_vec_t,
    size: usize,
    data: *const *mut wasm_exporttype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_vec_copy(
    out: *mut wasm_exporttype_vec_t,
    source: *const wasm_exporttype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_exporttype_vec_delete(vector: *mut wasm_exporttype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
