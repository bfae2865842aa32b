//! Why a binary was refused, in words that its user can act on.
//!
//! This runs after a refusal only, so it takes its time: it reads the binary again, several times where a feature is missing. The words of
//! the validator come first, as the specification's scripts expect them.

use super::{FEATURES, parse, validate_with};
use crate::types::{Error, ErrorKind, FuncIndex};
use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources, WasmFeatures};

/// What later versions of WebAssembly and proposals have, by their names.
const LATER: [(WasmFeatures, &str); 10] = [
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "the legacy form of exception handling"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
];

/// How an artifact begins (`src/code/artifact/mod.rs`).
pub const ARTIFACT_MAGIC: [u8; 8] = *b"\0libwasm";
const MAGIC: &[u8] = b"\0asm";
/// How the binary of a component begins: a version of its own, and layer 1 (component model, "Binary Format").
pub const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// Says more about why `bytes` are not accepted than the error that the decoder or validator gave.
#[cold]
pub fn explain(bytes: &[u8], error: Error) -> Error {
    if error.kind() != ErrorKind::Invalid {
        return error;
    }
    if bytes.starts_with(COMPONENT_HEADER) {
        let message = "unknown binary version: this is a component, and libwasm runs core modules";
        return error.with_words(ErrorKind::Unsupported, message);
    }
    if !MAGIC.starts_with(bytes) && !bytes.starts_with(MAGIC) {
        // The decoder shows the bytes in its own way, behind the specification's words.
        let words = error.message().split(':').next().unwrap_or_default();
        let message = format!("{words}: this is not a WebAssembly binary{}", looks_like(bytes));
        return error.with_words(ErrorKind::Invalid, message);
    }
    let words = error.message().to_owned();
    // That more than 2^32 are malformed is the format's own rule.
    let malformed = words.starts_with("too many locals") && !has_locals(bytes, error.offset());
    if let Some(limit) = limit(&words).filter(|_| !malformed) {
        let place = match error.offset().and_then(|offset| function_at(bytes, offset)) {
            Some(function) => format!(": in {function}"),
            None => String::new(),
        };
        return error.with_words(ErrorKind::Limit, format!("{words}: {limit}{place}"));
    }
    if let Some(features) = missing_features(bytes) {
        let message = format!("{words}: the module needs {features}, which this version of libwasm does not support");
        return error.with_words(ErrorKind::Unsupported, message);
    }
    if words == "unexpected end-of-file"
        && let Some(why) = where_it_ends(bytes)
    {
        return error.with_words(ErrorKind::Invalid, format!("{words}: {why}"));
    }
    match error.offset().and_then(|offset| function_at(bytes, offset)) {
        Some(function) => error.with_words(ErrorKind::Invalid, format!("{words}: in {function}")),
        None => error,
    }
}

/// The limit of the implementation that the decoder or validator found exceeded, by its words. (The limits are those of the JavaScript
/// API, "Implementation-defined Limits", or larger.)
fn limit(words: &str) -> Option<String> {
    if let Some((what, most)) = words.split_once(" count exceeds limit of ") {
        return Some(format!("libwasm accepts up to {most} {what} in a module"));
    }
    let (most, what) = match words {
        "function params size is out of bounds" => (1_000, "parameters of a function"),
        "function returns size is out of bounds" => (1_000, "results of a function"),
        "too many locals: locals exceed maximum" => (50_000, "locals of a function, its parameters among them"),
        "function body size is out of bounds" => (7_654_321, "bytes of code in a function"),
        "br_table size is out of bounds" => (7_654_321, "labels of a br_table"),
        "string size out of bounds" => (100_000, "bytes in a name"),
        "number of elements is out of bounds" => (10_000_000, "elements in a segment"),
        _ if words.starts_with("effective type size exceeds") => (1_000_000, "parts of a type"),
        _ => return None,
    };
    Some(format!("libwasm accepts up to {most} {what}"))
}

/// Why a binary ends where it should not: it is cut off within a section, or what follows its last section is none.
fn where_it_ends(bytes: &[u8]) -> Option<String> {
    let len = bytes.len();
    let mut reader = BinaryReader::new(bytes, 0);
    if reader.read_bytes(8).is_err() {
        return Some(format!("the binary is cut off within its header: it has {len} bytes"));
    }
    let mut sections = 0;
    while !reader.eof() {
        let start = reader.original_position();
        let (Ok(id), Ok(size)) = (reader.read_u8(), reader.read_var_u32()) else {
            return Some(format!(
                "the binary is cut off within the head of a section at {start:#x}: it has {len} bytes"
            ));
        };
        let Some(name) = SECTIONS.get(usize::from(id)) else {
            return Some(format!("bytes follow the last section, from {start:#x} on: the binary has {len} bytes"));
        };
        let end = reader.original_position() + u64::from(size);
        if reader.read_bytes(size as usize).is_err() {
            let after = if sections > 0 && end > (1 << 32) { ", if it is one" } else { "" };
            return Some(format!(
                "the binary is cut off: its {name} section{after} goes from {start:#x} to {end:#x}, but it has {len} bytes"
            ));
        }
        sections += 1;
    }
    None
}

