//! Linux.

mod barrier;
pub mod code_memory;
pub mod dirty_pages;
pub mod exceptions;
pub mod fault;
mod file;
pub mod fork;
pub mod fork_gate;
pub mod image_file;
mod main_stack;
pub mod malloc;
pub mod map;
pub mod park;
mod process;
mod signal_mask;
pub mod stack;
mod thread_end;
pub mod zeroed;

pub use barrier::{heavy_barrier, light_barrier, light_barriers_are_free, register_barriers};
pub use file::open_regular;
pub use main_stack::is_readable;
pub use map::address_space_limited;
pub use process::end_process;
pub use signal_mask::expect_blocked_faults;
pub use stack::{StackLimitCache, stack_left};

/// The path that a C string of the host names: the system's own encoding, which is any bytes.
pub fn path_from_bytes(bytes: &[u8]) -> &std::path::Path {
    std::path::Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}
