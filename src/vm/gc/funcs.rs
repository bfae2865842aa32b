//! The functions that objects of the heap refer to: a field has a place in this table, not a pointer.

use crate::abi::{VMFuncRef, VMHeap};
use std::ptr::null_mut;

/// The table. A function has at most one place, which its record names.
#[derive(Debug, Default)]
pub struct HeapFuncs {
    /// The first is null, for null references.
    funcs: Vec<*mut VMFuncRef>,
    free: Vec<u32>,
    /// Which places a collection has reached.
    marked: Vec<bool>,
}

impl HeapFuncs {
    /// Makes the place of null, before compiled code looks at it.
    pub fn prepare(&mut self, context: &mut VMHeap) {
        if self.funcs.is_empty() {
            self.funcs.push(null_mut());
            (context.funcs, context.num_funcs) = (self.funcs.as_ptr(), 1);
        }
    }

    /// The place of a function, which it gets if it has none; `None` if there is no memory for one.
    ///
    /// # Safety
    /// `func` is live, and of the store that has this table.
    pub unsafe fn place(&mut self, context: &mut VMHeap, func: *mut VMFuncRef) -> Option<u32> {
        // SAFETY: live by the caller's promise.
        let record = unsafe { &mut *func };
        if record.heap_index != 0 {
            return Some(record.heap_index);
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.funcs.try_reserve(1).ok()?;
                self.funcs.push(null_mut());
                u32::try_from(self.funcs.len() - 1).ok()?
            }
        };
        self.funcs[place as usize] = func;
        record.heap_index = place;
        (context.funcs, context.num_funcs) = (self.funcs.as_ptr(), self.funcs.len() as u32);
        Some(place)
    }

    /// The function at a place; null where there is none.
    pub fn get(&self, place: u32) -> *mut VMFuncRef {
        self.funcs.get(place as usize).copied().unwrap_or(null_mut())
    }

    pub fn begin_marking(&mut self) {
        self.marked.clear();
        self.marked.resize(self.funcs.len(), false);
    }

    /// Marks a place; the function there if it was not marked before, else null.
    pub fn mark(&mut self, place: u32) -> *mut VMFuncRef {
        let was_marked = self.marked.get_mut(place as usize).is_none_or(|marked| std::mem::replace(marked, true));
        if was_marked { null_mut() } else { self.get(place) }
    }

    /// Takes functions out that are not marked. They are live still, whether anything else has reached them or not.
    pub fn sweep(&mut self) {
        for (place, func) in self.funcs.iter_mut().enumerate() {
            if !func.is_null() && !self.marked[place] {
                // SAFETY: functions are freed after the collection that does not reach them, and such a one has been here before.
                unsafe { (**func).heap_index = 0 };
                *func = null_mut();
                self.free.push(place as u32);
            }
        }
    }
}
