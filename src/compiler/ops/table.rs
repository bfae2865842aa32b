//! Table instructions (specification, "Table Instructions").
//!
//! Elements are 8-byte pointers to a `VMFuncRef` or 4-byte references into the store's heap. Storing one needs no barrier: the
//! collector runs only in libcalls and host calls, and traces whole tables.
//!
//! In a table that may be lazy (`FuncEnv::is_lazy`), 0 is null or a function that was not asked for yet: who reads one asks the
//! libcall, and who writes one has the table filled before, so that it means null from then on.

use super::memory::{index, pop_u64, pop3_u64};
use crate::compiler::func::FuncTranslator;
use crate::compiler::sig;
use crate::types::*;
use crate::vm::vmcontext::Libcall;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};

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

/// Continues with `value` if it is not 0, else with what `cold` makes of it, if it makes something.
fn unless_zero(
    t: &mut FuncTranslator<'_>,
    value: Value,
    cold: impl FnOnce(&mut FuncTranslator<'_>) -> Option<Value>,
) -> Value {
    let (zero, next) = (t.builder.create_block(), t.builder.create_block());
    t.builder.set_cold_block(zero);
    let result = t.builder.append_block_param(next, t.value_type(value));
    t.builder.ins().brif(value, next, &[BlockArg::Value(value)], zero, &[]);
    t.builder.seal_block(zero);
    t.builder.switch_to_block(zero);
    let instead = cold(t).unwrap_or(value);
    t.builder.ins().jump(next, &[BlockArg::Value(instead)]);
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
    result
}

/// The bits of the element at `index`; traps with `code` if there is none.
fn element_bits(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value, code: TrapCode) -> Value {
    let addr = element_addr(t, table, index, code);
    let flags = t.env.element_flags(&mut t.builder);
    t.builder.ins().load(t.env.element_type(table), flags, addr, 0)
}

/// The function at `index`, to be called: traps if there is none or it is null. With signals, an element of a table that is
/// not lazy may still be null: whoever loads from it finds out, and the second value says so.
pub(super) fn callee(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value) -> (Value, bool) {
    let bits = element_bits(t, table, index, TrapCode::IndirectCallOutOfBounds);
    if !t.env.is_lazy(table) {
        if !t.signals() {
            t.trapz(bits, TrapCode::IndirectCallToNull);
        }
        return (bits, t.signals());
    }
    let func = unless_zero(t, bits, |t| {
        let func = lazy_element(t, table, index);
        t.trapz(func, TrapCode::IndirectCallToNull);
        Some(func)
    });
    (func, false)
}

/// The element at `index`, within bounds, of a table that may be lazy.
fn lazy_element(t: &mut FuncTranslator<'_>, table: TableIndex, at: Value) -> Value {
    let table = index(t, table.as_u32());
    t.libcall(Libcall::table_get, &[table, at]).expect("table_get has a result")
}

pub(crate) fn table_get(t: &mut FuncTranslator<'_>, table: u32) {
    let index = t.pop();
    let table = TableIndex::from_u32(table);
    let mut value = element_bits(t, table, index, TrapCode::TableOutOfBounds);
    if t.env.is_lazy(table) {
        value = unless_zero(t, value, |t| Some(lazy_element(t, table, index)));
    }
    t.push_ref(value);
}

pub(crate) fn table_set(t: &mut FuncTranslator<'_>, table: u32) {
    let (at, value) = t.pop2();
    let table = TableIndex::from_u32(table);
    if t.env.is_lazy(table) {
        unless_zero(t, value, |t| {
            let table = index(t, table.as_u32());
            t.libcall(Libcall::table_settle, &[table]);
            None
        });
    }
    let addr = element_addr(t, table, at, TrapCode::TableOutOfBounds);
    t.env.mark_written(&mut t.builder, table);
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
