//! Tables.

use super::boundary::boundary;
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::types::tabletype::{self, wasm_tabletype_t};
use crate::types::{Error, ValType};
use crate::vm::table::{Table, object_bits};
use crate::vm::val;
use std::ffi::c_void;
use std::ptr;

/// A number of table elements.
pub type wasm_table_size_t = u32;

/// A table.
#[derive(Debug)]
pub struct wasm_table_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_table_t => "a table", [Table], Table;
}

/// Deletes a handle of a table; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_delete(object: *mut wasm_table_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_copy(object: *const wasm_table_t) -> *mut wasm_table_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_same(a: *const wasm_table_t, b: *const wasm_table_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_get_host_info(object: *const wasm_table_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_set_host_info(object: *mut wasm_table_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_table_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_set_host_info_with_finalizer(
    object: *mut wasm_table_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A table as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_as_ref(object: *mut wasm_table_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a table: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_table(reference: *mut wasm_ref_t) -> *mut wasm_table_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A table as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_as_ref_const(object: *const wasm_table_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a table: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_table_const(reference: *const wasm_ref_t) -> *const wasm_table_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a table, owned by the caller. `init` is lent; every element becomes it, NULL being a null reference. NULL if the
/// type is not that of a table, or the reference does not fit it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_new(
    store: *mut wasm_store_t,
    ty: *const wasm_tabletype_t,
    init: *mut wasm_ref_t,
) -> *mut wasm_table_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { tabletype::borrow(ty) }?.table_type()?;
        // SAFETY: as the caller states.
        let init = unsafe { own::object_or_null(init) }?;
        // SAFETY: null, or kept alive by the caller's handle.
        let bits = unsafe { object_bits(&entered, init, val::crossing(ValType::Ref(ty.element)), ty.element) }?;
        Ok(own::object_into_raw(Table::new(&entered, ty, bits)?))
    })
}

/// The type of a table, with its current size as the minimum, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_type(table: *const wasm_table_t) -> *mut wasm_tabletype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || tabletype::into_raw(&unsafe { own::record(table) }?.ty()))
}

/// The element at `index`, owned by the caller; NULL if it is null, or if the index is out of bounds, for which there is
/// a reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_get(table: *const wasm_table_t, index: wasm_table_size_t) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let table = unsafe { own::record(table) }?;
        let _entered = table.store().enter()?;
        let object = table.get_object(index.into()).ok_or_else(|| {
            Error::argument(format!("the index is out of bounds: index {index}, table size {}", table.size()))
        })?;
        // SAFETY: tables hold live objects, and the store is entered.
        Ok(unsafe { own::retain_object(object?) })
    })
}

/// Sets the element at `index` to a reference, which is lent; NULL is a null reference. False if the index is out of bounds
/// or the reference does not fit the table's type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_set(
    table: *mut wasm_table_t,
    index: wasm_table_size_t,
    reference: *mut wasm_ref_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let table = unsafe { own::record(table) }?;
        let entered = table.store().enter()?;
        // SAFETY: as the caller states.
        let object = unsafe { own::object_or_null(reference) }?;
        // SAFETY: null, or kept alive by the caller's handle.
        unsafe { table.set_object(&entered, index.into(), object) }?;
        Ok(true)
    })
}

/// The size of a table in elements; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_size(table: *const wasm_table_t) -> wasm_table_size_t {
    // SAFETY: as the caller states.
    boundary(0, || Ok(u32::try_from(unsafe { own::record(table) }?.size()).unwrap_or(u32::MAX)))
}

/// Grows a table by `delta` elements, which become `init`; it is lent, and NULL is a null reference. False if the table
/// cannot grow so far or the reference does not fit its type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_grow(
    table: *mut wasm_table_t,
    delta: wasm_table_size_t,
    init: *mut wasm_ref_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let table = unsafe { own::record(table) }?;
        let entered = table.store().enter()?;
        // SAFETY: as the caller states.
        let object = unsafe { own::object_or_null(init) }?;
        // SAFETY: null, or kept alive by the caller's handle.
        unsafe { table.grow_object(&entered, delta.into(), object) }?;
        Ok(true)
    })
}
