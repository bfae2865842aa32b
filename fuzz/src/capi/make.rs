//! Operations that make objects.

use super::super::library::{self, ExternType, clear_error};
use super::super::support::*;
use super::call::callback;
use super::world::{Id, Kind, StoreState, World, finalize_env, trace_env};
use super::{c, guests};
use std::ptr;

/// The types of host functions: the kinds of parameters and of results. The first is what the guests import.
const SIGNATURES: [(&[u8], &[u8]); 6] = [
    (&[WASM_EXTERNREF], &[WASM_EXTERNREF]),
    (&[], &[]),
    (&[WASM_I32], &[WASM_I32]),
    (&[WASM_FUNCREF], &[WASM_FUNCREF, WASM_I64]),
    (&[WASM_EXTERNREF, WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_FUNCREF], &[WASM_FUNCREF, WASM_EXTERNREF]),
    (&[LIBWASM_V128], &[LIBWASM_V128]),
];

/// What the guests import as `host.global`, `host.table` and `host.memory`.
const SHARED_GLOBAL: (u8, u8) = (WASM_EXTERNREF, WASM_VAR);
const SHARED_TABLE: (u8, wasm_limits_t) = (WASM_FUNCREF, wasm_limits_t { min: 4, max: u32::MAX });
const SHARED_MEMORY: wasm_limits_t = wasm_limits_t { min: 1, max: 4 };

/// The most stores of a sequence.
const MAX_STORES: usize = 4;

impl World {
    /// Gives up the engine that only this world uses, if that has not been done before.
    pub fn delete_engine(&self) {
        let engine = std::mem::replace(&mut self.state.borrow_mut().own_engine, ptr::null_mut());
        c!(wasm_engine_delete(engine));
    }

    /// A store of the engine that all worlds use, or of the world's own, which can be given up at once.
    pub fn make_store(&self) {
        if self.state.borrow().stores.len() == MAX_STORES {
            return;
        }
        let own = self.state.borrow().own_engine;
        let uses_own = !own.is_null() && self.below(2) == 1;
        let store = c!(wasm_store_new(if uses_own { own } else { library::engine(self.tier) }));
        assert!(!store.is_null(), "no store: {:?}", last_error());
        self.state.borrow_mut().stores.push(StoreState { store, engine: usize::from(uses_own), deleted: false });
        if uses_own && self.below(2) == 1 {
            self.delete_engine();
        }
    }

    pub fn make_foreign(&self) {
        let Some(store) = self.pick_store() else { return };
        let object =
            self.adopt(c!(wasm_foreign_as_ref(wasm_foreign_new(self.store(store)))), Kind::Foreign, store, vec![]);
        assert!(object.is_some(), "no foreign object: {:?}", last_error());
    }

    pub fn make_trap(&self) {
        let Some(store) = self.pick_store() else { return };
        self.new_trap(store);
    }

    /// A trap with a message, which it must then have.
    pub fn new_trap(&self, store: usize) -> *mut wasm_trap_t {
        const MESSAGES: [&[u8]; 5] = [b"", b"\0", b"trap", b"trap\0", b"\xff\xfe\0\0"];
        let message = MESSAGES[self.below(MESSAGES.len())];
        let trap = c!(wasm_trap_new(self.store(store), &Vector::borrow(message)));
        self.adopt(c!(wasm_trap_as_ref(trap)), Kind::Trap, store, vec![]).expect("a trap");
        let mut out = wasm_byte_vec_t::EMPTY;
        c!(wasm_trap_message(trap, &mut out));
        let text = c!(take_bytes(out));
        assert_eq!(text.iter().position(|&byte| byte == 0), Some(text.len() - 1), "one NUL, at the end of {text:?}");
        trap
    }

    pub fn make_func(&self) {
        let Some(store) = self.pick_store() else { return };
        let signature = if self.below(2) == 0 { 0 } else { self.below(SIGNATURES.len()) };
        self.new_func(store, signature);
    }

    fn new_func(&self, store: usize, signature: usize) -> Id {
        let (params, results) = SIGNATURES[signature];
        let env = self.env(params, results, store);
        let ty = c!(wasm_functype_new(&mut library::valtypes(params), &mut library::valtypes(results)));
        let handle = self.store(store);
        let traced = self.below(3) != 0;
        let func = match traced {
            false => c!(wasm_func_new_with_env(handle, ty, callback, env.cast(), Some(finalize_env))),
            true => {
                let finalizer = Some(finalize_env as _);
                c!(libwasm_func_new_with_traced_env(handle, ty, callback, env.cast(), Some(trace_env), finalizer))
            }
        };
        c!(wasm_functype_delete(ty));
        let object = self.adopt(c!(wasm_func_as_ref(func)), Kind::Func, store, vec![]).expect("a function");
        let object_state = &mut self.state.borrow_mut().objects[object];
        (object_state.env, object_state.traced) = (Some(env.cast_const()), traced);
        object
    }

