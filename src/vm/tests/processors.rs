//! What opcodes compute in code for this processor and in code for any: the same, but for what is left to the processor; and that too
//! where results are deterministic.

use super::*;
use crate::compiler::opcodes::{OPCODES, type_name, with_immediates};
use std::fmt::Write;

/// What operands are made of, as v128, of which narrower ones are the low bytes.
const OPERANDS: [u128; 10] = [
    0,
    u128::MAX,
    0x80000000_80000000_80000000_80000000,
    0x7fff7fff_7fff7fff_80008000_80018001,
    0x0f0e0d0c_0b0a0908_07060504_83828180,
    // Floats of 32 bits: numbers, infinity, zeros, NaNs of both signs, quiet and not.
    0x3fc00000_c0490fdb_4f800000_3f800800,
    0xff800000_80000000_7fa00001_ffc12345,
    // Floats of 64 bits.
    0x3ff00000_10000000_c1e00000_00200000,
    0x7ff00000_00000001_fff80000_00012345,
    0x7ff00000_00000000_80000000_00000000,
];

/// Where operands lie, 16 bytes for each.
const AT: u32 = 1024;

/// A function for each opcode, which loads its operands and stores its results.
fn text() -> (String, Vec<(&'static str, &'static str)>) {
    let mut text = String::from(
        r#"(module (memory 1)
            (func (export "write") (param i32 i64 i64)
                (i64.store offset=1024 (local.get 0) (local.get 1)) (i64.store offset=1032 (local.get 0) (local.get 2)))
            (func (export "read") (result i64 i64)
                (i64.load (i32.const 0)) (i64.load (i32.const 8))
                (i64.store (i32.const 0) (i64.const 0)) (i64.store (i32.const 8) (i64.const 0)))"#,
    );
    let mut opcodes = Vec::new();
    for &(signature, row) in OPCODES {
        let (pops, pushes) = signature.split_once('>').unwrap();
        let computing = |opcode: &&str| !opcode.contains(".load") && !opcode.contains(".store");
        for opcode in row.split_whitespace().filter(computing) {
            write!(text, "(func (export \"{opcode}\")").unwrap();
            for (i, ty) in pushes.chars().enumerate() {
                write!(text, " (local $r{i} {})", type_name(ty)).unwrap();
            }
            for (i, ty) in pops.chars().enumerate() {
                write!(text, " ({}.load (i32.const {}))", type_name(ty), AT + 16 * i as u32).unwrap();
            }
            write!(text, " {}", with_immediates(opcode)).unwrap();
            for i in (0..pushes.len()).rev() {
                write!(text, " (local.set $r{i})").unwrap();
            }
            for (i, ty) in pushes.chars().enumerate() {
                write!(text, " ({}.store (i32.const {}) (local.get $r{i}))", type_name(ty), 8 * i).unwrap();
            }
            text.push_str(")\n");
            opcodes.push((opcode, pushes));
        }
    }
    text.push(')');
    (text, opcodes)
}

/// The bits of a result, or why there is none.
type Outcome = Result<u128, TrapCode>;

/// What an engine computes of each opcode, for operands of every kind.
fn compute(engine: Arc<Engine>) -> Vec<(&'static str, &'static str, Outcome)> {
    let (text, opcodes) = text();
    let mut outcomes = Vec::new();
    with_store_of(engine, |entered| {
        let instance = instance(entered, &text, &[]);
        let (read, write) = (export(&instance, "read"), export(&instance, "write"));
        let funcs: Vec<_> = opcodes.iter().map(|(opcode, _)| export(&instance, opcode)).collect();
        let i64 = |value: u128| Val { kind: val::KIND_I64, of: value as u64 };
        for a in 0..OPERANDS.len() {
            for b in 0..OPERANDS.len() {
                for (i, operand) in [a, b, (3 * a + b) % OPERANDS.len(), b].into_iter().enumerate() {
                    let operand = OPERANDS[operand];
                    call(write, &[i32(16 * i as i32), i64(operand), i64(operand >> 64)], 0).ok().unwrap();
                }
                for (&(opcode, pushes), &func) in opcodes.iter().zip(&funcs) {
                    let called = call(func, &[], 0).map_err(|trap| trap.code());
                    let stored = call(read, &[], 2).ok().unwrap();
                    let stored = u128::from(stored[0].of) | u128::from(stored[1].of) << 64;
                    outcomes.push((opcode, pushes, called.map(|_| stored)));
                }
            }
        }
    });
    outcomes
}

/// Whether a result of floats is the same but for the bits of NaNs.
fn agree(lane: usize, a: u128, b: u128) -> bool {
    let lanes = |bits: u128| (0..16 / lane).map(move |i| bits >> (8 * lane * i) & (u128::MAX >> (128 - 8 * lane)));
    let is_nan = |bits: u128| match lane {
        4 => f32::from_bits(bits as u32).is_nan(),
        _ => f64::from_bits(bits as u64).is_nan(),
    };
    lanes(a).zip(lanes(b)).all(|(a, b)| a == b || is_nan(a) && is_nan(b))
}

#[test]
fn deterministic_results_are_the_same_on_every_processor() {
    for opt_level in [OptLevel::None, OptLevel::Speed] {
        let config = Config { deterministic: true, opt_level, ..Config::default() };
        let here = compute(Engine::new(config).unwrap());
        let anywhere = compute(Engine::for_least_processor(config).unwrap());
        assert!(here.len() > 30_000);
        for (here, anywhere) in here.iter().zip(&anywhere) {
            assert_eq!(here, anywhere, "{opt_level:?}");
        }
    }
}

/// Only the bits of NaNs and relaxed instructions may differ.
#[test]
fn other_results_are_the_same_but_for_what_is_left_to_the_processor() {
    let here = compute(Engine::new(Config::default()).unwrap());
    let anywhere = compute(Engine::for_least_processor(Config::default()).unwrap());
    for (&(opcode, pushes, here), (.., anywhere)) in here.iter().zip(&anywhere) {
        let lane = match (pushes, opcode.split('x').next()) {
            ("f", _) | ("v", Some("f32")) => 4,
            ("d", _) | ("v", Some("f64")) => 8,
            _ => 0,
        };
        let same = match (here, anywhere) {
            _ if opcode.contains("relaxed") => true,
            (Ok(here), &Ok(anywhere)) if lane > 0 => agree(lane, here, anywhere),
            (here, anywhere) => here == *anywhere,
        };
        assert!(same, "{opcode}: {here:x?} here, {anywhere:x?} anywhere");
    }
}
