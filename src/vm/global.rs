//! Globals: the host's own, and reading and setting any.

use crate::abi::{Crossing, ObjectHeader, ObjectKind, VMContext, VMGlobal};
use crate::types::{Error, GlobalType, Mutability, Result, ValType};
use crate::vm::instance::Instance;
use crate::vm::store::entity::{EntityHeader, Handle, Record, owner_of};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::store::{Entered, Store};
use crate::vm::types::DefinedType;
use crate::vm::val::{self, RawSlot, Val};
use cranelift_entity::EntityRef;
use std::mem::offset_of;

/// A global made by the host. An instance's own globals lie in its context.
#[repr(C)]
pub struct Global {
    pub header: EntityHeader,
    ty: GlobalType,
    /// The type that the content's type names, if it names one.
    _defined: Option<DefinedType>,
    record: VMGlobal,
}

// SAFETY: `VMGlobal` is `repr(C)` and starts with an `ObjectHeader` of kind `Global`.
unsafe impl Record for VMGlobal {
    const KIND: ObjectKind = ObjectKind::Global;
}

impl VMGlobal {
    /// A record that lies `owner_offset` bytes into its entity.
    pub fn new(owner_offset: usize, crossing: Crossing, mutable: bool, value: RawSlot) -> VMGlobal {
        let object = ObjectHeader::new(ObjectKind::Global, owner_offset);
        VMGlobal { object, crossing, mutable, _pad: [0; 3], value }
    }
}

// SAFETY: `repr(C)`, and the header with kind `Global` is first.
unsafe impl Entity for Global {
    const KIND: ObjectKind = ObjectKind::Global;

    fn trace(&self, tracer: &mut dyn Tracer) {
        val::trace(self.ty.content, &self.record.value, tracer);
    }
}

/// Makes a global of `ty` for the host.
///
/// # Safety
/// The value is well-formed: a reference is null or a live handle, a v128 null or a live box.
pub unsafe fn new(entered: &Entered<'_>, ty: GlobalType, value: &Val) -> Result<Handle<VMGlobal>> {
    let (store, crossing) = (entered.store(), val::crossing(ty.content));
    // SAFETY: passed on to the caller.
    let slot = unsafe { checked_slot(store, value, crossing, || ty.content)? };
    let defined = match ty.content {
        ValType::Ref(ty) => DefinedType::named_by(ty.heap),
        _ => None,
    };
    let global = Box::into_raw(Box::new(Global {
        header: EntityHeader::new(ObjectKind::Global, store),
        ty,
        _defined: defined,
        record: VMGlobal::new(offset_of!(Global, record), crossing, ty.mutability == Mutability::Var, slot),
    }));
    // SAFETY: just boxed.
    let record = unsafe { &raw const (*global).record };
    // SAFETY: just boxed, and the header is first.
    unsafe { store.adopt(global.cast(), record) }
}

/// The value in the form of a type's, of which `crossing` is made. Mostly that says all, so that `ty` is not asked.
///
/// # Safety
/// As [`new`]; the store is entered.
#[inline]
unsafe fn checked_slot(
    store: &Store,
    value: &Val,
    crossing: Crossing,
    ty: impl FnOnce() -> ValType,
) -> Result<RawSlot> {
    // SAFETY: passed on to the caller.
    if !unsafe { val::fits_surely(store, value, crossing) } {
        // SAFETY: passed on to the caller.
        unsafe { val::check_closely(store, value, ty())? };
    }
    if val::needs_box(value, crossing) {
        store.reserve_boxes(1)?;
    }
    // SAFETY: checked above.
    unsafe { val::to_slot(store, value, crossing) }.map(u128::to_le_bytes)
}

/// The type of a global.
///
/// # Safety
/// `global` is live.
pub unsafe fn ty(global: *const VMGlobal) -> GlobalType {
    // SAFETY: live by the caller's promise.
    let owner = unsafe { owner_of(global.cast()) };
    // SAFETY: the owner of a live record is live.
    let kind = unsafe { (*owner).object.kind };
    if kind == ObjectKind::Instance {
        // SAFETY: the header of this kind is that of an `Instance`.
        let instance = unsafe { &*owner.cast::<Instance>() };
        let module = instance.module();
        let vmctx: *mut VMContext = Instance::vmctx(instance);
        let first = crate::types::GlobalIndex::new(module.num_imported_globals as usize);
        let start = instance.compiled().layout().global(first).unwrap_or(0) as usize;
        let position = (global as usize - vmctx as usize - start) / size_of::<VMGlobal>();
        let ty = module.globals[crate::types::GlobalIndex::new(first.index() + position)];
        ty.rename(&mut instance.compiled().close())
    } else {
        // SAFETY: a global's owner that is not an instance is a `Global`.
        unsafe { (*owner.cast::<Global>()).ty }
    }
}

/// The value of a global; the caller owns it.
///
/// # Safety
/// `global` is a live global of the store.
pub unsafe fn get(entered: &Entered<'_>, global: *const VMGlobal) -> Result<Val> {
    // SAFETY: live by the caller's promise.
    let crossing = unsafe { (*global).crossing };
    // SAFETY: as above; no wasm runs while the host reads.
    let slot = unsafe { (*global).value };
    // SAFETY: globals hold well-formed values of their type.
    unsafe { val::from_slot(entered.store(), &slot, crossing) }
}

/// Sets a global for the host.
///
/// # Safety
/// `global` is a live global of the store; the value is well-formed.
pub unsafe fn set(entered: &Entered<'_>, global: *mut VMGlobal, value: &Val) -> Result<()> {
    // SAFETY: live by the caller's promise.
    let crossing = unsafe { (*global).crossing };
    // SAFETY: as above.
    if !unsafe { (*global).mutable } {
        return Err(Error::argument("the global is immutable"));
    }
    // SAFETY: live by the caller's promise.
    let content = || unsafe { ty(global) }.content;
    // SAFETY: passed on to the caller.
    let slot = unsafe { checked_slot(entered.store(), value, crossing, content)? };
    // SAFETY: live by the caller's promise; no wasm runs while the host writes.
    unsafe { (*global).value = slot };
    Ok(())
}
