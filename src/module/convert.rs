//! From `wasmparser`'s types to ours.
//!
//! The validator has already refused what the engine does not know; what could still not be converted is
//! reported as unsupported all the same, never a panic.

use crate::types::*;
use wasmparser::{AbstractHeapType, CompositeInnerType, ExternalKind, PackedIndex};

use super::{EntityIndex, Module};

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

/// Knows what kinds of types a module defines.
pub trait TypeKinds {
    /// The kind of a type; `None` if there is none with this index.
    fn kind(&self, index: u32) -> Option<CompositeKind>;
}

/// The kinds of types, in the order of their indices.
impl TypeKinds for Vec<CompositeKind> {
    fn kind(&self, index: u32) -> Option<CompositeKind> {
        self.get(index as usize).copied()
    }
}

impl TypeKinds for Module {
    fn kind(&self, index: u32) -> Option<CompositeKind> {
        self.types.get(TypeIndex::from_u32(index)).map(SubType::kind)
    }
}

fn type_use(index: PackedIndex) -> Result<TypeUse> {
    match index.as_module_index() {
        Some(index) => Ok(TypeUse::Index(TypeIndex::from_u32(index))),
        None => Err(unsupported_type(index)),
    }
}

pub fn heap_type(kinds: &impl TypeKinds, ty: wasmparser::HeapType) -> Result<HeapType> {
    let abstract_ty = match ty {
        wasmparser::HeapType::Abstract { shared: false, ty } => ty,
        wasmparser::HeapType::Concrete(index) => {
            let index = index.as_module_index().ok_or_else(|| unsupported_type(ty))?;
            let kind = kinds.kind(index).ok_or_else(|| unsupported_type(ty))?;
            return Ok(HeapType::Concrete { kind, ty: TypeUse::Index(TypeIndex::from_u32(index)) });
        }
        other => return Err(unsupported_type(other)),
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

pub fn ref_type(kinds: &impl TypeKinds, ty: wasmparser::RefType) -> Result<RefType> {
    Ok(RefType { nullable: ty.is_nullable(), heap: heap_type(kinds, ty.heap_type())? })
}

pub fn val_type(kinds: &impl TypeKinds, ty: wasmparser::ValType) -> Result<ValType> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(ref_type(kinds, ty)?),
    })
}

fn func_type(kinds: &impl TypeKinds, ty: &wasmparser::FuncType) -> Result<FuncType> {
    Ok(FuncType {
        params: ty.params().iter().map(|&ty| val_type(kinds, ty)).collect::<Result<_>>()?,
        results: ty.results().iter().map(|&ty| val_type(kinds, ty)).collect::<Result<_>>()?,
    })
}

fn field_type(kinds: &impl TypeKinds, ty: wasmparser::FieldType) -> Result<FieldType> {
    let storage = match ty.element_type {
        wasmparser::StorageType::I8 => StorageType::I8,
        wasmparser::StorageType::I16 => StorageType::I16,
        wasmparser::StorageType::Val(ty) => StorageType::Val(val_type(kinds, ty)?),
    };
    Ok(FieldType { storage, mutability: mutability(ty.mutable) })
}

/// The kind of a defined type, before the types that it refers to are known.
pub(super) fn composite_kind(ty: &wasmparser::SubType) -> Result<CompositeKind> {
    Ok(match ty.composite_type.inner {
        CompositeInnerType::Func(_) => CompositeKind::Func,
        CompositeInnerType::Struct(_) => CompositeKind::Struct,
        CompositeInnerType::Array(_) => CompositeKind::Array,
        CompositeInnerType::Cont(_) => return Err(unsupported_type(ty)),
    })
}

pub(super) fn sub_type(kinds: &impl TypeKinds, ty: &wasmparser::SubType) -> Result<SubType> {
    let composite = match &ty.composite_type.inner {
        CompositeInnerType::Func(ty) => CompositeType::Func(func_type(kinds, ty)?),
        CompositeInnerType::Struct(ty) => {
            CompositeType::Struct(ty.fields.iter().map(|&field| field_type(kinds, field)).collect::<Result<_>>()?)
        }
        CompositeInnerType::Array(ty) => CompositeType::Array(field_type(kinds, ty.0)?),
        CompositeInnerType::Cont(_) => return Err(unsupported_type(ty)),
    };
    let supertype = ty.supertype_idxs.first().map(|&index| type_use(index)).transpose()?;
    Ok(SubType { is_final: ty.is_final, supertype, composite })
}

pub(super) fn table_type(kinds: &impl TypeKinds, ty: wasmparser::TableType) -> Result<TableType> {
    Ok(TableType {
        element: ref_type(kinds, ty.element_type)?,
        limits: Limits { min: ty.initial, max: ty.maximum },
        index64: ty.table64,
    })
}

pub(super) fn memory_type(ty: wasmparser::MemoryType) -> MemoryType {
    let page_size_log2 = ty.page_size_log2.and_then(|log2| u8::try_from(log2).ok().filter(|&log2| log2 <= 16));
    MemoryType {
        limits: Limits { min: ty.initial, max: ty.maximum },
        index64: ty.memory64,
        shared: ty.shared,
        page_size_log2: page_size_log2.unwrap_or(MemoryType::DEFAULT_PAGE_SIZE_LOG2),
    }
}

fn mutability(mutable: bool) -> Mutability {
    if mutable { Mutability::Var } else { Mutability::Const }
}

pub(super) fn global_type(kinds: &impl TypeKinds, ty: wasmparser::GlobalType) -> Result<GlobalType> {
    Ok(GlobalType { content: val_type(kinds, ty.content_type)?, mutability: mutability(ty.mutable) })
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
