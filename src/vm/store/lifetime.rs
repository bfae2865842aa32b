//! How entities are freed: at once, where nothing else can refer to them; later, where code runs that may be theirs; and with the
//! store. What a collection finds dead is freed through `pending_free.rs`.

use crate::abi::ObjectKind;
use crate::vm::func::HostFunc;
use crate::vm::instance::Instance;
use crate::vm::store::Store;
use crate::vm::store::entity::EntityHeader;

impl Store {
    /// Decides what happens to an entity that has lost its last handle.
    ///
    /// # Safety
    /// The store is entered; `entity` is live and has no handles.
    pub(super) unsafe fn lost_last_handle(&self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        if header.escaped.get() {
            self.pacing.lost();
        } else if self.pacing.collecting() || self.wasm_runs() && may_be_running(header) {
            // A frame on the stack may be the entity's. Decide when nothing runs any more, or let the collector find it.
            if !header.deferred.replace(true) {
                self.deferred.borrow_mut().push(entity);
                self.home.attention.set(true);
                self.pacing.lost();
            }
        } else {
            // SAFETY: the header of a live entity.
            let home = unsafe { home_of(header) };
            // SAFETY: a home is live, or null.
            let kept_by_host = unsafe { home.as_ref() }.is_some_and(|home| home.header.handles() != 0);
            // SAFETY: passed on.
            if !kept_by_host && !unsafe { self.free_if_unreachable(entity) } {
                self.pacing.lost();
            }
            self.run_finalizers();
        }
    }

    /// Frees an entity without handles that never escaped, if nothing refers to it; false if something may.
    ///
    /// # Safety
    /// The store is entered, no wasm of it runs; `entity` is live.
    pub(in crate::vm) unsafe fn free_if_unreachable(&self, entity: *mut EntityHeader) -> bool {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        // What is doomed has left the store already: its turn comes.
        if header.handles() != 0 || header.escaped.get() || header.doomed.get() {
            return false;
        }
        match header.object.kind {
            // SAFETY: the header of this kind is that of an `Instance`.
            ObjectKind::Instance if !unsafe { (*entity.cast::<Instance>()).is_unreachable() } => return false,
            // SAFETY: the header of these kinds is that of a table or memory.
            ObjectKind::Table | ObjectKind::Memory => match unsafe { home_of(header) } {
                home if home.is_null() => {}
                // A handle of the instance's own table or memory keeps it; that may have been the last.
                // SAFETY: a home is live, or null.
                home => return unsafe { self.free_if_unreachable(home.cast()) },
            },
            _ => {}
        }
        // SAFETY: nothing refers to the entity any more.
        unsafe { self.free_entity(entity) };
        true
    }

    /// Frees what lost its last handle while wasm ran.
    pub(super) fn free_deferred(&self) {
        loop {
            let Some(entity) = self.deferred.borrow_mut().pop() else { return };
            // SAFETY: entities leave the list when they are freed, so this one is live.
            unsafe { (*entity).deferred.set(false) };
            // SAFETY: as above; the store is entered for the last time, so nothing runs.
            unsafe { self.free_if_unreachable(entity) };
        }
    }

    /// Takes an entity out of the store and frees it. Its finalizers are queued; [`Store::run_finalizers`] runs them.
    /// What it alone owned follows without recursion.
    ///
    /// # Safety
    /// The store is entered; nothing refers to `entity` any more.
    pub(in crate::vm) unsafe fn free_entity(&self, entity: *mut EntityHeader) {
        self.free_list.borrow_mut().push(entity);
        if self.freeing.replace(true) {
            return;
        }
        loop {
            let Some(entity) = self.free_list.borrow_mut().pop() else { break };
            // SAFETY: passed on; everything in the list is unreachable.
            unsafe { self.unlink(entity) };
            // SAFETY: as above.
            unsafe { self.drop_entity(entity) };
        }
        self.freeing.set(false);
    }

    /// # Safety
    /// `entity` is live and one of the store's.
    pub(super) unsafe fn unlink(&self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        let header = unsafe { &*entity };
        let position = header.position.get() as usize;
        let mut entities = self.entities.borrow_mut();
        entities.swap_remove(position);
        if let Some(&moved) = entities.get(position) {
            // SAFETY: entities in the list are live.
            unsafe { (*moved).position.set(position as u32) };
        }
        drop(entities);
        if header.deferred.get() {
            self.deferred.borrow_mut().retain(|&other| !std::ptr::eq(other, entity));
        }
    }

