//! Compiled code at rest and in memory: linking, publishing (W^X), pc → function, trap and stack map, artifacts.
//!
//! [`compile`] makes a [`CodeObject`] from a binary, an artifact ([`serialize`], [`deserialize`]) stores one,
//! [`Code::publish`] makes it executable and known to the process-wide registry, which a signal handler may ask
//! ([`lookup`]). Code is position independent and refers to nothing but its vmctx, so one published [`Code`] serves
//! all stores of all threads.

mod artifact;
mod compile;
mod memory;
mod object;
mod parallel;
mod publish;
mod registry;
mod tables;

pub use artifact::{deserialize, is_artifact, serialize};
pub use compile::compile;
pub use memory::CodeMemory;
pub use object::CodeObject;
pub use publish::Code;
pub use registry::lookup;
pub use tables::{CodeTables, FuncInfo, StackMapView};
