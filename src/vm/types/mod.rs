//! The defined types of this process: equal types are one, and have one number (specification, "Type Equivalence").
//!
//! Types are equal if their recursion groups are, member by member, where a member may name itself and the others by position. So a group
//! is registered whole, under its members with their own uses written as positions ([`TypeUse::Rec`]) and all others as numbers of types
//! that are registered already ([`TypeUse::Defined`]). Its members have consecutive numbers.
//!
//! A group lives as long as anything has a [`DefinedType`] of it: modules, functions, tables and globals, type objects, and groups that refer
//! to it. Its numbers are given to others after that. The registry is that of the process and not of an engine, so that type objects, which
//! `wasm.h` makes without one, can name defined types, and so that numbers mean the same everywhere.

mod define;
mod matching;
mod numbers;
mod records;

pub use define::{GroupBuilder, MOST_FIELDS, MOST_VALUES, check_count};
pub use matching::{extern_matches, ref_matches, storage_matches, val_matches};
pub use records::base as records;

use crate::abi::{EXTERN_TYPE, MOST_TYPES, Shape, exception_fields};
use crate::module::Module;
use crate::os::sync::{Mutex, MutexGuard, OnceLock};
use crate::types::{CompositeKind, CompositeType, Error, FuncType, HeapType, Result, SubType, TypeId, TypeUse};
use numbers::FreeNumbers;
use records::Records;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// A recursion group (specification, "Recursive Types").
#[derive(Debug)]
struct RecGroup {
    /// The number of the first member.
    first: u32,
    /// What it is found by: the members, which name each other by position.
    key: Arc<[SubType]>,
    /// The members, closed.
    types: Arc<[SubType]>,
    /// For each member all types that it matches: the supertypes from the most general on, and itself.
    supertypes: Box<[Box<[TypeId]>]>,
    /// Where references lie in objects of each member; `None` of function types. The members' records point here.
    shapes: Box<[Option<Shape>]>,
    /// The groups that members refer to.
    uses: Vec<Arc<RecGroup>>,
}

/// A defined type, which stays registered as long as this lives.
#[derive(Clone, Debug)]
pub struct DefinedType {
    group: Arc<RecGroup>,
    position: u32,
}

#[derive(Default)]
struct Registry {
    /// The groups by their members, each with the number of its first.
    groups: HashMap<Arc<[SubType]>, (u32, Weak<RecGroup>)>,
    /// The group of each number; dangling where there is none.
    by_id: Vec<Weak<RecGroup>>,
    records: Records,
    /// How many numbers are taken, also by groups that nobody has any more and that are about to be unregistered.
    in_use: u32,
    /// Numbers that can be given again, all of which are smaller than one that is taken.
    free: FreeNumbers,
}

fn registry() -> MutexGuard<'static, Registry> {
    static REGISTRY: OnceLock<Mutex<Registry>> = OnceLock::new();
    REGISTRY.get_or_init(Mutex::default).lock()
}

impl DefinedType {
    /// The type of functions that take and give such values, without supertypes. What it refers to is closed.
    pub fn func(ty: FuncType) -> Result<DefinedType> {
        let group = registry().register([SubType::func(ty)].into())?;
        Ok(DefinedType { group, position: 0 })
    }

    /// The type of exceptions with a tag of a type, which is closed, as objects of the heap.
    pub fn exception(tag: &FuncType) -> Result<DefinedType> {
        let composite = CompositeType::Struct(exception_fields(tag).into());
        let group = registry().register([SubType { is_final: true, supertype: None, composite }].into())?;
        Ok(DefinedType { group, position: 0 })
    }

    /// The types of a module, by index.
    pub fn of_module(module: &Module) -> Result<Vec<DefinedType>> {
        let mut defined: Vec<DefinedType> = Vec::with_capacity(module.types.len());
        for types in module.rec_groups() {
            let start = defined.len();
            let mut rename = |ty| match ty {
                TypeUse::Index(index) => match defined.get(index.as_u32() as usize) {
                    Some(defined) => TypeUse::Defined(defined.id()),
                    None => TypeUse::Rec(index.as_u32() - start as u32),
                },
                other => other,
            };
            let key: Box<[SubType]> = types.iter().map(|ty| ty.rename(&mut rename)).collect();
            let group = registry().register(key)?;
            defined.extend((0..types.len() as u32).map(|position| DefinedType { group: group.clone(), position }));
        }
        Ok(defined)
    }

