//! Code at rest: the functions of a module placed in one text, position independent, with its tables.

use crate::arch::CODE_PADDING as PADDING;
use crate::code::tables::{CodeTables, TablesBuilder};
use crate::compiler::CompiledFunction;
use crate::types::*;

/// Linked code: what an artifact stores beside the description of the module.
#[derive(Debug, Default, PartialEq)]
pub struct CodeObject {
    pub text: Vec<u8>,
    pub tables: CodeTables,
}

/// Functions start at multiples of this.
const FUNC_ALIGNMENT: u32 = 16;

impl CodeObject {
    /// Places compiled functions, in order of their index, and patches the calls between them.
    ///
    /// `num_imported_funcs` is what the function indices of calls are ahead of the positions in `funcs`.
    pub fn link(funcs: Vec<CompiledFunction>, num_imported_funcs: u32) -> Result<CodeObject> {
        let (starts, len) = place(&funcs)?;
        let mut text = Vec::new();
        text.try_reserve_exact(len as usize + 1)
            .map_err(|_| Error::out_of_memory(format!("no memory for compiled code: {len} bytes")))?;
        let mut tables = TablesBuilder::default();
        for (func, &start) in funcs.iter().zip(&starts) {
            text.resize(start as usize, PADDING);
            text.extend_from_slice(&func.text);
            tables.push(func, start);
        }
        if len != 0 {
            // So that the return address of a call that ends the last function lies in the text too.
            text.push(PADDING);
        }
        for (func, &start) in funcs.iter().zip(&starts) {
            for call in &func.calls {
                let callee = call.callee.as_u32().checked_sub(num_imported_funcs);
                let target = callee.and_then(|callee| starts.get(callee as usize));
                let field = start as usize + call.offset as usize;
                let bytes = text.get_mut(field..).and_then(|bytes| bytes.first_chunk_mut());
                let (Some(&target), Some(bytes)) = (target, bytes) else {
                    return Err(Error::new(ErrorKind::Internal, format!("call to nowhere in particular: {call:?}")));
                };
                let distance = i64::from(target) - field as i64 + call.addend;
                let distance = i32::try_from(distance).map_err(|_| Error::limit("call distance of 2 GiB or more"))?;
                *bytes = distance.to_le_bytes();
            }
        }
        let tables = tables.finish(text.len());
        Ok(CodeObject { text, tables })
    }
}

/// Where each function starts, and the length of the text.
fn place(funcs: &[CompiledFunction]) -> Result<(Vec<u32>, u32)> {
    let mut starts = Vec::with_capacity(funcs.len());
    let mut end = 0u64;
    for func in funcs {
        let start = end.next_multiple_of(func.alignment.max(FUNC_ALIGNMENT).into());
        end = start + func.text.len() as u64;
        if end >= i32::MAX as u64 {
            return Err(Error::limit("compiled code of 2 GiB or more"));
        }
        starts.push(start as u32);
    }
    Ok((starts, end as u32))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compiler::{AddressSite, CallSite, StackMap, TrapSite};

    /// A function of `len` bytes with some of everything.
    pub fn func(len: usize) -> CompiledFunction {
        let map = |return_offset, frame_size, heap_refs: &[u32], func_refs: &[u32]| StackMap {
            return_offset,
            frame_size,
            heap_refs: heap_refs.into(),
            func_refs: func_refs.into(),
        };
        let address = |code_offset, module_offset| AddressSite { code_offset, module_offset };
        CompiledFunction {
            text: vec![0x90; len],
            alignment: 16,
            traps: vec![TrapSite { offset: 4, code: TrapCode::Unreachable }],
            addresses: vec![address(2, 100), address(5, 100), address(10, u32::MAX)],
            stack_maps: vec![map(8, 48, &[4, 8], &[16]), map(12, 64, &[], &[24])],
            vmctx_fp_offset: -8,
            ..CompiledFunction::default()
        }
    }

    #[test]
    fn calls_are_relative() {
        let call = |offset, callee| CallSite { offset, addend: -4, callee: FuncIndex::from_u32(callee) };
        let mut funcs = vec![func(20), func(20)];
        funcs[0].calls = vec![call(1, 4), call(13, 3)];
        funcs[1].calls = vec![call(16, 3)];
        let object = CodeObject::link(funcs, 3).unwrap();
        let field = |at: usize| i32::from_le_bytes(*object.text[at..].first_chunk().unwrap());
        assert_eq!(object.text.len(), 53);
        assert_eq!(object.text[20..32], [PADDING; 12]);
        assert_eq!((field(1), field(13), field(48)), (32 - 5, -17, -52));
    }

    #[test]
    fn alignment_is_kept() {
        let mut funcs = vec![func(20), func(20), func(20)];
        funcs[1].alignment = 64;
        funcs[2].alignment = 1;
        let object = CodeObject::link(funcs, 0).unwrap();
        let starts = [0, 1, 2].map(|index| object.tables.func(DefinedFuncIndex::from_u32(index)).start);
        assert_eq!(starts, [0, 64, 96]);
    }

    #[test]
    fn bad_calls_are_errors() {
        for (offset, callee) in [(1, 0), (1, 3), (18, 2)] {
            let mut funcs = vec![func(20)];
            funcs[0].calls = vec![CallSite { offset, addend: 0, callee: FuncIndex::from_u32(callee) }];
            let error = CodeObject::link(funcs, 2).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
        }
    }
}
