//! Executable memory: pages that are written once, or mapped from a file, and then only read and executed.
//!
//! Invariant: once pages are executable, nothing of ours writes to them, and they stay mapped until the [`CodeMemory`] is
//! dropped or they are released. They are never writable and executable at once.

use crate::os::map::{HOST_PAGE, round_up};
use crate::types::*;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// A mapping that ends in a text, which can be executed. What precedes it can be read. Or a reservation of addresses, all of
/// them room for text.
#[derive(Debug)]
pub struct CodeMemory {
    /// Dangling if there is no mapping.
    start: NonNull<u8>,
    /// The length of what was there from the beginning: 0 in a reservation.
    len: usize,
    /// Where the text starts: a multiple of the size of a page, or `len` if there is none.
    text_start: usize,
    /// The length of a reservation, otherwise 0.
    room: usize,
}

// SAFETY: the pages are not tied to a thread; they are unmapped by whichever thread drops the only `CodeMemory`.
unsafe impl Send for CodeMemory {}
// SAFETY: pages are written by the constructor, or by a call of `place` that has them for itself; after that they are only read.
unsafe impl Sync for CodeMemory {}

#[cfg(test)]
thread_local! {
    /// How often this thread has changed the protection of code memory.
    pub static PROTECTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The size of a page that the processor maps with one entry of a middle level.
const HUGE_PAGE: usize = 2 << 20;

impl CodeMemory {
    /// Nothing but a mapping of `len` bytes, not executable yet.
    fn mapped(start: NonNull<u8>, len: usize) -> CodeMemory {
        CodeMemory { start, len, text_start: len, room: 0 }
    }

    /// Copies `text` to executable memory. The start is aligned to a page.
    pub fn new(text: &[u8]) -> Result<CodeMemory> {
        CodeMemory::filled(text.len(), 0, |bytes| {
            bytes.copy_from_slice(text);
            Ok(())
        })
    }

    /// `len` bytes that `fill` writes, of which those from `text_start` on, a multiple of the size of a page, are the text.
    pub fn filled(len: usize, text_start: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<CodeMemory> {
        // From here on dropping `memory` unmaps.
        let start = if len == 0 { NonNull::dangling() } else { map_writable(len)? };
        let mut memory = CodeMemory::mapped(start, len);
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
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(CodeMemory::mapped(start, len)),
            _ => Err(map_error("map", len)),
        }
    }

    /// Reserves `size` bytes of addresses, rounded up to whole pages, for text to come. Takes no memory.
    pub fn reserve(size: usize) -> Result<CodeMemory> {
        let room = round_up(size.max(1)).filter(|&room| room < i32::MAX as usize);
        let room = room.ok_or_else(|| Error::limit(format!("too much room for compiled code: {size} bytes")))?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let start = map_anonymous(room, libc::PROT_NONE, flags)?;
        let mut memory = CodeMemory::mapped(start, 0);
        memory.room = room;
        Ok(memory)
    }

    /// Writes a text to pages of a reservation, `start` bytes from its beginning, and makes them executable. What is left of the
    /// last page is filled up with `padding`. On an error the pages are to be released.
    ///
    /// # Safety
    /// The pages were never placed on, or released since, and nobody else places on them now.
    pub unsafe fn place(&self, start: usize, text: &[u8], padding: u8) -> Result<()> {
        let pages = self.pages(start, text.len());
        self.protect(pages.clone(), libc::PROT_READ | libc::PROT_WRITE)?;
        let place = self.start.as_ptr().wrapping_add(pages.start);
        // SAFETY: the pages are writable and zero, and the caller's for now.
        let place = unsafe { std::slice::from_raw_parts_mut(place, pages.len()) };
        let (code, rest) = place.split_at_mut(text.len());
        code.copy_from_slice(text);
        rest.fill(padding);
        self.protect(pages, libc::PROT_READ | libc::PROT_EXEC)
    }

    /// Gives the pages back that a text of `len` bytes was placed on. Their addresses stay reserved.
    ///
    /// # Safety
    /// Nobody reads or executes what lies there any more, nor places a text there now.
    pub unsafe fn release(&self, start: usize, len: usize) {
        let pages = self.pages(start, len);
        let place = self.start.as_ptr().wrapping_add(pages.start).cast();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // Should this fail, the pages stay as they are, until the next text is placed there or the reservation goes.
        // SAFETY: the pages are ours, and nobody uses them, says the caller.
        unsafe { libc::mmap(place, pages.len(), libc::PROT_NONE, flags, -1, 0) };
    }

    /// The pages of a reservation that `len` bytes from `start` on take.
    fn pages(&self, start: usize, len: usize) -> Range<usize> {
        let end = start.checked_add(len.max(1)).and_then(round_up).filter(|&end| end <= self.room);
        assert!(start.is_multiple_of(HOST_PAGE) && end.is_some(), "whole pages of the reservation");
        start..end.unwrap_or(start)
    }

    /// Makes what lies from `text_start` on, a multiple of the size of a page, the text.
    pub fn make_executable(&mut self, text_start: usize) -> Result<()> {
        self.protect(text_start..self.len, libc::PROT_READ | libc::PROT_EXEC)?;
        self.text_start = text_start;
        Ok(())
    }

    fn protect(&self, range: Range<usize>, protection: libc::c_int) -> Result<()> {
        assert!(range.start <= range.end && range.end <= self.len + self.room, "within the mapping");
        if range.is_empty() {
            return Ok(());
        }
        let start = self.start.as_ptr().wrapping_add(range.start);
        #[cfg(test)]
        PROTECTED.set(PROTECTED.get() + 1);
        // SAFETY: the range lies in our mapping, and nobody else knows its pages yet.
        if unsafe { libc::mprotect(start.cast(), range.len(), protection) } != 0 {
            return Err(map_error("protect", range.len()));
        }
        Ok(())
    }

    /// All bytes that were there from the beginning, the text at their end.
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
        self.start.as_ptr().wrapping_add(self.text_start)
    }

    /// The addresses of the text, and of the room for it.
    pub fn range(&self) -> Range<usize> {
        let start = self.start.as_ptr() as usize;
        start + self.text_start..start + self.len + self.room
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        let len = self.len + self.room;
        if len != 0 {
            // SAFETY: the range is exactly our mapping. Whoever owns this guarantees that no thread executes it any more: see
            // `Arena`.
            unsafe { libc::munmap(self.start.as_ptr().cast(), len) };
        }
    }
}

