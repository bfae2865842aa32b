//! Blocks of instances that have died, kept for the next instance of the same module.
//!
//! A block keeps its tables, its memories with their mappings, and the function references that were filled in it: they point
//! into the block, so they are right for the next instance as they are. All else was reset when the instance died. A slot
//! owns no share of its module, which owns the slots.

use crate::vm::engine::types::lock;
use crate::vm::instance::Instance;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The block of an instance that is not among any store's entities, with what is its own.
pub(in crate::vm) struct Slot(*mut Instance);

// SAFETY: nobody else knows the block, and nothing in it has a tie to a thread.
unsafe impl Send for Slot {}

impl Slot {
    /// # Safety
    /// The instance is no store's, nothing refers to it, and its share of its module is taken out.
    pub(in crate::vm) unsafe fn new(instance: *mut Instance) -> Slot {
        Slot(instance)
    }

    pub(in crate::vm) fn into_instance(self) -> *mut Instance {
        let instance = self.0;
        std::mem::forget(self);
        instance
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: the slot owns the block, and nobody refers to it.
        unsafe { Instance::discard(self.0) }
    }
}

/// As many slots of a module keep pages that were written; others, which are used less often, give them back.
const KEEP_PAGES: usize = 16;

/// The slots of a module.
pub(in crate::vm) struct Slots {
    parked: Mutex<Vec<Slot>>,
    parking: Arc<Parking>,
}

/// What the slots of all modules of an engine have in common.
pub(in crate::vm) struct Parking {
    count: AtomicUsize,
    most: usize,
    modules: Mutex<Vec<Weak<Slots>>>,
}

impl Parking {
    pub(in crate::vm) fn new(most: usize) -> Parking {
        Parking { count: AtomicUsize::new(0), most, modules: Mutex::default() }
    }

    /// Gives up the slots of all modules; whether there were any.
    pub(in crate::vm) fn clear(&self) -> bool {
        let modules: Vec<_> = lock(&self.modules).iter().filter_map(Weak::upgrade).collect();
        let mut any = false;
        for module in modules {
            let parked = std::mem::take(&mut *lock(&module.parked));
            self.count.fetch_sub(parked.len(), Ordering::Relaxed);
            any |= !parked.is_empty();
        }
        any
    }

    fn register(&self, slots: &Arc<Slots>) {
        let mut modules = lock(&self.modules);
        if modules.len() == modules.capacity() {
            modules.retain(|module| module.strong_count() > 0);
            let living = modules.len();
            modules.reserve(living.max(16));
        }
        modules.push(Arc::downgrade(slots));
    }
}

impl Slots {
    pub(in crate::vm) fn new(parking: &Arc<Parking>) -> Arc<Slots> {
        let slots = Arc::new(Slots { parked: Mutex::default(), parking: parking.clone() });
        parking.register(&slots);
        slots
    }

    pub(in crate::vm) fn take(&self) -> Option<Slot> {
        let slot = lock(&self.parked).pop()?;
        self.parking.count.fetch_sub(1, Ordering::Relaxed);
        Some(slot)
    }

    /// Whether a slot that is parked now should keep its pages.
    pub(in crate::vm) fn keeps_pages(&self) -> bool {
        lock(&self.parked).len() < KEEP_PAGES
    }

    /// Keeps a slot that was reset, if there is room.
    pub(in crate::vm) fn park(&self, slot: Slot) {
        if self.parking.count.load(Ordering::Relaxed) >= self.parking.most {
            if !lock(&self.parked).is_empty() {
                return;
            }
            // What others have kept for long makes room for a module that has none.
            self.parking.clear();
        }
        let mut parked = lock(&self.parked);
        if parked.try_reserve(1).is_ok() {
            parked.push(slot);
            self.parking.count.fetch_add(1, Ordering::Relaxed);
        } else {
            drop(parked);
        }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let parked = self.parked.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.parking.count.fetch_sub(parked.len(), Ordering::Relaxed);
    }
}
