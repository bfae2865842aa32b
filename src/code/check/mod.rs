//! Checks what was compiled, in debug builds: reads the machine code of every function, and compares what it can do with what the
//! tables say of it. Nothing that made the code or its tables takes part, so a mistake there does not repeat itself here.
//!
//! * Control stays in the function, or goes to the start of another behind its frame, and every instruction that it comes to can be
//!   read (`flow`).
//! * A function that calls has a slot for its context in its frame, and has written it before it calls or faults. A function without
//!   a slot calls nothing, and if it can fault, nobody but functions of its module can call it, and none in tail position.
//! * What can fault has a trap record: `ud2`, divisions, and accesses to linear memory that rely on guard pages, as far as they
//!   can be told by their form (a base and an unscaled index). Every record is of an instruction that can fault.
//! * Every stack map is of a call, says how large the frame is then, and its slots lie in the frame, side by side.
//! * References that are certainly alive across a call are in its stack map, by what the WebAssembly says (`references`).

mod flow;
mod references;
#[cfg(test)]
mod tests;

use crate::arch::decode::{FRAME_POINTER, Flow, Inst, STACK_POINTER};
use crate::code::object::CodeObject;
use crate::code::tables::{CodeTables, FuncInfo};
use crate::compiler::CompileOptions;
use crate::module::{EntityIndex, Module};
use crate::types::*;
use flow::{State, Walk};
use std::collections::BTreeMap;
use wasmparser::{FuncToValidate, FunctionBody, ValidatorResources};

