//! Maps from offsets in a text to numbers, sorted by offset, in about three bytes for each entry.
//!
//! Artifacts consist of machine code and of these maps for the most part, so that their size decides how long it takes to
//! load one. Entries come in blocks of [`BLOCK`]. The first of each is in an array of its own, which is searched by halves;
//! the others are differences from the entry before, in as few bytes as they need.

use crate::module::{Bytes, Words, numbers, push_words};

/// Entries in a block. More make the map smaller and lookups slower.
const BLOCK: usize = 16;

/// A zero-copy map: its numbers are read from the bytes of the artifact. Damaged ones give wrong answers, but nothing is read outside of
/// them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OffsetMap {
    /// For each block the offset and the number of its first entry, and where the others lie in `rest`.
    firsts: Words,
    rest: Bytes,
}

impl OffsetMap {
    pub fn new(firsts: Bytes, rest: Bytes) -> OffsetMap {
        OffsetMap { firsts: firsts.into(), rest }
    }

    /// The two parts that make the map.
    pub fn parts(&self) -> [&[u8]; 2] {
        [self.firsts.as_bytes(), &self.rest]
    }

    /// The last entry at `offset` or before it.
    pub fn up_to(&self, offset: u32) -> Option<(u32, u32)> {
        let firsts = self.firsts.records::<3>();
        let block = firsts.partition_point(|first| numbers(first)[0] <= offset).checked_sub(1)?;
        let [mut found_offset, mut found, start] = numbers(firsts.get(block)?);
        let rest: &[u8] = &self.rest;
        let end = firsts.get(block + 1).map_or(rest.len(), |next| numbers(next)[2] as usize);
        let mut rest = rest.get(start as usize..end).unwrap_or_default().iter();
        for _ in 1..BLOCK {
            let (Some(distance), Some(difference)) = (read(&mut rest), read(&mut rest)) else { break };
            let next = found_offset.wrapping_add(distance);
            if next > offset {
                break;
            }
            (found_offset, found) = (next, found.wrapping_add(unfold(difference)));
        }
        Some((found_offset, found))
    }

    /// The number at exactly `offset`.
    pub fn at(&self, offset: u32) -> Option<u32> {
        self.up_to(offset).filter(|&(found, _)| found == offset).map(|(_, number)| number)
    }
}

/// A map in the making.
#[derive(Default)]
pub(super) struct OffsetMapBuilder {
    firsts: Vec<u8>,
    rest: Vec<u8>,
    len: usize,
    last: (u32, u32),
}

impl OffsetMapBuilder {
    /// Adds an entry, at no lower an offset than the last one's.
    pub fn push(&mut self, offset: u32, number: u32) {
        if self.len.is_multiple_of(BLOCK) {
            // The entries of a text of less than 2 GiB take less than 4 GiB: most instructions have none.
            push_words(&mut self.firsts, &[offset, number, self.rest.len() as u32]);
        } else {
            write(&mut self.rest, offset.wrapping_sub(self.last.0));
            write(&mut self.rest, fold(number.wrapping_sub(self.last.1)));
        }
        self.len += 1;
        self.last = (offset, number);
    }

    pub fn finish(self) -> [Vec<u8>; 2] {
        [self.firsts, self.rest]
    }
}

/// Small differences in both directions become small numbers.
fn fold(difference: u32) -> u32 {
    (difference << 1) ^ (((difference as i32) >> 31) as u32)
}

fn unfold(folded: u32) -> u32 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

/// Seven bits in each byte, the lowest first; the last byte has its highest bit clear (LEB128).
fn write(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u32> {
    let mut number = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.next()?;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(u32, u32)]) -> OffsetMap {
        let mut builder = OffsetMapBuilder::default();
        entries.iter().for_each(|&(offset, number)| builder.push(offset, number));
        let [firsts, rest] = builder.finish();
        OffsetMap::new(firsts.into(), rest.into())
    }

    fn entries() -> Vec<(u32, u32)> {
        let number = |index: u32| if index.is_multiple_of(7) { u32::MAX } else { 1000 - 3 * index };
        (0..100).map(|index| (5 + index * index, number(index))).chain([(u32::MAX, 0)]).collect()
    }

    #[test]
    fn agrees_with_a_search() {
        for len in 0..=entries().len() {
            let entries = &entries()[..len];
            let map = map(entries);
            for offset in (0..10_010).chain([u32::MAX - 1, u32::MAX]) {
                let position = entries.partition_point(|&(start, _)| start <= offset);
                let expected = position.checked_sub(1).map(|index| entries[index]);
                assert_eq!(map.up_to(offset), expected);
                assert_eq!(map.at(offset), expected.filter(|found| found.0 == offset).map(|found| found.1));
            }
        }
    }

    #[test]
    fn of_equal_offsets_the_last_counts() {
        assert_eq!(map(&[(1, 2), (4, 3), (4, 5), (9, 6)]).up_to(4), Some((4, 5)));
    }

    #[test]
    fn numbers_of_every_size() {
        for number in [0, 1, 127, 128, 1 << 14, (1 << 21) - 1, 1 << 28, u32::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert_eq!(read(&mut bytes.iter()), Some(number));
            assert_eq!(unfold(fold(number)), number);
            assert_eq!(read(&mut bytes[1..].iter()).is_some(), bytes.len() > 1);
        }
        assert_eq!((fold(1), fold(u32::MAX), read(&mut [0xff; 9].iter())), (2, 1, None));
    }

    #[test]
    fn damage_is_survived() {
        let parts = map(&entries()).parts().map(<[u8]>::to_vec);
        for part in 0..2 {
            for at in 0..parts[part].len() {
                for flip in [1, 0x80, 0xff] {
                    let mut parts = parts.clone();
                    parts[part][at] ^= flip;
                    let [firsts, rest] = parts.map(Bytes::from);
                    let map = OffsetMap::new(firsts, rest);
                    (0..10_000).step_by(50).chain([u32::MAX]).for_each(|offset| _ = map.up_to(offset));
                }
            }
        }
    }
}
