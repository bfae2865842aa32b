//! Forks noticed: what a process shares with its parent or child by a file descriptor is not its own any more.
//!
//! A page that the kernel wipes in the child tells the child; a handler of the C library tells the parent. (A child made
//! without the C library knows as well; its parent then does not.)

use crate::os::sync::OnceLock;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE: usize = 4096;

/// What is in the page. A number that is 0 is to be renewed.
#[repr(C)]
struct Numbers {
    process: AtomicU64,
    generation: AtomicU64,
}

/// The address of the page, if there could be one.
static CURRENT: OnceLock<Option<usize>> = OnceLock::new();
static LAST: AtomicU64 = AtomicU64::new(0);

/// A number that a forked child does not share with its parent; `None` if that cannot be known. Costs two loads.
pub fn process() -> Option<u64> {
    current().map(|numbers| renewed(&numbers.process))
}

/// A number that changes whenever the process was forked, in the parent and in the child; `None` if that cannot be known.
/// Costs two loads.
pub fn generation() -> Option<u64> {
    current().map(|numbers| renewed(&numbers.generation))
}

fn renewed(number: &AtomicU64) -> u64 {
    match number.load(Ordering::Acquire) {
        0 => {
            let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            let raced = number.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire);
            raced.err().unwrap_or(new)
        }
        known => known,
    }
}

fn current() -> Option<&'static Numbers> {
    let page = (*CURRENT.get_or_init(prepare))?;
    // SAFETY: the page is mapped for as long as the process lives, and only ever accessed as this.
    Some(unsafe { &*std::ptr::with_exposed_provenance::<Numbers>(page) })
}

#[cold]
fn prepare() -> Option<usize> {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh mapping at an address of the kernel's choice.
    let page = unsafe { libc::mmap(null_mut(), PAGE, access, flags, -1, 0) };
    let page = NonNull::new(page).filter(|page| page.as_ptr() != libc::MAP_FAILED)?;
    // SAFETY: the page is ours.
    let wiped = unsafe { libc::madvise(page.as_ptr(), PAGE, libc::MADV_WIPEONFORK) } == 0;
    // SAFETY: the handler only stores to a page that is never unmapped, and is taken back if the library is unloaded.
    if !wiped || unsafe { libc::pthread_atfork(None, Some(forked), None) } != 0 {
        // SAFETY: the page is ours, and nobody knows it.
        unsafe { libc::munmap(page.as_ptr(), PAGE) };
        return None;
    }
    Some(page.as_ptr().expose_provenance())
}

/// Runs in the parent after each fork.
unsafe extern "C" fn forked() {
    if let Some(Some(page)) = CURRENT.get() {
        // SAFETY: as in `current`.
        unsafe { &*std::ptr::with_exposed_provenance::<Numbers>(*page) }.generation.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_changes_the_number_on_both_sides() {
        let (before, parent) = (generation().unwrap(), process());
        assert_eq!(generation(), Some(before));
        // SAFETY: the child only looks at an atomic and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let same = generation() == Some(before) || process() == parent;
            // SAFETY: ends the child without running anything of the test's.
            unsafe { libc::_exit(same.into()) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child kept its parent's number");
        assert_ne!(generation(), Some(before));
        assert_eq!(process(), parent);
    }
}
