//! Foreign objects: the host's own, which exist for their identity and host info.

use crate::abi::ObjectKind;
use crate::types::Result;
use crate::vm::store::Entered;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::Entity;

/// A foreign object.
#[repr(C)]
pub struct Foreign {
    header: EntityHeader,
}

// SAFETY: `repr(C)`, and the header with kind `Foreign` is first.
unsafe impl Record for Foreign {
    const KIND: ObjectKind = ObjectKind::Foreign;
}

// SAFETY: as above.
unsafe impl Entity for Foreign {
    const KIND: ObjectKind = ObjectKind::Foreign;
}

impl Foreign {
    pub fn new(entered: &Entered<'_>) -> Result<Handle<Foreign>> {
        let store = entered.store();
        let foreign = Box::into_raw(Box::new(Foreign { header: EntityHeader::new(ObjectKind::Foreign, store) }));
        // SAFETY: just boxed, and the header is first.
        unsafe { store.adopt(foreign.cast(), foreign) }
    }
}
