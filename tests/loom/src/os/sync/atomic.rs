//! Loom's atomics, whose sequentially consistent stores and exchanges are those of x86-64: see `main.rs`.

pub use loom::sync::atomic::Ordering;
use loom::sync::atomic::{self, fence};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Whether sequentially consistent accesses are more than acquiring and releasing ones.
pub static SEQUENTIAL: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

fn fence_if(order: Ordering) {
    if order == SeqCst && SEQUENTIAL.load(Relaxed) {
        fence(SeqCst);
    }
}

/// Does `exchange` between two full fences if its order is sequentially consistent.
fn exchanging<T>(order: Ordering, exchange: impl FnOnce() -> T) -> T {
    fence_if(order);
    let value = exchange();
    fence_if(order);
    value
}

macro_rules! atomics {
    ($($name:ident $(<$t:ident>)? = $value:ty;)*) => {$(
        #[derive(Debug)]
        pub struct $name $(<$t>)? (atomic::$name $(<$t>)?);

        impl $(<$t>)? $name $(<$t>)? {
            pub fn new(value: $value) -> Self {
                $name(atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $value {
                self.0.load(if order == SeqCst { Ordering::Acquire } else { order })
            }

            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value, if order == SeqCst { Ordering::Release } else { order });
                fence_if(order);
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                exchanging(order, || self.0.swap(value, order))
            }
        }
    )*};
}

atomics! {
    AtomicBool = bool;
    AtomicUsize = usize;
    AtomicPtr<T> = *mut T;
}

impl AtomicUsize {
    pub fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        exchanging(order, || self.0.fetch_add(value, order))
    }

    pub fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        exchanging(order, || self.0.fetch_sub(value, order))
    }
}
