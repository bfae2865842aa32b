//! What runs: contexts, instances, stores, memories, tables, traps, the heap and its collector.
pub mod activation;
pub mod memory_map;
pub mod mmap;
pub mod registry;
pub mod sys;
pub mod unwind;
pub mod vmcontext;
