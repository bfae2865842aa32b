//! The bytes of a linear memory: the mapping that holds them, and how it grows. The caller checks the limits of the memory's type.
//!
//! Two kinds, decided by the [`MemoryPlan`]:
//!
//! - **reserved**: all the address space the memory may ever need is taken at once, `base` never changes. With a
//!   reservation of 4 GiB and a guard behind it, compiled code need not check 32-bit addresses: what is not committed faults. With
//!   64-bit addresses the reservation is as large as the memory can get, up to [`default_reservation_64`], or as much of that as there is.
//! - **movable**: only what is needed is reserved, with room to grow; a memory that outgrows it is copied to a larger
//!   one and `base` changes. Only for code that checks every access and loads the base each time.
//!
//! A memory may begin with an image (`src/vm/memory/image.rs`). [`LinearMemory::reset`] makes a used memory what it was at first: it finds
//! the dirty pages and undoes them.
//!
//! Invariant: bytes `0..length` are accessible, and none from `length` to the end of the guard is; committed pages that the memory has not
//! grown to are zero. Code that copies `base` or `length` (into `VMMemory`, `VMMemorySlot`) refreshes the copies after each `grow_to`.

use crate::abi::{GUARD_SIZE, GUARDED_RESERVATION};
use crate::module::Module;
use crate::os::dirty_pages;
use crate::os::map::{HOST_PAGE, round_up};
use crate::types::{Error, Result};
use crate::vm::memory::address_space::{Space, Spaces, default_reservation_64};
use crate::vm::memory::image::{FileRange, MemoryImage};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// How much address space a memory takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Bytes to reserve. A memory that is larger from the start gets more. Where there is a guard, a memory with 32-bit addresses gets
    /// as much as they reach, and one with 64-bit addresses at least that: see [`Size::room`].
    pub reservation: u64,
    /// Inaccessible bytes to keep behind the reservation. With a guard, compiled code relies on the place of a memory, so
    /// that it never moves; without one, growing beyond the reservation moves it.
    pub guard: u64,
}

impl MemoryPlan {
    /// For guard-page mode.
    pub const GUARDED: MemoryPlan = MemoryPlan { reservation: GUARDED_RESERVATION, guard: GUARD_SIZE };

    /// For code that checks every access, where address space is short: as little as possible.
    pub const COMPACT: MemoryPlan = MemoryPlan { reservation: 0, guard: 0 };

    fn movable(&self) -> bool {
        self.guard == 0
    }
}

/// How long a memory is and can get, in bytes, by its type.
#[derive(Copy, Clone, Debug)]
pub struct Size {
    pub minimum: u64,
    pub maximum: u64,
    /// Whether its addresses are 64 bits wide.
    pub index64: bool,
    /// Whether it must not move, although code checks its accesses: threads share it.
    pub stays: bool,
}

impl Size {
    /// The address space to reserve, and with how little the memory can begin. `default_64`: how much to reserve where nothing says more.
    fn room(&self, plan: MemoryPlan, default_64: u64) -> (u64, u64) {
        if plan.movable() {
            let most =
                if self.stays { plan.reservation.max(default_64).max(GUARDED_RESERVATION) } else { plan.reservation };
            let room = most.min(self.maximum).max(self.minimum);
            return (room, if self.stays { self.minimum } else { room });
        }
        let least = GUARDED_RESERVATION.max(self.minimum);
        let most = if self.index64 { self.maximum.min(plan.reservation.max(default_64)) } else { least };
        (most.max(least), least)
    }
}

/// What a memory begins with, other than zeros.
#[derive(Copy, Clone, Debug)]
pub struct Contents<'a> {
    pub module: &'a Module,
    pub image: &'a MemoryImage,
}

/// The bytes of a memory.
#[derive(Debug)]
pub struct LinearMemory {
    /// `None` while a memory with no reservation is empty.
    space: Option<Space>,
    length: usize,
    /// What it began with, in bytes.
    minimum: usize,
    /// The most it may ever grow to, in bytes.
    maximum: usize,
    /// The most it ever had in its space, in bytes: beyond, nothing was ever committed.
    reached: usize,
    /// Whether it has moved since it began, and whether it may.
    moved: bool,
    movable: bool,
    /// What is mapped into it.
    mapped: Option<Arc<FileRange>>,
    spaces: Arc<Spaces>,
}

/// The most pages that a memory keeps when it is reset: writing them costs less than faults for new ones.
const MOST_KEPT_PAGES: usize = 32;

