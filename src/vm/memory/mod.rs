//! Linear memories as objects of a store.

pub mod address_space;
mod by_type;
pub mod image;
pub mod linear;
pub mod shared;
pub mod waiters;

use crate::abi::{ObjectKind, VMMemory};
use crate::arch::racing_copy;
use crate::types::{Error, Limits, MemoryType, Result};
use crate::vm::instance::Instance;
use crate::vm::memory::by_type::{allocate_bytes, check_type, grown_length};
use crate::vm::memory::linear::{Contents, LinearMemory};
use crate::vm::memory::shared::SharedMemory;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::Entity;
use crate::vm::store::{Entered, Store};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Acquire;

/// A memory, or a store's name of a shared one. Compiled code reads its [`VMMemory`] at any time.
#[repr(C)]
pub struct Memory {
    pub header: EntityHeader,
    ty: MemoryType,
    /// The instance that made it, while that lives; null for the host's.
    definer: Cell<*mut Instance>,
    /// Whether the functions of this file have changed it.
    written: Cell<bool>,
    bytes: Bytes,
}

/// Where the bytes of a memory are.
enum Bytes {
    /// They are the memory's own.
    Own {
        definition: UnsafeCell<VMMemory>,
        mapping: RefCell<LinearMemory>,
    },
    Shared(Arc<SharedMemory>),
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

    /// Makes a name of a shared memory in a store of its engine.
    pub fn of_shared(entered: &Entered<'_>, shared: Arc<SharedMemory>) -> Result<Handle<Memory>> {
        let store = entered.store();
        if !Arc::ptr_eq(store.engine(), shared.engine()) {
            return Err(Error::argument("the shared memory belongs to another engine than the store"));
        }
        store.collect_if_due();
        let (ty, bytes) = (shared.ty(), Bytes::Shared(shared));
        let memory = Box::into_raw(Box::new(Memory::with_bytes(store, ty, std::ptr::null_mut(), bytes)));
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
        let engine = store.engine();
        let bytes = if ty.shared {
            Bytes::Shared(SharedMemory::new(engine, ty, contents)?)
        } else {
            check_type(&ty)?;
            let mapping = allocate_bytes(engine, &ty, contents)?;
            Bytes::Own { definition: UnsafeCell::new(definition_of(&mapping)), mapping: RefCell::new(mapping) }
        };
        Ok(Box::new(Memory::with_bytes(store, ty, definer, bytes)))
    }

    fn with_bytes(store: &Store, ty: MemoryType, definer: *mut Instance, bytes: Bytes) -> Memory {
        let header = EntityHeader::new(ObjectKind::Memory, store);
        Memory { header, ty, definer: Cell::new(definer), written: Cell::new(false), bytes }
    }

    /// The shared memory that this is a name of, if it is one.
    pub fn shared(&self) -> Option<&Arc<SharedMemory>> {
        match &self.bytes {
            Bytes::Own { .. } => None,
            Bytes::Shared(shared) => Some(shared),
        }
    }

    /// Makes the memory what it was when its instance began. False if it cannot be used again: a shared one may be in use elsewhere.
    ///
    /// `touched`: whether compiled code or the host can have written to it, other than through the functions of this file. `keep_pages`:
    /// whether a few pages may stay allocated.
    pub(in crate::vm) fn reset(&self, contents: Option<Contents<'_>>, touched: bool, keep_pages: bool) -> bool {
        let Bytes::Own { definition, mapping } = &self.bytes else { return false };
        let mut mapping = mapping.borrow_mut();
        if !touched && !self.written.get() {
            return true;
        }
        // SAFETY: the instance is dead and its memory with it: nobody has a handle of either.
        if unsafe { mapping.reset(contents, keep_pages) }.is_err() {
            return false;
        }
        self.written.set(false);
        // SAFETY: as in `base`; no code of the instance runs.
        unsafe { definition.get().write(definition_of(&mapping)) };
        true
    }

    /// Takes up a memory that was reset, for another instance in its definer's block.
    pub(in crate::vm) fn revive(&mut self, store: &Store) {
        self.header = EntityHeader::new(ObjectKind::Memory, store);
    }

