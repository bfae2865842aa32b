//! Out of WebAssembly into a host function, and back: by return, or by an exception.
//!
//! The stubs here are the only way in which callbacks are called while WebAssembly runs. Around the call the host has its own
//! floating-point mode. Afterwards the activation that called is made sure of: the callback may have left others behind, by
//! `longjmp`, or coroutines that are inside the store may have run.
//!
//! A foreign exception, C++'s as a rule, finds a handler in the stub, because the unwinder knows no frame of compiled code above
//! it. The stub keeps the exception in the record of the activation and returns [`LEFT_BY_EXCEPTION`]; whoever called into
//! WebAssembly lets it go on from there ([`rethrow`](crate::os::exceptions::rethrow)). A forced unwinding, of a thread that exits, finds none: the C library then
//! drops all frames at once.

use crate::abi::{Activation, CallHost, VMHostContext, VMStoreContext, ValVec};
use crate::arch::float_mode::{MXCSR_STATUS, WASM_MXCSR, WASM_MXCSR_WORD};
use std::arch::naked_asm;
use std::ffi::{c_int, c_void};
use std::mem::offset_of;

/// What a stub returns instead of a trap when an exception left the callback. No trap has this address.
pub const LEFT_BY_EXCEPTION: usize = 1;

/// Defines the stub `$name(context, arguments, results)`: a trap, null, or [`LEFT_BY_EXCEPTION`]. `$move` are the instructions that turn the
/// arguments of the stub into those of the callback, and `$landing` is a name for the place where exceptions land.
macro_rules! host_call_stub {
    ($(#[$doc:meta])* $name:ident, $landing:literal, $($move:literal),*) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The context is that of a host function with such a callback, which an activation, the first of the store's list, calls; the
        /// vectors are what its signature asks for.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(context: *mut VMHostContext, args: *const ValVec, results: *mut ValVec) -> *mut u8 {
            naked_asm!(
                ".cfi_startproc",
                // Both relative to their own place, 4 bytes. The language's data is nothing but the address of the landing.
                ".cfi_personality 0x1b, {personality}",
                concat!(".cfi_lsda 0x1b, ", $landing),
                "sub rsp, 24",
                ".cfi_adjust_cfa_offset 24",
                "mov r8, [rdi]",
                "mov r9, [r8 + {activation}]",
                "mov [rsp], r8",
                "mov [rsp + 8], r9",
                "mov r10d, [r9 + {generation}]",
                "mov [rsp + 20], r10d",
                "cmp dword ptr [r9 + {flags}], 0",
                "jne 40f",
                "20:",
                "mov rax, [rdi + {callback}]",
                $($move,)*
                "call rax",
                "30:",
                "mov r8, [rsp]",
                "mov r9, [rsp + 8]",
                "mov r10d, [rsp + 20]",
                "cmp [r8 + {activation}], r9",
                "jne 60f",
                "cmp [r9 + {generation}], r10d",
                "jne 60f",
                "35:",
                "stmxcsr [rsp + 16]",
                "mov r10d, [rsp + 16]",
                "or r10d, {status}",
                "cmp r10d, {mode} | {status}",
                "jne 50f",
                "add rsp, 24",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -24",
                "ret",
                ".cfi_restore_state",
                // The host's mode is another: it has it back.
                "40:",
                "test dword ptr [r9 + {flags}], {host_mode_flag}",
                "je 20b",
                "ldmxcsr [r9 + {host_mode}]",
                "and dword ptr [r9 + {flags}], ~{host_mode_flag}",
                "jmp 20b",
                // The mode that the callback leaves is the host's from now on.
                "50:",
                "mov r10d, [rsp + 16]",
                "mov [r9 + {host_mode}], r10d",
                "or dword ptr [r9 + {flags}], {host_mode_flag}",
                "ldmxcsr [rip + {wasm_mxcsr}]",
                "add rsp, 24",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -24",
                "ret",
                ".cfi_restore_state",
                // Another activation is the first.
                "60:",
                "push rax",
                ".cfi_adjust_cfa_offset 8",
                "sub rsp, 8",
                ".cfi_adjust_cfa_offset 8",
                "mov rdi, r8",
                "mov rsi, r9",
                "mov edx, r10d",
                "call [r8 + {resume}]",
                "add rsp, 8",
                ".cfi_adjust_cfa_offset -8",
                "pop rax",
                ".cfi_adjust_cfa_offset -8",
                "mov r9, [rsp + 8]",
                "jmp 35b",
                // An exception, in `rax`.
                concat!($landing, ":"),
                "mov r9, [rsp + 8]",
                "mov [r9 + {exception}], rax",
                "mov eax, {left_by_exception}",
                "jmp 30b",
                ".cfi_endproc",
                personality = sym personality,
                left_by_exception = const LEFT_BY_EXCEPTION,
                callback = const offset_of!(VMHostContext, callback),
                env = const offset_of!(VMHostContext, env),
                status = const MXCSR_STATUS,
                mode = const WASM_MXCSR,
                wasm_mxcsr = sym WASM_MXCSR_WORD,
                generation = const offset_of!(Activation, generation),
                exception = const offset_of!(Activation, exception),
                flags = const offset_of!(Activation, flags),
                host_mode = const offset_of!(Activation, host_mode),
                host_mode_flag = const Activation::HOST_MODE,
                activation = const offset_of!(VMStoreContext, activation),
                resume = const offset_of!(VMStoreContext, resume),
            )
        }
    };
}

