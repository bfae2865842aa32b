//! Vector loads and stores.
//!
//! Invariant: an access touches exactly the bytes its opcode names. Each load is made with a type of that width, and
//! what consumes it may fold it only into an instruction that reads that width: Cranelift's x64 rules for `splat`,
//! `insertlane` and `scalar_to_vector` take a load of the lane's own type only.

use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::{InstBuilder, types};
use wasmparser::MemArg;

/// Rows `opcode: Cranelift's widening load`, of 64 bits.
macro_rules! load_widening {
    ($($name:ident: $inst:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, memarg: &MemArg) {
            let (address, offset, flags) = t.heap_addr(memarg, 8);
            let v = t.builder.ins().$inst(flags, address, offset);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: Cranelift instruction, lane type of the vector, type loaded`.
macro_rules! load_scalar {
    ($($name:ident: $inst:ident $lanes:ident $lane:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, memarg: &MemArg) {
            let value = t.load(memarg, types::$lane, types::$lane.bytes() as u8);
            let v = t.builder.ins().$inst(types::$lanes, value);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector, lane type`.
macro_rules! load_lane {
    ($($name:ident: $lanes:ident $lane:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, memarg: &MemArg, lane: u8) {
            let a = t.pop_v128(types::$lanes);
            let value = t.load(memarg, types::$lane, types::$lane.bytes() as u8);
            let v = t.builder.ins().insertlane(a, value, lane);
            t.push_v128(v);
        }
    )*};
}

/// Rows `opcode: lane type of the vector, lane type`.
macro_rules! store_lane {
    ($($name:ident: $lanes:ident $lane:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>, memarg: &MemArg, lane: u8) {
            let a = t.pop_v128(types::$lanes);
            let value = t.builder.ins().extractlane(a, lane);
            t.store(memarg, value, types::$lane.bytes() as u8);
        }
    )*};
}

pub(crate) fn v128_load(t: &mut FuncTranslator<'_>, memarg: &MemArg) {
    let v = t.load(memarg, types::I8X16, 16);
    t.push_v128(v);
}

load_widening! {
    v128_load8x8_s: sload8x8;
    v128_load8x8_u: uload8x8;
    v128_load16x4_s: sload16x4;
    v128_load16x4_u: uload16x4;
    v128_load32x2_s: sload32x2;
    v128_load32x2_u: uload32x2;
}

load_scalar! {
    v128_load8_splat: splat I8X16 I8;
    v128_load16_splat: splat I16X8 I16;
    v128_load32_splat: splat I32X4 I32;
    v128_load64_splat: splat I64X2 I64;
    v128_load32_zero: scalar_to_vector I32X4 I32;
    v128_load64_zero: scalar_to_vector I64X2 I64;
}

pub(crate) fn v128_store(t: &mut FuncTranslator<'_>, memarg: &MemArg) {
    let a = t.pop_v128(types::I8X16);
    t.store(memarg, a, 16);
}

load_lane! {
    v128_load8_lane: I8X16 I8;
    v128_load16_lane: I16X8 I16;
    v128_load32_lane: I32X4 I32;
    v128_load64_lane: I64X2 I64;
}

store_lane! {
    v128_store8_lane: I8X16 I8;
    v128_store16_lane: I16X8 I16;
    v128_store32_lane: I32X4 I32;
    v128_store64_lane: I64X2 I64;
}
