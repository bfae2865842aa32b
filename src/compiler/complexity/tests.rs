//! What is counted of small functions.

use super::*;
use crate::compiler::{CompileOptions, isa, sig};
use crate::types::ErrorKind;
use cranelift_codegen::ir::{BlockArg, InstBuilder, types};
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
fn values_are_passed_by_each_branch() {
    // No block of these has parameters but the first, which nothing goes to.
    assert_eq!(Passed::of(&looping()), Passed::default());
    let mut func = Function::new();
    func.signature = sig::c(&[types::I64], &[types::I64]);
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut context);
    let blocks = [(); 2].map(|()| builder.create_block());
    builder.append_block_params_for_function_params(blocks[0]);
    for _ in 0..3 {
        builder.append_block_param(blocks[1], types::I64);
    }
    builder.switch_to_block(blocks[0]);
    let param = builder.block_params(blocks[0])[0];
    let args = [BlockArg::Value(param); 3];
    builder.ins().brif(param, blocks[1], &args, blocks[1], &args);
    builder.switch_to_block(blocks[1]);
    builder.ins().return_(&[param]);
    builder.seal_all_blocks();
    builder.finalize(isa::host(&CompileOptions::DEFAULT, Effort::FULL).unwrap().frontend_config());
    assert_eq!(Passed::of(&func), Passed { arguments: 2 * 3, merges: 2 * 2 * 3 });
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
