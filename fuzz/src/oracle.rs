//! The oracle: wasmi, an interpreter that shares no code with the library but the validator.

use super::library::{ExternType, Limits};
use super::machine::initial;
use super::script::{Host, Machine, SEEN_ELEMENTS, Script, State, Stop};
use super::support::*;
use super::value::{OBJECTS, SOME_FUNC, Value};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    CompilationMode, Config, Engine, Error, Extern, ExternRef, Func, FuncType, Global, Instance, Memory, MemoryType,
    Module, Mutability, Nullable, Ref, RefType, Store, Table, TableType, TrapCode, Val, ValType,
};

/// An interpreter, with what a script made in it.
pub struct Oracle {
    module: Module,
    store: Store<Option<Host>>,
    objects: Vec<ExternRef>,
    /// Imports, then exports if there is an instance.
    items: Vec<Extern>,
    /// The exported functions.
    funcs: Vec<Func>,
}

/// What a host function or the script says with an error.
#[derive(Debug)]
struct HostTrap(u64);

impl std::fmt::Display for HostTrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "host trap {}", self.0)
    }
}

impl wasmi::errors::HostError for HostTrap {}

impl Oracle {
    /// `None` where a limit of the interpreter forbids the module.
    pub fn new(binary: &[u8]) -> Option<Oracle> {
        let mut config = Config::default();
        // Host functions are not called again by what they call, so only the interpreter's own stack grows.
        config.set_max_recursion_depth(4000).set_max_stack_height(32 << 20).compilation_mode(CompilationMode::Eager);
        config.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true);
        let engine = Engine::new(&config);
        let module = match Module::new(&engine, binary) {
            Ok(module) => module,
            Err(error) if is_a_limit(&error) => return None,
            Err(error) => panic!("the oracle refuses the module: {error}"),
        };
        let mut store = Store::new(&engine, None);
        let objects = (0..OBJECTS).map(|number| ExternRef::new(&mut store, number)).collect();
        Some(Oracle { module, store, objects, items: Vec::new(), funcs: Vec::new() })
    }

    fn val(&self, value: &Value) -> Val {
        match *value {
            Value::I32(x) => Val::I32(x),
            Value::I64(x) => Val::I64(x),
            Value::F32(x) => Val::F32(wasmi::F32::from_bits(x)),
            Value::F64(x) => Val::F64(wasmi::F64::from_bits(x)),
            Value::V128(x) => Val::V128(x.into()),
            Value::Func(index) => Val::FuncRef(nullable(index.map(|index| self.funcs[index as usize]))),
            Value::Extern(number) => Val::ExternRef(nullable(number.map(|number| self.objects[number as usize]))),
            Value::Null(_) | Value::Object(_) => panic!("the oracle has no such value: {value:?}"),
        }
    }

    fn value(&self, val: &Val) -> Value {
        match value(val, &self.store) {
            Value::Func(Some(_)) if !self.funcs.is_empty() => {
                let Val::FuncRef(Nullable::Val(func)) = val else { panic!("not a function: {val:?}") };
                let index =
                    self.funcs.iter().position(|known| same(known, func)).expect("a function that is not exported");
                Value::Func(Some(index as u32))
            }
            value => value,
        }
    }

    /// Something for the import at `index`.
    fn import(&mut self, index: usize, ty: &ExternType) -> Extern {
        match ty {
            ExternType::Func { params, results } => self.func(index, params, results),
            ExternType::Global { content, mutable } => {
                let value = self.val(&initial(*content));
                let mutability = if *mutable { Mutability::Var } else { Mutability::Const };
                Global::new(&mut self.store, value, mutability).into()
            }
            ExternType::Table { element, limits: Limits { min, max, index64, .. } } => {
                let element = if *element == WASM_FUNCREF { RefType::Func } else { RefType::Extern };
                let ty = match index64 {
                    true => TableType::new64(element, *min, *max),
                    false => TableType::new(element, *min as u32, max.map(|max| max as u32)),
                };
                Table::new(&mut self.store, ty, Ref::null(element)).expect("a small table").into()
            }
            ExternType::Memory { limits: Limits { min, max, index64, page_size } } => {
                let mut ty = MemoryType::builder();
                ty.memory64(*index64).min(*min).max(*max).page_size_log2(page_size.trailing_zeros() as u8);
                let ty = ty.build().expect("the type of a memory");
                Memory::new(&mut self.store, ty).expect("a small memory").into()
            }
            ExternType::Tag => panic!("the oracle has no tags"),
        }
    }

    fn func(&mut self, index: usize, params: &[u8], results: &[u8]) -> Extern {
        let types = |kinds: &[u8]| kinds.iter().map(|&kind| val_type(kind)).collect::<Vec<_>>();
        let ty = FuncType::new(types(params), types(results));
        let kinds = results.to_vec();
        let objects = self.objects.clone();
        let func = Func::new(&mut self.store, ty, move |caller, args, results| {
            let host = caller.data().clone().expect("a call while a script runs");
            let args = args.iter().map(|arg| value(arg, &caller)).collect();
            let answer = host.answer(index, args, &kinds).map_err(|stop| match stop {
                Stop::Host(number) => Error::host(HostTrap(number)),
                stop => panic!("a host that stops with {stop:?}"),
            })?;
            for (result, value) in results.iter_mut().zip(answer) {
                *result = match value {
                    Value::I32(x) => Val::I32(x),
                    Value::I64(x) => Val::I64(x),
                    Value::F32(x) => Val::F32(wasmi::F32::from_bits(x)),
                    Value::F64(x) => Val::F64(wasmi::F64::from_bits(x)),
                    Value::V128(x) => Val::V128(x.into()),
                    Value::Func(_) => Val::FuncRef(Nullable::Null),
                    Value::Extern(number) => Val::ExternRef(nullable(number.map(|number| objects[number as usize]))),
                    value => panic!("the oracle has no such value: {value:?}"),
                };
            }
            Ok(())
        });
        func.into()
    }
}

