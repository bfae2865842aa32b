//! Stacks: which one this is, how much of it WebAssembly may use, and where it lies.
//!
//! A thread runs on its own stack, on one whose bounds the host has named ([`set_current`]), or on one of which nothing is known: that of
//! a coroutine or of a signal handler. WebAssembly runs on the first two, never on the last, since it could write over whatever
//! lies below.
//!
//! Everything here may be called at any time, on any thread; nothing is started, and a fork's child can go on using it.

use crate::arch::stack_pointer;
use crate::os::light_barriers_are_free;
pub use crate::os::linux::thread_end::ENDED_THREADS;
use crate::os::linux::thread_end::is_counted_on_end;
use crate::os::linux::{main_stack, signal_mask};
use std::cell::Cell;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::Ordering;

/// The part of a stack that can be used: addresses from `low` up to `high`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct StackBounds {
    pub low: usize,
    pub high: usize,
}

impl StackBounds {
    /// No stack.
    const NONE: StackBounds = StackBounds { low: 0, high: 0 };
    /// What is known of a stack that was looked for and not found.
    const NOT_FOUND: StackBounds = StackBounds { low: 1, high: 1 };

    pub fn contains(&self, address: usize) -> bool {
        self.low <= address && address < self.high
    }

    fn overlaps(&self, other: StackBounds) -> bool {
        self.low < other.high && other.low < self.high
    }
}

/// How a stack is divided between WebAssembly and the host.
#[derive(Copy, Clone, Debug)]
pub struct StackBudget {
    /// The most that WebAssembly may use, from where the host enters.
    pub max_wasm: usize,
    /// What is left to host functions; `None`: [`DEFAULT_HOST_RESERVE`], or half of a stack of less than twice as much.
    pub host_reserve: Option<usize>,
    /// Whether faults are signals.
    pub signals: bool,
}

/// The most that WebAssembly may use by default: enough for anything but run-away recursion, where a stack is larger or has no limit.
pub const DEFAULT_MAX_WASM: usize = 8 << 20;
/// What host functions are left by default: a buffer of 1 MiB on the stack is common.
pub const DEFAULT_HOST_RESERVE: usize = 1 << 20;
/// A stack that was asked for with twice the reserve has a little less, for the thread's own data and a guard.
const THREAD_OVERHEAD: usize = 128 << 10;
/// What the library uses below the limit: the frame of a signal, of trampolines, and of libcalls.
const LIBRARY_RESERVE: usize = 16 << 10;
/// The same where the stack is checked only after a frame was made, of which some registers may have been written to. The compiler
/// relies on it (`LARGEST_LATE_CHECKED_FRAME`).
const LIBRARY_RESERVE_LATE_CHECKS: usize = 64 << 10;

impl StackBudget {
    /// The lowest address of a stack that WebAssembly may use. It may lie above the stack.
    fn limit(&self, bounds: StackBounds) -> usize {
        let library = self.library_reserve();
        let size = bounds.high.saturating_sub(bounds.low);
        let reserve = match self.host_reserve {
            Some(bytes) => bytes.saturating_add(library),
            None if size >= 2 * DEFAULT_HOST_RESERVE - THREAD_OVERHEAD => DEFAULT_HOST_RESERVE + library,
            None => (size / 2).max(library),
        };
        bounds.low.saturating_add(reserve)
    }

    fn library_reserve(&self) -> usize {
        if self.signals { LIBRARY_RESERVE } else { LIBRARY_RESERVE_LATE_CHECKS }
    }

    /// All that may be used of a stack from where the host enters.
    fn wanted(&self) -> usize {
        let host = self.host_reserve.unwrap_or(DEFAULT_HOST_RESERVE);
        self.max_wasm.saturating_add(host).saturating_add(2 * LIBRARY_RESERVE_LATE_CHECKS)
    }
}

thread_local! {
    /// What the host has named.
    static NAMED: Cell<StackBounds> = const { Cell::new(StackBounds::NONE) };
    /// The thread's own, once they were looked for: see [`own_stack`].
    static OWN: Cell<StackBounds> = const { Cell::new(StackBounds::NONE) };
    /// How much of it was asked for.
    static WANTED: Cell<usize> = const { Cell::new(0) };
}

/// Names the bounds of the stack that this thread runs on, or is about to switch to, until others are named; with `None`, no stack but
/// the thread's own is known any more.
pub fn set_current(bounds: Option<StackBounds>) {
    let bounds = bounds.unwrap_or(StackBounds::NONE);
    let before = NAMED.replace(bounds);
    // Remembered limits are those of the thread's own stack: they are not looked at on another, unless it is a part of that.
    let own = own_stack(0);
    if before.overlaps(own) || bounds.overlaps(own) {
        ENDED_THREADS.fetch_add(1, Ordering::SeqCst);
    }
}

