//! Walking the frames of compiled code, without unwind tables: compiled code keeps frame pointers, and every function
//! keeps its vmctx in a slot of its frame, or is called by one of its instance that does.
//!
//! A stack that runs WebAssembly looks like this, older frames above:
//!
//! ```text
//! host: wasm_func_call
//! entry stub            its frame pointer is Activation::entry_fp
//! host→wasm trampoline
//! wasm ... wasm         the youngest one's frame is pending_trap.fp, or Activation::exit_fp if it called out
//! wasm→host trampoline, or a libcall's stub
//! host: callback, which may call wasm_func_call again
//! ```
//!
//! Invariant: between an activation's `entry_fp` and the frame pointer a walk starts from, every frame keeps the chain: the caller's frame
//! pointer at `fp`, the return address at `fp + 8`. What belongs to no function of a module there is a trampoline.
//! The walker allocates nothing and calls nothing that locks.

use crate::abi::{Activation, Frame, PendingTrap, VMContext, VMHostContext, VMResume, VMStoreContext};
use crate::arch::{STORE_BELOW_FP, read_stack};
use crate::code::{FuncAt, Reader, lookup};
use crate::os;
use crate::vm::store::entity::Handle;
use crate::vm::trap::{self, Trap};
use std::ops::ControlFlow;

const PAGE: usize = 4096;

/// What a walk meets, innermost first.
#[derive(Copy, Clone, Debug)]
pub enum Step {
    Frame(Frame),
    /// A host function that WebAssembly called and that has not returned.
    HostCall(*mut VMHostContext),
}

/// Visits the frames of all activations of the store, the one that runs first and innermost frames first, until `visit` breaks. For code
/// that WebAssembly has called out to: the walk of each activation starts where it called out.
///
/// # Safety
///
/// The store belongs to this thread, and its activations are coherent ([`is_coherent`]).
pub unsafe fn walk(store: *const VMStoreContext, visit: &mut dyn FnMut(Step) -> ControlFlow<()>) -> ControlFlow<()> {
    // SAFETY: the store is live, says the caller; no reference to it is kept while `visit` runs.
    let mut activation = unsafe { (*store).activation };
    while !activation.is_null() {
        // SAFETY: a linked record is live, and its frames are what they should be.
        unsafe { walk_from_exit(activation, visit)? };
        // SAFETY: as above.
        activation = unsafe { (*activation).previous };
    }
    ControlFlow::Continue(())
}

/// As [`walk`], for the activation that runs only: the one whose code has called out to here.
///
/// # Safety
///
/// Code of the store's first activation is on this thread's stack.
pub unsafe fn walk_running(
    store: *const VMStoreContext,
    visit: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // SAFETY: the store is live, says the caller.
    let activation = unsafe { (*store).activation };
    // SAFETY: what runs is live.
    unsafe { walk_from_exit(activation, visit) }
}

/// Visits the host function that an activation is in, and its frames.
///
/// # Safety
///
/// The record is linked, and the frames are live or coherent.
unsafe fn walk_from_exit(
    activation: *const Activation,
    visit: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // SAFETY: linked, says the caller.
    let &Activation { entry_fp, exit_fp, exit_pc, exit_callee, .. } = unsafe { &*activation };
    if !exit_callee.is_null() {
        visit(Step::HostCall(exit_callee))?;
    }
    // SAFETY: the exit belongs to this activation: its frames keep the chain.
    unsafe { walk_activation(Exit { fp: exit_fp, pc: exit_pc, exact: false }, entry_fp, visit) }
}

/// Where an activation was left.
#[derive(Copy, Clone)]
struct Exit {
    fp: usize,
    pc: usize,
    exact: bool,
}

