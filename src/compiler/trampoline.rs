//! The two trampolines of a signature, between the `tail` convention of WebAssembly and C.
//!
//! - host→wasm: `extern "C" fn(callee_vmctx, entry, args: *const Slot, results: *mut Slot) -> u32` reads the arguments, calls
//!   `entry`, writes the results and returns 0. Nothing is written when the call traps, and nothing is called, and
//!   [`WRONG_KIND`] returned, when an argument's kind is not that of its parameter.
//! - wasm→host: `tail fn(host vmctx, params...) -> results` records where it was called from, puts the parameters into an
//!   array on its stack, calls the host, and reads the results.
//!
//! A signature is *numeric-only* when it is made of i32, i64, f32 and f64 only. Then a slot is a `wasm_val_t`: kind at 0, value at 8,
//! and the wasm→host trampoline calls the C callback itself. Otherwise a slot is 16 raw bytes with the value at 0, and Rust
//! converts. Trampolines trap by libcall only, in both modes; the context they pass is the host function's, so the table comes
//! from the store.

use crate::abi::{
    Activation, LENT_OFFSET, Libcall, LibcallTable, RAW_SLOT, VAL, VAL_OF, VAL_VEC, VAL_VEC_DATA, VMHostContext,
    VMStoreContext, numeric_kind,
};
use crate::compiler::sig::{self, POINTER, value_type};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, Function, InstBuilder, MemFlagsData, Signature, StackSlot, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::mem::offset_of;

/// What a host→wasm trampoline returns when an argument is of another kind than its parameter.
pub const WRONG_KIND: u32 = 2;

/// The size of a slot of either form.
const SLOT: usize = VAL;
const _: () = assert!(VAL == RAW_SLOT);
/// Trampolines whose frame holds more than this check the stack; smaller ones live on what the limit leaves to the host.
const UNCHECKED_FRAME: usize = 4096;

/// Whether values of the signature cross the boundary as `wasm_val_t`, without a conversion.
pub fn is_numeric(ty: &FuncType) -> bool {
    ty.params.iter().chain(&ty.results).all(|&ty| numeric_kind(ty).is_some())
}

/// Where a slot of this signature holds its value.
fn value_offset(numeric: bool) -> usize {
    if numeric { VAL_OF } else { 0 }
}

/// Flags for slots: whoever made them need not have aligned them to 16 bytes.
fn slot_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// The trampoline under construction.
struct Trampoline<'a> {
    builder: FunctionBuilder<'a>,
    numeric: bool,
}

