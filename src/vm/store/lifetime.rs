//! When entities are freed. This is the one place that decides it; what differs between kinds is asked of their
//! [`Entity`](super::kinds::Entity).
//!
//! - The host holds handles. What else may refer to an entity (tables, globals, imports, externrefs, frames) is not counted: an entity
//!   of which that may be so has *escaped* ([`mark_escaped`]), for good, and only the collector frees it (`src/vm/gc`).
//! - An entity that has not escaped is freed with its last handle. While WebAssembly runs, a frame may be using it: then the decision is
//!   deferred until the outermost entry ends, or a collection finds it dead before.
//! - An instance and the tables and memories that it defines stand together: a handle of any of them keeps the instance, whose code may
//!   use them, and they are freed with it, or, if they have escaped or have handles at that moment, after it.
//! - A collection frees what its roots do not reach: the entities that have handles, other than those that environments
//!   of host functions say they own, and what frames on the stack use.
//! - A store that nothing has a handle of, and that does not run, is freed with all its entities.
//!
//! Each way ends in [`Store::free_entity`], or for many at once in `pending_free.rs`.

use crate::abi::ObjectHeader;
use crate::vm::store::Store;
use crate::vm::store::entity::{EntityHeader, owner_of};
use crate::vm::store::kinds::EntityKind;

impl Store {
    /// What is known of the kind of an entity.
    pub(in crate::vm) fn kind_of(&self, header: &EntityHeader) -> &'static EntityKind {
        &self.kinds[header.object.kind as usize]
    }

    /// The instance that defines an entity and still lives; `None` for all but tables and memories of instances.
    ///
    /// # Safety
    /// `header` is that of a live entity of the store, and the reference is used only while that is so.
    pub(super) unsafe fn definer_of<'a>(&self, header: &EntityHeader) -> Option<&'a EntityHeader> {
        // SAFETY: the header of a live entity of this kind.
        let definer = unsafe { (self.kind_of(header).definer)(header) };
        // SAFETY: an instance tells its tables and memories when it is freed, so a definer is live, or null.
        unsafe { definer.as_ref() }
    }

    /// Decides what happens to an entity that has lost its last handle.
    ///
    /// # Safety
    /// The store is entered; `entity` is live and has no handles.
    pub(super) unsafe fn lost_last_handle(&self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        if header.escaped.get() {
            self.pacing.lost();
        // SAFETY: live by the caller's promise.
        } else if self.pacing.collecting() || self.wasm_runs() && unsafe { self.may_be_running(header) } {
            // A frame on the stack may be the entity's. Decide when nothing runs any more, or let the collector find it.
            if !header.deferred.replace(true) {
                let count = self.deferred.borrow().len();
                self.deferred.borrow_mut().push(entity);
                // Many of them may mean that what runs was left long ago.
                if count >= 64 && count.is_power_of_two() && self.wasm_runs() {
                    self.look_for_dead_activations();
                }
                self.owner.flags.attention.set(true);
                self.pacing.lost();
            }
        } else {
            // SAFETY: live by the caller's promise.
            let definer = unsafe { self.definer_of(header) };
            let kept_by_host = definer.is_some_and(|instance| instance.handles() != 0);
            // SAFETY: passed on.
            if !kept_by_host && !unsafe { self.free_if_unreachable(entity) } {
                self.pacing.lost();
            }
        }
    }

    /// Frees an entity without handles that never escaped, if nothing refers to it; false if something may.
    ///
    /// # Safety
    /// The store is entered, no wasm of it runs; `entity` is live.
    unsafe fn free_if_unreachable(&self, entity: *mut EntityHeader) -> bool {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        // What is pending has left the store already: its turn comes.
        if header.handles() != 0 || header.escaped.get() || header.pending_free.get() {
            return false;
        }
        // SAFETY: live by the caller's promise.
        if let Some(instance) = unsafe { self.definer_of(header) } {
            // The handle of the instance's own table or memory may have been the last that kept it.
            // SAFETY: a definer is live.
            return unsafe { self.free_if_unreachable(std::ptr::from_ref(instance).cast_mut()) };
        }
        let mut parts_held = false;
        // SAFETY: the header of a live entity of this kind, as are those of its parts.
        let mut look = |part: *mut EntityHeader| parts_held |= unsafe { (*part).handles() } != 0;
        // SAFETY: as above.
        unsafe { (self.kind_of(header).for_each_part)(header, &mut look) };
        if parts_held {
            return false;
        }
        // SAFETY: nothing refers to the entity any more.
        unsafe { self.free_entity(entity) };
        true
    }

    /// Whether a frame on the stack can be using an entity that never escaped, or the instance that defines it.
    ///
    /// # Safety
    /// `header` is that of a live entity of the store.
    unsafe fn may_be_running(&self, header: &EntityHeader) -> bool {
        // SAFETY: passed on to the caller.
        self.kind_of(header).may_run || unsafe { self.definer_of(header) }.is_some()
    }

    /// Frees what lost its last handle while wasm ran.
    pub(super) fn free_deferred(&self) {
        loop {
            let Some(entity) = self.deferred.borrow_mut().pop() else { return };
            // SAFETY: entities leave the list when they are freed, so this one is live.
            unsafe { (*entity).deferred.set(false) };
            // SAFETY: as above; the store is entered for the last time, so nothing runs.
            unsafe { self.free_if_unreachable(entity) };
        }
    }

    /// Takes an entity out of the store and frees it. Its finalizers are queued; [`Store::run_finalizers`] runs them.
    /// What it alone owned follows without recursion.
    ///
    /// # Safety
    /// The store is entered; nothing refers to `entity` any more.
    pub(in crate::vm) unsafe fn free_entity(&self, entity: *mut EntityHeader) {
        self.free_list.borrow_mut().push(entity);
        if self.freeing.replace(true) {
            return;
        }
        loop {
            let Some(entity) = self.free_list.borrow_mut().pop() else { break };
            // SAFETY: passed on; everything in the list is unreachable.
            unsafe { self.unlink(entity) };
            // SAFETY: as above.
            unsafe { self.drop_entity(entity) };
        }
        self.freeing.set(false);
    }

    /// # Safety
    /// `entity` is live and one of the store's.
    pub(super) unsafe fn unlink(&self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        let position = header.position.get() as usize;
        let mut entities = self.entities.borrow_mut();
        entities.swap_remove(position);
        if let Some(&moved) = entities.get(position) {
            // SAFETY: entities in the list are live.
            unsafe { (*moved).position.set(position as u32) };
        }
        drop(entities);
        if header.deferred.get() {
            self.deferred.borrow_mut().retain(|&other| !std::ptr::eq(other, entity));
        }
    }

    /// Frees an entity's allocation and queues its finalizers.
    ///
    /// # Safety
    /// `entity` is live, not among the store's entities, and nothing refers to it.
    pub(super) unsafe fn drop_entity(&self, entity: *mut EntityHeader) {
        self.drop_host_info(entity);
        // SAFETY: live by the caller's promise.
        let kind = self.kind_of(unsafe { &*entity });
        // SAFETY: the header of an entity of this kind, which nothing refers to.
        unsafe { (kind.free)(self, entity) };
    }

    /// Frees every entity of a store that nobody has a handle of.
    pub(super) fn free_everything(&self) {
        self.free_pending(usize::MAX);
        self.pacing.set_collecting(true);
        loop {
            let all = self.entities.borrow().clone();
            if all.is_empty() {
                break;
            }
            // SAFETY: without handles and without running code, nothing outside the list refers to anything in it.
            unsafe { self.schedule_free(all) };
            self.free_pending(usize::MAX);
            self.run_finalizers();
        }
    }

    /// Takes an entity that dies with its instance out of the store: what it was made of is the instance's.
    ///
    /// # Safety
    /// `entity` is live and one of the store's, and nothing but its instance refers to it.
    pub(in crate::vm) unsafe fn take_out(&self, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { self.unlink(entity) };
        self.drop_host_info(entity);
    }
}

