//! Traps as objects, their frames, and how compiled code's traps become them.
//!
//! The stub that delivers a trap keeps the frames of the innermost activation (`src/vm/trap/unwind.rs`) before it restores the
//! entry stub's stack; [`take`] makes an object of them afterwards. A trap that a host function lets through gathers the
//! next activation's frames in the same way, so in the end it has all frames it crossed.

pub mod fault;
pub mod unwind;

use crate::abi::{Frame, ObjectHeader, ObjectKind, PendingTrap};
use crate::os::exceptions;
use crate::types::{FuncIndex, HeapType, MemoryIndex, RefType, Result, TrapCode};
use crate::vm::instance::Instance;
use crate::vm::store::entity::{EntityHeader, Handle, Record, release, retain};
use crate::vm::store::kinds::{Entity, Tracer};
use crate::vm::store::lifetime::mark_escaped;
use crate::vm::store::{Entered, Finalizer, Store};
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::fmt;

/// The number of frames a trap records at most; the innermost are kept.
pub const MAX_FRAMES: usize = 1000;

/// A trap.
#[repr(C)]
pub struct Trap {
    header: EntityHeader,
    code: TrapCode,
    /// The host's own words; otherwise those of the code, and of the access, when they are asked for.
    message: OnceCell<Box<[u8]>>,
    /// The access that was out of bounds, as far as it is known.
    access: Cell<Option<Access>>,
    /// Most traps cross few, which then take no allocation of their own.
    frames: RefCell<SmallVec<[FrameInfo; 2]>>,
    /// Whether the frames' instances are counted as handles. Until the trap escapes into wasm they are: a trap in the
    /// host's hands keeps its frames' instances alive. Afterwards the collector traces them, so that cycles can go.
    counted: Cell<bool>,
    /// Whether the trap has left the outermost activation: if it is raised again, its trace begins anew.
    complete: Cell<bool>,
    /// The exception of WebAssembly that the trap stands for, as compiled code has it; 0 if there is none.
    thrown: Cell<u32>,
    /// The exception of another language that the trap stands for on its way through WebAssembly; null if there is none. The host gets it before the trap.
    exception: Cell<*mut c_void>,
    /// Host info of a trap without a store, which has no table for it.
    detached_info: Cell<Option<(*mut c_void, Option<unsafe extern "C" fn(*mut c_void)>)>>,
}

/// An access to linear memory that faulted: at this byte of a memory that has so many.
#[derive(Copy, Clone, Debug)]
struct Access {
    memory: MemoryIndex,
    byte: usize,
    /// Whether it may have been a later byte: far beyond a memory with 64-bit addresses, all accesses fault in its guard.
    or_later: bool,
    size: usize,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Access { memory, byte, or_later, size } = self;
        let or_later = if *or_later { " or a later one" } else { "" };
        write!(f, "byte {byte:#x}{or_later} of memory {}, which has {size:#x} bytes", memory.as_u32())
    }
}

/// A frame of a trace. Not counted: see [`Trap`]; a frame handed out counts its instance itself.
#[derive(Copy, Clone, Debug)]
pub struct FrameInfo {
    pub instance: *mut Instance,
    pub func: FuncIndex,
    /// The byte offset in the module's binary.
    pub module_offset: u32,
    /// The byte offset from the start of the function's body.
    pub func_offset: u32,
}

// SAFETY: `repr(C)`, and the header with kind `Trap` is first.
unsafe impl Record for Trap {
    const KIND: ObjectKind = ObjectKind::Trap;
}

// SAFETY: as above.
unsafe impl Entity for Trap {
    const KIND: ObjectKind = ObjectKind::Trap;

    fn trace(&self, tracer: &mut dyn Tracer) {
        for frame in self.frames.borrow().iter() {
            tracer.object(frame.instance.cast());
        }
        tracer.reference(RefType { nullable: true, heap: HeapType::Exn }, self.thrown.get().into());
    }

    fn owned_handles(&self, visit: &mut dyn FnMut(*mut ObjectHeader)) {
        if self.counted.get() {
            for frame in self.frames.borrow().iter() {
                visit(frame.instance.cast());
            }
        }
    }

    /// The trap is about to be referred to from WebAssembly: the collector takes the frames' instances over.
    fn escape(&self) {
        if self.counted.replace(false) {
            for frame in self.frames.borrow().iter() {
                // SAFETY: counted until now, so live; the store is entered by whoever makes a reference.
                unsafe { mark_escaped(frame.instance.cast()) };
                // SAFETY: the count was the trap's.
                unsafe { release(frame.instance.cast()) };
            }
        }
    }
}

