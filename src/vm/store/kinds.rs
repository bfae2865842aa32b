//! What a store has to know of each kind of entity, and the table of it that a store is given when it is made (`src/vm/kinds.rs`).
//! So no file of the store names a kind.

use crate::abi::{ObjectHeader, ObjectKind};
use crate::types::RefType;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;
use std::ptr::null_mut;

/// A kind of entity.
///
/// # Safety
/// The type is `repr(C)` and starts with an [`EntityHeader`], whose kind is `KIND`.
pub unsafe trait Entity: Sized {
    const KIND: ObjectKind;

    /// Whether a frame on the stack can be using an entity that the host has no handle of and that nothing refers to.
    const MAY_RUN: bool = false;

    /// Whether the entity is only a name of something that lives on without it, so that host info has to keep it.
    const IS_NAME: bool = false;

    /// Tells the collector what the entity refers to.
    fn trace(&self, _tracer: &mut dyn Tracer) {}

    /// Visits the records that the entity itself owns handles of, as often as it owns one. Such a handle is no root: it counts if
    /// the entity is reached, so `trace` names the record too.
    fn owned_handles(&self, _visit: &mut dyn FnMut(*mut ObjectHeader)) {}

    /// Called once: from now on something other than a handle of the host may refer to the entity.
    fn escape(&self) {}

    /// The instance that defines the entity, a table or memory, while that instance lives; null for all else.
    fn definer(&self) -> *mut EntityHeader {
        null_mut()
    }

    /// Visits the tables and memories that the entity, an instance, defines.
    fn for_each_part(&self, _visit: &mut dyn FnMut(*mut EntityHeader)) {}

    /// Frees the entity, and queues the finalizers that are its own. The store's host info of it is gone already.
    ///
    /// # Safety
    /// The store is entered; `this` is live and was made as this function frees it, is not among the store's entities, and nothing
    /// refers to it.
    unsafe fn free(_store: &Store, this: *mut Self) {
        // SAFETY: passed on to the caller.
        drop(unsafe { Box::from_raw(this) });
    }
}

/// What a collection is told references to.
pub trait Tracer {
    /// A reference to an object, or null.
    fn object(&mut self, object: *mut ObjectHeader);

    /// The bits of a reference of type `ty`, as tables and globals hold them.
    fn reference(&mut self, ty: RefType, bits: u64);
}

/// The functions of an [`Entity`], for code that only knows its header. Each gets that of a live entity of the kind.
pub(in crate::vm) struct EntityKind {
    pub(super) kind: ObjectKind,
    pub(super) may_run: bool,
    pub(super) is_name: bool,
    pub(in crate::vm) trace: unsafe fn(*const EntityHeader, &mut dyn Tracer),
    pub(in crate::vm) owned_handles: unsafe fn(*const EntityHeader, &mut dyn FnMut(*mut ObjectHeader)),
    pub(super) escape: unsafe fn(*const EntityHeader),
    pub(super) definer: unsafe fn(*const EntityHeader) -> *mut EntityHeader,
    pub(super) for_each_part: unsafe fn(*const EntityHeader, &mut dyn FnMut(*mut EntityHeader)),
    pub(super) free: unsafe fn(&Store, *mut EntityHeader),
}

/// All kinds, in the order of [`ObjectKind`].
pub(in crate::vm) type Kinds = [EntityKind; ObjectKind::COUNT];

impl EntityKind {
    pub(in crate::vm) const fn of<T: Entity>() -> EntityKind {
        /// # Safety
        /// `entity` is the header of a live `T`.
        unsafe fn cast<'a, T: Entity>(entity: *const EntityHeader) -> &'a T {
            // SAFETY: live, says the caller, and the header is first (`Entity`).
            unsafe { &*entity.cast::<T>() }
        }
        EntityKind {
            kind: T::KIND,
            may_run: T::MAY_RUN,
            is_name: T::IS_NAME,
            // SAFETY: whoever calls these passes the header of an entity of this kind.
            trace: |entity, tracer| unsafe { cast::<T>(entity) }.trace(tracer),
            // SAFETY: as above.
            owned_handles: |entity, visit| unsafe { cast::<T>(entity) }.owned_handles(visit),
            // SAFETY: as above.
            escape: |entity| unsafe { cast::<T>(entity) }.escape(),
            // SAFETY: as above.
            definer: |entity| unsafe { cast::<T>(entity) }.definer(),
            // SAFETY: as above.
            for_each_part: |entity, visit| unsafe { cast::<T>(entity) }.for_each_part(visit),
            // SAFETY: as above.
            free: |store, entity| unsafe { T::free(store, entity.cast()) },
        }
    }

    /// Whether each kind is where its number says.
    pub(in crate::vm) const fn are_in_order(kinds: &Kinds) -> bool {
        let mut index = 0;
        while index < kinds.len() {
            if kinds[index].kind as usize != index {
                return false;
            }
            index += 1;
        }
        true
    }
}
