//! Conversions between i32, i64, f32 and f64: one table row for each opcode.
//!
//! Invariant: in the mode without signals nothing made here can fault: [`truncate`] checks the operand, then uses the
//! saturating instruction, which never traps. Called by the opcode match only.

use crate::compiler::translate::FuncTranslator;
use crate::types::TrapCode;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

/// Rows `opcode: Cranelift instruction, result type`.
macro_rules! convert {
    ($($name:ident: $inst:ident $ty:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop();
            let v = t.builder.ins().$inst(types::$ty, a);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: result type, signedness`.
macro_rules! truncate {
    ($($name:ident: $ty:ident $sign:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            truncate(t, types::$ty, Sign::$sign);
        }
    )*};
}

/// Rows `opcode: result type`; the bits stay.
macro_rules! reinterpret {
    ($($name:ident: $ty:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop();
            let v = t.builder.ins().bitcast(types::$ty, MemFlagsData::new(), a);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: the type whose sign bit is spread, result type`.
macro_rules! sign_extend {
    ($($name:ident: $from:ident $to:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop();
            let low = t.builder.ins().ireduce(types::$from, a);
            let v = t.builder.ins().sextend(types::$to, low);
            t.push(v);
        }
    )*};
}

convert! {
    i32_wrap_i64: ireduce I32;
    i64_extend_i32_s: sextend I64;
    i64_extend_i32_u: uextend I64;
}

truncate! {
    i32_trunc_f32_s: I32 Signed;
    i32_trunc_f32_u: I32 Unsigned;
    i32_trunc_f64_s: I32 Signed;
    i32_trunc_f64_u: I32 Unsigned;
    i64_trunc_f32_s: I64 Signed;
    i64_trunc_f32_u: I64 Unsigned;
    i64_trunc_f64_s: I64 Signed;
    i64_trunc_f64_u: I64 Unsigned;
}

convert! {
    f32_convert_i32_s: fcvt_from_sint F32;
    f32_convert_i32_u: fcvt_from_uint F32;
    f32_convert_i64_s: fcvt_from_sint F32;
    f32_convert_i64_u: fcvt_from_uint F32;
    f32_demote_f64: fdemote F32;
    f64_convert_i32_s: fcvt_from_sint F64;
    f64_convert_i32_u: fcvt_from_uint F64;
    f64_convert_i64_s: fcvt_from_sint F64;
    f64_convert_i64_u: fcvt_from_uint F64;
    f64_promote_f32: fpromote F64;
}

reinterpret! {
    i32_reinterpret_f32: I32;
    i64_reinterpret_f64: I64;
    f32_reinterpret_i32: F32;
    f64_reinterpret_i64: F64;
}

sign_extend! {
    i32_extend8_s: I8 I32;
    i32_extend16_s: I16 I32;
    i64_extend8_s: I8 I64;
    i64_extend16_s: I16 I64;
    i64_extend32_s: I32 I64;
}

convert! {
    i32_trunc_sat_f32_s: fcvt_to_sint_sat I32;
    i32_trunc_sat_f32_u: fcvt_to_uint_sat I32;
    i32_trunc_sat_f64_s: fcvt_to_sint_sat I32;
    i32_trunc_sat_f64_u: fcvt_to_uint_sat I32;
    i64_trunc_sat_f32_s: fcvt_to_sint_sat I64;
    i64_trunc_sat_f32_u: fcvt_to_uint_sat I64;
    i64_trunc_sat_f64_s: fcvt_to_sint_sat I64;
    i64_trunc_sat_f64_u: fcvt_to_uint_sat I64;
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Sign {
    Signed,
    Unsigned,
}

/// Float to integer, trapping on NaN and on what the integer can't hold.
fn truncate(t: &mut FuncTranslator<'_>, int: Type, sign: Sign) {
    let a = t.pop();
    let v = if t.signals() {
        match sign {
            Sign::Signed => t.builder.ins().fcvt_to_sint(int, a),
            Sign::Unsigned => t.builder.ins().fcvt_to_uint(int, a),
        }
    } else {
        check_range(t, a, int, sign);
        match sign {
            Sign::Signed => t.builder.ins().fcvt_to_sint_sat(int, a),
            Sign::Unsigned => t.builder.ins().fcvt_to_uint_sat(int, a),
        }
    };
    t.push(v);
}

/// Traps unless the float `a`, rounded towards zero, is an integer of this type.
fn check_range(t: &mut FuncTranslator<'_>, a: Value, int: Type, sign: Sign) {
    let float = t.builder.func.dfg.value_type(a);
    let nan = t.builder.ins().fcmp(FloatCC::Unordered, a, a);
    t.trapnz(nan, TrapCode::BadConversionToInteger);
    let (too_low, low, high) = range(float, int, sign);
    let low = float_constant(t, float, low);
    let below = t.builder.ins().fcmp(too_low, a, low);
    let high = float_constant(t, float, high);
    let above = t.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, a, high);
    let outside = t.builder.ins().bor(below, above);
    t.trapnz(outside, TrapCode::IntegerOverflow);
}

/// The comparison with which a float is too low, the bound it is compared with, and the least power of two too high.
///
/// The greatest float that is too low is -1 for unsigned integers, and one less than the least integer for signed
/// ones. That has a representation only as an f64 with i32: elsewhere the floats next to the least integer are
/// further away from it than 1, so that being less than the least integer is the same.
fn range(float: Type, int: Type, sign: Sign) -> (FloatCC, f64, f64) {
    let power = 2f64.powi(int.bits() as i32);
    match sign {
        Sign::Unsigned => (FloatCC::LessThanOrEqual, -1.0, power),
        Sign::Signed if float == types::F64 && int == types::I32 => {
            (FloatCC::LessThanOrEqual, -power / 2.0 - 1.0, power / 2.0)
        }
        Sign::Signed => (FloatCC::LessThan, -power / 2.0, power / 2.0),
    }
}

fn float_constant(t: &mut FuncTranslator<'_>, float: Type, value: f64) -> Value {
    if float == types::F32 { t.builder.ins().f32const(value as f32) } else { t.builder.ins().f64const(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `value` is in range by the bounds; the float type only says which floats there are.
    fn accepts(float: Type, int: Type, sign: Sign, value: f64) -> bool {
        let (too_low, low, high) = range(float, int, sign);
        let below = if too_low == FloatCC::LessThan { value < low } else { value <= low };
        !(below || value >= high)
    }

    #[test]
    fn bounds_are_exact() {
        let limits = |int: Type, sign| match (int, sign) {
            (types::I32, Sign::Signed) => (i128::from(i32::MIN), i128::from(i32::MAX)),
            (types::I32, Sign::Unsigned) => (0, i128::from(u32::MAX)),
            (_, Sign::Signed) => (i128::from(i64::MIN), i128::from(i64::MAX)),
            (_, Sign::Unsigned) => (0, i128::from(u64::MAX)),
        };
        for int in [types::I32, types::I64] {
            for sign in [Sign::Signed, Sign::Unsigned] {
                let (least, greatest) = limits(int, sign);
                let fits = |value: f64| (least..=greatest).contains(&(value.trunc() as i128));
                for near in [least as f64, least as f64 - 1.0, greatest as f64, greatest as f64 + 1.0, 0.0, -1.0] {
                    for value in [near.next_down(), near, near.next_up()] {
                        assert_eq!(accepts(types::F64, int, sign, value), fits(value), "f64 {value} as {int}");
                    }
                    let near = near as f32;
                    for value in [near.next_down(), near, near.next_up()].map(f64::from) {
                        assert_eq!(accepts(types::F32, int, sign, value), fits(value), "f32 {value} as {int}");
                    }
                }
            }
        }
    }
}