    pub fn make_global(&self) {
        const CONTENTS: [u8; 6] = [WASM_EXTERNREF, WASM_EXTERNREF, WASM_FUNCREF, WASM_I32, WASM_I64, WASM_F64];
        let Some(store) = self.pick_store() else { return };
        let content = CONTENTS[self.below(CONTENTS.len())];
        self.new_global(store, content, self.below(2) as u8);
    }

    fn new_global(&self, store: usize, content: u8, mutability: u8) -> Option<Id> {
        let given = self.value_for(content, store);
        let ty = c!(wasm_globaltype_new(wasm_valtype_new(content), mutability));
        clear_error();
        let global = c!(wasm_global_new(self.store(store), ty, &given.val));
        c!(wasm_globaltype_delete(ty));
        assert_eq!(
            given.fits,
            c!(libwasm_last_error_kind()) == ERROR_NONE,
            "a global of {content} with {:?}",
            given.val.kind
        );
        let numeric = content < LIBWASM_V128 && given.val.kind < LIBWASM_V128;
        assert_eq!(!global.is_null(), given.fits || numeric, "a global of {content} with {:?}", given.val.kind);
        self.adopt(c!(wasm_global_as_ref(global)), Kind::Global, store, vec![])
    }

    pub fn make_table(&self) {
        let Some(store) = self.pick_store() else { return };
        let element = [WASM_EXTERNREF, WASM_FUNCREF, WASM_FUNCREF, WASM_I64][self.below(4)];
        let min = self.below(6) as u32;
        let max = [u32::MAX, min + 5, min, min.wrapping_sub(1)][self.below(4)];
        self.new_table(store, element, &wasm_limits_t { min, max });
    }

