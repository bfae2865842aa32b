//! The C surface as a compiler and a linker see it: the header's prototypes are the standard's, and the shared library
//! exports them all and nothing foreign.
//!
//! `tests/abi/prototypes.tsv` holds the standard's 293 prototypes; `tests/abi/layout.c` what else a program sees of the header.

mod cc;

use cc::{installed, needing, root};
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let no_cpp = (!installed("c++")).then(|| "c++ is not installed (Debian's package g++)".to_string());
    let test = |name: &str, body: fn()| Trial::test(name, move || ran(body));
    let in_cpp = |name: &str, body: fn()| needing(name, no_cpp.clone(), move || ran(body));
    cc::main(vec![
        test("the standard has 293 functions", the_standard_has_293_functions),
        test("prototypes agree and link: C", || prototypes_agree_and_link("c")),
        in_cpp("prototypes agree and link: C++", || prototypes_agree_and_link("c++")),
        test("layouts, macros and inlines are the standard's: C", || layouts_macros_and_inlines("c")),
        in_cpp("layouts, macros and inlines are the standard's: C++", || layouts_macros_and_inlines("c++")),
        test("every standard from C99 on", || every_standard("c", &["c99", "c11", "c17", "c2x"])),
        in_cpp("every standard from C++11 on", || {
            every_standard("c++", &["c++11", "c++14", "c++17", "c++20", "c++23"])
        }),
        test(
            "the library exports the standard and nothing foreign",
            the_library_exports_the_standard_and_nothing_foreign,
        ),
        test("a soname, and loading with local scope", the_library_has_a_soname_and_loads_with_local_scope),
    ]);
}

/// A panic, with its place, is what the harness reports as a failure.
fn ran(body: fn()) -> Result<(), Failed> {
    body();
    Ok(())
}

/// Name and prototype of every function of the standard.
fn prototypes() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("abi/prototypes.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').unwrap()).collect()
}

/// The directory of the test, in which cargo puts what it builds for it.
fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.parent().unwrap().parent().unwrap().to_owned()
}

/// The library: the newest, as `cargo test` leaves it in `deps` and `cargo build` beside that.
fn library() -> PathBuf {
    let candidates = [target().join("libwasm.so"), target().join("deps/libwasm.so")];
    let built = |path: &&PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    let newest = candidates.iter().filter(|path| built(path).is_some()).max_by_key(built);
    newest.unwrap_or_else(|| panic!("none of {candidates:?} is built")).clone()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A compiler run over a file of this test, with every warning an error.
fn compile(language: &str, source: &Path) -> Command {
    let (compiler, standard) = if language == "c" { ("cc", "-std=c99") } else { ("c++", "-std=c++11") };
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-x", language]).arg(source);
    command.arg("-I").arg(root().join("include"));
    command
}

/// A program that assigns every function to a pointer of the standard's type, and looks at them all.
fn pointers() -> String {
    let mut text = String::from("#include <wasm.h>\n#include <libwasm.h>\n#define own\n");
    let prototypes = prototypes();
    for (name, prototype) in &prototypes {
        let pointer = prototype.replacen(&format!("{name}("), &format!("(*p_{name})("), 1);
        writeln!(text, "{pointer} = {name};").unwrap();
    }
    text.push_str("int main(void) {\n  int missing = 0;\n");
    for (name, _) in &prototypes {
        writeln!(text, "  missing += p_{name} == NULL;").unwrap();
    }
    text.push_str("  return missing;\n}\n");
    text
}

fn the_standard_has_293_functions() {
    let names: BTreeSet<_> = prototypes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 293);
}

/// Compiles a file as a program that uses the library, and runs it.
fn build_and_run(language: &str, source: &Path) {
    let library = library();
    let directory = library.parent().unwrap();
    let name = source.file_stem().unwrap().to_str().unwrap();
    let program = target().join(format!("abi_{name}_{}", if language == "c" { "c" } else { "cpp" }));
    run(compile(language, source).args(["-x", "none"]).arg("-o").arg(&program).arg(&library));
    run(Command::new(&program).env("LD_LIBRARY_PATH", directory));
}

fn prototypes_agree_and_link(language: &str) {
    let source = target().join(format!("pointers-{language}.c"));
    std::fs::write(&source, pointers()).unwrap();
    build_and_run(language, &source);
}

fn layouts_macros_and_inlines(language: &str) {
    build_and_run(language, &root().join("tests/abi/layout.c"));
}

/// The headers, and a program that uses all that is in them, without a warning in any standard that the compiler knows, the first of which
/// it must.
fn every_standard(language: &str, standards: &[&str]) {
    let source = root().join("tests/abi/layout.c");
    for standard in standards {
        let mut command = compile(language, &source);
        // The last one given counts.
        command.arg(format!("-std={standard}")).arg("-fsyntax-only");
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        let unknown = errors.contains("unrecognized command-line option") || errors.contains("invalid value");
        assert!(output.status.success() || unknown && *standard != standards[0], "{command:?}:\n{errors}");
    }
}

fn the_library_exports_the_standard_and_nothing_foreign() {
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library()));
    let exported: BTreeSet<_> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let missing: Vec<_> =
        prototypes().into_iter().map(|(name, _)| name).filter(|name| !exported.contains(name)).collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
    let standard: BTreeSet<_> = prototypes().into_iter().map(|(name, _)| name).collect();
    let ours = |name: &&&str| standard.contains(**name) || name.starts_with("libwasm_") || name.starts_with("wasi_");
    let foreign: Vec<_> = exported.iter().filter(|name| !ours(name)).collect();
    assert!(foreign.is_empty(), "foreign symbols are exported: {foreign:?}");
}

fn the_library_has_a_soname_and_loads_with_local_scope() {
    let header = run(Command::new("readelf").arg("-d").arg(library()));
    assert!(header.contains("Library soname: [libwasm.so.0]"), "{header}");
    let source = root().join("tests/abi/local.c");
    let program = target().join("abi_local");
    run(compile("c", &source).arg("-o").arg(&program).arg("-ldl"));
    run(Command::new(&program).arg(library()));
}
