//! A compiled module as bytes: what `wasm_module_serialize` gives and `wasm_module_deserialize` takes.
//!
//! ```text
//! header    HEADER_LEN bytes: magic, format version, checksum of all that follows, lengths of the sections
//! identity  version of this library, target, CPU features and settings the code was compiled for
//! module    the description of the module, in postcard's format
//! tables    the tables of the text, arrays of 32-bit words
//! data      the bytes of the data segments
//!           zeros up to a multiple of TEXT_ALIGNMENT
//! text      machine code, position independent: it can be mapped as it is
//! ```
//!
//! Numbers are little-endian. The checksum finds damage, not malice: an artifact holds native code, and only one's own
//! may be loaded. All the same no bytes whatever make this code panic, read out of bounds or allocate more than a small
//! multiple of their number.

use super::object::CodeObject;
use super::publish::Code;
use super::tables::CodeTables;
use crate::module::Module;
use crate::types::*;
use std::borrow::Cow;
use twox_hash::XxHash3_64;

const MAGIC: [u8; 8] = *b"\0libwasm";
/// Raised whenever the format changes.
const FORMAT: u32 = 1;
const HEADER_LEN: usize = 64;
/// Where the bytes that the checksum covers start.
const CHECKED_START: usize = 24;
/// The text starts at a multiple of this.
const TEXT_ALIGNMENT: usize = 4096;
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The lengths of the sections, in their order.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Lengths {
    identity: usize,
    module: usize,
    tables: usize,
    data: usize,
    text: usize,
}

impl Lengths {
    fn in_order(self) -> [usize; 5] {
        [self.identity, self.module, self.tables, self.data, self.text]
    }

    /// Where the text starts, and the length of the artifact. `None` where that overflows.
    fn text_start_and_end(self) -> Option<(usize, usize)> {
        let [sections @ .., text] = self.in_order();
        let end = sections.iter().try_fold(HEADER_LEN, |end, &len| end.checked_add(len))?;
        let start = end.checked_next_multiple_of(TEXT_ALIGNMENT)?;
        Some((start, start.checked_add(text)?))
    }
}

/// Whether `bytes` start as an artifact does.
pub fn is_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Stores a compiled module. `fingerprint` is that of the compiler that made it.
pub fn serialize(fingerprint: &str, module: &Module, code: &Code) -> Result<Vec<u8>> {
    serialize_parts(fingerprint, module, code.text(), code.tables())
}

fn serialize_parts(fingerprint: &str, module: &Module, text: &[u8], tables: &CodeTables) -> Result<Vec<u8>> {
    let identity = identity(fingerprint);
    let description = postcard::to_allocvec(module)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("cannot serialize a module: {error}")))?;
    let mut encoded_tables = Vec::new();
    tables.encode(&mut encoded_tables);
    let lengths = Lengths {
        identity: identity.len(),
        module: description.len(),
        tables: encoded_tables.len(),
        data: module.data_bytes.len(),
        text: text.len(),
    };
    let too_large = || Error::out_of_memory("no memory for an artifact");
    let (text_start, end) = lengths.text_start_and_end().ok_or_else(too_large)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(end).map_err(|_| too_large())?;
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 12]);
    for len in lengths.in_order() {
        bytes.extend_from_slice(&(len as u64).to_le_bytes());
    }
    debug_assert_eq!(bytes.len(), HEADER_LEN);
    for section in [identity.as_bytes(), &description, &encoded_tables, &module.data_bytes] {
        bytes.extend_from_slice(section);
    }
    bytes.resize(text_start, 0);
    bytes.extend_from_slice(text);
    let checksum = XxHash3_64::oneshot(&bytes[CHECKED_START..]);
    bytes[16..CHECKED_START].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Reads what [`serialize`] stored for a compiler of the same fingerprint. The text is borrowed from `bytes`.