impl Trampoline<'_> {
    /// Begins the function; the values are its parameters.
    fn begin<'a>(
        func: &'a mut Function,
        func_ctx: &'a mut FunctionBuilderContext,
        signature: Signature,
        ty: &FuncType,
    ) -> (Trampoline<'a>, Vec<Value>) {
        func.signature = signature;
        let mut builder = FunctionBuilder::new(func, func_ctx);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let params = builder.block_params(entry).to_vec();
        (Trampoline { builder, numeric: is_numeric(ty) }, params)
    }

    fn load(&mut self, ty: Type, base: Value, offset: usize) -> Value {
        self.builder.ins().load(ty, MemFlagsData::trusted(), base, offset as i32)
    }

    fn store(&mut self, value: Value, base: Value, offset: usize) {
        self.builder.ins().store(MemFlagsData::trusted(), value, base, offset as i32);
    }

    /// Reads values out of the slots from `base + offset` on.
    fn read_slots(&mut self, types: &[ValType], base: Value, offset: usize) -> Vec<Value> {
        let offset = offset + value_offset(self.numeric);
        let read = |(i, &ty): (usize, &ValType)| {
            self.builder.ins().load(value_type(ty), slot_flags(), base, (offset + i * SLOT) as i32)
        };
        types.iter().enumerate().map(read).collect()
    }

    /// Writes values into the slots from `base + offset` on, and their kinds where slots have them. Integers of 32 bits and
    /// references into the heap are extended with zeros.
    fn write_slots(&mut self, types: &[ValType], values: &[Value], base: Value, offset: usize) {
        for (i, (&ty, &value)) in types.iter().zip(values).enumerate() {
            let offset = offset + i * SLOT;
            self.write_kind(ty, base, offset);
            let value = match value_type(ty) {
                types::I32 => self.builder.ins().uextend(types::I64, value),
                _ => value,
            };
            self.builder.ins().store(slot_flags(), value, base, (offset + value_offset(self.numeric)) as i32);
        }
    }

    /// Writes a slot's kind and the padding behind it.
    fn write_kind(&mut self, ty: ValType, base: Value, offset: usize) {
        if let (true, Some(kind)) = (self.numeric, numeric_kind(ty)) {
            let kind = self.builder.ins().iconst(types::I64, i64::from(kind));
            self.builder.ins().store(slot_flags(), kind, base, offset as i32);
        }
    }

    /// Not zero if a slot from `base + offset` on has another kind than its type; nothing if there is no slot.
    fn other_kinds(&mut self, types: &[ValType], base: Value, offset: usize) -> Option<Value> {
        let mut wrong = None;
        for (i, &ty) in types.iter().enumerate() {
            let given = self.builder.ins().uload8(types::I64, slot_flags(), base, (offset + i * SLOT) as i32);
            let wanted = i64::from(numeric_kind(ty).expect("the signature is numeric-only"));
            let differs = self.builder.ins().bxor_imm_u(given, wanted);
            wrong = Some(match wrong {
                Some(wrong) => self.builder.ins().bor(wrong, differs),
                None => differs,
            });
        }
        wrong
    }

    /// Not zero if a callback gave a trap, or something else than a value of each type in the vector and the place that it was lent.
    /// The vector is the second one at `base`, and the place at `base + place`.
    fn unusual_outcome(&mut self, results: &[ValType], trap: Value, base: Value, place: usize) -> Value {
        let size = self.load(types::I64, base, VAL_VEC);
        let other_size = self.builder.ins().bxor_imm_u(size, results.len() as i64);
        let mut unusual = self.builder.ins().bor(trap, other_size);
        if let Some(wrong) = self.other_kinds(results, base, place) {
            let data = self.load(POINTER, base, VAL_VEC + VAL_VEC_DATA);
            // Without the place itself, which would be in a register across the call.
            let distance = self.builder.ins().isub(data, base);
            let other_data = self.builder.ins().bxor_imm_u(distance, place as i64);
            unusual = self.builder.ins().bor(unusual, other_data);
            unusual = self.builder.ins().bor(unusual, wrong);
        }
        unusual
    }

    /// Room in the frame, at an address that 16 divides.
    fn stack_slot(&mut self, size: usize) -> StackSlot {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size as u32, 4);
        self.builder.create_sized_stack_slot(data)
    }

    fn stack_addr(&mut self, slot: StackSlot, offset: usize) -> Value {
        self.builder.ins().stack_addr(POINTER, slot, offset as i32)
    }

    /// Calls an entry of the store's libcall table.
    fn libcall(&mut self, store: Value, entry: usize, signature: Signature, args: &[Value]) {
        let table = self.load(POINTER, store, offset_of!(VMStoreContext, libcalls));
        let entry = self.load(POINTER, table, entry);
        let sig = self.builder.import_signature(signature);
        self.builder.ins().call_indirect(sig, entry, args);
    }

    /// Branches to a cold block, which becomes the current one, if `cond` is not zero; the block to go on in otherwise, for
    /// [`Trampoline::resume`].
    fn cold_branch(&mut self, cond: Value) -> Block {
        let (cold, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(cond, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.switch_to_block(cold);
        next
    }

    /// Goes on in a block that nothing else branches to.
    fn resume(&mut self, next: Block) {
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }
}

/// Builds the host→wasm trampoline of `ty`.
pub(super) fn host_to_wasm(
    func: &mut Function,
    func_ctx: &mut FunctionBuilderContext,
    config: TargetFrontendConfig,
    ty: &FuncType,
) {
    let signature = sig::c(&[POINTER; 4], &[types::I32]);
    let (mut t, params) = Trampoline::begin(func, func_ctx, signature, ty);
    let [vmctx, entry, args, results] = params[..] else { unreachable!("the signature has four parameters") };
    if t.numeric
        && let Some(wrong) = t.other_kinds(&ty.params, args, 0)
    {
        let next = t.cold_branch(wrong);
        let refused = t.builder.ins().iconst(types::I32, i64::from(WRONG_KIND));
        t.builder.ins().return_(&[refused]);
        t.resume(next);
    }
    let mut values = vec![vmctx];
    values.extend(t.read_slots(&ty.params, args, 0));
    let sig = t.builder.import_signature(sig::wasm(ty));
    let call = t.builder.ins().call_indirect(sig, entry, &values);
    let values = t.builder.inst_results(call).to_vec();
    t.write_slots(&ty.results, &values, results, 0);
    let done = t.builder.ins().iconst(types::I32, 0);
    t.builder.ins().return_(&[done]);
    t.builder.finalize(config);
}

/// Builds the wasm→host trampoline of `ty`.
pub(super) fn wasm_to_host(
    func: &mut Function,
    func_ctx: &mut FunctionBuilderContext,
    config: TargetFrontendConfig,
    ty: &FuncType,
) {
    let (mut t, params) = Trampoline::begin(func, func_ctx, sig::wasm(ty), ty);
    let (vmctx, params) = (params[0], &params[1..]);
    let store = t.load(POINTER, vmctx, offset_of!(VMHostContext, store));
    let vals = ty.params.len() + ty.results.len();
    let slots = if t.numeric { vals } else { ty.params.len().max(ty.results.len()) + vals };
    if slots * SLOT > UNCHECKED_FRAME {
        check_stack(&mut t, store, vmctx);
    }
    let activation = record_exit(&mut t, store, vmctx);
    let results = if t.numeric {
        call_back(&mut t, vmctx, activation, ty, params)
    } else {
        let slot = t.stack_slot(slots * SLOT + LENT_OFFSET);
        let base = t.stack_addr(slot, 0);
        t.write_slots(&ty.params, params, base, 0);
        let entry = offset_of!(LibcallTable, host_call);
        t.libcall(store, entry, sig::c(&[POINTER; 2], &[]), &[vmctx, base]);
        t.read_slots(&ty.results, base, 0)
    };
    t.builder.ins().return_(&results);
    t.builder.finalize(config);
}

/// Records the trampoline's frame, where a trace of what called it begins. Gives the activation that it is recorded in.
fn record_exit(t: &mut Trampoline<'_>, store: Value, vmctx: Value) -> Value {
    let activation = t.load(POINTER, store, offset_of!(VMStoreContext, activation));
    let fp = t.builder.ins().get_frame_pointer(POINTER);
    let in_trampoline = t.builder.ins().iconst(POINTER, 0);
    t.store(fp, activation, offset_of!(Activation, exit_fp));
    t.store(in_trampoline, activation, offset_of!(Activation, exit_pc));
    t.store(vmctx, activation, offset_of!(Activation, exit_callee));
    activation
}

/// As at the start of a WebAssembly function without signals: leaves the frame, which may be large, by a tail call, where
/// the convention allows it.
fn check_stack(t: &mut Trampoline<'_>, store: Value, vmctx: Value) {
    let limit = t.load(POINTER, store, offset_of!(VMStoreContext, stack_limit));
    let pointer = t.builder.ins().get_stack_pointer(POINTER);
    let below = t.builder.ins().icmp(IntCC::UnsignedLessThan, pointer, limit);
    let next = t.cold_branch(below);
    let table = t.load(POINTER, store, offset_of!(VMStoreContext, libcalls));
    leave_by_raise(&mut t.builder, table, vmctx);
    t.resume(next);
}

/// Raises a stack overflow from a frame that may lie below the stack's limit, in the name of the caller. The libcall needs
/// stack itself, so it is tail-called: for integers in registers, and no return, the `tail` convention agrees with C's.
/// Results that do not fit into registers bring a hidden first parameter, which another entry drops.
pub(super) fn leave_by_raise(builder: &mut FunctionBuilder<'_>, table: Value, vmctx: Value) {
    let mut signature = sig::libcall(Libcall::raise);
    signature.call_conv = CallConv::Tail;
    signature.returns = builder.func.signature.returns.clone();
    let entry = match returns_in_registers(&signature.returns) {
        true => Libcall::raise.offset(),
        false => offset_of!(LibcallTable, raise_past_results) as i32,
    };
    let entry = builder.ins().load(POINTER, MemFlagsData::trusted(), table, entry);
    let code = builder.ins().iconst(types::I32, i64::from(TrapCode::StackOverflow as u8));
    let sig = builder.import_signature(signature);
    builder.ins().return_call_indirect(sig, entry, &[vmctx, code]);
}

/// The `tail` convention has eight registers of each class for results.
fn returns_in_registers(returns: &[cranelift_codegen::ir::AbiParam]) -> bool {
    let ints = returns.iter().filter(|param| param.value_type.is_int()).count();
    ints <= 8 && returns.len() - ints <= 8
}

/// Calls the C callback of a numeric-only signature; the results it gave.
fn call_back(t: &mut Trampoline<'_>, vmctx: Value, activation: Value, ty: &FuncType, params: &[Value]) -> Vec<Value> {
    let args_at = 2 * VAL_VEC + LENT_OFFSET;
    let results_at = args_at + ty.params.len() * SLOT;
    let slot = t.stack_slot(results_at + ty.results.len() * SLOT);
    let base = t.stack_addr(slot, 0);
    for (vec, at, len) in [(0, args_at, ty.params.len()), (VAL_VEC, results_at, ty.results.len())] {
        let size = t.builder.ins().iconst(types::I64, len as i64);
        let data = t.stack_addr(slot, at);
        t.store(size, base, vec);
        t.store(data, base, vec + VAL_VEC_DATA);
    }
    t.write_slots(&ty.params, params, base, args_at);
    let zero = t.builder.ins().iconst(types::I64, 0);
    for (i, &ty) in ty.results.iter().enumerate() {
        t.write_kind(ty, base, results_at + i * SLOT);
        t.builder.ins().store(slot_flags(), zero, base, (results_at + i * SLOT + value_offset(true)) as i32);
    }
    let results_vec = t.stack_addr(slot, VAL_VEC);
    let trap = call_function(t, &[vmctx, base, results_vec, activation]);
    let unusual = t.unusual_outcome(&ty.results, trap, base, results_at);
    let next = t.cold_branch(unusual);
    // Loaded anew, so that it is in no register across the call.
    let store = t.load(POINTER, vmctx, offset_of!(VMHostContext, store));
    let entry = offset_of!(LibcallTable, end_callback);
    t.libcall(store, entry, sig::c(&[POINTER; 3], &[]), &[vmctx, trap, base]);
    t.builder.ins().jump(next, &[]);
    t.resume(next);
    t.read_slots(&ty.results, base, results_at)
}

/// Calls the callback through the host function's stub, with what that takes; the trap it returned, or null.
fn call_function(t: &mut Trampoline<'_>, args: &[Value; 4]) -> Value {
    let stub = t.load(POINTER, args[0], offset_of!(VMHostContext, call));
    let sig = t.builder.import_signature(sig::c(&[POINTER; 4], &[POINTER]));
    let call = t.builder.ins().call_indirect(sig, stub, args);
    t.builder.inst_results(call)[0]
}