/// The bounds of the stack that this runs on, if they are known. Of the thread's own as much as `wanted` below here, if it can be had.
fn current_stack(wanted: usize) -> Option<StackBounds> {
    let sp = stack_pointer();
    let named = NAMED.get();
    if named.contains(sp) {
        return Some(named);
    }
    let own = own_stack(wanted);
    if own.contains(sp) {
        return Some(own);
    }
    // The main thread's may have grown further than was asked for.
    main_stack::find(wanted).filter(|bounds| bounds.contains(sp)).inspect(|&bounds| OWN.set(bounds))
}

/// The bounds of the stack that this runs on, if they are known.
pub fn bounds() -> Option<StackBounds> {
    current_stack(0)
}

/// How much of the stack is left, or at least so much that nobody asks for more; 0 on one of which nothing is known.
pub fn stack_left() -> usize {
    const MUCH: usize = 4 << 20;
    current_stack(MUCH).map_or(0, |bounds| stack_pointer() - bounds.low)
}

/// Whether an address is on this thread's own stack or on the one that it runs on.
pub fn is_on_stack(address: usize) -> bool {
    NAMED.get().contains(address) || own_stack(0).contains(address)
}

/// The bounds of this thread's own stack; empty if they cannot be found. Found once for each thread; that of the main thread grows
/// as it is used, and is made to reach `wanted` below here, as far as that is possible.
fn own_stack(wanted: usize) -> StackBounds {
    // After its end another thread may have the same stack, or part of it.
    if !is_counted_on_end() {
        // The thread is ending, or its end cannot be noticed: nobody may remember the bounds for it (see `StackLimitCache`).
        ENDED_THREADS.fetch_add(1, Ordering::SeqCst);
    }
    if OWN.get() == StackBounds::NONE || WANTED.get() < wanted {
        WANTED.set(wanted);
        OWN.set(main_stack::find(wanted).or_else(thread_stack).unwrap_or(StackBounds::NOT_FOUND));
    }
    OWN.get()
}

/// How much of its stack a thread may use for WebAssembly, remembered outside of thread-local storage, which takes a call to reach from a
/// shared library.
///
/// Whoever has one knows the thread by its [`current_thread_token`](crate::arch::current_thread_token), which a later thread may have
/// too, with another stack. So what is remembered only holds as long as no thread has ended: each that remembered anything counts itself
/// on its way out, before its token is free. Where [`light_barrier`](crate::os::light_barrier) is a fence, nothing is remembered.
/// Nothing but the thread's own stack is.
#[derive(Debug)]
pub struct StackLimitCache {
    limit: Cell<usize>,
    /// How far the stack reaches above the limit.
    room: Cell<usize>,
    /// The most that WebAssembly may use of it.
    most: usize,
    ended_threads: Cell<usize>,
    budget: StackBudget,
}

impl StackLimitCache {
    pub fn new(budget: StackBudget) -> StackLimitCache {
        StackLimitCache {
            limit: Cell::new(0),
            room: Cell::new(0),
            most: budget.max_wasm,
            ended_threads: Cell::new(0),
            budget,
        }
    }

    /// The lowest address that WebAssembly may use of the stack that this thread, to which the cache belongs, runs on, and the end of that
    /// stack. `None` if its bounds are not known.
    #[inline]
    pub fn get(&self) -> Option<(usize, usize)> {
        let (limit, room) = (self.limit.get(), self.room.get());
        let current = self.ended_threads.get() == ENDED_THREADS.load(Ordering::Relaxed);
        if current && stack_pointer().wrapping_sub(limit) < room { Some((limit, limit + room)) } else { self.find() }
    }

    /// For a host function that was left by a jump, which may have put back the mask of signals of where it went to.
    pub fn after_jump(&self) {
        if self.budget.signals {
            signal_mask::unblock_faults();
        }
    }

    /// The limit of an entry that is the outermost on its stack, whose lowest usable address is `lowest`.
    #[inline]
    pub fn outermost(&self, lowest: usize) -> usize {
        lowest.max(stack_pointer().saturating_sub(self.most))
    }

    /// Whether `inner` and `outer` are both on the stack that is remembered. False if nothing is.
    #[inline]
    pub fn remembers(&self, inner: usize, outer: usize) -> bool {
        let (limit, room) = (self.limit.get(), self.room.get());
        let current = self.ended_threads.get() == ENDED_THREADS.load(Ordering::Relaxed);
        current && inner.wrapping_sub(limit) < room && outer.wrapping_sub(limit) < room
    }

