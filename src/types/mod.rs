//! The vocabulary: value, function, table, memory, global and tag types, index spaces, trap codes, errors.
//!
//! Everything here is plain data: no engine, no store, no machine code. Every other module may use it.
#![forbid(unsafe_code)]

mod entity;
mod error;
mod index;
mod trap_code;
mod value;

pub use entity::{ExternKind, ExternType, FuncType, GlobalType, Limits, MemoryType, Mutability, TableType, TagType};
pub use error::{Error, ErrorKind, Result};
pub use index::{
    DataIndex, DefinedFuncIndex, ElemIndex, FuncIndex, GlobalIndex, MemoryIndex, TableIndex, TagIndex, TypeIndex,
};
pub use trap_code::TrapCode;
pub use value::{HeapType, RefType, ValType};
