//! Control instructions (specification, "Control Instructions"), and `select` and `drop`.
//!
//! The functions that open and close blocks are called in unreachable code too. A block that nothing branches to gets no code of
//! its own: what follows its end goes on in the block it ended in.

use super::exception;
use crate::compiler::translate::FuncTranslator;
use crate::compiler::translate::stack::{BlockSig, Caught, ControlFrame, ElseArm, FrameKind, Handler};
use crate::module;
use crate::types::*;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, InstructionData, JumpTableData, Opcode, Value, ValueDef};
use std::collections::HashMap;
use wasmparser::{BlockType, BrTable, TryTable};

fn block_sig<'a>(t: &FuncTranslator<'a>, ty: BlockType) -> Result<BlockSig<'a>> {
    Ok(match ty {
        BlockType::Empty => BlockSig::Empty,
        BlockType::Type(ty) => BlockSig::Result(module::val_type(t.env.module, ty)?),
        BlockType::FuncType(index) => BlockSig::Func(t.env.module.func_type_at(TypeIndex::from_u32(index))),
    })
}

/// Notes a block opened in unreachable code; whether it was.
fn opened_unreachable(t: &mut FuncTranslator<'_>) -> bool {
    t.control.unreachable_depth += u32::from(t.control.unreachable);
    t.control.unreachable
}

fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|&value| BlockArg::Value(value)).collect()
}

/// Jumps to `target` with the topmost `count` operands, which stay on the stack.
fn jump(t: &mut FuncTranslator<'_>, target: Block, count: usize) {
    let args = block_args(t.stack.top(count));
    t.builder.ins().jump(target, &args);
}

/// Pops a condition, looking through the extension of a comparison's result.
fn pop_condition(t: &mut FuncTranslator<'_>) -> Value {
    let value = t.pop();
    let dfg = &t.builder.func.dfg;
    if let ValueDef::Result(inst, 0) = dfg.value_def(value)
        && let InstructionData::Unary { opcode: Opcode::Uextend, arg } = dfg.insts[inst]
    {
        return arg;
    }
    value
}

pub(crate) fn unreachable(t: &mut FuncTranslator<'_>) {
    t.trap(TrapCode::Unreachable);
}