host_call_stub!(
    /// Calls a callback that has an environment.
    call_host_with_env,
    ".Llibwasm_call_host_with_env_landing",
    "mov rdi, [rdi + {env}]"
);

host_call_stub!(
    /// Calls a callback without an environment.
    call_host,
    ".Llibwasm_call_host_landing",
    "mov rdi, rsi",
    "mov rsi, rdx",
    // What the other stub takes from there.
    "/* {env} */"
);

const _: [CallHost; 2] = [call_host, call_host_with_env];

/// Whether the address is that of a stub, which unwinders know its frame by.
pub fn is_host_call(address: usize) -> bool {
    address == call_host as *const () as usize || address == call_host_with_env as *const () as usize
}

const UA_SEARCH_PHASE: c_int = 1;
const UA_HANDLER_FRAME: c_int = 4;
const UA_FORCE_UNWIND: c_int = 8;
const URC_HANDLER_FOUND: c_int = 6;
const URC_INSTALL_CONTEXT: c_int = 7;
const URC_CONTINUE_UNWIND: c_int = 8;
/// The DWARF number of `rax`.
const RAX: c_int = 0;

unsafe extern "C-unwind" {
    fn _Unwind_SetGR(context: *mut c_void, register: c_int, value: usize);
    fn _Unwind_SetIP(context: *mut c_void, value: usize);
    fn _Unwind_GetLanguageSpecificData(context: *mut c_void) -> usize;
}

/// The personality of the stubs' frames (Itanium C++ ABI, Exception Handling, "Personality Routine"): each has a handler for every exception.
unsafe extern "C-unwind" fn personality(
    _version: c_int,
    actions: c_int,
    _class: u64,
    exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    if actions & UA_SEARCH_PHASE != 0 {
        return URC_HANDLER_FOUND;
    }
    if actions & UA_HANDLER_FRAME == 0 || actions & UA_FORCE_UNWIND != 0 {
        return URC_CONTINUE_UNWIND;
    }
    // SAFETY: the context is the unwinder's, of a stub's frame.
    let landing = unsafe { _Unwind_GetLanguageSpecificData(context) };
    // SAFETY: as above.
    unsafe { _Unwind_SetGR(context, RAX, exception as usize) };
    // SAFETY: as above; the landing takes the exception from that register.
    unsafe { _Unwind_SetIP(context, landing) };
    URC_INSTALL_CONTEXT
}
