//! Each operator, in the order of opcodes, and the function that translates it: one match for each family. This one has all but
//! numbers and vectors.
//!
//! Only `src/compiler/translate/mod.rs` calls in, with an operator that has been validated. In unreachable code only the operators that
//! open and close blocks are looked at.

mod atomic;
mod gc;
mod numeric;
mod simd;

use crate::compiler::ops::{call, control, exception, memory, reference, table, variable};
use crate::compiler::translate::FuncTranslator;
use crate::types::{Error, Result};
use cranelift_codegen::ir::Opcode;
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use wasmparser::Operator as Op;

/// Whether an operator opens a block, or closes one or a part of one.
#[rustfmt::skip]
fn opens_or_closes(op: &Op<'_>) -> bool {
    matches!(
        op,
        Op::Block { .. } | Op::Loop { .. } | Op::If { .. } | Op::TryTable { .. } | Op::Try { .. }
            | Op::Else | Op::Catch { .. } | Op::CatchAll | Op::Delegate { .. } | Op::End
    )
}

/// Translates one operator.
#[rustfmt::skip]
pub(crate) fn translate(t: &mut FuncTranslator<'_>, op: &Op<'_>) -> Result<()> {
    if t.control.unreachable && !opens_or_closes(op) {
        return Ok(());
    }
    match *op {
        Op::Unreachable => control::unreachable(t),
        Op::Nop => control::nop(t),
        Op::Block { blockty } => control::block(t, blockty)?,
        Op::Loop { blockty } => control::loop_(t, blockty)?,
        Op::If { blockty } => control::if_(t, blockty)?,
        Op::TryTable { ref try_table } => control::try_table(t, try_table)?,
        Op::Throw { tag_index } => exception::throw(t, tag_index),
        Op::ThrowRef => exception::throw_ref(t),
        Op::Rethrow { relative_depth } => exception::rethrow(t, relative_depth),
        Op::Try { blockty } => control::try_(t, blockty)?,
        Op::Catch { tag_index } => control::catch(t, Some(tag_index)),
        Op::CatchAll => control::catch(t, None),
        Op::Delegate { relative_depth } => control::delegate(t, relative_depth),
        Op::Else => control::else_(t),
        Op::End => control::end(t)?,
        Op::Br { relative_depth } => control::br(t, relative_depth),
        Op::BrIf { relative_depth } => control::br_if(t, relative_depth),
        Op::BrTable { ref targets } => control::br_table(t, targets)?,
        Op::Return => control::return_(t),
        Op::Call { function_index } => call::call(t, function_index),
        Op::CallIndirect { type_index, table_index } => call::call_indirect(t, type_index, table_index),
        Op::ReturnCall { function_index } => call::return_call(t, function_index),
        Op::ReturnCallIndirect { type_index, table_index } => call::return_call_indirect(t, type_index, table_index),
        Op::CallRef { type_index } => call::call_ref(t, type_index),
        Op::ReturnCallRef { type_index } => call::return_call_ref(t, type_index),
        Op::Drop => control::drop(t),
        Op::Select => control::select(t),
        Op::TypedSelect { ty } => control::typed_select(t, ty),
        Op::LocalGet { local_index } => variable::local_get(t, local_index),
        Op::LocalSet { local_index } => variable::local_set(t, local_index),
        Op::LocalTee { local_index } => variable::local_tee(t, local_index),
        Op::GlobalGet { global_index } => variable::global_get(t, global_index),
        Op::GlobalSet { global_index } => variable::global_set(t, global_index),
        Op::TableGet { table } => table::table_get(t, table),
        Op::TableSet { table } => table::table_set(t, table),
        Op::I32Load { ref memarg } => memory::load(t, memarg, I32),
        Op::I64Load { ref memarg } => memory::load(t, memarg, I64),
        Op::F32Load { ref memarg } => memory::load(t, memarg, F32),
        Op::F64Load { ref memarg } => memory::load(t, memarg, F64),
        Op::I32Load8S { ref memarg } => memory::load_ext(t, memarg, Opcode::Sload8, I32),
        Op::I32Load8U { ref memarg } => memory::load_ext(t, memarg, Opcode::Uload8, I32),
        Op::I32Load16S { ref memarg } => memory::load_ext(t, memarg, Opcode::Sload16, I32),
        Op::I32Load16U { ref memarg } => memory::load_ext(t, memarg, Opcode::Uload16, I32),
        Op::I64Load8S { ref memarg } => memory::load_ext(t, memarg, Opcode::Sload8, I64),
        Op::I64Load8U { ref memarg } => memory::load_ext(t, memarg, Opcode::Uload8, I64),
        Op::I64Load16S { ref memarg } => memory::load_ext(t, memarg, Opcode::Sload16, I64),
        Op::I64Load16U { ref memarg } => memory::load_ext(t, memarg, Opcode::Uload16, I64),
        Op::I64Load32S { ref memarg } => memory::load_ext(t, memarg, Opcode::Sload32, I64),
        Op::I64Load32U { ref memarg } => memory::load_ext(t, memarg, Opcode::Uload32, I64),
        Op::I32Store { ref memarg } => memory::store(t, memarg, 4),
        Op::I64Store { ref memarg } => memory::store(t, memarg, 8),
        Op::F32Store { ref memarg } => memory::store(t, memarg, 4),
        Op::F64Store { ref memarg } => memory::store(t, memarg, 8),
        Op::I32Store8 { ref memarg } => memory::store(t, memarg, 1),
        Op::I32Store16 { ref memarg } => memory::store(t, memarg, 2),
        Op::I64Store8 { ref memarg } => memory::store(t, memarg, 1),
        Op::I64Store16 { ref memarg } => memory::store(t, memarg, 2),
        Op::I64Store32 { ref memarg } => memory::store(t, memarg, 4),
        Op::MemorySize { mem } => memory::memory_size(t, mem),
        Op::MemoryGrow { mem } => memory::memory_grow(t, mem),
        Op::RefNull { hty } => reference::ref_null(t, hty)?,
        Op::RefIsNull => reference::ref_is_null(t),
        Op::RefAsNonNull => reference::ref_as_non_null(t),
        Op::BrOnNull { relative_depth } => control::br_on_null(t, relative_depth),
        Op::BrOnNonNull { relative_depth } => control::br_on_non_null(t, relative_depth),
        Op::RefFunc { function_index } => reference::ref_func(t, function_index),
        Op::MemoryInit { data_index, mem } => memory::memory_init(t, data_index, mem),
        Op::DataDrop { data_index } => memory::data_drop(t, data_index),
        Op::MemoryCopy { dst_mem, src_mem } => memory::memory_copy(t, dst_mem, src_mem),
        Op::MemoryFill { mem } => memory::memory_fill(t, mem),
        Op::TableInit { elem_index, table } => table::table_init(t, elem_index, table),
        Op::ElemDrop { elem_index } => table::elem_drop(t, elem_index),
        Op::TableCopy { dst_table, src_table } => table::table_copy(t, dst_table, src_table),
        Op::TableGrow { table } => table::table_grow(t, table),
        Op::TableSize { table } => table::table_size(t, table),
        Op::TableFill { table } => table::table_fill(t, table),
        _ if numeric::translate(t, op) || simd::translate(t, op) || atomic::translate(t, op) || gc::translate(t, op)? => {}
        _ => return Err(Error::unsupported(format!("the instruction {op:?}"))),
    }
    Ok(())
}
