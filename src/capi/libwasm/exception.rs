//! Tags and exceptions of WebAssembly.

use crate::abi::VMTag;
use crate::capi::boundary::boundary;
use crate::capi::external::wasm_extern_t;
use crate::capi::own::{self, objects};
use crate::capi::reference::{self, wasm_ref_t};
use crate::capi::store::wasm_store_t;
use crate::capi::trap::wasm_trap_t;
use crate::capi::types::object::TypeObject;
use crate::capi::types::tagtype::{self, TagTypeObject, wasm_tagtype_t};
use crate::capi::val::wasm_val_vec_t;
use crate::capi::vec;
use crate::types::{Error, Result, TagType, TypeUse};
use crate::vm::exception;
use crate::vm::gc::reference::HeapObject;
use crate::vm::tag;
use std::ptr;

/// A tag (<https://webassembly.github.io/spec/core/syntax/modules.html#tags>): what exceptions are told apart by. As an external object it is
/// imported and exported; its kind is `WASM_EXTERN_TAG`.
#[derive(Debug)]
pub struct libwasm_tag_t {
    _opaque: [u8; 0],
}

objects! {
    libwasm_tag_t => "a tag", [Tag], VMTag;
}

/// Looks at an exception behind a reference.
///
/// # Safety
///
/// `reference` is NULL or a live handle, and stays so for `'a`.
unsafe fn exception_behind<'a>(reference: *const wasm_ref_t) -> Result<&'a HeapObject> {
    // SAFETY: as the caller states.
    unsafe { own::heap_object(reference, "an exception") }
}

/// Makes a tag of a type in a store, owned by the caller. The type is lent. NULL for NULL, and if the type has results.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_new(store: *mut wasm_store_t, ty: *const wasm_tagtype_t) -> *mut libwasm_tag_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { tagtype::borrow(ty) }?.defined()?;
        Ok(own::object_into_raw(tag::new(&entered, ty)?))
    })
}

/// Deletes a handle of a tag; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_delete(tag: *mut libwasm_tag_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(tag) }
}

/// Makes another handle of the same tag, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_copy(tag: *const libwasm_tag_t) -> *mut libwasm_tag_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(tag) }
}

/// Whether two handles are of the same tag; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_same(a: *const libwasm_tag_t, b: *const libwasm_tag_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The type of a tag, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_type(tag: *const libwasm_tag_t) -> *mut wasm_tagtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let record = unsafe { own::record(tag) }?;
        // SAFETY: the caller's handle keeps the tag alive.
        let ty = unsafe { tag::ty(record) };
        let func = ty.sub_type().as_func().cloned().ok_or_else(|| Error::argument("a tag of no function type"))?;
        let ty = TagType { ty: TypeUse::Defined(ty.id()), func };
        Ok(own::into_raw(TypeObject::Tag(TagTypeObject::new(&ty)?)))
    })
}

/// A tag as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tag_as_extern(tag: *mut libwasm_tag_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(tag) }
}

/// An external object as a tag: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_extern_as_tag(object: *mut wasm_extern_t) -> *mut libwasm_tag_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// Makes an exception with a tag and arguments in the tag's store: a reference of kind `LIBWASM_EXNREF`, owned by the caller. The tag and
/// the arguments are lent. NULL for a NULL tag, for arguments of another number or kind than the tag's type has, and if the heap is
/// full.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_exception_new(
    tag: *const libwasm_tag_t,
    args: *const wasm_val_vec_t,
) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(tag) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(object) }?.enter()?;
        // SAFETY: as the caller states.
        let args = unsafe { own::vals(args) };
        // SAFETY: the caller's handle keeps the tag alive.
        let exception = unsafe { exception::new(&entered, object.cast(), args) }?;
        Ok(exception.into_raw().cast())
    })
}

/// The tag of an exception, owned by the caller; NULL, with a reason, for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_exception_tag(exception: *const wasm_ref_t) -> *mut libwasm_tag_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let exception = unsafe { exception_behind(exception) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(ptr::from_ref(exception).cast()) }?.enter()?;
        let tag = exception::tag_of(entered.store(), exception)?;
        // SAFETY: an exception keeps its tag alive, and the store is entered.
        Ok(unsafe { own::retain_object(tag.cast()) })
    })
}

/// What an exception carries, in a vector that the caller owns; false, and an empty vector, with a reason, for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_exception_args(exception: *const wasm_ref_t, out: *mut wasm_val_vec_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let exception = unsafe { exception_behind(exception) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(ptr::from_ref(exception).cast()) }?.enter()?;
        let mut args = exception::args(entered.store(), exception)?;
        let values = vec::from_iter(args.iter().copied().map(own::val_into_raw));
        // SAFETY: where there is no memory for a vector, nobody else has them.
        let values = values.inspect_err(|_| unsafe { exception::delete_args(&mut args) })?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, values) }?;
        Ok(true)
    })
}

/// The exception that a trap stands for, which WebAssembly has thrown and not caught (`LIBWASM_TRAP_EXCEPTION`): a reference that the caller
/// owns. NULL if it stands for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_trap_exception(trap: *const wasm_trap_t) -> *mut wasm_ref_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let trap = unsafe { own::record(trap) }?;
        if trap.store().is_null() {
            return Ok(ptr::null_mut());
        }
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(ptr::from_ref(trap).cast()) }?.enter()?;
        let exception = exception::of_trap(&entered, trap)?;
        Ok(exception.map_or(ptr::null_mut(), |exception| exception.into_raw().cast()))
    })
}

/// Makes a trap that stands for an exception, owned by the caller: a callback that returns it throws the exception, the same that was
/// given, which is lent. NULL, with a reason, for what is no exception.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_trap_new_exception(exception: *const wasm_ref_t) -> *mut wasm_trap_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let exception = unsafe { exception_behind(exception) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let entered = unsafe { own::store_of_object(ptr::from_ref(exception).cast()) }?.enter()?;
        Ok(own::object_into_raw(exception::to_trap(&entered, exception)?))
    })
}
