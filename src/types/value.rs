//! Value types (specification, "Value Types").

use super::TypeIndex;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a reference can point to (specification, "Heap Types").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HeapType {
    Func,
    Extern,
    Any,
    Eq,
    I31,
    Struct,
    Array,
    Exn,
    None,
    NoFunc,
    NoExtern,
    NoExn,
    /// A type that somebody has defined, and what kind of type it is.
    Concrete {
        kind: CompositeKind,
        ty: TypeUse,
    },
}

/// What a defined type describes (specification, "Composite Types").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CompositeKind {
    Func,
    Struct,
    Array,
}

/// How a type names a defined type (specification, "Type Uses"). Where a type comes from says which of the three it has: types in a
/// [`Module`](crate::module::Module) have indices; types that belong to no module are closed, they have numbers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeUse {
    /// A type of the module at hand.
    Index(TypeIndex),
    /// A type of the recursion group at hand, by its position.
    Rec(u32),
    /// A type that is registered in this process (`src/vm/types/mod.rs`). Whoever holds the number makes sure that it stays so.
    Defined(TypeId),
}

/// The number of a defined type, the same for equal types.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeId(pub u32);

/// A reference type: a heap type, nullable or not (specification, "Reference Types").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefType {
    pub nullable: bool,
    pub heap: HeapType,
}

impl RefType {
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };

    /// Whether values of this type are pointers to a `VMFuncRef`; all others are 32-bit references into the store's heap.
    pub fn is_func(self) -> bool {
        self.heap.top() == HeapType::Func
    }

    /// The type with each defined type named as `rename` says.
    pub fn rename(self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> RefType {
        match self.heap {
            HeapType::Concrete { kind, ty } => {
                RefType { heap: HeapType::Concrete { kind, ty: rename(ty) }, nullable: self.nullable }
            }
            _ => self,
        }
    }
}

impl HeapType {
    /// The type of the hierarchy that all others in it match (specification, "Heap Types").
    pub const fn top(self) -> HeapType {
        match self {
            HeapType::Func | HeapType::NoFunc | HeapType::Concrete { kind: CompositeKind::Func, .. } => HeapType::Func,
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None
            | HeapType::Concrete { .. } => HeapType::Any,
        }
    }

    /// The nearest type that has a name of its own: of a defined type what all of its kind match.
    pub fn abstraction(self) -> HeapType {
        match self {
            HeapType::Concrete { kind: CompositeKind::Func, .. } => HeapType::Func,
            HeapType::Concrete { kind: CompositeKind::Struct, .. } => HeapType::Struct,
            HeapType::Concrete { kind: CompositeKind::Array, .. } => HeapType::Array,
            named => named,
        }
    }
}

/// A value type.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValType {
    I32,
    I64,
    F32,
    F64,
    V128,
    Ref(RefType),
}

impl ValType {
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    pub fn is_ref(self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether values of the type are functions.
    pub fn is_func_ref(self) -> bool {
        matches!(self, ValType::Ref(ty) if ty.is_func())
    }

    /// The type with each defined type named as `rename` says.
    pub fn rename(self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> ValType {
        match self {
            ValType::Ref(ty) => ValType::Ref(ty.rename(rename)),
            number => number,
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::Extern => "extern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::Exn => "exn",
            HeapType::None => "none",
            HeapType::NoFunc => "nofunc",
            HeapType::NoExtern => "noextern",
            HeapType::NoExn => "noexn",
            HeapType::Concrete { ty, .. } => return ty.fmt(f),
        })
    }
}

impl fmt::Display for TypeUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TypeUse::Index(index) => write!(f, "{}", index.as_u32()),
            TypeUse::Rec(position) => write!(f, "rec.{position}"),
            TypeUse::Defined(TypeId(id)) => write!(f, "$type{id}"),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nullable, self.heap) {
            (true, HeapType::None) => f.write_str("nullref"),
            (true, HeapType::NoFunc) => f.write_str("nullfuncref"),
            (true, HeapType::NoExtern) => f.write_str("nullexternref"),
            (true, HeapType::NoExn) => f.write_str("nullexnref"),
            (true, HeapType::Concrete { ty, .. }) => write!(f, "(ref null {ty})"),
            (true, heap) => write!(f, "{heap}ref"),
            (false, heap) => write!(f, "(ref {heap})"),
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}
