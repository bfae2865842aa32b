//! The floating-point mode that WebAssembly's semantics ask for: rounding to nearest, denormal numbers as they are, no exceptions.
//!
//! On this processor that is the control part of MXCSR. The x87 unit has a mode of its own, which nothing here uses.

use std::arch::asm;

/// All exceptions masked, rounding to nearest, neither flush to zero nor denormals are zero.
pub const WASM_MXCSR: u32 = 0x1f80;

/// The status flags, which are no part of the mode: operations raise them, and nothing depends on them.
pub const MXCSR_STATUS: u32 = 0x3f;

/// What the stubs load the register from.
pub(super) static WASM_MXCSR_WORD: u32 = WASM_MXCSR;

/// Runs `work` in WebAssembly's floating-point mode and puts the caller's back, also after a panic. For what computes with numbers of
/// modules outside of compiled code: the compiler, and the reader of the text format. Threads that `work` starts have that mode too.
pub fn with_wasm_float_mode<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(Option<u32>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(mode) = self.0 {
                set_mxcsr(mode);
            }
        }
    }
    let callers = mxcsr();
    let differs = callers | MXCSR_STATUS != WASM_MXCSR | MXCSR_STATUS;
    if differs {
        set_mxcsr(WASM_MXCSR);
    }
    let _restore = Restore(differs.then_some(callers));
    work()
}

fn mxcsr() -> u32 {
    let mut value = 0u32;
    // SAFETY: stores the register into the word.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
    value
}

fn set_mxcsr(value: u32) {
    // SAFETY: the value is WebAssembly's mode, or was read from the register; both are valid.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, preserves_flags)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_mode_holds_again_afterwards() {
        for mode in [WASM_MXCSR, 0xffc0 & !0x1f80, WASM_MXCSR | 0x6000, WASM_MXCSR | 0x8040] {
            let before = mxcsr();
            set_mxcsr(mode);
            let inside = with_wasm_float_mode(|| mxcsr() & !MXCSR_STATUS);
            let panicked =
                std::panic::catch_unwind(|| with_wasm_float_mode(|| std::panic::resume_unwind(Box::new(1)))).is_err();
            let after = mxcsr();
            set_mxcsr(before);
            assert_eq!((inside, after & !MXCSR_STATUS, panicked), (WASM_MXCSR, mode, true));
        }
    }
}
