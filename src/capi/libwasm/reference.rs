//! What a reference refers to, as WebAssembly sees it.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::reference::wasm_ref_t;
use crate::capi::types::valtype::{self, wasm_valtype_t};
use crate::types::{Error, ValType};
use crate::vm::store::entity::store_of;
use crate::vm::val;

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
