//! The heap of a store, where structures, arrays and exceptions lie, and its collector.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::store::wasm_store_t;
use crate::vm::gc::statistics::HeapStatistics;

/// What a store's heap holds and what its collector has done. Sizes are in bytes, times in nanoseconds; references to objects of the
/// host are not counted.
///
/// This struct keeps its size. What later versions add takes the place of `reserved`.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct libwasm_heap_statistics_t {
    /// The size that the heap may have: what was set, or what 32-bit references reach.
    pub limit: u64,
    /// The size of the blocks that objects lie in, with what is free between them.
    pub size: u64,
    /// What objects took when the last collection was done, in whole lines of 128 bytes.
    pub live: u64,
    /// What was allocated since there is the store, garbage included.
    pub allocated: u64,
    /// How often everything was collected.
    pub full_collections: u64,
    /// How often only objects were collected that were allocated since the last collection.
    pub young_collections: u64,
    /// How often the store's code waited for the collector: for a collection, or for a part of one.
    pub pauses: u64,
    /// How long it waited altogether.
    pub pause_time: u64,
    /// How long it waited the longest time.
    pub longest_pause: u64,
    /// Zeros.
    pub reserved: [u64; 7],
}

const _: () = assert!(size_of::<libwasm_heap_statistics_t>() == 128);

impl From<HeapStatistics> for libwasm_heap_statistics_t {
    fn from(all: HeapStatistics) -> libwasm_heap_statistics_t {
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        libwasm_heap_statistics_t {
            limit: all.limit,
            size: all.size,
            live: all.live,
            allocated: all.allocated,
            full_collections: all.full_collections,
            young_collections: all.young_collections,
            pauses: all.pauses,
            pause_time: nanoseconds(all.pause_time),
            longest_pause: nanoseconds(all.longest_pause),
            reserved: [0; 7],
        }
    }
}

/// Collects now: frees every object of WebAssembly and of the host in this store that neither the host has a handle of nor
/// anything reaches, all at once, and runs the finalizers of what it has freed before it returns. May be called by host
/// functions.
///
/// The library collects by itself whenever that is worth its while. A host calls this where it knows that there is much garbage and time, or
/// wants finalizers to run.
///
/// False, with the reason recorded, for NULL, on a thread that is not the store's, and from within a collection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_store_collect(store: *mut wasm_store_t) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        entered.store().collect_now()?;
        Ok(true)
    })
}

/// Limits the size of a store's heap in bytes: structures, arrays and exceptions with what is free between them. An allocation that has no
/// room, even after a collection, traps with `LIBWASM_TRAP_OUT_OF_MEMORY`, and the store goes on working.
///
/// The heap grows by blocks of 32 KiB, and a limit is rounded down to whole blocks. What it has already is not taken back by a lower limit. By
/// default it may have all that 32-bit references reach: almost 4 GiB.
///
/// False, with the reason recorded, for NULL and on a thread that is not the store's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_store_set_heap_limit(store: *mut wasm_store_t, bytes: usize) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store) }?.enter()?;
        entered.store().limit_heap(bytes);
        Ok(true)
    })
}

/// Tells what the heap of a store holds, and what its collector has done, without collecting.
///
/// False, with the reason recorded and `out` all zero, for NULL and on a thread that is not the store's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_store_heap_statistics(
    store: *const wasm_store_t,
    out: *mut libwasm_heap_statistics_t,
) -> bool {
    boundary(false, || {
        // SAFETY: as the caller states.
        unsafe { own::write(out, HeapStatistics::default().into()) }?;
        // SAFETY: as the caller states.
        let entered = unsafe { own::store(store.cast_mut()) }?.enter()?;
        // SAFETY: as the caller states.
        unsafe { own::write(out, entered.store().heap_statistics().into()) }?;
        Ok(true)
    })
}
