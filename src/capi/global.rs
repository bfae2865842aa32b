//! Globals.

use super::boundary::{self, boundary};
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::types::globaltype::{self, wasm_globaltype_t};
use super::val::{self, wasm_val_t};
use crate::abi::VMGlobal;
use crate::types::{Error, Result, ValType};
use crate::vm::global;
use crate::vm::store::Store;
use crate::vm::store::entity::store_of;
use crate::vm::val::{KIND_F32, KIND_F64, KIND_I32, KIND_I64, Val, kind_of};
use std::ffi::c_void;
use std::ptr;

/// A global.
#[derive(Debug)]
pub struct wasm_global_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_global_t => "a global", [Global], VMGlobal;
}

/// The store of a global.
fn store_of_global(global: &VMGlobal) -> &Store {
    // SAFETY: the record is live.
    let store = unsafe { store_of(&raw const global.object) };
    // SAFETY: a store outlives its entities, and only traps are without one.
    unsafe { &*store }
}

/// The value for a new global of type `ty`: existing bindings rely on a number of another kind being taken for its bits.
fn number_of_another_kind(value: &Val, ty: ValType) -> Option<Val> {
    let bits = match value.kind {
        KIND_I32 | KIND_F32 => value.of & 0xffff_ffff,
        KIND_I64 | KIND_F64 => value.of,
        _ => return None,
    };
    let wanted = kind_of(ty);
    let is_number = matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64);
    (is_number && wanted != value.kind).then_some(Val { kind: wanted, of: bits })
}

/// Deletes a handle of a global; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_delete(object: *mut wasm_global_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_copy(object: *const wasm_global_t) -> *mut wasm_global_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_same(a: *const wasm_global_t, b: *const wasm_global_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_get_host_info(object: *const wasm_global_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_set_host_info(object: *mut wasm_global_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_global_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_set_host_info_with_finalizer(
    object: *mut wasm_global_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A global as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_as_ref(object: *mut wasm_global_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a global: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_global(reference: *mut wasm_ref_t) -> *mut wasm_global_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A global as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_as_ref_const(object: *const wasm_global_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a global: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_global_const(reference: *const wasm_ref_t) -> *const wasm_global_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a global, owned by the caller. The value is lent. A number of another kind is taken for its bits, and the mistake
/// recorded; NULL for any other wrong kind, a NULL pointer, or a reference to an object of another store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_new(
    store: *mut wasm_store_t,
    ty: *const wasm_globaltype_t,
    value: *const wasm_val_t,
) -> *mut wasm_global_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { globaltype::borrow(ty) }?.global_type()?;
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "the value of a global") }?);
        let bits = number_of_another_kind(value, ty.content);
        // SAFETY: the value is as the caller states, or a number.
        let global = unsafe { global::new(&entered, ty, bits.as_ref().unwrap_or(value)) }?;
        if bits.is_some() {
            let text = format!("a global of type {} was made with a value of kind {}", ty.content, value.kind);
            boundary::record(&Error::argument(text));
        }
        Ok(own::object_into_raw(global))
    })
}

/// The type of a global, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_type(global: *const wasm_global_t) -> *mut wasm_globaltype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let global = unsafe { own::record(global) }?;
        // SAFETY: the caller's handle keeps the global alive.
        globaltype::into_raw(&unsafe { global::ty(global) })
    })
}

/// Writes the value of a global to `out`, owned by the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_get(global: *const wasm_global_t, out: *mut wasm_val_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, val::EMPTY) }?;
        // SAFETY: as the caller states.
        let global = unsafe { own::record(global) }?;
        let entered = store_of_global(global).enter()?;
        // SAFETY: the caller's handle keeps the global alive.
        let value = unsafe { global::get(&entered, global) }?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, own::val_into_raw(value)) }
    })
}

/// Sets a global. The value is lent. Does nothing and records the reason if the global is immutable or the value of another
/// kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_set(global: *mut wasm_global_t, value: *const wasm_val_t) {
    boundary((), || -> Result<()> {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(global) }?;
        // SAFETY: as the caller states.
        let entered = store_of_global(unsafe { own::record(global) }?).enter()?;
        // SAFETY: as the caller states.
        let value = own::val(unsafe { own::borrow_struct(value, "the value of a global") }?);
        // SAFETY: the caller's handle keeps the global alive; the value is as the caller states.
        unsafe { global::set(&entered, object.cast(), value) }
    })
}
