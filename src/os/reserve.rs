//! The allocator of the library's own objects: the C library's, with a reserve for when that has no memory left.
//!
//! Most of Rust's collections end the process if an allocation fails, and so do those that the code generator works with. So an operation
//! that is under way when memory runs out finishes on the reserve, and whoever begins one that needs memory asks first ([`check`],
//! [`check_for`], [`check_on_the_way`]) and fails with [`ErrorKind::OutOfMemory`](crate::types::ErrorKind). What others choose the size
//! of is asked for with `try_reserve` all the same: larger allocations than a chunk do not come from here.
//!
//! The reserve lies in zeroed static memory, which the system provides when it is first touched. It is used without locks, since
//! a fork may happen at any time: each chunk counts its live blocks, hands out what lies behind the last one, takes that one back
//! when it goes first, and is empty again when the last block goes.

use crate::os::map;
use crate::types::{Error, Result};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};

const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 16;

#[repr(C, align(4096))]
struct Memory(UnsafeCell<[[u8; CHUNK]; CHUNKS]>);

// SAFETY: it is only reached through pointers, each to a block that one owner has.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new([[0; CHUNK]; CHUNKS]));

/// For each chunk: how many bytes from its start on are taken (low half), and how many blocks live (high half).
static CHUNK_STATES: [AtomicU64; CHUNKS] = [const { AtomicU64::new(0) }; CHUNKS];

/// How many blocks of all chunks live: 0 is the one number that is looked at often.
static LIVE_BLOCKS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

/// An error if memory has run out, so that most of the reserve is in use. For whoever is about to make something that stays.
///
/// What was made while memory was out may stay in the reserve for good: then it is enough that the system has memory again.
#[inline]
pub fn check() -> Result<()> {
    if LIVE_BLOCKS.load(Relaxed) == 0 { Ok(()) } else { check_chunks() }
}

#[cold]
fn check_chunks() -> Result<()> {
    const HALF: usize = CHUNK * CHUNKS / 2;
    let used: u64 = CHUNK_STATES.iter().map(|state| state.load(Relaxed) & 0xffff_ffff).sum();
    if used as usize <= HALF || map::is_available(HALF) {
        return Ok(());
    }
    Err(Error::out_of_memory("out of memory"))
}

/// An error if memory has run out, or the system would not give `bytes` now. For whoever is about to do work that needs so much.
pub fn check_for(bytes: usize) -> Result<()> {
    check()?;
    let no_memory = || Error::out_of_memory(format!("out of memory: {bytes} bytes are needed"));
    map::is_available(bytes).then_some(()).ok_or_else(no_memory)
}

/// As [`check_for`], in the middle of work that was checked for at its start: asks the system only if memory has run out since.
pub fn check_on_the_way(bytes: usize) -> Result<()> {
    if LIVE_BLOCKS.load(Relaxed) == 0 { Ok(()) } else { check_for(bytes) }
}

/// A block of the reserve; null if there is none.
#[cold]
fn take(layout: Layout) -> *mut u8 {
    // The memory is aligned to pages, and so is each chunk.
    if layout.align() > 4096 {
        return null_mut();
    }
    for (chunk, state) in CHUNK_STATES.iter().enumerate() {
        let mut start = 0;
        let placed = state.fetch_update(AcqRel, Acquire, |state| {
            start = (state as u32 as usize).checked_next_multiple_of(layout.align())?;
            let end = start.checked_add(layout.size()).filter(|&end| end <= CHUNK)?;
            Some(((state >> 32) + 1) << 32 | end as u64)
        });
        if placed.is_ok() {
            LIVE_BLOCKS.fetch_add(1, Relaxed);
            return MEMORY.0.get().cast::<u8>().wrapping_add(chunk * CHUNK + start);
        }
    }
    null_mut()
}

/// The chunk that a block lies in, if it is of the reserve.
fn chunk_of(block: *mut u8) -> Option<usize> {
    let offset = block.addr().wrapping_sub(MEMORY.0.get().addr());
    (offset < CHUNK * CHUNKS).then_some(offset / CHUNK)
}

#[cold]
fn give_back(chunk: usize, block: *mut u8, size: usize) {
    let start = block.addr() - MEMORY.0.get().addr() - chunk * CHUNK;
    let one_less = |state: u64| {
        let (blocks, end) = (state >> 32, state as u32 as usize);
        // Behind the last block nothing is taken, so nobody else knows the bytes that come back.
        let end = if start + size == end { start } else { end };
        Some(if blocks == 1 { 0 } else { (blocks - 1) << 32 | end as u64 })
    };
    let updated = CHUNK_STATES[chunk].fetch_update(AcqRel, Acquire, one_less);
    debug_assert!(updated.is_ok_and(|state| state >> 32 > 0));
    LIVE_BLOCKS.fetch_sub(1, Relaxed);
}

