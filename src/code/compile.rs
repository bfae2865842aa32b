//! The driver: a binary → its description and its linked code.

use crate::arch::with_wasm_float_mode;
use crate::code::artifact;
use crate::code::entries::Code;
use crate::code::object::CodeObject;
use crate::code::parallel;
use crate::compiler::{Compiler, Scratch};
use crate::module::{self, Module, ParsedModule};
use crate::os::reserve;
use crate::types::*;
use std::sync::Arc;
use wasmparser::FuncToValidate;

/// Validates, compiles and publishes a module. Of several invalid functions, the first is reported.
///
/// `stack_left` is how much of its stack the calling thread can still use.
pub fn compile(compiler: &Compiler, bytes: &[u8], stack_left: usize) -> Result<(Module, Arc<Code>)> {
    // Cranelift computes with the module's constants, and with numbers of its own.
    with_wasm_float_mode(|| {
        parallel::with_stack(stack_left, || {
            let (module, object) =
                link(compiler, bytes).map_err(|error| module::explain(bytes, compiler.options().features, error))?;
            artifact::publish(compiler.fingerprint(), module, &object)
        })
    })
}

/// More than this is not asked for: modules whose functions are so large are few, and where address space is limited, most would be
/// refused that fit.
const MOST_MEMORY: usize = 1 << 30;

/// How much memory it takes at most, by experience, to read so many bytes of a binary or a text, and to validate them.
pub fn parsing_memory(bytes: usize) -> usize {
    ((128 << 10) + bytes.saturating_mul(64)).min(MOST_MEMORY)
}

/// How much memory it takes at most, by experience, to compile functions of such sizes: the code of all of them, and what it takes to
/// make that of the largest on each thread.
fn compiling_memory(sizes: &[usize]) -> usize {
    let (all, largest): (usize, usize) = (sizes.iter().sum(), sizes.iter().copied().max().unwrap_or(0));
    let each = (1 << 20) + largest.saturating_mul(1024);
    all.saturating_mul(32).saturating_add(each.saturating_mul(parallel::threads_for(all))).min(MOST_MEMORY)
}

/// Compiles a module: its functions linked in the order of their indices.
pub fn link(compiler: &Compiler, bytes: &[u8]) -> Result<(Module, CodeObject)> {
    reserve::check_for(parsing_memory(bytes.len()))?;
    let ParsedModule { module, bodies } = module::parse(bytes, compiler.options().features)?;
    let layout = module.context_layout()?;
    let sizes: Vec<usize> = bodies.iter().map(|(_, body)| body.as_bytes().len()).collect();
    reserve::check_for(compiling_memory(&sizes))?;
    let funcs = parallel::map(&sizes, |index, scratch: &mut Scratch| {
        let (validator, body) = &bodies[index];
        reserve::check_on_the_way(compiling_memory(&sizes[index..=index]))?;
        let FuncToValidate { resources, index: func, ty, features } = validator;
        let validator = FuncToValidate { resources: resources.clone(), index: *func, ty: *ty, features: *features };
        let func = DefinedFuncIndex::from_u32(index as u32);
        let compiled = compiler.compile_function(&module, &layout, func, body, validator, scratch);
        compiled.map_err(|error| match error.kind() {
            kind @ (ErrorKind::Limit | ErrorKind::Unsupported) => {
                let message = format!("{}: {}", module.describe_func(module.func_index(func)), error.message());
                error.with_words(kind, message).within(module.body(func).start as usize)
            }
            _ => error,
        })
    })?;
    let object = CodeObject::link(funcs, module.num_imported_funcs)?;
    #[cfg(debug_assertions)]
    crate::code::check::check(&module, &bodies, &object, compiler.options())?;
    Ok((module, object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::deserialize;
    use crate::compiler::CompileOptions;
    use crate::module::Features;

    fn compiler() -> Compiler {
        Compiler::new(CompileOptions::DEFAULT).unwrap()
    }

    fn text(code: &Code) -> &[u8] {
        code.arena().memory().text()
    }

    fn wasm(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    /// A module of `count` functions that each call the next, large enough for several threads.
    fn large(count: usize) -> String {
        let body = "(local.set 0 (i32.mul (local.get 0) (i32.const 1234567)))".repeat(40);
        let func =
            |index| format!("(func $f{index} (param i32) (result i32) {body} (call $f{} (local.get 0)))", index + 1);
        let funcs: String = (0..count).map(func).collect();
        format!("(module {funcs} (func $f{count} (param i32) (result i32) local.get 0))")
    }

    #[test]
    fn code_is_the_same_however_it_was_made() {
        let bytes = wasm(&large(300));
        let compiler = compiler();
        let (module, object) = link(&compiler, &bytes).unwrap();
        assert_eq!((module.num_defined_funcs(), object.tables.num_funcs()), (301, 301));
        assert_eq!(link(&compiler, &bytes).unwrap().1, object);
        let (_, code) = compile(&compiler, &bytes, usize::MAX).unwrap();
        assert!(text(&code) == object.text && *code.arena().tables() == object.tables);
        let (_, again) = deserialize(compiler.fingerprint(), code.artifact()).unwrap();
        assert!(again.artifact() == code.artifact() && text(&again) == object.text);
        let (_, elsewhere) = compile(&compiler, &bytes, 0).unwrap();
        assert!(elsewhere.artifact() == code.artifact());
    }

    #[test]
    fn the_first_invalid_function_is_reported() {
        let valid = large(300);
        let text = valid.replace("(call $f70 (local.get 0))", "(i64.const 70)");
        let text = text.replace("(call $f200 (local.get 0))", "(i64.const 200)");
        let bytes = wasm(&text);
        let expected = crate::module::validate(&bytes, Features::DEFAULT).unwrap_err();
        for _ in 0..5 {
            let error = link(&compiler(), &bytes).map(|_| ()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (ErrorKind::Invalid, expected.offset()));
        }
    }

    #[test]
    fn traps_and_addresses_are_found() {
        let bytes = wasm("(module (func nop) (func nop unreachable))");
        let (module, code) = compile(&compiler(), &bytes, usize::MAX).unwrap();
        let body = module.body(DefinedFuncIndex::from_u32(1));
        let arena = code.arena();
        let traps: Vec<_> = arena.range().filter(|&pc| arena.trap_at(pc) == Some(TrapCode::Unreachable)).collect();
        assert_eq!(traps.len(), 1);
        assert_eq!(arena.func_at(traps[0]).unwrap().func, DefinedFuncIndex::from_u32(1));
        // After the count of locals and `nop`.
        assert_eq!(arena.frame_at(traps[0], true).unwrap().1, Some(body.start + 2));
    }
}
