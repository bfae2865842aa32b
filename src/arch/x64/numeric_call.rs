//! The way into WebAssembly for what a host does a million times: calling a function whose signature has numbers only, on the
//! store's owner thread, with as many arguments as it takes. All of `wasm_func_call` that such a call needs, in one stub: what is
//! checked is what `src/vm/func/call.rs` checks, and whatever is out of the ordinary is left to it.
//!
//! It takes no lock, allocates nothing, writes nothing but the store's own records, and looks nothing up in thread-local storage.

use crate::abi::{ObjectHeader, ObjectKind, VMAnyContext, VMFuncRef, VMFuncType, VMStoreContext, ValVec};
use crate::arch::entry::{TRAPPED, enter};
use crate::os::stack::{ENDED_THREADS, StackLimitCache};
use std::arch::naked_asm;
use std::mem::offset_of;

/// Where the parts of a store lie that entering it reads, which is the virtual machine's business: bytes from the store's context.
pub trait StoreLayout {
    /// The pointer to the owner thread's slot.
    const OWNER_SLOT: usize;
    /// The flag that leaving the store takes more than lowering the depth.
    const ATTENTION: usize;
    /// The flag that other threads have queued handles.
    const QUEUED: usize;
    /// In a slot: the thread's token, the depth of its entries, and its [`StackLimitCache`].
    const SLOT_TOKEN: usize;
    const SLOT_DEPTH: usize;
    const SLOT_STACK_LIMIT: usize;
}

/// Nothing was called, and nothing is as it was not before.
pub const NOT_MADE: u32 = 2;
/// The function returned, its results are written, and the store is still entered, since leaving it takes more than this stub can do.
pub const STILL_INSIDE: u32 = 3;

/// What goes on where [`call_numeric`] does not: it gets the same arguments, and [`NOT_MADE`], [`STILL_INSIDE`], or
/// [`TRAPPED`], which leaves the store entered too.
pub type Otherwise = unsafe extern "C" fn(*const VMFuncRef, *const ValVec, *mut ValVec, u32) -> *mut u8;

const _: () = assert!(offset_of!(VMAnyContext, store) == 0 && offset_of!(VMFuncRef, object) == 0);

