//! The library under test: its engines in each configuration, and stores and modules that delete themselves.

use super::support::*;
use std::cell::RefCell;

/// A way to compile and run: a configuration of the engine, and whether modules go through an artifact.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    pub name: &'static str,
    signals: bool,
    /// The bytes of address space for each memory, if not the default.
    reservation: Option<u64>,
    opt_level: u8,
    pub artifact: bool,
    /// Whether results are the same on every processor.
    deterministic: bool,
}

impl Tier {
    /// The same, with results that are the same on every processor: other bits of NaNs than the rest, where modules do not make them
    /// canonical by themselves, which those of wasm-smith leave out after conversions.
    pub fn deterministic(self) -> Tier {
        Tier { deterministic: true, ..self }
    }
}

const DEFAULT: Tier =
    Tier { name: "default", signals: true, reservation: None, opt_level: 1, artifact: false, deterministic: false };

/// Every tier. The first is the default.
pub const TIERS: [Tier; 6] = [
    DEFAULT,
    Tier { name: "no signals", signals: false, ..DEFAULT },
    Tier { name: "checked memories", signals: false, reservation: Some(0), ..DEFAULT },
    Tier { name: "small reservations", reservation: Some(0x3_0000), ..DEFAULT },
    Tier { name: "through an artifact", artifact: true, ..DEFAULT },
    Tier { name: "not optimized", opt_level: 0, ..DEFAULT },
];

thread_local! {
    /// The engine of each tier that this thread has used. They live as long as the thread: so what an engine keeps from one
    /// input to the next is tested as well.
    static ENGINES: RefCell<Vec<(Tier, OwnedEngine)>> = const { RefCell::new(Vec::new()) };
}

/// An engine, deleted with this.
struct OwnedEngine(*mut wasm_engine_t);

impl Drop for OwnedEngine {
    fn drop(&mut self) {
        // SAFETY: the handle was made for this.
        unsafe { wasm_engine_delete(self.0) }
    }
}

/// The engine of a tier.
pub fn engine(tier: Tier) -> *mut wasm_engine_t {
    ENGINES.with_borrow_mut(|engines| match engines.iter().find(|(known, _)| *known == tier) {
        Some((_, engine)) => engine.0,
        None => {
            engines.push((tier, OwnedEngine(new_engine(tier))));
            engines[engines.len() - 1].1.0
        }
    })
}

/// Makes an engine, owned by the caller.
pub fn new_engine(tier: Tier) -> *mut wasm_engine_t {
    // SAFETY: takes nothing.
    let config = unsafe { wasm_config_new() };
    // SAFETY: the configuration is alive.
    unsafe { libwasm_config_set_signals(config, tier.signals) };
    // SAFETY: the configuration is alive.
    unsafe { libwasm_config_set_opt_level(config, tier.opt_level) };
    // SAFETY: the configuration is alive.
    unsafe { libwasm_config_set_custom_page_sizes(config, true) };
    // SAFETY: the configuration is alive.
    unsafe { libwasm_config_set_deterministic(config, tier.deterministic) };
    if let Some(bytes) = tier.reservation {
        // SAFETY: the configuration is alive.
        unsafe { libwasm_config_set_memory_reservation(config, bytes) };
    }
    // SAFETY: gives the configuration away.
    let engine = unsafe { wasm_engine_new_with_config(config) };
    assert!(!engine.is_null(), "no engine: {:?}", last_error());
    engine
}

/// Why the library refused something.
#[derive(Debug)]
pub struct Refusal {
    pub kind: u8,
    /// For whoever reads the failure.
    #[allow(dead_code, reason = "it is read by `Debug` alone")]
    pub message: String,
}

impl Refusal {
    /// Whether something valid may be refused so.
    pub fn is_of_the_implementation(&self) -> bool {
        [ERROR_UNSUPPORTED, ERROR_LIMIT, ERROR_OUT_OF_MEMORY].contains(&self.kind)
    }
}

/// Forgets the thread's last error, so that the next is of the next call.
pub fn clear_error() {
    // SAFETY: takes nothing.
    unsafe { libwasm_last_error_clear() };
}

/// Why the last call, before which [`clear_error`] was called, refused `input`. Every refusal has a reason, of a kind in `kinds`.
pub fn refusal(input: &[u8], kinds: &[u8]) -> Refusal {
    let (kind, message) = last_error();
    assert!(kinds.contains(&kind), "refused with kind {kind}: {message}");
    assert!(!message.is_empty(), "refused without a message, kind {kind}");
    // SAFETY: takes nothing.
    let offset = unsafe { libwasm_last_error_offset() };
    assert!(offset == usize::MAX || offset <= input.len(), "refused at {offset} of {} bytes: {message}", input.len());
    Refusal { kind, message }
}

