//! What is known about a text: where its functions lie, where it can trap, where it comes from, what its frames hold.
//!
//! Every table is sorted by offset in the text, so that entries are found by binary search without a lock or an allocation
//! (a signal handler asks), and is read zero-copy: from memory, or from a mapped file.
//!
//! Of a mapped file nothing is checked but that parallel arrays have equal lengths, so no lookup trusts what it reads:
//! in tables that are damaged it finds nothing or the wrong thing, but never leaves them or the text.

use crate::code::offset_map::{OffsetMap, OffsetMapBuilder};
use crate::compiler::{CompiledFunction, StackMap};
use crate::module::{Bytes, Words, numbers, push_words};
use crate::types::*;
use cranelift_entity::EntityRef;

/// Where a function lies in the text, in bytes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct FuncInfo {
    pub start: u32,
    pub len: u32,
    /// Where its frame keeps its vmctx: bytes to add to the frame pointer.
    pub vmctx_fp_offset: i32,
}

/// The references a frame holds during a call. Offsets are bytes from the stack pointer.
#[derive(Copy, Clone, Debug)]
pub struct StackMapView<'a> {
    /// The frame pointer less the stack pointer during the call.
    pub frame_size: u32,
    slots: &'a Words,
    /// Where in `slots` the heap references start, the function references, and where these end.
    starts: [u32; 3],
}

impl StackMapView<'_> {
    /// Where 32-bit references into the store's heap lie.
    pub fn heap_refs(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.range(self.starts[0] as usize..self.starts[1] as usize)
    }

    /// Where 64-bit pointers to a `VMFuncRef` lie.
    pub fn func_refs(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.range(self.starts[1] as usize..self.starts[2] as usize)
    }
}

/// The number of parts of [`CodeTables`].
pub(super) const TABLE_PARTS: usize = 9;

/// The tables of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodeTables {
    text_len: u32,
    /// For each function its [`FuncInfo`], in ascending order.
    funcs: Words,
    /// The [`TrapCode`] of each instruction that may fault.
    traps: OffsetMap,
    /// From each offset on, where in the module's binary the code comes from; `u32::MAX`: from nowhere in particular.
    addresses: OffsetMap,
    stack_map_returns: Words,
    /// For each stack map its frame size, and where its heap references and where its function references start in
    /// `stack_map_slots`. They end where the next ones start.
    stack_maps: Words,
    stack_map_slots: Words,
    /// The calls whose exceptions are handled, in ascending order: where each returns to, where its handler lies, and its
    /// frame's size.
    handlers: Words,
}

/// Where an exception that comes out of a call is handled.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct HandlerInfo {
    /// Where the handler lies in the text.
    pub offset: u32,
    /// The frame pointer less the stack pointer there.
    pub frame_size: u32,
}

impl CodeTables {
    /// The tables of a text of `text_len` bytes, of their parts in the order of [`CodeTables::parts`]. `None` if the lengths of
    /// parallel arrays differ.
    pub(super) fn new(text_len: usize, parts: [Bytes; TABLE_PARTS]) -> Option<CodeTables> {
        let [funcs, traps, more_traps, addresses, more_addresses, returns, maps, slots, handlers] = parts;
        let tables = CodeTables {
            text_len: u32::try_from(text_len).ok()?,
            funcs: funcs.into(),
            traps: OffsetMap::new(traps, more_traps),
            addresses: OffsetMap::new(addresses, more_addresses),
            stack_map_returns: returns.into(),
            stack_maps: maps.into(),
            stack_map_slots: slots.into(),
            handlers: handlers.into(),
        };
        (3 * tables.stack_map_returns.len() == tables.stack_maps.len()).then_some(tables)
    }

    /// The arrays as bytes.
    pub(super) fn parts(&self) -> [&[u8]; TABLE_PARTS] {
        let ([traps, more_traps], [addresses, more_addresses]) = (self.traps.parts(), self.addresses.parts());
        [
            self.funcs.as_bytes(),
            traps,
            more_traps,
            addresses,
            more_addresses,
            self.stack_map_returns.as_bytes(),
            self.stack_maps.as_bytes(),
            self.stack_map_slots.as_bytes(),
            self.handlers.as_bytes(),
        ]
    }

    pub fn num_funcs(&self) -> usize {
        self.funcs.records::<3>().len()
    }

    /// Where a function lies: always within the text. Of no length if there is no such function.
    pub fn func(&self, func: DefinedFuncIndex) -> FuncInfo {
        self.funcs.records().get(func.index()).map_or_else(FuncInfo::default, |record| self.info(record))
    }

