//! Entering a store and leaving it.
//!
//! Whoever works on a store has an [`Entered`], which says that this thread is the store's owner and inside. The outermost entry of a
//! thread raises the depth of its slot (`owner.rs`); when it ends, the store does what has come up meanwhile, and is freed if nobody has
//! a handle any more. Entries within it lower the depth to what it was, so that those that a jump has left are made up for, and entries
//! from within WebAssembly are not counted: they end before what their WebAssembly was called in.

use crate::arch;
use crate::os;
use crate::types::Result;
use crate::vm::store::Store;
use crate::vm::store::pending_free::FREES_AT_ONCE;

/// Proof that this thread is the store's owner and inside the store. While there is one, finalizers wait.
pub struct Entered<'a> {
    pub(super) store: &'a Store,
    pub(super) before: Before,
}

/// What an entry goes back to when it ends, in one word, since a guard is then returned in registers: the depth of the owner's
/// entries, 0 also for an entry that is not counted, from within WebAssembly; and, as the lowest bit, whether finalizers waited already.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) struct Before(usize);

impl Before {
    /// Nobody was inside.
    const OUTERMOST: Before = Before(0);

    #[inline]
    pub(super) fn new(level: usize, held: bool) -> Before {
        Before(level << 1 | usize::from(held))
    }

    #[inline]
    pub(super) fn level(self) -> usize {
        self.0 >> 1
    }

    #[inline]
    pub(super) fn held(self) -> bool {
        self.0 & 1 != 0
    }
}

impl Store {
    /// Enters the store: makes sure that this thread is its owner and drains what other threads gave back.
    #[inline(always)]
    pub fn enter(&self) -> Result<Entered<'_>> {
        self.enter_from(arch::stack_pointer())
    }

    /// As [`Store::enter`], for a caller who knows the stack pointer of a frame that is no longer there, but would lie directly below the
    /// host's.
    #[inline(always)]
    pub(in crate::vm) fn enter_from(&self, sp: usize) -> Result<Entered<'_>> {
        match self.owner.try_enter() {
            Some(0) => {
                if self.owner.has_queued() {
                    self.drain();
                }
                // Nothing is held back while nobody is inside, so what was before need not be read.
                self.finalizers.hold(true);
                Ok(Entered { store: self, before: Before::OUTERMOST })
            }
            depth => self.enter_otherwise(depth, sp),
        }
    }

    /// [`Store::enter_from`] again, `depth` times, or from another thread than the owner.
    #[inline(never)]
    pub(super) fn enter_otherwise(&self, depth: Option<usize>, sp: usize) -> Result<Entered<'_>> {
        let level = match depth {
            Some(depth) => self.enter_again(depth, sp),
            None => self.migrate_here(sp)?,
        };
        if self.owner.has_queued() {
            self.drain();
        }
        Ok(self.entered(level))
    }

    /// Enters if this thread is the owner; the level to leave to.
    #[inline]
    pub(super) fn try_enter(&self, sp: usize) -> Option<usize> {
        match self.owner.try_enter()? {
            0 => Some(0),
            depth => Some(self.enter_again(depth, sp)),
        }
    }

    #[cold]
    pub(super) fn migrate_here(&self, sp: usize) -> Result<usize> {
        loop {
            if self.owner.migrate(|| self.wasm_runs())? {
                return Ok(0);
            }
            if let Some(level) = self.try_enter(sp) {
                return Ok(level);
            }
        }
    }

    /// Runs `body` inside the store if this thread is its owner; false otherwise. `body` neither calls out nor frees anything, so that
    /// it does not matter whether an entry further out was left by a jump.
    #[inline]
    pub(super) fn briefly_inside(&self, body: impl FnOnce()) -> bool {
        let Some(depth) = self.owner.try_enter() else { return false };
        let _outermost = (depth == 0).then(|| self.entered(0));
        body();
        true
    }

    /// Enters the store, if this thread is its owner.
    #[inline]
    pub(super) fn enter_if_owner(&self) -> Option<Entered<'_>> {
        let level = self.try_enter(arch::stack_pointer())?;
        Some(self.entered(level))
    }

    #[inline]
    pub(super) fn entered(&self, level: usize) -> Entered<'_> {
        Entered { store: self, before: Before::new(level, self.finalizers.hold(true)) }
    }

    /// The guard of an entry that the numeric-only stub made and has not left; or of one that need not be counted, by code of the store
    /// that has called out.
    ///
    /// # Safety
    /// One of the two is so, and only one guard is made of an entry of the stub's.
    #[inline]
    pub(in crate::vm) unsafe fn still_entered(&self) -> Entered<'_> {
        // The stub counts an entry only if it is the first.
        self.entered(0)
    }

    /// Leaves the store; frees it if this was the outermost entry and nobody has a handle any more.
    ///
    /// While WebAssembly runs there is another entry, further out or of another coroutine, and the last of them to be left does that.
    ///
    /// # Safety
    /// Matches one entry, from `level`. The store must not be used by the caller afterwards unless it holds a handle.
    #[inline]
    pub(super) unsafe fn leave(store: *const Store, level: usize) {
        // SAFETY: an entered store is alive.
        if !unsafe { &*store }.leave_at_once(level) {
            // SAFETY: passed on to the caller.
            unsafe { Self::leave_inner(store, level) };
        }
    }

    /// Leaves the store if this is the outermost entry and there is nothing to do but to lower the depth and to hold no finalizers
    /// back any more; false otherwise. (An entry to level 0 in an activation that was found dead meanwhile is not known to be
    /// the outermost, but then `attention` is raised.)
    #[inline(always)]
    pub(super) fn leave_at_once(&self, level: usize) -> bool {
        if level != 0 || self.wasm_runs() {
            return false;
        }
        // A thread that queues a handle and sees WebAssembly running here leaves it to this thread: either it sees that none runs any
        // more, or this thread sees what it has queued. The other side's heavy barrier is in `StoreOwner::migrate`.
        os::light_barrier();
        if self.owner.flags.attention.get() || self.owner.has_queued() {
            return false;
        }
        // What is queued between the look and this waits for the next entry, or for its thread, which takes over.
        self.finalizers.hold(false);
        self.owner.set_depth(0);
        true
    }

    /// As [`Store::leave`], after running what finalizers wait, unless they are held back. (At the end of an outermost entry they are run
    /// in any case, because each that waits has raised `attention`.)
    ///
    /// # Safety
    /// As [`Store::leave`].
    #[inline(always)]
    pub(super) unsafe fn leave_after_finalizers(store: *const Store, level: usize) {
        // SAFETY: an entered store is alive.
        if !unsafe { &*store }.leave_at_once(level) {
            // SAFETY: passed on to the caller.
            unsafe { Self::run_finalizers_and_leave(store, level) };
        }
    }

    /// The end of a guard where there is something to do.
    ///
    /// # Safety
    /// As [`Store::leave`].
    #[inline(never)]
    pub(super) unsafe fn leave_guarded(store: *const Store, before: Before) {
        // SAFETY: an entered store is alive.
        unsafe { &*store }.finalizers.hold(before.held());
        // SAFETY: passed on to the caller.
        unsafe { Self::run_finalizers_and_leave(store, before.level()) };
    }

    /// [`Store::leave_after_finalizers`] where there is something to do.
    ///
    /// # Safety
    /// As [`Store::leave`].
    #[inline(never)]
    pub(super) unsafe fn run_finalizers_and_leave(store: *const Store, level: usize) {
        // SAFETY: an entered store is alive.
        let this = unsafe { &*store };
        if level != 0 || this.wasm_runs() {
            this.run_finalizers();
        }
        // SAFETY: passed on to the caller.
        unsafe { Self::leave_inner(store, level) };
    }

    /// [`Store::leave`] for an entry that is not the outermost, or not known to be, or where there is something to do.
    ///
    /// # Safety
    /// As [`Store::leave`].
    #[inline(never)]
    pub(super) unsafe fn leave_inner(store: *const Store, mut level: usize) {
        // SAFETY: an entered store is alive.
        let this = unsafe { &*store };
        if this.wasm_runs() {
            // Without handles, nobody will look again.
            match if this.refs.get() == 0 { this.drop_all_dead_activations() } else { None } {
                Some(outermost) => level = outermost,
                None => return,
            }
        }
        if level != 0 {
            return this.owner.set_depth(level);
        }
        if !this.leave_at_once(0) {
            // SAFETY: the outermost entry is still held, and no WebAssembly runs.
            unsafe { Self::leave_slow(store) };
        }
    }

    /// The end of an outermost entry with something left to do.
    ///
    /// # Safety
    /// As [`Store::leave`], from level 0.
    #[cold]
    pub(super) unsafe fn leave_slow(store: *const Store) {
        // SAFETY: an entered store is alive.
        let this = unsafe { &*store };
        let level = this.take_level();
        if level != 0 {
            return this.owner.set_depth(level);
        }
        this.owner.set_depth(1);
        this.owner.flags.attention.set(false);
        // What is queued from here on is for the next entry, or, in an orphaned store, for the thread that queues it.
        if this.owner.has_queued_by_now() {
            this.drain();
        }
        this.free_deferred();
        this.free_pending(FREES_AT_ONCE);
        this.run_finalizers();
        if this.refs.get() != 0
            && this.is_orphaned()
            && this.pacing.due_at_the_end(this.refs.get(), this.traced_envs.get() != 0, this.finalizable.get() != 0)
        {
            this.collect_all();
        }
        if this.refs.get() == 0 {
            this.free_everything();
            this.owner.wait_for_pins();
            // SAFETY: nobody has a handle, nothing runs, every entity is freed, and the store was made by `Store::new`.
            drop(unsafe { Box::from_raw(store.cast_mut()) });
        } else {
            this.owner.set_depth(0);
        }
    }
}

