//! All kinds of entities in one table, and new stores, which work by it.
//!
//! A new kind of object is an [`ObjectKind`](crate::abi::ObjectKind), a struct that implements
//! [`Entity`](crate::vm::store::kinds::Entity), which says what it is to be traced, freed and kept by, and a row here.

use crate::vm::compiled_module::ModuleObject;
use crate::vm::engine::Engine;
use crate::vm::foreign::Foreign;
use crate::vm::func::HostFunc;
use crate::vm::gc::reference::HeapObject;
use crate::vm::gc::weak::Weak;
use crate::vm::global::Global;
use crate::vm::instance::Instance;
use crate::vm::libcalls::LIBCALLS;
use crate::vm::memory::Memory;
use crate::vm::store::Store;
use crate::vm::store::kinds::{EntityKind, Kinds};
use crate::vm::table::Table;
use crate::vm::tag::Tag;
use crate::vm::trap::{Trap, unwind};
use std::sync::Arc;

/// In the order of [`ObjectKind`](crate::abi::ObjectKind).
static KINDS: Kinds = [
    EntityKind::of::<HostFunc>(),
    EntityKind::of::<Global>(),
    EntityKind::of::<Table>(),
    EntityKind::of::<Memory>(),
    EntityKind::of::<Instance>(),
    EntityKind::of::<ModuleObject>(),
    EntityKind::of::<Trap>(),
    EntityKind::of::<Foreign>(),
    EntityKind::of::<HeapObject>(),
    EntityKind::of::<Tag>(),
    EntityKind::of::<Weak>(),
];

const _: () = assert!(EntityKind::are_in_order(&KINDS));

/// A new store with one handle, owned by this thread.
pub fn new_store(engine: Arc<Engine>) -> *mut Store {
    Store::new(engine, &KINDS, &LIBCALLS, unwind::capture_trap_frames)
}
