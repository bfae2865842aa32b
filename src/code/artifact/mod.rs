//! A compiled module as bytes: what `wasm_module_serialize` gives and `wasm_module_deserialize` takes.
//!
//! ```text
//! header       HEADER_LEN bytes: magic, format, two checksums, lengths of the sections
//! identity     version of this library, hash of the layouts its code relies on, target, CPU features and settings the code
//!              was compiled for, a line for each
//! description  that of the module, in postcard's format
//! parts        of the module ([`Module::parts`]) and of the tables of the text ([`CodeTables`]), read zero-copy
//! text         machine code, position independent
//! ```
//!
//! Numbers are little-endian. Sections start at multiples of SECTION_ALIGNMENT, the text at one of TEXT_ALIGNMENT, with zeros
//! between. An artifact is used as it is: a module that was just compiled lies in memory as its artifact, and one that is
//! loaded is a copy of its artifact, or the mapped file itself.
//!
//! The first checksum covers what is decoded when a module is loaded: the header from the second one on, the identity and the
//! description. The second covers all that follows. To check it is to read everything, so it is not checked for a file,
//! which is loaded in a time that does not depend on its length. Checksums find damage, not malice: an artifact holds
//! native code, and only one's own may be loaded. All the same no bytes whatever make this code panic, read out of bounds or
//! allocate more than a small multiple of their number.

use crate::code::entries::Code;
use crate::code::object::CodeObject;
use crate::code::tables::{CodeTables, TABLE_PARTS};
use crate::module::{self, Bytes, Module, PARTS, Proposal};
use crate::os::{self, code_memory::CodeMemory};
use crate::types::*;
use std::fs::OpenOptions;
use std::hash::Hasher;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use twox_hash::XxHash3_64;

const MAGIC: [u8; 8] = module::ARTIFACT_MAGIC;
/// A hash of the sources that decide how an artifact is written and what its code does: see `build.rs`.
const FORMAT: u64 = match u64::from_str_radix(env!("LIBWASM_ARTIFACT_FORMAT"), 16) {
    Ok(format) => format,
    Err(_) => panic!("build.rs gives a hexadecimal number"),
};
/// Where the checksum of the header, the identity and the description lies, and what it covers starts.
const HEAD_CHECKSUM: Range<usize> = 16..24;
/// Where the checksum of everything else lies.
const REST_CHECKSUM: Range<usize> = 24..32;
/// Where the lengths of the sections lie, eight bytes each.
const LENGTHS: usize = 32;
/// The identity, the description, the parts of the module, the parts of the tables, the text.
const SECTIONS: usize = 2 + PARTS + TABLE_PARTS + 1;
const HEADER_LEN: usize = LENGTHS + 8 * SECTIONS;
const SECTION_ALIGNMENT: usize = 16;
/// The size of a page, or a multiple of it.
const TEXT_ALIGNMENT: usize = 4096;
/// How much is copied at once, and then read again for the checksum: it should still be in the processor's cache.
const COPIED_AT_ONCE: usize = 128 << 10;

/// Where the sections lie, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout([Range<usize>; SECTIONS]);

impl Layout {
    /// `None` where that overflows.
    fn new(lengths: [usize; SECTIONS]) -> Option<Layout> {
        let mut sections = [const { 0..0 }; SECTIONS];
        let mut end = HEADER_LEN;
        for (index, (section, len)) in sections.iter_mut().zip(lengths).enumerate() {
            let alignment = if index == SECTIONS - 1 { TEXT_ALIGNMENT } else { SECTION_ALIGNMENT };
            let start = end.checked_next_multiple_of(alignment)?;
            end = start.checked_add(len)?;
            *section = start..end;
        }
        Some(Layout(sections))
    }

    fn identity(&self) -> Range<usize> {
        self.0[0].clone()
    }

    fn description(&self) -> Range<usize> {
        self.0[1].clone()
    }

    /// The parts of the module, in the order of [`Module::parts`].
    pub fn module_parts(&self) -> [Range<usize>; PARTS] {
        std::array::from_fn(|part| self.0[2 + part].clone())
    }

    /// The parts of the tables, in the order of [`CodeTables::parts`].
    pub fn table_parts(&self) -> [Range<usize>; TABLE_PARTS] {
        std::array::from_fn(|part| self.0[2 + PARTS + part].clone())
    }

