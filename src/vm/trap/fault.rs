//! Faults of compiled code become traps.
//!
//! One handler, installed once for the process when an engine that wants signals is made: for `SIGSEGV` (guards of memories,
//! null function references), `SIGFPE` (division) and `SIGILL` (trap instructions). Not for `SIGBUS`: on Linux a
//! protected page never raises it, and failing hardware or a truncated file is no trap.
//!
//! The handler decides in this order, and takes no lock, allocates nothing and touches no thread-local storage:
//!
//! 1. The kernel raised the signal at this instruction: nobody sent it.
//! 2. The program counter is at an instruction of a module's code that the compiler marked as one that can trap.
//! 3. For a memory fault, the address is one that can be meant: in a guarded memory for an access to memory, in the
//!    null page for one through a reference.
//!
//! Then the frame's vmctx leads to the store, the pending trap is filled in, and the interrupted thread goes on at
//! [`raise`](crate::arch::raise). Everything else belongs to somebody else and goes to the handler that was there before.
//!
//! A stack overflow is found in a function's prologue, by a comparison with the store's limit and a trap instruction. The
//! frame has no vmctx yet, and may have no room for it, so the trap is raised in the name of the caller.
//!
//! It runs on the alternate stack where the thread has one (`SA_ONSTACK`; Go and the JVM rely on that) and blocks no signals.

use crate::abi::Activation;
use crate::abi::{PendingTrap, VMAnyContext, VMStoreContext};
use crate::arch::entry::ACTIVATION_BELOW_FP;
use crate::arch::raise;
use crate::code::lookup;
use crate::os::guarded::may_be_guarded;
use crate::types::{Error, Result, TrapCode};
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

const SIGNALS: [c_int; 3] = [libc::SIGSEGV, libc::SIGFPE, libc::SIGILL];

/// No reference points into it, and no memory lies there.
const NULL_PAGE: usize = 4096;

/// The direction flag. Compiled code and Rust expect it clear.
const DIRECTION_FLAG: i64 = 1 << 10;

/// What was installed before, for each of [`SIGNALS`].
static PREVIOUS: [Previous; 3] = [const { Previous::new() }; 3];

/// An action that is written once, before `known` is set, and only read after that.
struct Previous {
    action: UnsafeCell<MaybeUninit<libc::sigaction>>,
    known: AtomicBool,
}

// SAFETY: see the type: the flag is set after the only write, with release order, and read with acquire order.
unsafe impl Sync for Previous {}

impl Previous {
    const fn new() -> Previous {
        Previous { action: UnsafeCell::new(MaybeUninit::uninit()), known: AtomicBool::new(false) }
    }

    fn get(&self) -> Option<&libc::sigaction> {
        if !self.known.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: once `known` is set, nobody writes the action.
        let action = unsafe { &*self.action.get() };
        // SAFETY: it was initialized before `known` was set.
        Some(unsafe { action.assume_init_ref() })
    }
}

/// Installs the handler, the first time it is called. It stays: code that needs it may be running at any time.
pub fn install() -> Result<()> {
    static INSTALLED: OnceLock<Result<(), c_int>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| SIGNALS.iter().zip(&PREVIOUS).try_for_each(|(&s, p)| install_for(s, p)));
    installed.map_err(|signal| Error::unsupported(format!("cannot install a handler for signal {signal}")))
}

/// Called once for each signal. The previous action is kept before ours can run.
fn install_for(signal: c_int, previous: &Previous) -> Result<(), c_int> {
    // SAFETY: asks what is installed and writes it to where nobody else looks yet.
    if unsafe { libc::sigaction(signal, null(), previous.action.get().cast()) } != 0 {
        return Err(signal);
    }
    previous.known.store(true, Ordering::Release);
    // SAFETY: all zeros is a valid `sigaction`: the default action, an empty mask.
    let mut action: libc::sigaction = unsafe { zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    // A fault in the handler itself is a defect: unblocked, it reaches the previous handler instead of ending the process mutely.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    // SAFETY: the handler keeps to what is allowed in one.
    if unsafe { libc::sigaction(signal, &action, null_mut()) } != 0 { Err(signal) } else { Ok(()) }
}

/// The handler.
unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the arguments are the kernel's, and the context is this thread's.
    if !unsafe { try_trap(signal, info, context.cast()) } {
        // SAFETY: the arguments are the kernel's.
        unsafe { chain(signal, info, context) };
    }
}

