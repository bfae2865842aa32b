//! Shared memories: those that threads use at the same time.
//!
//! A shared memory belongs to an engine, not to a store. A [`Memory`](super::Memory) of a store is a name of it, as the module objects of
//! stores are of a compiled module, so stores on several threads have it at once. All code reads one [`VMMemory`], and
//!
//! - its base never changes: as much address space is reserved as the memory can ever grow to, or less where there is not so much;
//! - its length only grows, one thread at a time, and after the bytes have become accessible.
//!
//! Guests may race for the bytes, and that is their business. It does not become ours: Rust makes no reference to any of them, reads and
//! writes single values as atomics, and ranges in assembly (`arch::racing_copy`).

use crate::abi::VMMemory;
use crate::os::sync::Mutex;
use crate::types::{Error, Limits, MemoryType, Result};
use crate::vm::engine::Engine;
use crate::vm::memory::by_type::{allocate_bytes, check_type, grown_length};
use crate::vm::memory::linear::{Contents, LinearMemory};
use crate::vm::memory::waiters::{Waiters, Woken};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

/// A shared memory.
pub struct SharedMemory {
    definition: VMMemory,
    ty: MemoryType,
    room: usize,
    reserved: usize,
    /// Locked to grow.
    bytes: Mutex<LinearMemory>,
    waiters: Waiters,
    engine: Arc<Engine>,
}

// SAFETY: the base of the definition never changes, the length is atomic, and the bytes are only accessed as the module says.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

/// Why a thread cannot wait at an address, or be notified there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum BadAddress {
    OutOfBounds,
    Unaligned,
}

impl SharedMemory {
    /// Makes a memory of a type that is shared. `contents`: what it begins with, other than zeros.
    pub fn new(engine: &Arc<Engine>, ty: MemoryType, contents: Option<Contents<'_>>) -> Result<Arc<SharedMemory>> {
        if !ty.shared {
            return Err(Error::argument("the type is of a memory that is not shared"));
        }
        check_type(&ty)?;
        let bytes = allocate_bytes(engine, &ty, contents)?;
        let definition = VMMemory { base: bytes.base(), length: AtomicUsize::new(bytes.len()) };
        let (room, reserved) = (bytes.room(), bytes.reserved());
        let (bytes, waiters, engine) = (Mutex::new(bytes), Waiters::default(), engine.clone());
        Ok(Arc::new(SharedMemory { definition, ty, room, reserved, bytes, waiters, engine }))
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What compiled code sees of the memory.
    pub fn definition(&self) -> *mut VMMemory {
        (&raw const self.definition).cast_mut()
    }

    /// The bytes from the base on that are reserved, before the guard.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The bytes from the base on that belong to the memory, its guard included.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// The start of the memory's bytes.
    pub fn base(&self) -> *mut u8 {
        self.definition.base
    }

    /// The length in bytes, as it is now.
    pub fn byte_len(&self) -> usize {
        self.definition.length.load(Acquire)
    }

    /// The length in pages, as it is now.
    pub fn pages(&self) -> u64 {
        self.byte_len() as u64 >> self.ty.page_size_log2
    }

    /// The type, with the current size as the minimum.
    pub fn ty(&self) -> MemoryType {
        MemoryType { limits: Limits { min: self.pages(), max: self.ty.limits.max }, ..self.ty }
    }

    /// Grows by `delta` pages, and gives the old size in pages. Threads that grow at the same time do so one after the other.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        let mut bytes = self.bytes.lock();
        let old = self.pages();
        let new = grown_length(&self.ty, old, delta)?;
        if delta > 0 {
            bytes.grow_to(new)?;
            self.definition.length.store(new, Release);
        }
        Ok(old)
    }

    /// Where a value of `size` bytes lies.
    fn place(&self, address: u64, size: u64) -> Result<*mut u8, BadAddress> {
        match address.checked_add(size) {
            Some(end) if end <= self.byte_len() as u64 => {}
            _ => return Err(BadAddress::OutOfBounds),
        }
        if !address.is_multiple_of(size) {
            return Err(BadAddress::Unaligned);
        }
        Ok(self.base().wrapping_add(address as usize))
    }

    /// Waits at an address until another thread notifies it, or for so many nanoseconds, if that is not negative; but not if the value there
    /// is not the expected one.
    pub fn wait32(&self, address: u64, expected: u32, timeout: i64) -> Result<Result<Woken>, BadAddress> {
        let place = self.place(address, 4)?.cast::<u32>();
        // SAFETY: within the memory, aligned, and accessible as long as the memory lives; guests access it as an atomic, or race.
        let is_expected = || unsafe { AtomicU32::from_ptr(place) }.load(SeqCst) == expected;
        Ok(self.waiters.wait(address, duration(timeout), is_expected))
    }

    /// As [`SharedMemory::wait32`], for a value of 64 bits.
    pub fn wait64(&self, address: u64, expected: u64, timeout: i64) -> Result<Result<Woken>, BadAddress> {
        let place = self.place(address, 8)?.cast::<u64>();
        // SAFETY: as for 32 bits.
        let is_expected = || unsafe { AtomicU64::from_ptr(place) }.load(SeqCst) == expected;
        Ok(self.waiters.wait(address, duration(timeout), is_expected))
    }

    /// Wakes threads that wait at an address, `most` of them at most; how many it woke.
    pub fn notify(&self, address: u64, most: u32) -> Result<u32, BadAddress> {
        self.place(address, 4)?;
        Ok(self.waiters.notify(address, most))
    }

    /// Whether the host interrupts those that wait, now and from now on.
    pub fn set_interrupted(&self, interrupted: bool) {
        self.waiters.set_interrupted(interrupted);
    }
}

/// A number of nanoseconds, of which a negative one has no end.
fn duration(timeout: i64) -> Option<Duration> {
    u64::try_from(timeout).ok().map(Duration::from_nanos)
}
