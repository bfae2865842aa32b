//! Calling functions from the host.
//!
//! There are two ways in. The numeric-only stub (`src/arch/x64/numeric_call.rs`) makes the common call: a numeric-only signature, on the
//! store's owner thread. [`call`] makes any call: it migrates the store to this thread, compiles the trampoline, converts references, and
//! reports what is wrong with a call that cannot be made.

use crate::abi::{ObjectHeader, VMFuncRef};
use crate::arch;
use crate::types::{Error, ErrorKind, Result, TrapCode, ValType};
use crate::vm::engine::types::RegisteredType;
use crate::vm::engine::types::registered_type;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Lending, NoStack, Store};
use crate::vm::trap::{self, Trap};
use crate::vm::val::{self, RawSlot, Val};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

/// The store of a function, by its context: a start function's record is not part of any object.
///
/// # Safety
/// `func` is live; the reference is used only while its store is.
pub(super) unsafe fn store_of_func<'a>(func: *const VMFuncRef) -> &'a Store {
    // SAFETY: live by the caller's promise.
    let vmctx = unsafe { (*func).vmctx };
    // SAFETY: a live function's context is live.
    let context = unsafe { (*vmctx).store };
    // SAFETY: the context is the first field of its store.
    unsafe { &*context.cast_const().cast::<Store>() }
}

/// What is left to do when the numeric-only stub has called a function and is still inside its store: the trap if it
/// trapped, and leaving.
///
/// # Safety
/// `func` is that of the call, which the stub has just made on this thread.
#[cold]
pub unsafe fn finish(func: *const VMFuncRef, trapped: bool) -> Result<(), Handle<Trap>> {
    // SAFETY: live by the caller's promise.
    let store = unsafe { store_of_func(func) };
    // SAFETY: the stub has entered the store and not left it.
    let entered = unsafe { store.still_entered() };
    if trapped { Err(trap::take(&entered)) } else { Ok(()) }
}

/// Calls a function for the host, whose frame is directly above the stub's, of which `entry_sp` was the stack pointer
/// ([`Activation::entry_sp`](crate::abi::Activation::entry_sp)), or 0 if there was no stub. `results` is raw memory. If the call returns,
/// the results are written there as far as there is room, and the rest of them is dropped; if it traps, nothing is written. Fails without
/// a trap if the store cannot be entered.
///
/// # Safety
/// `func` is live; the arguments are well-formed values; `results` is writable.
pub unsafe fn call(
    func: *const VMFuncRef,
    args: &[Val],
    results: &mut [MaybeUninit<Val>],
    entry_sp: usize,
) -> Result<Result<(), Handle<Trap>>> {
    // SAFETY: live by the caller's promise.
    let store = unsafe { store_of_func(func) };
    let sp = if entry_sp == 0 { arch::stack_pointer() } else { entry_sp };
    let entered = store.enter_from(sp)?;
    // SAFETY: live by the caller's promise.
    let ty = unsafe { registered_type(func) };
    if args.len() != ty.ty.params.len() {
        return Ok(Err(wrong_arity(&entered, ty, args.len())));
    }
    let call = match Call::new(&entered, func, ty, entry_sp) {
        Ok(call) => call,
        Err(trap) => return Ok(Err(trap)),
    };
    Ok(if ty.numeric {
        // SAFETY: passed on; the count is that of the signature.
        unsafe { call.with_values(args, results) }
    } else {
        // SAFETY: passed on; the count is that of the signature.
        unsafe { call.with_slots(args, results) }
    })
}

/// Calls a start function, which has no parameters and no results, for an instance that is being made. The instance is given back if
/// the call is left otherwise than by return or trap.
///
/// # Safety
/// `func` is live and a function without parameters and results; `instance` is a handle, which the caller keeps otherwise.
pub(in crate::vm) unsafe fn start(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    instance: *mut ObjectHeader,
) -> Result<(), Handle<Trap>> {
    // SAFETY: live by the caller's promise.
    let ty = unsafe { registered_type(func) };
    let call = Call::new(entered, func, ty, 0)?;
    call.lent.lend(Val { kind: val::KIND_EXTERNREF, of: instance as u64 });
    // SAFETY: nothing is read or written by a trampoline of this signature.
    unsafe { call.invoke(null(), null_mut()) }
        .map_err(|refused| refused.unwrap_or_else(|| wrong_kind(entered, ty, &[])))
}

