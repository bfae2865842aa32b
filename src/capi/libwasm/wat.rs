//! The text format.

use crate::arch::with_wasm_float_mode;
use crate::capi::boundary::boundary;
use crate::capi::byte::{self, wasm_byte_vec_t};
use crate::capi::libwasm::folded_try::unfold;
use crate::capi::{own, vec};
use crate::code;
use crate::module;
use crate::os;
use crate::types::{Error, ErrorKind, Result};
use std::ffi::{CStr, c_char};
use std::path::Path;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Span;

/// Translates a module from the text format (<https://webassembly.github.io/spec/core/text/index.html>) to a binary in `out`,
/// owned by the caller. A binary is copied. False, and an empty vector, if the text is malformed; the message of the last
/// error has the line and the column, and what stands there. Components are no modules: they are refused. A
/// text may use any proposal: which of them a module may use, its engine decides. Legacy exceptions may be flat (`try ... catch $tag ... end`)
/// or folded (`(try (do ...) (catch $tag ...))`, `(try (do ...) (delegate $label))`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_wat2wasm(wat: *const wasm_byte_vec_t, out: *mut wasm_byte_vec_t) -> bool {
    // SAFETY: as the caller states.
    boundary(false, || unsafe { write_binary(wat, None, out) })
}

/// As `libwasm_wat2wasm`, for a text that is called `name`, as the file that it comes from: messages say `name:line:column`. The name is
/// lent, and need not be a file's; NULL leaves it out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_wat2wasm_named(
    wat: *const wasm_byte_vec_t,
    name: *const c_char,
    out: *mut wasm_byte_vec_t,
) -> bool {
    // SAFETY: a string that ends with a NUL, as the caller states.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy());
    // SAFETY: as the caller states.
    boundary(false, || unsafe { write_binary(wat, name.as_deref(), out) })
}

/// Translates a text, which may have a name.
///
/// # Safety
///
/// `wat` is NULL or a vector of bytes, `out` NULL or room for one.
unsafe fn write_binary(wat: *const wasm_byte_vec_t, name: Option<&str>, out: *mut wasm_byte_vec_t) -> Result<bool> {
    // SAFETY: as the caller states.
    unsafe { own::write(out, vec::empty()) }?;
    // SAFETY: as the caller states.
    let text = unsafe { byte::given(wat, "a text's bytes") }?;
    os::reserve::check_for(code::parsing_memory(text.len()))?;
    let binary = with_wasm_float_mode(|| code::with_stack(os::stack_left(), || translate(text, name)))?;
    // SAFETY: as the caller states.
    unsafe { own::write(out, byte::from_bytes(&binary)?) }?;
    Ok(true)
}

fn translate(text: &[u8], name: Option<&str>) -> Result<Vec<u8>> {
    // A text read from a C string may have its NUL.
    let text = text.strip_suffix(b"\0").filter(|_| !text.starts_with(b"\0asm")).unwrap_or(text);
    if text.starts_with(b"\0asm") {
        return not_a_component(text.to_vec());
    }
    let Ok(text) = std::str::from_utf8(text) else {
        let message = "input bytes aren't valid utf-8";
        let message = name.map_or(message.to_owned(), |name| format!("failed to parse `{name}`: {message}"));
        return Err(Error::new(ErrorKind::Invalid, message));
    };
    let binary = encode(text).map_err(|mut error| {
        if let Some(name) = name {
            error.set_path(Path::new(name));
        }
        error.set_text(text);
        Error::new(ErrorKind::Invalid, excerpt(&error.to_string()))
    })?;
    not_a_component(binary)
}

fn not_a_component(binary: Vec<u8>) -> Result<Vec<u8>> {
    match binary.starts_with(module::COMPONENT_HEADER) {
        true => Err(Error::unsupported("a component; this library runs core modules")),
        false => Ok(binary),
    }
}

fn encode(text: &str) -> std::result::Result<Vec<u8>, wast::Error> {
    let unfolded = unfold(&Lexer::new(text))?;
    let parse = |text: &str| parser::parse::<wast::Wat<'_>>(&ParseBuffer::new(text)?)?.encode();
    parse(&unfolded.text).map_err(|error| {
        let place = Span::from_offset(unfolded.original(error.span().offset()));
        wast::Error::new(place, error.message())
    })
}

/// How much of a line of text an error quotes, before and behind the place that it is about.
const QUOTED: (usize, usize) = (80, 60);

