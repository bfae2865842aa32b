//! Functions.

use super::boundary::{self, boundary, boundary_or};
use super::own::{self, objects};
use super::reference::{self, wasm_ref_t};
use super::store::wasm_store_t;
use super::trap::{self, wasm_trap_t};
use super::types::functype::{self, wasm_functype_t};
use super::val::wasm_val_vec_t;
use crate::abi::VMFuncRef;
use crate::arch;
use crate::types::{Error, Result, TrapCode};
use crate::vm::engine::types::registered_type;
use crate::vm::func::call;
use crate::vm::func::slots::Slots;
use crate::vm::func::{Callback, Environment, HostFunc, ValVec};
use crate::vm::store::Store;
use crate::vm::trap::Trap;
use std::ffi::c_void;
use std::{mem, ptr};

/// A function.
#[derive(Debug)]
pub struct wasm_func_t {
    _opaque: [u8; 0],
}

/// A function of the host. `args` is lent. `results` arrives with as many values as the function has results, of their kinds and
/// zero. The callback writes its results there, or puts another vector in the place of that one (`wasm_val_vec_new(results, ...)`,
/// `*results = vector`); either way they become the library's, and so does the new vector. It may delete the vector that it was lent
/// first, on whichever stack or thread. Another number of results, or another kind, is a trap that says so. Returns NULL, or a trap,
/// which becomes the library's too.
///
/// Stack: a callback can count on 1 MiB of its thread's stack however deep the guest is, or on half of a stack of less than 2 MiB
/// (`libwasm_config_set_host_stack_reserve`, `libwasm_config_set_max_wasm_stack`). On a coroutine's stack WebAssembly runs once its
/// bounds are known (`libwasm_thread_set_stack`).
///
/// Leaving otherwise than by return: `longjmp` out of a callback is allowed, past any number of calls of WebAssembly. The call that
/// is left never returns; what it was lent is freed when the store is next used. A C++ exception (or another that unwinds frames) goes
/// on at the host function's caller on the other side of WebAssembly, whose frames it drops, and can be caught there; one that nobody
/// further out catches becomes a trap (`LIBWASM_TRAP_HOST`) instead. Coroutines may be suspended in callbacks and go on in any
/// order; one that never does is to be given up by `libwasm_store_forget_stack`.
///
/// Floating-point mode: the callback runs in the mode that the host had when it called, WebAssembly in its own.
pub type wasm_func_callback_t =
    Option<unsafe extern "C" fn(args: *const wasm_val_vec_t, results: *mut wasm_val_vec_t) -> *mut wasm_trap_t>;

/// As `wasm_func_callback_t`, with the environment given to `wasm_func_new_with_env`.
pub type wasm_func_callback_with_env_t = Option<
    unsafe extern "C" fn(
        env: *mut c_void,
        args: *const wasm_val_vec_t,
        results: *mut wasm_val_vec_t,
    ) -> *mut wasm_trap_t,
>;

objects! {
    wasm_func_t => "a function", [Func], VMFuncRef;
}

type PlainC = unsafe extern "C" fn(*const wasm_val_vec_t, *mut wasm_val_vec_t) -> *mut wasm_trap_t;
type PlainVm = unsafe extern "C" fn(*const ValVec, *mut ValVec) -> *mut Trap;
type WithEnvC = unsafe extern "C" fn(*mut c_void, *const wasm_val_vec_t, *mut wasm_val_vec_t) -> *mut wasm_trap_t;
type WithEnvVm = unsafe extern "C" fn(*mut c_void, *const ValVec, *mut ValVec) -> *mut Trap;

const _: () = assert!(size_of::<ValVec>() == size_of::<wasm_val_vec_t>());

/// An environment that is taken over: its finalizer runs if no function is made of it.
pub(super) struct OwnedEnvironment(pub Environment);

impl Drop for OwnedEnvironment {
    fn drop(&mut self) {
        if let Some(finalizer) = self.0.finalizer {
            // SAFETY: the host gave the function and its data together; whoever takes the data leaves no finalizer here.
            unsafe { finalizer(self.0.data) };
        }
    }
}

