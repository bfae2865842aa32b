//! What compiled code calls out for. Each libcall is reached through an assembly stub (`src/arch`) that has recorded the
//! exit frame, so it may collect, trap, and be walked past.
//!
//! A libcall never panics out: [`guard`] catches, and turns an error into a pending trap that the stub delivers.
//!
//! To add one: a line of `foreach_libcall!` in `src/abi/libcall.rs`, and the function of its name, in this module or one below it.

mod atomic;
pub mod bulk;
pub mod gc;
mod table;

pub use table::LIBCALLS;

use crate::abi::{
    Activation, LibcallResult, PendingTrap, VMAnyContext, VMContext, VMHostContext, VMStoreContext, foreach_libcall,
};
use crate::types::{FuncIndex, MemoryIndex, TableIndex, TrapCode};
use crate::vm::func::{ValVec, callback};
use crate::vm::instance::Instance;
use crate::vm::store::entity::Handle;
use crate::vm::trap::Trap;
use crate::vm::val::RawSlot;

/// What a libcall returns to compiled code, or why it traps.
type Outcome = Result<u64, TrapCode>;

/// The function that has called a libcall, by its context.
pub struct Caller(*mut VMContext);

impl Caller {
    /// Notes which byte of a memory was out of bounds, for the message of the trap that the libcall returns.
    fn note_byte(&self, memory: MemoryIndex, byte: u64) {
        // SAFETY: every context starts with its store's.
        let store = unsafe { (*self.0.cast::<VMAnyContext>()).store };
        // SAFETY: the store runs this libcall, on this thread, and nobody else looks at its pending trap: there is none.
        let pending = unsafe { &mut (*store).pending_trap };
        (pending.memory, pending.address) = (memory.as_u32() + 1, byte as usize);
    }

    /// Notes the exception that the libcall throws.
    fn note_exception(&self, exception: u32) {
        // SAFETY: every context starts with its store's.
        let store = unsafe { (*self.0.cast::<VMAnyContext>()).store };
        // SAFETY: as in `note_byte`.
        unsafe { (*store).pending_trap.exception = exception };
    }

    /// The instance that the function belongs to.
    fn instance(&self) -> &Instance {
        // SAFETY: all but `raise`, which does not ask, are called by code of instances only; and a running instance is live.
        unsafe { &*Instance::from_vmctx(self.0) }
    }
}

/// Runs the body of a libcall.
///
/// # Safety
/// `context` is that of a live store whose code called out on this thread.
unsafe fn guard(context: *mut VMStoreContext, body: impl FnOnce() -> Outcome) -> LibcallResult {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    match outcome.unwrap_or(Err(TrapCode::OutOfMemory)) {
        Ok(value) => LibcallResult { value, trapped: 0 },
        Err(code) => {
            // SAFETY: live by the caller's promise; nothing else looks at it now.
            let context = unsafe { &mut *context };
            // SAFETY: the activation whose code called out.
            let &Activation { exit_fp, exit_pc, .. } = unsafe { &*context.activation };
            // What has been noted of the access that failed, or of what is thrown.
            let PendingTrap { memory, address, exception, .. } = context.pending_trap;
            context.pending_trap = PendingTrap {
                code: code as u32,
                fp: exit_fp,
                pc: exit_pc,
                memory,
                address,
                exception,
                ..PendingTrap::NONE
            };
            LibcallResult { value: 0, trapped: 1 }
        }
    }
}

/// The Rust type of a libcall's parameter.
macro_rules! param_type {
    (i32) => {
        u32
    };
    (i64) => {
        u64
    };
}

/// Defines the functions that stubs call: each runs the function of its name in [`operations`].
macro_rules! define_entries {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {$(
        /// # Safety
        /// Called by compiled code through its stub, with the code's own context.
        pub unsafe extern "C" fn $name(vmctx: *mut VMContext $(, $param: param_type!($ty))*) -> LibcallResult {
            // SAFETY: every context starts with its store's, and running code has a live one.
            let context = unsafe { (*vmctx.cast::<VMAnyContext>()).store };
            // SAFETY: the caller is compiled code of this store, on this thread.
            unsafe { guard(context, || operations::$name(&Caller(vmctx) $(, $param)*)) }
        }
    )*};
}
foreach_libcall!(define_entries);

