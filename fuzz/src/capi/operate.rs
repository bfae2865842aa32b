//! Operations on objects that are there.

use super::super::library::{self, ExternType, clear_error};
use super::super::support::*;
use super::c;
use super::world::{Handle, KINDS, Kind, World};
use std::ptr;

/// Something for another thread, which has ended before this one goes on.
struct Elsewhere<T>(T);

// SAFETY: the pointers in it are used on one thread after the other.
unsafe impl<T> Send for Elsewhere<T> {}

/// Does `work` on another thread.
fn elsewhere(work: impl FnOnce()) {
    let work = Elsewhere(work);
    // SAFETY: the thread ends before what `work` borrows does.
    let thread = unsafe { std::thread::Builder::new().spawn_unchecked(move || ({ work }.0)()) };
    thread.expect("a thread").join().expect("a thread that does not panic");
}

impl World {
    pub fn copy(&self) {
        let Some(Handle { reference, object }) = self.pick(|_| true) else { return };
        let mut copy = ptr::null_mut();
        if self.once_in(16) {
            elsewhere(|| copy = c!(wasm_ref_copy(reference)));
        } else {
            copy = c!(wasm_ref_copy(reference));
        }
        assert!(!copy.is_null(), "no copy: {:?}", last_error());
        self.state.borrow_mut().handles.push(Handle { reference: copy, object });
        assert_eq!(self.known(copy), Some(object), "the object of a copy");
    }

    pub fn delete(&self) {
        let Some(handle) = self.take(|_| true) else { return };
        c!(wasm_ref_delete(handle.reference));
    }

    /// Deletes a few handles on another thread.
    pub fn delete_elsewhere(&self) {
        let handles: Vec<_> = (0..=self.below(3)).filter_map(|_| self.take(|_| true)).collect();
        elsewhere(|| {
            for handle in &handles {
                c!(wasm_ref_delete(handle.reference));
            }
        });
    }

    /// Gives a store up, also while it runs.
    pub fn delete_store(&self) {
        if !self.once_in(4) {
            return;
        }
        let Some(index) = self.pick_store() else { return };
        let store = self.store(index);
        self.state.borrow_mut().stores[index].deleted = true;
        if self.once_in(4) { elsewhere(|| c!(wasm_store_delete(store))) } else { c!(wasm_store_delete(store)) }
    }

    /// Looks at a reference as every kind of object.
    pub fn convert(&self) {
        let Some(handle) = self.pick(|_| true) else { return };
        let kind = self.state.borrow().objects[handle.object].kind;
        for other in KINDS {
            assert_eq!(!other.of(handle.reference).is_null(), other == kind, "a {kind:?} as a {other:?}");
        }
        let external = [Kind::Func, Kind::Global, Kind::Table, Kind::Memory].iter().position(|&other| other == kind);
        let item = c!(wasm_ref_as_extern(handle.reference));
        assert_eq!(!item.is_null(), external.is_some(), "a {kind:?} as an external");
        if let Some(number) = external {
            assert_eq!(usize::from(c!(wasm_extern_kind(item))), number, "the kind of an external");
            assert!(c!(wasm_ref_same(wasm_extern_as_ref(item), handle.reference)), "an external of the same object");
        }
    }

    pub fn replace_host_info(&self) {
        if let Some(handle) = self.pick(|_| true) {
            self.track(handle.reference, handle.object);
        }
    }

    /// The exports of an instance: the same objects each time, and alive as long as it is.
    pub fn take_exports(&self) {
        let Some(instance) = self.pick_kind(Kind::Instance) else { return };
        let store = self.state.borrow().objects[instance.object].store;
        let mut exports = wasm_extern_vec_t::EMPTY;
        c!(wasm_instance_exports(wasm_ref_as_instance(instance.reference), &mut exports));
        for item in c!(exports.as_mut_slice()) {
            let reference = c!(wasm_extern_as_ref(*item));
            let object = self.known(reference).unwrap_or_else(|| {
                let kind = KINDS[usize::from(c!(wasm_extern_kind(*item)))];
                // A function of the instance's own keeps it: an imported one would be known.
                self.register(reference, kind, store, if kind == Kind::Func { vec![instance.object] } else { vec![] })
            });
            let mut state = self.state.borrow_mut();
            if !state.objects[instance.object].keeps.contains(&object) {
                state.objects[instance.object].keeps.push(object);
            }
            if self.below(2) == 0 {
                state.handles.push(Handle { reference, object });
                *item = ptr::null_mut();
            }
        }
        c!(wasm_extern_vec_delete(&mut exports));
    }

