//! Instances that take the place of dead ones: nothing of the dead is left, and nothing that was promised is missing.

use crate::abi::ObjectHeader;
use crate::types::*;
use crate::vm::compiled_module::CompiledModule;
use crate::vm::engine::{Config, Engine};
use crate::vm::instance::Instance;
use crate::vm::instance::instantiate::{Failure, instantiate};
use crate::vm::memory::Memory;
use crate::vm::new_store;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Store};

use crate::vm::table::Table;
use crate::vm::tests::lazy_tables::table;
use crate::vm::tests::{call, compile, export, i32, modes};
use crate::vm::val::{self, Val};
use std::sync::Arc;

pub(super) fn with_store(config: Config, test: impl Fn(&Entered<'_>)) {
    let store = new_store(Engine::new(config).unwrap());
    // SAFETY: just made.
    let entered = unsafe { &*store }.enter().unwrap();
    test(&entered);
    drop(entered);
    // SAFETY: the test's own handle.
    unsafe { Store::delete(store) };
}

pub(super) fn make(
    entered: &Entered<'_>,
    module: &Arc<CompiledModule>,
    imports: &[*mut ObjectHeader],
) -> Result<Handle<Instance>, TrapCode> {
    // SAFETY: the tests pass live imports.
    match unsafe { instantiate(entered, module, imports) } {
        Ok(instance) => Ok(instance),
        Err(Failure::Trap(trap)) => Err(trap.code()),
        Err(Failure::Error(error)) => panic!("{error}"),
    }
}

pub(super) fn new(entered: &Entered<'_>, module: &Arc<CompiledModule>) -> Handle<Instance> {
    make(entered, module, &[]).unwrap()
}

fn memory(instance: &Instance) -> &Memory {
    instance.memory_ref(MemoryIndex::from_u32(0))
}

fn contents(memory: &Memory) -> &[u8] {
    // SAFETY: all of the memory is accessible, and nothing writes to it while the test looks.
    unsafe { std::slice::from_raw_parts(memory.base(), memory.byte_len()) }
}

/// A way to leave something in a memory.
type Write = fn(&Entered<'_>, &Instance);

fn poke(memory: &Memory, at: usize) {
    assert!(at < memory.byte_len());
    // SAFETY: within the memory.
    unsafe { memory.base().wrapping_add(at).write(0xee) };
}

pub(super) fn run(instance: &Instance, name: &str, args: &[i32]) -> Option<u64> {
    let results = usize::from(name.starts_with("get") || name == "grow");
    let args: Vec<_> = args.iter().map(|&arg| i32(arg)).collect();
    call(export(instance, name), &args, results).unwrap().first().map(|val| val.of)
}

pub(super) fn act(instance: &Instance, name: &str, args: &[i32]) {
    run(instance, name, args);
}

const WRITES: [(&str, Write); 12] = [
    ("nothing", |_, _| {}),
    ("a store", |_, instance| act(instance, "store", &[5])),
    ("stores all over", |_, instance| {
        let end = memory(instance).byte_len();
        (0..end).step_by(3000).for_each(|at| act(instance, "store", &[at as i32 & !3]));
    }),
    ("memory.fill", |_, instance| act(instance, "fill", &[100, 9000])),
    ("memory.init", |_, instance| act(instance, "init", &[60000])),
    ("memory.copy", |_, instance| act(instance, "copy", &[50000, 0, 6000])),
    ("growth, and stores there", |_, instance| {
        let old = memory(instance).byte_len() as i32;
        assert_ne!(run(instance, "grow", &[3]), Some(u64::from(u32::MAX)));
        run(instance, "store", &[old]);
        run(instance, "store", &[old + 0x2fffc]);
    }),
    ("growth by the host", |_, instance| {
        let memory = memory(instance);
        let old = memory.byte_len();
        memory.grow(1).unwrap();
        poke(memory, old + 7);
    }),
    ("the host's pointer", |_, instance| {
        export(instance, "m");
        poke(memory(instance), 30000);
        poke(memory(instance), memory(instance).byte_len() - 1);
    }),
    ("another instance", |entered, instance| {
        let wat = r#"(module (import "" "m" (memory 1)) (data (i32.const 20000) "left behind")
            (func (export "store") (i32.store (i32.const 40000) (i32.const -1))))"#;
        let module = compile(entered.store().engine(), wat);
        let other = make(entered, &module, &[export(instance, "m")]).unwrap();
        run(&other, "store", &[]);
    }),
    ("a trap", |_, instance| {
        run(instance, "store", &[12]);
        assert!(call(export(instance, "trap"), &[], 0).is_err());
    }),
    ("data.drop", |_, instance| act(instance, "drop", &[])),
];

/// A module whose memory has `pages` and begins with `data` bytes from `at` on.
fn guest(pages: u32, at: usize, data: usize) -> String {
    let text: String = (0..data).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
    let segment = if data > 0 { format!("(data (i32.const {at}) \"{text}\")") } else { String::new() };
    format!(
        r#"(module (memory (export "m") {pages}) (data $p "passive segment") {segment}
        (func (export "store") (param i32) (i32.store (local.get 0) (i32.const -1)))
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
        (func (export "init") (param i32) (memory.init $p (local.get 0) (i32.const 0) (i32.const 15)))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "drop") (data.drop $p))
        (func (export "trap") (i32.store (i32.const 16) (i32.const -1)) (drop (i32.load (i32.const -1))))
        (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0))))"#
    )
}

