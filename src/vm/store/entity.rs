//! What every object of a store has in common: a header with its handle count, and the rules of identity.
//!
//! An *entity* is an allocation with a lifetime: an instance, a host function, a memory, a table, a global made by the
//! host, a module handle, a trap or a foreign object. A *record* is a thing with an identity inside an entity: the
//! entity itself, a function of an instance ([`VMFuncRef`](crate::abi::VMFuncRef)), a global of an instance.
//! Every reference handle of the C API is a pointer to a record's [`ObjectHeader`], so `copy` is a count and `same` is
//! pointer equality.
//!
//! Handles are what the host holds, nothing else. What tables, globals, imports and frames hold is found by the
//! collector (`src/vm/gc/collect.rs`), so cycles are no special case.
//!
//! Nearly all handles are made and given back on the store's owner thread, where counting them takes no atomic operation: `counted` is
//! that thread's, and `copied` rises when another thread copies a handle. Handles given back elsewhere are queued for the owner thread
//! (`src/vm/store/owner.rs`), which takes them off `counted`; so that may be negative, and only the sum says how many there are. The sum
//! that the owner thread sees is never zero while there is one: a copy is made of a handle that is counted, and handing a copy over to
//! the owner thread orders the rise of `copied` before it is given back.

use crate::abi::{ObjectHeader, ObjectKind};
use crate::vm::store::Store;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first field of every entity.
#[repr(C)]
pub struct EntityHeader {
    /// `owner_offset` is 0; `kind` tells which struct this is the header of (`Func` and `Global`: the host's).
    pub object: ObjectHeader,
    /// Handles made by the store's owner thread, less those given back: see the top of this file.
    counted: Cell<isize>,
    /// Copies made by other threads; and all handles, if there is no store.
    copied: AtomicUsize,
    /// The store it belongs to; null for a trap made without one.
    pub store: *const Store,
    /// Set once something other than a host handle may refer to this entity: from then on only the collector frees it.
    pub escaped: Cell<bool>,
    /// During a collection: how many of the handles are owned by other entities of the store.
    pub owned_by_entities: Cell<u32>,
    /// The collector's mark.
    pub marked: Cell<bool>,
    /// Whether it waits in the store's list of entities to free when no wasm runs.
    pub deferred: Cell<bool>,
    /// Set when it is about to be freed together with others: its instance may take it along.
    pub pending_free: Cell<bool>,
    /// Its position among the store's entities.
    pub position: Cell<u32>,
    /// Frees it if it has no store, which only a trap may lack.
    pub free_detached: Option<unsafe fn(*mut EntityHeader)>,
}

impl ObjectHeader {
    /// The header of a record that lies `owner_offset` bytes into its entity.
    pub fn new(kind: ObjectKind, owner_offset: usize) -> ObjectHeader {
        debug_assert!(u32::try_from(owner_offset).is_ok());
        ObjectHeader { kind, has_host_info: false, reserved: 0, owner_offset: owner_offset as u32 }
    }
}

impl EntityHeader {
    /// A header without handles that is not yet among the store's entities.
    pub fn new(kind: ObjectKind, store: *const Store) -> EntityHeader {
        EntityHeader {
            object: ObjectHeader::new(kind, 0),
            counted: Cell::new(0),
            copied: AtomicUsize::new(0),
            store,
            escaped: Cell::new(false),
            owned_by_entities: Cell::new(0),
            marked: Cell::new(false),
            deferred: Cell::new(false),
            pending_free: Cell::new(false),
            position: Cell::new(u32::MAX),
            free_detached: None,
        }
    }

    /// How many handles of its records the host holds, for the owner thread.
    pub fn handles(&self) -> usize {
        self.copied.load(Ordering::Relaxed).wrapping_add_signed(self.counted.get())
    }
}

/// The entity a record lies in.
///
/// # Safety
/// `object` points to a live record.
#[inline]
pub unsafe fn owner_of(object: *const ObjectHeader) -> *mut EntityHeader {
    // SAFETY: live by the caller's promise.
    let offset = unsafe { (*object).owner_offset };
    // The start of its allocation, by the invariant of `ObjectHeader`.
    object.wrapping_byte_sub(offset as usize).cast_mut().cast()
}

/// The store of a record, null for a trap without one.
///
/// # Safety
/// `object` points to a live record.
#[inline]
pub unsafe fn store_of(object: *const ObjectHeader) -> *const Store {
    // SAFETY: passed on to the caller.
    let owner = unsafe { owner_of(object) };
    // SAFETY: the owner of a live record is live.
    unsafe { (*owner).store }
}

/// Adds a handle.
///
/// # Safety
/// `object` points to a live record of a store; this is its owner thread, inside the store.
#[inline]
pub unsafe fn retain(object: *const ObjectHeader) {
    // SAFETY: passed on to the caller.
    let owner = unsafe { owner_of(object) };
    // SAFETY: the owner of a live record is live.
    let owner = unsafe { &*owner };
    let first = owner.handles() == 0;
    owner.counted.set(owner.counted.get() + 1);
    if first {
        // SAFETY: an entity is freed before its store.
        unsafe { (*owner.store).add_ref() };
    }
}

