//! What compiled code calls out for. Each function is reached through an assembly stub (`src/arch`) that has recorded the
//! exit frame, so it may collect, trap, and be walked past.
//!
//! A libcall never panics out: [`guard`] catches, and turns an error into a pending trap that the stub delivers.

mod table;

pub use table::LIBCALLS;

use crate::abi::{LibcallResult, PendingTrap, VMAnyContext, VMContext, VMHostContext, VMStoreContext};
use crate::types::*;
use crate::vm::func;
use crate::vm::instance::Instance;
use crate::vm::trap::Trap;
use crate::vm::val::RawSlot;
use cranelift_entity::EntityRef;

/// Runs the body of a libcall.
///
/// # Safety
/// `context` is that of a live store whose code called out on this thread.
unsafe fn guard(context: *mut VMStoreContext, body: impl FnOnce() -> Result<u64, TrapCode>) -> LibcallResult {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    match outcome.unwrap_or(Err(TrapCode::OutOfMemory)) {
        Ok(value) => LibcallResult { value, trapped: 0 },
        Err(code) => {
            // SAFETY: live by the caller's promise; nothing else looks at it now.
            let context = unsafe { &mut *context };
            context.pending_trap = PendingTrap {
                code: code as u32,
                fp: context.last_exit_fp,
                pc: context.last_exit_pc,
                ..PendingTrap::NONE
            };
            LibcallResult { value: 0, trapped: 1 }
        }
    }
}

/// Runs the body of a libcall that works on the calling instance.
///
/// # Safety
/// `vmctx` is the context of a live instance whose code called out on this thread.
unsafe fn with_instance(vmctx: *mut VMContext, body: impl FnOnce(&Instance) -> Result<u64, TrapCode>) -> LibcallResult {
    // SAFETY: a running instance is live: frames are roots.
    let instance = unsafe { &*Instance::from_vmctx(vmctx) };
    // SAFETY: passed on to the caller.
    unsafe { guard(instance.store().context(), || body(instance)) }
}

/// -1 as the result of a failed `grow`.
const FAILED: u64 = u64::MAX;

/// # Safety
/// Called by compiled code through its stub, like all functions below.
pub unsafe extern "C" fn memory_grow(vmctx: *mut VMContext, memory: u32, delta: u64) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let memory = instance.memory_ref(MemoryIndex::from_u32(memory));
            Ok(memory.grow(delta).unwrap_or(FAILED))
        })
    }
}

/// Checks that `start..start + len` lies within `size`.
fn range(start: u64, len: u64, size: usize, code: TrapCode) -> Result<std::ops::Range<usize>, TrapCode> {
    match start.checked_add(len) {
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(code),
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn memory_copy(
    vmctx: *mut VMContext,
    dst_memory: u32,
    dst: u64,
    src_memory: u32,
    src: u64,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let to = instance.memory_ref(MemoryIndex::from_u32(dst_memory));
            let from = instance.memory_ref(MemoryIndex::from_u32(src_memory));
            let dst = range(dst, len, to.byte_len(), TrapCode::MemoryOutOfBounds)?;
            let src = range(src, len, from.byte_len(), TrapCode::MemoryOutOfBounds)?;
            to.copy_from(dst.start, from, src);
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn memory_fill(
    vmctx: *mut VMContext,
    memory: u32,
    dst: u64,
    byte: u32,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let memory = instance.memory_ref(MemoryIndex::from_u32(memory));
            let dst = range(dst, len, memory.byte_len(), TrapCode::MemoryOutOfBounds)?;
            memory.fill(dst, byte as u8);
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn memory_init(
    vmctx: *mut VMContext,
    memory: u32,
    segment: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            init_memory(instance, MemoryIndex::from_u32(memory), DataIndex::from_u32(segment), dst, src, len)?;
            Ok(0)
        })
    }
}

/// `memory.init`, also for active segments.
pub(in crate::vm) fn init_memory(
    instance: &Instance,
    memory: MemoryIndex,
    segment: DataIndex,
    dst: u64,
    src: u64,
    len: u64,
) -> Result<(), TrapCode> {
    let memory = instance.memory_ref(memory);
    let module = instance.module();
    let bytes = match instance.data_dropped(segment) {
        true => &[],
        false => module.data(segment),
    };
    let src = range(src, len, bytes.len(), TrapCode::MemoryOutOfBounds)?;
    let dst = range(dst, len, memory.byte_len(), TrapCode::MemoryOutOfBounds)?;
    memory.write(dst.start, &bytes[src]);
    Ok(())
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn data_drop(vmctx: *mut VMContext, segment: u32) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            instance.drop_data(DataIndex::from_u32(segment));
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn table_grow(vmctx: *mut VMContext, table: u32, delta: u64, init: u64) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let table = instance.table_ref(TableIndex::from_u32(table));
            Ok(table.grow(delta, init).unwrap_or(FAILED))
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn table_copy(
    vmctx: *mut VMContext,
    dst_table: u32,
    dst: u64,
    src_table: u32,
    src: u64,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let to = instance.table_ref(TableIndex::from_u32(dst_table));
            let from = instance.table_ref(TableIndex::from_u32(src_table));
            to.copy_from(dst, from, src, len)?;
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn table_init(
    vmctx: *mut VMContext,
    table: u32,
    segment: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let (table, segment) = (TableIndex::from_u32(table), ElemIndex::from_u32(segment));
            crate::vm::instance::instantiate::init_table(instance, table, segment, dst, src, len)?;
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn table_fill(
    vmctx: *mut VMContext,
    table: u32,
    dst: u64,
    value: u64,
    len: u64,
) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let table = instance.table_ref(TableIndex::from_u32(table));
            table.fill(dst, value, len)?;
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn elem_drop(vmctx: *mut VMContext, segment: u32) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            instance.drop_elem(ElemIndex::from_u32(segment));
            Ok(0)
        })
    }
}

