//! Stores: everything that runs on one thread at a time, and the lifetime of what belongs to it.
//!
//! A store lives as long as its own handle or a handle of any of its entities does. `refs` counts the store's handle and
//! each entity that has handles; when it is zero and nothing of the store runs, everything is freed.
//!
//! Entities are freed by one of three: at once, when the last handle goes and nothing else can refer to them
//! (`lifetime.rs`); by the collector (`src/vm/gc/collect.rs`); with the store.

mod activations;
pub mod entity;
mod host_info;
pub mod kinds;
pub mod lifetime;
mod owner;
mod pending_free;

use crate::abi::{Activation, LibcallTable, ObjectHeader, PendingTrap, VMStoreContext};
use crate::arch::{self, StoreLayout};
use crate::os;
use crate::types::{Error, ErrorKind, Result};
use crate::vm::engine::Engine;
use crate::vm::gc::heap::GcHeap;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use activations::Records;
pub(in crate::vm) use activations::{Lending, NoStack};
pub use host_info::Finalizer;
use host_info::{HostInfoTable, PendingFinalizers};
use kinds::Kinds;
use owner::{Released, StoreOwner, ThreadSlot};
use pending_free::FREES_AT_ONCE;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;
use std::mem::offset_of;
use std::sync::Arc;

/// A store. Handles of the C API (`wasm_store_t*`) point to it.
#[repr(C)]
pub struct Store {
    /// What compiled code sees. Must be first: compiled code's pointer to it is a pointer to the store.
    context: UnsafeCell<VMStoreContext>,
    kinds: &'static Kinds,
    engine: Arc<Engine>,
    owner: StoreOwner,
    activations: Records,
    refs: Cell<usize>,
    /// Every entity, in no order; each knows its position.
    pub(super) entities: RefCell<Vec<*mut EntityHeader>>,
    /// Entities that lost their last handle while wasm ran.
    deferred: RefCell<Vec<*mut EntityHeader>>,
    pub(super) host_info: RefCell<HostInfoTable>,
    finalizers: PendingFinalizers,
    pub(super) heap: RefCell<GcHeap>,
    pub(super) pacing: crate::vm::gc::Pacing,
    /// Entities being freed without recursion; see [`Store::free_entity`].
    free_list: RefCell<Vec<*mut EntityHeader>>,
    freeing: Cell<bool>,
    /// What the last collection found dead and has not freed yet, in the order in which to free it: `pending_free.rs`.
    pending_free: RefCell<VecDeque<*mut EntityHeader>>,
    /// How many host functions tell the collector what their environments own.
    pub(super) traced_envs: Cell<usize>,
    /// How many environments and host infos have a finalizer that has not been queued yet.
    pub(super) finalizable: Cell<usize>,
}

/// Proof that this thread is the store's owner and inside the store. While there is one, finalizers wait.
pub struct Entered<'a> {
    store: &'a Store,
    before: Before,
}

/// What an entry goes back to when it ends, in one word, since a guard is then returned in registers: the depth of the owner's
/// entries, 0 also for an entry that is not counted, from within WebAssembly; and, as the lowest bit, whether finalizers waited already.
#[derive(Copy, Clone, PartialEq, Eq)]
struct Before(usize);

impl Before {
    /// Nobody was inside.
    const OUTERMOST: Before = Before(0);

    #[inline]
    fn new(level: usize, held: bool) -> Before {
        Before(level << 1 | usize::from(held))
    }

    #[inline]
    fn level(self) -> usize {
        self.0 >> 1
    }

    #[inline]
    fn held(self) -> bool {
        self.0 & 1 != 0
    }
}

// The stub reads as much.
const _: () = assert!(StoreOwner::ATTENTION_SIZE == 2);

impl StoreLayout for Store {
    const OWNER_SLOT: usize = offset_of!(Store, owner) + StoreOwner::SLOT;
    const ATTENTION: usize = offset_of!(Store, owner) + StoreOwner::ATTENTION;
    const SLOT_TOKEN: usize = ThreadSlot::TOKEN;
    const SLOT_DEPTH: usize = ThreadSlot::DEPTH;
    const SLOT_STACK_LIMIT: usize = ThreadSlot::STACK_LIMIT;
}

