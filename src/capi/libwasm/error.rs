//! The last error of the thread: why a function gave NULL, false, 0 or an empty vector.

use crate::capi::boundary;
use crate::types::ErrorKind;
use std::ffi::c_char;
use std::ptr;

/// What kind of failure the last error is: one of `enum libwasm_error_kind_enum`.
pub type libwasm_error_kind_t = u8;

/// The kinds of failures. Numbers are only ever appended.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_error_kind_enum {
    /// No function has failed on this thread since it started or `libwasm_last_error_clear` was called.
    LIBWASM_ERROR_NONE = 0,
    /// The binary or text is malformed or does not validate.
    LIBWASM_ERROR_INVALID = 1,
    /// Valid WebAssembly, but a feature this build does not have, or a machine it cannot run on.
    LIBWASM_ERROR_UNSUPPORTED = 2,
    /// A limit of the implementation or of the embedder was reached: of sizes and numbers in a module, of a table or memory, of what a
    /// function may take to compile. The message says which.
    LIBWASM_ERROR_LIMIT = 3,
    /// An import is missing or does not match.
    LIBWASM_ERROR_LINK = 4,
    /// An artifact that is damaged or was made by another version, CPU or configuration.
    LIBWASM_ERROR_ARTIFACT = 5,
    /// Memory or address space ran out. What failed has changed nothing, and works again when there is memory. The process goes on, with
    /// few exceptions that ARCHITECTURE.md names: among them a single function that takes more memory to compile than was foreseen.
    LIBWASM_ERROR_OUT_OF_MEMORY = 6,
    /// An argument that cannot be used: NULL, a wrong kind, out of range, of another store.
    LIBWASM_ERROR_ARGUMENT = 7,
    /// The store is in use on another thread.
    LIBWASM_ERROR_BUSY = 8,
    /// A defect of this library: a panic that was caught before it reached the caller.
    LIBWASM_ERROR_INTERNAL = 9,
    /// Instantiation trapped in an active segment or the start function.
    LIBWASM_ERROR_TRAP = 10,
    /// A file that cannot be opened, read or written; the message has its path and the system's reason.
    LIBWASM_ERROR_FILE = 11,
}

macro_rules! same_numbers {
    ($($c:ident = $rust:ident),* $(,)?) => {
        $(const _: () = assert!(libwasm_error_kind_enum::$c as u8 == ErrorKind::$rust as u8);)*
    };
}

same_numbers! {
    LIBWASM_ERROR_INVALID = Invalid, LIBWASM_ERROR_UNSUPPORTED = Unsupported, LIBWASM_ERROR_LIMIT = Limit,
    LIBWASM_ERROR_LINK = Link, LIBWASM_ERROR_ARTIFACT = Artifact, LIBWASM_ERROR_OUT_OF_MEMORY = OutOfMemory,
    LIBWASM_ERROR_ARGUMENT = Argument, LIBWASM_ERROR_BUSY = Busy, LIBWASM_ERROR_INTERNAL = Internal,
    LIBWASM_ERROR_TRAP = Trap, LIBWASM_ERROR_FILE = File,
}

/// What kind of failure the thread's last error is. Successful calls leave the last error as it is, so it tells something
/// only after a call that has failed, or after `libwasm_last_error_clear`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_last_error_kind() -> libwasm_error_kind_t {
    boundary::with_last(|last| last.map_or(0, |last| last.kind as u8)).unwrap_or(0)
}

/// The message of the thread's last error, with a terminating NUL; "" if there is none. It stays valid until the next call of
/// this library fails on this thread, or `libwasm_last_error_clear` is called. A message longer than a kilobyte is cut.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_last_error_message() -> *const c_char {
    let message = boundary::with_last(|last| last.map_or(ptr::null(), |last| last.message.as_c_str().as_ptr()));
    message.filter(|message| !message.is_null()).unwrap_or(c"".as_ptr())
}

/// The byte offset in the module's binary, or in the artifact, that the thread's last error is about; `SIZE_MAX` if it is about none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_last_error_offset() -> usize {
    boundary::with_last(|last| last.and_then(|last| last.offset)).flatten().unwrap_or(usize::MAX)
}

/// Forgets the thread's last error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_last_error_clear() {
    boundary::clear();
}
