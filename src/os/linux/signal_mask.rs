//! The calling thread's mask of signals.

use crate::os::linux::fault::SIGNALS;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

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
