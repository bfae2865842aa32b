//! The map of addresses: an arena is not unmapped, nor a snapshot freed, while a reader has it.

use crate::address_map::{lookup, register as try_register, unregister};
use crate::code::arena::Arena;
use crate::os::sync::atomic::SEQUENTIAL;
use crate::{check, check_fails};
use loom::sync::Arc;
use loom::thread;
use std::sync::atomic::Ordering::Relaxed;

fn register(arena: &Arena) {
    try_register(arena).expect("memory");
}

fn find(pc: usize) -> bool {
    lookup(pc, |arena| arena.read()).is_some()
}

/// A reader looks twice while a writer takes the arena away.
fn unregistering() {
    let arena = Arc::new(Arena::new(10..20));
    register(&arena);
    let reader = thread::spawn(|| find(15) || find(15));
    unregister(&arena);
    arena.unmap();
    reader.join().unwrap();
    assert!(!find(15));
}

/// A reader looks while a writer publishes another arena, which frees the snapshot that was there.
fn registering() {
    let (first, second) = (Arc::new(Arena::new(10..20)), Arc::new(Arena::new(30..40)));
    register(&first);
    let reader = thread::spawn(|| {
        assert!(find(15));
        find(35)
    });
    register(&second);
    assert!(find(35));
    reader.join().unwrap();
    unregister(&second);
    second.unmap();
    unregister(&first);
    first.unmap();
}

/// Two writers and a reader.
fn two_writers() {
    let arenas = [Arc::new(Arena::new(10..20)), Arc::new(Arena::new(30..40))];
    register(&arenas[0]);
    register(&arenas[1]);
    let [first, second] = arenas;
    let take_away = |arena: Arc<Arena>| {
        move || {
            unregister(&arena);
            arena.unmap();
        }
    };
    let writer = thread::spawn(take_away(first));
    let reader = thread::spawn(|| find(15) | find(35));
    take_away(second)();
    writer.join().unwrap();
    reader.join().unwrap();
}

pub fn run() {
    check("address map: a reader while an arena goes", None, unregistering);
    check("address map: a reader while an arena comes", None, registering);
    check("address map: two writers and a reader", Some(4), two_writers);
    SEQUENTIAL.store(false, Relaxed);
    check_fails("address map: a reader while an arena goes, without sequential consistency", unregistering);
    SEQUENTIAL.store(true, Relaxed);
}