pub fn deserialize<'a>(fingerprint: &str, bytes: &'a [u8]) -> Result<(Module, CodeObject<'a>)> {
    let lengths = read_header(bytes)?;
    let (text_start, end) = lengths.text_start_and_end().filter(|&(_, end)| end == bytes.len()).ok_or_else(|| {
        refused(format!("truncated, or its lengths are damaged: {lengths:?} in {} bytes", bytes.len()))
    })?;
    let stored = u64::from_le_bytes(field(bytes, 16)?);
    let computed = XxHash3_64::oneshot(&bytes[CHECKED_START..]);
    if stored != computed {
        return Err(refused(format!("damaged: checksum {stored:#x}, but its contents give {computed:#x}")));
    }
    let mut rest = &bytes[HEADER_LEN..];
    let mut section = |len: usize| {
        // The lengths were found to fit.
        let (section, after) = rest.split_at(len);
        rest = after;
        section
    };
    check_identity(section(lengths.identity), fingerprint)?;
    let (description, tables, data) = (section(lengths.module), section(lengths.tables), section(lengths.data));
    let text = &bytes[text_start..end];
    let (mut module, after) = postcard::take_from_bytes::<Module>(description)
        .map_err(|error| refused(format!("the description of its module cannot be read: {error}")))?;
    if !after.is_empty() {
        return Err(refused(format!("{} bytes too many in the description of its module", after.len())));
    }
    module
        .data_bytes
        .try_reserve_exact(data.len())
        .map_err(|_| Error::out_of_memory(format!("no memory for data segments: {} bytes", data.len())))?;
    module.data_bytes.extend_from_slice(data);
    module.check().map_err(|what| refused(format!("the description of its module is inconsistent: {what}")))?;
    let tables = CodeTables::decode(tables, text.len())
        .filter(|tables| tables.num_funcs() == module.bodies.len())
        .ok_or_else(|| refused("its tables are inconsistent"))?;
    Ok((module, CodeObject { text: Cow::Borrowed(text), tables }))
}

fn read_header(bytes: &[u8]) -> Result<Lengths> {
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
    let mut lengths = [0; 5];
    for (index, len) in lengths.iter_mut().enumerate() {
        let stored = u64::from_le_bytes(field(bytes, CHECKED_START + 8 * index)?);
        *len = usize::try_from(stored).map_err(|_| refused(format!("its lengths are damaged: {stored}")))?;
    }
    let [identity, module, tables, data, text] = lengths;
    Ok(Lengths { identity, module, tables, data, text })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let field = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    field.copied().ok_or_else(|| refused(format!("truncated: {} bytes", bytes.len())))
}

fn identity(fingerprint: &str) -> String {
    format!("libwasm {VERSION}; {fingerprint}")
}

fn check_identity(stored: &[u8], fingerprint: &str) -> Result<()> {
    let ours = identity(fingerprint);
    if stored == ours.as_bytes() {
        return Ok(());
    }
    let stored = String::from_utf8_lossy(stored);
    Err(refused(format!("made by another version, or for another CPU or configuration: \"{stored}\", not \"{ours}\"")))
}

