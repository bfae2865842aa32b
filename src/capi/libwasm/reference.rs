//! What a reference refers to, as WebAssembly sees it.

use super::deftype::libwasm_deftype_t;
use crate::abi::ObjectKind;
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::reference::wasm_ref_t;
use crate::capi::types::valtype::{self, wasm_valtype_t};
use crate::capi::val::{EMPTY, wasm_val_t};
use crate::types::{Error, HeapType, RefType, Result, ValType};
use crate::vm::aggregate::{self, Kind};
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::entity::store_of;
use crate::vm::types::DefinedType;
use crate::vm::val::{self, Val};
use std::ptr;

/// What a reference refers to: one of `enum libwasm_refkind_enum`.
pub type libwasm_refkind_t = u8;

/// What a reference refers to. Numbers are only ever appended.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_refkind_enum {
    /// Nothing: the null reference, which NULL is.
    LIBWASM_REFKIND_NULL = 0,
    LIBWASM_REFKIND_FUNC = 1,
    LIBWASM_REFKIND_GLOBAL = 2,
    LIBWASM_REFKIND_TABLE = 3,
    LIBWASM_REFKIND_MEMORY = 4,
    LIBWASM_REFKIND_TAG = 5,
    LIBWASM_REFKIND_INSTANCE = 6,
    LIBWASM_REFKIND_MODULE = 7,
    LIBWASM_REFKIND_TRAP = 8,
    LIBWASM_REFKIND_FOREIGN = 9,
    LIBWASM_REFKIND_I31 = 10,
    LIBWASM_REFKIND_STRUCT = 11,
    LIBWASM_REFKIND_ARRAY = 12,
    /// An exception (`libwasm_exception_tag`).
    LIBWASM_REFKIND_EXCEPTION = 13,
}

/// What a reference refers to, which is lent; `LIBWASM_REFKIND_NULL` for NULL, and, with a reason, on a thread that is not the store's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_ref_kind(reference: *const wasm_ref_t) -> libwasm_refkind_t {
    use libwasm_refkind_enum::*;
    boundary(LIBWASM_REFKIND_NULL as u8, || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object_or_null(reference) }?;
        if object.is_null() {
            return Ok(LIBWASM_REFKIND_NULL as u8);
        }
        // SAFETY: a live handle.
        let kind = match unsafe { (*object).kind } {
            ObjectKind::Func => LIBWASM_REFKIND_FUNC,
            ObjectKind::Global => LIBWASM_REFKIND_GLOBAL,
            ObjectKind::Table => LIBWASM_REFKIND_TABLE,
            ObjectKind::Memory => LIBWASM_REFKIND_MEMORY,
            ObjectKind::Tag => LIBWASM_REFKIND_TAG,
            ObjectKind::Instance => LIBWASM_REFKIND_INSTANCE,
            ObjectKind::Module => LIBWASM_REFKIND_MODULE,
            ObjectKind::Trap => LIBWASM_REFKIND_TRAP,
            ObjectKind::Foreign => LIBWASM_REFKIND_FOREIGN,
            // Nobody has a reference to one.
            ObjectKind::Weak => LIBWASM_REFKIND_NULL,
            ObjectKind::HeapObject => {
                // SAFETY: the caller's handle keeps the object alive.
                let entered = unsafe { own::store_of_object(object) }?.enter()?;
                // SAFETY: an object of this kind is a `HeapObject`.
                match aggregate::kind(entered.store(), unsafe { &*object.cast::<HeapObject>() }) {
                    Kind::I31 => LIBWASM_REFKIND_I31,
                    Kind::Struct => LIBWASM_REFKIND_STRUCT,
                    Kind::Array => LIBWASM_REFKIND_ARRAY,
                    Kind::Exception => LIBWASM_REFKIND_EXCEPTION,
                }
            }
        };
        Ok(kind as u8)
    })
}

/// The most precise type of a reference.
///
/// # Safety
///
/// `reference` is NULL or a live handle.
unsafe fn type_of<T>(reference: *const wasm_ref_t, with: impl FnOnce(RefType) -> Result<T>) -> Result<T> {
    // SAFETY: as the caller states.
    let object = unsafe { own::object(reference) }?;
    // SAFETY: the caller's handle keeps the object alive.
    let entered = unsafe { own::store_of_object(object) }?.enter()?;
    // SAFETY: as above, and the store is entered.
    with(unsafe { aggregate::ref_type(entered.store(), object) })
}

