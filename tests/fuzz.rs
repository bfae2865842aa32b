//! The fuzz targets of `fuzz/`, each on its corpus and on a number of pseudo-random inputs that are the same every time.
//!
//! A target runs in a process of its own, which says what it is about to try: so an input that ends the process is known.

mod cc;
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use cc::root;
use fuzz::value::Random;
use libtest_mimic::{Failed, Trial};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Set for the process that tries a target: its name.
const TARGET: &str = "LIBWASM_FUZZ_TARGET";
/// Set by a person: a file that is the one input to try, or a number of pseudo-random inputs instead of the usual.
const INPUT: &str = "LIBWASM_FUZZ_INPUT";
const COUNT: &str = "LIBWASM_FUZZ_COUNT";

fn main() {
    if let Ok(name) = env::var(TARGET) {
        return try_all(&name);
    }
    let tests = fuzz::TARGETS.map(|(name, ..)| Trial::test(name, move || in_a_process(name)));
    cc::main(tests.into());
}

/// Tries a target in another process, and says what it was trying when it failed.
fn in_a_process(name: &str) -> Result<(), Failed> {
    let mut command = Command::new(env::current_exe()?);
    command.env(TARGET, name).stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let tried = String::from_utf8_lossy(&output.stdout);
    let last = tried.lines().last().unwrap_or("nothing");
    Err(format!("{name} ended with {} at {last}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

fn try_all(name: &str) {
    let (_, run, count) = fuzz::TARGETS.into_iter().find(|(known, ..)| *known == name).expect("the name of a target");
    let attempt = |what: &str, input: &[u8]| {
        // Written before the attempt, which may not return.
        println!("{what}");
        std::io::stdout().flush().expect("somebody who reads");
        run(input);
    };
    if let Ok(path) = env::var(INPUT) {
        return attempt(&path, &fs::read(&path).expect("an input"));
    }
    for path in corpus(name) {
        attempt(&path.display().to_string(), &fs::read(&path).expect("an input of the corpus"));
    }
    let count = env::var(COUNT).map_or(count, |count| count.parse().expect("a number of inputs"));
    for number in 0..count {
        attempt(&format!("pseudo-random input {number}"), &input(number as u64));
    }
}

fn corpus(name: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("fuzz/corpus").join(name)).expect("a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file of the corpus").path()).collect();
    assert!(!files.is_empty(), "the corpus of {name} is empty");
    files.sort();
    files
}

/// Bytes without any structure, most of them few.
fn input(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let len = 1 << random.below(12);
    (0..16 + random.below(len)).map(|_| random.next() as u8).collect()
}
