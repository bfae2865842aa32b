//! The virtual machine from the inside: call, trap, collect.

mod entries;
mod last_bytes;
mod lazy_tables;
mod processors;
mod reuse;

use crate::abi::{ObjectHeader, VMFuncRef};
use crate::compiler::OptLevel;
use crate::types::*;
use crate::vm::compiled_module::CompiledModule;
use crate::vm::engine::{Config, Engine};
use crate::vm::func::{Callback, Environment, HostFunc, ValVec};
use crate::vm::instance::Instance;
use crate::vm::instance::instantiate::{Failure, instantiate};
use crate::vm::new_store;
use crate::vm::store::entity::Handle;
use crate::vm::store::{Entered, Store};
use crate::vm::trap::Trap;
use crate::vm::types::DefinedType;
use crate::vm::val::{self, Val};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;

pub(super) fn modes() -> [Config; 3] {
    let signals = Config::default();
    [signals, Config { signals: false, ..signals }, Config { memory_reservation: Some(0), ..signals }]
}

const NO_ENV: Environment = Environment { data: std::ptr::null_mut(), finalizer: None, trace: None };

fn env_of(data: *mut c_void) -> Environment {
    Environment { data, ..NO_ENV }
}

pub(super) fn compile(engine: &Arc<Engine>, wat: &str) -> Arc<CompiledModule> {
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

pub(super) fn export(instance: &Instance, name: &str) -> *mut ObjectHeader {
    let export = instance.module().exports.iter().find(|export| export.name == name).unwrap();
    instance.entity(export.entity).unwrap()
}

pub(super) fn call(func: *mut ObjectHeader, args: &[Val], results: usize) -> Result<Vec<Val>, Handle<Trap>> {
    let mut out = vec![MaybeUninit::uninit(); results];
    // SAFETY: the tests pass functions and well-formed values.
    unsafe { crate::vm::func::call::call(func.cast::<VMFuncRef>(), args, &mut out, 0) }
        .expect("the store can be entered")?;
    // SAFETY: a call that returns has written its results.
    Ok(out.into_iter().map(|val| unsafe { val.assume_init() }).collect())
}

pub(super) fn i32(value: i32) -> Val {
    Val { kind: val::KIND_I32, of: value as u32 as u64 }
}

fn with_store(test: impl Fn(&Entered<'_>)) {
    modes().into_iter().for_each(|config| with_store_of(Engine::new(config).unwrap(), &test));
}

fn with_store_of(engine: Arc<Engine>, test: impl FnOnce(&Entered<'_>)) {
    let store = new_store(engine);
    // SAFETY: just made.
    let entered = unsafe { &*store }.enter().unwrap();
    test(&entered);
    drop(entered);
    // SAFETY: the test's own handle.
    unsafe { Store::delete(store) };
}

unsafe extern "C" fn double(args: *const ValVec, results: *mut ValVec) -> *mut Trap {
    // SAFETY: called with live vectors...
    let args = unsafe { (*args).data };
    // SAFETY: as above...
    let results = unsafe { (*results).data };
    // SAFETY: ...of one value each.
    let argument = unsafe { (*args).of };
    // SAFETY: as above.
    unsafe { (*results).of = argument * 2 };
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
        let ty = DefinedType::func(FuncType { params: [ValType::I32].into(), results: [ValType::I32].into() }).unwrap();
        // SAFETY: the callback fits the type, and there is no finalizer.
        let host = unsafe { HostFunc::make(entered, ty.clone(), Callback::WithoutEnv(double), NO_ENV) }.unwrap();
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

/// Functions named "f" that call themselves without end, in frames of all shapes.
fn endless_recursions() -> Vec<String> {
    let range = |count: u32, each: fn(u32) -> String| (0..count).map(each).collect::<String>();
    let many = |what: &str, count: usize| what.repeat(count);
    // Values that live across the call: 8 bytes of the frame for each.
    let large = |count: u32, results: usize| {
        format!(
            "(func $f (export \"f\") (param i64) (result {}) (local {}) {} (call $f (local.get 0)) {})",
            many("i64 ", results),
            many("i64 ", count as usize),
            range(count, |i| format!("(local.set {} (i64.mul (local.get {i}) (i64.const 7)))", i + 1)),
            range(count, |i| format!("(i64.add (local.get {}))", i + 1)),
        )
    };
    let results = many("i64 ", 20);
    vec![
        "(func $f (export \"f\") (call $f))".to_string(),
        format!("(func $f (export \"f\") (result {results}) (call $f))"),
        format!(
            "(func $f (export \"f\") (param {}) (call $f {}))",
            many("i32 ", 20),
            range(20, |i| format!("(local.get {i})"))
        ),
        large(10, 1),
        large(10, 20),
        large(5_000, 1),
        large(5_000, 20),
        // Frames larger than what is left of the stack beyond its limit.
        large(20_000, 1),
        large(20_000, 20),
    ]
}

/// Runs the module's "f" into a stack overflow on a thread with a stack of `size` bytes, then its "g".
fn overflow(engine: &Arc<Engine>, module: &Arc<CompiledModule>, size: usize) {
    let run = || {
        let store = new_store(engine.clone());
        // SAFETY: just made.
        let entered = unsafe { &*store }.enter().unwrap();
        // SAFETY: there are no imports.
        let Ok(instance) = (unsafe { instantiate(&entered, module, []) }) else { panic!() };
        let ty = instance.module().func_type(FuncIndex::from_u32(0));
        let arg = |ty: &ValType| Val { kind: if *ty == ValType::I32 { val::KIND_I32 } else { val::KIND_I64 }, of: 1 };
        let args: Vec<_> = ty.params.iter().map(arg).collect();
        for _ in 0..3 {
            let trap = call(export(&instance, "f"), &args, ty.results.len()).unwrap_err();
            assert_eq!(trap.code(), TrapCode::StackOverflow);
            assert!(trap.frames().iter().all(|frame| frame.func.as_u32() == 0));
            assert_eq!(call(export(&instance, "g"), &[], 1).unwrap()[0].of, 7);
        }
        drop(instance);
        drop(entered);
        // SAFETY: the test's own handle.
        unsafe { Store::delete(store) };
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(size).spawn_scoped(scope, run).unwrap().join().unwrap()
    });
}

#[test]
fn stacks_overflow_in_frames_of_all_shapes() {
    for function in endless_recursions() {
        for config in modes() {
            let engine = Engine::new(config).unwrap();
            // Compiled on a stack that suffices for that.
            let wat = format!("(module {function} (func (export \"g\") (result i32) (i32.const 7)))");
            let module = match CompiledModule::new(&engine, &wat::parse_str(wat).unwrap()) {
                Ok(module) => module,
                Err(error) => {
                    // Such frames cannot be checked in time.
                    assert!(error.kind() == ErrorKind::Limit && !config.signals && function.len() > 100_000);
                    continue;
                }
            };
            overflow(&engine, &module, 256 << 10);
            overflow(&engine, &module, 2 << 20);
        }
    }
}

/// Calls the function whose address is the environment, and gives back its trap.
unsafe extern "C" fn enter_again(env: *mut c_void, _args: *const ValVec, _results: *mut ValVec) -> *mut Trap {
    // SAFETY: the environment points to where the test keeps the function.
    let func = unsafe { *env.cast::<*mut ObjectHeader>() };
    match call(func, &[], 0) {
        Ok(_) => std::ptr::null_mut(),
        Err(trap) => trap.into_raw(),
    }
}

#[test]
fn a_trap_crosses_nested_runs_and_keeps_their_frames() {
    with_store(|entered| {
        let ty = DefinedType::func(FuncType { params: [].into(), results: [].into() }).unwrap();
        let mut target: *mut ObjectHeader = std::ptr::null_mut();
        let env = &raw mut target;
        // SAFETY: the callback fits the type, and there is no finalizer.
        let host =
            unsafe { HostFunc::make(entered, ty.clone(), Callback::WithEnv(enter_again), env_of(env.cast())) }.unwrap();
        let wat = r#"(module (import "" "f" (func $host))
            (func $a (export "a") (call $host))
            (func (export "b") (call $a) (unreachable))
            (func (export "trap") (call $c)) (func $c unreachable) (func (export "fine")))"#;
        let instance = instance(entered, wat, &[host.as_ptr().cast()]);
        let funcs = |trap: &Trap| trap.frames().iter().map(|frame| frame.func.as_u32()).collect::<Vec<_>>();
        // SAFETY: the callback reads it only during calls.
        unsafe { env.write(export(&instance, "trap")) };
        let trap = call(export(&instance, "b"), &[], 0).unwrap_err();
        assert_eq!((trap.code(), funcs(&trap)), (TrapCode::Unreachable, vec![4, 3, 1, 2]));
        // SAFETY: as above.
        unsafe { env.write(export(&instance, "fine")) };
        let trap = call(export(&instance, "b"), &[], 0).unwrap_err();
        assert_eq!((trap.code(), funcs(&trap)), (TrapCode::Unreachable, vec![2]));
        // Without end through the host.
        // SAFETY: as above.
        unsafe { env.write(export(&instance, "a")) };
        let trap = call(export(&instance, "b"), &[], 0).unwrap_err();
        assert_eq!(trap.code(), TrapCode::StackOverflow);
        assert!(funcs(&trap).iter().all(|&func| func == 1 || func == 2));
    });
}

thread_local! {
    /// What the callback `let_go_and_collect` gives back before it collects.
    static HELD: std::cell::Cell<Option<*mut ObjectHeader>> = const { std::cell::Cell::new(None) };
    static FINALIZED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

unsafe extern "C" fn let_go_and_collect(env: *mut std::ffi::c_void, _: *const ValVec, _: *mut ValVec) -> *mut Trap {
    if let Some(object) = HELD.take() {
        // SAFETY: the test put its own handle there.
        unsafe { crate::vm::store::entity::release(object) };
    }
    // SAFETY: the environment is the test's store, which is entered.
    unsafe { &*env.cast::<Store>() }.collect();
    std::ptr::null_mut()
}

unsafe extern "C" fn count(_: *mut std::ffi::c_void) {
    FINALIZED.set(FINALIZED.get() + 1);
}

/// The host function `let_go_and_collect`.
fn collector(entered: &Entered<'_>) -> Handle<VMFuncRef> {
    let ty = DefinedType::func(FuncType { params: [].into(), results: [].into() }).unwrap();
    let env = std::ptr::from_ref(entered.store()).cast_mut().cast();
    // SAFETY: the callback takes the store as its environment and gives no results; there is no finalizer.
    unsafe { HostFunc::make(entered, ty.clone(), Callback::WithEnv(let_go_and_collect), env_of(env)) }.unwrap()
}

/// References held by a frame alone, in a local, on the operand stack and in a block's parameter, survive a collection.
#[test]
fn stack_maps_are_exact() {
    with_store(|entered| {
        let store = entered.store();
        let wat = r#"(module (import "" "collect" (func $collect))
            (func $hold (export "hold") (param externref) (result externref) (local externref)
                (local.set 1 (local.get 0)) (local.set 0 (ref.null extern))
                (call $collect) (local.get 1))
            (func (export "stack") (param externref i32) (result externref)
                (local.get 0) (local.set 0 (ref.null extern))
                (block (param externref) (result externref)
                    (if (local.get 1) (then (call $collect))))
                (call $hold)))"#;
        let host = collector(entered);
        let instance = instance(entered, wat, &[host.as_ptr().cast()]);
        for (name, more) in [("hold", None), ("stack", Some(i32(1)))] {
            let foreign = crate::vm::foreign::Foreign::new(entered).unwrap().into_raw().cast::<ObjectHeader>();
            // SAFETY: a live object of the entered store.
            unsafe { store.set_host_info(foreign, std::ptr::null_mut(), Some(count)) };
            FINALIZED.set(0);
            HELD.set(Some(foreign));
            let mut args = vec![Val { kind: val::KIND_EXTERNREF, of: foreign as u64 }];
            args.extend(more);
            let mut results = call(export(&instance, name), &args, 1).unwrap();
            assert_eq!((results[0].object(), FINALIZED.get()), (foreign, 0), "{name}");
            // SAFETY: the result is the test's.
            unsafe { results[0].delete() };
            store.collect();
            entered.call_out(|| store.run_finalizers());
            assert_eq!(FINALIZED.get(), 1, "{name}");
        }
    });
}

/// A function reference in a frame keeps its instance, and only as long as it is there.
#[test]
fn frames_keep_functions() {
    with_store(|entered| {
        let store = entered.store();
        let other = r#"(module (memory 1) (func (export "f") (result i32) (i32.load8_u (i32.const 7)))
            (data (i32.const 7) "\2a"))"#;
        let wat = r#"(module (import "" "collect" (func $collect)) (table 1 funcref) (type $f (func (result i32)))
            (func (export "hold") (param funcref) (result i32)
                (call $collect) (table.set (i32.const 0) (local.get 0)) (local.set 0 (ref.null func))
                (call $collect) (call_indirect (type $f) (i32.const 0))))"#;
        let host = collector(entered);
        let instance = instance(entered, wat, &[host.as_ptr().cast()]);
        let other = self::instance(entered, other, &[]);
        let func = export(&other, "f");
        HELD.set(Some(other.into_raw().cast()));
        let live = store.entities.borrow().len();
        let args = [Val { kind: val::KIND_FUNCREF, of: func as u64 }];
        assert_eq!(call(export(&instance, "hold"), &args, 1).unwrap()[0].of, 42);
        store.collect();
        assert_eq!(store.entities.borrow().len(), live, "the table still holds the function");
        drop(instance);
        store.collect();
        assert_eq!(store.entities.borrow().len(), 1, "only the host function is left");
    });
}
