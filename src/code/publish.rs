//! Code in memory: executable, and known to the process by its addresses.

use crate::code::address_map;
#[cfg(test)]
use crate::code::object::CodeObject;
use crate::code::tables::{CodeTables, FuncInfo, StackMapView};
use crate::os::code_memory::CodeMemory;
use crate::types::*;
use std::ops::Range;
use std::sync::Arc;

/// Published code and its tables. Lookups take addresses, never lock or allocate, and may run in a signal handler.
///
/// Invariant: whoever executes code, or has it on the stack, keeps its [`Code`] alive; so no thread's program counter
/// lies in a text that is being dropped.
#[derive(Debug)]
pub struct Code {
    memory: Arc<CodeMemory>,
    tables: CodeTables,
}

impl Code {
    /// Registers the addresses of a text until it is dropped.
    pub(super) fn publish(memory: Arc<CodeMemory>, tables: CodeTables) -> Result<Arc<Code>> {
        let code = Arc::new(Code { memory, tables });
        address_map::register(&code)?;
        Ok(code)
    }

    /// Code without a module.
    #[cfg(test)]
    pub fn of_object(object: &CodeObject) -> Result<Arc<Code>> {
        Code::publish(Arc::new(CodeMemory::new(&object.text)?), object.tables.clone())
    }

    /// The artifact that the text is the end of.
    pub fn artifact(&self) -> &[u8] {
        self.memory.bytes()
    }

    pub fn text(&self) -> &[u8] {
        self.memory.text()
    }

    pub fn tables(&self) -> &CodeTables {
        &self.tables
    }

    /// The addresses of the text.
    pub fn range(&self) -> Range<usize> {
        self.memory.range()
    }

    pub fn contains(&self, pc: usize) -> bool {
        self.range().contains(&pc)
    }

    /// The number of functions.
    pub fn num_funcs(&self) -> usize {
        self.tables.num_funcs()
    }

    /// Where a function is entered. Always an address in the text, or its end.
    pub fn func_entry(&self, func: DefinedFuncIndex) -> *const u8 {
        self.text()[self.tables.func(func).start as usize..].as_ptr()
    }

    /// Where a function lies in the text and its frame keeps its vmctx.
    pub fn func(&self, func: DefinedFuncIndex) -> FuncInfo {
        self.tables.func(func)
    }

    /// Where the frame of a function keeps its vmctx: bytes to add to the frame pointer.
    pub fn vmctx_fp_offset(&self, func: DefinedFuncIndex) -> i32 {
        self.tables.func(func).vmctx_fp_offset
    }

    /// The function that contains the instruction at `pc`. For a return address, ask for the byte before it.
    pub fn func_at(&self, pc: usize) -> Option<DefinedFuncIndex> {
        self.tables.func_at(self.offset(pc)?)
    }

    /// Why the instruction at `pc` faults, if it may.
    pub fn trap_at(&self, pc: usize) -> Option<TrapCode> {
        self.tables.trap_at(self.offset(pc)?)
    }

    /// The byte offset in the module's binary that the code at `pc` comes from: the instruction at `pc` if `exact`,
    /// else the call that returns to `pc`.
    pub fn module_offset(&self, pc: usize, exact: bool) -> Option<u32> {
        self.tables.module_offset(self.offset(pc.checked_sub((!exact).into())?)?)
    }

    /// The references the frame holds whose callee returns to `return_pc`.
    pub fn stack_map_at(&self, return_pc: usize) -> Option<StackMapView<'_>> {
        self.tables.stack_map_at(self.offset(return_pc)?)
    }

    /// The offset in the text of an address in it.
    fn offset(&self, pc: usize) -> Option<u32> {
        let range = self.range();
        // A text is shorter than 2 GiB.
        range.contains(&pc).then(|| (pc - range.start) as u32)
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        address_map::unregister(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::object::tests::func;

    #[test]
    fn lookups_by_address() {
        let code = Code::of_object(&CodeObject::link(vec![func(20), func(20)], 0).unwrap()).unwrap();
        let second = DefinedFuncIndex::from_u32(1);
        let entry = code.func_entry(second) as usize;
        assert_eq!(entry, code.range().start + 32);
        assert_eq!(code.func_at(entry), Some(second));
        assert_eq!(code.func_at(entry + 20), None);
        assert_eq!(code.func_at(entry + 20 - 1), Some(second));
        assert_eq!(code.func_at(0), None);
        assert_eq!(code.trap_at(entry + 4), Some(TrapCode::Unreachable));
        assert_eq!(code.module_offset(entry + 2, true), Some(100));
        assert_eq!(code.module_offset(entry + 2, false), None);
        assert_eq!(code.module_offset(entry + 10, false), Some(100));
        assert_eq!(code.module_offset(0, false), None);
        assert_eq!(code.stack_map_at(entry + 8).unwrap().frame_size, 48);
        assert_eq!(code.vmctx_fp_offset(second), -8);
    }

    #[test]
    fn code_without_functions() {
        let code = Code::of_object(&CodeObject::link(vec![], 0).unwrap()).unwrap();
        assert_eq!((code.num_funcs(), code.func_at(code.range().start)), (0, None));
    }
}
