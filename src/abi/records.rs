//! Functions, memories, tables and globals as compiled code sees them.

use crate::abi::context::VMAnyContext;
use crate::abi::object::ObjectHeader;
use crate::abi::value::Crossing;
use std::sync::atomic::{AtomicPtr, AtomicUsize};

/// A function, as references to it and handles on it see it.
///
/// `entry` follows the `tail` convention: first parameter `vmctx`, then the WebAssembly parameters.
#[repr(C)]
#[derive(Debug)]
pub struct VMFuncRef {
    pub object: ObjectHeader,
    pub entry: *const u8,
    /// The callee's context: a [`VMContext`], or a [`VMHostContext`] for a host function.
    pub vmctx: *mut VMAnyContext,
    /// The engine's registration of the function's type; owned by the module or host function that owns this record.
    pub ty: *const VMFuncType,
    /// The engine-wide number of the function's type: equal types have equal numbers.
    pub type_id: u32,
    /// The function's index in its module, `u32::MAX` for a host function.
    pub func_index: u32,
    /// Its place among the functions that the heap of the store refers to; 0 for none.
    pub heap_index: u32,
    pub _pad: u32,
}

/// The head of a function type's registration in an engine: what the stub of numeric-only calls reads of it.
#[repr(C)]
#[derive(Debug)]
pub struct VMFuncType {
    /// The trampoline from the host to WebAssembly, if the signature has numbers only and it has been compiled; else null.
    pub numeric_to_wasm: AtomicPtr<u8>,
    /// The same if it has others too, and few.
    pub slots_to_wasm: AtomicPtr<u8>,
    pub num_params: usize,
    pub num_results: usize,
}

/// Bytes of address space reserved for a memory in guard-page mode, before the guard: all that 32-bit addresses reach. A memory with
/// 64-bit addresses has these at least.
pub const GUARDED_RESERVATION: u64 = 1 << 32;
/// Inaccessible bytes after the reservation. Offsets that reach beyond it are checked explicitly.
pub const GUARD_SIZE: u64 = 32 << 20;

/// A memory as compiled code sees it. Of a shared memory there is one, which the code of all threads reads.
#[repr(C)]
#[derive(Debug)]
pub struct VMMemory {
    /// Never changes when the memory is reserved or shared.
    pub base: *mut u8,
    /// Length in bytes: a multiple of the page size. It only ever grows, and what it says can be accessed already.
    pub length: AtomicUsize,
}

/// A table as compiled code sees it. Elements are `*mut VMFuncRef` (8 bytes) for function references, and 32-bit
/// references into the store's heap (4 bytes) otherwise; null is 0 in both. In a function table 0 may also stand for a function
/// that was not asked for yet: see `src/vm/table.rs`.
#[repr(C)]
#[derive(Debug)]
pub struct VMTable {
    pub base: *mut u8,
    /// Length in elements.
    pub length: usize,
    /// Not 0 if an element may be other than what its instance's module says, or be a function of another instance. Compiled
    /// code sets it wherever it stores an element.
    pub written: u64,
}

/// A global: a record with an identity, and its value.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VMGlobal {
    pub object: ObjectHeader,
    /// Of its type what the host's functions ask. Not for compiled code, as what follows.
    pub crossing: Crossing,
    pub mutable: bool,
    pub _pad: [u8; 3],
    /// The value: i32, i64, f32, f64 little-endian bits in the low bytes, v128, a `*mut VMFuncRef`, or a 32-bit heap reference.
    pub value: [u8; 16],
}

/// A tag: a record with an identity, which exceptions carry the place of.
#[repr(C)]
#[derive(Debug)]
pub struct VMTag {
    pub object: ObjectHeader,
    /// Its place among the tags that exceptions of the store have; 0 for none.
    pub heap_index: u32,
    pub _pad: u32,
}

/// An imported function: what is needed to call it, copied out of its [`VMFuncRef`], and that.
#[repr(C)]
#[derive(Debug)]
pub struct VMFuncImport {
    pub entry: *const u8,
    pub vmctx: *mut VMAnyContext,
    pub func_ref: *mut VMFuncRef,
}

/// A memory an instance uses, its own or an imported one.
#[repr(C)]
#[derive(Debug)]
pub struct VMMemorySlot {
    /// A copy of the memory's base. Valid only where memories are reserved and never move (guard-page mode).
    pub base: *mut u8,
    pub memory: *mut VMMemory,
    /// The bytes from `base` on that are reserved for the memory, before its guard: no byte from here to the guard's end is ever
    /// accessible. At least [`GUARDED_RESERVATION`] in guard-page mode, and of no meaning elsewhere.
    pub room: usize,
    /// The object of the instance's store that the memory is. Not for compiled code.
    pub object: *mut ObjectHeader,
}

const _: () = assert!(size_of::<VMGlobal>() == 32 && size_of::<VMFuncRef>() == 48);
