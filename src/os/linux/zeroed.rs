//! Memory that is zero, and that costs nothing until it is touched where it is large: the elements of tables, and the blocks
//! that instances live in.

use crate::os::map::HOST_PAGE;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::{NonNull, null_mut};

/// From here on pages of the kernel's own, which are zero when they are first touched; below, clearing costs less than mapping.
const MAPPED_FROM: usize = 32 << 10;
const ALIGN: usize = 16;

/// A piece of zeroed memory, aligned to 16 bytes.
#[derive(Debug)]
pub struct Zeroed {
    base: NonNull<u8>,
    /// A multiple of the page size if it is mapped.
    length: usize,
    mapped: bool,
}

// SAFETY: the memory belongs to this value alone and has no tie to a thread.
unsafe impl Send for Zeroed {}

impl Default for Zeroed {
    fn default() -> Zeroed {
        Zeroed { base: NonNull::<u128>::dangling().cast(), length: 0, mapped: false }
    }
}

impl Zeroed {
    /// At least `length` bytes; `None` if there is no memory.
    pub fn new(length: usize) -> Option<Zeroed> {
        if length == 0 {
            return Some(Zeroed::default());
        }
        if length >= MAPPED_FROM
            && let Some(block) = Zeroed::map(length.checked_next_multiple_of(HOST_PAGE)?)
        {
            return Some(block);
        }
        // Mappings can be used up where memory is not.
        let layout = Layout::from_size_align(length, ALIGN).ok()?;
        // SAFETY: the length is not zero.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Zeroed { base, length, mapped: false })
    }

    fn map(length: usize) -> Option<Zeroed> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(null_mut(), length, access, flags, -1, 0) };
        let base = NonNull::new(base.cast::<u8>()).filter(|base| base.as_ptr().cast() != libc::MAP_FAILED)?;
        Some(Zeroed { base, length, mapped: true })
    }

    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The length in bytes: what was asked for, or more.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Makes it at least `length` bytes long; what it holds may move. `None`, and nothing has changed, if there is no memory.
    #[must_use]
    pub fn grow(&mut self, length: usize) -> Option<()> {
        if length <= self.length {
            return Some(());
        }
        // Doubling keeps the cost of many small growths in proportion. Where that much cannot be had, what is needed may do.
        let ample = self.length.saturating_mul(2).max(length);
        self.grow_to(ample).or_else(|| if ample > length { self.grow_to(length) } else { None })
    }

    fn grow_to(&mut self, length: usize) -> Option<()> {
        if self.mapped {
            let length = length.checked_next_multiple_of(HOST_PAGE)?;
            let old = self.base().cast();
            // SAFETY: the mapping is ours, and its owner expects it to move.
            let base = unsafe { libc::mremap(old, self.length, length, libc::MREMAP_MAYMOVE) };
            let base = NonNull::new(base.cast::<u8>()).filter(|base| base.as_ptr().cast() != libc::MAP_FAILED)?;
            (self.base, self.length) = (base, length);
            return Some(());
        }
        let larger = Zeroed::new(length)?;
        // SAFETY: both have at least the old length, and they are different.
        unsafe { std::ptr::copy_nonoverlapping(self.base(), larger.base(), self.length) };
        *self = larger;
        Some(())
    }

    /// Makes the first `length` bytes zero again. The rest is, says the caller.
    pub fn clear(&mut self, length: usize) {
        let length = length.min(self.length);
        // SAFETY: the mapping is ours, and whole pages of it go.
        if self.mapped && unsafe { libc::madvise(self.base().cast(), self.length, libc::MADV_DONTNEED) } == 0 {
            return;
        }
        // SAFETY: within what is ours.
        unsafe { std::ptr::write_bytes(self.base(), 0, length) };
    }
}

impl Drop for Zeroed {
    fn drop(&mut self) {
        if self.mapped {
            // SAFETY: the mapping is ours, and its owner lets go of it.
            unsafe { libc::munmap(self.base().cast(), self.length) };
        } else if let Ok(layout) = Layout::from_size_align(self.length, ALIGN)
            && layout.size() > 0
        {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.base(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(block: &mut Zeroed) -> &mut [u8] {
        // SAFETY: all of it is initialized, and the test has one slice at a time.
        unsafe { std::slice::from_raw_parts_mut(block.base(), block.length()) }
    }

    #[test]
    fn grows_from_nothing_through_both_kinds() {
        let mut block = Zeroed::default();
        let mut length = 1;
        while length < 8 * MAPPED_FROM {
            let old = block.length();
            block.grow(length).unwrap();
            assert!(block.length() >= length && bytes(&mut block)[old..].iter().all(|&byte| byte == 0));
            assert!(bytes(&mut block)[..old].iter().all(|&byte| byte == 7));
            bytes(&mut block).fill(7);
            length = block.length() + 1;
        }
        let length = block.length();
        block.clear(length);
        assert!(bytes(&mut block).iter().all(|&byte| byte == 0));
        assert!(block.grow(usize::MAX).is_none() && block.grow(1 << 60).is_none());
        assert_eq!(block.length(), length);
    }
}
