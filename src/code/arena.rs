//! Arenas: compiled code in memory, executable, and known to the process by its addresses.
//!
//! An [`Arena`] is one range of addresses, registered once. It is filled with an artifact when it is made, or functions are
//! [appended](Arena::append) to it as they are needed. To append is to write to pages that nobody executes, to make them
//! executable, and to enter what is known of them into a table that has a place for each page: nothing is copied, moved or
//! registered again, so the last function costs what the first did.
//!
//! Pages are never written while they can be executed, and never writable and executable at once. That is why an append
//! begins on a page of its own: functions that are small are better appended together. (A second, writable mapping of the
//! same memory would pack them more densely. But memory with two mappings is shared with a forked child, which would then
//! append to its parent's code, and it needs a file, which the machine may refuse to execute.) In return what is taken out
//! again gives its pages back at once.
//!
//! Lookups take addresses, never lock or allocate, and may run in a signal handler while another thread appends.

use crate::arch::CODE_PADDING;
use crate::code::address_map;
use crate::code::object::CodeObject;
use crate::code::recent::RecentHandlers;
use crate::code::tables::{CodeTables, FuncInfo, StackMapView};
use crate::os::code_memory::CodeMemory;
use crate::os::map::HOST_PAGE;
use crate::types::*;
use cranelift_entity::EntityRef;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

/// A range of addresses for compiled code.
///
/// Invariant: whoever executes code, or has it on the stack, keeps its arena alive, and its [`Appended`] if it was appended; so
/// no thread's program counter lies in code that is being dropped.
#[derive(Debug)]
pub struct Arena {
    memory: Arc<CodeMemory>,
    /// What the arena was filled with. In one that is appended to it holds nothing, and stands for pages of which nothing is
    /// known: those of trampolines.
    filled: Segment,
    /// For each page of an arena that is appended to, what lies there; null where the page is free. What an entry points to lives
    /// until the arena is dropped.
    pages: Vec<AtomicPtr<Segment>>,
    /// Where a search for free pages begins: there are none in front, but for one that was given back during a search, which is
    /// overlooked until another in front of it is given back.
    first_free: AtomicUsize,
}

/// Functions that came into an arena together.
#[derive(Debug)]
struct Segment {
    /// Where they start, in bytes from the start of the text.
    start: u32,
    tables: CodeTables,
    recent_handlers: RecentHandlers,
    /// Which functions of their module they are, in the order in which they lie; none of a module's if there are more of them
    /// than this says. `None`: all the module's functions, in the order of their indices.
    funcs: Option<Box<[DefinedFuncIndex]>>,
    /// Whether they were taken out again.
    gone: AtomicBool,
}

/// What a stack walk needs to know of the function that an address belongs to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FuncAt {
    pub func: DefinedFuncIndex,
    /// Where its frame keeps its vmctx: bytes to add to the frame pointer.
    pub vmctx_fp_offset: i32,
}

impl Arena {
    /// An arena filled with a text. Nothing can be appended to it.
    pub(super) fn filled(memory: Arc<CodeMemory>, tables: CodeTables) -> Result<Arc<Arena>> {
        Arena::register(Arena::new(memory, tables, Vec::new()))
    }

    /// An empty arena of `size` bytes of addresses, rounded up to whole pages.
    pub fn reserve(size: usize) -> Result<Arc<Arena>> {
        let memory = Arc::new(CodeMemory::reserve(size)?);
        let mut pages = Vec::new();
        let count = memory.range().len() / HOST_PAGE;
        pages
            .try_reserve_exact(count)
            .map_err(|_| Error::out_of_memory("no memory for the tables of compiled code"))?;
        pages.resize_with(count, AtomicPtr::default);
        Arena::register(Arena::new(memory, CodeTables::default(), pages))
    }

    fn new(memory: Arc<CodeMemory>, tables: CodeTables, pages: Vec<AtomicPtr<Segment>>) -> Arena {
        Arena { memory, filled: Segment::new(0, tables, None), pages, first_free: AtomicUsize::new(0) }
    }

