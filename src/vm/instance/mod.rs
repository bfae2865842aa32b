//! Instances: one block that holds the header with the handle count, the [`Instance`] and its trailing [`VMContext`],
//! whose size the module decides.
//!
//! Compiled code reads and writes the context at any time, so Rust code goes through raw pointers and makes no reference
//! into it that lives across a call of wasm. What the context's arrays point to is kept alive by the collector, which
//! traces them (`src/vm/gc/collect.rs`); nothing in them is counted.
//!
//! A block serves one instance of a module after the other. When an instance dies together with the tables and memories that it defines,
//! they are reset and the block goes into the pool of the module (`block.rs`, `pool.rs`). `touched` records whether any function, memory,
//! table or global of the instance was ever handed out, or its start function ran. Where it is false, no code of the instance has run and
//! the host has reached nothing of it, so there is nothing to reset.

mod block;
pub mod const_eval;
pub mod initial;
pub mod instantiate;
pub(in crate::vm) mod pool;

use crate::abi::{
    ObjectHeader, ObjectKind, VMAnyContext, VMContext, VMFuncImport, VMFuncRef, VMGlobal, VMMemorySlot, VMTable, VMTag,
};
use crate::module::{EntityIndex, Module};
use crate::os::zeroed::Zeroed;
use crate::types::*;
use crate::vm::compiled_module::CompiledModule;
use crate::vm::instance::initial::Dropped;
use crate::vm::memory::Memory;
use crate::vm::store::Store;
use crate::vm::store::entity::{EntityHeader, Record, owner_of};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::table::Table;
use crate::vm::val;
use cranelift_entity::EntityRef;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem::{ManuallyDrop, offset_of};
use std::sync::Arc;

/// An instance of a module. Its [`VMContext`] follows it in the same block.
#[repr(C, align(16))]
pub struct Instance {
    pub header: EntityHeader,
    /// Taken out while the block waits for its next instance.
    module: ManuallyDrop<Arc<CompiledModule>>,
    /// Segments that `elem.drop` or `data.drop` emptied, or that instantiation used up.
    dropped: RefCell<Dropped>,
    /// The elements of segments whose expressions make objects, evaluated once, when the instance was made.
    elems: RefCell<BTreeMap<ElemIndex, Box<[u64]>>>,
    /// Whether anything of the instance was handed out, or its start function ran.
    touched: Cell<bool>,
    parts: Parts,
    _vmctx: [VMContext; 0],
}

/// What an instance owns. Nothing is added or taken while it lives.
struct Parts {
    /// The tables and memories that the module defines, in order.
    tables: Vec<*mut Table>,
    memories: Vec<*mut Memory>,
    /// The instance's own memory. Dropped last.
    _block: Zeroed,
}

impl Drop for Parts {
    fn drop(&mut self) {
        for &table in &self.tables {
            // SAFETY: made by `Table::allocate`, and the instance is the last to know it.
            drop(unsafe { Box::from_raw(table) });
        }
        for &memory in &self.memories {
            // SAFETY: made by `Memory::allocate`, and the instance is the last to know it.
            drop(unsafe { Box::from_raw(memory) });
        }
    }
}

// SAFETY: `repr(C)`, and the header with kind `Instance` is first.
unsafe impl Record for Instance {
    const KIND: ObjectKind = ObjectKind::Instance;
}

const _: () =
    assert!(size_of::<Instance>().is_multiple_of(16) && offset_of!(Instance, _vmctx) == size_of::<Instance>());

// SAFETY: as above.
unsafe impl Entity for Instance {
    const KIND: ObjectKind = ObjectKind::Instance;
    const MAY_RUN: bool = true;

    fn trace(&self, tracer: &mut dyn Tracer) {
        self.for_each_import(|object| tracer.object(object));
        self.for_each_part(&mut |part| tracer.object(part.cast()));
        let module = self.module();
        for (&segment, elements) in self.elems.borrow().iter() {
            let ty = module.elems[segment].ty;
            elements.iter().for_each(|&bits| tracer.reference(ty, bits));
        }
        for (index, ty) in module.globals.iter().skip(module.num_imported_globals as usize) {
            if ty.content.is_ref() {
                // SAFETY: an instance's own globals are part of it.
                val::trace(ty.content, unsafe { &(*self.global(index)).value }, tracer);
            }
        }
    }

    fn for_each_part(&self, visit: &mut dyn FnMut(*mut EntityHeader)) {
        self.own_tables().for_each(|table| visit(table.cast()));
        self.own_memories().for_each(|memory| visit(memory.cast()));
    }

    unsafe fn free(store: &Store, this: *mut Instance) {
        // SAFETY: passed on to the caller.
        unsafe { Instance::free_or_keep(store, this) };
    }
}

impl Instance {
    /// The size of the instance's block, as far as it is used.
    pub(in crate::vm) fn size(&self) -> usize {
        size_of::<Instance>() + self.module.layout().size()
    }

