//! WebAssembly functions → machine code, one by one.
//!
//! What comes out refers to nothing but its vmctx, its own text and the libcalls in the table the vmctx points to,
//! so functions can be compiled in any order, on any thread, more than once, and placed afterwards.
//! No unsafe code, and no knowledge of stores or instances beyond the layouts in `vm/vmcontext.rs`.
#![forbid(unsafe_code)]

mod bounds;
mod dispatch;
mod env;
mod func;
mod ops;
mod sig;
mod stack;

use crate::types::{FuncIndex, TrapCode};
use serde::{Deserialize, Serialize};

/// How much Cranelift optimizes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OptLevel {
    None,
    Speed,
    SpeedAndSize,
}

/// Everything that decides what code looks like. Part of an artifact's identity.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompileOptions {
    pub opt_level: OptLevel,
    /// Whether faults of compiled code are turned into traps by a signal handler. When not, every check is explicit.
    pub signals: bool,
    /// Whether every 32-bit memory lies in a reservation of 4 GiB followed by [`GUARD_SIZE`] inaccessible bytes and
    /// accesses rely on it. Implies `signals`. When not, every access is checked against the memory's length.
    pub guard_pages: bool,
}

/// Bytes reserved for a memory with 32-bit addresses in guard-page mode, before the guard.
pub const GUARDED_RESERVATION: u64 = 1 << 32;
/// Inaccessible bytes after the reservation. Offsets that reach beyond it are checked explicitly.
pub const GUARD_SIZE: u64 = 32 << 20;

/// The code of one function and what is known about it. Offsets are bytes from the start of `text`.
#[derive(Debug, Default)]
pub struct CompiledFunction {
    pub text: Vec<u8>,
    pub alignment: u32,
    /// Direct calls inside the module: 4-byte pc-relative fields to patch, `target + addend - address of the field`.
    pub calls: Vec<CallSite>,
    /// Instructions that can fault, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// Ranges of code and where in the module's binary they come from, sorted by `code_offset`.
    pub addresses: Vec<AddressSite>,
    /// Live references at each call, sorted by `return_offset`.
    pub stack_maps: Vec<StackMap>,
    /// Where the frame keeps its vmctx: bytes to add (usually negative) to the frame pointer.
    pub vmctx_fp_offset: i32,
}

#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub struct CallSite {
    pub offset: u32,
    pub addend: i64,
    pub callee: FuncIndex,
}

#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub struct TrapSite {
    pub offset: u32,
    pub code: TrapCode,
}

/// From `code_offset` up to the next entry, code comes from `module_offset` (`u32::MAX`: from nowhere in particular).
#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub struct AddressSite {
    pub code_offset: u32,
    pub module_offset: u32,
}

/// Which stack slots hold live references while the call that returns to `return_offset` runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackMap {
    pub return_offset: u32,
    /// The frame pointer less the stack pointer during the call.
    pub frame_size: u32,
    /// Offsets from the stack pointer of 32-bit references into the store's heap.
    pub heap_refs: Box<[u32]>,
    /// Offsets from the stack pointer of 64-bit pointers to a `VMFuncRef`.
    pub func_refs: Box<[u32]>,
}
