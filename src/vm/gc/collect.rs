//! A collection: marks what the roots reach, frees the rest.
//!
//! Roots are entities that the host has handles of, every instance with a frame on the stack, the references that the
//! stack maps of those frames name, and host functions that have been called out to. From an entity, its imports, tables,
//! memories and globals are reached; from a table or global, what its references refer to; from a heap box, its object.
//!
//! It runs only where every reference is in one of those places: when an instance is made, and when heap boxes are
//! reserved, before values are converted.

use crate::types::GlobalIndex;
use crate::types::{RefType, ValType};
use crate::vm::entity::{EntityHeader, owner_of};
use crate::vm::func::HostFunc;
use crate::vm::global::Global;
use crate::vm::instance::Instance;
use crate::vm::instantiate::imported_objects;
use crate::vm::store::Store;
use crate::vm::table::Table;
use crate::vm::trap::{Trap, frames_to_trace};
use crate::vm::unwind;
use crate::vm::val::RawSlot;
use crate::vm::vmcontext::{ObjectHeader, ObjectKind};
use cranelift_entity::EntityRef;
use std::ops::ControlFlow;

/// The state of marking.
struct Marker<'a> {
    store: &'a Store,
    worklist: Vec<*mut EntityHeader>,
}

impl Store {
    /// Collects. The store is entered.
    pub fn collect(&self) {
        if self.pacing.collecting() {
            return;
        }
        self.pacing.set_collecting(true);
        let mut marker = Marker { store: self, worklist: Vec::new() };
        marker.mark_roots();
        while let Some(entity) = marker.worklist.pop() {
            // SAFETY: marked entities are live.
            unsafe { marker.trace(entity) };
        }
        self.heap.borrow_mut().sweep();
        self.free_unmarked();
        self.pacing.collected();
        self.pacing.set_collecting(false);
        self.run_finalizers();
    }

    fn free_unmarked(&self) {
        // SAFETY: entities in the list are live.
        let unmark = |entity: &*mut EntityHeader| unsafe { !(**entity).marked.replace(false) };
        let dead: Vec<_> = self.entities.borrow().iter().copied().filter(unmark).collect();
        // SAFETY: nothing reaches them, and each is in the list once.
        unsafe { self.free_together(dead) };
    }
}

impl Marker<'_> {
    fn mark_roots(&mut self) {
        for &entity in self.store.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            if unsafe { (*entity).handles() } != 0 {
                self.mark_entity(entity);
            }
        }
        // SAFETY: the store is entered, so its activations are on this thread's stack.
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
    fn mark_frame(&mut self, frame: &unwind::Frame) {
        self.mark_entity(Instance::from_vmctx(frame.vmctx).cast());
        crate::code::lookup(frame.pc, |code| {
            let Some(map) = code.stack_map_at(frame.pc) else { return };
            let sp = frame.fp - map.frame_size as usize;
            for offset in map.heap_refs() {
                // SAFETY: the stack map of this very call says that a live 32-bit reference lies here.
                self.mark_box(unsafe { *((sp + offset as usize) as *const u32) });
            }
            for offset in map.func_refs() {
                // SAFETY: the stack map of this very call says that a live function reference or null lies here.
                self.mark_object(unsafe { *((sp + offset as usize) as *const *mut ObjectHeader) });
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

    fn mark_box(&mut self, reference: u32) {
        let object = self.store.heap.borrow_mut().mark(reference);
        self.mark_object(object);
    }

    fn mark_bits(&mut self, ty: RefType, bits: u64) {
        if ty.is_func() { self.mark_object(bits as *mut ObjectHeader) } else { self.mark_box(bits as u32) }
    }

    fn mark_slot(&mut self, ty: ValType, slot: &RawSlot) {
        if let ValType::Ref(ty) = ty {
            self.mark_bits(ty, u128::from_le_bytes(*slot) as u64);
        }
    }

    /// # Safety
    /// `entity` is live.
    unsafe fn trace(&mut self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        match unsafe { (*entity).object.kind } {
            // SAFETY: the header of each kind is that of its struct.
            ObjectKind::Instance => self.trace_instance(unsafe { &*entity.cast::<Instance>() }),
            // SAFETY: as above.
            ObjectKind::Table => self.trace_table(unsafe { &*entity.cast::<Table>() }),
            ObjectKind::Global => {
                // SAFETY: as above.
                let (ty, slot) = unsafe { (*entity.cast::<Global>()).value() };
                self.mark_slot(ty, &slot);
            }
            // SAFETY: as above.
            ObjectKind::Trap => frames_to_trace(unsafe { &*entity.cast::<Trap>() }, |object| self.mark_object(object)),
            ObjectKind::Func | ObjectKind::Memory | ObjectKind::Module | ObjectKind::Foreign => {}
        }
    }

    fn trace_instance(&mut self, instance: &Instance) {
        imported_objects(instance, |object| self.mark_object(object));
        for table in instance.own_tables() {
            self.mark_entity(table.cast());
        }
        for memory in instance.own_memories() {
            self.mark_entity(memory.cast());
        }
        let module = instance.module();
        for (index, ty) in module.globals.iter().skip(module.num_imported_globals as usize) {
            if ty.content.is_ref() {
                // SAFETY: an instance's own globals are part of it.
                let slot = unsafe { (*instance.global(GlobalIndex::new(index.index()))).value };
                self.mark_slot(ty.content, &slot);
            }
        }
    }

    fn trace_table(&mut self, table: &Table) {
        for index in 0..table.size() {
            if let Some(bits) = table.get(index).filter(|&bits| bits != 0) {
                self.mark_bits(table.element(), bits);
            }
        }
    }
}
