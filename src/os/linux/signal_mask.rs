//! The calling thread's mask of signals.

use crate::os::linux::fault::SIGNALS;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the occasions after which threads may have another mask than this library left them.
static OCCASIONS: AtomicUsize = AtomicUsize::new(1);

thread_local! {
    /// The last occasion after which this thread's mask was changed; 0 if it never was.
    static UNBLOCKED_AFTER: Cell<usize> = const { Cell::new(0) };
}

/// Makes every thread unblock the signals that faults raise once more, when it calls in a store for the first time.
pub fn expect_blocked_faults() {
    OCCASIONS.fetch_add(1, Ordering::Relaxed);
}

/// Unblocks the signals that faults raise, unless the calling thread has done so before, and there was no occasion since.
pub(super) fn unblock_faults_once() {
    let occasions = OCCASIONS.load(Ordering::Relaxed);
    if UNBLOCKED_AFTER.get() != occasions {
        unblock_faults();
        UNBLOCKED_AFTER.set(occasions);
    }
}

/// Unblocks the signals that faults raise. A fault whose signal is blocked ends the process, whatever handler there is, so nobody who
/// blocks all signals means these.
pub(super) fn unblock_faults() {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the call initializes the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in SIGNALS {
        // SAFETY: the set is initialized.
        unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    }
    // SAFETY: the set is initialized; the call changes the mask of this thread only.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), null_mut()) };
}