/// Nothing that was written to a memory, in any way, is seen by the next instance, whose memory is as its module says.
#[test]
fn memories_begin_as_their_module_says() {
    memories_begin(false);
}

/// The same where the kernel does not tell which pages were written.
#[test]
fn memories_begin_as_their_module_says_whoever_knows() {
    memories_begin(true);
}

fn memories_begin(silenced: bool) {
    crate::os::dirty_pages::silenced::set(silenced);
    for config in modes() {
        with_store(config, |entered| {
            for (pages, at, data) in [(1, 0, 0), (1, 10, 40), (1, 5000, 30000), (70, 0, 0), (70, 65530, 100_000)] {
                let module = compile(entered.store().engine(), &guest(pages, at, data));
                let length = pages as usize * 0x10000;
                let expected = |i: usize| if i.wrapping_sub(at) < data { b'a' + ((i - at) % 26) as u8 } else { 0 };
                let expected: Vec<u8> = (0..length).map(expected).collect();
                for (how, write) in WRITES {
                    let instance = new(entered, &module);
                    assert!(contents(memory(&instance)) == expected, "before {how}, {config:?}, {pages} pages");
                    write(entered, &instance);
                    drop(instance);
                    entered.store().collect();
                    assert_eq!(entered.store().entities.borrow().len(), 0, "{how}");
                    let next = new(entered, &module);
                    assert!(
                        contents(memory(&next)) == expected,
                        "after {how}, {config:?}, {pages} pages, {data} bytes"
                    );
                    let trap = call(export(&next, "get"), &[i32(length as i32)], 1).unwrap_err();
                    assert_eq!(trap.code(), TrapCode::MemoryOutOfBounds, "after {how}");
                    run(&next, "init", &[0]);
                    assert_eq!(contents(memory(&next))[..15], *b"passive segment", "after {how}");
                }
            }
        });
    }
}

