//! Structures, arrays, i31 and casts (specification, "Aggregate Reference Instructions", "Reference Instructions").
//!
//! A reference is a distance from the start of the heap (`src/abi/heap.rs`). Null leads to where nothing lies, so with signals
//! whoever accesses an object through it faults; offsets that are too large for that, and everything without signals, are checked before.
//!
//! Calls that may collect get no references: those that only such a call needs would be in no stack map. So an object is allocated first, and
//! then filled.

mod array;
mod cast;
mod i31;
mod structure;

pub(crate) use array::*;
pub(crate) use cast::*;
pub(crate) use i31::*;
pub(crate) use structure::*;

use crate::abi::{Content, Libcall, NULL_AREA, VMFuncRef, VMHeap, VMStoreContext, content};
use crate::compiler::env::Region;
use crate::compiler::sig::{self, POINTER};
use crate::compiler::translate::{FuncTranslator, trap_code};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;

/// Where an object lies: an address that fields and elements are added to.
pub(crate) fn address(t: &mut FuncTranslator<'_>, reference: Value) -> Value {
    let heap = t.env.heap(&mut t.builder);
    let reference = t.builder.ins().uextend(types::I64, reference);
    t.builder.ins().iadd(heap, reference)
}

/// Flags of an access to an object, which traps with `code` if the reference is null.
pub(crate) fn flags(t: &mut FuncTranslator<'_>, code: TrapCode) -> MemFlagsData {
    let flags = t.env.flags(&mut t.builder, Region::Objects);
    MemFlagsData::new().with_alias_region(flags.alias_region()).with_trap_code(Some(trap_code(code)))
}

/// Makes sure that an access at an offset of an object traps if the reference is null: it faults, or is checked here.
fn check_null(t: &mut FuncTranslator<'_>, reference: Value, offset: u32, code: TrapCode) {
    /// The largest access.
    const LARGEST: u32 = 16;
    if !t.signals() || offset + LARGEST > NULL_AREA {
        t.trapz(reference, code);
    }
}

/// Loads a field or element, as it is on the operand stack, and pushes it. `signed`: how a packed one is extended.
pub(crate) fn load(
    t: &mut FuncTranslator<'_>,
    storage: StorageType,
    signed: bool,
    flags: MemFlagsData,
    addr: Value,
    offset: i32,
) {
    let ty = match storage {
        StorageType::I8 | StorageType::I16 => {
            let value = match (storage, signed) {
                (StorageType::I8, true) => t.builder.ins().sload8(types::I32, flags, addr, offset),
                (StorageType::I8, false) => t.builder.ins().uload8(types::I32, flags, addr, offset),
                (_, true) => t.builder.ins().sload16(types::I32, flags, addr, offset),
                (_, false) => t.builder.ins().uload16(types::I32, flags, addr, offset),
            };
            return t.push(value);
        }
        StorageType::Val(ty) => ty,
    };
    match content(storage) {
        Content::Numbers => {
            let value = t.builder.ins().load(sig::value_type(ty), flags, addr, offset);
            t.push(value);
        }
        Content::References => {
            let value = t.builder.ins().load(types::I32, flags, addr, offset);
            t.push_ref(value);
        }
        Content::Funcs => {
            let index = t.builder.ins().load(types::I32, flags, addr, offset);
            let func = func_at(t, index);
            t.push_ref(func);
        }
    }
}

/// What is kept of a value in a field or element.
pub(crate) fn stored(t: &mut FuncTranslator<'_>, storage: StorageType, value: Value) -> Value {
    match content(storage) {
        Content::Funcs => index_of_func(t, value),
        Content::Numbers | Content::References => value,
    }
}

/// Stores what [`stored`] gave.
pub(crate) fn store(
    t: &mut FuncTranslator<'_>,
    storage: StorageType,
    flags: MemFlagsData,
    value: Value,
    addr: Value,
    offset: i32,
) {
    match storage {
        StorageType::I8 => t.builder.ins().istore8(flags, value, addr, offset),
        StorageType::I16 => t.builder.ins().istore16(flags, value, addr, offset),
        StorageType::Val(_) => t.builder.ins().store(flags, value, addr, offset),
    };
}

/// The function at a place among those that the heap refers to; null at 0. A place that there is not, which no object has, traps.
fn func_at(t: &mut FuncTranslator<'_>, index: Value) -> Value {
    let store = t.env.store(&mut t.builder);
    let flags = t.env.flags(&mut t.builder, Region::Objects);
    let count = t.builder.ins().load(
        types::I32,
        flags,
        store,
        (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, num_funcs)) as i32,
    );
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, count);
    t.trapnz(outside, TrapCode::TableOutOfBounds);
    let funcs = t.builder.ins().load(
        POINTER,
        flags,
        store,
        (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, funcs)) as i32,
    );
    let index = t.builder.ins().uextend(types::I64, index);
    let offset = t.builder.ins().ishl_imm_u(index, 3);
    let addr = t.builder.ins().iadd(funcs, offset);
    let flags = self::flags(t, TrapCode::NullStructureReference);
    t.builder.ins().load(POINTER, flags, addr, 0)
}

/// The place of a function among those that the heap refers to, which it gets now if it has none; 0 for null.
fn index_of_func(t: &mut FuncTranslator<'_>, func: Value) -> Value {
    let (given, missing, done) = (t.builder.create_block(), t.builder.create_block(), t.builder.create_block());
    let result = t.builder.append_block_param(done, types::I32);
    t.builder.set_cold_block(missing);
    let null = t.builder.ins().iconst(types::I32, 0);
    t.builder.ins().brif(func, given, &[], done, &[BlockArg::Value(null)]);
    t.builder.seal_block(given);
    t.builder.switch_to_block(given);
    let flags = t.env.flags(&mut t.builder, Region::Objects);
    let index = t.builder.ins().load(types::I32, flags, func, offset_of!(VMFuncRef, heap_index) as i32);
    t.builder.ins().brif(index, done, &[BlockArg::Value(index)], missing, &[]);
    t.builder.seal_block(missing);
    t.builder.switch_to_block(missing);
    let index = t.libcall(Libcall::heap_func, &[func]).expect("heap_func has a result");
    let index = t.builder.ins().ireduce(types::I32, index);
    t.builder.ins().jump(done, &[BlockArg::Value(index)]);
    t.builder.seal_block(done);
    t.builder.switch_to_block(done);
    result
}
