//! Contexts: what compiled code gets as its first parameter, and the part of a store that it reaches through one.

use crate::abi::activation::Activation;
use crate::abi::frame::TrapFrames;
use crate::abi::heap::VMTypeRecord;
use crate::abi::libcall::LibcallTable;
use crate::abi::records::VMFuncRef;
use crate::abi::value::ValVec;
use std::mem::offset_of;

/// What every context starts with, that of an instance and that of a host function.
#[repr(C)]
#[derive(Debug)]
pub struct VMAnyContext {
    pub store: *mut VMStoreContext,
}

/// A stub that calls a host's callback with two vectors; a trap, null, or what `arch` says of exceptions.
pub type CallHost = unsafe extern "C" fn(*mut VMHostContext, *const ValVec, *mut ValVec, *mut Activation) -> *mut u8;

/// The context of a host function.
#[repr(C)]
#[derive(Debug)]
pub struct VMHostContext {
    pub store: *mut VMStoreContext,
    /// The stub that calls the callback: `(host context, arguments, results, activation)`, of which two are vectors.
    pub call: CallHost,
    /// `wasm_func_callback_t`, or `wasm_func_callback_with_env_t`: the stub knows.
    pub callback: *const u8,
    pub env: *mut u8,
}

/// The fixed part of an instance's context. The arrays of [`VMContextLayout`] follow it in the same allocation.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VMContext {
    /// Must be first: [`VMAnyContext`].
    pub store: *mut VMStoreContext,
    pub libcalls: *const LibcallTable,
    /// For each type of the module, the engine-wide number of it.
    pub type_ids: *const u32,
    /// The entry of the libcall `raise`, which is called at more places than all others.
    pub raise: *const u8,
}

const _: () = assert!(offset_of!(VMContext, store) == 0 && offset_of!(VMHostContext, store) == 0);
const _: () = assert!(size_of::<VMContext>() == 32);

/// The part of a store that compiled code and the assembly stubs read and write.
#[repr(C)]
#[derive(Debug)]
pub struct VMStoreContext {
    /// The entry points of the libcalls, for trampolines, whose context may be a host function's.
    pub libcalls: *const LibcallTable,
    /// Compiled code traps with a stack overflow when its stack pointer would go below this.
    pub stack_limit: usize,
    /// The innermost activation, linked to the outer ones. Null when no WebAssembly runs.
    pub activation: *mut Activation,
    /// Records for more activations, linked; null if there are none.
    pub spare: *mut Activation,
    /// The record of an activation that is entered while there is no other.
    pub first: Activation,
    /// Called with this context and an activation when a host function has returned to it and it is not the first of the list: makes it
    /// the first. With null, when an activation that was moved has been left.
    pub resume: unsafe extern "C" fn(*mut VMStoreContext, *mut Activation),
    /// Called when a trap or an exception lands, with this context, before the landing drops the frames that it crosses. Not 0 if it is
    /// an exception that one of these frames handles: `resume_at` says where. Otherwise they are recorded in `trap_frames`.
    pub capture_trap_frames: unsafe extern "C" fn(*mut VMStoreContext) -> u32,
    /// The trap that is on its way to the innermost entry stub (`raise` in `arch`).
    pub pending_trap: PendingTrap,
    /// Where an exception that is caught goes on: set before `raise` is told so.
    pub resume_at: VMResume,
    /// The heap of the store.
    pub heap: VMHeap,
    /// The frames the last trap crossed, innermost first, kept by the landing before it drops them. Not for compiled code.
    pub trap_frames: TrapFrames,
}

/// Where compiled code handles an exception.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct VMResume {
    pub pc: usize,
    /// The stack pointer and the frame pointer of the function.
    pub sp: usize,
    pub fp: usize,
    /// The reference to the exception.
    pub exception: u64,
}

impl VMResume {
    pub const NOWHERE: VMResume = VMResume { pc: 0, sp: 0, fp: 0, exception: 0 };
}

/// What compiled code has to know of a store's heap.
#[repr(C)]
#[derive(Debug)]
pub struct VMHeap {
    /// Where the heap begins; null before an instance has been made whose module has references that are neither external nor functions.
    pub base: *mut u8,
    /// Where compiled code allocates the next object, and where the room for that ends: distances from the start of the heap.
    pub alloc: u32,
    pub alloc_end: u32,
    /// The records of all types; null as long as `base` is.
    pub type_records: *const VMTypeRecord,
    /// The functions that the heap refers to, of which the first is null, and how many there are.
    pub funcs: *const *mut VMFuncRef,
    pub num_funcs: u32,
    pub _pad: u32,
}

impl VMHeap {
    /// No heap.
    pub const NONE: VMHeap = VMHeap {
        base: std::ptr::null_mut(),
        alloc: 0,
        alloc_end: 0,
        type_records: std::ptr::null(),
        funcs: std::ptr::null(),
        num_funcs: 0,
        _pad: 0,
    };
}

/// A trap between the instruction that raised it and the entry stub that it lands in.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct PendingTrap {
    /// A [`TrapCode`], or [`PendingTrap::OBJECT`] if `object` says it all.
    pub code: u32,
    /// The reference to an exception, if that is what was raised; else 0.
    pub exception: u32,
    /// The trap object a host function or libcall made (owned), or null.
    pub object: *mut u8,
    /// The frame pointer and the pc of the wasm frame that raised it; the pc is that of the faulting instruction for a
    /// signal, and a return address otherwise.
    pub fp: usize,
    pub pc: usize,
    /// 1 if `pc` is a faulting instruction, 0 if it is a return address.
    pub exact_pc: u32,
    /// 0 if `address` is an address; otherwise 1 and the index of the memory that it is a byte of.
    pub memory: u32,
    /// The address that faulted; 0 if none did, or it is not known. Or the first byte beyond a memory that a bulk operation meant.
    pub address: usize,
}

impl PendingTrap {
    pub const OBJECT: u32 = 0xff;

    /// No trap.
    pub const NONE: PendingTrap = PendingTrap {
        code: 0,
        exception: 0,
        object: std::ptr::null_mut(),
        fp: 0,
        pc: 0,
        exact_pc: 0,
        memory: 0,
        address: 0,
    };
}
