//! What is known about a text: where its functions lie, where it can trap, where it comes from, what its frames hold.
//!
//! Every table is one or more parallel arrays sorted by offset in the text, so that they are found by binary search
//! without a lock or an allocation (a signal handler asks), and stored and loaded as they are.
//!
//! Invariant, kept by [`link`](super::object::link) and checked by [`CodeTables::decode`]: parallel arrays have equal
//! lengths, functions lie in ascending order within the text, stack maps' slots lie within `stack_map_slots`.

use crate::compiler::{CompiledFunction, StackMap};
use crate::types::*;
use cranelift_entity::EntityRef;

/// Where a function lies in the text, in bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    pub start: u32,
    pub len: u32,
    /// Where its frame keeps its vmctx: bytes to add to the frame pointer.
    pub vmctx_fp_offset: i32,
}

/// The references a frame holds during a call. Offsets are bytes from the stack pointer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct StackMapView<'a> {
    /// The frame pointer less the stack pointer during the call.
    pub frame_size: u32,
    /// Where 32-bit references into the store's heap lie.
    pub heap_refs: &'a [u32],
    /// Where 64-bit pointers to a `VMFuncRef` lie.
    pub func_refs: &'a [u32],
}

/// The tables of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CodeTables {
    funcs: Vec<FuncInfo>,
    trap_offsets: Vec<u32>,
    trap_codes: Vec<u8>,
    address_offsets: Vec<u32>,
    /// `u32::MAX`: from nowhere in particular.
    address_modules: Vec<u32>,
    stack_map_returns: Vec<u32>,
    stack_map_frames: Vec<u32>,
    /// Two for each stack map: where its heap references and where its function references start in `stack_map_slots`.
    /// They end where the next ones start.
    stack_map_starts: Vec<u32>,
    stack_map_slots: Vec<u32>,
}

impl CodeTables {
    /// Adds a function that starts at `start`, behind all others.
    pub(super) fn push(&mut self, func: &CompiledFunction, start: u32) {
        let len = func.text.len() as u32;
        self.funcs.push(FuncInfo { start, len, vmctx_fp_offset: func.vmctx_fp_offset });
        for trap in &func.traps {
            self.trap_offsets.push(start + trap.offset);
            self.trap_codes.push(trap.code as u8);
        }
        let mut last = None;
        for address in &func.addresses {
            if last != Some(address.module_offset) {
                self.address_offsets.push(start + address.code_offset);
                self.address_modules.push(address.module_offset);
                last = Some(address.module_offset);
            }
        }
        for map in &func.stack_maps {
            self.push_stack_map(map, start);
        }
    }

    fn push_stack_map(&mut self, map: &StackMap, start: u32) {
        self.stack_map_returns.push(start + map.return_offset);
        self.stack_map_frames.push(map.frame_size);
        for slots in [&map.heap_refs, &map.func_refs] {
            self.stack_map_starts.push(self.stack_map_slots.len() as u32);
            self.stack_map_slots.extend_from_slice(slots);
        }
    }

    pub fn num_funcs(&self) -> usize {
        self.funcs.len()
    }

    pub fn func(&self, func: DefinedFuncIndex) -> FuncInfo {
        self.funcs[func.index()]
    }

    /// The function whose text contains `offset`.
    pub fn func_at(&self, offset: u32) -> Option<DefinedFuncIndex> {
        let index = self.funcs.partition_point(|func| func.start <= offset).checked_sub(1)?;
        let func = self.funcs[index];
        (offset - func.start < func.len).then(|| DefinedFuncIndex::new(index))
    }

    /// Why the instruction at `offset` faults, if it may.
    pub fn trap_at(&self, offset: u32) -> Option<TrapCode> {
        let index = self.trap_offsets.binary_search(&offset).ok()?;
        TrapCode::from_u8(self.trap_codes[index])
    }

    /// Where in the module's binary the code at `offset` comes from.
    pub fn module_offset(&self, offset: u32) -> Option<u32> {
        let func = self.func(self.func_at(offset)?);
        let index = self.address_offsets.partition_point(|&start| start <= offset).checked_sub(1)?;
        // An entry before the function's start belongs to the function before.
        (self.address_offsets[index] >= func.start)
            .then(|| self.address_modules[index])
            .filter(|&offset| offset != u32::MAX)
    }

