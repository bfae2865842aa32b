//! Stores: everything that runs on one thread at a time, and the lifetime of what belongs to it.
//!
//! A store lives as long as its own handle or a handle of any of its entities does. `refs` counts the store's handle and
//! each entity that has handles; when it is zero and nothing of the store runs, everything is freed.
//!
//! Entities are freed by one of three: at once, when the last handle goes and nothing else can refer to them
//! (`lifetime.rs`); by the collector (`src/vm/gc/collect.rs`); with the store.

mod activations;
pub mod entity;
mod entry;
mod host_info;
pub mod kinds;
pub mod lifetime;
mod owner;
mod pending_free;
mod release;

use crate::abi::{Activation, LibcallTable, ObjectHeader, PendingTrap, VMHeap, VMResume, VMStoreContext};
use crate::arch::StoreLayout;
use crate::os;
use crate::types::{Error, ErrorKind, Result};
use crate::vm::engine::Engine;
use crate::vm::gc::{HeapState, Lazily};
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use activations::Records;
pub(in crate::vm) use activations::{Lending, NoStack};
use entry::Before;
pub use entry::Entered;
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
    /// The heap, and what the collector knows of it.
    pub(super) gc: Lazily<HeapState>,
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
        capture_trap_frames: unsafe extern "C" fn(*mut VMStoreContext) -> u32,
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
            resume_at: VMResume::NOWHERE,
            heap: VMHeap::NONE,
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
            gc: Lazily::default(),
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
        let live = || self.gc.get().map_or(0, |gc| gc.heap.borrow().space().live());
        self.pacing.due(self.entities.borrow().len(), self.traced_envs.get() != 0, live)
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
        if count == 0 || !cfg!(feature = "stress") && self.gc.heap.borrow_mut().has_room(count) {
            return Ok(());
        }
        self.reserve_boxes_by_collecting(count)
    }

    /// A box for an object, if there is one or it takes no collection to make one.
    #[inline]
    pub(super) fn box_at_once(&self, object: *mut ObjectHeader) -> Option<u32> {
        self.gc.heap.try_borrow_mut().ok()?.box_at_once(object)
    }

    #[cold]
    fn reserve_boxes_by_collecting(&self, count: usize) -> Result<()> {
        self.collect_for_boxes();
        if self.gc.heap.borrow_mut().reserve(count).is_err() {
            self.find_dead();
        }
        self.gc.heap.borrow_mut().reserve(count)
    }

    /// Makes a box for an object: an externref. The caller has reserved it and marked the object as escaped.
    #[inline]
    pub(super) fn box_object(&self, object: *mut ObjectHeader) -> Result<u32> {
        self.gc.heap.borrow_mut().box_of(object)
    }
}
