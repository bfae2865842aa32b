//! Golden intermediate code: what each `golden/*.wat` and a few trampolines become, before Cranelift optimizes.
//!
//! `UPDATE_GOLDEN=1 cargo test --lib golden` writes the files anew; read the difference before committing it.

use super::*;
use crate::module::{ParsedModule, parse};
use crate::types::ValType::{self, *};
use std::fmt::Write;
use std::path::Path;

const MODES: [(&str, CompileOptions); 3] = [
    ("guarded", CompileOptions::DEFAULT),
    ("checked", CompileOptions { guard_pages: false, ..CompileOptions::DEFAULT }),
    ("no-signals", CompileOptions { signals: false, guard_pages: false, ..CompileOptions::DEFAULT }),
];

fn compare(name: &str, given: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compiler/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, given).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(wanted == given, "{name} differs; UPDATE_GOLDEN=1 writes it anew. Now:\n{given}");
}

fn translate_all(text: &str, options: CompileOptions) -> String {
    let bytes = wat::parse_str(text).unwrap();
    let ParsedModule { module, bodies } = parse(&bytes, options.features).unwrap();
    let layout = module.context_layout().unwrap();
    let config = Compiler::new(options).unwrap().isa.frontend_config();
    let extensions = Extensions { fma: true, dot_products: true };
    let mut out = String::new();
    for (i, (validator, body)) in bodies.into_iter().enumerate() {
        let mut ctx = Context::new();
        let index = module.func_index(DefinedFuncIndex::from_u32(i as u32));
        ctx.func.name = UserFuncName::user(0, index.as_u32());
        let mut validator = validator.into_validator(Default::default());
        let context = translate::FuncContext { module: &module, layout: &layout, options, extensions, config };
        let mut builder = FunctionBuilderContext::new();
        translate::translate(&mut ctx.func, &mut builder, context, index, &body, &mut validator).unwrap();
        let name = module.func_name(index).unwrap_or_default();
        write!(out, ";; ${name}\n{}\n", ctx.func.display()).unwrap();
    }
    out
}

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compiler/golden").join(format!("{name}.wat"));
    let text = std::fs::read_to_string(path).unwrap();
    for (mode, options) in MODES {
        compare(&format!("{name}.{mode}.clif"), &translate_all(&text, options));
    }
}

#[test]
fn memory() {
    check("memory");
}

#[test]
fn memory64() {
    check("memory64");
}

#[test]
fn calls() {
    check("calls");
}

#[test]
fn trampolines() {
    let config = Compiler::new(MODES[0].1).unwrap().isa.frontend_config();
    let types: [(&[ValType], &[ValType]); 4] = [
        (&[], &[]),
        (&[I32, F64], &[I64, F32]),
        (&[V128, ValType::EXTERNREF], &[ValType::FUNCREF]),
        (&[I32; 300], &[]),
    ];
    let mut out = String::new();
    for (params, results) in types {
        let ty = FuncType { params: params.into(), results: results.into() };
        let shown = if params.len() < 10 { ty.to_string() } else { format!("{} x {}", params.len(), params[0]) };
        for (direction, host_to_wasm) in [("host to wasm", true), ("wasm to host", false)] {
            let mut func = cranelift_codegen::ir::Function::new();
            let mut builder = FunctionBuilderContext::new();
            match host_to_wasm {
                true => trampoline::host_to_wasm(&mut func, &mut builder, config, &ty),
                false => trampoline::wasm_to_host(&mut func, &mut builder, config, &ty),
            }
            // The long ones are here for their check of the stack, which comes first.
            let text: String = func.display().to_string().lines().take(60).fold(String::new(), |s, l| s + l + "\n");
            write!(out, ";; {shown}, {direction}\n{text}\n").unwrap();
        }
    }
    compare("trampolines.clif", &out);
}
