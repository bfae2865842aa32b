//! Linear memories as objects of a store.

pub mod address_space;
pub mod image;
pub mod linear;

use crate::abi::{ObjectKind, VMMemory};
use crate::types::{Error, Limits, MemoryType, Result};
use crate::vm::instance::Instance;
use crate::vm::memory::linear::{Contents, LinearMemory, Size};
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::Entity;
use crate::vm::store::{Entered, Store};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::mem::offset_of;

/// A memory. Compiled code reads `definition` at any time.
#[repr(C)]
pub struct Memory {
    pub header: EntityHeader,
    definition: UnsafeCell<VMMemory>,
    ty: MemoryType,
    /// The instance that made it, while that lives; null for the host's.
    definer: Cell<*mut Instance>,
    /// Whether the functions of this file have changed it.
    written: Cell<bool>,
    mapping: RefCell<LinearMemory>,
}

// SAFETY: `repr(C)`, and the header with kind `Memory` is first.
unsafe impl Record for Memory {
    const KIND: ObjectKind = ObjectKind::Memory;
}

// SAFETY: as above.
unsafe impl Entity for Memory {
    const KIND: ObjectKind = ObjectKind::Memory;

    fn definer(&self) -> *mut EntityHeader {
        self.definer_ptr().cast()
    }
}

impl Memory {
    /// Makes a memory of `ty` for the host, all zero.
    pub fn new(entered: &Entered<'_>, ty: MemoryType) -> Result<Handle<Memory>> {
        let store = entered.store();
        let memory = Box::into_raw(Memory::allocate(store, ty, std::ptr::null_mut(), None)?);
        // SAFETY: just boxed, and the header is first.
        unsafe { store.adopt(memory.cast(), memory) }
    }

    /// Makes a memory that begins with `contents`. It is not among the store's entities. `definer` is the instance that defines
    /// it, or null.
    pub(in crate::vm) fn allocate(
        store: &Store,
        ty: MemoryType,
        definer: *mut Instance,
        contents: Option<Contents<'_>>,
    ) -> Result<Box<Memory>> {
        check_type(&ty)?;
        let size = Size {
            minimum: ty.min_bytes(),
            maximum: ty.bytes(ty.limits.max.unwrap_or(ty.max_pages())).unwrap_or(u64::MAX),
            index64: ty.index64,
        };
        let engine = store.engine();
        let map = |or_less| LinearMemory::new(size, or_less, engine.spaces(), contents);
        let again = |error| if engine.empty_pools() { map(false) } else { Err(error) };
        let mapping = map(false).or_else(again).or_else(|_| map(true))?;
        Ok(Box::new(Memory {
            header: EntityHeader::new(ObjectKind::Memory, store),
            definition: UnsafeCell::new(VMMemory { base: mapping.base(), length: mapping.len() }),
            ty,
            definer: Cell::new(definer),
            written: Cell::new(false),
            mapping: RefCell::new(mapping),
        }))
    }

    /// Makes the memory what it was when its instance began. False if it cannot be used again.
    ///
    /// `touched`: whether compiled code or the host can have written to it, other than through the functions of this file. `keep_pages`:
    /// whether a few pages may stay allocated.
    pub(in crate::vm) fn reset(&self, contents: Option<Contents<'_>>, touched: bool, keep_pages: bool) -> bool {
        let mut mapping = self.mapping.borrow_mut();
        if !touched && !self.written.get() {
            return true;
        }
        // SAFETY: the instance is dead and its memory with it: nobody has a handle of either.
        if unsafe { mapping.reset(contents, keep_pages) }.is_err() {
            return false;
        }
        self.written.set(false);
        let definition = VMMemory { base: mapping.base(), length: mapping.len() };
        // SAFETY: as in `base`; no code of the instance runs.
        unsafe { self.definition.get().write(definition) };
        true
    }

    /// Takes up a memory that was reset, for another instance in its definer's block.
    pub(in crate::vm) fn revive(&mut self, store: &Store) {
        self.header = EntityHeader::new(ObjectKind::Memory, store);
    }

    /// What compiled code sees of the memory.
    pub fn definition(&self) -> *mut VMMemory {
        self.definition.get()
    }

