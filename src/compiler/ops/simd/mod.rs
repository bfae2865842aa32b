//! The vector instructions, one file for each kind, all re-exported flat.
//!
//! Invariant: on the operand stack a vector is always `I8X16`; operations take it off as the lane type they work on
//! (`pop_v128`) and put it back as `I8X16` (`push_v128`). Called by the opcode match only.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, Type, Value};

/// Rows `opcode: Cranelift instruction, lane type` with one vector operand.
macro_rules! unary {
    ($($name:ident: $inst:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop_v128(types::$lanes);
            let v = t.builder.ins().$inst(a);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: Cranelift instruction, lane type` with two vector operands in the order of the stack.
macro_rules! binary {
    ($($name:ident: $inst:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2_v128(types::$lanes);
            let v = t.builder.ins().$inst(a, b);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: Cranelift instruction, result lane type, operand lane type`.
macro_rules! convert {
    ($($name:ident: $inst:ident $to:ident $from:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop_v128(types::$from);
            let v = t.builder.ins().$inst(types::$to, a);
            t.push_v128(v);
        }
    )*};
}

mod bitwise;
mod compare;
mod convert;
mod float;
mod integer;
mod lanes;
mod memory;
mod relaxed;

pub(crate) use bitwise::*;
pub(crate) use compare::*;
pub(crate) use convert::*;
pub(crate) use float::*;
pub(crate) use integer::*;
pub(crate) use lanes::*;
pub(crate) use memory::*;
pub(crate) use relaxed::*;

/// The vector constant zero.
fn zero(t: &mut FuncTranslator<'_>, lanes: Type) -> Value {
    let bits = t.builder.func.dfg.constants.insert([0; 16].as_slice().into());
    t.builder.ins().vconst(lanes, bits)
}