    /// Frees an entity's allocation and queues its finalizers.
    ///
    /// # Safety
    /// `entity` is live, not among the store's entities, and nothing refers to it.
    pub(super) unsafe fn drop_entity(&self, entity: *mut EntityHeader) {
        // SAFETY: live by the caller's promise.
        let kind = unsafe { (*entity).object.kind };
        self.forget_host_info(entity);
        match kind {
            // SAFETY: each kind's header is that of the struct below, made by the function that frees it or by `Box`.
            ObjectKind::Instance => unsafe { Instance::free(self, entity.cast()) },
            ObjectKind::Func => {
                // SAFETY: as above.
                let func = unsafe { Box::from_raw(entity.cast::<HostFunc>()) };
                self.finalize_func(&func);
            }
            // SAFETY: as above.
            ObjectKind::Global => drop(unsafe { Box::from_raw(entity.cast::<crate::vm::global::Global>()) }),
            // SAFETY: as above.
            ObjectKind::Table => drop(unsafe { Box::from_raw(entity.cast::<crate::vm::table::Table>()) }),
            // SAFETY: as above.
            ObjectKind::Memory => drop(unsafe { Box::from_raw(entity.cast::<crate::vm::memory::Memory>()) }),
            // SAFETY: as above.
            ObjectKind::Module => {
                drop(unsafe { Box::from_raw(entity.cast::<crate::vm::compiled_module::ModuleObject>()) })
            }
            // SAFETY: as above.
            ObjectKind::Trap => drop(unsafe { Box::from_raw(entity.cast::<crate::vm::trap::Trap>()) }),
            // SAFETY: as above.
            ObjectKind::Foreign => drop(unsafe { Box::from_raw(entity.cast::<crate::vm::foreign::Foreign>()) }),
        }
    }

    /// Queues the finalizer of a host function, if that has not been done before. The environment is not asked any more.
    pub(in crate::vm) fn finalize_func(&self, func: &HostFunc) {
        if func.stop_tracing() {
            self.traced_envs.set(self.traced_envs.get() - 1);
        }
        if let Some(finalizer) = func.take_finalizer() {
            self.finalizers.push(finalizer);
        }
    }

    /// Frees every entity of a store that nobody has a handle of.
    pub(super) fn free_everything(&self) {
        self.free_doomed(usize::MAX);
        self.pacing.set_collecting(true);
        loop {
            let all = self.entities.borrow().clone();
            if all.is_empty() {
                break;
            }
            // SAFETY: without handles and without running code, nothing outside the list refers to anything in it.
            unsafe { self.doom(all) };
            self.free_doomed(usize::MAX);
        }
    }

    /// Takes an entity that dies with its instance out of the store: what it was made of is the instance's.
    ///
    /// # Safety
    /// `entity` is live and one of the store's, and nothing but its instance refers to it.
    pub(in crate::vm) unsafe fn take_out(&self, entity: *mut EntityHeader) {
        // SAFETY: passed on to the caller.
        unsafe { self.unlink(entity) };
        self.forget_host_info(entity);
    }
}

/// The instance that made a table or memory and still lives; null for all else.
///
/// # Safety
/// `header` is that of a live entity of its kind.
pub(super) unsafe fn home_of(header: &EntityHeader) -> *mut Instance {
    let entity = std::ptr::from_ref(header);
    match header.object.kind {
        // SAFETY: the header of this kind is that of a `Table`.
        ObjectKind::Table => unsafe { (*entity.cast::<crate::vm::table::Table>()).home_ptr() },
        // SAFETY: the header of this kind is that of a `Memory`.
        ObjectKind::Memory => unsafe { (*entity.cast::<crate::vm::memory::Memory>()).home_ptr() },
        _ => std::ptr::null_mut(),
    }
}

/// Whether a frame on the stack can be using an entity that never escaped, or an instance that does.
fn may_be_running(header: &EntityHeader) -> bool {
    match header.object.kind {
        ObjectKind::Instance | ObjectKind::Func | ObjectKind::Module => true,
        // SAFETY: the header of these kinds is that of a table or memory.
        ObjectKind::Memory | ObjectKind::Table => !unsafe { home_of(header) }.is_null(),
        ObjectKind::Global | ObjectKind::Trap | ObjectKind::Foreign => false,
    }
}