    /// The context of an instance: it lies directly behind the instance in the same allocation.
    #[inline]
    pub fn vmctx(instance: *const Instance) -> *mut VMContext {
        instance.cast_mut().wrapping_add(1).cast()
    }

    /// The instance of a context.
    #[inline]
    pub fn from_vmctx(vmctx: *const VMContext) -> *mut Instance {
        vmctx.cast_mut().cast::<Instance>().wrapping_sub(1)
    }

    fn context(&self) -> *mut VMContext {
        // The pointer is derived from a reference to the instance alone, but the allocation is only
        // ever touched through raw pointers and cells; instances are never moved or exclusively borrowed.
        Instance::vmctx(self)
    }

    /// Something in the context, `offset` bytes from its start.
    fn at<T>(&self, offset: i32) -> *mut T {
        self.context().wrapping_byte_offset(offset as isize).cast()
    }

    pub fn compiled(&self) -> &Arc<CompiledModule> {
        &self.module
    }

    pub fn module(&self) -> &Module {
        self.module.module()
    }

    pub fn store(&self) -> &Store {
        // SAFETY: a store outlives its entities.
        unsafe { &*self.header.store }
    }

    pub(in crate::vm) fn func_import(&self, func: FuncIndex) -> *mut VMFuncImport {
        self.at(self.module.layout().func_import(func))
    }

    pub(in crate::vm) fn memory_slot(&self, memory: MemoryIndex) -> *mut VMMemorySlot {
        self.at(self.module.layout().memory(memory))
    }

    pub(in crate::vm) fn table_slot(&self, table: TableIndex) -> *mut *mut VMTable {
        self.at(self.module.layout().table(table))
    }

    /// Where the pointer to an imported global lies.
    pub(in crate::vm) fn global_import(&self, global: GlobalIndex) -> Option<*mut *mut VMGlobal> {
        self.module.layout().global(global).err().map(|offset| self.at(offset))
    }

    /// A memory of the instance; null only while instantiation has not got there.
    pub fn memory(&self, memory: MemoryIndex) -> *mut Memory {
        // SAFETY: within the context by the layout.
        unsafe { (*self.memory_slot(memory)).object }.cast()
    }

    /// A memory of an instance that code runs in, or whose imports and definitions are in place.
    pub(in crate::vm) fn memory_ref(&self, memory: MemoryIndex) -> &Memory {
        // SAFETY: an instance's memories live as long as it does: its own, and by the collector those it imports.
        unsafe { &*self.memory(memory) }
    }

    /// A table of an instance that code runs in, or whose imports and definitions are in place.
    pub(in crate::vm) fn table_ref(&self, table: TableIndex) -> &Table {
        // SAFETY: as for memories.
        unsafe { &*self.table(table) }
    }

    /// A table of the instance; null only while instantiation has not got there.
    pub fn table(&self, table: TableIndex) -> *mut Table {
        // SAFETY: within the context by the layout.
        Table::from_definition(unsafe { *self.table_slot(table) })
    }

    /// A global of the instance.
    pub fn global(&self, global: GlobalIndex) -> *mut VMGlobal {
        match self.module.layout().global(global) {
            Ok(offset) => self.at(offset),
            // SAFETY: within the context by the layout.
            Err(offset) => unsafe { *self.at::<*mut VMGlobal>(offset) },
        }
    }

    /// The reference to a function of the instance, made if this is the first time. `None` for a function that never
    /// becomes a reference, which validation rules out for whatever asks.
    #[inline]
    pub fn func_ref(&self, func: FuncIndex) -> Option<*mut VMFuncRef> {
        self.touched.set(true);
        let Some(defined) = self.module().defined_func(func) else {
            // SAFETY: within the context by the layout.
            return Some(unsafe { (*self.func_import(func)).func_ref });
        };
        let slot = self.module().func_ref_slots.get(func)?;
        let record: *mut VMFuncRef = self.at(self.module.layout().func_ref(slot));
        // SAFETY: within the context by the layout; zero until it is filled.
        if unsafe { (*record).entry.is_null() } {
            return self.make_func_ref(record, func, defined);
        }
        Some(record)
    }

    /// Fills the record of a function that the module defines.
    #[inline(never)]
    fn make_func_ref(
        &self,
        record: *mut VMFuncRef,
        func: FuncIndex,
        defined: DefinedFuncIndex,
    ) -> Option<*mut VMFuncRef> {
        let offset = record as usize - std::ptr::from_ref(self) as usize;
        let ty = self.module.func_type(func)?;
        let func_ref = VMFuncRef {
            object: ObjectHeader::new(ObjectKind::Func, offset),
            entry: self.module.code().func_entry(defined),
            vmctx: self.context().cast::<VMAnyContext>(),
            ty: Arc::as_ptr(ty).cast(),
            type_id: ty.id(),
            func_index: func.as_u32(),
            heap_index: 0,
            _pad: 0,
        };
        // SAFETY: within the context. The type's registration is owned by the module, which the instance owns.
        unsafe { record.write(func_ref) };
        Some(record)
    }

