//! Memories.

use super::boundary::boundary;
use super::byte::byte_t;
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::types::memorytype::{self, wasm_memorytype_t};
use crate::vm::memory::Memory;
use std::ffi::c_void;
use std::ptr;

/// A number of pages: of 64 KiB, unless the memory's type says otherwise (`libwasm_memorytype_limits`).
pub type wasm_memory_pages_t = u32;

/// A linear memory.
#[derive(Debug)]
pub struct wasm_memory_t {
    _opaque: [u8; 0],
}

objects! {
    wasm_memory_t => "a memory", [Memory], Memory;
}

/// Deletes a handle of a memory; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_delete(object: *mut wasm_memory_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_copy(object: *const wasm_memory_t) -> *mut wasm_memory_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_same(a: *const wasm_memory_t, b: *const wasm_memory_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_get_host_info(object: *const wasm_memory_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_set_host_info(object: *mut wasm_memory_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_memory_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_set_host_info_with_finalizer(
    object: *mut wasm_memory_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A memory as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_as_ref(object: *mut wasm_memory_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a memory: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_memory(reference: *mut wasm_ref_t) -> *mut wasm_memory_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A memory as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_as_ref_const(object: *const wasm_memory_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a memory: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_memory_const(reference: *const wasm_ref_t) -> *const wasm_memory_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a memory of zeros, owned by the caller. NULL for more than 65,536 pages, or a minimum above the maximum. With a type of 64-bit
/// addresses (`libwasm_memorytype_new`) more pages are allowed, as many as there is memory for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_new(store: *mut wasm_store_t, ty: *const wasm_memorytype_t) -> *mut wasm_memory_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let ty = unsafe { memorytype::borrow(ty) }?.memory_type();
        Ok(own::object_into_raw(Memory::new(&entered, ty)?))
    })
}

/// The type of a memory, with its current size as the minimum, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_type(memory: *const wasm_memory_t) -> *mut wasm_memorytype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(memorytype::into_raw(&unsafe { own::record(memory) }?.ty())))
}

/// The bytes of a memory. They stay where they are until the memory dies if it is reserved, which is the default, and until
/// the next growth otherwise. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_data(memory: *mut wasm_memory_t) -> *mut byte_t {
    // SAFETY: as the caller states.
    unsafe { own::record_at_hand(memory) }.map_or(ptr::null_mut(), |memory| memory.base().cast())
}

/// The size of a memory in bytes; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_data_size(memory: *const wasm_memory_t) -> usize {
    // SAFETY: as the caller states.
    unsafe { own::record_at_hand(memory) }.map_or(0, Memory::byte_len)
}

/// The size of a memory in pages; 0 for NULL. A size beyond 32 bits saturates to `UINT32_MAX`: `libwasm_memory_size` has the exact one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_size(memory: *const wasm_memory_t) -> wasm_memory_pages_t {
    // SAFETY: as the caller states.
    boundary(0, || Ok(u32::try_from(unsafe { own::record(memory) }?.pages()).unwrap_or(u32::MAX)))
}

/// Grows a memory by `delta` pages. False if it cannot grow so far. (`libwasm_memory_grow` can grow by more than 32 bits tell.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_memory_grow(memory: *mut wasm_memory_t, delta: wasm_memory_pages_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let memory = unsafe { own::record(memory) }?;
        let _entered = memory.store().enter()?;
        memory.grow(delta.into())?;
        Ok(true)
    })
}
