//! Exact limits: `wasm_limits_t` saturates at 32 bits.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::types::memorytype::{self, wasm_memorytype_t};
use crate::capi::types::tabletype::{self, wasm_tabletype_t};
use crate::types::Limits;

/// The exact limits of a table or memory, in elements or pages.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct libwasm_limits_t {
    pub min: u64,
    /// Meaningful only if `has_max`; `UINT64_MAX` otherwise.
    pub max: u64,
    pub has_max: bool,
    /// Whether indices or addresses are 64 bits wide.
    pub index64: bool,
    /// Whether the memory is shared between threads.
    pub shared: bool,
}

const EMPTY: libwasm_limits_t = libwasm_limits_t { min: 0, max: 0, has_max: true, index64: false, shared: false };

fn exact(limits: Limits, index64: bool, shared: bool) -> libwasm_limits_t {
    let max = limits.max.unwrap_or(u64::MAX);
    libwasm_limits_t { min: limits.min, max, has_max: limits.max.is_some(), index64, shared }
}

/// Writes the exact limits of a table type to `out`; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tabletype_limits(ty: *const wasm_tabletype_t, out: *mut libwasm_limits_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, EMPTY) }?;
        // SAFETY: as the caller states.
        let (limits, index64) = unsafe { tabletype::borrow(ty) }?.exact();
        // SAFETY: as the caller states.
        unsafe { own::write(out, exact(limits, index64, false)) }?;
        Ok(true)
    })
}

/// Writes the exact limits of a memory type to `out`; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memorytype_limits(ty: *const wasm_memorytype_t, out: *mut libwasm_limits_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, EMPTY) }?;
        // SAFETY: as the caller states.
        let ty = unsafe { memorytype::borrow(ty) }?.memory_type();
        // SAFETY: as the caller states.
        unsafe { own::write(out, exact(ty.limits, ty.index64, ty.shared)) }?;
        Ok(true)
    })
}
