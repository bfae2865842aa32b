//! The blocks of instances: how they are made, taken up for the next instance of their module, reset for the pool, and freed.

use crate::abi::{ObjectKind, VMContext, VMMemorySlot};
use crate::os::zeroed::Zeroed;
use crate::types::*;
use crate::vm::compiled_module::CompiledModule;
use crate::vm::instance::pool::Block;
use crate::vm::instance::{Instance, Parts};
use crate::vm::memory::Memory;
use crate::vm::store::Store;
use crate::vm::store::entity::{EntityHeader, Handle};
use crate::vm::store::lifetime::dies_with_its_definer;
use crate::vm::table::Table;
use cranelift_entity::EntityRef;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;
/// Takes those of an instance's parts out of the store that die with it, and tells the others that it is gone: they are parts no more.
///
/// # Safety
/// The parts are live tables or memories, with their header first; nothing refers to those that die.
unsafe fn keep_dying<T>(store: &Store, parts: &mut Vec<*mut T>, clear_definer: impl Fn(&T)) {
    parts.retain(|&part| {
        // SAFETY: live by the caller's promise.
        let dies = unsafe { dies_with_its_definer(part.cast()) };
        if dies {
            // SAFETY: as above; nothing refers to it.
            unsafe { store.take_out(part.cast()) };
        } else {
            // SAFETY: as above.
            clear_definer(unsafe { &*part });
        }
        dies
    });
}

impl Instance {
    /// Makes an instance, or takes up the block of a dead one, and makes it one of the store's. Memories and tables hold what
    /// images say ([`Initial`](crate::vm::instance::initial::Initial)); imports, globals and all other segments are left to the caller.
    pub(in crate::vm) fn new(store: &Store, module: &Arc<CompiledModule>) -> Result<Handle<Instance>> {
        let block = match module.pool().take() {
            Some(block) => Instance::revive(block, store, module),
            None => Instance::allocate(store, module)?,
        };
        let this = block.into_instance();
        // SAFETY: just made, and all of it is there.
        let parts = unsafe { &(*this).parts };
        let tables = parts.tables.iter().map(|&table| table.cast::<EntityHeader>());
        let memories = parts.memories.iter().map(|&memory| memory.cast::<EntityHeader>());
        // SAFETY: all three kinds are made as the store frees them.
        if let Err(error) = unsafe { store.enroll(std::iter::once(this.cast()).chain(tables).chain(memories)) } {
            // SAFETY: nobody knows the instance, and it is not used again.
            drop(unsafe { Instance::take_apart(this) });
            return Err(error);
        }
        // SAFETY: one of the store's now, which is entered by everyone who makes instances.
        Ok(unsafe { Handle::retain(this) })
    }

    /// A block for an instance, with tables and memories.
    fn allocate(store: &Store, module: &Arc<CompiledModule>) -> Result<Block> {
        let size = size_of::<Instance>() + module.layout().size();
        let block = Zeroed::new(size)
            .ok_or_else(|| Error::out_of_memory(format!("out of memory for an instance of {size} bytes")))?;
        let this = block.base().cast::<Instance>();
        let (description, initial) = (module.module(), module.initial());
        let mut parts = Parts { tables: Vec::new(), memories: Vec::new(), _block: block };
        for (_, ty) in description.tables.iter().skip(description.num_imported_tables as usize) {
            let table = Table::allocate(store, ty.rename(&mut module.close()), this)?;
            table.set_image(initial.table(parts.tables.len()));
            parts.tables.push(Box::into_raw(table));
        }
        for (_, ty) in description.memories.iter().skip(description.num_imported_memories as usize) {
            let contents = initial.memory(description, parts.memories.len());
            parts.memories.push(Box::into_raw(Memory::allocate(store, *ty, this, contents)?));
        }
        let instance = Instance {
            header: Instance::new_header(store, module),
            module: ManuallyDrop::new(module.clone()),
            dropped: RefCell::new(initial.dropped.clone()),
            elems: RefCell::default(),
            touched: Cell::new(false),
            parts,
            _vmctx: [],
        };
        // SAFETY: the block has room for an `Instance` and more.
        unsafe { this.write(instance) };
        let type_ids = module.type_ids().as_ptr();
        let libcalls = store.libcalls();
        // SAFETY: the table of libcalls is static.
        let raise = unsafe { (*libcalls).raise };
        let context = VMContext { store: store.context(), libcalls, type_ids, raise };
        // SAFETY: the context lies directly behind the instance, within the block.
        unsafe { Instance::vmctx(this).write(context) };
        // SAFETY: initialized just now.
        unsafe { (*this).link_parts() };
        // SAFETY: nobody else knows the instance, and its context is complete.
        Ok(unsafe { Block::new(this) })
    }

    fn new_header(store: &Store, module: &CompiledModule) -> EntityHeader {
        let mut header = EntityHeader::new(ObjectKind::Instance, store);
        *header.escaped.get_mut() = module.module().leaks_references;
        header
    }

