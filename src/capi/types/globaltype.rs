//! Global types.

use super::object::{TypeObject, wrong_kind};
use super::valtype::{self, wasm_valtype_t};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, TryClone};
use crate::capi::vec;
use crate::types::{Error, ExternKind, GlobalType, Mutability, Result};
use std::ptr;

/// Whether a global can be set: one of `enum wasm_mutability_enum`.
pub type wasm_mutability_t = u8;

/// The mutabilities of globals.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum wasm_mutability_enum {
    WASM_CONST = 0,
    WASM_VAR = 1,
}

/// A global type (<https://webassembly.github.io/spec/core/syntax/types.html#global-types>).
#[derive(Debug)]
pub struct wasm_globaltype_t {
    _opaque: [u8; 0],
}

/// A vector of global types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_globaltype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_globaltype_t,
}

vec::vectors! {
    wasm_globaltype_vec_t => *mut wasm_globaltype_t;
}

/// A global type, as C sees it.
#[derive(Debug)]
pub struct GlobalTypeObject {
    content: OwnedHandle<wasm_valtype_t>,
    mutability: Mutability,
}

impl GlobalTypeObject {
    /// The C description of a closed type.
    pub fn new(ty: &GlobalType) -> Result<GlobalTypeObject> {
        Ok(GlobalTypeObject { content: valtype::new(ty.content)?, mutability: ty.mutability })
    }

    pub fn global_type(&self) -> Result<GlobalType> {
        // SAFETY: this owns a live handle.
        let content = unsafe { valtype::val_type(self.content.as_ptr()) }?;
        Ok(GlobalType { content, mutability: self.mutability })
    }
}

impl TryClone for GlobalTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(GlobalTypeObject { content: self.content.try_clone()?, mutability: self.mutability })
    }
}

/// Looks at a global type.
///
/// # Safety
///
/// `ty` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow<'a>(ty: *const wasm_globaltype_t) -> Result<&'a GlobalTypeObject> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow(ty) }? {
        TypeObject::Global(ty) => Ok(ty),
        other => Err(wrong_kind(ExternKind::Global, other.kind())),
    }
}

/// A handle of a global type, which the caller owns.
pub fn into_raw(ty: &GlobalType) -> Result<*mut wasm_globaltype_t> {
    Ok(own::into_raw(TypeObject::Global(GlobalTypeObject::new(ty)?)))
}

/// Deletes a global type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_delete(object: *mut wasm_globaltype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a global type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_copy(object: *const wasm_globaltype_t) -> *mut wasm_globaltype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a global type, owned by the caller. NULL if the value type is NULL, or `mutability` is neither
/// `WASM_CONST` nor `WASM_VAR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_new(
    content: *mut wasm_valtype_t,
    mutability: wasm_mutability_t,
) -> *mut wasm_globaltype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let content = unsafe { OwnedHandle::new(content) }?;
        let mutability = match mutability {
            0 => Mutability::Const,
            1 => Mutability::Var,
            other => return Err(Error::argument(format!("a mutability is WASM_CONST or WASM_VAR, given {other}"))),
        };
        Ok(own::into_raw(TypeObject::Global(GlobalTypeObject { content, mutability })))
    })
}

/// The type of the value, lent by the global type; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_content(ty: *const wasm_globaltype_t) -> *const wasm_valtype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { borrow(ty) }?.content.as_ptr().cast_const()))
}

/// Whether the global can be set; `WASM_CONST` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_mutability(ty: *const wasm_globaltype_t) -> wasm_mutability_t {
    boundary(wasm_mutability_enum::WASM_CONST as u8, || {
        // SAFETY: as the caller states.
        Ok(match unsafe { borrow(ty) }?.mutability {
            Mutability::Const => wasm_mutability_enum::WASM_CONST as u8,
            Mutability::Var => wasm_mutability_enum::WASM_VAR as u8,
        })
    })
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_vec_new_empty(out: *mut wasm_globaltype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_vec_new_uninitialized(out: *mut wasm_globaltype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_vec_new(
    out: *mut wasm_globaltype_vec_t,
    size: usize,
    data: *const *mut wasm_globaltype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_vec_copy(
    out: *mut wasm_globaltype_vec_t,
    source: *const wasm_globaltype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_globaltype_vec_delete(vector: *mut wasm_globaltype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
