//! The virtual machine from the inside: call, trap, collect.

use super::engine::{Config, Engine};
use super::entity::Handle;
use super::func::{self, Callback, HostFunc, ValVec};
use super::instance::Instance;
use super::instantiate::{Failure, instantiate};
use super::module::CompiledModule;
use super::store::{Entered, Store};
use super::trap::Trap;
use super::val::{self, Val};
use super::vmcontext::{ObjectHeader, VMFuncRef};
use crate::types::*;
use std::mem::MaybeUninit;
use std::sync::Arc;

fn modes() -> [Config; 3] {
    let signals = Config::default();
    [signals, Config { signals: false, ..signals }, Config { memory_reservation: Some(0), ..signals }]
}

fn compile(engine: &Arc<Engine>, wat: &str) -> Arc<CompiledModule> {
    CompiledModule::new(engine, &wat::parse_str(wat).unwrap()).unwrap()
}

fn make(entered: &Entered<'_>, wat: &str, imports: &[*mut ObjectHeader]) -> Result<Handle<Instance>, Failure> {
    let module = compile(entered.store().engine(), wat);
    // SAFETY: the tests pass live imports.
    unsafe { instantiate(entered, &module, imports) }
}

fn instance(entered: &Entered<'_>, wat: &str, imports: &[*mut ObjectHeader]) -> Handle<Instance> {
    match make(entered, wat, imports) {
        Ok(instance) => instance,
        Err(Failure::Error(error)) => panic!("{error}"),
        Err(Failure::Trap(trap)) => panic!("{}", String::from_utf8_lossy(trap.message())),
    }
}

fn export(instance: &Instance, name: &str) -> *mut ObjectHeader {
    let export = instance.module().exports.iter().find(|export| export.name == name).unwrap();
    instance.entity(export.entity).unwrap()
}

fn call(func: *mut ObjectHeader, args: &[Val], results: usize) -> Result<Vec<Val>, Handle<Trap>> {
    let mut out = vec![MaybeUninit::uninit(); results];
    // SAFETY: the tests pass functions and well-formed values.
    unsafe { func::call(func.cast::<VMFuncRef>(), args, &mut out)? };
    // SAFETY: a call that returns has written its results.
    Ok(out.into_iter().map(|val| unsafe { val.assume_init() }).collect())
}

fn i32(value: i32) -> Val {
    Val { kind: val::KIND_I32, of: value as u32 as u64 }
}

fn with_store(test: impl Fn(&Entered<'_>)) {
    for config in modes() {
        let store = Store::new(Engine::new(config).unwrap());
        // SAFETY: just made.
        let entered = unsafe { &*store }.enter().unwrap();
        test(&entered);
        drop(entered);
        // SAFETY: the test's own handle.
        unsafe { Store::delete(store) };
    }
}

unsafe extern "C" fn double(args: *const ValVec, results: *mut ValVec) -> *mut Trap {
    // SAFETY: called with one argument and one result.
    unsafe { (*(*results).data).of = (*(*args).data).of * 2 };
    std::ptr::null_mut()
}

#[test]
fn calls_and_traps() {
    with_store(|entered| {
        let instance = instance(
            entered,
            r#"(module (memory 1)
                (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
                (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
                (func (export "div") (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0)))
                (func $deep (export "deep") (call $deep))
                (func (export "unreachable") unreachable))"#,
            &[],
        );
        assert_eq!(call(export(&instance, "add"), &[i32(40), i32(2)], 1).unwrap()[0].of, 42);
        assert_eq!(call(export(&instance, "load"), &[i32(65532)], 1).unwrap()[0].of, 0);
        let code = |name, args: &[Val], results| call(export(&instance, name), args, results).unwrap_err().code();
        assert_eq!(code("load", &[i32(65533)], 1), TrapCode::MemoryOutOfBounds);
        assert_eq!(code("load", &[i32(-1)], 1), TrapCode::MemoryOutOfBounds);
        assert_eq!(code("div", &[i32(0)], 1), TrapCode::IntegerDivideByZero);
        assert_eq!(code("unreachable", &[], 0), TrapCode::Unreachable);
        assert_eq!(code("deep", &[], 0), TrapCode::StackOverflow);
        assert_eq!(code("deep", &[i32(0)], 0), TrapCode::BadCall);
        let trap = call(export(&instance, "div"), &[i32(0)], 1).unwrap_err();
        let frames = trap.frames();
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].instance, frames[0].func.as_u32()), (instance.as_ptr(), 2));
    });
}

#[test]
fn host_functions() {
    with_store(|entered| {
        let ty = FuncType { params: [ValType::I32].into(), results: [ValType::I32].into() };
        let host = HostFunc::new(entered, &ty, Callback::Plain(double), std::ptr::null_mut(), None).unwrap();
        let wat = r#"(module (import "" "f" (func $f (param i32) (result i32)))
            (func (export "g") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))))"#;
        let instance = instance(entered, wat, &[host.as_ptr().cast()]);
        drop(host);
        entered.store().collect();
        assert_eq!(call(export(&instance, "g"), &[i32(20)], 1).unwrap()[0].of, 41);
    });
}

#[test]
fn instances_go_at_once_or_with_the_collector() {
    with_store(|entered| {
        let store = entered.store();
        let wat = r#"(module (memory 1) (table 4 funcref) (elem (i32.const 0) $f) (func $f (export "f")))"#;
        drop(instance(entered, wat, &[]));
        assert_eq!(store.entities.borrow().len(), 0);
        // A imports B's function, B's table holds A's.
        let b = instance(entered, r#"(module (table (export "t") 1 funcref) (func (export "f")))"#, &[]);
        let a_wat = r#"(module (import "" "f" (func $g)) (import "" "t" (table 1 funcref))
            (elem (i32.const 0) $f) (func $f (export "f") (call $g)))"#;
        let a = instance(entered, a_wat, &[export(&b, "f"), export(&b, "t")]);
        call(export(&a, "f"), &[], 0).unwrap();
        drop((a, b));
        assert_ne!(store.entities.borrow().len(), 0);
        store.collect();
        assert_eq!(store.entities.borrow().len(), 0);
    });
}
