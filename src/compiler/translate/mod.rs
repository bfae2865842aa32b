//! The translation of one function body into Cranelift IR: the state every operator works on, and the loop that
//! validates and translates operator by operator.
//!
//! Invariant: an operator is translated only after the validator accepted it, so operands, labels and indices are there
//! and have the right types. `src/compiler/dispatch` calls into `ops/`, and those call the methods here.

pub mod bounds;
pub mod stack;
mod traps;

pub(crate) use traps::trap_code;

use crate::abi::{Libcall, VMContext, VMContextLayout, VMStoreContext};
use crate::compiler::complexity::Budget;
use crate::compiler::env::FuncEnv;
use crate::compiler::isa::Extensions;
use crate::compiler::sig::{self, POINTER};
use crate::compiler::trampoline::leave_by_raise;
use crate::compiler::translate::stack::{BlockSig, ControlFrame, ControlStack, FrameKind, OperandStack};
use crate::compiler::{CompileOptions, dispatch};
use crate::module::{self, Module};
use crate::types::*;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, Endianness, Function, Inst, InstBuilder, MemFlagsData, Opcode, SourceLoc, StackSlotData, StackSlotKey,
    StackSlotKind, Type, Value, types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use std::mem::offset_of;
use std::ops::Range;
use wasmparser::{BinaryReaderError, FuncValidator, FunctionBody, MemArg, Operator as Op, ValidatorResources};

/// The key of the frame slot that holds the vmctx.
pub(crate) const VMCTX_SLOT: u64 = 1;

/// The most values of a function that calls nothing and needs no check of the stack: their frame fits, many times over,
/// into what lies below the limit for the host's own functions. Such a frame is always the innermost.
const SMALL_LEAF: usize = 200;

/// Where and for what a body is compiled.
#[derive(Copy, Clone)]
pub(crate) struct FuncContext<'a> {
    pub module: &'a Module,
    pub layout: &'a VMContextLayout,
    pub options: CompileOptions,
    pub extensions: Extensions,
    pub config: TargetFrontendConfig,
}

/// The state of a translation.
pub(crate) struct FuncTranslator<'a> {
    pub builder: FunctionBuilder<'a>,
    pub stack: OperandStack,
    pub env: FuncEnv<'a>,
    pub control: ControlStack<'a>,
    pub budget: Budget,
    /// The type of the topmost operand of the operator being translated, if that is a cast or a test and the operand has one.
    pub tested: Option<wasmparser::RefType>,
    /// The calls that raise a trap, in the order they were made.
    raises: Vec<Inst>,
    /// Whether references were operands.
    has_references: bool,
    /// The references that are known, some of them more than once.
    references: Vec<Value>,
    /// For each local, whether it is a reference.
    reference_locals: Vec<bool>,
    vmctx_slot: Option<ir::StackSlot>,
    /// Where the function begins again when it calls itself in tail position; `None` if no function calls it so.
    again: Option<Again>,
}

/// The beginning of a function behind its prologue: a tail call by itself is a jump there.
pub(crate) struct Again {
    func: FuncIndex,
    block: ir::Block,
    locals: Locals,
}

/// The locals of a function that are no parameters: runs of one type.
type Locals = Vec<(Range<u32>, ValType)>;

/// The error for what the decoder or the validator refuses.
#[cold]
pub(crate) fn invalid(error: BinaryReaderError) -> Error {
    Error::invalid(error.message(), error.offset() as usize)
}

impl<'a> FuncTranslator<'a> {
    pub fn pop(&mut self) -> Value {
        self.stack.pop()
    }

    /// The two topmost operands, in the order they were pushed.
    pub fn pop2(&mut self) -> (Value, Value) {
        let second = self.stack.pop();
        (self.stack.pop(), second)
    }

    pub fn push(&mut self, value: Value) {
        debug_assert!(!self.builder.func.dfg.value_type(value).is_vector() || self.value_type(value) == types::I8X16);
        self.stack.push(value);
    }

