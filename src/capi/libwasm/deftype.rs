//! Defined types: function, structure and array types that a module or the host has defined.

use super::fieldtype::{self, libwasm_fieldtype_t, libwasm_fieldtype_vec_t};
use super::recgroup::{self, libwasm_recgroup_t};
use crate::capi::boundary::boundary;
use crate::capi::module::wasm_module_t;
use crate::capi::own::{self, OwnedHandle, TryClone, boxed};
use crate::capi::types::functype::{self, wasm_functype_t};
use crate::capi::vec;
use crate::os::reserve;
use crate::types::{CompositeKind, CompositeType, Error, Result};
use crate::vm::types::{DefinedType, GroupBuilder};
use std::ptr;

/// What a defined type describes: one of `enum libwasm_deftypekind_enum`.
pub type libwasm_deftypekind_t = u8;

/// What a defined type describes.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_deftypekind_enum {
    /// What is told of NULL.
    LIBWASM_DEFTYPE_NONE = 0,
    LIBWASM_DEFTYPE_FUNC = 1,
    LIBWASM_DEFTYPE_STRUCT = 2,
    LIBWASM_DEFTYPE_ARRAY = 3,
}

/// A defined type (<https://webassembly.github.io/spec/core/syntax/types.html#recursive-types>): a function, structure or array type, with
/// its place in a recursion group, its finality and its supertype. Types of equal groups are the same, whoever has defined them: a
/// module, or the host (`libwasm_recgroup_define`, `libwasm_deftype_new_struct` and its siblings).
///
/// A defined type belongs to no engine and no store: it can be used with all of them, on any thread. It lives as long as a handle of it, a
/// type that names it, a module that defines it, or an object that is of it.
#[derive(Debug)]
pub struct libwasm_deftype_t {
    _opaque: [u8; 0],
}

/// A vector of defined types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct libwasm_deftype_vec_t {
    pub size: usize,
    pub data: *mut *mut libwasm_deftype_t,
}

boxed! {
    libwasm_deftype_t => DefinedType, "a defined type";
}

vec::vectors! {
    libwasm_deftype_vec_t => *mut libwasm_deftype_t;
}

impl TryClone for DefinedType {
    fn try_clone(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

/// A final type without a supertype that is a group by itself.
fn single(composite: CompositeType) -> Result<*mut libwasm_deftype_t> {
    let mut group = GroupBuilder::default();
    group.add(composite)?;
    let ty = group.define()?.pop().ok_or_else(|| Error::argument("nothing was defined"))?;
    Ok(own::into_raw(ty))
}

/// Deletes a handle of a defined type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_delete(object: *mut libwasm_deftype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes another handle of the same defined type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_copy(object: *const libwasm_deftype_t) -> *mut libwasm_deftype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a structure type that is final, has no supertype, and is a recursion group by itself, owned by the caller: the member 0 of it
/// (`libwasm_valtype_new_member`). For all others there is `libwasm_recgroup_new`. Takes the content of the vector over, also where it fails,
/// and leaves it empty; NULL is a structure without fields. NULL if a field's type is NULL or names another member, and for more than
/// 10,000 fields.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_new_struct(fields: *mut libwasm_fieldtype_vec_t) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let fields = unsafe { vec::from_raw(fields) };
        single(CompositeType::Struct(fieldtype::open_types_in(&fields)?))
    })
}

/// Makes an array type that is final, has no supertype, and is a recursion group by itself, owned by the caller: the member 0 of it
/// (`libwasm_valtype_new_member`). Takes the type of the elements over, also where it fails. NULL if that is NULL or names another member.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_new_array(element: *mut libwasm_fieldtype_t) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let element = unsafe { OwnedHandle::new(element) }?;
        single(CompositeType::Array(element.get().open_type()?))
    })
}

/// The defined type that a function type is, owned by the caller: for one that `wasm_functype_new` made, a final one without a
/// supertype; for others, which modules, functions and `libwasm_deftype_functype` have given, what they are. The function type is lent.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_new_func(ty: *const wasm_functype_t) -> *mut libwasm_deftype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(own::into_raw(unsafe { functype::borrow(ty) }?.defined()?)))
}

