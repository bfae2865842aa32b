//! Executable memory: pages that are written once and then only read and executed.
//!
//! Invariant: from the end of [`CodeMemory::new`] on, nothing writes to the pages, and they stay mapped until the
//! [`CodeMemory`] is dropped. They are never writable and executable at once.

use crate::types::*;
use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// A mapping that holds a text, readable and executable.
#[derive(Debug)]
pub struct CodeMemory {
    start: NonNull<u8>,
    text_len: usize,
    /// The length of the mapping; 0 if there is none.
    mapped: usize,
}

// SAFETY: the pages are not tied to a thread; they are unmapped by whichever thread drops the only `CodeMemory`.
unsafe impl Send for CodeMemory {}
// SAFETY: the pages are only read after `new`.
unsafe impl Sync for CodeMemory {}

impl CodeMemory {
    /// Copies `text` to executable memory. The start is aligned to a page.
    pub fn new(text: &[u8]) -> Result<CodeMemory> {
        if text.is_empty() {
            return Ok(CodeMemory { start: NonNull::dangling(), text_len: 0, mapped: 0 });
        }
        let mapped = text.len().next_multiple_of(page_size());
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new anonymous mapping at an address of the system's choice touches nothing that exists.
        let start = unsafe { libc::mmap(ptr::null_mut(), mapped, protection, flags, -1, 0) };
        let Some(start) = NonNull::new(start.cast::<u8>()).filter(|_| start != libc::MAP_FAILED) else {
            return Err(map_error("map", mapped));
        };
        // From here on dropping `memory` unmaps.
        let memory = CodeMemory { start, text_len: text.len(), mapped };
        // SAFETY: the new mapping is writable, at least as long as the text, and nobody else knows it.
        unsafe { ptr::copy_nonoverlapping(text.as_ptr(), start.as_ptr(), text.len()) };
        // SAFETY: the range is exactly the mapping made above.
        let status = unsafe { libc::mprotect(start.as_ptr().cast(), mapped, libc::PROT_READ | libc::PROT_EXEC) };
        if status != 0 {
            return Err(map_error("make executable", mapped));
        }
        Ok(memory)
    }

    pub fn text(&self) -> &[u8] {
        // SAFETY: the first `text_len` bytes were initialized in `new`, are mapped as long as `self` lives, and are never
        // written again; for an empty text the pointer dangles but is aligned, as an empty slice needs.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.text_len) }
    }

    /// Where the text starts.
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The addresses of the text.
    pub fn range(&self) -> Range<usize> {
        let start = self.start.as_ptr() as usize;
        start..start + self.text_len
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        if self.mapped != 0 {
            // SAFETY: the range is exactly the mapping made in `new`. Whoever owns this guarantees that no thread executes
            // it any more: see `Code`.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
        }
    }
}

fn page_size() -> usize {
    // SAFETY: `sysconf` has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cold]
fn map_error(what: &str, len: usize) -> Error {
    let error = io::Error::last_os_error();
    let kind = match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => ErrorKind::Unsupported,
        _ => ErrorKind::OutOfMemory,
    };
    Error::new(kind, format!("cannot {what} memory for compiled code: {error}: {len} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn text_can_be_executed() {
        // mov eax, 42; ret
        let memory = CodeMemory::new(&[0xb8, 42, 0, 0, 0, 0xc3]).unwrap();
        // SAFETY: the bytes are a function of this type.
        let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(memory.text().as_ptr()) };
        assert_eq!(function(), 42);
        assert_eq!(memory.range().len(), 6);
    }

    #[test]
    fn pages_are_not_writable() {
        let memory = CodeMemory::new(&[0xc3; 5000]).unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&format!("{:x}-", memory.range().start)));
        assert!(line.unwrap().contains(" r-xp "), "{line:?}");
    }

    #[test]
    fn empty_text() {
        assert!(CodeMemory::new(&[]).unwrap().text().is_empty());
    }
}