    /// The references the frame holds whose callee returns to `offset`.
    pub fn stack_map_at(&self, offset: u32) -> Option<StackMapView<'_>> {
        let index = self.stack_map_returns.binary_search(&offset).ok()?;
        let start =
            |at: usize| self.stack_map_starts.get(at).map_or(self.stack_map_slots.len(), |&start| start as usize);
        let (heap, func, end) = (start(2 * index), start(2 * index + 1), start(2 * index + 2));
        Some(StackMapView {
            frame_size: self.stack_map_frames[index],
            heap_refs: &self.stack_map_slots[heap..func],
            func_refs: &self.stack_map_slots[func..end],
        })
    }

    /// Appends the stored form: for each array its length in elements and its elements, 4 bytes each, little-endian.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut array = |words: &mut dyn ExactSizeIterator<Item = u32>| {
            out.extend_from_slice(&(words.len() as u32).to_le_bytes());
            words.for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        };
        array(&mut self.funcs.iter().map(|func| func.start));
        array(&mut self.funcs.iter().map(|func| func.len));
        array(&mut self.funcs.iter().map(|func| func.vmctx_fp_offset as u32));
        array(&mut self.trap_offsets.iter().copied());
        array(&mut self.trap_codes.iter().map(|&code| code.into()));
        array(&mut self.address_offsets.iter().copied());
        array(&mut self.address_modules.iter().copied());
        array(&mut self.stack_map_returns.iter().copied());
        array(&mut self.stack_map_frames.iter().copied());
        array(&mut self.stack_map_starts.iter().copied());
        array(&mut self.stack_map_slots.iter().copied());
    }

    /// Reads the stored form of the tables of a text of `text_len` bytes. `None` if it breaks an invariant.
    pub(super) fn decode(mut bytes: &[u8], text_len: usize) -> Option<CodeTables> {
        let bytes = &mut bytes;
        let (starts, lens, fp_offsets) = (decode_array(bytes)?, decode_array(bytes)?, decode_array(bytes)?);
        if starts.len() != lens.len() || starts.len() != fp_offsets.len() {
            return None;
        }
        let funcs = starts.into_iter().zip(lens).zip(fp_offsets).map(|((start, len), fp_offset)| FuncInfo {
            start,
            len,
            vmctx_fp_offset: fp_offset as i32,
        });
        let tables = CodeTables {
            funcs: funcs.collect(),
            trap_offsets: decode_array(bytes)?,
            trap_codes: decode_array(bytes)?.into_iter().map(u8::try_from).collect::<Result<_, _>>().ok()?,
            address_offsets: decode_array(bytes)?,
            address_modules: decode_array(bytes)?,
            stack_map_returns: decode_array(bytes)?,
            stack_map_frames: decode_array(bytes)?,
            stack_map_starts: decode_array(bytes)?,
            stack_map_slots: decode_array(bytes)?,
        };
        (bytes.is_empty() && tables.is_sound(text_len)).then_some(tables)
    }

    fn is_sound(&self, text_len: usize) -> bool {
        let mut end = 0;
        let funcs_in_text = self.funcs.iter().all(|func| {
            let after = u64::from(end) <= u64::from(func.start);
            match func.start.checked_add(func.len) {
                Some(func_end) => end = func_end,
                None => return false,
            }
            after && end as usize <= text_len
        });
        let slots = self.stack_map_slots.len();
        funcs_in_text
            && self.trap_offsets.len() == self.trap_codes.len()
            && self.trap_codes.iter().all(|&code| TrapCode::from_u8(code).is_some())
            && self.address_offsets.len() == self.address_modules.len()
            && self.stack_map_returns.len() == self.stack_map_frames.len()
            && self.stack_map_starts.len() == 2 * self.stack_map_returns.len()
            && self.stack_map_starts.is_sorted()
            && self.stack_map_starts.last().is_none_or(|&start| start as usize <= slots)
            && self.trap_offsets.is_sorted()
            && self.address_offsets.is_sorted()
            && self.stack_map_returns.is_sorted()
    }
}

fn decode_array(bytes: &mut &[u8]) -> Option<Vec<u32>> {
    let (len, rest) = bytes.split_first_chunk()?;
    let size = (u32::from_le_bytes(*len) as usize).checked_mul(4)?;
    let (words, rest) = rest.split_at_checked(size)?;
    *bytes = rest;
    Some(words.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> CodeTables {
        let mut tables = CodeTables::default();
        for start in [0, 32] {
            tables.push(&super::super::object::tests::func(20), start);
        }
        tables
    }

    #[test]
    fn lookups() {
        let tables = tables();
        let func = |index| Some(DefinedFuncIndex::from_u32(index));
        assert_eq!(
            [0, 19, 20, 31, 32, 51, 52].map(|offset| tables.func_at(offset)),
            [func(0), func(0), None, None, func(1), func(1), None]
        );
        assert_eq!(tables.trap_at(4), Some(TrapCode::Unreachable));
        assert_eq!(tables.trap_at(36), Some(TrapCode::Unreachable));
        assert_eq!((tables.trap_at(5), tables.trap_at(0)), (None, None));
        // Addresses: from 2 on 100, from 10 on nowhere.
        assert_eq!(
            [0, 2, 9, 10, 19, 31, 33, 34].map(|offset| tables.module_offset(offset)),
            [None, Some(100), Some(100), None, None, None, None, Some(100)]
        );
        let map = tables.stack_map_at(40).unwrap();
        assert_eq!((map.frame_size, map.heap_refs, map.func_refs), (48, &[4, 8][..], &[16][..]));
        let map = tables.stack_map_at(44).unwrap();
        assert_eq!((map.frame_size, map.heap_refs, map.func_refs), (64, &[][..], &[24][..]));
        assert_eq!(tables.stack_map_at(41), None);
        assert_eq!(CodeTables::default().func_at(0), None);
        assert_eq!(CodeTables::default().module_offset(0), None);
    }

    #[test]
    fn stored_form() {
        let tables = tables();
        let mut bytes = Vec::new();
        tables.encode(&mut bytes);
        assert_eq!(CodeTables::decode(&bytes, 52), Some(tables));
        assert_eq!(CodeTables::decode(&bytes, 51), None);
        for len in 0..bytes.len() {
            assert_eq!(CodeTables::decode(&bytes[..len], 52), None);
        }
    }

    #[test]
    fn damaged_tables_never_panic() {
        let mut bytes = Vec::new();
        tables().encode(&mut bytes);
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                let Some(tables) = CodeTables::decode(&bytes, 52) else { continue };
                for offset in 0..60 {
                    tables.func_at(offset);
                    tables.trap_at(offset);
                    tables.module_offset(offset);
                    tables.stack_map_at(offset);
                }
                // Also where damage has moved them.
                for index in 0..tables.stack_map_returns.len() {
                    tables.stack_map_at(tables.stack_map_returns[index]);
                }
            }
        }
    }
}
