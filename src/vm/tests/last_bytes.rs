//! Operands in the last bytes of a memory, behind which nothing can be read: an instruction that an operand is folded into must read no
//! more bytes than it has. And operands that are not aligned, as the instructions of lesser processors want them.

use super::*;
use crate::compiler::opcodes::{OPCODES, type_name, with_immediates};
use std::fmt::Write;

/// Where the operands lie that do not lie at the end, 16 bytes for each.
const ELSEWHERE: u32 = 1024;
const END: u32 = 1 << 16;

/// How much lower the address of an operand is than the last that it may have, where its index is zero.
const BELOW_END: u32 = 3;

/// With guard pages, and with explicit checks of a memory that ends before its reservation does; for this processor and for any.
fn engines() -> impl Iterator<Item = Arc<Engine>> {
    let signals = Config::default();
    let checked = Config { memory_reservation: Some(1 << 20), ..signals };
    let configs = [
        signals,
        Config { opt_level: OptLevel::None, ..signals },
        Config { deterministic: true, ..signals },
        checked,
        Config { signals: false, ..checked },
    ];
    let engines = configs.map(|config| [Engine::new(config).unwrap(), Engine::for_least_processor(config).unwrap()]);
    engines.into_iter().flatten()
}

fn size(ty: char) -> u32 {
    match ty {
        'v' => 16,
        'i' | 'f' => 4,
        _ => 8,
    }
}

/// Whether an operand of the opcode is an address.
fn is_of_memory(opcode: &str) -> bool {
    opcode.contains(".load") || opcode.contains(".store")
}

/// Functions for each opcode and each operand of it.
struct Cases {
    text: String,
    names: Vec<String>,
}

impl Cases {
    /// Two functions of the same name with 0 and 1 behind it: in the first, the operand at `last` is loaded from the last bytes where it
    /// is used; in the second, a call lies between. Both store their results, 32 bytes apart.
    fn add(&mut self, signature: &str, opcode: &str, last: usize) {
        let (pops, pushes) = signature.split_once('>').unwrap();
        let name = format!("{opcode} {last}");
        for variant in 0..2 {
            let text = &mut self.text;
            write!(text, "(func (export \"{name} {variant}\") (param $index i32)").unwrap();
            for (prefix, types) in [('p', pops), ('r', pushes)] {
                for (i, ty) in types.chars().enumerate() {
                    write!(text, " (local ${prefix}{i} {})", type_name(ty)).unwrap();
                }
            }
            let load_last =
                |ty| format!("({}.load offset={} (local.get $index))", type_name(ty), END - size(ty) - BELOW_END);
            for (i, ty) in pops.chars().enumerate() {
                let at = ELSEWHERE + 16 * i as u32;
                match i == last {
                    true if variant == 1 => write!(text, "(local.set $p{i} {}) (call $nothing)", load_last(ty)),
                    true => Ok(()),
                    false => write!(text, "(local.set $p{i} ({}.load (i32.const {at})))", type_name(ty)),
                }
                .unwrap();
            }
            for (i, ty) in pops.chars().enumerate() {
                match i == last && variant == 0 {
                    true => write!(text, " {}", load_last(ty)),
                    false => write!(text, " (local.get $p{i})"),
                }
                .unwrap();
            }
            write!(text, " {}", with_immediates(opcode)).unwrap();
            for i in (0..pushes.len()).rev() {
                write!(text, " (local.set $r{i})").unwrap();
            }
            for (i, ty) in pushes.chars().enumerate() {
                let at = 32 * variant + 16 * i;
                write!(text, "({}.store (i32.const {at}) (local.get $r{i}))", type_name(ty)).unwrap();
            }
            text.push_str(")\n");
        }
        self.names.push(name);
    }
}

