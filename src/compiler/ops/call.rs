//! Calls (specification, "Control Instructions": `call`, `call_ref`, `call_indirect`, and the same in tail position).
//!
//! A call within the module is a relative call into the same text; [`direct`] is the one place that decides so. An imported
//! function is called through what the instance's context has copied of its `VMFuncRef`.
//!
//! A tail call of a function by itself is a jump to its beginning. Others are Cranelift's: the callee's frame takes the place of the caller's. Then a frame's caller may be any function, so a function
//! that is tail called does not rely on its caller's vmctx (`Module::is_tail_called`).

use super::{exception, gc, table};
use crate::abi::VMFuncRef;
use crate::compiler::sig::{self, POINTER};
use crate::compiler::translate::{FuncTranslator, trap_code};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, FuncRef, InstBuilder, MemFlagsData, SigRef,
    Value, types,
};
use std::mem::offset_of;

/// What a call goes to, and how.
struct Callee<'a> {
    target: Target,
    vmctx: Value,
    ty: &'a FuncType,
}

enum Target {
    Direct(FuncRef),
    Entry(SigRef, Value),
}

pub(crate) fn call(t: &mut FuncTranslator<'_>, func: u32) {
    let callee = direct(t, func);
    emit(t, &callee);
}

pub(crate) fn return_call(t: &mut FuncTranslator<'_>, func: u32) {
    if t.call_again(FuncIndex::from_u32(func)) {
        return;
    }
    let callee = direct(t, func);
    emit_tail(t, &callee);
}

pub(crate) fn call_indirect(t: &mut FuncTranslator<'_>, ty: u32, table: u32) {
    let callee = indirect(t, ty, table);
    emit(t, &callee);
}

pub(crate) fn return_call_indirect(t: &mut FuncTranslator<'_>, ty: u32, table: u32) {
    let callee = indirect(t, ty, table);
    emit_tail(t, &callee);
}

pub(crate) fn call_ref(t: &mut FuncTranslator<'_>, ty: u32) {
    let callee = reference(t, ty);
    emit(t, &callee);
}

pub(crate) fn return_call_ref(t: &mut FuncTranslator<'_>, ty: u32) {
    let callee = reference(t, ty);
    emit_tail(t, &callee);
}

/// A function that the module defines or imports.
fn direct<'a>(t: &mut FuncTranslator<'a>, func: u32) -> Callee<'a> {
    let func = FuncIndex::from_u32(func);
    let ty = t.env.module.func_type(func);
    if t.env.module.is_imported_func(func) {
        let (entry, vmctx) = t.env.imported_func(&mut t.builder, func);
        let sig = t.env.sig(&mut t.builder, t.env.module.type_of(func));
        return Callee { target: Target::Entry(sig, entry), vmctx, ty };
    }
    let target = Target::Direct(t.env.direct_func(&mut t.builder, func));
    Callee { target, vmctx: t.env.vmctx, ty }
}

/// The function in a table, if it is of the type.
fn indirect<'a>(t: &mut FuncTranslator<'a>, ty: u32, table: u32) -> Callee<'a> {
    let ty = TypeIndex::from_u32(ty);
    let index = t.pop();
    let (func, may_be_null) = table::callee(t, TableIndex::from_u32(table), index);
    let first = first_load(may_be_null, TrapCode::IndirectCallToNull);
    let given = t.builder.ins().load(types::I32, first, func, offset_of!(VMFuncRef, type_id) as i32);
    if t.env.module.types[ty].is_final {
        let wanted = t.env.type_id(&mut t.builder, ty);
        let same = t.builder.ins().icmp(IntCC::Equal, given, wanted);
        t.trapz(same, TrapCode::BadSignature);
    } else {
        let (yes, no) = (t.builder.create_block(), t.builder.create_block());
        gc::branch_on_number(t, given, ty, yes, no);
        t.trap_in(no, TrapCode::BadSignature, yes);
        t.builder.seal_block(yes);
    }
    of_reference(t, func, ty, MemFlagsData::trusted().with_readonly())
}

