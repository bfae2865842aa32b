//! How much work a function is for the code generator, and what follows from it.
//!
//! Most passes of Cranelift take time and memory that are linear in the size of a function. Some multiply: a local by the blocks that it
//! passes, a value by the blocks it lives in, a parameter of a block by the other parameters, a pure value by the dominators that it
//! could be computed in, a reference by the calls it lives across and by the references that live beside it. Functions that compilers write
//! keep these products small. Nothing keeps those of an adversary small: thirteen kilobytes of nested `if` took as many seconds, and twice as
//! many a minute.
//!
//! So each product is counted, in linear time: while the function is translated ([`Budget`]), and before code is made of it
//! ([`Effort::of`]). Each has an allowance, some for any function and some for each byte of its body. What exceeds one of optimization,
//! or of register allocation with backtracking, is compiled without; what exceeds one of translation is refused. Whatever a module holds,
//! compiling it takes time and memory in proportion to its size. `benches/growth` shows that.
//!
//! The largest figures in SQLite, esbuild and Ruby (3,200 functions of over 1,500 bytes, the longest 200 KB, with signals and without), for
//! each byte of the body: 5 values, 0.3 block parameters, 25 blocks lived in, 200 dominators climbed. The allowances are many times that.
//! (Functions of over a megabyte in ONNX Runtime have 180 blocks between places where control joins. Compiled Kotlin, whose functions are small, has
//! 25,000 pairs of references at most.)

use crate::os::reserve;
use crate::types::{Error, Result};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, InstructionData, Value};
use cranelift_codegen::packed_option::PackedOption;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

/// An allowance: some for every function, and some for each byte of its body.
struct Allowance {
    base: usize,
    per_byte: usize,
}

impl Allowance {
    fn of(&self, body: usize) -> usize {
        self.base.saturating_add(self.per_byte.saturating_mul(body))
    }
}

/// Values of the intermediate code; each takes some 100 ns and 40 bytes, also those that turn out to be another one.
const VALUES: Allowance = Allowance { base: 1 << 20, per_byte: 64 };
/// As `VALUES`, for the largest functions.
const VALUES_OF_LARGE: Allowance = Allowance { base: 16 << 20, per_byte: 8 };
/// Definitions of locals in blocks: each takes 4 bytes where a local is used, and may be a value where a loop ends.
const DEFINITIONS: Allowance = Allowance { base: 16 << 20, per_byte: 128 };
/// Locals by the locals that are read before they are written in the same loop: each that the loop does not change is a parameter that is
/// taken away, and those behind it are numbered again, in three nanoseconds each.
const RENUMBERINGS: Allowance = Allowance { base: 32 << 20, per_byte: 256 };
/// References by the calls that they live across: each takes some 30 ns and 10 bytes.
const REFERENCES: Allowance = Allowance { base: 4 << 20, per_byte: 64 };
/// Pairs of references that live in a block at once, for all blocks together: some 70 ns each where one reference after the other turns out
/// to live in a block, since all of them are looked at again.
const PAIRS: Allowance = Allowance { base: 16 << 20, per_byte: 128 };
/// Values by the blocks that they live in: some 40 ns and 12 bytes each, in a single pass.
const SPANS: Allowance = Allowance { base: 4 << 20, per_byte: 256 };
/// As `SPANS`, for the backtracking allocator, whose time is not linear in them.
const SPANS_TO_BACKTRACK: Allowance = Allowance { base: 256 << 10, per_byte: 64 };
/// Block parameters, which the backtracking allocator merges with the values that are passed for them.
const PARAMS_TO_BACKTRACK: Allowance = Allowance { base: 4 << 10, per_byte: 1 };
/// The same two where signals are off: a frame must be small then, which those of a single pass are not.
const SPANS_WITHOUT_SIGNALS: Allowance = Allowance { base: 2 << 20, per_byte: 64 };
const PARAMS_WITHOUT_SIGNALS: Allowance = Allowance { base: 16 << 10, per_byte: 1 };
/// Blocks that the backtracking allocator climbs in the dominator tree, to where the ways to a block part: five nanoseconds each.
const JOINS_TO_BACKTRACK: Allowance = Allowance { base: 16 << 20, per_byte: 600 };
/// The same where signals are off.
const JOINS_WITHOUT_SIGNALS: Allowance = Allowance { base: 64 << 20, per_byte: 1200 };
/// Blocks that value numbering climbs in the dominator tree: half a nanosecond each.
const CLIMBS_TO_OPTIMIZE: Allowance = Allowance { base: 10 << 20, per_byte: 1000 };

