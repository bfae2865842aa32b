//! The model: which handles the host owns and of what, which objects must live because of them, and whose finalizers have run.
//!
//! Each object has a host info of its own, [`Tracked`], from the moment it is first seen. It tells which object a reference is, and its
//! finalizer whether the object has died: never while the model says that it must live, and once when all is over.

use super::super::library::{self, ExternType, TIERS, Tier};
use super::super::support::*;
use super::c;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The kinds of objects.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Func,
    Global,
    Table,
    Memory,
    Instance,
    Module,
    Trap,
    Foreign,
}

pub const KINDS: [Kind; 8] =
    [Kind::Func, Kind::Global, Kind::Table, Kind::Memory, Kind::Instance, Kind::Module, Kind::Trap, Kind::Foreign];

impl Kind {
    /// A reference as an object of this kind: null if it is of another.
    pub fn of(self, reference: *mut wasm_ref_t) -> *mut c_void {
        match self {
            Kind::Func => c!(wasm_ref_as_func(reference)).cast(),
            Kind::Global => c!(wasm_ref_as_global(reference)).cast(),
            Kind::Table => c!(wasm_ref_as_table(reference)).cast(),
            Kind::Memory => c!(wasm_ref_as_memory(reference)).cast(),
            Kind::Instance => c!(wasm_ref_as_instance(reference)).cast(),
            Kind::Module => c!(wasm_ref_as_module(reference)).cast(),
            Kind::Trap => c!(wasm_ref_as_trap(reference)).cast(),
            Kind::Foreign => c!(wasm_ref_as_foreign(reference)).cast(),
        }
    }
}

/// An object's number in the model.
pub type Id = usize;

/// A handle that somebody owns, seen as a reference.
#[derive(Copy, Clone, Debug)]
pub struct Handle {
    pub reference: *mut wasm_ref_t,
    pub object: Id,
}

/// The host info of an object.
pub struct Tracked {
    object: Id,
    finalized: AtomicU32,
    /// A foreign object that only this host info has a handle of: its finalizer deletes it.
    owned: *mut wasm_foreign_t,
}

/// The environment of a host function.
pub struct Env {
    pub world: *const World,
    pub params: Vec<u8>,
    pub results: Vec<u8>,
    pub store: usize,
    /// Handles that the environment owns, and tells the collector of.
    pub owned: RefCell<Vec<Handle>>,
    finalized: AtomicU32,
}

/// What the model knows of an object.
pub struct Object {
    pub kind: Kind,
    /// The position of its store.
    pub store: usize,
    tracked: *const Tracked,
    /// What lives while this does.
    pub keeps: Vec<Id>,
    /// The type, of what can be imported.
    pub ty: Option<ExternType>,
    /// The environment, of a function of the host.
    pub env: Option<*const Env>,
    /// Whether the environment tells the collector what it owns.
    pub traced: bool,
}

/// A store, and its handle while the host owns it.
pub struct StoreState {
    pub store: *mut wasm_store_t,
    pub engine: usize,
    pub deleted: bool,
}

pub struct State {
    pub stores: Vec<StoreState>,
    pub handles: Vec<Handle>,
    pub objects: Vec<Object>,
    /// Frames, with the instance that each keeps.
    pub frames: Vec<(*mut wasm_frame_t, Id)>,
    /// Shared modules, with the engine of each.
    pub shared: Vec<(*mut wasm_shared_module_t, usize)>,
    /// The engine that only this world uses, until it is given up.
    pub own_engine: *mut wasm_engine_t,
    /// Everything whose finalizer is to run once. They outlive their objects, so that a second run is seen.
    #[allow(clippy::vec_box, reason = "the library has their addresses")]
    tracked: Vec<Box<Tracked>>,
    #[allow(clippy::vec_box, reason = "the library has their addresses")]
    envs: Vec<Box<Env>>,
}

/// The host: a sequence of calls, and the model. What it calls may call it again, so nothing stays borrowed across a call.
pub struct World {
    input: RefCell<Vec<u8>>,
    pub tier: Tier,
    pub state: RefCell<State>,
    /// How many callbacks are running.
    pub depth: Cell<u32>,
    /// How often a callback has run.
    pub callbacks: Cell<u32>,
}

extern "C" fn finalize_tracked(info: *mut c_void) {
    // SAFETY: the world keeps every host info until it is dropped.
    let tracked = unsafe { &*info.cast::<Tracked>() };
    tracked.finalized.fetch_add(1, Relaxed);
    c!(wasm_foreign_delete(tracked.owned));
}

/// The finalizer of a host function's environment.
pub extern "C" fn finalize_env(env: *mut c_void) {
    // SAFETY: the world keeps every environment until it is dropped.
    let env = unsafe { &*env.cast::<Env>() };
    env.finalized.fetch_add(1, Relaxed);
    for handle in env.owned.take() {
        c!(wasm_ref_delete(handle.reference));
    }
}

