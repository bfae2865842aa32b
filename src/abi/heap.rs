//! Objects of a store's heap as compiled code and the collector see them: headers, layouts, and what is known of their types.
//!
//! A reference is the distance of an object from the start of the heap, a multiple of 8, or 0 for null, or an i31: its 31 bits above a 1.
//!
//! ```text
//! 0   number of the type << 8 | the collector's bits
//! 4   the length of an array; unused in a structure
//! 8   fields, in order, each aligned to its size (at most 8); or elements, side by side
//! ```
//!
//! References are 4 bytes in fields and elements; a function is an index into a table of the store, so that there is no pointer of the
//! host's in the heap.

use crate::types::{FieldType, FuncType, HeapType, Mutability, StorageType, ValType};

/// The size of an object's header.
pub const HEAP_HEADER: u32 = 8;
/// Where the length of an array lies.
pub const ARRAY_LENGTH: i32 = 4;
/// How far the type's number is shifted in the first word of a header. Below it lie the collector's bits.
pub const TYPE_SHIFT: u32 = 8;
/// How many types there can be at a time: as many as numbers of 24 bits.
pub const MOST_TYPES: u32 = 1 << 24;
/// The number that objects of the host have for their type: no module's type, so nothing is cast to it. Its record is all zero.
pub const EXTERN_TYPE: u32 = 0;

/// The part of the heap where no object lies: an access through null faults there.
pub const NULL_AREA: u32 = 4096;
/// The largest object that compiled code allocates itself.
pub const LARGEST_INLINE: u32 = 8 << 10;

/// The write barrier. Each line of so many bytes of the heap has a card, a byte that whoever writes a reference to an object makes 1:
/// that of the line where the object begins and, of an array, that of the line where the element lies too. The card of line `n` is `n + 1` bytes
/// below the start of the heap.
pub const LINE_SHIFT: u32 = 7;

/// The collector's bits of a header.
pub mod heap_bits {
    /// Of a box, whether it is marked: these bits are then the number of the last marking from scratch. Other objects have their marks
    /// beside the heap.
    pub const MARK: u32 = 3;
    /// The object is one of the host's: in its header nothing else need be set.
    pub const BOX: u32 = 4;
    /// The object is an exception: its first field is the place of its tag.
    pub const EXCEPTION: u32 = 16;
}

/// How many supertypes a record has room for. Modules that compilers make need no more; what lies deeper is asked of a libcall.
pub const DISPLAY: usize = 8;

/// What is known of a type, at the place of its number in one array for the process.
///
/// A type whose record is all zero has no supertype and matches itself only.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct VMTypeRecord {
    /// The numbers of the type's supertypes and its own, the most general first, each increased by 1; as many as there is room for.
    pub display: [u32; DISPLAY],
    /// How many types are above it.
    pub depth: u32,
    /// What its objects are: 0 for no object of the heap, else one of [`type_kind`].
    pub kind: u32,
    /// Where references lie in an object of the type: a [`Shape`], or null for function types.
    pub shape: *const Shape,
}

const _: () = assert!(size_of::<VMTypeRecord>() == 64);

/// What objects of a type are.
pub mod type_kind {
    pub const STRUCT: u32 = 1;
    pub const ARRAY: u32 = 2;
}

/// Where references lie in an object.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    /// A structure: its size, and where its references and its functions lie.
    Struct { size: u32, references: Box<[u32]>, funcs: Box<[u32]> },
    /// An array.
    Array { shift: u32, content: Content },
}

/// What the elements of an array are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Numbers,
    References,
    Funcs,
}

/// The size of a field or an element.
pub fn storage_size(storage: StorageType) -> u32 {
    match storage {
        StorageType::I8 => 1,
        StorageType::I16 => 2,
        StorageType::Val(ValType::I32 | ValType::F32 | ValType::Ref(_)) => 4,
        StorageType::Val(ValType::I64 | ValType::F64) => 8,
        StorageType::Val(ValType::V128) => 16,
    }
}

