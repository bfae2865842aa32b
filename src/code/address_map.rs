//! Which [`Arena`] an address belongs to, for the whole process, asked by signal handlers and stack walkers.
//!
//! [`lookup`] takes no lock, allocates nothing and touches no thread-local storage, so it may run anywhere, in a
//! signal handler that interrupted a registration too. Readers see a sorted *snapshot* of all registrations through one
//! atomic pointer. To register is to publish a new snapshot; to unregister is to clear an entry of the current one, which
//! needs no memory and so cannot fail. Cleared entries vanish with the next registration.
//!
//! # Why nothing is freed under a reader
//!
//! A reader adds one to a counter (either of two), *then* loads the snapshot pointer and entries, and subtracts one when
//! it is done with what it found. A writer replaces the pointer or clears the entry, *then* waits until it has seen each
//! of both counters at zero, and only then frees the old snapshot, or returns to `Arena::drop` which frees the code. All of
//! these are sequentially consistent operations, so they have one total order. If a reader's load came before the writer's
//! store, the reader's addition came before it too, so each time the writer reads that counter afterwards, the reader is
//! counted until it has finished: the writer waits for it. If the load came after the store, the reader
//! saw the new state and holds nothing of the old one. The subtraction releases and the writer's read acquires, so the
//! reader's accesses happen before what is freed afterwards.
//!
//! Two counters instead of one let a writer get through a crowd: new readers use the counter that `SIDE` says, the writer
//! waits for the other to be zero, switches `SIDE`, and waits for the first, which only drains from then on.
//!
//! # Fork
//!
//! A fork waits until no writer is at work, as for every lock of the library. Readers that other threads had in the parent don't exist in
//! the child, where the counters start again from zero.

use crate::code::arena::Arena;
use crate::os::fork_gate::{back_off, on_fork_in_child};
use crate::os::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::os::sync::atomic::{AtomicPtr, AtomicUsize};
use crate::os::sync::{Mutex, shared_statics};
use crate::types::*;
use std::ptr;

struct Entry {
    start: usize,
    end: usize,
    /// Null once the arena is unregistered.
    arena: AtomicPtr<Arena>,
}

/// All registrations, by ascending address.
struct Snapshot {
    entries: Vec<Entry>,
}

shared_statics! {
    /// The current snapshot, owned by this static; null if there never was a registration. Replaced only under [`WRITER`].
    static SNAPSHOT: AtomicPtr<Snapshot> = AtomicPtr::new(ptr::null_mut());
    /// How many readers are in [`lookup`], by the side they saw when they came.
    static READERS: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    /// Which of [`READERS`] new readers use.
    static SIDE: AtomicUsize = AtomicUsize::new(0);
    /// Held by the one writer.
    static WRITER: Mutex<()> = Mutex::new(());
}

/// Calls `f` with the arena that `pc` lies in, if there is one. Every return address lies in its text.
///
/// Async-signal-safe if `f` is. `f` must not make or drop an arena, nor fork.
pub fn lookup<R>(pc: usize, f: impl FnOnce(&Arena) -> R) -> Option<R> {
    Reader::enter().lookup(pc, f)
}