/// A store, deleted when it goes.
pub struct Store(pub *mut wasm_store_t);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { wasm_store_delete(self.0) };
    }
}

/// A module, deleted when it goes.
pub struct Module(pub *mut wasm_module_t);

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { wasm_module_delete(self.0) };
    }
}

impl Store {
    pub fn new(tier: Tier) -> Store {
        // SAFETY: the engine lives as long as the process.
        let store = unsafe { wasm_store_new(engine(tier)) };
        assert!(!store.is_null(), "no store: {:?}", last_error());
        Store(store)
    }

    /// Whether a binary is valid.
    pub fn validate(&self, binary: &[u8]) -> Result<(), Refusal> {
        clear_error();
        // SAFETY: the store is alive, the bytes are borrowed.
        if unsafe { wasm_module_validate(self.0, &Vector::borrow(binary)) } {
            return Ok(());
        }
        Err(refusal(binary, &[ERROR_INVALID, ERROR_UNSUPPORTED, ERROR_LIMIT, ERROR_OUT_OF_MEMORY]))
    }

    /// Compiles a binary.
    pub fn compile(&self, binary: &[u8]) -> Result<Module, Refusal> {
        clear_error();
        // SAFETY: the store is alive, the bytes are borrowed.
        let module = unsafe { wasm_module_new(self.0, &Vector::borrow(binary)) };
        if !module.is_null() {
            return Ok(Module(module));
        }
        Err(refusal(binary, &[ERROR_INVALID, ERROR_UNSUPPORTED, ERROR_LIMIT, ERROR_OUT_OF_MEMORY]))
    }

    /// Loads an artifact.
    pub fn deserialize(&self, artifact: &[u8]) -> Result<Module, Refusal> {
        clear_error();
        // SAFETY: the store is alive, the bytes are borrowed.
        let module = unsafe { wasm_module_deserialize(self.0, &Vector::borrow(artifact)) };
        if !module.is_null() {
            return Ok(Module(module));
        }
        Err(refusal(artifact, &[ERROR_ARTIFACT, ERROR_LIMIT, ERROR_OUT_OF_MEMORY]))
    }

    /// Compiles a binary that a validator may refuse, and holds validation and compilation against each other.
    pub fn compile_or_refuse(&self, binary: &[u8]) -> Option<Module> {
        match (self.validate(binary), self.compile(binary)) {
            (Ok(()), Ok(module)) => Some(module),
            (Ok(()), Err(refusal)) if refusal.is_of_the_implementation() => None,
            (Ok(()), Err(refusal)) => panic!("valid, but not compiled: {refusal:?}"),
            (Err(refusal), Ok(_)) => panic!("compiled, though invalid: {refusal:?}"),
            (Err(_), Err(_)) => None,
        }
    }
}

impl Module {
    /// The module as an artifact.
    pub fn serialize(&self) -> Vec<u8> {
        let mut artifact = wasm_byte_vec_t::EMPTY;
        // SAFETY: the module is alive, `artifact` is written.
        unsafe { wasm_module_serialize(self.0, &mut artifact) };
        // SAFETY: the call gave the vector away.
        let bytes = unsafe { take_bytes(artifact) };
        assert!(!bytes.is_empty(), "no artifact: {:?}", last_error());
        bytes
    }

    /// The types of the module's imports.
    pub fn imports(&self) -> Vec<ExternType> {
        imports(self.0)
    }

    /// The names and types of the module's exports.
    pub fn exports(&self) -> Vec<(String, ExternType)> {
        let mut types = wasm_exporttype_vec_t::EMPTY;
        // SAFETY: the module is alive, `types` is written.
        unsafe { wasm_module_exports(self.0, &mut types) };
        // SAFETY: the library filled it.
        let list = unsafe { types.as_slice() };
        let export = |&ty: &*mut wasm_exporttype_t| {
            // SAFETY: the export type is alive, and lends its name.
            let name = unsafe { &*wasm_exporttype_name(ty) };
            // SAFETY: the library filled it.
            let name = String::from_utf8(unsafe { name.as_slice() }.to_vec()).expect("names are UTF-8");
            // SAFETY: the export type is alive, and lends its type.
            (name, unsafe { extern_type(wasm_exporttype_type(ty)) })
        };
        let list = list.iter().map(export).collect();
        // SAFETY: owned, and not used again.
        unsafe { wasm_exporttype_vec_delete(&mut types) };
        list
    }
}

/// The type of an import or export, with kinds of values as `wasm.h` numbers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    Func { params: Vec<u8>, results: Vec<u8> },
    Global { content: u8, mutable: bool },
    Table { element: u8, limits: Limits },
    Memory { limits: Limits },
    Tag,
}

/// The exact limits of a table or memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub min: u64,
    pub max: Option<u64>,
    pub index64: bool,
    /// 0 for a table.
    pub page_size: u32,
}

