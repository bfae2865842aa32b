//! Constants, comparisons and arithmetic on i32, i64, f32 and f64: one table row for each opcode.
//!
//! Invariant: in the mode without signals nothing made here can fault. Division is the only instruction that could,
//! and [`check_divisor`] and [`check_quotient`] stand before it. Called by the opcode match only.

use crate::compiler::translate::FuncTranslator;
use crate::types::TrapCode;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates as imm;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, types};
use wasmparser::{Ieee32, Ieee64};

pub(crate) fn i32_const(t: &mut FuncTranslator<'_>, value: i32) {
    let v = t.builder.ins().iconst(types::I32, i64::from(value.cast_unsigned()));
    t.push(v);
}

pub(crate) fn i64_const(t: &mut FuncTranslator<'_>, value: i64) {
    let v = t.builder.ins().iconst(types::I64, value);
    t.push(v);
}

pub(crate) fn f32_const(t: &mut FuncTranslator<'_>, value: Ieee32) {
    let v = t.builder.ins().f32const(imm::Ieee32::with_bits(value.bits()));
    t.push(v);
}

pub(crate) fn f64_const(t: &mut FuncTranslator<'_>, value: Ieee64) {
    let v = t.builder.ins().f64const(imm::Ieee64::with_bits(value.bits()));
    t.push(v);
}

