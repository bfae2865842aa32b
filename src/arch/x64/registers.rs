//! Registers that are read outside of stubs.

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
