//! What a memory holds when its instance begins: active data segments, and a file with them that pages are mapped from.
//!
//! The file is anonymous (`memfd_create`) and one for all modules of an engine, each of which has a range of it. Memories map
//! the range privately: pages are shared until they are written. Restoring a page does not need the file: its bytes come from
//! the module. So where the file or a mapping of it cannot be had, bytes are copied, and all else stays the same.
//!
//! A file that is shared with a forked process is written no more, and nothing is taken out of it: it goes when the
//! last process lets go of it.

use crate::module::Module;
use crate::os::fork;
use crate::os::map::{HOST_PAGE, round_up};
use crate::types::DataIndex;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What is in a memory of a module at first.
#[derive(Debug, Default)]
pub struct MemoryImage {
    /// Where each segment begins in the memory: ascending, none is empty, and none overlaps the next.
    segments: Box<[(usize, DataIndex)]>,
    file: Option<Arc<FileRange>>,
}

/// A range of an engine's file. Each memory that maps it has a share.
#[derive(Debug)]
pub(in crate::vm) struct FileRange {
    file: Arc<ImageFile>,
    offset: u64,
    /// The pages of the memory that are in the file.
    pages: Range<usize>,
}

/// From so many pages on, mapping them costs less than copying them.
const MAPPED_FROM: usize = 4 * HOST_PAGE;
/// Memories that begin no larger than this are mapped whole.
const MAPPED_WHOLE: usize = 1 << 20;

impl MemoryImage {
    /// `segments` are as [`MemoryImage`] has them, and within the first `length` bytes, which is what the memory begins with.
    pub fn new(
        module: &Module,
        segments: Box<[(usize, DataIndex)]>,
        length: usize,
        files: Option<&ImageFiles>,
    ) -> MemoryImage {
        let file = files.and_then(|files| FileRange::new(files, module, &segments, length)).map(Arc::new);
        MemoryImage { segments, file }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Maps what there is at the start of a memory whose pages are committed and untouched; what is mapped is to be kept as
    /// long as the mapping. `None` if the bytes have to be written instead.
    ///
    /// # Safety
    /// The memory at `base` is as long as what the image was made for, and nobody uses it.
    pub(in crate::vm) unsafe fn map(&self, base: *mut u8) -> Option<Arc<FileRange>> {
        let range = self.file.as_ref().filter(|range| range.file.is_ours())?;
        let (start, length) = (base.wrapping_add(range.pages.start), range.pages.len());
        // SAFETY: passed on to the caller.
        let mapped = unsafe { range.file.map(start, length, range.offset) };
        mapped.then(|| range.clone())
    }

    /// Writes the bytes that belong into `range` of the memory at `base`, which is zero there.
    ///
    /// # Safety
    /// The range is writable, and nobody else uses it.
    pub unsafe fn write(&self, module: &Module, base: *mut u8, range: Range<usize>) {
        let first = self.segments.partition_point(|&(start, _)| start <= range.start).saturating_sub(1);
        for &(start, segment) in &self.segments[first..] {
            if start >= range.end {
                break;
            }
            let bytes = module.data(segment);
            let from = range.start.clamp(start, start + bytes.len());
            let to = range.end.clamp(start, start + bytes.len());
            let bytes = &bytes[from - start..to - start];
            // SAFETY: within the range, says the caller; the bytes are the module's.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.wrapping_add(from), bytes.len()) };
        }
    }

    /// Where the segments lie.
    pub fn ranges(&self, module: &Module) -> impl Iterator<Item = Range<usize>> {
        self.segments.iter().map(|&(start, segment)| start..start + module.data(segment).len())
    }
}

impl FileRange {
    fn new(files: &ImageFiles, module: &Module, segments: &[(usize, DataIndex)], length: usize) -> Option<FileRange> {
        let ((first, _), (last, segment)) = (*segments.first()?, *segments.last()?);
        let start = first / HOST_PAGE * HOST_PAGE;
        let end = round_up(last + module.data(segment).len())?;
        let bytes: usize = segments.iter().map(|&(_, segment)| module.data(segment).len()).sum();
        if bytes < MAPPED_FROM {
            return None;
        }
        // A memory should be few mappings: one before, one behind the file's pages are one more each. Holes cost nothing.
        let pages = if length <= MAPPED_WHOLE {
            0..length
        } else if start <= length - end {
            0..end
        } else {
            start..length
        };
        let (file, offset) = files.reserve(pages.len() as u64)?;
        let range = FileRange { file, offset, pages };
        for &(at, segment) in segments {
            range.file.write(module.data(segment), range.offset + (at - range.pages.start) as u64)?;
        }
        Some(range)
    }
}

impl Drop for FileRange {
    fn drop(&mut self) {
        self.file.forget(self.offset, self.pages.len() as u64);
    }
}

/// The files of an engine's images: the one that new images go to, if there is one.
#[derive(Debug, Default)]
pub struct ImageFiles {
    current: Mutex<Option<Arc<ImageFile>>>,
}

impl ImageFiles {
    /// A range of `length` bytes, whole pages, in which nothing was written. `None` if there is none to be had.
    fn reserve(&self, length: u64) -> Option<(Arc<ImageFile>, u64)> {
        let generation = fork::generation()?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = current.as_ref().filter(|file| file.generation == generation && file.is_ours());
        let file = match usable {
            Some(file) => file.clone(),
            None => {
                let file = Arc::new(ImageFile::new(generation)?);
                *current = Some(file.clone());
                file
            }
        };
        let offset = file.reserve(length)?;
        Some((file, offset))
    }
}

/// An anonymous file.
#[derive(Debug)]
struct ImageFile {
    descriptor: i32,
    /// What tells the file from any other that may have its descriptor after somebody closed it.
    identity: (u64, u64),
    /// When it was made: see [`fork::generation`].
    generation: u64,
    /// Where the next range begins. Addresses in a file are plenty: none is used twice.
    end: AtomicU64,
}

impl ImageFile {
    fn new(generation: u64) -> Option<ImageFile> {
        // SAFETY: a name that ends with NUL.
        let descriptor = unsafe { libc::memfd_create(c"wasm-images".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return None;
        }
        let identity = identity(descriptor)?;
        Some(ImageFile { descriptor, identity, generation, end: AtomicU64::new(0) })
    }

    fn is_ours(&self) -> bool {
        identity(self.descriptor) == Some(self.identity)
    }

    /// Makes the file longer. `None` if it must not be: a limit on the size of files is a signal to those who exceed it.
    fn reserve(&self, length: u64) -> Option<u64> {
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

    fn write(&self, mut bytes: &[u8], mut offset: u64) -> Option<()> {
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
    unsafe fn map(&self, start: *mut u8, length: usize, offset: u64) -> bool {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_FIXED);
        let Ok(offset) = i64::try_from(offset) else { return false };
        // SAFETY: passed on to the caller.
        let mapped = unsafe { libc::mmap(start.cast(), length, access, flags, self.descriptor, offset) };
        mapped != libc::MAP_FAILED
    }

    /// Takes a range out of the file, unless another process may have it mapped.
    fn forget(&self, offset: u64, length: u64) {
        if fork::generation() != Some(self.generation) || !self.is_ours() {
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
