//! A collection: marks what the roots reach, frees the rest.
//!
//! Roots are entities that the host has handles of, every instance with a frame on the stack, the references that the
//! stack maps of those frames name, and host functions that have been called out to. From an entity, its imports, tables,
//! memories and globals are reached; from a table or global, what its references refer to; from a heap box, its object.
//!
//! A handle that an entity of the store owns is no root by itself: it counts if that entity is reached. The environments of host
//! functions own handles, if they say so, and traps own handles of their frames' instances. The finalizer of a function that is
//! not reached is what gives the handles of its environment back, so it is queued first, while all they name is kept; once it has
//! run, the next collection frees that.
//!
//! It runs only where every reference is in one of those places: when an instance is made, and when heap boxes are
//! reserved, before values are converted.

use super::blocks::Blocks;
use super::statistics::Pause;
use super::tracing::{Parts, Tracing};
use crate::abi::{Frame, ObjectHeader, ObjectKind};
use crate::types::RefType;
use crate::vm::func::HostFunc;
use crate::vm::instance::Instance;
use crate::vm::store::Store;
use crate::vm::store::entity::{EntityHeader, owner_of};
use crate::vm::store::kinds::Tracer;
use crate::vm::trap::unwind;
use std::ops::ControlFlow;

/// The state of marking.
struct Marker<'a> {
    store: &'a Store,
    worklist: Vec<*mut EntityHeader>,
    tracing: Tracing,
    /// How many of the boxes, functions and tags that were found in the heap have had their entities marked.
    passed_on: [usize; 3],
    blocks: Blocks,
}

impl Store {
    /// Collects, and frees all that is found dead. The store is entered.
    pub fn collect(&self) {
        self.find_dead();
        self.free_pending(usize::MAX);
    }

    /// Collects all at once and from scratch, and leaves what is found dead to [`Store::free_pending`]. The store is entered.
    pub(in crate::vm) fn find_dead(&self) {
        if self.pacing.collecting() {
            return;
        }
        let pause = Pause::begin(&self.gc.statistics);
        self.gc.marking.take();
        self.start_marking();
        self.finish_marking(Tracing::default());
        drop(pause);
    }

    /// Makes all that is marked unmarked, to mark from scratch.
    pub(super) fn start_marking(&self) {
        self.gc.heap.borrow_mut().begin_marking();
        self.gc.funcs.borrow_mut().begin_marking();
        self.gc.tags.borrow_mut().begin_marking();
    }

    /// Marks what is not marked yet, and frees what then is not.
    pub(super) fn finish_marking(&self, tracing: Tracing) {
        // What is freed may be an exception of another language, whose destructor may call the library.
        self.pacing.set_collecting(true);
        self.free_pending(usize::MAX);
        self.pacing.begin();
        let mut marker = Marker::begin(self, tracing);
        // A tracing function of the host may have written to objects just now.
        marker.tracing.take_written(&mut self.gc.heap.borrow_mut());
        marker.mark_roots();
        marker.mark_reached(true);
        // Before environments are finalized: what only they keep has been given up.
        self.clear_weak(true);
        if self.traced_envs.get() != 0 {
            marker.finalize_traced();
        }
        let tracing = std::mem::take(&mut marker.tracing);
        self.keep_names_with_host_info();
        self.forget_types(|id| tracing.is_used(id));
        self.forget_unmarked_names();
        self.gc.funcs.borrow_mut().sweep();
        self.gc.tags.borrow_mut().sweep();
        self.sweep_heap();
        self.schedule_unmarked();
        self.pacing.end(self.entities.borrow().len());
        self.note_full_collection();
    }

    /// Frees what is not marked in the heap.
    pub(super) fn sweep_heap(&self) {
        let mut heap = self.gc.heap.borrow_mut();
        // SAFETY: the context is part of the store, and its code waits.
        heap.retire(unsafe { &mut (*self.context()).heap });
        heap.sweep();
    }

