//! Boxes: objects of the heap that stand for objects of the host, which is what an external reference is.
//!
//! All are alike, so freed ones are chained and used again, and nothing moves. The pointer to the host's object lies outside of what a
//! 32-bit reference can reach, in a table with a place for each box.
//!
//! Sandbox: a reference comes from compiled code and may be anything, should that ever be corrupted. Each use
//! checks it against what has been handed out, so it reaches a live box or nothing.
//!
//! Invariant: every box below `bump` is live (its first word is not 0) or free (0, on the free list).

use super::heap::Area;
use crate::abi::{EXTERN_TYPE, NULL_AREA, ObjectHeader, TYPE_SHIFT, heap_bits};
use crate::os::map::HOST_PAGE;
use crate::types::{Error, Result};
use std::ptr::null_mut;

/// A box.
#[repr(C, align(8))]
struct ExternBox {
    /// 0 if free, else as that of every object of the heap.
    header: u32,
    /// The next free box, if this is one; 0 ends the list.
    next_free: u32,
}

const BOX: u32 = size_of::<ExternBox>() as u32;
const LIVE: u32 = EXTERN_TYPE << TYPE_SHIFT | heap_bits::BOX;
/// Where the first box lies.
const FIRST: usize = NULL_AREA as usize;

const _: () = assert!(BOX as usize == size_of::<*mut ObjectHeader>());

/// Pages are committed this many bytes at a time, or as many as are in use, up to [`LARGEST_STEP`].
const SMALLEST_STEP: usize = 8 * HOST_PAGE;
const LARGEST_STEP: usize = 8 << 20;
/// No collection is worth its while with fewer boxes allocated since the last.
const SMALLEST_TRIGGER: u32 = 4096;

/// The boxes of a heap.
#[derive(Debug, Default)]
pub struct Boxes {
    /// Where boxes lie, as far as they may be accessed; empty before the first.
    boxes: Area,
    /// The pointers to the host's objects, at the same distances.
    objects: Area,
    /// Bytes from the start of the heap that have ever been handed out.
    bump: usize,
    first_free: u32,
    free: u32,
    live: u32,
    allocated_since_collection: u32,
    live_after_collection: u32,
    /// Objects and the boxes that they have got last, by [`place_of`]: the next time they cross, it is in the same. Each box is live: those
    /// that a sweep might free are forgotten before.
    last: Last,
}

/// As many boxes as are remembered.
const REMEMBERED: usize = 32;

#[derive(Debug)]
struct Last([(*mut ObjectHeader, u32); REMEMBERED]);

impl Default for Last {
    fn default() -> Last {
        Last([(null_mut(), 0); REMEMBERED])
    }
}

/// Where the box of an object is remembered.
#[inline]
fn place_of(object: *const ObjectHeader) -> usize {
    let address = object.addr();
    (address >> 4 ^ address >> 9) % REMEMBERED
}

/// What a sweep did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    pub freed: u32,
    pub live: u32,
}

impl Boxes {
    /// Whether so many can be allocated without more memory.
    #[inline]
    pub fn has_memory(&self, count: usize) -> bool {
        let missing = count.saturating_sub(self.free as usize);
        missing <= self.boxes.end().saturating_sub(self.start()) / BOX as usize
    }

    /// Where the next box lies that was never handed out.
    fn start(&self) -> usize {
        self.bump.max(FIRST)
    }

    /// Gets memory for so many boxes. `boxes` and `objects` are where they and their pointers may lie; `commit` makes a part of both, by
    /// start and length, accessible.
    #[cold]
    pub fn commit_for(
        &mut self,
        count: usize,
        boxes: Area,
        objects: Area,
        commit: impl FnOnce(usize, usize) -> Result<()>,
    ) -> Result<()> {
        let full = || Error::out_of_memory(format!("the heap of references is full: {} in use", self.live));
        let missing = count.saturating_sub(self.free as usize);
        let needed =
            missing.checked_mul(BOX as usize).and_then(|bytes| self.start().checked_add(bytes)).ok_or_else(full)?;
        let committed = self.boxes.end().max(FIRST);
        let step = committed.clamp(SMALLEST_STEP, LARGEST_STEP);
        let target = needed.checked_next_multiple_of(step).ok_or_else(full)?.min(boxes.end());
        if needed > target {
            return Err(full());
        }
        commit(committed, target - committed)?;
        self.boxes = boxes.up_to(target);
        self.objects = objects.up_to(target);
        Ok(())
    }

