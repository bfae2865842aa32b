//! Reservations of address space, and the pages committed in them.
//!
//! A [`Reservation`] owns a range of addresses that nobody can access until pages of it are committed; it is given back
//! when it is dropped. Every failure is an error: sizes come from guests and callers.

use crate::types::{Error, Result};
use std::ptr::{NonNull, null_mut};

/// The size of a page of the host. x86-64 has no other for ordinary mappings.
pub const HOST_PAGE: usize = 4096;

/// `bytes` rounded up to whole host pages; `None` if that overflows.
pub fn round_up(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(HOST_PAGE)
}

/// Whether the system would give the process `bytes` of memory now.
pub fn is_available(bytes: usize) -> bool {
    let Some(length) = round_up(bytes).filter(|&length| length > 0) else { return bytes == 0 };
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh mapping at an address of the kernel's choice.
    let base = unsafe { libc::mmap(null_mut(), length, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    // SAFETY: the mapping was just made, and nobody uses it.
    base != libc::MAP_FAILED && unsafe { libc::munmap(base, length) } == 0
}

/// A range of reserved addresses. Sending it to another thread is fine; what lies in it is its owner's business.
#[derive(Debug)]
pub struct Reservation {
    base: NonNull<u8>,
    /// A positive multiple of [`HOST_PAGE`].
    length: usize,
}

// SAFETY: the range belongs to this value alone and has no tie to a thread.
unsafe impl Send for Reservation {}
// SAFETY: shared, it only tells its bounds; `commit` and `decommit` are system calls.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `length` bytes, rounded up to whole pages. None of them can be accessed. Costs no memory.
    pub fn new(length: usize) -> Result<Reservation> {
        let rounded = round_up(length).filter(|&rounded| rounded > 0);
        let Some(length) = rounded.filter(|_| !injected_failure()) else {
            return Err(no_address_space(length));
        };
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Reservation { base, length }),
            _ => Err(no_address_space(length)),
        }
    }

    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// Makes `length` bytes from `offset` readable and writable. Pages that were never committed before are zero.
    /// Both are multiples of the page size and lie within the reservation.
    pub fn commit(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let start = self.page(offset, length);
        // SAFETY: the range is ours, and committing pages takes nothing from anybody.
        let done = !injected_failure()
            && unsafe { libc::mprotect(start.cast(), length, libc::PROT_READ | libc::PROT_WRITE) } == 0;
        if done { Ok(()) } else { Err(Error::out_of_memory(format!("cannot commit memory: {length} bytes"))) }
    }

    /// Takes `length` bytes from `offset` back: their contents are lost, and they are inaccessible again.
    ///
    /// # Safety
    ///
    /// Nobody refers to those bytes, or may access them any more.
    pub unsafe fn decommit(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let start = self.page(offset, length);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // SAFETY: the range is ours, and nobody uses it, says the caller.
        let mapped = unsafe { libc::mmap(start.cast(), length, libc::PROT_NONE, flags, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return Err(Error::out_of_memory(format!("cannot release memory: {length} bytes")));
        }
        Ok(())
    }

    /// Makes `length` bytes from `offset`, which are committed, inaccessible. They keep their contents for the next
    /// [`Reservation::commit`].
    ///
    /// # Safety
    ///
    /// Nobody accesses those bytes any more.
    pub unsafe fn protect(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let start = self.page(offset, length);
        // SAFETY: the range is ours, and nobody uses it, says the caller.
        let done = unsafe { libc::mprotect(start.cast(), length, libc::PROT_NONE) } == 0;
        if done { Ok(()) } else { Err(Error::out_of_memory(format!("cannot protect memory: {length} bytes"))) }
    }

    /// Makes `length` bytes from `offset`, which are committed, what they were when they were mapped: zero, or a file's. They
    /// stay accessible.
    ///
    /// # Safety
    ///
    /// Nobody refers to those bytes.
    pub unsafe fn reset(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let start = self.page(offset, length);
        // SAFETY: the range is ours, and nobody uses it, says the caller.
        let done = unsafe { libc::madvise(start.cast(), length, libc::MADV_DONTNEED) } == 0;
        if done { Ok(()) } else { Err(Error::out_of_memory(format!("cannot release memory: {length} bytes"))) }
    }

    /// The address of a range of whole pages.
    fn page(&self, offset: usize, length: usize) -> *mut u8 {
        assert!(offset.is_multiple_of(HOST_PAGE) && length.is_multiple_of(HOST_PAGE), "whole pages");
        assert!(offset <= self.length && length <= self.length - offset, "within the reservation");
        self.base.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the range is ours, and its owner lets go of it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
    }
}

#[cold]
fn no_address_space(length: usize) -> Error {
    Error::out_of_memory(format!("cannot reserve address space: {length} bytes"))
}

/// Whether the process may use only so much address space (`ulimit -v`), so that reserving it freely is not an option.
pub fn address_space_limited() -> bool {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the call fills in what it is given.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0;
    known && limit.rlim_cur != libc::RLIM_INFINITY
}

/// Whether a byte can be read, for tests: a system call that is given an address that cannot be read says so.
#[cfg(test)]
pub fn is_readable(address: *const u8) -> bool {
    let mut buffer = [0u8; 1];
    let vector = |base: *mut u8| libc::iovec { iov_base: base.cast(), iov_len: 1 };
    let (to, from) = (vector(buffer.as_mut_ptr()), vector(address.cast_mut()));
    // SAFETY: asks for a number.
    let own = unsafe { libc::getpid() };
    // SAFETY: the kernel checks both.
    unsafe { libc::process_vm_readv(own, &to, 1, &from, 1, 0) == 1 }
}

#[cfg(not(feature = "stress"))]
fn injected_failure() -> bool {
    false
}

#[cfg(feature = "stress")]
fn injected_failure() -> bool {
    stress::next_fails()
}

/// Failures on demand, for tests of what happens when memory runs out.
#[cfg(feature = "stress")]
pub mod stress {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(0) };
    }

    /// Makes the `n`-th mapping or commit of this thread from now on fail (1 is the next one); 0 for none. Returns how far off the
    /// failure was that was ordered before: 0 if it happened.
    pub fn fail_nth(n: u32) -> u32 {
        LEFT.replace(n)
    }

    pub(super) fn next_fails() -> bool {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        left == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_and_decommits() {
        let reservation = Reservation::new(10 * HOST_PAGE).unwrap();
        reservation.commit(HOST_PAGE, 2 * HOST_PAGE).unwrap();
        let byte = reservation.base().as_ptr().wrapping_add(HOST_PAGE);
        // SAFETY: committed above.
        unsafe { byte.write(7) };
        // SAFETY: nobody refers to it.
        unsafe { reservation.decommit(HOST_PAGE, HOST_PAGE) }.unwrap();
        reservation.commit(HOST_PAGE, HOST_PAGE).unwrap();
        // SAFETY: committed above.
        assert_eq!(unsafe { byte.read() }, 0);
        reservation.commit(10 * HOST_PAGE, 0).unwrap();
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(Reservation::new(0).is_err());
        assert!(Reservation::new(usize::MAX).is_err());
        assert!(Reservation::new(1 << 60).is_err());
    }
}
