//! The kinds of values (`wasm_valkind_t`), and what converting a value asks of its type.

use crate::abi::{Crossing, Form, KIND_F32, KIND_F64, KIND_I32, KIND_I64};
use crate::types::{HeapType, RefType, ValType};

pub const KIND_V128: u8 = 4;
pub const KIND_EXTERNREF: u8 = 128;
pub const KIND_FUNCREF: u8 = 129;
/// The first of the kinds that the standard does not name; see [`kind_of`].
pub const KIND_OTHER_REFS: u8 = 130;

const HEAP_TYPES: [HeapType; 12] = [
    HeapType::Any,
    HeapType::Eq,
    HeapType::I31,
    HeapType::Struct,
    HeapType::Array,
    HeapType::Exn,
    HeapType::None,
    HeapType::NoFunc,
    HeapType::NoExtern,
    HeapType::NoExn,
    HeapType::Extern,
    HeapType::Func,
];

/// The `wasm_valkind_t` of a type; of a defined type that of the nearest that has one. Nullable reference types other than externref and funcref have kinds from 130 on, in the
/// order of the table above; the types without null have those from 142 on.
#[inline]
pub fn kind_of(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => KIND_I32,
        ValType::I64 => KIND_I64,
        ValType::F32 => KIND_F32,
        ValType::F64 => KIND_F64,
        ValType::V128 => KIND_V128,
        ValType::Ref(RefType::EXTERNREF) => KIND_EXTERNREF,
        ValType::Ref(RefType::FUNCREF) => KIND_FUNCREF,
        ValType::Ref(ty) => kind_of_other_ref(ty),
    }
}

#[cold]
fn kind_of_other_ref(RefType { nullable, heap }: RefType) -> u8 {
    match (nullable, heap.abstraction()) {
        (true, HeapType::Extern) => KIND_EXTERNREF,
        (true, HeapType::Func) => KIND_FUNCREF,
        (_, heap) => {
            let position = HEAP_TYPES.iter().position(|&other| other == heap).unwrap_or(0) as u8;
            KIND_OTHER_REFS + position + if nullable { 0 } else { HEAP_TYPES.len() as u8 }
        }
    }
}

/// The kind that values of a type have: of references, that of the most general type of their hierarchy.
#[inline]
pub fn value_kind(ty: ValType) -> u8 {
    match ty {
        ValType::Ref(ty) => kind_of_top(ty.heap.top()),
        number => kind_of(number),
    }
}

/// The kind of the nullable references of a whole hierarchy.
const fn kind_of_top(top: HeapType) -> u8 {
    match top {
        HeapType::Func => KIND_FUNCREF,
        HeapType::Extern => KIND_EXTERNREF,
        HeapType::Exn => KIND_OTHER_REFS + 5,
        _ => KIND_OTHER_REFS,
    }
}

/// For each kind the one that values have which can be given as it; [`NO_KIND`] for what is no kind.
pub(super) static HIERARCHIES: [u8; 256] = {
    let mut hierarchies = [NO_KIND; 256];
    let mut kind = 0;
    while kind <= KIND_V128 as usize {
        hierarchies[kind] = kind as u8;
        kind += 1;
    }
    hierarchies[KIND_EXTERNREF as usize] = KIND_EXTERNREF;
    hierarchies[KIND_FUNCREF as usize] = KIND_FUNCREF;
    let mut position = 0;
    while position < 2 * HEAP_TYPES.len() {
        let heap = HEAP_TYPES[position % HEAP_TYPES.len()];
        // Externref and funcref have their standard kinds only.
        if position >= HEAP_TYPES.len() || !matches!(heap, HeapType::Extern | HeapType::Func) {
            hierarchies[KIND_OTHER_REFS as usize + position] = kind_of_top(heap.top());
        }
        position += 1;
    }
    hierarchies
};

pub(super) const NO_KIND: u8 = 255;

/// Whether a value of a kind can be one of a type: references are told apart by hierarchies, what they refer to is looked at later.
#[inline]
pub fn is_kind_of(kind: u8, ty: ValType) -> bool {
    HIERARCHIES[usize::from(kind)] == value_kind(ty)
}

/// What converting values of a type asks of it.
pub fn crossing(ty: ValType) -> Crossing {
    let (form, nullable, is_top) = match ty {
        ValType::I32 | ValType::F32 => (Form::Short, false, false),
        ValType::I64 | ValType::F64 => (Form::Long, false, false),
        ValType::V128 => (Form::Vector, false, false),
        ValType::Ref(RefType { nullable, heap }) => {
            let form = if heap.top() == HeapType::Func { Form::Func } else { Form::Heap };
            (form, nullable, matches!(heap, HeapType::Func | HeapType::Extern | HeapType::Any))
        }
    };
    Crossing { form, kind: value_kind(ty), nullable, is_top }
}

/// The type a `wasm_valkind_t` names.
pub fn type_of_kind(kind: u8) -> Option<ValType> {
    Some(match kind {
        KIND_I32 => ValType::I32,
        KIND_I64 => ValType::I64,
        KIND_F32 => ValType::F32,
        KIND_F64 => ValType::F64,
        KIND_V128 => ValType::V128,
        KIND_EXTERNREF => ValType::EXTERNREF,
        KIND_FUNCREF => ValType::FUNCREF,
        _ => {
            let position = usize::from(kind.checked_sub(KIND_OTHER_REFS)?);
            let heap = *HEAP_TYPES.get(position % HEAP_TYPES.len())?;
            let nullable = position < HEAP_TYPES.len();
            // Externref and funcref have their standard kinds only.
            if position >= 2 * HEAP_TYPES.len() || nullable && matches!(heap, HeapType::Extern | HeapType::Func) {
                return None;
            }
            ValType::Ref(RefType { nullable, heap })
        }
    })
}

/// What messages call a kind: the type's name, or the number where there is no such type.
pub fn name_of_kind(kind: u8) -> String {
    type_of_kind(kind).map_or_else(|| format!("kind {kind}"), |ty| ty.to_string())
}