/// Whether the frames of an activation, from where it called out up to its entry stub, can be what they were then: each keeps the chain,
/// and that of a function has a context for which `is_context` holds. A walk reads nothing else than what has been looked at here, and
/// what stack maps name in between. Then it does no harm even if the activation is dead and something else lies there.
///
/// # Safety
///
/// The record is linked in the store `store`. If `mapped`, its frames are on a stack that is mapped.
pub unsafe fn is_coherent(
    activation: &Activation,
    mapped: bool,
    store: *const VMStoreContext,
    is_context: impl Fn(*mut VMContext) -> bool,
) -> bool {
    let &Activation { entry_fp, exit_fp, exit_pc, .. } = activation;
    let (mut fp, mut pc, mut callee_fp) = (exit_fp, exit_pc, 0);
    if !mapped && !all_mapped(exit_fp, entry_fp) {
        return false;
    }
    // SAFETY: the entry stub's frame, or memory that has taken its place.
    if !std::ptr::eq(unsafe { read_stack(entry_fp - STORE_BELOW_FP) } as *const VMStoreContext, store) {
        return false;
    }
    while fp != entry_fp {
        if fp > entry_fp || fp <= callee_fp || !fp.is_multiple_of(8) {
            return false;
        }
        let frame = lookup(pc, |code| {
            let FuncAt { vmctx_fp_offset, .. } = code.func_at(pc.wrapping_sub(1))?;
            Some((vmctx_fp_offset, code.stack_map_at(pc).map_or(0, |map| map.frame_size as usize)))
        });
        if let Some(Some((vmctx_fp_offset, frame_size))) = frame {
            let slot = fp.wrapping_add_signed(vmctx_fp_offset as isize);
            // The frame begins where that of its callee ends. (That of the innermost one is what it was: its place is not on the stack.)
            if vmctx_fp_offset == 0
                || slot < callee_fp
                || fp - frame_size < callee_fp
                || !mapped && !os::is_readable(slot)
            {
                return false;
            }
            // SAFETY: within the frame, which is mapped.
            if !is_context(unsafe { read_stack(slot) } as *mut VMContext) {
                return false;
            }
        }
        callee_fp = fp;
        // SAFETY: between the exit and the entry stub's frame, which is mapped.
        pc = unsafe { read_stack(fp + 8) };
        // SAFETY: as above.
        fp = unsafe { read_stack(fp) };
    }
    true
}

/// Whether all pages between two addresses are there, and those of the entry stub's frame, whose frame pointer is `end`.
fn all_mapped(start: usize, end: usize) -> bool {
    let last = end + 8;
    (start & !(PAGE - 1)..=last).step_by(PAGE).all(os::is_readable) && start < end
}

