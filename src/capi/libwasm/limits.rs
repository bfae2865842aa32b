//! Exact limits, of which `wasm_limits_t` has 32 bits, and the types that have them.

use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle};
use crate::capi::types::memorytype::{self, wasm_memorytype_t};
use crate::capi::types::tabletype::{self, wasm_tabletype_t};
use crate::capi::types::valtype::wasm_valtype_t;
use crate::types::{Error, Limits, MemoryType, Result};
use std::mem::offset_of;
use std::ptr;

/// The exact limits of a table, in elements, or of a memory, in pages, and what else their types say of sizes and addresses.
///
/// This struct keeps its size. What later versions add takes the place of `reserved`, so that 0 there means what it means today: clear
/// the whole struct before you fill it in, and read only members you know.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct libwasm_limits_t {
    pub min: u64,
    /// Meaningful only if `has_max`; `UINT64_MAX` otherwise, and ignored where limits are given.
    pub max: u64,
    pub has_max: bool,
    /// Whether indices or addresses are 64 bits wide.
    pub index64: bool,
    /// Whether the memory is shared between threads.
    pub shared: bool,
    /// The size of the memory's pages in bytes, 65,536 or 1. Where limits are given, 0 is 65,536. 0 for a table.
    pub page_size: u32,
    /// Zeros.
    pub reserved: [u64; 5],
}

/// The same as a host may fill it in, with any byte as a `bool`.
#[repr(C)]
#[derive(Copy, Clone)]
struct Given {
    min: u64,
    max: u64,
    has_max: u8,
    index64: u8,
    shared: u8,
    page_size: u32,
    reserved: [u64; 5],
}

const _: () = assert!(size_of::<libwasm_limits_t>() == 64 && size_of::<Given>() == 64);
const _: () = assert!(offset_of!(libwasm_limits_t, page_size) == offset_of!(Given, page_size));

const EMPTY: libwasm_limits_t =
    libwasm_limits_t { min: 0, max: 0, has_max: true, index64: false, shared: false, page_size: 0, reserved: [0; 5] };

fn exact(limits: Limits, index64: bool) -> libwasm_limits_t {
    let max = limits.max.unwrap_or(u64::MAX);
    libwasm_limits_t { min: limits.min, max, has_max: limits.max.is_some(), index64, ..EMPTY }
}

impl Given {
    fn limits(&self) -> Limits {
        Limits { min: self.min, max: (self.has_max != 0).then_some(self.max) }
    }

    fn memory_type(&self) -> Result<MemoryType> {
        let page_size_log2 = match self.page_size {
            0 | 0x10000 => MemoryType::DEFAULT_PAGE_SIZE_LOG2,
            1 => 0,
            other => return Err(Error::argument(format!("pages have 65536 bytes or 1, not {other}"))),
        };
        let (index64, shared) = (self.index64 != 0, self.shared != 0);
        Ok(MemoryType { limits: self.limits(), index64, shared, page_size_log2 })
    }
}

/// The limits that a host gives.
///
/// # Safety
///
/// `limits` is NULL or points to limits.
unsafe fn given(limits: *const libwasm_limits_t) -> Result<Given> {
    // SAFETY: as the caller states; a `Given` is laid out in the same way, and any bytes are one.
    let given = *unsafe { own::borrow_struct(limits.cast::<Given>(), "limits") }?;
    if given.reserved != [0; 5] {
        return Err(Error::argument(
            "limits whose reserved members are not 0: clear the struct before it is filled in",
        ));
    }
    Ok(given)
}

/// Makes a memory type, owned by the caller, with 64-bit addresses and pages of another size where the limits say so. Copies the limits.
/// As with `wasm_memorytype_new`, any can be described; `wasm_memory_new` checks them. NULL if `limits` is NULL, if its page size is
/// none, or if its reserved members are not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memorytype_new(limits: *const libwasm_limits_t) -> *mut wasm_memorytype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(memorytype::into_raw(&unsafe { given(limits) }?.memory_type()?)))
}

/// Makes a table type, owned by the caller, with 64-bit indices where the limits say so. Takes `element` over, as `wasm_tabletype_new`
/// does, also where it fails, and copies the limits. Any can be described; `wasm_table_new` checks them. (No table has more than 10,000,000
/// elements, so the functions of `wasm.h` reach all of any.) NULL if a pointer is NULL, if the limits are shared or have a page size,
/// or if their reserved members are not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_tabletype_new(
    element: *mut wasm_valtype_t,
    limits: *const libwasm_limits_t,
) -> *mut wasm_tabletype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let element = unsafe { OwnedHandle::new(element) }?;
        // SAFETY: as the caller states.
        let limits = unsafe { given(limits) }?;
        if limits.shared != 0 || limits.page_size != 0 {
            return Err(Error::argument("a table has no pages and is not shared"));
        }
        Ok(tabletype::from_parts(element, limits.limits(), limits.index64 != 0))
    })
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
        unsafe { own::write(out, exact(limits, index64)) }?;
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
        let page_size = ty.page_size() as u32;
        // SAFETY: as the caller states.
        unsafe { own::write(out, libwasm_limits_t { shared: ty.shared, page_size, ..exact(ty.limits, ty.index64) }) }?;
        Ok(true)
    })
}
