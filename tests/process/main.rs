//! What a process does around the library: limits of address space and of stacks, `fork`, `dlopen` with local scope, blocked signals,
//! a floating-point mode of its own, C++ exceptions.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Room, installed, needing, not_under, root, run};
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn main() {
    let room = Arc::new(Room::new("process"));
    let test = |name: &str, body: fn(&Room) -> Result<(), Failed>| {
        let room = room.clone();
        Trial::test(name, move || body(&room))
    };
    // A sanitizer's runtime has its own demands on address space and on the order of loading.
    let plainly = |name: &str, reason: &str, body: fn(&Room) -> Result<(), Failed>| {
        let room = room.clone();
        not_under(&["address", "thread"], reason, name, move || body(&room))
    };
    cc::main(vec![
        plainly("address space of 4 GB", "its shadow takes terabytes", limited),
        plainly("compiling in 300 MB of address space", "its shadow takes terabytes", |room| compiling(room, 300_000)),
        plainly("compiling in 600 MB of address space", "its shadow takes terabytes", |room| compiling(room, 600_000)),
        plainly("20,000 instances, and no address space for more", "its shadow takes terabytes", many),
        test("images of memories, shared by a fork, closed by the host, forbidden by limits", images),
        test("fork after the engine, compile in the children", forked),
        plainly("fork while threads are in the library", "its runtime has locks of its own", busy_forks),
        plainly("dlopen with local scope, faults, dlclose", "its runtime has to come first", loaded),
        test("threads that block all signals", blocked),
        test("a program built with -ffast-math", fast_math),
        test("a stack limit that is lowered after the first call", |room| stacks(room, "lowered later")),
        test("a stack limit that is lowered before the first call", |room| stacks(room, "lowered before")),
        plainly("threads with stacks of 32 KiB and more", "its frames are larger", |room| {
            stacks(room, "small threads")
        }),
        unlimited_stack(&room),
        exceptions(&room),
    ]);
}

fn source(name: &str) -> PathBuf {
    root().join("tests/process").join(name)
}

fn build(room: &Room, name: &str) -> Result<PathBuf, Failed> {
    build_with(room, name, &[])
}

fn build_with(room: &Room, name: &str, flags: &[&str]) -> Result<PathBuf, Failed> {
    let include = format!("-I{}", root().join("tests/c").display());
    let standard = if name.ends_with(".cpp") { "-std=c++17" } else { "-std=c11" };
    room.build(&source(name), &[&[standard, "-D_GNU_SOURCE", &include], flags].concat())
}

/// `ulimit -v 4000000`: 4 GB of address space for everything, as on small machines and in batch systems.
fn limited(room: &Room) -> Result<(), Failed> {
    let program = build(room, "limited.c")?;
    run(room.command("sh").args(["-c", "ulimit -v 4000000; exec \"$0\""]).arg(program), b"").map(drop)
}

/// Without signals, where a check is made for each access, so that compiling takes most.
fn compiling(room: &Room, limit: u32) -> Result<(), Failed> {
    let room = Room { dir: room.dir.join(limit.to_string()), lib: room.lib.clone() };
    std::fs::create_dir_all(&room.dir)?;
    let program = build(&room, "compiling.c")?;
    let command = format!("ulimit -v {limit}; exec \"$0\"");
    run(room.command("sh").args(["-c", &command]).arg(program).env("LIBWASM_CHECK_MODE", "checked"), b"").map(drop)
}

fn many(room: &Room) -> Result<(), Failed> {
    let program = build(room, "many.c")?;
    run(&mut room.command(program), b"").map(drop)
}

fn images(room: &Room) -> Result<(), Failed> {
    let program = build(room, "images.c")?;
    // Leaks cannot be looked for where no file can be opened.
    run(room.command(program).env("ASAN_OPTIONS", "detect_leaks=0"), b"").map(drop)
}

fn forked(room: &Room) -> Result<(), Failed> {
    let program = build(room, "forked.c")?;
    run(&mut room.command(program), b"").map(drop)
}

fn busy_forks(room: &Room) -> Result<(), Failed> {
    let program = build(room, "busy_forks.c")?;
    run(&mut room.command(program), b"").map(drop)
}

/// Built without the library; it finds it at run time, as language runtimes do.
fn loaded(room: &Room) -> Result<(), Failed> {
    let program = room.dir.join("loaded");
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-I"]).arg(root().join("include"));
    compiler.arg(source("loaded.c")).arg("-o").arg(&program).arg("-ldl").arg("-lpthread");
    run(&mut compiler, b"")?;
    let library: &Path = &room.lib.join("libwasm.so");
    run(room.command(program).arg(library), b"").map(drop)
}

fn blocked(room: &Room) -> Result<(), Failed> {
    let program = build(room, "blocked.c")?;
    run(&mut room.command(program), b"").map(drop)
}

fn fast_math(room: &Room) -> Result<(), Failed> {
    let program = build_with(room, "fast_math.c", &["-ffast-math"])?;
    run(&mut room.command(program), b"").map(drop)
}

fn stacks(room: &Room, case: &str) -> Result<(), Failed> {
    run(room.command(stacks_program(room)?).arg(case), b"").map(drop)
}

/// Built once: several tests run it at the same time.
fn stacks_program(room: &Room) -> Result<PathBuf, Failed> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().map_err(|_| "another test panicked")?;
    if built.is_none() {
        *built = Some(build(room, "stacks.c")?);
    }
    Ok(built.clone().expect("just built"))
}

/// `ulimit -s unlimited`, where the machine's hard limit allows it.
fn unlimited_stack(room: &Arc<Room>) -> Trial {
    const COMMAND: &str = "ulimit -s unlimited; exec \"$0\" unlimited";
    let allowed = std::process::Command::new("sh").args(["-c", "ulimit -s unlimited"]).output();
    let missing = (!allowed.is_ok_and(|output| output.status.success()))
        .then(|| "the hard limit of the stack's size is not unlimited".to_owned());
    let room = room.clone();
    let name = "a stack without a limit";
    let body = move || run(room.command("sh").args(["-c", COMMAND]).arg(stacks_program(&room)?), b"").map(drop);
    match missing {
        Some(_) => needing(name, missing, body),
        None => not_under(&["thread"], "its runtime sets a limit", name, body),
    }
}

/// In both modes: faults are signals, or checked for.
fn exceptions(room: &Arc<Room>) -> Trial {
    let missing = (!installed("c++")).then(|| "no C++ compiler (c++)".to_owned());
    let room = room.clone();
    needing("C++ exceptions that leave callbacks", missing, move || {
        let program = build(&room, "exceptions.cpp")?;
        run(&mut room.command(&program), b"")?;
        run(room.command(&program).env("LIBWASM_CHECK_MODE", "checked"), b"").map(drop)
    })
}
