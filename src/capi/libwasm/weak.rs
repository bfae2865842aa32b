//! Weak references.

use crate::capi::boundary::boundary;
use crate::capi::own::{self, objects};
use crate::capi::reference::wasm_ref_t;
use crate::vm::gc::weak::Weak;
use std::ptr;

/// A weak reference to an object of a store, of any kind: it gives the object as long as that is alive, and does not keep it. It keeps
/// the store.
///
/// It is cleared when the object is freed, or when a collection finds it dead, before any finalizer runs for that reason: of an object of
/// WebAssembly by any collection, of an object of the host when its last handle is deleted if nothing else has ever referred to it, else by a
/// collection of everything (`libwasm_store_collect`). Then it stays cleared. One to an i31 is never cleared.
#[derive(Debug)]
pub struct libwasm_weak_t {
    _opaque: [u8; 0],
}

objects! {
    libwasm_weak_t => "a weak reference", [Weak], Weak;
}

/// Makes a weak reference to an object, which is lent, owned by the caller. NULL for NULL, and for a trap that belongs to no store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_weak_new(object: *const wasm_ref_t) -> *mut libwasm_weak_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(object) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(object) }?.enter()?;
        // SAFETY: as above.
        Ok(own::object_into_raw(unsafe { Weak::new(&entered, object) }?))
    })
}

/// Deletes a handle of a weak reference; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_weak_delete(weak: *mut libwasm_weak_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(weak) }
}

/// Makes another handle of the same weak reference, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_weak_copy(weak: *const libwasm_weak_t) -> *mut libwasm_weak_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(weak) }
}

/// The object that a weak reference refers to: a handle that the caller owns, and that keeps the object, the same as all others of it. NULL,
/// without a reason, if the object is gone; NULL for NULL, on a thread that is not the store's, and without memory for the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_weak_get(weak: *const libwasm_weak_t) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let weak = unsafe { own::record(weak) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(ptr::from_ref(weak).cast()) }?.enter()?;
        let object = weak.target(&entered)?;
        // SAFETY: live, or null, and the store is entered.
        Ok(unsafe { own::retain_object(object) })
    })
}
