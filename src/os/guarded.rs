//! Which parts of the address space belong to guarded memories: asked by the signal handler, so it takes no lock.
//!
//! The address space is counted in blocks of 4 GiB. A guarded memory is at least as large as a block, so at most three
//! touch one. The answer is coarse, on purpose: it is asked only about faults at instructions that the compiler
//! marked as memory accesses, and it tells those that hit a guard from those that went astray altogether.

use std::sync::atomic::{AtomicU8, Ordering};

const BLOCK_BITS: u32 = 32;
/// User addresses have 47 bits, unless a mapping asks for more; ours do not.
const BLOCKS: usize = 1 << (47 - BLOCK_BITS);

/// The smallest range to register.
pub const SMALLEST: usize = 1 << BLOCK_BITS;

static RANGES_IN_BLOCK: [AtomicU8; BLOCKS] = [const { AtomicU8::new(0) }; BLOCKS];

/// A registered range; dropping it takes it back.
#[derive(Debug)]
pub struct GuardedRange {
    start: usize,
    length: usize,
}

impl GuardedRange {
    /// `None` if the range is smaller than [`SMALLEST`] or beyond the addresses we know.
    pub fn register(start: usize, length: usize) -> Option<GuardedRange> {
        let end = start.checked_add(length)?;
        if length < SMALLEST || (end - 1) >> BLOCK_BITS >= BLOCKS {
            return None;
        }
        let range = GuardedRange { start, length };
        for block in range.blocks() {
            block.fetch_add(1, Ordering::Relaxed);
        }
        Some(range)
    }

    fn blocks(&self) -> &'static [AtomicU8] {
        let last = (self.start + self.length - 1) >> BLOCK_BITS;
        &RANGES_IN_BLOCK[self.start >> BLOCK_BITS..=last]
    }
}

impl Drop for GuardedRange {
    fn drop(&mut self) {
        for block in self.blocks() {
            block.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Whether `address` lies in a block that a guarded memory touches. Safe to call in a signal handler.
pub fn may_be_guarded(address: usize) -> bool {
    // A thread that faults in a memory has registered it itself, or was handed it with its store: it sees the count.
    RANGES_IN_BLOCK.get(address >> BLOCK_BITS).is_some_and(|ranges| ranges.load(Ordering::Relaxed) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_overlaps() {
        // Addresses that no mapping has here: the last blocks, where the stack and libraries end, are left alone.
        let start = 0x100 << BLOCK_BITS;
        let first = GuardedRange::register(start, SMALLEST + 4096).unwrap();
        assert!(may_be_guarded(start) && may_be_guarded(start + SMALLEST) && !may_be_guarded(start - 1));
        assert!(!may_be_guarded(start + 2 * SMALLEST));
        let second = GuardedRange::register(start + SMALLEST + 4096, SMALLEST).unwrap();
        drop(first);
        assert!(!may_be_guarded(start) && may_be_guarded(start + SMALLEST));
        drop(second);
        assert!(!may_be_guarded(start + SMALLEST));
        assert!(!may_be_guarded(usize::MAX));
        assert!(GuardedRange::register(start, 4096).is_none());
        assert!(GuardedRange::register(1 << 50, SMALLEST).is_none());
    }
}
