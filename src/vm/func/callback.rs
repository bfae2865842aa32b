//! Calls from WebAssembly to the host's callbacks, and what a callback leaves in its results.
//!
//! A callback is lent two vectors whose storage lies in the frame of its trampoline. It writes its results where they are to be, or
//! puts another vector in place of that one (`wasm_val_vec_new(results, ...)`, `*results = vector`), which the library owns then.
//!
//! The trampoline of a signature of numbers calls the callback itself, and [`end_numeric_callback`] only if it gave a trap or its
//! results are not what they should be. For all others [`host_call`] does everything.

use super::call::{bad_call, failed_call};
use super::slots::convert_at_once;
use super::{HostFunc, ValVec};
use crate::abi::{Activation, Form, LENT_OFFSET, PendingTrap, VMHostContext, VMStoreContext};
use crate::arch;
use crate::module::EntityIndex;
use crate::types::{Error, TrapCode};
use crate::vm::instance::Instance;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Store};
use crate::vm::trap::Trap;
use crate::vm::trap::unwind::{self, Step};
use crate::vm::val::{self, RawSlot, Val};
use crate::vm::vector;
use std::ops::ControlFlow;

/// What a callback has left in its results. Dropping it frees what the values own, and the vector if the callback put it there.
struct Results<'a> {
    /// The store, which this thread is inside of.
    store: &'a Store,
    /// The callback's vector, as it is now.
    vector: ValVec,
    /// The storage that was in it before.
    place: *mut Val,
    /// The number of results that the function has, for which there is room in `place`.
    count: usize,
}

impl Results<'_> {
    #[inline]
    fn is_replaced(&self) -> bool {
        self.vector.data != self.place
    }

    /// Whether the vector is the one that the callback was lent, unchanged.
    #[inline]
    fn is_as_lent(&self) -> bool {
        !self.is_replaced() && self.vector.size == self.count
    }

    /// How many there are, as the callback left it.
    #[inline]
    fn given(&self) -> usize {
        if self.vector.data.is_null() { 0 } else { self.vector.size }
    }

    /// The values that the callback gave.
    #[inline]
    fn values(&self) -> &[Val] {
        let (data, count) = match self.is_replaced() {
            true if self.given() == 0 => return &[],
            true => (self.vector.data, self.vector.size),
            // Whatever became of the size.
            false => (self.place, self.count),
        };
        // SAFETY: a vector of the callback's has as many elements as it says; the place has one for each result.
        unsafe { std::slice::from_raw_parts(data, count) }
    }

    /// Whether the values are results of the function; if not, a trap that says what was expected and given.
    #[inline]
    fn check(&self, entered: &Entered<'_>, func: &HostFunc) -> Result<(), Handle<Trap>> {
        if self.given() != self.count {
            return Err(wrong(
                entered,
                func,
                &format!(" gave {} results where its type has {}", self.given(), self.count),
            ));
        }
        let ty = &*func.ty;
        for (index, (value, &crossing)) in self.values().iter().zip(&ty.results).enumerate() {
            // SAFETY: a value that a callback gave is well-formed.
            if let Err(error) = unsafe { val::check(entered.store(), value, crossing, &ty.ty.results[index]) } {
                return Err(wrong_result(entered, func, index, value.kind, &error));
            }
        }
        Ok(())
    }
}

impl Drop for Results<'_> {
    #[inline]
    fn drop(&mut self) {
        // A callback that replaced the vector may have moved the values of the old one into it, so what is left there is nobody's.
        for mut value in self.values().iter().copied() {
            // SAFETY: the callback gave its values away, and nobody uses them after this.
            unsafe { value.delete_inside(self.store) };
        }
        let data = self.vector.data.cast();
        if self.is_replaced() && vector::may_be_allocated(data) {
            // SAFETY: as above; a vector's storage comes from the functions of `wasm.h`.
            unsafe { vector::free(data) };
        }
    }
}

