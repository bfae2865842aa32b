//! The processor, and its registers as far as they are read outside of stubs.

use crate::types::{Error, Result};

/// What fills the gaps between functions: instructions that trap.
pub const CODE_PADDING: u8 = 0xcc;

/// What [`check_processor`] asks for, as Cranelift calls it.
#[cfg(test)]
pub const NEEDED_EXTENSIONS: [&str; 3] = ["has_sse3", "has_ssse3", "has_sse41"];

/// An error if the processor lacks something that compiled code relies on.
pub fn check_processor() -> Result<()> {
    if !std::is_x86_feature_detected!("sse4.1") || !std::is_x86_feature_detected!("ssse3") {
        return Err(Error::unsupported("this processor: SSE4.1 and SSSE3 are needed"));
    }
    Ok(())
}

/// This function's stack pointer.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { std::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// A number that no other thread alive has, and never 0: the address of the thread's control block, which the ABI keeps
/// at the start of the block itself. One instruction, where a thread-local of a shared library takes a call.
#[inline(always)]
pub fn current_thread_token() -> usize {
    let token: usize;
    // SAFETY: reads what the ABI puts there (System V ABI for x86-64, thread-local storage).
    unsafe { std::arch::asm!("mov {}, fs:0", out(reg) token, options(pure, readonly, nostack, preserves_flags)) };
    token
}

/// Reads a word of a stack that may belong to another function's frame by now, of which the compiler assumes that only that function
/// reads it; it need not be initialized. That is why it is read by an instruction of its own.
///
/// # Safety
/// The memory is mapped.
#[inline]
pub unsafe fn read_stack(address: usize) -> usize {
    let word;
    // SAFETY: reads memory that is mapped, says the caller, and nothing else.
    unsafe {
        std::arch::asm!("mov {}, [{}]", out(reg) word, in(reg) address, options(readonly, nostack, preserves_flags))
    };
    word
}

/// Asks for the cache line at an address to be fetched, which is going to be read. Does nothing else, whatever the address is.
#[inline(always)]
pub fn prefetch(address: *const u8) {
    // SAFETY: a hint, which never faults.
    unsafe { std::arch::asm!("prefetcht0 [{}]", in(reg) address, options(nostack, readonly, preserves_flags)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_between_live_threads() {
        let mine = current_thread_token();
        assert_eq!(mine, current_thread_token());
        assert_ne!(mine, std::thread::spawn(current_thread_token).join().unwrap());
    }
}
