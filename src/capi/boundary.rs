//! The fence between Rust and C: no panic crosses it, and the reason of every failure is kept for the thread.
//!
//! Every exported function runs its body inside [`boundary`] or [`boundary_or`]. A success touches no thread-local.

use crate::types::{Error, ErrorKind};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::CStr;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The last failure of a thread, in the shape in which C reads it. It lies in thread-local storage as a whole and needs no
/// destructor, so that a failure can be recorded when there is no memory.
#[derive(Debug)]
pub struct LastError {
    pub kind: ErrorKind,
    pub message: Message,
    pub offset: Option<usize>,
}

thread_local! {
    static LAST_ERROR: RefCell<Option<LastError>> = const { RefCell::new(None) };
}

const _: () = assert!(!std::mem::needs_drop::<RefCell<Option<LastError>>>());

/// A text with a terminating NUL and no other, cut where there is no room for more.
pub struct Message {
    /// The text; everything behind it is NUL.
    bytes: [u8; Message::ROOM],
    len: usize,
}

impl Message {
    const ROOM: usize = 1024;
    const ELLIPSIS: &str = "…";

    fn of(error: &Error) -> Message {
        let mut message = Message { bytes: [0; Message::ROOM], len: 0 };
        if write!(message, "{error}").is_err() {
            // What does not fit is left out from the end of a character on.
            let text = std::str::from_utf8(&message.bytes[..message.len]).unwrap_or_default();
            message.len = text.floor_char_boundary(Message::ROOM - 1 - Message::ELLIPSIS.len());
            message.bytes[message.len..].fill(0);
            let _ = message.write_str(Message::ELLIPSIS);
        }
        message
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let c = if c == '\0' { '\u{fffd}' } else { c };
            // The last byte stays NUL.
            let room = &mut self.bytes[self.len..Message::ROOM - 1];
            let place = room.get_mut(..c.len_utf8()).ok_or(fmt::Error)?;
            self.len += c.encode_utf8(place).len();
        }
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_c_str().fmt(f)
    }
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
    let last = LastError { kind: error.kind(), message: Message::of(error), offset: error.offset() };
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
            assert_eq!(last.message.as_c_str().to_str().unwrap(), "no\u{fffd}good (at offset 0xc)");
        });
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let recorded = |text: &str| {
            record(&Error::argument(text));
            with_last(|last| last.unwrap().message.as_c_str().to_str().unwrap().to_owned()).unwrap()
        };
        for len in 1000..1030 {
            for (c, bytes) in [("x", 1), ("é", 2), ("…", 3), ("𝄞", 4)] {
                let text = format!("{}{c}{c}", "y".repeat(len));
                let message = recorded(&text);
                if text.len() < Message::ROOM {
                    assert_eq!(message, text);
                } else {
                    let kept = message.strip_suffix('…').unwrap();
                    assert!(
                        text.starts_with(kept) && message.len() + bytes + 3 > Message::ROOM - 1,
                        "{}",
                        message.len()
                    );
                }
            }
        }
    }

    #[test]
    fn a_panic_becomes_the_default_and_is_recorded() {
        assert_eq!(boundary(7, || -> Result<i32, Error> { panic!("oh {}", "dear") }), 7);
        with_last(|last| {
            let last = last.unwrap();
            assert_eq!(last.kind, ErrorKind::Internal);
            assert!(last.message.as_c_str().to_str().unwrap().ends_with("oh dear"));
        });
    }
}
