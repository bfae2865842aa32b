//! Builds each program of `examples-c/` with the C compiler, runs it, and compares what it prints.

mod cc;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cc::{Workspace, installed, needing, output, root, run, same};
use libtest_mimic::{Failed, Trial};

/// The examples that are one module, one program and one expected output.
const EXAMPLES: [&str; 16] = [
    "hello",
    "callback",
    "trap",
    "start",
    "reflect",
    "global",
    "table",
    "memory",
    "hostref",
    "finalize",
    "serialize",
    "threads",
    "multi",
    "objects",
    "exceptions",
    "workers",
];

fn main() {
    let workspace = Arc::new(Workspace::new("examples"));
    let mut tests = Vec::new();
    for name in EXAMPLES {
        let workspace = workspace.clone();
        tests.push(Trial::test(name, move || example(&workspace, name)));
        tests.push(Trial::test(format!("{name}.wasm is what {name}.wat says"), move || same_module(name)));
    }
    tests.push(Trial::test("every file belongs to an example", every_file));
    tests.push({
        let workspace = workspace.clone();
        Trial::test("run", move || run_program(&workspace))
    });
    tests.push(needing("sqlite", missing_for_sqlite(), move || sqlite(&workspace)));
    cc::main(tests);
}

fn examples() -> PathBuf {
    root().join("examples-c")
}

fn example(workspace: &Workspace, name: &str) -> Result<(), Failed> {
    let program = workspace.build(&examples().join(name).with_extension("c"), &["-std=c99"])?;
    let expected = fs::read_to_string(examples().join(name).with_extension("expected"))?;
    same(&run(&mut workspace.command(program), b"")?, &expected)
}

/// The committed binary is exactly what the text says.
fn same_module(name: &str) -> Result<(), Failed> {
    let text = examples().join(name).with_extension("wat");
    let binary = fs::read(text.with_extension("wasm"))?;
    if wat::parse_file(&text)? == binary {
        return Ok(());
    }
    Err(format!("examples-c/{name}.wasm is not what examples-c/{name}.wat says: make it again").into())
}

/// A file that no test looks at would rot.
fn every_file() -> Result<(), Failed> {
    let others = ["example.h", "run.c", "sqlite.c", "sqlite_guest.c", "sqlite.sql", "sqlite.expected"];
    for entry in fs::read_dir(examples())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name that is not text")?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a name that is not text")?;
        if !others.contains(&name) && !EXAMPLES.contains(&stem) {
            return Err(format!("examples-c/{name} belongs to no example").into());
        }
    }
    Ok(())
}

/// One use of `run`: its arguments, the status it ends with, and pieces that it must print, in this order.
struct Use {
    args: &'static [&'static str],
    status: i32,
    prints: &'static [&'static str],
}

