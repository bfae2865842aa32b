//! The bodies of the fuzz targets: what each does with one input. A body panics where the library is wrong; where the library
//! ends the process instead, that is the finding.
//!
//! libFuzzer calls them through `targets/`, `cargo test` through `tests/fuzz.rs` of the root, which includes this file. They know
//! the library by its C functions only.

pub mod capi;
pub mod generate;
pub mod library;
pub mod machine;
pub mod modes;
pub mod modules;
pub mod mutants;
pub mod objects;
pub mod oracle;
pub mod script;
pub mod text;
pub mod value;

#[path = "../../tests/support/mod.rs"]
pub mod support;

/// A target: its name, what it does with an input, and how many pseudo-random inputs `cargo test` tries.
pub type Target = (&'static str, fn(&[u8]), usize);

pub const TARGETS: [Target; 5] = [
    ("capi", capi::run, 2000),
    ("modes", modes::run, 100),
    ("modules", modules::run, 400),
    ("mutants", mutants::run, 1000),
    ("text", text::run, 1000),
];
