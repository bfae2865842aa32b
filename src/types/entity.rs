//! Function, table, memory, global and tag types, and the external types that imports and exports have.

use super::{FuncType, RefType, TypeUse, ValType};
use serde::{Deserialize, Serialize};
use std::fmt;

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

/// A memory type. Limits count pages, of 65,536 bytes unless the type says otherwise. `index64` is set where addresses are 64 bits wide.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    pub limits: Limits,
    pub index64: bool,
    pub shared: bool,
    pub page_size_log2: u8,
}

/// A tag type: a function type whose parameters are what an exception carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TagType {
    pub ty: TypeUse,
    pub func: FuncType,
}

/// The type of an import or an export (specification, "External Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// A function: its defined type, and what that says of parameters and results.
    Func {
        ty: TypeUse,
        func: FuncType,
    },
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
    /// The size of a page that a type does not choose itself is 2^16 bytes.
    pub const DEFAULT_PAGE_SIZE_LOG2: u8 = 16;

    /// The size of a page in bytes.
    pub fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The largest number of pages a memory of this kind can have: as many as it has addresses for, and as `memory.size` can tell.
    pub fn max_pages(&self) -> u64 {
        let bits = if self.index64 { 64 } else { 32 };
        match self.page_size_log2 {
            0 => u64::MAX >> (64 - bits),
            log2 => 1 << (bits - log2),
        }
    }

    /// The length in bytes of a memory of so many pages; `None` if that overflows.
    pub fn bytes(&self, pages: u64) -> Option<u64> {
        pages.checked_mul(self.page_size())
    }

    /// The length in bytes that a memory of this type has at least.
    pub fn min_bytes(&self) -> u64 {
        self.bytes(self.limits.min).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}{} {}", if self.index64 { "i64 " } else { "" }, self.limits, self.element)
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory {}{}", if self.index64 { "i64 " } else { "" }, self.limits)?;
        if self.shared {
            f.write_str(" shared")?;
        }
        match self.page_size_log2 {
            MemoryType::DEFAULT_PAGE_SIZE_LOG2 => Ok(()),
            _ => write!(f, " (pagesize {:#x})", self.page_size()),
        }
    }
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

impl GlobalType {
    /// The type with each defined type named as `rename` says.
    pub fn rename(self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> GlobalType {
        GlobalType { content: self.content.rename(rename), ..self }
    }
}

impl TableType {
    /// The type with each defined type named as `rename` says.
    pub fn rename(self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> TableType {
        TableType { element: self.element.rename(rename), ..self }
    }
}

impl ExternType {
    /// The type with each defined type named as `rename` says.
    pub fn rename(&self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> ExternType {
        match self {
            ExternType::Func { ty, func } => ExternType::Func { ty: rename(*ty), func: func.rename(rename) },
            ExternType::Global(ty) => ExternType::Global(ty.rename(rename)),
            ExternType::Table(ty) => ExternType::Table(ty.rename(rename)),
            ExternType::Memory(ty) => ExternType::Memory(*ty),
            ExternType::Tag(ty) => ExternType::Tag(TagType { ty: rename(ty.ty), func: ty.func.rename(rename) }),
        }
    }

    pub fn kind(&self) -> ExternKind {
        match self {
            ExternType::Func { .. } => ExternKind::Func,
            ExternType::Global(_) => ExternKind::Global,
            ExternType::Table(_) => ExternKind::Table,
            ExternType::Memory(_) => ExternKind::Memory,
            ExternType::Tag(_) => ExternKind::Tag,
        }
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
            ExternType::Func { func, .. } => write!(f, "func {func}"),
            ExternType::Global(ty) => match ty.mutability {
                Mutability::Const => write!(f, "global {}", ty.content),
                Mutability::Var => write!(f, "global (mut {})", ty.content),
            },
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Tag(ty) => write!(f, "tag {}", ty.func),
        }
    }
}