pub(crate) fn nop(_: &mut FuncTranslator<'_>) {}

pub(crate) fn block(t: &mut FuncTranslator<'_>, ty: BlockType) -> Result<()> {
    if opened_unreachable(t) {
        return Ok(());
    }
    let sig = block_sig(t, ty)?;
    let next = t.block_with_params(sig.results());
    let height = t.stack.len() - sig.params().len();
    t.control.push(ControlFrame { kind: FrameKind::Block, sig, next, height, next_reached: false });
    Ok(())
}

pub(crate) fn try_table(t: &mut FuncTranslator<'_>, table: &TryTable) -> Result<()> {
    if table.catches.is_empty() {
        return block(t, table.ty);
    }
    if opened_unreachable(t) {
        return Ok(());
    }
    let sig = block_sig(t, table.ty)?;
    let next = t.block_with_params(sig.results());
    let height = t.stack.len() - sig.params().len();
    let kind = FrameKind::Try(Handler { clauses: table.catches.clone(), landing: None });
    t.control.push(ControlFrame { kind, sig, next, height, next_reached: false });
    Ok(())
}

pub(crate) fn loop_(t: &mut FuncTranslator<'_>, ty: BlockType) -> Result<()> {
    if opened_unreachable(t) {
        return Ok(());
    }
    let sig = block_sig(t, ty)?;
    let header = t.block_with_params(sig.params());
    jump(t, header, sig.params().len());
    let height = t.stack.len() - sig.params().len();
    t.stack.truncate(height);
    t.stack.extend(t.builder.block_params(header));
    t.builder.switch_to_block(header);
    // Nothing ever branches to a loop's end.
    t.control.push(ControlFrame { kind: FrameKind::Loop { header }, sig, next: header, height, next_reached: false });
    Ok(())
}

pub(crate) fn if_(t: &mut FuncTranslator<'_>, ty: BlockType) -> Result<()> {
    if opened_unreachable(t) {
        return Ok(());
    }
    let condition = pop_condition(t);
    let sig = block_sig(t, ty)?;
    let then = t.builder.create_block();
    let next = t.block_with_params(sig.results());
    let arm = if sig.params().is_empty() && sig.results().is_empty() {
        ElseArm::End { branch: t.builder.ins().brif(condition, then, &[], next, &[]) }
    } else {
        let block = t.builder.create_block();
        t.builder.ins().brif(condition, then, &[], block, &[]);
        t.builder.seal_block(block);
        ElseArm::Block { block, params: t.stack.top(sig.params().len()).into() }
    };
    t.builder.seal_block(then);
    t.builder.switch_to_block(then);
    let height = t.stack.len() - sig.params().len();
    t.control.push(ControlFrame { kind: FrameKind::If(arm), sig, next, height, next_reached: false });
    Ok(())
}

/// The body of a `try` of the legacy form.
pub(crate) fn try_(t: &mut FuncTranslator<'_>, ty: BlockType) -> Result<()> {
    if opened_unreachable(t) {
        return Ok(());
    }
    let sig = block_sig(t, ty)?;
    let next = t.block_with_params(sig.results());
    let height = t.stack.len() - sig.params().len();
    let kind = FrameKind::Try(Handler { clauses: Vec::new(), landing: None });
    t.control.push(ControlFrame { kind, sig, next, height, next_reached: false });
    Ok(())
}

/// Ends one part of the innermost block, and makes the block one of another kind for the next; the kind it was. The operands below the
/// block are left.
fn next_part(t: &mut FuncTranslator<'_>, kind: FrameKind) -> FrameKind {
    let reachable = !t.control.unreachable;
    let frame = t.control.last();
    let (next, height, results) = (frame.next, frame.height, frame.sig.results().len());
    frame.next_reached |= reachable;
    if reachable {
        jump(t, next, results);
    }
    t.stack.truncate(height);
    t.control.replace(kind)
}

/// A clause of a legacy `try`: `catch`, with a tag, or `catch_all`.
pub(crate) fn catch(t: &mut FuncTranslator<'_>, tag: Option<u32>) {
    if t.control.unreachable_depth > 0 {
        return;
    }
    let caught = match next_part(t, FrameKind::Catch(None)) {
        FrameKind::Try(handler) => handler.landing.map(|landing| exception::landed(t, landing)),
        FrameKind::Catch(caught) => caught,
        FrameKind::Block | FrameKind::Loop { .. } | FrameKind::If(_) => {
            unreachable!("the validator matches `catch` with `try`")
        }
    };
    let caught = caught.map(|caught| exception::clause(t, caught, tag));
    t.control.unreachable = caught.is_none();
    t.control.replace(FrameKind::Catch(caught));
}

/// Ends a legacy `try` that leaves its exceptions to what handles those of the block `depth` labels out.
pub(crate) fn delegate(t: &mut FuncTranslator<'_>, depth: u32) {
    if t.control.unreachable_depth > 0 {
        t.control.unreachable_depth -= 1;
        return;
    }
    let mut frame = t.control.pop();
    if let FrameKind::Try(Handler { landing: Some(landing), .. }) = frame.kind {
        end_code(t, &mut frame);
        exception::forward(t, landing, depth);
    }
    go_on_behind(t, frame);
}

pub(crate) fn else_(t: &mut FuncTranslator<'_>) {
    if t.control.unreachable_depth > 0 {
        return;
    }
    match next_part(t, FrameKind::Block) {
        FrameKind::If(ElseArm::End { branch }) => {
            let next = t.control.last().next;
            let block = t.builder.create_block();
            t.builder.change_jump_destination(branch, next, block);
            t.builder.seal_block(block);
            t.builder.switch_to_block(block);
        }
        FrameKind::If(ElseArm::Block { block, params }) => {
            t.stack.extend(&params);
            t.builder.switch_to_block(block);
        }
        FrameKind::Block | FrameKind::Loop { .. } | FrameKind::Try(_) | FrameKind::Catch(_) => {
            unreachable!("the validator matches `else` with `if`")
        }
    }
    t.control.unreachable = false;
}

pub(crate) fn end(t: &mut FuncTranslator<'_>) -> Result<()> {
    if t.control.unreachable_depth > 0 {
        t.control.unreachable_depth -= 1;
        return Ok(());
    }
    let mut frame = t.control.pop();
    let kind = std::mem::replace(&mut frame.kind, FrameKind::Block);
    match kind {
        FrameKind::Block => {}
        FrameKind::Loop { header } => close_loop(t, header, frame.sig.params().len())?,
        FrameKind::Try(Handler { landing: None, .. }) | FrameKind::Catch(None | Some(Caught { rest: None, .. })) => {}
        FrameKind::Try(Handler { clauses, landing: Some(landing) }) => {
            end_code(t, &mut frame);
            exception::land(t, &clauses, landing);
        }
        FrameKind::Catch(Some(Caught { exception, rest: Some(rest), .. })) => {
            end_code(t, &mut frame);
            exception::not_caught(t, exception, rest);
        }
        // An `if` without `else`: the other arm passes its parameters on as results.
        FrameKind::If(ElseArm::End { .. }) => frame.next_reached = true,
        FrameKind::If(ElseArm::Block { block, params }) => {
            end_code(t, &mut frame);
            t.builder.switch_to_block(block);
            t.stack.extend(&params);
            t.control.unreachable = false;
            frame.next_reached = true;
        }
    }
    go_on_behind(t, frame);
    Ok(())
}

/// Ends the code of a block that has been left, if its end is reached. More code of the block may follow.
fn end_code(t: &mut FuncTranslator<'_>, frame: &mut ControlFrame<'_>) {
    if !t.control.unreachable {
        jump(t, frame.next, frame.sig.results().len());
        frame.next_reached = true;
    }
    t.stack.truncate(frame.height);
}

/// Goes on behind the end of a block that has been left.
fn go_on_behind(t: &mut FuncTranslator<'_>, frame: ControlFrame<'_>) {
    let results = frame.sig.results().len();
    if frame.next_reached {
        if !t.control.unreachable {
            jump(t, frame.next, results);
        }
        t.builder.seal_block(frame.next);
        t.builder.switch_to_block(frame.next);
        t.stack.truncate(frame.height);
        t.stack.extend(t.builder.block_params(frame.next));
        t.control.unreachable = false;
    } else if t.control.unreachable {
        t.stack.truncate(frame.height);
    }
    if t.control.is_empty() && !t.control.unreachable {
        return_values(t, results);
    }
}

/// Seals the header of a loop, which has parameters for the loop's own and for locals that were read in it before they were written.
fn close_loop(t: &mut FuncTranslator<'_>, header: Block, own_params: usize) -> Result<()> {
    let locals = t.builder.func.dfg.num_block_params(header) - own_params;
    let blocks = t.builder.func.dfg.num_blocks() - header.as_u32() as usize;
    t.budget.close_loop(locals, blocks);
    t.budget.check(t.builder.func)?;
    t.builder.seal_block(header);
    Ok(())
}

fn return_values(t: &mut FuncTranslator<'_>, count: usize) {
    t.builder.ins().return_(t.stack.top(count));
    t.control.unreachable = true;
}

pub(crate) fn br(t: &mut FuncTranslator<'_>, depth: u32) {
    let frame = t.control.label(depth);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    jump(t, target, count);
    t.control.unreachable = true;
}

pub(crate) fn br_if(t: &mut FuncTranslator<'_>, depth: u32) {
    let condition = pop_condition(t);
    let frame = t.control.label(depth);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    let next = t.builder.create_block();
    let args = block_args(t.stack.top(count));
    t.builder.ins().brif(condition, target, &args, next, &[]);
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
}

/// Goes on with the reference if it is not null, else to the label without it.
pub(crate) fn br_on_null(t: &mut FuncTranslator<'_>, depth: u32) {
    let value = t.pop();
    let frame = t.control.label(depth);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    let next = t.builder.create_block();
    let args = block_args(t.stack.top(count));
    t.builder.ins().brif(value, next, &[], target, &args);
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
    t.push_ref(value);
}

/// Goes to the label with the reference if it is not null, else on without it.
pub(crate) fn br_on_non_null(t: &mut FuncTranslator<'_>, depth: u32) {
    let frame = t.control.label(depth);
    frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
    let (target, count) = frame.label();
    let next = t.builder.create_block();
    let args = block_args(t.stack.top(count));
    let value = t.pop();
    t.builder.ins().brif(value, target, &args, next, &[]);
    t.builder.seal_block(next);
    t.builder.switch_to_block(next);
}

pub(crate) fn br_table(t: &mut FuncTranslator<'_>, targets: &BrTable<'_>) -> Result<()> {
    let index = t.pop();
    // With operands, each label gets a block of its own that passes them on, so that they are not repeated for each entry.
    let mut passing: HashMap<u32, Block> = HashMap::new();
    let mut calls = Vec::with_capacity(targets.len() as usize + 1);
    for depth in std::iter::once(Ok(targets.default())).chain(targets.targets()) {
        let depth = depth.map_err(crate::compiler::translate::invalid)?;
        let frame = t.control.label(depth);
        frame.next_reached |= !matches!(frame.kind, FrameKind::Loop { .. });
        let (target, count) = frame.label();
        let block = match count {
            0 => target,
            _ => *passing.entry(depth).or_insert_with(|| t.builder.create_block()),
        };
        calls.push(t.builder.func.dfg.block_call(block, &[]));
    }
    let table = t.builder.create_jump_table(JumpTableData::new(calls[0], &calls[1..]));
    t.builder.ins().br_table(index, table);
    let mut passing: Vec<_> = passing.into_iter().collect();
    passing.sort_unstable();
    for (depth, block) in passing {
        t.builder.seal_block(block);
        t.builder.switch_to_block(block);
        let (target, count) = t.control.label(depth).label();
        jump(t, target, count);
    }
    t.control.unreachable = true;
    Ok(())
}

pub(crate) fn return_(t: &mut FuncTranslator<'_>) {
    let count = t.builder.func.signature.returns.len();
    return_values(t, count);
}

pub(crate) fn drop(t: &mut FuncTranslator<'_>) {
    t.pop();
}

pub(crate) fn select(t: &mut FuncTranslator<'_>) {
    let value = selected(t);
    t.push(value);
}

pub(crate) fn typed_select(t: &mut FuncTranslator<'_>, ty: wasmparser::ValType) {
    let value = selected(t);
    match ty.is_reference_type() {
        true => t.push_ref(value),
        false => t.push(value),
    }
}

fn selected(t: &mut FuncTranslator<'_>) -> Value {
    let condition = pop_condition(t);
    let (then, otherwise) = t.pop2();
    t.builder.ins().select(condition, then, otherwise)
}