fn cases() -> Cases {
    let elsewhere = r"\01\02\03\04\9a\99\f9\3f\07\00\00\00\00\00\04\40".repeat(4);
    let end = r"\81\7f\fe\40\11\22\33\41\67\45\ab\89\45\23\c1\3f";
    let data = format!(r#"(data (i32.const {ELSEWHERE}) "{elsewhere}") (data (i32.const {}) "{end}")"#, END - 16);
    let text = format!(
        r#"(module (memory 1) {data} (func $nothing)
            (func (export "read") (param i32) (result i64) (i64.load (local.get 0)))"#
    );
    let mut cases = Cases { text, names: Vec::new() };
    for (signature, opcodes) in OPCODES {
        for opcode in opcodes.split_whitespace().filter(|opcode| !is_of_memory(opcode)) {
            for last in 0..signature.find('>').unwrap() {
                cases.add(signature, opcode, last);
            }
        }
    }
    cases.text.push(')');
    cases
}

#[test]
fn what_is_folded_reads_no_more_than_it_has() {
    let cases = cases();
    for engine in engines() {
        let options = *engine.compiler().options();
        with_store_of(engine, |entered| {
            let instance = instance(entered, &cases.text, &[]);
            let read = |at: usize| call(export(&instance, "read"), &[i32(at as i32)], 1).unwrap()[0].of;
            for name in &cases.names {
                let run = |variant: usize, index| {
                    let func = export(&instance, &format!("{name} {variant}"));
                    let stored = || [0, 8, 16, 24].map(|at| read(32 * variant + at));
                    call(func, &[i32(index)], 0).map(|_| stored()).map_err(|trap| trap.code())
                };
                for index in 0..=BELOW_END as i32 {
                    assert_eq!(run(0, index), run(1, index), "{name} with {options:?}");
                }
                for variant in 0..2 {
                    assert_eq!(
                        run(variant, BELOW_END as i32 + 1),
                        Err(TrapCode::MemoryOutOfBounds),
                        "{name} with {options:?}"
                    );
                }
            }
        });
    }
}

/// How many bytes a load or store of a memory takes, by its name: `i64.load32_u`, `v128.load8x8_s`, `v128.store16_lane`.
fn access_size(opcode: &str) -> u32 {
    let (ty, access) = opcode.split_once('.').unwrap();
    let bits = access.trim_start_matches("load").trim_start_matches("store");
    let number = |text: &str| text.split('_').next().unwrap().parse::<u32>().unwrap();
    match bits {
        "" if ty == "v128" => 16,
        "" => number(&ty[1..]) / 8,
        _ => match bits.split_once('x') {
            Some((lane, lanes)) => number(lane) / 8 * number(lanes),
            None => number(bits) / 8,
        },
    }
}

#[test]
fn loads_and_stores_reach_the_last_byte() {
    let scalar = [
        ("i>i", "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u"),
        ("i>l", "i64.load i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u"),
        ("i>f", "f32.load"),
        ("i>d", "f64.load"),
        ("ii>", "i32.store i32.store8 i32.store16"),
        ("il>", "i64.store i64.store8 i64.store16 i64.store32"),
        ("if>", "f32.store"),
        ("id>", "f64.store"),
    ];
    let mut cases = Cases { text: "(module (memory 1)".into(), names: Vec::new() };
    for (signature, opcodes) in scalar.iter().chain(OPCODES) {
        for opcode in opcodes.split_whitespace().filter(|opcode| is_of_memory(opcode)) {
            let (pops, pushes) = signature.split_once('>').unwrap();
            let lane = if opcode.contains("_lane") { " 0" } else { "" };
            let mut text = format!("(func (export \"{opcode}\") (param $index i32)");
            pops.chars().skip(1).for_each(|ty| write!(text, " (local $operand {})", type_name(ty)).unwrap());
            write!(text, " ({opcode} offset={}{lane} (local.get $index)", END - access_size(opcode)).unwrap();
            text.push_str(if pops.len() > 1 { " (local.get $operand))" } else { ")" });
            text.push_str(if pushes.is_empty() { ")\n" } else { " drop)\n" });
            cases.text.push_str(&text);
            cases.names.push((*opcode).to_owned());
        }
    }
    cases.text.push(')');
    assert_eq!(cases.names.len(), 23 + 22);
    for engine in engines() {
        let options = *engine.compiler().options();
        with_store_of(engine, |entered| {
            let instance = instance(entered, &cases.text, &[]);
            for name in &cases.names {
                let run = |index| call(export(&instance, name), &[i32(index)], 0).map(drop).map_err(|trap| trap.code());
                assert_eq!(run(0), Ok(()), "{name} with {options:?}");
                assert_eq!(run(1), Err(TrapCode::MemoryOutOfBounds), "{name} with {options:?}");
            }
        });
    }
}