    /// The machine code.
    pub fn text(&self) -> Range<usize> {
        self.0[SECTIONS - 1].clone()
    }
}

/// Whether `bytes` start as an artifact does.
pub fn is_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Publishes a module that was compiled by a compiler with this fingerprint.
pub fn publish(fingerprint: &str, module: Module, object: &CodeObject) -> Result<(Module, Arc<Code>)> {
    let (memory, layout) = build(fingerprint, &module, object)?;
    assemble(memory, &layout, module)
}

/// Loads a copy of an artifact that was made for a compiler of the same fingerprint.
pub fn deserialize(fingerprint: &str, bytes: &[u8]) -> Result<(Module, Arc<Code>)> {
    let layout = read_head(fingerprint, bytes)?;
    let memory = CodeMemory::filled(bytes.len(), layout.text().start, |memory| copy(memory, bytes, &layout))?;
    let module = decode(&memory, &layout)?;
    assemble(memory, &layout, module)
}

/// Loads an artifact from a file, which it maps and does not copy.
pub fn deserialize_file(fingerprint: &str, path: &Path) -> Result<(Module, Arc<Code>)> {
    let memory = map_file(path)?;
    read_file(fingerprint, memory).map_err(|error| {
        let (kind, message) = (error.kind(), format!("{}: {}", error.message(), path.display()));
        error.with_words(kind, message)
    })
}

/// Maps a file to be read. It is closed again; the mapping stays.
fn map_file(path: &Path) -> Result<CodeMemory> {
    let cannot_open = |error| Error::new(ErrorKind::File, format!("cannot open {}: {error}", path.display()));
    let (file, len) = os::open_regular(path).map_err(cannot_open)?;
    match usize::try_from(len) {
        Ok(0) => Err(refused(0, format!("empty: {}", path.display()))),
        Ok(len) => CodeMemory::of_file(&file, len)
            .map_err(|error| Error::new(error.kind(), format!("{error}: {}", path.display()))),
        Err(_) => Err(Error::limit(format!("an artifact that is too large: {}", path.display()))),
    }
}

fn read_file(fingerprint: &str, mut memory: CodeMemory) -> Result<(Module, Arc<Code>)> {
    let layout = read_head(fingerprint, memory.bytes())?;
    memory.make_executable(layout.text().start)?;
    let module = decode(&memory, &layout)?;
    assemble(memory, &layout, module)
}

/// Writes an artifact to a new file beside `path` that then takes its name, so that the file is never there in part, and one
/// that is mapped is not changed.
pub fn write_artifact(artifact: &[u8], path: &Path) -> Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let failed = |error| Error::new(ErrorKind::File, format!("cannot write {}: {error}", path.display()));
    // A device or a pipe would be replaced like a file.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(failed(io::Error::other("not a regular file")));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Relaxed)));
    let created = OpenOptions::new().write(true).create_new(true).open(&beside);
    let written = created.and_then(|mut file| {
        let written = file.write_all(artifact).and_then(|()| std::fs::rename(&beside, path));
        // The first failure is what counts.
        written.inspect_err(|_| _ = std::fs::remove_file(&beside))
    });
    written.map_err(failed)
}

/// Lays a module out as an artifact.
fn build(fingerprint: &str, module: &Module, object: &CodeObject) -> Result<(CodeMemory, Layout)> {
    let description = postcard::to_allocvec(module)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("cannot serialize a module: {error}")))?;
    let head = [fingerprint.as_bytes(), &description];
    let (parts, tables, text) = (module.parts(), object.tables.parts(), [&object.text[..]]);
    let mut sections = head.into_iter().chain(parts).chain(tables).chain(text);
    let sections: [&[u8]; SECTIONS] = std::array::from_fn(|_| sections.next().unwrap_or_default());
    let layout =
        Layout::new(sections.map(<[u8]>::len)).ok_or_else(|| Error::out_of_memory("no memory for an artifact"))?;
    let memory = CodeMemory::filled(layout.text().end, layout.text().start, |bytes| {
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&FORMAT.to_le_bytes());
        for (index, (section, range)) in sections.iter().zip(&layout.0).enumerate() {
            let len = LENGTHS + 8 * index;
            bytes[len..len + 8].copy_from_slice(&(section.len() as u64).to_le_bytes());
            bytes[range.clone()].copy_from_slice(section);
        }
        seal(bytes).map(drop)
    });
    Ok((memory?, layout))
}

