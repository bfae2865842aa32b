//! The storage of the vectors that cross the boundary (`wasm_X_vec_t`).
//!
//! It comes from the C library's allocator, which needs no size to free it: a caller who makes `size` smaller does no harm.

use crate::abi::LENT_OFFSET;
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

/// Whether storage may be the allocator's. The values that a callback is lent are not, though it may delete its results, to make them
/// anew: they are in the frame of a trampoline, which can be on any stack, of any thread, and are known by where they begin. An array on
/// the stack that this thread runs on is not either, for hosts that delete such a vector of their own.
pub fn may_be_allocated(data: *const u8) -> bool {
    data.addr() % align_of::<NoElements>() != LENT_OFFSET && !stack::is_on_stack(data.addr())
}
