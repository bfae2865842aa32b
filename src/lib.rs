//! libwasm: the standard WebAssembly C API (`wasm.h`), whole, as one shared library.
//!
//! Dependencies between the modules point one way: `capi → vm → code → compiler → module → abi → types`, with `os` and `arch`
//! below `vm`, beside them.
//! ARCHITECTURE.md describes each module.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]
#![deny(clippy::multiple_unsafe_ops_per_block)]

pub mod abi;
pub mod arch;
pub mod capi;
pub mod code;
pub mod compiler;
pub mod module;
pub mod os;
pub mod types;
pub mod vm;