/// Branches to traps, of which there are many where signals are off: each takes some eight kilobytes. (With more of them in one function
/// the register allocator would take quadratic time.)
const MOST_CHECKS: usize = 1 << 18;

/// What the translation of a function has used so far of what it may.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    body: usize,
    /// For each local, the last block that used it.
    last_uses: Vec<u32>,
    definitions: usize,
    renumberings: usize,
    reference_locals: usize,
    references: usize,
    checks: usize,
}

impl Budget {
    /// For a body of so many bytes.
    pub fn new(body: usize) -> Budget {
        Budget { body, ..Budget::default() }
    }

    pub fn declare_local(&mut self, is_ref: bool) {
        self.last_uses.push(0);
        self.reference_locals += usize::from(is_ref);
    }

    /// Notes that a local is read or written in `block`: Cranelift keeps an array of the definitions of each, as long as this block's
    /// number.
    pub fn use_local(&mut self, local: u32, block: Block) {
        let last = &mut self.last_uses[local as usize];
        let block = block.as_u32();
        self.definitions += block.saturating_sub(*last) as usize;
        *last = block.max(*last);
    }

    /// Notes that the jumps back to a loop are known: each of `locals` that were read before they were written in it is looked for in
    /// all of its `blocks`, at worst.
    pub fn close_loop(&mut self, locals: usize, blocks: usize) {
        self.definitions = self.definitions.saturating_add(locals.saturating_mul(blocks));
        self.renumberings = self.renumberings.saturating_add(locals.saturating_mul(locals) / 2);
    }

    /// Notes a call, across which every local and `operands` more may be references that live.
    pub fn call(&mut self, operands: usize) {
        self.references += self.reference_locals + operands;
    }

    /// An error if more of the function's references, which are known as `references`, live at once than can be told in proportion to its size.
    /// Called before Cranelift looks for those that live across calls.
    pub fn check_references(&self, func: &Function, references: &[Value]) -> Result<()> {
        let (count, most) = (references.len(), PAIRS.of(self.body));
        if count.saturating_mul(count).saturating_mul(func.dfg.num_blocks()) <= most {
            return Ok(());
        }
        let pairs = live_pairs(func, references);
        if pairs > most {
            Err(too_complex("references times those that live beside them", pairs, most))
        } else {
            Ok(())
        }
    }

    /// Notes a branch to a trap.
    pub fn count_check(&mut self) {
        self.checks += 1;
    }

    /// An error if the function so far is more than can be compiled in proportion to its size. Called for each operator.
    pub fn check(&self, func: &Function) -> Result<()> {
        let values = func.dfg.num_values();
        let most_values = VALUES.of(self.body).min(VALUES_OF_LARGE.of(self.body));
        if values > most_values {
            return Err(too_complex("values", values, most_values));
        }
        // What is found for one loop is there for those around it: no local is looked for twice in a block.
        let definitions = self.definitions.min(self.last_uses.len().saturating_mul(func.dfg.num_blocks()));
        if definitions > DEFINITIONS.of(self.body) {
            return Err(too_complex("locals times blocks", definitions, DEFINITIONS.of(self.body)));
        }
        if self.renumberings > RENUMBERINGS.of(self.body) {
            let most = RENUMBERINGS.of(self.body);
            return Err(too_complex("locals of a loop times each other", self.renumberings, most));
        }
        if self.references > REFERENCES.of(self.body) {
            return Err(too_complex("references times calls", self.references, REFERENCES.of(self.body)));
        }
        if self.checks > MOST_CHECKS {
            return Err(too_complex("checks where signals are off", self.checks, MOST_CHECKS));
        }
        Ok(())
    }
}

#[cold]
fn too_complex(what: &str, count: usize, most: usize) -> Error {
    Error::limit(format!("too complex to compile: it has at least {count} {what}, and may have {most}, by its length"))
}

/// What Cranelift does with a function.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// Whether it optimizes, as far as the options say.
    pub optimize: bool,
    /// Whether it allocates registers by the backtracking algorithm. The other takes a single pass, and a larger frame.
    pub backtrack: bool,
}

impl Effort {
    pub const FULL: Effort = Effort { optimize: true, backtrack: true };

