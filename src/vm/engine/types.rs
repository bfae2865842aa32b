//! The engine's registry of function types: equal types have one registration, one number and one pair of trampolines.
//!
//! Registrations are counted. The registry itself holds only weak ones, and a dying registration removes its own entry
//! and no other: a type registered anew between the two simply has a new number, which no live function shares.

use crate::abi::VMFuncType;
use crate::code::Appended;
use crate::compiler::{CompiledFunction, Compiler, Scratch};
use crate::os::sync::Mutex;
use crate::types::{Error, FuncType, Result, ValType};
use crate::vm::engine::trampolines::Trampolines;
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
    /// Equal types have equal numbers within an engine.
    pub id: u32,
    /// Whether the signature has only i32, i64, f32 and f64: then trampolines speak `wasm_val_t` directly.
    pub numeric: bool,
    to_host: AtomicPtr<u8>,
    /// What `to_wasm` and `to_host` point to.
    compiled: Mutex<Vec<Appended>>,
    trampolines: Arc<Trampolines>,
    registry: Weak<TypeRegistry>,
}

/// All function types in use in an engine.
pub struct TypeRegistry {
    trampolines: Arc<Trampolines>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    types: HashMap<FuncType, Weak<RegisteredType>>,
    next_id: u32,
}

impl TypeRegistry {
    /// No types yet; `trampolines` makes those of types to come.
    pub fn of(trampolines: Trampolines) -> TypeRegistry {
        TypeRegistry { trampolines: Arc::new(trampolines), inner: Mutex::default() }
    }

    /// The registration of `ty`, made if there is none.
    pub fn register(self: &Arc<Self>, ty: &FuncType) -> Result<Arc<RegisteredType>> {
        let mut inner = self.inner.lock();
        if let Some(registered) = inner.types.get(ty).and_then(Weak::upgrade) {
            return Ok(registered);
        }
        let id = inner.next_id;
        inner.next_id =
            id.checked_add(1).ok_or_else(|| Error::limit("too many function types were made in this engine"))?;
        let registered = Arc::new(RegisteredType {
            head: VMFuncType {
                numeric_to_wasm: AtomicPtr::default(),
                num_params: ty.params.len(),
                num_results: ty.results.len(),
            },
            ty: ty.clone(),
            id,
            numeric: ty.params.iter().chain(&ty.results).all(|ty| !ty.is_ref() && *ty != ValType::V128),
            to_wasm: AtomicPtr::default(),
            to_host: AtomicPtr::default(),
            compiled: Mutex::default(),
            trampolines: self.trampolines.clone(),
            registry: Arc::downgrade(self),
        });
        inner.types.insert(ty.clone(), Arc::downgrade(&registered));
        Ok(registered)
    }
}

impl RegisteredType {
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

impl Drop for RegisteredType {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            let mut inner = registry.inner.lock();
            // Another registration of the same type may have taken the place since this one's count fell to zero.
            if inner.types.get(&self.ty).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), self)) {
                inner.types.remove(&self.ty);
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
        let ty = registry.register(&signature(1)).unwrap();
        let entries = (ty.to_wasm().unwrap(), ty.to_host().unwrap());
        let same = registry.register(&signature(1)).unwrap();
        assert_eq!((same.to_wasm().unwrap(), same.to_host().unwrap()), entries);
        // The arena is full, so that another type's trampoline lies elsewhere, until the types are gone.
        let arena = ty.compiled.lock()[0].arena().range();
        let other = registry.register(&signature(2)).unwrap();
        assert!(!arena.contains(&(other.to_wasm().unwrap() as usize)));
        drop(ty);
        let third = registry.register(&signature(3)).unwrap();
        assert!(!arena.contains(&(third.to_wasm().unwrap() as usize)));
        drop(same);
        let fourth = registry.register(&signature(4)).unwrap();
        assert!(arena.contains(&(fourth.to_wasm().unwrap() as usize)));
    }
}
