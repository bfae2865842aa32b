//! The store's garbage-collected heap: what a 32-bit reference in compiled code is a distance into (`src/abi/heap.rs`).
//!
//! One reservation, of all that 32 bits reach and what follows:
//!
//! ```text
//! - 32 MiB  cards of lines (`src/abi/heap.rs`), in descending order
//! 0         nothing: a null reference faults here
//! 4 KiB     boxes of the host's objects (`boxes.rs`)
//! 256 MiB   blocks of structures and arrays (`space.rs`)
//! 4 GiB     nothing: the offset of a field, or an element, leads here at most
//! + 1 MiB   for each box the pointer to its object: no reference reaches it
//! ```
//!
//! Nothing moves. A collection marks what is reached, with a bit for each object and a number for each line; lines that have another number
//! are free. A young collection unmarks nothing ("sticky mark bits": Demers, Weiser, Hayes, Boehm, Bobrow and
//! Shenker, "Combining Generational and Conservative Garbage Collection", 1990): it only looks at what was allocated since, from the
//! roots and from marked objects that were written to, which a write barrier notes.

use super::boxes::{Boxes, Swept};
use super::space::Space;
use crate::abi::{
    ARRAY_LENGTH, HEAP_HEADER, LINE_SHIFT, NULL_AREA, ObjectHeader, Shape, TYPE_SHIFT, VMHeap, VMTypeRecord, array_size,
};
use crate::os::map::{HOST_PAGE, Reservation, address_space_limited};
use crate::types::{Error, Result};
use crate::vm::types;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::Arc;

/// Where the parts of a heap begin and end.
#[derive(Copy, Clone, Debug)]
struct Plan {
    boxes_end: usize,
    blocks_end: usize,
    objects: usize,
}

impl Plan {
    /// All that 32 bits can reach.
    const LARGE: Plan = Plan { boxes_end: 256 << 20, blocks_end: 1 << 32, objects: (1 << 32) + (1 << 20) };
    /// What is reserved where address space is limited. A corrupted reference can leave it.
    const SMALL: Plan = Plan { boxes_end: 16 << 20, blocks_end: 96 << 20, objects: 97 << 20 };

    /// How long what lies below the heap is: a card for each line.
    fn cards(self) -> usize {
        self.blocks_end >> LINE_SHIFT
    }

    fn length(self) -> usize {
        self.cards() + self.objects + self.boxes_end
    }
}

/// A part of the heap, by distances from its start.
#[derive(Copy, Clone, Debug)]
pub struct Area {
    base: *mut u8,
    end: usize,
    /// How far the start of the heap is from that of its reservation.
    below: usize,
}

impl Default for Area {
    fn default() -> Area {
        Area { base: null_mut(), end: 0, below: 0 }
    }
}

impl Area {
    pub fn end(self) -> usize {
        self.end
    }

    /// The same up to another end, which is not larger.
    pub fn up_to(self, end: usize) -> Area {
        debug_assert!(end <= self.end);
        Area { end, ..self }
    }

    /// Where something lies.
    #[inline]
    pub fn at(self, offset: usize) -> *mut u8 {
        debug_assert!(offset < self.end);
        self.base.wrapping_add(offset)
    }

    /// The cards of so many lines from `line` on: the last one's is first.
    pub fn cards(self, line: usize, count: usize) -> *mut u8 {
        debug_assert!(line + count <= self.below);
        self.base.wrapping_sub(line + count)
    }

    /// Makes a part readable and writable.
    pub fn commit(self, start: usize, length: usize, memory: &Reservation) -> Result<()> {
        memory.commit(self.below + start, length)
    }

    /// Makes the cards of so many lines from `line` on readable and writable, and those that share pages with them.
    pub fn commit_cards(self, line: usize, count: usize, memory: &Reservation) -> Result<()> {
        let start = (self.below - line - count) / HOST_PAGE * HOST_PAGE;
        memory.commit(start, (self.below - line).next_multiple_of(HOST_PAGE) - start)
    }

    /// Gives the memory of a part back, which nothing refers to; where that fails, it stays.
    pub fn give_back(self, start: usize, length: usize, memory: &Reservation) {
        // SAFETY: nothing refers to it, says the caller.
        let _ = unsafe { memory.reset(self.below + start, length) };
    }
}

/// The heap of a store. Reserves nothing until its first use.
#[derive(Debug)]
pub struct GcHeap {
    reservation: Option<(Arc<Reservation>, Plan)>,
    boxes: Boxes,
    space: Space,
    /// The number of the last marking from scratch, or of the one that is going on: from 1 to 3. With three of them, lines that one has
    /// marked that was given up are not taken for those of the next.
    epoch: u32,
}

impl Default for GcHeap {
    fn default() -> GcHeap {
        GcHeap { reservation: None, boxes: Boxes::default(), space: Space::default(), epoch: 1 }
    }
}

impl GcHeap {
    /// Whether the next `boxes` boxes can be allocated without a collection being due before. If not, the caller collects, then
    /// reserves.
    #[inline]
    pub fn has_room(&mut self, boxes: usize) -> bool {
        !self.boxes.wants_collection() && self.reserve(boxes).is_ok()
    }

