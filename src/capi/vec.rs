//! Vectors: the storage behind every `wasm_X_vec_t`, and the five functions that each of them has.
//!
//! Storage comes from `calloc` or `malloc` and goes to `free`, which needs no size: a caller who makes `size` smaller does no harm.
//! It is zeroed or filled, so a half-filled vector of pointers or values can be deleted. Vectors without elements share a static
//! storage, so that their data is not NULL. Requests whose size a caller chooses can fail: the vector is then empty, its data NULL,
//! and the reason recorded.

use super::boundary::boundary;
use super::own::{self, Handle, TryClone};
use crate::os::malloc;
use crate::types::{Error, Result};
use crate::vm::vector;
use std::ptr;

/// A `wasm_X_vec_t`: a `repr(C)` struct of `size_t size; X* data;`.
///
/// # Safety
///
/// `parts` and `from_parts` are the struct's two fields; `data` owns storage from `malloc` or `calloc` for at least `size` elements, or
/// is NULL and `size` is 0.
pub unsafe trait Vector: Sized {
    type Element: Element;
    fn parts(&self) -> (usize, *mut Self::Element);
    fn from_parts(size: usize, data: *mut Self::Element) -> Self;
}

/// An element of a vector; all bits zero is one that owns nothing.
///
/// # Safety
///
/// `copy` gives an element that is owned apart from this one, and `delete` ends the ownership of one.
pub unsafe trait Element: Copy {
    /// Whether an element can own anything; if not, copying is copying bits and deleting does nothing.
    const OWNS: bool = true;

    /// How many zeros follow the elements that the library stores, without being counted.
    const TERMINATORS: usize = 0;

    /// Whether callbacks are lent vectors of them, whose storage is not to be freed.
    const MAY_BE_LENT: bool = false;

    /// # Safety
    ///
    /// This is a live element.
    unsafe fn copy(self) -> Result<Self>;

    /// # Safety
    ///
    /// This is a live element, which the caller owns.
    unsafe fn delete(self);

    /// # Safety
    ///
    /// The elements are live, and the caller owns them.
    unsafe fn delete_all(elements: &[Self]) {
        for &element in elements {
            // SAFETY: as the caller states.
            unsafe { element.delete() };
        }
    }
}

// SAFETY: these are the two functions of the handle.
unsafe impl<T: Handle> Element for *mut T {
    unsafe fn copy(self) -> Result<Self> {
        // SAFETY: the caller's contract is that of `Handle::copy`.
        unsafe { T::copy(self) }
    }

    unsafe fn delete(self) {
        // SAFETY: the caller's contract is that of `Handle::delete`.
        unsafe { T::delete(self) }
    }

    unsafe fn delete_all(elements: &[Self]) {
        // SAFETY: the caller's contract is that of `Handle::delete_all`.
        unsafe { T::delete_all(elements) }
    }
}

/// Implements [`Vector`] for structs of `size` and `data`.
macro_rules! vectors {
    ($($vector:ty => $element:ty;)*) => {$(
        // SAFETY: the parts are the struct's fields; storage is only made in `src/capi/vec.rs`.
        unsafe impl $crate::capi::vec::Vector for $vector {
            type Element = $element;
            fn parts(&self) -> (usize, *mut $element) {
                (self.size, self.data)
            }
            fn from_parts(size: usize, data: *mut $element) -> Self {
                Self { size, data }
            }
        }
    )*};
}
pub(crate) use vectors;

/// The empty vector as deleted vectors are left, and as a failure is told: its data is NULL.
pub fn empty<V: Vector>() -> V {
    V::from_parts(0, ptr::null_mut())
}

/// A vector of `size` zeroed elements.
pub fn zeroed<V: Vector>(size: usize) -> Result<V> {
    let data = storage(size, malloc::calloc)?;
    Ok(V::from_parts(size, data))
}

