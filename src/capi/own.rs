//! Where handles become pointers and pointers handles: the only file that does either.
//!
//! A `wasm_X_t` is an opaque mark: no value of it exists. For boxed kinds (types, frames, configurations…) a `wasm_X_t*` is
//! the address of a `Box<X::Object>`: [`into_raw`] makes it, [`from_raw`] ends it, [`borrow`] looks at it. A pointer that C hands in
//! is NULL or came from [`into_raw`] for the same kind and was not taken since: that is the contract of the header, and what
//! every `unsafe fn` here asks for.
//!
//! A value type is a static object, the same for all who point to it: [`static_into_raw`] and [`borrow_static`], and nobody owns it.
//!
//! For references (functions, memories, instances…) a `wasm_X_t*` is the address of an [`ObjectHeader`] of which the caller owns
//! one of the handles that `src/vm/store/entity.rs` counts: [`object_into_raw`] and [`retain_object`] hand one out, [`object`] and
//! [`record`] look, and check the kind, so that a pointer cast to the wrong kind of reference is an error.

use super::boundary::boundary;
use super::store::wasm_store_t;
use super::val::{wasm_val_t, wasm_val_vec_t};
use crate::abi::{ObjectHeader, ObjectKind};
use crate::types::{Error, Result};
use crate::vm::store::Store;
use crate::vm::store::entity::{self as vm, Record};
use crate::vm::val::Val;
use std::mem::MaybeUninit;

/// Copying that reports a lack of memory.
pub trait TryClone: Sized {
    fn try_clone(&self) -> Result<Self>;
}

/// A kind of object of which C holds owned pointers.
///
/// # Safety
///
/// `copy` gives a pointer that is owned apart from `ptr`; `delete` ends the ownership of one.
pub unsafe trait Handle: Sized {
    /// What messages call it: "function type", "frame"….
    const NAME: &'static str;

    /// Another owned pointer to the object or to a copy of it; NULL for NULL.
    ///
    /// # Safety
    ///
    /// `ptr` is NULL or a live handle of this kind.
    unsafe fn copy(ptr: *const Self) -> Result<*mut Self>;

    /// Gives the pointer up; does nothing for NULL.
    ///
    /// # Safety
    ///
    /// `ptr` is NULL or a live handle of this kind, which the caller owns.
    unsafe fn delete(ptr: *mut Self);

    /// Gives all of them up.
    ///
    /// # Safety
    ///
    /// As for [`Handle::delete`], for each.
    unsafe fn delete_all(ptrs: &[*mut Self]) {
        for &ptr in ptrs {
            // SAFETY: as the caller states.
            unsafe { Self::delete(ptr) };
        }
    }
}

/// A kind of object whose handle is the address of a `Box`.
pub trait Boxed: Sized {
    type Object: TryClone;
    const NAME: &'static str;
}

/// Declares the handle types that are boxes, as [`Boxed`] and [`Handle`].
macro_rules! boxed {
    ($($handle:ty => $object:ty, $name:literal;)*) => {$(
        impl $crate::capi::own::Boxed for $handle {
            type Object = $object;
            const NAME: &'static str = $name;
        }
        // SAFETY: a copy is a box of its own, and `delete` takes the box back.
        unsafe impl $crate::capi::own::Handle for $handle {
            const NAME: &'static str = $name;
            unsafe fn copy(ptr: *const Self) -> $crate::types::Result<*mut Self> {
                // SAFETY: the caller's contract is that of `copy_boxed`.
                unsafe { $crate::capi::own::copy_boxed(ptr) }
            }
            unsafe fn delete(ptr: *mut Self) {
                // SAFETY: the caller's contract is that of `take`.
                drop(unsafe { $crate::capi::own::from_raw(ptr) });
            }
        }
    )*};
}
pub(crate) use boxed;

/// The error for a NULL where an object is needed.
#[cold]
pub fn null(name: &str) -> Error {
    Error::argument(format!("NULL given for {name}"))
}

/// Puts `object` into a box of which C becomes the owner.
pub fn into_raw<T: Boxed>(object: T::Object) -> *mut T {
    Box::into_raw(Box::new(object)).cast()
}

/// Takes a box back from C; `None` for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind, which the caller owns.
pub unsafe fn from_raw<T: Boxed>(ptr: *mut T) -> Option<Box<T::Object>> {
    if ptr.is_null() {
        return None;
    }
    // SAFETY: a handle that is not NULL came from `give`, which made it from a `Box<T::Object>`.
    Some(unsafe { Box::from_raw(ptr.cast::<T::Object>()) })
}

/// Looks at the object behind a handle; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind and stays so for `'a`; nobody changes the object meanwhile.
pub unsafe fn borrow<'a, T: Boxed>(ptr: *const T) -> Result<&'a T::Object> {
    // SAFETY: a handle that is not NULL came from `give` and was not taken; the caller answers for `'a`.
    unsafe { ptr.cast::<T::Object>().as_ref() }.ok_or_else(|| null(T::NAME))
}

