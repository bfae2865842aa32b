//! Which thread owns a store, and how handles are given back from others.
//!
//! A store is used by one thread at a time, but may move between threads, and every `*_delete` may come from any thread
//! at any time (finalizers of garbage-collected languages). Entering must cost next to nothing, so there is no lock:
//!
//! * Each thread that ever owned the store has a slot in the store, whose `depth` only that thread writes. `slot` is the owner's.
//!   Only the owner thread touches anything in the store, and only while its depth is above zero. Entering is: the slot is
//!   mine → raise its depth → the slot is still mine.
//! * Another thread that wants to use the store takes the slot away, makes every thread's earlier stores visible with a heavy
//!   barrier, and then looks at the old slot's depth. Either the raised depth is seen, and the taker waits or gives up, or
//!   the old owner's second look sees that it is the owner no more (Dekker's argument, with the fast side's fence replaced by the
//!   heavy one of the slow side). An old owner that comes too late has only written to its own slot.
//! * A thread that is not the owner does not touch counts: it queues the handle, still counted, and the owner thread drains the
//!   queue when it next enters, or before it leaves. If nobody may ever enter again (the store's own handle is gone), or the
//!   queue has grown long, the thread tries to migrate the store to itself and drains the queue. Until it has given up or is inside,
//!   it holds a pin on the store's memory, and the thread that frees the store waits for all pins.

use crate::arch;
use crate::os::fork_gate::{self, back_off};
use crate::os::stack::StackBudget;
use crate::os::sync::Mutex;
use crate::os::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use crate::os::{self, StackLimitCache};
use crate::types::{Error, ErrorKind, Result};
use crate::vm::store::entity::EntityHeader;
use std::cell::Cell;
use std::mem::offset_of;

/// A handle to give back.
#[derive(Copy, Clone)]
pub(super) enum Released {
    Entity(*mut EntityHeader),
    Store,
}

/// A thread's place in a store.
pub struct ThreadSlot {
    token: usize,
    /// How many entries of the thread are under way that began while no WebAssembly of the store ran. (The others need no count: they
    /// end before the one that their WebAssembly was called in.) Written by that thread only.
    depth: AtomicUsize,
    /// For that thread only.
    stack_limit: StackLimitCache,
}

impl ThreadSlot {
    /// Where what the numeric-only stub reads lies.
    pub const TOKEN: usize = offset_of!(ThreadSlot, token);
    pub const DEPTH: usize = offset_of!(ThreadSlot, depth);
    pub const STACK_LIMIT: usize = offset_of!(ThreadSlot, stack_limit);

    fn new(token: usize, budget: StackBudget) -> *mut ThreadSlot {
        Box::into_raw(Box::new(ThreadSlot {
            token,
            depth: AtomicUsize::new(0),
            stack_limit: StackLimitCache::new(budget),
        }))
    }
}

/// What is looked at when an outermost entry ends: the numeric-only stub reads both at once.
#[repr(C, align(2))]
pub(super) struct Flags {
    /// Whether leaving must do more than lower the depth.
    pub(super) attention: Cell<bool>,
    /// Whether the queue has entries. Read without its lock.
    queued: AtomicBool,
}

/// The state of who uses a store.
pub(super) struct StoreOwner {
    /// The owner thread's slot; null while the store migrates.
    slot: AtomicPtr<ThreadSlot>,
    /// The slot of the last thread that became the owner. Changes only while nobody is inside.
    inside: AtomicPtr<ThreadSlot>,
    /// One slot for each thread that ever owned the store, boxed. Locked by a thread while it migrates the store.
    slots: Mutex<Vec<*mut ThreadSlot>>,
    /// How the stack of each is divided.
    budget: StackBudget,
    /// Handles given back by other threads.
    queue: Mutex<Vec<Released>>,
    pub(super) flags: Flags,
    /// Other threads that may touch the store although they are not inside and have no handle any more.
    pins: AtomicUsize,
    /// Set when the store is about to be freed: nobody needs to take it over any more.
    dying: AtomicBool,
    /// Set for good when the store's own handle has been given back on another thread or this one.
    pub(super) orphaned: AtomicBool,
}