// SAFETY: blocks are the system's or the reserve's, which hands out no byte twice while a block of its chunk lives.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller states.
        let block = unsafe { System.alloc(layout) };
        if block.is_null() { take(layout) } else { block }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller states.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            return block;
        }
        let block = take(layout);
        if !block.is_null() {
            // SAFETY: a block of this size, which nobody else knows.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match chunk_of(block) {
            Some(chunk) => give_back(chunk, block, layout.size()),
            // SAFETY: as the caller states; it is the system's.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if chunk_of(block).is_none() {
            // SAFETY: as the caller states; it is the system's.
            let moved = unsafe { System.realloc(block, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the caller gives a size that is valid with this alignment.
        let grown = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the size is not zero, as the caller states.
        let moved = unsafe { self.alloc(grown) };
        if !moved.is_null() {
            // SAFETY: both blocks have so many bytes, and the new one is nobody else's.
            unsafe { moved.copy_from_nonoverlapping(block, size.min(layout.size())) };
            // SAFETY: a block of this allocator, as the caller states.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Other tests do not run out of memory, so that the reserve is this test's.
    #[test]
    fn blocks_are_apart_and_chunks_come_back() {
        let sizes = [1, 7, 64, 4096, CHUNK - 8192, CHUNK, 100];
        for _ in 0..3 {
            let blocks: Vec<_> = sizes.iter().map(|&size| (take(layout(size, 16)), size)).collect();
            for (i, &(block, size)) in blocks.iter().enumerate() {
                assert!(!block.is_null() && block.addr() % 16 == 0);
                // SAFETY: the test's own block.
                unsafe { block.write_bytes(i as u8, size) };
            }
            for (i, &(block, size)) in blocks.iter().enumerate() {
                // SAFETY: the test's own block, written above.
                let bytes = unsafe { std::slice::from_raw_parts(block, size) };
                assert!(bytes.iter().all(|&byte| byte == i as u8));
            }
            blocks.iter().for_each(|&(block, size)| give_back(chunk_of(block).unwrap(), block, size));
            assert!(CHUNK_STATES.iter().all(|state| state.load(Relaxed) == 0));
        }
        assert!(take(layout(CHUNK + 1, 1)).is_null() && take(layout(1, 8192)).is_null());
        assert_eq!(chunk_of(Box::into_raw(Box::new(1u8))), None);

        let all: Vec<_> = (0..CHUNKS).map(|_| take(layout(CHUNK, 1))).collect();
        assert!(all.iter().all(|block| !block.is_null()) && take(layout(1, 1)).is_null());
        // The system has memory, which is enough.
        assert!(check().is_ok() && check_for(1).is_ok() && check_on_the_way(1 << 60).is_err());
        all.iter().for_each(|&block| give_back(chunk_of(block).unwrap(), block, CHUNK));
        assert!(check().is_ok() && check_for(1 << 20).is_ok() && check_for(1 << 60).is_err());
        the_last_block_comes_back_at_once();
        a_block_grows_out_of_the_reserve();
    }

    fn the_last_block_comes_back_at_once() {
        let small = layout(100, 4);
        let (first, second) = (take(small), take(small));
        give_back(0, second, 100);
        assert_eq!(take(small), second);
        give_back(0, first, 100);
        assert_ne!(take(layout(100, 1)), first);
        for block in [second, second.wrapping_add(100)] {
            give_back(0, block, 100);
        }
        assert_eq!((CHUNK_STATES[0].load(Relaxed), LIVE_BLOCKS.load(Relaxed)), (0, 0));
    }

    fn a_block_grows_out_of_the_reserve() {
        let small = layout(100, 8);
        let block = take(small);
        // SAFETY: the test's own block.
        unsafe { block.write_bytes(7, 100) };
        // SAFETY: a block of the allocator with this layout.
        let moved = unsafe { ALLOCATOR.realloc(block, small, 1000) };
        assert!(chunk_of(moved).is_none());
        // SAFETY: the first 100 bytes were copied.
        assert!(unsafe { std::slice::from_raw_parts(moved, 100) }.iter().all(|&byte| byte == 7));
        // SAFETY: a block of the allocator with this layout.
        unsafe { ALLOCATOR.dealloc(moved, layout(1000, 8)) };
    }
}
