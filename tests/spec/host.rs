//! The `spectest` module that the scripts import from.

use crate::support::*;
use std::collections::HashMap;
use std::ptr;

extern "C" fn print(_: *const wasm_val_vec_t, _: *mut wasm_val_vec_t) -> *mut wasm_trap_t {
    ptr::null_mut()
}

fn function(store: *mut wasm_store_t, params: &[u8]) -> *mut wasm_extern_t {
    // SAFETY: a kind makes a new type.
    let kinds: Vec<_> = params.iter().map(|&kind| unsafe { wasm_valtype_new(kind) }).collect();
    let (mut params, mut results) = (wasm_valtype_vec_t::EMPTY, wasm_valtype_vec_t::EMPTY);
    // SAFETY: the types' ownership moves into `params`.
    unsafe { wasm_valtype_vec_new(&mut params, kinds.len(), kinds.as_ptr()) };
    // SAFETY: both vectors are given away.
    let ty = unsafe { wasm_functype_new(&mut params, &mut results) };
    // SAFETY: the store and the type are alive.
    let func = unsafe { wasm_func_new(store, ty, print) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_functype_delete(ty) };
    // SAFETY: the same object, as an extern: the caller owns it.
    unsafe { wasm_func_as_extern(func) }
}

fn global(store: *mut wasm_store_t, kind: u8, of: wasm_val_union) -> *mut wasm_extern_t {
    // SAFETY: a kind makes a new type.
    let content = unsafe { wasm_valtype_new(kind) };
    // SAFETY: the content's ownership moves into the global type.
    let ty = unsafe { wasm_globaltype_new(content, WASM_CONST) };
    // SAFETY: everything is alive.
    let global = unsafe { wasm_global_new(store, ty, &wasm_val_t { kind, of }) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_globaltype_delete(ty) };
    // SAFETY: the same object, as an extern: the caller owns it.
    unsafe { wasm_global_as_extern(global) }
}

fn table(store: *mut wasm_store_t, index64: bool) -> *mut wasm_extern_t {
    // SAFETY: a kind makes a new type.
    let element = unsafe { wasm_valtype_new(WASM_FUNCREF) };
    let limits = libwasm_limits_t { min: 10, max: 20, has_max: true, index64, ..Default::default() };
    // SAFETY: the element type's ownership moves into the table type.
    let ty = unsafe { libwasm_tabletype_new(element, &limits) };
    // SAFETY: everything is alive.
    let table = unsafe { wasm_table_new(store, ty, ptr::null_mut()) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_tabletype_delete(ty) };
    // SAFETY: the same object, as an extern: the caller owns it.
    unsafe { wasm_table_as_extern(table) }
}

fn memory(store: *mut wasm_store_t) -> *mut wasm_extern_t {
    // SAFETY: the limits are read.
    let ty = unsafe { wasm_memorytype_new(&wasm_limits_t { min: 1, max: 2 }) };
    // SAFETY: everything is alive.
    let memory = unsafe { wasm_memory_new(store, ty) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_memorytype_delete(ty) };
    // SAFETY: the same object, as an extern: the caller owns it.
    unsafe { wasm_memory_as_extern(memory) }
}

fn shared_memory(store: *mut wasm_store_t) -> *mut wasm_extern_t {
    let limits = libwasm_limits_t { min: 1, max: 2, has_max: true, shared: true, ..Default::default() };
    // SAFETY: the limits are read.
    let ty = unsafe { libwasm_memorytype_new(&limits) };
    // SAFETY: everything is alive.
    let memory = unsafe { wasm_memory_new(store, ty) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_memorytype_delete(ty) };
    // SAFETY: the same object, as an extern: the caller owns it.
    unsafe { wasm_memory_as_extern(memory) }
}

/// What `spectest` exports, each owned by the caller.
pub fn spectest(store: *mut wasm_store_t) -> HashMap<String, *mut wasm_extern_t> {
    let items = [
        ("print", function(store, &[])),
        ("print_i32", function(store, &[WASM_I32])),
        ("print_i64", function(store, &[WASM_I64])),
        ("print_f32", function(store, &[WASM_F32])),
        ("print_f64", function(store, &[WASM_F64])),
        ("print_i32_f32", function(store, &[WASM_I32, WASM_F32])),
        ("print_f64_f64", function(store, &[WASM_F64, WASM_F64])),
        ("global_i32", global(store, WASM_I32, wasm_val_union { i32: 666 })),
        ("global_i64", global(store, WASM_I64, wasm_val_union { i64: 666 })),
        ("global_f32", global(store, WASM_F32, wasm_val_union { f32: 666.6f32.to_bits() })),
        ("global_f64", global(store, WASM_F64, wasm_val_union { f64: 666.6f64.to_bits() })),
        ("table", table(store, false)),
        ("table64", table(store, true)),
        ("memory", memory(store)),
        ("shared_memory", shared_memory(store)),
    ];
    items
        .into_iter()
        .map(|(name, item)| {
            assert!(!item.is_null(), "spectest.{name}: {:?}", last_error());
            (name.to_string(), item)
        })
        .collect()
}
