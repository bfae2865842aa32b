//! References: what all objects of a store have in common.

use super::boundary::boundary;
use super::own::{self, Object, objects};
use super::reference;
use crate::abi::ObjectHeader;
use crate::types::Result;
use crate::vm::store::Finalizer;
use crate::vm::store::entity::store_of;
use crate::vm::trap::Trap;
use std::ffi::c_void;
use std::ptr;

/// A reference to an object of any kind.
#[derive(Debug)]
pub struct wasm_ref_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_ref_t => "a reference", [Func | Global | Table | Memory | Instance | Module | Trap | Foreign | HeapObject | Tag];
}

/// `wasm_X_same`.
///
/// # Safety
///
/// Both are NULL or live handles.
pub unsafe fn same<T: Object>(a: *const T, b: *const T) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let a = unsafe { own::object(a) }?;
        // SAFETY: as the caller states.
        let b = unsafe { own::object(b) }?;
        Ok(ptr::eq(a, b))
    })
}

/// `wasm_X_get_host_info`.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn host_info<T: Object>(ptr: *const T) -> *mut c_void {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(ptr) }?;
        // SAFETY: the record is live.
        let store = unsafe { store_of(object) };
        // SAFETY: a store outlives its records.
        match unsafe { store.as_ref() } {
            Some(store) => Ok(store.enter()?.store().host_info(object)),
            // SAFETY: as the caller states.
            None => Ok(unsafe { detached(object) }.detached_info()),
        }
    })
}

/// `wasm_X_set_host_info` and `wasm_X_set_host_info_with_finalizer`.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn set_host_info<T: Object>(
    ptr: *mut T,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    boundary((), || -> Result<()> {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(ptr) }?;
        // SAFETY: the record is live.
        let store = unsafe { store_of(object) };
        // SAFETY: a store outlives its records.
        match unsafe { store.as_ref() } {
            Some(store) => {
                let entered = store.enter()?;
                // SAFETY: the store is entered, and the record is a live one of it.
                unsafe { entered.store().set_host_info(object, info, finalizer) };
            }
            None => {
                // SAFETY: as the caller states.
                let old = unsafe { detached(object) }.set_detached_info(info, finalizer);
                old.into_iter().for_each(Finalizer::run);
            }
        }
        Ok(())
    })
}

/// An object that belongs to no store.
///
/// # Safety
///
/// `object` is live and its store is null.
unsafe fn detached<'a>(object: *const ObjectHeader) -> &'a Trap {
    // SAFETY: only traps can be without a store.
    unsafe { &*object.cast() }
}

/// Every conversion between kinds of references: the same pointer, or NULL if the object is of another kind.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn convert<From: Object, To: Object>(ptr: *const From) -> *mut To {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        unsafe { own::object(ptr) }?;
        // SAFETY: as the caller states.
        let object = unsafe { own::object(ptr.cast::<To>()) }?;
        Ok(object.cast())
    })
}

/// Deletes a handle of a reference; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_delete(object: *mut wasm_ref_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_copy(object: *const wasm_ref_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_same(a: *const wasm_ref_t, b: *const wasm_ref_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_get_host_info(object: *const wasm_ref_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_set_host_info(object: *mut wasm_ref_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_ref_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_set_host_info_with_finalizer(
    object: *mut wasm_ref_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}
