//! What an engine has for each function type (`src/vm/types/mod.rs`) in use: one registration, and one pair of trampolines.
//!
//! Registrations are counted. The registry itself holds only weak ones, and a dying registration removes its own entry and no other.

use crate::abi::{Crossing, VMFuncRef, VMFuncType};
use crate::arch;
use crate::code::Appended;
use crate::compiler::{CompiledFunction, Compiler, Scratch};
use crate::os::sync::Mutex;
use crate::types::{Error, FuncType, Result, TypeId, ValType};
use crate::vm::engine::trampolines::Trampolines;
use crate::vm::types::DefinedType;
use crate::vm::valkind::crossing;
use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Weak};

/// A function type as an engine knows it. What each call reads lies in front.
#[repr(C)]
pub struct RegisteredType {
    /// What the stub of numeric-only calls reads. Must be first: a [`VMFuncRef`](crate::abi::VMFuncRef) points to it.
    pub head: VMFuncType,
    to_wasm: AtomicPtr<u8>,
    pub ty: FuncType,
    /// What converting its parameters and results asks of their types.
    pub params: Box<[Crossing]>,
    pub results: Box<[Crossing]>,
    defined: DefinedType,
    /// Whether the signature has only i32, i64, f32 and f64: then trampolines speak `wasm_val_t` directly.
    pub numeric: bool,
    to_host: AtomicPtr<u8>,
    /// What `to_wasm` and `to_host` point to.
    compiled: Mutex<Vec<Appended>>,
    trampolines: Arc<Trampolines>,
    registry: Weak<TypeRegistry>,
}

/// The function types in use in an engine.
pub struct TypeRegistry {
    trampolines: Arc<Trampolines>,
    types: Mutex<Registrations>,
}

/// Registrations by the numbers of their types.
type Registrations = HashMap<TypeId, Weak<RegisteredType>>;

impl TypeRegistry {
    /// No types yet; `trampolines` makes those of types to come.
    pub fn of(trampolines: Trampolines) -> TypeRegistry {
        TypeRegistry { trampolines: Arc::new(trampolines), types: Mutex::default() }
    }

    /// The registration of a function type, made if there is none.
    pub fn register(self: &Arc<Self>, defined: DefinedType) -> Result<Arc<RegisteredType>> {
        let mut types = self.types.lock();
        if let Some(registered) = types.get(&defined.id()).and_then(Weak::upgrade) {
            return Ok(registered);
        }
        let ty = defined.sub_type().as_func().ok_or_else(|| Error::argument("not a function type"))?;
        let id = defined.id();
        let registered = Arc::new(RegisteredType {
            head: VMFuncType {
                numeric_to_wasm: AtomicPtr::default(),
                slots_to_wasm: AtomicPtr::default(),
                num_params: ty.params.len(),
                num_results: ty.results.len(),
            },
            ty: ty.clone(),
            params: ty.params.iter().copied().map(crossing).collect(),
            results: ty.results.iter().copied().map(crossing).collect(),
            numeric: ty.params.iter().chain(&ty.results).all(|ty| !ty.is_ref() && *ty != ValType::V128),
            to_wasm: AtomicPtr::default(),
            to_host: AtomicPtr::default(),
            compiled: Mutex::default(),
            trampolines: self.trampolines.clone(),
            registry: Arc::downgrade(self),
            defined,
        });
        types.insert(id, Arc::downgrade(&registered));
        Ok(registered)
    }
}

impl RegisteredType {
    pub fn defined(&self) -> &DefinedType {
        &self.defined
    }

    /// What the records of functions have as their type's number.
    pub fn id(&self) -> u32 {
        self.defined.id().0
    }

    /// The trampoline through which the host calls functions of this type; compiled at the first need.
    #[inline]
    pub fn to_wasm(&self) -> Result<*const u8> {
        let entry = self.to_wasm.load(Ordering::Acquire);
        if !entry.is_null() {
            return Ok(entry);
        }
        let entry = self.compile(&self.to_wasm, Compiler::compile_host_to_wasm)?;
        if self.numeric {
            self.head.numeric_to_wasm.store(entry.cast_mut(), Ordering::Release);
        } else if self.params.len() + self.results.len() <= arch::MOST_SLOTS {
            self.head.slots_to_wasm.store(entry.cast_mut(), Ordering::Release);
        }
        Ok(entry)
    }

    /// The entry, in wasm's convention, that host functions of this type share; compiled at the first need.
    pub fn to_host(&self) -> Result<*const u8> {
        let entry = self.to_host.load(Ordering::Acquire);
        if !entry.is_null() { Ok(entry) } else { self.compile(&self.to_host, Compiler::compile_wasm_to_host) }
    }

    #[cold]
    fn compile(
        &self,
        slot: &AtomicPtr<u8>,
        compile: impl FnOnce(&Compiler, &FuncType, &mut Scratch) -> Result<CompiledFunction> + Send,
    ) -> Result<*const u8> {
        // Without the lock, which a fork would have to wait for. Two threads may both compile it: the first one's stays.
        let trampoline = self.trampolines.compile(|compiler, scratch| compile(compiler, &self.ty, scratch))?;
        let entry = trampoline.entry(0).cast_mut();
        let mut compiled = self.compiled.lock();
        let first = slot.load(Ordering::Acquire);
        if !first.is_null() {
            return Ok(first);
        }
        compiled.push(trampoline);
        slot.store(entry, Ordering::Release);
        Ok(entry)
    }
}

/// The registration of a function's type.
///
/// # Safety
/// `func` is live; the reference is used only while it is.
pub unsafe fn registered_type<'a>(func: *const VMFuncRef) -> &'a RegisteredType {
    // SAFETY: live by the caller's promise.
    let ty = unsafe { (*func).ty };
    // SAFETY: a live function's module or host function owns the registration.
    unsafe { &*ty.cast() }
}

impl Drop for RegisteredType {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            let mut types = registry.types.lock();
            // Another registration of the same type may have taken the place since this one's count fell to zero.
            if types.get(&self.defined.id()).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), self)) {
                types.remove(&self.defined.id());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::engine::trampolines::tests::{signature, trampolines};

    #[test]
    fn trampolines_go_with_their_type() {
        let registry = Arc::new(TypeRegistry::of(trampolines(2)));
        let register = |n| registry.register(DefinedType::func(signature(n)).unwrap()).unwrap();
        let ty = register(1);
        let entries = (ty.to_wasm().unwrap(), ty.to_host().unwrap());
        let same = register(1);
        assert_eq!((same.to_wasm().unwrap(), same.to_host().unwrap()), entries);
        // The arena is full, so that another type's trampoline lies elsewhere, until the types are gone.
        let arena = ty.compiled.lock()[0].arena().range();
        let other = register(2);
        assert!(!arena.contains(&(other.to_wasm().unwrap() as usize)));
        drop(ty);
        let third = register(3);
        assert!(!arena.contains(&(third.to_wasm().unwrap() as usize)));
        drop(same);
        let fourth = register(4);
        assert!(arena.contains(&(fourth.to_wasm().unwrap() as usize)));
    }
}