const USES: &[Use] = &[
    Use { args: &[], status: 2, prints: &["usage: run FILE[.wat] [EXPORT [ARGS...]]"] },
    Use {
        args: &["examples-c/reflect.wasm"],
        status: 0,
        prints: &["import \"env\" \"log\": func (i32, i32) -> ()", "export \"callbacks\": table 4..8 funcref"],
    },
    Use { args: &["examples-c/serialize.wat", "fib", "20"], status: 0, prints: &["6765\n"] },
    Use { args: &["examples-c/serialize.wasm", "fib", "0x14"], status: 0, prints: &["6765\n"] },
    Use { args: &["examples-c/values.wat", "swap", "-1", "0.5"], status: 0, prints: &["0.5\n-1\n"] },
    Use { args: &["examples-c/values.wat", "wide"], status: 0, prints: &["0x00000004000000030000000200000001\n"] },
    Use { args: &["examples-c/values.wat", "null", "null"], status: 0, prints: &["null\n"] },
    Use { args: &["examples-c/values.wat", "self"], status: 0, prints: &["funcref\n"] },
    Use {
        args: &["examples-c/values.wat", "crash"],
        status: 3,
        prints: &["trap: integer divide by zero", "at \"divide\", function 4, offset", "at function 5, offset"],
    },
    Use {
        args: &["examples-c/nowhere.wasm"],
        status: 1,
        prints: &["error: cannot open examples-c/nowhere.wasm: No such"],
    },
    Use {
        args: &["examples-c/sqlite.sql"],
        status: 1,
        prints: &["error: cannot load examples-c/sqlite.sql: ", "offset"],
    },
    Use { args: &["examples-c/broken.wasm"], status: 1, prints: &["error: cannot load ", "(at offset 0x"] },
    Use { args: &["examples-c/broken.wat"], status: 1, prints: &["error: cannot read the text of ", "broken.wat: "] },
    Use { args: &["examples-c/empty.wasm"], status: 1, prints: &["error: cannot read "] },
    Use {
        args: &["examples-c/serialize.wat", "fob", "20"],
        status: 1,
        prints: &["error: the module exports no \"fob\"; its functions are: \"fib\""],
    },
    Use {
        args: &["examples-c/global.wat", "limit"],
        status: 1,
        prints: &["error: the export \"limit\" is not a function"],
    },
    Use {
        args: &["examples-c/serialize.wat", "fib"],
        status: 1,
        prints: &["error: the function takes 1 argument, 0 given; its type is (i32) -> (i64)"],
    },
    Use {
        args: &["examples-c/serialize.wat", "fib", "twenty"],
        status: 1,
        prints: &["error: argument 1, \"twenty\", is not a value of type i32"],
    },
    Use {
        args: &["examples-c/serialize.wat", "fib", "4294967296"],
        status: 1,
        prints: &["is not a value of type i32"],
    },
    Use {
        args: &["examples-c/callback.wat", "run", "3"],
        status: 1,
        prints: &["error: run has nothing to import from", "\"host\" \"add\""],
    },
    Use {
        args: &["examples-c/bad_start.wat", "f"],
        status: 3,
        prints: &["while instantiating: trap: unreachable", "function 0"],
    },
];