/// The most precise type of a reference, without null, owned by the caller: of a function, a structure or an array the one that names
/// its defined type, `LIBWASM_REF_I31` of an i31, `LIBWASM_REF_EXN` of an exception, and `LIBWASM_REF_EXTERN` of other objects of the host. The
/// reference is lent. NULL for NULL, which is the null of several types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_ref_type(reference: *const wasm_ref_t) -> *mut wasm_valtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        unsafe { type_of(reference, |ty| Ok(valtype::new(ValType::Ref(ty))?.into_ptr())) }
    })
}

/// The defined type of a function, structure or array, owned by the caller; NULL, without a reason, of other objects; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_ref_deftype(reference: *const wasm_ref_t) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        let named = |ty: RefType| Ok(DefinedType::named_by(ty.heap).map_or(ptr::null_mut(), own::into_raw));
        // SAFETY: as the caller states.
        unsafe { type_of(reference, named) }
    })
}

/// Whether a reference is a value of a reference type, as `ref.test` tells it
/// (<https://webassembly.github.io/spec/core/syntax/instructions.html#reference-instructions>): NULL is the null of all types that have
/// one. A function, memory, or other object of the host is a value of the external types, and of `LIBWASM_ANYREF` as what
/// `any.convert_extern` makes of it; a structure, array or i31 one of both hierarchies. False, with a reason, if the type is NULL or no
/// reference type. The reference and the type are lent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_ref_test(reference: *const wasm_ref_t, ty: *const wasm_valtype_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let ty = match unsafe { valtype::val_type(ty) }? {
            ValType::Ref(ty) => ty,
            other => return Err(Error::argument(format!("a reference type is wanted, {other} is given"))),
        };
        // SAFETY: as the caller states.
        let object = unsafe { own::object_or_null(reference) }?;
        if object.is_null() {
            return Ok(ty.nullable);
        }
        // SAFETY: a live handle.
        let store = unsafe { store_of(object) };
        // SAFETY: a handle keeps its store alive; only a trap may have none.
        let Some(store) = (unsafe { store.as_ref() }) else { return Ok(false) };
        let _entered = store.enter()?;
        // SAFETY: live, and its store is entered.
        Ok(unsafe { val::check_ref(store, object, val::crossing(ValType::Ref(ty)), ty) }.is_ok())
    })
}

/// Converts a value from one hierarchy of references to another.
///
/// # Safety
///
/// `out` is NULL or writable, `value` NULL or well-formed.
unsafe fn convert(value: *const wasm_val_t, from: HeapType, to: HeapType, out: *mut wasm_val_t) -> Result<bool> {
    // Read before `out` is written: they may be the same.
    // SAFETY: as the caller states.
    let value = unsafe { value.as_ref() }.copied();
    // SAFETY: as the caller states.
    unsafe { own::write(out, EMPTY) }?;
    let value = *own::val(&value.ok_or_else(|| own::null("a value"))?);
    let [from, to] = [from, to].map(|heap| RefType { nullable: true, heap });
    if !val::is_kind_of(value.kind, ValType::Ref(from)) {
        return Err(Error::argument(format!("expected a value of type {from}, got {}", val::name_of_kind(value.kind))));
    }
    if !value.object().is_null() {
        // SAFETY: a well-formed value has a live handle.
        let entered = unsafe { own::store_of_object(value.object()) }?.enter()?;
        // SAFETY: as above.
        unsafe { val::check_ref(entered.store(), value.object(), val::crossing(ValType::Ref(from)), from) }?;
    }
    // SAFETY: as above.
    let copy = unsafe { value.copy() };
    let converted = Val { kind: val::value_kind(ValType::Ref(to)), ..copy };
    // SAFETY: as the caller states.
    unsafe { own::write(out, own::val_into_raw(converted)) }?;
    Ok(true)
}

/// Makes an external reference of an internal one, as `extern.convert_any` does: a value of kind `WASM_EXTERNREF` in `out`, with a handle of
/// its own of the same object, owned by the caller. The value is lent. False, and the i32 0, with a reason, for NULL and for values of other types than `LIBWASM_ANYREF` and its subtypes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_val_extern_convert_any(value: *const wasm_val_t, out: *mut wasm_val_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || unsafe { convert(value, HeapType::Any, HeapType::Extern, out) })
}

/// Makes an internal reference of an external one, as `any.convert_extern` does: a value of kind `LIBWASM_ANYREF` in `out`, otherwise as
/// `libwasm_val_extern_convert_any`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_val_any_convert_extern(value: *const wasm_val_t, out: *mut wasm_val_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || unsafe { convert(value, HeapType::Extern, HeapType::Any, out) })
}
