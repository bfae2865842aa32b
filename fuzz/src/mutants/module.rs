//! Changed binaries.
//!
//! Sections, function bodies and what is in them are changed, and framed again, so that most of it reaches what comes after the parser.
//! The library must accept what the reference validator accepts, or say which of its limits is in the way, and nothing else;
//! what it accepts it must describe, turn into an artifact and back, and instantiate.

use super::super::library::{Store, TIERS, Tier};
use super::super::machine::Library;
use super::super::script::Script;
use super::super::{generate, text};
use super::NUMBERS;
use arbitrary::{Result, Unstructured};
use wasmparser::{Parser, Payload, TypeRef, Validator, WasmFeatures};

/// What the library has.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::GC)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES);
/// The id of the code section.
const CODE: u8 = 10;
/// The most pages and elements of what is instantiated.
const MAX_PAGES: u64 = 16;
const MAX_ELEMENTS: u64 = 1000;

/// A section, without its length. The bodies of functions lie apart, so that each can change its length.
#[derive(Clone)]
struct Section {
    id: u8,
    parts: Vec<Vec<u8>>,
}

pub fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let tier = *u.choose(&TIERS)?;
    let edits = u.int_in_range(1..=8)?;
    // What is left after the edits makes the module.
    let (changes, rest) = split(u)?;
    let mut sections = sections(&text::module(rest).unwrap_or(generate::module(&mut Unstructured::new(rest))?));
    let mut u = Unstructured::new(changes);
    for _ in 0..edits {
        change(&mut sections, &mut u)?;
    }
    let mut binary = join(&sections);
    if u.ratio(1, 16)? {
        change_bytes(&mut binary, &mut u)?;
    }
    examine(tier, &binary);
    Ok(())
}

/// The bytes that say what to change, and those that say of what.
fn split<'a>(u: &mut Unstructured<'a>) -> Result<(&'a [u8], &'a [u8])> {
    let changes = u.int_in_range(0..=200)?.min(u.len());
    Ok((u.bytes(changes)?, u.bytes(u.len())?))
}

/// The sections of a valid binary.
fn sections(binary: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut rest = &binary[8..];
    while let Some((&id, after)) = rest.split_first() {
        rest = after;
        let content = take(&mut rest);
        sections.push(Section { id, parts: if id == CODE { bodies(content) } else { vec![content.to_vec()] } });
    }
    sections
}

fn bodies(mut content: &[u8]) -> Vec<Vec<u8>> {
    let count = number(&mut content);
    (0..count).map(|_| take(&mut content).to_vec()).collect()
}

/// A LEB128 number.
fn number(bytes: &mut &[u8]) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a number in a valid binary");
        *bytes = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// A length and as many bytes.
fn take<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = number(bytes);
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

fn put_number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put(out: &mut Vec<u8>, content: &[u8]) {
    put_number(out, content.len());
    out.extend_from_slice(content);
}

fn join(sections: &[Section]) -> Vec<u8> {
    let mut binary = b"\0asm\x01\0\0\0".to_vec();
    for Section { id, parts } in sections {
        let mut content = Vec::new();
        if *id == CODE {
            put_number(&mut content, parts.len());
        }
        for part in parts {
            if *id == CODE { put(&mut content, part) } else { content.extend_from_slice(part) }
        }
        binary.push(*id);
        put(&mut binary, &content);
    }
    binary
}

/// Changes the list of sections, a section's list of parts, or the bytes of a part.
fn change(sections: &mut Vec<Section>, u: &mut Unstructured<'_>) -> Result<()> {
    if sections.is_empty() {
        return Ok(());
    }
    let (at, other) = (u.choose_index(sections.len())?, u.choose_index(sections.len())?);
    match u.int_in_range(0..=15)? {
        0 => drop(sections.remove(at)),
        1 => sections.swap(at, other),
        2 => sections.insert(at, sections[other].clone()),
        3 => sections[at].id = u.int_in_range(0..=13)?,
        4 => {
            let part = sections[other].parts.first().cloned().unwrap_or_default();
            sections[at].parts.push(part);
        }
        5 => drop(sections[at].parts.pop()),
        _ => {
            let parts = &mut sections[at].parts;
            if !parts.is_empty() {
                let part = u.choose_index(parts.len())?;
                change_bytes(&mut parts[part], u)?;
            }
        }
    }
    Ok(())
}

fn change_bytes(bytes: &mut Vec<u8>, u: &mut Unstructured<'_>) -> Result<()> {
    let at = u.int_in_range(0..=bytes.len())?;
    let len = u.int_in_range(0..=bytes.len() - at)?.min(16);
    match u.int_in_range(0..=6)? {
        0 => drop(bytes.drain(at..at + len)),
        1 => bytes.insert(at, u.arbitrary()?),
        2 => bytes.truncate(at),
        3 => bytes.splice(at..at, bytes[at..at + len].to_vec()).for_each(drop),
        4 => {
            let mut leb = Vec::new();
            put_number(&mut leb, *u.choose(&NUMBERS)? as usize);
            bytes.splice(at..(at + 1).min(bytes.len()), leb).for_each(drop);
        }
        5 if at < bytes.len() => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
        _ if at < bytes.len() => bytes[at] = u.arbitrary()?,
        _ => {}
    }
    Ok(())
}

/// Holds the library against the validator, and uses what it accepts.
pub fn examine(tier: Tier, binary: &[u8]) {
    let expected = Validator::new_with_features(FEATURES).validate_all(binary);
    match (Store::new(tier).validate(binary), &expected) {
        (Ok(()), Err(error)) => panic!("accepted, but the validator says: {error}"),
        (Err(refusal), Ok(_)) if !refusal.is_of_the_implementation() => panic!("valid, but {refusal:?}"),
        _ => {}
    }
    // Refuses what is not valid, and sends the rest through an artifact where the tier says so.
    let Some(mut library) = Library::new(tier, binary) else { return };
    let script = Script { rounds: 0, ..Script::new(binary.to_vec(), library.module(), 0) };
    if can_be_instantiated(binary) {
        // Whatever it shows; a second instance must show the same.
        let first = script.run(&mut library);
        library.reset();
        let difference = script.run(&mut library).difference(&first);
        assert!(difference.is_none(), "a second instance differs: {difference:?}");
    }
}

/// Whether instantiation ends soon and takes little memory: no start function, and nothing large.
pub fn can_be_instantiated(binary: &[u8]) -> bool {
    let small = |ty: TypeRef| match ty {
        TypeRef::Memory(ty) => ty.initial <= MAX_PAGES << (16 - ty.page_size_log2.unwrap_or(16)),
        TypeRef::Table(ty) => ty.initial <= MAX_ELEMENTS,
        _ => true,
    };
    Parser::new(0).parse_all(binary).all(|payload| match payload {
        Ok(Payload::StartSection { .. }) | Err(_) => false,
        Ok(Payload::MemorySection(memories)) => memories.into_iter().flatten().all(|ty| small(TypeRef::Memory(ty))),
        Ok(Payload::TableSection(tables)) => tables.into_iter().flatten().all(|table| small(TypeRef::Table(table.ty))),
        Ok(Payload::ImportSection(imports)) => imports.into_imports().flatten().all(|import| small(import.ty)),
        Ok(_) => true,
    })
}