/// Modules that only these tests need, written where `run` is started.
const MODULES: [(&str, &[u8]); 5] = [
    (
        "values.wat",
        br#"(module
          (func (export "swap") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
          (func (export "wide") (result v128) (v128.const i32x4 1 2 3 4))
          (func (export "null") (param externref) (result externref) (local.get 0))
          (func $self (export "self") (result funcref) (ref.func $self))
          (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
          (func (export "crash") (result i32) (call $divide (i32.const 0))))"#,
    ),
    ("bad_start.wat", b"(module (func $start (unreachable)) (start $start) (func (export \"f\")))"),
    ("broken.wat", b"(module\n  (func (export \"f\") (i32.const)))\n"),
    ("broken.wasm", b"\0asm\x01\0\0\0\x01\x05\x01\x60\x00\x01\x00"),
    ("empty.wasm", b""),
];

fn run_program(workspace: &Workspace) -> Result<(), Failed> {
    let program = workspace.build(&examples().join("run.c"), &["-std=c99"])?;
    for (name, bytes) in MODULES {
        fs::write(workspace.dir.join(name), bytes)?;
    }
    for case in USES {
        let args = case.args.iter().map(|arg| match arg.strip_prefix("examples-c/") {
            Some(name) if MODULES.iter().any(|module| module.0 == name) => workspace.dir.join(name).into_os_string(),
            _ => arg.into(),
        });
        let output = output(workspace.command(&program).args(args), b"")?;
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.code() != Some(case.status) {
            return Err(format!("run {:?} ended with {}:\n{printed}", case.args, output.status).into());
        }
        let mut rest = printed.as_str();
        for piece in case.prints {
            let Some(at) = rest.find(piece) else {
                return Err(format!("run {:?} does not print {piece:?} but\n{printed}", case.args).into());
            };
            rest = &rest[at + piece.len()..];
        }
    }
    Ok(())
}

// ---- SQLite, compiled to WebAssembly ----

/// What SQLite needs to know about WASI, as it sets it for itself on other systems: no threads, no shared libraries.
const SQLITE_FLAGS: [&str; 11] = [
    "--target=wasm32-wasi",
    "-O2",
    "-w",
    "-DSQLITE_THREADSAFE=0",
    "-DSQLITE_OMIT_LOAD_EXTENSION",
    "-DLONGDOUBLE_TYPE=double",
    "-D_WASI_EMULATED_MMAN",
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_SIGNAL",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-c",
];

const SQLITE_LIBRARIES: [&str; 4] =
    ["-lwasi-emulated-mman", "-lwasi-emulated-getpid", "-lwasi-emulated-signal", "-lwasi-emulated-process-clocks"];

fn missing_for_sqlite() -> Option<String> {
    for (program, package) in [("clang", "clang"), ("wasm-ld", "lld")] {
        if !installed(program) {
            return Some(format!("{program} is not installed (Debian's package {package})"));
        }
    }
    for (path, package) in
        [("/usr/include/wasm32-wasi/stdio.h", "wasi-libc"), ("/usr/lib/clang", "libclang-rt-dev-wasm32")]
    {
        if !Path::new(path).exists() {
            return Some(format!("{path} is not there (Debian's package {package})"));
        }
    }
    sqlite_source().err()
}

/// The directory of SQLite's amalgamation: cargo keeps it as part of a package that this one names but never builds.
fn sqlite_source() -> Result<PathBuf, String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root());
    let output = command.output().map_err(|e| format!("cargo metadata: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split("\"manifest_path\":\"")
        .filter_map(|rest| Path::new(rest.split('"').next()?).parent().map(|dir| dir.join("sqlite3")))
        .find(|dir| dir.join("sqlite3.c").exists())
        .ok_or_else(|| "cargo could not fetch libsqlite3-sys, which carries SQLite's source".to_owned())
}

/// Compiles the guest. SQLite itself takes a minute, so its object file is kept, under the version's name.
fn build_guest(workspace: &Workspace) -> Result<PathBuf, Failed> {
    let source = sqlite_source()?;
    let version = source.parent().and_then(Path::file_name).ok_or("the source's version")?;
    let object = workspace.dir.join(version).with_extension("o");
    if !object.exists() {
        let partial = object.with_extension("partial");
        let mut command = Command::new("clang");
        command.args(SQLITE_FLAGS).arg(source.join("sqlite3.c")).arg("-o").arg(&partial);
        run(&mut command, b"")?;
        fs::rename(&partial, &object)?;
    }
    let program = workspace.dir.join("sqlite.wasm");
    let mut command = Command::new("clang");
    command.args(["--target=wasm32-wasi", "-O2"]).arg("-I").arg(&source);
    command.arg(examples().join("sqlite_guest.c")).arg(&object).arg("-o").arg(&program).args(SQLITE_LIBRARIES);
    run(&mut command, b"")?;
    Ok(program)
}

fn sqlite(workspace: &Workspace) -> Result<(), Failed> {
    let guest = build_guest(workspace)?;
    let host = workspace.build(&examples().join("sqlite.c"), &["-std=c99"])?;
    let input = fs::read(examples().join("sqlite.sql"))?;
    let expected = fs::read_to_string(examples().join("sqlite.expected"))?;
    same(&run(workspace.command(&host).arg(&guest).arg("books"), &input)?, &expected)?;

    // The guest's exit status and its standard error arrive.
    let failed = output(workspace.command(&host).arg(&guest), b"SELECT nonsense;")?;
    same(&String::from_utf8_lossy(&failed.stderr), "SQL error: no such column: nonsense\n")?;
    if failed.status.code() != Some(1) {
        return Err(format!("the guest's status is 1, the host ended with {}", failed.status).into());
    }
    Ok(())
}
