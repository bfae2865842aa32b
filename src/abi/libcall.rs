//! Libcalls: the functions of the virtual machine that compiled code calls, in one table.

use std::mem::offset_of;

/// What a libcall returns in two registers: a value, and whether the stub must unwind to the entry stub because the
/// callee left a trap in [`VMStoreContext::pending_trap`].
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct LibcallResult {
    pub value: u64,
    pub trapped: u64,
}

/// Calls `$each!` with one table of all libcalls: name, parameters (the context always comes first; i32 parameters are
/// zero-extended by the callee's declaration), result. At most six parameters, all in registers.
/// Compiled code calls `LibcallTable::name` with the C convention; `src/vm/libcalls` implements them.
macro_rules! foreach_libcall {
    ($each:ident) => {
        $each! {
            /// Raises the trap with this `TrapCode`. Does not return.
            raise(vmctx, code: i32);
            /// `memory.grow`: the old size in pages, or -1.
            memory_grow(vmctx, memory: i32, delta: i64) -> i64;
            memory_copy(vmctx, dst_memory: i32, dst: i64, src_memory: i32, src: i64, len: i64);
            memory_fill(vmctx, memory: i32, dst: i64, byte: i32, len: i64);
            memory_init(vmctx, memory: i32, segment: i32, dst: i64, src: i64, len: i64);
            data_drop(vmctx, segment: i32);
            /// `memory.atomic.notify`: how many threads were woken. These three get the index and the offset of the address.
            memory_notify(vmctx, memory: i32, index: i64, offset: i64, count: i32) -> i64;
            /// `memory.atomic.wait32` and `wait64`: 0 if woken, 1 if another value was found, 2 if the time is over.
            memory_wait32(vmctx, memory: i32, index: i64, offset: i64, expected: i32, timeout: i64) -> i64;
            memory_wait64(vmctx, memory: i32, index: i64, offset: i64, expected: i64, timeout: i64) -> i64;
            /// `table.grow`: the old size, or -1. References are passed as 64 bits.
            table_grow(vmctx, table: i32, delta: i64, init: i64) -> i64;
            table_copy(vmctx, dst_table: i32, dst: i64, src_table: i32, src: i64, len: i64);
            table_init(vmctx, table: i32, segment: i32, dst: i64, src: i64, len: i64);
            table_fill(vmctx, table: i32, dst: i64, value: i64, len: i64);
            elem_drop(vmctx, segment: i32);
            /// `ref.func`: the pointer to the function's `VMFuncRef`.
            ref_func(vmctx, func: i32) -> i64;
            /// Allocates a structure of a type of the module, whose size is given too: the reference.
            struct_new(vmctx, ty: i32, size: i32) -> i64;
            /// Allocates an array of a type of the module, whose elements are zero or null if `zeroed` is not 0: the reference.
            array_new(vmctx, ty: i32, length: i32, zeroed: i32) -> i64;
            array_new_data(vmctx, ty: i32, segment: i32, src: i32, length: i32) -> i64;
            array_new_elem(vmctx, ty: i32, segment: i32, src: i32, length: i32) -> i64;
            array_init_data(vmctx, array: i32, dst: i32, segment: i32, src: i32, length: i32);
            array_init_elem(vmctx, array: i32, dst: i32, segment: i32, src: i32, length: i32);
            array_copy(vmctx, dst_array: i32, dst: i32, src_array: i32, src: i32, length: i32);
            /// The place of a function, which is not null, among those that the heap refers to.
            heap_func(vmctx, func: i64) -> i64;
            /// Allocates an exception with a tag of the module, whose size is given too: the reference.
            exception_new(vmctx, tag: i32, size: i32) -> i64;
            /// The place of a tag of the module among those that exceptions of the store have.
            heap_tag(vmctx, tag: i32) -> i64;
            /// Throws an exception, which is not null. Does not return.
            throw(vmctx, exception: i32);
            /// Whether a type, by its number, is a type of the module or a subtype of it.
            type_matches(vmctx, given: i32, wanted: i32) -> i64;
            /// The write barrier of references that were stored to so many elements of an array.
            array_note_writes(vmctx, array: i32, start: i32, count: i32);
        }
    };
}
pub(crate) use foreach_libcall;

macro_rules! define_libcall_table {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {
        /// The entry points of the libcalls: assembly stubs that record the exit frame.
        #[repr(C)]
        #[derive(Debug)]
        pub struct LibcallTable {
            /// Called by wasm→host trampolines whose signature has references or v128: `(host context, slots)`, where `slots` is
            /// an array that holds raw arguments and receives raw results, with room for the vectors' values behind them.
            pub host_call: *const u8,
            /// Called by wasm→host trampolines of numbers, when the callback returned a trap or its results are not as they were
            /// handed out: `(host context, trap or null, frame)`. The frame is the two vectors, the arguments, and the place of the
            /// results, where they are if this returns.
            pub end_callback: *const u8,
            /// As `raise`, for a tail call by a function whose results do not fit into registers: `(results, context, code)`.
            pub raise_past_results: *const u8,
            /// `(context, table, index)`: fills an element that is 0, if the table is lazy. This and the next change no register, have
            /// no result and do not trap: calls of them, in cold blocks, leave the code around them as it is.
            pub table_fill_element: *const u8,
            /// `(context, table)`: fills a table, so that 0 in it means null.
            pub table_materialize: *const u8,
            $($(#[$doc])* pub $name: *const u8,)*
        }
        /// A libcall that compiled functions use.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "the variants are the names of the functions")]
        pub enum Libcall { $($name,)* }

        impl Libcall {
            /// The offset of its entry in [`LibcallTable`].
            pub fn offset(self) -> i32 {
                match self { $(Libcall::$name => offset_of!(LibcallTable, $name) as i32,)* }
            }

            /// Its parameters after the context, and whether it has a 64-bit result.
            pub fn signature(self) -> (&'static [LibcallParam], bool) {
                match self {
                    $(Libcall::$name => (&[$(LibcallParam::$ty,)*], libcall_has_result!($($result)?)),)*
                }
            }
        }
    };
}
macro_rules! libcall_has_result {
    () => {
        false
    };
    ($result:ident) => {
        true
    };
}

/// The type of a libcall's parameter.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "the variants are Cranelift's names of the types")]
pub enum LibcallParam {
    i32,
    i64,
}

foreach_libcall!(define_libcall_table);
