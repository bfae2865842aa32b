//! Work on many items, on several threads where it pays.
//!
//! Threads are started for one piece of work and end with it: there is no pool a fork could break, and none is started
//! for small work. Where no thread can be had, the caller's does it all. The outcome never depends on the threads: of
//! several failures it is that of the first item, and a panic is a failure of the item it happened in.

use crate::os::reserve;
use crate::types::*;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;

/// Work of this size or less, in bytes of WebAssembly, is done by the calling thread alone.
const SMALL_WORK: usize = 64 << 10;
/// The least work for which another thread is started.
const WORK_PER_THREAD: usize = 32 << 10;
/// The stack of a started thread.
const STACK_SIZE: usize = 8 << 20;
/// The least stack that compiling is sure to get along with: how deep Cranelift goes depends on the function.
const LEAST_STACK: usize = 1 << 20;

/// Does `work`, which may compile, on a thread of its own if `stack_left`, what is left of the caller's stack, may be too
/// little for it. A panic goes on in the caller.
pub fn with_stack<R: Send>(stack_left: usize, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    if stack_left >= LEAST_STACK {
        return work();
    }
    reserve::check_for(STACK_SIZE)?;
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| {
            let message = format!("no thread to compile on, where the caller's stack is too small: {error}");
            Error::out_of_memory(message)
        })?;
        thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Calls `work` for each item, 0 up to the number of `sizes`, and returns the results in that order.
///
/// `sizes` tells how much work each item is; the largest are done first. `S` is what a thread reuses from item to item.
pub fn map<S: Default, R: Send>(sizes: &[usize], work: impl Fn(usize, &mut S) -> Result<R> + Sync) -> Result<Vec<R>> {
    map_on(threads_for(sizes.iter().sum()), sizes, work)
}

/// On how many threads work of a total size is done.
pub fn threads_for(total: usize) -> usize {
    if total <= SMALL_WORK {
        return 1;
    }
    thread::available_parallelism().map_or(1, usize::from).min(total / WORK_PER_THREAD)
}

fn map_on<S: Default, R: Send>(
    threads: usize,
    sizes: &[usize],
    work: impl Fn(usize, &mut S) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    if threads > 1 {
        order.sort_by_key(|&item| std::cmp::Reverse(sizes[item]));
    }
    let queue = Queue { order, next: AtomicUsize::new(0), first_failure: AtomicUsize::new(usize::MAX) };
    // The C library ends the process where a thread that has just started finds no memory.
    let helpers = (1..threads).take_while(|count| reserve::check_for(STACK_SIZE * count).is_ok()).count();
    if helpers == 0 {
        return collect(sizes.len(), vec![queue.run(&work)]);
    }
    let (caller, ready) = (thread::current(), AtomicUsize::new(0));
    let start_up_and_run = || {
        ready.fetch_add(1, Release);
        caller.unpark();
        queue.run(&work)
    };
    let outcomes = thread::scope(|scope| {
        let start = |_| thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, start_up_and_run).ok();
        // Stop asking for threads when one is refused.
        let started: Vec<_> = (0..helpers).map_while(start).collect();
        // Until they have what they need nobody takes memory away from them.
        while ready.load(Acquire) < started.len() {
            thread::park();
        }
        let mut outcomes = vec![queue.run(&work)];
        for thread in started {
            outcomes.push(thread.join().unwrap_or_else(|panic| Outcome::failed(0, panicked(0, &*panic))));
        }
        outcomes
    });
    collect(sizes.len(), outcomes)
}

/// The items, and how far they are done.
struct Queue {
    order: Vec<usize>,
    /// The position in `order` that is next.
    next: AtomicUsize,
    /// The lowest item known to fail: items after it need not be done.
    first_failure: AtomicUsize,
}

/// What one thread has done.
struct Outcome<R> {
    done: Vec<(usize, R)>,
    failures: Vec<(usize, Error)>,
}

impl<R> Outcome<R> {
    fn failed(item: usize, error: Error) -> Outcome<R> {
        Outcome { done: Vec::new(), failures: vec![(item, error)] }
    }
}

impl Queue {
    fn run<S: Default, R>(&self, work: &impl Fn(usize, &mut S) -> Result<R>) -> Outcome<R> {
        let mut outcome = Outcome { done: Vec::new(), failures: Vec::new() };
        let mut scratch = S::default();
        while let Some(&item) = self.order.get(self.next.fetch_add(1, Relaxed)) {
            if item > self.first_failure.load(Relaxed) {
                continue;
            }
            let result = panic::catch_unwind(AssertUnwindSafe(|| work(item, &mut scratch))).unwrap_or_else(|panic| {
                // A panic may have left anything in it.
                scratch = S::default();
                Err(panicked(item, &*panic))
            });
            match result {
                Ok(result) => outcome.done.push((item, result)),
                Err(error) => {
                    self.first_failure.fetch_min(item, Relaxed);
                    outcome.failures.push((item, error));
                }
            }
        }
        outcome
    }
}

fn collect<R>(len: usize, outcomes: Vec<Outcome<R>>) -> Result<Vec<R>> {
    let mut results: Vec<Option<R>> = Vec::with_capacity(len);
    results.resize_with(len, || None);
    let mut failures = Vec::new();
    for outcome in outcomes {
        failures.extend(outcome.failures);
        for (item, result) in outcome.done {
            results[item] = Some(result);
        }
    }
    if let Some((_, error)) = failures.into_iter().min_by_key(|&(item, _)| item) {
        return Err(error);
    }
    let missing = || Error::new(ErrorKind::Internal, "an item of parallel work was lost");
    results.into_iter().collect::<Option<_>>().ok_or_else(missing)
}

#[cold]
fn panicked(item: usize, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    Error::new(ErrorKind::Internal, format!("panic in function {item}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes() -> Vec<usize> {
        (0..500).map(|item| item * 7919 % 1000).collect()
    }

    #[test]
    fn small_stacks_are_avoided() {
        let here = thread::current().id();
        let thread = |left| with_stack(left, || Ok(thread::current().id())).unwrap();
        assert_eq!(thread(LEAST_STACK), here);
        assert_ne!(thread(LEAST_STACK - 1), here);
        assert_eq!(with_stack(0, || Err::<(), _>(Error::limit("no"))).unwrap_err().message(), "no");
        assert!(panic::catch_unwind(|| with_stack(0, || -> Result<()> { panic!("oh dear") })).is_err());
    }

    #[test]
    fn results_come_in_order() {
        for threads in [1, 2, 7] {
            let results = map_on(threads, &sizes(), |item, count: &mut usize| {
                *count += 1;
                Ok(item * 2)
            });
            assert_eq!(results.unwrap(), (0..500).map(|item| item * 2).collect::<Vec<_>>());
        }
        assert!(map(&[], |_, _: &mut ()| Ok(())).unwrap().is_empty());
        assert_eq!(map(&sizes(), |item, _: &mut ()| Ok(item)).unwrap().len(), 500);
    }

    #[test]
    fn the_first_failure_is_reported() {
        for threads in [1, 4] {
            for _ in 0..20 {
                let result = map_on(threads, &sizes(), |item, _: &mut ()| match item {
                    123 | 124 | 400 => Err(Error::limit(format!("{item}"))),
                    item => Ok(item),
                });
                assert_eq!(result.unwrap_err().message(), "123");
            }
        }
    }

    #[test]
    fn panics_are_errors() {
        for threads in [1, 4] {
            let result =
                map_on(threads, &sizes(), |item, _: &mut ()| if item == 9 { panic!("oh {item}") } else { Ok(()) });
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Internal, "panic in function 9: oh 9"));
        }
    }
}
