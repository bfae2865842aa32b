//! A place where one thread sleeps until another wakes it.
//!
//! It holds no lock, so a thread that sleeps is not in the way of a fork. The child of a fork has the word, but not the thread.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

/// A place that a thread sleeps at, once.
#[derive(Debug, Default)]
pub struct Parker {
    word: AtomicU32,
}

const WAIT: libc::c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAKE: libc::c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

const ASLEEP: u32 = 0;
const WOKEN: u32 = 1;

impl Parker {
    /// Sleeps until [`Parker::wake`], which may have been called already, or for as long as `timeout` says. Whether it was woken; what the
    /// waking thread did before is seen by then.
    pub fn sleep(&self, timeout: Option<Duration>) -> bool {
        // A time that is too far away for the clock never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if self.word.load(Acquire) != ASLEEP {
                return true;
            }
            let left = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return false,
                left => left,
            };
            self.wait(left);
        }
    }

    /// Sleeps unless it was woken, for a time at most. May return early, by a signal, say.
    fn wait(&self, left: Option<Duration>) {
        let left = left.map(|left| libc::timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let left = left.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the word and the time live as long as the call.
        unsafe { libc::syscall(libc::SYS_futex, self.word.as_ptr(), WAIT, ASLEEP, left) };
    }

    /// Wakes the thread that sleeps here, or is about to.
    pub fn wake(&self) {
        self.word.store(WOKEN, Release);
        // SAFETY: the word lives as long as the call.
        unsafe { libc::syscall(libc::SYS_futex, self.word.as_ptr(), WAKE, 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_sleeping_thread_is_woken_and_one_that_is_woken_does_not_sleep() {
        for delay in [0, 20] {
            let parker = Arc::new(Parker::default());
            let sleeper = parker.clone();
            let thread = std::thread::spawn(move || sleeper.sleep(None));
            std::thread::sleep(Duration::from_millis(delay));
            parker.wake();
            assert!(thread.join().unwrap());
            assert!(parker.sleep(Some(Duration::ZERO)));
        }
    }

    #[test]
    fn a_sleep_ends_in_time() {
        let (parker, begun) = (Parker::default(), Instant::now());
        assert!(!parker.sleep(Some(Duration::from_millis(20))));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert!(!parker.sleep(Some(Duration::ZERO)));
    }
}
