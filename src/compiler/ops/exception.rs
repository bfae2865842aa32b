//! Exceptions (specification, "Control Instructions": `throw`, `throw_ref`, `try_table`), and their legacy form (`try`, `catch`, `catch_all`,
//! `delegate`, `rethrow`).
//!
//! An exception is an object of the heap: the place of its tag among those that exceptions of the store have, and what it carries. A
//! `try_table` has one landing for all its calls, which get the exception from whoever unwinds the stack (`src/vm/trap/unwind.rs`): code there
//! compares tags, clause by clause, and throws again what none of them catches. What is thrown in the function itself goes there by a jump. So
//! tables of code say no more than where the exceptions of a call land.
//!
//! The body of a legacy `try` has a landing in the same way. Its clauses follow the body, and with them the code that compares tags:
//! each `catch` begins with the comparison, and the next one where that fails. The exception is a value of the function, which `rethrow`
//! throws again. `delegate` makes the landing a jump to that of another block.

use super::gc::{address, allocate_inline, flags, load, store, stored};
use crate::abi::{HEAP_HEADER, LARGEST_INLINE, Libcall, VMTag, exception_fields, heap_bits, struct_layout};
use crate::compiler::env::{Region, constant_flags};
use crate::compiler::ops::memory::index;
use crate::compiler::sig::POINTER;
use crate::compiler::translate::stack::{Caught, FrameKind};
use crate::compiler::translate::{FuncTranslator, trap_code};
use crate::types::*;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use std::mem::offset_of;
use wasmparser::Catch;

/// The trap of an access to an exception that is null, which there is none of: they are checked before.
const NULL: TrapCode = TrapCode::NullStructureReference;

/// Where exceptions that come out of calls here are handled, if this function does.
pub(crate) fn landing(t: &mut FuncTranslator<'_>) -> Option<Block> {
    landing_of(t, 0)
}

/// Where exceptions are handled that come out of the block `depth` labels out from the innermost.
fn landing_of(t: &mut FuncTranslator<'_>, depth: u32) -> Option<Block> {
    let handler = t.control.handler(depth)?;
    if handler.landing.is_none() {
        let landing = t.builder.create_block();
        t.builder.append_block_param(landing, types::I64);
        t.builder.set_cold_block(landing);
        handler.landing = Some(landing);
    }
    handler.landing
}

fn tag_type<'a>(t: &FuncTranslator<'a>, tag: u32) -> &'a FuncType {
    t.env.module.func_type_at(t.env.module.tags[TagIndex::from_u32(tag)])
}

/// The place of a tag among those that exceptions have; 0 if no exception has it.
fn place(t: &mut FuncTranslator<'_>, tag: u32) -> Value {
    let (record, offset) = match t.env.layout.tag(TagIndex::from_u32(tag)) {
        Ok(offset) => (t.env.vmctx, offset),
        Err(offset) => (t.builder.ins().load(POINTER, constant_flags(), t.env.vmctx, offset), 0),
    };
    let flags = t.env.flags(&mut t.builder, Region::Objects);
    t.builder.ins().load(types::I32, flags, record, offset + offset_of!(VMTag, heap_index) as i32)
}

/// The same; the tag gets a place if it has none.
fn place_to_throw(t: &mut FuncTranslator<'_>, tag: u32) -> Value {
    let (missing, done) = (t.builder.create_block(), t.builder.create_block());
    t.builder.set_cold_block(missing);
    let result = t.builder.append_block_param(done, types::I32);
    let known = place(t, tag);
    t.builder.ins().brif(known, done, &[BlockArg::Value(known)], missing, &[]);
    t.builder.seal_block(missing);
    t.builder.switch_to_block(missing);
    let tag = index(t, tag);
    let given = t.libcall(Libcall::heap_tag, &[tag]).expect("heap_tag has a result");
    let given = t.builder.ins().ireduce(types::I32, given);
    t.builder.ins().jump(done, &[BlockArg::Value(given)]);
    t.builder.seal_block(done);
    t.builder.switch_to_block(done);
    result
}

