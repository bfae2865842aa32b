//! From `wasmparser`'s types to ours.
//!
//! The validator has already refused what WebAssembly 2.0 does not know; what could still not be converted is
//! reported as invalid all the same, never a panic.

use crate::types::*;
use wasmparser::{AbstractHeapType, ExternalKind};

use super::EntityIndex;

impl From<wasmparser::Error> for Error {
    fn from(error: wasmparser::Error) -> Error {
        // Some messages are written over several lines.
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        Error::invalid(message, usize::try_from(error.offset()).unwrap_or(usize::MAX))
    }
}

#[cold]
fn unsupported_type(what: impl std::fmt::Debug) -> Error {
    Error::unsupported(format!("unsupported type {what:?}"))
}

pub fn heap_type(ty: wasmparser::HeapType) -> Result<HeapType> {
    let wasmparser::HeapType::Abstract { shared: false, ty: abstract_ty } = ty else {
        return Err(unsupported_type(ty));
    };
    Ok(match abstract_ty {
        AbstractHeapType::Func => HeapType::Func,
        AbstractHeapType::Extern => HeapType::Extern,
        AbstractHeapType::Any => HeapType::Any,
        AbstractHeapType::None => HeapType::None,
        AbstractHeapType::NoExtern => HeapType::NoExtern,
        AbstractHeapType::NoFunc => HeapType::NoFunc,
        AbstractHeapType::Eq => HeapType::Eq,
        AbstractHeapType::Struct => HeapType::Struct,
        AbstractHeapType::Array => HeapType::Array,
        AbstractHeapType::I31 => HeapType::I31,
        AbstractHeapType::Exn => HeapType::Exn,
        AbstractHeapType::NoExn => HeapType::NoExn,
        _ => return Err(unsupported_type(ty)),
    })
}

pub fn ref_type(ty: wasmparser::RefType) -> Result<RefType> {
    Ok(RefType { nullable: ty.is_nullable(), heap: heap_type(ty.heap_type())? })
}

pub fn val_type(ty: wasmparser::ValType) -> Result<ValType> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(ref_type(ty)?),
    })
}

pub fn func_type(ty: &wasmparser::FuncType) -> Result<FuncType> {
    Ok(FuncType {
        params: ty.params().iter().map(|&ty| val_type(ty)).collect::<Result<_>>()?,
        results: ty.results().iter().map(|&ty| val_type(ty)).collect::<Result<_>>()?,
    })
}

pub(super) fn table_type(ty: wasmparser::TableType) -> Result<TableType> {
    Ok(TableType {
        element: ref_type(ty.element_type)?,
        limits: Limits { min: ty.initial, max: ty.maximum },
        index64: ty.table64,
    })
}

pub(super) fn memory_type(ty: wasmparser::MemoryType) -> MemoryType {
    MemoryType { limits: Limits { min: ty.initial, max: ty.maximum }, index64: ty.memory64, shared: ty.shared }
}

pub(super) fn global_type(ty: wasmparser::GlobalType) -> Result<GlobalType> {
    let mutability = if ty.mutable { Mutability::Var } else { Mutability::Const };
    Ok(GlobalType { content: val_type(ty.content_type)?, mutability })
}

pub(super) fn entity_index(kind: ExternalKind, index: u32) -> EntityIndex {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => EntityIndex::Func(FuncIndex::from_u32(index)),
        ExternalKind::Table => EntityIndex::Table(TableIndex::from_u32(index)),
        ExternalKind::Memory => EntityIndex::Memory(MemoryIndex::from_u32(index)),
        ExternalKind::Global => EntityIndex::Global(GlobalIndex::from_u32(index)),
        ExternalKind::Tag => EntityIndex::Tag(TagIndex::from_u32(index)),
    }
}