    /// Marks what the roots refer to in the heap, by way of entities, and leaves what that refers to for later. Entities are left unmarked.
    pub(super) fn mark_from_roots(&self, tracing: Tracing) -> Tracing {
        self.pacing.set_collecting(true);
        let mut marker = Marker::begin(self, tracing);
        marker.mark_roots();
        marker.mark_reached(false);
        for &entity in self.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            let header = unsafe { &*entity };
            header.owned_by_entities.set(0);
            header.marked.set(false);
        }
        let tracing = std::mem::take(&mut marker.tracing);
        self.pacing.set_collecting(false);
        tracing
    }

    /// Lets `visit` use the parts of the store that marking objects needs.
    pub(super) fn with_parts<R>(&self, visit: impl FnOnce(&mut Parts<'_>) -> R) -> R {
        let (mut heap, mut funcs, mut tags) =
            (self.gc.heap.borrow_mut(), self.gc.funcs.borrow_mut(), self.gc.tags.borrow_mut());
        visit(&mut Parts { heap: &mut heap, funcs: &mut funcs, tags: &mut tags })
    }

    /// Drops the activations that were left otherwise than by return, so that the stack can be walked. What its frames refer to.
    pub(super) fn make_stack_coherent(&self) -> Blocks {
        let blocks = if self.wasm_runs() { Blocks::of(self) } else { Blocks::default() };
        self.drop_incoherent_activations(|activation, mapped| {
            let is_context = |context| blocks.instance(context).is_some();
            // SAFETY: linked in this store, and mapped if it says so.
            unsafe { unwind::is_coherent(activation, mapped, self.context(), is_context) }
        });
        blocks
    }

    /// The live entities that are host functions with environments that say what they own.
    fn for_each_traced_func(&self, mut visit: impl FnMut(*mut EntityHeader, &HostFunc)) {
        for &entity in self.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            if unsafe { (*entity).object.kind } == ObjectKind::Func {
                // SAFETY: an entity of this kind is a `HostFunc`.
                let func = unsafe { &*entity.cast::<HostFunc>() };
                if func.is_traced() {
                    visit(entity, func);
                }
            }
        }
    }

    fn count_owned_handles(&self) {
        let mut count = |object: *mut ObjectHeader| {
            // SAFETY: a handle keeps its record alive.
            let entity = unsafe { owner_of(object) };
            // SAFETY: the owner of a live record is live.
            let count = unsafe { &(*entity).owned_by_entities };
            count.set(count.get().saturating_add(1));
        };
        for &entity in self.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            let kind = self.kind_of(unsafe { &*entity });
            // SAFETY: the header of a live entity of this kind.
            unsafe { (kind.owned_handles)(entity, &mut count) };
        }
    }

    fn schedule_unmarked(&self) {
        let unmark = |&&entity: &&*mut EntityHeader| {
            // SAFETY: entities in the list are live.
            let header = unsafe { &*entity };
            header.owned_by_entities.set(0);
            !header.marked.replace(false)
        };
        let dead: Vec<_> = self.entities.borrow().iter().filter(unmark).copied().collect();
        if !dead.is_empty() {
            // SAFETY: nothing reaches them, and each is in the list once.
            unsafe { self.schedule_free(dead) };
        }
    }
}