fn nullable<T>(option: Option<T>) -> Nullable<T> {
    option.map_or(Nullable::Null, Nullable::Val)
}

fn val_type(kind: u8) -> ValType {
    match kind {
        WASM_I32 => ValType::I32,
        WASM_I64 => ValType::I64,
        WASM_F32 => ValType::F32,
        WASM_F64 => ValType::F64,
        LIBWASM_V128 => ValType::V128,
        WASM_FUNCREF => ValType::FuncRef,
        WASM_EXTERNREF => ValType::ExternRef,
        kind => panic!("a value of kind {kind}"),
    }
}

/// What a value of the interpreter's is; a function is [`SOME_FUNC`].
fn value(val: &Val, store: impl wasmi::AsContext) -> Value {
    match val {
        Val::I32(x) => Value::I32(*x),
        Val::I64(x) => Value::I64(*x),
        Val::F32(x) => Value::F32(x.to_bits()),
        Val::F64(x) => Value::F64(x.to_bits()),
        Val::V128(x) => Value::V128(x.as_u128()),
        Val::FuncRef(func) => Value::Func(func.val().map(|_| SOME_FUNC)),
        Val::ExternRef(object) => {
            Value::Extern(object.val().map(|object| *object.data(store.as_context()).downcast_ref().expect("a number")))
        }
    }
}

/// Whether two functions are one: the interpreter has no other way to ask.
fn same(a: &Func, b: &Func) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn is_a_limit(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UserLimits(_) | ErrorKind::ImplementationLimits(_) | ErrorKind::Translation(_))
}