/// A trap that says what is wrong with a callback's results.
#[cold]
fn wrong(entered: &Entered<'_>, func: &HostFunc, what: &str) -> Handle<Trap> {
    let name = import_of_caller(entered.store(), &raw const func.context).unwrap_or_default();
    bad_call(entered, &format!("host function{name}{what}"))
}

#[cold]
fn wrong_result(entered: &Entered<'_>, func: &HostFunc, index: usize, kind: u8, error: &Error) -> Handle<Trap> {
    let ty = func.ty.ty.results[index];
    if val::is_kind_of(kind, ty) {
        return wrong(entered, func, &format!(" gave a wrong result {index} ({ty}): {}", error.message()));
    }
    wrong(entered, func, &format!(" gave {} for result {index} ({ty})", val::name_of_kind(kind)))
}

/// What the instance that has called this host function imports it as, with a space before it; nothing if it does not import it, or
/// the host has called.
fn import_of_caller(store: &Store, callee: *const VMHostContext) -> Option<String> {
    let mut name = None;
    let mut visit = |step| match step {
        Step::HostCall(called) if std::ptr::eq(called, callee) => ControlFlow::Continue(()),
        Step::HostCall(_) => ControlFlow::Break(()),
        Step::Frame(frame) => {
            // SAFETY: an instance whose frame has called is live.
            let instance = unsafe { &*Instance::from_vmctx(frame.vmctx) };
            name = instance.module().imports.iter().find_map(|import| {
                let EntityIndex::Func(index) = import.entity else { return None };
                // SAFETY: a live instance has a record of each imported function.
                let vmctx = unsafe { (*instance.func_import(index)).vmctx };
                let same = std::ptr::eq(vmctx.cast(), callee);
                same.then(|| format!(" \"{}\".\"{}\"", import.module, import.name))
            });
            ControlFlow::Break(())
        }
    };
    // SAFETY: the store is entered, on the thread whose stack has the frames, and the callback has returned to this activation.
    let _ = unsafe { unwind::walk_running(store.context(), &mut visit) };
    name
}

/// Runs the callback of a host function whose signature has references or v128: the libcall behind its trampoline.
/// `slots` holds the arguments and receives the results. Behind these slots, which are as many as there are parameters or results,
/// and [`LENT_OFFSET`] further there is room for a value for each parameter and each result: the storage of the vectors.
///
/// # Safety
/// `context` is that of a live host function whose trampoline calls this with such an array.
pub(in crate::vm) unsafe fn host_call(context: *mut VMHostContext, slots: *mut RawSlot) -> Result<(), Handle<Trap>> {
    // SAFETY: the context is part of a live host function, which the collector keeps while it runs.
    let func = unsafe { &*HostFunc::from_context(context) };
    // SAFETY: a store outlives its entities.
    let store = unsafe { &*func.header.store };
    // SAFETY: code of the store has called, so there is an entry further out.
    let entered = unsafe { store.still_entered() };
    let (params, result_types) = (&*func.ty.params, &*func.ty.results);
    let behind_slots = slots.wrapping_add(params.len().max(result_types.len()));
    let args: *mut Val = behind_slots.wrapping_byte_add(LENT_OFFSET).cast();
    debug_assert!(!vector::may_be_allocated(args.cast()), "lent values lie where no allocation does");
    let place = args.wrapping_add(params.len());
    // If the callback does not return, what its arguments own is given back.
    let lending = store.lending();
    for (index, &crossing) in params.iter().enumerate() {
        // SAFETY: the trampoline has written a slot for each parameter.
        let slot = unsafe { &*slots.wrapping_add(index) };
        // SAFETY: it is a value of the parameter's type.
        match unsafe { val::from_slot(store, slot, crossing) } {
            Ok(value) => {
                if crossing.form >= Form::Vector && value.of != 0 {
                    lending.lend(value);
                }
                // SAFETY: room for a value for each parameter.
                unsafe { args.wrapping_add(index).write(value) };
            }
            Err(error) => {
                drop(lending);
                // SAFETY: written before.
                unsafe { delete_values(store, args, index) };
                return Err(failed_call(&entered, &error));
            }
        }
    }
    for (index, &crossing) in result_types.iter().enumerate() {
        // SAFETY: room for a value for each result.
        unsafe { place.wrapping_add(index).write(Val::zero(crossing)) };
    }
    let args_vec = ValVec { size: params.len(), data: args };
    let mut vector = ValVec { size: result_types.len(), data: place };
    let activation = lending.activation();
    let held = entered.begin_call_out();
    // SAFETY: the host gave the callback for this signature.
    let trap = unsafe { (func.context.call)(context, &args_vec, &mut vector, activation) };
    drop(lending);
    // The arguments are lent to the callback: what they own is freed here.
    // SAFETY: written above, and a callback leaves values there.
    unsafe { delete_values(store, args, params.len()) };
    entered.end_call_out(held);
    let given = Results { store, vector, place, count: result_types.len() };
    // SAFETY: as many results as types, and as slots; a value that a callback gave is well-formed.
    let usual = trap.is_null()
        && given.is_as_lent()
        && unsafe { convert_at_once(store, result_types, &func.ty.ty.results, place, slots) };
    let outcome = if usual {
        std::mem::forget(given);
        // SAFETY: written above, and the callback gave its values away.
        unsafe { delete_values(store, place, result_types.len()) };
        Ok(())
    } else {
        // SAFETY: the stub has just returned it, for this call.
        unsafe { end_call(&entered, func, trap, given, slots) }
    };
    entered.leave_with_references();
    outcome
}

