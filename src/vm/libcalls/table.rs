//! The entry points of the libcalls: an assembly stub for each, and the table of them that contexts point to.

use crate::abi::{LibcallResult, LibcallTable, VMContext, VMHostContext, foreach_libcall};
use crate::arch::{libcall_stub, past_results_stub, preserving_stub, trampoline_stub};
use crate::vm::func::ValVec;
use crate::vm::libcalls;
use crate::vm::trap::Trap;

// SAFETY: the table is never written, and what it points to is code.
unsafe impl Sync for LibcallTable {}

macro_rules! libcall_table {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {{
        LibcallTable {
            $($name: stubs::$name as *const u8,)*
            host_call: stubs::host_call as *const u8,
            end_callback: stubs::end_callback as *const u8,
            raise_past_results: stubs::raise_past_results as *const u8,
            table_fill_element: stubs::table_fill_element as *const u8,
            table_materialize: stubs::table_materialize as *const u8,
        }
    }};
}

/// The table every context points to.
pub static LIBCALLS: LibcallTable = foreach_libcall!(libcall_table);

const _: unsafe extern "C" fn(*mut VMHostContext, *mut [u8; 16]) -> LibcallResult = libcalls::host_call;
const _: unsafe extern "C" fn(*mut VMHostContext, *mut Trap, *mut [ValVec; 2]) -> LibcallResult =
    libcalls::end_callback;
const _: unsafe extern "C" fn(*mut VMContext, u32, u32) -> LibcallResult = libcalls::table_fill_element;
const _: unsafe extern "C" fn(*mut VMContext, u32) -> LibcallResult = libcalls::table_materialize;

macro_rules! define_stubs {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {
        $(libcall_stub!($name, libcalls::$name);)*
    };
}

mod stubs {
    use super::*;
    foreach_libcall!(define_stubs);
    trampoline_stub!(host_call, libcalls::host_call);
    trampoline_stub!(end_callback, libcalls::end_callback);
    preserving_stub!(table_fill_element, libcalls::table_fill_element);
    preserving_stub!(table_materialize, libcalls::table_materialize);
    past_results_stub!(raise_past_results, raise);
}
