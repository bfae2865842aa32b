//! The C tests, a program for each section of `wasm.h`: run under AddressSanitizer, with leak detection and
//! UndefinedBehaviorSanitizer, and under valgrind.
//!
//! valgrind can't have the default's large reservations and faults, so the programs run there without signal handlers and
//! without reserved memories (`LIBWASM_CHECK_MODE=checked`, see `tests/c/check.h`); they also run so without valgrind.
//! Nothing of the library's is suppressed; `tests/c/valgrind.supp` says what is, and whose it is.
//!
//! Where the library itself was built with a sanitizer (`LIBWASM_SANITIZER`, see `tests/cc`), that one is used for all.

mod cc;

use cc::{Workspace, installed, needing, part_not_under, root, run, sanitizer};
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const SANITIZERS: [&str; 4] =
    ["-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
/// For a library that brings a sanitizer of its own.
const NO_SANITIZERS: [&str; 2] = ["-std=c11", "-fno-omit-frame-pointer"];

fn main() {
    let (sanitized, plain) = (Arc::new(Workspace::new("c-sanitized")), Arc::new(Workspace::new("c-plain")));
    let without_valgrind = (!installed("valgrind")).then(|| "valgrind is not installed".to_string());
    let mut tests = Vec::new();
    for source in sources() {
        let name = source.file_stem().and_then(|name| name.to_str()).expect("a name that is text").to_string();
        for mode in ["default", "checked"] {
            let (workspace, source) = (sanitized.clone(), source.clone());
            tests.push(Trial::test(format!("sanitized/{mode}/{name}"), move || {
                under_sanitizers(&workspace, &source, mode)
            }));
        }
        if sanitizer().is_some() {
            continue;
        }
        let workspace = plain.clone();
        tests.push(needing(&format!("valgrind/checked/{name}"), without_valgrind.clone(), move || {
            under_valgrind(&workspace, &source)
        }));
    }
    let reason = "its record of a stack's frames outlives the coroutine that had them";
    tests.extend(part_not_under(&["address", "thread"], reason, "sanitized/*/coroutines: those that never go on"));
    cc::main(tests);
}

fn sources() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("tests/c")).expect("the directory of the C tests");
    let mut sources: Vec<_> = files.map(|file| file.expect("a file of the C tests").path()).collect();
    sources.retain(|file| file.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    sources
}

/// A workspace within `workspace` for one run, so that runs side by side don't write the same program.
fn build(workspace: &Workspace, source: &Path, mode: &str, flags: &[&str]) -> Result<PathBuf, Failed> {
    let dir = workspace.dir.join(mode);
    fs::create_dir_all(&dir)?;
    Workspace { dir, lib: workspace.lib.clone() }.build(source, flags)
}

fn under_sanitizers(workspace: &Workspace, source: &Path, mode: &str) -> Result<(), Failed> {
    let flags: &[&str] = if sanitizer().is_some() { &NO_SANITIZERS } else { &SANITIZERS };
    let program = build(workspace, source, mode, flags)?;
    let mut command = workspace.command(program);
    command.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1");
    command.env("UBSAN_OPTIONS", "print_stacktrace=1").env("LIBWASM_CHECK_MODE", mode);
    if cfg!(feature = "stress") {
        command.env("LIBWASM_CHECK_STRESS", "1");
    }
    run(&mut command, b"").map(drop)
}

fn under_valgrind(workspace: &Workspace, source: &Path) -> Result<(), Failed> {
    let program = build(workspace, source, "valgrind", &["-std=c11"])?;
    let mut command: Command = workspace.command("valgrind");
    command.args(["--quiet", "--leak-check=full", "--error-exitcode=9", "--num-callers=40"]);
    command.arg(format!("--suppressions={}", root().join("tests/c/valgrind.supp").display())).arg(program);
    command.env("LIBWASM_CHECK_MODE", "checked");
    run(&mut command, b"").map(drop)
}