/// What the type describes; `LIBWASM_DEFTYPE_NONE` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_kind(ty: *const libwasm_deftype_t) -> libwasm_deftypekind_t {
    boundary(libwasm_deftypekind_enum::LIBWASM_DEFTYPE_NONE as u8, || {
        // SAFETY: as the caller states.
        Ok(match unsafe { own::borrow(ty) }?.kind() {
            CompositeKind::Func => libwasm_deftypekind_enum::LIBWASM_DEFTYPE_FUNC as u8,
            CompositeKind::Struct => libwasm_deftypekind_enum::LIBWASM_DEFTYPE_STRUCT as u8,
            CompositeKind::Array => libwasm_deftypekind_enum::LIBWASM_DEFTYPE_ARRAY as u8,
        })
    })
}

/// Whether the type can have no subtypes; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_is_final(ty: *const libwasm_deftype_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || Ok(unsafe { own::borrow(ty) }?.sub_type().is_final))
}

/// The supertype that the type declares, owned by the caller; NULL, without a reason, if it declares none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_supertype(ty: *const libwasm_deftype_t) -> *mut libwasm_deftype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let supertype = unsafe { own::borrow(ty) }?.supertype();
        Ok(supertype.map_or(ptr::null_mut(), own::into_raw))
    })
}

/// The types of a structure's fields, or, as the only one, that of an array's elements, in a vector that the caller owns; false, and an empty
/// vector, with a reason, for a function type and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_fields(
    ty: *const libwasm_deftype_t,
    out: *mut libwasm_fieldtype_vec_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let fields = match &unsafe { own::borrow(ty) }?.sub_type().composite {
            CompositeType::Struct(fields) => &fields[..],
            CompositeType::Array(element) => std::slice::from_ref(element),
            CompositeType::Func(_) => return Err(Error::argument("a function type has no fields")),
        };
        let fields = vec::try_from_iter(fields.iter().map(|&field| fieldtype::into_raw(field)))?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, fields) }?;
        Ok(true)
    })
}

/// The function type that a defined type is, owned by the caller. It stands for this very type, with its group, finality and supertype, where
/// functions and tags are made of it. NULL for a structure or array type, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_functype(ty: *const libwasm_deftype_t) -> *mut wasm_functype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || functype::into_raw(unsafe { own::borrow(ty) }?))
}

/// The recursion group that the type is a member of, defined, and owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_recgroup(ty: *const libwasm_deftype_t) -> *mut libwasm_recgroup_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || recgroup::into_raw(unsafe { own::borrow(ty) }?))
}

/// The place of the type in its recursion group; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_index(ty: *const libwasm_deftype_t) -> u32 {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(ty) }?.position()))
}

/// Whether two handles are of the same type: of equal members of equal recursion groups; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_same(a: *const libwasm_deftype_t, b: *const libwasm_deftype_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let a = unsafe { own::borrow(a) }?;
        // SAFETY: as the caller states.
        let b = unsafe { own::borrow(b) }?;
        Ok(a.id() == b.id())
    })
}

/// Whether one type is another or a subtype of it, as they declare it; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_matches(
    ty: *const libwasm_deftype_t,
    wanted: *const libwasm_deftype_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let ty = unsafe { own::borrow(ty) }?;
        // SAFETY: as the caller states.
        let wanted = unsafe { own::borrow(wanted) }?;
        Ok(ty.matches(wanted.id()))
    })
}

/// The types that a module defines, by index, in a vector that the caller owns. They are there as long as handles of them, also without the
/// module. An empty vector for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_module_types(module: *const wasm_module_t, out: *mut libwasm_deftype_vec_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, vec::empty()) }?;
        // SAFETY: as the caller states.
        let types = unsafe { own::record(module) }?.compiled().defined_types();
        reserve::check_for(2 * size_of::<DefinedType>() * types.len())?;
        let types = vec::from_iter(types.iter().map(|ty| own::into_raw(ty.clone())))?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, types) }
    })
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_vec_new_empty(out: *mut libwasm_deftype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_vec_new_uninitialized(out: *mut libwasm_deftype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_vec_new(
    out: *mut libwasm_deftype_vec_t,
    size: usize,
    data: *const *mut libwasm_deftype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_vec_copy(
    out: *mut libwasm_deftype_vec_t,
    source: *const libwasm_deftype_vec_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_deftype_vec_delete(vector: *mut libwasm_deftype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
