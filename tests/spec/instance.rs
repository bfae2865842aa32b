//! Modules and instances of a script.

use crate::support::*;
use crate::{Mode, host};
use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

/// Why a module isn't there.
pub enum Failure {
    /// The library refused the text: the message.
    Text(String),
    /// The library refused the binary: the kind and the message of the error.
    Module(u8, String),
    /// Instantiation failed.
    Instance(Trapped),
    /// The script or the library is not as this driver expects.
    Script(String),
}

/// A trap that was given away.
pub struct Trapped {
    pub code: u8,
    pub message: String,
}

impl Trapped {
    /// Takes a trap apart, and deletes it.
    ///
    /// # Safety
    ///
    /// `trap` is owned by the caller and not null.
    pub unsafe fn take(trap: *mut wasm_trap_t) -> Trapped {
        // SAFETY: `trap` is alive by the caller.
        let code = unsafe { libwasm_trap_code(trap) };
        // SAFETY: owned by the caller, and not used again.
        Trapped { code, message: unsafe { take_trap(trap) } }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Text(message) => write!(f, "text refused: {message}"),
            Failure::Module(kind, message) => write!(f, "module refused (kind {kind}): {message}"),
            Failure::Instance(trap) => write!(f, "not instantiated (code {}): {}", trap.code, trap.message),
            Failure::Script(message) => f.write_str(message),
        }
    }
}

/// An instance, or the host's module, with its exports by name.
pub struct Instance {
    instance: *mut wasm_instance_t,
    pub exports: HashMap<String, *mut wasm_extern_t>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again; null for the host's module.
        unsafe { wasm_instance_delete(self.instance) };
        for &item in self.exports.values() {
            // SAFETY: owned, and not used again.
            unsafe { wasm_extern_delete(item) };
        }
    }
}

/// A module, deleted when it goes.
pub struct Module(*mut wasm_module_t);

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { wasm_module_delete(self.0) };
    }
}

fn module_error() -> Failure {
    let (kind, message) = last_error();
    Failure::Module(kind, message)
}

/// Text to binary.
pub fn wat2wasm(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut binary = wasm_byte_vec_t::EMPTY;
    // SAFETY: the text is borrowed, `binary` is written.
    if !unsafe { libwasm_wat2wasm(&Vector::borrow(text), &mut binary) } {
        let (_, message) = last_error();
        return Err(Failure::Text(message));
    }
    // SAFETY: the call gave the vector away.
    Ok(unsafe { take_bytes(binary) })
}

/// Compiles `binary`, and sends it through an artifact where the mode says so.
pub fn compile(store: *mut wasm_store_t, mode: Mode, binary: &[u8]) -> Result<Module, Failure> {
    let bytes = Vector::borrow(binary);
    // SAFETY: the store is alive, the bytes are borrowed.
    let valid = unsafe { wasm_module_validate(store, &bytes) };
    let why_not = last_error();
    // SAFETY: as above.
    let module = unsafe { wasm_module_new(store, &bytes) };
    if module.is_null() {
        let failure = module_error();
        if valid {
            return Err(Failure::Script(format!("valid for wasm_module_validate, but: {failure}")));
        }
        if last_error() != why_not {
            return Err(Failure::Script(format!("wasm_module_validate says {why_not:?}, but: {failure}")));
        }
        return Err(failure);
    }
    let module = Module(module);
    if !valid {
        return Err(Failure::Script(format!("wasm_module_validate says {why_not:?}, but it compiled")));
    }
    if mode != Mode::Serialized {
        return Ok(module);
    }
    let mut artifact = wasm_byte_vec_t::EMPTY;
    // SAFETY: the module is alive, `artifact` is written.
    unsafe { wasm_module_serialize(module.0, &mut artifact) };
    drop(module);
    // SAFETY: the store is alive, the artifact is borrowed.
    let module = unsafe { wasm_module_deserialize(store, &artifact) };
    // SAFETY: owned, and not used again: the module must not need it.
    unsafe { wasm_byte_vec_delete(&mut artifact) };
    if module.is_null() { Err(module_error()) } else { Ok(Module(module)) }
}

/// The bytes of a name that the library lends.
///
/// # Safety
///
/// `name` is alive.
unsafe fn name(name: *const wasm_byte_vec_t) -> String {
    // SAFETY: by the caller.
    let name = unsafe { &*name };
    // SAFETY: the library filled it.
    let name = unsafe { name.as_slice() };
    String::from_utf8(name.to_vec()).expect("names are UTF-8")
}

impl Instance {
    pub fn spectest(store: *mut wasm_store_t) -> Instance {
        Instance { instance: ptr::null_mut(), exports: host::spectest(store) }
    }

