//! The heap by itself: boxes and blocks against models of what is alive.

use super::boxes::Swept;
use super::heap::GcHeap;
use crate::abi::{LARGEST_INLINE, ObjectHeader, TYPE_SHIFT, VMHeap};
use crate::types::{CompositeType, FieldType, HeapType, Mutability, RefType, StorageType, SubType, ValType};
use crate::vm::types::DefinedType;
use std::collections::HashMap;

/// A made-up object: the heap never looks into one.
fn object(number: usize) -> *mut ObjectHeader {
    std::ptr::without_provenance_mut(number * 8 + 8)
}

fn alloc(heap: &mut GcHeap, number: usize) -> u32 {
    heap.reserve(1).unwrap();
    heap.box_of(object(number)).unwrap()
}

/// Pseudo-random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % below
    }
}

#[test]
fn an_empty_heap_takes_nothing_and_knows_nothing() {
    let mut heap = GcHeap::default();
    for reference in [0, 1, 16, 4096, u32::MAX, u32::MAX - 15] {
        assert!(heap.get(reference).is_null());
        assert!(heap.mark_box(reference).is_null());
        assert!(heap.mark_object(reference).is_none() && heap.header(reference).is_none());
    }
    assert_eq!(heap.sweep(), Swept { freed: 0, live: 0 });
    heap.reserve(0).unwrap();
    assert!(!heap.is_reserved());
}

#[test]
fn forged_references_reach_nothing() {
    let mut heap = GcHeap::default();
    let reference = alloc(&mut heap, 1);
    assert_eq!(reference, 4096);
    assert_eq!(heap.get(reference), object(1));
    for forged in [0, 1, 8, 4088, 4097, 4100, 4104, 1 << 20, !7, u32::MAX] {
        assert!(heap.get(forged).is_null());
    }
    heap.begin_marking();
    heap.sweep();
    assert!(heap.get(reference).is_null(), "freed");
    assert_eq!(alloc(&mut heap, 2), reference, "and used again");
}

#[test]
fn boxes_agree_with_a_map() {
    let mut heap = GcHeap::default();
    let (mut model, mut random, mut next) = (HashMap::new(), Random(1), 0);
    for _ in 0..20 {
        for _ in 0..3000 {
            model.insert(alloc(&mut heap, next), next);
            next += 1;
        }
        heap.begin_marking();
        let before = model.len();
        let mut gone = Vec::new();
        model.retain(|&reference, &mut number| {
            let keep = random.next(2) == 0;
            if keep {
                assert_eq!(heap.mark_box(reference), object(number));
                assert!(heap.mark_box(reference).is_null());
            } else {
                gone.push(reference);
            }
            keep
        });
        let freed = (before - model.len()) as u32;
        assert_eq!(heap.sweep(), Swept { freed, live: model.len() as u32 });
        assert!(gone.iter().all(|&reference| heap.get(reference).is_null()));
        assert!(model.iter().all(|(&reference, &number)| heap.get(reference) == object(number)));
    }
}

#[test]
fn boxes_are_reserved_ahead_and_too_many_refused() {
    let mut heap = GcHeap::default();
    assert!(heap.has_room(1));
    for number in 0..4096 {
        alloc(&mut heap, number);
    }
    assert!(!heap.has_room(1), "a collection is due");
    heap.begin_marking();
    heap.sweep();
    assert!(heap.has_room(1));
    heap.reserve(100_000).unwrap();
    for number in 0..100_000 {
        heap.box_of(object(number)).unwrap();
    }
    assert!(heap.reserve(usize::MAX).is_err());
    assert!(heap.reserve(1 << 28).is_err());
}

/// An array type, so that the heap knows how long objects are.
fn array_of(storage: StorageType) -> DefinedType {
    let mut module = crate::module::Module::default();
    let element = FieldType { storage, mutability: Mutability::Var };
    module.types.push(SubType { is_final: true, supertype: None, composite: CompositeType::Array(element) });
    module.rec_groups.push(1);
    DefinedType::of_module(&module).unwrap().remove(0)
}

