//! Why a binary was refused, in words that its user can act on.
//!
//! This runs after a refusal only, so it takes its time: it reads the binary again, several times where a feature is missing. The words of
//! the validator come first, as the specification's scripts expect them.

use super::features::{MISSING, Proposal};
use super::{Features, parse, validate_with};
use crate::types::{Error, ErrorKind, FuncIndex};
use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources};

/// How an artifact begins (`src/code/artifact/mod.rs`).
pub const ARTIFACT_MAGIC: [u8; 8] = *b"\0libwasm";
const MAGIC: &[u8] = b"\0asm";
/// How the binary of a component begins: a version of its own, and layer 1 (component model, "Binary Format").
pub const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// Says more about why `bytes`, which may use `features`, are not accepted than the error that the decoder or validator gave.
#[cold]
pub fn explain(bytes: &[u8], features: Features, error: Error) -> Error {
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
    let malformed = words.starts_with("too many locals") && !has_locals(bytes, features, error.offset());
    if let Some(limit) = limit(&words).filter(|_| !malformed) {
        let place = match error.offset().and_then(|offset| function_at(bytes, features, offset)) {
            Some(function) => format!(": in {function}"),
            None => String::new(),
        };
        return error.with_words(ErrorKind::Limit, format!("{words}: {limit}{place}"));
    }
    if let Some(needs) = missing_features(bytes, features) {
        return error.with_words(ErrorKind::Unsupported, format!("{words}: the module needs {needs}"));
    }
    if words == "unexpected end-of-file"
        && let Some(why) = where_it_ends(bytes)
    {
        return error.with_words(ErrorKind::Invalid, format!("{words}: {why}"));
    }
    match error.offset().and_then(|offset| function_at(bytes, features, offset)) {
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

/// The features that would make the binary a valid module: those that the library lacks, and those that the engine has off, with what would
/// allow it; `None` if no features would.
fn missing_features(bytes: &[u8], features: Features) -> Option<String> {
    let valid = |features| validate_with(bytes, features).is_ok();
    let lacking = MISSING.iter().map(|&(feature, name)| (feature, name, None));
    let off = Proposal::ALL.iter().map(|proposal| (proposal.feature, proposal.name, Some(proposal.setter)));
    let candidates = lacking.chain(off).filter(|(feature, ..)| !features.validated().contains(*feature));
    let mut needed = candidates.clone().fold(features.validated(), |all, (feature, ..)| all | feature);
    if !valid(needed) {
        return None;
    }
    let (mut lacking, mut off) = (Vec::new(), Vec::new());
    for (feature, name, setter) in candidates {
        if valid(needed - feature) {
            needed -= feature;
        } else if let Some(setter) = setter {
            off.push(format!("{name}, which this engine has switched off ({setter} switches it on)"));
        } else {
            lacking.push(name);
        }
    }
    if !lacking.is_empty() {
        off.insert(0, format!("{}, which this version of libwasm does not support", lacking.join(" and ")));
    }
    Some(off.join("; and "))
}

/// The position of the function in whose body an offset lies.
fn body_at(bodies: &[(FuncToValidate<ValidatorResources>, FunctionBody<'_>)], offset: usize) -> Option<usize> {
    bodies.iter().position(|(_, body)| {
        let range = body.range();
        (range.start as usize..=range.end as usize).contains(&offset)
    })
}

/// Whether the locals of the function at an offset can be counted: there are fewer than 2^32.
fn has_locals(bytes: &[u8], features: Features, offset: Option<usize>) -> bool {
    let Ok(parsed) = parse(bytes, features) else { return false };
    let Some(position) = offset.and_then(|offset| body_at(&parsed.bodies, offset)) else { return false };
    let Ok(locals) = parsed.bodies[position].1.get_locals_reader() else { return false };
    locals.into_iter().all(|group| group.is_ok())
}

/// The function in whose body an offset lies, by its index and name.
fn function_at(bytes: &[u8], features: Features, offset: usize) -> Option<String> {
    let parsed = parse(bytes, features).ok()?;
    let position = body_at(&parsed.bodies, offset)?;
    let index = FuncIndex::from_u32(parsed.module.num_imported_funcs + u32::try_from(position).ok()?);
    Some(parsed.module.describe_func(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::validate;

    fn refused(bytes: &[u8]) -> Error {
        validate(bytes, Features::DEFAULT).unwrap_err()
    }

    #[test]
    fn features_that_are_missing_are_named() {
        for (text, feature) in [
            ("(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))", "memory control"),
            (
                "(module (type $f (func)) (type (cont $f)) (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))",
                "memory control and stack switching",
            ),
        ] {
            let error = refused(&wat::parse_str(text).unwrap());
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}: {error}");
            assert!(error.message().contains(&format!("needs {feature}, which")), "{text}: {error}");
        }
    }

    #[test]
    fn proposals_that_are_off_are_named_with_what_switches_them_on() {
        let mut features = Features::DEFAULT;
        let bytes =
            wat::parse_str("(module (func (param i64 i64) (result i64 i64) local.get 0 local.get 1 i64.mul_wide_u))");
        let bytes = bytes.unwrap();
        validate(&bytes, features).unwrap();
        features.set(&Proposal::WIDE_ARITHMETIC, false);
        let error = validate(&bytes, features).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let words =
            "wide arithmetic, which this engine has switched off (libwasm_config_set_wide_arithmetic switches it on)";
        assert!(error.message().ends_with(&format!("needs {words}")), "{error}");
        // One that the library lacks besides.
        let text = "(module (type $f (func)) (type (cont $f)) (func i64.const 1 i64.const 1 i64.mul_wide_u drop drop))";
        let error = validate(&wat::parse_str(text).unwrap(), features).unwrap_err();
        let lacks = "stack switching, which this version of libwasm does not support";
        assert!(error.message().ends_with(&format!("needs {lacks}; and {words}")), "{error}");
    }

    #[test]
    fn what_no_feature_would_make_valid_is_invalid() {
        let error = refused(&wat::parse_str("(module (memory 1 1 shared) (func (result i32) i64.const 1))").unwrap());
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
