//! The target `text`: `libwasm_wat2wasm` on any bytes, and on modules whose words are exchanged.
//!
//! It translates or refuses with a reason that is not longer than a screen, twice in the same way; what it translates is then
//! compiled, or refused with a reason.

use super::library::{Store, TIERS, clear_error, refusal};
use super::support::*;
use arbitrary::{Result, Unstructured};

/// An input that begins with this byte, which no text begins with, is a list of edits of a module; any other is text.
const EDITS: u8 = 0xff;

/// Modules that edits begin with.
const TEXTS: [&str; 13] = [
    include_str!("../../examples-c/callback.wat"),
    include_str!("../../examples-c/global.wat"),
    include_str!("../../examples-c/hostref.wat"),
    include_str!("../../examples-c/memory.wat"),
    include_str!("../../examples-c/multi.wat"),
    include_str!("../../examples-c/reflect.wat"),
    include_str!("../../examples-c/start.wat"),
    include_str!("../../examples-c/table.wat"),
    include_str!("../../examples-c/threads.wat"),
    include_str!("../../examples-c/trap.wat"),
    include_str!("snippets/exceptions.wat"),
    include_str!("snippets/instructions.wat"),
    include_str!("snippets/fields.wat"),
];

/// Words that texts do not have, or not where they would be put.
const WORDS: [&str; 46] = [
    "(",
    ")",
    "(module",
    "binary",
    "quote",
    "(component",
    "(func",
    "(type",
    "(param",
    "(result",
    "(local",
    "(import",
    "(export",
    "(table",
    "(memory",
    "(global",
    "(elem",
    "(data",
    "(start",
    "(block",
    "(loop",
    "(if",
    "(try",
    "(do",
    "(catch",
    "(catch_all",
    "(delegate",
    "try",
    "(then",
    "(else",
    "(rec",
    "(ref null",
    "(@custom",
    "(;",
    ";)",
    ";;",
    "\"",
    "\"\\u{110000}\"",
    "$",
    "$x",
    "0x1p-149",
    "nan:0x200000",
    "-0x8000000000000000",
    "18446744073709551616",
    "v128.const i32x4",
    "end",
];

pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((&EDITS, edits)) => {
            if let Ok(text) = edited(&mut Unstructured::new(edits)) {
                translate(text.as_bytes());
            }
        }
        _ => translate(data),
    }
}

/// One of the modules that edits begin with, as a binary: which is up to the first byte. `None` for some, and for no bytes.
pub fn module(data: &[u8]) -> Option<Vec<u8>> {
    let text = TEXTS.get(usize::from(*data.first()?) % (2 * TEXTS.len()))?;
    Some(wat2wasm(text.as_bytes()).expect("a text without edits"))
}

/// A module with words of it repeated, exchanged, removed and replaced, and some of it nested.
fn edited(u: &mut Unstructured<'_>) -> Result<String> {
    let mut words = words(u.choose(&TEXTS)?);
    for _ in 0..u.int_in_range(1..=12)? {
        let (at, other) = (u.choose_index(words.len())?, u.choose_index(words.len())?);
        match u.int_in_range(0..=7)? {
            0 => drop(words.remove(at)),
            1 => words.insert(at, *u.choose(&WORDS)?),
            2 => words[at] = u.choose(&WORDS)?,
            3 => words.swap(at, other),
            4 => words.insert(at, words[other]),
            5 => words.truncate(at + 1),
            6 => {
                let part: Vec<_> = words[at.min(other)..at.max(other)].to_vec();
                words.splice(other..other, part.into_iter().take(400));
            }
            _ => {
                let depth = usize::from(u.arbitrary::<u16>()? % 2000);
                words.splice(at..at, std::iter::repeat_n("(block", depth));
                let closing = if u.ratio(7, 8)? { depth } else { depth / 2 };
                words.splice(at + depth..at + depth, std::iter::repeat_n(")", closing));
            }
        }
        if words.is_empty() {
            break;
        }
    }
    Ok(words.join(" "))
}

/// The words of a text: parentheses with what follows them, strings, and whatever else has no space in it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            ')' => 1,
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            ';' => rest.find('\n').unwrap_or(rest.len()),
            _ => rest[1..].find(|c: char| c.is_whitespace() || "()".contains(c)).map_or(rest.len(), |end| end + 1),
        };
        if first != ';' {
            words.push(&rest[..len]);
        }
        rest = rest[len..].trim_start();
    }
    words
}

fn translate(text: &[u8]) {
    let binary = wat2wasm(text);
    assert_eq!(binary, wat2wasm(text), "translated in two ways");
    if let Some(binary) = binary
        && let Some(module) = Store::new(TIERS[0]).compile_or_refuse(&binary)
    {
        module.imports();
        module.exports();
    }
}

/// The binary, or `None` if the text is refused.
fn wat2wasm(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm_byte_vec_t::EMPTY;
    clear_error();
    // SAFETY: the text is borrowed, `out` is written.
    if unsafe { libwasm_wat2wasm(&Vector::borrow(text), &mut out) } {
        // SAFETY: the call gave the vector away.
        return Some(unsafe { take_bytes(out) });
    }
    assert_eq!(out.size, 0, "a vector for a refused text");
    refusal(text, &[ERROR_INVALID, ERROR_UNSUPPORTED, ERROR_LIMIT]);
    None
}
