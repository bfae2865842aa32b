//! x86-64 with the System V convention.

#[cfg(debug_assertions)]
pub mod decode;
pub mod entry;
pub mod float_mode;
pub mod host_call;
pub mod libcalls;
pub mod numeric_call;
mod processor;
pub mod racing_copy;

pub use entry::{STORE_BELOW_FP, TRAPPED, enter, raise};
pub use float_mode::with_wasm_float_mode;
pub use host_call::{LEFT_BY_EXCEPTION, call_host, call_host_with_env, is_host_call};
pub(crate) use libcalls::{libcall_stub, past_results_stub, preserving_stub, trampoline_stub};
pub(crate) use numeric_call::jump_to_call_numeric;
pub use numeric_call::{Conversion, MOST_SLOTS, NOT_MADE, REFUSED, STILL_INSIDE, StoreLayout, call_numeric};
#[cfg(test)]
pub use processor::NEEDED_EXTENSIONS;
pub use processor::{CODE_PADDING, check_processor, current_thread_token, prefetch, read_stack, stack_pointer};
