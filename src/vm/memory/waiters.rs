//! The threads that wait in a shared memory (`memory.atomic.wait32`, `wait64`), by the addresses that they wait at, and how they are
//! woken (`memory.atomic.notify`).
//!
//! A thread queues up, and looks at the value, while it holds the lock; then it sleeps at a place of its own (`src/os`), without the lock. A
//! thread that notifies takes others out of their queue under the lock, and wakes them afterwards. So each waiting thread is either in a
//! queue, or somebody has taken it out and will wake it; a thread whose time is over finds out which under the lock.
//!
//! **Interruption**: the host takes all places out of their queues, as [`Waiters::notify`] does for some, and leaves in them that it was no
//! notification. Until it says otherwise no thread queues up, so none is missed that was about to.
//!
//! The child of a fork has the queues, but not the threads: the first that looks into them there empties them.

use crate::os::park::Parker;
use crate::os::sync::{Mutex, MutexGuard};
use crate::os::{self, fork};
use crate::types::{Error, Result};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize, fence};
use std::time::Duration;

/// How a wait ended. The first three numbers are the results of the instructions, and all are those of `libwasm_wait_result_t`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Woken {
    Notified = 0,
    /// The memory had another value than the expected one: the thread did not wait.
    NotEqual = 1,
    TimedOut = 2,
    /// The host interrupted it: see [`Waiters::set_interrupted`].
    Interrupted = 4,
}

/// Where a thread sleeps.
#[derive(Debug, Default)]
struct Place {
    parker: Parker,
    /// Whether it was taken out of its queue to end the wait, not by a notification. Set before the thread is woken.
    interrupted: AtomicBool,
}

impl Place {
    /// How a wait has ended, of a thread that somebody has taken out of its queue.
    fn taken_out(&self) -> Woken {
        if self.interrupted.load(SeqCst) { Woken::Interrupted } else { Woken::Notified }
    }
}

