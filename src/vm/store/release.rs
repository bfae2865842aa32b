//! Giving handles back: on the owner thread at once, on others through the owner's queue.

use crate::abi::ObjectHeader;
use crate::arch;
use crate::vm::store::entity::{self, EntityHeader};
use crate::vm::store::owner::Released;
use crate::vm::store::{Entered, Store};

impl Store {
    /// Gives back a handle of an entity, on any thread.
    ///
    /// # Safety
    /// `store` is the entity's store and the caller owns the handle.
    pub(super) unsafe fn release_handle(store: *const Store, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { Self::release_any(store, Released::Entity(entity)) }
    }

    /// Gives back handles of entities, most of them of one store, on any thread.
    ///
    /// # Safety
    /// The objects are null or live, and the caller owns a handle of each.
    pub unsafe fn release_handles<'a, T>(objects: &'a [*mut T]) {
        let mut inside: Option<Entered<'a>> = None;
        let mut current: *const Store = std::ptr::null();
        let mut objects = objects.iter().map(|object| object.cast_const().cast::<ObjectHeader>()).peekable();
        while let Some(object) = objects.next() {
            if object.is_null() {
                continue;
            }
            // SAFETY: live by the caller's promise.
            let entity = unsafe { entity::owner_of(object) };
            // Neighbours are often of one entity, an instance. Nothing but its own handle keeps an object alive, so each is looked at before
            // any of them is given back.
            let mut handles = 1;
            let is_same = |next: &*const ObjectHeader| {
                // SAFETY: as above.
                !next.is_null() && std::ptr::eq(unsafe { entity::owner_of(*next) }, entity)
            };
            while objects.next_if(is_same).is_some() {
                handles += 1;
            }
            // SAFETY: as above.
            let store = unsafe { (*entity).store };
            if !std::ptr::eq(current, store) {
                current = store;
                // SAFETY: the handle that is given back keeps the store alive, and the guard does from then on.
                inside = unsafe { store.as_ref() }.and_then(Store::enter_if_owner);
            }
            match &inside {
                // SAFETY: the owner thread, inside, and the caller owned the handle.
                Some(inside) => unsafe { inside.store.release_here(entity, handles) },
                None => {
                    for _ in 0..handles {
                        // SAFETY: passed on to the caller.
                        unsafe { entity::release(object) };
                    }
                }
            }
        }
    }

    /// Gives back the store's own handle, on any thread.
    ///
    /// # Safety
    /// The caller owns the store's handle.
    pub unsafe fn delete(store: *mut Store) {
        // SAFETY: passed on to the caller.
        unsafe { Self::release_any(store, Released::Store) }
    }

    /// # Safety
    /// The caller owns what is released.
    pub(super) unsafe fn release_any(store: *const Store, released: Released) {
        // SAFETY: the handle that is given back keeps the store alive until it is processed.
        let this = unsafe { &*store };
        let sp = arch::stack_pointer();
        let level = match this.owner.try_enter() {
            None => None,
            Some(0) => Some(0),
            // SAFETY: passed on to the caller; this thread is inside.
            Some(_) if unsafe { this.release_another(released) } => return,
            Some(depth) => Some(this.enter_again(depth, sp)),
        };
        if let Some(level) = level {
            // SAFETY: owner, inside, and the caller owned the handle.
            unsafe { this.process(released) };
            // SAFETY: this matches the entry above; `this` is not used afterwards.
            unsafe { Self::leave_after_finalizers(store, level) };
        } else {
            this.owner.pin();
            let entered = if this.owner.queue(released) { this.migrate_here(sp).ok() } else { None };
            this.owner.unpin();
            if let Some(level) = entered {
                this.drain();
                // SAFETY: this matches the entry above.
                unsafe { Self::leave(store, level) };
            }
        }
    }

    /// Gives a handle of an entity back that has others, from within an entry: nothing is freed, so that it need not be known whether
    /// that entry was left by a jump. False, and nothing is done, where that is not so.
    ///
    /// # Safety
    /// This thread is inside, and the caller owns what is released.
    #[inline]
    pub(super) unsafe fn release_another(&self, released: Released) -> bool {
        let Released::Entity(entity) = released else { return false };
        // SAFETY: the caller owns a handle, so the entity is live.
        !self.is_orphaned() && unsafe { entity::drop_count_unless_last(entity) }
    }

    /// Gives back a handle of an object that has others, as [`Store::release_another`] does. False for objects of other stores, too.
    ///
    /// # Safety
    /// This thread is inside, and the caller owns the handle.
    #[inline(always)]
    pub(in crate::vm) unsafe fn give_back_another(&self, object: *const ObjectHeader) -> bool {
        // SAFETY: the caller owns a handle, so the object is live.
        let entity = unsafe { entity::owner_of(object) };
        // SAFETY: as above.
        let ours = std::ptr::eq(unsafe { (*entity).store }, self);
        // SAFETY: passed on to the caller.
        ours && unsafe { self.release_another(Released::Entity(entity)) }
    }

    /// Processes the queue of other threads.
    #[cold]
    pub(super) fn drain(&self) {
        for released in self.owner.take_queue() {
            // SAFETY: queued handles are owned by the queue; the store is entered by the callers of this function.
            unsafe { self.process(released) };
        }
    }

    /// # Safety
    /// The store is entered and the caller owns what is released.
    pub(super) unsafe fn process(&self, released: Released) {
        match released {
            Released::Store => {
                self.owner.orphaned.store(true, std::sync::atomic::Ordering::SeqCst);
                self.owner.flags.attention.set(true);
                // Whatever is held now, the first collection is due.
                self.pacing.set_roots(0);
                self.pacing.released(1);
                self.drop_ref();
            }
            // SAFETY: passed on to the caller.
            Released::Entity(entity) => unsafe { self.release_here(entity, 1) },
        }
    }

    /// Gives back handles of an entity of this store.
    ///
    /// # Safety
    /// The store is entered and the caller owns so many handles.
    #[inline(always)]
    pub(super) unsafe fn release_here(&self, entity: *mut EntityHeader, handles: usize) {
        // SAFETY: the caller owned a handle, so the entity is live.
        if unsafe { entity::drop_counts(entity, handles) } {
            // SAFETY: live, and this was its last handle.
            unsafe { self.released_last(entity) };
        }
        if self.is_orphaned() {
            self.pacing.released(handles);
            self.owner.flags.attention.set(true);
        }
    }

    /// # Safety
    /// The store is entered; `entity` is live and has just lost its last handle.
    pub(super) unsafe fn released_last(&self, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { self.lost_last_handle(entity) };
        self.drop_ref();
    }
}
