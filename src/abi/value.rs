//! Values where they cross the boundary, as trampolines read and write them. What `wasm.h` fixes of them is stated here.

use crate::types::ValType;
use std::mem::offset_of;

/// The size of a `wasm_val_t`: its kind is at 0, its value at [`VAL_OF`].
pub const VAL: usize = 16;
/// Where a `wasm_val_t` holds its value.
pub const VAL_OF: usize = 8;
/// The size of a slot of raw bytes, of signatures with references or v128: its value is at 0.
pub const RAW_SLOT: usize = 16;
/// The size of a `wasm_val_vec_t`: its size is at 0, its pointer at [`VAL_VEC_DATA`].
pub const VAL_VEC: usize = 16;
/// Where a `wasm_val_vec_t` holds the pointer to its elements.
pub const VAL_VEC_DATA: usize = 8;

/// How far the values that a callback is lent lie from an address that 16 divides. Allocations of a value or more lie at such an address,
/// so what is lent can be told from what is allocated, whichever stack it is on.
pub const LENT_OFFSET: usize = 8;

/// The layout of `wasm_val_t`.
///
/// `of` holds the bits of a number in its low bytes. For a reference it is a handle (a `*mut ObjectHeader`, or null), and
/// for v128 a pointer to a boxed `[u8; 16]`; both belong to the owner of the value.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct Val {
    pub kind: u8,
    pub of: u64,
}

const _: () = assert!(size_of::<Val>() == VAL && offset_of!(Val, of) == VAL_OF);

/// The layout of `wasm_val_vec_t`.
#[repr(C)]
pub struct ValVec {
    pub size: usize,
    pub data: *mut Val,
}

const _: () = assert!(size_of::<ValVec>() == VAL_VEC && offset_of!(ValVec, data) == VAL_VEC_DATA);

/// What converting a value asks of its type, each time: worked out once for each type (`src/vm/valkind.rs`), and small.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    pub form: Form,
    /// The `wasm_valkind_t` that values of the type have.
    pub kind: u8,
    /// Whether null is a value of the type.
    pub nullable: bool,
    /// Whether every object of the hierarchy is a value of the type.
    pub is_top: bool,
}

/// How a value of the host becomes one of WebAssembly.
#[repr(u8)]
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A number of 32 bits.
    Short,
    /// A number of 64 bits.
    Long,
    /// A vector, in a box.
    Vector,
    /// A function: the pointer is the reference.
    Func,
    /// Another object: the reference is found in the store's heap.
    Heap,
}

/// The `wasm_valkind_t` of each numeric type.
pub const KIND_I32: u8 = 0;
pub const KIND_I64: u8 = 1;
pub const KIND_F32: u8 = 2;
pub const KIND_F64: u8 = 3;

/// The `wasm_valkind_t` of a numeric type; `None` for v128 and references, which cross the boundary in another form.
pub fn numeric_kind(ty: ValType) -> Option<u8> {
    match ty {
        ValType::I32 => Some(KIND_I32),
        ValType::I64 => Some(KIND_I64),
        ValType::F32 => Some(KIND_F32),
        ValType::F64 => Some(KIND_F64),
        ValType::V128 | ValType::Ref(_) => None,
    }
}
