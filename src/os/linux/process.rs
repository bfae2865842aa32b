//! The end of the process, where going on would do harm.

/// Says why on standard error, and ends the process as a failed assertion does.
#[cold]
pub fn end_process(message: &str) -> ! {
    // SAFETY: the message is memory of this length. Whether anybody reads it does not matter.
    unsafe { libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len()) };
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}
