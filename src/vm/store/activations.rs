//! The activations of a store: their records, and which of them are dead.
//!
//! A host function that WebAssembly called need not return: it may be left by `longjmp`, and then the frames of WebAssembly are gone and
//! the record of the activation is still linked. Whoever enters the store while there is a record finds that out, as far as it can be
//! told ([`Store::drop_dead_activations`]); a collection, which reads the frames, makes sure of it
//! ([`Store::drop_incoherent_activations`]). An activation on the stack that this runs on is dead
//!
//! - if its frame lies below the stack pointer;
//! - if the return address of the call that entered is not there any more: whatever the host calls next from the same place writes
//!   its own there;
//! - if the host's frames, as an unwinder finds them, do not lead to the host function that it called. That takes microseconds, so it is
//!   done only where much depends on it ([`Store::drop_all_dead_activations`]).
//!
//! On another stack, a coroutine's, an activation may be suspended, so it counts as alive until its frames are seen to be overwritten, or
//! the host says that it does not go on ([`Store::forget_stack`]). Coroutines may go on in any order: the one whose host function
//! returns has its record moved to the front of the list ([`resume`]).
//!
//! What a dead activation had entered of the store is left, and what it owned for the time of a call is given back.

use super::{Before, Entered, Released, Store};
use crate::abi::{Activation, VMStoreContext, Val};
use crate::arch;
use crate::os::exceptions::{self, Found};
use crate::os::{self, stack};
use crate::types::{Error, Result};
use crate::vm::store::entity::owner_of;
use crate::vm::val;
use std::cell::{Cell, RefCell};

/// The memory of the records, and what they own.
#[derive(Default)]
pub(super) struct Records {
    /// All records but the first, boxed.
    boxed: RefCell<Vec<*mut Activation>>,
    /// What is owned for an activation while it is in a host function that might not return to it: values, and memory, to which
    /// the function that asked for it has a pointer.
    values: RefCell<Vec<(*mut Activation, Val)>>,
    memories: RefCell<Vec<(*mut Activation, Vec<Val>)>>,
    /// The level to leave to for the entry, from within WebAssembly, that is under way: others were found dead in the middle of it.
    level: Cell<usize>,
}

impl Drop for Records {
    fn drop(&mut self) {
        for record in self.boxed.get_mut().drain(..) {
            // SAFETY: boxed by `Store::reserve_activation`, and nothing of the store runs any more.
            drop(unsafe { Box::from_raw(record) });
        }
    }
}

/// Why there is no stack for WebAssembly to run on.
#[derive(Debug)]
pub(in crate::vm) enum NoStack {
    /// Nothing is known of the stack.
    Unknown,
    /// WebAssembly has used all that it may use.
    Exhausted,
    /// What is left is the host's, before WebAssembly has used any.
    Reserved,
}

/// What is owned for an activation while it is in a call or a host function that might not return. Dropped when it has.
pub(in crate::vm) struct Lending<'a> {
    store: &'a Store,
    activation: *mut Activation,
    values: Cell<usize>,
    memories: Cell<usize>,
}

impl Lending<'_> {
    pub(in crate::vm) fn activation(&self) -> *mut Activation {
        self.activation
    }

    /// Lends a value: what it owns is given back if there is no return.
    #[inline]
    pub(in crate::vm) fn lend(&self, value: Val) {
        self.store.activations.values.borrow_mut().push((self.activation, value));
        self.values.set(self.values.get() + 1);
    }

    /// Memory for so many values.
    pub(in crate::vm) fn memory(&self, count: usize) -> Result<*mut Val> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(count).map_err(|_| Error::out_of_memory("out of memory for the values of a call"))?;
        let values = memory.as_mut_ptr();
        self.store.activations.memories.borrow_mut().push((self.activation, memory));
        self.memories.set(self.memories.get() + 1);
        Ok(values)
    }

    #[cold]
    fn take_back_memory(&self) {
        take_back(&mut self.store.activations.memories.borrow_mut(), self.activation, self.memories.get());
    }
}

impl Drop for Lending<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.values.get() != 0 {
            take_back(&mut self.store.activations.values.borrow_mut(), self.activation, self.values.get());
        }
        if self.memories.get() != 0 {
            self.take_back_memory();
        }
    }
}

/// Takes the last `count` of an activation's out of a list: mostly the last of all, unless coroutines have lent more meanwhile.
fn take_back<T>(lent: &mut Vec<(*mut Activation, T)>, activation: *mut Activation, count: usize) {
    let ours = |&(owner, _): &(*mut Activation, T)| std::ptr::eq(owner, activation);
    for _ in 0..count {
        if lent.last().is_some_and(ours) {
            lent.pop();
        } else if let Some(last) = lent.iter().rposition(ours) {
            lent.remove(last);
        }
    }
}

