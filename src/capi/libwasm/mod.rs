//! `libwasm.h`: everything that is not part of the standard `wasm.h`.

pub mod array;
pub mod artifact;
pub mod config;
pub mod deftype;
pub mod error;
pub mod exception;
pub mod fieldtype;
pub mod folded_try;
pub mod frame;
pub mod func;
pub mod heap;
pub mod kinds;
pub mod limits;
pub mod memory;
pub mod object;
pub mod recgroup;
pub mod reference;
pub mod shared_memory;
pub mod stack;
pub mod trap;
pub mod v128;
pub mod valtype;
pub mod version;
pub mod wat;
pub mod weak;
