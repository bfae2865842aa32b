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

use std::cell::Cell;

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
    pub(super) fn due(&self, live: usize, traced_envs: bool, heap: usize) -> bool {
        let survivors = self.survivors.get();
        let due = self.lost.get() > MIN_CANDIDATES + survivors / 4 + heap / SIZE_OF_ENTITY
            || traced_envs && live > 2 * (survivors + MIN_CANDIDATES)
            || self.again.get()
            || cfg!(feature = "stress");
        due && !self.collecting.get()
    }

    /// Notes that a handle was given back to a store whose own handle is gone.
    pub(super) fn released(&self) {
        self.released.set(self.released.get() + 1);
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
