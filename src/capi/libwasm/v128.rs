//! v128 values, without making `wasm_val_t` wider.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::val::{self, wasm_val_t};
use crate::types::Error;
use crate::vm::val::{KIND_V128, Val, box_v128};

/// Makes a v128 value of 16 bytes, the lowest lane first, in `out`. The value owns a copy of them: `wasm_val_delete` frees it.
/// The i32 0 if `bytes` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_val_new_v128(bytes: *const u8, out: *mut wasm_val_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, val::EMPTY) }?;
        // SAFETY: as the caller states; bytes need no alignment.
        let bytes = unsafe { own::borrow_struct(bytes.cast::<[u8; 16]>(), "the bytes of a v128") }?;
        let value = Val { kind: KIND_V128, of: box_v128(*bytes) };
        // SAFETY: as the caller states.
        unsafe { own::write(out, own::val_into_raw(value)) }
    })
}

/// Writes the 16 bytes of a v128 value to `bytes`, the lowest lane first. False, and zeros, if the value is not a v128.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_val_v128(value: *const wasm_val_t, bytes: *mut u8) -> bool {
    boundary(false, || {
        let bytes = bytes.cast::<[u8; 16]>();
        // SAFETY: as the caller states; bytes need no alignment.
        unsafe { own::write(bytes, [0; 16]) }?;
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "a value") }?);
        if value.kind != KIND_V128 {
            return Err(Error::argument(format!("the value is not a v128, its kind is {}", value.kind)));
        }
        // SAFETY: a v128 value is NULL, which is zero, or owns a box of 16 bytes.
        if let Some(content) = unsafe { (value.of as *const [u8; 16]).as_ref() } {
            // SAFETY: as the caller states.
            unsafe { own::write(bytes, *content) }?;
        }
        Ok(true)
    })
}
