//! What runs: contexts, instances, stores, memories, tables, traps, the heap and its collector.
//!
//! `capi` is the only caller. Everything that belongs to a store is reached through [`store::Store::enter`], which makes
//! sure that one thread is inside at a time.

pub mod activation;
pub mod call;
pub mod engine;
pub mod entity;
pub mod foreign;
pub mod func;
pub mod gc;
pub mod global;
pub mod initial;
pub mod instance;
pub mod instantiate;
pub mod libcalls;
pub mod memory;
pub mod memory_image;
pub mod memory_map;
pub mod mmap;
pub mod module;
pub mod registry;
mod slots;
pub mod space;
pub mod store;
pub mod sys;
pub mod table;
pub mod trap;
pub mod unwind;
pub mod val;
pub mod vmcontext;
mod zeroed;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_reuse;