/// The threads that wait in a memory.
#[derive(Debug, Default)]
pub struct Waiters {
    /// How many there are, at most. Changes under the lock.
    count: AtomicUsize,
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    /// The process whose threads these are: [`fork::process`].
    process: Option<u64>,
    /// By address, the places where threads sleep, in the order that they came in. None is empty.
    by_address: BTreeMap<u64, VecDeque<Arc<Place>>>,
    /// Whether no thread may sleep.
    interrupted: bool,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        let process = fork::process();
        let mut queues = self.queues.lock();
        if queues.process != process {
            // Places of threads that do not exist here.
            queues.by_address.clear();
            queues.process = process;
            self.count.store(0, SeqCst);
        }
        queues
    }

    /// Waits at an address, for as long as `timeout` says, unless `is_expected` finds that the value there is another.
    pub fn wait(&self, address: u64, timeout: Option<Duration>, is_expected: impl Fn() -> bool) -> Result<Woken> {
        if !is_expected() {
            return Ok(Woken::NotEqual);
        }
        os::reserve::check()?;
        let place = match self.queue_up(address, is_expected)? {
            Ok(place) => place,
            Err(woken) => return Ok(woken),
        };
        if place.parker.sleep(timeout) || !self.give_up(address, &place) {
            return Ok(place.taken_out());
        }
        Ok(Woken::TimedOut)
    }

    /// Adds a place to the queue of an address, unless the wait ends at once.
    fn queue_up(&self, address: u64, is_expected: impl Fn() -> bool) -> Result<Result<Arc<Place>, Woken>> {
        let mut queues = self.lock();
        // Before the value is read: see `notify`.
        self.count.fetch_add(1, SeqCst);
        let (place, interrupted) = (Arc::new(Place::default()), queues.interrupted);
        let queue = queues.by_address.entry(address).or_default();
        let has_room = queue.try_reserve(1).is_ok();
        let expected = is_expected();
        if has_room && expected && !interrupted {
            queue.push_back(place.clone());
            return Ok(Ok(place));
        }
        self.count.fetch_sub(1, SeqCst);
        if queue.is_empty() {
            queues.by_address.remove(&address);
        }
        match (expected, interrupted) {
            (false, _) => Ok(Err(Woken::NotEqual)),
            (true, true) => Ok(Err(Woken::Interrupted)),
            (true, false) => Err(Error::out_of_memory("out of memory for a thread that waits")),
        }
    }

    /// Takes a place out of its queue; false if somebody has done so already, and wakes its thread.
    fn give_up(&self, address: u64, place: &Arc<Place>) -> bool {
        let mut queues = self.lock();
        let Some(queue) = queues.by_address.get_mut(&address) else { return false };
        let Some(position) = queue.iter().position(|other| Arc::ptr_eq(other, place)) else { return false };
        queue.remove(position);
        self.count.fetch_sub(1, SeqCst);
        if queue.is_empty() {
            queues.by_address.remove(&address);
        }
        true
    }

    /// Wakes threads that wait at an address, those that came first, `most` of them at most; how many it woke.
    pub fn notify(&self, address: u64, most: u32) -> u32 {
        // A thread that is about to wait counts itself and then reads the value. This one, or its guest, has written the value before. So
        // if it does not find the other's count, the other finds its value and does not wait.
        fence(SeqCst);
        if self.count.load(SeqCst) == 0 || most == 0 {
            return 0;
        }
        let woken = self.take(address, most as usize);
        woken.iter().for_each(|place| place.parker.wake());
        woken.len() as u32
    }

    /// Takes the first places out of the queue of an address.
    fn take(&self, address: u64, most: usize) -> VecDeque<Arc<Place>> {
        let mut queues = self.lock();
        let Some(queue) = queues.by_address.get_mut(&address) else { return VecDeque::new() };
        let taken: VecDeque<_> = if most < queue.len() { queue.drain(..most).collect() } else { std::mem::take(queue) };
        if queue.is_empty() {
            queues.by_address.remove(&address);
        }
        self.count.fetch_sub(taken.len(), SeqCst);
        taken
    }

    /// Whether waits are interrupted: those that last, now, and from now on those that would, until this says no.
    pub fn set_interrupted(&self, interrupted: bool) {
        let mut queues = self.lock();
        queues.interrupted = interrupted;
        if !interrupted {
            return;
        }
        let taken = std::mem::take(&mut queues.by_address);
        for place in taken.values().flatten() {
            place.interrupted.store(true, SeqCst);
            self.count.fetch_sub(1, SeqCst);
        }
        drop(queues);
        taken.values().flatten().for_each(|place| place.parker.wake());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    const SOON: Option<Duration> = Some(Duration::from_millis(10));

    fn is_empty(waiters: &Waiters) -> bool {
        waiters.count.load(SeqCst) == 0 && waiters.lock().by_address.is_empty()
    }

    #[test]
    fn a_wait_ends_at_once_in_time_or_when_it_is_notified() {
        let waiters = Waiters::default();
        assert_eq!(waiters.wait(8, None, || false).unwrap(), Woken::NotEqual);
        assert_eq!(waiters.wait(8, SOON, || true).unwrap(), Woken::TimedOut);
        // The value changes between the two looks at it.
        let looks = AtomicU32::new(0);
        assert_eq!(waiters.wait(8, None, || looks.fetch_add(1, SeqCst) == 0).unwrap(), Woken::NotEqual);
        assert!(is_empty(&waiters) && waiters.notify(8, 1) == 0);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| waiters.wait(8, None, || true).unwrap());
            while waiters.notify(8, 1) == 0 {
                assert_eq!(waiters.notify(9, u32::MAX), 0);
                std::thread::yield_now();
            }
            assert_eq!(thread.join().unwrap(), Woken::Notified);
        });
        assert!(is_empty(&waiters));
    }

    #[test]
    fn those_are_woken_that_came_first() {
        let (waiters, order) = (Waiters::default(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for i in 0..4 {
                let (waiters, order) = (&waiters, &order);
                scope.spawn(move || {
                    assert_eq!(waiters.wait(8, None, || true).unwrap(), Woken::Notified);
                    order.lock().push(i);
                });
                while waiters.count.load(SeqCst) <= i {
                    std::thread::yield_now();
                }
            }
            assert_eq!((waiters.notify(8, 0), waiters.notify(8, 1)), (0, 1));
            while order.lock().is_empty() {
                std::thread::yield_now();
            }
            assert_eq!(*order.lock(), [0]);
            assert_eq!((waiters.notify(8, 2), waiters.notify(8, u32::MAX)), (2, 1));
        });
        assert_eq!(order.lock().len(), 4);
        assert!(is_empty(&waiters));
    }

    /// Either the notification finds the waiting thread, or the thread finds the value that was written before.
    #[test]
    fn no_wake_is_lost() {
        for _ in 0..2000 {
            let (waiters, value) = (Waiters::default(), AtomicU32::new(0));
            std::thread::scope(|scope| {
                scope.spawn(|| waiters.wait(0, None, || value.load(SeqCst) == 0).unwrap());
                value.store(1, SeqCst);
                waiters.notify(0, 1);
            });
            assert!(is_empty(&waiters));
        }
    }

    #[test]
    fn an_interruption_ends_all_waits_until_it_is_over() {
        let waiters = Waiters::default();
        std::thread::scope(|scope| {
            let threads: Vec<_> = [(8, None), (8, Some(Duration::MAX)), (16, None)]
                .map(|(address, timeout)| {
                    scope.spawn({
                        let waiters = &waiters;
                        move || waiters.wait(address, timeout, || true).unwrap()
                    })
                })
                .into_iter()
                .collect();
            while waiters.count.load(SeqCst) < 3 {
                std::thread::yield_now();
            }
            waiters.set_interrupted(true);
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Woken::Interrupted);
            }
        });
        assert!(is_empty(&waiters) && waiters.notify(8, 1) == 0);
        // From now on nobody sleeps; who would not have does as ever.
        assert_eq!(waiters.wait(8, None, || true).unwrap(), Woken::Interrupted);
        assert_eq!(waiters.wait(8, None, || false).unwrap(), Woken::NotEqual);
        let looks = AtomicU32::new(0);
        assert_eq!(waiters.wait(8, None, || looks.fetch_add(1, SeqCst) == 0).unwrap(), Woken::NotEqual);
        waiters.set_interrupted(false);
        assert_eq!(waiters.wait(8, SOON, || true).unwrap(), Woken::TimedOut);
        assert!(is_empty(&waiters));
    }

    #[test]
    fn a_child_does_not_find_the_threads_of_its_parent() {
        let waiters = Waiters::default();
        std::thread::scope(|scope| {
            scope.spawn(|| waiters.wait(0, None, || true).unwrap());
            while waiters.count.load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            // SAFETY: the child looks at the queues and exits.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let as_new = waiters.notify(0, 1) == 0 && waiters.wait(0, SOON, || true).unwrap() == Woken::TimedOut;
                // SAFETY: leaves at once.
                unsafe { libc::_exit(i32::from(!(as_new && is_empty(&waiters)))) };
            }
            let mut status = 0;
            // SAFETY: waits for the child.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
            assert_eq!(waiters.notify(0, 1), 1);
        });
    }
}