/// Tells the collector which handles an environment owns.
pub extern "C" fn trace_env(
    env: *mut c_void,
    visit: extern "C" fn(reference: *const wasm_ref_t, visitor: *mut c_void),
    visitor: *mut c_void,
) {
    // SAFETY: the world keeps every environment until it is dropped.
    for handle in unsafe { &*env.cast::<Env>() }.owned.borrow().iter() {
        visit(handle.reference, visitor);
    }
}

impl World {
    pub fn new(input: &[u8]) -> World {
        let (tier, input) = input.split_first().unwrap_or((&0, &[]));
        let tier = TIERS[usize::from(*tier) % TIERS.len()];
        World {
            input: RefCell::new(input.iter().rev().copied().collect()),
            tier,
            state: RefCell::new(State {
                stores: Vec::new(),
                handles: Vec::new(),
                objects: Vec::new(),
                frames: Vec::new(),
                shared: Vec::new(),
                own_engine: library::new_engine(tier),
                tracked: Vec::new(),
                envs: Vec::new(),
            }),
            depth: Cell::new(0),
            callbacks: Cell::new(0),
        }
    }

    /// The next byte of the input; `None` at its end.
    pub fn byte(&self) -> Option<u8> {
        self.input.borrow_mut().pop()
    }

    /// A number below `end`, which is at most 256 and not zero, out of the input; 0 at its end.
    pub fn below(&self, end: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % end
    }

    /// True once in `n` times; never at the end of the input.
    pub fn once_in(&self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of the host's handles that `wanted` accepts.
    pub fn pick(&self, wanted: impl Fn(&Object) -> bool) -> Option<Handle> {
        let state = self.state.borrow();
        let fitting: Vec<_> = state.handles.iter().filter(|handle| wanted(&state.objects[handle.object])).collect();
        if fitting.is_empty() { None } else { Some(*fitting[self.below(fitting.len().min(256))]) }
    }

    pub fn pick_kind(&self, kind: Kind) -> Option<Handle> {
        self.pick(|object| object.kind == kind)
    }

    /// One of the host's handles, now somebody else's.
    pub fn take(&self, wanted: impl Fn(&Object) -> bool) -> Option<Handle> {
        let handle = self.pick(wanted)?;
        let mut state = self.state.borrow_mut();
        let position = state
            .handles
            .iter()
            .position(|other| std::ptr::eq(other.reference, handle.reference) && other.object == handle.object);
        Some(state.handles.swap_remove(position?))
    }

    /// A store whose handle the host still owns.
    pub fn pick_store(&self) -> Option<usize> {
        let state = self.state.borrow();
        let open: Vec<_> = (0..state.stores.len()).filter(|&index| !state.stores[index].deleted).collect();
        if open.is_empty() { None } else { Some(open[self.below(open.len())]) }
    }

    pub fn store(&self, index: usize) -> *mut wasm_store_t {
        self.state.borrow().stores[index].store
    }

    /// Gives an object a host info, instead of the one it may have.
    pub fn track(&self, reference: *mut wasm_ref_t, object: Id) {
        let mut state = self.state.borrow_mut();
        let store = &state.stores[state.objects[object].store];
        let owns = !store.deleted && self.once_in(8);
        let owned = if owns { c!(wasm_foreign_new(store.store)) } else { ptr::null_mut() };
        state.tracked.push(Box::new(Tracked { object, finalized: AtomicU32::new(0), owned }));
        let tracked: *const Tracked = &raw const **state.tracked.last().expect("just pushed");
        let before = std::mem::replace(&mut state.objects[object].tracked, tracked);
        let info = tracked.cast_mut().cast();
        c!(wasm_ref_set_host_info_with_finalizer(reference, info, Some(finalize_tracked)));
        assert_eq!(c!(wasm_ref_get_host_info(reference)), info, "the host info just set");
        // SAFETY: the world keeps every host info.
        let before = unsafe { before.as_ref() }.map(Tracked::runs);
        assert!(before.is_none_or(|runs| runs == 1), "the finalizer of a replaced host info ran {before:?} times");
    }

    /// Adds an object that the host sees for the first time.
    pub fn register(&self, reference: *mut wasm_ref_t, kind: Kind, store: usize, keeps: Vec<Id>) -> Id {
        assert!(!kind.of(reference).is_null(), "a reference to an object of another kind than {kind:?}");
        let item = c!(wasm_ref_as_extern(reference));
        let ty = if item.is_null() { None } else { Some(library::type_of(item)) };
        let object = Object { kind, store, tracked: ptr::null(), keeps, ty, env: None, traced: false };
        self.state.borrow_mut().objects.push(object);
        let id = self.state.borrow().objects.len() - 1;
        self.track(reference, id);
        id
    }

    /// Adds a handle that the host now owns of an object it sees for the first time; none for null.
    pub fn adopt(&self, reference: *mut wasm_ref_t, kind: Kind, store: usize, keeps: Vec<Id>) -> Option<Id> {
        if reference.is_null() {
            return None;
        }
        let object = self.register(reference, kind, store, keeps);
        self.state.borrow_mut().handles.push(Handle { reference, object });
        Some(object)
    }

    /// Which object a reference is, as its host info tells. It must be alive, and what the host's handles of it say it is.
    pub fn known(&self, reference: *const wasm_ref_t) -> Option<Id> {
        let state = self.state.borrow();
        let info: *const Tracked = c!(wasm_ref_get_host_info(reference)).cast();
        let same = |handle: &Handle| c!(wasm_ref_same(handle.reference, reference));
        if info.is_null() {
            assert!(!state.handles.iter().any(same), "an object has lost its host info");
            return None;
        }
        // SAFETY: the world keeps every host info, and no others are set.
        let tracked = unsafe { &*info };
        assert_eq!(tracked.runs(), 0, "object {} is met after its finalizer ran", tracked.object);
        for handle in &state.handles {
            assert_eq!(same(handle), handle.object == tracked.object, "identity of {handle:?}");
        }
        Some(tracked.object)
    }

    /// Takes over a handle that a call gave: of an object that is known, or of a new one.
    pub fn receive(&self, reference: *mut wasm_ref_t, store: usize) -> Option<Id> {
        if reference.is_null() {
            return None;
        }
        let Some(object) = self.known(reference) else {
            let kind = KINDS.into_iter().find(|kind| !kind.of(reference).is_null());
            return self.adopt(reference, kind.expect("a reference of some kind"), store, Vec::new());
        };
        assert_eq!(self.state.borrow().objects[object].store, store, "an object of another store");
        self.state.borrow_mut().handles.push(Handle { reference, object });
        Some(object)
    }

    /// Makes an environment, which lives as long as the world.
    pub fn env(&self, params: &[u8], results: &[u8], store: usize) -> *mut Env {
        let env = Env {
            world: self,
            params: params.to_vec(),
            results: results.to_vec(),
            store,
            owned: RefCell::default(),
            finalized: AtomicU32::new(0),
        };
        let mut state = self.state.borrow_mut();
        state.envs.push(Box::new(env));
        &raw mut **state.envs.last_mut().expect("just pushed")
    }

    /// Checks that all lives which a handle of the host keeps.
    pub fn check(&self) {
        let state = self.state.borrow();
        let mut seen = vec![false; state.objects.len()];
        let mut worklist: Vec<Id> = state.handles.iter().map(|handle| handle.object).collect();
        worklist.extend(state.frames.iter().map(|&(_, instance)| instance));
        while let Some(id) = worklist.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            let object = &state.objects[id];
            // SAFETY: the world keeps every host info.
            let runs = unsafe { &*object.tracked }.runs();
            assert_eq!(runs, 0, "object {id}, {:?}, is finalized, but a handle keeps it", object.kind);
            worklist.extend(&object.keeps);
            if let Some(env) = object.env {
                // SAFETY: the world keeps every environment.
                let env = unsafe { &*env };
                assert_eq!(env.runs(), 0, "the environment of function {id} is finalized, but a handle keeps it");
                worklist.extend(env.owned.borrow().iter().map(|handle| handle.object));
            }
        }
    }

