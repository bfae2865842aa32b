//! libwasm: the standard WebAssembly C API (`wasm.h`), whole, as one shared library.
//!
//! Dependencies between the rooms point one way: `capi → vm → code → compiler → module → types`.
//! The one exception is that the compiler reads the layout constants in `vm/vmcontext.rs`.
//! ARCHITECTURE.md describes each room.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]
#![deny(clippy::multiple_unsafe_ops_per_block)]

pub mod capi;
pub mod code;
pub mod compiler;
pub mod module;
pub mod types;
pub mod vm;
