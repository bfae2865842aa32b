//! Value types that name defined types, and how types match.

use super::deftype::libwasm_deftype_t;
use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::types::externtype::wasm_externtype_t;
use crate::capi::types::valtype::{self, wasm_valtype_t};
use crate::types::{RefType, Result, ValType};
use crate::vm::types::{DefinedType, extern_matches, val_matches};
use std::ptr;

/// The type of references to what is of a defined type, `(ref $t)` or, with null, `(ref null $t)`: an object of its own, which the caller
/// owns. It keeps the type, which is lent. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_valtype_new_ref(ty: *const libwasm_deftype_t, nullable: bool) -> *mut wasm_valtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let heap = unsafe { own::borrow(ty) }?.heap_type();
        Ok(valtype::new(ValType::Ref(RefType { nullable, heap }))?.into_ptr())
    })
}

/// The type of references to the member at `index` of a recursion group that is under construction: an object of its own, which the caller
/// owns. It can be used in that group only (`libwasm_recgroup_add_struct` and its siblings), and the member may be added later. Its kind is
/// `LIBWASM_ANYREF`, or `LIBWASM_REF_ANY` without null, whatever the member is.
#[unsafe(no_mangle)]
pub extern "C" fn libwasm_valtype_new_member(index: u32, nullable: bool) -> *mut wasm_valtype_t {
    boundary(ptr::null_mut(), || Ok(valtype::new_member(index, nullable)))
}

/// The defined type that a value type names, owned by the caller; NULL, without a reason, if it names none; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_valtype_deftype(ty: *const wasm_valtype_t) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let defined = match unsafe { valtype::val_type(ty) }? {
            ValType::Ref(ty) => DefinedType::named_by(ty.heap),
            _ => None,
        };
        Ok(defined.map_or(ptr::null_mut(), own::into_raw))
    })
}

/// Whether null is a value of the type; false for numbers, vectors, and NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_valtype_is_nullable(ty: *const wasm_valtype_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || Ok(matches!(unsafe { valtype::open_val_type(ty) }?, ValType::Ref(ty) if ty.nullable)))
}

/// Two types of values.
///
/// # Safety
///
/// Each is NULL or a live handle.
unsafe fn both(a: *const wasm_valtype_t, b: *const wasm_valtype_t) -> Result<(ValType, ValType)> {
    // SAFETY: as the caller states.
    let a = unsafe { valtype::val_type(a) }?;
    // SAFETY: as the caller states.
    Ok((a, unsafe { valtype::val_type(b) }?))
}

/// Whether two value types are the same; false if one is NULL or a member of a recursion group that is under construction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_valtype_same(a: *const wasm_valtype_t, b: *const wasm_valtype_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || unsafe { both(a, b) }.map(|(a, b)| a == b))
}

/// Whether each value of one type is one of another (<https://webassembly.github.io/spec/core/valid/matching.html#value-types>); false if
/// one is NULL or a member of a recursion group that is under construction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_valtype_matches(ty: *const wasm_valtype_t, wanted: *const wasm_valtype_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || unsafe { both(ty, wanted) }.map(|(ty, wanted)| val_matches(ty, wanted)))
}

/// Whether something of one type can be imported where another is declared
/// (<https://webassembly.github.io/spec/core/valid/matching.html#external-types>), as `wasm_instance_new` asks; false if one is NULL. (Of tables
/// and memories that exist, their types say the current size for a minimum.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_externtype_matches(
    ty: *const wasm_externtype_t,
    wanted: *const wasm_externtype_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let (ty, _defined) = unsafe { own::borrow(ty) }?.extern_type()?;
        // SAFETY: as the caller states.
        let (wanted, _wanted) = unsafe { own::borrow(wanted) }?.extern_type()?;
        Ok(extern_matches(&ty, &wanted))
    })
}
