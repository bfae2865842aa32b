//! What handles of the host to objects of the heap point to: an entity for each object that the host has a handle of, or has attached host
//! info to. So there is one pointer for each object, whichever way the host came to it.
//!
//! The entity is a name of the object: with a handle it is a root that keeps the object, without one it goes, unless there is host
//! info, which lives as long as the object.

use crate::abi::{ObjectHeader, ObjectKind};
use crate::types::{Error, HeapType, RefType, Result};
use crate::vm::store::Store;
use crate::vm::store::entity::{EntityHeader, Record};
use crate::vm::store::kinds::{Entity, Tracer};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The names of a heap's objects, by reference.
pub type Names = HashMap<u32, *mut HeapObject, BuildHasherDefault<ReferenceHasher>>;

/// Hashes references: the table of names is asked for each that crosses the boundary. A guest that makes many of them collide slows
/// its own crossings down, and no others.
#[derive(Default)]
pub struct ReferenceHasher(u64);

impl Hasher for ReferenceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn write_u32(&mut self, reference: u32) {
        // By the golden ratio; the best bits in the middle go to the ends, which the table uses.
        let product = (self.0 ^ u64::from(reference)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product.rotate_left(32);
    }
}

/// The name of an object of the heap, or of an i31.
#[repr(C)]
pub struct HeapObject {
    header: EntityHeader,
    /// The reference, as compiled code has it.
    bits: u32,
}

// SAFETY: `repr(C)`, and the header with kind `HeapObject` is first.
unsafe impl Record for HeapObject {
    const KIND: ObjectKind = ObjectKind::HeapObject;
}

// SAFETY: as above.
unsafe impl Entity for HeapObject {
    const KIND: ObjectKind = ObjectKind::HeapObject;
    const IS_NAME: bool = true;

    fn trace(&self, tracer: &mut dyn Tracer) {
        tracer.reference(RefType { nullable: true, heap: HeapType::Any }, self.bits.into());
    }

    unsafe fn free(store: &Store, this: *mut HeapObject) {
        // SAFETY: boxed by `name_of`; nothing refers to it.
        let object = unsafe { Box::from_raw(this) };
        let mut names = store.gc.names.borrow_mut();
        // Of an object that a collection has not reached, the name was taken out then: something else may lie there now.
        if names.get(&object.bits).is_some_and(|&name| std::ptr::eq(name, this)) {
            names.remove(&object.bits);
        }
    }
}

impl HeapObject {
    pub fn bits(&self) -> u32 {
        self.bits
    }
}

impl Store {
    /// The object of the host that a reference names: what is in its box, or the name of an object of the heap. Null for null.
    #[inline]
    pub(in crate::vm) fn object_of(&self, reference: u32) -> Result<*mut ObjectHeader> {
        let boxed = self.gc.heap.borrow().get(reference);
        if !boxed.is_null() || reference == 0 { Ok(boxed) } else { self.name_of(reference) }
    }

    /// The name of an object of the heap or an i31, made if there is none; null for what is no reference.
    #[inline(never)]
    fn name_of(&self, reference: u32) -> Result<*mut ObjectHeader> {
        if let Some(&name) = self.gc.names.borrow().get(&reference) {
            return Ok(name.cast());
        }
        let header = self.gc.heap.borrow().header(reference);
        if header.is_none() && reference & 1 == 0 {
            return Ok(std::ptr::null_mut());
        }
        if self.gc.names.borrow_mut().try_reserve(1).is_err() {
            return Err(Error::out_of_memory("out of memory for another handle of an object"));
        }
        let header_of_name = EntityHeader::new(ObjectKind::HeapObject, self);
        let name = Box::into_raw(Box::new(HeapObject { header: header_of_name, bits: reference }));
        // SAFETY: just boxed, and the header is first.
        if let Err(error) = unsafe { self.enroll(std::iter::once(name.cast())) } {
            // SAFETY: nobody else knows it.
            drop(unsafe { Box::from_raw(name) });
            return Err(error);
        }
        self.gc.names.borrow_mut().insert(reference, name);
        Ok(name.cast())
    }

    /// Marks the names that have host info of objects that are marked: it is kept as long as the object.
    pub(super) fn keep_names_with_host_info(&self) {
        let heap = self.gc.heap.borrow();
        for (&reference, &name) in self.gc.names.borrow().iter() {
            // SAFETY: names in the table are live.
            let header = unsafe { &(*name).header };
            if header.object.has_host_info && heap.is_marked(reference) {
                header.marked.set(true);
            }
        }
    }

    /// Takes out the names that a collection has not reached, before what they are names of is freed.
    pub(super) fn forget_unmarked_names(&self) {
        // SAFETY: names in the table are live.
        self.gc.names.borrow_mut().retain(|_, name| unsafe { (**name).header.marked.get() });
    }

    /// Takes out the names of objects that are not marked, which the host has no handles of, and leaves them to be freed.
    pub(super) fn forget_names_of_dead_objects(&self) {
        let heap = self.gc.heap.borrow();
        let is_dead = |reference: &u32, _: &mut *mut HeapObject| reference & 1 == 0 && !heap.is_marked(*reference);
        let gone: Vec<_> = self.gc.names.borrow_mut().extract_if(is_dead).map(|(_, name)| name.cast()).collect();
        drop(heap);
        if !gone.is_empty() {
            // SAFETY: nothing but the table referred to them, and each was in it once.
            unsafe { self.schedule_free(gone) };
        }
    }
}
