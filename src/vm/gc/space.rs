//! Where structures and arrays lie: blocks of 32 KiB, in lines of 128 bytes (Blackburn and McKinley, "Immix: A Mark-Region Garbage
//! Collector with Space Efficiency, Fast Collection, and Mutator Performance", 2008).
//!
//! Compiled code allocates by moving a pointer through a span of free lines, which the store's context has. At its end it asks for the
//! next: the free lines between those that the last collection marked, block by block, then blocks that are free. An object that is
//! longer than a line and does not fit into the span goes to a block of its own kind, so that the span is not lost; one of more than
//! 8 KiB gets as many blocks as it needs, for itself.
//!
//! What was written to in marked objects is found by cards (`src/abi/heap.rs`): one that is set says that the marked objects that
//! begin in its line are to be read again, or those elements of a large array.

use super::heap::Area;
use crate::abi::{LARGEST_INLINE, LINE_SHIFT, VMHeap};
use crate::os::map::Reservation;
use std::ops::Range;

pub const BLOCK: u32 = 32 << 10;
const LINE: u32 = 1 << LINE_SHIFT;
const LINES: usize = (BLOCK / LINE) as usize;

/// What free bytes hold under the stress feature.
pub const POISON: u8 = 0xdb;

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

const _: () = assert!(LINE / 8 == u16::BITS);

/// What is marked in a block.
#[derive(Clone, Debug)]
struct Marks {
    /// The number of the marking that last marked something in each line; of a large object in the first.
    lines: [u8; LINES],
    /// For each line the places where marked objects begin, in units of 8 bytes: these bits are the marks. They are not in the
    /// objects, so that what is marked already need not be fetched from memory to find that out.
    starts: [u16; LINES],
}

impl Marks {
    const NONE: Marks = Marks { lines: [0; LINES], starts: [0; LINES] };
}

/// The blocks of a heap.
#[derive(Debug)]
pub struct Space {
    area: Area,
    /// So many bytes of blocks may be committed.
    limit: usize,
    /// Where the first block lies, from the start of the heap.
    start: usize,
    /// What the blocks are that are committed; apart from the marks, since it is looked up for each reference.
    blocks: Vec<State>,
    marks: Vec<Marks>,
    /// Shared blocks with free lines that the last collection has left, in descending order; the last is in use from `next_line` on.
    holes: Vec<u32>,
    next_line: usize,
    /// Free blocks are looked for from here on.
    next_free: usize,
    /// What is left of the block that longer objects go to.
    overflow: Range<u32>,
    /// Bytes handed out since the last sweep, those handed out before it, and those that it has left.
    allocated: usize,
    allocated_before: u64,
    live: usize,
    /// Free blocks from here on have no memory of the system's: they were given back, or are new.
    untouched: usize,
}

impl Default for Space {
    fn default() -> Space {
        Space {
            area: Area::default(),
            limit: usize::MAX,
            start: 0,
            blocks: Vec::new(),
            marks: Vec::new(),
            holes: Vec::new(),
            next_line: 0,
            next_free: 0,
            overflow: 0..0,
            allocated: 0,
            allocated_before: 0,
            live: 0,
            untouched: 0,
        }
    }
}

impl Space {
    /// Says where blocks lie, once: from `start` to the end of the area.
    pub fn lie_in(&mut self, area: Area, start: usize) {
        (self.area, self.start) = (area, start);
    }