    fn info(&self, record: &[[u8; 4]; 3]) -> FuncInfo {
        let [start, len, fp_offset] = numbers(record);
        let start = start.min(self.text_len);
        FuncInfo { start, len: len.min(self.text_len - start), vmctx_fp_offset: fp_offset as i32 }
    }

    /// The function whose text contains `offset`, and where it lies.
    pub(super) fn find_func(&self, offset: u32) -> Option<(DefinedFuncIndex, FuncInfo)> {
        let funcs = self.funcs.records::<3>();
        let index = funcs.partition_point(|func| numbers(func)[0] <= offset).checked_sub(1)?;
        let func = self.info(funcs.get(index)?);
        (offset.checked_sub(func.start)? < func.len).then(|| (DefinedFuncIndex::new(index), func))
    }

    /// Why the instruction at `offset` faults, if it may.
    pub fn trap_at(&self, offset: u32) -> Option<TrapCode> {
        TrapCode::from_u8(self.traps.at(offset)?.try_into().ok()?)
    }

    /// Where in the module's binary the code at `offset`, in this function, comes from.
    pub(super) fn module_offset_in(&self, func: &FuncInfo, offset: u32) -> Option<u32> {
        let (start, module_offset) = self.addresses.up_to(offset)?;
        // An entry before the function's start belongs to the function before.
        (start >= func.start && module_offset != u32::MAX).then_some(module_offset)
    }

    /// The references the frame holds whose callee returns to `offset`.
    pub fn stack_map_at(&self, offset: u32) -> Option<StackMapView<'_>> {
        let returns = self.stack_map_returns.records();
        let index = returns.binary_search_by_key(&offset, |&[word]| u32::from_le_bytes(word)).ok()?;
        let maps = self.stack_maps.records::<3>();
        let [frame_size, heap_refs, func_refs] = numbers(maps.get(index)?);
        let end = maps.get(index + 1).map_or(self.stack_map_slots.len() as u32, |next| numbers(next)[1]);
        Some(StackMapView { frame_size, slots: &self.stack_map_slots, starts: [heap_refs, func_refs, end] })
    }
}

impl CodeTables {
    pub fn has_handlers(&self) -> bool {
        !self.handlers.records::<3>().is_empty()
    }

    /// Which handler an exception has that comes out of the call that returns to `offset`.
    pub fn handler_index(&self, offset: u32) -> Option<usize> {
        self.handlers.records::<3>().binary_search_by_key(&offset, |handler| numbers(handler)[0]).ok()
    }

    /// A handler, by its index: within the text.
    pub fn handler(&self, index: usize) -> Option<HandlerInfo> {
        let [_, offset, frame_size] = numbers(self.handlers.records::<3>().get(index)?);
        (offset < self.text_len).then_some(HandlerInfo { offset, frame_size })
    }

    /// All handlers of calls in a part of the text.
    #[cfg(debug_assertions)]
    pub(super) fn handlers_in(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = HandlerInfo> + '_ {
        let handlers = self.handlers.records::<3>().iter().map(numbers);
        let inside = handlers.filter(move |[returns, ..]| range.start < *returns && *returns <= range.end);
        inside.map(|[_, offset, frame_size]| HandlerInfo { offset, frame_size })
    }
}

/// Tables in the making.
#[derive(Default)]
pub(super) struct TablesBuilder {
    funcs: Vec<u8>,
    traps: OffsetMapBuilder,
    addresses: OffsetMapBuilder,
    stack_map_returns: Vec<u8>,
    stack_maps: Vec<u8>,
    stack_map_slots: Vec<u8>,
    handlers: Vec<u8>,
}

impl TablesBuilder {
    /// Adds a function that starts at `start`, behind all others.
    pub fn push(&mut self, func: &CompiledFunction, start: u32) {
        push_words(&mut self.funcs, &[start, func.text.len() as u32, func.vmctx_fp_offset as u32]);
        for trap in &func.traps {
            self.traps.push(start + trap.offset, trap.code as u32);
        }
        let mut last = None;
        for address in &func.addresses {
            if last != Some(address.module_offset) {
                self.addresses.push(start + address.code_offset, address.module_offset);
                last = Some(address.module_offset);
            }
        }
        for map in &func.stack_maps {
            self.push_stack_map(map, start);
        }
        for handler in &func.handlers {
            let offsets = [start + handler.return_offset, start + handler.offset, handler.frame_size];
            push_words(&mut self.handlers, &offsets);
        }
    }

    fn push_stack_map(&mut self, map: &StackMap, start: u32) {
        push_words(&mut self.stack_map_returns, &[start + map.return_offset]);
        let heap_refs = (self.stack_map_slots.len() / 4) as u32;
        push_words(&mut self.stack_maps, &[map.frame_size, heap_refs, heap_refs + map.heap_refs.len() as u32]);
        push_words(&mut self.stack_map_slots, &map.heap_refs);
        push_words(&mut self.stack_map_slots, &map.func_refs);
    }

