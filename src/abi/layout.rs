//! Where the arrays lie that trail a [`VMContext`].

use crate::abi::context::VMContext;
use crate::abi::records::{VMFuncImport, VMFuncRef, VMGlobal, VMMemorySlot, VMTable, VMTag};
use crate::types::{FuncIndex, GlobalIndex, MemoryIndex, TableIndex, TagIndex};
use cranelift_entity::EntityRef;

/// Where the arrays lie that trail a [`VMContext`], in bytes from its start.
///
/// In order: defined globals ([`VMGlobal`]), pointers to imported globals, memory slots ([`VMMemorySlot`], imports
/// first), pointers to tables ([`VMTable`], imports first), imported functions ([`VMFuncImport`]), defined tags ([`VMTag`]), pointers to imported tags, function
/// references ([`VMFuncRef`], one for each function that may become a reference, filled on first use; zero until then).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct VMContextLayout {
    num_imported_globals: u32,
    globals: u32,
    imported_globals: u32,
    memories: u32,
    tables: u32,
    func_imports: u32,
    num_imported_tags: u32,
    tags: u32,
    imported_tags: u32,
    func_refs: u32,
    size: u32,
}

/// How many entries the arrays that trail a context have.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextCounts {
    pub imported_globals: u32,
    pub defined_globals: u64,
    /// Imported and defined, as for tables.
    pub memories: u64,
    pub tables: u64,
    pub imported_funcs: u32,
    pub imported_tags: u32,
    pub defined_tags: u64,
    /// Functions that may become references.
    pub func_refs: u32,
}

impl VMContextLayout {
    /// The layout for a module with these counts; `None` if the context would be larger than 1 GiB.
    pub fn new(counts: &ContextCounts) -> Option<VMContextLayout> {
        let mut next = size_of::<VMContext>() as u64;
        let mut array = |count: u64, element: usize| {
            let start = next;
            next += count * element as u64;
            u32::try_from(start).ok().filter(|&start| start < 1 << 30)
        };
        Some(VMContextLayout {
            num_imported_globals: counts.imported_globals,
            globals: array(counts.defined_globals, size_of::<VMGlobal>())?,
            imported_globals: array(counts.imported_globals.into(), size_of::<*mut VMGlobal>())?,
            memories: array(counts.memories, size_of::<VMMemorySlot>())?,
            tables: array(counts.tables, size_of::<*mut VMTable>())?,
            func_imports: array(counts.imported_funcs.into(), size_of::<VMFuncImport>())?,
            num_imported_tags: counts.imported_tags,
            tags: array(counts.defined_tags, size_of::<VMTag>())?,
            imported_tags: array(counts.imported_tags.into(), size_of::<*mut VMTag>())?,
            func_refs: array(counts.func_refs.into(), size_of::<VMFuncRef>())?,
            size: array(0, 1)?,
        })
    }

    /// The size of the context and its arrays in bytes.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Where the [`VMGlobal`] of a defined global lies, or for an imported one, `Err` with where the pointer to it lies.
    pub fn global(&self, global: GlobalIndex) -> Result<i32, i32> {
        match global.as_u32().checked_sub(self.num_imported_globals) {
            Some(defined) => Ok((self.globals as usize + defined as usize * size_of::<VMGlobal>()) as i32),
            None => Err((self.imported_globals as usize + global.index() * size_of::<*mut VMGlobal>()) as i32),
        }
    }

    /// Where the [`VMMemorySlot`] of a memory lies.
    pub fn memory(&self, memory: MemoryIndex) -> i32 {
        (self.memories as usize + memory.index() * size_of::<VMMemorySlot>()) as i32
    }

    /// Where the pointer to the [`VMTable`] of a table lies.
    pub fn table(&self, table: TableIndex) -> i32 {
        (self.tables as usize + table.index() * size_of::<*mut VMTable>()) as i32
    }

    /// Where the [`VMFuncImport`] of an imported function lies.
    pub fn func_import(&self, func: FuncIndex) -> i32 {
        (self.func_imports as usize + func.index() * size_of::<VMFuncImport>()) as i32
    }

    /// Where the [`VMTag`] of a defined tag lies, or for an imported one, `Err` with where the pointer to it lies.
    pub fn tag(&self, tag: TagIndex) -> Result<i32, i32> {
        match tag.as_u32().checked_sub(self.num_imported_tags) {
            Some(defined) => Ok((self.tags as usize + defined as usize * size_of::<VMTag>()) as i32),
            None => Err((self.imported_tags as usize + tag.index() * size_of::<*mut VMTag>()) as i32),
        }
    }

    /// Where the [`VMFuncRef`] in `slot` lies.
    pub fn func_ref(&self, slot: u32) -> i32 {
        (self.func_refs as usize + slot as usize * size_of::<VMFuncRef>()) as i32
    }
}
