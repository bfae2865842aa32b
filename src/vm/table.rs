//! Tables as objects of a store.
//!
//! A function table that a module fills from constant segments is *lazy*: instantiation leaves its elements 0, and a [`TableImage`] says
//! which function each element stands for. Code that reads a 0 calls [`Table::get`], which materializes the element: it makes the
//! function reference and stores it. Before the first null is stored in a lazy table, all of its elements are materialized
//! ([`Table::materialize`]), so that 0 means null from then on. A lazy table hands out functions of the instance that defines it, so the
//! collector keeps that instance as long as the table.
//!
//! The function references of an instance are records in its block, and have the same addresses when the pool reuses the block. So a
//! reused table keeps the elements that were materialized, unless something else was ever stored in it, which `VMTable::written` records.

use crate::abi::{Crossing, Form, ObjectHeader, ObjectKind, VMTable};
use crate::os::zeroed::Zeroed;
use crate::types::{Error, Limits, RefType, Result, TableType, TrapCode, ValType};
use crate::vm::instance::Instance;
use crate::vm::instance::initial::TableImage;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::store::{Entered, Store};
use crate::vm::types::DefinedType;
use crate::vm::val;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::mem::offset_of;
use std::ptr::{null, null_mut};

/// The largest number of elements a table can grow to.
pub const MAX_TABLE_ELEMENTS: u64 = 10_000_000;

/// The most bytes of elements that are kept for the next instance where a table did not start with so many.
const LARGEST_KEPT: usize = 64 << 10;

/// A table. Compiled code reads `definition` and the elements at any time.
#[repr(C)]
pub struct Table {
    pub header: EntityHeader,
    definition: UnsafeCell<VMTable>,
    ty: TableType,
    crossing: Crossing,
    /// The type that the element type names, if it names one.
    _defined: Option<DefinedType>,
    /// The instance that made it, while that lives; null for the host's.
    definer: Cell<*mut Instance>,
    /// What elements that are 0 stand for, while the table is lazy; else null. Part of the definer's module.
    image: Cell<*const TableImage>,
    /// The elements, and zeros beyond them.
    storage: RefCell<Zeroed>,
}

// SAFETY: `repr(C)`, and the header with kind `Table` is first.
unsafe impl Record for Table {
    const KIND: ObjectKind = ObjectKind::Table;
}

// SAFETY: as above.
unsafe impl Entity for Table {
    const KIND: ObjectKind = ObjectKind::Table;

    fn trace(&self, tracer: &mut dyn Tracer) {
        if self.is_lazy() {
            // What is not filled yet are functions of the definer.
            tracer.object(self.definer_ptr().cast());
        }
        for bits in self.stored_elements() {
            tracer.reference(self.element(), bits);
        }
    }

    /// From a table, WebAssembly reaches the functions of the instance that defines it.
    fn escape(&self) {
        if let Some(definer) = self.defining_instance() {
            definer.header.escaped.set(true);
        }
    }

    fn definer(&self) -> *mut EntityHeader {
        self.definer_ptr().cast()
    }
}

impl Table {
    /// Makes a table of `ty` for the host, whose elements are all `init`, the bits of a reference of the element type.
    pub fn new(entered: &Entered<'_>, ty: TableType, init: u64) -> Result<Handle<Table>> {
        let store = entered.store();
        let table = Table::allocate(store, ty, null_mut())?;
        if init != 0 {
            for index in 0..table.size() {
                table.set(index, init);
            }
        }
        let table = Box::into_raw(table);
        // SAFETY: just boxed, and the header is first.
        unsafe { store.adopt(table.cast(), table) }
    }

    /// Makes a table whose elements are 0. It is not among the store's entities. `definer` is the instance that defines it, or null.
    pub(super) fn allocate(store: &Store, ty: TableType, definer: *mut Instance) -> Result<Box<Table>> {
        check_type(&ty)?;
        let table = Box::new(Table {
            header: EntityHeader::new(ObjectKind::Table, store),
            definition: UnsafeCell::new(VMTable { base: null_mut(), length: 0, written: 0 }),
            ty,
            crossing: val::crossing(ValType::Ref(ty.element)),
            _defined: DefinedType::named_by(ty.element.heap),
            definer: Cell::new(definer),
            image: Cell::new(null()),
            storage: RefCell::default(),
        });
        if table.resize(ty.limits.min).is_none() {
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
            return null_mut();
        }
        definition.wrapping_byte_sub(offset_of!(Table, definition)).cast()
    }