/// Makes a host function.
///
/// # Safety
///
/// The pointers are NULL or live; the callback fits the type.
unsafe fn new(
    store: *mut wasm_store_t,
    ty: *const wasm_functype_t,
    callback: Option<Callback>,
    mut env: OwnedEnvironment,
) -> Result<*mut wasm_func_t> {
    // SAFETY: as the caller states.
    let entered = unsafe { own::store(store) }?.enter()?;
    // SAFETY: as the caller states.
    let ty = unsafe { functype::borrow(ty) }?.defined()?;
    let callback = callback.ok_or_else(|| own::null("a callback"))?;
    let taken = env.0;
    env.0.finalizer = None;
    // SAFETY: as the caller states.
    let func = unsafe { HostFunc::make(&entered, ty, callback, taken) }?;
    Ok(own::object_into_raw(func))
}

/// Makes a host function with an environment.
///
/// # Safety
///
/// As for [`new`].
pub(super) unsafe fn new_with_env(
    store: *mut wasm_store_t,
    ty: *const wasm_functype_t,
    callback: wasm_func_callback_with_env_t,
    env: OwnedEnvironment,
) -> Result<*mut wasm_func_t> {
    // SAFETY: the two types differ only in what the structs behind their pointers are called.
    let callback = callback.map(|f| Callback::WithEnv(unsafe { mem::transmute::<WithEnvC, WithEnvVm>(f) }));
    // SAFETY: as the caller states.
    unsafe { new(store, ty, callback, env) }
}

/// Deletes a handle of a function; does nothing for NULL. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_delete(object: *mut wasm_func_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same object, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_copy(object: *const wasm_func_t) -> *mut wasm_func_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Whether two handles are of the same object; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_same(a: *const wasm_func_t, b: *const wasm_func_t) -> bool {
    // SAFETY: as the caller states.
    unsafe { reference::same(a, b) }
}

/// The pointer the host attached to the object; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_get_host_info(object: *const wasm_func_t) -> *mut c_void {
    // SAFETY: as the caller states.
    unsafe { reference::host_info(object) }
}

/// Attaches a pointer to the object, whichever handle names it. Runs the finalizer of the one that was attached before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_set_host_info(object: *mut wasm_func_t, info: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, None) }
}

/// As `wasm_func_set_host_info`; the finalizer runs once with `info`, when it is replaced or the object dies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_set_host_info_with_finalizer(
    object: *mut wasm_func_t,
    info: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: as the caller states.
    unsafe { reference::set_host_info(object, info, finalizer) }
}

/// A function as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_as_ref(object: *mut wasm_func_t) -> *mut wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a function: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_func(reference: *mut wasm_ref_t) -> *mut wasm_func_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// A function as a reference: the same handle, with the same owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_as_ref_const(object: *const wasm_func_t) -> *const wasm_ref_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(object) }
}

/// A reference as a function: the same handle, with the same owner. NULL if it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_ref_as_func_const(reference: *const wasm_ref_t) -> *const wasm_func_t {
    // SAFETY: as the caller states.
    unsafe { reference::convert(reference) }
}

/// Makes a function of the host, owned by the caller. NULL if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_new(
    store: *mut wasm_store_t,
    ty: *const wasm_functype_t,
    callback: wasm_func_callback_t,
) -> *mut wasm_func_t {
    let none = Environment { data: ptr::null_mut(), finalizer: None, trace: None };
    boundary(ptr::null_mut(), || {
        // SAFETY: the two types differ only in what the structs behind their pointers are called.
        let callback = callback.map(|f| Callback::WithoutEnv(unsafe { mem::transmute::<PlainC, PlainVm>(f) }));
        // SAFETY: as the caller states.
        unsafe { new(store, ty, callback, OwnedEnvironment(none)) }
    })
}

/// Makes a function of the host with an environment, owned by the caller. The finalizer runs once with `env`: when the
/// function dies, or before this returns if it is not made. NULL if a pointer other than `env` and `finalizer` is NULL, or if the type
/// has more than 1,000 parameters or 1,000 results (`LIBWASM_ERROR_LIMIT`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_new_with_env(
    store: *mut wasm_store_t,
    ty: *const wasm_functype_t,
    callback: wasm_func_callback_with_env_t,
    env: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) -> *mut wasm_func_t {
    let env = OwnedEnvironment(Environment { data: env, finalizer, trace: None });
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || unsafe { new_with_env(store, ty, callback, env) })
}

