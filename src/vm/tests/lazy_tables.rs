//! Tables that are filled on first use: they are what they would be if they had been filled at first.

use super::reuse::{act, make, new, run, with_store};
use crate::types::*;
use crate::vm::engine::Config;
use crate::vm::instance::Instance;
use crate::vm::store::entity::Handle;
use crate::vm::table::Table;
use crate::vm::tests::{call, compile, export, i32, modes};

pub(super) fn table(instance: &Instance) -> &Table {
    instance.table_ref(TableIndex::from_u32(0))
}

const FUNCS: &str = r#"(table (export "t") 8 20 funcref) (type $v (func (result i32)))
    (elem (i32.const 1) func $a $b) (elem (i32.const 4) funcref (ref.func $a) (ref.null func))
    (elem $p func $b $a) (elem $n funcref (ref.null func) (ref.func $b))
    (func $a (export "a") (result i32) (i32.const 10)) (func $b (export "b") (result i32) (i32.const 11))
    (func (export "get_call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
    (func (export "get_null") (param i32) (result i32) (ref.is_null (table.get (local.get 0))))
    (func (export "set_null") (param i32) (table.set (local.get 0) (ref.null func)))
    (func (export "set") (param i32 i32) (table.set (local.get 0) (table.get (local.get 1))))
    (func (export "fill_null") (table.fill (i32.const 0) (ref.null func) (i32.const 3)))
    (func (export "copy") (param i32 i32 i32) (table.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (table.init $p (i32.const 0) (i32.const 0) (i32.const 2)))
    (func (export "init_null") (table.init $n (i32.const 1) (i32.const 0) (i32.const 2)))
    (func (export "grow") (result i32) (table.grow (ref.func $a) (i32.const 3)))"#;

/// What the functions in the table return; `None` for null.
fn returned(instance: &Instance) -> Vec<Option<u64>> {
    let size = table(instance).size() as i32;
    let each = |i| match call(export(instance, "get_call"), &[i32(i)], 1) {
        Ok(values) => Some(values[0].of),
        Err(trap) => {
            assert_eq!(trap.code(), TrapCode::IndirectCallToNull);
            assert_eq!(run(instance, "get_null", &[i]), Some(1));
            None
        }
    };
    (0..size).map(each).collect()
}

/// A table that is filled on first use is the table it would be if it had been filled at first, whatever is done to it.
#[test]
fn lazy_tables_are_tables() {
    const A: Option<u64> = Some(10);
    const B: Option<u64> = Some(11);
    const N: Option<u64> = None;
    type Case = (&'static str, fn(&Instance), &'static [Option<u64>]);
    let cases: [Case; 9] = [
        ("nothing", |_| {}, &[N, A, B, N, A, N, N, N]),
        ("set null", |i| act(i, "set_null", &[1]), &[N, N, B, N, A, N, N, N]),
        ("set", |i| act(i, "set", &[1, 2]), &[N, B, B, N, A, N, N, N]),
        ("set to what is null", |i| act(i, "set", &[4, 0]), &[N, A, B, N, N, N, N, N]),
        ("fill", |i| act(i, "fill_null", &[]), &[N, N, N, N, A, N, N, N]),
        ("copy", |i| act(i, "copy", &[0, 1, 4]), &[A, B, N, A, A, N, N, N]),
        ("init", |i| act(i, "init", &[]), &[B, A, B, N, A, N, N, N]),
        ("init with null", |i| act(i, "init_null", &[]), &[N, N, B, N, A, N, N, N]),
        ("grow", |i| assert_eq!(run(i, "grow", &[]), Some(8)), &[N, A, B, N, A, N, N, N, A, A, A]),
    ];
    for config in modes() {
        with_store(config, |entered| {
            let module = compile(entered.store().engine(), &format!("(module {FUNCS})"));
            for filled_before in [false, true] {
                for (how, change, expected) in cases {
                    let instance = new(entered, &module);
                    assert!(table(&instance).is_lazy() && table(&instance).stored_elements().count() <= 4);
                    if filled_before {
                        assert_eq!(returned(&instance), cases[0].2);
                    }
                    change(&instance);
                    entered.store().collect();
                    assert_eq!(returned(&instance), expected, "{how}");
                    entered.store().collect();
                    assert_eq!(returned(&instance), expected, "{how}");
                    drop(instance);
                    entered.store().collect();
                    assert_eq!(entered.store().entities.borrow().len(), 0);
                }
            }
        });
    }
}

#[test]
fn elements_are_the_functions_that_are_exported() {
    with_store(Config::default(), |entered| {
        let store = entered.store();
        let module = compile(store.engine(), &format!("(module {FUNCS})"));
        let instance = new(entered, &module);
        let element = table(&instance).get_object(1).unwrap().unwrap();
        assert_eq!(element, export(&instance, "a"));
        store.collect();
        assert_eq!(table(&instance).get_object(4).transpose().unwrap(), Some(element));
        assert_eq!(
            (table(&instance).get_object(5).transpose().unwrap(), table(&instance).get_object(8).transpose().unwrap()),
            (Some(std::ptr::null_mut()), None)
        );
        // SAFETY: null is live enough.
        unsafe { table(&instance).set_object(entered, 2, std::ptr::null_mut()) }.unwrap();
        // SAFETY: a live function.
        unsafe { table(&instance).grow_object(entered, 2, element) }.unwrap();
        let all: Vec<_> = (0..10).map(|index| table(&instance).get_object(index).unwrap().unwrap().is_null()).collect();
        assert_eq!(all, [true, false, true, true, false, true, true, true, false, false]);
        // The table alone, which nothing was asked of yet, keeps what it stands for.
        let second = new(entered, &module);
        // SAFETY: a live table of the store.
        let table = unsafe { Handle::<Table>::retain(export(&second, "t").cast()) };
        drop((instance, second));
        store.collect();
        let element = table.get_object(2).unwrap().unwrap();
        assert_eq!(call(element, &[], 1).unwrap()[0].of, 11);
        drop(table);
        store.collect();
        assert_eq!(store.entities.borrow().len(), 0);
    });
}

/// An instance that imports the table of another, which has gone from the host's hands, finds that one's functions; and what it
/// puts there is not in the table of the next instance.
#[test]
fn lazy_tables_are_shared() {
    for config in modes() {
        with_store(config, |entered| {
            let store = entered.store();
            let module = compile(store.engine(), &format!("(module {FUNCS})"));
            let user = r#"(module (import "" "t" (table 8 funcref)) (type $v (func (result i32)))
                (func (export "get_call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
                (func (export "get_null") (param i32) (result i32) (ref.is_null (table.get (local.get 0))))
                (func (export "put") (table.set (i32.const 0) (ref.func $own)))
                (func $own (export "own") (result i32) (i32.const 12)))"#;
            let user = compile(store.engine(), user);
            let instance = new(entered, &module);
            let at = instance.as_ptr();
            let user = make(entered, &user, &[export(&instance, "t")]).unwrap();
            drop(instance);
            store.collect();
            assert_eq!(run(&user, "get_null", &[4]), Some(0));
            assert_eq!(run(&user, "get_call", &[1]), Some(10));
            run(&user, "put", &[]);
            store.collect();
            assert_eq!((run(&user, "get_call", &[0]), run(&user, "get_call", &[2])), (Some(12), Some(11)));
            drop(user);
            store.collect();
            assert_eq!(store.entities.borrow().len(), 0);
            let next = new(entered, &module);
            assert_eq!(next.as_ptr(), at);
            assert_eq!(returned(&next), [None, Some(10), Some(11), None, Some(10), None, None, None]);
        });
    }
}

/// Elements that are imported functions are those of the instance at hand.
#[test]
fn imported_functions_in_a_table_are_not_kept() {
    with_store(Config::default(), |entered| {
        let store = entered.store();
        let wat = r#"(module (import "" "f" (func $f (result i32))) (table 1 funcref) (elem (i32.const 0) $f)
            (type $v (func (result i32))) (func (export "get_call") (result i32) (call_indirect (type $v) (i32.const 0))))"#;
        let module = compile(store.engine(), wat);
        for value in 0..3 {
            let wat = format!("(module (func (export \"f\") (result i32) (i32.const {value})))");
            let other = new(entered, &compile(store.engine(), &wat));
            let instance = make(entered, &module, &[export(&other, "f")]).unwrap();
            assert_eq!(run(&instance, "get_call", &[]), Some(value));
            drop((instance, other));
            store.collect();
        }
    });
}
