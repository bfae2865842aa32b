//! The operating system: address space, stacks, barriers between threads, forks, dirty pages, faults.
//!
//! A port to another system is another folder with the same names. `libc` is called under here only.

pub mod guarded;
pub mod reserve;
pub mod sync;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(not(target_os = "linux"))]
compile_error!("libwasm runs on Linux only, so far: write a folder beside src/os/linux");
