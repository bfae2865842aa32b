//! Reference instructions (specification, "Reference Instructions"). Null is zero in every reference type.

use super::memory::index;
use crate::abi::Libcall;
use crate::compiler::sig;
use crate::compiler::translate::FuncTranslator;
use crate::module;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

pub(crate) fn ref_null(t: &mut FuncTranslator<'_>, heap: wasmparser::HeapType) -> Result<()> {
    let heap = module::heap_type(t.env.module, heap)?;
    let null = t.builder.ins().iconst(sig::ref_type(RefType { nullable: true, heap }), 0);
    t.push(null);
    Ok(())
}

pub(crate) fn ref_is_null(t: &mut FuncTranslator<'_>) {
    let value = t.pop();
    let is_null = t.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
    let is_null = t.builder.ins().uextend(types::I32, is_null);
    t.push(is_null);
}

pub(crate) fn ref_as_non_null(t: &mut FuncTranslator<'_>) {
    let value = t.pop();
    t.trapz(value, TrapCode::NullReference);
    t.push_ref(value);
}

pub(crate) fn ref_func(t: &mut FuncTranslator<'_>, func: u32) {
    let func = index(t, func);
    let value = t.libcall(Libcall::ref_func, &[func]).expect("ref_func has a result");
    t.push_ref(value);
}
