//! Relaxed vector instructions, whose results the specification leaves to the implementation within bounds ("Deterministic Profile",
//! "Relaxed Operations").
//!
//! Each is what the processor does in one instruction or two, where a choice that the specification allows is. With deterministic
//! results (`CompileOptions::deterministic`) each is the choice that its deterministic profile makes, the same on every processor.

use super::float::choose_if_less;
use super::zero;
use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

/// Rows `opcode: Cranelift instruction, deterministic Cranelift instruction, lane type` with two vector operands in the order of the stack.
macro_rules! relaxed_binary {
    ($($name:ident: $inst:ident $deterministic:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2_v128(types::$lanes);
            let v = if t.is_deterministic() {
                t.builder.ins().$deterministic(a, b)
            } else {
                t.builder.ins().$inst(a, b)
            };
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: function, lane type`.
macro_rules! by_lanes {
    ($($name:ident: $function:ident $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            $function(t, types::$lanes);
        }
    )*};
}

// `pshufb` looks at bit 7 of an index and at its low four: what lies between is what the specification leaves open.
relaxed_binary! {
    i8x16_relaxed_swizzle: x86_pshufb swizzle I8X16;
}

/// `cvttps2dq` makes NaN and what is out of range the least integer.
pub(crate) fn i32x4_relaxed_trunc_f32x4_s(t: &mut FuncTranslator<'_>) {
    if t.is_deterministic() {
        return super::i32x4_trunc_sat_f32x4_s(t);
    }
    let a = t.pop_v128(types::F32X4);
    let v = t.builder.ins().x86_cvtt2dq(types::I32X4, a);
    t.push_v128(v);
}

/// No instruction of x86-64 comes closer than those that saturate.
pub(crate) fn i32x4_relaxed_trunc_f32x4_u(t: &mut FuncTranslator<'_>) {
    super::i32x4_trunc_sat_f32x4_u(t);
}

/// The shape is the one that Cranelift makes `cvttpd2dq` of.
pub(crate) fn i32x4_relaxed_trunc_f64x2_s_zero(t: &mut FuncTranslator<'_>) {
    if t.is_deterministic() {
        return super::i32x4_trunc_sat_f64x2_s_zero(t);
    }
    let a = t.pop_v128(types::F64X2);
    let wide = t.builder.ins().x86_cvtt2dq(types::I64X2, a);
    let zero = zero(t, types::I64X2);
    let v = t.builder.ins().snarrow(wide, zero);
    t.push_v128(v);
}

/// As [`i32x4_relaxed_trunc_f32x4_u`].
pub(crate) fn i32x4_relaxed_trunc_f64x2_u_zero(t: &mut FuncTranslator<'_>) {
    super::i32x4_trunc_sat_f64x2_u_zero(t);
}

by_lanes! {
    f32x4_relaxed_madd: multiply_add F32X4;
    f32x4_relaxed_nmadd: negated_multiply_add F32X4;
    f64x2_relaxed_madd: multiply_add F64X2;
    f64x2_relaxed_nmadd: negated_multiply_add F64X2;
    i8x16_relaxed_laneselect: select_lanes I8X16;
    i16x8_relaxed_laneselect: select_bits I16X8;
    i32x4_relaxed_laneselect: select_lanes I32X4;
    i64x2_relaxed_laneselect: select_lanes I64X2;
    f32x4_relaxed_min: minimum F32X4;
    f32x4_relaxed_max: maximum F32X4;
    f64x2_relaxed_min: minimum F64X2;
    f64x2_relaxed_max: maximum F64X2;
}

// `pmulhrsw` makes the square of the least i16 the least, where the other saturates.
relaxed_binary! {
    i16x8_relaxed_q15mulr_s: x86_pmulhrsw sqmul_round_sat I16X8;
}

pub(crate) fn i16x8_relaxed_dot_i8x16_i7x16_s(t: &mut FuncTranslator<'_>) {
    let (a, b) = t.pop2_v128(types::I8X16);
    let v = if t.is_deterministic() { dot_signed(t, a, b) } else { t.builder.ins().x86_pmaddubsw(a, b) };
    t.push_v128(v);
}

pub(crate) fn i32x4_relaxed_dot_i8x16_i7x16_add_s(t: &mut FuncTranslator<'_>) {
    let sum = t.pop_v128(types::I32X4);
    let (a, b) = t.pop2_v128(types::I8X16);
    let dots = if t.is_deterministic() {
        let dots = dot_signed(t, a, b);
        add_pairs(t, dots)
    } else if t.env.extensions.dot_products {
        dot_of_four(t, a, b)
    } else {
        let dots = t.builder.ins().x86_pmaddubsw(a, b);
        add_pairs(t, dots)
    };
    let v = t.builder.ins().iadd(dots, sum);
    t.push_v128(v);
}

/// `a * b + c`, rounded once where the processor can.
fn multiply_add(t: &mut FuncTranslator<'_>, lanes: Type) {
    let c = t.pop_v128(lanes);
    let (a, b) = t.pop2_v128(lanes);
    let v = if rounds_once(t) {
        t.builder.ins().fma(a, b, c)
    } else {
        let product = t.builder.ins().fmul(a, b);
        t.builder.ins().fadd(product, c)
    };
    t.push_v128(v);
}

/// `-(a * b) + c`, rounded once where the processor can. A negation is exact: rounded twice, it is a subtraction.
fn negated_multiply_add(t: &mut FuncTranslator<'_>, lanes: Type) {
    let c = t.pop_v128(lanes);
    let (a, b) = t.pop2_v128(lanes);
    let v = if rounds_once(t) {
        let negated = t.builder.ins().fneg(a);
        t.builder.ins().fma(negated, b, c)
    } else {
        let product = t.builder.ins().fmul(a, b);
        t.builder.ins().fsub(c, product)
    };
    t.push_v128(v);
}

/// Without the instruction, `fma` would be a call for each lane. The deterministic profile rounds twice.
fn rounds_once(t: &FuncTranslator<'_>) -> bool {
    t.env.extensions.fma && !t.is_deterministic()
}

/// Lanes of the first operand where the highest bit of the mask's lane is set, and of the second where it is not.
fn select_lanes(t: &mut FuncTranslator<'_>, lanes: Type) {
    if t.is_deterministic() {
        return select_bits(t, lanes);
    }
    let mask = t.pop_v128(lanes);
    let (a, b) = t.pop2_v128(lanes);
    let v = t.builder.ins().blendv(mask, a, b);
    t.push_v128(v);
}

/// Bit by bit, which the specification allows too: no instruction of x86-64 looks at lanes of 16 bits.
fn select_bits(t: &mut FuncTranslator<'_>, _: Type) {
    super::v128_bitselect(t);
}

/// `minps` and `minpd`: the second operand where either is NaN or both are zero.
fn minimum(t: &mut FuncTranslator<'_>, lanes: Type) {
    let (a, b) = t.pop2_v128(lanes);
    let v = if t.is_deterministic() { t.builder.ins().fmin(a, b) } else { choose_if_less(t, lanes, (a, b), (a, b)) };
    t.push_v128(v);
}

/// `maxps` and `maxpd`, likewise.
fn maximum(t: &mut FuncTranslator<'_>, lanes: Type) {
    let (a, b) = t.pop2_v128(lanes);
    let v = if t.is_deterministic() { t.builder.ins().fmax(a, b) } else { choose_if_less(t, lanes, (b, a), (a, b)) };
    t.push_v128(v);
}

/// The products of signed lanes, their sums by pairs modulo 2^16.
fn dot_signed(t: &mut FuncTranslator<'_>, a: Value, b: Value) -> Value {
    let (a_low, b_low) = (t.builder.ins().swiden_low(a), t.builder.ins().swiden_low(b));
    let low = t.builder.ins().imul(a_low, b_low);
    let (a_high, b_high) = (t.builder.ins().swiden_high(a), t.builder.ins().swiden_high(b));
    let high = t.builder.ins().imul(a_high, b_high);
    t.builder.ins().iadd_pairwise(low, high)
}

/// The sums of pairs of lanes, twice as wide.
fn add_pairs(t: &mut FuncTranslator<'_>, a: Value) -> Value {
    let (low, high) = (t.builder.ins().swiden_low(a), t.builder.ins().swiden_high(a));
    t.builder.ins().iadd_pairwise(low, high)
}

/// The products of signed lanes of `a` and unsigned ones of `b`, and the exact sums of four: the shape that Cranelift makes `vpdpbusd`
/// of, together with the addition of a vector.
fn dot_of_four(t: &mut FuncTranslator<'_>, a: Value, b: Value) -> Value {
    let (a_low, b_low) = (t.builder.ins().swiden_low(a), t.builder.ins().uwiden_low(b));
    let low = t.builder.ins().imul(a_low, b_low);
    let (a_high, b_high) = (t.builder.ins().swiden_high(a), t.builder.ins().uwiden_high(b));
    let high = t.builder.ins().imul(a_high, b_high);
    let (low, high) = (add_pairs(t, low), add_pairs(t, high));
    t.builder.ins().iadd_pairwise(low, high)
}
