//! Sizes of memories that have more than 32 bits.

use crate::capi::boundary::boundary;
use crate::capi::memory::wasm_memory_t;
use crate::capi::own;

/// The size of a memory in pages, of the size that its type says, as `memory.size` gives it; 0 for NULL. (`wasm_memory_size` has 32 bits.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memory_size(memory: *const wasm_memory_t) -> u64 {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::record(memory) }?.pages()))
}

/// Grows a memory by `delta` pages, of the size that its type says. False, with the reason recorded and nothing changed, if it cannot
/// grow so far: because of its type (`LIBWASM_ERROR_LIMIT`), because less address space was reserved for it (the same; see
/// `libwasm_config_set_memory_reservation`), or because the system has no memory left (`LIBWASM_ERROR_OUT_OF_MEMORY`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memory_grow(memory: *mut wasm_memory_t, delta: u64) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let memory = unsafe { own::record(memory) }?;
        let _entered = memory.store().enter()?;
        memory.grow(delta)?;
        Ok(true)
    })
}
