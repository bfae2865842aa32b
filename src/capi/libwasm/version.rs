//! The version of the library.

use std::ffi::c_char;

/// The version of the library, "MAJOR.MINOR.PATCH"; it stays valid for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
