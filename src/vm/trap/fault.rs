//! Faults of compiled code become traps.
//!
//! The handler of signals (`src/os`) asks [`decide`], which takes no lock, allocates nothing and touches no thread-local storage:
//!
//! 1. The program counter is at an instruction of a module's code that the compiler marked as one that can trap.
//! 2. For a memory fault, the address is one that can be meant: in a guarded memory for an access to memory, in the
//!    null page for one through a function reference, at the start of the store's heap for one through another.
//!
//! Then the frame's vmctx leads to the store, the pending trap is filled in, and the interrupted thread goes on at
//! [`raise`]. Everything else belongs to somebody else.
//!
//! A stack overflow is found in a function's prologue, by a comparison with the store's limit and a trap instruction. The
//! frame has no vmctx yet, and may have no room for it, so the trap is raised in the name of the caller.

use crate::abi::{NULL_AREA, PendingTrap, VMAnyContext, VMStoreContext};
use crate::arch::{STORE_BELOW_FP, raise};
use crate::code::{FuncAt, lookup};
use crate::os::fault::{self, Fault};
use crate::os::guarded::may_be_guarded;
use crate::types::{Result, TrapCode};

/// No reference points into it, and no memory lies there.
const NULL_PAGE: usize = 4096;

/// Makes faults of compiled code traps, from the first call on.
pub fn install() -> Result<()> {
    fault::install(decide)
}

/// Turns the fault into a trap if it is one.
fn decide(fault: &mut Fault<'_>) -> bool {
    let pc = fault.pc();
    let Some((code, vmctx_fp_offset)) = trap_site(pc) else { return false };
    if fault.address().is_some_and(|address| !may_be_meant(code, address)) {
        return false;
    }
    let fp = fault.fp();
    let (store, pending) = if code == TrapCode::StackOverflow {
        // SAFETY: the prologue has linked its frame.
        let (caller_fp, return_pc) = unsafe { caller(fp) };
        // SAFETY: the caller's frame is linked too.
        let Some(store) = (unsafe { store_of_caller(caller_fp, return_pc) }) else { return false };
        (store, pending(code, caller_fp, return_pc, false))
    } else if vmctx_fp_offset == 0 {
        // SAFETY: the function's frame is linked.
        let (caller_fp, return_pc) = unsafe { caller(fp) };
        // SAFETY: the caller is a function of the same instance, and its frame is live.
        let Some(store) = (unsafe { store_of_caller(caller_fp, return_pc) }) else { return false };
        (store, pending(code, fp, pc, true))
    } else {
        // SAFETY: a function that can trap and has an offset keeps its vmctx there from its entry on.
        (unsafe { store_of_frame(fp, vmctx_fp_offset) }, pending(code, fp, pc, true))
    };
    if is_of_heap(code) && fault.address().is_some_and(|address| !is_heap_null(store, address)) {
        return false;
    }
    let pending = PendingTrap { address: fault.address().unwrap_or(0), ..pending };
    // SAFETY: this thread runs code of the store, so the store is its own.
    unsafe { (*store).pending_trap = pending };
    fault.resume_in(raise, store);
    true
}

/// The store of the function whose frame is at `fp`.
///
/// # Safety
///
/// The function keeps its vmctx in its frame, at `vmctx_fp_offset` from `fp`.
unsafe fn store_of_frame(fp: usize, vmctx_fp_offset: i32) -> *mut VMStoreContext {
    let slot = fp.wrapping_add_signed(vmctx_fp_offset as isize) as *const *mut VMAnyContext;
    // SAFETY: the vmctx is there, says the caller.
    let vmctx = unsafe { slot.read() };
    // SAFETY: the vmctx of a running function is live, and any context starts with its store.
    unsafe { (*vmctx).store }
}

/// The store of the function that called another one, to which it is stopped at the return address `pc`.
///
/// # Safety
///
/// `fp` is the frame pointer of that live frame: a function's, or that of the trampoline that [`enter`](crate::arch::enter) called.
unsafe fn store_of_caller(fp: usize, pc: usize) -> Option<*mut VMStoreContext> {
    if let Some(Some(FuncAt { vmctx_fp_offset, .. })) = lookup(pc, |code| code.func_at(pc - 1)) {
        // SAFETY: a function that has called keeps its vmctx in its frame.
        return Some(unsafe { store_of_frame(fp, vmctx_fp_offset) });
    }
    // SAFETY: the trampoline's frame is linked, to that of the entry stub.
    let (entry_fp, _) = unsafe { caller(fp) };
    let store = entry_fp.wrapping_sub(STORE_BELOW_FP) as *const *mut VMStoreContext;
    // SAFETY: that is where the entry stub keeps its store.
    Some(unsafe { store.read() })
}

