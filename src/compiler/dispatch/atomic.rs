//! Atomic memory instructions.

use crate::abi::Libcall;
use crate::compiler::ops::atomic;
use crate::compiler::translate::FuncTranslator;
use cranelift_codegen::ir::AtomicRmwOp::{Add, And, Or, Sub, Xchg, Xor};
use cranelift_codegen::ir::types::{I8, I16, I32, I64};
use wasmparser::Operator as Op;

/// Translates one operator; whether it is one of the family.
#[rustfmt::skip]
pub(super) fn translate(t: &mut FuncTranslator<'_>, op: &Op<'_>) -> bool {
    match *op {
        Op::MemoryAtomicNotify { ref memarg } => atomic::notify(t, memarg),
        Op::MemoryAtomicWait32 { ref memarg } => atomic::wait(t, memarg, Libcall::memory_wait32),
        Op::MemoryAtomicWait64 { ref memarg } => atomic::wait(t, memarg, Libcall::memory_wait64),
        Op::AtomicFence { .. } => atomic::fence(t),
        Op::I32AtomicLoad { ref memarg } => atomic::load(t, memarg, I32, I32),
        Op::I64AtomicLoad { ref memarg } => atomic::load(t, memarg, I64, I64),
        Op::I32AtomicLoad8U { ref memarg } => atomic::load(t, memarg, I8, I32),
        Op::I32AtomicLoad16U { ref memarg } => atomic::load(t, memarg, I16, I32),
        Op::I64AtomicLoad8U { ref memarg } => atomic::load(t, memarg, I8, I64),
        Op::I64AtomicLoad16U { ref memarg } => atomic::load(t, memarg, I16, I64),
        Op::I64AtomicLoad32U { ref memarg } => atomic::load(t, memarg, I32, I64),
        Op::I32AtomicStore { ref memarg } => atomic::store(t, memarg, I32),
        Op::I64AtomicStore { ref memarg } => atomic::store(t, memarg, I64),
        Op::I32AtomicStore8 { ref memarg } => atomic::store(t, memarg, I8),
        Op::I32AtomicStore16 { ref memarg } => atomic::store(t, memarg, I16),
        Op::I64AtomicStore8 { ref memarg } => atomic::store(t, memarg, I8),
        Op::I64AtomicStore16 { ref memarg } => atomic::store(t, memarg, I16),
        Op::I64AtomicStore32 { ref memarg } => atomic::store(t, memarg, I32),
        Op::I32AtomicRmwAdd { ref memarg } => atomic::rmw(t, memarg, Add, I32, I32),
        Op::I64AtomicRmwAdd { ref memarg } => atomic::rmw(t, memarg, Add, I64, I64),
        Op::I32AtomicRmw8AddU { ref memarg } => atomic::rmw(t, memarg, Add, I8, I32),
        Op::I32AtomicRmw16AddU { ref memarg } => atomic::rmw(t, memarg, Add, I16, I32),
        Op::I64AtomicRmw8AddU { ref memarg } => atomic::rmw(t, memarg, Add, I8, I64),
        Op::I64AtomicRmw16AddU { ref memarg } => atomic::rmw(t, memarg, Add, I16, I64),
        Op::I64AtomicRmw32AddU { ref memarg } => atomic::rmw(t, memarg, Add, I32, I64),
        Op::I32AtomicRmwSub { ref memarg } => atomic::rmw(t, memarg, Sub, I32, I32),
        Op::I64AtomicRmwSub { ref memarg } => atomic::rmw(t, memarg, Sub, I64, I64),
        Op::I32AtomicRmw8SubU { ref memarg } => atomic::rmw(t, memarg, Sub, I8, I32),
        Op::I32AtomicRmw16SubU { ref memarg } => atomic::rmw(t, memarg, Sub, I16, I32),
        Op::I64AtomicRmw8SubU { ref memarg } => atomic::rmw(t, memarg, Sub, I8, I64),
        Op::I64AtomicRmw16SubU { ref memarg } => atomic::rmw(t, memarg, Sub, I16, I64),
        Op::I64AtomicRmw32SubU { ref memarg } => atomic::rmw(t, memarg, Sub, I32, I64),
        Op::I32AtomicRmwAnd { ref memarg } => atomic::rmw(t, memarg, And, I32, I32),
        Op::I64AtomicRmwAnd { ref memarg } => atomic::rmw(t, memarg, And, I64, I64),
        Op::I32AtomicRmw8AndU { ref memarg } => atomic::rmw(t, memarg, And, I8, I32),
        Op::I32AtomicRmw16AndU { ref memarg } => atomic::rmw(t, memarg, And, I16, I32),
        Op::I64AtomicRmw8AndU { ref memarg } => atomic::rmw(t, memarg, And, I8, I64),
        Op::I64AtomicRmw16AndU { ref memarg } => atomic::rmw(t, memarg, And, I16, I64),
        Op::I64AtomicRmw32AndU { ref memarg } => atomic::rmw(t, memarg, And, I32, I64),
        Op::I32AtomicRmwOr { ref memarg } => atomic::rmw(t, memarg, Or, I32, I32),
        Op::I64AtomicRmwOr { ref memarg } => atomic::rmw(t, memarg, Or, I64, I64),
        Op::I32AtomicRmw8OrU { ref memarg } => atomic::rmw(t, memarg, Or, I8, I32),
        Op::I32AtomicRmw16OrU { ref memarg } => atomic::rmw(t, memarg, Or, I16, I32),
        Op::I64AtomicRmw8OrU { ref memarg } => atomic::rmw(t, memarg, Or, I8, I64),
        Op::I64AtomicRmw16OrU { ref memarg } => atomic::rmw(t, memarg, Or, I16, I64),
        Op::I64AtomicRmw32OrU { ref memarg } => atomic::rmw(t, memarg, Or, I32, I64),
        Op::I32AtomicRmwXor { ref memarg } => atomic::rmw(t, memarg, Xor, I32, I32),
        Op::I64AtomicRmwXor { ref memarg } => atomic::rmw(t, memarg, Xor, I64, I64),
        Op::I32AtomicRmw8XorU { ref memarg } => atomic::rmw(t, memarg, Xor, I8, I32),
        Op::I32AtomicRmw16XorU { ref memarg } => atomic::rmw(t, memarg, Xor, I16, I32),
        Op::I64AtomicRmw8XorU { ref memarg } => atomic::rmw(t, memarg, Xor, I8, I64),
        Op::I64AtomicRmw16XorU { ref memarg } => atomic::rmw(t, memarg, Xor, I16, I64),
        Op::I64AtomicRmw32XorU { ref memarg } => atomic::rmw(t, memarg, Xor, I32, I64),
        Op::I32AtomicRmwXchg { ref memarg } => atomic::rmw(t, memarg, Xchg, I32, I32),
        Op::I64AtomicRmwXchg { ref memarg } => atomic::rmw(t, memarg, Xchg, I64, I64),
        Op::I32AtomicRmw8XchgU { ref memarg } => atomic::rmw(t, memarg, Xchg, I8, I32),
        Op::I32AtomicRmw16XchgU { ref memarg } => atomic::rmw(t, memarg, Xchg, I16, I32),
        Op::I64AtomicRmw8XchgU { ref memarg } => atomic::rmw(t, memarg, Xchg, I8, I64),
        Op::I64AtomicRmw16XchgU { ref memarg } => atomic::rmw(t, memarg, Xchg, I16, I64),
        Op::I64AtomicRmw32XchgU { ref memarg } => atomic::rmw(t, memarg, Xchg, I32, I64),
        Op::I32AtomicRmwCmpxchg { ref memarg } => atomic::cmpxchg(t, memarg, I32, I32),
        Op::I64AtomicRmwCmpxchg { ref memarg } => atomic::cmpxchg(t, memarg, I64, I64),
        Op::I32AtomicRmw8CmpxchgU { ref memarg } => atomic::cmpxchg(t, memarg, I8, I32),
        Op::I32AtomicRmw16CmpxchgU { ref memarg } => atomic::cmpxchg(t, memarg, I16, I32),
        Op::I64AtomicRmw8CmpxchgU { ref memarg } => atomic::cmpxchg(t, memarg, I8, I64),
        Op::I64AtomicRmw16CmpxchgU { ref memarg } => atomic::cmpxchg(t, memarg, I16, I64),
        Op::I64AtomicRmw32CmpxchgU { ref memarg } => atomic::cmpxchg(t, memarg, I32, I64),
        _ => return false,
    }
    true
}
