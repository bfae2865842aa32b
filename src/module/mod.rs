//! From bytes to a validated description of a module.
//!
//! [`parse`] decodes and validates everything but function bodies; bodies are validated while they are compiled, so
//! [`ParsedModule`] carries a validator for each. A [`Module`] is plain data: it is what an
//! artifact stores beside the machine code, and what instantiation reads. What may be as long as the module has functions
//! or bytes is read zero-copy (`zero_copy.rs`), so that a module is loaded in a time that does not depend on its size.
#![forbid(unsafe_code)]

mod bytes;
mod check;
mod const_expr;
mod convert;
mod features;
mod names;
mod parse;
mod refusal;
#[cfg(test)]
mod tests;
mod zero_copy;

pub use bytes::{Bytes, Words, numbers, push_words};
pub use convert::{heap_type, val_type};
pub use features::{Features, Proposal};
use parse::validate_with;
pub use parse::{ParsedModule, parse, validate};
pub use refusal::{ARTIFACT_MAGIC, COMPONENT_HEADER, explain};
pub use zero_copy::{Datas, FuncList, FuncRefSlots, PARTS};

use crate::abi::{ContextCounts, VMContextLayout};
use crate::os::sync::OnceLock;
use crate::types::*;
use cranelift_entity::PrimaryMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// The most elements of a table that is filled when an instance is made: some ten nanoseconds of work.
const FILLED_AT_ONCE: u64 = 32;

/// The description of a validated module.
///
/// What is skipped by the serialized form are the parts that an artifact keeps apart: [`Module::parts`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Module {
    /// The types of the type section, in order.
    pub types: PrimaryMap<TypeIndex, SubType>,
    /// Where each recursion group ends: the index of the type behind its last.
    pub rec_groups: Vec<u32>,
    /// The imports, in the module's order.
    pub imports: Vec<Import>,
    /// The exports, in the module's order.
    pub exports: Vec<Export>,
    /// Every function's type, imports first: [`Module::type_of`].
    #[serde(skip)]
    funcs: Words,
    pub num_imported_funcs: u32,
    pub tables: PrimaryMap<TableIndex, TableType>,
    pub num_imported_tables: u32,
    /// What the elements of tables are at first that say so, in the order of the tables.
    pub table_inits: Vec<(TableIndex, ConstExpr)>,
    pub memories: PrimaryMap<MemoryIndex, MemoryType>,
    pub num_imported_memories: u32,
    pub globals: PrimaryMap<GlobalIndex, GlobalType>,
    pub num_imported_globals: u32,
    pub tags: PrimaryMap<TagIndex, TypeIndex>,
    pub num_imported_tags: u32,
    /// The initial values of the globals the module defines, in order, after the imported ones.
    pub global_inits: Vec<ConstExpr>,
    pub start: Option<FuncIndex>,
    pub elems: PrimaryMap<ElemIndex, ElemSegment>,
    pub datas: Datas,
    /// The bytes of all data segments, one after the other.
    #[serde(skip)]
    pub data_bytes: Bytes,
    /// For each defined function, where its body (the part after the size) starts and ends in the binary: [`Module::body`].
    #[serde(skip)]
    bodies: Words,
    /// For each function (imports first): its slot among the functions that can become a reference, because they are
    /// exported, in an element segment, or named by `ref.func`. Functions that cannot are not in the map.
    pub func_ref_slots: FuncRefSlots,
    /// Whether a function reference made by an instance can reach another instance without the host's doing:
    /// an imported funcref table or mutable funcref global, or a function type with a funcref parameter.
    pub leaks_references: bool,
    /// Whether the module can have references to objects of the heap other than those of the host: it names such types.
    pub has_objects: bool,
    /// Names from the name section, for traces.
    pub names: Names,
    /// The functions that `return_call` names, which only the compiler asks for.
    #[serde(skip)]
    tail_called: BTreeSet<FuncIndex>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Import {
    pub module: String,
    pub name: String,
    /// Which entity of the module the import becomes.
    pub entity: EntityIndex,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Export {
    pub name: String,
    pub entity: EntityIndex,
}

/// An entity by index space and index (specification, "Exports").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntityIndex {
    Func(FuncIndex),
    Global(GlobalIndex),
    Table(TableIndex),
    Memory(MemoryIndex),
    Tag(TagIndex),
}

/// A constant expression, as the operations of a small stack machine (specification, "Constant Expressions").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstExpr {
    /// Most have a single operation, which takes no allocation.
    One(ConstOp),
    Several(Box<[ConstOp]>),
}

