//! The storage of the vectors that cross the boundary (`wasm_X_vec_t`).
//!
//! It comes from the C library's allocator, which needs no size to free it: a caller who makes `size` smaller does no harm.

use crate::os::{malloc, stack};

/// Gives storage back; nothing for null.
///
/// # Safety
/// `data` is null or the storage of a vector, and is not used again.
pub unsafe fn free(data: *mut u8) {
    // SAFETY: as the caller states.
    unsafe { malloc::free(data) };
}

/// Whether storage lies on this thread's stack, so that it is not the allocator's. The arguments and results that a callback is lent do:
/// they are in the frame of a trampoline. A callback may delete its results, to make them anew.
pub fn is_on_stack(data: *const u8) -> bool {
    stack::stack_bounds().contains(data.addr())
}
