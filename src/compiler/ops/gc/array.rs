//! Arrays.

use super::structure::allocate_inline;
use super::{address, check_null, flags, load, store, stored};
use crate::abi::{ARRAY_LENGTH, HEAP_HEADER, LARGEST_INLINE, Libcall, storage_size};
use crate::compiler::ops::memory::index;
use crate::compiler::translate::FuncTranslator;
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};

/// Why an access to an array traps where there is none.
const NULL: TrapCode = TrapCode::NullArrayReference;

/// The elements of an array type, which validation has found to be one.
fn element(t: &FuncTranslator<'_>, ty: u32) -> StorageType {
    t.env.array_element(TypeIndex::from_u32(ty)).map_or(StorageType::I8, |element| element.storage)
}

/// How far an index is shifted to be a distance.
fn shift(storage: StorageType) -> u32 {
    storage_size(storage).trailing_zeros()
}

pub(crate) fn array_new(t: &mut FuncTranslator<'_>, ty: u32) {
    let storage = element(t, ty);
    let (value, length) = t.pop2();
    let array = allocate(t, ty, length, false);
    // Nothing is collected until all elements are written.
    let kept = stored(t, storage, value);
    fill(t, storage, array, None, length, kept);
    t.push_ref(array);
}

pub(crate) fn array_new_default(t: &mut FuncTranslator<'_>, ty: u32) {
    let length = t.pop();
    let array = allocate(t, ty, length, true);
    t.push_ref(array);
}

pub(crate) fn array_new_fixed(t: &mut FuncTranslator<'_>, ty: u32, count: u32) {
    let storage = element(t, ty);
    let length = t.builder.ins().iconst(types::I32, i64::from(count));
    let array = allocate(t, ty, length, false);
    let values: Vec<Value> = t.stack.top(count as usize).to_vec();
    t.stack.truncate(t.stack.len() - count as usize);
    let (addr, flags) = (address(t, array), flags(t, NULL));
    for (position, value) in values.into_iter().enumerate() {
        let value = stored(t, storage, value);
        let offset = HEAP_HEADER + ((position as u32) << shift(storage));
        store(t, storage, flags, value, addr, offset as i32);
    }
    t.push_ref(array);
}

/// Allocates an array; its elements are zero or null if `zeroed`, else they are to be written before anything else happens.
fn allocate(t: &mut FuncTranslator<'_>, ty: u32, length: Value, zeroed: bool) -> Value {
    let storage = element(t, ty);
    let type_id = t.env.type_id(&mut t.builder, TypeIndex::from_u32(ty));
    let most = (LARGEST_INLINE - HEAP_HEADER) >> shift(storage);
    let fits = t.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, length, i64::from(most));
    // Only used if the length is that small.
    let bytes = t.builder.ins().ishl_imm_u(length, i64::from(shift(storage)));
    let size = t.builder.ins().iadd_imm_u(bytes, i64::from(HEAP_HEADER + 7));
    let size = t.builder.ins().band_imm_s(size, -8);
    let slow = |t: &mut FuncTranslator<'_>| {
        let (ty, zeroed) = (index(t, ty), index(t, zeroed.into()));
        t.libcall(Libcall::array_new, &[ty, length, zeroed]).expect("array_new has a result")
    };
    allocate_inline(t, (type_id, 0), length, size, Some((fits, zeroed)), slow)
}

/// Writes a value as it is kept to `length` elements, from `start` on, which are in bounds.
fn fill(
    t: &mut FuncTranslator<'_>,
    storage: StorageType,
    array: Value,
    start: Option<Value>,
    length: Value,
    value: Value,
) {
    let scale = |t: &mut FuncTranslator<'_>, index: Value| {
        let wide = t.builder.ins().uextend(types::I64, index);
        t.builder.ins().ishl_imm_u(wide, i64::from(shift(storage)))
    };
    let mut addr = address(t, array);
    if let Some(start) = start {
        let distance = scale(t, start);
        addr = t.builder.ins().iadd(addr, distance);
    }
    let distance = scale(t, length);
    let end = t.builder.ins().iadd(addr, distance);
    let (header, body, done) = (t.builder.create_block(), t.builder.create_block(), t.builder.create_block());
    let place = t.builder.append_block_param(header, types::I64);
    t.builder.ins().jump(header, &[BlockArg::Value(addr)]);
    t.builder.switch_to_block(header);
    let more = t.builder.ins().icmp(IntCC::UnsignedLessThan, place, end);
    t.builder.ins().brif(more, body, &[], done, &[]);
    t.builder.seal_block(body);
    t.builder.seal_block(done);
    t.builder.switch_to_block(body);
    let flags = flags(t, NULL);
    store(t, storage, flags, value, place, HEAP_HEADER as i32);
    let next = t.builder.ins().iadd_imm_u(place, i64::from(storage_size(storage)));
    t.builder.ins().jump(header, &[BlockArg::Value(next)]);
    t.builder.seal_block(header);
    t.builder.switch_to_block(done);
}

