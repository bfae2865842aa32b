//! Shared memories: memories that threads use at the same time, each through a store of its own.

use crate::capi::boundary::boundary;
use crate::capi::byte::byte_t;
use crate::capi::engine::wasm_engine_t;
use crate::capi::memory::wasm_memory_t;
use crate::capi::own::{self, boxed};
use crate::capi::store::wasm_store_t;
use crate::capi::types::memorytype::{self, wasm_memorytype_t};
use crate::types::{Error, Result};
use crate::vm::memory::Memory;
use crate::vm::memory::shared::{BadAddress, SharedMemory};
use crate::vm::memory::waiters::Woken;
use std::ptr;
use std::sync::Arc;

/// A memory that threads share. It belongs to an engine and to no store; `libwasm_memory_obtain` gives a store a memory that is the same
/// bytes. It lives as long as a handle of it, or a memory of a store that is the same bytes.
///
/// Every function here may be called on any thread, also on several at the same time, with the same handle, as long as none deletes that.
///
/// Guests, and the host, may access its bytes at the same time. What a thread reads that does not synchronize is any mix of what others
/// wrote; it is no undefined behaviour of the library's. A host's own accesses have to be atomic (`_Atomic`, `__atomic_load_n`) or
/// ordered by something that is, as with any memory that threads of C share.
///
/// The child of a fork has a copy of its own, in which no thread waits.
#[derive(Debug)]
pub struct libwasm_shared_memory_t {
    _opaque: [u8; 0],
}

boxed! {
    libwasm_shared_memory_t => Arc<SharedMemory>, "a shared memory";
}

/// How a wait ended: one of `enum libwasm_wait_result_enum`.
pub type libwasm_wait_result_t = u8;

/// How a wait ended. The first three are the results of `memory.atomic.wait32` and `wait64`.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_wait_result_enum {
    /// Another thread notified this one.
    LIBWASM_WAIT_WOKEN = 0,
    /// The value in the memory was not the expected one: the thread did not wait.
    LIBWASM_WAIT_NOT_EQUAL = 1,
    /// The time was over.
    LIBWASM_WAIT_TIMED_OUT = 2,
    /// The thread cannot wait there; the reason is recorded.
    LIBWASM_WAIT_FAILED = 3,
    /// The host interrupted the wait (`libwasm_shared_memory_set_interrupted`).
    LIBWASM_WAIT_INTERRUPTED = 4,
}

fn give(memory: Arc<SharedMemory>) -> *mut libwasm_shared_memory_t {
    own::into_raw(memory)
}

/// Makes a shared memory of zeros, owned by the caller. The type is one that is shared (`libwasm_memorytype_new`), so it has a maximum,
/// and so much address space is reserved from the start: the memory never moves. (With 64-bit addresses, or where there is not so much, it
/// can be less; growing fails then where that ends.) NULL if a pointer is NULL, if the type is not shared or its limits
/// cannot be, or if there is no memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_new(
    engine: *mut wasm_engine_t,
    ty: *const wasm_memorytype_t,
) -> *mut libwasm_shared_memory_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let engine = unsafe { own::borrow(engine) }?;
        // SAFETY: as the caller states.
        let ty = unsafe { memorytype::borrow(ty) }?.memory_type();
        Ok(give(SharedMemory::new(engine, ty, None)?))
    })
}

/// Deletes a handle of a shared memory; the memories of stores that are the same bytes live on; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_delete(memory: *mut libwasm_shared_memory_t) {
    // SAFETY: as the caller states.
    unsafe { own::delete(memory) }
}

/// Makes another handle of the same shared memory, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_copy(
    memory: *const libwasm_shared_memory_t,
) -> *mut libwasm_shared_memory_t {
    // SAFETY: as the caller states.
    unsafe { own::copy(memory) }
}

/// Whether two handles are of the same shared memory; false if one is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_same(
    a: *const libwasm_shared_memory_t,
    b: *const libwasm_shared_memory_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let a = unsafe { own::borrow(a) }?;
        // SAFETY: as the caller states.
        let b = unsafe { own::borrow(b) }?;
        Ok(Arc::ptr_eq(a, b))
    })
}

/// The shared memory that a memory of a store is, as a handle that the caller owns: for other threads. NULL for NULL, and if the memory is
/// not shared (`libwasm_memorytype_limits` says so of its type).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memory_share(memory: *const wasm_memory_t) -> *mut libwasm_shared_memory_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let shared = unsafe { own::record(memory) }?.shared();
        Ok(give(shared.ok_or_else(|| Error::argument("the memory is not shared"))?.clone()))
    })
}

/// Makes a memory of a store that is the same bytes as a shared memory, owned by the caller: to import it, and for all functions of
/// memories. Each is an object of its own, with its own host info, and not the same as another by `wasm_memory_same`.
/// NULL if a pointer is NULL, or the store is of another engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_memory_obtain(
    store: *mut wasm_store_t,
    shared: *const libwasm_shared_memory_t,
) -> *mut wasm_memory_t {
    boundary(ptr::null_mut(), || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        // SAFETY: as the caller states.
        let shared = unsafe { own::borrow(shared) }?.clone();
        Ok(own::object_into_raw(Memory::of_shared(&entered, shared)?))
    })
}

