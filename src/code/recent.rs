//! Which calls were asked for their handlers last: an exception that is thrown again and again crosses the same frames, and a search of all
//! handlers for each of them would cost more than all else.

use crate::code::tables::{CodeTables, HandlerInfo};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

const BITS: u32 = 7;

/// For some offsets of return addresses in a text, whether and where their handlers stand in its tables.
///
/// A slot is the offset, and in the lower half the place of its handler plus one, or 0 if it has none. It is read and written as a whole, so
/// that threads and signal handlers need nothing else. No return address has the offset 0, which an empty slot says has no handler.
#[derive(Debug)]
pub(super) struct RecentHandlers {
    /// None if no call of the text has a handler.
    slots: Box<[AtomicU64]>,
}

impl RecentHandlers {
    pub fn of(tables: &CodeTables) -> RecentHandlers {
        let count = if tables.has_handlers() { 1 << BITS } else { 0 };
        RecentHandlers { slots: (0..count).map(|_| AtomicU64::new(0)).collect() }
    }

    /// As [`CodeTables::handler`] of what [`CodeTables::handler_index`] gives, for the tables that this was made of.
    pub fn handler_at(&self, tables: &CodeTables, offset: u32) -> Option<HandlerInfo> {
        let slot = self.slots.get((offset.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize)?;
        let known = slot.load(Relaxed);
        let place = if (known >> 32) as u32 == offset {
            known as u32
        } else {
            let place = tables.handler_index(offset).map_or(0, |index| index as u32 + 1);
            slot.store(u64::from(offset) << 32 | u64::from(place), Relaxed);
            place
        };
        tables.handler(place.checked_sub(1)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::object::CodeObject;
    use crate::code::object::tests::func;
    use crate::compiler::Handler;

    #[test]
    fn agrees_with_a_search_whatever_was_asked_before() {
        let mut throwing = func(4000);
        let handlers = (1..500).map(|n| Handler { return_offset: 7 * n, offset: 7 * n + 3, frame_size: 16 * n });
        throwing.handlers = handlers.collect();
        let tables = CodeObject::link(vec![throwing], 0).unwrap().tables;
        let recent = RecentHandlers::of(&tables);
        for round in 0..3 {
            for offset in (0..4000).map(|n| n * (2 * round + 1) % 4000) {
                let searched = tables.handler_index(offset).and_then(|index| tables.handler(index));
                assert_eq!(searched.is_some(), offset % 7 == 0 && (7..3500).contains(&offset));
                assert_eq!(recent.handler_at(&tables, offset), searched, "at {offset}");
                assert_eq!(recent.handler_at(&tables, offset), searched, "at {offset}, again");
            }
        }
    }

    #[test]
    fn a_text_without_handlers_has_no_slots() {
        let tables = CodeObject::link(vec![func(20)], 0).unwrap().tables;
        let recent = RecentHandlers::of(&tables);
        assert!(recent.slots.is_empty());
        assert_eq!(recent.handler_at(&tables, 10), None);
    }
}
