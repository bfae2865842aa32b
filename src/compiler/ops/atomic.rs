//! Atomic memory instructions (proposal "Threads"). Addresses come from `src/compiler/translate/bounds.rs`.
//!
//! All are sequentially consistent. In a memory that is not shared nobody else looks, so ordinary accesses do the same for less.

use super::memory::{index, pop_index};
use crate::abi::Libcall;
use crate::compiler::translate::FuncTranslator;
use crate::compiler::translate::bounds::{self, HeapAddr};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Type, Value, types};
use wasmparser::MemArg;

/// Where an atomic access is made.
struct Place {
    addr: Value,
    flags: MemFlagsData,
    shared: bool,
}

/// Pops an index; the checked address of a value of type `access`, which is aligned.
fn pop_place(t: &mut FuncTranslator<'_>, memarg: &MemArg, access: Type) -> Place {
    let index = t.pop();
    let size = access.bytes();
    if size > 1 {
        // A sum that wraps has the same lowest bits.
        let low = t.builder.ins().iadd_imm_u(index, (memarg.offset & u64::from(size - 1)) as i64);
        let low = t.builder.ins().band_imm_u(low, i64::from(size - 1));
        t.trapnz(low, TrapCode::UnalignedAtomic);
    }
    let HeapAddr { addr, offset, flags } = bounds::heap_addr(t, memarg, index, size as u8);
    let addr = if offset == 0 { addr } else { t.builder.ins().iadd_imm_s(addr, i64::from(offset)) };
    Place { addr, flags, shared: t.env.module.memories[bounds::memory_of(memarg)].shared }
}

/// The low bits of an operand, as many as `access` has.
fn narrow(t: &mut FuncTranslator<'_>, value: Value, access: Type) -> Value {
    if t.value_type(value) == access { value } else { t.builder.ins().ireduce(access, value) }
}

/// Pushes what was read, extended with zeros to `ty`.
fn push_extended(t: &mut FuncTranslator<'_>, value: Value, ty: Type) {
    let value = if t.value_type(value) == ty { value } else { t.builder.ins().uextend(ty, value) };
    t.push(value);
}

/// A load of a value of type `access`, extended with zeros to `ty`.
pub(crate) fn load(t: &mut FuncTranslator<'_>, memarg: &MemArg, access: Type, ty: Type) {
    let Place { addr, flags, shared } = pop_place(t, memarg, access);
    let value = match shared {
        true => t.builder.ins().atomic_load(access, flags, addr),
        false => t.builder.ins().load(access, flags, addr, 0),
    };
    push_extended(t, value, ty);
}

/// A store of the low bits of the operand.
pub(crate) fn store(t: &mut FuncTranslator<'_>, memarg: &MemArg, access: Type) {
    let value = t.pop();
    let value = narrow(t, value, access);
    let Place { addr, flags, shared } = pop_place(t, memarg, access);
    if shared {
        // An exchange: Cranelift's `atomic_store` is a store and a full fence, which takes twice as long.
        t.builder.ins().atomic_rmw(access, flags, AtomicRmwOp::Xchg, addr, value);
    } else {
        t.builder.ins().store(flags, value, addr, 0);
    }
}

/// A read, modification and write of a value of type `access`; the old value, extended with zeros to `ty`.
pub(crate) fn rmw(t: &mut FuncTranslator<'_>, memarg: &MemArg, op: AtomicRmwOp, access: Type, ty: Type) {
    let value = t.pop();
    let value = narrow(t, value, access);
    let Place { addr, flags, shared } = pop_place(t, memarg, access);
    let old = if shared {
        t.builder.ins().atomic_rmw(access, flags, op, addr, value)
    } else {
        let old = t.builder.ins().load(access, flags, addr, 0);
        let ins = t.builder.ins();
        let new = match op {
            AtomicRmwOp::Add => ins.iadd(old, value),
            AtomicRmwOp::Sub => ins.isub(old, value),
            AtomicRmwOp::And => ins.band(old, value),
            AtomicRmwOp::Or => ins.bor(old, value),
            AtomicRmwOp::Xor => ins.bxor(old, value),
            // There is no other instruction.
            _ => value,
        };
        t.builder.ins().store(flags, new, addr, 0);
        old
    };
    push_extended(t, old, ty);
}

/// A comparison with the low bits of an operand, and an exchange where they are equal; the old value, extended with zeros to `ty`.
pub(crate) fn cmpxchg(t: &mut FuncTranslator<'_>, memarg: &MemArg, access: Type, ty: Type) {
    let (expected, new) = t.pop2();
    let (expected, new) = (narrow(t, expected, access), narrow(t, new, access));
    let Place { addr, flags, shared } = pop_place(t, memarg, access);
    let old = if shared {
        t.builder.ins().atomic_cas(flags, addr, expected, new)
    } else {
        let old = t.builder.ins().load(access, flags, addr, 0);
        let equal = t.builder.ins().icmp(IntCC::Equal, old, expected);
        let new = t.builder.ins().select(equal, new, old);
        t.builder.ins().store(flags, new, addr, 0);
        old
    };
    push_extended(t, old, ty);
}

/// `atomic.fence`: orders accesses to shared memories, if there are any.
pub(crate) fn fence(t: &mut FuncTranslator<'_>) {
    if t.env.module.memories.values().any(|memory| memory.shared) {
        t.builder.ins().fence();
    }
}

/// What the libcalls get of an address, of which the index is popped: memory, index, offset.
fn pop_address(t: &mut FuncTranslator<'_>, memarg: &MemArg) -> [Value; 3] {
    let memory = bounds::memory_of(memarg);
    let at = pop_index(t, t.env.module.memories[memory].index64);
    let memory = index(t, memory.as_u32());
    [memory, at, t.builder.ins().iconst(types::I64, memarg.offset as i64)]
}

pub(crate) fn notify(t: &mut FuncTranslator<'_>, memarg: &MemArg) {
    let count = t.pop();
    let [memory, at, offset] = pop_address(t, memarg);
    push_low_half(t, Libcall::memory_notify, &[memory, at, offset, count]);
}

/// `memory.atomic.wait32` and `wait64`, by the libcall.
pub(crate) fn wait(t: &mut FuncTranslator<'_>, memarg: &MemArg, libcall: Libcall) {
    let (expected, timeout) = t.pop2();
    let [memory, at, offset] = pop_address(t, memarg);
    push_low_half(t, libcall, &[memory, at, offset, expected, timeout]);
}

/// Pushes the i32 that a libcall gives as 64 bits.
fn push_low_half(t: &mut FuncTranslator<'_>, libcall: Libcall, args: &[Value]) {
    let result = t.libcall(libcall, args).expect("the libcall has a result");
    let result = t.builder.ins().ireduce(types::I32, result);
    t.push(result);
}
