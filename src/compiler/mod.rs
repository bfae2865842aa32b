//! WebAssembly functions → machine code, one by one.
//!
//! What comes out refers to nothing but its vmctx, its own text and the libcalls in the table the vmctx points to,
//! so functions can be compiled in any order, on any thread, more than once, and placed afterwards.
//! No unsafe code, and no knowledge of stores or instances beyond the layouts in `src/abi`.
#![forbid(unsafe_code)]

mod complexity;
mod dispatch;
mod emit;
mod env;
mod isa;
mod ops;
mod sig;
mod trampoline;
mod translate;

#[cfg(test)]
pub(crate) use ops::opcodes;
pub use trampoline::{WRONG_KIND, is_numeric};

use crate::abi::VMContextLayout;
use crate::compiler::complexity::Effort;
use crate::compiler::isa::Extensions;
use crate::module::{Features, Module};
use crate::os::sync::OnceLock;
use crate::types::{DefinedFuncIndex, Error, FuncIndex, FuncType, Result, TrapCode};
use cranelift_codegen::Context;
use cranelift_codegen::ir::UserFuncName;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::FunctionBuilderContext;
use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources};

/// How much Cranelift optimizes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum OptLevel {
    None,
    Speed,
    SpeedAndSize,
}

/// Everything that decides what code looks like. Part of an artifact's identity.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct CompileOptions {
    pub opt_level: OptLevel,
    /// Whether faults of compiled code are turned into traps by a signal handler. When not, every check is explicit.
    pub signals: bool,
    /// Whether every 32-bit memory lies in a reservation of 4 GiB followed by [`GUARD_SIZE`](crate::abi::GUARD_SIZE) inaccessible bytes and
    /// accesses rely on it. Implies `signals`. When not, every access is checked against the memory's length.
    pub guard_pages: bool,
    /// Whether results are the same on every processor: no bits of a NaN and no relaxed operation are left to it.
    pub deterministic: bool,
    /// What the modules may use.
    pub features: Features,
}

impl CompileOptions {
    /// Those of an engine whose configuration says nothing about them, where address space is not limited.
    pub const DEFAULT: CompileOptions = CompileOptions {
        opt_level: OptLevel::Speed,
        signals: true,
        guard_pages: true,
        deterministic: false,
        features: Features::DEFAULT,
    };
}

/// The code of one function and what is known about it. Offsets are bytes from the start of `text`.
#[derive(Debug, Default)]
pub struct CompiledFunction {
    pub text: Vec<u8>,
    pub alignment: u32,
    /// Direct calls inside the module: 4-byte pc-relative fields to patch, `target + addend - address of the field`.
    pub calls: Vec<CallSite>,
    /// Instructions that can fault, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// Ranges of code and where in the module's binary they come from, sorted by `code_offset`.
    pub addresses: Vec<AddressSite>,
    /// Live references at each call, sorted by `return_offset`.
    pub stack_maps: Vec<StackMap>,
    /// Calls whose exceptions the function handles, sorted by `return_offset`.
    pub handlers: Vec<Handler>,
    /// Where the frame keeps its vmctx: bytes to add (negative) to the frame pointer. Zero if it doesn't: then the function
    /// calls nothing, and if it can trap, only functions of the same instance call it, so that their vmctx is its own.
    pub vmctx_fp_offset: i32,
}

#[derive(Copy, Clone, Debug)]
pub struct CallSite {
    pub offset: u32,
    pub addend: i64,
    pub callee: FuncIndex,
}

#[derive(Copy, Clone, Debug)]
pub struct TrapSite {
    pub offset: u32,
    pub code: TrapCode,
}

/// From `code_offset` up to the next entry, code comes from `module_offset` (`u32::MAX`: from nowhere in particular).
#[derive(Copy, Clone, Debug)]
pub struct AddressSite {
    pub code_offset: u32,
    pub module_offset: u32,
}

/// Where an exception is handled that comes out of the call which returns to `return_offset`.
#[derive(Copy, Clone, Debug)]
pub struct Handler {
    pub return_offset: u32,
    pub offset: u32,
    /// The frame pointer less the stack pointer there.
    pub frame_size: u32,
}

/// Which stack slots hold live references while the call that returns to `return_offset` runs.
#[derive(Clone, Debug)]
pub struct StackMap {
    pub return_offset: u32,
    /// The frame pointer less the stack pointer during the call.
    pub frame_size: u32,
    /// Offsets from the stack pointer of 32-bit references into the store's heap.
    pub heap_refs: Box<[u32]>,
    /// Offsets from the stack pointer of 64-bit pointers to a `VMFuncRef`.
    pub func_refs: Box<[u32]>,
}

/// Compiles functions for the machine it runs on. Shared between threads; each works with a [`Scratch`] of its own.
pub struct Compiler {
    options: CompileOptions,
    isa: OwnedTargetIsa,
    extensions: Extensions,
    /// For functions that are not worth all effort: without optimization, and allocating registers in a single pass, too.
    unoptimized: OnceLock<Result<OwnedTargetIsa>>,
    single_pass: OnceLock<Result<OwnedTargetIsa>>,
    fingerprint: OnceLock<String>,
}

