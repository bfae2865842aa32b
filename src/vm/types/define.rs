//! Recursion groups that the host makes, member by member. They are checked as those of modules are when they are validated, and then
//! registered like those.

use super::matching::composite_matches;
use super::{DefinedType, registry};
use crate::os::reserve;
use crate::types::{CompositeKind, CompositeType, Error, HeapType, RefType, Result, SubType, TypeUse, ValType};

/// The limits that modules have too.
const MOST_MEMBERS: usize = 1_000_000;
pub const MOST_FIELDS: usize = 10_000;
pub const MOST_VALUES: usize = 1000;
const MOST_SUPERTYPES: usize = 63;

/// A recursion group under construction. Its members name each other by position ([`TypeUse::Rec`]), and other types by number.
#[derive(Clone, Debug, Default)]
pub struct GroupBuilder {
    members: Vec<SubType>,
    /// The other types that members name, which stay registered until the group is.
    named: Vec<DefinedType>,
    /// How many value types the members are made of.
    num_vals: usize,
}

/// About what a member takes when it is registered, and each value type in it.
const MEMBER_MEMORY: usize = 768;
const VAL_MEMORY: usize = 96;
/// So much is registered without asking for memory before.
const LITTLE_MEMORY: usize = 64 << 10;

impl GroupBuilder {
    /// How many members there are.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// Adds a member, which is final and has no supertype. Of members that it names, the kind may be any: it becomes what it is when
    /// the group is defined. What it names by number is registered.
    pub fn add(&mut self, composite: CompositeType) -> Result<()> {
        if self.members.len() == MOST_MEMBERS {
            return Err(Error::limit(format!("a recursion group has at most {MOST_MEMBERS} members")));
        }
        check_size(&composite)?;
        reserve::check()?;
        let no_memory = |_| Error::out_of_memory("no memory for a member of a recursion group");
        let num_vals = composite.vals().count();
        self.members.try_reserve(1).map_err(no_memory)?;
        self.named.try_reserve(num_vals).map_err(no_memory)?;
        for ty in composite.vals() {
            if let ValType::Ref(ty) = ty {
                self.named.extend(DefinedType::named_by(ty.heap));
            }
        }
        self.num_vals += num_vals;
        self.members.push(SubType { is_final: true, supertype: None, composite });
        Ok(())
    }

    /// About how many bytes it takes, to be copied or defined.
    pub fn memory(&self) -> usize {
        MEMBER_MEMORY * self.members.len() + VAL_MEMORY * self.num_vals
    }

    fn member(&mut self, index: u32) -> Result<&mut SubType> {
        let count = self.members.len();
        self.members.get_mut(index as usize).ok_or_else(|| no_member(index, count))
    }

    /// Says whether a member is final.
    pub fn set_final(&mut self, index: u32, is_final: bool) -> Result<()> {
        self.member(index)?.is_final = is_final;
        Ok(())
    }

    /// Makes a type from elsewhere the supertype of a member, or none.
    pub fn set_supertype(&mut self, index: u32, supertype: Option<&DefinedType>) -> Result<()> {
        self.member(index)?.supertype = supertype.map(|ty| TypeUse::Defined(ty.id()));
        self.named.extend(supertype.cloned());
        Ok(())
    }

    /// Makes a member before it the supertype of a member.
    pub fn set_supertype_member(&mut self, index: u32, supertype: u32) -> Result<()> {
        let member = self.member(index)?;
        if supertype >= index {
            return Err(Error::argument(format!(
                "a supertype comes before its subtypes: member {supertype} is not before member {index}"
            )));
        }
        member.supertype = Some(TypeUse::Rec(supertype));
        Ok(())
    }