pub(crate) fn throw(t: &mut FuncTranslator<'_>, tag: u32) {
    let ty = tag_type(t, tag);
    let fields = exception_fields(ty);
    let (offsets, size) = struct_layout(&fields);
    let exception = allocate(t, tag, size);
    let values: Vec<Value> = t.stack.top(ty.params.len()).to_vec();
    t.stack.truncate(t.stack.len() - values.len());
    // Nothing is collected until all of it is written.
    let place = place_to_throw(t, tag);
    let (addr, flags) = (address(t, exception), flags(t, NULL));
    for ((value, field), offset) in std::iter::once(place).chain(values).zip(&fields).zip(offsets) {
        let value = stored(t, field.storage, value);
        store(t, field.storage, flags, value, addr, offset as i32);
    }
    raise(t, exception);
}

/// Allocates an exception with a tag.
fn allocate(t: &mut FuncTranslator<'_>, tag: u32, size: u32) -> Value {
    // The types of exceptions follow those of the module.
    let ty = TypeIndex::from_u32(t.env.module.types.len() as u32 + tag);
    let type_id = t.env.type_id(&mut t.builder, ty);
    let room = t.builder.ins().iconst(types::I32, i64::from(size));
    let slow = |t: &mut FuncTranslator<'_>| {
        let tag = index(t, tag);
        t.libcall(Libcall::exception_new, &[tag, room]).expect("exception_new has a result")
    };
    if size > LARGEST_INLINE {
        let exception = slow(t);
        return t.builder.ins().ireduce(types::I32, exception);
    }
    let no_length = t.builder.ins().iconst(types::I32, 0);
    allocate_inline(t, (type_id, heap_bits::EXCEPTION), no_length, room, None, slow)
}

pub(crate) fn throw_ref(t: &mut FuncTranslator<'_>) {
    let exception = t.pop();
    t.trapz(exception, TrapCode::NullExceptionReference);
    raise(t, exception);
}

/// Throws an exception, which is not null: to where the function handles it itself, or up the stack.
fn raise(t: &mut FuncTranslator<'_>, exception: Value) {
    let landing = landing(t);
    raise_at(t, exception, landing);
}

/// Throws an exception to a landing of the function, or, if there is none, up the stack.
fn raise_at(t: &mut FuncTranslator<'_>, exception: Value, landing: Option<Block>) {
    match landing {
        Some(landing) => {
            let wide = t.builder.ins().uextend(types::I64, exception);
            t.builder.ins().jump(landing, &[BlockArg::Value(wide)]);
        }
        None => {
            t.libcall(Libcall::throw, &[exception]);
            t.builder.ins().trap(trap_code(TrapCode::Unreachable));
        }
    }
    t.control.unreachable = true;
}

/// The code of a landing: the frame of the `try_table` has been left, so that labels are those around it.
pub(crate) fn land(t: &mut FuncTranslator<'_>, clauses: &[Catch], landing: Block) {
    let caught = landed(t, landing);
    let exception = caught.exception;
    for clause in clauses {
        let (tag, label, with_reference) = match *clause {
            Catch::One { tag, label } => (Some(tag), label, false),
            Catch::OneRef { tag, label } => (Some(tag), label, true),
            Catch::All { label } => (None, label, false),
            Catch::AllRef { label } => (None, label, true),
        };
        let height = t.stack.len();
        let Some(tag) = tag else {
            return catch(t, exception, label, with_reference, height);
        };
        let next = compare(t, &caught, tag);
        catch(t, exception, label, with_reference, height);
        t.builder.switch_to_block(next);
        t.control.unreachable = false;
    }
    raise(t, exception);
}

