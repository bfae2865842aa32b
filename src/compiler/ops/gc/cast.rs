//! Tests of types and casts, and conversions between external and internal references.
//!
//! A type that no other is declared a supertype of can only be itself: its number is compared. Otherwise what has another number
//! matches if its type's record has the wanted type at the place of that type's depth.

use super::{address, flags};
use crate::abi::{DISPLAY, Libcall, TYPE_SHIFT, VMFuncRef, VMTypeRecord, type_kind};
use crate::compiler::ops::memory::index;
use crate::compiler::translate::FuncTranslator;
use crate::compiler::translate::stack::FrameKind;
use crate::module;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;

pub(crate) fn ref_test(t: &mut FuncTranslator<'_>, nullable: bool, heap: wasmparser::HeapType) -> Result<()> {
    let heap = module::heap_type(t.env.module, heap)?;
    let value = t.pop();
    let (yes, no, done) = (t.builder.create_block(), t.builder.create_block(), t.builder.create_block());
    let result = t.builder.append_block_param(done, types::I32);
    branch_on_type(t, value, RefType { nullable, heap }, yes, no);
    for (block, answer) in [(yes, 1), (no, 0)] {
        t.builder.seal_block(block);
        t.builder.switch_to_block(block);
        let answer = t.builder.ins().iconst(types::I32, answer);
        t.builder.ins().jump(done, &[BlockArg::Value(answer)]);
    }
    t.builder.seal_block(done);
    t.builder.switch_to_block(done);
    t.push(result);
    Ok(())
}

pub(crate) fn ref_cast(t: &mut FuncTranslator<'_>, nullable: bool, heap: wasmparser::HeapType) -> Result<()> {
    let heap = module::heap_type(t.env.module, heap)?;
    let value = t.pop();
    let (yes, no) = (t.builder.create_block(), t.builder.create_block());
    branch_on_type(t, value, RefType { nullable, heap }, yes, no);
    t.trap_in(no, TrapCode::CastFailure, yes);
    t.builder.seal_block(yes);
    t.push_ref(value);
    Ok(())
}

pub(crate) fn br_on_cast(t: &mut FuncTranslator<'_>, depth: u32, to: wasmparser::RefType, taken: bool) -> Result<()> {
    let heap = module::heap_type(t.env.module, to.heap_type())?;
    let frame = t.control.label(depth);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    let (jump, next) = (t.builder.create_block(), t.builder.create_block());
    let value = t.stack.top(1)[0];
    let (yes, no) = if taken { (jump, next) } else { (next, jump) };
    branch_on_type(t, value, RefType { nullable: to.is_nullable(), heap }, yes, no);
    t.builder.seal_block(jump);
    t.builder.seal_block(next);
    t.builder.switch_to_block(jump);
    let args: Vec<BlockArg> = t.stack.top(count).iter().map(|&value| BlockArg::Value(value)).collect();
    t.builder.ins().jump(target, &args);
    t.builder.switch_to_block(next);
    Ok(())
}

pub(crate) fn ref_eq(t: &mut FuncTranslator<'_>) {
    let (a, b) = t.pop2();
    let same = t.builder.ins().icmp(IntCC::Equal, a, b);
    let same = t.builder.ins().uextend(types::I32, same);
    t.push(same);
}

/// `any.convert_extern` and `extern.convert_any`: both kinds of references are distances into one heap.
pub(crate) fn convert(t: &mut FuncTranslator<'_>) {
    let value = t.pop();
    t.push_ref(value);
}

