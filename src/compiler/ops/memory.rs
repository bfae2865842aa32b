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
    let index64 = is_64(t, memory);
    let delta = pop_index(t, index64);
    let memory = index(t, memory);
    let old = t.libcall(Libcall::memory_grow, &[memory, delta]).expect("memory_grow has a result");
    push_index(t, index64, old);
}

pub(crate) fn memory_copy(t: &mut FuncTranslator<'_>, dst: u32, src: u32) {
    let (to, from, len) = pop_ranges(t, is_64(t, dst), is_64(t, src));
    let (dst, src) = (index(t, dst), index(t, src));
    t.libcall(Libcall::memory_copy, &[dst, to, src, from, len]);
}

pub(crate) fn memory_fill(t: &mut FuncTranslator<'_>, memory: u32) {
    let index64 = is_64(t, memory);
    let len = pop_index(t, index64);
    let byte = t.pop();
    let to = pop_index(t, index64);
    let memory = index(t, memory);
    t.libcall(Libcall::memory_fill, &[memory, to, byte, len]);
}

pub(crate) fn memory_init(t: &mut FuncTranslator<'_>, data: u32, memory: u32) {
    let (to, from, len) = pop_ranges(t, is_64(t, memory), false);
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

/// Whether the addresses of a memory are 64 bits wide.
fn is_64(t: &FuncTranslator<'_>, memory: u32) -> bool {
    t.env.module.memories[MemoryIndex::from_u32(memory)].index64
}

/// Pops an address or index and extends it with zeros to 64 bits, as libcalls take them.
pub(super) fn pop_index(t: &mut FuncTranslator<'_>, index64: bool) -> Value {
    let value = t.pop();
    if index64 { value } else { t.builder.ins().uextend(types::I64, value) }
}

/// Pushes a 64-bit number of pages or elements, or -1, as wide as addresses or indices are.
pub(super) fn push_index(t: &mut FuncTranslator<'_>, index64: bool, value: Value) {
    let value = if index64 { value } else { t.builder.ins().ireduce(types::I32, value) };
    t.push(value);
}

/// Pops where to, where from and how much, in the order they were pushed, 64 bits wide. What is copied within both is counted as the
/// narrower counts.
pub(super) fn pop_ranges(t: &mut FuncTranslator<'_>, to64: bool, from64: bool) -> (Value, Value, Value) {
    let len = pop_index(t, to64 && from64);
    let from = pop_index(t, from64);
    (pop_index(t, to64), from, len)
}