/// The caller's frame pointer, and the return address into it.
///
/// # Safety
///
/// `fp` is the frame pointer of a live frame.
unsafe fn caller(fp: usize) -> (usize, usize) {
    let link = fp as *const usize;
    // SAFETY: a frame keeps its caller's frame pointer here...
    let caller_fp = unsafe { link.read() };
    // SAFETY: ...and its return address in the next word.
    (caller_fp, unsafe { link.wrapping_add(1).read() })
}

fn pending(code: TrapCode, fp: usize, pc: usize, exact: bool) -> PendingTrap {
    PendingTrap { code: code as u32, fp, pc, exact_pc: exact.into(), ..PendingTrap::NONE }
}

/// Why the instruction at `pc` may trap, and where its function keeps its vmctx if it does.
fn trap_site(pc: usize) -> Option<(TrapCode, i32)> {
    lookup(pc, |code| {
        let trap = code.trap_at(pc)?;
        Some((trap, code.func_at(pc)?.vmctx_fp_offset))
    })?
}

/// Whether an access that traps with `code` can have meant `address`.
fn may_be_meant(code: TrapCode, address: usize) -> bool {
    match code {
        TrapCode::MemoryOutOfBounds => may_be_guarded(address),
        // Asked again once the store is known.
        code => is_of_heap(code) || address < NULL_PAGE,
    }
}

/// Whether an access that traps with `code` is one to an object of the heap.
fn is_of_heap(code: TrapCode) -> bool {
    matches!(code, TrapCode::NullStructureReference | TrapCode::NullArrayReference)
}