/// Storage for `size` elements from `allocate`, with what follows them; not null.
fn storage<T: Element>(size: usize, allocate: impl FnOnce(usize) -> *mut u8) -> Result<*mut T> {
    if size == 0 {
        return Ok(vector::no_elements().cast());
    }
    let bytes = size.checked_add(T::TERMINATORS).and_then(|count| count.checked_mul(size_of::<T>()));
    // No object is larger; tools that watch the allocator take greater sizes for negative ones.
    let bytes = bytes.filter(|&bytes| isize::try_from(bytes).is_ok());
    let data: *mut T = bytes.map_or(ptr::null_mut(), allocate).cast();
    if data.is_null() {
        return Err(Error::out_of_memory(format!("no memory for a vector of {size} elements")));
    }
    // SAFETY: the storage is new and has room for the elements and the terminators.
    let end = unsafe { data.add(size) };
    // SAFETY: as above.
    unsafe { ptr::write_bytes(end, 0, T::TERMINATORS) };
    Ok(data)
}

/// A vector of copies of `elements`, which own nothing.
pub fn from_slice<V: Vector>(elements: &[V::Element]) -> Result<V> {
    const { assert!(!V::Element::OWNS) };
    let data: *mut V::Element = storage(elements.len(), malloc::malloc)?;
    // SAFETY: the storage is new and has room for them.
    unsafe { ptr::copy_nonoverlapping(elements.as_ptr(), data, elements.len()) };
    Ok(V::from_parts(elements.len(), data))
}

/// A vector of the elements that `elements` gives.
pub fn from_iter<V: Vector>(elements: impl ExactSizeIterator<Item = V::Element>) -> Result<V> {
    try_from_iter(elements.map(Ok))
}

/// A vector of the elements that `elements` gives, which must be as many as it says, or the first error; then those before are
/// deleted.
#[inline(always)]
pub fn try_from_iter<V: Vector>(elements: impl ExactSizeIterator<Item = Result<V::Element>>) -> Result<V> {
    let size = elements.len();
    let data: *mut V::Element = storage(size, malloc::malloc)?;
    for (i, element) in elements.take(size).enumerate() {
        match element {
            Ok(element) => {
                // SAFETY: one of the `size` elements' places.
                let slot = unsafe { data.add(i) };
                // SAFETY: as above.
                unsafe { slot.write(element) };
            }
            Err(error) => {
                drop(Owned(V::from_parts(i, data)));
                return Err(error);
            }
        }
    }
    Ok(V::from_parts(size, data))
}

