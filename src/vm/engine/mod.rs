//! Engines: configuration, compiler, and the types and trampolines shared by all stores. No thread is started here.

pub mod pools;
pub mod trampolines;
pub mod types;

use crate::abi::{GUARD_SIZE, GUARDED_RESERVATION};
use crate::compiler::{CompileOptions, Compiler, OptLevel};
use crate::module::Features;
use crate::os;
use crate::os::stack::{self, StackBudget};
use crate::types::Result;
use crate::vm::engine::pools::Pools;
use crate::vm::engine::trampolines::Trampolines;
use crate::vm::engine::types::{RegisteredType, TypeRegistry};
use crate::vm::memory::address_space::Spaces;
use crate::vm::memory::image::ImageFiles;
use crate::vm::memory::linear::MemoryPlan;
use crate::vm::trap::fault;
use crate::vm::types::DefinedType;
use std::sync::Arc;

/// What an embedder can choose.
#[derive(Copy, Clone, Debug)]
pub struct Config {
    /// Whether faults may be turned into traps by a signal handler.
    pub signals: bool,
    pub opt_level: OptLevel,
    /// Bytes of address space to reserve for each memory; `None`: what the machine allows.
    pub memory_reservation: Option<u64>,
    /// The most bytes of a stack that WebAssembly may use.
    pub max_wasm_stack: usize,
    /// The bytes of a stack that are left to host functions; `None`: what suits its size.
    pub host_stack_reserve: Option<usize>,
    /// Whether results are the same on every processor.
    pub deterministic: bool,
    /// What modules may use.
    pub features: Features,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            signals: true,
            opt_level: OptLevel::Speed,
            memory_reservation: None,
            max_wasm_stack: stack::DEFAULT_MAX_WASM,
            host_stack_reserve: None,
            deterministic: false,
            features: Features::default(),
        }
    }
}

/// The most blocks that the instance pools of all modules keep together.
const MOST_POOLED: usize = 1024;
/// The same where address space is short.
const MOST_POOLED_COMPACT: usize = 16;

/// An engine. Stores and modules share it.
pub struct Engine {
    compiler: Arc<Compiler>,
    types: Arc<TypeRegistry>,
    spaces: Arc<Spaces>,
    images: ImageFiles,
    pools: Arc<Pools>,
    stack_budget: StackBudget,
}

impl Engine {
    pub fn new(config: Config) -> Result<Arc<Engine>> {
        Engine::with_compiler(config, Compiler::new)
    }

    /// One whose code needs no more of a processor than all have.
    #[cfg(test)]
    pub fn for_least_processor(config: Config) -> Result<Arc<Engine>> {
        Engine::with_compiler(config, |options| Ok(Compiler::for_least_processor(options)))
    }

    fn with_compiler(config: Config, compiler: impl FnOnce(CompileOptions) -> Result<Compiler>) -> Result<Arc<Engine>> {
        os::reserve::check()?;
        let reservation = config.memory_reservation.unwrap_or_else(|| {
            // Under a limit on address space, memories must be small and their accesses checked.
            if os::address_space_limited() { 0 } else { GUARDED_RESERVATION }
        });
        let guard_pages = config.signals && reservation >= GUARDED_RESERVATION;
        let Config { opt_level, signals, deterministic, features, .. } = config;
        let options = CompileOptions { opt_level, signals, guard_pages, deterministic, features };
        os::register_barriers();
        let compiler = Arc::new(compiler(options)?);
        if config.signals {
            fault::install()?;
            os::expect_blocked_faults();
        }
        let guard = if guard_pages { GUARD_SIZE } else { 0 };
        let memory_plan = MemoryPlan { reservation, guard };
        let spaces = Arc::new(Spaces::new(memory_plan));
        let pools = Arc::new(Pools::new(if reservation > 0 { MOST_POOLED } else { MOST_POOLED_COMPACT }));
        let stack_budget = StackBudget {
            max_wasm: config.max_wasm_stack,
            host_reserve: config.host_stack_reserve,
            signals: config.signals,
        };
        let types = Arc::new(TypeRegistry::of(Trampolines::new(compiler.clone())));
        let images = ImageFiles::default();
        Ok(Arc::new(Engine { compiler, types, spaces, images, pools, stack_budget }))
    }

    pub fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    /// What modules may use.
    pub fn features(&self) -> Features {
        self.compiler.options().features
    }

    /// The address space of the engine's memories.
    pub fn spaces(&self) -> &Arc<Spaces> {
        &self.spaces
    }

    /// Where images of memories are kept; `None` where address space is short: mapping files takes more of it.
    pub fn images(&self) -> Option<&ImageFiles> {
        (self.spaces.plan().reservation > 0).then_some(&self.images)
    }

    /// How stacks are divided between WebAssembly and the host.
    pub fn stack_budget(&self) -> StackBudget {
        self.stack_budget
    }

    pub(in crate::vm) fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }

    /// Gives back what is kept for instances and memories to come; whether there may have been something.
    #[cold]
    pub fn empty_pools(&self) -> bool {
        let pooled = self.pools.clear();
        self.spaces.clear() || pooled
    }

    /// The engine's registration of a function type.
    pub fn register(&self, ty: DefinedType) -> Result<Arc<RegisteredType>> {
        self.types.register(ty)
    }
}
