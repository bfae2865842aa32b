//! Memories by their types: which can be, how their bytes are allocated, and how far they grow.

use crate::types::{Error, Limits, MemoryType, Result};
use crate::vm::engine::Engine;
use crate::vm::memory::linear::{Contents, LinearMemory, Size};

/// The bytes of a memory of an engine, with as much address space as is good for it, if it can be had.
pub(super) fn allocate_bytes(engine: &Engine, ty: &MemoryType, contents: Option<Contents<'_>>) -> Result<LinearMemory> {
    let size = Size {
        minimum: ty.min_bytes(),
        maximum: ty.bytes(ty.limits.max.unwrap_or(ty.max_pages())).unwrap_or(u64::MAX),
        index64: ty.index64,
        stays: ty.shared,
    };
    let map = |or_less| LinearMemory::new(size, or_less, engine.spaces(), contents);
    let again = |error| if engine.empty_pools() { map(false) } else { Err(error) };
    let with_less = |error| if size.index64 || size.stays { map(true) } else { Err(error) };
    map(false).or_else(again).or_else(with_less)
}

/// The length in bytes of a memory of `old` pages that grows by `delta`; an error where the type does not allow it.
pub(super) fn grown_length(ty: &MemoryType, old: u64, delta: u64) -> Result<usize> {
    let maximum = ty.limits.max.unwrap_or(ty.max_pages());
    let new = old.checked_add(delta).filter(|&new| new <= maximum);
    let new = new.and_then(|new| usize::try_from(ty.bytes(new)?).ok());
    new.ok_or_else(|| Error::limit(format!("the memory of {old} pages cannot grow by {delta}")))
}

/// An error for a type that no memory can have.
pub(super) fn check_type(ty: &MemoryType) -> Result<()> {
    let Limits { min, max } = ty.limits;
    if ty.shared && max.is_none() {
        return Err(Error::argument("a shared memory must have a maximum"));
    }
    let most = ty.max_pages();
    if min > most {
        return Err(Error::limit(format!("such a memory can have at most {most} pages, its minimum is {min}")));
    }
    if let Some(max) = max.filter(|&max| max > most) {
        return Err(Error::limit(format!("such a memory can have at most {most} pages, its maximum is {max}")));
    }
    if max.is_some_and(|max| min > max) {
        return Err(Error::argument(format!("the memory's minimum is above its maximum: {min}, {}", max.unwrap_or(0))));
    }
    Ok(())
}
