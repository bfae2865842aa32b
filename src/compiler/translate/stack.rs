//! The operand stack and the control frames of the function being translated.
//!
//! Both are plain vectors: nesting, however deep, never recurses. While code is unreachable nothing is pushed or
//! popped here, and frames opened there are only counted.

use crate::types::ValType;
use cranelift_codegen::ir::{Block, Inst, Value};
use wasmparser::Catch;

/// The values of the operand stack, with v128 values in their canonical type.
#[derive(Debug, Default)]
pub(crate) struct OperandStack {
    values: Vec<Value>,
}

impl OperandStack {
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    pub fn extend(&mut self, values: &[Value]) {
        self.values.extend_from_slice(values);
    }

    /// Validation comes before translation, so the stack is never empty when an operand is wanted.
    pub fn pop(&mut self) -> Value {
        self.values.pop().expect("the validator counts operands")
    }

    /// The topmost `count` values, in the order they were pushed.
    pub fn top(&self, count: usize) -> &[Value] {
        &self.values[self.values.len() - count..]
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
    }
}

/// The types of a block: few are needed more than their number, so the two common shapes are not allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BlockSig<'a> {
    Empty,
    Result(ValType),
    Func(&'a crate::types::FuncType),
}

impl<'a> BlockSig<'a> {
    pub fn params(&self) -> &[ValType] {
        match self {
            BlockSig::Func(ty) => &ty.params,
            _ => &[],
        }
    }

    pub fn results(&self) -> &[ValType] {
        match self {
            BlockSig::Empty => &[],
            BlockSig::Result(ty) => std::slice::from_ref(ty),
            BlockSig::Func(ty) => &ty.results,
        }
    }
}

/// What opened a frame.
#[derive(Debug)]
pub(crate) enum FrameKind {
    /// The function's body, `block`, or the `else` arm of an `if`.
    Block,
    Loop {
        header: Block,
    },
    /// The `then` arm of an `if`.
    If(ElseArm),
    /// `try_table`, with clauses, or the body of a legacy `try`.
    Try(Handler),
    /// A clause of a legacy `try`. `None` if nothing throws in the body of the `try`: then its clauses are unreachable.
    Catch(Option<Caught>),
}

/// What handles the exceptions that come out of a `try_table`, or of the body of a legacy `try`.
#[derive(Debug)]
pub(crate) struct Handler {
    /// The clauses of a `try_table`. Those of a legacy `try` follow its body.
    pub clauses: Vec<Catch>,
    /// Where calls within go on with an exception, whose reference is the parameter, as 64 bits: made when the first needs it.
    pub landing: Option<Block>,
}

/// The exception that a legacy `try` handles. It lives as long as the clauses, which may throw it again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caught {
    pub exception: Value,
    /// The place of its tag.
    pub tag: Value,
    /// Where it goes on if no clause so far catches it; `None` before the first clause and behind one that catches everything.
    pub rest: Option<Block>,
}

/// Where the other arm of an `if` goes.
#[derive(Debug)]
pub(crate) enum ElseArm {
    /// The `if` has neither parameters nor results: its branch goes to the end, and is redirected when an `else` comes.
    End { branch: Inst },
    /// A block of its own, entered with these operands.
    Block { block: Block, params: Box<[Value]> },
}

/// An open block.
#[derive(Debug)]
pub(crate) struct ControlFrame<'a> {
    pub kind: FrameKind,
    pub sig: BlockSig<'a>,
    /// The code after the block's end; its parameters are the block's results.
    pub next: Block,
    /// The height of the operand stack below the block's parameters.
    pub height: usize,
    /// Whether something branches to `next`.
    pub next_reached: bool,
}

impl ControlFrame<'_> {
    /// Where a branch to this frame's label goes, and with how many operands.
    pub fn label(&self) -> (Block, usize) {
        match self.kind {
            FrameKind::Loop { header } => (header, self.sig.params().len()),
            _ => (self.next, self.sig.results().len()),
        }
    }
}

/// The open blocks, and whether the code being read can be reached.
#[derive(Debug, Default)]
pub(crate) struct ControlStack<'a> {
    frames: Vec<ControlFrame<'a>>,
    /// Set behind a branch until the end of the enclosing block or its `else`.
    pub unreachable: bool,
    /// How many blocks have been opened in unreachable code.
    pub unreachable_depth: u32,
    /// Which of the frames handle exceptions.
    tries: Vec<usize>,
    /// How many of the frames are clauses that may throw their exception again.
    caught: usize,
}

impl<'a> ControlStack<'a> {
    pub fn push(&mut self, frame: ControlFrame<'a>) {
        self.count(&frame.kind, self.frames.len());
        self.frames.push(frame);
    }

    pub fn pop(&mut self) -> ControlFrame<'a> {
        let frame = self.frames.pop().expect("the validator matches ends");
        self.discount(&frame.kind);
        frame
    }

    /// Makes the innermost frame one of another kind; the kind it was.
    pub fn replace(&mut self, kind: FrameKind) -> FrameKind {
        let innermost = self.frames.len() - 1;
        self.count(&kind, innermost);
        let kind = std::mem::replace(&mut self.frames[innermost].kind, kind);
        self.discount(&kind);
        kind
    }

    fn count(&mut self, kind: &FrameKind, index: usize) {
        match kind {
            FrameKind::Try(_) => self.tries.push(index),
            FrameKind::Catch(caught) => self.caught += usize::from(caught.is_some()),
            FrameKind::Block | FrameKind::Loop { .. } | FrameKind::If(_) => {}
        }
    }

    /// Takes back what [`ControlStack::count`] did for the innermost frame.
    fn discount(&mut self, kind: &FrameKind) {
        match kind {
            FrameKind::Try(_) => drop(self.tries.pop()),
            FrameKind::Catch(caught) => self.caught -= usize::from(caught.is_some()),
            FrameKind::Block | FrameKind::Loop { .. } | FrameKind::If(_) => {}
        }
    }

    /// What handles the exceptions that come out of the block `depth` labels out from the innermost, if the function itself does.
    pub fn handler(&mut self, depth: u32) -> Option<&mut Handler> {
        let block = self.frames.len() - 1 - depth as usize;
        let tries = self.tries.partition_point(|&index| index <= block);
        match &mut self.frames[self.tries[..tries].last().copied()?].kind {
            FrameKind::Try(handler) => Some(handler),
            FrameKind::Block | FrameKind::Loop { .. } | FrameKind::If(_) | FrameKind::Catch(_) => None,
        }
    }

    /// How many exceptions may be thrown again here.
    pub fn caught(&self) -> usize {
        self.caught
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frame `depth` labels out from the innermost.
    pub fn label(&mut self, depth: u32) -> &mut ControlFrame<'a> {
        let index = self.frames.len() - 1 - depth as usize;
        &mut self.frames[index]
    }

    pub fn last(&mut self) -> &mut ControlFrame<'a> {
        self.label(0)
    }
}
