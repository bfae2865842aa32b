//! The address space of linear memories: reservations with their guards, and those that an engine keeps for the next memory.

use crate::abi::GUARDED_RESERVATION;
use crate::os::guarded::{self, GuardedRange};
use crate::os::map::{Reservation, round_up};
use crate::os::sync::{Mutex, MutexGuard};
use crate::types::{Error, Result};
use crate::vm::memory::linear::MemoryPlan;
use std::sync::atomic::{AtomicU64, Ordering};

/// The address space reserved for a memory with 64-bit addresses, unless its maximum is less, or the embedder or its minimum
/// wants more, or such memories are many.
const RESERVATION_64: u64 = 64 << 30;
/// What such memories may have together, half of the address space of a process, and the part of what is left of it that one gets.
const ALL_RESERVATIONS_64: u64 = 64 << 40;
const PART_OF_THE_REST: u64 = 256;

/// The bytes reserved by all spaces of the process that have more room than 32-bit addresses reach.
static LARGE: AtomicU64 = AtomicU64::new(0);

/// The address space to reserve for a memory with 64-bit addresses, if nothing else is known of it.
pub(in crate::vm) fn default_reservation_64() -> u64 {
    // Only a measure: which of two threads comes first does not matter.
    let rest = ALL_RESERVATIONS_64.saturating_sub(LARGE.load(Ordering::Relaxed));
    RESERVATION_64.min(rest / PART_OF_THE_REST)
}

/// A reservation: room for the memory, then the guard.
#[derive(Debug)]
pub(in crate::vm) struct Space {
    /// Dropped before the reservation it describes.
    _guarded: Option<GuardedRange>,
    pub(in crate::vm) reservation: Reservation,
    /// Bytes the memory can have here.
    pub(in crate::vm) room: usize,
}

impl Space {
    fn new(room: usize, guard: usize) -> Result<Space> {
        let length = room.checked_add(guard).ok_or_else(|| too_large(room as u64))?;
        let reservation = Reservation::new(length).map_err(|error| if guard > 0 { no_room(error) } else { error })?;
        let length = reservation.length();
        // Only accesses to a memory with such a guard go unchecked.
        let _guarded = if guard > 0 && length >= guarded::SMALLEST {
            GuardedRange::register(reservation.base().as_ptr() as usize, length)
        } else {
            None
        };
        let space = Space { _guarded, reservation, room };
        LARGE.fetch_add(space.large(), Ordering::Relaxed);
        Ok(space)
    }

    /// What it counts in [`LARGE`].
    fn large(&self) -> u64 {
        if self.room as u64 > GUARDED_RESERVATION { self.room as u64 } else { 0 }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        LARGE.fetch_sub(self.large(), Ordering::Relaxed);
    }
}

/// The spaces of an engine's memories. Those that are kept hold nothing, and no byte of them can be accessed.
#[derive(Debug)]
pub struct Spaces {
    plan: MemoryPlan,
    kept: Mutex<Vec<Space>>,
}

/// The most spaces that are kept.
const MOST_KEPT: usize = 64;

impl Spaces {
    pub fn new(plan: MemoryPlan) -> Spaces {
        Spaces { plan, kept: Mutex::default() }
    }

    pub fn plan(&self) -> MemoryPlan {
        self.plan
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Space>> {
        self.kept.lock()
    }

    /// A space with at least `room` bytes, none of them committed.
    pub(in crate::vm) fn take(&self, room: u64) -> Result<Space> {
        let rounded = |bytes: u64| usize::try_from(bytes).ok().and_then(round_up);
        let (Some(room), Some(guard)) = (rounded(room), rounded(self.plan.guard)) else { return Err(too_large(room)) };
        if self.keeps(room)
            && let Some(space) = self.kept().pop()
        {
            return Ok(space);
        }
        Space::new(room, guard)
    }

    /// A space with `room` bytes, or as many of them as there is address space for, but at least `least`.
    pub(in crate::vm) fn take_up_to(&self, room: u64, least: u64) -> Result<Space> {
        let mut room = room;
        loop {
            match self.take(room) {
                Err(_) if room > least => room = (room / 2).max(least),
                taken => return taken,
            }
        }
    }

    /// Takes a space back that nobody uses any more, of which the first `committed` bytes may hold something.
    pub(in crate::vm) fn give_back(&self, space: Space, committed: usize) {
        let wanted = self.keeps(space.room) && self.kept().len() < MOST_KEPT;
        // SAFETY: nobody uses it any more, says the caller.
        if wanted && unsafe { space.reservation.decommit(0, committed) }.is_ok() {
            let mut kept = self.kept();
            if kept.len() < MOST_KEPT {
                kept.push(space);
            }
        }
    }

    /// Gives all that is kept back to the system; whether there was any.
    pub(in crate::vm) fn clear(&self) -> bool {
        let kept = std::mem::take(&mut *self.kept());
        !kept.is_empty()
    }

    /// Only spaces that are all alike are kept, and none where address space is short.
    fn keeps(&self, room: usize) -> bool {
        self.plan.guard > 0 && room as u64 == GUARDED_RESERVATION
    }
}

/// No address space for a memory with a guard: compiled code relies on the guard, so there is nothing else to try.
#[cold]
fn no_room(error: Error) -> Error {
    let message = format!(
        "{} for a memory (libwasm_config_set_memory_reservation makes engines whose memories take only what they need)",
        error.message()
    );
    Error::new(error.kind(), message)
}

#[cold]
fn too_large(room: u64) -> Error {
    Error::out_of_memory(format!("memory too large for this machine: {room} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::map::HOST_PAGE;

    #[test]
    fn many_memories_get_less_each() {
        let spaces = Spaces::new(MemoryPlan::GUARDED);
        let mut taken = Vec::new();
        let mut last = default_reservation_64();
        assert_eq!(last, RESERVATION_64);
        while last > GUARDED_RESERVATION {
            taken.push(spaces.take(last).unwrap());
            // Other tests may give some back.
            last = default_reservation_64();
        }
        assert!(taken.len() > 1000, "{}", taken.len());
        // There is enough left for others.
        let others: Vec<_> = (0..5000).map(|_| spaces.take(GUARDED_RESERVATION).unwrap()).collect();
        drop((taken, others));
        assert!(default_reservation_64() > RESERVATION_64 / 2);
    }

    #[test]
    fn what_is_kept_is_empty_and_inaccessible() {
        let spaces = Spaces::new(MemoryPlan::GUARDED);
        let space = spaces.take(1 << 32).unwrap();
        space.reservation.commit(0, 2 * HOST_PAGE).unwrap();
        let base = space.reservation.base().as_ptr();
        // SAFETY: committed above.
        unsafe { base.write(7) };
        spaces.give_back(space, 2 * HOST_PAGE);
        assert!(guarded::may_be_guarded(base as usize));
        let space = spaces.take(1 << 32).unwrap();
        assert_eq!(space.reservation.base().as_ptr(), base);
        assert!(!crate::os::map::is_readable(base));
        space.reservation.commit(0, HOST_PAGE).unwrap();
        // SAFETY: committed above.
        assert_eq!(unsafe { base.read() }, 0);
        spaces.give_back(space, HOST_PAGE);
        spaces.clear();
        assert_eq!(spaces.kept().len(), 0);
        let spaces = Spaces::new(MemoryPlan::COMPACT);
        spaces.give_back(spaces.take(1 << 16).unwrap(), 0);
        assert_eq!(spaces.kept().len(), 0);
    }
}
