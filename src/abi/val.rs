//! Values and vectors of values of the C API, which trampolines and stubs read and write.

/// The layout of `wasm_val_t`.
///
/// `of` holds the bits of a number in its low bytes. For a reference it is a handle (a `*mut ObjectHeader`, or null), and
/// for v128 a pointer to a boxed `[u8; 16]`; both are owned by whoever owns the value.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct Val {
    pub kind: u8,
    pub of: u64,
}

const _: () = assert!(size_of::<Val>() == 16 && std::mem::offset_of!(Val, of) == 8);

/// The layout of `wasm_val_vec_t`.
#[repr(C)]
pub struct ValVec {
    pub size: usize,
    pub data: *mut Val,
}