    pub fn use_global(&self) {
        let Some(handle) = self.pick_kind(Kind::Global) else { return };
        let store = self.state.borrow().objects[handle.object].store;
        let global = c!(wasm_ref_as_global(handle.reference));
        let ExternType::Global { content, mutable } = library::type_of(c!(wasm_global_as_extern(global))) else {
            panic!("a global of another type")
        };
        if self.below(2) == 0 {
            let given = self.value_for(content, store);
            clear_error();
            c!(wasm_global_set(global, &given.val));
            let failed = c!(libwasm_last_error_kind()) != ERROR_NONE;
            assert_eq!(failed, !(given.fits && mutable), "set a global of kind {content} to {}", given.val.kind);
            if !failed && given.is_reference() {
                self.assert_global_is(global, c!(given.val.of.r#ref));
            }
        }
        let mut val = wasm_val_t { kind: 0xaa, of: wasm_val_union { i64: 0 } };
        c!(wasm_global_get(global, &mut val));
        assert_eq!(val.kind, content, "the kind of a global's value");
        if content >= WASM_EXTERNREF && self.below(2) == 0 {
            self.receive(c!(val.of.r#ref), store);
        } else {
            self.look_at(&val, store);
            c!(wasm_val_delete(&mut val));
        }
    }

    fn assert_global_is(&self, global: *mut wasm_global_t, reference: *mut wasm_ref_t) {
        let mut val = wasm_val_t { kind: 0xaa, of: wasm_val_union { i64: 0 } };
        c!(wasm_global_get(global, &mut val));
        assert!(same(c!(val.of.r#ref), reference), "a global that was just set");
        c!(wasm_val_delete(&mut val));
    }

    pub fn use_table(&self) {
        let Some(handle) = self.pick_kind(Kind::Table) else { return };
        let store = self.state.borrow().objects[handle.object].store;
        let table = c!(wasm_ref_as_table(handle.reference));
        let ExternType::Table { element, .. } = library::type_of(c!(wasm_table_as_extern(table))) else {
            panic!("a table of another type")
        };
        let size = c!(wasm_table_size(table));
        let given = self.value_for(element, store);
        if !given.is_reference() {
            return self.look_at_elements(table, element, size, store);
        }
        let reference = c!(given.val.of.r#ref);
        let index = self.below(size as usize + 1) as u32;
        if self.below(4) == 0 {
            let grown = c!(wasm_table_grow(table, index, reference));
            assert!(given.fits || !grown, "grown by a reference that does not fit");
            assert_eq!(c!(wasm_table_size(table)), if grown { size + index } else { size }, "the size after growth");
        } else {
            let set = c!(wasm_table_set(table, index, reference));
            assert_eq!(set, given.fits && index < size, "set element {index} of {size}");
            let now = c!(wasm_table_get(table, index));
            assert!(!set || same(now, reference), "an element that was just set");
            self.receive(now, store);
        }
    }

    fn look_at_elements(&self, table: *mut wasm_table_t, kind: u8, size: u32, store: usize) {
        for index in 0..size.min(32) {
            let mut val = wasm_val_t { kind, of: wasm_val_union { r#ref: c!(wasm_table_get(table, index)) } };
            self.look_at(&val, store);
            c!(wasm_val_delete(&mut val));
        }
    }

    pub fn use_memory(&self) {
        let Some(handle) = self.pick_kind(Kind::Memory) else { return };
        let memory = c!(wasm_ref_as_memory(handle.reference));
        let pages = c!(wasm_memory_size(memory));
        let delta = self.below(3) as u32;
        if pages < 16 && c!(wasm_memory_grow(memory, delta)) {
            assert_eq!(c!(wasm_memory_size(memory)), pages + delta, "the size after growth");
        }
        let len = c!(wasm_memory_data_size(memory));
        assert_eq!(len, c!(wasm_memory_size(memory)) as usize * 0x1_0000, "bytes and pages");
        if len != 0 {
            let last = c!(wasm_memory_data(memory).add(len - 1));
            c!(last.write(c!(last.read()).wrapping_add(1)));
        }
    }

    /// The types of an object, which live longer than it.
    pub fn use_types(&self) {
        let Some(handle) = self.pick(|object| object.ty.is_some()) else { return };
        let ty = library::type_of(c!(wasm_ref_as_extern(handle.reference)));
        let known = self.state.borrow().objects[handle.object].ty.clone().expect("picked for its type");
        assert!(super::make::fits(&known, &ty), "a type that was {known:?} is {ty:?}");
    }

    /// The message and the frames of a trap.
    pub fn use_trap(&self) {
        let Some(handle) = self.pick_kind(Kind::Trap) else { return };
        let store = self.state.borrow().objects[handle.object].store;
        let trap = c!(wasm_ref_as_trap(handle.reference));
        let mut message = wasm_byte_vec_t::EMPTY;
        c!(wasm_trap_message(trap, &mut message));
        assert_eq!(c!(take_bytes(message)).last(), Some(&0), "a message ends in a NUL");
        let mut frames = wasm_frame_vec_t::EMPTY;
        c!(wasm_trap_trace(trap, &mut frames));
        let origin = c!(wasm_trap_origin(trap));
        assert_eq!(origin.is_null(), frames.size == 0, "an origin where there are frames");
        c!(wasm_frame_delete(origin));
        for frame in c!(frames.as_mut_slice()).iter_mut().take(8) {
            let instance = c!(wasm_ref_copy(wasm_instance_as_ref(wasm_frame_instance(*frame))));
            let Some(object) = self.receive(instance, store) else { panic!("a frame without an instance") };
            if self.below(2) == 0 {
                self.state.borrow_mut().frames.push((*frame, object));
                *frame = ptr::null_mut();
            }
        }
        c!(wasm_frame_vec_delete(&mut frames));
    }

    /// Gives one of the host's handles to the environment of a function of the same store. Not once the store's own handle is gone: the
    /// library does not notice, and if that was the last handle, nothing is called that could collect.
    pub fn give_to_env(&self) {
        let Some(func) = self.pick(|object| object.traced) else { return };
        let state = self.state.borrow();
        let object = &state.objects[func.object];
        let (env, store) = (object.env.expect("a traced function has an environment"), object.store);
        let deleted = state.stores[store].deleted;
        drop(state);
        if deleted {
            return;
        }
        if let Some(handle) = self.take(|object| object.store == store) {
            // SAFETY: the world keeps every environment.
            unsafe { &*env }.owned.borrow_mut().push(handle);
        }
    }

    /// Makes types out of types, copies them, and deletes them in another order.
    pub fn make_type_objects(&self) {
        let kinds: Vec<u8> = (0..self.below(4)).map(|_| [WASM_I32, WASM_F64, WASM_EXTERNREF][self.below(3)]).collect();
        let func =
            c!(wasm_functype_new(&mut library::valtypes(&kinds), &mut library::valtypes(&kinds[..kinds.len() / 2])));
        let copy = c!(wasm_functype_copy(func));
        let item = c!(wasm_functype_as_externtype(func));
        let item_copy = c!(wasm_externtype_copy(item));
        c!(wasm_functype_delete(func));
        assert_eq!(library::kinds(c!(&*wasm_functype_params(copy))), kinds, "the parameters of a copy");
        let view = c!(wasm_externtype_as_functype_const(item_copy));
        assert_eq!(library::kinds(c!(&*wasm_functype_params(view))), kinds, "the parameters of an external's copy");
        c!(wasm_functype_delete(copy));
        c!(wasm_externtype_delete(item_copy));
    }
}

/// Whether two references that may be null are to one object.
fn same(a: *mut wasm_ref_t, b: *mut wasm_ref_t) -> bool {
    a.is_null() && b.is_null() || c!(wasm_ref_same(a, b))
}
