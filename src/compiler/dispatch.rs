//! Operators.
use super::func::FuncTranslator;
use crate::types::{Error, Result};
use wasmparser::Operator;

pub(crate) fn translate(_t: &mut FuncTranslator<'_>, op: &Operator<'_>) -> Result<()> {
    Err(Error::unsupported(format!("operator {op:?}")))
}
