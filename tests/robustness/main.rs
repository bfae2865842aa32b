//! Every exported function, called with NULL for each pointer and for all, with wrong kinds, objects of other stores and engines, and
//! random bytes: it must survive, leave the store working, write its `out` parameters, and record a reason where an object was needed.
//! Where there is a reason the result is the default of its type and what was written is empty; where there is none the result is
//! something (`results.rs`), which can be deleted. The calls are generated from the prototypes; each runs in a process of its own.

#[path = "../cc/mod.rs"]
mod cc;

mod cases;
mod prototype;
mod results;

use cc::{Workspace, root, run};
use libtest_mimic::Trial;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn main() {
    let mut functions = prototype::standard(&read("tests/abi/prototypes.tsv"));
    assert_eq!(functions.len(), 293, "the standard's functions");
    functions.extend(prototype::declared(&read("include/libwasm.h"), "libwasm_"));
    let workspace = Arc::new(Workspace::new("robustness"));
    let program = build(&workspace, &functions);
    let mut tests = Vec::new();
    for function in functions {
        let (workspace, program) = (workspace.clone(), program.clone());
        tests.push(Trial::test(function.name.clone(), move || {
            run(workspace.command(&program).arg(&function.name), b"").map(drop)
        }));
    }
    cc::main(tests);
}

fn build(workspace: &Workspace, functions: &[prototype::Prototype]) -> PathBuf {
    let mut text = String::from("#include \"fixtures.h\"\n\n");
    for function in functions {
        text.push_str(&cases::code(function));
    }
    text.push_str("const struct attempt attempts[] = {\n");
    for function in functions {
        writeln!(text, "  {{\"{0}\", try_{0}}},", function.name).expect("a string takes everything");
    }
    text.push_str("  {NULL, NULL},\n};\n");
    let source = workspace.dir.join("robustness.c");
    fs::write(&source, text).expect("a place for the program");
    let include = |path: &str| format!("-I{}", root().join(path).display());
    // NULL for everything is the point: the compiler must not mind.
    let flags = ["-std=c11", "-D_GNU_SOURCE", "-Wno-nonnull", "-Wno-pedantic"];
    let includes = [include("tests/c"), include("tests/robustness")];
    let flags: Vec<&str> = flags.into_iter().chain(includes.iter().map(String::as_str)).collect();
    workspace.build(&source, &flags).unwrap_or_else(|error| panic!("{}", error.message().unwrap_or("cc failed")))
}
