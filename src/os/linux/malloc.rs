//! The C library's allocator, for storage that is freed without its size being known.

/// `size` bytes that are zero; null without memory.
pub fn calloc(size: usize) -> *mut u8 {
    // SAFETY: any sizes may be asked for.
    unsafe { libc::calloc(1, size) }.cast()
}

/// `size` bytes; null without memory.
pub fn malloc(size: usize) -> *mut u8 {
    // SAFETY: any size may be asked for.
    unsafe { libc::malloc(size) }.cast()
}

/// Gives storage back; nothing for null.
///
/// # Safety
///
/// `data` is null or came from [`malloc`] or [`calloc`], and is not used again.
pub unsafe fn free(data: *mut u8) {
    // SAFETY: as the caller states.
    unsafe { libc::free(data.cast()) }
}
