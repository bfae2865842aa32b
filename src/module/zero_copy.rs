//! The zero-copy parts of a description: whatever may be as long as the module has functions or bytes.
//!
//! Nothing here is checked when a module is loaded beyond that the parts have lengths that fit each other, since that alone
//! takes no time. So every lookup makes sure itself that what it gives lies within its index space.

use super::bytes::{Bytes, Words, numbers, push_words};
use super::{ConstExpr, ConstOp, DataMode, DataSegment, ElemItems, Module};
use crate::types::*;
use cranelift_entity::EntityRef;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The number of parts.
pub const PARTS: usize = 8;

impl Module {
    /// The parts in their order: function types, bodies, slots of function references, functions of element segments, data
    /// segments, named functions, names, bytes of data segments.
    pub fn parts(&self) -> [&[u8]; PARTS] {
        let elem_funcs = self.elems.values().find_map(|elem| match &elem.items {
            ElemItems::Funcs(funcs) => Some(funcs.all.as_bytes()),
            ElemItems::Exprs(_) => None,
        });
        [
            self.funcs.as_bytes(),
            self.bodies.as_bytes(),
            self.func_ref_slots.slots.as_bytes(),
            elem_funcs.unwrap_or_default(),
            self.datas.records.as_bytes(),
            self.names.funcs.as_bytes(),
            &self.names.text,
            &self.data_bytes,
        ]
    }

    /// Gives the module its parts, in the order of [`Module::parts`].
    pub fn set_parts(&mut self, parts: [Bytes; PARTS]) {
        let [funcs, bodies, slots, elem_funcs, datas, name_funcs, name_text, data_bytes] = parts;
        self.funcs = funcs.into();
        self.bodies = bodies.into();
        self.func_ref_slots.slots = slots.into();
        let elem_funcs = Words::from(elem_funcs);
        for elem in self.elems.values_mut() {
            if let ElemItems::Funcs(funcs) = &mut elem.items {
                funcs.all = elem_funcs.clone();
            }
        }
        self.datas.records = datas.into();
        self.names.funcs = name_funcs.into();
        self.names.text = name_text;
        self.data_bytes = data_bytes;
    }

    /// The type of a function as an index, which exists in a module that has functions.
    pub fn type_of(&self, func: FuncIndex) -> TypeIndex {
        let ty = self.funcs.get(func.index()).unwrap_or(0) as usize;
        TypeIndex::new(ty.min(self.types.len().saturating_sub(1)))
    }

    /// Where the body of a function (the part after the size) lies in the binary.
    pub fn body(&self, func: DefinedFuncIndex) -> Range<u32> {
        self.bodies.records().get(func.index()).map(numbers).map_or(0..0, |[start, end]| start..end)
    }

    /// The bytes of a data segment.
    pub fn data(&self, data: DataIndex) -> &[u8] {
        let bytes = self.datas.bytes(data);
        self.data_bytes.get(bytes).unwrap_or_default()
    }
}

/// Slots of the functions that can become references. See [`Module::func_ref_slots`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FuncRefSlots {
    pub(super) count: u32,
    /// For each function its slot, or `u32::MAX`.
    #[serde(skip)]
    slots: Words,
}

impl FuncRefSlots {
    pub fn get(&self, func: FuncIndex) -> Option<u32> {
        self.slots.get(func.index()).filter(|&slot| slot < self.count)
    }

    /// The number of slots.
    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of functions up to the last that has a slot.
    pub(super) fn num_funcs(&self) -> usize {
        self.slots.len()
    }
}

/// Gives slots to functions.
#[derive(Default)]
pub(super) struct FuncRefSlotsBuilder {
    slots: Vec<u32>,
    count: u32,
}

impl FuncRefSlotsBuilder {
    /// Gives `func` a slot if it has none.
    pub fn insert(&mut self, func: FuncIndex) {
        let index = func.index();
        if self.slots.len() <= index {
            self.slots.resize(index + 1, u32::MAX);
        }
        if self.slots[index] == u32::MAX {
            self.slots[index] = self.count;
            self.count += 1;
        }
    }