    /// Makes sure that the next `boxes` boxes can be allocated.
    #[inline]
    pub fn reserve(&mut self, boxes: usize) -> Result<()> {
        if self.boxes.has_memory(boxes) { Ok(()) } else { self.reserve_boxes(boxes) }
    }

    #[cold]
    fn reserve_boxes(&mut self, boxes: usize) -> Result<()> {
        let (memory, plan) = self.reserved()?;
        let boxes_area = self.area().up_to(plan.boxes_end);
        let objects = Area { base: boxes_area.base.wrapping_add(plan.objects), ..boxes_area };
        let commit = |start: usize, length| {
            boxes_area.commit(start, length, &memory)?;
            boxes_area.commit(plan.objects + start, length, &memory)
        };
        self.boxes.commit_for(boxes, boxes_area, objects, commit)
    }

    /// Reserves the heap if that was not done before.
    fn reserved(&mut self) -> Result<(Arc<Reservation>, Plan)> {
        if let Some((space, plan)) = &self.reservation {
            return Ok((space.clone(), *plan));
        }
        let plans = if address_space_limited() { &[Plan::SMALL][..] } else { &[Plan::LARGE, Plan::SMALL] };
        let mut error = Error::out_of_memory("no address space for the heap of a store");
        for &plan in plans {
            match Reservation::new(plan.length()) {
                Ok(space) => {
                    let reserved = (Arc::new(space), plan);
                    self.reservation = Some(reserved.clone());
                    return Ok(reserved);
                }
                Err(refused) => error = refused,
            }
        }
        Err(error)
    }

    /// Where the heap lies; at null before anything is reserved.
    #[inline]
    fn area(&self) -> Area {
        self.reservation.as_ref().map_or(Area::default(), |(memory, plan)| Area {
            base: memory.base().as_ptr().wrapping_add(plan.cards()),
            end: plan.blocks_end,
            below: plan.cards(),
        })
    }

    /// Where the heap begins.
    #[inline]
    fn base(&self) -> *mut u8 {
        self.area().base
    }

    /// Makes the heap known to compiled code that has references.
    pub fn prepare(&mut self, context: &mut VMHeap) -> Result<()> {
        if context.base.is_null() {
            let (_, plan) = self.reserved()?;
            self.space.lie_in(self.area(), plan.boxes_end);
            context.type_records = types::records()?;
            context.base = self.base();
        }
        Ok(())
    }

    /// Allocates an object of `size` bytes, a multiple of 8, and writes its header. `None` if there is no room.
    pub fn allocate(&mut self, context: &mut VMHeap, header: [u32; 2], size: u32) -> Option<u32> {
        let (space, _) = self.reservation.as_ref()?;
        let reference = self.space.allocate(context, size, space)?;
        let object: *mut [u32; 2] = self.base().wrapping_add(reference as usize).cast();
        // SAFETY: allocated just now.
        unsafe { object.write(header) };
        Some(reference)
    }

    /// A reference to `object`, never 0: see [`Boxes::of`].
    #[inline]
    pub fn box_of(&mut self, object: *mut ObjectHeader) -> Result<u32> {
        self.boxes.of(object)
    }

    /// A reference to `object`, unless there is none and a collection is due before one is made.
    #[inline]
    pub fn box_at_once(&mut self, object: *mut ObjectHeader) -> Option<u32> {
        if let Some(known) = self.boxes.known(object) {
            return Some(known);
        }
        // Where each box costs a collection, so does this one.
        if cfg!(feature = "stress") { None } else { self.box_with_room(object) }
    }

    #[inline(never)]
    fn box_with_room(&mut self, object: *mut ObjectHeader) -> Option<u32> {
        if self.has_room(1) { self.boxes.of(object).ok() } else { None }
    }

    /// The object that `reference` names, if it is a box; else null.
    #[inline]
    pub fn get(&self, reference: u32) -> *mut ObjectHeader {
        self.boxes.get(reference)
    }

    /// The first word of the header of a structure or array; `None` for what is no reference to one.
    pub fn header(&self, reference: u32) -> Option<u32> {
        // SAFETY: a block's.
        self.space.holds(reference).then(|| unsafe { self.at::<u32>(reference).read() })
    }

    /// Asks for an object's header to be fetched into the cache.
    #[inline]
    pub fn prefetch(&self, reference: u32) {
        crate::arch::prefetch(self.at(reference));
    }

    /// Something in an object.
    #[inline]
    pub fn at<T>(&self, offset: u32) -> *mut T {
        self.base().wrapping_add(offset as usize).cast()
    }

    /// The record of a structure's or array's type.
    ///
    /// # Safety
    /// `header` is the first word of the header of an object of this heap.
    pub unsafe fn record<'a>(header: u32) -> Option<&'a VMTypeRecord> {
        let number = header >> TYPE_SHIFT;
        let record = types::records().ok()?.wrapping_add(number as usize);
        // SAFETY: an object's type is registered, so that its record is there.
        Some(unsafe { &*record })
    }

