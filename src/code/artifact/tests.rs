//! Artifacts that are accepted and refused, and what happens to damaged ones.

use super::*;
use crate::code::object::tests::func;

const FINGERPRINT: &str = "libwasm=1\nsignals=true\nspeed=none\nguard pages=false";

fn module() -> Module {
    let text = r#"(module $named
        (import "a" "f" (func $f (param i32))) (import "a" "g" (global i64)) (import "a" "h" (global $h i32))
        (memory (export "m") 1 2) (table 3 funcref) (global (mut v128) (v128.const i64x2 1 2))
        (func $one (export "one")) (func $two (param f64))
        (start $one) (elem (i32.const 1) $f $one) (elem funcref (ref.null func) (ref.func $two))
        (data (i32.const 1) "hello") (data "passive") (data (global.get $h) "bye"))"#;
    crate::module::parse(&wat::parse_str(text).unwrap(), module::Features::DEFAULT).unwrap().module
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

/// Whatever is encoded has to be in a folder whose sources make the format.
#[test]
fn what_is_encoded_makes_the_format() {
    fn encoded(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                encoded(&path, found);
            } else if is_encoded(&std::fs::read_to_string(&path).unwrap()) {
                let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    fn is_encoded(text: &str) -> bool {
        text.lines().any(|line| line.trim_start().starts_with("#[derive(") && line.contains("Serialize"))
    }
    let mut files = vec![file!().to_owned()];
    encoded(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let hashed = env!("LIBWASM_ARTIFACT_SOURCES").split(' ').any(|folder| Path::new(&file).starts_with(folder));
        assert!(hashed, "{file} is in none of the folders in build.rs");
    }
}

/// Makes the checksums match again, as damage by intent would.
fn forge(bytes: &mut [u8]) {
    // Damaged lengths leave no place for them.
    _ = seal(bytes);
}

#[test]
fn what_is_stored_is_read() {
    let bytes = artifact();
    let path = std::env::temp_dir().join(format!("libwasm-artifact-{}", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    let mapped = deserialize_file(FINGERPRINT, &path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for (module, code) in [deserialize(FINGERPRINT, &bytes).unwrap(), mapped, read_mapped(&bytes).unwrap()] {
        assert_eq!((code.arena().memory().text(), code.arena().tables()), (&object().text[..], &object().tables));
        assert_eq!(format!("{module:?}"), format!("{:?}", self::module()));
        assert_eq!(code.artifact(), bytes);
        assert!((code.arena().range().start).is_multiple_of(TEXT_ALIGNMENT));
        use_everything(&module, &code);
    }
    assert!(is_artifact(&bytes) && !is_artifact(b"\0asm"));
}

#[test]
fn empty_module() {
    let bytes = build("", &Module::default(), &CodeObject::default()).unwrap().0.bytes().to_vec();
    let (module, code) = deserialize("", &bytes).unwrap();
    assert_eq!((module.num_funcs(), code.arena().tables().num_funcs(), code.arena().range().len()), (0, 0, 0));
    use_everything(&module, &code);
}

#[test]
fn what_does_not_fit_is_refused() {
    let bytes = artifact();
    assert!(refuse(b"", FINGERPRINT).contains("not an artifact"));
    assert!(refuse(b"\0asm\x01\0\0\0", FINGERPRINT).contains("not an artifact"));
    for at in 8..16 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(refuse(&changed, FINGERPRINT).contains("another version"));
    }
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
        ("libwasm=1\nsignals=true\nspeed=none\nguard pages=true", "compiled without guard pages, this engine has them"),
        ("libwasm=1\nsignals=true", "another version of this library: Some(\"speed=none\"), not None"),
        ("libwasm=1\nfaults=true", "another version of this library: \"signals=true\", not \"faults=true\""),
        ("", "another version of this library: Some(\"libwasm=1\"), not None"),
    ] {
        let message = refuse(&artifact(), ours);
        assert!(message.ends_with(told), "{message}");
    }
}

#[test]
fn proposals_may_be_on_that_an_artifact_does_not_use() {
    let identity = |proposals: &str| format!("libwasm=1\nproposals={proposals}\nspeed=none");
    let verdict = |theirs: &str, ours: &str| {
        let theirs = identity(theirs);
        check_identity(theirs.as_bytes(), 0..theirs.len(), &identity(ours)).map_err(|error| error.message().to_owned())
    };
    for (theirs, ours) in [("", ""), ("", "a"), ("a", "a"), ("b", "a, b, c"), ("c, a", "a, b, c")] {
        assert_eq!(verdict(theirs, ours), Ok(()), "{theirs}, {ours}");
    }
    for (theirs, ours) in [("a", ""), ("a, b", "b"), ("b, aa, a", "b, aa"), ("a", "b")] {
        let message = verdict(theirs, ours).unwrap_err();
        assert!(message.ends_with("compiled with a, which this engine has switched off"), "{message}");
    }
    let message = verdict("wide arithmetic", "").unwrap_err();
    assert!(message.ends_with("switched off (libwasm_config_set_wide_arithmetic switches it on)"), "{message}");
    // What follows is compared all the same.
    let theirs = identity("a");
    assert!(check_identity(theirs.as_bytes(), 0..theirs.len(), &identity("a, b").replace("none", "all")).is_err());
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
            if random() % 3 == 0 && !(8..16).contains(&at) {
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
    let arena = code.arena();
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
        let info = arena.tables().func(func);
        let (entry, len) = (code.func_entry(func) as usize, arena.range().len());
        assert!((info.start + info.len) as usize <= len);
        assert!(arena.range().contains(&entry) || info.start as usize == len);
    }
    for pc in arena.range() {
        arena.func_at(pc);
        arena.trap_at(pc);
        arena.frame_at(pc, true);
        if let Some(map) = arena.stack_map_at(pc) {
            map.heap_refs().chain(map.func_refs()).for_each(drop);
        }
    }
}
