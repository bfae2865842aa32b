//! The assembly stubs of the libcalls: macros that define one for a Rust function. `src/vm/libcalls/table.rs` uses them.
//!
//! Compiled code calls a stub with the System V convention and its context first. The stub records where WebAssembly
//! was left (the caller's frame pointer is still in `rbp`: compiled code keeps frame pointers and a stub has no
//! frame), calls the Rust function, and lands the pending trap if it says so. By then the Rust function has returned, so
//! that no Rust frame is ever dropped.

use crate::abi::VMAnyContext;
use std::mem::offset_of;

const _: () = assert!(offset_of!(VMAnyContext, store) == 0);

/// Defines the stub `$name` of the libcall `$libcall`.
///
/// At entry the stack is 8 bytes off a multiple of 16, and `rdi` points to the context, whose first field is the
/// store. The push aligns the stack and keeps the store across the call. Then `rax` is the value, `rdx` is not 0 if
/// there is a trap to land: see [`LibcallResult`](crate::abi::LibcallResult).
macro_rules! libcall_stub {
    ($name:ident, $libcall:path) => {
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                ".cfi_startproc",
                "mov rax, [rdi]",
                "mov r10, [rsp]",
                "mov [rax + {exit_fp}], rbp",
                "mov [rax + {exit_pc}], r10",
                "mov qword ptr [rax + {exit_callee}], 0",
                "push rax",
                ".cfi_adjust_cfa_offset 8",
                "call {libcall}",
                "pop rdi",
                ".cfi_adjust_cfa_offset -8",
                "test rdx, rdx",
                "jne {land}",
                "ret",
                ".cfi_endproc",
                exit_fp = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_fp),
                exit_pc = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_pc),
                exit_callee = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_callee),
                libcall = sym $libcall,
                land = sym $crate::arch::raise,
            )
        }
    };
}
pub(crate) use libcall_stub;

/// Defines a stub that trampolines call: they have recorded the exit themselves.
macro_rules! trampoline_stub {
    ($name:ident, $libcall:path) => {
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                ".cfi_startproc",
                "push qword ptr [rdi]",
                ".cfi_adjust_cfa_offset 8",
                "call {libcall}",
                "pop rdi",
                ".cfi_adjust_cfa_offset -8",
                "test rdx, rdx",
                "jne {land}",
                "ret",
                ".cfi_endproc",
                libcall = sym $libcall,
                land = sym $crate::arch::raise,
            )
        }
    };
}
pub(crate) use trampoline_stub;

/// Defines a stub that changes no register (Cranelift's `preserve_all`): those that a C function may change are saved around the
/// call. There is nothing but 128 bits in a vector register. It has no result, and lands no trap.
macro_rules! preserving_stub {
    ($name:ident, $libcall:path) => {
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                ".cfi_startproc",
                "sub rsp, 344",
                ".cfi_adjust_cfa_offset 344",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "movups [rsp + 16 * \\i], xmm\\i",
                ".endr",
                "mov [rsp + 256], rax",
                "mov [rsp + 264], rcx",
                "mov [rsp + 272], rdx",
                "mov [rsp + 280], rsi",
                "mov [rsp + 288], rdi",
                "mov [rsp + 296], r8",
                "mov [rsp + 304], r9",
                "mov [rsp + 312], r10",
                "mov [rsp + 320], r11",
                "mov rax, [rdi]",
                "mov r10, [rsp + 344]",
                "mov [rax + {exit_fp}], rbp",
                "mov [rax + {exit_pc}], r10",
                "mov qword ptr [rax + {exit_callee}], 0",
                "call {libcall}",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "movups xmm\\i, [rsp + 16 * \\i]",
                ".endr",
                "mov rax, [rsp + 256]",
                "mov rcx, [rsp + 264]",
                "mov rdx, [rsp + 272]",
                "mov rsi, [rsp + 280]",
                "mov rdi, [rsp + 288]",
                "mov r8, [rsp + 296]",
                "mov r9, [rsp + 304]",
                "mov r10, [rsp + 312]",
                "mov r11, [rsp + 320]",
                "add rsp, 344",
                ".cfi_adjust_cfa_offset -344",
                "ret",
                ".cfi_endproc",
                exit_fp = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_fp),
                exit_pc = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_pc),
                exit_callee = const std::mem::offset_of!($crate::abi::VMStoreContext, last_exit_callee),
                libcall = sym $libcall,
            )
        }
    };
}
pub(crate) use preserving_stub;

/// Defines the stub `$name`, which drops its first argument, a pointer to where results would go, and is the stub `$raise` then.
macro_rules! past_results_stub {
    ($name:ident, $raise:path) => {
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            std::arch::naked_asm!("mov rdi, rsi", "mov rsi, rdx", "jmp {raise}", raise = sym $raise)
        }
    };
}
pub(crate) use past_results_stub;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{LibcallResult, PendingTrap};
    use crate::arch::entry::test_store;
    use std::arch::naked_asm;

    /// A libcall that raises what its arguments say, if all five of them arrived.
    unsafe extern "C" fn fails(context: *mut VMAnyContext, a: u64, b: u64, c: u64, d: u64, e: u64) -> LibcallResult {
        assert_eq!([a, b, c, d, e], [1, 12, 13, 14, 15]);
        // SAFETY: the test passes a live context.
        let store = unsafe { (*context).store };
        // SAFETY: the store is live.
        unsafe { (*store).pending_trap = PendingTrap { code: 1, ..PendingTrap::NONE } };
        LibcallResult { value: 0, trapped: 1 }
    }

    libcall_stub!(failing_stub, fails);

    /// A trampoline that is compiled code for this test: calls the stub `entry` with the context and five arguments.
    #[unsafe(naked)]
    unsafe extern "C" fn call_stub(callee: *mut VMAnyContext, entry: *const u8, args: *const u8, results: *mut u8) {
        naked_asm!(
            "push rbp",
            "mov rbp, rsp",
            "push rcx",
            "sub rsp, 8",
            "mov rax, rsi",
            "mov esi, 1",
            "mov rdx, 12",
            "mov r8, 14",
            "mov r9, 15",
            "mov rcx, 13",
            "call rax",
            "mov rcx, [rbp - 8]",
            "mov [rcx], rax",
            "leave",
            "ret",
        )
    }

    #[test]
    fn a_libcall_that_traps_lands() {
        let mut store = test_store();
        let store = &raw mut *store;
        let mut context = VMAnyContext { store };
        let context = &raw mut context;
        let mut results = [0u8; 16];
        // SAFETY: `call_stub` keeps the convention of trampolines, and the store is this thread's.
        let trapped = unsafe {
            crate::arch::enter(
                context,
                failing_stub as *const u8,
                std::ptr::null(),
                results.as_mut_ptr(),
                store,
                call_stub as *const u8,
            )
        };
        assert_eq!(trapped, 1);
        // SAFETY: the store outlives the runs.
        let store = unsafe { &*store };
        assert!(store.activation.is_null());
    }
}