    fn register(arena: Arena) -> Result<Arc<Arena>> {
        let arena = Arc::new(arena);
        address_map::register(&arena)?;
        Ok(arena)
    }

    /// Places functions in pages of their own. `funcs` says which functions of their module they are, in the order of
    /// `object`. It is empty for trampolines, which are no functions of a module: nothing is looked up in them. `None` if the
    /// arena has no room for them.
    pub fn append(self: &Arc<Arena>, object: &CodeObject, funcs: &[DefinedFuncIndex]) -> Result<Option<Appended>> {
        let Some(pages) = self.claim(object.text.len().div_ceil(HOST_PAGE).max(1)) else { return Ok(None) };
        let start = pages.start * HOST_PAGE;
        let entries = (0..object.tables.num_funcs()).map(|func| object.tables.func(DefinedFuncIndex::new(func)).start);
        // From here on dropping `appended` gives the pages back.
        let appended = Appended { arena: self.clone(), pages, entries: entries.collect(), funcs: funcs.into() };
        // SAFETY: the pages were claimed, so that they are nobody else's and nobody executes them.
        unsafe { self.memory.place(start, &object.text, CODE_PADDING) }?;
        if !funcs.is_empty() {
            let segment = Segment::new(start as u32, object.tables.clone(), Some(funcs.into()));
            let segment = Box::into_raw(Box::new(segment));
            for page in &self.pages[appended.pages.clone()] {
                page.store(segment, Release);
            }
        }
        Ok(Some(appended))
    }

    /// Takes pages that are free and follow each other; nothing is known of them yet. Of a row that is not long enough, those in
    /// front are free again.
    fn claim(&self, count: usize) -> Option<Range<usize>> {
        let begin = self.first_free.load(Relaxed);
        let mut start = begin;
        while let Some(row) = self.pages.get(start..start + count) {
            let taken = |page: &AtomicPtr<Segment>| {
                let unknown = ptr::from_ref(&self.filled).cast_mut();
                page.compare_exchange(ptr::null_mut(), unknown, Acquire, Relaxed).is_err()
            };
            let Some(obstacle) = row.iter().position(taken) else {
                if count == 1 || start == begin {
                    // Should a page in front have become free meanwhile, the number stays.
                    let _ = self.first_free.compare_exchange(begin, start + count, Relaxed, Relaxed);
                }
                return Some(start..start + count);
            };
            self.free(start..start + obstacle);
            start += obstacle + 1;
        }
        None
    }

    fn free(&self, pages: Range<usize>) {
        self.pages[pages.clone()].iter().for_each(|page| page.store(ptr::null_mut(), Release));
        if !pages.is_empty() {
            self.first_free.fetch_min(pages.start, AcqRel);
        }
    }

    /// The mapping that the text is the end of: an artifact, if the arena was filled with one.
    pub fn memory(&self) -> &CodeMemory {
        &self.memory
    }

    /// What is known of the text that the arena was filled with.
    pub fn tables(&self) -> &CodeTables {
        &self.filled.tables
    }

    /// The addresses of the text, and of the room in it.
    pub fn range(&self) -> Range<usize> {
        self.memory.range()
    }

    /// The function of a module that contains the instruction at `pc`. For a return address, ask for the byte before it.
    pub fn func_at(&self, pc: usize) -> Option<FuncAt> {
        let (segment, offset) = self.find(pc)?;
        Some(segment.func_at(offset)?.0)
    }

    /// The function of a module that a frame stopped at `pc` belongs to, and where in the module's binary it is: at the instruction at
    /// `pc` if `exact`, else at the call that returns to `pc`.
    pub fn frame_at(&self, pc: usize, exact: bool) -> Option<(FuncAt, Option<u32>)> {
        // A return address may be that of a call that ends its function.
        let (segment, offset) = self.find(pc.checked_sub((!exact).into())?)?;
        let (func, info) = segment.func_at(offset)?;
        Some((func, segment.tables.module_offset_in(&info, offset)))
    }

