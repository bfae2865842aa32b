//! Walks a function's machine code along its control flow, and tells what holds at each instruction.
//!
//! Nothing is taken from the compiler but where the function lies. Jump tables lie behind the jump that uses them; how many
//! entries one has is what the index is compared with before.

use crate::arch::decode::{Effect, FRAME_POINTER, Flow, Inst, Operand, STACK_POINTER, decode};
use std::collections::{BTreeMap, BTreeSet};

/// What holds whenever control comes to an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The frame pointer less the stack pointer; `None` before the frame is entered.
    pub depth: Option<i32>,
    /// Whether the context's slot has been written, on every way.
    pub context_stored: bool,
}

/// The instructions of a function that control can come to, by their offsets in its code.
pub struct Walk<'a> {
    code: &'a [u8],
    /// Where the frame keeps the context: bytes to add to the frame pointer; 0 for nowhere.
    context_slot: i32,
    pub insts: BTreeMap<u32, (Inst, State)>,
    /// Those among them that read constants of the function's own.
    pub reads_constants: BTreeSet<u32>,
    /// The jumps behind the frame, and where they go, counted from the function's start: tail calls.
    pub tail_calls: Vec<(u32, i32)>,
    pending: Vec<(u32, State)>,
}

impl Walk<'_> {
    /// Walks `code`, from its start and from where it handles exceptions, each with how deep the stack is there.
    pub fn new<'a>(code: &'a [u8], context_slot: i32, handlers: &[(u32, i32)]) -> Result<Walk<'a>, String> {
        let entry = (0, State { depth: None, context_stored: false });
        let mut walk = Walk {
            code,
            context_slot,
            insts: BTreeMap::new(),
            reads_constants: BTreeSet::new(),
            tail_calls: Vec::new(),
            pending: vec![entry],
        };
        let handled = |&(at, depth): &(u32, i32)| (at, State { depth: Some(depth), context_stored: true });
        walk.pending.extend(handlers.iter().map(handled));
        while let Some((at, state)) = walk.pending.pop() {
            walk.run(at, state)?;
        }
        walk.check_overlaps()?;
        Ok(walk)
    }

    /// Follows control from `at` until it ends, or comes to what is known already.
    fn run(&mut self, mut at: u32, mut state: State) -> Result<(), String> {
        let (mut constants, mut bound, mut near) = ([None; 16], None, [false; 16]);
        loop {
            if let Some((_, known)) = self.insts.get(&at) {
                if known.depth != state.depth {
                    return Err(format!(
                        "{at:#x}: the stack is {:?} deep one way, {:?} the other",
                        known.depth, state.depth
                    ));
                }
                if !known.context_stored || state.context_stored {
                    return Ok(());
                }
            }
            let code = self.code.get(at as usize..).unwrap_or_default();
            let inst = decode(code)
                .ok_or_else(|| format!("{at:#x}: an instruction that cannot be read: {:x?}", head(code)))?;
            self.insts.insert(at, (inst, state));
            let end = at + inst.len;
            state = self.after(inst, state, end);
            match inst.effect {
                Effect::Constant { register, value } => constants[usize::from(register)] = Some(value),
                Effect::NearAddress { register } => near[usize::from(register)] = true,
                Effect::Compare { with } => bound = constants[usize::from(with)],
                _ => {}
            }
            if inst.memory.and_then(|memory| memory.base).is_some_and(|base| near[usize::from(base)]) {
                self.reads_constants.insert(at);
            }
            let target = |distance: i32| end.wrapping_add_signed(distance);
            match inst.flow {
                Flow::Return | Flow::Undefined => return Ok(()),
                Flow::Jump(distance) if is_behind_frame(state) => {
                    self.tail_calls.push((at, end as i32 + distance));
                    return Ok(());
                }
                Flow::Jump(distance) => at = self.within(target(distance), at)?,
                Flow::Branch(distance) => {
                    self.pending.push((self.within(target(distance), at)?, state));
                    at = end;
                }
                // Behind the frame it is a tail call.
                Flow::Indirect if is_behind_frame(state) => return Ok(()),
                Flow::Indirect => {
                    let bound = bound.ok_or_else(|| format!("{at:#x}: a jump through a table of unknown length"))?;
                    return self.read_table(end, bound as u32 + 1, state);
                }
                // A call that does not return may end the function.
                Flow::Call if end as usize == self.code.len() => return Ok(()),
                Flow::Next | Flow::Call | Flow::Divide => at = end,
            }
        }
    }

    fn after(&self, inst: Inst, state: State, end: u32) -> State {
        let State { mut depth, mut context_stored } = state;
        match inst.effect {
            Effect::EnterFrame => depth = Some(0),
            Effect::LeaveFrame => depth = Some(0),
            Effect::MoveStackPointer(bytes) => depth = depth.map(|depth| depth - bytes),
            Effect::StoreRegister if self.context_slot != 0 => {
                let place = inst.memory.and_then(|memory| frame_offset(&memory, state));
                context_stored |= place == Some(self.context_slot);
            }
            _ => {}
        }
        // A function that takes arguments on the stack pops them, and its caller makes room for them again at once.
        if inst.flow == Flow::Call
            && let Some(Inst { effect: Effect::MoveStackPointer(bytes), .. }) = self.decode_at(end)
            && bytes < 0
        {
            depth = depth.map(|depth| depth + bytes);
        }
        State { depth, context_stored }
    }

    fn decode_at(&self, at: u32) -> Option<Inst> {
        decode(self.code.get(at as usize..)?)
    }

    fn within(&self, target: u32, from: u32) -> Result<u32, String> {
        let inside = (target as usize) < self.code.len();
        inside.then_some(target).ok_or_else(|| format!("{from:#x}: a jump out of the function, to {target:#x}"))
    }

    /// Reads the jump table at `table`: 32-bit distances from its start.
    fn read_table(&mut self, table: u32, entries: u32, state: State) -> Result<(), String> {
        for at in (0..entries).map(|entry| table + 4 * entry) {
            let bytes = self.code.get(at as usize..).and_then(<[u8]>::first_chunk);
            let bytes = bytes.ok_or_else(|| format!("{at:#x}: a jump table that leaves the function"))?;
            let target = self.within(table.wrapping_add_signed(i32::from_le_bytes(*bytes)), at)?;
            self.pending.push((target, state));
        }
        Ok(())
    }

    fn check_overlaps(&self) -> Result<(), String> {
        let mut end = 0;
        for (&at, (inst, _)) in &self.insts {
            if at < end {
                return Err(format!("{at:#x}: a jump into the middle of an instruction"));
            }
            end = at + inst.len;
        }
        Ok(())
    }
}

/// Whether the frame was left.
fn is_behind_frame(state: State) -> bool {
    state.depth.is_some_and(|depth| depth < 0)
}

/// Where an operand lies from the frame pointer on, if it is of the stack and at a known place.
pub fn frame_offset(operand: &Operand, state: State) -> Option<i32> {
    match (operand.base, operand.index) {
        (Some(FRAME_POINTER), None) => Some(operand.displacement),
        (Some(STACK_POINTER), None) => Some(operand.displacement - state.depth?),
        _ => None,
    }
}

fn head(code: &[u8]) -> &[u8] {
    &code[..code.len().min(16)]
}
