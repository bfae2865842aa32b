//! How compiled code reaches what lies outside of it: memories, globals, tables, functions, type numbers and libcalls.
//!
//! Everything starts at the vmctx. Loads of what never changes while an instance lives are `readonly` and `can_move`,
//! so that Cranelift merges them and hoists them out of loops; loads and stores of what does change carry the alias
//! region of their kind, so that a store to linear memory does not make compiled code reload a table's length.
//! Invariant: one location is only ever accessed under one region within a function.

use super::{CompileOptions, OptLevel};
use crate::abi::*;
use crate::compiler::sig::{self, POINTER};
use crate::module::{ConstExpr, ConstOp, ElemMode, ElemSegment, Module};
use crate::types::*;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, Block, ExtFuncData, ExternalName, InstBuilder, MemFlagsData, SigRef, Type,
    UserExternalName, Value, types,
};
use cranelift_entity::{EntityRef, SecondaryMap, packed_option::PackedOption};
use cranelift_frontend::FunctionBuilder;
use std::collections::HashMap;
use std::mem::offset_of;

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
    /// Globals that are imported, which can alias each other, and those beyond [`MAX_GLOBAL_REGIONS`].
    Globals,
    /// Whether a table was written to.
    TableWritten,
    /// A global the module defines: no import of the same instance can name it.
    Global(u32),
}

/// Cranelift's alias analysis keeps state for each region and block, so globals beyond these share one.
const MAX_GLOBAL_REGIONS: u32 = 64;

impl Region {
    const fn id(self) -> u32 {
        match self {
            Region::Heap => 0,
            Region::MemoryHeader => 1,
            Region::TableHeader => 2,
            Region::TableElements => 3,
            Region::Globals => 4,
            Region::TableWritten => 5,
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
            Region::Global(_) => "global",
        }
    }
}

/// Flags for what never changes while an instance lives.
pub(crate) fn constant_flags() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// How a table's parts are reached; see [`FuncEnv::table`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct TableParts {
    pub base: Value,
    /// The length in elements, 32 bits wide.
    pub length: Value,
    pub element: RefType,
}

/// The surroundings of the function being translated.
pub(crate) struct FuncEnv<'a> {
    pub module: &'a Module,
    pub layout: &'a VMContextLayout,
    pub options: CompileOptions,
    pub vmctx: Value,
    entry: Block,
    /// The last of the instructions that were hoisted to the start of the function.
    last_hoisted: PackedOption<ir::Inst>,
    /// For each memory its base (guard pages) or the pointer to its [`VMMemory`], loaded at the start of the function.
    memories: SecondaryMap<MemoryIndex, PackedOption<Value>>,
    /// The regions that have been used, by number; those of globals are found in Cranelift's table.
    regions: [Option<AliasRegion>; Region::TableWritten.id() as usize + 1],
    /// For each table whether its elements may be waiting to be filled, as far as the function has asked.
    lazy_tables: SecondaryMap<TableIndex, Option<bool>>,
    libcall_table: Option<Value>,
    funcs: HashMap<FuncIndex, ir::FuncRef>,
    sigs: SecondaryMap<TypeIndex, PackedOption<SigRef>>,
    libcall_sigs: Vec<(Libcall, SigRef)>,
}

