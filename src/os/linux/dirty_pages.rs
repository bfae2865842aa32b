//! The dirty pages of a private mapping: those that were written since it was made, or since they were last given back.
//!
//! The kernel reports them (`PAGEMAP_SCAN`, since Linux 6.7). On an older one the answer is "unknown", and the caller gives all pages back.

use crate::os::fork;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most ranges that are told apart.
pub const MOST_RANGES: usize = 32;

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;

/// `struct page_region` of `linux/fs.h`.
#[repr(C)]
#[derive(Copy, Clone, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg` of `linux/fs.h`.
#[repr(C)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::c_ulong =
    3 << 30 | (size_of::<ScanArg>() as libc::c_ulong) << 16 | (b'f' as libc::c_ulong) << 8 | 16;

/// Ranges of addresses, whole pages.
pub struct Ranges {
    found: [PageRegion; MOST_RANGES],
    count: usize,
}

impl Ranges {
    /// The ranges; and of each, whether it consists of the page of zeros that all processes share.
    pub fn iter(&self) -> impl Iterator<Item = (Range<usize>, bool)> {
        let range = |region: &PageRegion| region.start as usize..region.end as usize;
        self.found[..self.count].iter().map(move |region| (range(region), region.categories & PAGE_IS_PFNZERO != 0))
    }
}

/// `/proc/self/pagemap`: nothing yet, [`UNAVAILABLE`], or the descriptor in the low half. The file is about the address space of the
/// process that opened it, so the number of that process is in the high half.
static PAGEMAP: AtomicU64 = AtomicU64::new(NOT_OPENED);
const NOT_OPENED: u64 = u64::MAX - 1;
const UNAVAILABLE: u64 = u64::MAX;

/// The pages in `start..start + length` (whole pages of private mappings) that differ, or may differ, from what the mapping
/// has there by itself: a file's page or zeros. `None` if there are more than `most` pages, or if the kernel does not tell.
///
/// `zeros`: whether the shared page of zeros counts. Where a file is mapped it differs from what the mapping has there: the kernel puts
/// it in place of a page that the guest has filled with zeros, if the host lets pages be merged (KSM with `use_zero_pages`).
pub fn find(start: usize, length: usize, most: usize, zeros: bool) -> Option<Ranges> {
    let file = pagemap()?;
    let mut found = [PageRegion::default(); MOST_RANGES];
    let end = (start + length) as u64;
    let excluded = if zeros { PAGE_IS_FILE } else { PAGE_IS_FILE | PAGE_IS_PFNZERO };
    let mut arg = ScanArg {
        size: size_of::<ScanArg>() as u64,
        flags: 0,
        start: start as u64,
        end,
        walk_end: 0,
        vec: found.as_mut_ptr() as u64,
        vec_len: MOST_RANGES as u64,
        max_pages: most as u64 + 1,
        // Present or swapped out, and neither the file's page nor, unless it counts, the page of zeros that all share.
        category_inverted: excluded,
        category_mask: excluded,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        return_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO,
    };
    // SAFETY: the request takes such a struct, whose vector has room for as many regions as it says.
    let count = unsafe { libc::ioctl(file, PAGEMAP_SCAN, &raw mut arg) };
    if count < 0 {
        unavailable();
        return None;
    }
    let count = count as usize;
    let pages: u64 = found.get(..count)?.iter().map(|region| (region.end - region.start) / 4096).sum();
    (arg.walk_end == end && pages <= most as u64).then_some(Ranges { found, count })
}

#[inline]
fn pagemap() -> Option<i32> {
    #[cfg(test)]
    if silenced::is() {
        return None;
    }
    let known = PAGEMAP.load(Ordering::Acquire);
    if known == UNAVAILABLE {
        return None;
    }
    let process = fork::process()? as u32;
    if (known >> 32) as u32 == process { Some(known as i32) } else { open(process) }
}

/// Opens the file, or opens it again: in a forked child it is about the parent.
#[cold]
fn open(process: u32) -> Option<i32> {
    let old = PAGEMAP.load(Ordering::Acquire);
    // SAFETY: a path that ends with NUL. An old file is left open: its number may be somebody else's by now.
    let file = unsafe { libc::open(c"/proc/self/pagemap".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        unavailable();
        return None;
    }
    let new = u64::from(process) << 32 | file as u64;
    if PAGEMAP.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        return Some(file);
    }
    // Another thread was faster.
    // SAFETY: opened above, and nobody else knows it.
    unsafe { libc::close(file) };
    let known = PAGEMAP.load(Ordering::Acquire);
    ((known >> 32) as u32 == process).then_some(known as i32)
}

#[cold]
fn unavailable() {
    PAGEMAP.store(UNAVAILABLE, Ordering::Release);
}

/// For tests of what happens where the kernel does not tell.
#[cfg(test)]
pub mod silenced {
    use std::cell::Cell;

    thread_local! {
        static SILENCED: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether the kernel tells nothing on this thread from now on.
    pub fn set(silenced: bool) {
        SILENCED.set(silenced);
    }

    pub(super) fn is() -> bool {
        SILENCED.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::map::Reservation;

    const PAGE: usize = 4096;

    #[test]
    fn tells_what_was_written() {
        let reservation = Reservation::new(64 * PAGE).unwrap();
        reservation.commit(0, 64 * PAGE).unwrap();
        let (base, at) =
            (reservation.base().as_ptr() as usize, |page| reservation.base().as_ptr().wrapping_add(page * PAGE));
        let Some(none) = find(base, 64 * PAGE, 4, false) else {
            assert_eq!(PAGEMAP.load(Ordering::Relaxed), UNAVAILABLE);
            return;
        };
        assert_eq!(none.iter().count(), 0);
        // SAFETY: committed above, as below.
        assert_eq!(unsafe { at(9).read_volatile() }, 0);
        for page in [3, 4, 63] {
            // SAFETY: as above.
            unsafe { at(page).write_volatile(1) };
        }
        let pages = |start: usize, end: usize| base + start * PAGE..base + end * PAGE;
        let found: Vec<_> = find(base, 64 * PAGE, 4, false).unwrap().iter().map(|(range, _)| range).collect();
        assert_eq!(found, [pages(3, 5), pages(63, 64)]);
        assert!(find(base, 64 * PAGE, 2, false).is_none(), "more than were asked for");
        // The page that was only read is the shared one of zeros, which counts where it is asked for.
        let found: Vec<_> = find(base, 64 * PAGE, 8, true).unwrap().iter().collect();
        assert_eq!(found, [(pages(3, 5), false), (pages(9, 10), true), (pages(63, 64), false)]);
    }
}