impl LinearMemory {
    /// A memory as long as its minimum: zero, but for what `contents` says. `or_less`: whether it can do with less address space than
    /// is good for it.
    pub fn new(
        size: Size,
        or_less: bool,
        spaces: &Arc<Spaces>,
        contents: Option<Contents<'_>>,
    ) -> Result<LinearMemory> {
        let plan = spaces.plan();
        let length = to_length(size.minimum)?;
        let maximum = usize::try_from(size.maximum).unwrap_or(usize::MAX);
        if length > maximum {
            return Err(Error::argument(format!("memory of {length} bytes is above its maximum: {maximum} bytes")));
        }
        let spaces = spaces.clone();
        let mut memory = LinearMemory {
            space: None,
            length: 0,
            minimum: length,
            maximum,
            reached: 0,
            moved: false,
            movable: plan.movable() && !size.stays,
            mapped: None,
            spaces,
        };
        let (room, least) = size.room(plan, default_reservation_64());
        if room > 0 || !plan.movable() {
            let space = memory.spaces.take_up_to(room, if or_less { least } else { room })?;
            space.reservation.commit(0, committed(length)?)?;
            memory.space = Some(space);
        }
        (memory.length, memory.reached) = (length, length);
        if let Some(contents) = contents.filter(|contents| !contents.image.is_empty()) {
            // SAFETY: just committed, and nobody else knows it.
            memory.mapped = unsafe { contents.image.map(memory.base()) };
            memory.write_unmapped(contents);
        }
        Ok(memory)
    }

    /// Writes what the memory begins with, if it is not mapped.
    fn write_unmapped(&self, contents: Contents<'_>) {
        if self.mapped.is_none() {
            // SAFETY: all of the memory is committed, and nobody else has it.
            unsafe { contents.image.write(contents.module, self.base(), 0..self.length) };
        }
    }

    /// Makes the memory what it was when it began. On failure it is to be dropped.
    ///
    /// `keep_pages`: whether a few pages that were written may stay allocated, rewritten.
    ///
    /// # Safety
    /// Nobody uses the memory.
    pub unsafe fn reset(&mut self, contents: Option<Contents<'_>>, keep_pages: bool) -> Result<()> {
        if self.moved {
            return Err(Error::limit("a memory that has moved is not used again"));
        }
        let Some(space) = &self.space else { return Ok(()) };
        let (minimum, length, reached) = (committed(self.minimum)?, committed(self.length)?, committed(self.reached)?);
        self.length = self.minimum;
        let base = space.reservation.base().as_ptr();
        let from_file = self.mapped.as_ref().map_or(0..0, |file| file.pages());
        let zeros = !from_file.is_empty();
        let dirty = if keep_pages { dirty_pages::find(base as usize, reached, MOST_KEPT_PAGES, zeros) } else { None };
        if let Some(dirty) = dirty {
            for (range, zero) in dirty.iter() {
                // Beyond the length are zeros that an earlier instance grew to.
                let range = range.start - base as usize..(range.end - base as usize).min(length);
                let as_mapped = zero && (range.end <= from_file.start || from_file.end <= range.start);
                if range.is_empty() || as_mapped {
                    continue;
                }
                // SAFETY: committed, and nobody uses it.
                unsafe { std::ptr::write_bytes(base.wrapping_add(range.start), 0, range.len()) };
                if let Some(Contents { module, image }) = contents.filter(|_| self.mapped.is_some()) {
                    // SAFETY: as above.
                    unsafe { image.write(module, base, range) };
                }
            }
            // A page that is not the memory's own is what a new mapping has there. Where an image is mapped, the memory began
            // with that; where it was written, the host or the kernel may have taken the page away since.
            if let Some(contents) = contents {
                self.write_unmapped(contents);
            }
            // SAFETY: nobody uses it, says the caller. What grows there again finds zeros.
            return unsafe { space.reservation.protect(minimum, length - minimum) };
        }
        // SAFETY: nobody uses it, says the caller.
        unsafe { space.reservation.decommit(minimum, reached - minimum)? };
        self.reached = self.minimum;
        // SAFETY: nobody uses it, says the caller.
        unsafe { space.reservation.reset(0, minimum)? };
        if let Some(contents) = contents {
            self.write_unmapped(contents);
        }
        Ok(())
    }

