//! Bytes, names and messages.

use super::vec;
use crate::types::{Error, Result};
use std::ffi::c_char;

/// A byte.
pub type byte_t = c_char;
/// A 32-bit floating-point number.
pub type float32_t = f32;
/// A 64-bit floating-point number.
pub type float64_t = f64;

/// A byte, as the element of a `wasm_byte_vec_t`.
pub type wasm_byte_t = byte_t;

/// A vector of bytes. `data` belongs to the vector. The bytes of one that the library makes are followed by a zero that `size` does not
/// count.
///
/// As all vectors: one that the library fills has a `data` that is not NULL, also where there are no elements. One that was made empty
/// or has been deleted has NULL, and one that a caller gives may have either.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_byte_vec_t {
    pub size: usize,
    pub data: *mut wasm_byte_t,
}

/// A name: UTF-8. `size` counts no terminating NUL, but in names that the library makes there is one.
pub type wasm_name_t = wasm_byte_vec_t;

vec::vectors! {
    wasm_byte_vec_t => wasm_byte_t;
}

// SAFETY: a byte owns nothing.
unsafe impl vec::Element for wasm_byte_t {
    const OWNS: bool = false;
    /// Names are read as C strings too.
    const TERMINATORS: usize = 1;
    unsafe fn copy(self) -> Result<Self> {
        Ok(self)
    }
    unsafe fn delete(self) {}
}

/// A byte vector with this content.
pub fn from_bytes(bytes: &[u8]) -> Result<wasm_byte_vec_t> {
    // SAFETY: a `c_char` has the size of a `u8`, and every value of one is a value of the other.
    vec::from_slice(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<wasm_byte_t>(), bytes.len()) })
}

/// The content of a byte vector. NULL is an empty vector.
///
/// # Safety
///
/// `vector` is NULL or a live vector that is not changed for `'a`.
pub unsafe fn bytes<'a>(vector: *const wasm_byte_vec_t) -> &'a [u8] {
    // SAFETY: as the caller states.
    let bytes = unsafe { vec::elements(vector) };
    // SAFETY: a `c_char` has the size of a `u8`, and every value of one is a value of the other.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// The same where there has to be something: NULL is an error that names `what`.
///
/// # Safety
///
/// As [`bytes`].
pub unsafe fn given<'a>(vector: *const wasm_byte_vec_t, what: &str) -> Result<&'a [u8]> {
    // SAFETY: as the caller states.
    let is_null = unsafe { vector.as_ref() }.is_none_or(|vector| vector.data.is_null() && vector.size != 0);
    if is_null {
        return Err(Error::argument(format!("NULL given for {what}")));
    }
    // SAFETY: as the caller states.
    Ok(unsafe { bytes(vector) })
}

/// The content of a name, which must be UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| Error::argument(format!("a name is not UTF-8: {error}")))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_byte_vec_new_empty(out: *mut wasm_byte_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is zero. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_byte_vec_new_uninitialized(out: *mut wasm_byte_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_byte_vec_new(out: *mut wasm_byte_vec_t, size: usize, data: *const wasm_byte_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_byte_vec_copy(out: *mut wasm_byte_vec_t, source: *const wasm_byte_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_byte_vec_delete(vector: *mut wasm_byte_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
