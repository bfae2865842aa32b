//! Setters of configurations.

use crate::capi::boundary::boundary;
use crate::capi::config::wasm_config_t;
use crate::capi::own;
use crate::compiler::OptLevel;
use crate::module::Proposal;
use crate::types::Error;

/// How much the compiler optimizes: one of `enum libwasm_opt_level_enum`.
pub type libwasm_opt_level_t = u8;

/// How much the compiler optimizes.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_opt_level_enum {
    /// Compile fast, in about half the time: without optimizations, and, where signals are on, with registers allocated in a single
    /// pass. The code is slower, and its stack frames are larger.
    LIBWASM_OPT_NONE = 0,
    /// Make fast code: the default. (A function that would take out of proportion long to optimize is compiled as with `LIBWASM_OPT_NONE`.)
    LIBWASM_OPT_SPEED = 1,
    /// Make fast code that is small.
    LIBWASM_OPT_SPEED_AND_SIZE = 2,
}

/// Whether a signal handler may be installed that turns faults of compiled code into traps; on by default. Without it, every
/// access and division is checked by code, no handler is installed, and a module with a function whose stack frame would
/// exceed 60 KiB (thousands of live values) is refused.
///
/// With it, a thread's first call unblocks `SIGSEGV`, `SIGFPE` and `SIGILL` on that thread: a fault whose signal is blocked ends the
/// process. So does its first call in a store that it has not called in, if an engine was made since, and a call that finds that a
/// host function was left by `longjmp`. A thread that blocks all signals later must leave out these three.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_signals(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.signals = enabled;
        Ok(())
    })
}

/// Sets how much the compiler optimizes. Does nothing and records the reason if there is no such level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_opt_level(config: *mut wasm_config_t, level: libwasm_opt_level_t) {
    boundary((), || {
        // SAFETY: as the caller states.
        let config = unsafe { own::borrow_mut(config) }?;
        config.opt_level = match level {
            0 => OptLevel::None,
            1 => OptLevel::Speed,
            2 => OptLevel::SpeedAndSize,
            other => return Err(Error::argument(format!("no optimization level has the number {other}"))),
        };
        Ok(())
    })
}

/// Sets how many bytes of address space are reserved for each memory. With 4 GiB or more, memories never move and the
/// hardware checks accesses; that is the default where the machine allows it. With less, accesses are checked by code, and a
/// memory that grows beyond its reservation moves.
///
/// With 4 GiB or more, a memory with 64-bit addresses is given so many, or 64 GiB if that is more, or as many as its maximum if that is
/// less; where hundreds of such memories live already, fewer, down to 4 GiB. It cannot grow beyond what it was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_memory_reservation(config: *mut wasm_config_t, bytes: u64) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.memory_reservation = Some(bytes);
        Ok(())
    })
}

/// Sets how many bytes of a stack WebAssembly may use, counted from where the host calls into a store that it is not in already; calls
/// within calls share them. A guest that recurses beyond that gets a trap (`LIBWASM_TRAP_STACK_OVERFLOW`). 8 MiB by default, also where the
/// stack of the thread has no limit. WebAssembly never uses more than the stack has, without what is left to host functions:
/// see `libwasm_config_set_host_stack_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_max_wasm_stack(config: *mut wasm_config_t, bytes: usize) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.max_wasm_stack = bytes;
        Ok(())
    })
}

/// Sets how many bytes of a stack are left to host functions, however deep the WebAssembly that calls them is. By default that is 1 MiB
/// if the stack has 2 MiB or more, and half of a smaller one. The library leaves itself a little more: 16 KiB for signals and its own
/// functions, and 64 KiB where signals are off (`libwasm_config_set_signals`), since frames are checked later there. On a stack
/// with less, no WebAssembly runs: every call gives a trap (`LIBWASM_TRAP_STACK_OVERFLOW`). So by default, threads with stacks of
/// 32 KiB or more can call, and of 128 KiB or more with signals off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_host_stack_reserve(config: *mut wasm_config_t, bytes: usize) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.host_stack_reserve = Some(bytes);
        Ok(())
    })
}

/// Whether what WebAssembly computes is the same on every processor; off by default. It follows the specification's deterministic profile
/// then: an operation that makes a NaN makes the canonical positive one, and relaxed vector instructions have one result each: `madd`
/// is rounded twice, min and max, conversions, selections, products and swizzles are those of the instructions that are not relaxed. Code
/// that computes with floats is slower. Bits of a NaN that comes from a constant, a memory or the host stay as they are; those
/// operations pass them on that do not compute: `neg`, `abs`, `copysign`, `pmin`, `pmax`, selections, loads and stores. What depends on the
/// machine otherwise still does: whether memory grows, when the stack is exhausted, and host functions.
///
/// Artifacts are loaded by engines with the same setting only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_deterministic(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.deterministic = enabled;
        Ok(())
    })
}

/// Whether modules may use wide arithmetic, a proposal beyond WebAssembly 3.0: `i64.add128`, `i64.sub128`, `i64.mul_wide_s` and
/// `i64.mul_wide_u`. On by default. Where it is off, a module that needs it is refused (`LIBWASM_ERROR_UNSUPPORTED`), and so is every
/// artifact that was made by an engine that has it on (`LIBWASM_ERROR_ARTIFACT`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_wide_arithmetic(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.features.set(&Proposal::WIDE_ARITHMETIC, enabled);
        Ok(())
    })
}

/// Whether the pages of a module's memories may have one byte instead of 64 KiB, a proposal beyond WebAssembly 3.0: `(memory 100
/// (pagesize 1))`. Accesses to such a memory are checked by code. Off by default; where it is off, modules and artifacts are refused as
/// `libwasm_config_set_wide_arithmetic` says. The host can make such memories in any case (`libwasm_memorytype_new`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_custom_page_sizes(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.features.set(&Proposal::CUSTOM_PAGE_SIZES, enabled);
        Ok(())
    })
}

/// Whether modules may use threads, a proposal beyond WebAssembly 3.0: shared memories, and atomic instructions on any memory. On by
/// default; where it is off, modules and artifacts are refused as `libwasm_config_set_wide_arithmetic` says. The host can make shared
/// memories in any case (`libwasm_shared_memory_new`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_threads(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.features.set(&Proposal::THREADS, enabled);
        Ok(())
    })
}

/// Whether modules may use the legacy form of exceptions, which WebAssembly 3.0 has deprecated and many toolchains have written: `try`,
/// `catch`, `catch_all`, `delegate` and `rethrow`. On by default; where it is off, modules and artifacts are refused as
/// `libwasm_config_set_wide_arithmetic` says. Exceptions are the same in both forms, and a module may use both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn libwasm_config_set_legacy_exceptions(config: *mut wasm_config_t, enabled: bool) {
    boundary((), || {
        // SAFETY: as the caller states.
        unsafe { own::borrow_mut(config) }?.features.set(&Proposal::LEGACY_EXCEPTIONS, enabled);
        Ok(())
    })
}
