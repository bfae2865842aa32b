//! What a collection found dead is freed bit by bit, so that nobody waits for all of it: a few whenever something new is made, and
//! whenever the store is left. The next collection starts when the last has been freed.

use crate::abi::ObjectKind;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;

/// How many doomed entities are freed at once, at most: some ten microseconds of work, and more than what a
/// step between two such occasions can make.
pub(super) const DOOMED_AT_ONCE: usize = 32;

impl Store {
    /// Takes entities out of the store that may refer to each other, but that nothing else refers to. [`Store::free_doomed`] frees them.
    ///
    /// # Safety
    /// The store is entered; the entities are live, each is in the list once, and nothing else refers to them, nor will.
    pub(in crate::vm) unsafe fn doom(&self, entities: Vec<*mut EntityHeader>) {
        let mut any_deferred = false;
        for &entity in &entities {
            // SAFETY: live by the caller's promise.
            let header = unsafe { &*entity };
            any_deferred |= header.deferred.replace(false);
            header.doomed.set(true);
        }
        if any_deferred {
            // SAFETY: entities in the list are live until they are freed.
            self.deferred.borrow_mut().retain(|&entity| unsafe { (*entity).deferred.get() });
        }
        // Instances first: they take their tables and memories along, and tell those that stay that they are gone.
        let (instances, others): (Vec<_>, Vec<_>) = entities
            .into_iter()
            // SAFETY: all in the list are live until they are freed, each once.
            .filter(|&entity| !unsafe { self.definer_of(&*entity) }.is_some_and(|instance| instance.doomed.get()))
            // SAFETY: as above.
            .partition(|&entity| unsafe { (*entity).object.kind == ObjectKind::Instance });
        for entity in instances.into_iter().chain(others) {
            // SAFETY: as above.
            unsafe { self.unlink(entity) };
            self.doomed.borrow_mut().push_back(entity);
        }
        self.home.attention.set(true);
    }

    /// Frees at most `count` of what was doomed, and runs the finalizers.
    pub(in crate::vm) fn free_doomed(&self, count: usize) {
        for _ in 0..count {
            let Some(entity) = self.doomed.borrow_mut().pop_front() else { break };
            // SAFETY: doomed entities are live until they leave the list here, and nothing but other doomed ones refers to them.
            unsafe { self.drop_entity(entity) };
        }
        if !self.doomed.borrow().is_empty() {
            self.home.attention.set(true);
        }
        self.run_finalizers();
    }
}