impl Trap {
    fn boxed(store: *const Store, code: TrapCode, message: Option<Box<[u8]>>) -> *mut Trap {
        Box::into_raw(Box::new(Trap {
            header: EntityHeader::new(ObjectKind::Trap, store),
            code,
            message: message.map_or_else(OnceCell::new, OnceCell::from),
            access: Cell::new(None),
            frames: RefCell::default(),
            counted: Cell::new(true),
            complete: Cell::new(false),
            thrown: Cell::new(0),
            exception: Cell::new(std::ptr::null_mut()),
            detached_info: Cell::new(None),
        }))
    }

    /// A trap with the host's message.
    pub fn new(entered: &Entered<'_>, code: TrapCode, message: Option<Box<[u8]>>) -> Result<Handle<Trap>> {
        let trap = Trap::boxed(entered.store(), code, message);
        // SAFETY: just boxed, and the header is first.
        unsafe { entered.store().adopt(trap.cast(), trap) }
    }

    /// As [`Trap::new`]; without memory for that, a trap that says so and belongs to no store.
    pub(in crate::vm) fn new_in_any_case(
        entered: &Entered<'_>,
        code: TrapCode,
        message: Option<Box<[u8]>>,
    ) -> Handle<Trap> {
        Trap::new(entered, code, message).unwrap_or_else(|error| Trap::detached(TrapCode::OutOfMemory, error.message()))
    }

    /// A trap that belongs to no store: for calls whose arguments name none, or when the store cannot be entered.
    pub fn detached(code: TrapCode, message: &str) -> Handle<Trap> {
        let trap = Trap::boxed(std::ptr::null(), code, Some(message.as_bytes().into()));
        // SAFETY: just boxed, and nobody else knows it.
        unsafe { (*trap).header.free_detached = Some(Trap::free_detached) };
        // SAFETY: just boxed.
        unsafe { Handle::detached(trap) }
    }

    pub fn code(&self) -> TrapCode {
        self.code
    }

    /// The message, without a NUL.
    pub fn message(&self) -> &[u8] {
        let words = self.code.message();
        match self.access.get() {
            Some(access) => self.message.get_or_init(|| format!("{words}: {access}").into_bytes().into()),
            None => self.message.get().map_or(words.as_bytes(), |message| message),
        }
    }

    /// The exception of WebAssembly that the trap stands for, as compiled code has it; 0 if there is none.
    pub(in crate::vm) fn thrown(&self) -> u32 {
        self.thrown.get()
    }

    /// Makes the trap stand for an exception of WebAssembly.
    pub(in crate::vm) fn set_thrown(&self, exception: u32) {
        self.thrown.set(exception);
    }

    /// Makes the trap stand for an exception, which it owns.
    pub(in crate::vm) fn set_exception(&self, exception: *mut c_void) {
        self.exception.set(exception);
    }

    pub fn stands_for_exception(&self) -> bool {
        !self.exception.get().is_null()
    }

    /// The exception that the trap stands for, or null; from now on it stands for none.
    pub fn take_exception(&self) -> *mut c_void {
        self.exception.replace(std::ptr::null_mut())
    }

    /// The frames, innermost first.
    pub fn frames(&self) -> Vec<FrameInfo> {
        self.frames.borrow().to_vec()
    }

    /// The store; null for a detached trap.
    pub fn store(&self) -> *const Store {
        self.header.store
    }

    /// Adds the frames of the activation that the trap has just left.
    ///
    /// # Safety
    /// The frames' instances are live, and the trap's store is entered.
    unsafe fn append(&self, crossed: &[Frame], outermost: bool) {
        // The trace of an earlier raise may be all that keeps the instances of this one: it is released last.
        let earlier = if self.complete.replace(outermost) { self.frames.take() } else { SmallVec::new() };
        let mut frames = self.frames.borrow_mut();
        let room = MAX_FRAMES - frames.len();
        for frame in &crossed[..crossed.len().min(room)] {
            let instance = Instance::from_vmctx(frame.vmctx);
            // SAFETY: live by the caller's promise.
            let module = unsafe { (*instance).module() };
            let func = module.func_index(frame.func);
            let start = module.body(frame.func).start;
            let module_offset = if frame.module_offset == u32::MAX { start } else { frame.module_offset };
            let func_offset = module_offset.saturating_sub(start);
            if self.counted.get() {
                // SAFETY: live, and the store is entered.
                unsafe { retain(instance.cast()) };
            } else {
                // SAFETY: as above.
                unsafe { mark_escaped(instance.cast()) };
            }
            frames.push(FrameInfo { instance, func, module_offset, func_offset });
        }
        drop(frames);
        self.release_counted(&earlier);
    }

    /// Gives back the handles that frames of this trap were counted as.
    fn release_counted(&self, frames: &[FrameInfo]) {
        if self.counted.get() {
            for frame in frames {
                // SAFETY: the count is the trap's.
                unsafe { release(frame.instance.cast()) };
            }
        }
    }