impl From<libwasm_limits_t> for Limits {
    fn from(limits: libwasm_limits_t) -> Limits {
        Limits {
            min: limits.min,
            max: limits.has_max.then_some(limits.max),
            index64: limits.index64,
            page_size: limits.page_size,
        }
    }
}

/// Reads a type.
///
/// # Safety
///
/// `ty` is alive.
pub unsafe fn extern_type(ty: *const wasm_externtype_t) -> ExternType {
    // SAFETY: by the caller.
    match unsafe { wasm_externtype_kind(ty) } {
        EXTERN_FUNC => {
            // SAFETY: by the caller; a view.
            let ty = unsafe { wasm_externtype_as_functype_const(ty) };
            // SAFETY: a function type that is alive, and lends both vectors.
            let (params, results) = unsafe { (&*wasm_functype_params(ty), &*wasm_functype_results(ty)) };
            ExternType::Func { params: kinds(params), results: kinds(results) }
        }
        EXTERN_GLOBAL => {
            // SAFETY: by the caller; a view.
            let ty = unsafe { wasm_externtype_as_globaltype_const(ty) };
            // SAFETY: a global type that is alive, and lends its content.
            let content = unsafe { wasm_valtype_kind(wasm_globaltype_content(ty)) };
            // SAFETY: as above.
            ExternType::Global { content, mutable: unsafe { wasm_globaltype_mutability(ty) } == WASM_VAR }
        }
        EXTERN_TABLE => {
            // SAFETY: by the caller; a view.
            let ty = unsafe { wasm_externtype_as_tabletype_const(ty) };
            // SAFETY: a table type that is alive, and lends its element.
            let element = unsafe { wasm_valtype_kind(wasm_tabletype_element(ty)) };
            let mut limits = libwasm_limits_t::default();
            // SAFETY: as above; `limits` is written.
            assert!(unsafe { libwasm_tabletype_limits(ty, &mut limits) });
            ExternType::Table { element, limits: limits.into() }
        }
        EXTERN_MEMORY => {
            // SAFETY: by the caller; a view.
            let ty = unsafe { wasm_externtype_as_memorytype_const(ty) };
            let mut limits = libwasm_limits_t::default();
            // SAFETY: a memory type that is alive; `limits` is written.
            assert!(unsafe { libwasm_memorytype_limits(ty, &mut limits) });
            ExternType::Memory { limits: limits.into() }
        }
        EXTERN_TAG => ExternType::Tag,
        kind => panic!("an external type of kind {kind}"),
    }
}

/// Makes a vector of value types, which a type then owns.
pub fn valtypes(kinds: &[u8]) -> wasm_valtype_vec_t {
    // SAFETY: each kind is one of `wasm.h` or `libwasm.h`.
    let types: Vec<_> = kinds.iter().map(|&kind| unsafe { wasm_valtype_new(kind) }).collect();
    let mut vec = wasm_valtype_vec_t::EMPTY;
    // SAFETY: the types are given away.
    unsafe { wasm_valtype_vec_new(&mut vec, types.len(), types.as_ptr()) };
    vec
}

/// The types of a module's imports.
pub fn imports(module: *const wasm_module_t) -> Vec<ExternType> {
    // SAFETY: each type is alive.
    with_imports(module, |ty| unsafe { extern_type(ty) })
}

/// What `take` makes of the types of a module's imports, which it is lent.
pub fn with_imports<T>(module: *const wasm_module_t, mut take: impl FnMut(*const wasm_externtype_t) -> T) -> Vec<T> {
    let mut types = wasm_importtype_vec_t::EMPTY;
    // SAFETY: the module is alive, `types` is written.
    unsafe { wasm_module_imports(module, &mut types) };
    // SAFETY: the library filled it.
    let list = unsafe { types.as_slice() };
    // SAFETY: each import type is alive, and lends its type.
    let list = list.iter().map(|&ty| take(unsafe { wasm_importtype_type(ty) })).collect();
    // SAFETY: owned, and not used again.
    unsafe { wasm_importtype_vec_delete(&mut types) };
    list
}

/// The type of an external object.
pub fn type_of(item: *const wasm_extern_t) -> ExternType {
    // SAFETY: the object is alive; its type is owned.
    let ty = unsafe { wasm_extern_type(item) };
    // SAFETY: alive.
    let read = unsafe { extern_type(ty) };
    // SAFETY: owned, and not used again.
    unsafe { wasm_externtype_delete(ty) };
    read
}

/// The kinds of a vector of value types.
pub fn kinds(types: &wasm_valtype_vec_t) -> Vec<u8> {
    // SAFETY: the library filled it, and each type is alive.
    unsafe { types.as_slice() }.iter().map(|&ty| unsafe { wasm_valtype_kind(ty) }).collect()
}
