//! Calling functions from the host.
//!
//! There are two ways in. The numeric-only stub (`src/arch/x64/numeric_call.rs`) makes the common call: a numeric-only signature, on the
//! store's owner thread. [`call`] makes any call: it migrates the store to this thread, compiles the trampoline, converts references, and
//! reports what is wrong with a call that cannot be made.

use crate::abi::{VMFuncRef, VMStoreContext};
use crate::arch;
use crate::os;
use crate::types::{Error, ErrorKind, TrapCode, ValType};
use crate::vm::engine::types::RegisteredType;
use crate::vm::func::registered_type;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Store};
use crate::vm::trap::{self, Trap};
use crate::vm::val::{self, RawSlot, Val};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// The store of a function, by its context: a start function's record is not part of any object.
///
/// # Safety
/// `func` is live; the reference is used only while its store is.
unsafe fn store_of_func<'a>(func: *const VMFuncRef) -> &'a Store {
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

/// Calls a function. `results` is raw memory. If the call returns, the results are written there as far as there is room, and the
/// rest of them is dropped; if it traps, nothing is written.
///
/// # Safety
/// `func` is live; the arguments are well-formed values; `results` is writable.
pub unsafe fn call(func: *const VMFuncRef, args: &[Val], results: &mut [MaybeUninit<Val>]) -> Result<(), Handle<Trap>> {
    // SAFETY: live by the caller's promise.
    let store = unsafe { store_of_func(func) };
    let entered = store.enter().map_err(|error| Trap::detached(TrapCode::BadCall, error.message()))?;
    // SAFETY: live by the caller's promise.
    let ty = unsafe { registered_type(func) };
    if args.len() != ty.ty.params.len() {
        return Err(wrong_arity(&entered, ty, args.len()));
    }
    if ty.numeric {
        // SAFETY: passed on; the count is that of the signature.
        unsafe { call_numeric(&entered, func, ty, args, results) }
    } else {
        // SAFETY: passed on; the count is that of the signature.
        unsafe { call_with_slots(&entered, func, ty, args, results) }
    }
}

/// A call whose signature has numbers only: the trampoline reads and writes the host's arrays, unless the results have too little room.
///
/// # Safety
/// As [`call`]; there are as many arguments as parameters.
unsafe fn call_numeric(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    ty: &RegisteredType,
    args: &[Val],
    results: &mut [MaybeUninit<Val>],
) -> Result<(), Handle<Trap>> {
    let mut all: SmallVec<[MaybeUninit<Val>; 16]> = SmallVec::new();
    let short = results.len() < ty.ty.results.len();
    if short {
        all.try_reserve_exact(ty.ty.results.len())
            .map_err(|_| failed_call(entered, &Error::out_of_memory("out of memory")))?;
        all.resize(ty.ty.results.len(), MaybeUninit::uninit());
    }
    let written = if short { all.as_mut_ptr() } else { results.as_mut_ptr() };
    // SAFETY: the arrays have the lengths of the signature.
    unsafe { invoke(entered, func, ty, args.as_ptr().cast(), written.cast()) }
        .map_err(|refused| refused.unwrap_or_else(|| wrong_kind(entered, ty, args)))?;
    if short {
        // Numbers own nothing, so that there is nothing to free in those that find no room.
        results.copy_from_slice(&all[..results.len()]);
    }
    Ok(())
}

/// Runs the trampoline. Fails with a trap, or with nothing if a numeric-only signature's trampoline refuses an argument's kind.
///
/// # Safety
/// The store is entered; `args` and `results` are arrays in the form the signature's trampoline takes.
unsafe fn invoke(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    ty: &RegisteredType,
    args: *const u8,
    results: *mut u8,
) -> Result<(), Option<Handle<Trap>>> {
    let store = entered.store();
    let trampoline = match ty.to_wasm() {
        Ok(trampoline) => trampoline,
        Err(error) => return Err(Some(failed_call(entered, &error))),
    };
    let context: *mut VMStoreContext = store.context();
    // SAFETY: the context is part of the store.
    let &VMStoreContext { activation, stack_limit: outer_limit, last_exit_fp, .. } = unsafe { &*context };
    let limit = match activation.is_null() {
        true => store.thread_stack_limit(),
        false => os::nested_stack_limit(outer_limit, last_exit_fp),
    };
    // A host function that is called directly has no prologue that checks.
    if arch::stack_pointer() < limit {
        return Err(Some(Trap::new_in_any_case(entered, TrapCode::StackOverflow, None)));
    }
    // SAFETY: as above.
    unsafe { (*context).stack_limit = limit };
    // SAFETY: live by the caller's promise.
    let &VMFuncRef { vmctx, entry, .. } = unsafe { &*func };
    // SAFETY: trampoline and entry agree on the signature (one registration); the arrays fit it by the caller's promise.
    let run = || unsafe { arch::enter(vmctx, entry, args, results, context, trampoline) };
    let outcome = entered.call_out(run);
    // SAFETY: as above. What goes on now is the outer entry, on its own stack.
    unsafe { (*context).stack_limit = outer_limit };
    match outcome {
        0 => Ok(()),
        arch::TRAPPED => Err(Some(trap::take(entered))),
        _ => Err(None),
    }
}

/// A call whose signature has references or v128. No handle or box is made for a result that finds no room.
///
/// # Safety
/// As [`call`]; there are as many arguments as parameters.
unsafe fn call_with_slots(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    ty: &RegisteredType,
    args: &[Val],
    results: &mut [MaybeUninit<Val>],
) -> Result<(), Handle<Trap>> {
    let store = entered.store();
    let bad = |error: Error| failed_call(entered, &error);
    let (params, result_types) = (&ty.ty.params, &ty.ty.results);
    // On the stack, unless there are many.
    let mut slots: SmallVec<[RawSlot; 16]> = SmallVec::new();
    slots
        .try_reserve_exact(params.len() + result_types.len())
        .map_err(|_| bad(Error::out_of_memory("out of memory")))?;
    let mut boxes = 0;
    for (arg, &ty) in args.iter().zip(params) {
        // SAFETY: well-formed by the caller's promise.
        unsafe { val::check(store, arg, ty) }.map_err(bad)?;
        boxes += usize::from(val::needs_box(arg, ty));
    }
    store.reserve_boxes(boxes).map_err(bad)?;
    for (arg, &ty) in args.iter().zip(params) {
        // SAFETY: checked above; the boxes are reserved.
        slots.push(unsafe { val::to_slot(store, arg, ty) }.map_err(bad)?);
    }
    slots.resize(params.len() + result_types.len(), [0; 16]);
    let (arg_slots, result_slots) = slots.split_at_mut(params.len());
    // SAFETY: the slots are those of the signature.
    unsafe { invoke(entered, func, ty, arg_slots.as_ptr().cast(), result_slots.as_mut_ptr().cast()) }
        .map_err(|refused| refused.unwrap_or_else(|| wrong_kind(entered, ty, args)))?;
    for ((slot, &ty), result) in result_slots.iter().zip(result_types).zip(results) {
        // SAFETY: compiled code wrote the slots as values of these types, and nothing was collected since.
        result.write(unsafe { val::from_slot(store, slot, ty) });
    }
    Ok(())
}

/// A trap for a call that an error prevents: for lack of memory, or because of its arguments.
#[cold]
pub(in crate::vm) fn failed_call(entered: &Entered<'_>, error: &Error) -> Handle<Trap> {
    let code = if error.kind() == ErrorKind::OutOfMemory { TrapCode::OutOfMemory } else { TrapCode::BadCall };
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
    let differs = |(arg, &ty): (&Val, &ValType)| arg.kind != val::kind_of(ty);
    let position = args.iter().zip(&ty.ty.params).position(differs).unwrap_or(0);
    let kind = args.get(position).map_or(0, |arg| arg.kind);
    let given = val::name_of_kind(kind);
    bad_call(entered, &format!("argument {position} of a function of type {} is of type {given}", ty.ty))
}
