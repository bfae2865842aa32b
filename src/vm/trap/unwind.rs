//! Walking the frames of compiled code, without unwind tables: compiled code keeps frame pointers, and every function
//! keeps its vmctx in a slot of its frame, or is called by one of its instance that does.
//!
//! A stack that runs WebAssembly looks like this, older frames above:
//!
//! ```text
//! host: wasm_func_call
//! entry stub            Activation { outer_exit_*: where the activation before called out }
//! host→wasm trampoline
//! wasm ... wasm         the youngest one's frame is pending_trap.fp, or last_exit_fp if it called out
//! wasm→host trampoline, or a libcall's stub
//! host: callback, which may call wasm_func_call again
//! ```
//!
//! Invariant: between an activation's `entry_fp` and the frame pointer a walk starts from, every frame keeps the chain: the caller's frame
//! pointer at `fp`, the return address at `fp + 8`. What belongs to no function of a module there is a trampoline.
//! The walker allocates nothing and calls nothing that locks.

use crate::abi::{Activation, Frame, VMContext, VMHostContext, VMStoreContext};
use crate::code::{FuncAt, lookup};
use std::ops::ControlFlow;
use std::ptr::null_mut;

/// What a walk meets, innermost first.
#[derive(Copy, Clone, Debug)]
pub enum Step {
    Frame(Frame),
    /// A host function that WebAssembly called and that has not returned.
    HostCall(*mut VMHostContext),
}

/// Visits the frames of all activations of the store, innermost first, until `visit` breaks. For code that WebAssembly
/// has called out to: the walk starts at the last exit.
///
/// # Safety
///
/// The store belongs to this thread, whose stack holds all its activations.
pub unsafe fn walk(store: *const VMStoreContext, visit: &mut dyn FnMut(Step) -> ControlFlow<()>) -> ControlFlow<()> {
    // SAFETY: the store is live, says the caller; no reference to it is kept while `visit` runs.
    let (mut activation, mut exit) = unsafe { last_exit(store) };
    while !activation.is_null() {
        // SAFETY: a linked activation is live.
        let current = unsafe { &*activation };
        if !exit.callee.is_null() {
            visit(Step::HostCall(exit.callee))?;
        }
        // SAFETY: the exit belongs to this activation: its frames are live and keep the chain.
        unsafe { walk_activation(exit, current.entry_fp, visit)? };
        exit = Exit {
            fp: current.outer_exit_fp,
            pc: current.outer_exit_pc,
            exact: false,
            callee: current.outer_exit_callee,
        };
        activation = current.previous;
    }
    ControlFlow::Continue(())
}

/// The innermost activation, and where it was left.
///
/// # Safety
///
/// `store` is live.
unsafe fn last_exit(store: *const VMStoreContext) -> (*const Activation, Exit) {
    // SAFETY: live, says the caller, and only read here.
    let store = unsafe { &*store };
    let exit = Exit { fp: store.last_exit_fp, pc: store.last_exit_pc, exact: false, callee: store.last_exit_callee };
    (store.activation.cast(), exit)
}

/// Where an activation was left.
#[derive(Copy, Clone)]
struct Exit {
    fp: usize,
    pc: usize,
    exact: bool,
    callee: *mut VMHostContext,
}

/// Visits the frames from `exit` up to the entry stub's frame at `entry_fp`.
///
/// # Safety
///
/// The frames between the two are live and keep the chain of frame pointers.
unsafe fn walk_activation(
    exit: Exit,
    entry_fp: usize,
    visit: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Exit { mut fp, mut pc, mut exact, .. } = exit;
    // Frame pointers only ever grow on the way out, so the walk ends even if the chain were damaged.
    while fp != 0 && fp < entry_fp {
        // SAFETY: `fp` is the frame pointer of a live frame stopped at `pc`.
        if let Some(frame) = unsafe { frame_at(pc, exact, fp) } {
            visit(Step::Frame(frame))?;
        }
        let link = fp as *const usize;
        // SAFETY: a live frame keeps its caller's frame pointer here...
        let caller_fp = unsafe { link.read() };
        // SAFETY: ...and its return address in the next word.
        pc = unsafe { link.wrapping_add(1).read() };
        exact = false;
        if caller_fp <= fp {
            break;
        }
        fp = caller_fp;
    }
    ControlFlow::Continue(())
}

/// The frame of the WebAssembly function that `pc` is in; `None` in a trampoline.
///
/// # Safety
///
/// `fp` is the frame pointer of a live frame stopped at `pc`.
unsafe fn frame_at(pc: usize, exact: bool, fp: usize) -> Option<Frame> {
    let (FuncAt { func, vmctx_fp_offset }, module_offset) = lookup(pc, |code| code.frame_at(pc, exact))??;
    // SAFETY: the frame is one of the function with this offset.
    let vmctx = unsafe { vmctx_of(fp, vmctx_fp_offset) }?;
    Some(Frame { pc, exact, fp, vmctx, func, module_offset: module_offset.unwrap_or(u32::MAX) })
}

/// The vmctx of a function that called or trapped, whose frame keeps it at `fp + vmctx_fp_offset`. `None` means that the
/// frames or the code's tables are damaged.
///
/// # Safety
///
/// `fp` is the frame pointer of a live frame of a function with this offset.
unsafe fn vmctx_of(fp: usize, vmctx_fp_offset: i32) -> Option<*mut VMContext> {
    let (mut fp, mut offset) = (fp, vmctx_fp_offset);
    if offset == 0 {
        // The function calls nothing, and its caller is a function of the same instance, which has a slot since it calls.
        let link = fp as *const usize;
        // SAFETY: a live frame keeps its caller's frame pointer here...
        fp = unsafe { link.read() };
        // SAFETY: ...and its return address in the next word.
        let return_pc = unsafe { link.wrapping_add(1).read() };
        offset = lookup(return_pc, |code| Some(code.func_at(return_pc - 1)?.vmctx_fp_offset))??;
        if offset == 0 {
            return None;
        }
    }
    let slot = fp.wrapping_add_signed(offset as isize) as *const *mut VMContext;
    // SAFETY: a function that called or trapped keeps its vmctx in this slot of its frame.
    Some(unsafe { slot.read() })
}

/// Keeps the frames of the innermost activation, which the pending trap crosses, in `trap_frames`. Called by the landing stub,
/// while they are still there. A trap that a host function passes on crosses the outer activation's frames in its turn.
///
/// # Safety
///
/// A trap is pending in `store`, which belongs to this thread, and none of the frames is gone.
pub unsafe extern "C" fn capture_trap_frames(store: *mut VMStoreContext) {
    // SAFETY: the store is live and nobody else uses it: its thread is here, and its compiled code is stopped.
    let store = unsafe { &mut *store };
    let pending = &store.pending_trap;
    let exit = Exit { fp: pending.fp, pc: pending.pc, exact: pending.exact_pc != 0, callee: null_mut() };
    let activation = store.activation.cast::<Activation>();
    // SAFETY: a trap is raised in an activation, which is live as long as it is linked.
    let entry_fp = unsafe { (*activation).entry_fp };
    let frames = &mut store.trap_frames;
    frames.clear();
    // SAFETY: the trap was raised in this activation, and its frames are there still.
    let _ = unsafe {
        walk_activation(exit, entry_fp, &mut |step| match step {
            Step::Frame(frame) if !frames.push(frame) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    };
}
