//! The records of types, in one array for the process that compiled code reads.
//!
//! Written under the registry's lock, before the numbers of a group are known to anybody, and after nobody knows them any more.

use super::Shape;
use crate::abi::{DISPLAY, MOST_TYPES, VMTypeRecord, type_kind};
use crate::os;
use crate::os::map::{HOST_PAGE, Reservation};
use crate::os::sync::OnceLock;
use crate::types::{Error, Result, TypeId};
use std::ops::Range;
use std::ptr::null;

const RECORD: usize = size_of::<VMTypeRecord>();
const RECORDS_OF_PAGE: usize = HOST_PAGE / RECORD;
/// How many there are where address space is limited.
const FEW_TYPES: usize = 1 << 16;
/// Pages are committed so many bytes at a time.
const STEP: usize = 16 * HOST_PAGE;

/// The array; reserved when the first record is written. Where that fails, the next attempt may succeed.
fn array() -> Result<&'static Reservation> {
    static ARRAY: OnceLock<Reservation> = OnceLock::new();
    if let Some(array) = ARRAY.get() {
        return Ok(array);
    }
    let all = if os::address_space_limited() { FEW_TYPES } else { MOST_TYPES as usize };
    let array = Reservation::new(all * RECORD).or_else(|_| Reservation::new(FEW_TYPES * RECORD));
    let array = array.map_err(|_| Error::out_of_memory("no address space for the records of types"))?;
    // The record of the host's objects is read before there is any other.
    array.commit(0, STEP)?;
    Ok(ARRAY.get_or_init(|| array))
}

/// Where the record of the type with number 0 lies.
pub fn base() -> Result<*const VMTypeRecord> {
    Ok(array()?.base().as_ptr().cast())
}

/// The part of the array that can be written. It lies in the registry, so its lock protects what is written.
#[derive(Debug, Default)]
pub(super) struct Records {
    committed: usize,
}

impl Records {
    /// Makes room for the records of the types up to `end`.
    pub fn reserve(&mut self, end: u32) -> Result<()> {
        let end = (end as usize * RECORD).next_multiple_of(STEP);
        if end <= self.committed {
            return Ok(());
        }
        let array = array()?;
        if end > array.length() {
            return Err(Error::limit("too many types are in use in this process"));
        }
        array.commit(self.committed, end - self.committed)?;
        self.committed = end;
        Ok(())
    }

    /// Writes the record of a type, for which there is room. `supertypes` end in the type itself.
    pub fn write(&mut self, id: TypeId, supertypes: &[TypeId], shape: Option<&Shape>) {
        let mut display = [0; DISPLAY];
        for (place, supertype) in display.iter_mut().zip(supertypes) {
            *place = supertype.0 + 1;
        }
        let kind = match shape {
            None => 0,
            Some(Shape::Struct { .. }) => type_kind::STRUCT,
            Some(Shape::Array { .. }) => type_kind::ARRAY,
        };
        let shape = shape.map_or(null(), std::ptr::from_ref);
        let depth = supertypes.len() as u32 - 1;
        self.put(id, VMTypeRecord { display, depth, kind, shape });
    }

    /// Makes the records of consecutive types all zero again, and gives the memory of whole pages back.
    pub fn clear(&mut self, first: u32, count: u32) {
        let ids = first as usize..(first + count) as usize;
        let pages = ids.start.div_ceil(RECORDS_OF_PAGE)..ids.end / RECORDS_OF_PAGE;
        let given_back = !pages.is_empty() && self.give_back(&pages).is_ok();
        for id in ids.filter(|id| !given_back || !pages.contains(&(id / RECORDS_OF_PAGE))) {
            self.put(TypeId(id as u32), VMTypeRecord { display: [0; DISPLAY], depth: 0, kind: 0, shape: null() });
        }
    }

    fn give_back(&mut self, pages: &Range<usize>) -> Result<()> {
        // SAFETY: nobody reads the record of a number that nobody has.
        unsafe { array()?.reset(pages.start * HOST_PAGE, pages.len() * HOST_PAGE) }
    }

    fn put(&mut self, id: TypeId, record: VMTypeRecord) {
        let Ok(base) = base() else { return };
        assert!((id.0 as usize + 1) * RECORD <= self.committed);
        // SAFETY: committed, and nobody reads the record of a number that nobody has.
        unsafe { base.cast_mut().wrapping_add(id.0 as usize).write(record) };
    }
}
