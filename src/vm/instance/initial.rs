//! What every instance of a module begins with, found out once for each module: images of its tables and memories, and which
//! segments are left to be run one by one.
//!
//! Segments are run in order, and a trap leaves what the ones before it did. So images take only the first segments, as long as
//! none can trap and each says all by itself: constant offset, in bounds of what the module itself defines.

use crate::abi::Crossing;
use crate::module::{ConstExpr, ConstOp, DataMode, DataSegment, ElemItems, ElemMode, ElemSegment, Module};
use crate::types::*;
use crate::vm::memory::image::{ImageFiles, MemoryImage};
use crate::vm::memory::linear::Contents;
use crate::vm::valkind::crossing;
use cranelift_entity::EntityRef;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The functions that the elements of a table are at first.
#[derive(Debug, Default)]
pub struct TableImage {
    /// For each element the index of the function and 1, or 0 for null.
    funcs: Vec<u32>,
}

impl TableImage {
    pub fn len(&self) -> u64 {
        self.funcs.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.funcs.is_empty()
    }

    pub fn func(&self, index: u64) -> Option<FuncIndex> {
        let func = *self.funcs.get(usize::try_from(index).ok()?)?;
        func.checked_sub(1).map(FuncIndex::from_u32)
    }
}

/// Which segments count as dropped, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    pub elems: Bits,
    pub datas: Bits,
}

impl Dropped {
    /// Makes it the same as `other`, in its own allocation.
    pub fn set_to(&mut self, other: &Dropped) {
        self.elems.0.clone_from(&other.elems.0);
        self.datas.0.clone_from(&other.datas.0);
    }
}

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    pub fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 != 0)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn insert(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        self.0[index / 64] |= 1 << (index % 64);
    }
}

/// What a global is made of.
#[derive(Debug)]
pub struct InitialGlobal {
    pub crossing: Crossing,
    pub mutable: bool,
    /// Its value, unless that depends on the instance.
    pub value: Option<u128>,
}

/// What every instance of a module begins with.
#[derive(Debug)]
pub struct Initial {
    /// For each table that the module defines.
    tables: Vec<TableImage>,
    /// For each memory that the module defines.
    memories: Vec<MemoryImage>,
    /// Whether elements of segments are objects, which each instance makes.
    pub makes_elems: bool,
    /// For each global that the module defines.
    globals: Box<[InitialGlobal]>,
    /// The first element segment and the first data segment that images leave out: they and all that follow are run.
    pub first_elem: ElemIndex,
    pub first_data: DataIndex,
    /// The segments that images used up.
    pub dropped: Dropped,
}

/// Segments of a memory by where they begin: their length, and which they are.
type Placed = BTreeMap<usize, (usize, DataIndex)>;

impl Initial {
    /// `files`: where images of memories can be kept to be mapped; `None`: not at all.
    pub fn new(module: &Module, files: Option<&ImageFiles>) -> Initial {
        let mut dropped = Dropped::default();
        let mut tables = Vec::new();
        tables.resize_with(module.tables.len() - module.num_imported_tables as usize, TableImage::default);
        let first_elem = module.elems.keys().find(|&elem| add_elem(module, elem, &mut tables, &mut dropped).is_none());
        let mut placed = vec![Placed::new(); module.memories.len() - module.num_imported_memories as usize];
        let first_data = module.datas.keys().find(|&data| add_data(module, data, &mut placed, &mut dropped).is_none());
        let imported = module.num_imported_memories as usize;
        let image = |(position, placed): (usize, Placed)| {
            let segments = placed.into_iter().map(|(start, (_, data))| (start, data)).collect();
            let length = initial_length(module, MemoryIndex::new(imported + position)).unwrap_or(0);
            MemoryImage::new(module, segments, length, files)
        };
        Initial {
            tables,
            makes_elems: module.elems.values().any(makes_objects),
            globals: initial_globals(module),
            memories: placed.into_iter().enumerate().map(image).collect(),
            first_elem: first_elem.unwrap_or(module.elems.next_key()),
            first_data: first_data.unwrap_or(DataIndex::new(module.datas.len())),
            dropped,
        }
    }

    /// The image of a table, by its position among those that the module defines; `None` if it begins with nulls only.
    pub fn table(&self, position: usize) -> Option<&TableImage> {
        self.tables.get(position).filter(|image| !image.is_empty())
    }

    /// What the module's own globals begin with, in order.
    pub fn globals(&self) -> &[InitialGlobal] {
        &self.globals
    }

