//! Tables as objects of a store.

use super::entity::{EntityHeader, Handle, Record};
use super::instance::Instance;
use super::store::{Entered, Store};
use super::val;
use super::vmcontext::{ObjectHeader, ObjectKind, VMTable};
use crate::types::{Error, Limits, RefType, Result, TableType, TrapCode};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::mem::offset_of;

/// The largest number of elements a table can grow to.
pub const MAX_TABLE_ELEMENTS: u64 = 10_000_000;

/// A table. Compiled code reads `definition` and the elements at any time.
#[repr(C)]
pub struct Table {
    pub header: EntityHeader,
    definition: UnsafeCell<VMTable>,
    ty: TableType,
    /// The instance that made it, while that lives; null for the host's.
    home: Cell<*mut Instance>,
    /// The elements' allocation, in words of 8 bytes.
    storage: RefCell<Vec<u64>>,
}

// SAFETY: `repr(C)`, and the header with kind `Table` is first.
unsafe impl Record for Table {
    const KIND: ObjectKind = ObjectKind::Table;
}

impl Table {
    /// Makes a table of `ty` whose elements are all `init`, the bits of a reference of the element type.
    /// `home` is the instance that defines it, or null.
    pub fn new(entered: &Entered<'_>, ty: TableType, init: u64, home: *mut Instance) -> Result<Handle<Table>> {
        let store = entered.store();
        check_type(&ty)?;
        let table = Box::into_raw(Box::new(Table {
            header: EntityHeader::new(ObjectKind::Table, store),
            definition: UnsafeCell::new(VMTable { base: std::ptr::null_mut(), length: 0 }),
            ty,
            home: Cell::new(home),
            storage: RefCell::default(),
        }));
        // SAFETY: just boxed, and the header is first.
        let table = unsafe { store.adopt(table.cast(), table)? };
        if table.grow(ty.limits.min, init).is_none() {
            return Err(Error::out_of_memory(format!("out of memory for a table of {} elements", ty.limits.min)));
        }
        Ok(table)
    }

    /// What compiled code sees of the table.
    pub fn definition(&self) -> *mut VMTable {
        self.definition.get()
    }

    /// The table a definition is part of; null for null.
    pub fn from_definition(definition: *mut VMTable) -> *mut Table {
        if definition.is_null() {
            return std::ptr::null_mut();
        }
        definition.wrapping_byte_sub(offset_of!(Table, definition)).cast()
    }

    pub fn element(&self) -> RefType {
        self.ty.element
    }

    /// The length in elements.
    pub fn size(&self) -> u64 {
        // SAFETY: the definition is part of the table; it changes only in `grow`, on the store's thread.
        unsafe { (*self.definition.get()).length as u64 }
    }

    /// The type, with the current size as the minimum.
    pub fn ty(&self) -> TableType {
        TableType { limits: Limits { min: self.size(), max: self.ty.limits.max }, ..self.ty }
    }

    fn base(&self) -> *mut u8 {
        // SAFETY: as in `size`.
        unsafe { (*self.definition.get()).base }
    }

    /// The bits of an element; `None` out of bounds.
    pub fn get(&self, index: u64) -> Option<u64> {
        (index < self.size()).then(|| {
            let index = index as usize;
            if self.ty.element.is_func() {
                // SAFETY: in bounds, and elements of function tables are 8 bytes.
                unsafe { self.base().cast::<u64>().wrapping_add(index).read() }
            } else {
                // SAFETY: in bounds, and elements of other tables are 4 bytes.
                u64::from(unsafe { self.base().cast::<u32>().wrapping_add(index).read() })
            }
        })
    }

    /// Sets an element to the bits of a reference of the element type; `None` out of bounds.
    pub fn set(&self, index: u64, bits: u64) -> Option<()> {
        (index < self.size()).then(|| {
            let index = index as usize;
            if self.ty.element.is_func() {
                // SAFETY: as in `get`.
                unsafe { self.base().cast::<u64>().wrapping_add(index).write(bits) }
            } else {
                // SAFETY: as in `get`.
                unsafe { self.base().cast::<u32>().wrapping_add(index).write(bits as u32) }
            }
        })
    }

    /// Grows by `delta` elements; the old length, or `None` where the type or the machine does not allow it.
    pub fn grow(&self, delta: u64, init: u64) -> Option<u64> {
        let old = self.size();
        let maximum = self.ty.limits.max.unwrap_or(MAX_TABLE_ELEMENTS).min(MAX_TABLE_ELEMENTS);
        let new = old.checked_add(delta).filter(|&new| new <= maximum)?;
        let mut storage = self.storage.borrow_mut();
        let words = if self.ty.element.is_func() { new } else { new.div_ceil(2) } as usize;
        let additional = words.saturating_sub(storage.len());
        if additional > storage.capacity() - storage.len() {
            storage.try_reserve(additional).ok()?;
        }
        storage.resize(words, 0);
        let definition = VMTable { base: storage.as_mut_ptr().cast(), length: new as usize };
        // SAFETY: as in `size`. Compiled code that is suspended in a libcall reloads what it needs.
        unsafe { self.definition.get().write(definition) };
        drop(storage);
        // A shrunk odd length can leave old bits in the other half of the last word; every new element is written.
        for index in old..new {
            self.set(index, init)?;
        }
        Some(old)
    }