    /// Why the instruction at `pc` faults, if it may.
    pub fn trap_at(&self, pc: usize) -> Option<TrapCode> {
        let (segment, offset) = self.find(pc)?;
        segment.tables.trap_at(offset)
    }

    /// The references the frame holds whose callee returns to `return_pc`.
    pub fn stack_map_at(&self, return_pc: usize) -> Option<StackMapView<'_>> {
        let (segment, offset) = self.find(return_pc)?;
        segment.tables.stack_map_at(offset)
    }

    /// Where an exception is handled that comes out of the call that returns to `return_pc`: the address, and the frame pointer less the
    /// stack pointer there.
    pub fn handler_at(&self, return_pc: usize) -> Option<(usize, usize)> {
        let (segment, offset) = self.find(return_pc)?;
        let handler = segment.recent_handlers.handler_at(&segment.tables, offset)?;
        Some((return_pc - offset as usize + handler.offset as usize, handler.frame_size as usize))
    }

    /// What an address belongs to, and the address in bytes from its start.
    fn find(&self, pc: usize) -> Option<(&Segment, u32)> {
        let range = self.range();
        if !range.contains(&pc) {
            return None;
        }
        // A text is shorter than 2 GiB.
        let offset = pc - range.start;
        if self.pages.is_empty() {
            return Some((&self.filled, offset as u32));
        }
        let segment = self.pages.get(offset / HOST_PAGE)?.load(Acquire);
        // SAFETY: an entry is null, or points to `filled` or to what `append` boxed, which `drop` frees.
        let segment = unsafe { segment.as_ref() }?;
        (!segment.gone.load(Acquire)).then_some((segment, offset as u32 - segment.start))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        address_map::unregister(self);
        let unknown = ptr::from_ref(&self.filled).cast_mut();
        let mut last = ptr::null_mut();
        for page in &mut self.pages {
            let segment = std::mem::replace(page.get_mut(), ptr::null_mut());
            if segment != last && segment != unknown && !segment.is_null() {
                // SAFETY: `append` boxed it and entered it for pages that follow each other; nobody else looks at them any more.
                drop(unsafe { Box::from_raw(segment) });
            }
            last = segment;
        }
    }
}

impl Segment {
    fn new(start: u32, tables: CodeTables, funcs: Option<Box<[DefinedFuncIndex]>>) -> Segment {
        let recent_handlers = RecentHandlers::of(&tables);
        Segment { start, tables, recent_handlers, funcs, gone: AtomicBool::new(false) }
    }

    /// The function that contains `offset`, and where it lies in the segment.
    fn func_at(&self, offset: u32) -> Option<(FuncAt, FuncInfo)> {
        let (position, info) = self.tables.find_func(offset)?;
        let func = match &self.funcs {
            None => position,
            Some(funcs) => *funcs.get(position.index())?,
        };
        Some((FuncAt { func, vmctx_fp_offset: info.vmctx_fp_offset }, info))
    }
}

/// Functions in an arena that they were appended to. Dropping this takes them out: nobody may execute them then.
#[derive(Debug)]
pub struct Appended {
    arena: Arc<Arena>,
    /// The numbers of their pages.
    pages: Range<usize>,
    /// Where each is entered, in bytes from the start of their text.
    entries: Box<[u32]>,
    funcs: Box<[DefinedFuncIndex]>,
}

impl Appended {
    /// Where the function at a position among those that were appended together is entered; at the first if there are not so many.
    pub fn entry(&self, position: usize) -> *const u8 {
        let entry = self.entries.get(position).copied().unwrap_or_default();
        self.arena.memory.as_ptr().wrapping_add(self.pages.start * HOST_PAGE + entry as usize)
    }

    /// Which functions of their module they are.
    pub fn funcs(&self) -> &[DefinedFuncIndex] {
        &self.funcs
    }

    /// The arena they lie in.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }
}