/// Whether an address lies where null references of a store's heap lead to.
fn is_heap_null(store: *mut VMStoreContext, address: usize) -> bool {
    // SAFETY: this thread runs code of the store.
    let heap = unsafe { (*store).heap.base }.addr();
    address.checked_sub(heap).is_some_and(|distance| distance < NULL_AREA as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Frame;
    use crate::arch::enter;
    use crate::arch::entry::test_store as store_without_frames;
    use crate::code::{Code, CodeObject};
    use crate::compiler::{AddressSite, CallSite, CompiledFunction, TrapSite};
    use crate::types::{DefinedFuncIndex, FuncIndex};
    use crate::vm::memory::linear::{LinearMemory, MemoryPlan};
    use std::arch::naked_asm;
    use std::ffi::c_int;
    use std::ptr::{null, null_mut};
    use std::sync::Arc;

    /// A store whose landings record frames.
    fn test_store() -> Box<VMStoreContext> {
        let mut store = store_without_frames();
        store.capture_trap_frames = crate::vm::trap::unwind::capture_trap_frames;
        store
    }

    /// A host→wasm trampoline: calls `entry(callee, args)`.
    #[unsafe(naked)]
    unsafe extern "C" fn trampoline(callee: *mut VMAnyContext, entry: *const u8, args: *const u8, results: *mut u8) {
        naked_asm!("push rbp", "mov rbp, rsp", "mov rax, rsi", "mov rsi, rdx", "call rax", "pop rbp", "ret")
    }

    /// The start of a function: links its frame, and keeps its vmctx at -8. 12 bytes.
    const PROLOGUE: [u8; 12] = [
        0x55, // push rbp
        0x48, 0x89, 0xe5, // mov rbp, rsp
        0x48, 0x83, 0xec, 0x10, // sub rsp, 16
        0x48, 0x89, 0x7d, 0xf8, // mov [rbp - 8], rdi
    ];

    fn func(body: &[u8], traps: &[(u32, TrapCode)], calls: &[(u32, u32)]) -> CompiledFunction {
        let site = |&(offset, code): &(u32, TrapCode)| TrapSite { offset, code };
        let call =
            |&(offset, callee): &(u32, u32)| CallSite { offset, addend: -4, callee: FuncIndex::from_u32(callee) };
        CompiledFunction {
            text: [&PROLOGUE, body].concat(),
            alignment: 16,
            traps: traps.iter().map(site).collect(),
            calls: calls.iter().map(call).collect(),
            addresses: vec![
                AddressSite { code_offset: 0, module_offset: 100 },
                AddressSite { code_offset: 12, module_offset: 200 },
            ],
            vmctx_fp_offset: -8,
            ..CompiledFunction::default()
        }
    }

    fn code() -> Arc<Code> {
        let funcs = vec![
            // mov eax, [rsi]; ud2
            func(&[0x8b, 0x06, 0x0f, 0x0b], &[(12, TrapCode::MemoryOutOfBounds), (14, TrapCode::Unreachable)], &[]),
            // xor edx, edx; xor ecx, ecx; idiv ecx
            func(&[0x31, 0xd2, 0x31, 0xc9, 0xf7, 0xf9], &[(16, TrapCode::IntegerDivideByZero)], &[]),
            // call the first function; its return address is in no function
            func(&[0xe8, 0, 0, 0, 0], &[], &[(13, 0)]),
            // mov eax, [rsi]
            func(&[0x8b, 0x06, 0xc9, 0xc3], &[(12, TrapCode::IndirectCallToNull)], &[]),
            // ud2 that no table knows
            func(&[0x0f, 0x0b], &[], &[]),
        ];
        Code::of_object(&CodeObject::link(funcs, 0).unwrap()).unwrap()
    }

    /// Calls function `index` with `argument`; the trap's code and the frames it crossed.
    fn run(code: &Code, index: u32, argument: usize) -> (u32, Vec<Frame>) {
        install().unwrap();
        let mut store = test_store();
        let store = &raw mut *store;
        let mut context = VMAnyContext { store };
        let context = &raw mut context;
        let entry = code.func_entry(DefinedFuncIndex::from_u32(index));
        let argument = std::ptr::without_provenance(argument);
        // SAFETY: `trampoline` suits the functions of `code`, which has been published.
        let trapped = unsafe { enter(context, entry, argument, null_mut(), store, trampoline as *const u8) };
        assert_eq!(trapped, 1);
        // SAFETY: the run is over.
        let store = unsafe { &*store };
        assert!(store.activation.is_null());
        let frames = store.trap_frames.frames().to_vec();
        assert!(frames.iter().all(|frame| frame.vmctx.cast() == context));
        assert_eq!(frames[0].pc, store.pending_trap.pc);
        (store.pending_trap.code, frames)
    }

    #[test]
    fn faults_of_all_kinds_become_traps() {
        let code = code();
        let memory = LinearMemory::alone(0x10000, None, MemoryPlan::GUARDED).unwrap();
        for _ in 0..3 {
            for offset in [0x10000, 0x10002, (1 << 32) - 1, (1 << 32) + (32 << 20) - 4] {
                let (trap, frames) = run(&code, 0, memory.base() as usize + offset);
                assert_eq!(trap, TrapCode::MemoryOutOfBounds as u32);
                assert_eq!((frames.len(), frames[0].exact, frames[0].module_offset), (1, true, 200));
            }
            assert_eq!(run(&code, 0, memory.base() as usize).0, TrapCode::Unreachable as u32);
            assert_eq!(run(&code, 1, 0).0, TrapCode::IntegerDivideByZero as u32);
            assert_eq!(run(&code, 3, 8).0, TrapCode::IndirectCallToNull as u32);
        }
    }

    #[test]
    fn a_trap_keeps_the_frames_it_crossed() {
        let code = code();
        let memory = LinearMemory::alone(0x10000, None, MemoryPlan::GUARDED).unwrap();
        let (trap, frames) = run(&code, 2, memory.base() as usize);
        assert_eq!(trap, TrapCode::Unreachable as u32);
        let seen: Vec<_> = frames.iter().map(|f| (f.func.as_u32(), f.exact, f.module_offset)).collect();
        assert_eq!(seen, [(0, true, 200), (2, false, 200)]);
    }

    #[test]
    fn traps_on_many_threads_while_code_comes_and_goes() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let code = code();
                        assert_eq!(run(&code, 1, 0).0, TrapCode::IntegerDivideByZero as u32);
                    }
                });
            }
        });
    }

    /// Runs `f` in a child process; the signal that ended it.
    fn signal_that_ends(f: impl FnOnce()) -> c_int {
        // SAFETY: the child runs `f`, which faults, and never returns from here.
        let child = unsafe { libc::fork() };
        if child == 0 {
            f();
            // SAFETY: leaves at once.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: waits for the child.
        unsafe { libc::waitpid(child, &mut status, 0) };
        if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 }
    }

    #[test]
    fn what_is_not_ours_ends_the_process_as_ever() {
        install().unwrap();
        let code = code();
        // A stray access by code that is not WebAssembly's.
        let stray = || {
            // SAFETY: the child is meant to fault.
            unsafe { null::<u32>().wrapping_add(9).read_volatile() };
        };
        assert_eq!(signal_that_ends(stray), libc::SIGSEGV);
        // An instruction that may trap, at an address that it cannot mean.
        assert_eq!(signal_that_ends(|| drop(run(&code, 0, 16))), libc::SIGSEGV);
        assert_eq!(signal_that_ends(|| drop(run(&code, 3, 1 << 20))), libc::SIGSEGV);
        // A trap instruction that no table knows.
        assert_eq!(signal_that_ends(|| drop(run(&code, 4, 0))), libc::SIGILL);
        // Signals that are sent. (The test program's runtime has a handler for `SIGSEGV`, which survives one that was sent.)
        for signal in [libc::SIGFPE, libc::SIGILL] {
            let send = || {
                // SAFETY: sends a signal to the child itself.
                unsafe { libc::raise(signal) };
            };
            assert_eq!(signal_that_ends(send), signal);
        }
    }
}
