//! Recursion groups: types that can name each other, made by the host.

use super::deftype::libwasm_deftype_t;
use super::fieldtype::{self, libwasm_fieldtype_t, libwasm_fieldtype_vec_t};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, OwnedHandle, TryClone, boxed};
use crate::capi::types::valtype::{self, wasm_valtype_vec_t};
use crate::capi::vec;
use crate::os::reserve;
use crate::types::{CompositeType, Error, FuncType, Result};
use crate::vm::types::{DefinedType, GroupBuilder, MOST_VALUES, check_count};
use std::ptr;

/// A recursion group (<https://webassembly.github.io/spec/core/syntax/types.html#recursive-types>): types that can name each other, and that
/// are told from others only together. It is made in steps: members are added, in order, whose types name others by position
/// (`libwasm_valtype_new_member`), then supertypes and finality are set where they are not the default, and in the end
/// `libwasm_recgroup_define` checks the group and makes types of its members.
///
/// A group belongs to no engine and no store. A handle is used on one thread at a time.
#[derive(Debug)]
pub struct libwasm_recgroup_t {
    _opaque: [u8; 0],
}

/// A recursion group, as C sees it.
#[derive(Debug)]
pub enum RecGroupObject {
    UnderConstruction(GroupBuilder),
    Defined(Vec<DefinedType>),
}

boxed! {
    libwasm_recgroup_t => RecGroupObject, "a recursion group";
}

impl TryClone for RecGroupObject {
    fn try_clone(&self) -> Result<Self> {
        let memory = match self {
            RecGroupObject::UnderConstruction(group) => group.memory(),
            RecGroupObject::Defined(types) => size_of::<DefinedType>() * types.len(),
        };
        reserve::check_for(memory)?;
        Ok(match self {
            RecGroupObject::UnderConstruction(group) => RecGroupObject::UnderConstruction(group.clone()),
            RecGroupObject::Defined(types) => RecGroupObject::Defined(types.clone()),
        })
    }
}

impl RecGroupObject {
    /// How many members there are.
    fn size(&self) -> usize {
        match self {
            RecGroupObject::UnderConstruction(group) => group.count(),
            RecGroupObject::Defined(types) => types.len(),
        }
    }
}

/// A handle of the group that a type is a member of, which the caller owns.
pub fn into_raw(ty: &DefinedType) -> Result<*mut libwasm_recgroup_t> {
    let members = ty.group();
    reserve::check_for(size_of::<DefinedType>() * members.len())?;
    Ok(own::into_raw(RecGroupObject::Defined(members.collect())))
}

/// A group to be changed; an error if it is defined.
///
/// # Safety
///
/// `group` is NULL or a live handle, and nobody else uses it for `'a`.
unsafe fn under_construction<'a>(group: *mut libwasm_recgroup_t) -> Result<&'a mut GroupBuilder> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow_mut(group) }? {
        RecGroupObject::UnderConstruction(group) => Ok(group),
        RecGroupObject::Defined(_) => Err(Error::argument("the recursion group is defined already")),
    }
}

/// Makes a recursion group without members, owned by the caller.
#[unsafe(no_mangle)]
pub extern "C" fn libwasm_recgroup_new() -> *mut libwasm_recgroup_t {
    boundary(ptr::null_mut(), || Ok(own::into_raw(RecGroupObject::UnderConstruction(GroupBuilder::default()))))
}

/// Deletes a handle of a recursion group; the types that it has defined live on as long as they are needed; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_delete(object: *mut libwasm_recgroup_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a recursion group, as far as it has got, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_copy(object: *const libwasm_recgroup_t) -> *mut libwasm_recgroup_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Adds a structure type as the next member, final and without a supertype. Takes the content of the vector over, also where it fails, and
/// leaves it empty; NULL is a structure without fields. False for NULL, if a field's type is NULL, for more than 10,000 fields or 1,000,000
/// members, and if the group is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_add_struct(
    group: *mut libwasm_recgroup_t,
    fields: *mut libwasm_fieldtype_vec_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let fields = unsafe { vec::from_raw(fields) };
        // SAFETY: as the caller states.
        let group = unsafe { under_construction(group) }?;
        group.add(CompositeType::Struct(fieldtype::open_types_in(&fields)?))?;
        Ok(true)
    })
}

