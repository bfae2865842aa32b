//! Copying and filling bytes that other threads may be writing: the bytes of shared memories.
//!
//! To Rust, two threads that access the same bytes without atomics, one of them writing, are undefined behaviour; to the processor it is
//! only unknown which bytes are read. So these are assembly, of which the compiler assumes nothing. Guests that race get some of the bytes
//! of each.

use std::arch::asm;

/// Copies `len` bytes, as if all were read before any is written.
///
/// # Safety
/// The bytes at `from` can be read, and those at `to` written; nothing that Rust has a reference to is among those that are written.
pub unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    let ahead = to.addr().wrapping_sub(from.addr());
    if ahead < len {
        // SAFETY: passed on to the caller.
        unsafe { copy_backward(to, from, len) };
        return;
    }
    // SAFETY: as the caller states; the direction flag is clear, by the calling convention.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
}

/// [`copy`] from the last byte on, where the bytes that are written begin within those that are read.
///
/// # Safety
/// As for [`copy`].
unsafe fn copy_backward(to: *mut u8, from: *const u8, len: usize) {
    // Two halves of sixteen bytes are read before either is written, so that it does not matter how they overlap.
    // SAFETY: as the caller states: all accesses are to the `len` bytes from either pointer on.
    unsafe {
        asm!(
            "2:",
            "sub {left}, 32",
            "jb 3f",
            "movups {high}, [{from} + {left} + 16]",
            "movups {low}, [{from} + {left}]",
            "movups [{to} + {left} + 16], {high}",
            "movups [{to} + {left}], {low}",
            "jmp 2b",
            "3:",
            "add {left}, 32",
            "4:",
            "sub {left}, 1",
            "jb 5f",
            "mov {byte}, [{from} + {left}]",
            "mov [{to} + {left}], {byte}",
            "jmp 4b",
            "5:",
            left = inout(reg) len => _,
            from = in(reg) from,
            to = in(reg) to,
            byte = out(reg_byte) _,
            high = out(xmm_reg) _,
            low = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// Sets `len` bytes.
///
/// # Safety
/// The bytes at `to` can be written, and Rust has no reference to any of them.
pub unsafe fn fill(to: *mut u8, byte: u8, len: usize) {
    // SAFETY: as the caller states; the direction flag is clear, by the calling convention.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte, options(nostack, preserves_flags));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_as_if_through_a_buffer() {
        let begin: Vec<u8> = (0..400_u32).map(|i| (i * 7) as u8).collect();
        for len in (0..80).chain([127, 128, 200]) {
            for (to, from) in
                [(100, 100), (100, 101), (101, 100), (100, 116), (116, 100), (100, 131), (131, 100), (0, 200)]
            {
                let (mut given, mut wanted) = (begin.clone(), begin.clone());
                wanted.copy_within(from..from + len, to);
                let base = given.as_mut_ptr();
                // SAFETY: all ranges end before the 400 bytes do.
                unsafe { copy(base.wrapping_add(to), base.wrapping_add(from), len) };
                assert_eq!(given, wanted, "{len} bytes from {from} to {to}");
                // SAFETY: as above.
                unsafe { fill(base.wrapping_add(to), 9, len) };
                wanted[to..to + len].fill(9);
                assert_eq!(given, wanted, "{len} bytes at {to}");
            }
        }
    }
}
