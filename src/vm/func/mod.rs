//! Functions of the host.

pub mod call;

pub use crate::abi::ValVec;
use crate::abi::{LibcallResult, ObjectHeader, ObjectKind, PendingTrap, VMFuncRef, VMHostContext, VMStoreContext};
use crate::types::{Error, FuncType, Result, TrapCode};
use crate::vm::engine::types::RegisteredType;
use crate::vm::func::call::bad_call;
use crate::vm::store::entity::{EntityHeader, Handle, store_of};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::store::{Entered, Finalizer, Store};
use crate::vm::trap::Trap;
use crate::vm::val::{self, RawSlot, Val};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;

/// A host's callback: without an environment, or with one. Returns an owned trap or null.
#[derive(Copy, Clone)]
pub enum Callback {
    WithoutEnv(unsafe extern "C" fn(*const ValVec, *mut ValVec) -> *mut Trap),
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
    /// Empty once it is queued to run.
    finalizer: Cell<Option<unsafe extern "C" fn(*mut c_void)>>,
    trace: Cell<Option<Trace>>,
}

// SAFETY: `repr(C)`, and the header with kind `Func` is first.
unsafe impl Entity for HostFunc {
    const KIND: ObjectKind = ObjectKind::Func;
    const MAY_RUN: bool = true;

    fn trace(&self, tracer: &mut dyn Tracer) {
        self.trace_env(&mut |object| tracer.object(object));
    }

    unsafe fn free(_store: &Store, this: *mut HostFunc) {
        // SAFETY: boxed by `HostFunc::make`; nothing refers to it.
        unsafe { Box::from_raw(this) }.finalize();
    }
}

/// What is called for each handle that an environment owns: the handle, and the second argument of [`Trace`]'s call.
pub type Visit = unsafe extern "C" fn(*const c_void, *mut c_void);

/// Calls the visitor with each handle that the environment owns, and with its last argument.
pub type Trace = unsafe extern "C" fn(*mut c_void, Visit, *mut c_void);

/// The environment of a host function, with what the host gave to go with it.
#[derive(Copy, Clone)]
pub struct Environment {
    pub data: *mut c_void,
    pub finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    pub trace: Option<Trace>,
}