    pub fn limit_to(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// How many bytes of blocks there can be.
    fn capacity(&self) -> usize {
        self.limit_of(self.area.end().saturating_sub(self.start))
    }

    /// So many bytes, or fewer if the limit is lower.
    pub fn limit_of(&self, bytes: usize) -> usize {
        bytes.min(self.limit)
    }

    /// How many bytes of blocks are in use.
    pub fn used(&self) -> usize {
        self.blocks.iter().filter(|&&state| state != State::Free).count() * BLOCK as usize
    }

    /// How many bytes of blocks there are.
    fn committed(&self) -> usize {
        self.blocks.len() * BLOCK as usize
    }

    /// Bytes handed out since the last sweep.
    pub fn allocated(&self) -> usize {
        self.allocated
    }

    /// Bytes handed out since there is the heap.
    pub fn total_allocated(&self) -> u64 {
        self.allocated_before + self.allocated as u64
    }

    /// Bytes in use after the last sweep, in whole lines.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Whether an object of this space may lie at `reference`.
    #[inline]
    pub fn holds(&self, reference: u32) -> bool {
        let Some(offset) = (reference as usize).checked_sub(self.start) else { return false };
        let block = self.blocks.get(offset / BLOCK as usize);
        reference.is_multiple_of(8)
            && block.is_some_and(|state| match state {
                State::Shared => true,
                State::First(_) => offset.is_multiple_of(BLOCK as usize),
                State::Free | State::Behind => false,
            })
    }

    /// Room for an object; `None` if there is none.
    pub fn allocate(&mut self, context: &mut VMHeap, size: u32, memory: &Reservation) -> Option<u32> {
        if size > LARGEST_INLINE {
            return self.allocate_blocks(size, memory);
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
                self.overflow = self.free_block(memory)?;
                return take(&mut self.overflow);
            }
            None => {
                span = self.next_span(memory)?;
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
    fn next_span(&mut self, memory: &Reservation) -> Option<Range<u32>> {
        while let Some(&block) = self.holes.last() {
            let lines = &self.marks[block as usize].lines;
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
        self.free_block(memory)
    }

    /// Where a block lies.
    fn address(&self, block: u32) -> u32 {
        // Blocks lie below 4 GiB.
        (self.start + block as usize * BLOCK as usize) as u32
    }

    /// A block that was free, all of it.
    fn free_block(&mut self, memory: &Reservation) -> Option<Range<u32>> {
        let block = self.find_free(1, memory)?;
        self.blocks[block] = State::Shared;
        self.allocated += BLOCK as usize;
        let address = self.address(block as u32);
        // The last block of all ends at 4 GiB, which is no number of 32 bits: its last 8 bytes stay free.
        Some(address..address.checked_add(BLOCK).unwrap_or(u32::MAX - 7))
    }

    /// As many blocks as an object needs.
    fn allocate_blocks(&mut self, size: u32, memory: &Reservation) -> Option<u32> {
        let count = size.div_ceil(BLOCK);
        let first = self.find_free(count as usize, memory)?;
        self.blocks[first] = State::First(count);
        self.blocks[first + 1..first + count as usize].fill(State::Behind);
        self.allocated += count as usize * BLOCK as usize;
        Some(self.address(first as u32))
    }

    /// The first of so many free blocks side by side.
    fn find_free(&mut self, count: usize, memory: &Reservation) -> Option<usize> {
        let from = if count == 1 { self.next_free } else { 0 };
        let mut run = 0;
        for (at, &state) in self.blocks.iter().enumerate().skip(from) {
            run = if state == State::Free { run + 1 } else { 0 };
            if run == count {
                if count == 1 {
                    self.next_free = at + 1;
                }
                self.untouched = self.untouched.max(at + 1);
                return Some(at + 1 - count);
            }
        }
        // Those at the end are the first of more.
        let first = self.blocks.len() - run;
        self.commit(count - run, memory)?;
        self.untouched = self.untouched.max(first + count);
        if count == 1 {
            self.next_free = first + 1;
        }
        Some(first)
    }

    /// Commits so many blocks, and more while there are some.
    fn commit(&mut self, count: usize, memory: &Reservation) -> Option<()> {
        let committed = self.start + self.blocks.len() * BLOCK as usize;
        let room = self.capacity().saturating_sub(self.committed()) / BLOCK as usize;
        if count > room {
            return None;
        }
        let wanted = count.max(SMALLEST_STEP).max(self.blocks.len() / 8).min(room);
        for count in [wanted, count] {
            let bytes = count * BLOCK as usize;
            if self.blocks.try_reserve(count).is_ok()
                && self.marks.try_reserve(count).is_ok()
                && self.area.commit(committed, bytes, memory).is_ok()
                && self.area.commit_cards(committed / LINE as usize, count * LINES, memory).is_ok()
            {
                self.blocks.resize(self.blocks.len() + count, State::Free);
                self.marks.resize(self.blocks.len(), Marks::NONE);
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

    /// Marks an object; whether it was not marked before. `None` for what is none.
    #[inline]
    pub fn mark(&mut self, reference: u32) -> Option<bool> {
        let (block, line, bit) = self.mark_of(reference)?;
        let starts = &mut self.marks[block].starts[line];
        let newly = *starts & bit == 0;
        *starts |= bit;
        Some(newly)
    }

    /// Whether an object is marked.
    #[inline]
    pub fn is_marked(&self, reference: u32) -> bool {
        self.mark_of(reference).is_some_and(|(block, line, bit)| self.marks[block].starts[line] & bit != 0)
    }

    /// The block, the line and the bit of an object's mark.
    #[inline]
    fn mark_of(&self, reference: u32) -> Option<(usize, usize, u16)> {
        let offset = self.holds(reference).then(|| reference as usize - self.start)?;
        let within = offset % BLOCK as usize;
        Some((offset / BLOCK as usize, within / LINE as usize, 1 << (within % LINE as usize / 8)))
    }

    /// Keeps the lines of a marked object from being used.
    pub fn mark_lines(&mut self, reference: u32, size: u32, epoch: u8) {
        let offset = reference as usize - self.start;
        let (block, within) = (offset / BLOCK as usize, offset % BLOCK as usize);
        let lines = &mut self.marks[block].lines;
        if self.blocks[block] == State::Shared {
            let last = (within + (size as usize).max(1) - 1).min(BLOCK as usize - 1);
            lines[within / LINE as usize..=last / LINE as usize].fill(epoch);
        } else {
            lines[0] = epoch;
        }
    }

    /// Nothing is marked any more, and no card is set.
    pub fn unmark(&mut self) {
        for (index, marks) in self.marks.iter_mut().enumerate() {
            marks.starts = [0; LINES];
            // SAFETY: committed with the block.
            unsafe { self.area.cards(self.start / LINE as usize + index * LINES, LINES).write_bytes(0, LINES) };
        }
    }

    /// The marked objects in lines whose cards are set, and the places in large objects that have such lines. The cards are so no more.
    pub fn take_written(&mut self, mut object: impl FnMut(u32), mut part: impl FnMut(u32, Range<u64>)) {
        let mut first = 0;
        for (index, &state) in self.blocks.iter().enumerate() {
            let line_of_block = self.start / LINE as usize + index * LINES;
            if matches!(state, State::First(_)) {
                first = (line_of_block << LINE_SHIFT) as u32;
            }
            const WORD: usize = size_of::<u64>();
            let cards: *mut [u8; WORD] = self.area.cards(line_of_block, LINES).cast();
            for word in 0..LINES / WORD {
                let cards = cards.wrapping_add(word);
                // SAFETY: committed with the block; compiled code waits.
                let set = unsafe { cards.read() };
                if u64::from_ne_bytes(set) == 0 {
                    continue;
                }
                // SAFETY: as above.
                unsafe { cards.write([0; WORD]) };
                for (at, _) in set.iter().enumerate().filter(|(_, card)| **card != 0) {
                    // Cards lie in descending order.
                    let line = LINES - 1 - (word * WORD + at);
                    let address = ((line_of_block + line) << LINE_SHIFT) as u32;
                    match state {
                        State::Free => {}
                        State::Shared => {
                            let starts = self.marks[index].starts[line];
                            (0..u16::BITS)
                                .filter(|bit| starts >> bit & 1 != 0)
                                .for_each(|bit| object(address + bit * 8));
                        }
                        State::First(_) | State::Behind if self.is_marked(first) => {
                            // The last line of all ends at 4 GiB.
                            part(first, address.into()..u64::from(address) + u64::from(LINE));
                        }
                        State::First(_) | State::Behind => {}
                    }
                }
            }
        }
    }

    /// Frees lines and blocks that are not marked.
    pub fn sweep(&mut self, epoch: u8) {
        self.holes.clear();
        self.allocated_before += self.allocated as u64;
        (self.next_line, self.next_free, self.allocated) = (0, 0, 0);
        let mut live = 0;
        let mut index = 0;
        while index < self.blocks.len() {
            let marks = &mut self.marks[index];
            match self.blocks[index] {
                State::Free | State::Behind => {}
                State::Shared => {
                    let mut marked = 0;
                    for line in &mut marks.lines {
                        *line = if *line == epoch { epoch } else { 0 };
                        marked += usize::from(*line != 0);
                    }
                    live += marked * LINE as usize;
                    match marked {
                        0 => self.blocks[index] = State::Free,
                        LINES => {}
                        _ => self.holes.push(index as u32),
                    }
                    for line in (0..LINES).filter(|&line| self.marks[index].lines[line] == 0) {
                        self.poison(index, line as u32 * LINE, LINE);
                    }
                }
                State::First(count) => {
                    if marks.lines[0] == epoch {
                        live += count as usize * BLOCK as usize;
                    } else {
                        self.blocks[index..index + count as usize].fill(State::Free);
                        marks.lines[0] = 0;
                        self.poison(index, 0, count * BLOCK);
                    }
                    index += count as usize - 1;
                }
            }
            index += 1;
        }
        self.holes.reverse();
        self.live = live;
    }

    /// Gives the memory of free blocks back to the system, but for so many bytes of them.
    pub fn release(&mut self, kept: usize, memory: &Reservation) {
        let mut spared = kept / BLOCK as usize;
        let mut free = 0..0;
        let give_back = |blocks: &Range<usize>| {
            let start = self.start + blocks.start * BLOCK as usize;
            self.area.give_back(start, blocks.len() * BLOCK as usize, memory);
        };
        let mut untouched = 0;
        for (at, &state) in self.blocks[..self.untouched].iter().enumerate() {
            if state != State::Free || spared > 0 {
                spared -= usize::from(state == State::Free);
                untouched = at + 1;
            } else if free.end == at {
                free.end = at + 1;
            } else {
                give_back(&free);
                free = at..at + 1;
            }
        }
        give_back(&free);
        self.untouched = untouched;
    }

    /// Under the stress feature, overwrites what has become free, so that whoever still has a reference to it is noticed.
    #[inline(always)]
    fn poison(&self, block: usize, offset: u32, length: u32) {
        if cfg!(feature = "stress") {
            let start = self.area.at(self.address(block as u32) as usize + offset as usize);
            // SAFETY: committed with the blocks, and free.
            unsafe { start.write_bytes(POISON, length as usize) };
        }
    }
}
