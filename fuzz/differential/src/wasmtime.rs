//! The reference: wasmtime, with all that the library has.

use super::fuzz::library::ExternType;
use super::fuzz::machine::{MEMORY_OUT_OF_BOUNDS, NULLS, initial};
use super::fuzz::objects::{self, DEPTH, Shape};
use super::fuzz::script::{Host, Machine, SEEN_ELEMENTS, Script, State, Stop};
use super::fuzz::value::{SOME_FUNC, Value};
use wasmtime::*;

/// The code of a call with arguments or results that are not of their types.
const BAD_CALL: u8 = 12;
/// The most bytes of a memory or of the heap.
const MAX_BYTES: usize = 64 << 20;

/// What the store of a script has.
struct Data {
    host: Option<Host>,
    limits: StoreLimits,
}

/// wasmtime, with what a script made in it.
pub struct Reference {
    module: Module,
    store: Store<Data>,
    /// Imports, then exports if there is an instance.
    items: Vec<Extern>,
    /// The exported functions.
    funcs: Vec<Func>,
}

/// What a host function says with an error.
#[derive(Debug)]
struct HostStop(Stop);

impl std::fmt::Display for HostStop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the host stops: {:?}", self.0)
    }
}

impl std::error::Error for HostStop {}

/// An engine with all that the library has, results that are the same on every processor, and a collector of objects.
pub fn engine() -> Engine {
    let mut config = Config::new();
    config
        .wasm_threads(true)
        .shared_memory(true)
        .wasm_gc(true)
        .wasm_function_references(true)
        .wasm_exceptions(true)
        .wasm_tail_call(true)
        .wasm_memory64(true)
        .wasm_multi_memory(true)
        .wasm_relaxed_simd(true)
        .wasm_wide_arithmetic(true)
        .wasm_custom_page_sizes(true)
        .wasm_extended_const(true)
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true)
        .signals_based_traps(false)
        .memory_reservation(1 << 20)
        .max_wasm_stack(512 << 10);
    Engine::new(&config).expect("an engine")
}

/// Why a module is not compared.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// wasmtime refuses it: a limit of its.
    Refused,
    /// It imports a global or table of references that are never null, which a script cannot make.
    NeverNull,
}

fn is_never_null(ty: &ValType) -> bool {
    ty.as_ref().is_some_and(|ty| !ty.is_nullable())
}

impl Reference {
    pub fn new(engine: &Engine, binary: &[u8]) -> Result<Reference, Unfit> {
        let module = Module::new(engine, binary).map_err(|error| {
            eprintln!("wasmtime refuses a module: {error:?}");
            Unfit::Refused
        })?;
        let never_null = module.imports().any(|import| match import.ty() {
            wasmtime::ExternType::Global(ty) => is_never_null(ty.content()),
            wasmtime::ExternType::Table(ty) => !ty.element().is_nullable(),
            _ => false,
        });
        if never_null {
            return Err(Unfit::NeverNull);
        }
        let limits = StoreLimitsBuilder::new().memory_size(MAX_BYTES).build();
        let mut store = Store::new(engine, Data { host: None, limits });
        store.limiter(|data| &mut data.limits);
        Ok(Reference { module, store, items: Vec::new(), funcs: Vec::new() })
    }

    /// What a value is, with the position of a function among the exported ones.
    fn value(&mut self, val: &Val) -> Value {
        if let Val::FuncRef(Some(func)) = val
            && !self.funcs.is_empty()
        {
            let raw = func.to_raw(&mut self.store);
            let index = self.funcs.iter().position(|known| known.to_raw(&mut self.store) == raw);
            return Value::Func(Some(index.map_or(SOME_FUNC, |index| index as u32)));
        }
        value(val, &mut self.store.as_context_mut())
    }

    /// Something for an import.
    fn import(&mut self, index: usize, ty: wasmtime::ExternType, kinds: &ExternType) -> Extern {
        match (ty, kinds) {
            (wasmtime::ExternType::Func(ty), ExternType::Func { results, .. }) => self.func(index, ty, results).into(),
            (wasmtime::ExternType::Global(ty), ExternType::Global { content, .. }) => {
                let val = val(&initial(*content), ty.content(), &[], &mut self.store.as_context_mut());
                Global::new(&mut self.store, ty, val).expect("a global").into()
            }
            (wasmtime::ExternType::Table(ty), _) => {
                let null = Ref::null(ty.element().heap_type());
                Table::new(&mut self.store, ty, null).expect("a small table").into()
            }
            (wasmtime::ExternType::Memory(ty), _) if ty.is_shared() => {
                SharedMemory::new(self.module.engine(), ty).expect("a small memory").into()
            }
            (wasmtime::ExternType::Memory(ty), _) => Memory::new(&mut self.store, ty).expect("a small memory").into(),
            (wasmtime::ExternType::Tag(ty), _) => Tag::new(&mut self.store, &ty).expect("a tag").into(),
            (ty, kinds) => panic!("an import of type {ty:?} that the library says is {kinds:?}"),
        }
    }

