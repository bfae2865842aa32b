//! Frames of a trap's trace.

use super::boundary::boundary;
use super::instance::wasm_instance_t;
use super::own::{self, TryClone, boxed};
use super::vec;
use crate::types::Result;
use crate::vm::instance::Instance;
use crate::vm::store::entity::Handle;
use crate::vm::trap::FrameInfo;
use std::ptr;

/// A frame of a trap's trace. It outlives its trap.
#[derive(Debug)]
pub struct wasm_frame_t {
    _opaque: [u8; 0],
}

/// A vector of frames. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_frame_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_frame_t,
}

/// What a `wasm_frame_t*` points to.
pub struct FrameObject {
    instance: Handle<Instance>,
    info: FrameInfo,
}

boxed! {
    wasm_frame_t => FrameObject, "a frame";
}

vec::vectors! {
    wasm_frame_vec_t => *mut wasm_frame_t;
}

impl FrameObject {
    /// # Safety
    ///
    /// The frame's instance is live and its store is entered on this thread.
    pub unsafe fn new(info: FrameInfo) -> FrameObject {
        // SAFETY: as the caller states.
        FrameObject { instance: unsafe { Handle::retain(info.instance) }, info }
    }

    /// What the module's name section calls the function.
    pub fn func_name(&self) -> Option<&str> {
        self.instance.module().func_name(self.info.func)
    }
}

impl TryClone for FrameObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(FrameObject { instance: self.instance.clone(), info: self.info })
    }
}

/// Deletes a frame; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_delete(object: *mut wasm_frame_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a frame, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_copy(object: *const wasm_frame_t) -> *mut wasm_frame_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// The instance whose function the frame ran, lent by the frame; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_instance(frame: *const wasm_frame_t) -> *mut wasm_instance_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(unsafe { own::borrow(frame) }?.instance.as_ptr().cast()))
}

/// The function's index in its module; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_func_index(frame: *const wasm_frame_t) -> u32 {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(frame) }?.info.func.as_u32()))
}

/// Where the frame was, in bytes from the start of the function's body; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_func_offset(frame: *const wasm_frame_t) -> usize {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(frame) }?.info.func_offset as usize))
}

/// Where the frame was, in bytes from the start of the module's binary; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_module_offset(frame: *const wasm_frame_t) -> usize {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(frame) }?.info.module_offset as usize))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_vec_new_empty(out: *mut wasm_frame_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_vec_new_uninitialized(out: *mut wasm_frame_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_vec_new(out: *mut wasm_frame_vec_t, size: usize, data: *const *mut wasm_frame_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_vec_copy(out: *mut wasm_frame_vec_t, source: *const wasm_frame_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_frame_vec_delete(vector: *mut wasm_frame_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