/// A call that is about to be made.
struct Call<'a> {
    entered: &'a Entered<'a>,
    func: *const VMFuncRef,
    ty: &'a RegisteredType,
    trampoline: *const u8,
    /// The activation that it will be, and what that owns.
    lent: Lending<'a>,
    stack_limit: usize,
    entry_sp: usize,
}

impl<'a> Call<'a> {
    #[inline(always)]
    fn new(
        entered: &'a Entered<'a>,
        func: *const VMFuncRef,
        ty: &'a RegisteredType,
        entry_sp: usize,
    ) -> Result<Call<'a>, Handle<Trap>> {
        let store = entered.store();
        let trampoline = ty.to_wasm().map_err(|error| failed_call(entered, &error))?;
        let stack_limit = store.stack_limit_here().map_err(|reason| no_stack(entered, &reason))?;
        let lent = store.lending_for_entry().map_err(|error| failed_call(entered, &error))?;
        Ok(Call { entered, func, ty, trampoline, lent, stack_limit, entry_sp })
    }

    /// Runs the trampoline. Fails with a trap, or with nothing if a numeric-only signature's trampoline refuses an argument's kind.
    ///
    /// # Safety
    /// The store is entered; `args` and `results` are arrays in the form the signature's trampoline takes.
    #[inline(always)]
    unsafe fn invoke(&self, args: *const u8, results: *mut u8) -> Result<(), Option<Handle<Trap>>> {
        let store = self.entered.store();
        store.prepare_entry(self.entered, &self.lent, self.entry_sp, self.stack_limit);
        // SAFETY: live by the caller's promise.
        let &VMFuncRef { vmctx, entry, .. } = unsafe { &*self.func };
        // SAFETY: trampoline and entry agree on the signature (one registration); the arrays fit it by the caller's promise.
        let run = || unsafe { arch::enter(vmctx, entry, args, results, store.context(), self.trampoline) };
        let outcome = self.entered.call_out(run);
        store.end_entry(&self.lent);
        match outcome {
            0 => Ok(()),
            arch::TRAPPED => Err(Some(trap::take(self.entered))),
            _ => Err(None),
        }
    }

    /// A call whose signature has numbers only: the trampoline reads and writes the host's arrays, unless the results have too little room.
    ///
    /// # Safety
    /// As [`call`]; there are as many arguments as parameters.
    #[inline(never)]
    unsafe fn with_values(&self, args: &[Val], results: &mut [MaybeUninit<Val>]) -> Result<(), Handle<Trap>> {
        let refused =
            |refused: Option<Handle<Trap>>| refused.unwrap_or_else(|| wrong_kind(self.entered, self.ty, args));
        let count = self.ty.ty.results.len();
        if results.len() >= count {
            // SAFETY: the arrays have the lengths of the signature.
            return unsafe { self.invoke(args.as_ptr().cast(), results.as_mut_ptr().cast()) }.map_err(refused);
        }
        let mut memory = MaybeUninit::uninit();
        let all = self.memory(&mut memory, count)?;
        // SAFETY: as above.
        unsafe { self.invoke(args.as_ptr().cast(), all.cast()) }.map_err(refused)?;
        for (index, result) in results.iter_mut().enumerate() {
            // Numbers own nothing, so that there is nothing to free in those that find no room.
            // SAFETY: the trampoline has written all of them.
            result.write(unsafe { all.wrapping_add(index).read() });
        }
        Ok(())
    }

    /// A call whose signature has references or v128. No handle or box is made for a result that finds no room.
    ///
    /// # Safety
    /// As [`call`]; there are as many arguments as parameters.
    #[inline(always)]
    unsafe fn with_slots(&self, args: &[Val], results: &mut [MaybeUninit<Val>]) -> Result<(), Handle<Trap>> {
        let (entered, store) = (self.entered, self.entered.store());
        let bad = |error: Error| failed_call(entered, &error);
        let (params, result_types) = (&*self.ty.params, &*self.ty.results);
        let mut memory = MaybeUninit::uninit();
        let slots: *mut RawSlot = self.memory(&mut memory, params.len() + result_types.len())?.cast();
        let mut boxes = 0;
        for ((arg, &crossing), ty) in args.iter().zip(params).zip(&self.ty.ty.params) {
            // SAFETY: well-formed by the caller's promise.
            unsafe { val::check(store, arg, crossing, ty) }.map_err(bad)?;
            boxes += usize::from(val::needs_box(arg, crossing));
        }
        store.reserve_boxes(boxes).map_err(bad)?;
        for (index, (arg, &crossing)) in args.iter().zip(params).enumerate() {
            // SAFETY: checked above; the boxes are reserved.
            let slot = unsafe { val::to_slot(store, arg, crossing) }.map_err(bad)?;
            // SAFETY: room for a slot for each parameter.
            unsafe { slots.wrapping_add(index).write(slot.to_le_bytes()) };
        }
        let result_slots = slots.wrapping_add(params.len());
        // SAFETY: the slots are those of the signature.
        unsafe { self.invoke(slots.cast(), result_slots.cast()) }
            .map_err(|refused| refused.unwrap_or_else(|| wrong_kind(entered, self.ty, args)))?;
        for index in 0..result_types.len().min(results.len()) {
            let crossing = result_types[index];
            // SAFETY: the trampoline has written a slot for each result.
            let slot = unsafe { &*result_slots.wrapping_add(index) };
            // SAFETY: compiled code wrote it as a value of this type, and nothing was collected since.
            match unsafe { val::from_slot(store, slot, crossing) } {
                Ok(value) => drop(results[index].write(value)),
                Err(error) => {
                    // SAFETY: written just now, and nobody else has them.
                    unsafe { delete_written(&mut results[..index]) };
                    return Err(bad(error));
                }
            }
        }
        Ok(())
    }

    /// Memory for values or slots, until the call ends: `near` if it suffices, and else of the activation.
    #[inline(always)]
    fn memory(&self, near: &mut MaybeUninit<[Val; 16]>, count: usize) -> Result<*mut Val, Handle<Trap>> {
        if count <= 16 {
            return Ok(near.as_mut_ptr().cast());
        }
        self.lent.memory(count).map_err(|error| failed_call(self.entered, &error))
    }
}

