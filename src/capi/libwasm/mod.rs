//! `libwasm.h`: everything that is not part of the standard `wasm.h`.

pub mod artifact;
pub mod config;
pub mod error;
pub mod exception;
pub mod folded_try;
pub mod frame;
pub mod func;
pub mod heap;
pub mod kinds;
pub mod limits;
pub mod memory;
pub mod reference;
pub mod shared_memory;
pub mod stack;
pub mod trap;
pub mod v128;
pub mod version;
pub mod wat;
