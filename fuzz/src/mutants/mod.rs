//! The target `mutants`: modules and artifacts that were valid until something in them was changed.
//!
//! What is changed is refused with a reason, or as good as any other: `module.rs` for binaries, `artifact.rs` for artifacts.

mod artifact;
mod module;

use arbitrary::Unstructured;

pub fn run(data: &[u8]) {
    if data.starts_with(b"\0asm") {
        return module::examine(super::library::TIERS[0], data);
    }
    let mut u = Unstructured::new(data);
    // Too few bytes: nothing to test.
    _ = match u.ratio(1, 3) {
        Ok(true) => artifact::run(&mut u),
        _ => module::run(&mut u),
    };
}

/// Numbers that damage likes to be.
const NUMBERS: [u32; 10] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
