//! Structures and arrays: what compiled code does not do itself.

use crate::abi::{Content, VMFuncRef};
use crate::module::ElemItems;
use crate::types::{CompositeType, DataIndex, ElemIndex, FieldType, TagIndex, TrapCode, TypeId, TypeIndex};
use crate::vm::instance::Instance;
use crate::vm::instance::const_eval::evaluate_bits;
use crate::vm::libcalls::{Caller, Outcome};
use crate::vm::store::Store;
use crate::vm::types::DefinedType;
use std::ops::Range;

fn in_bounds(start: u32, length: u32, all: u64, code: TrapCode) -> Result<Range<usize>, TrapCode> {
    let end = u64::from(start) + u64::from(length);
    if end <= all { Ok(start as usize..end as usize) } else { Err(code) }
}

fn defined(caller: &Caller, ty: u32) -> DefinedType {
    caller.instance().compiled().defined(TypeIndex::from_u32(ty)).clone()
}

/// An array type of the caller's module, and its elements.
fn array_type(caller: &Caller, ty: u32) -> Result<(TypeId, FieldType), TrapCode> {
    let ty = defined(caller, ty);
    match ty.sub_type().composite {
        CompositeType::Array(element) => Ok((ty.id(), element)),
        CompositeType::Func(_) | CompositeType::Struct(_) => Err(TrapCode::CastFailure),
    }
}

pub fn struct_new(caller: &Caller, ty: u32, size: u32) -> Outcome {
    let instance = caller.instance();
    Ok(instance.store().allocate_struct(defined(caller, ty).id(), size)?.into())
}

pub fn array_new(caller: &Caller, ty: u32, length: u32, zeroed: u32) -> Outcome {
    let (ty, element) = array_type(caller, ty)?;
    Ok(caller.instance().store().allocate_array(ty, element, length, zeroed != 0)?.into())
}

/// The bytes of a data segment.
fn data(instance: &Instance, segment: u32) -> &[u8] {
    let segment = DataIndex::from_u32(segment);
    if instance.data_dropped(segment) { &[] } else { instance.module().data(segment) }
}

pub fn array_new_data(caller: &Caller, ty: u32, segment: u32, src: u32, length: u32) -> Outcome {
    let instance = caller.instance();
    let (ty, element) = array_type(caller, ty)?;
    let shift = crate::abi::storage_size(element.storage).trailing_zeros();
    let bytes = data(instance, segment);
    let range = data_range(bytes, src, length, shift)?;
    let array = instance.store().allocate_array(ty, element, length, false)?;
    copy_bytes(instance.store(), Store::element(array, 0, shift), &bytes[range]);
    Ok(array.into())
}

/// The part of a data segment that so many elements are made of.
fn data_range(bytes: &[u8], src: u32, length: u32, shift: u32) -> Result<Range<usize>, TrapCode> {
    let end = u64::from(src) + (u64::from(length) << shift);
    if end <= bytes.len() as u64 { Ok(src as usize..end as usize) } else { Err(TrapCode::MemoryOutOfBounds) }
}

fn copy_bytes(store: &Store, place: u32, bytes: &[u8]) {
    // SAFETY: within an array of so many bytes, which nothing else accesses now.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), store.heap_bytes(place), bytes.len()) };
}

pub fn array_init_data(caller: &Caller, array: u32, dst: u32, segment: u32, src: u32, length: u32) -> Outcome {
    let instance = caller.instance();
    let (all, shift, _) = instance.store().array(array).ok_or(TrapCode::NullArrayReference)?;
    in_bounds(dst, length, all.into(), TrapCode::ArrayOutOfBounds)?;
    let bytes = data(instance, segment);
    let range = data_range(bytes, src, length, shift)?;
    copy_bytes(instance.store(), Store::element(array, dst, shift), &bytes[range]);
    Ok(0)
}

/// A part of an element segment, as bits of references. Nothing is collected while they are there.
fn elements(instance: &Instance, segment: u32, src: u32, length: u32) -> Result<Vec<u64>, TrapCode> {
    let segment = ElemIndex::from_u32(segment);
    let items = &instance.module().elems[segment].items;
    let all = if instance.elem_dropped(segment) { 0 } else { items.len() as u64 };
    let range = in_bounds(src, length, all, TrapCode::TableOutOfBounds)?;
    range.map(|position| element(instance, segment, items, position)).collect()
}

