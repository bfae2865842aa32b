//! The engine's registry of function types: equal types have one registration, one number and one pair of trampolines.
//!
//! Registrations are counted. The registry itself holds only weak ones, and a dying registration removes its own entry
//! and no other: a type registered anew between the two simply has a new number, which no live function shares.

use crate::abi::VMFuncType;
use crate::code;
use crate::compiler::{CompiledFunction, Compiler, Scratch};
use crate::os;
use crate::os::code_memory::CodeMemory;
use crate::types::{Error, FuncType, Result, ValType};
use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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
    trampolines: Mutex<Vec<CodeMemory>>,
    compiler: Arc<Compiler>,
    registry: Weak<TypeRegistry>,
}

/// All function types in use in an engine.
#[derive(Default)]
pub struct TypeRegistry {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    types: HashMap<FuncType, Weak<RegisteredType>>,
    next_id: u32,
}

/// Locks a mutex of a small critical section: a panic while it was held has left nothing half-done.
pub(in crate::vm) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TypeRegistry {
    /// The registration of `ty`, made if there is none.
    pub fn register(self: &Arc<Self>, compiler: &Arc<Compiler>, ty: &FuncType) -> Result<Arc<RegisteredType>> {
        let mut inner = lock(&self.inner);
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
            trampolines: Mutex::default(),
            compiler: compiler.clone(),
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
        let mut trampolines = lock(&self.trampolines);
        let entry = slot.load(Ordering::Acquire);
        if !entry.is_null() {
            return Ok(entry);
        }
        let function =
            code::with_stack(os::stack_left(), || compile(&self.compiler, &self.ty, &mut Scratch::default()))?;
        let code = CodeMemory::new(&function.text)?;
        let entry = code.text().as_ptr().cast_mut();
        trampolines.push(code);
        slot.store(entry, Ordering::Release);
        Ok(entry)
    }
}

impl Drop for RegisteredType {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            let mut inner = lock(&registry.inner);
            // Another registration of the same type may have taken the place since this one's count fell to zero.
            if inner.types.get(&self.ty).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), self)) {
                inner.types.remove(&self.ty);
            }
        }
    }
}