    /// The memory a definition is part of; null for null.
    pub fn from_definition(definition: *mut VMMemory) -> *mut Memory {
        if definition.is_null() {
            return std::ptr::null_mut();
        }
        definition.wrapping_byte_sub(offset_of!(Memory, definition)).cast()
    }

    /// The start of the memory's bytes.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        // SAFETY: the definition is part of the memory; it changes only in `grow`, on the store's thread.
        unsafe { (*self.definition.get()).base }
    }

    /// The bytes from the base on that are reserved, before the guard.
    pub fn room(&self) -> usize {
        self.mapping.borrow().room()
    }

    /// Which byte of the memory, or of the guard behind it, an address that faulted is; `None` if it is of something else.
    pub fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.base().addr())?;
        (offset < self.mapping.borrow().reserved()).then_some(offset)
    }

    /// The length in bytes.
    #[inline]
    pub fn byte_len(&self) -> usize {
        // SAFETY: as in `base`.
        unsafe { (*self.definition.get()).length }
    }

    /// The length in pages.
    pub fn pages(&self) -> u64 {
        self.byte_len() as u64 >> self.ty.page_size_log2
    }

    /// The type, with the current size as the minimum.
    pub fn ty(&self) -> MemoryType {
        MemoryType { limits: Limits { min: self.pages(), max: self.ty.limits.max }, ..self.ty }
    }

    /// Grows by `delta` pages, and gives the old size in pages. A limit is the error where the type does not allow it, memory where
    /// the machine does not.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        let old = self.pages();
        let maximum = self.ty.limits.max.unwrap_or(self.ty.max_pages());
        let new = old.checked_add(delta).filter(|&new| new <= maximum);
        let new = new.and_then(|new| usize::try_from(self.ty.bytes(new)?).ok());
        let new = new.ok_or_else(|| Error::limit(format!("the memory of {old} pages cannot grow by {delta}")))?;
        if delta > 0 {
            self.written.set(true);
            let mut mapping = self.mapping.borrow_mut();
            mapping.grow_to(new)?;
            let definition = VMMemory { base: mapping.base(), length: mapping.len() };
            // SAFETY: as in `base`. Compiled code that is suspended in a libcall reloads what it needs.
            unsafe { self.definition.get().write(definition) };
        }
        Ok(old)
    }

    /// `memory.copy`: both ranges have been checked.
    pub(in crate::vm) fn copy_from(&self, start: usize, source: &Memory, range: std::ops::Range<usize>) {
        assert!(range.end <= source.byte_len() && start + range.len() <= self.byte_len());
        self.written.set(true);
        let from = source.base().wrapping_add(range.start);
        // SAFETY: both ranges lie within their memories; `copy` lets them overlap.
        unsafe { std::ptr::copy(from, self.base().wrapping_add(start), range.len()) };
    }

    /// `memory.fill`: the range has been checked.
    pub(in crate::vm) fn fill(&self, range: std::ops::Range<usize>, byte: u8) {
        assert!(range.end <= self.byte_len());
        self.written.set(true);
        // SAFETY: the range lies within the memory.
        unsafe { std::ptr::write_bytes(self.base().wrapping_add(range.start), byte, range.len()) };
    }

    /// Writes bytes of the host or of a module at `start`, where they fit.
    pub(in crate::vm) fn write(&self, start: usize, bytes: &[u8]) {
        assert!(start + bytes.len() <= self.byte_len());
        self.written.set(true);
        // SAFETY: the range lies within the memory, of which no slice of Rust is ever made.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base().wrapping_add(start), bytes.len()) };
    }

    pub(in crate::vm) fn definer_ptr(&self) -> *mut Instance {
        self.definer.get()
    }

    pub(in crate::vm) fn clear_definer(&self) {
        self.definer.set(std::ptr::null_mut());
    }

    pub fn store(&self) -> &Store {
        // SAFETY: a store outlives its entities.
        unsafe { &*self.header.store }
    }
}

fn check_type(ty: &MemoryType) -> Result<()> {
    let Limits { min, max } = ty.limits;
    if ty.shared {
        return Err(Error::unsupported("shared memories"));
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
