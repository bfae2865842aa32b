//! Handles of references, stores and values: pointers to what the virtual machine has, which counts them.

use super::{Handle, null};
use crate::abi::{ObjectHeader, ObjectKind};
use crate::capi::boundary::boundary;
use crate::capi::reference::wasm_ref_t;
use crate::capi::store::wasm_store_t;
use crate::capi::val::{wasm_val_t, wasm_val_vec_t};
use crate::types::{Error, Result};
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::Store;
use crate::vm::store::entity::{self as vm, Record};
use crate::vm::val::Val;
use std::mem::MaybeUninit;

/// A kind of reference: its handles are pointers to the [`ObjectHeader`] of a record of a store.
pub trait Object: Handle {
    /// Whether an object of this kind is one.
    fn accepts(kind: ObjectKind) -> bool;
}

/// A kind of reference that always points to the same kind of record.
pub trait Typed: Object {
    type Record: Record;
}

/// Declares the handle types that point to records, as [`Object`] and [`Handle`].
macro_rules! objects {
    ($($handle:ty => $name:literal, [$($kind:ident)|*] $(, $record:ty)?;)*) => {$(
        // SAFETY: a copy counts one handle more, and `delete` gives one back.
        unsafe impl $crate::capi::own::Handle for $handle {
            const NAME: &'static str = $name;
            unsafe fn copy(ptr: *const Self) -> $crate::types::Result<*mut Self> {
                // SAFETY: the caller's contract is that of `copy_object`.
                unsafe { $crate::capi::own::copy_object(ptr) }
            }
            unsafe fn delete(ptr: *mut Self) {
                // SAFETY: the caller's contract is that of `delete_object`.
                unsafe { $crate::capi::own::delete_object(ptr) }
            }
            unsafe fn delete_all(ptrs: &[*mut Self]) {
                // SAFETY: the caller's contract is that of `delete_objects`.
                unsafe { $crate::capi::own::delete_objects(ptrs) }
            }
        }
        impl $crate::capi::own::Object for $handle {
            fn accepts(kind: $crate::abi::ObjectKind) -> bool {
                matches!(kind, $($crate::abi::ObjectKind::$kind)|*)
            }
        }
        $(impl $crate::capi::own::Typed for $handle {
            type Record = $record;
        })?
    )*};
}
pub(crate) use objects;

/// The record behind a handle; an error for NULL and for an object of another kind.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn object<T: Object>(ptr: *const T) -> Result<*mut ObjectHeader> {
    if ptr.is_null() {
        return Err(null(T::NAME));
    }
    let object = ptr.cast_mut().cast::<ObjectHeader>();
    // SAFETY: every live handle of a reference points to a header.
    let kind = unsafe { (*object).kind };
    if T::accepts(kind) {
        Ok(object)
    } else {
        Err(Error::argument(format!("{} is wanted, {} is given", T::NAME, kind.name())))
    }
}

/// As [`object`], with NULL as null.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn object_or_null<T: Object>(ptr: *const T) -> Result<*mut ObjectHeader> {
    // SAFETY: as the caller states.
    if ptr.is_null() { Ok(std::ptr::null_mut()) } else { unsafe { object(ptr) } }
}

/// Looks at the record behind a handle; nothing for NULL and for an object of another kind, and then the reason is recorded. For
/// functions that do so little that a [`boundary`] would be most of it; what is done with the record cannot fail.
///
/// # Safety
///
/// `ptr` is NULL or a live handle and stays so for `'a`.
#[inline(always)]
pub unsafe fn record_at_hand<'a, T: Typed>(ptr: *const T) -> Option<&'a T::Record> {
    // SAFETY: every live handle of a reference points to a header.
    match unsafe { ptr.cast::<ObjectHeader>().as_ref() } {
        // SAFETY: `T` accepts only objects whose records are of this type; records change only through cells.
        Some(object) if T::accepts(object.kind) => Some(unsafe { &*ptr.cast::<T::Record>() }),
        _ => {
            // SAFETY: as the caller states.
            unsafe { record_why_none(ptr) };
            None
        }
    }
}

/// # Safety
///
/// `ptr` is NULL or a live handle.
#[cold]
#[inline(never)]
unsafe extern "C" fn record_why_none<T: Typed>(ptr: *const T) {
    // SAFETY: as the caller states.
    boundary((), || unsafe { record(ptr) }.map(drop))
}

/// Looks at the record behind a handle; an error for NULL and for an object of another kind.
///
/// # Safety
///
/// `ptr` is NULL or a live handle and stays so for `'a`.
#[inline]
pub unsafe fn record<'a, T: Typed>(ptr: *const T) -> Result<&'a T::Record> {
    // SAFETY: as the caller states.
    let object = unsafe { object(ptr) }?;
    // SAFETY: `T` accepts only objects whose records are of this type; records change only through cells.
    Ok(unsafe { &*object.cast::<T::Record>() })
}

/// Gives an owned handle to C.
pub fn object_into_raw<T: Typed>(handle: vm::Handle<T::Record>) -> *mut T {
    handle.into_raw().cast()
}

/// Makes an owned handle of an object for C; NULL for null.
///
/// # Safety
///
/// `object` is null or a live record of a kind that `T` accepts, and its store is entered on this thread.
pub unsafe fn retain_object<T: Object>(object: *const ObjectHeader) -> *mut T {
    if !object.is_null() {
        // SAFETY: as the caller states.
        unsafe { vm::retain(object) };
    }
    object.cast_mut().cast()
}