/// Frees what arguments or results of a callback own.
///
/// # Safety
/// They are values, whose owner calls, inside the store; a well-behaved callback has not freed them.
#[inline(always)]
unsafe fn delete_values(store: &Store, values: *mut Val, count: usize) {
    for index in 0..count {
        // SAFETY: there are as many.
        let value = unsafe { &mut *values.wrapping_add(index) };
        // SAFETY: owned by the caller.
        unsafe { value.delete_inside(store) };
    }
}

/// The end of [`host_call`] where the callback gave a trap, or results that have to be looked at closely.
///
/// # Safety
/// `trap` and the results are what the callback of `func` has just given, whose results go to `slots`.
#[inline(never)]
unsafe fn end_call(
    entered: &Entered<'_>,
    func: &HostFunc,
    trap: *mut u8,
    results: Results<'_>,
    slots: *mut RawSlot,
) -> Result<(), Handle<Trap>> {
    let by_exception = trap.addr() == arch::LEFT_BY_EXCEPTION;
    // What is in the results is nobody's if the callback was left by an exception: it was not done with them.
    let results = if by_exception {
        std::mem::forget(results);
        None
    } else {
        Some(results)
    };
    // SAFETY: the stub has just returned it.
    unsafe { outcome(entered.store(), trap) }?;
    let Some(results) = &results else { return Ok(()) };
    results.check(entered, func)?;
    // SAFETY: checked above; the slots have room for the results.
    unsafe { write_results(entered, func, results.values(), slots) }
}

/// The trap that a callback of `store` gave, or the one that stands for the exception by which it was left.
///
/// # Safety
/// `trap` is what the callback's stub has just returned, and is owned.
#[inline]
unsafe fn outcome(store: &Store, trap: *mut u8) -> Result<(), Handle<Trap>> {
    if trap.is_null() {
        return Ok(());
    }
    if trap.addr() != arch::LEFT_BY_EXCEPTION {
        // SAFETY: a callback returns an owned trap.
        return Err(unsafe { Handle::from_raw(trap.cast()) });
    }
    // SAFETY: the context is part of the store.
    let activation = unsafe { (*store.context()).activation };
    // SAFETY: the activation that called, whose record the stub has left the exception in.
    let exception = unsafe { std::mem::replace(&mut (*activation).exception, std::ptr::null_mut()) };
    let message = *b"a host function was left by an exception that nobody catches";
    // SAFETY: the store was entered before WebAssembly was, and there is another entry further out.
    let entered = unsafe { store.still_entered() };
    let trap = Trap::new_in_any_case(&entered, TrapCode::Host, Some(message.into()));
    trap.set_exception(exception.cast());
    Err(trap)
}