/// The type of a function, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_type(func: *const wasm_func_t) -> *mut wasm_functype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let func = unsafe { own::record(func) }?;
        // SAFETY: the caller's handle keeps the function alive.
        functype::into_raw(unsafe { registered_type(func) }.defined())
    })
}

/// The number of a function's parameters; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_param_arity(func: *const wasm_func_t) -> usize {
    boundary(0, || {
        // SAFETY: as the caller states.
        let func = unsafe { own::record(func) }?;
        // SAFETY: the caller's handle keeps the function alive.
        Ok(unsafe { registered_type(func) }.ty.params.len())
    })
}

/// The number of a function's results; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_func_result_arity(func: *const wasm_func_t) -> usize {
    boundary(0, || {
        // SAFETY: as the caller states.
        let func = unsafe { own::record(func) }?;
        // SAFETY: the caller's handle keeps the function alive.
        Ok(unsafe { registered_type(func) }.ty.results.len())
    })
}

/// Calls a function (<https://webassembly.github.io/spec/core/exec/modules.html#invocation>).
///
/// `args` is lent; NULL is an empty vector. `results` is room for the results, which may be raw memory. Returns NULL, and then the
/// results are written and are the caller's; or a trap, which is the caller's, and then `results` is as it was. A wrong number
/// or kind of arguments gives a trap and calls nothing. A NULL function gives a trap without a store.
///
/// Results that find no room are dropped, references among them deleted: all of them if `results` is NULL or its size 0. Of a larger
/// vector only as many elements are written as there are results.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wasm_func_call(
    func: *const wasm_func_t,
    args: *const wasm_val_vec_t,
    results: *mut wasm_val_vec_t,
) -> *mut wasm_trap_t {
    // Every live handle points to a record, and the layouts of the vectors are the same.
    arch::jump_to_call_numeric!(Store, Slots, call_otherwise)
}

/// What [`wasm_func_call`] does where the numeric-only stub does not suffice.
///
/// # Safety
///
/// The pointers are as for [`wasm_func_call`], `attempt` is what became of calling with them, and `entry_sp` the stub's stack pointer.
#[cold]
unsafe extern "C-unwind" fn call_otherwise(
    func: *const VMFuncRef,
    args: *const ValVec,
    results: *mut ValVec,
    attempt: u32,
    entry_sp: usize,
) -> *mut u8 {
    // A trap that stands for an exception, which goes on from outside of the boundary.
    let mut thrown = None;
    let trap = boundary_or(
        |error| trap::from_error(&error),
        || {
            let outcome = if attempt == arch::NOT_MADE {
                // SAFETY: as the caller states.
                let func = unsafe { own::record(func.cast::<wasm_func_t>()) }?;
                // SAFETY: as the caller states.
                let args = unsafe { own::vals(args.cast()) };
                // SAFETY: as the caller states.
                let results = unsafe { own::val_places(results.cast()) };
                // SAFETY: the handle keeps the function alive; the arguments are as the caller states.
                unsafe { call::call(func, args, results, entry_sp) }?
            } else {
                // SAFETY: the call has just been made.
                unsafe { call::finish(func, attempt != arch::STILL_INSIDE) }
            };
            match outcome {
                Ok(()) => Ok(ptr::null_mut()),
                Err(trap) if trap.stands_for_exception() => {
                    thrown = Some(trap);
                    Ok(ptr::null_mut())
                }
                Err(trap) => {
                    let message = || String::from_utf8_lossy(trap.message());
                    match trap.code() {
                        TrapCode::BadCall => boundary::record(&Error::argument(message())),
                        TrapCode::OutOfMemory => boundary::record(&Error::out_of_memory(message())),
                        TrapCode::Limit => boundary::record(&Error::limit(message())),
                        _ => {}
                    }
                    Ok(own::object_into_raw(trap))
                }
            }
        },
    );
    match thrown {
        Some(trap) => own::object_into_raw::<wasm_trap_t>(trap::let_exception_go_on(trap)).cast(),
        None => trap.cast(),
    }
}