/// Whether an entity that an instance defines is freed with it.
///
/// # Safety
/// `entity` is live, and so is the instance that defines it, which is about to be freed.
pub(in crate::vm) unsafe fn dies_with_its_definer(entity: *const EntityHeader) -> bool {
    // SAFETY: live by the caller's promise.
    let header = unsafe { &*entity };
    header.pending_free.get() || header.handles() == 0 && !header.escaped.get()
}

/// Records that something other than a handle of the host may refer to the object from now on.
///
/// # Safety
/// `object` is live; this is the owner thread, inside the store.
#[inline]
pub unsafe fn mark_escaped(object: *const ObjectHeader) {
    // SAFETY: live by the caller's promise.
    let owner = unsafe { owner_of(object) };
    // SAFETY: the owner of a live record is live.
    let header = unsafe { &*owner };
    if !header.escaped.get() {
        escape(header);
    }
}

/// [`mark_escaped`] for the first time.
#[cold]
fn escape(header: &EntityHeader) {
    header.escaped.set(true);
    // SAFETY: a store outlives its entities; a trap without one is never referred to (`val::check_ref`).
    if let Some(store) = unsafe { header.store.as_ref() } {
        // SAFETY: the header of a live entity of this kind.
        unsafe { (store.kind_of(header).escape)(header) };
    }
}