/// # Safety
/// See [`memory_grow`].
pub unsafe extern "C" fn ref_func(vmctx: *mut VMContext, func: u32) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let func = instance.func_ref(FuncIndex::new(func as usize));
            Ok(func.map_or(0, |func| func as u64))
        })
    }
}

/// # Safety
/// See [`memory_grow`]; also called by trampolines with a host function's context.
pub unsafe extern "C" fn raise(vmctx: *mut VMContext, code: u32) -> LibcallResult {
    // SAFETY: every context starts with its store's.
    let context = unsafe { (*vmctx.cast::<VMAnyContext>()).store };
    let code = TrapCode::from_u8(code as u8).unwrap_or(TrapCode::Unreachable);
    // SAFETY: the caller is compiled code of this store.
    unsafe { guard(context, || Err(code)) }
}

/// Runs a host function whose signature has references or v128.
///
/// # Safety
/// Called by a host function's trampoline through its stub.
pub unsafe extern "C" fn host_call(vmctx: *mut VMHostContext, slots: *mut RawSlot) -> LibcallResult {
    // SAFETY: every context starts with its store's.
    let context = unsafe { (*vmctx).store };
    // SAFETY: the trampoline keeps to the contract of `func::host_call`.
    let body = || unsafe { func::host_call(vmctx, slots) };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(trap)) => {
            func::pend(context, trap);
            LibcallResult { value: 0, trapped: 1 }
        }
        Err(_) => {
            func::pend(context, Trap::detached(TrapCode::Host, "a defect of libwasm: a panic in a host call"));
            LibcallResult { value: 0, trapped: 1 }
        }
    }
}

/// Raises a trap that a callback returned.
///
/// # Safety
/// Called by a host function's trampoline through its stub; `trap` is owned.
pub unsafe extern "C" fn raise_object(vmctx: *mut VMHostContext, trap: *mut u8) -> LibcallResult {
    // SAFETY: every context starts with its store's.
    let context = unsafe { (*vmctx).store };
    // SAFETY: a callback returns an owned trap.
    func::pend(context, unsafe { crate::vm::store::entity::Handle::from_raw(trap.cast()) });
    LibcallResult { value: 0, trapped: 1 }
}

/// # Safety
/// See [`memory_grow`]. A trap is not delivered.
pub unsafe extern "C" fn table_fill_element(vmctx: *mut VMContext, table: u32, index: u32) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            let table = instance.table_ref(TableIndex::from_u32(table));
            Ok(table.get(index.into()).unwrap_or(0))
        })
    }
}

/// # Safety
/// See [`memory_grow`]. A trap is not delivered.
pub unsafe extern "C" fn table_settle(vmctx: *mut VMContext, table: u32) -> LibcallResult {
    // SAFETY: the caller is compiled code of this instance.
    unsafe {
        with_instance(vmctx, |instance| {
            instance.table_ref(TableIndex::from_u32(table)).settle();
            Ok(0)
        })
    }
}