/// Turns the fault into a trap if it is one: then `context` goes on at the landing.
///
/// # Safety
///
/// The arguments are those of a signal handler on this thread.
unsafe fn try_trap(signal: c_int, info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: the kernel passes both, and nobody else has them meanwhile.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let context = unsafe { &mut *context };
    // What was sent by a process or a thread has a code that is not positive.
    if info.si_code <= 0 {
        return false;
    }
    let registers = &mut context.uc_mcontext.gregs;
    let pc = registers[libc::REG_RIP as usize] as usize;
    let Some((code, vmctx_fp_offset)) = trap_site(pc) else { return false };
    // SAFETY: the kernel fills in the address for the signals it is looked at for.
    if signal == libc::SIGSEGV && !may_be_meant(code, unsafe { info.si_addr() } as usize) {
        return false;
    }
    let fp = registers[libc::REG_RBP as usize] as usize;
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
    // SAFETY: this thread runs code of the store, so the store is its own.
    unsafe { (*store).pending_trap = pending };
    registers[libc::REG_RIP as usize] = raise as *const () as i64;
    registers[libc::REG_RDI as usize] = store as i64;
    registers[libc::REG_EFL as usize] &= !DIRECTION_FLAG;
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
    let vmctx_fp_offset = lookup(pc, |code| code.func_at(pc - 1).map(|func| code.vmctx_fp_offset(func)));
    if let Some(Some(vmctx_fp_offset)) = vmctx_fp_offset {
        // SAFETY: a function that has called keeps its vmctx in its frame.
        return Some(unsafe { store_of_frame(fp, vmctx_fp_offset) });
    }
    // SAFETY: the trampoline's frame is linked, to that of the entry stub.
    let (entry_fp, _) = unsafe { caller(fp) };
    let activation = entry_fp.wrapping_sub(ACTIVATION_BELOW_FP) as *const Activation;
    // SAFETY: that is where the entry stub keeps its activation.
    let activation = unsafe { &*activation };
    (activation.entry_fp == entry_fp).then_some(activation.store)
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
        Some((trap, code.vmctx_fp_offset(code.func_at(pc)?)))
    })?
}

/// Whether an access that traps with `code` can have meant `address`.
fn may_be_meant(code: TrapCode, address: usize) -> bool {
    match code {
        TrapCode::MemoryOutOfBounds => may_be_guarded(address),
        _ => address < NULL_PAGE,
    }
}

/// Does what would have been done without us.
///
/// # Safety
///
/// The arguments are those of a signal handler on this thread.
unsafe fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes it.
    let sent = unsafe { (*info).si_code } <= 0;
    let index = SIGNALS.iter().position(|&ours| ours == signal);
    let Some(previous) = index.and_then(|index| PREVIOUS[index].get()) else {
        // SAFETY: the signal is one that ends the process.
        return unsafe { default_action(signal, sent) };
    };
    match previous.sa_sigaction {
        libc::SIG_IGN if sent => {}
        // A fault cannot be ignored: the kernel takes the default action then.
        // SAFETY: the signal is one that ends the process.
        libc::SIG_DFL | libc::SIG_IGN => unsafe { default_action(signal, sent) },
        handler => {
            // SAFETY: the action is what `sigaction` reported.
            unsafe { block_as_asked(signal, previous) };
            if previous.sa_flags & libc::SA_SIGINFO != 0 {
                type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);
                // SAFETY: with this flag, the action is such a function.
                let handler: Handler = unsafe { std::mem::transmute(handler) };
                // SAFETY: it is called as the kernel would call it.
                unsafe { handler(signal, info, context) };
            } else {
                // SAFETY: without the flag, and neither of the two constants, it is such a function.
                let handler: unsafe extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
                // SAFETY: it is called as the kernel would call it.
                unsafe { handler(signal) };
            }
        }
    }
}

/// Blocks what the kernel would block while the previous handler runs. Returning from our handler undoes it.
///
/// # Safety
///
/// `previous` is an action that `sigaction` reported.
unsafe fn block_as_asked(signal: c_int, previous: &libc::sigaction) {
    let mut mask = previous.sa_mask;
    if previous.sa_flags & libc::SA_NODEFER == 0 {
        // SAFETY: the mask is initialized.
        unsafe { libc::sigaddset(&mut mask, signal) };
    }
    // SAFETY: the mask is initialized; the call is allowed in a handler.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &mask, null_mut()) };
}

/// Takes the default action for the signal: the instruction faults again once the handler returns, and the core dump shows it.
///
/// # Safety
///
/// `signal` is one whose default action ends the process.
unsafe fn default_action(signal: c_int, sent: bool) {
    // SAFETY: all zeros is the default action.
    let action: libc::sigaction = unsafe { zeroed() };
    // SAFETY: installs the default action, which is allowed in a handler.
    unsafe { libc::sigaction(signal, &action, null_mut()) };
    if sent {
        // No instruction will fault again.
        // SAFETY: allowed in a handler.
        unsafe { libc::raise(signal) };
    }
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
