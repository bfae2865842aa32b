//! Comparisons lane by lane: all ones where they hold, zero elsewhere.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, types};

/// Rows `opcode: Cranelift comparison, lane type, condition`.
macro_rules! compare {
    ($($name:ident: $inst:ident $lanes:ident $cc:ident :: $cond:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2_v128(types::$lanes);
            let v = t.builder.ins().$inst($cc::$cond, a, b);
            t.push_v128(v);
        }
    )*};
}

compare! {
    i8x16_eq: icmp I8X16 IntCC::Equal;
    i8x16_ne: icmp I8X16 IntCC::NotEqual;
    i8x16_lt_s: icmp I8X16 IntCC::SignedLessThan;
    i8x16_lt_u: icmp I8X16 IntCC::UnsignedLessThan;
    i8x16_gt_s: icmp I8X16 IntCC::SignedGreaterThan;
    i8x16_gt_u: icmp I8X16 IntCC::UnsignedGreaterThan;
    i8x16_le_s: icmp I8X16 IntCC::SignedLessThanOrEqual;
    i8x16_le_u: icmp I8X16 IntCC::UnsignedLessThanOrEqual;
    i8x16_ge_s: icmp I8X16 IntCC::SignedGreaterThanOrEqual;
    i8x16_ge_u: icmp I8X16 IntCC::UnsignedGreaterThanOrEqual;
    i16x8_eq: icmp I16X8 IntCC::Equal;
    i16x8_ne: icmp I16X8 IntCC::NotEqual;
    i16x8_lt_s: icmp I16X8 IntCC::SignedLessThan;
    i16x8_lt_u: icmp I16X8 IntCC::UnsignedLessThan;
    i16x8_gt_s: icmp I16X8 IntCC::SignedGreaterThan;
    i16x8_gt_u: icmp I16X8 IntCC::UnsignedGreaterThan;
    i16x8_le_s: icmp I16X8 IntCC::SignedLessThanOrEqual;
    i16x8_le_u: icmp I16X8 IntCC::UnsignedLessThanOrEqual;
    i16x8_ge_s: icmp I16X8 IntCC::SignedGreaterThanOrEqual;
    i16x8_ge_u: icmp I16X8 IntCC::UnsignedGreaterThanOrEqual;
    i32x4_eq: icmp I32X4 IntCC::Equal;
    i32x4_ne: icmp I32X4 IntCC::NotEqual;
    i32x4_lt_s: icmp I32X4 IntCC::SignedLessThan;
    i32x4_lt_u: icmp I32X4 IntCC::UnsignedLessThan;
    i32x4_gt_s: icmp I32X4 IntCC::SignedGreaterThan;
    i32x4_gt_u: icmp I32X4 IntCC::UnsignedGreaterThan;
    i32x4_le_s: icmp I32X4 IntCC::SignedLessThanOrEqual;
    i32x4_le_u: icmp I32X4 IntCC::UnsignedLessThanOrEqual;
    i32x4_ge_s: icmp I32X4 IntCC::SignedGreaterThanOrEqual;
    i32x4_ge_u: icmp I32X4 IntCC::UnsignedGreaterThanOrEqual;
    i64x2_eq: icmp I64X2 IntCC::Equal;
    i64x2_ne: icmp I64X2 IntCC::NotEqual;
    i64x2_lt_s: icmp I64X2 IntCC::SignedLessThan;
    i64x2_gt_s: icmp I64X2 IntCC::SignedGreaterThan;
    i64x2_le_s: icmp I64X2 IntCC::SignedLessThanOrEqual;
    i64x2_ge_s: icmp I64X2 IntCC::SignedGreaterThanOrEqual;
    f32x4_eq: fcmp F32X4 FloatCC::Equal;
    f32x4_ne: fcmp F32X4 FloatCC::NotEqual;
    f32x4_lt: fcmp F32X4 FloatCC::LessThan;
    f32x4_gt: fcmp F32X4 FloatCC::GreaterThan;
    f32x4_le: fcmp F32X4 FloatCC::LessThanOrEqual;
    f32x4_ge: fcmp F32X4 FloatCC::GreaterThanOrEqual;
    f64x2_eq: fcmp F64X2 FloatCC::Equal;
    f64x2_ne: fcmp F64X2 FloatCC::NotEqual;
    f64x2_lt: fcmp F64X2 FloatCC::LessThan;
    f64x2_gt: fcmp F64X2 FloatCC::GreaterThan;
    f64x2_le: fcmp F64X2 FloatCC::LessThanOrEqual;
    f64x2_ge: fcmp F64X2 FloatCC::GreaterThanOrEqual;
}