    /// The address of the first byte. Not null, even where there is none.
    pub fn base(&self) -> *mut u8 {
        // An empty memory has the alignment of any other, and no byte of it is ever read.
        let nowhere = NonNull::<Aligned>::dangling().cast();
        self.space.as_ref().map_or(nowhere, |space| space.reservation.base()).as_ptr()
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes of address space from `base` on that are reserved, before the guard.
    pub fn room(&self) -> usize {
        self.space.as_ref().map_or(0, |space| space.room)
    }

    /// The bytes of address space from `base` on that belong to the memory, its guard included.
    pub fn reserved(&self) -> usize {
        self.space.as_ref().map_or(0, |space| space.reservation.length())
    }

    /// Whether `base` stays the same as long as the memory lives.
    pub fn never_moves(&self) -> bool {
        !self.movable || self.space.as_ref().is_some_and(|space| space.room >= self.maximum)
    }

    /// Makes the memory `new_length` bytes long; new bytes are zero. On failure nothing has changed.
    pub fn grow_to(&mut self, new_length: usize) -> Result<()> {
        let new_length = to_length(new_length as u64)?;
        if new_length < self.length {
            return Err(Error::argument(format!("a memory cannot shrink: {} to {new_length} bytes", self.length)));
        }
        if new_length > self.maximum {
            return Err(Error::limit(format!("memory of {new_length} bytes is above its maximum: {}", self.maximum)));
        }
        let (old, new) = (committed(self.length)?, committed(new_length)?);
        match &self.space {
            _ if new_length == 0 => {}
            Some(space) if new <= space.room => space.reservation.commit(old, new - old)?,
            _ if self.movable => self.move_to(new_length)?,
            _ => {
                return Err(Error::limit(format!(
                    "memory of {new_length} bytes is above its reservation: {} (libwasm_config_set_memory_reservation)",
                    self.room()
                )));
            }
        }
        (self.length, self.reached) = (new_length, self.reached.max(new_length));
        Ok(())
    }

    /// Moves the memory to a new space with room for `new_length` bytes and for growing further.
    fn move_to(&mut self, new_length: usize) -> Result<()> {
        // Doubling keeps the cost of many small growths in proportion. Where that much cannot be had, what is needed may do.
        let room = self.length.saturating_mul(2).min(self.maximum).max(new_length);
        let space = self
            .spaces
            .take(room as u64)
            .or_else(|error| if room > new_length { self.spaces.take(new_length as u64) } else { Err(error) })?;
        space.reservation.commit(0, committed(new_length)?)?;
        let from_file = self.mapped.as_ref().map_or(0..0, |file| file.pages());
        // SAFETY: both ranges are committed, and they belong to different reservations, of which one is new.
        unsafe { copy_contents(self.base(), space.reservation.base().as_ptr(), self.length, from_file) };
        (self.space, self.mapped, self.moved) = (Some(space), None, true);
        Ok(())
    }
}

impl Drop for LinearMemory {
    fn drop(&mut self) {
        if let (Some(space), Ok(reached)) = (self.space.take(), committed(self.reached)) {
            self.spaces.give_back(space, reached);
        }
    }
}

/// How much of a memory is looked at once when it moves.
const CHUNK: usize = 2 << 20;

/// Copies a memory to a place where zeros are. Pages that were never written stay so there, and take no memory: a memory may be large because
/// of its addresses only. `from_file`: the part where a file is mapped, whose pages have contents without having been written.
///
/// # Safety
///
/// `length` bytes from both addresses are committed, they do not overlap, and nobody else uses them. All bytes from `to` on are zero.
unsafe fn copy_contents(from: *const u8, to: *mut u8, length: usize, from_file: Range<usize>) {
    let copy = |start: usize, end: usize| {
        // SAFETY: within both ranges, says the caller: no end is beyond the length.
        unsafe { std::ptr::copy_nonoverlapping(from.wrapping_add(start), to.wrapping_add(start), end - start) };
    };
    for start in (0..length).step_by(CHUNK) {
        let end = length.min(start + CHUNK);
        let has_file = start < from_file.end && from_file.start < end;
        let (address, pages) = (from as usize + start, (end - start).div_ceil(HOST_PAGE));
        let written = if has_file { None } else { dirty_pages::find(address, pages * HOST_PAGE, pages, false) };
        if let Some(written) = written {
            written
                .iter()
                .for_each(|(range, _)| copy(range.start - from as usize, length.min(range.end - from as usize)));
            continue;
        }
        for start in (start..end).step_by(HOST_PAGE) {
            let end = end.min(start + HOST_PAGE);
            // SAFETY: committed, and nobody writes there.
            let page = unsafe { std::slice::from_raw_parts(from.wrapping_add(start), end - start) };
            if page.iter().any(|&byte| byte != 0) {
                copy(start, end);
            }
        }
    }
}

#[repr(align(4096))]
struct Aligned;

fn to_length(bytes: u64) -> Result<usize> {
    // Half the address space is more than any machine has, and keeps sums from overflowing.
    usize::try_from(bytes)
        .ok()
        .filter(|&bytes| bytes <= isize::MAX as usize)
        .ok_or_else(|| Error::out_of_memory(format!("memory too large for this machine: {bytes} bytes")))
}

/// How many bytes are committed for a memory of `length` bytes. Compiled code relies on faults only where lengths are multiples of the
/// host's page; it checks accesses to memories with smaller pages.
fn committed(length: usize) -> Result<usize> {
    round_up(length).ok_or_else(|| Error::out_of_memory(format!("memory too large for this machine: {length} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::guarded;

    impl LinearMemory {
        /// A memory of zeros, alone in the world.
        pub fn alone(minimum: u64, maximum: Option<u64>, plan: MemoryPlan) -> Result<LinearMemory> {
            let size = Size { minimum, maximum: maximum.unwrap_or(u64::MAX), index64: false, stays: false };
            LinearMemory::new(size, false, &Arc::new(Spaces::new(plan)), None)
        }
    }

    const PAGE: usize = 0x10000;

    fn bytes(memory: &mut LinearMemory) -> &mut [u8] {
        // SAFETY: bytes up to the length are committed, and the test has one slice at a time.
        unsafe { std::slice::from_raw_parts_mut(memory.base(), memory.len()) }
    }

    #[test]
    fn a_reserved_memory_grows_in_place() {
        let mut memory = LinearMemory::alone(PAGE as u64, Some(1 << 32), MemoryPlan::GUARDED).unwrap();
        let base = memory.base();
        assert!(memory.never_moves());
        assert!(guarded::may_be_guarded(base as usize + (4 << 30)));
        bytes(&mut memory)[0xffff] = 1;
        memory.grow_to(3 * PAGE).unwrap();
        assert_eq!((memory.base(), memory.len()), (base, 3 * PAGE));
        assert_eq!(bytes(&mut memory)[0xffff..0x10001], [1, 0]);
        bytes(&mut memory)[0x2ffff] = 1;
        memory.grow_to(3 * PAGE).unwrap();
        assert!(memory.grow_to((1 << 32) + PAGE).is_err());
        assert!(memory.grow_to(2 * PAGE).is_err());
        assert!(memory.grow_to(usize::MAX).is_err());
        assert_eq!(memory.len(), 3 * PAGE);
    }

    #[test]
    fn a_reserved_memory_may_be_empty_or_full() {
        let mut memory = LinearMemory::alone(0, None, MemoryPlan::GUARDED).unwrap();
        assert_eq!(memory.len(), 0);
        memory.grow_to(1 << 32).unwrap();
        bytes(&mut memory)[0xffff_ffff] = 1;
        assert_eq!(memory.grow_to((1 << 32) + PAGE).unwrap_err().kind(), crate::types::ErrorKind::Limit);
    }

    #[test]
    fn a_movable_memory_moves_and_keeps_its_bytes() {
        let mut memory = LinearMemory::alone(0, Some(10 * PAGE as u64), MemoryPlan::COMPACT).unwrap();
        assert!(bytes(&mut memory).is_empty());
        memory.grow_to(0).unwrap();
        for pages in 1..=10 {
            memory.grow_to(pages * PAGE).unwrap();
            let bytes = bytes(&mut memory);
            assert!(bytes[((pages - 1) * PAGE)..].iter().all(|&byte| byte == 0));
            bytes[(pages - 1) * PAGE] = pages as u8;
            for earlier in 1..=pages {
                assert_eq!(bytes[(earlier - 1) * PAGE], earlier as u8);
            }
        }
        assert!(memory.grow_to(11 * PAGE).is_err());
    }

    #[test]
    fn a_memory_that_moves_takes_no_more_than_was_written() {
        for silenced in [false, true] {
            dirty_pages::silenced::set(silenced);
            let mut memory = LinearMemory::alone(1 << 28, None, MemoryPlan::COMPACT).unwrap();
            let written = [(0, 1), (5 * PAGE + 7, 2), ((1 << 27) - 1, 3), ((1 << 28) - 1, 4)];
            for (at, byte) in written {
                bytes(&mut memory)[at] = byte;
            }
            // Pages that were only read count no more than others.
            assert_eq!(bytes(&mut memory)[100 * PAGE], 0);
            let before = memory.base();
            memory.grow_to((1 << 28) + PAGE).unwrap();
            assert_ne!(memory.base(), before);
            dirty_pages::silenced::set(false);
            if let Some(none) = dirty_pages::find(memory.base() as usize + (1 << 28), PAGE, 0, false) {
                assert_eq!(none.iter().count(), 0);
                let found = dirty_pages::find(memory.base() as usize, 1 << 28, written.len(), false);
                assert_eq!(found.expect("no page but those").iter().count(), written.len());
            }
            for (at, byte) in written {
                assert_eq!(bytes(&mut memory)[at], byte);
            }
        }
    }

    #[test]
    fn room_for_64_bit_addresses() {
        let room = |minimum, maximum, reservation| {
            let plan = MemoryPlan { reservation, guard: GUARD_SIZE };
            Size { minimum, maximum, index64: true, stays: false }.room(plan, 64 << 30)
        };
        let (four, gib) = (GUARDED_RESERVATION, 1 << 30);
        assert_eq!(room(0, u64::MAX, four), (64 * gib, four));
        // Not more than the maximum, but what compiled code relies on.
        assert_eq!(room(0, 1 << 16, four), (four, four));
        assert_eq!(room(1 << 16, 7 * gib, four), (7 * gib, four));
        // What the embedder wants, and what the memory begins with.
        assert_eq!(room(0, u64::MAX, 100 * gib), (100 * gib, four));
        assert_eq!(room(0, 50 * gib, 100 * gib), (50 * gib, four));
        assert_eq!(room(200 * gib, u64::MAX, 100 * gib), (200 * gib, 200 * gib));
        let size = Size { minimum: 0, maximum: u64::MAX, index64: false, stays: false };
        assert_eq!(size.room(MemoryPlan { reservation: 100 * gib, guard: GUARD_SIZE }, 64 * gib), (four, four));
        assert_eq!(Size { index64: true, ..size }.room(MemoryPlan::COMPACT, 64 * gib), (0, 0));
    }

    #[test]
    fn less_room_where_there_is_no_more() {
        // More than there are addresses.
        let size = Size { minimum: PAGE as u64, maximum: u64::MAX, index64: true, stays: false };
        let plan = MemoryPlan { reservation: 1 << 50, guard: GUARD_SIZE };
        let spaces = Arc::new(Spaces::new(plan));
        assert!(LinearMemory::new(size, false, &spaces, None).is_err());
        let mut memory = LinearMemory::new(size, true, &spaces, None).unwrap();
        let room = memory.room();
        assert!(room >= GUARDED_RESERVATION as usize && room < 1 << 47, "{room}");
        assert_eq!(memory.reserved(), room + GUARD_SIZE as usize);
        assert!(guarded::may_be_guarded(memory.base() as usize + room));
        assert_eq!(memory.grow_to(room + PAGE).unwrap_err().kind(), crate::types::ErrorKind::Limit);
        memory.grow_to(2 * PAGE).unwrap();
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(LinearMemory::alone(2 * PAGE as u64, Some(PAGE as u64), MemoryPlan::COMPACT).is_err());
        assert!(LinearMemory::alone(1 << 60, None, MemoryPlan::COMPACT).is_err());
        assert!(LinearMemory::alone(u64::MAX - 0xffff, None, MemoryPlan::GUARDED).is_err());
        let mut memory = LinearMemory::alone(PAGE as u64, None, MemoryPlan::COMPACT).unwrap();
        assert!(memory.grow_to(1 << 60).is_err());
        assert_eq!(bytes(&mut memory).len(), PAGE);
    }

    #[cfg(feature = "stress")]
    #[test]
    fn a_failed_growth_changes_nothing() {
        use crate::os::map::stress::fail_nth;
        let mut memory = LinearMemory::alone(PAGE as u64, None, MemoryPlan::COMPACT).unwrap();
        let base = memory.base();
        bytes(&mut memory)[5] = 9;
        fail_nth(2);
        assert!(memory.grow_to(2 * PAGE).is_err());
        assert_eq!((memory.base(), memory.len()), (base, PAGE));
        assert_eq!(bytes(&mut memory)[5], 9);
        fail_nth(0);
        memory.grow_to(2 * PAGE).unwrap();
    }
}
