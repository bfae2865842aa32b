//! Into WebAssembly and out again: the entry stub and the landing of traps, for x86-64 with the System V convention.
//!
//! [`enter`] keeps every callee-saved register in its frame and links an [`Activation`] into the store; [`raise`] finds
//! that frame through the store and returns from `enter` a second way. Frames in between are dropped, not unwound:
//! they are frames of compiled code, of trampolines and of stubs, never Rust frames that own something.
//!
//! What a landing need not restore: MXCSR's control bits and the x87 control word belong to the callee-saved state,
//! compiled code never changes them, and a signal's return restores what they were at the fault; the direction flag
//! is clear in compiled code, and the signal handler clears it once more.
//!
//! Shadow stacks (CET) would need the shadow stack pointer unwound with the stack in `raise`. Linux only
//! enables them for a process whose every object is marked for them; ours, with naked functions, is not.

use crate::abi::{Activation, VMAnyContext, VMStoreContext};
use std::arch::naked_asm;
use std::mem::offset_of;

/// Runs `trampoline(callee, entry, args, results)`. Returns what it returned, or [`TRAPPED`] when a trap was raised: then
/// [`VMStoreContext::pending_trap`] says which, and `results` may have been written in part.
///
/// The parameters are in the order in which the trampoline takes its own, so that none has to move. The outermost activation of
/// a store keeps nothing of where the store was left before: nobody asks while none is linked.
///
/// # Safety
///
/// - `store` is live, belongs to this thread for the time being, and its stack limit fits this thread's stack.
/// - `trampoline` is a published host→wasm trampoline that suits `entry`'s type; `entry` is code for `callee`;
///   `args` and `results` are what the trampoline expects.
#[unsafe(naked)]
pub unsafe extern "C" fn enter(
    callee: *mut VMAnyContext,
    entry: *const u8,
    args: *const u8,
    results: *mut u8,
    store: *mut VMStoreContext,
    trampoline: *const u8,
) -> u32 {
    naked_asm!(
        // For debuggers and profilers; nothing here unwinds.
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        // The activation, and 8 bytes that align the stack.
        "sub rsp, {activation_size} + 8",
        "mov rax, [r8 + {activation}]",
        "mov [rsp + {previous}], rax",
        "mov [rsp + {store}], r8",
        "mov [rsp + {entry_fp}], rbp",
        "mov [r8 + {activation}], rsp",
        "test rax, rax",
        "jne 2f",
        "call r9",
        // The trampoline kept the callee-saved registers: only `rbp` is to be restored.
        "mov r8, [rsp + {store}]",
        "mov qword ptr [r8 + {activation}], 0",
        "leave",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        // Inside another activation of the store: keep where that one was left.
        "2:",
        ".cfi_restore_state",
        "mov r10, [r8 + {exit_fp}]",
        "mov [rsp + {outer_fp}], r10",
        "mov r10, [r8 + {exit_pc}]",
        "mov [rsp + {outer_pc}], r10",
        "mov r10, [r8 + {exit_callee}]",
        "mov [rsp + {outer_callee}], r10",
        "call r9",
        "mov r8, [rsp + {store}]",
        "mov r10, [rsp + {outer_fp}]",
        "mov [r8 + {exit_fp}], r10",
        "mov r10, [rsp + {outer_pc}]",
        "mov [r8 + {exit_pc}], r10",
        "mov r10, [rsp + {outer_callee}]",
        "mov [r8 + {exit_callee}], r10",
        "mov r10, [rsp + {previous}]",
        "mov [r8 + {activation}], r10",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        activation_size = const size_of::<Activation>(),
        previous = const offset_of!(Activation, previous),
        store = const offset_of!(Activation, store),
        outer_fp = const offset_of!(Activation, outer_exit_fp),
        outer_pc = const offset_of!(Activation, outer_exit_pc),
        outer_callee = const offset_of!(Activation, outer_exit_callee),
        entry_fp = const offset_of!(Activation, entry_fp),
        activation = const offset_of!(VMStoreContext, activation),
        exit_fp = const offset_of!(VMStoreContext, last_exit_fp),
        exit_pc = const offset_of!(VMStoreContext, last_exit_pc),
        exit_callee = const offset_of!(VMStoreContext, last_exit_callee),
    )
}

