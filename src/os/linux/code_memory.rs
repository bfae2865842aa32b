//! Executable memory: pages that are written once, or mapped from a file, and then only read and executed.
//!
//! Invariant: from the end of the constructor on, nothing of ours writes to the pages, and they stay mapped until the
//! [`CodeMemory`] is dropped. They are never writable and executable at once.

use crate::types::*;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// A mapping that ends in a text, which can be executed. What precedes it can be read.
#[derive(Debug)]
pub struct CodeMemory {
    /// Dangling if `len` is 0.
    start: NonNull<u8>,
    len: usize,
    /// Where the text starts: a multiple of the size of a page, or `len` if there is none.
    text_start: usize,
}

// SAFETY: the pages are not tied to a thread; they are unmapped by whichever thread drops the only `CodeMemory`.
unsafe impl Send for CodeMemory {}
// SAFETY: the pages are only read once they are constructed.
unsafe impl Sync for CodeMemory {}

/// The size of a page that the processor maps with one entry of a middle level.
const HUGE_PAGE: usize = 2 << 20;

impl CodeMemory {
    /// Copies `text` to executable memory. The start is aligned to a page.
    pub fn new(text: &[u8]) -> Result<CodeMemory> {
        CodeMemory::filled(text.len(), 0, |bytes| {
            bytes.copy_from_slice(text);
            Ok(())
        })
    }

    /// `len` bytes that `fill` writes, of which those from `text_start` on, a multiple of the size of a page, are the text.
    pub fn filled(len: usize, text_start: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<CodeMemory> {
        let mut memory = CodeMemory { start: NonNull::dangling(), len: 0, text_start: 0 };
        if len != 0 {
            // From here on dropping `memory` unmaps.
            memory = CodeMemory { start: map_writable(len)?, len, text_start: len };
        }
        // SAFETY: the mapping is writable and zero, of this length, and nobody else knows it; if there is none, the pointer
        // dangles but is aligned, as an empty slice needs.
        fill(unsafe { std::slice::from_raw_parts_mut(memory.start.as_ptr(), len) })?;
        memory.protect(0..text_start, libc::PROT_READ)?;
        memory.make_executable(text_start)?;
        Ok(memory)
    }

    /// The first `len` bytes of a file, which must exist; only to be read. Nothing of it is read now.
    pub fn of_file(file: &File, len: usize) -> Result<CodeMemory> {
        // SAFETY: a new mapping at an address of the system's choice touches nothing that exists.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(CodeMemory { start, len, text_start: len }),
            _ => Err(map_error("map", len)),
        }
    }

    /// Makes what lies from `text_start` on, a multiple of the size of a page, the text.
    pub fn make_executable(&mut self, text_start: usize) -> Result<()> {
        self.protect(text_start..self.len, libc::PROT_READ | libc::PROT_EXEC)?;
        self.text_start = text_start;
        Ok(())
    }

    fn protect(&self, range: Range<usize>, protection: libc::c_int) -> Result<()> {
        assert!(range.start <= range.end && range.end <= self.len, "within the mapping");
        if range.is_empty() {
            return Ok(());
        }
        let start = self.start.as_ptr().wrapping_add(range.start);
        // SAFETY: the range lies in our mapping, and nobody writes to it any more.
        if unsafe { libc::mprotect(start.cast(), range.len(), protection) } != 0 {
            return Err(map_error("protect", range.len()));
        }
        Ok(())
    }

    /// All bytes, the text at their end.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes are initialized, mapped as long as `self` lives, and never written after the constructor (that
        // a mapped file isn't either is what `libwasm_module_deserialize_file` asks for); if there are none, the pointer
        // dangles but is aligned, as an empty slice needs.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    pub fn text(&self) -> &[u8] {
        &self.bytes()[self.text_start..]
    }

    /// Where the text starts.
    pub fn as_ptr(&self) -> *const u8 {
        self.text().as_ptr()
    }

    /// The addresses of the text.
    pub fn range(&self) -> Range<usize> {
        let start = self.start.as_ptr() as usize;
        start + self.text_start..start + self.len
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        if self.len != 0 {
            // SAFETY: the range is exactly our mapping. Whoever owns this guarantees that no thread executes it any more: see
            // `Code`.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}

/// Maps fresh pages that are all about to be written. To fault them in one by one would cost more than to fill them, so the
/// system is asked to prepare all at once, in huge pages where they fit; that it can do either is not needed.
fn map_writable(len: usize) -> Result<NonNull<u8>> {
    let start = match len < HUGE_PAGE {
        true => map_anonymous(len)?,
        false => map_aligned(len, HUGE_PAGE).or_else(|_| map_anonymous(len))?,
    };
    if len >= HUGE_PAGE {
        // SAFETY: our own fresh mapping; its contents stay the same.
        unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
    }
    // SAFETY: as above.
    unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_POPULATE_WRITE) };
    Ok(start)
}

/// A fresh mapping whose start is a multiple of `alignment`, itself a multiple of the size of a page.
fn map_aligned(len: usize, alignment: usize) -> Result<NonNull<u8>> {
    let whole =
        len.checked_next_multiple_of(page_size()).and_then(|pages| Some((pages, pages.checked_add(alignment)?)));
    let no_room = || Error::out_of_memory(format!("no address space for compiled code: {len} bytes"));
    let (pages, whole) = whole.ok_or_else(no_room)?;
    let start = map_anonymous(whole)?.as_ptr();
    let before = start.align_offset(alignment);
    let aligned = start.wrapping_add(before);
    if before != 0 {
        // SAFETY: the pages before the aligned start belong to the mapping that was made above, and nobody knows them.
        unsafe { libc::munmap(start.cast(), before) };
    }
    // SAFETY: the same of the pages behind; there are some, as `before` is less than `alignment`.
    unsafe { libc::munmap(aligned.wrapping_add(pages).cast(), alignment - before) };
    NonNull::new(aligned).ok_or_else(no_room)
}

fn map_anonymous(len: usize) -> Result<NonNull<u8>> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
    match NonNull::new(start.cast::<u8>()) {
        Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(start),
        _ => Err(map_error("map", len)),
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
    fn what_precedes_the_text_is_neither_writable_nor_executable() {
        for len in [10_000, 5 << 20] {
            let memory = CodeMemory::filled(len, 4096, |bytes| {
                assert!(bytes.iter().all(|&byte| byte == 0));
                bytes.fill(0xc3);
                Ok(())
            });
            let memory = memory.unwrap();
            let start = memory.bytes().as_ptr() as usize;
            assert_eq!((memory.bytes().len(), memory.range()), (len, start + 4096..start + len));
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let line = maps.lines().find(|line| line.contains(&format!("-{:x} ", start + 4096)));
            assert!(line.unwrap().contains(" r--p "), "{line:?}");
            let line = maps.lines().find(|line| line.starts_with(&format!("{:x}-", start + 4096)));
            assert!(line.unwrap().contains(" r-xp "), "{line:?}");
            assert!(memory.bytes().iter().all(|&byte| byte == 0xc3));
        }
    }

    #[test]
    fn failures_unmap() {
        let refuse = |_: &mut [u8]| Err(Error::limit("no"));
        assert_eq!(CodeMemory::filled(10_000, 4096, refuse).unwrap_err().message(), "no");
        assert!(CodeMemory::filled(usize::MAX, 0, |_| Ok(())).is_err());
        assert!(CodeMemory::filled(isize::MAX as usize, 0, |_| Ok(())).is_err());
    }

    #[test]
    fn empty_text() {
        assert!(CodeMemory::new(&[]).unwrap().text().is_empty());
    }
}