/// How many queued handles make a foreign thread try to drain the queue itself.
const LONG_QUEUE: usize = 1024;

/// What became of an attempt to migrate a store.
enum Migration {
    /// This thread is the owner, and inside.
    Done,
    /// This thread was the owner before.
    None,
    Busy,
    /// A fork waits for this thread to let go of the lock, and the old owner perhaps for the fork.
    Forking,
}

/// How often to look whether the old owner has left the store: some hundred milliseconds.
const MOST_ROUNDS: u32 = 2000;

impl StoreOwner {
    pub(super) fn new(budget: StackBudget) -> StoreOwner {
        let first = ThreadSlot::new(arch::current_thread_token(), budget);
        StoreOwner {
            slot: AtomicPtr::new(first),
            inside: AtomicPtr::new(first),
            slots: Mutex::new(vec![first]),
            budget,
            queue: Mutex::new(Vec::new()),
            flags: Flags { attention: Cell::new(false), queued: AtomicBool::new(false) },
            pins: AtomicUsize::new(0),
            dying: AtomicBool::new(false),
            orphaned: AtomicBool::new(false),
        }
    }

    /// Where what the numeric-only stub reads lies.
    pub(super) const SLOT: usize = offset_of!(StoreOwner, slot);
    pub(super) const ATTENTION: usize = offset_of!(StoreOwner, flags);
    pub(super) const ATTENTION_SIZE: usize = size_of::<Flags>();

    /// Enters if this thread is the owner, and gives the depth of its entries until now: if that is not 0 it was inside already, and the
    /// depth is as it was. The numeric-only stub does the same (`src/arch`).
    #[inline]
    pub(super) fn try_enter(&self) -> Option<usize> {
        let slot = self.slot.load(Ordering::Acquire);
        // SAFETY: null, or one of `slots`, which live as long as the store.
        let mine = unsafe { slot.as_ref() }?;
        if mine.token != arch::current_thread_token() {
            return None;
        }
        // Only this thread writes the depth of its slot, and while it is not 0 nobody takes the store over.
        let depth = mine.depth.load(Ordering::Relaxed);
        if depth != 0 {
            return Some(depth);
        }
        mine.depth.store(1, Ordering::Relaxed);
        os::light_barrier();
        if std::ptr::eq(self.slot.load(Ordering::Acquire), slot) {
            return Some(0);
        }
        mine.depth.store(0, Ordering::Release);
        None
    }

    /// What the thread that is inside may use of its stack.
    #[inline]
    pub(super) fn stack_limit(&self) -> &StackLimitCache {
        &self.inside().stack_limit
    }

    /// The slot of the thread that is inside, for that thread.
    #[inline]
    fn inside(&self) -> &ThreadSlot {
        // SAFETY: one of `slots`, which live as long as the store.
        unsafe { &*self.inside.load(Ordering::Relaxed) }
    }

    /// Sets the depth of this thread, which is inside. At 0 it has left: the store may be freed by another thread from then on.
    #[inline]
    pub(super) fn set_depth(&self, depth: usize) {
        self.inside().depth.store(depth, Ordering::Release);
    }

    /// Counts this thread among those that may touch the store; it still owns a handle.
    pub(super) fn pin(&self) {
        self.pins.fetch_add(1, Ordering::SeqCst);
    }

    /// Undoes [`StoreOwner::pin`]: this thread is inside, or does not touch the store again.
    pub(super) fn unpin(&self) {
        self.pins.fetch_sub(1, Ordering::SeqCst);
    }

    /// Waits until nobody but this thread, which is inside and about to free the store, can touch it.
    pub(super) fn wait_for_pins(&self) {
        self.dying.store(true, Ordering::SeqCst);
        let mut rounds = 0;
        while self.pins.load(Ordering::SeqCst) != 0 {
            back_off(&mut rounds);
        }
    }

