//! Globals: where their values are, or what they are.

use super::{FuncEnv, Region, constant_flags};
use crate::abi::VMGlobal;
use crate::compiler::sig::POINTER;
use crate::module::{ConstExpr, ConstOp};
use crate::types::{GlobalIndex, Mutability};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use cranelift_frontend::FunctionBuilder;
use std::mem::offset_of;

/// Cranelift's alias analysis keeps state for each region and block, so globals beyond these share one.
const MAX_GLOBAL_REGIONS: u32 = 64;

impl FuncEnv<'_> {
    /// The address of a global's value and the flags to access it with, or its value where that is known now.
    pub fn global(
        &mut self,
        builder: &mut FunctionBuilder<'_>,
        global: GlobalIndex,
    ) -> Result<(Value, i32, MemFlagsData), ConstOp> {
        let ty = self.module.globals[global];
        let value_offset = offset_of!(VMGlobal, value) as i32;
        let (address, offset, region) = match self.layout.global(global) {
            Ok(offset) => {
                let defined = global.as_u32() - self.module.num_imported_globals;
                if let (Mutability::Const, Some(ConstExpr::One(op))) =
                    (ty.mutability, self.module.global_inits.get(defined as usize))
                    && let op @ (ConstOp::I32(_) | ConstOp::I64(_) | ConstOp::F32(_) | ConstOp::F64(_)) = *op
                {
                    return Err(op);
                }
                let region = if defined < MAX_GLOBAL_REGIONS { Region::Global(defined) } else { Region::Globals };
                (self.vmctx, offset + value_offset, region)
            }
            Err(offset) => {
                let record = builder.ins().load(POINTER, constant_flags(), self.vmctx, offset);
                (record, value_offset, Region::Globals)
            }
        };
        let flags = match ty.mutability {
            Mutability::Const => constant_flags(),
            Mutability::Var => self.flags(builder, region),
        };
        Ok((address, offset, flags))
    }
}
