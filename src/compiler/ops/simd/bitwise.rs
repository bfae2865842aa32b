//! Constants, and operations on a vector as 128 bits.

use crate::compiler::ops::numeric::push_flag;
use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, types};
use wasmparser::V128;

pub(crate) fn v128_const(t: &mut FuncTranslator<'_>, value: V128) {
    let bits = t.builder.func.dfg.constants.insert(value.bytes().as_slice().into());
    let v = t.builder.ins().vconst(types::I8X16, bits);
    t.push_v128(v);
}

unary! {
    v128_not: bnot I8X16;
}

binary! {
    v128_and: band I8X16;
    v128_andnot: band_not I8X16;
    v128_or: bor I8X16;
    v128_xor: bxor I8X16;
}

pub(crate) fn v128_bitselect(t: &mut FuncTranslator<'_>) {
    let mask = t.pop_v128(types::I8X16);
    let (a, b) = t.pop2_v128(types::I8X16);
    let v = t.builder.ins().bitselect(mask, a, b);
    t.push_v128(v);
}

pub(crate) fn v128_any_true(t: &mut FuncTranslator<'_>) {
    let a = t.pop_v128(types::I8X16);
    let flag = t.builder.ins().vany_true(a);
    push_flag(t, flag);
}