impl Store {
    /// A new store with one handle, owned by this thread. The other parameters are what the store and its context hold of the
    /// rest of the virtual machine, which this module does not know: see `src/vm/kinds.rs`.
    pub(super) fn new(
        engine: Arc<Engine>,
        kinds: &'static Kinds,
        libcalls: &'static LibcallTable,
        capture_trap_frames: unsafe extern "C" fn(*mut VMStoreContext),
    ) -> *mut Store {
        let context = VMStoreContext {
            libcalls,
            stack_limit: 0,
            activation: std::ptr::null_mut(),
            spare: std::ptr::null_mut(),
            first: Activation::UNUSED,
            resume: activations::resume,
            capture_trap_frames,
            pending_trap: PendingTrap::NONE,
            trap_frames: Default::default(),
        };
        let budget = engine.stack_budget();
        let store = Box::into_raw(Box::new(Store {
            context: UnsafeCell::new(context),
            kinds,
            engine,
            owner: StoreOwner::new(budget),
            activations: Records::default(),
            refs: Cell::new(1),
            entities: RefCell::default(),
            deferred: RefCell::default(),
            host_info: RefCell::default(),
            finalizers: PendingFinalizers::default(),
            heap: RefCell::default(),
            pacing: crate::vm::gc::Pacing::default(),
            free_list: RefCell::default(),
            freeing: Cell::new(false),
            pending_free: RefCell::default(),
            traced_envs: Cell::new(0),
            finalizable: Cell::new(0),
        }));
        // SAFETY: just boxed.
        let context = unsafe { (*store).context() };
        // SAFETY: part of the store, and nobody else knows it.
        unsafe { (*context).first.store = context };
        store
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The entry points of the libcalls.
    pub(super) fn libcalls(&self) -> *const LibcallTable {
        // SAFETY: the context is part of the store, and this field of it never changes.
        unsafe { (*self.context()).libcalls }
    }

    /// What compiled code sees of the store.
    #[inline]
    pub fn context(&self) -> *mut VMStoreContext {
        self.context.get()
    }

    /// Whether wasm of this store runs (somewhere below on this thread's stack, as far as the owner thread is concerned).
    pub fn wasm_runs(&self) -> bool {
        let context = self.context();
        // SAFETY: the context is part of the store. Only the owner thread's answer is exact, and only it relies on it.
        let activation = unsafe { &raw const (*context).activation };
        // SAFETY: as above; volatile, since another thread may be writing.
        !unsafe { activation.read_volatile() }.is_null()
    }

    /// Enters the store: makes sure that this thread is its owner and drains what other threads gave back.
    #[inline(always)]
    pub fn enter(&self) -> Result<Entered<'_>> {
        self.enter_from(arch::stack_pointer())
    }

    /// As [`Store::enter`], for a caller who knows the stack pointer of a frame that is no longer there, but would lie directly below the host's.
    #[inline(always)]
    pub(super) fn enter_from(&self, sp: usize) -> Result<Entered<'_>> {
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
    fn enter_otherwise(&self, depth: Option<usize>, sp: usize) -> Result<Entered<'_>> {
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
    fn try_enter(&self, sp: usize) -> Option<usize> {
        match self.owner.try_enter()? {
            0 => Some(0),
            depth => Some(self.enter_again(depth, sp)),
        }
    }

    #[cold]
    fn migrate_here(&self, sp: usize) -> Result<usize> {
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
    fn entered(&self, level: usize) -> Entered<'_> {
        Entered { store: self, before: Before::new(level, self.finalizers.hold(true)) }
    }

