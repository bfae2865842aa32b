//! The modules that sequences of calls run, each with a few functions that move references about.

use super::super::library::{Store, Tier};
use super::super::support::*;
use std::cell::RefCell;

/// Holds references in tables and globals of its own.
const BOX: &str = r#"(module $box
  (type $pass (func (param externref) (result externref)))
  (table $t (export "t") 4 20 externref)
  (table $f (export "f") 4 20 funcref)
  (global $g (export "g") (mut externref) (ref.null extern))
  (global $h (export "h") (mut funcref) (ref.null func))
  (global (export "c") i64 (i64.const 42))
  (memory (export "m") 1 3)
  (elem (table $f) (i32.const 1) func $id $swap)
  (data (i32.const 100) "box")
  (func $id (export "id") (param externref) (result externref) (local.get 0))
  (func $swap (export "swap") (param externref) (result externref)
    (global.get $g) (global.set $g (local.get 0)))
  (func (export "put") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
  (func (export "take") (param i32) (result externref) (table.get $t (local.get 0)))
  (func (export "put func") (param i32 funcref) (table.set $f (local.get 0) (local.get 1)))
  (func (export "take func") (param i32) (result funcref) (table.get $f (local.get 0)))
  (func (export "swap func") (param funcref) (result funcref)
    (global.get $h) (global.set $h (local.get 0)))
  (func (export "pass") (param i32 externref) (result externref)
    (call_indirect $f (type $pass) (local.get 1) (local.get 0)))
  (func (export "grow") (param i32 externref) (result i32)
    (table.grow $t (local.get 1) (i32.and (local.get 0) (i32.const 3))))
  (func (export "fill") (param i32 externref) (table.fill $t (i32.const 0) (local.get 1) (local.get 0)))
  (func (export "recurse") (param externref) (call 10 (local.get 0)))
  (func (export "unreachable") unreachable)
  (func (export "many") (param externref i32 i64 f32 f64 funcref) (result funcref f64 f32 i64 i32 externref)
    (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))"#;

/// Calls the host and shares its table, global and memory.
const LINKED: &str = r#"(module $linked
  (type $pass (func (param externref) (result externref)))
  (import "host" "pass" (func $pass (type $pass)))
  (import "host" "global" (global $g (mut externref)))
  (import "host" "table" (table $t 2 funcref))
  (import "host" "memory" (memory 1))
  (elem (i32.const 0) func $twice)
  (elem $passive func $pass $again)
  (data (i32.const 8) "linked")
  (export "pass" (func $pass)) (export "global" (global $g)) (export "table" (table $t)) (export "memory" (memory 0))
  (func $twice (export "twice") (param externref) (result externref)
    (call $pass (call $pass (local.get 0))))
  (func $again (export "again") (param externref) (result externref) (local $n i32)
    (loop
      (local.set 0 (call $pass (local.get 0)))
      (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (local.get 0))
  (func (export "keep") (param externref) (result externref)
    (call $pass (global.get $g)) (global.set $g (local.get 0)))
  (func (export "indirect") (param i32 externref) (result externref)
    (call_indirect $t (type $pass) (local.get 1) (local.get 0)))
  (func (export "init") (param i32) (table.init $t $passive (local.get 0) (i32.const 0) (i32.const 2)))
  (func (export "grow") (result i32) (table.grow $t (ref.func $again) (i32.const 1)))
  (func (export "trap after") (param externref) (drop (call $pass (local.get 0))) unreachable))"#;

/// Calls the host when it starts, after it has put functions of its own where the host sees them.
const STARTED: &str = r#"(module $started
  (import "host" "pass" (func $pass (param externref) (result externref)))
  (import "host" "global" (global $g (mut externref)))
  (import "host" "table" (table $t 2 funcref))
  (elem (i32.const 0) func $own $pass)
  (func $own (export "own") (param externref) (result externref) (call $pass (global.get $g)))
  (func $start (global.set $g (call $own (ref.null extern))))
  (start $start))"#;

/// Cannot be instantiated, but leaves a function of its own in the host's table.
const FAILING: &str = r#"(module $failing
  (import "host" "table" (table $t 2 funcref))
  (memory 1)
  (elem (i32.const 0) func $left)
  (data (i32.const 65535) "out of bounds")
  (func $left (param externref) (result externref) (memory.size) drop (local.get 0)))"#;

const GUESTS: [&str; 4] = [BOX, LINKED, STARTED, FAILING];

/// The number of guests.
pub const COUNT: usize = GUESTS.len();

/// A guest in a tier: its binary and its artifact.
type Cached = (Tier, usize, Vec<u8>, Vec<u8>);

thread_local! {
    static CACHE: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) };
}

/// A guest as a binary and as an artifact for engines of this tier.
pub fn guest(tier: Tier, index: usize) -> (Vec<u8>, Vec<u8>) {
    let known = |(known, guest, ..): &&Cached| *known == tier && *guest == index;
    if let Some((_, _, binary, artifact)) = CACHE.with_borrow(|cache| cache.iter().find(known).cloned()) {
        return (binary, artifact);
    }
    let mut out = wasm_byte_vec_t::EMPTY;
    // SAFETY: the text is borrowed, `out` is written.
    let translated = unsafe { libwasm_wat2wasm(&Vector::borrow(GUESTS[index].as_bytes()), &mut out) };
    assert!(translated, "guest {index}: {:?}", last_error());
    // SAFETY: the call gave the vector away.
    let binary = unsafe { take_bytes(out) };
    let artifact = Store::new(tier).compile(&binary).unwrap_or_else(|refusal| panic!("guest {index}: {refusal:?}"));
    let artifact = artifact.serialize();
    CACHE.with_borrow_mut(|cache| cache.push((tier, index, binary.clone(), artifact.clone())));
    (binary, artifact)
}
