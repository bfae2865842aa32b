//! The locks of the library: those of the standard library, held inside the gate that a fork waits for (`src/os/linux/fork_gate.rs`).
//! No other file makes a lock of another kind (`tests/source.rs`).
//!
//! The files of protocols between threads take their atomics from here, too: `tests/loom` compiles them with those of loom.

pub use std::sync::atomic;

use super::fork_gate::Gate;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// A mutex. A panic while it was held is no reason not to lock it again: critical sections here leave nothing half-done.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

/// A mutex that this thread has locked.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    // Unlocked before the gate is left: fields are dropped in order.
    guard: std::sync::MutexGuard<'a, T>,
    _gate: Gate,
}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(std::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        let gate = Gate::enter();
        MutexGuard { guard: self.0.lock().unwrap_or_else(PoisonError::into_inner), _gate: gate }
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A value that is made once, when it is first asked for.
#[derive(Debug, Default)]
pub struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub const fn new() -> OnceLock<T> {
        OnceLock(std::sync::OnceLock::new())
    }

    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.0.get() {
            return value;
        }
        let _gate = Gate::enter();
        self.0.get_or_init(make)
    }
}

/// Statics of atomics and locks. Under loom each run of a model has its own.
macro_rules! shared_statics {
    ($($(#[$attribute:meta])* static $name:ident: $ty:ty = $value:expr;)*) => {
        $($(#[$attribute])* static $name: $ty = $value;)*
    };
}
pub(crate) use shared_statics;