    /// What compiled code sees of the memory.
    #[inline]
    pub fn definition(&self) -> *mut VMMemory {
        match &self.bytes {
            Bytes::Own { definition, .. } => definition.get(),
            Bytes::Shared(shared) => shared.definition(),
        }
    }

    /// The start of the memory's bytes.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        // SAFETY: the definition lives as long as the memory; its base changes only in `grow`, on the store's thread, if at all.
        unsafe { (*self.definition()).base }
    }

    /// The bytes from the base on that are reserved, before the guard.
    pub fn room(&self) -> usize {
        match &self.bytes {
            Bytes::Own { mapping, .. } => mapping.borrow().room(),
            Bytes::Shared(shared) => shared.room(),
        }
    }

    /// The bytes from the base on that belong to the memory, its guard included.
    fn reserved(&self) -> usize {
        match &self.bytes {
            Bytes::Own { mapping, .. } => mapping.borrow().reserved(),
            Bytes::Shared(shared) => shared.reserved(),
        }
    }

    /// Which byte of the memory, or of the guard behind it, an address that faulted is; `None` if it is of something else.
    pub fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.base().addr())?;
        (offset < self.reserved()).then_some(offset)
    }

    /// The length in bytes. That of a shared memory may grow at any time.
    #[inline]
    pub fn byte_len(&self) -> usize {
        // SAFETY: as in `base`.
        unsafe { &(*self.definition()).length }.load(Acquire)
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
        let (definition, mapping) = match &self.bytes {
            Bytes::Own { definition, mapping } => (definition, mapping),
            Bytes::Shared(shared) => return shared.grow(delta),
        };
        let old = self.pages();
        let new = grown_length(&self.ty, old, delta)?;
        if delta > 0 {
            self.written.set(true);
            let mut mapping = mapping.borrow_mut();
            mapping.grow_to(new)?;
            // SAFETY: as in `base`. Compiled code that is suspended in a libcall reloads what it needs.
            unsafe { definition.get().write(definition_of(&mapping)) };
        }
        Ok(old)
    }

    /// `memory.copy`: both ranges have been checked.
    pub(in crate::vm) fn copy_from(&self, start: usize, source: &Memory, range: Range<usize>) {
        assert!(range.end <= source.byte_len() && start + range.len() <= self.byte_len());
        self.written.set(true);
        let (to, from) = (self.base().wrapping_add(start), source.base().wrapping_add(range.start));
        if self.shared().is_some() || source.shared().is_some() {
            // SAFETY: both ranges lie within their memories, of which no slice of Rust is ever made.
            unsafe { racing_copy::copy(to, from, range.len()) };
        } else {
            // SAFETY: both ranges lie within their memories; `copy` lets them overlap.
            unsafe { std::ptr::copy(from, to, range.len()) };
        }
    }

    /// `memory.fill`: the range has been checked.
    pub(in crate::vm) fn fill(&self, range: Range<usize>, byte: u8) {
        assert!(range.end <= self.byte_len());
        self.written.set(true);
        let to = self.base().wrapping_add(range.start);
        if self.shared().is_some() {
            // SAFETY: the range lies within the memory, of which no slice of Rust is ever made.
            unsafe { racing_copy::fill(to, byte, range.len()) };
        } else {
            // SAFETY: the range lies within the memory.
            unsafe { std::ptr::write_bytes(to, byte, range.len()) };
        }
    }

    /// Writes bytes of the host or of a module at `start`, where they fit.
    pub(in crate::vm) fn write(&self, start: usize, bytes: &[u8]) {
        assert!(start + bytes.len() <= self.byte_len());
        self.written.set(true);
        let to = self.base().wrapping_add(start);
        if self.shared().is_some() {
            // SAFETY: the range lies within the memory, of which no slice of Rust is ever made.
            unsafe { racing_copy::copy(to, bytes.as_ptr(), bytes.len()) };
        } else {
            // SAFETY: as above, and nobody else writes there.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        }
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

fn definition_of(mapping: &LinearMemory) -> VMMemory {
    VMMemory { base: mapping.base(), length: AtomicUsize::new(mapping.len()) }
}
