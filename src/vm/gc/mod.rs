//! The store's collector: one for the heap that externrefs live in and for instances and all other entities.

pub mod blocks;
mod boxes;
mod collect;
pub mod heap;
mod objects;
mod pace;
pub mod places;
pub mod reference;
mod space;
pub mod statistics;
#[cfg(test)]
mod tests;
pub mod tracing;
pub mod weak;
mod young;

use crate::abi::{VMFuncRef, VMTag};
use crate::types::TypeId;
use crate::vm::types::DefinedType;
use heap::GcHeap;
use places::Places;
use reference::Names;
use statistics::Statistics;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use tracing::Tracing;
use weak::WeakTable;

/// The heap of a store, and what the collector knows of it.
#[derive(Default)]
pub struct HeapState {
    pub(super) heap: RefCell<GcHeap>,
    pub(super) funcs: RefCell<Places<VMFuncRef>>,
    pub(super) tags: RefCell<Places<VMTag>>,
    /// The names of objects of the heap, by reference.
    pub(super) names: RefCell<Names>,
    /// Marking from scratch, while that goes on.
    pub(super) marking: RefCell<Option<Tracing>>,
    pub(super) pacing: HeapPacing,
    pub(super) statistics: Statistics,
    /// The types that objects of the heap may have: those of modules, by where they lie.
    pub(super) types: RefCell<BTreeMap<*const DefinedType, Arc<[DefinedType]>>>,
    /// And those of objects that the host has made, by number.
    pub(super) host_types: RefCell<BTreeMap<TypeId, DefinedType>>,
    /// The weak references of the host.
    pub(super) weak: RefCell<WeakTable>,
}

/// What is made at its first use, so that stores are small that do without.
pub struct Lazily<T>(OnceCell<Box<T>>);

impl<T> Default for Lazily<T> {
    fn default() -> Lazily<T> {
        Lazily(OnceCell::new())
    }
}

impl<T> Lazily<T> {
    /// What there is, if it has been used.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get().map(|boxed| &**boxed)
    }
}

impl<T: Default> Deref for Lazily<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        #[cold]
        fn make<T: Default>() -> Box<T> {
            Box::default()
        }
        self.0.get_or_init(make)
    }
}

/// When to collect: after entities that only the collector can free have lost their last handle, in proportion to
/// how many entities there are.
#[derive(Default)]
pub struct Pacing {
    /// Entities that have lost their last handle since the last collection and were not freed at once.
    lost: Cell<usize>,
    /// Handles given back since the last collection, once the store's own handle is gone.
    released: Cell<usize>,
    /// How many handles were held at the last collection, other than by entities of the store.
    roots: Cell<usize>,
    collecting: Cell<bool>,
    /// How many entities the last collection left.
    survivors: Cell<usize>,
    /// Whether the last collection has let go of what only the next can free.
    again: Cell<bool>,
}

/// What is known of a heap, to collect it in time (`pace.rs`).
#[derive(Debug, Default)]
pub struct HeapPacing {
    /// Bytes in use after everything was last collected, and all that had been allocated then.
    pub(super) live: Cell<usize>,
    pub(super) total: Cell<u64>,
    /// Bytes allocated before the last slice, and before the roots were last read, while marking goes on.
    pub(super) at_slice: Cell<usize>,
    pub(super) at_scan: Cell<usize>,
    pub(super) scans: Cell<u32>,
    /// How often the heap was to be collected, where that is whenever it can be.
    #[cfg(feature = "stress")]
    pub(super) turn: Cell<u32>,
}

/// So many entities with handles are looked at whenever a handle is given back, at the end of a store: some hundred microseconds.
const FEW_HELD: usize = 1024;

/// So many looks at entities are little for all handles together that are given back, at the end of a store: some ten milliseconds.
const LITTLE_WORK: usize = 1 << 20;

/// About what an entity takes, with what belongs to it.
const SIZE_OF_ENTITY: usize = 1024;

/// Never collect for fewer than this many candidates.
const MIN_CANDIDATES: usize = 128;

impl Pacing {
    pub(super) fn lost(&self) {
        self.lost.set(self.lost.get() + 1);
    }

    /// Whether a collection is worth its cost, with `live` entities in the store. With environments that say what they own, an
    /// entity may be lost without any handle being given back: then the number of entities itself is a reason. `heap` is how many bytes
    /// of structures and arrays have to be marked: entities for as much memory, or so, may wait.
    #[inline]
    pub(super) fn due(&self, live: usize, traced_envs: bool, heap: impl FnOnce() -> usize) -> bool {
        let (survivors, lost) = (self.survivors.get(), self.lost.get());
        let due = lost > MIN_CANDIDATES && lost > MIN_CANDIDATES + survivors / 4 + heap() / SIZE_OF_ENTITY
            || traced_envs && live > 2 * (survivors + MIN_CANDIDATES)
            || self.again.get()
            || cfg!(feature = "stress");
        due && !self.collecting.get()
    }

    /// Notes that handles were given back to a store whose own handle is gone.
    pub(super) fn released(&self, handles: usize) {
        self.released.set(self.released.get() + handles);
    }

    /// The same for such a store. Any handle may be the last that the host gives back, and what is left then may be held by garbage
    /// alone. So it collects whenever an eighth of the handles that were held at the last collection have been given back: the last
    /// makes it collect in any case where environments say what they own, and mostly where they do not; and however many
    /// there are, there are few collections.
    ///
    /// `held` is how many entities have handles, and `traced_envs` whether environments may have been given handles that the host held at
    /// the last collection. That is not noticed, and then any handle may be the last: few entities are looked at each time. `finalizers`
    /// says whether there are any of the host's. What they are of may own handles, of which nothing is known: if these are most of those
    /// that are held, the host has few to give back, and the last must make it collect. It does where that is little work.
    pub(super) fn due_at_the_end(&self, held: usize, traced_envs: bool, finalizers: bool) -> bool {
        let few = traced_envs && held <= FEW_HELD;
        let little = finalizers && held.saturating_mul(self.survivors.get()) <= LITTLE_WORK;
        !self.collecting.get() && (few || little || self.released.get() > self.roots.get().min(held) / 8)
    }

    /// Notes that a collection has begun, which starts to count anew.
    pub(super) fn begin(&self) {
        self.lost.set(0);
        self.released.set(0);
        self.again.set(false);
        self.collecting.set(true);
    }

    /// The next collection is due at once.
    pub(super) fn again(&self) {
        self.again.set(true);
    }

    /// Whether the last collection has let go of what only the next can free.
    pub(super) fn is_again(&self) -> bool {
        self.again.get()
    }

    /// How many handles the host holds, other than through environments that say so.
    pub(super) fn set_roots(&self, handles: usize) {
        self.roots.set(handles);
    }

    /// Notes that a collection has ended, and how many entities are left.
    pub(super) fn end(&self, survivors: usize) {
        self.survivors.set(survivors);
        self.collecting.set(false);
    }

    pub(super) fn collecting(&self) -> bool {
        self.collecting.get()
    }

    pub(super) fn set_collecting(&self, collecting: bool) {
        self.collecting.set(collecting);
    }
}
