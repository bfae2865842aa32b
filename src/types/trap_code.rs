//! Why compiled code stopped: one table of codes and the specification's words for them.

use serde::{Deserialize, Serialize};

macro_rules! trap_codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $message:literal;)*) => {
        /// The stable code of a trap. Codes are only ever appended: they are part of `libwasm.h`.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum TrapCode {
            $($(#[$doc])* $name = $value,)*
        }

        impl TrapCode {
            /// The name and the number of each.
            pub const ALL: &'static [(&'static str, u8)] = &[$((stringify!($name), $value),)*];

            /// The words of the specification's tests for this trap.
            pub fn message(self) -> &'static str {
                match self { $(TrapCode::$name => $message,)* }
            }

            /// The code with this number.
            pub fn from_u8(code: u8) -> Option<TrapCode> {
                match code { $($value => Some(TrapCode::$name),)* _ => None }
            }
        }
    };
}

trap_codes! {
    /// A trap a host function returned, or one made with `wasm_trap_new`; its message is the host's.
    Host = 0, "host trap";
    Unreachable = 1, "unreachable";
    MemoryOutOfBounds = 2, "out of bounds memory access";
    TableOutOfBounds = 3, "out of bounds table access";
    IndirectCallOutOfBounds = 4, "undefined element";
    IndirectCallToNull = 5, "uninitialized element";
    BadSignature = 6, "indirect call type mismatch";
    IntegerOverflow = 7, "integer overflow";
    IntegerDivideByZero = 8, "integer divide by zero";
    BadConversionToInteger = 9, "invalid conversion to integer";
    StackOverflow = 10, "call stack exhausted";
    /// An import that is missing, of the wrong kind or of the wrong type: instantiation's own failure.
    Link = 11, "incompatible import";
    /// A call with the wrong number or kinds of arguments, or a callback that returned wrong results.
    BadCall = 12, "bad call";
    OutOfMemory = 13, "out of memory";
    /// A limit of the implementation or of the embedder was reached.
    Limit = 14, "limit reached";
    /// A null reference where another was needed.
    NullReference = 15, "null reference";
    /// The same, where a function was to be called.
    NullFunctionReference = 16, "null function reference";
    /// A reference to something of another type than was asked for.
    CastFailure = 17, "cast failure";
    NullStructureReference = 18, "null structure reference";
    NullArrayReference = 19, "null array reference";
    NullI31Reference = 20, "null i31 reference";
    ArrayOutOfBounds = 21, "out of bounds array access";
    NullExceptionReference = 22, "null exception reference";
    /// An exception that WebAssembly has thrown and not caught.
    Exception = 23, "uncaught exception";
    /// An atomic access at an address that is no multiple of its size.
    UnalignedAtomic = 24, "unaligned atomic";
    /// A wait in a memory that is not shared: nobody could end it.
    ExpectedSharedMemory = 25, "expected shared memory";
    /// A wait that the host ended.
    Interrupted = 26, "interrupted";
}