    /// Pushes a reference, which the collector must find while it lives across a call.
    pub fn push_ref(&mut self, value: Value) {
        self.has_references = true;
        self.declare_ref(value);
        self.stack.push(value);
    }

    /// Declares that a value is a reference, which the collector must find while it lives across a call.
    pub fn declare_ref(&mut self, value: Value) {
        self.builder.declare_value_needs_stack_map(value);
        self.references.push(value);
    }

    /// Pops a v128 as lanes of `ty`.
    pub fn pop_v128(&mut self, ty: Type) -> Value {
        let value = self.stack.pop();
        self.v128_as(value, ty)
    }

    /// Pops two v128 as lanes of `ty`, in the order they were pushed.
    pub fn pop2_v128(&mut self, ty: Type) -> (Value, Value) {
        let (first, second) = self.pop2();
        (self.v128_as(first, ty), self.v128_as(second, ty))
    }

    /// Pushes a v128 of any lanes.
    pub fn push_v128(&mut self, value: Value) {
        let value = self.v128_as(value, types::I8X16);
        self.stack.push(value);
    }

    fn v128_as(&mut self, value: Value, ty: Type) -> Value {
        if self.value_type(value) == ty {
            return value;
        }
        self.builder.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    pub fn value_type(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// Whether faults become traps by signal. When not, everything that could fault is checked before.
    pub fn signals(&self) -> bool {
        self.env.options.signals
    }

    /// Whether results are the same on every processor.
    pub fn is_deterministic(&self) -> bool {
        self.env.options.deterministic
    }

    /// Calls a libcall with this function's vmctx and `args`; its result if it has one.
    pub fn libcall(&mut self, libcall: Libcall, args: &[Value]) -> Option<Value> {
        let call = self.call_libcall(libcall, args);
        self.builder.inst_results(call).first().copied()
    }

    /// Notes that the next use of a local is in the current block.
    pub fn use_local(&mut self, local: u32) {
        if let Some(block) = self.builder.current_block() {
            self.budget.use_local(local, block);
        }
    }

    /// Notes what a local is where it is read.
    pub fn note_local(&mut self, local: u32, value: Value) {
        if self.reference_locals[local as usize] {
            self.references.push(value);
        }
    }

    /// Notes that a call comes next, for which references that live must be found by the collector.
    pub fn note_call(&mut self) {
        let operands = if self.has_references { self.stack.len() } else { 0 };
        self.budget.call(operands + self.control.caught());
    }

    fn call_libcall(&mut self, libcall: Libcall, args: &[Value]) -> Inst {
        self.note_call();
        let sig = self.env.libcall_sig(&mut self.builder, libcall);
        let entry = self.env.libcall_entry(&mut self.builder, libcall);
        let mut all = [self.env.vmctx; 7];
        all[1..=args.len()].copy_from_slice(args);
        self.builder.ins().call_indirect(sig, entry, &all[..=args.len()])
    }

    /// Pops an index and gives the checked address of an access of `size` bytes: address, offset and flags, which the
    /// access must use together.
    pub fn heap_addr(&mut self, memarg: &MemArg, size: u8) -> (Value, i32, MemFlagsData) {
        let index = self.pop();
        let bounds::HeapAddr { addr, offset, flags } = bounds::heap_addr(self, memarg, index, size);
        (addr, offset, flags)
    }

    /// Pops an index and loads a value of type `access`, which has `size` bytes.
    pub fn load(&mut self, memarg: &MemArg, access: Type, size: u8) -> Value {
        debug_assert_eq!(access.bytes(), u32::from(size));
        let (addr, offset, flags) = self.heap_addr(memarg, size);
        self.builder.ins().load(access, flags, addr, offset)
    }

    /// Pops an index and loads `size` bytes with one of the extending loads (`Uload8`, `Sload16`, ...) into a value of type
    /// `ty`. For the vector loads (`Uload8x8`, ...) `ty` is the type of the address.
    pub fn load_ext(&mut self, memarg: &MemArg, opcode: Opcode, ty: Type, size: u8) -> Value {
        let (addr, offset, flags) = self.heap_addr(memarg, size);
        let flags = self.builder.func.dfg.mem_flags.insert_unchecked(flags);
        let (inst, dfg) = self.builder.ins().Load(opcode, ty, flags, offset.into(), addr);
        dfg.first_result(inst)
    }

    /// Pops an index and stores the low `size` bytes of `value`, which the caller has popped.
    pub fn store(&mut self, memarg: &MemArg, value: Value, size: u8) {
        let (addr, offset, flags) = self.heap_addr(memarg, size);
        let ty = self.value_type(value);
        if ty.bytes() == u32::from(size) {
            self.builder.ins().store(flags, value, addr, offset);
            return;
        }
        match size {
            1 => self.builder.ins().istore8(flags, value, addr, offset),
            2 => self.builder.ins().istore16(flags, value, addr, offset),
            _ => self.builder.ins().istore32(flags, value, addr, offset),
        };
    }
}

/// Translates `body` into `func`, validating as it goes.
pub(crate) fn translate<'a>(
    func: &'a mut Function,
    func_ctx: &'a mut FunctionBuilderContext,
    context: FuncContext<'a>,
    index: FuncIndex,
    body: &FunctionBody<'_>,
    validator: &mut FuncValidator<ValidatorResources>,
) -> Result<()> {
    let ty = context.module.func_type(index);
    func.signature = sig::wasm(ty);
    let mut builder = FunctionBuilder::new(func, func_ctx);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    builder.ensure_inserted_block();
    let vmctx = builder.block_params(entry)[0];
    let env = FuncEnv::new(context.module, context.layout, context.options, context.extensions, entry, vmctx);
    let (stack, control) = (OperandStack::default(), ControlStack::default());
    let mut t = FuncTranslator {
        builder,
        stack,
        env,
        control,
        budget: Budget::new(body.as_bytes().len()),
        tested: None,
        raises: Vec::new(),
        has_references: false,
        references: Vec::new(),
        reference_locals: Vec::new(),
        vmctx_slot: None,
        again: None,
    };
    t.check_stack();
    let locals = t.declare_locals(ty, body, validator)?;
    if context.module.is_tail_called(index) {
        t.begin_again_here(index, locals);
    }
    t.enter(ty);
    t.translate_operators(body, validator)?;
    if let Some(again) = t.again.take() {
        t.builder.seal_block(again.block);
    }
    if context.options.signals {
        let exits = t.exits();
        if exits.calls || exits.faults && !only_called_directly(context.module, index) {
            t.store_vmctx_at_entry();
        }
        if !exits.calls && t.builder.func.dfg.num_values() <= SMALL_LEAF {
            t.builder.func.stack_limit = None;
        }
    }
    t.budget.check_references(t.builder.func, &t.references)?;
    t.builder.finalize(context.config);
    Ok(())
}

/// Whether only functions of the same instance call the function, so that its vmctx is its caller's. A tail call puts another caller in
/// the place of one that has gone.
fn only_called_directly(module: &Module, func: FuncIndex) -> bool {
    module.func_ref_slots.get(func).is_none() && module.start != Some(func) && !module.is_tail_called(func)
}

impl<'a> FuncTranslator<'a> {
    /// Traps if the frame would not fit on the stack, and stores the vmctx in the frame.
    ///
    /// With signals, Cranelift makes the check in the prologue, for exactly the size of the frame and only if there is one;
    /// [`translate`] takes it back for a small function that calls nothing.
    /// Without, it is made here, after the frame was allocated but before it was touched.
    fn check_stack(&mut self) {
        if self.signals() {
            let vmctx = self.builder.create_global_value(ir::GlobalValueData::VMContext);
            let flags = self.builder.func.dfg.mem_flags.insert_unchecked(MemFlagsData::trusted());
            let mut load = |base, offset: usize| {
                let offset = (offset as i32).into();
                self.builder.create_global_value(ir::GlobalValueData::Load {
                    base,
                    offset,
                    global_type: POINTER,
                    flags,
                })
            };
            let store = load(vmctx, offset_of!(VMContext, store));
            let limit = load(store, offset_of!(VMStoreContext, stack_limit));
            self.builder.func.stack_limit = Some(limit);
            return;
        }
        let (overflow, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(overflow);
        let flags = crate::compiler::env::constant_flags();
        let store = self.builder.ins().load(POINTER, flags, self.env.vmctx, offset_of!(VMContext, store) as i32);
        let offset = offset_of!(VMStoreContext, stack_limit) as i32;
        let limit = self.builder.ins().load(POINTER, MemFlagsData::trusted(), store, offset);
        let pointer = self.builder.ins().get_stack_pointer(POINTER);
        let below = self.builder.ins().icmp(IntCC::UnsignedLessThan, pointer, limit);
        self.builder.ins().brif(below, overflow, &[], next, &[]);
        self.builder.seal_block(overflow);
        self.builder.seal_block(next);
        self.builder.switch_to_block(overflow);
        let table = self.builder.ins().load(POINTER, flags, self.env.vmctx, offset_of!(VMContext, libcalls) as i32);
        leave_by_raise(&mut self.builder, table, self.env.vmctx);
        self.builder.switch_to_block(next);
        let slot = self.vmctx_slot();
        self.builder.ins().stack_store(POINTER, self.env.vmctx, slot, 0);
    }

    /// The slot of the frame that holds the vmctx, in every function that calls.
    pub fn vmctx_slot(&mut self) -> ir::StackSlot {
        if let Some(slot) = self.vmctx_slot {
            return slot;
        }
        let key = StackSlotKey::new(VMCTX_SLOT);
        // Twice as long as a pointer: Cranelift puts spilled values behind the slots, and vectors want an address there
        // that is a multiple of 16.
        let data = StackSlotData::new_with_key(StackSlotKind::ExplicitSlot, 2 * POINTER.bytes(), 4, key);
        *self.vmctx_slot.insert(self.builder.create_sized_stack_slot(data))
    }

    fn store_vmctx_at_entry(&mut self) {
        let slot = self.vmctx_slot();
        let entry = self.builder.func.layout.entry_block().expect("the entry block was inserted");
        let mut cursor = FuncCursor::new(self.builder.func);
        cursor.goto_first_insertion_point(entry);
        cursor.ins().stack_store(POINTER, self.env.vmctx, slot, 0);
    }

    /// Lets the function begin again here, in a block of its own.
    fn begin_again_here(&mut self, func: FuncIndex, locals: Locals) {
        let block = self.builder.create_block();
        self.builder.ins().jump(block, &[]);
        self.builder.switch_to_block(block);
        self.again = Some(Again { func, block, locals });
    }

    /// A tail call by itself, with the operands as the parameters; false if `func` is another function.
    pub fn call_again(&mut self, func: FuncIndex) -> bool {
        let Some(again) = self.again.take_if(|again| again.func == func) else { return false };
        let count = self.env.module.func_type(func).params.len();
        for param in (0..count as u32).rev() {
            self.use_local(param);
            let value = self.pop();
            self.builder.def_var(Variable::from_u32(param), value);
        }
        for (run, ty) in &again.locals {
            let zero = self.zero(*ty);
            run.clone().for_each(|local| self.builder.def_var(Variable::from_u32(local), zero));
        }
        self.builder.ins().jump(again.block, &[]);
        self.control.unreachable = true;
        self.again = Some(again);
        true
    }

    /// Declares parameters and locals as variables, numbered as in the module, and sets the locals to zero. Gives the locals.
    fn declare_locals(
        &mut self,
        ty: &FuncType,
        body: &FunctionBody<'_>,
        validator: &mut FuncValidator<ValidatorResources>,
    ) -> Result<Locals> {
        let entry = self.builder.current_block().expect("the function has a block");
        let entry = self.builder.func.layout.entry_block().unwrap_or(entry);
        for (i, &ty) in ty.params.iter().enumerate() {
            let var = self.declare_local(ty);
            let value = self.builder.block_params(entry)[i + 1];
            self.builder.def_var(var, value);
        }
        let mut locals = Vec::new();
        let mut reader = body.get_locals_reader().map_err(invalid)?;
        for _ in 0..reader.get_count() {
            let offset = reader.original_position();
            let (count, ty) = reader.read().map_err(invalid)?;
            validator.define_locals(offset, count, ty).map_err(invalid)?;
            let ty = module::val_type(self.env.module, ty)?;
            let zero = self.zero(ty);
            let first = validator.len_locals() - count;
            for _ in 0..count {
                let var = self.declare_local(ty);
                self.builder.def_var(var, zero);
            }
            locals.push((first..first + count, ty));
        }
        Ok(locals)
    }

    fn declare_local(&mut self, ty: ValType) -> Variable {
        self.budget.declare_local(ty.is_ref());
        self.reference_locals.push(ty.is_ref());
        let var = self.builder.declare_var(sig::value_type(ty));
        if ty.is_ref() {
            self.builder.declare_var_needs_stack_map(var);
        }
        var
    }

    /// The value that locals of type `ty` start with.
    pub fn zero(&mut self, ty: ValType) -> Value {
        match ty {
            ValType::F32 => self.builder.ins().f32const(0.0),
            ValType::F64 => self.builder.ins().f64const(0.0),
            ValType::V128 => {
                let zero = self.builder.func.dfg.constants.insert([0; 16].as_slice().into());
                self.builder.ins().vconst(types::I8X16, zero)
            }
            ValType::I32 | ValType::I64 | ValType::Ref(_) => self.builder.ins().iconst(sig::value_type(ty), 0),
        }
    }

    /// Opens the frame of the function's body.
    fn enter(&mut self, ty: &'a FuncType) {
        let next = self.block_with_params(&ty.results);
        self.control.push(ControlFrame {
            kind: FrameKind::Block,
            sig: BlockSig::Func(ty),
            next,
            height: 0,
            next_reached: false,
        });
    }

    /// A block whose parameters are values of these types.
    pub fn block_with_params(&mut self, types: &[ValType]) -> ir::Block {
        let block = self.builder.create_block();
        for &ty in types {
            let value = self.builder.append_block_param(block, sig::value_type(ty));
            if ty.is_ref() {
                self.declare_ref(value);
            }
        }
        block
    }

    fn translate_operators(
        &mut self,
        body: &FunctionBody<'_>,
        validator: &mut FuncValidator<ValidatorResources>,
    ) -> Result<()> {
        let mut reader = body.get_operators_reader().map_err(invalid)?;
        while !reader.eof() {
            let (op, offset) = reader.read_with_offset().map_err(invalid)?;
            self.tested = match op {
                Op::RefTestNonNull { .. }
                | Op::RefTestNullable { .. }
                | Op::RefCastNonNull { .. }
                | Op::RefCastNullable { .. } => {
                    validator.get_operand_type(0).flatten().and_then(|ty| ty.as_reference_type())
                }
                Op::BrOnCast { from_ref_type, .. } | Op::BrOnCastFail { from_ref_type, .. } => Some(from_ref_type),
                _ => None,
            };
            validator.op(offset, &op).map_err(invalid)?;
            self.builder.set_srcloc(SourceLoc::new(offset as u32));
            dispatch::translate(self, &op)?;
            self.budget.check(self.builder.func)?;
        }
        reader.finish().map_err(invalid)
    }
}