/// Checks the functions of a module. What is found is a defect of the compiler, or of this checker.
pub(super) fn check(
    module: &Module,
    bodies: &[(FuncToValidate<ValidatorResources>, FunctionBody<'_>)],
    object: &CodeObject,
    options: &CompileOptions,
) -> Result<()> {
    for (index, (validator, body)) in bodies.iter().enumerate() {
        let index = DefinedFuncIndex::from_u32(index as u32);
        let check = FuncCheck { module, object, options, index, info: object.tables.func(index) };
        check.run(validator, body).map_err(|what| {
            let func = module.func_index(index).as_u32();
            Error::new(ErrorKind::Internal, format!("function {func} was compiled wrongly: {what}"))
        })?;
    }
    Ok(())
}

struct FuncCheck<'a> {
    module: &'a Module,
    object: &'a CodeObject,
    options: &'a CompileOptions,
    index: DefinedFuncIndex,
    info: FuncInfo,
}

impl FuncCheck<'_> {
    fn run(&self, validator: &FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>) -> Result<(), String> {
        let FuncInfo { start, len, vmctx_fp_offset } = self.info;
        let code = &self.object.text[start as usize..][..len as usize];
        let handlers = self.tables().handlers_in(start..start + len);
        let handlers: Vec<_> =
            handlers.map(|handler| (handler.offset.wrapping_sub(start), handler.frame_size as i32)).collect();
        let walk = Walk::new(code, vmctx_fp_offset, &handlers)?;
        for (&at, &(inst, state)) in &walk.insts {
            let guarded = self.options.guard_pages && is_linear_memory(&inst) && !walk.reads_constants.contains(&at);
            self.check_fault(at, inst, state, guarded)?;
            if inst.flow == Flow::Call {
                let raises = walk.insts.get(&(at + inst.len)).is_none_or(|(next, _)| next.flow == Flow::Undefined);
                self.check_call(at, inst, state, raises)?;
            }
        }
        self.check_tail_calls(&walk)?;
        self.check_records(&walk)?;
        self.check_references(&walk, validator, body)
    }

    fn tables(&self) -> &CodeTables {
        &self.object.tables
    }

    /// A call that does not return (`raises`) raises a trap.
    fn check_call(&self, at: u32, inst: Inst, state: State, raises: bool) -> Result<(), String> {
        let returns = self.info.start + at + inst.len;
        if self.tables().find_func(returns - 1).map(|(func, _)| func) != Some(self.index) {
            return Err(format!("{at:#x}: a call that returns to another function"));
        }
        match (self.info.vmctx_fp_offset, raises) {
            (0, true) => self.check_contextless(at)?,
            (0, false) => return Err(format!("{at:#x}: a call without a slot for the context")),
            _ if state.context_stored => {}
            _ => return Err(format!("{at:#x}: a call before the context was stored")),
        }
        let Some(map) = self.tables().stack_map_at(returns) else { return Ok(()) };
        if state.depth != Some(map.frame_size as i32) {
            return Err(format!(
                "{at:#x}: a frame of {} bytes by the stack map, {:?} by the code",
                map.frame_size, state.depth
            ));
        }
        let context = self.info.vmctx_fp_offset + map.frame_size as i32;
        let mut taken = vec![(context as u32, 8)];
        taken.extend(map.heap_refs().map(|slot| (slot, 4)));
        taken.extend(map.func_refs().map(|slot| (slot, 8)));
        taken.sort_unstable();
        let mut end = 0;
        for (slot, size) in taken {
            if slot < end || slot % size != 0 || slot + size > map.frame_size {
                return Err(format!("{at:#x}: a slot at {slot} that is not in the frame, or another's"));
            }
            end = slot + size;
        }
        Ok(())
    }

    /// `guarded`: the instruction relies on guard pages.
    fn check_fault(&self, at: u32, inst: Inst, state: State, guarded: bool) -> Result<(), String> {
        let code = self.tables().trap_at(self.info.start + at);
        let Some(code) = code else {
            return match inst.flow {
                Flow::Undefined | Flow::Divide => Err(format!("{at:#x}: a fault without a trap: {:?}", inst.flow)),
                _ if guarded => Err(format!("{at:#x}: an access to linear memory without a trap")),
                _ => Ok(()),
            };
        };
        let may_fault = matches!(inst.flow, Flow::Undefined | Flow::Divide) || inst.memory.is_some();
        if !may_fault {
            return Err(format!("{at:#x}: a trap ({code:?}) of an instruction that cannot fault"));
        }
        // The prologue's check comes before everything, and its trap needs no context.
        match self.info.vmctx_fp_offset {
            _ if code == TrapCode::StackOverflow || state.context_stored => Ok(()),
            0 => self.check_contextless(at),
            _ => Err(format!("{at:#x}: a trap ({code:?}) before the context was stored")),
        }
    }

    /// A function without a slot may trap only if those who call it are of the same instance.
    fn check_contextless(&self, at: u32) -> Result<(), String> {
        let func = self.module.func_index(self.index);
        let exported = self.module.exports.iter().any(|export| export.entity == EntityIndex::Func(func));
        let referred = exported || self.module.start == Some(func) || self.module.func_ref_slots.get(func).is_some();
        match referred {
            true => Err(format!("{at:#x}: a trap in a function without a context that others can call")),
            false => Ok(()),
        }
    }

    /// A tail call goes to the start of a function, which does not rely on the context of the frame before.
    fn check_tail_calls(&self, walk: &Walk<'_>) -> Result<(), String> {
        for &(at, target) in &walk.tail_calls {
            let target = self.info.start.wrapping_add_signed(target);
            let found = self.tables().find_func(target).map(|(func, _)| self.tables().func(func));
            let callee = found.filter(|callee| callee.start == target);
            let callee = callee.ok_or_else(|| format!("{at:#x}: a jump out of the function, to {target:#x}"))?;
            let mut code = callee.start..callee.start + callee.len;
            let faults = |offset| self.tables().trap_at(offset).is_some_and(|code| code != TrapCode::StackOverflow);
            if callee.vmctx_fp_offset == 0 && code.any(faults) {
                return Err(format!("{at:#x}: a tail call of a function that relies on its caller's context"));
            }
        }
        Ok(())
    }

    /// Every trap and every stack map is of an instruction that control comes to.
    fn check_records(&self, walk: &Walk<'_>) -> Result<(), String> {
        let returns: Vec<u32> = walk
            .insts
            .iter()
            .filter(|(_, (inst, _))| inst.flow == Flow::Call)
            .map(|(&at, (inst, _))| at + inst.len)
            .collect();
        for at in 0..=self.info.len {
            let offset = self.info.start + at;
            if at < self.info.len && self.tables().trap_at(offset).is_some() && !walk.insts.contains_key(&at) {
                return Err(format!("{at:#x}: a trap where no instruction begins"));
            }
            // A map at the start of a function would be of the call that ends the one before.
            if at > 0 && self.tables().stack_map_at(offset).is_some() && returns.binary_search(&at).is_err() {
                return Err(format!("{at:#x}: a stack map where no call returns to"));
            }
        }
        Ok(())
    }

    /// What is alive across a call is in the map of one of the calls that were made of it.
    fn check_references(
        &self,
        walk: &Walk<'_>,
        validator: &FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), String> {
        let params = self.module.func_type(self.module.func_index(self.index)).params.len() as u32;
        let live = references::live_references(validator, body, params).map_err(|error| error.to_string())?;
        let mut kept: BTreeMap<u32, usize> = BTreeMap::new();
        for (&at, (inst, _)) in walk.insts.iter().filter(|(_, (inst, _))| inst.flow == Flow::Call) {
            let returns = self.info.start + at + inst.len;
            let Some(from) = self.tables().module_offset_in(&self.info, returns - 1) else { continue };
            let map = self.tables().stack_map_at(returns);
            let slots = map.map_or(0, |map| map.heap_refs().count() + map.func_refs().count());
            let most = kept.entry(from).or_default();
            *most = slots.max(*most);
        }
        for (from, alive) in live {
            if let Some(&slots) = kept.get(&from)
                && slots < alive
            {
                return Err(format!("the call at {from:#x} of the binary keeps {slots} references, {alive} are alive"));
            }
        }
        Ok(())
    }
}

/// Whether an instruction accesses linear memory, as far as its form tells: of all that compiled code accesses, only there is an
/// index added that is not a multiple of anything.
fn is_linear_memory(inst: &Inst) -> bool {
    inst.memory.is_some_and(|memory| {
        let stack = matches!(memory.base, Some(STACK_POINTER | FRAME_POINTER));
        memory.index.is_some() && memory.scale == 0 && !stack
    })
}
