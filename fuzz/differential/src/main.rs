//! Compares the library with wasmtime on generated modules that may use everything both have: structures and arrays, exceptions, tail
//! calls, 64-bit memories and tables, several memories, relaxed vector instructions, threads, wide arithmetic, pages of one byte.
//!
//!     cargo run --release --manifest-path fuzz/differential/Cargo.toml -- COUNT [FIRST]
//!     cargo run --release --manifest-path fuzz/differential/Cargo.toml -- FILE...
//!
//! tries COUNT pseudo-random inputs from number FIRST on, or the inputs in files, and says how many modules were compared, how many
//! were not and why, and where the two differ. A difference ends the program with status 1 when all were tried. A module that ends the
//! process is found by the number that was written last (`LIBWASM_FUZZ_VERBOSE`).

#[path = "../../src/lib.rs"]
#[allow(dead_code, reason = "other targets use the rest")]
mod fuzz;
mod wasmtime;

use crate::wasmtime::{Reference, Unfit};
use arbitrary::Unstructured;
use fuzz::generate;
use fuzz::library::TIERS;
use fuzz::machine::Library;
use fuzz::script::Script;
use fuzz::value::Random;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// What became of an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Compared,
    /// There were too few bytes, or the generator gave up.
    NoModule,
    RefusedByLibrary,
    RefusedByReference,
    /// It imports what a script cannot make.
    NotLinkable,
    Differs(String),
}

fn compare(engine: &::wasmtime::Engine, data: &[u8]) -> arbitrary::Result<Outcome> {
    let mut u = Unstructured::new(data);
    let tier = u.choose(&TIERS)?.deterministic();
    let seed = u.arbitrary()?;
    let binary = generate::module_of_everything(&mut u)?;
    if std::env::var_os("LIBWASM_FUZZ_KEEP").is_some() {
        std::fs::write("differential.wasm", &binary).expect("a file to write to");
    }
    let mut reference = match Reference::new(engine, &binary) {
        Ok(reference) => reference,
        Err(Unfit::Refused) => return Ok(Outcome::RefusedByReference),
        Err(Unfit::NeverNull) => return Ok(Outcome::NotLinkable),
    };
    let Some(mut library) = Library::new(tier, &binary) else { return Ok(Outcome::RefusedByLibrary) };
    library.limit_heap(64 << 20);
    let script = Script::new(binary, library.module(), seed);
    let (ours, theirs) = (script.run(&mut library), script.run(&mut reference));
    Ok(match ours.difference(&theirs) {
        Some(difference) => Outcome::Differs(format!("{}: {difference}", tier.name)),
        None => Outcome::Compared,
    })
}

/// Bytes without any structure, some thousands.
fn input(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let len = 1 << (8 + random.below(6));
    (0..64 + random.below(len)).map(|_| random.next() as u8).collect()
}

fn main() -> ExitCode {
    let engine = wasmtime::engine();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = std::env::var_os("LIBWASM_FUZZ_VERBOSE").is_some();
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut differences = 0;
    let mut attempt = |name: &str, data: &[u8]| {
        if verbose {
            eprintln!("{name}");
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| compare(&engine, data)));
        let outcome = match outcome {
            Ok(outcome) => outcome.unwrap_or(Outcome::NoModule),
            Err(_) => Outcome::Differs("a panic".to_string()),
        };
        if let Outcome::Differs(difference) = &outcome {
            println!("{name}: {difference}");
            differences += 1;
            return;
        }
        *outcomes.entry(outcome).or_default() += 1;
    };
    match args.first().map(|count| count.parse::<u64>()) {
        Some(Ok(count)) => {
            let first = args.get(1).map_or(0, |first| first.parse().expect("the number of the first input"));
            for number in first..first + count {
                attempt(&format!("input {number}"), &input(number));
            }
        }
        _ => {
            for path in &args {
                attempt(path, &std::fs::read(path).expect("an input"));
            }
        }
    }
    println!("{differences} differences; {outcomes:?}");
    ExitCode::from(u8::from(differences > 0))
}