/// Why a call or an instantiation failed, with codes as `libwasm.h` numbers them.
fn stop(error: &Error) -> Stop {
    if let Some(HostTrap(number)) = error.downcast_ref() {
        return Stop::Host(*number);
    }
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => Stop::Trap(1),
        Some(TrapCode::MemoryOutOfBounds) => Stop::Trap(2),
        Some(TrapCode::TableOutOfBounds) => Stop::Trap(3),
        Some(TrapCode::IndirectCallToNull) => Stop::Trap(5),
        Some(TrapCode::BadSignature) => Stop::Trap(6),
        Some(TrapCode::IntegerOverflow) => Stop::Trap(7),
        Some(TrapCode::IntegerDivisionByZero) => Stop::Trap(8),
        Some(TrapCode::BadConversionToInteger) => Stop::Trap(9),
        Some(TrapCode::StackOverflow | TrapCode::OutOfSystemMemory) => Stop::Exhausted,
        code => panic!("the oracle stops with {code:?}: {error}"),
    }
}

impl Machine for Oracle {
    fn instantiate(&mut self, script: &Script, host: &Host) -> Result<(), Stop> {
        *self.store.data_mut() = Some(host.clone());
        self.items = script.imports.iter().enumerate().map(|(index, ty)| self.import(index, ty)).collect();
        let items = self.in_its_order();
        let instance = Instance::new(&mut self.store, &self.module, &items).map_err(|error| match error.kind() {
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => Stop::Trap(3),
            _ => stop(&error),
        })?;
        for (name, _) in &script.exports {
            let item = instance.get_export(&self.store, name).expect("an export that the library lists");
            self.funcs.extend(item.into_func());
            self.items.push(item);
        }
        Ok(())
    }

    fn call(&mut self, script: &Script, export: usize, args: &[Value]) -> Result<Vec<Value>, Stop> {
        let func = self.items[script.imports.len() + export].into_func().expect("an exported function");
        let args: Vec<_> = args.iter().map(|arg| self.val(arg)).collect();
        let results = func.ty(&self.store);
        let mut results: Vec<_> = results.results().iter().map(|&ty| Val::default_for_ty(ty)).collect();
        func.call(&mut self.store, &args, &mut results).map_err(|error| stop(&error))?;
        Ok(results.iter().map(|result| self.value(result)).collect())
    }

    fn state(&mut self, _: &Script) -> State {
        let mut state = State::default();
        for item in &self.items {
            match item {
                Extern::Func(_) => {}
                Extern::Global(global) => state.globals.push(self.value(&global.get(&self.store))),
                Extern::Table(table) => state.tables.push(self.elements(*table)),
                Extern::Memory(memory) => state.memories.push(memory.data(&self.store).to_vec()),
            }
        }
        state
    }
}

impl Oracle {
    /// What is imported, in the order in which the interpreter wants it: its own, in which each kind keeps the order of the module.
    fn in_its_order(&self) -> Vec<Extern> {
        let kind = |item: &Extern| match item {
            Extern::Func(_) => 0,
            Extern::Global(_) => 1,
            Extern::Table(_) => 2,
            Extern::Memory(_) => 3,
        };
        let mut rest = self.items.clone();
        let mut next = |wanted| {
            let position = rest.iter().position(|item| kind(item) == wanted).expect("as many imports of each kind");
            rest.remove(position)
        };
        let wanted = self.module.imports().map(|import| match import.ty() {
            wasmi::ExternType::Func(_) => 0,
            wasmi::ExternType::Global(_) => 1,
            wasmi::ExternType::Table(_) => 2,
            wasmi::ExternType::Memory(_) => 3,
        });
        wanted.map(&mut next).collect()
    }

    fn elements(&self, table: Table) -> Vec<Value> {
        let size = table.size(&self.store);
        let element = |index| match table.get(&self.store, index).expect("an element within the table") {
            Ref::Func(func) => self.value(&Val::FuncRef(func)),
            Ref::Extern(object) => self.value(&Val::ExternRef(object)),
        };
        let seen = size.min(u64::from(SEEN_ELEMENTS));
        std::iter::once(Value::I32(size as i32)).chain((0..seen).map(element)).collect()
    }
}