impl HostFunc {
    /// Makes a host function. The finalizer runs once, when the function dies — also when making it fails.
    ///
    /// # Safety
    /// The callback fits the type; the finalizer may be called with the environment's data, and the tracing function until then.
    pub unsafe fn make(
        entered: &Entered<'_>,
        ty: &FuncType,
        callback: Callback,
        env: Environment,
    ) -> Result<Handle<VMFuncRef>> {
        let Environment { data: env, finalizer, trace } = env;
        let store = entered.store();
        store.collect_if_due();
        let registered = store.engine().register(ty).and_then(|ty| Ok((ty.to_host()?, ty)));
        let (entry, ty) = registered.inspect_err(|_| {
            if let Some(finalizer) = finalizer {
                // SAFETY: the host gave the function and its data together, and nothing else will run it.
                unsafe { finalizer(env) };
            }
        })?;
        store.traced_envs.set(store.traced_envs.get() + usize::from(trace.is_some()));
        let (callback, with_env) = match callback {
            Callback::WithoutEnv(callback) => (callback as *const u8, 0),
            Callback::WithEnv(callback) => (callback as *const u8, 1),
        };
        let func = Box::into_raw(Box::new(HostFunc {
            header: EntityHeader::new(ObjectKind::Func, store),
            func_ref: VMFuncRef {
                object: ObjectHeader::new(ObjectKind::Func, offset_of!(HostFunc, func_ref)),
                entry,
                vmctx: std::ptr::null_mut(),
                ty: Arc::as_ptr(&ty).cast(),
                type_id: ty.id,
                func_index: u32::MAX,
            },
            context: VMHostContext { store: store.context(), callback, env: env.cast(), with_env },
            ty,
            finalizer: Cell::new(finalizer),
            trace: Cell::new(trace),
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

    /// Queues the finalizer, if that has not been done before. The environment is not asked what it owns any more.
    pub(in crate::vm) fn finalize(&self) {
        let store = self.store();
        if self.trace.take().is_some() {
            store.traced_envs.set(store.traced_envs.get() - 1);
        }
        if let Some(function) = self.finalizer.take() {
            store.queue_finalizer(Finalizer { function, data: self.context.env.cast() });
        }
    }

    fn store(&self) -> &Store {
        // SAFETY: a store outlives its entities.
        unsafe { &*self.header.store }
    }

    /// Whether the environment says what handles it owns.
    pub(in crate::vm) fn is_traced(&self) -> bool {
        self.trace.get().is_some()
    }

    /// Calls `visit` with each object of this store of which the environment owns a handle, as often as it says.
    pub(in crate::vm) fn trace_env(&self, visit: &mut dyn FnMut(*mut ObjectHeader)) {
        struct Visitor<'a> {
            store: *const Store,
            visit: &'a mut dyn FnMut(*mut ObjectHeader),
        }
        unsafe extern "C" fn each(handle: *const c_void, visitor: *mut c_void) {
            let object = handle.cast::<ObjectHeader>().cast_mut();
            // SAFETY: the visitor below, which outlives the call of the tracing function.
            let visitor = unsafe { &mut *visitor.cast::<Visitor<'_>>() };
            // SAFETY: what the environment owns is null or a live handle, says the host.
            if !object.is_null() && std::ptr::eq(unsafe { store_of(object) }, visitor.store) {
                (visitor.visit)(object);
            }
        }
        let Some(trace) = self.trace.get() else { return };
        let mut visitor = Visitor { store: self.header.store, visit };
        // SAFETY: the host gave the function and its data together, and the data lives until the finalizer has run.
        unsafe { trace(self.context.env.cast(), each, (&raw mut visitor).cast()) };
    }

    /// The host function a context is part of.
    pub(in crate::vm) fn from_context(context: *mut VMHostContext) -> *mut HostFunc {
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
    unsafe { &*ty.cast() }
}

/// Runs the callback of a host function whose signature has references or v128: the libcall behind its trampoline.
/// `slots` holds the arguments and receives the results.
///
/// # Safety
/// `context` is that of a live host function whose trampoline calls this; `slots` has room for the longer of its
/// parameters and results.
pub(in crate::vm) unsafe fn host_call(
    context: *mut VMHostContext,
    slots: *mut RawSlot,
) -> Result<LibcallResult, Handle<Trap>> {
    // SAFETY: the context is part of a live host function, which the collector keeps while it runs.
    let func = unsafe { &*HostFunc::from_context(context) };
    // SAFETY: a store outlives its entities.
    let store = unsafe { &*func.header.store };
    let entered = store.enter().map_err(|error| Trap::detached(TrapCode::BadCall, error.message()))?;
    let ty = &*func.ty;
    // On the stack, unless there are many.
    let mut args: SmallVec<[Val; 8]> = SmallVec::with_capacity(ty.ty.params.len());
    for (index, &ty) in ty.ty.params.iter().enumerate() {
        // SAFETY: the trampoline has written a slot for each parameter.
        let slot = unsafe { &*slots.wrapping_add(index) };
        // SAFETY: it is a value of the parameter's type.
        args.push(unsafe { val::from_slot(store, slot, ty) });
    }
    let mut results: SmallVec<[Val; 8]> = ty.ty.results.iter().map(|&ty| Val::zero(ty)).collect();
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
        unsafe { write_results(&entered, ty, &results, slots) }
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
        type WithoutEnv = unsafe extern "C" fn(*const ValVec, *mut ValVec) -> *mut Trap;
        // SAFETY: as above.
        let callback = unsafe { std::mem::transmute::<*const u8, WithoutEnv>(callback) };
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
    let boxes = results.iter().zip(&ty.ty.results).filter(|&(result, &ty)| val::needs_box(result, ty)).count();
    store.reserve_boxes(boxes).map_err(bad)?;
    for (index, (result, &ty)) in results.iter().zip(&ty.ty.results).enumerate() {
        // SAFETY: checked above; the boxes are reserved.
        let slot = unsafe { val::to_slot(store, result, ty) }.map_err(bad)?;
        // SAFETY: room for the results by the caller's promise.
        unsafe { slots.wrapping_add(index).write(slot) };
    }
    Ok(())
}

/// Gives back a trap the trampoline received, as the pending one.
pub(in crate::vm) fn pend(context: *mut VMStoreContext, trap: Handle<Trap>) {
    // SAFETY: the context of a live store whose code runs on this thread.
    let context = unsafe { &mut *context };
    context.pending_trap = PendingTrap {
        code: PendingTrap::OBJECT,
        object: trap.into_raw().cast(),
        fp: context.last_exit_fp,
        pc: context.last_exit_pc,
        ..PendingTrap::NONE
    };
}
