//! What a `wasm_externtype_t*`, `wasm_functype_t*`, `wasm_globaltype_t*`, `wasm_tabletype_t*`, `wasm_memorytype_t*` or
//! `wasm_tagtype_t*` points to.

use super::externtype::wasm_externtype_t;
use super::functype::{FuncTypeObject, wasm_functype_t};
use super::globaltype::{GlobalTypeObject, wasm_globaltype_t};
use super::memorytype::{MemoryTypeObject, wasm_memorytype_t};
use super::tabletype::{TableTypeObject, wasm_tabletype_t};
use super::tagtype::{TagTypeObject, wasm_tagtype_t};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, Boxed, TryClone, boxed};
use crate::types::{Error, ExternKind, ExternType, Result, TagType, TypeUse};
use crate::vm::types::DefinedType;

/// An external type, as C sees it.
#[derive(Debug)]
pub enum TypeObject {
    Func(FuncTypeObject),
    Global(GlobalTypeObject),
    Table(TableTypeObject),
    Memory(MemoryTypeObject),
    Tag(TagTypeObject),
}

boxed! {
    wasm_externtype_t => TypeObject, "an external type";
    wasm_functype_t => TypeObject, "a function type";
    wasm_globaltype_t => TypeObject, "a global type";
    wasm_tabletype_t => TypeObject, "a table type";
    wasm_memorytype_t => TypeObject, "a memory type";
    wasm_tagtype_t => TypeObject, "a tag type";
}

/// A handle type that names one kind of external type.
pub trait Described: Boxed<Object = TypeObject> {
    const KIND: Option<ExternKind>;
}

macro_rules! described {
    ($($handle:ty => $kind:expr;)*) => {$(
        impl Described for $handle {
            const KIND: Option<ExternKind> = $kind;
        }
    )*};
}

described! {
    wasm_externtype_t => None;
    wasm_functype_t => Some(ExternKind::Func);
    wasm_globaltype_t => Some(ExternKind::Global);
    wasm_tabletype_t => Some(ExternKind::Table);
    wasm_memorytype_t => Some(ExternKind::Memory);
    wasm_tagtype_t => Some(ExternKind::Tag);
}

impl TypeObject {
    pub fn kind(&self) -> ExternKind {
        match self {
            TypeObject::Func(_) => ExternKind::Func,
            TypeObject::Global(_) => ExternKind::Global,
            TypeObject::Table(_) => ExternKind::Table,
            TypeObject::Memory(_) => ExternKind::Memory,
            TypeObject::Tag(_) => ExternKind::Tag,
        }
    }

    /// The type, closed, and the defined type that it names, which stays registered as long as that.
    pub fn extern_type(&self) -> Result<(ExternType, Option<DefinedType>)> {
        let named = |defined: DefinedType| -> Result<_> {
            let func = defined.sub_type().as_func().cloned().ok_or_else(|| Error::argument("not a function type"))?;
            Ok((TypeUse::Defined(defined.id()), func, Some(defined)))
        };
        Ok(match self {
            TypeObject::Func(ty) => {
                let (ty, func, defined) = named(ty.defined()?)?;
                (ExternType::Func { ty, func }, defined)
            }
            TypeObject::Tag(ty) => {
                let (ty, func, defined) = named(ty.defined()?)?;
                (ExternType::Tag(TagType { ty, func }), defined)
            }
            TypeObject::Global(ty) => (ExternType::Global(ty.global_type()?), None),
            TypeObject::Table(ty) => (ExternType::Table(ty.table_type()?), None),
            TypeObject::Memory(ty) => (ExternType::Memory(ty.memory_type()), None),
        })
    }

    /// The C description of `ty`, which is closed.
    pub fn new(ty: &ExternType) -> Result<TypeObject> {
        Ok(match ty {
            ExternType::Func { ty, func } => TypeObject::Func(FuncTypeObject::new(*ty, func)?),
            ExternType::Global(ty) => TypeObject::Global(GlobalTypeObject::new(ty)?),
            ExternType::Table(ty) => TypeObject::Table(TableTypeObject::new(ty)?),
            ExternType::Memory(ty) => TypeObject::Memory(MemoryTypeObject::new(ty)),
            ExternType::Tag(ty) => TypeObject::Tag(TagTypeObject::new(ty)?),
        })
    }
}

/// The error for an external type that is not of the kind wanted.
#[cold]
pub fn wrong_kind(wanted: ExternKind, given: ExternKind) -> Error {
    Error::argument(format!("a {wanted} type is wanted, a {given} type given"))
}

impl TryClone for TypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(match self {
            TypeObject::Func(ty) => TypeObject::Func(ty.try_clone()?),
            TypeObject::Global(ty) => TypeObject::Global(ty.try_clone()?),
            TypeObject::Table(ty) => TypeObject::Table(ty.try_clone()?),
            TypeObject::Memory(ty) => TypeObject::Memory(*ty),
            TypeObject::Tag(ty) => TypeObject::Tag(ty.try_clone()?),
        })
    }
}

/// Every `as_` conversion between type handles: the same pointer, or NULL if the object is of another kind.
///
/// # Safety
///
/// `ptr` is NULL or a live handle.
pub unsafe fn convert<From: Described, To: Described>(ptr: *const From) -> *mut To {
    boundary(std::ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let given = unsafe { own::borrow(ptr) }?.kind();
        match To::KIND.or(From::KIND) {
            Some(wanted) if wanted != given => Err(wrong_kind(wanted, given)),
            _ => Ok(ptr.cast_mut().cast()),
        }
    })
}