    /// `table.fill`.
    pub fn fill(&self, start: u64, bits: u64, count: u64) -> Result<(), TrapCode> {
        let end = start.checked_add(count).filter(|&end| end <= self.size()).ok_or(TrapCode::TableOutOfBounds)?;
        for index in start..end {
            self.set(index, bits);
        }
        Ok(())
    }

    /// `table.copy` from `source`, which may be the same table.
    pub fn copy_from(&self, start: u64, source: &Table, source_start: u64, count: u64) -> Result<(), TrapCode> {
        let fits = |start: u64, len: u64| start.checked_add(count).is_some_and(|end| end <= len);
        if !fits(start, self.size()) || !fits(source_start, source.size()) {
            return Err(TrapCode::TableOutOfBounds);
        }
        let size = if self.ty.element.is_func() { 8 } else { 4 };
        let bytes = count as usize * size;
        let from = source.base().wrapping_add(source_start as usize * size);
        let to = self.base().wrapping_add(start as usize * size);
        if bytes > 0 {
            // SAFETY: both ranges are in bounds; validation made the element types, and so the sizes, equal.
            unsafe { std::ptr::copy(from, to, bytes) };
        }
        Ok(())
    }

    /// Sets an element to an object, for the host.
    ///
    /// # Safety
    /// `object` is null or live.
    pub unsafe fn set_object(&self, entered: &Entered<'_>, index: u64, object: *mut ObjectHeader) -> Result<()> {
        let len = self.size();
        if index >= len {
            return Err(Error::argument(format!("the index is out of bounds: index {index}, table size {len}")));
        }
        // SAFETY: passed on to the caller.
        let bits = unsafe { object_bits(entered, object, self.ty.element)? };
        self.set(index, bits);
        Ok(())
    }

    /// Grows with an object as the new elements, for the host.
    ///
    /// # Safety
    /// `object` is null or live.
    pub unsafe fn grow_object(&self, entered: &Entered<'_>, delta: u64, object: *mut ObjectHeader) -> Result<()> {
        // SAFETY: passed on to the caller.
        let bits = unsafe { object_bits(entered, object, self.ty.element)? };
        self.grow(delta, bits).map(drop).ok_or_else(|| {
            Error::limit(format!("the table cannot grow by {delta}: its size is {}, its type {}", self.size(), {
                crate::types::ExternType::Table(self.ty)
            }))
        })
    }

    /// The object in an element; `None` out of bounds.
    pub fn get_object(&self, index: u64) -> Option<*mut ObjectHeader> {
        self.get(index).map(|bits| val::bits_to_object(self.store(), bits, self.ty.element))
    }

    pub(super) fn home(&self) -> Option<&Instance> {
        // SAFETY: the home is cleared before the instance goes.
        unsafe { self.home.get().as_ref() }
    }

    pub(super) fn home_ptr(&self) -> *mut Instance {
        self.home.get()
    }

    pub(super) fn clear_home(&self) {
        self.home.set(std::ptr::null_mut());
    }

    pub fn store(&self) -> &Store {
        // SAFETY: a store outlives its entities.
        unsafe { &*self.header.store }
    }
}

/// The bits of an object as a reference of `ty`, checked.
///
/// # Safety
/// `object` is null or live.
pub unsafe fn object_bits(entered: &Entered<'_>, object: *mut ObjectHeader, ty: RefType) -> Result<u64> {
    let store = entered.store();
    // SAFETY: passed on to the caller.
    unsafe { val::check_ref(store, object, ty)? };
    if !ty.is_func() && !object.is_null() {
        store.reserve_boxes(1)?;
    }
    // SAFETY: checked above; the store is entered.
    unsafe { val::ref_to_bits(store, object, ty) }
}

fn check_type(ty: &TableType) -> Result<()> {
    let Limits { min, max } = ty.limits;
    if ty.index64 || !matches!(ty.element, RefType::FUNCREF | RefType::EXTERNREF) {
        return Err(Error::unsupported(format!("tables of type {ty}", ty = crate::types::ExternType::Table(*ty))));
    }
    if max.is_some_and(|max| min > max) {
        return Err(Error::argument(format!("the table's minimum is above its maximum: {min}, {}", max.unwrap_or(0))));
    }
    if min > MAX_TABLE_ELEMENTS {
        return Err(Error::limit(format!(
            "a table can have at most {MAX_TABLE_ELEMENTS} elements, its minimum is {min}"
        )));
    }
    Ok(())
}
