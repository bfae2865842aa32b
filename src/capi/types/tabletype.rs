//! Table types.

use super::limits::wasm_limits_t;
use super::object::{TypeObject, wrong_kind};
use super::valtype::{self, wasm_valtype_t};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, TryClone};
use crate::capi::vec;
use crate::types::{Error, ExternKind, Limits, Result, TableType, ValType};
use std::ptr;

/// A table type (<https://webassembly.github.io/spec/core/syntax/types.html#table-types>).
#[derive(Debug)]
pub struct wasm_tabletype_t {
    _opaque: [u8; 0],
}

/// A vector of table types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_tabletype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_tabletype_t,
}

vec::vectors! {
    wasm_tabletype_vec_t => *mut wasm_tabletype_t;
}

/// A table type, as C sees it. The element may be of any type: a table of numbers can be described, not made.
#[derive(Debug)]
pub struct TableTypeObject {
    element: OwnedHandle<wasm_valtype_t>,
    /// What `wasm_tabletype_limits` lends.
    limits: wasm_limits_t,
    exact: Limits,
    index64: bool,
}

impl TableTypeObject {
    /// The C description of a closed type.
    pub fn new(ty: &TableType) -> Result<TableTypeObject> {
        Ok(TableTypeObject {
            element: valtype::new(ValType::Ref(ty.element))?,
            limits: wasm_limits_t::saturating(ty.limits),
            exact: ty.limits,
            index64: ty.index64,
        })
    }

    /// The type a table can have; an error if the element is not a reference.
    pub fn table_type(&self) -> Result<TableType> {
        // SAFETY: this owns a live handle.
        match unsafe { valtype::val_type(self.element.as_ptr()) }? {
            ValType::Ref(element) => Ok(TableType { element, limits: self.exact, index64: self.index64 }),
            other => Err(Error::argument(format!("a table holds references, not {other}"))),
        }
    }

    pub fn exact(&self) -> (Limits, bool) {
        (self.exact, self.index64)
    }
}

impl TryClone for TableTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(TableTypeObject { element: self.element.try_clone()?, ..*self })
    }
}

/// Looks at a table type.
///
/// # Safety
///
/// `ty` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow<'a>(ty: *const wasm_tabletype_t) -> Result<&'a TableTypeObject> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow(ty) }? {
        TypeObject::Table(ty) => Ok(ty),
        other => Err(wrong_kind(ExternKind::Table, other.kind())),
    }
}

/// A handle of a table type, which the caller owns.
pub fn into_raw(ty: &TableType) -> Result<*mut wasm_tabletype_t> {
    Ok(own::into_raw(TypeObject::Table(TableTypeObject::new(ty)?)))
}

/// A handle of a table type, which the caller owns, of any element and limits.
pub fn from_parts(element: OwnedHandle<wasm_valtype_t>, exact: Limits, index64: bool) -> *mut wasm_tabletype_t {
    let limits = wasm_limits_t::saturating(exact);
    own::into_raw(TypeObject::Table(TableTypeObject { element, limits, exact, index64 }))
}

/// Deletes a table type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_delete(object: *mut wasm_tabletype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a table type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_copy(object: *const wasm_tabletype_t) -> *mut wasm_tabletype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a table type, owned by the caller. Copies the limits. Any value type and any limits
/// can be described; `wasm_table_new` checks them. NULL if either is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_new(
    element: *mut wasm_valtype_t,
    limits: *const wasm_limits_t,
) -> *mut wasm_tabletype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let element = unsafe { OwnedHandle::new(element) }?;
        // SAFETY: as the caller states.
        let limits = *unsafe { own::borrow_struct(limits, "the limits of a table type") }?;
        Ok(from_parts(element, limits.limits(), false))
    })
}

/// The type of the elements, lent by the table type; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_element(ty: *const wasm_tabletype_t) -> *const wasm_valtype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { borrow(ty) }?.element.as_ptr().cast_const()))
}

/// The limits in elements, lent by the table type; NULL for NULL. Limits beyond 32 bits saturate to
/// `wasm_limits_max_default`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_limits(ty: *const wasm_tabletype_t) -> *const wasm_limits_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(&raw const unsafe { borrow(ty) }?.limits))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_vec_new_empty(out: *mut wasm_tabletype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_vec_new_uninitialized(out: *mut wasm_tabletype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_vec_new(
    out: *mut wasm_tabletype_vec_t,
    size: usize,
    data: *const *mut wasm_tabletype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_vec_copy(out: *mut wasm_tabletype_vec_t, source: *const wasm_tabletype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_tabletype_vec_delete(vector: *mut wasm_tabletype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
