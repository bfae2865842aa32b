//! The trampolines of an engine: compiled at the first need, and appended to an arena that all of them share.
//!
//! A trampoline lives as long as the function type it was made for, and gives its pages back when that dies. An arena that is
//! full is followed by another, and goes with the last trampoline in it: whoever makes and drops function types by the
//! million has as many arenas as live types fill, and one.

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
    /// What the next is appended to, once there was a first.
    arena: Mutex<Option<Arc<Arena>>>,
}

impl Trampolines {
    pub fn new(compiler: Arc<Compiler>) -> Trampolines {
        let arena_size = if os::address_space_limited() { ARENA_COMPACT } else { ARENA };
        Trampolines::with_arenas(compiler, arena_size)
    }

    fn with_arenas(compiler: Arc<Compiler>, arena_size: usize) -> Trampolines {
        Trampolines { compiler, arena_size, arena: Mutex::default() }
    }

    /// A trampoline in memory.
    pub fn compile(
        &self,
        compile: impl FnOnce(&Compiler, &mut Scratch) -> Result<CompiledFunction> + Send,
    ) -> Result<Appended> {
        let function = code::with_stack(os::stack_left(), || compile(&self.compiler, &mut Scratch::default()))?;
        self.append(&CodeObject::link(vec![function], 0)?)
    }

    fn append(&self, trampoline: &CodeObject) -> Result<Appended> {
        let mut current = self.arena.lock();
        if let Some(arena) = &*current
            && let Some(appended) = arena.append(trampoline, &[])?
        {
            return Ok(appended);
        }
        // Where there are not so many addresses, there may be enough for this one.
        let needed = trampoline.text.len();
        let arena = Arena::reserve(self.arena_size.max(needed)).or_else(|_| Arena::reserve(needed))?;
        let arena = current.insert(arena);
        arena.append(trampoline, &[])?.ok_or_else(|| Error::out_of_memory("no room for a trampoline"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compiler::{CompileOptions, OptLevel};
    use crate::os::map::HOST_PAGE;
    use crate::types::{FuncType, ValType};
    use std::sync::Weak;

    /// Trampolines in arenas of as many pages.
    pub fn trampolines(pages: usize) -> Trampolines {
        let options = CompileOptions { opt_level: OptLevel::None, signals: false, guard_pages: false };
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
        let kept = to_wasm(0).unwrap();
        let mut arenas: Vec<Weak<Arena>> = Vec::new();
        for n in 1..300 {
            for trampoline in [to_wasm(n).unwrap(), to_host(n).unwrap()] {
                let entry = trampoline.entry(0) as usize;
                let found = code::lookup(entry, |arena| (std::ptr::from_ref(arena), arena.func_at(entry)));
                assert_eq!(
                    found,
                    Some((Arc::as_ptr(trampoline.arena()), None)),
                    "an arena, and no function of a module"
                );
                if arenas.last().is_none_or(|last| last.as_ptr() != Arc::as_ptr(trampoline.arena())) {
                    arenas.push(Arc::downgrade(trampoline.arena()));
                }
            }
        }
        let live = || arenas.iter().filter(|arena| arena.strong_count() > 0).count();
        assert!(arenas.len() > 70, "{}", arenas.len());
        assert_eq!(live(), 2, "that which is appended to, and that of the trampoline that is kept");
        drop(kept);
        assert_eq!(live(), 1);
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