/// As [`borrow`], to change the object.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind and stays so for `'a`; nobody else looks at the object meanwhile.
pub unsafe fn borrow_mut<'a, T: Boxed>(ptr: *mut T) -> Result<&'a mut T::Object> {
    // SAFETY: a handle that is not NULL came from `give` and was not taken; the caller answers for `'a`.
    unsafe { ptr.cast::<T::Object>().as_mut() }.ok_or_else(|| null(T::NAME))
}

/// [`Handle::copy`] for boxed kinds.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind.
pub unsafe fn copy_boxed<T: Boxed>(ptr: *const T) -> Result<*mut T> {
    if ptr.is_null() {
        return Ok(std::ptr::null_mut());
    }
    // SAFETY: as the caller states.
    let object = unsafe { borrow(ptr) }?;
    Ok(into_raw(object.try_clone()?))
}

/// A kind of object of which there is one for each value, alive as long as the library. Its handles are copied and deleted without
/// effect, so that they may also be deleted twice.
pub trait Static: Sized {
    type Object: Sync + 'static;
    const NAME: &'static str;
}

/// Declares the handle types of static objects, as [`Static`] and [`Handle`].
macro_rules! statics {
    ($($handle:ty => $object:ty, $name:literal;)*) => {$(
        impl $crate::capi::own::Static for $handle {
            type Object = $object;
            const NAME: &'static str = $name;
        }
        // SAFETY: every pointer is as good as owned, and stays so.
        unsafe impl $crate::capi::own::Handle for $handle {
            const NAME: &'static str = $name;
            unsafe fn copy(ptr: *const Self) -> $crate::types::Result<*mut Self> {
                Ok(ptr.cast_mut())
            }
            unsafe fn delete(_: *mut Self) {}
            unsafe fn delete_all(_: &[*mut Self]) {}
        }
    )*};
}
pub(crate) use statics;

/// A pointer for C to a static object, which C does not change.
pub fn static_into_raw<T: Static>(object: &'static T::Object) -> *mut T {
    std::ptr::from_ref(object).cast_mut().cast()
}

/// Looks at a static object; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a handle of this kind.
pub unsafe fn borrow_static<T: Static>(ptr: *const T) -> Result<&'static T::Object> {
    // SAFETY: a handle that is not NULL came from `static_into_raw`.
    unsafe { ptr.cast::<T::Object>().as_ref() }.ok_or_else(|| null(T::NAME))
}

/// An owned handle inside an object: deleted with it, copied with it, never NULL.
#[derive(Debug)]
pub struct OwnedHandle<T: Handle>(*mut T);

impl<T: Handle> OwnedHandle<T> {
    /// Takes `ptr` over; an error for NULL.
    ///
    /// # Safety
    ///
    /// `ptr` is NULL or a live handle of this kind, which the caller owns.
    pub unsafe fn new(ptr: *mut T) -> Result<OwnedHandle<T>> {
        if ptr.is_null() { Err(null(T::NAME)) } else { Ok(OwnedHandle(ptr)) }
    }

    /// The handle, lent for as long as the owner lives.
    pub fn as_ptr(&self) -> *mut T {
        self.0
    }
}

impl<T: Boxed + Handle> OwnedHandle<T> {
    pub fn into_raw(object: T::Object) -> OwnedHandle<T> {
        OwnedHandle(into_raw(object))
    }

    pub fn get(&self) -> &T::Object {
        // SAFETY: this owns a live handle that is not NULL, so it points to a `Box<T::Object>`'s content.
        unsafe { &*self.0.cast::<T::Object>() }
    }
}

impl<T: Handle> TryClone for OwnedHandle<T> {
    fn try_clone(&self) -> Result<Self> {
        // SAFETY: this owns a live handle.
        unsafe { T::copy(self.0) }.map(OwnedHandle)
    }
}

impl<T: Handle> Drop for OwnedHandle<T> {
    fn drop(&mut self) {
        // SAFETY: this owns the handle, and it is not used again.
        unsafe { T::delete(self.0) }
    }
}

/// Looks at a plain struct that C lends; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or points to a `T` that lives and is not changed for `'a`.
pub unsafe fn borrow_struct<'a, T>(ptr: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: as the caller states.
    unsafe { ptr.as_ref() }.ok_or_else(|| null(name))
}

/// Writes an `out` parameter, whatever was there before; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or points to writable memory for a `T`.
pub unsafe fn write<T>(ptr: *mut T, value: T) -> Result<()> {
    if ptr.is_null() {
        return Err(null("an out parameter"));
    }
    // SAFETY: as the caller states; what was there is not dropped, as it may be raw stack memory.
    unsafe { ptr.write(value) };
    Ok(())
}

/// `wasm_X_delete`.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind, which the caller owns.
pub unsafe fn delete<T: Handle>(ptr: *mut T) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { T::delete(ptr) };
        Ok(())
    })
}

/// `wasm_X_copy`.
///
/// # Safety
///
/// `ptr` is NULL or a live handle of this kind.
pub unsafe fn copy<T: Handle>(ptr: *const T) -> *mut T {
    boundary(std::ptr::null_mut(), || {
        if ptr.is_null() {
            return Err(null(T::NAME));
        }
        // SAFETY: as the caller states.
        unsafe { T::copy(ptr) }
    })
}

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
    let values = unsafe { super::vec::elements(vector) };
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