    /// Writes where the instance's own tables and memories are into the context.
    fn link_parts(&self) {
        let module = self.module();
        for (&table, index) in self.parts.tables.iter().zip(module.num_imported_tables as usize..) {
            // SAFETY: a part of this instance.
            let definition = unsafe { (*table).definition() };
            // SAFETY: within the context.
            unsafe { self.table_slot(TableIndex::new(index)).write(definition) };
        }
        for (&memory, index) in self.parts.memories.iter().zip(module.num_imported_memories as usize..) {
            // SAFETY: a part of this instance.
            self.link_memory(MemoryIndex::new(index), unsafe { &*memory });
        }
    }

    /// Writes where a memory is into the context.
    pub(in crate::vm) fn link_memory(&self, index: MemoryIndex, memory: &Memory) {
        let object = std::ptr::from_ref(memory).cast_mut().cast();
        let slot = VMMemorySlot { base: memory.base(), memory: memory.definition(), room: memory.room(), object };
        // SAFETY: within the context.
        unsafe { self.memory_slot(index).write(slot) };
    }

    /// Makes an instance of `store` of a block that waited for its next.
    fn revive(block: Block, store: &Store, module: &Arc<CompiledModule>) -> Block {
        let this = block.into_instance();
        let initial = module.initial();
        // SAFETY: the block of an instance of this module, which nobody else knows.
        let instance = unsafe { &mut *this };
        instance.header = Instance::new_header(store, module);
        instance.module = ManuallyDrop::new(module.clone());
        instance.dropped.get_mut().set_to(&initial.dropped);
        instance.touched.set(false);
        for (position, &table) in instance.parts.tables.iter().enumerate() {
            // SAFETY: a part of the instance.
            let table = unsafe { &mut *table };
            table.revive(store);
            table.set_image(initial.table(position));
        }
        for &memory in &instance.parts.memories {
            // SAFETY: a part of the instance.
            unsafe { (*memory).revive(store) };
        }
        let context = Instance::vmctx(this);
        // SAFETY: the context lies directly behind the instance.
        unsafe { (*context).store = store.context() };
        // SAFETY: nobody else knows the instance, and its context is complete.
        unsafe { Block::new(this) }
    }

    /// Frees an instance, with those of its tables and memories that nobody else can reach, or keeps them for the next.
    ///
    /// # Safety
    /// The store is entered; the instance is not among its entities any more and nothing refers to it.
    pub(super) unsafe fn free_or_keep(store: &Store, this: *mut Instance) {
        // SAFETY: live until the end of this function; nobody else has a reference to its parts.
        let parts = unsafe { &mut (*this).parts };
        let count = parts.tables.len() + parts.memories.len();
        // SAFETY: an instance's own tables die with it or after it.
        unsafe { keep_dying(store, &mut parts.tables, Table::clear_definer) };
        // SAFETY: as for tables.
        unsafe { keep_dying(store, &mut parts.memories, Memory::clear_definer) };
        let whole = parts.tables.len() + parts.memories.len() == count;
        // SAFETY: live, and all that it refers to.
        let reset = whole && unsafe { (*this).reset() };
        // SAFETY: nothing refers to the instance.
        let (module, block) = unsafe { Instance::take_apart(this) };
        if reset {
            module.pool().put(block);
        }
    }

    /// Makes tables and memories what they were at first; false if they cannot be used again.
    fn reset(&self) -> bool {
        let (description, initial, touched) = (self.module(), self.module.initial(), self.touched.get());
        if self.module.initial().makes_elems {
            self.elems.take();
        }
        let keep_pages = touched && self.module.pool().keeps_pages();
        let contents = |position| initial.memory(description, position);
        // SAFETY: parts of the instance.
        let tables = || self.parts.tables.iter().all(|&table| unsafe { (*table).reset() });
        let mut memories = self.parts.memories.iter().enumerate();
        // SAFETY: as above.
        memories.all(|(i, &memory)| unsafe { (*memory).reset(contents(i), touched, keep_pages) }) && tables()
    }

    /// Takes the share of its module out of an instance, whose block may then go into the pool.
    ///
    /// # Safety
    /// Nothing refers to the instance.
    unsafe fn take_apart(this: *mut Instance) -> (Arc<CompiledModule>, Block) {
        // SAFETY: nothing refers to it, says the caller.
        let module = unsafe { &mut (*this).module };
        // SAFETY: initialized, and not used again before `revive` writes another.
        let module = unsafe { ManuallyDrop::take(module) };
        // SAFETY: nothing refers to it, says the caller.
        (module, unsafe { Block::new(this) })
    }

    /// Frees the block of an instance and its parts.
    ///
    /// # Safety
    /// As [`Block::new`]; nothing of the instance is used again.
    pub(in crate::vm) unsafe fn discard(this: *mut Instance) {
        // SAFETY: live, says the caller, and nobody else knows it.
        let instance = unsafe { &mut *this };
        // SAFETY: initialized, and not used again.
        let dropped = unsafe { (&raw const instance.dropped).read() };
        // SAFETY: as above.
        let elems = unsafe { (&raw const instance.elems).read() };
        // SAFETY: as above; the block, which is among the parts, goes last.
        let parts = unsafe { (&raw const instance.parts).read() };
        drop(dropped);
        drop(elems);
        drop(parts);
    }
}
