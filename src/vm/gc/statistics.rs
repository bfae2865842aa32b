//! How many collections there were, and how long they took.

use crate::types::{Error, ErrorKind, Result};
use crate::vm::store::Store;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// What a store's collector has done.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Collections of what was new.
    pub young: Cell<u64>,
    /// Collections of everything.
    pub full: Cell<u64>,
    /// How often and how long the store's code waited for the collector.
    pub pauses: Cell<u64>,
    pub total: Cell<Duration>,
    pub longest: Cell<Duration>,
}

/// The store's code waits as long as this lives.
pub struct Pause<'a> {
    statistics: &'a Statistics,
    begin: Instant,
}

impl<'a> Pause<'a> {
    pub fn begin(statistics: &'a Statistics) -> Pause<'a> {
        Pause { statistics, begin: Instant::now() }
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let (all, length) = (self.statistics, self.begin.elapsed());
        all.pauses.set(all.pauses.get() + 1);
        all.total.set(all.total.get() + length);
        all.longest.set(all.longest.get().max(length));
    }
}

/// What a store's heap holds and what its collector has done, as `libwasm_heap_statistics_t` has it.
#[derive(Copy, Clone, Debug, Default)]
pub struct HeapStatistics {
    pub limit: u64,
    pub size: u64,
    pub live: u64,
    pub allocated: u64,
    pub full_collections: u64,
    pub young_collections: u64,
    pub pauses: u64,
    pub pause_time: Duration,
    pub longest_pause: Duration,
}

impl Store {
    /// Collects everything, and frees what is dead. The store is entered.
    pub fn collect_now(&self) -> Result<()> {
        if self.pacing.collecting() {
            return Err(Error::new(ErrorKind::Busy, "a collection is going on"));
        }
        self.collect();
        Ok(())
    }

    /// Limits the blocks of the heap to so many bytes.
    pub fn limit_heap(&self, bytes: usize) {
        self.heap.borrow_mut().limit_to(bytes);
    }

    pub fn heap_statistics(&self) -> HeapStatistics {
        let heap = self.heap.borrow();
        let (space, all) = (heap.space(), &self.statistics);
        HeapStatistics {
            limit: heap.capacity() as u64,
            size: space.used() as u64,
            live: space.live() as u64,
            allocated: space.total_allocated(),
            full_collections: all.full.get(),
            young_collections: all.young.get(),
            pauses: all.pauses.get(),
            pause_time: all.total.get(),
            longest_pause: all.longest.get(),
        }
    }
}
