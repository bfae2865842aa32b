//! Exceptions as the host makes and reads them. In the heap they are structures whose first field is the place of their tag.

use crate::abi::{VMTag, exception_fields, struct_layout};
use crate::types::{Error, FieldType, Result, TrapCode, ValType};
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::entity::{Handle, store_of};
use crate::vm::store::{Entered, Store};
use crate::vm::tag;
use crate::vm::trap::Trap;
use crate::vm::types::DefinedType;
use crate::vm::val::{self, RawSlot, Val};

fn full(code: TrapCode) -> Error {
    Error::out_of_memory(format!("no room for an exception: {}", code.message()))
}

/// Makes an exception with a tag.
///
/// # Safety
/// The tag is live; each argument is well-formed, as for [`Val::copy`].
pub unsafe fn new(entered: &Entered<'_>, tag: *mut VMTag, args: &[Val]) -> Result<Handle<HeapObject>> {
    let store = entered.store();
    store.collect_if_due();
    // SAFETY: live by the caller's promise.
    if !std::ptr::eq(unsafe { store_of(tag.cast()) }, store) {
        return Err(Error::argument("the tag belongs to another store"));
    }
    // SAFETY: as above.
    let defined = unsafe { tag::ty(tag) };
    let func = defined.sub_type().as_func().ok_or_else(|| Error::argument("a tag of no function type"))?;
    if args.len() != func.params.len() {
        let message =
            format!("an exception with a tag of type {func} has {} arguments: {}", func.params.len(), args.len());
        return Err(Error::argument(message));
    }
    let mut boxes = 0;
    for (arg, ty) in args.iter().zip(&func.params) {
        let crossing = val::crossing(*ty);
        // SAFETY: passed on to the caller.
        unsafe { val::check(store, arg, crossing, ty) }?;
        boxes += usize::from(val::needs_box(arg, crossing));
    }
    store.prepare_heap()?;
    let ty = DefinedType::exception(func)?;
    store.reserve_boxes(boxes)?;
    let (offsets, size) = struct_layout(&exception_fields(func));
    let exception = store.allocate_exception(ty.id(), size).map_err(full)?;
    store.keep_type(&ty);
    // Nothing is collected until all of it is written. (Boxes were reserved before, and are more than what a collection has freed.)
    // SAFETY: live by the caller's promise.
    let place = unsafe { store.heap_tag(tag) }.map_err(full)?;
    let slots = std::iter::once(Ok(u128::from(place))).chain(args.iter().zip(&func.params).map(|(arg, &ty)| {
        // SAFETY: checked above.
        unsafe { val::to_slot(store, arg, val::crossing(ty)) }
    }));
    for ((slot, field), offset) in slots.zip(exception_fields(func)).zip(offsets) {
        store.write(exception + offset, field.storage, &slot?.to_le_bytes()).map_err(full)?;
    }
    let name = store.object_of(exception)?;
    // SAFETY: the name of the object, of this store, which is entered.
    Ok(unsafe { Handle::retain(name.cast()) })
}

/// The tag of an exception; an error for what is none.
pub fn tag_of(store: &Store, exception: &HeapObject) -> Result<*mut VMTag> {
    store
        .exception_tag(exception.bits())
        .ok_or_else(|| Error::argument("an exception is wanted, another object is given"))
}

/// What an exception carries; the caller owns the values.
pub fn args(store: &Store, exception: &HeapObject) -> Result<Vec<Val>> {
    let tag = tag_of(store, exception)?;
    // SAFETY: an exception keeps its tag alive.
    let defined = unsafe { tag::ty(tag) };
    let func = defined.sub_type().as_func().ok_or_else(|| Error::argument("a tag of no function type"))?;
    let fields: Vec<FieldType> = exception_fields(func);
    let (offsets, _) = struct_layout(&fields);
    let mut values = Vec::with_capacity(func.params.len());
    for ((field, &ty), offset) in
        fields.iter().zip(std::iter::once(&ValType::I32).chain(&func.params)).zip(offsets).skip(1)
    {
        let slot: RawSlot = store.read(exception.bits() + offset, field.storage);
        // SAFETY: a field of an object of the heap.
        match unsafe { val::from_slot(store, &slot, val::crossing(ty)) } {
            Ok(value) => values.push(value),
            Err(error) => {
                // SAFETY: made just now, and nobody else has them.
                unsafe { delete_args(&mut values) };
                return Err(error);
            }
        }
    }
    Ok(values)
}

/// Deletes what an exception carries.
///
/// # Safety
/// The caller owns the values.
pub unsafe fn delete_args(values: &mut [Val]) {
    for value in values {
        // SAFETY: passed on to the caller.
        unsafe { value.delete() };
    }
}

/// The exception that a trap stands for; `None` if it stands for none.
pub fn of_trap(entered: &Entered<'_>, trap: &Trap) -> Result<Option<Handle<HeapObject>>> {
    if trap.thrown() == 0 {
        return Ok(None);
    }
    let name = entered.store().object_of(trap.thrown())?;
    // SAFETY: the name of the object, of this store, which is entered.
    Ok(Some(unsafe { Handle::retain(name.cast()) }))
}

/// A trap that stands for an exception: returned from a callback, it throws it.
pub fn to_trap(entered: &Entered<'_>, exception: &HeapObject) -> Result<Handle<Trap>> {
    tag_of(entered.store(), exception)?;
    let trap = Trap::new(entered, TrapCode::Exception, None)?;
    trap.set_thrown(exception.bits());
    Ok(trap)
}
