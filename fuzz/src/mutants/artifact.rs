//! Changed artifacts.
//!
//! A change that the checksums do not know of is always found. One that they do know of must not make the library crash when it loads,
//! describes and instantiates the module, whatever it is a change of, as long as no code runs; and where it is of what code does not
//! rely on, not when code runs either. The code itself stays as it is: an artifact holds native code.

use super::super::library::{Store, TIERS, Tier};
use super::super::machine::Library;
use super::super::script::Script;
use super::super::support::ERROR_ARTIFACT;
use super::super::{generate, text};
use super::NUMBERS;
use arbitrary::{Result, Unstructured};
use std::ops::Range;
use wasm::code::artifact::{Layout, seal};

/// Where the changes of an input go.
enum Place {
    /// Anywhere, and the checksums stay as they were.
    Anywhere,
    /// Anywhere but in the code, and the checksums are written again: the module is loaded and described.
    Head,
    /// In the parts behind the description: the module is instantiated.
    Parts,
    /// In the parts that no code relies on: bodies, functions of element segments, data segments, names. The module runs.
    Inert,
}

/// The positions in [`Layout::module_parts`] of the inert parts.
const INERT: [usize; 6] = [1, 3, 4, 5, 6, 7];

pub fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let tier = *u.choose(&TIERS)?;
    let seed = u.arbitrary()?;
    let place = match u.int_in_range(0..=3)? {
        0 => Place::Anywhere,
        1 => Place::Head,
        2 => Place::Parts,
        _ => Place::Inert,
    };
    let changes = u.int_in_range(0..=120)?.min(u.len());
    let changes = u.bytes(changes)?;
    let binary = match text::module(u.peek_bytes(u.len()).unwrap_or_default()) {
        // It may have a function that does not end.
        Some(binary) if !matches!(place, Place::Inert) => binary,
        _ => generate::module(u)?,
    };
    let store = Store::new(tier);
    let Some(module) = store.compile_or_refuse(&binary) else { return Ok(()) };
    let original = module.serialize();
    let mut artifact = original.clone();
    let layout = seal(&mut artifact).expect("an artifact of the library's own");
    assert!(artifact == original, "the checksums of an artifact are not what they should be");
    change(&mut artifact, &ranges(&place, &layout, original.len()), &mut Unstructured::new(changes))?;
    if artifact == original {
        return Ok(());
    }
    match place {
        Place::Anywhere => {
            let refusal = store.deserialize(&artifact).err().expect("damage that is not found");
            assert_eq!(refusal.kind, ERROR_ARTIFACT, "{refusal:?}");
        }
        Place::Head => describe(&store, &mut artifact),
        Place::Parts => instantiate(tier, &mut artifact, &binary),
        Place::Inert => use_all(tier, &mut artifact, &binary, seed),
    }
    Ok(())
}

/// The places that are changed.
fn ranges(place: &Place, layout: &Layout, len: usize) -> Vec<Range<usize>> {
    match place {
        Place::Anywhere => std::iter::once(0..len).collect(),
        Place::Head => std::iter::once(0..layout.text().start).collect(),
        Place::Parts => layout.module_parts().into_iter().chain(layout.table_parts()).collect(),
        Place::Inert => INERT.map(|part| layout.module_parts()[part].clone()).to_vec(),
    }
}

/// Changes bytes and words in one of the places.
fn change(bytes: &mut [u8], places: &[Range<usize>], u: &mut Unstructured<'_>) -> Result<()> {
    let places: Vec<_> = places.iter().filter(|place| !place.is_empty()).collect();
    if places.is_empty() {
        return Ok(());
    }
    for _ in 0..u.int_in_range(1..=6)? {
        let place = (*u.choose(&places)?).clone();
        let bytes = &mut bytes[place];
        let at = u.choose_index(bytes.len())?;
        match u.int_in_range(0..=4)? {
            0 => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
            1 => bytes[at] = u.arbitrary()?,
            kind => {
                let at = at & !3;
                let other = u.choose_index(bytes.len())? & !3;
                let read = |at: usize| bytes.get(at..at + 4).and_then(|word| word.first_chunk().copied());
                let (Some(word), Some(copied)) = (read(at), read(other)) else { continue };
                let word = match kind {
                    2 => u.choose(&NUMBERS)?.to_le_bytes(),
                    3 => copied,
                    _ => u32::from_le_bytes(word).wrapping_add(u.int_in_range(-2..=2)? as u32).to_le_bytes(),
                };
                bytes[at..at + 4].copy_from_slice(&word);
            }
        }
    }
    Ok(())
}

/// Loads an artifact, if it is not refused, and describes it.
fn describe(store: &Store, artifact: &mut [u8]) {
    // A header whose lengths are damaged has no place for checksums.
    _ = seal(artifact);
    if let Ok(module) = store.deserialize(artifact) {
        module.imports();
        module.exports();
        assert!(module.serialize() == artifact, "an artifact changes when it is loaded");
    }
}

/// Loads an artifact, if it is not refused, and instantiates it twice without calling anything.
fn instantiate(tier: Tier, artifact: &mut [u8], binary: &[u8]) {
    seal(artifact).expect("the head is as it was");
    let Some(mut library) = Library::load(tier, artifact) else { return };
    let script = Script { rounds: 0, ..Script::new(binary.to_vec(), library.module(), 0) };
    if super::module::can_be_instantiated(binary) {
        script.run(&mut library);
        library.reset();
        script.run(&mut library);
    }
}

/// Loads an artifact, which must not be refused, and calls everything.
fn use_all(tier: Tier, artifact: &mut [u8], binary: &[u8], seed: u64) {
    seal(artifact).expect("the head is as it was");
    let Some(mut library) = Library::load(tier, artifact) else { return };
    Script::new(binary.to_vec(), library.module(), seed).run(&mut library);
}
