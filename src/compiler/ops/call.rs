//! Calls (specification, "Control Instructions": `call`, `call_indirect`).
//!
//! A call within the module is a relative call into the same text; [`direct`] is the one place that decides so. An imported
//! function is called through what the instance's context has copied of its `VMFuncRef`.

use super::table;
use crate::abi::VMFuncRef;
use crate::compiler::sig::POINTER;
use crate::compiler::translate::{FuncTranslator, trap_code};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Inst, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;

pub(crate) fn call(t: &mut FuncTranslator<'_>, func: u32) {
    let func = FuncIndex::from_u32(func);
    let ty = t.env.module.func_type(func);
    let inst = if t.env.module.is_imported_func(func) {
        let (entry, callee) = t.env.imported_func(&mut t.builder, func);
        let sig = t.env.sig(&mut t.builder, t.env.module.type_of(func));
        let args = pop_args(t, callee, ty);
        t.builder.ins().call_indirect(sig, entry, &args)
    } else {
        direct(t, func, ty)
    };
    push_results(t, inst, ty);
}

/// Calls a function that the module defines.
fn direct(t: &mut FuncTranslator<'_>, func: FuncIndex, ty: &FuncType) -> Inst {
    let target = t.env.direct_func(&mut t.builder, func);
    let args = pop_args(t, t.env.vmctx, ty);
    t.builder.ins().call(target, &args)
}

pub(crate) fn call_indirect(t: &mut FuncTranslator<'_>, ty: u32, table: u32) {
    let ty = TypeIndex::from_u32(ty);
    let index = t.pop();
    let table = TableIndex::from_u32(table);
    let (func, may_be_null) = table::callee(t, table, index);
    // What a function reference points to does not change, but may only be read once it is known not to be null; where it
    // is not known yet, the first load finds out.
    let constant = MemFlagsData::trusted().with_readonly();
    let first = if may_be_null {
        MemFlagsData::new().with_aligned().with_readonly().with_trap_code(Some(trap_code(TrapCode::IndirectCallToNull)))
    } else {
        constant
    };
    let given = t.builder.ins().load(types::I32, first, func, offset_of!(VMFuncRef, type_id) as i32);
    let wanted = t.env.type_id(&mut t.builder, ty);
    let same = t.builder.ins().icmp(IntCC::Equal, given, wanted);
    t.trapz(same, TrapCode::BadSignature);
    let entry = t.builder.ins().load(POINTER, constant, func, offset_of!(VMFuncRef, entry) as i32);
    let callee = t.builder.ins().load(POINTER, constant, func, offset_of!(VMFuncRef, vmctx) as i32);
    let sig = t.env.sig(&mut t.builder, ty);
    let ty = &t.env.module.types[ty];
    let args = pop_args(t, callee, ty);
    let inst = t.builder.ins().call_indirect(sig, entry, &args);
    push_results(t, inst, ty);
}

/// Pops the operands of a call that comes next, and puts the callee's context before them.
fn pop_args(t: &mut FuncTranslator<'_>, callee: Value, ty: &FuncType) -> Vec<Value> {
    let count = ty.params.len();
    let mut args = Vec::with_capacity(count + 1);
    args.push(callee);
    args.extend_from_slice(t.stack.top(count));
    t.stack.truncate(t.stack.len() - count);
    t.note_call();
    args
}

fn push_results(t: &mut FuncTranslator<'_>, call: Inst, ty: &FuncType) {
    for (i, ty) in ty.results.iter().enumerate() {
        let value = t.builder.inst_results(call)[i];
        match ty.is_ref() {
            true => t.push_ref(value),
            false => t.push(value),
        }
    }
}
