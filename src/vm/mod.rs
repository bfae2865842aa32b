//! What runs: contexts, instances, stores, memories, tables, traps, the heap and its collector.
//!
//! `capi` is the only caller. Everything that belongs to a store is reached through [`store::Store::enter`], which makes
//! sure that one thread is inside at a time.

pub mod aggregate;
pub mod compiled_module;
pub mod engine;
pub mod exception;
pub mod foreign;
pub mod func;
pub mod gc;
pub mod global;
pub mod instance;
mod kinds;
pub mod libcalls;
pub mod memory;
pub mod store;
pub mod table;
pub mod tag;
pub mod trap;
pub mod types;
pub mod val;
pub mod valkind;
pub mod vector;

pub use kinds::new_store;

#[cfg(test)]
mod tests;
