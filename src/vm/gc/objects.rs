//! Structures and arrays as the virtual machine makes, reads and writes them.

use super::heap::GcHeap;
use crate::abi::{
    ARRAY_LENGTH, Content, DISPLAY, HEAP_HEADER, Shape, TYPE_SHIFT, VMFuncRef, VMTag, array_size, content, heap_bits,
    storage_size, struct_layout, type_kind,
};
use crate::types::{CompositeType, FieldType, HeapType, Result, StorageType, TrapCode, TypeId};
use crate::vm::store::Store;
use crate::vm::store::lifetime::mark_escaped;
use crate::vm::types::DefinedType;
use crate::vm::val::RawSlot;
use std::sync::Arc;

impl Store {
    /// Makes the heap ready for objects, before an instance is made of a module that has some.
    pub(in crate::vm) fn prepare_heap(&self) -> Result<()> {
        // SAFETY: the context is part of the store, and nothing of the store runs meanwhile.
        let context = unsafe { &mut (*self.context()).heap };
        let mut funcs = self.gc.funcs.borrow_mut();
        funcs.prepare();
        (context.funcs, context.num_funcs) = (funcs.all().as_ptr(), funcs.all().len() as u32);
        self.gc.heap.borrow_mut().prepare(context)
    }

    /// Keeps types registered while objects of the heap may be of them.
    pub(in crate::vm) fn keep_types(&self, types: &Arc<[DefinedType]>) {
        self.gc.types.borrow_mut().entry(types.as_ptr()).or_insert_with(|| types.clone());
    }

    /// Keeps the type of an object that the host has made. Called once the object is there, since a collection lets go of types that no object
    /// is of, and before anything can be collected again.
    pub(in crate::vm) fn keep_type(&self, ty: &DefinedType) {
        self.gc.host_types.borrow_mut().entry(ty.id()).or_insert_with(|| ty.clone());
    }

    /// Lets go of the types of modules that are gone, if no object is of any of them, and of those of objects of the host that are gone.
    pub(super) fn forget_types(&self, is_used: impl Fn(u32) -> bool) {
        let unused: Vec<_> = self.gc.host_types.borrow_mut().extract_if(.., |id, _| !is_used(id.0)).collect();
        drop(unused);
        let mut gone = Vec::new();
        self.gc.types.borrow_mut().retain(|_, types| {
            let kept = Arc::strong_count(types) > 1 || types.iter().any(|ty| is_used(ty.id().0));
            if !kept {
                gone.push(types.clone());
            }
            kept
        });
    }

    /// Allocates an object without collecting.
    fn allocate_now(&self, ty: TypeId, length: u32, size: u32) -> Option<u32> {
        // SAFETY: the context is part of the store, and its code waits.
        let context = unsafe { &mut (*self.context()).heap };
        self.gc.heap.borrow_mut().allocate(context, [ty.0 << TYPE_SHIFT, length], size)
    }

    /// Allocates an object, and collects where that is due or there is no room. What is behind the header is anything.
    fn allocate(&self, ty: TypeId, length: u32, size: u32) -> Result<u32, TrapCode> {
        self.collect_heap_if_due();
        if let Some(object) = self.allocate_now(ty, length, size) {
            return Ok(object);
        }
        if !self.collect_for_room() {
            return Err(TrapCode::OutOfMemory);
        }
        self.allocate_now(ty, length, size).ok_or(TrapCode::OutOfMemory)
    }

    /// Allocates a structure of `size` bytes, of which all behind the header is anything. May collect.
    pub(in crate::vm) fn allocate_struct(&self, ty: TypeId, size: u32) -> Result<u32, TrapCode> {
        self.allocate(ty, 0, size)
    }

    /// Allocates an array, whose elements are zero or null if `zeroed`, else anything. May collect.
    pub(in crate::vm) fn allocate_array(
        &self,
        ty: TypeId,
        element: FieldType,
        length: u32,
        zeroed: bool,
    ) -> Result<u32, TrapCode> {
        let size = array_size(length, storage_size(element.storage).trailing_zeros()).ok_or(TrapCode::OutOfMemory)?;
        let array = self.allocate(ty, length, size)?;
        if zeroed {
            self.clear(array, size);
        }
        Ok(array)
    }

