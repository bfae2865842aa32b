//! Tag types.

use super::functype::{self, FuncTypeObject, wasm_functype_t};
use super::object::{TypeObject, wrong_kind};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, TryClone};
use crate::capi::vec;
use crate::types::{ExternKind, Result, TagType};
use crate::vm::types::DefinedType;
use std::ptr;

/// A tag type (<https://webassembly.github.io/spec/core/syntax/types.html#tag-types>).
#[derive(Debug)]
pub struct wasm_tagtype_t {
    _opaque: [u8; 0],
}

/// A vector of tag types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_tagtype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_tagtype_t,
}

vec::vectors! {
    wasm_tagtype_vec_t => *mut wasm_tagtype_t;
}

/// A tag type, as C sees it.
#[derive(Debug)]
pub struct TagTypeObject {
    func: OwnedHandle<wasm_functype_t>,
}

impl TagTypeObject {
    pub fn new(ty: &TagType) -> Result<TagTypeObject> {
        Ok(TagTypeObject { func: OwnedHandle::into_raw(TypeObject::Func(FuncTypeObject::new(ty.ty, &ty.func)?)) })
    }
}

impl TagTypeObject {
    /// The type, registered.
    pub fn defined(&self) -> Result<DefinedType> {
        // SAFETY: this owns a live handle.
        unsafe { functype::borrow(self.func.as_ptr()) }?.defined()
    }
}

impl TryClone for TagTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(TagTypeObject { func: self.func.try_clone()? })
    }
}

/// Looks at a tag type.
///
/// # Safety
///
/// `ty` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow<'a>(ty: *const wasm_tagtype_t) -> Result<&'a TagTypeObject> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow(ty) }? {
        TypeObject::Tag(ty) => Ok(ty),
        other => Err(wrong_kind(ExternKind::Tag, other.kind())),
    }
}

/// Deletes a tag type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_delete(object: *mut wasm_tagtype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a tag type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_copy(object: *const wasm_tagtype_t) -> *mut wasm_tagtype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a tag type, owned by the caller. Takes the function type over, which says what an exception of this tag carries.
/// NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_new(func: *mut wasm_functype_t) -> *mut wasm_tagtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let func = unsafe { OwnedHandle::new(func) }?;
        // SAFETY: `func` owns a live handle.
        unsafe { functype::borrow(func.as_ptr()) }?;
        Ok(own::into_raw(TypeObject::Tag(TagTypeObject { func })))
    })
}

/// The function type, lent by the tag type; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_functype(ty: *const wasm_tagtype_t) -> *const wasm_functype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { borrow(ty) }?.func.as_ptr().cast_const()))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_vec_new_empty(out: *mut wasm_tagtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_vec_new_uninitialized(out: *mut wasm_tagtype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_vec_new(
    out: *mut wasm_tagtype_vec_t,
    size: usize,
    data: *const *mut wasm_tagtype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_vec_copy(out: *mut wasm_tagtype_vec_t, source: *const wasm_tagtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tagtype_vec_delete(vector: *mut wasm_tagtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
