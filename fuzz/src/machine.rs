//! The library as a machine that runs scripts, in one of its tiers.

use super::library::{ExternType, Module, Store, Tier, extern_type, with_imports};
use super::objects;
use super::script::{Host, Machine, SEEN_ELEMENTS, Script, State, Stop};
use super::support::*;
use super::value::{OBJECTS, SOME_FUNC, Value};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// The codes of traps that machines meet at different times.
const EXHAUSTED: [u8; 2] = [10, 13];
const HOST_TRAP: u8 = 0;
/// An exception that was thrown and not caught.
const EXCEPTION: u8 = 23;
/// Null references of all kinds, which are one to other machines.
pub const NULLS: [u8; 6] = [15, 16, 18, 19, 20, 22];
/// `call_indirect` beyond the table, which the specification's other machines do not tell from other accesses beyond one.
const UNDEFINED_ELEMENT: u8 = 4;
const TABLE_OUT_OF_BOUNDS: u8 = 3;
/// An atomic access that is not aligned, which may be out of bounds too: machines look for one or the other first.
const UNALIGNED_ATOMIC: u8 = 24;
pub const MEMORY_OUT_OF_BOUNDS: u8 = 2;
/// The kind of a value that the library has not written.
const UNWRITTEN: u8 = 0xaa;

/// The library, with what a script made in it.
pub struct Library {
    instance: *mut wasm_instance_t,
    exports: wasm_extern_vec_t,
    /// What was given to imports, owned.
    imports: Vec<*mut wasm_extern_t>,
    /// The exported functions, as views of `exports`.
    funcs: Vec<*mut wasm_func_t>,
    shared: Rc<Shared>,
    module: Module,
    /// Whether the module comes from an artifact that may say other than what it was made of: its exports may name functions that cannot be.
    forged: bool,
    // Dropped last.
    store: Store,
}

/// What host functions need.
struct Shared {
    store: *mut wasm_store_t,
    objects: Vec<*mut wasm_foreign_t>,
    host: RefCell<Option<Host>>,
}

/// The environment of a host function.
struct Import {
    shared: Rc<Shared>,
    index: usize,
    results: Vec<u8>,
}

impl Library {
    /// Compiles `binary`, and sends it through an artifact where the tier says so. `None` if it is not valid, or where a limit of
    /// the library forbids it.
    pub fn new(tier: Tier, binary: &[u8]) -> Option<Library> {
        let store = Store::new(tier);
        let mut module = store.compile_or_refuse(binary)?;
        if tier.artifact {
            let artifact = module.serialize();
            module = store.deserialize(&artifact).unwrap_or_else(|refusal| panic!("artifact refused: {refusal:?}"));
            assert!(module.serialize() == artifact, "the artifact of what was loaded from one is another");
        }
        Some(Library::with(store, module))
    }

    /// Loads an artifact. `None` if it is refused.
    pub fn load(tier: Tier, artifact: &[u8]) -> Option<Library> {
        let store = Store::new(tier);
        let module = store.deserialize(artifact).ok()?;
        let mut library = Library::with(store, module);
        library.forged = true;
        Some(library)
    }

    fn with(store: Store, module: Module) -> Library {
        let object = |number| {
            // SAFETY: the store is alive.
            let object = unsafe { wasm_foreign_new(store.0) };
            // SAFETY: `object` is new; its host info is a number in disguise.
            unsafe { wasm_foreign_set_host_info(object, ptr::without_provenance_mut(number as usize + 1)) };
            object
        };
        let shared = Shared { store: store.0, objects: (0..OBJECTS).map(object).collect(), host: RefCell::new(None) };
        Library {
            instance: ptr::null_mut(),
            exports: wasm_extern_vec_t::EMPTY,
            imports: Vec::new(),
            funcs: Vec::new(),
            shared: Rc::new(shared),
            module,
            forged: false,
            store,
        }
    }

    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Limits the size of the heap that a script may fill.
    pub fn limit_heap(&self, bytes: usize) {
        // SAFETY: the store is alive.
        assert!(unsafe { libwasm_store_set_heap_limit(self.store.0, bytes) }, "a limit: {:?}", last_error());
    }

    /// Deletes what a script made. Another can be run then: its instance takes the place of the dead one.
    pub fn reset(&mut self) {
        self.delete_instance();
        *self.shared.host.borrow_mut() = None;
    }

