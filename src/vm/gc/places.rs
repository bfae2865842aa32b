//! The functions and tags that objects of the heap refer to: a field has a place in a table, not a pointer.

use crate::abi::{VMFuncRef, VMTag};
use std::ptr::null_mut;

/// A record that has a place in such a table, or none.
pub trait Placed {
    /// The place; 0 for none.
    fn place(&mut self) -> &mut u32;
}

impl Placed for VMFuncRef {
    fn place(&mut self) -> &mut u32 {
        &mut self.heap_index
    }
}

impl Placed for VMTag {
    fn place(&mut self) -> &mut u32 {
        &mut self.heap_index
    }
}

/// A table. A record has at most one place, which it names itself.
#[derive(Debug)]
pub struct Places<T> {
    /// The first is null, for null references.
    records: Vec<*mut T>,
    free: Vec<u32>,
    /// Which places a collection has reached.
    marked: Vec<bool>,
}

impl<T> Default for Places<T> {
    fn default() -> Places<T> {
        Places { records: Vec::new(), free: Vec::new(), marked: Vec::new() }
    }
}

impl<T: Placed> Places<T> {
    /// Makes the place of null, if there is nothing yet.
    pub fn prepare(&mut self) {
        if self.records.is_empty() {
            self.records.push(null_mut());
        }
    }

    /// All places, which lie there until another is made.
    pub fn all(&self) -> &[*mut T] {
        &self.records
    }

    /// The place of a record, which it gets if it has none; `None` if there is no memory for one.
    ///
    /// # Safety
    /// `record` is live, and of the store that has this table.
    pub unsafe fn place(&mut self, record: *mut T) -> Option<u32> {
        // SAFETY: live by the caller's promise.
        let known = unsafe { (*record).place() };
        if *known != 0 {
            return Some(*known);
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.prepare();
                self.records.try_reserve(1).ok()?;
                self.records.push(null_mut());
                u32::try_from(self.records.len() - 1).ok()?
            }
        };
        self.records[place as usize] = record;
        *known = place;
        Some(place)
    }

    /// What is at a place; null where there is nothing.
    pub fn get(&self, place: u32) -> *mut T {
        self.records.get(place as usize).copied().unwrap_or(null_mut())
    }

    pub fn begin_marking(&mut self) {
        self.marked.clear();
        self.marked.resize(self.records.len(), false);
    }

    /// Marks a place; what is there if it was not marked before, else null.
    pub fn mark(&mut self, place: u32) -> *mut T {
        let was_marked = self.marked.get_mut(place as usize).is_none_or(|marked| std::mem::replace(marked, true));
        if was_marked { null_mut() } else { self.get(place) }
    }

    /// Takes records out that are not marked. They are live still, whether anything else has reached them or not.
    pub fn sweep(&mut self) {
        for (place, record) in self.records.iter_mut().enumerate() {
            if !record.is_null() && !self.marked[place] {
                // SAFETY: records are freed after the collection that does not reach them, and such a one has been here before.
                *unsafe { (**record).place() } = 0;
                *record = null_mut();
                self.free.push(place as u32);
            }
        }
    }
}
