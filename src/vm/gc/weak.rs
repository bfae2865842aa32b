//! Weak references of the host: they give the object that they refer to as long as that is alive, and do not keep it.
//!
//! Each is an entity of its own. One to an object of the heap has the reference, which names the object until it is freed, as nothing
//! moves; one to another object has the pointer to its record. A collection clears those to what it has not reached, before
//! anything of that is finalized, and an entity that is freed otherwise clears those to it.

use super::reference::HeapObject;
use crate::abi::{ObjectHeader, ObjectKind};
use crate::types::{Error, Result};
use crate::vm::store::entity::{EntityHeader, Handle, Record, owner_of, store_of};
use crate::vm::store::kinds::Entity;
use crate::vm::store::{Entered, Store};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ptr::null_mut;

/// A weak reference.
#[repr(C)]
pub struct Weak {
    header: EntityHeader,
    target: Cell<Target>,
}

#[derive(Copy, Clone, Debug)]
enum Target {
    Gone,
    /// An object of the heap, or an i31.
    Object(u32),
    Record(*mut ObjectHeader),
}

/// The weak references of a store that are to be cleared when what they refer to dies.
#[derive(Debug, Default)]
pub struct WeakTable {
    objects: HashSet<*const Weak>,
    /// By the entity that the record lies in.
    records: HashMap<*const EntityHeader, Vec<*const Weak>>,
}

// SAFETY: `repr(C)`, and the header with kind `Weak` is first.
unsafe impl Record for Weak {
    const KIND: ObjectKind = ObjectKind::Weak;
}

// SAFETY: as above.
unsafe impl Entity for Weak {
    const KIND: ObjectKind = ObjectKind::Weak;

    unsafe fn free(store: &Store, this: *mut Weak) {
        // SAFETY: boxed by `Weak::new`; nothing refers to it but the table.
        let weak = unsafe { Box::from_raw(this) };
        let mut table = store.gc.weak.borrow_mut();
        match weak.target.get() {
            Target::Gone => {}
            Target::Object(_) => {
                table.objects.remove(&this.cast_const());
            }
            Target::Record(record) => {
                // SAFETY: a record that a weak reference has is live: its entity clears those to it when it is freed.
                let owner = unsafe { owner_of(record) };
                if let Some(all) = table.records.get_mut(&owner.cast_const()) {
                    all.retain(|&other| !std::ptr::eq(other, this));
                    if all.is_empty() {
                        table.records.remove(&owner.cast_const());
                    }
                }
            }
        }
    }
}

impl Weak {
    /// Makes a weak reference to an object of a store, which is entered.
    ///
    /// # Safety
    /// `object` is live, by a handle of the caller's.
    pub unsafe fn new(entered: &Entered<'_>, object: *mut ObjectHeader) -> Result<Handle<Weak>> {
        let store = entered.store();
        // SAFETY: live by the caller's promise.
        if !std::ptr::eq(unsafe { store_of(object) }, store) {
            return Err(Error::argument("the object belongs to another store"));
        }
        // SAFETY: as above.
        let target = match unsafe { (*object).kind } {
            // SAFETY: an object of this kind is a `HeapObject`.
            ObjectKind::HeapObject => Target::Object(unsafe { (*object.cast::<HeapObject>()).bits() }),
            _ => Target::Record(object),
        };
        let mut table = store.gc.weak.borrow_mut();
        if table.objects.try_reserve(1).is_err() || table.records.try_reserve(1).is_err() {
            return Err(Error::out_of_memory("out of memory for another weak reference"));
        }
        drop(table);
        let header = EntityHeader::new(ObjectKind::Weak, store);
        let weak = Box::into_raw(Box::new(Weak { header, target: Cell::new(Target::Gone) }));
        // SAFETY: just boxed, and the header is first.
        let handle = unsafe { store.adopt(weak.cast(), weak) }?;
        handle.target.set(target);
        let mut table = store.gc.weak.borrow_mut();
        match target {
            Target::Record(record) => {
                // SAFETY: live by the caller's promise.
                let owner = unsafe { owner_of(record) };
                table.records.entry(owner).or_default().push(weak);
            }
            Target::Object(_) => {
                table.objects.insert(weak);
            }
            Target::Gone => {}
        }
        Ok(handle)
    }

    /// The object that it refers to, of which the caller makes a handle before anything else happens; null if that is gone.
    pub fn target(&self, entered: &Entered<'_>) -> Result<*mut ObjectHeader> {
        match self.target.get() {
            Target::Gone => Ok(null_mut()),
            Target::Object(reference) => entered.store().object_of(reference),
            Target::Record(record) => {
                // SAFETY: a record that a weak reference has is live: its entity clears those to it when it is freed.
                let owner = unsafe { owner_of(record) };
                // SAFETY: the owner of a live record is live.
                let is_dead = unsafe { (*owner).pending_free.get() };
                Ok(if is_dead { null_mut() } else { record })
            }
        }
    }
}

impl Store {
    /// Clears the weak references to objects of the heap that are not marked, and, `with_records`, those to entities that are not.
    pub(super) fn clear_weak(&self, with_records: bool) {
        let heap = self.gc.heap.borrow();
        let mut table = self.gc.weak.borrow_mut();
        table.objects.retain(|&weak| {
            // SAFETY: weak references in the table are live.
            let target = unsafe { &(*weak).target };
            match target.get() {
                Target::Object(reference) if reference & 1 != 0 || heap.is_marked(reference) => true,
                _ => {
                    target.set(Target::Gone);
                    false
                }
            }
        });
        if with_records {
            table.records.retain(|&entity, all| {
                // SAFETY: entities in the table are live.
                let marked = unsafe { (*entity).marked.get() };
                if !marked {
                    clear(all);
                }
                marked
            });
        }
    }

    /// Clears the weak references to the records of an entity that is about to be freed.
    #[inline]
    pub(in crate::vm) fn clear_weak_to(&self, entity: *const EntityHeader) {
        let Some(gc) = self.gc.get() else { return };
        let mut table = gc.weak.borrow_mut();
        if !table.records.is_empty()
            && let Some(all) = table.records.remove(&entity)
        {
            clear(&all);
        }
    }
}

fn clear(all: &[*const Weak]) {
    for &weak in all {
        // SAFETY: weak references in the table are live.
        unsafe { (*weak).target.set(Target::Gone) };
    }
}
