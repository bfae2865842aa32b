//! Matching of closed types (specification, "Matching").

use super::DefinedType;
use crate::types::{
    CompositeType, ExternType, FieldType, GlobalType, HeapType, Mutability, RefType, StorageType, TypeUse, ValType,
};

/// Whether `given` is a subtype of `wanted`, or the same (specification, "Matching", "Heap Types").
fn heap_matches(given: HeapType, wanted: HeapType) -> bool {
    use HeapType::*;
    if given == wanted || given.top() == wanted {
        return true;
    }
    if given.top() != wanted.top() {
        return false;
    }
    match (given, wanted) {
        (None | NoFunc | NoExtern | NoExn, _) => true,
        (Concrete { ty: TypeUse::Defined(given), .. }, Concrete { ty: TypeUse::Defined(wanted), .. }) => {
            DefinedType::get(given).is_some_and(|given| given.matches(wanted))
        }
        (_, Concrete { .. }) => false,
        (_, Eq) => given != Any,
        _ => given.abstraction() == wanted,
    }
}

/// Whether each value of the type `given` is one of type `wanted` (specification, "Matching", "Reference Types").
pub fn ref_matches(given: RefType, wanted: RefType) -> bool {
    (wanted.nullable || !given.nullable) && heap_matches(given.heap, wanted.heap)
}

/// Whether each value of the type `given` is one of type `wanted` (specification, "Matching", "Value Types").
pub fn val_matches(given: ValType, wanted: ValType) -> bool {
    match (given, wanted) {
        (ValType::Ref(given), ValType::Ref(wanted)) => ref_matches(given, wanted),
        _ => given == wanted,
    }
}

/// Whether what is kept as `given` can be kept as `wanted` (specification, "Matching", "Field Types").
pub fn storage_matches(given: StorageType, wanted: StorageType) -> bool {
    match (given, wanted) {
        (StorageType::Val(given), StorageType::Val(wanted)) => val_matches(given, wanted),
        _ => given == wanted,
    }
}

/// What can be set must be of the same type on both sides.
fn field_matches(given: FieldType, wanted: FieldType) -> bool {
    given.mutability == wanted.mutability
        && match wanted.mutability {
            Mutability::Const => storage_matches(given.storage, wanted.storage),
            Mutability::Var => given.storage == wanted.storage,
        }
}

/// Whether a type that describes `given` may have one that describes `wanted` for its supertype (specification, "Matching", "Composite
/// Types").
pub(super) fn composite_matches(given: &CompositeType, wanted: &CompositeType) -> bool {
    let all = |given: &[ValType], wanted: &[ValType]| {
        given.len() == wanted.len() && given.iter().zip(wanted).all(|(&given, &wanted)| val_matches(given, wanted))
    };
    match (given, wanted) {
        (CompositeType::Func(given), CompositeType::Func(wanted)) => {
            all(&wanted.params, &given.params) && all(&given.results, &wanted.results)
        }
        (CompositeType::Struct(given), CompositeType::Struct(wanted)) => {
            given.len() >= wanted.len()
                && given.iter().zip(wanted).all(|(&given, &wanted)| field_matches(given, wanted))
        }
        (CompositeType::Array(given), CompositeType::Array(wanted)) => field_matches(*given, *wanted),
        _ => false,
    }
}

/// What can be set must be of the same type on both sides.
fn global_matches(given: GlobalType, wanted: GlobalType) -> bool {
    given.mutability == wanted.mutability
        && match wanted.mutability {
            Mutability::Const => val_matches(given.content, wanted.content),
            Mutability::Var => given.content == wanted.content,
        }
}

/// Whether something of the type `given` can be imported where `wanted` is declared (specification, "Matching", "External Types").
pub fn extern_matches(given: &ExternType, wanted: &ExternType) -> bool {
    let defined = |given: TypeUse, wanted: TypeUse| match (given, wanted) {
        (TypeUse::Defined(given), TypeUse::Defined(wanted)) => {
            given == wanted || DefinedType::get(given).is_some_and(|given| given.matches(wanted))
        }
        _ => false,
    };
    match (given, wanted) {
        (ExternType::Func { ty: given, .. }, ExternType::Func { ty: wanted, .. }) => defined(*given, *wanted),
        (ExternType::Global(given), ExternType::Global(wanted)) => global_matches(*given, *wanted),
        (ExternType::Table(given), ExternType::Table(wanted)) => {
            given.element == wanted.element && given.index64 == wanted.index64 && given.limits.matches(&wanted.limits)
        }
        (ExternType::Memory(given), ExternType::Memory(wanted)) => {
            (given.index64, given.shared, given.page_size_log2)
                == (wanted.index64, wanted.shared, wanted.page_size_log2)
                && given.limits.matches(&wanted.limits)
        }
        (ExternType::Tag(given), ExternType::Tag(wanted)) => given.ty == wanted.ty,
        _ => false,
    }
}
