//! Table instructions (specification, "Table Instructions").
//!
//! Elements are 8-byte pointers to a `VMFuncRef` or 4-byte references into the store's heap. Storing one needs no barrier: the
//! collector runs only in libcalls and host calls, and traces whole tables.
//!
//! In a table that may be lazy (`FuncEnv::is_lazy`), 0 is null or a function that was not asked for yet: who reads one asks the
//! libcall, and who writes one has the table filled before, so that it means null from then on.

use super::memory::{index, pop_index, pop_ranges, push_index};
use crate::abi::{Libcall, LibcallTable, VMContext};
use crate::compiler::sig::{self, POINTER};
use crate::compiler::translate::FuncTranslator;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, Value, types};
use cranelift_codegen::isa::CallConv;
use std::mem::offset_of;

/// The address of an element; traps with `code` if there is none. A processor that speculates past the check sees the first.
fn element_addr(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value, code: TrapCode) -> Value {
    let parts = t.env.table(&mut t.builder, table);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, parts.length);
    t.trapnz(outside, code);
    let index = if parts.index64 { index } else { t.builder.ins().uextend(types::I64, index) };
    let shift = sig::ref_type(parts.element).bytes().trailing_zeros();
    let offset = t.builder.ins().ishl_imm_u(index, i64::from(shift));
    let addr = t.builder.ins().iadd(parts.base, offset);
    t.builder.ins().select_spectre_guard(outside, parts.base, addr)
}

/// Runs `cold` if `value` is 0, and continues with what it makes of it.
fn unless_zero(t: &mut FuncTranslator<'_>, value: Value, cold: impl FnOnce(&mut FuncTranslator<'_>) -> Value) -> Value {
    let (zero, next) = (t.builder.create_block(), t.builder.create_block());
    t.builder.set_cold_block(zero);
    let result = t.builder.append_block_param(next, t.value_type(value));
    t.builder.ins().brif(value, next, &[BlockArg::Value(value)], zero, &[]);
    t.builder.seal_block(zero);
    t.builder.switch_to_block(zero);
    let instead = cold(t);
    t.builder.ins().jump(next, &[BlockArg::Value(instead)]);
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
    result
}

/// Calls one of the libcalls that change no register. What it takes is loaded here and now, the vmctx from the frame: else it
/// would take registers from the code that needs no call.
fn call_aside(t: &mut FuncTranslator<'_>, entry: usize, args: &[Value]) {
    let mut sig = sig::c(&[POINTER], &[]);
    sig.call_conv = CallConv::PreserveAll;
    sig.params.extend(args.iter().map(|_| AbiParam::new(types::I32)));
    let sig = t.builder.import_signature(sig);
    let flags = MemFlagsData::trusted().with_readonly();
    let slot = t.vmctx_slot();
    let vmctx = t.builder.ins().stack_load(POINTER, POINTER, slot, 0);
    let libcalls = t.builder.ins().load(POINTER, flags, vmctx, offset_of!(VMContext, libcalls) as i32);
    let entry = t.builder.ins().load(POINTER, flags, libcalls, entry as i32);
    let mut all = vec![vmctx];
    all.extend_from_slice(args);
    t.note_call();
    t.builder.ins().call_indirect(sig, entry, &all);
}

/// The element at `index`, or 0 for null; traps with `code` if there is none.
fn element(
    t: &mut FuncTranslator<'_>,
    table: TableIndex,
    at: Value,
    code: TrapCode,
    check: impl FnOnce(&mut FuncTranslator<'_>, Value),
) -> Value {
    let addr = element_addr(t, table, at, code);
    let flags = t.env.element_flags(&mut t.builder);
    let ty = t.env.element_type(table);
    let value = t.builder.ins().load(ty, flags, addr, 0);
    if !t.env.is_lazy(table) {
        check(t, value);
        return value;
    }
    unless_zero(t, value, |t| {
        // Tables have fewer than 2^32 elements, and this is one.
        let at = if t.value_type(at) == types::I64 { t.builder.ins().ireduce(types::I32, at) } else { at };
        let table = index(t, table.as_u32());
        call_aside(t, offset_of!(LibcallTable, table_fill_element), &[table, at]);
        let value = t.builder.ins().load(ty, flags, addr, 0);
        check(t, value);
        value
    })
}

/// The function at `index`, to be called: traps if there is none or it is null. With signals, an element of a table that is
/// not lazy may still be null: whoever loads from it finds out, and the second value says so.
pub(super) fn callee(t: &mut FuncTranslator<'_>, table: TableIndex, index: Value) -> (Value, bool) {
    let may_be_null = t.signals() && !t.env.is_lazy(table);
    let func = element(t, table, index, TrapCode::IndirectCallOutOfBounds, |t, func| {
        if !may_be_null {
            t.trapz(func, TrapCode::IndirectCallToNull);
        }
    });
    (func, may_be_null)
}

pub(crate) fn table_get(t: &mut FuncTranslator<'_>, table: u32) {
    let index = t.pop();
    let value = element(t, TableIndex::from_u32(table), index, TrapCode::TableOutOfBounds, |_, _| ());
    t.push_ref(value);
}

pub(crate) fn table_set(t: &mut FuncTranslator<'_>, table: u32) {
    let (at, value) = t.pop2();
    let table = TableIndex::from_u32(table);
    if t.env.is_lazy(table) {
        unless_zero(t, value, |t| {
            let table = index(t, table.as_u32());
            call_aside(t, offset_of!(LibcallTable, table_materialize), &[table]);
            value
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
    let index64 = is_64(t, table);
    let delta = pop_index(t, index64);
    let init = pop_ref(t);
    let table = index(t, table);
    let old = t.libcall(Libcall::table_grow, &[table, delta, init]).expect("table_grow has a result");
    push_index(t, index64, old);
}

pub(crate) fn table_fill(t: &mut FuncTranslator<'_>, table: u32) {
    let index64 = is_64(t, table);
    let len = pop_index(t, index64);
    let value = pop_ref(t);
    let to = pop_index(t, index64);
    let table = index(t, table);
    t.libcall(Libcall::table_fill, &[table, to, value, len]);
}

pub(crate) fn table_copy(t: &mut FuncTranslator<'_>, dst: u32, src: u32) {
    let (to, from, len) = pop_ranges(t, is_64(t, dst), is_64(t, src));
    let (dst, src) = (index(t, dst), index(t, src));
    t.libcall(Libcall::table_copy, &[dst, to, src, from, len]);
}

pub(crate) fn table_init(t: &mut FuncTranslator<'_>, elem: u32, table: u32) {
    let (to, from, len) = pop_ranges(t, is_64(t, table), false);
    let (table, elem) = (index(t, table), index(t, elem));
    t.libcall(Libcall::table_init, &[table, elem, to, from, len]);
}

pub(crate) fn elem_drop(t: &mut FuncTranslator<'_>, elem: u32) {
    let elem = index(t, elem);
    t.libcall(Libcall::elem_drop, &[elem]);
}

/// Whether the indices of a table are 64 bits wide.
fn is_64(t: &FuncTranslator<'_>, table: u32) -> bool {
    t.env.module.tables[TableIndex::from_u32(table)].index64
}

/// Pops a reference as the 64 bits that libcalls take.
fn pop_ref(t: &mut FuncTranslator<'_>) -> Value {
    let value = t.pop();
    match t.value_type(value) {
        types::I64 => value,
        _ => t.builder.ins().uextend(types::I64, value),
    }
}