/// A counted reader: for several look-ups in turn. While there is one, its thread must not make or drop an arena, nor fork.
pub struct Reader(&'static AtomicUsize);

impl Reader {
    pub fn enter() -> Reader {
        let readers = &READERS[SIDE.load(SeqCst)];
        readers.fetch_add(1, SeqCst);
        Reader(readers)
    }

    /// As [`lookup`].
    pub fn lookup<R>(&self, pc: usize, f: impl FnOnce(&Arena) -> R) -> Option<R> {
        // SAFETY: the pointer is null or was published by `register`, and is not freed while the reader is counted.
        let snapshot = unsafe { SNAPSHOT.load(SeqCst).as_ref() }?;
        let index = snapshot.entries.partition_point(|entry| entry.start <= pc).checked_sub(1)?;
        let entry = &snapshot.entries[index];
        if pc >= entry.end {
            return None;
        }
        // SAFETY: the pointer is null, or that of an `Arena` whose `drop` waits in `unregister` while the reader is counted.
        let arena = unsafe { entry.arena.load(SeqCst).as_ref() }?;
        Some(f(arena))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Makes `arena` known by its addresses until [`unregister`].
pub(super) fn register(arena: &Arena) -> Result<()> {
    #[cfg(test)]
    tests::REGISTERED.set(tests::REGISTERED.get() + 1);
    let range = arena.range();
    if range.is_empty() {
        return Ok(());
    }
    on_fork_in_child(forget_readers);
    let _writer = WRITER.lock();
    // SAFETY: as only the writer replaces it, the current snapshot stays while we are the writer.
    let current = unsafe { SNAPSHOT.load(SeqCst).as_ref() };
    let current = current.map_or(&[][..], |snapshot| &snapshot.entries);
    let mut entries = Vec::new();
    entries
        .try_reserve_exact(current.len() + 1)
        .map_err(|_| Error::out_of_memory("no memory to register compiled code"))?;
    let live = |entry: &&Entry| !entry.arena.load(Relaxed).is_null();
    let copy =
        |entry: &Entry| Entry { start: entry.start, end: entry.end, arena: AtomicPtr::new(entry.arena.load(Relaxed)) };
    let (before, after) = current.split_at(current.partition_point(|entry| entry.start < range.start));
    entries.extend(before.iter().filter(live).map(copy));
    entries.push(Entry { start: range.start, end: range.end, arena: AtomicPtr::new(ptr::from_ref(arena).cast_mut()) });
    entries.extend(after.iter().filter(live).map(copy));
    let old = SNAPSHOT.swap(Box::into_raw(Box::new(Snapshot { entries })), SeqCst);
    if !old.is_null() {
        wait_for_readers();
        // SAFETY: `old` came from `Box::into_raw` above, is no longer published, and no reader has it any more.
        drop(unsafe { Box::from_raw(old) });
    }
    Ok(())
}

/// Removes `arena`, if it was registered, and waits until no [`lookup`] uses it.
pub(super) fn unregister(arena: &Arena) {
    let start = arena.range().start;
    let _writer = WRITER.lock();
    // SAFETY: as only the writer replaces it, the current snapshot stays while we are the writer.
    let Some(snapshot) = (unsafe { SNAPSHOT.load(SeqCst).as_ref() }) else { return };
    let Ok(index) = snapshot.entries.binary_search_by_key(&start, |entry| entry.start) else { return };
    let entry = &snapshot.entries[index];
    if ptr::eq(entry.arena.load(Relaxed), arena) {
        entry.arena.store(ptr::null_mut(), SeqCst);
        wait_for_readers();
    }
}

/// Runs in the child of a fork, where the readers of other threads are no more.
fn forget_readers() {
    READERS.iter().for_each(|readers| readers.store(0, SeqCst));
}

/// Waits until every reader that may have seen what was there before has left. Only for the writer.
fn wait_for_readers() {
    let drain = |side: usize| {
        let mut rounds = 0;
        while READERS[side].load(SeqCst) != 0 {
            back_off(&mut rounds);
        }
    };
    let side = SIDE.load(SeqCst);
    drain(1 - side);
    SIDE.store(1 - side, SeqCst);
    drain(side);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::code::entries::Code;
    use crate::code::object::CodeObject;
    use crate::code::object::tests::func;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    thread_local! {
        /// How often this thread has registered an arena.
        pub(in crate::code) static REGISTERED: Cell<usize> = const { Cell::new(0) };
    }

    fn publish() -> Arc<Arena> {
        Code::of_object(&CodeObject::link(vec![func(20)], 0).unwrap()).unwrap().arena().clone()
    }

    fn find(pc: usize) -> Option<usize> {
        lookup(pc, |code| code.range().start)
    }

    #[test]
    fn finds_code_while_it_lives() {
        let codes: Vec<_> = (0..20).map(|_| publish()).collect();
        for code in &codes {
            let range = code.range();
            assert_eq!(find(range.start), Some(range.start));
            assert_eq!(find(range.end - 1), Some(range.start));
            assert_eq!(find(range.end), None);
        }
        assert_eq!((find(0), find(usize::MAX), find(find as fn(usize) -> _ as usize)), (None, None, None));
        let starts: Vec<_> = codes.iter().map(|code| code.range().start).collect();
        let kept = codes.into_iter().enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, code)| code);
        let kept: Vec<_> = kept.collect();
        for (index, &start) in starts.iter().enumerate() {
            // Another test may have taken the address of what was dropped.
            if index % 2 == 0 {
                assert_eq!(find(start + 1), Some(start));
            }
        }
        drop(kept);
    }

    #[test]
    fn writers_and_readers_at_once() {
        let until = Instant::now() + Duration::from_millis(300);
        let stable = publish();
        let pc = stable.range().start + 4;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while Instant::now() < until {
                        let code = publish();
                        let start = code.range().start;
                        assert_eq!(lookup(start, |found| ptr::eq(found, &*code)), Some(true));
                    }
                });
                scope.spawn(|| {
                    while Instant::now() < until {
                        assert_eq!(lookup(pc, |code| code.trap_at(pc)), Some(Some(TrapCode::Unreachable)));
                        // Whatever lies around must never be a code that is gone.
                        for page in 1..64 {
                            lookup(pc + page * 4096, |code| assert!(code.tables().num_funcs() < 1 << 20));
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn ten_thousand_codes() {
        let begin = Instant::now();
        let codes: Vec<_> = (0..10_000).map(|_| publish()).collect();
        for code in &codes {
            assert_eq!(find(code.range().start), Some(code.range().start));
        }
        drop(codes);
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    }

    #[test]
    fn works_in_a_forked_child() {
        let code = publish();
        // SAFETY: the child only uses what is meant to work there, and leaves with `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let fine = find(code.range().start).is_some() && find(publish().range().start).is_some();
            // SAFETY: leaves without running anything of the parent's.
            unsafe { libc::_exit(if fine { 0 } else { 1 }) };
        }
        let mut status = -1;
        // SAFETY: `status` can be written.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
    }
}