/// Adds an array type as the next member, final and without a supertype. Takes the type of the elements over, also where it fails. False for
/// NULL, for more than 1,000,000 members, and if the group is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_add_array(
    group: *mut libwasm_recgroup_t,
    element: *mut libwasm_fieldtype_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let element = unsafe { OwnedHandle::new(element) }?;
        // SAFETY: as the caller states.
        let group = unsafe { under_construction(group) }?;
        group.add(CompositeType::Array(element.get().open_type()?))?;
        Ok(true)
    })
}

/// Adds a function type as the next member, final and without a supertype. Takes the content of both vectors over, also where it fails, and
/// leaves them empty; NULL is an empty vector. False for NULL, if a value type is NULL, for more than 1,000 parameters or results or
/// 1,000,000 members, and if the group is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_add_func(
    group: *mut libwasm_recgroup_t,
    params: *mut wasm_valtype_vec_t,
    results: *mut wasm_valtype_vec_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let params = unsafe { vec::from_raw(params) };
        // SAFETY: as the caller states.
        let results = unsafe { vec::from_raw(results) };
        // SAFETY: as the caller states.
        let group = unsafe { under_construction(group) }?;
        check_count(params.elements().len(), MOST_VALUES, "parameters")?;
        check_count(results.elements().len(), MOST_VALUES, "results")?;
        let (params, results) = (valtype::open_types_in(&params)?, valtype::open_types_in(&results)?);
        group.add(CompositeType::Func(FuncType { params, results }))?;
        Ok(true)
    })
}

/// Says whether the member at `index` is final: whether it can have no subtypes. False for NULL, if there is no such member, and if the group
/// is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_set_final(
    group: *mut libwasm_recgroup_t,
    index: u32,
    is_final: bool,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { under_construction(group) }?.set_final(index, is_final)?;
        Ok(true)
    })
}

/// Makes a type of another group the supertype of the member at `index`; NULL is none. The supertype is lent. False if the group is NULL,
/// there is no such member, or the group is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_set_supertype(
    group: *mut libwasm_recgroup_t,
    index: u32,
    supertype: *const libwasm_deftype_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let supertype = if supertype.is_null() { None } else { Some(unsafe { own::borrow(supertype) }?) };
        // SAFETY: as the caller states.
        unsafe { under_construction(group) }?.set_supertype(index, supertype)?;
        Ok(true)
    })
}

/// Makes the member at `supertype` the supertype of the one at `index`, which must come after it. False for NULL, if there is no such member,
/// if they are not in this order, and if the group is defined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_set_supertype_member(
    group: *mut libwasm_recgroup_t,
    index: u32,
    supertype: u32,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { under_construction(group) }?.set_supertype_member(index, supertype)?;
        Ok(true)
    })
}

/// Defines the types of the group, once all members are there. False, with the reason and the group as it was, for NULL, if there are no
/// members, if one names a member that there is not, or if one has a supertype that is final, of another kind, or that it does not match. A
/// group that is defined already stays so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_define(group: *mut libwasm_recgroup_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let group = unsafe { own::borrow_mut(group) }?;
        if let RecGroupObject::UnderConstruction(builder) = group {
            *group = RecGroupObject::Defined(builder.define()?);
        }
        Ok(true)
    })
}

/// How many members the group has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_size(group: *const libwasm_recgroup_t) -> u32 {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(group) }?.size() as u32))
}

/// The type at `index` of a group that is defined, owned by the caller; NULL for NULL, if there is no such member, and if the group is not
/// defined yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_recgroup_type(group: *const libwasm_recgroup_t, index: u32) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let RecGroupObject::Defined(types) = unsafe { own::borrow(group) }? else {
            return Err(Error::argument("the recursion group is not defined yet"));
        };
        let ty = types.get(index as usize).ok_or_else(|| {
            Error::argument(format!("the recursion group has {} members: there is no member {index}", types.len()))
        })?;
        Ok(own::into_raw(ty.clone()))
    })
}