/// The bits of an item of an element segment that has not been dropped.
pub(in crate::vm) fn element(
    instance: &Instance,
    segment: ElemIndex,
    items: &ElemItems,
    position: usize,
) -> Result<u64, TrapCode> {
    if let Some(bits) = instance.evaluated_elem(segment, position) {
        return Ok(bits);
    }
    match items {
        ElemItems::Funcs(funcs) => {
            Ok(funcs.get(position).and_then(|func| instance.func_ref(func)).map_or(0, |func| func as u64))
        }
        ElemItems::Exprs(exprs) => evaluate_bits(instance, &exprs[position]),
    }
}

pub fn array_new_elem(caller: &Caller, ty: u32, segment: u32, src: u32, length: u32) -> Outcome {
    let instance = caller.instance();
    let (ty, element) = array_type(caller, ty)?;
    // Checked before anything is allocated, and read afterwards: what is evaluated may not be collected.
    let items = &instance.module().elems[ElemIndex::from_u32(segment)].items;
    let all = if instance.elem_dropped(ElemIndex::from_u32(segment)) { 0 } else { items.len() as u64 };
    in_bounds(src, length, all, TrapCode::TableOutOfBounds)?;
    let array = instance.store().allocate_array(ty, element, length, true)?;
    write_elements(caller, array, 0, segment, src, length)?;
    Ok(array.into())
}

pub fn array_init_elem(caller: &Caller, array: u32, dst: u32, segment: u32, src: u32, length: u32) -> Outcome {
    let (all, ..) = caller.instance().store().array(array).ok_or(TrapCode::NullArrayReference)?;
    in_bounds(dst, length, all.into(), TrapCode::ArrayOutOfBounds)?;
    write_elements(caller, array, dst, segment, src, length)?;
    Ok(0)
}

fn write_elements(caller: &Caller, array: u32, dst: u32, segment: u32, src: u32, length: u32) -> Result<(), TrapCode> {
    let instance = caller.instance();
    let store = instance.store();
    let (_, shift, content) = store.array(array).ok_or(TrapCode::NullArrayReference)?;
    for (bits, index) in elements(instance, segment, src, length)?.into_iter().zip(dst..) {
        let bits = match content {
            Content::Funcs => store.heap_func(bits as usize as *mut VMFuncRef)?,
            Content::References | Content::Numbers => bits as u32,
        };
        copy_bytes(store, Store::element(array, index, shift), &bits.to_le_bytes());
    }
    Ok(())
}

pub fn array_copy(caller: &Caller, dst_array: u32, dst: u32, src_array: u32, src: u32, length: u32) -> Outcome {
    let store = caller.instance().store();
    let (to, shift, _) = store.array(dst_array).ok_or(TrapCode::NullArrayReference)?;
    let (from, ..) = store.array(src_array).ok_or(TrapCode::NullArrayReference)?;
    in_bounds(dst, length, to.into(), TrapCode::ArrayOutOfBounds)?;
    in_bounds(src, length, from.into(), TrapCode::ArrayOutOfBounds)?;
    let source = store.heap_bytes(Store::element(src_array, src, shift));
    let target = store.heap_bytes(Store::element(dst_array, dst, shift));
    // SAFETY: both ranges are in bounds of arrays, whose elements validation has found to be of one size; they may overlap.
    unsafe { std::ptr::copy(source, target, (length as usize) << shift) };
    Ok(0)
}

pub fn heap_func(caller: &Caller, func: u64) -> Outcome {
    Ok(caller.instance().store().heap_func(func as usize as *mut VMFuncRef)?.into())
}

pub fn type_matches(caller: &Caller, given: u32, wanted: u32) -> Outcome {
    let wanted = defined(caller, wanted).id();
    Ok(DefinedType::get(TypeId(given)).is_some_and(|given| given.matches(wanted)).into())
}

pub fn exception_new(caller: &Caller, tag: u32, size: u32) -> Outcome {
    let instance = caller.instance();
    let ty = instance.compiled().exception_type(TagIndex::from_u32(tag)).id();
    Ok(instance.store().allocate_exception(ty, size)?.into())
}

pub fn heap_tag(caller: &Caller, tag: u32) -> Outcome {
    let instance = caller.instance();
    // SAFETY: a tag of a running instance is live.
    Ok(unsafe { instance.store().heap_tag(instance.tag(TagIndex::from_u32(tag))) }?.into())
}

pub fn throw(caller: &Caller, exception: u32) -> Outcome {
    caller.note_exception(exception);
    Err(TrapCode::Exception)
}
