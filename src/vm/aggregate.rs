//! Structures, arrays and i31 as the host makes, reads and writes them.
//!
//! What makes an object collects first if objects of the host wait for that. What makes or changes an object checks everything first, then makes room for boxes, which may collect, then allocates, which may
//! collect too, and then converts and writes values, which does not: objects that values refer to are kept by handles of the
//! host's until then.

use crate::abi::{Content, ObjectHeader, ObjectKind, VMFuncRef, content, last_offset, storage_size, struct_layout};
use crate::types::{
    CompositeType, Error, FieldType, HeapType, Mutability, RefType, Result, StorageType, TrapCode, ValType,
};
use crate::vm::engine::types::registered_type;
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Store};
use crate::vm::types::{DefinedType, storage_matches};
use crate::vm::val::{self, Val};

/// What an object of the heap is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    I31,
    Struct,
    Array,
    Exception,
}

/// What an object of the heap is.
pub fn kind(store: &Store, object: &HeapObject) -> Kind {
    let bits = object.bits();
    if bits & 1 != 0 {
        Kind::I31
    } else if store.exception_tag(bits).is_some() {
        Kind::Exception
    } else if store.array(bits).is_some() {
        Kind::Array
    } else {
        Kind::Struct
    }
}

/// The most precise type of a reference to an object. It is registered as long as the object lives.
///
/// # Safety
/// `object` is live, and of the store, which is entered.
pub unsafe fn ref_type(store: &Store, object: *const ObjectHeader) -> RefType {
    // SAFETY: live by the caller's promise.
    let heap = match unsafe { (*object).kind } {
        // SAFETY: an object of this kind is a `VMFuncRef`.
        ObjectKind::Func => unsafe { registered_type(object.cast::<VMFuncRef>()) }.defined().heap_type(),
        ObjectKind::HeapObject => {
            // SAFETY: an object of this kind is a `HeapObject`.
            let object = unsafe { &*object.cast::<HeapObject>() };
            match (kind(store, object), store.type_of(object.bits())) {
                (Kind::I31, _) => HeapType::I31,
                (Kind::Exception, _) => HeapType::Exn,
                (_, Some(ty)) => ty.heap_type(),
                (Kind::Struct, None) => HeapType::Struct,
                (Kind::Array, None) => HeapType::Array,
            }
        }
        _ => HeapType::Extern,
    };
    RefType { nullable: false, heap }
}

fn no_room(code: TrapCode) -> Error {
    Error::out_of_memory(format!("no room in the heap: {}", code.message()))
}

/// A handle of an object that was just made, or of an i31.
fn handle(entered: &Entered<'_>, bits: u32) -> Result<Handle<HeapObject>> {
    let name = entered.store().object_of(bits)?;
    // SAFETY: the name of the object, of this store, which is entered.
    Ok(unsafe { Handle::retain(name.cast()) })
}

/// Checks a value for a field; whether it takes a box.
///
/// # Safety
/// The value is well-formed, as for [`Val::copy`].
unsafe fn check(store: &Store, value: &Val, storage: StorageType, place: &dyn Fn() -> String) -> Result<usize> {
    let (ty, crossing) = (storage.unpacked(), val::crossing(storage.unpacked()));
    // SAFETY: passed on to the caller.
    let checked = unsafe { val::check(store, value, crossing, &ty) };
    checked.map_err(|error| Error::new(error.kind(), format!("{}: {}", place(), error.message())))?;
    Ok(usize::from(val::needs_box(value, crossing)))
}

/// Writes a value that was checked and whose box was reserved.
///
/// # Safety
/// As [`check`]; `place` is that of a field or element kept like this.
unsafe fn write(store: &Store, place: u32, storage: StorageType, value: &Val) -> Result<()> {
    // SAFETY: passed on to the caller.
    let slot = unsafe { val::to_slot(store, value, val::crossing(storage.unpacked())) }?;
    store.write(place, storage, &slot.to_le_bytes()).map_err(no_room)
}

/// The value of a field or element; the caller owns it.
fn read(store: &Store, place: u32, storage: StorageType) -> Result<Val> {
    let slot = store.read(place, storage);
    // SAFETY: a field or element of an object of the heap, which holds such a value.
    unsafe { val::from_slot(store, &slot, val::crossing(storage.unpacked())) }
}

