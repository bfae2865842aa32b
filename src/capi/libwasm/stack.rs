//! Stacks that are not a thread's own: those of coroutines.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::store::wasm_store_t;
use crate::os::stack::{self, StackBounds};
use crate::types::{Error, Result};
use crate::vm::store::Store;
use std::ffi::c_void;

/// Names the stack that this thread runs on, or is about to switch to: memory from `low` up to `high`, where its first frame is. NULL
/// for both takes that back.
///
/// WebAssembly runs on the stack that the system gave the thread, and on the one that was named last, for as long as the stack pointer
/// is in it. On any other a call gives a trap (`LIBWASM_TRAP_BAD_CALL`), since nobody could say where it ends. So a host whose
/// coroutines (fibers, green threads) call into WebAssembly calls this whenever one starts or goes on; when the thread is back on its own
/// stack, nothing has to be called. Before a stack is freed, or its memory is used for a smaller one, its name is to be taken back, and
/// if a coroutine on it is still in a call of WebAssembly, `libwasm_store_forget_stack` is to be called.
///
/// Coroutines may be in calls of the same store at the same time, as long as they stay on one thread, and their calls may return in any
/// order. Each needs a stack of its own: a host that copies parts of one stack out and in may not have two of them in one store, and
/// the process ends with a message if it does.
///
/// False, with the reason recorded, and nothing changes, if `low` is not below `high`.
#[unsafe(no_mangle)]
pub extern "C" fn libwasm_thread_set_stack(low: *const c_void, high: *const c_void) -> bool {
    boundary(false, || {
        let none = low.is_null() && high.is_null();
        stack::set_current(if none { None } else { Some(bounds(low, high)?) });
        Ok(true)
    })
}

/// Says that what runs on a stack will never go on: a coroutine was given up while it was in a host function that a call of this store
/// had called. The calls that are on the memory from `low` up to `high` are dropped, as if they had been left by `longjmp`, and the
/// memory may be freed. Without that, what the frames of such a call refer to is kept, and the call is only found out when a
/// collection sees that its stack was overwritten or is gone.
///
/// Does nothing and records the reason if a pointer is NULL, if `low` is not below `high`, or if this is called on that stack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_store_forget_stack(store: *mut wasm_store_t, low: *const c_void, high: *const c_void) {
    boundary((), || {
        let bounds = bounds(low, high)?;
        // SAFETY: as the caller states.
        let mut entered = unsafe { own::store(store) }?.enter()?;
        Store::forget_stack(&mut entered, bounds)
    })
}

fn bounds(low: *const c_void, high: *const c_void) -> Result<StackBounds> {
    let (low, high) = (low.addr(), high.addr());
    if low == 0 || low >= high {
        return Err(Error::argument(format!("no stack lies from {low:#x} up to {high:#x}")));
    }
    Ok(StackBounds { low, high })
}
