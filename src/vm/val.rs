//! Values as the host sees them (`wasm_val_t`) and as compiled code passes them, and the way between the two.

pub use crate::abi::{KIND_F32, KIND_F64, KIND_I32, KIND_I64, Val};
use crate::abi::{ObjectHeader, ObjectKind, RAW_SLOT, VMFuncRef};
use crate::types::{CompositeKind, Error, HeapType, RefType, Result, TypeUse, ValType};
use crate::vm::engine::types::registered_type;
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::Store;
use crate::vm::store::entity::{self, Record, release, retain, store_of};
use crate::vm::store::kinds::Tracer;
use crate::vm::store::lifetime::mark_escaped;

/// A value in the form that trampolines of signatures with references or v128 pass it: the value at offset 0.
pub type RawSlot = [u8; RAW_SLOT];

pub const KIND_V128: u8 = 4;
pub const KIND_EXTERNREF: u8 = 128;
pub const KIND_FUNCREF: u8 = 129;
/// The first of the kinds that the standard does not name; see [`kind_of`].
pub const KIND_OTHER_REFS: u8 = 130;

const HEAP_TYPES: [HeapType; 12] = [
    HeapType::Any,
    HeapType::Eq,
    HeapType::I31,
    HeapType::Struct,
    HeapType::Array,
    HeapType::Exn,
    HeapType::None,
    HeapType::NoFunc,
    HeapType::NoExtern,
    HeapType::NoExn,
    HeapType::Extern,
    HeapType::Func,
];

/// The `wasm_valkind_t` of a type; of a defined type that of the nearest that has one. Nullable reference types other than externref and funcref have kinds from 130 on, in the
/// order of the table above; the types without null have those from 142 on.
#[inline]
pub fn kind_of(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => KIND_I32,
        ValType::I64 => KIND_I64,
        ValType::F32 => KIND_F32,
        ValType::F64 => KIND_F64,
        ValType::V128 => KIND_V128,
        ValType::Ref(RefType::EXTERNREF) => KIND_EXTERNREF,
        ValType::Ref(RefType::FUNCREF) => KIND_FUNCREF,
        ValType::Ref(ty) => kind_of_other_ref(ty),
    }
}

#[cold]
fn kind_of_other_ref(RefType { nullable, heap }: RefType) -> u8 {
    match (nullable, heap.abstraction()) {
        (true, HeapType::Extern) => KIND_EXTERNREF,
        (true, HeapType::Func) => KIND_FUNCREF,
        (_, heap) => {
            let position = HEAP_TYPES.iter().position(|&other| other == heap).unwrap_or(0) as u8;
            KIND_OTHER_REFS + position + if nullable { 0 } else { HEAP_TYPES.len() as u8 }
        }
    }
}

/// The kind that values of a type have: of references, that of the most general type of their hierarchy.
#[inline]
pub fn value_kind(ty: ValType) -> u8 {
    match ty {
        ValType::Ref(RefType::EXTERNREF) => KIND_EXTERNREF,
        ValType::Ref(RefType::FUNCREF) => KIND_FUNCREF,
        ValType::Ref(ty) => kind_of_other_ref(RefType { nullable: true, heap: ty.heap.top() }),
        number => kind_of(number),
    }
}

/// Whether a value of a kind can be one of a type: references are told apart by hierarchies, what they refer to is looked at later.
#[inline]
pub fn is_kind_of(kind: u8, ty: ValType) -> bool {
    kind == value_kind(ty)
        || kind >= KIND_EXTERNREF && type_of_kind(kind).is_some_and(|given| value_kind(given) == value_kind(ty))
}

/// The type a `wasm_valkind_t` names.
pub fn type_of_kind(kind: u8) -> Option<ValType> {
    Some(match kind {
        KIND_I32 => ValType::I32,
        KIND_I64 => ValType::I64,
        KIND_F32 => ValType::F32,
        KIND_F64 => ValType::F64,
        KIND_V128 => ValType::V128,
        KIND_EXTERNREF => ValType::EXTERNREF,
        KIND_FUNCREF => ValType::FUNCREF,
        _ => {
            let position = usize::from(kind.checked_sub(KIND_OTHER_REFS)?);
            let heap = *HEAP_TYPES.get(position % HEAP_TYPES.len())?;
            let nullable = position < HEAP_TYPES.len();
            // Externref and funcref have their standard kinds only.
            if position >= 2 * HEAP_TYPES.len() || nullable && matches!(heap, HeapType::Extern | HeapType::Func) {
                return None;
            }
            ValType::Ref(RefType { nullable, heap })
        }
    })
}

/// What messages call a kind: the type's name, or the number where there is no such type.
pub fn name_of_kind(kind: u8) -> String {
    type_of_kind(kind).map_or_else(|| format!("kind {kind}"), |ty| ty.to_string())
}

