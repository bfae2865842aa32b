//! Constant expressions of an instance, evaluated (specification, "Constant Expressions").

use crate::module::{ConstExpr, ConstOp};
use crate::vm::instance::Instance;
use crate::vm::val::RawSlot;

/// Evaluates a constant expression. Validation has made sure that the stack fits and the types are right.
pub(in crate::vm) fn evaluate(instance: &Instance, expr: &ConstExpr) -> RawSlot {
    let mut stack: Vec<u128> = Vec::with_capacity(1);
    for op in expr.ops() {
        let value = match *op {
            ConstOp::I32(value) => u128::from(value as u32),
            ConstOp::I64(value) => u128::from(value as u64),
            ConstOp::F32(bits) => u128::from(bits),
            ConstOp::F64(bits) => u128::from(bits),
            ConstOp::V128(value) => value,
            // SAFETY: globals before this one are initialized, by the order that validation demands.
            ConstOp::GlobalGet(index) => u128::from_le_bytes(unsafe { (*instance.global(index)).value }),
            ConstOp::RefNull(_) => 0,
            ConstOp::RefFunc(index) => instance.func_ref(index).map_or(0, |func| func as usize as u128),
            binary => {
                let right = stack.pop().unwrap_or(0) as u64;
                let left = stack.pop().unwrap_or(0) as u64;
                let narrow = |value: u64| u128::from(value as u32);
                match binary {
                    ConstOp::I32Add => narrow(left.wrapping_add(right)),
                    ConstOp::I32Sub => narrow(left.wrapping_sub(right)),
                    ConstOp::I32Mul => narrow(left.wrapping_mul(right)),
                    ConstOp::I64Add => u128::from(left.wrapping_add(right)),
                    ConstOp::I64Sub => u128::from(left.wrapping_sub(right)),
                    _ => u128::from(left.wrapping_mul(right)),
                }
            }
        };
        stack.push(value);
    }
    stack.pop().unwrap_or(0).to_le_bytes()
}

/// The value of a constant expression as the offset of a segment, or as the bits of a reference.
pub(in crate::vm) fn evaluate_bits(instance: &Instance, expr: &ConstExpr) -> u64 {
    u128::from_le_bytes(evaluate(instance, expr)) as u64
}
