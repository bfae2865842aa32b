//! Constant expressions: decoded here, evaluated by the VM.

use super::convert::{self, TypeKinds};
use super::{ConstExpr, ConstOp};
use crate::types::*;
use wasmparser::Operator;

impl ConstExpr {
    /// Decodes an expression the validator has accepted.
    pub(super) fn decode(kinds: &impl TypeKinds, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr> {
        let mut ops = Vec::with_capacity(1);
        let mut reader = expr.get_operators_reader();
        loop {
            let (op, offset) = reader.read_with_offset()?;
            ops.push(match op {
                Operator::I32Const { value } => ConstOp::I32(value),
                Operator::I64Const { value } => ConstOp::I64(value),
                Operator::F32Const { value } => ConstOp::F32(value.bits()),
                Operator::F64Const { value } => ConstOp::F64(value.bits()),
                Operator::V128Const { value } => ConstOp::V128(u128::from_le_bytes(*value.bytes())),
                Operator::GlobalGet { global_index } => ConstOp::GlobalGet(GlobalIndex::from_u32(global_index)),
                Operator::RefNull { hty } => ConstOp::RefNull(convert::heap_type(kinds, hty)?),
                Operator::RefFunc { function_index } => ConstOp::RefFunc(FuncIndex::from_u32(function_index)),
                Operator::I32Add => ConstOp::I32Add,
                Operator::I32Sub => ConstOp::I32Sub,
                Operator::I32Mul => ConstOp::I32Mul,
                Operator::I64Add => ConstOp::I64Add,
                Operator::I64Sub => ConstOp::I64Sub,
                Operator::I64Mul => ConstOp::I64Mul,
                Operator::RefI31 => ConstOp::RefI31,
                Operator::StructNew { struct_type_index } => ConstOp::StructNew(TypeIndex::from_u32(struct_type_index)),
                Operator::StructNewDefault { struct_type_index } => {
                    ConstOp::StructNewDefault(TypeIndex::from_u32(struct_type_index))
                }
                Operator::ArrayNew { array_type_index } => ConstOp::ArrayNew(TypeIndex::from_u32(array_type_index)),
                Operator::ArrayNewDefault { array_type_index } => {
                    ConstOp::ArrayNewDefault(TypeIndex::from_u32(array_type_index))
                }
                Operator::ArrayNewFixed { array_type_index, array_size } => {
                    ConstOp::ArrayNewFixed(TypeIndex::from_u32(array_type_index), array_size)
                }
                Operator::AnyConvertExtern => ConstOp::Convert(HeapType::Any),
                Operator::ExternConvertAny => ConstOp::Convert(HeapType::Extern),
                Operator::End => break,
                _ => return Err(Error::invalid("constant expression required", offset as usize)),
            });
        }
        Ok(match ops[..] {
            [op] => ConstExpr::One(op),
            _ => ConstExpr::Several(ops.into_boxed_slice()),
        })
    }

    /// The operations, in order.
    pub fn ops(&self) -> &[ConstOp] {
        match self {
            ConstExpr::One(op) => std::slice::from_ref(op),
            ConstExpr::Several(ops) => ops,
        }
    }

    /// Whether the expression makes an object, so that it must be evaluated once.
    pub fn allocates(&self) -> bool {
        self.ops().iter().any(|op| {
            use ConstOp::*;
            matches!(op, StructNew(_) | StructNewDefault(_) | ArrayNew(_) | ArrayNewDefault(_) | ArrayNewFixed(..))
        })
    }

    /// The function, if the expression is a single `ref.func`.
    pub(super) fn as_ref_func(&self) -> Option<FuncIndex> {
        match *self {
            ConstExpr::One(ConstOp::RefFunc(func)) => Some(func),
            _ => None,
        }
    }

    /// The functions the expression refers to.
    pub(super) fn funcs(&self) -> impl Iterator<Item = FuncIndex> {
        self.ops().iter().filter_map(|op| match *op {
            ConstOp::RefFunc(func) => Some(func),
            _ => None,
        })
    }
}
