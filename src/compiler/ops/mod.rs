//! What each operator becomes: one function for each, or for each family that differs in an immediate only.
//!
//! The functions take the translator and the operator's immediates, pop operands and push results. `src/compiler/dispatch` alone
//! calls them, and only for code that can be reached (`control.rs` excepted: it tracks what cannot).

pub(crate) mod atomic;
pub(crate) mod call;
pub(crate) mod control;
pub(crate) mod convert;
pub(crate) mod exception;
pub(crate) mod gc;
pub(crate) mod memory;
pub(crate) mod numeric;
pub(crate) mod reference;
pub(crate) mod simd;
pub(crate) mod table;
pub(crate) mod variable;
pub(crate) mod wide;

#[cfg(test)]
pub(crate) mod opcodes;
#[cfg(test)]
mod tests;