    /// What a function with a body of so many bytes is worth. An error if it is more than can be compiled in proportion to its size.
    pub fn of(func: &Function, body: usize, signals: bool) -> Result<Effort> {
        let (blocks, values, insts) = (func.dfg.num_blocks(), func.dfg.num_values(), func.dfg.num_insts());
        let mut effort = Effort::FULL;
        // Most functions are so small that the factors alone tell.
        if blocks.saturating_mul(values) > SPANS_TO_BACKTRACK.of(body) {
            let most = if signals { SPANS } else { SPANS_WITHOUT_SIGNALS }.of(body);
            let spans = live_spans(func);
            if spans > most {
                return Err(too_complex("values times the blocks they live in", spans, most));
            }
            ask_for(spans.saturating_mul(12))?;
            effort.backtrack &= spans <= SPANS_TO_BACKTRACK.of(body);
        }
        if values > PARAMS_TO_BACKTRACK.of(body) {
            let params: usize = func.layout.blocks().map(|block| func.dfg.num_block_params(block)).sum();
            let most = PARAMS_WITHOUT_SIGNALS.of(body);
            if !signals && params > most {
                return Err(too_complex("locals times the places where control joins", params, most));
            }
            effort.backtrack &= params <= PARAMS_TO_BACKTRACK.of(body);
        }
        if blocks.saturating_mul(blocks) > JOINS_TO_BACKTRACK.of(body) {
            let (joins, most) = (joins(func), JOINS_WITHOUT_SIGNALS.of(body));
            if !signals && joins > most {
                return Err(too_complex("places where control joins times blocks between", joins, most));
            }
            effort.backtrack &= joins <= JOINS_TO_BACKTRACK.of(body);
        }
        if blocks.saturating_mul(insts) > CLIMBS_TO_OPTIMIZE.of(body) {
            effort.optimize = climbs(func) <= CLIMBS_TO_OPTIMIZE.of(body);
        }
        effort.optimize &= effort.backtrack;
        effort.backtrack |= !signals;
        Ok(effort)
    }
}

/// Less memory than this is what the check of the whole module has asked for ([`compile`](crate::code::compile)).
const LITTLE_MEMORY: usize = 8 << 20;

/// An error if there is not enough memory to make code of a function.
pub(crate) fn check_memory(func: &Function) -> Result<()> {
    let insts = func.dfg.num_insts().saturating_mul(1024);
    ask_for(insts.saturating_add(func.dfg.num_values().saturating_mul(64)))
}

fn ask_for(memory: usize) -> Result<()> {
    if memory < LITTLE_MEMORY { reserve::check_on_the_way(memory) } else { reserve::check_for(memory) }
}

/// For how many blocks values live, in total.
fn live_spans(func: &Function) -> usize {
    let mut spans = 0;
    live_ranges(func, |_, from, to| spans += (to - from) as usize);
    spans
}

/// How many pairs of these values live in a block at once, for all blocks together.
fn live_pairs(func: &Function, values: &[Value]) -> usize {
    let mut counted: SecondaryMap<Value, bool> = SecondaryMap::new();
    for &value in values {
        counted[func.dfg.resolve_aliases(value)] = true;
    }
    // By how many more of them live from a block on than in the one before.
    let mut changes = vec![0isize; func.dfg.num_blocks() + 1];
    live_ranges(func, |value, from, to| {
        if counted[value] {
            changes[from as usize + 1] += 1;
            changes[to as usize + 1] -= 1;
        }
    });
    let mut live = 0isize;
    let squares = changes.into_iter().map(|change| {
        live += change;
        live.unsigned_abs().saturating_mul(live.unsigned_abs())
    });
    squares.fold(0, usize::saturating_add)
}

/// Tells for which blocks values live: each, and the blocks after one up to another, in parts that follow each other.
///
/// A value lives from the block that defines it to the last that uses it, in the order of the code, and to the end of each loop
/// that uses it but does not define it.
fn live_ranges(func: &Function, mut tell: impl FnMut(Value, u32, u32)) {
    let mut numbers: SecondaryMap<Block, u32> = SecondaryMap::with_default(u32::MAX);
    for (number, block) in func.layout.blocks().enumerate() {
        numbers[block] = number as u32;
    }
    // For each block that is jumped back to, the last block that does.
    let mut loop_ends: SecondaryMap<Block, Option<u32>> = SecondaryMap::new();
    for block in func.layout.blocks() {
        for target in func.block_successors(block) {
            if numbers[target] <= numbers[block] {
                loop_ends[target] = Some(numbers[block]);
            }
        }
    }
    let mut defined: SecondaryMap<Value, u32> = SecondaryMap::with_default(u32::MAX);
    let mut ends: SecondaryMap<Value, u32> = SecondaryMap::new();
    // The loops around: where they begin, and where they end.
    let mut loops: Vec<(u32, u32)> = Vec::new();
    for block in func.layout.blocks() {
        let number = numbers[block];
        while loops.last().is_some_and(|&(_, end)| end < number) {
            loops.pop();
        }
        if let Some(end) = loop_ends[block] {
            loops.push((number, end));
        }
        for &param in func.dfg.block_params(block) {
            defined[param] = number;
        }
        for inst in func.layout.block_insts(block) {
            for &result in func.dfg.inst_results(inst) {
                defined[result] = number;
            }
            for arg in func.dfg.inst_values(inst) {
                let arg = func.dfg.resolve_aliases(arg);
                let from = defined[arg];
                if from >= number {
                    continue;
                }
                let outermost = loops.partition_point(|&(start, _)| start <= from);
                let end = loops.get(outermost).map_or(number, |&(_, end)| end.max(number));
                let known = ends[arg].max(from);
                if end > known {
                    tell(arg, known, end);
                    ends[arg] = end;
                }
            }
        }
    }
}