    /// Checks and registers the group: its members as types. It can be registered again, which gives the same types.
    pub fn define(&self) -> Result<Vec<DefinedType>> {
        if self.members.is_empty() {
            return Err(Error::argument("a recursion group without members defines nothing"));
        }
        let memory = self.memory();
        if memory <= LITTLE_MEMORY { reserve::check() } else { reserve::check_for(memory) }?;
        self.check_supertypes()?;
        let members = self.members.iter().map(|ty| self.with_kinds(ty)).collect::<Result<Box<[SubType]>>>()?;
        let group = registry().register(members)?;
        let types: Vec<_> =
            (0..self.members.len() as u32).map(|position| DefinedType { group: group.clone(), position }).collect();
        drop(group);
        // Nobody but this thread has them yet, unless an equal group was found to be right before.
        for (index, ty) in types.iter().enumerate() {
            let matches =
                |supertype: DefinedType| composite_matches(&ty.sub_type().composite, &supertype.sub_type().composite);
            if !ty.supertype().is_none_or(matches) {
                return Err(Error::argument(format!("member {index} does not match the supertype that it declares")));
            }
        }
        Ok(types)
    }

    /// Checks that supertypes can be ones, apart from what they describe, and that there are not too many of a type.
    fn check_supertypes(&self) -> Result<()> {
        let mut depths = Vec::with_capacity(self.members.len());
        for (index, ty) in self.members.iter().enumerate() {
            let (is_final, kind, depth) = match ty.supertype {
                None => {
                    depths.push(0);
                    continue;
                }
                Some(TypeUse::Rec(position)) if (position as usize) < index => {
                    let supertype = &self.members[position as usize];
                    (supertype.is_final, supertype.kind(), depths[position as usize])
                }
                Some(TypeUse::Defined(id)) => {
                    let supertype = DefinedType::get(id).ok_or_else(|| Error::argument("a supertype is not known"))?;
                    (supertype.sub_type().is_final, supertype.kind(), supertype.supertypes().len() - 1)
                }
                Some(TypeUse::Rec(_) | TypeUse::Index(_)) => return Err(Error::argument("a supertype is not known")),
            };
            if is_final {
                return Err(Error::argument(format!("the supertype of member {index} is final")));
            }
            if kind != ty.kind() {
                let (given, wanted) = (name(ty.kind()), name(kind));
                return Err(Error::argument(format!("member {index} is {given} type, its supertype {wanted} type")));
            }
            if depth >= MOST_SUPERTYPES {
                let message = format!("a type has at most {MOST_SUPERTYPES} supertypes: member {index} has more");
                return Err(Error::limit(message));
            }
            depths.push(depth + 1);
        }
        Ok(())
    }

    /// A member with the kinds of the members that it names; an error if there is none of them.
    fn with_kinds(&self, ty: &SubType) -> Result<SubType> {
        let mut missing = None;
        let mut with_kind = |ty| match ty {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete { ty: TypeUse::Rec(position), .. } }) => {
                match self.members.get(position as usize) {
                    Some(member) => {
                        let heap = HeapType::Concrete { kind: member.kind(), ty: TypeUse::Rec(position) };
                        ValType::Ref(RefType { nullable, heap })
                    }
                    None => {
                        missing = Some(position);
                        ty
                    }
                }
            }
            other => other,
        };
        let composite = ty.composite.map(&mut with_kind);
        match missing {
            Some(position) => Err(no_member(position, self.members.len())),
            None => Ok(SubType { composite, ..*ty }),
        }
    }
}

#[cold]
fn no_member(position: u32, count: usize) -> Error {
    Error::argument(format!("the recursion group has {count} members: there is no member {position}"))
}

/// Checks that a type is no larger than one of a module.
fn check_size(composite: &CompositeType) -> Result<()> {
    match composite {
        CompositeType::Func(ty) => {
            check_count(ty.params.len(), MOST_VALUES, "parameters")?;
            check_count(ty.results.len(), MOST_VALUES, "results")
        }
        CompositeType::Struct(fields) => check_count(fields.len(), MOST_FIELDS, "fields"),
        CompositeType::Array(_) => Ok(()),
    }
}

/// Checks that there are not too many parts of a type.
pub fn check_count(count: usize, most: usize, what: &str) -> Result<()> {
    if count <= most { Ok(()) } else { Err(Error::limit(format!("a type has at most {most} {what}: given {count}"))) }
}

fn name(kind: CompositeKind) -> &'static str {
    match kind {
        CompositeKind::Func => "a function",
        CompositeKind::Struct => "a structure",
        CompositeKind::Array => "an array",
    }
}
