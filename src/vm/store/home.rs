//! Which thread a store is at home on, and how handles are given back from others.
//!
//! A store is used by one thread at a time, but may move between threads, and every `*_delete` may come from any thread
//! at any time (finalizers of garbage-collected languages). Entering must cost next to nothing, so there is no lock:
//!
//! * `home` is the token of the thread that uses the store. Only that thread touches anything in it, and only while
//!   `depth` is above zero. Entering is: home is me → raise `depth` → home is still me.
//! * Another thread that wants to use the store takes `home` away, makes every thread's earlier stores visible with a heavy
//!   barrier, and then looks at `depth`. Either the old home's raised `depth` is seen, and the taker waits or gives up, or
//!   the old home's second look sees that it is home no more (Dekker's argument, with the fast side's fence replaced by the
//!   heavy one of the slow side).
//! * A thread that is not home does not touch counts: it queues the handle, still counted, and the home thread drains the
//!   queue when it next enters. If nobody may ever enter again (the store's own handle is gone), or the queue has grown
//!   long, it tries to take the store over and drain it itself.

use crate::types::{Error, ErrorKind, Result};
use crate::vm::entity::EntityHeader;
use crate::vm::sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A handle to give back.
#[derive(Copy, Clone)]
pub(super) enum Released {
    Entity(*mut EntityHeader),
    Store,
}

/// The state of who uses a store.
pub(super) struct Home {
    /// The token of the home thread; 0 while the store changes hands.
    token: AtomicUsize,
    /// How many entries of the home thread are under way. Written by the home thread only.
    depth: AtomicUsize,
    /// Held by a thread that takes the store over.
    takeover: Mutex<()>,
    /// Handles given back by other threads.
    queue: Mutex<Vec<Released>>,
    /// Whether the queue has entries. Read without the lock at the end of each outermost entry.
    queued: AtomicBool,
    /// Set for good when the store's own handle has been given back on another thread or this one.
    pub(super) orphaned: AtomicBool,
    /// Whether leaving must do more than lower `depth`.
    pub(super) attention: Cell<bool>,
}

/// How many queued handles make a foreign thread try to drain the queue itself.
const LONG_QUEUE: usize = 1024;

impl Home {
    pub(super) fn new() -> Home {
        Home {
            token: AtomicUsize::new(sys::current_thread_token()),
            depth: AtomicUsize::new(0),
            takeover: Mutex::new(()),
            queue: Mutex::new(Vec::new()),
            queued: AtomicBool::new(false),
            orphaned: AtomicBool::new(false),
            attention: Cell::new(false),
        }
    }

    /// Enters if this thread is home. Must be paired with [`Home::lower`].
    #[inline]
    pub(super) fn try_raise(&self) -> bool {
        let me = sys::current_thread_token();
        if self.token.load(Ordering::Relaxed) != me {
            return false;
        }
        // Only the home thread writes `depth`; a plain increment is enough.
        let depth = self.depth.load(Ordering::Relaxed);
        self.depth.store(depth + 1, Ordering::Relaxed);
        sys::light_barrier();
        if self.token.load(Ordering::Acquire) == me {
            return true;
        }
        self.depth.store(depth, Ordering::Release);
        false
    }

    /// Leaves; returns how many entries remain.
    #[inline]
    pub(super) fn lower(&self) -> usize {
        let depth = self.depth.load(Ordering::Relaxed) - 1;
        self.depth.store(depth, Ordering::Release);
        depth
    }

    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Whether other threads have queued handles.
    #[inline]
    pub(super) fn has_queued(&self) -> bool {
        self.queued.load(Ordering::Relaxed)
    }

    /// Makes this thread the home and enters. Waits for a short operation of the old home, but not for a guest that runs:
    /// `wasm_runs` tells, and then the store is busy.
    #[cold]
    pub(super) fn take_over(&self, wasm_runs: impl Fn() -> bool) -> Result<()> {
        let me = sys::current_thread_token();
        let _turn = self.takeover.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.token.swap(0, Ordering::SeqCst);
        if old == me {
            // Home all along: another thread's failed attempt had hidden it for a moment.
            self.depth.store(self.depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            self.token.store(me, Ordering::SeqCst);
            return Ok(());
        }
        sys::heavy_barrier();
        let mut spins = 0u32;
        while self.depth.load(Ordering::Acquire) != 0 {
            spins += 1;
            if wasm_runs() || spins > 100_000 {
                self.token.store(old, Ordering::SeqCst);
                return Err(Error::new(ErrorKind::Busy, "the store is in use on another thread"));
            }
            std::thread::yield_now();
        }
        self.depth.store(1, Ordering::Relaxed);
        self.token.store(me, Ordering::SeqCst);
        Ok(())
    }

    /// Queues a handle; true if this thread should try to take the store over and drain the queue.
    pub(super) fn queue(&self, released: Released) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(released);
        self.queued.store(true, Ordering::SeqCst);
        if matches!(released, Released::Store) {
            self.orphaned.store(true, Ordering::SeqCst);
        }
        self.orphaned.load(Ordering::SeqCst) || queue.len() >= LONG_QUEUE
    }

    /// Takes what other threads have queued.
    pub(super) fn take_queue(&self) -> Vec<Released> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        self.queued.store(false, Ordering::SeqCst);
        std::mem::take(&mut *queue)
    }
}
