//! Where handles become pointers and pointers handles: the only folder that does either.
//!
//! A `wasm_X_t` is an opaque mark: no value of it exists. For boxed kinds (types, frames, configurations…) a `wasm_X_t*` is
//! the address of a `Box<X::Object>`: [`into_raw`] makes it, [`from_raw`] ends it, [`borrow`] looks at it. A pointer that C hands in
//! is NULL or came from [`into_raw`] for the same kind and was not taken since: that is the contract of the header, and what
//! every `unsafe fn` here asks for.
//!
//! A value type that has a kind of its own is a static object, the same for all who point to it: [`static_into_raw`] and
//! [`borrow_static`], and nobody owns it. Others, which name a defined type, are boxes: [`unlisted_into_raw`].
//!
//! For references (functions, memories, instances…) a `wasm_X_t*` is the address of an [`ObjectHeader`](crate::abi::ObjectHeader) of
//! which the caller owns one of the handles that `src/vm/store/entity.rs` counts: [`object_into_raw`] and [`retain_object`] hand one out,
//! [`object`] and [`record`] look, and check the kind, so that a pointer cast to the wrong kind of reference is an error.

mod references;

pub(crate) use references::objects;
pub use references::*;

use super::boundary::boundary;
use crate::types::{Error, Result};

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
    type Object: Clone + Sync + 'static;
    const NAME: &'static str;

    /// Whether the object is one of those that live as long as the library.
    fn is_static(object: &Self::Object) -> bool;
}

/// Declares the handle types of static objects, as [`Static`] and [`Handle`].
macro_rules! statics {
    ($($handle:ty => $object:ty, $name:literal;)*) => {$(
        impl $crate::capi::own::Static for $handle {
            type Object = $object;
            const NAME: &'static str = $name;

            fn is_static(object: &$object) -> bool {
                object.is_static()
            }
        }
        // SAFETY: every pointer to a static object is as good as owned, and stays so; copies of others are boxes of their own.
        unsafe impl $crate::capi::own::Handle for $handle {
            const NAME: &'static str = $name;
            unsafe fn copy(ptr: *const Self) -> $crate::types::Result<*mut Self> {
                // SAFETY: the caller's contract is that of `copy_static`.
                Ok(unsafe { $crate::capi::own::copy_static(ptr) })
            }
            unsafe fn delete(ptr: *mut Self) {
                // SAFETY: the caller's contract is that of `delete_unlisted`.
                unsafe { $crate::capi::own::delete_unlisted(ptr) }
            }
        }
    )*};
}
pub(crate) use statics;

/// The pointer to a static object.
pub fn static_into_raw<T: Static>(object: &'static T::Object) -> *mut T {
    std::ptr::from_ref(object).cast_mut().cast()
}

/// Makes a handle of an object that is not static; the caller owns it.
pub fn unlisted_into_raw<T: Static>(object: T::Object) -> *mut T {
    debug_assert!(!T::is_static(&object));
    Box::into_raw(Box::new(object)).cast()
}

/// Looks at the object behind a pointer; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow_static<'a, T: Static>(ptr: *const T) -> Result<&'a T::Object> {
    // SAFETY: a handle that is not NULL came from `static_into_raw` or `unlisted_into_raw`.
    unsafe { ptr.cast::<T::Object>().as_ref() }.ok_or_else(|| null(T::NAME))
}

/// The same pointer for a static object, a box of its own for others, NULL for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn copy_static<T: Static>(ptr: *const T) -> *mut T {
    // SAFETY: as the caller states.
    match unsafe { borrow_static(ptr) } {
        Ok(object) if !T::is_static(object) => unlisted_into_raw(object.clone()),
        _ => ptr.cast_mut(),
    }
}

/// Deletes an object that is not static; does nothing for others and NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle, which the caller owns if it is not static.
pub unsafe fn delete_unlisted<T: Static>(ptr: *mut T) {
    // SAFETY: as the caller states.
    let is_unlisted = unsafe { borrow_static(ptr) }.is_ok_and(|object| !T::is_static(object));
    if is_unlisted {
        // SAFETY: such a handle came from `unlisted_into_raw`, which made it from a box.
        drop(unsafe { Box::from_raw(ptr.cast::<T::Object>()) });
    }
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

    /// The handle, which the caller owns from now on.
    pub fn into_ptr(self) -> *mut T {
        std::mem::ManuallyDrop::new(self).0
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
