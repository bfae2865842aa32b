//! Stores.

use super::boundary::boundary;
use super::engine::wasm_engine_t;
use super::own;
use crate::vm::new_store;
use std::ptr;

/// A store: the world that instances and their objects live in. It is used by one thread at a time, but may move between
/// threads; handles of its objects may be deleted on any thread at any time.
#[derive(Debug)]
pub struct wasm_store_t {
    _opaque: [u8; 0],
}

/// Gives a store up; does nothing for NULL. Objects of it that there are handles of live on, and the store with them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_store_delete(store: *mut wasm_store_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::delete_store(store) };
        Ok(())
    })
}

/// Makes a store, owned by the caller. NULL if the engine is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_store_new(engine: *mut wasm_engine_t) -> *mut wasm_store_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let engine = unsafe { own::borrow(engine) }?;
        Ok(own::store_into_raw(new_store(engine.clone())))
    })
}
