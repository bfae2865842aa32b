//! Waiting and notifying (proposal "Threads").

use crate::types::{MemoryIndex, TrapCode};
use crate::vm::libcalls::bulk::memory_range;
use crate::vm::libcalls::{Caller, Outcome};
use crate::vm::memory::shared::{BadAddress, SharedMemory};
use crate::vm::memory::waiters::Woken;

pub fn memory_notify(caller: &Caller, memory: u32, index: u64, offset: u64, count: u32) -> Outcome {
    let address = address(caller, memory, index, offset, 4)?;
    let memory = caller.instance().memory_ref(MemoryIndex::from_u32(memory));
    // Nobody can wait in a memory that is not shared.
    let Some(shared) = memory.shared() else { return Ok(0) };
    shared.notify(address, count).map(u64::from).map_err(trap_code)
}

pub fn memory_wait32(caller: &Caller, memory: u32, index: u64, offset: u64, expected: u32, timeout: u64) -> Outcome {
    let address = address(caller, memory, index, offset, 4)?;
    outcome(shared(caller, memory)?.wait32(address, expected, timeout as i64))
}

pub fn memory_wait64(caller: &Caller, memory: u32, index: u64, offset: u64, expected: u64, timeout: u64) -> Outcome {
    let address = address(caller, memory, index, offset, 8)?;
    outcome(shared(caller, memory)?.wait64(address, expected, timeout as i64))
}

/// The address of a value of `size` bytes, which lies within the memory and is aligned.
fn address(caller: &Caller, memory: u32, index: u64, offset: u64, size: u64) -> Result<u64, TrapCode> {
    // A sum that is too large for 64 bits is beyond every memory.
    let address = index.saturating_add(offset);
    memory_range(caller, MemoryIndex::from_u32(memory), address, size)?;
    if address.is_multiple_of(size) { Ok(address) } else { Err(TrapCode::UnalignedAtomic) }
}

fn shared(caller: &Caller, memory: u32) -> Result<&SharedMemory, TrapCode> {
    let memory = caller.instance().memory_ref(MemoryIndex::from_u32(memory));
    memory.shared().map(|shared| &**shared).ok_or(TrapCode::ExpectedSharedMemory)
}

fn outcome(woken: Result<crate::types::Result<Woken>, BadAddress>) -> Outcome {
    match woken.map_err(trap_code)? {
        Ok(Woken::Interrupted) => Err(TrapCode::Interrupted),
        Ok(woken) => Ok(woken as u64),
        Err(_) => Err(TrapCode::OutOfMemory),
    }
}

fn trap_code(address: BadAddress) -> TrapCode {
    match address {
        BadAddress::OutOfBounds => TrapCode::MemoryOutOfBounds,
        BadAddress::Unaligned => TrapCode::UnalignedAtomic,
    }
}
