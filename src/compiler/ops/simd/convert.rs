//! Conversions between integer and float lanes, and between the float lanes.

use super::zero;
use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, types};

convert! {
    i32x4_trunc_sat_f32x4_s: fcvt_to_sint_sat I32X4 F32X4;
    i32x4_trunc_sat_f32x4_u: fcvt_to_uint_sat I32X4 F32X4;
    f32x4_convert_i32x4_s: fcvt_from_sint F32X4 I32X4;
    f32x4_convert_i32x4_u: fcvt_from_uint F32X4 I32X4;
}

unary! {
    f32x4_demote_f64x2_zero: fvdemote F64X2;
    f64x2_promote_low_f32x4: fvpromote_low F32X4;
}

// The shapes of the next four are the ones Cranelift's x64 back end knows: it has no rule for the 64-bit integer
// vector in the middle by itself.

pub(crate) fn i32x4_trunc_sat_f64x2_s_zero(t: &mut FuncTranslator<'_>) {
    let a = t.pop_v128(types::F64X2);
    let wide = t.builder.ins().fcvt_to_sint_sat(types::I64X2, a);
    let zero = zero(t, types::I64X2);
    let v = t.builder.ins().snarrow(wide, zero);
    t.push_v128(v);
}

pub(crate) fn i32x4_trunc_sat_f64x2_u_zero(t: &mut FuncTranslator<'_>) {
    let a = t.pop_v128(types::F64X2);
    let wide = t.builder.ins().fcvt_to_uint_sat(types::I64X2, a);
    let zero = zero(t, types::I64X2);
    let v = t.builder.ins().uunarrow(wide, zero);
    t.push_v128(v);
}

pub(crate) fn f64x2_convert_low_i32x4_s(t: &mut FuncTranslator<'_>) {
    let a = t.pop_v128(types::I32X4);
    let wide = t.builder.ins().swiden_low(a);
    let v = t.builder.ins().fcvt_from_sint(types::F64X2, wide);
    t.push_v128(v);
}

pub(crate) fn f64x2_convert_low_i32x4_u(t: &mut FuncTranslator<'_>) {
    let a = t.pop_v128(types::I32X4);
    let wide = t.builder.ins().uwiden_low(a);
    let v = t.builder.ins().fcvt_from_uint(types::F64X2, wide);
    t.push_v128(v);
}
