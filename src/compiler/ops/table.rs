//! Table instructions (specification, "Table Instructions").
//!
//! Elements are 8-byte pointers to a `VMFuncRef` or 4-byte references into the store's heap. Storing one needs no barrier: the
//! collector runs only in libcalls and host calls, and traces whole tables.

use super::memory::{index, pop_u64, pop3_u64};
use crate::compiler::func::FuncTranslator;
use crate::compiler::sig;
use crate::types::*;
use crate::vm::vmcontext::Libcall;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// The address of an element; traps with `code` if there is none. A processor that speculates past the check sees the first.
fn element_addr(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value, code: TrapCode) -> Value {
    let parts = t.env.table(&mut t.builder, table);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, parts.length);
    t.trapnz(outside, code);
    let index = t.builder.ins().uextend(types::I64, index);
    let shift = sig::ref_type(parts.element).bytes().trailing_zeros();
    let offset = t.builder.ins().ishl_imm_u(index, i64::from(shift));
    let addr = t.builder.ins().iadd(parts.base, offset);
    t.builder.ins().select_spectre_guard(outside, parts.base, addr)
}

/// The element at `index`; traps with `code` if there is none.
pub(super) fn element(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value, code: TrapCode) -> Value {
    let addr = element_addr(t, table, index, code);
    let flags = t.env.element_flags(&mut t.builder);
    t.builder.ins().load(t.env.element_type(table), flags, addr, 0)
}

pub(crate) fn table_get(t: &mut FuncTranslator<'_>, table: u32) {
    let index = t.pop();
    let value = element(t, TableIndex::from_u32(table), index, TrapCode::TableOutOfBounds);
    t.push_ref(value);
}

pub(crate) fn table_set(t: &mut FuncTranslator<'_>, table: u32) {
    let (index, value) = t.pop2();
    let addr = element_addr(t, TableIndex::from_u32(table), index, TrapCode::TableOutOfBounds);
    let flags = t.env.element_flags(&mut t.builder);
    t.builder.ins().store(flags, value, addr, 0);
}

pub(crate) fn table_size(t: &mut FuncTranslator<'_>, table: u32) {
    let size = t.env.table_size(&mut t.builder, TableIndex::from_u32(table));
    t.push(size);
}

pub(crate) fn table_grow(t: &mut FuncTranslator<'_>, table: u32) {
    let delta = pop_u64(t);
    let init = pop_ref(t);
    let table = index(t, table);
    let old = t.libcall(Libcall::table_grow, &[table, delta, init]).expect("table_grow has a result");
    let old = t.builder.ins().ireduce(types::I32, old);
    t.push(old);
}

pub(crate) fn table_fill(t: &mut FuncTranslator<'_>, table: u32) {
    let len = pop_u64(t);
    let value = pop_ref(t);
    let to = pop_u64(t);
    let table = index(t, table);
    t.libcall(Libcall::table_fill, &[table, to, value, len]);
}

pub(crate) fn table_copy(t: &mut FuncTranslator<'_>, dst: u32, src: u32) {
    let (to, from, len) = pop3_u64(t);
    let (dst, src) = (index(t, dst), index(t, src));
    t.libcall(Libcall::table_copy, &[dst, to, src, from, len]);
}

pub(crate) fn table_init(t: &mut FuncTranslator<'_>, elem: u32, table: u32) {
    let (to, from, len) = pop3_u64(t);
    let (table, elem) = (index(t, table), index(t, elem));
    t.libcall(Libcall::table_init, &[table, elem, to, from, len]);
}

pub(crate) fn elem_drop(t: &mut FuncTranslator<'_>, elem: u32) {
    let elem = index(t, elem);
    t.libcall(Libcall::elem_drop, &[elem]);
}

/// Pops a reference as the 64 bits that libcalls take.
fn pop_ref(t: &mut FuncTranslator<'_>) -> Value {
    let value = t.pop();
    match t.value_type(value) {
        types::I64 => value,
        _ => t.builder.ins().uextend(types::I64, value),
    }
}
