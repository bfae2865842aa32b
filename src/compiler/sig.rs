//! Signatures: how WebAssembly types, libcalls and trampolines look to Cranelift.
//!
//! A WebAssembly function follows the `tail` convention and takes its vmctx first. Whatever is written in Rust, C or
//! assembly follows the System V convention.

use crate::abi::{Libcall, LibcallParam};
use crate::types::{FuncType, RefType, ValType};
use cranelift_codegen::ir::{AbiParam, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::CallConv;

/// The type of a native pointer. The one target so far is 64 bits wide.
pub(crate) const POINTER: Type = types::I64;

/// The type of the values of a reference type: a pointer for functions, an offset into the store's heap otherwise.
pub(crate) fn ref_type(ty: RefType) -> Type {
    if ty.is_func() { POINTER } else { types::I32 }
}

/// The canonical type of the values of `ty`: what locals, block parameters and the operand stack hold.
pub(crate) fn value_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
        ValType::Ref(ty) => ref_type(ty),
    }
}

/// The signature of a WebAssembly function: `(vmctx, parameters...) -> results` in the `tail` convention.
pub(crate) fn wasm(ty: &FuncType) -> Signature {
    let mut sig = Signature::new(CallConv::Tail);
    sig.params.reserve_exact(ty.params.len() + 1);
    sig.params.push(AbiParam::special(POINTER, ArgumentPurpose::VMContext));
    sig.params.extend(ty.params.iter().map(|&ty| AbiParam::new(value_type(ty))));
    sig.returns.extend(ty.results.iter().map(|&ty| AbiParam::new(value_type(ty))));
    sig
}

/// A C signature.
pub(crate) fn c(params: &[Type], results: &[Type]) -> Signature {
    let mut sig = Signature::new(CallConv::SystemV);
    sig.params.extend(params.iter().map(|&ty| AbiParam::new(ty)));
    sig.returns.extend(results.iter().map(|&ty| AbiParam::new(ty)));
    sig
}

/// The C signature of a libcall: `(vmctx, parameters...) -> value`. Compiled code does not see the second register of
/// the result: the assembly stub unwinds when it says so.
pub(crate) fn libcall(libcall: Libcall) -> Signature {
    let (params, has_result) = libcall.signature();
    let mut sig = c(&[POINTER], if has_result { &[types::I64] } else { &[] });
    sig.params.extend(params.iter().map(|param| {
        AbiParam::new(match param {
            LibcallParam::i32 => types::I32,
            LibcallParam::i64 => types::I64,
        })
    }));
    sig
}
