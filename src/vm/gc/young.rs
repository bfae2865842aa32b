//! Young collections: of what was allocated since the last collection. What is marked is taken to be reached.
//!
//! Roots are what entities refer to, whether anything reaches those or not, the stack, and marked objects that were written to. An
//! entity is never freed by such a collection, unless it is the name of an object that is.

use super::statistics::Pause;
use super::tracing::Tracing;
use crate::abi::{ObjectHeader, ObjectKind};
use crate::types::RefType;
use crate::vm::store::Store;
use crate::vm::store::kinds::Tracer;
use crate::vm::trap::unwind;
use std::ops::ControlFlow;

/// Marks the objects that entities refer to.
struct Roots<'a> {
    store: &'a Store,
    tracing: Tracing,
}

impl Tracer for Roots<'_> {
    fn object(&mut self, _: *mut ObjectHeader) {}

    fn reference(&mut self, ty: RefType, bits: u64) {
        if !ty.is_func() {
            self.tracing.mark(&mut self.store.gc.heap.borrow_mut(), bits as u32);
        }
    }
}

impl Store {
    /// Frees the objects and boxes that were allocated since the last collection and are not reached. The store is entered, and is not
    /// marking from scratch.
    pub(super) fn collect_young(&self) {
        if self.pacing.collecting() {
            return;
        }
        let pause = Pause::begin(&self.gc.statistics);
        self.pacing.set_collecting(true);
        self.make_stack_coherent();
        let mut roots = Roots { store: self, tracing: Tracing::of_young() };
        roots.tracing.take_written(&mut self.gc.heap.borrow_mut());
        self.mark_from_entities(&mut roots);
        // SAFETY: the store is entered, and its activations have just been found coherent.
        let _ = unsafe {
            unwind::walk(self.context(), &mut |step| {
                if let unwind::Step::Frame(frame) = step {
                    self.mark_frame_references(&frame, &mut roots.tracing, |_| ());
                }
                ControlFlow::Continue(())
            })
        };
        self.with_parts(|parts| roots.tracing.run(parts, usize::MAX));
        self.clear_weak(false);
        self.forget_names_of_dead_objects();
        self.sweep_heap();
        self.pacing.set_collecting(false);
        self.gc.statistics.young.set(self.gc.statistics.young.get() + 1);
        drop(pause);
    }

    fn mark_from_entities(&self, roots: &mut Roots<'_>) {
        for &entity in self.entities.borrow().iter() {
            // SAFETY: entities in the list are live.
            let header = unsafe { &*entity };
            let refers = match header.object.kind {
                ObjectKind::Instance | ObjectKind::Table | ObjectKind::Global | ObjectKind::Trap => true,
                ObjectKind::HeapObject => header.handles() != 0,
                _ => false,
            };
            if refers {
                // SAFETY: the header of a live entity of this kind.
                unsafe { (self.kind_of(header).trace)(entity, roots) };
            }
        }
    }
}
