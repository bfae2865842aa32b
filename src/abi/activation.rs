//! Activations: the runs of WebAssembly in a store, one for each entry that has not returned.
//!
//! The record of an activation lies in the store's memory, not in the frame it describes: a host function may be left by
//! `longjmp` or an exception, and a coroutine may be freed while it is inside, so that a frame is gone before its record. Whoever
//! looks for dead ones (`src/vm/store/activations.rs`) reads the records, and trusts nothing on the stack that it has not checked.
//!
//! The entry stub (`src/arch`) links a record and unlinks it when the trampoline returns or a trap lands. The stubs through which
//! WebAssembly calls out record in it where that was; `src/vm/trap/unwind.rs` walks from there.

use crate::abi::context::{VMHostContext, VMStoreContext};

/// A run of WebAssembly, from the entry stub that started it.
///
/// Invariant: while code of the activation runs, compiled code or a libcall, its record is the first of the store's list.
#[repr(C)]
#[derive(Debug)]
pub struct Activation {
    /// The store whose record it is.
    pub store: *mut VMStoreContext,
    /// The next record of the list it is in: that of the activations, or of the unused records.
    pub previous: *mut Activation,
    /// The frame pointer of the entry stub: the chain of frame pointers of this activation ends here.
    pub entry_fp: usize,
    /// The stack pointer of the function that entered, a fixed distance below its own return address: see
    /// [`Activation::RETURN_SLOT`]. 0 if it is not known.
    pub entry_sp: usize,
    /// The return address that was there.
    pub return_address: usize,
    /// Where it called out last: the frame pointer of the youngest frame of WebAssembly and the return address into that frame, or the
    /// frame pointer of the trampoline that it has called, and 0.
    pub exit_fp: usize,
    pub exit_pc: usize,
    /// The host function that was called out to, or null for a libcall.
    pub exit_callee: *mut VMHostContext,
    /// Why leaving it takes more than unlinking the record: [`Activation::HOST_MODE`], [`Activation::MOVED`]. Mostly 0.
    pub flags: u32,
    /// The host's floating-point control and status register, if the flag says that it is kept here.
    pub host_mode: u32,
    /// How many entries of the store's owner thread were under way before the one that began this, if it is the outermost.
    pub level: u32,
    /// The store's stack limit for this activation, while another one on another stack has set its own; 0 otherwise.
    pub stack_limit: usize,
    /// The exception that the last host function was left by, until the stub's caller takes it.
    pub exception: *mut u8,
}

impl Activation {
    /// WebAssembly's floating-point mode is set, and the host's, which differs, is in `host_mode`.
    pub const HOST_MODE: u32 = 1;
    /// Others were entered later and are still in the list: the record was moved to the front when its coroutine went on.
    pub const MOVED: u32 = 2;

    /// Where the return address of the function that entered lies, in bytes above `entry_sp`.
    pub const RETURN_SLOT: usize = 56;

    /// An unused record.
    pub const UNUSED: Activation = Activation {
        store: std::ptr::null_mut(),
        previous: std::ptr::null_mut(),
        entry_fp: 0,
        entry_sp: 0,
        return_address: 0,
        exit_fp: 0,
        exit_pc: 0,
        exit_callee: std::ptr::null_mut(),
        flags: 0,
        host_mode: 0,
        level: 0,
        stack_limit: 0,
        exception: std::ptr::null_mut(),
    };
}