#[test]
fn the_next_instance_takes_the_block() {
    with_store(Config::default(), |entered| {
        let store = entered.store();
        let wat = r#"(module (memory (export "m") 1) (table (export "t") 3 funcref) (elem (i32.const 0) $f)
            (global (export "g") (mut i32) (i32.const 5)) (func $f (export "f") (global.set 0 (i32.const 6))))"#;
        let module = compile(store.engine(), wat);
        let first = new(entered, &module);
        let (at, func) = (first.as_ptr(), export(&first, "f"));
        // SAFETY: a live function of the store.
        let func = unsafe { Handle::<crate::abi::VMFuncRef>::retain(func.cast()) };
        // SAFETY: a live memory of the store.
        let memory = unsafe { Handle::<Memory>::retain(export(&first, "m").cast()) };
        run(&first, "f", &[]);
        drop(first);
        assert_eq!(store.entities.borrow().len(), 3, "its function has a handle");
        drop(func);
        assert_eq!(store.entities.borrow().len(), 3, "its memory has a handle");
        drop(memory);
        assert_eq!(store.entities.borrow().len(), 0);
        let second = new(entered, &module);
        assert_eq!(second.as_ptr(), at);
        let global: *mut crate::abi::VMGlobal = export(&second, "g").cast();
        // SAFETY: a live global of the instance.
        assert_eq!(unsafe { (*global).value[0] }, 5);
        let third = new(entered, &module);
        assert_ne!(third.as_ptr(), at);
        drop((second, third));
        // A memory that stays is not in the next instance.
        let first = new(entered, &module);
        let wat = r#"(module (import "" "m" (memory 1)) (func (export "get") (param i32) (result i32) (i32.load (i32.const 0))))"#;
        let user = compile(store.engine(), wat);
        let user = make(entered, &user, &[export(&first, "m")]).unwrap();
        poke(self::memory(&first), 0);
        drop(first);
        store.collect();
        let next = new(entered, &module);
        assert_eq!(contents(self::memory(&next))[0], 0);
        assert_eq!(run(&user, "get", &[0]), Some(0xee));
    });
}

#[test]
fn memories_stay_when_their_module_and_engine_go() {
    let store = new_store(Engine::new(Config::default()).unwrap());
    // SAFETY: just made.
    let entered = unsafe { &*store }.enter().unwrap();
    let module = compile(entered.store().engine(), &guest(1, 100, 30000));
    let instance = new(&entered, &module);
    let user = r#"(module (import "" "m" (memory 1)) (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;
    let user = make(&entered, &compile(entered.store().engine(), user), &[export(&instance, "m")]).unwrap();
    drop(instance);
    drop(module);
    entered.store().collect();
    assert_eq!(run(&user, "get", &[101]), Some(u64::from(b'b')));
    assert_eq!(run(&user, "get", &[30099]), Some(u64::from(b'a' + (29999 % 26) as u8)));
    drop(user);
    drop(entered);
    // SAFETY: the test's own handle.
    unsafe { Store::delete(store) };
}

/// Instantiation that fails at each of its steps leaves what the steps before it did, and nothing else.
#[test]
fn failures_half_way() {
    let wat = |elem: u32, data: u32, start: &str| {
        format!(
            r#"(module (import "" "t" (table 4 funcref)) (import "" "m" (memory 1)) (table $own (export "t") 4 funcref)
            (elem (table $own) (i32.const 0) func $get) (elem (table 0) (i32.const 0) func $get)
            (elem (table 0) (i32.const {elem}) func $get)
            (data (i32.const 7) "first") (data (i32.const {data}) "second")
            (func $get (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func $start {start}) (start $start))"#
        )
    };
    let own = r#"(import "" "t" (table 4 funcref)) (memory (export "own") 1) (data (i32.const 100) "imaged")
        (elem (i32.const 0) func $get)"#;
    let own = |rest: &str| {
        format!(
            "(module {own} {rest} (func $get (export \"get\") (param i32) (result i32) (i32.load8_u (local.get 0))))"
        )
    };
    for config in modes() {
        with_store(config, |entered| {
            let store = entered.store();
            let holder = r#"(module (table (export "t") 4 funcref) (memory (export "m") 1) (type $v (func (param i32) (result i32)))
                (func (export "get_call") (param i32 i32) (result i32) (call_indirect (type $v) (local.get 1) (local.get 0))))"#;
            let holder = compile(store.engine(), holder);
            for (elem, data, start, expected) in [
                (4, 20, "", TrapCode::TableOutOfBounds),
                (1, 65535, "", TrapCode::MemoryOutOfBounds),
                (1, 20, "unreachable", TrapCode::Unreachable),
            ] {
                let holder = new(entered, &holder);
                let module = compile(store.engine(), &wat(elem, data, start));
                for _ in 0..3 {
                    let imports = [export(&holder, "t"), export(&holder, "m")];
                    assert_eq!(make(entered, &module, &imports).err(), Some(expected));
                }
                assert!(!table(&holder).get_object(0).unwrap().unwrap().is_null());
                assert_eq!(table(&holder).get_object(1).unwrap().unwrap().is_null(), elem == 4);
                let bytes = contents(memory(&holder));
                assert_eq!(&bytes[7..12] == b"first", elem != 4);
                assert_eq!(&bytes[20..26] == b"second", elem != 4 && data == 20);
                drop(holder);
                store.collect();
                assert_eq!(store.entities.borrow().len(), 0);
            }
            // What escaped of an instance whose element segment trapped has not seen its data; if a data segment did, it has.
            for (rest, byte) in [
                ("(elem (i32.const 4) func $get)", 0),
                ("(data (i32.const 65535) \"xx\")", u64::from(b'm')),
                ("(start $s) (func $s unreachable)", u64::from(b'm')),
            ] {
                let holder = new(entered, &holder);
                let module = compile(store.engine(), &own(rest));
                assert!(make(entered, &module, &[export(&holder, "t")]).is_err());
                assert_eq!(run(&holder, "get_call", &[0, 101]), Some(byte), "{rest}");
                drop(holder);
                store.collect();
                assert_eq!(store.entities.borrow().len(), 0);
            }
        });
    }
}

