//! Linear memories: where they start, and how long they are.

use super::{FuncEnv, Region, constant_flags};
use crate::abi::{VMMemory, VMMemorySlot};
use crate::compiler::OptLevel;
use crate::compiler::sig::POINTER;
use crate::types::MemoryIndex;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;
use std::mem::offset_of;

impl FuncEnv<'_> {
    /// Where linear memory `memory` starts. Only `src/compiler/translate/bounds.rs` may add to it.
    pub fn memory_base(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        if self.options.guard_pages {
            return self.memory_slot(builder, memory, offset_of!(VMMemorySlot, base));
        }
        let record = self.memory_record(builder, memory);
        let flags = self.flags(builder, Region::MemoryHeader);
        builder.ins().load(POINTER, flags, record, offset_of!(VMMemory, base) as i32)
    }

    /// The length of a memory in bytes.
    pub fn memory_length(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        let record = self.memory_record(builder, memory);
        let flags = self.flags(builder, Region::MemoryHeader);
        builder.ins().load(types::I64, flags, record, offset_of!(VMMemory, length) as i32)
    }

    /// The length of a shared memory in bytes, as it is at this place of the program: another thread may have changed it since the last.
    pub fn shared_memory_length(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        let record = self.memory_record(builder, memory);
        let flags = self.flags(builder, Region::MemoryHeader);
        let place = builder.ins().iadd_imm_u(record, offset_of!(VMMemory, length) as i64);
        builder.ins().atomic_load(types::I64, flags, place)
    }

    /// The bytes that are reserved for a memory in front of its guard, with guard pages.
    pub fn memory_room(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        let offset = self.layout.memory(memory) + offset_of!(VMMemorySlot, room) as i32;
        if self.options.opt_level == OptLevel::None {
            return builder.ins().load(types::I64, constant_flags(), self.vmctx, offset);
        }
        if let Some(value) = self.memory_rooms[memory].expand() {
            return value;
        }
        let value = self.hoisted_load(builder, self.vmctx, offset);
        self.memory_rooms[memory] = value.into();
        value
    }

    fn memory_record(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex) -> Value {
        if !self.options.guard_pages {
            return self.memory_slot(builder, memory, offset_of!(VMMemorySlot, memory));
        }
        let offset = self.layout.memory(memory) + offset_of!(VMMemorySlot, memory) as i32;
        builder.ins().load(POINTER, constant_flags(), self.vmctx, offset)
    }

    /// The field of a memory's slot that this mode works with.
    fn memory_slot(&mut self, builder: &mut FunctionBuilder<'_>, memory: MemoryIndex, field: usize) -> Value {
        if self.options.opt_level == OptLevel::None {
            let offset = self.layout.memory(memory) + field as i32;
            return builder.ins().load(POINTER, constant_flags(), self.vmctx, offset);
        }
        if let Some(value) = self.memories[memory].expand() {
            return value;
        }
        let value = self.hoisted_load(builder, self.vmctx, self.layout.memory(memory) + field as i32);
        self.memories[memory] = value.into();
        value
    }
}
