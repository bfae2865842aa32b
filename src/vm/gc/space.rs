//! Where structures and arrays lie: blocks of 32 KiB, in lines of 128 bytes (Blackburn and McKinley, "Immix: A Mark-Region Garbage
//! Collector with Space Efficiency, Fast Collection, and Mutator Performance", 2008).
//!
//! Compiled code allocates by moving a pointer through a span of free lines, which the store's context has. At its end it asks for the
//! next: the free lines between those that the last collection marked, block by block, then blocks that are free. An object that is
//! longer than a line and does not fit into the span goes to a block of its own kind, so that the span is not lost; one of more than
//! 8 KiB gets as many blocks as it needs, for itself.

use super::heap::Area;
use crate::abi::{LARGEST_INLINE, VMHeap};
use crate::types::Result;
use std::ops::Range;

pub const BLOCK: u32 = 32 << 10;
const LINE: u32 = 128;
const LINES: usize = (BLOCK / LINE) as usize;

/// No collection is worth its while with fewer bytes allocated since the last.
const SMALLEST_TRIGGER: usize = 8 << 20;
/// Blocks are committed so many at a time at least, and an eighth of all.
const SMALLEST_STEP: usize = 8;

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// Of objects that lie within it.
    Shared,
    /// The first of so many blocks that are one object's.
    First(u32),
    /// One of those behind it.
    Behind,
}

#[derive(Debug)]
struct Block {
    state: State,
    /// The mark of each line.
    lines: [u8; LINES],
}

/// The blocks of a heap.
#[derive(Debug, Default)]
pub struct Space {
    area: Area,
    /// Where the first block lies, from the start of the heap.
    start: usize,
    /// All that are committed.
    blocks: Vec<Block>,
    /// Shared blocks with free lines that the last collection has left, in descending order; the last is in use from `next_line` on.
    holes: Vec<u32>,
    next_line: usize,
    /// Free blocks are looked for from here on.
    next_free: usize,
    /// What is left of the block that longer objects go to.
    overflow: Range<u32>,
    /// Bytes handed out since the last collection, and those that it has left.
    allocated: usize,
    live: usize,
}

impl Space {
    /// Says where blocks lie, once: from `start` to the end of the area.
    pub fn lie_in(&mut self, area: Area, start: usize) {
        (self.area, self.start) = (area, start);
    }

    /// Whether an object of this space may lie at `reference`.
    #[inline]
    pub fn holds(&self, reference: u32) -> bool {
        let Some(offset) = (reference as usize).checked_sub(self.start) else { return false };
        let block = self.blocks.get(offset / BLOCK as usize);
        reference.is_multiple_of(8)
            && block.is_some_and(|block| match block.state {
                State::Shared => true,
                State::First(_) => offset.is_multiple_of(BLOCK as usize),
                State::Free | State::Behind => false,
            })
    }

    pub fn wants_collection(&self) -> bool {
        self.allocated >= self.live.max(SMALLEST_TRIGGER)
    }

    /// Room for an object; `None` if there is none.
    pub fn allocate(
        &mut self,
        context: &mut VMHeap,
        size: u32,
        commit: impl FnMut(usize, usize) -> Result<()>,
    ) -> Option<u32> {
        if size > LARGEST_INLINE {
            return self.allocate_blocks(size, commit);
        }
        let take = |span: &mut Range<u32>| {
            let start = span.start;
            (span.end - start >= size).then(|| {
                span.start += size;
                start
            })
        };
        let mut span = context.alloc..context.alloc_end;
        let found = match take(&mut span) {
            Some(found) => found,
            None if size > LINE => {
                if let Some(found) = take(&mut self.overflow) {
                    return Some(found);
                }
                self.overflow = self.free_block(commit)?;
                return take(&mut self.overflow);
            }
            None => {
                span = self.next_span(commit)?;
                take(&mut span)?
            }
        };
        if !cfg!(feature = "stress") {
            // Otherwise compiled code asks for each object.
            (context.alloc, context.alloc_end) = (span.start, span.end);
        }
        Some(found)
    }

    /// The next free lines.
    fn next_span(&mut self, commit: impl FnMut(usize, usize) -> Result<()>) -> Option<Range<u32>> {
        while let Some(&block) = self.holes.last() {
            let lines = &self.blocks[block as usize].lines;
            let from = self.next_line;
            if let Some(start) = lines[from..].iter().position(|&mark| mark == 0).map(|at| from + at) {
                let end = lines[start..].iter().position(|&mark| mark != 0).map_or(LINES, |at| start + at);
                self.next_line = end;
                let address = self.address(block);
                let span = address + start as u32 * LINE..address + end as u32 * LINE;
                self.allocated += span.len();
                return Some(span);
            }
            self.holes.pop();
            self.next_line = 0;
        }
        self.free_block(commit)
    }

    /// Where a block lies.
    fn address(&self, block: u32) -> u32 {
        // Blocks lie below 4 GiB.
        (self.start + block as usize * BLOCK as usize) as u32
    }