/// Checks that fields can be made without values.
fn check_default(field: FieldType, place: &dyn Fn() -> String) -> Result<()> {
    match field.storage {
        StorageType::Val(ValType::Ref(ty)) if !ty.nullable => {
            Err(Error::argument(format!("{} of type {ty} has no default", place())))
        }
        _ => Ok(()),
    }
}

/// The reference of an i31, of which the low 31 bits of a number are taken.
pub fn new_i31(entered: &Entered<'_>, number: u32) -> Result<Handle<HeapObject>> {
    handle(entered, number << 1 | 1)
}

/// The 31 bits of an i31, with a bit 31 of 0; an error for what is none.
pub fn i31(object: &HeapObject) -> Result<u32> {
    match object.bits() {
        bits if bits & 1 != 0 => Ok(bits >> 1),
        _ => Err(Error::argument("an i31 is wanted, another object is given")),
    }
}

fn struct_fields(ty: &DefinedType) -> Result<&[FieldType]> {
    match &ty.sub_type().composite {
        CompositeType::Struct(fields) => Ok(fields),
        CompositeType::Func(_) | CompositeType::Array(_) => Err(Error::argument("a structure type is wanted")),
    }
}

fn array_element(ty: &DefinedType) -> Result<FieldType> {
    match ty.sub_type().composite {
        CompositeType::Array(element) => Ok(element),
        CompositeType::Func(_) | CompositeType::Struct(_) => Err(Error::argument("an array type is wanted")),
    }
}

/// Makes a structure with these values, or with defaults.
///
/// # Safety
/// The values are well-formed, as for [`Val::copy`].
pub unsafe fn new_struct(
    entered: &Entered<'_>,
    ty: &DefinedType,
    values: Option<&[Val]>,
) -> Result<Handle<HeapObject>> {
    let store = entered.store();
    store.collect_if_due();
    let fields = struct_fields(ty)?;
    let mut boxes = 0;
    match values {
        None => {
            for (index, &field) in fields.iter().enumerate() {
                check_default(field, &|| format!("field {index}"))?;
            }
        }
        Some(values) if values.len() == fields.len() => {
            for (index, (value, field)) in values.iter().zip(fields).enumerate() {
                // SAFETY: passed on to the caller.
                boxes += unsafe { check(store, value, field.storage, &|| format!("field {index}")) }?;
            }
        }
        Some(values) => {
            let message =
                format!("a structure with {} fields has so many values: given {}", fields.len(), values.len());
            return Err(Error::argument(message));
        }
    }
    store.prepare_heap()?;
    store.reserve_boxes(boxes)?;
    let (offsets, size) = struct_layout(fields);
    let object = store.allocate_struct(ty.id(), size).map_err(no_room)?;
    store.keep_type(ty);
    store.clear(object, size);
    for ((value, field), offset) in values.unwrap_or_default().iter().zip(fields).zip(offsets) {
        // SAFETY: checked above, and the place of this field.
        unsafe { write(store, object + offset, field.storage, value) }?;
    }
    handle(entered, object)
}

/// A field of a structure: where it lies, and its type.
fn field(store: &Store, object: &HeapObject, index: u32) -> Result<(u32, FieldType)> {
    let ty = store.type_of(object.bits());
    let ty = ty.ok_or_else(|| Error::argument("a structure is wanted, another object is given"))?;
    let fields = struct_fields(&ty)?;
    match fields.get(index as usize) {
        Some(&field) => Ok((object.bits() + last_offset(&fields[..=index as usize]), field)),
        None => Err(Error::argument(format!("a structure with {} fields has no field {index}", fields.len()))),
    }
}

/// The value of a field; the caller owns it. What is packed has bits of 0 above it.
pub fn get_field(entered: &Entered<'_>, object: &HeapObject, index: u32) -> Result<Val> {
    let (place, field) = field(entered.store(), object, index)?;
    read(entered.store(), place, field.storage)
}

/// Sets a field.
///
/// # Safety
/// The value is well-formed, as for [`Val::copy`].
pub unsafe fn set_field(entered: &Entered<'_>, object: &HeapObject, index: u32, value: &Val) -> Result<()> {
    let store = entered.store();
    let (place, field) = field(store, object, index)?;
    if field.mutability == Mutability::Const {
        return Err(Error::argument(format!("field {index} is immutable")));
    }
    // SAFETY: passed on to the caller.
    let boxes = unsafe { check(store, value, field.storage, &|| format!("field {index}")) }?;
    store.reserve_boxes(boxes)?;
    // SAFETY: checked above, and the place of this field.
    unsafe { write(store, place, field.storage, value) }?;
    if content(field.storage) != Content::Numbers {
        store.note_write(object.bits());
    }
    Ok(())
}

