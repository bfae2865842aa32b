//! Instances come and go in one store, by the hundred thousand, and the process stays as small as it was.
//!
//! `LIBWASM_CHURN_ROUNDS` makes it fewer rounds than 100,000, for looking into a failure.

#[path = "../cc/mod.rs"]
mod cc;

use cc::{Room, root, run};
use libtest_mimic::{Failed, Trial};
use std::sync::Arc;

fn main() {
    let room = Arc::new(Room::new("churn"));
    let mut tests = Vec::new();
    for config in ["default", "checked"] {
        for shape in ["plain", "cycle", "owner", "traced"] {
            for threads in ["1", "2"] {
                let (room, name) = (room.clone(), format!("{config}/{shape}/{threads}"));
                tests.push(Trial::test(name.clone(), move || churn(&room, config, shape, threads, &name)));
            }
        }
    }
    cc::main(tests);
}

fn churn(room: &Room, config: &str, shape: &str, threads: &str, name: &str) -> Result<(), Failed> {
    let dir = room.dir.join(name);
    std::fs::create_dir_all(&dir)?;
    let include = format!("-I{}", root().join("tests/c").display());
    let program = Room { dir, lib: room.lib.clone() }
        .build(&root().join("tests/churn/churn.c"), &["-std=c11", "-D_GNU_SOURCE", &include])?;
    let rounds = std::env::var("LIBWASM_CHURN_ROUNDS").unwrap_or_else(|_| "100000".to_string());
    let mut command = room.command(program);
    let output = run(command.args([shape, threads, &rounds]).env("LIBWASM_CHECK_MODE", config), b"")?;
    print!("{name}: {output}");
    Ok(())
}
