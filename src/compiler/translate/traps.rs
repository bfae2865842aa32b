//! Traps: how an operator raises one, and how a function can be left other than by returning.
//!
//! With signals, what seldom happens is left to a fault: Cranelift's `trapz` and `trapnz`. What programs trap by, and everything without
//! signals, is a branch to a cold block that calls the libcall `raise`.

use super::FuncTranslator;
use crate::types::TrapCode;
use cranelift_codegen::ir::{self, InstBuilder, Value, types};

/// Cranelift's name for a trap code.
pub(crate) fn trap_code(code: TrapCode) -> ir::TrapCode {
    ir::TrapCode::unwrap_user(code as u8)
}

/// See [`FuncTranslator::exits`].
#[derive(Default)]
pub(super) struct Exits {
    pub calls: bool,
    pub faults: bool,
}

/// How many places of a function raise their traps by a call, with signals. Whoever writes more of them does not trap by most.
const RAISES_WITH_SIGNALS: usize = 256;

impl FuncTranslator<'_> {
    /// Traps here. Ends the current block: what follows is unreachable.
    ///
    /// By a call, with signals too: a fault takes the detour through the system, which costs ten times as much.
    pub fn trap(&mut self, code: TrapCode) {
        if let Some(block) = self.builder.current_block()
            && self.builder.func.layout.entry_block() != Some(block)
        {
            self.builder.set_cold_block(block);
        }
        if self.raises_by_fault() {
            // Otherwise a branch to here would become a conditional trap, at the place of the branch.
            self.builder.ins().sequence_point();
            self.builder.ins().trap(trap_code(code));
        } else {
            self.raise(code);
        }
        self.control.unreachable = true;
    }

    /// Makes `block`, which has no parameters and all whose predecessors are known, trap, and goes on in `next`.
    pub fn trap_in(&mut self, block: ir::Block, code: TrapCode, next: ir::Block) {
        self.builder.set_cold_block(block);
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
        if self.signals() {
            self.builder.ins().trap(trap_code(code));
        } else {
            self.raise(code);
        }
        self.builder.switch_to_block(next);
    }

    /// Whether further traps of this function are left to a fault: that takes no block of its own, and is slower only where it traps.
    fn raises_by_fault(&self) -> bool {
        self.signals() && self.raises.len() >= RAISES_WITH_SIGNALS
    }

    /// Traps if `cond` is zero, by a call: for traps that a program may take often.
    pub fn raisez(&mut self, cond: Value, code: TrapCode) {
        if self.raises_by_fault() {
            self.trapz(cond, code);
        } else {
            self.raise_if(cond, code, false);
        }
    }

    /// Traps if `cond` is zero.
    pub fn trapz(&mut self, cond: Value, code: TrapCode) {
        if self.signals() {
            self.builder.ins().trapz(cond, trap_code(code));
        } else {
            self.raise_if(cond, code, false);
        }
    }

    /// Traps if `cond` is not zero.
    pub fn trapnz(&mut self, cond: Value, code: TrapCode) {
        if self.signals() {
            self.builder.ins().trapnz(cond, trap_code(code));
        } else {
            self.raise_if(cond, code, true);
        }
    }

    fn raise_if(&mut self, cond: Value, code: TrapCode, nonzero: bool) {
        self.budget.count_check();
        let (raise, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(raise);
        let (then, otherwise) = if nonzero { (raise, next) } else { (next, raise) };
        self.builder.ins().brif(cond, then, &[], otherwise, &[]);
        self.builder.seal_block(raise);
        self.builder.seal_block(next);
        self.builder.switch_to_block(raise);
        self.raise(code);
        self.builder.switch_to_block(next);
    }

    /// Raises a trap: calls a stub that changes no register, so that the call costs the register allocator no more than a jump would.
    fn raise(&mut self, code: TrapCode) {
        let number = self.builder.ins().iconst(types::I32, i64::from(code as u8));
        let (sig, entry) = self.env.raise(&mut self.builder);
        let call = self.builder.ins().call_indirect(sig, entry, &[self.env.vmctx, number]);
        self.raises.push(call);
        self.builder.ins().trap(trap_code(code));
    }

    /// How the function can be left, other than by returning, and so be met by a stack walk.
    pub(super) fn exits(&self) -> Exits {
        let (layout, dfg) = (&self.builder.func.layout, &self.builder.func.dfg);
        let mut exits = Exits::default();
        for inst in layout.blocks().flat_map(|block| layout.block_insts(block)) {
            let opcode = dfg.insts[inst].opcode();
            // A bitcast has flags too, for the order of its lanes.
            let accesses = opcode.can_load() || opcode.can_store();
            // A call that only raises a trap never comes back, and lives on what the stack's limit leaves to the host.
            let raises = opcode.is_call() && self.raises.binary_search(&inst).is_ok();
            exits.calls |= opcode.is_call() && !raises;
            exits.faults |=
                raises || opcode.can_trap() || accesses && dfg.insts[inst].memflags_trap_code(dfg).is_some();
            if exits.calls && exits.faults {
                break;
            }
        }
        exits
    }
}
