//! The engine's registry of function types: equal types have one registration, one number and one pair of trampolines.

use crate::types::FuncType;

/// A function type as an engine knows it.
#[derive(Debug)]
pub struct RegisteredType {
    pub ty: FuncType,
    /// Equal types have equal numbers within an engine.
    pub id: u32,
}
