//! What a process does around the library: limits of address space and of stacks, `fork`, `dlopen` with local scope, blocked signals,
//! a floating-point mode of its own, C++ exceptions.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Workspace, installed, needing, not_under, root, run};
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn main() {
    let workspace = Arc::new(Workspace::new("process"));
    let test = |name: &str, body: fn(&Workspace) -> Result<(), Failed>| {
        let workspace = workspace.clone();
        Trial::test(name, move || body(&workspace))
    };
    // A sanitizer's runtime has its own demands on address space and on the order of loading.
    let plainly = |name: &str, reason: &str, body: fn(&Workspace) -> Result<(), Failed>| {
        let workspace = workspace.clone();
        not_under(&["address", "thread"], reason, name, move || body(&workspace))
    };
    cc::main(vec![
        plainly("address space of 4 GB", "its shadow takes terabytes", limited),
        plainly("compiling in 300 MB of address space", "its shadow takes terabytes", |workspace| {
            compiling(workspace, 300_000)
        }),
        plainly("compiling in 600 MB of address space", "its shadow takes terabytes", |workspace| {
            compiling(workspace, 600_000)
        }),
        plainly("20,000 instances, and no address space for more", "its shadow takes terabytes", many),
        test("images of memories, shared by a fork, closed by the host, forbidden by limits", images),
        test("fork after the engine, compile in the children", forked),
        plainly("fork while threads are in the library", "its runtime has locks of its own", busy_forks),
        plainly(
            "fork while threads grow and wait in a shared memory",
            "its runtime has locks of its own",
            shared_forks,
        ),
        plainly("dlopen with local scope, faults, dlclose", "its runtime has to come first", loaded),
        test("threads that block all signals", blocked),
        test("a program built with -ffast-math", fast_math),
        test("a stack limit that is lowered after the first call", |workspace| stacks(workspace, "lowered later")),
        test("a stack limit that is lowered before the first call", |workspace| stacks(workspace, "lowered before")),
        plainly("threads with stacks of 32 KiB and more", "its frames are larger", |workspace| {
            stacks(workspace, "small threads")
        }),
        unlimited_stack(&workspace),
        exceptions(&workspace),
    ]);
}

fn source(name: &str) -> PathBuf {
    root().join("tests/process").join(name)
}

fn build(workspace: &Workspace, name: &str) -> Result<PathBuf, Failed> {
    build_with(workspace, name, &[])
}

fn build_with(workspace: &Workspace, name: &str, flags: &[&str]) -> Result<PathBuf, Failed> {
    let include = format!("-I{}", root().join("tests/c").display());
    let standard = if name.ends_with(".cpp") { "-std=c++17" } else { "-std=c11" };
    workspace.build(&source(name), &[&[standard, "-D_GNU_SOURCE", &include], flags].concat())
}

/// `ulimit -v 4000000`: 4 GB of address space for everything, as on small machines and in batch systems.
fn limited(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "limited.c")?;
    run(workspace.command("sh").args(["-c", "ulimit -v 4000000; exec \"$0\""]).arg(program), b"").map(drop)
}

/// Without signals, where a check is made for each access, so that compiling takes most.
fn compiling(workspace: &Workspace, limit: u32) -> Result<(), Failed> {
    let workspace = Workspace { dir: workspace.dir.join(limit.to_string()), lib: workspace.lib.clone() };
    std::fs::create_dir_all(&workspace.dir)?;
    let program = build(&workspace, "compiling.c")?;
    let command = format!("ulimit -v {limit}; exec \"$0\"");
    run(workspace.command("sh").args(["-c", &command]).arg(program).env("LIBWASM_CHECK_MODE", "checked"), b"").map(drop)
}

fn many(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "many.c")?;
    run(&mut workspace.command(program), b"").map(drop)
}

fn images(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "images.c")?;
    // Leaks cannot be looked for where no file can be opened.
    run(workspace.command(program).env("ASAN_OPTIONS", "detect_leaks=0"), b"").map(drop)
}

fn forked(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "forked.c")?;
    run(&mut workspace.command(program), b"").map(drop)
}

fn shared_forks(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "shared_forks.c")?;
    run(&mut workspace.command(program), b"").map(drop)
}

fn busy_forks(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "busy_forks.c")?;
    run(&mut workspace.command(program), b"").map(drop)
}

/// Built without the library; it finds it at run time, as language runtimes do.
fn loaded(workspace: &Workspace) -> Result<(), Failed> {
    let program = workspace.dir.join("loaded");
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-I"]).arg(root().join("include"));
    compiler.arg(source("loaded.c")).arg("-o").arg(&program).arg("-ldl").arg("-lpthread");
    run(&mut compiler, b"")?;
    let library: &Path = &workspace.lib.join("libwasm.so");
    run(workspace.command(program).arg(library), b"").map(drop)
}

fn blocked(workspace: &Workspace) -> Result<(), Failed> {
    let program = build(workspace, "blocked.c")?;
    run(&mut workspace.command(program), b"").map(drop)
}

fn fast_math(workspace: &Workspace) -> Result<(), Failed> {
    let program = build_with(workspace, "fast_math.c", &["-ffast-math"])?;
    run(&mut workspace.command(program), b"").map(drop)
}

fn stacks(workspace: &Workspace, case: &str) -> Result<(), Failed> {
    run(workspace.command(stacks_program(workspace)?).arg(case), b"").map(drop)
}

/// Built once: several tests run it at the same time.
fn stacks_program(workspace: &Workspace) -> Result<PathBuf, Failed> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().map_err(|_| "another test panicked")?;
    if built.is_none() {
        *built = Some(build(workspace, "stacks.c")?);
    }
    Ok(built.clone().expect("just built"))
}

/// `ulimit -s unlimited`, where the machine's hard limit allows it.
fn unlimited_stack(workspace: &Arc<Workspace>) -> Trial {
    const COMMAND: &str = "ulimit -s unlimited; exec \"$0\" unlimited";
    let allowed = std::process::Command::new("sh").args(["-c", "ulimit -s unlimited"]).output();
    let missing = (!allowed.is_ok_and(|output| output.status.success()))
        .then(|| "the hard limit of the stack's size is not unlimited".to_owned());
    let workspace = workspace.clone();
    let name = "a stack without a limit";
    let body =
        move || run(workspace.command("sh").args(["-c", COMMAND]).arg(stacks_program(&workspace)?), b"").map(drop);
    match missing {
        Some(_) => needing(name, missing, body),
        None => not_under(&["thread"], "its runtime sets a limit", name, body),
    }
}

/// In both modes: faults are signals, or checked for.
fn exceptions(workspace: &Arc<Workspace>) -> Trial {
    let missing = (!installed("c++")).then(|| "no C++ compiler (c++)".to_owned());
    let workspace = workspace.clone();
    needing("C++ exceptions that leave callbacks", missing, move || {
        let program = build(&workspace, "exceptions.cpp")?;
        run(&mut workspace.command(&program), b"")?;
        run(workspace.command(&program).env("LIBWASM_CHECK_MODE", "checked"), b"").map(drop)
    })
}