    fn new_table(&self, store: usize, element: u8, limits: &wasm_limits_t) -> Option<Id> {
        let init = self.value_for(if element == WASM_I64 { WASM_EXTERNREF } else { element }, store);
        // A number has no reference to give.
        let init = if init.is_reference() { init } else { super::call::Given::null(element) };
        let ty = c!(wasm_tabletype_new(wasm_valtype_new(element), limits));
        clear_error();
        let table = c!(wasm_table_new(self.store(store), ty, init.val.of.r#ref));
        c!(wasm_tabletype_delete(ty));
        let valid = element != WASM_I64 && limits.min <= limits.max;
        assert_eq!(!table.is_null(), valid && init.fits, "a table of {element}, {}..{}", limits.min, limits.max);
        assert_eq!(table.is_null(), c!(libwasm_last_error_kind()) != ERROR_NONE, "a reason where there is no table");
        self.adopt(c!(wasm_table_as_ref(table)), Kind::Table, store, vec![])
    }

    pub fn make_memory(&self) {
        let Some(store) = self.pick_store() else { return };
        let min = self.below(3) as u32;
        let max = [u32::MAX, min + 2, min, min.wrapping_sub(1)][self.below(4)];
        self.new_memory(store, &wasm_limits_t { min, max });
    }

    fn new_memory(&self, store: usize, limits: &wasm_limits_t) -> Option<Id> {
        let ty = c!(wasm_memorytype_new(limits));
        let memory = c!(wasm_memory_new(self.store(store), ty));
        c!(wasm_memorytype_delete(ty));
        assert_eq!(!memory.is_null(), limits.min <= limits.max, "a memory of {}..{}", limits.min, limits.max);
        self.adopt(c!(wasm_memory_as_ref(memory)), Kind::Memory, store, vec![])
    }

    /// A guest, compiled or loaded, or a damaged one, which is refused.
    pub fn make_module(&self) {
        let Some(store) = self.pick_store() else { return };
        let (binary, artifact) = guests::guest(self.tier, self.below(guests::COUNT));
        let handle = self.store(store);
        let module = match self.below(8) {
            0 => c!(wasm_module_new(handle, &Vector::borrow(&binary))),
            1 => {
                assert!(c!(wasm_module_new(handle, &Vector::borrow(&binary[1..]))).is_null(), "half a module");
                assert!(
                    c!(wasm_module_deserialize(handle, &Vector::borrow(&artifact[1..]))).is_null(),
                    "half an artifact"
                );
                return;
            }
            _ => c!(wasm_module_deserialize(handle, &Vector::borrow(&artifact))),
        };
        assert!(!module.is_null(), "no module: {:?}", last_error());
        self.adopt(c!(wasm_module_as_ref(module)), Kind::Module, store, vec![]);
    }

    pub fn share_or_obtain(&self) {
        if self.below(2) == 0 {
            let Some(module) = self.pick_kind(Kind::Module) else { return };
            let shared = c!(wasm_module_share(wasm_ref_as_module(module.reference)));
            assert!(!shared.is_null(), "not shared: {:?}", last_error());
            let mut state = self.state.borrow_mut();
            let engine = state.stores[state.objects[module.object].store].engine;
            state.shared.push((shared, engine));
            return;
        }
        let (Some(store), count) = (self.pick_store(), self.state.borrow().shared.len()) else { return };
        if count == 0 {
            return;
        }
        let (shared, engine) = self.state.borrow().shared[self.below(count.min(256))];
        let module = c!(wasm_module_obtain(self.store(store), shared));
        assert_eq!(!module.is_null(), engine == self.state.borrow().stores[store].engine, "obtained by an engine");
        self.adopt(c!(wasm_module_as_ref(module)), Kind::Module, store, vec![]);
    }

    /// An instance of one of the modules, with imports that fit most of the time.
    pub fn make_instance(&self) {
        let Some(module) = self.pick_kind(Kind::Module) else { return };
        let of_module = self.state.borrow().objects[module.object].store;
        let Some(store) = (if self.once_in(16) { self.pick_store() } else { Some(of_module) }) else { return };
        if self.state.borrow().stores[store].deleted {
            return;
        }
        let types = library::imports(c!(wasm_ref_as_module(module.reference)));
        let (mut items, mut objects) = (Vec::new(), Vec::new());
        for ty in &types {
            let object = self.import_for(ty, store);
            let state = self.state.borrow();
            let handle = object.and_then(|id| state.handles.iter().find(|handle| handle.object == id));
            items.push(handle.map_or(ptr::null_mut(), |handle| c!(wasm_ref_as_extern(handle.reference))));
            objects.extend(object);
        }
        let mut trap = ptr::null_mut();
        let wants_trap = self.below(4) != 3;
        let out = if wants_trap { &raw mut trap } else { ptr::null_mut() };
        // Callbacks may delete the handles that are given here.
        let (handle, module) = (self.store(store), c!(wasm_ref_as_module(module.reference)));
        let instance = c!(wasm_instance_new(handle, module, &Vector::borrow(&items), out));
        assert!(!wants_trap || instance.is_null() != trap.is_null(), "an instance or a trap");
        let foreign = objects.iter().any(|&id| self.state.borrow().objects[id].store != store);
        let engines = (self.state.borrow().stores[of_module].engine, self.state.borrow().stores[store].engine);
        if engines.0 != engines.1 || foreign || items.contains(&ptr::null_mut()) {
            assert!(instance.is_null(), "an instance with something of another store or engine, or nothing");
        }
        self.receive(c!(wasm_trap_as_ref(trap)), store);
        self.adopt(c!(wasm_instance_as_ref(instance)), Kind::Instance, store, objects);
    }

    /// An object for an import: one that fits if there is one, or a new one; seldom any, or none.
    fn import_for(&self, ty: &ExternType, store: usize) -> Option<Id> {
        match self.below(32) {
            31 => return None,
            30 => return Some(self.pick(|object| object.ty.is_some())?.object),
            29 => return Some(self.pick(|object| object.ty.as_ref().is_some_and(|other| fits(ty, other)))?.object),
            n if n < 24 => {
                let fitting = self
                    .pick(|object| object.store == store && object.ty.as_ref().is_some_and(|other| fits(ty, other)));
                if fitting.is_some() {
                    return fitting.map(|handle| handle.object);
                }
            }
            _ => {}
        }
        match ty {
            ExternType::Func { .. } => Some(self.new_func(store, 0)),
            ExternType::Global { .. } => self.new_global(store, SHARED_GLOBAL.0, SHARED_GLOBAL.1),
            ExternType::Table { .. } => self.new_table(store, SHARED_TABLE.0, &SHARED_TABLE.1),
            ExternType::Memory { .. } => self.new_memory(store, &SHARED_MEMORY),
            // None of the guests imports a tag.
            ExternType::Tag => None,
        }
    }
}

/// Whether an object of type `given` can be one of type `wanted`, sizes apart.
pub fn fits(wanted: &ExternType, given: &ExternType) -> bool {
    match (wanted, given) {
        (ExternType::Table { element, .. }, ExternType::Table { element: other, .. }) => element == other,
        (ExternType::Memory { .. }, ExternType::Memory { .. }) => true,
        _ => wanted == given,
    }
}