    /// Where what the numeric-only stub reads lies.
    pub const LIMIT: usize = offset_of!(StackLimitCache, limit);
    pub const ROOM: usize = offset_of!(StackLimitCache, room);
    pub const MOST: usize = offset_of!(StackLimitCache, most);
    pub const ENDED_THREADS: usize = offset_of!(StackLimitCache, ended_threads);

    #[cold]
    fn find(&self) -> Option<(usize, usize)> {
        // Counted before the bounds are known, so that a thread's end in between is noticed.
        let ended_threads = ENDED_THREADS.load(Ordering::SeqCst);
        if self.budget.signals {
            signal_mask::unblock_faults_once();
        }
        self.ended_threads.set(ended_threads);
        let wanted = self.budget.wanted();
        let own = own_stack(wanted);
        let limit = self.budget.limit(own);
        let remembered = light_barriers_are_free() && !NAMED.get().overlaps(own);
        self.limit.set(limit);
        self.room.set(if remembered { own.high.saturating_sub(limit) } else { 0 });
        let bounds = current_stack(wanted)?;
        Some((self.budget.limit(bounds), bounds.high))
    }
}

/// The bounds of the stack that the C library made or was given for this thread.
fn thread_stack() -> Option<StackBounds> {
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
    let high = low.addr().checked_add(size)?;
    // Some versions of the C library count the guard as part of the stack.
    let low = low.addr().checked_add(guard).filter(|&low| low < high)?;
    Some(StackBounds { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: StackBudget = StackBudget { max_wasm: DEFAULT_MAX_WASM, host_reserve: None, signals: true };

    #[test]
    fn a_threads_bounds_contain_its_stack_pointer() {
        let check = |size: usize| {
            std::thread::Builder::new()
                .stack_size(size)
                .spawn(move || {
                    let bounds = bounds().unwrap();
                    let length = bounds.high - bounds.low;
                    assert!(length <= size + (64 << 10) && length >= size - (64 << 10), "{length} of {size}");
                    let cache = StackLimitCache::new(BUDGET);
                    let (limit, high) = cache.get().unwrap();
                    assert!(limit > bounds.low && limit < stack_pointer() && high == bounds.high);
                    assert_eq!(cache.get(), Some((limit, high)));
                    assert!(cache.remembers(stack_pointer(), high - 1) == light_barriers_are_free());
                    assert!(!cache.remembers(stack_pointer(), high));
                    bounds
                })
                .unwrap()
                .join()
                .unwrap()
        };
        check(256 << 10);
        check(8 << 20);
        assert!(bounds().unwrap().contains(stack_pointer()));
    }

    #[test]
    fn a_stack_is_divided() {
        let reserve = |size: usize, budget: StackBudget| {
            budget.limit(StackBounds { low: 1 << 30, high: (1 << 30) + size }) - (1 << 30)
        };
        let (kib, mib) = (1 << 10, 1 << 20);
        for size in [2 * mib - 8 * kib, 2 * mib, 8 * mib, 1024 * mib] {
            assert_eq!(reserve(size, BUDGET), mib + 16 * kib);
        }
        assert_eq!(reserve(mib, BUDGET), mib / 2);
        assert_eq!(reserve(64 * kib, BUDGET), 32 * kib);
        assert_eq!(reserve(16 * kib, BUDGET), 16 * kib);
        let late = StackBudget { signals: false, ..BUDGET };
        assert_eq!((reserve(2 * mib, late), reserve(64 * kib, late)), (mib + 64 * kib, 64 * kib));
        let small = StackBudget { host_reserve: Some(0), ..BUDGET };
        assert_eq!(reserve(64 * kib, small), 16 * kib);
        let all = StackBudget { host_reserve: Some(usize::MAX), ..BUDGET };
        assert_eq!(all.limit(StackBounds { low: 4096, high: 8192 }), usize::MAX);
    }

    #[test]
    fn a_named_stack_is_the_one_that_contains_the_stack_pointer() {
        std::thread::spawn(|| {
            let (own, sp) = (bounds().unwrap(), stack_pointer());
            let cache = StackLimitCache::new(BUDGET);
            let before = cache.get();
            set_current(Some(StackBounds { low: 4096, high: 8192 }));
            assert_eq!((bounds(), cache.get()), (Some(own), before));
            let part = StackBounds { low: sp - (256 << 10), high: sp + 4096 };
            set_current(Some(part));
            assert_eq!((bounds(), cache.get()), (Some(part), Some((BUDGET.limit(part), part.high))));
            set_current(None);
            assert_eq!((bounds(), cache.get()), (Some(own), before));
        })
        .join()
        .unwrap();
    }
}
