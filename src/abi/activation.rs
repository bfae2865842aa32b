//! The record that links the runs of WebAssembly on a stack: one for each entry that has not returned yet.
//!
//! The entry stub (`src/arch`) builds an [`Activation`] in its own frame, links it into the store and unlinks it when the
//! trampoline returns or a trap lands. Nobody else writes one; `src/vm/trap/unwind.rs` reads them.

use crate::abi::context::{VMHostContext, VMStoreContext};

/// A run of WebAssembly: lives in the frame of the entry stub that started it.
///
/// Invariant: while `VMStoreContext::activation` points to one, the frame it lies in is live, and so are all the frames
/// between it and the frames of its `previous`.
#[repr(C)]
#[derive(Debug)]
pub struct Activation {
    /// The activation that was innermost before this one, or null.
    pub previous: *mut Activation,
    pub store: *mut VMStoreContext,
    /// What the store's `last_exit_*` were at entry: where the outer activation called out from.
    pub outer_exit_fp: usize,
    pub outer_exit_pc: usize,
    pub outer_exit_callee: *mut VMHostContext,
    /// The frame pointer of the entry stub: the chain of frame pointers of this activation ends here.
    pub entry_fp: usize,
}

// The stub reserves exactly this, and its alignment depends on it.
const _: () = assert!(size_of::<Activation>() == 48 && align_of::<Activation>() == 8);