    /// Makes what is behind an object's header zero.
    pub(in crate::vm) fn clear(&self, object: u32, size: u32) {
        let content: *mut u8 = self.gc.heap.borrow().at(object + HEAP_HEADER);
        // SAFETY: within the object, which was just allocated.
        unsafe { content.write_bytes(0, (size - HEAP_HEADER) as usize) };
    }

    /// A new structure, whose fields are these values, or their defaults. Does not collect.
    pub(in crate::vm) fn new_struct(&self, ty: &DefinedType, values: Option<&[RawSlot]>) -> Result<u32, TrapCode> {
        let CompositeType::Struct(fields) = &ty.sub_type().composite else { return Err(TrapCode::CastFailure) };
        let (offsets, size) = struct_layout(fields);
        let object = self.allocate_now(ty.id(), 0, size).ok_or(TrapCode::OutOfMemory)?;
        self.clear(object, size);
        for ((value, field), offset) in values.unwrap_or_default().iter().zip(fields).zip(offsets) {
            self.write(object + offset, field.storage, value)?;
        }
        Ok(object)
    }

    /// A new array of so many elements, which are zero or null. Does not collect.
    pub(in crate::vm) fn new_array(&self, ty: &DefinedType, length: u32) -> Result<u32, TrapCode> {
        let CompositeType::Array(element) = ty.sub_type().composite else { return Err(TrapCode::CastFailure) };
        let size = array_size(length, storage_size(element.storage).trailing_zeros()).ok_or(TrapCode::OutOfMemory)?;
        let array = self.allocate_now(ty.id(), length, size).ok_or(TrapCode::OutOfMemory)?;
        self.clear(array, size);
        Ok(array)
    }

    /// The length of an array and what its elements are; `None` for what is no array.
    pub(in crate::vm) fn array(&self, reference: u32) -> Option<(u32, u32, Content)> {
        let heap = self.gc.heap.borrow();
        let header = heap.header(reference)?;
        // SAFETY: the header of an object.
        match unsafe { GcHeap::shape(header) }? {
            Shape::Array { shift, content } => {
                // SAFETY: within an array.
                let length = unsafe { heap.at::<u32>(reference + ARRAY_LENGTH as u32).read() };
                Some((length, *shift, *content))
            }
            Shape::Struct { .. } => None,
        }
    }

    /// Where an element of an array lies, by distance from the start of the heap.
    pub(in crate::vm) fn element(array: u32, index: u32, shift: u32) -> u32 {
        array.wrapping_add(HEAP_HEADER).wrapping_add(index << shift)
    }

    /// Writes a value to a field or element.
    pub(in crate::vm) fn write(&self, place: u32, storage: StorageType, value: &RawSlot) -> Result<(), TrapCode> {
        let mut bytes = *value;
        if content(storage) == Content::Funcs {
            let func = u128::from_le_bytes(*value) as usize as *mut VMFuncRef;
            bytes = u128::from(self.heap_func(func)?).to_le_bytes();
        }
        let size = storage_size(storage) as usize;
        let target: *mut u8 = self.gc.heap.borrow().at(place);
        // SAFETY: within an object of this heap, by the caller's layout.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, size) };
        Ok(())
    }