impl Val {
    /// A value of `ty` that is zero or null. It owns nothing: a v128 without a box is zero.
    pub fn zero(ty: ValType) -> Val {
        Val { kind: value_kind(ty), of: 0 }
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

    /// The object a reference refers to, or null.
    pub fn object(&self) -> *mut ObjectHeader {
        self.of as *mut ObjectHeader
    }

    /// Whether it is a reference to something. Of a kind that does not exist nothing is known, so it owns nothing.
    fn is_object(&self) -> bool {
        let is_standard = self.kind == KIND_EXTERNREF || self.kind == KIND_FUNCREF;
        self.kind >= KIND_EXTERNREF && self.of != 0 && (is_standard || type_of_kind(self.kind).is_some())
    }
}

/// Boxes a v128 for the `of` of a [`Val`].
pub fn box_v128(bytes: [u8; 16]) -> u64 {
    Box::into_raw(Box::new(bytes)) as u64
}

/// What a value must look like to be passed as `ty`, checked before anything is converted.
///
/// # Safety
/// The value is well-formed, as for [`Val::copy`].
#[inline]
pub unsafe fn check(store: &Store, val: &Val, ty: ValType) -> Result<()> {
    #[cold]
    fn wrong_kind(val: &Val, ty: ValType) -> Error {
        Error::argument(format!("expected a value of type {ty}, got {}", name_of_kind(val.kind)))
    }
    if !is_kind_of(val.kind, ty) {
        return Err(wrong_kind(val, ty));
    }
    let ValType::Ref(ty) = ty else { return Ok(()) };
    // SAFETY: a reference is null or a live handle.
    unsafe { check_ref(store, val.object(), ty) }
}

/// Whether an object can be a reference of type `ty` in `store`.
///
/// # Safety
/// `object` is null or live.
#[inline]
pub unsafe fn check_ref(store: &Store, object: *const ObjectHeader, ty: RefType) -> Result<()> {
    let fits = |object: &ObjectHeader| match ty.heap {
        HeapType::Func => object.kind == ObjectKind::Func,
        heap => heap == HeapType::Extern && object.kind != ObjectKind::HeapObject,
    };
    // SAFETY: null or live by the caller's promise.
    let fits = unsafe { object.as_ref() }.is_some_and(fits);
    // SAFETY: not null, so live.
    if fits && std::ptr::eq(unsafe { store_of(object) }, store) {
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

/// Whether passing a value as `ty` takes a box of the store's heap.
#[inline]
pub fn needs_box(val: &Val, ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if !ty.is_func()) && val.of != 0
}

/// Turns a checked value into the form compiled code takes. Externrefs need a box each: the caller has reserved them with
/// [`Store::reserve_boxes`], so nothing is collected in between.
///
/// # Safety
/// [`check`] held for the value; this is the owner thread, inside the store.
#[inline]
pub unsafe fn to_slot(store: &Store, val: &Val, ty: ValType) -> Result<RawSlot> {
    // A number, which stays in registers: a load of all of a slot that was written in halves would have to wait.
    let bits = match ty {
        ValType::V128 => {
            // SAFETY: a checked v128 is null or has a live box.
            u128::from_le_bytes(unsafe { (val.of as *const [u8; 16]).as_ref() }.copied().unwrap_or_default())
        }
        // SAFETY: a checked reference is null or live and of this store.
        ValType::Ref(ty) => u128::from(unsafe { ref_to_bits(store, val.object(), ty)? }),
        _ => u128::from(val.of),
    };
    Ok(bits.to_le_bytes())
}

/// The bits of a reference as tables, globals and compiled code hold them. Marks the object as escaped, but for the name of an object of the
/// heap, to which nothing refers but handles.
///
/// # Safety
/// `object` is null, or [`check_ref`] held for it; this is the owner thread, inside the store.
#[inline]
pub unsafe fn ref_to_bits(store: &Store, object: *mut ObjectHeader, ty: RefType) -> Result<u64> {
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
    if ty.is_func() { Ok(object as u64) } else { store.box_object(object).map(u64::from) }
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
pub fn bits_to_object(store: &Store, bits: u64, ty: RefType) -> Result<*mut ObjectHeader> {
    if ty.is_func() { Ok(bits as *mut ObjectHeader) } else { store.object_of(bits as u32) }
}

/// Turns what compiled code gave back into a value that owns what it refers to.
///
/// # Safety
/// `slot` was written by compiled code of this store as a value of `ty`; this is the owner thread, inside the store.
#[inline]
pub unsafe fn from_slot(store: &Store, slot: &RawSlot, ty: ValType) -> Result<Val> {
    let [low, _] = bytes_to_words(slot);
    let of = match ty {
        ValType::V128 => box_v128(*slot),
        ValType::Ref(ref_ty) => {
            let object = bits_to_object(store, if ref_ty.is_func() { low } else { low & 0xffff_ffff }, ref_ty)?;
            if !object.is_null() {
                // SAFETY: compiled code holds only live references, and the store is entered.
                unsafe { retain(object) };
            }
            object as u64
        }
        ValType::I32 | ValType::F32 => low & 0xffff_ffff,
        ValType::I64 | ValType::F64 => low,
    };
    Ok(Val { kind: value_kind(ty), of })
}

fn bytes_to_words(slot: &RawSlot) -> [u64; 2] {
    let bits = u128::from_le_bytes(*slot);
    [bits as u64, (bits >> 64) as u64]
}

// SAFETY: `VMFuncRef` is `repr(C)` and starts with an `ObjectHeader` of kind `Func`.
unsafe impl Record for VMFuncRef {
    const KIND: ObjectKind = ObjectKind::Func;
}
