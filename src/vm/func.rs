//! Functions: the host's own, and calling any.

use super::entity::{EntityHeader, Handle};
use super::registry::RegisteredType;
use super::store::{Entered, Finalizer, Store};
use super::trap::{self, Trap};
use super::val::{self, RawSlot, Val};
use super::vmcontext::{LibcallResult, ObjectHeader, ObjectKind, VMFuncRef, VMHostContext, VMStoreContext};
use super::{sys, vmcontext};
use crate::types::{Error, FuncType, Result, TrapCode};
use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::sync::Arc;

/// The layout of `wasm_val_vec_t`.
#[repr(C)]
pub struct ValVec {
    pub size: usize,
    pub data: *mut Val,
}

/// A host's callback: without an environment, or with one. Returns an owned trap or null.
#[derive(Copy, Clone)]
pub enum Callback {
    Plain(unsafe extern "C" fn(*const ValVec, *mut ValVec) -> *mut Trap),
    WithEnv(unsafe extern "C" fn(*mut c_void, *const ValVec, *mut ValVec) -> *mut Trap),
}

/// A function made by the host.
#[repr(C)]
pub struct HostFunc {
    header: EntityHeader,
    func_ref: VMFuncRef,
    /// What its code and [`host_call`] read; `func_ref.vmctx` points here.
    context: VMHostContext,
    ty: Arc<RegisteredType>,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl HostFunc {
    /// Makes a host function. The finalizer runs once with `env` when the function dies — also when making it fails.
    ///
    /// # Safety
    /// The callback fits the type, and the finalizer may be called with `env`.
    pub unsafe fn make(
        entered: &Entered<'_>,
        ty: &FuncType,
        callback: Callback,
        env: *mut c_void,
        finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    ) -> Result<Handle<VMFuncRef>> {
        let store = entered.store();
        store.collect_if_due();
        let registered = store.engine().register(ty).and_then(|ty| Ok((ty.to_host()?, ty)));
        let (entry, ty) = registered.inspect_err(|_| {
            if let Some(finalizer) = finalizer {
                // SAFETY: the host gave the function and its data together, and nothing else will run it.
                unsafe { finalizer(env) };
            }
        })?;
        let (callback, with_env) = match callback {
            Callback::Plain(callback) => (callback as *const u8, 0),
            Callback::WithEnv(callback) => (callback as *const u8, 1),
        };
        let func = Box::into_raw(Box::new(HostFunc {
            header: EntityHeader::new(ObjectKind::Func, store),
            func_ref: VMFuncRef {
                object: ObjectHeader::new(ObjectKind::Func, offset_of!(HostFunc, func_ref)),
                entry,
                vmctx: std::ptr::null_mut(),
                ty: Arc::as_ptr(&ty),
                type_id: ty.id,
                func_index: u32::MAX,
            },
            context: VMHostContext { store: store.context(), callback, env: env.cast(), with_env },
            ty,
            finalizer,
        }));
        // SAFETY: just boxed.
        let context = unsafe { &raw mut (*func).context };
        // SAFETY: just boxed.
        let record = unsafe { &raw mut (*func).func_ref };
        // SAFETY: just boxed.
        unsafe { (*record).vmctx = context.cast() };
        // SAFETY: just boxed, and the header is first.
        unsafe { store.adopt(func.cast(), record) }
    }

    pub(super) fn finalizer(&self) -> Option<Finalizer> {
        self.finalizer.map(|function| Finalizer { function, data: self.context.env.cast() })
    }

    /// The host function a context is part of.
    pub(super) fn from_context(context: *mut VMHostContext) -> *mut HostFunc {
        context.wrapping_byte_sub(offset_of!(HostFunc, context)).cast()
    }
}

/// The registration of a function's type.
///
/// # Safety
/// `func` is live; the reference is used only while it is.
pub unsafe fn registered_type<'a>(func: *const VMFuncRef) -> &'a RegisteredType {
    // SAFETY: live by the caller's promise.
    let ty = unsafe { (*func).ty };
    // SAFETY: a live function's module or host function owns the registration.
    unsafe { &*ty }
}

/// Calls a function. `results` is raw memory: all of it is written if the call returns, none if it traps.
///
/// # Safety
/// `func` is live; the arguments are well-formed values; `results` is writable.
pub unsafe fn call(func: *const VMFuncRef, args: &[Val], results: &mut [MaybeUninit<Val>]) -> Result<(), Handle<Trap>> {
    // SAFETY: live by the caller's promise.
    let vmctx = unsafe { (*func).vmctx };
    // SAFETY: a live function's context is live.
    let context = unsafe { (*vmctx).store };
    // SAFETY: the context is the first field of its store.
    let store = unsafe { &*context.cast_const().cast::<Store>() };
    let entered = store.enter().map_err(|error| Trap::detached(TrapCode::BadCall, error.message()))?;
    // SAFETY: live by the caller's promise.
    let ty = unsafe { registered_type(func) };
    if args.len() != ty.param_kinds.len() || results.len() < ty.result_kinds.len() {
        return Err(wrong_arity(&entered, ty, args.len(), results.len()));
    }
    if ty.plain {
        if args.iter().zip(&ty.param_kinds).any(|(arg, &kind)| arg.kind != kind) {
            return Err(wrong_kind(&entered, ty, args));
        }
        // SAFETY: the counts and kinds are those of the signature.
        unsafe { invoke(&entered, func, ty, args.as_ptr().cast(), results.as_mut_ptr().cast()) }
    } else {
        // SAFETY: passed on; the counts are those of the signature.
        unsafe { call_with_slots(&entered, func, ty, args, results) }
    }
}

/// Runs the trampoline.
///
/// # Safety
/// The store is entered; `args` and `results` are arrays in the form the signature's trampoline takes.
#[inline]
unsafe fn invoke(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    ty: &RegisteredType,
    args: *const u8,
    results: *mut u8,
) -> Result<(), Handle<Trap>> {
    let store = entered.store();
    let trampoline = match ty.to_wasm() {
        Ok(trampoline) => trampoline,
        Err(error) => return Err(bad_call(entered, error.message())),
    };
    let context: *mut VMStoreContext = store.context();
    // SAFETY: the context is part of the store.
    if unsafe { (*context).activation.is_null() } {
        // SAFETY: as above. The outermost activation decides: inner ones run on the same stack.
        unsafe { (*context).stack_limit = sys::stack_limit() };
    }
    // SAFETY: as above. A host function that is called directly has no prologue that checks.
    if sys::stack_pointer() < unsafe { (*context).stack_limit } {
        return Err(Trap::new(entered, TrapCode::StackOverflow, None)
            .unwrap_or_else(|error| Trap::detached(TrapCode::OutOfMemory, error.message())));
    }
    // SAFETY: live by the caller's promise.
    let &VMFuncRef { vmctx, entry, .. } = unsafe { &*func };
    // SAFETY: trampoline and entry agree on the signature (one registration); the arrays fit it by the caller's promise.
    let trapped = unsafe { sys::enter(context, trampoline, vmctx, entry, args, results) };
    if trapped == 0 { Ok(()) } else { Err(trap::take(entered)) }
}

/// A call whose signature has references or v128.
///
/// # Safety
/// As [`call`]; the counts are those of the signature.
unsafe fn call_with_slots(
    entered: &Entered<'_>,
    func: *const VMFuncRef,
    ty: &RegisteredType,
    args: &[Val],
    results: &mut [MaybeUninit<Val>],
) -> Result<(), Handle<Trap>> {
    let store = entered.store();
    let bad = |error: Error| bad_call(entered, error.message());
    let (params, result_types) = (&ty.ty.params, &ty.ty.results);
    let mut slots: Vec<RawSlot> = Vec::new();
    slots
        .try_reserve_exact(params.len() + result_types.len())
        .map_err(|_| bad(Error::out_of_memory("out of memory")))?;
    for (arg, &ty) in args.iter().zip(params) {
        // SAFETY: well-formed by the caller's promise.
        unsafe { val::check(store, arg, ty) }.map_err(bad)?;
    }
    store.reserve_boxes(params.len()).map_err(bad)?;
    for (arg, &ty) in args.iter().zip(params) {
        // SAFETY: checked above; the boxes are reserved.
        slots.push(unsafe { val::to_slot(store, arg, ty) }.map_err(bad)?);
    }
    slots.resize(params.len() + result_types.len(), [0; 16]);
    let (arg_slots, result_slots) = slots.split_at_mut(params.len());
    // SAFETY: the slots are those of the signature.
    unsafe { invoke(entered, func, ty, arg_slots.as_ptr().cast(), result_slots.as_mut_ptr().cast())? };
    for ((slot, &ty), result) in result_slots.iter().zip(result_types).zip(results) {
        // SAFETY: compiled code wrote the slots as values of these types, and nothing was collected since.
        result.write(unsafe { val::from_slot(store, slot, ty) });
    }
    Ok(())
}

/// A trap that says why a call cannot be made.
#[cold]
fn bad_call(entered: &Entered<'_>, message: &str) -> Handle<Trap> {
    Trap::new(entered, TrapCode::BadCall, Some(message.as_bytes().into()))
        .unwrap_or_else(|error| Trap::detached(TrapCode::OutOfMemory, error.message()))
}

#[cold]
fn wrong_arity(entered: &Entered<'_>, ty: &RegisteredType, args: usize, results: usize) -> Handle<Trap> {
    let message =
        format!("a function of type {} was called with {args} arguments and room for {results} results", ty.ty);
    bad_call(entered, &message)
}

#[cold]
fn wrong_kind(entered: &Entered<'_>, ty: &RegisteredType, args: &[Val]) -> Handle<Trap> {
    let position = args.iter().zip(&ty.param_kinds).position(|(arg, &kind)| arg.kind != kind).unwrap_or(0);
    let kind = args.get(position).map_or(0, |arg| arg.kind);
    let given = val::type_of_kind(kind).map_or_else(|| format!("kind {kind}"), |ty| ty.to_string());
    bad_call(entered, &format!("argument {position} of a function of type {} is of type {given}", ty.ty))
}

/// Runs the callback of a host function whose signature has references or v128: the libcall behind its trampoline.
/// `slots` holds the arguments and receives the results.
///
/// # Safety
/// `context` is that of a live host function whose trampoline calls this; `slots` has room for the longer of its
/// parameters and results.
pub(super) unsafe fn host_call(
    context: *mut VMHostContext,
    slots: *mut RawSlot,
) -> Result<LibcallResult, Handle<Trap>> {
    // SAFETY: the context is part of a live host function, which the collector keeps while it runs.
    let func = unsafe { &*HostFunc::from_context(context) };
    // SAFETY: a store outlives its entities.
    let store = unsafe { &*func.header.store };
    let entered = store.enter().map_err(|error| Trap::detached(TrapCode::BadCall, error.message()))?;
    let ty = func.ty.clone();
    let mut args: Vec<Val> = Vec::with_capacity(ty.ty.params.len());
    for (index, &ty) in ty.ty.params.iter().enumerate() {
        // SAFETY: the trampoline has written a slot for each parameter.
        let slot = unsafe { &*slots.wrapping_add(index) };
        // SAFETY: it is a value of the parameter's type.
        args.push(unsafe { val::from_slot(store, slot, ty) });
    }
    let mut results: Vec<Val> = ty.ty.results.iter().map(|&ty| Val::zero(ty)).collect();
    let args_vec = ValVec { size: args.len(), data: args.as_mut_ptr() };
    let mut results_vec = ValVec { size: results.len(), data: results.as_mut_ptr() };
    // SAFETY: the host gave the callback for this signature.
    let returned = unsafe { run_callback(func, &args_vec, &mut results_vec) };
    for arg in &mut args {
        // The arguments are lent to the callback: what they own is freed here.
        // SAFETY: owned by this function, and a well-behaved callback has not freed them.
        unsafe { arg.delete() };
    }
    let outcome = if returned.is_null() {
        // SAFETY: the results are well-formed values the callback wrote.
        unsafe { write_results(&entered, &ty, &results, slots) }
    } else {
        // SAFETY: a callback returns an owned trap.
        Err(unsafe { Handle::from_raw(returned) })
    };
    for result in &mut results {
        // SAFETY: the callback gave them over.
        unsafe { result.delete() };
    }
    outcome.map(|()| LibcallResult { value: 0, trapped: 0 })
}

/// # Safety
/// The vectors are arrays of the function's parameter and result types.
unsafe fn run_callback(func: &HostFunc, args: &ValVec, results: &mut ValVec) -> *mut Trap {
    let (callback, env) = (func.context.callback, func.context.env);
    if func.context.with_env != 0 {
        type WithEnv = unsafe extern "C" fn(*mut c_void, *const ValVec, *mut ValVec) -> *mut Trap;
        // SAFETY: `with_env` tells which type the pointer was made from.
        let callback = unsafe { std::mem::transmute::<*const u8, WithEnv>(callback) };
        // SAFETY: passed on to the caller.
        unsafe { callback(env.cast(), args, results) }
    } else {
        type Plain = unsafe extern "C" fn(*const ValVec, *mut ValVec) -> *mut Trap;
        // SAFETY: as above.
        let callback = unsafe { std::mem::transmute::<*const u8, Plain>(callback) };
        // SAFETY: passed on to the caller.
        unsafe { callback(args, results) }
    }
}

/// # Safety
/// The results are well-formed; `slots` has room for them; the store is entered.
unsafe fn write_results(
    entered: &Entered<'_>,
    ty: &RegisteredType,
    results: &[Val],
    slots: *mut RawSlot,
) -> Result<(), Handle<Trap>> {
    let store = entered.store();
    let bad = |error: Error| bad_call(entered, &format!("a callback returned a wrong result: {}", error.message()));
    for (result, &ty) in results.iter().zip(&ty.ty.results) {
        // SAFETY: passed on to the caller.
        unsafe { val::check(store, result, ty) }.map_err(bad)?;
    }
    store.reserve_boxes(results.len()).map_err(bad)?;
    for (index, (result, &ty)) in results.iter().zip(&ty.ty.results).enumerate() {
        // SAFETY: checked above; the boxes are reserved.
        let slot = unsafe { val::to_slot(store, result, ty) }.map_err(bad)?;
        // SAFETY: room for the results by the caller's promise.
        unsafe { slots.wrapping_add(index).write(slot) };
    }
    Ok(())
}

/// Gives back a trap the trampoline received, as the pending one.
pub(super) fn pend(context: *mut VMStoreContext, trap: Handle<Trap>) {
    // SAFETY: the context of a live store whose code runs on this thread.
    let context = unsafe { &mut *context };
    context.pending_trap = vmcontext::PendingTrap {
        code: vmcontext::PendingTrap::OBJECT,
        object: trap.into_raw().cast(),
        fp: context.last_exit_fp,
        pc: context.last_exit_pc,
        ..vmcontext::PendingTrap::NONE
    };
}
