//! The vocabulary: value, composite, table, memory, global and tag types, index spaces, trap codes, errors.
//!
//! Everything here is plain data: no engine, no store, no machine code. Every other module may use it.
#![forbid(unsafe_code)]

mod composite;
mod entity;
mod error;
mod index;
mod trap_code;
mod value;

pub use composite::{CompositeType, FieldType, FuncType, StorageType, SubType};
pub use entity::{ExternKind, ExternType, GlobalType, Limits, MemoryType, Mutability, TableType, TagType};
pub use error::{Error, ErrorKind, Result};
pub use index::{
    DataIndex, DefinedFuncIndex, ElemIndex, FuncIndex, GlobalIndex, MemoryIndex, TableIndex, TagIndex, TypeIndex,
};
pub use trap_code::TrapCode;
pub use value::{CompositeKind, HeapType, RefType, TypeId, TypeUse, ValType};
