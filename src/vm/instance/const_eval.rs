//! Constant expressions of an instance, evaluated (specification, "Constant Expressions").
//!
//! Nothing is collected while one is evaluated, so references may be in locals here. Who evaluates some that make objects has
//! collected before, if that was due.

use crate::module::{ConstExpr, ConstOp};
use crate::types::{CompositeType, TrapCode};
use crate::vm::instance::Instance;
use crate::vm::store::Store;
use crate::vm::val::RawSlot;
use smallvec::SmallVec;

/// The operands of an expression, of which mostly there is one at a time.
type Stack = SmallVec<[u128; 4]>;

/// Evaluates a constant expression. Validation has made sure that the stack fits and the types are right.
pub(in crate::vm) fn evaluate(instance: &Instance, expr: &ConstExpr) -> Result<RawSlot, TrapCode> {
    let mut stack = Stack::new();
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
            ConstOp::Convert(_) => continue,
            ConstOp::RefI31 => u128::from(stack.pop().unwrap_or(0) as u32) << 1 & 0xffff_ffff | 1,
            ConstOp::StructNew(_)
            | ConstOp::StructNewDefault(_)
            | ConstOp::ArrayNew(_)
            | ConstOp::ArrayNewDefault(_)
            | ConstOp::ArrayNewFixed(..) => make(instance, op, &mut stack)?.into(),
            ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul => {
                let right = stack.pop().unwrap_or(0) as u64;
                let left = stack.pop().unwrap_or(0) as u64;
                compute(op, left, right)
            }
        };
        stack.push(value);
    }
    Ok(stack.pop().unwrap_or(0).to_le_bytes())
}

fn compute(op: &ConstOp, left: u64, right: u64) -> u128 {
    let narrow = |value: u64| u128::from(value as u32);
    match op {
        ConstOp::I32Add => narrow(left.wrapping_add(right)),
        ConstOp::I32Sub => narrow(left.wrapping_sub(right)),
        ConstOp::I32Mul => narrow(left.wrapping_mul(right)),
        ConstOp::I64Add => u128::from(left.wrapping_add(right)),
        ConstOp::I64Sub => u128::from(left.wrapping_sub(right)),
        _ => u128::from(left.wrapping_mul(right)),
    }
}

/// Makes an object, with operands from the stack.
fn make(instance: &Instance, op: &ConstOp, stack: &mut Stack) -> Result<u32, TrapCode> {
    let store = instance.store();
    let defined = |ty| instance.compiled().defined(ty);
    let mut pop = |count: usize| -> Vec<RawSlot> {
        let start = stack.len().saturating_sub(count);
        stack.drain(start..).map(u128::to_le_bytes).collect()
    };
    let length = |operand: &[RawSlot]| operand.first().map_or(0, |slot| u128::from_le_bytes(*slot) as u32);
    match *op {
        ConstOp::StructNew(ty) => {
            let fields = match &defined(ty).sub_type().composite {
                CompositeType::Struct(fields) => fields.len(),
                CompositeType::Func(_) | CompositeType::Array(_) => 0,
            };
            store.new_struct(defined(ty), Some(&pop(fields)))
        }
        ConstOp::StructNewDefault(ty) => store.new_struct(defined(ty), None),
        ConstOp::ArrayNew(ty) => {
            let length = length(&pop(1));
            let value = pop(1);
            let array = store.new_array(defined(ty), length)?;
            value.iter().try_for_each(|value| write_all(store, array, instance, ty, length, &mut |_| *value))?;
            Ok(array)
        }
        ConstOp::ArrayNewDefault(ty) => store.new_array(defined(ty), length(&pop(1))),
        ConstOp::ArrayNewFixed(ty, count) => {
            let values = pop(count as usize);
            let array = store.new_array(defined(ty), count)?;
            write_all(store, array, instance, ty, count, &mut |index| values[index as usize])?;
            Ok(array)
        }
        _ => Ok(0),
    }
}

fn write_all(
    store: &Store,
    array: u32,
    instance: &Instance,
    ty: crate::types::TypeIndex,
    length: u32,
    value: &mut dyn FnMut(u32) -> RawSlot,
) -> Result<(), TrapCode> {
    let CompositeType::Array(element) = instance.compiled().defined(ty).sub_type().composite else { return Ok(()) };
    let shift = crate::abi::storage_size(element.storage).trailing_zeros();
    (0..length).try_for_each(|index| store.write(Store::element(array, index, shift), element.storage, &value(index)))
}

/// The value of a constant expression as the offset of a segment, or as the bits of a reference.
pub(in crate::vm) fn evaluate_bits(instance: &Instance, expr: &ConstExpr) -> Result<u64, TrapCode> {
    Ok(u128::from_le_bytes(evaluate(instance, expr)?) as u64)
}
