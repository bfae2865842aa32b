//! Consistency of a description that was not made by [`parse`](super::parse) but read from an artifact.
//!
//! What is read in place is not looked at, only its lengths: its lookups guard themselves, and a check would take longer the
//! larger the module is.

use super::*;
use cranelift_entity::{EntityRef, PrimaryMap};

impl Module {
    /// Checks that every index lies within its index space and every range within what it is a range of, so that together
    /// with the lookups of what is read in place a damaged description cannot make anyone panic. Says what is wrong.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let ok = |condition, what| if condition { Ok(()) } else { Err(what) };
        let defined = |len: usize, imported: u32| len.checked_sub(imported as usize);
        let defined_funcs = defined(self.num_funcs(), self.num_imported_funcs);
        ok(defined_funcs == Some(self.num_defined_funcs()), "functions")?;
        ok(self.num_funcs() == 0 || !self.types.is_empty(), "types")?;
        ok(defined(self.globals.len(), self.num_imported_globals) == Some(self.global_inits.len()), "globals")?;
        ok(defined(self.tables.len(), self.num_imported_tables).is_some(), "tables")?;
        ok(defined(self.memories.len(), self.num_imported_memories).is_some(), "memories")?;
        ok(defined(self.tags.len(), self.num_imported_tags).is_some(), "tags")?;
        let known = |ty: &MemoryType| ty.page_size_log2 <= MemoryType::DEFAULT_PAGE_SIZE_LOG2;
        ok(self.memories.values().all(|ty| known(ty) && (!ty.shared || ty.limits.max.is_some())), "memories")?;
        ok(self.tags.values().all(|&ty| has(&self.types, ty)), "types")?;
        ok(self.are_types_sound(), "types")?;
        ok(self.are_uses_sound(), "types")?;
        ok(self.table_inits.is_sorted_by(|(a, _), (b, _)| a < b), "tables")?;
        ok(self.table_inits.iter().all(|(table, init)| self.is_table_init_sound(*table, init)), "tables")?;
        ok(self.imports_are_in_order(), "imports")?;
        ok(self.exports.iter().all(|export| self.has_entity(export.entity)), "exports")?;
        let mut globals = self.globals.iter().skip(self.num_imported_globals as usize).zip(&self.global_inits);
        let is_init_sound = |((index, global), init): ((GlobalIndex, &GlobalType), &ConstExpr)| {
            self.is_expr_sound(init, global.content, index.index())
        };
        ok(globals.all(is_init_sound), "initial values")?;
        ok(self.start.is_none_or(|func| self.has_func(func)), "start function")?;
        ok(self.elems.values().all(|elem| self.is_elem_sound(elem)), "element segments")?;
        ok(self.datas.num_memories as usize == self.memories.len(), "data segments")?;
        // Of which memory each is, the records say, which are not looked at.
        let is_offset = |offset| self.is_offset_sound(offset, false) || self.is_offset_sound(offset, true);
        ok(self.datas.offsets().iter().all(is_offset), "data segments")?;
        ok(self.func_ref_slots.num_funcs() <= self.num_funcs(), "function references")?;
        ok(self.func_ref_slots.len() as usize <= self.func_ref_slots.num_funcs(), "function references")
    }

    /// Whether the recursion groups are all types, in order, and whether types refer to types of the same group or those before it, as
    /// what they are, and have supertypes that come before them.
    fn are_types_sound(&self) -> bool {
        let ends = std::iter::once(&0).chain(&self.rec_groups);
        if !ends.is_sorted() || self.rec_groups.last().map_or(0, |&end| end as usize) != self.types.len() {
            return false;
        }
        let mut position = 0;
        self.rec_groups().zip(&self.rec_groups).all(|(group, &end)| {
            group.iter().all(|ty| {
                let index = position;
                position += 1;
                let supertype = ty.supertype.is_none_or(|supertype| match supertype {
                    TypeUse::Index(supertype) => {
                        supertype.as_u32() < index && self.types[supertype].kind() == ty.kind()
                    }
                    TypeUse::Rec(_) | TypeUse::Defined(_) => false,
                });
                supertype && ty.composite.vals().all(|ty| self.is_use_sound(ty, end))
            })
        })
    }

    /// Whether a type refers to one of the first `end` types, as what it is.
    fn is_use_sound(&self, ty: ValType, end: u32) -> bool {
        match ty {
            ValType::Ref(RefType { heap: HeapType::Concrete { kind, ty }, .. }) => match ty {
                TypeUse::Index(ty) => ty.as_u32() < end && self.types[ty].kind() == kind,
                TypeUse::Rec(_) | TypeUse::Defined(_) => false,
            },
            _ => true,
        }
    }

    /// Whether the types of globals, tables and element segments refer to types there are.
    fn are_uses_sound(&self) -> bool {
        let globals = self.globals.values().map(|ty| ty.content);
        let tables = self.tables.values().map(|ty| ValType::Ref(ty.element));
        let elems = self.elems.values().map(|elem| ValType::Ref(elem.ty));
        globals.chain(tables).chain(elems).all(|ty| self.is_use_sound(ty, self.types.len() as u32))
    }

    fn is_table_init_sound(&self, table: TableIndex, init: &ConstExpr) -> bool {
        let ty = self.tables.get(table).filter(|_| table.as_u32() >= self.num_imported_tables);
        ty.is_some_and(|ty| self.is_expr_sound(init, ValType::Ref(ty.element), self.num_imported_globals as usize))
    }

    /// Whether the imports are the first of each index space, in order.
    fn imports_are_in_order(&self) -> bool {
        let (mut funcs, mut globals, mut tables, mut memories, mut tags) = (0, 0, 0, 0, 0);
        let in_order = self.imports.iter().all(|import| {
            let (index, next) = match import.entity {
                EntityIndex::Func(func) => (func.as_u32(), &mut funcs),
                EntityIndex::Global(global) => (global.as_u32(), &mut globals),
                EntityIndex::Table(table) => (table.as_u32(), &mut tables),
                EntityIndex::Memory(memory) => (memory.as_u32(), &mut memories),
                EntityIndex::Tag(tag) => (tag.as_u32(), &mut tags),
            };
            *next += 1;
            index == *next - 1
        });
        in_order
            && funcs == self.num_imported_funcs
            && globals == self.num_imported_globals
            && tables == self.num_imported_tables
            && memories == self.num_imported_memories
            && tags == self.num_imported_tags
    }

    fn has_entity(&self, entity: EntityIndex) -> bool {
        match entity {
            EntityIndex::Func(func) => self.has_func(func),
            EntityIndex::Global(global) => has(&self.globals, global),
            EntityIndex::Table(table) => has(&self.tables, table),
            EntityIndex::Memory(memory) => has(&self.memories, memory),
            EntityIndex::Tag(tag) => has(&self.tags, tag),
        }
    }

    fn has_func(&self, func: FuncIndex) -> bool {
        func.index() < self.num_funcs()
    }

    /// Whether an expression gives a value that can stand where one of `ty` is wanted, of functions there are and of the first
    /// `num_globals` globals. What is a number must not be taken for a reference.
    fn is_expr_sound(&self, expr: &ConstExpr, ty: ValType, num_globals: usize) -> bool {
        let mut stack = Vec::with_capacity(1);
        for op in expr.ops() {
            let Some(result) = self.apply(op, num_globals, &mut stack) else { return false };
            stack.push(result);
        }
        matches!(stack.as_slice(), [given] if is_alike(*given, ty))
    }

    /// Takes the operands of an operation of a constant expression, and gives the type of its result; `None` if they are not there.
    fn apply(&self, op: &ConstOp, num_globals: usize, stack: &mut Vec<ValType>) -> Option<ValType> {
        let reference = |heap| ValType::Ref(RefType { nullable: true, heap });
        let object = |ty, kind| {
            let defined = self.types.get(ty).filter(|ty| ty.kind() == kind)?;
            Some((&defined.composite, reference(HeapType::Concrete { kind, ty: TypeUse::Index(ty) })))
        };
        let mut pop = |wanted: ValType| {
            let given = stack.pop()?;
            is_alike(given, wanted).then_some(())
        };
        Some(match *op {
            ConstOp::I32(_) => ValType::I32,
            ConstOp::I64(_) => ValType::I64,
            ConstOp::F32(_) => ValType::F32,
            ConstOp::F64(_) => ValType::F64,
            ConstOp::V128(_) => ValType::V128,
            ConstOp::GlobalGet(global) => self.globals.get(global).filter(|_| global.index() < num_globals)?.content,
            ConstOp::RefNull(heap) => reference(heap),
            ConstOp::RefFunc(func) => self.has_func(func).then_some(ValType::FUNCREF)?,
            ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => {
                pop(ValType::I32)?;
                pop(ValType::I32)?;
                ValType::I32
            }
            ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
                pop(ValType::I64)?;
                pop(ValType::I64)?;
                ValType::I64
            }
            ConstOp::RefI31 => {
                pop(ValType::I32)?;
                reference(HeapType::I31)
            }
            ConstOp::StructNew(ty) => {
                let (CompositeType::Struct(fields), result) = object(ty, CompositeKind::Struct)? else { return None };
                fields.iter().rev().try_for_each(|field| pop(field.storage.unpacked()))?;
                result
            }
            ConstOp::StructNewDefault(ty) => object(ty, CompositeKind::Struct)?.1,
            ConstOp::ArrayNew(ty) => {
                let (CompositeType::Array(element), result) = object(ty, CompositeKind::Array)? else { return None };
                pop(ValType::I32)?;
                pop(element.storage.unpacked())?;
                result
            }
            ConstOp::ArrayNewDefault(ty) => {
                pop(ValType::I32)?;
                object(ty, CompositeKind::Array)?.1
            }
            ConstOp::ArrayNewFixed(ty, count) => {
                let (CompositeType::Array(element), result) = object(ty, CompositeKind::Array)? else { return None };
                (0..count).try_for_each(|_| pop(element.storage.unpacked()))?;
                result
            }
            ConstOp::Convert(heap) => {
                pop(reference(HeapType::Any))?;
                reference(heap)
            }
        })
    }

    fn is_offset_sound(&self, offset: &ConstExpr, index64: bool) -> bool {
        self.is_expr_sound(offset, if index64 { ValType::I64 } else { ValType::I32 }, self.globals.len())
    }

    fn is_elem_sound(&self, elem: &ElemSegment) -> bool {
        let items = match &elem.items {
            // A segment without elements is of any type.
            ElemItems::Funcs(funcs) => funcs.is_sound() && (elem.ty.is_func() || funcs.is_empty()),
            ElemItems::Exprs(exprs) => {
                exprs.iter().all(|expr| self.is_expr_sound(expr, ValType::Ref(elem.ty), self.globals.len()))
            }
        };
        items
            && match &elem.mode {
                ElemMode::Passive | ElemMode::Declared => true,
                ElemMode::Active { table, offset } => self.tables.get(*table).is_some_and(|table| {
                    table.element.is_func() == elem.ty.is_func() && self.is_offset_sound(offset, table.index64)
                }),
            }
    }
}

