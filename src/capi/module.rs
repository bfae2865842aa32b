//! Modules, and modules shared between threads.

use super::boundary::boundary;
use super::byte::{self, wasm_byte_vec_t};
use super::own::{self, boxed, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::types::exporttype::{ExportTypeObject, wasm_exporttype_vec_t};
use super::types::importtype::{ImportTypeObject, wasm_importtype_vec_t};
use super::vec;
use crate::code;
use crate::os;
use crate::types::Result;
use crate::vm::compiled_module::{CompiledModule, ModuleObject};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

/// A compiled module (<https://webassembly.github.io/spec/core/syntax/modules.html>).
#[derive(Debug)]
pub struct wasm_module_t {
    _opaque: [u8; 0],
}

/// A module that can be given to another thread. It belongs to no store.
#[derive(Debug)]
pub struct wasm_shared_module_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_module_t => "a module", [Module], ModuleObject;
}

boxed! {
    wasm_shared_module_t => Arc<CompiledModule>, "a shared module";
}

/// Deletes a handle of a module; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_delete(object: *mut wasm_module_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_copy(object: *const wasm_module_t) -> *mut wasm_module_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_same(a: *const wasm_module_t, b: *const wasm_module_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_get_host_info(object: *const wasm_module_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_set_host_info(object: *mut wasm_module_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_module_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_set_host_info_with_finalizer(
    object: *mut wasm_module_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A module as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_as_ref(object: *mut wasm_module_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a module: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_module(reference: *mut wasm_ref_t) -> *mut wasm_module_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A module as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_as_ref_const(object: *const wasm_module_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a module: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_module_const(reference: *const wasm_ref_t) -> *const wasm_module_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Deletes a shared module; modules obtained from it live on; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_shared_module_delete(object: *mut wasm_shared_module_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a shared module of a module, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_share(module: *const wasm_module_t) -> *mut wasm_shared_module_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(own::into_raw(unsafe { own::record(module) }?.compiled().clone())))
}

/// Makes a module in `store` of a shared one, owned by the caller. NULL if one is NULL, or the store is of another engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_obtain(
    store: *mut wasm_store_t,
    shared: *const wasm_shared_module_t,
) -> *mut wasm_module_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let compiled = unsafe { own::borrow(shared) }?.clone();
        Ok(own::object_into_raw(ModuleObject::new(&entered, compiled)?))
    })
}

/// Validates and compiles a binary; the module is owned by the caller. NULL if it is malformed, invalid or not supported:
/// `libwasm_last_error_message` says why and `libwasm_last_error_offset` where.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_new(
    store: *mut wasm_store_t,
    binary: *const wasm_byte_vec_t,
) -> *mut wasm_module_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let compiled =
            CompiledModule::new(entered.store().engine(), unsafe { byte::given(binary, "a module's bytes") }?)?;
        Ok(own::object_into_raw(ModuleObject::new(&entered, compiled)?))
    })
}

/// Whether a binary is a valid module that the store's engine accepts. If not, `libwasm_last_error_message` says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_validate(store: *mut wasm_store_t, binary: *const wasm_byte_vec_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let features = unsafe { own::store(store) }?.engine().features();
        // SAFETY: as the caller states.
        let binary = unsafe { byte::given(binary, "a module's bytes") }?;
        os::reserve::check_for(code::parsing_memory(binary.len()))?;
        code::with_stack(os::stack_left(), || crate::module::validate(binary, features))?;
        Ok(true)
    })
}

/// Makes the types of the module's imports in `out`, in the module's order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_imports(module: *const wasm_module_t, out: *mut wasm_importtype_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let module = unsafe { own::record(module) }?.compiled();
        let imports = module
            .module()
            .imports
            .iter()
            .map(|import| ImportTypeObject::new(&import.module, &import.name, &module.entity_type(import.entity)));
        let imports = imports.collect::<Result<Vec<_>>>()?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::from_iter(imports.into_iter().map(own::into_raw))?) }
    })
}

/// Makes the types of the module's exports in `out`, in the module's order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_exports(module: *const wasm_module_t, out: *mut wasm_exporttype_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let module = unsafe { own::record(module) }?.compiled();
        let exports = module.module().exports.iter();
        let exports = exports.map(|export| ExportTypeObject::new(&export.name, &module.entity_type(export.entity)));
        let exports = exports.collect::<Result<Vec<_>>>()?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::from_iter(exports.into_iter().map(own::into_raw))?) }
    })
}

/// Makes an artifact of the module in `out`: its machine code, for this version of libwasm, this kind of CPU and this
/// configuration of the engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_serialize(module: *const wasm_module_t, out: *mut wasm_byte_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let artifact = unsafe { own::record(module) }?.compiled().artifact();
        // SAFETY: as the caller states.
        unsafe { own::write(out, byte::from_bytes(artifact)?) }
    })
}

/// Loads a copy of an artifact; the module is owned by the caller. NULL if it is damaged or was made by another version, for another
/// CPU or with another configuration: `libwasm_last_error_message` says why, and `libwasm_last_error_offset` at which byte of the
/// artifact that shows. An artifact holds native code: only load what you made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_module_deserialize(
    store: *mut wasm_store_t,
    artifact: *const wasm_byte_vec_t,
) -> *mut wasm_module_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let compiled = CompiledModule::deserialize(entered.store().engine(), unsafe {
            byte::given(artifact, "an artifact's bytes")
        }?)?;
        Ok(own::object_into_raw(ModuleObject::new(&entered, compiled)?))
    })
}
