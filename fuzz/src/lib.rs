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
pub mod oracle;
pub mod script;
pub mod text;
pub mod value;

#[path = "../../tests/support/mod.rs"]
pub mod support;

/// The targets: a name, and what it does with an input.
pub const TARGETS: [(&str, fn(&[u8])); 4] =
    [("capi", capi::run), ("modes", modes::run), ("modules", modules::run), ("text", text::run)];
