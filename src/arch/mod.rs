//! The processor: how WebAssembly is entered and left, the stubs of libcalls, registers.
//!
//! A port to another processor is another folder with the same names. Whatever is written in assembly is under here or, where it
//! depends on the operating system alone, in `os`.

#[cfg(target_arch = "x86_64")]
mod x64;
#[cfg(target_arch = "x86_64")]
pub use x64::*;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("libwasm runs on x86-64 only, so far: write a folder beside src/arch/x64");
