//! Functions of the host.

pub mod call;
pub mod callback;
pub mod slots;

pub use crate::abi::ValVec;
use crate::abi::{CallHost, ObjectHeader, ObjectKind, VMFuncRef, VMHostContext};
use crate::arch;
use crate::types::{Error, Result};
use crate::vm::engine::types::RegisteredType;
use crate::vm::store::entity::{EntityHeader, Handle, store_of};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::store::{Entered, Finalizer, Store};
use crate::vm::trap::Trap;
use crate::vm::types::DefinedType;
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
    /// What its code and [`callback`] read; `func_ref.vmctx` points here.
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

    fn owned_handles(&self, visit: &mut dyn FnMut(*mut ObjectHeader)) {
        self.trace_env(visit);
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

/// The most parameters, and the most results, that a function can have: as many as one of a module (WebAssembly JavaScript Interface,
/// "Implementation-defined Limits").
const MOST_VALUES: usize = 1000;

/// An error if a host function cannot have as many parameters or results.
fn check_counts(ty: &DefinedType) -> Result<()> {
    let ty = ty.sub_type().as_func().ok_or_else(|| Error::argument("the type of a function is no function type"))?;
    for (count, what) in [(ty.params.len(), "parameters"), (ty.results.len(), "results")] {
        if count > MOST_VALUES {
            return Err(Error::limit(format!("a host function can have at most {MOST_VALUES} {what}: {count}")));
        }
    }
    Ok(())
}

impl HostFunc {
    /// Makes a host function. The finalizer runs once, when the function dies — also when making it fails.
    ///
    /// # Safety
    /// The callback fits the type; the finalizer may be called with the environment's data, and the tracing function until then.
    pub unsafe fn make(
        entered: &Entered<'_>,
        ty: DefinedType,
        callback: Callback,
        env: Environment,
    ) -> Result<Handle<VMFuncRef>> {
        let Environment { data: env, finalizer, trace } = env;
        let store = entered.store();
        store.collect_if_due();
        let registered =
            check_counts(&ty).and_then(|()| store.engine().register(ty)).and_then(|ty| Ok((ty.to_host()?, ty)));
        let (entry, ty) = registered.inspect_err(|_| {
            if let Some(finalizer) = Finalizer::new((env, finalizer)) {
                store.queue_finalizer(finalizer);
            }
        })?;
        store.traced_envs.set(store.traced_envs.get() + usize::from(trace.is_some()));
        store.finalizable.set(store.finalizable.get() + usize::from(finalizer.is_some()));
        let (callback, call): (_, CallHost) = match callback {
            Callback::WithoutEnv(callback) => (callback as *const u8, arch::call_host),
            Callback::WithEnv(callback) => (callback as *const u8, arch::call_host_with_env),
        };
        let func = Box::into_raw(Box::new(HostFunc {
            header: EntityHeader::new(ObjectKind::Func, store),
            func_ref: VMFuncRef {
                object: ObjectHeader::new(ObjectKind::Func, offset_of!(HostFunc, func_ref)),
                entry,
                vmctx: std::ptr::null_mut(),
                ty: Arc::as_ptr(&ty).cast(),
                type_id: ty.id(),
                func_index: u32::MAX,
                heap_index: 0,
                _pad: 0,
            },
            context: VMHostContext { store: store.context(), call, callback, env: env.cast() },
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
        if let Some(finalizer) = Finalizer::new((self.context.env.cast(), self.finalizer.take())) {
            store.finalizable.set(store.finalizable.get() - 1);
            store.queue_finalizer(finalizer);
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
