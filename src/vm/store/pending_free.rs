//! The pending-free list: entities that a collection found dead and that the store has not freed yet. It frees a few of them whenever an
//! entity is made and whenever the store is left, so that no single call waits for all. The next collection starts when the list is
//! empty.

use crate::abi::ObjectKind;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;

/// How many pending entities are freed at once, at most: some ten microseconds of work, and more than what a
/// step between two such occasions can make.
pub(super) const FREES_AT_ONCE: usize = 32;

impl Store {
    /// Takes entities out of the store that may refer to each other, but that nothing else refers to. [`Store::free_pending`] frees them.
    ///
    /// # Safety
    /// The store is entered; the entities are live, each is in the list once, and nothing else refers to them, nor will.
    pub(in crate::vm) unsafe fn schedule_free(&self, entities: Vec<*mut EntityHeader>) {
        let mut any_deferred = false;
        for &entity in &entities {
            // SAFETY: live by the caller's promise.
            let header = unsafe { &*entity };
            any_deferred |= header.deferred.replace(false);
            header.pending_free.set(true);
        }
        if any_deferred {
            // SAFETY: entities in the list are live until they are freed.
            self.deferred.borrow_mut().retain(|&entity| unsafe { (*entity).deferred.get() });
        }
        // Parts of instances that are in the list too are freed with those.
        let goes_with_its_definer = |entity: *mut EntityHeader| {
            // SAFETY: all in the list are live until they are freed, each once.
            let header = unsafe { &*entity };
            // SAFETY: as above.
            unsafe { self.definer_of(header) }.is_some_and(|instance| instance.pending_free.get())
        };
        // Instances first: they take their tables and memories along, and tell those that stay that they are gone.
        let (instances, others): (Vec<_>, Vec<_>) = entities
            .into_iter()
            .filter(|&entity| !goes_with_its_definer(entity))
            // SAFETY: as above.
            .partition(|&entity| unsafe { (*entity).object.kind == ObjectKind::Instance });
        for entity in instances.into_iter().chain(others) {
            // SAFETY: as above.
            unsafe { self.unlink(entity) };
            self.pending_free.borrow_mut().push_back(entity);
        }
        self.owner.attention.set(true);
    }

    /// Frees at most `count` of what was pending.
    pub(in crate::vm) fn free_pending(&self, count: usize) {
        for _ in 0..count {
            let Some(entity) = self.pending_free.borrow_mut().pop_front() else { break };
            // SAFETY: pending entities are live until they leave the list here, and nothing but other pending ones refers to them.
            unsafe { self.drop_entity(entity) };
        }
        if !self.pending_free.borrow().is_empty() {
            self.owner.attention.set(true);
        }
    }
}
