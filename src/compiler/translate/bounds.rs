//! Linear-memory addresses. This is the only file that forms one.
//!
//! An access touches the bytes `[i + o, i + o + s)` of a memory, where the index `i < 2^32` is a value of the guest, the
//! offset `o < 2^32` is an immediate, and the size `1 <= s <= 16` is the instruction's. It must trap if
//! `i + o + s > length`, and must never touch a byte outside the memory, not even while speculating.
//! Write `k = o + s`, so `1 <= k < 2^32 + 16`. The index is extended with zeros to 64 bits before anything is added to it.
//!
//! **Guard pages** (`CompileOptions::guard_pages`). The memory lies at the start of `R + G` bytes of address space that
//! belong to it alone: [`GUARDED_RESERVATION`] (`R = 2^32`) and [`GUARD_SIZE`] (`G`), of which all but the first `length`
//! are inaccessible. An access that ends at or below `R + G` therefore either lies within the memory or faults, and the
//! signal handler makes a trap of the fault. `i + k <= 2^32 - 1 + k`, so
//! - if `k <= G`, every index ends below `R + G`: no check;
//! - otherwise `i > R + G - k` is checked. The constant is positive, for `k < 2^32 + 16 = R + 16 < R + G`.
//!
//! Such an access keeps its trap code, so Cranelift neither removes it nor merges it with another at another place. The
//! base is constant while the instance lives: `src/vm/memory/linear.rs` never moves a reserved memory.
//!
//! **Explicit checks.** Nothing is known about what follows the memory, so the access is compared with the length before it
//! is made. A memory never shrinks, so `length >= m`, its declared minimum in bytes. The comparison is
//! - none, if the index is a constant and `i + k <= m`;
//! - `i > length - k`, if `k <= m`: the subtraction cannot wrap;
//! - `i + k > length` otherwise: the sum is below `2^34` and cannot wrap.
//!
//! The access itself cannot trap any more and says so. Base and length are loaded for each access, since a call can move the
//! memory; Cranelift merges those between which nothing is called. Where the comparison fails, the address is
//! replaced by null with a conditional move, so that a processor that speculates past the branch reads nothing of use.
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

/// The checked address of an access of `size` bytes at the 32-bit `index`.
pub(crate) fn heap_addr(t: &mut FuncTranslator<'_>, memarg: &MemArg, index: Value, size: u8) -> HeapAddr {
    let memory = match memarg.target {
        MemArgTarget::Memory(memory) => MemoryIndex::from_u32(memory),
        MemArgTarget::Array(_) => unreachable!("validation refuses array targets"),
    };
    debug_assert!(!t.env.module.memories[memory].index64 && (1..=16).contains(&size) && memarg.offset < 1 << 32);
    let flags = t.env.flags(&mut t.builder, Region::Heap).with_endianness(Endianness::Little);
    if t.env.options.guard_pages {
        guarded(t, memory, index, memarg.offset, size, flags)
    } else {
        checked(t, memory, index, memarg.offset, size, flags)
    }
}

fn guarded(
    t: &mut FuncTranslator<'_>,
    memory: MemoryIndex,
    index: Value,
    offset: u64,
    size: u8,
    flags: MemFlagsData,
) -> HeapAddr {
    // Linear memory is accessed at any alignment, and an access out of bounds traps.
    let flags = unaligned(flags).with_trap_code(Some(trap_code(TrapCode::MemoryOutOfBounds)));
    let end = offset + u64::from(size);
    let base = t.env.memory_base(&mut t.builder, memory);
    if let Some(constant) = constant_index(&t.builder, index)
        && let Ok(offset) = i32::try_from(u64::from(constant) + offset)
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

fn checked(
    t: &mut FuncTranslator<'_>,
    memory: MemoryIndex,
    index: Value,
    offset: u64,
    size: u8,
    flags: MemFlagsData,
) -> HeapAddr {
    let flags = unaligned(flags).with_trap_code(None);
    let end = offset + u64::from(size);
    let minimum = t.env.module.memories[memory].limits.min.saturating_mul(MemoryType::PAGE_SIZE);
    if let Some(constant) = constant_index(&t.builder, index)
        && u64::from(constant) + end <= minimum
    {
        let base = t.env.memory_base(&mut t.builder, memory);
        return match i32::try_from(u64::from(constant) + offset) {
            Ok(offset) => HeapAddr { addr: base, offset, flags },
            Err(_) => {
                let addr = t.builder.ins().iadd_imm_u(base, (u64::from(constant) + offset) as i64);
                HeapAddr { addr, offset: 0, flags }
            }
        };
    }
    let length = t.env.memory_length(&mut t.builder, memory);
    let index = t.builder.ins().uextend(types::I64, index);
    let outside = if end <= minimum {
        let last = t.builder.ins().iadd_imm_s(length, -(end as i64));
        t.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, last)
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

fn unaligned(flags: MemFlagsData) -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little).with_alias_region(flags.alias_region())
}

/// The value of an index that is an `i32.const`.
fn constant_index(builder: &FunctionBuilder<'_>, index: Value) -> Option<u32> {
    let dfg = &builder.func.dfg;
    match dfg.value_def(dfg.resolve_aliases(index)) {
        ValueDef::Result(inst, 0) => match dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits() as u32),
            _ => None,
        },
        _ => None,
    }
}

/// The size of a memory in pages.
pub(crate) fn memory_pages(t: &mut FuncTranslator<'_>, memory: MemoryIndex) -> Value {
    let length = t.env.memory_length(&mut t.builder, memory);
    let pages = t.builder.ins().ushr_imm_u(length, MemoryType::PAGE_SIZE.trailing_zeros() as i64);
    t.builder.ins().ireduce(types::I32, pages)
}