/// Segments that images used up are dropped, and others are not, in each instance anew.
#[test]
fn dropped_segments() {
    with_store(Config::default(), |entered| {
        let wat = r#"(module (memory 1) (table 4 funcref) (data $a (i32.const 0) "x") (data $p "y")
            (elem $e (i32.const 0) func $f) (elem $q func $f) (elem declare func $f) (func $f)
            (func (export "a") (memory.init $a (i32.const 0) (i32.const 0) (i32.const 1)))
            (func (export "e") (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))
            (func (export "p") (memory.init $p (i32.const 0) (i32.const 0) (i32.const 1)))
            (func (export "q") (table.init $q (i32.const 0) (i32.const 0) (i32.const 1)))
            (func (export "drop") (data.drop $p) (elem.drop $q)))"#;
        let module = compile(entered.store().engine(), wat);
        for _ in 0..3 {
            let instance = new(entered, &module);
            let fails = |name| call(export(&instance, name), &[], 0).is_err();
            assert_eq!(["a", "e", "p", "q"].map(fails), [true, true, false, false]);
            run(&instance, "drop", &[]);
            assert_eq!(["a", "e", "p", "q"].map(fails), [true, true, true, true]);
        }
    });
}

/// Host info and references in globals and tables belong to the instance that had them.
#[test]
fn references_do_not_stay() {
    use std::cell::Cell;
    thread_local! {
        static FINALIZED: Cell<u32> = const { Cell::new(0) };
    }
    unsafe extern "C" fn count(_: *mut std::ffi::c_void) {
        FINALIZED.set(FINALIZED.get() + 1);
    }
    for config in modes() {
        with_store(config, |entered| {
            let store = entered.store();
            let wat = r#"(module (table (export "t") 2 externref) (global (export "g") (mut externref) (ref.null extern))
                (memory (export "m") 1)
                (func (export "put") (param externref) (table.set (i32.const 1) (local.get 0)) (global.set 0 (local.get 0)))
                (func (export "get_both") (result i32)
                    (i32.and (ref.is_null (table.get (i32.const 1))) (ref.is_null (global.get 0)))))"#;
            let module = compile(store.engine(), wat);
            FINALIZED.set(0);
            for round in 1..4 {
                let instance = new(entered, &module);
                assert_eq!(run(&instance, "get_both", &[]), Some(1));
                let foreign = crate::vm::foreign::Foreign::new(entered).unwrap().into_raw().cast::<ObjectHeader>();
                for object in [foreign, instance.as_ptr().cast(), export(&instance, "m"), export(&instance, "t")] {
                    assert!(store.host_info(object).is_null());
                    // SAFETY: a live object of the entered store.
                    unsafe { store.set_host_info(object, 8 as *mut _, Some(count)) };
                }
                let mut args = [Val { kind: val::KIND_EXTERNREF, of: foreign as u64 }];
                call(export(&instance, "put"), &args, 0).unwrap();
                // SAFETY: the test's own handle.
                unsafe { args[0].delete() };
                assert_eq!(run(&instance, "get_both", &[]), Some(0));
                drop(instance);
                store.collect();
                entered.call_out(|| store.run_finalizers());
                assert_eq!((FINALIZED.get(), store.entities.borrow().len()), (round * 4, 0));
            }
        });
    }
}

