//! Configurations of engines. `libwasm.h` has the setters.

use super::own::{self, TryClone, boxed};
use crate::types::Result;
use crate::vm::engine::Config;

/// The configuration of an engine.
#[derive(Debug)]
pub struct wasm_config_t {
    _opaque: [u8; 0],
}

boxed! {
    wasm_config_t => Config, "a configuration";
}

impl TryClone for Config {
    fn try_clone(&self) -> Result<Self> {
        Ok(*self)
    }
}

/// Deletes a configuration; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_config_delete(object: *mut wasm_config_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a configuration with the defaults, owned by the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_config_new() -> *mut wasm_config_t {
    own::into_raw(Config::default())
}
