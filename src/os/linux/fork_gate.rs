//! How a fork finds the library: nothing of it half-done, and no lock held by a thread that the child does not have.
//!
//! Each lock of the library is one of `src/os/sync.rs`, and a thread that holds any is *inside* the gate. A fork closes the gate, waits
//! until no thread is inside, and opens it again on both sides. What is guarded by a lock is held for microseconds: compiling, running
//! WebAssembly and calling the host happen outside. So a child of a process with many threads can go on using all of the library that
//! does not belong to a store in which another thread was at work.
//!
//! Threads are counted in one of several counters each, so that they do not contend for a cache line. That a thread counts itself
//! before it looks at the gate, and that a fork closes the gate before it looks at the counters, is what makes it exclusive: all of
//! these are sequentially consistent.

use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::time::Duration;

/// As many counters as there are, for the most part, threads that are in the library at once.
const COUNTERS: usize = 16;

/// A counter that has a cache line to itself.
#[repr(align(64))]
struct Counter(AtomicUsize);

/// How many threads are inside, by the counter that they use.
static INSIDE: [Counter; COUNTERS] = [const { Counter(AtomicUsize::new(0)) }; COUNTERS];
/// Whether a thread forks.
static CLOSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How many gates the thread is inside of, nested.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A stay inside the gate; dropping it leaves.
#[derive(Debug)]
pub struct Gate {
    /// Locks belong to the thread that took them.
    _thread: std::marker::PhantomData<*const ()>,
}

impl Gate {
    /// Goes inside. Waits while a thread forks, unless this thread is inside already: then the fork waits for it.
    #[inline]
    pub fn enter() -> Gate {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        if depth == 0 {
            enter_outermost();
        }
        Gate { _thread: std::marker::PhantomData }
    }
}

impl Drop for Gate {
    #[inline]
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            counter().fetch_sub(1, Release);
        }
    }
}

/// This thread's counter.
#[inline]
fn counter() -> &'static AtomicUsize {
    // Control blocks of threads lie pages apart.
    &INSIDE[(crate::arch::current_thread_token() >> 12) % COUNTERS].0
}

#[inline]
fn enter_outermost() {
    let counter = counter();
    loop {
        counter.fetch_add(1, SeqCst);
        if !CLOSED.load(SeqCst) {
            break;
        }
        counter.fetch_sub(1, SeqCst);
        let mut rounds = 0;
        while CLOSED.load(Acquire) {
            back_off(&mut rounds);
        }
    }
    static HANDLERS: Once = Once::new();
    if !HANDLERS.is_completed() {
        HANDLERS.call_once(|| {
            // SAFETY: the handlers have no preconditions. Should this fail, for lack of memory, forks are as they are without it.
            let _ = unsafe { libc::pthread_atfork(Some(close), Some(open), Some(open_in_child)) };
        });
    }
}

/// Whether a thread wants to fork, or does. A thread that waits for another while it is inside has to leave then: the other may be
/// waiting for the fork.
pub fn is_closed() -> bool {
    CLOSED.load(SeqCst)
}

/// Waits a moment for other threads, longer each time. A thread of a real-time policy has to sleep: a thread of lower priority that it
/// waits for does not run while it spins or yields.
pub fn back_off(rounds: &mut u32) {
    *rounds += 1;
    match *rounds {
        0..64 => std::hint::spin_loop(),
        64..128 => std::thread::yield_now(),
        _ => std::thread::sleep(Duration::from_micros(50)),
    }
}

/// Runs before a fork, on the thread that forks, which is outside: no code of the host runs inside.
extern "C" fn close() {
    let mut rounds = 0;
    while CLOSED.compare_exchange_weak(false, true, SeqCst, Relaxed).is_err() {
        back_off(&mut rounds);
    }
    for counter in &INSIDE {
        let mut rounds = 0;
        while counter.0.load(SeqCst) != 0 {
            back_off(&mut rounds);
        }
    }
}

/// Runs after a fork, in the parent.
extern "C" fn open() {
    CLOSED.store(false, SeqCst);
}

/// What else a child has to put right: a few functions, each of which takes no lock.
static IN_CHILD: [AtomicPtr<()>; 4] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 4];

/// Has `repair` called in the child of each fork from now on. Of the same function, once.
pub fn on_fork_in_child(repair: fn()) {
    let new = repair as *mut ();
    for slot in &IN_CHILD {
        match slot.compare_exchange(std::ptr::null_mut(), new, SeqCst, SeqCst) {
            Ok(_) => return,
            Err(other) if std::ptr::eq(other, new) => return,
            Err(_) => {}
        }
    }
    debug_assert!(false, "more repairs than there is room for");
}

/// Runs after a fork, in the child, whose only thread this is: threads that were about to go inside do not exist.
extern "C" fn open_in_child() {
    INSIDE.iter().for_each(|counter| counter.0.store(0, SeqCst));
    for slot in &IN_CHILD {
        let repair = slot.load(SeqCst);
        if !repair.is_null() {
            // SAFETY: only `on_fork_in_child` stores here, functions of this type.
            unsafe { std::mem::transmute::<*mut (), fn()>(repair)() };
        }
    }
    open();
}
