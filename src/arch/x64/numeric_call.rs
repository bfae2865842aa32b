//! The way into WebAssembly for what a host does a million times: calling a function on the store's owner thread, with as many arguments
//! as it takes, numbers above all. All of `wasm_func_call` that such a call needs, in one stub: what is
//! checked is what `src/vm/func/call.rs` checks, and whatever is out of the ordinary is left to it.
//!
//! It takes no lock, allocates nothing, writes nothing but the store's own records, and looks nothing up in thread-local storage.

use crate::abi::{
    Activation, ObjectHeader, ObjectKind, RAW_SLOT, VMAnyContext, VMFuncRef, VMFuncType, VMStoreContext, Val, ValVec,
};
use crate::arch::entry::{TRAPPED, enter};
use crate::os::stack::{ENDED_THREADS, StackLimitCache};
use std::arch::naked_asm;
use std::mem::offset_of;

/// Where the parts of a store lie that entering it reads, which is the virtual machine's business: bytes from the store's context.
pub trait StoreLayout {
    /// The pointer to the owner thread's slot.
    const OWNER_SLOT: usize;
    /// Two bytes, which are 0 if leaving the store takes no more than lowering the depth, and if other threads have queued no handles.
    const ATTENTION: usize;
    /// In a slot: the thread's token, the depth of its entries, and its [`StackLimitCache`].
    const SLOT_TOKEN: usize;
    const SLOT_DEPTH: usize;
    const SLOT_STACK_LIMIT: usize;
}

/// How references and vectors cross, which is the virtual machine's business too: functions that the stub calls, with the store entered.
pub trait Conversion {
    /// Converts the arguments of a call of `func` into slots of raw bytes; [`REFUSED`] if that takes more than a look at each.
    ///
    /// # Safety
    /// `func` is live, the arguments are as many as its type has parameters, and there is a slot for each.
    unsafe extern "C" fn args_to_slots(func: *const VMFuncRef, args: *const Val, slots: *mut u8) -> u32;

    /// Converts the results of the call; [`TRAPPED`] with a pending trap if there is no memory for that.
    ///
    /// # Safety
    /// `func` has just returned, its trampoline has written a slot for each result, and there is room for as many values.
    unsafe extern "C" fn slots_to_results(func: *const VMFuncRef, slots: *const u8, results: *mut Val) -> u32;
}

/// The call is left to [`Otherwise`]; what a trampoline returns that refuses an argument's kind.
pub const REFUSED: u32 = 2;
/// A signature with more parameters and results together is left to [`Otherwise`], if not all are numbers.
pub const MOST_SLOTS: usize = 16;

/// Nothing was called, and nothing is as it was not before.
pub const NOT_MADE: u32 = 2;
/// The function returned, its results are written, and the store is still entered, since leaving it takes more than this stub can do.
pub const STILL_INSIDE: u32 = 3;

/// What goes on where [`call_numeric`] does not: it gets the same arguments; [`NOT_MADE`], [`STILL_INSIDE`], or
/// [`TRAPPED`], which leaves the store entered too; and the stack pointer that [`call_numeric`] had in its frame
/// ([`Activation::entry_sp`]), though that frame is gone.
pub type Otherwise = unsafe extern "C-unwind" fn(*const VMFuncRef, *const ValVec, *mut ValVec, u32, usize) -> *mut u8;

const _: () = assert!(offset_of!(VMAnyContext, store) == 0 && offset_of!(VMFuncRef, object) == 0);
// Four pushes and 24 bytes.
const _: () = assert!(Activation::RETURN_SLOT == 56);

/// The body of a naked function with the parameters and the result of [`call_numeric`] but the last, which is `$otherwise`. The stub is
/// jumped to, so that the return address is the host's.
macro_rules! jump_to_call_numeric {
    ($layout:ty, $conversion:ty, $otherwise:path) => {
        std::arch::naked_asm!(
            "lea rcx, [rip + {otherwise}]",
            "jmp {call}",
            otherwise = sym $otherwise,
            call = sym $crate::arch::call_numeric::<$layout, $conversion>,
        )
    };
}
pub(crate) use jump_to_call_numeric;

