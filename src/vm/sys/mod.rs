//! Everything that depends on the processor or the operating system: assembly stubs, stack bounds, barriers, signals.
//!
//! Porting means writing these files again for another target; the rest of the crate knows no platform.
//!
//! - `x86_64`: entering WebAssembly, and landing when it traps
//! - `libcall_stubs`: what compiled code calls, one stub for each libcall
//! - `linux`: bounds of the thread's stack, thread identity, process-wide barriers
//! - `guarded`: which parts of the address space belong to guarded memories
//! - `signals`: hardware faults of compiled code become traps

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("libwasm runs on x86_64 Linux only, so far: port src/vm/sys");

pub mod guarded;
pub mod libcall_stubs;
pub mod linux;
pub mod signals;
pub mod x86_64;

pub use crate::vm::mmap::address_space_limited;
pub use libcall_stubs::LIBCALLS;
pub use linux::{
    current_thread_token, heavy_barrier, light_barrier, register_barriers, stack_left, stack_limit, stack_pointer,
};
pub use signals::install as install_signal_handlers;
pub use x86_64::{enter, raise};