#[test]
fn objects_keep_their_bytes_and_what_is_not_reached_is_used_again() {
    let ty = array_of(StorageType::I8);
    let (mut heap, mut context) = (GcHeap::default(), VMHeap::NONE);
    heap.prepare(&mut context).unwrap();
    let (mut model, mut random): (HashMap<u32, (u32, u8)>, _) = (HashMap::new(), Random(7));
    let mut highest = 0;
    for round in 0..60 {
        for _ in 0..400 {
            // Mostly small, some longer than a line, a few with blocks of their own.
            let length = match random.next(20) {
                0 => random.next(200_000) as u32,
                1..4 => random.next(u64::from(LARGEST_INLINE)) as u32,
                _ => random.next(100) as u32,
            };
            let size = (8 + length).next_multiple_of(8);
            let header = [ty.id().0 << TYPE_SHIFT, length];
            let reference = heap.allocate(&mut context, header, size).unwrap();
            let fill = random.next(256) as u8;
            assert!(reference.is_multiple_of(8));
            // SAFETY: within the object that was just allocated.
            unsafe { heap.at::<u8>(reference + 8).write_bytes(fill, length as usize) };
            assert!(model.insert(reference, (length, fill)).is_none(), "no two objects lie at one place");
            highest = highest.max(reference);
        }
        for (&reference, &(length, fill)) in &model {
            assert_eq!(heap.header(reference).unwrap() >> TYPE_SHIFT, ty.id().0);
            // SAFETY: within the object.
            let content = unsafe { std::slice::from_raw_parts(heap.at::<u8>(reference + 8), length as usize) };
            assert!(content.iter().all(|&byte| byte == fill), "round {round}: {reference:#x} of {length} bytes");
        }
        heap.begin_marking();
        heap.retire(&mut context);
        model.retain(|&reference, _| {
            let keep = random.next(3) == 0;
            assert!(!keep || mark(&mut heap, reference));
            keep
        });
        heap.sweep();
        assert!(model.keys().all(|&reference| heap.is_marked(reference)));
    }
    // About 200 KB · 20 · 1.5 are alive at a time: without use of what was freed there would be sixty times as much.
    assert!(highest < (256 << 20) + (24 << 20), "{highest:#x}");
}

#[test]
fn heaps_are_full_at_last() {
    let ty = array_of(StorageType::I8);
    let (mut heap, mut context) = (GcHeap::default(), VMHeap::NONE);
    heap.prepare(&mut context).unwrap();
    let length = 512 << 20;
    let large =
        |heap: &mut GcHeap, context: &mut VMHeap| heap.allocate(context, [ty.id().0 << TYPE_SHIFT, length], length + 8);
    let all: Vec<u32> = std::iter::from_fn(|| large(&mut heap, &mut context)).take(20).collect();
    assert_eq!(all.len(), 7, "3.75 GiB");
    heap.begin_marking();
    heap.retire(&mut context);
    heap.sweep();
    assert_eq!(large(&mut heap, &mut context), Some(all[0]));
}

/// Marks an object that was not marked.
fn mark(heap: &mut GcHeap, reference: u32) -> bool {
    heap.mark_object(reference) == Some(true)
        && heap.mark_object(reference) == Some(false)
        && heap.keep(reference).is_some()
}

/// What was written to, as the heap tells it: objects, and ranges of elements of large arrays.
fn written(heap: &mut GcHeap) -> (Vec<u32>, Vec<(u32, std::ops::Range<u32>)>) {
    let (mut objects, mut elements) = (Vec::new(), Vec::new());
    heap.take_written(|object| objects.push(object), |array, range| elements.push((array, range)));
    elements.sort_by_key(|(_, range)| range.start);
    (objects, elements)
}