    /// Whether other threads have queued handles.
    #[inline]
    pub(super) fn has_queued(&self) -> bool {
        self.flags.queued.load(Ordering::Relaxed)
    }

    /// As [`StoreOwner::has_queued`], after the store may have become an orphan on this thread: either this sees what another thread has
    /// queued, or that thread sees an orphan and takes it over. Both write before they read, sequentially consistent.
    pub(super) fn has_queued_by_now(&self) -> bool {
        self.flags.queued.load(Ordering::SeqCst)
    }

    /// Makes this thread the owner and enters. Waits for a short operation of the old owner, but not for a guest that runs:
    /// `wasm_runs` tells, and then the store is busy. False if this thread was the owner all along and is not inside by this.
    #[cold]
    pub(super) fn migrate(&self, wasm_runs: impl Fn() -> bool) -> Result<bool> {
        let mut rounds = 0;
        loop {
            match self.try_migrate(&wasm_runs, &mut rounds) {
                Migration::Done => return Ok(true),
                Migration::None => return Ok(false),
                Migration::Busy => return Err(Error::new(ErrorKind::Busy, "the store is in use on another thread")),
                // To try again is to wait for the fork first.
                Migration::Forking => {}
            }
        }
    }

    fn try_migrate(&self, wasm_runs: impl Fn() -> bool, rounds: &mut u32) -> Migration {
        let me = arch::current_thread_token();
        let mut slots = self.slots.lock();
        let old = self.slot.swap(std::ptr::null_mut(), Ordering::SeqCst);
        // SAFETY: outside of this function, and so while the lock is held by nobody else, `slot` is one of `slots`.
        let old_slot = unsafe { &*old };
        if old_slot.token == me {
            // The owner all along: another thread's failed attempt had hidden it for a moment.
            self.slot.store(old, Ordering::SeqCst);
            return Migration::None;
        }
        os::heavy_barrier();
        while old_slot.depth.load(Ordering::Acquire) != 0 {
            let busy = wasm_runs() || self.dying.load(Ordering::SeqCst) || *rounds > MOST_ROUNDS;
            if busy || fork_gate::is_closed() {
                self.slot.store(old, Ordering::SeqCst);
                return if busy { Migration::Busy } else { Migration::Forking };
            }
            back_off(rounds);
        }
        // SAFETY: slots live as long as the store.
        let known = slots.iter().copied().find(|&slot| unsafe { (*slot).token } == me);
        let mine = known.unwrap_or_else(|| {
            let slot = ThreadSlot::new(me, self.budget);
            slots.push(slot);
            slot
        });
        // SAFETY: as above.
        unsafe { (*mine).depth.store(1, Ordering::Relaxed) };
        self.inside.store(mine, Ordering::SeqCst);
        self.slot.store(mine, Ordering::SeqCst);
        Migration::Done
    }

    /// Queues a handle; true if this thread should try to take the store over and drain the queue.
    pub(super) fn queue(&self, released: Released) -> bool {
        let mut queue = self.queue.lock();
        queue.push(released);
        self.flags.queued.store(true, Ordering::SeqCst);
        if matches!(released, Released::Store) {
            self.orphaned.store(true, Ordering::SeqCst);
        }
        self.orphaned.load(Ordering::SeqCst) || queue.len() >= LONG_QUEUE
    }

    /// Takes what other threads have queued.
    pub(super) fn take_queue(&self) -> Vec<Released> {
        let mut queue = self.queue.lock();
        self.flags.queued.store(false, Ordering::SeqCst);
        std::mem::take(&mut *queue)
    }
}

impl Drop for StoreOwner {
    fn drop(&mut self) {
        for slot in self.slots.get_mut().drain(..) {
            // SAFETY: boxed by `ThreadSlot::new`, and nobody uses the store any more.
            drop(unsafe { Box::from_raw(slot) });
        }
    }
}
