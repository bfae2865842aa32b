//! What modules may use: WebAssembly 3.0, as far as it is there, and proposals beyond it, each of which an engine has on or off.
//!
//! To add a proposal: a constant, its place in [`Proposal::ALL`], and its setter in `src/capi/libwasm/config.rs`.

use std::fmt;
use wasmparser::WasmFeatures;

/// WebAssembly 2.0, and what is there of 3.0.
const STANDARD: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::GC)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::RELAXED_SIMD);

/// What later versions of WebAssembly and proposals have that this library lacks, by their names.
pub(super) const MISSING: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
];

/// A proposal beyond WebAssembly 3.0 that the library has.
#[derive(Debug)]
pub struct Proposal {
    pub(super) feature: WasmFeatures,
    pub(super) name: &'static str,
    /// The function of `libwasm.h` that switches it.
    pub setter: &'static str,
    is_on_by_default: bool,
}

impl Proposal {
    pub const WIDE_ARITHMETIC: Proposal = Proposal {
        feature: WasmFeatures::WIDE_ARITHMETIC,
        name: "wide arithmetic",
        setter: "libwasm_config_set_wide_arithmetic",
        is_on_by_default: true,
    };

    pub const CUSTOM_PAGE_SIZES: Proposal = Proposal {
        feature: WasmFeatures::CUSTOM_PAGE_SIZES,
        name: "custom page sizes",
        setter: "libwasm_config_set_custom_page_sizes",
        is_on_by_default: false,
    };

    pub const THREADS: Proposal = Proposal {
        feature: WasmFeatures::THREADS,
        name: "threads",
        setter: "libwasm_config_set_threads",
        is_on_by_default: true,
    };

    pub const LEGACY_EXCEPTIONS: Proposal = Proposal {
        feature: WasmFeatures::LEGACY_EXCEPTIONS,
        name: "legacy exceptions",
        setter: "libwasm_config_set_legacy_exceptions",
        is_on_by_default: true,
    };

    pub(super) const ALL: [Proposal; 4] =
        [Proposal::WIDE_ARITHMETIC, Proposal::CUSTOM_PAGE_SIZES, Proposal::THREADS, Proposal::LEGACY_EXCEPTIONS];

    pub fn named(name: &str) -> Option<Proposal> {
        Proposal::ALL.into_iter().find(|proposal| proposal.name == name)
    }
}

/// What the modules of an engine may use.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Features(WasmFeatures);

impl Default for Features {
    fn default() -> Features {
        Features::DEFAULT
    }
}

impl Features {
    /// What an engine has on whose configuration says nothing about it.
    pub const DEFAULT: Features = {
        let (mut features, mut i) = (STANDARD, 0);
        while i < Proposal::ALL.len() {
            if Proposal::ALL[i].is_on_by_default {
                features = features.union(Proposal::ALL[i].feature);
            }
            i += 1;
        }
        Features(features)
    };

    pub fn set(&mut self, proposal: &Proposal, is_on: bool) {
        self.0.set(proposal.feature, is_on);
    }

    pub(super) fn validated(self) -> WasmFeatures {
        self.0
    }

    fn proposals(self) -> impl Iterator<Item = &'static Proposal> {
        const ALL: &[Proposal] = &Proposal::ALL;
        ALL.iter().filter(move |proposal| self.0.contains(proposal.feature))
    }
}

/// The proposals that are on, as the identity of an artifact lists them.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, proposal) in self.proposals().enumerate() {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, proposal.name)?;
        }
        Ok(())
    }
}
