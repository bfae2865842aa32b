//! Two protocols between threads under loom, which runs every interleaving of a few threads, with every value that the memory model lets a
//! load see: who owns a store (`src/vm/store/owner.rs`), and who reads the map of addresses while it changes (`src/code/address_map.rs`).
//!
//! Both files are compiled as they are in the library. What they import is here instead: atomics and locks are loom's, and both sides of
//! the asymmetric barrier are full fences, which is what they amount to together. Loom takes a sequentially consistent access for an
//! acquiring and releasing one; here such a store is followed by a full fence and such an exchange is between two, as on
//! x86-64, while a load stays as weak as loom has it. So nothing is hidden that the processor may do.
//!
//! Each model is also run with its barrier left out, and has to fail then: loom looks where it should.
//!
//! A program of its own, not a test of the library's package: under `cfg(test)` the files would bring their own tests along.
#![allow(dead_code, reason = "the models use a part of what the files offer")]

#[path = "../../../src/code/address_map.rs"]
mod address_map;
mod address_map_model;
#[path = "../../../src/vm/store/owner.rs"]
mod owner;
mod owner_model;

/// What stands in for the library's modules of these names.
mod os {
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Whether the light side of barriers does something.
    pub static LIGHT_BARRIERS: AtomicBool = AtomicBool::new(true);

    pub fn light_barrier() {
        if LIGHT_BARRIERS.load(Ordering::Relaxed) {
            loom::sync::atomic::fence(Ordering::SeqCst);
        }
    }

    pub fn heavy_barrier() {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }

    pub struct StackLimitCache;

    impl StackLimitCache {
        pub fn new(_: stack::StackBudget) -> StackLimitCache {
            StackLimitCache
        }
    }

    pub mod stack {
        #[derive(Copy, Clone)]
        pub struct StackBudget;
    }

    pub mod fork_gate {
        pub fn is_closed() -> bool {
            false
        }

        /// Nothing changes until another thread does something: loom runs the others first.
        pub fn back_off(rounds: &mut u32) {
            *rounds += 1;
            loom::thread::yield_now();
        }

        pub fn on_fork_in_child(_: fn()) {}
    }

    pub mod sync {
        pub mod atomic;

        #[derive(Debug)]
        pub struct Mutex<T>(loom::sync::Mutex<T>);

        impl<T> Mutex<T> {
            pub fn new(value: T) -> Mutex<T> {
                Mutex(loom::sync::Mutex::new(value))
            }

            pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
                self.0.lock().expect("no panic while it was held")
            }

            pub fn get_mut(&mut self) -> &mut T {
                self.0.get_mut().expect("no panic while it was held")
            }
        }

        macro_rules! shared_statics {
            ($($(#[$attribute:meta])* static $name:ident: $ty:ty = $value:expr;)*) => {
                loom::lazy_static! { $($(#[$attribute])* static ref $name: $ty = $value;)* }
            };
        }
        pub(crate) use shared_statics;
    }
}

mod arch {
    loom::thread_local! {
        static TOKEN: Box<u8> = Box::new(0);
    }

    /// An address that is this thread's.
    pub fn current_thread_token() -> usize {
        TOKEN.with(|token| (&raw const **token).addr())
    }
}

mod types {
    #[derive(Debug)]
    pub enum ErrorKind {
        Busy,
    }

    #[derive(Debug)]
    pub struct Error;

    pub type Result<T, E = Error> = std::result::Result<T, E>;

    impl Error {
        pub fn new(_: ErrorKind, _: &str) -> Error {
            Error
        }

        pub fn out_of_memory(_: &str) -> Error {
            Error
        }
    }
}

mod vm {
    pub mod store {
        pub mod entity {
            pub struct EntityHeader;
        }
    }
}

mod code {
    pub mod arena {
        use loom::cell::UnsafeCell;
        use std::ops::Range;

        /// Code at a range of addresses.
        pub struct Arena {
            range: Range<usize>,
            /// Read by whoever found the arena, written when it goes.
            memory: UnsafeCell<()>,
        }

        impl Arena {
            pub fn new(range: Range<usize>) -> Arena {
                Arena { range, memory: UnsafeCell::new(()) }
            }

            pub fn range(&self) -> Range<usize> {
                self.range.clone()
            }

            pub fn read(&self) {
                self.memory.with(|_| ());
            }

            pub fn unmap(&self) {
                self.memory.with_mut(|_| ());
            }
        }
    }
}

/// Runs a model. Loom ends with a panic where an interleaving fails.
fn check(name: &str, preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 100_000;
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = runs.clone();
    builder.check(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    println!("{name}: {} interleavings", runs.load(std::sync::atomic::Ordering::Relaxed));
}

/// A model that has to fail.
fn check_fails(name: &str, model: impl Fn() + Sync + Send + 'static) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(name, Some(3), model)));
    std::panic::set_hook(hook);
    assert!(outcome.is_err(), "{name}: loom finds nothing");
    println!("{name}: fails, as it should");
}

fn main() {
    owner_model::run();
    address_map_model::run();
}
