//! The bounds of the thread's stack, and how much of it WebAssembly may use.
//!
//! Everything here may be called at any time, on any thread; nothing is started, and a fork's child can go on using it.

use crate::arch::stack_pointer;
use crate::os::light_barriers_are_free;
pub use crate::os::linux::thread_end::ENDED_THREADS;
use crate::os::linux::thread_end::is_counted_on_end;
use std::cell::Cell;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::Ordering;

/// The part of a stack that can be used: addresses from `low` up to `high`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct StackBounds {
    pub low: usize,
    pub high: usize,
}

/// What WebAssembly leaves free of a stack, for the libcalls and host functions it calls and for signal handlers: a quarter,
/// within these bounds. The compiler relies on the lower one where it checks the stack only after a frame was made.
pub const HOST_RESERVE: std::ops::RangeInclusive<usize> = 64 << 10..=128 << 10;

/// How much WebAssembly may use of a stack whose bounds are unknown: a coroutine's, or a signal's.
pub const UNKNOWN_STACK_ALLOWANCE: usize = 32 << 10;

/// The kernel stops the main thread's stack this far above the next mapping below it.
const MAIN_STACK_GAP: usize = 1 << 20;

/// A main stack that may grow beyond this may meet a mapping on its way: the kernel keeps 128 MiB free in any case.
const MAIN_STACK_UNDISPUTED: usize = 64 << 20;

impl StackBounds {
    const NONE: StackBounds = StackBounds { low: 0, high: 0 };

    pub fn contains(&self, address: usize) -> bool {
        self.low <= address && address < self.high
    }

    /// The lowest address WebAssembly may use.
    fn limit(&self) -> usize {
        self.low + ((self.high - self.low) / 4).clamp(*HOST_RESERVE.start(), *HOST_RESERVE.end())
    }
}

/// The lowest stack address WebAssembly may use on this thread from here on.
///
/// It depends on the thread alone, however deep the calls are, so that nested entries share one allowance. On a stack
/// that is not the thread's own it depends on the current stack pointer: what is taken as the allowance then starts
/// anew with each nested entry, which is what [`nested_stack_limit`] prevents.
pub fn stack_limit() -> usize {
    let sp = stack_pointer();
    let bounds = stack_bounds();
    if bounds.contains(sp) { bounds.limit() } else { sp.saturating_sub(UNKNOWN_STACK_ALLOWANCE) }
}

/// The same for an entry inside another, which had `outer_limit` and called out from a frame at `outer_fp`, perhaps on
/// another stack: a coroutine's, that this thread has switched to, or its own, to which it has switched back.
pub fn nested_stack_limit(outer_limit: usize, outer_fp: usize) -> usize {
    let (sp, bounds) = (stack_pointer(), stack_bounds());
    if bounds.contains(sp) {
        return bounds.limit();
    }
    // Of a stack whose bounds are unknown all that can be told is whether the outer frame is near.
    let same = !bounds.contains(outer_fp) && outer_fp.wrapping_sub(sp) <= 2 * UNKNOWN_STACK_ALLOWANCE;
    if same { outer_limit } else { sp.saturating_sub(UNKNOWN_STACK_ALLOWANCE) }
}

/// How much of the thread's own stack is left; 0 on a stack that is not its own, of which nothing is known.
pub fn stack_left() -> usize {
    let (bounds, sp) = (stack_bounds(), stack_pointer());
    if bounds.contains(sp) { sp - bounds.low } else { 0 }
}

/// The bounds of this thread's own stack; empty if they cannot be found. Found once for each thread.
pub fn stack_bounds() -> StackBounds {
    thread_local! {
        static BOUNDS: Cell<StackBounds> = const { Cell::new(StackBounds::NONE) };
    }
    // After its end another thread may have the same stack, or part of it.
    if !is_counted_on_end() {
        // The thread is ending, or its end cannot be noticed: nobody may remember the bounds for it (see `StackLimitCache`).
        ENDED_THREADS.fetch_add(1, Ordering::SeqCst);
    }
    if BOUNDS.get() == StackBounds::NONE {
        BOUNDS.set(find_stack_bounds().unwrap_or(StackBounds { low: 1, high: 1 }));
    }
    BOUNDS.get()
}

