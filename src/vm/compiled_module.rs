//! Compiled modules, shared between threads and stores, and their handles in a store.

use crate::abi::{ObjectKind, VMContextLayout};
use crate::code::{self, Code};
use crate::module::{EntityIndex, Module};
use crate::os;
use crate::os::sync::OnceLock;
use crate::types::{CompositeKind, Error, ExternType, FuncIndex, Result, TagIndex, TypeIndex, TypeUse};
use crate::vm::engine::Engine;
use crate::vm::engine::types::RegisteredType;
use crate::vm::instance::initial::Initial;
use crate::vm::instance::pool::InstancePool;
use crate::vm::store::Entered;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::Entity;
use crate::vm::types::DefinedType;
use std::path::Path;
use std::sync::Arc;

/// A module: its description, its machine code, and its types as its engine knows them.
pub struct CompiledModule {
    engine: Arc<Engine>,
    module: Module,
    code: Arc<Code>,
    layout: VMContextLayout,
    /// The types of the module, by index, then those of exceptions with its tags; and their numbers, which compiled code reads.
    types: Arc<[DefinedType]>,
    type_ids: Vec<u32>,
    /// The engine's registrations of those that are function types.
    func_types: Vec<Option<Arc<RegisteredType>>>,
    /// What instances begin with, found out when the first is made.
    initial: OnceLock<Initial>,
    pool: Arc<InstancePool>,
}

impl CompiledModule {
    /// Validates and compiles a binary.
    pub fn new(engine: &Arc<Engine>, bytes: &[u8]) -> Result<Arc<CompiledModule>> {
        let (module, code) = code::compile(engine.compiler(), bytes, os::stack_left())?;
        CompiledModule::assemble(engine, module, code)
    }

    /// Loads a copy of an artifact: [`CompiledModule::artifact`].
    pub fn deserialize(engine: &Arc<Engine>, bytes: &[u8]) -> Result<Arc<CompiledModule>> {
        os::reserve::check()?;
        let (module, code) = code::deserialize(engine.compiler().fingerprint(), bytes)?;
        CompiledModule::assemble(engine, module, code)
    }

    /// Loads an artifact from a file, which it maps and does not copy.
    pub fn deserialize_file(engine: &Arc<Engine>, path: &Path) -> Result<Arc<CompiledModule>> {
        os::reserve::check()?;
        let (module, code) = code::deserialize_file(engine.compiler().fingerprint(), path)?;
        CompiledModule::assemble(engine, module, code)
    }

    /// The artifact of the module, which it lies in memory as.
    pub fn artifact(&self) -> &[u8] {
        self.code.artifact()
    }

    /// Writes the artifact to a file, which is replaced only once it is whole.
    pub fn write_artifact(&self, path: &Path) -> Result<()> {
        code::write_artifact(self.artifact(), path)
    }

    fn assemble(engine: &Arc<Engine>, module: Module, code: Arc<Code>) -> Result<Arc<CompiledModule>> {
        let layout = module.context_layout()?;
        let mut types = DefinedType::of_module(&module)?;
        let num_types = types.len();
        for &tag in module.tags.values() {
            let ty = types.get(tag.as_u32() as usize).filter(|_| (tag.as_u32() as usize) < num_types);
            let ty = ty
                .and_then(|ty| ty.sub_type().as_func())
                .ok_or_else(|| Error::argument("a tag of no function type"))?;
            types.push(DefinedType::exception(ty)?);
        }
        let types: Arc<[DefinedType]> = types.into();
        let type_ids = types.iter().map(|ty| ty.id().0).collect();
        let register = |ty: &DefinedType| match ty.kind() {
            CompositeKind::Func => engine.register(ty.clone()).map(Some),
            CompositeKind::Struct | CompositeKind::Array => Ok(None),
        };
        let func_types = types.iter().map(register).collect::<Result<Vec<_>>>()?;
        let (initial, pool) = (OnceLock::new(), InstancePool::new(engine.pools()));
        let engine = engine.clone();
        Ok(Arc::new(CompiledModule { engine, module, code, layout, types, type_ids, func_types, initial, pool }))
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    #[inline]
    pub fn module(&self) -> &Module {
        &self.module
    }

    pub fn code(&self) -> &Code {
        &self.code
    }

    #[inline]
    pub fn layout(&self) -> &VMContextLayout {
        &self.layout
    }

    #[inline]
    pub(super) fn initial(&self) -> &Initial {
        self.initial.get_or_init(|| Initial::new(&self.module, self.engine.images()))
    }

    #[inline]
    pub(super) fn pool(&self) -> &InstancePool {
        &self.pool
    }

    pub(super) fn type_ids(&self) -> &[u32] {
        &self.type_ids
    }

    /// The registration of a function type.
    pub(super) fn func_type(&self, func: FuncIndex) -> Option<&Arc<RegisteredType>> {
        self.func_types.get(self.module.type_of(func).as_u32() as usize)?.as_ref()
    }

    /// A type of the module, registered.
    pub(super) fn defined(&self, ty: TypeIndex) -> &DefinedType {
        &self.types[ty.as_u32() as usize]
    }

    /// The types that the module defines, by index.
    pub fn defined_types(&self) -> &[DefinedType] {
        &self.types[..self.module.types.len()]
    }

    /// The type of exceptions with a tag.
    pub(super) fn exception_type(&self, tag: TagIndex) -> &DefinedType {
        &self.types[self.module.types.len() + tag.as_u32() as usize]
    }

    pub(super) fn types(&self) -> &Arc<[DefinedType]> {
        &self.types
    }

    /// What names a type of the module by its index, names it by its number afterwards.
    pub fn close(&self) -> impl FnMut(TypeUse) -> TypeUse {
        |ty| match ty {
            TypeUse::Index(index) => match self.types.get(index.as_u32() as usize) {
                Some(defined) => TypeUse::Defined(defined.id()),
                None => ty,
            },
            other => other,
        }
    }

    /// The closed type of an entity.
    pub fn entity_type(&self, entity: EntityIndex) -> ExternType {
        self.module.entity_type(entity).rename(&mut self.close())
    }
}

/// A handle's target in a store: what `wasm_module_t*` points to.
#[repr(C)]
pub struct ModuleObject {
    header: EntityHeader,
    compiled: Arc<CompiledModule>,
}

// SAFETY: `repr(C)`, and the header with kind `Module` is first.
unsafe impl Record for ModuleObject {
    const KIND: ObjectKind = ObjectKind::Module;
}

// SAFETY: as above.
unsafe impl Entity for ModuleObject {
    const KIND: ObjectKind = ObjectKind::Module;
    const MAY_RUN: bool = true;
}

impl ModuleObject {
    pub fn new(entered: &Entered<'_>, compiled: Arc<CompiledModule>) -> Result<Handle<ModuleObject>> {
        let store = entered.store();
        store.collect_if_due();
        if !Arc::ptr_eq(store.engine(), &compiled.engine) {
            return Err(Error::argument("the module belongs to another engine than the store"));
        }
        let module =
            Box::into_raw(Box::new(ModuleObject { header: EntityHeader::new(ObjectKind::Module, store), compiled }));
        // SAFETY: just boxed, and the header is first.
        unsafe { store.adopt(module.cast(), module) }
    }

    pub fn compiled(&self) -> &Arc<CompiledModule> {
        &self.compiled
    }
}