/// Begins the code of a landing: the exception, and the place of its tag.
pub(crate) fn landed(t: &mut FuncTranslator<'_>, landing: Block) -> Caught {
    t.builder.seal_block(landing);
    t.builder.switch_to_block(landing);
    t.control.unreachable = false;
    let wide = t.builder.block_params(landing)[0];
    let exception = t.builder.ins().ireduce(types::I32, wide);
    t.declare_ref(exception);
    if t.env.module.tags.is_empty() {
        // No clause compares it, and the heap may have come after the function was entered.
        let tag = t.builder.ins().iconst(types::I32, 0);
        return Caught { exception, tag, rest: None };
    }
    let (addr, flags) = (address(t, exception), flags(t, NULL));
    let tag = t.builder.ins().load(types::I32, flags, addr, HEAP_HEADER as i32);
    Caught { exception, tag, rest: None }
}

/// Goes on where the exception has the tag, with what it carries as operands. The block where it has another one.
fn compare(t: &mut FuncTranslator<'_>, caught: &Caught, tag: u32) -> Block {
    let (matching, next) = (t.builder.create_block(), t.builder.create_block());
    let wanted = place(t, tag);
    let same = t.builder.ins().icmp(IntCC::Equal, caught.tag, wanted);
    t.builder.ins().brif(same, matching, &[], next, &[]);
    t.builder.seal_block(matching);
    t.builder.seal_block(next);
    t.builder.switch_to_block(matching);
    let (addr, flags) = (address(t, caught.exception), flags(t, NULL));
    let fields = exception_fields(tag_type(t, tag));
    let (offsets, _) = struct_layout(&fields);
    for (field, offset) in fields.iter().zip(offsets).skip(1) {
        load(t, field.storage, false, flags, addr, offset as i32);
    }
    next
}

/// Begins a clause of a legacy `try`, which catches exceptions with a tag, or all: the code goes on where the exception is caught.
pub(crate) fn clause(t: &mut FuncTranslator<'_>, caught: Caught, tag: Option<u32>) -> Caught {
    if let Some(rest) = caught.rest {
        t.builder.switch_to_block(rest);
        t.control.unreachable = false;
    }
    let rest = tag.map(|tag| compare(t, &caught, tag));
    Caught { rest, ..caught }
}

/// Throws what no clause of a legacy `try` catches: its frame has been left.
pub(crate) fn not_caught(t: &mut FuncTranslator<'_>, exception: Value, rest: Block) {
    t.builder.switch_to_block(rest);
    t.control.unreachable = false;
    raise(t, exception);
}

/// The code of a landing that leaves exceptions to what handles those of the block `depth` labels out: the frame of the `try` has been left.
pub(crate) fn forward(t: &mut FuncTranslator<'_>, landing: Block, depth: u32) {
    t.builder.seal_block(landing);
    t.builder.switch_to_block(landing);
    let wide = t.builder.block_params(landing)[0];
    let exception = t.builder.ins().ireduce(types::I32, wide);
    let target = landing_of(t, depth);
    raise_at(t, exception, target);
}

/// Throws the exception again that the clause `depth` labels out has caught.
pub(crate) fn rethrow(t: &mut FuncTranslator<'_>, depth: u32) {
    let FrameKind::Catch(Some(Caught { exception, .. })) = t.control.label(depth).kind else {
        unreachable!("the validator matches `rethrow` with `catch`, whose code is reached")
    };
    raise(t, exception);
}

/// Branches to the label of a clause with what is on the operand stack above `height`.
fn catch(t: &mut FuncTranslator<'_>, exception: Value, label: u32, with_reference: bool, height: usize) {
    if with_reference {
        t.push_ref(exception);
    }
    let frame = t.control.label(label);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    let args: Vec<BlockArg> = t.stack.top(count).iter().map(|&value| BlockArg::Value(value)).collect();
    t.builder.ins().jump(target, &args);
    t.stack.truncate(height);
    t.control.unreachable = true;
}
