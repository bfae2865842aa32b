//! Values as the host sees them (`wasm_val_t`) and as compiled code passes them, and the way between the two.

use super::valkind::{HIERARCHIES, NO_KIND};
pub use super::valkind::{
    KIND_EXTERNREF, KIND_FUNCREF, KIND_OTHER_REFS, KIND_V128, crossing, is_kind_of, kind_of, name_of_kind,
    type_of_kind, value_kind,
};
pub use crate::abi::{Crossing, KIND_F32, KIND_F64, KIND_I32, KIND_I64, Val};
use crate::abi::{Form, ObjectHeader, ObjectKind, RAW_SLOT, VMFuncRef};
use crate::types::{CompositeKind, Error, HeapType, RefType, Result, TypeUse, ValType};
use crate::vm::engine::types::registered_type;
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::Store;
use crate::vm::store::entity::{self, Record, release, retain, store_of};
use crate::vm::store::kinds::Tracer;
use crate::vm::store::lifetime::mark_escaped;

/// A value in the form that trampolines of signatures with references or v128 pass it: the value at offset 0.
pub type RawSlot = [u8; RAW_SLOT];

impl Val {
    /// A value that is zero or null. It owns nothing: a v128 without a box is zero.
    pub fn zero(crossing: Crossing) -> Val {
        Val { kind: crossing.kind, of: 0 }
    }

    /// A copy that owns what it refers to.
    ///
    /// # Safety
    /// The value is well-formed: a reference is null or a live handle, a v128 null or a live box.
    pub unsafe fn copy(&self) -> Val {
        let mut of = self.of;
        if self.is_object() {
            // SAFETY: a live handle.
            unsafe { entity::copy(self.object()) };
        } else if self.kind == KIND_V128 && of != 0 {
            // SAFETY: a live box by the caller's promise.
            of = box_v128(unsafe { *(of as *const [u8; 16]) });
        }
        Val { kind: self.kind, of }
    }

    /// Frees what the value owns and makes it a null or zero of its kind.
    ///
    /// # Safety
    /// As [`Val::copy`], and the caller owns the value.
    pub unsafe fn delete(&mut self) {
        let of = std::mem::take(&mut self.of);
        let value = Val { kind: self.kind, of };
        if value.is_object() {
            // SAFETY: the caller owned this handle.
            unsafe { release(value.object()) };
        } else if self.kind == KIND_V128 && of != 0 {
            // SAFETY: the caller owned this box, made by `box_v128`.
            drop(unsafe { Box::from_raw(of as *mut [u8; 16]) });
        }
    }

    /// As [`Val::delete`], by a thread that is inside `store`.
    ///
    /// # Safety
    /// As [`Val::delete`].
    #[inline(always)]
    pub unsafe fn delete_inside(&mut self, store: &Store) {
        // SAFETY: the caller owns this handle.
        if self.is_object() && unsafe { store.give_back_another(self.object()) } {
            self.of = 0;
        } else if self.of != 0 && self.kind >= KIND_V128 {
            // SAFETY: passed on to the caller.
            unsafe { self.delete() };
        }
    }

    /// The object a reference refers to, or null.
    pub fn object(&self) -> *mut ObjectHeader {
        self.of as *mut ObjectHeader
    }

    /// Whether it is a reference to something. Of a kind that does not exist nothing is known, so it owns nothing.
    #[inline]
    fn is_object(&self) -> bool {
        self.kind >= KIND_EXTERNREF && self.of != 0 && HIERARCHIES[usize::from(self.kind)] != NO_KIND
    }
}

/// Boxes a v128 for the `of` of a [`Val`].
pub fn box_v128(bytes: [u8; 16]) -> u64 {
    Box::into_raw(Box::new(bytes)) as u64
}

/// What a value must look like to be passed as `ty`, of which `crossing` is made; checked before anything is converted.
///
/// # Safety
/// The value is well-formed, as for [`Val::copy`].
#[inline]
pub unsafe fn check(store: &Store, val: &Val, crossing: Crossing, ty: &ValType) -> Result<()> {
    // SAFETY: passed on to the caller.
    if unsafe { fits_surely(store, val, crossing) } {
        return Ok(());
    }
    // SAFETY: passed on to the caller.
    unsafe { check_closely(store, val, *ty) }
}