/// Maps fresh pages that are all about to be written. To fault them in one by one would cost more than to fill them, so the
/// system is asked to prepare all at once, in huge pages where they fit; that it can do either is not needed.
fn map_writable(len: usize) -> Result<NonNull<u8>> {
    let start = match len < HUGE_PAGE {
        true => map_fresh(len)?,
        false => map_aligned(len, HUGE_PAGE).or_else(|_| map_fresh(len))?,
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
    let whole = round_up(len).and_then(|pages| Some((pages, pages.checked_add(alignment)?)));
    let no_room = || Error::out_of_memory(format!("no address space for compiled code: {len} bytes"));
    let (pages, whole) = whole.ok_or_else(no_room)?;
    let start = map_fresh(whole)?.as_ptr();
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

/// Fresh pages that can be written.
fn map_fresh(len: usize) -> Result<NonNull<u8>> {
    map_anonymous(len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)
}

fn map_anonymous(len: usize, protection: libc::c_int, flags: libc::c_int) -> Result<NonNull<u8>> {
    // SAFETY: a new anonymous mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
    match NonNull::new(start.cast::<u8>()) {
        Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(start),
        _ => Err(map_error("map", len)),
    }
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

    /// How the page at `address` is mapped.
    fn protection(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (range, _) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(start)..number(end)).contains(&address)
        });
        line.unwrap().split(' ').nth(1).unwrap().to_owned()
    }

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
        assert_eq!(protection(memory.range().start), "r-xp");
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
            assert_eq!([4095, 4096].map(|at| protection(start + at)), ["r--p", "r-xp"]);
            assert!(memory.bytes().iter().all(|&byte| byte == 0xc3));
        }
    }

    #[test]
    fn a_reservation_is_filled_page_by_page() {
        let memory = CodeMemory::reserve(4 * HOST_PAGE - 1).unwrap();
        let start = memory.range().start;
        assert_eq!((memory.range().len(), memory.bytes().len()), (4 * HOST_PAGE, 0));
        for (page, len) in [(0, 100), (1, HOST_PAGE + 1)] {
            // SAFETY: nothing was placed there before.
            unsafe { memory.place(page * HOST_PAGE, &vec![0xc3; len], 0xcc) }.unwrap();
        }
        let pages = [0, 1, 2, 3].map(|page| start + page * HOST_PAGE);
        assert_eq!(pages.map(protection), ["r-xp", "r-xp", "r-xp", "---p"]);
        // SAFETY: the page is there until its memory is dropped.
        let page = unsafe { std::slice::from_raw_parts(start as *const u8, HOST_PAGE) };
        assert!(page[..100].iter().all(|&byte| byte == 0xc3) && page[100..].iter().all(|&byte| byte == 0xcc));
        // SAFETY: nobody uses what lies there.
        unsafe { memory.release(HOST_PAGE, HOST_PAGE + 1) };
        assert_eq!(pages.map(protection), ["r-xp", "---p", "---p", "---p"]);
        // SAFETY: released above.
        unsafe { memory.place(2 * HOST_PAGE, &[0xc3; 2 * HOST_PAGE], 0xcc) }.unwrap();
        assert_eq!(pages.map(protection), ["r-xp", "---p", "r-xp", "r-xp"]);
        assert!(CodeMemory::reserve(usize::MAX).is_err() && CodeMemory::reserve(1 << 31).is_err());
    }

    /// What is placed after a fork is the parent's or the child's alone, though it is at the same address.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_forked_child_places_for_itself() {
        let memory = CodeMemory::reserve(HOST_PAGE).unwrap();
        let place = |number: u8| {
            // mov eax, number; ret
            // SAFETY: nothing was placed there before.
            unsafe { memory.place(0, &[0xb8, number, 0, 0, 0, 0xc3], 0xcc) }.unwrap();
            // SAFETY: the bytes are a function of this type.
            unsafe { std::mem::transmute::<*const u8, extern "C" fn() -> u8>(memory.as_ptr()) }
        };
        let mut pipe = [0; 2];
        // SAFETY: there is room for both descriptors.
        assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
        // SAFETY: the child maps, runs what it wrote, waits, and leaves.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let function = place(1);
            let before = function();
            let mut byte = 0u8;
            // SAFETY: one byte has room.
            unsafe { libc::read(pipe[0], (&raw mut byte).cast(), 1) };
            let fine = before == 1 && byte == 2 && function() == 1;
            // SAFETY: leaves without running anything of the parent's.
            unsafe { libc::_exit(i32::from(!fine)) };
        }
        let result = place(2)();
        // SAFETY: one byte is there.
        unsafe { libc::write(pipe[1], (&raw const result).cast(), 1) };
        let mut status = -1;
        // SAFETY: `status` can be written.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!((result, status), (2, 0));
        for end in pipe {
            // SAFETY: opened above.
            unsafe { libc::close(end) };
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