/// Ends the current block by going to `yes` if a reference is of a type, else to `no`.
fn branch_on_type(t: &mut FuncTranslator<'_>, value: Value, ty: RefType, yes: Block, no: Block) {
    if t.tested.is_none_or(|tested| tested.is_nullable()) {
        let there = t.builder.create_block();
        let null = if ty.nullable { yes } else { no };
        t.builder.ins().brif(value, there, &[], null, &[]);
        t.builder.seal_block(there);
        t.builder.switch_to_block(there);
    }
    match ty.heap {
        heap if heap == heap.top() => jump(t, yes),
        HeapType::None | HeapType::NoFunc | HeapType::NoExtern | HeapType::NoExn => jump(t, no),
        HeapType::Concrete { kind: CompositeKind::Func, ty: TypeUse::Index(ty) } => {
            let flags = MemFlagsData::trusted().with_readonly();
            let given = t.builder.ins().load(types::I32, flags, value, offset_of!(VMFuncRef, type_id) as i32);
            branch_on_number(t, given, ty, yes, no);
        }
        heap => {
            let i31 = if matches!(heap, HeapType::Eq | HeapType::I31) { yes } else { no };
            if heap == HeapType::I31 {
                let bit = t.builder.ins().band_imm_u(value, 1);
                t.builder.ins().brif(bit, yes, &[], no, &[]);
                return;
            }
            if t.tested.is_none_or(may_be_i31) {
                let bit = t.builder.ins().band_imm_u(value, 1);
                let object = t.builder.create_block();
                t.builder.ins().brif(bit, i31, &[], object, &[]);
                t.builder.seal_block(object);
                t.builder.switch_to_block(object);
            }
            let (addr, flags) = (address(t, value), flags(t, TrapCode::NullStructureReference));
            let header = t.builder.ins().load(types::I32, flags, addr, 0);
            let given = t.builder.ins().ushr_imm_u(header, i64::from(TYPE_SHIFT));
            match heap {
                HeapType::Concrete { ty: TypeUse::Index(ty), .. } => branch_on_number(t, given, ty, yes, no),
                _ => branch_on_kind(t, given, heap, yes, no),
            }
        }
    }
}

/// Whether a reference of a type may be an i31: not if it is one of structures or arrays.
fn may_be_i31(ty: wasmparser::RefType) -> bool {
    use wasmparser::AbstractHeapType::{Array, Struct};
    use wasmparser::HeapType::{Abstract, Concrete, Exact};
    !matches!(ty.heap_type(), Abstract { ty: Struct | Array, .. } | Concrete(_) | Exact(_))
}

fn jump(t: &mut FuncTranslator<'_>, target: Block) {
    t.builder.ins().jump(target, &[]);
}

/// Where the record of a type lies.
fn record(t: &mut FuncTranslator<'_>, number: Value) -> Value {
    let records = t.env.type_records(&mut t.builder);
    let number = t.builder.ins().uextend(types::I64, number);
    let offset = t.builder.ins().ishl_imm_u(number, i64::from(size_of::<VMTypeRecord>().trailing_zeros()));
    t.builder.ins().iadd(records, offset)
}

/// Goes by whether the type of an object, by its number, is one of all structures, arrays, or both.
fn branch_on_kind(t: &mut FuncTranslator<'_>, given: Value, heap: HeapType, yes: Block, no: Block) {
    let record = record(t, given);
    let flags = flags(t, TrapCode::NullStructureReference);
    let kind = t.builder.ins().load(types::I32, flags, record, offset_of!(VMTypeRecord, kind) as i32);
    let answer = match heap {
        HeapType::Struct => t.builder.ins().icmp_imm_u(IntCC::Equal, kind, i64::from(type_kind::STRUCT)),
        HeapType::Array => t.builder.ins().icmp_imm_u(IntCC::Equal, kind, i64::from(type_kind::ARRAY)),
        // Everything but what is the host's.
        _ => t.builder.ins().icmp_imm_u(IntCC::NotEqual, kind, 0),
    };
    t.builder.ins().brif(answer, yes, &[], no, &[]);
}

/// Goes by whether a type, by its number, is a type of the module or a subtype of it.
pub(crate) fn branch_on_number(t: &mut FuncTranslator<'_>, given: Value, ty: TypeIndex, yes: Block, no: Block) {
    let wanted = t.env.type_id(&mut t.builder, ty);
    let same = t.builder.ins().icmp(IntCC::Equal, given, wanted);
    if t.env.module.types[ty].is_final {
        t.builder.ins().brif(same, yes, &[], no, &[]);
        return;
    }
    let other = t.builder.create_block();
    t.builder.ins().brif(same, yes, &[], other, &[]);
    t.builder.seal_block(other);
    t.builder.switch_to_block(other);
    let answer = match t.env.type_depth(ty) {
        depth if depth < DISPLAY => {
            let record = record(t, given);
            let flags = flags(t, TrapCode::NullStructureReference);
            let offset = offset_of!(VMTypeRecord, display) + depth * size_of::<u32>();
            let found = t.builder.ins().load(types::I32, flags, record, offset as i32);
            let wanted = t.builder.ins().iadd_imm_u(wanted, 1);
            t.builder.ins().icmp(IntCC::Equal, found, wanted)
        }
        _ => {
            let wanted = index(t, ty.as_u32());
            t.libcall(Libcall::type_matches, &[given, wanted]).expect("type_matches has a result")
        }
    };
    t.builder.ins().brif(answer, yes, &[], no, &[]);
}

const _: () = assert!(size_of::<VMTypeRecord>().is_power_of_two());
