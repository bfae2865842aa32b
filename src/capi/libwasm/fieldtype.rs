//! Types of fields: of structures, and of the elements of arrays.

use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, TryClone, boxed};
use crate::capi::types::globaltype::{wasm_mutability_enum, wasm_mutability_t};
use crate::capi::types::valtype::{self, wasm_valtype_t};
use crate::capi::vec;
use crate::os::reserve;
use crate::types::{Error, FieldType, Mutability, Result, StorageType};
use crate::vm::types::{MOST_FIELDS, check_count};
use std::ptr;

/// How a field is kept: one of `enum libwasm_storagekind_enum`.
pub type libwasm_storagekind_t = u8;

/// How a field of a structure, or an element of an array, is kept.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_storagekind_enum {
    /// As a value of its type.
    LIBWASM_STORAGE_VALUE = 0,
    /// As the low 8 bits of an i32.
    LIBWASM_STORAGE_I8 = 1,
    /// As the low 16 bits of an i32.
    LIBWASM_STORAGE_I16 = 2,
}

/// The type of a field of a structure or of the elements of an array
/// (<https://webassembly.github.io/spec/core/syntax/types.html#aggregate-types>): how it is kept, and whether it can be set.
#[derive(Debug)]
pub struct libwasm_fieldtype_t {
    _opaque: [u8; 0],
}

/// A vector of types of fields. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct libwasm_fieldtype_vec_t {
    pub size: usize,
    pub data: *mut *mut libwasm_fieldtype_t,
}

/// The type of a field, as C sees it.
#[derive(Debug)]
pub struct FieldTypeObject {
    /// Of a packed field, i32.
    content: OwnedHandle<wasm_valtype_t>,
    storage: libwasm_storagekind_enum,
    mutability: Mutability,
}

boxed! {
    libwasm_fieldtype_t => FieldTypeObject, "a field's type";
}

vec::vectors! {
    libwasm_fieldtype_vec_t => *mut libwasm_fieldtype_t;
}

impl TryClone for FieldTypeObject {
    fn try_clone(&self) -> Result<Self> {
        Ok(FieldTypeObject { content: self.content.try_clone()?, ..*self })
    }
}

impl FieldTypeObject {
    /// The C description of a closed type.
    fn new(ty: FieldType) -> Result<FieldTypeObject> {
        let storage = match ty.storage {
            StorageType::I8 => libwasm_storagekind_enum::LIBWASM_STORAGE_I8,
            StorageType::I16 => libwasm_storagekind_enum::LIBWASM_STORAGE_I16,
            StorageType::Val(_) => libwasm_storagekind_enum::LIBWASM_STORAGE_VALUE,
        };
        Ok(FieldTypeObject { content: valtype::new(ty.storage.unpacked())?, storage, mutability: ty.mutability })
    }

    /// The type, which may name members of a recursion group by position.
    pub fn open_type(&self) -> Result<FieldType> {
        let storage = match self.storage {
            libwasm_storagekind_enum::LIBWASM_STORAGE_I8 => StorageType::I8,
            libwasm_storagekind_enum::LIBWASM_STORAGE_I16 => StorageType::I16,
            libwasm_storagekind_enum::LIBWASM_STORAGE_VALUE => {
                // SAFETY: this owns a live handle.
                StorageType::Val(unsafe { valtype::open_val_type(self.content.as_ptr()) }?)
            }
        };
        Ok(FieldType { storage, mutability: self.mutability })
    }
}

/// A handle of a type of a field, which the caller owns. The type is closed.
pub fn into_raw(ty: FieldType) -> Result<*mut libwasm_fieldtype_t> {
    Ok(own::into_raw(FieldTypeObject::new(ty)?))
}

/// The types in a vector, which may name members of a recursion group; an error if one is NULL, or if there are more than a structure has.
pub fn open_types_in(vector: &vec::Owned<libwasm_fieldtype_vec_t>) -> Result<Box<[FieldType]>> {
    check_count(vector.elements().len(), MOST_FIELDS, "fields")?;
    reserve::check()?;
    // SAFETY: the vector owns its elements: each is NULL or a live handle.
    vector.elements().iter().map(|&element| unsafe { own::borrow(element) }?.open_type()).collect()
}

fn mutability(given: wasm_mutability_t) -> Result<Mutability> {
    match given {
        0 => Ok(Mutability::Const),
        1 => Ok(Mutability::Var),
        other => Err(Error::argument(format!("a mutability is WASM_CONST or WASM_VAR, given {other}"))),
    }
}

/// Deletes a field's type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_delete(object: *mut libwasm_fieldtype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a field's type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_copy(object: *const libwasm_fieldtype_t) -> *mut libwasm_fieldtype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes the type of a field that is kept as a value, owned by the caller. Takes `content` over, also where it fails. NULL if that is
/// NULL, or if `mutability` is neither `WASM_CONST` nor `WASM_VAR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_new(
    content: *mut wasm_valtype_t,
    mutability: wasm_mutability_t,
) -> *mut libwasm_fieldtype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let content = unsafe { OwnedHandle::new(content) }?;
        let mutability = self::mutability(mutability)?;
        let storage = libwasm_storagekind_enum::LIBWASM_STORAGE_VALUE;
        Ok(own::into_raw(FieldTypeObject { content, storage, mutability }))
    })
}

/// Makes the type of a field that is kept as 8 or 16 bits of an i32 (`LIBWASM_STORAGE_I8`, `LIBWASM_STORAGE_I16`), owned by the caller.
/// NULL for any other storage, and if `mutability` is neither `WASM_CONST` nor `WASM_VAR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_new_packed(
    storage: libwasm_storagekind_t,
    mutability: wasm_mutability_t,
) -> *mut libwasm_fieldtype_t {
    boundary(ptr::null_mut(), || {
        let storage = match storage {
            1 => StorageType::I8,
            2 => StorageType::I16,
            other => {
                let message = format!("a packed field is LIBWASM_STORAGE_I8 or LIBWASM_STORAGE_I16, given {other}");
                return Err(Error::argument(message));
            }
        };
        into_raw(FieldType { storage, mutability: self::mutability(mutability)? })
    })
}

/// How the field is kept; `LIBWASM_STORAGE_VALUE` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_storage(ty: *const libwasm_fieldtype_t) -> libwasm_storagekind_t {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(ty) }?.storage as u8))
}

/// The type of the values that the field is set to and gives, lent by the field's type: i32 for a packed field; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_content(ty: *const libwasm_fieldtype_t) -> *const wasm_valtype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { own::borrow(ty) }?.content.as_ptr().cast_const()))
}

/// Whether the field can be set; `WASM_CONST` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_mutability(ty: *const libwasm_fieldtype_t) -> wasm_mutability_t {
    boundary(wasm_mutability_enum::WASM_CONST as u8, || {
        // SAFETY: as the caller states.
        Ok(match unsafe { own::borrow(ty) }?.mutability {
            Mutability::Const => wasm_mutability_enum::WASM_CONST as u8,
            Mutability::Var => wasm_mutability_enum::WASM_VAR as u8,
        })
    })
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_vec_new_empty(out: *mut libwasm_fieldtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_vec_new_uninitialized(out: *mut libwasm_fieldtype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_vec_new(
    out: *mut libwasm_fieldtype_vec_t,
    size: usize,
    data: *const *mut libwasm_fieldtype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_vec_copy(
    out: *mut libwasm_fieldtype_vec_t,
    source: *const libwasm_fieldtype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_fieldtype_vec_delete(vector: *mut libwasm_fieldtype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
