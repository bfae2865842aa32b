//! Host info: a pointer and a finalizer that the host attaches to an object, found by the object's identity.

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

/// Finalizers that wait until nothing of the store is borrowed.
#[derive(Default)]
pub(super) struct PendingFinalizers {
    waiting: RefCell<Vec<Finalizer>>,
    /// Whether they are being run, further out on the stack: whatever a finalizer adds is run there, so chains of
    /// finalizers that delete the next object do not recurse.
    running: Cell<bool>,
}

impl PendingFinalizers {
    pub(super) fn push(&self, finalizer: Finalizer) {
        self.waiting.borrow_mut().push(finalizer);
    }

    pub(super) fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        loop {
            let Some(finalizer) = self.waiting.borrow_mut().pop() else { break };
            // SAFETY: the host gave the function and its data together, and it runs exactly once: it was taken out.
            unsafe { (finalizer.function)(finalizer.data) };
        }
        self.running.set(false);
    }
}

impl Store {
    /// Queues a finalizer: it runs when nothing of the store is borrowed.
    pub(in crate::vm) fn queue_finalizer(&self, finalizer: Finalizer) {
        self.finalizers.push(finalizer);
    }

    /// The host info of an object, or null.
    pub fn host_info(&self, object: *const ObjectHeader) -> *mut c_void {
        self.host_info.borrow().entries.get(&object).map_or(std::ptr::null_mut(), |info| info.data)
    }

    /// Sets an object's host info and runs the finalizer of the old one.
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
        let mut table = self.host_info.borrow_mut();
        let old = table.entries.insert(object, HostInfo { data, finalizer });
        if old.is_none() {
            table.by_entity.entry(owner).or_default().push(object);
        }
        drop(table);
        if let Some(HostInfo { data, finalizer: Some(function) }) = old {
            self.finalizers.push(Finalizer { function, data });
            self.run_finalizers();
        }
    }

    /// Takes the host info of all records of a dying entity out and queues the finalizers.
    pub(super) fn drop_host_info(&self, entity: *mut EntityHeader) {
        // SAFETY: the entity is dying but still allocated.
        if !unsafe { (*entity).object.has_host_info } {
            return;
        }
        let mut table = self.host_info.borrow_mut();
        for object in table.by_entity.remove(&entity.cast_const()).unwrap_or_default() {
            if let Some(HostInfo { data, finalizer: Some(function) }) = table.entries.remove(&object) {
                self.finalizers.push(Finalizer { function, data });
            }
        }
    }
}
