//! Consistency of a description that was not made by [`parse`](super::parse) but read from an artifact.

use super::*;
use cranelift_entity::{EntityRef, PrimaryMap};

impl Module {
    /// Checks that every index lies within its index space and every range within what it is a range of, so that a
    /// damaged description cannot make anyone panic. Says what is wrong.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let ok = |condition, what| if condition { Ok(()) } else { Err(what) };
        let defined = |len: usize, imported: u32| len.checked_sub(imported as usize);
        let defined_funcs = defined(self.funcs.len(), self.num_imported_funcs);
        ok(defined_funcs == Some(self.bodies.len()), "functions")?;
        ok(defined(self.globals.len(), self.num_imported_globals) == Some(self.global_inits.len()), "globals")?;
        ok(defined(self.tables.len(), self.num_imported_tables).is_some(), "tables")?;
        ok(defined(self.memories.len(), self.num_imported_memories).is_some(), "memories")?;
        ok(defined(self.tags.len(), self.num_imported_tags).is_some(), "tags")?;
        ok(self.funcs.values().chain(self.tags.values()).all(|&ty| has(&self.types, ty)), "types")?;
        ok(self.imports_are_in_order(), "imports")?;
        ok(self.exports.iter().all(|export| self.has_entity(export.entity)), "exports")?;
        ok(self.global_inits.iter().all(|init| self.has_all_of(init)), "initial values")?;
        ok(self.start.is_none_or(|func| has(&self.funcs, func)), "start function")?;
        ok(self.elems.values().all(|elem| self.is_elem_sound(elem)), "element segments")?;
        ok(self.datas.values().all(|data| self.is_data_sound(data)), "data segments")?;
        ok(self.func_ref_slots.is_sound(self.funcs.len()), "function references")
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
            EntityIndex::Func(func) => has(&self.funcs, func),
            EntityIndex::Global(global) => has(&self.globals, global),
            EntityIndex::Table(table) => has(&self.tables, table),
            EntityIndex::Memory(memory) => has(&self.memories, memory),
            EntityIndex::Tag(tag) => has(&self.tags, tag),
        }
    }

    /// Whether the functions and globals an expression refers to exist, and functions can be referred to.
    fn has_all_of(&self, expr: &ConstExpr) -> bool {
        expr.0.iter().all(|op| match *op {
            ConstOp::GlobalGet(global) => has(&self.globals, global),
            ConstOp::RefFunc(func) => self.can_refer_to(func),
            _ => true,
        })
    }

    fn can_refer_to(&self, func: FuncIndex) -> bool {
        has(&self.funcs, func) && self.func_ref_slots.get(func).is_some()
    }

    fn is_elem_sound(&self, elem: &ElemSegment) -> bool {
        let items = match &elem.items {
            ElemItems::Funcs(funcs) => funcs.iter().all(|&func| self.can_refer_to(func)),
            ElemItems::Exprs(exprs) => exprs.iter().all(|expr| self.has_all_of(expr)),
        };
        items
            && match &elem.mode {
                ElemMode::Passive | ElemMode::Declared => true,
                ElemMode::Active { table, offset } => has(&self.tables, *table) && self.has_all_of(offset),
            }
    }

    fn is_data_sound(&self, data: &DataSegment) -> bool {
        self.data_bytes.get(data.bytes.clone()).is_some()
            && match &data.mode {
                DataMode::Passive => true,
                DataMode::Active { memory, offset } => has(&self.memories, *memory) && self.has_all_of(offset),
            }
    }
}

impl FuncRefSlots {
    fn is_sound(&self, num_funcs: usize) -> bool {
        let taken = self.slots.iter().filter(|&&slot| slot != u32::MAX);
        self.slots.len() <= num_funcs
            && self.count as usize == taken.clone().count()
            && taken.clone().all(|&slot| slot < self.count)
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
        parse(&wat::parse_str(text).unwrap()).unwrap().module
    }

    #[test]
    fn what_parse_makes_is_consistent() {
        module().check().unwrap();
        Module::default().check().unwrap();
    }

    #[test]
    fn indices_out_of_range_are_found() {
        let far = FuncIndex::from_u32(2);
        type Damage = fn(&mut Module, FuncIndex);
        let breaks: [(&str, Damage); 9] = [
            ("functions", |module, _| module.num_imported_funcs = 5),
            ("functions", |module, _| _ = module.bodies.push(0..1)),
            ("types", |module, _| module.types.clear()),
            ("imports", |module, far| module.imports[0].entity = EntityIndex::Func(far)),
            ("exports", |module, far| module.exports[0].entity = EntityIndex::Func(far)),
            ("start function", |module, far| module.start = Some(far)),
            ("element segments", |module, _| module.tables.clear()),
            ("data segments", |module, _| module.data_bytes.truncate(2)),
            ("function references", |module, _| module.func_ref_slots.count += 1),
        ];
        for (what, damage) in breaks {
            let mut module = module();
            damage(&mut module, far);
            assert_eq!(module.check(), Err(what));
        }
    }
}