/// Calls a function: null if it returned, or what `otherwise` makes of it.
///
/// # Safety
///
/// `func` is null or a live record of any kind; `args` and `results` are null or live vectors, of which `results` may have raw
/// memory.
#[unsafe(naked)]
pub unsafe extern "C-unwind" fn call_numeric<S: StoreLayout, C: Conversion>(
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
        "je 30f",
        "31:",
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
        "cmp qword ptr [rax + {depth}], 0",
        "jne 40f",
        // The outermost entry steps inside: `StoreOwner::try_enter`.
        "mov qword ptr [rax + {depth}], 1",
        "cmp [r8 + {owner_slot}], rax",
        "jne 80f",
        "mov [rsp], rax",
        "mov [rsp + 8], r8",
        // It sets the stack's limit: `StackLimitCache::outermost`.
        "cmp r10, [rax + {most}]",
        "ja 50f",
        "20:",
        "mov [r8 + {stack_limit}], r11",
        "mov r10, [rsp + {return_slot}]",
        "mov [r8 + {first} + {return_address}], r10",
        "mov [r8 + {first} + {entry_sp}], rsp",
        "test r9b, 1",
        "jne 33f",
        "call {enter}",
        "34:",
        "mov rcx, [rsp]",
        "mov r8, [rsp + 8]",
        // A trap, or the trampoline has refused the kind of an argument.
        "test eax, eax",
        "jne 60f",
        // Leaves: `Store::leave`.
        "cmp word ptr [r8 + {attention}], 0",
        "jne 65f",
        "mov qword ptr [rcx + {depth}], 0",
        "add rsp, 56",
        ".cfi_remember_state",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_restore_state",
        // Inside another call of this store, on this stack, which as far as can be told was not left otherwise than by return:
        // `Store::may_be_dead`. The other's stack limit holds.
        "40:",
        "mov r10, [r8 + {activation}]",
        "test r10, r10",
        "je 9f",
        "mov r10, [r10 + {entry_fp}]",
        "cmp r10, rsp",
        "jbe 9f",
        "sub r10, r11",
        "cmp r10, [rax + {room}]",
        "jae 9f",
        "mov rax, [r8 + {activation}]",
        "mov r10, [rax + {entry_sp}]",
        "test r10, r10",
        "je 9f",
        "mov r11, [rax + {return_address}]",
        "cmp [r10 + {return_slot}], r11",
        "jne 9f",
        "cmp rsp, [r8 + {stack_limit}]",
        "jb 9f",
        "mov rax, [r8 + {spare}]",
        "test rax, rax",
        "je 9f",
        "mov r10, [rsp + {return_slot}]",
        "mov [rax + {return_address}], r10",
        "mov [rax + {entry_sp}], rsp",
        "mov [rsp + 8], r8",
        "test r9b, 1",
        "jne 35f",
        "call {enter}",
        "36:",
        "mov r8, [rsp + 8]",
        "test eax, eax",
        "jne 63f",
        // The other may have returned meanwhile, where coroutines run.
        "cmp qword ptr [r8 + {activation}], 0",
        "je 65f",
        "add rsp, 56",
        ".cfi_remember_state",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_restore_state",
        // Not numbers only. The lowest bit says so from here on.
        "30:",
        "mov r9, [rax + {slots_to_wasm}]",
        "test r9, r9",
        "je 9f",
        "or r9, 1",
        "jmp 31b",
        "33:",
        "call {enter_with_slots}",
        "jmp 34b",
        "35:",
        "call {enter_with_slots}",
        "jmp 36b",
        // WebAssembly may not use all that there is of the stack.
        "50:",
        "mov r11, rsp",
        "sub r11, [rax + {most}]",
        "jmp 20b",
        "60:",
        "cmp eax, {trapped}",
        "je 70f",
        "mov qword ptr [rcx + {depth}], 0",
        "jmp 9f",
        "63:",
        "cmp eax, {trapped}",
        "je 70f",
        "jmp 9f",
        "65:",
        "mov ecx, {still_inside}",
        "jmp 90f",
        "70:",
        "mov ecx, {trapped}",
        "jmp 90f",
        // Another thread has taken the store over in between.
        "80:",
        "mov qword ptr [rax + {depth}], 0",
        "9:",
        "mov ecx, {not_made}",
        "90:",
        "mov r8, rsp",
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
        slots_to_wasm = const offset_of!(VMFuncType, slots_to_wasm),
        num_params = const offset_of!(VMFuncType, num_params),
        num_results = const offset_of!(VMFuncType, num_results),
        size = const offset_of!(ValVec, size),
        data = const offset_of!(ValVec, data),
        owner_slot = const S::OWNER_SLOT,
        attention = const S::ATTENTION,
        token = const S::SLOT_TOKEN,
        depth = const S::SLOT_DEPTH,
        limit = const S::SLOT_STACK_LIMIT + StackLimitCache::LIMIT,
        room = const S::SLOT_STACK_LIMIT + StackLimitCache::ROOM,
        most = const S::SLOT_STACK_LIMIT + StackLimitCache::MOST,
        known_ended_threads = const S::SLOT_STACK_LIMIT + StackLimitCache::ENDED_THREADS,
        ended_threads = sym ENDED_THREADS,
        activation = const offset_of!(VMStoreContext, activation),
        stack_limit = const offset_of!(VMStoreContext, stack_limit),
        spare = const offset_of!(VMStoreContext, spare),
        first = const offset_of!(VMStoreContext, first),
        entry_fp = const offset_of!(Activation, entry_fp),
        entry_sp = const offset_of!(Activation, entry_sp),
        return_address = const offset_of!(Activation, return_address),
        return_slot = const Activation::RETURN_SLOT,
        enter = sym enter,
        enter_with_slots = sym enter_with_slots::<C>,
        trapped = const TRAPPED,
        still_inside = const STILL_INSIDE,
        not_made = const NOT_MADE,
    )
}

