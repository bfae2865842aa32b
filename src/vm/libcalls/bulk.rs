//! Bulk operations on memories and tables (specification, "Memory Instructions" and "Table Instructions"): libcalls, and what
//! instantiation does with active segments.

use crate::types::{DataIndex, ElemIndex, MemoryIndex, TableIndex, TrapCode};
use crate::vm::instance::Instance;
use crate::vm::libcalls::gc::element;
use crate::vm::libcalls::{Caller, Outcome};

/// Checks that `start..start + len` lies within `size`.
fn range(start: u64, len: u64, size: usize, code: TrapCode) -> Result<std::ops::Range<usize>, TrapCode> {
    match start.checked_add(len) {
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(code),
    }
}

/// As [`range`], of a memory; the first byte beyond it is noted for the trap's message.
pub(super) fn memory_range(
    caller: &Caller,
    memory: MemoryIndex,
    start: u64,
    len: u64,
) -> Result<std::ops::Range<usize>, TrapCode> {
    let size = caller.instance().memory_ref(memory).byte_len();
    range(start, len, size, TrapCode::MemoryOutOfBounds)
        .inspect_err(|_| caller.note_byte(memory, start.max(size as u64)))
}

pub fn memory_copy(caller: &Caller, dst_memory: u32, dst: u64, src_memory: u32, src: u64, len: u64) -> Outcome {
    let (to, from) = (MemoryIndex::from_u32(dst_memory), MemoryIndex::from_u32(src_memory));
    let dst = memory_range(caller, to, dst, len)?;
    let src = memory_range(caller, from, src, len)?;
    let instance = caller.instance();
    instance.memory_ref(to).copy_from(dst.start, instance.memory_ref(from), src);
    Ok(0)
}

pub fn memory_fill(caller: &Caller, memory: u32, dst: u64, byte: u32, len: u64) -> Outcome {
    let memory = MemoryIndex::from_u32(memory);
    let dst = memory_range(caller, memory, dst, len)?;
    caller.instance().memory_ref(memory).fill(dst, byte as u8);
    Ok(0)
}

pub fn memory_init(caller: &Caller, memory: u32, segment: u32, dst: u64, src: u64, len: u64) -> Outcome {
    let (memory, segment) = (MemoryIndex::from_u32(memory), DataIndex::from_u32(segment));
    // If it is the memory that it leaves, and not the segment, the message says where.
    let outcome = init_memory(caller.instance(), memory, segment, dst, src, len);
    outcome.map(|()| 0).inspect_err(|_| {
        let _ = memory_range(caller, memory, dst, len);
    })
}

pub fn data_drop(caller: &Caller, segment: u32) -> Outcome {
    caller.instance().drop_data(DataIndex::from_u32(segment));
    Ok(0)
}

pub fn table_copy(caller: &Caller, dst_table: u32, dst: u64, src_table: u32, src: u64, len: u64) -> Outcome {
    let to = caller.instance().table_ref(TableIndex::from_u32(dst_table));
    let from = caller.instance().table_ref(TableIndex::from_u32(src_table));
    to.copy_from(dst, from, src, len).map(|()| 0)
}

pub fn table_init(caller: &Caller, table: u32, segment: u32, dst: u64, src: u64, len: u64) -> Outcome {
    let (table, segment) = (TableIndex::from_u32(table), ElemIndex::from_u32(segment));
    init_table(caller.instance(), table, segment, dst, src, len).map(|()| 0)
}

pub fn table_fill(caller: &Caller, table: u32, dst: u64, value: u64, len: u64) -> Outcome {
    caller.instance().table_ref(TableIndex::from_u32(table)).fill(dst, value, len).map(|()| 0)
}

pub fn elem_drop(caller: &Caller, segment: u32) -> Outcome {
    caller.instance().drop_elem(ElemIndex::from_u32(segment));
    Ok(0)
}

/// `memory.init`, also for active segments.
pub(in crate::vm) fn init_memory(
    instance: &Instance,
    memory: MemoryIndex,
    segment: DataIndex,
    dst: u64,
    src: u64,
    len: u64,
) -> Result<(), TrapCode> {
    let memory = instance.memory_ref(memory);
    let module = instance.module();
    let bytes = match instance.data_dropped(segment) {
        true => &[],
        false => module.data(segment),
    };
    let src = range(src, len, bytes.len(), TrapCode::MemoryOutOfBounds)?;
    let dst = range(dst, len, memory.byte_len(), TrapCode::MemoryOutOfBounds)?;
    memory.write(dst.start, &bytes[src]);
    Ok(())
}

/// `table.init`, also for active segments.
pub(in crate::vm) fn init_table(
    instance: &Instance,
    table: TableIndex,
    segment: ElemIndex,
    dst: u64,
    src: u64,
    len: u64,
) -> Result<(), TrapCode> {
    let table = instance.table_ref(table);
    let items = &instance.module().elems[segment].items;
    let available = if instance.elem_dropped(segment) { 0 } else { items.len() as u64 };
    let fits = |start: u64, size: u64| start.checked_add(len).is_some_and(|end| end <= size);
    if !fits(src, available) || !fits(dst, table.size()) {
        return Err(TrapCode::TableOutOfBounds);
    }
    for index in 0..len {
        let position = (src + index) as usize;
        table.set(dst + index, element(instance, segment, items, position)?);
    }
    Ok(())
}
