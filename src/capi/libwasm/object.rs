//! Objects of WebAssembly as the host makes, reads and writes them: i31 and structures. They are references (`wasm_ref_t`), of which a
//! handle keeps the object.

use super::deftype::libwasm_deftype_t;
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::reference::wasm_ref_t;
use crate::capi::store::wasm_store_t;
use crate::capi::val::{self, wasm_val_t, wasm_val_vec_t};
use crate::types::Result;
use crate::vm::aggregate;
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::Entered;
use std::ptr;

/// Looks at an object of the heap, and enters its store.
///
/// # Safety
///
/// `reference` is NULL or a live handle, and stays so for `'a`.
pub(super) unsafe fn enter<'a>(reference: *const wasm_ref_t, wanted: &str) -> Result<(Entered<'a>, &'a HeapObject)> {
    // SAFETY: as the caller states.
    let object = unsafe { own::heap_object(reference, wanted) }?;
    // SAFETY: the caller's handle keeps the object alive.
    let entered = unsafe { own::store_of_object(ptr::from_ref(object).cast()) }?.enter()?;
    Ok((entered, object))
}

/// Makes an i31 of the low 31 bits of a number, as `ref.i31` does, owned by the caller. Those of equal bits are the same reference. NULL for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_i31_new(store: *mut wasm_store_t, number: u32) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        Ok(aggregate::new_i31(&entered, number)?.into_raw().cast())
    })
}

/// The number of an i31, with its bit 30 for a sign, as `i31.get_s` gives it; 0, with a reason, for what is no i31.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_i31_get_s(i31: *const wasm_ref_t) -> i32 {
    // SAFETY: as the caller states.
    boundary(0, || Ok((aggregate::i31(unsafe { own::heap_object(i31, "an i31") }?)? << 1).cast_signed() >> 1))
}

/// The number of an i31, from 0 to 2^31 - 1, as `i31.get_u` gives it; 0, with a reason, for what is no i31.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_i31_get_u(i31: *const wasm_ref_t) -> u32 {
    // SAFETY: as the caller states.
    boundary(0, || aggregate::i31(unsafe { own::heap_object(i31, "an i31") }?))
}

/// Makes a structure of a type, which is lent, owned by the caller. `values` has a value for each field, of its type, or an i32 for a packed
/// field, of which the low bits are kept; they are lent, and references among them are of the same store. It may collect.
///
/// NULL, with a reason: for a NULL store or type, for a type of other than structures, for values of another number or type, and if the
/// heap is full (`LIBWASM_ERROR_OUT_OF_MEMORY`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_struct_new(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
    values: *const wasm_val_vec_t,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { own::borrow(ty) }?;
        // SAFETY: as the caller states.
        let values = unsafe { own::vals(values) };
        // SAFETY: as the caller states.
        Ok(unsafe { aggregate::new_struct(&entered, ty, Some(values)) }?.into_raw().cast())
    })
}

/// As `libwasm_struct_new`, with all fields zero or null. NULL also if a field can be neither: if it is a reference without null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_struct_new_default(
    store: *mut wasm_store_t,
    ty: *const libwasm_deftype_t,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { own::borrow(ty) }?;
        // SAFETY: there are no values.
        Ok(unsafe { aggregate::new_struct(&entered, ty, None) }?.into_raw().cast())
    })
}

/// Writes the value of a field, by its place in the type, to `out`, owned by the caller. A packed field is an i32 with bits of 0 above
/// its own; a cast to `int8_t` or `int16_t` gives the signed number. False, and the i32 0, with a reason, for NULL, for what is no structure,
/// and if there is no such field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_struct_get(object: *const wasm_ref_t, field: u32, out: *mut wasm_val_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, val::EMPTY) }?;
        // SAFETY: as the caller states.
        let (entered, object) = unsafe { enter(object, "a structure") }?;
        let value = aggregate::get_field(&entered, object, field)?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, own::val_into_raw(value)) }?;
        Ok(true)
    })
}

/// Sets a field, by its place in the type, to a value of its type, or, if it is packed, to the low bits of an i32. The value is lent; what it
/// refers to is kept by the structure. It may collect.
///
/// False, with a reason and nothing changed: for NULL, for what is no structure, if there is no such field, if it is immutable,
/// and for a value of another type or store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_struct_set(object: *mut wasm_ref_t, field: u32, value: *const wasm_val_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let (entered, object) = unsafe { enter(object, "a structure") }?;
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "a value") }?);
        // SAFETY: as the caller states.
        unsafe { aggregate::set_field(&entered, object, field, value) }?;
        Ok(true)
    })
}
