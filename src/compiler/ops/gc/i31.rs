//! i31: integers of 31 bits as references, told apart from others by their lowest bit.

use crate::compiler::translate::FuncTranslator;
use crate::types::TrapCode;
use cranelift_codegen::ir::InstBuilder;

pub(crate) fn ref_i31(t: &mut FuncTranslator<'_>) {
    let value = t.pop();
    let shifted = t.builder.ins().ishl_imm_u(value, 1);
    let reference = t.builder.ins().bor_imm_u(shifted, 1);
    t.push_ref(reference);
}

pub(crate) fn i31_get_s(t: &mut FuncTranslator<'_>) {
    let reference = t.pop();
    t.trapz(reference, TrapCode::NullI31Reference);
    let value = t.builder.ins().sshr_imm_u(reference, 1);
    t.push(value);
}

pub(crate) fn i31_get_u(t: &mut FuncTranslator<'_>) {
    let reference = t.pop();
    t.trapz(reference, TrapCode::NullI31Reference);
    let value = t.builder.ins().ushr_imm_u(reference, 1);
    t.push(value);
}