    /// The guard of an entry that the numeric-only stub made and has not left; or of one that need not be counted, by code of the store
    /// that has called out.
    ///
    /// # Safety
    /// One of the two is so, and only one guard is made of an entry of the stub's.
    #[inline]
    pub(super) unsafe fn still_entered(&self) -> Entered<'_> {
        // The stub counts an entry only if it is the first.
        self.entered(0)
    }

    /// Adds the reference of an entity that has got its first handle.
    pub(super) fn add_ref(&self) {
        self.refs.set(self.refs.get() + 1);
    }

    fn drop_ref(&self) {
        self.refs.set(self.refs.get() - 1);
        if self.refs.get() == 0 {
            self.owner.flags.attention.set(true);
        }
    }

    /// Gives back a handle of an entity, on any thread.
    ///
    /// # Safety
    /// `store` is the entity's store and the caller owns the handle.
    pub(super) unsafe fn release_handle(store: *const Store, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { Self::release_any(store, Released::Entity(entity)) }
    }

    /// Gives back handles of entities, most of them of one store, on any thread.
    ///
    /// # Safety
    /// The objects are null or live, and the caller owns a handle of each.
    pub unsafe fn release_handles<'a, T>(objects: &'a [*mut T]) {
        let mut inside: Option<Entered<'a>> = None;
        let mut current: *const Store = std::ptr::null();
        for object in objects.iter().map(|object| object.cast_const().cast::<ObjectHeader>()) {
            if object.is_null() {
                continue;
            }
            // SAFETY: live by the caller's promise.
            let entity = unsafe { entity::owner_of(object) };
            // SAFETY: as above.
            let store = unsafe { (*entity).store };
            if !std::ptr::eq(current, store) {
                current = store;
                // SAFETY: the handle that is given back keeps the store alive, and the guard does from then on.
                inside = unsafe { store.as_ref() }.and_then(Store::enter_if_owner);
            }
            match &inside {
                // SAFETY: the owner thread, inside, and the caller owned the handle.
                Some(inside) => unsafe { inside.store.release_here(entity) },
                // SAFETY: passed on to the caller.
                None => unsafe { entity::release(object) },
            }
        }
    }

    /// Gives back the store's own handle, on any thread.
    ///
    /// # Safety
    /// The caller owns the store's handle.
    pub unsafe fn delete(store: *mut Store) {
        // SAFETY: passed on to the caller.
        unsafe { Self::release_any(store, Released::Store) }
    }

    /// # Safety
    /// The caller owns what is released.
    unsafe fn release_any(store: *const Store, released: Released) {
        // SAFETY: the handle that is given back keeps the store alive until it is processed.
        let this = unsafe { &*store };
        let sp = arch::stack_pointer();
        let level = match this.owner.try_enter() {
            None => None,
            Some(0) => Some(0),
            // SAFETY: passed on to the caller; this thread is inside.
            Some(_) if unsafe { this.release_another(released) } => return,
            Some(depth) => Some(this.enter_again(depth, sp)),
        };
        if let Some(level) = level {
            // SAFETY: owner, inside, and the caller owned the handle.
            unsafe { this.process(released) };
            // SAFETY: this matches the entry above; `this` is not used afterwards.
            unsafe { Self::leave_after_finalizers(store, level) };
        } else {
            this.owner.pin();
            let entered = if this.owner.queue(released) { this.migrate_here(sp).ok() } else { None };
            this.owner.unpin();
            if let Some(level) = entered {
                this.drain();
                // SAFETY: this matches the entry above.
                unsafe { Self::leave(store, level) };
            }
        }
    }

    /// Gives a handle of an entity back that has others, from within an entry: nothing is freed, so that it need not be known whether
    /// that entry was left by a jump. False, and nothing is done, where that is not so.
    ///
    /// # Safety
    /// This thread is inside, and the caller owns what is released.
    #[inline]
    unsafe fn release_another(&self, released: Released) -> bool {
        let Released::Entity(entity) = released else { return false };
        // SAFETY: the caller owns a handle, so the entity is live.
        !self.is_orphaned() && unsafe { entity::drop_count_unless_last(entity) }
    }

    /// Processes the queue of other threads.
    #[cold]
    fn drain(&self) {
        for released in self.owner.take_queue() {
            // SAFETY: queued handles are owned by the queue; the store is entered by the callers of this function.
            unsafe { self.process(released) };
        }
    }

    /// # Safety
    /// The store is entered and the caller owns what is released.
    unsafe fn process(&self, released: Released) {
        match released {
            Released::Store => {
                self.owner.orphaned.store(true, std::sync::atomic::Ordering::SeqCst);
                self.owner.flags.attention.set(true);
                // Whatever is held now, the first collection is due.
                self.pacing.set_roots(0);
                self.pacing.released();
                self.drop_ref();
            }
            // SAFETY: passed on to the caller.
            Released::Entity(entity) => unsafe { self.release_here(entity) },
        }
    }

    /// Gives back a handle of an entity of this store.
    ///
    /// # Safety
    /// The store is entered and the caller owns the handle.
    #[inline(always)]
    unsafe fn release_here(&self, entity: *mut EntityHeader) {
        // SAFETY: the caller owned the handle, so the entity is live.
        if unsafe { entity::drop_count(entity) } {
            // SAFETY: live, and this was its last handle.
            unsafe { self.released_last(entity) };
        }
        if self.is_orphaned() {
            self.pacing.released();
            self.owner.flags.attention.set(true);
        }
    }

    /// # Safety
    /// The store is entered; `entity` is live and has just lost its last handle.
    unsafe fn released_last(&self, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { self.lost_last_handle(entity) };
        self.drop_ref();
    }

    /// Leaves the store; frees it if this was the outermost entry and nobody has a handle any more.
    ///
    /// While WebAssembly runs there is another entry, further out or of another coroutine, and the last of them to be left does that.
    ///
    /// # Safety
    /// Matches one entry, from `level`. The store must not be used by the caller afterwards unless it holds a handle.
    #[inline]
    unsafe fn leave(store: *const Store, level: usize) {
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
    fn leave_at_once(&self, level: usize) -> bool {
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
    unsafe fn leave_after_finalizers(store: *const Store, level: usize) {
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
    unsafe fn leave_guarded(store: *const Store, before: Before) {
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
    unsafe fn run_finalizers_and_leave(store: *const Store, level: usize) {
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
    unsafe fn leave_inner(store: *const Store, mut level: usize) {
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
    unsafe fn leave_slow(store: *const Store) {
        // SAFETY: an entered store is alive.
        let this = unsafe { &*store };
        let level = this.take_level();
        if level != 0 {
            return this.owner.set_depth(level);
        }
        this.owner.set_depth(1);
        this.owner.flags.attention.set(false);
        this.drain();
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

    fn is_orphaned(&self) -> bool {
        self.owner.orphaned.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Collects until nothing is left to be. A store that has lost its own handle makes nothing new, so that no collection
    /// would be due any more; and handles that are owned by garbage, by the environments of its host functions, would keep it for good.
    fn collect_all(&self) {
        loop {
            let before = self.entities.borrow().len();
            self.collect();
            self.run_finalizers();
            // A collection that only finalized environments leaves what they owned to the next.
            if self.entities.borrow().len() == before && !self.pacing.is_again() {
                return;
            }
        }
    }

    /// Makes `entity` one of the store's, without handles.
    ///
    /// # Safety
    /// `entity` is the header of a live entity whose kind says what it is, allocated as [`Store::drop_entity`] frees it.
    pub(super) unsafe fn adopt<T: Record>(&self, entity: *mut EntityHeader, record: *const T) -> Result<Handle<T>> {
        // SAFETY: passed on to the caller.
        if let Err(error) = unsafe { self.enroll(std::iter::once(entity)) } {
            // SAFETY: the entity was just made and nobody else knows it.
            unsafe { self.drop_entity(entity) };
            return Err(error);
        }
        // SAFETY: `record` lies in the entity; the store is entered by everyone who makes entities.
        Ok(unsafe { Handle::retain(record) })
    }

    /// Makes several entities the store's, without handles. They are not if there is no memory for that, nor while a collection
    /// looks at those there are, which only a tracing function of the host can bring about.
    ///
    /// # Safety
    /// As [`Store::adopt`], of each.
    pub(super) unsafe fn enroll(&self, enrolled: impl Iterator<Item = *mut EntityHeader> + Clone) -> Result<()> {
        let Ok(mut entities) = self.entities.try_borrow_mut() else {
            return Err(Error::new(ErrorKind::Busy, "a tracing function has called the library during a collection"));
        };
        os::reserve::check()?;
        let count = enrolled.clone().count();
        if entities.len() + count >= u32::MAX as usize || entities.try_reserve(count).is_err() {
            return Err(Error::out_of_memory("out of memory for another object in the store"));
        }
        for entity in enrolled {
            // SAFETY: live by the caller's promise.
            unsafe { (*entity).position.set(entities.len() as u32) };
            entities.push(entity);
        }
        Ok(())
    }

    /// Runs the finalizers that wait, unless a function of the library is at work, which runs them when it is done. They may
    /// call any `*_delete`, so nothing is borrowed meanwhile.
    #[inline]
    pub(super) fn run_finalizers(&self) {
        self.finalizers.run();
    }

    fn is_collection_due(&self) -> bool {
        self.pacing.due(self.entities.borrow().len(), self.traced_envs.get() != 0)
    }

    /// Collects if that may be done now, and should be.
    pub(super) fn collect_if_due(&self) {
        if self.pending_free.borrow().is_empty() && self.is_collection_due() {
            self.find_dead();
        }
        if !self.pending_free.borrow().is_empty() {
            self.free_pending(FREES_AT_ONCE);
        }
    }

    /// Makes sure that the next `count` externref boxes can be made without a collection in between.
    #[inline]
    pub fn reserve_boxes(&self, count: usize) -> Result<()> {
        if count == 0 || !cfg!(feature = "stress") && self.heap.borrow_mut().has_room(count) {
            return Ok(());
        }
        self.reserve_boxes_by_collecting(count)
    }

    #[cold]
    fn reserve_boxes_by_collecting(&self, count: usize) -> Result<()> {
        self.find_dead();
        self.heap.borrow_mut().reserve(count)
    }

    /// Makes a box for an object: an externref. The caller has reserved it and marked the object as escaped.
    #[inline]
    pub(super) fn box_object(&self, object: *mut ObjectHeader) -> Result<u32> {
        self.heap.borrow_mut().alloc(object)
    }

    /// The object in an externref's box, or null.
    #[inline]
    pub(super) fn unbox(&self, reference: u32) -> *mut ObjectHeader {
        self.heap.borrow().get(reference)
    }
}

impl Entered<'_> {
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Runs `body`, which may run code of the host: there, finalizers run whenever a function of the library returns. The
    /// caller relies on nothing that only a handle of the host's keeps alive.
    #[inline]
    pub(super) fn call_out<R>(&self, body: impl FnOnce() -> R) -> R {
        let held = self.store.finalizers.hold(false);
        let result = body();
        self.store.finalizers.hold(held);
        result
    }

    /// Leaves without running finalizers, which may collect: references that nothing keeps alive yet are on their way into
    /// WebAssembly.
    pub(super) fn leave_with_references(self) {
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
