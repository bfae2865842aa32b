//! Which types are equal and which match, what their numbers are, and when they go.

use super::*;
use crate::module;
use crate::types::{CompositeType, FieldType, Mutability, RefType, StorageType, TypeIndex, ValType};

fn func(params: &[ValType], results: &[ValType]) -> FuncType {
    FuncType { params: params.into(), results: results.into() }
}

fn reference(kind: CompositeKind, ty: TypeUse) -> ValType {
    ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete { kind, ty } })
}

fn index(index: u32) -> TypeUse {
    TypeUse::Index(TypeIndex::from_u32(index))
}

fn structure(is_final: bool, supertype: Option<u32>, fields: &[ValType]) -> SubType {
    let field = |&ty| FieldType { storage: StorageType::Val(ty), mutability: Mutability::Const };
    let composite = CompositeType::Struct(fields.iter().map(field).collect());
    SubType { is_final, supertype: supertype.map(index), composite }
}

/// The types of a module with these recursion groups.
fn defined(groups: &[&[SubType]]) -> Vec<DefinedType> {
    let mut module = Module::default();
    for group in groups {
        group.iter().for_each(|ty| {
            module.types.push(ty.clone());
        });
        module.rec_groups.push(module.types.len() as u32);
    }
    module.check().unwrap();
    DefinedType::of_module(&module).unwrap()
}

fn ids(types: &[DefinedType]) -> Vec<u32> {
    types.iter().map(|ty| ty.id().0).collect()
}

#[test]
fn equal_groups_are_one() {
    use CompositeKind::Struct;
    let list = |at| structure(true, None, &[ValType::I32, reference(Struct, index(at))]);
    let types = defined(&[&[list(0)], &[list(1)], &[list(0)]]);
    assert_eq!((ids(&types)[0], types[0].kind()), (ids(&types)[1], Struct));
    assert_ne!(ids(&types)[0], ids(&types)[2], "the third is no list of itself");
    // Two that name each other are not one that names itself twice, and their order counts.
    let pair = |first, second| [list(first), structure(true, None, &[ValType::I64, reference(Struct, index(second))])];
    let types = defined(&[&pair(1, 0), &pair(3, 2), &pair(4, 5)]);
    let ids = ids(&types);
    assert_eq!((ids[0], ids[1]), (ids[2], ids[3]));
    assert!(ids[4] != ids[0] && ids[5] != ids[1]);
    assert_eq!((ids[1], ids[5]), (ids[0] + 1, ids[4] + 1), "numbers of a group are consecutive");
    let [first, second] = pair(1, 0);
    let swapped = defined(&[&[second.rename(&mut |_| index(1)), first.rename(&mut |_| index(0))]]);
    assert!(swapped.iter().all(|ty| !ids.contains(&ty.id().0)));
}

#[test]
fn closed_types_name_types_by_number() {
    use CompositeKind::Struct;
    let types = defined(&[&[structure(true, None, &[reference(Struct, index(0))])]]);
    let CompositeType::Struct(fields) = &types[0].sub_type().composite else { panic!() };
    assert_eq!(fields[0].storage, StorageType::Val(reference(Struct, TypeUse::Defined(types[0].id()))));
    assert_eq!(DefinedType::named_by(types[0].heap_type()).unwrap().id(), types[0].id());
}

#[test]
fn supertypes_are_matched() {
    let types = defined(&[
        &[structure(false, None, &[])],
        &[structure(false, Some(0), &[ValType::I32]), structure(true, Some(1), &[ValType::I32, ValType::I64])],
        &[structure(false, None, &[ValType::F32])],
    ]);
    let matches = |a: usize, b: usize| types[a].matches(types[b].id());
    assert!(matches(0, 0) && matches(1, 0) && matches(2, 0) && matches(2, 1));
    assert!(!matches(0, 1) && !matches(1, 2) && !matches(3, 0) && !matches(0, 3));
    assert_eq!(types[2].supertypes(), [types[0].id(), types[1].id(), types[2].id()]);
    let ty = |heap, nullable| RefType { heap, nullable };
    let of = |at: usize| types[at].heap_type();
    for (given, wanted, expected) in [
        (ty(of(2), false), ty(of(0), true), true),
        (ty(of(2), true), ty(of(0), false), false),
        (ty(of(0), true), ty(of(2), true), false),
        (ty(of(0), true), ty(HeapType::Struct, true), true),
        (ty(of(0), true), ty(HeapType::Eq, true), true),
        (ty(of(0), true), ty(HeapType::Any, true), true),
        (ty(of(0), true), ty(HeapType::Array, true), false),
        (ty(of(0), true), ty(HeapType::Func, true), false),
        (ty(HeapType::None, true), ty(of(0), true), true),
        (ty(HeapType::NoFunc, true), ty(of(0), true), false),
        (ty(HeapType::NoFunc, true), RefType::FUNCREF, true),
        (ty(HeapType::NoExtern, false), RefType::EXTERNREF, true),
        (ty(HeapType::Any, true), ty(HeapType::Eq, true), false),
        (ty(HeapType::I31, true), ty(HeapType::Eq, true), true),
        (ty(HeapType::I31, true), ty(HeapType::Struct, true), false),
        (ty(HeapType::Eq, true), ty(HeapType::Struct, true), false),
    ] {
        assert_eq!(ref_matches(given, wanted), expected, "{given} for {wanted}");
    }
}

