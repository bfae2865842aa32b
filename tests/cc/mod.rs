//! Building and running programs against the shared library that cargo has just built, as a user would.
//!
//! Each test target gets a directory of its own under cargo's directory for tests. It holds what an installation
//! holds: `libwasm.so` and the name that programs linked to it look for when they start (its soname).
//!
//! `LIBWASM_LIBRARY` names another library to test. If it was built with a sanitizer, `LIBWASM_SANITIZER` says with which
//! (`address` or `thread`), and `LIBWASM_SANITIZER_RUNTIME` names the runtime that came with that compiler: programs are
//! compiled with the same sanitizer and linked with that runtime. `.ci/sanitized` does all this.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where a test target builds, and the library it builds against.
pub struct Workspace {
    /// Programs and what they write go here.
    pub dir: PathBuf,
    /// The directory with `libwasm.so` and its soname.
    pub lib: PathBuf,
}

impl Workspace {
    pub fn new(name: &str) -> Workspace {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let lib = dir.join("lib");
        let _ = fs::remove_dir_all(&lib);
        fs::create_dir_all(&lib).expect("a directory for the library");
        let library = library();
        symlink(&library, lib.join("libwasm.so")).expect("a link to the library");
        if let Some(soname) = soname(&library).filter(|soname| soname != "libwasm.so") {
            symlink(&library, lib.join(soname)).expect("a link with the soname");
        }
        Workspace { dir, lib }
    }

    /// Compiles `source` to a program linked with the library, and gives its path. Warnings are errors.
    pub fn build(&self, source: &Path, flags: &[&str]) -> Result<PathBuf, Failed> {
        let program = self.dir.join(source.file_stem().ok_or("a source without a name")?);
        let compiler = if source.extension().is_some_and(|x| x == "cpp") { "c++" } else { "cc" };
        let mut command = Command::new(compiler);
        command.args(flags).args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g"]);
        command.arg("-I").arg(root().join("include"));
        let mut link = Command::new(compiler);
        if let Some(sanitizer) = sanitizer() {
            let object = program.with_extension("o");
            command.arg(format!("-fsanitize={sanitizer}")).arg("-c").arg(source).arg("-o").arg(&object);
            run(&mut command, b"")?;
            let runtime =
                std::env::var("LIBWASM_SANITIZER_RUNTIME").map_err(|_| "no runtime of the sanitizer is named")?;
            link.args(flags).arg(object).args([
                "-Wl,--whole-archive",
                &runtime,
                "-Wl,--no-whole-archive",
                "-Wl,--export-dynamic",
            ]);
            link.args(["-ldl", "-lrt"]);
        } else {
            link = command;
            link.arg(source);
        }
        link.arg("-o").arg(&program).arg("-L").arg(&self.lib).arg("-lwasm").arg("-lpthread").arg("-lm");
        link.arg(format!("-Wl,-rpath,{}", self.lib.display()));
        run(&mut link, b"")?;
        Ok(program)
    }

    /// A command that runs in the root of the repository and finds the library, whatever its language.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(root()).env("LD_LIBRARY_PATH", &self.lib);
        command
    }
}

/// A test that cannot run on a library built with the `sanitizers`, with the reason why: its name then says so.
pub fn not_under(
    sanitizers: &[&str],
    reason: &str,
    name: &str,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match sanitizer().filter(|sanitizer| sanitizers.contains(&sanitizer.as_str())) {
        Some(sanitizer) => {
            eprintln!("NOT UNDER {sanitizer} SANITIZER: {name}: {reason}");
            Trial::test(format!("{name} (not under the {sanitizer} sanitizer: {reason})"), || Ok(()))
                .with_ignored_flag(true)
        }
        None => Trial::test(name, test),
    }
}

/// What a program leaves out by itself on a library built with one of the `sanitizers`: an ignored test whose name says so. None
/// otherwise, where it is a part of the program's own test.
pub fn part_not_under(sanitizers: &[&str], reason: &str, name: &str) -> Option<Trial> {
    let left_out = sanitizer().is_some_and(|sanitizer| sanitizers.contains(&sanitizer.as_str()));
    left_out.then(|| not_under(sanitizers, reason, name, || Ok(())))
}

/// The sanitizer that the library was built with.
pub fn sanitizer() -> Option<String> {
    std::env::var("LIBWASM_SANITIZER").ok()
}

/// The shared library of this build: cargo leaves it beside the test executables.
fn library() -> PathBuf {
    if let Some(path) = std::env::var_os("LIBWASM_LIBRARY") {
        return PathBuf::from(path);
    }
    let exe = std::env::current_exe().expect("the test's own path");
    let deps = exe.parent().expect("a directory");
    let path = deps.join("libwasm.so");
    assert!(path.exists(), "cargo built no shared library: {} is missing", path.display());
    path
}

/// The name under which the dynamic linker looks for the library.
fn soname(library: &Path) -> Option<String> {
    let output = Command::new("readelf").arg("-d").arg(library).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("(SONAME)"))?;
    Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// Runs a command with `input`, and gives what it wrote. A command that cannot start is an error, one that
/// does not end within five minutes is ended.
pub fn output(command: &mut Command, input: &[u8]) -> Result<Output, Failed> {
    let mut timed = Command::new("timeout");
    timed.arg("300").arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(key, value),
            None => timed.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        timed.current_dir(dir);
    }
    timed.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = timed.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input); // a program may end without reading everything
    });
    let output = child.wait_with_output().map_err(|e| format!("{command:?}: {e}"))?;
    writer.join().map_err(|_| "the writer of standard input panicked")?;
    Ok(output)
}

/// Runs a command that must succeed, and gives what it wrote to standard output.
pub fn run(command: &mut Command, input: &[u8]) -> Result<String, Failed> {
    let output = output(command, input)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}\nended with {}\n{errors}", output.status).into());
    }
    String::from_utf8(output.stdout).map_err(|e| format!("{command:?}: {e}").into())
}

/// Compares what a program wrote with what it should have written.
pub fn same(actual: &str, expected: &str) -> Result<(), Failed> {
    if actual == expected {
        return Ok(());
    }
    let differs = actual.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(actual.lines().count().min(expected.lines().count())) + 1;
    Err(format!("the output differs in line {line}\n--- expected\n{expected}\n--- actual\n{actual}").into())
}

/// Whether a program can be started at all.
pub fn installed(program: &str) -> bool {
    Command::new("which").arg(program).output().is_ok_and(|output| output.status.success())
}

/// A test that needs something this machine may lack. Where it is `missing` the test is listed as ignored under a
/// name that says so; where LIBWASM_REQUIRE_ALL is set, as in CI, it fails instead.
pub fn needing(
    name: &str,
    missing: Option<String>,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let Some(missing) = missing else { return Trial::test(name, test) };
    if std::env::var_os("LIBWASM_REQUIRE_ALL").is_some() {
        return Trial::test(name, move || Err(format!("cannot run: {missing}").into()));
    }
    eprintln!("SKIPPED {name}: {missing}");
    Trial::test(format!("{name} (skipped: {missing})"), || Ok(())).with_ignored_flag(true)
}

/// Runs the tests on one thread after the other, and ends the process.
pub fn main(tests: Vec<Trial>) -> ! {
    libtest_mimic::run(&Arguments::from_args(), tests).exit()
}