/// What the libcalls do.
mod operations {
    pub use super::atomic::{memory_notify, memory_wait32, memory_wait64};
    pub use super::bulk::{
        data_drop, elem_drop, memory_copy, memory_fill, memory_init, table_copy, table_fill, table_init,
    };
    pub use super::gc::{
        array_copy, array_init_data, array_init_elem, array_new, array_new_data, array_new_elem, array_note_writes,
        exception_new, heap_func, heap_tag, struct_new, throw, type_matches,
    };
    use super::{Caller, FuncIndex, MemoryIndex, Outcome, TableIndex, TrapCode};

    /// -1 as the result of a failed `grow`.
    const FAILED: u64 = u64::MAX;

    pub fn memory_grow(caller: &Caller, memory: u32, delta: u64) -> Outcome {
        Ok(caller.instance().memory_ref(MemoryIndex::from_u32(memory)).grow(delta).unwrap_or(FAILED))
    }

    pub fn table_grow(caller: &Caller, table: u32, delta: u64, init: u64) -> Outcome {
        Ok(caller.instance().table_ref(TableIndex::from_u32(table)).grow(delta, init).unwrap_or(FAILED))
    }

    pub fn ref_func(caller: &Caller, func: u32) -> Outcome {
        Ok(caller.instance().func_ref(FuncIndex::from_u32(func)).map_or(0, |func| func as u64))
    }

    /// Also called by trampolines, with a host function's context.
    pub fn raise(_caller: &Caller, code: u32) -> Outcome {
        Err(TrapCode::from_u8(code as u8).unwrap_or(TrapCode::Unreachable))
    }
}

/// Runs a host function whose signature has references or v128.
///
/// # Safety
/// Called by a host function's trampoline through its stub.
pub unsafe extern "C" fn host_call(vmctx: *mut VMHostContext, slots: *mut RawSlot) -> LibcallResult {
    // SAFETY: the trampoline keeps to the contract of `callback::host_call`.
    let body = || unsafe { callback::host_call(vmctx, slots) };
    // SAFETY: passed on to the caller.
    unsafe { guard_callback(vmctx, body) }
}

/// Does what is left to do after a callback of a signature of numbers.
///
/// # Safety
/// Called by a host function's trampoline through its stub.
pub unsafe extern "C" fn end_callback(
    vmctx: *mut VMHostContext,
    trap: *mut u8,
    vectors: *mut [ValVec; 2],
) -> LibcallResult {
    // SAFETY: the trampoline keeps to the contract of `callback::end_numeric_callback`.
    let body = || unsafe { callback::end_numeric_callback(vmctx, trap, vectors) };
    // SAFETY: passed on to the caller.
    unsafe { guard_callback(vmctx, body) }
}

/// Runs the body of a libcall of a host function's trampoline; its trap becomes the pending one.
///
/// # Safety
/// `vmctx` is that of a host function whose trampoline called out on this thread.
unsafe fn guard_callback(vmctx: *mut VMHostContext, body: impl FnOnce() -> Result<(), Handle<Trap>>) -> LibcallResult {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Trap::detached(TrapCode::Host, "a defect of libwasm: a panic in a host call")));
    let Err(trap) = outcome else { return LibcallResult { value: 0, trapped: 0 } };
    // SAFETY: every context starts with its store's.
    callback::pend(unsafe { (*vmctx).store }, trap);
    LibcallResult { value: 0, trapped: 1 }
}

/// Fills an element of a lazy table that is 0. Delivers no trap.
///
/// # Safety
/// Called by compiled code through its stub, with the code's own context.
pub unsafe extern "C" fn table_fill_element(vmctx: *mut VMContext, table: u32, index: u32) -> LibcallResult {
    let caller = Caller(vmctx);
    let fill = || Ok(caller.instance().table_ref(TableIndex::from_u32(table)).get(index.into()).unwrap_or(0));
    // SAFETY: the caller is compiled code of the instance's store.
    unsafe { guard(caller.instance().store().context(), fill) }
}

/// Fills all of a lazy table, so that 0 in it means null. Delivers no trap.
///
/// # Safety
/// As [`table_fill_element`].
pub unsafe extern "C" fn table_materialize(vmctx: *mut VMContext, table: u32) -> LibcallResult {
    let caller = Caller(vmctx);
    let materialize = || {
        caller.instance().table_ref(TableIndex::from_u32(table)).materialize();
        Ok(0)
    };
    // SAFETY: as in `table_fill_element`.
    unsafe { guard(caller.instance().store().context(), materialize) }
}
