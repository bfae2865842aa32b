//! Compiles each numeric and vector opcode in every mode, with operands of every origin: parameters, constants, and
//! loads, which the code generator may fold. What the code computes is for the official suite.

use crate::compiler::ops::opcodes::{OPCODES, type_name, with_immediates};
use crate::compiler::{CompileOptions, CompiledFunction, Compiler, OptLevel, Scratch};
use crate::module::{ParsedModule, parse};
use crate::types::DefinedFuncIndex;
use std::fmt::Write;

#[derive(Copy, Clone, Debug)]
enum Origin {
    Parameter,
    Constant,
    Load,
}

fn constant(ty: char, index: usize) -> String {
    // A zero and a minus one are among the divisors, and NaN among the floats.
    let value = ["0", "-1", "7"][index % 3];
    match ty {
        'v' => format!("(v128.const i32x4 {value} 1 2 3)"),
        'f' | 'd' if index == 0 => format!("({}.const nan)", type_name(ty)),
        _ => format!("({}.const {value})", type_name(ty)),
    }
}

/// A function of one operator for each row and origin.
fn module() -> (String, Vec<String>) {
    let (mut text, mut names) = (String::from("(module (memory 1)"), Vec::new());
    for (signature, opcodes) in OPCODES {
        let (pops, pushes) = signature.split_once('>').unwrap();
        for opcode in opcodes.split_whitespace() {
            for origin in [Origin::Parameter, Origin::Constant, Origin::Load] {
                for last_only in [false, true] {
                    text.push_str("(func");
                    pops.chars().for_each(|ty| write!(text, " (param {})", type_name(ty)).unwrap());
                    pushes.chars().for_each(|ty| write!(text, " (result {})", type_name(ty)).unwrap());
                    for (i, ty) in pops.chars().enumerate() {
                        match origin {
                            _ if last_only && i + 1 < pops.len() => write!(text, " (local.get {i})"),
                            Origin::Parameter => write!(text, " (local.get {i})"),
                            Origin::Constant => write!(text, " {}", constant(ty, i)),
                            Origin::Load => {
                                write!(text, " ({}.load offset={} (i32.const 0))", type_name(ty), 65500 + i)
                            }
                        }
                        .unwrap();
                    }
                    writeln!(text, " {})", with_immediates(opcode)).unwrap();
                    names.push(format!("{opcode} {origin:?}"));
                }
            }
        }
    }
    text.push(')');
    (text, names)
}

#[test]
fn all_opcodes_are_listed() {
    let count = |vector: bool| {
        let all = OPCODES.iter().flat_map(|(_, opcodes)| opcodes.split_whitespace());
        all.filter(|opcode| {
            vector == (opcode.starts_with('v') || opcode.contains('x') && opcode.find('x') < opcode.find('.'))
        })
        .count()
    };
    assert_eq!((count(false), count(true)), (144, 256));
}

/// The modes that opcodes are compiled in.
fn modes() -> [CompileOptions; 6] {
    let mode =
        |opt_level, signals, guard_pages| CompileOptions { opt_level, signals, guard_pages, ..CompileOptions::DEFAULT };
    [
        mode(OptLevel::Speed, true, true),
        mode(OptLevel::Speed, false, false),
        mode(OptLevel::None, true, false),
        mode(OptLevel::None, false, false),
        CompileOptions { deterministic: true, ..CompileOptions::DEFAULT },
        CompileOptions { deterministic: true, ..mode(OptLevel::None, false, false) },
    ]
}

/// Compiles a function of each opcode and origin, and gives them to `examine` with their names.
fn compile_each(compiler: &Compiler, mut examine: impl FnMut(&str, CompiledFunction)) {
    let (text, names) = module();
    let bytes = wat::parse_str(&text).unwrap();
    let options = compiler.options();
    let ParsedModule { module, bodies } = parse(&bytes, options.features).unwrap();
    let layout = module.context_layout().unwrap();
    let mut scratch = Scratch::default();
    for (i, (validator, body)) in bodies.into_iter().enumerate() {
        let func = DefinedFuncIndex::from_u32(i as u32);
        let compiled = compiler
            .compile_function(&module, &layout, func, &body, validator, &mut scratch)
            .unwrap_or_else(|error| panic!("{} with {options:?}: {error}", names[i]));
        examine(&names[i], compiled);
    }
}

#[test]
fn each_opcode_compiles_in_every_mode() {
    for options in modes() {
        compile_each(&Compiler::new(options).unwrap(), |_, _| {});
    }
}

/// What a processor lacks is done by other instructions, and not by a call: there is nothing that could be called.
#[test]
fn each_opcode_compiles_for_the_least_processor() {
    for options in modes() {
        let compiler = Compiler::for_least_processor(options);
        assert!(!compiler.extensions.fma && !compiler.extensions.dot_products);
        compile_each(&compiler, |name, compiled| assert!(compiled.calls.is_empty(), "{name} with {options:?}"));
    }
}
