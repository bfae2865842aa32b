//! Host functions whose environments own handles, without leaks.

use crate::capi::boundary::boundary;
use crate::capi::func::{OwnedEnvironment, new_with_env, wasm_func_callback_with_env_t, wasm_func_t};
use crate::capi::reference::wasm_ref_t;
use crate::capi::store::wasm_store_t;
use crate::capi::types::functype::wasm_functype_t;
use crate::vm::func::{Environment, Trace};
use std::ffi::c_void;
use std::{mem, ptr};

/// What a `libwasm_trace_t` calls for each handle: with the handle, and with its own last argument.
pub type libwasm_visit_t = Option<unsafe extern "C" fn(reference: *const wasm_ref_t, visitor: *mut c_void)>;

/// Calls `visit(reference, visitor)` for each handle that `env` owns, of whatever kind it is, as often as it owns one; NULL is
/// skipped. Vectors and values own the references in them, and a frame owns a handle of its instance: pass
/// `wasm_frame_instance` for it. It is called during collections, and must not call functions of this library other than
/// conversions of references and `wasm_frame_instance`.
pub type libwasm_trace_t = Option<unsafe extern "C" fn(env: *mut c_void, visit: libwasm_visit_t, visitor: *mut c_void)>;

type TraceC = unsafe extern "C" fn(*mut c_void, libwasm_visit_t, *mut c_void);

/// As `wasm_func_new_with_env`, for an environment that owns handles of the store's objects: of the instance that imports the
/// function, say, or of one of its exports. A handle keeps what it names alive, so such a function and such an instance would keep
/// each other alive for as long as the store lives. With `trace`, which tells which handles the environment owns, the collector sees
/// the cycle: when nothing else refers to the function and the instance, the finalizer is called, which deletes the
/// handles, and all of it is freed. The finalizer must not call functions of the objects. What only a host can know is not seen: an
/// environment that owns the store itself, or objects of another store that own handles of this one, are never freed.
///
/// NULL if a pointer other than `env`, `trace` and `finalizer` is NULL; the finalizer has run then. Without `trace`, this
/// is `wasm_func_new_with_env`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_func_new_with_traced_env(
    store: *mut wasm_store_t,
    ty: *const wasm_functype_t,
    callback: wasm_func_callback_with_env_t,
    env: *mut c_void,
    trace: libwasm_trace_t,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
) -> *mut wasm_func_t {
    // SAFETY: the two types differ only in what the struct behind the handle is called, and in that the visitor is never NULL.
    let trace = trace.map(|trace| unsafe { mem::transmute::<TraceC, Trace>(trace) });
    let env = OwnedEnvironment(Environment { data: env, finalizer, trace });
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || unsafe { new_with_env(store, ty, callback, env) })
}