/// Adds a handle of each object that is not null. Counts are written once for neighbours that are of one entity, as most of an instance's are.
///
/// # Safety
/// As [`retain`], of each.
pub unsafe fn retain_all<T>(objects: &[*mut T]) {
    let mut rest = objects.iter().filter(|object| !object.is_null()).map(|object| {
        let object: *mut ObjectHeader = object.cast();
        // SAFETY: live by the caller's promise.
        (object, unsafe { owner_of(object) })
    });
    let mut next = rest.next();
    while let Some((first, owner)) = next {
        let mut others = 0;
        next = loop {
            match rest.next() {
                Some((_, same)) if std::ptr::eq(same, owner) => others += 1,
                other => break other,
            }
        };
        // SAFETY: passed on to the caller.
        unsafe { retain(first) };
        // SAFETY: the owner of a live record is live.
        let counted = unsafe { &(*owner).counted };
        counted.set(counted.get().wrapping_add_unsigned(others));
    }
}

/// Adds a handle to an object that has one, on any thread.
///
/// # Safety
/// `object` points to a live record, of which there is a handle.
pub unsafe fn copy(object: *const ObjectHeader) {
    // SAFETY: passed on to the caller.
    let owner = unsafe { owner_of(object) };
    // SAFETY: the owner of a live record is live.
    let owner = unsafe { &*owner };
    // SAFETY: a handle keeps its store alive.
    let store = unsafe { owner.store.as_ref() };
    let count = || owner.counted.set(owner.counted.get() + 1);
    if !store.is_some_and(|store| store.briefly_inside(count)) {
        owner.copied.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives a handle back, on any thread.
///
/// # Safety
/// `object` points to a live record and the caller owns one of its handles, which is gone afterwards.
pub unsafe fn release(object: *const ObjectHeader) {
    // SAFETY: passed on to the caller.
    let owner = unsafe { owner_of(object) };
    // SAFETY: the owner of a live record is live.
    let store = unsafe { (*owner).store };
    if store.is_null() {
        // SAFETY: only traps lack a store, and the caller owned this handle.
        unsafe { release_detached(owner) };
    } else {
        // SAFETY: a handle keeps its store alive.
        unsafe { Store::release_handle(store, owner) };
    }
}

/// Takes some from the count; true if they were the last.
///
/// # Safety
/// `entity` is live; this is the owner thread, inside the store.
#[inline]
pub(in crate::vm) unsafe fn drop_counts(entity: *mut EntityHeader, some: usize) -> bool {
    // SAFETY: passed on to the caller. What other threads did with their handles happened before they queued them.
    let entity = unsafe { &*entity };
    entity.counted.set(entity.counted.get().wrapping_sub_unsigned(some));
    entity.handles() == 0
}

/// Takes one from the count unless that is the last one; true if it did.
///
/// # Safety
/// As [`drop_counts`].
#[inline]
pub(in crate::vm) unsafe fn drop_count_unless_last(entity: *mut EntityHeader) -> bool {
    // SAFETY: passed on to the caller.
    let entity = unsafe { &*entity };
    let others = entity.handles() > 1;
    if others {
        entity.counted.set(entity.counted.get() - 1);
    }
    others
}

/// # Safety
/// `entity` is a trap without a store and the caller owns one of its handles.
unsafe fn release_detached(entity: *mut EntityHeader) {
    // SAFETY: passed on to the caller. AcqRel: what other threads did with their handles happens before the free.
    if unsafe { (*entity).copied.fetch_sub(1, Ordering::AcqRel) } == 1 {
        // SAFETY: live until now.
        if let Some(free) = unsafe { (*entity).free_detached } {
            // SAFETY: the entity is what the function was made for, and nobody has a handle.
            unsafe { free(entity) };
        }
    }
}

/// A type whose values are the target of handles: a record.
///
/// # Safety
/// The type is `repr(C)` and starts with an `ObjectHeader` (or an `EntityHeader`) whose kind is `KIND`.
pub unsafe trait Record {
    const KIND: ObjectKind;
}

/// An owned handle: what a `wasm_*_t*` of a reference type is.
pub struct Handle<T: Record>(*mut T);

impl<T: Record> Handle<T> {
    /// Makes a new handle.
    ///
    /// # Safety
    /// As [`retain`].
    pub unsafe fn retain(record: *const T) -> Handle<T> {
        // SAFETY: passed on to the caller.
        unsafe { retain(record.cast()) };
        Handle(record.cast_mut())
    }

    /// Makes the first handle of a record without a store.
    ///
    /// # Safety
    /// `record` is live and nobody else knows it.
    pub unsafe fn detached(record: *const T) -> Handle<T> {
        // SAFETY: passed on to the caller.
        unsafe { copy(record.cast()) };
        Handle(record.cast_mut())
    }

    /// Takes over a handle the caller owns.
    ///
    /// # Safety
    /// `record` is live and the caller owns one of its handles.
    pub unsafe fn from_raw(record: *mut T) -> Handle<T> {
        Handle(record)
    }

    /// Leaves the handle to the caller.
    pub fn into_raw(self) -> *mut T {
        let record = self.0;
        std::mem::forget(self);
        record
    }

    pub fn as_ptr(&self) -> *mut T {
        self.0
    }
}

impl<T: Record> std::ops::Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: a handle keeps its record alive; records change only through cells and raw pointers.
        unsafe { &*self.0 }
    }
}

impl<T: Record> std::fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:p}", T::KIND, self.0)
    }
}

impl<T: Record> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        // SAFETY: this handle keeps the record alive.
        unsafe { copy(self.0.cast()) };
        Handle(self.0)
    }
}

impl<T: Record> Drop for Handle<T> {
    fn drop(&mut self) {
        // SAFETY: `self` owned one handle.
        unsafe { release(self.0.cast()) }
    }
}
