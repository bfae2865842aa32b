//! Function, table, memory, global and tag types, and the external types that imports and exports have.

use super::{RefType, ValType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A function type (specification, "Function Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncType {
    pub params: Box<[ValType]>,
    pub results: Box<[ValType]>,
}

/// The size limits of a table (elements) or a memory (pages); `max` is `None` where there is none.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    pub min: u64,
    pub max: Option<u64>,
}

/// Whether a global can be set (specification, "Global Types").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mutability {
    Const,
    Var,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GlobalType {
    pub content: ValType,
    pub mutability: Mutability,
}

/// A table type. `index64` is set where indices are 64 bits wide.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableType {
    pub element: RefType,
    pub limits: Limits,
    pub index64: bool,
}

/// A memory type. Limits count pages of 65,536 bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    pub limits: Limits,
    pub index64: bool,
    pub shared: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TagType {
    pub func: FuncType,
}

/// The type of an import or an export (specification, "External Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExternType {
    Func(FuncType),
    Global(GlobalType),
    Table(TableType),
    Memory(MemoryType),
    Tag(TagType),
}

/// The kind of an external type, in the order of `wasm_externkind_t`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExternKind {
    Func = 0,
    Global = 1,
    Table = 2,
    Memory = 3,
    Tag = 4,
}

impl MemoryType {
    /// The size of a page in bytes.
    pub const PAGE_SIZE: u64 = 0x10000;
    /// The largest number of pages a memory with 32-bit addresses can have.
    pub const MAX_PAGES_32: u64 = 0x10000;
}

impl Limits {
    /// Import matching (specification, "Matching: Limits"): `self` is what is given, `wanted` what is declared.
    pub fn matches(&self, wanted: &Limits) -> bool {
        self.min >= wanted.min
            && match (self.max, wanted.max) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(given), Some(wanted)) => given <= wanted,
            }
    }
}

impl ExternType {
    pub fn kind(&self) -> ExternKind {
        match self {
            ExternType::Func(_) => ExternKind::Func,
            ExternType::Global(_) => ExternKind::Global,
            ExternType::Table(_) => ExternKind::Table,
            ExternType::Memory(_) => ExternKind::Memory,
            ExternType::Tag(_) => ExternKind::Tag,
        }
    }
}

fn write_vals(f: &mut fmt::Formatter<'_>, vals: &[ValType]) -> fmt::Result {
    f.write_str("[")?;
    for (i, ty) in vals.iter().enumerate() {
        if i > 0 {
            f.write_str(" ")?;
        }
        write!(f, "{ty}")?;
    }
    f.write_str("]")
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vals(f, &self.params)?;
        f.write_str(" -> ")?;
        write_vals(f, &self.results)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) => write!(f, "{} {}", self.min, max),
            None => write!(f, "{}", self.min),
        }
    }
}

impl fmt::Display for ExternKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExternKind::Func => "func",
            ExternKind::Global => "global",
            ExternKind::Table => "table",
            ExternKind::Memory => "memory",
            ExternKind::Tag => "tag",
        })
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => write!(f, "func {ty}"),
            ExternType::Global(ty) => match ty.mutability {
                Mutability::Const => write!(f, "global {}", ty.content),
                Mutability::Var => write!(f, "global (mut {})", ty.content),
            },
            ExternType::Table(ty) => write!(f, "table {} {}", ty.limits, ty.element),
            ExternType::Memory(ty) => write!(f, "memory {}", ty.limits),
            ExternType::Tag(ty) => write!(f, "tag {}", ty.func),
        }
    }
}
