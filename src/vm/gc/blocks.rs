//! Which entity an address lies in, of the kinds that frames refer to: instances and host functions.
//!
//! What is found on a stack may be anything where a call was left otherwise than by return, so it is looked up before it is trusted.

use crate::abi::{ObjectKind, VMContext};
use crate::vm::func::HostFunc;
use crate::vm::instance::Instance;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;

/// The blocks of memory of a store's instances and host functions.
#[derive(Default)]
pub(super) struct Blocks(Vec<*mut EntityHeader>);

impl Blocks {
    /// Those of all that are alive, until one is freed or made.
    pub(super) fn of(store: &Store) -> Blocks {
        let entities = store.entities.borrow();
        // SAFETY: entities in the list are live.
        let kind = |entity: *mut EntityHeader| unsafe { (*entity).object.kind };
        let has_block = |&entity: &*mut EntityHeader| matches!(kind(entity), ObjectKind::Instance | ObjectKind::Func);
        let mut blocks: Vec<_> = entities.iter().copied().filter(has_block).collect();
        blocks.sort_unstable();
        Blocks(blocks)
    }

    /// The entity whose block an address lies in.
    pub(super) fn holding(&self, address: usize) -> Option<*mut EntityHeader> {
        let next = self.0.partition_point(|entity| entity.addr() <= address);
        let entity = *self.0.get(next.checked_sub(1)?)?;
        // SAFETY: entities in the list are live.
        let size = match unsafe { (*entity).object.kind } {
            // SAFETY: the header of this kind is that of an instance.
            ObjectKind::Instance => unsafe { (*entity.cast::<Instance>()).size() },
            _ => size_of::<HostFunc>(),
        };
        (address - entity.addr() < size).then_some(entity)
    }

    /// The instance whose context this is.
    pub(super) fn instance(&self, context: *mut VMContext) -> Option<*mut Instance> {
        let instance = Instance::from_vmctx(context);
        // SAFETY: entities in the list are live.
        let is = |entity: *mut EntityHeader| unsafe { (*entity).object.kind } == ObjectKind::Instance;
        let found = self.holding(instance.addr()).filter(|&entity| is(entity) && entity.addr() == instance.addr());
        found.map(|_| instance)
    }
}
