//! Tags: what exceptions are told apart by (specification, "Tags"). Two of one type are different tags.

use crate::abi::{ObjectHeader, ObjectKind, VMTag};
use crate::types::{Error, Result, TagIndex};
use crate::vm::instance::Instance;
use crate::vm::store::Entered;
use crate::vm::store::entity::{EntityHeader, Handle, Record, owner_of};
use crate::vm::store::kinds::Entity;
use crate::vm::types::DefinedType;
use cranelift_entity::EntityRef;
use std::mem::offset_of;

/// A tag made by the host. An instance's own tags lie in its context.
#[repr(C)]
pub struct Tag {
    header: EntityHeader,
    ty: DefinedType,
    record: VMTag,
}

// SAFETY: `VMTag` is `repr(C)` and starts with an `ObjectHeader` of kind `Tag`.
unsafe impl Record for VMTag {
    const KIND: ObjectKind = ObjectKind::Tag;
}

// SAFETY: `repr(C)`, and the header with kind `Tag` is first.
unsafe impl Entity for Tag {
    const KIND: ObjectKind = ObjectKind::Tag;
}

impl VMTag {
    /// A record that lies `owner_offset` bytes into its entity.
    pub fn new(owner_offset: usize) -> VMTag {
        VMTag { object: ObjectHeader::new(ObjectKind::Tag, owner_offset), heap_index: 0, _pad: 0 }
    }
}

/// Makes a tag for the host; `ty` is a function type without results.
pub fn new(entered: &Entered<'_>, ty: DefinedType) -> Result<Handle<VMTag>> {
    let store = entered.store();
    if ty.sub_type().as_func().is_none_or(|func| !func.results.is_empty()) {
        return Err(Error::argument("the type of a tag has no results"));
    }
    let record = VMTag::new(offset_of!(Tag, record));
    let tag = Box::into_raw(Box::new(Tag { header: EntityHeader::new(ObjectKind::Tag, store), ty, record }));
    // SAFETY: just boxed.
    let record = unsafe { &raw const (*tag).record };
    // SAFETY: just boxed, and the header is first.
    unsafe { store.adopt(tag.cast(), record) }
}

/// The type of a tag.
///
/// # Safety
/// `tag` is live.
pub unsafe fn ty(tag: *const VMTag) -> DefinedType {
    // SAFETY: live by the caller's promise.
    let owner = unsafe { owner_of(tag.cast()) };
    // SAFETY: the owner of a live record is live.
    let kind = unsafe { (*owner).object.kind };
    if kind == ObjectKind::Instance {
        // SAFETY: the header of this kind is that of an `Instance`.
        let instance = unsafe { &*owner.cast::<Instance>() };
        let module = instance.module();
        let first = TagIndex::new(module.num_imported_tags as usize);
        let start = instance.compiled().layout().tag(first).unwrap_or(0) as usize;
        let position = (tag as usize - Instance::vmctx(instance) as usize - start) / size_of::<VMTag>();
        instance.compiled().defined(module.tags[TagIndex::new(first.index() + position)]).clone()
    } else {
        // SAFETY: a tag's owner that is not an instance is a `Tag`.
        unsafe { (*owner.cast::<Tag>()).ty.clone() }
    }
}