/// A message of the parser, which ends with the line of the text and a line with a caret under the place, with both lines cut to what is
/// near the place: a text may be one line.
fn excerpt(message: &str) -> String {
    const GUTTER: &str = " | ";
    let parts = message.rsplit_once('\n').and_then(|(rest, caret)| {
        let (rest, line) = rest.rsplit_once('\n')?;
        let (margin, spaces) = caret.split_once(GUTTER)?;
        let (number, line) = line.split_once(GUTTER)?;
        spaces.ends_with('^').then_some((rest, number, line, margin, spaces.len() - 1))
    });
    let Some((rest, number, line, margin, column)) = parts else { return message.to_owned() };
    let start = column.saturating_sub(QUOTED.0);
    let shown: String = line.chars().skip(start).take(column - start + QUOTED.1).collect();
    let cut_before = if start > 0 { "..." } else { "" };
    let cut_behind = if line.chars().nth(column + QUOTED.1).is_some() { "..." } else { "" };
    let indent = column - start + cut_before.len();
    format!("{rest}\n{number}{GUTTER}{cut_before}{shown}{cut_behind}\n{margin}{GUTTER}{:indent$}^", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        translate(text.as_bytes(), None).unwrap_err().message().to_owned()
    }

    #[test]
    fn errors_quote_what_is_near() {
        assert!(
            refused("(module\n  (fun))").ends_with("    2 |   (fun))\n      |    ^"),
            "{}",
            refused("(module\n  (fun))")
        );
        // A megabyte in one line, the mistake near its start, then further in.
        let filler = "(func) ".repeat(150_000);
        let early = refused(&format!("(module (fun) {filler})"));
        assert!(early.contains("(module (fun) (func)") && early.len() < 400, "{}", early.len());
        assert_eq!(early.lines().last().unwrap().len(), "      | (module (^".len(), "{early}");
        let later = refused(&format!("(module {}(fun) {filler})", "(func) ".repeat(50)));
        assert!(later.contains("...") && later.contains("(fun)") && later.len() < 400, "{later}");
        let caret = later.lines().last().unwrap().find('^').unwrap();
        assert!(later.lines().rev().nth(1).unwrap()[caret..].starts_with("fun)"), "{later}");
    }

    #[test]
    fn components_are_refused() {
        assert!(translate(b"(component)", None).is_err());
        assert!(translate(module::COMPONENT_HEADER, None).is_err());
        assert!(translate(b"(module)", None).is_ok());
    }

    fn flat(text: &str) -> Result<String, String> {
        unfold(&Lexer::new(text)).map(|unfolded| unfolded.text.into_owned()).map_err(|error| error.message())
    }

    #[test]
    fn folded_try_is_made_flat() {
        for (folded, expected) in [
            ("(try (do nop))", "(end try     nop )"),
            (
                "(try $l (result i32) (do) (catch $e drop) (catch_all))",
                "(end try $l (result i32)       catch $e drop   catch_all )",
            ),
            (
                "(try (do (try(do)(delegate $l))) (catch 0))",
                "(end try     (delegate $l try                 )   catch 0 )",
            ),
            (
                "(i32.eqz (try (type 0) (do (i32.const 1)) (delegate 2)))",
                "(i32.eqz (delegate 2 try (type 0)     (i32.const 1)              ))",
            ),
            // What is no instruction, and the form that is flat.
            (
                "(@a (try)) (try_table (catch 0 1)) try catch 0 end \"(try (do))\" (; (try) ;)",
                "(@a (try)) (try_table (catch 0 1)) try catch 0 end \"(try (do))\" (; (try) ;)",
            ),
        ] {
            assert_eq!(flat(folded).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_out_of_place_in_a_folded_try() {
        for text in [
            "(try)",
            "(try nop (do))",
            "(try $l $l (do))",
            "(try ((do)))",
            "(try (nop) (do))",
            "(try (catch 0))",
            "(try (do) (do))",
            "(try (do) nop)",
            "(try (do) (catch_all) (catch 0))",
            "(try (do) (catch_all) (catch_all))",
            "(try (do) (catch 0) (delegate 0))",
            "(try (do) (delegate))",
            "(try (do) (delegate 0 0))",
            "(try (do) (delegate 0) (delegate 0))",
            "(try (do) (delegate (nop)))",
        ] {
            let message = flat(text).unwrap_err();
            assert!(message.starts_with("unexpected token, expected "), "{text}: {message}");
        }
    }

    #[test]
    fn places_of_a_flat_text() {
        let text = "(try (do) (catch 0)) (try (do) (delegate $l)) nop";
        let unfolded = unfold(&Lexer::new(text)).unwrap();
        for (word, skipped) in [("catch", 0), ("nop", 0), ("try", 0), ("try", 1)] {
            let nth = |text: &str| text.match_indices(word).nth(skipped).unwrap().0;
            assert_eq!(unfolded.original(nth(&unfolded.text)), nth(text), "{word}");
        }
        assert_eq!(unfolded.original(unfolded.text.len()), text.len());
        // What was inserted belongs where it was.
        assert_eq!(unfolded.original(unfolded.text.find("end").unwrap() + 1), 1);
    }
}
