//! Engines.

use super::boundary::boundary;
use super::config::wasm_config_t;
use super::own::{self, TryClone, boxed};
use crate::types::Result;
use crate::vm::engine::{Config, Engine};
use std::ptr;
use std::sync::Arc;

/// An engine: the compiler and what stores and modules share. It can be used from any thread, and a process can have
/// several.
#[derive(Debug)]
pub struct wasm_engine_t {
    _opaque: [u8; 0],
}

boxed! {
    wasm_engine_t => Arc<Engine>, "an engine";
}

impl<T> TryClone for Arc<T> {
    fn try_clone(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Deletes an engine; what was made with it lives on; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_engine_delete(object: *mut wasm_engine_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes an engine with the default configuration, owned by the caller. NULL if the machine is not supported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_engine_new() -> *mut wasm_engine_t {
    boundary(ptr::null_mut(), || Ok(own::into_raw(Engine::new(Config::default())?)))
}

/// Makes an engine, owned by the caller. Takes the configuration over. NULL if that is NULL or the machine does not
/// support it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_engine_new_with_config(config: *mut wasm_config_t) -> *mut wasm_engine_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let config = unsafe { own::from_raw(config) }.ok_or_else(|| own::null("a configuration"))?;
        Ok(own::into_raw(Engine::new(*config)?))
    })
}
