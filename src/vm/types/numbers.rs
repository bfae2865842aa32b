//! Numbers of types that were given back: ranges, which become one where they touch, whatever the groups were that had them.

use std::collections::{BTreeMap, BTreeSet};

/// Ranges of numbers, of which no two touch.
#[derive(Debug, Default)]
pub(super) struct FreeNumbers {
    /// How many numbers there are from each first on.
    by_first: BTreeMap<u32, u32>,
    /// The same: how many, and the first.
    by_count: BTreeSet<(u32, u32)>,
}

impl FreeNumbers {
    /// Takes so many consecutive numbers out, of the smallest range that has as many: the first of them.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let &(found, first) = self.by_count.range((count, 0)..).next()?;
        self.remove(first, found);
        self.insert(first + count, found - count);
        Some(first)
    }

    /// Puts numbers in that are not there.
    pub fn put(&mut self, first: u32, count: u32) {
        let (mut start, mut end) = (first, first + count);
        if let Some((&before, &length)) = self.by_first.range(..first).next_back()
            && before + length == first
        {
            self.remove(before, length);
            start = before;
        }
        if let Some(&length) = self.by_first.get(&end) {
            self.remove(end, length);
            end += length;
        }
        self.insert(start, end - start);
    }

    /// Takes the range out that ends before `end`, if there is one: its first number.
    pub fn take_last(&mut self, end: u32) -> Option<u32> {
        let (&first, &count) = self.by_first.last_key_value().filter(|&(first, count)| first + count == end)?;
        self.remove(first, count);
        Some(first)
    }

    fn insert(&mut self, first: u32, count: u32) {
        if count != 0 {
            self.by_first.insert(first, count);
            self.by_count.insert((count, first));
        }
    }

    fn remove(&mut self, first: u32, count: u32) {
        self.by_first.remove(&first);
        self.by_count.remove(&(count, first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut free = FreeNumbers::default();
        assert_eq!((free.take(1), free.take_last(0)), (None, None));
        for first in [30, 10, 50, 20] {
            free.put(first, 10);
        }
        assert_eq!(free.by_first, BTreeMap::from([(10, 30), (50, 10)]));
        free.put(40, 10);
        assert_eq!(free.by_first, BTreeMap::from([(10, 50)]));
        assert_eq!((free.take(51), free.take(7), free.take(43)), (None, Some(10), Some(17)));
        assert!(free.by_first.is_empty() && free.by_count.is_empty());
        // Of several, the smallest that suffices; the rest of it stays.
        free.put(100, 8);
        free.put(200, 4);
        assert_eq!(free.take(3), Some(200));
        assert_eq!((free.take_last(109), free.take_last(204), free.take_last(108)), (None, Some(203), Some(100)));
    }
}