    /// What a memory begins with, by its position among those that the module defines.
    pub fn memory<'a>(&'a self, module: &'a Module, position: usize) -> Option<Contents<'a>> {
        let image = self.memories.get(position).filter(|image| !image.is_empty())?;
        Some(Contents { module, image })
    }
}

fn makes_objects(elem: &ElemSegment) -> bool {
    matches!(&elem.items, ElemItems::Exprs(exprs) if exprs.iter().any(ConstExpr::allocates))
}

fn initial_globals(module: &Module) -> Box<[InitialGlobal]> {
    let own = module.globals.values().skip(module.num_imported_globals as usize);
    own.zip(&module.global_inits)
        .map(|(ty, init)| {
            let value = match *init.ops() {
                [ConstOp::I32(value)] => Some(u128::from(value as u32)),
                [ConstOp::I64(value)] => Some(u128::from(value as u64)),
                [ConstOp::F32(bits)] => Some(u128::from(bits)),
                [ConstOp::F64(bits)] => Some(u128::from(bits)),
                [ConstOp::V128(value)] => Some(value),
                [ConstOp::RefNull(_)] => Some(0),
                _ => None,
            };
            InitialGlobal { crossing: crossing(ty.content), mutable: ty.mutability == Mutability::Var, value }
        })
        .collect()
}

fn constant(offset: &ConstExpr) -> Option<usize> {
    match *offset.ops() {
        [ConstOp::I32(offset)] => Some(offset as u32 as usize),
        [ConstOp::I64(offset)] => usize::try_from(offset as u64).ok(),
        _ => None,
    }
}

/// Adds an element segment to the images; `None` if it has to be run.
fn add_elem(module: &Module, elem: ElemIndex, tables: &mut [TableImage], dropped: &mut Dropped) -> Option<()> {
    let segment = &module.elems[elem];
    match &segment.mode {
        ElemMode::Passive => return Some(()),
        ElemMode::Declared => {}
        ElemMode::Active { table, offset } => {
            let position = table.index().checked_sub(module.num_imported_tables as usize)?;
            let ty = module.tables[*table];
            if module.table_init(*table).is_some() {
                return None;
            }
            let start = constant(offset)?;
            let end = start.checked_add(segment.items.len()).filter(|&end| end as u64 <= ty.limits.min)?;
            // An image is as long as what is in it; few functions far away are not worth one.
            let image = tables.get_mut(position)?;
            if !ty.element.is_func()
                || end > image.funcs.len() && start > 4 * (image.funcs.len() + segment.items.len()) + 1024
            {
                return None;
            }
            let funcs: Vec<u32> = match &segment.items {
                ElemItems::Funcs(funcs) => {
                    (0..funcs.len()).map(|index| funcs.get(index).map_or(0, |func| func.as_u32() + 1)).collect()
                }
                ElemItems::Exprs(exprs) => exprs.iter().map(func_or_null).collect::<Option<_>>()?,
            };
            if image.funcs.len() < end {
                image.funcs.resize(end, 0);
            }
            image.funcs[start..end].copy_from_slice(&funcs);
        }
    }
    dropped.elems.insert(elem.index());
    Some(())
}

fn func_or_null(expr: &ConstExpr) -> Option<u32> {
    match *expr.ops() {
        [ConstOp::RefFunc(func)] => Some(func.as_u32() + 1),
        [ConstOp::RefNull(_)] => Some(0),
        _ => None,
    }
}

fn initial_length(module: &Module, memory: MemoryIndex) -> Option<usize> {
    usize::try_from(module.memories[memory].min_bytes()).ok()
}

/// Adds a data segment to those of its memory; `None` if it has to be run.
fn add_data(module: &Module, data: DataIndex, memories: &mut [Placed], dropped: &mut Dropped) -> Option<()> {
    if let Some(DataSegment { mode: DataMode::Active { memory, offset }, .. }) = module.datas.get(data) {
        let position = memory.index().checked_sub(module.num_imported_memories as usize)?;
        let (start, length) = (constant(&offset)?, module.data(data).len());
        let end = start.checked_add(length).filter(|&end| Some(end) <= initial_length(module, memory))?;
        let placed = memories.get_mut(position)?;
        if length > 0 {
            // In order they would overwrite each other.
            let before = placed.range((Bound::Unbounded, Bound::Excluded(end))).next_back();
            if before.is_some_and(|(&other, &(length, _))| other + length > start) {
                return None;
            }
            placed.insert(start, (length, data));
        }
        dropped.datas.insert(data.index());
    }
    Some(())
}
