//! When the heap is collected, and how much at a time.
//!
//! A young collection takes place whenever some [`NURSERY`] bytes were allocated, so that what it has to mark is little. When those that
//! survived have made the heap twice as large as it was after everything was last collected, marking from scratch begins. It goes on a little
//! at a time, in proportion to what is allocated meanwhile; the write barrier notes which objects are written to that were read
//! already, and the roots are read again when nothing else is left (an incremental-update collector: Steele, "Multiprocessing
//! Compactifying Garbage Collection", 1975; Dijkstra, Lamport, Martin, Scholten and Steffens, "On-the-Fly Garbage Collection", 1978).
//! There are no young collections until it is done.

use super::statistics::{HeapStatistics, Pause};
use super::tracing::Tracing;
use crate::types::{Error, ErrorKind, Result};
use crate::vm::store::Store;

/// So many bytes are allocated between young collections at least: all of them may have to be marked, which takes a few milliseconds. The
/// more objects there are, the longer each takes in any case, so that there are fewer of them.
const NURSERY: usize = 3 << 20;
const LARGEST_NURSERY: usize = 4 << 20;
/// Nothing is marked from scratch in a heap with fewer bytes in use, unless something else is a reason to.
const SMALLEST_HEAP: usize = 8 << 20;
/// When so many times what it has, and some, was allocated, it is done in any case: objects of the host wait to be freed.
const SEVERAL: usize = 16;
/// While marking from scratch goes on, it takes place whenever so many bytes were allocated.
const SLICE: usize = 128 << 10;
/// So many things are looked at then: objects and references, of which as many as that are in about four times as many bytes.
const SLICE_WORK: usize = 48 << 10;
/// Marking from scratch may end at once if fewer bytes were allocated since the roots were read.
const LITTLE: usize = 1 << 20;
/// It ends after the roots were read so often, however much was allocated since.
const MOST_SCANS: u32 = 8;

impl Store {
    /// Collects if that is due before more objects are allocated. No reference may be in a local of Rust.
    pub(in crate::vm) fn collect_heap_if_due(&self) {
        if self.pacing.collecting() {
            return;
        }
        #[cfg(feature = "stress")]
        self.collect_in_turn();
        #[cfg(not(feature = "stress"))]
        self.collect_heap_in_time();
    }

    #[cfg_attr(feature = "stress", expect(dead_code, reason = "collections take turns instead"))]
    fn collect_heap_in_time(&self) {
        let (allocated, live) = {
            let heap = self.gc.heap.borrow();
            (heap.space().allocated(), heap.space().live())
        };
        if self.is_marking() {
            if allocated.saturating_sub(self.gc.pacing.at_slice.get()) >= SLICE {
                self.mark_more(SLICE_WORK);
            }
        } else if allocated >= (live / 64).clamp(NURSERY, LARGEST_NURSERY) {
            self.collect_young();
            if self.wants_full_collection() {
                self.begin_marking();
            }
        }
    }

    /// Every kind of collection in turn.
    #[cfg(feature = "stress")]
    fn collect_in_turn(&self) {
        let turn = self.gc.pacing.turn.get();
        self.gc.pacing.turn.set(turn.wrapping_add(1));
        match turn % 16 {
            0 => self.find_dead(),
            8 => self.begin_marking(),
            _ if self.is_marking() => self.mark_more(4),
            _ => self.collect_young(),
        }
    }

    /// Collects before `count` boxes are made. Little is to be marked where there are few structures and arrays; else what is new
    /// is looked at first.
    pub(in crate::vm) fn collect_for_boxes(&self) {
        let small = self.gc.heap.borrow().space().live() < SMALLEST_HEAP;
        if small || self.is_marking() || cfg!(feature = "stress") {
            return self.find_dead();
        }
        self.collect_young();
        if self.gc.heap.borrow().wants_collection_of_boxes() {
            self.find_dead();
        }
    }

    /// Collects everything, where an allocation has failed. Whether another attempt is worth it: not if the heap is full to the last part,
    /// since it would be collected for each object.
    pub(in crate::vm) fn collect_for_room(&self) -> bool {
        if self.pacing.collecting() {
            return false;
        }
        self.find_dead();
        let heap = self.gc.heap.borrow();
        heap.capacity().saturating_sub(heap.space().live()) >= heap.capacity() / 64
    }

    /// Whether it is time to mark from scratch.
    fn wants_full_collection(&self) -> bool {
        let (live, total) = (self.gc.pacing.live.get(), self.gc.pacing.total.get());
        let heap = self.gc.heap.borrow();
        let space = heap.space();
        // Where the heap may not become much larger, it is collected earlier.
        let twice = (2 * live).min((live + live / 4).max(heap.capacity() / 2)).max(SMALLEST_HEAP);
        space.live() >= twice || space.total_allocated() - total >= (SEVERAL * (live + LARGEST_NURSERY)) as u64
    }

    /// Whether marking from scratch goes on.
    fn is_marking(&self) -> bool {
        self.gc.marking.borrow().is_some()
    }

    fn begin_marking(&self) {
        let pause = Pause::begin(&self.gc.statistics);
        self.start_marking();
        self.gc.pacing.scans.set(0);
        self.scan(Tracing::default());
        drop(pause);
    }

    /// Reads the roots, and leaves what they lead to to be marked.
    fn scan(&self, mut tracing: Tracing) {
        tracing.take_written(&mut self.gc.heap.borrow_mut());
        let tracing = self.mark_from_roots(tracing);
        let allocated = self.gc.heap.borrow().space().allocated();
        let pacing = &self.gc.pacing;
        pacing.at_slice.set(allocated);
        pacing.at_scan.set(allocated);
        pacing.scans.set(pacing.scans.get() + 1);
        self.gc.marking.replace(Some(tracing));
    }

    /// Goes on to mark from scratch, and collects when that is done.
    fn mark_more(&self, work: usize) {
        let Some(mut tracing) = self.gc.marking.take() else { return };
        let pause = Pause::begin(&self.gc.statistics);
        let left = self.with_parts(|parts| tracing.run(parts, work));
        let allocated = self.gc.heap.borrow().space().allocated();
        let pacing = &self.gc.pacing;
        pacing.at_slice.set(allocated);
        if left == 0 {
            self.gc.marking.replace(Some(tracing));
        } else if allocated - pacing.at_scan.get() > LITTLE && pacing.scans.get() < MOST_SCANS {
            self.scan(tracing);
        } else {
            self.finish_marking(tracing);
        }
        drop(pause);
    }

    /// Notes that everything was collected.
    pub(super) fn note_full_collection(&self) {
        let mut heap = self.gc.heap.borrow_mut();
        heap.release_memory();
        self.gc.pacing.live.set(heap.space().live());
        self.gc.pacing.total.set(heap.space().total_allocated());
        self.gc.statistics.full.set(self.gc.statistics.full.get() + 1);
    }
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
        self.gc.heap.borrow_mut().limit_to(bytes);
    }

    pub fn heap_statistics(&self) -> HeapStatistics {
        let heap = self.gc.heap.borrow();
        let (space, all) = (heap.space(), &self.gc.statistics);
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
