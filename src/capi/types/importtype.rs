//! The types of imports.

use super::externtype::wasm_externtype_t;
use super::object::TypeObject;
use crate::capi::boundary::boundary;
use crate::capi::byte::{self, wasm_name_t};
use crate::capi::own::{self, OwnedHandle, TryClone, boxed};
use crate::capi::vec;
use crate::types::{ExternType, Result};
use std::ptr;

/// The type of an import: its names and the type of what is imported.
#[derive(Debug)]
pub struct wasm_importtype_t {
    _opaque: [u8; 0],
}

/// A vector of types of imports. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_importtype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_importtype_t,
}

/// What a `wasm_importtype_t*` points to.
#[derive(Debug)]
pub struct ImportTypeObject {
    module: vec::Owned<wasm_name_t>,
    name: vec::Owned<wasm_name_t>,
    ty: OwnedHandle<wasm_externtype_t>,
}

boxed! {
    wasm_importtype_t => ImportTypeObject, "the type of an import";
}

vec::vectors! {
    wasm_importtype_vec_t => *mut wasm_importtype_t;
}

impl ImportTypeObject {
    pub fn new(module: &str, name: &str, ty: &ExternType) -> Result<ImportTypeObject> {
        Ok(ImportTypeObject {
            module: vec::Owned::new(byte::from_bytes(module.as_bytes())?),
            name: vec::Owned::new(byte::from_bytes(name.as_bytes())?),
            ty: OwnedHandle::into_raw(TypeObject::new(ty)?),
        })
    }
}

impl TryClone for ImportTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(ImportTypeObject {
            module: self.module.try_clone()?,
            name: self.name.try_clone()?,
            ty: self.ty.try_clone()?,
        })
    }
}

/// Deletes the type of an import; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_delete(object: *mut wasm_importtype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of the type of an import, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_copy(object: *const wasm_importtype_t) -> *mut wasm_importtype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes the type of an import, owned by the caller. Takes the names' content over and leaves them empty, and takes the
/// external type over. A NULL name is empty. NULL if the external type is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_new(
    module: *mut wasm_name_t,
    name: *mut wasm_name_t,
    ty: *mut wasm_externtype_t,
) -> *mut wasm_importtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let module = unsafe { vec::from_raw(module) };
        // SAFETY: as the caller states.
        let name = unsafe { vec::from_raw(name) };
        // SAFETY: as the caller states.
        let ty = unsafe { OwnedHandle::new(ty) }?;
        Ok(own::into_raw(ImportTypeObject { module, name, ty }))
    })
}

/// The name of the module to import from, lent by the type of the import; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_module(import: *const wasm_importtype_t) -> *const wasm_name_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(import) }?.module.as_ptr()))
}

/// The name of the import, lent by the type of the import; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_name(import: *const wasm_importtype_t) -> *const wasm_name_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(import) }?.name.as_ptr()))
}

/// The type of what is imported, lent by the type of the import; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_type(import: *const wasm_importtype_t) -> *const wasm_externtype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(import) }?.ty.as_ptr().cast_const()))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_vec_new_empty(out: *mut wasm_importtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_vec_new_uninitialized(out: *mut wasm_importtype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_vec_new(
    out: *mut wasm_importtype_vec_t,
    size: usize,
    data: *const *mut wasm_importtype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_vec_copy(
    out: *mut wasm_importtype_vec_t,
    source: *const wasm_importtype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_importtype_vec_delete(vector: *mut wasm_importtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