/// What [`stack_limit`] says, remembered for one thread outside of thread-local storage, which takes a call to reach from a
/// shared library.
///
/// Whoever has one knows the thread by its [`current_thread_token`](crate::arch::current_thread_token), which a later thread may have too, with another stack. So what is
/// remembered only holds as long as no thread has ended: each that remembered anything counts itself on its way out,
/// before its token is free. Where [`light_barrier`](crate::os::light_barrier) is a fence, nothing is remembered.
#[derive(Debug, Default)]
pub struct StackLimitCache {
    limit: Cell<usize>,
    /// How far the stack reaches above the limit.
    room: Cell<usize>,
    ended_threads: Cell<usize>,
}

impl StackLimitCache {
    /// [`stack_limit`] of this thread, to which the cache belongs.
    pub fn get(&self) -> usize {
        let limit = self.limit.get();
        let current = self.ended_threads.get() == ENDED_THREADS.load(Ordering::Relaxed);
        let within = stack_pointer().wrapping_sub(limit) < self.room.get();
        if current && within { limit } else { self.refresh() }
    }

    /// Where what the numeric-only stub reads lies.
    pub const LIMIT: usize = offset_of!(StackLimitCache, limit);
    pub const ROOM: usize = offset_of!(StackLimitCache, room);
    pub const ENDED_THREADS: usize = offset_of!(StackLimitCache, ended_threads);

    #[cold]
    fn refresh(&self) -> usize {
        // Counted before the bounds are known, so that a thread's end in between is noticed.
        self.ended_threads.set(ENDED_THREADS.load(Ordering::SeqCst));
        let bounds = stack_bounds();
        self.limit.set(bounds.limit());
        self.room.set(if light_barriers_are_free() { bounds.high.saturating_sub(bounds.limit()) } else { 0 });
        stack_limit()
    }
}

#[cold]
fn find_stack_bounds() -> Option<StackBounds> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: asks for a handle.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: the current thread is a live thread, and the call initializes what it is given.
    if unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut low, mut size, mut guard) = (std::ptr::null_mut(), 0, 0);
    // SAFETY: the attributes were initialized above, as in the two calls that follow.
    let got_stack = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size) } == 0;
    // SAFETY: see above.
    let got_guard = unsafe { libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard) } == 0;
    // SAFETY: see above; they are not used any more.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    if !got_stack || !got_guard {
        return None;
    }
    let high = (low as usize).checked_add(size)?;
    // Some versions of the C library count the guard as part of the stack.
    let mut reserve = guard;
    if is_main_thread() && size > MAIN_STACK_UNDISPUTED {
        reserve += MAIN_STACK_GAP;
    }
    let low = (low as usize).checked_add(reserve).filter(|&low| low < high)?;
    Some(StackBounds { low, high })
}

fn is_main_thread() -> bool {
    // SAFETY: asks for a number.
    let thread = unsafe { libc::syscall(libc::SYS_gettid) };
    // SAFETY: asks for a number.
    thread == i64::from(unsafe { libc::getpid() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_bounds_contain_its_stack_pointer() {
        let check = |size: usize| {
            std::thread::Builder::new()
                .stack_size(size)
                .spawn(move || {
                    let bounds = stack_bounds();
                    assert!(bounds.contains(stack_pointer()), "{bounds:x?}");
                    let length = bounds.high - bounds.low;
                    assert!(length <= size + (64 << 10) && length >= size - (64 << 10), "{length} of {size}");
                    let limit = stack_limit();
                    assert!(limit > bounds.low && limit < stack_pointer());
                    assert_eq!(limit, stack_limit());
                    bounds
                })
                .unwrap()
                .join()
                .unwrap()
        };
        check(256 << 10);
        check(8 << 20);
        assert!(stack_bounds().contains(stack_pointer()));
    }
}
