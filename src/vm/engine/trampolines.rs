//! The trampolines of an engine: compiled at the first need, and appended to an arena that all of them share.
//!
//! A trampoline lives as long as the function type it was made for, and gives its pages back when that dies, for the next.
//! When all arenas are full there is one more. So whoever makes and drops function types by the million has as many arenas as
//! those that lived at the same time filled.

use crate::arch::with_wasm_float_mode;
use crate::code::{self, Appended, Arena, CodeObject};
use crate::compiler::{CompiledFunction, Compiler, Scratch};
use crate::os;
use crate::os::sync::Mutex;
use crate::types::{Error, Result};
use std::sync::Arc;

/// How many addresses an arena has: room for a thousand trampolines.
const ARENA: usize = 4 << 20;
/// The same where address space is short.
const ARENA_COMPACT: usize = 128 << 10;

/// The trampolines of an engine.
pub struct Trampolines {
    compiler: Arc<Compiler>,
    arena_size: usize,
    /// Where there may be room, the newest last.
    arenas: Mutex<Vec<Arc<Arena>>>,
}

impl Trampolines {
    pub fn new(compiler: Arc<Compiler>) -> Trampolines {
        let arena_size = if os::address_space_limited() { ARENA_COMPACT } else { ARENA };
        Trampolines::with_arenas(compiler, arena_size)
    }

    fn with_arenas(compiler: Arc<Compiler>, arena_size: usize) -> Trampolines {
        Trampolines { compiler, arena_size, arenas: Mutex::default() }
    }

    /// A trampoline in memory.
    pub fn compile(
        &self,
        compile: impl FnOnce(&Compiler, &mut Scratch) -> Result<CompiledFunction> + Send,
    ) -> Result<Appended> {
        let compile = || compile(&self.compiler, &mut Scratch::default());
        let function = with_wasm_float_mode(|| code::with_stack(os::stack_left(), compile))?;
        self.append(&CodeObject::link(vec![function], 0)?)
    }

    fn append(&self, trampoline: &CodeObject) -> Result<Appended> {
        let mut arenas = self.arenas.lock();
        for arena in arenas.iter().rev() {
            if let Some(appended) = arena.append(trampoline, &[])? {
                return Ok(appended);
            }
        }
        // Where there are not so many addresses, there may be enough for this one.
        let needed = trampoline.text.len();
        let arena = Arena::reserve(self.arena_size.max(needed)).or_else(|_| Arena::reserve(needed))?;
        arenas.push(arena.clone());
        arena.append(trampoline, &[])?.ok_or_else(|| Error::out_of_memory("no room for a trampoline"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compiler::{CompileOptions, OptLevel};
    use crate::os::map::HOST_PAGE;
    use crate::types::{FuncType, ValType};

    /// Trampolines in arenas of as many pages.
    pub fn trampolines(pages: usize) -> Trampolines {
        let options =
            CompileOptions { opt_level: OptLevel::None, signals: false, guard_pages: false, ..CompileOptions::DEFAULT };
        Trampolines::with_arenas(Arc::new(Compiler::new(options).unwrap()), pages * HOST_PAGE)
    }

    /// The `n`-th of as many signatures as anybody wants.
    pub fn signature(n: usize) -> FuncType {
        let digit = |place: usize| [ValType::I32, ValType::I64, ValType::F32, ValType::F64][(n >> (2 * place)) % 4];
        FuncType { params: (0..8).map(digit).collect(), results: [].into() }
    }

    #[test]
    fn signatures_that_come_and_go_leave_nothing_behind() {
        let trampolines = trampolines(8);
        let to_wasm =
            |n| trampolines.compile(|compiler, scratch| compiler.compile_host_to_wasm(&signature(n), scratch));
        let to_host =
            |n| trampolines.compile(|compiler, scratch| compiler.compile_wasm_to_host(&signature(n), scratch));
        let count = || trampolines.arenas.lock().len();
        let kept = to_wasm(0).unwrap();
        for n in 1..200 {
            for trampoline in [to_wasm(n).unwrap(), to_host(n).unwrap()] {
                let entry = trampoline.entry(0) as usize;
                let found = code::lookup(entry, |arena| (std::ptr::from_ref(arena), arena.func_at(entry)));
                let arena = Arc::as_ptr(trampoline.arena());
                assert_eq!(found, Some((arena, None)), "an arena, and no function of a module");
            }
        }
        assert_eq!(count(), 1);
        // Of many that live at the same time every fourth is kept, and what the others leave is used again.
        let many: Vec<_> = (0..40).map(|n| to_wasm(n).unwrap()).collect();
        assert_eq!(count(), 41_usize.div_ceil(8));
        let few: Vec<_> = many.into_iter().step_by(4).collect();
        let more: Vec<_> = (0..30).map(|n| to_host(n).unwrap()).collect();
        assert_eq!(count(), 41_usize.div_ceil(8));
        drop((kept, few, more));
        assert!(trampolines.arenas.lock().iter().all(|arena| Arc::strong_count(arena) == 1));
    }

    #[test]
    fn a_trampoline_may_be_larger_than_an_arena() {
        let trampolines = trampolines(1);
        let ty = FuncType { params: [ValType::I64; 1000].into(), results: [].into() };
        let large = trampolines.compile(|compiler, scratch| compiler.compile_host_to_wasm(&ty, scratch)).unwrap();
        assert!(large.arena().range().len() > HOST_PAGE);
        let small = trampolines.compile(|compiler, scratch| compiler.compile_host_to_wasm(&signature(1), scratch));
        assert_eq!(small.unwrap().arena().range().len(), HOST_PAGE);
    }
}
