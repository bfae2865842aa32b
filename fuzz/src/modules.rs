//! The target `modules`: a generated module in one of the library's tiers, against an interpreter.
//!
//! Both must call the host's functions in the same order with the same arguments, return the same results or trap for the same
//! reason, and leave the same memories, tables and globals. NaNs are made canonical by the module itself.

use super::generate;
use super::library::TIERS;
use super::machine::Library;
use super::oracle::Oracle;
use super::script::Script;
use arbitrary::{Result, Unstructured};

pub fn run(data: &[u8]) {
    // Too few bytes for a module: nothing to test.
    _ = compare(&mut Unstructured::new(data));
}

fn compare(u: &mut Unstructured<'_>) -> Result<()> {
    let tier = *u.choose(&TIERS)?;
    let seed = u.arbitrary()?;
    let (binary, may_trap) = generate::module_and_traps(u)?;
    let (Some(mut library), Some(mut oracle)) = (Library::new(tier, &binary), Oracle::new(&binary)) else {
        return Ok(());
    };
    let script = Script::new(binary, library.module(), seed);
    let (ours, expected) = (script.run(&mut library), script.run(&mut oracle));
    // wasmi 2.0 sometimes takes the other operand of the `select` that keeps a module from dividing by zero.
    if !may_trap && expected.divides_by_zero() {
        return Ok(());
    }
    if let Some(difference) = ours.difference(&expected) {
        panic!("{} and the oracle differ: {difference}", tier.name);
    }
    Ok(())
}
