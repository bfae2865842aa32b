//! Memory instructions (specification, "Memory Instructions"). Addresses come from `src/compiler/translate/bounds.rs`.

use crate::abi::Libcall;
use crate::compiler::translate::FuncTranslator;
use crate::compiler::translate::bounds;
use crate::types::*;
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value, types};
use wasmparser::MemArg;

/// A load of exactly a value of type `ty`.
pub(crate) fn load(t: &mut FuncTranslator<'_>, memarg: &MemArg, ty: Type) {
    let value = t.load(memarg, ty, ty.bytes() as u8);
    t.push(value);
}

/// A load of fewer bytes than a value of type `ty` has.
pub(crate) fn load_ext(t: &mut FuncTranslator<'_>, memarg: &MemArg, opcode: Opcode, ty: Type) {
    let size = match opcode {
        Opcode::Uload8 | Opcode::Sload8 => 1,
        Opcode::Uload16 | Opcode::Sload16 => 2,
        _ => 4,
    };
    let value = t.load_ext(memarg, opcode, ty, size);
    t.push(value);
}

/// A store of the low `size` bytes of the operand.
pub(crate) fn store(t: &mut FuncTranslator<'_>, memarg: &MemArg, size: u8) {
    let value = t.pop();
    t.store(memarg, value, size);
}

pub(crate) fn memory_size(t: &mut FuncTranslator<'_>, memory: u32) {
    let pages = bounds::memory_pages(t, MemoryIndex::from_u32(memory));
    t.push(pages);
}

pub(crate) fn memory_grow(t: &mut FuncTranslator<'_>, memory: u32) {
    let delta = pop_u64(t);
    let memory = index(t, memory);
    let old = t.libcall(Libcall::memory_grow, &[memory, delta]).expect("memory_grow has a result");
    let old = t.builder.ins().ireduce(types::I32, old);
    t.push(old);
}

pub(crate) fn memory_copy(t: &mut FuncTranslator<'_>, dst: u32, src: u32) {
    let (to, from, len) = pop3_u64(t);
    let (dst, src) = (index(t, dst), index(t, src));
    t.libcall(Libcall::memory_copy, &[dst, to, src, from, len]);
}

pub(crate) fn memory_fill(t: &mut FuncTranslator<'_>, memory: u32) {
    let len = pop_u64(t);
    let byte = t.pop();
    let to = pop_u64(t);
    let memory = index(t, memory);
    t.libcall(Libcall::memory_fill, &[memory, to, byte, len]);
}

pub(crate) fn memory_init(t: &mut FuncTranslator<'_>, data: u32, memory: u32) {
    let (to, from, len) = pop3_u64(t);
    let (memory, data) = (index(t, memory), index(t, data));
    t.libcall(Libcall::memory_init, &[memory, data, to, from, len]);
}

pub(crate) fn data_drop(t: &mut FuncTranslator<'_>, data: u32) {
    let data = index(t, data);
    t.libcall(Libcall::data_drop, &[data]);
}

/// An index as a libcall's argument.
pub(super) fn index(t: &mut FuncTranslator<'_>, index: u32) -> Value {
    t.builder.ins().iconst(types::I32, i64::from(index))
}

/// Pops an i32 and extends it with zeros, as libcalls take addresses and lengths.
pub(super) fn pop_u64(t: &mut FuncTranslator<'_>) -> Value {
    let value = t.pop();
    t.builder.ins().uextend(types::I64, value)
}

/// Pops three of them, in the order they were pushed.
pub(super) fn pop3_u64(t: &mut FuncTranslator<'_>) -> (Value, Value, Value) {
    let third = pop_u64(t);
    let second = pop_u64(t);
    (pop_u64(t), second, third)
}
