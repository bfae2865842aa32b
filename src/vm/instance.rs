//! Instances: one allocation that holds the header with the handle count, the [`Instance`] and its trailing [`VMContext`],
//! whose size the module decides.
//!
//! Compiled code reads and writes the context at any time, so Rust code goes through raw pointers and makes no reference
//! into it that lives across a call of wasm. What the context's arrays point to is kept alive by the collector, which
//! traces them (`vm/gc/collect.rs`); nothing in them is counted.

use super::entity::{EntityHeader, Record, owner_of};
use super::memory::Memory;
use super::module::CompiledModule;
use super::store::Store;
use super::sys;
use super::table::Table;
use super::vmcontext::{
    ObjectHeader, ObjectKind, VMAnyContext, VMContext, VMFuncImport, VMFuncRef, VMGlobal, VMMemory, VMMemorySlot,
    VMTable,
};
use crate::module::{EntityIndex, Module};
use crate::types::*;
use cranelift_entity::EntityRef;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::mem::offset_of;
use std::sync::Arc;

/// An instance of a module. Its [`VMContext`] follows it in the same allocation.
#[repr(C, align(16))]
pub struct Instance {
    pub header: EntityHeader,
    module: Arc<CompiledModule>,
    /// Segments that `elem.drop` or `data.drop` emptied, or that instantiation used up.
    dropped: RefCell<Dropped>,
    _vmctx: [VMContext; 0],
}

#[derive(Default)]
struct Dropped {
    elems: Vec<u64>,
    datas: Vec<u64>,
}

// SAFETY: `repr(C)`, and the header with kind `Instance` is first.
unsafe impl Record for Instance {
    const KIND: ObjectKind = ObjectKind::Instance;
}

const _: () =
    assert!(size_of::<Instance>().is_multiple_of(16) && offset_of!(Instance, _vmctx) == size_of::<Instance>());

fn layout(module: &CompiledModule) -> Result<Layout> {
    Layout::from_size_align(size_of::<Instance>() + module.layout().size(), 16)
        .map_err(|_| Error::limit("the instance would be too large"))
}

impl Instance {
    /// Allocates an instance whose context is all zero but for its fixed part.
    pub(super) fn allocate(store: &Store, module: Arc<CompiledModule>) -> Result<*mut Instance> {
        let layout = layout(&module)?;
        // SAFETY: the layout's size is not zero.
        let instance = unsafe { alloc_zeroed(layout) }.cast::<Instance>();
        if instance.is_null() {
            return Err(Error::out_of_memory(format!("out of memory for an instance of {} bytes", layout.size())));
        }
        let mut header = EntityHeader::new(ObjectKind::Instance, store);
        *header.escaped.get_mut() = module.module().leaks_references;
        let type_ids = module.type_ids().as_ptr();
        // SAFETY: freshly allocated for an `Instance` and more.
        unsafe { instance.write(Instance { header, module, dropped: RefCell::default(), _vmctx: [] }) };
        let vmctx = Instance::vmctx(instance);
        let context = VMContext { store: store.context(), libcalls: &sys::LIBCALLS, type_ids, _reserved: 0 };
        // SAFETY: the context lies directly behind the instance, by the layout above.
        unsafe { vmctx.write(context) };
        Ok(instance)
    }