impl<'a> FuncEnv<'a> {
    pub fn new(
        module: &'a Module,
        layout: &'a VMContextLayout,
        options: CompileOptions,
        entry: Block,
        vmctx: Value,
    ) -> FuncEnv<'a> {
        FuncEnv {
            module,
            layout,
            options,
            vmctx,
            entry,
            last_hoisted: None.into(),
            memories: SecondaryMap::new(),
            regions: [None; Region::TableWritten.id() as usize + 1],
            lazy_tables: SecondaryMap::new(),
            libcall_table: None,
            funcs: HashMap::new(),
            sigs: SecondaryMap::new(),
            libcall_sigs: Vec::new(),
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

    /// Where linear memory `memory` starts. Only `bounds.rs` may add to it.
    pub fn memory_base(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        if self.options.guard_pages {
            return self.memory_slot(builder, memory, offset_of!(VMMemorySlot, base));
        }
        let record = self.memory_record(builder, memory);
        let flags = self.flags(builder, Region::MemoryHeader);
        builder.ins().load(POINTER, flags, record, offset_of!(VMMemory, base) as i32)
    }

    /// The length of a memory in bytes.
    pub fn memory_length(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        let record = self.memory_record(builder, memory);
        let flags = self.flags(builder, Region::MemoryHeader);
        builder.ins().load(types::I64, flags, record, offset_of!(VMMemory, length) as i32)
    }

    fn memory_record(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        if !self.options.guard_pages {
            return self.memory_slot(builder, memory, offset_of!(VMMemorySlot, memory));
        }
        let offset = self.layout.memory(memory) + offset_of!(VMMemorySlot, memory) as i32;
        builder.ins().load(POINTER, constant_flags(), self.vmctx, offset)
    }

    /// The field of a memory's slot that this mode works with.
    fn memory_slot(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex, field: usize) -> Value {
        if self.options.opt_level == OptLevel::None {
            let offset = self.layout.memory(memory) + field as i32;
            return builder.ins().load(POINTER, constant_flags(), self.vmctx, offset);
        }
        if let Some(value) = self.memories[memory].expand() {
            return value;
        }
        let value = self.hoisted_load(builder, self.vmctx, self.layout.memory(memory) + field as i32);
        self.memories[memory] = value.into();
        value
    }

    /// The address of a global's value and the flags to access it with, or its value where that is known now.
    pub fn global(
        &mut self,
        builder: &mut FunctionBuilder<'_>,
        global: GlobalIndex,
    ) -> Result<(Value, i32, MemFlagsData), ConstOp> {
        let ty = self.module.globals[global];
        let value_offset = offset_of!(VMGlobal, value) as i32;
        let (address, offset, region) = match self.layout.global(global) {
            Ok(offset) => {
                let defined = global.as_u32() - self.module.num_imported_globals;
                if let (Mutability::Const, Some(ConstExpr::One(op))) =
                    (ty.mutability, self.module.global_inits.get(defined as usize))
                    && let op @ (ConstOp::I32(_) | ConstOp::I64(_) | ConstOp::F32(_) | ConstOp::F64(_)) = *op
                {
                    return Err(op);
                }
                let region = if defined < MAX_GLOBAL_REGIONS { Region::Global(defined) } else { Region::Globals };
                (self.vmctx, offset + value_offset, region)
            }
            Err(offset) => {
                let record = builder.ins().load(POINTER, constant_flags(), self.vmctx, offset);
                (record, value_offset, Region::Globals)
            }
        };
        let flags = match ty.mutability {
            Mutability::Const => constant_flags(),
            Mutability::Var => self.flags(builder, region),
        };
        Ok((address, offset, flags))
    }

    /// A table's parts. The length of a table whose limits are equal is known, and its base never changes.
    pub fn table(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> TableParts {
        let ty = self.module.tables[table];
        let record = self.table_record(builder, table);
        let fixed = ty.limits.max == Some(ty.limits.min);
        let flags = if fixed { constant_flags() } else { self.flags(builder, Region::TableHeader) };
        let base = builder.ins().load(POINTER, flags, record, offset_of!(VMTable, base) as i32);
        let length = if fixed {
            builder.ins().iconst(types::I32, i64::from(ty.limits.min as u32))
        } else {
            self.table_length(builder, record)
        };
        TableParts { base, length, element: ty.element }
    }

    /// The length of a table in elements.
    pub fn table_size(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> Value {
        let record = self.table_record(builder, table);
        self.table_length(builder, record)
    }

    fn table_record(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> Value {
        builder.ins().load(POINTER, constant_flags(), self.vmctx, self.layout.table(table))
    }

    /// Tables with 32-bit indices have fewer than 2^32 elements, so the low half of the length says it all.
    fn table_length(&mut self, builder: &mut FunctionBuilder<'_>, record: Value) -> Value {
        let flags = self.flags(builder, Region::TableHeader);
        builder.ins().load(types::I32, flags, record, offset_of!(VMTable, length) as i32)
    }

    /// Whether 0 in a table can stand for a function that was not asked for yet: function tables are filled on first use, and
    /// what is imported may be any instance's.
    pub fn is_lazy(&mut self, table: TableIndex) -> bool {
        let module = self.module;
        *self.lazy_tables[table].get_or_insert_with(|| {
            let is_active =
                |elem: &ElemSegment| matches!(elem.mode, ElemMode::Active { table: other, .. } if other == table);
            let imported = table.as_u32() < module.num_imported_tables;
            module.tables[table].element.is_func()
                && !module.is_filled_at_once(table)
                && (imported || module.elems.values().any(is_active))
        })
    }

    /// Notes that a table was written to.
    pub fn mark_written(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) {
        let record = self.table_record(builder, table);
        let flags = self.flags(builder, Region::TableWritten);
        let one = builder.ins().iconst(types::I64, 1);
        builder.ins().store(flags, one, record, offset_of!(VMTable, written) as i32);
    }

    /// Flags for a table's elements.
    pub fn element_flags(&mut self, builder: &mut FunctionBuilder<'_>) -> MemFlagsData {
        self.flags(builder, Region::TableElements)
    }

    /// The engine-wide number of one of the module's types.
    pub fn type_id(&mut self, builder: &mut FunctionBuilder<'_>, ty: TypeIndex) -> Value {
        let ids = builder.ins().load(POINTER, constant_flags(), self.vmctx, offset_of!(VMContext, type_ids) as i32);
        builder.ins().load(types::I32, constant_flags(), ids, (ty.index() * size_of::<u32>()) as i32)
    }

    /// The signature of one of the module's types.
    pub fn sig(&mut self, builder: &mut FunctionBuilder<'_>, ty: TypeIndex) -> SigRef {
        if let Some(sig) = self.sigs[ty].expand() {
            return sig;
        }
        let sig = builder.import_signature(sig::wasm(&self.module.types[ty]));
        self.sigs[ty] = sig.into();
        sig
    }

    /// A function of this module, as the target of a direct call within its text.
    pub fn direct_func(&mut self, builder: &mut FunctionBuilder<'_>, func: FuncIndex) -> ir::FuncRef {
        if let Some(&func_ref) = self.funcs.get(&func) {
            return func_ref;
        }
        let signature = self.sig(builder, self.module.type_of(func));
        let name = builder.func.declare_imported_user_function(UserExternalName { namespace: 0, index: func.as_u32() });
        let data = ExtFuncData { name: ExternalName::user(name), signature, colocated: true, patchable: false };
        let func_ref = builder.import_function(data);
        self.funcs.insert(func, func_ref);
        func_ref
    }

    /// An imported function: its entry and its context.
    pub fn imported_func(&mut self, builder: &mut FunctionBuilder<'_>, func: FuncIndex) -> (Value, Value) {
        let offset = self.layout.func_import(func);
        let mut field = |field: usize| builder.ins().load(POINTER, constant_flags(), self.vmctx, offset + field as i32);
        (field(offset_of!(VMFuncImport, entry)), field(offset_of!(VMFuncImport, vmctx)))
    }

    /// The address of a libcall's entry.
    pub fn libcall_entry(&mut self, builder: &mut FunctionBuilder<'_>, libcall: Libcall) -> Value {
        let table = match self.libcall_table {
            Some(table) if self.options.opt_level != OptLevel::None => table,
            _ => {
                let offset = offset_of!(VMContext, libcalls) as i32;
                match self.options.opt_level {
                    OptLevel::None => builder.ins().load(POINTER, constant_flags(), self.vmctx, offset),
                    _ => self.hoisted_load(builder, self.vmctx, offset),
                }
            }
        };
        self.libcall_table = Some(table);
        builder.ins().load(POINTER, constant_flags(), table, libcall.offset())
    }

    pub fn libcall_sig(&mut self, builder: &mut FunctionBuilder<'_>, libcall: Libcall) -> SigRef {
        if let Some(&(_, sig)) = self.libcall_sigs.iter().find(|&&(known, _)| known == libcall) {
            return sig;
        }
        let sig = builder.import_signature(sig::libcall(libcall));
        self.libcall_sigs.push((libcall, sig));
        sig
    }

    /// The type of a table's elements.
    pub fn element_type(&self, table: TableIndex) -> Type {
        sig::ref_type(self.module.tables[table].element)
    }
}