#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstOp {
    I32(i32),
    I64(i64),
    /// The bits of an f32.
    F32(u32),
    /// The bits of an f64.
    F64(u64),
    V128(u128),
    GlobalGet(GlobalIndex),
    RefNull(HeapType),
    RefFunc(FuncIndex),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
    RefI31,
    StructNew(TypeIndex),
    StructNewDefault(TypeIndex),
    ArrayNew(TypeIndex),
    ArrayNewDefault(TypeIndex),
    ArrayNewFixed(TypeIndex, u32),
    /// `any.convert_extern` and `extern.convert_any`, which change nothing but the type: to this.
    Convert(HeapType),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ElemSegment {
    pub ty: RefType,
    pub items: ElemItems,
    pub mode: ElemMode,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum ElemItems {
    Funcs(FuncList),
    Exprs(Box<[ConstExpr]>),
}

impl ElemItems {
    pub fn len(&self) -> usize {
        match self {
            ElemItems::Funcs(funcs) => funcs.len(),
            ElemItems::Exprs(exprs) => exprs.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub enum ElemMode {
    Passive,
    Active { table: TableIndex, offset: ConstExpr },
    Declared,
}

#[derive(Debug)]
pub struct DataSegment {
    /// Where the segment's bytes lie in [`Module::data_bytes`].
    pub bytes: Range<usize>,
    pub mode: DataMode,
}

#[derive(Debug)]
pub enum DataMode {
    Passive,
    Active { memory: MemoryIndex, offset: ConstExpr },
}

/// Names of the module and of its functions, from the custom section "name".
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Names {
    pub module: Option<String>,
    /// The names of functions, one after the other; [`Module::func_name`] finds them.
    #[serde(skip)]
    text: Bytes,
    /// The functions that have a name, sorted, each with where its name ends in `text`.
    #[serde(skip)]
    funcs: Words,
}

impl Module {
    /// The layout of an instance's context; an error if it would be larger than 1 GiB.
    pub fn context_layout(&self) -> Result<VMContextLayout> {
        let counts = ContextCounts {
            imported_globals: self.num_imported_globals,
            defined_globals: self.globals.len() as u64 - u64::from(self.num_imported_globals),
            memories: self.memories.len() as u64,
            tables: self.tables.len() as u64,
            imported_funcs: self.num_imported_funcs,
            imported_tags: self.num_imported_tags,
            defined_tags: self.tags.len() as u64 - u64::from(self.num_imported_tags),
            func_refs: self.func_ref_slots.len(),
        };
        VMContextLayout::new(&counts).ok_or_else(|| {
            Error::limit("too many globals, functions and tables: an instance would be larger than 1 GiB")
        })
    }

    /// Whether each instance fills the module's own table at once: because the module says what all elements are, or because it is
    /// small and never grows. Then compiled code needs no check for elements that were not filled yet.
    pub fn is_filled_at_once(&self, table: TableIndex) -> bool {
        let Limits { min, max } = self.tables[table].limits;
        table.as_u32() >= self.num_imported_tables
            && (max == Some(min) && min <= FILLED_AT_ONCE || self.table_init(table).is_some())
    }

    /// Whether a function of the module calls `func` in tail position. Not known of a module that is loaded from an artifact.
    pub fn is_tail_called(&self, func: FuncIndex) -> bool {
        self.tail_called.contains(&func)
    }

    pub fn is_imported_func(&self, func: FuncIndex) -> bool {
        func.as_u32() < self.num_imported_funcs
    }

    /// The position of `func` among the functions the module defines, or `None` if it is imported.
    pub fn defined_func(&self, func: FuncIndex) -> Option<DefinedFuncIndex> {
        func.as_u32().checked_sub(self.num_imported_funcs).map(DefinedFuncIndex::from_u32)
    }

    pub fn func_index(&self, func: DefinedFuncIndex) -> FuncIndex {
        FuncIndex::from_u32(func.as_u32() + self.num_imported_funcs)
    }

    /// The number of functions, imports included.
    pub fn num_funcs(&self) -> usize {
        self.funcs.len()
    }

    pub fn num_defined_funcs(&self) -> usize {
        self.bodies.len() / 2
    }

    pub fn func_type(&self, func: FuncIndex) -> &FuncType {
        self.func_type_at(self.type_of(func))
    }

    /// The function type with an index; one without parameters and results if another type has it, which only a damaged artifact says.
    pub fn func_type_at(&self, ty: TypeIndex) -> &FuncType {
        static EMPTY: OnceLock<FuncType> = OnceLock::new();
        let ty = self.types.get(ty).and_then(SubType::as_func);
        ty.unwrap_or_else(|| EMPTY.get_or_init(|| FuncType { params: [].into(), results: [].into() }))
    }

    /// What the elements of a table are at first, if the module says so.
    pub fn table_init(&self, table: TableIndex) -> Option<&ConstExpr> {
        let found = self.table_inits.binary_search_by_key(&table, |&(table, _)| table).ok()?;
        Some(&self.table_inits[found].1)
    }

    /// The recursion groups, in order: the types of each.
    pub fn rec_groups(&self) -> impl Iterator<Item = &[SubType]> {
        let types = self.types.as_values_slice();
        let starts = std::iter::once(0).chain(self.rec_groups.iter().copied());
        starts.zip(&self.rec_groups).map(move |(start, &end)| &types[start as usize..end as usize])
    }

    /// The type of an entity of the module.
    pub fn entity_type(&self, entity: EntityIndex) -> ExternType {
        match entity {
            EntityIndex::Func(func) => {
                ExternType::Func { ty: TypeUse::Index(self.type_of(func)), func: self.func_type(func).clone() }
            }
            EntityIndex::Global(global) => ExternType::Global(self.globals[global]),
            EntityIndex::Table(table) => ExternType::Table(self.tables[table]),
            EntityIndex::Memory(memory) => ExternType::Memory(self.memories[memory]),
            EntityIndex::Tag(tag) => {
                let ty = self.tags[tag];
                ExternType::Tag(TagType { ty: TypeUse::Index(ty), func: self.func_type_at(ty).clone() })
            }
        }
    }

    /// The type an import asks for.
    pub fn import_type(&self, import: &Import) -> ExternType {
        self.entity_type(import.entity)
    }
}