/// Some elements of an array.
struct Elements {
    array: u32,
    start: u32,
    count: u32,
    element: FieldType,
}

impl Elements {
    /// Elements of what must be an array that has them.
    fn of(store: &Store, object: &HeapObject, start: u32, count: u32) -> Result<Elements> {
        let array = object.bits();
        let ty = store.type_of(array).filter(|ty| matches!(ty.sub_type().composite, CompositeType::Array(_)));
        let (Some(ty), Some((length, ..))) = (ty, store.array(array)) else {
            return Err(Error::argument("an array is wanted, another object is given"));
        };
        if u64::from(start) + u64::from(count) > u64::from(length) {
            let end = u64::from(start) + u64::from(count);
            let message = format!("an array with {length} elements does not have those from {start} to {end}");
            return Err(Error::argument(message));
        }
        Ok(Elements { array, start, count, element: array_element(&ty)? })
    }

    /// The same, which can be set.
    fn to_set(store: &Store, object: &HeapObject, start: u32, count: u32) -> Result<Elements> {
        let elements = Elements::of(store, object, start, count)?;
        match elements.element.mutability {
            Mutability::Var => Ok(elements),
            Mutability::Const => Err(Error::argument("the elements are immutable")),
        }
    }

    fn size(&self) -> usize {
        self.count as usize * storage_size(self.element.storage) as usize
    }

    fn place(&self, index: u32) -> u32 {
        Store::element(self.array, index, storage_size(self.element.storage).trailing_zeros())
    }

    /// The bytes that the elements are kept as.
    fn bytes(&self, store: &Store) -> *mut u8 {
        store.heap_bytes(self.place(self.start))
    }

    /// Writes one value to all of them.
    ///
    /// # Safety
    /// As [`check`], which has held for the value; its box is reserved.
    unsafe fn fill(&self, store: &Store, value: &Val) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        // SAFETY: passed on to the caller, and the place of an element.
        unsafe { write(store, self.place(self.start), self.element.storage, value) }?;
        let (bytes, size) = (self.bytes(store), self.size());
        let mut done = storage_size(self.element.storage) as usize;
        while done < size {
            let more = done.min(size - done);
            let target = bytes.wrapping_add(done);
            // SAFETY: both are within the elements, of which the first `done` bytes are written.
            unsafe { std::ptr::copy_nonoverlapping(bytes, target, more) };
            done += more;
        }
        Ok(())
    }

    /// Notes that they were written to, if that matters to the collector.
    fn note_writes(&self, store: &Store) {
        if content(self.element.storage) != Content::Numbers && self.count != 0 {
            store.note_writes(self.array, self.start, self.count);
        }
    }

    /// Whether they are numbers or vectors, which can be copied as bytes.
    fn check_numbers(element: FieldType) -> Result<()> {
        match content(element.storage) {
            Content::Numbers => Ok(()),
            _ => Err(Error::argument("elements that are references have no bytes")),
        }
    }
}