/// Calls a function: null if it returned, or what `otherwise` makes of it.
///
/// # Safety
///
/// `func` is null or a live record of any kind; `args` and `results` are null or live vectors, of which `results` may have raw
/// memory.
#[unsafe(naked)]
pub unsafe extern "C" fn call_numeric<S: StoreLayout>(
    func: *const VMFuncRef,
    args: *const ValVec,
    results: *mut ValVec,
    otherwise: Otherwise,
) -> *mut u8 {
    naked_asm!(
        ".cfi_startproc",
        // What is needed afterwards: at 48 func, at 40 args, at 32 results, at 24 otherwise, at 8 the store, at 0 the slot.
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "sub rsp, 24",
        ".cfi_def_cfa_offset 64",
        // A function, of a numeric-only signature, whose trampoline there is.
        "test rdi, rdi",
        "je 9f",
        "cmp byte ptr [rdi + {kind}], {func_kind}",
        "jne 9f",
        "mov rax, [rdi + {ty}]",
        "mov r9, [rax + {numeric_to_wasm}]",
        "test r9, r9",
        "je 9f",
        // As many arguments as parameters, and room for the results. A vector without elements is empty.
        "test rsi, rsi",
        "je 9f",
        "test rdx, rdx",
        "je 9f",
        "mov r10, [rsi + {data}]",
        "mov r11, [rsi + {size}]",
        "test r10, r10",
        "cmove r11, r10",
        "cmp r11, [rax + {num_params}]",
        "jne 9f",
        "mov rcx, [rdx + {data}]",
        "mov r11, [rdx + {size}]",
        "test rcx, rcx",
        "cmove r11, rcx",
        "cmp r11, [rax + {num_results}]",
        "jb 9f",
        "mov rdx, r10",
        "mov rsi, [rdi + {entry}]",
        "mov rdi, [rdi + {vmctx}]",
        "mov r8, [rdi]",
        // This thread is the store's owner, and its stack has room: `StackLimitCache::get`.
        "mov rax, [r8 + {owner_slot}]",
        "test rax, rax",
        "je 9f",
        "mov r10, fs:0",
        "cmp r10, [rax + {token}]",
        "jne 9f",
        "mov r10, [rip + {ended_threads}]",
        "cmp r10, [rax + {known_ended_threads}]",
        "jne 9f",
        "mov r11, [rax + {limit}]",
        "mov r10, rsp",
        "sub r10, r11",
        "cmp r10, [rax + {room}]",
        "jae 9f",
        // Steps inside: `StoreOwner::try_enter`.
        "add qword ptr [rax + {depth}], 1",
        "cmp [r8 + {owner_slot}], rax",
        "jne 8f",
        "mov [rsp], rax",
        "mov [rsp + 8], r8",
        // The outermost activation sets the stack's limit. An inner one has the same, unless the outer ran on another stack.
        "cmp qword ptr [r8 + {activation}], 0",
        "jne 4f",
        "mov [r8 + {stack_limit}], r11",
        "2:",
        "call {enter}",
        "mov rcx, [rsp]",
        "mov r8, [rsp + 8]",
        "cmp eax, {trapped}",
        "je 7f",
        // Leaves: `Store::leave`.
        "mov rdx, [rcx + {depth}]",
        "sub rdx, 1",
        "jne 3f",
        "cmp byte ptr [r8 + {attention}], 0",
        "jne 6f",
        "cmp byte ptr [r8 + {queued}], 0",
        "jne 6f",
        "3:",
        "mov [rcx + {depth}], rdx",
        // The trampoline may have refused the kind of an argument.
        "test eax, eax",
        "jne 9f",
        "xor eax, eax",
        "add rsp, 56",
        ".cfi_remember_state",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_restore_state",
        "6:",
        "test eax, eax",
        "jne 3b",
        "mov ecx, {still_inside}",
        "jmp 20f",
        "7:",
        "mov ecx, {trapped}",
        "jmp 20f",
        "4:",
        "cmp [r8 + {stack_limit}], r11",
        "je 2b",
        // Steps outside again; or another thread has taken the store over in between.
        "8:",
        "sub qword ptr [rax + {depth}], 1",
        "9:",
        "mov ecx, {not_made}",
        "20:",
        "mov rax, [rsp + 24]",
        "mov rdx, [rsp + 32]",
        "mov rsi, [rsp + 40]",
        "mov rdi, [rsp + 48]",
        "add rsp, 56",
        ".cfi_def_cfa_offset 8",
        "jmp rax",
        ".cfi_endproc",
        kind = const offset_of!(ObjectHeader, kind),
        func_kind = const ObjectKind::Func as u8,
        ty = const offset_of!(VMFuncRef, ty),
        entry = const offset_of!(VMFuncRef, entry),
        vmctx = const offset_of!(VMFuncRef, vmctx),
        numeric_to_wasm = const offset_of!(VMFuncType, numeric_to_wasm),
        num_params = const offset_of!(VMFuncType, num_params),
        num_results = const offset_of!(VMFuncType, num_results),
        size = const offset_of!(ValVec, size),
        data = const offset_of!(ValVec, data),
        owner_slot = const S::OWNER_SLOT,
        attention = const S::ATTENTION,
        queued = const S::QUEUED,
        token = const S::SLOT_TOKEN,
        depth = const S::SLOT_DEPTH,
        limit = const S::SLOT_STACK_LIMIT + StackLimitCache::LIMIT,
        room = const S::SLOT_STACK_LIMIT + StackLimitCache::ROOM,
        known_ended_threads = const S::SLOT_STACK_LIMIT + StackLimitCache::ENDED_THREADS,
        ended_threads = sym ENDED_THREADS,
        activation = const offset_of!(VMStoreContext, activation),
        stack_limit = const offset_of!(VMStoreContext, stack_limit),
        enter = sym enter,
        trapped = const TRAPPED,
        still_inside = const STILL_INSIDE,
        not_made = const NOT_MADE,
    )
}
