//! The store's heap: where it begins, where the next object is allocated, and what is known of types.

use super::{FuncEnv, constant_flags};
use crate::abi::{HEAP_HEADER, VMContext, VMHeap, VMStoreContext, struct_layout};
use crate::compiler::OptLevel;
use crate::compiler::sig::POINTER;
use crate::types::{CompositeType, FieldType, SubType, TypeIndex, TypeUse};
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;
use std::mem::offset_of;
use std::rc::Rc;

/// The fields of a structure type, where they lie, and how large its objects are.
#[derive(Debug)]
pub(crate) struct StructLayout {
    pub fields: Box<[FieldType]>,
    pub offsets: Vec<u32>,
    pub size: u32,
}

impl FuncEnv<'_> {
    /// The part of the store that compiled code sees.
    pub fn store(&mut self, builder: &mut FunctionBuilder<'_>) -> Value {
        let offset = offset_of!(VMContext, store) as i32;
        self.constant(builder, |env| &mut env.store, |env, _| (env.vmctx, offset))
    }

    /// Where the heap begins, which is so when a module that has objects is instantiated, and stays.
    pub fn heap(&mut self, builder: &mut FunctionBuilder<'_>) -> Value {
        let offset = (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, base)) as i32;
        self.constant(builder, |env| &mut env.heap, |env, builder| (env.store(builder), offset))
    }

    /// Where the records of types begin.
    pub fn type_records(&mut self, builder: &mut FunctionBuilder<'_>) -> Value {
        let offset = (offset_of!(VMStoreContext, heap) + offset_of!(VMHeap, type_records)) as i32;
        self.constant(builder, |env| &mut env.type_records, |env, builder| (env.store(builder), offset))
    }

    /// A pointer that never changes: loaded at the start of the function for all uses, or where it is used without optimization.
    fn constant(
        &mut self,
        builder: &mut FunctionBuilder<'_>,
        known: impl Fn(&mut Self) -> &mut Option<Value>,
        place: impl FnOnce(&mut Self, &mut FunctionBuilder<'_>) -> (Value, i32),
    ) -> Value {
        if self.options.opt_level == OptLevel::None {
            let (base, offset) = place(self, builder);
            return builder.ins().load(POINTER, constant_flags(), base, offset);
        }
        if let Some(value) = *known(self) {
            return value;
        }
        let (base, offset) = place(self, builder);
        let value = self.hoisted_load(builder, base, offset);
        *known(self) = Some(value);
        value
    }

    /// The layout of a structure type of the module.
    pub fn struct_layout(&mut self, ty: TypeIndex) -> Rc<StructLayout> {
        let module = self.module;
        let layout = self.struct_layouts.entry(ty).or_insert_with(|| {
            let fields: Box<[FieldType]> = match module.types.get(ty).map(|ty| &ty.composite) {
                Some(CompositeType::Struct(fields)) => fields.clone(),
                _ => [].into(),
            };
            let (offsets, size) = struct_layout(&fields);
            Rc::new(StructLayout { fields, offsets, size: size.max(HEAP_HEADER) })
        });
        layout.clone()
    }

    /// The elements of an array type of the module.
    pub fn array_element(&self, ty: TypeIndex) -> Option<FieldType> {
        match self.module.types.get(ty)?.composite {
            CompositeType::Array(element) => Some(element),
            CompositeType::Func(_) | CompositeType::Struct(_) => None,
        }
    }

    /// How many supertypes a type of the module has.
    pub fn type_depth(&self, ty: TypeIndex) -> usize {
        let supertype = |ty: &SubType| match ty.supertype {
            Some(TypeUse::Index(ty)) => self.module.types.get(ty),
            _ => None,
        };
        let all = std::iter::successors(self.module.types.get(ty), |ty| supertype(ty));
        all.count().saturating_sub(1)
    }
}