    /// The types of the recursion group that it belongs to, in order.
    pub fn group(&self) -> impl ExactSizeIterator<Item = DefinedType> {
        (0..self.group.types.len() as u32).map(|position| DefinedType { group: self.group.clone(), position })
    }

    /// Its place in its recursion group.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// The supertype that it declares, if it declares one.
    pub fn supertype(&self) -> Option<DefinedType> {
        match self.sub_type().supertype? {
            TypeUse::Defined(id) => DefinedType::get(id),
            TypeUse::Index(_) | TypeUse::Rec(_) => None,
        }
    }

    /// The type with a number; `None` if there is none.
    pub fn get(id: TypeId) -> Option<DefinedType> {
        let group = registry().by_id.get(id.0 as usize)?.upgrade()?;
        Some(DefinedType { position: id.0 - group.first, group })
    }

    /// The type that a heap type names, if it names one.
    pub fn named_by(heap: HeapType) -> Option<DefinedType> {
        match heap {
            HeapType::Concrete { ty: TypeUse::Defined(id), .. } => DefinedType::get(id),
            _ => None,
        }
    }

    pub fn id(&self) -> TypeId {
        TypeId(self.group.first + self.position)
    }

    /// What the type is, closed.
    pub fn sub_type(&self) -> &SubType {
        &self.group.types[self.position as usize]
    }

    pub fn kind(&self) -> CompositeKind {
        self.sub_type().kind()
    }

    /// Whether it is a group by itself, final and without a supertype: then what it describes says all of it.
    pub fn is_plain(&self) -> bool {
        let ty = self.sub_type();
        ty.is_final && ty.supertype.is_none() && self.group.types.len() == 1
    }

    /// The heap type that names it.
    pub fn heap_type(&self) -> HeapType {
        HeapType::Concrete { kind: self.kind(), ty: TypeUse::Defined(self.id()) }
    }

    /// The types that it matches: its supertypes from the most general on, and itself.
    pub fn supertypes(&self) -> &[TypeId] {
        &self.group.supertypes[self.position as usize]
    }

    /// Whether it is `wanted` or a subtype of it.
    pub fn matches(&self, wanted: TypeId) -> bool {
        self.id() == wanted || self.supertypes().contains(&wanted)
    }
}

impl Registry {
    /// The group with these members, registered if there is none. They name each other by position, and others by number.
    fn register(&mut self, key: Box<[SubType]>) -> Result<Arc<RecGroup>> {
        if let Some(group) = self.groups.get(&key[..]).and_then(|(_, group)| group.upgrade()) {
            return Ok(group);
        }
        let first = self.take_ids(key.len() as u32)?;
        // Code reads the record of every type that it meets, also of those whose records are all zero.
        if let Err(error) = self.records.reserve(first + key.len() as u32) {
            self.give_ids(first, key.len() as u32);
            return Err(error);
        }
        let key: Arc<[SubType]> = key.into();
        let (mut used, mut is_recursive) = (Vec::new(), false);
        let mut close = |ty| match ty {
            TypeUse::Rec(position) => {
                is_recursive = true;
                TypeUse::Defined(TypeId(first + position))
            }
            TypeUse::Defined(id) => {
                used.push(id);
                ty
            }
            TypeUse::Index(_) => ty,
        };
        let closed: Arc<[SubType]> = key.iter().map(|ty| ty.rename(&mut close)).collect();
        used.sort_unstable();
        used.dedup();
        let mut uses: Vec<Arc<RecGroup>> = used.into_iter().filter_map(|id| self.group_of(id)).collect();
        uses.dedup_by(|a, b| Arc::ptr_eq(a, b));
        let supertypes = self.supertypes_of(first, &closed);
        let types = if is_recursive { closed } else { key.clone() };
        let shapes: Box<[Option<Shape>]> = types.iter().map(shape).collect();
        // The record of a function type without supertypes is all zero.
        let has_records = supertypes.iter().any(|all| all.len() > 1) || shapes.iter().any(Option::is_some);
        let group = Arc::new(RecGroup { first, key: key.clone(), types, supertypes, shapes, uses });
        if has_records {
            for (id, (supertypes, shape)) in (first..).zip(group.supertypes.iter().zip(&group.shapes)) {
                self.records.write(TypeId(id), supertypes, shape.as_ref());
            }
        }
        for id in first as usize..first as usize + key.len() {
            self.by_id[id] = Arc::downgrade(&group);
        }
        self.groups.insert(key, (first, Arc::downgrade(&group)));
        Ok(group)
    }

