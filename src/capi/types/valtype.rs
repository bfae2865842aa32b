//! Value types.

use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, statics};
use crate::capi::vec;
use crate::types::{CompositeKind, Error, HeapType, RefType, Result, TypeUse, ValType};
use crate::vm::types::DefinedType;
use crate::vm::val::{kind_of, type_of_kind};

/// The kind of a value: one of `enum wasm_valkind_enum`, or of `libwasm.h` for the types the standard does not name.
pub type wasm_valkind_t = u8;

/// The kinds of values. Kinds below 128 are numbers, the others are references.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum wasm_valkind_enum {
    WASM_I32 = 0,
    WASM_I64 = 1,
    WASM_F32 = 2,
    WASM_F64 = 3,
    WASM_EXTERNREF = 128,
    WASM_FUNCREF = 129,
}

/// A value type (<https://webassembly.github.io/spec/core/syntax/types.html#value-types>). There is one object for each kind, alive as long
/// as the library: copies are the same object, and deleting one does nothing, whoever owned it. Only types that name a type which a
/// module or the host has defined, like `(ref $t)`, are objects of their own: a copy is another, and each is deleted once. What a getter
/// lends is never deleted.
#[derive(Debug)]
pub struct wasm_valtype_t {
    _opaque: [u8; 0],
}

/// A vector of value types.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_valtype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_valtype_t,
}

/// What a `wasm_valtype_t*` points to. Aligned as what an allocator gives, for callers who use low bits of pointers.
#[derive(Clone, Debug)]
#[repr(align(16))]
pub struct ValTypeObject {
    kind: wasm_valkind_t,
    /// The type that it is a reference to, if that is not one of those with kinds; the kind says whether it has null.
    named: Named,
}

/// A type that has no kind of its own.
#[derive(Clone, Debug)]
enum Named {
    Nothing,
    Defined(DefinedType),
    /// A member of the recursion group that the type will be part of (`libwasm_valtype_new_member`).
    Member(u32),
}

impl ValTypeObject {
    pub fn is_static(&self) -> bool {
        matches!(self.named, Named::Nothing)
    }

    /// The type; a member of a recursion group, of whatever kind, is named by its position.
    fn open_val_type(&self) -> Result<ValType> {
        let ty = type_of(self.kind)?;
        let heap = match self.named {
            Named::Nothing => return Ok(ty),
            Named::Defined(ref defined) => defined.heap_type(),
            Named::Member(position) => HeapType::Concrete { kind: CompositeKind::Struct, ty: TypeUse::Rec(position) },
        };
        Ok(ValType::Ref(RefType { nullable: matches!(ty, ValType::Ref(ty) if ty.nullable), heap }))
    }

    fn val_type(&self) -> Result<ValType> {
        match self.named {
            Named::Member(position) => Err(Error::argument(format!(
                "a member of a recursion group has no meaning outside of the group: member {position}"
            ))),
            Named::Nothing | Named::Defined(_) => self.open_val_type(),
        }
    }
}

/// The object of each kind, at the kind's number. Pointers are only given to those whose kind is that of a type.
static VAL_TYPES: [ValTypeObject; 256] = {
    let mut objects = [const { ValTypeObject { kind: 0, named: Named::Nothing } }; 256];
    let mut kind = 0;
    while kind < objects.len() {
        objects[kind].kind = kind as wasm_valkind_t;
        kind += 1;
    }
    objects
};

statics! {
    wasm_valtype_t => ValTypeObject, "a value type";
}

vec::vectors! {
    wasm_valtype_vec_t => *mut wasm_valtype_t;
}

/// The value type a kind stands for.
pub fn type_of(kind: wasm_valkind_t) -> Result<ValType> {
    type_of_kind(kind).ok_or_else(|| Error::argument(format!("no value type has the kind {kind}")))
}

/// A handle of a value type, which is closed, and what it names is registered.
pub fn new(ty: ValType) -> Result<OwnedHandle<wasm_valtype_t>> {
    let kind = kind_of(ty);
    let ptr = match ty {
        ValType::Ref(RefType { heap: heap @ HeapType::Concrete { .. }, .. }) => {
            let defined = DefinedType::named_by(heap);
            let defined = defined.ok_or_else(|| Error::argument(format!("the type {ty} is not known")))?;
            own::unlisted_into_raw(ValTypeObject { kind, named: Named::Defined(defined) })
        }
        _ => static_into_raw(kind),
    };
    // SAFETY: a new object, or a static one, of which everybody's handle is as good as owned.
    unsafe { OwnedHandle::new(ptr) }
}

