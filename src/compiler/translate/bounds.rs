//! Linear-memory addresses. This is the only file that forms one.
//!
//! An access touches the bytes `[i + o, i + o + s)` of a memory, where the index `i` is a value of the guest, the offset `o` is an
//! immediate, and the size `1 <= s <= 16` is the instruction's. It must trap if `i + o + s > length`, as natural numbers, and must never
//! touch a byte outside the memory, not even while speculating. Write `k = o + s`.
//!
//! By the memory's type, `i` and `o` are below `2^32`, and `i` is extended with zeros to 64 bits before anything is added to it; or both
//! are below `2^64`. An access whose `k` is `2^64` or more traps in any case.
//!
//! **Guard pages** (`CompileOptions::guard_pages`). The memory lies at the start of `R + G` bytes of address space that
//! belong to it alone, of which all but the first `length` are inaccessible: its room `R >= 2^32` ([`GUARDED_RESERVATION`]), which is known
//! at run time (`VMMemorySlot::room`), and `G` ([`GUARD_SIZE`]). An access that ends at or below `R + G` therefore either lies within the
//! memory or faults, and the signal handler makes a trap of the fault.
//!
//! - With 32-bit addresses, `i + k <= 2^32 - 1 + k`. So if `k <= G`, every index ends below `R + G`: no check. Otherwise
//!   `i > 2^32 + G - k` is checked. The constant is positive, for `k < 2^32 + 16 < 2^32 + G`.
//! - With 64-bit addresses and `k <= G`, the access is made at `min(i, R)` in place of `i`. What is below `R` is what it was; what is not
//!   becomes an access that ends at `R + k <= R + G` and begins at or above `R`, so that it faults. This takes no branch, a processor
//!   has nothing to speculate on, and Cranelift computes it once for all accesses at one index. Where the index is seen to be at
//!   most `b` with `b + k <= 2^32 + G`, being an extended 32-bit value, say, it stays as it is.
//! - With 64-bit addresses and `k > G`, there are explicit checks.
//!
//! Such an access keeps its trap code, so Cranelift neither removes it nor merges it with another at another place. The
//! base is constant while the instance lives: `src/vm/memory/linear.rs` never moves a reserved memory.
//!
//! **Explicit checks**, without guard pages and where they would not do: in memories whose length is no multiple of the host's page.
//! Nothing is known about what follows the memory, so the access is compared with the length before it
//! is made. A memory never shrinks, so `length >= m`, its declared minimum in bytes; and no length exceeds `2^63`. The comparison is
//! - none, if the index is a constant and `i + k <= m`;
//! - `i > length - k`, if `k <= m`: the subtraction cannot wrap;
//! - with 32-bit addresses `i + k > length` otherwise: the sum is below `2^34` and cannot wrap;
//! - with 64-bit addresses `length < k || i > length - k` otherwise: where the subtraction wraps, the first says so.
//!
//! The access itself cannot trap any more and says so. Base and length are loaded for each access, since a call can move the
//! memory; Cranelift merges those between which nothing is called. Where the comparison fails, the address is
//! replaced by null with a conditional move, so that a processor that speculates past the branch reads nothing of use.
//!
//! **Shared memories** never move either, in both modes, and other threads may make them longer at any time. Their bytes become accessible
//! before the length says so, and the length is loaded at most once for an access, so it can only be too short.
//!
//! In both modes instructions read and write exactly `s` bytes. What Cranelift folds into an instruction that reads more
//! than the load it folds would break the second mode; it folds 128-bit operands only from loads of 128 bits.

use crate::abi::{GUARD_SIZE, GUARDED_RESERVATION};
use crate::compiler::env::Region;
use crate::compiler::translate::{FuncTranslator, trap_code};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Value, ValueDef, types};
use cranelift_frontend::FunctionBuilder;
use wasmparser::{MemArg, MemArgTarget};

/// An address that has been checked, as far as it needs to be: the access must use these three and its declared size.
pub(crate) struct HeapAddr {
    pub addr: Value,
    pub offset: i32,
    pub flags: MemFlagsData,
}

/// The smallest pages whose accesses rely on guard pages: memories then end where pages of any host end.
const GUARDED_PAGE_SIZE: u64 = 1 << MemoryType::DEFAULT_PAGE_SIZE_LOG2;

/// An access that is to be made.
#[derive(Copy, Clone)]
struct Access {
    memory: MemoryIndex,
    ty: MemoryType,
    /// As wide as the memory's addresses.
    index: Value,
    offset: u64,
    /// The offset and the size.
    end: u64,
    flags: MemFlagsData,
}