/// Whether a value can be passed as a type, as far as that can be told at a glance.
///
/// # Safety
/// As [`check`].
#[inline]
pub unsafe fn fits_surely(store: &Store, val: &Val, crossing: Crossing) -> bool {
    let is_ref = matches!(crossing.form, Form::Func | Form::Heap);
    // SAFETY: a reference is null or a live handle.
    val.kind == crossing.kind && (!is_ref || unsafe { refers_surely(store, val.object(), crossing) })
}

/// [`check`] of what [`fits_surely`] does not tell.
///
/// # Safety
/// As [`check`].
#[inline(never)]
pub unsafe fn check_closely(store: &Store, val: &Val, ty: ValType) -> Result<()> {
    if !is_kind_of(val.kind, ty) {
        return Err(Error::argument(format!("expected a value of type {ty}, got {}", name_of_kind(val.kind))));
    }
    let ValType::Ref(ty) = ty else { return Ok(()) };
    // SAFETY: a reference is null or a live handle.
    unsafe { check_other_ref(store, val.object(), ty) }
}

/// Whether an object is a reference of a type, as far as that can be told at a glance.
///
/// # Safety
/// `object` is null or live; `crossing` is that of a reference type.
#[inline]
unsafe fn refers_surely(store: &Store, object: *const ObjectHeader, crossing: Crossing) -> bool {
    // SAFETY: null or live by the caller's promise.
    let Some(header) = (unsafe { object.as_ref() }) else { return crossing.nullable };
    let is_kind = match crossing.form {
        Form::Func => header.kind == ObjectKind::Func,
        _ => header.kind != ObjectKind::HeapObject,
    };
    // SAFETY: as above.
    crossing.is_top && is_kind && std::ptr::eq(unsafe { store_of(object) }, store)
}

/// Whether an object can be a reference of type `ty`, of which `crossing` is made, in `store`.
///
/// # Safety
/// `object` is null or live.
#[inline]
pub unsafe fn check_ref(store: &Store, object: *const ObjectHeader, crossing: Crossing, ty: RefType) -> Result<()> {
    // SAFETY: passed on to the caller.
    if unsafe { refers_surely(store, object, crossing) } {
        return Ok(());
    }
    // SAFETY: passed on to the caller.
    unsafe { check_other_ref(store, object, ty) }
}

/// [`check_ref`] of what is null, or cannot be a reference.
///
/// # Safety
/// As [`check_ref`].
#[inline(never)]
unsafe fn check_other_ref(store: &Store, object: *const ObjectHeader, ty: RefType) -> Result<()> {
    if object.is_null() {
        return if ty.nullable { Ok(()) } else { Err(Error::argument(format!("null is not a {ty}"))) };
    }
    // SAFETY: live by the caller's promise.
    let kind = unsafe { (*object).kind };
    // SAFETY: as above.
    let owner = unsafe { store_of(object) };
    // Of an object of another heap nothing can be read here.
    if !owner.is_null() && !std::ptr::eq(owner, store) {
        return Err(Error::argument("the object belongs to another store"));
    }
    match ty.heap {
        HeapType::Extern | HeapType::Any if kind != ObjectKind::HeapObject => {}
        heap if !matches!(heap.top(), HeapType::Func) && !matches!(heap, HeapType::NoExtern) => {
            // SAFETY: an object of this kind is a `HeapObject`, and live by the caller's promise.
            let bits = (kind == ObjectKind::HeapObject).then(|| unsafe { (*object.cast::<HeapObject>()).bits() });
            if !bits.is_some_and(|bits| store.is_of_type(bits, heap)) {
                return Err(Error::argument(format!("{} is not a {ty}", kind.name())));
            }
        }
        heap if heap.top() == HeapType::Func && kind != ObjectKind::Func => {
            return Err(Error::argument("a reference that is not a function was given for a funcref"));
        }
        HeapType::Func => {}
        HeapType::Concrete { kind: CompositeKind::Func, ty: TypeUse::Defined(wanted) } => {
            // SAFETY: an object of kind `Func` is a `VMFuncRef`, and live by the caller's promise.
            let given = unsafe { registered_type(object.cast()) };
            if !given.defined().matches(wanted) {
                return Err(Error::argument(format!("a function of type {} is not a {ty}", given.ty)));
            }
        }
        HeapType::NoFunc | HeapType::NoExtern => {
            return Err(Error::argument(format!("only null is a {ty}")));
        }
        _ => return Err(Error::unsupported(format!("references of type {ty}"))),
    }
    if owner.is_null() {
        return Err(Error::argument("a trap that was made without a store cannot become a reference"));
    }
    Ok(())
}

