//! Exceptions that are not Rust's, on their way past the library (Itanium C++ ABI, "Exception Handling").

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;

unsafe extern "C-unwind" {
    fn _Unwind_Resume_or_Rethrow(exception: *mut c_void) -> c_int;
    fn _Unwind_DeleteException(exception: *mut c_void);
}

/// Lets an exception go on from here. Returns if nobody further out has a handler for it.
///
/// # Safety
/// The exception was caught, goes nowhere else, and the frames from here to the host's may be unwound.
pub unsafe extern "C-unwind" fn rethrow(exception: *mut c_void) {
    // SAFETY: as the caller states.
    unsafe { _Unwind_Resume_or_Rethrow(exception) };
}

/// Frees an exception that goes nowhere.
///
/// # Safety
/// The exception was caught and is not used again.
pub unsafe fn delete(exception: *mut c_void) {
    // C++ counts its exceptions that are under way, so it has to be told by its own means, where they are at hand.
    // SAFETY: an exception starts with its class.
    let is_cpp = unsafe { exception.cast::<u64>().read() } & 0xffff_ffff == CPP_CLASS;
    if let (true, Some(begin), Some(end)) = (is_cpp, find(c"__cxa_begin_catch"), find(c"__cxa_end_catch")) {
        type Begin = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
        type End = unsafe extern "C-unwind" fn();
        // SAFETY: that is its type (Itanium C++ ABI, "Exception Handling", 2.5.3).
        let begin = unsafe { transmute::<*mut c_void, Begin>(begin) };
        // SAFETY: as above.
        let end = unsafe { transmute::<*mut c_void, End>(end) };
        // SAFETY: an exception of C++ that was caught.
        unsafe { begin(exception) };
        // SAFETY: ends what was begun.
        unsafe { end() };
    } else {
        // SAFETY: as the caller states.
        unsafe { _Unwind_DeleteException(exception) };
    }
}

/// How the classes of C++ exceptions end, whatever compiler they are of: "C++\0".
const CPP_CLASS: u64 = 0x432b_2b00;

fn find(symbol: &CStr) -> Option<*mut c_void> {
    // SAFETY: looks a name up.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr()) };
    (!found.is_null()).then_some(found)
}

unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
    fn _Unwind_GetRegionStart(context: *mut c_void) -> usize;
}

/// What is found at the end of a search for a frame of the thread's stack.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One that was looked for, and the stack pointer in it.
    Frame(usize),
    /// None, up to the outermost.
    None,
    /// None, up to one of which the unwinder knows nothing.
    Unknown,
}

/// Looks for the innermost frame of a function that `is_wanted` names by its address, from the caller's outwards. Takes microseconds.
pub fn find_frame(is_wanted: fn(usize) -> bool) -> Found {
    struct Search {
        is_wanted: fn(usize) -> bool,
        found: Found,
    }
    unsafe extern "C" fn visit(context: *mut c_void, search: *mut c_void) -> c_int {
        const GO_ON: c_int = 0;
        const STOP: c_int = 5;
        // SAFETY: the search below.
        let search = unsafe { &mut *search.cast::<Search>() };
        // SAFETY: the context is the unwinder's.
        if unsafe { _Unwind_GetIP(context) } == 0 {
            search.found = Found::None;
            return STOP;
        }
        // SAFETY: as above.
        if (search.is_wanted)(unsafe { _Unwind_GetRegionStart(context) }) {
            // SAFETY: as above.
            search.found = Found::Frame(unsafe { _Unwind_GetCFA(context) });
            return STOP;
        }
        GO_ON
    }
    let mut search = Search { is_wanted, found: Found::Unknown };
    // SAFETY: the function takes what it is given.
    unsafe { _Unwind_Backtrace(visit, (&raw mut search).cast()) };
    search.found
}