/// Instances that a collection found dead, and that wait to be freed, while handles of what they made are given back.
#[test]
fn memories_and_tables_that_wait_to_be_freed() {
    with_store(Config::default(), |entered| {
        let store = entered.store();
        let module = compile(store.engine(), r#"(module (memory (export "m") 1) (table (export "t") 4 funcref))"#);
        let mut memories = Vec::new();
        let mut tables = Vec::new();
        for round in 0..200 {
            let instance = new(entered, &module);
            // SAFETY: a live memory and a live table of the store.
            let memory = unsafe { Handle::<Memory>::retain(export(&instance, "m").cast()) };
            memories.push(memory);
            if round % 2 == 0 {
                // SAFETY: as above.
                tables.push(unsafe { Handle::<Table>::retain(export(&instance, "t").cast()) });
            }
        }
        store.find_dead();
        memories.clear();
        drop(new(entered, &module));
        tables.clear();
        for _ in 0..100 {
            drop(new(entered, &module));
        }
        store.collect();
        for _ in 0..100 {
            drop(new(entered, &module));
        }
        assert_eq!(store.entities.borrow().len(), 0);
    });
}

/// Stores on several threads share a module, and so its slots.
#[test]
fn slots_move_between_stores_and_threads() {
    let engine = Engine::new(Config::default()).unwrap();
    let module = compile(&engine, &guest(1, 100, 30000));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                for round in 0..200 {
                    let store = new_store(engine.clone());
                    // SAFETY: just made.
                    let entered = unsafe { &*store }.enter().unwrap();
                    let instances: Vec<_> = (0..round % 4).map(|_| new(&entered, module)).collect();
                    for instance in &instances {
                        let bytes = contents(memory(instance));
                        assert!(bytes[99] == 0 && bytes[100] == b'a' && bytes[50_000] == 0);
                        run(instance, "store", &[100]);
                        run(instance, "fill", &[50_000, 1 << thread]);
                    }
                    drop(instances);
                    drop(entered);
                    // SAFETY: the test's own handle.
                    unsafe { Store::delete(store) };
                }
            });
        }
    });
}

#[cfg(feature = "stress")]
#[test]
fn whatever_mapping_fails() {
    use crate::os::map::stress::fail_nth;
    for config in modes() {
        with_store(config, |entered| {
            let store = entered.store();
            let module = compile(store.engine(), &guest(2, 100, 30000));
            let (mut failures, mut n) = (0, 0);
            loop {
                n += 1;
                store.engine().empty_pools();
                fail_nth(n);
                // SAFETY: there are no imports.
                let made = unsafe { instantiate(entered, &module, []) };
                let fewer = fail_nth(0) != 0;
                match made {
                    Ok(instance) => assert_eq!(contents(memory(&instance))[100], b'a'),
                    Err(Failure::Error(error)) => {
                        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
                        failures += 1;
                    }
                    Err(Failure::Trap(_)) => panic!("a trap"),
                }
                assert_eq!(store.entities.borrow().len(), 0);
                if fewer {
                    break;
                }
            }
            assert!(failures >= 2, "{failures} of {n} mappings matter");
        });
    }
}
