//! Arithmetic on float lanes.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};

unary! {
    f32x4_ceil: ceil F32X4;
    f32x4_floor: floor F32X4;
    f32x4_trunc: trunc F32X4;
    f32x4_nearest: nearest F32X4;
    f32x4_abs: fabs F32X4;
    f32x4_neg: fneg F32X4;
    f32x4_sqrt: sqrt F32X4;
}

binary! {
    f32x4_add: fadd F32X4;
    f32x4_sub: fsub F32X4;
    f32x4_mul: fmul F32X4;
    f32x4_div: fdiv F32X4;
    f32x4_min: fmin F32X4;
    f32x4_max: fmax F32X4;
}

pub(crate) fn f32x4_pmin(t: &mut FuncTranslator<'_>) {
    pseudo_min(t, types::F32X4);
}

pub(crate) fn f32x4_pmax(t: &mut FuncTranslator<'_>) {
    pseudo_max(t, types::F32X4);
}

unary! {
    f64x2_ceil: ceil F64X2;
    f64x2_floor: floor F64X2;
    f64x2_trunc: trunc F64X2;
    f64x2_nearest: nearest F64X2;
    f64x2_abs: fabs F64X2;
    f64x2_neg: fneg F64X2;
    f64x2_sqrt: sqrt F64X2;
}

binary! {
    f64x2_add: fadd F64X2;
    f64x2_sub: fsub F64X2;
    f64x2_mul: fmul F64X2;
    f64x2_div: fdiv F64X2;
    f64x2_min: fmin F64X2;
    f64x2_max: fmax F64X2;
}

pub(crate) fn f64x2_pmin(t: &mut FuncTranslator<'_>) {
    pseudo_min(t, types::F64X2);
}

pub(crate) fn f64x2_pmax(t: &mut FuncTranslator<'_>) {
    pseudo_max(t, types::F64X2);
}

/// `b < a ? b : a` in each lane.
fn pseudo_min(t: &mut FuncTranslator<'_>, lanes: Type) {
    let (a, b) = t.pop2_v128(lanes);
    let v = choose_if_less(t, lanes, (b, a), (b, a));
    t.push_v128(v);
}

/// `a < b ? b : a` in each lane.
fn pseudo_max(t: &mut FuncTranslator<'_>, lanes: Type) {
    let (a, b) = t.pop2_v128(lanes);
    let v = choose_if_less(t, lanes, (a, b), (b, a));
    t.push_v128(v);
}

/// `x < y ? yes : no` in each lane: where the choice is between `x` and `y`, Cranelift makes one instruction of it.
pub(super) fn choose_if_less(
    t: &mut FuncTranslator<'_>,
    lanes: Type,
    (x, y): (Value, Value),
    (yes, no): (Value, Value),
) -> Value {
    let less = t.builder.ins().fcmp(FloatCC::LessThan, x, y);
    let flags = MemFlagsData::new().with_endianness(Endianness::Little);
    let less = t.builder.ins().bitcast(lanes, flags, less);
    t.builder.ins().bitselect(less, yes, no)
}