/// The type of a shared memory, with its current size as the minimum, owned by the caller; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_type(memory: *const libwasm_shared_memory_t) -> *mut wasm_memorytype_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(memorytype::into_raw(&unsafe { own::borrow(memory) }?.ty())))
}

/// The bytes of a shared memory, which stay where they are as long as it lives; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_data(memory: *const libwasm_shared_memory_t) -> *mut byte_t {
    // SAFETY: as the caller states.
    boundary(ptr::null_mut(), || Ok(unsafe { own::borrow(memory) }?.base().cast()))
}

/// The size of a shared memory in bytes, as it is now: it may grow at any time, and never shrinks. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_data_size(memory: *const libwasm_shared_memory_t) -> usize {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(memory) }?.byte_len()))
}

/// The size of a shared memory in pages, of the size that its type says, as it is now; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_size(memory: *const libwasm_shared_memory_t) -> u64 {
    // SAFETY: as the caller states.
    boundary(0, || Ok(unsafe { own::borrow(memory) }?.pages()))
}

/// Grows a shared memory by `delta` pages, for all threads: the size that this gave rise to can be accessed everywhere. False, with the reason
/// recorded and nothing changed, as with `libwasm_memory_grow`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_grow(memory: *mut libwasm_shared_memory_t, delta: u64) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::borrow(memory) }?.grow(delta)?;
        Ok(true)
    })
}

/// Waits like `memory.atomic.wait32`: if the 4 bytes at `address` are `expected`, the thread sleeps until another notifies that
/// address, a guest or `libwasm_shared_memory_notify`, or until `timeout` nanoseconds are over; a negative one never is. Fails, with the
/// reason recorded, for NULL and if the address is beyond the memory or no multiple of 4.
///
/// The handle may be deleted meanwhile. In a callback of WebAssembly's, the store stays busy while the thread sleeps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_wait32(
    memory: *const libwasm_shared_memory_t,
    address: u64,
    expected: u32,
    timeout: i64,
) -> libwasm_wait_result_t {
    // SAFETY: as the caller states.
    let wait = || unsafe { wait(memory, address, 4, |memory| memory.wait32(address, expected, timeout)) };
    boundary(libwasm_wait_result_enum::LIBWASM_WAIT_FAILED as libwasm_wait_result_t, wait)
}

/// As `libwasm_shared_memory_wait32`, for 8 bytes at a multiple of 8: `memory.atomic.wait64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_wait64(
    memory: *const libwasm_shared_memory_t,
    address: u64,
    expected: u64,
    timeout: i64,
) -> libwasm_wait_result_t {
    // SAFETY: as the caller states.
    let wait = || unsafe { wait(memory, address, 8, |memory| memory.wait64(address, expected, timeout)) };
    boundary(libwasm_wait_result_enum::LIBWASM_WAIT_FAILED as libwasm_wait_result_t, wait)
}

/// Wakes threads that wait at `address`, those that came first, and `count` of them at most: `memory.atomic.notify`. How many it woke.
/// 0, with the reason recorded, for NULL and if the address is beyond the memory or no multiple of 4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_notify(
    memory: *const libwasm_shared_memory_t,
    address: u64,
    count: u32,
) -> u32 {
    boundary(0, || {
        // SAFETY: as the caller states.
        let memory = unsafe { own::borrow(memory) }?;
        memory.notify(address, count).map_err(|why| bad_address(memory, address, 4, why))
    })
}

/// Interrupts the waits in a shared memory, of guests and of the host, on all threads: those that last end at once, and so does, from now on,
/// every wait that would have to sleep, until this is called with false. A guest's traps (`LIBWASM_TRAP_INTERRUPTED`), and its instance can be
/// called again; the host's gives `LIBWASM_WAIT_INTERRUPTED`. So threads that wait for each other, or for something that will not come, can be
/// stopped. False only for NULL, with the reason recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_shared_memory_set_interrupted(
    memory: *const libwasm_shared_memory_t,
    interrupted: bool,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::borrow(memory) }?.set_interrupted(interrupted);
        Ok(true)
    })
}

/// # Safety
/// `memory` is NULL or a live handle.
unsafe fn wait(
    memory: *const libwasm_shared_memory_t,
    address: u64,
    size: u64,
    wait: impl FnOnce(&SharedMemory) -> Result<Result<Woken>, BadAddress>,
) -> Result<libwasm_wait_result_t> {
    // Whoever sleeps has a share of the memory.
    // SAFETY: as the caller states.
    let memory = unsafe { own::borrow(memory) }?.clone();
    let woken = wait(&memory).map_err(|why| bad_address(&memory, address, size, why))??;
    Ok(woken as libwasm_wait_result_t)
}

#[cold]
fn bad_address(memory: &SharedMemory, address: u64, size: u64, why: BadAddress) -> Error {
    Error::argument(match why {
        BadAddress::OutOfBounds => {
            format!("{size} bytes at {address:#x} are beyond the memory, which has {:#x}", memory.byte_len())
        }
        BadAddress::Unaligned => format!("the address {address:#x} is no multiple of {size}"),
    })
}