/// # Safety
/// The results have been checked; `slots` has room for them; the store is entered.
unsafe fn write_results(
    entered: &Entered<'_>,
    func: &HostFunc,
    results: &[Val],
    slots: *mut RawSlot,
) -> Result<(), Handle<Trap>> {
    let (store, types) = (entered.store(), &func.ty.results);
    let boxes = results.iter().zip(types).filter(|&(result, &crossing)| val::needs_box(result, crossing)).count();
    store.reserve_boxes(boxes).map_err(|error| failed_call(entered, &error))?;
    for (index, (result, &crossing)) in results.iter().zip(types).enumerate() {
        // SAFETY: checked by the caller; the boxes are reserved.
        let slot = unsafe { val::to_slot(store, result, crossing) }.map_err(|error| failed_call(entered, &error))?;
        // SAFETY: room for the results by the caller's promise.
        unsafe { slots.wrapping_add(index).write(slot.to_le_bytes()) };
    }
    Ok(())
}

/// What is left to do when a callback of a signature of numbers has returned a trap, or something in its results that is not as it was
/// handed out: the results are in their place afterwards, or there is a trap.
///
/// # Safety
/// `context` is that of a live host function whose stub has just returned `trap`; `vectors` are the callback's arguments and results.
/// [`LENT_OFFSET`] behind them the arguments lie in the trampoline's frame, and the place of the results behind those.
pub(in crate::vm) unsafe fn end_numeric_callback(
    context: *mut VMHostContext,
    trap: *mut u8,
    vectors: *mut [ValVec; 2],
) -> Result<(), Handle<Trap>> {
    // SAFETY: the context is part of a live host function, which the collector keeps while it runs.
    let func = unsafe { &*HostFunc::from_context(context) };
    // SAFETY: a store outlives its entities.
    let store = unsafe { &*func.header.store };
    // SAFETY: the stub has just returned it.
    let outcome = unsafe { outcome(store, trap) };
    if trap.addr() == arch::LEFT_BY_EXCEPTION {
        // What is in the results is nobody's: the callback was not done with them.
        return outcome;
    }
    // SAFETY: the trampoline's vectors.
    let [_, vector] = unsafe { vectors.read() };
    let args: *mut Val = vectors.wrapping_add(1).wrapping_byte_add(LENT_OFFSET).cast();
    debug_assert!(!vector::may_be_allocated(args.cast()), "lent values lie where no allocation does");
    let place = args.wrapping_add(func.ty.ty.params.len());
    let results = Results { store, vector, place, count: func.ty.ty.results.len() };
    outcome?;
    // SAFETY: code of the store has called, so there is an entry further out.
    let entered = unsafe { store.still_entered() };
    results.check(&entered, func)?;
    if results.is_replaced() {
        for (index, &value) in results.values().iter().enumerate() {
            // SAFETY: there are as many as there is room for.
            unsafe { place.wrapping_add(index).write(value) };
        }
    }
    Ok(())
}

/// Gives back a trap the trampoline received, as the pending one.
pub(in crate::vm) fn pend(context: *mut VMStoreContext, trap: Handle<Trap>) {
    // SAFETY: the context of a live store whose code runs on this thread.
    let context = unsafe { &mut *context };
    // SAFETY: the activation whose code called the host function.
    let &Activation { exit_fp, exit_pc, .. } = unsafe { &*context.activation };
    context.pending_trap = PendingTrap {
        code: PendingTrap::OBJECT,
        object: trap.into_raw().cast(),
        fp: exit_fp,
        pc: exit_pc,
        ..PendingTrap::NONE
    };
}