    fn delete_instance(&mut self) {
        // SAFETY: owned; null if there is none.
        unsafe { wasm_instance_delete(std::mem::replace(&mut self.instance, ptr::null_mut())) };
        // SAFETY: owned, and empty afterwards.
        unsafe { wasm_extern_vec_delete(&mut self.exports) };
        self.funcs.clear();
        for item in self.imports.drain(..) {
            // SAFETY: owned, and not used again.
            unsafe { wasm_extern_delete(item) };
        }
    }

    /// A value as the library takes it, owned by the caller.
    fn val(&self, value: &Value) -> wasm_val_t {
        match *value {
            Value::Func(Some(index)) => {
                // SAFETY: a view of an export, which is alive; the copy is the caller's.
                let copy = unsafe { wasm_ref_copy(wasm_func_as_ref(self.funcs[index as usize])) };
                wasm_val_t { kind: WASM_FUNCREF, of: wasm_val_union { r#ref: copy } }
            }
            _ => self.shared.val(value),
        }
    }

    /// What a value of the library is.
    fn value(&self, val: &wasm_val_t) -> Value {
        let Value::Func(Some(SOME_FUNC)) = self.shared.value(val) else { return self.shared.value(val) };
        // SAFETY: as the kind says; a view.
        let func = unsafe { val.of.r#ref };
        // SAFETY: both are alive.
        let same = |&export: &*mut wasm_func_t| unsafe { wasm_ref_same(wasm_func_as_ref(export), func) };
        // Without an instance, no function is known.
        if self.funcs.is_empty() {
            return Value::Func(Some(SOME_FUNC));
        }
        // A module that was changed may give a function that it does not export.
        Value::Func(Some(self.funcs.iter().position(same).map_or(SOME_FUNC, |index| index as u32)))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        self.delete_instance();
        for &object in &self.shared.objects {
            // SAFETY: owned, and not used again: host functions are called no more.
            unsafe { wasm_foreign_delete(object) };
        }
    }
}

impl Shared {
    /// A value that is no function, as the library takes it; owned by the caller.
    fn val(&self, value: &Value) -> wasm_val_t {
        let val = |kind, of| wasm_val_t { kind, of };
        match *value {
            Value::I32(x) => val(WASM_I32, wasm_val_union { i32: x }),
            Value::I64(x) => val(WASM_I64, wasm_val_union { i64: x }),
            Value::F32(x) => val(WASM_F32, wasm_val_union { f32: x }),
            Value::F64(x) => val(WASM_F64, wasm_val_union { f64: x }),
            Value::V128(x) => {
                let mut out = val(WASM_I32, wasm_val_union { i64: 0 });
                // SAFETY: 16 bytes are read, `out` is written.
                unsafe { libwasm_val_new_v128(x.to_le_bytes().as_ptr(), &mut out) };
                out
            }
            Value::Func(None) => val(WASM_FUNCREF, wasm_val_union { r#ref: ptr::null_mut() }),
            Value::Func(Some(_)) => panic!("a function outside of an instance"),
            Value::Extern(None) => val(WASM_EXTERNREF, wasm_val_union { r#ref: ptr::null_mut() }),
            Value::Extern(Some(number)) => {
                // SAFETY: the object is alive; the copy is the caller's.
                let copy = unsafe { wasm_ref_copy(wasm_foreign_as_ref(self.objects[number as usize])) };
                val(WASM_EXTERNREF, wasm_val_union { r#ref: copy })
            }
            Value::Null(kind) => val(kind, wasm_val_union { r#ref: ptr::null_mut() }),
            Value::Object(_) => panic!("an object that the host has made"),
        }
    }

    /// What a value of the library is; a function is [`SOME_FUNC`].
    fn value(&self, val: &wasm_val_t) -> Value {
        match val.kind {
            // SAFETY: as the kind says.
            WASM_I32 => Value::I32(unsafe { val.of.i32 }),
            // SAFETY: as the kind says.
            WASM_I64 => Value::I64(unsafe { val.of.i64 }),
            // SAFETY: as the kind says.
            WASM_F32 => Value::F32(unsafe { val.of.f32 }),
            // SAFETY: as the kind says.
            WASM_F64 => Value::F64(unsafe { val.of.f64 }),
            LIBWASM_V128 => {
                let mut bytes = [0; 16];
                // SAFETY: `val` is a value of the library's, `bytes` takes 16 bytes.
                assert!(unsafe { libwasm_val_v128(val, bytes.as_mut_ptr()) }, "a v128 value without bytes");
                Value::V128(u128::from_le_bytes(bytes))
            }
            // SAFETY: as the kind says.
            kind if kind >= WASM_EXTERNREF => self.reference(kind, unsafe { val.of.r#ref }),
            kind => panic!("a value of kind {kind}"),
        }
    }

    /// What a reference of the library's is, which is lent.
    fn reference(&self, kind: u8, reference: *mut wasm_ref_t) -> Value {
        // SAFETY: alive, or null.
        match (unsafe { libwasm_ref_kind(reference) }, kind) {
            (REFKIND_NULL, WASM_FUNCREF) => Value::Func(None),
            (REFKIND_NULL, WASM_EXTERNREF) => Value::Extern(None),
            (REFKIND_NULL, kind) => Value::Null(kind),
            (REFKIND_FUNC, _) => Value::Func(Some(SOME_FUNC)),
            (REFKIND_FOREIGN, _) => Value::Extern(self.object(reference)),
            // SAFETY: alive, and no null.
            _ => Value::Object(unsafe { objects::of_reference(reference, objects::DEPTH, &|val| self.value(val)) }),
        }
    }

    /// The number of a host object.
    fn object(&self, reference: *mut wasm_ref_t) -> Option<u32> {
        if reference.is_null() {
            return None;
        }
        // SAFETY: the library gave it, and it is alive.
        let number = unsafe { wasm_ref_get_host_info(reference) }.addr() as u32 - 1;
        // SAFETY: both are alive.
        let same = unsafe { wasm_ref_same(reference, wasm_foreign_as_ref(self.objects[number as usize])) };
        assert!(same, "another object with the host info of object {number}");
        Some(number)
    }

    /// What stopped a call. The trap is deleted.
    fn stop(&self, trap: *mut wasm_trap_t) -> Stop {
        // SAFETY: the trap is alive.
        let code = unsafe { libwasm_trap_code(trap) };
        // SAFETY: the trap is alive; what it gives is owned, or null.
        let exception = unsafe { libwasm_trap_exception(trap) };
        // SAFETY: owned, and not used again.
        let message = unsafe { take_trap(trap) };
        match code {
            HOST_TRAP => Stop::Host(message.parse().expect("the number of a trap")),
            UNDEFINED_ELEMENT => Stop::Trap(TABLE_OUT_OF_BOUNDS),
            UNALIGNED_ATOMIC => Stop::Trap(MEMORY_OUT_OF_BOUNDS),
            EXCEPTION => {
                let thrown = self.reference(LIBWASM_EXNREF, exception);
                // SAFETY: owned, and not used again.
                unsafe { wasm_ref_delete(exception) };
                Stop::Exception(thrown.digest())
            }
            code if EXHAUSTED.contains(&code) => Stop::Exhausted,
            code if NULLS.contains(&code) => Stop::Trap(NULLS[0]),
            code => Stop::Trap(code),
        }
    }
}

extern "C" fn callback(
    env: *mut c_void,
    args: *const wasm_val_vec_t,
    results: *mut wasm_val_vec_t,
) -> *mut wasm_trap_t {
    // SAFETY: the environment of a function of `Library::func`, which is alive while the function is.
    let import = unsafe { &*env.cast::<Import>() };
    let shared = &import.shared;
    // SAFETY: the library lends the arguments for the call.
    let args = unsafe { (*args).as_slice() };
    // SAFETY: and the results.
    let results = unsafe { &*results };
    assert_eq!(results.size, import.results.len(), "results of the function's type");
    let args = args.iter().map(|arg| shared.value(arg)).collect();
    let host = shared.host.borrow().clone().expect("a call while a script runs");
    match host.answer(import.index, args, &import.results) {
        Ok(values) => {
            for (index, value) in values.iter().enumerate() {
                // SAFETY: the vector has room for each result.
                unsafe { results.data.add(index).write(shared.val(value)) };
            }
            ptr::null_mut()
        }
        Err(Stop::Host(number)) => {
            let message = format!("{number}\0");
            // SAFETY: the store is alive, the message is borrowed.
            unsafe { wasm_trap_new(shared.store, &Vector::borrow(message.as_bytes())) }
        }
        Err(stop) => panic!("a host that stops with {stop:?}"),
    }
}

extern "C" fn delete_import(env: *mut c_void) {
    // SAFETY: the environment was made by `Library::func` of a box, and is given back once.
    drop(unsafe { Box::from_raw(env.cast::<Import>()) });
}

impl Library {
    /// Something for the import at `index`, owned by the caller; null where the library has no such thing.
    fn import(&self, index: usize, ty: *const wasm_externtype_t) -> *mut wasm_extern_t {
        // SAFETY: the type is alive.
        match unsafe { extern_type(ty) } {
            ExternType::Func { results, .. } => self.func(index, ty, results),
            ExternType::Global { content, .. } => self.global(ty, content),
            ExternType::Table { .. } => {
                // SAFETY: a view of the type, which is alive.
                let ty = unsafe { wasm_externtype_as_tabletype_const(ty) };
                // SAFETY: the store and the type are alive.
                unsafe { wasm_table_as_extern(wasm_table_new(self.store.0, ty, ptr::null_mut())) }
            }
            ExternType::Memory { .. } => {
                // SAFETY: a view of the type, which is alive.
                let ty = unsafe { wasm_externtype_as_memorytype_const(ty) };
                // SAFETY: the store and the type are alive.
                unsafe { wasm_memory_as_extern(wasm_memory_new(self.store.0, ty)) }
            }
            ExternType::Tag => {
                // SAFETY: a view of the type, which is alive.
                let ty = unsafe { wasm_externtype_as_tagtype_const(ty) };
                // SAFETY: the store and the type are alive.
                unsafe { libwasm_tag_as_extern(libwasm_tag_new(self.store.0, ty)) }
            }
        }
    }

    fn func(&self, index: usize, ty: *const wasm_externtype_t, results: Vec<u8>) -> *mut wasm_extern_t {
        // SAFETY: a view of the type, which is alive.
        let ty = unsafe { wasm_externtype_as_functype_const(ty) };
        let env = Box::into_raw(Box::new(Import { shared: self.shared.clone(), index, results }));
        // SAFETY: the store and the type are alive; the environment is given away.
        let func = unsafe { wasm_func_new_with_env(self.store.0, ty, callback, env.cast(), Some(delete_import)) };
        // SAFETY: the function is alive, or null.
        unsafe { wasm_func_as_extern(func) }
    }

    fn global(&self, ty: *const wasm_externtype_t, content: u8) -> *mut wasm_extern_t {
        // SAFETY: a view of the type, which is alive.
        let ty = unsafe { wasm_externtype_as_globaltype_const(ty) };
        let mut val = self.shared.val(&initial(content));
        // SAFETY: the store and the type are alive; the value is borrowed.
        let global = unsafe { wasm_global_new(self.store.0, ty, &val) };
        // SAFETY: owned, and not used again.
        unsafe { wasm_val_delete(&mut val) };
        // SAFETY: the global is alive, or null.
        unsafe { wasm_global_as_extern(global) }
    }
}

/// What imported globals of a kind begin with.
pub fn initial(kind: u8) -> Value {
    super::value::Random::new(u64::from(kind)).value(kind, 0)
}

impl Machine for Library {
    fn instantiate(&mut self, script: &Script, host: &Host) -> Result<(), Stop> {
        *self.shared.host.borrow_mut() = Some(host.clone());
        let mut indices = 0..;
        let next = |ty| self.import(indices.next().unwrap_or_default(), ty);
        self.imports = with_imports(self.module.0, next);
        let mut trap = ptr::null_mut();
        let imports = Vector::borrow(&self.imports);
        // SAFETY: everything is alive and borrowed; `trap` is written.
        self.instance = unsafe { wasm_instance_new(self.store.0, self.module.0, &imports, &mut trap) };
        if self.instance.is_null() {
            assert!(!trap.is_null(), "no instance and no trap: {:?}", last_error());
            return Err(self.shared.stop(trap));
        }
        assert!(trap.is_null(), "an instance and a trap");
        // SAFETY: the instance is alive, the vector is written.
        unsafe { wasm_instance_exports(self.instance, &mut self.exports) };
        if self.forged && self.exports.size == 0 {
            return Err(Stop::Exhausted);
        }
        assert_eq!(self.exports.size, script.exports.len(), "as many exports as the module lists: {:?}", last_error());
        // SAFETY: the library filled it.
        let items = unsafe { self.exports.as_slice() };
        // SAFETY: each export is alive; what is no function gives null.
        let funcs = items.iter().map(|&item| unsafe { wasm_extern_as_func(item) });
        self.funcs = funcs.filter(|func| !func.is_null()).collect();
        Ok(())
    }

    fn call(&mut self, _: &Script, export: usize, args: &[Value]) -> Result<Vec<Value>, Stop> {
        // SAFETY: the library filled the vector; a view of an export.
        let func = unsafe { wasm_extern_as_func(self.exports.as_slice()[export]) };
        let mut args: Vec<_> = args.iter().map(|arg| self.val(arg)).collect();
        // SAFETY: the function is alive.
        let arity = unsafe { wasm_func_result_arity(func) };
        // What a caller leaves there is of no kind at all.
        let mut vals = vec![wasm_val_t { kind: UNWRITTEN, of: wasm_val_union { i64: 0x5555_5555_5555_5555 } }; arity];
        // SAFETY: the function is alive, the arguments are borrowed, the results are written unless it traps.
        let trap = unsafe { wasm_func_call(func, &Vector::borrow(&args), &mut Vector::borrow_mut(&mut vals)) };
        for arg in &mut args {
            // SAFETY: owned, and not used again.
            unsafe { wasm_val_delete(arg) };
        }
        if !trap.is_null() {
            assert!(vals.iter().all(|val| val.kind == UNWRITTEN), "results of a call that trapped");
            return Err(self.shared.stop(trap));
        }
        let values = vals.iter().map(|val| self.value(val)).collect();
        for val in &mut vals {
            // SAFETY: owned, and not used again.
            unsafe { wasm_val_delete(val) };
        }
        Ok(values)
    }

    fn state(&mut self, script: &Script) -> State {
        let mut state = State::default();
        // SAFETY: the library filled it, or it is empty.
        let exports = unsafe { self.exports.as_slice() };
        for (&item, ty) in self.imports.iter().chain(exports).zip(script.items()) {
            match ty {
                ExternType::Func { .. } | ExternType::Tag => {}
                ExternType::Global { .. } => state.globals.push(self.global_value(item)),
                ExternType::Table { element, .. } => state.tables.push(self.elements(item, *element)),
                ExternType::Memory { .. } => state.memories.push(self.bytes(item)),
            }
        }
        state
    }
}

impl Library {
    fn global_value(&self, item: *mut wasm_extern_t) -> Value {
        let mut val = wasm_val_t { kind: UNWRITTEN, of: wasm_val_union { i64: 0 } };
        // SAFETY: a global, which is alive; the value is written.
        unsafe { wasm_global_get(wasm_extern_as_global(item), &mut val) };
        let value = self.value(&val);
        // SAFETY: owned, and not used again.
        unsafe { wasm_val_delete(&mut val) };
        value
    }

    fn elements(&self, item: *mut wasm_extern_t, kind: u8) -> Vec<Value> {
        // SAFETY: a table, which is alive.
        let table = unsafe { wasm_extern_as_table(item) };
        // SAFETY: as above.
        let size = unsafe { wasm_table_size(table) };
        let element = |index| {
            // SAFETY: as above; the reference is owned.
            let reference = unsafe { wasm_table_get(table, index) };
            let value = self.value(&wasm_val_t { kind, of: wasm_val_union { r#ref: reference } });
            // SAFETY: owned, and not used again.
            unsafe { wasm_ref_delete(reference) };
            value
        };
        std::iter::once(Value::I32(size as i32)).chain((0..size.min(SEEN_ELEMENTS)).map(element)).collect()
    }

    fn bytes(&self, item: *mut wasm_extern_t) -> Vec<u8> {
        // SAFETY: a memory, which is alive.
        let memory = unsafe { wasm_extern_as_memory(item) };
        // SAFETY: as above.
        let (data, len) = unsafe { (wasm_memory_data(memory), wasm_memory_data_size(memory)) };
        if len == 0 {
            return Vec::new();
        }
        // SAFETY: the memory's bytes, which nobody writes to meanwhile.
        unsafe { std::slice::from_raw_parts(data, len) }.to_vec()
    }
}
