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

use crate::abi::{Content, Frame, HEAP_HEADER, ObjectHeader, ObjectKind, Shape, TYPE_SHIFT, heap_bits};
use crate::types::RefType;
use crate::vm::func::HostFunc;
use crate::vm::gc::blocks::Blocks;
use crate::vm::gc::heap::GcHeap;
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
    /// Structures and arrays that are marked and still to be traced.
    objects: Vec<u32>,
    blocks: Blocks,
    /// The types of objects that were traced, as bits by number.
    types: Vec<u64>,
}

impl Store {
    /// Collects, and frees all that is found dead. The store is entered.
    pub fn collect(&self) {
        self.find_dead();
        self.free_pending(usize::MAX);
    }

    /// Collects, and leaves what is found dead to [`Store::free_pending`]. The store is entered.
    pub(in crate::vm) fn find_dead(&self) {
        if self.pacing.collecting() {
            return;
        }
        self.free_pending(usize::MAX);
        self.pacing.begin();
        let blocks = if self.wasm_runs() { Blocks::of(self) } else { Blocks::default() };
        self.drop_incoherent_activations(|activation, mapped| {
            let is_context = |context| blocks.instance(context).is_some();
            // SAFETY: linked in this store, and mapped if it says so.
            unsafe { unwind::is_coherent(activation, mapped, self.context(), is_context) }
        });
        // SAFETY: the context is part of the store, and its code waits.
        self.heap.borrow_mut().begin_marking(unsafe { &mut (*self.context()).heap });
        self.heap_funcs.borrow_mut().begin_marking();
        self.heap_tags.borrow_mut().begin_marking();
        let mut marker = Marker { store: self, worklist: Vec::new(), objects: Vec::new(), blocks, types: Vec::new() };
        if self.traced_envs.get() != 0 {
            self.count_owned_handles();
        }
        marker.mark_roots();
        marker.drain();
        if self.traced_envs.get() != 0 {
            marker.finalize_traced();
        }
        let types = std::mem::take(&mut marker.types);
        self.forget_types(|id| types.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 != 0));
        self.forget_unmarked_names();
        self.heap_funcs.borrow_mut().sweep();
        self.heap_tags.borrow_mut().sweep();
        self.heap.borrow_mut().sweep();
        self.schedule_unmarked();
        self.pacing.end(self.entities.borrow().len());
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

impl Marker<'_> {
    /// Traces what is marked until all that it reaches is marked.
    fn drain(&mut self) {
        loop {
            while let Some(object) = self.objects.pop() {
                self.trace_object(object);
            }
            let Some(entity) = self.worklist.pop() else { return };
            // SAFETY: marked entities are live.
            let kind = self.store.kind_of(unsafe { &*entity });
            // SAFETY: the header of a live entity of this kind.
            unsafe { (kind.trace)(entity, self) };
        }
    }

    /// Marks what a structure or array refers to.
    fn trace_object(&mut self, object: u32) {
        let heap = self.store.heap.borrow();
        let Some(header) = heap.header(object) else { return };
        let number = header >> TYPE_SHIFT;
        let word = number as usize / 64;
        if self.types.len() <= word {
            self.types.resize(word + 1, 0);
        }
        self.types[word] |= 1 << (number % 64);
        if header & heap_bits::HANDLE != 0
            && let Some(name) = self.store.name_with_host_info(object)
        {
            self.mark_entity(name);
        }
        if header & heap_bits::EXCEPTION != 0 {
            // SAFETY: the first field of an exception.
            let place = unsafe { heap.at::<u32>(object + HEAP_HEADER).read() };
            let tag = self.store.heap_tags.borrow_mut().mark(place);
            self.mark_object(tag.cast());
        }
        // SAFETY: the header of an object.
        let Some(shape) = (unsafe { GcHeap::shape(header) }) else { return };
        drop(heap);
        match shape {
            Shape::Struct { references, funcs, .. } => {
                references.iter().for_each(|&offset| self.mark_place(object + offset, Content::References));
                funcs.iter().for_each(|&offset| self.mark_place(object + offset, Content::Funcs));
            }
            Shape::Array { content: Content::Numbers, .. } => {}
            Shape::Array { content, .. } => {
                let length = self.store.array(object).map_or(0, |(length, ..)| length);
                (0..length).for_each(|index| self.mark_place(Store::element(object, index, 2), *content));
            }
        }
    }

    /// Marks what a field or element refers to.
    fn mark_place(&mut self, place: u32, content: Content) {
        // SAFETY: within an object of the heap.
        let bits = unsafe { self.store.heap.borrow().at::<u32>(place).read() };
        match content {
            Content::Numbers => {}
            Content::References => self.mark_reference(bits),
            Content::Funcs => {
                let func = self.store.heap_funcs.borrow_mut().mark(bits);
                self.mark_object(func.cast());
            }
        }
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
        self.drain();
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
        crate::code::lookup(frame.pc, |code| {
            let Some(map) = code.stack_map_at(frame.pc) else { return };
            let sp = frame.fp - map.frame_size as usize;
            for offset in map.heap_refs() {
                // SAFETY: the stack map of this very call says that a live 32-bit reference lies here, and the frame is mapped.
                self.mark_reference(unsafe { *((sp + offset as usize) as *const u32) });
            }
            for offset in map.func_refs() {
                // SAFETY: the stack map of this very call says that a live function reference or null lies here, and the frame is mapped.
                let func = unsafe { *((sp + offset as usize) as *const usize) };
                if let Some(entity) = self.blocks.holding(func) {
                    self.mark_entity(entity);
                }
            }
        });
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

    fn mark_reference(&mut self, reference: u32) {
        if reference == 0 || reference & 1 != 0 {
            return;
        }
        let mut heap = self.store.heap.borrow_mut();
        if heap.mark_object(reference) {
            self.objects.push(reference);
            return;
        }
        let object = heap.mark_box(reference);
        drop(heap);
        self.mark_object(object);
    }
}

impl Tracer for Marker<'_> {
    fn object(&mut self, object: *mut ObjectHeader) {
        self.mark_object(object);
    }

    fn reference(&mut self, ty: RefType, bits: u64) {
        if ty.is_func() { self.mark_object(bits as *mut ObjectHeader) } else { self.mark_reference(bits as u32) }
    }
}
