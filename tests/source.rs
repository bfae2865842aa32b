//! What holds for all of src/: which module may import which, where the platform is known, and that comments name files that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder of the source") {
        let path = folder.join(entry.expect("an entry").file_name());
        if root().join(&path).is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// A source file without its unit tests.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn code_lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| line.split("//").next().unwrap_or(""))
    }

    /// The file as a path of modules: `src/vm/store/mod.rs` is `["vm", "store"]`.
    fn module(&self) -> Vec<String> {
        let mut parts: Vec<String> =
            self.path.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into()).collect();
        if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
            parts.pop();
        }
        parts
    }

    /// The paths behind `crate::` in the file, the trees of `use` written out.
    fn crate_paths(&self) -> Vec<Vec<String>> {
        let code: String = self.code_lines().collect::<Vec<_>>().join("\n");
        let mut paths = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                expand(&code[at + "crate::".len()..], &mut Vec::new(), &mut paths);
            }
        }
        paths
    }
}

/// Reads a path, or a tree of them, from the start of `text`; what follows it.
fn expand<'a>(text: &'a str, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    let depth = prefix.len();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inner) = rest.strip_prefix('{') {
            while !inner.trim_start().starts_with('}') {
                if inner.is_empty() {
                    break;
                }
                inner = expand(inner, prefix, paths).trim_start();
                inner = inner.strip_prefix(',').unwrap_or(inner);
            }
            prefix.truncate(depth);
            return inner.trim_start().strip_prefix('}').unwrap_or("");
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            // A glob, or something that is no path.
            paths.push(prefix.clone());
            prefix.truncate(depth);
            return rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
        }
        if &rest[..end] != "self" {
            prefix.push(rest[..end].to_owned());
        }
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(further) => rest = further,
            None => {
                paths.push(prefix.clone());
                prefix.truncate(depth);
                return rest;
            }
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(Path::new("src"), &mut paths);
    let is_test = |path: &PathBuf| path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "golden.rs");
    paths.retain(|path| !is_test(path));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).expect("a source file");
        let end = text.find("#[cfg(test)]\nmod tests").or_else(|| text.find("#[cfg(test)]\npub(super) mod tests"));
        Source { text: text[..end.unwrap_or(text.len())].to_owned(), path }
    };
    paths.into_iter().map(read).collect()
}

/// What each module of the crate may import: those that stand before it here, and, of the same line, each other.
const LAYERS: [&[&str]; 8] =
    [&["types"], &["abi"], &["os", "arch"], &["module"], &["compiler"], &["code"], &["vm"], &["capi"]];

#[test]
fn imports_point_downwards() {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut upwards = Vec::new();
    let mut imports = 0;
    for source in sources() {
        let module = source.module();
        let Some(own) = module.first().and_then(|first| layer(first)) else {
            assert!(module.is_empty(), "{} is in no layer", source.path.display());
            continue;
        };
        for path in source.crate_paths() {
            let Some(theirs) = path.first().and_then(|first| layer(first)) else { continue };
            imports += 1;
            if theirs > own {
                upwards.push(format!("{}: crate::{}", source.path.display(), path.join("::")));
            }
        }
    }
    assert!(imports > 300, "only {imports} imports were found");
    assert!(upwards.is_empty(), "imports of what lies above:\n{}", upwards.join("\n"));
}

#[test]
fn only_os_and_arch_know_the_platform() {
    let mut found = Vec::new();
    for source in sources() {
        if source.path.starts_with("src/os") || source.path.starts_with("src/arch") {
            continue;
        }
        for (number, line) in source.code_lines().enumerate() {
            let words = ["libc::", "asm!", "std::os::", "target_os", "target_arch"];
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", source.path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "code of a platform outside of src/os and src/arch:\n{}", found.join("\n"));
}

/// Comments name files by their path from the root, or files beside or below the one that they stand in by their name.
#[test]
fn comments_name_files_that_exist() {
    let mut missing = Vec::new();
    let mut names = 0;
    for source in sources() {
        let folder = source.path.parent().expect("a folder");
        for (number, line) in source.text.lines().enumerate() {
            let Some((_, comment)) = line.split_once("//") else { continue };
            for word in comment.split('`').skip(1).step_by(2) {
                let is_file = [".rs", ".md", ".toml"].iter().any(|ending| word.ends_with(ending))
                    && !word.contains([' ', '*', '<']);
                let is_folder = word.starts_with("src/");
                if !is_file && !is_folder {
                    continue;
                }
                names += 1;
                let beside = !word.contains('/') && root().join(folder).join(word).exists();
                let below = !word.contains('/') && {
                    let mut all = Vec::new();
                    walk(folder, &mut all);
                    all.iter().any(|path| path.ends_with(word))
                };
                if !beside && !below && !root().join(word).exists() {
                    missing.push(format!("{}:{}: {word}", source.path.display(), number + 1));
                }
            }
        }
    }
    assert!(names > 20, "only {names} names of files were found");
    assert!(missing.is_empty(), "comments name what does not exist:\n{}", missing.join("\n"));
}

/// Files of `src/vm` that import each other, in circles, explained in ARCHITECTURE.md ("Circles"), have five files at most.
#[test]
fn circles_of_imports_in_the_vm_are_small() {
    let sources = sources();
    let by_module: BTreeMap<Vec<String>, usize> = sources.iter().enumerate().map(|(i, s)| (s.module(), i)).collect();
    let mut edges = vec![BTreeSet::new(); sources.len()];
    for (from, source) in sources.iter().enumerate() {
        for path in source.crate_paths() {
            let longest = (1..=path.len()).rev().find_map(|length| by_module.get(&path[..length]));
            edges[from].extend(longest.copied().filter(|&to| to != from));
        }
    }
    let reach = |start: usize| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(next) = open.pop() {
            open.extend(edges[next].iter().copied().filter(|&to| seen.insert(to)));
        }
        seen
    };
    let reached: Vec<_> = (0..sources.len()).map(reach).collect();
    for from in 0..sources.len() {
        if !sources[from].path.starts_with("src/vm") {
            continue;
        }
        let circle: Vec<_> = reached[from].iter().copied().filter(|&to| reached[to].contains(&from)).collect();
        let names: Vec<_> = circle.iter().map(|&index| sources[index].path.display().to_string()).collect();
        assert!(circle.len() <= 5, "{} files import each other: {names:?}", circle.len());
    }
    let imports: usize = edges.iter().map(BTreeSet::len).sum();
    assert!(imports > 300, "only {imports} imports were found");
}

/// Every lock is one that a fork waits for (`src/os/sync.rs`).
#[test]
fn locks_are_those_of_os() {
    let mut found = Vec::new();
    for source in sources() {
        if source.path == Path::new("src/os/sync.rs") || source.path == Path::new("src/os/linux/fork_gate.rs") {
            continue;
        }
        let code: String = source.code_lines().collect::<Vec<_>>().join("\n");
        for (at, _) in code.match_indices("std::sync::") {
            let rest = &code[at + "std::sync::".len()..];
            let names = rest.strip_prefix('{').map_or(rest, |tree| tree.split('}').next().unwrap_or(tree));
            let names = names.split(';').next().unwrap_or(names);
            let is_lock =
                |word: &str| ["Mutex", "RwLock", "Once", "OnceLock", "LazyLock", "Condvar", "Barrier"].contains(&word);
            if names.split(|c: char| !c.is_alphanumeric()).any(is_lock) {
                found.push(format!("{}: std::sync::{names}", source.path.display()));
            }
        }
    }
    assert!(found.is_empty(), "locks that a fork does not wait for:\n{}", found.join("\n"));
}
