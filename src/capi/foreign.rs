//! Foreign objects: the host's own, as references.

use super::boundary::boundary;
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use crate::vm::foreign::Foreign;
use std::ffi::c_void;
use std::ptr;

/// A foreign object: one of the host, known by its identity and its host info.
#[derive(Debug)]
pub struct wasm_foreign_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_foreign_t => "a foreign object", [Foreign], Foreign;
}

/// Deletes a handle of a foreign object; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_delete(object: *mut wasm_foreign_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_copy(object: *const wasm_foreign_t) -> *mut wasm_foreign_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_same(a: *const wasm_foreign_t, b: *const wasm_foreign_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_get_host_info(object: *const wasm_foreign_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_set_host_info(object: *mut wasm_foreign_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_foreign_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_set_host_info_with_finalizer(
    object: *mut wasm_foreign_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A foreign object as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_as_ref(object: *mut wasm_foreign_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a foreign object: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_foreign(reference: *mut wasm_ref_t) -> *mut wasm_foreign_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A foreign object as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_as_ref_const(object: *const wasm_foreign_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a foreign object: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_foreign_const(reference: *const wasm_ref_t) -> *const wasm_foreign_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a foreign object, owned by the caller. NULL if the store is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_foreign_new(store: *mut wasm_store_t) -> *mut wasm_foreign_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        Ok(own::object_into_raw(Foreign::new(&entered)?))
    })
}