/// What an element or a field is to the collector.
pub fn content(storage: StorageType) -> Content {
    match storage {
        StorageType::Val(ValType::Ref(ty)) if ty.heap.top() == HeapType::Func => Content::Funcs,
        StorageType::Val(ValType::Ref(_)) => Content::References,
        _ => Content::Numbers,
    }
}

/// The fields of an exception: the place of its tag among those that exceptions of the store have, then what it carries.
pub fn exception_fields(tag: &FuncType) -> Vec<FieldType> {
    let field = |ty| FieldType { storage: StorageType::Val(ty), mutability: Mutability::Const };
    std::iter::once(ValType::I32).chain(tag.params.iter().copied()).map(field).collect()
}

/// Where the fields of a structure lie, and its size, a multiple of 8. What a supertype has lies where the supertype has it.
pub fn struct_layout(fields: &[FieldType]) -> (Vec<u32>, u32) {
    let mut next = HEAP_HEADER;
    let offsets = fields.iter().map(|field| place(&mut next, field)).collect();
    (offsets, next.next_multiple_of(8))
}

/// Where the last of the fields of a structure lies.
pub fn last_offset(fields: &[FieldType]) -> u32 {
    let mut next = HEAP_HEADER;
    fields.iter().fold(next, |_, field| place(&mut next, field))
}

/// Where the next field lies, which is then behind `next`.
fn place(next: &mut u32, field: &FieldType) -> u32 {
    let size = storage_size(field.storage);
    let offset = next.next_multiple_of(size.min(8));
    *next = offset + size;
    offset
}

impl Shape {
    pub fn of_struct(fields: &[FieldType]) -> Shape {
        let (offsets, size) = struct_layout(fields);
        let of = |wanted| {
            let fields = fields.iter().zip(&offsets).filter(|(field, _)| content(field.storage) == wanted);
            fields.map(|(_, &offset)| offset).collect()
        };
        Shape::Struct { size, references: of(Content::References), funcs: of(Content::Funcs) }
    }

    pub fn of_array(element: FieldType) -> Shape {
        Shape::Array { shift: storage_size(element.storage).trailing_zeros(), content: content(element.storage) }
    }
}

/// The size of an array, a multiple of 8; `None` if that is more than any heap has.
pub fn array_size(length: u32, shift: u32) -> Option<u32> {
    let size = u64::from(HEAP_HEADER) + (u64::from(length) << shift);
    u32::try_from(size.next_multiple_of(8)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RefType;

    fn fields(storages: &[StorageType]) -> Vec<FieldType> {
        storages.iter().map(|&storage| FieldType { storage, mutability: Mutability::Var }).collect()
    }

    #[test]
    fn fields_are_aligned_and_supertypes_are_prefixes() {
        use StorageType::{I8, I16, Val};
        let any = Val(ValType::Ref(RefType { nullable: true, heap: HeapType::Any }));
        let func = Val(ValType::FUNCREF);
        let all = fields(&[I8, I16, I8, Val(ValType::I64), any, Val(ValType::V128), func, I8]);
        let (offsets, size) = struct_layout(&all);
        assert_eq!((&offsets[..], size), (&[8, 10, 12, 16, 24, 32, 48, 52][..], 56));
        for count in 0..all.len() {
            let (prefix, size) = struct_layout(&all[..count]);
            assert_eq!(prefix, offsets[..count]);
            assert_eq!(last_offset(&all[..=count]), offsets[count]);
            assert!(size.is_multiple_of(8));
        }
        assert_eq!(Shape::of_struct(&all), Shape::Struct { size: 56, references: [24].into(), funcs: [48].into() });
        assert_eq!(struct_layout(&[]), (vec![], 8));
    }

    #[test]
    fn arrays_that_are_too_large_have_no_size() {
        assert_eq!(array_size(0, 0), Some(8));
        assert_eq!(array_size(3, 0), Some(16));
        assert_eq!(array_size(3, 4), Some(56));
        assert_eq!(array_size(u32::MAX - 8, 0), None);
        assert_eq!(array_size(u32::MAX - 15, 0), Some(u32::MAX - 7));
        assert_eq!(array_size(1 << 28, 4), None);
        assert_eq!(array_size(u32::MAX, 4), None);
    }
}
