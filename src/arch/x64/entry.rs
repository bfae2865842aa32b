//! Into WebAssembly and out again: the entry stub and the landing of traps, for x86-64 with the System V convention.
//!
//! [`enter`] keeps every callee-saved register in its frame and links the record of an [`Activation`] into the store; [`raise`] finds
//! that frame through the record and returns from `enter` a second way. Frames in between are dropped, not unwound:
//! they are frames of compiled code, of trampolines and of stubs, never Rust frames that own something.
//!
//! WebAssembly runs in its own floating-point mode, [`WASM_MXCSR`]. Where the host's differs in anything but status flags, `enter`
//! keeps the host's in the record and sets WebAssembly's; leaving puts back what is kept. Compiled code changes neither that
//! nor the x87 control word, and a signal's return restores what they were at the fault. The direction flag is clear in
//! compiled code, and the signal handler clears it once more.
//!
//! Shadow stacks (CET) would need the shadow stack pointer unwound with the stack in `raise`. Linux only
//! enables them for a process whose every object is marked for them; ours, with naked functions, is not.

use crate::abi::{Activation, VMAnyContext, VMResume, VMStoreContext};
use crate::arch::float_mode::{MXCSR_STATUS, WASM_MXCSR, WASM_MXCSR_WORD};
use std::arch::naked_asm;
use std::mem::offset_of;

/// Runs `trampoline(callee, entry, args, results)`. Returns what it returned, or [`TRAPPED`] when a trap was raised: then
/// [`VMStoreContext::pending_trap`] says which, and `results` may have been written in part.
///
/// The parameters are in the order in which the trampoline takes its own, so that none has to move. The record is the store's first if
/// there is no activation, and its first spare one otherwise.
///
/// # Safety
///
/// - `store` is live, belongs to this thread for the time being, and its stack limit fits this thread's stack.
/// - If there is an activation, there is a spare record.
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
        // At `STORE_BELOW_FP`. Below, the mode, and what aligns the stack.
        "push r8",
        "sub rsp, 16",
        "stmxcsr [rsp]",
        "cmp qword ptr [r8 + {activation}], 0",
        "jne 20f",
        "lea rax, [r8 + {first}]",
        "mov [r8 + {activation}], rax",
        "mov [rax + {entry_fp}], rbp",
        "mov r10d, [rsp]",
        "or r10d, {status}",
        "cmp r10d, {mode} | {status}",
        "jne 40f",
        "30:",
        "call r9",
        // The trampoline kept the callee-saved registers: only `rbp` is to be restored.
        "mov r8, [rbp - {store_below_fp}]",
        "cmp dword ptr [r8 + {first} + {flags}], 0",
        "jne 70f",
        "mov qword ptr [r8 + {activation}], 0",
        "leave",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_restore_state",
        // The host's mode is another.
        "40:",
        "mov r10d, [rsp]",
        "mov [rax + {host_mode}], r10d",
        "or dword ptr [rax + {flags}], {host_mode_flag}",
        "ldmxcsr [rip + {wasm_mxcsr}]",
        "jmp 30b",
        // Inside another activation of the store.
        "20:",
        "mov rax, [r8 + {spare}]",
        "mov r10, [rax + {previous}]",
        "mov [r8 + {spare}], r10",
        "mov r10, [r8 + {activation}]",
        "mov [rax + {previous}], r10",
        "mov [r8 + {activation}], rax",
        "mov [rax + {entry_fp}], rbp",
        "mov r10d, [rsp]",
        "or r10d, {status}",
        "cmp r10d, {mode} | {status}",
        "jne 60f",
        "50:",
        "call r9",
        "mov r8, [rbp - {store_below_fp}]",
        "mov r10, [r8 + {activation}]",
        "cmp dword ptr [r10 + {flags}], 0",
        "jne 80f",
        "mov r11, [r10 + {previous}]",
        "mov [r8 + {activation}], r11",
        "mov r11, [r8 + {spare}]",
        "mov [r10 + {previous}], r11",
        "mov [r8 + {spare}], r10",
        "leave",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_restore_state",
        "60:",
        "mov r10d, [rsp]",
        "mov [rax + {host_mode}], r10d",
        "or dword ptr [rax + {flags}], {host_mode_flag}",
        "ldmxcsr [rip + {wasm_mxcsr}]",
        "jmp 50b",
        "70:",
        "lea r10, [r8 + {first}]",
        "80:",
        "call {unlink}",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        store_below_fp = const STORE_BELOW_FP,
        status = const MXCSR_STATUS,
        mode = const WASM_MXCSR,
        wasm_mxcsr = sym WASM_MXCSR_WORD,
        unlink = sym unlink_activation,
        previous = const offset_of!(Activation, previous),
        entry_fp = const offset_of!(Activation, entry_fp),
        flags = const offset_of!(Activation, flags),
        host_mode = const offset_of!(Activation, host_mode),
        host_mode_flag = const Activation::HOST_MODE,
        activation = const offset_of!(VMStoreContext, activation),
        first = const offset_of!(VMStoreContext, first),
        spare = const offset_of!(VMStoreContext, spare),
    )
}

