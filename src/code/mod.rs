//! Compiled code at rest and in memory: linking, publishing (W^X), pc → function, trap and stack map, artifacts.
//!
//! [`compile`] makes an artifact of a binary, in memory, and publishes it: its text is executable and known to the
//! process-wide registry, which a signal handler may ask ([`lookup`]). [`deserialize`] and [`deserialize_file`] do the same
//! with an artifact that exists already. All three give a [`Module`](crate::module::Module) and a [`Code`] that read what
//! they know where it lies in the artifact. Code is position independent and refers to nothing but its vmctx, so one
//! [`Code`] serves all stores of all threads.

mod address_map;
mod artifact;
mod compile;
mod object;
mod offset_map;
mod parallel;
mod publish;
mod tables;

pub use address_map::lookup;
pub use artifact::{deserialize, deserialize_file, is_artifact, write_artifact};
pub use compile::compile;
#[cfg(test)]
pub use object::CodeObject;
pub use parallel::with_stack;
pub use publish::Code;
pub use tables::{CodeTables, FuncInfo, StackMapView};
