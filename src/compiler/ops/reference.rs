//! Reference instructions (specification, "Reference Instructions"). Null is zero in every reference type.

use super::memory::index;
use crate::abi::{Libcall, VMFuncRef};
use crate::compiler::sig::{self, POINTER};
use crate::compiler::translate::FuncTranslator;
use crate::module;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, types};
use std::mem::offset_of;

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

/// The record of a function: in the context, or for an imported one where the context says. One that the module defines may have to be
/// filled first.
pub(crate) fn ref_func(t: &mut FuncTranslator<'_>, func: u32) {
    let func = FuncIndex::from_u32(func);
    if t.env.module.is_imported_func(func) {
        let value = t.env.imported_func_ref(&mut t.builder, func);
        return t.push_ref(value);
    }
    let made = |t: &mut FuncTranslator<'_>| {
        let func = index(t, func.as_u32());
        t.libcall(Libcall::ref_func, &[func]).expect("ref_func has a result")
    };
    let Some(slot) = t.env.module.func_ref_slots.get(func) else {
        let value = made(t);
        return t.push_ref(value);
    };
    let place = t.env.layout.func_ref(slot);
    let (cold, done) = (t.builder.create_block(), t.builder.create_block());
    t.builder.set_cold_block(cold);
    let result = t.builder.append_block_param(done, POINTER);
    let (vmctx, filled) = (t.env.vmctx, place + offset_of!(VMFuncRef, entry) as i32);
    let entry = t.builder.ins().load(POINTER, MemFlagsData::trusted(), vmctx, filled);
    let known = t.builder.ins().iadd_imm_s(vmctx, i64::from(place));
    t.builder.ins().brif(entry, done, &[BlockArg::Value(known)], cold, &[]);
    t.builder.seal_block(cold);
    t.builder.switch_to_block(cold);
    let value = made(t);
    t.builder.ins().jump(done, &[BlockArg::Value(value)]);
    t.builder.seal_block(done);
    t.builder.switch_to_block(done);
    t.push_ref(result);
}
