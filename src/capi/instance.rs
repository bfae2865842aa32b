//! Instances.

use super::boundary::{boundary, boundary_or, record};
use super::external::{wasm_extern_t, wasm_extern_vec_t};
use super::module::wasm_module_t;
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::trap::{self, wasm_trap_t};
use super::vec;
use crate::types::{Error, ErrorKind, Result};
use crate::vm::instance::Instance;
use crate::vm::instance::instantiate::{Failure, instantiate};
use crate::vm::store::Entered;
use crate::vm::store::entity::Handle;
use crate::vm::trap::Trap;
use std::ffi::c_void;
use std::ptr;

/// An instance of a module.
#[derive(Debug)]
pub struct wasm_instance_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_instance_t => "an instance", [Instance], Instance;
}

/// Deletes a handle of an instance; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_delete(object: *mut wasm_instance_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_copy(object: *const wasm_instance_t) -> *mut wasm_instance_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_same(a: *const wasm_instance_t, b: *const wasm_instance_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_get_host_info(object: *const wasm_instance_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_set_host_info(object: *mut wasm_instance_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_instance_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_set_host_info_with_finalizer(
    object: *mut wasm_instance_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// An instance as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_as_ref(object: *mut wasm_instance_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as an instance: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_instance(reference: *mut wasm_ref_t) -> *mut wasm_instance_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// An instance as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_as_ref_const(object: *const wasm_instance_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as an instance: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_instance_const(reference: *const wasm_ref_t) -> *const wasm_instance_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Instantiates a module in the store that is entered. Failures get a trap of that store, wrong arguments too.
///
/// # Safety
///
/// The pointers are as for [`wasm_instance_new`].
unsafe fn instance_of(
    entered: &Entered<'_>,
    module: *const wasm_module_t,
    imports: *const wasm_extern_vec_t,
) -> Result<Handle<Instance>, Failure> {
    // SAFETY: as the caller states.
    let module = unsafe { own::record(module) }?;
    // SAFETY: as the caller states.
    let imports = unsafe { vec::elements(imports) };
    // SAFETY: as the caller states.
    let imports = imports.iter().map(|&import| unsafe { own::object_or_null(import.cast_const()) });
    let imports = imports.collect::<Result<Vec<_>>>()?;
    // SAFETY: the caller's handles keep the imports alive.
    unsafe { instantiate(entered, module.compiled(), imports) }
}

/// Instantiates a module (<https://webassembly.github.io/spec/core/exec/modules.html#instantiation>); the instance is
/// owned by the caller.
///
/// `imports` are lent, and given in the order of the module's imports. More than it has are ignored; NULL is an empty vector. NULL on
/// failure, and then `*trap` gets a trap owned by the caller: that of a start function or active segment, or one that says which import
/// was wrong and why. On success `*trap` gets NULL. `trap` itself may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wasm_instance_new(
    store: *mut wasm_store_t,
    module: *const wasm_module_t,
    imports: *const wasm_extern_vec_t,
    trap: *mut *mut wasm_trap_t,
) -> *mut wasm_instance_t {
    let set_trap = |value: *mut wasm_trap_t| {
        // SAFETY: as the caller states.
        if let Some(trap) = unsafe { trap.as_mut() } {
            *trap = value;
        } else {
            // SAFETY: nobody else has this handle.
            unsafe { own::delete(value) };
        }
    };
    let failed = |error: Error| {
        set_trap(trap::from_error(&error));
        ptr::null_mut()
    };
    // A trap that stands for an exception, which goes on from outside of the boundary.
    let mut thrown = None;
    let trapped = |trap: Handle<Trap>| {
        let message = String::from_utf8_lossy(trap.message()).into_owned();
        record(&Error::new(ErrorKind::Trap, message));
        set_trap(own::object_into_raw(trap));
        ptr::null_mut()
    };
    let instance = boundary_or(failed, || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        match unsafe { instance_of(&entered, module, imports) } {
            Ok(instance) => {
                set_trap(ptr::null_mut());
                Ok(own::object_into_raw(instance))
            }
            Err(Failure::Error(error)) => {
                record(&error);
                set_trap(trap::from_error_in(&entered, &error));
                Ok(ptr::null_mut())
            }
            Err(Failure::Trap(trap)) if trap.stands_for_exception() => {
                thrown = Some(trap);
                Ok(ptr::null_mut())
            }
            Err(Failure::Trap(trap)) => Ok(trapped(trap)),
        }
    });
    match thrown {
        Some(trap) => trapped(trap::let_exception_go_on(trap)),
        None => instance,
    }
}

/// Makes handles of the instance's exports in `out`, in the order of the module's exports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_instance_exports(instance: *const wasm_instance_t, out: *mut wasm_extern_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let instance = unsafe { own::record(instance) }?;
        let _entered = instance.store().enter()?;
        let objects = instance.module().exports.iter().map(|export| {
            let object = instance.entity(export.entity).unwrap_or(ptr::null_mut());
            Ok(object.cast::<wasm_extern_t>())
        });
        let exports: wasm_extern_vec_t = vec::try_from_iter(objects)?;
        // SAFETY: made just now.
        let elements = unsafe { vec::elements(&exports) };
        // SAFETY: the instance keeps its exports alive, and the store is entered.
        unsafe { own::retain_objects(elements) };
        if let Some(position) = elements.iter().position(|object| object.is_null()) {
            // SAFETY: made just now, and its elements are handles.
            drop(unsafe { vec::from_raw(&mut { exports }) });
            let name = &instance.module().exports[position].name;
            return Err(Error::unsupported(format!("no object stands for the export {name:?}")));
        }
        // SAFETY: as the caller states.
        unsafe { own::write(out, exports) }
    })
}
