//! The names of functions in traces.

use crate::capi::boundary::boundary;
use crate::capi::byte::{self, wasm_name_t};
use crate::capi::frame::wasm_frame_t;
use crate::capi::{own, vec};

/// Copies the name of a frame's function to `out`, owned by the caller: the one that the module's name section gives it.
/// Empty if it gives none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_frame_func_name(frame: *const wasm_frame_t, out: *mut wasm_name_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let name = unsafe { own::borrow(frame) }?.func_name().unwrap_or_default();
        // SAFETY: as the caller states.
        unsafe { own::write(out, byte::from_bytes(name.as_bytes())?) }
    })
}