    fn func(&mut self, index: usize, ty: FuncType, kinds: &[u8]) -> Func {
        let kinds = kinds.to_vec();
        let types: Vec<_> = ty.results().collect();
        Func::new(&mut self.store, ty, move |mut caller, args, results| {
            let host = caller.data().host.clone().expect("a call while a script runs");
            let args = args.iter().map(|arg| value(arg, &mut caller.as_context_mut())).collect();
            let answer = host.answer(index, args, &kinds).map_err(|stop| Error::from(HostStop(stop)))?;
            for ((result, value), ty) in results.iter_mut().zip(answer).zip(&types) {
                *result = val(&value, ty, &[], &mut caller.as_context_mut());
                if !matches(result, ty, &caller) {
                    return Err(HostStop(Stop::Trap(BAD_CALL)).into());
                }
            }
            Ok(())
        })
    }

    /// Why a call or an instantiation failed, with codes as `libwasm.h` numbers them.
    fn stop(&mut self, error: &Error) -> Stop {
        if let Some(HostStop(stop)) = error.downcast_ref() {
            return *stop;
        }
        if error.is::<ThrownException>() {
            let exception = self.store.take_pending_exception().expect("the exception that was thrown");
            return Stop::Exception(value(&Val::ExnRef(Some(exception)), &mut self.store.as_context_mut()).digest());
        }
        if error.is::<GcHeapOutOfMemory<()>>() {
            return Stop::Exhausted;
        }
        let Some(trap) = error.downcast_ref::<Trap>() else { panic!("wasmtime stops with {error:?}") };
        Stop::Trap(match trap {
            Trap::UnreachableCodeReached => 1,
            Trap::MemoryOutOfBounds | Trap::HeapMisaligned => MEMORY_OUT_OF_BOUNDS,
            Trap::TableOutOfBounds => 3,
            Trap::IndirectCallToNull => 5,
            Trap::BadSignature => 6,
            Trap::IntegerOverflow => 7,
            Trap::IntegerDivisionByZero => 8,
            Trap::BadConversionToInteger => 9,
            Trap::NullReference => NULLS[0],
            Trap::CastFailure => 17,
            Trap::ArrayOutOfBounds => 21,
            Trap::AtomicWaitNonSharedMemory => 25,
            Trap::StackOverflow | Trap::AllocationTooLarge => return Stop::Exhausted,
            trap => panic!("wasmtime traps with {trap:?}"),
        })
    }
}

/// A value as wasmtime takes it, where `ty` is wanted. Functions are of `funcs`.
fn val(value: &Value, ty: &ValType, funcs: &[Func], store: &mut StoreContextMut<'_, Data>) -> Val {
    match *value {
        Value::I32(x) => Val::I32(x),
        Value::I64(x) => Val::I64(x),
        Value::F32(x) => Val::F32(x),
        Value::F64(x) => Val::F64(x),
        Value::V128(x) => Val::V128(x.into()),
        Value::Func(Some(index)) => Val::FuncRef(Some(funcs[index as usize])),
        Value::Extern(Some(number)) => {
            Val::ExternRef(Some(ExternRef::new(&mut *store, number).expect("room for a number")))
        }
        _ => Val::null_ref(ty.as_ref().expect("a null where a reference is wanted").heap_type()),
    }
}

/// Whether a value is of a type. wasmtime's own answer takes functions of equal parameters and results for those of one type, which types of
/// one recursion group need not be.
fn matches(val: &Val, ty: &ValType, store: impl AsContext) -> bool {
    if let (Val::FuncRef(Some(func)), Some(HeapType::ConcreteFunc(wanted))) = (val, ty.as_ref().map(RefType::heap_type))
    {
        let given = func.ty(&store);
        return std::iter::successors(Some(given), FuncType::supertype).any(|ty| FuncType::eq(&ty, wanted));
    }
    val.matches_ty(&store, ty).expect("a live value")
}

/// What a value is; a function is [`SOME_FUNC`].
fn value(val: &Val, store: &mut StoreContextMut<'_, Data>) -> Value {
    match val {
        Val::I32(x) => Value::I32(*x),
        Val::I64(x) => Value::I64(*x),
        Val::F32(x) => Value::F32(*x),
        Val::F64(x) => Value::F64(*x),
        Val::V128(x) => Value::V128(x.as_u128()),
        Val::FuncRef(func) => Value::Func(func.map(|_| SOME_FUNC)),
        Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None) => Value::Extern(None),
        val => match number_of_host(val, store) {
            Some(number) => Value::Extern(Some(number)),
            None => Value::Object(number_of(val, DEPTH, store)),
        },
    }
}

/// A reference as one of the internal types, if it can be.
fn internal(val: &Val, store: &mut StoreContextMut<'_, Data>) -> Option<Rooted<AnyRef>> {
    match val {
        Val::AnyRef(any) => *any,
        Val::ExternRef(Some(object)) => Some(AnyRef::convert_extern(&mut *store, *object).expect("a conversion")),
        _ => None,
    }
}

