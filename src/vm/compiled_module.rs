//! Compiled modules, shared between threads and stores, and their handles in a store.

use crate::abi::{ObjectKind, VMContextLayout};
use crate::code::{self, Code};
use crate::module::Module;
use crate::os;
use crate::os::sync::OnceLock;
use crate::types::{Error, Result, TypeIndex};
use crate::vm::engine::Engine;
use crate::vm::engine::types::RegisteredType;
use crate::vm::instance::initial::Initial;
use crate::vm::instance::pool::InstancePool;
use crate::vm::store::Entered;
use crate::vm::store::entity::{EntityHeader, Handle, Record};
use crate::vm::store::kinds::Entity;
use std::path::Path;
use std::sync::Arc;

/// A module: its description, its machine code, and its types as its engine knows them.
pub struct CompiledModule {
    engine: Arc<Engine>,
    module: Module,
    code: Arc<Code>,
    layout: VMContextLayout,
    types: Vec<Arc<RegisteredType>>,
    type_ids: Vec<u32>,
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
        let types = module.types.values().map(|ty| engine.register(ty)).collect::<Result<Vec<_>>>()?;
        let type_ids = types.iter().map(|ty| ty.id).collect();
        let (initial, pool) = (OnceLock::new(), InstancePool::new(engine.pools()));
        let engine = engine.clone();
        Ok(Arc::new(CompiledModule { engine, module, code, layout, types, type_ids, initial, pool }))
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

    pub(super) fn ty(&self, ty: TypeIndex) -> &Arc<RegisteredType> {
        &self.types[ty.as_u32() as usize]
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
