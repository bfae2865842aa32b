//! The instance pool of a module: blocks of instances that have died, kept for the next instance of the same module.
//!
//! A block keeps its tables, its memories with their mappings, and the function references that were made in it: they point into the
//! block, so the next instance can use them as they are. Everything else was reset when the instance died. A block in the pool holds
//! no reference to its module, since the module owns the pool.

use crate::os::sync::CacheLock;
use crate::vm::engine::pools::{Pool, Pools};
use crate::vm::instance::Instance;
use std::sync::Arc;

/// The block of an instance that is not among any store's entities, with what is its own.
pub(in crate::vm) struct Block(*mut Instance);

// SAFETY: nobody else knows the block, and nothing in it has a tie to a thread.
unsafe impl Send for Block {}

impl Block {
    /// # Safety
    /// The instance is no store's, nothing refers to it, and its share of its module is taken out.
    pub(in crate::vm) unsafe fn new(instance: *mut Instance) -> Block {
        Block(instance)
    }

    pub(in crate::vm) fn into_instance(self) -> *mut Instance {
        let instance = self.0;
        std::mem::forget(self);
        instance
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is this value's, and nobody refers to it.
        unsafe { Instance::discard(self.0) }
    }
}

/// So many blocks of a module keep pages that were written; others, which are used less often, give them back.
const KEEP_PAGES: usize = 16;

/// The pool of a module.
pub(in crate::vm) struct InstancePool {
    blocks: CacheLock<Vec<Block>>,
    pools: Arc<Pools>,
}

impl InstancePool {
    pub(in crate::vm) fn new(pools: &Arc<Pools>) -> Arc<InstancePool> {
        let pool = Arc::new(InstancePool { blocks: CacheLock::default(), pools: pools.clone() });
        pools.register(&pool);
        pool
    }

    pub(in crate::vm) fn take(&self) -> Option<Block> {
        let block = self.blocks.with(Vec::pop)??;
        self.pools.sub(1);
        Some(block)
    }

    /// Whether a block that is put into the pool now should keep its pages.
    pub(in crate::vm) fn keeps_pages(&self) -> bool {
        self.blocks.with(|blocks| blocks.len() < KEEP_PAGES).unwrap_or(false)
    }

    /// Keeps a block that was reset, if there is room.
    pub(in crate::vm) fn put(&self, block: Block) {
        if self.pools.is_full() {
            if !self.blocks.with(|blocks| blocks.is_empty()).unwrap_or(false) {
                return;
            }
            // What others have kept for long makes room for a module that has none.
            self.pools.clear();
        }
        let mut block = Some(block);
        self.blocks.with(|blocks| {
            if blocks.try_reserve(1).is_ok() {
                blocks.extend(block.take());
                self.pools.add();
            }
        });
        // A block that was not kept is freed without the lock.
        drop(block);
    }
}

impl Pool for InstancePool {
    fn clear(&self) -> usize {
        self.blocks.with(std::mem::take).map_or(0, |blocks| blocks.len())
    }
}

impl Drop for InstancePool {
    fn drop(&mut self) {
        self.pools.sub(self.blocks.get_mut().map_or(0, |blocks| blocks.len()));
    }
}