/// The number of a host object.
fn number_of_host(val: &Val, store: &mut StoreContextMut<'_, Data>) -> Option<u32> {
    let object = match val {
        Val::ExternRef(object) => (*object)?,
        Val::AnyRef(any) => ExternRef::convert_any(&mut *store, (*any)?).expect("a conversion"),
        _ => return None,
    };
    let data = object.data(store.as_context()).expect("a live object")?;
    Some(*data.downcast_ref().expect("a number"))
}

/// What `objects.rs` says of a value, for this machine.
fn number_of(val: &Val, depth: u32, store: &mut StoreContextMut<'_, Data>) -> u64 {
    match val {
        Val::ExternRef(Some(_)) | Val::AnyRef(Some(_)) if number_of_host(val, store).is_none() => {
            let any = internal(val, store).expect("an object");
            if let Some(i31) = any.as_i31(&*store).expect("a live object") {
                return objects::number(Shape::I31, [i64::from(i31.get_i32()) as u64]);
            }
            if depth == 0 {
                return objects::number(Shape::Other, []);
            }
            if let Some(structure) = any.as_struct(&*store).expect("a live object") {
                let fields: Vec<_> = structure.fields(&mut *store).expect("a live object").collect();
                return objects::number(Shape::Struct, fields.iter().map(|field| number_of(field, depth - 1, store)));
            }
            let array = any.as_array(&*store).expect("a live object").expect("an array, since it is nothing else");
            let length = array.len(&*store).expect("a live object");
            let seen = 0..length.min(objects::SEEN_ELEMENTS);
            let elements: Vec<_> = seen.map(|index| array.get(&mut *store, index).expect("an element")).collect();
            let elements = elements.iter().map(|element| number_of(element, depth - 1, store));
            objects::number(Shape::Array, std::iter::once(u64::from(length)).chain(elements))
        }
        Val::ExnRef(Some(_)) if depth == 0 => objects::number(Shape::Other, []),
        Val::ExnRef(Some(exception)) => {
            let fields: Vec<_> = exception.fields(&mut *store).expect("a live object").collect();
            objects::number(Shape::Exception, fields.iter().map(|field| number_of(field, depth - 1, store)))
        }
        val => objects::part(&value(val, store)),
    }
}

impl Machine for Reference {
    fn instantiate(&mut self, script: &Script, host: &Host) -> Result<(), Stop> {
        self.store.data_mut().host = Some(host.clone());
        let types: Vec<_> = self.module.imports().map(|import| import.ty()).collect();
        let imports = types.into_iter().zip(&script.imports).enumerate();
        self.items = imports.map(|(index, (ty, kinds))| self.import(index, ty, kinds)).collect();
        let instance = match Instance::new(&mut self.store, &self.module, &self.items) {
            Ok(instance) => instance,
            Err(error) => return Err(self.stop(&error)),
        };
        for (name, _) in &script.exports {
            let item = instance.get_export(&mut self.store, name).expect("an export that the library lists");
            self.funcs.extend(item.clone().into_func());
            self.items.push(item);
        }
        Ok(())
    }

    fn call(&mut self, script: &Script, export: usize, args: &[Value]) -> Result<Vec<Value>, Stop> {
        let func = self.items[script.imports.len() + export].clone().into_func().expect("an exported function");
        let ty = func.ty(&self.store);
        let mut vals = Vec::new();
        for (arg, ty) in args.iter().zip(ty.params()) {
            let val = val(arg, &ty, &self.funcs, &mut self.store.as_context_mut());
            if !matches(&val, &ty, &self.store) {
                return Err(Stop::Trap(BAD_CALL));
            }
            vals.push(val);
        }
        let mut results = vec![Val::I32(0); ty.results().len()];
        if let Err(error) = func.call(&mut self.store, &vals, &mut results) {
            return Err(self.stop(&error));
        }
        Ok(results.iter().map(|result| self.value(result)).collect())
    }

    fn state(&mut self, _: &Script) -> State {
        let mut state = State::default();
        for item in self.items.clone() {
            match item {
                Extern::Func(_) | Extern::Tag(_) => {}
                Extern::Global(global) => {
                    let val = global.get(&mut self.store);
                    state.globals.push(self.value(&val));
                }
                Extern::Table(table) => state.tables.push(self.elements(table)),
                Extern::Memory(memory) => state.memories.push(memory.data(&self.store).to_vec()),
                Extern::SharedMemory(memory) => {
                    // SAFETY: the one thread that uses the memory is this one.
                    let bytes = memory.data().iter().map(|byte| unsafe { *byte.get() });
                    state.memories.push(bytes.collect());
                }
            }
        }
        state
    }
}

impl Reference {
    fn elements(&mut self, table: Table) -> Vec<Value> {
        let size = table.size(&self.store);
        let mut elements = vec![Value::I32(size as i32)];
        for index in 0..size.min(u64::from(SEEN_ELEMENTS)) {
            let val = Val::from(table.get(&mut self.store, index).expect("an element within the table"));
            elements.push(self.value(&val));
        }
        elements
    }
}