/// The function that a reference of the type refers to.
fn reference<'a>(t: &mut FuncTranslator<'a>, ty: u32) -> Callee<'a> {
    let func = t.pop();
    let may_be_null = t.signals();
    if !may_be_null {
        t.trapz(func, TrapCode::NullFunctionReference);
    }
    of_reference(t, func, TypeIndex::from_u32(ty), first_load(may_be_null, TrapCode::NullFunctionReference))
}

/// What a function reference points to does not change, but may only be read once it is known not to be null; where that is not known
/// yet, the first load finds out.
fn first_load(may_be_null: bool, code: TrapCode) -> MemFlagsData {
    match may_be_null {
        true => MemFlagsData::new().with_aligned().with_readonly().with_trap_code(Some(trap_code(code))),
        false => MemFlagsData::trusted().with_readonly(),
    }
}

/// The callee behind a reference to a function of the type; `first` are the flags of the first load.
fn of_reference<'a>(t: &mut FuncTranslator<'a>, func: Value, ty: TypeIndex, first: MemFlagsData) -> Callee<'a> {
    let entry = t.builder.ins().load(POINTER, first, func, offset_of!(VMFuncRef, entry) as i32);
    let constant = MemFlagsData::trusted().with_readonly();
    let vmctx = t.builder.ins().load(POINTER, constant, func, offset_of!(VMFuncRef, vmctx) as i32);
    let sig = t.env.sig(&mut t.builder, ty);
    Callee { target: Target::Entry(sig, entry), vmctx, ty: t.env.module.func_type_at(ty) }
}

/// Pops the operands and calls.
fn emit(t: &mut FuncTranslator<'_>, callee: &Callee<'_>) {
    let args = pop_args(t, callee);
    let results: Vec<Value> = match exception::landing(t) {
        Some(landing) => emit_try(t, callee, &args, landing),
        None => {
            let call = match callee.target {
                Target::Direct(func) => t.builder.ins().call(func, &args),
                Target::Entry(sig, entry) => t.builder.ins().call_indirect(sig, entry, &args),
            };
            t.builder.inst_results(call).to_vec()
        }
    };
    for (value, ty) in results.into_iter().zip(&callee.ty.results) {
        match ty.is_ref() {
            true => t.push_ref(value),
            false => t.push(value),
        }
    }
}

/// Calls where the function handles exceptions; the results.
fn emit_try(t: &mut FuncTranslator<'_>, callee: &Callee<'_>, args: &[Value], landing: Block) -> Vec<Value> {
    let next = t.builder.create_block();
    for &ty in &callee.ty.results {
        t.builder.append_block_param(next, sig::value_type(ty));
    }
    let sig = match callee.target {
        Target::Direct(func) => t.builder.func.dfg.ext_funcs[func].signature,
        Target::Entry(sig, _) => sig,
    };
    let lists = &mut t.builder.func.dfg.value_lists;
    let results = (0..callee.ty.results.len() as u32).map(BlockArg::TryCallRet);
    let normal = BlockCall::new(next, results, lists);
    let exceptional = BlockCall::new(landing, [BlockArg::TryCallExn(0)], lists);
    let table = ExceptionTableData::new(sig, normal, [ExceptionTableItem::Default(exceptional)]);
    let table = t.builder.func.dfg.exception_tables.push(table);
    match callee.target {
        Target::Direct(func) => t.builder.ins().try_call(func, args, table),
        Target::Entry(_, entry) => t.builder.ins().try_call_indirect(entry, args, table),
    };
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
    t.builder.block_params(next).to_vec()
}

/// Pops the operands and calls in tail position. What follows is unreachable.
fn emit_tail(t: &mut FuncTranslator<'_>, callee: &Callee<'_>) {
    let args = pop_args(t, callee);
    match callee.target {
        Target::Direct(func) => t.builder.ins().return_call(func, &args),
        Target::Entry(sig, entry) => t.builder.ins().return_call_indirect(sig, entry, &args),
    };
    t.control.unreachable = true;
}

/// Pops the operands of a call that comes next, and puts the callee's context before them.
fn pop_args(t: &mut FuncTranslator<'_>, callee: &Callee<'_>) -> Vec<Value> {
    let count = callee.ty.params.len();
    let mut args = Vec::with_capacity(count + 1);
    args.push(callee.vmctx);
    args.extend_from_slice(t.stack.top(count));
    t.stack.truncate(t.stack.len() - count);
    t.note_call();
    args
}
