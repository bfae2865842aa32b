//! A compiled module as bytes: what `wasm_module_serialize` gives and `wasm_module_deserialize` takes.
//!
//! ```text
//! header       HEADER_LEN bytes: magic, format version, two checksums, lengths of the sections
//! identity     version of this library, target, CPU features and settings the code was compiled for, a line for each
//! description  that of the module, in postcard's format
//! parts        of the module ([`Module::parts`]) and of the tables of the text ([`CodeTables`]), read where they lie
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

use super::memory::CodeMemory;
use super::object::CodeObject;
use super::publish::Code;
use super::tables::{CodeTables, TABLE_PARTS};
use crate::module::{Bytes, Module, Owner, PARTS};
use crate::types::*;
use std::fs::OpenOptions;
use std::hash::Hasher;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use twox_hash::XxHash3_64;

const MAGIC: [u8; 8] = *b"\0libwasm";
/// Raised whenever the format changes.
const FORMAT: u32 = 2;
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
struct Layout([Range<usize>; SECTIONS]);

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

    fn module_parts(&self) -> [Range<usize>; PARTS] {
        std::array::from_fn(|part| self.0[2 + part].clone())
    }

    fn table_parts(&self) -> [Range<usize>; TABLE_PARTS] {
        std::array::from_fn(|part| self.0[2 + PARTS + part].clone())
    }

    fn text(&self) -> Range<usize> {
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

/// Loads an artifact where it lies in a file.
pub fn deserialize_file(fingerprint: &str, path: &Path) -> Result<(Module, Arc<Code>)> {
    let memory = map_file(path)?;
    read_file(fingerprint, memory)
        .map_err(|error| Error::new(error.kind(), format!("{}: {}", error.message(), path.display())))
}

/// Maps a file to be read. It is closed again; the mapping stays.
fn map_file(path: &Path) -> Result<CodeMemory> {
    let failed = |error: io::Error| refused(format!("{error}: {}", path.display()));
    // Without O_NONBLOCK, opening a pipe would wait for somebody who writes to it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(refused(format!("not a regular file: {}", path.display())));
    }
    match usize::try_from(metadata.len()) {
        Ok(0) => Err(refused(format!("empty: {}", path.display()))),
        Ok(len) => CodeMemory::of_file(&file, len)
            .map_err(|error| Error::new(error.kind(), format!("{error}: {}", path.display()))),
        Err(_) => Err(refused(format!("too large: {}", path.display()))),
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
    let failed =
        |error| Error::new(ErrorKind::Artifact, format!("cannot write an artifact: {error}: {}", path.display()));
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
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        for (index, (section, range)) in sections.iter().zip(&layout.0).enumerate() {
            let len = LENGTHS + 8 * index;
            bytes[len..len + 8].copy_from_slice(&(section.len() as u64).to_le_bytes());
            bytes[range.clone()].copy_from_slice(section);
        }
        let rest = XxHash3_64::oneshot(&bytes[layout.description().end..]);
        bytes[REST_CHECKSUM].copy_from_slice(&rest.to_le_bytes());
        let head = XxHash3_64::oneshot(&bytes[HEAD_CHECKSUM.end..layout.description().end]);
        bytes[HEAD_CHECKSUM].copy_from_slice(&head.to_le_bytes());
        Ok(())
    });
    Ok((memory?, layout))
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
    check_sum(field(bytes, REST_CHECKSUM.start)?, hasher.finish())
}

/// Checks what comes before the parts: the header, the identity, and the checksum of what is decoded.
fn read_head(fingerprint: &str, bytes: &[u8]) -> Result<Layout> {
    let layout = read_header(bytes)?;
    let computed = XxHash3_64::oneshot(&bytes[HEAD_CHECKSUM.end..layout.description().end]);
    check_sum(field(bytes, HEAD_CHECKSUM.start)?, computed)?;
    check_identity(&bytes[layout.identity()], fingerprint)?;
    Ok(layout)
}