/// Writes the checksums of an artifact that is complete but for them, and tells where its sections lie.
pub fn seal(bytes: &mut [u8]) -> Result<Layout> {
    let layout = read_header(bytes)?;
    let rest = XxHash3_64::oneshot(&bytes[layout.description().end..]);
    bytes[REST_CHECKSUM].copy_from_slice(&rest.to_le_bytes());
    let head = XxHash3_64::oneshot(&bytes[HEAD_CHECKSUM.end..layout.description().end]);
    bytes[HEAD_CHECKSUM].copy_from_slice(&head.to_le_bytes());
    Ok(layout)
}

/// Copies an artifact and checks the second checksum of the copy.
fn copy(memory: &mut [u8], bytes: &[u8], layout: &Layout) -> Result<()> {
    let (head, rest) = bytes.split_at(layout.description().end);
    let (head_copy, rest_copy) = memory.split_at_mut(head.len());
    head_copy.copy_from_slice(head);
    let mut hasher = XxHash3_64::with_seed(0);
    for (copy, bytes) in rest_copy.chunks_mut(COPIED_AT_ONCE).zip(rest.chunks(COPIED_AT_ONCE)) {
        copy.copy_from_slice(bytes);
        hasher.write(copy);
    }
    check_sum(field(bytes, REST_CHECKSUM.start)?, hasher.finish(), layout.description().end)
}

/// Checks what comes before the parts: the header, the identity, and the checksum of what is decoded.
fn read_head(fingerprint: &str, bytes: &[u8]) -> Result<Layout> {
    let layout = read_header(bytes)?;
    let computed = XxHash3_64::oneshot(&bytes[HEAD_CHECKSUM.end..layout.description().end]);
    check_sum(field(bytes, HEAD_CHECKSUM.start)?, computed, HEAD_CHECKSUM.end)?;
    check_identity(bytes, layout.identity(), fingerprint)?;
    Ok(layout)
}

