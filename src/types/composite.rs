//! Composite types, and what makes them defined types: finality, supertypes and recursion groups (specification, "Composite Types",
//! "Recursive Types").

use super::{CompositeKind, Mutability, TypeUse, ValType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A function type (specification, "Function Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncType {
    pub params: Box<[ValType]>,
    pub results: Box<[ValType]>,
}

/// How a field or an element is kept: as a value, or as fewer bits of an i32 (specification, "Field Types").
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StorageType {
    I8,
    I16,
    Val(ValType),
}

/// A field of a structure, or the elements of an array.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldType {
    pub storage: StorageType,
    pub mutability: Mutability,
}

/// What a defined type describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CompositeType {
    Func(FuncType),
    Struct(Box<[FieldType]>),
    Array(FieldType),
}

/// A composite type with its place among others: what its supertype is, if it has one, and whether it can be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubType {
    pub is_final: bool,
    pub supertype: Option<TypeUse>,
    pub composite: CompositeType,
}

impl FuncType {
    /// The type with what `map` makes of each value type.
    pub fn map(&self, map: &mut impl FnMut(ValType) -> ValType) -> FuncType {
        let mut all = |types: &[ValType]| types.iter().map(|&ty| map(ty)).collect();
        FuncType { params: all(&self.params), results: all(&self.results) }
    }

    /// The type with each defined type named as `rename` says.
    pub fn rename(&self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> FuncType {
        self.map(&mut |ty| ty.rename(rename))
    }
}

impl StorageType {
    /// The type of a value of such a field on the operand stack.
    pub fn unpacked(self) -> ValType {
        match self {
            StorageType::I8 | StorageType::I16 => ValType::I32,
            StorageType::Val(ty) => ty,
        }
    }
}

impl FieldType {
    /// The type with what `map` makes of its value type. (A packed field has none.)
    pub fn map(self, map: &mut impl FnMut(ValType) -> ValType) -> FieldType {
        match self.storage {
            StorageType::Val(ty) => FieldType { storage: StorageType::Val(map(ty)), ..self },
            StorageType::I8 | StorageType::I16 => self,
        }
    }
}

impl CompositeType {
    /// The value types it is made of. (Packed fields have none.)
    pub fn vals(&self) -> impl Iterator<Item = ValType> {
        let (func, fields) = match self {
            CompositeType::Func(ty) => (Some(ty), &[][..]),
            CompositeType::Struct(fields) => (None, &fields[..]),
            CompositeType::Array(element) => (None, std::slice::from_ref(element)),
        };
        let fields = fields.iter().filter_map(|field| match field.storage {
            StorageType::Val(ty) => Some(ty),
            StorageType::I8 | StorageType::I16 => None,
        });
        func.into_iter().flat_map(|ty| ty.params.iter().chain(&ty.results).copied()).chain(fields)
    }

    /// The type with what `map` makes of each value type.
    pub fn map(&self, map: &mut impl FnMut(ValType) -> ValType) -> CompositeType {
        match self {
            CompositeType::Func(ty) => CompositeType::Func(ty.map(map)),
            CompositeType::Struct(fields) => CompositeType::Struct(fields.iter().map(|field| field.map(map)).collect()),
            CompositeType::Array(element) => CompositeType::Array(element.map(map)),
        }
    }

    /// The type with each defined type named as `rename` says.
    pub fn rename(&self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> CompositeType {
        self.map(&mut |ty| ty.rename(rename))
    }
}

impl SubType {
    /// A function type that has no supertype and cannot be one.
    pub fn func(ty: FuncType) -> SubType {
        SubType { is_final: true, supertype: None, composite: CompositeType::Func(ty) }
    }

    pub fn kind(&self) -> CompositeKind {
        match self.composite {
            CompositeType::Func(_) => CompositeKind::Func,
            CompositeType::Struct(_) => CompositeKind::Struct,
            CompositeType::Array(_) => CompositeKind::Array,
        }
    }

    /// The function type it is, if it is one.
    pub fn as_func(&self) -> Option<&FuncType> {
        match &self.composite {
            CompositeType::Func(ty) => Some(ty),
            CompositeType::Struct(_) | CompositeType::Array(_) => None,
        }
    }

    /// The type with each defined type named as `rename` says.
    pub fn rename(&self, rename: &mut impl FnMut(TypeUse) -> TypeUse) -> SubType {
        SubType {
            is_final: self.is_final,
            supertype: self.supertype.map(&mut *rename),
            composite: self.composite.rename(rename),
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
