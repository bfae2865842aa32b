//! The committed headers are what the Rust source says. `UPDATE_HEADERS=1 cargo test --test header` writes them anew.

use std::path::{Path, PathBuf};

/// The files of `src/capi` that make `wasm.h`, in the order of the header.
const WASM: [&str; 26] = [
    "byte",
    "config",
    "engine",
    "store",
    "types/valtype",
    "types/functype",
    "types/globaltype",
    "types/limits",
    "types/tabletype",
    "types/memorytype",
    "types/tagtype",
    "types/externtype",
    "types/importtype",
    "types/exporttype",
    "val",
    "reference",
    "frame",
    "trap",
    "foreign",
    "module",
    "func",
    "global",
    "table",
    "memory",
    "external",
    "instance",
];

/// Those that make `libwasm.h`.
const LIBWASM: [&str; 12] =
    ["version", "error", "config", "kinds", "v128", "limits", "stack", "func", "trap", "frame", "wat", "artifact"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn generate(sources: impl Iterator<Item = PathBuf>, shape: impl FnOnce(&mut cbindgen::Config)) -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    shape(&mut config);
    let builder = sources.fold(cbindgen::Builder::new().with_config(config), |builder, path| builder.with_src(path));
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

/// The place where the name of a function is declared: `name(`, in a line that starts with the prefix of functions.
fn declaration(text: &str, name: &str) -> usize {
    let wanted = format!("{name}(");
    let place = text.match_indices(&wanted).map(|(at, _)| at).find(|&at| {
        let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        text[line..].starts_with("WASM_API_EXTERN ") && !text.as_bytes()[at - 1].is_ascii_alphanumeric()
    });
    place.unwrap_or_else(|| panic!("the source has no {name}"))
}

/// Puts `own` where the standard's prototypes have it: Rust's types do not say who owns what.
fn mark_ownership(mut text: String) -> String {
    for line in read("tests/abi/prototypes.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (name, prototype) = line.split_once('\t').unwrap();
        let name_at = declaration(&text, name);
        let params = prototype.split_once(&format!("{name}(")).unwrap().1.split(',');
        let mut at = name_at + name.len() + 1;
        for param in params {
            if param.trim().starts_with("own ") {
                at += text[at..].len() - text[at..].trim_start().len();
                text.insert_str(at, "own ");
            }
            at += text[at..].find([',', ';']).unwrap() + 1;
        }
        if prototype.starts_with("own ") {
            let line = text[..name_at].rfind('\n').unwrap() + 1;
            text.insert_str(line + "WASM_API_EXTERN ".len(), "own ");
        }
    }
    text
}

fn wasm_h() -> String {
    let sources = WASM.into_iter().map(|name| root().join(format!("src/capi/{name}.rs")));
    let text = generate(sources, |config| {
        config.header = Some(
            "// wasm.h: the standard WebAssembly C API, as libwasm has it.\n\
             //\n\
             // Generated from libwasm's source; do not edit. NULL where an object is needed gives NULL, false, 0, an empty\n\
             // vector, or a trap where a trap is returned; libwasm.h tells the reason.\n\n\
             #ifndef WASM_H\n#define WASM_H"
                .into(),
        );
        config.sys_includes = ["assert.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"].map(String::from).to_vec();
        config.after_includes = Some(read("src/capi/header/wasm_head.h"));
        config.trailer = Some(format!("{}\n#endif  // WASM_H\n", read("src/capi/header/wasm_tail.h").trim_end()));
    });
    mark_ownership(text)
}

fn libwasm_h() -> String {
    let sources = LIBWASM.into_iter().map(|name| root().join(format!("src/capi/libwasm/{name}.rs")));
    generate(sources, |config| {
        config.header = Some(
            "// libwasm.h: what libwasm has beyond the standard wasm.h.\n\
             //\n\
             // Generated from libwasm's source; do not edit.\n\n\
             #ifndef LIBWASM_H\n#define LIBWASM_H"
                .into(),
        );
        config.sys_includes = ["stdbool.h", "stddef.h", "stdint.h"].map(String::from).to_vec();
        config.includes = vec!["wasm.h".into()];
        config.trailer = Some("#endif  // LIBWASM_H\n".into());
    })
}

fn compare(path: &str, generated: &str) {
    if std::env::var_os("UPDATE_HEADERS").is_some() {
        std::fs::write(root().join(path), generated).unwrap();
        return;
    }
    let committed = read(path);
    let difference = committed.lines().zip(generated.lines()).enumerate().find(|(_, (a, b))| a != b);
    assert!(
        committed == generated,
        "{path} is not what the source says; UPDATE_HEADERS=1 writes it anew. First difference: {difference:?}"
    );
}

#[test]
fn wasm_h_is_what_the_source_says() {
    compare("include/wasm.h", &wasm_h());
}

#[test]
fn libwasm_h_is_what_the_source_says() {
    compare("include/libwasm.h", &libwasm_h());
}
