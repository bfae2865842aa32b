//! Why a binary was refused, in words that its user can act on.
//!
//! This runs after a refusal only, so it takes its time: it reads the binary again, several times where a feature is missing. The words of
//! the validator come first, as the specification's scripts expect them.

use super::{FEATURES, parse, validate_with};
use crate::types::{Error, ErrorKind, FuncIndex};
use wasmparser::WasmFeatures;

/// What later versions of WebAssembly and proposals have, by their names.
const LATER: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::TAIL_CALL, "tail calls"),
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "the legacy form of exception handling"),
    (WasmFeatures::MULTI_MEMORY, "multiple memories"),
    (WasmFeatures::MEMORY64, "64-bit memories and tables"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
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
    if let Some(features) = missing_features(bytes) {
        let message = format!("{words}: the module needs {features}, which this version of libwasm does not support");
        return error.with_words(ErrorKind::Unsupported, message);
    }
    if words == "unexpected end-of-file" {
        let message =
            format!("{words}: the binary is cut off, or bytes follow its last section: it has {} bytes", bytes.len());
        return error.with_words(ErrorKind::Invalid, message);
    }
    match error.offset().and_then(|offset| function_at(bytes, offset)) {
        Some(function) => error.with_words(ErrorKind::Invalid, format!("{words}: in {function}")),
        None => error,
    }
}

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

/// The function in whose body an offset lies, by its index and name.
fn function_at(bytes: &[u8], offset: usize) -> Option<String> {
    let parsed = parse(bytes).ok()?;
    let position = parsed.bodies.iter().position(|(_, body)| {
        let range = body.range();
        (range.start as usize..=range.end as usize).contains(&offset)
    })?;
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
            ("(module (func $f (return_call $f)))", "tail calls"),
            ("(module (memory 1) (memory 1))", "multiple memories"),
            ("(module (memory i64 1))", "64-bit memories and tables"),
            ("(module (memory 1 1 shared))", "threads"),
            ("(module (tag))", "exception handling"),
            ("(module (type (struct)))", "garbage collection"),
            ("(module (type $t (func)) (func (param (ref null $t))))", "typed function references"),
            ("(module (memory i64 1) (func $f (return_call $f)))", "tail calls and 64-bit memories and tables"),
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
