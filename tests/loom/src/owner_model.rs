//! Who owns a store: at most one thread is inside, and no handle that was given back stays in the queue of a store that nobody enters.

use crate::os::LIGHT_BARRIERS;
use crate::os::stack::StackBudget;
use crate::owner::{Released, StoreOwner};
use crate::{check, check_fails};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::thread;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `src/vm/store/mod.rs` does with the protocol.
struct Owner(StoreOwner);

// SAFETY: the protocol under test; what only one thread may touch is behind cells of loom's, which look.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

impl Owner {
    fn new() -> Owner {
        Owner(StoreOwner::new(StackBudget))
    }

    /// `Store::enter`, for a thread that is not inside.
    fn enter(&self, wasm_runs: impl Fn() -> bool) -> bool {
        self.try_enter() || self.migrate(wasm_runs)
    }

    fn try_enter(&self) -> bool {
        let depth = self.0.try_enter();
        assert!(matches!(depth, None | Some(0)), "the thread is not inside");
        depth.is_some()
    }

    /// `Store::migrate_here`.
    fn migrate(&self, wasm_runs: impl Fn() -> bool) -> bool {
        loop {
            match self.0.migrate(&wasm_runs) {
                Ok(true) => return true,
                Ok(false) if self.try_enter() => return true,
                Ok(false) => {}
                Err(_) => return false,
            }
        }
    }

    /// `Store::release_any` of the store's own handle, which `process` is called with.
    fn release(&self, wasm_runs: impl Fn() -> bool, process: impl Fn()) {
        if self.try_enter() {
            process();
            self.leave(process);
        } else {
            self.0.pin();
            let entered = self.0.queue(Released::Store) && self.migrate(wasm_runs);
            self.0.unpin();
            if entered {
                self.drain(&process);
                self.leave(process);
            }
        }
    }

    /// `Store::leave`, at the end of an outermost entry.
    fn leave(&self, process: impl Fn()) {
        crate::os::light_barrier();
        if self.0.has_queued() {
            self.drain(&process);
        }
        self.0.set_depth(0);
    }

    fn drain(&self, process: &impl Fn()) {
        self.0.take_queue().iter().for_each(|_| process());
    }
}

/// A store and what only the thread inside may touch.
struct World {
    owner: Owner,
    inside: UnsafeCell<usize>,
    wasm_runs: AtomicBool,
    /// How many handles were processed. Not loom's, since the models look only in the end.
    processed: AtomicUsize,
}

impl World {
    fn new() -> Arc<World> {
        Arc::new(World {
            owner: Owner::new(),
            inside: UnsafeCell::new(0),
            wasm_runs: AtomicBool::new(false),
            processed: AtomicUsize::new(0),
        })
    }

    fn work(&self) {
        // SAFETY: whether this is so is what the models are about; loom looks.
        self.inside.with_mut(|inside| unsafe { *inside += 1 });
    }

    fn process(&self) {
        self.work();
        self.processed.fetch_add(1, Ordering::Relaxed);
    }

    /// Enters, works and leaves.
    fn visit(&self) {
        if self.owner.enter(|| false) {
            self.work();
            self.owner.leave(|| self.process());
        }
    }

    fn release(&self) {
        self.owner.release(|| self.wasm_runs.load(Relaxed), || self.process());
    }
}

/// Two threads use the store in turn.
fn exclusion() {
    let world = World::new();
    let other = world.clone();
    let thread = thread::spawn(move || other.visit());
    world.visit();
    world.visit();
    thread.join().unwrap();
}

/// WebAssembly runs on the owner thread while another gives the store's own handle back, which is the last.
fn last_release() {
    let world = World::new();
    let other = world.clone();
    assert!(world.owner.enter(|| false));
    world.wasm_runs.store(true, Relaxed);
    let thread = thread::spawn(move || other.release());
    world.work();
    world.wasm_runs.store(false, Relaxed);
    world.owner.leave(|| world.process());
    thread.join().unwrap();
    assert_eq!(world.processed.load(Ordering::Relaxed), 1, "a handle is stranded in the queue");
}

/// Two threads give handles back at once, neither of them the owner, which has left.
fn two_releases() {
    let world = World::new();
    let threads = [world.clone(), world.clone()].map(|world| thread::spawn(move || world.release()));
    for thread in threads {
        thread.join().unwrap();
    }
    // One may have found the other inside and given up waiting: then that one processes both.
    assert_eq!(world.processed.load(Ordering::Relaxed), 2, "a handle is stranded in the queue");
}

pub fn run() {
    check("owner: exclusion", None, exclusion);
    check("owner: the last handle is given back while WebAssembly runs", None, last_release);
    check("owner: two threads give back", Some(4), two_releases);
    LIGHT_BARRIERS.store(false, Ordering::Relaxed);
    check_fails("owner: exclusion without the light barrier", exclusion);
    check_fails("owner: the last handle without the light barrier", last_release);
    LIGHT_BARRIERS.store(true, Ordering::Relaxed);
}
