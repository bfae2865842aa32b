//! The text format.

use crate::arch::with_wasm_float_mode;
use crate::capi::boundary::boundary;
use crate::capi::byte::{self, wasm_byte_vec_t};
use crate::capi::{own, vec};
use crate::types::{Error, ErrorKind};

/// Translates a module from the text format (<https://webassembly.github.io/spec/core/text/index.html>) to a binary in `out`,
/// owned by the caller. A binary is copied. False, and an empty vector, if the text is malformed; the message of the last
/// error has the line and the column.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_wat2wasm(wat: *const wasm_byte_vec_t, out: *mut wasm_byte_vec_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states. Read before `out` is written: they may be the same.
        let text = unsafe { byte::bytes(wat) };
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // A text read from a C string may have its NUL.
        let text = text.strip_suffix(b"\0").filter(|_| !text.starts_with(b"\0asm")).unwrap_or(text);
        let binary = with_wasm_float_mode(|| wat::parse_bytes(text))
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, byte::from_bytes(&binary)?) }?;
        Ok(true)
    })
}