/// The memory that an access is to.
pub(crate) fn memory_of(memarg: &MemArg) -> MemoryIndex {
    match memarg.target {
        MemArgTarget::Memory(memory) => MemoryIndex::from_u32(memory),
        MemArgTarget::Array(_) => unreachable!("validation refuses array targets"),
    }
}

/// The checked address of an access of `size` bytes at `index`.
pub(crate) fn heap_addr(t: &mut FuncTranslator<'_>, memarg: &MemArg, index: Value, size: u8) -> HeapAddr {
    let memory = memory_of(memarg);
    let ty = t.env.module.memories[memory];
    debug_assert!((1..=16).contains(&size) && (ty.index64 || memarg.offset < 1 << 32));
    let flags = t.env.flags(&mut t.builder, Region::Heap).with_endianness(Endianness::Little);
    // Linear memory is accessed at any alignment.
    let mut flags = MemFlagsData::new().with_endianness(Endianness::Little).with_alias_region(flags.alias_region());
    let guard_pages = t.env.options.guard_pages;
    flags = flags.with_trap_code(guard_pages.then(|| trap_code(TrapCode::MemoryOutOfBounds)));
    let offset = memarg.offset;
    let Some(end) = offset.checked_add(u64::from(size)) else { return nowhere(t, flags) };
    let access = Access { memory, ty, index, offset, end, flags };
    let guarded_by_pages = guard_pages && ty.page_size() >= GUARDED_PAGE_SIZE;
    match ty.index64 {
        false if guarded_by_pages => guarded(t, access),
        true if guarded_by_pages && end <= GUARD_SIZE => clamped(t, access),
        _ => checked(t, access),
    }
}

/// The address of an access that traps wherever it is: nothing has so many bytes.
fn nowhere(t: &mut FuncTranslator<'_>, flags: MemFlagsData) -> HeapAddr {
    let always = t.builder.ins().iconst(types::I8, 1);
    t.trapnz(always, TrapCode::MemoryOutOfBounds);
    let addr = t.builder.ins().iconst(types::I64, 0);
    HeapAddr { addr, offset: 0, flags }
}

/// With guard pages and 32-bit addresses.
fn guarded(t: &mut FuncTranslator<'_>, access: Access) -> HeapAddr {
    let Access { memory, index, offset, end, flags, .. } = access;
    let base = t.env.memory_base(&mut t.builder, memory);
    if let Some(constant) = constant_index(&t.builder, index)
        && let Ok(offset) = i32::try_from(constant + offset)
    {
        // Below 2^31, so the access ends below `R + G`.
        return HeapAddr { addr: base, offset, flags };
    }
    let index = t.builder.ins().uextend(types::I64, index);
    if end > GUARD_SIZE {
        let last = GUARDED_RESERVATION + GUARD_SIZE - end;
        let outside = t.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, index, last as i64);
        t.trapnz(outside, TrapCode::MemoryOutOfBounds);
    }
    let addr = t.builder.ins().iadd(base, index);
    add_offset(t, addr, offset, flags)
}

/// With guard pages and 64-bit addresses, at an offset that ends within the guard.
fn clamped(t: &mut FuncTranslator<'_>, access: Access) -> HeapAddr {
    let Access { memory, index, offset, end, flags, .. } = access;
    let base = t.env.memory_base(&mut t.builder, memory);
    let most = upper_bound(&t.builder, index, DEEPEST_BOUND);
    if most.checked_add(end).is_some_and(|end| end <= GUARDED_RESERVATION + GUARD_SIZE) {
        if let Some(constant) = constant_index(&t.builder, index)
            && let Ok(offset) = i32::try_from(constant + offset)
        {
            return HeapAddr { addr: base, offset, flags };
        }
        let addr = t.builder.ins().iadd(base, index);
        return add_offset(t, addr, offset, flags);
    }
    let room = t.env.memory_room(&mut t.builder, memory);
    let index = t.builder.ins().umin(index, room);
    let addr = t.builder.ins().iadd(base, index);
    add_offset(t, addr, offset, flags)
}