    /// A new reference to `object`, never 0; an error if there is no memory, which the caller has made sure of.
    ///
    /// The heap never looks at the object. Whoever does what [`Boxes::get`] returns has kept it alive: while a box is live,
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
            if !self.has_memory(1) {
                return Err(Error::out_of_memory("no memory for a reference"));
            }
            let offset = self.start();
            self.bump = offset + BOX as usize;
            // Committed, so within a reservation that 32 bits reach.
            offset as u32
        };
        // SAFETY: committed, and not in use.
        unsafe { self.at(offset).write(ExternBox { header: LIVE, next_free: 0 }) };
        // SAFETY: committed together with the box, and its alone.
        unsafe { self.object_at(offset).write(object) };
        self.live += 1;
        self.allocated_since_collection = self.allocated_since_collection.saturating_add(1);
        Ok(offset)
    }

    /// The box that an object has got last, if it is remembered.
    #[inline]
    pub fn known(&self, object: *mut ObjectHeader) -> Option<u32> {
        let (known, reference) = self.last.0[place_of(object)];
        std::ptr::eq(known, object).then_some(reference)
    }

    /// A reference to `object`, never 0: the one that it has got last, or a new one ([`Boxes::alloc`]).
    #[inline]
    pub fn of(&mut self, object: *mut ObjectHeader) -> Result<u32> {
        if let Some(known) = self.known(object) {
            return Ok(known);
        }
        let made = self.alloc(object)?;
        self.last.0[place_of(object)] = (object, made);
        Ok(made)
    }

    /// The object that `reference` names. Null for null, and for what is no reference to a live box.
    #[inline]
    pub fn get(&self, reference: u32) -> *mut ObjectHeader {
        // SAFETY: the place of a live box is committed and initialized.
        if self.live_box(reference).is_some() { unsafe { self.object_at(reference).read() } } else { null_mut() }
    }

    /// Marks `reference` as reached by the collection `epoch`. The object it names if it was not marked before; else null.
    pub fn mark(&mut self, reference: u32, epoch: u32) -> *mut ObjectHeader {
        let Some(live) = self.live_box(reference) else { return null_mut() };
        // SAFETY: below `bump`, so committed and initialized; nobody else has the heap.
        let header = unsafe { &mut (*live).header };
        if *header & heap_bits::MARK == epoch {
            return null_mut();
        }
        *header = LIVE | epoch;
        self.get(reference)
    }

    /// Frees the boxes that the collection `epoch` has not marked. A box owns nothing: its object, if nothing else reaches
    /// it, is unmarked as well and is the collector's to free.
    pub fn sweep(&mut self, epoch: u32) -> Swept {
        self.last = Last::default();
        let mut freed = 0;
        for offset in (FIRST..self.bump).step_by(BOX as usize) {
            // Below `bump`, so within 32 bits.
            let reference = offset as u32;
            let current = self.at(reference);
            // SAFETY: below `bump`, so committed and initialized.
            let header = unsafe { (*current).header };
            if header != 0 && header & heap_bits::MARK != epoch {
                // SAFETY: as above.
                unsafe { current.write(ExternBox { header: 0, next_free: self.first_free }) };
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

    /// Whether as many were allocated since the last collection as survived it, so that collecting now keeps both the
    /// work for each allocation and the garbage in proportion.
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.allocated_since_collection >= self.live_after_collection.max(SMALLEST_TRIGGER)
    }

    #[inline]
    fn live_box(&self, reference: u32) -> Option<*mut ExternBox> {
        // `bump` is 0 as long as there is none.
        if (reference as usize) < FIRST || !reference.is_multiple_of(BOX) || reference as usize >= self.bump {
            return None;
        }
        let found = self.at(reference);
        // SAFETY: below `bump`, so committed and initialized.
        (unsafe { (*found).header } != 0).then_some(found)
    }

    /// The address of the box at `offset`, a multiple of its size in the committed part.
    #[inline]
    fn at(&self, offset: u32) -> *mut ExternBox {
        self.boxes.at(offset as usize).cast()
    }

    #[inline]
    fn object_at(&self, offset: u32) -> *mut *mut ObjectHeader {
        self.objects.at(offset as usize).cast()
    }
}