impl<'a> Marker<'a> {
    /// With the stack made coherent, and the handles counted that entities own.
    fn begin(store: &'a Store, tracing: Tracing) -> Marker<'a> {
        let blocks = store.make_stack_coherent();
        if store.traced_envs.get() != 0 {
            store.count_owned_handles();
        }
        Marker { store, worklist: Vec::new(), tracing, passed_on: [0; 3], blocks }
    }

    /// Traces the entities that are marked until all that they reach are, by way of objects too that are marked and traced
    /// already, or, if `with_objects`, of all that they reach.
    fn mark_reached(&mut self, with_objects: bool) {
        loop {
            if with_objects {
                let tracing = &mut self.tracing;
                self.store.with_parts(|parts| tracing.run(parts, usize::MAX));
            }
            self.pass_on();
            while let Some(entity) = self.worklist.pop() {
                // SAFETY: marked entities are live.
                let kind = self.store.kind_of(unsafe { &*entity });
                // SAFETY: the header of a live entity of this kind.
                unsafe { (kind.trace)(entity, self) };
            }
            let [boxes, funcs, tags] = self.passed_on;
            let found = &self.tracing;
            let all = boxes == found.boxes.len() && funcs == found.funcs.len() && tags == found.tags.len();
            if all && (found.is_done() || !with_objects) {
                return;
            }
        }
    }

    /// Marks the entities behind what was found in the heap.
    fn pass_on(&mut self) {
        let store = self.store;
        let [boxes, funcs, tags] = &mut self.passed_on;
        let mut objects = Vec::new();
        let heap = store.gc.heap.borrow();
        objects.extend(self.tracing.boxes[*boxes..].iter().map(|&reference| heap.get(reference)));
        let (all_funcs, all_tags) = (store.gc.funcs.borrow(), store.gc.tags.borrow());
        objects.extend(self.tracing.funcs[*funcs..].iter().map(|&place| all_funcs.get(place).cast()));
        objects.extend(self.tracing.tags[*tags..].iter().map(|&place| all_tags.get(place).cast()));
        (*boxes, *funcs, *tags) = (self.tracing.boxes.len(), self.tracing.funcs.len(), self.tracing.tags.len());
        drop((heap, all_funcs, all_tags));
        objects.into_iter().for_each(|object| self.mark_object(object));
    }

    /// Finalizes the functions that are not reached and whose environments own handles, and marks what those handles keep.
    fn finalize_traced(&mut self) {
        let store = self.store;
        store.for_each_traced_func(|entity, func| {
            // SAFETY: entities of the store are live.
            if !unsafe { (*entity).marked.get() } {
                func.finalize();
                store.pacing.again();
            }
        });
        for &entity in store.entities.borrow().iter() {
            // SAFETY: as above.
            if unsafe { (*entity).handles() } != 0 {
                self.mark_entity(entity);
            }
        }
        self.mark_reached(true);
    }

    fn mark_roots(&mut self) {
        let mut roots = 0;
        for &entity in self.store.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            let header = unsafe { &*entity };
            let held = header.handles().saturating_sub(header.owned_by_entities.get() as usize);
            if held != 0 {
                roots += held;
                self.mark_entity(entity);
            }
        }
        self.store.pacing.set_roots(roots);
        // SAFETY: the store is entered, and its activations have just been found coherent.
        let _ = unsafe {
            unwind::walk(self.store.context(), &mut |step| {
                match step {
                    unwind::Step::Frame(frame) => self.mark_frame(&frame),
                    unwind::Step::HostCall(context) => self.mark_entity(HostFunc::from_context(context).cast()),
                }
                ControlFlow::Continue(())
            })
        };
    }

    /// Marks the instance a frame runs in and the references in its stack slots.
    fn mark_frame(&mut self, frame: &Frame) {
        self.mark_entity(Instance::from_vmctx(frame.vmctx).cast());
        let mut funcs = Vec::new();
        self.store.mark_frame_references(frame, &mut self.tracing, |func| funcs.push(func));
        for func in funcs {
            if let Some(entity) = self.blocks.holding(func) {
                self.mark_entity(entity);
            }
        }
    }

    fn mark_entity(&mut self, entity: *mut EntityHeader) {
        // SAFETY: only live entities are reached.
        if !unsafe { (*entity).marked.replace(true) } {
            self.worklist.push(entity);
        }
    }

    fn mark_object(&mut self, object: *mut ObjectHeader) {
        if !object.is_null() {
            // SAFETY: only live objects are reached.
            self.mark_entity(unsafe { owner_of(object) });
        }
    }
}

impl Store {
    /// Marks the objects that a frame's stack slots refer to; `func` gets the functions.
    pub(super) fn mark_frame_references(&self, frame: &Frame, tracing: &mut Tracing, mut func: impl FnMut(usize)) {
        crate::code::lookup(frame.pc, |code| {
            let Some(map) = code.stack_map_at(frame.pc) else { return };
            let sp = frame.fp - map.frame_size as usize;
            let mut heap = self.gc.heap.borrow_mut();
            for offset in map.heap_refs() {
                // SAFETY: the stack map of this very call says that a live 32-bit reference lies here, and the frame is mapped.
                tracing.mark(&mut heap, unsafe { *((sp + offset as usize) as *const u32) });
            }
            for offset in map.func_refs() {
                // SAFETY: the stack map of this very call says that a live function reference or null lies here, and the frame is mapped.
                func(unsafe { *((sp + offset as usize) as *const usize) });
            }
        });
    }
}

impl Tracer for Marker<'_> {
    fn object(&mut self, object: *mut ObjectHeader) {
        self.mark_object(object);
    }

    fn reference(&mut self, ty: RefType, bits: u64) {
        if ty.is_func() {
            self.mark_object(bits as *mut ObjectHeader);
        } else {
            self.tracing.mark(&mut self.store.gc.heap.borrow_mut(), bits as u32);
        }
    }
}
