//! Host info: a pointer and a finalizer that the host attaches to an object, found by the object's identity; and when finalizers run.
//!
//! A finalizer is the host's code and may delete any handle, one among them that a function of the library was given and is about to
//! use. So finalizers do not run where their objects die but wait in a queue, until the function of the library that the
//! host called returns ([`Entered`](super::Entered) holds them back until then), or calls out to the host itself.

use crate::abi::ObjectHeader;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;

/// `void (*finalizer)(void*)` with what it is called with.
#[derive(Copy, Clone, Debug)]
pub struct Finalizer {
    pub function: unsafe extern "C" fn(*mut c_void),
    pub data: *mut c_void,
}

impl Finalizer {
    /// `None` where the host gave no function.
    pub(in crate::vm) fn new(
        (data, function): (*mut c_void, Option<unsafe extern "C" fn(*mut c_void)>),
    ) -> Option<Finalizer> {
        function.map(|function| Finalizer { function, data })
    }

    /// Runs it. Whoever has it took it from where it was kept, so that it runs once.
    pub fn run(self) {
        // SAFETY: the host gave the function and its data together, and asked that it be called once.
        unsafe { (self.function)(self.data) }
    }
}

/// What the host attached to an object.
#[derive(Copy, Clone, Debug)]
pub(super) struct HostInfo {
    data: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// Host info by object, grouped by entity so that an entity's death finds all of its records'.
#[derive(Default)]
pub struct HostInfoTable {
    entries: HashMap<*const ObjectHeader, HostInfo>,
    by_entity: HashMap<*const EntityHeader, Vec<*const ObjectHeader>>,
}

/// Finalizers that wait until no function of the library is at work in the store.
#[derive(Default)]
pub(super) struct PendingFinalizers {
    waiting: RefCell<Vec<Finalizer>>,
    /// Whether they are being run, further out on the stack: whatever a finalizer adds is run there, so chains of
    /// finalizers that delete the next object do not recurse.
    running: Cell<bool>,
    /// Whether a function of the library is at work, between whose steps no code of the host may run.
    held: Cell<bool>,
}

impl PendingFinalizers {
    pub(super) fn push(&self, finalizer: Finalizer) {
        self.waiting.borrow_mut().push(finalizer);
    }

    /// Holds them back, or no longer; what it was before.
    #[inline]
    pub(super) fn hold(&self, held: bool) -> bool {
        self.held.replace(held)
    }

    /// Runs those that wait, unless they are held back.
    #[inline]
    pub(super) fn run(&self) {
        if !self.held.get() && !self.waiting.borrow().is_empty() {
            self.run_waiting();
        }
    }

    #[cold]
    fn run_waiting(&self) {
        if self.running.replace(true) {
            return;
        }
        loop {
            let Some(finalizer) = self.waiting.borrow_mut().pop() else { break };
            finalizer.run();
        }
        self.running.set(false);
    }
}

impl Store {
    /// Queues a finalizer. The store is entered: whoever entered it runs it, at the latest when it leaves.
    pub(in crate::vm) fn queue_finalizer(&self, finalizer: Finalizer) {
        self.finalizers.push(finalizer);
        self.owner.flags.attention.set(true);
    }

    /// The host info of an object, or null.
    pub fn host_info(&self, object: *const ObjectHeader) -> *mut c_void {
        self.host_info.borrow().entries.get(&object).map_or(std::ptr::null_mut(), |info| info.data)
    }

    /// Sets an object's host info, and queues the finalizer of the old one.
    ///
    /// # Safety
    /// The store is entered; `object` is a live record of it.
    pub unsafe fn set_host_info(
        &self,
        object: *mut ObjectHeader,
        data: *mut c_void,
        finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    ) {
        // SAFETY: live by the caller's promise.
        let owner = unsafe { crate::vm::store::entity::owner_of(object) };
        // SAFETY: the owner of a live record is live. The flag is on the entity: it tells whether to look at its death.
        unsafe { (*owner).object.has_host_info = true };
        // SAFETY: as above.
        let header = unsafe { &*owner };
        if self.kind_of(header).is_name {
            header.escaped.set(true);
        }
        let mut table = self.host_info.borrow_mut();
        self.finalizable.set(self.finalizable.get() + usize::from(finalizer.is_some()));
        let old = table.entries.insert(object, HostInfo { data, finalizer });
        if old.is_none() {
            table.by_entity.entry(owner).or_default().push(object);
        }
        drop(table);
        if let Some(finalizer) = old.and_then(|old| Finalizer::new((old.data, old.finalizer))) {
            self.finalizable.set(self.finalizable.get() - 1);
            self.queue_finalizer(finalizer);
        }
    }

    /// Takes the host info of all records of a dying entity out and queues the finalizers; weak references to them are cleared.
    pub(super) fn drop_host_info(&self, entity: *mut EntityHeader) {
        self.clear_weak_to(entity);
        // SAFETY: the entity is dying but still allocated.
        if !unsafe { (*entity).object.has_host_info } {
            return;
        }
        let mut table = self.host_info.borrow_mut();
        for object in table.by_entity.remove(&entity.cast_const()).unwrap_or_default() {
            let info = table.entries.remove(&object);
            if let Some(finalizer) = info.and_then(|info| Finalizer::new((info.data, info.finalizer))) {
                self.finalizable.set(self.finalizable.get() - 1);
                self.queue_finalizer(finalizer);
            }
        }
    }
}