/// Visits the frames from `exit` up to the entry stub's frame at `entry_fp`. `visit` must not make or drop an arena of code, nor fork.
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
    let code = Reader::enter();
    // Frame pointers only ever grow on the way out, so the walk ends even if the chain were damaged.
    while fp != 0 && fp < entry_fp {
        // SAFETY: `fp` is the frame pointer of a live frame stopped at `pc`.
        if let Some(frame) = unsafe { frame_at(&code, pc, exact, fp) } {
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
unsafe fn frame_at(code: &Reader, pc: usize, exact: bool, fp: usize) -> Option<Frame> {
    let (FuncAt { func, vmctx_fp_offset }, module_offset) = code.lookup(pc, |arena| arena.frame_at(pc, exact))??;
    // SAFETY: the frame is one of the function with this offset.
    let vmctx = unsafe { vmctx_of(code, fp, vmctx_fp_offset) }?;
    Some(Frame { pc, exact, fp, vmctx, func, module_offset: module_offset.unwrap_or(u32::MAX) })
}

/// The vmctx of a function that called or trapped, whose frame keeps it at `fp + vmctx_fp_offset`. `None` means that the
/// frames or the code's tables are damaged.
///
/// # Safety
///
/// `fp` is the frame pointer of a live frame of a function with this offset.
unsafe fn vmctx_of(code: &Reader, fp: usize, vmctx_fp_offset: i32) -> Option<*mut VMContext> {
    let (mut fp, mut offset) = (fp, vmctx_fp_offset);
    if offset == 0 {
        // The function calls nothing, and its caller is a function of the same instance, which has a slot since it calls.
        let link = fp as *const usize;
        // SAFETY: a live frame keeps its caller's frame pointer here...
        fp = unsafe { link.read() };
        // SAFETY: ...and its return address in the next word.
        let return_pc = unsafe { link.wrapping_add(1).read() };
        offset = code.lookup(return_pc, |arena| Some(arena.func_at(return_pc - 1)?.vmctx_fp_offset))??;
        if offset == 0 {
            return None;
        }
    }
    let slot = fp.wrapping_add_signed(offset as isize) as *const *mut VMContext;
    // SAFETY: a function that called or trapped keeps its vmctx in this slot of its frame.
    Some(unsafe { slot.read() })
}

/// Where an exception is handled that is thrown out of the frame at `exit`: by a function of the innermost frame that handles exceptions of the
/// call it has made. `None` if none does in this activation.
///
/// # Safety
///
/// The frames between the exit and the entry stub's frame at `entry_fp` are live and keep the chain of frame pointers.
unsafe fn find_handler(exit: Exit, entry_fp: usize) -> Option<VMResume> {
    let Exit { mut fp, mut pc, .. } = exit;
    let code = Reader::enter();
    while fp != 0 && fp < entry_fp {
        if let Some(Some((handler, frame_size))) = code.lookup(pc, |arena| arena.handler_at(pc)) {
            return Some(VMResume { pc: handler, sp: fp - frame_size, fp, exception: 0 });
        }
        // SAFETY: between the exit and the entry stub's frame.
        pc = unsafe { read_stack(fp + 8) };
        // SAFETY: as above.
        let caller_fp = unsafe { read_stack(fp) };
        if caller_fp <= fp {
            break;
        }
        fp = caller_fp;
    }
    None
}

/// The exception that the pending trap of a store stands for; 0 if it is none. A trap of another store, which a callback must not give,
/// stands for none: a reference means nothing in another heap.
fn pending_exception(store: *const VMStoreContext, pending: &PendingTrap) -> u32 {
    if pending.code != PendingTrap::OBJECT || pending.object.is_null() {
        return pending.exception;
    }
    // SAFETY: whoever left the object gave its handle over.
    let trap = unsafe { &*pending.object.cast::<Trap>() };
    if std::ptr::eq(trap.store().cast(), store) { trap.thrown() } else { 0 }
}

/// Looks for who handles the exception that the pending trap stands for, if it does, in the innermost activation: not 0 if there is one, and
/// `resume_at` says where. Otherwise keeps the frames of that activation, which the trap crosses, in `trap_frames`. Called by the landing stub,
/// while they are still there. A trap that a host function passes on crosses the outer activation's frames in its turn.
///
/// # Safety
///
/// A trap is pending in `store`, which belongs to this thread, and none of the frames is gone.
pub unsafe extern "C" fn capture_trap_frames(store: *mut VMStoreContext) -> u32 {
    // SAFETY: the store is live and nobody else uses it: its thread is here, and its compiled code is stopped.
    let store = unsafe { &mut *store };
    let pending = &store.pending_trap;
    let exit = Exit { fp: pending.fp, pc: pending.pc, exact: pending.exact_pc != 0 };
    let activation = store.activation;
    // SAFETY: a trap is raised in an activation, which is live as long as it is linked.
    let entry_fp = unsafe { (*activation).entry_fp };
    let exception = pending_exception(store, pending);
    if exception != 0 {
        // SAFETY: the exception was thrown in this activation, and its frames are there still.
        if let Some(handler) = unsafe { find_handler(exit, entry_fp) } {
            store.resume_at = VMResume { exception: exception.into(), ..handler };
            let pending = std::mem::replace(&mut store.pending_trap, PendingTrap::NONE);
            if !pending.object.is_null() {
                // SAFETY: whoever left the object gave its handle over.
                trap::drop_caught(unsafe { Handle::from_raw(pending.object.cast()) });
            }
            return 1;
        }
    }
    let frames = &mut store.trap_frames;
    frames.clear();
    // SAFETY: the trap was raised in this activation, and its frames are there still.
    let _ = unsafe {
        walk_activation(exit, entry_fp, &mut |step| match step {
            Step::Frame(frame) if !frames.push(frame) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    };
    0
}