    /// The value of a field or element.
    pub(in crate::vm) fn read(&self, place: u32, storage: StorageType) -> RawSlot {
        let mut bytes = RawSlot::default();
        let source: *const u8 = self.gc.heap.borrow().at(place);
        // SAFETY: within an object of this heap, by the caller's layout.
        unsafe { std::ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), storage_size(storage) as usize) };
        if content(storage) == Content::Funcs {
            let func = self.gc.funcs.borrow().get(u128::from_le_bytes(bytes) as u32);
            bytes = (func as usize as u128).to_le_bytes();
        }
        bytes
    }

    /// The tag of an exception; `None` for what is none.
    pub(in crate::vm) fn exception_tag(&self, reference: u32) -> Option<*mut VMTag> {
        let heap = self.gc.heap.borrow();
        heap.header(reference).filter(|header| header & heap_bits::EXCEPTION != 0)?;
        // SAFETY: the first field of an exception.
        let place = unsafe { heap.at::<u32>(reference + HEAP_HEADER).read() };
        Some(self.gc.tags.borrow().get(place)).filter(|tag| !tag.is_null())
    }

    /// Notes that references are written to elements of an array.
    pub(in crate::vm) fn note_writes(&self, array: u32, start: u32, count: u32) {
        // An array may end at 4 GiB.
        let place = |index: u32| u64::from(array) + u64::from(HEAP_HEADER) + (u64::from(index) << 2);
        self.gc.heap.borrow_mut().note_writes(array, place(start)..place(start + count));
    }

    /// Notes that a reference is written to a field of a structure.
    pub(in crate::vm) fn note_write(&self, object: u32) {
        self.gc.heap.borrow_mut().note_writes(object, 0..0);
    }

    /// The type of a structure or array; `None` for an i31, an exception, and what is no object.
    pub(in crate::vm) fn type_of(&self, reference: u32) -> Option<DefinedType> {
        let header = self.gc.heap.borrow().header(reference)?;
        if header & heap_bits::EXCEPTION != 0 { None } else { DefinedType::get(TypeId(header >> TYPE_SHIFT)) }
    }

    /// The bytes of a part of the heap, which lies in an object.
    pub(in crate::vm) fn heap_bytes(&self, place: u32) -> *mut u8 {
        self.gc.heap.borrow().at(place)
    }

    /// The place of a function among those that the heap refers to; 0 for null.
    pub(in crate::vm) fn heap_func(&self, func: *mut VMFuncRef) -> Result<u32, TrapCode> {
        if func.is_null() {
            return Ok(0);
        }
        // SAFETY: compiled code and constant expressions have references to live functions only.
        unsafe { mark_escaped(func.cast()) };
        // SAFETY: the context is part of the store, and its code waits.
        let context = unsafe { &mut (*self.context()).heap };
        let mut funcs = self.gc.funcs.borrow_mut();
        // SAFETY: as above.
        let place = unsafe { funcs.place(func) }.ok_or(TrapCode::OutOfMemory)?;
        (context.funcs, context.num_funcs) = (funcs.all().as_ptr(), funcs.all().len() as u32);
        Ok(place)
    }

    /// The place of a tag among those that exceptions have.
    ///
    /// # Safety
    /// `tag` is live, and of this store.
    pub(in crate::vm) unsafe fn heap_tag(&self, tag: *mut VMTag) -> Result<u32, TrapCode> {
        // SAFETY: live by the caller's promise.
        unsafe { mark_escaped(tag.cast()) };
        // SAFETY: as above.
        unsafe { self.gc.tags.borrow_mut().place(tag) }.ok_or(TrapCode::OutOfMemory)
    }

    /// Allocates an exception of `size` bytes, of which all behind the header is anything. May collect.
    pub(in crate::vm) fn allocate_exception(&self, ty: TypeId, size: u32) -> Result<u32, TrapCode> {
        let exception = self.allocate(ty, 0, size)?;
        let heap = self.gc.heap.borrow();
        let header: *mut u32 = heap.at(exception);
        // SAFETY: the header of an object that was just allocated.
        unsafe { *header |= heap_bits::EXCEPTION };
        Ok(exception)
    }

    /// Whether an object of the heap, or an i31, is of a type of its hierarchy.
    pub(in crate::vm) fn is_of_type(&self, reference: u32, wanted: HeapType) -> bool {
        let is_i31 = reference & 1 != 0;
        let header = self.gc.heap.borrow().header(reference);
        let id = header.map(|header| TypeId(header >> TYPE_SHIFT));
        if header.is_some_and(|header| header & heap_bits::EXCEPTION != 0) {
            return wanted == HeapType::Exn;
        }
        match wanted {
            HeapType::Any | HeapType::Extern => true,
            HeapType::Eq => is_i31 || header.is_some(),
            HeapType::I31 => is_i31,
            HeapType::Struct | HeapType::Array => {
                // SAFETY: the header of an object.
                let kind = header.and_then(|header| unsafe { GcHeap::record(header) }).map(|record| record.kind);
                kind == Some(if wanted == HeapType::Struct { type_kind::STRUCT } else { type_kind::ARRAY })
            }
            HeapType::Concrete { ty: crate::types::TypeUse::Defined(wanted), .. } => {
                // SAFETY: the header of an object.
                header.and_then(|header| unsafe { GcHeap::record(header) }).is_some_and(|record| {
                    // SAFETY: whoever has a type keeps it registered.
                    match unsafe { GcHeap::record(wanted.0 << TYPE_SHIFT) } {
                        Some(above) if (above.depth as usize) < DISPLAY => {
                            record.display[above.depth as usize] == wanted.0 + 1
                        }
                        _ => id.and_then(DefinedType::get).is_some_and(|given| given.matches(wanted)),
                    }
                })
            }
            _ => false,
        }
    }
}