/// The sections of a binary by their numbers (specification, "Modules", "Sections").
const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// What a file that is no binary may be, with what to do about it.
fn looks_like(bytes: &[u8]) -> &'static str {
    let text = bytes.trim_ascii_start();
    let begins = |words: &str| text.len() >= words.len() && text[..words.len()].eq_ignore_ascii_case(words.as_bytes());
    if bytes.starts_with(&ARTIFACT_MAGIC) {
        "; it looks like an artifact: wasm_module_deserialize loads those"
    } else if begins("(module") || begins(";;") || begins("(;") || begins("(component") {
        "; it looks like the text format: libwasm_wat2wasm translates it"
    } else if begins("<!doctype") || begins("<html") {
        "; it looks like HTML, perhaps the page of an error"
    } else if bytes.starts_with(b"\x1f\x8b") {
        "; it looks like gzip: decompress it first"
    } else if bytes.starts_with(b"\x7fELF") {
        "; it looks like an ELF file, native code"
    } else if bytes.starts_with(b"BC\xc0\xde") {
        "; it looks like LLVM bitcode: it has to be linked first"
    } else {
        ", which begins with the bytes 00 61 73 6d"
    }
}

/// The features of later versions that make the binary a valid module, named; `None` if they do not.
fn missing_features(bytes: &[u8]) -> Option<String> {
    let valid = |features| validate_with(bytes, features).is_ok();
    let mut needed = LATER.iter().fold(FEATURES, |all, &(feature, _)| all | feature);
    if !valid(needed) {
        return None;
    }
    let mut names = Vec::new();
    for (feature, name) in LATER {
        if valid(needed - feature) {
            needed -= feature;
        } else {
            names.push(name);
        }
    }
    Some(names.join(" and "))
}

/// The position of the function in whose body an offset lies.
fn body_at(bodies: &[(FuncToValidate<ValidatorResources>, FunctionBody<'_>)], offset: usize) -> Option<usize> {
    bodies.iter().position(|(_, body)| {
        let range = body.range();
        (range.start as usize..=range.end as usize).contains(&offset)
    })
}

/// Whether the locals of the function at an offset can be counted: there are fewer than 2^32.
fn has_locals(bytes: &[u8], offset: Option<usize>) -> bool {
    let Ok(parsed) = parse(bytes) else { return false };
    let Some(position) = offset.and_then(|offset| body_at(&parsed.bodies, offset)) else { return false };
    let Ok(locals) = parsed.bodies[position].1.get_locals_reader() else { return false };
    locals.into_iter().all(|group| group.is_ok())
}

/// The function in whose body an offset lies, by its index and name.
fn function_at(bytes: &[u8], offset: usize) -> Option<String> {
    let parsed = parse(bytes).ok()?;
    let position = body_at(&parsed.bodies, offset)?;
    let index = FuncIndex::from_u32(parsed.module.num_imported_funcs + u32::try_from(position).ok()?);
    Some(parsed.module.describe_func(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::validate;

    fn refused(bytes: &[u8]) -> Error {
        validate(bytes).map(drop).unwrap_err()
    }

    #[test]
    fn features_that_are_missing_are_named() {
        for (text, feature) in [
            ("(module (memory 1 1 shared))", "threads"),
            ("(module (tag))", "exception handling"),
            ("(module (type (struct)))", "garbage collection"),
            ("(module (memory 1 1 shared) (tag))", "exception handling and threads"),
        ] {
            let error = refused(&wat::parse_str(text).unwrap());
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}: {error}");
            assert!(error.message().contains(&format!("needs {feature}, which")), "{text}: {error}");
        }
        // With later features it would not be valid either.
        let error = refused(&wat::parse_str("(module (tag) (func (result i32) i64.const 1))").unwrap());
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }

    #[test]
    fn what_is_no_binary_is_told_apart() {
        for (bytes, words) in [
            (&b"(module)"[..], "libwasm_wat2wasm"),
            (b"  \n(module)", "libwasm_wat2wasm"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\x7fELF\x02", "ELF"),
            (b"anything", "00 61 73 6d"),
        ] {
            let error = refused(bytes);
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().starts_with("magic header not detected: "), "{error}");
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(refused(COMPONENT_HEADER).kind(), ErrorKind::Unsupported);
        let error = refused(&wat::parse_str("(module (func) (memory 1))").unwrap()[..20]);
        assert!(error.message().starts_with("unexpected end"), "{error}");
    }

    #[test]
    fn the_function_of_an_invalid_body_is_named() {
        let text = "(module (import \"m\" \"f\" (func)) (func) (func $second (result i32) i64.const 1))";
        let error = refused(&wat::parse_str(text).unwrap());
        assert!(
            error.message().starts_with("type mismatch: expected i32, found i64: in function 2 (\"second\")"),
            "{error}"
        );
    }
}