fn read_header(bytes: &[u8]) -> Result<Layout> {
    if !is_artifact(bytes) {
        return Err(refused("not an artifact of this library"));
    }
    let format = u32::from_le_bytes(field(bytes, 8)?);
    if format != FORMAT {
        return Err(refused(format!("made by another version of this library: format {format}, not {FORMAT}")));
    }
    if u32::from_le_bytes(field(bytes, 12)?) != 0 {
        return Err(refused("damaged: its header"));
    }
    let mut lengths = [0; SECTIONS];
    for (index, len) in lengths.iter_mut().enumerate() {
        let stored = u64::from_le_bytes(field(bytes, LENGTHS + 8 * index)?);
        *len = usize::try_from(stored).map_err(|_| refused(format!("its lengths are damaged: {stored}")))?;
    }
    let layout = Layout::new(lengths).ok_or_else(|| refused("its lengths are damaged"))?;
    match layout.text().end {
        end if end == bytes.len() => Ok(layout),
        end => Err(refused(format!("truncated, or its lengths are damaged: {} bytes, not {end}", bytes.len()))),
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let field = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    field.copied().ok_or_else(|| refused(format!("truncated: {} bytes", bytes.len())))
}

fn check_sum(stored: [u8; 8], computed: u64) -> Result<()> {
    let stored = u64::from_le_bytes(stored);
    if stored != computed {
        return Err(refused(format!("damaged: checksum {stored:#x}, but its contents give {computed:#x}")));
    }
    Ok(())
}

/// Decodes the description: all of the module but its parts.
fn decode(memory: &CodeMemory, layout: &Layout) -> Result<Module> {
    let (module, after) = postcard::take_from_bytes::<Module>(&memory.bytes()[layout.description()])
        .map_err(|error| refused(format!("the description of its module cannot be read: {error}")))?;
    match after.len() {
        0 => Ok(module),
        len => Err(refused(format!("{len} bytes too many in the description of its module"))),
    }
}

/// Makes a module and its code of their artifact in memory and what was decoded of it.
fn assemble(memory: CodeMemory, layout: &Layout, mut module: Module) -> Result<(Module, Arc<Code>)> {
    let memory = Arc::new(memory);
    let part = |range| Bytes::new(memory.clone() as Owner, range);
    module.set_parts(layout.module_parts().map(part));
    module.check().map_err(|what| refused(format!("the description of its module is inconsistent: {what}")))?;
    let tables = CodeTables::new(layout.text().len(), layout.table_parts().map(part))
        .filter(|tables| tables.num_funcs() == module.num_defined_funcs())
        .ok_or_else(|| refused("its tables are inconsistent"))?;
    Ok((module, Code::publish(memory, tables)?))
}

/// Tells the first difference only: there are many settings, and most follow from the processor.
fn check_identity(stored: &[u8], ours: &str) -> Result<()> {
    if stored == ours.as_bytes() {
        return Ok(());
    }
    let stored = String::from_utf8_lossy(stored);
    let (mut theirs, mut ours) = (stored.lines(), ours.lines());
    loop {
        return Err(refused(match (theirs.next(), ours.next()) {
            (Some(theirs), Some(ours)) if theirs == ours => continue,
            (Some(theirs), Some(ours)) => describe_difference(theirs, ours),
            (theirs, ours) => format!("made by another version of this library: {theirs:?}, not {ours:?}"),
        }));
    }
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

#[cold]
fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Artifact, format!("artifact refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::object::tests::func;
    use super::*;

    const FINGERPRINT: &str = "libwasm=1\nsignals=true\nspeed=none\nguard pages=false";

    fn module() -> Module {
        let text = r#"(module $named
            (import "a" "f" (func $f (param i32))) (import "a" "g" (global i64)) (import "a" "h" (global $h i32))
            (memory (export "m") 1 2) (table 3 funcref) (global (mut v128) (v128.const i64x2 1 2))
            (func $one (export "one")) (func $two (param f64))
            (start $one) (elem (i32.const 1) $f $one) (elem funcref (ref.null func) (ref.func $two))
            (data (i32.const 1) "hello") (data "passive") (data (global.get $h) "bye"))"#;
        crate::module::parse(&wat::parse_str(text).unwrap()).unwrap().module
    }

    fn object() -> CodeObject {
        CodeObject::link(vec![func(20), func(40)], 1).unwrap()
    }

    fn artifact() -> Vec<u8> {
        build(FINGERPRINT, &module(), &object()).unwrap().0.bytes().to_vec()
    }

    /// Loads an artifact as if it were mapped.
    fn read_mapped(bytes: &[u8]) -> Result<(Module, Arc<Code>)> {
        let copy = |memory: &mut [u8]| {
            memory.copy_from_slice(bytes);
            Ok(())
        };
        read_file(FINGERPRINT, CodeMemory::filled(bytes.len(), bytes.len(), copy).unwrap())
    }

    fn refuse(bytes: &[u8], fingerprint: &str) -> String {
        let error = deserialize(fingerprint, bytes).map(|_| ()).expect_err("should be refused");
        assert_eq!(error.kind(), ErrorKind::Artifact);
        error.message().to_owned()
    }

    /// Makes the checksums match again, as damage by intent would.
    fn forge(bytes: &mut [u8]) {
        let Ok(layout) = read_header(bytes) else { return };
        let rest = XxHash3_64::oneshot(&bytes[layout.description().end..]);
        bytes[REST_CHECKSUM].copy_from_slice(&rest.to_le_bytes());
        let head = XxHash3_64::oneshot(&bytes[HEAD_CHECKSUM.end..layout.description().end]);
        bytes[HEAD_CHECKSUM].copy_from_slice(&head.to_le_bytes());
    }

    #[test]
    fn what_is_stored_is_read() {
        let bytes = artifact();
        let path = std::env::temp_dir().join(format!("libwasm-artifact-{}", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let mapped = deserialize_file(FINGERPRINT, &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for (module, code) in [deserialize(FINGERPRINT, &bytes).unwrap(), mapped, read_mapped(&bytes).unwrap()] {
            assert_eq!((code.text(), code.tables()), (&object().text[..], &object().tables));
            assert_eq!(format!("{module:?}"), format!("{:?}", self::module()));
            assert_eq!(code.artifact(), bytes);
            assert!((code.range().start).is_multiple_of(TEXT_ALIGNMENT));
            use_everything(&module, &code);
        }
        assert!(is_artifact(&bytes) && !is_artifact(b"\0asm"));
    }

    #[test]
    fn empty_module() {
        let bytes = build("", &Module::default(), &CodeObject::default()).unwrap().0.bytes().to_vec();
        let (module, code) = deserialize("", &bytes).unwrap();
        assert_eq!((module.num_funcs(), code.num_funcs(), code.range().len()), (0, 0, 0));
        use_everything(&module, &code);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bytes = artifact();
        assert!(refuse(b"", FINGERPRINT).contains("not an artifact"));
        assert!(refuse(b"\0asm\x01\0\0\0", FINGERPRINT).contains("not an artifact"));
        let mut changed = bytes.clone();
        changed[8] += 1;
        assert!(refuse(&changed, FINGERPRINT).contains("another version"));
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(refuse(&changed, FINGERPRINT).contains("checksum"));
        let mut changed = bytes.clone();
        changed.push(0);
        assert!(refuse(&changed, FINGERPRINT).contains("truncated"));
        for len in 0..bytes.len() {
            refuse(&bytes[..len], FINGERPRINT);
        }
    }

    #[test]
    fn the_first_difference_is_told() {
        for (ours, told) in [
            ("libwasm=2\nsignals=false", "compiled for libwasm 1, this engine's is 2"),
            ("libwasm=1\nsignals=false\nspeed=all", "compiled with signals, this engine has none"),
            ("libwasm=1\nsignals=true\nspeed=all", "compiled for speed none, this engine's is all"),
            (
                "libwasm=1\nsignals=true\nspeed=none\nguard pages=true",
                "compiled without guard pages, this engine has them",
            ),
            ("libwasm=1\nsignals=true", "another version of this library: Some(\"speed=none\"), not None"),
            ("libwasm=1\nfaults=true", "another version of this library: \"signals=true\", not \"faults=true\""),
            ("", "another version of this library: Some(\"libwasm=1\"), not None"),
        ] {
            let message = refuse(&artifact(), ours);
            assert!(message.ends_with(told), "{message}");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let mut bytes = artifact();
        for at in 0..bytes.len() {
            bytes[at] ^= 1 << (at % 8);
            refuse(&bytes, FINGERPRINT);
            bytes[at] ^= 1 << (at % 8);
        }
    }

    /// Of a mapped file only the head is checked; damage to the rest gives wrong answers, no more.
    #[test]
    fn damaged_files_never_panic() {
        let original = artifact();
        let layout = read_header(&original).unwrap();
        for at in 0..layout.text().start {
            for flip in [1, 2, 0x40, 0x80, 0xff] {
                let mut bytes = original.clone();
                bytes[at] ^= flip;
                let loaded = read_mapped(&bytes);
                assert_eq!(loaded.is_ok(), at >= layout.description().end);
                let _ = loaded.map(|(module, code)| use_everything(&module, &code));
            }
        }
    }

    #[test]
    fn forged_artifacts_never_panic() {
        let original = artifact();
        let layout = read_header(&original).unwrap();
        let mut accepted = 0;
        for at in LENGTHS..layout.text().start {
            for flip in [1, 2, 0x40, 0x80, 0xff] {
                let mut bytes = original.clone();
                bytes[at] ^= flip;
                forge(&mut bytes);
                for loaded in [deserialize(FINGERPRINT, &bytes), read_mapped(&bytes)] {
                    let Ok((module, code)) = loaded else { continue };
                    accepted += 1;
                    use_everything(&module, &code);
                }
            }
        }
        assert!(accepted > 0);
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize
        };
        let original = artifact();
        let layout = read_header(&original).unwrap();
        for _ in 0..2000 {
            let mut bytes = original.clone();
            let section = layout.0[random() % SECTIONS].clone();
            for at in section.chain([random() % bytes.len(); 5]) {
                if random() % 3 == 0 && at != 8 {
                    bytes[at] = random() as u8;
                }
            }
            forge(&mut bytes);
            for loaded in [deserialize(FINGERPRINT, &bytes), read_mapped(&bytes)] {
                let _ = loaded.map(|(module, code)| use_everything(&module, &code));
            }
        }
    }

    /// Sections of other lengths, which no longer fit each other, at the places where those lengths say that they are.
    #[test]
    fn other_lengths_never_panic() {
        let original = artifact();
        let lengths = read_header(&original).unwrap().0.map(|section| section.len());
        for section in 0..SECTIONS {
            for len in [0, 1, 3, 4, 7, 8, 12, 20, 24, 100, 1 << 20] {
                let mut lengths = lengths;
                lengths[section] = len;
                let mut bytes = original.clone();
                for (index, len) in lengths.into_iter().enumerate() {
                    bytes[LENGTHS + 8 * index..][..8].copy_from_slice(&(len as u64).to_le_bytes());
                }
                bytes.resize(Layout::new(lengths).unwrap().text().end, 0x5a);
                forge(&mut bytes);
                for loaded in [deserialize(FINGERPRINT, &bytes), read_mapped(&bytes)] {
                    let _ = loaded.map(|(module, code)| use_everything(&module, &code));
                }
            }
        }
    }

    fn use_everything(module: &Module, code: &Code) {
        for import in &module.imports {
            module.import_type(import);
        }
        for export in &module.exports {
            module.entity_type(export.entity);
        }
        for func in (0..module.num_funcs() as u32 + 1).map(FuncIndex::from_u32) {
            if module.num_funcs() > 0 {
                module.func_type(func);
            }
            module.func_name(func);
            assert!(module.func_ref_slots.get(func).is_none_or(|slot| slot < module.func_ref_slots.len()));
        }
        for elem in module.elems.values() {
            if let crate::module::ElemItems::Funcs(funcs) = &elem.items {
                (0..funcs.len() + 1).for_each(|index| _ = funcs.get(index));
            }
        }
        for (index, data) in module.datas.iter() {
            assert!(module.data(index).len() <= data.bytes.len());
            if let crate::module::DataMode::Active { memory, .. } = data.mode {
                assert!(memory.as_u32() < module.memories.len() as u32);
            }
        }
        for func in (0..module.num_defined_funcs() as u32 + 1).map(DefinedFuncIndex::from_u32) {
            module.body(func);
            let info = code.func(func);
            assert!((info.start + info.len) as usize <= code.text().len());
            assert!(
                code.range().contains(&(code.func_entry(func) as usize)) || info.start as usize == code.text().len()
            );
        }
        for pc in code.range() {
            code.func_at(pc);
            code.trap_at(pc);
            code.module_offset(pc, true);
            if let Some(map) = code.stack_map_at(pc) {
                map.heap_refs().chain(map.func_refs()).for_each(drop);
            }
        }
    }
}