    /// Where the pointer to an imported tag lies.
    pub(in crate::vm) fn tag_import(&self, tag: TagIndex) -> Option<*mut *mut VMTag> {
        self.module.layout().tag(tag).err().map(|offset| self.at(offset))
    }

    /// A tag of the instance.
    pub fn tag(&self, tag: TagIndex) -> *mut VMTag {
        match self.module.layout().tag(tag) {
            Ok(offset) => self.at(offset),
            // SAFETY: within the context by the layout.
            Err(offset) => unsafe { *self.at::<*mut VMTag>(offset) },
        }
    }

    /// The object an entity of the module is in this instance.
    #[inline]
    pub fn entity(&self, entity: EntityIndex) -> Option<*mut ObjectHeader> {
        self.touched.set(true);
        match entity {
            EntityIndex::Func(index) => self.func_ref(index).map(|func| func.cast()),
            EntityIndex::Global(index) => Some(self.global(index).cast()),
            EntityIndex::Table(index) => Some(self.table(index).cast()),
            EntityIndex::Memory(index) => Some(self.memory(index).cast()),
            EntityIndex::Tag(index) => Some(self.tag(index).cast()),
        }
    }

    /// Records that code of the instance is about to run without having been handed out.
    pub(in crate::vm) fn touch(&self) {
        self.touched.set(true);
    }

    /// Fills the tables that compiled code does not ask about. The imports are in place.
    pub(in crate::vm) fn fill_small_tables(&self) {
        // Functions in a table of the instance's own are in nobody's hands yet.
        let touched = self.touched.get();
        for (table, _) in self.module().tables.iter().skip(self.module().num_imported_tables as usize) {
            if self.module().is_filled_at_once(table) {
                self.table_ref(table).materialize();
            }
        }
        self.touched.set(touched);
    }

    /// Visits the objects that the instance imports; those that instantiation has not got to are null.
    fn for_each_import(&self, mut visit: impl FnMut(*mut ObjectHeader)) {
        for import in &self.module().imports {
            match import.entity {
                // SAFETY: within the context.
                EntityIndex::Func(index) => visit(unsafe { (*self.func_import(index)).func_ref }.cast()),
                EntityIndex::Global(index) => visit(self.global(index).cast()),
                EntityIndex::Table(index) => visit(self.table(index).cast()),
                EntityIndex::Memory(index) => visit(self.memory(index).cast()),
                EntityIndex::Tag(index) => visit(self.tag(index).cast()),
            }
        }
    }

    /// The memories the instance itself made.
    pub(in crate::vm) fn own_memories(&self) -> impl Iterator<Item = *mut Memory> {
        self.parts.memories.iter().copied()
    }

    /// The tables the instance itself made.
    pub(in crate::vm) fn own_tables(&self) -> impl Iterator<Item = *mut Table> {
        self.parts.tables.iter().copied()
    }

    /// Keeps the elements of a segment, which were evaluated.
    pub(in crate::vm) fn keep_elems(&self, segment: ElemIndex, elements: Box<[u64]>) {
        self.elems.borrow_mut().insert(segment, elements);
    }

    /// An element of a segment, if its elements were evaluated when the instance was made.
    pub(in crate::vm) fn evaluated_elem(&self, segment: ElemIndex, position: usize) -> Option<u64> {
        self.elems.borrow().get(&segment)?.get(position).copied()
    }

    pub(in crate::vm) fn elem_dropped(&self, segment: ElemIndex) -> bool {
        self.dropped.borrow().elems.has(segment.index())
    }

    pub(in crate::vm) fn data_dropped(&self, segment: DataIndex) -> bool {
        self.dropped.borrow().datas.has(segment.index())
    }

    /// Makes all data segments available: none was used up after all.
    pub(in crate::vm) fn restore_data_segments(&self) {
        self.dropped.borrow_mut().datas.clear();
    }

    pub(in crate::vm) fn drop_elem(&self, segment: ElemIndex) {
        self.dropped.borrow_mut().elems.insert(segment.index());
        self.elems.borrow_mut().remove(&segment);
    }

    pub(in crate::vm) fn drop_data(&self, segment: DataIndex) {
        self.dropped.borrow_mut().datas.insert(segment.index());
    }
}

/// The instance a function belongs to, or `None` for a host function.
///
/// # Safety
/// `func` is live.
pub unsafe fn instance_of_func(func: *const VMFuncRef) -> Option<*mut Instance> {
    // SAFETY: live by the caller's promise.
    let owner = unsafe { owner_of(func.cast()) };
    // SAFETY: the owner of a live record is live.
    let kind = unsafe { (*owner).object.kind };
    (kind == ObjectKind::Instance).then_some(owner.cast())
}
