//! Moving single lanes, and rearranging them.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, types};

/// Rows `opcode: lane type of the vector`; the lane has the type of the result.
macro_rules! extract {
    ($($name:ident: $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, lane: u8) {
            let a = t.pop_v128(types::$lanes);
            let v = t.builder.ins().extractlane(a, lane);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector, how the lane becomes an i32`.
macro_rules! extract_extended {
    ($($name:ident: $lanes:ident $extend:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, lane: u8) {
            let a = t.pop_v128(types::$lanes);
            let narrow = t.builder.ins().extractlane(a, lane);
            let v = t.builder.ins().$extend(types::I32, narrow);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector`; the lane has the type of the operand.
macro_rules! replace {
    ($($name:ident: $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, lane: u8) {
            let value = t.pop();
            let a = t.pop_v128(types::$lanes);
            let v = t.builder.ins().insertlane(a, value, lane);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector, lane type`; the operand is an i32.
macro_rules! replace_reduced {
    ($($name:ident: $lanes:ident $lane:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, lane: u8) {
            let value = t.pop();
            let a = t.pop_v128(types::$lanes);
            let narrow = t.builder.ins().ireduce(types::$lane, value);
            let v = t.builder.ins().insertlane(a, narrow, lane);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector`; the lanes have the type of the operand.
macro_rules! splat {
    ($($name:ident: $lanes:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let value = t.pop();
            let v = t.builder.ins().splat(types::$lanes, value);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector, lane type`; the operand is an i32.
macro_rules! splat_reduced {
    ($($name:ident: $lanes:ident $lane:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let value = t.pop();
            let narrow = t.builder.ins().ireduce(types::$lane, value);
            let v = t.builder.ins().splat(types::$lanes, narrow);
            t.push_v128(v);
        }
    )*};
}

pub(crate) fn i8x16_shuffle(t: &mut FuncTranslator<'_>, lanes: [u8; 16]) {
    let (a, b) = t.pop2_v128(types::I8X16);
    let lanes = t.builder.func.dfg.immediates.push(lanes.as_slice().into());
    let v = t.builder.ins().shuffle(a, b, lanes);
    t.push_v128(v);
}

extract_extended! {
    i8x16_extract_lane_s: I8X16 sextend;
    i8x16_extract_lane_u: I8X16 uextend;
    i16x8_extract_lane_s: I16X8 sextend;
    i16x8_extract_lane_u: I16X8 uextend;
}

extract! {
    i32x4_extract_lane: I32X4;
    i64x2_extract_lane: I64X2;
    f32x4_extract_lane: F32X4;
    f64x2_extract_lane: F64X2;
}

replace_reduced! {
    i8x16_replace_lane: I8X16 I8;
    i16x8_replace_lane: I16X8 I16;
}

replace! {
    i32x4_replace_lane: I32X4;
    i64x2_replace_lane: I64X2;
    f32x4_replace_lane: F32X4;
    f64x2_replace_lane: F64X2;
}

binary! {
    i8x16_swizzle: swizzle I8X16;
}

splat_reduced! {
    i8x16_splat: I8X16 I8;
    i16x8_splat: I16X8 I16;
}

splat! {
    i32x4_splat: I32X4;
    i64x2_splat: I64X2;
    f32x4_splat: F32X4;
    f64x2_splat: F64X2;
}