    fn group_of(&self, id: TypeId) -> Option<Arc<RecGroup>> {
        self.by_id.get(id.0 as usize)?.upgrade()
    }

    /// See [`RecGroup::supertypes`]. A supertype lies before its subtypes.
    fn supertypes_of(&self, first: u32, closed: &[SubType]) -> Box<[Box<[TypeId]>]> {
        let mut all: Vec<Box<[TypeId]>> = Vec::with_capacity(closed.len());
        for (ty, id) in closed.iter().zip(first..) {
            let mut own = match ty.supertype {
                Some(TypeUse::Defined(TypeId(supertype))) => match supertype.checked_sub(first) {
                    Some(position) if position < id - first => all[position as usize].to_vec(),
                    _ => self
                        .group_of(TypeId(supertype))
                        .map_or_else(Vec::new, |group| group.supertypes[(supertype - group.first) as usize].to_vec()),
                },
                _ => Vec::new(),
            };
            own.push(TypeId(id));
            all.push(own.into());
        }
        all.into()
    }

    fn take_ids(&mut self, count: u32) -> Result<u32> {
        let first = match self.free.take(count) {
            Some(first) => first,
            None => {
                // The first number is that of the host's objects.
                let first = (self.by_id.len() as u32).max(EXTERN_TYPE + 1);
                if count > MOST_TYPES - first {
                    return Err(Error::limit(format!("more than {MOST_TYPES} types are in use in this process")));
                }
                self.by_id.resize_with((first + count) as usize, Weak::new);
                first
            }
        };
        self.in_use += count;
        Ok(first)
    }

    fn unregister(&mut self, group: &RecGroup) {
        // An equal group may have been registered since this one's count fell to zero.
        if self.groups.get(&group.key).is_some_and(|&(first, _)| first == group.first) {
            self.groups.remove(&group.key);
        }
        let (first, count) = (group.first, group.types.len() as u32);
        for id in first..first + count {
            self.by_id[id as usize] = Weak::new();
        }
        self.records.clear(first, count);
        self.give_ids(first, count);
    }

    fn give_ids(&mut self, first: u32, count: u32) {
        if count == 0 {
            return;
        }
        self.in_use -= count;
        match self.in_use {
            // Nothing that was allocated is left when no type is.
            0 => *self = Registry { records: std::mem::take(&mut self.records), ..Registry::default() },
            _ => self.free.put(first, count),
        }
        if let Some(first) = self.free.take_last(self.by_id.len() as u32) {
            self.by_id.truncate(first as usize);
        }
    }
}

fn shape(ty: &SubType) -> Option<Shape> {
    match &ty.composite {
        CompositeType::Func(_) => None,
        CompositeType::Struct(fields) => Some(Shape::of_struct(fields)),
        CompositeType::Array(element) => Some(Shape::of_array(*element)),
    }
}

impl Drop for RecGroup {
    fn drop(&mut self) {
        registry().unregister(self);
        // Not one inside the other: a module can have a million types, each of which uses the one before.
        let mut uses = std::mem::take(&mut self.uses);
        while let Some(group) = uses.pop() {
            if let Some(mut last) = Arc::into_inner(group) {
                uses.append(&mut last.uses);
            }
        }
    }
}

#[cfg(test)]
mod tests;