/// How far it is in the dominator tree from the blocks that control comes from to where their ways part, for all places where it joins.
fn joins(func: &Function) -> usize {
    let graph = ControlFlowGraph::with_function(func);
    let tree = DominatorTree::with_function(func, &graph);
    let mut depths: SecondaryMap<Block, u32> = SecondaryMap::new();
    for &block in tree.cfg_rpo() {
        depths[block] = tree.idom(block).map_or(0, |above| depths[above] + 1);
    }
    let mut total = 0;
    for &block in tree.cfg_rpo() {
        let parting = depths[block].saturating_sub(1);
        // Of one way only, nothing is climbed.
        let ways = graph.pred_iter(block).map(|way| depths[way.block].saturating_sub(parting) as usize);
        total += ways.sum::<usize>();
    }
    total
}

/// How far value numbering climbs in the dominator tree, for all pure values together: from the block of each to the one where its
/// operands, and theirs, are there first.
///
/// Values that are computed again from the same operands are found, not inserted: they do not count.
fn climbs(func: &Function) -> usize {
    let tree = DominatorTree::with_function(func, &ControlFlowGraph::with_function(func));
    let mut depths: SecondaryMap<Block, u32> = SecondaryMap::new();
    // For each value, the depth of the block where it could be computed first.
    let mut available: SecondaryMap<Value, u32> = SecondaryMap::new();
    // For each value that is another one computed again, that one.
    let mut same: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::new();
    let mut known: HashMap<u64, Value> = HashMap::new();
    let mut total = 0;
    for &block in tree.cfg_rpo() {
        let depth = tree.idom(block).map_or(0, |above| depths[above] + 1);
        depths[block] = depth;
        for &param in func.dfg.block_params(block) {
            available[param] = depth;
        }
        for inst in func.layout.block_insts(block) {
            if !is_pure(func, inst) {
                for &result in func.dfg.inst_results(inst) {
                    available[result] = depth;
                }
                continue;
            }
            let args = func.dfg.inst_values(inst).map(|arg| func.dfg.resolve_aliases(arg));
            let args: SmallVec<[Value; 4]> = args.map(|arg| same[arg].expand().unwrap_or(arg)).collect();
            let first = args.iter().map(|&arg| available[arg]).max().unwrap_or(0);
            let result = func.dfg.first_result(inst);
            available[result] = first;
            match number(func, inst, &args).map(|number| known.entry(number)) {
                Some(Entry::Occupied(found)) => same[result] = Some(*found.get()).into(),
                Some(Entry::Vacant(new)) => {
                    new.insert(result);
                    total += (depth - first) as usize;
                }
                None => total += (depth - first) as usize,
            }
        }
    }
    total
}

/// Whether value numbering may compute an instruction elsewhere.
fn is_pure(func: &Function, inst: Inst) -> bool {
    let data = &func.dfg.insts[inst];
    let opcode = data.opcode();
    let constant = data.memflags().is_some_and(|flags| {
        let flags = func.dfg.mem_flags[flags];
        flags.readonly() && flags.notrap() && flags.can_move()
    });
    let effect = opcode.is_call() || opcode.can_trap() || opcode.can_store() || opcode.other_side_effects();
    !effect && (constant || !opcode.can_load()) && func.dfg.inst_results(inst).len() == 1
}

