//! The target `modes`: a generated module in every tier of the library, in each of them twice.
//!
//! All must show the same, whether accesses are checked by the hardware or by code, whether the code was optimized, and whether it
//! came through an artifact; and the second instance, which takes the place of the first, the same as the first. With deterministic
//! results in all of them, NaNs are not made canonical by the module, and relaxed vector instructions are among the others, and, in some,
//! everything else that the library has.

use super::generate;
use super::library::TIERS;
use super::machine::Library;
use super::script::{Outcome, Script};
use arbitrary::{Result, Unstructured};

/// The most bytes of objects.
const MAX_HEAP: usize = 64 << 20;

pub fn run(data: &[u8]) {
    // Too few bytes for a module: nothing to test.
    _ = compare(&mut Unstructured::new(data));
}

fn compare(u: &mut Unstructured<'_>) -> Result<()> {
    let seed = u.arbitrary()?;
    let (deterministic, everything) = (u.ratio(1, 2)?, u.ratio(1, 2)?);
    let binary = match deterministic {
        true if everything => generate::module_of_everything(u)?,
        true => generate::module_of_any_nan(u)?,
        false => generate::module(u)?,
    };
    let mut first: Option<(&str, Outcome)> = None;
    for tier in TIERS {
        let tier = if deterministic { tier.deterministic() } else { tier };
        // A limit of the tier.
        let Some(mut library) = Library::new(tier, &binary) else { continue };
        library.limit_heap(MAX_HEAP);
        let script = Script::new(binary.clone(), library.module(), seed);
        for instance in ["first", "second"] {
            let outcome = script.run(&mut library);
            library.reset();
            match &first {
                None => first = Some((tier.name, outcome)),
                Some((name, expected)) => {
                    if let Some(difference) = outcome.difference(expected) {
                        panic!("{} ({instance} instance) and {name} differ: {difference}", tier.name);
                    }
                }
            }
        }
    }
    Ok(())
}