    /// Instantiates `module` with what `registry` has for its imports. What it doesn't have is given as NULL.
    pub fn new(
        store: *mut wasm_store_t,
        module: &Module,
        registry: &HashMap<String, Rc<Instance>>,
    ) -> Result<Instance, Failure> {
        let mut types = wasm_importtype_vec_t::EMPTY;
        // SAFETY: the module is alive, `types` is written.
        unsafe { wasm_module_imports(module.0, &mut types) };
        // SAFETY: the library filled `types`.
        let imports: Vec<_> = unsafe { types.as_slice() }
            .iter()
            .map(|&import| {
                // SAFETY: the import type is alive.
                let from = unsafe { wasm_importtype_module(import) };
                // SAFETY: it lends the name.
                let from = unsafe { name(from) };
                // SAFETY: the import type is alive.
                let what = unsafe { wasm_importtype_name(import) };
                // SAFETY: it lends the name.
                let what = unsafe { name(what) };
                let item = registry.get(&from).and_then(|instance| instance.exports.get(&what));
                item.copied().unwrap_or(ptr::null_mut())
            })
            .collect();
        // SAFETY: owned, and not used again.
        unsafe { wasm_importtype_vec_delete(&mut types) };
        let mut trap: *mut wasm_trap_t = ptr::without_provenance_mut(0xaaa8);
        // SAFETY: everything is alive and borrowed; `trap` is written.
        let instance = unsafe { wasm_instance_new(store, module.0, &Vector::borrow(&imports), &mut trap) };
        if instance.is_null() {
            if trap.is_null() {
                return Err(Failure::Script(format!("no trap given: {:?}", last_error())));
            }
            let recorded = last_error();
            // SAFETY: the call gave the trap away.
            let trap = unsafe { Trapped::take(trap) };
            // The reason that is recorded agrees with the trap: `LIBWASM_ERROR_LINK` with its code, any other with a trap.
            return Err(match recorded {
                (4, message) if trap.code == 11 && message == trap.message => Failure::Instance(trap),
                (10, message) if trap.code != 11 && message == trap.message => Failure::Instance(trap),
                recorded => Failure::Script(format!("recorded {recorded:?}, {}", Failure::Instance(trap))),
            });
        }
        if !trap.is_null() {
            return Err(Failure::Script("an instance and a trap".into()));
        }
        Ok(Instance { instance, exports: exports(instance, module) })
    }
}

/// The shared memories among the exports of an instance, for another thread.
pub struct SharedMemories(Vec<(String, *mut libwasm_shared_memory_t)>);

// SAFETY: shared memories may be used on any thread.
unsafe impl Send for SharedMemories {}

impl SharedMemories {
    pub fn of(instance: &Instance) -> SharedMemories {
        let share = |(name, &item): (&String, &*mut wasm_extern_t)| {
            // SAFETY: the export is alive.
            let memory = unsafe { wasm_extern_as_memory(item) };
            // SAFETY: null or alive.
            let shared = if memory.is_null() { ptr::null_mut() } else { unsafe { libwasm_memory_share(memory) } };
            (!shared.is_null()).then(|| (name.clone(), shared))
        };
        SharedMemories(instance.exports.iter().filter_map(share).collect())
    }

    /// As exports of an instance of another store.
    pub fn obtain(&self, store: *mut wasm_store_t) -> Instance {
        let obtain = |(name, shared): &(String, *mut libwasm_shared_memory_t)| {
            // SAFETY: the store and the shared memory are alive.
            let memory = unsafe { libwasm_memory_obtain(store, *shared) };
            assert!(!memory.is_null(), "{:?}", last_error());
            // SAFETY: the same object, as an extern: the map owns it.
            (name.clone(), unsafe { wasm_memory_as_extern(memory) })
        };
        Instance { instance: ptr::null_mut(), exports: self.0.iter().map(obtain).collect() }
    }
}

impl Drop for SharedMemories {
    fn drop(&mut self) {
        for &(_, shared) in &self.0 {
            // SAFETY: owned, and not used again.
            unsafe { libwasm_shared_memory_delete(shared) };
        }
    }
}

/// The exports of an instance of `module`, by name.
fn exports(instance: *mut wasm_instance_t, module: &Module) -> HashMap<String, *mut wasm_extern_t> {
    let (mut types, mut items) = (wasm_exporttype_vec_t::EMPTY, wasm_extern_vec_t::EMPTY);
    // SAFETY: the module is alive, `types` is written.
    unsafe { wasm_module_exports(module.0, &mut types) };
    // SAFETY: the instance is alive, `items` is written.
    unsafe { wasm_instance_exports(instance, &mut items) };
    assert_eq!(types.size, items.size, "as many exports as the module lists");
    // SAFETY: the library filled it.
    let names = unsafe { types.as_slice() }.iter().map(|&ty| {
        // SAFETY: the export type is alive.
        let lent = unsafe { wasm_exporttype_name(ty) };
        // SAFETY: it lends the name.
        unsafe { name(lent) }
    });
    // SAFETY: the library filled it.
    let handles = unsafe { items.as_slice() }.iter();
    // SAFETY: the item is alive; the copy is the map's.
    let map = names.zip(handles.map(|&item| unsafe { wasm_extern_copy(item) })).collect();
    // SAFETY: owned, and not used again.
    unsafe { wasm_exporttype_vec_delete(&mut types) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_extern_vec_delete(&mut items) };
    map
}