/// What [`enter`] returns when a trap was raised. No trampoline returns it.
pub const TRAPPED: u32 = 1;

/// Where [`enter`] keeps the activation: bytes below its frame pointer. Five registers lie in between, and 8 bytes of alignment.
pub const ACTIVATION_BELOW_FP: usize = 5 * 8 + size_of::<Activation>() + 8;

/// Lands the pending trap: records the frames that it crossed ([`VMStoreContext::capture_trap_frames`]), then makes the innermost
/// [`enter`] return [`TRAPPED`]. Reached by a jump from the stubs and from the signal handler, with any alignment of the stack.
///
/// # Safety
///
/// - `store` has an activation on this thread's stack, and `pending_trap` is filled in.
/// - No frame between here and that activation owns anything.
#[unsafe(naked)]
pub unsafe extern "C" fn raise(store: *mut VMStoreContext) -> ! {
    naked_asm!(
        // All callee-saved registers are restored below, so they are free for use here.
        "and rsp, -16",
        "mov rbx, rdi",
        "call [rdi + {capture}]",
        "mov rdi, rbx",
        "mov rsp, [rdi + {activation}]",
        "mov rax, [rsp + {previous}]",
        "mov [rdi + {activation}], rax",
        "test rax, rax",
        "je 2f",
        "mov rax, [rsp + {outer_fp}]",
        "mov [rdi + {exit_fp}], rax",
        "mov rax, [rsp + {outer_pc}]",
        "mov [rdi + {exit_pc}], rax",
        "mov rax, [rsp + {outer_callee}]",
        "mov [rdi + {exit_callee}], rax",
        "2:",
        "mov rbp, [rsp + {entry_fp}]",
        "mov rbx, [rbp - 8]",
        "mov r12, [rbp - 16]",
        "mov r13, [rbp - 24]",
        "mov r14, [rbp - 32]",
        "mov r15, [rbp - 40]",
        "mov eax, {trapped}",
        "leave",
        "ret",
        trapped = const TRAPPED,
        capture = const offset_of!(VMStoreContext, capture_trap_frames),
        previous = const offset_of!(Activation, previous),
        outer_fp = const offset_of!(Activation, outer_exit_fp),
        outer_pc = const offset_of!(Activation, outer_exit_pc),
        outer_callee = const offset_of!(Activation, outer_exit_callee),
        entry_fp = const offset_of!(Activation, entry_fp),
        activation = const offset_of!(VMStoreContext, activation),
        exit_fp = const offset_of!(VMStoreContext, last_exit_fp),
        exit_pc = const offset_of!(VMStoreContext, last_exit_pc),
        exit_callee = const offset_of!(VMStoreContext, last_exit_callee),
    )
}

/// Records nothing.
#[cfg(test)]
unsafe extern "C" fn ignore_frames(_store: *mut VMStoreContext) {}

