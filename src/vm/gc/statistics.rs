//! How many collections there were, and how long they took.

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