/// Whether values of two types are kept alike: references are told apart by whether they are functions.
fn is_alike(given: ValType, wanted: ValType) -> bool {
    match (given, wanted) {
        (ValType::Ref(given), ValType::Ref(wanted)) => given.is_func() == wanted.is_func(),
        _ => given == wanted,
    }
}

fn has<K: EntityRef, V>(map: &PrimaryMap<K, V>, index: K) -> bool {
    index.index() < map.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> Module {
        let text = r#"(module
            (import "" "f" (func $f)) (import "" "g" (global i32))
            (table 2 funcref) (memory 1) (export "f" (func $f)) (func $g) (start $g)
            (elem (i32.const 0) $f) (elem funcref (ref.null func) (ref.func $g)) (data (global.get 0) "abc"))"#;
        parse(&wat::parse_str(text).unwrap(), Features::DEFAULT).unwrap().module
    }

    impl Module {
        fn change_part(&mut self, part: usize, change: impl Fn(&mut Vec<u8>)) {
            let mut parts = self.parts().map(<[u8]>::to_vec);
            change(&mut parts[part]);
            self.set_parts(parts.map(Bytes::from));
        }
    }

    #[test]
    fn what_parse_makes_is_consistent() {
        module().check().unwrap();
        Module::default().check().unwrap();
        for text in ["(module (elem externref))", "(module (table 1 externref) (elem (i32.const 0) externref))"] {
            parse(&wat::parse_str(text).unwrap(), Features::DEFAULT).unwrap().module.check().unwrap();
        }
    }

    #[test]
    fn numbers_are_no_references() {
        let one = ConstExpr::One(ConstOp::I32(1));
        let text = r#"(module (import "" "g" (global funcref)) (global funcref (global.get 0)) (table 2 funcref)
            (elem (i32.const 0) funcref (ref.null func)))"#;
        let module = || parse(&wat::parse_str(text).unwrap(), Features::DEFAULT).unwrap().module;
        module().check().unwrap();
        let mut damaged = module();
        damaged.global_inits[0] = one.clone();
        assert_eq!(damaged.check(), Err("initial values"));
        let mut damaged = module();
        damaged.global_inits[0] = ConstExpr::One(ConstOp::GlobalGet(GlobalIndex::from_u32(1)));
        assert_eq!(damaged.check(), Err("initial values"));
        let mut damaged = module();
        damaged.elems[ElemIndex::from_u32(0)].items = ElemItems::Exprs([one].into());
        assert_eq!(damaged.check(), Err("element segments"));
        let mut damaged = module();
        damaged.tables[TableIndex::from_u32(0)].element = RefType::EXTERNREF;
        assert_eq!(damaged.check(), Err("element segments"));
    }

    #[test]
    fn indices_out_of_range_are_found() {
        let far = FuncIndex::from_u32(2);
        type Damage = fn(&mut Module, FuncIndex);
        let breaks: [(&str, Damage); 10] = [
            ("functions", |module, _| module.num_imported_funcs = 5),
            ("functions", |module, _| module.change_part(1, |bodies| bodies.extend([0; 8]))),
            ("types", |module, _| module.types.clear()),
            ("imports", |module, far| module.imports[0].entity = EntityIndex::Func(far)),
            ("exports", |module, far| module.exports[0].entity = EntityIndex::Func(far)),
            ("start function", |module, far| module.start = Some(far)),
            ("element segments", |module, _| module.tables.clear()),
            ("element segments", |module, _| module.change_part(3, |funcs| funcs.truncate(3))),
            ("data segments", |module, _| module.datas.num_memories += 1),
            ("function references", |module, _| module.change_part(2, |slots| slots.extend([0; 4]))),
        ];
        for (what, damage) in breaks {
            let mut module = module();
            damage(&mut module, far);
            assert_eq!(module.check(), Err(what));
        }
    }
}