    pub fn element(&self) -> RefType {
        self.ty.element
    }

    /// The length in elements.
    pub fn size(&self) -> u64 {
        // SAFETY: the definition is part of the table; it changes only in `resize` and `reset`, on the store's thread.
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

    fn written(&self) -> bool {
        // SAFETY: as in `size`; compiled code, which sets it as well, runs on the store's thread.
        unsafe { (*self.definition.get()).written != 0 }
    }

    fn set_written(&self, written: bool) {
        // SAFETY: as in `written`.
        unsafe { (*self.definition.get()).written = written.into() };
    }

    fn element_size(&self) -> usize {
        if self.ty.element.is_func() { 8 } else { 4 }
    }

    /// Makes elements that are 0 stand for what the image says.
    pub(super) fn set_image(&self, image: Option<&TableImage>) {
        self.image.set(image.map_or(null(), std::ptr::from_ref));
    }

    pub(super) fn is_lazy(&self) -> bool {
        !self.image.get().is_null()
    }

    /// What is stored in an element that is in bounds.
    fn stored(&self, index: u64) -> u64 {
        let index = index as usize;
        if self.crossing.form == Form::Func {
            // SAFETY: in bounds, and elements of function tables are 8 bytes.
            unsafe { self.base().cast::<u64>().wrapping_add(index).read() }
        } else {
            // SAFETY: in bounds, and elements of other tables are 4 bytes.
            u64::from(unsafe { self.base().cast::<u32>().wrapping_add(index).read() })
        }
    }

    /// Stores the bits of an element that is in bounds.
    fn store_bits(&self, index: u64, bits: u64) {
        let index = index as usize;
        if self.crossing.form == Form::Func {
            // SAFETY: as in `stored`.
            unsafe { self.base().cast::<u64>().wrapping_add(index).write(bits) }
        } else {
            // SAFETY: as in `stored`.
            unsafe { self.base().cast::<u32>().wrapping_add(index).write(bits as u32) }
        }
    }

    /// What is stored in the table, for the collector: nothing is filled.
    pub(super) fn stored_elements(&self) -> impl Iterator<Item = u64> {
        (0..self.size()).map(|index| self.stored(index)).filter(|&bits| bits != 0)
    }

    /// The bits of an element; `None` out of bounds.
    #[inline]
    pub fn get(&self, index: u64) -> Option<u64> {
        if index >= self.size() {
            return None;
        }
        match self.stored(index) {
            0 => Some(self.fill_element(index)),
            bits => Some(bits),
        }
    }

    /// Fills an element that is 0 if the table is lazy, and gives its bits.
    #[inline(never)]
    fn fill_element(&self, index: u64) -> u64 {
        // SAFETY: the image is part of the definer's module, and the table is lazy only while its definer lives.
        let Some(image) = (unsafe { self.image.get().as_ref() }) else { return 0 };
        let (Some(func), Some(definer)) = (image.func(index), self.defining_instance()) else { return 0 };
        let Some(func_ref) = definer.func_ref(func) else { return 0 };
        self.store_bits(index, func_ref as u64);
        if definer.module().is_imported_func(func) {
            // It is not the block's own: the next instance in the block may import another.
            self.set_written(true);
        }
        func_ref as u64
    }

    /// Fills what is not filled yet: from then on 0 means null.
    pub(super) fn materialize(&self) {
        // SAFETY: as in `fill_element`.
        let Some(image) = (unsafe { self.image.get().as_ref() }) else { return };
        for index in 0..image.len().min(self.size()) {
            if self.stored(index) == 0 {
                self.fill_element(index);
            }
        }
        self.image.set(null());
    }

    /// Sets an element to the bits of a reference of the element type; `None` out of bounds.
    pub fn set(&self, index: u64, bits: u64) -> Option<()> {
        if index >= self.size() {
            return None;
        }
        if bits == 0 {
            self.materialize();
        }
        self.set_written(true);
        self.store_bits(index, bits);
        Some(())
    }

    /// Makes the table `length` elements long, no fewer than before; new ones are 0.
    fn resize(&self, length: u64) -> Option<()> {
        let mut storage = self.storage.borrow_mut();
        storage.grow(usize::try_from(length).ok()?.checked_mul(self.element_size())?)?;
        let (base, definition) = (storage.base(), self.definition.get());
        // SAFETY: as in `size`. Compiled code that is suspended in a libcall reloads what it needs.
        unsafe { (*definition).base = base };
        // SAFETY: as above.
        unsafe { (*definition).length = length as usize };
        Some(())
    }

    /// The size after growing by `delta` elements, as far as the type goes.
    fn grown_size(&self, delta: u64) -> Option<u64> {
        let maximum = self.ty.limits.max.unwrap_or(MAX_TABLE_ELEMENTS).min(MAX_TABLE_ELEMENTS);
        self.size().checked_add(delta).filter(|&new| new <= maximum)
    }

    /// Grows by `delta` elements; the old length, or `None` where the type or the machine does not allow it.
    pub fn grow(&self, delta: u64, init: u64) -> Option<u64> {
        let (old, new) = (self.size(), self.grown_size(delta)?);
        self.resize(new)?;
        if init != 0 {
            for index in old..new {
                self.set(index, init)?;
            }
        }
        Some(old)
    }

    /// Makes the table what it was when its instance began, but for elements that were filled and may stay. False if it is
    /// not worth keeping.
    pub(super) fn reset(&self) -> bool {
        self.image.set(null());
        let (size, minimum) = (self.size(), self.ty.limits.min);
        if size == minimum && !self.written() {
            return true;
        }
        let mut storage = self.storage.borrow_mut();
        if storage.length() > LARGEST_KEPT.max(minimum as usize * self.element_size() * 2) {
            return false;
        }
        storage.clear(size as usize * self.element_size());
        // SAFETY: as in `size`.
        unsafe { (*self.definition.get()).length = minimum as usize };
        self.set_written(false);
        true
    }

    /// Takes up a table that was reset, for another instance in its definer's block.
    pub(super) fn revive(&mut self, store: &Store) {
        self.header = EntityHeader::new(ObjectKind::Table, store);
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
        if count > 0 {
            source.materialize();
            self.materialize();
            self.set_written(true);
        }
        let size = self.element_size();
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
        let bits = unsafe { object_bits(entered, object, self.crossing, self.ty.element)? };
        self.set(index, bits);
        Ok(())
    }

    /// Grows with an object as the new elements, for the host.
    ///
    /// # Safety
    /// `object` is null or live.
    pub unsafe fn grow_object(&self, entered: &Entered<'_>, delta: u64, object: *mut ObjectHeader) -> Result<()> {
        // SAFETY: passed on to the caller.
        let bits = unsafe { object_bits(entered, object, self.crossing, self.ty.element)? };
        let within = self.grown_size(delta).is_some();
        self.grow(delta, bits).map(drop).ok_or_else(|| {
            let ty = crate::types::ExternType::Table(self.ty);
            let message = format!("the table cannot grow by {delta}: its size is {}, its type {ty}", self.size());
            if within { Error::out_of_memory(message) } else { Error::limit(message) }
        })
    }

    /// The object in an element; `None` out of bounds.
    #[inline]
    pub fn get_object(&self, index: u64) -> Option<Result<*mut ObjectHeader>> {
        self.get(index).map(|bits| val::bits_to_object(self.store(), bits, self.crossing))
    }

    pub(super) fn defining_instance(&self) -> Option<&Instance> {
        // SAFETY: the definer is cleared before the instance goes.
        unsafe { self.definer.get().as_ref() }
    }

    pub(super) fn definer_ptr(&self) -> *mut Instance {
        self.definer.get()
    }

    pub(super) fn clear_definer(&self) {
        // A lazy table keeps its definer: if it outlives it, nobody can reach either.
        self.image.set(null());
        self.definer.set(null_mut());
    }

    pub fn store(&self) -> &Store {
        // SAFETY: a store outlives its entities.
        unsafe { &*self.header.store }
    }
}

/// The bits of an object as a reference of `ty`, of which `crossing` is made, checked.
///
/// # Safety
/// `object` is null or live.
pub unsafe fn object_bits(
    entered: &Entered<'_>,
    object: *mut ObjectHeader,
    crossing: Crossing,
    ty: RefType,
) -> Result<u64> {
    let store = entered.store();
    // SAFETY: passed on to the caller.
    unsafe { val::check_ref(store, object, crossing, ty)? };
    if crossing.form == Form::Heap && !object.is_null() {
        store.reserve_boxes(1)?;
    }
    // SAFETY: checked above; the store is entered.
    unsafe { val::ref_to_bits(store, object, crossing) }
}

fn check_type(ty: &TableType) -> Result<()> {
    let Limits { min, max } = ty.limits;
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
