//! The assertions that are known not to hold, each with its reason: `expected.txt`.
//!
//! A line is `suite/file.wast:LINE,... MODE REASON`; `MODE` is a mode's name or `*`. Line 0 means that the file as a whole
//! cannot be read. An entry whose directive passes, or that names no directive, fails its file's test.

use crate::Mode;
use std::fmt::Write;

pub struct Expectations(Vec<Entry>);

struct Entry {
    file: &'static str,
    line: usize,
    mode: &'static str,
}

/// A directive that didn't do what it says: the line it is in, and what happened.
pub struct Deviation {
    pub line: usize,
    pub what: String,
}

impl Expectations {
    pub fn load() -> Expectations {
        let lines = include_str!("expected.txt").lines();
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).flat_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (place, mode, reason) = (words.next(), words.next(), words.next());
            let (file, numbers) = place.and_then(|place| place.rsplit_once(':')).expect(line);
            assert!(reason.is_some_and(|reason| !reason.trim().is_empty()), "no reason given: {line}");
            let mode = mode.expect(line);
            assert!(mode == "*" || Mode::ALL.iter().any(|known| known.name() == mode), "no such mode: {line}");
            numbers.split(',').map(move |number| Entry { file, line: number.parse().expect(line), mode })
        });
        Expectations(entries.collect())
    }

    /// Compares what deviated in `file` with what is expected to.
    pub fn check(&self, file: &str, mode: Mode, deviations: Vec<Deviation>) -> Result<(), String> {
        let mut report = String::new();
        let mut unmet: Vec<&Entry> =
            self.0.iter().filter(|e| e.file == file && (e.mode == "*" || e.mode == mode.name())).collect();
        for Deviation { line, what } in deviations {
            match unmet.iter().position(|entry| entry.line == line) {
                Some(at) => drop(unmet.swap_remove(at)),
                None => writeln!(report, "{file}:{line}: {what}").expect("a string takes everything"),
            }
        }
        for entry in unmet {
            writeln!(report, "{file}:{}: expected to deviate, but holds: delete the entry", entry.line)
                .expect("a string takes everything");
        }
        if report.is_empty() { Ok(()) } else { Err(report) }
    }
}
