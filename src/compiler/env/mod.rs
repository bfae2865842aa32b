//! How compiled code reaches what lies outside of it: memories, globals, tables, functions, type numbers and libcalls.
//!
//! Everything starts at the vmctx. Loads of what never changes while an instance lives are `readonly` and `can_move`,
//! so that Cranelift merges them and hoists them out of loops; loads and stores of what does change carry the alias
//! region of their kind, so that a store to linear memory does not make compiled code reload a table's length.
//! Invariant: one location is only ever accessed under one region within a function.

mod func;
mod global;
mod heap;
mod memory;
mod table;

pub(crate) use heap::StructLayout;

use super::CompileOptions;
use super::isa::Extensions;
use crate::abi::{Libcall, VMContextLayout};
use crate::compiler::sig::POINTER;
use crate::module::Module;
use crate::types::{FuncIndex, MemoryIndex, TableIndex, TypeIndex};
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{self, AliasRegion, AliasRegionData, Block, InstBuilder, MemFlagsData, SigRef, Value};
use cranelift_entity::{SecondaryMap, packed_option::PackedOption};
use cranelift_frontend::FunctionBuilder;
use std::collections::HashMap;
use std::rc::Rc;

/// Disjoint kinds of memory that compiled code writes to.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Region {
    /// The bytes of linear memories. One region for all: two memory indices can name one memory.
    Heap,
    /// Base and length of a memory.
    MemoryHeader,
    /// Base and length of a table.
    TableHeader,
    /// The elements of tables.
    TableElements,
    /// Globals that are imported, which can alias each other, and those that have no region of their own.
    Globals,
    /// Whether a table was written to.
    TableWritten,
    /// Objects of the store's heap, and where the next is allocated.
    Objects,
    /// A global the module defines: no import of the same instance can name it.
    Global(u32),
}

impl Region {
    const fn id(self) -> u32 {
        match self {
            Region::Heap => 0,
            Region::MemoryHeader => 1,
            Region::TableHeader => 2,
            Region::TableElements => 3,
            Region::Globals => 4,
            Region::TableWritten => 5,
            Region::Objects => 6,
            Region::Global(index) => 16 + index,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Region::Heap => "linear memory",
            Region::MemoryHeader => "memory header",
            Region::TableHeader => "table header",
            Region::TableElements => "table elements",
            Region::Globals => "globals",
            Region::TableWritten => "table written",
            Region::Objects => "objects",
            Region::Global(_) => "global",
        }
    }
}

/// Flags for what never changes while an instance lives.
pub(crate) fn constant_flags() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// The surroundings of the function being translated.
pub(crate) struct FuncEnv<'a> {
    pub module: &'a Module,
    pub layout: &'a VMContextLayout,
    pub options: CompileOptions,
    pub extensions: Extensions,
    pub vmctx: Value,
    entry: Block,
    /// The last of the instructions that were hoisted to the start of the function.
    last_hoisted: PackedOption<ir::Inst>,
    /// For each memory its base (guard pages) or the pointer to its [`VMMemory`](crate::abi::VMMemory), loaded at the start of the
    /// function.
    memories: SecondaryMap<MemoryIndex, PackedOption<Value>>,
    /// For each memory the bytes that are reserved for it, loaded there too.
    memory_rooms: SecondaryMap<MemoryIndex, PackedOption<Value>>,
    /// The regions that have been used, by number; those of globals are found in Cranelift's table.
    regions: [Option<AliasRegion>; Region::Objects.id() as usize + 1],
    /// For each table whether its elements may be waiting to be filled, as far as the function has asked.
    lazy_tables: SecondaryMap<TableIndex, Option<bool>>,
    libcall_table: Option<Value>,
    funcs: HashMap<FuncIndex, ir::FuncRef>,
    sigs: SecondaryMap<TypeIndex, PackedOption<SigRef>>,
    libcall_sigs: Vec<(Libcall, SigRef)>,
    raise_sig: Option<SigRef>,
    store: Option<Value>,
    heap: Option<Value>,
    type_records: Option<Value>,
    struct_layouts: HashMap<TypeIndex, Rc<StructLayout>>,
}

impl<'a> FuncEnv<'a> {
    pub fn new(
        module: &'a Module,
        layout: &'a VMContextLayout,
        options: CompileOptions,
        extensions: Extensions,
        entry: Block,
        vmctx: Value,
    ) -> FuncEnv<'a> {
        FuncEnv {
            module,
            layout,
            options,
            extensions,
            vmctx,
            entry,
            last_hoisted: None.into(),
            memories: SecondaryMap::new(),
            memory_rooms: SecondaryMap::new(),
            regions: [None; Region::Objects.id() as usize + 1],
            lazy_tables: SecondaryMap::new(),
            libcall_table: None,
            funcs: HashMap::new(),
            sigs: SecondaryMap::new(),
            libcall_sigs: Vec::new(),
            raise_sig: None,
            store: None,
            heap: None,
            type_records: None,
            struct_layouts: HashMap::new(),
        }
    }

    /// Flags for an access that cannot trap and is aligned, in `region`.
    pub fn flags(&mut self, builder: &mut FunctionBuilder<'_>, region: Region) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.region(builder, region)))
    }

    fn region(&mut self, builder: &mut FunctionBuilder<'_>, region: Region) -> AliasRegion {
        let user_id = region.id();
        if let Some(&Some(known)) = self.regions.get(user_id as usize) {
            return known;
        }
        let data = AliasRegionData { user_id, description: region.description().into() };
        let region = builder.func.dfg.alias_regions.insert(data);
        if let Some(slot) = self.regions.get_mut(user_id as usize) {
            *slot = Some(region);
        }
        region
    }

    /// A constant load of a pointer at the start of the function, so that one instruction serves all uses.
    /// Cranelift moves it to where it is needed; without optimization it stays.
    fn hoisted_load(&mut self, builder: &mut FunctionBuilder<'_>, base: Value, offset: i32) -> Value {
        let mut cursor = FuncCursor::new(builder.func);
        match self.last_hoisted.expand() {
            Some(inst) => cursor.goto_after_inst(inst),
            None => cursor.goto_first_insertion_point(self.entry),
        }
        let value = cursor.ins().load(POINTER, constant_flags(), base, offset);
        self.last_hoisted = builder.func.dfg.value_def(value).inst().into();
        value
    }
}
