//! Compares the library's messages with those of the scripts, as the reference interpreter does: they must begin with the
//! script's words. Pairs that differ are listed in `messages.txt`, one by one.

use libtest_mimic::{Failed, Trial};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// The pairs of messages that differ.
pub struct Messages(Vec<Pair>);

struct Pair {
    /// `malformed`, `invalid`, `unlinkable` or `trap`.
    assertion: &'static str,
    /// The script's words, whole.
    script: &'static str,
    /// What refuses, and how its message begins.
    by: &'static str,
    ours: &'static str,
    met: AtomicBool,
}

impl Messages {
    /// The pairs that differ in the crate's files, or in those of a folder: a line `[crate]` or `[folder]` begins those of one.
    pub fn load(is_folder: bool) -> Messages {
        let mut pairs = Vec::new();
        let (mut heading, mut is_left_out) = (None, false);
        for line in include_str!("messages.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                assert!(["[crate]", "[folder]"].contains(&line), "no such source: {line}");
                is_left_out = (line == "[folder]") != is_folder;
                continue;
            }
            let Some(ours) = line.strip_prefix("  ") else {
                heading = Some(line.split_once(' ').expect(line));
                continue;
            };
            let (assertion, script) = heading.expect("a line of the script's words comes first");
            let (by, ours) = ours.split_once(": ").expect(line);
            assert!(!ours.starts_with(script), "the messages agree, so that this must not be listed: {line}");
            if !is_left_out {
                pairs.push(Pair { assertion, script, by, ours, met: AtomicBool::new(false) });
            }
        }
        Messages(pairs)
    }

    /// Compares the message of `by` with the words that an assertion of a script expects.
    pub fn compare(&self, assertion: &str, script: &str, by: &str, actual: &str) -> Result<(), String> {
        // An error of the kind that it must have, or of the text, that begins as it must.
        let usual = matches!(by, "text" | "invalid" | "unsupported" | "link" | "trap");
        if usual && !script.is_empty() && actual.starts_with(script) {
            return Ok(());
        }
        // What is valid by the rules of a later version is refused as a feature that is missing.
        let same = |pair: &Pair| pair.by == by || (pair.by, by) == ("invalid", "unsupported");
        let mut pairs = self.0.iter().filter(|pair| (pair.assertion, pair.script) == (assertion, script) && same(pair));
        match pairs.find(|pair| actual.starts_with(pair.ours)) {
            Some(pair) => {
                pair.met.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Err(format!("{assertion}: expected \"{script}\", got from {by}: \"{actual}\"")),
        }
    }

    /// The pairs that no assertion of a whole run has met.
    pub fn unmet(&self) -> String {
        let mut report = String::new();
        for pair in self.0.iter().filter(|pair| !pair.met.load(Ordering::Relaxed)) {
            writeln!(
                report,
                "listed in messages.txt, but never met: {} {}: {}",
                pair.assertion, pair.script, pair.ours
            )
            .expect("a string takes everything");
        }
        report
    }
}

/// What the driver itself must accept and refuse.
pub fn trials() -> Vec<Trial> {
    fn comparing() -> Result<(), Failed> {
        let messages = Messages::load(false);
        let cases = [
            (true, ("trap", "integer overflow", "trap", "integer overflow")),
            (true, ("trap", "integer overflow", "trap", "integer overflow: in function 3")),
            (false, ("trap", "integer overflow", "trap", "integer over")),
            (false, ("trap", "integer overflow", "trap", "")),
            (false, ("trap", "integer overflow", "trap", "an integer overflow")),
            (true, ("trap", "uninitialized element 7", "trap", "uninitialized element")),
            (false, ("trap", "uninitialized element 8", "trap", "uninitialized element")),
            (false, ("unlinkable", "uninitialized element 7", "trap", "uninitialized element")),
            (true, ("invalid", "type mismatch", "invalid", "type mismatch: expected i32")),
            (false, ("invalid", "type mismatch", "limit", "type mismatch: expected i32")),
            (false, ("malformed", "integer too large", "invalid", "unknown type")),
            (false, ("invalid", "integer too large", "invalid", "invalid memory limits flags")),
            (false, ("malformed", "integer too large", "text", "invalid memory limits flags")),
        ];
        for (accepted, (assertion, script, by, actual)) in cases {
            if messages.compare(assertion, script, by, actual).is_ok() != accepted {
                return Err(
                    format!("{assertion} {script:?} against {by} {actual:?}: accepted is not {accepted}").into()
                );
            }
        }
        match messages.unmet().contains("uninitialized element 7") {
            false => Ok(()),
            true => Err("a pair that was met counts as unmet".into()),
        }
    }
    vec![Trial::test("driver/messages", comparing)]
}
