//! The locks of the library: those of the standard library, held inside the gate that a fork waits for (`src/os/linux/fork_gate.rs`).
//! No other file makes a lock of another kind (`tests/source.rs`).
//!
//! The files of protocols between threads take their atomics from here, too: `tests/loom` compiles them with those of loom.

pub use std::sync::atomic;

use super::fork_gate::Gate;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

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

    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    #[inline]
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get().unwrap_or_else(|| self.init(make))
    }

    #[cold]
    fn init(&self, make: impl FnOnce() -> T) -> &T {
        let _gate = Gate::enter();
        self.0.get_or_init(make)
    }
}

/// A lock over a cache: something that can be done without. Nobody waits for it longer than a moment, so it needs no gate, and costs one
/// atomic operation. If a fork finds it locked, it stays locked in the child, where the cache is not used any more.
#[derive(Debug, Default)]
pub struct CacheLock<T> {
    locked: AtomicBool,
    value: ManuallyDrop<UnsafeCell<T>>,
}

// SAFETY: only the thread that has set the flag reaches the value.
unsafe impl<T: Send> Sync for CacheLock<T> {}

impl<T> CacheLock<T> {
    /// How often it is looked at before it is done without.
    const ROUNDS: u32 = 200;

    /// Uses the cache, unless other threads do for a long time. `use_it` must be short, and call nothing but the allocator.
    #[inline]
    pub fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> Option<R> {
        /// Unlocks, also after a panic.
        struct Unlock<'a>(&'a AtomicBool);
        impl Drop for Unlock<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        if self.locked.swap(true, Ordering::Acquire) && !self.wait() {
            return None;
        }
        let _unlock = Unlock(&self.locked);
        // SAFETY: the flag is set, by this thread.
        Some(use_it(unsafe { &mut *self.value.get() }))
    }

    /// What is in the cache, at the end of its life; `None` where a fork found it locked.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if *self.locked.get_mut() { None } else { Some(self.value.get_mut()) }
    }

    /// Whether the lock could be had after all.
    #[cold]
    fn wait(&self) -> bool {
        (0..Self::ROUNDS).any(|_| {
            std::hint::spin_loop();
            !self.locked.load(Ordering::Relaxed) && !self.locked.swap(true, Ordering::Acquire)
        })
    }
}

impl<T> Drop for CacheLock<T> {
    fn drop(&mut self) {
        if !*self.locked.get_mut() {
            // SAFETY: nobody uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}

/// Statics of atomics and locks. Under loom each run of a model has its own.
macro_rules! shared_statics {
    ($($(#[$attribute:meta])* static $name:ident: $ty:ty = $value:expr;)*) => {
        $($(#[$attribute])* static $name: $ty = $value;)*
    };
}
pub(crate) use shared_statics;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_cache_is_used_by_one_thread_at_a_time_and_done_without_if_it_stays_locked() {
        let cache = CacheLock::<Vec<Arc<()>>>::default();
        let item = Arc::new(());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        while cache.with(|items| items.push(item.clone())).is_none() {}
                        while cache.with(|items| items.pop()).is_none() {}
                    }
                    while cache.with(|items| items.push(item.clone())).is_none() {}
                });
            }
        });
        assert_eq!(cache.with(|items| items.len()), Some(2));
        let inner = cache.with(|_| cache.with(|items| items.len()));
        assert_eq!(inner, Some(None));
        drop(cache);
        assert_eq!(Arc::strong_count(&item), 1);
    }

    /// As in the child of a fork that came in the middle.
    #[test]
    fn a_cache_that_stays_locked_is_lost() {
        let mut cache = CacheLock::<Vec<Arc<()>>>::default();
        let item = Arc::new(());
        cache.with(|items| items.push(item.clone()));
        cache.locked.store(true, Ordering::Relaxed);
        assert!(cache.with(|items| items.len()).is_none() && cache.get_mut().is_none());
        drop(cache);
        assert_eq!(Arc::strong_count(&item), 2);
    }
}
