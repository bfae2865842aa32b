//! Arithmetic on integer lanes, and the conversions between their widths.

use crate::compiler::ops::numeric::push_flag;
use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, types};

/// Rows `opcode: Cranelift shift, lane type`. The amount is an i32, taken modulo the lane's width by Cranelift too.
macro_rules! shift {
    ($($name:ident: $inst:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let amount = t.pop();
            let a = t.pop_v128(types::$lanes);
            let v = t.builder.ins().$inst(a, amount);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type`.
macro_rules! all_true {
    ($($name:ident: $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop_v128(types::$lanes);
            let flag = t.builder.ins().vall_true(a);
            push_flag(t, flag);
        }
    )*};
}

/// Rows `opcode: lane type`.
macro_rules! bitmask {
    ($($name:ident: $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop_v128(types::$lanes);
            let v = t.builder.ins().vhigh_bits(types::I32, a);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: how both operands are widened, lane type before`.
macro_rules! extended_multiply {
    ($($name:ident: $widen:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2_v128(types::$lanes);
            let a = t.builder.ins().$widen(a);
            let b = t.builder.ins().$widen(b);
            let v = t.builder.ins().imul(a, b);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: how the lower and upper halves are widened, lane type before`.
macro_rules! extended_pairwise_add {
    ($($name:ident: $low:ident $high:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop_v128(types::$lanes);
            let low = t.builder.ins().$low(a);
            let high = t.builder.ins().$high(a);
            let v = t.builder.ins().iadd_pairwise(low, high);
            t.push_v128(v);
        }
    )*};
}

unary! {
    i8x16_abs: iabs I8X16;
    i8x16_neg: ineg I8X16;
    i8x16_popcnt: popcnt I8X16;
}

all_true! {
    i8x16_all_true: I8X16;
}

bitmask! {
    i8x16_bitmask: I8X16;
}

binary! {
    i8x16_narrow_i16x8_s: snarrow I16X8;
    i8x16_narrow_i16x8_u: unarrow I16X8;
}

shift! {
    i8x16_shl: ishl I8X16;
    i8x16_shr_s: sshr I8X16;
    i8x16_shr_u: ushr I8X16;
}

binary! {
    i8x16_add: iadd I8X16;
    i8x16_add_sat_s: sadd_sat I8X16;
    i8x16_add_sat_u: uadd_sat I8X16;
    i8x16_sub: isub I8X16;
    i8x16_sub_sat_s: ssub_sat I8X16;
    i8x16_sub_sat_u: usub_sat I8X16;
    i8x16_min_s: smin I8X16;
    i8x16_min_u: umin I8X16;
    i8x16_max_s: smax I8X16;
    i8x16_max_u: umax I8X16;
    i8x16_avgr_u: avg_round I8X16;
}

extended_pairwise_add! {
    i16x8_extadd_pairwise_i8x16_s: swiden_low swiden_high I8X16;
    i16x8_extadd_pairwise_i8x16_u: uwiden_low uwiden_high I8X16;
}

unary! {
    i16x8_abs: iabs I16X8;
    i16x8_neg: ineg I16X8;
}

all_true! {
    i16x8_all_true: I16X8;
}

bitmask! {
    i16x8_bitmask: I16X8;
}

binary! {
    i16x8_q15mulr_sat_s: sqmul_round_sat I16X8;
    i16x8_narrow_i32x4_s: snarrow I32X4;
    i16x8_narrow_i32x4_u: unarrow I32X4;
}

unary! {
    i16x8_extend_low_i8x16_s: swiden_low I8X16;
    i16x8_extend_high_i8x16_s: swiden_high I8X16;
    i16x8_extend_low_i8x16_u: uwiden_low I8X16;
    i16x8_extend_high_i8x16_u: uwiden_high I8X16;
}

shift! {
    i16x8_shl: ishl I16X8;
    i16x8_shr_s: sshr I16X8;
    i16x8_shr_u: ushr I16X8;
}

binary! {
    i16x8_add: iadd I16X8;
    i16x8_add_sat_s: sadd_sat I16X8;
    i16x8_add_sat_u: uadd_sat I16X8;
    i16x8_sub: isub I16X8;
    i16x8_sub_sat_s: ssub_sat I16X8;
    i16x8_sub_sat_u: usub_sat I16X8;
    i16x8_mul: imul I16X8;
    i16x8_min_s: smin I16X8;
    i16x8_min_u: umin I16X8;
    i16x8_max_s: smax I16X8;
    i16x8_max_u: umax I16X8;
    i16x8_avgr_u: avg_round I16X8;
}

extended_multiply! {
    i16x8_extmul_low_i8x16_s: swiden_low I8X16;
    i16x8_extmul_high_i8x16_s: swiden_high I8X16;
    i16x8_extmul_low_i8x16_u: uwiden_low I8X16;
    i16x8_extmul_high_i8x16_u: uwiden_high I8X16;
}

extended_pairwise_add! {
    i32x4_extadd_pairwise_i16x8_s: swiden_low swiden_high I16X8;
    i32x4_extadd_pairwise_i16x8_u: uwiden_low uwiden_high I16X8;
}

unary! {
    i32x4_abs: iabs I32X4;
    i32x4_neg: ineg I32X4;
}

all_true! {
    i32x4_all_true: I32X4;
}

bitmask! {
    i32x4_bitmask: I32X4;
}

unary! {
    i32x4_extend_low_i16x8_s: swiden_low I16X8;
    i32x4_extend_high_i16x8_s: swiden_high I16X8;
    i32x4_extend_low_i16x8_u: uwiden_low I16X8;
    i32x4_extend_high_i16x8_u: uwiden_high I16X8;
}

shift! {
    i32x4_shl: ishl I32X4;
    i32x4_shr_s: sshr I32X4;
    i32x4_shr_u: ushr I32X4;
}

binary! {
    i32x4_add: iadd I32X4;
    i32x4_sub: isub I32X4;
    i32x4_mul: imul I32X4;
    i32x4_min_s: smin I32X4;
    i32x4_min_u: umin I32X4;
    i32x4_max_s: smax I32X4;
    i32x4_max_u: umax I32X4;
}

pub(crate) fn i32x4_dot_i16x8_s(t: &mut FuncTranslator<'_>) {
    let (a, b) = t.pop2_v128(types::I16X8);
    let (a_low, b_low) = (t.builder.ins().swiden_low(a), t.builder.ins().swiden_low(b));
    let low = t.builder.ins().imul(a_low, b_low);
    let (a_high, b_high) = (t.builder.ins().swiden_high(a), t.builder.ins().swiden_high(b));
    let high = t.builder.ins().imul(a_high, b_high);
    let v = t.builder.ins().iadd_pairwise(low, high);
    t.push_v128(v);
}

extended_multiply! {
    i32x4_extmul_low_i16x8_s: swiden_low I16X8;
    i32x4_extmul_high_i16x8_s: swiden_high I16X8;
    i32x4_extmul_low_i16x8_u: uwiden_low I16X8;
    i32x4_extmul_high_i16x8_u: uwiden_high I16X8;
}

unary! {
    i64x2_abs: iabs I64X2;
    i64x2_neg: ineg I64X2;
}

all_true! {
    i64x2_all_true: I64X2;
}

bitmask! {
    i64x2_bitmask: I64X2;
}

unary! {
    i64x2_extend_low_i32x4_s: swiden_low I32X4;
    i64x2_extend_high_i32x4_s: swiden_high I32X4;
    i64x2_extend_low_i32x4_u: uwiden_low I32X4;
    i64x2_extend_high_i32x4_u: uwiden_high I32X4;
}

shift! {
    i64x2_shl: ishl I64X2;
    i64x2_shr_s: sshr I64X2;
    i64x2_shr_u: ushr I64X2;
}

binary! {
    i64x2_add: iadd I64X2;
    i64x2_sub: isub I64X2;
    i64x2_mul: imul I64X2;
}

extended_multiply! {
    i64x2_extmul_low_i32x4_s: swiden_low I32X4;
    i64x2_extmul_high_i32x4_s: swiden_high I32X4;
    i64x2_extmul_low_i32x4_u: uwiden_low I32X4;
    i64x2_extmul_high_i32x4_u: uwiden_high I32X4;
}
