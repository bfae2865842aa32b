//! External objects: functions, globals, tables and memories, as instances import and export them.

use super::boundary::boundary;
use super::func::wasm_func_t;
use super::global::wasm_global_t;
use super::memory::wasm_memory_t;
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::table::wasm_table_t;
use super::types::TypeObject;
use super::types::externtype::{wasm_externkind_t, wasm_externtype_t};
use super::vec;
use crate::abi::ObjectKind;
use crate::types::{Error, ExternKind};
use crate::vm::instance::instantiate::extern_type;
use std::ffi::c_void;
use std::ptr;

/// An external object: a function, global, table or memory.
#[derive(Debug)]
pub struct wasm_extern_t {
    _opaque: [u8; 0],
}

/// A vector of external objects. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_extern_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_extern_t,
}

objects! {
    wasm_extern_t => "an external object", [Func | Global | Table | Memory | Tag];
}

vec::vectors! {
    wasm_extern_vec_t => *mut wasm_extern_t;
}

/// Deletes a handle of an external object; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_delete(object: *mut wasm_extern_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_copy(object: *const wasm_extern_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_same(a: *const wasm_extern_t, b: *const wasm_extern_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_get_host_info(object: *const wasm_extern_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_set_host_info(object: *mut wasm_extern_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_extern_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_set_host_info_with_finalizer(
    object: *mut wasm_extern_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// An external object as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_ref(object: *mut wasm_extern_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as an external object: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_extern(reference: *mut wasm_ref_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// An external object as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_ref_const(object: *const wasm_extern_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as an external object: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_extern_const(reference: *const wasm_ref_t) -> *const wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_vec_new_empty(out: *mut wasm_extern_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_vec_new_uninitialized(out: *mut wasm_extern_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_vec_new(
    out: *mut wasm_extern_vec_t,
    size: usize,
    data: *const *mut wasm_extern_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_vec_copy(out: *mut wasm_extern_vec_t, source: *const wasm_extern_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_vec_delete(vector: *mut wasm_extern_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}

/// The kind of an external object; `WASM_EXTERN_FUNC` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_kind(object: *const wasm_extern_t) -> wasm_externkind_t {
    boundary(ExternKind::Func as u8, || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(object) }?;
        // SAFETY: the caller's handle keeps the object alive.
        Ok(match unsafe { (*object).kind } {
            ObjectKind::Global => ExternKind::Global,
            ObjectKind::Table => ExternKind::Table,
            ObjectKind::Memory => ExternKind::Memory,
            ObjectKind::Tag => ExternKind::Tag,
            _ => ExternKind::Func,
        } as u8)
    })
}

/// The type of an external object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_type(object: *const wasm_extern_t) -> *mut wasm_externtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let object = unsafe { own::object(object) }?;
        // SAFETY: the caller's handle keeps the object alive.
        let ty = unsafe { extern_type(object) }.ok_or_else(|| Error::argument("the object is not external"))?;
        Ok(own::into_raw(TypeObject::new(&ty)?))
    })
}

/// A function as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_as_extern(object: *mut wasm_func_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A global as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_as_extern(object: *mut wasm_global_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A table as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_as_extern(object: *mut wasm_table_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A memory as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_as_extern(object: *mut wasm_memory_t) -> *mut wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a function: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_func(object: *mut wasm_extern_t) -> *mut wasm_func_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a global: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_global(object: *mut wasm_extern_t) -> *mut wasm_global_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a table: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_table(object: *mut wasm_extern_t) -> *mut wasm_table_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a memory: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_memory(object: *mut wasm_extern_t) -> *mut wasm_memory_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A function as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_as_extern_const(object: *const wasm_func_t) -> *const wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A global as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_global_as_extern_const(object: *const wasm_global_t) -> *const wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A table as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_table_as_extern_const(object: *const wasm_table_t) -> *const wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A memory as an external object: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_as_extern_const(object: *const wasm_memory_t) -> *const wasm_extern_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a function: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_func_const(object: *const wasm_extern_t) -> *const wasm_func_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a global: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_global_const(object: *const wasm_extern_t) -> *const wasm_global_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a table: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_table_const(object: *const wasm_extern_t) -> *const wasm_table_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// An external object as a memory: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_extern_as_memory_const(object: *const wasm_extern_t) -> *const wasm_memory_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}