#[test]
fn what_is_marked_stays_so_in_young_collections_and_writes_to_it_are_noticed() {
    let ty = array_of(StorageType::Val(crate::types::ValType::EXTERNREF));
    let (mut heap, mut context) = (GcHeap::default(), VMHeap::NONE);
    heap.prepare(&mut context).unwrap();
    let mut new = |heap: &mut GcHeap, length: u32| {
        let size = (8 + 4 * length).next_multiple_of(8);
        heap.allocate(&mut context, [ty.id().0 << TYPE_SHIFT, length], size).unwrap()
    };
    let (old, neighbour, large) = (new(&mut heap, 2), new(&mut heap, 2), new(&mut heap, 10_000));
    assert!(mark(&mut heap, old) && mark(&mut heap, neighbour) && mark(&mut heap, large));
    let mut context = VMHeap::NONE;
    heap.retire(&mut context);
    heap.sweep();
    let young = heap.allocate(&mut context, [ty.id().0 << TYPE_SHIFT, 2], 16).unwrap();
    assert!(heap.is_marked(old) && !heap.is_marked(young));
    assert_eq!(written(&mut heap), (vec![], vec![]));
    // What is new is read whether it was written to or not; old objects in one line are not told apart. Under the stress feature
    // no two objects lie in one line.
    let beside: &[u32] = if cfg!(feature = "stress") { &[] } else { &[neighbour] };
    heap.note_writes(young, u64::from(young + 8)..u64::from(young + 12));
    heap.note_writes(old, u64::from(old + 8)..u64::from(old + 12));
    heap.note_writes(large, u64::from(large + 8 + 4 * 5000)..u64::from(large + 8 + 4 * 5001));
    let (objects, elements) = written(&mut heap);
    assert_eq!(objects, [&[old], beside].concat());
    assert_eq!(elements.len(), 2, "the line of the header too: {elements:?}");
    assert!(elements.iter().all(|(array, _)| *array == large) && elements[0].1 == (0..30), "{elements:?}");
    assert!(elements[1].1.contains(&5000) && elements[1].1.len() == 32, "{elements:?}");
    assert_eq!(written(&mut heap), (vec![], vec![]), "once");
    // To the end, and no further.
    heap.note_writes(large, u64::from(large + 8 + 4 * 9999)..u64::from(large + 8 + 4 * 10_000));
    assert_eq!(written(&mut heap).1[1].1.end, 10_000);
    heap.retire(&mut context);
    heap.sweep();
    assert!(heap.is_marked(old) && heap.is_marked(large));
    let next = heap.allocate(&mut context, [ty.id().0 << TYPE_SHIFT, 2], 16).unwrap();
    assert_eq!(next, young, "what was not marked is used again");
    // From scratch, nothing is known of what was written to.
    heap.note_writes(old, u64::from(old + 8)..u64::from(old + 12));
    heap.begin_marking();
    assert!(!heap.is_marked(old) && mark(&mut heap, neighbour));
    assert_eq!(written(&mut heap), (vec![], vec![]));
    heap.note_writes(old, u64::from(old + 8)..u64::from(old + 12));
    assert_eq!(written(&mut heap).0, beside, "what is not marked will be read in any case");
}

#[test]
fn free_memory_is_given_back() {
    let ty = array_of(StorageType::I8);
    let (mut heap, mut context) = (GcHeap::default(), VMHeap::NONE);
    heap.prepare(&mut context).unwrap();
    let length = 1 << 20;
    let header = [ty.id().0 << TYPE_SHIFT, length];
    let all: Vec<u32> = (0..64).map(|_| heap.allocate(&mut context, header, length + 8).expect("64 MiB")).collect();
    for &array in &all {
        // SAFETY: within the array.
        unsafe { heap.at::<u8>(array + 8).write_bytes(1, length as usize) };
    }
    heap.begin_marking();
    assert!(mark(&mut heap, all[40]));
    heap.sweep();
    heap.release_memory();
    // SAFETY: committed, whether anything lies there or not.
    let byte = |heap: &GcHeap, array: u32| unsafe { heap.at::<u8>(array + (length / 2)).read() };
    let kept = if cfg!(feature = "stress") { super::space::POISON } else { 1 };
    assert_eq!((byte(&heap, all[0]), byte(&heap, all[40])), (kept, 1), "some is kept, and what is in use");
    assert!([20, 39, 41, 63].iter().all(|&at| byte(&heap, all[at]) == 0), "the rest is not");
    assert_eq!(heap.allocate(&mut context, header, length + 8), Some(all[0]));
}

/// Everything that 32 bits reach is one array, whose last element is where the heap ends.
#[test]
fn the_last_element_of_the_heap_is_read_again() {
    let ty = array_of(StorageType::Val(ValType::Ref(RefType { nullable: true, heap: HeapType::Any })));
    let (mut heap, mut context) = (GcHeap::default(), VMHeap::NONE);
    heap.prepare(&mut context).unwrap();
    let size = heap.capacity() as u64;
    if size < 3 << 30 {
        // Where address space is limited no heap reaches as far.
        return;
    }
    let length = ((size - 8) / 4) as u32;
    let array = heap.allocate(&mut context, [ty.id().0 << TYPE_SHIFT, length], size as u32).unwrap();
    assert_eq!(u64::from(array) + size, 1 << 32);
    heap.begin_marking();
    assert_eq!(heap.mark_object(array), Some(true));
    let end = u64::from(array) + size;
    for places in [end - 4..end, end - 400..end] {
        heap.note_writes(array, places.clone());
        let mut written = [false; 200];
        heap.take_written(
            |_| panic!("the elements only"),
            |object, elements| {
                assert_eq!(object, array);
                for element in elements {
                    if let Some(written) = written.get_mut((length - 1 - element) as usize) {
                        *written = true;
                    }
                }
            },
        );
        let count = (places.end - places.start) as usize / 4;
        assert!(written[..count].iter().all(|&written| written));
    }
}