    /// Frees an instance: tells its tables and memories, frees those that nobody else can reach.
    ///
    /// # Safety
    /// The store is entered; the instance is not among its entities any more and nothing refers to it.
    pub(super) unsafe fn free(store: &Store, this: *mut Instance) {
        // SAFETY: live until the end of this function.
        let instance = unsafe { &*this };
        let mut orphans: Vec<*mut EntityHeader> = Vec::new();
        for table in instance.own_tables() {
            // SAFETY: an instance's own tables die with it or after it.
            unsafe { (*table).clear_home() };
            orphans.push(table.cast());
        }
        for memory in instance.own_memories() {
            // SAFETY: as above.
            unsafe { (*memory).clear_home() };
            orphans.push(memory.cast());
        }
        let layout = layout(&instance.module);
        // SAFETY: nothing refers to the instance; the context has no destructor.
        unsafe { std::ptr::drop_in_place(this) };
        if let Ok(layout) = layout {
            // SAFETY: allocated with this layout, which only depends on the module.
            unsafe { dealloc(this.cast(), layout) };
        }
        for entity in orphans {
            // SAFETY: entities of the store; without a home they are freed if nobody has them.
            unsafe { store.free_if_unreachable(entity) };
        }
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

    pub(super) fn func_import(&self, func: FuncIndex) -> *mut VMFuncImport {
        self.at(self.module.layout().func_import(func))
    }

    pub(super) fn memory_slot(&self, memory: MemoryIndex) -> *mut VMMemorySlot {
        self.at(self.module.layout().memory(memory))
    }

    pub(super) fn table_slot(&self, table: TableIndex) -> *mut *mut VMTable {
        self.at(self.module.layout().table(table))
    }

    /// Where the pointer to an imported global lies.
    pub(super) fn global_import(&self, global: GlobalIndex) -> Option<*mut *mut VMGlobal> {
        self.module.layout().global(global).err().map(|offset| self.at(offset))
    }

    /// A memory of the instance; null only while instantiation has not got there.
    pub fn memory(&self, memory: MemoryIndex) -> *mut Memory {
        // SAFETY: within the context by the layout.
        let definition: *mut VMMemory = unsafe { (*self.memory_slot(memory)).memory };
        Memory::from_definition(definition)
    }

    /// A memory of an instance that code runs in, or whose imports and definitions are in place.
    pub(super) fn memory_ref(&self, memory: MemoryIndex) -> &Memory {
        // SAFETY: an instance's memories live as long as it does: its own, and by the collector those it imports.
        unsafe { &*self.memory(memory) }
    }

    /// A table of an instance that code runs in, or whose imports and definitions are in place.
    pub(super) fn table_ref(&self, table: TableIndex) -> &Table {
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
    pub fn func_ref(&self, func: FuncIndex) -> Option<*mut VMFuncRef> {
        let Some(defined) = self.module().defined_func(func) else {
            // SAFETY: within the context by the layout.
            return Some(unsafe { (*self.func_import(func)).func_ref });
        };
        let slot = self.module().func_ref_slots.get(func)?;
        let record: *mut VMFuncRef = self.at(self.module.layout().func_ref(slot));
        // SAFETY: within the context by the layout; zero until it is filled.
        if unsafe { (*record).entry.is_null() } {
            let offset = record as usize - std::ptr::from_ref(self) as usize;
            let ty = self.module.ty(self.module().type_of(func));
            let func_ref = VMFuncRef {
                object: ObjectHeader::new(ObjectKind::Func, offset),
                entry: self.module.code().func_entry(defined),
                vmctx: self.context().cast::<VMAnyContext>(),
                ty: Arc::as_ptr(ty),
                type_id: ty.id,
                func_index: func.as_u32(),
            };
            // SAFETY: as above. The type's registration is owned by the module, which the instance owns.
            unsafe { record.write(func_ref) };
        }
        Some(record)
    }

    /// The object an entity of the module is in this instance; `None` for tags, which nothing can name yet.
    pub fn entity(&self, entity: EntityIndex) -> Option<*mut ObjectHeader> {
        match entity {
            EntityIndex::Func(index) => self.func_ref(index).map(|func| func.cast()),
            EntityIndex::Global(index) => Some(self.global(index).cast()),
            EntityIndex::Table(index) => Some(self.table(index).cast()),
            EntityIndex::Memory(index) => Some(self.memory(index).cast()),
            EntityIndex::Tag(_) => None,
        }
    }

    /// The memories the instance itself made.
    pub(super) fn own_memories(&self) -> impl Iterator<Item = *mut Memory> {
        let imported = self.module().num_imported_memories as usize;
        (imported..self.module().memories.len())
            .map(|index| self.memory(MemoryIndex::new(index)))
            .filter(|memory| !memory.is_null())
    }

    /// The tables the instance itself made.
    pub(super) fn own_tables(&self) -> impl Iterator<Item = *mut Table> {
        let imported = self.module().num_imported_tables as usize;
        (imported..self.module().tables.len())
            .map(|index| self.table(TableIndex::new(index)))
            .filter(|table| !table.is_null())
    }

    /// Whether an instance without handles that never escaped can be freed: nobody reaches its functions through one of
    /// its own tables either.
    pub(super) fn is_unreachable(&self) -> bool {
        self.own_tables().all(|table| {
            // SAFETY: an instance's own tables live at least as long as it does.
            let header = unsafe { &(*table).header };
            header.handles() == 0 && !header.escaped.get()
        })
    }

    pub(super) fn elem_dropped(&self, segment: ElemIndex) -> bool {
        bit(&self.dropped.borrow().elems, segment.index())
    }

    pub(super) fn data_dropped(&self, segment: DataIndex) -> bool {
        bit(&self.dropped.borrow().datas, segment.index())
    }

    pub(super) fn drop_elem(&self, segment: ElemIndex) {
        set_bit(&mut self.dropped.borrow_mut().elems, segment.index());
    }

    pub(super) fn drop_data(&self, segment: DataIndex) {
        set_bit(&mut self.dropped.borrow_mut().datas, segment.index());
    }
}

fn bit(words: &[u64], index: usize) -> bool {
    words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 != 0)
}

fn set_bit(words: &mut Vec<u64>, index: usize) {
    if words.len() <= index / 64 {
        words.resize(index / 64 + 1, 0);
    }
    words[index / 64] |= 1 << (index % 64);
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
