//! The stable codes of traps.

use crate::capi::boundary::boundary;
use crate::capi::own;
use crate::capi::trap::wasm_trap_t;

/// Why a trap happened: one of `enum libwasm_trap_code_enum`.
pub type libwasm_trap_code_t = u8;

/// Why a trap happened. Numbers are only ever appended.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_trap_code_enum {
    /// A trap that the host made with `wasm_trap_new`.
    LIBWASM_TRAP_HOST = 0,
    LIBWASM_TRAP_UNREACHABLE = 1,
    LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
    LIBWASM_TRAP_TABLE_OUT_OF_BOUNDS = 3,
    LIBWASM_TRAP_INDIRECT_CALL_OUT_OF_BOUNDS = 4,
    LIBWASM_TRAP_INDIRECT_CALL_TO_NULL = 5,
    LIBWASM_TRAP_BAD_SIGNATURE = 6,
    LIBWASM_TRAP_INTEGER_OVERFLOW = 7,
    LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO = 8,
    LIBWASM_TRAP_BAD_CONVERSION_TO_INTEGER = 9,
    LIBWASM_TRAP_STACK_OVERFLOW = 10,
    /// An import that is missing or does not match.
    LIBWASM_TRAP_LINK = 11,
    /// A call with arguments or results that cannot be, or a callback that returned wrong results.
    LIBWASM_TRAP_BAD_CALL = 12,
    LIBWASM_TRAP_OUT_OF_MEMORY = 13,
    /// A limit of the implementation or of the embedder, as of the size of a table.
    LIBWASM_TRAP_LIMIT = 14,
    /// A null reference where another was needed, as of `ref.as_non_null`.
    LIBWASM_TRAP_NULL_REFERENCE = 15,
    /// A null reference where a function was to be called, as of `call_ref`.
    LIBWASM_TRAP_NULL_FUNCTION_REFERENCE = 16,
    /// A reference to something of another type than `ref.cast` asks for.
    LIBWASM_TRAP_CAST_FAILURE = 17,
    LIBWASM_TRAP_NULL_STRUCTURE_REFERENCE = 18,
    LIBWASM_TRAP_NULL_ARRAY_REFERENCE = 19,
    LIBWASM_TRAP_NULL_I31_REFERENCE = 20,
    LIBWASM_TRAP_ARRAY_OUT_OF_BOUNDS = 21,
    LIBWASM_TRAP_NULL_EXCEPTION_REFERENCE = 22,
    /// An exception that WebAssembly has thrown and not caught.
    LIBWASM_TRAP_EXCEPTION = 23,
    /// An atomic access at an address that is no multiple of its size.
    LIBWASM_TRAP_UNALIGNED_ATOMIC = 24,
    /// `memory.atomic.wait32` or `wait64` in a memory that is not shared.
    LIBWASM_TRAP_EXPECTED_SHARED_MEMORY = 25,
    /// A wait that the host ended (`libwasm_shared_memory_set_interrupted`).
    LIBWASM_TRAP_INTERRUPTED = 26,
}

/// Why a trap happened; `LIBWASM_TRAP_BAD_CALL` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_trap_code(trap: *const wasm_trap_t) -> libwasm_trap_code_t {
    boundary(libwasm_trap_code_enum::LIBWASM_TRAP_BAD_CALL as libwasm_trap_code_t, || {
        // SAFETY: as the caller states.
        Ok(unsafe { own::record(trap) }?.code() as libwasm_trap_code_t)
    })
}

#[cfg(test)]
mod tests {
    use crate::types::TrapCode;

    /// The names of the header are those of the table of codes.
    #[test]
    fn every_code_has_its_number_in_the_header() {
        let source = include_str!("trap.rs");
        let named = source.lines().filter_map(|line| line.trim().strip_prefix("LIBWASM_TRAP_")?.split_once(" = "));
        let mut numbers = 0..;
        for (name, number) in named.filter(|(_, number)| number.ends_with(',')) {
            let number: u8 = number.trim_end_matches(',').parse().unwrap();
            assert_eq!(numbers.next(), Some(number));
            let code = format!("{:?}", TrapCode::from_u8(number).unwrap());
            assert_eq!(name.replace('_', ""), code.to_uppercase());
        }
        assert_eq!(TrapCode::from_u8(numbers.next().unwrap()), None);
    }
}