    /// Host info of a detached trap.
    pub fn detached_info(&self) -> *mut c_void {
        self.detached_info.get().map_or(std::ptr::null_mut(), |(data, _)| data)
    }

    /// Sets the host info of a detached trap. The caller runs the finalizer of the old one, which may delete the trap.
    #[must_use]
    pub fn set_detached_info(
        &self,
        data: *mut c_void,
        finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    ) -> Option<Finalizer> {
        Finalizer::new(self.detached_info.replace(Some((data, finalizer)))?)
    }

    /// # Safety
    /// `entity` is that of a trap without a store that nobody has a handle of.
    unsafe fn free_detached(entity: *mut EntityHeader) {
        // SAFETY: boxed by `Trap::detached`; nobody has a handle.
        let trap = unsafe { Box::from_raw(entity.cast::<Trap>()) };
        let finalizer = trap.detached_info.take().and_then(Finalizer::new);
        drop(trap);
        finalizer.into_iter().for_each(Finalizer::run);
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        let exception = self.take_exception();
        if !exception.is_null() {
            // SAFETY: the trap owned it.
            unsafe { exceptions::delete(exception) };
        }
        let frames = self.frames.take();
        self.release_counted(&frames);
    }
}

/// Makes an object of the trap that the entry stub has just returned with, or completes the one that a host function gave.
pub(in crate::vm) fn take(entered: &Entered<'_>) -> Handle<Trap> {
    let store = entered.store();
    let context = store.context();
    // SAFETY: the context is part of the store, and nothing runs in this activation any more.
    let pending = unsafe { std::mem::replace(&mut (*context).pending_trap, PendingTrap::NONE) };
    // SAFETY: as above.
    let mut frames = unsafe { std::mem::take(&mut (*context).trap_frames) };
    let trap = if pending.code == PendingTrap::OBJECT && !pending.object.is_null() {
        // SAFETY: whoever left the object gave its handle over.
        unsafe { Handle::from_raw(pending.object.cast()) }
    } else {
        let code = TrapCode::from_u8(pending.code as u8).unwrap_or(TrapCode::Unreachable);
        let trap = Trap::new_in_any_case(entered, code, None);
        if !trap.store().is_null() {
            trap.thrown.set(pending.exception);
        }
        if code == TrapCode::MemoryOutOfBounds {
            // SAFETY: the trap was raised by code of the instance of its innermost frame, which is live.
            trap.access.set(unsafe { access_of(&pending, frames.frames()) });
        }
        trap
    };
    // Dropped at the end: its last handle may be the last but one of what this trap crossed.
    let mut of_another_store = None;
    let trap = if trap.store().is_null() || std::ptr::eq(trap.store(), store) {
        trap
    } else {
        of_another_store = Some(trap);
        let message = *b"a callback returned a trap of another store";
        Trap::new_in_any_case(entered, TrapCode::BadCall, Some(message.into()))
    };
    if std::ptr::eq(trap.store(), store) {
        // SAFETY: as above.
        let outermost = unsafe { (*context).activation.is_null() };
        // SAFETY: what ran in the activation until now is live: entities without handles wait in `deferred` or for the
        // collector, and between the landing and here no handle was released and nothing was collected.
        unsafe { trap.append(frames.frames(), outermost) };
    }
    frames.clear();
    // SAFETY: as above.
    unsafe { (*context).trap_frames = frames };
    drop(of_another_store);
    trap
}

/// Drops a trap of a store whose code is about to handle the exception that it stands for. Finalizers wait, since they may collect, and nothing
/// keeps the exception until it is in a frame again.
fn drop_caught(trap: Handle<Trap>) {
    // SAFETY: a handle keeps its store alive, and only traps that are not caught lack one.
    let Some(store) = (unsafe { trap.store().as_ref() }) else { return };
    // SAFETY: code of the store runs, so there is an entry further out.
    let entered = unsafe { store.still_entered() };
    drop(trap);
    entered.leave_with_references();
}

/// The access that was out of bounds. `None` if it is not known.
///
/// # Safety
/// The instance of the innermost frame is live.
unsafe fn access_of(pending: &PendingTrap, frames: &[Frame]) -> Option<Access> {
    if pending.address == 0 {
        return None;
    }
    // SAFETY: live by the caller's promise.
    let instance = unsafe { &*Instance::from_vmctx(frames.first()?.vmctx) };
    if let Some(memory) = pending.memory.checked_sub(1).map(MemoryIndex::from_u32) {
        let size = instance.memory_ref(memory).byte_len();
        return Some(Access { memory, byte: pending.address, or_later: false, size });
    }
    instance.module().memories.keys().find_map(|index| {
        let memory = instance.memory_ref(index);
        let byte = memory.offset_of(pending.address)?;
        let or_later = memory.ty().index64 && byte >= memory.room();
        Some(Access { memory: index, byte, or_later, size: memory.byte_len() })
    })
}
