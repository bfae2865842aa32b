//! The storage of the vectors that cross the boundary (`wasm_X_vec_t`).
//!
//! It comes from the C library's allocator, which needs no size to free it: a caller who makes `size` smaller does no harm.

use crate::os::{malloc, stack};
use std::sync::atomic::AtomicU64;

/// The storage of every vector that the library makes without elements: callers take a null pointer for an error. It is aligned for any
/// element; it is zero, so that an empty name is also an empty C string; and a caller who writes such a zero there does no harm.
#[repr(align(16))]
struct NoElements([AtomicU64; 2]);
static NO_ELEMENTS: NoElements = NoElements([const { AtomicU64::new(0) }; 2]);

/// The storage of a vector without elements; not null.
pub fn no_elements() -> *mut u8 {
    (&raw const NO_ELEMENTS.0).cast_mut().cast()
}

/// Gives storage back; nothing for null and for [`no_elements`].
///
/// # Safety
/// `data` is null or the storage of a vector, and is not used again.
pub unsafe fn free(data: *mut u8) {
    if data != no_elements() {
        // SAFETY: as the caller states.
        unsafe { malloc::free(data) };
    }
}

/// Whether storage lies on this thread's stack, so that it is not the allocator's. The arguments and results that a callback is lent do:
/// they are in the frame of a trampoline. A callback may delete its results, to make them anew.
pub fn is_on_stack(data: *const u8) -> bool {
    stack::is_on_stack(data.addr())
}
