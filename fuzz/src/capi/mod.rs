//! The target `capi`: sequences of C calls, with a model of who owns what.
//!
//! An input is a sequence of operations, a byte for each and for each choice it makes. Handles are made, copied and deleted in any
//! order and on other threads; objects of other stores, of other kinds and in wrong numbers are given; callbacks go on with the
//! sequence, so they delete the function that runs, instantiate, call again, and return traps new and kept. In the end all is
//! given back. `world.rs` is the model, `make.rs` makes objects, `operate.rs` uses them, `call.rs` calls and is called.

mod call;
mod guests;
mod make;
mod operate;
mod world;

use world::World;

/// Calls a function of the C API. The model says that what is passed is alive and owned as the function's documentation demands;
/// whether that is enough is what the target tests.
macro_rules! c {
    ($call:expr) => {{
        #[allow(unused_unsafe, reason = "some calls pass what such a call gives")]
        // SAFETY: as the macro's documentation says.
        unsafe {
            $call
        }
    }};
}
use c;

/// The most callbacks that run within each other and go on with the sequence.
const MAX_DEPTH: u32 = 4;

pub fn run(data: &[u8]) {
    let world = World::new(data);
    world.make_store();
    world.operate_on(usize::MAX);
    world.delete_engine();
    world.finish();
}

impl World {
    /// Does the next operations of the sequence, at most `count`.
    fn operate_on(&self, count: usize) {
        for _ in 0..count {
            let Some(operation) = self.byte() else { return };
            match operation % 40 {
                0 => self.make_store(),
                1 => self.make_foreign(),
                2 => self.make_trap(),
                3..=4 => self.make_func(),
                5 => self.make_global(),
                6 => self.make_table(),
                7 => self.make_memory(),
                8..=9 => self.make_module(),
                10..=13 => self.make_instance(),
                14 => self.share_or_obtain(),
                15..=16 => self.copy(),
                17..=19 => self.delete(),
                20 => self.delete_elsewhere(),
                21 => self.delete_store(),
                22 => self.convert(),
                23 => self.replace_host_info(),
                24..=26 => self.take_exports(),
                27 => self.use_global(),
                28..=29 => self.use_table(),
                30 => self.use_memory(),
                31 => self.use_types(),
                32 => self.use_trap(),
                33 => self.give_to_env(),
                34 => self.make_type_objects(),
                _ => self.call(),
            }
            self.check();
        }
    }
}