    /// Gives everything back, in an order that the input says, and checks that every finalizer has run once.
    pub fn finish(&self) {
        while let Some(end) = self.remaining() {
            self.delete_one(self.below(end.min(256)));
            self.check();
        }
        let state = self.state.borrow();
        for tracked in &state.tracked {
            let kind = state.objects[tracked.object].kind;
            let (object, runs) = (tracked.object, tracked.runs());
            assert_eq!(runs, 1, "runs of a finalizer of object {object}, {kind:?}, when nothing is left");
        }
        for env in &state.envs {
            assert_eq!(env.runs(), 1, "runs of an environment's finalizer when nothing is left");
        }
    }

    /// How many things the host owns; `None` for none.
    fn remaining(&self) -> Option<usize> {
        let state = self.state.borrow();
        let stores = state.stores.iter().filter(|store| !store.deleted).count();
        Some(state.handles.len() + state.frames.len() + state.shared.len() + stores).filter(|&count| count != 0)
    }

    /// Deletes the thing at a position among all that the host owns.
    fn delete_one(&self, mut position: usize) {
        let mut state = self.state.borrow_mut();
        if position < state.handles.len() {
            return c!(wasm_ref_delete(state.handles.swap_remove(position).reference));
        }
        position -= state.handles.len();
        if position < state.frames.len() {
            return c!(wasm_frame_delete(state.frames.swap_remove(position).0));
        }
        position -= state.frames.len();
        if position < state.shared.len() {
            return c!(wasm_shared_module_delete(state.shared.swap_remove(position).0));
        }
        position -= state.shared.len();
        if let Some(store) = state.stores.iter_mut().filter(|store| !store.deleted).nth(position) {
            store.deleted = true;
            c!(wasm_store_delete(store.store));
        }
    }
}

impl Tracked {
    fn runs(&self) -> u32 {
        self.finalized.load(Relaxed)
    }
}

impl Env {
    fn runs(&self) -> u32 {
        self.finalized.load(Relaxed)
    }
}
