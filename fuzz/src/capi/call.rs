//! Calls of functions, and the callbacks of host functions.

use super::super::library::{self, ExternType, clear_error};
use super::super::support::*;
use super::world::{Env, Kind, World};
use super::{MAX_DEPTH, c};
use std::ffi::c_void;
use std::ptr;

/// A value that is lent to a call, and whether it is of the kind and the store that the call wants.
pub struct Given {
    pub val: wasm_val_t,
    pub fits: bool,
}

impl Given {
    pub fn null(kind: u8) -> Given {
        Given { val: wasm_val_t { kind, of: wasm_val_union { r#ref: ptr::null_mut() } }, fits: true }
    }

    pub fn is_reference(&self) -> bool {
        self.val.kind >= WASM_EXTERNREF
    }
}

/// The bytes of every v128 value.
static VECTOR: [u8; 16] = *b"sixteen bytes...";

impl World {
    /// A value for something of `kind` in `store`; seldom one that does not fit.
    pub fn value_for(&self, kind: u8, store: usize) -> Given {
        let wrong = self.once_in(16);
        let number = |kind, x| Given { val: wasm_val_t { kind, of: wasm_val_union { i64: x } }, fits: true };
        match kind {
            WASM_EXTERNREF | WASM_FUNCREF if wrong && self.below(2) == 0 => {
                Given { fits: false, ..number(WASM_I32, 7) }
            }
            WASM_EXTERNREF | WASM_FUNCREF => self.reference_for(kind, store, wrong),
            LIBWASM_V128 => {
                let given = wasm_val_t { kind, of: wasm_val_union { r#ref: VECTOR.as_ptr().cast_mut().cast() } };
                Given { val: given, fits: true }
            }
            _ if wrong => Given { fits: false, ..number((kind + 1) % 4, 1) },
            _ => number(kind, self.below(256) as i64),
        }
    }

    /// A reference that one of the host's handles lends, or null. One that is `wrong` is of another store, or no function.
    fn reference_for(&self, kind: u8, store: usize, wrong: bool) -> Given {
        if self.below(4) == 3 {
            return Given::null(kind);
        }
        let is = |object: &super::world::Object| {
            let fits = object.store == store && (kind == WASM_EXTERNREF || object.kind == Kind::Func);
            fits != wrong
        };
        match self.pick(is) {
            Some(handle) => {
                Given { val: wasm_val_t { kind, of: wasm_val_union { r#ref: handle.reference } }, fits: !wrong }
            }
            None => Given::null(kind),
        }
    }

    /// Calls one of the functions, with arguments that fit most of the time, and room for the results or less or more.
    pub fn call(&self) {
        let Some(func) = self.pick_kind(Kind::Func) else { return };
        let store = self.state.borrow().objects[func.object].store;
        let func = c!(wasm_ref_as_func(func.reference));
        let ExternType::Func { params, results } = library::type_of(c!(wasm_func_as_extern(func))) else {
            panic!("a function of another type")
        };
        let mut args: Vec<_> = params.iter().map(|&kind| self.value_for(kind, store)).collect();
        if self.once_in(32) {
            args.pop();
        }
        let good = args.len() == params.len() && args.iter().all(|arg| arg.fits);
        let vals: Vec<_> = args.iter().map(|arg| arg.val).collect();
        let unwritten = wasm_val_t { kind: 0xaa, of: wasm_val_union { i64: -1 } };
        let room = match self.below(8) {
            0 => 0,
            1 => results.len() + 1,
            2 => results.len().saturating_sub(1),
            _ => results.len(),
        };
        let mut out = vec![unwritten; room];
        let before = self.callbacks.get();
        clear_error();
        // Callbacks may delete whatever is given here.
        let trap = c!(wasm_func_call(func, &Vector::borrow(&vals), &mut Vector::borrow_mut(&mut out)));
        if !good {
            assert!(!trap.is_null(), "called with arguments that do not fit");
            assert_eq!(self.callbacks.get(), before, "ran with arguments that do not fit");
        }
        let written = if trap.is_null() { room.min(results.len()) } else { 0 };
        assert!(out[written..].iter().all(|val| val.kind == 0xaa), "written beyond the results");
        for (val, kind) in out[..written].iter_mut().zip(results) {
            assert_eq!(val.kind, kind, "the kind of a result");
            if kind >= WASM_EXTERNREF && self.below(2) == 0 {
                self.receive(c!(val.of.r#ref), store);
            } else {
                self.look_at(val, store);
                c!(wasm_val_delete(val));
            }
        }
        self.receive(c!(wasm_trap_as_ref(trap)), store);
    }

    /// Checks that a reference that is only looked at is to something alive.
    pub fn look_at(&self, val: &wasm_val_t, store: usize) {
        if val.kind < WASM_EXTERNREF || c!(val.of.r#ref).is_null() {
            return;
        }
        if let Some(object) = self.known(c!(val.of.r#ref)) {
            assert_eq!(self.state.borrow().objects[object].store, store, "an object of another store");
        }
    }

    /// What a callback does: goes on with the sequence for a while, and returns results, or a trap that is new or kept.
    fn called(&self, env: &Env, args: &[wasm_val_t], results: &mut [wasm_val_t]) -> *mut wasm_trap_t {
        self.callbacks.set(self.callbacks.get() + 1);
        assert_eq!(args.len(), env.params.len(), "the arguments of a callback");
        for (arg, kind) in args.iter().zip(&env.params) {
            assert_eq!(arg.kind, *kind, "the kind of an argument");
            self.look_at(arg, env.store);
        }
        if self.depth.get() < MAX_DEPTH {
            self.depth.set(self.depth.get() + 1);
            self.operate_on(self.below(6));
            self.depth.set(self.depth.get() - 1);
        }
        match self.below(16) {
            14 => {
                let kept = self.pick(|object| object.kind == Kind::Trap && object.store == env.store);
                kept.map_or(ptr::null_mut(), |kept| c!(wasm_trap_copy(wasm_ref_as_trap(kept.reference))))
            }
            15 if !self.state.borrow().stores[env.store].deleted => c!(wasm_trap_copy(self.new_trap(env.store))),
            _ => {
                for (result, kind) in results.iter_mut().zip(&env.results) {
                    assert_eq!(result.kind, *kind, "the kind of a result before it is set");
                    // Owned by the caller of the callback, even if it does not fit.
                    c!(wasm_val_copy(result, &self.value_for(*kind, env.store).val));
                }
                ptr::null_mut()
            }
        }
    }
}

/// What every host function of the target does.
pub extern "C" fn callback(
    env: *mut c_void,
    args: *const wasm_val_vec_t,
    results: *mut wasm_val_vec_t,
) -> *mut wasm_trap_t {
    // SAFETY: the world keeps every environment, and outlives every call.
    let env = unsafe { &*env.cast::<Env>() };
    // SAFETY: the library lends the arguments for the call.
    let args = unsafe { (*args).as_slice() };
    // SAFETY: and the room for the results.
    let results = unsafe { (*results).as_mut_slice() };
    // SAFETY: the world outlives every call.
    unsafe { &*env.world }.called(env, args, results)
}