/// A store for unit tests of stubs: no stack limit, nothing running.
#[cfg(test)]
pub(crate) fn test_store() -> Box<VMStoreContext> {
    use crate::abi::PendingTrap;
    use std::ptr::{null, null_mut};
    Box::new(VMStoreContext {
        libcalls: null(),
        stack_limit: 0,
        activation: null_mut(),
        last_exit_fp: 0,
        last_exit_pc: 0,
        last_exit_callee: null_mut(),
        capture_trap_frames: ignore_frames,
        pending_trap: PendingTrap { code: 0, _pad: 0, object: null_mut(), fp: 0, pc: 0, exact_pc: 0, _pad2: 0 },
        trap_frames: Default::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trampoline that calls `entry(callee, args, results)`, after spoiling the callee-saved registers.
    #[unsafe(naked)]
    unsafe extern "C" fn spoil(callee: *mut VMAnyContext, entry: *const u8, args: *const u8, results: *mut u8) {
        naked_asm!(
            "push rbp",
            "mov rbp, rsp",
            "push rbx",
            "push r12",
            "push r13",
            "push r14",
            "push r15",
            "sub rsp, 8",
            "mov rbx, 1",
            "mov r12, 2",
            "mov r13, 3",
            "mov r14, 4",
            "mov r15, 5",
            "mov rax, rsi",
            "mov rsi, rdx",
            "mov rdx, rcx",
            "call rax",
            "add rsp, 8",
            "pop r15",
            "pop r14",
            "pop r13",
            "pop r12",
            "pop rbx",
            "pop rbp",
            "xor eax, eax",
            "ret",
        )
    }

    unsafe extern "C" fn double(_callee: *mut VMAnyContext, args: *const u64, results: *mut u64) {
        // SAFETY: the test passes a word.
        let arg = unsafe { args.read() };
        // SAFETY: the test passes a word.
        unsafe { results.write(arg * 2) };
    }

    unsafe extern "C" fn trap(callee: *mut VMAnyContext, _args: *const u64, _results: *mut u64) {
        // SAFETY: the test passes a live context.
        let store = unsafe { (*callee).store };
        // SAFETY: this function is called in an activation and owns nothing.
        unsafe { raise(store) }
    }

    /// Enters again with `double`, then with `trap`, then raises if its argument says so.
    unsafe extern "C" fn nest(callee: *mut VMAnyContext, args: *const u64, results: *mut u64) {
        // SAFETY: the test passes a live context.
        let store = unsafe { (*callee).store };
        // SAFETY: a host function may change this; the store is live.
        unsafe { (*store).last_exit_pc = 8 };
        // SAFETY: in an activation of this store.
        let outer = unsafe { (*store).activation };
        let mut inner = 0;
        assert_eq!(run(store, callee, double, 4, &mut inner), 0);
        assert_eq!(inner, 8);
        assert_eq!(run(store, callee, trap, 4, &mut inner), 1);
        // SAFETY: still live.
        assert_eq!(unsafe { (*store).activation }, outer);
        // SAFETY: still live.
        assert_eq!(unsafe { (*store).last_exit_pc }, 8);
        // SAFETY: one word.
        unsafe { results.write(inner) };
        // SAFETY: one word.
        if unsafe { args.read() } != 0 {
            // SAFETY: in an activation.
            unsafe { raise(store) }
        }
    }

    type Entry = unsafe extern "C" fn(*mut VMAnyContext, *const u64, *mut u64);

    fn run(store: *mut VMStoreContext, callee: *mut VMAnyContext, entry: Entry, arg: u64, result: &mut u64) -> u32 {
        let args = &raw const arg;
        let results = &raw mut *result;
        // SAFETY: `spoil` is a trampoline for functions of the type `Entry`; the store is this thread's.
        unsafe { enter(callee, entry as *const u8, args.cast(), results.cast(), store, spoil as *const u8) }
    }

    #[test]
    fn returns_traps_and_nests() {
        let mut store = test_store();
        let store = &raw mut *store;
        let mut context = VMAnyContext { store };
        let context = &raw mut context;
        let mut result = 0;
        for _ in 0..3 {
            assert_eq!(run(store, context, double, 21, &mut result), 0);
            assert_eq!(result, 42);
            assert_eq!(run(store, context, trap, 21, &mut result), 1);
            assert_eq!(run(store, context, nest, 0, &mut result), 0);
            assert_eq!(result, 8);
            assert_eq!(run(store, context, nest, 1, &mut result), 1);
        }
        // SAFETY: the store outlives the runs.
        let store = unsafe { &*store };
        assert!(store.activation.is_null());
    }

    #[test]
    fn callee_saved_registers_survive_a_landing() {
        let mut store = test_store();
        let store = &raw mut *store;
        let mut context = VMAnyContext { store };
        let context = &raw mut context;
        let (arg, mut result) = (0u64, 0u64);
        let (trapped, r12, r13, r14, r15): (u32, u64, u64, u64, u64);
        // SAFETY: calls `enter` with the convention it has; all registers that a call may change are declared.
        unsafe {
            std::arch::asm!(
                "mov r12, 112",
                "mov r13, 113",
                "mov r14, 114",
                "mov r15, 115",
                "call {enter}",
                enter = sym enter,
                in("rdi") context,
                in("rsi") trap as *const u8,
                in("rdx") &raw const arg,
                in("rcx") &raw mut result,
                in("r8") store,
                in("r9") spoil as *const u8,
                lateout("rax") trapped,
                lateout("r12") r12,
                lateout("r13") r13,
                lateout("r14") r14,
                lateout("r15") r15,
                clobber_abi("C"),
            );
        }
        assert_eq!((trapped, [r12, r13, r14, r15]), (1, [112, 113, 114, 115]));
    }
}