/// What [`enter`] returns when a trap was raised. No trampoline returns it.
pub const TRAPPED: u32 = 1;

/// Where [`enter`] keeps the store: bytes below its frame pointer. Five registers lie in between.
pub const STORE_BELOW_FP: usize = 6 * 8;

/// Unlinks the record in `r10`, the first of the list of the store in `r8`, whose flags may be set: puts the host's mode back, and lets
/// the virtual machine know if others remain that were entered later. Keeps `rax` and what a C function keeps.
#[unsafe(naked)]
unsafe extern "C" fn unlink_activation() {
    naked_asm!(
        ".cfi_startproc",
        "mov r11, [r10 + {previous}]",
        "mov [r8 + {activation}], r11",
        // The store's first record is not one of the spare ones.
        "lea r11, [r8 + {first}]",
        "mov r9, [r8 + {spare}]",
        "cmp r10, r11",
        "mov r11d, 0",
        "cmove r9, r11",
        "mov [r10 + {previous}], r9",
        "je 20f",
        "mov [r8 + {spare}], r10",
        "20:",
        "mov r11d, [r10 + {flags}]",
        "mov dword ptr [r10 + {flags}], 0",
        "test r11d, {host_mode_flag}",
        "je 30f",
        "ldmxcsr [r10 + {host_mode}]",
        "30:",
        "test r11d, {moved_flag}",
        "je 40f",
        "push rax",
        ".cfi_adjust_cfa_offset 8",
        "mov rdi, r8",
        "xor esi, esi",
        "call [r8 + {resume}]",
        "pop rax",
        ".cfi_adjust_cfa_offset -8",
        "40:",
        "ret",
        ".cfi_endproc",
        previous = const offset_of!(Activation, previous),
        flags = const offset_of!(Activation, flags),
        host_mode = const offset_of!(Activation, host_mode),
        host_mode_flag = const Activation::HOST_MODE,
        moved_flag = const Activation::MOVED,
        activation = const offset_of!(VMStoreContext, activation),
        first = const offset_of!(VMStoreContext, first),
        spare = const offset_of!(VMStoreContext, spare),
        resume = const offset_of!(VMStoreContext, resume),
    )
}

