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
const LIBWASM: [&str; 24] = [
    "version",
    "error",
    "config",
    "kinds",
    "v128",
    "fieldtype",
    "deftype",
    "recgroup",
    "valtype",
    "reference",
    "weak",
    "object",
    "array",
    "limits",
    "memory",
    "shared_memory",
    "stack",
    "func",
    "trap",
    "exception",
    "heap",
    "frame",
    "wat",
    "artifact",
];

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
    name_types(&String::from_utf8(text).unwrap())
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

/// Uses the names of types as the standard's header does: `wasm_x_t *`, not `struct wasm_x_t *`, and `enum X {...};` without a type
/// of that name. cbindgen writes tags where it can, and only has one setting for all. Macros that declare types keep theirs.
fn name_types(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let opaque = line.strip_prefix("typedef struct ").and_then(|rest| rest.strip_suffix(';'));
        let declares = opaque.is_some_and(|names| names.split_once(' ').is_some_and(|(tag, name)| tag == name));
        if line.starts_with("typedef enum ") {
            out.push_str(line.strip_prefix("typedef ").unwrap());
        } else if line.starts_with("} ") && line.ends_with("_enum;") {
            out.push_str("};");
        } else if declares || line.ends_with('{') || line.contains("##") || line.trim_start().starts_with(['*', '/']) {
            out.push_str(line);
        } else {
            out.push_str(&line.replace("struct ", "").replace("union ", ""));
        }
        out.push('\n');
    }
    out
}

fn wasm_h() -> String {
    let sources = WASM.into_iter().map(|name| root().join(format!("src/capi/{name}.rs")));
    let text = generate(sources, |config| {
        config.header = Some(
            "/** @file\n \
             * wasm.h: the standard WebAssembly C API, as libwasm has it.\n \
             *\n \
             * Generated from libwasm's source; do not edit. NULL where an object is needed gives NULL, false, 0, an empty\n \
             * vector, or a trap where a trap is returned; libwasm.h tells the reason.\n \
             *\n \
             * For parsers that take declarations only (cffi without a compiler, LuaJIT, PHP), and for cgo: LIBWASM_NO_INLINE, defined\n \
             * before this file is read, leaves the inline functions out and makes macros of the two constants.\n \
             */\n\n\
             #ifndef WASM_H\n#define WASM_H"
                .into(),
        );
        config.sys_includes = ["stdbool.h", "stddef.h", "stdint.h"].map(String::from).to_vec();
        config.after_includes = Some(read("src/capi/header/wasm_head.h"));
        config.trailer = Some(format!("{}\n#endif  // WASM_H\n", read("src/capi/header/wasm_tail.h").trim_end()));
    });
    mark_ownership(text)
}

fn libwasm_h() -> String {
    let sources = LIBWASM.into_iter().map(|name| root().join(format!("src/capi/libwasm/{name}.rs")));
    generate(sources, |config| {
        config.header = Some(
            "/** @file\n \
             * libwasm.h: what libwasm has beyond the standard wasm.h.\n \
             *\n \
             * Generated from libwasm's source; do not edit.\n \
             */\n\n\
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

/// Doxygen, clang and bindgen see comments of this form only.
#[test]
fn every_declaration_has_a_documentation_comment() {
    let declares = |line: &str| {
        ["WASM_API_EXTERN ", "typedef struct ", "static inline ", "enum "].iter().any(|start| line.starts_with(start))
    };
    // An opaque struct is documented where it is declared; C++'s helpers behind the macros of values are nobody's to call.
    let exempt = |line: &str| line.contains(" libwasm_make_") || line.contains("##");
    for path in ["include/wasm.h", "include/libwasm.h"] {
        let text = read(path);
        let (mut comment, mut documented, mut count) = ("", false, 0);
        for line in text.lines() {
            if line.starts_with("/*") {
                comment = line;
            }
            if declares(line) && !exempt(line) {
                count += 1;
                assert!(documented && comment.starts_with("/**"), "{path}: without a documentation comment: {line}");
            }
            documented = line.ends_with("*/");
        }
        assert!(count > 20, "{path}: only {count} declarations were found");
    }
}

/// What parsers that take declarations only are given: without inline functions, and with the standard's names of types.
#[test]
fn declarations_alone_are_plain_c() {
    let text = preprocessed(&["-DLIBWASM_NO_INLINE"]);
    for word in ["inline", "static", "struct wasm_store_t *", "union wasm_val_union_t of"] {
        let found = text.lines().find(|line| line.contains(word));
        assert!(found.is_none(), "{word:?} in {found:?}");
    }
    assert!(preprocessed(&[]).contains("static inline"), "the inline functions are left out without being asked to");
    let Some(output) = python(&["-c", PARSE], &text) else { return };
    let count: usize = output.trim().parse().expect("a number of functions");
    let declared = |path| read(path).lines().filter(|line| line.starts_with("WASM_API_EXTERN ")).count();
    assert_eq!(count, declared("include/wasm.h") + declared("include/libwasm.h"));
}

/// Prints how many functions pycparser, which cffi is built on, finds in its standard input.
const PARSE: &str = "
import pycparser, sys
from pycparser.c_ast import FuncDecl
nodes = pycparser.CParser().parse(sys.stdin.read()).ext
print(sum(isinstance(getattr(node, 'type', None), FuncDecl) and 'wasm_' in node.name for node in nodes))";

/// Both headers as the preprocessor leaves them, without what only compilers understand in those of the C library.
fn preprocessed(flags: &[&str]) -> String {
    let mut command = std::process::Command::new("cc");
    command.args(["-E", "-P", "-xc", "-D__attribute__(x)=", "-D__extension__=", "-I"]).arg(root().join("include"));
    command.args(flags).arg(root().join("include/libwasm.h"));
    let output = command.output().expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What Python prints; `None`, after saying so, where it or pycparser is missing (`python3-pycparser`), which in CI is a failure.
fn python(args: &[&str], input: &str) -> Option<String> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let installed = Command::new("python3").args(["-c", "import pycparser"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("LIBWASM_REQUIRE_ALL").is_none(), "python3 with pycparser is missing");
        eprintln!("SKIPPED the headers in pycparser: python3 with pycparser is missing");
        return None;
    }
    let mut command = Command::new("python3");
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "pycparser cannot read the headers");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Comments that name parameters which are not there, or are no comments of declarations.
#[test]
fn clang_finds_nothing_wrong_with_the_comments() {
    let mut command = std::process::Command::new("clang");
    command.args([
        "-xc",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-pedantic",
        "-Wdocumentation",
        "-Werror",
        "-fsyntax-only",
        "-I",
    ]);
    command.arg(root().join("include")).args(["-include", "libwasm.h", "/dev/null"]);
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert!(std::env::var_os("LIBWASM_REQUIRE_ALL").is_none(), "clang: {error}");
            eprintln!("SKIPPED the headers' comments: clang: {error}");
        }
    }
}