impl Entered<'_> {
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Runs `body`, which may run code of the host: there, finalizers run whenever a function of the library returns. The
    /// caller relies on nothing that only a handle of the host's keeps alive.
    #[inline(always)]
    pub(in crate::vm) fn call_out<R>(&self, body: impl FnOnce() -> R) -> R {
        let held = self.store.finalizers.hold(false);
        let result = body();
        self.store.finalizers.hold(held);
        result
    }

    /// The beginning of what [`Entered::call_out`] does around its body.
    #[inline]
    pub(in crate::vm) fn begin_call_out(&self) -> bool {
        self.store.finalizers.hold(false)
    }

    /// The end of it.
    #[inline]
    pub(in crate::vm) fn end_call_out(&self, held: bool) {
        self.store.finalizers.hold(held);
    }

    /// Leaves without running finalizers, which may collect: references that nothing keeps alive yet are on their way into
    /// WebAssembly.
    pub(in crate::vm) fn leave_with_references(self) {
        let this = std::mem::ManuallyDrop::new(self);
        this.store.finalizers.hold(this.before.held());
        // SAFETY: as in `drop`, which does not follow.
        unsafe { Store::leave(this.store, this.before.level()) }
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.before != Before::OUTERMOST || !self.store.leave_at_once(0) {
            // SAFETY: made by `Store::enter`, which entered once. Whoever holds the guard's borrow holds a handle too, or
            // does not use the store afterwards.
            unsafe { Store::leave_guarded(self.store, self.before) };
        }
    }
}