    /// Where references lie in a structure or array.
    ///
    /// # Safety
    /// As [`GcHeap::record`].
    pub unsafe fn shape<'a>(header: u32) -> Option<&'a Shape> {
        // SAFETY: passed on to the caller.
        let shape = unsafe { GcHeap::record(header) }?.shape;
        // SAFETY: the shape of a type is there as long as it is registered.
        unsafe { shape.as_ref() }
    }

    /// Begins to mark from scratch: nothing is marked.
    pub fn begin_marking(&mut self) {
        self.epoch = self.epoch % 3 + 1;
        self.space.unmark();
    }

    /// Takes back what compiled code was given to allocate from, before what is free is found.
    pub fn retire(&mut self, context: &mut VMHeap) {
        self.space.retire(context);
    }

    /// Notes, as compiled code does, that references are written to a range of places in an object.
    pub fn note_writes(&mut self, object: u32, places: Range<u64>) {
        let lines = places.start >> LINE_SHIFT..places.end.div_ceil(1 << LINE_SHIFT);
        for line in std::iter::once(u64::from(object) >> LINE_SHIFT).chain(lines) {
            // SAFETY: committed with the object.
            unsafe { self.area().cards(line as usize, 1).write(1) };
        }
    }

    /// The marked objects that were written to, and elements of large arrays, since they were last asked for or since nothing was marked.
    pub fn take_written(&mut self, mut object: impl FnMut(u32), mut elements: impl FnMut(u32, Range<u32>)) {
        let area = self.area();
        // SAFETY: in the header of a large object.
        let read = |place: u32| unsafe { area.at(place as usize).cast::<u32>().read() };
        let mut large = Vec::new();
        self.space.take_written(&mut object, |start, places| {
            // SAFETY: the header of an object.
            match unsafe { GcHeap::shape(read(start)) } {
                Some(Shape::Array { shift: 2, .. }) => {
                    let length = read(start + ARRAY_LENGTH as u32);
                    // Of 32 bits, as they are distances within the heap.
                    let element = |place: u64| (place.saturating_sub((start + HEAP_HEADER).into()) / 4) as u32;
                    elements(start, element(places.start)..element(places.end).min(length));
                }
                Some(Shape::Struct { .. }) => large.push(start),
                Some(Shape::Array { .. }) | None => {}
            }
        });
        large.into_iter().for_each(object);
    }

    /// Marks a box. The object it names if it was not marked before, which is then to be traced; else null.
    pub fn mark_box(&mut self, reference: u32) -> *mut ObjectHeader {
        self.boxes.mark(reference, self.epoch)
    }

    /// Marks a structure or array; whether it was not marked before, so that it is to be traced. `None` for what is none.
    #[inline]
    pub fn mark_object(&mut self, reference: u32) -> Option<bool> {
        self.space.mark(reference)
    }

    /// Keeps what a marked object takes from being used for others. Its header.
    pub fn keep(&mut self, reference: u32) -> Option<u32> {
        let header = self.header(reference)?;
        let size = self.size(reference, header);
        self.space.mark_lines(reference, size, self.epoch as u8);
        Some(header)
    }

    /// Whether a structure or array is marked.
    pub fn is_marked(&self, reference: u32) -> bool {
        self.space.is_marked(reference)
    }

    /// The size of an object, by its header.
    fn size(&self, reference: u32, header: u32) -> u32 {
        // SAFETY: the header of an object.
        match unsafe { GcHeap::shape(header) } {
            Some(Shape::Struct { size, .. }) => *size,
            Some(Shape::Array { shift, .. }) => {
                // SAFETY: the length of an array of this heap.
                let length = unsafe { self.at::<u32>(reference + ARRAY_LENGTH as u32).read() };
                array_size(length, *shift).unwrap_or(0)
            }
            None => 0,
        }
    }

    /// Frees what is not marked.
    pub fn sweep(&mut self) -> Swept {
        self.space.sweep(self.epoch as u8);
        self.boxes.sweep(self.epoch)
    }

    /// Gives memory back that is free and more than is likely to be used soon.
    pub fn release_memory(&mut self) {
        if let Some((memory, _)) = &self.reservation {
            self.space.release(self.space.live() / 2 + KEPT_FREE, memory);
        }
    }

    #[cfg(test)]
    pub fn is_reserved(&self) -> bool {
        self.reservation.is_some()
    }

    /// Whether so many boxes were made since the last collection that another is due.
    pub fn wants_collection_of_boxes(&self) -> bool {
        self.boxes.wants_collection()
    }

    pub fn space(&self) -> &Space {
        &self.space
    }

    /// How many bytes of structures and arrays there can be.
    pub fn capacity(&self) -> usize {
        let plan = self.reservation.as_ref().map_or(Plan::LARGE, |(_, plan)| *plan);
        self.space.limit_of(plan.blocks_end - plan.boxes_end)
    }

    /// Sets how many bytes of structures and arrays there can be, with what is free between them.
    pub fn limit_to(&mut self, bytes: usize) {
        self.space.limit_to(bytes);
    }
}

/// So many bytes of free blocks are kept in any case.
const KEPT_FREE: usize = 8 << 20;

const _: () = assert!(NULL_AREA as usize == HOST_PAGE);
