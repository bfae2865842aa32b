//! Arithmetic on 128 bits, as pairs of i64 with the low half first (proposal "Wide Arithmetic").
//!
//! Cranelift's i128 is a pair of registers, and makes these an `add` and an `adc`, a `sub` and an `sbb`, or one `mul`: it knows the shape
//! of a product of two extended operands.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// Rows `opcode: Cranelift instruction` with two operands and a result of 128 bits.
macro_rules! binary128 {
    ($($name:ident: $inst:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let b = pop_i128(t);
            let a = pop_i128(t);
            let v = t.builder.ins().$inst(a, b);
            push_i128(t, v);
        }
    )*};
}

/// Rows `opcode: how the operands become 128 bits`.
macro_rules! mul_wide {
    ($($name:ident: $extend:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2();
            let a = t.builder.ins().$extend(types::I128, a);
            let b = t.builder.ins().$extend(types::I128, b);
            let v = t.builder.ins().imul(a, b);
            push_i128(t, v);
        }
    )*};
}

binary128! {
    i64_add128: iadd;
    i64_sub128: isub;
}

mul_wide! {
    i64_mul_wide_s: sextend;
    i64_mul_wide_u: uextend;
}

fn pop_i128(t: &mut FuncTranslator<'_>) -> Value {
    let (low, high) = t.pop2();
    t.builder.ins().iconcat(low, high)
}

fn push_i128(t: &mut FuncTranslator<'_>, value: Value) {
    let (low, high) = t.builder.ins().isplit(value);
    t.push(low);
    t.push(high);
}