fn read_header(bytes: &[u8]) -> Result<Layout> {
    if !is_artifact(bytes) {
        let what = if bytes.starts_with(b"\0asm") { ": it is a WebAssembly binary, for wasm_module_new" } else { "" };
        return Err(refused(0, format!("not an artifact of this library{what}")));
    }
    let format = u64::from_le_bytes(field(bytes, MAGIC.len())?);
    if format != FORMAT {
        let difference = format!("format {format:016x}, not {FORMAT:016x}");
        return Err(refused(MAGIC.len(), format!("made by another version of this library: {difference}")));
    }
    let mut lengths = [0; SECTIONS];
    for (index, len) in lengths.iter_mut().enumerate() {
        let at = LENGTHS + 8 * index;
        let stored = u64::from_le_bytes(field(bytes, at)?);
        *len = usize::try_from(stored).map_err(|_| refused(at, format!("its lengths are damaged: {stored}")))?;
    }
    let layout = Layout::new(lengths).ok_or_else(|| refused(LENGTHS, "its lengths are damaged"))?;
    match layout.text().end {
        end if end == bytes.len() => Ok(layout),
        end => {
            let why = format!("truncated, or its lengths are damaged: {} bytes, not {end}", bytes.len());
            Err(refused(end.min(bytes.len()), why))
        }
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let field = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    field.copied().ok_or_else(|| refused(bytes.len(), format!("truncated: {} bytes", bytes.len())))
}

/// Compares a checksum with that of what it covers, which starts at `at`.
fn check_sum(stored: [u8; 8], computed: u64, at: usize) -> Result<()> {
    let stored = u64::from_le_bytes(stored);
    if stored != computed {
        return Err(refused(at, format!("damaged: checksum {stored:#x}, but its contents give {computed:#x}")));
    }
    Ok(())
}

/// Decodes the description: all of the module but its parts.
fn decode(memory: &CodeMemory, layout: &Layout) -> Result<Module> {
    let at = layout.description();
    let (module, after) = postcard::take_from_bytes::<Module>(&memory.bytes()[at.clone()])
        .map_err(|error| refused(at.start, format!("the description of its module cannot be read: {error}")))?;
    match after.len() {
        0 => Ok(module),
        len => Err(refused(at.end - len, format!("{len} bytes too many in the description of its module"))),
    }
}

/// Makes a module and its code of their artifact in memory and what was decoded of it.
fn assemble(memory: CodeMemory, layout: &Layout, mut module: Module) -> Result<(Module, Arc<Code>)> {
    let memory = Arc::new(memory);
    let part = |range| part(&memory, range);
    module.set_parts(layout.module_parts().map(part));
    let inconsistent =
        |what| refused(layout.description().start, format!("the description of its module is inconsistent: {what}"));
    module.check().map_err(inconsistent)?;
    let tables = CodeTables::new(layout.text().len(), layout.table_parts().map(part))
        .filter(|tables| tables.num_funcs() == module.num_defined_funcs())
        .ok_or_else(|| refused(layout.table_parts()[0].start, "its tables are inconsistent"))?;
    Ok((module, Code::publish(memory, tables)?))
}

/// A part of an artifact, which keeps it in memory.
fn part(memory: &Arc<CodeMemory>, range: Range<usize>) -> Bytes {
    let bytes: &[u8] = memory.bytes().get(range).unwrap_or_default();
    // SAFETY: only the lifetime becomes longer. The bytes stay where they are and as they are until the last owner of `memory`
    // drops it; `Bytes` is one, and does not give them out for longer than it lives.
    let bytes: &'static [u8] = unsafe { std::mem::transmute(bytes) };
    Bytes::lent(bytes, memory.clone())
}

/// Tells the first difference only: there are many settings, and most follow from the processor.
fn check_identity(bytes: &[u8], at: Range<usize>, ours: &str) -> Result<()> {
    let stored = &bytes[at.clone()];
    if stored == ours.as_bytes() {
        return Ok(());
    }
    let at = at.start + stored.iter().zip(ours.as_bytes()).take_while(|(stored, ours)| stored == ours).count();
    let stored = String::from_utf8_lossy(stored);
    let (mut theirs, mut ours) = (stored.lines(), ours.lines());
    loop {
        let difference = match (theirs.next(), ours.next()) {
            (None, None) => return Ok(()),
            (Some(theirs), Some(ours)) if theirs == ours => continue,
            (Some(theirs), Some(ours)) if theirs.starts_with(PROPOSALS) && ours.starts_with(PROPOSALS) => {
                match switched_off(theirs, ours) {
                    Some(difference) => difference,
                    None => continue,
                }
            }
            (Some(theirs), Some(ours)) => describe_difference(theirs, ours),
            (theirs, ours) => format!("made by another version of this library: {theirs:?}, not {ours:?}"),
        };
        return Err(refused(at, difference));
    }
}

/// How the line of an identity begins that lists the proposals that were on.
const PROPOSALS: &str = "proposals=";

/// In words, which proposal an artifact may use that its identity lists, and ours does not. What is on here only does no harm.
fn switched_off(theirs: &str, ours: &str) -> Option<String> {
    let names = |line: &'_ str| line[PROPOSALS.len()..].split(", ").map(str::to_owned).collect::<Vec<_>>();
    let ours = names(ours);
    let off = names(theirs).into_iter().find(|name| !name.is_empty() && !ours.contains(name))?;
    let how = match Proposal::named(&off) {
        Some(proposal) => format!(" ({} switches it on)", proposal.setter),
        None => String::new(),
    };
    Some(format!("compiled with {off}, which this engine has switched off{how}"))
}

/// In words, how two lines of identities differ.
fn describe_difference(theirs: &str, ours: &str) -> String {
    match (theirs.split_once('='), ours.split_once('=')) {
        (Some((name, "true")), Some((same, "false"))) if name == same => {
            format!("compiled with {name}, this engine has none")
        }
        (Some((name, "false")), Some((same, "true"))) if name == same => {
            format!("compiled without {name}, this engine has them")
        }
        (Some((name, theirs)), Some((same, ours))) if name == same => {
            format!("compiled for {name} {theirs}, this engine's is {ours}")
        }
        _ => format!("made by another version of this library: {theirs:?}, not {ours:?}"),
    }
}

/// Why an artifact is refused, and the byte of it that says so.
#[cold]
fn refused(at: usize, why: impl std::fmt::Display) -> Error {
    Error::artifact(format!("artifact refused: {why}"), at)
}

#[cfg(test)]
mod tests;
