//! Asymmetric barriers: the frequent side costs nothing, the rare side interrupts the other threads of the process.

use std::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

/// How [`heavy_barrier`] and [`light_barrier`] share their work.
static BARRIER_MODE: AtomicU8 = AtomicU8::new(BARRIER_UNDECIDED);
const BARRIER_UNDECIDED: u8 = 0;
/// The kernel interrupts the process's other threads; a light barrier only stops the compiler.
const BARRIER_MEMBARRIER: u8 = 1;
/// Both are full fences.
const BARRIER_FENCES: u8 = 2;

const MEMBARRIER_PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const MEMBARRIER_REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: takes and returns numbers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Whether [`light_barrier`] is no more than a hint to the compiler.
pub fn light_barriers_are_free() -> bool {
    BARRIER_MODE.load(Ordering::SeqCst) == BARRIER_MEMBARRIER
}

/// The frequent side of an asymmetric pair: orders what comes before against what comes after, as seen by a thread that
/// has a [`heavy_barrier`] between its own two accesses. Costs nothing once the process is registered.
#[inline]
pub fn light_barrier() {
    // Undecided counts as fences: a heavy barrier that decides at the same time finds a full fence here.
    if BARRIER_MODE.load(Ordering::Relaxed) == BARRIER_MEMBARRIER {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence_on_the_frequent_side();
    }
}

#[cold]
fn fence_on_the_frequent_side() {
    fence(Ordering::SeqCst);
}

/// The rare side of the pair: a full barrier in every running thread of the process. Takes microseconds.
pub fn heavy_barrier() {
    fence(Ordering::SeqCst);
    if BARRIER_MODE.load(Ordering::SeqCst) == BARRIER_UNDECIDED {
        register_barriers();
    }
    if BARRIER_MODE.load(Ordering::SeqCst) == BARRIER_MEMBARRIER
        && !membarrier(MEMBARRIER_PRIVATE_EXPEDITED)
        && !(membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) && membarrier(MEMBARRIER_PRIVATE_EXPEDITED))
    {
        // A filter on system calls that came after the registration. Light barriers rely on us: find another way.
        shoot_down_tlb();
    }
    fence(Ordering::SeqCst);
}

/// Decides how barriers work. Called when an engine is made, so that light barriers are cheap from the start.
pub fn register_barriers() {
    if BARRIER_MODE.load(Ordering::Relaxed) != BARRIER_UNDECIDED {
        return;
    }
    let mode = if membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) { BARRIER_MEMBARRIER } else { BARRIER_FENCES };
    let _ = BARRIER_MODE.compare_exchange(BARRIER_UNDECIDED, mode, Ordering::SeqCst, Ordering::SeqCst);
}

/// Interrupts every processor that runs a thread of this process: the kernel does so to take away a page that was in use.
#[cold]
fn shoot_down_tlb() {
    const PAGE: usize = 4096;
    // SAFETY: a fresh mapping.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return;
    }
    // SAFETY: the page is ours and writable; writing makes it present.
    unsafe { page.cast::<u8>().write_volatile(1) };
    // SAFETY: the page is ours.
    unsafe { libc::mprotect(page, PAGE, libc::PROT_NONE) };
    // SAFETY: the page is ours, and nothing refers to it any more.
    unsafe { libc::munmap(page, PAGE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barriers_order_a_store_buffer() {
        use std::sync::Barrier;
        use std::sync::atomic::AtomicU32;
        register_barriers();
        let (x, y, start) = (AtomicU32::new(0), AtomicU32::new(0), Barrier::new(2));
        for _ in 0..500 {
            x.store(0, Ordering::Relaxed);
            y.store(0, Ordering::Relaxed);
            let (a, b) = std::thread::scope(|scope| {
                let frequent = scope.spawn(|| {
                    start.wait();
                    x.store(1, Ordering::Relaxed);
                    light_barrier();
                    y.load(Ordering::Relaxed)
                });
                start.wait();
                y.store(1, Ordering::Relaxed);
                heavy_barrier();
                (x.load(Ordering::Relaxed), frequent.join().unwrap())
            });
            assert!(a == 1 || b == 1, "both threads missed the other's store");
        }
        shoot_down_tlb();
    }
}
