//! Runs what README.md tells its reader to run, taken from its text: the commands and each language's program.

mod cc;

use std::fs;
use std::sync::Arc;

use cc::{Workspace, installed, needing, root, run, same};
use libtest_mimic::{Failed, Trial};

fn main() {
    let workspace = Arc::new(Workspace::new("readme"));
    let with = |test: fn(&Workspace) -> Result<(), Failed>| {
        let workspace = workspace.clone();
        move || test(&workspace)
    };
    let python = (!installed("python3")).then(|| "python3 is not installed".to_owned());
    let no_python = python.clone();
    let go = (!installed("go")).then(|| "go is not installed (Debian's package golang)".to_owned());
    let no_cpp = (!installed("c++")).then(|| "c++ is not installed (Debian's package g++)".to_owned());
    cc::main(vec![
        Trial::test("the commands", with(commands)),
        Trial::test("C", with(c)),
        needing("C++", no_cpp, with(cpp)),
        needing("Python", python, with(python_program)),
        needing("Go", go, with(go_program)),
        needing("the benchmark", no_python, with(benchmark)),
        Trial::test("links to files that exist", links),
    ]);
}

fn text() -> Result<String, Failed> {
    Ok(fs::read_to_string(root().join("README.md"))?)
}

/// The text of every fenced block of a language, in order.
fn blocks(language: &str) -> Result<Vec<String>, Failed> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    let opening = format!("```{language}");
    for line in text()?.lines() {
        match &mut block {
            None if line == opening => block = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(block.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    Ok(blocks)
}

/// The only block of a language, in a file of that name.
fn program(workspace: &Workspace, language: &str, file: &str) -> Result<std::path::PathBuf, Failed> {
    let blocks = blocks(language)?;
    let [block] = blocks.as_slice() else {
        return Err(format!("README.md has {} blocks of {language}, not one", blocks.len()).into());
    };
    let path = workspace.dir.join(file);
    fs::write(&path, block)?;
    Ok(path)
}

/// The two commands. Cargo is not started again from a test (.ci/run does that): its part of the first command is taken as
/// done, and the build that the tests belong to stands for the release build.
fn commands(workspace: &Workspace) -> Result<(), Failed> {
    let blocks = blocks("sh")?;
    let [first, second] = blocks.as_slice() else {
        return Err(format!("README.md has {} commands, not two", blocks.len()).into());
    };
    same(second, "cargo test\n")?;
    let build = "cargo build --release && ln -sf libwasm.so target/release/libwasm.so.0 &&\n";
    let rest = first.strip_prefix(build).ok_or("the first command does not begin with the build")?;
    let lib = workspace.lib.to_str().ok_or("a path that is not text")?;
    let rest = rest.replace("\"$PWD/target/release\"", lib).replace("target/release", lib);
    let rest = rest.replace("target/run", workspace.dir.join("run").to_str().ok_or("a path that is not text")?);
    let printed = run(workspace.command("sh").arg("-ec").arg(rest).env_remove("LD_LIBRARY_PATH"), b"")?;
    same(&printed, "832040\n")?;
    match text()?.contains(&format!("It prints `{}`", printed.trim())) {
        true => Ok(()),
        false => Err("README.md promises another output".into()),
    }
}

fn c(workspace: &Workspace) -> Result<(), Failed> {
    let source = program(workspace, "c", "snippet.c")?;
    let lines = fs::read_to_string(&source)?.lines().filter(|line| !line.is_empty()).count();
    if lines > 25 {
        return Err(format!("the twenty lines of C have become {lines}").into());
    }
    same(&run(&mut workspace.command(workspace.build(&source, &["-std=c99"])?), b"")?, "40 + 2 = 42\n")
}

fn cpp(workspace: &Workspace) -> Result<(), Failed> {
    let program = workspace.build(&program(workspace, "cpp", "snippet_cpp.cpp")?, &["-std=c++11"])?;
    same(&run(&mut workspace.command(program), b"")?, "the smallest module compiles\n")
}

fn python_program(workspace: &Workspace) -> Result<(), Failed> {
    let source = program(workspace, "python", "snippet.py")?;
    let printed = run(workspace.command("python3").arg(source), b"")?;
    same(&printed, "b'\\x00asm\\x01\\x00\\x00\\x00' is valid\nb'\\x00asm\\x02\\x00\\x00\\x00' is not valid\n")
}

fn go_program(workspace: &Workspace) -> Result<(), Failed> {
    let source = program(workspace, "go", "snippet.go")?;
    let include = root().join("include");
    let mut command = workspace.command("go");
    command.args(["run"]).arg(source);
    command.env("CGO_CFLAGS", format!("-I{}", include.display()));
    command.env("CGO_LDFLAGS", format!("-L{}", workspace.lib.display()));
    command.env("GOCACHE", workspace.dir.join("go-cache")).env("GOFLAGS", "-mod=mod").env("GO111MODULE", "auto");
    same(&run(&mut command, b"")?, "the answer is 42\n")
}

/// The benchmark runs, its driver compiles without a warning, and no row fails: one short round of each but those that
/// compile the large module or fill memory. Its figures are those of a debug build and of no interest.
fn benchmark(workspace: &Workspace) -> Result<(), Failed> {
    let mut command = workspace.command("benches/run");
    command.args(["--quick", "--rounds", "1", "--no-wasmtime", "--no-node"]);
    command.args(["--rows", r"^(?!module.*\.large|memory\.|slope\.|objects\.pause)"]);
    command.arg("--library").arg(workspace.lib.join("libwasm.so")).arg("--out").arg(workspace.dir.join("bench"));
    let printed = run(command.env("CC", "cc -pedantic -Werror"), b"")?;
    match printed.contains("call (8 × i32) → i32") && printed.contains("mandelbrot_f32x4") {
        true => Ok(()),
        false => Err(format!("the benchmark printed something else:\n{printed}").into()),
    }
}

/// Every relative link of README.md leads somewhere.
fn links() -> Result<(), Failed> {
    for link in text()?.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.contains(':') && !root().join(link).exists() {
            return Err(format!("README.md links to {link}, which does not exist").into());
        }
    }
    Ok(())
}