#[cold]
fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Artifact, format!("artifact refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::object::tests::func;
    use super::*;

    const FINGERPRINT: &str = "test cpu";

    fn module() -> Module {
        let text = r#"(module $named
            (import "a" "f" (func $f (param i32))) (import "a" "g" (global i64))
            (memory (export "m") 1 2) (table 3 funcref) (global (mut v128) (v128.const i64x2 1 2))
            (func $one (export "one")) (func $two (param f64))
            (start $one) (elem (i32.const 1) $f $one) (elem funcref (ref.null func) (ref.func $two))
            (data (i32.const 1) "hello") (data "passive"))"#;
        crate::module::parse(&wat::parse_str(text).unwrap()).unwrap().module
    }

    fn artifact() -> Vec<u8> {
        let object = CodeObject::link(vec![func(20), func(40)], 1).unwrap();
        serialize_parts(FINGERPRINT, &module(), &object.text, &object.tables).unwrap()
    }

    fn refuse(bytes: &[u8], fingerprint: &str) -> String {
        let error = deserialize(fingerprint, bytes).map(|_| ()).expect_err("should be refused");
        assert_eq!(error.kind(), ErrorKind::Artifact);
        error.message().to_owned()
    }

    /// Makes the checksum match again, as damage by intent would.
    fn forge(bytes: &mut [u8]) {
        let checksum = XxHash3_64::oneshot(&bytes[CHECKED_START..]);
        bytes[16..CHECKED_START].copy_from_slice(&checksum.to_le_bytes());
    }

    #[test]
    fn what_is_stored_is_read() {
        let bytes = artifact();
        let (module, object) = deserialize(FINGERPRINT, &bytes).unwrap();
        assert_eq!(object, CodeObject::link(vec![func(20), func(40)], 1).unwrap());
        assert_eq!(format!("{module:?}"), format!("{:?}", self::module()));
        assert_eq!(object.text.as_ptr() as usize - bytes.as_ptr() as usize, TEXT_ALIGNMENT);
        assert!(is_artifact(&bytes) && !is_artifact(b"\0asm"));
    }

    #[test]
    fn empty_module() {
        let object = CodeObject::link(vec![], 0).unwrap();
        let bytes = serialize_parts("", &Module::default(), &object.text, &object.tables).unwrap();
        assert_eq!(deserialize("", &bytes).unwrap().1, object);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bytes = artifact();
        assert!(refuse(b"", FINGERPRINT).contains("not an artifact"));
        assert!(refuse(b"\0asm\x01\0\0\0", FINGERPRINT).contains("not an artifact"));
        assert!(refuse(&bytes, "another cpu").contains("another cpu"));
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
    fn every_flipped_bit_is_found() {
        let mut bytes = artifact();
        for at in (0..bytes.len()).filter(|&at| !(12..16).contains(&at)) {
            bytes[at] ^= 1 << (at % 8);
            refuse(&bytes, FINGERPRINT);
            bytes[at] ^= 1 << (at % 8);
        }
    }

    #[test]
    fn forged_artifacts_never_panic() {
        let original = artifact();
        let end = Lengths::text_start_and_end(read_header(&original).unwrap()).unwrap().0;
        let mut accepted = 0;
        for at in CHECKED_START..end {
            for flip in [1, 2, 0x40, 0x80, 0xff] {
                let mut bytes = original.clone();
                bytes[at] ^= flip;
                forge(&mut bytes);
                let Ok((module, object)) = deserialize(FINGERPRINT, &bytes) else { continue };
                accepted += 1;
                use_everything(&module, &object);
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
        for _ in 0..2000 {
            let mut bytes = artifact();
            bytes.truncate(HEADER_LEN + random() % 1000);
            for _ in 0..1 + random() % 30 {
                let at = 12 + random() % (bytes.len() - 12);
                bytes[at] = random() as u8;
            }
            // A description of random bytes that fits.
            let len = bytes.len() - HEADER_LEN;
            let identity = identity(FINGERPRINT).len();
            if len > identity && random() % 2 == 0 {
                let lengths = [identity, len - identity, 0, 0, 0];
                for (index, len) in lengths.into_iter().enumerate() {
                    let at = CHECKED_START + 8 * index;
                    bytes[at..at + 8].copy_from_slice(&(len as u64).to_le_bytes());
                }
                bytes[HEADER_LEN..HEADER_LEN + identity].copy_from_slice(self::identity(FINGERPRINT).as_bytes());
                bytes.resize((HEADER_LEN + len).next_multiple_of(TEXT_ALIGNMENT), 0);
            }
            forge(&mut bytes);
            if let Ok((module, object)) = deserialize(FINGERPRINT, &bytes) {
                use_everything(&module, &object);
            }
        }
    }

    fn use_everything(module: &Module, object: &CodeObject<'_>) {
        for import in &module.imports {
            module.import_type(import);
        }
        for export in &module.exports {
            module.entity_type(export.entity);
        }
        for func in module.funcs.keys() {
            module.func_type(func);
            module.func_name(func);
            module.func_ref_slots.get(func);
        }
        for data in module.datas.keys() {
            module.data(data);
        }
        for func in module.bodies.keys() {
            let func = object.tables.func(func);
            assert!((func.start + func.len) as usize <= object.text.len());
        }
    }
}