/// Deletes results that were written before one of them could not be.
///
/// # Safety
/// All are written, and nobody else has them.
#[cold]
unsafe fn delete_written(results: &mut [MaybeUninit<Val>]) {
    for written in results {
        // SAFETY: written by the caller's promise.
        let written = unsafe { written.assume_init_mut() };
        // SAFETY: nobody else has it.
        unsafe { written.delete() };
    }
}

/// A trap that says why there is no stack for a call.
#[cold]
fn no_stack(entered: &Entered<'_>, reason: &NoStack) -> Handle<Trap> {
    match reason {
        NoStack::Unknown => bad_call(
            entered,
            "this stack is not the thread's own: name its bounds with libwasm_thread_set_stack before you call from it",
        ),
        NoStack::Exhausted => Trap::new_in_any_case(entered, TrapCode::StackOverflow, None),
        NoStack::Reserved => {
            let message = *b"call stack exhausted: all that is left of this stack is reserved for host functions";
            Trap::new_in_any_case(entered, TrapCode::StackOverflow, Some(message.into()))
        }
    }
}

/// A trap for a call that an error prevents: for lack of memory, or because of its arguments.
#[cold]
pub(in crate::vm) fn failed_call(entered: &Entered<'_>, error: &Error) -> Handle<Trap> {
    let code = match error.kind() {
        ErrorKind::OutOfMemory => TrapCode::OutOfMemory,
        ErrorKind::Limit => TrapCode::Limit,
        _ => TrapCode::BadCall,
    };
    Trap::new_in_any_case(entered, code, Some(error.message().as_bytes().into()))
}

/// A trap that says why a call cannot be made.
#[cold]
pub(in crate::vm) fn bad_call(entered: &Entered<'_>, message: &str) -> Handle<Trap> {
    Trap::new_in_any_case(entered, TrapCode::BadCall, Some(message.as_bytes().into()))
}

#[cold]
fn wrong_arity(entered: &Entered<'_>, ty: &RegisteredType, args: usize) -> Handle<Trap> {
    bad_call(entered, &format!("a function of type {} was called with {args} arguments", ty.ty))
}

#[cold]
fn wrong_kind(entered: &Entered<'_>, ty: &RegisteredType, args: &[Val]) -> Handle<Trap> {
    let differs = |(arg, &ty): (&Val, &ValType)| !val::is_kind_of(arg.kind, ty);
    let position = args.iter().zip(&ty.ty.params).position(differs).unwrap_or(0);
    let kind = args.get(position).map_or(0, |arg| arg.kind);
    let given = val::name_of_kind(kind);
    bad_call(entered, &format!("argument {position} of a function of type {} is of type {given}", ty.ty))
}
