//! Arrays of WebAssembly as the host makes, reads and writes them. They are references (`wasm_ref_t`), of which a handle keeps the array.

use super::deftype::libwasm_deftype_t;
use super::object::enter;
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::reference::wasm_ref_t;
use crate::capi::store::wasm_store_t;
use crate::capi::val::{self, wasm_val_t, wasm_val_vec_t};
use crate::types::{Error, Result};
use crate::vm::aggregate::{self, Initial};
use std::ffi::c_void;
use std::ptr;

/// Makes an array.
///
/// # Safety
///
/// The handles are NULL or live; what `initial` has is as [`aggregate::new_array`] asks.
unsafe fn new(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    length: u32,
    initial: Initial<'_>,
) -> Result<*mut wasm_ref_t> {
    // SAFETY: as the caller states.
    let entered = unsafe { own::store(store) }?.enter()?;
    // SAFETY: as the caller states.
    let ty = unsafe { own::borrow(ty) }?;
    // SAFETY: as the caller states.
    Ok(unsafe { aggregate::new_array(&entered, ty, length, initial) }?.into_raw().cast())
}

/// Makes an array of a type, which is lent, with `length` elements that all are `value`, owned by the caller. The value is of the elements'
/// type, or an i32 for packed elements, of which the low bits are kept; it is lent, and of the same store. It may collect.
///
/// NULL, with a reason: for NULL, for a type of other than arrays, for a value of another type, and if the heap is full
/// (`LIBWASM_ERROR_OUT_OF_MEMORY`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_new(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    length: u32,
    value: *const wasm_val_t,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "a value") }?);
        // SAFETY: as the caller states.
        unsafe { new(store, ty, length, Initial::Value(value)) }
    })
}

/// As `libwasm_array_new`, with all elements zero or null. NULL also if they can be neither: if they are references without null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_new_default(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    length: u32,
) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || unsafe { new(store, ty, length, Initial::Default) })
}

/// As `libwasm_array_new`, with an element for each of `values`, which are lent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_new_from_values(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    values: *const wasm_val_vec_t,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let values = unsafe { own::vals(values) };
        let length = u32::try_from(values.len()).map_err(|_| Error::limit("an array has less than 2^32 elements"))?;
        // SAFETY: as the caller states.
        unsafe { new(store, ty, length, Initial::Values(values)) }
    })
}

/// As `libwasm_array_new`, with elements that are numbers or vectors, which are copied from `data`, of any alignment: `length` elements, as
/// `libwasm_array_read` gives them. NULL also for a type of arrays of references, and if `data` is NULL and the length is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_new_from_data(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    length: u32,
    data: *const c_void,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        if data.is_null() && length != 0 {
            return Err(own::null("the elements of an array"));
        }
        // SAFETY: as the caller states.
        unsafe { new(store, ty, length, Initial::Bytes(data.cast())) }
    })
}

/// How many elements an array has; 0, with a reason, for NULL and for what is no array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_length(array: *const wasm_ref_t) -> u32 {
    boundary(0, || {
        // SAFETY: as the caller states.
        let (entered, array) = unsafe { enter(array, "an array") }?;
        aggregate::array_length(entered.store(), array)
    })
}

/// Writes the value of an element to `out`, owned by the caller. A packed element is an i32 with bits of 0 above its own; a cast to `int8_t`
/// or `int16_t` gives the signed number. False, and the i32 0, with a reason, for NULL, for what is no array, and if there is no such
/// element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_get(array: *const wasm_ref_t, index: u32, out: *mut wasm_val_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, val::EMPTY) }?;
        // SAFETY: as the caller states.
        let (entered, array) = unsafe { enter(array, "an array") }?;
        let value = aggregate::get_element(&entered, array, index)?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, own::val_into_raw(value)) }?;
        Ok(true)
    })
}

/// Sets an element to a value of the elements' type, or, if they are packed, to the low bits of an i32. The value is lent; what it
/// refers to is kept by the array. It may collect.
///
/// False, with a reason and nothing changed: for NULL, for what is no array, if there is no such element, if elements are immutable, and for a
/// value of another type or store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_set(array: *mut wasm_ref_t, index: u32, value: *const wasm_val_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { libwasm_array_fill(array, index, 1, value) }
}

/// Sets `count` elements from `start` on to one value, as `libwasm_array_set` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_fill(
    array: *mut wasm_ref_t,
    start: u32,
    count: u32,
    value: *const wasm_val_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let (entered, array) = unsafe { enter(array, "an array") }?;
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "a value") }?);
        // SAFETY: as the caller states.
        unsafe { aggregate::fill(&entered, array, start, count, value) }?;
        Ok(true)
    })
}

/// Copies `count` elements of `source`, from `source_start` on, to `target`, from `target_start` on. They may be one array, and overlap.
///
/// False, with a reason and nothing changed: for NULL, for what is no array, if there are no such elements, if those of the target are immutable
/// or of a type that those of the source do not match, and for arrays of different stores.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_copy(
    target: *mut wasm_ref_t,
    target_start: u32,
    source: *const wasm_ref_t,
    source_start: u32,
    count: u32,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let (entered, target) = unsafe { enter(target, "an array") }?;
        // SAFETY: as the caller states.
        let source = unsafe { own::heap_object(source, "an array") }?;
        // SAFETY: the caller's handle keeps the object alive.
        let home = unsafe { own::store_of_object(ptr::from_ref(source).cast()) }?;
        if !ptr::eq(home, entered.store()) {
            return Err(Error::argument("the source belongs to another store"));
        }
        aggregate::copy(&entered, (target, target_start), (source, source_start), count)?;
        Ok(true)
    })
}

/// Copies `count` elements from `start` on to `out`, as they lie in memories: numbers and vectors, least significant byte first, without
/// anything between them. `out` has room for as many, of any alignment.
///
/// False, with a reason and nothing written: for NULL, for what is no array, if there are no such elements, and if they are references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_read(
    array: *const wasm_ref_t,
    start: u32,
    count: u32,
    out: *mut c_void,
) -> bool {
    boundary(false, || {
        if out.is_null() {
            return Err(own::null("an out parameter"));
        }
        // SAFETY: as the caller states.
        let (entered, array) = unsafe { enter(array, "an array") }?;
        // SAFETY: as the caller states.
        unsafe { aggregate::read_bytes(&entered, array, start, count, out.cast()) }?;
        Ok(true)
    })
}

/// Sets `count` elements from `start` on to what `data` has, as `libwasm_array_read` gives it.
///
/// False, with a reason and nothing changed: for NULL, for what is no array, if there are no such elements, if they are immutable, and if they are
/// references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_array_write(
    array: *mut wasm_ref_t,
    start: u32,
    count: u32,
    data: *const c_void,
) -> bool {
    boundary(false, || {
        if data.is_null() {
            return Err(own::null("the elements of an array"));
        }
        // SAFETY: as the caller states.
        let (entered, array) = unsafe { enter(array, "an array") }?;
        // SAFETY: as the caller states.
        unsafe { aggregate::write_bytes(&entered, array, start, count, data.cast()) }?;
        Ok(true)
    })
}
