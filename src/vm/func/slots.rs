//! References and vectors on the way into WebAssembly and out of it, as far as the stub of calls needs nothing else
//! (`src/arch/x64/numeric_call.rs`). What takes more than a look at each value is refused here, and done by [`call`](super::call::call), which
//! says what is wrong, too.
//!
//! The stub has entered the store. Nothing is collected here, no finalizer runs, and nothing unwinds.

use crate::abi::{Crossing, Form, ObjectHeader, ObjectKind, PendingTrap, VMFuncRef};
use crate::arch::{self, Conversion};
use crate::types::{TrapCode, ValType};
use crate::vm::engine::types::registered_type;
use crate::vm::func::call::store_of_func;
use crate::vm::gc::reference::HeapObject;
use crate::vm::store::Store;
use crate::vm::store::entity::store_of;
use crate::vm::store::lifetime::mark_escaped;
use crate::vm::val::{self, RawSlot, Val};

/// How the values of a store cross, for the stub.
pub struct Slots;

impl Conversion for Slots {
    unsafe extern "C" fn args_to_slots(func: *const VMFuncRef, args: *const Val, slots: *mut u8) -> u32 {
        // SAFETY: live by the caller's promise.
        let store = unsafe { store_of_func(func) };
        // SAFETY: as above.
        let ty = unsafe { registered_type(func) };
        // SAFETY: the arguments are as many as the parameters, as are the slots, and what a host gives is well-formed.
        let done = unsafe { convert_at_once(store, &ty.params, &ty.ty.params, args, slots.cast()) };
        if done { 0 } else { arch::REFUSED }
    }

    unsafe extern "C" fn slots_to_results(func: *const VMFuncRef, slots: *const u8, results: *mut Val) -> u32 {
        // SAFETY: live by the caller's promise.
        let store = unsafe { store_of_func(func) };
        // SAFETY: as above.
        let ty = unsafe { registered_type(func) };
        let slots: *const RawSlot = slots.cast();
        for (index, &crossing) in ty.results.iter().enumerate() {
            // SAFETY: the trampoline has written a slot for each result.
            let slot = unsafe { &*slots.wrapping_add(index) };
            // SAFETY: compiled code wrote it as a value of this type, and nothing was collected since.
            match unsafe { val::from_slot(store, slot, crossing) } {
                // SAFETY: there is room for each.
                Ok(value) => unsafe { results.wrapping_add(index).write(value) },
                Err(_) => {
                    for written in 0..index {
                        // SAFETY: written before.
                        let value = unsafe { &mut *results.wrapping_add(written) };
                        // SAFETY: nobody else has it.
                        unsafe { value.delete() };
                    }
                    pend_out_of_memory(store);
                    return arch::TRAPPED;
                }
            }
        }
        0
    }
}

/// Converts values into slots; false if that takes more than a look at one of them.
///
/// # Safety
/// The values are well-formed, and as many as there are types, of which `crossings` are made, and slots; this is the owner thread, inside
/// the store.
#[inline(always)]
pub(super) unsafe fn convert_at_once(
    store: &Store,
    crossings: &[Crossing],
    types: &[ValType],
    values: *const Val,
    slots: *mut RawSlot,
) -> bool {
    for (index, &crossing) in crossings.iter().enumerate() {
        // SAFETY: there are as many values as types.
        let value = unsafe { &*values.wrapping_add(index) };
        if value.kind != crossing.kind {
            return false;
        }
        let (mut low, mut high) = (value.of, 0);
        if crossing.form >= Form::Func {
            if low == 0 {
                if !crossing.nullable {
                    return false;
                }
            } else {
                // SAFETY: a reference is null or a live handle.
                match unsafe { bits_of(store, value.object(), crossing, &types[index]) } {
                    Some(bits) => low = bits,
                    None => return false,
                }
            }
        } else if crossing.form == Form::Vector {
            // SAFETY: a v128 is null or has a live box.
            let vector = unsafe { (low as *const [u64; 2]).as_ref() };
            [low, high] = vector.copied().unwrap_or_default();
        }
        let slot: *mut [u64; 2] = slots.wrapping_add(index).cast();
        // SAFETY: there is a slot for each; it need not be aligned.
        unsafe { slot.write_unaligned([low, high]) };
    }
    true
}

/// The bits of a reference, if they are known at a glance; it is marked as escaped.
///
/// # Safety
/// The object is a live handle's; this is the owner thread, inside the store.
#[inline(always)]
unsafe fn bits_of(store: &Store, object: *mut ObjectHeader, crossing: Crossing, ty: &ValType) -> Option<u64> {
    // SAFETY: live by the caller's promise.
    let kind = unsafe { (*object).kind };
    // SAFETY: as above.
    if !std::ptr::eq(unsafe { store_of(object) }, store) {
        return None;
    }
    let bits = if crossing.form == Form::Func {
        if kind != ObjectKind::Func || !crossing.is_top {
            return None;
        }
        object as u64
    } else if kind == ObjectKind::HeapObject {
        let ValType::Ref(ty) = ty else { return None };
        // SAFETY: an object of this kind is a `HeapObject`.
        let bits = unsafe { (*object.cast::<HeapObject>()).bits() };
        if !store.is_of_type(bits, ty.heap) {
            return None;
        }
        // A name, to which nothing refers but handles.
        return Some(bits.into());
    } else if crossing.is_top {
        store.box_at_once(object)?.into()
    } else {
        return None;
    };
    // SAFETY: live by the caller's promise.
    unsafe { mark_escaped(object) };
    Some(bits)
}

/// Leaves the trap of a call whose results find no memory as the pending one.
#[cold]
fn pend_out_of_memory(store: &Store) {
    // SAFETY: the context is part of the store, and no code of it runs in this call any more.
    let context = unsafe { &mut *store.context() };
    context.pending_trap = PendingTrap { code: TrapCode::OutOfMemory as u32, ..PendingTrap::NONE };
}
