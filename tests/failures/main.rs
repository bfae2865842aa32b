//! What happens when memory runs out: at every allocation and every mapping of a set of scenarios, once and from there on. Nothing ends
//! the process, what fails says why, and afterwards everything works.
//!
//! A debug build, whose compiler is slow, tries a part of the requests where much is compiled; an optimised one tries all but those of
//! `compiling_much`, which are some ten thousand. The name of a test says which part it tries.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Workspace, not_under, root, run};
use libtest_mimic::Failed;
use std::path::PathBuf;
use std::sync::Arc;

/// The scenarios of failures.c, and which part of their requests a debug and an optimised build try: one of so many.
const SCENARIOS: [(&str, usize, usize); 17] = [
    ("engines", 1, 1),
    ("compiling", 31, 1),
    ("compiling_much", 211, 53),
    ("text", 1, 1),
    ("artifacts", 1, 1),
    ("instances", 7, 1),
    ("calling", 7, 1),
    ("references", 7, 1),
    ("traps", 7, 1),
    ("objects", 7, 1),
    ("types", 1, 1),
    ("threads", 1, 1),
    ("defined_types", 1, 1),
    ("heap_objects", 1, 1),
    ("heap_calls", 1, 1),
    ("heap_handles", 4999, 499),
    ("exceptions", 1, 1),
];

fn main() {
    let workspace = Arc::new(Workspace::new("failures"));
    let program = build(&workspace).unwrap_or_else(|error| panic!("{}", error.message().unwrap_or("cc failed")));
    let mut tests = Vec::new();
    for config in ["default", "checked"] {
        for (scenario, debug, optimised) in SCENARIOS {
            let step = if cfg!(debug_assertions) { debug } else { optimised };
            for mode in ["once", "on"] {
                let (workspace, program) = (workspace.clone(), program.clone());
                let part = if step == 1 { String::new() } else { format!(", one request of {step}") };
                let name = format!("{config}/{scenario}/{mode}{part}");
                tests.push(not_under(&["address", "thread"], "its allocator is the one", &name.clone(), move || {
                    let mut command = workspace.command(program);
                    command.args([scenario, mode, &step.to_string()]).env("LIBWASM_CHECK_MODE", config);
                    print!("{config}: {}", run(&mut command, b"")?);
                    Ok(())
                }));
            }
        }
    }
    cc::main(tests);
}

fn build(workspace: &Workspace) -> Result<PathBuf, Failed> {
    let include = format!("-I{}", root().join("tests/c").display());
    workspace.build(&root().join("tests/failures/failures.c"), &["-std=c11", "-D_GNU_SOURCE", &include])
}
