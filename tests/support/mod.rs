//! What the tests that speak to the library in Rust need of the C API: its types and prototypes, written out here.
//!
//! Nothing of the crate's Rust side is used: it is linked for its C symbols and for nothing else.
#![allow(dead_code, reason = "each test uses a part of the prototypes")]
#![allow(non_camel_case_types, reason = "the names are C's")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

// Links the library; its C symbols are all that is used of it.
extern crate wasm as _;

macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            _opaque: [u8; 0],
        }
    )*};
}

opaque! {
    wasm_config_t wasm_engine_t wasm_store_t wasm_module_t wasm_instance_t wasm_extern_t wasm_func_t wasm_global_t
    wasm_table_t wasm_memory_t wasm_trap_t wasm_foreign_t wasm_ref_t wasm_valtype_t wasm_functype_t wasm_globaltype_t
    wasm_tabletype_t wasm_memorytype_t wasm_externtype_t wasm_importtype_t wasm_exporttype_t wasm_frame_t
    wasm_shared_module_t wasm_tagtype_t libwasm_shared_memory_t libwasm_tag_t
}

pub const WASM_I32: u8 = 0;
pub const WASM_I64: u8 = 1;
pub const WASM_F32: u8 = 2;
pub const WASM_F64: u8 = 3;
pub const LIBWASM_V128: u8 = 4;
pub const LIBWASM_ANYREF: u8 = 130;
pub const LIBWASM_EQREF: u8 = 131;
pub const LIBWASM_I31REF: u8 = 132;
pub const LIBWASM_STRUCTREF: u8 = 133;
pub const LIBWASM_ARRAYREF: u8 = 134;
pub const LIBWASM_EXNREF: u8 = 135;
pub const WASM_EXTERNREF: u8 = 128;
pub const WASM_FUNCREF: u8 = 129;
pub const LIBWASM_REF_EXTERN: u8 = 152;
pub const LIBWASM_REF_FUNC: u8 = 153;

pub const WASM_CONST: u8 = 0;

pub const WASM_VAR: u8 = 1;

/// `LIBWASM_ERROR_INVALID` and its siblings.
pub const ERROR_NONE: u8 = 0;
pub const ERROR_INVALID: u8 = 1;
pub const ERROR_UNSUPPORTED: u8 = 2;
pub const ERROR_LIMIT: u8 = 3;
pub const ERROR_LINK: u8 = 4;
pub const ERROR_ARTIFACT: u8 = 5;
pub const ERROR_OUT_OF_MEMORY: u8 = 6;
pub const ERROR_ARGUMENT: u8 = 7;
pub const ERROR_BUSY: u8 = 8;
pub const ERROR_INTERNAL: u8 = 9;
pub const ERROR_TRAP: u8 = 10;

/// `WASM_EXTERN_FUNC` and its siblings.
pub const EXTERN_FUNC: u8 = 0;
pub const EXTERN_GLOBAL: u8 = 1;
pub const EXTERN_TABLE: u8 = 2;
pub const EXTERN_MEMORY: u8 = 3;
pub const EXTERN_TAG: u8 = 4;

/// `LIBWASM_REFKIND_NULL` and its siblings.
pub const REFKIND_NULL: u8 = 0;
pub const REFKIND_FUNC: u8 = 1;
pub const REFKIND_FOREIGN: u8 = 9;
pub const REFKIND_I31: u8 = 10;
pub const REFKIND_STRUCT: u8 = 11;
pub const REFKIND_ARRAY: u8 = 12;
pub const REFKIND_EXCEPTION: u8 = 13;

/// A `wasm_X_vec_t`: elements by value for bytes and values, pointers for everything else.
#[repr(C)]
pub struct Vector<T> {
    pub size: usize,
    pub data: *mut T,
}

impl<T> Vector<T> {
    pub const EMPTY: Vector<T> = Vector { size: 0, data: ptr::null_mut() };

    /// A vector that borrows `slice`: not to be given away or deleted.
    pub fn borrow(slice: &[T]) -> Vector<T> {
        Vector { size: slice.len(), data: slice.as_ptr().cast_mut() }
    }

    /// A vector that borrows `slice` and whose elements are written: not to be given away or deleted.
    pub fn borrow_mut(slice: &mut [T]) -> Vector<T> {
        Vector { size: slice.len(), data: slice.as_mut_ptr() }
    }

