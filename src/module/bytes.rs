//! Bytes that are read zero-copy, and arrays of numbers in them.
//!
//! What a module has one of for each function is never copied out of its artifact: [`Bytes`] is a part of whatever owns it
//! (a vector, an artifact in memory, a mapped file), and [`Words`] is such a part as an array of little-endian 32-bit
//! numbers. A file that is mapped may be damaged, so no lookup trusts what it reads: whatever lies outside is not there.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that are never changed, and live as long as their parts.
#[derive(Clone)]
pub struct Bytes(Inner);

#[derive(Clone)]
enum Inner {
    Own(Arc<Vec<u8>>),
    /// The bytes are the owner's: they exist as long as it does, so nothing here gives them out for longer than `self` lives.
    Lent {
        bytes: &'static [u8],
        _owner: Option<Arc<dyn Any + Send + Sync>>,
    },
}

impl Bytes {
    /// Bytes of `owner`, which may exist only as long as it does, whatever their lifetime says.
    pub fn lent(bytes: &'static [u8], owner: Arc<dyn Any + Send + Sync>) -> Bytes {
        Bytes(Inner::Lent { bytes, _owner: Some(owner) })
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes(Inner::Lent { bytes: &[], _owner: None })
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        if bytes.is_empty() { Bytes::default() } else { Bytes(Inner::Own(Arc::new(bytes))) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Own(bytes) => bytes,
            Inner::Lent { bytes, .. } => bytes,
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// An array of 32-bit numbers.
#[derive(Clone, Default, PartialEq)]
pub struct Words(Bytes);

impl Words {
    pub fn len(&self) -> usize {
        self.0.len() / 4
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<u32> {
        self.records::<1>().get(index).map(|&[word]| u32::from_le_bytes(word))
    }

    /// The array as one of records of `N` numbers each.
    pub fn records<const N: usize>(&self) -> &[[[u8; 4]; N]] {
        self.0.as_chunks().0.as_chunks().0
    }

    /// The numbers in `range`; none if they do not all exist.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = u32> + Clone + '_ {
        let words = self.0.as_chunks().0.get(range).unwrap_or_default();
        words.iter().map(|&word| u32::from_le_bytes(word))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Words {
    fn from(bytes: Bytes) -> Words {
        Words(bytes)
    }
}

impl From<Words> for Bytes {
    fn from(words: Words) -> Bytes {
        words.0
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.range(0..self.len())).finish()
    }
}

/// The numbers of a record.
pub fn numbers<const N: usize>(record: &[[u8; 4]; N]) -> [u32; N] {
    record.map(u32::from_le_bytes)
}

/// Appends numbers as [`Words`] reads them.
pub fn push_words(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_place() {
        let mut bytes = Vec::new();
        push_words(&mut bytes, &[1, 2, 3, u32::MAX]);
        bytes.push(7);
        let words = Words::from(Bytes::from(bytes));
        assert_eq!((words.len(), words.get(1), words.get(3), words.get(4)), (4, Some(2), Some(u32::MAX), None));
        assert_eq!(words.range(1..3).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(words.records::<2>().iter().map(numbers).collect::<Vec<_>>(), [[1, 2], [3, u32::MAX]]);
        assert_eq!(words.records::<3>().len(), 1);
        assert_eq!(format!("{words:?}"), "[1, 2, 3, 4294967295]");
        assert_eq!(words.range(3..5).count() + words.range(usize::MAX - 1..usize::MAX).count(), 0);
        assert!(Bytes::default().is_empty() && Words::default().is_empty());
        assert_eq!(Words::from(Bytes::lent(&[1, 0, 0, 0], Arc::new(()))).get(0), Some(1));
        assert_eq!(&*Bytes::from(vec![1, 2]), [1, 2]);
    }
}
