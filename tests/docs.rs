//! What ARCHITECTURE.md says is where it says, and nothing of the source is left out.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

/// The paths that ARCHITECTURE.md names: the words of its tree, and what stands between backquotes with a slash or
/// the ending of a file.
fn paths() -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders: Vec<(usize, PathBuf)> = Vec::new();
    let mut in_tree = false;
    for line in text().lines() {
        if line.starts_with("```") {
            in_tree = line == "```tree";
            continue;
        }
        if in_tree {
            let indent = line.len() - line.trim_start().len();
            folders.retain(|(depth, _)| *depth < indent);
            let parent = folders.last().map(|(_, path)| path.clone()).unwrap_or_default();
            let Some(name) = line.split_whitespace().next() else { continue };
            let path = parent.join(name);
            if name.ends_with('/') {
                folders.push((indent, path.clone()));
            }
            paths.push(path);
        } else {
            let quoted = line.split('`').skip(1).step_by(2);
            paths.extend(quoted.filter(|word| looks_like_a_path(word)).map(PathBuf::from));
        }
    }
    paths
}

fn looks_like_a_path(word: &str) -> bool {
    let ending = [".rs", ".md", ".toml", ".h", ".c", ".txt"].iter().any(|ending| word.ends_with(ending));
    (ending || word.contains('/'))
        && !word.contains(' ')
        && !word.contains('*')
        && word != "wasm.h"
        && word != "libwasm.h"
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder of the source") {
        let path = folder.join(entry.expect("an entry").file_name());
        if root().join(&path).is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_path_in_architecture_exists() {
    let paths = paths();
    assert!(paths.len() > 50, "only {} paths were found in ARCHITECTURE.md", paths.len());
    let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:?}");
}

#[test]
fn every_source_file_is_in_architecture() {
    let named = paths();
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    // A folder's line stands for its mod.rs.
    let line_of = |path: &Path| if path.ends_with("mod.rs") { path.with_file_name("") } else { path.to_owned() };
    let missing: Vec<_> = found.iter().filter(|path| !named.contains(&line_of(path))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md leaves out {missing:?}");
}

#[test]
fn every_source_file_opens_with_what_it_holds() {
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    for path in found {
        let text = fs::read_to_string(root().join(&path)).expect("a source file");
        assert!(text.starts_with("//! "), "{} does not open with what it holds", path.display());
        assert!(text.lines().count() <= 1000, "{} has more than 1,000 lines", path.display());
    }
}
