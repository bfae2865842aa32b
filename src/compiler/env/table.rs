//! Tables: their elements, their lengths, and whether elements may still have to be materialized.

use super::{FuncEnv, Region, constant_flags};
use crate::abi::VMTable;
use crate::compiler::sig::{self, POINTER};
use crate::module::{ElemMode, ElemSegment};
use crate::types::{RefType, TableIndex};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::FunctionBuilder;
use std::mem::offset_of;

/// How a table's parts are reached; see [`FuncEnv::table`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct TableParts {
    pub base: Value,
    /// The length in elements, as wide as the table's indices.
    pub length: Value,
    /// Whether the indices are 64 bits wide.
    pub index64: bool,
    pub element: RefType,
}

/// The type of indices.
fn index_type(index64: bool) -> Type {
    if index64 { types::I64 } else { types::I32 }
}

impl FuncEnv<'_> {
    /// A table's parts. The length of a table whose limits are equal is known, and its base never changes.
    pub fn table(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> TableParts {
        let ty = self.module.tables[table];
        let record = self.table_record(builder, table);
        let fixed = ty.limits.max == Some(ty.limits.min);
        let flags = if fixed { constant_flags() } else { self.flags(builder, Region::TableHeader) };
        let base = builder.ins().load(POINTER, flags, record, offset_of!(VMTable, base) as i32);
        let length = if fixed {
            builder.ins().iconst(index_type(ty.index64), ty.limits.min as i64)
        } else {
            self.table_length(builder, record, ty.index64)
        };
        TableParts { base, length, index64: ty.index64, element: ty.element }
    }

    /// The length of a table in elements, as wide as its indices.
    pub fn table_size(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> Value {
        let record = self.table_record(builder, table);
        let index64 = self.module.tables[table].index64;
        self.table_length(builder, record, index64)
    }

    fn table_record(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) -> Value {
        builder.ins().load(POINTER, constant_flags(), self.vmctx, self.layout.table(table))
    }

    /// Tables have fewer than 2^32 elements, so the low half of the length says it all.
    fn table_length(&mut self, builder: &mut FunctionBuilder<'_>, record: Value, index64: bool) -> Value {
        let flags = self.flags(builder, Region::TableHeader);
        builder.ins().load(index_type(index64), flags, record, offset_of!(VMTable, length) as i32)
    }

    /// Whether 0 in a table can stand for a function that was not asked for yet: function tables are filled on first use, and
    /// what is imported may be any instance's.
    pub fn is_lazy(&mut self, table: TableIndex) -> bool {
        let module = self.module;
        *self.lazy_tables[table].get_or_insert_with(|| {
            let is_active =
                |elem: &ElemSegment| matches!(elem.mode, ElemMode::Active { table: other, .. } if other == table);
            let imported = table.as_u32() < module.num_imported_tables;
            module.tables[table].element.is_func()
                && !module.is_filled_at_once(table)
                && (imported || module.elems.values().any(is_active))
        })
    }

    /// Notes that a table was written to.
    pub fn mark_written(&mut self, builder: &mut FunctionBuilder<'_>, table: TableIndex) {
        let record = self.table_record(builder, table);
        let flags = self.flags(builder, Region::TableWritten);
        let one = builder.ins().iconst(types::I64, 1);
        builder.ins().store(flags, one, record, offset_of!(VMTable, written) as i32);
    }

    /// Flags for a table's elements.
    pub fn element_flags(&mut self, builder: &mut FunctionBuilder<'_>) -> MemFlagsData {
        self.flags(builder, Region::TableElements)
    }

    /// The type of a table's elements.
    pub fn element_type(&self, table: TableIndex) -> Type {
        sig::ref_type(self.module.tables[table].element)
    }
}
