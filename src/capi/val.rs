//! Values.

use super::boundary::boundary;
use super::byte::{float32_t, float64_t};
use super::own;
use super::reference::wasm_ref_t;
use super::types::valtype::wasm_valkind_t;
use super::vec;
use crate::types::Result;
use crate::vm::val::Val;
use std::mem::offset_of;

/// The content of a value: the member that its kind says. `ref` belongs to the owner of the value.
#[repr(C)]
#[derive(Copy, Clone)]
pub union wasm_val_union_t {
    pub i32: i32,
    pub i64: i64,
    pub f32: float32_t,
    pub f64: float64_t,
    pub r#ref: *mut wasm_ref_t,
}

/// A value. References and v128 values own what `of.ref` points to; `wasm_val_delete` frees it.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct wasm_val_t {
    pub kind: wasm_valkind_t,
    pub of: wasm_val_union_t,
}

const _: () = assert!(size_of::<wasm_val_t>() == 16 && offset_of!(wasm_val_t, of) == 8);
const _: () = assert!(size_of::<wasm_val_t>() == size_of::<Val>() && offset_of!(Val, of) == 8);

/// A vector of values. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_val_vec_t {
    pub size: usize,
    pub data: *mut wasm_val_t,
}

vec::vectors! {
    wasm_val_vec_t => wasm_val_t;
}

// SAFETY: a copy owns what it refers to apart from this one; all bits zero is the i32 0.
unsafe impl vec::Element for wasm_val_t {
    const MAY_BE_LENT: bool = true;

    unsafe fn copy(self) -> Result<Self> {
        // SAFETY: the caller's contract is that of `Val::copy`.
        Ok(own::val_into_raw(unsafe { own::val(&self).copy() }))
    }

    unsafe fn delete(self) {
        let mut val = *own::val(&self);
        // SAFETY: the caller's contract is that of `Val::delete`.
        unsafe { val.delete() };
    }
}

/// The i32 0: what an `out` parameter gets on failure.
/// cbindgen:ignore
pub const EMPTY: wasm_val_t = wasm_val_t { kind: 0, of: wasm_val_union_t { i64: 0 } };

/// Frees what the value owns, not the struct, and makes it a null or zero of its kind. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_delete(value: *mut wasm_val_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        if let Some(value) = unsafe { value.as_mut() } {
            let mut val = *own::val(value);
            // SAFETY: as the caller states.
            unsafe { val.delete() };
            *value = own::val_into_raw(val);
        }
        Ok(())
    })
}

/// Makes a copy of a value in `out`, with a handle or box of its own if it owns one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_copy(out: *mut wasm_val_t, source: *const wasm_val_t) {
    boundary((), || {
        // SAFETY: as the caller states. Read before `out` is written: they may be the same.
        let source = unsafe { source.as_ref() }.copied();
        // SAFETY: as the caller states.
        unsafe { own::write(out, EMPTY) }?;
        let source = source.ok_or_else(|| own::null("a value"))?;
        // SAFETY: as the caller states.
        let copy = unsafe { vec::Element::copy(source) }?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, copy) }
    })
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_vec_new_empty(out: *mut wasm_val_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is the i32 0. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_vec_new_uninitialized(out: *mut wasm_val_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_vec_new(out: *mut wasm_val_vec_t, size: usize, data: *const wasm_val_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_vec_copy(out: *mut wasm_val_vec_t, source: *const wasm_val_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_val_vec_delete(vector: *mut wasm_val_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
