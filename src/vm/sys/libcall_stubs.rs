//! The entry points of the libcalls: an assembly stub for each, and the table of them that contexts point to.
//!
//! Compiled code calls a stub with the System V convention and its context first. The stub records where WebAssembly
//! was left (the caller's frame pointer is still in `rbp`: compiled code keeps frame pointers and a stub has no
//! frame), calls the Rust function of the same name in `vm/libcalls.rs`, and lands the pending trap if it says so.
//! By then the Rust function has returned, so that no Rust frame is ever dropped.

use super::raise as land_trap;
use crate::vm::libcalls;
use crate::vm::vmcontext::{
    LibcallResult, LibcallTable, VMAnyContext, VMContext, VMHostContext, VMStoreContext, foreach_libcall,
};
use std::arch::naked_asm;
use std::mem::offset_of;

// SAFETY: the table is never written, and what it points to is code.
unsafe impl Sync for LibcallTable {}

const _: () = assert!(offset_of!(VMAnyContext, store) == 0);

/// The Rust type of a libcall's parameter.
macro_rules! param_type {
    (i32) => {
        u32
    };
    (i64) => {
        u64
    };
}

macro_rules! libcall_table {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {{
        // The Rust functions have the parameters that compiled code passes.
        $(const _: unsafe extern "C" fn(*mut VMContext $(, param_type!($ty))*) -> LibcallResult = libcalls::$name;)*
        LibcallTable {
            $($name: stubs::$name as *const u8,)*
            host_call: stubs::host_call as *const u8,
            raise_object: stubs::raise_object as *const u8,
            raise_past_results: stubs::raise_past_results as *const u8,
            table_fill_element: stubs::table_fill_element as *const u8,
            table_settle: stubs::table_settle as *const u8,
        }
    }};
}
/// The table every context points to.
pub static LIBCALLS: LibcallTable = foreach_libcall!(libcall_table);

const _: unsafe extern "C" fn(*mut VMHostContext, *mut [u8; 16]) -> LibcallResult = libcalls::host_call;
const _: unsafe extern "C" fn(*mut VMHostContext, *mut u8) -> LibcallResult = libcalls::raise_object;

/// Defines a stub for each libcall.
///
/// At entry the stack is 8 bytes off a multiple of 16, and `rdi` points to the context, whose first field is the
/// store. The push aligns the stack and keeps the store across the call. Then `rax` is the value, `rdx` is not 0 if
/// there is a trap to land: see [`LibcallResult`].
macro_rules! define_stubs {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {$(
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
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
                exit_fp = const offset_of!(VMStoreContext, last_exit_fp),
                exit_pc = const offset_of!(VMStoreContext, last_exit_pc),
                exit_callee = const offset_of!(VMStoreContext, last_exit_callee),
                libcall = sym libcalls::$name,
                land = sym land_trap,
            )
        }
    )*};
}

/// Defines a stub that trampolines call: they have recorded the exit themselves.
macro_rules! define_host_stubs {
    ($($name:ident;)*) => {$(
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
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
                libcall = sym libcalls::$name,
                land = sym land_trap,
            )
        }
    )*};
}

const _: unsafe extern "C" fn(*mut VMContext, u32, u32) -> LibcallResult = libcalls::table_fill_element;
const _: unsafe extern "C" fn(*mut VMContext, u32) -> LibcallResult = libcalls::table_settle;

/// Defines stubs that change no register (Cranelift's `preserve_all`): those that a C function may change are saved around it.
/// There is nothing but 128 bits in a vector register. They have no result, and land no trap.
macro_rules! define_preserving_stubs {
    ($($name:ident;)*) => {$(
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
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
                exit_fp = const offset_of!(VMStoreContext, last_exit_fp),
                exit_pc = const offset_of!(VMStoreContext, last_exit_pc),
                exit_callee = const offset_of!(VMStoreContext, last_exit_callee),
                libcall = sym libcalls::$name,
            )
        }
    )*};
}

mod stubs {
    use super::*;
    foreach_libcall!(define_stubs);
    define_host_stubs! {
        host_call;
        raise_object;
    }
    define_preserving_stubs! {
        table_fill_element;
        table_settle;
    }

    /// Drops the pointer to where results would go, and is [`raise`] then.
    #[unsafe(naked)]
    pub unsafe extern "C" fn raise_past_results() {
        naked_asm!("mov rdi, rsi", "mov rsi, rdx", "jmp {raise}", raise = sym raise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::sys::x86_64::test_store;

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
            crate::vm::sys::enter(
                context,
                LIBCALLS.raise,
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
