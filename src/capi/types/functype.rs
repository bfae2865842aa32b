//! Function types.

use super::object::{TypeObject, wrong_kind};
use super::valtype::{self, wasm_valtype_vec_t};
use crate::capi::boundary::boundary;
use crate::capi::own::{self, TryClone};
use crate::capi::vec;
use crate::os::sync::OnceLock;
use crate::types::{Error, ExternKind, FuncType, Result, TypeUse};
use crate::vm::types::DefinedType;
use std::ptr;

/// A function type (<https://webassembly.github.io/spec/core/syntax/types.html#function-types>).
#[derive(Debug)]
pub struct wasm_functype_t {
    _opaque: [u8; 0],
}

/// A vector of function types. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct wasm_functype_vec_t {
    pub size: usize,
    pub data: *mut *mut wasm_functype_t,
}

vec::vectors! {
    wasm_functype_vec_t => *mut wasm_functype_t;
}

/// A function type, as C sees it.
#[derive(Debug)]
pub struct FuncTypeObject {
    params: vec::Owned<wasm_valtype_vec_t>,
    results: vec::Owned<wasm_valtype_vec_t>,
    /// The defined type, if there is more to it than parameters and results.
    defined: Option<DefinedType>,
    /// The defined type in any case, once it was asked for.
    registered: OnceLock<DefinedType>,
}

impl FuncTypeObject {
    /// The C description of a closed type.
    pub fn new(ty: TypeUse, func: &FuncType) -> Result<FuncTypeObject> {
        let (params, results) = (valtype::vec_into_raw(&func.params)?, valtype::vec_into_raw(&func.results)?);
        let defined = match ty {
            TypeUse::Defined(id) => DefinedType::get(id).filter(|defined| !defined.is_plain()),
            TypeUse::Index(_) | TypeUse::Rec(_) => None,
        };
        Ok(FuncTypeObject { params, results, defined, registered: OnceLock::new() })
    }

    /// The type, registered.
    pub fn defined(&self) -> Result<DefinedType> {
        if let Some(known) = self.defined.as_ref().or_else(|| self.registered.get()) {
            return Ok(known.clone());
        }
        let defined = DefinedType::func(self.func_type()?)?;
        // Where another thread was first, it is the same.
        Ok(self.registered.get_or_init(|| defined).clone())
    }

    fn func_type(&self) -> Result<FuncType> {
        Ok(FuncType { params: valtype::types_in(&self.params)?, results: valtype::types_in(&self.results)? })
    }
}

impl TryClone for FuncTypeObject {
    fn try_clone(&self) -> Result<Self> {
        let (params, results) = (self.params.try_clone()?, self.results.try_clone()?);
        Ok(FuncTypeObject { params, results, defined: self.defined.clone(), registered: OnceLock::new() })
    }
}

/// Looks at a function type.
///
/// # Safety
///
/// `ty` is NULL or a live handle, and stays so for `'a`.
pub unsafe fn borrow<'a>(ty: *const wasm_functype_t) -> Result<&'a FuncTypeObject> {
    // SAFETY: as the caller states.
    match unsafe { own::borrow(ty) }? {
        TypeObject::Func(ty) => Ok(ty),
        other => Err(wrong_kind(ExternKind::Func, other.kind())),
    }
}

/// A handle of a function type, which the caller owns.
pub fn into_raw(ty: &DefinedType) -> Result<*mut wasm_functype_t> {
    let func = ty.sub_type().as_func().ok_or_else(|| Error::argument("not a function type"))?;
    Ok(own::into_raw(TypeObject::Func(FuncTypeObject::new(TypeUse::Defined(ty.id()), func)?)))
}

/// Deletes a function type; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_delete(object: *mut wasm_functype_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(object) }
}

/// Makes a copy of a function type, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_copy(object: *const wasm_functype_t) -> *mut wasm_functype_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(object) }
}

/// Makes a function type, owned by the caller. Takes the content of both vectors over and leaves them empty; NULL is an
/// empty vector. NULL if an element is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_new(
    params: *mut wasm_valtype_vec_t,
    results: *mut wasm_valtype_vec_t,
) -> *mut wasm_functype_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let params = unsafe { vec::from_raw(params) };
        // SAFETY: as the caller states.
        let results = unsafe { vec::from_raw(results) };
        let ty = FuncTypeObject { params, results, defined: None, registered: OnceLock::new() };
        ty.func_type()?;
        Ok(own::into_raw(TypeObject::Func(ty)))
    })
}

/// The types of the parameters, lent by the function type; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_params(ty: *const wasm_functype_t) -> *const wasm_valtype_vec_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { borrow(ty) }?.params.as_ptr()))
}

/// The types of the results, lent by the function type; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_results(ty: *const wasm_functype_t) -> *const wasm_valtype_vec_t {
    // SAFETY: as the caller states.
    boundary(ptr::null(), || Ok(unsafe { borrow(ty) }?.results.as_ptr()))
}

/// Makes an empty vector in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_vec_new_empty(out: *mut wasm_functype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::new_empty(out) }
}

/// Makes a vector of `size` elements in `out`, each of which is NULL. An empty one if there is no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_vec_new_uninitialized(out: *mut wasm_functype_vec_t, size: usize) {
    // SAFETY: as the caller states.
    unsafe { vec::new_uninitialized(out, size) }
}

/// Makes a vector in `out` that holds a copy of the array `data` of `size` elements, and takes
/// the elements over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_vec_new(
    out: *mut wasm_functype_vec_t,
    size: usize,
    data: *const *mut wasm_functype_t,
) {
    // SAFETY: as the caller states.
    unsafe { vec::new(out, size, data) }
}

/// Makes a copy of a vector, and of each element in `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_vec_copy(out: *mut wasm_functype_vec_t, source: *const wasm_functype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::copy(out, source) }
}

/// Deletes the content of a vector and its elements and leaves it empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_functype_vec_delete(vector: *mut wasm_functype_vec_t) {
    // SAFETY: as the caller states.
    unsafe { vec::delete(vector) }
}