#[test]
fn types_go_with_their_last_user() {
    // Of 77 parameters, so that no other test uses the same.
    let unusual = |last| func(&[&[ValType::F64; 76][..], &[last]].concat(), &[]);
    let first = DefinedType::func(unusual(ValType::I32)).unwrap();
    let id = first.id();
    let user = DefinedType::func(unusual(reference(CompositeKind::Func, TypeUse::Defined(id)))).unwrap();
    drop(first);
    assert_eq!(DefinedType::get(id).unwrap().id(), id, "a type that uses it keeps it");
    let user_id = user.id();
    drop(user);
    let is_registered =
        |id: TypeId, ty: &FuncType| DefinedType::get(id).is_some_and(|found| found.sub_type().as_func() == Some(ty));
    assert!(!is_registered(id, &unusual(ValType::I32)));
    assert!(!registry().groups.contains_key(&[SubType::func(unusual(ValType::I32))][..]));
    assert!(
        DefinedType::get(user_id).is_none_or(|found| found.sub_type().as_func().is_none_or(|ty| ty.params.len() != 77))
    );
}

#[test]
fn a_million_types_that_use_each_other_go_without_recursion() {
    let count = 1_000_000;
    let mut last = DefinedType::func(func(&[ValType::V128; 3], &[])).unwrap();
    for _ in 0..count {
        last = DefinedType::func(func(&[reference(CompositeKind::Func, TypeUse::Defined(last.id()))], &[])).unwrap();
    }
    std::thread::Builder::new().stack_size(64 << 10).spawn(move || drop(last)).unwrap().join().unwrap();
}

/// Numbers are given again whatever the sizes of the groups are that had them; other tests have a million at a time.
#[test]
fn numbers_of_groups_of_any_size_are_given_again() {
    let kept = defined(&[&[structure(true, None, &[ValType::F64; 9])]]);
    for round in 0..50 {
        let members: Vec<_> = (0..100_000 - round).map(|_| structure(true, None, &[ValType::I64])).collect();
        let types = defined(&[&members]);
        assert!(types[0].id().0 < 3_000_000, "round {round}: {:?}", types[0].id());
    }
    assert_eq!(kept[0].supertypes(), [kept[0].id()]);
}

#[test]
fn registrations_race_with_their_ends() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                for round in 0..5_000 {
                    let kept: Vec<_> = (0..3)
                        .map(|n| {
                            DefinedType::func(func(&[ValType::V128, ValType::F32], &vec![ValType::I64; n])).unwrap()
                        })
                        .collect();
                    let again = DefinedType::func(func(&[ValType::V128, ValType::F32], &vec![ValType::I64; round % 3]))
                        .unwrap();
                    assert_eq!(again.id(), kept[round % 3].id());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_parse_reads_is_what_is_registered() {
    let text =
        "(module (type $f (func)) (type (func (param (ref null $f)))) (type (func (param (ref $f)))) (type (func)))";
    let module = module::parse(&wat::parse_str(text).unwrap(), module::Features::DEFAULT).unwrap().module;
    let types = DefinedType::of_module(&module).unwrap();
    assert_eq!(ids(&types), ids(&DefinedType::of_module(&module).unwrap()));
    assert_eq!(types[0].id(), types[3].id());
    assert_ne!(types[1].id(), types[2].id());
    let nullable = reference(CompositeKind::Func, TypeUse::Defined(types[0].id()));
    assert_eq!(types[1].sub_type().as_func(), Some(&func(&[nullable], &[])));
    assert!(types.iter().all(DefinedType::is_plain));
}
