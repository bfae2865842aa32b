//! The checker accepts what the compiler makes, and finds each kind of damage.

use super::*;
use crate::code::compile::link;
use crate::code::offset_map::OffsetMapBuilder;
use crate::compiler::Compiler;
use crate::module::{Bytes, ParsedModule, parse, push_words};

const MODULE: &str = "(module (type $unary (func (param i32) (result i32)))
    (import \"\" \"f\" (func $host (param externref))) (memory 1) (table 4 funcref) (table $r 4 externref)
    (func $calls (export \"a\") (param externref externref i32)
      (call $host (local.get 0)) (call $host (local.get 1)) (call $host (local.get 0))
      (i32.store offset=8 (local.get 2) (i32.div_u (i32.const 5) (local.get 2))))
    (func $leaf (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export \"b\") (param i32) (result i32) (block (block (block (br_table 0 1 2 (local.get 0)))
      (return (call $leaf (i32.const 1)))) (return (i32.const 2))) (unreachable)))";

fn compiled() -> (Vec<u8>, CodeObject, CompileOptions) {
    let options = CompileOptions::DEFAULT;
    let bytes = wat::parse_str(MODULE).unwrap();
    let (_, object) = link(&Compiler::new(options).unwrap(), &bytes).unwrap();
    (bytes, object, options)
}

fn verdict(bytes: &[u8], object: &CodeObject, options: &CompileOptions) -> Result<(), String> {
    let ParsedModule { module, bodies } = parse(bytes, options.features).unwrap();
    check(&module, &bodies, object, options).map_err(|error| error.message().to_string())
}

/// Damages the words of one part of the tables, and tells what the checker says.
fn damaged(part: usize, damage: impl FnOnce(&mut Vec<u32>)) -> String {
    let (bytes, object, options) = compiled();
    let mut parts = object.tables.parts().map(<[u8]>::to_vec);
    let mut words = parts[part].chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    damage(&mut words);
    parts[part].clear();
    push_words(&mut parts[part], &words);
    let tables = CodeTables::new(object.text.len(), parts.map(Bytes::from)).unwrap();
    verdict(&bytes, &CodeObject { text: object.text, tables }, &options).unwrap_err()
}

/// Replaces the first occurrence of some machine code by as many bytes.
fn patched(old: &[u8], new: &[u8]) -> String {
    let (bytes, mut object, options) = compiled();
    let at = object.text.windows(old.len()).position(|window| window == old).expect("code of this form");
    object.text[at..at + old.len()].copy_from_slice(new);
    verdict(&bytes, &object, &options).unwrap_err()
}

#[track_caller]
fn says(verdict: String, words: &str) {
    assert!(verdict.contains(words), "{verdict}");
}

#[test]
fn what_the_compiler_makes_is_accepted() {
    let (bytes, object, options) = compiled();
    assert_eq!(verdict(&bytes, &object, &options), Ok(()));
}

const FUNCS: usize = 0;
const TRAPS: usize = 1;
const RETURNS: usize = 5;
const MAPS: usize = 6;
const SLOTS: usize = 7;

#[test]
fn a_context_slot_that_is_elsewhere_or_nowhere() {
    says(damaged(FUNCS, |funcs| funcs[2] = funcs[2].wrapping_sub(16)), "before the context was stored");
    says(damaged(FUNCS, |funcs| funcs[2] = 0), "a call without a slot for the context");
    // mov %rdi, (%rsp) becomes mov %rdi, %rdi and nop.
    says(patched(&[0x48, 0x89, 0x3c, 0x24], &[0x48, 0x89, 0xff, 0x90]), "before the context was stored");
}

#[test]
fn stack_maps_that_are_missing_or_wrong() {
    says(damaged(RETURNS, |returns| returns[0] += 1), "a stack map where no call returns to");
    says(damaged(MAPS, |maps| maps[0] += 16), "by the stack map");
    says(damaged(SLOTS, |slots| slots[0] += 2), "not in the frame, or another's");
    says(damaged(SLOTS, |slots| slots[1] = slots[0]), "not in the frame, or another's");
    says(damaged(SLOTS, |slots| slots[0] = 0), "not in the frame, or another's");
    // The second map begins where the first does, so that the first is empty.
    says(damaged(MAPS, |maps| maps[1] = maps[4]), "references");
}

#[test]
fn traps_that_are_missing_or_elsewhere() {
    let (bytes, object, options) = compiled();
    let len = object.text.len() as u32;
    let traps: Vec<_> = (0..len).filter_map(|at| Some((at, object.tables.trap_at(at)? as u32))).collect();
    assert!(traps.len() >= 5, "{traps:?}");
    let verdict = |traps: &[(u32, u32)]| {
        let mut builder = OffsetMapBuilder::default();
        traps.iter().for_each(|&(at, code)| builder.push(at, code));
        let mut parts = object.tables.parts().map(<[u8]>::to_vec);
        [parts[TRAPS], parts[TRAPS + 1]] = builder.finish();
        let tables = CodeTables::new(object.text.len(), parts.map(Bytes::from)).unwrap();
        verdict(&bytes, &CodeObject { text: object.text.clone(), tables }, &options)
    };
    assert_eq!(verdict(&traps), Ok(()));
    for trap in 0..traps.len() {
        let mut fewer = traps.clone();
        fewer.remove(trap);
        says(verdict(&fewer).unwrap_err(), "without a trap");
        let mut moved = traps.clone();
        moved[trap].0 += 1;
        let verdict = verdict(&moved).unwrap_err();
        assert!(verdict.contains("without a trap") || verdict.contains("where no instruction begins"), "{verdict}");
    }
    let mut more = traps.clone();
    more.insert(0, (0, TrapCode::MemoryOutOfBounds as u32));
    says(verdict(&more).unwrap_err(), "an instruction that cannot fault");
}

#[test]
fn control_that_leaves_the_function() {
    // A jump forward, of 4 bytes' distance, far beyond the end.
    let (bytes, mut object, options) = compiled();
    let at = object.text.windows(2).position(|window| window[0] == 0x0f && window[1] & 0xf0 == 0x80).unwrap();
    object.text[at + 4] = 0x70;
    says(verdict(&bytes, &object, &options).unwrap_err(), "a jump out of the function");
    // ret becomes the start of something else.
    says(patched(&[0xc3], &[0x06]), "cannot be read");
}