/// As [`enter`], which it calls, for a trampoline that takes slots. Called by [`call_numeric`] with the same parameters and its frame above the
/// return address.
#[unsafe(naked)]
unsafe extern "C" fn enter_with_slots<C: Conversion>() {
    naked_asm!(
        ".cfi_startproc",
        // At 16 the slots, at 8 the place of the results.
        "sub rsp, {frame}",
        ".cfi_adjust_cfa_offset {frame}",
        "mov [rsp + 8], rcx",
        "mov rdi, [rsp + {func}]",
        "mov rsi, rdx",
        "lea rdx, [rsp + 16]",
        "call {args_to_slots}",
        "test eax, eax",
        "jne 20f",
        "mov rax, [rsp + {func}]",
        "mov rdi, [rax + {vmctx}]",
        "mov rsi, [rax + {entry}]",
        "mov rax, [rax + {ty}]",
        "lea rdx, [rsp + 16]",
        "mov rcx, [rax + {num_params}]",
        "shl rcx, 4",
        "add rcx, rdx",
        "mov r8, [rdi]",
        "mov r9, [rax + {slots_to_wasm}]",
        "call {enter}",
        "test eax, eax",
        "jne 20f",
        "mov rdi, [rsp + {func}]",
        "mov rax, [rdi + {ty}]",
        "mov rsi, [rax + {num_params}]",
        "shl rsi, 4",
        "lea rsi, [rsp + rsi + 16]",
        "mov rdx, [rsp + 8]",
        "call {slots_to_results}",
        "20:",
        "add rsp, {frame}",
        ".cfi_adjust_cfa_offset -{frame}",
        "ret",
        ".cfi_endproc",
        frame = const FRAME,
        // Above this frame and the return address, in that of `call_numeric`.
        func = const FRAME + 8 + 48,
        vmctx = const offset_of!(VMFuncRef, vmctx),
        entry = const offset_of!(VMFuncRef, entry),
        ty = const offset_of!(VMFuncRef, ty),
        num_params = const offset_of!(VMFuncType, num_params),
        slots_to_wasm = const offset_of!(VMFuncType, slots_to_wasm),
        args_to_slots = sym C::args_to_slots,
        slots_to_results = sym C::slots_to_results,
        enter = sym enter,
    )
}

/// The frame of [`enter_with_slots`]: with the return address, a multiple of 16.
const FRAME: usize = 24 + MOST_SLOTS * RAW_SLOT;
const _: () = assert!(RAW_SLOT == 16 && (FRAME + 8).is_multiple_of(16));
