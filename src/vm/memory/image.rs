//! What a memory holds when its instance begins: active data segments, and a file with them that pages are mapped from.
//!
//! The file is anonymous (`memfd_create`) and one for all modules of an engine, each of which has a range of it. Memories map
//! the range privately: pages are shared until they are written. Restoring a page does not need the file: its bytes come from
//! the module. So where the file or a mapping of it cannot be had, bytes are copied, and all else stays the same.
//!
//! A file that is shared with a forked process is written no more, and nothing is taken out of it: it goes when the
//! last process lets go of it.

use crate::module::Module;
use crate::os::image_file::ImageFile;
use crate::os::map::{HOST_PAGE, round_up};
use crate::os::sync::Mutex;
use crate::types::DataIndex;
use std::ops::Range;
use std::sync::Arc;

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
        let length = round_up(length);
        let file = files.zip(length).and_then(|(files, length)| FileRange::new(files, module, &segments, length));
        let file = file.map(Arc::new);
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
    /// The pages of the memory that are in the file, in bytes from its start.
    pub(in crate::vm) fn pages(&self) -> Range<usize> {
        self.pages.clone()
    }

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
        self.file.discard(self.offset, self.pages.len() as u64);
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
        let mut current = self.current.lock();
        let usable = current.as_ref().filter(|file| file.is_current());
        let file = match usable {
            Some(file) => file.clone(),
            None => {
                let file = Arc::new(ImageFile::new()?);
                *current = Some(file.clone());
                file
            }
        };
        let offset = file.reserve(length)?;
        Some((file, offset))
    }
}