/// Lands the pending trap: keeps the frames it crossed ([`VMStoreContext::capture_trap_frames`]), then makes the innermost
/// [`enter`] return [`TRAPPED`]; or goes on where the exception is handled that it stands for. Reached by a jump from the stubs and from the signal handler, with any alignment of the stack.
///
/// # Safety
///
/// - The first activation of `store` is the one that runs here, and `pending_trap` is filled in.
/// - No frame between here and the frame of that activation's entry stub owns anything.
#[unsafe(naked)]
pub unsafe extern "C" fn raise(store: *mut VMStoreContext) -> ! {
    naked_asm!(
        // All callee-saved registers are restored below, so they are free for use here.
        "and rsp, -16",
        "mov rbx, rdi",
        "call [rdi + {capture}]",
        "test eax, eax",
        "jne 20f",
        "mov r8, rbx",
        "mov r10, [r8 + {activation}]",
        "mov rbp, [r10 + {entry_fp}]",
        "lea rsp, [rbp - {store_below_fp} - 16]",
        "mov eax, {trapped}",
        "call {unlink}",
        "mov rbx, [rbp - 8]",
        "mov r12, [rbp - 16]",
        "mov r13, [rbp - 24]",
        "mov r14, [rbp - 32]",
        "mov r15, [rbp - 40]",
        "leave",
        "ret",
        // An exception that is handled: where, nothing is expected but these and the payload in `rax`.
        "20:",
        "mov rax, [rbx + {resume_at} + {exception}]",
        "mov rcx, [rbx + {resume_at} + {pc}]",
        "mov rbp, [rbx + {resume_at} + {fp}]",
        "mov rsp, [rbx + {resume_at} + {sp}]",
        "jmp rcx",
        resume_at = const offset_of!(VMStoreContext, resume_at),
        exception = const offset_of!(VMResume, exception),
        pc = const offset_of!(VMResume, pc),
        fp = const offset_of!(VMResume, fp),
        sp = const offset_of!(VMResume, sp),
        trapped = const TRAPPED,
        store_below_fp = const STORE_BELOW_FP,
        unlink = sym unlink_activation,
        capture = const offset_of!(VMStoreContext, capture_trap_frames),
        entry_fp = const offset_of!(Activation, entry_fp),
        activation = const offset_of!(VMStoreContext, activation),
    )
}

/// Records nothing.
#[cfg(test)]
unsafe extern "C" fn ignore_frames(_store: *mut VMStoreContext) -> u32 {
    0
}

#[cfg(test)]
unsafe extern "C" fn never_resumed(_store: *mut VMStoreContext, _activation: *mut Activation) {
    unreachable!("every activation of these tests returns in order");
}

/// A store for unit tests of stubs: no stack limit, nothing running.
#[cfg(test)]
pub(crate) fn test_store() -> Box<VMStoreContext> {
    use crate::abi::PendingTrap;
    use std::ptr::{null, null_mut};
    Box::new(VMStoreContext {
        libcalls: null(),
        stack_limit: 0,
        activation: null_mut(),
        spare: null_mut(),
        first: Activation::UNUSED,
        resume: never_resumed,
        capture_trap_frames: ignore_frames,
        pending_trap: PendingTrap::NONE,
        resume_at: crate::abi::VMResume::NOWHERE,
        heap: crate::abi::VMHeap::NONE,
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
        // SAFETY: in an activation of this store.
        let outer = unsafe { (*store).activation };
        // SAFETY: the record is linked.
        unsafe { (*outer).exit_pc = 8 };
        let mut inner = 0;
        assert_eq!(run(store, callee, double, 4, &mut inner), 0);
        assert_eq!(inner, 8);
        assert_eq!(run(store, callee, trap, 4, &mut inner), 1);
        // SAFETY: still live.
        assert_eq!(unsafe { (*store).activation }, outer);
        // SAFETY: still live.
        assert_eq!(unsafe { (*outer).exit_pc }, 8);
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
        let mut spare = Activation::UNUSED;
        // SAFETY: the record outlives the runs.
        unsafe { (*store).spare = &raw mut spare };
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
        assert!(std::ptr::eq(store.spare, &raw const spare));
        assert_eq!((store.first.flags, spare.flags), (0, 0));
    }

    #[test]
    fn callee_saved_registers_survive() {
        let mut store = test_store();
        let store = &raw mut *store;
        let mut context = VMAnyContext { store };
        let context = &raw mut context;
        for (entry, outcome) in [(double as Entry, 0), (trap, 1)] {
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
                    in("rsi") entry as *const u8,
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
            assert_eq!((trapped, [r12, r13, r14, r15]), (outcome, [112, 113, 114, 115]));
        }
    }
}