/// Rows `opcode: Cranelift instruction` with one operand and a result of its type.
macro_rules! unary {
    ($($name:ident: $inst:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let a = t.pop();
            let v = t.builder.ins().$inst(a);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: Cranelift instruction` with two operands in the order of the stack.
macro_rules! binary {
    ($($name:ident: $inst:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2();
            let v = t.builder.ins().$inst(a, b);
            t.push(v);
        }
    )*};
}

/// Rows `opcode: Cranelift comparison, condition`.
macro_rules! compare {
    ($($name:ident: $inst:ident $cc:ident :: $cond:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2();
            let flag = t.builder.ins().$inst($cc::$cond, a, b);
            push_flag(t, flag);
        }
    )*};
}

/// Rows `opcode: Cranelift instruction, the checks it needs`.
macro_rules! divide {
    ($($name:ident: $inst:ident, $check:ident;)*) => {$(
        pub(crate) fn $name(t: &mut FuncTranslator<'_>) {
            let (a, b) = t.pop2();
            $check(t, a, b);
            let v = t.builder.ins().$inst(a, b);
            t.push(v);
        }
    )*};
}

pub(crate) fn i32_eqz(t: &mut FuncTranslator<'_>) {
    eqz(t);
}

compare! {
    i32_eq: icmp IntCC::Equal;
    i32_ne: icmp IntCC::NotEqual;
    i32_lt_s: icmp IntCC::SignedLessThan;
    i32_lt_u: icmp IntCC::UnsignedLessThan;
    i32_gt_s: icmp IntCC::SignedGreaterThan;
    i32_gt_u: icmp IntCC::UnsignedGreaterThan;
    i32_le_s: icmp IntCC::SignedLessThanOrEqual;
    i32_le_u: icmp IntCC::UnsignedLessThanOrEqual;
    i32_ge_s: icmp IntCC::SignedGreaterThanOrEqual;
    i32_ge_u: icmp IntCC::UnsignedGreaterThanOrEqual;
}

pub(crate) fn i64_eqz(t: &mut FuncTranslator<'_>) {
    eqz(t);
}

compare! {
    i64_eq: icmp IntCC::Equal;
    i64_ne: icmp IntCC::NotEqual;
    i64_lt_s: icmp IntCC::SignedLessThan;
    i64_lt_u: icmp IntCC::UnsignedLessThan;
    i64_gt_s: icmp IntCC::SignedGreaterThan;
    i64_gt_u: icmp IntCC::UnsignedGreaterThan;
    i64_le_s: icmp IntCC::SignedLessThanOrEqual;
    i64_le_u: icmp IntCC::UnsignedLessThanOrEqual;
    i64_ge_s: icmp IntCC::SignedGreaterThanOrEqual;
    i64_ge_u: icmp IntCC::UnsignedGreaterThanOrEqual;
    f32_eq: fcmp FloatCC::Equal;
    f32_ne: fcmp FloatCC::NotEqual;
    f32_lt: fcmp FloatCC::LessThan;
    f32_gt: fcmp FloatCC::GreaterThan;
    f32_le: fcmp FloatCC::LessThanOrEqual;
    f32_ge: fcmp FloatCC::GreaterThanOrEqual;
    f64_eq: fcmp FloatCC::Equal;
    f64_ne: fcmp FloatCC::NotEqual;
    f64_lt: fcmp FloatCC::LessThan;
    f64_gt: fcmp FloatCC::GreaterThan;
    f64_le: fcmp FloatCC::LessThanOrEqual;
    f64_ge: fcmp FloatCC::GreaterThanOrEqual;
}

unary! {
    i32_clz: clz;
    i32_ctz: ctz;
    i32_popcnt: popcnt;
}

binary! {
    i32_add: iadd;
    i32_sub: isub;
    i32_mul: imul;
}

divide! {
    i32_div_s: sdiv, check_quotient;
    i32_div_u: udiv, check_divisor;
    i32_rem_s: srem, check_divisor;
    i32_rem_u: urem, check_divisor;
}

// Cranelift takes shift and rotation amounts modulo the width of the shifted operand, as WebAssembly does.
binary! {
    i32_and: band;
    i32_or: bor;
    i32_xor: bxor;
    i32_shl: ishl;
    i32_shr_s: sshr;
    i32_shr_u: ushr;
    i32_rotl: rotl;
    i32_rotr: rotr;
}

unary! {
    i64_clz: clz;
    i64_ctz: ctz;
    i64_popcnt: popcnt;
}

binary! {
    i64_add: iadd;
    i64_sub: isub;
    i64_mul: imul;
}

divide! {
    i64_div_s: sdiv, check_quotient;
    i64_div_u: udiv, check_divisor;
    i64_rem_s: srem, check_divisor;
    i64_rem_u: urem, check_divisor;
}

binary! {
    i64_and: band;
    i64_or: bor;
    i64_xor: bxor;
    i64_shl: ishl;
    i64_shr_s: sshr;
    i64_shr_u: ushr;
    i64_rotl: rotl;
    i64_rotr: rotr;
}

unary! {
    f32_abs: fabs;
    f32_neg: fneg;
    f32_ceil: ceil;
    f32_floor: floor;
    f32_trunc: trunc;
    f32_nearest: nearest;
    f32_sqrt: sqrt;
}

// Cranelift's fmin and fmax are WebAssembly's: NaN if either operand is, and -0 less than +0.
binary! {
    f32_add: fadd;
    f32_sub: fsub;
    f32_mul: fmul;
    f32_div: fdiv;
    f32_min: fmin;
    f32_max: fmax;
    f32_copysign: fcopysign;
}

unary! {
    f64_abs: fabs;
    f64_neg: fneg;
    f64_ceil: ceil;
    f64_floor: floor;
    f64_trunc: trunc;
    f64_nearest: nearest;
    f64_sqrt: sqrt;
}

binary! {
    f64_add: fadd;
    f64_sub: fsub;
    f64_mul: fmul;
    f64_div: fdiv;
    f64_min: fmin;
    f64_max: fmax;
    f64_copysign: fcopysign;
}

fn eqz(t: &mut FuncTranslator<'_>) {
    let a = t.pop();
    let flag = t.builder.ins().icmp_imm_s(IntCC::Equal, a, 0);
    push_flag(t, flag);
}

/// Pushes a comparison's 8-bit result as the i32 it is in WebAssembly.
pub(super) fn push_flag(t: &mut FuncTranslator<'_>, flag: Value) {
    let v = t.builder.ins().uextend(types::I32, flag);
    t.push(v);
}

/// Traps when `b` is zero. The division would fault too, but that costs far more than the check, which a division hides.
fn check_divisor(t: &mut FuncTranslator<'_>, _a: Value, b: Value) {
    if constant(t, b).is_none_or(|b| b == 0) {
        t.raisez(b, TrapCode::IntegerDivideByZero);
    }
}

/// Traps when `b` is zero, or when the signed quotient `a / b` has no representation: the least integer divided by -1. With
/// signals, the division itself finds the latter.
fn check_quotient(t: &mut FuncTranslator<'_>, a: Value, b: Value) {
    check_divisor(t, a, b);
    if !t.signals() && constant(t, b).is_none_or(|b| b == -1) {
        let bits = t.builder.func.dfg.value_type(a).bits();
        let least = t.builder.ins().icmp_imm_s(IntCC::Equal, a, i64::MIN >> (64 - bits));
        let minus_one = t.builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
        let overflow = t.builder.ins().band(least, minus_one);
        t.trapnz(overflow, TrapCode::IntegerOverflow);
    }
}

/// The sign-extended value of an integer constant.
fn constant(t: &FuncTranslator<'_>, value: Value) -> Option<i64> {
    let dfg = &t.builder.func.dfg;
    match dfg.insts[dfg.value_def(value).inst()?] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => {
            let unused = 64 - dfg.value_type(value).bits();
            Some(imm.bits() << unused >> unused)
        }
        _ => None,
    }
}
