//! Compiled code at rest and in memory: linking, arenas (W^X), pc → function, trap and stack map, entries, artifacts.
//!
//! [`compile`] makes an artifact of a binary, in memory, and an [`Arena`] filled with it: its text is executable and known to
//! the process-wide map of addresses, which a signal handler may ask ([`lookup`]). [`deserialize`] and [`deserialize_file`] do
//! the same with an artifact that exists already. All three give a [`Module`](crate::module::Module) and a [`Code`] that read
//! what they know from the bytes of the artifact, zero-copy. Code is position independent and refers to nothing but its vmctx, so one
//! [`Code`] serves all stores of all threads.
//!
//! Functions that are compiled one at a time are [appended](Arena::append) to an arena that has room: so are the trampolines of an
//! engine, and so can be functions that replace others of their module ([`Code::replace_entries`]).
//!
//! In debug builds every module that was compiled is checked: its machine code against its tables (`check`).

mod address_map;
mod arena;
pub mod artifact;
#[cfg(debug_assertions)]
mod check;
mod compile;
mod entries;
mod object;
mod offset_map;
mod parallel;
mod recent;
mod tables;

pub use address_map::{Reader, lookup};
pub use arena::{Appended, Arena, FuncAt};
pub use artifact::{deserialize, deserialize_file, is_artifact, write_artifact};
#[cfg(test)]
pub use compile::link;
pub use compile::{compile, parsing_memory};
pub use entries::Code;
pub use object::CodeObject;
pub use parallel::with_stack;
pub use tables::{CodeTables, FuncInfo, StackMapView};