/// What one thread reuses from one function to the next.
#[derive(Default)]
pub struct Scratch {
    codegen: Codegen,
    builder: FunctionBuilderContext,
    validator: FuncValidatorAllocations,
}

/// Cranelift's context, which has no `Default`.
struct Codegen(Context);

impl Default for Codegen {
    fn default() -> Codegen {
        Codegen(Context::new())
    }
}

impl Compiler {
    /// A compiler for this machine.
    pub fn new(options: CompileOptions) -> Result<Compiler> {
        if options.guard_pages && !options.signals {
            return Err(Error::argument("guard pages need signals"));
        }
        Ok(Compiler::with_isa(options, isa::host(&options, Effort::FULL)?))
    }

    /// One for a processor that has no more than what is needed.
    #[cfg(test)]
    pub fn for_least_processor(options: CompileOptions) -> Compiler {
        Compiler::with_isa(options, isa::least(&options))
    }

    fn with_isa(options: CompileOptions, isa: OwnedTargetIsa) -> Compiler {
        let extensions = Extensions::of(&isa);
        let (unoptimized, single_pass) = (OnceLock::new(), OnceLock::new());
        Compiler { options, isa, extensions, unoptimized, single_pass, fingerprint: OnceLock::new() }
    }

    /// Validates and compiles a function. On an error of the module the offset says where.
    pub fn compile_function(
        &self,
        module: &Module,
        layout: &VMContextLayout,
        func: DefinedFuncIndex,
        body: &FunctionBody<'_>,
        validator: FuncToValidate<ValidatorResources>,
        scratch: &mut Scratch,
    ) -> Result<CompiledFunction> {
        let (options, extensions, config) = (self.options, self.extensions, self.isa.frontend_config());
        let context = translate::FuncContext { module, layout, options, extensions, config };
        let index = module.func_index(func);
        let mut validator = validator.into_validator(std::mem::take(&mut scratch.validator));
        let result = self.compile(scratch, index.as_u32(), |ctx, builder| {
            translate::translate(&mut ctx.func, builder, context, index, body, &mut validator)?;
            if self.options.deterministic {
                // Cranelift would do so later, when it is no more known how much there is to compile.
                ctx.canonicalize_nans(&*self.isa).map_err(|error| isa::internal(error.to_string()))?;
            }
            complexity::check_memory(&ctx.func)?;
            Effort::of(&ctx.func, body.as_bytes().len(), self.options.signals)
        });
        scratch.validator = validator.into_allocations();
        result
    }

    /// The trampoline through which a host calls functions of type `ty`:
    /// `extern "C" fn(callee_vmctx, entry, args: *const Slot, results: *mut Slot) -> u32`.
    pub fn compile_host_to_wasm(&self, ty: &FuncType, scratch: &mut Scratch) -> Result<CompiledFunction> {
        self.compile(scratch, u32::MAX, |ctx, builder| {
            trampoline::host_to_wasm(&mut ctx.func, builder, self.isa.frontend_config(), ty);
            Ok(Effort::FULL)
        })
    }

    /// The trampoline through which WebAssembly calls host functions of type `ty`.
    pub fn compile_wasm_to_host(&self, ty: &FuncType, scratch: &mut Scratch) -> Result<CompiledFunction> {
        self.compile(scratch, u32::MAX, |ctx, builder| {
            trampoline::wasm_to_host(&mut ctx.func, builder, self.isa.frontend_config(), ty);
            Ok(Effort::FULL)
        })
    }

    /// Code is only good for a compiler with the same fingerprint: versions, machine, settings.
    /// Lines of the form `setting=value`.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| isa::fingerprint(&self.isa, &self.options))
    }

    pub fn options(&self) -> &CompileOptions {
        &self.options
    }

    fn compile(
        &self,
        scratch: &mut Scratch,
        name: u32,
        build: impl FnOnce(&mut Context, &mut FunctionBuilderContext) -> Result<Effort>,
    ) -> Result<CompiledFunction> {
        let Scratch { codegen: Codegen(ctx), builder, .. } = scratch;
        ctx.clear();
        ctx.func.name = UserFuncName::user(0, name);
        match build(ctx, builder) {
            Ok(effort) => emit::emit(self.isa(effort)?, ctx),
            Err(error) => {
                // It was left in the middle of a function.
                *builder = FunctionBuilderContext::new();
                Err(error)
            }
        }
    }

    fn isa(&self, effort: Effort) -> Result<&dyn TargetIsa> {
        let reduced = match effort {
            Effort::FULL => return Ok(&*self.isa),
            Effort { backtrack: true, .. } => &self.unoptimized,
            Effort { backtrack: false, .. } => &self.single_pass,
        };
        let isa = reduced.get_or_init(|| isa::host(&self.options, effort));
        isa.as_ref().map(|isa| &**isa).map_err(Error::clone)
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("options", &self.options).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn sendable<T: Send>() {}
    shared::<Compiler>();
    sendable::<Scratch>();
};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
