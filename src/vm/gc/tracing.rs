//! Marks structures and arrays: what those that are marked already refer to.
//!
//! What lies outside of the heap, entities behind boxes and functions and tags in the store's tables, is only listed here: marking
//! may be interrupted, and what an entity refers to changes meanwhile without a barrier.

use super::heap::GcHeap;
use super::places::Places;
use crate::abi::{ARRAY_LENGTH, Content, HEAP_HEADER, Shape, TYPE_SHIFT, VMFuncRef, VMTag, heap_bits};
use std::ops::Range;

/// So many elements of an array are read at a time.
const STEP: u32 = 512;
/// So many objects are fetched into the cache before they are looked at (Cher, Hosking and Vitek, "Software Prefetching for Mark-Sweep
/// Garbage Collection", 2004).
const AHEAD: usize = 16;

/// The parts of a store that marking reads and marks.
pub struct Parts<'a> {
    pub heap: &'a mut GcHeap,
    pub funcs: &'a mut Places<VMFuncRef>,
    pub tags: &'a mut Places<VMTag>,
}

/// Structures and arrays that are marked and whose references are still to be followed, and what was found outside of the heap.
#[derive(Debug, Default)]
pub struct Tracing {
    objects: Vec<u32>,
    /// Elements of arrays.
    elements: Vec<(u32, Range<u32>)>,
    /// Boxes, functions and tags that were marked, the latter by their places.
    pub boxes: Vec<u32>,
    pub funcs: Vec<u32>,
    pub tags: Vec<u32>,
    /// The types of objects whose references were read, as bits by number.
    types: Vec<u64>,
    /// Only what is new is marked: functions and tags are not.
    young: bool,
}

impl Tracing {
    /// Of what was allocated since the last collection.
    pub fn of_young() -> Tracing {
        Tracing { young: true, ..Tracing::default() }
    }

    /// Whether nothing is left to be read.
    pub fn is_done(&self) -> bool {
        self.objects.is_empty() && self.elements.is_empty()
    }

    /// Whether an object was of the type of this number.
    pub fn is_used(&self, number: u32) -> bool {
        self.types.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Marks what a reference refers to. If it is an object that was not marked, its references are to be followed.
    #[inline]
    pub fn mark(&mut self, heap: &mut GcHeap, reference: u32) {
        if reference == 0 || reference & 1 != 0 {
            return;
        }
        match heap.mark_object(reference) {
            Some(true) => self.objects.push(reference),
            Some(false) => {}
            None if !heap.mark_box(reference).is_null() => self.boxes.push(reference),
            None => {}
        }
    }

    /// What was written to in marked objects is to be read again.
    pub fn take_written(&mut self, heap: &mut GcHeap) {
        let (objects, elements) = (&mut self.objects, &mut self.elements);
        heap.take_written(|object| objects.push(object), |array, range| elements.push((array, range)));
    }

    /// Follows references until none are left or so many things were looked at; how many of those are left.
    pub fn run(&mut self, parts: &mut Parts<'_>, mut budget: usize) -> usize {
        while budget > 0 && !self.is_done() {
            let mut work = self.trace_objects(parts, budget);
            if let Some((array, range)) = self.elements.pop() {
                work += self.trace_elements(parts, array, range);
            }
            budget = budget.saturating_sub(work);
        }
        budget
    }

    /// Follows the references of objects until none are left or so many things were looked at; how many were. Each object is fetched some
    /// time before it is read.
    fn trace_objects(&mut self, parts: &mut Parts<'_>, budget: usize) -> usize {
        let mut ahead = [0; AHEAD];
        let (mut next, mut waiting, mut work) = (0, 0, 0);
        loop {
            let fetched = if work < budget { self.objects.pop() } else { None };
            if let Some(object) = fetched {
                parts.heap.prefetch(object);
                waiting += 1;
            } else if waiting == 0 {
                return work;
            }
            let object = std::mem::replace(&mut ahead[next], fetched.unwrap_or(0));
            next = (next + 1) % AHEAD;
            if object != 0 {
                waiting -= 1;
                work += self.trace(parts, object);
            }
        }
    }

    /// Reads the references of an object; how many things that were.
    fn trace(&mut self, parts: &mut Parts<'_>, object: u32) -> usize {
        let Some(header) = parts.heap.keep(object) else { return 1 };
        if !self.young {
            self.note_type(header >> TYPE_SHIFT);
        }
        if header & heap_bits::EXCEPTION != 0 && !self.young {
            // SAFETY: the first field of an exception.
            let place = unsafe { parts.heap.at::<u32>(object + HEAP_HEADER).read() };
            if parts.tags.mark(place) {
                self.tags.push(place);
            }
        }
        // SAFETY: the header of an object.
        match unsafe { GcHeap::shape(header) } {
            Some(Shape::Struct { references, funcs, .. }) => {
                for &offset in references {
                    self.mark_place(parts, object + offset, Content::References);
                }
                for &offset in funcs {
                    self.mark_place(parts, object + offset, Content::Funcs);
                }
                1 + references.len() + funcs.len()
            }
            None | Some(Shape::Array { content: Content::Numbers, .. }) => 1,
            Some(Shape::Array { .. }) => {
                // SAFETY: the length of an array.
                let length = unsafe { parts.heap.at::<u32>(object + ARRAY_LENGTH as u32).read() };
                self.trace_elements(parts, object, 0..length)
            }
        }
    }

    /// Reads some elements of an array, and leaves the others for later.
    fn trace_elements(&mut self, parts: &mut Parts<'_>, array: u32, range: Range<u32>) -> usize {
        let next = range.end.min(range.start.saturating_add(STEP));
        if next < range.end {
            self.elements.push((array, next..range.end));
        }
        let Some(header) = parts.heap.header(array) else { return 1 };
        // SAFETY: the header of an object.
        let Some(&Shape::Array { content, shift: 2 }) = (unsafe { GcHeap::shape(header) }) else { return 1 };
        for index in range.start..next {
            self.mark_place(parts, array + HEAP_HEADER + index * 4, content);
        }
        1 + (next - range.start) as usize
    }

    /// Marks what a field or element refers to.
    #[inline]
    fn mark_place(&mut self, parts: &mut Parts<'_>, place: u32, content: Content) {
        // SAFETY: within an object of the heap.
        let bits = unsafe { parts.heap.at::<u32>(place).read() };
        match content {
            Content::References => self.mark(parts.heap, bits),
            Content::Funcs if !self.young && parts.funcs.mark(bits) => self.funcs.push(bits),
            Content::Funcs | Content::Numbers => {}
        }
    }

    fn note_type(&mut self, number: u32) {
        let word = number as usize / 64;
        if self.types.len() <= word {
            self.types.resize(word + 1, 0);
        }
        self.types[word] |= 1 << (number % 64);
    }
}