/// The elements of a vector. NULL is an empty vector.
///
/// # Safety
///
/// `vector` is NULL or a live vector that is not changed for `'a`.
pub unsafe fn elements<'a, V: Vector>(vector: *const V) -> &'a [V::Element] {
    // SAFETY: as the caller states.
    let (size, data) = unsafe { vector.as_ref() }.map_or((0, ptr::null_mut()), V::parts);
    if size == 0 || data.is_null() {
        return &[];
    }
    // SAFETY: a live vector has storage for `size` elements.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// Moves the content of a caller's vector out and leaves it empty. NULL is an empty vector. What is moved has data, for when it is lent.
///
/// # Safety
///
/// `vector` is NULL or a live vector, which the caller owns.
pub unsafe fn from_raw<V: Vector>(vector: *mut V) -> Owned<V> {
    // SAFETY: as the caller states.
    let moved = unsafe { vector.as_mut() }.map_or_else(empty, |vector| std::mem::replace(vector, empty()));
    let (size, data) = moved.parts();
    if data.is_null() {
        Owned(V::from_parts(0, vector::no_elements().cast()))
    } else {
        Owned(V::from_parts(size, data))
    }
}

/// A vector inside an object: deleted and copied with it.
#[derive(Debug)]
pub struct Owned<V: Vector>(V);

impl<V: Vector> Owned<V> {
    pub fn new(vector: V) -> Owned<V> {
        Owned(vector)
    }

    /// The vector, lent to C for as long as the owner lives.
    pub fn as_ptr(&self) -> *const V {
        &self.0
    }

    pub fn elements(&self) -> &[V::Element] {
        // SAFETY: this owns a live vector.
        unsafe { elements(&self.0) }
    }

    /// Gives the vector away.
    pub fn into_inner(self) -> V {
        let (size, data) = self.0.parts();
        std::mem::forget(self);
        V::from_parts(size, data)
    }
}

impl<V: Vector> TryClone for Owned<V> {
    fn try_clone(&self) -> Result<Self> {
        // Filled step by step, so that dropping it after a failure deletes what was copied.
        let copy = Owned(zeroed::<V>(self.elements().len())?);
        let data = copy.0.parts().1;
        if !V::Element::OWNS {
            let source = self.elements();
            // SAFETY: both have as many elements, and the copy's are new.
            unsafe { ptr::copy_nonoverlapping(source.as_ptr(), data, source.len()) };
            return Ok(copy);
        }
        for (i, element) in self.elements().iter().enumerate() {
            // SAFETY: this owns a live vector, so its elements are live.
            let element = unsafe { element.copy() }?;
            // SAFETY: `copy` has storage for as many elements as `self`.
            let slot = unsafe { data.add(i) };
            // SAFETY: `slot` is writable and holds an element that owns nothing.
            unsafe { slot.write(element) };
        }
        Ok(copy)
    }
}

impl<V: Vector> Drop for Owned<V> {
    fn drop(&mut self) {
        if V::Element::OWNS {
            // SAFETY: this owns the vector and so its elements, which are not used again.
            unsafe { V::Element::delete_all(self.elements()) };
        }
        let (size, data) = self.0.parts();
        if V::Element::MAY_BE_LENT && !vector::may_be_allocated(data.cast()) {
            // Whoever lent it finds nothing there to delete once more.
            // SAFETY: the vector's elements, which own nothing when they are zero.
            unsafe { ptr::write_bytes(data, 0, size) };
        } else {
            // SAFETY: the storage is a vector's, and is not used again.
            unsafe { vector::free(data.cast()) };
        }
    }
}

/// `wasm_X_vec_new_empty`.
///
/// # Safety
///
/// `out` is NULL or writable.
pub unsafe fn new_empty<V: Vector>(out: *mut V) {
    // SAFETY: as the caller states.
    boundary((), || unsafe { own::write(out, empty()) })
}

/// `wasm_X_vec_new_uninitialized`.
///
/// # Safety
///
/// `out` is NULL or writable.
pub unsafe fn new_uninitialized<V: Vector>(out: *mut V, size: usize) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, empty()) }?;
        let vector = zeroed(size)?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, vector) }
    })
}

/// `wasm_X_vec_new`: copies the array; the elements' ownership moves.
///
/// # Safety
///
/// `out` is NULL or writable; `data` has `size` elements, which the caller owns.
pub unsafe fn new<V: Vector>(out: *mut V, size: usize, data: *const V::Element) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, empty()) }?;
        if size != 0 && data.is_null() {
            return Err(own::null("the elements of a vector"));
        }
        let vector: V = zeroed(size)?;
        if size != 0 {
            // SAFETY: the caller gives `size` elements, the new storage has as many, and nobody else knows it.
            unsafe { ptr::copy_nonoverlapping(data, vector.parts().1, size) };
        }
        // SAFETY: as the caller states.
        unsafe { own::write(out, vector) }
    })
}

/// `wasm_X_vec_copy`: deep.
///
/// # Safety
///
/// `out` is NULL or writable; `source` is NULL or a live vector.
pub unsafe fn copy<V: Vector>(out: *mut V, source: *const V) {
    boundary((), || {
        // Read before `out` is written: they may be the same.
        // SAFETY: as the caller states.
        let (size, data) = unsafe { source.as_ref() }.map_or((0, ptr::null_mut()), V::parts);
        // SAFETY: as the caller states.
        unsafe { own::write(out, empty()) }?;
        let source = std::mem::ManuallyDrop::new(Owned(V::from_parts(size, data)));
        let copy = source.try_clone()?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, copy.into_inner()) }
    })
}

/// `wasm_X_vec_delete`: leaves the vector empty.
///
/// # Safety
///
/// `vector` is NULL or a live vector, which the caller owns.
pub unsafe fn delete<V: Vector>(vector: *mut V) {
    boundary((), || {
        // SAFETY: as the caller states.
        drop(unsafe { from_raw(vector) });
        Ok(())
    })
}