/// What a new array's elements are.
pub enum Initial<'a> {
    Default,
    /// All the same.
    Value(&'a Val),
    /// One after the other, as many as there are elements.
    Values(&'a [Val]),
    /// As `read_bytes` gives them, as many as there are elements.
    Bytes(*const u8),
}

/// Makes an array of so many elements.
///
/// # Safety
/// Values are well-formed, as for [`Val::copy`]; there are as many of them, or bytes, as it takes.
pub unsafe fn new_array(
    entered: &Entered<'_>,
    ty: &DefinedType,
    length: u32,
    initial: Initial<'_>,
) -> Result<Handle<HeapObject>> {
    let store = entered.store();
    store.collect_if_due();
    let element = array_element(ty)?;
    let in_all = || "the elements".to_string();
    let mut boxes = 0;
    match &initial {
        Initial::Default => check_default(element, &in_all)?,
        // SAFETY: passed on to the caller.
        Initial::Value(value) => boxes = unsafe { check(store, value, element.storage, &in_all) }?,
        Initial::Values(values) => {
            for (index, value) in values.iter().enumerate() {
                // SAFETY: passed on to the caller.
                boxes += unsafe { check(store, value, element.storage, &|| format!("element {index}")) }?;
            }
        }
        Initial::Bytes(_) => Elements::check_numbers(element)?,
    }
    store.prepare_heap()?;
    store.reserve_boxes(boxes)?;
    // Zeroed in any case: what fails later leaves no array half made.
    let array = store.allocate_array(ty.id(), element, length, true).map_err(no_room)?;
    store.keep_type(ty);
    let elements = Elements { array, start: 0, count: length, element };
    match initial {
        Initial::Default => {}
        // SAFETY: checked above.
        Initial::Value(value) => unsafe { elements.fill(store, value) }?,
        Initial::Values(values) => {
            for (index, value) in (0..length).zip(values) {
                // SAFETY: checked above, and the place of an element.
                unsafe { write(store, elements.place(index), element.storage, value) }?;
            }
        }
        Initial::Bytes(bytes) if length != 0 => {
            // SAFETY: as many as the elements take, says the caller; the array is new.
            unsafe { std::ptr::copy_nonoverlapping(bytes, elements.bytes(store), elements.size()) };
        }
        Initial::Bytes(_) => {}
    }
    handle(entered, array)
}

/// How many elements an array has; an error for what is none.
pub fn array_length(store: &Store, object: &HeapObject) -> Result<u32> {
    Elements::of(store, object, 0, 0)?;
    Ok(store.array(object.bits()).map_or(0, |(length, ..)| length))
}

/// The value of an element; the caller owns it. What is packed has bits of 0 above it.
pub fn get_element(entered: &Entered<'_>, object: &HeapObject, index: u32) -> Result<Val> {
    let elements = Elements::of(entered.store(), object, index, 1)?;
    read(entered.store(), elements.place(index), elements.element.storage)
}

/// Sets elements to one value.
///
/// # Safety
/// The value is well-formed, as for [`Val::copy`].
pub unsafe fn fill(entered: &Entered<'_>, object: &HeapObject, start: u32, count: u32, value: &Val) -> Result<()> {
    let store = entered.store();
    let elements = Elements::to_set(store, object, start, count)?;
    // SAFETY: passed on to the caller.
    let boxes = unsafe { check(store, value, elements.element.storage, &|| "the elements".to_string()) }?;
    store.reserve_boxes(boxes)?;
    // SAFETY: checked above.
    unsafe { elements.fill(store, value) }?;
    elements.note_writes(store);
    Ok(())
}

/// Copies elements from one array to another of the same store, or within one.
pub fn copy(
    entered: &Entered<'_>,
    (target, at): (&HeapObject, u32),
    (source, from): (&HeapObject, u32),
    count: u32,
) -> Result<()> {
    let store = entered.store();
    let target = Elements::to_set(store, target, at, count)?;
    let source = Elements::of(store, source, from, count)?;
    if !storage_matches(source.element.storage, target.element.storage) {
        return Err(Error::argument("the elements of the source are of another type than those of the target"));
    }
    // SAFETY: both are elements of arrays of this heap, kept in the same way; they may overlap.
    unsafe { std::ptr::copy(source.bytes(store), target.bytes(store), target.size()) };
    target.note_writes(store);
    Ok(())
}

/// Copies elements that are numbers out, in the order of bytes that memories have.
///
/// # Safety
/// `out` has room for as many bytes as they take.
pub unsafe fn read_bytes(
    entered: &Entered<'_>,
    object: &HeapObject,
    start: u32,
    count: u32,
    out: *mut u8,
) -> Result<()> {
    let elements = Elements::of(entered.store(), object, start, count)?;
    Elements::check_numbers(elements.element)?;
    if count != 0 {
        // SAFETY: elements of an array, and as much room, says the caller.
        unsafe { std::ptr::copy_nonoverlapping(elements.bytes(entered.store()), out, elements.size()) };
    }
    Ok(())
}

/// Copies elements that are numbers in.
///
/// # Safety
/// `bytes` has as many bytes as they take.
pub unsafe fn write_bytes(
    entered: &Entered<'_>,
    object: &HeapObject,
    start: u32,
    count: u32,
    bytes: *const u8,
) -> Result<()> {
    let elements = Elements::to_set(entered.store(), object, start, count)?;
    Elements::check_numbers(elements.element)?;
    if count != 0 {
        // SAFETY: elements of an array, and as many bytes, says the caller.
        unsafe { std::ptr::copy_nonoverlapping(bytes, elements.bytes(entered.store()), elements.size()) };
    }
    Ok(())
}
