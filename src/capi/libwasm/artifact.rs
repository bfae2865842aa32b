//! Artifacts in files.

use crate::capi::boundary::boundary;
use crate::capi::module::wasm_module_t;
use crate::capi::own;
use crate::capi::store::wasm_store_t;
use crate::os::path_from_bytes;
use crate::types::Result;
use crate::vm::compiled_module::{CompiledModule, ModuleObject};
use std::ffi::{CStr, c_char};
use std::path::Path;
use std::ptr;

/// The path that a C string names.
///
/// # Safety
///
/// `path` is NULL or a string that ends in a NUL and is not changed for `'a`.
unsafe fn borrow_path<'a>(path: *const c_char) -> Result<&'a Path> {
    // SAFETY: as the caller states; looks at one byte only, to see whether there is a string.
    unsafe { own::borrow_struct(path, "a path") }?;
    // SAFETY: as the caller states, and it is not NULL.
    let path = unsafe { CStr::from_ptr(path) };
    Ok(path_from_bytes(path.to_bytes()))
}

/// Loads an artifact that lies in a file, in a time that does not depend on its length: the file is mapped, not read, and what
/// is needed of it comes into memory when it is used. Only the module's types, imports, exports, globals, and its element
/// segments that are lists of expressions are decoded. The module is owned by the caller. NULL if there is no such file, or it
/// cannot be used as an artifact: `libwasm_last_error_message` says why.
///
/// The file must not be changed or truncated as long as the module or an instance of it lives: what is not there any more
/// raises SIGBUS. To replace it by renaming another (as `libwasm_module_serialize_file` does) or to delete it is fine. Damage is
/// found in the head of the file only; elsewhere it makes wrong code or wrong traces. An artifact holds native code: only load
/// what you made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_module_deserialize_file(
    store: *mut wasm_store_t,
    path: *const c_char,
) -> *mut wasm_module_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let path = unsafe { borrow_path(path) }?;
        let compiled = CompiledModule::deserialize_file(entered.store().engine(), path)?;
        Ok(own::object_into_raw(ModuleObject::new(&entered, compiled)?))
    })
}

/// Writes an artifact of the module to a file, as `wasm_module_serialize` makes it: to a new one beside it, which then takes its
/// name. So the file is there whole or not at all, and one that was there before can be in use. False if that fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_module_serialize_file(module: *const wasm_module_t, path: *const c_char) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let module = unsafe { own::record(module) }?;
        // SAFETY: as the caller states.
        let path = unsafe { borrow_path(path) }?;
        module.compiled().write_artifact(path)?;
        Ok(true)
    })
}
