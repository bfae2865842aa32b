//! Hardware faults, as signals: one handler for the process, in front of whatever was there before.
//!
//! For `SIGSEGV`, `SIGFPE` and `SIGILL`. Not for `SIGBUS`: on Linux a protected page never raises it, and failing hardware or a
//! truncated file is no trap. The handler takes no lock, allocates nothing and touches no thread-local storage. It asks a function, which
//! keeps to the same, whether the fault is ours; what is not goes to the handler that was there before.
//!
//! It runs on the alternate stack where the thread has one (`SA_ONSTACK`; Go and the JVM rely on that) and blocks no signals.

use crate::os::sync::OnceLock;
use crate::types::{Error, Result};
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

const SIGNALS: [c_int; 3] = [libc::SIGSEGV, libc::SIGFPE, libc::SIGILL];

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

/// A fault of this thread, inside the handler.
pub struct Fault<'a> {
    signal: c_int,
    info: &'a libc::siginfo_t,
    context: &'a mut libc::ucontext_t,
}

impl Fault<'_> {
    /// The address that was accessed, if the fault is one of memory.
    pub fn address(&self) -> Option<usize> {
        // SAFETY: the kernel fills in the address for this signal.
        (self.signal == libc::SIGSEGV).then(|| unsafe { self.info.si_addr() } as usize)
    }
}

#[cfg(target_arch = "x86_64")]
impl Fault<'_> {
    /// The instruction that faulted.
    pub fn pc(&self) -> usize {
        self.context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
    }

    /// The frame pointer.
    pub fn fp(&self) -> usize {
        self.context.uc_mcontext.gregs[libc::REG_RBP as usize] as usize
    }

    /// Lets the thread go on in `function`, called with `argument`, when the handler returns. The stack pointer stays what it is.
    pub fn resume_in<T>(&mut self, function: unsafe extern "C" fn(*mut T) -> !, argument: *mut T) {
        /// The direction flag. Compiled code and Rust expect it clear.
        const DIRECTION_FLAG: i64 = 1 << 10;
        let registers = &mut self.context.uc_mcontext.gregs;
        registers[libc::REG_RIP as usize] = function as *const () as i64;
        registers[libc::REG_RDI as usize] = argument as i64;
        registers[libc::REG_EFL as usize] &= !DIRECTION_FLAG;
    }
}

/// Whether a fault is ours: then it has said where the thread goes on ([`Fault::resume_in`]).
pub type Decide = fn(&mut Fault<'_>) -> bool;

/// The [`Decide`] of [`install`].
static DECIDE: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Installs the handler, the first time it is called. It stays: code that needs it may be running at any time.
pub fn install(decide: Decide) -> Result<()> {
    static INSTALLED: OnceLock<Result<(), c_int>> = OnceLock::new();
    DECIDE.store(decide as *mut (), Ordering::Release);
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
    if !unsafe { is_ours(signal, info, context.cast()) } {
        // SAFETY: the arguments are the kernel's.
        unsafe { chain(signal, info, context) };
    }
}

/// Asks whether a signal is a fault of ours.
///
/// # Safety
///
/// The arguments are those of a signal handler on this thread.
unsafe fn is_ours(signal: c_int, info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: the kernel passes both, and nobody else has them meanwhile.
    let info = unsafe { &*info };
    // What was sent by a process or a thread has a code that is not positive.
    if info.si_code <= 0 {
        return false;
    }
    // SAFETY: set before the handler was installed, to a function of this type.
    let decide = unsafe { std::mem::transmute::<*mut (), Decide>(DECIDE.load(Ordering::Acquire)) };
    // SAFETY: as above.
    let context = unsafe { &mut *context };
    decide(&mut Fault { signal, info, context })
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