    /// A block that was free, all of it.
    fn free_block(&mut self, commit: impl FnMut(usize, usize) -> Result<()>) -> Option<Range<u32>> {
        let block = self.find_free(1, commit)?;
        self.blocks[block].state = State::Shared;
        self.allocated += BLOCK as usize;
        let address = self.address(block as u32);
        // The last block of all ends at 4 GiB, which is no number of 32 bits: its last 8 bytes stay free.
        Some(address..address.checked_add(BLOCK).unwrap_or(u32::MAX - 7))
    }

    /// As many blocks as an object needs.
    fn allocate_blocks(&mut self, size: u32, commit: impl FnMut(usize, usize) -> Result<()>) -> Option<u32> {
        let count = size.div_ceil(BLOCK);
        let first = self.find_free(count as usize, commit)?;
        self.blocks[first].state = State::First(count);
        for block in &mut self.blocks[first + 1..first + count as usize] {
            block.state = State::Behind;
        }
        self.allocated += count as usize * BLOCK as usize;
        Some(self.address(first as u32))
    }

    /// The first of so many free blocks side by side.
    fn find_free(&mut self, count: usize, commit: impl FnMut(usize, usize) -> Result<()>) -> Option<usize> {
        let from = if count == 1 { self.next_free } else { 0 };
        let mut run = 0;
        for (at, block) in self.blocks.iter().enumerate().skip(from) {
            run = if block.state == State::Free { run + 1 } else { 0 };
            if run == count {
                if count == 1 {
                    self.next_free = at + 1;
                }
                return Some(at + 1 - count);
            }
        }
        // Those at the end are the first of more.
        let first = self.blocks.len() - run;
        self.commit(count - run, commit)?;
        if count == 1 {
            self.next_free = first + 1;
        }
        Some(first)
    }

    /// Commits so many blocks, and more while there are some. `commit` makes a part of the heap, by start and length, accessible.
    fn commit(&mut self, count: usize, mut commit: impl FnMut(usize, usize) -> Result<()>) -> Option<()> {
        let committed = self.start + self.blocks.len() * BLOCK as usize;
        let room = self.area.end().saturating_sub(committed) / BLOCK as usize;
        if count > room {
            return None;
        }
        let wanted = count.max(SMALLEST_STEP).max(self.blocks.len() / 8).min(room);
        for count in [wanted, count] {
            let bytes = count * BLOCK as usize;
            if self.blocks.try_reserve(count).is_ok() && commit(committed, bytes).is_ok() {
                self.blocks.extend((0..count).map(|_| Block { state: State::Free, lines: [0; LINES] }));
                return Some(());
            }
        }
        None
    }

    /// Takes back what compiled code was given to allocate from.
    pub fn retire(&mut self, context: &mut VMHeap) {
        (context.alloc, context.alloc_end) = (0, 0);
        self.overflow = 0..0;
    }

    /// Marks the lines of an object.
    pub fn mark_lines(&mut self, reference: u32, size: u32, epoch: u8) {
        let offset = reference as usize - self.start;
        let (block, within) = (offset / BLOCK as usize, offset % BLOCK as usize);
        let block = &mut self.blocks[block];
        if block.state == State::Shared {
            let last = (within + (size as usize).max(1) - 1).min(BLOCK as usize - 1);
            block.lines[within / LINE as usize..=last / LINE as usize].fill(epoch);
        } else {
            block.lines[0] = epoch;
        }
    }

    /// Frees lines and blocks that are not marked.
    pub fn sweep(&mut self, epoch: u8) {
        self.holes.clear();
        (self.next_line, self.next_free, self.allocated) = (0, 0, 0);
        let mut live = 0;
        let mut index = 0;
        while index < self.blocks.len() {
            let block = &mut self.blocks[index];
            match block.state {
                State::Free | State::Behind => {}
                State::Shared => {
                    let mut marked = 0;
                    for line in &mut block.lines {
                        *line = if *line == epoch { epoch } else { 0 };
                        marked += usize::from(*line != 0);
                    }
                    live += marked * LINE as usize;
                    match marked {
                        0 => block.state = State::Free,
                        LINES => {}
                        _ => self.holes.push(index as u32),
                    }
                }
                State::First(count) => {
                    if block.lines[0] == epoch {
                        live += count as usize * BLOCK as usize;
                    } else {
                        for block in &mut self.blocks[index..index + count as usize] {
                            block.state = State::Free;
                            block.lines[0] = 0;
                        }
                    }
                    index += count as usize - 1;
                }
            }
            index += 1;
        }
        self.holes.reverse();
        self.live = live;
        if cfg!(feature = "stress") {
            self.poison();
        }
    }

    /// Overwrites what is free, so that whoever still has a reference to it is noticed.
    fn poison(&self) {
        const POISON: u8 = 0xdb;
        for (index, block) in self.blocks.iter().enumerate() {
            let address = self.address(index as u32) as usize;
            let fill = |offset: usize, length: usize| {
                // SAFETY: committed, and free.
                unsafe { self.area.at(address + offset).write_bytes(POISON, length) };
            };
            match block.state {
                State::Free => fill(0, BLOCK as usize),
                State::Shared => {
                    for line in (0..LINES).filter(|&line| block.lines[line] == 0) {
                        fill(line * LINE as usize, LINE as usize);
                    }
                }
                State::First(_) | State::Behind => {}
            }
        }
    }
}