/// Makes handles of objects for C, where they are not null.
///
/// # Safety
///
/// As for [`retain_object`], of each.
pub unsafe fn retain_objects<T: Object>(objects: &[*mut T]) {
    // SAFETY: as the caller states.
    unsafe { vm::retain_all(objects) };
}

/// [`Handle::copy`] for references.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn copy_object<T: Object>(ptr: *const T) -> Result<*mut T> {
    if !ptr.is_null() {
        // SAFETY: as the caller states.
        let object = unsafe { object(ptr) }?;
        // SAFETY: a live handle, so its record is live and has at least one handle.
        unsafe { vm::copy(object) };
    }
    Ok(ptr.cast_mut())
}

/// [`Handle::delete`] for references.
///
/// # Safety
///
/// `ptr` is NULL or a live handle, which the caller owns.
pub unsafe fn delete_object<T: Object>(ptr: *mut T) {
    if !ptr.is_null() {
        // SAFETY: a live handle of which the caller gives up the ownership.
        unsafe { vm::release(ptr.cast()) };
    }
}

/// [`Handle::delete_all`] for references.
///
/// # Safety
///
/// The pointers are NULL or live handles, which the caller owns.
pub unsafe fn delete_objects<T: Object>(ptrs: &[*mut T]) {
    // SAFETY: live handles of which the caller gives up the ownership.
    unsafe { Store::release_handles(ptrs) };
}

/// The store of an object; an error for a trap that was made without one.
///
/// # Safety
///
/// `object` is live, by a handle of the caller's, and stays so for `'a`.
pub unsafe fn store_of_object<'a>(object: *const ObjectHeader) -> Result<&'a Store> {
    // SAFETY: as the caller states.
    let store = unsafe { vm::store_of(object) };
    // SAFETY: a handle keeps its store alive; only a trap may have none.
    unsafe { store.as_ref() }.ok_or_else(|| Error::argument("the object belongs to no store"))
}

/// Looks at an object of the heap behind a reference; an error for NULL, which says what is `wanted`, and for objects of the host.
///
/// # Safety
///
/// `reference` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn heap_object<'a>(reference: *const wasm_ref_t, wanted: &str) -> Result<&'a HeapObject> {
    if reference.is_null() {
        return Err(null(wanted));
    }
    // SAFETY: as the caller states.
    let object = unsafe { object(reference) }?;
    // SAFETY: a live handle.
    let kind = unsafe { (*object).kind };
    if kind != ObjectKind::HeapObject {
        return Err(Error::argument(format!("{wanted} is wanted, {} is given", kind.name())));
    }
    // SAFETY: an object of this kind is a `HeapObject`.
    Ok(unsafe { &*object.cast::<HeapObject>() })
}

/// Looks at a store; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live store and stays so for `'a`.
pub unsafe fn store<'a>(ptr: *const wasm_store_t) -> Result<&'a Store> {
    // SAFETY: a `wasm_store_t*` that is not NULL came from `store_into_raw` and was not deleted.
    unsafe { ptr.cast::<Store>().as_ref() }.ok_or_else(|| null("a store"))
}

/// Gives a store's handle to C.
pub fn store_into_raw(store: *mut Store) -> *mut wasm_store_t {
    store.cast()
}

/// Gives a store's handle back; does nothing for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live store, whose handle the caller owns.
pub unsafe fn delete_store(ptr: *mut wasm_store_t) {
    if !ptr.is_null() {
        // SAFETY: as the caller states.
        unsafe { Store::delete(ptr.cast()) };
    }
}

/// A value as the virtual machine reads it.
pub fn val(value: &wasm_val_t) -> &Val {
    // SAFETY: the two have the same layout, and every bit pattern of a `Val` is one.
    unsafe { &*std::ptr::from_ref(value).cast() }
}

/// A value of the virtual machine as C reads it.
pub fn val_into_raw(value: Val) -> wasm_val_t {
    // SAFETY: the two have the same layout, and every member of the union is plain bits.
    unsafe { std::mem::transmute::<Val, wasm_val_t>(value) }
}

/// The values in a vector, as the virtual machine reads them.
///
/// # Safety
///
/// `vector` is NULL or a live vector that is not changed for `'a`.
pub unsafe fn vals<'a>(vector: *const wasm_val_vec_t) -> &'a [Val] {
    // SAFETY: as the caller states.
    let values = unsafe { crate::capi::vec::elements(vector) };
    // SAFETY: the two have the same layout.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// The places of a vector of results, whatever is in them.
///
/// # Safety
///
/// `vector` is NULL or has `size` places that nobody else uses for `'a`.
pub unsafe fn val_places<'a>(vector: *mut wasm_val_vec_t) -> &'a mut [MaybeUninit<Val>] {
    // SAFETY: as the caller states.
    let (size, data) = unsafe { vector.as_ref() }.map_or((0, std::ptr::null_mut()), |v| (v.size, v.data));
    if size == 0 || data.is_null() {
        return &mut [];
    }
    // SAFETY: as the caller states; the layouts are the same.
    unsafe { std::slice::from_raw_parts_mut(data.cast(), size) }
}
