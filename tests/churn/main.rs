//! Instances, objects of the heap, exceptions and shared memories come and go, by the hundred thousand, and the process stays as small as it
//! was; stores come and go on threads, by the thousand, and each finalizer runs once.
//!
//! `LIBWASM_CHURN_ROUNDS` makes it another number of rounds than 100,000: fewer for looking into a failure, and a million in `.ci/churn`. With
//! a sanitizer (`LIBWASM_SANITIZER`, see `tests/cc`) it is a fiftieth, and the process may grow.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Workspace, part_not_under, root, run, sanitizer};
use libtest_mimic::{Failed, Trial};
use std::sync::Arc;

fn main() {
    let workspace = Arc::new(Workspace::new("churn"));
    let mut tests = Vec::new();
    for config in ["default", "checked"] {
        for shape in ["plain", "cycle", "owner", "traced", "made"] {
            for threads in ["1", "2"] {
                let (workspace, name) = (workspace.clone(), format!("{config}/{shape}/{threads}"));
                tests.push(Trial::test(name.clone(), move || {
                    churn(&workspace, "churn.c", config, shape, threads, &name)
                }));
            }
        }
        for shape in ["heap", "cycle", "exceptions", "shared"] {
            for threads in ["1", "2"] {
                let (workspace, name) = (workspace.clone(), format!("{config}/objects/{shape}/{threads}"));
                tests.push(Trial::test(name.clone(), move || {
                    churn(&workspace, "objects.c", config, shape, threads, &name)
                }));
            }
        }
        for threads in ["1", "8"] {
            let (workspace, name) = (workspace.clone(), format!("{config}/stores/{threads}"));
            tests.push(Trial::test(name.clone(), move || stores(&workspace, config, threads, &name)));
        }
    }
    let sanitizers = &["address", "thread"];
    tests.extend(part_not_under(sanitizers, "its own memory grows", "*: the process stays as small as it was"));
    tests.extend(part_not_under(sanitizers, "it is slow", "*: all rounds but a fiftieth, and stores but a tenth"));
    cc::main(tests);
}

/// Builds a program of `tests/churn` in a directory of its own.
fn build(workspace: &Workspace, source: &str, name: &str) -> Result<std::path::PathBuf, Failed> {
    let dir = workspace.dir.join(name);
    std::fs::create_dir_all(&dir)?;
    let include = format!("-I{}", root().join("tests/c").display());
    let workspace = Workspace { dir, lib: workspace.lib.clone() };
    workspace.build(&root().join("tests/churn").join(source), &["-std=c11", "-D_GNU_SOURCE", "-pthread", &include])
}

fn stores(workspace: &Workspace, config: &str, threads: &str, name: &str) -> Result<(), Failed> {
    let mut command = workspace.command(build(workspace, "stores.c", name)?);
    let output = run(
        command.args([threads, if sanitizer().is_some() { "200" } else { "2000" }]).env("LIBWASM_CHECK_MODE", config),
        b"",
    )?;
    print!("{name}: {output}");
    Ok(())
}

fn churn(
    workspace: &Workspace,
    source: &str,
    config: &str,
    shape: &str,
    threads: &str,
    name: &str,
) -> Result<(), Failed> {
    let program = build(workspace, source, name)?;
    let rounds = if sanitizer().is_some() { "2000" } else { "100000" };
    let rounds = std::env::var("LIBWASM_CHURN_ROUNDS").unwrap_or_else(|_| rounds.to_string());
    let mut command = workspace.command(program);
    let output = run(command.args([shape, threads, &rounds]).env("LIBWASM_CHECK_MODE", config), b"")?;
    print!("{name}: {output}");
    Ok(())
}