impl Drop for Appended {
    fn drop(&mut self) {
        // SAFETY: nobody executes the functions, by the invariant of `Arena`, and their pages are theirs alone.
        unsafe { self.arena.memory.release(self.pages.start * HOST_PAGE, self.pages.len() * HOST_PAGE) };
        match self.arena.find(self.entry(0) as usize) {
            // A lookup may be looking at it, so it stays in its place.
            Some((segment, _)) if segment.funcs.is_some() => segment.gone.store(true, Release),
            _ => self.arena.free(self.pages.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::address_map::tests::REGISTERED;
    use crate::code::entries::Code;
    use crate::code::object::tests::func;
    use crate::os::code_memory::PROTECTED;
    use std::thread;

    fn object(lens: &[usize]) -> CodeObject {
        CodeObject::link(lens.iter().map(|&len| func(len)).collect(), 0).unwrap()
    }

    fn func_at(arena: &Arena, pc: usize) -> Option<u32> {
        arena.func_at(pc).map(|at| at.func.as_u32())
    }

    fn module_offset(arena: &Arena, pc: usize, exact: bool) -> Option<u32> {
        arena.frame_at(pc, exact)?.1
    }

    #[test]
    fn a_filled_arena_is_looked_up_by_address() {
        let code = Code::of_object(&object(&[20, 20])).unwrap();
        let arena = code.arena();
        let second = DefinedFuncIndex::from_u32(1);
        let entry = code.func_entry(second) as usize;
        assert_eq!(entry, arena.range().start + 32);
        assert_eq!(arena.func_at(entry), Some(FuncAt { func: second, vmctx_fp_offset: -8 }));
        assert_eq!([20, 19].map(|at| func_at(arena, entry + at)), [None, Some(1)]);
        assert_eq!(func_at(arena, 0), None);
        assert_eq!(arena.trap_at(entry + 4), Some(TrapCode::Unreachable));
        assert_eq!(module_offset(arena, entry + 2, true), Some(100));
        assert_eq!(module_offset(arena, entry + 2, false), None);
        assert_eq!(module_offset(arena, entry + 10, false), Some(100));
        assert_eq!(arena.frame_at(entry, false), None);
        assert_eq!(arena.frame_at(entry + 20, false).map(|(at, _)| at.func), Some(second));
        assert_eq!(arena.frame_at(0, false), None);
        assert_eq!(arena.stack_map_at(entry + 8).unwrap().frame_size, 48);
        assert!(arena.append(&object(&[20]), &[]).unwrap().is_none());
    }

    #[test]
    fn an_arena_of_no_functions() {
        let code = Code::of_object(&object(&[])).unwrap();
        assert_eq!(func_at(code.arena(), code.arena().range().start), None);
    }

    #[test]
    fn what_is_appended_is_looked_up_by_address() {
        let arena = Arena::reserve(8 * HOST_PAGE).unwrap();
        let append = |lens: &[usize], funcs: &[u32]| {
            let funcs: Vec<_> = funcs.iter().map(|&func| DefinedFuncIndex::from_u32(func)).collect();
            arena.append(&object(lens), &funcs).unwrap().unwrap()
        };
        let trampoline = append(&[20], &[]);
        let funcs = append(&[20, HOST_PAGE], &[7, 3]);
        let again = append(&[40], &[7]);
        let start = arena.range().start;
        assert_eq!(trampoline.entry(0) as usize, start);
        assert_eq!((funcs.entry(0) as usize, funcs.entry(1) as usize), (start + HOST_PAGE, start + HOST_PAGE + 32));
        assert_eq!(again.entry(0) as usize, start + 3 * HOST_PAGE);
        assert_eq!(funcs.funcs().iter().map(|func| func.as_u32()).collect::<Vec<_>>(), [7, 3]);
        let at = |appended: &Appended, position: usize, offset: usize| appended.entry(position) as usize + offset;
        assert_eq!([0, 19, 20].map(|offset| func_at(&arena, at(&funcs, 0, offset))), [Some(7), Some(7), None]);
        assert_eq!([0, HOST_PAGE - 1].map(|offset| func_at(&arena, at(&funcs, 1, offset))), [Some(3); 2]);
        assert_eq!([0, 39, 40].map(|offset| func_at(&arena, at(&again, 0, offset))), [Some(7), Some(7), None]);
        for (appended, position) in [(&funcs, 0), (&funcs, 1), (&again, 0)] {
            assert_eq!(arena.trap_at(at(appended, position, 4)), Some(TrapCode::Unreachable));
            assert_eq!(module_offset(&arena, at(appended, position, 2), true), Some(100));
            assert_eq!(arena.stack_map_at(at(appended, position, 8)).unwrap().frame_size, 48);
        }
        // Nothing is known of a trampoline, nor of a page where there is nothing.
        for pc in [start, start + 4, start + 4 * HOST_PAGE + 4] {
            assert_eq!((func_at(&arena, pc), arena.trap_at(pc)), (None, None));
        }
        let gone = at(&funcs, 1, 4);
        drop(funcs);
        assert_eq!((func_at(&arena, gone), arena.trap_at(gone)), (None, None));
        assert_eq!(func_at(&arena, at(&again, 0, 0)), Some(7));
        // Pages that a lookup may know are not used again, those of trampolines are.
        let first = trampoline.entry(0);
        drop(trampoline);
        let pages = [append(&[20], &[1]), append(&[20], &[]), append(&[HOST_PAGE], &[]), append(&[20], &[])];
        let start = |page: usize| first.wrapping_add(page * HOST_PAGE);
        assert_eq!(pages.each_ref().map(|appended| appended.entry(0)), [0, 4, 5, 7].map(start));
        assert!(arena.append(&object(&[20]), &[]).unwrap().is_none());
        drop(pages);
        let large = append(&[4 * HOST_PAGE - 100], &[]);
        assert_eq!(large.entry(0), start(4));
        assert!(arena.append(&object(&[20]), &[]).unwrap().is_none());
    }

    #[test]
    fn the_last_append_does_what_the_first_did() {
        const APPENDS: usize = 500;
        let before = REGISTERED.get();
        let arena = Arena::reserve(APPENDS * HOST_PAGE).unwrap();
        let table = arena.pages.as_ptr();
        let object = object(&[20]);
        let kept: Vec<_> = (0..APPENDS)
            .map(|n| {
                let protected = PROTECTED.get();
                let appended = arena.append(&object, &[DefinedFuncIndex::from_u32(n as u32)]).unwrap().unwrap();
                assert_eq!(PROTECTED.get() - protected, 2, "made writable, then executable");
                let entered = arena.pages.iter().filter(|page| !page.load(Acquire).is_null()).count();
                assert_eq!(entered, n + 1, "one place in the table");
                appended
            })
            .collect();
        assert_eq!(REGISTERED.get() - before, 1);
        assert_eq!(arena.pages.as_ptr(), table);
        assert!(arena.append(&object, &[]).unwrap().is_none());
        for (n, appended) in kept.iter().enumerate() {
            assert_eq!(func_at(&arena, appended.entry(0) as usize), Some(n as u32));
        }
    }

    #[test]
    fn lookups_while_others_append() {
        let arena = Arena::reserve(400 * HOST_PAGE).unwrap();
        let object = object(&[20]);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (arena, object) = (&arena, &object);
                scope.spawn(move || {
                    let mut last = None;
                    for n in 0..100 {
                        let func = DefinedFuncIndex::from_u32(1000 * thread + n);
                        let appended = arena.append(object, &[func]).unwrap().unwrap();
                        let pc = appended.entry(0) as usize + 4;
                        let found = address_map::lookup(pc, |arena| (arena.func_at(pc), arena.trap_at(pc)));
                        let at = Some(FuncAt { func, vmctx_fp_offset: -8 });
                        assert_eq!(found, Some((at, Some(TrapCode::Unreachable))));
                        // All pages, whether something is just being appended there or taken out.
                        arena.range().step_by(HOST_PAGE).for_each(|pc| _ = arena.func_at(pc));
                        // Every other one stays for a while.
                        if n % 2 == 0 {
                            last = Some(appended);
                        }
                    }
                    drop(last);
                });
            }
        });
    }
}
