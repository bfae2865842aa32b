//! The fence between Rust and C: no panic crosses it, and the reason of every failure is kept for the thread.
//!
//! Every exported function runs its body inside [`boundary`] or [`boundary_or`]. A success touches no thread-local.

use crate::types::{Error, ErrorKind};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The last failure of a thread, in the shape in which C reads it.
#[derive(Debug)]
pub struct LastError {
    pub kind: ErrorKind,
    pub message: CString,
    pub offset: Option<usize>,
}

thread_local! {
    static LAST_ERROR: RefCell<Option<LastError>> = const { RefCell::new(None) };
}

/// Runs the body of an exported function. An error or a panic is recorded and becomes `default`.
#[inline]
pub fn boundary<T>(default: T, body: impl FnOnce() -> Result<T, Error>) -> T {
    boundary_or(|_| default, body)
}

/// As [`boundary`], for functions whose result on failure is made from the error.
#[inline]
pub fn boundary_or<T>(failed: impl FnOnce(Error) -> T, body: impl FnOnce() -> Result<T, Error>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            record(&error);
            failed(error)
        }
        Err(payload) => {
            let error = internal(payload);
            record(&error);
            failed(error)
        }
    }
}

/// Keeps `error` as the thread's last one.
#[cold]
pub fn record(error: &Error) {
    let text = error.to_string().replace('\0', "\u{fffd}");
    let last =
        LastError { kind: error.kind(), message: CString::new(text).unwrap_or_default(), offset: error.offset() };
    // A thread that is ending has nobody left to ask for the reason.
    let _ = LAST_ERROR.try_with(|slot| slot.replace(Some(last)));
}

/// Forgets the thread's last error.
pub fn clear() {
    let _ = LAST_ERROR.try_with(|slot| slot.take());
}

/// Reads the thread's last error.
pub fn with_last<T>(read: impl FnOnce(Option<&LastError>) -> T) -> Option<T> {
    LAST_ERROR.try_with(|slot| read(slot.borrow().as_ref())).ok()
}

#[cold]
fn internal(payload: Box<dyn Any + Send>) -> Error {
    let what = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        // Whatever it is, dropping it could panic again.
        std::mem::forget(payload);
        String::from("a panic without a message")
    };
    Error::new(ErrorKind::Internal, format!("a defect of libwasm, please report it: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_the_default_and_is_recorded() {
        clear();
        assert_eq!(boundary(7, || Ok(1)), 1);
        assert_eq!(with_last(|last| last.is_none()), Some(true));
        assert_eq!(boundary(7, || Err(Error::invalid("no\0good", 12))), 7);
        with_last(|last| {
            let last = last.unwrap();
            assert_eq!((last.kind, last.offset), (ErrorKind::Invalid, Some(12)));
            assert_eq!(last.message.to_str().unwrap(), "no\u{fffd}good (at offset 0xc)");
        });
    }

    #[test]
    fn a_panic_becomes_the_default_and_is_recorded() {
        assert_eq!(boundary(7, || -> Result<i32, Error> { panic!("oh {}", "dear") }), 7);
        with_last(|last| {
            let last = last.unwrap();
            assert_eq!(last.kind, ErrorKind::Internal);
            assert!(last.message.to_str().unwrap().ends_with("oh dear"));
        });
    }
}
