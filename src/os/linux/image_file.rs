//! Anonymous files that pages of memories are mapped from.
//!
//! A file that is shared with a forked process is written no more, and nothing is taken out of it: it goes when the last process
//! closes it.

use crate::os::fork;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

/// An anonymous file.
#[derive(Debug)]
pub struct ImageFile {
    descriptor: i32,
    /// What tells the file from any other that may have its descriptor after somebody closed it.
    identity: (u64, u64),
    /// When it was made: see [`fork::generation`].
    generation: u64,
    /// Where the next range begins. Addresses in a file are plenty: none is used twice.
    end: AtomicU64,
}

impl ImageFile {
    pub fn new() -> Option<ImageFile> {
        let generation = fork::generation()?;
        // SAFETY: a name that ends with NUL.
        let descriptor = unsafe { libc::memfd_create(c"wasm-images".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return None;
        }
        let identity = identity(descriptor)?;
        Some(ImageFile { descriptor, identity, generation, end: AtomicU64::new(0) })
    }

    /// Whether the descriptor is still the file's, and no other process has it.
    pub fn is_current(&self) -> bool {
        fork::generation() == Some(self.generation) && self.is_ours()
    }

    /// Whether the descriptor is still the file's.
    pub fn is_ours(&self) -> bool {
        identity(self.descriptor) == Some(self.identity)
    }

    /// Makes the file longer. `None` if it must not be: a limit on the size of files is a signal to those who exceed it.
    pub fn reserve(&self, length: u64) -> Option<u64> {
        let offset = self.end.load(Ordering::Relaxed);
        let end = offset.checked_add(length)?;
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the call fills in what it is given.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } == 0;
        if !known || limit.rlim_cur != libc::RLIM_INFINITY && end > limit.rlim_cur {
            return None;
        }
        // SAFETY: takes numbers; the descriptor is ours.
        if unsafe { libc::ftruncate(self.descriptor, i64::try_from(end).ok()?) } != 0 {
            return None;
        }
        self.end.store(end, Ordering::Relaxed);
        Some(offset)
    }

    pub fn write(&self, mut bytes: &[u8], mut offset: u64) -> Option<()> {
        while !bytes.is_empty() {
            let at = i64::try_from(offset).ok()?;
            // SAFETY: as many bytes as the slice has.
            let written = unsafe { libc::pwrite(self.descriptor, bytes.as_ptr().cast(), bytes.len(), at) };
            let written = usize::try_from(written).ok().filter(|&written| written > 0)?;
            bytes = &bytes[written..];
            offset += written as u64;
        }
        Some(())
    }

    /// Maps a range of the file privately.
    ///
    /// # Safety
    /// `length` bytes at `start` are a mapping of the caller's, and nobody uses them.
    pub unsafe fn map(&self, start: *mut u8, length: usize, offset: u64) -> bool {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_FIXED);
        let Ok(offset) = i64::try_from(offset) else { return false };
        // SAFETY: passed on to the caller.
        let mapped = unsafe { libc::mmap(start.cast(), length, access, flags, self.descriptor, offset) };
        mapped != libc::MAP_FAILED
    }

    /// Takes a range out of the file, unless another process may have it mapped.
    pub fn discard(&self, offset: u64, length: u64) {
        if !self.is_current() {
            return;
        }
        let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: takes numbers; the range was its owner's, whose memories are gone.
        unsafe { libc::fallocate(self.descriptor, mode, offset, length) };
    }
}

impl Drop for ImageFile {
    fn drop(&mut self) {
        if self.is_ours() {
            // SAFETY: the descriptor is ours.
            unsafe { libc::close(self.descriptor) };
        }
    }
}

/// Device and inode of what a descriptor is now.
fn identity(descriptor: i32) -> Option<(u64, u64)> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the call fills in what it is given.
    if unsafe { libc::fstat(descriptor, status.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: filled in.
    let status = unsafe { status.assume_init() };
    Some((status.st_dev, status.st_ino))
}
