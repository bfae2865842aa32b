//! Which references are certainly alive across a call of a function: read from the WebAssembly, not from what was compiled.
//!
//! A lower bound: values that come about in a stretch of straight code (or are the function's parameters) and are used behind a
//! call in the same stretch. Every one of them must be in the call's stack map, each in a slot of its own.

use std::collections::HashMap;
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidator, FunctionBody, Operator, OperatorsReader, ValType,
    ValidatorResources,
};

/// The calls of a function: where each is in the module's binary, and how many references are alive across it at least.
pub type LiveReferences = Vec<(u32, usize)>;

pub fn live_references(
    validator: &FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    params: u32,
) -> Result<LiveReferences, BinaryReaderError> {
    let FuncToValidate { resources, index, ty, features } = validator;
    let validator = FuncToValidate { resources: resources.clone(), index: *index, ty: *ty, features: *features };
    let mut validator = validator.into_validator(Default::default());
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let mut reader = OperatorsReader::new(reader);
    let mut stretch = Stretch::at_entry(&validator, params);
    while !reader.eof() {
        let offset = reader.original_position();
        let operator = reader.read()?;
        let arity = operator.operator_arity(&validator);
        validator.op(offset, &operator)?;
        match arity {
            Some((pops, pushes)) if !is_control(&operator) => {
                stretch.operator(&validator, offset as u32, &operator, pops as usize, pushes as usize);
            }
            _ => stretch.forget(),
        }
    }
    Ok(stretch.calls)
}

/// A reference, by when it came about: before call number `born`.
#[derive(Copy, Clone)]
struct Reference {
    id: usize,
    born: usize,
}

/// A stretch of code without control instructions.
#[derive(Default)]
struct Stretch {
    next_id: usize,
    /// The operands above those that were there when the stretch began.
    operands: Vec<Option<Reference>>,
    locals: HashMap<u32, Reference>,
    /// The calls of the whole function, with the number of references that are alive.
    calls: LiveReferences,
    /// For each reference the calls that it is known to be alive across are those up to here.
    counted: HashMap<usize, usize>,
}

impl Stretch {
    /// The parameters of a function are distinct references. The other locals are null, which need not be kept.
    fn at_entry(validator: &FuncValidator<ValidatorResources>, params: u32) -> Stretch {
        let mut stretch = Stretch::default();
        for local in 0..params {
            if matches!(validator.get_local_type(local), Some(ValType::Ref(_))) {
                let reference = stretch.new_reference();
                stretch.locals.insert(local, reference);
            }
        }
        stretch
    }

    fn new_reference(&mut self) -> Reference {
        self.next_id += 1;
        Reference { id: self.next_id, born: self.calls.len() }
    }

    fn forget(&mut self) {
        self.operands.clear();
        self.locals.clear();
    }

    fn operator(
        &mut self,
        validator: &FuncValidator<ValidatorResources>,
        offset: u32,
        operator: &Operator<'_>,
        pops: usize,
        pushes: usize,
    ) {
        let popped: Vec<_> = (0..pops).map(|_| self.operands.pop().flatten()).collect();
        match *operator {
            Operator::LocalGet { local_index } => return self.operands.push(self.locals.get(&local_index).copied()),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                match popped[0] {
                    Some(reference) => drop(self.locals.insert(local_index, reference)),
                    None => drop(self.locals.remove(&local_index)),
                }
                if pushes == 1 {
                    self.operands.push(popped[0]);
                }
                return;
            }
            _ => {}
        }
        if uses_references(operator) {
            popped.into_iter().flatten().for_each(|reference| self.note_use(reference));
        }
        if matches!(operator, Operator::Call { .. } | Operator::CallIndirect { .. }) {
            self.calls.push((offset, 0));
        }
        for depth in (0..pushes).rev() {
            let ty = validator.get_operand_type(depth).flatten();
            let gives = gives_references(operator) && matches!(ty, Some(ValType::Ref(_)));
            let reference = gives.then(|| self.new_reference());
            self.operands.push(reference);
        }
    }

    /// Counts a reference for all calls between its birth, or its last use, and now.
    fn note_use(&mut self, reference: Reference) {
        let from = self.counted.insert(reference.id, self.calls.len()).unwrap_or(reference.born);
        self.calls[from..].iter_mut().for_each(|(_, alive)| *alive += 1);
    }
}

/// Operators that do something with the references they take, which cannot be left out.
fn uses_references(operator: &Operator<'_>) -> bool {
    use Operator::{Call, CallIndirect, GlobalSet, TableFill, TableGrow, TableSet};
    matches!(
        operator,
        Call { .. } | CallIndirect { .. } | GlobalSet { .. } | TableSet { .. } | TableGrow { .. } | TableFill { .. }
    )
}

/// Operators whose references are known by nothing else.
fn gives_references(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::TableGet { .. })
}

fn is_control(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        Unreachable
            | Block { .. }
            | Loop { .. }
            | If { .. }
            | Else
            | End
            | Br { .. }
            | BrIf { .. }
            | BrTable { .. }
            | Return
    )
}
