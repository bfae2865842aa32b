//! Variable instructions (specification, "Variable Instructions").
//!
//! Locals are Cranelift variables with the same numbers; those of reference types were declared to need stack maps.

use crate::compiler::sig;
use crate::compiler::translate::FuncTranslator;
use crate::module::ConstOp;
use crate::types::*;
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::types;
use cranelift_frontend::Variable;

pub(crate) fn local_get(t: &mut FuncTranslator<'_>, local: u32) {
    t.use_local(local);
    let value = t.builder.use_var(Variable::from_u32(local));
    t.note_local(local, value);
    t.push(value);
}

pub(crate) fn local_set(t: &mut FuncTranslator<'_>, local: u32) {
    t.use_local(local);
    let value = t.pop();
    t.builder.def_var(Variable::from_u32(local), value);
}

pub(crate) fn local_tee(t: &mut FuncTranslator<'_>, local: u32) {
    t.use_local(local);
    let value = t.stack.top(1)[0];
    t.builder.def_var(Variable::from_u32(local), value);
}

pub(crate) fn global_get(t: &mut FuncTranslator<'_>, global: u32) {
    let global = GlobalIndex::from_u32(global);
    let ty = t.env.module.globals[global].content;
    let value = match t.env.global(&mut t.builder, global) {
        Ok((address, offset, flags)) => t.builder.ins().load(sig::value_type(ty), flags, address, offset),
        Err(ConstOp::I32(value)) => t.builder.ins().iconst(types::I32, i64::from(value as u32)),
        Err(ConstOp::I64(value)) => t.builder.ins().iconst(types::I64, value),
        Err(ConstOp::F32(bits)) => t.builder.ins().f32const(Ieee32::with_bits(bits)),
        Err(ConstOp::F64(bits)) => t.builder.ins().f64const(Ieee64::with_bits(bits)),
        Err(_) => unreachable!("only numeric constants are known"),
    };
    match ty.is_ref() {
        true => t.push_ref(value),
        false => t.push(value),
    }
}

pub(crate) fn global_set(t: &mut FuncTranslator<'_>, global: u32) {
    let value = t.pop();
    if let Ok((address, offset, flags)) = t.env.global(&mut t.builder, GlobalIndex::from_u32(global)) {
        t.builder.ins().store(flags, value, address, offset);
    }
}
