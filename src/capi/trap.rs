//! Traps.

use super::boundary::{boundary, boundary_or};
use super::byte::{self, wasm_byte_vec_t};
use super::frame::{FrameObject, wasm_frame_t, wasm_frame_vec_t};
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::vec;
use crate::os::exceptions;
use crate::types::{Error, ErrorKind, Result, TrapCode};
use crate::vm::store::Entered;
use crate::vm::store::entity::Handle;
use crate::vm::trap::Trap;
use std::ffi::c_void;
use std::ptr;

/// A message: text with a terminating NUL that `size` counts.
pub type wasm_message_t = wasm_byte_vec_t;

/// A trap (<https://webassembly.github.io/spec/core/intro/overview.html#trap>).
#[derive(Debug)]
pub struct wasm_trap_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_trap_t => "a trap", [Trap], Trap;
}

/// The code of a trap that stands for a failure.
fn code_of(error: &Error) -> TrapCode {
    match error.kind() {
        ErrorKind::OutOfMemory => TrapCode::OutOfMemory,
        ErrorKind::Link => TrapCode::Link,
        ErrorKind::Limit => TrapCode::Limit,
        _ => TrapCode::BadCall,
    }
}

/// A trap for a failure that has no store at hand.
#[cold]
pub fn from_error(error: &Error) -> *mut wasm_trap_t {
    own::object_into_raw(Trap::detached(code_of(error), &error.to_string()))
}

/// Lets the exception that a trap stands for go on at the caller of the library, if there is one. Returns if nobody further out catches it:
/// then it is a trap like any other.
#[cold]
pub fn let_exception_go_on(trap: Handle<Trap>) -> Handle<Trap> {
    let exception = trap.take_exception();
    if !exception.is_null() {
        // If it is caught, the trap is freed when this frame is unwound.
        // SAFETY: the trap owned it; the frames from here on are those of functions that may be unwound.
        unsafe { exceptions::rethrow(exception) };
        // SAFETY: as above, and nobody has caught it.
        unsafe { exceptions::delete(exception) };
    }
    trap
}

/// A trap of the store for a failure.
#[cold]
pub fn from_error_in(entered: &Entered<'_>, error: &Error) -> *mut wasm_trap_t {
    let message = error.to_string().into_bytes();
    Trap::new(entered, code_of(error), Some(message.into())).map_or_else(|_| from_error(error), own::object_into_raw)
}

/// The frames of a trap, innermost first, at most `limit`.
fn frames(trap: &Trap, limit: usize) -> Result<Vec<FrameObject>> {
    // SAFETY: the store of a live trap is live; a trap without one has no frames.
    let Some(store) = (unsafe { trap.store().as_ref() }) else { return Ok(Vec::new()) };
    let _entered = store.enter()?;
    // SAFETY: a trap keeps the instances of its frames alive, and the store is entered.
    Ok(trap.frames().into_iter().take(limit).map(|info| unsafe { FrameObject::new(info) }).collect())
}

/// Deletes a handle of a trap; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_delete(object: *mut wasm_trap_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_copy(object: *const wasm_trap_t) -> *mut wasm_trap_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_same(a: *const wasm_trap_t, b: *const wasm_trap_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_get_host_info(object: *const wasm_trap_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_set_host_info(object: *mut wasm_trap_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_trap_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_set_host_info_with_finalizer(
    object: *mut wasm_trap_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A trap as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_as_ref(object: *mut wasm_trap_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a trap: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_trap(reference: *mut wasm_ref_t) -> *mut wasm_trap_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A trap as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_as_ref_const(object: *const wasm_trap_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a trap: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_trap_const(reference: *const wasm_ref_t) -> *const wasm_trap_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a trap with a message, owned by the caller. The message may end in a NUL or not; NULL is an empty one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_new(store: *mut wasm_store_t, message: *const wasm_message_t) -> *mut wasm_trap_t {
    // SAFETY: as the caller states.
    let message = unsafe { byte::bytes(message) };
    let length = message.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let message = &message[..length];
    boundary_or(
        |_| own::object_into_raw(Trap::detached(TrapCode::Host, &String::from_utf8_lossy(message))),
        || {
            // SAFETY: as the caller states.
            let entered = unsafe { own::store(store) }?.enter()?;
            Ok(own::object_into_raw(Trap::new(&entered, TrapCode::Host, Some(message.into()))?))
        },
    )
}

/// Makes a copy of the trap's message in `out`, with one terminating NUL that `size` counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_message(trap: *const wasm_trap_t, out: *mut wasm_message_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let message = [unsafe { own::record(trap) }?.message(), b"\0"].concat();
        // SAFETY: as the caller states.
        unsafe { own::write(out, byte::from_bytes(&message)?) }
    })
}

/// The innermost frame of the trap's trace, owned by the caller; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_origin(trap: *const wasm_trap_t) -> *mut wasm_frame_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let trap = unsafe { own::record(trap) }?;
        Ok(frames(trap, 1)?.pop().map_or(ptr::null_mut(), own::into_raw))
    })
}

/// Makes the trap's trace in `out`: its frames, from the innermost outwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_trap_trace(trap: *const wasm_trap_t, out: *mut wasm_frame_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let trap = unsafe { own::record(trap) }?;
        let frames = vec::from_iter(frames(trap, usize::MAX)?.into_iter().map(own::into_raw))?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, frames) }
    })
}
