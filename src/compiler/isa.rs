//! The machine that code is made for: the one we run on, and the settings of Cranelift.

use super::complexity::Effort;
use super::{CompileOptions, OptLevel};
use crate::abi;
use crate::arch;
use crate::types::{Error, ErrorKind, Result};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use std::fmt::Write;

/// Cranelift's description of this machine under `options`, for functions that are worth this effort.
pub(crate) fn host(options: &CompileOptions, effort: Effort) -> Result<OwnedTargetIsa> {
    arch::check_processor()?;
    let builder = cranelift_native::builder().map_err(Error::unsupported)?;
    builder.finish(flags(options, effort)?).map_err(|error| internal(format!("Cranelift settings: {error}")))
}

/// The same of a machine that has no more than what is needed (`arch::check_processor`).
#[cfg(test)]
pub(crate) fn least(options: &CompileOptions) -> OwnedTargetIsa {
    let mut builder = cranelift_codegen::isa::lookup(cranelift_native::builder().unwrap().triple().clone()).unwrap();
    for extension in arch::NEEDED_EXTENSIONS {
        builder.enable(extension).unwrap();
    }
    builder.finish(flags(options, Effort::FULL).unwrap()).unwrap()
}

fn flags(options: &CompileOptions, effort: Effort) -> Result<settings::Flags> {
    let mut flags = settings::builder();
    let opt_level = match options.opt_level {
        _ if !effort.optimize => "none",
        OptLevel::None => "none",
        OptLevel::Speed => "speed",
        OptLevel::SpeedAndSize => "speed_and_size",
    };
    // Compiling takes half the time in a single pass. But the frames are larger, and without signals they have to be small.
    let fast = options.opt_level == OptLevel::None && options.signals;
    let regalloc_algorithm = if effort.backtrack && !fast { "backtracking" } else { "single_pass" };
    let verifier = if cfg!(debug_assertions) { "true" } else { "false" };
    // Results that do not fit into registers are returned through a pointer that Cranelift adds.
    // Frames are walked by their frame pointers, so no unwind tables; the stack is checked by us, so no probes.
    for (name, value) in [
        ("opt_level", opt_level),
        ("regalloc_algorithm", regalloc_algorithm),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("enable_multi_ret_implicit_sret", "true"),
        ("enable_verifier", verifier),
    ] {
        flags.set(name, value).map_err(|error| internal(format!("Cranelift setting {name}: {error}")))?;
    }
    Ok(settings::Flags::new(flags))
}

/// What the processor has beyond what all have, as far as a translation depends on it.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Extensions {
    /// Multiplications and additions that are rounded once.
    pub fma: bool,
    /// Sums of four products of bytes.
    pub dot_products: bool,
}

impl Extensions {
    pub fn of(isa: &OwnedTargetIsa) -> Extensions {
        let flags = isa.isa_flags();
        let has = |name: &str| flags.iter().any(|flag| flag.name == name && flag.as_bool() == Some(true));
        Extensions {
            fma: has("has_avx") && has("has_fma"),
            dot_products: has("has_avx") && has("has_avx_vnni") || has("has_avx512vl") && has("has_avx512vnni"),
        }
    }
}

/// Everything that decides what machine code looks like, a setting in each line, those that an embedder chooses before those
/// that follow from them or from the processor.
pub(crate) fn fingerprint(isa: &OwnedTargetIsa, options: &CompileOptions) -> String {
    let CompileOptions { opt_level, signals, guard_pages, deterministic, features } = options;
    let mut text = format!(
        "libwasm={}\nlayouts={:016x}\ncranelift={}\ntarget={}\n\
         optimization={opt_level:?}\nsignals={signals}\nguard pages={guard_pages}\ndeterministic results={deterministic}\nproposals={features}",
        env!("CARGO_PKG_VERSION"),
        abi::fingerprint(),
        cranelift_codegen::VERSION,
        isa.triple(),
    );
    for flag in isa.flags().iter().chain(isa.isa_flags()) {
        // Whether the verifier runs does not change what is compiled.
        if flag.name != "enable_verifier" {
            let _ = write!(text, "\n{}={}", flag.name, flag.value_string());
        }
    }
    text
}

#[cold]
pub(crate) fn internal(message: String) -> Error {
    Error::new(ErrorKind::Internal, message)
}
