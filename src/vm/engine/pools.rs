//! What all pools of an engine have in common: how much they may keep, and that they can be emptied where memory or address space is
//! short.

use crate::os::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Something that keeps dead objects for reuse.
pub trait Pool: Send + Sync {
    /// Frees what is kept; how many objects that was.
    fn clear(&self) -> usize;
}

/// The pools of an engine.
pub struct Pools {
    kept: AtomicUsize,
    most: usize,
    pools: Mutex<Vec<Weak<dyn Pool>>>,
}

impl Pools {
    /// Pools that keep at most `most` objects together, or a few more where threads race.
    pub fn new(most: usize) -> Pools {
        Pools { kept: AtomicUsize::new(0), most, pools: Mutex::default() }
    }

    /// Counts a pool in, for as long as it lives.
    pub fn register(&self, pool: &Arc<impl Pool + 'static>) {
        let pool: Arc<dyn Pool> = pool.clone();
        let mut pools = self.pools.lock();
        if pools.len() == pools.capacity() {
            pools.retain(|pool| pool.strong_count() > 0);
            let living = pools.len();
            pools.reserve(living.max(16));
        }
        pools.push(Arc::downgrade(&pool));
    }

    /// Whether no pool should keep more.
    pub fn is_full(&self) -> bool {
        self.kept.load(Ordering::Relaxed) >= self.most
    }

    /// Counts an object that a pool keeps.
    pub fn add(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts objects that a pool keeps no longer.
    pub fn sub(&self, count: usize) {
        self.kept.fetch_sub(count, Ordering::Relaxed);
    }

    /// Empties all pools; whether anything was in them.
    pub fn clear(&self) -> bool {
        let pools: Vec<_> = self.pools.lock().iter().filter_map(Weak::upgrade).collect();
        let mut any = false;
        for pool in pools {
            let count = pool.clear();
            self.sub(count);
            any |= count > 0;
        }
        any
    }
}
