//! C that clang compiles to WebAssembly, with 32-bit and 64-bit memories, computes what it computes on the machine.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Workspace, installed, needing, root, run};
use libtest_mimic::Failed;
use std::process::Command;
use std::sync::Arc;

fn main() {
    let workspace = Arc::new(Workspace::new("compiled"));
    let missing = [("clang", "clang"), ("wasm-ld", "lld")].into_iter().find(|(program, _)| !installed(program));
    let missing = missing.map(|(program, package)| format!("{program} is not installed (Debian's package {package})"));
    let mut tests = Vec::new();
    for bits in [32, 64] {
        for mode in ["default", "checked"] {
            let workspace = workspace.clone();
            let name = format!("memories of {bits} bits/{mode}");
            tests.push(needing(&name, missing.clone(), move || compiled(&workspace, bits, mode)));
        }
    }
    cc::main(tests);
}

fn compiled(workspace: &Workspace, bits: u32, mode: &str) -> Result<(), Failed> {
    let folder = root().join("tests/compiled");
    // So that tests side by side do not write the same files.
    let workspace = Workspace { dir: workspace.dir.join(format!("{bits}-{mode}")), lib: workspace.lib.clone() };
    std::fs::create_dir_all(&workspace.dir)?;
    let guest = workspace.dir.join("guest.wasm");
    let mut clang = Command::new("clang");
    clang.args([&format!("--target=wasm{bits}"), "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory"]);
    clang.arg("-Wl,--no-entry").arg("-o").arg(&guest).arg(folder.join("guest.c"));
    run(&mut clang, b"")?;
    // The same on the machine itself.
    let native = workspace.dir.join("native");
    let mut cc = Command::new("cc");
    cc.arg("-O2").arg("-o").arg(&native).arg(folder.join("guest.c"));
    run(&mut cc, b"")?;
    let wanted = run(&mut Command::new(&native), b"")?;

    let include = format!("-I{}", root().join("tests/c").display());
    let host = workspace.build(&folder.join("host.c"), &["-std=c11", &include])?;
    let given = run(workspace.command(host).arg(&guest).env("LIBWASM_CHECK_MODE", mode), b"")?;
    if given != wanted || wanted.lines().count() != 18 {
        return Err(format!("the machine computes\n{wanted}and WebAssembly\n{given}").into());
    }
    Ok(())
}