    /// The tables of a text of `text_len` bytes, which is less than 2 GiB.
    pub fn finish(self, text_len: usize) -> CodeTables {
        let ([traps, more_traps], [addresses, more_addresses]) = (self.traps.finish(), self.addresses.finish());
        let parts = [
            self.funcs,
            traps,
            more_traps,
            addresses,
            more_addresses,
            self.stack_map_returns,
            self.stack_maps,
            self.stack_map_slots,
            self.handlers,
        ];
        CodeTables::new(text_len, parts.map(Bytes::from)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> CodeTables {
        let mut tables = TablesBuilder::default();
        for start in [0, 32] {
            tables.push(&crate::code::object::tests::func(20), start);
        }
        tables.finish(53)
    }

    fn func_at(tables: &CodeTables, offset: u32) -> Option<DefinedFuncIndex> {
        Some(tables.find_func(offset)?.0)
    }

    fn module_offset(tables: &CodeTables, offset: u32) -> Option<u32> {
        tables.module_offset_in(&tables.find_func(offset)?.1, offset)
    }

    fn slots(map: &StackMapView<'_>) -> (u32, Vec<u32>, Vec<u32>) {
        (map.frame_size, map.heap_refs().collect(), map.func_refs().collect())
    }

    #[test]
    fn lookups() {
        let tables = tables();
        let func = |index| Some(DefinedFuncIndex::from_u32(index));
        assert_eq!(
            [0, 19, 20, 31, 32, 51, 52].map(|offset| func_at(&tables, offset)),
            [func(0), func(0), None, None, func(1), func(1), None]
        );
        assert_eq!(tables.func(DefinedFuncIndex::from_u32(1)), FuncInfo { start: 32, len: 20, vmctx_fp_offset: -8 });
        assert_eq!(tables.func(DefinedFuncIndex::from_u32(2)), FuncInfo::default());
        assert_eq!(tables.trap_at(4), Some(TrapCode::Unreachable));
        assert_eq!(tables.trap_at(36), Some(TrapCode::Unreachable));
        assert_eq!((tables.trap_at(5), tables.trap_at(0)), (None, None));
        // Addresses: from 2 on 100, from 10 on nowhere.
        assert_eq!(
            [0, 2, 9, 10, 19, 31, 33, 34].map(|offset| module_offset(&tables, offset)),
            [None, Some(100), Some(100), None, None, None, None, Some(100)]
        );
        assert_eq!(slots(&tables.stack_map_at(40).unwrap()), (48, vec![4, 8], vec![16]));
        assert_eq!(slots(&tables.stack_map_at(44).unwrap()), (64, vec![], vec![24]));
        assert!(tables.stack_map_at(41).is_none());
        assert_eq!(func_at(&CodeTables::default(), 0), None);
        assert_eq!(module_offset(&CodeTables::default(), 0), None);
    }

    #[test]
    fn parts_are_read_as_they_are_written() {
        let tables = tables();
        let parts = tables.parts().map(|part| Bytes::from(part.to_vec()));
        assert_eq!(CodeTables::new(53, parts.clone()), Some(tables));
        let mut uneven = parts.clone();
        uneven[5] = uneven[5][4..].to_vec().into();
        assert_eq!(CodeTables::new(53, uneven), None);
        assert_eq!(CodeTables::new(1 << 32, parts), None);
    }

    #[test]
    fn damaged_tables_stay_within_their_bounds() {
        let original = tables().parts().map(<[u8]>::to_vec);
        for part in 0..TABLE_PARTS {
            for at in 0..original[part].len() {
                for flip in [1, 0x80, 0xff] {
                    let mut parts = original.clone();
                    parts[part][at] ^= flip;
                    look_at_everything(&CodeTables::new(53, parts.map(Bytes::from)).unwrap());
                }
            }
        }
    }

    fn look_at_everything(tables: &CodeTables) {
        let returns = tables.stack_map_returns.range(0..tables.stack_map_returns.len());
        // Also where damage has moved them.
        for offset in (0..60).chain(returns).chain([u32::MAX]) {
            tables.trap_at(offset);
            module_offset(tables, offset);
            if let Some((func, info)) = tables.find_func(offset) {
                assert_eq!(tables.func(func), info);
            }
            if let Some(map) = tables.stack_map_at(offset) {
                assert!(map.heap_refs().count() + map.func_refs().count() <= 2 * tables.stack_map_slots.len());
            }
        }
        for func in 0..3 {
            let func = tables.func(DefinedFuncIndex::from_u32(func));
            assert!(func.start + func.len <= 53);
        }
    }
}
