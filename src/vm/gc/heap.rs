//! The store's garbage-collected heap: what a 32-bit reference in compiled code is an offset into.
//!
//! Today it holds boxes of one size: each gives a host-side object (an [`ObjectHeader`]) a 32-bit name, which is what an
//! `externref` is. As all are alike, freed ones are chained and used again; nothing is ever fragmented, so nothing moves.
//! When structs and arrays arrive, boxes stay as they are, in blocks of their own, and objects of other sizes get a space
//! that is bump-allocated by compiled code and evacuated; `reserve` then becomes the slow path of that bump.
//!
//! Sandbox: a reference comes from compiled code and may be anything, should that ever be corrupted. Each use
//! checks it against what has been handed out, so it reaches a live box or nothing; and 32 bits cannot leave the reservation.
//!
//! Invariant: every box below `bump` is live (its header has `LIVE`) or free (header 0, on the free list).

use crate::abi::ObjectHeader;
use crate::os::map::{HOST_PAGE, Reservation, address_space_limited};
use crate::types::{Error, Result};
use std::ptr::null_mut;

/// What a reference points to.
#[repr(C, align(16))]
struct ExternBox {
    /// 0 if free, else [`LIVE`] and perhaps [`MARKED`].
    header: u32,
    /// The next free box, if this is one; 0 ends the list.
    next_free: u32,
    object: *mut ObjectHeader,
}

const BOX: u32 = size_of::<ExternBox>() as u32;
const LIVE: u32 = 1;
const MARKED: u32 = 2;

const _: () = assert!(BOX == 16);

/// All that 32 bits can reach.
const RESERVATION: usize = 1 << 32;
/// What is reserved where address space is limited: four million boxes.
const SMALL_RESERVATION: usize = 64 << 20;
/// Pages are committed this many bytes at a time, or as many as are in use, up to [`LARGEST_STEP`].
const SMALLEST_STEP: usize = 16 * HOST_PAGE;
const LARGEST_STEP: usize = 16 << 20;
/// No collection is worth its while with fewer boxes allocated since the last.
const SMALLEST_TRIGGER: u32 = 4096;

/// The heap of a store. Reserves nothing until its first use.
#[derive(Debug, Default)]
pub struct GcHeap {
    space: Option<Reservation>,
    /// Bytes that are committed.
    committed: usize,
    /// Bytes that have ever been handed out; the first box is not, as 0 is null.
    bump: usize,
    first_free: u32,
    free: u32,
    live: u32,
    allocated_since_collection: u32,
    live_after_collection: u32,
}

/// What a [`GcHeap::sweep`] did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    pub freed: u32,
    pub live: u32,
}

impl GcHeap {
    pub fn new() -> GcHeap {
        GcHeap::default()
    }

    /// Whether the next `boxes` allocations succeed without a collection being due before. If not, the caller collects, then reserves.
    #[inline]
    pub fn has_room(&mut self, boxes: usize) -> bool {
        !self.wants_collection() && self.reserve(boxes).is_ok()
    }

    /// Makes sure that the next `boxes` allocations succeed.
    #[inline]
    pub fn reserve(&mut self, boxes: usize) -> Result<()> {
        let missing = boxes.saturating_sub(self.free as usize);
        let unused = self.committed.saturating_sub(self.bump.max(BOX as usize));
        if missing <= unused / BOX as usize { Ok(()) } else { self.commit_for(missing) }
    }

    /// Commits memory for so many boxes above those that have been handed out.
    #[cold]
    fn commit_for(&mut self, missing: usize) -> Result<()> {
        let full = || Error::out_of_memory(format!("the heap of references is full: {} in use", self.live));
        let start = self.bump.max(BOX as usize);
        let needed = missing.checked_mul(BOX as usize).and_then(|bytes| start.checked_add(bytes)).ok_or_else(full)?;
        if self.space.is_none() {
            let size = if address_space_limited() { SMALL_RESERVATION } else { RESERVATION };
            // Where even that is refused, less may do.
            let space = Reservation::new(size).or_else(|error| match size {
                RESERVATION => Reservation::new(SMALL_RESERVATION),
                _ => Err(error),
            })?;
            self.space = Some(space);
        }
        let Some(space) = &self.space else { return Err(full()) };
        let step = self.committed.clamp(SMALLEST_STEP, LARGEST_STEP);
        let target = needed.checked_next_multiple_of(step).ok_or_else(full)?.min(space.length());
        if needed > target {
            return Err(full());
        }
        space.commit(self.committed, target - self.committed)?;
        self.committed = target;
        Ok(())
    }

