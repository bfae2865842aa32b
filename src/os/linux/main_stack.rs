//! The main thread's stack, which is not all there from the start: the kernel lets it grow as it is used, down to a limit that may change
//! at any time (`RLIMIT_STACK`), or to the next mapping below.
//!
//! What has grown does not shrink. So the stack is made to grow at once as far as it will be used, and counted on only as far as it did:
//! a limit that is lowered afterwards takes nothing away. Growing takes address space, not memory.

use crate::arch::stack_pointer;
use crate::os::linux::stack::StackBounds;

const PAGE: usize = 4096;

/// The kernel stops the stack this far above the next mapping below it.
const GAP: usize = 1 << 20;

/// Where nothing is known of other mappings, this much of the stack is sure to be clear of them: the kernel places them 128 MiB away.
const SURELY_CLEAR: usize = 64 << 20;

/// The bounds of the stack of the main thread, `None` on any other. It reaches `wanted` below here, if that can be had.
pub(super) fn find(wanted: usize) -> Option<StackBounds> {
    if !is_main_thread() {
        return None;
    }
    let sp = stack_pointer();
    let Mapping { start, end, previous_end } = match std::fs::read_to_string("/proc/self/maps") {
        Ok(maps) => mapping(&maps, sp)?,
        Err(_) => without_maps(sp)?,
    };
    let lowest = sp.saturating_sub(wanted).max(end.saturating_sub(size_limit())).max(previous_end.saturating_add(GAP));
    let low = grow(start, lowest.next_multiple_of(PAGE));
    Some(StackBounds { low, high: end })
}

/// The mapping that is the stack.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    start: usize,
    end: usize,
    /// The end of the mapping below it.
    previous_end: usize,
}

/// Finds the mapping that contains `address`, if the kernel calls it the stack. (An emulator may run us on one of its own.)
fn mapping(maps: &str, address: usize) -> Option<Mapping> {
    let mut previous_end = 0;
    for line in maps.lines() {
        let (range, _) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        if start <= address && address < end {
            return line.ends_with("[stack]").then_some(Mapping { start, end, previous_end });
        }
        previous_end = end;
    }
    None
}

/// The same where there is no `/proc`: the name of the program is at the end of the stack.
#[cold]
fn without_maps(sp: usize) -> Option<Mapping> {
    // SAFETY: asks for a number.
    let name = unsafe { libc::getauxval(libc::AT_EXECFN) } as usize;
    let end = name.checked_next_multiple_of(PAGE)?;
    let mapping = Mapping { start: sp & !(PAGE - 1), end, previous_end: end.saturating_sub(SURELY_CLEAR) };
    (sp < end && mapping.previous_end < sp).then_some(mapping)
}

/// The limit of the stack's size now.
fn size_limit() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes to the struct.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) } == 0;
    // An unlimited one is the largest number.
    if known { limit.rlim_cur as usize } else { 0 }
}

/// Makes the stack, which starts at `start`, grow down to `lowest`, or as far as it does; where it starts then.
fn grow(mut start: usize, lowest: usize) -> usize {
    let mut step = start.saturating_sub(lowest);
    while step >= PAGE {
        let address = start - step;
        if touch(address) {
            start = address;
        }
        step = (step / 2).min(start - lowest) & !(PAGE - 1);
    }
    start
}

/// Whether the kernel can read at `address`, for which it lets the stack grow if it lies there. It does nothing with what it reads: no
/// operation on a mask of signals has this number.
fn touch(address: usize) -> bool {
    const NO_SUCH_OPERATION: libc::c_int = -1;
    const MASK_SIZE: usize = 8;
    let old = std::ptr::null_mut::<u8>();
    // SAFETY: the kernel checks the address, and changes nothing.
    let outcome = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NO_SUCH_OPERATION, address, old, MASK_SIZE) };
    outcome == 0 || !last_is_bad_address()
}

/// Whether the system call that has just failed did so because of an address.
fn last_is_bad_address() -> bool {
    std::io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

fn is_main_thread() -> bool {
    // SAFETY: asks for a number.
    let thread = unsafe { libc::syscall(libc::SYS_gettid) };
    // SAFETY: asks for a number.
    thread == i64::from(unsafe { libc::getpid() })
}

/// Whether the memory at `address` can be read, which need not be mapped.
pub fn is_readable(address: usize) -> bool {
    let mut byte = 0u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: 1 };
    // SAFETY: asks for a number.
    let process = unsafe { libc::getpid() };
    // SAFETY: the kernel checks the address, and writes to the byte.
    match unsafe { libc::process_vm_readv(process, &local, 1, &remote, 1, 0) } {
        1 => true,
        _ if last_is_bad_address() => false,
        // A sandbox may have forbidden that.
        _ => touch(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_found_among_the_mappings() {
        let maps = "55d0a000-55d0b000 r-xp 00000000 08:01 12 /bin/x\n\
                    7f100000-7f200000 rw-p 00000000 00:00 0\n\
                    7ff00000-7ff21000 rw-p 00000000 00:00 0                          [stack]\n\
                    7ff80000-7ff82000 r-xp 00000000 00:00 0                          [vdso]\n";
        let stack = Mapping { start: 0x7ff0_0000, end: 0x7ff2_1000, previous_end: 0x7f20_0000 };
        assert_eq!(mapping(maps, 0x7ff2_0ff8), Some(stack));
        for other in [0x7f10_0000, 0x7ff2_1000, 0x7ff8_0000, 0x1000] {
            assert_eq!(mapping(maps, other), None);
        }
        assert_eq!(mapping("", 1), None);
    }

    #[test]
    fn what_is_not_mapped_is_not_readable() {
        let word = 5u64;
        assert!(is_readable((&raw const word).addr()));
        assert!(!is_readable(8));
    }

    /// The main thread of a test program is not the one of its tests: a child has only that.
    #[test]
    fn a_thread_that_is_not_the_main_one_has_another_stack() {
        std::thread::spawn(|| assert_eq!(find(1 << 20), None)).join().unwrap();
    }
}