/// Whether passing a value may take a box of the store's heap.
#[inline]
pub fn needs_box(val: &Val, crossing: Crossing) -> bool {
    crossing.form == Form::Heap && val.of != 0
}

/// Turns a checked value into the form compiled code takes: the number that a slot holds. Externrefs need a box each: the caller has reserved them with
/// [`Store::reserve_boxes`], so nothing is collected in between.
///
/// # Safety
/// [`check`] held for the value; this is the owner thread, inside the store.
#[inline(always)]
pub unsafe fn to_slot(store: &Store, val: &Val, crossing: Crossing) -> Result<u128> {
    // A number, which stays in registers: a load of all of a slot that was written in parts would have to wait.
    Ok(match crossing.form {
        Form::Vector => {
            // SAFETY: a checked v128 is null or has a live box.
            u128::from_le_bytes(unsafe { (val.of as *const [u8; 16]).as_ref() }.copied().unwrap_or_default())
        }
        // SAFETY: a checked reference is null or live and of this store.
        Form::Func | Form::Heap => u128::from(unsafe { ref_to_bits(store, val.object(), crossing)? }),
        Form::Short | Form::Long => u128::from(val.of),
    })
}

/// The bits of a reference as tables, globals and compiled code hold them. Marks the object as escaped, but for the name of an object of the
/// heap, to which nothing refers but handles.
///
/// # Safety
/// `object` is null, or [`check_ref`] held for it; this is the owner thread, inside the store.
#[inline(always)]
pub unsafe fn ref_to_bits(store: &Store, object: *mut ObjectHeader, crossing: Crossing) -> Result<u64> {
    if object.is_null() {
        return Ok(0);
    }
    // SAFETY: live by the caller's promise.
    if unsafe { (*object).kind } == ObjectKind::HeapObject {
        // SAFETY: an object of this kind is a `HeapObject`.
        return Ok(unsafe { (*object.cast::<HeapObject>()).bits() }.into());
    }
    // SAFETY: live by the caller's promise.
    unsafe { mark_escaped(object) };
    if crossing.form == Form::Func { Ok(object as u64) } else { store.box_object(object).map(u64::from) }
}

/// Tells the collector of a value of type `ty`.
pub fn trace(ty: ValType, value: &RawSlot, tracer: &mut dyn Tracer) {
    if let ValType::Ref(ty) = ty {
        tracer.reference(ty, u128::from_le_bytes(*value) as u64);
    }
}

/// The object behind the bits of a reference: null, a function, whatever an externref's box points to, or the name of an object of the
/// heap; an error if there is no memory for a name.
#[inline]
pub fn bits_to_object(store: &Store, bits: u64, crossing: Crossing) -> Result<*mut ObjectHeader> {
    if crossing.form == Form::Func { Ok(bits as *mut ObjectHeader) } else { store.object_of(bits as u32) }
}

/// Turns what compiled code gave back into a value that owns what it refers to.
///
/// # Safety
/// `slot` was written by compiled code of this store as a value of the type of `crossing`; this is the owner thread, inside the store.
#[inline(always)]
pub unsafe fn from_slot(store: &Store, slot: &RawSlot, crossing: Crossing) -> Result<Val> {
    let [low, _] = bytes_to_words(slot);
    let of = match crossing.form {
        Form::Short => low & 0xffff_ffff,
        Form::Long => low,
        Form::Vector => box_v128(*slot),
        Form::Func | Form::Heap => {
            let object = bits_to_object(store, low, crossing)?;
            if !object.is_null() {
                // SAFETY: compiled code holds only live references, and the store is entered.
                unsafe { retain(object) };
            }
            object as u64
        }
    };
    Ok(Val { kind: crossing.kind, of })
}

fn bytes_to_words(slot: &RawSlot) -> [u64; 2] {
    let bits = u128::from_le_bytes(*slot);
    [bits as u64, (bits >> 64) as u64]
}

// SAFETY: `VMFuncRef` is `repr(C)` and starts with an `ObjectHeader` of kind `Func`.
unsafe impl Record for VMFuncRef {
    const KIND: ObjectKind = ObjectKind::Func;
}