    /// A new reference to `object`, never 0. Fails only if nothing was reserved.
    ///
    /// The heap never looks at the object. Whoever does what [`GcHeap::get`] returns has kept it alive: while a box is live,
    /// the collector marks its object.
    #[inline]
    pub fn alloc(&mut self, object: *mut ObjectHeader) -> Result<u32> {
        let offset = if self.first_free != 0 {
            let offset = self.first_free;
            // SAFETY: on the free list, so below `bump`.
            self.first_free = unsafe { (*self.at(offset)).next_free };
            self.free -= 1;
            offset
        } else {
            self.reserve(1)?;
            let offset = self.bump.max(BOX as usize);
            self.bump = offset + BOX as usize;
            // Committed, so within a reservation that 32 bits reach.
            offset as u32
        };
        // SAFETY: committed, and not in use.
        unsafe { self.at(offset).write(ExternBox { header: LIVE, next_free: 0, object }) };
        self.live += 1;
        self.allocated_since_collection = self.allocated_since_collection.saturating_add(1);
        Ok(offset)
    }

    /// The object that `reference` names. Null for null, and for what is no reference to a live box.
    #[inline]
    pub fn get(&self, reference: u32) -> *mut ObjectHeader {
        // SAFETY: a live box is committed and initialized.
        self.live_box(reference).map_or(null_mut(), |live| unsafe { (*live).object })
    }

    /// Marks `reference` as reachable. The object it names if it was not marked before, which is then to be traced; else null.
    pub fn mark(&mut self, reference: u32) -> *mut ObjectHeader {
        let Some(live) = self.live_box(reference) else { return null_mut() };
        // SAFETY: below `bump`, so committed and initialized; nobody else has the heap.
        let marked = unsafe { &mut *live };
        if marked.header & MARKED != 0 {
            return null_mut();
        }
        marked.header |= MARKED;
        marked.object
    }

    /// Frees the boxes that are not marked, and unmarks the others. A box owns nothing: its object, if nothing else reaches
    /// it, is unmarked as well and is the collector's to free.
    pub fn sweep(&mut self) -> Swept {
        let mut freed = 0;
        for offset in (BOX as usize..self.bump).step_by(BOX as usize) {
            // Below `bump`, so within 32 bits.
            let reference = offset as u32;
            let current = self.at(reference);
            // SAFETY: below `bump`, so committed and initialized.
            let header = unsafe { (*current).header };
            if header & MARKED != 0 {
                // SAFETY: as above.
                unsafe { (*current).header = LIVE };
            } else if header & LIVE != 0 {
                let free = ExternBox { header: 0, next_free: self.first_free, object: null_mut() };
                // SAFETY: as above.
                unsafe { current.write(free) };
                self.first_free = reference;
                self.free += 1;
                self.live -= 1;
                freed += 1;
            }
        }
        self.allocated_since_collection = 0;
        self.live_after_collection = self.live;
        Swept { freed, live: self.live }
    }

