//! Structures.

use super::{address, check_null, flags, load, store, stored};
use crate::abi::{HEAP_HEADER, LARGEST_INLINE, Libcall, TYPE_SHIFT, VMHeap, VMStoreContext};
use crate::compiler::env::Region;
use crate::compiler::ops::memory::index;
use crate::compiler::translate::FuncTranslator;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;

/// Why an access to a structure traps.
const NULL: TrapCode = TrapCode::NullStructureReference;

pub(crate) fn struct_new(t: &mut FuncTranslator<'_>, ty: u32) {
    let ty = TypeIndex::from_u32(ty);
    let layout = t.env.struct_layout(ty);
    let count = layout.fields.len();
    let object = allocate(t, ty, layout.size);
    let values: Vec<Value> = t.stack.top(count).to_vec();
    t.stack.truncate(t.stack.len() - count);
    let (addr, flags) = (address(t, object), flags(t, NULL));
    // Nothing is collected until all of them are written.
    for ((value, field), &offset) in values.into_iter().zip(&layout.fields).zip(&layout.offsets) {
        let value = stored(t, field.storage, value);
        store(t, field.storage, flags, value, addr, offset as i32);
    }
    t.push_ref(object);
}

pub(crate) fn struct_new_default(t: &mut FuncTranslator<'_>, ty: u32) {
    let ty = TypeIndex::from_u32(ty);
    let layout = t.env.struct_layout(ty);
    let object = allocate(t, ty, layout.size);
    let (addr, flags) = (address(t, object), flags(t, NULL));
    for (field, &offset) in layout.fields.iter().zip(&layout.offsets) {
        let zero = zero(t, field.storage);
        store(t, field.storage, flags, zero, addr, offset as i32);
    }
    t.push_ref(object);
}

/// What a field or element is by default, as it is kept.
fn zero(t: &mut FuncTranslator<'_>, storage: StorageType) -> Value {
    match storage {
        StorageType::I8 | StorageType::I16 | StorageType::Val(ValType::Ref(_)) => t.builder.ins().iconst(types::I32, 0),
        StorageType::Val(ty) => t.zero(ty),
    }
}

/// Allocates an object and writes its header: here, or by a libcall where there is no room.
fn allocate(t: &mut FuncTranslator<'_>, ty: TypeIndex, size: u32) -> Value {
    let wanted = t.env.type_id(&mut t.builder, ty);
    let room = t.builder.ins().iconst(types::I32, i64::from(size));
    if size > LARGEST_INLINE {
        let ty = index(t, ty.as_u32());
        let object = t.libcall(Libcall::struct_new, &[ty, room]).expect("struct_new has a result");
        return t.builder.ins().ireduce(types::I32, object);
    }
    let slow = |t: &mut FuncTranslator<'_>| {
        let ty = index(t, ty.as_u32());
        t.libcall(Libcall::struct_new, &[ty, room]).expect("struct_new has a result")
    };
    let no_length = t.builder.ins().iconst(types::I32, 0);
    allocate_inline(t, (wanted, 0), no_length, room, None, slow)
}