/// A number that pure instructions share if they compute the same of `args`; `None` for those that are seldom computed again.
fn number(func: &Function, inst: Inst, args: &[Value]) -> Option<u64> {
    let data = &func.dfg.insts[inst];
    let mut hasher = DefaultHasher::new();
    data.opcode().hash(&mut hasher);
    func.dfg.ctrl_typevar(inst).hash(&mut hasher);
    match *data {
        InstructionData::UnaryImm { imm, .. } => imm.hash(&mut hasher),
        InstructionData::UnaryIeee32 { imm, .. } => imm.bits().hash(&mut hasher),
        InstructionData::UnaryIeee64 { imm, .. } => imm.bits().hash(&mut hasher),
        InstructionData::Load { offset, .. } => i32::from(offset).hash(&mut hasher),
        InstructionData::IntCompare { cond, .. } => cond.hash(&mut hasher),
        InstructionData::FloatCompare { cond, .. } => cond.hash(&mut hasher),
        InstructionData::Unary { .. } | InstructionData::Binary { .. } | InstructionData::Ternary { .. } => {}
        _ => return None,
    }
    args.hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::{CompileOptions, isa, sig};
    use crate::types::ErrorKind;
    use cranelift_codegen::ir::{InstBuilder, types};
    use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

    /// `block0(v0): v1 = v0 + 1; block1: if v0 goto block3; block2: use v2 = v0 + v0 of block1, goto block1; block3: return v1`.
    fn looping() -> Function {
        let mut func = Function::new();
        func.signature = sig::c(&[types::I64], &[types::I64]);
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let blocks = [(); 4].map(|()| builder.create_block());
        builder.append_block_params_for_function_params(blocks[0]);
        let param = builder.block_params(blocks[0])[0];
        builder.switch_to_block(blocks[0]);
        let outside = builder.ins().iadd_imm_s(param, 1);
        builder.ins().jump(blocks[1], &[]);
        builder.switch_to_block(blocks[1]);
        let inside = builder.ins().iadd(param, param);
        builder.ins().brif(param, blocks[3], &[], blocks[2], &[]);
        builder.switch_to_block(blocks[2]);
        builder.ins().iadd(inside, inside);
        builder.ins().jump(blocks[1], &[]);
        builder.switch_to_block(blocks[3]);
        builder.ins().return_(&[outside]);
        builder.seal_all_blocks();
        builder.finalize(isa::host(&CompileOptions::DEFAULT, Effort::FULL).unwrap().frontend_config());
        func
    }

    #[test]
    fn values_live_to_the_ends_of_loops() {
        // v0 to the end of the loop, block2; the one behind it to block3; that of block1 to block2.
        assert_eq!(live_spans(&looping()), 2 + 3 + 1);
        // In each of block1, block2 and block3.
        let all: Vec<Value> = looping().dfg.values().collect();
        assert_eq!(live_pairs(&looping(), &all), 2 * 2 + 3 * 3 + 1);
        assert_eq!(live_pairs(&looping(), &all[..1]), 1 + 1);
    }

    #[test]
    fn value_numbering_climbs_to_where_operands_are() {
        let func = looping();
        // What block1 computes of the parameter could be computed in block0, and so what block2 computes of that.
        assert_eq!(climbs(&func), 1 + 2);
        // From block2 back to block1, up to block0.
        assert_eq!(joins(&func), 2);
    }

    #[test]
    fn allowances_grow_with_the_body() {
        let func = looping();
        let blocks = func.dfg.num_blocks();
        let mut budget = Budget::new(1000);
        (0..DEFINITIONS.of(1000) / blocks).for_each(|_| budget.declare_local(false));
        // However many loops are around it, a local is defined in each block once.
        (0..1000).for_each(|_| budget.close_loop(1, DEFINITIONS.of(1000)));
        assert!(budget.check(&func).is_ok());
        (0..blocks).for_each(|_| budget.declare_local(false));
        assert_eq!(budget.check(&func).unwrap_err().kind(), ErrorKind::Limit);

        let mut budget = Budget::new(1000);
        budget.close_loop(1 << 12, 1);
        assert!(budget.check(&func).is_ok());
        (0..4).for_each(|_| budget.close_loop(1 << 12, 1));
        assert_eq!(budget.check(&func).unwrap_err().kind(), ErrorKind::Limit);

        let mut budget = Budget::new(1000);
        budget.declare_local(true);
        (0..REFERENCES.of(1000) / 2).for_each(|_| budget.call(1));
        assert!(budget.check(&looping()).is_ok());
        budget.call(0);
        assert_eq!(budget.check(&looping()).unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(Effort::of(&looping(), 10, true).unwrap(), Effort::FULL);
    }
}
