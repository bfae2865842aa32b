//! x86-64 with the System V convention.

#[cfg(debug_assertions)]
pub mod decode;
pub mod entry;
pub mod libcalls;
pub mod numeric_call;
mod processor;

pub use entry::{ACTIVATION_BELOW_FP, TRAPPED, enter, raise};
pub(crate) use libcalls::{libcall_stub, past_results_stub, preserving_stub, trampoline_stub};
pub use numeric_call::{NOT_MADE, STILL_INSIDE, StoreLayout, call_numeric};
pub use processor::{CODE_PADDING, check_processor, current_thread_token, stack_pointer};
