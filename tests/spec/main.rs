//! The official test suite, driven through the C functions, each file in each mode a test: versions 1 to 3 with proposals, from a crate;
//! or the whole suite at its head, from the folder that `LIBWASM_TESTSUITE` names (`suite.rs`).
//!
//! Every directive of every file runs. What is known to deviate stands in `expected.txt`, line by line with its reason; an
//! entry whose assertion holds after all is a failure. Messages must begin with the scripts' words; `messages.txt` lists the pairs
//! that differ. The number of assertions run is printed at the end.

#[path = "../support/mod.rs"]
mod support;

mod expected;
/// The parser of scripts knows legacy exceptions in their flat form only, as that of the library.
#[path = "../../src/capi/libwasm/folded_try.rs"]
mod folded_try;
mod host;
mod instance;
mod messages;
mod runner;
mod suite;
mod values;

use expected::Expectations;
use libtest_mimic::{Arguments, Failed, Trial};
use messages::Messages;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use suite::{File, Suite};
use support::*;
use values::Nans;

/// How the library runs a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The default: memory accesses and divisions trap by signal.
    Signals,
    /// No signal handler.
    NoSignals,
    /// No reservation: memory accesses are checked explicitly.
    Checked,
    /// As the default, with every module sent through serialize and deserialize.
    Serialized,
    /// As the default, compiled fast.
    Unoptimized,
    /// As the default, with the same results on every processor.
    Deterministic,
}

impl Mode {
    const ALL: [Mode; 6] =
        [Mode::Signals, Mode::NoSignals, Mode::Checked, Mode::Serialized, Mode::Unoptimized, Mode::Deterministic];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Signals => "signals",
            Mode::NoSignals => "no-signals",
            Mode::Checked => "checked",
            Mode::Serialized => "serialized",
            Mode::Unoptimized => "unoptimized",
            Mode::Deterministic => "deterministic",
        }
    }

    pub fn nans(self) -> Nans {
        if self == Mode::Deterministic { Nans::One } else { Nans::Any }
    }
}

/// An engine that the tests of a mode share, from all their threads.
#[derive(Copy, Clone)]
pub struct Engine(*mut wasm_engine_t);

// SAFETY: an engine may be used from any thread; `main` deletes it after the tests are done.
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}

/// `enum libwasm_opt_level_enum`.
const LIBWASM_OPT_NONE: u8 = 0;

impl Engine {
    fn new(mode: Mode) -> Engine {
        // SAFETY: takes nothing.
        let config = unsafe { wasm_config_new() };
        // Off by default, and in nobody's way.
        // SAFETY: `config` is new.
        unsafe { libwasm_config_set_custom_page_sizes(config, true) };
        match mode {
            Mode::Signals | Mode::Serialized => {}
            // SAFETY: `config` is new.
            Mode::NoSignals => unsafe { libwasm_config_set_signals(config, false) },
            // SAFETY: `config` is new.
            Mode::Checked => unsafe { libwasm_config_set_memory_reservation(config, 0) },
            // SAFETY: `config` is new.
            Mode::Unoptimized => unsafe { libwasm_config_set_opt_level(config, LIBWASM_OPT_NONE) },
            // SAFETY: `config` is new.
            Mode::Deterministic => unsafe { libwasm_config_set_deterministic(config, true) },
        }
        // SAFETY: gives `config` away.
        let engine = unsafe { wasm_engine_new_with_config(config) };
        assert!(!engine.is_null(), "no engine for mode {}: {:?}", mode.name(), last_error());
        Engine(engine)
    }

    /// A store, which the caller owns.
    pub fn new_store(self) -> *mut wasm_store_t {
        // SAFETY: the engine lives as long as the tests run.
        unsafe { wasm_store_new(self.0) }
    }
}

/// What ran in one mode.
#[derive(Default)]
pub struct Counts {
    pub assertions: AtomicU64,
    pub directives: AtomicU64,
}

fn run(
    engine: Engine,
    mode: Mode,
    file: &File,
    expected: &Expectations,
    messages: &Messages,
    counts: &Counts,
) -> Result<(), Failed> {
    let deviations = runner::run_file(engine, mode, &file.text, messages, counts);
    expected.check(&file.name, mode, deviations).map_err(Failed::from)
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let expected = Arc::new(Expectations::load());
    let suite = Suite::load();
    let messages = Arc::new(Messages::load(suite.is_folder));
    let counts: Arc<[Counts; Mode::ALL.len()]> = Arc::default();
    let engines = Mode::ALL.map(Engine::new);
    let files = suite.files.len();
    let mut trials = messages::trials();
    for file in suite.files {
        let file = Arc::new(file);
        for (i, (mode, engine)) in Mode::ALL.into_iter().zip(engines).enumerate() {
            let (file, expected, messages, counts) = (file.clone(), expected.clone(), messages.clone(), counts.clone());
            let name = format!("{}/{}", mode.name(), file.name);
            trials.push(Trial::test(name, move || run(engine, mode, &file, &expected, &messages, &counts[i])));
        }
    }
    let listing = args.list;
    let whole = !listing && args.filter.is_none() && args.skip.is_empty();
    let conclusion = libtest_mimic::run(&args, trials);
    for engine in engines {
        // SAFETY: no test is running any more.
        unsafe { wasm_engine_delete(engine.0) };
    }
    if !listing {
        let mut total = 0;
        for (mode, counts) in Mode::ALL.into_iter().zip(counts.iter()) {
            let assertions = counts.assertions.load(Ordering::Relaxed);
            let directives = counts.directives.load(Ordering::Relaxed);
            println!("{:>13}: {assertions} assertions among {directives} directives", mode.name());
            total += assertions;
        }
        println!("official suite: {files} files, {} modes, {total} assertions run", Mode::ALL.len());
    }
    // What the tests of files cannot see one by one.
    let unmet = if whole && !conclusion.has_failed() { messages.unmet() } else { String::new() };
    if !unmet.is_empty() {
        eprint!("{unmet}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
