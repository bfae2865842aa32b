//! Everything that depends on the processor or the operating system: assembly stubs, stack bounds, barriers, signals.
//!
//! Porting means writing these files again for another target; the rest of the crate knows no platform.
//!
//! - `x86_64`: entering WebAssembly, and landing when it traps
//! - `plain_call`: the same for the simplest calls, with all they need around it
//! - `libcall_stubs`: what compiled code calls, one stub for each libcall
//! - `linux`: bounds of the thread's stack, thread identity, process-wide barriers
//! - `forks`: whether the process was forked
//! - `pages`: which pages of a mapping were written
//! - `guarded`: which parts of the address space belong to guarded memories
//! - `signals`: hardware faults of compiled code become traps

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("libwasm runs on x86_64 Linux only, so far: port src/vm/sys");

pub mod forks;
pub mod guarded;
pub mod libcall_stubs;
pub mod linux;
pub mod pages;
pub mod plain_call;
pub mod signals;
pub mod x86_64;

pub use crate::vm::mmap::address_space_limited;
pub use libcall_stubs::LIBCALLS;
pub use linux::{
    StackLimitCache, current_thread_token, heavy_barrier, light_barrier, nested_stack_limit, register_barriers,
    stack_left, stack_pointer,
};
pub use plain_call::{NOT_MADE, STILL_INSIDE, call_plain};
pub use signals::install as install_signal_handlers;
pub use x86_64::{TRAPPED, enter, raise};