    /// The elements, to be written.
    ///
    /// # Safety
    ///
    /// As for [`Vector::as_slice`]; nobody else reads or writes them meanwhile.
    pub unsafe fn as_mut_slice(&mut self) -> &mut [T] {
        if self.size == 0 {
            return &mut [];
        }
        // SAFETY: by the caller, `data` points to `size` elements.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.size) }
    }

    /// The elements.
    ///
    /// # Safety
    ///
    /// The vector is one the library filled, or one that borrows a slice which still lives.
    pub unsafe fn as_slice(&self) -> &[T] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: by the caller, `data` points to `size` elements.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

pub type wasm_byte_vec_t = Vector<u8>;
pub type wasm_extern_vec_t = Vector<*mut wasm_extern_t>;
pub type wasm_valtype_vec_t = Vector<*mut wasm_valtype_t>;
pub type wasm_importtype_vec_t = Vector<*mut wasm_importtype_t>;
pub type wasm_exporttype_vec_t = Vector<*mut wasm_exporttype_t>;
pub type wasm_frame_vec_t = Vector<*mut wasm_frame_t>;
pub type wasm_val_vec_t = Vector<wasm_val_t>;

#[repr(C)]
#[derive(Copy, Clone)]
pub union wasm_val_union {
    pub i32: i32,
    pub i64: i64,
    pub f32: u32,
    pub f64: u64,
    pub r#ref: *mut wasm_ref_t,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct wasm_val_t {
    pub kind: u8,
    pub of: wasm_val_union,
}

const _: () = assert!(size_of::<wasm_val_t>() == 16);

#[repr(C)]
pub struct wasm_limits_t {
    pub min: u32,
    pub max: u32,
}

#[repr(C)]
#[derive(Default)]
pub struct libwasm_limits_t {
    pub min: u64,
    pub max: u64,
    pub has_max: bool,
    pub index64: bool,
    pub shared: bool,
    pub page_size: u32,
    pub reserved: [u64; 5],
}

pub type wasm_func_callback_t =
    extern "C" fn(args: *const wasm_val_vec_t, results: *mut wasm_val_vec_t) -> *mut wasm_trap_t;

pub type wasm_finalizer_t = extern "C" fn(*mut c_void);

pub type libwasm_visit_t = extern "C" fn(reference: *const wasm_ref_t, visitor: *mut c_void);

pub type libwasm_trace_t = extern "C" fn(env: *mut c_void, visit: libwasm_visit_t, visitor: *mut c_void);

pub type wasm_func_callback_with_env_t =
    extern "C" fn(env: *mut c_void, args: *const wasm_val_vec_t, results: *mut wasm_val_vec_t) -> *mut wasm_trap_t;

unsafe extern "C" {
    pub fn wasm_byte_vec_delete(vec: *mut wasm_byte_vec_t);

    pub fn wasm_config_new() -> *mut wasm_config_t;
    pub fn wasm_engine_new_with_config(config: *mut wasm_config_t) -> *mut wasm_engine_t;
    pub fn wasm_engine_delete(engine: *mut wasm_engine_t);
    pub fn wasm_store_new(engine: *mut wasm_engine_t) -> *mut wasm_store_t;
    pub fn wasm_store_delete(store: *mut wasm_store_t);

    pub fn wasm_valtype_new(kind: u8) -> *mut wasm_valtype_t;
    pub fn wasm_valtype_vec_new(out: *mut wasm_valtype_vec_t, size: usize, data: *const *mut wasm_valtype_t);
    pub fn wasm_functype_new(params: *mut wasm_valtype_vec_t, results: *mut wasm_valtype_vec_t)
    -> *mut wasm_functype_t;
    pub fn wasm_functype_copy(ty: *const wasm_functype_t) -> *mut wasm_functype_t;
    pub fn wasm_functype_as_externtype(ty: *mut wasm_functype_t) -> *mut wasm_externtype_t;
    pub fn wasm_externtype_copy(ty: *const wasm_externtype_t) -> *mut wasm_externtype_t;
    pub fn wasm_externtype_delete(ty: *mut wasm_externtype_t);
    pub fn wasm_functype_delete(ty: *mut wasm_functype_t);
    pub fn wasm_globaltype_new(content: *mut wasm_valtype_t, mutability: u8) -> *mut wasm_globaltype_t;
    pub fn wasm_globaltype_delete(ty: *mut wasm_globaltype_t);
    pub fn wasm_tabletype_new(element: *mut wasm_valtype_t, limits: *const wasm_limits_t) -> *mut wasm_tabletype_t;
    pub fn libwasm_tabletype_new(
        element: *mut wasm_valtype_t,
        limits: *const libwasm_limits_t,
    ) -> *mut wasm_tabletype_t;
    pub fn libwasm_memorytype_new(limits: *const libwasm_limits_t) -> *mut wasm_memorytype_t;
    pub fn libwasm_tabletype_limits(ty: *const wasm_tabletype_t, out: *mut libwasm_limits_t) -> bool;
    pub fn libwasm_memorytype_limits(ty: *const wasm_memorytype_t, out: *mut libwasm_limits_t) -> bool;
    pub fn wasm_tabletype_delete(ty: *mut wasm_tabletype_t);
    pub fn wasm_memorytype_new(limits: *const wasm_limits_t) -> *mut wasm_memorytype_t;
    pub fn wasm_memorytype_delete(ty: *mut wasm_memorytype_t);
    pub fn wasm_valtype_kind(ty: *const wasm_valtype_t) -> u8;
    pub fn wasm_functype_params(ty: *const wasm_functype_t) -> *const wasm_valtype_vec_t;
    pub fn wasm_functype_results(ty: *const wasm_functype_t) -> *const wasm_valtype_vec_t;
    pub fn wasm_globaltype_content(ty: *const wasm_globaltype_t) -> *const wasm_valtype_t;
    pub fn wasm_globaltype_mutability(ty: *const wasm_globaltype_t) -> u8;
    pub fn wasm_tabletype_element(ty: *const wasm_tabletype_t) -> *const wasm_valtype_t;
    pub fn wasm_tabletype_limits(ty: *const wasm_tabletype_t) -> *const wasm_limits_t;
    pub fn wasm_memorytype_limits(ty: *const wasm_memorytype_t) -> *const wasm_limits_t;
    pub fn wasm_externtype_kind(ty: *const wasm_externtype_t) -> u8;
    pub fn wasm_externtype_as_functype_const(ty: *const wasm_externtype_t) -> *const wasm_functype_t;
    pub fn wasm_externtype_as_globaltype_const(ty: *const wasm_externtype_t) -> *const wasm_globaltype_t;
    pub fn wasm_externtype_as_tabletype_const(ty: *const wasm_externtype_t) -> *const wasm_tabletype_t;
    pub fn wasm_externtype_as_memorytype_const(ty: *const wasm_externtype_t) -> *const wasm_memorytype_t;
    pub fn wasm_importtype_type(ty: *const wasm_importtype_t) -> *const wasm_externtype_t;
    pub fn wasm_exporttype_type(ty: *const wasm_exporttype_t) -> *const wasm_externtype_t;
    pub fn wasm_importtype_module(ty: *const wasm_importtype_t) -> *const wasm_byte_vec_t;
    pub fn wasm_importtype_name(ty: *const wasm_importtype_t) -> *const wasm_byte_vec_t;
    pub fn wasm_importtype_vec_delete(vec: *mut wasm_importtype_vec_t);
    pub fn wasm_exporttype_name(ty: *const wasm_exporttype_t) -> *const wasm_byte_vec_t;
    pub fn wasm_exporttype_vec_delete(vec: *mut wasm_exporttype_vec_t);

    pub fn wasm_val_copy(out: *mut wasm_val_t, val: *const wasm_val_t);
    pub fn wasm_val_delete(val: *mut wasm_val_t);
    pub fn wasm_val_vec_delete(vec: *mut wasm_val_vec_t);
    pub fn wasm_ref_same(a: *const wasm_ref_t, b: *const wasm_ref_t) -> bool;
    pub fn wasm_ref_copy(reference: *const wasm_ref_t) -> *mut wasm_ref_t;
    pub fn wasm_ref_delete(reference: *mut wasm_ref_t);
    pub fn wasm_ref_as_global(reference: *mut wasm_ref_t) -> *mut wasm_global_t;
    pub fn wasm_ref_as_table(reference: *mut wasm_ref_t) -> *mut wasm_table_t;
    pub fn wasm_ref_as_memory(reference: *mut wasm_ref_t) -> *mut wasm_memory_t;
    pub fn wasm_ref_as_instance(reference: *mut wasm_ref_t) -> *mut wasm_instance_t;
    pub fn wasm_ref_as_module(reference: *mut wasm_ref_t) -> *mut wasm_module_t;
    pub fn wasm_ref_as_trap(reference: *mut wasm_ref_t) -> *mut wasm_trap_t;
    pub fn wasm_ref_as_foreign(reference: *mut wasm_ref_t) -> *mut wasm_foreign_t;
    pub fn wasm_ref_as_extern(reference: *mut wasm_ref_t) -> *mut wasm_extern_t;
    pub fn wasm_ref_set_host_info_with_finalizer(
        reference: *mut wasm_ref_t,
        info: *mut c_void,
        finalizer: Option<wasm_finalizer_t>,
    );
    pub fn wasm_ref_as_func(reference: *mut wasm_ref_t) -> *mut wasm_func_t;
    pub fn wasm_ref_get_host_info(reference: *const wasm_ref_t) -> *mut c_void;

    pub fn wasm_trap_delete(trap: *mut wasm_trap_t);
    pub fn wasm_trap_new(store: *mut wasm_store_t, message: *const wasm_byte_vec_t) -> *mut wasm_trap_t;
    pub fn libwasm_trap_code(trap: *const wasm_trap_t) -> u8;
    pub fn wasm_trap_copy(trap: *const wasm_trap_t) -> *mut wasm_trap_t;
    pub fn wasm_trap_as_ref(trap: *mut wasm_trap_t) -> *mut wasm_ref_t;
    pub fn wasm_trap_origin(trap: *const wasm_trap_t) -> *mut wasm_frame_t;
    pub fn wasm_trap_trace(trap: *const wasm_trap_t, out: *mut wasm_frame_vec_t);
    pub fn wasm_frame_delete(frame: *mut wasm_frame_t);
    pub fn wasm_frame_vec_delete(vec: *mut wasm_frame_vec_t);
    pub fn wasm_frame_instance(frame: *const wasm_frame_t) -> *mut wasm_instance_t;
    pub fn wasm_trap_message(trap: *const wasm_trap_t, out: *mut wasm_byte_vec_t);

    pub fn wasm_foreign_new(store: *mut wasm_store_t) -> *mut wasm_foreign_t;
    pub fn wasm_foreign_delete(foreign: *mut wasm_foreign_t);
    pub fn wasm_foreign_set_host_info(foreign: *mut wasm_foreign_t, info: *mut c_void);
    pub fn wasm_foreign_as_ref(foreign: *mut wasm_foreign_t) -> *mut wasm_ref_t;

    pub fn wasm_module_new(store: *mut wasm_store_t, binary: *const wasm_byte_vec_t) -> *mut wasm_module_t;
    pub fn wasm_module_validate(store: *mut wasm_store_t, binary: *const wasm_byte_vec_t) -> bool;
    pub fn wasm_module_as_ref(module: *mut wasm_module_t) -> *mut wasm_ref_t;
    pub fn wasm_module_share(module: *const wasm_module_t) -> *mut wasm_shared_module_t;
    pub fn wasm_module_obtain(store: *mut wasm_store_t, shared: *const wasm_shared_module_t) -> *mut wasm_module_t;
    pub fn wasm_shared_module_delete(shared: *mut wasm_shared_module_t);
    pub fn wasm_module_delete(module: *mut wasm_module_t);
    pub fn wasm_module_imports(module: *const wasm_module_t, out: *mut wasm_importtype_vec_t);
    pub fn wasm_module_exports(module: *const wasm_module_t, out: *mut wasm_exporttype_vec_t);
    pub fn wasm_module_serialize(module: *const wasm_module_t, out: *mut wasm_byte_vec_t);
    pub fn wasm_module_deserialize(store: *mut wasm_store_t, artifact: *const wasm_byte_vec_t) -> *mut wasm_module_t;

    pub fn wasm_func_new(
        store: *mut wasm_store_t,
        ty: *const wasm_functype_t,
        callback: wasm_func_callback_t,
    ) -> *mut wasm_func_t;
    pub fn wasm_func_new_with_env(
        store: *mut wasm_store_t,
        ty: *const wasm_functype_t,
        callback: wasm_func_callback_with_env_t,
        env: *mut c_void,
        finalizer: Option<wasm_finalizer_t>,
    ) -> *mut wasm_func_t;
    pub fn libwasm_func_new_with_traced_env(
        store: *mut wasm_store_t,
        ty: *const wasm_functype_t,
        callback: wasm_func_callback_with_env_t,
        env: *mut c_void,
        trace: Option<libwasm_trace_t>,
        finalizer: Option<wasm_finalizer_t>,
    ) -> *mut wasm_func_t;
    pub fn wasm_func_as_ref(func: *mut wasm_func_t) -> *mut wasm_ref_t;
    pub fn wasm_func_as_extern(func: *mut wasm_func_t) -> *mut wasm_extern_t;
    pub fn wasm_func_param_arity(func: *const wasm_func_t) -> usize;
    pub fn wasm_func_result_arity(func: *const wasm_func_t) -> usize;
    pub fn wasm_func_call(
        func: *const wasm_func_t,
        args: *const wasm_val_vec_t,
        results: *mut wasm_val_vec_t,
    ) -> *mut wasm_trap_t;
    pub fn wasm_global_new(
        store: *mut wasm_store_t,
        ty: *const wasm_globaltype_t,
        val: *const wasm_val_t,
    ) -> *mut wasm_global_t;
    pub fn wasm_global_as_extern(global: *mut wasm_global_t) -> *mut wasm_extern_t;
    pub fn wasm_global_as_ref(global: *mut wasm_global_t) -> *mut wasm_ref_t;
    pub fn wasm_global_set(global: *mut wasm_global_t, val: *const wasm_val_t);
    pub fn wasm_global_get(global: *const wasm_global_t, out: *mut wasm_val_t);
    pub fn wasm_table_new(
        store: *mut wasm_store_t,
        ty: *const wasm_tabletype_t,
        init: *mut wasm_ref_t,
    ) -> *mut wasm_table_t;
    pub fn wasm_table_as_extern(table: *mut wasm_table_t) -> *mut wasm_extern_t;
    pub fn wasm_table_as_ref(table: *mut wasm_table_t) -> *mut wasm_ref_t;
    pub fn wasm_table_set(table: *mut wasm_table_t, index: u32, reference: *mut wasm_ref_t) -> bool;
    pub fn wasm_table_grow(table: *mut wasm_table_t, delta: u32, init: *mut wasm_ref_t) -> bool;
    pub fn wasm_table_size(table: *const wasm_table_t) -> u32;
    pub fn wasm_table_get(table: *const wasm_table_t, index: u32) -> *mut wasm_ref_t;
    pub fn wasm_memory_as_ref(memory: *mut wasm_memory_t) -> *mut wasm_ref_t;
    pub fn wasm_memory_size(memory: *const wasm_memory_t) -> u32;
    pub fn wasm_memory_grow(memory: *mut wasm_memory_t, delta: u32) -> bool;
    pub fn wasm_memory_data(memory: *mut wasm_memory_t) -> *mut u8;
    pub fn wasm_memory_data_size(memory: *const wasm_memory_t) -> usize;
    pub fn libwasm_memory_share(memory: *const wasm_memory_t) -> *mut libwasm_shared_memory_t;
    pub fn libwasm_memory_obtain(
        store: *mut wasm_store_t,
        shared: *const libwasm_shared_memory_t,
    ) -> *mut wasm_memory_t;
    pub fn libwasm_shared_memory_delete(memory: *mut libwasm_shared_memory_t);
    pub fn wasm_memory_new(store: *mut wasm_store_t, ty: *const wasm_memorytype_t) -> *mut wasm_memory_t;
    pub fn wasm_memory_as_extern(memory: *mut wasm_memory_t) -> *mut wasm_extern_t;
    pub fn wasm_extern_as_table(item: *mut wasm_extern_t) -> *mut wasm_table_t;
    pub fn wasm_extern_as_memory(item: *mut wasm_extern_t) -> *mut wasm_memory_t;
    pub fn wasm_extern_kind(item: *const wasm_extern_t) -> u8;
    pub fn wasm_extern_type(item: *const wasm_extern_t) -> *mut wasm_externtype_t;
    pub fn wasm_extern_as_ref(item: *mut wasm_extern_t) -> *mut wasm_ref_t;
    pub fn wasm_extern_delete(item: *mut wasm_extern_t);
    pub fn wasm_extern_copy(item: *const wasm_extern_t) -> *mut wasm_extern_t;
    pub fn wasm_extern_vec_delete(vec: *mut wasm_extern_vec_t);
    pub fn wasm_extern_as_func(item: *mut wasm_extern_t) -> *mut wasm_func_t;
    pub fn wasm_extern_as_global(item: *mut wasm_extern_t) -> *mut wasm_global_t;

    pub fn wasm_instance_new(
        store: *mut wasm_store_t,
        module: *const wasm_module_t,
        imports: *const wasm_extern_vec_t,
        trap: *mut *mut wasm_trap_t,
    ) -> *mut wasm_instance_t;
    pub fn wasm_instance_delete(instance: *mut wasm_instance_t);
    pub fn wasm_instance_as_ref(instance: *mut wasm_instance_t) -> *mut wasm_ref_t;
    pub fn wasm_instance_exports(instance: *const wasm_instance_t, out: *mut wasm_extern_vec_t);

    pub fn libwasm_config_set_signals(config: *mut wasm_config_t, enable: bool);
    pub fn libwasm_config_set_opt_level(config: *mut wasm_config_t, level: u8);
    pub fn libwasm_config_set_custom_page_sizes(config: *mut wasm_config_t, enabled: bool);
    pub fn libwasm_config_set_deterministic(config: *mut wasm_config_t, enabled: bool);
    pub fn libwasm_config_set_memory_reservation(config: *mut wasm_config_t, bytes: u64);
    pub fn libwasm_last_error_clear();
    pub fn libwasm_last_error_kind() -> u8;
    pub fn libwasm_last_error_offset() -> usize;
    pub fn libwasm_last_error_message() -> *const c_char;
    pub fn libwasm_wat2wasm(wat: *const wasm_byte_vec_t, out: *mut wasm_byte_vec_t) -> bool;
    pub fn libwasm_ref_test(reference: *const wasm_ref_t, ty: *const wasm_valtype_t) -> bool;
    pub fn wasm_externtype_as_tagtype_const(ty: *const wasm_externtype_t) -> *const wasm_tagtype_t;
    pub fn libwasm_tag_new(store: *mut wasm_store_t, ty: *const wasm_tagtype_t) -> *mut libwasm_tag_t;
    pub fn libwasm_tag_as_extern(tag: *mut libwasm_tag_t) -> *mut wasm_extern_t;
    pub fn libwasm_ref_kind(reference: *const wasm_ref_t) -> u8;
    pub fn libwasm_i31_get_s(reference: *const wasm_ref_t) -> i32;
    pub fn libwasm_struct_get(object: *const wasm_ref_t, field: u32, out: *mut wasm_val_t) -> bool;
    pub fn libwasm_array_length(array: *const wasm_ref_t) -> u32;
    pub fn libwasm_array_get(array: *const wasm_ref_t, index: u32, out: *mut wasm_val_t) -> bool;
    pub fn libwasm_exception_args(exception: *const wasm_ref_t, out: *mut wasm_val_vec_t) -> bool;
    pub fn libwasm_trap_exception(trap: *const wasm_trap_t) -> *mut wasm_ref_t;
    pub fn libwasm_store_set_heap_limit(store: *mut wasm_store_t, bytes: usize) -> bool;
    pub fn libwasm_val_new_v128(bytes: *const u8, out: *mut wasm_val_t);
    pub fn libwasm_val_v128(val: *const wasm_val_t, bytes: *mut u8) -> bool;
}

/// The bytes of a vector the library gave away, which is deleted.
///
/// # Safety
///
/// `vec` is owned by the caller.
pub unsafe fn take_bytes(mut vec: wasm_byte_vec_t) -> Vec<u8> {
    // SAFETY: by the caller the vector is the library's, whole.
    let bytes = unsafe { vec.as_slice() }.to_vec();
    // SAFETY: owned by the caller, and not used again.
    unsafe { wasm_byte_vec_delete(&mut vec) };
    bytes
}

/// The kind and the message of the thread's last error.
pub fn last_error() -> (u8, String) {
    // SAFETY: takes nothing.
    let message = unsafe { libwasm_last_error_message() };
    // SAFETY: the text ends in a NUL and is valid until the next failure on this thread.
    let message = unsafe { CStr::from_ptr(message) };
    // SAFETY: takes nothing.
    let kind = unsafe { libwasm_last_error_kind() };
    (kind, message.to_string_lossy().into_owned())
}

/// The message of a trap, which is deleted.
///
/// # Safety
///
/// `trap` is owned by the caller and not null.
pub unsafe fn take_trap(trap: *mut wasm_trap_t) -> String {
    let mut message = wasm_byte_vec_t::EMPTY;
    // SAFETY: `trap` is alive by the caller, `message` is written.
    unsafe { wasm_trap_message(trap, &mut message) };
    // SAFETY: the call gave the vector away.
    let mut bytes = unsafe { take_bytes(message) };
    // SAFETY: owned by the caller, and not used again.
    unsafe { wasm_trap_delete(trap) };
    assert_eq!(bytes.pop(), Some(0), "a trap's message ends in one NUL");
    String::from_utf8_lossy(&bytes).into_owned()
}
