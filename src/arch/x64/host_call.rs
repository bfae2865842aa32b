//! Out of WebAssembly into a host function, and back: by return, or by an exception.
//!
//! The stubs here are the only way in which callbacks are called while WebAssembly runs. Around the call the host has its own
//! floating-point mode. Afterwards the activation that called is made sure of: the callback may have left others behind, by
//! `longjmp`, or coroutines that are inside the store may have run.
//!
//! A foreign exception, C++'s as a rule, finds a handler in the stub, because the unwinder knows no frame of compiled code above it. The
//! stub keeps the exception in the record of the activation and returns [`LEFT_BY_EXCEPTION`]; whoever called into WebAssembly lets it go
//! on from there ([`rethrow`](crate::os::exceptions::rethrow)). A forced unwinding, of a thread that exits, finds none: the C library
//! then drops all frames at once.

use crate::abi::{Activation, CallHost, VMHostContext, VMStoreContext, ValVec};
use crate::arch::float_mode::{MXCSR_STATUS, WASM_MXCSR, WASM_MXCSR_WORD};
use std::arch::naked_asm;
use std::ffi::{c_int, c_void};
use std::mem::offset_of;

/// What a stub returns instead of a trap when an exception left the callback. No trap has this address.
pub const LEFT_BY_EXCEPTION: usize = 1;

/// Defines the stub `$name(context, arguments, results, activation)`: a trap, null, or [`LEFT_BY_EXCEPTION`]. `$move` are the
/// instructions that turn the arguments of the stub into those of the callback, and `$landing` is a name for the place where exceptions
/// land.
macro_rules! host_call_stub {
    ($(#[$doc:meta])* $name:ident, $landing:literal, $($move:literal),*) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The context is that of a host function with such a callback, which the activation calls, the first of the store's list; the
        /// vectors are what its signature asks for.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(
            context: *mut VMHostContext,
            args: *const ValVec,
            results: *mut ValVec,
            activation: *mut Activation,
        ) -> *mut u8 {
            naked_asm!(
                ".cfi_startproc",
                // Both relative to their own place, 4 bytes. The language's data is nothing but the address of the landing.
                ".cfi_personality 0x1b, {personality}",
                concat!(".cfi_lsda 0x1b, ", $landing),
                "push rcx",
                ".cfi_adjust_cfa_offset 8",
                "test dword ptr [rcx + {flags}], {host_mode_flag}",
                "jne 40f",
                "20:",
                "mov rax, [rdi + {callback}]",
                $($move,)*
                "call rax",
                "30:",
                "mov rcx, [rsp]",
                "mov r8, [rcx + {store}]",
                "cmp [r8 + {activation}], rcx",
                "jne 50f",
                "35:",
                "stmxcsr [rsp]",
                "mov ecx, [rsp]",
                "or ecx, {status}",
                "cmp ecx, {mode} | {status}",
                "jne 60f",
                "36:",
                // No `pop`: a load of the whole word would wait until the half that was just stored is in the cache.
                "add rsp, 8",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -8",
                "ret",
                ".cfi_restore_state",
                // The host's mode is another: it has it back.
                "40:",
                "ldmxcsr [rcx + {host_mode}]",
                "jmp 20b",
                // It has returned in another mode than WebAssembly's.
                "60:",
                "ldmxcsr [rip + {wasm_mxcsr}]",
                "jmp 36b",
                // Another activation is the first.
                "50:",
                "push rax",
                ".cfi_adjust_cfa_offset 8",
                "sub rsp, 8",
                ".cfi_adjust_cfa_offset 8",
                "mov rdi, r8",
                "mov rsi, rcx",
                "call [r8 + {resume}]",
                "add rsp, 8",
                ".cfi_adjust_cfa_offset -8",
                "pop rax",
                ".cfi_adjust_cfa_offset -8",
                "jmp 35b",
                // An exception, in `rax`.
                concat!($landing, ":"),
                "mov rcx, [rsp]",
                "mov [rcx + {exception}], rax",
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
                store = const offset_of!(Activation, store),
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

/// The personality of the stubs' frames (Itanium C++ ABI, Exception Handling, "Personality Routine"): each has a handler for every
/// exception.
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