    /// The number of slots, and the part of the description.
    pub fn finish(self) -> (u32, Vec<u8>) {
        let mut bytes = Vec::with_capacity(4 * self.slots.len());
        push_words(&mut bytes, &self.slots);
        (self.count, bytes)
    }
}

/// The functions of an element segment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FuncList {
    /// The functions of all segments, one after the other.
    #[serde(skip)]
    all: Words,
    start: u32,
    len: u32,
}

impl FuncList {
    /// What lies at `range` once the parts are set.
    pub(super) fn new(range: Range<usize>) -> FuncList {
        // The functions are listed in a binary of less than 4 GiB.
        FuncList { all: Words::default(), start: range.start as u32, len: range.len() as u32 }
    }

    pub fn len(&self) -> usize {
        self.len as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, index: usize) -> Option<FuncIndex> {
        let index = u32::try_from(index).ok().filter(|&index| index < self.len)?;
        self.all.get(self.start as usize + index as usize).filter(|&func| func != u32::MAX).map(FuncIndex::from_u32)
    }

    pub fn iter(&self) -> impl Iterator<Item = FuncIndex> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    pub(super) fn is_sound(&self) -> bool {
        self.start as usize + self.len as usize <= self.all.len()
    }
}

/// The data segments of a module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Datas {
    /// The offsets of active segments that are more than an `i32.const`.
    offsets: Vec<ConstExpr>,
    /// Segments of memories from here on are not there.
    pub(super) num_memories: u32,
    /// For each segment [`DATA_WORDS`] numbers: where its bytes start and end in [`Module::data_bytes`]; the memory, or
    /// `u32::MAX` for a passive segment; and two for its offset, either 0 and a constant, or 1 and a position in `offsets`.
    #[serde(skip)]
    records: Words,
}

const DATA_WORDS: usize = 5;

impl Datas {
    pub fn len(&self) -> usize {
        self.records.records::<DATA_WORDS>().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, data: DataIndex) -> Option<DataSegment> {
        let &record = self.records.records::<DATA_WORDS>().get(data.index())?;
        let [start, end, memory, kind, offset] = numbers(&record);
        let mode = match memory {
            u32::MAX => DataMode::Passive,
            memory if memory >= self.num_memories => return None,
            memory => {
                let offset = match kind {
                    0 => ConstExpr::One(ConstOp::I32(offset as i32)),
                    _ => self.offsets.get(offset as usize)?.clone(),
                };
                DataMode::Active { memory: MemoryIndex::from_u32(memory), offset }
            }
        };
        Some(DataSegment { bytes: start as usize..end as usize, mode })
    }

    /// Where the bytes of a segment lie in [`Module::data_bytes`].
    fn bytes(&self, data: DataIndex) -> Range<usize> {
        let record = self.records.records::<DATA_WORDS>().get(data.index());
        record.map(numbers).map_or(0..0, |[start, end, ..]| start as usize..end as usize)
    }

    pub fn keys(&self) -> impl Iterator<Item = DataIndex> + use<> {
        (0..self.len()).map(DataIndex::new)
    }

    pub fn iter(&self) -> impl Iterator<Item = (DataIndex, DataSegment)> + '_ {
        self.keys().filter_map(|index| Some((index, self.get(index)?)))
    }

    pub fn values(&self) -> impl Iterator<Item = DataSegment> + '_ {
        self.iter().map(|(_, data)| data)
    }

    pub(super) fn offsets(&self) -> &[ConstExpr] {
        &self.offsets
    }

    /// Appends a segment to the part of the description, `out`.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, data: DataSegment) {
        let (memory, kind, offset) = match data.mode {
            DataMode::Passive => (u32::MAX, 0, 0),
            DataMode::Active { memory, offset: ConstExpr::One(ConstOp::I32(offset)) } => {
                (memory.as_u32(), 0, offset as u32)
            }
            DataMode::Active { memory, offset } => {
                self.offsets.push(offset);
                (memory.as_u32(), 1, self.offsets.len() as u32 - 1)
            }
        };
        // The bytes are part of a binary of less than 4 GiB.
        push_words(out, &[data.bytes.start as u32, data.bytes.end as u32, memory, kind, offset]);
    }
}