/// Allocates `size` bytes, a multiple of 8 of at most [`LARGEST_INLINE`], from the room that the store's context has, and writes the
/// header, with the collector's `bits`; `slow` does both where there is no room. For arrays, `variable` says whether the size is that small, and whether what is
/// behind the header is to be made zero, as `slow` does it too.
pub(crate) fn allocate_inline<'a>(
    t: &mut FuncTranslator<'a>,
    (type_id, bits): (Value, u32),
    length: Value,
    size: Value,
    variable: Option<(Value, bool)>,
    slow: impl FnOnce(&mut FuncTranslator<'a>) -> Value,
) -> Value {
    let (fast, full, done) = (t.builder.create_block(), t.builder.create_block(), t.builder.create_block());
    t.builder.set_cold_block(full);
    let result = t.builder.append_block_param(done, types::I32);
    let store = t.env.store(&mut t.builder);
    let flags = t.env.flags(&mut t.builder, Region::Objects);
    let place = (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, alloc)) as i32;
    if let Some((fits, _)) = variable {
        let next = t.builder.create_block();
        t.builder.ins().brif(fits, next, &[], full, &[]);
        t.builder.seal_block(next);
        t.builder.switch_to_block(next);
    }
    let start = t.builder.ins().load(types::I32, flags, store, place);
    let end = t.builder.ins().load(
        types::I32,
        flags,
        store,
        (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, alloc_end)) as i32,
    );
    let room = t.builder.ins().isub(end, start);
    let enough = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, room, size);
    t.builder.ins().brif(enough, fast, &[], full, &[]);
    t.builder.seal_block(fast);
    t.builder.seal_block(full);
    t.builder.switch_to_block(fast);
    let next = t.builder.ins().iadd(start, size);
    t.builder.ins().store(flags, next, store, place);
    let addr = address(t, start);
    let header = t.builder.ins().ishl_imm_u(type_id, i64::from(TYPE_SHIFT));
    let header = if bits == 0 { header } else { t.builder.ins().bor_imm_u(header, i64::from(bits)) };
    let new = super::flags(t, NULL);
    t.builder.ins().store(new, header, addr, 0);
    t.builder.ins().store(new, length, addr, 4);
    if let Some((_, true)) = variable {
        make_zero(t, addr, size, new);
    }
    t.builder.ins().jump(done, &[BlockArg::Value(start)]);
    t.builder.switch_to_block(full);
    let object = slow(t);
    let object = t.builder.ins().ireduce(types::I32, object);
    t.builder.ins().jump(done, &[BlockArg::Value(object)]);
    t.builder.seal_block(done);
    t.builder.switch_to_block(done);
    result
}

/// Makes the bytes behind the header of an object zero, eight at a time.
fn make_zero(t: &mut FuncTranslator<'_>, addr: Value, size: Value, flags: MemFlagsData) {
    let size = t.builder.ins().uextend(types::I64, size);
    let end = t.builder.ins().iadd(addr, size);
    let (header, body, done) = (t.builder.create_block(), t.builder.create_block(), t.builder.create_block());
    let place = t.builder.append_block_param(header, types::I64);
    let first = t.builder.ins().iadd_imm_u(addr, i64::from(HEAP_HEADER));
    t.builder.ins().jump(header, &[BlockArg::Value(first)]);
    t.builder.switch_to_block(header);
    let more = t.builder.ins().icmp(IntCC::UnsignedLessThan, place, end);
    t.builder.ins().brif(more, body, &[], done, &[]);
    t.builder.seal_block(body);
    t.builder.seal_block(done);
    t.builder.switch_to_block(body);
    let zero = t.builder.ins().iconst(types::I64, 0);
    t.builder.ins().store(flags, zero, place, 0);
    let next = t.builder.ins().iadd_imm_u(place, 8);
    t.builder.ins().jump(header, &[BlockArg::Value(next)]);
    t.builder.seal_block(header);
    t.builder.switch_to_block(done);
}

pub(crate) fn struct_get(t: &mut FuncTranslator<'_>, ty: u32, field: u32, signed: bool) {
    let layout = t.env.struct_layout(TypeIndex::from_u32(ty));
    let (storage, offset) = (layout.fields[field as usize].storage, layout.offsets[field as usize]);
    let object = t.pop();
    check_null(t, object, offset, NULL);
    let (addr, flags) = (address(t, object), flags(t, NULL));
    load(t, storage, signed, flags, addr, offset as i32);
}

pub(crate) fn struct_set(t: &mut FuncTranslator<'_>, ty: u32, field: u32) {
    let layout = t.env.struct_layout(TypeIndex::from_u32(ty));
    let (storage, offset) = (layout.fields[field as usize].storage, layout.offsets[field as usize]);
    let (object, value) = t.pop2();
    check_null(t, object, offset, NULL);
    let value = stored(t, storage, value);
    let (addr, flags) = (address(t, object), flags(t, NULL));
    store(t, storage, flags, value, addr, offset as i32);
}