impl Store {
    /// The first activation of the list, or null.
    fn first_activation(&self) -> *mut Activation {
        // SAFETY: the context is part of the store.
        unsafe { (*self.context()).activation }
    }

    /// What the activation will own that the next entry links the record of, if no other comes in between that does not return.
    #[inline]
    pub(in crate::vm) fn lending_for_entry(&self) -> Result<Lending<'_>> {
        let context = self.context();
        let activation = if self.wasm_runs() {
            self.spare_activation()?
        } else {
            // SAFETY: the context is part of the store.
            unsafe { &raw mut (*context).first }
        };
        Ok(Lending { store: self, activation, values: Cell::new(0), memories: Cell::new(0) })
    }

    /// The first of the spare records.
    #[inline(never)]
    fn spare_activation(&self) -> Result<*mut Activation> {
        let context = self.context();
        // SAFETY: the context is part of the store.
        let spare = unsafe { (*context).spare };
        if !spare.is_null() {
            return Ok(spare);
        }
        let mut boxed = self.activations.boxed.borrow_mut();
        boxed.try_reserve(1).map_err(|_| Error::out_of_memory("out of memory for another call within a call"))?;
        let record = Box::into_raw(Box::new(Activation { store: context, ..Activation::UNUSED }));
        boxed.push(record);
        // SAFETY: as above.
        unsafe { (*context).spare = record };
        Ok(record)
    }

    /// What the activation that is in a host function owns.
    pub(in crate::vm) fn lending(&self) -> Lending<'_> {
        Lending { store: self, activation: self.first_activation(), values: Cell::new(0), memories: Cell::new(0) }
    }

    /// The second half of entering for a thread that has entered before, `depth` times, and has not left as far as is known: the level to
    /// leave to. `sp` is a stack pointer below the host's.
    #[inline(never)]
    pub(super) fn enter_again(&self, depth: usize, sp: usize) -> usize {
        let activation = self.first_activation();
        let mut level = depth;
        if !activation.is_null() {
            // SAFETY: a linked record is live.
            if self.is_surely_alive(unsafe { &*activation }, sp) {
                return 0;
            }
            level = match self.drop_dead_activations(sp) {
                Some(level) => level,
                None => return 0,
            };
        }
        self.owner.set_depth(level + 1);
        level
    }

    /// Whether an activation is on the stack that this thread is remembered to run on, and nothing says that it is dead. Then none of the
    /// list is known to be.
    #[inline]
    fn is_surely_alive(&self, activation: &Activation, sp: usize) -> bool {
        self.owner.stack_limit().remembers(sp, activation.entry_fp) && !is_known_dead(activation, sp)
    }

    /// Unlinks the activations that are known to be dead. If none is left, gives the level from which the outermost entered.
    #[cold]
    fn drop_dead_activations(&self, sp: usize) -> Option<usize> {
        let bounds = stack::bounds()?;
        self.drop_activations(|activation| bounds.contains(activation.entry_fp) && is_known_dead(activation, sp))
    }

    /// As [`Store::drop_dead_activations`], but all that are dead on this stack are found, as far as the host's frames can be unwound: an
    /// activation is alive if the host function that it called is. Takes microseconds.
    #[cold]
    pub(super) fn drop_all_dead_activations(&self) -> Option<usize> {
        let bounds = stack::bounds()?;
        let lowest_alive = match exceptions::find_frame(arch::is_host_call) {
            Found::Frame(sp) => sp,
            Found::None => usize::MAX,
            Found::Unknown => return None,
        };
        self.drop_activations(|activation| bounds.contains(activation.entry_fp) && activation.entry_fp < lowest_alive)
    }

    /// For a collection, which is about to read the frames of all activations: unlinks those that are dead, and those whose frames are not
    /// what they should be. `is_coherent` gets an activation, and whether its stack is this one, so that it is mapped.
    pub(in crate::vm) fn drop_incoherent_activations(&self, is_coherent: impl Fn(&Activation, bool) -> bool) {
        self.look_for_dead_activations();
        let bounds = stack::bounds();
        let level = self.drop_activations(|activation| {
            let here = bounds.is_some_and(|bounds| bounds.contains(activation.entry_fp));
            !is_coherent(activation, here)
        });
        self.set_level(level);
    }

    /// [`Store::drop_all_dead_activations`] in the middle of an entry.
    #[cold]
    pub(super) fn look_for_dead_activations(&self) {
        let level = self.drop_all_dead_activations();
        self.set_level(level);
    }

    fn set_level(&self, level: Option<usize>) {
        if let Some(level) = level {
            self.activations.level.set(level);
        }
    }

    /// The level that the entry that is being left has to leave to, if that was not known when it began.
    pub(super) fn take_level(&self) -> usize {
        self.activations.level.take()
    }

    /// Unlinks the activations on a stack that will not go on.
    pub fn forget_stack(entered: &mut Entered<'_>, bounds: stack::StackBounds) -> Result<()> {
        if bounds.contains(arch::stack_pointer()) {
            return Err(Error::argument("the stack that this is called on cannot be forgotten"));
        }
        if let Some(level) = entered.store.drop_activations(|activation| bounds.contains(activation.entry_fp)) {
            entered.before = Before::new(level, entered.before.held());
        }
        Ok(())
    }

    /// Unlinks the activations of which `is_dead` says so, and gives back what they own. If there were some and none is left, gives the
    /// level from which the outermost entered.
    fn drop_activations(&self, is_dead: impl Fn(&Activation) -> bool) -> Option<usize> {
        let context = self.context();
        let mut level = None;
        // SAFETY: the context is part of the store.
        let mut link: *mut *mut Activation = unsafe { &raw mut (*context).activation };
        loop {
            // SAFETY: the store's, or that of a linked record.
            let activation = unsafe { *link };
            if activation.is_null() {
                break;
            }
            // SAFETY: a linked record is live.
            let record = unsafe { &mut *activation };
            if !is_dead(record) {
                link = &raw mut record.previous;
                continue;
            }
            level = level.max(Some(record.level as usize));
            // SAFETY: as above.
            unsafe { *link = record.previous };
            self.bury(record);
        }
        let level = level?;
        // What could not be freed while the activation ran may be freed now.
        self.owner.flags.attention.set(true);
        self.owner.stack_limit().after_jump();
        self.restore_stack_limit();
        // SAFETY: a linked record is live.
        let Some(front) = (unsafe { self.first_activation().as_mut() }) else { return Some(level) };
        front.level = front.level.max(level as u32);
        None
    }

    /// Makes a record that was unlinked an unused one.
    fn bury(&self, record: &mut Activation) {
        let context = self.context();
        let activation = std::ptr::from_mut(record);
        self.activations.memories.borrow_mut().retain(|&(owner, _)| !std::ptr::eq(owner, activation));
        self.activations.values.borrow_mut().retain(|&(owner, value)| {
            if std::ptr::eq(owner, activation) {
                self.give_back_later(value);
            }
            !std::ptr::eq(owner, activation)
        });
        *record = Activation { store: context, ..Activation::UNUSED };
        // SAFETY: the context is part of the store.
        let first = unsafe { &raw mut (*context).first };
        if !std::ptr::eq(activation, first) {
            // SAFETY: as above.
            record.previous = unsafe { (*context).spare };
            // SAFETY: as above.
            unsafe { (*context).spare = activation };
        }
    }

    /// Frees what a value owns, handles when the store is next entered.
    fn give_back_later(&self, mut value: Val) {
        if value.kind >= val::KIND_EXTERNREF && value.of != 0 {
            // SAFETY: a lent reference is a handle of a live object.
            let entity = unsafe { owner_of(value.of as *const _) };
            self.owner.queue(Released::Entity(entity));
        } else {
            // SAFETY: owned by the activation.
            unsafe { value.delete() };
        }
    }

    /// The lowest address that WebAssembly may use of the stack that this runs on, for an entry that is about to be made.
    #[inline]
    pub(in crate::vm) fn stack_limit_here(&self) -> Result<usize, NoStack> {
        let sp = arch::stack_pointer();
        let cache = self.owner.stack_limit();
        let (lowest, high) = cache.get().ok_or(NoStack::Unknown)?;
        // SAFETY: a linked record is live.
        let outer = unsafe { self.first_activation().as_ref() };
        // An entry within another on the same stack, which has been found alive.
        let within = outer.is_some_and(|outer| sp < outer.entry_fp && outer.entry_fp < high);
        // SAFETY: the context is part of the store.
        let limit = if within { unsafe { (*self.context()).stack_limit } } else { cache.outermost(lowest) };
        // A host function that is called directly has no prologue that checks.
        if sp >= limit {
            return Ok(limit);
        }
        Err(if within { NoStack::Exhausted } else { NoStack::Reserved })
    }

    /// Makes ready what the entry stub needs, right before it is called: the record of `lent`'s activation, for a caller whose stack
    /// pointer is `entry_sp` if that is not 0, and the stack's limit. That of the activation in which it is called is kept.
    #[inline]
    pub(in crate::vm) fn prepare_entry(
        &self,
        entered: &Entered<'_>,
        lent: &Lending<'_>,
        entry_sp: usize,
        limit: usize,
    ) {
        let context = self.context();
        // SAFETY: the store's, and not linked.
        let record = unsafe { &mut *lent.activation };
        record.level = entered.before.level() as u32;
        record.entry_sp = entry_sp;
        if entry_sp != 0 {
            // SAFETY: where the return address of the function lies that the host has called.
            record.return_address = unsafe { arch::read_stack(entry_sp + Activation::RETURN_SLOT) };
        }
        // SAFETY: the context is part of the store.
        let before = unsafe { std::mem::replace(&mut (*context).stack_limit, limit) };
        // SAFETY: a linked record is live.
        if let Some(outer) = unsafe { self.first_activation().as_mut() }
            && before != limit
        {
            outer.stack_limit = before;
        }
    }

    /// The entry stub has returned, from the activation of `lent`.
    #[inline]
    pub(in crate::vm) fn end_entry(&self, lent: &Lending<'_>) {
        // SAFETY: the store's, and not linked any more. The numeric-only stub relies on it.
        unsafe { (*lent.activation).level = 0 };
        // What goes on now is the outer entry, perhaps on another stack.
        self.restore_stack_limit();
    }

    /// The first activation of the list goes on: its stack limit holds.
    #[inline]
    fn restore_stack_limit(&self) {
        // SAFETY: a linked record is live.
        if let Some(activation) = unsafe { self.first_activation().as_mut() }
            && activation.stack_limit != 0
        {
            // SAFETY: the context is part of the store.
            unsafe { (*self.context()).stack_limit = std::mem::take(&mut activation.stack_limit) };
        }
    }

    /// Makes an activation the first of the list; false if it is not in it.
    fn move_to_front(&self, activation: *mut Activation) -> bool {
        let context = self.context();
        if std::ptr::eq(self.first_activation(), activation) {
            return true;
        }
        // SAFETY: the context is part of the store.
        let mut link: *mut *mut Activation = unsafe { &raw mut (*context).activation };
        loop {
            // SAFETY: the store's, or that of a linked record.
            let linked = unsafe { *link };
            if linked.is_null() {
                return false;
            }
            // SAFETY: a linked record is live.
            let record = unsafe { &mut *linked };
            if !std::ptr::eq(linked, activation) {
                link = &raw mut record.previous;
                continue;
            }
            // SAFETY: as above.
            unsafe { *link = record.previous };
            let front = self.first_activation();
            // SAFETY: there is another one, a linked record.
            let other = unsafe { &mut *front };
            // SAFETY: the context is part of the store.
            other.stack_limit = unsafe { (*context).stack_limit };
            record.flags |= Activation::MOVED;
            record.previous = front;
            // SAFETY: the context is part of the store.
            unsafe { (*context).activation = activation };
            self.restore_stack_limit();
            return true;
        }
    }
}