/// A handle of a reference to a member of a recursion group that is not made yet.
pub fn new_member(position: u32, nullable: bool) -> *mut wasm_valtype_t {
    let kind = kind_of(ValType::Ref(RefType { nullable, heap: HeapType::Any }));
    own::unlisted_into_raw(ValTypeObject { kind, named: Named::Member(position) })
}

fn static_into_raw(kind: wasm_valkind_t) -> *mut wasm_valtype_t {
    own::static_into_raw(&VAL_TYPES[usize::from(kind)])
}

/// The value type behind a pointer; an error for NULL.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn val_type(ptr: *const wasm_valtype_t) -> Result<ValType> {
    // SAFETY: as the caller states.
    unsafe { own::borrow_static(ptr) }?.val_type()
}

/// As [`val_type`], for a part of a recursion group, whose members are named by position and are of any kind.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn open_val_type(ptr: *const wasm_valtype_t) -> Result<ValType> {
    // SAFETY: as the caller states.
    unsafe { own::borrow_static(ptr) }?.open_val_type()
}

/// A vector of value types.
pub fn vec_into_raw(types: &[ValType]) -> Result<vec::Owned<wasm_valtype_vec_t>> {
    let types = types.iter().map(|&ty| new(ty)).collect::<Result<Vec<_>>>()?;
    vec::from_iter(types.into_iter().map(OwnedHandle::into_ptr)).map(vec::Owned::new)
}

/// The value types in a vector; an error if one is NULL.
pub fn types_in(vector: &vec::Owned<wasm_valtype_vec_t>) -> Result<Box<[ValType]>> {
    // SAFETY: the vector owns its elements: each is NULL or a live handle.
    vector.elements().iter().map(|&element| unsafe { val_type(element) }).collect()
}

/// As [`types_in`], for a part of a recursion group.
pub fn open_types_in(vector: &vec::Owned<wasm_valtype_vec_t>) -> Result<Box<[ValType]>> {
    // SAFETY: the vector owns its elements: each is NULL or a live handle.
    vector.elements().iter().map(|&element| unsafe { open_val_type(element) }).collect()
}

/// Deletes a value type that names a defined type; does nothing for all others, which are static, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_delete(object: *mut wasm_valtype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// The same value type, as an object of its own if it names a defined type, which the caller owns then; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_copy(object: *const wasm_valtype_t) -> *mut wasm_valtype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// The value type of this kind; NULL if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_new(kind: wasm_valkind_t) -> *mut wasm_valtype_t {
    boundary(std::ptr::null_mut(), || type_of(kind).map(|_| static_into_raw(kind)))
}

/// The kind of a value type; `WASM_I32` for NULL. For a type that names a defined type it is the kind of the nearest type that has one:
/// `WASM_FUNCREF` for `(ref null $f)` where `$f` is a function type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_kind(ty: *const wasm_valtype_t) -> wasm_valkind_t {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow_static(ty) }?.kind))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_vec_new_empty(out: *mut wasm_valtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_vec_new_uninitialized(out: *mut wasm_valtype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_vec_new(
    out: *mut wasm_valtype_vec_t,
    size: usize,
    data: *const *mut wasm_valtype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_vec_copy(out: *mut wasm_valtype_vec_t, source: *const wasm_valtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_valtype_vec_delete(vector: *mut wasm_valtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_types_agree() {
        let known = (0..=255u8).filter_map(|kind| type_of(kind).ok().map(|ty| (kind, ty)));
        let mut count = 0;
        for (kind, ty) in known {
            assert_eq!(kind_of(ty), kind);
            count += 1;
        }
        assert_eq!(count, 5 + 2 * 12);
        assert_eq!(kind_of(ValType::EXTERNREF), wasm_valkind_enum::WASM_EXTERNREF as u8);
        assert_eq!(kind_of(ValType::FUNCREF), wasm_valkind_enum::WASM_FUNCREF as u8);
    }
}
