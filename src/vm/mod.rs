//! What runs: contexts, instances, stores, memories, tables, traps, the heap and its collector.
pub mod registry;
pub mod vmcontext;