/// Whether an activation on this stack, of which `sp` is a stack pointer below the host's, is known to be dead.
#[inline]
fn is_known_dead(activation: &Activation, sp: usize) -> bool {
    if activation.entry_fp <= sp {
        return true;
    }
    let slot = activation.entry_sp + Activation::RETURN_SLOT;
    // SAFETY: above the stack pointer, on the same stack, so it is mapped.
    activation.entry_sp != 0 && unsafe { arch::read_stack(slot) } != activation.return_address
}

/// A host function has returned to `activation`, which is not the first of the list: others were left without a return, or other coroutines
/// have run. With null, an activation that was not entered last has been left, and another goes on.
///
/// # Safety
/// Called by stubs of a store that this thread has entered, with that store's context.
pub(super) unsafe extern "C" fn resume(context: *mut VMStoreContext, activation: *mut Activation) {
    // SAFETY: the context is the first field of its store.
    let store = unsafe { &*context.cast_const().cast::<Store>() };
    if activation.is_null() {
        store.restore_stack_limit();
        // Leaving is not what it would have been.
        store.owner.flags.attention.set(true);
        return;
    }
    // What lies below the frame that called the host function was entered later, and is dead.
    // SAFETY: the record of an activation is memory of its store's, even if it is another one's by now.
    store.drop_dead_activations(unsafe { (*activation).exit_fp });
    if !store.move_to_front(activation) {
        os::end_process(
            "libwasm: a host function has returned to a call that was found to be left already. Its stack was taken for one on \
             which the host went on elsewhere: see libwasm_thread_set_stack.\n",
        );
    }
}
