//! The `extern "C"` surface, one file for each section of `wasm.h`, and `libwasm/` for what is not standard.
//!
//! The contract of every exported function is the header's: a pointer is NULL or points to a live object of its type,
//! `own` pointers are given away, everything else is borrowed for the call. Within that contract nothing here is
//! undefined behaviour, and nothing panics across the boundary: each body runs inside [`boundary`], which turns an
//! [`Error`](crate::types::Error) or a panic into the function's default result and records the reason for the thread.
//!
//! [`own`] is the only file that turns handles into pointers and back; [`vec`] is the only one that touches the
//! storage of vectors. `include/wasm.h` and `include/libwasm.h` are generated from these files by `tests/header.rs`:
//! the doc comments become the header's.
#![allow(non_camel_case_types, reason = "the types have the names the C header gives them")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of every exported function is the header's, as stated at the top of this file"
)]

pub mod boundary;
pub mod byte;
pub mod config;
pub mod engine;
pub mod external;
pub mod foreign;
pub mod frame;
pub mod func;
pub mod global;
pub mod instance;
pub mod libwasm;
pub mod memory;
pub mod module;
pub mod own;
pub mod reference;
pub mod store;
pub mod table;
pub mod trap;
pub mod types;
pub mod val;
pub mod vec;
