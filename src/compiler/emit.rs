//! From Cranelift IR to a [`CompiledFunction`]: runs Cranelift and takes what it made apart.

use super::{AddressSite, CallSite, CompiledFunction, Handler, StackMap, TrapSite};
use crate::compiler::isa::internal;
use crate::compiler::translate::VMCTX_SLOT;
use crate::types::{Error, FuncIndex, Result, TrapCode};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExternalName, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{
    CodegenError, CompileError, CompiledCode, Context, FinalizedMachExceptionHandler, FinalizedRelocTarget,
};

/// Where the stack is not checked in the prologue, the frame is there, and perhaps a register spilled into it, before the
/// check: it must fit into what the stack's limit leaves to the host.
const LARGEST_LATE_CHECKED_FRAME: u32 = 60 << 10;

/// Compiles the function in `ctx`.
pub(crate) fn emit(isa: &dyn TargetIsa, ctx: &mut Context) -> Result<CompiledFunction> {
    ctx.compile(isa, &mut ControlPlane::default()).map_err(codegen_error)?;
    let code = ctx.compiled_code().expect("compilation succeeded");
    let buffer = &code.buffer;
    let frame = buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset);
    if frame > LARGEST_LATE_CHECKED_FRAME && ctx.func.stack_limit.is_none() {
        return Err(Error::limit(format!(
            "too large a frame where signals are off: {frame} bytes, and it may have {LARGEST_LATE_CHECKED_FRAME}"
        )));
    }
    Ok(CompiledFunction {
        calls: calls(code, &ctx.func)?,
        traps: traps(code)?,
        addresses: addresses(code),
        stack_maps: stack_maps(code),
        handlers: handlers(code)?,
        vmctx_fp_offset: vmctx_fp_offset(code),
        text: buffer.data().to_vec(),
        alignment: buffer.alignment,
    })
}

#[cold]
fn codegen_error(error: CompileError<'_>) -> Error {
    match error.inner {
        CodegenError::ImplLimitExceeded => Error::limit("too complex for the code generator"),
        CodegenError::CodeTooLarge => Error::limit("its machine code is too large"),
        CodegenError::Unsupported(what) => Error::unsupported(what),
        CodegenError::Verifier(errors) => internal(format!("invalid intermediate code: {errors}")),
        other => internal(other.to_string()),
    }
}

/// The calls to patch. Nothing else may need patching: code refers to its vmctx, its text, and to nothing else.
fn calls(code: &CompiledCode, func: &ir::Function) -> Result<Vec<CallSite>> {
    let site = |reloc: &cranelift_codegen::FinalizedMachReloc| match reloc.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) if reloc.kind == Reloc::X86CallPCRel4 => {
            let callee = FuncIndex::from_u32(func.params.user_named_funcs()[name].index);
            Ok(CallSite { offset: reloc.offset, addend: reloc.addend, callee })
        }
        ref other => Err(Error::unsupported(format!(
            "machine code that needs a relocation on this processor: {:?} {}",
            reloc.kind,
            other.display(Some(&func.params))
        ))),
    };
    code.buffer.relocs().iter().map(site).collect()
}

fn traps(code: &CompiledCode) -> Result<Vec<TrapSite>> {
    let site =
        |trap: &cranelift_codegen::MachTrap| Ok(TrapSite { offset: trap.offset, code: our_trap_code(trap.code)? });
    let mut traps = code.buffer.traps().iter().map(site).collect::<Result<Vec<_>>>()?;
    traps.sort_unstable_by_key(|trap| trap.offset);
    Ok(traps)
}

/// Our code for a trap: its own number, or one of those that Cranelift's division and conversions use.
fn our_trap_code(code: ir::TrapCode) -> Result<TrapCode> {
    Ok(match code {
        ir::TrapCode::STACK_OVERFLOW => TrapCode::StackOverflow,
        ir::TrapCode::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ir::TrapCode::HEAP_OUT_OF_BOUNDS => TrapCode::MemoryOutOfBounds,
        ir::TrapCode::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivideByZero,
        ir::TrapCode::BAD_CONVERSION_TO_INTEGER => TrapCode::BadConversionToInteger,
        other => TrapCode::from_u8(other.as_raw().get())
            .ok_or_else(|| internal(format!("unknown trap code {other} in machine code")))?,
    })
}

fn addresses(code: &CompiledCode) -> Vec<AddressSite> {
    let mut sites: Vec<AddressSite> = Vec::with_capacity(code.buffer.get_srclocs_sorted().len());
    let mut end = 0;
    let mut note = |code_offset: u32, module_offset: u32| {
        if sites.last().is_none_or(|last| last.module_offset != module_offset) {
            sites.push(AddressSite { code_offset, module_offset });
        }
    };
    for loc in code.buffer.get_srclocs_sorted() {
        if loc.start > end {
            note(end, u32::MAX);
        }
        note(loc.start, loc.loc.bits());
        end = loc.end;
    }
    if end < code.buffer.total_size() {
        note(end, u32::MAX);
    }
    // Code from nowhere may trap too: an operand that Cranelift folded into an instruction of its own making. It is charged to
    // what comes before it, at the start of a function to what comes after.
    let mut known = sites.iter().map(|site| site.module_offset).find(|&at| at != u32::MAX).unwrap_or(u32::MAX);
    for site in &mut sites {
        if site.module_offset == u32::MAX {
            site.module_offset = known;
        }
        known = site.module_offset;
    }
    sites.dedup_by_key(|site| site.module_offset);
    sites
}

fn stack_maps(code: &CompiledCode) -> Vec<StackMap> {
    let offsets = |map: &ir::UserStackMap, wanted: ir::Type| {
        map.entries().filter(|&(ty, _)| ty == wanted).map(|(_, offset)| offset).collect()
    };
    let maps = code.buffer.user_stack_maps().iter();
    maps.map(|&(return_offset, frame_size, ref map)| StackMap {
        return_offset,
        frame_size,
        heap_refs: offsets(map, types::I32),
        func_refs: offsets(map, types::I64),
    })
    .collect()
}

fn handlers(code: &CompiledCode) -> Result<Vec<Handler>> {
    let mut handlers = Vec::new();
    for call in code.buffer.call_sites() {
        match *call.exception_handlers {
            [] => {}
            [FinalizedMachExceptionHandler::Default(offset)] => {
                let frame_size = call.frame_offset.ok_or_else(|| internal("a frame of unknown size".into()))?;
                handlers.push(Handler { return_offset: call.ret_addr, offset, frame_size });
            }
            _ => return Err(internal("a call with several handlers".into())),
        }
    }
    handlers.sort_unstable_by_key(|handler| handler.return_offset);
    Ok(handlers)
}

fn vmctx_fp_offset(code: &CompiledCode) -> i32 {
    let Some(layout) = code.buffer.frame_layout() else { return 0 };
    let slot = layout.stackslots.values().find(|slot| slot.key.is_some_and(|key| key.bits() == VMCTX_SLOT));
    slot.map_or(0, |slot| slot.offset as i32 - layout.frame_to_fp_offset as i32)
}