/// The length of an array; traps if it is null.
fn length(t: &mut FuncTranslator<'_>, array: Value) -> Value {
    check_null(t, array, ARRAY_LENGTH as u32, NULL);
    let (addr, flags) = (address(t, array), flags(t, NULL));
    t.builder.ins().load(types::I32, flags, addr, ARRAY_LENGTH)
}

pub(crate) fn array_len(t: &mut FuncTranslator<'_>) {
    let array = t.pop();
    let length = length(t, array);
    t.push(length);
}

/// Where an element lies, less the header; traps if there is none. The distance is counted in 32 bits, so that it stays in the heap
/// whatever the length is.
fn element_address(t: &mut FuncTranslator<'_>, storage: StorageType, array: Value, index: Value) -> Value {
    let length = length(t, array);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
    t.trapnz(outside, TrapCode::ArrayOutOfBounds);
    let distance = t.builder.ins().ishl_imm_u(index, i64::from(shift(storage)));
    let element = t.builder.ins().iadd(array, distance);
    address(t, element)
}

pub(crate) fn array_get(t: &mut FuncTranslator<'_>, ty: u32, signed: bool) {
    let storage = element(t, ty);
    let (array, index) = t.pop2();
    let addr = element_address(t, storage, array, index);
    let flags = flags(t, NULL);
    load(t, storage, signed, flags, addr, HEAP_HEADER as i32);
}

pub(crate) fn array_set(t: &mut FuncTranslator<'_>, ty: u32) {
    let storage = element(t, ty);
    let value = t.pop();
    let (array, index) = t.pop2();
    let addr = element_address(t, storage, array, index);
    let value = stored(t, storage, value);
    let flags = flags(t, NULL);
    store(t, storage, flags, value, addr, HEAP_HEADER as i32);
}

pub(crate) fn array_fill(t: &mut FuncTranslator<'_>, ty: u32) {
    let storage = element(t, ty);
    let count = t.pop();
    let value = t.pop();
    let (array, start) = t.pop2();
    let length = length(t, array);
    let wide = |t: &mut FuncTranslator<'_>, value| t.builder.ins().uextend(types::I64, value);
    let (from, more, all) = (wide(t, start), wide(t, count), wide(t, length));
    let end = t.builder.ins().iadd(from, more);
    let outside = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, all);
    t.trapnz(outside, TrapCode::ArrayOutOfBounds);
    let value = stored(t, storage, value);
    fill(t, storage, array, Some(start), count, value);
}

pub(crate) fn array_copy(t: &mut FuncTranslator<'_>) {
    let length = t.pop();
    let (src_array, src) = t.pop2();
    let (dst_array, dst) = t.pop2();
    t.trapz(dst_array, NULL);
    t.trapz(src_array, NULL);
    t.libcall(Libcall::array_copy, &[dst_array, dst, src_array, src, length]);
}

pub(crate) fn array_new_data(t: &mut FuncTranslator<'_>, ty: u32, data: u32) {
    new_from(t, Libcall::array_new_data, ty, data);
}

pub(crate) fn array_new_elem(t: &mut FuncTranslator<'_>, ty: u32, elem: u32) {
    new_from(t, Libcall::array_new_elem, ty, elem);
}

/// A new array with the content of a segment.
fn new_from(t: &mut FuncTranslator<'_>, libcall: Libcall, ty: u32, segment: u32) {
    let (src, length) = t.pop2();
    let (ty, segment) = (index(t, ty), index(t, segment));
    let array = t.libcall(libcall, &[ty, segment, src, length]).expect("the libcall has a result");
    let array = t.builder.ins().ireduce(types::I32, array);
    t.push_ref(array);
}

pub(crate) fn array_init_data(t: &mut FuncTranslator<'_>, data: u32) {
    init_from(t, Libcall::array_init_data, data);
}

pub(crate) fn array_init_elem(t: &mut FuncTranslator<'_>, elem: u32) {
    init_from(t, Libcall::array_init_elem, elem);
}

/// Writes a part of a segment to elements.
fn init_from(t: &mut FuncTranslator<'_>, libcall: Libcall, segment: u32) {
    let (src, length) = t.pop2();
    let (array, dst) = t.pop2();
    t.trapz(array, NULL);
    let segment = index(t, segment);
    t.libcall(libcall, &[array, dst, segment, src, length]);
}