/// With explicit checks.
fn checked(t: &mut FuncTranslator<'_>, access: Access) -> HeapAddr {
    let Access { memory, ty, index, offset, end, flags } = access;
    let minimum = ty.min_bytes();
    if let Some(constant) = constant_index(&t.builder, index)
        && constant.checked_add(end).is_some_and(|end| end <= minimum)
    {
        let base = t.env.memory_base(&mut t.builder, memory);
        return match i32::try_from(constant + offset) {
            Ok(offset) => HeapAddr { addr: base, offset, flags },
            Err(_) => {
                let addr = t.builder.ins().iadd_imm_u(base, (constant + offset) as i64);
                HeapAddr { addr, offset: 0, flags }
            }
        };
    }
    let length = t.env.memory_length(&mut t.builder, memory);
    let index = if ty.index64 { index } else { t.builder.ins().uextend(types::I64, index) };
    let outside = if end <= minimum || ty.index64 {
        let last = t.builder.ins().iadd_imm_s(length, (end as i64).wrapping_neg());
        let beyond = t.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, last);
        if end <= minimum {
            beyond
        } else {
            let short = t.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, length, end as i64);
            t.builder.ins().bor(short, beyond)
        }
    } else {
        let end = t.builder.ins().iadd_imm_u(index, end as i64);
        t.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length)
    };
    t.trapnz(outside, TrapCode::MemoryOutOfBounds);
    let base = t.env.memory_base(&mut t.builder, memory);
    let addr = t.builder.ins().iadd(base, index);
    // The offset goes in before the selection: null plus an offset could be an address of interest.
    let addr = if offset == 0 { addr } else { t.builder.ins().iadd_imm_u(addr, offset as i64) };
    let null = t.builder.ins().iconst(types::I64, 0);
    let addr = t.builder.ins().select_spectre_guard(outside, null, addr);
    HeapAddr { addr, offset: 0, flags }
}

/// Puts the offset into the instruction where it fits.
fn add_offset(t: &mut FuncTranslator<'_>, addr: Value, offset: u64, flags: MemFlagsData) -> HeapAddr {
    match i32::try_from(offset) {
        Ok(offset) => HeapAddr { addr, offset, flags },
        Err(_) => HeapAddr { addr: t.builder.ins().iadd_imm_u(addr, offset as i64), offset: 0, flags },
    }
}

/// The instruction that gives a value, if one does.
fn inst_of<'a>(builder: &'a FunctionBuilder<'_>, value: Value) -> Option<&'a InstructionData> {
    let dfg = &builder.func.dfg;
    match dfg.value_def(dfg.resolve_aliases(value)) {
        ValueDef::Result(inst, 0) => Some(&dfg.insts[inst]),
        _ => None,
    }
}

/// The value of an index that is an `i32.const` or `i64.const`.
fn constant_index(builder: &FunctionBuilder<'_>, index: Value) -> Option<u64> {
    let Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, imm }) = inst_of(builder, index) else { return None };
    Some(match builder.func.dfg.value_type(index) {
        types::I32 => u64::from(imm.bits() as u32),
        _ => imm.bits() as u64,
    })
}

/// How far up the operands of an index [`upper_bound`] looks.
const DEEPEST_BOUND: u32 = 5;

/// A number that a value is at most, as far as the instructions tell that it comes from.
fn upper_bound(builder: &FunctionBuilder<'_>, value: Value, depth: u32) -> u64 {
    let of_type = u64::MAX >> (64 - builder.func.dfg.value_type(value).bits().min(64));
    let Some(inst) = inst_of(builder, value).filter(|_| depth > 0) else { return of_type };
    let bound = |value: Value| upper_bound(builder, value, depth - 1);
    let bound = match *inst {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => imm.bits() as u64 & of_type,
        InstructionData::Unary { opcode: Opcode::Uextend, arg } => bound(arg),
        InstructionData::Load { opcode: Opcode::Uload8, .. } => u8::MAX.into(),
        InstructionData::Load { opcode: Opcode::Uload16, .. } => u16::MAX.into(),
        InstructionData::Load { opcode: Opcode::Uload32, .. } => u32::MAX.into(),
        InstructionData::Binary { opcode: Opcode::Band, args: [x, y] } => bound(x).min(bound(y)),
        InstructionData::Binary { opcode: Opcode::Iadd, args: [x, y] } => bound(x).saturating_add(bound(y)),
        InstructionData::Binary { opcode: Opcode::Ishl, args: [x, y] } => match constant_index(builder, y) {
            // The instruction takes the amount modulo the bits of its type, of which each has 32 at least.
            Some(amount @ 0..32) => bound(x).saturating_mul(1 << amount),
            _ => of_type,
        },
        _ => of_type,
    };
    // A sum that is larger has wrapped.
    if bound <= of_type { bound } else { of_type }
}

/// The size of a memory in pages, as wide as its addresses.
pub(crate) fn memory_pages(t: &mut FuncTranslator<'_>, memory: MemoryIndex) -> Value {
    let ty = t.env.module.memories[memory];
    let length = match ty.shared {
        true => t.env.shared_memory_length(&mut t.builder, memory),
        false => t.env.memory_length(&mut t.builder, memory),
    };
    let pages = match ty.page_size_log2 {
        0 => length,
        log2 => t.builder.ins().ushr_imm_u(length, i64::from(log2)),
    };
    if ty.index64 { pages } else { t.builder.ins().ireduce(types::I32, pages) }
}
