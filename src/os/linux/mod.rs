//! Linux.

mod barrier;
pub mod code_memory;
pub mod dirty_pages;
pub mod fork;
pub mod map;
pub mod stack;
pub mod zeroed;

pub use barrier::{heavy_barrier, light_barrier, light_barriers_are_free, register_barriers};
pub use map::address_space_limited;
pub use stack::{StackLimitCache, nested_stack_limit, stack_left};
