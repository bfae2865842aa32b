//! Noticing that a thread ends, without memory.
//!
//! Destructors of `thread_local!` are registered with the C library, which ends the process where it has no memory for that. A key of
//! thread-specific data has room in the thread itself, unless the process has many, and then the failure can be seen.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::without_provenance;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// How many threads have ended for which [`is_counted_on_end`] was true.
pub static ENDED_THREADS: AtomicUsize = AtomicUsize::new(0);

#[derive(Copy, Clone, PartialEq, Eq)]
enum State {
    /// Nothing is known yet, or there was no memory.
    Unknown,
    /// The end of the thread will be counted.
    Awaited,
    /// It was counted; destructors of other keys may still run.
    Ended,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Unknown) };
}

const _: () = assert!(!std::mem::needs_drop::<Cell<State>>());

/// Whether the end of this thread is still to come and will be counted in [`ENDED_THREADS`].
pub fn is_counted_on_end() -> bool {
    if STATE.get() == State::Unknown && register() {
        STATE.set(State::Awaited);
    }
    STATE.get() == State::Awaited
}

#[cold]
fn register() -> bool {
    let Some(key) = key() else { return false };
    // Anything but null makes the C library call `ended`.
    // SAFETY: the key was made by `key` and is never deleted.
    unsafe { libc::pthread_setspecific(key, without_provenance(1)) == 0 }
}

extern "C" fn ended(_: *mut c_void) {
    STATE.set(State::Ended);
    ENDED_THREADS.fetch_add(1, Ordering::SeqCst);
}

/// The key of the process; `None` where all are taken.
fn key() -> Option<libc::pthread_key_t> {
    /// The key and one, or 0.
    static KEY: AtomicU32 = AtomicU32::new(0);
    let known = |key: u32| key.checked_sub(1);
    known(KEY.load(Ordering::Acquire)).or_else(|| {
        let mut made = 0;
        // SAFETY: `made` can be written, and `ended` may be called on any thread: the library is never unloaded (`build.rs`).
        if unsafe { libc::pthread_key_create(&mut made, Some(ended)) } != 0 {
            return None;
        }
        let Err(theirs) = KEY.compare_exchange(0, made + 1, Ordering::AcqRel, Ordering::Acquire) else {
            return Some(made);
        };
        // SAFETY: just made, and nobody else knows it.
        unsafe { libc::pthread_key_delete(made) };
        known(theirs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_thread_is_counted() {
        let before = std::thread::spawn(|| {
            assert!(is_counted_on_end() && is_counted_on_end());
            ENDED_THREADS.load(Ordering::SeqCst)
        });
        assert!(before.join().unwrap() < ENDED_THREADS.load(Ordering::SeqCst));
    }
}
