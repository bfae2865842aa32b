//! Compiled code at rest and in memory: linking, publishing (W^X), pc → function, trap and stack map, artifacts.
//!
//! `compile` makes a [`CodeObject`] from a binary, [`artifact`] stores and reads one, [`Code::publish`] makes it
//! executable and known to the process-wide [`registry`], which a signal handler may ask. Code is position independent
//! and refers to nothing but its vmctx, so one published [`Code`] serves all stores of all threads.

pub mod artifact;
mod memory;
mod object;
mod parallel;
mod publish;
pub mod registry;
mod tables;

pub use object::CodeObject;
pub use publish::{Code, CodeKind};
pub use tables::{CodeTables, FuncInfo, StackMapView};
