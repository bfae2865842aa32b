//! The code of a module: its arena, and where its functions are entered.
//!
//! A function is entered where the module's tables say, unless its entry was replaced. Whoever makes a reference to a function asks
//! for its entry then ([`Code::func_entry`]); references that were made before, and direct calls within the module, go on to
//! what they are bound to, which stays as long as the module does. So nothing is patched, and a module whose entries were
//! never replaced, a file that was mapped just now, has no table of them.

use crate::code::arena::{Appended, Arena};
#[cfg(test)]
use crate::code::object::CodeObject;
use crate::code::tables::CodeTables;
use crate::os::code_memory::CodeMemory;
use crate::os::sync::{Mutex, OnceLock};
use crate::types::*;
use cranelift_entity::EntityRef;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

/// The code of a module.
#[derive(Debug)]
pub struct Code {
    arena: Arc<Arena>,
    replaced: OnceLock<Replaced>,
}

/// Entries other than those in the module's tables.
#[derive(Debug)]
struct Replaced {
    /// For each function of the module its entry, or null where the module's tables tell it.
    entries: Vec<AtomicPtr<u8>>,
    /// What they point to.
    code: Mutex<Vec<Appended>>,
}

impl Code {
    /// Publishes the text that ends `memory`.
    pub(super) fn publish(memory: Arc<CodeMemory>, tables: CodeTables) -> Result<Arc<Code>> {
        Ok(Arc::new(Code { arena: Arena::filled(memory, tables)?, replaced: OnceLock::new() }))
    }

    /// Code without a module.
    #[cfg(test)]
    pub fn of_object(object: &CodeObject) -> Result<Arc<Code>> {
        Code::publish(Arc::new(CodeMemory::new(&object.text)?), object.tables.clone())
    }

    /// The arena of the module's own text.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// The artifact that the text is the end of.
    pub fn artifact(&self) -> &[u8] {
        self.arena.memory().bytes()
    }

    /// Where a function is entered now. Always an address in an executable text, or the end of the module's.
    pub fn func_entry(&self, func: DefinedFuncIndex) -> *const u8 {
        if let Some(replaced) = self.replaced.get() {
            let entry = replaced.entries.get(func.index()).map_or(std::ptr::null_mut(), |entry| entry.load(Acquire));
            if !entry.is_null() {
                return entry;
            }
        }
        self.arena.memory().text()[self.arena.tables().func(func).start as usize..].as_ptr()
    }

    /// Makes the functions that were appended the ones that are entered from now on. They are kept as long as the module.
    pub fn replace_entries(&self, appended: Appended) -> Result<()> {
        let replaced = match self.replaced.get() {
            Some(replaced) => replaced,
            None => {
                let made = Replaced::new(self.arena.tables().num_funcs())?;
                self.replaced.get_or_init(|| made)
            }
        };
        let mut code = replaced.code.lock();
        code.try_reserve(1).map_err(|_| no_memory())?;
        for (position, func) in appended.funcs().iter().enumerate() {
            if let Some(entry) = replaced.entries.get(func.index()) {
                entry.store(appended.entry(position).cast_mut(), Release);
            }
        }
        code.push(appended);
        Ok(())
    }
}

impl Replaced {
    fn new(count: usize) -> Result<Replaced> {
        let mut entries = Vec::new();
        entries.try_reserve_exact(count).map_err(|_| no_memory())?;
        entries.resize_with(count, AtomicPtr::default);
        Ok(Replaced { entries, code: Mutex::default() })
    }
}

#[cold]
fn no_memory() -> Error {
    Error::out_of_memory("no memory for the entries of functions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::object::tests::func;

    #[test]
    fn entries_are_replaced_one_by_one() {
        let object = |count| CodeObject::link((0..count).map(|_| func(20)).collect(), 0).unwrap();
        let code = Code::of_object(&object(3)).unwrap();
        let index = DefinedFuncIndex::from_u32;
        let entries = || [0, 1, 2].map(|func| code.func_entry(index(func)));
        let first = entries();
        let arena = Arena::reserve(1 << 16).unwrap();
        let appended = arena.append(&object(2), &[index(2), index(0)]).unwrap().unwrap();
        let new = [appended.entry(1), appended.entry(0)];
        code.replace_entries(appended).unwrap();
        assert_eq!(entries(), [new[0], first[1], new[1]]);
        let appended = arena.append(&object(1), &[index(2)]).unwrap().unwrap();
        let newest = appended.entry(0);
        code.replace_entries(appended).unwrap();
        assert_eq!(entries(), [new[0], first[1], newest]);
        // What was replaced is kept: somebody may be bound to it.
        for entry in [new[0], new[1], newest] {
            assert!(arena.func_at(entry as usize).is_some());
        }
        // No function of this module.
        let appended = arena.append(&object(1), &[index(3)]).unwrap().unwrap();
        code.replace_entries(appended).unwrap();
        assert_eq!(entries(), [new[0], first[1], newest]);
        let kept = Arc::downgrade(&arena);
        drop(arena);
        assert!(kept.upgrade().is_some());
        drop(code);
        assert!(kept.upgrade().is_none());
    }
}