    /// Whether as much was allocated since the last collection as survived it, so that collecting now keeps both the
    /// work for each allocation and the garbage in proportion.
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.allocated_since_collection >= self.live_after_collection.max(SMALLEST_TRIGGER)
    }

    /// Boxes in use.
    pub fn live(&self) -> u32 {
        self.live
    }

    pub fn allocated_since_collection(&self) -> u32 {
        self.allocated_since_collection
    }

    #[inline]
    fn live_box(&self, reference: u32) -> Option<*mut ExternBox> {
        // 0 is below the first box, and `bump` is 0 as long as there is no space.
        if reference < BOX || !reference.is_multiple_of(BOX) || reference as usize >= self.bump {
            return None;
        }
        let found = self.at(reference);
        // SAFETY: below `bump`, so committed and initialized.
        (unsafe { (*found).header } & LIVE != 0).then_some(found)
    }

    /// The address of the box at `offset`, which is a multiple of its size within the committed part.
    #[inline]
    fn at(&self, offset: u32) -> *mut ExternBox {
        self.space.as_ref().map_or(null_mut(), |space| {
            debug_assert!(offset as usize + BOX as usize <= self.committed);
            space.base().as_ptr().wrapping_add(offset as usize).cast()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A made-up object: the heap never looks into one.
    fn object(number: usize) -> *mut ObjectHeader {
        std::ptr::without_provenance_mut(number * 8 + 8)
    }

    fn alloc(heap: &mut GcHeap, number: usize) -> u32 {
        heap.alloc(object(number)).unwrap()
    }

    #[test]
    fn an_empty_heap_takes_nothing_and_knows_nothing() {
        let mut heap = GcHeap::new();
        assert!(heap.space.is_none());
        for reference in [0, 1, 16, 4096, u32::MAX, u32::MAX - 15] {
            assert!(heap.get(reference).is_null());
            assert!(heap.mark(reference).is_null());
        }
        assert_eq!(heap.sweep(), Swept { freed: 0, live: 0 });
        heap.reserve(0).unwrap();
        assert!(heap.space.is_none());
    }

    #[test]
    fn forged_references_reach_nothing() {
        let mut heap = GcHeap::new();
        let reference = alloc(&mut heap, 1);
        assert_eq!(reference, 16);
        assert_eq!(heap.get(reference), object(1));
        for forged in [0, 1, 8, 15, 17, 24, 32, 48, 1 << 20, !15, u32::MAX] {
            assert!(heap.get(forged).is_null());
        }
        heap.sweep();
        assert!(heap.get(reference).is_null(), "freed");
        assert_eq!(alloc(&mut heap, 2), reference, "and used again");
    }

    #[test]
    fn sweeps_what_is_unmarked_and_agrees_with_a_map() {
        let mut heap = GcHeap::new();
        let mut model = HashMap::new();
        let mut next = 0;
        let mut seed = 1u64;
        for _ in 0..20 {
            for _ in 0..3000 {
                model.insert(alloc(&mut heap, next), next);
                next += 1;
            }
            let before = model.len();
            let mut gone = Vec::new();
            model.retain(|&reference, &mut number| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let keep = seed >> 63 == 0;
                if keep {
                    assert_eq!(heap.mark(reference), object(number));
                    assert!(heap.mark(reference).is_null());
                } else {
                    gone.push(reference);
                }
                keep
            });
            let freed = (before - model.len()) as u32;
            assert_eq!(heap.sweep(), Swept { freed, live: model.len() as u32 });
            assert!(gone.iter().all(|&reference| heap.get(reference).is_null()));
            assert!(model.iter().all(|(&reference, &number)| heap.get(reference) == object(number)));
        }
        assert_eq!(heap.live() as usize, model.len());
    }

    #[test]
    fn wants_a_collection_when_garbage_may_outweigh() {
        let mut heap = GcHeap::new();
        for number in 0..SMALLEST_TRIGGER {
            assert!(!heap.wants_collection());
            alloc(&mut heap, number as usize);
        }
        assert!(heap.wants_collection());
        assert!(!heap.has_room(1));
        heap.sweep();
        assert!(!heap.wants_collection() && heap.has_room(1));
    }

    #[test]
    fn reserves_ahead_and_refuses_too_much() {
        let mut heap = GcHeap::new();
        heap.reserve(100_000).unwrap();
        let committed = heap.committed;
        for number in 0..100_000 {
            alloc(&mut heap, number);
        }
        assert_eq!(heap.committed, committed);
        assert!(heap.reserve(usize::MAX).is_err());
        assert!(heap.reserve(1 << 28).is_err());
    }
}
